/** How often training lets go of the thread, so that a page stays alive. */

import { fail, show } from '../util/errors.ts';

/**
 * 'auto' every 125 ms, 'batch' or 'epoch' after each of them, a number every so many milliseconds, 'never' not at all.
 */
export type YieldEvery = 'auto' | 'batch' | 'epoch' | 'never' | number;

/** What 'auto' stands for, as in TF.js. */
const AUTO = 125;

export function checkYieldEvery(call: string, value: unknown): YieldEvery {
  if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value;
  if (value === 'auto' || value === 'batch' || value === 'epoch' || value === 'never') return value;
  return fail(call, `yieldEvery must be 'auto', 'batch', 'epoch', 'never' or milliseconds, got ${show(value)}`);
}

/** Tells when it is time to let go. */
export class Pace {
  readonly #every: YieldEvery;
  readonly #now: () => number;
  #last: number;

  constructor(every: YieldEvery, now: () => number = () => performance.now()) {
    this.#every = every === 'auto' ? AUTO : every;
    this.#now = now;
    this.#last = now();
  }

  /** Whether it is time after a batch; the clock then starts anew. */
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
 * Resolves in a later turn of the event loop: input, timers and painting come first. Neither animation frames nor
 * timers, because browsers hold both back in pages that nobody sees.
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
