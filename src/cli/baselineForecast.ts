/** Forecasts of baselines with intervals from their own errors in the past. */

import type { Baseline } from '../forecast/index.ts';

/** The most origins that errors are measured from, the latest. */
const MOST_ORIGINS = 500;

export interface BaselineForecast {
  median: Float64Array;
  quantiles: Record<string, Float64Array>;
}

/** The quantiles are symmetric: as far from the forecast as the errors from earlier origins were, step by step. */
export function forecastBaseline(
  baseline: Baseline,
  values: Float64Array,
  horizon: number,
  season: number,
  levels: readonly number[],
): BaselineForecast {
  const median = baseline(values, horizon, season);
  const last = values.length - horizon;
  const errors: number[][] = Array.from({ length: horizon }, () => []);
  for (let origin = Math.max(season, last - MOST_ORIGINS + 1); origin <= last; origin++) {
    const history = values.subarray(0, origin);
    if (history.every(Number.isNaN)) continue;
    const predicted = baseline(history, horizon, season);
    for (let h = 0; h < horizon; h++) {
      const error = Math.abs(values[origin + h]! - predicted[h]!);
      if (!Number.isNaN(error)) errors[h]!.push(error);
    }
  }
  const sorted = errors.map(list => Float64Array.from(list).sort());
  const at = (level: number) => {
    const widths = sorted.map(list => Math.sign(level - 0.5) * rankOf(list, Math.abs(2 * level - 1)));
    return median.map((value, h) => value + widths[h]!);
  };
  return { median, quantiles: Object.fromEntries(levels.map(level => [String(level), at(level)])) };
}

/** The conformal quantile of sorted errors; the largest error if there are too few of them. */
function rankOf(sorted: Float64Array, share: number): number {
  const rank = Math.min(sorted.length, Math.max(1, Math.ceil((sorted.length + 1) * share)));
  return sorted[rank - 1] ?? 0;
}
