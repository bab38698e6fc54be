/** Runs tasks in workers on other machines: a job of a BullMQ queue for each task. */

import type { Job, Queue, QueueEvents } from 'bullmq';
import { version } from '../../../package.json' with { type: 'json' };
import { rejectExtraArguments } from '../../util/arguments.ts';
import { fail } from '../../util/errors.ts';
import { warn } from '../../util/warning.ts';
import { checkRunOptions, checkTask, describe } from '../checkTask.ts';
import { type Engine, type Result, type RunOptions, type Store, type Task, TaskError } from '../engine.ts';
import { isStored } from '../stores.ts';
import { forWorker } from '../workerTask.ts';
import { redisStore } from './blobs.ts';
import {
  ATTEMPTS,
  FIRST_BACKOFF,
  JOB_NAME,
  type JobData,
  type JobProgress,
  readResult,
  reasonOfFailure,
} from './job.ts';
import { Link } from './link.ts';
import type { EngineSettings } from './options.ts';
import { loadPackages } from './packages.ts';
import { PendingTask } from './pendingTask.ts';

/** How often a task is sent again whose job has vanished from the queue. */
const MOST_SENDS = 5;
/** The number of events that Redis keeps: they only speed things up. */
const MOST_EVENTS = 1000;
/** Milliseconds after which a program is told that no worker is there. */
const PATIENCE_FOR_WORKERS = 10_000;

interface Opened {
  readonly link: Link;
  readonly queue: Queue<JobData, Result>;
  readonly events: QueueEvents;
}

export class QueueEngine implements Engine {
  readonly slots: number;
  readonly store: Store;
  #opening: Promise<Opened> | undefined;
  #opened: Opened | undefined;
  #link: Link | undefined;
  #isClosed = false;
  #hasWarned = false;
  readonly #pending = new Map<string, PendingTask>();

  constructor(readonly settings: EngineSettings) {
    this.slots = settings.slots;
    this.store = settings.store ?? redisStore(async () => (await this.#open()).link, settings.keep.seconds);
  }

  async run(task: Task, given?: RunOptions): Promise<Result> {
    const call = 'engine.run';
    rejectExtraArguments(call, 2, arguments);
    checkTask(call, task);
    const options = checkRunOptions(call, given);
    if (this.#isClosed) fail(call, 'the engine must be open, but close has been called');
    options.signal?.throwIfAborted();
    let pending = this.#pending.get(task.id);
    if (!pending) {
      pending = new PendingTask(task);
      this.#pending.set(task.id, pending);
      void this.#follow(pending);
    }
    return pending.join(options, () => void this.#withdraw(task));
  }

  async close(): Promise<void> {
    rejectExtraArguments('engine.close', 0, arguments);
    if (this.#isClosed) return;
    this.#isClosed = true;
    const reason = this.#closedError();
    for (const pending of this.#pending.values()) pending.reject(reason);
    const { queue, events, link } = this.#opened ?? { link: this.#link };
    await Promise.all([queue?.close(), events?.close()].map(end => end?.catch(() => undefined)));
    link?.close(reason);
  }

  #closedError(): Error {
    return new Error('engine.close: the engine was closed before the task was complete');
  }

  #open(): Promise<Opened> {
    this.#opening ??= this.#connect().catch(error => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #connect(): Promise<Opened> {
    const { address, queue: name, timeouts } = this.settings;
    const packages = await loadPackages('bullmq');
    if (this.#isClosed) throw this.#closedError();
    const link = new Link('bullmq', packages, address, timeouts);
    this.#link = link;
    try {
      await link.open();
    } catch (error) {
      link.close(error as Error);
      throw error;
    }
    const connection = link.client;
    const queue = new packages.Queue<JobData, Result>(name, {
      connection,
      streams: { events: { maxLen: MOST_EVENTS } },
    });
    queue.on('error', () => undefined); // `link` reports them
    // From the last event on, so that none is missed while the connection of `events` is made
    const [last] = await link.do(() => connection.xrevrange(queue.toKey('events'), '+', '-', 'COUNT', 1));
    const events = new packages.QueueEvents(name, { connection, lastEventId: last?.[0] ?? '0-0' });
    events.on('error', () => undefined);
    const wake = ({ jobId }: { jobId: string }) => this.#pending.get(jobId)?.wake();
    events.on('completed', wake);
    events.on('failed', wake);
    events.on('progress', ({ jobId, data }) => this.#pending.get(jobId)?.report(data as unknown as JobProgress));
    link.client.on('ready', () => {
      for (const pending of this.#pending.values()) pending.wake();
    });
    this.#opened = { link, queue, events };
    return this.#opened;
  }

  /** Sends a task and waits for its result; the state of its job is read again and again, events only speed this up. */
  async #follow(pending: PendingTask): Promise<void> {
    const { id } = pending.task;
    try {
      const opened = await this.#open();
      const { link, queue } = opened;
      for (let sends = 0; !pending.isSettled; ) {
        const job = await link.do(() => queue.getJob(id));
        if (pending.isSettled) return;
        const isFinished = job?.finishedOn !== undefined;
        if (job && isFinished && (await this.#settle(opened, pending, job))) return;
        if (!job || isFinished) {
          if (sends++ === MOST_SENDS) throw new Error(`bullmq: task ${id} has vanished from its queue ${sends} times`);
          await this.#send(opened, pending.task);
        } else if (typeof job.progress === 'object') pending.report(job.progress as JobProgress);
        pending.isSent = true;
        await pending.sleep(this.settings.timeouts.poll);
        if (!this.#hasWarned && performance.now() > pending.since + PATIENCE_FOR_WORKERS) await this.#warn(opened);
      }
    } catch (error) {
      pending.reject(error);
    } finally {
      if (this.#pending.get(id) === pending) this.#pending.delete(id);
    }
  }

  /** Passes the outcome of a job on; false if it is one of an earlier program that cannot be used, and was deleted. */
  async #settle({ link, queue }: Opened, pending: PendingTask, job: Job<JobData, Result>): Promise<boolean> {
    const { task } = pending;
    const result = readResult(job.returnvalue); // a job that was repeated keeps the reason of its first failure
    if (result && (pending.isSent || (await this.#hasBlobs(result)))) {
      pending.resolve(result);
      return true;
    }
    if (pending.isSent) {
      const reason = job.failedReason ? reasonOfFailure(job.failedReason) : 'its job has no result';
      throw new TaskError(`${reason}; in ${describe(task)}`, task);
    }
    await link.do(() => queue.remove(task.id));
    return false;
  }

  /** Whether the bytes of a result are still there. */
  async #hasBlobs({ blobs }: Result): Promise<boolean> {
    const found = await Promise.all(Object.values(blobs).map(hash => isStored(this.store, hash)));
    return found.every(isThere => isThere);
  }

  /** Adds a job, unless the queue has one with its id. */
  #send({ link, queue }: Opened, task: Task): Promise<unknown> {
    const { seconds, count } = this.settings.keep;
    const keep = { age: seconds, ...(count !== undefined && { count }) };
    const data = { task: forWorker(task), version };
    const options = {
      jobId: task.id,
      attempts: ATTEMPTS,
      backoff: { type: 'exponential', delay: FIRST_BACKOFF },
      removeOnComplete: keep,
      removeOnFail: keep,
      stackTraceLimit: 1,
    };
    return link.do(() => queue.add(JOB_NAME, data, options));
  }

  /** Removes a task that no call waits for, unless a worker is running it. */
  async #withdraw({ id }: Task): Promise<void> {
    this.#pending.delete(id);
    try {
      const { link, queue } = await this.#open();
      await link.do(() => queue.remove(id));
    } catch {
      // The task stays in the queue. Its result is kept there and may be used later.
    }
  }

  async #warn({ link, queue }: Opened): Promise<void> {
    this.#hasWarned = true;
    const count = await queue.getWorkersCount().catch(() => 1);
    if (count > 0) return;
    const { address, queue: name } = this.settings;
    warn(
      `bullmq: no worker is connected to the queue '${name}' of Redis at ${address.name}; ` +
        `start one with npx lstm-wasm worker --redis ${link.client.options.tls ? 'rediss' : 'redis'}://${address.name} --queue ${name}`,
    );
  }
}
