/**
 * Batch normalization along the last axis: y = gamma (x - mean) / sqrt(variance + epsilon) + beta.
 *
 * Letters: T time, B batch, N = T B rows, D width. A plan may exchange T and B, with their strides, so that rows that are
 * close in memory follow each other.
 */

import { madd, nmadd } from '../math/elementary';
import { highHalf, lowHalf } from '../math/f64Pairs';
import { lanesAt } from '../math/laneMasks';
import { padded } from '../products/matmul';

/** Columns of a group, of which threads take some at a time. */
export const GROUP = 16;

/** The most rows of a block, whose sums are in float32, and its numbers: it stays in the cache. */
const BLOCK_ROWS = 64;
const BLOCK_NUMBERS = 4096;

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
  inverse: usize; // [padded D]: 1 / sqrt(variance + epsilon)
  sums: usize; // scratch: [2, padded D] of float64, then [2, padded D] of float32
}

export function batchNormalizationForward(plan: BatchNormalizationPlan): void {
  batchNormalizationForwardRows(plan, 0, groupsOf(plan.width));
}

/**
 * The part of batchNormalizationForward for columns [16 first, 16 (first + count)), which threads run at the same time: each
 * sum is over all rows of a column, in their order.
 */
export function batchNormalizationForwardRows(plan: BatchNormalizationPlan, first: i32, count: i32): void {
  assert(first >= 0 && count > 0 && first + count <= groupsOf(plan.width));
  const from = GROUP * first;
  const to = endOf(plan.width, first + count);
  const N = plan.steps * plan.rows;
  const block = blockOf(plan.width);
  if (plan.ofBatch) {
    const counted = countOf(plan);
    memory.fill(plan.sums + 8 * <usize>from, 0, 8 * <usize>(to - from));
    for (let n = 0; n < N; n += block) addBlock(plan, n, min(block, N - n), from, to, false);
    divideSums(plan.mean, plan.sums, from, to, counted);
    memory.fill(plan.sums + 8 * <usize>from, 0, 8 * <usize>(to - from));
    for (let n = 0; n < N; n += block) addBlock(plan, n, min(block, N - n), from, to, true);
    divideSums(plan.variance, plan.sums, from, to, counted);
  }
  const epsilon = <f64>reinterpret<f32>(plan.epsilon);
  for (let at = 4 * <usize>from; at < 4 * <usize>to; at += 4) {
    const variance = load<f32>(plan.variance + at);
    // NaN for a variance that has overflowed, so that the loss shows it
    store<f32>(plan.inverse + at, variance - variance == 0 ? <f32>(1 / sqrt(<f64>variance + epsilon)) : <f32>NaN);
  }
  for (let n = 0; n < N; n += block) normalizeBlock(plan, n, min(block, N - n), from, to);
}

/** Requires batchNormalizationForward on the same plan, with x unchanged; adds to dGamma and dBeta. */
export function batchNormalizationBackward(plan: BatchNormalizationPlan): void {
  batchNormalizationBackwardRows(plan, 0, groupsOf(plan.width));
}

/** The part of batchNormalizationBackward for columns [16 first, 16 (first + count)), which threads run at the same time. */
export function batchNormalizationBackwardRows(plan: BatchNormalizationPlan, first: i32, count: i32): void {
  assert(first >= 0 && count > 0 && first + count <= groupsOf(plan.width));
  const from = GROUP * first;
  const to = endOf(plan.width, first + count);
  const N = plan.steps * plan.rows;
  const block = blockOf(plan.width);
  const P = <usize>padded(plan.width);
  const products = plan.sums + 8 * P;
  memory.fill(plan.sums + 8 * <usize>from, 0, 8 * <usize>(to - from));
  memory.fill(products + 8 * <usize>from, 0, 8 * <usize>(to - from));
  for (let n = 0; n < N; n += block) addGradients(plan, n, min(block, N - n), from, to);
  const counted = plan.ofBatch ? countOf(plan) : 0;
  for (let c = <usize>from; c < <usize>min(to, plan.width); c++) {
    const inverse = <f64>load<f32>(plan.inverse + 4 * c);
    const sum = load<f64>(plan.sums + 8 * c);
    const product = load<f64>(products + 8 * c) * inverse;
    if (plan.dBeta) store<f32>(plan.dBeta + 4 * c, load<f32>(plan.dBeta + 4 * c) + <f32>sum);
    if (plan.dGamma) store<f32>(plan.dGamma + 4 * c, load<f32>(plan.dGamma + 4 * c) + <f32>product);
    // How the gradient of x depends on those of mean and variance
    store<f32>(plan.sums + 16 * P + 4 * c, counted > 0 ? <f32>(sum / counted) : 0);
    store<f32>(plan.sums + 20 * P + 4 * c, counted > 0 ? <f32>((product * inverse) / counted) : 0);
  }
  if (!plan.dx) return;
  for (let n = 0; n < N; n += block) inputGradients(plan, n, min(block, N - n), from, to);
}

/**
 * Moves the moving mean and variance towards those of the batch, after all else in the step has succeeded. A column whose
 * mean or variance is not finite keeps them.
 */
export function batchNormalizationCommit(plan: BatchNormalizationPlan): void {
  if (!plan.ofBatch) return;
  const keep = reinterpret<f32>(plan.keep);
  const take = reinterpret<f32>(plan.take);
  for (let at: usize = 0; at < 4 * <usize>plan.width; at += 4) {
    const mean = load<f32>(plan.mean + at);
    const variance = load<f32>(plan.variance + at);
    if (mean - mean != 0 || variance - variance != 0) continue;
    store<f32>(plan.movingMean + at, load<f32>(plan.movingMean + at) * keep + mean * take);
    store<f32>(plan.movingVariance + at, load<f32>(plan.movingVariance + at) * keep + variance * take);
  }
}

/** The number of rows over which mean and variance are taken. */
function countOf(plan: BatchNormalizationPlan): f64 {
  if (!plan.mask) return <f64>plan.steps * <f64>plan.rows;
  let count: f64 = 0;
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    for (let b: usize = 0; b < <usize>plan.rows; b++) {
      if (load<f32>(plan.mask + t * plan.maskStep + b * plan.maskRow) != 0) count++;
    }
  }
  return count;
}

/** Adds rows [first, first + count) of columns [from, to) to `sums`: x, or the squares of x - mean. */
function addBlock(plan: BatchNormalizationPlan, first: i32, count: i32, from: i32, to: i32, squares: bool): void {
  const B = plan.rows;
  const step = <usize>(first / B);
  const row = first % B;
  const xRow = plan.xRow;
  const maskRow = plan.maskRow;
  // From the last row of a step to the first of the next
  const xEnd = plan.xStep - <usize>B * xRow;
  const maskEnd = plan.maskStep - <usize>B * maskRow;
  const isMasked = plan.mask != 0;
  const one = f32x4.splat(1);
  for (let c = from; c < to; c += 8) {
    const at = 4 * <usize>c;
    const next: usize = c + 4 < to ? 16 : 0;
    const m0 = squares ? v128.load(plan.mean + at) : f32x4.splat(0);
    const m1 = squares ? v128.load(plan.mean + at + next) : f32x4.splat(0);
    let a = f32x4.splat(0);
    let b = f32x4.splat(0);
    let x = plan.x + step * plan.xStep + <usize>row * xRow + at;
    let mask = plan.mask + step * plan.maskStep + <usize>row * maskRow;
    let r = row;
    for (let n = 0; n < count; n++) {
      if (!isMasked || load<f32>(mask) != 0) {
        const d = f32x4.sub(v128.load(x), m0);
        const e = f32x4.sub(v128.load(x + next), m1);
        a = madd(d, squares ? d : one, a);
        b = madd(e, squares ? e : one, b);
      }
      x += xRow;
      mask += maskRow;
      if (++r == B) {
        r = 0;
        x += xEnd;
        mask += maskEnd;
      }
    }
    addTo(plan.sums + 2 * at, a);
    if (next) addTo(plan.sums + 2 * at + 32, b);
  }
}

/** Writes rows [first, first + count) of columns [from, to) of y. */
function normalizeBlock(plan: BatchNormalizationPlan, first: i32, count: i32, from: i32, to: i32): void {
  const B = plan.rows;
  const step = <usize>(first / B);
  const row = first % B;
  const xRow = plan.xRow;
  const yRow = plan.yRow;
  const xEnd = plan.xStep - <usize>B * xRow;
  const yEnd = plan.yStep - <usize>B * yRow;
  for (let c = from; c < to; c += 4) {
    const at = 4 * <usize>c;
    const mean = v128.load(plan.mean + at);
    const factor = scaleAt(plan, at);
    const beta = plan.beta ? v128.load(plan.beta + at) : f32x4.splat(0);
    const lanes = lanesAt(c, plan.width);
    let x = plan.x + step * plan.xStep + <usize>row * xRow + at;
    let y = plan.y + step * plan.yStep + <usize>row * yRow + at;
    let r = row;
    for (let n = 0; n < count; n++) {
      v128.store(y, v128.and(madd(f32x4.sub(v128.load(x), mean), factor, beta), lanes));
      x += xRow;
      y += yRow;
      if (++r == B) {
        r = 0;
        x += xEnd;
        y += yEnd;
      }
    }
  }
}

/** Adds rows of dy to the first sums, and of dy (x - mean) to the second. */
function addGradients(plan: BatchNormalizationPlan, first: i32, count: i32, from: i32, to: i32): void {
  const B = plan.rows;
  const step = <usize>(first / B);
  const row = first % B;
  const xRow = plan.xRow;
  const dyRow = plan.dyRow;
  const xEnd = plan.xStep - <usize>B * xRow;
  const dyEnd = plan.dyStep - <usize>B * dyRow;
  const products = plan.sums + 8 * <usize>padded(plan.width);
  for (let c = from; c < to; c += 4) {
    const at = 4 * <usize>c;
    const mean = v128.load(plan.mean + at);
    let sum = f32x4.splat(0);
    let product = f32x4.splat(0);
    let x = plan.x + step * plan.xStep + <usize>row * xRow + at;
    let dy = plan.dy + step * plan.dyStep + <usize>row * dyRow + at;
    let r = row;
    for (let n = 0; n < count; n++) {
      const d = v128.load(dy);
      sum = f32x4.add(sum, d);
      product = madd(d, f32x4.sub(v128.load(x), mean), product);
      x += xRow;
      dy += dyRow;
      if (++r == B) {
        r = 0;
        x += xEnd;
        dy += dyEnd;
      }
    }
    addTo(plan.sums + 2 * at, sum);
    addTo(products + 2 * at, product);
  }
}

/** Writes rows of dx. Rows that mean and variance leave out depend on x only through their own numbers. */
function inputGradients(plan: BatchNormalizationPlan, first: i32, count: i32, from: i32, to: i32): void {
  const B = plan.rows;
  const step = <usize>(first / B);
  const row = first % B;
  const xRow = plan.xRow;
  const dyRow = plan.dyRow;
  const dxRow = plan.dxRow;
  const maskRow = plan.maskRow;
  const xEnd = plan.xStep - <usize>B * xRow;
  const dyEnd = plan.dyStep - <usize>B * dyRow;
  const dxEnd = plan.dxStep - <usize>B * dxRow;
  const maskEnd = plan.maskStep - <usize>B * maskRow;
  const isMasked = plan.mask != 0;
  const ofBatch = plan.ofBatch != 0;
  const shifts = plan.sums + 16 * <usize>padded(plan.width);
  const slopes = plan.sums + 20 * <usize>padded(plan.width);
  for (let c = from; c < to; c += 4) {
    const at = 4 * <usize>c;
    const mean = v128.load(plan.mean + at);
    const factor = scaleAt(plan, at);
    const shift = v128.load(shifts + at);
    const slope = v128.load(slopes + at);
    const lanes = lanesAt(c, plan.width);
    let x = plan.x + step * plan.xStep + <usize>row * xRow + at;
    let dy = plan.dy + step * plan.dyStep + <usize>row * dyRow + at;
    let dx = plan.dx + step * plan.dxStep + <usize>row * dxRow + at;
    let mask = plan.mask + step * plan.maskStep + <usize>row * maskRow;
    let r = row;
    for (let n = 0; n < count; n++) {
      let d = v128.load(dy);
      if (ofBatch && (!isMasked || load<f32>(mask) != 0)) {
        d = nmadd(f32x4.sub(v128.load(x), mean), slope, f32x4.sub(d, shift));
      }
      v128.store(dx, v128.and(f32x4.mul(d, factor), lanes));
      x += xRow;
      dy += dyRow;
      dx += dxRow;
      mask += maskRow;
      if (++r == B) {
        r = 0;
        x += xEnd;
        dy += dyEnd;
        dx += dxEnd;
        mask += maskEnd;
      }
    }
  }
}

/** gamma / sqrt(variance + epsilon) of four columns. */
@inline
function scaleAt(plan: BatchNormalizationPlan, at: usize): v128 {
  const inverse = v128.load(plan.inverse + at);
  return plan.gamma ? f32x4.mul(inverse, v128.load(plan.gamma + at)) : inverse;
}

/** Adds four numbers to four float64 sums. */
@inline
function addTo(sums: usize, v: v128): void {
  v128.store(sums, f64x2.add(v128.load(sums), lowHalf(v)));
  v128.store(sums, f64x2.add(v128.load(sums, 16), highHalf(v)), 16);
}

/** means = sums / count for columns [from, to); zeros without rows. */
function divideSums(means: usize, sums: usize, from: i32, to: i32, count: f64): void {
  for (let c = <usize>from; c < <usize>to; c++) {
    store<f32>(means + 4 * c, count > 0 ? <f32>(load<f64>(sums + 8 * c) / count) : 0);
  }
}

/** The rows of a block, which is read column by column. */
export function blockOf(width: i32): i32 {
  return max(8, min(BLOCK_ROWS, BLOCK_NUMBERS / padded(width)));
}

@inline
export function groupsOf(width: i32): i32 {
  return (width + GROUP - 1) / GROUP;
}

/** The end of the columns of a group, with their padding. */
@inline
export function endOf(width: i32, groups: i32): i32 {
  return min(GROUP * groups, padded(width));
}
