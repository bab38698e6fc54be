/** Sentences that depend on settings. */

import type { Settings } from './settings.ts';
import type { Task } from './tasks/index.ts';
import { amount, cellNames } from './words.ts';

const makers = { adam: 'Adam', rmsprop: 'RMSProp', momentum: 'momentum', sgd: 'plain gradient descent' };

/** Describes the network and a training step. */
export function networkText(settings: Settings, task: Task): string {
  const { cell, units, layers, timeSteps, batch, optimizer } = settings;
  const size = amount(units, `${cellNames[cell]} unit`);
  const stack = layers === 1 ? `There is one layer of ${size}` : `There are ${layers} layers of ${size} each`;
  const goal = task.everyStep ? 'at every time step' : 'at the end of a row';
  return (
    `${stack}, and a dense layer with the output ${goal}. A training step takes a batch of ${amount(batch, 'row')} of ` +
    `${timeSteps} time steps, predicts it, computes the mean squared error, back-propagates it through all ${timeSteps} ` +
    `time steps, and updates every weight with ${makers[optimizer]}.`
  );
}

/** A warning about `stateful` if it does not suit the task; else empty. */
export function stateWarning({ stateful, timeSteps }: Settings, { continues, everyStep }: Task): string {
  if (continues && !stateful) {
    return (
      `Stateful is off, so the states are zero at the start of every row of ${timeSteps} time steps. The network does not ` +
      `know what came before, and the prediction is wrong at the start of every row, every ${timeSteps} steps.`
    );
  }
  if (!continues && stateful) {
    return (
      'Stateful is on, but the rows of this task do not continue. The network starts each row with the states of ' +
      `another one, which disturbs it${everyStep ? ', most of all in the first time steps' : ''}.`
    );
  }
  return '';
}

/** A note on the lowest possible cost where the target has noise. */
export function noiseNote(noise: number, cost: number | null): string {
  const best = `The noise has a standard deviation of ${noise} and cannot be predicted, so no network stays below a cost of ${(noise ** 2).toFixed(2)}.`;
  if (cost === null || !Number.isFinite(cost)) return best;
  const off = Math.sqrt(cost).toFixed(2);
  return `${best} The errors of this one have a standard deviation of ${off}: about two in three values are within ±${off} of the prediction.`;
}
