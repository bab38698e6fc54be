/**
 * The dense layer: y = f(x W + b), applied to each time step of a sequence.
 *
 * Letters: M rows (batch, or batch x time), K inputs, N units.
 */

import { Activation, activate, activateBackward, activateWithSlope, slopeBackward } from '../math/activations';
import { Copy, pack, unpack } from '../memory/copy';
import { ZEROS, columnSums, copyPanels, matmul, matmulTransposed, packTransposed, padded } from '../products/matmul';
import { logSoftmaxBackward, logSoftmaxRows, softmaxBackward, softmaxRows } from '../math/softmax';

/** A planned dense layer, written by src/plan; offsets and strides in bytes. */
@unmanaged
export class DensePlan {
  rows: i32; // M
  inputs: i32; // K
  units: i32; // N
  activation: i32; // an Activation
  x: usize; // [M, K], rows xRow apart
  xRow: usize;
  z: usize; // x W + b [M, padded N], contiguous; may be y
  y: usize; // [M, padded N], contiguous
  slope: usize; // f'(z) [M, padded N], if it does not follow from y; 0 otherwise, and without training
  scratch: usize; // [padded N], logSoftmax only
  w: usize; // bias [padded N], then the packed kernel [K, N]
  dw: usize; // like w: gradients are added to it
  wt: usize; // scratch: transposed kernel, packed
  dy: usize; // [M, padded N], contiguous: gradient of y, overwritten with that of x W + b; its padding is zero
  dx: usize; // gradient of x, overwritten, rows dxRow apart; 0 for none
  dxRow: usize;
  useBias: i32;
  fused: i32; // 1: dy already is the gradient of x W + b, from a loss of logits
}

/** Rows of a weight-gradient product that are summed before its tile is stored. */
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
  if (kind == Activation.softmax) softmaxRows(plan.y, row, plan.z, row, plan.rows, plan.units);
  else if (kind == Activation.logSoftmax) logSoftmaxRows(plan.y, row, plan.z, row, plan.rows, plan.units, plan.scratch);
  else if (plan.slope) activateWithSlope(kind, plan.y, plan.slope, plan.z, plan.rows * width);
  else activate(kind, plan.y, plan.z, plan.rows * width);
}

/** Requires denseForward on the same plan; adds to dw. */
export function denseBackward(plan: DensePlan): void {
  assert(plan.rows > 0);
  const width = padded(plan.units);
  const row = <usize>width * 4;
  if (!plan.fused) activationGradient(plan, row);
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

/** Replaces the gradient of y by that of x W + b. */
function activationGradient(plan: DensePlan, row: usize): void {
  const kind = plan.activation;
  const n = plan.rows * padded(plan.units);
  if (kind == Activation.softmax) softmaxBackward(plan.dy, row, plan.dy, row, plan.y, row, plan.rows, plan.units);
  else if (kind == Activation.logSoftmax) logSoftmaxBackward(plan.dy, row, plan.dy, row, plan.y, row, plan.rows, plan.units);
  else if (plan.slope) slopeBackward(plan.dy, plan.slope, n);
  else activateBackward(kind, plan.dy, plan.y, n);
}

/**
 * Packs the weights of Keras, kernel [K, N] and bias [N], with zeros as padding.
 *
 * @param bias 0 for none
 */
export function packDenseWeights(w: usize, kernel: usize, bias: usize, inputs: i32, units: i32): void {
  const width = padded(units);
  memory.fill(w, 0, <usize>((1 + inputs) * width) * 4);
  copyWeights(w, kernel, bias, inputs, units, pack);
}

export function unpackDenseWeights(w: usize, kernel: usize, bias: usize, inputs: i32, units: i32): void {
  copyWeights(w, kernel, bias, inputs, units, unpack);
}

function copyWeights(w: usize, kernel: usize, bias: usize, inputs: i32, units: i32, copy: Copy): void {
  if (bias) copy(w, 0, bias, 0, 1, units);
  copyPanels(w + <usize>padded(units) * 4, 0, inputs, kernel, inputs, units, copy);
}
