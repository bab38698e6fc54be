/**
 * Thousands of programs of right and wrong calls in any order, on the kernels that ship and on the debug build with fences
 * around all that is planned: test/properties says what has to hold. And all the damaged files of which `npm test` tries a
 * quarter: test/setup/often.ts. And on the relaxed and the joined build the tests of the facade that `npm test` leaves to the
 * others: vitest.config.ts.
 *
 * LSTM_WASM_PROPERTIES sets how many programs; 6000 where it is absent.
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Longer than that on a slow machine only where something hangs. */
const LONGEST = 20 * 60_000;

/** Other programs than those of `npm test`, the same ones each time. */
const SEED = 7;

const often = { LSTM_WASM_OFTEN: '1' };

/** The tests that ask test/setup/often.ts how often. */
const FILES = ['test/onnx/hostile.test.ts', 'test/saving/kerasHostile.test.ts', 'test/saving/safetensors-fuzz.test.ts'];

/** @type {import('../run.js').Step} */
export const properties = {
  name: 'properties',
  about: 'programs of right and wrong calls in any order, damaged files, and the facade on all builds',
  async run({ root, say }) {
    const all = Number(process.env.LSTM_WASM_PROPERTIES || 6000);
    if (!Number.isInteger(all) || all < 3) throw new Error(`LSTM_WASM_PROPERTIES must be at least 3, got ${all}`);
    /** @type {[string, number, number][]} */
    const parts = [
      ['strict', Math.round((all * 2) / 3), SEED],
      ['debug', Math.round(all / 3), SEED + 1],
    ];
    /** @type {import('../run.js').Outcome[]} */
    const outcomes = [];
    for (const [build, count, seed] of parts) {
      say(`  ${count} on the ${build} build`);
      const fences = build === 'debug' ? ', with fences around all blocks and buffers' : '';
      const what = `${count.toLocaleString('en')} programs on the ${build} build${fences}`;
      const env = { PROPERTIES: String(count), SEED: String(seed), PROPERTIES_BUILD: build };
      outcomes.push({ what, ...(await run(root, ['test/properties'], env, `SEED=${seed}`)) });
    }
    say('  damaged files');
    const what = 'Damaged files of Keras, ONNX and safetensors, four times as many as in the tests';
    outcomes.push({ what, ...(await run(root, FILES, often, `${FILES.length} files of tests`)) });
    for (const build of ['relaxed', 'joined']) {
      say(`  the facade on the ${build} build`);
      const what = `All tests of the facade on the ${build} build`;
      outcomes.push({ what, ...(await run(root, ['test/facade/'], often, `--project ${build}`, build)) });
    }
    return outcomes;
  },
};

/**
 * @param {string} root
 * @param {string[]} files of tests
 * @param {Record<string, string>} more of the environment
 * @param {string} note what says how to repeat it
 * @param {string} [project] of vitest.config.ts
 * @returns {Promise<Omit<import('../run.js').Outcome, 'what'>>}
 */
async function run(root, files, more, note, project = 'once') {
  const words = [
    `${root}node_modules/vitest/vitest.mjs`,
    'run',
    '--project',
    project,
    ...files,
    '--pool=threads', // of one process, which ends as a whole where a call hangs
    '--reporter=json',
  ];
  const env = { ...process.env, ...more };
  const options = {
    cwd: root,
    env,
    timeout: LONGEST,
    killSignal: /** @type {const} */ ('SIGKILL'),
    maxBuffer: 2 ** 28,
  };
  const { stdout, stderr, killed } = await promisify(execFile)(process.execPath, words, options).catch(error => error);
  if (killed) return { status: 'failed', note: `a call hangs: ${note}, not over after ${LONGEST / 60_000} minutes` };
  const from = String(stdout).indexOf('{"numTotalTestSuites"');
  if (from < 0) return { status: 'failed', note: `vitest did not run: ${`${stderr}${stdout}`.slice(0, 600)}` };
  const report = JSON.parse(String(stdout).slice(from));
  // Each file has one test at least: without it nothing was tried.
  if (report.success && report.numPassedTests >= files.length) return { status: 'passed', note };
  const messages = report.testResults.flatMap((/** @type {any} */ file) => [
    ...file.assertionResults.flatMap((/** @type {any} */ test) => test.failureMessages),
    ...(file.message ? [file.message] : []),
  ]);
  const passed = `${report.numPassedTests} of ${report.numTotalTests} tests passed`;
  return { status: 'failed', note: [...messages, passed, stderr].join('\n').slice(0, 4000) };
}
