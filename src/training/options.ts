/** Options that `fit`, `fitDataset`, `evaluate` and `evaluateDataset` share. */

import type { ClassWeights } from '../inputs/sampleWeights.ts';
import { fail, show } from '../util/errors.ts';
import { checkCount } from '../util/options.ts';
import { type BaseCallback, type Callbacks, readCallbacks } from './callback.ts';
import { checkYieldEvery, type YieldEvery } from './pace.ts';
import type { TrainedModel } from './trainedModel.ts';
import { checkVerbose, defaultVerbosity, type Verbosity } from './verbosity.ts';

/** Options of `fit` and `fitDataset`. */
export interface TrainingOptions {
  /** The epoch to stop before; default 1. */
  epochs?: number;
  /** The number of the first epoch, to continue earlier training; default 0. */
  initialEpoch?: number;
  /** An object of functions, one of `callbacks.*`, an instance of your own class, or a list of them. */
  callbacks?: Callbacks;
  /** Default 1, a progress bar, in Node; 0, nothing, in browsers. */
  verbose?: Verbosity;
  /** How often to yield to the event loop; default 'auto', every 125 ms. */
  yieldEvery?: YieldEvery;
  /**
   * A snapshot taken during training with the same model, data and callbacks: restores the model and resumes training,
   * with the same results as without the interruption. Default null.
   */
  resume?: Uint8Array | null;
  /** A factor for the loss of each class in y, by its number: { 0: 1, 1: 5 }. */
  classWeight?: ClassWeights;
  /**
   * Aborts training after the current batch; the promise is rejected with the reason of the signal.
   * `callbacks.modelCheckpoint` with a file saves the progress, so that training can be resumed.
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
  /** Not checked yet. */
  readonly resume: unknown;
  readonly signal: AbortSignal | null;
}

/** Reads and checks the options of a training run. */
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

/** Runs a training run. No other can start until it ends; `stopTraining` and `signal` stop it from now on. */
export async function runExclusively<T>(
  trained: TrainedModel,
  signal: AbortSignal | null,
  work: () => Promise<T>,
): Promise<T> {
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

/** Fails if the model is in a training run. */
export function checkIdle(call: string, trained: TrainedModel): void {
  if (!trained.training) return;
  fail(call, 'the model is already being trained; await the promise of the earlier call');
}
