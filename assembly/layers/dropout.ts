/**
 * Dropout and noise, in training: each number is multiplied by a random factor, or a random number is added to it.
 *
 * The random numbers depend only on the seed of the layer and the number of the batch. They are computed with integers and
 * float64, without fused operations, so they are the same in every engine and in every build.
 */

import { allLanes, lastLanes } from '../math/laneMasks';
import { next, nextNormals, seedPair } from '../math/random';

/** The random numbers of a layer. src/ reads names and numbers from here. */
export const enum Noise {
  /** Factors: 0 with the probability `amount`, else 1 / (1 - amount). */
  dropout,
  /** Normal factors of mean 1 and deviation `amount`. */
  factors,
  /** Normal summands of mean 0 and deviation `amount`. */
  summands,
}

/** A planned layer of noise, written by src/plan; offsets and strides in bytes. */
@unmanaged
export class DropoutPlan {
  noise: i32; // a Noise
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
  dx: usize; // [T, B, padded D]: gradient of x, overwritten; 0 for none, and for summands, where it is dy
  dxRow: usize;
  dxStep: usize;
  mask: usize; // scratch [T or 1, B, padded D]: the random numbers
  seed: i32;
  amount: i32; // float32 bits: a probability in [0, 1), or a deviation
  shared: i32; // 1: one mask for all time steps
}

/** The number of the training batch, counted from the creation of the model. */
let batch: f64 = 0;

/** Sets the number of the next training batch, which the random numbers depend on. */
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

/** Draws the random numbers and applies them. */
export function dropoutForward(plan: DropoutPlan): void {
  const padded = (plan.width + 3) & ~3;
  const count = (plan.shared ? 1 : plan.steps) * plan.rows * padded;
  const amount = reinterpret<f32>(plan.amount);
  if (plan.noise == Noise.dropout) {
    dropoutMask(plan.mask, count, plan.seed, amount);
  } else {
    seedPair(plan.seed, batch);
    nextNormals(plan.mask, count, plan.noise == Noise.factors ? 1 : 0, amount);
  }
  const adds = plan.noise == Noise.summands;
  apply(plan, adds, plan.y, plan.yRow, plan.yStep, plan.x, plan.xRow, plan.xStep);
}

/** dx = dy times the factors of the last dropoutForward. */
export function dropoutBackward(plan: DropoutPlan): void {
  if (plan.dx) apply(plan, false, plan.dx, plan.dxRow, plan.dxStep, plan.dy, plan.dyRow, plan.dyStep);
}

function apply(
  plan: DropoutPlan, adds: bool,
  to: usize, toRow: usize, toStep: usize, from: usize, fromRow: usize, fromStep: usize,
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
        const x = v128.load(p + k);
        const noise = v128.load(mask + k);
        const result = adds ? f32x4.add(x, noise) : f32x4.mul(x, noise);
        v128.store(q + k, v128.and(result, k + 16 > bytes ? tail : whole));
      }
    }
  }
}
