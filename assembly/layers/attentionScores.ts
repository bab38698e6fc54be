/**
 * The scores of additive attention: s[i, j] = sum over d of gain[d] tanh(scale (q[i, d] + k[j, d])).
 *
 * Matrices are contiguous, their rows padded with zeros to whole vectors. Letters: D width, S keys.
 */

import { highHalf, lowHalf, sumOf } from '../math/f64Pairs';
import { tanh } from '../math/elementary';

/** s = the scores of one query q [D] for all keys [S, padded D]. */
export function additiveScores(s: usize, q: usize, keys: usize, gain: usize, scale: f32, count: i32, bytes: usize): void {
  const factor = f32x4.splat(scale);
  for (; count > 0; count--, s += 4, keys += bytes) {
    let sum = f32x4.splat(0);
    for (let d: usize = 0; d < bytes; d += 16) {
      const t = tanh(f32x4.mul(factor, f32x4.add(v128.load(q + d), v128.load(keys + d))));
      sum = f32x4.add(sum, f32x4.mul(v128.load(gain + d), t));
    }
    const two = f32x4.add(sum, v128.shuffle<f32>(sum, sum, 2, 3, 2, 3));
    store<f32>(s, f32x4.extract_lane(two, 0) + f32x4.extract_lane(two, 1));
  }
}

/**
 * Adds the gradients of one query, for the gradients ds of its scores.
 *
 * @param dq (padded D): overwritten
 * @param dKeys [S, padded D]: added to
 * @param dGain (padded D): added to
 * @returns the gradient of scale
 */
export function additiveScoresBackward(
  ds: usize, q: usize, keys: usize, gain: usize, scale: f32,
  dq: usize, dKeys: usize, dGain: usize, count: i32, bytes: usize,
): f64 {
  const factor = f32x4.splat(scale);
  const one = f32x4.splat(1);
  let dScale = f64x2.splat(0);
  // The columns are the outer loop, so that their sums stay in registers
  for (let d: usize = 0; d < bytes; d += 16) {
    const query = v128.load(q + d);
    const weight = v128.load(gain + d);
    let sum = f32x4.splat(0);
    let gains = f32x4.splat(0);
    for (let j: usize = 0; j < <usize>count; j++) {
      const g = v128.load32_splat(ds + 4 * j);
      const x = f32x4.add(query, v128.load(keys + j * bytes + d));
      const t = tanh(f32x4.mul(factor, x));
      gains = f32x4.add(gains, f32x4.mul(g, t));
      const slope = f32x4.mul(f32x4.mul(g, weight), f32x4.mul(f32x4.sub(one, t), f32x4.add(one, t)));
      const toScale = f32x4.mul(slope, x);
      dScale = f64x2.add(dScale, f64x2.add(lowHalf(toScale), highHalf(toScale)));
      const dx = f32x4.mul(slope, factor);
      sum = f32x4.add(sum, dx);
      const key = dKeys + j * bytes + d;
      v128.store(key, f32x4.add(v128.load(key), dx));
    }
    v128.store(dq + d, sum);
    v128.store(dGain + d, f32x4.add(v128.load(dGain + d), gains));
  }
  return sumOf(dScale);
}
