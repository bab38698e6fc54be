/**
 * Threads that share one kernel call. The calling thread takes part: chunks are handed out by a counter, so it computes all
 * that no other thread has begun, and a thread that does not run costs nothing.
 *
 * A thread may stop at any time: the host may end it, or it may run out of memory. If it stops in the middle of a chunk,
 * `run` throws `ThreadsLost`; otherwise nothing is lost.
 */

import { warn } from '../util/warning.ts';
import type { Address, Kernels } from './kernels.ts';
import { rowBlockNumbers } from './shared.generated.ts';
import { batchIndex, CHUNK_BITS, controlBytes, Mark, type ThreadData, threadProgram, word } from './threadProgram.ts';

/** Kernels that compute a range of rows, or of columns of weights. */
type RangeKernels = Readonly<Record<string, (plan: Address, first: number, count: number) => void>>;

/** A kernel that runs over all rows or columns in chunks. */
interface Job {
  readonly name: string;
  /** Runs after it on each chunk, and overwrites what it reads. */
  readonly end: string | undefined;
  /** Does the work of `name` and `end` without scratch, on the calling thread. */
  readonly alone: string | undefined;
  readonly plan: Address;
  readonly extent: number;
  /** The rows or columns of a chunk; the last one may have fewer. */
  readonly size: number;
  readonly chunks: number;
}

/**
 * Runs a job on the calling thread.
 *
 * @param marks of the chunks, after threads have stopped in the job; those of chunks that are not computed are `begun`
 */
function compute(kernels: RangeKernels, job: Job, marks: readonly number[] = []): void {
  const { name, end, alone, plan, extent, size, chunks } = job;
  for (let n = 0; n < chunks; n++) {
    const mark = marks[n] ?? Mark.begun;
    const first = n * size;
    const count = Math.min(size, extent - first);
    if (mark === Mark.begun) kernels[alone ?? name]!(plan, first, count);
    if (!end || mark === Mark.ended || (mark === Mark.begun && alone)) continue;
    const thread = alone ? mark - Mark.computed : 0;
    runAs(thread, kernels, end, plan, first, count);
  }
}

/** Runs a kernel with the scratch of a thread. */
function runAs(thread: number, kernels: RangeKernels, name: string, plan: Address, first: number, count: number): void {
  const { setThread } = kernels as unknown as Kernels;
  setThread(thread);
  kernels[name]!(plan, first, count);
  setThread(0);
}

/** Jobs are numbered from 1 to this, again and again. */
const LAST_JOB = 2 ** (31 - CHUNK_BITS) - 1;
/** Tickets have room for these, and for one more of each thread. */
const MOST_CHUNKS = 2 ** CHUNK_BITS - 96;
/** The rows or columns of a chunk: `least` of them, or more if there would be too many chunks. */
export const sizeOfChunk = (extent: number, least: number): number => Math.max(least, Math.ceil(extent / MOST_CHUNKS));

/**
 * How long the calling thread waits for a chunk of another one, by the time that its own chunks took. On a busy machine, a
 * thread may not run for a while; but own chunks take longer there too, so the wait grows less with long ones.
 */
const waitFor = (milliseconds: number): number => 1000 + Math.min(50 * milliseconds, 4000 + 4 * milliseconds);
/** Milliseconds lost by waiting before the calling thread works alone for a while. */
const MOST_LOSS = 0.5;
/** Milliseconds that threads have saved and may lose again. */
const MOST_SAVED = 20;
/** @internal For how many times the lost milliseconds it works alone. Tests set 0, so that threads get their chunks. */
export const rest = { times: 48 };
/** Time counts as waiting up to this much at once: the process was suspended if more passes between two looks at the clock. */
const LONGEST_LOOK = 10;

/** Thrown by `run` after a thread has stopped in the middle of a kernel, whose results are incomplete. */
export class ThreadsLost extends Error {
  /**
   * Completes the results, unless the kernel has overwritten what it reads.
   *
   * @param kernels those of a memory to which lost threads do not write
   */
  readonly finish: (kernels: Kernels) => void;

  constructor(finish: (kernels: Kernels) => void) {
    super('a thread has stopped');
    this.finish = finish;
  }
}

const STOPPED = 'a thread has stopped';
const FORBIDDEN = 'the host does not allow workers';

let warned = false;

/** Warns once that calls run on one thread. */
export function warnOfOneThread(reason: string): void {
  if (!warned) warn(`lstm-wasm: calls run on one thread, because ${reason}; the results are the same`);
  warned = true;
}

/** A thread, as far as a team needs it. */
interface Thread {
  terminate(): unknown;
}

export class Team {
  /** Threads, the calling one included. */
  readonly size: number;
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #kernels: RangeKernels;
  readonly #data: Omit<ThreadData, 'number'>;
  readonly #numberOf: ReadonlyMap<string, number>;
  #threads: Thread[] | null = null;
  #ended = false;
  /** Why threads have stopped while no kernel ran; null if they have not. */
  #lost: string | null = null;
  #job = 0;
  /** Milliseconds of a chunk of the calling thread: the longest of the last timings. */
  #chunkTime = 0;
  /**
   * Milliseconds by which threads have delayed the calling thread, beyond the time it would have needed for their chunks;
   * negative if they have saved time. On a busy machine, a thread may not run for a while in the middle of a chunk.
   */
  #loss = 0;
  /** Until when the calling thread works alone; 0 if it does not. */
  #restsUntil = 0;

  constructor(
    size: number,
    kernels: Kernels,
    modules: readonly WebAssembly.Module[],
    memory: WebAssembly.Memory,
    wide: number,
  ) {
    this.size = size;
    this.#kernels = kernels as unknown as RangeKernels;
    const names = Object.keys(kernels);
    this.#numberOf = new Map(names.map((name, n) => [name, n]));
    const control = new SharedArrayBuffer(controlBytes);
    this.#data = { modules: [...modules], memory, control, names, wide };
    this.#words = new Int32Array(control);
    this.#numbers = new Float64Array(control);
  }

  /** The threads that run, or will. */
  get running(): number {
    return this.#ended || this.#lost ? 1 : this.size;
  }

  /** The number of the next training batch, for all threads. */
  get batch(): number {
    return this.#numbers[batchIndex]!;
  }

  set batch(batch: number) {
    this.#numbers[batchIndex] = batch;
  }

  /**
   * Runs a kernel over all rows or columns; returns when they are finished.
   *
   * @param extent the number of rows or columns
   * @param least the number of them that a thread takes at a time; more if there would be too many chunks
   * @param end a kernel that ends each chunk: it overwrites what the first one reads
   * @param alone does the work of both in place, on the calling thread; the first kernel then writes to scratch of its
   * thread, from which `end` copies
   * @throws ThreadsLost if a thread has stopped; the threads have been ended
   */
  run(name: string, plan: Address, extent: number, least: number, end?: string, alone?: string): void {
    const size = sizeOfChunk(extent, least);
    const inChunksOf = (size: number): Job => {
      return { name, end, alone, plan, extent, size, chunks: Math.ceil(extent / size) };
    };
    if (size < extent && !this.#rests() && this.#isReady()) this.#share(inChunksOf(size));
    else compute(this.#kernels, inChunksOf(Math.max(size, Math.min(extent, rowBlockNumbers.rows))));
  }

  #share(job: Job): void {
    const { name, end, alone, plan, extent, size, chunks } = job;
    const kernel = this.#kernels[alone ?? name]!;
    const endKernel = end === undefined || alone ? null : this.#kernels[end]!;
    const words = this.#words;
    this.#job = this.#job === LAST_JOB ? 1 : this.#job + 1;
    Atomics.store(words, word.described, this.#job);
    Atomics.store(words, word.done, 0);
    words[word.kernel] = this.#numberOf.get(name)!;
    words[word.end] = end === undefined ? -1 : this.#numberOf.get(end)!;
    if (end !== undefined) words.fill(Mark.begun, word.marks, word.marks + chunks);
    words[word.plan] = plan;
    words[word.extent] = extent;
    words[word.size] = size;
    Atomics.store(words, word.chunks, chunks);
    // The first chunk is the caller's: rows that stay with a thread stay in the cache of its core
    Atomics.store(words, word.ticket, (this.#job << CHUNK_BITS) + 1);
    Atomics.store(words, word.job, this.#job);
    if (Atomics.load(words, word.sleepers) > 0) Atomics.notify(words, word.job);
    const start = performance.now();
    let own = 0;
    for (let chunk = 0; chunk < chunks; chunk = Atomics.add(words, word.ticket, 1) & (2 ** CHUNK_BITS - 1)) {
      const first = chunk * size;
      const count = Math.min(size, extent - first);
      try {
        kernel(plan, first, count);
        if (endKernel) {
          words[word.marks + chunk] = Mark.computed;
          endKernel(plan, first, count);
        }
        if (end !== undefined) words[word.marks + chunk] = Mark.ended;
      } catch {
        this.#fail('a kernel has failed', job); // on one thread it fails again, and throws
      }
      Atomics.add(words, word.done, 1);
      own++;
    }
    const chunkTime = (performance.now() - start) / own;
    this.#chunkTime = Math.max(chunkTime, 0.99 * this.#chunkTime);
    this.#join(job, chunkTime * (chunks - own));
  }

  #rests(): boolean {
    if (this.#restsUntil > 0 && performance.now() >= this.#restsUntil) this.#restsUntil = 0;
    return this.#restsUntil > 0;
  }

  /** Waits for the chunks that other threads have begun. @param alone milliseconds to compute them here */
  #join(job: Job, alone: number): void {
    const words = this.#words;
    const limit = waitFor(this.#chunkTime);
    let last = 0;
    let waited = 0;
    for (let n = 1; Atomics.load(words, word.done) < job.chunks; n++) {
      if (n % 1024 > 0) continue;
      const now = performance.now();
      if (last > 0) waited += Math.min(now - last, LONGEST_LOOK);
      if (waited > limit) this.#fail(STOPPED, job);
      last = now;
    }
    if (words[word.failed] !== 0) this.#fail('a kernel has failed in a thread', job);
    this.#loss = Math.max(-MOST_SAVED, this.#loss + waited - alone);
    if (this.#loss > MOST_LOSS) {
      this.#restsUntil = last + rest.times * this.#loss;
      this.#loss = 0;
    }
  }

  #fail(reason: string, job: Job): never {
    this.#giveUp(reason);
    const marks = job.end === undefined ? [] : Array.from({ length: job.chunks }, (_, n) => this.#take(n));
    throw new ThreadsLost(kernels => compute(kernels as unknown as RangeKernels, job, marks));
  }

  /** Takes a chunk from its thread, unless it is ended; returns its mark before. */
  #take(chunk: number): number {
    const words = this.#words;
    for (;;) {
      const mark = Atomics.load(words, word.marks + chunk);
      if (mark === Mark.ended) return mark;
      if (Atomics.compareExchange(words, word.marks + chunk, mark, Mark.taken) === mark) return mark;
    }
  }

  #giveUp(reason: string): void {
    this.end();
    warnOfOneThread(reason);
  }

  /** Starts the threads; returns false if there are none any more. */
  #isReady(): boolean {
    if (!this.#ended && !this.#threads) this.#start();
    if (!this.#ended && this.#lost) this.#giveUp(this.#lost);
    return !this.#ended;
  }

  #start(): void {
    const threads: Thread[] = [];
    this.#threads = threads;
    try {
      while (threads.length < this.size - 1) {
        const data = { ...this.#data, number: threads.length + 1 };
        threads.push(startThread(data, reason => (this.#lost ??= reason)));
      }
    } catch {
      this.#lost = FORBIDDEN;
    }
  }

  /** Ends the threads; later calls run on the calling thread. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    Atomics.store(this.#words, word.chunks, 0); // no more chunks of the current job are taken
    Atomics.store(this.#words, word.job, -1);
    Atomics.notify(this.#words, word.job);
    for (const thread of this.#threads ?? []) thread.terminate();
  }
}

interface NodeThread extends Thread {
  unref(): void;
  on(event: 'error' | 'exit', listener: () => void): void;
}

interface NodeThreads {
  Worker: new (program: string, options: { eval: true; execArgv: string[]; workerData: ThreadData }) => NodeThread;
}

/**
 * Starts a thread.
 *
 * @param lose called if it stops
 * @throws if the host does not allow it
 */
function startThread(data: ThreadData, lose: (reason: string) => void): Thread {
  const host = (globalThis as { process?: { getBuiltinModule?(name: string): unknown } }).process;
  const node = host?.getBuiltinModule?.('node:worker_threads') as NodeThreads | undefined;
  if (!node) return startWorker(data, lose);
  const program = `${threadProgram}run(require('node:worker_threads').workerData);`;
  const thread = new node.Worker(program, { eval: true, execArgv: [], workerData: data });
  thread.on('error', () => lose(STOPPED));
  thread.on('exit', () => lose(STOPPED));
  thread.unref();
  return thread;
}

/** Starts a worker of a page. A Content-Security-Policy that forbids it throws, or is reported later. */
function startWorker(data: ThreadData, lose: (reason: string) => void): Thread {
  const program = `${threadProgram}onmessage = ({ data }) => run(data);`;
  const url = URL.createObjectURL(new Blob([program], { type: 'text/javascript' }));
  const worker = new Worker(url);
  worker.onerror = event => {
    event.preventDefault(); // a warning is enough
    lose(event.message ? STOPPED : FORBIDDEN);
  };
  worker.postMessage(data);
  return worker;
}
