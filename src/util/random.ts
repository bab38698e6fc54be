/** The only source of randomness: a stream of seeds, one for everything that needs random numbers. */

import { noMore } from './arguments.ts';
import { fail, show } from './errors.ts';

const MASK = (1n << 64n) - 1n;
/** Null before anything was drawn or fixed: Cloudflare Workers draw no random numbers while modules are loaded. */
let state: bigint | null = null;

function freshSeed(): bigint {
  const words = crypto.getRandomValues(new Uint32Array(2));
  return (BigInt(words[0]!) << 32n) | BigInt(words[1]!);
}

/**
 * Fixes everything random that follows: initial weights, shuffles, dropout, and tensors drawn at random. Without
 * it, a fresh seed is drawn when the first is needed.
 *
 * @param seed a whole number from 0 to 2^53 - 1
 */
export function setRandomSeed(seed: number): void {
  noMore('setRandomSeed', 1, arguments);
  state = BigInt(checkSeed('setRandomSeed', seed));
}

export function checkSeed(call: string, seed: unknown): number {
  if (!Number.isSafeInteger(seed) || (seed as number) < 0) {
    fail(call, `seed must be a whole number from 0 to 2^53 - 1, got ${show(seed)}`);
  }
  return seed as number;
}

/** From one seed of the stream to the next (SplitMix64, as in the kernels). */
const STEP = 0x9e3779b97f4a7c15n;

function mixed(word: bigint): number {
  let z = word & MASK;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return Number((z ^ (z >> 31n)) >> 11n);
}

/** The next seed of the stream, a whole number below 2^53. */
export function nextSeed(): number {
  state = ((state ?? freshSeed()) + STEP) & MASK;
  return mixed(state);
}

/** The seed at place n, from 0 on, of the stream that `setRandomSeed(seed)` would start. */
export const seedAt = (seed: number, n: number): number => mixed(BigInt(seed) + BigInt(n + 1) * STEP);

/** Where the stream stands: 16 hexadecimal digits. */
export function randomState(): string {
  state ??= freshSeed();
  return state.toString(16).padStart(16, '0');
}

/** Puts the stream where `randomState` found it. */
export function setRandomState(digits: string): void {
  state = BigInt(`0x${digits}`) & MASK;
}

/** Work that draws seeds, for itself alone; where it fails, none have been drawn. */
export function rollBackSeedsOnError<T>(work: () => T): T {
  const before = state;
  try {
    return work();
  } catch (error) {
    state = before;
    throw error;
  }
}

/** A seed as the kernels take it for dropout, 32 bits. */
export const seedBits = (seed: number): number => seed ^ Math.floor(seed / 2 ** 32);
