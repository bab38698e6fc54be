/**
 * `npm run coverage`: which lines and branches of src/ the tests go through. Pages to look at are in coverage/.
 *
 * One build of the kernels is enough for that, since src/ is the same with all of them. What runs in browsers, threads
 * and packed packages is out of sight here.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ready } from './ready.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Percents below which it fails: just below what was measured when they were last raised. */
export const floor = { lines: 98.2, branches: 94 };

/** What touches src/ and runs on this Node. */
const tests = ['facade', 'data', 'onnx', 'plot', 'saving'].map(folder => `test/${folder}/`);

/** @typedef {Record<'lines' | 'branches', { total: number, covered: number, pct: number }>} Figures */

/**
 * Runs the tests, and returns what they cover, in all and by file.
 * @returns {{ total: Figures, files: Record<string, Figures> }}
 */
export function measure() {
  const summary = `${root}coverage/coverage-summary.json`;
  rmSync(summary, { force: true });
  const words = ['node_modules/vitest/vitest.mjs', 'run', '--coverage', '--project', 'strict', '--project', 'once'];
  const env = { ...process.env, LSTM_WASM_OFTEN: '1' }; // all the damaged files: test/setup/often.ts
  const { status } = spawnSync(process.execPath, [...words, ...tests], { cwd: root, env, stdio: 'inherit' });
  if (status !== 0) throw new Error('the tests must pass before what they cover means anything');
  const { total, ...files } = JSON.parse(readFileSync(summary, 'utf8'));
  return { total, files };
}

/**
 * The kinds that are below the floor, in words.
 * @param {Figures} figures
 */
export function tooLow(figures) {
  const kinds = /** @type {const} */ (['lines', 'branches']);
  return kinds
    .filter(kind => figures[kind].pct < floor[kind])
    .map(kind => `${kind}: ${figures[kind].pct} %, which must be at least ${floor[kind]} %`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await ready('kernels');
  const failures = tooLow(measure().total);
  for (const failure of failures) console.error(`npm run coverage: ${failure}`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}
