/** Constraints on weights, in place. Weights are stored row by row, without padding. */

import { highHalf, lowHalf } from '../math/f64Pairs';

/** Added to a norm before dividing by it, as in Keras. */
const EPSILON: f64 = 1e-7;

/** Negative numbers of w [n] become 0. */
export function nonNegative(w: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n << 2; i += 4) {
    if (load<f32>(w + i) < 0) store<f32>(w + i, 0);
  }
}

/**
 * Moves the norms of the vectors along the middle axis of w [outer, length, inner] towards [least, most], by the share
 * `rate` of the distance: w *= (rate clip(norm) + (1 - rate) norm) / (norm + 1e-7).
 */
export function boundNorms(
  w: usize, outer: i32, length: i32, inner: i32, least: f64, most: f64, rate: f64,
): void {
  const next = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    const block = w + <usize>o * <usize>length * next;
    let column: usize = 0;
    // Four adjacent vectors share their cache lines
    for (; column + 16 <= next; column += 16) boundFour(block + column, length, next, least, most, rate);
    for (; column < next; column += 4) boundOne(block + column, length, next, least, most, rate);
  }
}

function boundFour(w: usize, length: i32, next: usize, least: f64, most: f64, rate: f64): void {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  for (let l = 0, at = w; l < length; l++, at += next) {
    const v = v128.load(at);
    const a = lowHalf(v);
    const b = highHalf(v);
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
  }
  let scale = f32x4.splat(scaleOf(f64x2.extract_lane(low, 0), least, most, rate));
  scale = f32x4.replace_lane(scale, 1, scaleOf(f64x2.extract_lane(low, 1), least, most, rate));
  scale = f32x4.replace_lane(scale, 2, scaleOf(f64x2.extract_lane(high, 0), least, most, rate));
  scale = f32x4.replace_lane(scale, 3, scaleOf(f64x2.extract_lane(high, 1), least, most, rate));
  for (let l = 0, at = w; l < length; l++, at += next) v128.store(at, f32x4.mul(v128.load(at), scale));
}

function boundOne(w: usize, length: i32, next: usize, least: f64, most: f64, rate: f64): void {
  let squares: f64 = 0;
  for (let l = 0, at = w; l < length; l++, at += next) squares += <f64>load<f32>(at) * <f64>load<f32>(at);
  const scale = scaleOf(squares, least, most, rate);
  for (let l = 0, at = w; l < length; l++, at += next) store<f32>(at, load<f32>(at) * scale);
}

function scaleOf(squares: f64, least: f64, most: f64, rate: f64): f32 {
  const norm = sqrt(squares);
  const clipped = min(max(norm, least), most);
  return <f32>((rate * clipped + (1 - rate) * norm) / (norm + EPSILON));
}
