/** A rectifier with learnt slopes: y = x where x is above zero, and alpha x elsewhere. */

import { allLanes, lastLanes } from '../math/laneMasks';

/** A planned rectifier with learnt slopes, written by src/plan; offsets and strides in bytes. */
@unmanaged
export class PreluPlan {
  steps: i32; // T
  rows: i32; // B
  width: i32; // D
  x: usize; // [T, B, D], rows xRow apart, steps xStep apart
  xRow: usize;
  xStep: usize;
  y: usize; // [T, B, padded D]; the padding is written as zeros
  yRow: usize;
  yStep: usize;
  w: usize; // [T or 1, padded D or 4]: alpha
  dw: usize; // like w: gradients are added to it
  wStep: usize; // from the slopes of a time step to those of the next; 0 if all steps share them
  shared: i32; // 1: the first slope is that of all features
  dy: usize; // [T, B, padded D]: gradient of y, its padding zero
  dyRow: usize;
  dyStep: usize;
  dx: usize; // [T, B, padded D]: gradient of x, overwritten; 0 for none
  dxRow: usize;
  dxStep: usize;
}

export function preluForward(plan: PreluPlan): void {
  const bytes = <usize>plan.width * 4;
  const zero = f32x4.splat(0);
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    const w = plan.w + t * plan.wStep;
    for (let b: usize = 0; b < <usize>plan.rows; b++) {
      const x = plan.x + t * plan.xStep + b * plan.xRow;
      const y = plan.y + t * plan.yStep + b * plan.yRow;
      for (let k: usize = 0; k < bytes; k += 16) {
        const a = v128.load(x + k);
        const result = v128.bitselect(a, f32x4.mul(a, slopesAt(plan, w, k)), f32x4.gt(a, zero));
        v128.store(y + k, v128.and(result, columnsAt(plan, k)));
      }
    }
  }
}

/** The gradient of a slope is the sum of x dy over the numbers that it multiplied: row by row, then step by step. */
export function preluBackward(plan: PreluPlan): void {
  const bytes = <usize>plan.width * 4;
  const zero = f32x4.splat(0);
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    const dw = plan.dw + t * plan.wStep;
    for (let k: usize = 0; k < bytes; k += 16) {
      const alpha = slopesAt(plan, plan.w + t * plan.wStep, k);
      const columns = columnsAt(plan, k);
      let sum = zero;
      for (let b: usize = 0; b < <usize>plan.rows; b++) {
        const a = v128.load(plan.x + t * plan.xStep + b * plan.xRow + k);
        const dy = v128.load(plan.dy + t * plan.dyStep + b * plan.dyRow + k);
        const positive = f32x4.gt(a, zero);
        sum = f32x4.add(sum, v128.andnot(f32x4.mul(a, dy), positive));
        if (!plan.dx) continue;
        const dx = v128.bitselect(dy, f32x4.mul(dy, alpha), positive);
        v128.store(plan.dx + t * plan.dxStep + b * plan.dxRow + k, v128.and(dx, columns));
      }
      sum = v128.and(sum, columns); // the padding of x is arbitrary
      if (plan.shared) store<f32>(dw, load<f32>(dw) + total(sum));
      else v128.store(dw + k, f32x4.add(v128.load(dw + k), sum));
    }
  }
}

@inline
function slopesAt(plan: PreluPlan, w: usize, k: usize): v128 {
  return plan.shared ? f32x4.splat(load<f32>(w)) : v128.load(w + k);
}

/** Ones in the lanes that are not padding. */
@inline
function columnsAt(plan: PreluPlan, k: usize): v128 {
  return k + 16 > <usize>plan.width * 4 ? lastLanes(plan.width) : allLanes();
}

@inline
function total(lanes: v128): f32 {
  const low = f32x4.extract_lane(lanes, 0) + f32x4.extract_lane(lanes, 1);
  return low + (f32x4.extract_lane(lanes, 2) + f32x4.extract_lane(lanes, 3));
}
