/** Losses computed column by column: values and derivatives, four columns at a time. */

import { highHalf, lowHalf, sumOf } from '../math/f64Pairs';
import { allLanes, lastLanes } from '../math/laneMasks';
import { log, log1p } from '../math/log';
import { EPSILON, Loss, LossPlan, clip, probability } from './lossPlan';
import { exp, sigmoid, tanh } from '../math/elementary';

const LN2: f32 = 0.6931472;

/**
 * Sum of the losses over the columns of a row.
 *
 * @param dy receives the gradient times `scale`; 0 for none
 * @param binary whether to convert targets of 0 and 1 to -1 and 1
 */
export function columnLosses(plan: LossPlan, y: usize, target: usize, dy: usize, scale: f32, binary: bool): f64 {
  const squared = plan.kind == Loss.meanSquaredLogarithmicError || plan.kind == Loss.squaredHinge;
  const delta = f32x4.splat(reinterpret<f32>(plan.delta));
  const kind = plan.kind == Loss.binaryCrossentropy && plan.logits ? -1 : plan.kind;
  const scales = f32x4.splat(squared ? 2 * scale : scale);
  const bytes = <usize>plan.cols << 2;
  let sum = f64x2.splat(0);
  for (let n: usize = 0; n < bytes; n += 16) {
    const lanes = n + 16 > bytes ? lastLanes(plan.cols) : allLanes();
    const a = v128.load(y + n);
    let b = v128.load(target + n);
    if (binary) b = f32x4.sub(f32x4.add(b, b), f32x4.splat(1));
    const value = v128.and(valueOf(kind, a, b, delta), lanes);
    const low = lowHalf(value);
    const high = highHalf(value);
    // Squared in float64, because squares overflow float32 long before the numbers do
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

/** Losses of four columns; of squared losses, the number to square. Kind -1 is binary cross-entropy from logits. */
function valueOf(kind: i32, y: v128, t: v128, delta: v128): v128 {
  switch (kind) {
    case -1: {
      // max(y, 0) - y t + log(1 + exp(-|y|))
      const ramp = f32x4.pmax(y, f32x4.splat(0));
      return f32x4.add(f32x4.sub(ramp, f32x4.mul(y, t)), log1p(exp(f32x4.neg(f32x4.abs(y)))));
    }
    case Loss.meanAbsoluteError: return f32x4.abs(f32x4.sub(y, t));
    case Loss.huberLoss: {
      const d = f32x4.sub(y, t);
      const c = clip(d, f32x4.neg(delta), delta);
      return f32x4.mul(c, f32x4.sub(d, f32x4.mul(c, f32x4.splat(0.5))));
    }
    case Loss.logcosh: {
      // log(cosh(d)) = log(1 + (cosh(d) - 1)); cosh(d) - 1 = 2 sinh(d/2)^2, without cancellation for small d
      const d = f32x4.abs(f32x4.sub(y, t));
      const half = f32x4.mul(d, f32x4.splat(0.5));
      const h = tanh(half);
      const h2 = f32x4.mul(h, h);
      const small = f32x4.sub(log1p(h2), log1p(f32x4.neg(h2)));
      const large = f32x4.sub(f32x4.add(d, log1p(exp(f32x4.mul(d, f32x4.splat(-2))))), f32x4.splat(LN2));
      return v128.bitselect(small, large, f32x4.lt(d, f32x4.splat(1)));
    }
    case Loss.binaryCrossentropy: {
      // -t log(p) - (1 - t) log(1 - p); the larger of p and 1 - p is 1 minus the smaller, so log1p gives its logarithm
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
    case Loss.meanAbsolutePercentageError:
      return f32x4.div(f32x4.mul(f32x4.splat(100), f32x4.abs(f32x4.sub(t, y))), sizeOf(t));
    case Loss.meanSquaredLogarithmicError: return f32x4.sub(logOf1And(y), logOf1And(t));
    case Loss.hinge:
    case Loss.squaredHinge: return f32x4.pmax(margin(y, t), f32x4.splat(0));
    case Loss.kullbackLeiblerDivergence: return f32x4.mul(t, log(f32x4.div(upToOne(t), upToOne(y))));
    case Loss.poisson: {
      const value = f32x4.sub(y, f32x4.mul(t, log(f32x4.add(y, f32x4.splat(EPSILON)))));
      return v128.or(value, f32x4.lt(t, f32x4.splat(0))); // NaN for targets below 0
    }
  }
  return f32x4.splat(NaN);
}

/** Derivatives of these values with respect to y. */
function slopeOf(kind: i32, y: v128, t: v128, delta: v128): v128 {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  switch (kind) {
    case -1: return f32x4.sub(sigmoid(y), t);
    case Loss.meanAbsoluteError: return sign(f32x4.sub(y, t));
    case Loss.huberLoss: return clip(f32x4.sub(y, t), f32x4.neg(delta), delta);
    case Loss.logcosh: return tanh(f32x4.sub(y, t));
    case Loss.binaryCrossentropy: {
      const p = probability(y);
      const slope = f32x4.div(f32x4.sub(p, t), f32x4.mul(p, f32x4.sub(one, p)));
      return v128.and(slope, f32x4.eq(p, y));
    }
    case Loss.meanAbsolutePercentageError:
      return f32x4.div(f32x4.mul(f32x4.splat(100), sign(f32x4.sub(y, t))), sizeOf(t));
    case Loss.meanSquaredLogarithmicError:
      return v128.and(f32x4.div(one, f32x4.add(one, y)), f32x4.ge(y, f32x4.splat(EPSILON)));
    case Loss.hinge:
    case Loss.squaredHinge: return v128.and(f32x4.neg(t), f32x4.gt(margin(y, t), zero));
    case Loss.kullbackLeiblerDivergence: return v128.and(f32x4.neg(f32x4.div(t, y)), f32x4.eq(upToOne(y), y));
    case Loss.poisson: return f32x4.sub(one, f32x4.div(t, f32x4.add(y, f32x4.splat(EPSILON))));
  }
  return f32x4.splat(NaN);
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
