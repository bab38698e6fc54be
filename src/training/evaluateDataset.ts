/** `evaluateDataset`, and the validation of a training run. */

import type { Tensor } from '../tensor/tensor.ts';
import { fail } from '../util/errors.ts';
import { checkCount, checkOptions } from '../util/options.ts';
import { warn } from '../util/warning.ts';
import { type BatchSource, checkEnds, type Source, sourceOf } from './dataset.ts';
import { scalars, testBatches } from './evaluate.ts';
import type { ModelEvaluateDatasetArgs } from './evaluation.ts';
import type { Means } from './means.ts';
import type { Pairs } from './pairs.ts';
import { printEvaluation } from './printEvaluation.ts';
import type { TrainedModel } from './trainedModel.ts';
import { checkVerbose } from './verbosity.ts';

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
  const means = trained.means(call);
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
        const [xs, ys] = [trained.inputs(call, 'xs', batch.xs), trained.outputs(call, 'ys', batch.ys)];
        const shapes = trained.shapes(call, xs, ys, ['xs', 'ys'], trained.fixedBatch(call));
        means.add(trained.test(call, xs, ys, batch.weights, context), shapes.xs[0]![0]!);
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
