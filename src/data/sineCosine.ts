/** The data of the quick start: a sine as input and the cosine as target. */

import { Tensor } from '../tensor/tensor.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { cos, sin } from '../util/math.ts';
import { checkCount, checkOptions } from '../util/options.ts';
import { floatsFor } from '../util/shapes.ts';

/** Options of `sineCosine`. */
export interface SineCosineOptions {
  /** Sequences per batch; default 50. */
  batchSize?: number;
  /** Steps per sequence; default 20. */
  timeSteps?: number;
}

/** A batch of `sineCosine`. */
export interface SineCosineBatch {
  /** sin(time), [B, T, 1]. */
  xs: Tensor;
  /** cos(time), [B, T, 1]. */
  ys: Tensor;
  /** In radians, [B, T]. */
  time: Tensor;
}

/**
 * Endless batches of a sine and its cosine. Batch k has `time = arange(kT, kT + TB) / (10 pi)`, reshaped to [B, T]. Row b
 * of batch k + 1 continues row b of batch k, as a stateful model requires. Batches do not share arrays.
 */
export function sineCosine(options?: SineCosineOptions): Generator<SineCosineBatch, never, void> {
  rejectExtraArguments('sineCosine', 1, arguments);
  const call = 'sineCosine';
  const known = checkOptions<SineCosineOptions>(call, options, ['batchSize', 'timeSteps']);
  const B = checkCount(call, 'batchSize', known.batchSize ?? 50);
  const T = checkCount(call, 'timeSteps', known.timeSteps ?? 20);
  floatsFor(call, 'a batch', [B, T, 4]); // fails here rather than at the first batch
  return batches(B, T);
}

function* batches(B: number, T: number): Generator<SineCosineBatch, never, void> {
  const [time, xs, ys] = [new Float32Array(B * T), new Float32Array(B * T), new Float32Array(B * T)];
  // A batch consists of the rows of the previous batch except the first, and one new row, the only one to compute.
  let computed = 0;
  for (let start = 0; ; start += T) {
    for (let i = computed; i < B * T; i++) {
      const at = (start + i) / (10 * Math.PI);
      time[i] = at;
      xs[i] = sin(at);
      ys[i] = cos(at);
    }
    yield {
      xs: new Tensor(xs.slice(), [B, T, 1]),
      ys: new Tensor(ys.slice(), [B, T, 1]),
      time: new Tensor(time.slice(), [B, T]),
    };
    for (const values of [time, xs, ys]) values.copyWithin(0, T);
    computed = (B - 1) * T;
  }
}
