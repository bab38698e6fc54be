/** `evaluate` and `evaluateDataset`: losses and metrics without training. */

import { readBatch } from '../batches.ts';
import { checkCount, checkOptions } from '../options.ts';
import { Tensor, type TensorLike } from '../tensor.ts';
import { report } from './callbacks/progressBar.ts';
import { type Dataset, type Source, sourceOf } from './dataset.ts';
import { Means } from './history.ts';
import { checkBatchSize, checkVerbose, checkWhole, type Verbosity } from './options.ts';
import { Samples, Selection } from './samples.ts';
import type { Trainee } from './trainee.ts';

/** Options of `evaluate`. */
export interface ModelEvaluateArgs {
  /** Default 32, or the model's own. */
  batchSize?: number;
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

/** Samples and what they should give. */
export interface Pairs {
  readonly x: Samples;
  readonly y: Samples;
}

/** Reads all samples of x and y, once. */
export function readPairs(
  call: string,
  trainee: Trainee,
  x: TensorLike,
  y: TensorLike,
  names: readonly [string, string] = ['x', 'y'],
): Pairs {
  const shapes = trainee.shapes(call, x, y, names, null);
  return {
    x: new Samples(readBatch(call, names[0], x, shapes.x), shapes.x),
    y: new Samples(readBatch(call, names[1], y, shapes.y), shapes.y),
  };
}

/** Tests batch after batch, and stops after each for whoever has other things to do. */
export function* testing(trainee: Trainee, { x, y }: Pairs, size: number): Generator<void, Means, void> {
  const means = new Means(trainee.labels());
  const [xs, ys] = [new Selection(x), new Selection(y)];
  for (let from = 0; from < x.count; from += size) {
    if (from > 0) yield;
    const count = Math.min(size, x.count - from);
    means.add(trainee.test(xs.select(from, count), ys.select(from, count)), count);
  }
  return means;
}

export function evaluate(
  trainee: Trainee,
  x: TensorLike,
  y: TensorLike,
  options: ModelEvaluateArgs | undefined,
): Tensor | Tensor[] {
  const call = 'model.evaluate';
  trainee.objective(call);
  const known = checkOptions<ModelEvaluateArgs>(call, options, ['batchSize', 'verbose']);
  const fixed = trainee.fixedBatch(call);
  const size = checkBatchSize(call, known.batchSize, fixed);
  const verbose = checkVerbose(call, known.verbose ?? 0);
  const pairs = readPairs(call, trainee, x, y);
  checkWhole(call, 'x', pairs.x.count, fixed);
  const start = performance.now();
  const steps = testing(trainee, pairs, size);
  let step = steps.next();
  while (!step.done) step = steps.next();
  const means = step.value;
  if (verbose) report(performance.now() - start, Math.ceil(pairs.x.count / size), means);
  return scalars(means);
}

export async function evaluateDataset(
  trainee: Trainee,
  dataset: Dataset,
  options: ModelEvaluateDatasetArgs | undefined,
): Promise<Tensor | Tensor[]> {
  const call = 'model.evaluateDataset';
  trainee.objective(call);
  const known = checkOptions<ModelEvaluateDatasetArgs>(call, options, ['batches', 'verbose']);
  const batches = known.batches === undefined ? null : checkCount(call, 'batches', known.batches);
  const verbose = checkVerbose(call, known.verbose ?? 0);
  const source = sourceOf(call, 'dataset', dataset);
  const start = performance.now();
  const [means, count] = await testSource(call, trainee, source, batches, async () => {});
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
  trainee: Trainee,
  source: Source,
  batches: number | null,
  breathe: () => Promise<void>,
): Promise<[Means, number]> {
  const means = new Means(trainee.labels());
  const reader = await source.open();
  let count = 0;
  try {
    while (batches === null || count < batches) {
      const batch = await reader.next();
      if (!batch) break;
      try {
        const { x } = trainee.shapes(call, batch.xs, batch.ys, ['xs', 'ys'], trainee.fixedBatch(call));
        means.add(trainee.test(batch.xs, batch.ys), x[0]!);
      } finally {
        batch.release();
      }
      count++;
      await breathe();
    }
  } finally {
    await reader.close();
  }
  if (count === 0) source.failEmpty(call);
  if (batches !== null && count < batches) {
    console.warn(
      `${call}: ${source.name} must hold ${batches} batches, got ${count}; the means are over those there are`,
    );
  }
  return [means, count];
}

/** A scalar for the loss, or a list where there are metrics. */
function scalars(means: Means): Tensor | Tensor[] {
  const all = means.values().map(value => new Tensor(Float32Array.of(value), []));
  return all.length === 1 ? all[0]! : all;
}
