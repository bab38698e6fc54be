/**
 * Losses of predicted quantiles and distributions. Each target has `group` predictions side by side: one for each level, or
 * the parameters of a distribution. Parameters that must be positive are softplus(prediction) + 1e-6.
 */

import { digammaDifference, lgammaDifference } from '../math/gamma';
import { log1p64, log64, sigmoid64, softplus64 } from '../math/scalars';
import { Loss, LossPlan, padded } from './lossPlan';

/** The smallest scale, mean and dispersion. */
const LEAST: f64 = 1e-6;
const PI: f64 = 3.141592653589793;
/** log(2 pi) / 2. */
const LOG_ROOT: f64 = 0.9189385332046727;

/** Sum of the losses over the targets of a row; dy receives the gradient times `scale`, unless it is 0. */
export function groupedLosses(plan: LossPlan, y: usize, target: usize, dy: usize, scale: f64): f64 {
  const width = <usize>plan.group << 2;
  const end = y + (<usize>plan.cols << 2);
  if (dy) memory.fill(dy, 0, padded(plan.cols));
  let sum: f64 = 0;
  for (; y < end; y += width, target += 4) {
    sum += lossOf(plan, y, <f64>load<f32>(target), dy, scale);
    if (dy) dy += width;
  }
  return sum;
}

/** The loss of a target t. */
function lossOf(plan: LossPlan, y: usize, t: f64, dy: usize, scale: f64): f64 {
  switch (plan.kind) {
    case Loss.pinball: return pinball(plan.levels, plan.group, y, t, dy, scale);
    case Loss.gaussianNLL: return gaussian(y, t, dy, scale);
    case Loss.studentTNLL: return studentT(y, t, dy, scale);
    case Loss.negativeBinomialNLL: return negativeBinomial(y, t, dy, scale);
  }
  return NaN;
}

/** Sum of max(q (t - y), (q - 1) (t - y)) over the levels q. The derivative is 0 where y equals t. */
function pinball(levels: usize, count: i32, y: usize, t: f64, dy: usize, scale: f64): f64 {
  let sum: f64 = 0;
  for (let k: usize = 0; k < <usize>count; k++) {
    const level = load<f64>(levels + (k << 3));
    const above = t - <f64>load<f32>(y + (k << 2));
    sum += above > 0 ? level * above : (level - 1) * above;
    if (!dy) continue;
    const slope = above > 0 ? -level : above < 0 ? 1 - level : 0;
    store<f32>(dy + (k << 2), <f32>(slope * scale));
  }
  return sum;
}

/** -log of the density of a normal distribution; predictions: mean, deviation. */
function gaussian(y: usize, t: f64, dy: usize, scale: f64): f64 {
  const raw = <f64>load<f32>(y, 4);
  const deviation = softplus64(raw) + LEAST;
  const z = (t - <f64>load<f32>(y)) / deviation;
  if (dy) {
    store<f32>(dy, <f32>((-scale * z) / deviation));
    store<f32>(dy, <f32>(((scale * (1 - z * z)) / deviation) * sigmoid64(raw)), 4);
  }
  return 0.5 * z * z + log64(deviation) + LOG_ROOT;
}

/** -log of the density of a t distribution; predictions: degrees of freedom above 2, location, scale. */
function studentT(y: usize, t: f64, dy: usize, scale: f64): f64 {
  const rawFreedom = <f64>load<f32>(y);
  const rawSpread = <f64>load<f32>(y, 8);
  const freedom = 2 + softplus64(rawFreedom);
  const spread = softplus64(rawSpread) + LEAST;
  const z = (t - <f64>load<f32>(y, 4)) / spread;
  const q = (z * z) / freedom;
  const l = log1p64(q);
  const half = 0.5 * freedom;
  if (dy) {
    const pull = (freedom + 1) / (freedom + z * z);
    const rest = (1 - ((freedom + 1) * q) / (1 + q)) / freedom;
    const ofFreedom = 0.5 * (l + rest - digammaDifference(half + 0.5, half, 0.5));
    store<f32>(dy, <f32>(scale * ofFreedom * sigmoid64(rawFreedom)));
    store<f32>(dy, <f32>((-scale * pull * z) / spread), 4);
    store<f32>(dy, <f32>(((scale * (1 - pull * z * z)) / spread) * sigmoid64(rawSpread)), 8);
  }
  const constant = 0.5 * log64(freedom * PI) - lgammaDifference(half + 0.5, half, 0.5);
  return constant + log64(spread) + 0.5 * (freedom + 1) * l;
}

/**
 * -log of the probability of a count t of a negative binomial distribution; predictions: mean, dispersion. The variance is
 * mean + dispersion mean^2. NaN below 0.
 */
function negativeBinomial(y: usize, t: f64, dy: usize, scale: f64): f64 {
  if (t < 0) return NaN;
  const rawMean = <f64>load<f32>(y);
  const rawDispersion = <f64>load<f32>(y, 4);
  const mean = softplus64(rawMean) + LEAST;
  const dispersion = softplus64(rawDispersion) + LEAST;
  const r = 1 / dispersion;
  const l = log1p64(mean * dispersion);
  if (dy) {
    const ofMean = (mean - t) / (mean * (1 + mean * dispersion));
    const ofDispersion = -r * r * (l + (t - mean) / (r + mean) - digammaDifference(r + t, r, t));
    store<f32>(dy, <f32>(scale * ofMean * sigmoid64(rawMean)));
    store<f32>(dy, <f32>(scale * ofDispersion * sigmoid64(rawDispersion)), 4);
  }
  // log(gamma(t + r) / (gamma(t + 1) gamma(r))), as differences of the larger argument
  const ways =
    r > t + 1
      ? lgammaDifference(r + t, r, t) - lgammaDifference(t + 1, 1, t)
      : lgammaDifference(t + r, t + 1, r - 1) - lgammaDifference(r, 1, r - 1);
  return (r + t) * l - t * log64(mean * dispersion) - ways;
}
