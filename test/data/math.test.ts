// The package's float64 functions: close to those of Math, exact where possible, and with the same bits in every engine.

import { describe, expect, it, test } from 'vitest';
import { cos, exp, expm1, ln, power, sigmoid, sin, tanh } from '../../src/util/math.ts';
import { RandomGenerator } from '../../src/util/randomGenerator.ts';
import { Random } from '../reference/random.ts';

const random = new Random(12);

/** The largest of |got - expected| / max(|expected|, floor). */
function worst(got: (x: number) => number, expected: (x: number) => number, xs: readonly number[], floor = 0): number {
  return Math.max(
    ...xs.map(x => {
      const [g, e] = [got(x), expected(x)];
      return g === e ? 0 : Math.abs(g - e) / Math.max(Math.abs(e), floor);
    }),
  );
}

const around = (scale: number) => Array.from({ length: 2000 }, () => random.uniform() * scale);

describe('errors of the math functions are below their bounds', () => {
  test('exp has a relative error below 1e-15', () => {
    expect(worst(exp, Math.exp, [...around(1), ...around(50), ...around(700)])).toBeLessThan(1e-15);
  });
  test('ln has a relative or absolute error below 1e-15', () => {
    const positive = [...around(1), ...around(1e-3), ...around(1e6)].map(x => Math.abs(x) + 1e-12);
    expect(worst(ln, Math.log, positive, 1)).toBeLessThan(1e-15);
    expect(worst(ln, Math.log, [1 - 1e-9, 1 + 1e-9, 1e300, 1e-300, 5e-324, 2 ** -1040])).toBeLessThan(1e-15);
  });
  test('expm1, tanh and sigmoid have a relative error below 1e-15', () => {
    for (const xs of [around(1e-6), around(0.3), around(3), around(30)]) {
      expect(worst(expm1, Math.expm1, xs)).toBeLessThan(1.5e-15);
      expect(worst(tanh, Math.tanh, xs)).toBeLessThan(1e-15);
      expect(worst(sigmoid, x => 1 / (1 + Math.exp(-x)), xs)).toBeLessThan(1e-15);
    }
  });
  test('sin and cos have an error below 1e-15', () => {
    expect(worst(sin, Math.sin, [...around(3), ...around(1e4)], 1)).toBeLessThan(1e-15);
    expect(worst(cos, Math.cos, [...around(3), ...around(1e4)], 1)).toBeLessThan(1e-15);
  });
  test('power has an error below 1e-13', () => {
    for (const y of [0.5, -1.25, 3, -7, 11.5, 70]) {
      expect(
        worst(
          x => power(Math.abs(x), y),
          x => Math.abs(x) ** y,
          around(5),
        ),
      ).toBeLessThan(1e-13);
    }
  });
});

describe('special values', () => {
  it.each([
    [exp, [Number.NaN, Infinity, -Infinity, 0, -0, 710, -746, 709.7], Math.exp],
    [ln, [Number.NaN, Infinity, 0, -0, 1, -1, -Infinity, 2], Math.log],
    [tanh, [Number.NaN, Infinity, -Infinity, 0, -0, 400, -400], Math.tanh],
    [expm1, [Number.NaN, Infinity, -Infinity, 0], Math.expm1],
    [sigmoid, [Number.NaN, Infinity, -Infinity, 0], (x: number) => 1 / (1 + Math.exp(-x))],
  ])('%o', (f, xs, reference) => {
    for (const x of xs) {
      const [got, expected] = [f(x), reference(x)];
      if (Number.isFinite(expected) && expected !== 0) expect(Math.abs(got / expected - 1)).toBeLessThan(1e-15);
      else expect(got).toBe(expected);
    }
  });

  it('power handles zeros, ones, infinities and NaN', () => {
    const pairs = [2, -2, 0, -0, 1, -1, 0.5, Infinity, -Infinity, Number.NaN];
    for (const x of pairs) {
      for (const y of [0, 1, 2, 3, -1, -2, 0.5, 100, 101, 102.5, Infinity, -Infinity, Number.NaN]) {
        if (Math.abs(x) === 1 && !Number.isFinite(y)) continue; // 1 as in C, but NaN in JavaScript
        if (x === 0 || !Number.isFinite(x)) continue; // the sign of a zero or an infinity
        const [got, expected] = [power(x, y), x ** y];
        if (Number.isFinite(expected) && expected !== 0) expect(Math.abs(got / expected - 1)).toBeLessThan(1e-13);
        else expect([x, y, got]).toEqual([x, y, expected]);
      }
    }
    expect(power(10, 5)).toBe(100000);
    expect(power(0, 0.5)).toBe(0);
    expect(power(0, -0.5)).toBe(Infinity);
    expect(power(0, 0)).toBe(1);
  });
});

it('the math functions give these bits in every version', () => {
  const bits = [
    exp(0.7),
    exp(-3.3),
    exp(0.3465),
    exp(-0.3465),
    ln(0.3),
    ln(17.5),
    sin(2.5),
    cos(2.5),
    tanh(0.4),
    sigmoid(-1.5),
    power(1.3, 2.7),
  ];
  expect(bits).toMatchInlineSnapshot(`
    [
      2.0137527074704766,
      0.03688316740124001,
      1.4141094938303624,
      0.7071588192872713,
      -1.2039728043259361,
      2.8622008809294686,
      0.5984721441039564,
      -0.8011436155469337,
      0.3799489622552249,
      0.18242552380635632,
      2.03070599638509,
    ]
  `);
  const generator = new RandomGenerator(2 ** 40 + 5);
  expect([generator.bits(), generator.uniform(), generator.below(100), generator.normal()]).toMatchInlineSnapshot(`
    [
      2118367875,
      0.4670650265143459,
      12,
      0.31580484167206807,
    ]
  `);
});

it('a generator is uniform, and seeds that differ in one bit give different streams', () => {
  const bins = new Float64Array(16);
  const generator = new RandomGenerator(0);
  for (let n = 0; n < 64_000; n++) bins[generator.below(16)]!++;
  for (const count of bins) expect(Math.abs(count - 4000)).toBeLessThan(300);
  const firsts = [0, 1, 2, 4, 2 ** 31, 2 ** 32, 2 ** 52, 2 ** 53 - 1].map(seed => new RandomGenerator(seed).bits());
  expect(new Set(firsts).size).toBe(firsts.length);
});
