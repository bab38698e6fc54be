/**
 * What `npm test` leaves out of the tests, since it takes long and most of it has run on another build or in another
 * browser: test/setup/often.ts and vitest.config.ts say what. What looks at a clock is in a step of its own, which runs alone.
 */

import { runTests } from '../vitest.js';

const env = { LSTM_WASM_OFTEN: '1' };

const damaged = [
  'test/onnx/adversarialInputs.test.ts',
  'test/saving/kerasAdversarial.test.ts',
  'test/saving/safetensorsFuzz.test.ts',
];

/** @type {(Omit<import('../vitest.js').Tests, 'env' | 'note'> & { what: string })[]} */
const all = [
  { what: 'Damaged files of Keras, ONNX and safetensors, four times as many as in the tests', files: damaged },
  { what: 'The sections of the page, in all browsers', files: ['test/browser/sections/'] },
  { what: 'Models in workers that are terminated, in browsers', files: ['test/browser/worker.test.ts'] },
  { what: 'Many models in a page', files: ['test/browser/many.test.ts'] },
  { what: 'The heap of a long training', files: ['test/package/heap.test.ts'] },
  { what: 'Every tile stays in registers', files: ['test/guard/spills.test.ts'] },
  ...['relaxed', 'debug', 'joined'].map(project => ({
    what: `All tests of the facade on the ${project} build`,
    project,
    files: ['test/facade/'],
  })),
  ...['relaxed', 'debug', 'joined'].map(project => ({
    what: `All cases of the recurrent kernels on the ${project} build`,
    project,
    files: ['gru', 'lstmWays', 'simpleRnn'].map(name => `test/kernels/${name}.test.ts`),
  })),
];

/** @type {import('../run.js').Step} */
export const tests = {
  name: 'tests',
  about: 'what `npm test` leaves out: in other browsers, on other builds, or more often; five minutes',
  async run({ root, say }) {
    /** @type {import('../run.js').Outcome[]} */
    const outcomes = [];
    for (const { what, ...each } of all) {
      say(`  ${what}`);
      const { project = 'once', files } = each;
      const note = `--project ${project}, ${files.length === 1 ? files[0] : `${files.length} files`}`;
      outcomes.push({ what, ...(await runTests(root, { ...each, env, note })) });
    }
    return outcomes;
  },
};

/** @type {import('../run.js').Step} */
export const clock = {
  name: 'clock',
  when: 'alone',
  about: 'how fast the page is, and a training that is killed twenty times',
  async run({ root }) {
    /** @type {Record<string, string>} */
    const each = {
      'Pages paint, draw and train in time': 'test/browser/pace.test.ts',
      'A training that is killed twenty times ends with the same bits': 'test/package/kill.test.ts',
    };
    /** @type {import('../run.js').Outcome[]} */
    const outcomes = [];
    for (const [what, file] of Object.entries(each)) {
      outcomes.push({ what, ...(await runTests(root, { project: 'alone', files: [file], env, note: file })) });
    }
    return outcomes;
  },
};
