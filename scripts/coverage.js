/**
 * `npm run coverage`: the lines and branches of src/ that the tests execute, as pages in coverage/.
 *
 * On one build of the kernels, since src/ is the same on all of them. Code that runs in browsers, threads and packed
 * packages is not measured.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ready } from './ready.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Percentages below which it fails: just below the last measurement. */
const floor = { lines: 98.2, branches: 94 };

/** Tests that import src/ and run in Node. */
const tests = ['facade', 'data', 'forecast', 'onnx', 'plot', 'saving'].map(folder => `test/${folder}/`);

/** @typedef {Record<'lines' | 'branches', { total: number, covered: number, pct: number }>} Figures */

/** Runs the tests, and returns the coverage of all files together. @returns {Figures} */
function measure() {
  const summary = `${root}coverage/coverage-summary.json`;
  rmSync(summary, { force: true });
  const projects = ['strict', 'fresh', 'once', 'sharing'].map(name => `--project=${name}`);
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--coverage', ...projects];
  const { status } = spawnSync(process.execPath, [...args, ...tests], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error('coverage: the tests must pass');
  return JSON.parse(readFileSync(summary, 'utf8')).total;
}

await ready('kernels');
const figures = measure();
for (const kind of /** @type {const} */ (['lines', 'branches'])) {
  const { pct } = figures[kind];
  if (pct >= floor[kind]) continue;
  console.error(`npm run coverage: ${kind} must be at least ${floor[kind]} %, got ${pct} %`);
  process.exitCode = 1;
}
