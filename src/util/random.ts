/** Seeds for everything random: each model has a stream of them, and tensors and data functions share another one. */

import { rejectExtraArguments } from './arguments.ts';
import { fail, show } from './errors.ts';
import { type RunningTask, taskThread } from './taskThread.ts';

const MASK = (1n << 64n) - 1n;
/** The difference between consecutive states of a stream (SplitMix64, as in the kernels). */
const STEP = 0x9e3779b97f4a7c15n;
/** The distance between the streams of two models: 2^32 seeds. */
const DISTANCE = STEP << 32n;

function mix(state: bigint): number {
  let z = state & MASK;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return Number((z ^ (z >> 31n)) >> 11n);
}

/** A random state. In Node, the first use of `crypto` would take some milliseconds. */
function randomBits(): bigint {
  const word = () => BigInt(Math.floor(Math.random() * 2 ** 32));
  return (word() << 32n) | word();
}

/** A stream of seeds. */
export class SeedStream {
  /** Null until the first use: Cloudflare Workers provide no random numbers while modules are loaded. */
  #state: bigint | null;
  readonly #ofThread: boolean;
  /** The task that the stream of the thread belongs to. */
  #task: RunningTask | null = null;

  /**
   * @param seed fixes the stream; without it, the stream starts at a random state
   * @param ofThread whether the stream begins anew with each task of the thread, at the seed of the task
   */
  constructor(seed?: number, ofThread = false) {
    this.#state = seed === undefined ? null : BigInt(seed);
    this.#ofThread = ofThread;
  }

  #followTask(): void {
    const task = this.#ofThread ? taskThread()?.task : null;
    if (!task || task === this.#task) return;
    this.#task = task;
    this.#state = BigInt(task.seed);
  }

  /** Draws a seed, an integer below 2^53. */
  next(): number {
    this.#followTask();
    this.#state = ((this.#state ?? randomBits()) + STEP) & MASK;
    return mix(this.#state);
  }

  /** The state as 16 hexadecimal digits. */
  get state(): string {
    this.#followTask();
    this.#state ??= randomBits();
    return this.#state.toString(16).padStart(16, '0');
  }

  set state(digits: string) {
    this.#followTask();
    this.#state = BigInt(`0x${digits}`) & MASK;
  }

  /** Returns a stream that continues this one, and moves this one 2^32 seeds ahead, so that the two do not overlap. */
  split(): SeedStream {
    this.#followTask();
    const stream = new SeedStream();
    if (this.#state === null) return stream;
    stream.#state = this.#state;
    this.#state = (this.#state + DISTANCE) & MASK;
    return stream;
  }

  /** Runs `work`, which must be synchronous; restores the state if it throws. */
  rollBackOnError<T>(work: () => T): T {
    this.#followTask();
    const before = this.#state;
    try {
      return work();
    } catch (error) {
      this.#state = before;
      throw error;
    }
  }
}

/** The stream for tensors and data functions. The stream of a new model is split from it. */
export const globalSeeds = /* @__PURE__ */ new SeedStream(undefined, true);

/**
 * Fixes random tensors, the random choices of data functions, and the initial weights, dropout and shuffles of models
 * made afterwards. Models that exist already keep their streams. Without it, everything starts from a random seed.
 *
 * @param seed an integer from 0 to 2^53 - 1
 */
export function setRandomSeed(seed: number): void {
  rejectExtraArguments('setRandomSeed', 1, arguments);
  globalSeeds.state = checkSeed('setRandomSeed', seed).toString(16);
}

export function checkSeed(call: string, seed: unknown): number {
  if (!Number.isSafeInteger(seed) || (seed as number) < 0) {
    fail(call, `seed must be an integer from 0 to 2^53 - 1, got ${show(seed)}`);
  }
  return seed as number;
}

/** Draws a seed for a tensor or a data function. */
export const nextSeed = (): number => globalSeeds.next();

/** Seed n, counted from 0, of the stream that starts at a seed. */
export const seedAt = (seed: number, n: number): number => mix(BigInt(seed) + BigInt(n + 1) * STEP);

/** A seed as the dropout kernels take it: 32 bits. */
export const seedBits = (seed: number): number => seed ^ Math.floor(seed / 2 ** 32);
