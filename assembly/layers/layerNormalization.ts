/**
 * Layer normalization: y = gamma (x - mean) / sqrt(variance + epsilon) + beta, with mean and variance of each row.
 *
 * A row is read several times, from the cache: for the mean, for the variance, and to be normalized. Several rows are
 * computed together, because the sums of one row would wait for each other.
 *
 * Letters: T time, B batch, N = T B rows, D width. A plan may exchange T and B, with their strides.
 */

import { madd } from '../math/elementary';
import { highHalf, lowHalf } from '../math/f64Pairs';
import { lanesAt, lastLanes } from '../math/laneMasks';
import { padded } from '../products/matmul';
import { endOf, groupsOf, startOf } from './batchNormalizationPlan';

/** Rows of a group, of which threads take some at a time. The gradients of weights are added up group by group. */
export const enum RowGroup {
  rows = 32,
}

/** A planned layer normalization, written by src/plan; offsets and strides in bytes. */
@unmanaged
export class LayerNormalizationPlan {
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
  epsilon: i32; // float32 bits
  gamma: usize; // [padded D]; 0 for ones
  beta: usize; // [padded D]; 0 for zeros
  dGamma: usize; // their gradients, added to; 0 for none
  dBeta: usize;
  mean: usize; // [T B]
  inverse: usize; // [T B]: 1 / sqrt(variance + epsilon)
  sums: usize; // scratch [N / 32, 2, padded D]: the gradients of beta and gamma of each 32 rows; 0 without gradients
}

export function layerNormalizationForward(plan: LayerNormalizationPlan): void {
  layerNormalizationForwardRows(plan, 0, rowGroupsOf(plan));
}

/** The part of layerNormalizationForward for rows [32 first, 32 (first + count)), which threads run at the same time. */
export function layerNormalizationForwardRows(plan: LayerNormalizationPlan, first: i32, count: i32): void {
  assert(count > 0 && first >= 0 && first + count <= rowGroupsOf(plan));
  const B = plan.rows;
  const end = min(RowGroup.rows * (first + count), plan.steps * B);
  for (let n = RowGroup.rows * first; n < end; ) {
    const t = <usize>(n / B);
    const b = n % B;
    const rows = min(end - n, B - b);
    const x = plan.x + t * plan.xStep + <usize>b * plan.xRow;
    normalizeRows(plan, 4 * <usize>n, x, plan.y + t * plan.yStep + <usize>b * plan.yRow, rows);
    n += rows;
  }
}

/** Requires layerNormalizationForward on the same plan, with x unchanged; adds to dGamma and dBeta. */
export function layerNormalizationBackward(plan: LayerNormalizationPlan): void {
  layerNormalizationBackwardRows(plan, 0, rowGroupsOf(plan));
  if (plan.dGamma || plan.dBeta) layerNormalizationBackwardWeights(plan, 0, groupsOf(plan.width));
}

/**
 * The part of layerNormalizationBackward for rows [32 first, 32 (first + count)), which threads run at the same time: the
 * gradient of x, and those of gamma and beta of each group of rows.
 */
export function layerNormalizationBackwardRows(plan: LayerNormalizationPlan, first: i32, count: i32): void {
  assert(count > 0 && first >= 0 && first + count <= rowGroupsOf(plan));
  const B = plan.rows;
  const row: usize = 4 * <usize>padded(plan.width);
  for (let group = first; group < first + count; group++) {
    const sums = plan.sums + <usize>group * 2 * row;
    memory.fill(sums, 0, 2 * row);
    const end = min(RowGroup.rows * (group + 1), plan.steps * B);
    for (let n = RowGroup.rows * group; n < end; ) {
      const t = <usize>(n / B);
      const b = n % B;
      const rows = min(end - n, B - b);
      const x = plan.x + t * plan.xStep + <usize>b * plan.xRow;
      const dy = plan.dy + t * plan.dyStep + <usize>b * plan.dyRow;
      const dx = plan.dx ? plan.dx + t * plan.dxStep + <usize>b * plan.dxRow : 0;
      rowGradients(plan, 4 * <usize>n, x, dy, dx, rows, sums);
      n += rows;
    }
  }
}

/** The gradients of gamma and beta in columns [16 first, 16 (first + count)): the sums of all groups of rows. */
export function layerNormalizationBackwardWeights(plan: LayerNormalizationPlan, first: i32, count: i32): void {
  const row: usize = 4 * <usize>padded(plan.width);
  const to = endOf(plan.width, first + count);
  for (let at = startOf(first); at < to; at += 16) {
    // The numbers behind the last column of x are arbitrary
    const lanes = lanesAt(<i32>(at >> 2), plan.width);
    if (plan.dBeta) addGroups(plan, plan.dBeta + at, plan.sums + at, lanes);
    if (plan.dGamma) addGroups(plan, plan.dGamma + at, plan.sums + row + at, lanes);
  }
}

/** Adds the sums of all groups, in float64, to a gradient of four columns. */
function addGroups(plan: LayerNormalizationPlan, gradient: usize, sums: usize, lanes: v128): void {
  const next: usize = 8 * <usize>padded(plan.width);
  let low = f64x2.splat(0);
  let high = low;
  for (let group = rowGroupsOf(plan); group > 0; group--) {
    const v = v128.load(sums);
    low = f64x2.add(low, lowHalf(v));
    high = f64x2.add(high, highHalf(v));
    sums += next;
  }
  const sum = v128.shuffle<f32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
  v128.store(gradient, f32x4.add(v128.load(gradient), v128.and(sum, lanes)));
}

@inline
function rowGroupsOf(plan: LayerNormalizationPlan): i32 {
  return (plan.steps * plan.rows + RowGroup.rows - 1) / RowGroup.rows;
}

/** Normalizes rows of one step, whose statistics are at `at`; four at a time, or one by one, as four equal ones. */
function normalizeRows(plan: LayerNormalizationPlan, at: usize, x: usize, y: usize, rows: i32): void {
  const D = plan.width;
  const count = f32x4.splat(<f32>D);
  const epsilon = f32x4.splat(reinterpret<f32>(plan.epsilon));
  while (rows > 0) {
    const n: usize = rows >= 4 ? 4 : 1;
    const row = n == 4 ? plan.xRow : 0;
    const x2 = x + row;
    const x3 = x2 + row;
    const x4 = x3 + row;
    const mean = f32x4.div(sumsOf(sumOf(x, D), sumOf(x2, D), sumOf(x3, D), sumOf(x4, D)), count);
    const a = squaresOf(x, v128.shuffle<f32>(mean, mean, 0, 0, 0, 0), D);
    const b = squaresOf(x2, v128.shuffle<f32>(mean, mean, 1, 1, 1, 1), D);
    const c = squaresOf(x3, v128.shuffle<f32>(mean, mean, 2, 2, 2, 2), D);
    const d = squaresOf(x4, v128.shuffle<f32>(mean, mean, 3, 3, 3, 3), D);
    const variance = f32x4.div(sumsOf(a, b, c, d), count);
    const root = f32x4.sqrt(f32x4.add(variance, epsilon));
    // NaN for a variance that has overflowed, so that the loss shows it
    const inverse = f32x4.add(f32x4.div(f32x4.splat(1), root), f32x4.sub(variance, variance));
    if (n == 4) {
      v128.store(plan.mean + at, mean);
      v128.store(plan.inverse + at, inverse);
      normalizeRow(plan, y, x, f32x4.extract_lane(mean, 0), f32x4.extract_lane(inverse, 0));
      normalizeRow(plan, y + plan.yRow, x2, f32x4.extract_lane(mean, 1), f32x4.extract_lane(inverse, 1));
      normalizeRow(plan, y + 2 * plan.yRow, x3, f32x4.extract_lane(mean, 2), f32x4.extract_lane(inverse, 2));
      normalizeRow(plan, y + 3 * plan.yRow, x4, f32x4.extract_lane(mean, 3), f32x4.extract_lane(inverse, 3));
    } else {
      v128.store32_lane(plan.mean + at, mean, 0);
      v128.store32_lane(plan.inverse + at, inverse, 0);
      normalizeRow(plan, y, x, f32x4.extract_lane(mean, 0), f32x4.extract_lane(inverse, 0));
    }
    at += 4 * n;
    x += n * plan.xRow;
    y += n * plan.yRow;
    rows -= <i32>n;
  }
}

/** Four sums of a row of n numbers. */
@inline
export function sumOf(x: usize, n: i32): v128 {
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (; n >= 16; n -= 16) {
    a = f32x4.add(a, v128.load(x));
    b = f32x4.add(b, v128.load(x, 16));
    c = f32x4.add(c, v128.load(x, 32));
    d = f32x4.add(d, v128.load(x, 48));
    x += 64;
  }
  for (; n >= 4; n -= 4) {
    a = f32x4.add(a, v128.load(x));
    x += 16;
  }
  if (n > 0) b = f32x4.add(b, v128.and(v128.load(x), lastLanes(n)));
  return f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
}

/** Four sums of the squares of x - mean, over a row of n numbers. */
@inline
export function squaresOf(x: usize, mean: v128, n: i32): v128 {
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (; n >= 16; n -= 16) {
    const p = f32x4.sub(v128.load(x), mean);
    const q = f32x4.sub(v128.load(x, 16), mean);
    const r = f32x4.sub(v128.load(x, 32), mean);
    const s = f32x4.sub(v128.load(x, 48), mean);
    a = madd(p, p, a);
    b = madd(q, q, b);
    c = madd(r, r, c);
    d = madd(s, s, d);
    x += 64;
  }
  for (; n >= 4; n -= 4) {
    const p = f32x4.sub(v128.load(x), mean);
    a = madd(p, p, a);
    x += 16;
  }
  if (n > 0) {
    const p = v128.and(f32x4.sub(v128.load(x), mean), lastLanes(n));
    b = madd(p, p, b);
  }
  return f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
}

/** The sums of the numbers of four vectors. */
@inline
function sumsOf(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 1, 4, 5), v128.shuffle<f32>(a, b, 2, 3, 6, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 1, 4, 5), v128.shuffle<f32>(c, d, 2, 3, 6, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 2, 4, 6), v128.shuffle<f32>(ab, cd, 1, 3, 5, 7));
}

function normalizeRow(plan: LayerNormalizationPlan, y: usize, x: usize, mean: f32, inverse: f32): void {
  const m = f32x4.splat(mean);
  const factor = f32x4.splat(inverse);
  const end = y + 4 * <usize>plan.width;
  let gamma = plan.gamma;
  let beta = plan.beta;
  let to = y;
  if (gamma && beta) {
    for (; to + 64 <= end; to += 64) {
      const p = f32x4.mul(f32x4.sub(v128.load(x), m), factor);
      const q = f32x4.mul(f32x4.sub(v128.load(x, 16), m), factor);
      const r = f32x4.mul(f32x4.sub(v128.load(x, 32), m), factor);
      const s = f32x4.mul(f32x4.sub(v128.load(x, 48), m), factor);
      v128.store(to, madd(p, v128.load(gamma), v128.load(beta)));
      v128.store(to, madd(q, v128.load(gamma, 16), v128.load(beta, 16)), 16);
      v128.store(to, madd(r, v128.load(gamma, 32), v128.load(beta, 32)), 32);
      v128.store(to, madd(s, v128.load(gamma, 48), v128.load(beta, 48)), 48);
      x += 64;
      gamma += 64;
      beta += 64;
    }
  }
  for (; to < end; to += 16) {
    let v = f32x4.mul(f32x4.sub(v128.load(x), m), factor);
    if (gamma) {
      v = f32x4.mul(v, v128.load(gamma));
      gamma += 16;
    }
    if (beta) {
      v = f32x4.add(v, v128.load(beta));
      beta += 16;
    }
    v128.store(to, v);
    x += 16;
  }
  clearPadding(y, plan.width);
}

/** The gradients of rows of one step, whose statistics are at `at`; adds those of beta and gamma to `sums`. */
function rowGradients(
  plan: LayerNormalizationPlan, at: usize, x: usize, dy: usize, dx: usize, rows: i32, sums: usize,
): void {
  for (; rows >= 2; rows -= 2) {
    const totals = addGradients(plan, at, x, dy, sums, true);
    if (dx) writeGradients(plan, at, x, dy, dx, totals, true);
    at += 8;
    x += 2 * plan.xRow;
    dy += 2 * plan.dyRow;
    if (dx) dx += 2 * plan.dxRow;
  }
  if (rows == 0) return;
  const totals = addGradients(plan, at, x, dy, sums, false);
  if (dx) writeGradients(plan, at, x, dy, dx, totals, false);
}

/** Adds dy and dy hat to `sums`. Returns the sums of dy gamma of two rows, or of one, and those of dy gamma hat. */
@inline
function addGradients(plan: LayerNormalizationPlan, n: usize, x: usize, dy: usize, sums: usize, two: bool): v128 {
  const D = plan.width;
  const gamma = plan.gamma;
  const products = sums + 4 * <usize>padded(D);
  const xRow = plan.xRow;
  const dyRow = plan.dyRow;
  const m = v128.load32_splat(plan.mean + n);
  const i = v128.load32_splat(plan.inverse + n);
  const m2 = two ? v128.load32_splat(plan.mean + n, 4) : m;
  const i2 = two ? v128.load32_splat(plan.inverse + n, 4) : i;
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  const end: usize = 4 * <usize>D;
  for (let at: usize = 0; at < end; at += 16) {
    const g = gamma ? v128.load(gamma + at) : f32x4.splat(1);
    const p = v128.load(dy + at);
    let e = f32x4.mul(p, f32x4.mul(f32x4.sub(v128.load(x + at), m), i));
    // dy is padded with zeros, but the numbers behind the last column of x are arbitrary
    if (at + 16 > end) e = v128.and(e, lastLanes(D));
    a = madd(p, g, a);
    c = madd(e, g, c);
    let sum = p;
    let product = e;
    if (two) {
      const q = v128.load(dy + dyRow + at);
      let f = f32x4.mul(q, f32x4.mul(f32x4.sub(v128.load(x + xRow + at), m2), i2));
      if (at + 16 > end) f = v128.and(f, lastLanes(D));
      b = madd(q, g, b);
      d = madd(f, g, d);
      sum = f32x4.add(sum, q);
      product = f32x4.add(product, f);
    }
    v128.store(sums + at, f32x4.add(v128.load(sums + at), sum));
    v128.store(products + at, f32x4.add(v128.load(products + at), product));
  }
  return sumsOf(a, b, c, d);
}

/** dx = (dy gamma - mean of dy gamma - hat (mean of dy gamma hat)) / sqrt(variance + epsilon), of two rows or one. */
@inline
function writeGradients(
  plan: LayerNormalizationPlan, n: usize, x: usize, dy: usize, dx: usize, totals: v128, two: bool,
): void {
  const D = plan.width;
  const gamma = plan.gamma;
  const means = f32x4.div(totals, f32x4.splat(<f32>D));
  const m = v128.load32_splat(plan.mean + n);
  const i = v128.load32_splat(plan.inverse + n);
  const shift = v128.shuffle<f32>(means, means, 0, 0, 0, 0);
  const minusSlope = f32x4.neg(f32x4.mul(i, v128.shuffle<f32>(means, means, 2, 2, 2, 2)));
  const m2 = two ? v128.load32_splat(plan.mean + n, 4) : m;
  const i2 = two ? v128.load32_splat(plan.inverse + n, 4) : i;
  const shift2 = v128.shuffle<f32>(means, means, 1, 1, 1, 1);
  const minusSlope2 = f32x4.neg(f32x4.mul(i2, v128.shuffle<f32>(means, means, 3, 3, 3, 3)));
  const xRow = plan.xRow;
  const dyRow = plan.dyRow;
  const dxRow = plan.dxRow;
  for (let at: usize = 0; at < 4 * <usize>D; at += 16) {
    const g = gamma ? v128.load(gamma + at) : f32x4.splat(1);
    const p = f32x4.sub(f32x4.mul(v128.load(dy + at), g), shift);
    v128.store(dx + at, f32x4.mul(madd(f32x4.sub(v128.load(x + at), m), minusSlope, p), i));
    if (two) {
      const q = f32x4.sub(f32x4.mul(v128.load(dy + dyRow + at), g), shift2);
      v128.store(dx + dxRow + at, f32x4.mul(madd(f32x4.sub(v128.load(x + xRow + at), m2), minusSlope2, q), i2));
    }
  }
  clearPadding(dx, D);
  if (two) clearPadding(dx + dxRow, D);
}

/** Writes zeros behind the n numbers of a row, up to a whole vector. */
@inline
function clearPadding(row: usize, n: i32): void {
  if ((n & 3) == 0) return;
  const last = row + 4 * <usize>(n & ~3);
  v128.store(last, v128.and(v128.load(last), lastLanes(n)));
}
