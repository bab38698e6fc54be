/** How often training yields to the event loop, so that a page stays responsive. */

import { fail, show } from '../util/errors.ts';

/**
 * How often to yield to the event loop: 'auto' every 125 ms, 'batch' or 'epoch' after each batch or epoch, a number after
 * that many milliseconds, 'never' not at all.
 */
export type YieldEvery = 'auto' | 'batch' | 'epoch' | 'never' | number;

/** The milliseconds of 'auto', as in TF.js. */
const AUTO = 125;

export function checkYieldEvery(call: string, value: unknown): YieldEvery {
  if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value;
  if (value === 'auto' || value === 'batch' || value === 'epoch' || value === 'never') return value;
  return fail(call, `yieldEvery must be 'auto', 'batch', 'epoch', 'never' or milliseconds, got ${show(value)}`);
}

/** A clock for `yieldEvery`. */
export class Pace {
  readonly #every: YieldEvery;
  readonly #now: () => number;
  #last: number;

  constructor(every: YieldEvery, now: () => number = () => performance.now()) {
    this.#every = every === 'auto' ? AUTO : every;
    this.#now = now;
    this.#last = now();
  }

  /** Whether to yield after a batch; if so, resets the clock. */
  afterBatch(): boolean {
    if (typeof this.#every !== 'number') return this.#every === 'batch';
    const now = this.#now();
    if (now - this.#last < this.#every) return false;
    this.#last = now;
    return true;
  }

  get afterEpoch(): boolean {
    return this.#every === 'epoch';
  }
}

/**
 * Resolves in a later turn of the event loop, after input, timers and painting. Does not use animation frames or timers,
 * which browsers throttle in hidden pages.
 */
export function nextTurn(): Promise<void> {
  return new Promise(resolve => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
    } else if (typeof MessageChannel === 'function') {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    } else {
      setTimeout(resolve, 0);
    }
  });
}
