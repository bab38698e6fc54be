/** Sets the learning rate before each epoch. */

import { fail, show } from '../../util/errors.ts';
import { Callback, type Logs } from '../callback.ts';
import { checkVerbose, type Verbosity } from '../verbosity.ts';

/** Returns the learning rate of an epoch, given the current one. */
export type LearningRateSchedule = (epoch: number, learningRate: number) => number;

export class LearningRateScheduler extends Callback {
  readonly #schedule: LearningRateSchedule;
  readonly #verbose: number;

  constructor(schedule: LearningRateSchedule, verbose: Verbosity = 0) {
    super();
    const call = 'callbacks.learningRateScheduler';
    if (typeof schedule !== 'function') {
      fail(call, `schedule must be a function of the epoch and the learning rate, got ${show(schedule)}`);
    }
    this.#schedule = schedule;
    this.#verbose = checkVerbose(call, verbose);
  }

  override async onEpochBegin(epoch: number): Promise<void> {
    const optimizer = this.model.optimizer!;
    const rate: unknown = this.#schedule(epoch, optimizer.learningRate);
    if (typeof rate !== 'number' || !Number.isFinite(rate) || rate < 0) {
      const rule = 'schedule must return a finite number of at least 0';
      fail('callbacks.learningRateScheduler', `${rule}, got ${show(rate)} for epoch ${epoch}`);
    }
    optimizer.learningRate = rate;
    if (this.#verbose) console.log(`Epoch ${epoch}: learning rate ${rate}.`);
  }

  /** Adds the learning rate of the epoch to the logs, as `lr`. */
  override async onEpochEnd(_epoch: number, logs: Logs = {}): Promise<void> {
    logs.lr = this.model.optimizer!.learningRate;
  }
}
