/** The record of a training run. */

import { BaseCallback, type EpochRecord, type Logs } from './callback.ts';

/** The record of a training run, as `fit` returns it. */
export class History extends BaseCallback implements EpochRecord {
  /** The trained epochs. */
  epoch: number[] = [];
  /** A value for each epoch, by name: `loss`, metrics, and with validation their `val_` values. */
  history: Record<string, number[]> = {};

  override async onTrainBegin(): Promise<void> {
    this.epoch = [];
    this.history = {};
  }

  /** @internal Continues another record. */
  resume(epoch: readonly number[], history: Readonly<Record<string, readonly number[]>>): void {
    this.epoch = [...epoch];
    this.history = Object.fromEntries(Object.entries(history).map(([key, values]) => [key, [...values]]));
  }

  /** @internal Appends an epoch. */
  record(epoch: number, logs: Logs): void {
    this.epoch.push(epoch);
    for (const [key, value] of Object.entries(logs)) {
      this.history[key] ??= [];
      this.history[key].push(value);
    }
  }

  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    this.record(epoch, logs);
  }
}
