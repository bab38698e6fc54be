/** The worker of either side: prepares a network, warms up, and trains for a given time. */

import type { Sizes } from './course.ts';

export type Order =
  | {
      readonly name: 'prepare';
      readonly sizes: Sizes;
      /** The initial weights; null if the worker creates them. */
      readonly weights: Float32Array[] | null;
      /** For the warm-up. */
      readonly batches: Numbers[];
      /** Milliseconds of the warm-up. */
      readonly warmUp: number;
    }
  | { readonly name: 'load'; readonly batches: Numbers[] }
  | { readonly name: 'train'; readonly milliseconds: number };

export interface Numbers {
  readonly xs: Float32Array;
  readonly ys: Float32Array;
}

export interface Prepared {
  readonly weights: Float32Array[];
  /** Of the second half of the warm-up. */
  readonly msPerStep: number;
}

export interface Slice {
  /** Of each step, before it. */
  readonly costs: number[];
  /** Milliseconds that the steps took. */
  readonly time: number;
}

/** A network with its weights; `batch` converts numbers to its batches. */
export interface Runner<Batch> {
  readonly weights: Float32Array[];
  batch(numbers: Numbers): Batch;
  /** Trains one step; returns the cost before it. */
  step(batch: Batch): number;
  dispose(): void;
}

/** Runs in a worker. @param make creates a network with the given weights, or with those of its seed */
export function serve<Batch>(make: (sizes: Sizes, weights: Float32Array[] | null) => Runner<Batch>): void {
  let runner: Runner<Batch>;
  let batches: Batch[];
  let next: number;

  const acts = {
    prepare({ sizes, weights, batches, warmUp }: Order & { name: 'prepare' }): Prepared {
      const first = make(sizes, weights);
      const given = first.weights;
      const msPerStep = warm(first, batches, warmUp);
      first.dispose();
      runner = make(sizes, given);
      return { weights: given, msPerStep };
    },
    load(order: Order & { name: 'load' }): null {
      batches = order.batches.map(runner.batch);
      next = 0;
      return null;
    },
    train({ milliseconds }: Order & { name: 'train' }): Slice {
      const costs: number[] = [];
      const start = performance.now();
      let time = 0;
      while (next < batches.length && time < milliseconds) {
        costs.push(runner.step(batches[next++]!));
        time = performance.now() - start;
      }
      return { costs, time };
    },
  };

  const port = globalThis as unknown as Worker;
  port.addEventListener('message', ({ data }: MessageEvent<Order>) => {
    try {
      port.postMessage({ value: acts[data.name](data as never) });
    } catch (error) {
      port.postMessage({ error: error instanceof Error ? error.message : String(error) });
    }
  });
}

/** Trains until the browser has optimized the code. */
function warm<Batch>(runner: Runner<Batch>, numbers: Numbers[], milliseconds: number): number {
  const batches = numbers.map(runner.batch);
  const start = performance.now();
  let [steps, counted, since] = [0, 0, start];
  while (counted < 1 || performance.now() - start < milliseconds) {
    runner.step(batches[steps++ % batches.length]!);
    if (since === start && (performance.now() - start) * 2 > milliseconds) since = performance.now();
    else if (since !== start) counted++;
  }
  return (performance.now() - since) / counted;
}
