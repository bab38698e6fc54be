/** Plain JavaScript: a careful hand-written implementation, and a fully optimized one. One LSTM layer only. */

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
    limitation: ({ units }, kind) =>
      kind === 'create' ? 'it has no initializers' : units.length > 1 ? 'it supports only one layer' : '',

    async build({ workload, weights, data, learningRate }) {
      const { stateful, units, batch, timeSteps, inputs, outputs } = workload;
      const model = new Lstm({ batch, timeSteps, inputs, units: units[0] ?? 0, outputs, learningRate });
      model.setWeights(weights);
      const resetUnlessStateful = stateful ? () => {} : () => model.resetStates();
      const predict = () => {
        resetUnlessStateful();
        return model.predict(data.x);
      };
      const train = () => {
        resetUnlessStateful();
        return model.trainOnBatch(data.x, data.y); // Adam in the Keras form is its only optimizer
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
