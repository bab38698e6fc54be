/** `fitDataset`: training on data that comes batch by batch. */

import { readSamples } from '../inputs/batches.ts';
import type { SampleWeightOptions } from '../inputs/sampleWeights.ts';
import { fail } from '../util/errors.ts';
import { checkCount, checkOptions } from '../util/options.ts';
import { warn } from '../util/warning.ts';
import type { Logs } from './callback.ts';
import { type BatchSource, checkEnds, type ReadBatch, type Reader, type Source, sourceOf } from './dataset.ts';
import { type Pairs, testing, testSource } from './evaluate.ts';
import { findFault, readValidation, type ValidationData } from './fit.ts';
import type { History } from './history.ts';
import { TrainingLoop } from './loop.ts';
import {
  alone,
  checkBatchSize,
  checkIdle,
  checkWhole,
  readTraining,
  type Training,
  type TrainingOptions,
  trainingOptions,
} from './options.ts';
import type { TrainingProgress } from './progress.ts';
import { findSnapshot, readInterrupted } from './resume.ts';
import type { TrainedModel } from './trainedModel.ts';

/** Options of `fitDataset`. */
export interface ModelFitDatasetArgs extends TrainingOptions {
  /** Batches in an epoch, all from one pass over the data; absent, every epoch is a pass. */
  batchesPerEpoch?: number;
  /** What to test on after every epoch: a data set, [x, y] or [x, y, sampleWeight]. */
  validationData?: BatchSource | ValidationData;
  /** Batches to take of a data set to test on; absent, all. */
  validationBatches?: number;
  /** Samples in a batch of [x, y] to test on; default 32, or the model's own. */
  validationBatchSize?: number;
}

interface FitDataset extends Training {
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

export async function fitDataset(
  trained: TrainedModel,
  dataset: BatchSource,
  options: ModelFitDatasetArgs | undefined,
): Promise<History> {
  const call = 'model.fitDataset';
  const read = readFitDataset(call, trained, dataset, options);
  return alone(trained, read.signal, () => train(call, trained, read));
}

async function train(call: string, trained: TrainedModel, read: FitDataset): Promise<History> {
  const { source, batchesPerEpoch, validation, classWeight, callbacks, yieldEvery, resume, signal, ...rest } = read;
  const asked = resume !== null || callbacks.some(callback => callback.keepsFile);
  const found = asked ? await findSnapshot(resume, callbacks) : null;
  const interrupted = found && readInterrupted(call, trained, found);
  const resumed = interrupted?.progress ?? null;
  const steps = batchesPerEpoch ?? source.size;
  const params = { ...rest, samples: null, steps, batchSize: null, doValidation: validation !== null };
  const session = new TrainingLoop(call, trained, {
    callbacks,
    yieldEvery,
    params,
    method: 'fitDataset',
    data: { batchesPerEpoch },
    seed: null,
    resumed,
  });
  interrupted?.write();
  let reader: Reader | null = null;
  /** A batch that had been read, but not trained, when the training was interrupted. */
  let held: ReadBatch | null = null;

  const validate = async (epochLogs: Logs) => {
    if (!validation) return;
    if ('pairs' in validation) {
      return session.validate(testing(call, trained, validation.pairs, validation.size), epochLogs);
    }
    const breathe = () => session.breathe();
    const test = () => testSource(call, trained, validation.source, validation.batches, breathe);
    const [means] = await session.apart(test);
    means.into(epochLogs, 'val_');
  };

  const trainEpoch = async (epochLogs: Logs, _epoch: number, start: number) => {
    if (session.cut && start !== batchesPerEpoch) return;
    reader ??= await source.open();
    for (let batch = start; batch !== batchesPerEpoch; batch++) {
      const next = held ?? (await reader.next());
      held = null;
      if (!next) {
        if (batchesPerEpoch !== null) return runDry(call, session, batch, batchesPerEpoch, rest.epochs);
        if (batch === 0) source.failEmpty(call);
        break;
      }
      try {
        const { x, y } = trained.shapes(call, next.xs, next.ys, ['xs', 'ys'], trained.fixedBatch(call));
        const logs: Logs = { batch, size: x[0]! };
        await session.batchBegin(batch, logs);
        const diagnose = () =>
          findFault('xs', readSamples(call, 'xs', next.xs, x)) ?? findFault('ys', readSamples(call, 'ys', next.ys, y));
        session.train(logs, next.xs, next.ys, weightsOf(next.weights, classWeight), diagnose);
        await session.batchEnd(batch, logs);
      } finally {
        next.release();
      }
      // In TF.js, too, an epoch that was broken off has no validation.
      if (session.ending && batch + 1 !== batchesPerEpoch) return;
    }
    if (batchesPerEpoch === null) reader = null;
    await validate(epochLogs);
  };

  /**
   * Takes, without training on them, the batches that were trained before the interruption, and those tested: what the
   * data set draws at random then comes out as it did.
   */
  const replay = async ({ epoch, batch, stage, told, ended, history }: TrainingProgress) => {
    const isOver = stage === 'epochEnd' || stage === 'trainEnd' || (stage === 'epochBegin' && told === 0);
    if (ended && isOver) return; // no more of the data is wanted
    for (let past = history.epoch[0] ?? epoch; past <= epoch; past++) {
      const isWhole = past < epoch || stage === 'epochEnd';
      if (!isWhole && batch === 0 && stage !== 'batchBegin') break;
      reader ??= await source.open();
      await skip(reader, isWhole ? batchesPerEpoch : batch, session);
      if (stage === 'batchBegin' && !isWhole) held = await reader.next();
      if (!isWhole) break;
      if (batchesPerEpoch === null) {
        await reader.close();
        reader = null;
      }
      if (!validation || 'pairs' in validation) continue;
      const tested = await validation.source.open();
      await skip(tested, validation.batches, session);
      await tested.close();
    }
  };

  let failed = true;
  try {
    const history = await session.run(trainEpoch, replay);
    failed = false;
    return history;
  } finally {
    await (reader as Reader | null)?.close(failed);
  }
}

/** Takes so many batches, or all there are. */
async function skip(reader: Reader, batches: number | null, session: TrainingLoop): Promise<void> {
  for (let n = 0; n !== batches; n++) {
    const batch = await reader.next();
    if (!batch) break;
    batch.release();
    await session.breathe();
  }
}

const weightsOf = (own: SampleWeightOptions | undefined, classWeight: SampleWeightOptions['classWeight']) =>
  classWeight === undefined ? own : { ...own, classWeight };

/** The data was not enough: the epoch ends here, and training with it. */
function runDry(call: string, session: TrainingLoop, got: number, batchesPerEpoch: number, epochs: number): void {
  session.end();
  warn(
    `${call}: dataset must hold batchesPerEpoch * epochs = ${batchesPerEpoch * epochs} batches, but it ran out of them ` +
      `after ${got} of an epoch; training ends here`,
  );
}

/** All arguments of `fitDataset`, checked, as by `readFit`. */
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
    fail(call, `validationSplit must be absent, because only all samples at once can be split; use validationData`);
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
    fail(call, 'validationBatches must be absent where validationData is no data set');
  }
  if (validationBatchSize !== undefined && !tensors) {
    fail(call, 'validationBatchSize must be absent where validationData is not [x, y]');
  }
  if (data === undefined) return null;
  if (tensors) {
    const pairs = readValidation(call, trained, data);
    checkWhole(call, 'validationData[0]', pairs.x.shape, fixed);
    return { pairs, size };
  }
  const source = sourceOf(call, 'validationData', data);
  checkPasses(call, source, batches, 'validationBatches', passes);
  checkEnds(call, source, batches, 'validationBatches');
  return { source, batches };
}

const isBatch = (value: unknown): boolean => typeof value === 'object' && value !== null && 'xs' in value;

/** What can be gone through once is not enough for more passes than one. */
function checkPasses(call: string, source: Source, batches: number | null, option: string, passes: number): void {
  if (!source.once || batches !== null || passes <= 1) return;
  fail(
    call,
    `${source.name} must be something to iterate over anew for each of ${passes} epochs, such as an array or a function ` +
      `that makes a generator, got an iterator, which ends once; or give ${option}`,
  );
}
