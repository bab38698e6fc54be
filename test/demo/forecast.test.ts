/** The forecast of a user's CSV file: reading it, the sizes of the forecast, and the texts of the results. */

import { forecaster } from 'lstm-wasm/forecast';
import { describe, expect, it } from 'vitest';
import { mostHorizon, planOf, seasonOf, stepName, timeText, usualHorizon } from '../../demo/forecast/plan.ts';
import { errorRows, forecastCsv, summaryOf, verdict } from '../../demo/forecast/results.ts';
import { columnsOf, exampleText, textOf } from '../../demo/forecast/table.ts';
import type { Report } from '../../demo/forecast/thread.ts';

const rows = (row: (n: number) => string, count = 40) => Array.from({ length: count }, (_, n) => row(n)).join('\n');
const day = (n: number) => new Date(Date.UTC(2024, 0, 1 + n)).toISOString().slice(0, 10);
const namesIn = (text: string) => columnsOf(text).map(({ name }) => name);

describe('the table of a forecast', () => {
  it('has a series with dates for each column of numbers', () => {
    const columns = columnsOf(`date,sales,price\n${rows(n => `${day(n)},${n * n},${n}.5`)}`);
    expect(columns.map(({ name }) => name)).toEqual(['sales', 'price']);
    expect(columns[0]!.series).toMatchObject({ start: '2024-01-01', frequency: 'day' });
    expect(Array.from(columns[1]!.series.values).slice(0, 2)).toEqual([0.5, 1.5]);
  });

  it('names the only column', () => {
    expect(namesIn(`date;sales\n${rows(n => `${day(n)};${n},5`)}`)).toEqual(['sales']);
    expect(namesIn(`sales\n${rows(n => `${n * n}`)}`)).toEqual(['sales']);
  });

  it('leaves out columns of text', () => {
    expect(namesIn(`date,"shop",sales\n${rows(n => `${day(n)},north,${n}`)}`)).toEqual(['sales']);
  });

  it('rejects text that is not a table, with the reason', () => {
    expect(() => columnsOf(`date,sales\n${rows(n => `${day(n)},${n}`, 12)}`)).toThrow('The table has 12 rows.');
    expect(() => columnsOf(`name,shop\n${rows(() => 'a,b')}`)).toThrow('The table cannot be read: ');
    expect(() => columnsOf('')).toThrow('The table cannot be read: ');
    expect(() => columnsOf('PK\x03\x04\0\0')).toThrow('The table cannot be read: ');
  });

  it('is decoded from UTF-8, UTF-16 and Windows-1252', async () => {
    const utf16 = new Uint8Array([0xff, 0xfe, 0xe9, 0x00]);
    const files = [new TextEncoder().encode('é'), utf16, new Uint8Array([0xe9])];
    for (const bytes of files) {
      expect((await textOf(new File([bytes], 'a.csv'))).replace('\uFEFF', '')).toBe('é');
    }
  });
});

describe('the sizes of a forecast', () => {
  const series = (length: number, frequency?: 'month' | 'hour' | 'year') => ({
    values: new Float64Array(length),
    ...(frequency && { start: '2020-01-01', frequency }),
  });

  it('are a season of forecast and a fifth of the series held out', () => {
    const monthly = series(144, 'month');
    expect(seasonOf(monthly)).toBe(12);
    expect(usualHorizon(monthly)).toBe(12);
    expect(planOf(monthly, 12)).toEqual({ horizon: 12, inputSteps: 36, season: 12, folds: 2, heldOut: 24 });
    expect(usualHorizon(series(400, 'hour'))).toBe(24);
    expect(usualHorizon(series(400))).toBe(12);
  });

  it('leave enough values for training, for every length and horizon', async () => {
    for (const length of [30, 47, 100, 1000]) {
      for (const frequency of [undefined, 'month', 'hour', 'year'] as const) {
        const one = series(length, frequency);
        for (const horizon of new Set([1, usualHorizon(one), mostHorizon(one)])) {
          const { inputSteps, folds, season } = planOf(one, horizon);
          expect(inputSteps, `${length} ${frequency} ${horizon}`).toBeGreaterThanOrEqual(1);
          expect(length - folds * horizon).toBeGreaterThan(inputSteps + 2 * horizon);
          expect(() => forecaster({ horizon, inputSteps, season })).not.toThrow();
        }
      }
    }
  });

  it('have times as precise as the frequency', () => {
    const time = new Date(Date.UTC(2024, 4, 1, 10));
    const frequencies = ['year', 'month', 'hour'] as const;
    expect(frequencies.map(each => timeText(time, each))).toEqual(['2024', '2024-05', '2024-05-01 10:00']);
    expect(timeText(new Date(Date.UTC(2024, 4, 1)), 'day')).toBe('2024-05-01');
  });

  it('name a step', () => {
    expect(stepName('month')).toBe('month');
    expect(stepName('businessDay')).toBe('business day');
    expect(stepName({ every: 5, unit: 'minute' })).toBe('5-minute step');
    expect(stepName(undefined)).toBe('row');
  });
});

describe('the results of a forecast', () => {
  const scores = (mae: number, coverage?: number) => ({
    mae,
    mase: mae / 2,
    smape: 10 * mae,
    ...(coverage && { coverage }),
  });
  const report = (own: number, naive: number, seasonalNaive: number): Report => ({
    scores: { model: scores(own, 0.75), naive: scores(naive), seasonalNaive: scores(seasonalNaive) },
    forecasts: [],
    nominalCoverage: 0.8,
  });

  it('compare the network with the better baseline', () => {
    expect(verdict(report(0.6, 2, 0.8), 12)).toBe(
      'The mean absolute error of the LSTM is 25 % below that of the seasonal naive forecast. ' +
        'Its 80 % intervals contain 75 % of the held-out values.',
    );
    expect(verdict(report(3, 2, 4), 12)).toMatch('50 % above that of the naive forecast: use the baseline');
    expect(verdict(report(1, 0, 0), 1)).toMatch(/^The naive forecast is exact on the held-out end: use it/);
    expect(verdict(report(NaN, 1, 1), 1)).toMatch('cannot be computed');
  });

  it('have a row for each forecast, and no seasonal baseline without a season', () => {
    expect(errorRows(report(1234.5678, 2, 3), 12)).toEqual([
      { name: 'LSTM', mae: '1,230', mase: '617', smape: '12,300 %' },
      { name: 'Seasonal naive', mae: '3', mase: '1.5', smape: '30 %' },
      { name: 'Naive', mae: '2', mase: '1', smape: '20 %' },
    ]);
    expect(errorRows(report(1, 2, 3), 1).map(({ name }) => name)).toEqual(['LSTM', 'Naive']);
  });

  it('are written as CSV', () => {
    const list = (...values: number[]) => Float64Array.from(values);
    const forecast = {
      id: null,
      time: ['2024-01-01', '2024-01-02'],
      mean: list(1, 2),
      median: list(1.5, 2),
      quantiles: { '0.1': list(1, 1), '0.5': list(1.5, 2), '0.9': list(2, 3) },
      samples: [],
    };
    expect(forecastCsv('sales, net', forecast)).toBe(
      'time,"sales, net","sales, net quantile 0.1","sales, net quantile 0.9"\r\n' +
        '2024-01-01,1.5,1,2\r\n2024-01-02,2,1,3\r\n',
    );
  });

  it('begin with a summary of the data', () => {
    const [{ series }] = columnsOf(exampleText()) as [ReturnType<typeof columnsOf>[number]];
    expect(series).toMatchObject({ start: '2014-01-01', frequency: 'month' });
    expect(series.values).toHaveLength(144);
    expect(summaryOf('sales', 1440, 2, ['2014-01-01', '2025-12-01'])).toBe(
      '1,440 values of sales, 2014-01-01 to 2025-12-01, 2 missing.',
    );
    expect(summaryOf('sales', 30, 0, null)).toBe('30 values of sales.');
  });
});
