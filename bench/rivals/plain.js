/** Plain JavaScript: what a careful programmer writes, and the same with all the tricks we know. One LSTM layer only. */

import { BaselineLstm } from '../baseline.js';
import { TunedLstm } from '../tuned.js';
import { measured } from './rival.js';

/** @typedef {import('./rival.js').Rival} Rival */

/**
 * @param {'plain JavaScript' | 'tuned JavaScript'} name
 * @returns {Rival}
 */
export function plain(name) {
  const Lstm = name === 'plain JavaScript' ? BaselineLstm : TunedLstm;
  return {
    name,
    version: name === 'plain JavaScript' ? 'bench/baseline.js' : 'bench/tuned.js',
    checkedWith: 'adam',
    refuses: ({ units }, kind) =>
      kind === 'create' ? 'it has no initial weights' : units.length > 1 ? 'it has one layer' : '',

    async build({ workload, weights, data, learningRate }) {
      const { stateful, units, batch, timeSteps, inputs, outputs } = workload;
      const model = new Lstm({ batch, timeSteps, inputs, units: units[0] ?? 0, outputs, learningRate });
      model.setWeights(weights);
      const fresh = stateful ? () => {} : () => model.resetStates();
      const predict = () => {
        fresh();
        return model.predict(data.x);
      };
      const train = () => {
        fresh();
        return model.trainOnBatch(data.x, data.y); // by Adam, the only one it has, in Keras's form
      };
      return {
        outputs: () => predict().slice(),
        train,
        measure: measured(() => void predict(), train),
        dispose: () => {},
      };
    },
  };
}
