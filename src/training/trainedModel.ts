/** What the loop needs of a model, some of which is nobody else's business. */

import { type Batch, shapeOfBatch } from '../inputs/batches.ts';
import type { Selection } from '../inputs/samples.ts';
import type { SampleWeightOptions } from '../inputs/sampleWeights.ts';
import type { ModelView } from '../model/modelView.ts';
import type { Sequential } from '../model/sequential.ts';
import type { Diagnosis, TrainStep } from '../model/trainStep.ts';
import { isSparse } from '../objective/losses.ts';
import type { Metric } from '../objective/metrics.ts';
import type { Objective } from '../objective/objective.ts';
import { shapeOfTarget, targetShapeOf } from '../objective/targets.ts';
import { readSnapshot, type Snapshot } from '../saving/snapshot.ts';
import { fail } from '../util/errors.ts';
import type { SeedStream } from '../util/random.ts';
import { Means } from './history.ts';
import type { TrainingProgress } from './progress.ts';

export interface TrainedModel {
  /** The model itself, for callbacks. */
  readonly model: Sequential;
  /** The seeds of the model, for the order of samples. */
  readonly seeds: SeedStream;
  /** Whether a training is going on. */
  training: boolean;
  /** Aborted where nobody waits any more for what the training that is going on gives: it fails at the next batch. */
  signal: AbortSignal | null;
  /** Where the training that is going on stands; null while there is none. */
  progress: ((call: string) => TrainingProgress) | null;
  /** A snapshot, checked against the model, which is as it was. */
  readSnapshot(call: string, name: string, bytes: unknown): Snapshot;
  /** What the model is compiled for; fails where it is not, or is disposed of. */
  objective(call: string): Objective;
  /** Fails where the model is disposed of. */
  alive(call: string, message: string): void;
  /** The batch size where the model fixes it. */
  fixedBatch(call: string): number | null;
  /** Whether a layer carries its state from batch to batch. */
  readonly stateful: boolean;
  /**
   * The shapes of x and y, checked against the model and each other.
   *
   * @param samples how many there must be; null for any number
   */
  shapes(call: string, x: Batch, y: Batch, names: readonly [string, string], samples: number | null): Shapes;
  /** Fails where x holds numbers that a layer cannot take. */
  checkInput(call: string, name: string, numbers: Float32Array): void;
  /** The names of what `train` and `test` return: 'loss', then the metrics. */
  labels(): string[];
  /** Accumulates the loss and the metrics over the following batches. */
  means(): Means;
  /** How many classes there are where y holds their numbers and every one counts; else null. */
  classes(call: string): number | null;
  /** `trainOnBatch` under the name of the call that wants it. */
  train(call: string, x: Batch, y: Batch, weights?: SampleWeightOptions | Selection): number | number[];
  test(call: string, x: Batch, y: Batch, weights?: SampleWeightOptions | Selection): number | number[];
  /** Runs several batches; when one of them fails, restores the carried states. */
  readonly attempt: ModelView['restoreStatesOnError'];
  /** Warns of what `train` gave where it is not finite; `begun` at first, because each training does so once. */
  doubt(call: string, results: number | number[], of: () => string, diagnose: Diagnosis): void;
  begun(call: string): void;
}

export interface Shapes {
  readonly x: readonly number[];
  /** As y is given. */
  readonly y: readonly number[];
  /** As the loss reads it: numbers of classes with their last axis. */
  readonly target: number[];
}

/** Whether a metric is the root of a mean: its square is averaged over batches. */
const isRoot = (metric: Metric) => metric.kindOf(1) === 'rootMeanSquaredError';

const ofValidation = () => ' of the validation';

/** A model as the loop sees it. */
export function trainedModelOf(model: Sequential, view: ModelView, step: TrainStep): TrainedModel {
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
    alive: (call, message) => {
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
    // A training tests for its validation alone
    test: (call, x, y, weights) =>
      step.test(call, x, y, weights, call.startsWith('model.fit') ? ofValidation : undefined),
    attempt: view.restoreStatesOnError.bind(view),
    doubt: (call, results, of, diagnose) => step.warnIfNotFinite(call, results, true, of, diagnose),
    begun: call => {
      view.parameters(call).warned = false;
    },
  };
}
