/**
 * Seeded random numbers for initial weights and dropout: the same bits in every engine, on every machine and in every
 * build. For that reason nothing here uses madd, and the logarithm is computed here.
 *
 * The generator is SplitMix64 (Steele, Lea and Flood 2014): a counter passed through a bijective hash.
 */

const GOLDEN: u64 = 0x9e3779b97f4a7c15;

let counter: u64 = 0;

function startStream(seed: f64): void {
  counter = <u64>seed;
  counter = next(); // makes adjacent seeds start far apart
  hasSpare = false;
}

/** Starts the stream of a pair of numbers: the seed of a layer and the number of a batch. */
export function seedPair(layer: i32, batch: f64): void {
  counter = <u64>batch;
  counter = next() + <u64><u32>layer;
  counter = next();
  hasSpare = false;
}

export function next(): u64 {
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

let spare: f64 = 0;
let hasSpare: bool = false;

/** Standard normal, by Marsaglia's polar method, which produces two numbers at a time. */
function normal(): f64 {
  if (hasSpare) {
    hasSpare = false;
    return spare;
  }
  let u: f64, v: f64, s: f64;
  do {
    u = 2 * uniform() - 1;
    v = 2 * uniform() - 1;
    s = u * u + v * v;
  } while (s >= 1 || s == 0);
  const scale = sqrt((-2 * ln(s)) / s);
  spare = v * scale;
  hasSpare = true;
  return u * scale;
}

/**
 * Natural logarithm of a positive normal number: x = 2^e m with m in [sqrt(1/2), sqrt(2)), then
 * ln m = 2 artanh((m - 1) / (m + 1)), whose series has a remainder below 1e-16 after ten terms.
 */
export function ln(x: f64): f64 {
  const bits = reinterpret<u64>(x);
  let e = <i32>(bits >> 52) - 1023;
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    e++;
  }
  const s = (m - 1) / (m + 1);
  const z = s * s;
  let sum: f64 = 1.0 / 19;
  sum = sum * z + 1.0 / 17;
  sum = sum * z + 1.0 / 15;
  sum = sum * z + 1.0 / 13;
  sum = sum * z + 1.0 / 11;
  sum = sum * z + 1.0 / 9;
  sum = sum * z + 1.0 / 7;
  sum = sum * z + 1.0 / 5;
  sum = sum * z + 1.0 / 3;
  sum = sum * z + 1.0;
  return <f64>e * 0.6931471805599453 + 2 * s * sum;
}

/** x [n] uniform in [low, high). */
export function randomUniform(x: usize, n: i32, seed: f64, low: f64, high: f64): void {
  startStream(seed);
  for (let i: usize = 0; i < <usize>n; i++) store<f32>(x + 4 * i, <f32>(low + (high - low) * uniform()));
}

/** x [n] normal. */
export function randomNormal(x: usize, n: i32, seed: f64, mean: f64, deviation: f64): void {
  startStream(seed);
  nextNormals(x, n, mean, deviation);
}

/** x [n] normal, continuing the stream that `seedPair` started. */
export function nextNormals(x: usize, n: i32, mean: f64, deviation: f64): void {
  for (let i: usize = 0; i < <usize>n; i++) store<f32>(x + 4 * i, <f32>(mean + deviation * normal()));
}

/** x [n] normal; numbers more than two deviations from the mean are drawn again. */
export function truncatedNormal(x: usize, n: i32, seed: f64, mean: f64, deviation: f64): void {
  startStream(seed);
  for (let i: usize = 0; i < <usize>n; i++) {
    let z: f64;
    do {
      z = normal();
    } while (abs(z) > 2);
    store<f32>(x + 4 * i, <f32>(mean + deviation * z));
  }
}

/** Vectors that are orthogonalized together; with one more, they fit into L1 up to a length of 1500. */
const TOGETHER = 4;

/**
 * Makes `count` vectors of length n, n at least count, orthonormal: x [count, n], rows of independent normal numbers.
 *
 * Modified Gram-Schmidt. Vectors that lost much of their length are projected a second time, which makes all orthogonal
 * to rounding ("twice is enough", Kahan and Parlett). Vectors keep their signs, so the result is uniformly distributed.
 *
 * @returns false if the vectors are linearly dependent, which random ones are not
 */
export function orthonormalize(x: usize, count: i32, n: i32): bool {
  const bytes = <usize>n * 4;
  for (let i = 0; i < count; i += TOGETHER) {
    const block = x + <usize>i * bytes;
    const width = min(TOGETHER, count - i);
    const before = smallestNorm(block, width, n);
    projectOut(block, width, x, i, n);
    if (smallestNorm(block, width, n) < 0.5 * before) projectOut(block, width, x, i, n);
    for (let b = 0; b < width; b++) {
      const xb = block + <usize>b * bytes;
      for (let pass = 0; pass < 2; pass++) projectOut(xb, 1, block, b, n);
      const norm = sqrt(dot(xb, xb, n));
      if (norm < 1e-6) return false;
      const scale = <f32>(1 / norm);
      for (let k: usize = 0; k < bytes; k += 4) store<f32>(xb + k, load<f32>(xb + k) * scale);
    }
  }
  return true;
}

/** The smallest squared length of `width` vectors. */
function smallestNorm(block: usize, width: i32, n: i32): f64 {
  let least = f64.MAX_VALUE;
  for (let b: usize = 0; b < <usize>width; b++) {
    const xb = block + b * <usize>n * 4;
    least = min(least, dot(xb, xb, n));
  }
  return least;
}

/** Subtracts the projections onto `count` orthonormal vectors from `width` vectors. */
function projectOut(block: usize, width: i32, x: usize, count: i32, n: i32): void {
  const bytes = <usize>n * 4;
  for (let j = 0; j < count; j++) {
    const xj = x + <usize>j * bytes;
    if (width == TOGETHER && n % 4 == 0) {
      projectFour(block, xj, bytes);
    } else {
      for (let b = 0; b < width; b++) {
        const xb = block + <usize>b * bytes;
        subtract(xb, xj, <f32>dot(xb, xj, n), n);
      }
    }
  }
}

/** The same for four vectors and one orthonormal vector, of a length that is a multiple of 4. */
function projectFour(block: usize, xj: usize, bytes: usize): void {
  const b1 = bytes;
  const b2 = 2 * bytes;
  const b3 = 3 * bytes;
  let d0 = f32x4.splat(0);
  let d1 = d0;
  let d2 = d0;
  let d3 = d0;
  for (let k: usize = 0; k < bytes; k += 16) {
    const v = v128.load(xj + k);
    const p = block + k;
    d0 = f32x4.add(d0, f32x4.mul(v128.load(p), v));
    d1 = f32x4.add(d1, f32x4.mul(v128.load(p + b1), v));
    d2 = f32x4.add(d2, f32x4.mul(v128.load(p + b2), v));
    d3 = f32x4.add(d3, f32x4.mul(v128.load(p + b3), v));
  }
  const s0 = f32x4.splat(<f32>total(d0));
  const s1 = f32x4.splat(<f32>total(d1));
  const s2 = f32x4.splat(<f32>total(d2));
  const s3 = f32x4.splat(<f32>total(d3));
  for (let k: usize = 0; k < bytes; k += 16) {
    const v = v128.load(xj + k);
    const p = block + k;
    // Load all before storing: with vectors a multiple of 4096 bytes apart, loads would wait for earlier stores
    const p0 = v128.load(p);
    const p1 = v128.load(p + b1);
    const p2 = v128.load(p + b2);
    const p3 = v128.load(p + b3);
    v128.store(p, f32x4.sub(p0, f32x4.mul(v, s0)));
    v128.store(p + b1, f32x4.sub(p1, f32x4.mul(v, s1)));
    v128.store(p + b2, f32x4.sub(p2, f32x4.mul(v, s2)));
    v128.store(p + b3, f32x4.sub(p3, f32x4.mul(v, s3)));
  }
}

@inline
function total(lanes: v128): f64 {
  const low = <f64>f32x4.extract_lane(lanes, 0) + <f64>f32x4.extract_lane(lanes, 1);
  return low + (<f64>f32x4.extract_lane(lanes, 2) + <f64>f32x4.extract_lane(lanes, 3));
}

function dot(a: usize, b: usize, n: i32): f64 {
  const bytes = <usize>n * 4;
  const whole = bytes & ~15;
  let lanes = f32x4.splat(0);
  for (let k: usize = 0; k < whole; k += 16) {
    lanes = f32x4.add(lanes, f32x4.mul(v128.load(a + k), v128.load(b + k)));
  }
  let sum = total(lanes);
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
