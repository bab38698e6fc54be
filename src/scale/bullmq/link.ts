/** A connection to Redis that waits through interruptions for a limited time, and reports failures in one sentence. */

import type { Redis } from 'ioredis';
import { reasonOf } from '../../util/errors.ts';
import type { Address, Patience } from './connectionOptions.ts';
import type { Packages } from './packages.ts';
import { refusalOf } from './refusals.ts';

/** The oldest server that BullMQ accepts. */
const LEAST_VERSION = 5;
const FIRST_DELAY = 100;
const LONGEST_DELAY = 2000;

/** Errors that end when an operator frees memory or disk space, or when a server has started. */
const TRANSIENT = /\b(?:OOM|LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|READONLY|MISCONF|TRYAGAIN)\b/;

/** Redis is away, full or refuses the connection. */
export class RedisError extends Error {
  override readonly name = 'RedisError';
}

export class Link {
  readonly client: Redis;
  /** Why no more commands are run. */
  #end: Error | undefined;
  #lastError: unknown;
  #wasReady = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #waiting = new Set<(error: Error) => void>();

  constructor(
    readonly call: string,
    { Redis }: Packages,
    readonly address: Address,
    readonly patience: Patience,
  ) {
    const options = {
      ...address.options,
      maxRetriesPerRequest: null,
      retryStrategy: (times: number) => Math.min(FIRST_DELAY * 2 ** Math.min(times - 1, 10), LONGEST_DELAY),
    };
    this.client = address.url === undefined ? new Redis(options) : new Redis(address.url, options);
    this.client.on('error', error => this.#fail(error));
    this.client.on('close', () => this.#wait());
    this.client.on('ready', () => {
      this.#wasReady = true;
      this.#lastError = undefined;
      this.#stopWaiting();
    });
    this.#wait();
  }

  get isReady(): boolean {
    return this.client.status === 'ready';
  }

  /** Runs a command, again and again while the server is full or starts. */
  async do<T>(command: () => Promise<T>): Promise<T> {
    const end = performance.now() + this.patience.reconnect;
    for (let delay = FIRST_DELAY; ; delay = Math.min(2 * delay, LONGEST_DELAY)) {
      try {
        return await this.#orFail(command);
      } catch (error) {
        if (error instanceof RedisError || error === this.#end) throw error;
        const refusal = refusalOf(error);
        if (refusal) throw this.#refuse(refusal);
        const message = reasonOf(error);
        const isTransient = TRANSIENT.test(message) || message === 'Connection is closed.';
        if (!isTransient || performance.now() + delay > end) throw this.#describe(error);
        await new Promise(resolve => setTimeout(resolve, delay));
      }
    }
  }

  /** Resolves when the server is there and can be used. */
  async open(): Promise<void> {
    const info = await this.do(() => this.client.info('server'));
    const version = /^redis_version:(\S+)/m.exec(info)?.[1] ?? '';
    if (Number.parseInt(version, 10) < LEAST_VERSION) {
      throw new RedisError(`${this.#place()} must have version ${LEAST_VERSION}.0.0 or later, got ${version}`);
    }
  }

  /** Rejects all commands that wait. */
  close(reason: Error): void {
    this.#end ??= reason;
    this.#stopWaiting();
    this.client.disconnect();
    this.#rejectAll(reason);
  }

  #orFail<T>(command: () => Promise<T>): Promise<T> {
    if (this.#end) throw this.#end;
    if (!this.isReady) this.#wait();
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      const end = () => this.#waiting.delete(reject);
      command().then(resolve, reject).finally(end);
    });
  }

  #fail(error: unknown): void {
    this.#lastError = error;
    const refusal = refusalOf(error);
    if (refusal) this.#rejectAll(this.#refuse(refusal));
  }

  #refuse(text: string): RedisError {
    const refusal = new RedisError(`${this.#place()} ${text}`);
    this.#end = refusal;
    this.#stopWaiting();
    this.client.disconnect();
    return refusal;
  }

  /** Starts to count the time, if it is not counted yet. */
  #wait(): void {
    if (this.#end) return;
    const limit = this.#wasReady ? this.patience.reconnect : this.patience.connect;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#rejectAll(this.#away(limit));
    }, limit);
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #rejectAll(error: Error): void {
    for (const reject of this.#waiting) reject(error);
    this.#waiting.clear();
  }

  #place(): string {
    return `${this.call}: Redis at ${this.address.name}`;
  }

  #away(limit: number): RedisError {
    const error = this.#lastError as NodeJS.ErrnoException | undefined;
    const reason = error?.code ?? error?.message ?? (this.#wasReady ? undefined : 'no answer');
    const text = this.#wasReady ? 'has been away for' : 'cannot be reached; gave up after';
    const message = `${this.#place()} ${text} ${limit / 1000} s${reason ? ` (${reason})` : ''}${this.#advice(reason)}`;
    return new RedisError(message, { cause: error });
  }

  #advice(reason: string | undefined): string {
    if (this.#wasReady) return '; tasks in its queue are kept, and running the same program again reads their results';
    if (!/^(?:no answer|ECONNRESET|EPIPE)$/.test(reason ?? '')) return '';
    if (!this.client.options.tls) return '; a port with TLS needs rediss: or the option tls';
    if (reason === 'no answer') return '; a port without TLS needs redis:';
    // The reason that a server gives before it closes a connection may be lost
    return '; it may require a certificate of this client, or not trust it';
  }

  #describe(error: unknown): RedisError {
    const message = reasonOf(error);
    const text = /\bOOM\b/.test(message)
      ? `is full for more than ${this.patience.reconnect / 1000} s; raise its maxmemory, keep fewer results or pass a store`
      : `failed: ${message}`;
    return new RedisError(`${this.#place()} ${text}`, { cause: error });
  }
}
