/**
 * Thousands of programs of right and wrong calls in any order, on the kernels that ship and on the debug build with fences
 * around all that is planned: test/properties says what has to hold.
 *
 * LSTM_WASM_PROPERTIES sets how many programs; 6000 where it is absent.
 */

import { runTests } from '../vitest.js';

/** Other programs than those of `npm test`, the same ones each time. */
const SEED = 7;

/** @type {import('../run.js').Step} */
export const properties = {
  name: 'properties',
  about: 'programs of right and wrong calls in any order',
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
      const tests = { files: ['test/properties'], env, note: `SEED=${seed}`, threads: true };
      outcomes.push({ what, ...(await runTests(root, tests)) });
    }
    return outcomes;
  },
};
