// Forecasters: training, forecasts, and what they are computed from.

import { layers, sequential, setRandomSeed } from 'lstm-wasm';
import { forecaster, mae, type Series, seasonalNaive } from 'lstm-wasm/forecast';
import { describe, expect, it } from 'vitest';
import { Random } from '../reference/random.ts';
import { counts, loads, small } from './forecasterSeries.ts';

const _ = Number.NaN;
const until = (series: Series, end: number): Series => ({ ...series, values: Array.from(series.values).slice(0, end) });
const bits = (values: ArrayLike<number>): number[] => Array.from(values);

async function fitted(options: Parameters<typeof forecaster>[0], series: Series | Series[]) {
  const model = forecaster(options);
  await model.fit(series);
  return model;
}

describe('a fitted forecaster', () => {
  it('is more accurate than the seasonal naive forecast on series with noise', async () => {
    const series = loads(3, 24 * 40);
    const model = await fitted(
      { horizon: 24, units: 16, epochs: 15, seed: 1 },
      series.map(one => until(one, 24 * 36)),
    );
    expect(model.inputSteps).toBe(168);
    expect(model.season).toBe(24);
    let [errors, baseline] = [0, 0];
    for (const one of series) {
      for (let day = 36; day < 40; day++) {
        const values = Array.from(one.values).slice(0, 24 * day);
        const actual = Array.from(one.values).slice(24 * day, 24 * (day + 1));
        const [forecast] = await model.predict({ ...one, values });
        errors += mae(actual, forecast!.median) / values[0]!;
        baseline += mae(actual, seasonalNaive(values, 24, 24)) / values[0]!;
      }
    }
    expect(errors).toBeLessThan(0.9 * baseline);
  });
  it('forecasts the times after each series, in the order of the series', async () => {
    const series = [
      ...loads(2, 100),
      { id: 'late', start: new Date('2024-03-01T12:00Z'), values: loads(1, 100)[0]!.values },
    ];
    const model = await fitted(small, series);
    const forecasts = await model.predict([series[2]!, series[0]!]);
    expect(forecasts.map(({ id }) => id)).toEqual(['late', 'meter 0']);
    expect(forecasts[0]!.time.slice(0, 2)).toEqual(['2024-03-05T16:00:00', '2024-03-05T17:00:00']);
    expect(forecasts[1]!.time.at(-1)).toBe('2024-01-05T15:00:00');
    for (const { mean, median, quantiles, samples } of forecasts) {
      expect([mean.length, median.length, samples.length]).toEqual([12, 12, 0]);
      expect(Object.keys(quantiles)).toEqual(['0.1', '0.5', '0.9']);
    }
  });
  it('numbers the steps of series without times', async () => {
    const model = await fitted(small, { values: loads(1, 90)[0]!.values });
    const [forecast] = await model.predict({ values: loads(1, 60)[0]!.values });
    expect(forecast!.id).toBe(null);
    expect(forecast!.time.slice(0, 2)).toEqual([60, 61]);
  });
  it('gives the same bits for the same seed, and others for another', async () => {
    const series = loads(2, 120);
    const first = await fitted({ ...small, ensemble: 2 }, series);
    const second = await fitted({ ...small, ensemble: 2 }, series);
    const other = await fitted({ ...small, ensemble: 2, seed: 2 }, series);
    const options = { samples: 3, seed: 4 };
    const [a, b, c] = [
      (await first.predict(series, options))[1]!,
      (await second.predict(series, options))[1]!,
      (await other.predict(series, options))[1]!,
    ];
    expect(b).toEqual(a);
    expect(bits(c.mean)).not.toEqual(bits(a.mean));
    setRandomSeed(5);
    const third = await fitted({ ...small, seed: undefined }, series);
    setRandomSeed(5);
    const fourth = await fitted({ ...small, seed: undefined }, series);
    expect(await fourth.predict(series)).toEqual(await third.predict(series));
  });
  it('forecasts a series with the same bits alone and among others', async () => {
    const series = loads(3, 120);
    const model = await fitted(small, series);
    const together = await model.predict(series);
    for (const [n, one] of series.entries()) expect((await model.predict(one))[0]).toEqual(together[n]);
  });
  it('scales a forecast with its series, exactly for powers of two', async () => {
    const [one] = loads(1, 120);
    const model = await fitted({ ...small, scaling: 'mean' }, one!);
    const [forecast] = await model.predict(one!);
    const [scaled] = await model.predict({ ...one!, values: Array.from(one!.values, value => 8 * value) });
    expect(bits(scaled!.median)).toEqual(bits(forecast!.median.map(value => 8 * value)));
  });
  it('reads only the last inputSteps values', async () => {
    const [one] = loads(1, 120);
    const model = await fitted({ ...small, calendar: false }, one!);
    const values = Array.from(one!.values);
    const changed = [...values.slice(0, 72).map(value => value + 5), ...values.slice(72)];
    expect((await model.predict({ ...one!, values: changed }))[0]).toEqual((await model.predict(one!))[0]);
    changed[72]! += 5;
    expect((await model.predict({ ...one!, values: changed }))[0]).not.toEqual((await model.predict(one!))[0]);
  });
  it('repeats the last season before it has learned anything', async () => {
    const [one] = loads(1, 120);
    const model = await fitted({ ...small, epochs: 1, batchesPerEpoch: 1, learningRate: 1e-30 }, one!);
    const [forecast] = await model.predict(one!);
    const expected = seasonalNaive(one!.values, 12, 24);
    for (const [h, value] of expected.entries()) expect(forecast!.median[h]).toBeCloseTo(value, 5);
  });
});

describe('training', () => {
  it('starts at the last value if that is a better forecast than the last season', async () => {
    const random = new Random(4);
    let level = 0;
    const values = Float64Array.from({ length: 300 }, () => (level += random.normal()));
    const options = { ...small, season: 7, epochs: 1, batchesPerEpoch: 1, learningRate: 1e-30 };
    const [forecast] = await (await fitted(options, { values })).predict({ values });
    for (const value of forecast!.median) expect(value).toBeCloseTo(values[299]!, 4);
  });
  it('reports each epoch, and ends when the held-out loss stops improving', async () => {
    const series = loads(2, 120);
    const epochs: number[] = [];
    const members: number[] = [];
    const model = forecaster({ ...small, ensemble: 2, epochs: 40, patience: 1, learningRate: 0.05 });
    await model.fit(series, {
      onProgress({ member, members: all, epoch, epochs: most, loss, validationLoss }) {
        expect([all, most]).toEqual([2, 40]);
        expect(loss).toBeGreaterThan(0);
        expect(validationLoss).toBeGreaterThan(0);
        epochs.push(epoch);
        members.push(member);
      },
    });
    expect(new Set(members)).toEqual(new Set([1, 2]));
    expect(epochs.length).toBeLessThan(80);
  });
  it('never reads the targets of the held-out end', async () => {
    const [one] = loads(1, 120);
    const losses = async (values: ArrayLike<number>) => {
      const found: number[] = [];
      await forecaster(small).fit({ ...one!, values }, { onProgress: ({ loss }) => found.push(loss) });
      return found;
    };
    const changed = Array.from(one!.values, (value, n) => (n < 108 ? value : 0));
    expect(await losses(changed)).toEqual(await losses(one!.values));
  });
  it('that is aborted or fails leaves the forecaster as it was', async () => {
    const [one] = loads(1, 120);
    const model = await fitted(small, one!);
    const [before] = await model.predict(one!);
    const controller = new AbortController();
    const aborted = model.fit(loads(1, 120, 7), {
      onProgress: () => controller.abort(new Error('enough')),
      signal: controller.signal,
    });
    await expect(model.fit(one!)).rejects.toThrow('forecaster.fit: the forecaster is already being fitted');
    await expect(aborted).rejects.toThrow('enough');
    await expect(model.fit({ values: [1, 2] })).rejects.toThrow('must have at least 72 values');
    expect((await model.predict(one!))[0]).toEqual(before);
  });
  it('does not change the random numbers of a program if it has a seed', async () => {
    const net = () => {
      const model = sequential();
      model.add(layers.dense({ units: 2, inputShape: [3] }));
      return bits(model.getWeights()[0]!.dataSync());
    };
    setRandomSeed(3);
    const expected = net();
    setRandomSeed(3);
    const model = await fitted(small, loads(1, 120));
    await model.predict(loads(1, 120), { samples: 2, seed: 1 });
    expect(net()).toEqual(expected);
  });
});

describe('missing and constant values', () => {
  it('missing inputs and targets are ignored', async () => {
    const series = loads(2, 140).map((one, n) => ({
      ...one,
      values: Array.from(one.values, (value, t) => ((t * 7 + n) % 5 === 0 || (t > 60 && t < 80) ? _ : value)),
    }));
    const losses: number[] = [];
    const model = forecaster(small);
    await model.fit(series, { onProgress: ({ loss, validationLoss }) => losses.push(loss, validationLoss) });
    expect(losses.every(Number.isFinite)).toBe(true);
    const forecasts = await model.predict(series);
    for (const { median } of forecasts) expect(median.every(Number.isFinite)).toBe(true);
  });
  it('a constant series is forecast as itself beside others, which it does not change', async () => {
    const flat: Series = { ...loads(1, 120)[0]!, id: 'flat', values: new Float64Array(120).fill(5) };
    const series = [...loads(2, 120), flat];
    const model = await fitted({ ...small, epochs: 8 }, series);
    const forecasts = await model.predict(series);
    for (const value of forecasts[2]!.median) expect(Math.abs(value - 5)).toBeLessThan(1.5);
    expect((await model.predict(series.slice(0, 2)))[1]).toEqual(forecasts[1]);
    const [zero] = await model.predict({ ...flat, values: new Float64Array(120) });
    expect(zero!.median.every(Number.isFinite)).toBe(true);
  });
});

describe('covariates', () => {
  it('future covariates change the steps that they belong to', async () => {
    const length = 400;
    const random = new Random(3);
    const promotion = Array.from({ length: length + 12 }, () => Number(random.uniform() > 0.5));
    const values = promotion.slice(0, length).map((on, t) => 10 + 6 * on + Math.sin(t));
    const series: Series = { values, future: { promotion } };
    const model = await fitted({ ...small, season: 1, epochs: 25, batchesPerEpoch: 40, learningRate: 0.01 }, series);
    const [forecast] = await model.predict(series);
    for (let h = 0; h < 12; h++) {
      expect(Math.abs(forecast!.median[h]! - (10 + 6 * promotion[length + h]!))).toBeLessThan(2.5);
    }
    const none = { promotion: new Array(12).fill(0) };
    const [without] = await model.predict(series, { future: none });
    expect(Math.max(...without!.median)).toBeLessThan(13);
    const [listed] = await model.predict([{ values, future: { promotion: promotion.slice(0, length) } }], {
      future: [none],
    });
    expect(listed).toEqual(without);
  });
  it('past covariates, static numbers, static text and ids are inputs', async () => {
    const series = loads(3, 120).map((one, n) => ({
      ...one,
      past: { wind: Array.from({ length: 120 }, (_value, t) => (t % 9 === 0 ? Number.NaN : Math.cos(t))) },
      static: { area: n * 10, region: n === 1 ? 'south' : 'north' },
    }));
    const model = await fitted({ ...small, epochs: 6 }, series);
    const [one] = series;
    const [forecast] = await model.predict(one!);
    const changes: Partial<Series>[] = [
      { past: { wind: one!.past.wind.map(value => -value) } },
      { static: { area: 30, region: 'north' } },
      { static: { area: 0, region: 'south' } },
      { id: 'meter 2' },
      { id: 'another' },
    ];
    for (const change of changes) {
      const [changed] = await model.predict({ ...one!, ...change });
      expect(bits(changed!.median)).not.toEqual(bits(forecast!.median));
      expect(changed!.median.every(Number.isFinite)).toBe(true);
    }
  });
});

describe('options', () => {
  it('every cell, depth, scaling and difference forecasts finite numbers near the series', async () => {
    const [one] = loads(1, 160);
    for (const options of [
      { cell: 'gru' },
      { layers: 2 },
      { scaling: 'mean' },
      { scaling: 'robust' },
      { scaling: 'minmax' },
      { scaling: 'none' },
      { difference: 1 },
      { difference: 24 },
      { season: 5 },
      { embedIds: false },
      { heldOut: 30 },
    ] as const) {
      const model = await fitted({ ...small, ...options }, one!);
      const [forecast] = await model.predict(one!);
      for (const value of forecast!.median) expect(Math.abs(value - 10)).toBeLessThan(9);
    }
  });
  it('a difference of 1 continues a line', async () => {
    const line: Series = { values: Float64Array.from({ length: 200 }, (_, t) => 3 * t) };
    const model = await fitted({ ...small, difference: 1, epochs: 15, batchesPerEpoch: 30, learningRate: 0.01 }, line);
    const [forecast] = await model.predict(line);
    for (const [h, value] of forecast!.median.entries()) expect(Math.abs(value - 3 * (200 + h))).toBeLessThan(4);
  });
  it('counts are never negative, and whole where they are quantiles', async () => {
    const series = counts(200);
    for (const output of ['poisson', 'negativeBinomial'] as const) {
      const model = await fitted({ ...small, horizon: 7, inputSteps: 28, epochs: 8, output }, series);
      const [forecast] = await model.predict(series, { samples: 50, seed: 1 });
      const { mean, median, quantiles, samples } = forecast!;
      for (const list of [median, ...Object.values(quantiles), ...samples]) {
        expect(list.every(value => Number.isInteger(value) && value >= 0)).toBe(true);
      }
      expect(mean.every(value => value > 0 && value < 20)).toBe(true);
    }
  });
});
