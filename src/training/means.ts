/** Means of losses and metrics over batches. */

import type { Logs } from './callback.ts';

/** Means over batches, each batch weighted by its number of samples. */
export class Means {
  readonly labels: readonly string[];
  readonly #roots: readonly boolean[];
  readonly #sums: Float64Array;
  #seen = 0;

  /** @param roots which values are the root of a mean: their squares are averaged */
  constructor(labels: readonly string[], roots: readonly boolean[] = []) {
    this.labels = labels;
    this.#roots = roots;
    this.#sums = new Float64Array(labels.length);
  }

  /** The number of samples. */
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

  /** Continues with the sums over `seen` samples. */
  resume(sums: readonly number[], seen: number): void {
    this.#sums.set(sums);
    this.#seen = seen;
  }

  /** @param values the result of `trainOnBatch` or `testOnBatch` for a number of samples */
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

  /** Adds the means to the logs, if there are any samples. */
  addTo(logs: Logs, prefix = ''): void {
    if (this.#seen === 0) return;
    for (const [n, value] of this.values().entries()) logs[prefix + this.labels[n]] = value;
  }
}

/** The loss or a metric from the result of `trainOnBatch`, which is a plain number without metrics. */
export const resultAt = (values: number | readonly number[], n: number): number =>
  typeof values === 'number' ? values : values[n]!;
