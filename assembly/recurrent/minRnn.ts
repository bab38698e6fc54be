/**
 * The layers minGRU and minLSTM: the equations, and the scan over time, forward above backward.
 *
 *   minGRU:   z_t = sigmoid(x_t Wz + bz)     share of the candidate
 *   minLSTM:  f_t = sigmoid(x_t Wf + bf)     forget gate
 *             i_t = sigmoid(x_t Wi + bi)     input gate
 *             z_t = i_t / (f_t + i_t)
 *   both:     n_t = activation(x_t Wn + bn)  candidate; the weights call it h
 *             h_t = h_{t-1} + z_t * (n_t - h_{t-1})
 *
 * No gate reads the state. So the products cover many time steps at once, and only the last line runs step by step, without
 * a product. Each number has the same operations in the same order however many steps or rows there are.
 *
 * Letters: B batch, T time, I input width, U units, H padded units, N gates. Padded units stay zero, as in lstm.ts.
 */

import { MinRnnPlan } from './minRnnPlan';
import { activate, activateWithSlope } from '../math/activations';
import { flushSmall, sigmoidColumn } from '../math/elementary';
import { lanesAt } from '../math/laneMasks';
import { ZEROS, columnSums, matmul, matmulTransposed, packTransposed, padded, sixteens } from '../products/matmul';
import {
  ENOUGH_ROWS, ROW_BLOCK, SMALLEST, UNITS, clearRows, isUnmasked, loadH, loadInitialH, maskOf, storeH,
} from './shared';

/** 2^-126: sigmoids are at least this, so that the sum of two gates is not zero. */
const LEAST: f32 = 1.1754943508222875e-38;

@inline
function columns(plan: MinRnnPlan): i32 {
  return plan.gateCount * padded(plan.units);
}

/** The time steps that are computed together: as many rows as weight gradients are summed over at a time. */
@inline
function chunkOf(rows: i32): i32 {
  return max(1, ENOUGH_ROWS / rows);
}

/**
 * c = init + a * panels, for some rows of `steps` time steps. A product is over the rows of a time step or over the time
 * steps of a row, whichever are more.
 *
 * @param init the initial values of every row, initCol apart
 */
function product(
  c: usize, cRow: usize, cStep: usize, init: usize, initCol: usize, a: usize, aRow: usize, aStep: usize, depth: i32,
  panels: usize, cols: i32, rows: i32, steps: i32,
): void {
  const byStep = rows >= steps;
  const inner = byStep ? rows : steps;
  for (let n = byStep ? steps : rows; n > 0; n--) {
    matmul(c, byStep ? cRow : cStep, init, 0, initCol, a, byStep ? aRow : aStep, 0, depth, 1, panels, inner, cols);
    c += byStep ? cStep : cRow;
    a += byStep ? aStep : aRow;
  }
}

// ---------------------------------------------------------------------------------------------------------- forward

/** Runs all time steps for rows [first, first + rows) of the batch. */
export function minRnnForward(plan: MinRnnPlan, first: i32, rows: i32): void {
  minRnnForwardRows(plan, first, rows);
  minRnnForwardEnd(plan, first, rows);
}

/** The part of minRnnForward that threads run at the same time. It does not change the carried state. */
export function minRnnForwardRows(plan: MinRnnPlan, first: i32, rows: i32): void {
  assert(rows > 0 && first >= 0 && first + rows <= plan.batch && plan.steps > 0);
  const H = padded(plan.units);
  const N = columns(plan);
  const gatesStep = <usize>plan.batch * plan.gatesRow;
  const kernel = plan.w + <usize>N * 4;
  const chunk = chunkOf(rows);

  storeH(plan.savedH, plan.stateH, <usize>H * 4, first, rows, H);
  if (plan.h0) loadInitialH(plan.h, plan.hRow, plan.h0, plan.h0Row, first, rows, plan.units);
  else loadH(plan.h, plan.hRow, plan.stateH, first, rows, H);
  for (let start = 0; start < plan.steps; start += chunk) {
    const count = min(chunk, plan.steps - start);
    const gates = plan.gates + <usize>start * gatesStep + <usize>first * plan.gatesRow;
    const x = plan.x + <usize>start * plan.xStep + <usize>first * plan.xRow;
    product(
      gates, plan.gatesRow, gatesStep, plan.w, 4, x, plan.xRow, plan.xStep, plan.inputs, kernel, N, rows, count,
    );
    for (let t = start; t < start + count; t++) stepForward(plan, t, first, rows);
  }
}

/** One time step of some rows, whose gates are not activated yet. */
function stepForward(plan: MinRnnPlan, t: i32, first: i32, rows: i32): void {
  const B = <usize>plan.batch;
  const at = <usize>t * B + first;
  const H = padded(plan.units);
  const width = <usize>H * 4;
  const mask = maskOf(plan.mask, plan.maskStep, t, first);
  let gates = plan.gates + at * plan.gatesRow;
  let slopes = plan.slopes ? plan.slopes + at * plan.slopesRow : 0;
  let hPrev = plan.h + at * plan.hRow;
  let h = hPrev + B * plan.hRow;
  for (let b = 0; b < rows; b++) {
    if (mask && !isUnmasked(mask, b)) skipRow(plan, gates, slopes, h, hPrev);
    else rowForward(plan, gates, slopes, h, hPrev, width);
    gates += plan.gatesRow;
    if (slopes) slopes += plan.slopesRow;
    hPrev += plan.hRow;
    h += plan.hRow;
  }
}

/** A masked step keeps the state: f = 1 and the other gates 0, which makes their gradients 0 in backward. */
function skipRow(plan: MinRnnPlan, gates: usize, slopes: usize, h: usize, hPrev: usize): void {
  const width = <usize>padded(plan.units) * 4;
  memory.fill(gates, 0, <usize>columns(plan) * 4);
  if (plan.gateCount == 3) for (let k: usize = 0; k < width; k += UNITS) v128.store(gates + k, f32x4.splat(1));
  if (slopes) memory.fill(slopes, 0, width);
  memory.copy(h, hPrev, width);
}

/** One time step of one row; h_t has room for the scratch of sigmoidColumn. */
function rowForward(plan: MinRnnPlan, gates: usize, slopes: usize, h: usize, hPrev: usize, width: usize): void {
  const isLstm = plan.gateCount == 3;
  const vectors = <i32>(width / UNITS);
  const i = gates + width;
  const n = isLstm ? i + width : i;
  sigmoidColumn(gates, UNITS, h, UNITS, vectors);
  if (isLstm) sigmoidColumn(i, UNITS, h, UNITS, vectors);
  if (slopes) activateWithSlope(plan.activation, n, slopes, n, <i32>(width / 4));
  else activate(plan.activation, n, n, <i32>(width / 4));
  const least = f32x4.splat(SMALLEST);
  for (let k: usize = 0; k < width; k += UNITS) {
    let z = v128.load(gates + k);
    if (isLstm) {
      const f = f32x4.pmax(z, f32x4.splat(LEAST));
      const open = f32x4.pmax(v128.load(i + k), f32x4.splat(LEAST));
      v128.store(gates + k, f);
      v128.store(i + k, open);
      z = f32x4.div(open, f32x4.add(f, open));
    }
    const before = v128.load(hPrev + k);
    const after = f32x4.add(before, f32x4.mul(z, f32x4.sub(v128.load(n + k), before)));
    v128.store(h + k, v128.and(flushSmall(after, least), lanesAt(<i32>(k >> 2), plan.units)));
  }
}

/** Stores the carried state of some rows, after minRnnForwardRows for them. */
export function minRnnForwardEnd(plan: MinRnnPlan, first: i32, rows: i32): void {
  const last = plan.h + <usize>plan.steps * <usize>plan.batch * plan.hRow;
  storeH(plan.stateH, last, plan.hRow, first, rows, padded(plan.units));
}

/** Restores the carried state from before minRnnForward, while the workspace still holds its batch. */
export function minRnnRewind(plan: MinRnnPlan): void {
  const H = padded(plan.units);
  if (plan.savedH) storeH(plan.stateH, plan.savedH, <usize>H * 4, 0, plan.batch, H);
  else storeH(plan.stateH, plan.h, plan.hRow, 0, plan.batch, H);
}

// --------------------------------------------------------------------------------------------------------- backward

/** Backpropagation through time for rows [first, first + rows), after minRnnForward; adds to dw. */
export function minRnnBackward(plan: MinRnnPlan, first: i32, rows: i32): void {
  minRnnBackwardStart(plan);
  sweepBackward(plan, first, rows, true);
}

/** What minRnnBackwardRows needs, once for all rows. */
export function minRnnBackwardStart(plan: MinRnnPlan): void {
  const N = columns(plan);
  if (plan.dx) packTransposed(plan.wt, plan.w + <usize>N * 4, plan.inputs, N);
}

/** The part of minRnnBackward for some rows, which threads run at the same time: all gradients but those of weights. */
export function minRnnBackwardRows(plan: MinRnnPlan, first: i32, rows: i32): void {
  sweepBackward(plan, first, rows, false);
}

/**
 * The weight gradients of columns [16 first, 16 (first + count)), after minRnnBackwardRows for all rows; adds to dw. Every
 * sum has the order of minRnnBackward, and so the same bits.
 */
export function minRnnBackwardWeights(plan: MinRnnPlan, first: i32, count: i32): void {
  for (let row = 0; row < plan.batch; row += ROW_BLOCK) {
    const rows = min(ROW_BLOCK, plan.batch - row);
    const chunk = chunkOf(rows);
    for (let end = plan.steps; end > 0; end -= chunk) {
      const start = max(0, end - chunk);
      weightGradients(plan, row, rows, start, end - start, first, count);
    }
  }
}

/** Backward over time; with `adds`, adds the weight gradients of these rows to dw. */
function sweepBackward(plan: MinRnnPlan, first: i32, rows: i32, adds: bool): void {
  assert(rows > 0 && first >= 0 && first + rows <= plan.batch && plan.steps > 0);
  const N = columns(plan);
  const gatesStep = <usize>plan.batch * plan.gatesRow;
  const chunk = chunkOf(rows);

  if (plan.zeroDh) clearRows(plan.dh, plan.dhRow, first, rows, padded(plan.units));
  for (let end = plan.steps; end > 0; end -= chunk) {
    const start = max(0, end - chunk);
    const count = end - start;
    for (let t = end - 1; t >= start; t--) stepBackward(plan, t, first, rows);
    if (plan.dx) {
      const dx = plan.dx + <usize>start * plan.dxStep + <usize>first * plan.dxRow;
      const dz = plan.gates + <usize>start * gatesStep + <usize>first * plan.gatesRow;
      product(
        dx, plan.dxRow, plan.dxStep, ZEROS, 0, dz, plan.gatesRow, gatesStep, N, plan.wt, plan.inputs, rows, count,
      );
    }
    if (adds) weightGradients(plan, first, rows, start, count, 0, sixteens(N));
  }
}

/** One time step of some rows backward: replaces the gates by their gradients, and passes on that of h_{t-1}. */
function stepBackward(plan: MinRnnPlan, t: i32, first: i32, rows: i32): void {
  const at = <usize>t * <usize>plan.batch + first;
  const dhStep = plan.sequences ? <usize>plan.batch * plan.dhRow : 0; // only the last step has a gradient: one slot is enough
  let gates = plan.gates + at * plan.gatesRow;
  let slopes = plan.slopes ? plan.slopes + at * plan.slopesRow : 0;
  let hPrev = plan.h + at * plan.hRow;
  let dh = plan.dh + <usize>t * dhStep + <usize>first * plan.dhRow;
  let to = t > 0 ? dh - dhStep : plan.dh0 ? plan.dh0 + <usize>first * plan.dh0Row : 0;
  const toRow = t > 0 ? plan.dhRow : plan.dh0Row;
  const adds = t > 0 && plan.sequences != 0; // to the gradient from the layer above, which h_0 does not have
  for (; rows > 0; rows--) {
    if (plan.gateCount == 3) lstmRowBackward(plan, gates, slopes, to, adds, dh, hPrev);
    else gruRowBackward(plan, gates, slopes, to, adds, dh, hPrev);
    gates += plan.gatesRow;
    if (slopes) slopes += plan.slopesRow;
    hPrev += plan.hRow;
    dh += plan.dhRow;
    if (to) to += toRow;
  }
}

/** Stores the gradient of h_{t-1}, unless `to` is 0. */
@inline
function passOn(to: usize, adds: bool, gradient: v128): void {
  if (to) v128.store(to, adds ? f32x4.add(v128.load(to), gradient) : gradient);
}

function gruRowBackward(
  plan: MinRnnPlan, gates: usize, slopes: usize, to: usize, adds: bool, dh: usize, hPrev: usize,
): void {
  const one = f32x4.splat(1);
  const least = f32x4.splat(SMALLEST);
  const width = <usize>padded(plan.units) * 4;
  const candidates = gates + width;
  for (let k: usize = 0; k < width; k += UNITS) {
    const dht = flushSmall(v128.load(dh + k), least);
    const z = v128.load(gates + k);
    const n = v128.load(candidates + k);
    const rest = f32x4.sub(one, z);
    const dz = f32x4.mul(f32x4.mul(dht, f32x4.sub(n, v128.load(hPrev + k))), f32x4.mul(z, rest));
    const dn = f32x4.mul(dht, z);
    v128.store(gates + k, dz);
    v128.store(candidates + k, slopes ? f32x4.mul(dn, v128.load(slopes + k)) : dn);
    passOn(to ? to + k : 0, adds, f32x4.mul(dht, rest));
  }
}

/** With r = 1 / (f + i), the derivatives of z = i r by the arguments of the sigmoids are -f r i r (1 - f) and f r i r (1 - i). */
function lstmRowBackward(
  plan: MinRnnPlan, gates: usize, slopes: usize, to: usize, adds: bool, dh: usize, hPrev: usize,
): void {
  const one = f32x4.splat(1);
  const least = f32x4.splat(SMALLEST);
  const width = <usize>padded(plan.units) * 4;
  const inputs = gates + width;
  const candidates = inputs + width;
  for (let k: usize = 0; k < width; k += UNITS) {
    const dht = flushSmall(v128.load(dh + k), least);
    const f = v128.load(gates + k);
    const i = v128.load(inputs + k);
    const n = v128.load(candidates + k);
    const sum = f32x4.add(f, i);
    const rest = f32x4.div(f, sum);
    const z = f32x4.div(i, sum);
    const both = f32x4.mul(f32x4.mul(dht, f32x4.sub(n, v128.load(hPrev + k))), f32x4.mul(z, rest));
    const dn = f32x4.mul(dht, z);
    v128.store(gates + k, f32x4.mul(both, f32x4.sub(f, one)));
    v128.store(inputs + k, f32x4.mul(both, f32x4.sub(one, i)));
    v128.store(candidates + k, slopes ? f32x4.mul(dn, v128.load(slopes + k)) : dn);
    passOn(to ? to + k : 0, adds, f32x4.mul(dht, rest));
  }
}

/** Gradients of bias and kernel for `count` steps from t on, in columns [16 firstGroup, 16 (firstGroup + groups)). */
function weightGradients(
  plan: MinRnnPlan, first: i32, rows: i32, t: i32, count: i32, firstGroup: i32, groups: i32,
): void {
  const from = 16 * firstGroup;
  const to = min(16 * (firstGroup + groups), columns(plan));
  const gatesStep = <usize>plan.batch * plan.gatesRow;
  const dz = plan.gates + <usize>t * gatesStep + <usize>first * plan.gatesRow + <usize>from * 4;
  const db = plan.dw + <usize>from * 4;
  const dKernel = plan.dw + <usize>(columns(plan) + from * plan.inputs) * 4;
  const x = plan.x + <usize>t * plan.xStep + <usize>first * plan.xRow;
  if (plan.useBias) {
    for (let s = count - 1; s >= 0; s--) columnSums(db, dz + <usize>s * gatesStep, plan.gatesRow, rows, to - from);
  }
  matmulTransposed(
    dKernel, x, plan.xRow, plan.xStep, dz, plan.gatesRow, gatesStep, rows, count, plan.inputs, to - from,
  );
}
