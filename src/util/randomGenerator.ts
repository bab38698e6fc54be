/**
 * Random numbers in JavaScript, for shuffles and samples. The seed determines them, bit for bit in every engine. The
 * kernels have their own generator, for initial weights and dropout.
 */

import { ln } from './math.ts';

/** A pseudorandom number generator: sfc32 by Chris Doty-Humphrey, with 128 bits of state. */
export class RandomGenerator {
  #a: number;
  #b: number;
  #c = 0x9e3779b9;
  #counter = 1;
  #spare: number | null = null;

  /** @param seed an integer from 0 to 2^53 - 1, such as one from `nextSeed` of random.ts */
  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 2 ** 32);
    for (let i = 0; i < 15; i++) this.bits(); // mixes the state, so that similar seeds give unrelated numbers
  }

  /** A random integer from 0 to 2^32 - 1. */
  bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A uniform random number in [0, 1), a multiple of 2^-53. */
  uniform(): number {
    return ((this.bits() >>> 5) * 2 ** 26 + (this.bits() >>> 6)) / 2 ** 53;
  }

  /** A random integer from 0 to n - 1; n is at most 2^32. */
  below(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** A standard normal random number, by Marsaglia's polar method, which computes two at a time. */
  normal(): number {
    if (this.#spare !== null) {
      const spare = this.#spare;
      this.#spare = null;
      return spare;
    }
    let u: number;
    let v: number;
    let s: number;
    do {
      u = 2 * this.uniform() - 1;
      v = 2 * this.uniform() - 1;
      s = u * u + v * v;
    } while (s >= 1 || s === 0);
    const scale = Math.sqrt((-2 * ln(s)) / s);
    this.#spare = v * scale;
    return u * scale;
  }

  /** Shuffles lists of the same length in place, all in the same order (Fisher-Yates). */
  shuffle(...lists: { [index: number]: unknown; readonly length: number }[]): void {
    for (let last = lists[0]!.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      for (const list of lists) [list[last], list[other]] = [list[other], list[last]];
    }
  }
}
