/** The arguments of `fitDataset`. */

import type { SampleWeightOptions } from '../inputs/sampleWeights.ts';
import { fail } from '../util/errors.ts';
import { checkCount, checkOptions } from '../util/options.ts';
import { checkBatchSize, checkWhole } from './batchOptions.ts';
import { type BatchSource, checkEnds, type Source, sourceOf } from './dataset.ts';
import { readValidation, type ValidationData } from './fitArguments.ts';
import { checkIdle, readTraining, type Training, type TrainingOptions, trainingOptions } from './options.ts';
import type { Pairs } from './pairs.ts';
import type { TrainedModel } from './trainedModel.ts';

/** Options of `fitDataset`. */
export interface ModelFitDatasetArgs extends TrainingOptions {
  /** Batches in an epoch; all epochs then share one pass over the data set. Default: each epoch is a pass. */
  batchesPerEpoch?: number;
  /** The data to validate on after each epoch: a data set, [x, y] or [x, y, sampleWeight]. */
  validationData?: BatchSource | ValidationData;
  /** Batches to validate on, of a data set; default all. */
  validationBatches?: number;
  /** Samples in a batch of validationData [x, y]; default 32, or the fixed batch size of the model. */
  validationBatchSize?: number;
}

/** What `fitDataset` has been given. */
export interface FitDataset extends Training {
  readonly source: Source;
  readonly batchesPerEpoch: number | null;
  readonly classWeight: SampleWeightOptions['classWeight'];
  readonly validation: { pairs: Pairs; size: number } | { source: Source; batches: number | null } | null;
}

const OPTIONS = [
  ...trainingOptions,
  'batchesPerEpoch',
  'validationData',
  'validationBatches',
  'validationBatchSize',
  'validationSplit',
];

/** Reads and checks the arguments of `fitDataset`, without side effects. */
export function readFitDataset(
  call: string,
  trained: TrainedModel,
  dataset: BatchSource,
  options: ModelFitDatasetArgs | undefined,
): FitDataset {
  trained.objective(call);
  checkIdle(call, trained);
  const known = checkOptions<ModelFitDatasetArgs & { validationSplit: unknown }>(call, options, OPTIONS);
  if (known.validationSplit !== undefined && known.validationSplit !== null) {
    fail(call, 'validationSplit must be absent, because a data set cannot be split; use validationData');
  }
  const training = readTraining(call, known);
  const source = sourceOf(call, 'dataset', dataset);
  const batchesPerEpoch =
    known.batchesPerEpoch === undefined ? null : checkCount(call, 'batchesPerEpoch', known.batchesPerEpoch);
  const passes = training.epochs - training.initialEpoch;
  checkPasses(call, source, batchesPerEpoch, 'batchesPerEpoch', passes);
  const { classWeight } = known;
  const validation = readAnyValidation(call, trained, known, passes);
  return { ...training, source, batchesPerEpoch, classWeight, validation };
}

function readAnyValidation(
  call: string,
  trained: TrainedModel,
  { validationData: data, validationBatches, validationBatchSize }: ModelFitDatasetArgs,
  passes: number,
): FitDataset['validation'] {
  const batches = validationBatches === undefined ? null : checkCount(call, 'validationBatches', validationBatches);
  const fixed = trained.fixedBatch(call);
  const size = checkBatchSize(call, validationBatchSize, fixed, 'validationBatchSize');
  const tensors = Array.isArray(data) && !isBatch(data[0]);
  if (batches !== null && (data === undefined || tensors)) {
    fail(call, 'validationBatches must be absent unless validationData is a data set');
  }
  if (validationBatchSize !== undefined && !tensors) {
    fail(call, 'validationBatchSize must be absent unless validationData is [x, y]');
  }
  if (data === undefined) return null;
  if (tensors) {
    const pairs = readValidation(call, trained, data);
    checkWhole(call, 'validationData[0]', pairs.xs[0]!.shape, fixed);
    return { pairs, size };
  }
  const source = sourceOf(call, 'validationData', data);
  checkPasses(call, source, batches, 'validationBatches', passes);
  checkEnds(call, source, batches, 'validationBatches');
  return { source, batches };
}

const isBatch = (value: unknown): boolean => typeof value === 'object' && value !== null && 'xs' in value;

/** Fails if an iterator, which can be read only once, would be needed for several passes. */
function checkPasses(call: string, source: Source, batches: number | null, option: string, passes: number): void {
  if (!source.once || batches !== null || passes <= 1) return;
  fail(
    call,
    `${source.name} must be iterable once for each of ${passes} epochs, such as an array or a function that returns a ` +
      `generator, got an iterator, which can be read only once; or pass ${option}`,
  );
}
