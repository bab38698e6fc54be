/**
 * Connectionist temporal classification (Graves et al., 2006): the loss of a sequence of labels that is shorter than the
 * sequence of predictions, from logits.
 *
 * It is -log of the probability of all paths over time that give the labels after equal neighbours have been joined and
 * blanks removed. A path goes through the states blank, label 0, blank, label 1, ..., blank. Masked time steps are left out.
 *
 * A probability is m 2^(300 e), two numbers in float64, with m from 2^-300 to 2^300, or 0 with e = -infinity. So it cannot
 * underflow, and needs no logarithm and no exponential for each state; most of them have the same e.
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
  if (plan.dy) backward(plan, b, steps, labels, 2 * n + 1, space, weight / count);
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

/** Whether a path can go from the label before to that of state s without a blank. */
@inline
function skips(labels: usize, s: i32): bool {
  return (s & 1) == 1 && s > 1 && labelAt(labels, s >> 1) != labelAt(labels, (s >> 1) - 1);
}

const UNIT: f64 = 207.94415416798357; // 300 ln 2
const UP: f64 = 2.037035976334486e90; // 2^300
const DOWN: f64 = 4.909093465297727e-91; // 2^-300

/** 2^(300 n) for an integer of at most 3; 0 where it is too small to count. */
function power(n: f64): f64 {
  if (n == 0) return 1;
  if (n == -1) return DOWN;
  if (n == -2) return DOWN * DOWN;
  if (n == -3) return DOWN * DOWN * DOWN;
  if (n == 1) return UP;
  if (n == 2) return UP * UP;
  return n == 3 ? UP * UP * UP : 0;
}

/** exp(x) of a number of at most about 0, as a probability. */
function storeExp(address: usize, x: f64): void {
  let e: f64 = 0;
  if (x < -UNIT) {
    e = x == -Infinity ? x : -floor(x / -UNIT);
    x = x == -Infinity ? x : min(max(x - e * UNIT, -UNIT), 0);
  }
  store<f64>(address, exp64(x));
  store<f64>(address, e, 8);
}

/** Stores the product of a probability with another. */
@inline
function storeProduct(address: usize, m: f64, e: f64, factor: usize): void {
  m *= load<f64>(factor);
  e += load<f64>(factor, 8);
  if (m < DOWN) {
    e = m == 0 ? -Infinity : e - 1;
    m *= UP;
  }
  store<f64>(address, m);
  store<f64>(address, e, 8);
}

/** The m of a probability whose e is to be another, not smaller one. */
@inline
function aligned(m: f64, from: f64, to: f64): f64 {
  return from == to ? m : m * power(from - to);
}

// The space of a sample: float64 normalizers (T), and probabilities: backward variables (S), those of blank and labels at a
// step ((S + 1) / 2), and forward variables (T, S)

@inline
function backwardAt(plan: LossPlan, space: usize, s: i32): usize {
  return space + (<usize>plan.steps << 3) + (<usize>s << 4);
}

@inline
function forwardAt(plan: LossPlan, space: usize, states: i32, m: i32, s: i32): usize {
  return backwardAt(plan, space, states + ((states + 1) >> 1) + m * states + s);
}

/** The probability of the class of a state at a step. */
@inline
function classAt(classes: usize, s: i32): usize {
  return classes + (s & 1 ? <usize>(s + 1) << 3 : 0);
}

/** Stores the probabilities of blank and labels at a step. */
function storeClasses(plan: LossPlan, classes: usize, y: usize, labels: usize, n: i32, normalizer: f64): void {
  storeExp(classes, <f64>load<f32>(y + (<usize>plan.blank << 2)) - normalizer);
  for (let k = 0; k < n; k++) {
    const place = <usize>labelAt(labels, k) << 2;
    storeExp(classes + (<usize>(k + 1) << 4), <f64>load<f32>(y + place) - normalizer);
  }
}

/** The logarithm of the probability of the labels. Keeps the forward variables, which include the step of their own. */
function forward(plan: LossPlan, b: i32, steps: i32, labels: usize, states: i32, space: usize): f64 {
  const classes = backwardAt(plan, space, states);
  let m = 0;
  for (let t = 0; t < plan.steps; t++) {
    if (!counts(plan, t, b)) continue;
    const y = at(plan.y, plan.yStep, plan.yRow, t, b);
    const peak = greatest(y, plan.cols);
    const normalizer = <f64>peak + log64(exponentials(plan.cols, y, peak, 0));
    store<f64>(space + (<usize>m << 3), normalizer);
    storeClasses(plan, classes, y, labels, states >> 1, normalizer);
    const now = forwardAt(plan, space, states, m, 0);
    const before = now - (<usize>states << 4);
    // States that a path can have reached, and from which it can reach the end
    const first = states - 2 * (steps - m);
    const last = 2 * m + 1;
    // Of the states s - 1 and s - 2 at the step before
    let value1: f64 = 0;
    let value2: f64 = 0;
    let e1: f64 = -Infinity;
    let e2: f64 = -Infinity;
    for (let s = 0; s < states; s++) {
      const offset = <usize>s << 4;
      const value = m > 0 ? load<f64>(before + offset) : 1;
      const own = m > 0 ? load<f64>(before + offset, 8) : 0;
      if (s < first || s > last) {
        store<f64>(now + offset, 0);
        store<f64>(now + offset, -Infinity, 8);
      } else if (m == 0) {
        storeProduct(now + offset, 1, 0, classAt(classes, s));
      } else {
        const isSkipped = skips(labels, s);
        const e = max(max(own, e1), isSkipped ? e2 : -Infinity);
        let sum = aligned(value, own, e) + aligned(value1, e1, e);
        if (isSkipped) sum += aligned(value2, e2, e);
        storeProduct(now + offset, sum, e, classAt(classes, s));
      }
      value2 = value1;
      e2 = e1;
      value1 = value;
      e1 = own;
    }
    m++;
  }
  const end = forwardAt(plan, space, states, steps, 0);
  const e = totalExponent(end, states);
  const total = totalAt(end, states, e);
  return total == 0 ? -Infinity : log64(total) + e * UNIT;
}

// The probability of the labels: the sum of the last two states, which end at an address

@inline
function totalExponent(end: usize, states: i32): f64 {
  const e = load<f64>(end - 8);
  return states > 1 ? max(e, load<f64>(end - 24)) : e;
}

@inline
function totalAt(end: usize, states: i32, e: f64): f64 {
  const last = aligned(load<f64>(end - 16), load<f64>(end - 8), e);
  return states > 1 ? last + aligned(load<f64>(end - 32), load<f64>(end - 24), e) : last;
}

/** The gradient: at each time step, softmax(y) minus the probability of each class given the labels. */
function backward(plan: LossPlan, b: i32, steps: i32, labels: usize, states: i32, space: usize, scale: f64): void {
  const classes = backwardAt(plan, space, states);
  const end = forwardAt(plan, space, states, steps, 0);
  const totalE = totalExponent(end, states);
  const factor = scale / totalAt(end, states, totalE);
  for (let s = 0; s < states; s++) {
    const own = backwardAt(plan, space, s);
    store<f64>(own, s >= states - 2 ? 1 : 0);
    store<f64>(own, s >= states - 2 ? 0 : -Infinity, 8);
  }
  let m = steps - 1;
  for (let t = plan.steps - 1; t >= 0; t--) {
    if (!counts(plan, t, b)) continue;
    const y = at(plan.y, plan.yStep, plan.yRow, t, b);
    const dy = at(plan.dy, plan.dyStep, plan.dyRow, t, b);
    const share = f32x4.splat(<f32>(scale / exponentials(plan.cols, y, greatest(y, plan.cols), dy)));
    for (let n: usize = 0; n < padded(plan.cols); n += 16) v128.store(dy + n, f32x4.mul(v128.load(dy + n), share));
    storeClasses(plan, classes, y, labels, states >> 1, load<f64>(space + (<usize>m << 3)));
    const row = forwardAt(plan, space, states, m, 0);
    let blank: f64 = 0;
    // A state reads only itself and earlier ones, the later states of the paths
    let value1: f64 = 0;
    let value2: f64 = 0;
    let e1: f64 = -Infinity;
    let e2: f64 = -Infinity;
    for (let s = states - 1; s >= 0; s--) {
      const own = backwardAt(plan, space, s);
      const reached = row + (<usize>s << 4);
      const value = load<f64>(own);
      const e = load<f64>(own, 8);
      const shift = load<f64>(reached, 8) + e - totalE;
      const both = load<f64>(reached) * value * factor;
      const probability = shift == 0 ? both : both * power(shift);
      if (s & 1) {
        const place = dy + (<usize>labelAt(labels, s >> 1) << 2);
        store<f32>(place, load<f32>(place) - <f32>probability);
      } else {
        blank += probability;
      }
      storeProduct(own, value, e, classAt(classes, s));
      const current = load<f64>(own);
      const currentE = load<f64>(own, 8);
      const isSkipped = s + 2 < states && skips(labels, s + 2);
      const most = max(max(currentE, e1), isSkipped ? e2 : -Infinity);
      let sum = aligned(current, currentE, most) + aligned(value1, e1, most);
      if (isSkipped) sum += aligned(value2, e2, most);
      store<f64>(own, sum);
      store<f64>(own, most, 8);
      value2 = value1;
      e2 = e1;
      value1 = current;
      e1 = currentE;
    }
    const place = dy + (<usize>plan.blank << 2);
    store<f32>(place, load<f32>(place) - <f32>blank);
    m--;
  }
}

