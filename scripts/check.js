/** `npm run check`: generated files, types, lint, format, import cycles and the budget of lines. */

import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ready } from './ready.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const checks = [
  ['node_modules/typescript/bin/tsc', '-p', '.', '--incremental', '--tsBuildInfoFile', 'build/tsc.json'],
  ['scripts/fit-activations.js', '--check'],
  ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings'],
  ['scripts/fit-log.js', '--check'],
  ['scripts/generate-tiles.js', '--check'],
  ['scripts/lines.js'],
];

/** Runs all checks, one per core; exits with code 1 if one fails. */
export async function check() {
  await ready('kernels');
  const waiting = [...checks];
  let failed = false;
  const work = async () => {
    for (let args = waiting.shift(); args; args = waiting.shift()) {
      const { passed, output } = await run(args);
      if (output) console.log(output);
      if (!passed) console.error(`npm run check: node ${args.join(' ')} failed`);
      failed ||= !passed;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  if (failed) process.exit(1);
}

/**
 * @param {string[]} args
 * @returns {Promise<{ passed: boolean, output: string }>}
 */
function run(args) {
  return new Promise(resolve => {
    execFile(process.execPath, args, { cwd: root, maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({ passed: !error, output: `${stdout}${stderr}`.trim() }),
    );
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await check();
