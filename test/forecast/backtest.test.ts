// Backtests, and saved forecasters.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { io } from 'lstm-wasm';
import { forecaster, loadForecaster, mae, mase, naive, rmse, seasonalNaive, smape } from 'lstm-wasm/forecast';
import { describe, expect, it } from 'vitest';
import { counts, loads, small } from './forecasterSeries.ts';

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('a backtest', () => {
  const options = { folds: 3, step: 6, metrics: ['mae', 'rmse', 'smape', 'mase', 'crps', 'coverage', 'msis'] } as const;

  it('scores forecasts from rolling origins as the metrics do, beside the baselines', async () => {
    const series = loads(2, 160);
    const { scores, byStep, forecasts, nominalCoverage } = await forecaster(small).backtest(series, options);
    expect(nominalCoverage).toBeCloseTo(0.8, 12);
    expect(forecasts.map(({ id, fold }) => `${id} ${fold}`)).toEqual([
      ...['meter 0 0', 'meter 1 0', 'meter 0 1', 'meter 1 1', 'meter 0 2', 'meter 1 2'],
    ]);
    const histories = forecasts.map(({ id, fold }) => {
      const { values } = series.find(one => one.id === id)!;
      return Array.from(values).slice(0, 160 - 12 - (2 - fold) * 6);
    });
    for (const [n, { actual, time }] of forecasts.entries()) {
      const from = histories[n]!.length;
      const { values } = series.find(({ id }) => id === forecasts[n]!.id)!;
      expect(Array.from(actual)).toEqual(Array.from(values).slice(from, from + 12));
      expect(time[0]).toBe(new Date(Date.UTC(2024, 0, 1, from)).toISOString().slice(0, 19));
    }
    const each = (of: (history: number[], n: number) => ArrayLike<number>) => histories.map(of);
    const predicted = {
      model: forecasts.map(({ median }) => median),
      naive: each(history => naive(history, 12)),
      seasonalNaive: each(history => seasonalNaive(history, 12, 24)),
    };
    for (const name of ['model', 'naive', 'seasonalNaive'] as const) {
      const errors = (metric: (actual: ArrayLike<number>, guess: ArrayLike<number>, n: number) => number) =>
        mean(forecasts.map(({ actual }, n) => metric(actual, predicted[name][n]!, n)));
      expect(scores[name].mae).toBeCloseTo(
        errors((actual, guess) => mae(actual, guess)),
        9,
      );
      expect(scores[name].smape).toBeCloseTo(
        errors((actual, guess) => smape(actual, guess)),
        9,
      );
      expect(scores[name].mase).toBeCloseTo(
        errors((actual, guess, n) => mase(actual, guess, histories[n]!, 24)),
        9,
      );
      const squares = mean(forecasts.map(({ actual }, n) => rmse(actual, predicted[name][n]!) ** 2));
      expect(scores[name].rmse).toBeCloseTo(Math.sqrt(squares), 9);
      const last = forecasts.map(({ actual }, n) => Math.abs(actual[11]! - predicted[name][n]![11]!));
      expect(byStep[name].mae![11]).toBeCloseTo(mean(last), 9);
      expect(byStep[name].mae!.length).toBe(12);
    }
    expect(scores.model.coverage).toBeGreaterThan(0.5);
    expect(scores.naive.coverage).toBeNaN();
    expect(scores.naive.crps).toBeCloseTo(scores.naive.mae!, 9);
    expect(scores.model.crps!).toBeLessThan(scores.model.mae!);
  });
  it('trains on nothing that follows the origin', async () => {
    const [one] = loads(1, 160);
    const values = Array.from(one!.values);
    const changed = { ...one!, values: values.map((value, n) => (n < 136 ? value : 0)) };
    const [report, other] = [
      await forecaster(small).backtest(one!, options),
      await forecaster(small).backtest(changed, options),
    ];
    expect(other.forecasts[0]!.median).toEqual(report.forecasts[0]!.median);
    expect(other.forecasts[2]!.median).not.toEqual(report.forecasts[2]!.median);
  });
  it('with refit trains once more for each origin, and leaves the forecaster as it was', async () => {
    const [one] = loads(1, 160);
    const model = forecaster(small);
    await model.fit(one!);
    const before = await model.predict(one!);
    const folds: number[] = [];
    const report = await model.backtest(one!, {
      ...options,
      refit: true,
      onProgress: ({ fold, folds: all, epoch }) => {
        expect(all).toBe(3);
        if (epoch === 1) folds.push(fold);
      },
    });
    expect(folds).toEqual([1, 2, 3]);
    const once = await model.backtest(one!, options);
    expect(report.forecasts[0]!.median).toEqual(once.forecasts[0]!.median);
    expect(report.forecasts[2]!.median).not.toEqual(once.forecasts[2]!.median);
    expect(await model.predict(one!)).toEqual(before);
  });
  it('skips missing actual values, and can be aborted', async () => {
    const [one] = loads(1, 160);
    const values = Array.from(one!.values, (value, n) => (n % 4 === 1 ? Number.NaN : value));
    const { scores } = await forecaster(small).backtest({ ...one!, values }, options);
    for (const value of Object.values(scores.model)) expect(value).toBeGreaterThanOrEqual(0);
    await expect(forecaster(small).backtest(one!, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
      'enough',
    );
  });
});

describe('a saved forecaster', () => {
  const series = loads(3, 120).map((one, n) => ({
    ...one,
    past: { wind: Array.from({ length: 120 }, (_value, t) => Math.sin(t)) },
    future: { holiday: Array.from({ length: 132 }, (_value, t) => Number(t % 50 === 0)) },
    static: { region: n > 1 ? 'a' : 'b', area: n },
  }));

  it('predicts the same bits after loading, from memory and from a folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'forecaster-'));
    try {
      for (const output of ['point', { quantiles: [0.1, 0.5, 0.9] }, 'studentT'] as const) {
        const model = forecaster({ ...small, ensemble: 2, output, frequency: 'hour' });
        await model.fit(series);
        const expected = await model.predict(series, { samples: 2, seed: 1, levels: [0.05, 0.5, 0.8] });
        const target = `file://${folder}`;
        await model.save(target);
        const memory = io.withSaveHandler(async artifacts => {
          const again = await loadForecaster(io.fromMemory(artifacts));
          expect(await again.predict(series, { samples: 2, seed: 1, levels: [0.05, 0.5, 0.8] })).toEqual(expected);
          expect([again.horizon, again.inputSteps, again.season]).toEqual([12, 48, 24]);
          const sizes = { modelTopologyBytes: 0, weightSpecsBytes: 0, weightDataBytes: 0 };
          return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON', ...sizes } };
        });
        await model.save(memory);
        const loaded = await loadForecaster(target);
        expect(await loaded.predict(series, { samples: 2, seed: 1, levels: [0.05, 0.5, 0.8] })).toEqual(expected);
        await loaded.fit(series); // from the saved options, with the saved seed
        expect(await loaded.predict(series, { samples: 2, seed: 1, levels: [0.05, 0.5, 0.8] })).toEqual(expected);
      }
      const model = forecaster({ ...small, horizon: 7, output: 'poisson' });
      await model.fit(counts(150));
      await model.save(`file://${folder}/counts`);
      const loaded = await loadForecaster(`file://${folder}/counts`);
      expect(await loaded.predict(counts(100))).toEqual(await model.predict(counts(100)));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
