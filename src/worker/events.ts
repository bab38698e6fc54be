/** Callbacks of the caller, as the training inside the worker sees them: what they are told goes out in bundles. */

import { BaseCallback, type Logs, type Params } from '../training/callback.ts';

/** The number of the callback, its method, and what that is called with. */
export type Told = readonly [callback: number, method: string, args: readonly unknown[]];

/** Asks the program that the worker belongs to. */
export type Ask = (name: string, ...args: unknown[]) => Promise<unknown>;

/** Milliseconds from one bundle to the next: some sixty a second. */
export const PACE = 16;

/** More than this is not kept: training waits until the caller has caught up. */
const MOST = 4096;

/** Gathers what callbacks are told. One bundle is on its way at a time. */
export class Events {
  readonly #ask: Ask;
  readonly #waits: boolean;
  #told: Told[] = [];
  #last = Number.NEGATIVE_INFINITY;
  #sent: Promise<void> | null = null;
  #failure: { error: unknown } | null = null;

  /** @param waits whether training waits for every callback, as it does without a worker */
  constructor(ask: Ask, waits: boolean) {
    this.#ask = ask;
    this.#waits = waits;
  }

  async tell(callback: number, method: string, args: readonly unknown[]): Promise<void> {
    if (this.#waits) {
      const logs = args.at(-1) as Logs | undefined;
      Object.assign(logs ?? {}, await this.#ask('tell', [[callback, method, args]]));
      return;
    }
    this.#check();
    // Copies, because the logs go on changing
    this.#told.push([callback, method, args.map(arg => (typeof arg === 'object' ? { ...arg } : arg))]);
    if (this.#sent && this.#told.length >= MOST) await this.#sent;
    if (!this.#sent && performance.now() - this.#last >= PACE) this.#send();
  }

  /** What is left goes out; resolves when all has been heard. */
  async end(): Promise<void> {
    await this.#sent;
    if (this.#told.length > 0 && !this.#failure) await this.#send();
    this.#check();
  }

  #send(): Promise<void> {
    const told = this.#told;
    this.#told = [];
    this.#last = performance.now();
    this.#sent = this.#ask('tell', told).then(
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
export class Messenger extends BaseCallback {
  readonly #events: Events;
  readonly #place: number;

  /** @param heard the methods that the callback has */
  constructor(events: Events, place: number, heard: readonly string[]) {
    super();
    this.#events = events;
    this.#place = place;
    const tell = (method: string) => [method, (...args: unknown[]) => events.tell(place, method, args)] as const;
    Object.assign(this, Object.fromEntries(heard.map(tell)));
  }

  override setParams(params: Params): void {
    super.setParams(params);
    // What goes wrong with it shows at the next event
    void this.#events.tell(this.#place, 'setParams', [params]).catch(() => {});
  }
}
