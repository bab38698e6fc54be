/**
 * Merging layers: element-wise operations on two inputs, and concatenation. A layer with more inputs has a call for each
 * further input, which combines it with the result so far.
 *
 * Letters: T time, B batch, U width of the output.
 */

import { allLanes, lanesAt } from '../math/laneMasks';
import { copyRow, loadUpTo4 } from '../memory/rows';

/** The operations of the merging layers. src/ reads names and numbers from here. */
export const enum CombineMode {
  add,
  subtract,
  average,
  multiply,
  maximum,
  minimum,
}

/** What a masked row does instead: the other operand, or zeros. Numbered above all of CombineMode. */
const FIRST = 16;
const SECOND = 17;
const NONE = 18;

/**
 * A planned operation y = a op b, written by src/plan; offsets and strides in bytes.
 *
 * An operand may have one time step, for all steps (its strides aStep and daStep are then 0), or one number in each row,
 * for all columns. y may be a, and dy may be da, unless the operation needs both operands for its gradient.
 */
@unmanaged
export class CombinePlan {
  mode: i32; // a CombineMode
  steps: i32; // T
  rows: i32; // B
  width: i32; // U
  divisor: i32; // float32 bits: average divides the sum by it
  a: usize; // [T or 1, B, aWidth]
  aRow: usize;
  aStep: usize;
  aWidth: i32; // U or 1
  b: usize; // [T or 1, B, bWidth]
  bRow: usize;
  bStep: usize;
  bWidth: i32;
  y: usize; // [T, B, padded U]; the padding is written as zeros
  yRow: usize;
  yStep: usize;
  dy: usize; // gradient of y, like y
  dyRow: usize;
  dyStep: usize;
  da: usize; // gradient of a, overwritten, padded to whole vectors; 0 for none
  daRow: usize;
  daStep: usize;
  db: usize; // gradient of b
  dbRow: usize;
  dbStep: usize;
  aMask: usize; // [T or 1, B]; 0 for none
  aMaskStep: usize;
  bMask: usize;
  bMaskStep: usize;
  mask: usize; // [T, B], written: 1 where a mask is 1; 0 for none
  maskStep: usize;
}

/** A planned copy of one input of a concatenation into its place in the output; offsets and strides in bytes. */
@unmanaged
export class PlacePlan {
  steps: i32; // T of x
  rows: i32; // B
  width: i32; // U of x
  zeros: i32; // numbers behind each copied row that are set to zero
  x: usize; // [T, B, U]
  xRow: usize;
  xStep: usize;
  y: usize; // the place of x in the output
  yRow: usize;
  yStep: usize;
  dy: usize; // the same place in the gradient of the output
  dyRow: usize;
  dyStep: usize;
  dx: usize; // gradient of x, overwritten, padded to whole vectors; 0 for none
  dxRow: usize;
  dxStep: usize;
  mask: usize; // mask of x [T, B]; 0 for ones
  maskStep: usize;
  to: usize; // mask of the output, at the place of x; 0 for none
  toStep: usize;
  joins: i32; // 1: `to` is 1 where it or `mask` is 1; 0: it is overwritten
}

export function combineForward(plan: CombinePlan): void {
  assert(plan.steps > 0 && plan.rows > 0 && plan.width > 0);
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    for (let r: usize = 0; r < <usize>plan.rows; r++) {
      const mode = modeOfRow(plan, t, r); // before the mask is written, which may be that of a
      combineRow(
        plan, mode, plan.y + t * plan.yStep + r * plan.yRow,
        plan.a + t * plan.aStep + r * plan.aRow, plan.b + t * plan.bStep + r * plan.bRow,
      );
      if (plan.mask) {
        const counts = counted(plan.aMask, plan.aMaskStep, t, r) || counted(plan.bMask, plan.bMaskStep, t, r);
        store<f32>(plan.mask + t * plan.maskStep + 4 * r, counts ? 1 : 0);
      }
    }
  }
}

/** Requires combineForward on the same plan. */
export function combineBackward(plan: CombinePlan): void {
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    for (let r: usize = 0; r < <usize>plan.rows; r++) {
      combineRowBackward(plan, modeOfRow(plan, t, r), t, r);
    }
  }
}

@inline
function counted(mask: usize, step: usize, t: usize, r: usize): bool {
  return mask == 0 || load<f32>(mask + t * step + 4 * r) != 0;
}

/** Products, maxima and minima ignore a masked operand, as in Keras. */
function modeOfRow(plan: CombinePlan, t: usize, r: usize): i32 {
  if (plan.mode < CombineMode.multiply || !(plan.aMask | plan.bMask)) return plan.mode;
  const a = counted(plan.aMask, plan.aMaskStep, t, r);
  const b = counted(plan.bMask, plan.bMaskStep, t, r);
  if (a && b) return plan.mode;
  if (!a && !b && plan.mode == CombineMode.multiply) return NONE;
  return b ? SECOND : FIRST;
}

function combineRow(plan: CombinePlan, mode: i32, y: usize, a: usize, b: usize): void {
  const n = plan.width;
  const aWide = plan.aWidth == n;
  const bWide = plan.bWidth == n;
  const divisor = f32x4.splat(reinterpret<f32>(plan.divisor));
  let p = v128.load32_splat(a);
  let q = v128.load32_splat(b);
  for (let i = 0; i < n; i += 4) {
    if (aWide) p = loadUpTo4(a, n - i);
    if (bWide) q = loadUpTo4(b, n - i);
    let v = p;
    if (mode == CombineMode.add) v = f32x4.add(p, q);
    else if (mode == CombineMode.subtract) v = f32x4.sub(p, q);
    else if (mode == CombineMode.multiply) v = f32x4.mul(p, q);
    else if (mode == CombineMode.average) v = f32x4.div(f32x4.add(p, q), divisor);
    else if (mode == CombineMode.maximum) v = f32x4.max(p, q);
    else if (mode == CombineMode.minimum) v = f32x4.min(p, q);
    else if (mode == SECOND) v = q;
    else if (mode == NONE) v = i64x2.splat(0);
    v128.store(y, v128.and(v, lanesAt(i, n)));
    y += 16;
    a += 16;
    b += 16;
  }
}

/** Where maximum and minimum have equal operands, the first one has the gradient, as in TF.js. */
function combineRowBackward(plan: CombinePlan, mode: i32, t: usize, r: usize): void {
  const n = plan.width;
  const aWide = plan.aWidth == n;
  const bWide = plan.bWidth == n;
  const divisor = f32x4.splat(reinterpret<f32>(plan.divisor));
  let dy = plan.dy + t * plan.dyStep + r * plan.dyRow;
  let a = plan.a + t * plan.aStep + r * plan.aRow;
  let b = plan.b + t * plan.bStep + r * plan.bRow;
  let da = plan.da + t * plan.daStep + r * plan.daRow;
  let db = plan.db + t * plan.dbStep + r * plan.dbRow;
  // The gradient of an operand with one time step is a sum over time
  const aAdds = t > 0 && plan.daStep == 0;
  const bAdds = t > 0 && plan.dbStep == 0;
  const zero = i64x2.splat(0);
  let p = v128.load32_splat(a);
  let q = v128.load32_splat(b);
  let aSum = zero;
  let bSum = zero;
  for (let i = 0; i < n; i += 4) {
    if (aWide) p = loadUpTo4(a, n - i);
    if (bWide) q = loadUpTo4(b, n - i);
    let d = v128.and(v128.load(dy), lanesAt(i, n));
    if (mode == CombineMode.average) d = f32x4.div(d, divisor);
    let g = d;
    let h = d;
    if (mode == CombineMode.subtract) {
      h = f32x4.neg(d);
    } else if (mode == CombineMode.multiply) {
      g = f32x4.mul(d, q);
      h = f32x4.mul(d, p);
    } else if (mode >= CombineMode.maximum) {
      let first = zero;
      if (mode == CombineMode.maximum) first = f32x4.ge(p, q);
      else if (mode == CombineMode.minimum) first = f32x4.le(p, q);
      else if (mode == FIRST) first = allLanes();
      g = v128.and(d, first);
      h = mode == NONE ? zero : v128.andnot(d, first);
    }
    // The padding of an operand may be anything but zero if it has one number
    g = v128.and(g, lanesAt(i, n));
    h = v128.and(h, lanesAt(i, n));
    if (bWide) {
      if (plan.db) v128.store(db, bAdds ? f32x4.add(v128.load(db), h) : h);
    } else {
      bSum = f32x4.add(bSum, h);
    }
    if (aWide) {
      if (plan.da) v128.store(da, aAdds ? f32x4.add(v128.load(da), g) : g);
    } else {
      aSum = f32x4.add(aSum, g);
    }
    dy += 16;
    a += 16;
    b += 16;
    if (aWide) da += 16;
    if (bWide) db += 16;
  }
  if (plan.da && !aWide) storeSum(da, aSum, aAdds);
  if (plan.db && !bWide) storeSum(db, bSum, bAdds);
}

/** Stores a gradient of one number, padded with zeros. */
function storeSum(to: usize, sums: v128, adds: bool): void {
  const two = f32x4.add(sums, v128.shuffle<f32>(sums, sums, 2, 3, 2, 3));
  let sum = f32x4.extract_lane(two, 0) + f32x4.extract_lane(two, 1);
  if (adds) sum += load<f32>(to);
  v128.store(to, f32x4.replace_lane(f32x4.splat(0), 0, sum));
}

export function placeForward(plan: PlacePlan): void {
  assert(plan.steps > 0 && plan.rows > 0 && plan.width > 0);
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    for (let r: usize = 0; r < <usize>plan.rows; r++) {
      copyRow(plan.y + t * plan.yStep + r * plan.yRow, plan.x + t * plan.xStep + r * plan.xRow, plan.width, plan.zeros);
      if (plan.to) {
        const to = plan.to + t * plan.toStep + 4 * r;
        const counts = counted(plan.mask, plan.maskStep, t, r) || (plan.joins != 0 && load<f32>(to) != 0);
        store<f32>(to, counts ? 1 : 0);
      }
    }
  }
}

export function placeBackward(plan: PlacePlan): void {
  if (!plan.dx) return;
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    for (let r: usize = 0; r < <usize>plan.rows; r++) {
      const dx = plan.dx + t * plan.dxStep + r * plan.dxRow;
      copyRow(dx, plan.dy + t * plan.dyStep + r * plan.dyRow, plan.width, -plan.width & 3);
    }
  }
}
