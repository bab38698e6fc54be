/**
 * Softmax and its logarithm over the rows of a matrix. The maximum of a row is subtracted before exp, so that exp cannot
 * overflow, and sums are float64.
 *
 * Rows are padded to a multiple of 4 columns; output padding is zero.
 */

import { highHalf, lowHalf, sumOf } from './f64Pairs';
import { allLanes, lastLanes } from './laneMasks';
import { exp } from './elementary';
import { ln } from './random';

/** y = exp(x) / sum(exp(x)), row by row; y may be x itself. */
export function softmaxRows(y: usize, yRow: usize, x: usize, xRow: usize, rows: i32, cols: i32): void {
  const bytes = <usize>cols * 4;
  for (; rows > 0; rows--, x += xRow, y += yRow) {
    const sum = expRow(y, x, bytes, cols, greatest(x, cols));
    const scale = f32x4.splat(<f32>(1 / sum));
    for (let k: usize = 0; k < bytes; k += 16) v128.store(y + k, f32x4.mul(v128.load(y + k), scale));
  }
}

/** y = x - ln(sum(exp(x))), row by row; y may be x itself. `scratch` holds one row. */
export function logSoftmaxRows(
  y: usize, yRow: usize, x: usize, xRow: usize, rows: i32, cols: i32, scratch: usize,
): void {
  const bytes = <usize>cols * 4;
  for (; rows > 0; rows--, x += xRow, y += yRow) {
    const most = greatest(x, cols);
    const sum = expRow(scratch, x, bytes, cols, most);
    const base = <f64>most + (isNaN(sum) ? sum : ln(sum));
    const tail = lastLanes(cols);
    for (let k: usize = 0; k < bytes; k += 16) {
      const difference = minus(v128.load(x + k), base);
      v128.store(y + k, v128.and(difference, k + 16 > bytes ? tail : allLanes()));
    }
  }
}

/** dx = y (dy - sum(dy y)), row by row; dx may be dy itself. */
export function softmaxBackward(
  dx: usize, dxRow: usize, dy: usize, dyRow: usize, y: usize, yRow: usize, rows: i32, cols: i32,
): void {
  const bytes = <usize>cols * 4;
  for (; rows > 0; rows--, dx += dxRow, dy += dyRow, y += yRow) {
    let low = f64x2.splat(0);
    let high = low;
    for (let k: usize = 0; k < bytes; k += 16) {
      const d = v128.load(dy + k);
      const p = v128.load(y + k);
      low = f64x2.add(low, f64x2.mul(lowHalf(d), lowHalf(p)));
      high = f64x2.add(high, f64x2.mul(highHalf(d), highHalf(p)));
    }
    const dot = sumOf(f64x2.add(low, high));
    for (let k: usize = 0; k < bytes; k += 16) {
      v128.store(dx + k, f32x4.mul(v128.load(y + k), minus(v128.load(dy + k), dot)));
    }
  }
}

/** dx = dy - exp(y) sum(dy), row by row; dx may be dy itself. */
export function logSoftmaxBackward(
  dx: usize, dxRow: usize, dy: usize, dyRow: usize, y: usize, yRow: usize, rows: i32, cols: i32,
): void {
  const bytes = <usize>cols * 4;
  for (; rows > 0; rows--, dx += dxRow, dy += dyRow, y += yRow) {
    let low = f64x2.splat(0);
    let high = low;
    for (let k: usize = 0; k < bytes; k += 16) {
      const d = v128.load(dy + k);
      low = f64x2.add(low, lowHalf(d));
      high = f64x2.add(high, highHalf(d));
    }
    const sum = f32x4.splat(<f32>sumOf(f64x2.add(low, high)));
    const tail = lastLanes(cols);
    for (let k: usize = 0; k < bytes; k += 16) {
      const d = f32x4.sub(v128.load(dy + k), f32x4.mul(exp(v128.load(y + k)), sum));
      v128.store(dx + k, v128.and(d, k + 16 > bytes ? tail : allLanes()));
    }
  }
}

/** The maximum of a row, ignoring NaN, which shows in the sums. */
export function greatest(x: usize, cols: i32): f32 {
  const bytes = <usize>cols * 4;
  let most = f32x4.splat(-Infinity);
  const tail = lastLanes(cols);
  for (let k: usize = 0; k < bytes; k += 16) {
    most = f32x4.pmax(most, v128.bitselect(v128.load(x + k), most, k + 16 > bytes ? tail : allLanes()));
  }
  const two = f32x4.pmax(most, v128.shuffle<f32>(most, most, 2, 3, 2, 3));
  return max(f32x4.extract_lane(two, 0), f32x4.extract_lane(two, 1));
}

/** y = exp(x - most), with zeros as padding; returns the sum, which is NaN if x contains NaN. */
function expRow(y: usize, x: usize, bytes: usize, cols: i32, most: f32): f64 {
  const shift = f32x4.splat(most);
  const tail = lastLanes(cols);
  let low = f64x2.splat(0);
  let high = low;
  for (let k: usize = 0; k < bytes; k += 16) {
    const e = v128.and(exp(f32x4.sub(v128.load(x + k), shift)), k + 16 > bytes ? tail : allLanes());
    v128.store(y + k, e);
    low = f64x2.add(low, lowHalf(e));
    high = f64x2.add(high, highHalf(e));
  }
  return sumOf(f64x2.add(low, high));
}

/** a - base, rounded once. */
@inline
function minus(a: v128, base: f64): v128 {
  const b = f64x2.splat(base);
  const low = f32x4.demote_f64x2_zero(f64x2.sub(lowHalf(a), b));
  const high = f32x4.demote_f64x2_zero(f64x2.sub(highHalf(a), b));
  return v128.shuffle<f32>(low, high, 0, 1, 4, 5);
}
