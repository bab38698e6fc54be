/**
 * Optimizers: one step over n contiguous parameters, n a multiple of 4, with the formulas of Keras.
 *
 * w, g and the state of an optimizer are n numbers each. The results are written to `toW` and so on, which may be w and so
 * on. Padding has a gradient of zero, so it stays zero in w.
 *
 * Optimizer state below 1e-30 becomes zero. Otherwise, once a parameter has no gradient any more, it would decay to
 * subnormal numbers, which cost a hundred cycles each. For the same reason, gradients below 1e-30 count as zero (except in
 * adam), and gradients below 2^-50 count as zero when squared.
 */

import { flushSmall } from '../math/elementary';

/** Optimizer state below it becomes zero. */
const LEAST: f32 = 1e-30;
/** 2^-50: squares of smaller numbers become zero. */
const LEAST_SQUARED: f32 = 8.8817842e-16;

/** A moving average, updated with x. */
@inline
function moved(average: v128, x: v128, share: v128, least: v128): v128 {
  return flushSmall(f32x4.add(average, f32x4.mul(f32x4.sub(x, average), share)), least);
}

/** A moving average, updated with x^2. */
@inline
function movedToSquare(average: v128, x: v128, share: v128, least: v128, leastSquared: v128): v128 {
  const root = flushSmall(x, leastSquared);
  return moved(average, f32x4.mul(root, root), share, least);
}

/**
 * Adam in the form of Keras: m and v move towards g and g^2, and
 * w -= rate sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + epsilon).
 *
 * @param beta1t, beta2t the betas to the power of t, t counting from 1
 */
export function adam(
  w: usize, m: usize, v: usize, g: usize, n: i32,
  rate: f64, beta1: f64, beta2: f64, epsilon: f64, beta1t: f64, beta2t: f64,
  toW: usize, toM: usize, toV: usize,
): void {
  assert(n % 4 == 0);
  const step = f32x4.splat(<f32>((rate * sqrt(1 - beta2t)) / (1 - beta1t)));
  const towards1 = f32x4.splat(<f32>(1 - beta1));
  const towards2 = f32x4.splat(<f32>(1 - beta2));
  const eps = f32x4.splat(<f32>epsilon);
  const least = f32x4.splat(LEAST);
  const leastSquared = f32x4.splat(LEAST_SQUARED);
  for (let i: usize = 0; i < <usize>n << 2; i += 16) {
    const gi = v128.load(g + i);
    const m0 = v128.load(m + i);
    const v0 = v128.load(v + i);
    const mi = moved(m0, gi, towards1, least);
    const vi = movedToSquare(v0, gi, towards2, least, leastSquared);
    v128.store(toM + i, mi);
    v128.store(toV + i, vi);
    const change = f32x4.div(f32x4.mul(mi, step), f32x4.add(f32x4.sqrt(vi), eps));
    v128.store(toW + i, f32x4.sub(v128.load(w + i), change));
  }
}

/** AMSGrad (Reddi, Kale and Kumar 2018): Adam with `most`, the maximum of all v so far, under the root. */
export function amsgrad(
  w: usize, m: usize, v: usize, most: usize, g: usize, n: i32,
  rate: f64, beta1: f64, beta2: f64, epsilon: f64, beta1t: f64, beta2t: f64,
  toW: usize, toM: usize, toV: usize, toMost: usize,
): void {
  assert(n % 4 == 0);
  const step = f32x4.splat(<f32>((rate * sqrt(1 - beta2t)) / (1 - beta1t)));
  const towards1 = f32x4.splat(<f32>(1 - beta1));
  const towards2 = f32x4.splat(<f32>(1 - beta2));
  const eps = f32x4.splat(<f32>epsilon);
  const least = f32x4.splat(LEAST);
  const leastSquared = f32x4.splat(LEAST_SQUARED);
  for (let i: usize = 0; i < <usize>n << 2; i += 16) {
    const gi = flushSmall(v128.load(g + i), least);
    const m0 = v128.load(m + i);
    const v0 = v128.load(v + i);
    const most0 = v128.load(most + i);
    const mi = moved(m0, gi, towards1, least);
    const vi = movedToSquare(v0, gi, towards2, least, leastSquared);
    const mostI = f32x4.pmax(most0, vi);
    v128.store(toM + i, mi);
    v128.store(toV + i, vi);
    v128.store(toMost + i, mostI);
    const change = f32x4.div(f32x4.mul(mi, step), f32x4.add(f32x4.sqrt(mostI), eps));
    v128.store(toW + i, f32x4.sub(v128.load(w + i), change));
  }
}

/**
 * Nadam (Dozat 2016), Adam with Nesterov's momentum: m and v move as in Adam, and
 * w -= (ofM m + ofG g) / (sqrt(ofV v) + epsilon) with factors that src/optimizers computes for each step.
 */
export function nadam(
  w: usize, m: usize, v: usize, g: usize, n: i32,
  ofM: f64, ofG: f64, ofV: f64, beta1: f64, beta2: f64, epsilon: f64,
  toW: usize, toM: usize, toV: usize,
): void {
  assert(n % 4 == 0);
  const fromM = f32x4.splat(<f32>ofM);
  const fromG = f32x4.splat(<f32>ofG);
  const fromV = f32x4.splat(<f32>ofV);
  const towards1 = f32x4.splat(<f32>(1 - beta1));
  const towards2 = f32x4.splat(<f32>(1 - beta2));
  const eps = f32x4.splat(<f32>epsilon);
  const least = f32x4.splat(LEAST);
  const leastSquared = f32x4.splat(LEAST_SQUARED);
  for (let i: usize = 0; i < <usize>n << 2; i += 16) {
    const gi = flushSmall(v128.load(g + i), least);
    const m0 = v128.load(m + i);
    const v0 = v128.load(v + i);
    const mi = moved(m0, gi, towards1, least);
    const vi = movedToSquare(v0, gi, towards2, least, leastSquared);
    v128.store(toM + i, mi);
    v128.store(toV + i, vi);
    const along = f32x4.add(f32x4.mul(mi, fromM), f32x4.mul(gi, fromG));
    const change = f32x4.div(along, f32x4.add(f32x4.sqrt(f32x4.mul(vi, fromV)), eps));
    v128.store(toW + i, f32x4.sub(v128.load(w + i), change));
  }
}

/**
 * AdaMax (Kingma and Ba 2014): m moves towards g, u = max(beta2 u, |g|), and
 * w -= rate / (1 - beta1^t) * m / (u + epsilon).
 */
export function adamax(
  w: usize, m: usize, u: usize, g: usize, n: i32,
  rate: f64, beta1: f64, beta2: f64, epsilon: f64, beta1t: f64,
  toW: usize, toM: usize, toU: usize,
): void {
  assert(n % 4 == 0);
  const step = f32x4.splat(<f32>(rate / (1 - beta1t)));
  const towards1 = f32x4.splat(<f32>(1 - beta1));
  const keep = f32x4.splat(<f32>beta2);
  const eps = f32x4.splat(<f32>epsilon);
  const least = f32x4.splat(LEAST);
  for (let i: usize = 0; i < <usize>n << 2; i += 16) {
    const gi = flushSmall(v128.load(g + i), least);
    const m0 = v128.load(m + i);
    const u0 = v128.load(u + i);
    const mi = moved(m0, gi, towards1, least);
    const ui = flushSmall(f32x4.pmax(f32x4.mul(u0, keep), f32x4.abs(gi)), least);
    v128.store(toM + i, mi);
    v128.store(toU + i, ui);
    const change = f32x4.div(f32x4.mul(mi, step), f32x4.add(ui, eps));
    v128.store(toW + i, f32x4.sub(v128.load(w + i), change));
  }
}

/** w -= rate g. */
export function sgd(
  w: usize, g: usize, n: i32, rate: f64,
  toW: usize,
): void {
  assert(n % 4 == 0);
  const step = f32x4.splat(<f32>rate);
  const least = f32x4.splat(LEAST);
  for (let i: usize = 0; i < <usize>n << 2; i += 16) {
    const gi = flushSmall(v128.load(g + i), least);
    v128.store(toW + i, f32x4.sub(v128.load(w + i), f32x4.mul(gi, step)));
  }
}

/** v = keep v - rate g, and w += v, or with Nesterov's momentum w += keep v - rate g. */
export function momentum(
  w: usize, v: usize, g: usize, n: i32, rate: f64, keep: f64, nesterov: i32,
  toW: usize, toV: usize,
): void {
  assert(n % 4 == 0);
  const step = f32x4.splat(<f32>rate);
  const kept = f32x4.splat(<f32>keep);
  const least = f32x4.splat(LEAST);
  for (let i: usize = 0; i < <usize>n << 2; i += 16) {
    const down = f32x4.mul(flushSmall(v128.load(g + i), least), step);
    const vi = flushSmall(f32x4.sub(f32x4.mul(v128.load(v + i), kept), down), least);
    v128.store(toV + i, vi);
    const change = nesterov ? f32x4.sub(f32x4.mul(vi, kept), down) : vi;
    v128.store(toW + i, f32x4.add(v128.load(w + i), change));
  }
}

/**
 * RMSprop (Hinton 2012): v moves towards g^2, and the step is rate g / sqrt(v + epsilon).
 *
 * In the centered form, a variance that rounds to less than zero counts as zero.
 *
 * @param p (n): the momentum, p = keep p + the step and w -= p; 0 for w -= the step
 * @param mean (n): moves towards g, for the centered form with v - mean^2 under the root; 0 for the plain one
 */
export function rmsprop(
  w: usize, v: usize, p: usize, mean: usize, g: usize, n: i32, rate: f64, decay: f64, keep: f64, epsilon: f64,
  toW: usize, toV: usize, toP: usize, toMean: usize,
): void {
  assert(n % 4 == 0);
  const step = f32x4.splat(<f32>rate);
  const towards = f32x4.splat(<f32>(1 - decay));
  const kept = f32x4.splat(<f32>keep);
  const eps = f32x4.splat(<f32>epsilon);
  const zero = f32x4.splat(0);
  const least = f32x4.splat(LEAST);
  const leastSquared = f32x4.splat(LEAST_SQUARED);
  for (let i: usize = 0; i < <usize>n << 2; i += 16) {
    const gi = flushSmall(v128.load(g + i), least);
    const vi = movedToSquare(v128.load(v + i), gi, towards, least, leastSquared);
    v128.store(toV + i, vi);
    let variance = vi;
    if (mean) {
      const meanI = moved(v128.load(mean + i), gi, towards, least);
      v128.store(toMean + i, meanI);
      const root = flushSmall(meanI, leastSquared);
      variance = f32x4.pmax(zero, f32x4.sub(vi, f32x4.mul(root, root)));
    }
    let change = f32x4.div(f32x4.mul(gi, step), f32x4.sqrt(f32x4.add(variance, eps)));
    if (p) {
      change = flushSmall(f32x4.add(f32x4.mul(v128.load(p + i), kept), change), least);
      v128.store(toP + i, change);
    }
    v128.store(toW + i, f32x4.sub(v128.load(w + i), change));
  }
}

/** Adagrad (Duchi, Hazan and Singer 2011): v += g^2, and w -= rate g / sqrt(v + epsilon). */
export function adagrad(
  w: usize, v: usize, g: usize, n: i32, rate: f64, epsilon: f64,
  toW: usize, toV: usize,
): void {
  assert(n % 4 == 0);
  const step = f32x4.splat(<f32>rate);
  const eps = f32x4.splat(<f32>epsilon);
  const least = f32x4.splat(LEAST);
  const leastSquared = f32x4.splat(LEAST_SQUARED);
  for (let i: usize = 0; i < <usize>n << 2; i += 16) {
    const gi = flushSmall(v128.load(g + i), least);
    const root = flushSmall(gi, leastSquared);
    const vi = f32x4.add(v128.load(v + i), f32x4.mul(root, root));
    v128.store(toV + i, vi);
    const change = f32x4.div(f32x4.mul(gi, step), f32x4.sqrt(f32x4.add(vi, eps)));
    v128.store(toW + i, f32x4.sub(v128.load(w + i), change));
  }
}

/**
 * Adadelta (Zeiler 2012): v moves towards g^2, the step is d = g sqrt(u + epsilon) / sqrt(v + epsilon), u moves towards
 * d^2, and w -= rate d.
 */
export function adadelta(
  w: usize, v: usize, u: usize, g: usize, n: i32, rate: f64, rho: f64, epsilon: f64,
  toW: usize, toV: usize, toU: usize,
): void {
  assert(n % 4 == 0);
  const step = f32x4.splat(<f32>rate);
  const towards = f32x4.splat(<f32>(1 - rho));
  const eps = f32x4.splat(<f32>epsilon);
  const least = f32x4.splat(LEAST);
  const leastSquared = f32x4.splat(LEAST_SQUARED);
  for (let i: usize = 0; i < <usize>n << 2; i += 16) {
    const gi = flushSmall(v128.load(g + i), least);
    const v0 = v128.load(v + i);
    const u0 = v128.load(u + i);
    const vi = movedToSquare(v0, gi, towards, least, leastSquared);
    const down = f32x4.div(f32x4.mul(f32x4.sqrt(f32x4.add(u0, eps)), gi), f32x4.sqrt(f32x4.add(vi, eps)));
    v128.store(toV + i, vi);
    v128.store(toU + i, movedToSquare(u0, down, towards, least, leastSquared));
    v128.store(toW + i, f32x4.sub(v128.load(w + i), f32x4.mul(down, step)));
  }
}

// ---------------------------------------------------------------------------------------- before or after each step

/** w -= share w; results below 1e-30 become zero. */
export function decay(w: usize, n: i32, share: f64): void {
  assert(n % 4 == 0);
  const lost = f32x4.splat(<f32>share);
  const least = f32x4.splat(LEAST);
  for (let i: usize = 0; i < <usize>n << 2; i += 16) {
    const wi = v128.load(w + i);
    v128.store(w + i, flushSmall(f32x4.sub(wi, f32x4.mul(wi, lost)), least));
  }
}

/** a = keep a + (1 - keep) w: a moving average of the weights. */
export function average(a: usize, w: usize, n: i32, keep: f64): void {
  assert(n % 4 == 0);
  const towards = f32x4.splat(<f32>(1 - keep));
  const least = f32x4.splat(LEAST);
  for (let i: usize = 0; i < <usize>n << 2; i += 16) {
    v128.store(a + i, moved(v128.load(a + i), v128.load(w + i), towards, least));
  }
}
