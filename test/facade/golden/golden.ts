// What the tests of published numbers share.

import { type Layer, layers, type Sequential, sequential, type Tensor, tensor } from 'lstm-wasm';
import { expectClose, type Tolerance } from '../../compare.ts';

/** Seven digits or more were published: all that a float32 holds, up to what its own last bits do in a dozen sums. */
export const printed: Tolerance = { abs: 1e-6, rel: 1e-6 };

/** Half a unit of the last of so many digits behind the point. */
export const digits = (count: number): Tolerance => ({ abs: 0.5 * 10 ** -count, rel: 0 });

/** What whole numbers are: the same. */
export const exact: Tolerance = { abs: 0, rel: 0 };

/** 0, 1, 2, ... in this shape. */
export function arange(...shape: number[]): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return tensor(
    Float32Array.from({ length: count }, (_, i) => i),
    shape,
  );
}

/** The same number everywhere. */
export const full = (value: number, ...shape: number[]): Tensor =>
  tensor(new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(value), shape);

/** Numbers that were published once where every unit has the same: each one `units` times. */
export const each = (values: readonly number[], units: number): number[] =>
  values.flatMap(value => new Array<number>(units).fill(value));

/** The number that stands for masked steps in `masked`. */
export const maskValue = -1;

/** `x` [B, T, D] as a masking layer needs it to find this mask [B][T]. What a masked step holds does not matter. */
export function masked(x: Tensor, mask: readonly (readonly number[])[]): Tensor {
  const [, steps, width] = x.shape as [number, number, number];
  const values = x.dataSync().map((value, i) => {
    const row = Math.floor(i / width);
    return mask[Math.floor(row / steps)]![row % steps] ? value : maskValue;
  });
  return tensor(values, x.shape);
}

/** A model of these layers for inputs of this shape, batch and all, which lets its states be set. */
export const modelFor = (input: Tensor, ...stack: Layer[]): Sequential =>
  sequential({ layers: [layers.inputLayer({ batchInputShape: input.shape }), ...stack] });

/** Predicts and compares, one number after the other. */
export function expectPrediction(
  model: Sequential,
  input: Tensor,
  expected: readonly number[],
  tolerance: Tolerance = printed,
): void {
  expectClose(model.predict(input).dataSync(), expected, { ...tolerance, what: 'prediction' });
}

/** Weights and states, list by list. */
export function expectTensors(
  got: readonly Tensor[],
  expected: readonly (readonly number[])[],
  tolerance: Tolerance = printed,
): void {
  for (const [n, values] of expected.entries()) {
    expectClose(got[n]!.dataSync(), values, { ...tolerance, what: `tensor ${n}` });
  }
}
