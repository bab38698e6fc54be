/** Ready-made callbacks by name. */

import { exact } from '../../util/arguments.ts';
import type { BaseCallback } from '../callback.ts';
import type { Verbosity } from '../options.ts';
import { EarlyStopping, type EarlyStoppingCallbackArgs } from './earlyStopping.ts';
import { type LearningRateSchedule, LearningRateScheduler } from './learningRateScheduler.ts';
import { ModelCheckpoint, type ModelCheckpointArgs } from './modelCheckpoint.ts';
import { ProgressBar, type ProgressBarArgs } from './progressBar.ts';
import { ReduceLROnPlateau, type ReduceLROnPlateauArgs } from './reduceLROnPlateau.ts';
import { TerminateOnNaN } from './terminateOnNaN.ts';

/** How a callback was made: by which of `callbacks`, and with what. */
export interface Recipe {
  readonly name: string;
  readonly args: readonly unknown[];
}

const recipes = new WeakMap<BaseCallback, Recipe>();

/** @internal Null for callbacks that nothing of `callbacks` has made. */
export const recipeOf = (callback: BaseCallback): Recipe | null => recipes.get(callback) ?? null;

/** A factory that remembers how it made what. */
function remembered<Args extends unknown[], C extends BaseCallback>(
  name: Recipe['name'],
  make: (...args: Args) => C,
): (...args: Args) => C {
  const checked = exact(`callbacks.${name}`, make);
  return (...args) => {
    const made = checked(...args);
    recipes.set(made, { name, args });
    return made;
  };
}

/** Makes callbacks for `fit` and `fitDataset`. */
export const callbacks = {
  /** Ends training when a number stops getting better, and restores the best weights if asked to. */
  earlyStopping: remembered('earlyStopping', (args?: EarlyStoppingCallbackArgs) => new EarlyStopping(args)),
  /** Makes the learning rate smaller when a number stops getting better. */
  reduceLROnPlateau: remembered('reduceLROnPlateau', (args?: ReduceLROnPlateauArgs) => new ReduceLROnPlateau(args)),
  /** Keeps the weights of the best epoch, hands epochs worth keeping to a function, or writes snapshots into a file. */
  modelCheckpoint: remembered('modelCheckpoint', (args?: ModelCheckpointArgs) => new ModelCheckpoint(args)),
  /** Sets the learning rate before every epoch. */
  learningRateScheduler: remembered(
    'learningRateScheduler',
    (schedule: LearningRateSchedule, verbose?: Verbosity) => new LearningRateScheduler(schedule, verbose),
  ),
  /** Ends training after a batch whose loss is not finite. */
  terminateOnNaN: remembered('terminateOnNaN', () => new TerminateOnNaN()),
  /** A line an epoch on the terminal, redrawn as its batches go by. */
  progressBar: remembered('progressBar', (args?: ProgressBarArgs) => new ProgressBar(args)),
};

export type {
  EarlyStoppingCallbackArgs,
  LearningRateSchedule,
  ModelCheckpointArgs,
  ProgressBarArgs,
  ReduceLROnPlateauArgs,
};
export { EarlyStopping, LearningRateScheduler, ModelCheckpoint, ProgressBar, ReduceLROnPlateau, TerminateOnNaN };
