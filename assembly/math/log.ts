/**
 * Logarithms of four float32 numbers, independent of the JavaScript engine.
 *
 * Method: x = 2^k m with m in [1/sqrt(2), sqrt(2)), so log x = k ln 2 + log(1 + f) with f = m - 1, which is exact; and
 * log(1 + f) = f - s (f - z p(z)) with s = f / (2 + f), z = s^2 and a polynomial p. scripts/fit-log.js fits p and
 * prints the table below.
 *
 * Largest errors over every seventh argument against float64, in units in the last place of the result:
 *
 *   function  strict  relaxed  arguments
 *   log       0.91    0.91     all x; -infinity at 0, NaN below, infinity at infinity
 *   log1p     1.40    1.38     -1/2 <= x <= 1 only; x itself at 0
 *
 * NaN gives NaN, and both are monotone over the tested arguments.
 */

import { flushSmall, madd } from './elementary';

/** Coefficients, each repeated over four lanes, so that using one is a single load with a literal offset. */
const TABLE: usize = memory.data<f32>([
  -0.268515, -0.268515, -0.268515, -0.268515, // 0: -p, z^3
  -0.2823662, -0.2823662, -0.2823662, -0.2823662, // 16: -p, z^2
  -0.4000756, -0.4000756, -0.4000756, -0.4000756, // 32: -p, z^1
  -0.6666664, -0.6666664, -0.6666664, -0.6666664, // 48: -p, z^0
  0.69314575, 0.69314575, 0.69314575, 0.69314575, // 64: ln 2, upper 16 bits
  -0.0000014286068, -0.0000014286068, -0.0000014286068, -0.0000014286068, // 80: the rest of ln 2, negative
  1, 1, 1, 1, // 96: 1
  2, 2, 2, 2, // 112: 2
  0.70710677, 0.70710677, 0.70710677, 0.70710677, // 128: root of 1/2
  1.1754944e-38, 1.1754944e-38, 1.1754944e-38, 1.1754944e-38, // 144: least normal number
  16777216, 16777216, 16777216, 16777216, // 160: lifts subnormal numbers
  24, 24, 24, 24, // 176: and by how much
  8.6736174e-19, 8.6736174e-19, 8.6736174e-19, 8.6736174e-19, // 192: below it, s^2 is as good as 0
], 16);

@inline
export function log(x: v128): v128 {
  const tiny = f32x4.lt(x, v128.load(TABLE, 144));
  const lifted = v128.bitselect(f32x4.mul(x, v128.load(TABLE, 160)), x, tiny);
  // The exponent of lifted / root(1/2), rounded down.
  const k = i32x4.shr_s(i32x4.sub(lifted, v128.load(TABLE, 128)), 23);
  const f = f32x4.sub(i32x4.sub(lifted, i32x4.shl(k, 23)), v128.load(TABLE, 96));
  const n = f32x4.sub(f32x4.convert_i32x4_s(k), v128.and(tiny, v128.load(TABLE, 176)));
  const rest = madd(n, v128.load(TABLE, 80), secondOrder(f));
  const y = madd(n, v128.load(TABLE, 64), f32x4.sub(f, rest));
  // Otherwise x is 0, infinity, negative or NaN; for the last three, sqrt has the right result
  const ordinary = v128.and(f32x4.gt(x, f32x4.splat(0)), f32x4.lt(x, f32x4.splat(Infinity)));
  const other = v128.bitselect(f32x4.splat(-Infinity), f32x4.sqrt(x), f32x4.eq(x, f32x4.splat(0)));
  return v128.bitselect(y, other, ordinary);
}

/** log(1 + x) for -1/2 <= x <= 1, accurate for small x too. */
@inline
export function log1p(x: v128): v128 {
  return f32x4.sub(x, secondOrder(x));
}

/** x - log(1 + x) for -1/2 <= x <= 1. */
@inline
function secondOrder(x: v128): v128 {
  const s = f32x4.div(x, f32x4.add(x, v128.load(TABLE, 112)));
  // Squares of tiny numbers are subnormal, which costs a hundred cycles
  const root = flushSmall(s, v128.load(TABLE, 192));
  const z = f32x4.mul(root, root);
  let p = madd(z, v128.load(TABLE), v128.load(TABLE, 16));
  p = madd(p, z, v128.load(TABLE, 32));
  p = madd(p, z, v128.load(TABLE, 48));
  return f32x4.mul(s, madd(p, z, x));
}
