/** `evaluate`: losses and metrics of samples in memory. */

import type { ModelData } from '../inputs/parts.ts';
import { Tensor } from '../tensor/tensor.ts';
import { checkOptions } from '../util/options.ts';
import { checkBatchSize, checkWhole } from './batchOptions.ts';
import type { ModelEvaluateArgs } from './evaluation.ts';
import type { Means } from './means.ts';
import { PairSelection, type Pairs, readPairs } from './pairs.ts';
import { printEvaluation } from './printEvaluation.ts';
import type { TrainedModel } from './trainedModel.ts';
import { checkVerbose } from './verbosity.ts';

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
  const means = trained.means(call);
  const batch = new PairSelection(pairs);
  for (let from = 0; from < pairs.count; from += size) {
    if (from > 0) yield;
    const count = Math.min(size, pairs.count - from);
    const { xs, ys, weights } = batch.select(from, count);
    means.add(trained.test(call, xs, ys, weights, context), count);
  }
  return means;
}

/** Reads and checks the arguments of `evaluate`. */
export function readEvaluate(
  call: string,
  trained: TrainedModel,
  x: ModelData,
  y: ModelData,
  options: ModelEvaluateArgs | undefined,
): { pairs: Pairs; size: number; verbose: 0 | 1 | 2 } {
  trained.objective(call);
  const known = checkOptions<ModelEvaluateArgs>(call, options, ['batchSize', 'sampleWeight', 'verbose']);
  const fixed = trained.fixedBatch(call);
  const size = checkBatchSize(call, known.batchSize, fixed);
  const verbose = checkVerbose(call, known.verbose ?? 0);
  const pairs = readPairs(call, trained, x, y, { sampleWeight: known.sampleWeight });
  checkWhole(call, 'x', pairs.xs[0]!.shape, fixed);
  return { pairs, size, verbose };
}

export function evaluate(
  trained: TrainedModel,
  x: ModelData,
  y: ModelData,
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
  if (verbose) printEvaluation(performance.now() - start, Math.ceil(pairs.count / size), means);
  return scalars(means);
}

/** A scalar for the loss, or with metrics a list. */
export function scalars(means: Means): Tensor | Tensor[] {
  const all = means.values().map(value => new Tensor(Float32Array.of(value), []));
  return all.length === 1 ? all[0]! : all;
}
