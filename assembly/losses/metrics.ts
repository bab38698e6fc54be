/** Metrics that are not losses, over the unmasked rows. */

import { cosineProximity } from './classLosses';
import { LossPlan, at, factorOf, weightedRows } from './lossPlan';

/** The metrics that are not losses, by number. src/ reads names and numbers from here. */
export const enum Metric {
  binaryAccuracy,
  categoricalAccuracy,
  sparseCategoricalAccuracy,
  precision,
  recall,
  r2Score,
  cosineSimilarity,
  rootMeanSquaredError,
}

/**
 * The metric of one batch, in which rows count by their weights; 0 if all rows are masked or of weight 0.
 *
 * Binary metrics read a prediction above 0.5 as 1. Precision and recall are over all columns together.
 */
export function metric(plan: LossPlan): f64 {
  const count = weightedRows(plan);
  if (count == 0) return 0;
  switch (plan.kind) {
    case Metric.precision:
    case Metric.recall: return precisionOrRecall(plan);
    case Metric.r2Score: return r2Score(plan, count);
    case Metric.rootMeanSquaredError: return Math.sqrt(squares(plan) / (count * <f64>plan.cols));
  }
  let right: f64 = 0;
  for (let t = 0; t < plan.steps; t++) {
    for (let b = 0; b < plan.rows; b++) {
      const factor = factorOf(plan, t, b);
      if (factor == 0) continue;
      const y = at(plan.y, plan.yStep, plan.yRow, t, b);
      const target = at(plan.target, plan.targetStep, plan.targetRow, t, b);
      switch (plan.kind) {
        case Metric.binaryAccuracy: {
          right += factor * agreement(y, target, plan.cols);
          break;
        }
        case Metric.categoricalAccuracy: {
          right += indexOfGreatest(y, plan.cols) == indexOfGreatest(target, plan.cols) ? factor : 0;
          break;
        }
        case Metric.sparseCategoricalAccuracy: {
          right += <f32>indexOfGreatest(y, plan.cols) == load<f32>(target) ? factor : 0;
          break;
        }
        case Metric.cosineSimilarity: {
          right -= factor * cosineProximity(plan.cols, y, target, 0, 0);
          break;
        }
      }
    }
  }
  return right / count;
}

/** The share of columns whose target equals the prediction. */
function agreement(y: usize, target: usize, cols: i32): f64 {
  let same = 0;
  for (let n: usize = 0; n < <usize>cols << 2; n += 4) {
    const predicted: f32 = load<f32>(y + n) > 0.5 ? 1 : 0;
    if (load<f32>(target + n) == predicted) same++;
  }
  return <f64>same / <f64>cols;
}

/** The first index of the maximum. */
function indexOfGreatest(y: usize, cols: i32): i32 {
  let best = 0;
  let most = load<f32>(y);
  for (let n = 1; n < cols; n++) {
    const value = load<f32>(y + (<usize>n << 2));
    if (value > most) {
      most = value;
      best = n;
    }
  }
  return best;
}

/** True positives divided by predicted positives (precision) or actual positives (recall); 0 without any. */
function precisionOrRecall(plan: LossPlan): f64 {
  let both: f64 = 0;
  let all: f64 = 0;
  for (let t = 0; t < plan.steps; t++) {
    for (let b = 0; b < plan.rows; b++) {
      const factor = factorOf(plan, t, b);
      if (factor == 0) continue;
      const y = at(plan.y, plan.yStep, plan.yRow, t, b);
      const target = at(plan.target, plan.targetStep, plan.targetRow, t, b);
      for (let n: usize = 0; n < <usize>plan.cols << 2; n += 4) {
        const predicted = load<f32>(y + n) > 0.5;
        const actual = load<f32>(target + n) > 0.5;
        if (predicted && actual) both += factor;
        if (plan.kind == Metric.precision ? predicted : actual) all += factor;
      }
    }
  }
  return all != 0 ? both / all : 0;
}

/** Weighted sum of (y - t)^2. */
function squares(plan: LossPlan): f64 {
  let sum: f64 = 0;
  for (let t = 0; t < plan.steps; t++) {
    for (let b = 0; b < plan.rows; b++) {
      const factor = factorOf(plan, t, b);
      if (factor == 0) continue;
      const y = at(plan.y, plan.yStep, plan.yRow, t, b);
      const target = at(plan.target, plan.targetStep, plan.targetRow, t, b);
      for (let n: usize = 0; n < <usize>plan.cols << 2; n += 4) {
        const difference = <f64>load<f32>(y + n) - <f64>load<f32>(target + n);
        sum += factor * difference * difference;
      }
    }
  }
  return sum;
}

/** 1 - sum (y - t)^2 / sum (t - mean t)^2, with weighted sums. */
function r2Score(plan: LossPlan, count: f64): f64 {
  let sum: f64 = 0;
  let residuals: f64 = 0;
  let squares: f64 = 0;
  let mean: f64 = 0;
  for (let pass = 0; pass < 2; pass++) {
    for (let t = 0; t < plan.steps; t++) {
      for (let b = 0; b < plan.rows; b++) {
        const factor = factorOf(plan, t, b);
        if (factor == 0) continue;
        const y = at(plan.y, plan.yStep, plan.yRow, t, b);
        const target = at(plan.target, plan.targetStep, plan.targetRow, t, b);
        for (let n: usize = 0; n < <usize>plan.cols << 2; n += 4) {
          const value = <f64>load<f32>(target + n);
          const residual = <f64>load<f32>(y + n) - value;
          sum += factor * value;
          residuals += factor * residual * residual;
          squares += factor * (value - mean) * (value - mean);
        }
      }
    }
    if (pass == 0) {
      mean = sum / (count * <f64>plan.cols);
      residuals = 0;
      squares = 0;
    }
  }
  return 1 - residuals / squares;
}
