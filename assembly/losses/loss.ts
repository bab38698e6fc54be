/**
 * Losses: the value in float64, and the gradient of the predictions.
 *
 * A row holds the N predictions of one sample at one time step. Most losses are means over the columns of a row; losses
 * over classes (categorical cross-entropies and the like) are one number for the whole row, likelihoods one for each of its
 * targets. The result is the mean over all unmasked rows. CTC is one number for a sample, over all of its time steps.
 *
 * The formulas are those of TF.js, with probabilities clipped to [1e-7, 1 - 1e-7]. Cross-entropies can start from the
 * logits instead, which keeps full precision for probabilities close to 0 and 1.
 */

import {
  categoricalHinge, classOf, cosineProximity, crossentropy, softmaxCrossentropy, sparseCrossentropy,
  sparseSoftmaxCrossentropy,
} from './classLosses';
import { countedSamples, ctcTerm, weightedSamples } from './ctc';
import { columnLosses } from './elementwiseLosses';
import { groupedLosses } from './likelihoods';
import { highHalf, lowHalf, sumOf } from '../math/f64Pairs';
import { allLanes, lastLanes } from '../math/laneMasks';
import { Loss, LossPlan, at, countedRows, factorOf, padded, weightedRows } from './lossPlan';

/**
 * The mean loss over the unmasked rows; writes its gradient to dy.
 *
 * A row whose mask or weight is 0 is not read, and its gradient is 0. Weights change the sum, not the count it is
 * divided by. Without unmasked rows the loss is 0. A class index out of range gives NaN.
 */
export function loss(plan: LossPlan): f64 {
  assert(plan.steps > 0 && plan.rows > 0 && plan.cols > 0);
  if (plan.kind != Loss.meanSquaredError) return otherLoss(plan);
  return meanSquaredError(plan, countedRows(plan) * <f64>(plan.cols / plan.group));
}

/** The same for the losses that not all programs have. */
export function otherLoss(plan: LossPlan): f64 {
  const count = countOf(plan);
  const binary = (plan.kind == Loss.hinge || plan.kind == Loss.squaredHinge) && holdsBits(plan);
  let sum: f64 = 0;
  for (let t = 0; t < termSteps(plan); t++) {
    for (let b = 0; b < plan.rows; b++) sum += term(plan, t, b, count, binary);
  }
  return count > 0 ? sum / count : 0;
}

/** The loss as a metric: the weighted mean, whose weights are those of a mean; 0 if they add up to 0. */
export function weightedMean(plan: LossPlan): f64 {
  const isCtc = plan.kind == Loss.ctc;
  const weights = isCtc ? weightedSamples(plan) : weightedRows(plan);
  const count = isCtc ? countedSamples(plan) : countedRows(plan);
  return weights != 0 ? loss(plan) * (count / weights) : 0;
}

/** The number of losses that the result is the mean of. */
function countOf(plan: LossPlan): f64 {
  if (plan.kind == Loss.ctc) return countedSamples(plan);
  const each = overClasses(plan.kind) ? 1 : plan.kind == Loss.pinball ? plan.cols : plan.cols / plan.group;
  return countedRows(plan) * <f64>each;
}

/** The time steps with terms of their own. */
@inline
function termSteps(plan: LossPlan): i32 {
  return plan.kind == Loss.ctc ? 1 : plan.steps;
}

/** The loss of a row times its weight; writes its gradient. */
@inline
function term(plan: LossPlan, t: i32, b: i32, count: f64, binary: bool): f64 {
  if (plan.kind == Loss.ctc) return ctcTerm(plan, b, count);
  const dy = plan.dy ? at(plan.dy, plan.dyStep, plan.dyRow, t, b) : 0;
  const factor = factorOf(plan, t, b);
  if (factor == 0) {
    if (dy) memory.fill(dy, 0, padded(plan.cols));
    return 0;
  }
  const y = at(plan.y, plan.yStep, plan.yRow, t, b);
  const target = at(plan.target, plan.targetStep, plan.targetRow, t, b);
  return factor * rowLoss(plan, y, target, dy, <f32>(factor / count), binary);
}

// The same in parts, which threads share; for losses other than the mean squared error and the hinge losses.

export function lossStart(plan: LossPlan): void {
  store<f64>(plan.terms, countOf(plan));
}

/** Computes the terms of some rows, of all T * B in the order of time steps; for CTC of some samples. */
export function lossRows(plan: LossPlan, first: i32, rows: i32): void {
  const count = load<f64>(plan.terms);
  let t = first / plan.rows;
  let b = first % plan.rows;
  for (let n = first + 1; n <= first + rows; n++) {
    store<f64>(plan.terms + (<usize>n << 3), term(plan, t, b, count, false));
    if (++b < plan.rows) continue;
    b = 0;
    t++;
  }
}

/** The mean of the terms, added up in the order of `loss`. */
export function lossEnd(plan: LossPlan): f64 {
  const count = load<f64>(plan.terms);
  let sum: f64 = 0;
  for (let n = 1; n <= termSteps(plan) * plan.rows; n++) sum += load<f64>(plan.terms + (<usize>n << 3));
  return count > 0 ? sum / count : 0;
}

/**
 * Whether every unmasked target is 0 or 1. If so, the hinge losses, whose targets are -1 and 1, treat 0 as -1, as in
 * Keras.
 */
function holdsBits(plan: LossPlan): bool {
  for (let t = 0; t < plan.steps; t++) {
    for (let b = 0; b < plan.rows; b++) {
      if (factorOf(plan, t, b) == 0) continue;
      const target = at(plan.target, plan.targetStep, plan.targetRow, t, b);
      for (let n: usize = 0; n < <usize>plan.cols << 2; n += 4) {
        const value = load<f32>(target + n);
        if (value != 0 && value != 1) return false;
      }
    }
  }
  return true;
}

/** Whether a loss is one number for a row instead of a mean over its columns. */
@inline
function overClasses(kind: i32): bool {
  return (
    kind == Loss.categoricalCrossentropy || kind == Loss.sparseCategoricalCrossentropy ||
    kind == Loss.categoricalHinge || kind == Loss.kullbackLeiblerDivergence || kind == Loss.cosineProximity
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

/** The undivided loss of a row; dy receives its gradient times `scale`, unless dy is 0. */
function rowLoss(plan: LossPlan, y: usize, target: usize, dy: usize, scale: f32, binary: bool): f64 {
  switch (plan.kind) {
    case Loss.categoricalCrossentropy:
      if (plan.logits) return softmaxCrossentropy(plan.cols, y, target, dy, scale);
      return crossentropy(plan.cols, y, target, dy, scale);
    case Loss.sparseCategoricalCrossentropy: {
      const k = classOf(target, plan.cols);
      if (k < 0) return NaN;
      if (plan.logits) return sparseSoftmaxCrossentropy(plan.cols, y, k, dy, scale);
      return sparseCrossentropy(plan.cols, y, k, dy, scale);
    }
    case Loss.categoricalHinge: return categoricalHinge(plan.cols, y, target, dy, scale);
    case Loss.cosineProximity: return cosineProximity(plan.cols, y, target, dy, scale);
    case Loss.pinball:
    case Loss.gaussianNLL:
    case Loss.studentTNLL:
    case Loss.negativeBinomialNLL: return groupedLosses(plan, y, target, dy, scale);
  }
  return columnLosses(plan, y, target, dy, scale, binary);
}
