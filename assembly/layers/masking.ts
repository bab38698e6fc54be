/** Masking: masks and zeroes the time steps whose features all equal a given value. */

import { allLanes, lastLanes } from '../math/laneMasks';

/** A planned masking layer, written by src/plan; offsets and strides in bytes. */
@unmanaged
export class MaskingPlan {
  steps: i32; // T
  rows: i32; // B
  width: i32; // D
  value: i32; // float32 bits
  x: usize; // [T, B, D], rows xRow apart, steps xStep apart
  xRow: usize;
  xStep: usize;
  y: usize; // [T, B, padded D]; the padding is written as zeros
  yRow: usize;
  yStep: usize;
  mask: usize; // [T, B]: 0 for masked steps, else 1; steps maskStep apart
  maskStep: usize;
  dy: usize; // [T, B, padded D]: gradient of y, its padding zero
  dyRow: usize;
  dyStep: usize;
  dx: usize; // [T, B, padded D]: gradient of x, overwritten; 0 for none
  dxRow: usize;
  dxStep: usize;
}

export function maskingForward(plan: MaskingPlan): void {
  const bytes = <usize>plan.width * 4;
  const tail = lastLanes(plan.width);
  const value = f32x4.splat(reinterpret<f32>(plan.value));
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    for (let b: usize = 0; b < <usize>plan.rows; b++) {
      const x = plan.x + t * plan.xStep + b * plan.xRow;
      const y = plan.y + t * plan.yStep + b * plan.yRow;
      let counts = false;
      for (let k: usize = 0; k < bytes; k += 16) {
        const lanes = k + 16 > bytes ? tail : allLanes();
        const a = v128.and(v128.load(x + k), lanes);
        v128.store(y + k, a);
        // NaN differs from every value, so a step with NaN is not masked
        counts = counts || v128.any_true(v128.and(f32x4.ne(a, value), lanes));
      }
      if (!counts) memory.fill(y, 0, (bytes + 15) & ~15);
      store<f32>(plan.mask + t * plan.maskStep + 4 * b, counts ? 1 : 0);
    }
  }
}

/** dx = dy in unmasked steps, else 0. */
export function maskingBackward(plan: MaskingPlan): void {
  if (!plan.dx) return;
  const bytes = (<usize>plan.width * 4 + 15) & ~15;
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    for (let b: usize = 0; b < <usize>plan.rows; b++) {
      const dx = plan.dx + t * plan.dxStep + b * plan.dxRow;
      const counts = load<f32>(plan.mask + t * plan.maskStep + 4 * b) != 0;
      if (counts) memory.copy(dx, plan.dy + t * plan.dyStep + b * plan.dyRow, bytes);
      else memory.fill(dx, 0, bytes);
    }
  }
}
