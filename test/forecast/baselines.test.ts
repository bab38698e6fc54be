// Baselines and point metrics: small cases by hand, and the definitions of the M4 competition computed independently.

import { drift, mae, mape, mase, mean, naive, naive2, rmse, seasonalNaive, smape, wape } from 'lstm-wasm/forecast';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../compare.ts';

const _ = Number.NaN;
const exact = { abs: 0, rel: 0 };
const rounded = { abs: 1e-12, rel: 1e-12 };

// x = 50 + t + 12 sin(2 pi t / 7) + (37 t mod 11) for t = 0 to 44, rounded to 2 digits, and its naive2, which NumPy computed
// with the formulas of R's acf and decompose
const seasonal = [
  50.0, 64.38, 71.7, 59.21, 53.79, 52.3, 48.62, 63.0, 77.38, 73.7, 72.21, 55.79, 54.3, 61.62, 65.0, 79.38, 86.7, 74.21,
  68.79, 67.3, 63.62, 78.0, 81.38, 88.7, 87.21, 70.79, 69.3, 76.62, 80.0, 94.38, 101.7, 89.21, 83.79, 71.3, 78.62, 93.0,
  96.38, 103.7, 102.21, 85.79, 84.3, 91.62, 95.0, 109.38, 105.7,
];
const odd = [
  96.66075722107743, 82.30281220662881, 77.47789193581914, 80.3669440286353, 90.02180692976427, 101.34707773712763,
  105.69999999999999, 96.66075722107743, 82.30281220662881,
];
const even = [
  106.26367561864488, 106.92653204747053, 106.63503715476315, 105.16755385034025, 104.93646390651449, 105.7,
  106.26367561864488, 106.92653204747053, 106.63503715476315,
];

describe('baselines', () => {
  it('naive repeats the last known value', () => {
    expectClose(naive([1, 2, 5], 3), [5, 5, 5], exact);
    expectClose(naive([1, 2, 5, _, _], 2), [5, 5], exact);
    expectClose(naive(new Float32Array([3]), 1), [3], exact);
  });
  it('seasonalNaive repeats the last season', () => {
    expectClose(seasonalNaive([9, 1, 2, 3], 7, 3), [1, 2, 3, 1, 2, 3, 1], exact);
    expectClose(seasonalNaive([1, 2, 5], 2), [5, 5], exact);
  });
  it('seasonalNaive takes a missing value from the season before, or else the last known value', () => {
    expectClose(seasonalNaive([1, 2, 3, 4, _, 6], 3, 3), [4, 2, 6], exact);
    expectClose(seasonalNaive([1, _, 3, 4, _, 6, _], 4, 3), [6, 6, 4, 6], exact);
  });
  it('drift continues the line through the first and the last known value', () => {
    expectClose(drift([1, 7, 2, 4], 2), [5, 6], rounded);
    expectClose(drift([_, 1, 2, 3, _], 2), [5, 6], rounded);
    expectClose(drift([_, 4], 2), [4, 4], rounded);
  });
  it('mean repeats the mean of the known values', () => {
    expectClose(mean([1, 2, _, 6], 2), [3, 3], rounded);
  });
  it('naive2 repeats the last value where M4 finds no season', () => {
    expectClose(naive2([1, 5, 2, 8, 3, 9, 1], 2, 1), [1, 1], exact);
    expectClose(naive2([1, 5, 2, 8], 2, 2), [8, 8], exact); // shorter than 3 seasons
    expectClose(naive2([0, 5, 0, 5, 0, 5, 0, 5], 2, 2), [5, 5], exact); // not all above 0
    expectClose(naive2(new Array<number>(20).fill(3), 2, 4), [3, 3], exact);
  });
  it('naive2 keeps a multiplicative season', () => {
    const factors = [0.5, 1, 1.5, 1];
    const values = Array.from({ length: 25 }, (_, n) => 10 * factors[n % 4]!);
    expectClose(naive2(values, 5, 4), [10, 15, 10, 5, 10], rounded);
  });
  it.each([
    [7, odd],
    [6, even],
  ])('naive2 of season %i agrees with the decomposition of R, computed with NumPy', (season, expected) => {
    expectClose(naive2(seasonal, 9, season), expected, { abs: 0, rel: 1e-12 });
  });
});

describe('metrics', () => {
  const actual = [3, -0.5, 2, 7];
  const predicted = [2.5, 0, 2, 8];
  it('agree with values by hand', () => {
    expect(mae(actual, predicted)).toBeCloseTo(0.5, 12);
    expect(rmse(actual, predicted)).toBeCloseTo(Math.sqrt(0.375), 12);
    expect(mape(actual, predicted)).toBeCloseTo((100 * (1 / 6 + 1 + 0 + 1 / 7)) / 4, 12);
    expect(smape(actual, predicted)).toBeCloseTo((200 * (0.5 / 5.5 + 1 + 0 + 1 / 15)) / 4, 12);
    expect(wape(actual, predicted)).toBeCloseTo((100 * 2) / 12.5, 12);
    // The differences of the history over 2 steps are 2, 2 and 5.
    expect(mase(actual, predicted, [1, 2, 3, 4, 8], 2)).toBeCloseTo(0.5 / 3, 12);
    expect(mase(actual, predicted, [1, 2, 4])).toBeCloseTo(0.5 / 1.5, 12);
  });
  it('skip missing actual values, whatever is predicted there', () => {
    expect(mae([1, _, 3], [2, _, 3])).toBe(0.5);
    expect(smape([1, _, 3], [1, 100, 3])).toBe(0);
    expect(wape([2, _], [1, 5])).toBe(50);
    expect(mase([5, _], [4, 1], [1, _, 2, 4, _, 5])).toBe(0.5);
  });
  it('are NaN if all actual values are missing', () => {
    for (const metric of [mae, rmse, mape, smape, wape]) expect(metric([_, _], [1, 2])).toBeNaN();
  });
  it('count a pair of zeros as no error, and a miss of 0 in percent as infinite', () => {
    expect(smape([0, 1], [0, 1])).toBe(0);
    expect(smape([0], [2])).toBe(200);
    expect(mape([0, 1], [0, 1])).toBe(0);
    expect(mape([0], [1])).toBe(Infinity);
    expect(wape([0], [0])).toBe(0);
  });
});
