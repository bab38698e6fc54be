/** Stores of bytes for tasks that run on other machines. */

import { reasonOf } from '../../util/errors.ts';
import type { Store } from '../engine.ts';
import type { Link } from './link.ts';

const keyOf = (hash: string) => `lstm:blob:${hash}`;

/**
 * Keeps bytes in Redis.
 *
 * @param seconds after which bytes that were neither written nor read are deleted
 */
export function redisStore(open: () => Promise<Link>, seconds: number): Store {
  /** Keeps bytes for longer; whether they are there. */
  const renew = async (hash: string) => {
    const link = await open();
    return (await link.do(() => link.client.expire(keyOf(hash), seconds))) === 1;
  };
  return {
    async get(hash) {
      const link = await open();
      const { client } = link;
      const bytes = await link.do(() => client.getBuffer(keyOf(hash)));
      if (bytes === null) return undefined;
      await renew(hash);
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    },
    has: renew,
    async put(hash, bytes) {
      const link = await open();
      const { client } = link;
      if (await renew(hash)) return; // bytes that are there already are not sent again
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      await link.do(() => client.set(keyOf(hash), buffer, 'EX', seconds));
    },
  };
}

/** A failure of the store, not of the task: the task is run again later. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

/** The store of a worker. It keeps what was read or written last: the tasks of a sweep share their data. */
export class WorkerStore implements Store {
  #size = 0;
  readonly #kept = new Map<string, Uint8Array>();
  readonly #reading = new Map<string, Promise<Uint8Array | undefined>>();

  /** The ids of running tasks: their results are not stored, because the queue keeps them. */
  readonly running = new Set<string>();

  /** @param most the number of bytes that it keeps */
  constructor(
    readonly inner: Store,
    readonly most: number,
  ) {}

  get(hash: string): Promise<Uint8Array | undefined> {
    if (this.running.has(hash)) return Promise.resolve(undefined);
    const kept = this.#kept.get(hash);
    if (kept) {
      this.#keep(hash, kept);
      return Promise.resolve(kept);
    }
    let reading = this.#reading.get(hash);
    if (!reading) {
      reading = this.#read(hash).finally(() => this.#reading.delete(hash));
      this.#reading.set(hash, reading);
    }
    return reading;
  }

  async put(hash: string, bytes: Uint8Array): Promise<void> {
    if (this.running.has(hash)) return;
    await call('write', hash, () => this.inner.put(hash, bytes));
    this.#keep(hash, bytes);
  }

  async #read(hash: string): Promise<Uint8Array | undefined> {
    const bytes = await call('read', hash, () => this.inner.get(hash));
    if (bytes) this.#keep(hash, bytes);
    return bytes;
  }

  /** Keeps bytes as the latest; drops the oldest that are too many. */
  #keep(hash: string, bytes: Uint8Array): void {
    this.#drop(hash);
    if (bytes.length > this.most) return;
    this.#kept.set(hash, bytes);
    this.#size += bytes.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#size <= this.most) return;
      this.#drop(oldest);
    }
  }

  #drop(hash: string): void {
    this.#size -= this.#kept.get(hash)?.length ?? 0;
    this.#kept.delete(hash);
  }
}

async function call<T>(verb: string, hash: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw new StoreError(`the store cannot ${verb} ${hash}: ${reasonOf(error)}`, { cause: error });
  }
}
