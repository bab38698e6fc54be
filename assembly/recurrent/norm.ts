/** Layer normalization inside a cell: one row of one time step. */

import { squaresOf, sumOf } from '../layers/layerNormalization';
import { madd } from '../math/elementary';
import { highHalf, lowHalf, sumOf as sumOfPair } from '../math/f64Pairs';
import { lanesAt } from '../math/laneMasks';
import { padded } from '../products/matmul';
import { UNITS } from './shared';

/** Bytes of the means and deviations of a row and time step: two floats for each of at most three normalizations. */
export const MOMENTS: usize = 32;

/**
 * y = init + gamma (x - mean) / sqrt(variance + epsilon) + beta, for `blocks` blocks of padded `units` numbers.
 *
 * @param init 0 for zeros
 * @param moments stores the mean and 1 / sqrt(variance + epsilon)
 */
export function normalize(
  y: usize, init: usize, x: usize, moments: usize, gamma: usize, beta: usize, units: i32, blocks: i32, epsilon: i32,
): void {
  const block = <usize>padded(units) * 4;
  const bytes = block * blocks;
  const count = <f64>(units * blocks);
  let sum: f64 = 0;
  for (let at: usize = 0; at < bytes; at += block) sum += total(sumOf(x + at, units));
  const mean = <f32>(sum / count);
  let squares: f64 = 0;
  for (let at: usize = 0; at < bytes; at += block) squares += total(squaresOf(x + at, f32x4.splat(mean), units));
  const inverse = <f32>(1 / sqrt(squares / count + <f64>reinterpret<f32>(epsilon)));
  store<f32>(moments, mean);
  store<f32>(moments, inverse, 4);
  const shift = f32x4.splat(mean);
  const factor = f32x4.splat(inverse);
  for (let k: usize = 0; k < bytes; k += UNITS) {
    const normalized = f32x4.mul(f32x4.sub(v128.load(x + k), shift), factor);
    const scaled = madd(normalized, v128.load(gamma + k), v128.load(beta + k));
    v128.store(y + k, init ? f32x4.add(v128.load(init + k), scaled) : scaled);
  }
}

/** dx = the gradient of x of `normalize`, from that of its result; dx may be dy. The padding of gamma is zero. */
export function normBackward(
  dx: usize, dy: usize, x: usize, moments: usize, gamma: usize, units: i32, blocks: i32,
): void {
  const H = padded(units);
  const bytes = <usize>(H * blocks) * 4;
  const mean = v128.load32_splat(moments);
  const inverse = load<f32>(moments, 4);
  let sums = f32x4.splat(0);
  let products = sums;
  for (let k: usize = 0; k < bytes; k += UNITS) {
    const d = f32x4.mul(v128.load(dy + k), v128.load(gamma + k));
    sums = f32x4.add(sums, d);
    products = madd(d, f32x4.sub(v128.load(x + k), mean), products);
  }
  const count = <f64>(units * blocks);
  const shift = f32x4.splat(<f32>(total(sums) / count));
  const minusSlope = f32x4.splat(<f32>((-total(products) * <f64>inverse * <f64>inverse) / count));
  const factor = f32x4.splat(inverse);
  for (let u = 0; u < H * blocks; u += 4) {
    const k = <usize>u * 4;
    const d = f32x4.sub(f32x4.mul(v128.load(dy + k), v128.load(gamma + k)), shift);
    const gradient = f32x4.mul(madd(f32x4.sub(v128.load(x + k), mean), minusSlope, d), factor);
    v128.store(dx + k, v128.and(gradient, lanesAt(u % H, units)));
  }
}

/** Adds the gradients of gamma and beta of four columns, from dy and x of some rows. */
export function normGradient(
  dGamma: usize, dBeta: usize, dy: usize, dyRow: usize, x: usize, xRow: usize, moments: usize, rows: i32,
): void {
  let gamma = v128.load(dGamma);
  let beta = v128.load(dBeta);
  for (; rows > 0; rows--) {
    const d = v128.load(dy);
    const centered = f32x4.sub(v128.load(x), v128.load32_splat(moments));
    beta = f32x4.add(beta, d);
    gamma = madd(f32x4.mul(d, v128.load32_splat(moments, 4)), centered, gamma);
    dy += dyRow;
    x += xRow;
    moments += MOMENTS;
  }
  v128.store(dGamma, gamma);
  v128.store(dBeta, beta);
}

/** The sum of the four numbers of a vector, in float64. */
@inline
function total(v: v128): f64 {
  return sumOfPair(f64x2.add(lowHalf(v), highHalf(v)));
}
