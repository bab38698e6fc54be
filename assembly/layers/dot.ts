/**
 * The product of two inputs, sample by sample: y = A transposed(C), after an optional division of each row by its norm.
 *
 * Letters: M rows of A, N rows of C, K contracted axis, B batch.
 */

import { sumOf, highHalf, lowHalf } from '../math/f64Pairs';
import { copyRow, scaleRow, transpose } from '../memory/rows';
import { packColumns, packRows, unpackRows } from '../products/packing';
import { ZEROS, matmul, matmulTransposed, padded } from '../products/matmul';

/** A planned product, written by src/plan; offsets and strides in bytes. */
@unmanaged
export class DotPlan {
  rows: i32; // B
  aCount: i32; // M
  bCount: i32; // N
  depth: i32; // K
  normalize: i32; // 1: divides the rows of A and C by their norms
  aOverTime: i32; // 1: A is transposed: a is [K, B, M]; 0: [M, B, K]
  a: usize;
  aRow: usize;
  aStep: usize;
  bOverTime: i32; // 1: b is [K, B, N]; 0: [N, B, K]
  b: usize;
  bRow: usize;
  bStep: usize;
  y: usize; // [M, B, padded N]; the padding is written as zeros
  yRow: usize;
  yStep: usize;
  dy: usize; // gradient of y
  dyRow: usize;
  dyStep: usize;
  da: usize; // gradients of a and b, overwritten, padded to whole vectors; 0 for none
  daRow: usize;
  daStep: usize;
  db: usize;
  dbRow: usize;
  dbStep: usize;
  left: usize; // scratch [M, padded K]: A of one sample
  right: usize; // scratch [N, padded K]: C of one sample
  packed: usize; // scratch: [K, N] or [N, K], packed
  product: usize; // scratch [M, padded N]
  gradient: usize; // scratch [max(M, N), padded K], with gradients only
  leftNorms: usize; // scratch: inverse norms of the rows [M], if normalize
  rightNorms: usize; // [N]
}

/** The greatest inverse norm, as in Keras, whose epsilon is 1e-7. */
const MOST: f64 = 1e7;

export function dotForward(plan: DotPlan): void {
  assert(plan.rows > 0 && plan.aCount > 0 && plan.bCount > 0 && plan.depth > 0);
  const N = plan.bCount;
  const width = <usize>padded(N) * 4;
  for (let r: usize = 0; r < <usize>plan.rows; r++) {
    loadOperands(plan, r);
    packColumns(plan.packed, plan.right, <usize>padded(plan.depth) * 4, plan.depth, N);
    matmul(
      plan.product, width, ZEROS, 0, 0,
      plan.left, <usize>padded(plan.depth) * 4, 0, plan.depth, 1, plan.packed, plan.aCount, N,
    );
    const y = plan.y + r * plan.yRow;
    for (let m: usize = 0; m < <usize>plan.aCount; m++) {
      copyRow(y + m * plan.yStep, plan.product + m * width, N, padded(N) - N);
    }
  }
}

export function dotBackward(plan: DotPlan): void {
  const M = plan.aCount;
  const N = plan.bCount;
  const K = plan.depth;
  const deep = <usize>padded(K) * 4;
  const width = <usize>padded(N) * 4;
  for (let r: usize = 0; r < <usize>plan.rows; r++) {
    loadOperands(plan, r);
    const dy = plan.dy + r * plan.dyRow;
    for (let m: usize = 0; m < <usize>M; m++) {
      copyRow(plan.product + m * width, dy + m * plan.dyStep, N, padded(N) - N);
    }
    if (plan.da) {
      packRows(plan.packed, plan.right, deep, N, K);
      matmul(plan.gradient, deep, ZEROS, 0, 0, plan.product, width, 0, N, 1, plan.packed, M, K);
      if (plan.normalize) normalizeBackward(plan.gradient, plan.left, plan.leftNorms, M, K);
      scatter(plan.da + r * plan.daRow, plan.daStep, plan.aOverTime, plan.gradient, M, K);
    }
    if (plan.db) {
      memory.fill(plan.packed, 0, <usize>N * deep);
      matmulTransposed(plan.packed, plan.product, width, 0, plan.left, deep, 0, M, 1, N, K);
      unpackRows(plan.gradient, deep, plan.packed, N, K, padded(K) - K);
      if (plan.normalize) normalizeBackward(plan.gradient, plan.right, plan.rightNorms, N, K);
      scatter(plan.db + r * plan.dbRow, plan.dbStep, plan.bOverTime, plan.gradient, N, K);
    }
  }
}

/** Copies A and C of sample r, normalized. */
function loadOperands(plan: DotPlan, r: usize): void {
  gather(plan.left, plan.a + r * plan.aRow, plan.aStep, plan.aOverTime, plan.aCount, plan.depth);
  gather(plan.right, plan.b + r * plan.bRow, plan.bStep, plan.bOverTime, plan.bCount, plan.depth);
  if (!plan.normalize) return;
  normalize(plan.left, plan.leftNorms, plan.aCount, plan.depth);
  normalize(plan.right, plan.rightNorms, plan.bCount, plan.depth);
}

/** to [count, padded depth] = x, whose steps are the rows or, over time, the columns. */
function gather(to: usize, x: usize, step: usize, overTime: i32, count: i32, depth: i32): void {
  const row = <usize>padded(depth) * 4;
  if (overTime) {
    if (depth & 3) memory.fill(to, 0, <usize>count * row);
    transpose(to, row, x, step, depth, count);
  } else {
    for (; count > 0; count--, to += row, x += step) copyRow(to, x, depth, padded(depth) - depth);
  }
}

/** The inverse of `gather`; pads the rows of x with zeros. */
function scatter(x: usize, step: usize, overTime: i32, from: usize, count: i32, depth: i32): void {
  const row = <usize>padded(depth) * 4;
  if (overTime) {
    transpose(x, step, from, row, count, depth);
    const zeros = <usize>(padded(count) - count) * 4;
    if (zeros) for (x += <usize>count * 4; depth > 0; depth--, x += step) memory.fill(x, 0, zeros);
  } else {
    for (; count > 0; count--, x += step, from += row) copyRow(x, from, depth, padded(depth) - depth);
  }
}

/** Divides each row of x [count, padded depth] by its norm; writes the inverse norms. */
function normalize(x: usize, norms: usize, count: i32, depth: i32): void {
  const row = <usize>padded(depth) * 4;
  for (; count > 0; count--, x += row, norms += 4) {
    const factor = <f32>min(1 / sqrt(dotRows(x, x, row)), MOST);
    store<f32>(norms, factor);
    scaleRow(x, x, factor, depth);
  }
}

/** Replaces the gradients g of normalized rows y by those of the rows themselves. */
function normalizeBackward(g: usize, y: usize, norms: usize, count: i32, depth: i32): void {
  const row = <usize>padded(depth) * 4;
  for (; count > 0; count--, g += row, y += row, norms += 4) {
    const factor = load<f32>(norms);
    // A bounded factor does not depend on x
    const share = f32x4.splat(factor < <f32>MOST ? <f32>dotRows(g, y, row) : 0);
    for (let k: usize = 0; k < row; k += 16) {
      const d = f32x4.sub(v128.load(g + k), f32x4.mul(share, v128.load(y + k)));
      v128.store(g + k, f32x4.mul(d, f32x4.splat(factor)));
    }
  }
}

/** The dot product of two rows, as float64. */
function dotRows(a: usize, b: usize, bytes: usize): f64 {
  let sum = f64x2.splat(0);
  for (let k: usize = 0; k < bytes; k += 16) {
    const p = v128.load(a + k);
    const q = v128.load(b + k);
    sum = f64x2.add(sum, f64x2.mul(lowHalf(p), lowHalf(q)));
    sum = f64x2.add(sum, f64x2.mul(highHalf(p), highHalf(q)));
  }
  return sumOf(sum);
}
