/** A model as the training loop sees it. */

import { shapeOfBatch, unwrapTensor } from '../inputs/batches.ts';
import { partName, partsOf } from '../inputs/parts.ts';
import type { Metric } from '../objective/metrics.ts';
import { targetRuleOf, targetWidthOf } from '../objective/targetForms.ts';
import { shapeOfTarget } from '../objective/targets.ts';
import type { CallbackModel } from '../training/callback.ts';
import { Means } from '../training/means.ts';
import type { TrainedModel } from '../training/trainedModel.ts';
import { fail } from '../util/errors.ts';
import type { ModelView } from './modelView.ts';
import { snapshotPlace } from './places.ts';
import type { TrainStep } from './trainStep.ts';

/** Whether a metric is the root of a mean: its square is averaged over batches. */
const isRoot = (metric: Metric) => metric.kindOf(1) === 'rootMeanSquaredError';

export function asTrainedModel(model: CallbackModel, view: ModelView, step: TrainStep): TrainedModel {
  const { state } = view;
  return {
    model,
    seeds: state.seeds,
    training: false,
    signal: null,
    progress: null,
    readSnapshot: (call, name, bytes) => snapshotPlace.need(call).readSnapshot(call, view, bytes, name),
    get stateful() {
      return state.allLayers.some(layer => layer.stateful);
    },
    objective: call => view.objective(call),
    checkNotDisposed: (call, message) => {
      if (view.isDisposed) fail(call, message);
    },
    fixedBatch: call => view.fixedBatch(call),
    inputs: (call, name, x) => partsOf(call, name, x, view.ends(call).inputNames),
    outputs: (call, name, y) => partsOf(call, name, y, view.ends(call).outputNames),
    outputNames: call => view.ends(call).outputNames,
    shapes: (call, xs, ys, [xName, yName], samples) => {
      const objective = view.objective(call);
      const { inputs, outputNames } = view.ends(call);
      const xNames = inputs.map(({ name }) => partName(xName, name, inputs.length));
      const yNames = outputNames.map(name => partName(yName, name, outputNames.length));
      const shapes = xs.map((x, n) =>
        shapeOfBatch(call, xNames[n]!, unwrapTensor(call, xNames[n]!, x), [samples, ...inputs[n]!.shape.slice(1)]),
      );
      const { outputs, targets } = view.batchShapes(call, shapes, objective, xNames);
      const yShapes = ys.map((y, n) => shapeOfTarget(call, yNames[n]!, y, objective.outputs[n]!.loss, targets[n]!));
      const masks = view.graph(call).calls.calls.some(({ layer }) => layer.createsMask);
      return {
        xs: shapes,
        ys: yShapes,
        targets,
        rules: objective.outputs.map(({ loss, settings }, n) => {
          const [width, steps] = [outputs[n]!.at(-1)!, outputs[n]!.length === 3 ? outputs[n]![1]! : 1];
          // A masked time step may hold any target
          if (masks && loss !== 'ctc') return null;
          return targetRuleOf(loss, width, steps, targetWidthOf(loss, settings, width, yShapes[n]!.at(-1)!), settings);
        }),
        xNames,
        yNames,
      };
    },
    checkInput: (call, n, name, numbers) => view.checkInput(call, n, name, numbers, 0, numbers.length),
    means: call => {
      const { labels, outputs } = view.objective(call);
      const roots = outputs.flatMap(({ metrics }) => metrics.map(isRoot));
      return new Means(labels, [...labels.slice(roots.length).map(() => false), ...roots]);
    },
    train: (call, xs, ys, weights) => step.train(call, xs, ys, weights),
    test: (call, xs, ys, weights, of) => step.test(call, xs, ys, weights, of),
    restoreStatesOnError: view.restoreStatesOnError.bind(view),
    warnIfNotFinite: (call, results, of, diagnose) => step.warnIfNotFinite(call, results, true, of, diagnose),
    resetWarning: call => {
      view.parameters(call).warned = false;
    },
  };
}
