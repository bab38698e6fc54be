/** Forecasts the series of a file: reads it, compares the network with baselines, and writes the best forecast. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { leastLength } from '../forecast/fitForecaster.ts';
import { checkForecasterOptions, resolveSettings } from '../forecast/forecasterOptions.ts';
import {
  type BacktestReport,
  type Forecast,
  forecaster,
  naive,
  readCsv,
  type Series,
  seasonalNaive,
  timeRange,
} from '../forecast/index.ts';
import { forecastPlot, writeSVG } from '../plot/node.ts';
import { reasonOf, show } from '../util/errors.ts';
import { type BaselineForecast, forecastBaseline } from './baselineForecast.ts';
import { progressBar } from './progress.ts';
import { bestOf, describeSeries, type Scores, type Sources, table, verdict } from './texts.ts';
import { CommandError, type ForecastCommand, UsageError } from './usage.ts';

const MOST_FOLDS = 5;
const baselines = { naive, seasonalNaive };

/** A series whose last value is known. */
type Known = Series & { values: Float64Array };

export async function forecastFile(command: ForecastCommand): Promise<void> {
  const { horizon, levels, seed, out } = command;
  const series = readSeries(command);
  const { values, frequency = null } = series;
  const { season, folds } = planOf(command, series);
  const print = (text: string) => process.stdout.write(`${text}\n`);
  print(describeSeries(basename(command.file), series));

  const bar = progressBar();
  let scores: Scores;
  let found: Forecast;
  const model = forecaster({ horizon, seed, ...(frequency === null && { season }) });
  try {
    const report = await model.backtest(series, {
      folds,
      levels,
      metrics: ['mae', 'mase', 'smape', 'coverage'],
      onProgress: ({ epoch, epochs }) => bar.show(epoch / epochs / 2, `backtest, epoch ${epoch} of at most ${epochs}`),
    });
    scores = scoresOf(report, values, horizon, season, levels);
    await model.fit(series, {
      onProgress: ({ epoch, epochs }) =>
        bar.show(0.5 + epoch / epochs / 2, `training, epoch ${epoch} of at most ${epochs}`),
    });
    found = (await model.predict(series, { levels }))[0]!;
  } finally {
    bar.clear();
  }
  const best = bestOf(scores);
  if (best !== 'model') found = { ...found, ...baselineOf(best, values, horizon, season, levels) };

  print(`\nBacktest: ${folds} forecast${folds === 1 ? '' : 's'} of ${horizon} steps from the end of the series`);
  print(table(scores, levels));
  print(`\n${verdict(scores, best)}`);

  try {
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, 'forecast.csv'), csvOf(found, levels));
    writeSVG(join(out, 'forecast.svg'), drawing(series, found, season));
    await model.save(`file://${join(resolve(out), 'model')}`);
  } catch (error) {
    throw new CommandError(`cannot write to ${show(out)}: ${reasonOf(error)}`);
  }
  print(`Wrote forecast.csv, forecast.svg and the folder model to ${resolve(out)}`);
}

function readSeries({ file, value, time, dateFormat }: ForecastCommand): Known {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(`cannot read ${show(file)}: ${code === 'ENOENT' ? 'no such file' : reasonOf(error)}`);
  }
  let list: Series[];
  try {
    list = readCsv(text, { value, time, dateFormat });
  } catch (error) {
    const reason = reasonOf(error)
      .replace(/^readCsv: /, '')
      .replace(/; pass id .*$/, '; the table must have one series');
    throw new CommandError(
      `${basename(file)}: ${reason.replace('dateFormat must', '--date-format must').replace('pass value', 'pass --value')}`,
    );
  }
  if (list.length > 1) {
    const names = list.slice(0, 20).map(({ id }) => show(id));
    throw new UsageError(`--value must be one of the columns ${names.join(', ')}, got none`);
  }
  const [first] = list;
  const all = Float64Array.from(first!.values);
  const values = all.subarray(0, all.findLastIndex(number => !Number.isNaN(number)) + 1);
  if (values.length === 0)
    throw new CommandError(`${basename(file)}: the column of values must have numbers, got none`);
  return { ...first!, id: value ?? first!.id, values };
}

/** The season, and as many origins as leave at least half of the series for training. */
function planOf({ file, horizon }: ForecastCommand, { values, frequency }: Known): { season: number; folds: number } {
  const call = 'forecaster';
  const settings = resolveSettings(call, checkForecasterOptions(call, { horizon }), frequency ?? null);
  const least = leastLength(settings);
  if (values.length < least + horizon) {
    const rule = `must have at least ${least + horizon} values for a horizon of ${horizon}`;
    throw new CommandError(`${basename(file)}: the series ${rule}, got ${values.length}`);
  }
  const most = Math.min((values.length - least) / horizon, values.length / 2 / horizon, MOST_FOLDS);
  return { season: settings.season, folds: Math.max(1, Math.floor(most)) };
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

/** The scores of a backtest, with the coverage of baselines as well. */
function scoresOf(
  { scores, forecasts }: BacktestReport,
  values: Float64Array,
  horizon: number,
  season: number,
  levels: readonly number[],
): Scores {
  const rowOf = (name: keyof Sources, coverage?: number) => {
    const { mae = Number.NaN, mase = Number.NaN, smape = Number.NaN, coverage: own = Number.NaN } = scores[name];
    return { mae, mase, smape, coverage: coverage ?? own };
  };
  const coverageOf = (name: keyof typeof baselines) => {
    let [inside, count] = [0, 0];
    for (const { fold, actual } of forecasts) {
      const origin = values.length - (forecasts.length - fold) * horizon;
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

/** Seven digits, more than a forecast has. */
const digits = (value: number) => String(Number(value.toPrecision(7)));

function csvOf({ time, median, quantiles }: Forecast, levels: readonly number[]): string {
  const lists = [median, ...levels.map(level => quantiles[String(level)]!)];
  const rows = time.map((at, h) => [at, ...lists.map(list => digits(list[h]!))].join(','));
  return `${[['time', 'forecast', ...levels].join(','), ...rows].join('\n')}\n`;
}

function drawing({ id, start, frequency, values }: Known, forecast: Forecast, season: number) {
  const { median, quantiles } = forecast;
  const steps = values.length + median.length;
  const times = start && frequency ? timeRange(start, steps, frequency) : Array.from({ length: steps }, (_, n) => n);
  const [before, after] = [times.slice(0, values.length), times.slice(values.length)] as [Date[], Date[]];
  const historySteps = Math.max(3 * median.length, 2 * season);
  const plot = forecastPlot({ title: id ? `Forecast of ${id}` : 'Forecast', historySteps });
  return plot.update({ history: { time: before, values }, forecast: { time: after, median, quantiles } });
}
