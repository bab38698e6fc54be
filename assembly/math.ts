// exp, sigmoid and tanh of four float32 numbers at once.

/** Coefficients, each repeated over four lanes so that one `v128.load` with a literal offset fetches it. */
const TABLE: usize = memory.data<f32>([
  1.44269502, 1.44269502, 1.44269502, 1.44269502, // 0: 1 / ln 2
  0.693145752, 0.693145752, 0.693145752, 0.693145752, // 16: ln 2, high part
  1.42860677e-6, 1.42860677e-6, 1.42860677e-6, 1.42860677e-6, // 32: ln 2, low part
  -0.00829031467, -0.00829031467, -0.00829031467, -0.00829031467, // 48: exp(-r), degree 5
  0.0418979293, 0.0418979293, 0.0418979293, 0.0418979293, // 64
  -0.166676362, -0.166676362, -0.166676362, -0.166676362, // 80
  0.499991495, 0.499991495, 0.499991495, 0.499991495, // 96
  -0.999999707, -0.999999707, -0.999999707, -0.999999707, // 112
  1, 1, 1, 1, // 128
  12583039, 12583039, 12583039, 12583039, // 144: 1.5 * 2^23 + 127
  -88, -88, -88, -88, // 160
  88, 88, 88, 88, // 176
  2.88539004, 2.88539004, 2.88539004, 2.88539004, // 192: 2 / ln 2
  0.34657359, 0.34657359, 0.34657359, 0.34657359, // 208: ln 2 / 2
  0.0877894826, 0.0877894826, 0.0877894826, 0.0877894826, // 224: expm1(-2r) / r, degree 5
  -0.26780867, -0.26780867, -0.26780867, -0.26780867, // 240
  0.666725991, 0.666725991, 0.666725991, 0.666725991, // 256
  -1.3333214, -1.3333214, -1.3333214, -1.3333214, // 272
  1.99999935, 1.99999935, 1.99999935, 1.99999935, // 288
  -2, -2, -2, -2, // 304
  10, 10, 10, 10, // 320
  -0.0, -0.0, -0.0, -0.0, // 336: the sign bit
], 16);

/** a * b + c: rounded twice in the strict build, fused in the relaxed one wherever the CPU can. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** c - a * b, rounded like `madd`. */
// @ts-ignore: decorator
@inline
export function nmadd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_nmadd(a, b, c);
  return f32x4.sub(c, f32x4.mul(a, b));
}

/** x, or 0 where |x| < threshold; NaN stays. */
// @ts-ignore: decorator
@inline
export function flushSmall(x: v128, threshold: v128): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), threshold));
}

/** The exponential. */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  const magic = f32x4.splat(12583038);
  x = f32x4.pmax(f32x4.pmin(x, f32x4.splat(89)), v128.load(TABLE, 160));
  const biased = madd(x, v128.load(TABLE, 0), magic);
  const n = f32x4.sub(biased, magic);
  const halfScale = i32x4.shl(biased, 23);
  let r = f32x4.sub(f32x4.mul(n, v128.load(TABLE, 16)), x);
  r = madd(n, v128.load(TABLE, 32), r);
  let p = madd(r, v128.load(TABLE, 48), v128.load(TABLE, 64));
  p = madd(p, r, v128.load(TABLE, 80));
  p = madd(p, r, v128.load(TABLE, 96));
  p = madd(p, r, v128.load(TABLE, 112));
  p = madd(p, r, v128.load(TABLE, 128));
  p = f32x4.mul(p, halfScale);
  return f32x4.add(p, p);
}

/** 1 / (1 + exp(-x)). */
// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
  const magic = v128.load(TABLE, 144);
  const one = v128.load(TABLE, 128);
  x = f32x4.pmax(f32x4.pmin(x, v128.load(TABLE, 176)), v128.load(TABLE, 160));
  const biased = madd(x, v128.load(TABLE, 0), magic);
  const n = f32x4.sub(biased, magic);
  const scale = i32x4.shl(biased, 23);
  let r = nmadd(n, v128.load(TABLE, 16), x);
  r = nmadd(n, v128.load(TABLE, 32), r);
  let p = madd(r, v128.load(TABLE, 48), v128.load(TABLE, 64));
  p = madd(p, r, v128.load(TABLE, 80));
  p = madd(p, r, v128.load(TABLE, 96));
  p = madd(p, r, v128.load(TABLE, 112));
  p = madd(p, r, one);
  return f32x4.div(scale, f32x4.add(scale, p));
}

/** The hyperbolic tangent. */
// @ts-ignore: decorator
@inline
export function tanh(x: v128): v128 {
  const magic = v128.load(TABLE, 144);
  const one = v128.load(TABLE, 128);
  const sign = v128.and(x, v128.load(TABLE, 336));
  const a = f32x4.pmin(v128.xor(x, sign), v128.load(TABLE, 320));
  const biased = madd(a, v128.load(TABLE, 192), magic);
  const n = f32x4.sub(biased, magic);
  const scale = i32x4.shl(biased, 23);
  const r = nmadd(n, v128.load(TABLE, 208), a);
  let q = madd(r, v128.load(TABLE, 224), v128.load(TABLE, 240));
  q = madd(q, r, v128.load(TABLE, 256));
  q = madd(q, r, v128.load(TABLE, 272));
  q = madd(q, r, v128.load(TABLE, 288));
  q = madd(q, r, v128.load(TABLE, 304));
  const numerator = nmadd(q, r, f32x4.sub(scale, one));
  const denominator = madd(q, r, f32x4.add(scale, one));
  return v128.or(f32x4.div(numerator, denominator), sign);
}
