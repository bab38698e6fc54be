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

/** Whole numbers from a seed, for choices on the JavaScript side (xoshiro128**). Integers only: the same everywhere. */
export class Dice {
  readonly #state: Uint32Array;

  /** @param seed as `nextSeed` gives it */
  constructor(seed: number) {
    // The words of a seed are mixed, so that neighbouring seeds have nothing in common.
    let word = (seed % 2 ** 32) ^ Math.floor(seed / 2 ** 32);
    this.#state = Uint32Array.from({ length: 4 }, () => {
      word = (word + 0x9e3779b9) | 0;
      let z = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return z ^ (z >>> 16);
    });
  }

  #next(): number {
    const s = this.#state;
    const turned = Math.imul(s[1]!, 5);
    const result = Math.imul((turned << 7) | (turned >>> 25), 9) >>> 0;
    const shifted = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= shifted;
    s[3] = (s[3]! << 11) | (s[3]! >>> 21);
    return result;
  }

  /** A whole number from 0 to n - 1, each as likely as the others; n at most 2^32. */
  below(n: number): number {
    const whole = 2 ** 32 - (2 ** 32 % n);
    let value = this.#next();
    while (value >= whole) value = this.#next();
    return value % n;
  }

  /** Puts the elements of a list in another order, all orders being as likely (Fisher and Yates). */
  shuffle(list: { [place: number]: number; readonly length: number }): void {
    for (let n = list.length - 1; n > 0; n--) {
      const other = this.below(n + 1);
      const value = list[n]!;
      list[n] = list[other]!;
      list[other] = value;
    }
  }
}
