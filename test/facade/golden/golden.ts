// Helpers of the tests against published numbers.

import { type Layer, layers, type Sequential, sequential, type Tensor, tensor } from 'lstm-wasm';
import { expectClose, type Tolerance } from '../../compare.ts';

/** For numbers published with seven digits or more: the precision of float32, and rounding in a dozen sums. */
export const printed: Tolerance = { abs: 1e-6, rel: 1e-6 };

/** For numbers published with `count` decimal places: half a unit of the last one. */
export const digits = (count: number): Tolerance => ({ abs: 0.5 * 10 ** -count, rel: 0 });

/** For integers, which float32 computes exactly. */
export const exact: Tolerance = { abs: 0, rel: 0 };

/** A tensor of this shape that holds 0, 1, 2, ... */
export function arange(...shape: number[]): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return tensor(
    Float32Array.from({ length: count }, (_, i) => i),
    shape,
  );
}

/** A tensor of this shape that holds one value. */
export const full = (value: number, ...shape: number[]): Tensor =>
  tensor(new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(value), shape);

/** Repeats each value `units` times, for results that are equal in all units. */
export const each = (values: readonly number[], units: number): number[] =>
  values.flatMap(value => new Array<number>(units).fill(value));

/** The value of masked steps in `masked`. */
export const maskValue = -1;

/** `x` [B, T, D] with `maskValue` in the masked steps, so that a masking layer creates this mask [B][T]. */
export function masked(x: Tensor, mask: readonly (readonly number[])[]): Tensor {
  const [, steps, width] = x.shape as [number, number, number];
  const values = x.dataSync().map((value, i) => {
    const row = Math.floor(i / width);
    return mask[Math.floor(row / steps)]![row % steps] ? value : maskValue;
  });
  return tensor(values, x.shape);
}

/** A model of these layers with the batch shape of `input`; a fixed batch size lets tests set its states. */
export const modelFor = (input: Tensor, ...stack: Layer[]): Sequential =>
  sequential({ layers: [layers.inputLayer({ batchInputShape: input.shape }), ...stack] });

/** Compares the prediction with the expected values. */
export function expectPrediction(
  model: Sequential,
  input: Tensor,
  expected: readonly number[],
  tolerance: Tolerance = printed,
): void {
  expectClose(model.predict(input).dataSync(), expected, { ...tolerance, what: 'prediction' });
}

/** Compares weights or states with the expected values. */
export function expectTensors(
  got: readonly Tensor[],
  expected: readonly (readonly number[])[],
  tolerance: Tolerance = printed,
): void {
  for (const [n, values] of expected.entries()) {
    expectClose(got[n]!.dataSync(), values, { ...tolerance, what: `tensor ${n}` });
  }
}
