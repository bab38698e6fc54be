/** What losses and metrics work on: predictions beside targets, row by row. */

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

// The numbers of the losses: those of src/objective/losses.ts.
export const SQUARED_ERROR = 0;
export const ABSOLUTE_ERROR = 1;
export const HUBER = 2;
export const LOG_COSH = 3;
export const BINARY_CROSSENTROPY = 4;
export const CATEGORICAL_CROSSENTROPY = 5;
export const SPARSE_CATEGORICAL_CROSSENTROPY = 6;
export const ABSOLUTE_PERCENTAGE_ERROR = 7;
export const SQUARED_LOGARITHMIC_ERROR = 8;
export const HINGE = 9;
export const SQUARED_HINGE = 10;
export const CATEGORICAL_HINGE = 11;
export const KULLBACK_LEIBLER = 12;
export const POISSON = 13;
export const COSINE_PROXIMITY = 14;

/** Least probability, and the least size of a target that is divided by. */
export const EPSILON: f32 = 1e-7;

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
export function padded(n: i32): usize {
  return <usize>((n + 3) & ~3) << 2;
}

/** With x as first operand both comparisons let NaN through. */
@inline
export function clip(x: v128, least: v128, most: v128): v128 {
  return f32x4.pmax(f32x4.pmin(x, most), least);
}

/** A number kept in the bounds of probabilities. */
@inline
export function probability(y: v128): v128 {
  return clip(y, f32x4.splat(EPSILON), f32x4.splat(1 - EPSILON));
}
