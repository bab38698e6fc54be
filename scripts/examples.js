/** Runs the examples, for tests. An example that does not learn exits with an error. */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** More than any of them takes on TensorFlow.js on a slow machine. In milliseconds. */
const LONGEST = 15 * 60_000;

const root = fileURLToPath(new URL('..', import.meta.url));

export const names = ['addition', 'text', 'weather', 'sentiment'];

/**
 * Runs an example; resolves to its output and its exit code.
 *
 * @param {string} name
 * @param {readonly string[]} flags
 * @returns {Promise<{ code: number, output: string }>}
 */
export function run(name, ...flags) {
  return new Promise(resolve => {
    const options = { cwd: root, timeout: LONGEST, killSignal: /** @type {const} */ ('SIGKILL') };
    execFile(process.execPath, [`examples/${name}.js`, ...flags], options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr }),
    );
  });
}
