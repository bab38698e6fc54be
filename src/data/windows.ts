/** Windows of a time series: input steps, and the steps that follow as targets. */

import { Tensor } from '../tensor/tensor.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail } from '../util/errors.ts';
import { checkBoolean, checkCount, checkOptions } from '../util/options.ts';
import { floatsFor } from '../util/shapes.ts';
import { Batches, type BatchOptions, batchOptions } from './batches.ts';
import { checkColumns, readSeries, type Series } from './series.ts';

/** Options of `windows`. */
export interface WindowOptions extends BatchOptions {
  /** Input steps per sample, T. */
  inputSteps: number;
  /**
   * The steps that precede the series, such as the training set: the first windows take their inputs from its last
   * `inputSteps` steps, so that the first step of the series is a target too. Default: none.
   */
  context?: Series;
  /** Target steps per sample, K; default 1. */
  outputSteps?: number;
  /** Steps from one window to the next; default 1. */
  stride?: number;
  /** The indices of the target columns; default all. */
  target?: number | readonly number[];
  /** Targets for each step of the input, for models whose recurrent layers return sequences; default false. */
  returnSequences?: boolean;
}

/**
 * Windows over a series of D columns as a data set. xs is [B, T, D]. ys holds the K steps after the window, of the W
 * columns of `target`:
 *
 * - [B, W] if K is 1, for a dense layer of W units on the last output;
 * - [B, K] if W is 1, for a dense layer of K units;
 * - [B, K, W] otherwise;
 * - [B, T, K * W] with `returnSequences`: for each step of the window, the K steps after it, one after another.
 *
 * Inputs and targets are within the series: N steps give floor((N - T - K) / stride) + 1 windows. With a `context`, only
 * the targets are within the series, and there are floor((N - K) / stride) + 1 windows. The series is copied.
 */
export function windows(series: Series, options: WindowOptions): Batches {
  rejectExtraArguments('windows', 2, arguments);
  const call = 'windows';
  const known = checkOptions<WindowOptions>(call, options, [
    'inputSteps',
    'context',
    'outputSteps',
    'stride',
    'target',
    'returnSequences',
    ...batchOptions,
  ]);
  const T = checkCount(call, 'inputSteps', known.inputSteps);
  const K = checkCount(call, 'outputSteps', known.outputSteps ?? 1);
  const stride = checkCount(call, 'stride', known.stride ?? 1);
  const sequences = checkBoolean(call, 'returnSequences', known.returnSequences ?? false);
  const before = known.context === undefined ? null : readSeries(call, 'context', known.context, T);
  const { values, steps, width: D } = readSeries(call, 'series', series, before ? K : T + K);
  if (before && before.width !== D) {
    fail(call, `context must have as many columns as the series (${D}), got ${before.width}`);
  }
  const N = steps + (before ? T : 0);
  const columns = checkColumns(call, 'target', known.target, D);
  const W = columns.length;
  const numbers = new Float32Array(N * D);
  numbers.set(values, (N - steps) * D);
  if (before) {
    const from = (before.steps - T) * D;
    for (let i = 0; i < T * D; i++) numbers[i] = before.values[from + i]!;
  }
  const shape = sequences ? [T, K * W] : K === 1 ? [W] : W === 1 ? [K] : [K, W];
  // Targets for all steps of the window, or for its last step only.
  const first = sequences ? 0 : T - 1;
  return new Batches(call, Math.floor((N - T - K) / stride) + 1, known, samples => {
    const B = samples.length;
    const xs = floatsFor(call, 'xs', [B, T, D]);
    const ys = floatsFor(call, 'ys', [B, ...shape]);
    for (let b = 0, at = 0; b < B; b++) {
      const start = samples[b]! * stride;
      xs.set(numbers.subarray(start * D, (start + T) * D), b * T * D);
      for (let t = start + first; t < start + T; t++) {
        for (let k = 1; k <= K; k++) for (const column of columns) ys[at++] = numbers[(t + k) * D + column]!;
      }
    }
    return { xs: new Tensor(xs, [B, T, D]), ys: new Tensor(ys, [B, ...shape]) };
  });
}
