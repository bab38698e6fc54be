// Forecasters that predict one step at a time: sampled paths feed their own values back.

import { io, type ModelArtifacts, type Tensor, tensor } from 'lstm-wasm';
import {
  calendarFeatures,
  type ForecasterOptions,
  forecaster,
  loadForecaster,
  type Series,
  timeRange,
} from 'lstm-wasm/forecast';
import { describe, expect, it } from 'vitest';
import { seedAt } from '../../src/util/random.ts';
import { RandomGenerator } from '../../src/util/randomGenerator.ts';
import { Random } from '../reference/random.ts';
import { counts, loads, small } from './forecasterSeries.ts';

const options: ForecasterOptions = { ...small, decoding: 'autoregressive' };

async function fitted(more: Partial<ForecasterOptions>, series: Series | Series[]) {
  const model = forecaster({ ...options, ...more });
  await model.fit(series);
  return model;
}

const softplus = (x: number) => Math.log1p(Math.exp(x));

/** Samples a path with whole sequences through `predict`, a step longer for every step of the path. */
function samplePath(
  net: NonNullable<ReturnType<typeof forecaster>['model']>,
  { values, start, future = {} }: Series,
  {
    horizon,
    inputSteps,
    category,
    seed,
  }: { horizon: number; inputSteps: number; category: number; seed: number | null },
): number[] {
  const length = values.length;
  const window = Array.from(values).slice(length - inputSteps);
  const known = window.filter(value => !Number.isNaN(value));
  const shift = known.reduce((sum, value) => sum + value, 0) / known.length;
  const scale = Math.sqrt(known.reduce((sum, value) => sum + (value - shift) ** 2, 0) / known.length);
  const z = window.map(value => (value - shift) / scale);
  const lastKnown = (n: number): number => (n < 0 ? 0 : Number.isNaN(z[n]!) ? lastKnown(n - 1) : z[n]!);
  const lagged = (n: number, lag: number): number => {
    let at = n - lag;
    while (at < 0) at += 24;
    for (; at < n && at >= 0; at -= 24) if (!Number.isNaN(z[at]!)) return z[at]!;
    return lastKnown(n - 1);
  };
  const hour = calendarFeatures(timeRange(start!, length + horizon, 'hour'), ['hourOfDay']);
  const wind = Array.from(future.wind!);
  const trained = wind.slice(0, length - 15); // without the held-out end, a tenth
  const mean = trained.reduce((sum, value) => sum + value, 0) / trained.length;
  const deviation = Math.sqrt(trained.reduce((sum, value) => sum + (value - mean) ** 2, 0) / trained.length);
  const rows: number[][] = [];
  const bases: number[][] = [];
  const addRow = (n: number) => {
    const t = length - inputSteps + n;
    const before = z[n - 1]!;
    rows.push([
      ...(Number.isNaN(before) ? [0, 1] : [before, 0]),
      ...[lagged(n, 24), lagged(n, 48)],
      (wind[t]! - mean) / deviation,
      ...Object.values(hour).map(column => column[t]!),
    ]);
    bases.push(seed === null ? [lagged(n, 24)] : [lagged(n, 24), 0]);
  };
  for (let n = 1; n < inputSteps; n++) addRow(n);
  const random = seed === null ? null : new RandomGenerator(seed);
  for (let h = 0; h < horizon; h++) {
    addRow(inputSteps + h);
    const ids = new Array(rows.length).fill(category);
    const inputs = [tensor([rows]), tensor([bases]), tensor([ids])] as Tensor[];
    const found = net.predict<Tensor | Tensor[]>(inputs);
    const members = (Array.isArray(found) ? found : [found]).map(one => (one.arraySync() as number[][][])[0]!.at(-1)!);
    const [a = 0, b = 0] = members[0]!.map((_, k) => members.reduce((sum, one) => sum + one[k]!, 0) / members.length);
    z.push(random ? a + (softplus(b) + 1e-6) * random.normal() : a);
  }
  return z.slice(inputSteps).map(value => value * scale + shift);
}

describe('autoregressive paths', () => {
  const series = loads(2, 150).map((one, n) => ({
    ...one,
    values: Array.from(one.values, (value, t) => ((t * 5 + n) % 11 === 0 ? Number.NaN : value)),
    future: { wind: Array.from({ length: 162 }, (_, t) => Math.cos(t * (n + 1)) + (t % 5)) },
  }));
  const two = series.map(one => ({ ...one, future: { wind: series[0]!.future.wind } }));
  const sizes = { horizon: 12, inputSteps: 48 };

  it('are those of a sequence of predictions from the samples before', async () => {
    for (const ensemble of [1, 2]) {
      const model = await fitted(
        { output: 'normal', conformal: false, ensemble, cell: ensemble === 1 ? 'lstm' : 'gru' },
        two,
      );
      const forecasts = await model.predict(two, { samples: 3, seed: 7 });
      for (const [n, { samples }] of forecasts.entries()) {
        for (const [k, path] of samples.entries()) {
          const seed = seedAt(seedAt(7, n), k);
          const expected = samplePath(model.model!, two[n]!, { ...sizes, category: n + 1, seed });
          for (const [h, value] of expected.entries()) expect(path[h]! / value).toBeCloseTo(1, 4);
        }
      }
    }
  });
  it('of a point forecast are one path of predictions', async () => {
    const model = await fitted({}, two);
    const forecasts = await model.predict(two);
    for (const [n, { mean, median }] of forecasts.entries()) {
      const expected = samplePath(model.model!, two[n]!, { ...sizes, category: n + 1, seed: null });
      for (const [h, value] of expected.entries()) expect(median[h]! / value).toBeCloseTo(1, 5);
      expect(mean).toEqual(median);
    }
  });
  it('have the mean and the quantiles of the forecast', async () => {
    const daily = [counts(200)];
    const cases = [
      ['normal', true, loads(1, 150)],
      ['normal', false, loads(1, 150)],
      ['studentT', true, loads(1, 150)],
      ['poisson', true, daily],
      ['negativeBinomial', false, daily],
    ] as const;
    for (const [output, conformal, given] of cases) {
      const model = await fitted({ output, conformal }, [...given]);
      const levels = [0.05, 0.2, 0.5, 0.8, 0.95];
      const [forecast] = await model.predict(given[0]!, { levels, samples: 400 });
      const { mean, median, quantiles, samples } = forecast!;
      expect(samples).toHaveLength(400);
      expect(quantiles['0.5']).toEqual(median);
      for (const h of [0, 11]) {
        const column = samples.map(path => path[h]!);
        for (const [k, level] of levels.entries()) {
          const bound = quantiles[String(level)]![h]!;
          if (k > 0) expect(bound).toBeGreaterThanOrEqual(quantiles[String(levels[k - 1]!)]![h]!);
          expect(column.filter(value => value <= bound).length / 400).toBeGreaterThan(level - 0.03);
          expect(column.filter(value => value < bound).length / 400).toBeLessThan(level + 0.03);
        }
        if (!conformal) expect(mean[h]).toBeCloseTo(column.reduce((sum, value) => sum + value, 0) / 400, 6);
        if (output === 'poisson' || output === 'negativeBinomial') {
          expect(column.every(value => Number.isInteger(value) && value >= 0)).toBe(true);
        }
      }
    }
  });
  it('of a random walk move apart, and neighbouring steps are correlated', async () => {
    const random = new Random(4);
    let level = 0;
    const values = Float64Array.from({ length: 400 }, () => (level += random.normal()));
    const model = await fitted({ season: 1, output: 'normal', epochs: 8 }, { values });
    const [{ samples, mean }] = (await model.predict({ values }, { samples: 300 })) as [never];
    const product = (a: number, b: number) =>
      (samples as Float64Array[]).reduce((sum, path) => sum + (path[a]! - mean[a]!) * (path[b]! - mean[b]!), 0);
    expect(product(11, 11)).toBeGreaterThan(3 * product(0, 0));
    expect(product(10, 11) / Math.sqrt(product(10, 10) * product(11, 11))).toBeGreaterThan(0.8);
  });
});

describe('an autoregressive forecaster', () => {
  it('gives the same bits for the same seed, in training, predictions and backtests', async () => {
    const series = loads(2, 150);
    const more = { output: 'studentT', ensemble: 2 } as const;
    const [first, second] = [await fitted(more, series), await fitted(more, series)];
    const a = await first.predict(series, { samples: 4 });
    expect(await second.predict(series, { samples: 4 })).toEqual(a);
    expect(await first.predict(series, { samples: 4, seed: 1 })).toEqual(a);
    expect((await first.predict(series, { seed: 2 }))[0]!.median).not.toEqual(a[0]!.median);
    const fewer = await first.predict(series, { samples: 2 });
    expect(fewer[1]!.samples).toEqual(a[1]!.samples.slice(0, 2));
    expect(fewer[1]!.quantiles).toEqual(a[1]!.quantiles);
    expect((await first.predict(series[0]!, { samples: 4 }))[0]).toEqual(a[0]);
    const backtests = [await first.backtest(series, { folds: 2 }), await second.backtest(series, { folds: 2 })];
    expect(backtests[1]).toEqual(backtests[0]);
    expect(backtests[0]!.scores.model.coverage).toBeGreaterThan(0);
  });
  it('forecasts a series with the same bits alone and among others', async () => {
    const series = loads(12, 120).map(one => ({
      ...one,
      values: Array.from(one.values, value => value / one.values[0]!),
    }));
    const model = await fitted({}, series);
    const together = await model.predict(series);
    expect((await model.predict(series.slice(0, 3))).map(({ mean }) => mean)).toEqual(
      together.slice(0, 3).map(({ mean }) => mean),
    );
    for (const [n, one] of series.entries()) expect((await model.predict(one))[0]).toEqual(together[n]);
  });
  it('predicts the same bits after loading', async () => {
    const series = loads(2, 150);
    const model = await fitted({ output: 'normal', difference: 1 }, series);
    let saved: ModelArtifacts | undefined;
    await model.save(
      io.withSaveHandler(async artifacts => {
        saved = artifacts;
        const sizes = { modelTopologyBytes: 0, weightSpecsBytes: 0, weightDataBytes: 0 };
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON', ...sizes } };
      }),
    );
    const again = await loadForecaster(io.fromMemory(saved!));
    expect(await again.predict(series, { samples: 2 })).toEqual(await model.predict(series, { samples: 2 }));
  });
  it('keeps its networks when a later fit is aborted', async () => {
    const series = loads(2, 150);
    const model = await fitted({ output: 'normal' }, series);
    const before = await model.predict(series);
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error('enough'));
    await expect(model.fit(series, { onProgress, signal: controller.signal })).rejects.toThrow('enough');
    expect(await model.predict(series)).toEqual(before);
  });
  it('continues a line with differences of one and of several steps', async () => {
    const values = Float64Array.from({ length: 200 }, (_, t) => 3 * t);
    for (const difference of [1, 5]) {
      const more = { difference, output: 'normal', epochs: 10, batchesPerEpoch: 30, learningRate: 0.01 } as const;
      const [forecast] = await (await fitted(more, { values })).predict({ values });
      for (const [h, value] of forecast!.median.entries()) expect(Math.abs(value - 3 * (200 + h))).toBeLessThan(4);
    }
  });
  it('repeats the last season before it has learned anything', async () => {
    const [one] = loads(1, 120);
    const [forecast] = await (await fitted({ epochs: 1, batchesPerEpoch: 1, learningRate: 1e-30 }, one!)).predict(one!);
    for (let h = 0; h < 12; h++) expect(forecast!.median[h]).toBeCloseTo(one!.values[96 + h]!, 5);
  });
  it('reads past covariates, static properties and ids, and ignores missing values', async () => {
    const series = loads(2, 150).map((one, n) => ({
      ...one,
      values: Array.from(one.values, (value, t) => (t > 110 && t < 130 ? Number.NaN : value)),
      past: { wind: Array.from({ length: 150 }, (_, t) => Math.cos(t)) },
      static: { area: n, region: n === 0 ? 'north' : 'south' },
    }));
    const model = await fitted({ output: 'normal', layers: 2, epochs: 6 }, series);
    const [one] = series;
    const [forecast] = await model.predict(one!);
    const changes: Partial<Series>[] = [
      { past: { wind: one!.past.wind.map(value => -value) } },
      { static: { area: 3, region: 'north' } },
      { static: { area: 0, region: 'south' } },
      { id: 'another' },
    ];
    for (const change of changes) {
      const [changed] = await model.predict({ ...one!, ...change });
      expect(Array.from(changed!.median)).not.toEqual(Array.from(forecast!.median));
      expect(changed!.median.every(Number.isFinite)).toBe(true);
    }
  });
  it('has intervals that contain new values with about their probability', async () => {
    const all = loads(2, 24 * 50, 5);
    const train = all.map(one => ({ ...one, values: Array.from(one.values).slice(0, 24 * 40) }));
    const model = await fitted({ output: 'normal', epochs: 10, batchesPerEpoch: 30, learningRate: 0.01 }, train);
    let [inside, count] = [0, 0];
    for (const one of all) {
      for (let origin = 24 * 40; origin <= 24 * 50 - 12; origin += 12) {
        const values = Array.from(one.values);
        const [forecast] = await model.predict({ ...one, values: values.slice(0, origin) }, { levels: [0.1, 0.9] });
        for (let h = 0; h < 12; h++, count++) {
          const { quantiles } = forecast!;
          inside += Number(
            values[origin + h]! >= quantiles['0.1']![h]! && values[origin + h]! <= quantiles['0.9']![h]!,
          );
        }
      }
    }
    expect(inside / count).toBeGreaterThan(0.72);
    expect(inside / count).toBeLessThan(0.88);
  });
  it('rejects quantiles as output, unknown decodings and windows without values', async () => {
    const output = { quantiles: [0.1, 0.9] };
    expect(() => forecaster({ ...options, output })).toThrow(
      "forecaster: output must be 'point' or a distribution for the decoding 'autoregressive', because paths are sampled from a distribution; quantiles of any level come from the paths",
    );
    const decoding = 'recursive' as 'direct';
    expect(() => forecaster({ ...options, decoding })).toThrow("forecaster: unknown decoding 'recursive'");
    const [one] = loads(1, 150);
    const model = await fitted({ output: 'normal' }, one!);
    const values = Array.from(one!.values, (value, n) => (n < 100 ? value : Number.NaN));
    await expect(model.predict({ ...one!, values })).rejects.toThrow(
      "forecaster.predict: the last 48 values of series 'meter 0' must have one that is not missing, got none",
    );
  });
});
