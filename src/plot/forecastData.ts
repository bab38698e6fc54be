/** Reads and checks forecasts: their times, medians and quantiles, and the bands between these. */

import { fail, show } from '../util/errors.ts';
import { checkOptions, isPlain } from '../util/options.ts';
import type { Band } from './bands.ts';
import { checkLength, checkNumbers, isList } from './checks.ts';
import { checkLines, type Line, type LineData, type LineSet, type Positions } from './lineData.ts';

/** A forecast, such as one of `forecaster.predict`; keys that are not drawn are accepted. */
export interface ForecastLines {
  /** The times of the steps; default: those after the history. */
  time?: Positions;
  /** Drawn, if there is no median. */
  mean?: ArrayLike<number>;
  median?: ArrayLike<number>;
  /** Values by level, such as { '0.1': [...], '0.9': [...] }; those of 0.1 and 0.9 are the ends of a band. */
  quantiles?: Readonly<Record<string, ArrayLike<number>>>;
  /** The values that followed. */
  actual?: ArrayLike<number>;
  id?: string | null;
  samples?: unknown;
  fold?: number;
}
const forecastKeys = ['time', 'mean', 'median', 'quantiles', 'actual', 'id', 'samples', 'fold'] as const;

/** A checked forecast. */
export interface ReadForecast {
  /** The median, the mean or the only quantile. */
  centre: Line;
  centreLabel: string;
  /** The widest first. */
  bands: Band[];
  actual: ArrayLike<number> | undefined;
}

/**
 * Checks the forecasts and other lines of a chart.
 *
 * @param others lines by name, such as the history
 * @param next the first step of forecasts without times
 */
export function checkForecasts(
  call: string,
  forecasts: Readonly<Record<string, unknown>>,
  others: Readonly<Record<string, unknown>>,
  next: number,
): { set: LineSet; read: ReadForecast[] } {
  const parts = Object.entries(forecasts).map(([name, value]) => readParts(call, name, value));
  const lines: Record<string, LineData> = {};
  for (const { name, centre, time } of parts) {
    lines[name] = { time: time ?? Array.from(centre, (_, n) => next + n), values: centre };
  }
  const set = checkLines(call, { ...others, ...lines }, 'time');
  const read = parts.map(({ name, centreLabel, quantiles, actual }) => {
    const centre = set.lines.find(line => line.name === name)!;
    return { centre, centreLabel, bands: bandsOf(quantiles, centre.at), actual };
  });
  return { set, read };
}

type Quantiles = readonly (readonly [level: number, values: ArrayLike<number>])[];

function readParts(call: string, name: string, value: unknown) {
  if (!isPlain(value)) {
    const rule = `${name} must be a forecast such as { time, median, quantiles }`;
    fail(
      call,
      `${rule}, got ${show(value)}${Array.isArray(value) && isPlain(value[0]) ? '; pass one of its items' : ''}`,
    );
  }
  const given = checkOptions<ForecastLines>(call, value, forecastKeys);
  const quantiles = checkQuantiles(call, `${name}.quantiles`, given.quantiles);
  const middle = quantiles.find(([level]) => level === 0.5)?.[1];
  const median = given.median ?? middle;
  const centre = checkNumbers(
    call,
    `${name}.${median ? 'median' : 'mean'}`,
    median ?? given.mean ?? (quantiles.length === 1 ? quantiles[0]![1] : undefined),
  );
  for (const [level, values] of quantiles) {
    checkLength(call, `${name}.quantiles of ${level}`, values, 'its steps', centre.length);
  }
  const actual = given.actual === undefined ? undefined : checkNumbers(call, `${name}.actual`, given.actual);
  if (actual) checkLength(call, `${name}.actual`, actual, 'its steps', centre.length);
  if (given.time !== undefined && !isList(given.time)) {
    fail(call, `${name}.time must be an array of numbers or dates, got ${show(given.time)}`);
  }
  const centreLabel = median ? 'median' : given.mean ? 'mean' : 'forecast';
  return { name, time: given.time, centre, centreLabel, quantiles, actual };
}

function checkQuantiles(call: string, name: string, value: unknown): Quantiles {
  if (value === undefined) return [];
  if (!isPlain(value)) fail(call, `${name} must be an object with a list for each level, got ${show(value)}`);
  return Object.entries(value)
    .map(([text, values]) => {
      const level = Number(text);
      if (!(level > 0 && level < 1)) fail(call, `${name} must have levels between 0 and 1, got ${show(text)}`);
      return [level, checkNumbers(call, `${name} of ${text}`, values)] as const;
    })
    .sort(([a], [b]) => a - b);
}

/** Bands between the outermost levels, the next ones, and so on. */
function bandsOf(quantiles: Quantiles, at: ArrayLike<number>): Band[] {
  const outer = quantiles.filter(([level]) => level !== 0.5);
  return Array.from({ length: Math.floor(outer.length / 2) }, (_, n) => {
    const [[low, lower], [high, upper]] = [outer[n]!, outer[outer.length - 1 - n]!];
    return { label: intervalLabel(low, high), at, lower, upper };
  });
}

function intervalLabel(low: number, high: number): string {
  const percent = (share: number) => String(Number((100 * share).toPrecision(6)));
  const isCentral = Math.abs(low + high - 1) < 1e-9;
  return isCentral ? `${percent(high - low)} % interval` : `${percent(low)} % to ${percent(high)} %`;
}
