/**
 * The race: two workers take turns, so that neither slows the other down. Each measures the time of its own training
 * steps.
 */

import type { Course } from './course.ts';
import type { Numbers, Order, Prepared, Slice } from './thread.ts';

export const runners = ['plain', 'wasm'] as const;
export type RunnerName = (typeof runners)[number];

export interface Standing {
  /** One for each step, before it. */
  readonly costs: readonly number[];
  /** Milliseconds of training. */
  readonly time: number;
}
export type Standings = Readonly<Record<RunnerName, Standing>>;

/** Milliseconds of a turn. */
const turn = 50;
const warmUp = 500;
/** The intended time of the slower one in milliseconds, and the range of the number of steps. */
const length = 6000;
const [fewest, most] = [5, 1000];
/** Bytes of batches; each worker has a copy. */
const room = 24e6;

/**
 * Runs the race to its end.
 *
 * @param started called after the warm-up, with the number of steps and the expected time of plain JavaScript
 * @param moved called after every turn
 * @param signal aborts the race; the promise is rejected
 */
export async function race(
  course: Course,
  started: (steps: number, milliseconds: number) => void,
  moved: (standings: Standings) => void,
  signal: AbortSignal,
): Promise<Standings> {
  const lanes = {
    plain: new Lane(new Worker(new URL('./plain.ts', import.meta.url), { type: 'module' }), signal),
    wasm: new Lane(new Worker(new URL('./wasm.ts', import.meta.url), { type: 'module' }), signal),
  };
  try {
    const { sizes } = course;
    const source = course.batches();
    const batches: Numbers[] = [];
    const upTo = (count: number) => {
      while (batches.length < count) {
        const { xs, ys } = source.next().value;
        batches.push({ xs: xs.dataSync() as Float32Array, ys: ys.dataSync() as Float32Array });
      }
      return batches;
    };
    const prepare = { name: 'prepare', sizes, batches: upTo(4), warmUp } as const;
    const { weights } = (await lanes.wasm.ask({ ...prepare, weights: null })) as Prepared;
    const { msPerStep } = (await lanes.plain.ask({ ...prepare, weights })) as Prepared;

    const fitting = room / 4 / (batches[0]!.xs.length + batches[0]!.ys.length);
    const steps = Math.max(fewest, Math.floor(Math.min(length / msPerStep, fitting, most)));
    for (const name of runners) await lanes[name].ask({ name: 'load', batches: upTo(steps) });
    started(steps, steps * msPerStep);
    let standings: Standings = { plain: { costs: [], time: 0 }, wasm: { costs: [], time: 0 } };
    while (runners.some(name => standings[name].costs.length < steps)) {
      for (const name of runners) {
        const { costs, time } = standings[name];
        if (costs.length === steps) continue;
        const slice = (await lanes[name].ask({ name: 'train', milliseconds: turn })) as Slice;
        standings = { ...standings, [name]: { costs: [...costs, ...slice.costs], time: time + slice.time } };
        moved(standings);
      }
    }
    return standings;
  } finally {
    for (const name of runners) lanes[name].end();
  }
}

/** A worker with one request at a time. */
class Lane {
  readonly #worker: Worker;
  readonly #signal: AbortSignal;
  #settle: { resolve(value: unknown): void; reject(error: unknown): void } | null = null;
  /** An error of loading may come before the first request, which would never be answered. */
  #failure: Error | null = null;
  readonly #stop = () => this.#settle?.reject(this.#signal.reason);

  constructor(worker: Worker, signal: AbortSignal) {
    this.#worker = worker;
    this.#signal = signal;
    worker.addEventListener('message', ({ data }: MessageEvent<{ value: unknown } | { error: string }>) => {
      if ('error' in data) this.#settle?.reject(new Error(data.error));
      else this.#settle?.resolve(data.value);
    });
    worker.addEventListener('error', event => {
      this.#failure = new Error(event.message || 'its program could not be loaded');
      this.#settle?.reject(this.#failure);
    });
    signal.addEventListener('abort', this.#stop);
  }

  ask(order: Order): Promise<unknown> {
    this.#signal.throwIfAborted();
    if (this.#failure) throw this.#failure;
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#worker.postMessage(order);
    });
  }

  end(): void {
    this.#signal.removeEventListener('abort', this.#stop);
    this.#worker.terminate();
  }
}
