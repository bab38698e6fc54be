/** Runs a task for each of many series, a few at a time. */

import { checkSignal } from '../training/options.ts';
import { fail, reasonOf, show, ValueError } from '../util/errors.ts';
import { type Engine, type Json, type Result, type Task, TaskError } from './engine.ts';
import { sha256 } from './hash.ts';
import { local, storedResult } from './local.ts';
import { packData } from './pack.ts';
import { makeTask } from './task.ts';

/** Where the tasks run, and what is told about them. */
export interface EachOptions {
  /** Runs the tasks. Default: `local()`, closed at the end of the call. */
  engine?: Engine;
  /** Called after each series. */
  onProgress?: (progress: EachProgress) => void;
  /** Ends all tasks; the promise is rejected with the reason of the signal. */
  signal?: AbortSignal;
}

export interface EachProgress {
  /** Series that are complete, the failed ones included. */
  readonly done: number;
  /** All series; null while it is not known, of an iterable without a length. */
  readonly total: number | null;
  readonly failed: number;
  /** An estimate of the seconds until the end, from the time of the series that are complete; null without a total. */
  readonly timeLeft: number | null;
}

/** Any of an array, an iterable and an async iterable. @inline */
export type Items<T> = Iterable<T> | AsyncIterable<T>;

/** What a call does with each item: makes a task, and a result of it. */
export interface Work<T, R> {
  run(item: T, index: number, context: EachContext): Promise<R>;
  /** The result for an item whose task has failed. */
  failed(item: T, error: TaskError | ValueError): R;
}

export interface EachContext {
  readonly call: string;
  readonly engine: Engine;
  readonly signal: AbortSignal;
}

/** Tasks beyond the slots of the engine, so that a slot never waits for data. */
const AHEAD = 2;

/** Checks the options that all calls have. */
export function checkEachOptions(call: string, { engine, onProgress, signal }: Partial<EachOptions>): EachOptions {
  if (engine !== undefined && typeof (engine as Partial<Engine> | null)?.run !== 'function') {
    fail(call, `engine must be an engine, such as local(), got ${show(engine)}`);
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    fail(call, `onProgress must be a function, got ${show(onProgress)}`);
  }
  const checked = checkSignal(call, signal ?? null);
  return { ...(engine && { engine }), ...(onProgress && { onProgress }), ...(checked && { signal: checked }) };
}

/** Checks a list or another iterable. */
export function checkItems<T>(call: string, name: string, value: unknown): Items<T> {
  const given = value as Partial<Iterable<T> & AsyncIterable<T>> | null | undefined;
  const isIterable =
    typeof given?.[Symbol.iterator] === 'function' || typeof given?.[Symbol.asyncIterator] === 'function';
  if (typeof value !== 'object' || !isIterable) {
    fail(call, `${name} must be a list or another iterable, got ${show(value)}`);
  }
  return given as Items<T>;
}

/**
 * Runs all tasks. At any time, as many are under way as the engine has slots, and two more.
 *
 * @returns the results in the order of the items
 */
export async function runEach<T, R>(
  call: string,
  items: Items<T>,
  { engine, onProgress, signal }: EachOptions,
  work: Work<T, R>,
): Promise<R[]> {
  signal?.throwIfAborted();
  const own = engine ? null : local();
  const using = engine ?? own!;
  const control = new AbortController();
  const stop = () => control.abort(signal!.reason);
  signal?.addEventListener('abort', stop);
  const context: EachContext = { call, engine: using, signal: control.signal };
  const total = Array.isArray(items) ? items.length : null;
  const results: R[] = [];
  const next = numbered(items);
  const begin = performance.now();
  let [done, failed] = [0, 0];
  const workOff = async () => {
    for (let one = await next.take(); one; one = await next.take()) {
      control.signal.throwIfAborted();
      const { item, index } = one;
      if (runners.length < using.slots + AHEAD) start(); // the engine may have more slots than there are items
      try {
        results[index] = await work.run(item, index, context);
      } catch (error) {
        if (control.signal.aborted || !(error instanceof TaskError || error instanceof ValueError)) throw error;
        results[index] = work.failed(item, error);
        failed++;
      }
      done++;
      const perItem = (performance.now() - begin) / 1000 / done;
      onProgress?.({ done, total, failed, timeLeft: total === null ? null : perItem * (total - done) });
    }
  };
  const runners: Promise<void>[] = [];
  const start = () => void runners.push(workOff().catch(error => control.abort(error)));
  try {
    start();
    for (const runner of runners) await runner; // each starts the next one before it ends
    control.signal.throwIfAborted();
    return results;
  } finally {
    signal?.removeEventListener('abort', stop);
    await next.close();
    await own?.close();
  }
}

/** Gives the items to several readers, one at a time. */
function numbered<T>(items: Items<T>) {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let last: Promise<unknown> = Promise.resolve();
  let count = 0;
  let isComplete = false;
  const read = async (): Promise<{ item: T; index: number } | null> => {
    if (isComplete) return null;
    try {
      const { done, value } = await iterator.next();
      if (!done) return { item: value as T, index: count++ };
    } catch (error) {
      isComplete = true;
      throw error;
    }
    isComplete = true;
    return null;
  };
  return {
    take() {
      const turn = last.then(read);
      last = turn.catch(() => {});
      return turn;
    },
    /** Ends a generator that has more items. */
    async close() {
      if (!isComplete) await iterator.return?.();
    },
  };
}

/** Data of a task: bytes, or bytes that the store has. */
export type Blob = Uint8Array | { readonly stored: string };

/** Runs a task on data that the store has only while the task needs it. */
export async function runOn(
  { engine, signal }: EachContext,
  kind: Task['kind'],
  input: Json,
  seed: number,
  data: { readonly [name: string]: Blob },
): Promise<Result> {
  const put: [string, Uint8Array][] = [];
  const blobs: { [name: string]: string } = {};
  for (const [name, blob] of Object.entries(data)) {
    const isHere = blob instanceof Uint8Array;
    const hash = isHere ? await sha256(blob) : blob.stored;
    if (isHere) put.push([hash, blob]);
    blobs[name] = hash;
  }
  const task = await makeTask({ kind, input, seed, blobs });
  const stored = await storedResult(engine.store, task);
  if (stored) return stored;
  for (const [hash, bytes] of put) await engine.store.put(hash, bytes);
  try {
    return await engine.run(task, { signal });
  } finally {
    for (const [hash] of put) await engine.store.release?.(hash);
  }
}

/** A series as bytes. */
export function packSeries(call: string, index: number, series: unknown): Uint8Array {
  const name = `series[${index}]`;
  try {
    return packData(call, name, series);
  } catch (error) {
    throw error instanceof ValueError
      ? error
      : new ValueError(`${call}: ${name} could not be read (${reasonOf(error)})`);
  }
}

/** The id of a series; null if it has none. */
export const idOf = (series: unknown): string | null => {
  const id = (series as { id?: unknown } | null | undefined)?.id;
  return typeof id === 'string' ? id : null;
};
