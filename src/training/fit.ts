/** `fit`: training on samples that are all there. */

import { fail, show } from '../errors.ts';
import { checkNumber, checkOptions } from '../options.ts';
import { nextSeed } from '../random.ts';
import type { TensorLike } from '../tensor.ts';
import type { Logs } from './callback.ts';
import { type Pairs, readPairs, testing } from './evaluate.ts';
import type { History } from './history.ts';
import {
  checkBatchSize,
  checkIdle,
  checkWhole,
  readTraining,
  type Training,
  type TrainingOptions,
  trainingOptions,
} from './options.ts';
import { Order, type Samples, Selection, type Shuffle } from './samples.ts';
import { Session } from './session.ts';
import type { Trainee } from './trainee.ts';

/** Options of `fit`. */
export interface ModelFitArgs extends TrainingOptions {
  /** Samples in a batch, the last of an epoch may have fewer; default 32, or the model's own. */
  batchSize?: number;
  /** A new order of the samples for every epoch, or of whole batches: 'batch'. Default true; false where states are carried. */
  shuffle?: Shuffle;
  /** What part of the samples, the last ones, to test on after every epoch instead of training on them. */
  validationSplit?: number;
  /** Samples to test on after every epoch, [x, y]; goes before validationSplit. */
  validationData?: readonly [TensorLike, TensorLike];
}

interface Fit extends Training {
  readonly pairs: Pairs;
  readonly batchSize: number;
  readonly shuffle: Shuffle;
  readonly validation: Pairs | null;
}

const OPTIONS = [...trainingOptions, 'batchSize', 'shuffle', 'validationSplit', 'validationData'];

export async function fitSamples(
  trainee: Trainee,
  x: TensorLike,
  y: TensorLike,
  options: ModelFitArgs | undefined,
): Promise<History> {
  const call = 'model.fit';
  const { pairs, batchSize, shuffle, validation, callbacks, yieldEvery, ...rest } = readFit(
    call,
    trainee,
    x,
    y,
    options,
  );
  const samples = pairs.x.count;
  const steps = Math.ceil(samples / batchSize);
  const params = { ...rest, samples, steps, batchSize, doValidation: validation !== null };
  const session = new Session(call, trainee, { callbacks, yieldEvery, params });
  const order = new Order(samples, batchSize, shuffle, nextSeed);
  const [xs, ys] = [new Selection(pairs.x, order.places), new Selection(pairs.y, order.places)];
  const diagnose = () => findFault('x', pairs.x) ?? findFault('y', pairs.y);

  return session.run(async epochLogs => {
    order.next();
    for (let batch = 0; batch < steps; batch++) {
      const from = batch * batchSize;
      const size = Math.min(batchSize, samples - from);
      const logs: Logs = {};
      await session.batchBegin(batch, logs);
      logs.batch = batch;
      logs.size = size;
      session.train(logs, xs.select(from, size), ys.select(from, size), diagnose);
      // Before the end of the last batch, as in TF.js.
      if (batch === steps - 1 && validation) await session.validate(testing(trainee, validation, batchSize), epochLogs);
      await session.batchEnd(batch, logs);
      if (session.ending) break;
    }
  });
}

/** All arguments of `fit`, checked. Nothing has changed yet, whatever is wrong with them. */
function readFit(call: string, trainee: Trainee, x: TensorLike, y: TensorLike, options: ModelFitArgs | undefined): Fit {
  trainee.objective(call);
  checkIdle(call, trainee);
  const known = readOptions(call, options);
  const training = readTraining(call, known);
  const fixed = trainee.fixedBatch(call);
  const batchSize = checkBatchSize(call, known.batchSize, fixed);
  const shuffle = checkShuffle(call, known.shuffle, trainee.stateful);
  const all = readPairs(call, trainee, x, y);
  const validation = known.validationData === undefined ? null : readValidation(call, trainee, known.validationData);
  const split = checkNumber(call, 'validationSplit', known.validationSplit ?? 0, { least: 0, below: 1 });
  const count = all.x.count;
  if (validation || split === 0) {
    checkWhole(call, 'x', count, fixed);
    if (validation) checkWhole(call, 'validationData[0]', validation.x.count, fixed);
    return { ...training, pairs: all, batchSize, shuffle, validation };
  }
  const at = Math.floor(count * (1 - split));
  if (at === 0) fail(call, `validationSplit must leave a sample of ${count} to train on, got ${split}`);
  checkWhole(call, 'the part of x that validationSplit leaves for training', at, fixed);
  checkWhole(call, 'the part of x that validationSplit sets apart', count - at, fixed);
  const part = (from: number, to: number) => ({ x: all.x.part(from, to), y: all.y.part(from, to) });
  return { ...training, pairs: part(0, at), batchSize, shuffle, validation: part(at, count) };
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

/** Samples given as [x, y]. */
export function readValidation(call: string, trainee: Trainee, data: unknown): Pairs {
  if (!Array.isArray(data) || data.length !== 2) fail(call, `validationData must be [x, y], got ${show(data)}`);
  return readPairs(call, trainee, data[0], data[1], ['validationData[0]', 'validationData[1]']);
}

/** The first of the samples that holds a number which is not finite, in words. */
function findFault(name: string, { data, each }: Samples): string | null {
  const at = data.findIndex(value => !Number.isFinite(value));
  return at < 0 ? null : `sample ${Math.floor(at / each)} of ${name} holds ${data[at]}`;
}
