/**
 * exp, ln and pow in float64 that are the same to the bit in every engine; those of the host are not. For the few numbers
 * that steer training, not for weights: relative errors stay below 1e-15 for exp and ln, and below 1e-15 (1 + |y ln x|)
 * for pow(x, y).
 */

// ln 2 = HIGH + LOW with HIGH short enough that n * HIGH is exact for n below 2^20.
const HIGH = 0.6931471803691238;
const LOW = 1.9082149292705877e-10;

/** 1/13! to 1/1!, whose Taylor remainder is below 1e-17 for |r| <= ln 2 / 2. */
const TAYLOR = [
  1 / 6227020800,
  1 / 479001600,
  1 / 39916800,
  1 / 3628800,
  1 / 362880,
  1 / 40320,
  1 / 5040,
  1 / 720,
  1 / 120,
  1 / 24,
  1 / 6,
  1 / 2,
  1,
];

/** x = n ln 2 + r, and exp(x) = 2^n exp(r). */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x > 710) return Number.POSITIVE_INFINITY;
  if (x < -746) return 0;
  const n = Math.round(x / Math.LN2);
  const r = x - n * HIGH - n * LOW;
  let sum = 0;
  for (const c of TAYLOR) sum = (sum + c) * r;
  let value = 1 + sum;
  for (let i = 0; i < n; i++) value *= 2;
  for (let i = 0; i > n; i--) value *= 0.5;
  return value;
}

/**
 * Natural logarithm: x = 2^e m with m in [sqrt(1/2), sqrt(2)), then ln m = 2 artanh((m - 1) / (m + 1)) by its series,
 * as in the kernels.
 */
export function ln(x: number): number {
  if (Number.isNaN(x) || x < 0) return Number.NaN;
  if (x === 0) return Number.NEGATIVE_INFINITY;
  if (x === Number.POSITIVE_INFINITY) return x;
  let e = 0;
  let m = x;
  for (; m >= Math.SQRT2; e++) m *= 0.5;
  for (; m < Math.SQRT1_2; e--) m *= 2;
  const s = (m - 1) / (m + 1);
  const z = s * s;
  let sum = 0;
  for (let k = 23; k > 0; k -= 2) sum = sum * z + 1 / k;
  return e * HIGH + (2 * s * sum + e * LOW);
}

/** x^y for x of at least 0. */
export function pow(x: number, y: number): number {
  if (y === 0 || x === 1) return 1;
  if (y === 1) return x;
  return exp(y * ln(x));
}
