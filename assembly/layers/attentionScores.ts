/**
 * The scores of additive attention: s[i, j] = sum over d of gain[d] tanh(scale (q[i, d] + k[j, d])).
 *
 * Matrices are contiguous, their rows padded with zeros to whole vectors. Letters: D width, S keys.
 */

import { highHalf, lowHalf, sumOf } from '../math/f64Pairs';
import { expOfNegative, tanh } from '../math/elementary';
import { allLanes, lastLanes } from '../math/laneMasks';

/** s = the scores of one query q [D] for all keys [S, padded D]. */
export function additiveScores(s: usize, q: usize, keys: usize, gain: usize, scale: f32, count: i32, bytes: usize): void {
  const factor = f32x4.splat(scale);
  for (; count > 0; count--, s += 4, keys += bytes) {
    let sum = f32x4.splat(0);
    for (let d: usize = 0; d < bytes; d += 16) {
      const t = tanh(f32x4.mul(factor, f32x4.add(v128.load(q + d), v128.load(keys + d))));
      sum = f32x4.add(sum, f32x4.mul(v128.load(gain + d), t));
    }
    const two = f32x4.add(sum, v128.shuffle<f32>(sum, sum, 2, 3, 2, 3));
    store<f32>(s, f32x4.extract_lane(two, 0) + f32x4.extract_lane(two, 1));
  }
}

/**
 * Adds the gradients of one query, for the gradients ds of its scores.
 *
 * @param dq (padded D): overwritten
 * @param dKeys [S, padded D]: added to
 * @param dGain (padded D): added to
 * @returns the gradient of scale
 */
export function additiveScoresBackward(
  ds: usize, q: usize, keys: usize, gain: usize, scale: f32,
  dq: usize, dKeys: usize, dGain: usize, count: i32, bytes: usize,
): f64 {
  const factor = f32x4.splat(scale);
  const one = f32x4.splat(1);
  let dScale = f64x2.splat(0);
  // The columns are the outer loop, so that their sums stay in registers
  for (let d: usize = 0; d < bytes; d += 16) {
    const query = v128.load(q + d);
    const weight = v128.load(gain + d);
    let sum = f32x4.splat(0);
    let gains = f32x4.splat(0);
    for (let j: usize = 0; j < <usize>count; j++) {
      const g = v128.load32_splat(ds + 4 * j);
      const x = f32x4.add(query, v128.load(keys + j * bytes + d));
      const t = tanh(f32x4.mul(factor, x));
      gains = f32x4.add(gains, f32x4.mul(g, t));
      const slope = f32x4.mul(f32x4.mul(g, weight), f32x4.mul(f32x4.sub(one, t), f32x4.add(one, t)));
      const toScale = f32x4.mul(slope, x);
      dScale = f64x2.add(dScale, f64x2.add(lowHalf(toScale), highHalf(toScale)));
      const dx = f32x4.mul(slope, factor);
      sum = f32x4.add(sum, dx);
      const key = dKeys + j * bytes + d;
      v128.store(key, f32x4.add(v128.load(key), dx));
    }
    v128.store(dq + d, sum);
    v128.store(dGain + d, f32x4.add(v128.load(dGain + d), gains));
  }
  return sumOf(dScale);
}

/**
 * Softmax of each row of x [rows, padded cols], in place; writes zeros as padding.
 *
 * Like softmaxRows, but for many long rows: it takes 16 columns at a time, and adds four vectors before it adds to a
 * float64 sum.
 */
export function softmaxInPlace(x: usize, rowBytes: usize, rows: i32, cols: i32): void {
  const bytes = <usize>cols * 4;
  const whole = bytes & ~63;
  const tail = lastLanes(cols);
  for (; rows > 0; rows--, x += rowBytes) {
    const shift = f32x4.splat(greatestOf(x, bytes, whole, tail));
    let low = f64x2.splat(0);
    let high = low;
    let k: usize = 0;
    for (; k < whole; k += 64) {
      const p = x + k;
      const a = expOfNegative(f32x4.sub(v128.load(p), shift));
      const b = expOfNegative(f32x4.sub(v128.load(p, 16), shift));
      const c = expOfNegative(f32x4.sub(v128.load(p, 32), shift));
      const d = expOfNegative(f32x4.sub(v128.load(p, 48), shift));
      v128.store(p, a);
      v128.store(p, b, 16);
      v128.store(p, c, 32);
      v128.store(p, d, 48);
      const sum = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
      low = f64x2.add(low, lowHalf(sum));
      high = f64x2.add(high, highHalf(sum));
    }
    for (; k < bytes; k += 16) {
      const e = v128.and(expOfNegative(f32x4.sub(v128.load(x + k), shift)), k + 16 > bytes ? tail : allLanes());
      v128.store(x + k, e);
      low = f64x2.add(low, lowHalf(e));
      high = f64x2.add(high, highHalf(e));
    }
    const scale = f32x4.splat(<f32>(1 / sumOf(f64x2.add(low, high))));
    for (k = 0; k < bytes; k += 16) v128.store(x + k, f32x4.mul(v128.load(x + k), scale));
  }
}

/**
 * d = p (d - sum(d p)), row by row [rows, padded cols]: from the gradients d of weights p to those of their scores.
 *
 * Like softmaxBackward, but for many long rows, with the sums of softmaxInPlace. The padding of p is zero.
 */
export function softmaxBackwardInPlace(d: usize, p: usize, rowBytes: usize, rows: i32): void {
  const whole = rowBytes & ~63;
  for (; rows > 0; rows--, d += rowBytes, p += rowBytes) {
    let low = f64x2.splat(0);
    let high = low;
    let k: usize = 0;
    for (; k < whole; k += 64) {
      const a = f32x4.add(product(d + k, p + k), product(d + k + 16, p + k + 16));
      const b = f32x4.add(product(d + k + 32, p + k + 32), product(d + k + 48, p + k + 48));
      const sum = f32x4.add(a, b);
      low = f64x2.add(low, lowHalf(sum));
      high = f64x2.add(high, highHalf(sum));
    }
    for (; k < rowBytes; k += 16) {
      const e = product(d + k, p + k);
      low = f64x2.add(low, lowHalf(e));
      high = f64x2.add(high, highHalf(e));
    }
    const dot = f32x4.splat(<f32>sumOf(f64x2.add(low, high)));
    for (k = 0; k < rowBytes; k += 16) {
      v128.store(d + k, f32x4.mul(v128.load(p + k), f32x4.sub(v128.load(d + k), dot)));
    }
  }
}

@inline
function product(a: usize, b: usize): v128 {
  return f32x4.mul(v128.load(a), v128.load(b));
}

/** The maximum of a row, ignoring NaN, which shows in the sum. */
@inline
function greatestOf(x: usize, bytes: usize, whole: usize, tail: v128): f32 {
  let a = f32x4.splat(-Infinity);
  let b = a;
  let k: usize = 0;
  for (; k < whole; k += 64) {
    const p = x + k;
    a = f32x4.pmax(f32x4.pmax(a, v128.load(p)), v128.load(p, 16));
    b = f32x4.pmax(f32x4.pmax(b, v128.load(p, 32)), v128.load(p, 48));
  }
  for (; k < bytes; k += 16) {
    a = f32x4.pmax(a, v128.bitselect(v128.load(x + k), a, k + 16 > bytes ? tail : allLanes()));
  }
  a = f32x4.pmax(a, b);
  const two = f32x4.pmax(a, v128.shuffle<f32>(a, a, 2, 3, 2, 3));
  return max(f32x4.extract_lane(two, 0), f32x4.extract_lane(two, 1));
}
