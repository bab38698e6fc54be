/** A task that is not done yet, and the calls that wait for it. */

import type { Json, Result, RunOptions, Task } from '../engine.ts';
import { onAbort } from '../onAbort.ts';
import type { JobProgress } from './job.ts';

interface Call {
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
  readonly onProgress: ((progress: Json) => void) | undefined;
}

export class PendingTask {
  /** Whether the queue has, or had, this task since the first call. */
  isSent = false;
  readonly since = performance.now();
  #isSettled = false;
  #isWoken = false;
  #wake: (() => void) | undefined;
  #last: JobProgress | undefined;
  readonly #calls = new Set<Call>();

  constructor(readonly task: Task) {}

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** @param onAbandoned runs when the signals of all calls have been aborted */
  join({ signal, onProgress }: RunOptions, onAbandoned: () => void): Promise<Result> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#calls.delete(call);
        call.reject(signal?.reason);
        if (this.#calls.size > 0 || this.#isSettled) return;
        this.#settle();
        onAbandoned();
      };
      let free = () => {};
      const call: Call = {
        resolve: result => {
          free();
          resolve(result);
        },
        reject: reason => {
          free();
          reject(reason);
        },
        onProgress,
      };
      this.#calls.add(call);
      if (signal) free = onAbort(signal, abort);
    });
  }

  resolve(result: Result): void {
    for (const call of this.#calls) call.resolve(result);
    this.#settle();
  }

  reject(reason: unknown): void {
    for (const call of this.#calls) call.reject(reason);
    this.#settle();
  }

  /** Passes a report on, unless the same or a later one was passed on. */
  report(progress: JobProgress): void {
    const last = this.#last;
    if (last && (progress.attempt - last.attempt || progress.report - last.report) <= 0) return;
    this.#last = progress;
    for (const { onProgress } of this.#calls) onProgress?.(progress.value);
  }

  /** Ends `sleep`, or the next one. */
  wake(): void {
    this.#isWoken = true;
    this.#wake?.();
  }

  /** Waits until `wake`, at most some milliseconds. */
  async sleep(milliseconds: number): Promise<void> {
    if (!this.#isWoken) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, milliseconds);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#wake = undefined;
    this.#isWoken = false;
  }

  #settle(): void {
    this.#isSettled = true;
    this.#calls.clear();
    this.wake();
  }
}
