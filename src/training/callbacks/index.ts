/** Ready-made callbacks by name. */

import type { Verbosity } from '../options.ts';
import { EarlyStopping, type EarlyStoppingCallbackArgs } from './earlyStopping.ts';
import { type LearningRateSchedule, LearningRateScheduler } from './learningRateScheduler.ts';
import { ModelCheckpoint, type ModelCheckpointArgs } from './modelCheckpoint.ts';
import { ProgressBar, type ProgressBarArgs } from './progressBar.ts';
import { ReduceLROnPlateau, type ReduceLROnPlateauArgs } from './reduceLROnPlateau.ts';
import { TerminateOnNaN } from './terminateOnNaN.ts';

/** Makes callbacks for `fit` and `fitDataset`. */
export const callbacks = {
  /** Ends training when a number stops getting better, and restores the best weights if asked to. */
  earlyStopping: (args?: EarlyStoppingCallbackArgs): EarlyStopping => new EarlyStopping(args),
  /** Makes the learning rate smaller when a number stops getting better. */
  reduceLROnPlateau: (args?: ReduceLROnPlateauArgs): ReduceLROnPlateau => new ReduceLROnPlateau(args),
  /** Keeps the weights of the best epoch, or hands epochs worth keeping to a function. */
  modelCheckpoint: (args?: ModelCheckpointArgs): ModelCheckpoint => new ModelCheckpoint(args),
  /** Sets the learning rate before every epoch. */
  learningRateScheduler: (schedule: LearningRateSchedule, verbose?: Verbosity): LearningRateScheduler =>
    new LearningRateScheduler(schedule, verbose),
  /** Ends training after a batch whose loss is not finite. */
  terminateOnNaN: (): TerminateOnNaN => new TerminateOnNaN(),
  /** A line an epoch on the terminal, redrawn as its batches go by. */
  progressBar: (args?: ProgressBarArgs): ProgressBar => new ProgressBar(args),
};

export type {
  EarlyStoppingCallbackArgs,
  LearningRateSchedule,
  ModelCheckpointArgs,
  ProgressBarArgs,
  ReduceLROnPlateauArgs,
};
export { EarlyStopping, LearningRateScheduler, ModelCheckpoint, ProgressBar, ReduceLROnPlateau, TerminateOnNaN };
