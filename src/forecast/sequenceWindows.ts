/** The windows of series as sequences for a network that predicts one step at a time from the value before it. */

import type { Tensor } from '../tensor/tensor.ts';
import type { Resolved } from './forecasterOptions.ts';
import { type Frame, frameOf, type Layout, type ReadySeries, viewOf } from './forecastWindows.ts';

/** The numbers of a step. */
export interface StepArrays {
  readonly features: Float32Array;
  readonly base: Float32Array;
  readonly factor: Float32Array;
  readonly categories: readonly Float32Array[];
}

/** Arrays for a number of steps. */
export const stepArrays = (count: number, { stepWidth, outputWidth, counts, categories }: Layout): StepArrays => ({
  features: new Float32Array(count * stepWidth),
  base: new Float32Array(count * outputWidth),
  factor: new Float32Array(counts ? count * outputWidth : 0).fill(1),
  categories: categories.map(() => new Float32Array(count)),
});

/** Writes the numbers of steps. It reads only values before the step, so that sampled ones can take their place. */
export class StepWriter {
  readonly #settings: Resolved;
  readonly #layout: Layout;

  constructor(settings: Resolved, layout: Layout) {
    this.#settings = settings;
    this.#layout = layout;
  }

  /**
   * The values of the window and of the horizon, scaled, or their differences. Missing ones, and those that do not exist yet,
   * are NaN.
   *
   * @returns null if all values of the window are missing
   */
  scaled({ values }: ReadySeries, origin: number): { scaled: Float64Array; frame: Frame } | null {
    const { inputSteps, horizon } = this.#layout;
    const { difference } = this.#settings;
    const first = origin - inputSteps;
    const scaled = Float64Array.from({ length: inputSteps + horizon }, (_, n) => {
      const value = values[first + n] ?? Number.NaN;
      return difference > 0 ? value - values[first + n - difference]! : value;
    });
    const window = scaled.subarray(0, inputSteps);
    if (window.every(Number.isNaN)) return null;
    const frame = frameOf(this.#settings, this.#layout, values, origin, window);
    const { shift, scale } = frame;
    for (let n = 0; n < scaled.length; n++) scaled[n] = (scaled[n]! - shift) / scale;
    return { scaled, frame };
  }

  /**
   * @param row the place in the arrays
   * @param n the index of the step in `scaled`, at least 1
   */
  write(
    to: StepArrays,
    row: number,
    { known, past, numbers, categories }: ReadySeries,
    origin: number,
    scaled: Float64Array,
    { shift, scale }: Frame,
    n: number,
  ): void {
    const { inputSteps, stepWidth, aheadWidth, pastWidth, outputWidth: width, lags, counts } = this.#layout;
    const { season, base, difference, output } = this.#settings;
    const { features } = to;
    const step = origin - inputSteps + n;
    const before = scaled[n - 1]!;
    let at = row * stepWidth;
    features[at++] = Number.isNaN(before) ? 0 : before;
    features[at++] = Number.isNaN(before) ? 1 : 0;
    for (let lag = 1; lag <= lags; lag++) features[at++] = lagged(scaled, n, lag * season, season);
    const knownWidth = aheadWidth - lags;
    for (let k = 0; k < knownWidth; k++) features[at++] = known[step * knownWidth + k]!;
    const pastColumns = pastWidth - 2 - knownWidth;
    // Unknown from the second step of the horizon on: the mean
    for (let k = 0; k < pastColumns; k++) features[at++] = n > inputSteps ? 0 : past[(step - 1) * pastColumns + k]!;
    for (let k = 0; k < numbers.length; k++) features[at++] = numbers[k]!;
    // What the output of the network is added to: the naive forecast, or a difference of 0, scaled
    const naive = difference > 0 ? -shift / scale : lagged(scaled, n, base, base);
    for (let k = 0; k < width; k++) {
      const isLocation = k === (output.kind === 'studentT' ? 1 : 0);
      to.base[row * width + k] = isLocation ? naive : 0;
      if (counts && isLocation) to.factor[row * width + k] = scale;
    }
    for (let k = 0; k < categories.length; k++) to.categories[k]![row] = categories[k]!;
  }
}

/** The value a lag before a step, or at its place in another season; without one, the last known value, or the mean. */
function lagged(scaled: Float64Array, n: number, lag: number, season: number): number {
  let at = n - lag;
  while (at < 0) at += season;
  if (at < n) {
    for (; at >= 0; at -= season) if (!Number.isNaN(scaled[at]!)) return scaled[at]!;
  }
  for (at = n - 1; at >= 0; at--) if (!Number.isNaN(scaled[at]!)) return scaled[at]!;
  return 0;
}

/** Arrays for a batch of windows, each with its horizon, as sequences; the tensors share them. See `WindowBatch`. */
export class SequenceBatch {
  readonly #arrays: StepArrays;
  readonly #targets: Float32Array;
  readonly #weights: Float32Array;
  readonly #layout: Layout;
  readonly #writer: StepWriter;
  /** The steps of a sequence, and how many of the first have no targets. */
  readonly #steps: number;
  readonly #lead: number;

  /** @param withWindow whether the values of the window are targets too */
  constructor(settings: Resolved, layout: Layout, size: number, withWindow: boolean) {
    const { inputSteps, horizon } = layout;
    this.#layout = layout;
    this.#writer = new StepWriter(settings, layout);
    this.#steps = inputSteps - 1 + horizon;
    this.#lead = withWindow ? Math.min(settings.base, inputSteps) - 1 : inputSteps - 1;
    this.#arrays = stepArrays(size * this.#steps, layout);
    this.#targets = new Float32Array(size * this.#steps);
    this.#weights = new Float32Array(size * this.#steps);
  }

  inputs(count: number): Tensor[] {
    const { stepWidth, outputWidth, counts } = this.#layout;
    const { features, base, factor, categories } = this.#arrays;
    const steps = this.#steps;
    return [
      viewOf(features, [count, steps, stepWidth]),
      viewOf(base, [count, steps, outputWidth]),
      ...(counts ? [viewOf(factor, [count, steps, outputWidth])] : []),
      ...categories.map(list => viewOf(list, [count, steps])),
    ];
  }

  outputs(count: number): { ys: Tensor; sampleWeight: Tensor } {
    return {
      ys: viewOf(this.#targets, [count, this.#steps, 1]),
      sampleWeight: viewOf(this.#weights, [count, this.#steps]),
    };
  }

  /** Writes a window with its targets. @returns the number of known targets in the horizon */
  writeAll(row: number, series: ReadySeries, origin: number): number {
    const found = this.#writer.scaled(series, origin);
    if (!found) return 0;
    const { scaled, frame } = found;
    const { inputSteps, counts } = this.#layout;
    const steps = this.#steps;
    const weight = steps / (steps - this.#lead); // the loss is then the mean over targets
    let known = 0;
    for (let k = 0; k < steps; k++) {
      const n = k + 1;
      this.#writer.write(this.#arrays, row * steps + k, series, origin, scaled, frame, n);
      const target = counts ? series.values[origin - inputSteps + n]! : scaled[n]!;
      const isKnown = !Number.isNaN(target);
      this.#targets[row * steps + k] = isKnown ? target : 0;
      this.#weights[row * steps + k] = isKnown && k >= this.#lead ? weight : 0;
      if (isKnown && n >= inputSteps) known++;
    }
    return known;
  }

  /** The number of embedded texts. */
  get categoryCount(): number {
    return this.#arrays.categories.length;
  }

  /** Makes an embedded text of a window unknown. */
  hide(row: number, category: number): void {
    this.#arrays.categories[category]!.fill(0, row * this.#steps, (row + 1) * this.#steps);
  }
}
