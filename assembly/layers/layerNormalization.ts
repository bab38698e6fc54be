/**
 * Layer normalization: y = gamma (x - mean) / sqrt(variance + epsilon) + beta, with mean and variance of each row.
 *
 * A row is read several times, from the cache: for the mean, for the variance, and to be normalized. Each is computed for
 * a block of rows before the next, because a row would wait for its own sums.
 *
 * Letters: T time, B batch, N = T B rows, D width. A plan may exchange T and B, with their strides.
 */

import { madd } from '../math/elementary';
import { highHalf, lowHalf } from '../math/f64Pairs';
import { lanesAt, lastLanes } from '../math/laneMasks';
import { padded } from '../products/matmul';
import { endOf, groupsOf, isLarge, startOf } from './batchNormalizationPlan';

/** Rows of a group, of which threads take some at a time. The gradients of weights are added up group by group. */
export const enum RowGroup {
  rows = 32,
}

/** Rows of a block, which stays in the cache. */
const BLOCK: i32 = 8;

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

/** Normalizes rows of one step, whose statistics are at `at`, block by block. */
function normalizeRows(plan: LayerNormalizationPlan, at: usize, x: usize, y: usize, rows: i32): void {
  while (rows > 0) {
    const n = min(BLOCK, rows);
    writeStatistics(plan, at, x, n, false);
    writeStatistics(plan, at, x, n, true);
    for (let r: usize = 0; r < <usize>n; r++) {
      normalizeRow(plan, y, x, v128.load32_splat(plan.mean + at), v128.load32_splat(plan.inverse + at));
      at += 4;
      x += plan.xRow;
      y += plan.yRow;
    }
    rows -= n;
  }
}

/** Writes means of rows, or what they are then multiplied by; four at a time, or one by one, as four equal ones. */
function writeStatistics(plan: LayerNormalizationPlan, at: usize, x: usize, rows: i32, ofSquares: bool): void {
  const D = plan.width;
  const count = f32x4.splat(<f32>D);
  const epsilon = f32x4.splat(reinterpret<f32>(plan.epsilon));
  while (rows > 0) {
    const n: usize = rows >= 4 ? 4 : 1;
    const row = n == 4 ? plan.xRow : 0;
    const x2 = x + row;
    const x3 = x2 + row;
    const x4 = x3 + row;
    const means = plan.mean + at;
    let to = means;
    let result: v128;
    if (ofSquares) {
      const next: usize = n == 4 ? 4 : 0;
      const a = squaresOf(x, v128.load32_splat(means), D);
      const b = squaresOf(x2, v128.load32_splat(means + next), D);
      const c = squaresOf(x3, v128.load32_splat(means + 2 * next), D);
      const d = squaresOf(x4, v128.load32_splat(means + 3 * next), D);
      const variance = f32x4.div(sumsOf(a, b, c, d), count);
      const root = f32x4.sqrt(f32x4.add(variance, epsilon));
      // NaN for a variance that has overflowed, so that the loss shows it
      result = f32x4.add(f32x4.div(f32x4.splat(1), root), f32x4.sub(variance, variance));
      to = plan.inverse + at;
    } else {
      result = f32x4.div(sumsOf(sumOf(x, D), sumOf(x2, D), sumOf(x3, D), sumOf(x4, D)), count);
    }
    if (n == 4) v128.store(to, result);
    else v128.store32_lane(to, result, 0);
    at += 4 * n;
    x += n * plan.xRow;
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

@inline
function normalizeRow(plan: LayerNormalizationPlan, y: usize, x: usize, m: v128, factor: v128): void {
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

/**
 * The gradients of rows of one step, whose statistics are at `at`; adds those of beta and gamma to `sums`. The sums of a row
 * are at the start of its dx until that is written, so that no row waits for its own. Rows are computed two at a time, or one
 * by one if they come from memory: the CPU loads the next ones meanwhile if they are read in its order.
 */
function rowGradients(
  plan: LayerNormalizationPlan, at: usize, x: usize, dy: usize, dx: usize, rows: i32, sums: usize,
): void {
  const xRow = plan.xRow;
  const dyRow = plan.dyRow;
  const dxRow = plan.dxRow;
  const pairs = !isLarge(plan.steps, plan.rows, plan.width);
  while (rows > 0) {
    const block = min(BLOCK, rows);
    for (let r = 0; r < block; ) {
      const n: usize = pairs && r + 1 < block ? 2 : 1;
      const row = <usize>r;
      const fromX = x + row * xRow;
      const fromDy = dy + row * dyRow;
      const to = dx ? dx + row * dxRow : 0;
      if (n == 2) {
        const totals = addGradients(plan, at + 4 * row, fromX, fromDy, sums, true);
        if (dx) {
          v128.store64_lane(to, v128.shuffle<f32>(totals, totals, 0, 2, 0, 2), 0);
          v128.store64_lane(to + dxRow, v128.shuffle<f32>(totals, totals, 1, 3, 1, 3), 0);
        }
      } else {
        const totals = addGradients(plan, at + 4 * row, fromX, fromDy, sums, false);
        if (dx) v128.store64_lane(to, v128.shuffle<f32>(totals, totals, 0, 2, 0, 2), 0);
      }
      r += <i32>n;
    }
    if (dx) {
      for (let r = 0; r < block; ) {
        const two = pairs && r + 1 < block;
        const row = <usize>r;
        if (two) writeGradients(plan, at + 4 * row, x + row * xRow, dy + row * dyRow, dx + row * dxRow, true);
        else writeGradients(plan, at + 4 * row, x + row * xRow, dy + row * dyRow, dx + row * dxRow, false);
        r += two ? 2 : 1;
      }
      dx += <usize>block * dxRow;
    }
    at += 4 * <usize>block;
    x += <usize>block * xRow;
    dy += <usize>block * dyRow;
    rows -= block;
  }
}

/** Adds dy and dy hat to `sums`. Returns the sums of dy gamma of two rows, or of one, and those of dy gamma hat. */
@inline
function addGradients(plan: LayerNormalizationPlan, n: usize, x: usize, dy: usize, sums: usize, two: bool): v128 {
  const D = plan.width;
  const gamma = plan.gamma;
  const products = sums + 4 * <usize>padded(D);
  const m = v128.load32_splat(plan.mean + n);
  const i = v128.load32_splat(plan.inverse + n);
  const m2 = two ? v128.load32_splat(plan.mean + n, 4) : m;
  const i2 = two ? v128.load32_splat(plan.inverse + n, 4) : i;
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  let x2 = x + plan.xRow;
  let dy2 = dy + plan.dyRow;
  const end: usize = 4 * <usize>(D & ~3);
  for (let at: usize = 0; at < end; at += 16) {
    const g = gamma ? v128.load(gamma + at) : f32x4.splat(1);
    const p = v128.load(dy);
    const e = f32x4.mul(p, f32x4.mul(f32x4.sub(v128.load(x), m), i));
    a = madd(p, g, a);
    c = madd(e, g, c);
    let sum = f32x4.add(v128.load(sums + at), p);
    let product = f32x4.add(v128.load(products + at), e);
    if (two) {
      const q = v128.load(dy2);
      const f = f32x4.mul(q, f32x4.mul(f32x4.sub(v128.load(x2), m2), i2));
      b = madd(q, g, b);
      d = madd(f, g, d);
      sum = f32x4.add(sum, q);
      product = f32x4.add(product, f);
      x2 += 16;
      dy2 += 16;
    }
    v128.store(sums + at, sum);
    v128.store(products + at, product);
    x += 16;
    dy += 16;
  }
  if (D & 3) {
    // dy is padded with zeros, but the numbers behind the last column of x are arbitrary
    const lanes = lastLanes(D);
    const g = gamma ? v128.load(gamma + end) : f32x4.splat(1);
    const p = v128.load(dy);
    const e = v128.and(f32x4.mul(p, f32x4.mul(f32x4.sub(v128.load(x), m), i)), lanes);
    a = madd(p, g, a);
    c = madd(e, g, c);
    let sum = f32x4.add(v128.load(sums + end), p);
    let product = f32x4.add(v128.load(products + end), e);
    if (two) {
      const q = v128.load(dy2);
      const f = v128.and(f32x4.mul(q, f32x4.mul(f32x4.sub(v128.load(x2), m2), i2)), lanes);
      b = madd(q, g, b);
      d = madd(f, g, d);
      sum = f32x4.add(sum, q);
      product = f32x4.add(product, f);
    }
    v128.store(sums + end, sum);
    v128.store(products + end, product);
  }
  return sumsOf(a, b, c, d);
}

/** dx = (dy gamma - mean of dy gamma - hat (mean of dy gamma hat)) / sqrt(variance + epsilon), of two rows or one. */
@inline
function writeGradients(plan: LayerNormalizationPlan, n: usize, x: usize, dy: usize, dx: usize, two: bool): void {
  const D = plan.width;
  const gamma = plan.gamma;
  const dxRow = plan.dxRow;
  const count = f32x4.splat(<f32>D);
  const means = f32x4.div(v128.load64_splat(dx), count);
  const m = v128.load32_splat(plan.mean + n);
  const i = v128.load32_splat(plan.inverse + n);
  const shift = v128.shuffle<f32>(means, means, 0, 0, 0, 0);
  const minusSlope = f32x4.neg(f32x4.mul(i, v128.shuffle<f32>(means, means, 1, 1, 1, 1)));
  const means2 = two ? f32x4.div(v128.load64_splat(dx + dxRow), count) : means;
  const m2 = two ? v128.load32_splat(plan.mean + n, 4) : m;
  const i2 = two ? v128.load32_splat(plan.inverse + n, 4) : i;
  const shift2 = v128.shuffle<f32>(means2, means2, 0, 0, 0, 0);
  const minusSlope2 = f32x4.neg(f32x4.mul(i2, v128.shuffle<f32>(means2, means2, 1, 1, 1, 1)));
  let x2 = x + plan.xRow;
  let dy2 = dy + plan.dyRow;
  for (let at: usize = 0; at < 4 * <usize>D; at += 16) {
    const g = gamma ? v128.load(gamma + at) : f32x4.splat(1);
    const p = f32x4.sub(f32x4.mul(v128.load(dy), g), shift);
    v128.store(dx + at, f32x4.mul(madd(f32x4.sub(v128.load(x), m), minusSlope, p), i));
    if (two) {
      const q = f32x4.sub(f32x4.mul(v128.load(dy2), g), shift2);
      v128.store(dx + dxRow + at, f32x4.mul(madd(f32x4.sub(v128.load(x2), m2), minusSlope2, q), i2));
      x2 += 16;
      dy2 += 16;
    }
    x += 16;
    dy += 16;
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
