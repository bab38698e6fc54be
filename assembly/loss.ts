/**
 * Losses: the value in float64, the gradient of the predictions beside it.
 *
 * A loss belongs to a row: the predictions of one sample at one time step, N of them, against their targets. Most are
 * means over the columns; those over classes (cross-entropies but the binary one, and their like) are one number for
 * the whole row. What comes out is the mean over all rows that the mask leaves.
 *
 * The formulas are those of TF.js, with probabilities kept in [1e-7, 1 - 1e-7]. Cross-entropies may instead start from
 * the logits, from which softmax or sigmoid made the probabilities: nothing is lost then, however sure the model is.
 */

import { allLanes, lastLanes } from './lanes';
import { log, log1p } from './log';
import { exp, sigmoid, tanh } from './math';

/** A planned loss, written by the facade; offsets and strides in bytes, i32 each. */
@unmanaged
export class LossPlan {
  kind: i32; // see the numbers below; that of a metric for `metric`
  steps: i32; // T
  rows: i32; // B
  cols: i32; // N
  y: usize; // (T, B, padded N): predictions, or logits
  yRow: usize;
  yStep: usize;
  dy: usize; // (T, B, padded N): its gradient, overwritten, zeros in the padding; 0 where only the loss is wanted
  dyRow: usize;
  dyStep: usize;
  target: usize; // (T, B, N), or (T, B, 1) where classes go by number; unpadded, the 12 bytes behind are readable
  targetRow: usize;
  targetStep: usize;
  mask: usize; // (T, B): 1 where a row counts, 0 where not; 0 where all count
  maskStep: usize;
  weights: usize; // (T, B): factors on the losses of the rows; 0 where all weigh 1
  weightRow: usize;
  weightStep: usize;
  logits: i32; // 1: y holds logits, those of softmax for classes, else those of sigmoid
  delta: i32; // bits of a float32: where the Huber loss becomes straight
}

// The numbers of the losses: those of src/losses.ts.
const SQUARED_ERROR = 0;
const ABSOLUTE_ERROR = 1;
const HUBER = 2;
const LOG_COSH = 3;
const BINARY_CROSSENTROPY = 4;
const CATEGORICAL_CROSSENTROPY = 5;
const SPARSE_CATEGORICAL_CROSSENTROPY = 6;
const ABSOLUTE_PERCENTAGE_ERROR = 7;
const SQUARED_LOGARITHMIC_ERROR = 8;
const HINGE = 9;
const SQUARED_HINGE = 10;
const CATEGORICAL_HINGE = 11;
const KULLBACK_LEIBLER = 12;
const POISSON = 13;
const COSINE_PROXIMITY = 14;

/** Least probability, and the least size of a target that is divided by. */
const EPSILON: f32 = 1e-7;
const LN2: f32 = 0.6931472;

/**
 * The mean over the rows that count, and its gradient in dy.
 *
 * A row whose mask or weight is 0 is not looked at: its gradient is 0 whatever it holds. Weights change the sum, not
 * what it is divided by. Where no row counts, the loss is 0. A class by number that does not exist gives NaN.
 */
export function loss(plan: LossPlan): f64 {
  assert(plan.steps > 0 && plan.rows > 0 && plan.cols > 0);
  const each = overClasses(plan.kind) ? 1 : plan.cols;
  const count = countedRows(plan) * <f64>each;
  if (plan.kind == SQUARED_ERROR) return meanSquaredError(plan, count);
  let sum: f64 = 0;
  for (let t = 0; t < plan.steps; t++) {
    for (let b = 0; b < plan.rows; b++) {
      const dy = plan.dy ? at(plan.dy, plan.dyStep, plan.dyRow, t, b) : 0;
      const factor = factorOf(plan, t, b);
      if (factor == 0) {
        if (dy) memory.fill(dy, 0, padded(plan.cols));
        continue;
      }
      const y = at(plan.y, plan.yStep, plan.yRow, t, b);
      const target = at(plan.target, plan.targetStep, plan.targetRow, t, b);
      sum += factor * rowLoss(plan, y, target, dy, <f32>(factor / count));
    }
  }
  return count > 0 ? sum / count : 0;
}

/** How many rows the mask leaves. */
export function countedRows(plan: LossPlan): f64 {
  if (!plan.mask) return <f64>plan.steps * <f64>plan.rows;
  let count: f64 = 0;
  for (let t = 0; t < plan.steps; t++) {
    for (let b = 0; b < plan.rows; b++) count += <f64>load<f32>(at(plan.mask, plan.maskStep, 4, t, b));
  }
  return count;
}

/** What the loss of a row is multiplied with: its weight, or 0 where it is masked. */
@inline
export function factorOf(plan: LossPlan, t: i32, b: i32): f64 {
  if (plan.mask && load<f32>(at(plan.mask, plan.maskStep, 4, t, b)) == 0) return 0;
  return plan.weights ? <f64>load<f32>(at(plan.weights, plan.weightStep, plan.weightRow, t, b)) : 1;
}

/** The address of a row. Steps may be negative: the arithmetic wraps as it should. */
@inline
export function at(place: usize, step: usize, row: usize, t: i32, b: i32): usize {
  return place + <usize>t * step + <usize>b * row;
}

/** Bytes of a row of n numbers, filled up to whole vectors. */
@inline
function padded(n: i32): usize {
  return <usize>((n + 3) & ~3) << 2;
}

/** Whether a loss is one number for a row, and not a mean over its columns. */
@inline
function overClasses(kind: i32): bool {
  return (
    kind == CATEGORICAL_CROSSENTROPY || kind == SPARSE_CATEGORICAL_CROSSENTROPY || kind == CATEGORICAL_HINGE ||
    kind == KULLBACK_LEIBLER || kind == COSINE_PROXIMITY
  );
}

/** Sum of factor * (y - target)^2 over all rows, divided by count; dy = 2 factor (y - target) / count. */
function meanSquaredError(plan: LossPlan, count: f64): f64 {
  const even = !plan.mask && !plan.weights;
  const dyStart = plan.dy;
  const tail = lastLanes(plan.cols);
  const whole = allLanes();
  const bytes = <usize>plan.cols * 4;
  let factors = f64x2.splat(1);
  let scale = f32x4.splat(<f32>(2 / count));
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  for (let t = 0; t < plan.steps; t++) {
    let y = at(plan.y, plan.yStep, 0, t, 0);
    let target = at(plan.target, plan.targetStep, 0, t, 0);
    let dy = at(dyStart, plan.dyStep, 0, t, 0);
    for (let b = 0; b < plan.rows; b++, y += plan.yRow, target += plan.targetRow, dy += plan.dyRow) {
      if (!even) {
        const factor = factorOf(plan, t, b);
        if (factor == 0) {
          if (dyStart) memory.fill(dy, 0, padded(plan.cols));
          continue;
        }
        factors = f64x2.splat(factor);
        scale = f32x4.splat(<f32>((2 * factor) / count));
      }
      for (let n: usize = 0; n < bytes; n += 16) {
        const lanes = n + 16 > bytes ? tail : whole;
        const difference = v128.and(f32x4.sub(v128.load(y + n), v128.load(target + n)), lanes);
        const a = lowHalf(difference);
        const c = highHalf(difference);
        low = f64x2.add(low, f64x2.mul(f64x2.mul(a, a), factors));
        high = f64x2.add(high, f64x2.mul(f64x2.mul(c, c), factors));
        if (dyStart) v128.store(dy + n, f32x4.mul(difference, scale));
      }
    }
  }
  return count > 0 ? sumOf(f64x2.add(low, high)) / count : 0;
}

/** The loss of a row, not divided by anything; its gradient times `scale` goes to dy, unless that is 0. */
function rowLoss(plan: LossPlan, y: usize, target: usize, dy: usize, scale: f32): f64 {
  switch (plan.kind) {
    case CATEGORICAL_CROSSENTROPY:
      if (plan.logits) return softmaxCrossentropy(plan.cols, y, target, dy, scale);
      return crossentropy(plan.cols, y, target, dy, scale);
    case SPARSE_CATEGORICAL_CROSSENTROPY: {
      const k = classOf(target, plan.cols);
      if (k < 0) return NaN;
      if (plan.logits) return sparseSoftmaxCrossentropy(plan.cols, y, k, dy, scale);
      return sparseCrossentropy(plan.cols, y, k, dy, scale);
    }
    case CATEGORICAL_HINGE: return categoricalHinge(plan.cols, y, target, dy, scale);
    case COSINE_PROXIMITY: return cosineProximity(plan.cols, y, target, dy, scale);
  }
  return columnLosses(plan, y, target, dy, scale);
}

// ------------------------------------------------------------------------------------ losses of each column by itself

/** Sum of the losses of the columns of a row. */
function columnLosses(plan: LossPlan, y: usize, target: usize, dy: usize, scale: f32): f64 {
  const squared = plan.kind == SQUARED_LOGARITHMIC_ERROR || plan.kind == SQUARED_HINGE;
  const delta = f32x4.splat(reinterpret<f32>(plan.delta));
  const kind = plan.kind == BINARY_CROSSENTROPY && plan.logits ? -1 : plan.kind;
  const scales = f32x4.splat(squared ? 2 * scale : scale);
  const bytes = <usize>plan.cols << 2;
  let sum = f64x2.splat(0);
  for (let n: usize = 0; n < bytes; n += 16) {
    const lanes = n + 16 > bytes ? lastLanes(plan.cols) : allLanes();
    const a = v128.load(y + n);
    const b = v128.load(target + n);
    const value = v128.and(valueOf(kind, a, b, delta), lanes);
    const low = lowHalf(value);
    const high = highHalf(value);
    // Squares are beyond float32 before the numbers themselves are.
    sum = f64x2.add(
      sum,
      squared ? f64x2.add(f64x2.mul(low, low), f64x2.mul(high, high)) : f64x2.add(low, high),
    );
    if (!dy) continue;
    const slope = squared ? f32x4.mul(value, slopeOf(kind, a, b, delta)) : slopeOf(kind, a, b, delta);
    v128.store(dy + n, v128.and(f32x4.mul(slope, scales), lanes));
  }
  return sumOf(sum);
}

/** Losses of four columns, or what is squared in those that are squares. -1 is binary cross-entropy from logits. */
function valueOf(kind: i32, y: v128, t: v128, delta: v128): v128 {
  switch (kind) {
    case -1: {
      // max(y, 0) - y t + log(1 + exp(-|y|))
      const ramp = f32x4.pmax(y, f32x4.splat(0));
      return f32x4.add(f32x4.sub(ramp, f32x4.mul(y, t)), log1p(exp(f32x4.neg(f32x4.abs(y)))));
    }
    case ABSOLUTE_ERROR: return f32x4.abs(f32x4.sub(y, t));
    case HUBER: {
      const d = f32x4.sub(y, t);
      const c = clip(d, f32x4.neg(delta), delta);
      return f32x4.mul(c, f32x4.sub(d, f32x4.mul(c, f32x4.splat(0.5))));
    }
    case LOG_COSH: {
      // log(cosh(d)) = log(1 + (cosh(d) - 1)); cosh(d) - 1 = 2 sinh(d/2)^2, which does not cancel where d is small
      const d = f32x4.abs(f32x4.sub(y, t));
      const half = f32x4.mul(d, f32x4.splat(0.5));
      const h = tanh(half);
      const h2 = f32x4.mul(h, h);
      const small = f32x4.sub(log1p(h2), log1p(f32x4.neg(h2)));
      const large = f32x4.sub(f32x4.add(d, log1p(exp(f32x4.mul(d, f32x4.splat(-2))))), f32x4.splat(LN2));
      return v128.bitselect(small, large, f32x4.lt(d, f32x4.splat(1)));
    }
    case BINARY_CROSSENTROPY: {
      // -t log(p) - (1 - t) log(1 - p). The smaller of the two has its logarithm, the larger is 1 less the smaller.
      const p = probability(y);
      const q = f32x4.sub(f32x4.splat(1), p);
      const least = f32x4.pmin(p, q);
      const ofLeast = log(least);
      const ofOther = log1p(f32x4.neg(least));
      const first = f32x4.le(p, q);
      const ofP = v128.bitselect(ofLeast, ofOther, first);
      const ofQ = v128.bitselect(ofOther, ofLeast, first);
      return f32x4.neg(f32x4.add(f32x4.mul(t, ofP), f32x4.mul(f32x4.sub(f32x4.splat(1), t), ofQ)));
    }
    case ABSOLUTE_PERCENTAGE_ERROR:
      return f32x4.div(f32x4.mul(f32x4.splat(100), f32x4.abs(f32x4.sub(t, y))), sizeOf(t));
    case SQUARED_LOGARITHMIC_ERROR: return f32x4.sub(logOf1And(y), logOf1And(t));
    case HINGE:
    case SQUARED_HINGE: return f32x4.pmax(margin(y, t), f32x4.splat(0));
    case KULLBACK_LEIBLER: return f32x4.mul(t, log(f32x4.div(upToOne(t), upToOne(y))));
    case POISSON: return f32x4.sub(y, f32x4.mul(t, log(f32x4.add(y, f32x4.splat(EPSILON)))));
  }
  return f32x4.splat(NaN);
}

/** Derivatives of the same in y. */
function slopeOf(kind: i32, y: v128, t: v128, delta: v128): v128 {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  switch (kind) {
    case -1: return f32x4.sub(sigmoid(y), t);
    case ABSOLUTE_ERROR: return sign(f32x4.sub(y, t));
    case HUBER: return clip(f32x4.sub(y, t), f32x4.neg(delta), delta);
    case LOG_COSH: return tanh(f32x4.sub(y, t));
    case BINARY_CROSSENTROPY: {
      const p = probability(y);
      const slope = f32x4.div(f32x4.sub(p, t), f32x4.mul(p, f32x4.sub(one, p)));
      return v128.and(slope, f32x4.eq(p, y));
    }
    case ABSOLUTE_PERCENTAGE_ERROR: return f32x4.div(f32x4.mul(f32x4.splat(100), sign(f32x4.sub(y, t))), sizeOf(t));
    case SQUARED_LOGARITHMIC_ERROR:
      return v128.and(f32x4.div(one, f32x4.add(one, y)), f32x4.ge(y, f32x4.splat(EPSILON)));
    case HINGE:
    case SQUARED_HINGE: return v128.and(f32x4.neg(t), f32x4.gt(margin(y, t), zero));
    case KULLBACK_LEIBLER: return v128.and(f32x4.neg(f32x4.div(t, y)), f32x4.eq(upToOne(y), y));
    case POISSON: return f32x4.sub(one, f32x4.div(t, f32x4.add(y, f32x4.splat(EPSILON))));
  }
  return f32x4.splat(NaN);
}

/** With x as first operand both comparisons let NaN through. */
@inline
function clip(x: v128, least: v128, most: v128): v128 {
  return f32x4.pmax(f32x4.pmin(x, most), least);
}

@inline
function probability(y: v128): v128 {
  return clip(y, f32x4.splat(EPSILON), f32x4.splat(1 - EPSILON));
}

@inline
function upToOne(y: v128): v128 {
  return clip(y, f32x4.splat(EPSILON), f32x4.splat(1));
}

@inline
function sizeOf(t: v128): v128 {
  return f32x4.pmax(f32x4.abs(t), f32x4.splat(EPSILON));
}

@inline
function margin(y: v128, t: v128): v128 {
  return f32x4.sub(f32x4.splat(1), f32x4.mul(t, y));
}

/** -1, 0 or 1. */
@inline
function sign(x: v128): v128 {
  const one = f32x4.splat(1);
  const zero = f32x4.splat(0);
  return f32x4.sub(v128.and(one, f32x4.gt(x, zero)), v128.and(one, f32x4.lt(x, zero)));
}

/** log(1 + max(x, 1e-7)). */
function logOf1And(x: v128): v128 {
  x = f32x4.pmax(x, f32x4.splat(EPSILON));
  const one = f32x4.splat(1);
  return v128.bitselect(log(f32x4.add(x, one)), log1p(x), f32x4.gt(x, one));
}

// ------------------------------------------------------------------------------------------------ losses over classes

/** The number of a class, or -1 where there is none of that number. */
@inline
function classOf(target: usize, cols: i32): i32 {
  const k = Mathf.floor(load<f32>(target));
  return k >= 0 && k < <f32>cols ? <i32>k : -1;
}

/** The greatest number of a row. NaN may be passed over: it shows in the sum. */
function greatestOf(cols: i32, y: usize): f32 {
  const bytes = <usize>cols << 2;
  const least = f32x4.splat(-Infinity);
  let most = least;
  for (let n: usize = 0; n < bytes; n += 16) {
    const lanes = n + 16 > bytes ? lastLanes(cols) : allLanes();
    most = f32x4.pmax(most, v128.bitselect(v128.load(y + n), least, lanes));
  }
  most = f32x4.pmax(most, v128.shuffle<f32>(most, most, 2, 3, 0, 1));
  most = f32x4.pmax(most, v128.shuffle<f32>(most, most, 1, 0, 3, 2));
  return f32x4.extract_lane(most, 0);
}

/** Sum of exp(y - most), at least 1; the powers go to e, unless that is 0. */
function exponentials(cols: i32, y: usize, most: f32, e: usize): f64 {
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

/** The logarithm of a sum of at least 1, to the last places where it is close to that. */
function logOfSum(sum: f64): f64 {
  const y = sum > 2 ? log(f32x4.splat(<f32>sum)) : log1p(f32x4.splat(<f32>(sum - 1)));
  return <f64>f32x4.extract_lane(y, 0);
}

/** -sum t log(softmax(y)) = sum t (max - y) + sum t log(sum exp(y - max)): no term is negative, nothing cancels. */
function softmaxCrossentropy(cols: i32, y: usize, target: usize, dy: usize, scale: f32): f64 {
  const bytes = <usize>cols << 2;
  const tail = lastLanes(cols);
  const greatest = greatestOf(cols, y);
  const sum = exponentials(cols, y, greatest, dy);
  const most = f32x4.splat(greatest);
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

/** The same where class k alone has a target, 1. */
function sparseSoftmaxCrossentropy(cols: i32, y: usize, k: i32, dy: usize, scale: f32): f64 {
  const greatest = greatestOf(cols, y);
  const sum = exponentials(cols, y, greatest, dy);
  const own = <usize>k << 2;
  if (dy) {
    const bytes = <usize>cols << 2;
    const lacking = <f64>load<f32>(dy + own) - sum;
    const share = f32x4.splat(<f32>(<f64>scale / sum));
    for (let n: usize = 0; n < bytes; n += 16) v128.store(dy + n, f32x4.mul(v128.load(dy + n), share));
    store<f32>(dy + own, <f32>((lacking / sum) * <f64>scale));
  }
  return <f64>(greatest - load<f32>(y + own)) + logOfSum(sum);
}

/** -sum t log(q), q = y / sum y: what the row has is scaled to sum to 1 first, as TF.js does. */
function crossentropy(cols: i32, y: usize, target: usize, dy: usize, scale: f32): f64 {
  const bytes = <usize>cols << 2;
  const tail = lastLanes(cols);
  const total = <f32>rowSum(cols, y, false);
  const sum = f32x4.splat(total);
  let value = f64x2.splat(0);
  let used = f64x2.splat(0); // targets of those that are not cut off
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

/** The same where class k alone has a target, 1; probabilities are kept in bounds before they are scaled, too. */
function sparseCrossentropy(cols: i32, y: usize, k: i32, dy: usize, scale: f32): f64 {
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

/** Sum of a row, of its numbers kept in the bounds of probabilities if so wished. */
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

/** max(0, 1 + max((1 - t) y) - sum t y). Where several share the maximum, each has its slope, as in TF.js. */
function categoricalHinge(cols: i32, y: usize, target: usize, dy: usize, scale: f32): f64 {
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

/** -sum t y / (|t| |y|), with lengths of at least the root of 1e-7. */
function cosineProximity(cols: i32, y: usize, target: usize, dy: usize, scale: f32): f64 {
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

// --------------------------------------------------------------------------------------------------------------- sums

@inline
function lowHalf(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

@inline
function highHalf(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 2, 3));
}

@inline
function sumOf(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}
