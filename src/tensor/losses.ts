/**
 * Loss functions of two tensors, for baselines and reports. `compile` accepts them in place of the names of the losses;
 * training then uses the kernels.
 */

import { ctc, pinball } from '../objective/lossSettings.ts';
import { registerNames } from '../objective/metricNames.ts';
import { limitArgumentsInTable } from '../util/arguments.ts';
import { fail } from '../util/errors.ts';
import { showShape } from '../util/shapes.ts';
import { abs, squaredDifference, sub } from './arithmetic.ts';
import { asTensor, type TensorLike } from './read.ts';
import { mean } from './reduce.ts';
import type { Tensor } from './tensorClass.ts';

function pair(call: string, labels: TensorLike, predictions: TensorLike): [Tensor, Tensor] {
  const [a, b] = [asTensor(call, 'labels', labels), asTensor(call, 'predictions', predictions)];
  if (showShape(a.shape) !== showShape(b.shape)) {
    fail(call, `predictions must have the shape of labels, ${showShape(a.shape)}, got ${showShape(b.shape)}`);
  }
  return [a, b];
}

/** Losses between two tensors of equal shape; and losses with options, for `compile`. */
export const losses = /* @__PURE__ */ (() => {
  const all = limitArgumentsInTable('losses', {
    /** The mean of |labels - predictions|, a scalar. */
    absoluteDifference(labels: TensorLike, predictions: TensorLike): Tensor {
      const [a, b] = pair('losses.absoluteDifference', labels, predictions);
      return mean(abs(sub(a, b)));
    },

    /** The mean of (labels - predictions)^2, a scalar. */
    meanSquaredError(labels: TensorLike, predictions: TensorLike): Tensor {
      const [a, b] = pair('losses.meanSquaredError', labels, predictions);
      return mean(squaredDifference(a, b));
    },

    /**
     * The quantile loss: the mean over levels q of max(q d, (q - 1) d) with d = label - prediction. The output has a feature
     * for each level; with n targets, first all levels of the first target, then those of the next. y has n features.
     */
    pinball,

    /**
     * Connectionist temporal classification: -log of the probability that the output [batch, timeSteps, classes] has the
     * labels y [batch, maxLabels] of a shorter sequence, padded with -1. The output holds logits or ends in a softmax.
     */
    ctc,
  });
  registerNames({ meanAbsoluteError: all.absoluteDifference, meanSquaredError: all.meanSquaredError });
  return all;
})();
