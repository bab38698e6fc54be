/**
 * Seeded random numbers for initial weights: the same bits in every engine, on every machine and in every build.
 *
 * That is why nothing here uses madd, and why the logarithm is our own. The generator is SplitMix64 (Steele, Lea and
 * Flood 2014): a counter passed through a bijective hash, so a seed is all the state there is.
 */

const GOLDEN: u64 = 0x9e3779b97f4a7c15;

let counter: u64 = 0;

function seed(value: f64): void {
  counter = <u64>value;
  counter = next(); // neighbouring seeds start far apart
}

function next(): u64 {
  counter += GOLDEN;
  let z = counter;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/** Uniform in [0, 1), a multiple of 2^-53. */
function uniform(): f64 {
  return <f64>(next() >> 11) * (1.0 / 9007199254740992.0);
}

/** Standard normal, by Marsaglia's polar method; the second number of each pair is left unused. */
function normal(): f64 {
  let u: f64, v: f64, s: f64;
  do {
    u = 2 * uniform() - 1;
    v = 2 * uniform() - 1;
    s = u * u + v * v;
  } while (s >= 1 || s == 0);
  return u * sqrt((-2 * ln(s)) / s);
}

/**
 * Natural logarithm of a positive normal number: x = 2^e m with m in [sqrt(1/2), sqrt(2)), then
 * ln m = 2 artanh((m - 1) / (m + 1)), whose series has a remainder below 1e-16 after ten terms.
 */
function ln(x: f64): f64 {
  const bits = reinterpret<u64>(x);
  let e = <i32>(bits >> 52) - 1023;
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    e++;
  }
  const s = (m - 1) / (m + 1);
  const s2 = s * s;
  let sum: f64 = 0;
  for (let k = 19; k > 0; k -= 2) sum = sum * s2 + 1 / <f64>k;
  return <f64>e * 0.6931471805599453 + 2 * s * sum;
}

/** x [n] uniform in [low, high). */
export function randomUniform(x: usize, n: i32, from: f64, low: f64, high: f64): void {
  seed(from);
  for (let i: usize = 0; i < <usize>n; i++) store<f32>(x + 4 * i, <f32>(low + (high - low) * uniform()));
}

/** x [n] normal. */
export function randomNormal(x: usize, n: i32, from: f64, mean: f64, deviation: f64): void {
  seed(from);
  for (let i: usize = 0; i < <usize>n; i++) store<f32>(x + 4 * i, <f32>(mean + deviation * normal()));
}

/** x [n] normal, drawn again where it lies more than two deviations from the mean. */
export function truncatedNormal(x: usize, n: i32, from: f64, mean: f64, deviation: f64): void {
  seed(from);
  for (let i: usize = 0; i < <usize>n; i++) {
    let z: f64;
    do {
      z = normal();
    } while (abs(z) > 2);
    store<f32>(x + 4 * i, <f32>(mean + deviation * z));
  }
}

/**
 * Makes `count` vectors of length n, n at least count, orthonormal: x [count, n], rows of independent normal numbers.
 *
 * Gram-Schmidt with every vector projected twice, which leaves them orthogonal to rounding ("twice is enough",
 * Giraud et al. 2005). Each vector keeps the side it points to, so that the result is uniform among all such sets.
 *
 * @returns false when a vector vanished, which those of random numbers do not do
 */
export function orthonormalize(x: usize, count: i32, n: i32): bool {
  const bytes = <usize>n * 4;
  for (let i = 0; i < count; i++) {
    const xi = x + <usize>i * bytes;
    for (let pass = 0; pass < 2; pass++) {
      for (let j = 0; j < i; j++) {
        const xj = x + <usize>j * bytes;
        subtract(xi, xj, <f32>dot(xi, xj, n), n);
      }
      const norm = sqrt(dot(xi, xi, n));
      if (norm < 1e-6) return false;
      const scale = <f32>(1 / norm);
      for (let k: usize = 0; k < bytes; k += 4) store<f32>(xi + k, load<f32>(xi + k) * scale);
    }
  }
  return true;
}

function dot(a: usize, b: usize, n: i32): f64 {
  const bytes = <usize>n * 4;
  const whole = bytes & ~15;
  let lanes = f32x4.splat(0);
  for (let k: usize = 0; k < whole; k += 16) {
    lanes = f32x4.add(lanes, f32x4.mul(v128.load(a + k), v128.load(b + k)));
  }
  let sum = <f64>f32x4.extract_lane(lanes, 0) + <f64>f32x4.extract_lane(lanes, 1);
  sum += <f64>f32x4.extract_lane(lanes, 2) + <f64>f32x4.extract_lane(lanes, 3);
  for (let k = whole; k < bytes; k += 4) sum += <f64>load<f32>(a + k) * <f64>load<f32>(b + k);
  return sum;
}

function subtract(a: usize, b: usize, scale: f32, n: i32): void {
  const bytes = <usize>n * 4;
  const whole = bytes & ~15;
  const scales = f32x4.splat(scale);
  for (let k: usize = 0; k < whole; k += 16) {
    v128.store(a + k, f32x4.sub(v128.load(a + k), f32x4.mul(v128.load(b + k), scales)));
  }
  for (let k = whole; k < bytes; k += 4) store<f32>(a + k, load<f32>(a + k) - load<f32>(b + k) * scale);
}
