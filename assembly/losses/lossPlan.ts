/** Input of losses and metrics: predictions and targets, row by row. */

/** A planned loss or metric, written by src/plan; offsets and strides in bytes. */
@unmanaged
export class LossPlan {
  kind: i32; // a Loss, or a Metric for `metric`
  steps: i32; // T
  rows: i32; // B
  cols: i32; // N
  y: usize; // (T, B, padded N): predictions, or logits
  yRow: usize;
  yStep: usize;
  dy: usize; // (T, B, padded N): gradient of y, overwritten, with zeros as padding; 0 to compute only the loss
  dyRow: usize;
  dyStep: usize;
  target: usize; // (T, B, N / group), (T, B, 1) for class indices or (B, labels); unpadded, then 12 readable bytes
  targetRow: usize;
  targetStep: usize;
  mask: usize; // (T, B): 1 for rows that count, else 0; 0 without a mask
  maskStep: usize;
  weights: usize; // (T, B): factors on the losses of the rows; 0 without weights
  weightRow: usize;
  weightStep: usize;
  logits: i32; // 1: y holds the logits of a softmax (categorical losses) or a sigmoid (binary loss)
  delta: i32; // float32 bits: where the Huber loss becomes linear
  group: i32; // predictions for each target: levels, or parameters of a distribution; else 1
  levels: usize; // float64 (group): the levels of pinball; 0 for other losses
  labels: i32; // CTC: the numbers of a target, labels and padding; the weights are (B)
  blank: i32; // CTC: the class of no label
  scratch: usize; // CTC: float64 (T + S + T S) with S = 2 min(labels, T) + 1 for each thread
  scratchBytes: usize; // of one thread
  terms: usize; // float64: the count that the sum is divided by, then the terms of the rows, or of the samples; 0: none
}

/** The losses by number. src/ reads names and numbers from here. */
export const enum Loss {
  meanSquaredError,
  meanAbsoluteError,
  huberLoss,
  logcosh,
  binaryCrossentropy,
  categoricalCrossentropy,
  sparseCategoricalCrossentropy,
  meanAbsolutePercentageError,
  meanSquaredLogarithmicError,
  hinge,
  squaredHinge,
  categoricalHinge,
  kullbackLeiblerDivergence,
  poisson,
  cosineProximity,
  pinball,
  gaussianNLL,
  studentTNLL,
  negativeBinomialNLL,
  ctc,
}

/** Smallest probability, and smallest absolute value of a target used as a divisor. */
export const EPSILON: f32 = 1e-7;

/** The number of unmasked rows. */
export function countedRows(plan: LossPlan): f64 {
  if (!plan.mask) return <f64>plan.steps * <f64>plan.rows;
  let count: f64 = 0;
  for (let t = 0; t < plan.steps; t++) {
    for (let b = 0; b < plan.rows; b++) count += <f64>load<f32>(at(plan.mask, plan.maskStep, 4, t, b));
  }
  return count;
}

/** The sum of the weights of the unmasked rows; their number without weights. */
export function weightedRows(plan: LossPlan): f64 {
  if (!plan.weights) return countedRows(plan);
  let sum: f64 = 0;
  for (let t = 0; t < plan.steps; t++) {
    for (let b = 0; b < plan.rows; b++) sum += factorOf(plan, t, b);
  }
  return sum;
}

/** The factor on the loss of a row: its weight, or 0 if it is masked. */
@inline
export function factorOf(plan: LossPlan, t: i32, b: i32): f64 {
  if (plan.mask && load<f32>(at(plan.mask, plan.maskStep, 4, t, b)) == 0) return 0;
  return plan.weights ? <f64>load<f32>(at(plan.weights, plan.weightStep, plan.weightRow, t, b)) : 1;
}

/** The address of a row. Steps may be negative, because the arithmetic wraps. */
@inline
export function at(start: usize, step: usize, row: usize, t: i32, b: i32): usize {
  return start + <usize>t * step + <usize>b * row;
}

/** Bytes of a row of n numbers, padded to whole vectors. */
@inline
export function padded(n: i32): usize {
  return <usize>((n + 3) & ~3) << 2;
}

/** x clipped to [least, most]. With x as the first operand, both comparisons keep NaN. */
@inline
export function clip(x: v128, least: v128, most: v128): v128 {
  return f32x4.pmax(f32x4.pmin(x, most), least);
}

/** y clipped to [1e-7, 1 - 1e-7]. */
@inline
export function probability(y: v128): v128 {
  return clip(y, f32x4.splat(EPSILON), f32x4.splat(1 - EPSILON));
}
