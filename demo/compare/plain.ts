/** The worker of plain JavaScript: the baseline of the benchmark. */

import { BaselineLstm } from '../../bench/baseline.js';
import { type Numbers, serve } from './thread.ts';

serve<Numbers>((sizes, weights) => {
  const model = new BaselineLstm(sizes);
  model.setWeights(weights!);
  return {
    weights: weights!,
    batch: numbers => numbers,
    step({ xs, ys }) {
      if (!sizes.stateful) model.resetStates();
      return model.trainOnBatch(xs, ys);
    },
    dispose() {},
  };
});
