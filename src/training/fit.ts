/** `fit`: training on samples that are all there. */

import type { OneTensor } from '../inputs/batches.ts';
import { Order, type Samples, Selection, type Shuffle } from '../inputs/samples.ts';
import { readAllSampleWeights } from '../inputs/sampleWeights.ts';
import type { TensorLike } from '../tensor/read.ts';
import { fail, show } from '../util/errors.ts';
import { checkNumber, checkOptions } from '../util/options.ts';
import type { Logs } from './callback.ts';
import { type Pairs, readPairs, testing } from './evaluate.ts';
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
import { findSnapshot, readInterrupted } from './resume.ts';
import type { TrainedModel } from './trainedModel.ts';

/** Samples to test on: [x, y] or [x, y, sampleWeight]. @inline */
export type ValidationData =
  | readonly [OneTensor, OneTensor]
  | readonly [OneTensor, OneTensor, TensorLike]
  | readonly OneTensor[];

/** Options of `fit`. */
export interface ModelFitArgs extends TrainingOptions {
  /** Samples in a batch, the last of an epoch may have fewer; default 32, or the model's own. */
  batchSize?: number;
  /** A new order of the samples for every epoch, or of whole batches: 'batch'. Default true; false where states are carried. */
  shuffle?: Shuffle;
  /** What part of the samples, the last ones, to test on after every epoch instead of training on them. */
  validationSplit?: number;
  /** Samples to test on after every epoch, [x, y] or [x, y, sampleWeight]; goes before validationSplit. */
  validationData?: ValidationData;
  /** A factor for the loss of each sample, [N], or of each of its time steps, [N, T]; in validation, too. */
  sampleWeight?: TensorLike;
}

interface Fit extends Training {
  readonly pairs: Pairs;
  readonly batchSize: number;
  readonly shuffle: Shuffle;
  readonly validation: Pairs | null;
}

const OPTIONS = [...trainingOptions, 'batchSize', 'shuffle', 'validationSplit', 'validationData', 'sampleWeight'];

export async function fitSamples(
  trained: TrainedModel,
  x: OneTensor,
  y: OneTensor,
  options: ModelFitArgs | undefined,
): Promise<History> {
  const call = 'model.fit';
  const read = readFit(call, trained, x, y, options);
  return alone(trained, read.signal, () => train(call, trained, read));
}

async function train(call: string, trained: TrainedModel, read: Fit): Promise<History> {
  const { pairs, batchSize, shuffle, validation, callbacks, yieldEvery, resume, signal, ...rest } = read;
  const asked = resume !== null || callbacks.some(callback => callback.keepsFile);
  const found = asked ? await findSnapshot(resume, callbacks) : null;
  const interrupted = found && readInterrupted(call, trained, found);
  const samples = pairs.x.count;
  const steps = Math.ceil(samples / batchSize);
  const params = { ...rest, samples, steps, batchSize, doValidation: validation !== null };
  const resumed = interrupted?.progress ?? null;
  const seed = resumed ? resumed.seed : shuffle ? trained.seeds.next() : null;
  const data = { samples, batchSize, shuffle };
  const session = new TrainingLoop(call, trained, {
    callbacks,
    yieldEvery,
    params,
    method: 'fit',
    data,
    seed,
    resumed,
  });
  interrupted?.write();
  const order = new Order(samples, batchSize, shuffle, seed);
  const [xs, ys] = [new Selection(pairs.x, order.places), new Selection(pairs.y, order.places)];
  const factors = pairs.weights && new Selection(pairs.weights, order.places);
  const diagnose = () => findFault('x', pairs.x) ?? findFault('y', pairs.y);

  return session.run(async (epochLogs, epoch, start) => {
    order.turnTo(epoch);
    for (let batch = start; batch < steps && !session.cut; batch++) {
      const from = batch * batchSize;
      const size = Math.min(batchSize, samples - from);
      const logs: Logs = {};
      await session.batchBegin(batch, logs);
      logs.batch = batch;
      logs.size = size;
      session.train(logs, xs.select(from, size), ys.select(from, size), factors?.select(from, size), diagnose);
      // Before the end of the last batch, as in TF.js.
      if (batch === steps - 1 && validation)
        await session.validate(testing(call, trained, validation, batchSize), epochLogs);
      await session.batchEnd(batch, logs);
      if (session.ending) break;
    }
  });
}

/** All arguments of `fit`, checked. Nothing has changed yet, whatever is wrong with them. */
export function readFit(
  call: string,
  trained: TrainedModel,
  x: OneTensor,
  y: OneTensor,
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
  const count = all.x.count;
  if (given || split === 0) {
    checkWhole(call, 'x', all.x.shape, fixed);
    if (given) checkWhole(call, 'validationData[0]', given.x.shape, fixed);
    return { ...training, pairs: all, batchSize, shuffle, validation: given };
  }
  const at = Math.floor(count * (1 - split));
  if (at === 0) fail(call, `validationSplit must leave a sample of ${count} to train on, got ${split}`);
  const part = (from: number, to: number, weights: Samples | null) => ({
    x: all.x.part(from, to),
    y: all.y.part(from, to),
    weights: weights?.part(from, to) ?? null,
  });
  // As in Keras, classes weigh in training only.
  const validation = part(at, count, readAllSampleWeights(call, all.y, { sampleWeight }));
  const pairs = part(0, at, all.weights);
  checkWhole(call, 'the part of x that validationSplit leaves for training', pairs.x.shape, fixed);
  checkWhole(call, 'the part of x that validationSplit sets apart', validation.x.shape, fixed);
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
    fail(call, `${name} must be absent, because x says how many batches there are; fitDataset has ${other}`);
  }
  return known;
}

function checkShuffle(call: string, value: unknown, stateful: boolean): Shuffle {
  const shuffle = value ?? !stateful;
  if (shuffle !== true && shuffle !== false && shuffle !== 'batch') {
    fail(call, `shuffle must be true, false or 'batch', got ${show(value)}`);
  }
  if (stateful && shuffle) {
    fail(
      call,
      `shuffle must be false for a stateful model, whose row b goes on where row b of the batch before stopped, got ${show(value)}`,
    );
  }
  return shuffle;
}

/** Samples given as [x, y] or [x, y, sampleWeight]. */
export function readValidation(call: string, trained: TrainedModel, data: unknown): Pairs {
  if (!Array.isArray(data) || data.length < 2 || data.length > 3) {
    fail(call, `validationData must be [x, y] or [x, y, sampleWeight], got ${show(data)}`);
  }
  const [x, y, sampleWeight] = data;
  return readPairs(call, trained, x, y, { sampleWeight }, ['validationData[0]', 'validationData[1]']);
}

/** The first of the samples that holds a number which is not finite, in words. */
export function findFault(name: string, { data, each }: Samples): string | null {
  const at = data.findIndex(value => !Number.isFinite(value));
  return at < 0 ? null : `sample ${Math.floor(at / each)} of ${name} holds ${data[at]}`;
}
