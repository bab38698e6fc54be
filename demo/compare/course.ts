/** What both train: the network and the task of the page, as far as the baseline in plain JavaScript supports them. */

import { sineCosine } from 'lstm-wasm/data';
import type { Settings } from '../settings.ts';
import type { Batch, Task } from '../tasks/task.ts';
import { amount, cellNames, join } from '../words.ts';

/** A network of one LSTM layer under a dense layer on every step, trained by Adam. */
export interface Sizes {
  readonly batch: number;
  readonly timeSteps: number;
  readonly inputs: number;
  readonly units: number;
  readonly outputs: number;
  readonly stateful: boolean;
  readonly learningRate: number;
  readonly seed: number;
}

export interface Course {
  readonly sizes: Sizes;
  /** For example "LSTM with 20 units, 50 rows of 20 steps, Adam". */
  readonly title: string;
  /** How it differs from the settings of the page; empty if it does not. */
  readonly instead: string;
  batches(): Generator<Batch, never, void>;
}

/** With larger steps, training is unstable, and rounding errors of the two grow until their costs differ. */
export const mostRate = 0.001;

export function courseOf(settings: Settings, task: Task): Course {
  const { batch, timeSteps, units, stateful, seed } = settings;
  const learningRate = Math.min(settings.learningRate, mostRate);
  const { everyStep } = task;
  const { inputs, outputs } = everyStep ? task : { inputs: 1, outputs: 1 };
  const changes: string[] = [];
  if (settings.cell !== 'lstm') changes.push(`an LSTM in place of the ${cellNames[settings.cell]}`);
  if (settings.layers > 1) changes.push(`one layer in place of ${settings.layers}`);
  if (settings.optimizer !== 'adam') changes.push('Adam in place of the optimizer');
  if (!everyStep) changes.push('the task sine to cosine');
  return {
    sizes: { batch, timeSteps, inputs, outputs, units, stateful, learningRate, seed },
    title: `LSTM with ${amount(units, 'unit')}, ${amount(batch, 'row')} of ${timeSteps} steps, Adam`,
    instead:
      changes.length === 0
        ? ''
        : `The plain version supports only part of the settings, so both train ${join(changes)}.`,
    batches: () => (everyStep ? task.batches(settings) : sineCosine({ batchSize: batch, timeSteps })),
  };
}
