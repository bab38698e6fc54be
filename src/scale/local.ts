/** The engine of this process: a pool of threads. */

import { rejectExtraArguments } from '../util/arguments.ts';
import { fail } from '../util/errors.ts';
import { checkCount, checkOptions } from '../util/options.ts';
import { unpackError } from '../worker/serialization.ts';
import { checkRunOptions, checkTask, describe } from './checkTask.ts';
import { type Engine, type Json, type Result, type RunOptions, type Store, type Task, TaskError } from './engine.ts';
import { canonicalJson } from './hash.ts';
import { onAbort } from './onAbort.ts';
import { type Outcome, TaskThread } from './pool.ts';
import { checkStore, isStored, memoryStore } from './stores.ts';

export { checkRunOptions, checkTask, describe };

/** Options of `local`. */
export interface LocalOptions {
  /** How many tasks run at once, each in a thread of its own. Default: the logical cores that this process may use. */
  workers?: number;
  /**
   * Keeps data and results of tasks: a task whose result is in it is not run again. A path is that of a folder, as for
   * `folderStore`. Default: the memory of this process, `memoryStore()`.
   */
  cache?: Store | string | URL;
}

/** A task is given up after so many threads have died while they ran it. */
const MOST_DEATHS = 3;
/** Jobs beyond the slots whose data is read, or whose result is stored, while others run. */
const AHEAD = 2;
/** Milliseconds that a task has to end after its signal was aborted. */
const GRACE = 2000;

/**
 * Runs tasks in threads of this process: Web Workers in pages, worker threads in Node. Threads start when they are first
 * needed, run one task at a time with strict kernels, and do not keep the process alive while they are idle.
 */
export function local(options?: LocalOptions): Engine {
  rejectExtraArguments('local', 1, arguments);
  const call = 'local';
  const known = checkOptions<LocalOptions>(call, options, ['workers', 'cache']);
  const workers = known.workers === undefined ? cores() : checkCount(call, 'workers', known.workers);
  return new LocalEngine(workers, known.cache === undefined ? memoryStore() : checkStore(call, 'cache', known.cache));
}

/** The logical cores that this process may use. */
function cores(): number {
  const { navigator, process } = globalThis as {
    navigator?: { hardwareConcurrency?: number };
    process?: { getBuiltinModule?(name: 'node:os'): { availableParallelism(): number } };
  };
  return process?.getBuiltinModule?.('node:os').availableParallelism?.() ?? navigator?.hardwareConcurrency ?? 1;
}

/** A caller that waits for a result. */
interface Waiter {
  onProgress(progress: Json): void;
  resolve(result: Result): void;
  reject(reason: unknown): void;
}

/** A task that waits or runs. All callers of the same task share it. */
interface Job {
  readonly task: Task;
  readonly waiters: Set<Waiter>;
  /** Whether a caller wants progress. */
  isWatched: boolean;
  thread: TaskThread | null;
  deaths: number;
}

class LocalEngine implements Engine {
  readonly slots: number;
  readonly store: Store;
  readonly #jobs = new Map<string, Job>();
  readonly #queue: Job[] = [];
  readonly #idle: TaskThread[] = [];
  readonly #threads = new Set<TaskThread>();
  /** Jobs that wait for a thread. */
  readonly #takers: ((thread: TaskThread) => void)[] = [];
  /** Jobs that have left the queue. */
  #active = 0;
  #isClosed = false;

  constructor(slots: number, store: Store) {
    this.slots = slots;
    this.store = store;
  }

  async run(task: Task, options?: RunOptions): Promise<Result> {
    const call = 'engine.run';
    rejectExtraArguments(call, 2, arguments);
    checkTask(call, task);
    const { signal, onProgress } = checkRunOptions(call, options);
    if (this.#isClosed) fail(call, 'the engine must be open, but close has been called');
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const job = this.#jobs.get(task.id) ?? this.#add(task);
      let settled = () => {};
      const leave = (reason: unknown) => {
        waiter.reject(reason);
        job.waiters.delete(waiter);
        if (job.waiters.size === 0) this.#abandon(job);
      };
      const waiter: Waiter = {
        onProgress(progress) {
          try {
            onProgress?.(progress);
          } catch (error) {
            leave(error);
          }
        },
        resolve: result => {
          settled();
          resolve(result);
        },
        reject: reason => {
          settled();
          reject(reason);
        },
      };
      job.waiters.add(waiter);
      if (onProgress && !job.isWatched) {
        job.isWatched = true;
        job.thread?.watch();
      }
      if (signal) settled = onAbort(signal, () => leave(signal.reason));
    });
  }

  async close(): Promise<void> {
    rejectExtraArguments('engine.close', 0, arguments);
    this.#isClosed = true;
    const error = new Error('engine.close: the engine was closed before the task was complete');
    for (const job of [...this.#jobs.values()]) this.#finish(job, waiter => waiter.reject(error));
    this.#queue.length = 0;
    this.#takers.length = 0;
    await Promise.all(Array.from(this.#threads, thread => thread.end('the engine was closed')));
  }

  #add(task: Task): Job {
    const job: Job = { task, waiters: new Set(), isWatched: false, thread: null, deaths: 0 };
    this.#jobs.set(task.id, job);
    this.#queue.push(job);
    // Later, so that the caller is among the waiters
    queueMicrotask(() => this.#fill());
    return job;
  }

  /** Begins with jobs: as many as there are slots, and some whose data is read, or whose result is stored, meanwhile. */
  #fill(): void {
    while (this.#active < this.slots + AHEAD && this.#queue.length > 0) {
      const job = this.#queue.shift()!;
      this.#active++;
      void this.#serve(job)
        .catch((error: unknown) => this.#finish(job, waiter => waiter.reject(error)))
        .then(() => {
          this.#active--;
          this.#fill();
        });
    }
  }

  async #serve(job: Job): Promise<void> {
    const { task } = job;
    const stored = await storedResult(this.store, task);
    if (stored) {
      this.#finish(job, waiter => waiter.resolve(stored));
      return;
    }
    while (this.#isWanted(job)) {
      const bytes = await this.#blobsOf(task);
      if (!this.#isWanted(job)) return;
      const outcome = await this.#runIn(await this.#take(), job, bytes);
      if (!this.#isWanted(job)) return;
      if ('died' in outcome) {
        if (++job.deaths < MOST_DEATHS) continue;
        throw new TaskError(
          `${MOST_DEATHS} threads have ended while they ran ${describe(task)}; ${outcome.died}`,
          task,
        );
      }
      if ('error' in outcome) {
        const cause = unpackError(outcome.error);
        throw new TaskError(`${cause.message}; in ${describe(task)}`, task, { cause });
      }
      for (const [hash, found] of Object.entries(outcome.bytes)) await this.store.put(hash, found);
      await storeResult(this.store, task, outcome.result);
      this.#finish(job, waiter => waiter.resolve(outcome.result));
    }
  }

  async #blobsOf({ blobs }: Task): Promise<{ [hash: string]: Uint8Array }> {
    const bytes: { [hash: string]: Uint8Array } = {};
    for (const hash of Object.values(blobs)) {
      const found = await this.store.get(hash);
      if (found) bytes[hash] = found; // the task fails if it needs one that is missing
    }
    return bytes;
  }

  async #runIn(thread: TaskThread, job: Job, bytes: { [hash: string]: Uint8Array }): Promise<Outcome> {
    try {
      if (!this.#isWanted(job)) return { died: 'the task is no longer wanted' };
      job.thread = thread;
      return await thread.run(job.task, bytes, job.isWatched, progress => {
        for (const waiter of job.waiters) waiter.onProgress(progress);
      });
    } finally {
      job.thread = null;
      this.#giveBack(thread);
    }
  }

  /** A thread that is idle, as soon as there is one. */
  async #take(): Promise<TaskThread> {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      if (!idle.isDead) return idle;
      this.#threads.delete(idle);
    }
    if (this.#threads.size < this.slots) return this.#start();
    return new Promise(take => {
      this.#takers.push(take);
    });
  }

  #giveBack(thread: TaskThread): void {
    if (thread.isDead) this.#threads.delete(thread);
    const take = this.#takers.shift();
    if (take) take(thread.isDead ? this.#start() : thread);
    else if (!thread.isDead) this.#idle.push(thread);
  }

  #start(): TaskThread {
    const thread = new TaskThread();
    this.#threads.add(thread);
    return thread;
  }

  #isWanted = (job: Job): boolean => this.#jobs.get(job.task.id) === job;

  /** Settles all callers; a later call of the same task is a new job. */
  #finish(job: Job, settle: (waiter: Waiter) => void): void {
    if (this.#isWanted(job)) this.#jobs.delete(job.task.id);
    for (const waiter of job.waiters) settle(waiter);
    job.waiters.clear();
  }

  /** Ends a job that no caller waits for. */
  #abandon(job: Job): void {
    this.#finish(job, () => {});
    const at = this.#queue.indexOf(job);
    if (at >= 0) this.#queue.splice(at, 1);
    const { thread } = job;
    if (!thread) return;
    thread.abort();
    const end = () => job.thread === thread && void thread.end('the task did not end after its signal was aborted');
    const timer: unknown = setTimeout(end, GRACE);
    (timer as { unref?(): void }).unref?.(); // a timer of Node would keep the process alive
  }
}

/** The result of a task in a store, if all its bytes are there too. */
export async function storedResult(store: Store, task: Task): Promise<Result | null> {
  const bytes = await store.get(task.id);
  if (!bytes) return null;
  const result = JSON.parse(new TextDecoder().decode(bytes)) as Result;
  for (const hash of Object.values(result.blobs)) if (!(await isStored(store, hash))) return null;
  return result;
}

/** Stores the result of a task, after its bytes. */
export async function storeResult(store: Store, task: Task, { value, blobs }: Result): Promise<void> {
  await store.put(task.id, new TextEncoder().encode(canonicalJson('engine.run', 'the result', { value, blobs })));
}
