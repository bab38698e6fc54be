/**
 * Connectionist temporal classification (Graves et al., 2006): the loss of a sequence of labels that is shorter than the
 * sequence of predictions, from logits.
 *
 * It is -log of the probability of all paths over time that give the labels after equal neighbours have been joined and
 * blanks removed. A path goes through the states blank, label 0, blank, label 1, ..., blank. Forward and backward
 * probabilities are logarithms in float64. Masked time steps are left out.
 */

import { exp64, log64 } from '../math/scalars';
import { greatest } from '../math/softmax';
import { threadNumber } from '../memory/thread';
import { classOf, exponentials } from './classLosses';
import { LossPlan, at, padded } from './lossPlan';

/** The number of samples that have an unmasked time step. */
export function countedSamples(plan: LossPlan): f64 {
  let count = 0;
  for (let b = 0; b < plan.rows; b++) if (stepsOf(plan, b) > 0) count++;
  return <f64>count;
}

/** The sum of the weights of these samples. */
export function weightedSamples(plan: LossPlan): f64 {
  let sum: f64 = 0;
  for (let b = 0; b < plan.rows; b++) if (stepsOf(plan, b) > 0) sum += weightOf(plan, b);
  return sum;
}

@inline
function weightOf(plan: LossPlan, b: i32): f64 {
  return plan.weights ? <f64>load<f32>(at(plan.weights, 0, plan.weightRow, 0, b)) : 1;
}

/** The loss of a sample times its weight; writes the gradient of all of its time steps. NaN for labels that do not fit. */
export function ctcTerm(plan: LossPlan, b: i32, count: f64): f64 {
  if (plan.dy) {
    for (let t = 0; t < plan.steps; t++) memory.fill(at(plan.dy, plan.dyStep, plan.dyRow, t, b), 0, padded(plan.cols));
  }
  const weight = weightOf(plan, b);
  const steps = stepsOf(plan, b);
  if (weight == 0 || steps == 0) return 0;
  const labels = at(plan.target, 0, plan.targetRow, 0, b);
  const n = labelCount(plan, labels);
  if (n < 0 || n + repeats(labels, n) > steps) return NaN;
  const space = plan.scratch + <usize>threadNumber() * plan.scratchBytes;
  const value = forward(plan, b, steps, labels, 2 * n + 1, space);
  if (plan.dy) backward(plan, b, steps, labels, 2 * n + 1, space, value, weight / count);
  return -weight * value;
}

@inline
function counts(plan: LossPlan, t: i32, b: i32): bool {
  return !plan.mask || load<f32>(at(plan.mask, plan.maskStep, 4, t, b)) != 0;
}

/** The number of unmasked time steps of a sample. */
function stepsOf(plan: LossPlan, b: i32): i32 {
  if (!plan.mask) return plan.steps;
  let steps = 0;
  for (let t = 0; t < plan.steps; t++) if (counts(plan, t, b)) steps++;
  return steps;
}

/** The number of labels before the padding, which is -1 or the blank; -1 if one is not a class or follows padding. */
function labelCount(plan: LossPlan, labels: usize): i32 {
  let n = 0;
  for (let k = 0; k < plan.labels; k++) {
    const address = labels + (<usize>k << 2);
    const value = load<f32>(address);
    if (value == -1 || value == <f32>plan.blank) continue;
    if (n < k || classOf(address, plan.cols) < 0) return -1;
    n++;
  }
  return n;
}

/** How many labels equal the one before: a path must have a blank between them. */
function repeats(labels: usize, n: i32): i32 {
  let count = 0;
  for (let k = 1; k < n; k++) if (labelAt(labels, k) == labelAt(labels, k - 1)) count++;
  return count;
}

@inline
function labelAt(labels: usize, k: i32): i32 {
  return <i32>load<f32>(labels + (<usize>k << 2));
}

/** The class of a state. */
@inline
function classAt(plan: LossPlan, labels: usize, s: i32): i32 {
  return s & 1 ? labelAt(labels, s >> 1) : plan.blank;
}

/** Whether a path can go from the label before to that of state s without a blank. */
@inline
function skips(labels: usize, s: i32): bool {
  return (s & 1) == 1 && s > 1 && labelAt(labels, s >> 1) != labelAt(labels, (s >> 1) - 1);
}

/** log(exp(a) + exp(b) + exp(c)). */
function logSum(a: f64, b: f64, c: f64): f64 {
  const upper = max(a, b);
  const lower = min(a, b);
  const most = max(upper, c);
  const middle = max(lower, min(upper, c));
  if (most == -Infinity || middle < most - 37) return most; // the others are too small to count
  return most + log64(1 + exp64(middle - most) + exp64(min(lower, c) - most));
}

// The space of a sample: float64 normalizers (T), backward variables (S), and forward variables (T, S)

@inline
function backwardAt(plan: LossPlan, space: usize, s: i32): usize {
  return space + (<usize>(plan.steps + s) << 3);
}

@inline
function forwardAt(plan: LossPlan, space: usize, states: i32, m: i32, s: i32): usize {
  return space + (<usize>(plan.steps + states + m * states + s) << 3);
}

/** The logarithm of the probability of the labels. Keeps the forward variables, which include the step of their own. */
function forward(plan: LossPlan, b: i32, steps: i32, labels: usize, states: i32, space: usize): f64 {
  let m = 0;
  for (let t = 0; t < plan.steps; t++) {
    if (!counts(plan, t, b)) continue;
    const y = at(plan.y, plan.yStep, plan.yRow, t, b);
    const peak = greatest(y, plan.cols);
    const normalizer = <f64>peak + log64(exponentials(plan.cols, y, peak, 0));
    store<f64>(space + (<usize>m << 3), normalizer);
    const now = forwardAt(plan, space, states, m, 0);
    const before = now - (<usize>states << 3);
    // States that a path can have reached, and from which it can reach the end
    const first = states - 2 * (steps - m);
    const last = 2 * m + 1;
    for (let s = 0; s < states; s++) {
      const offset = <usize>s << 3;
      let value: f64 = -Infinity;
      if (s >= first && s <= last) {
        value = 0;
        if (m > 0) {
          const own = load<f64>(before + offset);
          const next = s > 0 ? load<f64>(before + offset - 8) : -Infinity;
          value = logSum(own, next, skips(labels, s) ? load<f64>(before + offset - 16) : -Infinity);
        }
        value += <f64>load<f32>(y + (<usize>classAt(plan, labels, s) << 2)) - normalizer;
      }
      store<f64>(now + offset, value);
    }
    m++;
  }
  const end = forwardAt(plan, space, states, steps, 0);
  return logSum(load<f64>(end - 8), states > 1 ? load<f64>(end - 16) : -Infinity, -Infinity);
}

/** The gradient: at each time step, softmax(y) minus the probability of each class given the labels. */
function backward(
  plan: LossPlan, b: i32, steps: i32, labels: usize, states: i32, space: usize, total: f64, scale: f64,
): void {
  for (let s = 0; s < states; s++) store<f64>(backwardAt(plan, space, s), s >= states - 2 ? 0 : -Infinity);
  let m = steps - 1;
  for (let t = plan.steps - 1; t >= 0; t--) {
    if (!counts(plan, t, b)) continue;
    const y = at(plan.y, plan.yStep, plan.yRow, t, b);
    const dy = at(plan.dy, plan.dyStep, plan.dyRow, t, b);
    const share = f32x4.splat(<f32>(scale / exponentials(plan.cols, y, greatest(y, plan.cols), dy)));
    for (let n: usize = 0; n < padded(plan.cols); n += 16) v128.store(dy + n, f32x4.mul(v128.load(dy + n), share));
    const normalizer = load<f64>(space + (<usize>m << 3));
    for (let s = 0; s < states; s++) {
      const own = backwardAt(plan, space, s);
      const place = <usize>classAt(plan, labels, s) << 2;
      const value = load<f64>(own);
      const probability = exp64(load<f64>(forwardAt(plan, space, states, m, s)) + value - total);
      store<f32>(dy + place, load<f32>(dy + place) - <f32>(probability * scale));
      store<f64>(own, value + <f64>load<f32>(y + place) - normalizer);
    }
    // In place, because a state reads only itself and later ones
    for (let s = 0; s < states; s++) {
      const own = backwardAt(plan, space, s);
      const next = s + 1 < states ? load<f64>(own + 8) : -Infinity;
      const later = s + 2 < states && skips(labels, s + 2) ? load<f64>(own + 16) : -Infinity;
      store<f64>(own, logSum(load<f64>(own), next, later));
    }
    m--;
  }
}
