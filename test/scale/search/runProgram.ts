/** Runs program.js in a process. */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./program.js', import.meta.url));

/** Runs the program. @param killAfter kills it after so many lines of progress @returns what it has printed; null if it was killed */
export function run(args: readonly string[], killAfter = Number.POSITIVE_INFINITY): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args]);
    let [output, errors, lines] = ['', '', 0];
    child.stdout.on('data', data => {
      output += data;
    });
    child.stderr.on('data', data => {
      errors += data;
      lines += String(data).split('\n').length - 1;
      if (lines >= killAfter) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(null);
      else if (code === 0) resolve(output);
      else reject(new Error(errors));
    });
  });
}
