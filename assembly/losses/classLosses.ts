/**
 * Losses over classes: one number for a whole row of predictions. Each returns the loss of the row; dy receives its
 * gradient times `scale`, unless dy is 0.
 */

import { highHalf, lowHalf, sumOf } from '../math/f64Pairs';
import { allLanes, lastLanes } from '../math/laneMasks';
import { log, log1p } from '../math/log';
import { padded, probability } from './lossPlan';
import { exp } from '../math/elementary';
import { greatest } from '../math/softmax';

/** The class index of a target, or -1 if it is not a valid index, such as 1.5. */
@inline
export function classOf(target: usize, cols: i32): i32 {
  const k = load<f32>(target);
  return k >= 0 && k < <f32>cols && Mathf.floor(k) == k ? <i32>k : -1;
}

/** Sum of exp(y - most), at least 1; e receives the powers, unless it is 0. */
export function exponentials(cols: i32, y: usize, most: f32, e: usize): f64 {
  const bytes = <usize>cols << 2;
  let sum = f64x2.splat(0);
  for (let n: usize = 0; n < bytes; n += 16) {
    const lanes = n + 16 > bytes ? lastLanes(cols) : allLanes();
    const powers = v128.and(exp(f32x4.sub(v128.load(y + n), f32x4.splat(most))), lanes);
    if (e) v128.store(e + n, powers);
    sum = f64x2.add(sum, f64x2.add(lowHalf(powers), highHalf(powers)));
  }
  return sumOf(sum);
}

/** The logarithm of a sum of at least 1, accurate for sums close to 1 too. */
function logOfSum(sum: f64): f64 {
  const y = sum > 2 ? log(f32x4.splat(<f32>sum)) : log1p(f32x4.splat(<f32>(sum - 1)));
  return <f64>f32x4.extract_lane(y, 0);
}

/** -sum t log(softmax(y)) = sum t (max - y) + sum t log(sum exp(y - max)). No term is negative, so nothing cancels. */
export function softmaxCrossentropy(cols: i32, y: usize, target: usize, dy: usize, scale: f32): f64 {
  const bytes = <usize>cols << 2;
  const tail = lastLanes(cols);
  const peak = greatest(y, cols);
  const sum = exponentials(cols, y, peak, dy);
  const most = f32x4.splat(peak);
  let below = f64x2.splat(0);
  let targets = f64x2.splat(0);
  for (let n: usize = 0; n < bytes; n += 16) {
    const lanes = n + 16 > bytes ? tail : allLanes();
    const t = v128.and(v128.load(target + n), lanes);
    const term = v128.and(f32x4.mul(t, f32x4.sub(most, v128.load(y + n))), lanes);
    below = f64x2.add(below, f64x2.add(lowHalf(term), highHalf(term)));
    targets = f64x2.add(targets, f64x2.add(lowHalf(t), highHalf(t)));
  }
  const total = sumOf(targets);
  if (dy) {
    const share = f32x4.splat(<f32>(total / sum));
    const scales = f32x4.splat(scale);
    for (let n: usize = 0; n < bytes; n += 16) {
      const lanes = n + 16 > bytes ? tail : allLanes();
      const slope = f32x4.sub(f32x4.mul(v128.load(dy + n), share), v128.load(target + n));
      v128.store(dy + n, v128.and(f32x4.mul(slope, scales), lanes));
    }
  }
  return sumOf(below) + total * logOfSum(sum);
}

/** Categorical cross-entropy from logits with target 1 for class k and 0 for the others. */
export function sparseSoftmaxCrossentropy(cols: i32, y: usize, k: i32, dy: usize, scale: f32): f64 {
  const peak = greatest(y, cols);
  const sum = exponentials(cols, y, peak, dy);
  const own = <usize>k << 2;
  if (dy) {
    const bytes = <usize>cols << 2;
    const gap = <f64>load<f32>(dy + own) - sum;
    const share = f32x4.splat(<f32>(<f64>scale / sum));
    for (let n: usize = 0; n < bytes; n += 16) v128.store(dy + n, f32x4.mul(v128.load(dy + n), share));
    store<f32>(dy + own, <f32>((gap / sum) * <f64>scale));
  }
  return <f64>(peak - load<f32>(y + own)) + logOfSum(sum);
}

/** -sum t log(q) with q = y / sum y: the row is first scaled to a sum of 1, as in TF.js. */
export function crossentropy(cols: i32, y: usize, target: usize, dy: usize, scale: f32): f64 {
  const bytes = <usize>cols << 2;
  const tail = lastLanes(cols);
  const total = <f32>rowSum(cols, y, false);
  const sum = f32x4.splat(total);
  let value = f64x2.splat(0);
  let used = f64x2.splat(0); // sum of the targets whose probability is not clipped
  for (let n: usize = 0; n < bytes; n += 16) {
    const lanes = n + 16 > bytes ? tail : allLanes();
    const q = f32x4.div(v128.load(y + n), sum);
    const p = probability(q);
    const t = v128.and(v128.load(target + n), lanes);
    const term = v128.and(f32x4.mul(t, log(p)), lanes);
    const inside = v128.and(t, f32x4.eq(p, q));
    value = f64x2.sub(value, f64x2.add(lowHalf(term), highHalf(term)));
    used = f64x2.add(used, f64x2.add(lowHalf(inside), highHalf(inside)));
    if (dy) v128.store(dy + n, v128.and(f32x4.div(inside, p), lanes));
  }
  if (dy) {
    const all = f32x4.splat(<f32>sumOf(used));
    const scales = f32x4.splat(scale / total);
    for (let n: usize = 0; n < bytes; n += 16) {
      const lanes = n + 16 > bytes ? tail : allLanes();
      v128.store(dy + n, v128.and(f32x4.mul(f32x4.sub(all, v128.load(dy + n)), scales), lanes));
    }
  }
  return sumOf(value);
}

/** Cross-entropy with target 1 for class k; probabilities are clipped both before and after they are scaled. */
export function sparseCrossentropy(cols: i32, y: usize, k: i32, dy: usize, scale: f32): f64 {
  const total = <f32>rowSum(cols, y, true);
  const own = f32x4.splat(load<f32>(y + (<usize>k << 2)));
  const q = f32x4.div(probability(own), f32x4.splat(total));
  const p = probability(q);
  if (dy) {
    const bytes = <usize>cols << 2;
    const slope = v128.and(f32x4.splat(scale / total), f32x4.eq(p, q));
    for (let n: usize = 0; n < bytes; n += 16) {
      const lanes = v128.and(n + 16 > bytes ? lastLanes(cols) : allLanes(), inBounds(v128.load(y + n)));
      v128.store(dy + n, v128.and(slope, lanes));
    }
    const one = f32x4.splat(1);
    const ofOwn = v128.and(f32x4.mul(slope, f32x4.sub(one, f32x4.div(one, p))), inBounds(own));
    store<f32>(dy + (<usize>k << 2), f32x4.extract_lane(ofOwn, 0));
  }
  return -(<f64>f32x4.extract_lane(log(p), 0));
}

@inline
function inBounds(y: v128): v128 {
  return f32x4.eq(probability(y), y);
}

/** Sum of a row, with each number clipped as a probability if `bounded`. */
function rowSum(cols: i32, y: usize, bounded: bool): f64 {
  const bytes = <usize>cols << 2;
  let sum = f64x2.splat(0);
  for (let n: usize = 0; n < bytes; n += 16) {
    const lanes = n + 16 > bytes ? lastLanes(cols) : allLanes();
    const value = v128.and(bounded ? probability(v128.load(y + n)) : v128.load(y + n), lanes);
    sum = f64x2.add(sum, f64x2.add(lowHalf(value), highHalf(value)));
  }
  return sumOf(sum);
}

/** max(0, 1 + max((1 - t) y) - sum t y). Every column that attains the maximum gets its gradient, as in TF.js. */
export function categoricalHinge(cols: i32, y: usize, target: usize, dy: usize, scale: f32): f64 {
  const end = y + (<usize>cols << 2);
  let own: f64 = 0;
  let other: f32 = -Infinity;
  for (let a = y, b = target; a < end; a += 4, b += 4) {
    const t = load<f32>(b);
    own += <f64>t * <f64>load<f32>(a);
    const wrong = (<f32>1 - t) * load<f32>(a);
    if (!(wrong <= other)) other = wrong;
  }
  const value = 1 + <f64>other - own;
  if (dy) {
    memory.fill(dy, 0, padded(cols));
    if (value > 0) {
      for (let a = y, b = target, d = dy; a < end; a += 4, b += 4, d += 4) {
        const t = load<f32>(b);
        const rest = <f32>1 - t;
        const slope = rest * load<f32>(a) == other ? rest - t : -t;
        store<f32>(d, slope * scale);
      }
    }
  }
  return value < 0 ? 0 : value;
}

/** -sum t y / (|t| |y|), with lengths of at least sqrt(1e-7). */
export function cosineProximity(cols: i32, y: usize, target: usize, dy: usize, scale: f32): f64 {
  const bytes = <usize>cols << 2;
  const least: f64 = 1e-7;
  let product: f64 = 0;
  let ofY: f64 = 0;
  let ofT: f64 = 0;
  for (let n: usize = 0; n < bytes; n += 4) {
    const a = <f64>load<f32>(y + n);
    const b = <f64>load<f32>(target + n);
    product += a * b;
    ofY += a * a;
    ofT += b * b;
  }
  const lengthY = Math.sqrt(ofY < least ? least : ofY);
  const lengthT = Math.sqrt(ofT < least ? least : ofT);
  const value = -product / (lengthY * lengthT);
  if (dy) {
    const turn = ofY >= least ? value / ofY : 0;
    for (let n: usize = 0; n < padded(cols); n += 4) {
      const slope = <f64>load<f32>(target + n) / (lengthY * lengthT) + <f64>load<f32>(y + n) * turn;
      store<f32>(dy + n, n < bytes ? <f32>(-slope * <f64>scale) : 0);
    }
  }
  return value;
}
