/** Optimizers: one step over one contiguous run of n parameters, n a multiple of 4. */

import { flushSmall } from './math';

/**
 * Adam in the form of Keras: m and v move towards g and g^2, and
 * w -= rate sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + epsilon).
 *
 * Moments below 1e-30 become zero: without that they would linger as subnormal numbers, which cost a hundred cycles
 * each, long after the gradient of an idle parameter has died. For the same reason gradients below 2^-50 count as zero
 * where they are squared; their squares would leave no trace in v.
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
  const leastSquared = f32x4.splat(8.8817842e-16); // 2^-50
  for (let i: usize = 0; i < <usize>n << 2; i += 16) {
    const gi = v128.load(g + i);
    const m0 = v128.load(m + i);
    const v0 = v128.load(v + i);
    const mi = flushSmall(f32x4.add(m0, f32x4.mul(f32x4.sub(gi, m0), towards1)), least);
    const gv = flushSmall(gi, leastSquared);
    const vi = flushSmall(f32x4.add(v0, f32x4.mul(f32x4.sub(f32x4.mul(gv, gv), v0), towards2)), least);
    v128.store(m + i, mi);
    v128.store(v + i, vi);
    const change = f32x4.div(f32x4.mul(mi, step), f32x4.add(f32x4.sqrt(vi), eps));
    v128.store(w + i, f32x4.sub(v128.load(w + i), change));
  }
}

/** Gradients beyond it are refused: Adam could not square them. */
const GREATEST: f32 = 1e19;

/** Whether all n gradients are numbers that an optimizer can take: not NaN, and of at most 1e19. */
export function areSound(g: usize, n: i32): bool {
  assert(n % 4 == 0);
  const greatest = f32x4.splat(GREATEST);
  let sound = i32x4.splat(-1);
  for (let i: usize = 0; i < <usize>n << 2; i += 16) {
    sound = v128.and(sound, f32x4.le(f32x4.abs(v128.load(g + i)), greatest));
  }
  return i32x4.all_true(sound);
}

/** w -= rate g. */
export function sgd(w: usize, g: usize, n: i32, rate: f64): void {
  assert(n % 4 == 0);
  const step = f32x4.splat(<f32>rate);
  for (let i: usize = 0; i < <usize>n << 2; i += 16) {
    v128.store(w + i, f32x4.sub(v128.load(w + i), f32x4.mul(v128.load(g + i), step)));
  }
}
