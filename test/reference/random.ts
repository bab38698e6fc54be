import { type Block, sizeOf } from './block.ts';

function mixed(state: number): number {
  let z = Math.imul(state ^ (state >>> 15), state | 1);
  z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
  return z ^ (z >>> 14);
}

/**
 * Seeded numbers for tests. Each is exactly a float32, so that a float32 kernel and the float64 reference start from
 * the same bits, and each is computed with additions and multiplications only, so that every engine draws the same.
 */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 32 random bits (mulberry32). */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    return mixed(this.#state) >>> 0;
  }

  /** Uniform in [-1, 1), a multiple of 2^-23. */
  uniform(): number {
    return (this.bits() >>> 8) / 2 ** 23 - 1;
  }

  /** Approximately normal: half the sum of 12 uniform numbers. Mean 0, deviation 1, within [-6, 6). */
  normal(): number {
    // As `uniform` twelve times, and as exact: integers below 2^28 until the end
    let state = this.#state;
    let sum = 0;
    for (let n = 0; n < 12; n++) {
      state = (state + 0x6d2b79f5) | 0;
      sum += mixed(state) >>> 8;
    }
    this.#state = state >>> 0;
    return Math.fround((sum / 2 ** 23 - 12) / 2);
  }

  /** A block of uniform numbers in [-scale, scale]. */
  uniforms(shape: readonly number[], scale = 1): Block {
    const data = new Float64Array(sizeOf(shape));
    for (let n = 0; n < data.length; n++) data[n] = Math.fround(scale * this.uniform());
    return { shape: [...shape], data };
  }

  /** A block of normal numbers of deviation `scale`. */
  normals(shape: readonly number[], scale = 1): Block {
    const data = new Float64Array(sizeOf(shape));
    for (let n = 0; n < data.length; n++) data[n] = Math.fround(scale * this.normal());
    return { shape: [...shape], data };
  }
}
