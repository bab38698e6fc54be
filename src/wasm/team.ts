/**
 * Threads that share one kernel call. The calling thread takes part: chunks are handed out by a counter, so it computes all
 * that no other thread has begun, and a thread that does not run costs nothing.
 */

import type { Address, Kernels } from './kernels.ts';
import { batchIndex, CHUNK_BITS, controlBytes, type ThreadData, threadProgram, word } from './threadProgram.ts';

/** A kernel that computes a range of rows, or of columns of weights. */
type RangeKernel = (plan: Address, first: number, count: number) => void;

/** Jobs are numbered from 1 to this, again and again. */
const LAST_JOB = 2 ** (31 - CHUNK_BITS) - 1;
/** Tickets have room for these, and for one more of each thread. */
const MOST_CHUNKS = 2 ** CHUNK_BITS - 96;
/** A chunk takes less than a second. */
const STALL_MILLISECONDS = 20_000;

export class Team {
  /** Threads, the calling one included. */
  readonly size: number;
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #kernels: Readonly<Record<string, RangeKernel>>;
  readonly #data: Omit<ThreadData, 'number'>;
  readonly #numberOf: ReadonlyMap<string, number>;
  #started = false;
  #ended = false;
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

  /** Sets the number of the next training batch for all threads. */
  setBatch(batch: number): void {
    this.#numbers[batchIndex] = batch;
  }

  /**
   * Runs a kernel over all rows or columns; returns when they are finished.
   *
   * @param extent the number of rows or columns
   * @param least the number of them that a thread takes at a time; more if there would be too many chunks
   */
  run(name: string, plan: Address, extent: number, least: number): void {
    const kernel = this.#kernels[name]!;
    const size = Math.max(least, Math.ceil(extent / MOST_CHUNKS));
    const chunks = Math.ceil(extent / size);
    if (chunks === 1 || this.#ended) {
      kernel(plan, 0, extent);
      return;
    }
    if (!this.#started) this.#start();
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
    for (;;) {
      const chunk = Atomics.add(words, word.ticket, 1) & (2 ** CHUNK_BITS - 1);
      if (chunk >= chunks) break;
      const first = chunk * size;
      kernel(plan, first, Math.min(size, extent - first));
      Atomics.add(words, word.done, 1);
    }
    this.#join(chunks);
  }

  /** Waits for the chunks that other threads have begun. */
  #join(chunks: number): void {
    const words = this.#words;
    let end = 0;
    for (let n = 1; Atomics.load(words, word.done) < chunks; n++) {
      if (n % 1024 > 0) continue;
      const now = performance.now();
      if (end === 0) end = now + STALL_MILLISECONDS;
      else if (now > end) this.#fail();
    }
    if (words[word.failed] !== 0) this.#fail();
  }

  #fail(): never {
    this.end();
    throw new Error('lstm-wasm: a thread has stopped; the call has no result, and later calls run on one thread');
  }

  #start(): void {
    this.#started = true;
    for (let n = 1; n < this.size; n++) startThread({ ...this.#data, number: n });
  }

  /** Ends the threads; later calls run on the calling thread. */
  end(): void {
    this.#ended = true;
    Atomics.store(this.#words, word.job, -1);
    Atomics.notify(this.#words, word.job);
  }
}

interface NodeThreads {
  Worker: new (
    program: string,
    options: { eval: true; execArgv: string[]; workerData: ThreadData },
  ) => { unref(): void; on(event: 'error', listener: () => void): void };
}

/** Starts a thread. If the host does not allow it, the calling thread computes everything. */
function startThread(data: ThreadData): void {
  try {
    const host = (globalThis as { process?: { getBuiltinModule?(name: string): unknown } }).process;
    const node = host?.getBuiltinModule?.('node:worker_threads') as NodeThreads | undefined;
    if (node) {
      const program = `${threadProgram}run(require('node:worker_threads').workerData);`;
      const thread = new node.Worker(program, { eval: true, execArgv: [], workerData: data });
      thread.on('error', () => {});
      thread.unref();
    } else {
      const program = `${threadProgram}onmessage = ({ data }) => run(data);`;
      const url = URL.createObjectURL(new Blob([program], { type: 'text/javascript' }));
      new Worker(url).postMessage(data);
    }
  } catch {
    // Workers are forbidden, for example by a Content-Security-Policy
  }
}
