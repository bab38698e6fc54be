/**
 * Exports for the tests, which check parts of the kernels against float64 references. The testing builds contain these and
 * the exports of index.ts; the package contains only the latter.
 */

import { exp, madd } from './math/elementary';
import { log, log1p } from './math/log';
import { packedAt } from './products/matmul';

export {
  activateWithSlope, reluArray, reluBackward, sigmoidArray, sigmoidBackward, tanhArray, tanhBackward,
} from './math/activations';
export { digammaDifference, lgammaDifference } from './math/gamma';
export { exp64, log1p64, log64 } from './math/scalars';
export { sigmoidColumn, tanhColumn } from './math/elementary';
export { adam, average, decay, sgd } from './training/optimizers';
export { matmul, matmulTransposed, packTransposed } from './products/matmul';
export { outerPanel12, outerPanel16, rowPanel12, rowPanel16 } from './products/tiles.generated';

/** y = exp(x) over n numbers, n a multiple of 4. */
export function expArray(y: usize, x: usize, n: u32): void {
  for (let end = x + (n << 2); x < end; x += 16, y += 16) v128.store(y, exp(v128.load(x)));
}

/** y = log(x) over n numbers, n a multiple of 4. */
export function logArray(y: usize, x: usize, n: u32): void {
  for (let end = x + (n << 2); x < end; x += 16, y += 16) v128.store(y, log(v128.load(x)));
}

/** y = log(1 + x) over n numbers, n a multiple of 4. */
export function log1pArray(y: usize, x: usize, n: u32): void {
  for (let end = x + (n << 2); x < end; x += 16, y += 16) v128.store(y, log1p(v128.load(x)));
}

// The products of matmul.ts, one number at a time. They add in the same order with the same rounding as the tiles, so
// both must agree to the bit in every build.

/** c + a * b as one lane of a tile computes it. */
function maddOne(a: f32, b: f32, c: f32): f32 {
  return f32x4.extract_lane(madd(f32x4.splat(a), f32x4.splat(b), f32x4.splat(c)), 0);
}

/** C [M, N] = C + A [M, K] * P, with P [K, N] packed; rows of C and A are cRow and aRow bytes apart. */
export function matmulNaive(c: usize, cRow: usize, a: usize, aRow: usize, p: usize, M: i32, N: i32, K: i32): void {
  for (let m: usize = 0; m < <usize>M; m++) {
    for (let n = 0; n < N; n++) {
      const at = c + m * cRow + ((<usize>n) << 2);
      let sum = load<f32>(at);
      for (let k = 0; k < K; k++) {
        sum = maddOne(load<f32>(a + m * aRow + ((<usize>k) << 2)), load<f32>(p + packedAt(k, n, K, N)), sum);
      }
      store<f32>(at, sum);
    }
  }
}

/** C += transposed(A [K, M]) * B [K, N], with C [M, N] packed. */
export function matmulTransposedNaive(
  c: usize, a: usize, aRow: usize, b: usize, bRow: usize, M: i32, N: i32, K: i32,
): void {
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      const at = c + packedAt(m, n, M, N);
      let sum = load<f32>(at);
      for (let k: usize = 0; k < <usize>K; k++) {
        sum = maddOne(load<f32>(a + k * aRow + ((<usize>m) << 2)), load<f32>(b + k * bRow + ((<usize>n) << 2)), sum);
      }
      store<f32>(at, sum);
    }
  }
}
