/**
 * Threads that share one kernel call. The calling thread takes part: chunks are handed out by a counter, so it computes all
 * that no other thread has begun, and a thread that does not run costs nothing.
 *
 * A thread may stop at any time: the host may end it, or its process may run out of memory. If it stops in the middle of a
 * chunk, `run` throws `ThreadsLost`, and its caller computes everything again. Otherwise nothing is lost.
 */

import { warn } from '../util/warning.ts';
import type { Address, Kernels } from './kernels.ts';
import { batchIndex, CHUNK_BITS, controlBytes, type ThreadData, threadProgram, word } from './threadProgram.ts';

/** A kernel that computes a range of rows, or of columns of weights. */
type RangeKernel = (plan: Address, first: number, count: number) => void;

/** Jobs are numbered from 1 to this, again and again. */
const LAST_JOB = 2 ** (31 - CHUNK_BITS) - 1;
/** Tickets have room for these, and for one more of each thread. */
const MOST_CHUNKS = 2 ** CHUNK_BITS - 96;
/**
 * The calling thread waits for a chunk of another thread at least this long, and many times as long as for one of its own:
 * on a busy machine, a thread may not run for a while.
 */
const LEAST_WAIT = 1000;
const CHUNKS_TO_WAIT = 50;
/** How long it waits if it has computed no chunk of the job. */
const LONG_WAIT = 20_000;
/** Time counts as waiting up to this much at once: the process was suspended if more passes between two looks at the clock. */
const LONGEST_LOOK = 10;

/** Thrown by `run` after a thread has stopped in the middle of a kernel, whose results are incomplete. */
export class ThreadsLost extends Error {}

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
  readonly #kernels: Readonly<Record<string, RangeKernel>>;
  readonly #data: ThreadData;
  readonly #numberOf: ReadonlyMap<string, number>;
  #threads: Thread[] | null = null;
  #ended = false;
  /** Why threads have stopped while no kernel ran; null if they have not. */
  #lost: string | null = null;
  #job = 0;

  constructor(size: number, kernels: Kernels, module: WebAssembly.Module, memory: WebAssembly.Memory, wide: number) {
    this.size = size;
    this.#kernels = kernels as unknown as Record<string, RangeKernel>;
    const names = Object.keys(kernels);
    this.#numberOf = new Map(names.map((name, n) => [name, n]));
    const control = new SharedArrayBuffer(controlBytes);
    this.#data = { module, memory, control, names, wide };
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
   * @throws ThreadsLost if a thread has stopped; the threads have been ended
   */
  run(name: string, plan: Address, extent: number, least: number): void {
    const kernel = this.#kernels[name]!;
    const size = Math.max(least, Math.ceil(extent / MOST_CHUNKS));
    const chunks = Math.ceil(extent / size);
    if (chunks === 1 || !this.#isReady()) {
      for (let first = 0; first < extent; first += size) kernel(plan, first, Math.min(size, extent - first));
      return;
    }
    const words = this.#words;
    this.#job = this.#job === LAST_JOB ? 1 : this.#job + 1;
    Atomics.store(words, word.described, this.#job);
    Atomics.store(words, word.done, 0);
    words[word.kernel] = this.#numberOf.get(name)!;
    words[word.plan] = plan;
    words[word.extent] = extent;
    words[word.size] = size;
    Atomics.store(words, word.chunks, chunks);
    Atomics.store(words, word.ticket, this.#job << CHUNK_BITS);
    Atomics.store(words, word.job, this.#job);
    if (Atomics.load(words, word.sleepers) > 0) Atomics.notify(words, word.job);
    const start = performance.now();
    let own = 0;
    for (;;) {
      const chunk = Atomics.add(words, word.ticket, 1) & (2 ** CHUNK_BITS - 1);
      if (chunk >= chunks) break;
      const first = chunk * size;
      try {
        kernel(plan, first, Math.min(size, extent - first));
      } catch {
        this.#fail('a kernel has failed'); // on one thread it fails again, and throws
      }
      Atomics.add(words, word.done, 1);
      own++;
    }
    this.#join(chunks, own, start);
  }

  /**
   * Waits for the chunks that other threads have begun.
   *
   * @param own the number of chunks that this thread has computed since `start`
   */
  #join(chunks: number, own: number, start: number): void {
    const words = this.#words;
    let last = 0;
    let limit = 0;
    let waited = 0;
    for (let n = 1; Atomics.load(words, word.done) < chunks; n++) {
      if (n % 1024 > 0) continue;
      const now = performance.now();
      if (last === 0) limit = own === 0 ? LONG_WAIT : LEAST_WAIT + (CHUNKS_TO_WAIT * (now - start)) / own;
      else waited += Math.min(now - last, LONGEST_LOOK);
      if (waited > limit) this.#fail(STOPPED);
      last = now;
    }
    if (words[word.failed] !== 0) this.#fail('a kernel has failed in a thread');
  }

  #fail(reason: string): never {
    this.#giveUp(reason);
    throw new ThreadsLost();
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
        threads.push(startThread(this.#data, reason => (this.#lost ??= reason)));
      }
    } catch {
      this.#lost = FORBIDDEN;
    }
  }

  /** Ends the threads; later calls run on the calling thread. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
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
