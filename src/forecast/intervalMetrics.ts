/** Scores of prediction intervals, quantiles and sampled paths. Missing actual values, NaN, are skipped. */

import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkNumber } from '../util/options.ts';
import { checkPairs, checkScale, meanOver } from './metrics.ts';
import type { Numbers } from './series.ts';

/** The lower and the upper ends of prediction intervals. */
export type Interval = readonly [lower: Numbers, upper: Numbers];

function checkInterval(call: string, actual: unknown, interval: unknown): [Numbers, Numbers, Numbers] {
  if (!Array.isArray(interval) || interval.length !== 2) {
    fail(call, `interval must be [lower, upper], got ${show(interval)}`);
  }
  const [values, lower] = checkPairs(call, actual, interval[0], 'interval[0]');
  const [, upper] = checkPairs(call, actual, interval[1], 'interval[1]');
  for (let n = 0; n < values.length; n++) {
    if (lower[n]! > upper[n]!) {
      fail(call, `interval[0] must not be above interval[1], got ${lower[n]} and ${upper[n]} at index ${n}`);
    }
  }
  return [values, lower, upper];
}

/** The share of the actual values inside the intervals, from 0 to 1. Both ends are inside. */
export function coverage(actual: Numbers, interval: Interval): number {
  rejectExtraArguments('coverage', 2, arguments);
  const [values, lower, upper] = checkInterval('coverage', actual, interval);
  return meanOver(values, (value, n) => Number(value >= lower[n]! && value <= upper[n]!));
}

/**
 * The mean scaled interval score of the M4 competition: the width of the intervals, and 2 / (1 - level) times the distance
 * of each value outside of them, divided by the scale of `mase`.
 *
 * @param level the share of values that the intervals should contain, such as 0.95
 * @param history the values before the forecast, such as the training set
 * @param season values in a season; default 1
 */
export function msis(actual: Numbers, interval: Interval, level: number, history: Numbers, season?: number): number {
  rejectExtraArguments('msis', 5, arguments);
  const call = 'msis';
  const [values, lower, upper] = checkInterval(call, actual, interval);
  const outside = 1 - checkLevel(call, level);
  const scale = checkScale(call, history, season);
  const score = meanOver(values, (value, n) => {
    const distance = Math.max(lower[n]! - value, value - upper[n]!, 0);
    return upper[n]! - lower[n]! + (2 / outside) * distance;
  });
  return score / scale;
}

/** Checks a number between 0 and 1. */
export const checkLevel = (call: string, level: unknown, name = 'level'): number =>
  checkNumber(call, name, level, { above: 0, below: 1 });

const pinballTerm = (value: number, quantile: number, level: number): number =>
  Math.max(level * (value - quantile), (level - 1) * (value - quantile));

/** The pinball loss of predicted quantiles of one level: the mean of max(level d, (level - 1) d) with d = actual - predicted. */
export function pinball(actual: Numbers, predicted: Numbers, level: number): number {
  rejectExtraArguments('pinball', 3, arguments);
  const [values, quantiles] = checkPairs('pinball', actual, predicted);
  const q = checkLevel('pinball', level);
  return meanOver(values, (value, n) => pinballTerm(value, quantiles[n]!, q));
}

/** A forecast with its uncertainty; other fields are ignored. */
export interface Distribution {
  /** Quantiles by level: `{ '0.1': [...], '0.9': [...] }`. */
  quantiles?: Readonly<Record<string, Numbers>> | null;
  /** Sampled paths, each with a value for each step. */
  samples?: readonly Numbers[] | null;
}

/**
 * The continuous ranked probability score, in the unit of the values; for a single path, it is the mean absolute error.
 * From `samples` if there are any: the mean of |X - actual| - |X - X'| / 2 over all samples X and X'. Otherwise from
 * `quantiles`: twice the mean of the pinball losses, which approximates it for evenly spaced levels.
 */
export function crps(actual: Numbers, forecast: Distribution): number {
  rejectExtraArguments('crps', 2, arguments);
  const call = 'crps';
  const { samples, quantiles } = Object(forecast) as { samples: unknown; quantiles: unknown };
  if (Array.isArray(samples) && samples.length > 0) {
    const paths = Array.from(samples, (path, n) => checkPairs(call, actual, path, `forecast.samples[${n}]`));
    return ofSamples(
      paths[0]![0],
      paths.map(([, path]) => path),
    );
  }
  const entries = typeof quantiles === 'object' && quantiles !== null ? Object.entries(quantiles) : [];
  if (entries.length === 0) fail(call, `forecast must have samples or quantiles, got ${show(forecast)}`);
  let sum = 0;
  for (const [key, list] of entries) {
    const level = checkLevel(call, Number(key), 'a level of forecast.quantiles');
    const [values, predicted] = checkPairs(call, actual, list, `forecast.quantiles['${key}']`);
    sum += meanOver(values, (value, n) => pinballTerm(value, predicted[n]!, level));
  }
  return (2 * sum) / entries.length;
}

function ofSamples(actual: Numbers, paths: readonly Numbers[]): number {
  const count = paths.length;
  const sorted = new Float64Array(count);
  return meanOver(actual, (value, n) => {
    for (let p = 0; p < count; p++) sorted[p] = paths[p]![n]!;
    sorted.sort();
    let distance = 0;
    let spread = 0; // of sorted samples, the sum of |X - X'| over all pairs is that of 2 (2 p + 1 - count) X
    for (let p = 0; p < count; p++) {
      distance += Math.abs(sorted[p]! - value);
      spread += (2 * p + 1 - count) * sorted[p]!;
    }
    return distance / count - spread / (count * count);
  });
}
