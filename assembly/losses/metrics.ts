/** Metrics that are no losses: how many predictions are right, over the rows that the mask leaves. */

import { cosineProximity } from './classLosses';
import { LossPlan, at, countedRows, factorOf } from './lossPlan';

// The numbers of the metrics: those of src/objective/metrics.ts.
const BINARY_ACCURACY = 0;
const CATEGORICAL_ACCURACY = 1;
const SPARSE_CATEGORICAL_ACCURACY = 2;
const PRECISION = 3;
const RECALL = 4;
const R2_SCORE = 5;
const COSINE_SIMILARITY = 6;
const ROOT_MEAN_SQUARED_ERROR = 7;

/**
 * The metric over one batch; neither dy nor weights are looked at. Where no row counts, it is 0.
 *
 * Of 0 and 1, a prediction above one half means 1. Precision and recall are taken over all columns together.
 */
export function metric(plan: LossPlan): f64 {
  assert(plan.weights == 0);
  const count = countedRows(plan);
  if (count == 0) return 0;
  switch (plan.kind) {
    case PRECISION:
    case RECALL: return found(plan);
    case R2_SCORE: return r2Score(plan, count);
    case ROOT_MEAN_SQUARED_ERROR: return Math.sqrt(squares(plan) / (count * <f64>plan.cols));
  }
  let right: f64 = 0;
  for (let t = 0; t < plan.steps; t++) {
    for (let b = 0; b < plan.rows; b++) {
      if (factorOf(plan, t, b) == 0) continue;
      const y = at(plan.y, plan.yStep, plan.yRow, t, b);
      const target = at(plan.target, plan.targetStep, plan.targetRow, t, b);
      switch (plan.kind) {
        case BINARY_ACCURACY: {
          right += agreement(y, target, plan.cols);
          break;
        }
        case CATEGORICAL_ACCURACY: {
          right += indexOfGreatest(y, plan.cols) == indexOfGreatest(target, plan.cols) ? 1 : 0;
          break;
        }
        case SPARSE_CATEGORICAL_ACCURACY: {
          right += <f32>indexOfGreatest(y, plan.cols) == load<f32>(target) ? 1 : 0;
          break;
        }
        case COSINE_SIMILARITY: {
          right -= cosineProximity(plan.cols, y, target, 0, 0);
          break;
        }
      }
    }
  }
  return right / count;
}

/** The part of the columns where the target is what y says. */
function agreement(y: usize, target: usize, cols: i32): f64 {
  let same = 0;
  for (let n: usize = 0; n < <usize>cols << 2; n += 4) {
    const said: f32 = load<f32>(y + n) > 0.5 ? 1 : 0;
    if (load<f32>(target + n) == said) same++;
  }
  return <f64>same / <f64>cols;
}

/** The first of the greatest. */
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

/** Of the ones that y says (precision), or of those in the target (recall), the part that is in both; 0 of none. */
function found(plan: LossPlan): f64 {
  let both = 0;
  let all = 0;
  for (let t = 0; t < plan.steps; t++) {
    for (let b = 0; b < plan.rows; b++) {
      if (factorOf(plan, t, b) == 0) continue;
      const y = at(plan.y, plan.yStep, plan.yRow, t, b);
      const target = at(plan.target, plan.targetStep, plan.targetRow, t, b);
      for (let n: usize = 0; n < <usize>plan.cols << 2; n += 4) {
        const said = load<f32>(y + n) > 0.5;
        const is = load<f32>(target + n) > 0.5;
        if (said && is) both++;
        if (plan.kind == PRECISION ? said : is) all++;
      }
    }
  }
  return all > 0 ? <f64>both / <f64>all : 0;
}

/** Sum of (y - t)^2. */
function squares(plan: LossPlan): f64 {
  let sum: f64 = 0;
  for (let t = 0; t < plan.steps; t++) {
    for (let b = 0; b < plan.rows; b++) {
      if (factorOf(plan, t, b) == 0) continue;
      const y = at(plan.y, plan.yStep, plan.yRow, t, b);
      const target = at(plan.target, plan.targetStep, plan.targetRow, t, b);
      for (let n: usize = 0; n < <usize>plan.cols << 2; n += 4) {
        const difference = <f64>load<f32>(y + n) - <f64>load<f32>(target + n);
        sum += difference * difference;
      }
    }
  }
  return sum;
}

/** 1 - sum (y - t)^2 / sum (t - mean t)^2. */
function r2Score(plan: LossPlan, count: f64): f64 {
  let sum: f64 = 0;
  let residuals: f64 = 0;
  let squares: f64 = 0;
  let mean: f64 = 0;
  for (let pass = 0; pass < 2; pass++) {
    for (let t = 0; t < plan.steps; t++) {
      for (let b = 0; b < plan.rows; b++) {
        if (factorOf(plan, t, b) == 0) continue;
        const y = at(plan.y, plan.yStep, plan.yRow, t, b);
        const target = at(plan.target, plan.targetStep, plan.targetRow, t, b);
        for (let n: usize = 0; n < <usize>plan.cols << 2; n += 4) {
          const value = <f64>load<f32>(target + n);
          const residual = <f64>load<f32>(y + n) - value;
          sum += value;
          residuals += residual * residual;
          squares += (value - mean) * (value - mean);
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
