/** Sentences that depend on settings. */

import type { Settings } from './settings.ts';
import type { Task } from './tasks/index.ts';
import { amount, cellNames } from './words.ts';

const makers = { adam: 'Adam', rmsprop: 'RMSProp', momentum: 'momentum', sgd: 'plain gradient descent' };

/** What is being trained, in words. */
export function networkText(settings: Settings, task: Task): string {
  const { cell, units, layers, timeSteps, batch, optimizer } = settings;
  const size = amount(units, `${cellNames[cell]} unit`);
  const stack = layers === 1 ? `There is one layer of ${size}` : `There are ${layers} layers of ${size} each`;
  const goal = task.everyStep ? 'at every point' : 'at the end';
  return (
    `${stack}, and a dense layer that answers ${goal}. A step takes a batch of ${amount(batch, 'row')} of ${timeSteps} ` +
    `points, runs it forward, compares the answers with the target, carries the error back through ${timeSteps} points ` +
    `of time, and moves every weight a little, by ${makers[optimizer]}.`
  );
}

/** What goes wrong with the states as they are set; empty where nothing does. */
export function stateWarning({ stateful, timeSteps }: Settings, { continues, everyStep }: Task): string {
  if (continues && !stateful) {
    return (
      `Stateful is off: the network begins every row of ${timeSteps} points with an empty memory. It does not know what ` +
      `came before, so the dashed line goes wrong wherever a row begins, every ${timeSteps} points.`
    );
  }
  if (!continues && stateful) {
    return (
      'Stateful is on, but here every row is a new one. The network begins with memories of another row, which have ' +
      `nothing to do with this one and get in its way${everyStep ? ', most of all at the first points' : ''}.`
    );
  }
  return '';
}

/** What can be said about the next value where there is noise upon it. */
export function noiseNote(noise: number, cost: number | null): string {
  const best = `The noise has a standard deviation of ${noise}, and nobody can foresee it: no network gets below a cost of ${(noise ** 2).toFixed(2)} for long.`;
  if (cost === null || !Number.isFinite(cost)) return best;
  const off = Math.sqrt(cost).toFixed(2);
  return `${best} This one is off by ${off} (standard deviation): about two in three values lie within ±${off} of the dashed line.`;
}
