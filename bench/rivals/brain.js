/**
 * brain.js. It has no LSTM: its cell multiplies the forget gate by the last output, so it carries no cell state. It also has no
 * batches, no initial states, and no targets other than the next input. The closest equivalent is timed: the same number
 * of sequences, units and steps, with one update per sequence, and the prediction of one value after each sequence.
 */

import { createRequire } from 'node:module';
import { load, measured } from './rival.js';

/** @typedef {import('./rival.js').Rival} Rival */
/** @typedef {import('../workloads.js').Floats} Floats */

/** @returns {Promise<Rival>} */
export async function brain() {
  const { default: brain } = await load('brain.js');
  const { version } = createRequire(import.meta.url)('brain.js/package.json');
  return {
    name: 'brain.js',
    version: `brain.js ${version}`,
    checkedWith: 'sgd',
    differs: 'no true LSTM cell and no batches: 50 sequences one by one, each with an update',
    limitation: ({ name }, kind) =>
      kind === 'create' ? 'it has different weights' : name === 'seed' ? '' : 'measured on the seed workload only',

    async build({ workload: { units, batch, timeSteps }, data }) {
      const net = new brain.recurrent.LSTMTimeStep({ inputSize: 1, hiddenLayers: units, outputSize: 1 });
      const x = /** @type {Floats} */ (data.x);
      // One value more than steps, because the target of each step is the next value.
      const sequences = Array.from({ length: batch }, (_, b) =>
        Array.from({ length: timeSteps + 1 }, (_, t) => x[(b * timeSteps + t) % x.length]),
      );
      const inputs = sequences.map(sequence => sequence.slice(0, timeSteps));
      net.train(sequences, { iterations: 1 }); // creates the weights
      const formatted = net.formatData(sequences);
      const train = () => {
        let error = 0;
        for (const sequence of formatted) error += net.trainPattern(sequence, true);
        return error / batch;
      };
      const predict = () => inputs.map(sequence => net.run(sequence));
      return {
        outputs: () => Float32Array.from(predict()),
        train,
        measure: measured(predict, train),
        dispose: () => {},
      };
    },
  };
}
