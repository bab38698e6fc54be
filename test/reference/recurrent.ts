// Shared by the references of the recurrent layers. All arrays are flat, row by row.
//
//   B batch, T time, D input width, U units

import { sigmoid } from './activations.ts';

export interface Sizes {
  B: number;
  T: number;
  D: number;
  U: number;
}

/** y = of(z), and its slope at z. */
export interface Curve {
  of(z: number): number;
  slope(z: number): number;
}

/** Activations of cells, by their names in Keras. */
export const curves = {
  linear: { of: z => z, slope: () => 1 },
  relu: { of: z => Math.max(z, 0), slope: z => (z > 0 ? 1 : 0) },
  sigmoid: { of: sigmoid, slope: z => sigmoid(z) * sigmoid(-z) },
  tanh: { of: Math.tanh, slope: z => 1 - Math.tanh(z) ** 2 },
  hardSigmoid: {
    of: z => Math.min(Math.max(0.2 * z + 0.5, 0), 1),
    slope: z => (Math.abs(z) < 2.5 ? 0.2 : 0),
  },
} satisfies Record<string, Curve>;

/** The inputs of a recurrent layer besides its weights. */
export interface RecurrentInputs {
  sizes: Sizes;
  /** [B,T,D] */
  x: ArrayLike<number>;
  /** [B,U], the state before the first step; zero when absent */
  h0?: ArrayLike<number>;
  goBackwards?: boolean;
  /** [B,T], in the order of x: where it is 0, a row skips the step: it keeps its state and repeats its output */
  mask?: ArrayLike<number>;
  /** [B,U]: factors on h_{t-1} wherever a step reads it, except in skipped steps */
  drop?: ArrayLike<number>;
}

/** The index in x of the input of step t. */
function timeOfStep({ sizes, goBackwards }: RecurrentInputs, t: number): number {
  return goBackwards ? sizes.T - 1 - t : t;
}

/** The input of step t, [B,D]. */
export function inputOfStep(inputs: RecurrentInputs, t: number): Float64Array {
  const { B, T, D } = inputs.sizes;
  const { x } = inputs;
  const time = timeOfStep(inputs, t);
  const result = new Float64Array(B * D);
  for (let b = 0; b < B; b++) {
    for (let d = 0; d < D; d++) result[b * D + d] = x[(b * T + time) * D + d]!;
  }
  return result;
}

/** Copies the gradient of the input of step t, [B,D], to dX [B,T,D]. */
export function setGradientOfStep(dX: Float64Array, dXT: Float64Array, inputs: RecurrentInputs, t: number): void {
  const { B, T, D } = inputs.sizes;
  for (let b = 0; b < B; b++) {
    dX.set(dXT.subarray(b * D, (b + 1) * D), (b * T + timeOfStep(inputs, t)) * D);
  }
}

/** Whether step t is masked in row b. */
export function skips(inputs: RecurrentInputs, b: number, t: number): boolean {
  return inputs.mask !== undefined && inputs.mask[b * inputs.sizes.T + timeOfStep(inputs, t)] === 0;
}

/** A state [B,U] times its factors. */
export function dropped({ drop }: RecurrentInputs, h: Float64Array): Float64Array {
  if (!drop) return h;
  const result = new Float64Array(h.length);
  for (let n = 0; n < h.length; n++) result[n] = h[n]! * drop[n]!;
  return result;
}

export function add(sum: Float64Array, values: Float64Array): void {
  for (let n = 0; n < sum.length; n++) sum[n]! += values[n]!;
}

/** Adds up the rows of a matrix [rows, sum.length]. */
export function addRows(sum: Float64Array, rows: Float64Array): void {
  for (let row = 0; row < rows.length; row += sum.length) {
    for (let n = 0; n < sum.length; n++) sum[n]! += rows[row + n]!;
  }
}

/** Columns [from, from + count) of a matrix with rows of `width`. */
export function columns(matrix: ArrayLike<number>, width: number, from: number, count: number): Float64Array {
  const rows = matrix.length / width;
  const result = new Float64Array(rows * count);
  for (let row = 0; row < rows; row++) {
    for (let n = 0; n < count; n++) result[row * count + n] = matrix[row * width + from + n]!;
  }
  return result;
}
