/**
 * Functions of one float64 number, for sums that need more than the accuracy of float32. Their relative errors are a few
 * units of 2^-53. NaN gives NaN.
 */

/** exp(x), from a Taylor series on [-ln 2 / 2, ln 2 / 2]; 0 below -708. */
export function exp64(x: f64): f64 {
  if (!(x > -708)) return x < 0 ? 0 : x;
  if (x > 709) return Infinity;
  const k = nearest<f64>(x * 1.4426950408889634);
  const r = x - k * 0.6931471803691238 - k * 1.9082149292705877e-10;
  // In pairs, because a chain of 13 multiplications and additions would take three times as long
  const z = r * r;
  const w = z * z;
  const a = 1 + r + z * (0.5 + r * (1.0 / 6));
  const b = 1.0 / 24 + r * (1.0 / 120) + z * (1.0 / 720 + r * (1.0 / 5040));
  const c = 1.0 / 40320 + r * (1.0 / 362880) + z * (1.0 / 3628800 + r * (1.0 / 39916800));
  const d = 1.0 / 479001600 + r * (1.0 / 6227020800);
  const sum = a + w * b + w * w * (c + w * d);
  return sum * reinterpret<f64>((<i64>k + 1023) << 52);
}

/** log(x) of a positive normal number; as `ln`, but in pairs, and for infinity and NaN too. */
export function log64(x: f64): f64 {
  if (!(x < Infinity)) return x;
  const bits = reinterpret<u64>(x);
  let e = <f64>(<i32>(bits >> 52) - 1023);
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    e += 1;
  }
  const s = (m - 1) / (m + 1);
  const z = s * s;
  const w = z * z;
  const a = 1 + z * (1.0 / 3) + w * (1.0 / 5 + z * (1.0 / 7));
  const b = 1.0 / 9 + z * (1.0 / 11) + w * (1.0 / 13 + z * (1.0 / 15));
  const c = 1.0 / 17 + z * (1.0 / 19);
  return e * 0.6931471805599453 + 2 * s * (a + w * w * (b + w * w * c));
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
