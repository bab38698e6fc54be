// The generators against SplitMix64 in BigInt, and their properties: moments, ranges, orthonormal vectors, and the same
// bits in every build.

import { describe, expect, test } from 'vitest';
import { RandomGenerator as Random } from '../../src/util/randomGenerator.ts';
import { expectBits, expectClose } from '../compare.ts';
import { type Harness, harness } from './harness.ts';

const MASK = (1n << 64n) - 1n;
const seeds = [0, 1, 2, 12345, 2 ** 32, 2 ** 53 - 1];

/** SplitMix64 (Steele, Lea and Flood 2014). */
class SplitMix64 {
  #counter: bigint;

  constructor(counter: bigint) {
    this.#counter = counter;
  }

  /** Starts as the kernels do: the counter is the first output for the seed. */
  static of(seed: number): SplitMix64 {
    return new SplitMix64(new SplitMix64(BigInt(seed)).next());
  }

  next(): bigint {
    this.#counter = (this.#counter + 0x9e3779b97f4a7c15n) & MASK;
    let z = this.#counter;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
    return z ^ (z >> 31n);
  }

  /** In [0, 1), from the upper 53 bits. */
  uniform(): number {
    return Number(this.next() >> 11n) / 2 ** 53;
  }

  #spare: number | null = null;

  /** Marsaglia's polar method, both numbers of each pair. */
  normal(): number {
    const spare = this.#spare;
    this.#spare = null;
    if (spare !== null) return spare;
    for (;;) {
      const [u, v] = [2 * this.uniform() - 1, 2 * this.uniform() - 1];
      const s = u * u + v * v;
      if (s === 0 || s >= 1) continue;
      const scale = Math.sqrt((-2 * Math.log(s)) / s);
      this.#spare = v * scale;
      return u * scale;
    }
  }

  truncated(): number {
    for (;;) {
      const z = this.normal();
      if (Math.abs(z) <= 2) return z;
    }
  }
}

type Generator = 'randomUniform' | 'randomNormal' | 'truncatedNormal';
const generators: Generator[] = ['randomUniform', 'randomNormal', 'truncatedNormal'];

/** n numbers; a and b are low and high, or mean and deviation. */
function draw(h: Harness, generator: Generator, n: number, seed: number, a: number, b: number): Float32Array {
  const x = h.room(n);
  h.kernels[generator](x.address, n, seed, a, b);
  x.expectUntouched(x.floats().keys(), generator);
  return x.floats().slice();
}

function moments(values: Float32Array): { mean: number; deviation: number; skew: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const central = (power: number) => values.reduce((sum, value) => sum + (value - mean) ** power, 0) / values.length;
  const deviation = Math.sqrt(central(2));
  return { mean, deviation, skew: central(3) / deviation ** 3 };
}

test('the reference of SplitMix64 gives the published numbers', () => {
  const random = new SplitMix64(1234567n);
  expect(Array.from({ length: 5 }, () => random.next())).toEqual([
    6457827717110365317n,
    3203168211198807973n,
    9817491932198370423n,
    4593380528125082431n,
    16408922859458223821n,
  ]);
});

describe('random numbers', () => {
  test.each(seeds)('random numbers of seed %d match SplitMix64', seed => {
    const h = harness();
    const n = 500;
    const list = (next: (random: SplitMix64) => number) => {
      const random = SplitMix64.of(seed);
      return Float32Array.from({ length: n }, () => next(random));
    };
    const uniform = list(random => -0.25 + 0.75 * random.uniform());
    expectBits(draw(h, 'randomUniform', n, seed, -0.25, 0.5), uniform, 'uniform');
    // The logarithm of the kernels and that of the host may differ in the last bit of a float64.
    const close = { abs: 2 ** -24, rel: 2 ** -24 };
    const normal = list(random => 1 + 2 * random.normal());
    expectClose(draw(h, 'randomNormal', n, seed, 1, 2), normal, { ...close, what: 'normal' });
    const truncated = list(random => 1 + 2 * random.truncated());
    expectClose(draw(h, 'truncatedNormal', n, seed, 1, 2), truncated, { ...close, what: 'truncated' });
  });

  // Programs rely on these bits: a seed gives the same weights in every version.
  test.each<[Generator, number[]]>([
    ['randomUniform', [0x3ebc8356, 0x3f718d6d, 0x3d395f67, 0x3f47061b, 0x3e605fb7]],
    ['randomNormal', [0xbe225b74, 0x3f0896fc, 0xbf3407ef, 0x3f2fdfc0, 0x3f2c951e]],
    ['truncatedNormal', [0xbe225b74, 0x3f0896fc, 0xbf3407ef, 0x3f2fdfc0, 0x3f2c951e]],
  ])('%s with seed 1 gives the expected bits', (generator, bits) => {
    const drawn = draw(harness(), generator, 5, 1, 0, 1);
    expectBits(drawn, new Float32Array(Uint32Array.from(bits).buffer));
  });

  test.each(generators)('%s depends only on the seed', generator => {
    const h = harness();
    const first = draw(h, generator, 100, 7, 0, 1);
    draw(h, generator, 33, 8, 0, 1);
    expectBits(draw(h, generator, 100, 7, 0, 1), first, 'again');
    expectBits(draw(h, generator, 50, 7, 0, 1), first.subarray(0, 50), 'fewer');
    for (const other of [6, 8]) {
      const same = draw(h, generator, 100, other, 0, 1).filter((value, n) => value === first[n]);
      expect(same.length, `seed ${other}`).toBe(0);
    }
  });
});

// The mean of n numbers has 1 / sqrt(n) of their deviation; the bounds are five times that.
describe('distributions', () => {
  const n = 100_000;
  const within = { abs: 5 / Math.sqrt(n), rel: 0 };

  test.each(seeds)('random numbers have the expected moments and ranges for seed %d', seed => {
    const h = harness();
    const uniform = draw(h, 'randomUniform', n, seed, 2, 4);
    expect(uniform.every(value => value >= 2 && value <= 4)).toBe(true); // 4 - 2^-52 rounds to 4
    const of = moments(uniform);
    expectClose([of.mean, of.deviation, of.skew], [3, Math.sqrt(1 / 3), 0], { ...within, what: 'uniform' });

    const normal = moments(draw(h, 'randomNormal', n, seed, -1, 1));
    expectClose([normal.mean, normal.deviation], [-1, 1], { ...within, what: 'normal' });
    expectClose([normal.skew], [0], { abs: Math.sqrt(6) * within.abs, rel: 0, what: 'skew of normal' });

    const truncated = draw(h, 'truncatedNormal', n, seed, -1, 0.5);
    expect(truncated.every(value => Math.abs(value + 1) <= 1)).toBe(true);
    const { mean, deviation, skew } = moments(truncated);
    const expected = [-1, 0.5 * 0.87962566103423978, 0];
    expectClose([mean, deviation, skew], expected, { ...within, what: 'truncated' });
  });

  test('uniform samples are uniformly distributed', () => {
    const counts = new Float64Array(10);
    for (const value of draw(harness(), 'randomUniform', n, 3, 0, 1)) counts[Math.min(9, Math.floor(value * 10))]!++;
    expectClose(counts, new Float64Array(10).fill(n / 10), { abs: 5 * Math.sqrt(n * 0.09), rel: 0 });
  });

  test('normal samples have the right tail mass', () => {
    const values = draw(harness(), 'randomNormal', n, 3, 0, 1);
    for (const [reach, part] of [
      [1, 0.317311],
      [2, 0.0455],
      [3, 0.0027],
    ] as const) {
      const beyond = values.filter(value => Math.abs(value) > reach).length;
      expectClose([beyond], [n * part], { abs: 5 * Math.sqrt(n * part), rel: 0, what: `beyond ${reach}` });
    }
  });
});

describe('orthonormalize', () => {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, k) => sum + value * y[k]!, 0);

  function orthonormal(count: number, n: number, seed: number) {
    const h = harness();
    const before = draw(h, 'randomNormal', count * n, seed, 0, 1);
    const x = h.room(count * n, before);
    expect(h.kernels.orthonormalize(x.address, count, n)).toBe(1);
    x.expectUntouched(x.floats().keys());
    const rows = (values: Float32Array) => Array.from({ length: count }, (_, i) => values.subarray(i * n, (i + 1) * n));
    return { before: rows(before), after: rows(x.floats().slice()) };
  }

  test.each([
    [1, 1],
    [1, 5],
    [2, 2],
    [3, 7],
    [20, 80],
    [64, 64],
    [33, 132],
    [130, 130],
  ])('orthonormalize makes %i vectors of length %i orthonormal', (count, n) => {
    for (const seed of [1, 2, 3]) {
      const { before, after } = orthonormal(count, n, seed);
      const gram = after.flatMap(x => after.map(y => dot(x, y)));
      const identity = gram.map((_, k) => Number(k % (count + 1) === 0));
      expectClose(gram, identity, { abs: 1e-5, rel: 0, what: 'products of the vectors' });
      // Each vector is a combination of the inputs up to it, and keeps its sign.
      for (const [i, x] of before.entries()) {
        const length = Math.sqrt(dot(x, x));
        const later = after.slice(i + 1).map(y => dot(x, y) / length);
        expectClose(
          later,
          later.map(() => 0),
          { abs: 2e-5, rel: 0, what: `vector ${i} along later ones` },
        );
        expect(dot(x, after[i]!), `vector ${i} along itself`).toBeGreaterThan(0);
      }
    }
  });

  // The first projection leaves a thousandth of the second vector, with a thousand times the relative error.
  test('orthonormalize handles vectors that are nearly parallel', () => {
    const h = harness();
    const x = h.put([1, 2, 3, 4, 1.001, 2, 3.003, 4.001]);
    expect(h.kernels.orthonormalize(x, 2, 4)).toBe(1);
    const [first, second] = [h.get(x, 4), h.get(x + 16, 4)];
    expectClose([dot(first, second), dot(first, first), dot(second, second)], [0, 1, 1], { abs: 5e-7, rel: 0 });
  });

  test('orthonormalize returns false for linearly dependent vectors', () => {
    const h = harness();
    expect(h.kernels.orthonormalize(h.put(new Float32Array(6)), 2, 3)).toBe(0);
    expect(h.kernels.orthonormalize(h.put([1, 2, 2, 1, 2, 2]), 2, 3)).toBe(0);
  });
});

describe('mixedRows', () => {
  const rounds = 4;
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, k) => sum + value * y[k]!, 0);

  function mixed(h: Harness, count: number, n: number, seed: number): Float32Array[] {
    const random = new Random(seed);
    const orders = Array.from({ length: rounds }, () => {
      const order = Int32Array.from({ length: n }, (_, i) => 4 * i + (random.bits() >>> 31));
      random.shuffle(order);
      return [...order];
    });
    const [x, room] = [h.room(count * n), h.room(n)];
    const bits = new Float32Array(Int32Array.from(orders.flat()).buffer);
    h.kernels.mixedRows(x.address, count, n, h.put(bits), rounds, room.address);
    x.expectUntouched(x.floats().keys());
    room.expectUntouched(room.floats().keys());
    return Array.from({ length: count }, (_, i) => x.floats().slice(i * n, (i + 1) * n));
  }

  test.each([
    [1, 4],
    [4, 4],
    [5, 5],
    [3, 7],
    [8, 8],
    [20, 31],
    [64, 64],
    [33, 132],
    [127, 127],
  ])('mixedRows makes %i rows of length %i orthonormal, depending only on the orders', (count, n) => {
    const rows = mixed(harness(), count, n, 1);
    const gram = rows.flatMap(x => rows.map(y => dot(x, y)));
    const identity = gram.map((_, k) => Number(k % (count + 1) === 0));
    expectClose(gram, identity, { abs: 2e-6, rel: 0, what: 'products of the rows' });
    for (const [i, row] of mixed(harness('strict'), count, n, 1).entries()) expectBits(row, rows[i]!);
  });

  // Compares moments with those of normal numbers divided by sqrt(n). 768 is 1.5 times a power of two, where the parts
  // outside both Hadamard blocks are longest.
  test.each([256, 511, 768, 1000])('mixedRows of length %i have nearly normal entries', n => {
    const values = Float32Array.from(mixed(harness(), 200, n, 2).flatMap(row => [...row])).map(v => v * Math.sqrt(n));
    const { mean, deviation, skew } = moments(values);
    const fourth = values.reduce((sum, value) => sum + value ** 4, 0) / values.length;
    expectClose([mean, deviation, skew], [0, 1, 0], { abs: 0.03, rel: 0, what: 'moments' });
    expectClose([fourth], [3], { abs: 0.3, rel: 0, what: 'fourth moment' });
  });
});

test('random numbers have the same bits in every build', () => {
  const run = (h: Harness) => {
    const drawn = generators.flatMap(generator => [...draw(h, generator, 10_000, 5, -1, 0.7)]);
    const vectors = h.put(draw(h, 'randomNormal', 50 * 67, 6, 0, 1));
    h.kernels.orthonormalize(vectors, 50, 67);
    return [...drawn, ...h.get(vectors, 50 * 67)];
  };
  expectBits(run(harness()), run(harness('strict')));
});
