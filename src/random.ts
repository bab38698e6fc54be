/** The only source of randomness: a stream of seeds, one for everything that needs random numbers. */

import { fail, show } from './errors.ts';

const MASK = (1n << 64n) - 1n;
let state = freshSeed();

function freshSeed(): bigint {
  const words = crypto.getRandomValues(new Uint32Array(2));
  return (BigInt(words[0]!) << 32n) | BigInt(words[1]!);
}

/**
 * Fixes everything random that follows: initial weights, and later shuffles and dropout. Without it, a fresh seed is
 * drawn when the package is loaded.
 *
 * @param seed a whole number from 0 to 2^53 - 1
 */
export function setRandomSeed(seed: number): void {
  state = BigInt(checkSeed('setRandomSeed', seed));
}

export function checkSeed(call: string, seed: unknown): number {
  if (!Number.isSafeInteger(seed) || (seed as number) < 0) {
    fail(call, `seed must be a whole number from 0 to 2^53 - 1, got ${show(seed)}`);
  }
  return seed as number;
}

/** The next seed of the stream, a whole number below 2^53 (SplitMix64, as in the kernels). */
export function nextSeed(): number {
  state = (state + 0x9e3779b97f4a7c15n) & MASK;
  let z = state;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return Number((z ^ (z >> 31n)) >> 11n);
}

/** A seed as the kernels take it for dropout, 32 bits. */
export const seedBits = (seed: number): number => seed ^ Math.floor(seed / 2 ** 32);
