/**
 * Elementary functions in float64. Unlike those of `Math`, they return the same bits in every engine, because they use
 * only operations that IEEE 754 rounds correctly: + - * /.
 */

// ------------------------------------------------------------------------------------------------------ sine, cosine

const TWO_OVER_PI = 0.6366197723675814;
// pi/2 = A + B + C with A and B short enough that n * A and n * B are exact for n below 2^20.
const A = 1.5707963267341256;
const B = 6.077100506303966e-11;
const C = 2.0222662487959506e-21;

/** The number of quarter turns below which those products are exact; larger arguments are reduced with BigInt. */
const EXACT_QUARTERS = 2 ** 20;
/** pi/2 times 2^192: precise enough to reduce every float32 number correctly. */
const HALF_PI = 0x1921fb54442d18469898cc51701b839a252049c1114cf98e8n;

/** 1/3!, 1/5!, ... and 1/2!, 1/4!, ... with alternating signs, the highest power first. */
const SINE = [-1 / 1307674368000, 1 / 6227020800, -1 / 39916800, 1 / 362880, -1 / 5040, 1 / 120, -1 / 6];
const COSINE = [1 / 20922789888000, -1 / 87178291200, 1 / 479001600, -1 / 3628800, 1 / 40320, -1 / 720, 1 / 24, -1 / 2];

/**
 * Sine and cosine: reduction by pi/2 in three parts (Cody and Waite), then Taylor polynomials on [-pi/4, pi/4], whose
 * remainders are below 1e-17. Errors stay below 1e-15 for every float32 number.
 */
export const sin = (x: number): number => sinShifted(x, 0);
export const cos = (x: number): number => sinShifted(x, 1);

/** Computes sin(x + quarters * pi/2). */
function sinShifted(x: number, quarters: number): number {
  if (x === 0 && quarters === 0) return x; // keeps the sign of zero
  const near = Math.round(x * TWO_OVER_PI);
  const [n, r] = Math.abs(near) < EXACT_QUARTERS ? [near, x - near * A - near * B - near * C] : reduceLarge(x);
  const quadrant = (((n + quarters) % 4) + 4) % 4;
  const value = quadrant % 2 === 0 ? r + r * series(SINE, r * r) : 1 + series(COSINE, r * r);
  return quadrant < 2 ? value : -value;
}

/** Splits x = n pi/2 + r with BigInt, for |x| of at least 2^20; returns n modulo 4 and r. */
function reduceLarge(x: number): [n: number, r: number] {
  if (!Number.isFinite(x)) return [0, Number.NaN];
  const scaled = BigInt(x * 2 ** 32) << 160n; // exact: the last bit of x is 2^-32 or more
  const n = (2n * scaled + HALF_PI) / (2n * HALF_PI);
  return [Number(n % 4n), Number(scaled - n * HALF_PI) / 2 ** 192];
}

/** The polynomial c_n s + c_{n-1} s^2 + ...; the last coefficient belongs to the lowest power. */
function series(coefficients: readonly number[], s: number): number {
  let sum = 0;
  for (let i = 0; i < coefficients.length; i++) sum = (sum + coefficients[i]!) * s; // for-of is slower here
  return sum;
}

// --------------------------------------------------------------------------------------------- exponential, logarithm

const { LOG2E, SQRT2 } = Math;
// ln 2 in two parts, the first short enough that its product with an exponent is exact.
const LN2_HIGH = 6.9314718036912382e-1;
const LN2_LOW = 1.9082149292705877e-10;

/** 1/13!, 1/12!, ... 1/2!. */
const EXPONENTIAL = [
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
];
/** 1/19, 1/17, ... 1/3. */
const ARTANH = [1 / 19, 1 / 17, 1 / 15, 1 / 13, 1 / 11, 1 / 9, 1 / 7, 1 / 5, 1 / 3];

/** Gives access to the two halves of a float64. */
const bits = new DataView(new ArrayBuffer(8));

/** e^x: x = k ln 2 + r with |r| at most ln(2)/2, then a Taylor polynomial in r. The relative error is below 1e-15. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x > 709.79) return Number.POSITIVE_INFINITY;
  if (x < -745.2) return 0;
  const k = Math.round(x * LOG2E);
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  const half = k >> 1; // in two steps, because 2^k alone may overflow or underflow
  return (1 + (r + r * series(EXPONENTIAL, r))) * powerOfTwo(half) * powerOfTwo(k - half);
}

/** e^x - 1, without loss of precision for small x. */
export function expm1(x: number): number {
  if (x > 0.3 || x < -0.3 || Number.isNaN(x)) return exp(x) - 1;
  return x + x * series(EXPONENTIAL, x);
}

/** 2^k, exact for k from -1022 to 1023. */
function powerOfTwo(k: number): number {
  bits.setUint32(0, (k + 1023) << 20);
  bits.setUint32(4, 0);
  return bits.getFloat64(0);
}

/**
 * Natural logarithm, as in the kernels: x = 2^e m with m in [sqrt(1/2), sqrt(2)), then
 * ln m = 2 artanh((m - 1) / (m + 1)). The error is below 1e-15, relative or absolute, whichever is larger.
 */
export function ln(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return x;
  let e = -1023;
  if (x < 2.2250738585072014e-308) {
    x *= 18014398509481984; // 2^54, which makes it a normal number
    e -= 54;
  }
  bits.setFloat64(0, x);
  const high = bits.getUint32(0);
  e += high >>> 20;
  bits.setUint32(0, (high & 0xfffff) | 0x3ff00000);
  let m = bits.getFloat64(0);
  if (m > SQRT2) {
    m /= 2;
    e++;
  }
  const s = (m - 1) / (m + 1);
  return e * LN2_HIGH + (2 * s * (1 + series(ARTANH, s * s)) + e * LN2_LOW);
}

/** x^y, with the special cases of Math.pow; NaN for a negative x and a fractional y. */
export function power(x: number, y: number): number {
  if (y === 0) return 1;
  if (Number.isNaN(y) || Number.isNaN(x)) return Number.NaN;
  if (Math.abs(x) === 1 && !Number.isFinite(y)) return Number.NaN; // like Math.pow
  if (Number.isInteger(y) && Math.abs(y) <= 64) return wholePower(x, y);
  if (x < 0 && Number.isFinite(x) && !Number.isInteger(y) && Number.isFinite(y)) return Number.NaN;
  const a = Math.abs(x);
  const isOdd = Math.abs(y % 2) === 1;
  if (a === 1) return x < 0 && isOdd ? -1 : 1;
  const value = exp(y * ln(a));
  return x < 0 && isOdd ? -value : value;
}

/** Computes x^y for an integer y by repeated squaring, which is exact for small integers. */
function wholePower(x: number, y: number): number {
  let product = 1;
  for (let n = Math.abs(y), square = x; n > 0; n >>= 1, square *= square) if (n & 1) product *= square;
  return y < 0 ? 1 / product : product;
}

export const sigmoid = (x: number): number => (x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)));

export function tanh(x: number): number {
  const t = expm1(-2 * Math.abs(x));
  const value = -t / (2 + t);
  return x < 0 ? -value : x === 0 ? x : value;
}
