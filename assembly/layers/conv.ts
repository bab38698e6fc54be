/**
 * The convolution over time: y[t] = f(b + sum over k of x[stride t + dilation k - before] W[k]), where x is zero before its
 * first step and after its last.
 *
 * It is computed without a matrix of windows: the windows of a sample, or of all samples at one step, are the rows of a
 * product whose blocks are the taps. Steps whose windows contain the same taps are computed together.
 *
 * Letters: B batch, T output steps, S input steps, K taps, D inputs, N filters.
 */

import { transpose } from '../memory/rows';
import {
  SLICE, ZEROS, columnSums, matmulPart, matmulTransposedPart, packedAt, padded, panelWidth,
} from '../products/matmul';
import { activateUnits, activateUnitsBackward } from './dense';

/** A planned convolution, written by src/plan; offsets and strides in bytes. Either stride or dilation is 1. */
@unmanaged
export class Conv1dPlan {
  rows: i32; // B
  steps: i32; // S
  outputSteps: i32; // T
  inputs: i32; // D
  units: i32; // N
  taps: i32; // K
  stride: i32;
  dilation: i32;
  before: i32; // steps of zeros before the input
  activation: i32; // an Activation
  x: usize; // [S, B, D]
  xRow: usize;
  xStep: usize;
  z: usize; // before the activation [B, T, padded N] or [T, B, padded N], contiguous; may be y
  y: usize; // like z
  yRow: usize; // of z, y, slope and dy
  yStep: usize;
  slope: usize; // f'(z), like z, if it does not follow from y; 0 otherwise, and without training
  scratch: usize; // [padded N], logSoftmax only
  w: usize; // bias [padded N], then the packed kernel [K D, N]
  dw: usize; // like w: gradients are added to it
  wt: usize; // scratch [K N, padded D]: the transposed taps, packed
  dy: usize; // gradient of y, like z, overwritten with that of z; its padding is zero
  dx: usize; // gradient of x, overwritten; 0 for none
  dxRow: usize;
  dxStep: usize;
  useBias: i32;
  fused: i32; // 1: dy already is the gradient of z, from a loss of logits
}

/** Windows that a weight-gradient product sums before its tile is stored. */
const CHUNK = 256;

/** With fewer samples, products whose rows are samples are slower than those whose rows are steps. */
const FEW = 8;

export function conv1dForward(plan: Conv1dPlan): void {
  conv1dForwardRows(plan, 0, plan.rows);
}

/** The part of conv1dForward for samples [first, first + rows), which threads run at the same time; not for logSoftmax. */
export function conv1dForwardRows(plan: Conv1dPlan, first: i32, rows: i32): void {
  assert(rows > 0 && first >= 0 && first + rows <= plan.rows);
  const z = plan.z + <usize>first * plan.yRow;
  const kernel = plan.w + <usize>padded(plan.units) * 4;
  windows(
    z, plan.yRow, plan.yStep, plan.w, 4, plan.x + <usize>first * plan.xRow, plan.xRow, plan.xStep, plan.steps, plan.inputs,
    kernel, plan.taps, plan.units, -plan.before, plan.stride, plan.dilation, rows, plan.outputSteps,
  );
  const parts = isBySample(plan) ? 1 : plan.outputSteps;
  const each = isBySample(plan) ? rows * plan.outputSteps : rows;
  for (let n = 0; n < parts; n++) {
    const at = <usize>first * plan.yRow + <usize>n * plan.yStep;
    const slope = plan.slope ? plan.slope + at : 0;
    activateUnits(plan.activation, plan.y + at, slope, plan.z + at, each, plan.units, plan.scratch);
  }
}

/** Requires conv1dForward on the same plan; adds to dw. */
export function conv1dBackward(plan: Conv1dPlan): void {
  conv1dBackwardStart(plan);
  conv1dBackwardRows(plan, 0, plan.rows);
  conv1dBackwardWeights(plan, 0, (plan.units + 15) >> 4);
}

/** What conv1dBackwardRows needs, once for all rows: the taps of each phase, last to first, as a packed matrix. */
export function conv1dBackwardStart(plan: Conv1dPlan): void {
  if (!plan.dx) return;
  const depth = plan.inputs;
  const units = plan.units;
  const kernel = plan.w + <usize>padded(units) * 4;
  memory.fill(plan.wt, 0, <usize>(plan.taps * units * padded(depth)) * 4);
  let wt = plan.wt;
  for (let phase = 0; phase < plan.stride; phase++) {
    const taps = tapsOfPhase(plan, phase);
    const height = taps * units;
    for (let n = 0; n < taps; n++) {
      const tap = phase + (taps - 1 - n) * plan.stride;
      transposeTap(wt, n * units, height, kernel, tap * depth, plan.taps * depth, depth, units);
    }
    wt += <usize>(height * padded(depth)) * 4;
  }
}

/** The part of conv1dBackward for some samples, which threads run at the same time: all gradients but those of weights. */
export function conv1dBackwardRows(plan: Conv1dPlan, first: i32, rows: i32): void {
  assert(rows > 0 && first >= 0 && first + rows <= plan.rows);
  if (!plan.fused) {
    const parts = isBySample(plan) ? 1 : plan.outputSteps;
    const each = isBySample(plan) ? rows * plan.outputSteps : rows;
    for (let n = 0; n < parts; n++) {
      const at = <usize>first * plan.yRow + <usize>n * plan.yStep;
      const slope = plan.slope ? plan.slope + at : 0;
      activateUnitsBackward(plan.activation, plan.dy + at, plan.y + at, slope, each, plan.units);
    }
  }
  if (!plan.dx) return;
  const dx = plan.dx + <usize>first * plan.dxRow;
  const dy = plan.dy + <usize>first * plan.yRow;
  const stride = plan.stride;
  let wt = plan.wt;
  // Input steps with the same remainder are read by the same taps
  for (let phase = 0; phase < stride; phase++) {
    const taps = tapsOfPhase(plan, phase);
    let step = (phase - plan.before) % stride;
    if (step < 0) step += stride;
    const count = (plan.steps - step + stride - 1) / stride;
    const start = (step + plan.before - phase) / stride - (taps - 1) * plan.dilation;
    if (count > 0) {
      windows(
        dx + <usize>step * plan.dxStep, plan.dxRow, <usize>stride * plan.dxStep, ZEROS, 0, dy, plan.yRow, plan.yStep,
        plan.outputSteps, plan.units, wt, taps, plan.inputs, start, 1, plan.dilation, rows, count,
      );
    }
    wt += <usize>(taps * plan.units * padded(plan.inputs)) * 4;
  }
}

/**
 * The weight gradients of columns [16 first, 16 (first + count)), after conv1dBackwardRows for all rows; adds to dw. Every
 * sum has the order of conv1dBackward, and so the same bits.
 */
export function conv1dBackwardWeights(plan: Conv1dPlan, first: i32, count: i32): void {
  const depth = plan.inputs;
  const height = plan.taps * depth;
  const from = 16 * first;
  const columns = min(16 * count, plan.units - from);
  const column = <usize>from * 4;
  const width = <usize>padded(plan.units) * 4;
  const kernel = plan.dw + width + column * height;
  const dy = plan.dy + column;
  if (plan.useBias) columnSums(plan.dw + column, dy, width, plan.rows * plan.outputSteps, columns);
  const bySample = isBySample(plan);
  const xNext = <usize>plan.stride * plan.xStep;
  const isJoined = <usize>plan.dilation * plan.xStep == <usize>depth * 4;
  for (let n = 0; n < plan.outputSteps;) {
    const at = n * plan.stride - plan.before;
    const begin = firstTap(at, plan.dilation);
    const end = endOfTaps(at, plan.dilation, plan.taps, plan.steps);
    const same = sameWindows(at, plan.stride, plan.dilation, plan.taps, plan.steps, plan.outputSteps - n);
    // The rows of a product are steps of samples, or samples of steps, whichever are closer to each other
    const inner = bySample ? same : plan.rows;
    const outer = bySample ? plan.rows : same;
    const aRow = bySample ? xNext : plan.xRow;
    const aBlock = bySample ? plan.xRow : xNext;
    const bRow = bySample ? plan.yStep : plan.yRow;
    const bBlock = bySample ? plan.yRow : plan.yStep;
    const taps = isJoined ? end - begin : 1;
    for (let i = 0; i < inner && begin < end; i += CHUNK) {
      const rows = min(CHUNK, inner - i);
      const most = max(1, CHUNK / rows);
      for (let o = 0; o < outer; o += most) {
        const blocks = min(most, outer - o);
        const b = dy + <usize>n * plan.yStep + <usize>i * bRow + <usize>o * bBlock;
        for (let tap = begin; tap < end; tap += taps) {
          const a = plan.x + <usize>(at + tap * plan.dilation) * plan.xStep + <usize>i * aRow + <usize>o * aBlock;
          matmulTransposedPart(
            kernel, tap * depth, height, a, aRow, aBlock, b, bRow, bBlock, rows, blocks, taps * depth, columns,
          );
        }
      }
    }
    n += same;
  }
}

@inline
function isBySample(plan: Conv1dPlan): bool {
  return plan.yRow > plan.yStep;
}

/** The number of taps k with k % stride == phase. */
@inline
function tapsOfPhase(plan: Conv1dPlan, phase: i32): i32 {
  return phase < plan.taps ? (plan.taps - phase + plan.stride - 1) / plan.stride : 0;
}

/** The first tap that does not read before step 0, in a window that starts at step `at`. */
@inline
function firstTap(at: i32, dilation: i32): i32 {
  return at < 0 ? (dilation - 1 - at) / dilation : 0;
}

/** The tap after the last one that reads a step; no tap does if it is not above firstTap. */
@inline
function endOfTaps(at: i32, dilation: i32, taps: i32, steps: i32): i32 {
  return at < steps ? min(taps, (steps - 1 - at) / dilation + 1) : 0;
}

/** How many windows from the one at step `at`, at most `most`, contain the same taps. */
function sameWindows(at: i32, stride: i32, dilation: i32, taps: i32, steps: i32, most: i32): i32 {
  const first = firstTap(at, dilation);
  const end = endOfTaps(at, dilation, taps, steps);
  let n = 1;
  for (; n < most; n++) {
    at += stride;
    if (firstTap(at, dilation) != first || endOfTaps(at, dilation, taps, steps) != end) break;
  }
  return n;
}

/**
 * c[n][b] = init + sum over k of a[start + stride n + dilation k][b] P[k], for n < count and b < rows.
 *
 * @param c [count, rows, padded cols]
 * @param init the first row of sums: (bias, 4) or (ZEROS, 0)
 * @param a [steps, rows, depth]
 * @param panels the packed P [taps depth, cols]
 */
function windows(
  c: usize, cRow: usize, cStep: usize, init: usize, initCol: usize,
  a: usize, aRow: usize, aStep: usize, steps: i32, depth: i32, panels: usize, taps: i32, cols: i32,
  start: i32, stride: i32, dilation: i32, rows: i32, count: i32,
): void {
  const aBlock = <usize>dilation * aStep;
  const height = taps * depth;
  const isJoined = aBlock == <usize>depth * 4 && height * 64 <= SLICE;
  for (let n = 0; n < count;) {
    const at = start + n * stride;
    const first = firstTap(at, dilation);
    const end = endOfTaps(at, dilation, taps, steps);
    const same = sameWindows(at, stride, dilation, taps, steps, count - n);
    const to = c + <usize>n * cStep;
    n += same;
    if (first >= end) {
      fillRows(to, cRow, cStep, init, initCol, rows, same, cols);
      continue;
    }
    const from = a + <usize>(at + first * dilation) * aStep;
    const skip = first * depth;
    const each = isJoined ? (end - first) * depth : depth;
    const blocks = isJoined ? 1 : end - first;
    // The rows of a product are steps or samples, whichever are closer to each other, unless there are few of them
    const bySample = aRow < aStep ? rows < FEW && same > rows : same >= FEW || same > rows;
    if (bySample) {
      const aNext = <usize>stride * aStep;
      for (let b: usize = 0; b < <usize>rows; b++) {
        matmulPart(
          to + b * cRow, cStep, init, 0, initCol, from + b * aRow, aNext, aBlock, each, blocks,
          panels, skip, height, same, cols,
        );
      }
    } else {
      for (let t: usize = 0; t < <usize>same; t++) {
        matmulPart(
          to + t * cStep, cRow, init, 0, initCol, from + t * <usize>stride * aStep, aRow, aBlock, each, blocks,
          panels, skip, height, rows, cols,
        );
      }
    }
  }
}

/** The sums of windows without taps. */
function fillRows(
  c: usize, cRow: usize, cStep: usize, init: usize, initCol: usize, rows: i32, steps: i32, cols: i32,
): void {
  for (let t: usize = 0; t < <usize>steps; t++) {
    for (let b: usize = 0; b < <usize>rows; b++) {
      const row = c + t * cStep + b * cRow;
      for (let n: usize = 0; n < <usize>cols; n += 4) v128.store(row + 4 * n, v128.load(init + n * initCol));
    }
  }
}

/**
 * Writes the transpose of rows [from, from + D) of the packed w [height, N] to rows [to, to + N) of the packed
 * t [tHeight, D].
 */
function transposeTap(
  t: usize, to: i32, tHeight: i32, w: usize, from: i32, height: i32, D: i32, N: i32,
): void {
  for (let n = 0; n < N;) {
    const width = panelWidth(N - n);
    for (let d = 0; d < D;) {
      const tWidth = panelWidth(D - d);
      transpose(
        t + packedAt(to + n, d, tHeight, D), <usize>tWidth * 4, w + packedAt(from + d, n, height, N), <usize>width * 4,
        min(tWidth, D - d), min(width, N - n),
      );
      d += tWidth;
    }
    n += width;
  }
}
