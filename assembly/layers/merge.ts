/**
 * What holds two sequences together: the outputs of a forward and a backward half become one, and the gradients that
 * two layers have left for the same input become one.
 *
 * Letters: T time, B batch, U width of one half; rows are read in any order of time and written up to whole vectors,
 * with zeros where they end.
 */

import { allLanes, lastLanes } from '../math/tailMasks';

/** y from a and b, written by the facade; offsets and strides in bytes, i32 each. */
@unmanaged
export class MergePlan {
  mode: i32; // 0 concat, 1 sum, 2 ave, 3 mul, the order of src/layers/recurrent/bidirectional.ts
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
  da: usize; // gradients of a and b, overwritten; the halves do not meet in memory
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

export function mergeForward(plan: MergePlan): void {
  assert(plan.steps > 0 && plan.rows > 0 && plan.width > 0);
  const U = plan.width;
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    for (let r: usize = 0; r < <usize>plan.rows; r++) {
      const a = plan.a + t * plan.aStep + r * plan.aRow;
      const b = plan.b + t * plan.bStep + r * plan.bRow;
      const y = plan.y + t * plan.yStep + r * plan.yRow;
      if (plan.mode == 0) {
        copyPadded(y, a, U);
        appendPadded(y, b, U);
      } else {
        combine(plan.mode, y, a, b, U);
      }
    }
  }
}

/** After mergeForward on the same plan, whose a and b still stand. */
export function mergeBackward(plan: MergePlan): void {
  const U = plan.width;
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    for (let r: usize = 0; r < <usize>plan.rows; r++) {
      const dy = plan.dy + t * plan.dyStep + r * plan.dyRow;
      const da = plan.da + t * plan.daStep + r * plan.daRow;
      const db = plan.db + t * plan.dbStep + r * plan.dbRow;
      if (plan.mode == 0) {
        copyPadded(da, dy, U);
        copyPadded(db, dy + <usize>U * 4, U);
      } else if (plan.mode == 3) {
        combine(3, da, dy, plan.b + t * plan.bStep + r * plan.bRow, U);
        combine(3, db, dy, plan.a + t * plan.aStep + r * plan.aRow, U);
      } else {
        scale(da, dy, plan.mode == 2 ? 0.5 : 1, U);
        scale(db, dy, plan.mode == 2 ? 0.5 : 1, U);
      }
    }
  }
}

export function joinBackward(plan: JoinPlan): void {
  assert(plan.steps > 0 && plan.rows > 0 && plan.width > 0);
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    for (let r: usize = 0; r < <usize>plan.rows; r++) {
      const dx = plan.dx + t * plan.dxStep + r * plan.dxRow;
      combine(1, dx, dx, plan.more + t * plan.moreStep + r * plan.moreRow, plan.width);
    }
  }
}

/** Lanes of the vector at element i of n that are numbers, not padding. */
@inline
function lanesAt(i: i32, n: i32): v128 {
  return i + 4 > n ? lastLanes(n) : allLanes();
}

/** y = a + b, (a + b) / 2 or a b over n numbers; y may be a. */
function combine(mode: i32, y: usize, a: usize, b: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const p = v128.load(a);
    const q = v128.load(b);
    let v = mode == 3 ? f32x4.mul(p, q) : f32x4.add(p, q);
    if (mode == 2) v = f32x4.mul(v, f32x4.splat(0.5));
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

/** y = x over n numbers; x may begin anywhere, and nothing behind its last number is read. */
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

/** The n numbers of x behind the n that stand at y, with zeros up to a whole vector. */
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
