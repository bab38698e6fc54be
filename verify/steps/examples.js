/** The examples learn on TensorFlow.js, too, from the same sources. On lstm-wasm the tests show it. */

import { names, run } from '../../scripts/examples.js';
import { installTfjs } from '../../scripts/tfjs.js';

/** TF.js takes a minute for the three kinds of cells; one of them is enough. */
const flags = { addition: ['--cell', 'gru', '--epochs', '20'] };

/** @type {import('../run.js').Step} */
export const examples = {
  name: 'examples',
  about: 'the examples learn on TensorFlow.js from the same sources; two minutes',
  async run() {
    await installTfjs();
    const outcomes = [];
    for (const name of names) {
      const { code, output } = await run(name, '--quick', '--tfjs', ...(flags[/** @type {'addition'} */ (name)] ?? []));
      const verdict = output.split('\n').find(line => line.endsWith('is asked for)'));
      outcomes.push({
        what: `${name} on TensorFlow.js`,
        status: /** @type {const} */ (code === 0 && verdict ? 'passed' : 'failed'),
        note: verdict ?? output.slice(-300),
      });
    }
    return outcomes;
  },
};
