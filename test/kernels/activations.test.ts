// exp, sigmoid and tanh against float64, within the bounds of assembly/math/elementary.ts; relu; and the derivatives.
//
// The bounds were found by testing all 2^32 arguments. These tests use 2 million, spread over all binades, and runs of
// neighbours where the multiple of ln 2 in the argument changes and where the result reaches 1 or 0.

import { describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { readFixture } from '../fixtures.ts';
import { harness } from './harness.ts';

const { kernels, memory, alloc } = harness();
const fixture = readFixture('activations');

type Name = 'exp' | 'sigmoid' | 'tanh' | 'relu';

const CHUNK = 1 << 14;
const input = alloc(CHUNK * 4);
const output = alloc(CHUNK * 4);

/** The kernel's results for any number of arguments. */
function apply(name: Name, x: Float32Array): Float32Array {
  const y = new Float32Array(x.length);
  for (let from = 0; from < x.length; from += CHUNK) {
    const part = x.subarray(from, from + CHUNK);
    new Float32Array(memory.buffer, input, part.length).set(part);
    kernels[`${name}Array`](output, input, Math.ceil(part.length / 4) * 4);
    y.set(new Float32Array(memory.buffer, output, part.length), from);
  }
  return y;
}

const floats = (...values: number[]) => Float32Array.from(values);

/** float32 numbers by their bits: a sorted run of those numbered first, first + step, ..., of one sign. */
function run(first: number, count: number, step: number, negative: boolean): Float32Array {
  const sign = negative ? 0x8000_0000 : 0;
  const bits = new Uint32Array(count);
  for (let i = 0; i < count; i++) bits[i] = Math.min(first + i * step, 0x7f80_0000) + sign;
  return new Float32Array(negative ? bits.reverse().buffer : bits.buffer);
}

/** Every 2039th float32 number of a sign: a million, 4000 in each binade; and infinity. */
const STEP = 2039;
const sweeps = [true, false].map(negative => run(0, Math.ceil(0x7f80_0000 / STEP) + 1, STEP, negative));

/** 2^15 neighbours around a number. */
function neighbours(x: number): Float32Array {
  const [bits] = new Uint32Array(floats(Math.abs(x)).buffer);
  return run(Math.max(0, bits! - (1 << 14)), 1 << 15, 1, x < 0);
}

/** Where n of the method changes (at half of that for tanh), and where the exhaustive test found the largest errors. */
const breakpoints = [0.5, 1.5, 2.5, 3.5, 7.5, 22.5, 23.5, 24.5].map(n => n * Math.LN2);
const points = {
  exp: [...breakpoints, 0.03, 0.24, 86.7984, 86.99, 88.72284],
  sigmoid: [...breakpoints, 0.03, 0.234, 1.2368, 16.28905, 16.64, 87.3366, 87.683],
  tanh: [...breakpoints.map(x => x / 2), 2 ** -25, 0.0595, 0.11, 0.51964, 3.9529, 8.491, 9.01],
};

/** Runs of ascending arguments. */
const runs = (name: keyof typeof points) => [...sweeps, ...points[name].flatMap(x => [-x, x]).map(neighbours)];

const exact = {
  exp: Math.exp,
  sigmoid: (x: number) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
};

const number = new Float64Array(1);
const halves = new Uint32Array(number.buffer); // low word first

/** The distance from 2^e <= |y| < 2^(e+1) to its neighbour in float32, that of 2^-126 for all below; by the bits of e. */
function unit(y: number): number {
  number[0] = Math.max(Math.abs(y), 2 ** -126);
  halves[1] = ((halves[1]! >>> 20) - 23) << 20;
  halves[0] = 0;
  return number[0];
}

/** Fails if an error exceeds `bound` units in the last place of the exact result, for results that `counts` selects. */
function expectUlp(name: keyof typeof exact, bound: number, counts: (exact: number, x: number) => boolean) {
  let found = { ulp: 0, x: 0, got: 0 };
  const of = exact[name];
  for (const x of runs(name)) {
    const y = apply(name, x);
    for (let i = 0; i < x.length; i++) {
      const expected = of(x[i]!);
      if (!counts(expected, x[i]!)) continue;
      const ulp = Math.abs(y[i]! - expected) / unit(expected);
      if (!(ulp <= found.ulp)) found = { ulp, x: x[i]!, got: y[i]! };
    }
  }
  expect(found.ulp, `${name}(${found.x}) gave ${found.got}`).toBeLessThan(bound);
}

describe('largest errors', () => {
  test('exp has an error below 2.9 ulp', () => {
    expectUlp('exp', 2.9, (y, x) => x >= -86.98 && y < 2 ** 128 - 2 ** 103);
  });

  test('sigmoid has an error below 3.3 ulp', () => {
    expectUlp('sigmoid', 3.3, y => y >= 2 ** -126);
  });

  test('tanh has an error below 2 ulp', () => {
    expectUlp('tanh', 2, y => Math.abs(y) >= 2 ** -126);
  });

  test.each(['exp', 'sigmoid', 'tanh'] as const)(
    '%s has an absolute error below 2^-125 for results below 2^-125',
    name => {
      expectUlp(name, 2 ** -125 / unit(0), y => Math.abs(y) < 2 ** -125);
    },
  );
});

test('sigmoid and tanh match the fixture within abs 5e-7 + rel 1e-6', () => {
  const x = Float32Array.from(fixture.x);
  expectClose(apply('tanh', x), fixture.tanh, { ...fixture.tolerance, what: 'tanh' });
  expectClose(apply('sigmoid', x), fixture.sigmoid, { ...fixture.tolerance, what: 'sigmoid' });
});

test.each(['exp', 'sigmoid', 'tanh'] as const)('%s is monotone', name => {
  for (const x of runs(name)) {
    const y = apply(name, x);
    const fall = y.findIndex((value, i) => i > 0 && !(value >= y[i - 1]!));
    expect(fall, `falls at ${x[fall]}, from ${y[fall - 1]} to ${y[fall]}`).toBe(-1);
  }
});

test('sigmoid stays in [0, 1], tanh in [-1, 1]', () => {
  for (const [name, least] of [
    ['sigmoid', 0],
    ['tanh', -1],
  ] as const) {
    for (const x of runs(name)) expect(apply(name, x).find(y => !(y >= least && y <= 1))).toBeUndefined();
  }
});

test('tanh is odd, and equals x below 2^-25', () => {
  const positive = [sweeps[1]!, ...points.tanh.map(neighbours)];
  for (const x of positive) {
    expectBits(
      apply(
        'tanh',
        x.map(x => -x),
      ),
      apply('tanh', x).map(y => -y),
    );
  }
  const tiny = sweeps[1]!.filter(x => x < 2 ** -25);
  expectBits(apply('tanh', tiny), tiny);
});

test('results at zero, infinity and the ends of the range are exact', () => {
  const infinity = Number.POSITIVE_INFINITY;
  const ends = (least: number, most: number) => floats(-infinity, -3e38, least, most, 3e38, infinity, -0, 0);
  expectBits(apply('exp', ends(-86.99, 88.73)), floats(0, 0, 0, infinity, infinity, infinity, 1, 1));
  expectBits(apply('sigmoid', ends(-87.69, 16.29)), floats(0, 0, 0, 1, 1, 1, 0.5, 0.5));
  expectBits(apply('tanh', ends(-8.5, 8.5)), floats(-1, -1, -1, 1, 1, 1, -0, 0));
  expectBits(apply('relu', ends(-2, 2)), floats(0, 0, 0, 2, Math.fround(3e38), infinity, -0, 0));
});

describe.each(['sigmoid', 'tanh'] as const)('%sColumn', name => {
  const room = alloc(CHUNK * 4);

  /** The results of a column whose vectors are `step` bytes apart, `count` at a time. */
  function column(x: Float32Array, step: number, count: number): Float32Array {
    const y = new Float32Array(x.length);
    const part = count * 4;
    const wide = step / 4;
    for (let from = 0; from < x.length; from += part) {
      const numbers = new Float32Array(memory.buffer, input, count * wide);
      for (let k = 0; k < part; k++) numbers[(k >> 2) * wide + (k & 3)] = x[from + k] ?? 0;
      if (name === 'sigmoid') kernels.sigmoidColumn(input, step, room, 16, count);
      else kernels.tanhColumn(output, 16, input, step, room, 16, count);
      const [results, between] = name === 'sigmoid' ? [numbers, wide] : [new Float32Array(memory.buffer, output), 4];
      for (let k = 0; k < part && from + k < x.length; k++) y[from + k] = results[(k >> 2) * between + (k & 3)]!;
    }
    return y;
  }

  test.each([1, 3, 4, 5, 50, 256])('has the bits of single vectors, %d at a time', count => {
    const special = new Uint32Array(2 ** 17);
    for (let n = 0; n < special.length; n++) special[n] = n << 15; // NaN, infinity and subnormal numbers among them
    for (const x of [new Float32Array(special.buffer), ...points[name].map(neighbours)]) {
      expectBits(column(x, 64, count), apply(name, x));
    }
  });
});

test.each(['exp', 'sigmoid', 'tanh', 'relu'] as const)('%s is NaN for NaN and for nothing else', name => {
  const bits = Uint32Array.of(0x7fc0_0000, 0x3f80_0000, 0xffc0_0000, 0x7f80_0001, 0xbf80_0000, 0xffff_ffff);
  const nan = apply(name, new Float32Array(bits.buffer)).map(y => Number(Number.isNaN(y)));
  expect([...nan]).toEqual([1, 0, 1, 1, 0, 1]);
});

test.each(['exp', 'sigmoid', 'tanh', 'relu'] as const)('%s works in place', name => {
  const x = Float32Array.from({ length: 24 }, (_, i) => i / 3 - 4);
  const address = alloc(x.byteLength);
  new Float32Array(memory.buffer, address, x.length).set(x);
  kernels[`${name}Array`](address, address, x.length);
  expectBits(new Float32Array(memory.buffer, address, x.length), apply(name, x));
});

describe('derivatives from results', () => {
  const u = 2 ** -24;
  const dy = Float32Array.from({ length: 64 }, (_, i) => Math.cos(i) * 3);
  const slopes = {
    sigmoid: (y: number) => y * (1 - y),
    tanh: (y: number) => 1 - y * y,
    relu: (y: number) => Number(y > 0),
  };

  test.each(['sigmoid', 'tanh', 'relu'] as const)('%sBackward multiplies the gradient by the derivative', name => {
    const x = Float32Array.from({ length: 64 }, (_, i) => (i - 32) / 8);
    const y = apply(name, x);
    const h = harness();
    const [dyAddress, yAddress] = [h.room(64, dy), h.room(64, y)];
    h.kernels[`${name}Backward`](dyAddress.address, yAddress.address, 64);
    // 1 - y^2 is off by u of y^2, then by u of itself; the greatest y^2 / (1 - y^2) here is that of tanh(4), 746.
    const expected = Float64Array.from(dy, (d, i) => d * slopes[name](y[i]!));
    expectClose(dyAddress.floats(), expected, { abs: 0, rel: name === 'tanh' ? 750 * u : 3 * u });
    yAddress.expectUntouched([]);
  });

  test('reluBackward gives 0 for outputs of 0, even if the gradient is NaN', () => {
    const h = harness();
    const gradient = h.put([Number.NaN, Number.POSITIVE_INFINITY, Number.NaN, 5]);
    h.kernels.reluBackward(gradient, h.put([0, -0, 1, Number.NaN]), 4);
    expectBits(h.get(gradient, 4), floats(0, 0, Number.NaN, 0));
  });
});
