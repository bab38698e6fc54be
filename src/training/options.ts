/** Options that `fit`, `fitDataset` and the evaluations share: what they may be, and what they are when absent. */

import { fail, show } from '../util/errors.ts';
import { checkCount } from '../util/options.ts';
import { showShape } from '../util/shapes.ts';
import { type BaseCallback, type Callbacks, readCallbacks } from './callback.ts';
import { defaultVerbosity } from './callbacks/progressBar.ts';
import { checkYieldEvery, type YieldEvery } from './pace.ts';
import type { TrainedModel } from './trainedModel.ts';

const DEFAULT_BATCH = 32;

/** 0 or false is silent; 1 or true draws a progress bar; 2 writes a line for each epoch. Other numbers are rejected. */
export type Verbosity = number | boolean;

/** Options of a training, however its data comes. */
export interface TrainingOptions {
  /** The epoch to stop before; default 1. */
  epochs?: number;
  /** The number of the first epoch, for a training that goes on; default 0. */
  initialEpoch?: number;
  /** An object of functions, one of `callbacks.*`, an instance of your own class, or a list of them. */
  callbacks?: Callbacks;
  /** Default 1 in Node, a progress bar; 0 in browsers, nothing. */
  verbose?: Verbosity;
  /** How often to let go of the thread; default 'auto', every 125 ms. */
  yieldEvery?: YieldEvery;
  /**
   * A snapshot taken in a training like this one, of this model, data and callbacks: the model is restored, and training
   * goes on from there as if nothing had happened. Null, as absent, for none.
   */
  resume?: Uint8Array | null;
  /** A factor for the loss of each class that occurs in y, by its number: { 0: 1, 1: 5 }. */
  classWeight?: Record<number, number>;
  /**
   * Ends the training when it is aborted, after the batch in which that happens; the promise is then rejected with the
   * reason. `callbacks.modelCheckpoint` with a file keeps the place, to go on from.
   */
  signal?: AbortSignal;
}

export const trainingOptions = [
  'epochs',
  'initialEpoch',
  'callbacks',
  'verbose',
  'yieldEvery',
  'resume',
  'classWeight',
  'signal',
] as const;

export interface Training {
  readonly epochs: number;
  readonly initialEpoch: number;
  readonly verbose: 0 | 1 | 2;
  readonly yieldEvery: YieldEvery;
  readonly callbacks: BaseCallback[];
  /** Not looked at yet. */
  readonly resume: unknown;
  readonly signal: AbortSignal | null;
}

/** The options of a training, checked. */
export function readTraining(call: string, options: TrainingOptions): Training {
  const { epochs = 1, initialEpoch = 0, verbose, yieldEvery = 'auto' } = options;
  const every = checkYieldEvery(call, yieldEvery);
  return {
    epochs: checkCount(call, 'epochs', epochs),
    initialEpoch: checkCount(call, 'initialEpoch', initialEpoch, 0),
    verbose: verbose === undefined ? defaultVerbosity() : checkVerbose(call, verbose),
    yieldEvery: every,
    callbacks: readCallbacks(call, options.callbacks, every),
    resume: options.resume ?? null,
    signal: checkSignal(call, options.signal ?? null),
  };
}

export function checkSignal(call: string, signal: unknown): AbortSignal | null {
  if (signal === null || signal instanceof AbortSignal) return signal;
  return fail(call, `signal must be an AbortSignal, got ${show(signal)}`);
}

export function checkVerbose(call: string, value: unknown): 0 | 1 | 2 {
  if (value === 0 || value === 1 || value === 2) return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return fail(call, `verbose must be 0, 1, 2, true or false, got ${show(value)}`);
}

/** The batch size: the model's own where that is fixed. */
export function checkBatchSize(call: string, value: unknown, fixed: number | null, name = 'batchSize'): number {
  if (value === undefined) return fixed ?? DEFAULT_BATCH;
  const size = checkCount(call, name, value);
  if (fixed !== null && size !== fixed) fail(call, `${name} must be ${fixed}, which the model fixes, got ${size}`);
  return size;
}

/** A model of a fixed batch size takes whole batches only. */
export function checkWhole(call: string, what: string, shape: readonly number[], fixed: number | null): void {
  if (fixed === null || shape[0]! % fixed === 0) return;
  const got = showShape(shape);
  fail(call, `${what} must hold a multiple of ${fixed} samples, the model's batch size, got the shape ${got}`);
}

/** A training from its beginning: whatever asks for its end from now on is heard, and no other may begin before it. */
export async function alone<T>(trained: TrainedModel, signal: AbortSignal | null, work: () => Promise<T>): Promise<T> {
  signal?.throwIfAborted();
  trained.model.stopTraining = false;
  trained.signal = signal;
  trained.training = true;
  try {
    return await work();
  } finally {
    trained.training = false;
    trained.progress = null;
  }
}

/** A model is trained by one call at a time. */
export function checkIdle(call: string, trained: TrainedModel): void {
  if (!trained.training) return;
  fail(call, 'the model must not be in training already; await the promise of the call that trains it');
}
