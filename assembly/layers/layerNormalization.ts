/**
 * Layer normalization: y = gamma (x - mean) / sqrt(variance + epsilon) + beta, with mean and variance of each row.
 *
 * Letters: T time, B batch, N = T B rows, D width. A plan may exchange T and B, with their strides.
 */

import { madd, nmadd } from '../math/elementary';
import { highHalf, lowHalf, sumOf as sumOfPair } from '../math/f64Pairs';
import { lanesAt, lastLanes } from '../math/laneMasks';
import { GROUP, blockOf, endOf, groupsOf } from './batchNormalization';

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
}

export function layerNormalizationForward(plan: LayerNormalizationPlan): void {
  layerNormalizationForwardRows(plan, 0, plan.steps * plan.rows);
}

/** The part of layerNormalizationForward for rows [first, first + rows), which threads run at the same time. */
export function layerNormalizationForwardRows(plan: LayerNormalizationPlan, first: i32, rows: i32): void {
  assert(rows > 0 && first >= 0 && first + rows <= plan.steps * plan.rows);
  const D = plan.width;
  const epsilon = <f64>reinterpret<f32>(plan.epsilon);
  for (let n = first; n < first + rows; n++) {
    const step = <usize>(n / plan.rows);
    const row = <usize>(n % plan.rows);
    const x = plan.x + step * plan.xStep + row * plan.xRow;
    const mean = <f32>(sumOf(x, D) / <f64>D);
    const inverse = <f32>(1 / sqrt(squaresOf(x, mean, D) / <f64>D + epsilon));
    store<f32>(plan.mean + 4 * <usize>n, mean);
    store<f32>(plan.inverse + 4 * <usize>n, inverse);
    normalizeRow(plan, plan.y + step * plan.yStep + row * plan.yRow, x, mean, inverse);
  }
}

/** Requires layerNormalizationForward on the same plan, with x unchanged; adds to dGamma and dBeta. */
export function layerNormalizationBackward(plan: LayerNormalizationPlan): void {
  layerNormalizationBackwardRows(plan, 0, plan.steps * plan.rows);
  if (plan.dGamma || plan.dBeta) layerNormalizationBackwardWeights(plan, 0, groupsOf(plan.width));
}

/** The part of layerNormalizationBackward for some rows, which threads run at the same time: the gradient of x. */
export function layerNormalizationBackwardRows(plan: LayerNormalizationPlan, first: i32, rows: i32): void {
  assert(rows > 0 && first >= 0 && first + rows <= plan.steps * plan.rows);
  if (!plan.dx) return;
  for (let n = first; n < first + rows; n++) {
    const step = <usize>(n / plan.rows);
    const row = <usize>(n % plan.rows);
    const x = plan.x + step * plan.xStep + row * plan.xRow;
    const dy = plan.dy + step * plan.dyStep + row * plan.dyRow;
    const dx = plan.dx + step * plan.dxStep + row * plan.dxRow;
    const mean = load<f32>(plan.mean + 4 * <usize>n);
    rowGradient(plan, dx, dy, x, mean, load<f32>(plan.inverse + 4 * <usize>n));
  }
}

/**
 * The gradients of gamma and beta in columns [16 first, 16 (first + count)), added up over all rows in their order, so that
 * the bits are those of layerNormalizationBackward.
 */
export function layerNormalizationBackwardWeights(plan: LayerNormalizationPlan, first: i32, count: i32): void {
  const N = plan.steps * plan.rows;
  const block = blockOf(plan.width);
  const to = endOf(plan.width, first + count);
  for (let n = 0; n < N; n += block) addWeightGradients(plan, n, min(block, N - n), GROUP * first, to);
}

function addWeightGradients(plan: LayerNormalizationPlan, first: i32, count: i32, from: i32, to: i32): void {
  const B = plan.rows;
  const step = <usize>(first / B);
  const row = first % B;
  const xRow = plan.xRow;
  const dyRow = plan.dyRow;
  const xEnd = plan.xStep - <usize>B * xRow;
  const dyEnd = plan.dyStep - <usize>B * dyRow;
  const means = plan.mean + 4 * <usize>first;
  const inverses = plan.inverse + 4 * <usize>first;
  for (let c = from; c < to; c += 4) {
    const at = 4 * <usize>c;
    let sum = f32x4.splat(0);
    let product = f32x4.splat(0);
    let x = plan.x + step * plan.xStep + <usize>row * xRow + at;
    let dy = plan.dy + step * plan.dyStep + <usize>row * dyRow + at;
    let r = row;
    for (let n: usize = 0; n < 4 * <usize>count; n += 4) {
      const d = v128.load(dy);
      const centered = f32x4.sub(v128.load(x), v128.load32_splat(means + n));
      sum = f32x4.add(sum, d);
      product = madd(f32x4.mul(d, v128.load32_splat(inverses + n)), centered, product);
      x += xRow;
      dy += dyRow;
      if (++r == B) {
        r = 0;
        x += xEnd;
        dy += dyEnd;
      }
    }
    // The numbers behind the last column of x are arbitrary
    const lanes = lanesAt(c, plan.width);
    const dBeta = plan.dBeta + at;
    const dGamma = plan.dGamma + at;
    if (plan.dBeta) v128.store(dBeta, f32x4.add(v128.load(dBeta), v128.and(sum, lanes)));
    if (plan.dGamma) v128.store(dGamma, f32x4.add(v128.load(dGamma), v128.and(product, lanes)));
  }
}

/** The sum of n numbers. */
export function sumOf(x: usize, n: i32): f64 {
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
  return total(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
}

/** The sum of the squares of x - mean, over n numbers. */
export function squaresOf(x: usize, mean: f32, n: i32): f64 {
  const m = f32x4.splat(mean);
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (; n >= 16; n -= 16) {
    const p = f32x4.sub(v128.load(x), m);
    const q = f32x4.sub(v128.load(x, 16), m);
    const r = f32x4.sub(v128.load(x, 32), m);
    const s = f32x4.sub(v128.load(x, 48), m);
    a = madd(p, p, a);
    b = madd(q, q, b);
    c = madd(r, r, c);
    d = madd(s, s, d);
    x += 64;
  }
  for (; n >= 4; n -= 4) {
    const p = f32x4.sub(v128.load(x), m);
    a = madd(p, p, a);
    x += 16;
  }
  if (n > 0) {
    const p = v128.and(f32x4.sub(v128.load(x), m), lastLanes(n));
    b = madd(p, p, b);
  }
  return total(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
}

/** The sum of the four numbers of a vector. */
@inline
export function total(v: v128): f64 {
  return sumOfPair(f64x2.add(lowHalf(v), highHalf(v)));
}

function normalizeRow(plan: LayerNormalizationPlan, y: usize, x: usize, mean: f32, inverse: f32): void {
  const m = f32x4.splat(mean);
  const factor = f32x4.splat(inverse);
  const gamma = plan.gamma;
  const beta = plan.beta;
  const end: usize = 4 * <usize>plan.width;
  for (let at: usize = 0; at < end; at += 16) {
    let v = f32x4.mul(f32x4.sub(v128.load(x + at), m), factor);
    if (gamma) v = f32x4.mul(v, v128.load(gamma + at));
    if (beta) v = f32x4.add(v, v128.load(beta + at));
    v128.store(y + at, v);
  }
  clearPadding(y, plan.width);
}

/** The gradient of a row of x. */
function rowGradient(
  plan: LayerNormalizationPlan, dx: usize, dy: usize, x: usize, mean: f32, inverse: f32,
): void {
  const m = f32x4.splat(mean);
  const D = plan.width;
  const gamma = plan.gamma;
  const whole: usize = 4 * <usize>(D & ~3);
  let sums = f32x4.splat(0);
  let products = f32x4.splat(0);
  for (let at: usize = 0; at < whole; at += 16) {
    const d = scaled(dy, gamma, at);
    sums = f32x4.add(sums, d);
    products = madd(d, f32x4.sub(v128.load(x + at), m), products);
  }
  if (D & 3) {
    const d = scaled(dy, gamma, whole);
    sums = f32x4.add(sums, d);
    products = madd(d, v128.and(f32x4.sub(v128.load(x + whole), m), lastLanes(D)), products);
  }
  const shift = f32x4.splat(<f32>(total(sums) / <f64>D));
  const slope = f32x4.splat(<f32>((total(products) * <f64>inverse * <f64>inverse) / <f64>D));
  const factor = f32x4.splat(inverse);
  for (let at: usize = 0; at < 4 * <usize>D; at += 16) {
    const d = nmadd(f32x4.sub(v128.load(x + at), m), slope, f32x4.sub(scaled(dy, gamma, at), shift));
    v128.store(dx + at, f32x4.mul(d, factor));
  }
  clearPadding(dx, D);
}

/** dy gamma of four columns. */
@inline
function scaled(dy: usize, gamma: usize, at: usize): v128 {
  const d = v128.load(dy + at);
  return gamma ? f32x4.mul(d, v128.load(gamma + at)) : d;
}

/** Writes zeros behind the n numbers of a row, up to a whole vector. */
@inline
function clearPadding(row: usize, n: i32): void {
  if ((n & 3) == 0) return;
  const last = row + 4 * <usize>(n & ~3);
  v128.store(last, v128.and(v128.load(last), lastLanes(n)));
}
