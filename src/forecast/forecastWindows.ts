/** The windows of series as the inputs of a network, written to arrays that are used again for every batch. */

import { Tensor } from '../tensor/tensor.ts';
import { sizeOf } from '../util/shapes.ts';
import { calendarColumns } from './calendar.ts';
import { categoriesOf, categoryCounts, type Encoding, standardized } from './encoding.ts';
import { isCount, type Resolved } from './forecasterOptions.ts';
import { timeAt } from './frequency.ts';
import { seasonalError } from './metrics.ts';
import { outputWidth } from './outputs.ts';
import { type WindowScale, windowScale } from './scaling.ts';
import type { CheckedSeries } from './seriesInput.ts';

/** The most seasons whose values the decoder reads, so that hours see the same hour of all days of a week. */
const MOST_LAGS = 7;
/** The most values that are one step of the recurrent layers. */
const LONGEST_SEGMENT = 48;
/** The least scale of a window, relative to its level: a window with rounding errors counts as a constant one. */
const LEAST_SPREAD = 1e-5;

/** The sizes of the inputs of a network. */
export interface Layout {
  readonly horizon: number;
  readonly inputSteps: number;
  /** Values in a step of the recurrent layers. */
  readonly segment: number;
  readonly lags: number;
  /** Features of a value, and of a step to forecast. */
  readonly pastWidth: number;
  readonly aheadWidth: number;
  /** Features of a step of a network that predicts one step at a time. */
  readonly stepWidth: number;
  readonly outputWidth: number;
  readonly numbers: number;
  readonly categories: readonly number[];
  readonly counts: boolean;
}

export function layoutOf(settings: Resolved, encoding: Encoding): Layout {
  const { horizon, inputSteps, season } = settings;
  const known = 2 * encoding.calendar.length + encoding.future.length;
  const lags = Math.max(1, Math.min(MOST_LAGS, Math.floor(inputSteps / season)));
  return {
    ...{ horizon, inputSteps, lags },
    segment: segmentOf(inputSteps, season),
    pastWidth: 2 + known + encoding.past.length,
    aheadWidth: lags + known,
    stepWidth: 2 + lags + known + encoding.past.length + encoding.numbers.length,
    outputWidth: outputWidth(settings.output),
    numbers: encoding.numbers.length,
    categories: categoryCounts(encoding),
    counts: isCount(settings.output),
  };
}

/** A season, or the largest part of one that divides the window; 1 if the window has fewer than two of them. */
function segmentOf(inputSteps: number, season: number): number {
  for (let size = Math.min(season, LONGEST_SEGMENT, Math.floor(inputSteps / 2)); size > 1; size--) {
    if (season % size === 0 && inputSteps % size === 0) return size;
  }
  return 1;
}

/** A series with the features of its steps. */
export interface ReadySeries {
  readonly label: string;
  readonly values: Float64Array;
  /** A row for each value, and for each step after them: calendar and future covariates. */
  readonly known: Float32Array;
  readonly past: Float32Array;
  readonly numbers: Float32Array;
  readonly categories: readonly number[];
}

/** @param steps for which features that are known in advance are needed */
export function readySeries(series: CheckedSeries, encoding: Encoding, settings: Resolved, steps: number): ReadySeries {
  const { calendar, past, future, numbers } = encoding;
  const { values, start } = series;
  const known = new Float32Array(steps * (2 * calendar.length + future.length));
  const knownColumns: ArrayLike<number>[] = future.map(column => {
    const given = series.future[column.name]!;
    return Float32Array.from({ length: steps }, (_, n) => standardized(given[n] ?? Number.NaN, column));
  });
  if (calendar.length > 0) {
    const times = Float64Array.from({ length: steps }, (_, n) => timeAt(start!, n, settings.step!));
    knownColumns.push(...Object.values(calendarColumns(times, calendar)));
  }
  writeColumns(known, knownColumns, steps);
  const pastRows = new Float32Array(values.length * past.length);
  const pastColumns = past.map(column => {
    const given = series.past[column.name]!;
    return Float32Array.from({ length: values.length }, (_, n) => standardized(given[n]!, column));
  });
  writeColumns(pastRows, pastColumns, values.length);
  return {
    ...{ label: series.label, values, known },
    past: pastRows,
    numbers: Float32Array.from(numbers, column => standardized(series.static[column.name] as number, column)),
    categories: categoriesOf(series, encoding),
  };
}

function writeColumns(rows: Float32Array, columns: readonly ArrayLike<number>[], count: number): void {
  const width = columns.length;
  for (const [k, column] of columns.entries()) for (let n = 0; n < count; n++) rows[n * width + k] = column[n]!;
}

/** The scale of a window, and more that depends on the window only. */
export interface Frame extends WindowScale {
  /** What the forecasts are differences from: 0, or with differences, earlier values. */
  readonly levels: Float64Array;
  /** The mean absolute change over a season, in the units of the network; errors of a forecast are of this size. */
  readonly change: number;
}

/** Arrays for a batch of windows; the tensors share them. */
export class WindowBatch {
  readonly past: Float32Array;
  readonly ahead: Float32Array;
  readonly base: Float32Array;
  readonly factor: Float32Array;
  readonly numbers: Float32Array;
  readonly categories: Float32Array[];
  readonly targets: Float32Array;
  readonly weights: Float32Array;
  readonly #settings: Resolved;
  readonly #layout: Layout;
  /** The values of a window, or their differences. */
  readonly #window: Float64Array;

  constructor(settings: Resolved, layout: Layout, size: number) {
    const { horizon, inputSteps, pastWidth, aheadWidth, outputWidth: width } = layout;
    this.#settings = settings;
    this.#layout = layout;
    this.#window = new Float64Array(inputSteps);
    this.past = new Float32Array(size * inputSteps * pastWidth);
    this.ahead = new Float32Array(size * horizon * aheadWidth);
    this.base = new Float32Array(size * horizon * width);
    this.factor = new Float32Array(layout.counts ? size * horizon * width : 0).fill(1);
    this.numbers = new Float32Array(size * layout.numbers);
    this.categories = layout.categories.map(() => new Float32Array(size));
    this.targets = new Float32Array(size * horizon);
    this.weights = new Float32Array(size * horizon);
  }

  /** The inputs of a network for the first `count` windows, in the order of `inputNames`. */
  inputs(count: number): Tensor[] {
    const { horizon, inputSteps, segment, pastWidth, aheadWidth, outputWidth: width, numbers, counts } = this.#layout;
    return [
      viewOf(this.past, [count, inputSteps / segment, segment * pastWidth]),
      viewOf(this.ahead, [count, horizon, aheadWidth]),
      viewOf(this.base, [count, horizon, width]),
      ...(counts ? [viewOf(this.factor, [count, horizon, width])] : []),
      ...(numbers > 0 ? [viewOf(this.numbers, [count, numbers])] : []),
      ...this.categories.map(list => viewOf(list, [count, 1])),
    ];
  }

  /** Targets and weights of the first `count` windows. */
  outputs(count: number): { ys: Tensor; sampleWeight: Tensor } {
    const { horizon } = this.#layout;
    return {
      ys: viewOf(this.targets, [count, horizon, 1]),
      sampleWeight: viewOf(this.weights, [count, horizon]),
    };
  }

  /**
   * Writes the inputs of a window.
   *
   * @param origin the index of the first step to forecast; the window ends before it
   * @returns null if all values of the window are missing
   */
  write(row: number, series: ReadySeries, origin: number): Frame | null {
    const { inputSteps, horizon, pastWidth, aheadWidth, lags } = this.#layout;
    const { difference } = this.#settings;
    const { values, known, past } = series;
    const first = origin - inputSteps;
    const window = this.#window;
    for (let n = 0; n < inputSteps; n++) {
      const value = values[first + n]!;
      window[n] = difference > 0 ? value - values[first + n - difference]! : value;
    }
    if (window.every(Number.isNaN)) return null;
    const frame = frameOf(this.#settings, this.#layout, values, origin, window);
    const { shift, scale, levels } = frame;
    const knownWidth = aheadWidth - lags;
    const ownWidth = pastWidth - 2 - knownWidth;
    let at = row * inputSteps * pastWidth;
    for (let n = 0; n < inputSteps; n++) {
      const isMissing = Number.isNaN(window[n]!);
      this.past[at++] = isMissing ? 0 : (window[n]! - shift) / scale;
      this.past[at++] = isMissing ? 1 : 0;
      const step = first + n;
      for (let k = 0; k < knownWidth; k++) this.past[at++] = known[step * knownWidth + k]!;
      for (let k = 0; k < ownWidth; k++) this.past[at++] = past[step * ownWidth + k]!;
    }
    at = row * horizon * aheadWidth;
    for (let h = 0; h < horizon; h++) {
      for (let lag = 1; lag <= lags; lag++) {
        this.ahead[at++] = (this.#lagged(values, origin, h, lag) - levels[h]! - shift) / scale;
      }
      const step = origin + h;
      for (let k = 0; k < knownWidth; k++) this.ahead[at++] = known[step * knownWidth + k]!;
    }
    this.#writeBase(row, values, origin, frame);
    this.numbers.set(series.numbers, row * series.numbers.length);
    for (const [k, list] of this.categories.entries()) list[row] = series.categories[k]!;
    return frame;
  }

  /** The value a number of seasons before a step, or the latest known one at its place in the season. */
  #lagged(values: Float64Array, origin: number, h: number, lag: number): number {
    const { season } = this.#settings;
    const { inputSteps } = this.#layout;
    return latest(values, origin + h - (lag - 1) * season, origin, season, origin - inputSteps);
  }

  /** What the output of the network is added to: the naive forecast. With differences, it is 0, but shifted. */
  #writeBase(row: number, values: Float64Array, origin: number, { shift, scale }: Frame): void {
    const { horizon, inputSteps, outputWidth: width, counts } = this.#layout;
    const { output, difference, base } = this.#settings;
    for (let h = 0; h < horizon; h++) {
      const lagged = (latest(values, origin + h, origin, base, origin - inputSteps) - shift) / scale;
      const at = (row * horizon + h) * width;
      for (let k = 0; k < width; k++) {
        const isLocation = output.kind === 'quantiles' || k === (output.kind === 'studentT' ? 1 : 0);
        this.base[at + k] = !isLocation ? 0 : difference > 0 ? -shift / scale : lagged;
        if (counts && isLocation) this.factor[at + k] = scale;
      }
    }
  }

  /** Writes the targets of a window, and weights that are 0 where one is missing. @returns the number of known ones */
  writeTargets(row: number, series: ReadySeries, origin: number, frame: Frame): number {
    return writeTargets(this.targets, this.weights, row, series, origin, frame, this.#layout);
  }

  /** Writes a window with its targets. @returns the number of known ones; 0 also if all values of the window are missing */
  writeAll(row: number, series: ReadySeries, origin: number): number {
    const frame = this.write(row, series, origin);
    return frame === null ? 0 : this.writeTargets(row, series, origin, frame);
  }

  /** The number of embedded texts. */
  get categoryCount(): number {
    return this.categories.length;
  }

  /** Makes an embedded text of a window unknown. */
  hide(row: number, category: number): void {
    this.categories[category]![row] = 0;
  }
}

/** Writes the targets of a window, as a network for all steps predicts them, and weights that are 0 where one is missing. */
export function writeTargets(
  targets: Float32Array,
  weights: Float32Array,
  row: number,
  { values }: ReadySeries,
  origin: number,
  { shift, scale, levels }: Frame,
  { horizon, counts }: Layout,
): number {
  let known = 0;
  for (let h = 0; h < horizon; h++) {
    const value = values[origin + h]!;
    const isKnown = !Number.isNaN(value);
    const at = row * horizon + h;
    targets[at] = !isKnown ? 0 : counts ? value : (value - levels[h]! - shift) / scale;
    weights[at] = isKnown ? 1 : 0;
    if (isKnown) known++;
  }
  return known;
}

/** Scale and levels of a window. @param window the values before `origin`, or their differences */
export function frameOf(
  { scaling, difference, season }: Resolved,
  { horizon, inputSteps, counts }: Layout,
  values: Float64Array,
  origin: number,
  window: Float64Array,
): Frame {
  const { shift, scale } = windowScale(scaling, window);
  const levels = new Float64Array(horizon);
  if (difference > 0) {
    for (let h = 0; h < horizon; h++) levels[h] = latest(values, origin + h, origin, difference, origin - inputSteps);
  }
  const divisor = Math.max(scale, counts ? 1 : LEAST_SPREAD * Math.abs(shift));
  const change =
    seasonalError(values.subarray(origin - inputSteps, origin), Math.min(season, inputSteps - 1)) / divisor;
  return { shift, scale: divisor, levels, change: change > LEAST_SPREAD ? change : 1 };
}

/** The first `count` rows of an array, as a tensor that shares its numbers. */
export const viewOf = (array: Float32Array, shape: readonly number[]): Tensor =>
  new Tensor(array.subarray(0, sizeOf(shape)) as Float32Array<ArrayBuffer>, shape);

/** The latest known value before `origin` that is whole seasons before a step; without one, the last known value. */
function latest(values: Float64Array, step: number, origin: number, season: number, first: number): number {
  let n = step - season;
  while (n >= origin) n -= season;
  while (n >= first && Number.isNaN(values[n]!)) n -= season;
  if (n >= first) return values[n]!;
  for (n = origin - 1; n >= first; n--) if (!Number.isNaN(values[n]!)) return values[n]!;
  return 0;
}
