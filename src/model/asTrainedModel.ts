/** A model as the training loop sees it. */

import { shapeOfBatch } from '../inputs/batches.ts';
import { isSparse } from '../objective/losses.ts';
import type { Metric } from '../objective/metrics.ts';
import { shapeOfTarget, targetShapeOf } from '../objective/targets.ts';
import type { CallbackModel } from '../training/callback.ts';
import { Means } from '../training/history.ts';
import type { TrainedModel } from '../training/trainedModel.ts';
import { fail } from '../util/errors.ts';
import type { ModelView } from './modelView.ts';
import { readSnapshot } from './snapshot.ts';
import type { TrainStep } from './trainStep.ts';

/** Whether a metric is the root of a mean: its square is averaged over batches. */
const isRoot = (metric: Metric) => metric.kindOf(1) === 'rootMeanSquaredError';

export function asTrainedModel(model: CallbackModel, view: ModelView, step: TrainStep): TrainedModel {
  const { stack } = view;
  return {
    model,
    seeds: stack.seeds,
    training: false,
    signal: null,
    progress: null,
    readSnapshot: (call, name, bytes) => readSnapshot(call, view, bytes, name),
    get stateful() {
      return stack.layers.some(layer => layer.stateful);
    },
    objective: call => view.objective(call),
    checkNotDisposed: (call, message) => {
      if (view.isDisposed) fail(call, message);
    },
    fixedBatch: call => view.fixedBatch(call),
    shapes: (call, x, y, names, samples) => {
      const { loss } = view.objective(call);
      const shape = shapeOfBatch(call, names[0], x, [samples, ...view.inputShape(call).slice(1)]);
      const target = targetShapeOf(call, loss, view.outputFor(call, shape));
      return { x: shape, y: shapeOfTarget(call, names[1], y, loss, target), target };
    },
    checkInput: (call, name, numbers) => view.checkInput(call, name, numbers, 0, numbers.length),
    labels: () => model.metricsNames,
    means: () => new Means(model.metricsNames, [false, ...(stack.objective?.metrics ?? []).map(isRoot)]),
    classes: call => {
      if (!isSparse(view.objective(call).loss)) return null;
      const masks = stack.layers.some(layer => layer.createsMask);
      return masks ? null : (view.outputShape(call).at(-1) ?? null);
    },
    train: (call, x, y, weights) => step.train(call, x, y, weights),
    test: (call, x, y, weights, of) => step.test(call, x, y, weights, of),
    restoreStatesOnError: view.restoreStatesOnError.bind(view),
    warnIfNotFinite: (call, results, of, diagnose) => step.warnIfNotFinite(call, results, true, of, diagnose),
    resetWarning: call => {
      view.parameters(call).warned = false;
    },
  };
}
