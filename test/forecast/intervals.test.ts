// Scores of intervals, quantiles and samples, conformal intervals, and scales of windows: against NumPy, by definition.

import { conformal, coverage, crps, mae, msis, pinball } from 'lstm-wasm/forecast';
import { describe, expect, it } from 'vitest';
import { windowScale } from '../../src/forecast/scaling.ts';
import { expectClose } from '../compare.ts';
import { Random } from '../reference/random.ts';

const _ = Number.NaN;
const actual = [3, -1, 4, 8];
const lower = [2, 0, 1, 9];
const upper = [5, 2, 3.5, 12];
const history = [1, 4, 2, 7, 3, 9, 5];
/** 5 paths of 4 steps. */
const samples = [
  [3.04, 4.46, 2.99, -1.91],
  [4.72, 3.34, 0.39, 3.74],
  [3.09, 2.88, 2.09, 3.64],
  [-0.21, 1.51, 0.55, 3.8],
  [2.12, 1.12, -0.35, 1.23],
];
const middle = lower.map((value, n) => (value + upper[n]!) / 2);

describe('scores', () => {
  it('msis and coverage have the definitions of M4', () => {
    expect(msis(actual, [lower, upper], 0.9, history, 2)).toBeCloseTo(8.40277777777778, 12);
    expect(coverage(actual, [lower, upper])).toBe(0.25);
    expect(
      coverage(
        [2, 5],
        [
          [2, 2],
          [5, 5],
        ],
      ),
    ).toBe(1); // both ends are inside
  });
  it('pinball is the loss of a quantile', () => {
    expect(pinball(actual, lower, 0.1)).toBeCloseTo(0.55, 12);
    expect(pinball(actual, middle, 0.5)).toBeCloseTo(0.84375, 12);
    expect(pinball(actual, upper, 0.9)).toBeCloseTo(0.3375, 12);
  });
  it('crps of quantiles is twice the mean of their pinball losses', () => {
    expect(crps(actual, { quantiles: { '0.1': lower, '0.5': middle, '0.9': upper } })).toBeCloseTo(
      1.1541666666666666,
      12,
    );
    const forecast = { id: 'a', mean: middle, quantiles: { '0.5': middle }, samples: [] };
    expect(crps(actual, forecast)).toBeCloseTo(mae(actual, middle), 12);
  });
  it('crps of samples is the energy form over all pairs', () => {
    expect(crps(actual, { samples, quantiles: null })).toBeCloseTo(2.571, 12);
    expect(crps(actual, { samples: [middle] })).toBeCloseTo(mae(actual, middle), 12);
  });
  it('skip missing actual values', () => {
    expect(
      coverage(
        [3, _],
        [
          [2, _],
          [5, _],
        ],
      ),
    ).toBe(1);
    expect(
      msis(
        [3, _, 4],
        [
          [2, 0, 4],
          [3, 0, 4],
        ],
        0.5,
        [0, 1, _, 2, 3],
      ),
    ).toBe(0.5);
    expect(pinball([_, 2], [9, 2], 0.3)).toBe(0);
    expect(
      crps([_, 2], {
        samples: [
          [5, 2],
          [_, 2],
        ],
      }),
    ).toBe(0);
    expect(coverage([_], [[1], [2]])).toBeNaN();
  });
});

describe('conformal', () => {
  const residuals = [
    0.008, -0.276, 1.294, 1.007, -2.711, -1.889, -0.175, -0.422, 0.214, 0.217, 2.118, -1.112, -0.378, 2.043, 0.647,
    0.663, -0.514, -1.648, 0.167,
  ];
  it('is the residual of rank ceil((n + 1) level)', () => {
    expect(conformal(residuals, 0.9)).toBe(2.118);
    expect(conformal(residuals, 0.95)).toBe(2.711);
    expect(conformal(residuals, 0.05)).toBe(0.008);
    expect(conformal(new Float32Array([1, -2, 3]), 0.75)).toBe(3);
  });
  it('skips missing residuals', () => {
    expect(conformal([_, ...residuals, _], 0.9)).toBe(2.118);
  });
  it('gives a width for each step from rows of residuals', () => {
    const rows = residuals.map(residual => new Float64Array([residual, 2 * residual, _]).subarray(0, 2));
    expectClose(conformal(rows, 0.9), [2.118, 4.236], { abs: 0, rel: 0 });
    expectClose(
      conformal(
        [
          [1, -5],
          [-3, 2],
          [_, 4],
          [2, _],
        ],
        0.75,
      ),
      [3, 5],
      { abs: 0, rel: 0 },
    );
  });
  it('keeps signs of scores if asked to', () => {
    expect(conformal([-3, -2, -1], 0.5, { signed: true })).toBe(-2);
    expect(conformal([-3, -2, -1], 0.5)).toBe(2);
  });
  it('covers at least the level of exchangeable values, and hardly more', () => {
    const generator = new Random(1);
    const random = () => generator.uniform() + 1;
    const level = 0.8;
    let inside = 0;
    const repetitions = 4000;
    for (let n = 0; n < repetitions; n++) {
      const width = conformal(Array.from({ length: 9 }, random), level);
      if (random() <= width) inside++;
    }
    // The probability is 8 / 10: 4 standard deviations of the share are 0.025.
    expect(Math.abs(inside / repetitions - 0.8)).toBeLessThan(0.025);
  });
});

describe('scales of windows', () => {
  const window = [3, 1, 4, 1, 5, 9, 2, 6, 5.5, _, -7];
  it.each([
    ['mean', 0, 4.35],
    ['standard', 2.95, 4.064787817340531],
    ['robust', 3.5, 4.125],
    ['minmax', -7, 16],
    ['none', 0, 1],
  ] as const)('%s ignores missing values', (kind, shift, scale) => {
    const found = windowScale(kind, window);
    expect(found.shift).toBeCloseTo(shift, 12);
    expect(found.scale).toBeCloseTo(scale, 12);
    expect(windowScale(kind, [100, ...window, 100], 1, 1 + window.length)).toEqual(found);
  });
  it.each([
    ['mean', 0, 3],
    ['standard', -3, 3],
    ['robust', -3, 3],
    ['minmax', -3, 3],
    ['none', 0, 1],
  ] as const)('%s scales a constant window by its level', (kind, shift, scale) => {
    expect(windowScale(kind, [-3, _, -3, -3])).toEqual({ shift, scale });
    expect(windowScale(kind, [0, 0])).toEqual({ shift: 0, scale: 1 });
    expect(windowScale(kind, [_, _])).toEqual({ shift: 0, scale: 1 });
    expect(windowScale(kind, [])).toEqual({ shift: 0, scale: 1 });
  });
  it('robust takes the deviation of a window of which half is one value', () => {
    const { shift, scale } = windowScale('robust', [0, 0, 0, 0, 0, 0, 0, 8]);
    expect(shift).toBe(0);
    expect(scale).toBeCloseTo(Math.sqrt(7), 12);
  });
});
