/** Forecasts the series of a file: reads it, compares the network with baselines, and writes the best forecast. */

import { basename, resolve } from 'node:path';
import { type BacktestReport, type Forecast, forecaster, naive, seasonalNaive } from '../forecast/index.ts';
import { type BaselineForecast, forecastBaseline } from './baselineForecast.ts';
import { prepareFolder, writeForecasts } from './outputFiles.ts';
import { progressBar } from './progress.ts';
import { type Known, planOf, readSeries } from './seriesFile.ts';
import { bestOf, describeList, type Scores, type Sources, table, verdict } from './texts.ts';
import type { ForecastCommand } from './usage.ts';

const baselines = { naive, seasonalNaive };

export async function forecastFile(command: ForecastCommand): Promise<void> {
  const { horizon, levels, seed, out } = command;
  const series = readSeries(command);
  const { season, folds } = planOf(command, series);
  prepareFolder(out);
  const print = (text: string) => process.stdout.write(`${text}\n`);
  print(describeList(basename(command.file), series));

  const bar = progressBar();
  let report: BacktestReport;
  let found: Forecast[];
  const model = forecaster({ horizon, seed, season: command.season });
  try {
    report = await model.backtest(series, {
      folds,
      levels,
      metrics: ['mae', 'mase', 'smape', 'coverage'],
      onProgress: ({ epoch, epochs }) => bar.show(epoch / epochs / 2, `backtest, epoch ${epoch} of at most ${epochs}`),
    });
    await model.fit(series, {
      onProgress: ({ epoch, epochs }) =>
        bar.show(0.5 + epoch / epochs / 2, `training, epoch ${epoch} of at most ${epochs}`),
    });
    found = await model.predict(series, { levels });
  } finally {
    bar.clear();
  }
  const scores = scoresOf(report, series, horizon, season, levels);
  const best = bestOf(scores);
  if (best !== 'model') {
    found = found.map((one, n) => ({ ...one, ...baselineOf(best, series[n]!.values, horizon, season, levels) }));
  }

  const count = `${folds} forecast${folds === 1 ? '' : 's'} of ${horizon} steps`;
  print(`\nBacktest: ${count} from the end of ${series.length === 1 ? 'the series' : 'each series'}`);
  print(table(scores, levels));
  print(`\n${verdict(scores, best)}`);
  if (series.length > 1) {
    const wins = winsOf(report, series, horizon, season);
    print(`The network is better than both baselines in ${wins} of ${series.length} series.`);
  }

  const written = await writeForecasts(out, series, found, levels, season, model);
  print(`Wrote ${written} to ${resolve(out)}`);
}

const baselineOf = (
  name: keyof typeof baselines,
  values: Float64Array,
  horizon: number,
  season: number,
  levels: readonly number[],
): BaselineForecast & { mean: Float64Array } => {
  const found = forecastBaseline(baselines[name], values, horizon, season, levels);
  return { ...found, mean: found.median };
};

/** In how many series the network has a smaller absolute error than both baselines. */
function winsOf({ forecasts }: BacktestReport, series: readonly Known[], horizon: number, season: number): number {
  const folds = forecasts.length / series.length;
  return series.filter(({ values }, n) => {
    const errors = { model: 0, naive: 0, seasonalNaive: 0 };
    for (const { fold, actual, median } of forecasts.filter((_, k) => k % series.length === n)) {
      const history = values.subarray(0, values.length - (folds - fold) * horizon);
      const predicted = {
        model: median,
        naive: naive(history, horizon),
        seasonalNaive: seasonalNaive(history, horizon, season),
      };
      for (const name of ['model', 'naive', 'seasonalNaive'] as const) {
        for (const [h, value] of actual.entries()) errors[name] += Math.abs(value - predicted[name][h]!) || 0;
      }
    }
    return errors.model < Math.min(errors.naive, errors.seasonalNaive);
  }).length;
}

/** The scores of a backtest, with the coverage of baselines as well. */
function scoresOf(
  { scores, forecasts }: BacktestReport,
  series: readonly Known[],
  horizon: number,
  season: number,
  levels: readonly number[],
): Scores {
  const folds = forecasts.length / series.length;
  const rowOf = (name: keyof Sources, coverage?: number) => {
    const { mae = Number.NaN, mase = Number.NaN, smape = Number.NaN, coverage: own = Number.NaN } = scores[name];
    return { mae, mase, smape, coverage: coverage ?? own };
  };
  const coverageOf = (name: keyof typeof baselines) => {
    let [inside, count] = [0, 0];
    for (const [n, { fold, actual }] of forecasts.entries()) {
      const { values } = series[n % series.length]!;
      const origin = values.length - (folds - fold) * horizon;
      const { quantiles } = baselineOf(name, values.subarray(0, origin), horizon, season, levels);
      const [lower, upper] = [quantiles[String(levels[0])]!, quantiles[String(levels.at(-1))]!];
      for (const [h, value] of actual.entries()) {
        if (Number.isNaN(value)) continue;
        count++;
        if (value >= lower[h]! && value <= upper[h]!) inside++;
      }
    }
    return inside / count;
  };
  return {
    model: rowOf('model'),
    naive: rowOf('naive', coverageOf('naive')),
    seasonalNaive: rowOf('seasonalNaive', coverageOf('seasonalNaive')),
  };
}
