/** The built-in callbacks by name. */

import { limitArguments } from '../../util/arguments.ts';
import type { BaseCallback } from '../callback.ts';
import type { Verbosity } from '../verbosity.ts';
import { EarlyStopping, type EarlyStoppingCallbackArgs } from './earlyStopping.ts';
import { type LearningRateSchedule, LearningRateScheduler } from './learningRateScheduler.ts';
import { ModelCheckpoint, type ModelCheckpointArgs } from './modelCheckpoint.ts';
import { ProgressBar, type ProgressBarArgs } from './progressBar.ts';
import { ReduceLROnPlateau, type ReduceLROnPlateauArgs } from './reduceLROnPlateau.ts';
import { TerminateOnNaN } from './terminateOnNaN.ts';

/** How a callback was made: the name of the factory, and its arguments. */
export interface Recipe {
  readonly name: string;
  readonly args: readonly unknown[];
}

const recipes = new WeakMap<BaseCallback, Recipe>();

/** @internal Null for a callback that was not made by `callbacks`. */
export const recipeOf = (callback: BaseCallback): Recipe | null => recipes.get(callback) ?? null;

/** A factory that stores the recipe of each callback. */
function withRecipe<Args extends unknown[], C extends BaseCallback>(
  name: Recipe['name'],
  make: (...args: Args) => C,
): (...args: Args) => C {
  const checked = limitArguments(`callbacks.${name}`, make);
  return (...args) => {
    const made = checked(...args);
    recipes.set(made, { name, args });
    return made;
  };
}

/** Makes callbacks for `fit` and `fitDataset`. */
export const callbacks = {
  /** Stops training when a monitored value stops improving; optionally restores the best weights. */
  earlyStopping: withRecipe('earlyStopping', (args?: EarlyStoppingCallbackArgs) => new EarlyStopping(args)),
  /** Reduces the learning rate when a monitored value stops improving. */
  reduceLROnPlateau: withRecipe('reduceLROnPlateau', (args?: ReduceLROnPlateauArgs) => new ReduceLROnPlateau(args)),
  /** Keeps the weights of the best epoch, calls a function that saves the model, or writes snapshots to a file. */
  modelCheckpoint: withRecipe('modelCheckpoint', (args?: ModelCheckpointArgs) => new ModelCheckpoint(args)),
  /** Sets the learning rate before each epoch. */
  learningRateScheduler: withRecipe(
    'learningRateScheduler',
    (schedule: LearningRateSchedule, verbose?: Verbosity) => new LearningRateScheduler(schedule, verbose),
  ),
  /** Stops training after a batch whose loss is not finite. */
  terminateOnNaN: withRecipe('terminateOnNaN', () => new TerminateOnNaN()),
  /** A progress bar on the terminal: one line per epoch. */
  progressBar: withRecipe('progressBar', (args?: ProgressBarArgs) => new ProgressBar(args)),
};

export type {
  EarlyStoppingCallbackArgs,
  LearningRateSchedule,
  ModelCheckpointArgs,
  ProgressBarArgs,
  ReduceLROnPlateauArgs,
};
export { EarlyStopping, LearningRateScheduler, ModelCheckpoint, ProgressBar, ReduceLROnPlateau, TerminateOnNaN };
