/**
 * Dropout: in training, each number is set to zero with a given probability, and the others are scaled to keep the mean.
 *
 * The mask depends only on the seed of the layer and the number of the batch. It is computed with integers, so it is the
 * same in every engine and in every build.
 */

import { allLanes, lastLanes } from '../math/laneMasks';
import { next, seedPair } from '../math/random';

/** A planned dropout layer, written by src/plan; offsets and strides in bytes. */
@unmanaged
export class DropoutPlan {
  steps: i32; // T
  rows: i32; // B
  width: i32; // D
  x: usize; // [T, B, D], rows xRow apart, steps xStep apart
  xRow: usize;
  xStep: usize;
  y: usize; // [T, B, padded D]; the padding is written as zeros
  yRow: usize;
  yStep: usize;
  dy: usize; // [T, B, padded D]: gradient of y, its padding zero
  dyRow: usize;
  dyStep: usize;
  dx: usize; // [T, B, padded D]: gradient of x, overwritten; 0 for none
  dxRow: usize;
  dxStep: usize;
  mask: usize; // scratch [T or 1, B, padded D]
  seed: i32;
  rate: i32; // float32 bits, in [0, 1)
  shared: i32; // 1: one mask for all time steps
}

/** The number of the training batch, counted from the creation of the model. */
let batch: f64 = 0;

/** Sets the number of the next training batch, which the dropout masks depend on. */
export function setBatch(n: f64): void {
  batch = n;
}

/** n factors: 0 with the probability `rate`, else 1 / (1 - rate). */
export function dropoutMask(mask: usize, n: i32, seed: i32, rate: f32): void {
  seedPair(seed, batch);
  const least = <u32>(<f64>rate * 4294967296); // rate < 1
  const kept = <f32>(1 / (1 - <f64>rate));
  const end = mask + (<usize>n << 2);
  for (; mask + 4 < end; mask += 8) {
    const bits = next();
    store<f32>(mask, <u32>bits < least ? 0 : kept);
    store<f32>(mask, <u32>(bits >> 32) < least ? 0 : kept, 4);
  }
  if (mask < end) store<f32>(mask, <u32>next() < least ? 0 : kept);
}

/** Draws the mask and applies it. */
export function dropoutForward(plan: DropoutPlan): void {
  const padded = (plan.width + 3) & ~3;
  const masks = (plan.shared ? 1 : plan.steps) * plan.rows;
  dropoutMask(plan.mask, masks * padded, plan.seed, reinterpret<f32>(plan.rate));
  apply(plan, plan.y, plan.yRow, plan.yStep, plan.x, plan.xRow, plan.xStep);
}

/** dx = dy times the mask of the last dropoutForward. */
export function dropoutBackward(plan: DropoutPlan): void {
  if (plan.dx) apply(plan, plan.dx, plan.dxRow, plan.dxStep, plan.dy, plan.dyRow, plan.dyStep);
}

function apply(
  plan: DropoutPlan, to: usize, toRow: usize, toStep: usize, from: usize, fromRow: usize, fromStep: usize,
): void {
  const bytes = <usize>plan.width * 4;
  const tail = lastLanes(plan.width);
  const whole = allLanes();
  const row = (bytes + 15) & ~15;
  const step = plan.shared ? <usize>0 : <usize>plan.rows * row;
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    for (let b: usize = 0; b < <usize>plan.rows; b++) {
      const mask = plan.mask + t * step + b * row;
      const p = from + t * fromStep + b * fromRow;
      const q = to + t * toStep + b * toRow;
      for (let k: usize = 0; k < bytes; k += 16) {
        const product = f32x4.mul(v128.load(p + k), v128.load(mask + k));
        v128.store(q + k, v128.and(product, k + 16 > bytes ? tail : whole));
      }
    }
  }
}
