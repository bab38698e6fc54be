/** Optimizers: one step over one contiguous run of n parameters, n a multiple of 4. */

import { flushSmall } from './math';

/**
 * Adam in the form of Keras: m and v move towards g and g^2, and
 * w -= rate sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + epsilon).
 *
 * Moments below 1e-30 become zero: without that they would linger as subnormal numbers, which cost a hundred cycles
 * each, long after the gradient of an idle parameter has died.
 *
 * @param w, m, v (n): updated in place
 * @param beta1t, beta2t the betas to the power of t, t counting from 1
 */
export function adam(
  w: usize, m: usize, v: usize, g: usize, n: i32,
  rate: f64, beta1: f64, beta2: f64, epsilon: f64, beta1t: f64, beta2t: f64,
): void {
  assert(n % 4 == 0);
  const step = f32x4.splat(<f32>((rate * sqrt(1 - beta2t)) / (1 - beta1t)));
  const towards1 = f32x4.splat(<f32>(1 - beta1));
  const towards2 = f32x4.splat(<f32>(1 - beta2));
  const eps = f32x4.splat(<f32>epsilon);
  const least = f32x4.splat(1e-30);
  for (let i: usize = 0; i < <usize>n << 2; i += 16) {
    const gi = v128.load(g + i);
    const m0 = v128.load(m + i);
    const v0 = v128.load(v + i);
    const mi = flushSmall(f32x4.add(m0, f32x4.mul(f32x4.sub(gi, m0), towards1)), least);
    const vi = flushSmall(f32x4.add(v0, f32x4.mul(f32x4.sub(f32x4.mul(gi, gi), v0), towards2)), least);
    v128.store(m + i, mi);
    v128.store(v + i, vi);
    const change = f32x4.div(f32x4.mul(mi, step), f32x4.add(f32x4.sqrt(vi), eps));
    v128.store(w + i, f32x4.sub(v128.load(w + i), change));
  }
}

/**
 * Whether all n gradients are numbers that an optimizer can take: finite, and so small that the sum of their squares
 * is finite too.
 */
export function areSound(g: usize, n: i32): bool {
  assert(n % 4 == 0);
  let sum = f32x4.splat(0);
  for (let i: usize = 0; i < <usize>n << 2; i += 16) {
    const gi = v128.load(g + i);
    sum = f32x4.add(sum, f32x4.mul(gi, gi));
  }
  const greatest = f32x4.splat(f32.MAX_VALUE);
  return v128.all_true<i32>(f32x4.le(sum, greatest));
}

/** w -= rate g. */
export function sgd(w: usize, g: usize, n: i32, rate: f64): void {
  assert(n % 4 == 0);
  const step = f32x4.splat(<f32>rate);
  for (let i: usize = 0; i < <usize>n << 2; i += 16) {
    v128.store(w + i, f32x4.sub(v128.load(w + i), f32x4.mul(v128.load(g + i), step)));
  }
}
