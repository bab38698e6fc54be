/** Callbacks of the caller, as the training inside the worker sees them: what they are told goes out in bundles. */

import { BaseCallback, type Logs, type Params } from '../training/callback.ts';

/** The number of the callback, its method, and what that is called with. */
export type CallbackEvent = readonly [callback: number, method: string, args: readonly unknown[]];

/** Asks the program that the worker belongs to. */
export type AskClient = (name: string, ...args: unknown[]) => Promise<unknown>;

/** Milliseconds from one bundle to the next: some sixty a second. */
export const PACE = 16;

/** More than this is not kept: training waits until the caller has caught up. */
const MOST = 4096;

/** Gathers what callbacks are told. One bundle is on its way at a time. */
export class CallbackEvents {
  readonly #ask: AskClient;
  readonly #waits: boolean;
  #queue: CallbackEvent[] = [];
  #last = Number.NEGATIVE_INFINITY;
  #sent: Promise<void> | null = null;
  #failure: { error: unknown } | null = null;

  /** @param waits whether training waits for every callback, as it does without a worker */
  constructor(ask: AskClient, waits: boolean) {
    this.#ask = ask;
    this.#waits = waits;
  }

  async send(callback: number, method: string, args: readonly unknown[]): Promise<void> {
    if (this.#waits) {
      const logs = args.at(-1) as Logs | undefined;
      Object.assign(logs ?? {}, await this.#ask('callbacks', [[callback, method, args]]));
      return;
    }
    this.#check();
    // Copies, because the logs go on changing
    this.#queue.push([callback, method, args.map(arg => (typeof arg === 'object' ? { ...arg } : arg))]);
    if (this.#sent && this.#queue.length >= MOST) await this.#sent;
    if (!this.#sent && performance.now() - this.#last >= PACE) this.#send();
  }

  /** What is left goes out; resolves when all has been heard. */
  async end(): Promise<void> {
    await this.#sent;
    if (this.#queue.length > 0 && !this.#failure) await this.#send();
    this.#check();
  }

  #send(): Promise<void> {
    const batch = this.#queue;
    this.#queue = [];
    this.#last = performance.now();
    this.#sent = this.#ask('callbacks', batch).then(
      () => {
        this.#sent = null;
      },
      error => {
        this.#sent = null;
        this.#failure = { error };
      },
    );
    return this.#sent;
  }

  #check(): void {
    if (this.#failure) throw this.#failure.error;
  }
}

/** Stands for a callback of the caller. */
export class RemoteCallback extends BaseCallback {
  readonly #events: CallbackEvents;
  readonly #index: number;

  /** @param heard the methods that the callback has */
  constructor(events: CallbackEvents, index: number, heard: readonly string[]) {
    super();
    this.#events = events;
    this.#index = index;
    const forward = (method: string) => [method, (...args: unknown[]) => events.send(index, method, args)] as const;
    Object.assign(this, Object.fromEntries(heard.map(forward)));
  }

  override setParams(params: Params): void {
    super.setParams(params);
    // What goes wrong with it shows at the next event
    void this.#events.send(this.#index, 'setParams', [params]).catch(() => {});
  }
}
