/** The gradients of batch normalization, in passes over blocks of rows and 16 columns as in batchNormalization.ts. */

import { madd } from '../math/elementary';
import { highHalf, lowHalf } from '../math/f64Pairs';
import { padded } from '../products/matmul';
import {
  BatchNormalizationPlan, blockOf, clear, countOf, endOf, groupsOf, isLarge, lanesOf, secondSums, startOf, touch,
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
    const rows = min(block, N - n);
    touchGradients(plan, n, rows, from, to);
    let at = from;
    for (; at + 64 <= to; at += 64) addGradients(plan, n, rows, at, true);
    for (; at < to; at += 16) addGradients(plan, n, rows, at, false);
  }
  finishSums(plan, from, to);
  if (!plan.dx) return;
  // Row by row if they come from memory: nothing else is as fast for three arrays
  const size = isLarge(plan) ? 1 : block;
  for (let n = 0; n < N; n += size) {
    const rows = min(size, N - n);
    let at = from;
    for (; at + 64 <= to; at += 64) writeGradients(plan, n, rows, at, true);
    for (; at < to; at += 16) writeGradients(plan, n, rows, at, false);
  }
}

/** Loads rows of x and dy into the cache. */
function touchGradients(plan: BatchNormalizationPlan, first: i32, count: i32, from: usize, to: usize): void {
  if (!isLarge(plan)) return;
  touch(plan, plan.x, plan.xRow, plan.xStep, first, count, from, to);
  touch(plan, plan.dy, plan.dyRow, plan.dyStep, first, count, from, to);
}

/** Adds dy and dy (x - mean) of rows [first, first + count) to the sums. */
@inline
function addGradients(plan: BatchNormalizationPlan, first: i32, count: i32, at: usize, wide: bool): void {
  const B = plan.rows;
  const t = <usize>(first / B);
  let r = first % B;
  const xRow = plan.xRow;
  const dyRow = plan.dyRow;
  const xEnd = plan.xStep - <usize>B * xRow;
  const dyEnd = plan.dyStep - <usize>B * dyRow;
  const means = plan.mean + at;
  const m0 = v128.load(means);
  const m1 = wide ? v128.load(means, 16) : m0;
  const m2 = wide ? v128.load(means, 32) : m0;
  const m3 = wide ? v128.load(means, 48) : m0;
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let p0 = s0;
  let p1 = s0;
  let p2 = s0;
  let p3 = s0;
  let x = plan.x + t * plan.xStep + <usize>r * xRow + at;
  let dy = plan.dy + t * plan.dyStep + <usize>r * dyRow + at;
  for (let n = 0; n < count; n++) {
    let d = v128.load(dy);
    s0 = f32x4.add(s0, d);
    p0 = madd(d, f32x4.sub(v128.load(x), m0), p0);
    if (wide) {
      d = v128.load(dy, 16);
      s1 = f32x4.add(s1, d);
      p1 = madd(d, f32x4.sub(v128.load(x, 16), m1), p1);
      d = v128.load(dy, 32);
      s2 = f32x4.add(s2, d);
      p2 = madd(d, f32x4.sub(v128.load(x, 32), m2), p2);
      d = v128.load(dy, 48);
      s3 = f32x4.add(s3, d);
      p3 = madd(d, f32x4.sub(v128.load(x, 48), m3), p3);
    }
    x += xRow;
    dy += dyRow;
    if (++r == B) {
      r = 0;
      x += xEnd;
      dy += dyEnd;
    }
  }
  const sums = plan.sums + 2 * at;
  const products = secondSums(plan) + 2 * at;
  addTo(sums, s0);
  addTo(products, p0);
  if (wide) {
    addTo(sums + 32, s1);
    addTo(sums + 64, s2);
    addTo(sums + 96, s3);
    addTo(products + 32, p1);
    addTo(products + 64, p2);
    addTo(products + 96, p3);
  }
}

/** Adds four numbers to four float64 sums. */
@inline
function addTo(sums: usize, v: v128): void {
  v128.store(sums, f64x2.add(v128.load(sums), lowHalf(v)));
  v128.store(sums, f64x2.add(v128.load(sums, 16), highHalf(v)), 16);
}

/** Adds to dBeta and dGamma, and writes what the gradient of x is computed with: dx = (dy - base - slope x) factor. */
function finishSums(plan: BatchNormalizationPlan, from: usize, to: usize): void {
  const P: usize = 4 * <usize>padded(plan.width);
  const products = secondSums(plan);
  const bases = plan.sums + 4 * P;
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

/** Writes rows of dx. Rows that mean and variance leave out depend on x only through their own numbers. */
@inline
function writeGradients(plan: BatchNormalizationPlan, first: i32, count: i32, at: usize, wide: bool): void {
  const B = plan.rows;
  const t = <usize>(first / B);
  let r = first % B;
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
  const P: usize = 4 * <usize>padded(plan.width);
  const factors = plan.inverse + P + at;
  const bases = plan.sums + 4 * P + at;
  const slopes = bases + P; // negative
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
  let x = plan.x + t * plan.xStep + <usize>r * xRow + at;
  let dy = plan.dy + t * plan.dyStep + <usize>r * dyRow + at;
  let dx = plan.dx + t * plan.dxStep + <usize>r * dxRow + at;
  let mask = plan.mask + t * plan.maskStep + <usize>r * maskRow;
  for (let n = 0; n < count; n++) {
    if (ofBatch && (!isMasked || load<f32>(mask) != 0)) {
      const v = f32x4.mul(madd(v128.load(x), s0, f32x4.sub(v128.load(dy), b0)), f0);
      v128.store(dx, wide ? v : v128.and(v, lanes));
      if (wide) {
        v128.store(dx, f32x4.mul(madd(v128.load(x, 16), s1, f32x4.sub(v128.load(dy, 16), b1)), f1), 16);
        v128.store(dx, f32x4.mul(madd(v128.load(x, 32), s2, f32x4.sub(v128.load(dy, 32), b2)), f2), 32);
        const last = f32x4.mul(madd(v128.load(x, 48), s3, f32x4.sub(v128.load(dy, 48), b3)), f3);
        v128.store(dx, v128.and(last, lanes), 48);
      }
    } else {
      const v = f32x4.mul(v128.load(dy), f0);
      v128.store(dx, wide ? v : v128.and(v, lanes));
      if (wide) {
        v128.store(dx, f32x4.mul(v128.load(dy, 16), f1), 16);
        v128.store(dx, f32x4.mul(v128.load(dy, 32), f2), 32);
        v128.store(dx, v128.and(f32x4.mul(v128.load(dy, 48), f3), lanes), 48);
      }
    }
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
