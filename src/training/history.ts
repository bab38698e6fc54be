/** What training leaves behind: the losses and metrics of its epochs. */

import { BaseCallback, type Logs } from './callback.ts';

/** The record of a training, as `fit` returns it. */
export class History extends BaseCallback {
  /** The epochs that were trained. */
  epoch: number[] = [];
  /** A number for every epoch, by name: `loss`, metrics, and their `val_` where there was validation. */
  history: Record<string, number[]> = {};

  override async onTrainBegin(): Promise<void> {
    this.epoch = [];
    this.history = {};
  }

  /** @internal Goes on with the record of the training that is resumed. */
  resume(epoch: readonly number[], history: Readonly<Record<string, readonly number[]>>): void {
    this.epoch = [...epoch];
    this.history = Object.fromEntries(Object.entries(history).map(([key, values]) => [key, [...values]]));
  }

  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    this.epoch.push(epoch);
    for (const [key, value] of Object.entries(logs)) {
      this.history[key] ??= [];
      this.history[key].push(value);
    }
  }
}

/** Means over batches, each weighted by its number of samples. */
export class Means {
  readonly labels: readonly string[];
  readonly #roots: readonly boolean[];
  readonly #sums: Float64Array;
  #seen = 0;

  /** @param roots which of them are roots of a mean: their squares are averaged */
  constructor(labels: readonly string[], roots: readonly boolean[] = []) {
    this.labels = labels;
    this.#roots = roots;
    this.#sums = new Float64Array(labels.length);
  }

  get seen(): number {
    return this.#seen;
  }

  get sums(): readonly number[] {
    return [...this.#sums];
  }

  reset(): void {
    this.#sums.fill(0);
    this.#seen = 0;
  }

  /** @internal Goes on from the sums over so many samples. */
  resume(sums: readonly number[], seen: number): void {
    this.#sums.set(sums);
    this.#seen = seen;
  }

  /** @param values what trainOnBatch or testOnBatch returned for so many samples */
  add(values: number | readonly number[], samples: number): void {
    this.#seen += samples;
    for (let n = 0; n < this.#sums.length; n++) {
      const value = resultAt(values, n);
      this.#sums[n]! += (this.#roots[n] ? value * value : value) * samples;
    }
  }

  values(): number[] {
    return Array.from(this.#sums, (sum, n) => (this.#roots[n] ? Math.sqrt(sum / this.#seen) : sum / this.#seen));
  }

  /** Puts the means under their names; nothing where nothing was seen. */
  into(logs: Logs, prefix = ''): void {
    if (this.#seen === 0) return;
    for (const [n, value] of this.values().entries()) logs[prefix + this.labels[n]] = value;
  }
}

/** The loss or a metric out of what trainOnBatch returns: the loss alone is a plain number. */
export const resultAt = (values: number | readonly number[], n: number): number =>
  typeof values === 'number' ? values : values[n]!;
