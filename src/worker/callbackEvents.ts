/** Forwards the events of a training in the worker to the callbacks of the client, in batches. */

import { BaseCallback, type Logs, type Params } from '../training/callback.ts';

/** The index of the callback, its method, and the arguments. */
export type CallbackEvent = readonly [callback: number, method: string, args: readonly unknown[]];

/** Sends a question to the client and returns its answer. */
export type AskClient = (name: string, ...args: unknown[]) => Promise<unknown>;

/** The minimum time between two batches of events in milliseconds: about 60 batches per second. */
export const EVENT_INTERVAL = 16;

/** The maximum number of queued events; at this number, training waits for the client. */
const MOST_QUEUED = 4096;

/** Queues events. Only one batch is in transit at a time. */
export class CallbackEvents {
  readonly #ask: AskClient;
  readonly #waits: boolean;
  #queue: CallbackEvent[] = [];
  #last = Number.NEGATIVE_INFINITY;
  #sent: Promise<void> | null = null;
  #failure: { error: unknown } | null = null;

  /** @param waits whether training waits for the callbacks after every event, as without a worker */
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
    // Copy, because the training changes the logs
    this.#queue.push([callback, method, args.map(arg => (typeof arg === 'object' ? { ...arg } : arg))]);
    if (this.#sent && this.#queue.length >= MOST_QUEUED) await this.#sent;
    if (!this.#sent && performance.now() - this.#last >= EVENT_INTERVAL) this.#send();
  }

  /** Sends the queued events, and waits until the client has processed all. */
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

/** The representative of a callback of the client. */
export class RemoteCallback extends BaseCallback {
  readonly #events: CallbackEvents;
  readonly #index: number;

  /** @param methods the names of the methods that the callback has */
  constructor(events: CallbackEvents, index: number, methods: readonly string[]) {
    super();
    this.#events = events;
    this.#index = index;
    const forward = (method: string) => [method, (...args: unknown[]) => events.send(index, method, args)] as const;
    Object.assign(this, Object.fromEntries(methods.map(forward)));
  }

  override setParams(params: Params): void {
    super.setParams(params);
    // The next event reports an error of this one
    void this.#events.send(this.#index, 'setParams', [params]).catch(() => {});
  }
}
