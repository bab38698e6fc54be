/**
 * Functions of one float64 number, for sums that need more than the accuracy of float32. Their relative errors are a few
 * units of 2^-53. NaN gives NaN.
 */

import { ln } from './random';

/** exp(x), from a Taylor series on [-ln 2 / 2, ln 2 / 2]; 0 below -708. */
export function exp64(x: f64): f64 {
  if (!(x > -708)) return x < 0 ? 0 : x;
  if (x > 709) return Infinity;
  const k = nearest<f64>(x * 1.4426950408889634);
  const r = x - k * 0.6931471803691238 - k * 1.9082149292705877e-10;
  let sum: f64 = 1.0 / 6227020800;
  sum = sum * r + 1.0 / 479001600;
  sum = sum * r + 1.0 / 39916800;
  sum = sum * r + 1.0 / 3628800;
  sum = sum * r + 1.0 / 362880;
  sum = sum * r + 1.0 / 40320;
  sum = sum * r + 1.0 / 5040;
  sum = sum * r + 1.0 / 720;
  sum = sum * r + 1.0 / 120;
  sum = sum * r + 1.0 / 24;
  sum = sum * r + 1.0 / 6;
  sum = sum * r + 0.5;
  sum = sum * r + 1;
  sum = sum * r + 1;
  return sum * reinterpret<f64>((<i64>k + 1023) << 52);
}

/** log(x) of a positive number. */
@inline
export function log64(x: f64): f64 {
  return x < Infinity ? ln(x) : x;
}

/** log(1 + x) for x > -1, accurate for small x too. */
export function log1p64(x: f64): f64 {
  const sum = 1 + x;
  return sum == 1 ? x : (log64(sum) * x) / (sum - 1);
}

/** log(1 + exp(x)). */
export function softplus64(x: f64): f64 {
  return (x > 0 ? x : 0) + log1p64(exp64(-Math.abs(x)));
}

/** 1 / (1 + exp(-x)), the derivative of softplus. */
export function sigmoid64(x: f64): f64 {
  const e = exp64(-Math.abs(x));
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}
