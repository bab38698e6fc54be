/**
 * The gradients of batch normalization, in passes over blocks of rows and 16 columns as in batchNormalization.ts.
 *
 * Rows that come from memory are read one by one, in the order of memory, so that the CPU loads the next ones meanwhile:
 * 16 columns at a time take two to three times longer.
 */

import { madd } from '../math/elementary';
import { highHalf, lowHalf } from '../math/f64Pairs';
import { padded } from '../products/matmul';
import {
  BatchNormalizationPlan, blockOf, blockSums, clear, countOf, dxOf, dyOf, endOf, groupsOf, isCounted, isLarge, lanesOf,
  runOf, secondSums, startOf, xOf,
} from './batchNormalizationPlan';

/** Requires batchNormalizationForward on the same plan, with x unchanged; adds to dGamma and dBeta. */
export function batchNormalizationBackward(plan: BatchNormalizationPlan): void {
  batchNormalizationBackwardRows(plan, 0, groupsOf(plan.width));
}

/** The part of batchNormalizationBackward for columns [16 first, 16 (first + count)), which threads run at the same time. */
export function batchNormalizationBackwardRows(plan: BatchNormalizationPlan, first: i32, count: i32): void {
  assert(first >= 0 && count > 0 && first + count <= groupsOf(plan.width));
  const from = startOf(first);
  const to = endOf(plan.width, first + count);
  const N = plan.steps * plan.rows;
  const block = blockOf(plan);
  clear(plan, from, to);
  for (let n = 0; n < N; n += block) {
    const end = min(N, n + block);
    if (isLarge(plan.steps, plan.rows, plan.width)) addRows(plan, n, end, from, to);
    else {
      let at = from;
      for (; at + 32 <= to; at += 32) addColumns(plan, n, end, at, true);
      for (; at < to; at += 16) addColumns(plan, n, end, at, false);
    }
  }
  finishSums(plan, from, to);
  if (!plan.dx) return;
  for (let n = 0; n < N; ) {
    const counts = plan.ofBatch != 0 && isCounted(plan, n);
    const rows = min(block, runOf(plan, n, N));
    if (isLarge(plan.steps, plan.rows, plan.width)) writeRows(plan, n, rows, counts, from, to);
    else {
      let at = from;
      for (; at + 64 <= to; at += 64) writeColumns(plan, n, rows, counts, at, true);
      for (; at < to; at += 16) writeColumns(plan, n, rows, counts, at, false);
    }
    n += rows;
  }
}

/** Adds dy and dy (x - mean) of rows [first, end) to the sums: of eight columns, which fit into registers, or of four. */
@inline
function addColumns(plan: BatchNormalizationPlan, first: i32, end: i32, at: usize, wide: bool): void {
  const xRow = plan.xRow;
  const dyRow = plan.dyRow;
  const means = plan.mean + at;
  const m0 = v128.load(means);
  const m1 = wide ? v128.load(means, 16) : m0;
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let p0 = s0;
  let p1 = s0;
  for (let n = first; n < end; ) {
    const rows = min(end - n, plan.rows - n % plan.rows);
    let x = xOf(plan, n) + at;
    let dy = dyOf(plan, n) + at;
    for (const last = dy + <usize>rows * dyRow; dy != last; dy += dyRow) {
      let d = v128.load(dy);
      s0 = f32x4.add(s0, d);
      p0 = madd(d, f32x4.sub(v128.load(x), m0), p0);
      if (wide) {
        d = v128.load(dy, 16);
        s1 = f32x4.add(s1, d);
        p1 = madd(d, f32x4.sub(v128.load(x, 16), m1), p1);
      }
      x += xRow;
    }
    n += rows;
  }
  const sums = plan.sums + 2 * at;
  const products = secondSums(plan) + 2 * at;
  addTo(sums, s0);
  addTo(products, p0);
  if (wide) {
    addTo(sums + 32, s1);
    addTo(products + 32, p1);
  }
}

/** addColumns for all columns, row by row. */
function addRows(plan: BatchNormalizationPlan, first: i32, end: i32, from: usize, to: usize): void {
  const means = plan.mean;
  const sums = blockSums(plan);
  const products = sums + 4 * <usize>padded(plan.width);
  memory.fill(sums + from, 0, to - from);
  memory.fill(products + from, 0, to - from);
  for (let n = first; n < end; n++) {
    const x = xOf(plan, n);
    const dy = dyOf(plan, n);
    let at = from;
    for (; at + 32 <= to; at += 32) {
      const d = v128.load(dy + at);
      const e = v128.load(dy + at, 16);
      const p = f32x4.sub(v128.load(x + at), v128.load(means + at));
      const q = f32x4.sub(v128.load(x + at, 16), v128.load(means + at, 16));
      v128.store(sums + at, f32x4.add(v128.load(sums + at), d));
      v128.store(sums + at, f32x4.add(v128.load(sums + at, 16), e), 16);
      v128.store(products + at, madd(d, p, v128.load(products + at)));
      v128.store(products + at, madd(e, q, v128.load(products + at, 16)), 16);
    }
    if (at < to) {
      const d = v128.load(dy + at);
      const p = f32x4.sub(v128.load(x + at), v128.load(means + at));
      v128.store(sums + at, f32x4.add(v128.load(sums + at), d));
      v128.store(products + at, madd(d, p, v128.load(products + at)));
    }
  }
  for (let at = from; at < to; at += 16) {
    addTo(plan.sums + 2 * at, v128.load(sums + at));
    addTo(secondSums(plan) + 2 * at, v128.load(products + at));
  }
}

/** Adds four numbers to four float64 sums. */
@inline
function addTo(sums: usize, v: v128): void {
  v128.store(sums, f64x2.add(v128.load(sums), lowHalf(v)));
  v128.store(sums, f64x2.add(v128.load(sums, 16), highHalf(v)), 16);
}

/** Adds to dBeta and dGamma, and writes what the gradient of x is computed with, -slope among it: dx = (dy - base - slope x) factor. */
function finishSums(plan: BatchNormalizationPlan, from: usize, to: usize): void {
  const P: usize = 4 * <usize>padded(plan.width);
  const products = secondSums(plan);
  const bases = blockSums(plan);
  const counted = plan.ofBatch ? <f64>countOf(plan, 0, plan.steps * plan.rows) : 0;
  for (let at = from; at < min(to, 4 * <usize>plan.width); at += 4) {
    const inverse = <f64>load<f32>(plan.inverse + at);
    const sum = load<f64>(plan.sums + 2 * at);
    const product = load<f64>(products + 2 * at) * inverse;
    if (plan.dBeta) store<f32>(plan.dBeta + at, load<f32>(plan.dBeta + at) + <f32>sum);
    if (plan.dGamma) store<f32>(plan.dGamma + at, load<f32>(plan.dGamma + at) + <f32>product);
    // Mean and variance depend on the rows that are not masked
    const slope: f64 = counted > 0 ? (product * inverse) / counted : 0;
    const base: f64 = counted > 0 ? sum / counted - slope * <f64>load<f32>(plan.mean + at) : 0;
    store<f32>(bases + at, <f32>base);
    store<f32>(bases + P + at, <f32>-slope);
  }
}

/**
 * Writes 16 columns of dx, or four, of rows of one step. Rows that mean and variance leave out depend on x only through
 * their own numbers.
 */
@inline
function writeColumns(
  plan: BatchNormalizationPlan, first: i32, rows: i32, counts: bool, at: usize, wide: bool,
): void {
  const xRow = plan.xRow;
  const dyRow = plan.dyRow;
  const dxRow = plan.dxRow;
  const P: usize = 4 * <usize>padded(plan.width);
  const factors = plan.inverse + P + at;
  const bases = blockSums(plan) + at;
  const slopes = bases + P;
  const f0 = v128.load(factors);
  const b0 = v128.load(bases);
  const s0 = v128.load(slopes);
  const f1 = wide ? v128.load(factors, 16) : f0;
  const b1 = wide ? v128.load(bases, 16) : b0;
  const s1 = wide ? v128.load(slopes, 16) : s0;
  const f2 = wide ? v128.load(factors, 32) : f0;
  const b2 = wide ? v128.load(bases, 32) : b0;
  const s2 = wide ? v128.load(slopes, 32) : s0;
  const f3 = wide ? v128.load(factors, 48) : f0;
  const b3 = wide ? v128.load(bases, 48) : b0;
  const s3 = wide ? v128.load(slopes, 48) : s0;
  const lanes = lanesOf(plan, at, wide);
  let x = xOf(plan, first) + at;
  let dy = dyOf(plan, first) + at;
  let dx = dxOf(plan, first) + at;
  const end = dx + <usize>rows * dxRow;
  if (counts) {
    for (; dx != end; dx += dxRow) {
      const v = gradientOf(v128.load(x), v128.load(dy), f0, b0, s0);
      v128.store(dx, wide ? v : v128.and(v, lanes));
      if (wide) {
        v128.store(dx, gradientOf(v128.load(x, 16), v128.load(dy, 16), f1, b1, s1), 16);
        v128.store(dx, gradientOf(v128.load(x, 32), v128.load(dy, 32), f2, b2, s2), 32);
        v128.store(dx, v128.and(gradientOf(v128.load(x, 48), v128.load(dy, 48), f3, b3, s3), lanes), 48);
      }
      x += xRow;
      dy += dyRow;
    }
  } else {
    for (; dx != end; dx += dxRow) {
      const v = f32x4.mul(v128.load(dy), f0);
      v128.store(dx, wide ? v : v128.and(v, lanes));
      if (wide) {
        v128.store(dx, f32x4.mul(v128.load(dy, 16), f1), 16);
        v128.store(dx, f32x4.mul(v128.load(dy, 32), f2), 32);
        v128.store(dx, v128.and(f32x4.mul(v128.load(dy, 48), f3), lanes), 48);
      }
      dy += dyRow;
    }
  }
}

/** writeColumns for all columns, row by row. */
function writeRows(
  plan: BatchNormalizationPlan, first: i32, rows: i32, counts: bool, from: usize, to: usize,
): void {
  const P: usize = 4 * <usize>padded(plan.width);
  const factors = plan.inverse + P;
  const bases = blockSums(plan);
  const slopes = bases + P;
  const lanes = lanesOf(plan, to - 16, false);
  for (let n = first; n < first + rows; n++) {
    const x = xOf(plan, n);
    const dy = dyOf(plan, n);
    const dx = dxOf(plan, n);
    let v = f32x4.splat(0);
    if (counts) {
      for (let at = from; at < to; at += 16) {
        const f = v128.load(factors + at);
        v = gradientOf(v128.load(x + at), v128.load(dy + at), f, v128.load(bases + at), v128.load(slopes + at));
        v128.store(dx + at, v);
      }
    } else {
      for (let at = from; at < to; at += 16) {
        v = f32x4.mul(v128.load(dy + at), v128.load(factors + at));
        v128.store(dx + at, v);
      }
    }
    v128.store(dx + to - 16, v128.and(v, lanes));
  }
}

@inline
function gradientOf(x: v128, dy: v128, factor: v128, base: v128, minusSlope: v128): v128 {
  return f32x4.mul(madd(x, minusSlope, f32x4.sub(dy, base)), factor);
}
