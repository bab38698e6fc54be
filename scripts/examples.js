/** Runs the examples, for tests. An example that does not meet its requirement exits with code 1. */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Milliseconds after which an example is killed; more than any takes with TensorFlow.js on a slow machine. */
const TIMEOUT = 15 * 60_000;

const root = fileURLToPath(new URL('..', import.meta.url));

export const names = [
  ...['addition', 'text', 'weather', 'sentiment', 'translation', 'date-conversion-attention'],
  ...['activity', 'strokes', 'quantiles'],
];

/**
 * Runs an example; resolves to its output and its exit code.
 *
 * @param {string} name
 * @param {readonly string[]} flags
 * @returns {Promise<{ code: number, output: string }>}
 */
export function run(name, ...flags) {
  return new Promise(resolve => {
    const options = { cwd: root, timeout: TIMEOUT, killSignal: /** @type {const} */ ('SIGKILL') };
    execFile(process.execPath, [`examples/${name}.js`, ...flags], options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr }),
    );
  });
}
