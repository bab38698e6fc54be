/**
 * The products of matmul.ts one number at a time: what the tiles must agree with to the bit, in every build, because
 * they add up in the same order with the same rounding. Oracles for the tests; nothing else calls them.
 */

import { madd } from '../math/elementary';
import { packedAt } from './matmul';

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
