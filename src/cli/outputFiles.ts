/** The files that the command writes. */

import { mkdirSync, mkdtempSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Forecast, type Forecaster, timeRange } from '../forecast/index.ts';
import { forecastPlot, writeSVG } from '../plot/node.ts';
import { reasonOf, show } from '../util/errors.ts';
import type { Known } from './seriesFile.ts';
import { CommandError } from './usage.ts';

/** Charts of several series, the first ones. */
const MOST_CHARTS = 20;

const failed = (out: string, error: unknown): never => {
  throw new CommandError(`cannot write to ${show(out)}: ${reasonOf(error)}`);
};

/** Creates a folder, and fails unless files can be written to it. */
export function prepareFolder(out: string): void {
  try {
    makeFolder(resolve(out));
    rmdirSync(mkdtempSync(join(out, '.lstm-wasm-')));
  } catch (error) {
    failed(out, error);
  }
}

/** Without the option `recursive`, with which Node 20 does not return for folders in /proc. */
function makeFolder(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  if (found) throw new Error('it is not a folder');
  if (dirname(path) !== path) makeFolder(dirname(path));
  mkdirSync(path);
}

/** @returns what was written, for people */
export async function writeForecasts(
  out: string,
  series: readonly Known[],
  forecasts: readonly Forecast[],
  levels: readonly number[],
  season: number,
  model: Forecaster,
): Promise<string> {
  const drawn = series.slice(0, MOST_CHARTS);
  try {
    writeFileSync(join(out, 'forecast.csv'), csvOf(forecasts, levels));
    if (series.length === 1) {
      writeSVG(join(out, 'forecast.svg'), drawing(series[0]!, forecasts[0]!, season));
    } else {
      makeFolder(resolve(out, 'charts'));
      for (const [n, name] of fileNames(drawn.map(({ id }) => id ?? '')).entries()) {
        writeSVG(join(out, 'charts', `${name}.svg`), drawing(drawn[n]!, forecasts[n]!, season));
      }
    }
    await model.save(`file://${join(resolve(out), 'model')}`);
  } catch (error) {
    failed(out, error);
  }
  if (series.length === 1) return 'forecast.csv, forecast.svg and the folder model';
  const first = series.length > drawn.length ? ` (the first ${drawn.length} series)` : '';
  return `forecast.csv and the folders charts${first} and model`;
}

/** Names of files for ids, all different. */
export function fileNames(ids: readonly string[]): string[] {
  const taken = new Set<string>();
  return ids.map(id => {
    const plain = id.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[.-]+|[.-]+$/g, '') || 'series';
    let name = plain;
    for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${plain}-${n}`;
    taken.add(name.toLowerCase());
    return name;
  });
}

/** Seven digits, more than a forecast has. */
const digits = (value: number) => String(Number(value.toPrecision(7)));

const quoted = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** A row for each step; of several series, with the id in front. */
function csvOf(forecasts: readonly Forecast[], levels: readonly number[]): string {
  const several = forecasts.length > 1;
  const rows = forecasts.flatMap(({ id, time, median, quantiles }) => {
    const lists = [median, ...levels.map(level => quantiles[String(level)]!)];
    return time.map((at, h) => {
      return [...(several ? [quoted(id ?? '')] : []), at, ...lists.map(list => digits(list[h]!))].join(',');
    });
  });
  return `${[[...(several ? ['id'] : []), 'time', 'forecast', ...levels].join(','), ...rows].join('\n')}\n`;
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
