/**
 * The dense layer: y = f(x W + b), the same at every time step when it stands behind a sequence.
 *
 * Letters: M rows (batch, or batch x time), K inputs, N units.
 */

import { activate, activateBackward } from './activations';
import { ZEROS, columnSums, matmul, matmulTransposed, packTransposed, packedAt, padded } from './matmul';

/** A planned dense layer, written by the facade; offsets and strides in bytes, i32 each. */
@unmanaged
export class DensePlan {
  rows: i32; // M
  inputs: i32; // K
  units: i32; // N
  activation: i32; // see activate
  x: usize; // [M, K], rows xRow apart
  xRow: usize;
  y: usize; // [M, padded N], contiguous
  w: usize; // bias [padded N], then the packed kernel [K, N]
  dw: usize; // like w: gradients are added to it
  wt: usize; // scratch: transposed kernel, packed
  dy: usize; // [M, padded N], contiguous: gradient of y, becomes that of x W + b; its padding is zero
  dx: usize; // gradient of x, overwritten, rows dxRow apart; 0 when nobody wants it
  dxRow: usize;
  useBias: i32;
}

/** Rows of a weight-gradient product that are added up before its tile goes back to memory. */
const CHUNK = 256;

export function denseForward(plan: DensePlan): void {
  assert(plan.rows > 0);
  const width = padded(plan.units);
  const kernel = plan.w + <usize>width * 4;
  matmul(
    plan.y, <usize>width * 4, plan.w, 0, 4,
    plan.x, plan.xRow, 0, plan.inputs, 1, kernel, plan.rows, plan.units,
  );
  activate(plan.activation, plan.y, plan.y, plan.rows * width);
}

/** After denseForward on the same plan; adds to dw. */
export function denseBackward(plan: DensePlan): void {
  assert(plan.rows > 0);
  const width = padded(plan.units);
  const row = <usize>width * 4;
  activateBackward(plan.activation, plan.dy, plan.y, plan.rows * width);
  if (plan.useBias) columnSums(plan.dw, plan.dy, row, plan.rows, plan.units);
  for (let m = 0; m < plan.rows; m += CHUNK) {
    const x = plan.x + <usize>m * plan.xRow;
    const dy = plan.dy + <usize>m * row;
    const count = min(CHUNK, plan.rows - m);
    matmulTransposed(plan.dw + row, x, plan.xRow, 0, dy, row, 0, count, 1, plan.inputs, plan.units);
  }
  if (plan.dx) {
    packTransposed(plan.wt, plan.w + row, plan.inputs, plan.units);
    matmul(
      plan.dx, plan.dxRow, ZEROS, 0, 0,
      plan.dy, row, 0, plan.units, 1, plan.wt, plan.rows, plan.inputs,
    );
  }
}

/**
 * Moves weights between w and the matrices of Keras: kernel [K, N] and bias [N].
 *
 * @param bias 0 for a layer without one
 * @param inward 1: from the matrices into w, whose padding becomes zero; 0: from w into the matrices
 */
export function denseWeights(w: usize, kernel: usize, bias: usize, inputs: i32, units: i32, inward: i32): void {
  const width = padded(units);
  const packed = w + <usize>width * 4;
  if (inward) memory.fill(w, 0, <usize>((1 + inputs) * width) * 4);
  if (bias) memory.copy(inward ? w : bias, inward ? bias : w, <usize>units * 4);
  for (let k = 0; k < inputs; k++) {
    for (let n = 0; n < units; n++) {
      const ours = packed + packedAt(k, n, inputs, units);
      if (inward) store<f32>(ours, load<f32>(kernel));
      else store<f32>(kernel, load<f32>(ours));
      kernel += 4;
    }
  }
}
