/** The plan of a batch normalization, and how its passes divide rows and columns. */

import { lanesAt } from '../math/laneMasks';
import { padded } from '../products/matmul';

/** Columns of a group, of which threads take some at a time. */
const GROUP = 16;

/** The most rows of a block, whose sums are in float32, and its bytes: it stays in the cache. */
const BLOCK_ROWS = 64;
const BLOCK_BYTES = 8192;

/** From this many numbers on, blocks come from memory and not from a cache. */
const LARGE: f64 = 1048576;

/** A planned batch normalization, written by src/plan; offsets and strides in bytes. */
@unmanaged
export class BatchNormalizationPlan {
  steps: i32; // T
  rows: i32; // B
  width: i32; // D
  x: usize; // [T, B, D]
  xRow: usize;
  xStep: usize;
  y: usize; // [T, B, padded D]; the padding is written as zeros
  yRow: usize;
  yStep: usize;
  dy: usize; // gradient of y, its padding zero
  dyRow: usize;
  dyStep: usize;
  dx: usize; // gradient of x, overwritten, padded with zeros; 0 for none
  dxRow: usize;
  dxStep: usize;
  mask: usize; // [T, B]: zeros for rows that mean and variance leave out; 0 for none
  maskRow: usize;
  maskStep: usize;
  ofBatch: i32; // 1: computes mean and variance of the batch, and moves the moving ones at the end of the step
  epsilon: i32; // float32 bits
  keep: i32; // float32 bits of the momentum
  take: i32; // float32 bits of 1 - momentum
  gamma: usize; // [padded D]; 0 for ones
  beta: usize; // [padded D]; 0 for zeros
  dGamma: usize; // their gradients, added to; 0 for none
  dBeta: usize;
  movingMean: usize; // [padded D]
  movingVariance: usize;
  mean: usize; // [padded D]: what x is normalized with; the moving ones without ofBatch
  variance: usize;
  inverse: usize; // [3, padded D]: 1 / sqrt(variance + epsilon), the same times gamma, and beta
  sums: usize; // scratch: [2, padded D] of float64, then [2, padded D] of float32
}

// The columns of a call are [from, to), or the 16 or four at `at`, in bytes of float32.

/** The second half of the float64 sums: of squares, or of products. */
@inline
export function secondSums(plan: BatchNormalizationPlan): usize {
  return plan.sums + 8 * <usize>padded(plan.width);
}

/** Two float32 sums of a block; after all blocks, what the gradient of x is computed with. */
@inline
export function blockSums(plan: BatchNormalizationPlan): usize {
  return plan.sums + 16 * <usize>padded(plan.width);
}

/** Sets the float64 sums to zero. */
export function clear(plan: BatchNormalizationPlan, from: usize, to: usize): void {
  memory.fill(plan.sums + 2 * from, 0, 2 * (to - from));
  memory.fill(secondSums(plan) + 2 * from, 0, 2 * (to - from));
}

/** The rows of [first, first + count) that are not masked. */
export function countOf(plan: BatchNormalizationPlan, first: i32, count: i32): i32 {
  if (!plan.mask) return count;
  let counted = 0;
  for (let n = first; n < first + count; n++) if (isCounted(plan, n)) counted++;
  return counted;
}

/** Whether a row is not masked. */
@inline
export function isCounted(plan: BatchNormalizationPlan, n: i32): bool {
  return !plan.mask || load<f32>(rowAt(plan, plan.mask, plan.maskRow, plan.maskStep, n)) != 0;
}

/** The rows from row n on, before `end`, that are of one step, and of which all or none are masked. */
export function runOf(plan: BatchNormalizationPlan, n: i32, end: i32): i32 {
  const most = min(end - n, plan.rows - n % plan.rows);
  if (!plan.mask) return most;
  const counted = isCounted(plan, n);
  let rows = 1;
  while (rows < most && isCounted(plan, n + rows) == counted) rows++;
  return rows;
}

@inline
function rowAt(plan: BatchNormalizationPlan, start: usize, row: usize, step: usize, n: i32): usize {
  return start + <usize>(n / plan.rows) * step + <usize>(n % plan.rows) * row;
}

@inline
export function xOf(plan: BatchNormalizationPlan, n: i32): usize {
  return rowAt(plan, plan.x, plan.xRow, plan.xStep, n);
}

@inline
export function dyOf(plan: BatchNormalizationPlan, n: i32): usize {
  return rowAt(plan, plan.dy, plan.dyRow, plan.dyStep, n);
}

@inline
export function dxOf(plan: BatchNormalizationPlan, n: i32): usize {
  return rowAt(plan, plan.dx, plan.dxRow, plan.dxStep, n);
}

/** The lanes of the last of 16 columns, or of four, that are not padding. */
@inline
export function lanesOf(plan: BatchNormalizationPlan, at: usize, wide: bool): v128 {
  return lanesAt(<i32>(at >> 2) + (wide ? 12 : 0), plan.width);
}

@inline
export function isLarge(steps: i32, rows: i32, width: i32): bool {
  return <f64>steps * <f64>rows * <f64>width >= LARGE;
}

let touched: i32 = 0;

/**
 * Loads rows [first, first + count) into the cache, line by line in the order of memory: the CPU then loads the next lines
 * meanwhile, which it does not if they are read column by column.
 */
export function touch(
  plan: BatchNormalizationPlan, start: usize, row: usize, step: usize, first: i32, count: i32, from: usize, to: usize,
): void {
  let any = 0;
  for (let n = first; n < first + count; n++) {
    const x = start + <usize>(n / plan.rows) * step + <usize>(n % plan.rows) * row;
    for (let at = from; at < to; at += 64) any |= load<i32>(x + at);
  }
  // Without a use, the loads would be removed
  touched = any;
}

/** The rows of a block: more than a few, because each takes time to be combined with the others. */
export function blockOf(plan: BatchNormalizationPlan): i32 {
  return max(16, min(BLOCK_ROWS, BLOCK_BYTES / (4 * padded(plan.width))));
}

@inline
export function groupsOf(width: i32): i32 {
  return (width + GROUP - 1) / GROUP;
}

/** The first column of a group, in bytes of float32. */
@inline
export function startOf(group: i32): usize {
  return 4 * <usize>(GROUP * group);
}

/** The end of the columns of the groups before one, with their padding. */
@inline
export function endOf(width: i32, group: i32): usize {
  return 4 * <usize>min(GROUP * group, padded(width));
}
