/** `evaluate`, `evaluateDataset`, and the validation of a training run. */

import { type OneTensor, readSamples, unwrapTensor } from '../inputs/batches.ts';
import { type Samples, Selection } from '../inputs/samples.ts';
import { readAllSampleWeights, type SampleWeightOptions } from '../inputs/sampleWeights.ts';
import { isClass } from '../objective/losses.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fail } from '../util/errors.ts';
import { checkCount, checkOptions } from '../util/options.ts';
import { warn } from '../util/warning.ts';
import { printEvaluation } from './callbacks/progressBar.ts';
import { type BatchSource, checkEnds, type Source, sourceOf } from './dataset.ts';
import type { ModelEvaluateArgs, ModelEvaluateDatasetArgs } from './evaluation.ts';
import type { Means } from './history.ts';
import { checkBatchSize, checkWhole } from './options.ts';
import type { TrainedModel } from './trainedModel.ts';
import { checkVerbose } from './verbosity.ts';

/** Inputs and targets. */
export interface Pairs {
  readonly x: Samples;
  readonly y: Samples;
  /** A factor for the loss of each sample, or of each of its time steps; null for none. */
  readonly weights: Samples | null;
}

/** Reads and checks all samples of x and y. */
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

/** Fails if y holds a number that is not a class. */
function checkClasses(call: string, name: string, classes: number | null, { y, weights }: Pairs): void {
  if (classes === null) return;
  const wrong = y.data.find((value, n) => !isClass(value, classes) && !Number.isNaN(value) && weights?.data[n] !== 0);
  if (wrong === undefined) return;
  fail(call, `${name} must hold numbers of classes from 0 to ${classes - 1}, got ${wrong}`);
}

/**
 * Tests batch by batch, and yields between two batches.
 *
 * @param context for the warning about a loss that is not finite, such as ' of the validation'
 */
export function* testBatches(
  call: string,
  trained: TrainedModel,
  pairs: Pairs,
  size: number,
  context?: () => string,
): Generator<void, Means, void> {
  const { x, y, weights } = pairs;
  const means = trained.means();
  const [xs, ys] = [new Selection(x), new Selection(y)];
  const batchWeights = weights && new Selection(weights);
  for (let from = 0; from < x.count; from += size) {
    if (from > 0) yield;
    const count = Math.min(size, x.count - from);
    const w = batchWeights?.select(from, count);
    means.add(trained.test(call, xs.select(from, count), ys.select(from, count), w, context), count);
  }
  return means;
}

const validationContext = () => ' of the validation';

/** Tests the samples of a validation. @param pause awaited between batches */
export async function validatePairs(
  call: string,
  trained: TrainedModel,
  pairs: Pairs,
  size: number,
  pause: () => Promise<void>,
): Promise<Means> {
  const steps = testBatches(call, trained, pairs, size, validationContext);
  let step = steps.next();
  while (!step.done) {
    await pause();
    step = steps.next();
  }
  return step.value;
}

/** Tests the data set of a validation. @param pause awaited between batches */
export async function validateSource(
  call: string,
  trained: TrainedModel,
  source: Source,
  batches: number | null,
  pause: () => Promise<void>,
): Promise<Means> {
  const [means] = await testSource(call, trained, source, batches, pause, validationContext);
  return means;
}

/** Reads and checks the arguments of `evaluate`. */
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
  const means = trained.restoreStatesOnError(() => {
    const steps = testBatches(call, trained, pairs, size);
    let step = steps.next();
    while (!step.done) step = steps.next();
    return step.value;
  });
  if (verbose) printEvaluation(performance.now() - start, Math.ceil(pairs.x.count / size), means);
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
  const [means, count] = await trained.restoreStatesOnError(() =>
    testSource(call, trained, source, batches, async () => {}),
  );
  if (verbose) printEvaluation(performance.now() - start, count, means);
  return scalars(means);
}

/** @returns the means, and the number of batches */
async function testSource(
  call: string,
  trained: TrainedModel,
  source: Source,
  batches: number | null,
  pause: () => Promise<void>,
  context?: () => string,
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
        means.add(trained.test(call, batch.xs, batch.ys, batch.weights, context), x[0]!);
      } finally {
        batch.release();
      }
      count++;
      await pause();
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

/** A scalar for the loss, or with metrics a list. */
function scalars(means: Means): Tensor | Tensor[] {
  const all = means.values().map(value => new Tensor(Float32Array.of(value), []));
  return all.length === 1 ? all[0]! : all;
}
