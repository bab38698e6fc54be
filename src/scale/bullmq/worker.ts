/** A worker of a queue: takes jobs, runs their tasks in an engine of this process, and returns the results. */

import type { Job, Worker } from 'bullmq';
import { reasonOf } from '../../util/errors.ts';
import { type Engine, type Json, type Result, TaskError } from '../engine.ts';
import { StoreError, type WorkerStore } from './blobs.ts';
import { ATTEMPTS, type JobData, type JobProgress, MOST_STALLS } from './job.ts';
import { Link } from './link.ts';
import { loadPackages, type Packages } from './packages.ts';
import { RefusedTask, taskOfJob } from './taskFiles.ts';
import type { WorkerSettings } from './workerOptions.ts';

/** Milliseconds between two reports of a task; those between are left out. */
const REPORT_INTERVAL = 500;
/** Milliseconds for Redis to answer when the worker stops. */
const PATIENCE_AT_END = 5000;

export interface Tools {
  /** Runs the tasks, in threads: the event loop must stay free to renew the locks of jobs. */
  readonly engine: Engine;
  /** The store of the engine. */
  readonly store: WorkerStore;
  readonly log: (line: string) => void;
}

export interface RunningWorker {
  /** Resolves when the worker has stopped, to the number of finished tasks; rejected if Redis refuses the connection. */
  readonly ended: Promise<number>;
  /** Takes no more tasks. Those that run may finish within some milliseconds; the others return to the queue. */
  stop(grace: number): void;
}

/** Connects to Redis; rejected if it is not there. The store of the engine may use the same link. */
export async function connectWorker(settings: WorkerSettings): Promise<{ link: Link; packages: Packages }> {
  const packages = await loadPackages('worker');
  const link = new Link('worker', packages, settings.address, { connect: settings.connect, reconnect: 2 ** 31 - 1 });
  try {
    await link.open();
  } catch (error) {
    link.close(error as Error);
    throw error;
  }
  return { link, packages };
}

export function startWorker(settings: WorkerSettings, link: Link, packages: Packages, tools: Tools): RunningWorker {
  return new QueueWorker(settings, link, packages, tools);
}

class QueueWorker implements RunningWorker {
  readonly ended: Promise<number>;
  #finished = 0;
  #isStopping = false;
  #isAway = false;
  #end: (outcome: number | Error) => void = () => undefined;
  readonly #worker: Worker<JobData, Result>;
  readonly #returning = new AbortController();

  constructor(
    readonly settings: WorkerSettings,
    readonly link: Link,
    readonly packages: Packages,
    readonly tools: Tools,
  ) {
    this.ended = new Promise((resolve, reject) => {
      this.#end = outcome => (typeof outcome === 'number' ? resolve(outcome) : reject(outcome));
    });
    const { queue, concurrency, lock } = settings;
    this.#worker = new packages.Worker<JobData, Result>(queue, (job, token) => this.#process(job, token), {
      connection: link.client,
      concurrency,
      lockDuration: lock,
      stalledInterval: lock,
      maxStalledCount: MOST_STALLS,
      drainDelay: Math.max(1, Math.min(5, lock / 1000)),
      // By default, a worker waits 15 s after an error, such as a restart of Redis
      runRetryDelay: 1000,
    });
    this.#watch();
  }

  stop(grace: number): void {
    if (this.#isStopping) {
      this.#returning.abort();
      return;
    }
    this.#isStopping = true;
    const returning = setTimeout(() => this.#returning.abort(), grace);
    const late = setTimeout(() => {
      const { name } = this.settings.address;
      this.#end(
        new Error(`worker: Redis at ${name} does not answer; other workers take its tasks over when their locks end`),
      );
    }, grace + PATIENCE_AT_END);
    void this.#worker.close().finally(() => {
      clearTimeout(returning);
      clearTimeout(late);
      this.link.close(new Error('worker: stopped'));
      this.#end(this.#finished);
    });
  }

  /** Reports what happens to the connection and to tasks. */
  #watch(): void {
    const { log } = this.tools;
    const { client, address } = this.link;
    client.on('close', () => {
      if (!this.#isAway && !this.#isStopping) log(`Redis at ${address.name} is away; connecting again`);
      this.#isAway = true;
    });
    client.on('ready', () => {
      if (this.#isAway) log(`Redis at ${address.name} is back`);
      this.#isAway = false;
    });
    client.on('end', () => {
      if (this.#isStopping) return;
      void this.link.do(() => client.ping()).catch(error => this.#end(error)); // the reason why the connection was ended
    });
    this.#worker.on('completed', ({ id }) => {
      this.#finished++;
      if (this.settings.isVerbose) log(`task ${id} is done`);
    });
    this.#worker.on('failed', (job, error) => {
      const more = job && job.attemptsMade < ATTEMPTS && !(error instanceof this.packages.UnrecoverableError);
      log(`task ${job?.id} failed${more ? ' and is run again later' : ''}: ${error.message}`);
    });
    this.#worker.on('stalled', id => log(`task ${id} has lost its worker and is run again`));
    this.#worker.on('error', error => {
      if (!this.#isAway && !/ECONN|Connection is closed/.test(error.message)) log(error.message);
    });
  }

  async #process(job: Job<JobData, Result>, token: string | undefined): Promise<Result> {
    const { UnrecoverableError, WaitingError } = this.packages;
    const { signal } = this.#returning;
    const { engine, store } = this.tools;
    try {
      signal.throwIfAborted();
      const task = await taskOfJob(job.data, this.settings.folder);
      store.running.add(task.id);
      return await engine.run(task, { signal, onProgress: this.#reporter(job) });
    } catch (error) {
      if (signal.aborted) {
        await job.moveToWait(token);
        throw new WaitingError();
      }
      if (error instanceof RefusedTask || isOfStore(error)) throw error;
      throw new UnrecoverableError(reasonOf(error instanceof TaskError ? (error.cause ?? error) : error));
    } finally {
      if (job.id) store.running.delete(job.id);
    }
  }

  /** Passes reports on, the latest of each interval. */
  #reporter(job: Job<JobData, Result>): (value: Json) => void {
    let report = 0;
    let last = -REPORT_INTERVAL;
    return value => {
      const now = performance.now();
      if (now < last + REPORT_INTERVAL) return;
      last = now;
      const progress: JobProgress = { attempt: job.attemptsStarted, report: ++report, value };
      job.updateProgress(progress).catch(() => undefined); // a report may be lost
    };
  }
}

/** Whether a failure is that of the store: the engine may have wrapped it. */
function isOfStore(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof StoreError) return true;
  return false;
}
