/** The arguments of `fit`. */

import type { ModelData } from '../inputs/parts.ts';
import type { Shuffle } from '../inputs/samples.ts';
import { readAllSampleWeights, type SampleWeights } from '../inputs/sampleWeights.ts';
import { fail, show } from '../util/errors.ts';
import { checkNumber, checkOptions } from '../util/options.ts';
import { checkBatchSize, checkWhole } from './batchOptions.ts';
import { checkIdle, readTraining, type Training, type TrainingOptions, trainingOptions } from './options.ts';
import { type Pairs, partOfPairs, readPairs } from './pairs.ts';
import type { TrainedModel } from './trainedModel.ts';

/** Validation samples: [x, y] or [x, y, sampleWeight]. @inline */
export type ValidationData =
  | readonly [ModelData, ModelData]
  | readonly [ModelData, ModelData, SampleWeights]
  | readonly ModelData[];

/** Options of `fit`. */
export interface ModelFitArgs extends TrainingOptions {
  /** Samples in a batch; the last batch of an epoch may have fewer. Default 32, or the fixed batch size of the model. */
  batchSize?: number;
  /** Whether to shuffle the samples, or with 'batch' whole batches, for each epoch. Default true; false for stateful models. */
  shuffle?: Shuffle;
  /** The fraction of the samples to validate on instead of training: the last ones. Default 0. */
  validationSplit?: number;
  /** Samples to validate on after each epoch, [x, y] or [x, y, sampleWeight]; overrides validationSplit. */
  validationData?: ValidationData;
  /** A factor for the loss of each sample, [N], or of each of its time steps, [N, T]; also for validation samples. */
  sampleWeight?: SampleWeights;
}

/** What `fit` has been given. */
export interface Fit extends Training {
  readonly pairs: Pairs;
  readonly batchSize: number;
  readonly shuffle: Shuffle;
  readonly validation: Pairs | null;
}

const OPTIONS = [...trainingOptions, 'batchSize', 'shuffle', 'validationSplit', 'validationData', 'sampleWeight'];

/** Reads and checks the arguments of `fit`, without side effects. */
export function readFit(
  call: string,
  trained: TrainedModel,
  x: ModelData,
  y: ModelData,
  options: ModelFitArgs | undefined,
): Fit {
  trained.objective(call);
  checkIdle(call, trained);
  const known = readOptions(call, options);
  const training = readTraining(call, known);
  const fixed = trained.fixedBatch(call);
  const batchSize = checkBatchSize(call, known.batchSize, fixed);
  const shuffle = checkShuffle(call, known.shuffle, trained.stateful);
  const { sampleWeight, classWeight } = known;
  const all = readPairs(call, trained, x, y, { sampleWeight, classWeight });
  const given = known.validationData === undefined ? null : readValidation(call, trained, known.validationData);
  const split = checkNumber(call, 'validationSplit', known.validationSplit ?? 0, { least: 0, below: 1 });
  const { count } = all;
  if (given || split === 0) {
    checkWhole(call, 'x', all.xs[0]!.shape, fixed);
    if (given) checkWhole(call, 'validationData[0]', given.xs[0]!.shape, fixed);
    return { ...training, pairs: all, batchSize, shuffle, validation: given };
  }
  const trainCount = Math.floor(count * (1 - split));
  if (trainCount === 0)
    fail(call, `validationSplit must leave at least one of ${count} samples for training, got ${split}`);
  // As in Keras, class weights do not apply to the validation
  const weights = readAllSampleWeights(call, all.ys, { sampleWeight }, trained.outputNames(call));
  const validation = partOfPairs({ ...all, weights }, trainCount, count);
  const pairs = partOfPairs(all, 0, trainCount);
  checkWhole(call, 'the training part of x after validationSplit', pairs.xs[0]!.shape, fixed);
  checkWhole(call, 'the validation part of x after validationSplit', validation.xs[0]!.shape, fixed);
  return { ...training, pairs, batchSize, shuffle, validation };
}

function readOptions(call: string, options: unknown): ModelFitArgs {
  const known = checkOptions<ModelFitArgs & { stepsPerEpoch: unknown; validationSteps: unknown }>(call, options, [
    ...OPTIONS,
    'stepsPerEpoch',
    'validationSteps',
  ]);
  for (const name of ['stepsPerEpoch', 'validationSteps'] as const) {
    const given = known[name];
    if (given === undefined || given === null) continue;
    const other = name === 'stepsPerEpoch' ? 'batchesPerEpoch' : 'validationBatches';
    fail(call, `${name} must be absent, because all of x is used; fitDataset has ${other}`);
  }
  return known;
}

function checkShuffle(call: string, value: unknown, stateful: boolean): Shuffle {
  const shuffle = value ?? !stateful;
  if (shuffle !== true && shuffle !== false && shuffle !== 'batch') {
    fail(call, `shuffle must be true, false or 'batch', got ${show(value)}`);
  }
  if (stateful && shuffle) {
    const reason = 'because each row continues the same row of the previous batch';
    fail(call, `shuffle must be false for a stateful model, ${reason}, got ${show(value)}`);
  }
  return shuffle;
}

/** Reads [x, y] or [x, y, sampleWeight]. */
export function readValidation(call: string, trained: TrainedModel, data: unknown): Pairs {
  if (!Array.isArray(data) || data.length < 2 || data.length > 3) {
    fail(call, `validationData must be [x, y] or [x, y, sampleWeight], got ${show(data)}`);
  }
  const [x, y, sampleWeight] = data;
  return readPairs(call, trained, x, y, { sampleWeight }, ['validationData[0]', 'validationData[1]']);
}
