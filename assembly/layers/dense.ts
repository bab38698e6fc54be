/**
 * The dense layer: y = f(x W + b), the same at every time step when it stands behind a sequence.
 *
 * Letters: M rows (batch, or batch x time), K inputs, N units.
 */

import {
  activate, activateBackward, activateWithSlope, LOG_SOFTMAX, slopeBackward, SOFTMAX,
} from '../math/activations';
import { ZEROS, columnSums, matmul, matmulTransposed, packTransposed, packedAt, padded } from '../products/matmul';
import { logSoftmaxBackward, logSoftmaxRows, softmaxBackward, softmaxRows } from '../math/softmax';

/** A planned dense layer, written by the facade; offsets and strides in bytes, i32 each. */
@unmanaged
export class DensePlan {
  rows: i32; // M
  inputs: i32; // K
  units: i32; // N
  activation: i32; // its number
  x: usize; // [M, K], rows xRow apart
  xRow: usize;
  z: usize; // x W + b [M, padded N], contiguous; may be y, where nobody wants it
  y: usize; // [M, padded N], contiguous
  slope: usize; // f'(z) [M, padded N], where that cannot be told from y; 0 where it can, and without training
  scratch: usize; // [padded N], logSoftmax only
  w: usize; // bias [padded N], then the packed kernel [K, N]
  dw: usize; // like w: gradients are added to it
  wt: usize; // scratch: transposed kernel, packed
  dy: usize; // [M, padded N], contiguous: gradient of y, becomes that of x W + b; its padding is zero
  dx: usize; // gradient of x, overwritten, rows dxRow apart; 0 when nobody wants it
  dxRow: usize;
  useBias: i32;
  fused: i32; // 1: dy is the gradient of x W + b from the start
}

/** Rows of a weight-gradient product that are added up before its tile goes back to memory. */
const CHUNK = 256;

export function denseForward(plan: DensePlan): void {
  assert(plan.rows > 0);
  const width = padded(plan.units);
  const row = <usize>width * 4;
  matmul(
    plan.z, row, plan.w, 0, 4,
    plan.x, plan.xRow, 0, plan.inputs, 1, plan.w + row, plan.rows, plan.units,
  );
  const kind = plan.activation;
  if (kind == SOFTMAX) softmaxRows(plan.y, row, plan.z, row, plan.rows, plan.units);
  else if (kind == LOG_SOFTMAX) logSoftmaxRows(plan.y, row, plan.z, row, plan.rows, plan.units, plan.scratch);
  else if (plan.slope) activateWithSlope(kind, plan.y, plan.slope, plan.z, plan.rows * width);
  else activate(kind, plan.y, plan.z, plan.rows * width);
}

/** After denseForward on the same plan; adds to dw. */
export function denseBackward(plan: DensePlan): void {
  assert(plan.rows > 0);
  const width = padded(plan.units);
  const row = <usize>width * 4;
  if (!plan.fused) derive(plan, row);
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

/** From the gradient of y to that of x W + b, in place. */
function derive(plan: DensePlan, row: usize): void {
  const kind = plan.activation;
  const n = plan.rows * padded(plan.units);
  if (kind == SOFTMAX) softmaxBackward(plan.dy, row, plan.dy, row, plan.y, row, plan.rows, plan.units);
  else if (kind == LOG_SOFTMAX) logSoftmaxBackward(plan.dy, row, plan.dy, row, plan.y, row, plan.rows, plan.units);
  else if (plan.slope) slopeBackward(plan.dy, plan.slope, n);
  else activateBackward(kind, plan.dy, plan.y, n);
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
