// Quantiles, intervals and sampled paths of forecasters.

import { distribution } from 'lstm-wasm';
import { coverage, type ForecasterOptions, forecaster } from 'lstm-wasm/forecast';
import { describe, expect, it } from 'vitest';
import { corrected } from '../../src/forecast/calibration.ts';
import { marginalOf, scoreOf } from '../../src/forecast/outputs.ts';
import { counts, loads, small } from './forecasterSeries.ts';

const outputs: ForecasterOptions['output'][] = ['point', { quantiles: [0.2, 0.5, 0.7] }, 'normal', 'studentT'];
const levels = [0.01, 0.1, 0.3, 0.5, 0.6, 0.95, 0.99];

async function fitted(options: Partial<ForecasterOptions>, series = loads(2, 150)) {
  const model = forecaster({ ...small, epochs: 6, ...options });
  await model.fit(series);
  return model;
}

describe('quantiles', () => {
  it('never cross, for all outputs, corrected or not', async () => {
    for (const output of outputs) {
      for (const conformal of [true, false]) {
        if (output === 'point' && !conformal) continue;
        const model = await fitted({ output, conformal });
        for (const { quantiles, median } of await model.predict(loads(2, 150), { levels })) {
          expect(Object.keys(quantiles)).toEqual(levels.map(String));
          const rows = Object.values(quantiles);
          for (let k = 1; k < rows.length; k++) {
            expect(rows[k]!.every((value, h) => value >= rows[k - 1]![h]!)).toBe(true);
          }
          expect(quantiles['0.5']).toEqual(median);
          expect(rows.at(-1)![0]!).toBeGreaterThan(rows[0]![0]!);
        }
      }
    }
  });
  it('are by default those that the network is trained for', async () => {
    const model = await fitted({ output: { quantiles: [0.2, 0.5, 0.7] } });
    expect(Object.keys((await model.predict(loads(1, 60)))[0]!.quantiles)).toEqual(['0.2', '0.5', '0.7']);
  });
  it('of one level have intervals from the held-out end', async () => {
    const model = await fitted({ output: { quantiles: [0.5] } });
    const [{ quantiles }] = (await model.predict(loads(1, 60), { levels: [0.1, 0.9] })) as [never];
    expect(quantiles['0.9'][0]).toBeGreaterThan(quantiles['0.1'][0]);
  });
  it('contain new values with about their probability', async () => {
    const all = loads(2, 24 * 60, 5);
    const train = all.map(one => ({ ...one, values: Array.from(one.values).slice(0, 24 * 40) }));
    for (const output of outputs) {
      const model = await fitted({ output, epochs: 12, batchesPerEpoch: 30, learningRate: 0.01 }, train);
      let [inside, windows] = [0, 0];
      for (const one of all) {
        for (let origin = 24 * 40; origin <= 24 * 60 - 12; origin += 12) {
          const values = Array.from(one.values);
          const actual = values.slice(origin, origin + 12);
          const [forecast] = await model.predict({ ...one, values: values.slice(0, origin) }, { levels: [0.1, 0.9] });
          inside += coverage(actual, [forecast!.quantiles['0.1']!, forecast!.quantiles['0.9']!]);
          windows++;
        }
      }
      expect(inside / windows).toBeGreaterThan(0.72);
      expect(inside / windows).toBeLessThan(0.88);
    }
  });
  it('of a point forecast are symmetric about it', async () => {
    const model = await fitted({});
    const [forecast] = await model.predict(loads(1, 60), { levels: [0.2, 0.8] });
    const { mean, median, quantiles } = forecast!;
    expect(median).toEqual(mean);
    for (const [h, value] of median.entries()) {
      expect(quantiles['0.8']![h]! - value).toBeCloseTo(value - quantiles['0.2']![h]!, 9);
    }
  });
});

describe('sampled paths', () => {
  it('have the mean and the quantiles of the forecast', async () => {
    for (const output of outputs) {
      const model = await fitted({ output });
      const [forecast] = await model.predict(loads(1, 60), { levels: [0.1, 0.5, 0.9], samples: 2000, seed: 1 });
      const { quantiles, samples } = forecast!;
      expect(samples.length).toBe(2000);
      for (const h of [0, 11]) {
        for (const level of [0.1, 0.5, 0.9]) {
          const share = samples.filter(path => path[h]! <= quantiles[String(level)]![h]!).length / samples.length;
          expect(Math.abs(share - level)).toBeLessThan(0.03);
        }
      }
    }
  });
  it('of series whose errors persist have correlated steps', async () => {
    // A level that wanders: the error of a step is near that of the step before
    const random = loads(1, 400, 9)[0]!.values;
    let level = 0;
    const values = Float64Array.from(random, value => {
      level += value - 10;
      return 1000 + level;
    });
    const model = await fitted({ season: 1, calendar: false }, [{ values }]);
    const [forecast] = await model.predict({ values }, { samples: 1000, seed: 2 });
    const { samples, median } = forecast!;
    const product = (a: number, b: number) =>
      samples.reduce((sum, path) => sum + (path[a]! - median[a]!) * (path[b]! - median[b]!), 0);
    expect(product(10, 11) / Math.sqrt(product(10, 10) * product(11, 11))).toBeGreaterThan(0.5);
  });
  it('of the same seed have the same bits', async () => {
    const model = await fitted({ output: 'negativeBinomial', horizon: 7 }, [counts(150)]);
    const [a] = await model.predict(counts(100), { samples: 5, seed: 3 });
    const [b] = await model.predict(counts(100), { samples: 5, seed: 3 });
    const [c] = await model.predict(counts(100), { samples: 5, seed: 4 });
    expect(b).toEqual(a);
    expect(c!.samples).not.toEqual(a!.samples);
    expect(c!.median).toEqual(a!.median);
  });
});

describe('distributions of a step', () => {
  it('scoreOf is the inverse of at', () => {
    const raw = Float32Array.of(0.3, -0.4, 0.9);
    for (const kind of ['point', 'normal', 'studentT'] as const) {
      const marginal = marginalOf({ kind, levels: null }, raw, 0, 0.7);
      for (const z of [-3, -0.5, 0, 1, 2.5]) expect(marginal.scoreOf(marginal.at(z))).toBeCloseTo(z, 8);
    }
    const quantiles = marginalOf({ kind: 'quantiles', levels: [0.1, 0.5, 0.9] }, raw, 0, 1);
    for (const z of [-3, -0.5, 0, 1, 2.5]) expect(quantiles.scoreOf(quantiles.at(z))).toBeCloseTo(z, 8);
    // Sorted, and exact at the levels
    for (const [n, value] of [-0.4, 0.3, 0.9].entries()) {
      expect(quantiles.at(scoreOf([0.1, 0.5, 0.9][n]!))).toBeCloseTo(Math.fround(value), 9);
    }
  });
  it('counts have the quantiles of their distributions', () => {
    for (const mean of [0.02, 0.9, 7, 150, 900, 5000]) {
      const raw = Float32Array.of(mean, 0.5);
      const cases = [
        [{ kind: 'poisson', levels: null }, distribution('poisson', [[raw[0]!]])],
        [{ kind: 'negativeBinomial', levels: null }, distribution('negativeBinomialNLL', [[...raw]])],
      ] as const;
      for (const [output, expected] of cases) {
        const marginal = marginalOf(output, raw, 0, 1);
        expect(marginal.mean).toBeCloseTo(expected.mean[0]!, 6);
        for (const level of [1e-6, 0.003, 0.2, 0.5, 0.77, 0.99, 0.99999]) {
          expect(marginal.at(scoreOf(level))).toBe(expected.quantile(level)[0]);
        }
      }
    }
    expect(marginalOf({ kind: 'poisson', levels: null }, Float32Array.of(0), 0, 1).at(1)).toBe(0);
  });
  it('corrections interpolate ranks, and continue beyond them', () => {
    const calibration = { spreads: [], correlation: 0, scores: { ideal: [-1, 0, 1], found: [-2, 0, 4] } };
    expect([-3, -1, -0.5, 0, 0.5, 1, 3].map(z => corrected(calibration, z))).toEqual([-4, -2, -1, 0, 2, 4, 6]);
  });
});
