/**
 * Batch normalization along the last axis: y = gamma (x - mean) / sqrt(variance + epsilon) + beta.
 *
 * Every pass goes through blocks of rows, and in a block through 16 columns, a cache line, at a time: what belongs to the
 * columns stays in registers. A block is read twice for mean and variance, the second time from the cache; the means and
 * squares of blocks are combined in float64 (Chan, Golub and LeVeque, 1983).
 *
 * Letters: T time, B batch, N = T B rows, D width. A plan may exchange T and B, with their strides, so that rows that are
 * close in memory follow each other.
 */

import { madd } from '../math/elementary';
import { highHalf, lowHalf } from '../math/f64Pairs';
import { padded } from '../products/matmul';
import {
  BatchNormalizationPlan, blockOf, clear, countOf, endOf, groupsOf, isLarge, lanesOf, secondSums, startOf, touch,
} from './batchNormalizationPlan';

export function batchNormalizationForward(plan: BatchNormalizationPlan): void {
  batchNormalizationForwardRows(plan, 0, groupsOf(plan.width));
}

/**
 * The part of batchNormalizationForward for columns [16 first, 16 (first + count)), which threads run at the same time: each
 * sum is over all rows of a column, in their order.
 */
export function batchNormalizationForwardRows(plan: BatchNormalizationPlan, first: i32, count: i32): void {
  assert(first >= 0 && count > 0 && first + count <= groupsOf(plan.width));
  const from = startOf(first);
  const to = endOf(plan.width, first + count);
  const N = plan.steps * plan.rows;
  const block = blockOf(plan);
  if (plan.ofBatch) {
    clear(plan, from, to);
    let counted = 0;
    for (let n = 0; n < N; n += block) {
      const rows = min(block, N - n);
      if (isLarge(plan.steps, plan.rows, plan.width)) touch(plan, plan.x, plan.xRow, plan.xStep, n, rows, from, to);
      counted += addStatistics(plan, n, rows, counted, from, to);
    }
    for (let at = from; at < to; at += 4) {
      store<f32>(plan.mean + at, <f32>load<f64>(plan.sums + 2 * at));
      const squares = load<f64>(secondSums(plan) + 2 * at);
      store<f32>(plan.variance + at, counted > 0 ? <f32>(squares / <f64>counted) : 0);
    }
  }
  writeScales(plan, from, to);
  for (let n = 0; n < N; n += block) {
    const rows = min(block, N - n);
    if (isLarge(plan.steps, plan.rows, plan.width)) {
      touch(plan, plan.x, plan.xRow, plan.xStep, n, rows, from, to);
      touch(plan, plan.y, plan.yRow, plan.yStep, n, rows, from, to);
    }
    let at = from;
    for (; at + 64 <= to; at += 64) writeOutputs(plan, n, rows, at, true);
    for (; at < to; at += 16) writeOutputs(plan, n, rows, at, false);
  }
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

/** Combines mean and squares of `before` rows with those of a block. Returns how many of its rows are not masked. */
function addStatistics(
  plan: BatchNormalizationPlan, first: i32, count: i32, before: i32, from: usize, to: usize,
): i32 {
  const counted = countOf(plan, first, count);
  if (counted == 0) return 0;
  let at = from;
  for (; at + 64 <= to; at += 64) addColumns(plan, first, count, counted, before, at, true);
  for (; at < to; at += 16) addColumns(plan, first, count, counted, before, at, false);
  return counted;
}

/** addStatistics for 16 columns or for four. */
@inline
function addColumns(
  plan: BatchNormalizationPlan, first: i32, count: i32, counted: i32, before: i32, at: usize, wide: bool,
): void {
  const B = plan.rows;
  const t = <usize>(first / B);
  const row = plan.xRow;
  const maskRow = plan.maskRow;
  // From the last row of a step to the first of the next
  const end = plan.xStep - <usize>B * row;
  const maskEnd = plan.maskStep - <usize>B * maskRow;
  const isMasked = plan.mask != 0;
  const start = plan.x + t * plan.xStep + <usize>(first % B) * row + at;
  const maskStart = plan.mask + t * plan.maskStep + <usize>(first % B) * maskRow;
  const share = f32x4.splat(<f32>1 / <f32>counted);
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  let x = start;
  let mask = maskStart;
  let r = first % B;
  for (let n = 0; n < count; n++) {
    if (!isMasked || load<f32>(mask) != 0) {
      a = f32x4.add(a, v128.load(x));
      if (wide) {
        b = f32x4.add(b, v128.load(x, 16));
        c = f32x4.add(c, v128.load(x, 32));
        d = f32x4.add(d, v128.load(x, 48));
      }
    }
    x += row;
    mask += maskRow;
    if (++r == B) {
      r = 0;
      x += end;
      mask += maskEnd;
    }
  }
  const m0 = f32x4.mul(a, share);
  const m1 = f32x4.mul(b, share);
  const m2 = f32x4.mul(c, share);
  const m3 = f32x4.mul(d, share);
  a = f32x4.splat(0);
  b = a;
  c = a;
  d = a;
  x = start;
  mask = maskStart;
  r = first % B;
  for (let n = 0; n < count; n++) {
    if (!isMasked || load<f32>(mask) != 0) {
      const p = f32x4.sub(v128.load(x), m0);
      a = madd(p, p, a);
      if (wide) {
        const q = f32x4.sub(v128.load(x, 16), m1);
        const s = f32x4.sub(v128.load(x, 32), m2);
        const u = f32x4.sub(v128.load(x, 48), m3);
        b = madd(q, q, b);
        c = madd(s, s, c);
        d = madd(u, u, d);
      }
    }
    x += row;
    mask += maskRow;
    if (++r == B) {
      r = 0;
      x += end;
      mask += maskEnd;
    }
  }
  const means = plan.sums + 2 * at;
  const squares = secondSums(plan) + 2 * at;
  const part = f64x2.splat(<f64>counted / (<f64>before + <f64>counted));
  const weight = f64x2.mul(part, f64x2.splat(<f64>before));
  combine(means, squares, m0, a, part, weight);
  if (wide) {
    combine(means + 32, squares + 32, m1, b, part, weight);
    combine(means + 64, squares + 64, m2, c, part, weight);
    combine(means + 96, squares + 96, m3, d, part, weight);
  }
}

/** Combines mean and squares of four columns of a block with those of the rows before. */
@inline
function combine(means: usize, squares: usize, mean: v128, square: v128, part: v128, weight: v128): void {
  combinePair(means, squares, lowHalf(mean), lowHalf(square), part, weight);
  combinePair(means + 16, squares + 16, highHalf(mean), highHalf(square), part, weight);
}

@inline
function combinePair(means: usize, squares: usize, mean: v128, square: v128, part: v128, weight: v128): void {
  const old = v128.load(means);
  const d = f64x2.sub(mean, old);
  v128.store(means, f64x2.add(old, f64x2.mul(d, part)));
  v128.store(squares, f64x2.add(v128.load(squares), f64x2.add(square, f64x2.mul(f64x2.mul(d, d), weight))));
}

/** What the outputs are computed with. */
function writeScales(plan: BatchNormalizationPlan, from: usize, to: usize): void {
  const P: usize = 4 * <usize>padded(plan.width);
  const epsilon = <f64>reinterpret<f32>(plan.epsilon);
  for (let at = from; at < to; at += 4) {
    const variance = load<f32>(plan.variance + at);
    // NaN for a variance that has overflowed, so that the loss shows it
    const inverse = variance - variance == 0 ? <f32>(1 / sqrt(<f64>variance + epsilon)) : <f32>NaN;
    store<f32>(plan.inverse + at, inverse);
    store<f32>(plan.inverse + P + at, plan.gamma ? inverse * load<f32>(plan.gamma + at) : inverse);
    store<f32>(plan.inverse + 2 * P + at, plan.beta ? load<f32>(plan.beta + at) : 0);
  }
}

/** Writes rows [first, first + count) of y. */
@inline
function writeOutputs(plan: BatchNormalizationPlan, first: i32, count: i32, at: usize, wide: bool): void {
  const B = plan.rows;
  const t = <usize>(first / B);
  let r = first % B;
  const xRow = plan.xRow;
  const yRow = plan.yRow;
  const xEnd = plan.xStep - <usize>B * xRow;
  const yEnd = plan.yStep - <usize>B * yRow;
  const P: usize = 4 * <usize>padded(plan.width);
  const means = plan.mean + at;
  const factors = plan.inverse + P + at;
  const betas = factors + P;
  const m0 = v128.load(means);
  const f0 = v128.load(factors);
  const b0 = v128.load(betas);
  const m1 = wide ? v128.load(means, 16) : m0;
  const f1 = wide ? v128.load(factors, 16) : f0;
  const b1 = wide ? v128.load(betas, 16) : b0;
  const m2 = wide ? v128.load(means, 32) : m0;
  const f2 = wide ? v128.load(factors, 32) : f0;
  const b2 = wide ? v128.load(betas, 32) : b0;
  const m3 = wide ? v128.load(means, 48) : m0;
  const f3 = wide ? v128.load(factors, 48) : f0;
  const b3 = wide ? v128.load(betas, 48) : b0;
  const lanes = lanesOf(plan, at, wide);
  let x = plan.x + t * plan.xStep + <usize>r * xRow + at;
  let y = plan.y + t * plan.yStep + <usize>r * yRow + at;
  for (let n = 0; n < count; n++) {
    const v = madd(f32x4.sub(v128.load(x), m0), f0, b0);
    v128.store(y, wide ? v : v128.and(v, lanes));
    if (wide) {
      v128.store(y, madd(f32x4.sub(v128.load(x, 16), m1), f1, b1), 16);
      v128.store(y, madd(f32x4.sub(v128.load(x, 32), m2), f2, b2), 32);
      v128.store(y, v128.and(madd(f32x4.sub(v128.load(x, 48), m3), f3, b3), lanes), 48);
    }
    x += xRow;
    y += yRow;
    if (++r == B) {
      r = 0;
      x += xEnd;
      y += yEnd;
    }
  }
}
