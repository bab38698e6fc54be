/** Forecasts from trained networks: means, quantiles and sampled paths. */

import { fail } from '../util/errors.ts';
import { checkCount, checkOptions } from '../util/options.ts';
import { checkSeed, nextSeed, seedAt } from '../util/random.ts';
import { RandomGenerator } from '../util/randomGenerator.ts';
import { type Calibration, corrected } from './calibration.ts';
import { checkEncoded } from './encoding.ts';
import { computeOutputs, type Fitted } from './fittedForecaster.ts';
import { checkLevels, isCount, type Resolved } from './forecasterOptions.ts';
import { readySeries } from './forecastWindows.ts';
import { timeAt } from './frequency.ts';
import type { Outputs } from './networks.ts';
import { type Marginal, scoreOf } from './outputs.ts';
import { middleScore, PATHS } from './samplePaths.ts';
import { type CheckedSeries, checkCounts, commonFrequency, withFuture } from './seriesInput.ts';
import { formatTime } from './times.ts';

/** Options of `predict` of a forecaster. */
export interface ForecasterPredictOptions {
  /** The levels of the quantiles. Default: those of the output, otherwise [0.1, 0.5, 0.9]. */
  levels?: readonly number[];
  /** The number of sampled paths. Default: 0. */
  samples?: number;
  /**
   * Covariates of the steps to forecast, by name, for the series, or a list of them for a list of series. Default: those
   * that follow the values in `future` of each series.
   */
  future?: Record<string, ArrayLike<number>> | readonly Record<string, ArrayLike<number>>[];
  /**
   * Fixes the sampled paths. Default: drawn from `setRandomSeed`; for autoregressive paths the seed of the forecaster, if it
   * has one.
   */
  seed?: number;
}

/** The forecast of a series; all lists have a number for each step of the horizon. */
export interface Forecast {
  /** The id of the series; null if it has none. */
  readonly id: string | null;
  /** The time of each step as text, such as '2024-01-31T10:00:00'; without a start, the index after the values. */
  readonly time: string[] | number[];
  readonly mean: Float64Array;
  readonly median: Float64Array;
  /** The quantiles by level, such as `quantiles['0.9']`. They never cross. */
  readonly quantiles: Record<string, Float64Array>;
  /** Sampled paths. */
  readonly samples: Float64Array[];
}

/** Checked options of `predict`. */
export interface Asked {
  readonly levels: readonly number[];
  readonly samples: number;
  readonly future: unknown;
  readonly seed: number;
}

export function checkPredictOptions(call: string, options: unknown, settings: Resolved): Asked {
  const { output, conformal, decoding } = settings;
  const known = checkOptions<ForecasterPredictOptions>(call, options, ['levels', 'samples', 'future', 'seed']);
  const samples = checkCount(call, 'samples', known.samples ?? 0, 0);
  const levels = known.levels === undefined ? null : checkLevels(call, 'levels', known.levels);
  const isPoint = output.kind === 'point' && !conformal;
  if (isPoint && (levels !== null || samples > 0)) {
    fail(call, `${levels ? 'levels' : 'samples'} must be absent for the output 'point' with conformal: false`);
  }
  const defaults = output.levels ?? (isPoint ? [] : [0.1, 0.5, 0.9]);
  const seed = known.seed === undefined ? null : checkSeed(call, known.seed);
  const isRandom = samples > 0 || (decoding === 'autoregressive' && output.kind !== 'point');
  const given = seed ?? (decoding === 'autoregressive' ? settings.seed : null);
  return { levels: levels ?? defaults, samples, future: known.future, seed: given ?? (isRandom ? nextSeed() : 0) };
}

/** Checks the series, and forecasts the steps after their last values. */
export function forecastSeries(call: string, fitted: Fitted, list: readonly CheckedSeries[], asked: Asked): Forecast[] {
  const { settings, encoding } = fitted;
  const { horizon } = settings;
  checkFrequencies(call, list, settings);
  for (const one of list) checkSeries(call, one, fitted);
  const series = withFuture(call, list, asked.future, horizon);
  for (const one of series) checkEncoded(call, one, encoding);
  const windows = series.map(one => {
    const { length } = one.values;
    return { series: readySeries(one, encoding, settings, length + horizon), origin: length };
  });
  const { seed, samples } = asked;
  const outputs = computeOutputs(call, fitted, windows, { paths: Math.max(samples, PATHS), seed });
  const scores = asked.levels.map(scoreOf);
  return series.map((one, n) => forecastOf(fitted, one, outputs, n, asked, scores));
}

/** Fails if the series have another frequency than those of training. */
function checkFrequencies(call: string, list: readonly CheckedSeries[], { frequency }: Resolved): void {
  if (frequency === null) return;
  commonFrequency(call, [{ ...list[0]!, label: 'the training series', frequency }, ...list]);
}

function checkSeries(call: string, one: CheckedSeries, { settings, encoding }: Fitted): void {
  const { inputSteps, difference, output } = settings;
  if (isCount(output)) checkCounts(call, one, output.kind);
  const least = inputSteps + difference;
  if (one.values.length < least) {
    const rule = difference > 0 ? 'inputSteps + difference' : 'inputSteps';
    fail(call, `${one.label} must have at least ${least} values, ${rule}, got ${one.values.length}`);
  }
  if (encoding.calendar.length > 0 && one.start === null) {
    fail(call, `start of ${one.label} must be given, as for the training series`);
  }
}

function forecastOf(
  { settings, calibration }: Fitted,
  series: CheckedSeries,
  { frames, paths, marginal }: Outputs,
  n: number,
  { levels, samples, seed }: Asked,
  scores: readonly number[],
): Forecast {
  const { shift, scale, change, levels: bases } = frames[n]!;
  const { horizon, output, step } = settings;
  const counts = isCount(output);
  const marginals = Array.from({ length: horizon }, (_, h) =>
    marginal(n * horizon + h, calibration.spreads[h]! * change),
  );
  const unscaled = (h: number, value: number) => (counts ? Math.max(0, value) : value * scale + shift + bases[h]!);
  const row = (value: (h: number) => number) => Float64Array.from({ length: horizon }, (_, h) => unscaled(h, value(h)));
  const middle = corrected(calibration, 0);
  const median = row(h => (output.kind === 'point' ? marginals[h]!.mean : marginals[h]!.at(middle)));
  const places = scores.map(score => corrected(calibration, score));
  const { start, values } = series;
  const indices = Array.from({ length: horizon }, (_, h) => values.length + h);
  return {
    id: series.id,
    time:
      start === null || step === null ? indices : indices.map(index => formatTime(timeAt(start, index, step), step)),
    mean: row(h => marginals[h]!.mean),
    median,
    quantiles: Object.fromEntries(
      levels.map((level, k) => [
        String(level),
        level === 0.5 ? median.slice() : row(h => marginals[h]!.at(places[k]!)),
      ]),
    ),
    samples: (paths
      ? (samples > 0 ? correctedPaths(paths[n]!, marginals, calibration, seedAt(seed, n)) : []).slice(0, samples)
      : drawPaths(marginals, calibration, samples, seedAt(seed, n), counts)
    ).map(path => path.map((value, h) => unscaled(h, value))),
  };
}

/** Paths whose steps have the corrected distributions of the forecast, in the same order at each step. */
function correctedPaths(
  paths: readonly Float64Array[],
  marginals: readonly Marginal[],
  calibration: Calibration,
  seed: number,
): readonly Float64Array[] {
  if (calibration.scores === null) return paths;
  const random = new RandomGenerator(seed);
  const all = paths.map(path => new Float64Array(path.length));
  const order = Array.from(paths.keys());
  for (const [h, { at }] of marginals.entries()) {
    random.shuffle(order); // the order of equal values
    order.sort((a, b) => paths[a]![h]! - paths[b]![h]!);
    for (const [rank, path] of order.entries()) {
      all[path]![h] = at(corrected(calibration, middleScore(rank, paths.length)));
    }
  }
  return all;
}

/** The standard normal numbers at which quantiles are computed for samples; others are interpolated. */
const GRID = /* @__PURE__ */ Float64Array.from({ length: 33 }, (_, n) => (n - 16) / 4);

/**
 * Paths whose steps have the distributions of the forecast. Neighbouring steps have correlated levels, as the errors on the
 * held-out end.
 */
function drawPaths(
  marginals: readonly Marginal[],
  calibration: Calibration,
  count: number,
  seed: number,
  counts: boolean,
): Float64Array[] {
  if (count === 0) return [];
  const tables = marginals.map(tableOf);
  const { correlation } = calibration;
  const random = new RandomGenerator(seed);
  const noise = Math.sqrt(1 - correlation ** 2);
  return Array.from({ length: count }, () => {
    let z = random.normal();
    return Float64Array.from(tables, (table, h) => {
      if (h > 0) z = correlation * z + noise * random.normal();
      const value = interpolate(table, corrected(calibration, z));
      return counts ? Math.round(value) : value;
    });
  });
}

function tableOf({ at, mean, isSymmetric }: Marginal): Float64Array {
  if (!isSymmetric) return Float64Array.from(GRID, at);
  const last = GRID.length - 1;
  const table = new Float64Array(GRID.length);
  for (let n = 0; n <= last / 2; n++) {
    table[n] = at(GRID[n]!);
    table[last - n] = 2 * mean - table[n]!;
  }
  return table;
}

/** The value at z between those of the grid, and beyond it on the outermost lines. */
function interpolate(table: Float64Array, z: number): number {
  const place = (z - GRID[0]!) / (GRID[1]! - GRID[0]!);
  const n = Math.min(Math.max(Math.floor(place), 0), GRID.length - 2);
  return table[n]! + (place - n) * (table[n + 1]! - table[n]!);
}
