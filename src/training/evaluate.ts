/** `evaluate` and `evaluateDataset`: losses and metrics without training. */

import { type OneTensor, readSamples, unwrapTensor } from '../inputs/batches.ts';
import { type Samples, Selection } from '../inputs/samples.ts';
import { readAllSampleWeights, type SampleWeightOptions } from '../inputs/sampleWeights.ts';
import { isClass } from '../objective/losses.ts';
import type { TensorLike } from '../tensor/read.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fail } from '../util/errors.ts';
import { checkCount, checkOptions } from '../util/options.ts';
import { warn } from '../util/warning.ts';
import { report } from './callbacks/progressBar.ts';
import { type BatchSource, checkEnds, type Source, sourceOf } from './dataset.ts';
import type { Means } from './history.ts';
import { checkBatchSize, checkVerbose, checkWhole, type Verbosity } from './options.ts';
import type { TrainedModel } from './trainedModel.ts';

/** Options of `evaluate`. */
export interface ModelEvaluateArgs {
  /** Default 32, or the model's own. */
  batchSize?: number;
  /** A factor for the loss of each sample, [N], or of each of its time steps, [N, T]. */
  sampleWeight?: TensorLike;
  /** 1 writes a line when it is done; default 0. */
  verbose?: Verbosity;
}

/** Options of `evaluateDataset`. */
export interface ModelEvaluateDatasetArgs {
  /** How many batches to take; absent, all there are. */
  batches?: number;
  /** 1 writes a line when it is done; default 0. */
  verbose?: Verbosity;
}

/**
 * The result of `evaluate`: the loss, or a list of the loss and the metrics if metrics were compiled. TypeScript cannot
 * know which, so this type can be used as a tensor and as a list. Cast to `Tensor` or `Tensor[]` for the exact type.
 */
export interface Evaluation extends Tensor {
  readonly [output: number]: Tensor;
  [Symbol.iterator](): Iterator<Tensor>;
}

/** Samples and what they should give. */
export interface Pairs {
  readonly x: Samples;
  readonly y: Samples;
  /** What the loss of each sample, or of each of its time steps, counts; null where all count alike. */
  readonly weights: Samples | null;
}

/** Reads all samples of x and y, once. */
export function readPairs(
  call: string,
  trained: TrainedModel,
  x: OneTensor,
  y: OneTensor,
  weights: SampleWeightOptions = {},
  names: readonly [string, string] = ['x', 'y'],
): Pairs {
  const [input, target] = [unwrapTensor(call, names[0], x), unwrapTensor(call, names[1], y)];
  const shapes = trained.shapes(call, input, target, names, null);
  const pairs = {
    x: readSamples(call, names[0], input, shapes.x),
    y: readSamples(call, names[1], target, shapes.y, shapes.target),
  };
  trained.checkInput(call, names[0], pairs.x.data);
  const read = { ...pairs, weights: readAllSampleWeights(call, pairs.y, weights) };
  checkClasses(call, names[1], trained.classes(call), read);
  return read;
}

/** Fails where y holds a number that is no class, before anything has been trained on the samples that are right. */
function checkClasses(call: string, name: string, classes: number | null, { y, weights }: Pairs): void {
  if (classes === null) return;
  const wrong = y.data.find((value, n) => !isClass(value, classes) && !Number.isNaN(value) && weights?.data[n] !== 0);
  if (wrong === undefined) return;
  fail(call, `${name} must hold numbers of classes from 0 to ${classes - 1}, got ${wrong}`);
}

/** Tests batch after batch, and stops after each for whoever has other things to do. */
export function* testing(
  call: string,
  trained: TrainedModel,
  pairs: Pairs,
  size: number,
): Generator<void, Means, void> {
  const { x, y, weights } = pairs;
  const means = trained.means();
  const [xs, ys] = [new Selection(x), new Selection(y)];
  const factors = weights && new Selection(weights);
  for (let from = 0; from < x.count; from += size) {
    if (from > 0) yield;
    const count = Math.min(size, x.count - from);
    const values = trained.test(call, xs.select(from, count), ys.select(from, count), factors?.select(from, count));
    means.add(values, count);
  }
  return means;
}

/** All arguments of `evaluate`, checked. */
export function readEvaluate(
  call: string,
  trained: TrainedModel,
  x: OneTensor,
  y: OneTensor,
  options: ModelEvaluateArgs | undefined,
): { pairs: Pairs; size: number; verbose: 0 | 1 | 2 } {
  trained.objective(call);
  const known = checkOptions<ModelEvaluateArgs>(call, options, ['batchSize', 'sampleWeight', 'verbose']);
  const fixed = trained.fixedBatch(call);
  const size = checkBatchSize(call, known.batchSize, fixed);
  const verbose = checkVerbose(call, known.verbose ?? 0);
  const pairs = readPairs(call, trained, x, y, { sampleWeight: known.sampleWeight });
  checkWhole(call, 'x', pairs.x.shape, fixed);
  return { pairs, size, verbose };
}

export function evaluate(
  trained: TrainedModel,
  x: OneTensor,
  y: OneTensor,
  options: ModelEvaluateArgs | undefined,
): Tensor | Tensor[] {
  const call = 'model.evaluate';
  const { pairs, size, verbose } = readEvaluate(call, trained, x, y, options);
  const start = performance.now();
  const means = trained.attempt(() => {
    const steps = testing(call, trained, pairs, size);
    let step = steps.next();
    while (!step.done) step = steps.next();
    return step.value;
  });
  if (verbose) report(performance.now() - start, Math.ceil(pairs.x.count / size), means);
  return scalars(means);
}

export async function evaluateDataset(
  trained: TrainedModel,
  dataset: BatchSource,
  options: ModelEvaluateDatasetArgs | undefined,
): Promise<Tensor | Tensor[]> {
  const call = 'model.evaluateDataset';
  trained.objective(call);
  const known = checkOptions<ModelEvaluateDatasetArgs>(call, options, ['batches', 'verbose']);
  const batches = known.batches === undefined ? null : checkCount(call, 'batches', known.batches);
  const verbose = checkVerbose(call, known.verbose ?? 0);
  const source = sourceOf(call, 'dataset', dataset);
  checkEnds(call, source, batches, 'batches');
  const start = performance.now();
  const [means, count] = await trained.attempt(() => testSource(call, trained, source, batches, async () => {}));
  if (verbose) report(performance.now() - start, count, means);
  return scalars(means);
}

/**
 * Tests the batches of a data set.
 *
 * @param breathe called between batches
 * @returns the means, and over how many batches
 */
export async function testSource(
  call: string,
  trained: TrainedModel,
  source: Source,
  batches: number | null,
  breathe: () => Promise<void>,
): Promise<[Means, number]> {
  const means = trained.means();
  const objective = trained.objective(call);
  const reader = await source.open();
  let count = 0;
  let failed = true;
  try {
    while (batches === null || count < batches) {
      const batch = await reader.next();
      if (!batch) break;
      try {
        if (trained.objective(call) !== objective) fail(call, 'the model must not be compiled anew while it is tested');
        const { x } = trained.shapes(call, batch.xs, batch.ys, ['xs', 'ys'], trained.fixedBatch(call));
        means.add(trained.test(call, batch.xs, batch.ys, batch.weights), x[0]!);
      } finally {
        batch.release();
      }
      count++;
      await breathe();
    }
    failed = false;
  } finally {
    await reader.close(failed);
  }
  if (count === 0) source.failEmpty(call);
  if (batches !== null && count < batches) {
    warn(`${call}: ${source.name} must hold ${batches} batches, got ${count}; the means are over the batches received`);
  }
  return [means, count];
}

/** A scalar for the loss, or a list where there are metrics. */
function scalars(means: Means): Tensor | Tensor[] {
  const all = means.values().map(value => new Tensor(Float32Array.of(value), []));
  return all.length === 1 ? all[0]! : all;
}
