/** Checks the size of gradients and clips them, before the optimizer uses them. */

import { highHalf, lowHalf } from '../math/f64Pairs';
import { allLanes, lastLanes } from '../math/laneMasks';

/** Whether all of x [n], n a multiple of 4, are within [-most, most]; false for NaN. */
export function areWithin(x: usize, n: i32, most: f64): bool {
  assert(n % 4 == 0);
  const greatest = f32x4.splat(<f32>most);
  let within = i32x4.splat(-1);
  for (let i: usize = 0; i < <usize>n << 2; i += 16) {
    within = v128.and(within, f32x4.le(f32x4.abs(v128.load(x + i)), greatest));
  }
  return i32x4.all_true(within);
}

/** The sum of squares of x [n] in float64. The last vector of x must be readable to its end. */
export function sumOfSquares(x: usize, n: i32): f64 {
  const bytes = <usize>n << 2;
  const tail = lastLanes(n);
  const whole = allLanes();
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const v = v128.and(v128.load(x + i), i + 16 > bytes ? tail : whole);
    const a = lowHalf(v);
    const b = highHalf(v);
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
  }
  const sum = f64x2.add(low, high);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** x [n] times a factor. */
export function scale(x: usize, n: i32, factor: f64): void {
  const bytes = <usize>n << 2;
  const whole = bytes & ~15;
  const factors = f32x4.splat(<f32>factor);
  for (let i: usize = 0; i < whole; i += 16) v128.store(x + i, f32x4.mul(v128.load(x + i), factors));
  for (let i = whole; i < bytes; i += 4) store<f32>(x + i, load<f32>(x + i) * <f32>factor);
}

/** Clips x [n], n a multiple of 4, to [-most, most]. */
export function clamp(x: usize, n: i32, most: f64): void {
  assert(n % 4 == 0);
  const upper = f32x4.splat(<f32>most);
  const lower = f32x4.neg(upper);
  for (let i: usize = 0; i < <usize>n << 2; i += 16) {
    v128.store(x + i, f32x4.pmax(f32x4.pmin(v128.load(x + i), upper), lower));
  }
}
