/** Forecasts without a model, which a model must beat. */

import { rejectExtraArguments } from '../util/arguments.ts';
import { fail } from '../util/errors.ts';
import { checkCount } from '../util/options.ts';
import { interpolated } from './missing.ts';
import { checkNumbers, count, knownOf } from './series.ts';

/** A forecast without a model. `season` is the number of values in a season, such as 24 for hours. */
export type Baseline = (values: ArrayLike<number>, horizon: number, season?: number) => Float64Array;

interface Checked {
  past: ArrayLike<number>;
  steps: number;
  period: number;
}

/** Checks the arguments of a baseline. */
function check(call: string, values: unknown, horizon: unknown, season: unknown): Checked {
  return {
    past: checkNumbers(call, 'values', values, { known: true }),
    steps: checkCount(call, 'horizon', horizon),
    period: checkCount(call, 'season', season ?? 1),
  };
}

function lastKnown(values: ArrayLike<number>, from = values.length - 1, step = 1): number {
  let n = from;
  while (n >= 0 && Number.isNaN(values[n]!)) n -= step;
  return n;
}

/** Repeats the last value that is not missing. */
export function naive(values: ArrayLike<number>, horizon: number, season?: number): Float64Array {
  rejectExtraArguments('naive', 3, arguments);
  const { past, steps } = check('naive', values, horizon, season);
  return new Float64Array(steps).fill(past[lastKnown(past)]!);
}

/**
 * Repeats the last season. A missing value is taken from the season before it, and if it is missing in all of them, it is
 * the last value that is not missing.
 *
 * @param season values in a season; default 1, which is `naive`
 */
export function seasonalNaive(values: ArrayLike<number>, horizon: number, season?: number): Float64Array {
  rejectExtraArguments('seasonalNaive', 3, arguments);
  const { past, steps, period } = check('seasonalNaive', values, horizon, season);
  if (past.length < period) {
    fail('seasonalNaive', `values must have at least a season, ${count(period, 'number')}, got ${past.length}`);
  }
  const fallback = past[lastKnown(past)]!;
  const result = new Float64Array(steps);
  for (let h = 0; h < steps; h++) {
    const found = h < period ? lastKnown(past, past.length - period + h, period) : -1;
    result[h] = h >= period ? result[h - period]! : found < 0 ? fallback : past[found]!;
  }
  return result;
}

/** Continues the line through the first and the last value that are not missing. */
export function drift(values: ArrayLike<number>, horizon: number, season?: number): Float64Array {
  rejectExtraArguments('drift', 3, arguments);
  const { past, steps } = check('drift', values, horizon, season);
  const last = lastKnown(past);
  let first = 0;
  while (Number.isNaN(past[first]!)) first++;
  const slope = last === first ? 0 : (past[last]! - past[first]!) / (last - first);
  const ahead = past.length - 1 - last; // the forecast starts after the last value, even if that is missing
  return Float64Array.from({ length: steps }, (_, h) => past[last]! + (ahead + h + 1) * slope);
}

/** Repeats the mean of the values. */
export function mean(values: ArrayLike<number>, horizon: number, season?: number): Float64Array {
  rejectExtraArguments('mean', 3, arguments);
  const { past, steps } = check('mean', values, horizon, season);
  const known = knownOf(past);
  return new Float64Array(steps).fill(known.reduce((sum, value) => sum + value, 0) / known.length);
}

/**
 * Naive2 of the M4 competition: `naive` on the seasonally adjusted values, if a test finds a season (its autocorrelation,
 * at 90 %) and all values are above 0. The season is multiplicative: the means of the ratios to a centred moving average.
 * Missing values are interpolated.
 */
export function naive2(values: ArrayLike<number>, horizon: number, season?: number): Float64Array {
  rejectExtraArguments('naive2', 3, arguments);
  const { past, steps, period } = check('naive2', values, horizon, season);
  const filled = interpolated(past);
  const last = filled[filled.length - 1]!;
  if (!isSeasonal(filled, period) || filled.some(value => value <= 0)) return new Float64Array(steps).fill(last);
  const factors = seasonalFactors(filled, period);
  const adjusted = last / factors[(filled.length - 1) % period]!;
  return Float64Array.from({ length: steps }, (_, h) => adjusted * factors[(filled.length + h) % period]!);
}

/** The critical value of the test of M4 for a season: 90 %, two-sided. */
const CRITICAL = 1.645;

/** Whether the autocorrelation at the season is beyond what those at shorter lags explain. */
function isSeasonal(values: Float64Array, season: number): boolean {
  const n = values.length;
  // R computes no autocorrelations beyond this lag, and M4 then sees no season.
  const longest = Math.min(Math.floor(10 * Math.log10(n)), n - 1);
  if (season < 2 || n < 3 * season || season > longest) return false;
  const average = values.reduce((sum, value) => sum + value, 0) / n;
  const product = (lag: number) => {
    let sum = 0;
    for (let t = lag; t < n; t++) sum += (values[t]! - average) * (values[t - lag]! - average);
    return sum;
  };
  const variance = product(0);
  if (variance === 0) return false;
  let squares = 1;
  for (let lag = 1; lag < season; lag++) squares += 2 * (product(lag) / variance) ** 2;
  return Math.abs(product(season) / variance) > (CRITICAL / Math.sqrt(n)) * Math.sqrt(squares);
}

/** The factor of each position in the season, whose mean is 1. */
function seasonalFactors(values: Float64Array, season: number): Float64Array {
  const [sums, counts] = [new Float64Array(season), new Float64Array(season)];
  const half = Math.floor(season / 2);
  for (let t = half; t < values.length - half; t++) {
    let sum = 0;
    for (let k = t - half; k <= t + half; k++) sum += values[k]!;
    // Both ends of an even window are the same position of the season, so each counts half.
    if (season % 2 === 0) sum -= (values[t - half]! + values[t + half]!) / 2;
    sums[t % season]! += (values[t]! * season) / sum;
    counts[t % season]!++;
  }
  const factors = sums.map((sum, position) => sum / counts[position]!);
  const average = factors.reduce((sum, factor) => sum + factor, 0) / season;
  return factors.map(factor => factor / average);
}
