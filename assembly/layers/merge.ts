/**
 * Merges the outputs of a forward and a backward layer, and adds, clears or scales the gradients of values.
 *
 * Letters: T time, B batch, U width of one input. Rows are written up to whole vectors, padded with zeros.
 */

import { lanesAt } from '../math/laneMasks';

/** How two outputs are merged. src/ reads names and numbers from here. */
export const enum MergeMode {
  concat,
  sum,
  ave,
  mul,
}

/** A planned merge of a and b into y, written by src/plan; offsets and strides in bytes. */
@unmanaged
export class MergePlan {
  mode: i32; // a MergeMode
  steps: i32; // T
  rows: i32; // B
  width: i32; // U
  a: usize; // [T][B][U]
  aRow: usize;
  aStep: usize;
  b: usize; // [T][B][U]; a negative step reads it backwards
  bRow: usize;
  bStep: usize;
  y: usize; // [T][B][2U] for concat, [T][B][U] otherwise
  yRow: usize;
  yStep: usize;
  dy: usize; // gradient of y, like y
  dyRow: usize;
  dyStep: usize;
  da: usize; // gradients of a and b, overwritten; must not overlap
  daRow: usize;
  daStep: usize;
  db: usize;
  dbRow: usize;
  dbStep: usize;
}

/** dx += more, both [T][B][U]. */
@unmanaged
export class JoinPlan {
  steps: i32; // T
  rows: i32; // B
  width: i32; // U
  dx: usize;
  dxRow: usize;
  dxStep: usize;
  more: usize;
  moreRow: usize;
  moreStep: usize;
}

/** dx = 0 or dx *= factor, [T][B][U]. */
@unmanaged
export class ClearPlan {
  steps: i32; // T
  rows: i32; // B
  width: i32; // U
  dx: usize;
  dxRow: usize;
  dxStep: usize;
}

@unmanaged
export class ScalePlan {
  steps: i32; // T
  rows: i32; // B
  width: i32; // U
  dx: usize;
  dxRow: usize;
  dxStep: usize;
  factor: i32; // float32 bits
}

export function mergeForward(plan: MergePlan): void {
  assert(plan.steps > 0 && plan.rows > 0 && plan.width > 0);
  const U = plan.width;
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    for (let r: usize = 0; r < <usize>plan.rows; r++) {
      const a = plan.a + t * plan.aStep + r * plan.aRow;
      const b = plan.b + t * plan.bStep + r * plan.bRow;
      const y = plan.y + t * plan.yStep + r * plan.yRow;
      if (plan.mode == MergeMode.concat) {
        copyPadded(y, a, U);
        appendPadded(y, b, U);
      } else {
        combine(plan.mode, y, a, b, U);
      }
    }
  }
}

/** Requires mergeForward on the same plan, with a and b unchanged. */
export function mergeBackward(plan: MergePlan): void {
  const U = plan.width;
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    for (let r: usize = 0; r < <usize>plan.rows; r++) {
      const dy = plan.dy + t * plan.dyStep + r * plan.dyRow;
      const da = plan.da + t * plan.daStep + r * plan.daRow;
      const db = plan.db + t * plan.dbStep + r * plan.dbRow;
      if (plan.mode == MergeMode.concat) {
        copyPadded(da, dy, U);
        copyPadded(db, dy + <usize>U * 4, U);
      } else if (plan.mode == MergeMode.mul) {
        combine(MergeMode.mul, da, dy, plan.b + t * plan.bStep + r * plan.bRow, U);
        combine(MergeMode.mul, db, dy, plan.a + t * plan.aStep + r * plan.aRow, U);
      } else {
        scale(da, dy, plan.mode == MergeMode.ave ? 0.5 : 1, U);
        scale(db, dy, plan.mode == MergeMode.ave ? 0.5 : 1, U);
      }
    }
  }
}

export function joinBackward(plan: JoinPlan): void {
  assert(plan.steps > 0 && plan.rows > 0 && plan.width > 0);
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    for (let r: usize = 0; r < <usize>plan.rows; r++) {
      const dx = plan.dx + t * plan.dxStep + r * plan.dxRow;
      combine(MergeMode.sum, dx, dx, plan.more + t * plan.moreStep + r * plan.moreRow, plan.width);
    }
  }
}

export function clearBackward(plan: ClearPlan): void {
  assert(plan.steps > 0 && plan.rows > 0 && plan.width > 0);
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    for (let r: usize = 0; r < <usize>plan.rows; r++) {
      memory.fill(plan.dx + t * plan.dxStep + r * plan.dxRow, 0, <usize>((plan.width + 3) & ~3) * 4);
    }
  }
}

export function scaleBackward(plan: ScalePlan): void {
  assert(plan.steps > 0 && plan.rows > 0 && plan.width > 0);
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    for (let r: usize = 0; r < <usize>plan.rows; r++) {
      const dx = plan.dx + t * plan.dxStep + r * plan.dxRow;
      scale(dx, dx, reinterpret<f32>(plan.factor), plan.width);
    }
  }
}

/** y = a + b, (a + b) / 2 or a b over n numbers; y may be a. */
function combine(mode: i32, y: usize, a: usize, b: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const p = v128.load(a);
    const q = v128.load(b);
    let v = mode == MergeMode.mul ? f32x4.mul(p, q) : f32x4.add(p, q);
    if (mode == MergeMode.ave) v = f32x4.mul(v, f32x4.splat(0.5));
    v128.store(y, v128.and(v, lanesAt(i, n)));
    y += 16;
    a += 16;
    b += 16;
  }
}

/** y = factor * x over n numbers. */
function scale(y: usize, x: usize, factor: f32, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    v128.store(y, v128.and(f32x4.mul(v128.load(x), f32x4.splat(factor)), lanesAt(i, n)));
    y += 16;
    x += 16;
  }
}

/** y = x over n numbers; x may be unaligned and is not read behind its last number. */
function copyPadded(y: usize, x: usize, n: i32): void {
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    v128.store(y, v128.load(x));
    y += 16;
    x += 16;
  }
  if (i == n) return;
  v128.store(y, i64x2.splat(0));
  for (; i < n; i++) {
    store<f32>(y, load<f32>(x));
    y += 4;
    x += 4;
  }
}

/** Appends the n numbers of x to the n numbers at y, and pads with zeros to a whole vector. */
function appendPadded(y: usize, x: usize, n: i32): void {
  const end = y + ((<usize>(2 * n) * 4 + 15) & ~15);
  y += <usize>n * 4;
  for (; n > 0; n--) {
    store<f32>(y, load<f32>(x));
    y += 4;
    x += 4;
  }
  for (; y < end; y += 4) store<f32>(y, 0);
}
