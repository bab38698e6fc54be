/** Side by side with TensorFlow.js, at greater length than the tests: the examples learn there too, from the same sources. */

import { names, run } from '../../scripts/examples.js';
import { installTfjs } from '../../scripts/tfjs.js';
import { passedIf } from '../outcome.js';
import { ask, firstLines } from '../package/commands.js';

/** TF.js takes a minute for the three kinds of cells; one of them is enough. */
const flags = { addition: ['--cell', 'gru', '--epochs', '20'] };
const PROGRAMS = '300';

/** @type {import('../run.js').Step} */
export const tfjs = {
  name: 'tfjs',
  about: 'examples and random programs on TensorFlow.js and on lstm-wasm; three minutes',
  async run({ root }) {
    await installTfjs();
    const outcomes = [];
    for (const name of names) {
      const { code, output } = await run(name, '--quick', '--tfjs', ...(flags[/** @type {'addition'} */ (name)] ?? []));
      const verdict = output.split('\n').find(line => line.endsWith('is asked for)'));
      outcomes.push({
        what: `${name} learns on TensorFlow.js`,
        status: passedIf(code === 0 && verdict !== undefined),
        note: verdict ?? output.slice(-300),
      });
    }
    outcomes.push(programs(root));
    return outcomes;
  },
};

/**
 * @param {string} root
 * @returns {import('../run.js').Outcome}
 */
function programs(root) {
  const words = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'once', 'test/tfjs/programs.test.ts'];
  const { status, stdout, stderr } = ask(process.execPath, words, root, { PARITY_CASES: PROGRAMS });
  return {
    what: `${PROGRAMS} random programs give what they give in TensorFlow.js`,
    status: status === 0 ? 'passed' : 'failed',
    note: status === 0 ? (stdout.match(/Tests .*/)?.[0] ?? '') : firstLines(stderr || stdout),
  };
}
