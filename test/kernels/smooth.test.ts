// The activations other than relu, sigmoid and tanh, and their derivatives, against float64 over all binades.
//
// The bounds were found by trying every 41st number of 2^-26 < |x| < 128 and every 1511th of all, in the strict and the
// relaxed build; these tests use every 4093rd, and the neighbours of special points.

import { describe, expect, test } from 'vitest';
import { numberOf } from '../../src/layers/activations.ts';
import { expectBits, expectClose } from '../compare.ts';
import { type ActivationName, activations } from '../reference/activations.ts';
import { harness } from './harness.ts';

const { kernels, memory, alloc } = harness();

const CHUNK = 1 << 14;
const STEP = 4093;
const [input, output, slopes] = [alloc(CHUNK * 4), alloc(CHUNK * 4), alloc(CHUNK * 4)];

interface Result {
  x: Float32Array;
  y: Float32Array;
  slope: Float32Array;
}

/** The kernel's results for at most CHUNK arguments: views, which the next call overwrites. */
function apply(name: ActivationName, x: Float32Array): Result {
  const view = (address: number) => new Float32Array(memory.buffer, address, x.length);
  view(input).set(x);
  kernels.activateWithSlope(numberOf(name), output, slopes, input, Math.ceil(x.length / 4) * 4);
  return { x, y: view(output), slope: view(slopes) };
}

/** float32 numbers by their bits. */
const run = (first: number, step: number, negative: boolean) =>
  new Float32Array(
    Uint32Array.from({ length: CHUNK }, (_, i) => Math.min(first + i * step, 0x7f7f_ffff) + (negative ? 2 ** 31 : 0))
      .buffer,
  );

const bitsOf = (x: number) => new Uint32Array(Float32Array.of(Math.abs(x)).buffer)[0]!;
/** Where two formulas meet, or a result begins to vanish. */
const points = [0.17328, 0.3466, 1.0397, 2.5, 3, 6, 10.05, 13.19, 14, 16, 17.33, 86.99, 87.69, 88.73];
const runs = [false, true].flatMap(negative => [
  ...Array.from({ length: Math.ceil(0x7f80_0000 / (CHUNK * STEP)) }, (_, n) => run(n * CHUNK * STEP, STEP, negative)),
  ...points.map(x => run(bitsOf(x) - CHUNK / 2, 1, negative)),
]);

const number = new Float64Array(1);
const halves = new Uint32Array(number.buffer); // low word first
/** The distance from 2^e <= |y| < 2^(e+1) to its neighbour in float32: 2^(e-23), by the bits of e. */
function unit(y: number): number {
  number[0] = Math.max(Math.abs(y), 2 ** -126);
  halves[1] = ((halves[1]! >>> 20) - 23) << 20;
  halves[0] = 0;
  return number[0];
}

/**
 * ulp: in units in the last place, where the result is at least `least`; below that, errors are less than `absolute`.
 * slope: the absolute error of the slope, in units of 2^-24.
 */
const bounds: Partial<Record<ActivationName, { ulp: number; least: number; absolute: number; slope: number }>> = {
  hardSigmoid: { ulp: 1, least: 0.25, absolute: 2 ** -25, slope: 0.1 },
  elu: { ulp: 1.1, least: 2 ** -126, absolute: 2 ** -149, slope: 0.9 },
  selu: { ulp: 2, least: 2 ** -125, absolute: 2 ** -147, slope: 2.5 },
  softplus: { ulp: 4, least: 2 ** -125, absolute: 2 ** -125, slope: 1.7 },
  softsign: { ulp: 1.5, least: 2 ** -126, absolute: 0, slope: 3.6 },
  swish: { ulp: 4, least: 2 ** -119, absolute: 2 ** -119, slope: 3.7 },
  gelu: { ulp: 10.5, least: 2 ** -119, absolute: 2 ** -119, slope: 5.6 },
  gelu_new: { ulp: 26, least: 2 ** -20, absolute: 2 ** -39, slope: 3.7 },
  relu6: { ulp: 0.1, least: 2 ** -126, absolute: 0, slope: 0.1 },
  hard_sigmoid_keras3: { ulp: 1, least: 2 ** -2, absolute: 2 ** -24, slope: 0.2 },
  mish: { ulp: 5.5, least: 2 ** -119, absolute: 2 ** -119, slope: 3.3 },
};
const names = Object.keys(bounds) as (keyof typeof bounds)[];

describe.each(names)('%s', name => {
  const bound = bounds[name]!;
  const { of, slope: slopeOf } = activations[name];
  // Computed once for both tests, because some are slow
  let values: Float64Array[] | null = null;
  const expectedIn = (n: number): Float64Array => {
    values ??= runs.map(x => {
      const y = new Float64Array(x.length);
      for (let i = 0; i < y.length; i++) y[i] = of(x[i]!);
      return y;
    });
    return values[n]!;
  };

  test(`has an error within ${bound.ulp} ulp`, () => {
    let worst = { ulp: 0, absolute: 0, x: 0, got: 0 };
    for (const [n, part] of runs.entries()) {
      const { x, y } = apply(name, part);
      const all = expectedIn(n);
      for (let i = 0; i < x.length; i++) {
        const expected = all[i]!;
        if (Math.abs(expected) > 3.4e38) continue;
        const error = Math.abs(y[i]! - expected);
        const large = Math.abs(expected) >= bound.least;
        const ulp = large ? error / unit(expected) : 0;
        const absolute = large ? 0 : error;
        if (ulp <= worst.ulp && absolute <= worst.absolute) continue;
        worst = { ulp: Math.max(ulp, worst.ulp), absolute: Math.max(absolute, worst.absolute), x: x[i]!, got: y[i]! };
      }
    }
    expect(worst.ulp, `${name}(${worst.x}) gave ${worst.got}`).toBeLessThanOrEqual(bound.ulp);
    expect(worst.absolute, `${name}(${worst.x}) gave ${worst.got}`).toBeLessThanOrEqual(bound.absolute);
  });

  test(`has a derivative within ${bound.slope} times 2^-24`, () => {
    let worst = { error: 0, x: 0, got: 0 };
    for (const [n, part] of runs.entries()) {
      const { x, slope } = apply(name, part);
      const all = expectedIn(n);
      for (let i = 0; i < x.length; i++) {
        if (name === 'hardSigmoid' && Math.abs(Math.abs(x[i]!) - 2.5) < 1e-6) continue; // the kink, in float32
        const error = Math.abs(slope[i]! - slopeOf(all[i]!, x[i]!));
        if (!(error <= worst.error)) worst = { error, x: x[i]!, got: slope[i]! };
      }
    }
    expect(worst.error * 2 ** 24, `slope at ${worst.x} gave ${worst.got}`).toBeLessThanOrEqual(bound.slope);
  });

  test('gives the same bits without derivative, and may overwrite its argument', () => {
    const x = Float32Array.from({ length: 64 }, (_, i) => i / 3 - 11);
    const y = apply(name, x).y.slice();
    const h = harness();
    const room = h.room(64, x);
    h.kernels.activateWithSlope(numberOf(name), room.address, h.alloc(256), room.address, 64);
    expectBits(room.floats(), y);
  });

  test('is NaN for NaN and for nothing else', () => {
    const { y } = apply(name, Float32Array.of(Number.NaN, 1, Number.NaN, -1));
    expect([...y].map(Number.isNaN)).toEqual([true, false, true, false]);
  });
});

test('activations have the right limits at both ends', () => {
  const infinity = Number.POSITIVE_INFINITY;
  const [huge, selu] = [Math.fround(3e38), Math.fround(-1.7580993408473768)];
  const at = (name: ActivationName) => apply(name, Float32Array.of(-infinity, -huge, -0, 0, huge, infinity)).y.slice();
  const expected: [ActivationName, number[]][] = [
    ['hardSigmoid', [0, 0, 0.5, 0.5, 1, 1]],
    ['hard_sigmoid_keras3', [0, 0, 0.5, 0.5, 1, 1]],
    ['elu', [-1, -1, 0, 0, huge, infinity]],
    ['selu', [selu, selu, 0, 0, Math.fround(huge * Math.fround(1.0507009873554805)), infinity]],
    ['softplus', [0, 0, Math.fround(Math.LN2), Math.fround(Math.LN2), huge, infinity]],
    ['relu6', [0, 0, -0, 0, 6, 6]],
  ];
  for (const [name, values] of expected) expectBits(at(name), values, name);
  // Products with a factor that vanishes, as in TF.js: nothing times infinity.
  for (const name of ['swish', 'gelu', 'gelu_new', 'mish'] as const) {
    const [least, ...others] = at(name);
    expect(least, name).toBeNaN();
    expectBits(others, [-0, -0, 0, huge, infinity], name);
  }
});

test('derivatives at both ends are not NaN', () => {
  const x = Float32Array.of(Number.NEGATIVE_INFINITY, -3e38, -100, 100, 3e38, Number.POSITIVE_INFINITY);
  for (const name of ['elu', 'softplus', 'gelu', 'gelu_new'] as const) {
    expectClose(apply(name, x).slope, [0, 0, 0, 1, 1, 1], { abs: 2 ** -24, rel: 0, what: name });
  }
});

test('relu, sigmoid and tanh have the right derivatives', () => {
  const x = Float32Array.from({ length: 64 }, (_, i) => i / 4 - 8);
  for (const name of ['linear', 'relu', 'sigmoid', 'tanh'] as const) {
    const { y, slope } = apply(name, x);
    const expected = Array.from(y, value => activations[name].slope(value));
    expectClose(slope, expected, { abs: 2 ** -23, rel: 0, what: name });
  }
});
