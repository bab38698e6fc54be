/**
 * exp, sigmoid and tanh of four float32 numbers, independent of the JavaScript engine.
 *
 * Method: x = n ln 2 + r with an integer n and |r| <= ln 2 / 2. Shifting n into the exponent bits gives 2^n, and
 * w = 1 - exp(-r) is r - r^2 t(r) with a polynomial t. scripts/fit-activations.js fits t and prints the table below.
 *
 *   sigmoid(x) = 2^n / (2^n + 1 - w)
 *   tanh(|x|) = (2^n - 1 + w) / (2^n + 1 - w), with n and w of 2|x|; the sign is restored at the end
 *
 * For equal n both are monotone by construction: r^2 t is so much smaller than r that its rounding cannot make w decrease
 * as r increases, and numerators increase with w while denominators decrease.
 *
 * Largest errors over all 2^32 arguments against float64, in units in the last place of the result:
 *
 *   function  strict  relaxed  exact results
 *   exp       2.87    2.88     0 below -86.99, infinity above 88.73
 *   sigmoid   3.26    3.26     0 below -87.69, 1 above 16.29
 *   tanh      1.96    1.94     x below 2^-25, 1 above 8.50; odd, and -0 gives -0
 *
 * The same test showed: NaN gives NaN, all three are monotone over all numbers, sigmoid and |tanh| never exceed 1, and
 * results below 2^-126, or 0 for exp, have an absolute error below 2^-125.
 *
 * Subnormal numbers, which cost a hundred cycles on many CPUs, occur only if x or the sigmoid is subnormal, and for
 * 2^-75 < |x| < 2^-63, where r^2 is.
 */

/** Coefficients, each repeated over four lanes, so that using one is a single load with a literal offset. */
const TABLE: usize = memory.data<f32>([
  1.442695, 1.442695, 1.442695, 1.442695, // 0: 1 / ln 2
  0.69314575, 0.69314575, 0.69314575, 0.69314575, // 16: ln 2, upper 16 bits
  0.0000014286068, 0.0000014286068, 0.0000014286068, 0.0000014286068, // 32: ln 2, the rest
  0.008312797, 0.008312797, 0.008312797, 0.008312797, // 48: 1 - exp(-r): -t, r^3
  -0.04189017, -0.04189017, -0.04189017, -0.04189017, // 64: 1 - exp(-r): -t, r^2
  0.16667111, 0.16667111, 0.16667111, 0.16667111, // 80: 1 - exp(-r): -t, r^1
  -0.4999923, -0.4999923, -0.4999923, -0.4999923, // 96: 1 - exp(-r): -t, r^0
  1, 1, 1, 1, // 112: 1
  12583039, 12583039, 12583039, 12583039, // 128: rounds to n and leaves the exponent of 2^n in the last bits
  -88, -88, -88, -88, // 144: sigmoid, least: n = -127, 2^n = 0
  88, 88, 88, 88, // 160: sigmoid, greatest: n = 127
  2.88539, 2.88539, 2.88539, 2.88539, // 176: 2 / ln 2
  0.3465736, 0.3465736, 0.3465736, 0.3465736, // 192: ln 2 / 2
  -0.04392552, -0.04392552, -0.04392552, -0.04392552, // 208: (1 - exp(-2r)) / 2: -t, r^4
  0.13389911, 0.13389911, 0.13389911, 0.13389911, // 224: (1 - exp(-2r)) / 2: -t, r^3
  -0.33336115, -0.33336115, -0.33336115, -0.33336115, // 240: (1 - exp(-2r)) / 2: -t, r^2
  0.66666085, 0.66666085, 0.66666085, 0.66666085, // 256: (1 - exp(-2r)) / 2: -t, r^1
  -0.9999997, -0.9999997, -0.9999997, -0.9999997, // 272: (1 - exp(-2r)) / 2: -t, r^0
  0.5, 0.5, 0.5, 0.5, // 288: 1 / 2
  12583038, 12583038, 12583038, 12583038, // 304: the same for 2^(n-1)
  10, 10, 10, 10, // 320: tanh, greatest: n = 29
  -0.0, -0.0, -0.0, -0.0, // 336: the sign bit
  -87.3, -87.3, -87.3, -87.3, // 352: exp, least: 2^(n-1) = 0
  89, 89, 89, 89, // 368: exp, greatest: n = 128
], 16);

/**
 * What `build` returns. In a module these numbers have the bytes of f32x4.relaxed_madd and of f32x4.add, which
 * scripts/fused.js replaces by each other.
 */
export const enum Build {
  strict = 29309,
  relaxed = 33533,
}

/**
 * a * b + c, rounded twice in the strict build and, if the CPU can, once in the relaxed build. It is the only difference
 * between the builds: scripts/fused.js makes the strict one from the relaxed one. To get c - a * b, negate a or b.
 */
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** Four ones, loaded, because engines compute constant vectors anew in every iteration of a loop. */
@inline
export function ones(): v128 {
  return v128.load(TABLE, 112);
}

/** 0 where |x| < threshold, else x. NaN is kept. */
@inline
export function flushSmall(x: v128, threshold: v128): v128 {
  return v128.andnot(x, f32x4.lt(v128.andnot(x, v128.load(TABLE, 336)), threshold));
}

/** Results below 2^-125.5 are 0, because the exponent bits cannot hold 2^(n-1). */
@inline
export function exp(x: v128): v128 {
  const magic = v128.load(TABLE, 304);
  x = clamp(x, v128.load(TABLE, 352), v128.load(TABLE, 368));
  const biased = madd(x, v128.load(TABLE, 0), magic);
  const n = f32x4.sub(biased, magic);
  // exp(x) = 2^n exp(-r), with the opposite sign of r than in sigmoidReduced
  const r = madd(n, v128.load(TABLE, 32), f32x4.sub(f32x4.mul(n, v128.load(TABLE, 16)), x));
  const half = f32x4.mul(f32x4.sub(v128.load(TABLE, 112), oneMinusExp(r)), i32x4.shl(biased, 23));
  return f32x4.add(half, half);
}

/** exp(x) for x <= 0, with fewer operations; 0 below -87.69. */
@inline
export function expOfNegative(x: v128): v128 {
  const magic = v128.load(TABLE, 128);
  x = f32x4.pmax(x, v128.load(TABLE, 144));
  const biased = madd(x, v128.load(TABLE, 0), magic);
  const n = f32x4.sub(biased, magic);
  const r = madd(n, v128.load(TABLE, 32), f32x4.sub(f32x4.mul(n, v128.load(TABLE, 16)), x));
  return f32x4.mul(f32x4.sub(v128.load(TABLE, 112), oneMinusExp(r)), i32x4.shl(biased, 23));
}

/** exp(x) - 1 for x <= 0, accurate near 0 too. */
@inline
export function expm1(x: v128): v128 {
  const magic = v128.load(TABLE, 128);
  x = f32x4.pmax(x, v128.load(TABLE, 144));
  const biased = madd(x, v128.load(TABLE, 0), magic);
  const n = f32x4.sub(biased, magic);
  const r = madd(n, v128.load(TABLE, 32), f32x4.sub(f32x4.mul(n, v128.load(TABLE, 16)), x));
  const scale = i32x4.shl(biased, 23);
  // The polynomial of tanh has a small relative error for small r
  const w = halfOneMinusExp2(f32x4.mul(r, v128.load(TABLE, 288)));
  return madd(f32x4.mul(scale, f32x4.splat(-2)), w, f32x4.sub(scale, v128.load(TABLE, 112)));
}

/** 1 / (1 + exp(-x)). */
@inline
export function sigmoid(x: v128): v128 {
  x = sigmoidClamp(x);
  const biased = sigmoidBiased(x);
  return sigmoidQuotient(biased, oneMinusExp(sigmoidReduced(x, biased)));
}

@inline
export function tanh(x: v128): v128 {
  const sign = signOf(x);
  x = tanhClamp(x, sign);
  const biased = tanhBiased(x);
  return tanhQuotient(biased, halfOneMinusExp2(tanhReduced(x, biased)), sign);
}

/**
 * z (i f g o, 4), in place: sigmoid of i, f and o, tanh of g.
 *
 * The four computations are interleaved, because each alone is a chain of dependent operations that would leave the CPU
 * waiting.
 */
@inline
export function activateGates(z: usize): void {
  let i = sigmoidClamp(v128.load(z));
  let f = sigmoidClamp(v128.load(z, 16));
  let g = v128.load(z, 32);
  let o = sigmoidClamp(v128.load(z, 48));
  const sign = signOf(g);
  g = tanhClamp(g, sign);
  const biasedI = sigmoidBiased(i);
  const biasedF = sigmoidBiased(f);
  const biasedG = tanhBiased(g);
  const biasedO = sigmoidBiased(o);
  i = sigmoidReduced(i, biasedI);
  f = sigmoidReduced(f, biasedF);
  g = tanhReduced(g, biasedG);
  o = sigmoidReduced(o, biasedO);
  i = oneMinusExp(i);
  f = oneMinusExp(f);
  g = halfOneMinusExp2(g);
  o = oneMinusExp(o);
  v128.store(z, sigmoidQuotient(biasedI, i));
  v128.store(z, sigmoidQuotient(biasedF, f), 16);
  v128.store(z, tanhQuotient(biasedG, g, sign), 32);
  v128.store(z, sigmoidQuotient(biasedO, o), 48);
}

// --------------------------------------------------------------------------------------------------------- columns
//
// The functions above for many vectors, to the same bits. Each has two loops, because the coefficients of one loop fit
// into the registers; those of both do not, and loading them for every vector takes a quarter of the time.

/** Vectors from which on a column is faster than one vector after the other. */
export const COLUMN = 4;

/**
 * x = sigmoid(x) for `count` vectors xStep apart.
 *
 * @param n room for as many vectors, nStep apart
 */
export function sigmoidColumn(x: usize, xStep: usize, n: usize, nStep: usize, count: i32): void {
  if (count < COLUMN) {
    for (; count > 0; count--, x += xStep) v128.store(x, sigmoid(v128.load(x)));
    return;
  }
  const least = v128.load(TABLE, 144);
  const greatest = v128.load(TABLE, 160);
  const perLn2 = v128.load(TABLE, 0);
  const magic = v128.load(TABLE, 128);
  const upper = v128.load(TABLE, 16);
  const lower = v128.load(TABLE, 32);
  for (let k = 0, at = x, to = n; k < count; k++, at += xStep, to += nStep) {
    const clipped = clamp(v128.load(at), least, greatest);
    const biased = madd(clipped, perLn2, magic);
    v128.store(at, reduced(clipped, f32x4.sub(magic, biased), upper, lower));
    v128.store(to, biased);
  }
  const t3 = v128.load(TABLE, 48);
  const t2 = v128.load(TABLE, 64);
  const t1 = v128.load(TABLE, 80);
  const t0 = v128.load(TABLE, 96);
  const one = v128.load(TABLE, 112);
  for (; count > 0; count--, x += xStep, n += nStep) {
    v128.store(x, logisticQuotient(v128.load(n), cubic(v128.load(x), t3, t2, t1, t0), one));
  }
}

/**
 * y = tanh(x) for `count` vectors xStep and yStep apart; y may be x.
 *
 * @param n room for as many vectors, nStep apart
 */
export function tanhColumn(
  y: usize, yStep: usize, x: usize, xStep: usize, n: usize, nStep: usize, count: i32,
): void {
  if (count < COLUMN) {
    for (; count > 0; count--, x += xStep, y += yStep) v128.store(y, tanh(v128.load(x)));
    return;
  }
  const minus = v128.load(TABLE, 336);
  const greatest = v128.load(TABLE, 320);
  const perLn2 = v128.load(TABLE, 176);
  const magic = v128.load(TABLE, 304);
  const halfLn2 = v128.load(TABLE, 192);
  for (let k = 0, at = y, to = n; k < count; k++, at += yStep, x += xStep, to += nStep) {
    startTanh(at, to, v128.load(x), minus, greatest, perLn2, magic, halfLn2);
  }
  const t4 = v128.load(TABLE, 208);
  const t3 = v128.load(TABLE, 224);
  const t2 = v128.load(TABLE, 240);
  const t1 = v128.load(TABLE, 256);
  const t0 = v128.load(TABLE, 272);
  const half = v128.load(TABLE, 288);
  for (; count > 0; count--, y += yStep, n += nStep) {
    v128.store(y, endTanh(v128.load(y), v128.load(n), t4, t3, t2, t1, t0, half, minus));
  }
}

/** Stores the reduced |x| at `to`, and at `n` its exponent and sign. */
@inline
function startTanh(
  to: usize, n: usize, x: v128, minus: v128, greatest: v128, perLn2: v128, magic: v128, halfLn2: v128,
): void {
  const sign = v128.and(x, minus);
  const size = f32x4.pmin(v128.xor(x, sign), greatest);
  const biased = madd(size, perLn2, magic);
  v128.store(to, madd(f32x4.sub(magic, biased), halfLn2, size));
  v128.store(n, v128.or(biased, sign)); // which is free there
}

@inline
function endTanh(
  r: v128, n: v128, t4: v128, t3: v128, t2: v128, t1: v128, t0: v128, half: v128, minus: v128,
): v128 {
  return tangentQuotient(n, quartic(r, t4, t3, t2, t1, t0), v128.and(n, minus), half);
}

/**
 * The cell and the output of an LSTM for `count` vectors, from activated gates: c = f cPrev + i g, tc = tanh(c), h = o tc.
 * In this file, because the loops of tanh take the loads and stores of the others.
 *
 * @param z (count) gates [i f g o], zStep apart
 * @param c, tc, cPrev 16 bytes apart; h hStep apart
 * @param lanes of units that are not padding
 * @param least numbers of c below it become 0
 */
export function cellColumn(
  z: usize, zStep: usize, c: usize, tc: usize, h: usize, hStep: usize, cPrev: usize, count: i32, lanes: v128, least: v128,
): void {
  const minus = v128.load(TABLE, 336);
  const greatest = v128.load(TABLE, 320);
  const perLn2 = v128.load(TABLE, 176);
  const magic = v128.load(TABLE, 304);
  const halfLn2 = v128.load(TABLE, 192);
  const end = c + (<usize>count << 4);
  const tcStart = tc;
  const hStart = h;
  for (let gates = z; c != end; c += 16, cPrev += 16, tc += 16, h += hStep, gates += zStep) {
    const remembered = f32x4.mul(v128.load(gates, 16), v128.load(cPrev));
    const added = f32x4.mul(v128.load(gates), v128.load(gates, 32));
    const ct = v128.and(flushSmall(f32x4.add(remembered, added), least), lanes);
    v128.store(c, ct);
    startTanh(tc, h, ct, minus, greatest, perLn2, magic, halfLn2);
  }
  tc = tcStart;
  h = hStart;
  const t4 = v128.load(TABLE, 208);
  const t3 = v128.load(TABLE, 224);
  const t2 = v128.load(TABLE, 240);
  const t1 = v128.load(TABLE, 256);
  const t0 = v128.load(TABLE, 272);
  const half = v128.load(TABLE, 288);
  for (; count > 0; count--, z += zStep, tc += 16, h += hStep) {
    const t = endTanh(v128.load(tc), v128.load(h), t4, t3, t2, t1, t0, half, minus);
    v128.store(tc, t);
    v128.store(h, v128.and(f32x4.mul(v128.load(z, 48), t), lanes));
  }
}

// ------------------------------------------------------------------------------------------------------------ steps

/** x clipped to [least, greatest]. With x as the first operand, both comparisons keep NaN. */
@inline
function clamp(x: v128, least: v128, greatest: v128): v128 {
  return f32x4.pmax(f32x4.pmin(x, greatest), least);
}

@inline
function sigmoidClamp(x: v128): v128 {
  return clamp(x, v128.load(TABLE, 144), v128.load(TABLE, 160));
}

/** n in the last bits of a number so large that its last bit counts ones; shifted left, they are the exponent of 2^n. */
@inline
function sigmoidBiased(x: v128): v128 {
  return madd(x, v128.load(TABLE, 0), v128.load(TABLE, 128));
}

@inline
function sigmoidReduced(x: v128, biased: v128): v128 {
  return reduced(x, f32x4.sub(v128.load(TABLE, 128), biased), v128.load(TABLE, 16), v128.load(TABLE, 32));
}

/** r = x - n ln 2, with -n. The first product is exact, so the error stays small even at n = 127. */
@inline
function reduced(x: v128, minusN: v128, upper: v128, lower: v128): v128 {
  return madd(minusN, lower, madd(minusN, upper, x));
}

/** 1 - exp(-r). */
@inline
function oneMinusExp(r: v128): v128 {
  return cubic(r, v128.load(TABLE, 48), v128.load(TABLE, 64), v128.load(TABLE, 80), v128.load(TABLE, 96));
}

/** r - r^2 t(r), with the coefficients of -t. */
@inline
function cubic(r: v128, t3: v128, t2: v128, t1: v128, t0: v128): v128 {
  let t = madd(r, t3, t2);
  t = madd(t, r, t1);
  t = madd(t, r, t0);
  return madd(t, f32x4.mul(r, r), r);
}

@inline
function sigmoidQuotient(biased: v128, w: v128): v128 {
  return logisticQuotient(biased, w, v128.load(TABLE, 112));
}

/** 2^n / (2^n + 1 - w). */
@inline
function logisticQuotient(biased: v128, w: v128, one: v128): v128 {
  const scale = i32x4.shl(biased, 23);
  return f32x4.div(scale, f32x4.sub(f32x4.add(scale, one), w));
}

@inline
function signOf(x: v128): v128 {
  return v128.and(x, v128.load(TABLE, 336));
}

@inline
function tanhClamp(x: v128, sign: v128): v128 {
  return f32x4.pmin(v128.xor(x, sign), v128.load(TABLE, 320));
}

/** As sigmoidBiased, but for 2x and 2^(n-1). */
@inline
function tanhBiased(x: v128): v128 {
  return madd(x, v128.load(TABLE, 176), v128.load(TABLE, 304));
}

/** r = x - n ln 2 / 2. One product is enough: n <= 29, and for large n the result hardly depends on r. */
@inline
function tanhReduced(x: v128, biased: v128): v128 {
  return madd(f32x4.sub(v128.load(TABLE, 304), biased), v128.load(TABLE, 192), x);
}

/** (1 - exp(-2r)) / 2. */
@inline
function halfOneMinusExp2(r: v128): v128 {
  const t4 = v128.load(TABLE, 208);
  const t3 = v128.load(TABLE, 224);
  return quartic(r, t4, t3, v128.load(TABLE, 240), v128.load(TABLE, 256), v128.load(TABLE, 272));
}

/** r - r^2 t(r), with the coefficients of -t. */
@inline
function quartic(r: v128, t4: v128, t3: v128, t2: v128, t1: v128, t0: v128): v128 {
  let t = madd(r, t4, t3);
  t = madd(t, r, t2);
  t = madd(t, r, t1);
  t = madd(t, r, t0);
  return madd(t, f32x4.mul(r, r), r);
}

@inline
function tanhQuotient(biased: v128, w: v128, sign: v128): v128 {
  return tangentQuotient(biased, w, sign, v128.load(TABLE, 288));
}

/** (2^(n-1) - 1/2 + w) / (2^(n-1) + 1/2 - w), with the sign of the argument. */
@inline
function tangentQuotient(biased: v128, w: v128, sign: v128, half: v128): v128 {
  const scale = i32x4.shl(biased, 23);
  return v128.or(f32x4.div(f32x4.add(f32x4.sub(scale, half), w), f32x4.sub(f32x4.add(scale, half), w)), sign);
}
