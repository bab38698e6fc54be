// Transforms of series: values by hand and from SciPy, inverses of random series, forecasts, and saved states.

import { boxCox, chain, difference, log, restoreTransform, type Transform } from 'lstm-wasm/forecast';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../compare.ts';
import { Random } from '../reference/random.ts';

const _ = Number.NaN;
const exact = { abs: 0, rel: 0 };
const rounded = { abs: 1e-9, rel: 1e-11 };

const makers: [name: string, make: () => Transform][] = [
  ['difference()', () => difference()],
  ['difference(7)', () => difference(7)],
  ['difference([1, 12])', () => difference([1, 12])],
  ['difference([3, 1, 2])', () => difference([3, 1, 2])],
  ['log()', () => log()],
  ['log({ offset: 1 })', () => log({ offset: 1 })],
  ['boxCox()', () => boxCox()],
  ['boxCox({ lambda: -0.5 })', () => boxCox({ lambda: -0.5 })],
  ['boxCox({ lambda: 0 })', () => boxCox({ lambda: 0, offset: 2 })],
  ['boxCox({ lambda: 2 })', () => boxCox({ lambda: 2 })],
  ['chain(log(), difference([1, 4]))', () => chain(log(), difference([1, 4]))],
  ['chain(boxCox(), difference(2), difference(3))', () => chain(boxCox(), difference(2), difference(3))],
  ['chain(chain(log()), chain(difference()))', () => chain(chain(log()), chain(difference()))],
];

const random = new Random(5);
const series = (length: number) => Float64Array.from({ length }, (__, n) => 20 + n / 3 + 8 * random.uniform());

describe.each(makers)('%s', (__, make) => {
  it('inverts the values after those it was fitted on', () => {
    for (const [known, ahead] of [
      [40, 25],
      [60, 1],
      [100, 0],
    ] as const) {
      const all = series(known + ahead);
      const transform = make().fit(all.subarray(0, known));
      const next = transform.transform(all.subarray(known), all.subarray(0, known));
      expect(next.some(Number.isNaN)).toBe(false);
      expectClose(transform.invert(next), all.subarray(known), rounded);
    }
  });
  it('inverts the values after any others, without those it was fitted on', () => {
    const all = series(90);
    const transform = make().fit(all.subarray(0, 40));
    const [before, window] = [all.subarray(10, 60), all.subarray(60)];
    expectClose(transform.invert(transform.transform(window, before), before), window, rounded);
  });
  it('transforms a whole series as its end after its start, and the first values to NaN', () => {
    const all = series(60);
    const transform = make().fit(all);
    const { memory } = transform;
    const whole = transform.transform(all);
    expect(whole.subarray(0, memory).every(Number.isNaN)).toBe(true);
    expectClose(whole.subarray(memory), transform.transform(all.subarray(memory), all.subarray(0, memory)), rounded);
    expectClose(transform.invert(whole.subarray(memory), all.subarray(0, memory)), all.subarray(memory), rounded);
  });
  it('is the same after saving as JSON', () => {
    const all = series(50);
    const transform = make().fit(all);
    const again = restoreTransform(JSON.parse(JSON.stringify(transform)));
    expectClose(again.transform(all), transform.transform(all), exact);
    expectClose(again.invert([0.1, 0.2, 0.05]), transform.invert([0.1, 0.2, 0.05]), exact);
    expect(JSON.stringify(again)).toBe(JSON.stringify(transform));
  });
  it('keeps missing values missing, and continues from a history with gaps', () => {
    const all = series(40);
    for (const hole of [5, 20, 38, 39]) all[hole] = _;
    const transform = make().fit(all);
    expect(transform.transform(all)[20]).toBeNaN();
    expect(transform.invert([0.1, 0.2, 0.1]).every(Number.isFinite)).toBe(true);
  });
  it('does not change its arguments', () => {
    const all = series(40);
    const copy = all.slice();
    const transform = make().fit(all);
    transform.invert(transform.transform(all, all), all);
    expectClose(all, copy, exact);
  });
});

describe('values', () => {
  it('difference subtracts the value before', () => {
    expectClose(difference().transform([1, 4, 2, 2]), [_, 3, -2, 0], exact);
    expectClose(difference(2).transform([1, 4, 2, 2]), [_, _, 1, -2], exact);
    expectClose(difference([1, 2]).transform([1, 4, 2, 2, 7]), [_, _, _, -3, 7], exact);
    expectClose(difference().transform([5], [1, 3]), [2], exact);
    expectClose(difference().fit([1, 4, 2]).invert([1, 1, -3]), [3, 4, 1], exact);
    expectClose(difference(2).fit([1, 4, 2]).invert([1, 1, 1]), [5, 3, 6], exact);
  });
  it('a missing value at the end of the history is the last known one', () => {
    expectClose(difference().fit([1, 4, _]).invert([1]), [5], exact);
    expectClose(difference(2).fit([1, 3, _, 7]).invert([0, 0]), [5, 7], exact);
  });
  it('log adds the offset first', () => {
    expectClose(log().transform([1, Math.E]), [0, 1], rounded);
    expectClose(log({ offset: 1 }).transform([0, 1, 9]), [0, Math.log(2), Math.log(10)], rounded);
  });
  it('boxCox has the values of SciPy', () => {
    const expected = [8.407332664678147, 9.990003303351186, 7.47996991973906];
    expectClose(boxCox({ lambda: 0.4 }).transform([39.76, 55.79, 31.84]), expected, rounded);
    expectClose(boxCox({ lambda: 1 }).transform([0, 3]), [-1, 2], rounded);
  });
  it('boxCox estimates the lambda of SciPy', () => {
    const values = [
      39.76, 55.79, 31.84, 25.27, 47.65, 39.74, 50.06, 31.2, 17.82, 34.43, 29.87, 48.03, 38.84, 16.35, 20.85, 49.85,
      46.45, 27.37, 35.98, 42.7, 43.06, 49.72, 39.79, 34.65, 32.37, 52.81, 10.88, 34.03, 36.48, 18.4,
    ];
    const { lambda } = boxCox().fit(values).toJSON();
    expect(lambda).toBeCloseTo(1.2921534885898531, 5);
    expect(
      boxCox()
        .fit([_, ...values])
        .toJSON().lambda,
    ).toBeCloseTo(1.2921534885898531, 5);
  });
  it('boxCox estimates no lambda below 0', () => {
    const values = [9.11, 4.56, 5.72, 8.08, 5.08, 7.94, 13.02, 16.59, 10.61, 16.94, 4.52, 4.02]; // SciPy: below 0
    expect(boxCox().fit(values).toJSON().lambda).toBe(0);
  });
  it('boxCox inverts numbers beyond its range to the ends of its domain', () => {
    expectClose(boxCox({ lambda: 0.5, offset: 1 }).invert([-10]), [-1], exact);
    expectClose(boxCox({ lambda: -1 }).invert([3]), [Infinity], exact);
  });
  it('a chain leaves the transforms that it was made of', () => {
    const first = boxCox();
    chain(first, difference()).fit([1, 2, 5, 9]);
    expect(first.toJSON()).toEqual({ transform: 'boxCox', offset: 0 });
  });
  it('a failed fit changes nothing', () => {
    const transform = chain(log(), difference()).fit([1, 2, 3]);
    const before = JSON.stringify(transform);
    expect(() => transform.fit([1, -2, 3])).toThrow('chain.fit');
    expect(JSON.stringify(transform)).toBe(before);
  });
});
