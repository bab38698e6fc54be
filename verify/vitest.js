/** Some of the tests, as `npm test` does not run them: more programs, more cases, other builds. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Longer than that on a slow machine only where something hangs. */
const LONGEST = 20 * 60_000;

/**
 * @typedef {object} Tests
 * @property {string[]} files or folders of tests, below the root of the checkout
 * @property {string} [project] of vitest.config.ts
 * @property {Record<string, string>} env what is more in the environment
 * @property {string} note what says how to repeat it
 * @property {boolean} [threads] of one process, which ends as a whole where a call hangs
 */

/**
 * @param {string} root
 * @param {Tests} tests
 * @returns {Promise<Omit<import('./run.js').Outcome, 'what'>>}
 */
export async function runTests(root, { files, project = 'once', env, note, threads = false }) {
  const words = [
    `${root}node_modules/vitest/vitest.mjs`,
    'run',
    '--project',
    project,
    ...files,
    ...(threads ? ['--pool=threads'] : []),
    '--reporter=json',
  ];
  const options = {
    cwd: root,
    env: { ...process.env, ...env },
    timeout: LONGEST,
    killSignal: /** @type {const} */ ('SIGKILL'),
    maxBuffer: 2 ** 28,
  };
  const { stdout, stderr, killed } = await promisify(execFile)(process.execPath, words, options).catch(error => error);
  if (killed) return { status: 'failed', note: `a call hangs: ${note}, not over after ${LONGEST / 60_000} minutes` };
  const from = String(stdout).indexOf('{"numTotalTestSuites"');
  if (from < 0) return { status: 'failed', note: `vitest did not run: ${`${stderr}${stdout}`.slice(0, 600)}` };
  const report = JSON.parse(String(stdout).slice(from));
  const passed = `${report.numPassedTests} of ${report.numTotalTests} tests passed`;
  // Each file has one test at least: without it nothing was tried.
  if (report.success && report.numPassedTests >= files.length) return { status: 'passed', note: `${note}; ${passed}` };
  const messages = report.testResults.flatMap((/** @type {any} */ file) => [
    ...file.assertionResults.flatMap((/** @type {any} */ test) => test.failureMessages),
    ...(file.message ? [file.message] : []),
  ]);
  return { status: 'failed', note: [...messages, passed, stderr].join('\n').slice(0, 4000) };
}
