/**
 * Functions of four float32 numbers for softplus and gelu.
 *
 * ln(1 + u) for 0 <= u <= 1 is 2 artanh(s) with s = u / (2 + u) <= 1/3, computed by a polynomial in s^2. The normal
 * distribution function of -a is exp(-a^2 / 2) times a smooth function, computed for all a by a polynomial in
 * 1 / (1 + C a), which keeps the relative error small for large a. scripts/fit-activations.js fits both.
 */

import { exp, madd } from './elementary';

const P0: f32 = 0.6666641;
const P1: f32 = 0.4002175;
const P2: f32 = 0.27998212;
const P3: f32 = 0.2802943;
const C: f32 = 0.2316419;
const Q0: f32 = 0.09253074;
const Q1: f32 = 0.090301484;
const Q2: f32 = 0.10333378;
const Q3: f32 = 0.011444071;
const Q4: f32 = 0.22901782;
const Q5: f32 = -0.20556113;
const Q6: f32 = 0.24986267;
const Q7: f32 = -0.070929386;

/** ln(1 + u), 0 <= u <= 1. */
@inline
export function log1p(u: v128): v128 {
  const s = f32x4.div(u, f32x4.add(f32x4.splat(2), u));
  const z = f32x4.mul(s, s);
  let p = madd(f32x4.splat(P3), z, f32x4.splat(P2));
  p = madd(p, z, f32x4.splat(P1));
  p = madd(p, z, f32x4.splat(P0));
  return madd(f32x4.mul(s, z), p, f32x4.add(s, s));
}

/**
 * exp(-a^2 / 2) for a >= 0. The square is computed in two parts, because the relative error of the result is the absolute
 * rounding error of the square.
 */
@inline
export function gauss(a: v128): v128 {
  a = f32x4.pmin(a, f32x4.splat(14));
  const high = v128.and(a, i32x4.splat(<i32>0xfffff000));
  const half = f32x4.splat(-0.5);
  const rest = f32x4.mul(f32x4.sub(a, high), f32x4.add(a, high));
  return f32x4.mul(exp(f32x4.mul(half, f32x4.mul(high, high))), exp(f32x4.mul(half, rest)));
}

/** The normal distribution function of -a, a >= 0, given gauss(a). */
@inline
export function normalTail(a: v128, density: v128): v128 {
  const t = f32x4.div(f32x4.splat(1), madd(f32x4.splat(C), a, f32x4.splat(1)));
  let q = madd(f32x4.splat(Q7), t, f32x4.splat(Q6));
  q = madd(q, t, f32x4.splat(Q5));
  q = madd(q, t, f32x4.splat(Q4));
  q = madd(q, t, f32x4.splat(Q3));
  q = madd(q, t, f32x4.splat(Q2));
  q = madd(q, t, f32x4.splat(Q1));
  q = madd(q, t, f32x4.splat(Q0));
  return f32x4.mul(density, f32x4.mul(t, q));
}
