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
  stepRows: i32; // of which threads take some at each time step; M if the steps do not follow each other or weights are large
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
  forward(plan, 0, plan.rows);
}

/**
 * The part of denseForward for rows [first, first + rows) of each time step, which threads run at the same time; not for
 * logSoftmax. A recurrent layer has had the same rows on the same thread, so they are in the cache of its core.
 */
export function denseForwardRows(plan: DensePlan, first: i32, rows: i32): void {
  assert(rows > 0 && first >= 0 && first + rows <= plan.stepRows);
  for (; first < plan.rows; first += plan.stepRows) forward(plan, first, rows);
}

function forward(plan: DensePlan, first: i32, rows: i32): void {
  const width = padded(plan.units);
  const row = <usize>width * 4;
  const at = <usize>first * row;
  const x = plan.x + <usize>first * plan.xRow;
  const y = plan.y + at;
  const z = plan.z + at;
  matmul(z, row, plan.w, 0, 4, x, plan.xRow, 0, plan.inputs, 1, plan.w + row, rows, plan.units);
  activateUnits(plan.activation, y, plan.slope ? plan.slope + at : 0, z, rows, plan.units, plan.scratch);
}

/**
 * y = f(z) for contiguous rows [rows, padded units].
 *
 * @param slope f'(z), written unless 0
 * @param scratch [padded units], logSoftmax only
 */
export function activateUnits(
  kind: i32, y: usize, slope: usize, z: usize, rows: i32, units: i32, scratch: usize,
): void {
  const width = padded(units);
  const row = <usize>width * 4;
  if (kind == Activation.softmax) softmaxRows(y, row, z, row, rows, units);
  else if (kind == Activation.logSoftmax) logSoftmaxRows(y, row, z, row, rows, units, scratch);
  else if (slope) activateWithSlope(kind, y, slope, z, rows * width);
  else activate(kind, y, z, rows * width);
}

/** Replaces the gradient of y by that of z; the arguments are those of activateUnits. */
export function activateUnitsBackward(kind: i32, dy: usize, y: usize, slope: usize, rows: i32, units: i32): void {
  const width = padded(units);
  const row = <usize>width * 4;
  if (kind == Activation.softmax) softmaxBackward(dy, row, dy, row, y, row, rows, units);
  else if (kind == Activation.logSoftmax) logSoftmaxBackward(dy, row, dy, row, y, row, rows, units);
  else if (slope) slopeBackward(dy, slope, rows * width);
  else activateBackward(kind, dy, y, rows * width);
}

/** Requires denseForward on the same plan; adds to dw. */
export function denseBackward(plan: DensePlan): void {
  denseBackwardStart(plan);
  backward(plan, 0, plan.rows);
  denseBackwardWeights(plan, 0, (plan.units + 15) >> 4);
}

/** What denseBackwardRows needs, once for all rows. */
export function denseBackwardStart(plan: DensePlan): void {
  if (plan.dx) packTransposed(plan.wt, plan.w + <usize>padded(plan.units) * 4, plan.inputs, plan.units);
}

/** The part of denseBackward for the rows of denseForwardRows: all gradients but those of weights. */
export function denseBackwardRows(plan: DensePlan, first: i32, rows: i32): void {
  assert(rows > 0 && first >= 0 && first + rows <= plan.stepRows);
  for (; first < plan.rows; first += plan.stepRows) backward(plan, first, rows);
}

function backward(plan: DensePlan, first: i32, rows: i32): void {
  const row = <usize>padded(plan.units) * 4;
  const at = <usize>first * row;
  const dy = plan.dy + at;
  if (!plan.fused) {
    const slope = plan.slope ? plan.slope + at : 0;
    activateUnitsBackward(plan.activation, dy, plan.y + at, slope, rows, plan.units);
  }
  if (!plan.dx) return;
  const dx = plan.dx + <usize>first * plan.dxRow;
  matmul(dx, plan.dxRow, ZEROS, 0, 0, dy, row, 0, plan.units, 1, plan.wt, rows, plan.inputs);
}

/**
 * The weight gradients of columns [16 first, 16 (first + count)), after denseBackwardRows for all rows; adds to dw. Every
 * sum has the order of denseBackward, and so the same bits.
 */
export function denseBackwardWeights(plan: DensePlan, first: i32, count: i32): void {
  const row = <usize>padded(plan.units) * 4;
  const from = 16 * first;
  const columns = min(16 * count, plan.units - from);
  const column = <usize>from * 4;
  const kernel = plan.dw + row + column * plan.inputs;
  if (plan.useBias) columnSums(plan.dw + column, plan.dy + column, row, plan.rows, columns);
  for (let m = 0; m < plan.rows; m += CHUNK) {
    const x = plan.x + <usize>m * plan.xRow;
    const dy = plan.dy + <usize>m * row + column;
    const rows = min(CHUNK, plan.rows - m);
    matmulTransposed(kernel, x, plan.xRow, 0, dy, row, 0, rows, 1, plan.inputs, columns);
  }
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
