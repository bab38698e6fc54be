/** Stands in for assembly/activations.ts and assembly/dropout.ts until they have these two functions. */

import { sigmoid, tanh } from './math';

/** y = f(x) and slope = f'(x) over n numbers, n a multiple of 4; y may be x. */
export function activateWithSlope(kind: i32, y: usize, slope: usize, x: usize, n: i32): void {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  for (let end = x + (<usize>n << 2); x < end; x += 16, y += 16, slope += 16) {
    const at = v128.load(x);
    let value = at;
    let rise = one;
    if (kind == 1) {
      value = f32x4.pmax(at, zero);
      rise = v128.and(one, f32x4.gt(at, zero));
    } else if (kind == 2) {
      value = sigmoid(at);
      rise = f32x4.mul(value, f32x4.sub(one, value));
    } else if (kind == 3) {
      value = tanh(at);
      rise = f32x4.sub(one, f32x4.mul(value, value));
    } else if (kind == 4) {
      const line = f32x4.add(f32x4.mul(at, f32x4.splat(0.2)), f32x4.splat(0.5));
      value = f32x4.pmax(f32x4.pmin(line, one), zero);
      rise = v128.and(f32x4.splat(0.2), v128.and(f32x4.gt(line, zero), f32x4.lt(line, one)));
    }
    v128.store(y, value);
    v128.store(slope, rise);
  }
}

/** Fills n floats with 0 or 1 / (1 - rate). */
export function dropoutMask(mask: usize, n: i32, seed: i32, rate: f32): void {
  let bits: u32 = seed;
  for (let k = 0; k < n; k++) {
    bits = bits * 1664525 + 1013904223;
    store<f32>(mask + (<usize>k << 2), <f32>(bits >> 8) < rate * 16777216 ? 0 : <f32>1 / (1 - rate));
  }
}
