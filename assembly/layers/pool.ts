/**
 * Pooling over time. Each output step is the maximum or the mean of a window of input steps.
 *
 * Letters: B batch, T time, D width. Rows are read and written up to whole vectors, padded with zeros.
 */

import { allLanes, lastLanes } from '../math/laneMasks';

/** How the numbers of a window become one. src/ reads names and numbers from here. */
export const enum PoolMode {
  max,
  average,
}

/** A planned pooling layer, written by src/plan; offsets and strides in bytes. */
@unmanaged
export class PoolPlan {
  mode: i32; // a PoolMode
  rows: i32; // B
  width: i32; // D
  window: i32; // steps in a window
  stride: i32; // steps between the starts of two windows
  before: i32; // steps of padding before the first one; padding counts in no window
  xSteps: i32; // T
  x: usize; // [T, B, D], rows xRow apart, steps xStep apart
  xRow: usize;
  xStep: usize;
  ySteps: i32; // T'; every window has at least one input step
  y: usize; // [T', B, padded D]; the padding is written as zeros
  yRow: usize;
  yStep: usize;
  dy: usize; // [T', B, padded D]: gradient of y, its padding zero
  dyRow: usize;
  dyStep: usize;
  dx: usize; // [T, B, padded D]: gradient of x, overwritten; 0 for none
  dxRow: usize;
  dxStep: usize;
  mask: usize; // [T, B]: 0 for input steps that no window counts; 0 for none. Its rows are 4 bytes apart
  maskStep: usize;
}

export function poolForward(plan: PoolPlan): void {
  const tail = lastLanes(plan.width);
  const whole = allLanes();
  const bytes = <usize>plan.width * 4;
  for (let t = 0; t < plan.ySteps; t++) {
    const from = firstStep(plan, t);
    const to = endStep(plan, t);
    for (let b: usize = 0; b < <usize>plan.rows; b++) {
      const y = plan.y + <usize>t * plan.yStep + b * plan.yRow;
      const scale = f32x4.splat(scaleOf(plan, from, to, b));
      for (let k: usize = 0; k < bytes; k += 16) {
        const result = f32x4.mul(pooled(plan, from, to, b, k), scale);
        v128.store(y + k, v128.and(result, k + 16 > bytes ? tail : whole));
      }
    }
  }
}

/** The gradient of a maximum goes to the first step that has it. */
export function poolBackward(plan: PoolPlan): void {
  if (!plan.dx) return;
  const bytes = <usize>plan.width * 4;
  for (let b: usize = 0; b < <usize>plan.rows; b++) {
    for (let t: usize = 0; t < <usize>plan.xSteps; t++) {
      memory.fill(plan.dx + t * plan.dxStep + b * plan.dxRow, 0, (bytes + 15) & ~15);
    }
    for (let t = 0; t < plan.ySteps; t++) {
      const from = firstStep(plan, t);
      const to = endStep(plan, t);
      const dy = plan.dy + <usize>t * plan.dyStep + b * plan.dyRow;
      const scale = f32x4.splat(scaleOf(plan, from, to, b));
      for (let k: usize = 0; k < bytes; k += 16) {
        spread(plan, from, to, b, k, f32x4.mul(v128.load(dy + k), scale));
      }
    }
  }
}

/** The input steps of the window of an output step, from the first to before the last. */
@inline
function firstStep(plan: PoolPlan, t: i32): i32 {
  return max(0, t * plan.stride - plan.before);
}

@inline
function endStep(plan: PoolPlan, t: i32): i32 {
  return min(plan.xSteps, t * plan.stride - plan.before + plan.window);
}

/** Whether a window counts a step of a row. */
@inline
function counts(plan: PoolPlan, t: i32, b: usize): bool {
  return plan.mask == 0 || load<f32>(plan.mask + <usize>t * plan.maskStep + (b << 2)) != 0;
}

/** The factor of a window's sum: 1, or 1 / the number of steps that count; 0 if none does. */
function scaleOf(plan: PoolPlan, from: i32, to: i32, b: usize): f32 {
  let count = 0;
  for (let t = from; t < to; t++) count += i32(counts(plan, t, b));
  if (count == 0) return 0;
  return plan.mode == PoolMode.average ? 1 / <f32>count : 1;
}

/** The sum or the maximum of four columns of a window; 0 if no step counts. */
function pooled(plan: PoolPlan, from: i32, to: i32, b: usize, k: usize): v128 {
  let result = f32x4.splat(0);
  let isFirst = true;
  for (let t = from; t < to; t++) {
    if (!counts(plan, t, b)) continue;
    const x = v128.load(plan.x + <usize>t * plan.xStep + b * plan.xRow + k);
    if (isFirst) result = x;
    else result = plan.mode == PoolMode.average ? f32x4.add(result, x) : f32x4.max(result, x);
    isFirst = false;
  }
  return result;
}

/** Adds a gradient to all steps of a window or, for each column, to the first one that has the maximum. */
function spread(plan: PoolPlan, from: i32, to: i32, b: usize, k: usize, gradient: v128): void {
  const most = plan.mode == PoolMode.max ? pooled(plan, from, to, b, k) : gradient;
  let left = i32x4.splat(-1); // the columns whose maximum has not been found yet
  for (let t = from; t < to; t++) {
    if (!counts(plan, t, b)) continue;
    const dx = plan.dx + <usize>t * plan.dxStep + b * plan.dxRow + k;
    let share = gradient;
    if (plan.mode == PoolMode.max) {
      const found = v128.and(left, f32x4.eq(v128.load(plan.x + <usize>t * plan.xStep + b * plan.xRow + k), most));
      share = v128.and(gradient, found);
      left = v128.andnot(left, found);
    }
    v128.store(dx, f32x4.add(v128.load(dx), share));
  }
}
