/**
 * An LSTM with any of three options that lstm.ts does not have: the loop over time, forward above backward. The cell is in
 * lstmVariantCell.ts.
 *
 *   i_t = sigmoid(a_i + p_i * c_{t-1})          a_t = x_t W + h_{t-1} R + b: the sums of all four gates
 *   f_t = sigmoid(a_f + p_f * c_{t-1})          p: peepholes, a factor for each unit; without them 0
 *   g_t = tanh   (a_g)
 *   s_t = f_t * c_{t-1} + i_t * g_t
 *   o_t = sigmoid(a_o + p_o * s_t)
 *   c_t = s_t                                   cell state
 *   h_t = (o_t * tanh(c_t)) V                   output; V: the projection, without it the identity
 *
 * With layer normalization, a_t = norm(x_t W) + norm(h_{t-1} R) + b and c_t = norm(s_t). Each norm has its own gamma and
 * beta; those of products normalize all four gates of a row together.
 *
 * The products are those of dense layers, row by row, not fused with the cell. Masks and recurrent dropout are as in lstm.ts.
 *
 * Letters: B batch, T time, I input width, U units, P numbers of h, G = ceil(U / 4), H = 4G padded units. Each gate has H
 * columns, so that the 4H columns are G panels of 16. Padding stays zero: zero weights make g = 0, hence s = c = h = 0.
 */

import { cellBackward, cellForward, sumProducts } from './lstmVariantCell';
import { LstmVariantPlan } from './lstmVariantPlan';
import { MOMENTS, normGradient } from './norm';
import { Copy, copyRows, pack, unpack } from '../memory/copy';
import {
  ZEROS, columnSums, copyPanels, matmul, matmulPart, matmulTransposed, packTransposed, padded, sixteens,
} from '../products/matmul';
import {
  ENOUGH_ROWS, ROW_BLOCK, UNITS, applyRecurrentDropout, clearRows, copySkippedRows, drawRecurrentDropout,
  isUnmasked, loadH, loadInitialH, maskOf, packTransposedRows, stateGradient, storeH,
} from './shared';
import { outerPanel16 } from '../products/tiles.generated';

/** Bytes of a row of a panel of 16 columns. */
const PANEL: usize = 64;
/** Rows of a panel that are multiplied at a time, so that they stay in L1. */
const SLICE_ROWS = 256;

/** The kernel in w or dw. */
@inline
function kernelIn(plan: LstmVariantPlan, w: usize): usize {
  return w + <usize>padded(plan.units) * 16;
}

/** The recurrent kernel in w or dw. */
@inline
function recurrentIn(plan: LstmVariantPlan, w: usize): usize {
  return w + <usize>(padded(plan.units) * (1 + plan.inputs)) * 16;
}

// ---------------------------------------------------------------------------------------------------------- forward

/** Runs all time steps for rows [first, first + rows) of the batch. */
export function lstmVariantForward(plan: LstmVariantPlan, first: i32, rows: i32): void {
  lstmVariantForwardRows(plan, first, rows);
  lstmVariantForwardEnd(plan, first, rows);
}

/** The part of lstmVariantForward that threads run at the same time. It does not change the carried state. */
export function lstmVariantForwardRows(plan: LstmVariantPlan, first: i32, rows: i32): void {
  assert(rows > 0 && first >= 0 && first + rows <= plan.batch && plan.steps > 0);
  drawRecurrentDropout(plan.drop, plan.dropSeed, plan.dropRate, plan.batch, padded(plan.outputs));
  loadState(plan, first, rows);
  for (let t = 0; t < plan.steps; t++) forwardStep(plan, t, first, rows);
}

function forwardStep(plan: LstmVariantPlan, t: i32, first: i32, rows: i32): void {
  const B = <usize>plan.batch;
  const at = <usize>t * B + first;
  const columns = 4 * padded(plan.units);
  const gatesRow = plan.gatesRow;
  const gates = plan.gates + at * gatesRow;
  const x = plan.x + <usize>t * plan.xStep + <usize>first * plan.xRow;
  const h = plan.h + at * plan.hRow;
  const kernel = kernelIn(plan, plan.w);
  const recurrent = recurrentIn(plan, plan.w);
  if (plan.norms) {
    product(plan.xw + at * gatesRow, gatesRow, ZEROS, 0, 0, x, plan.xRow, plan.inputs, kernel, rows, columns);
    product(plan.hr + at * gatesRow, gatesRow, ZEROS, 0, 0, h, plan.hRow, plan.outputs, recurrent, rows, columns);
  } else {
    product(gates, gatesRow, plan.w, 0, 4, x, plan.xRow, plan.inputs, kernel, rows, columns);
    product(gates, gatesRow, gates, gatesRow, 4, h, plan.hRow, plan.outputs, recurrent, rows, columns);
  }

  const outRow = plan.y ? plan.yRow : plan.hRow;
  const previous = (plan.y ? plan.y : plan.h) + at * outRow;
  const next = previous + B * outRow;
  const mask = maskOf(plan.mask, plan.maskStep, t, first);
  const unitRow = plan.unitRow;
  for (let b = 0; b < rows; b++) {
    const n = at + b;
    const m = plan.projection ? plan.m + n * unitRow : next + <usize>b * outRow;
    cellForward(plan, n, m);
    if (!mask || isUnmasked(mask, b)) continue;
    // c_t = c_{t-1}; backward skips the row, and the projection has nothing to multiply
    memory.copy(plan.c + (n + B) * unitRow, plan.c + n * unitRow, unitRow);
    if (plan.projection) memory.fill(m, 0, unitRow);
  }
  if (plan.projection) {
    const m = plan.m + at * unitRow;
    product(next, outRow, ZEROS, 0, 0, m, unitRow, plan.units, plan.projection, rows, plan.outputs);
  }
  if (mask) copySkippedRows(previous, outRow, B * outRow, mask, rows, padded(plan.outputs));
  if (plan.drop) dropSlot(plan, t + 1, first, rows);
}

/** Stores the carried state of some rows, after lstmVariantForwardRows for them. */
export function lstmVariantForwardEnd(plan: LstmVariantPlan, first: i32, rows: i32): void {
  storeState(plan, plan.steps, first, rows);
}

/** Restores the carried state from before lstmVariantForward, while the workspace still holds its batch. */
export function lstmVariantRewind(plan: LstmVariantPlan): void {
  if (!plan.savedH) return storeState(plan, 0, 0, plan.batch);
  const P = padded(plan.outputs);
  const H = padded(plan.units);
  storeH(plan.stateH, plan.savedH, <usize>P * 4, 0, plan.batch, P);
  storeH(plan.stateC, plan.savedC, <usize>H * 4, 0, plan.batch, H);
}

/** c = init + a [rows, K] * packed [K, columns]. */
function product(
  c: usize, cRow: usize, init: usize, initRow: usize, initCol: usize, a: usize, aRow: usize, K: i32, packed: usize,
  rows: i32, columns: i32,
): void {
  for (let k = 0; k < K; k += SLICE_ROWS) {
    const depth = min(SLICE_ROWS, K - k);
    matmulPart(c, cRow, init, initRow, initCol, a + <usize>k * 4, aRow, 0, depth, 1, packed, k, K, rows, columns);
    init = c;
    initRow = cRow;
    initCol = 4;
  }
}

/** Sets slot 0 of h and c to the given or carried state, or to zero. */
function loadState(plan: LstmVariantPlan, first: i32, rows: i32): void {
  const out = plan.y ? plan.y : plan.h;
  const outRow = plan.y ? plan.yRow : plan.hRow;
  const H = padded(plan.units);
  const P = padded(plan.outputs);
  storeH(plan.savedH, plan.stateH, <usize>P * 4, first, rows, P);
  storeH(plan.savedC, plan.stateC, <usize>H * 4, first, rows, H);
  if (plan.h0) {
    loadInitialH(out, outRow, plan.h0, plan.h0Row, first, rows, plan.outputs);
    loadInitialH(plan.c, plan.unitRow, plan.c0, plan.c0Row, first, rows, plan.units);
  } else {
    loadH(out, outRow, plan.stateH, first, rows, P);
    loadH(plan.c, plan.unitRow, plan.stateC, first, rows, H);
  }
  if (plan.drop) dropSlot(plan, 0, first, rows);
}

/** Stores a slot of h and c as the carried state: the last slot after a batch, slot 0 to undo that. */
function storeState(plan: LstmVariantPlan, slot: i32, first: i32, rows: i32): void {
  const at = <usize>slot * plan.batch;
  const outRow = plan.y ? plan.yRow : plan.hRow;
  storeH(plan.stateH, (plan.y ? plan.y : plan.h) + at * outRow, outRow, first, rows, padded(plan.outputs));
  storeH(plan.stateC, plan.c + at * plan.unitRow, plan.unitRow, first, rows, padded(plan.units));
}

/** h = y * drop in one slot. */
function dropSlot(plan: LstmVariantPlan, slot: i32, first: i32, rows: i32): void {
  const at = <usize>slot * plan.batch + first;
  const P = padded(plan.outputs);
  const drop = plan.drop + <usize>(first * P) * 4;
  applyRecurrentDropout(plan.h + at * plan.hRow, plan.hRow, plan.y + at * plan.yRow, plan.yRow, drop, rows, P);
}

// --------------------------------------------------------------------------------------------------------- backward

/** Backpropagation through time for rows [first, first + rows), after lstmVariantForward; adds to dw. */
export function lstmVariantBackward(plan: LstmVariantPlan, first: i32, rows: i32): void {
  lstmVariantBackwardStart(plan);
  lstmVariantBackwardRows(plan, first, rows);
  weightGradients(plan, first, rows, 0, groupsOf(plan));
}

/** What lstmVariantBackwardRows needs, once for all rows. */
export function lstmVariantBackwardStart(plan: LstmVariantPlan): void {
  const G = padded(plan.units) >> 2;
  const P = plan.outputs;
  const I = plan.inputs;
  packTransposedRows(plan.wt, recurrentIn(plan, plan.w), <usize>P * PANEL, 16, G, P, 0, sixteens(P));
  if (plan.dx) packTransposedRows(kernelT(plan), kernelIn(plan, plan.w), <usize>I * PANEL, 16, G, I, 0, sixteens(I));
  if (plan.projection) packTransposed(projectionT(plan), plan.projection, plan.units, P);
}

/** The transposed kernel in wt. */
@inline
function kernelT(plan: LstmVariantPlan): usize {
  return plan.wt + <usize>(padded(plan.units) * padded(plan.outputs)) * 16;
}

/** The transposed projection in wt. */
@inline
function projectionT(plan: LstmVariantPlan): usize {
  return kernelT(plan) + (plan.dx ? <usize>(padded(plan.units) * padded(plan.inputs)) * 16 : 0);
}

/** The part of lstmVariantBackward for some rows, which threads run at the same time: all gradients but those of weights. */
export function lstmVariantBackwardRows(plan: LstmVariantPlan, first: i32, rows: i32): void {
  assert(rows > 0 && first >= 0 && first + rows <= plan.batch && plan.steps > 0);
  const H = padded(plan.units);
  const row = <usize>H * 4;
  const dhStep = plan.sequences ? <usize>plan.batch * plan.dhRow : 0; // only the last step has a gradient: one slot is enough

  if (plan.dcT) loadInitialH(plan.dc, row, plan.dcT, plan.dcTRow, first, rows, plan.units);
  else clearRows(plan.dc, row, first, rows, H);
  if (plan.zeroDh) clearRows(plan.dh, plan.dhRow, first, rows, padded(plan.outputs));
  for (let t = plan.steps - 1; t >= 0; t--) backwardStep(plan, t, first, rows, dhStep);
  if (!plan.dc0) return;
  copyRows(plan.dc0 + <usize>first * plan.dc0Row, plan.dc0Row, 0, plan.dc + <usize>first * row, row, 0, 1, rows, H);
}

function backwardStep(plan: LstmVariantPlan, t: i32, first: i32, rows: i32, dhStep: usize): void {
  const P = plan.outputs;
  const columns = 4 * padded(plan.units);
  const row = <usize>columns; // bytes of H numbers
  const at = <usize>t * plan.batch + first;
  const dh = plan.dh + <usize>t * dhStep + <usize>first * plan.dhRow;
  const mask = maskOf(plan.mask, plan.maskStep, t, first);
  let dm = dh;
  let dmRow = plan.dhRow;
  if (plan.projection) {
    if (plan.dp != plan.dh) copyRows(plan.dp + at * plan.dpRow, plan.dpRow, 0, dh, dmRow, 0, 1, rows, padded(P));
    dm = plan.dm + <usize>first * row;
    dmRow = row;
    product(dm, row, ZEROS, 0, 0, dh, plan.dhRow, P, projectionT(plan), rows, plan.units);
  }
  for (let b: usize = 0; b < <usize>rows; b++) {
    const counts = !mask || isUnmasked(mask, <i32>b);
    cellBackward(plan, at + b, plan.dc + (first + b) * row, dm + b * dmRow, counts);
  }

  const gatesRow = plan.gatesRow;
  if (t > 0 || plan.dh0) {
    // dh_{t-1} = gradient from the layer above + gradient of h R times transposed(R); h_0 has no layer above
    const to = t > 0 ? dh - dhStep : plan.dh0 + <usize>first * plan.dh0Row;
    const toRow = t > 0 ? plan.dhRow : plan.dh0Row;
    const sums = t > 0 ? plan.sequences : 0;
    const dhr = (plan.norms ? plan.dhr : plan.gates) + at * gatesRow;
    if (plan.mask || plan.drop) {
      const stateRow = <usize>padded(P) * 4;
      const dhx = plan.dhx + <usize>first * stateRow;
      const drop = plan.drop ? plan.drop + <usize>first * stateRow : 0;
      product(dhx, stateRow, ZEROS, 0, 0, dhr, gatesRow, columns, plan.wt, rows, P);
      stateGradient(to, toRow, sums, dh, plan.dhRow, dhx, drop, mask, rows, padded(P));
    } else if (sums) {
      product(to, toRow, to, toRow, 4, dhr, gatesRow, columns, plan.wt, rows, P);
    } else {
      product(to, toRow, ZEROS, 0, 0, dhr, gatesRow, columns, plan.wt, rows, P);
    }
  }
  if (plan.dx) {
    const dx = plan.dx + <usize>t * plan.dxStep + <usize>first * plan.dxRow;
    const dxw = (plan.norms ? plan.dxw : plan.gates) + at * gatesRow;
    product(dx, plan.dxRow, ZEROS, 0, 0, dxw, gatesRow, columns, kernelT(plan), rows, plan.inputs);
  }
}

/** The parts of the weight gradients: a panel of 16 columns of the gates, with 4 units; then one of the projection. */
@inline
function groupsOf(plan: LstmVariantPlan): i32 {
  return (padded(plan.units) >> 2) + (plan.projection ? sixteens(plan.outputs) : 0);
}

/**
 * The weight gradients of groups [first, first + count), after lstmVariantBackwardRows for all rows; adds to dw. Every sum
 * has the order of lstmVariantBackward, and so the same bits.
 */
export function lstmVariantBackwardWeights(plan: LstmVariantPlan, first: i32, count: i32): void {
  for (let row = 0; row < plan.batch; row += ROW_BLOCK) {
    weightGradients(plan, row, min(ROW_BLOCK, plan.batch - row), first, count);
  }
}

/** Adds the weight gradients of some rows in some groups. */
function weightGradients(plan: LstmVariantPlan, row: i32, rows: i32, first: i32, count: i32): void {
  const G = padded(plan.units) >> 2;
  const chunk = max(1, ENOUGH_ROWS / rows);
  for (let t = 0; t < plan.steps; t += chunk) {
    const steps = min(chunk, plan.steps - t);
    for (let n = first; n < first + count; n++) {
      if (n < G) gateGradients(plan, <usize>n, t, steps, row, rows);
      else projectionGradients(plan, 16 * (n - G), t, steps, row, rows);
    }
  }
}

/** Columns [16n, 16n + 16) of the gates and units [4n, 4n + 4), from step t on. */
function gateGradients(plan: LstmVariantPlan, n: usize, t: i32, steps: i32, row: i32, rows: i32): void {
  const B = <usize>plan.batch;
  const at = <usize>t * B + row;
  const gatesRow = plan.gatesRow;
  const gatesStep = B * gatesRow;
  const panel = n * PANEL;
  const gates = plan.gates + at * gatesRow + panel;
  const dxw = plan.norms ? plan.dxw + at * gatesRow + panel : gates;
  const dhr = plan.norms ? plan.dhr + at * gatesRow + panel : gates;
  const x = plan.x + <usize>t * plan.xStep + <usize>row * plan.xRow;
  const h = plan.h + at * plan.hRow;
  const dKernel = kernelIn(plan, plan.dw) + panel * plan.inputs;
  const dRecurrent = recurrentIn(plan, plan.dw) + panel * plan.outputs;
  outerPanel16(dKernel, x, plan.xRow, plan.xStep, dxw, gatesRow, gatesStep, rows, steps, plan.inputs);
  outerPanel16(dRecurrent, h, plan.hRow, B * plan.hRow, dhr, gatesRow, gatesStep, rows, steps, plan.outputs);
  for (let s: usize = 0; s < <usize>steps; s++) {
    const from = at + s * B;
    if (plan.useBias) columnSums(plan.dw + panel, gates + s * gatesStep, gatesRow, rows, 16);
    if (plan.peepholes) peepholeGradients(plan, n * UNITS, from, rows);
    if (plan.norms) normGradients(plan, n, from, rows);
  }
}

/** The gradients of p_i, p_f and p_o of four units, `unit` bytes from the first, for rows from `from` on. */
function peepholeGradients(plan: LstmVariantPlan, unit: usize, from: usize, rows: i32): void {
  const row = <usize>padded(plan.units) * 4;
  const dp = plan.dw + (plan.peepholes - plan.w) + unit;
  const gates = plan.gates + from * plan.gatesRow + unit;
  const before = plan.c + from * plan.unitRow + unit;
  const cell = plan.norms ? plan.cell + from * plan.unitRow + unit : before + <usize>plan.batch * plan.unitRow;
  sumProducts(dp, gates, plan.gatesRow, before, plan.unitRow, rows);
  sumProducts(dp + row, gates + row, plan.gatesRow, before, plan.unitRow, rows);
  sumProducts(dp + 2 * row, gates + 3 * row, plan.gatesRow, cell, plan.unitRow, rows);
}

/** The gradients of gamma and beta of all three normalizations. */
function normGradients(plan: LstmVariantPlan, n: usize, from: usize, rows: i32): void {
  const wide = <usize>padded(plan.units) * 16;
  const panel = n * PANEL;
  const norms = plan.dw + (plan.norms - plan.w);
  const at = from * plan.gatesRow + panel;
  const moments = plan.moments + from * MOMENTS;
  for (let k: usize = 0; k < PANEL; k += UNITS) {
    const gates = plan.gates + at + k;
    const to = norms + panel + k;
    normGradient(to, to + wide, gates, plan.gatesRow, plan.xw + at + k, plan.gatesRow, moments, rows);
    normGradient(to + 2 * wide, to + 3 * wide, gates, plan.gatesRow, plan.hr + at + k, plan.gatesRow, moments + 8, rows);
  }
  const unit = from * plan.unitRow + n * UNITS;
  const to = norms + 4 * wide + n * UNITS;
  normGradient(
    to, to + (wide >> 2), plan.dn + unit, plan.unitRow, plan.cell + unit, plan.unitRow, moments + 16, rows,
  );
}

/** Columns [from, from + 16) of the gradient of the projection. */
function projectionGradients(plan: LstmVariantPlan, from: i32, t: i32, steps: i32, row: i32, rows: i32): void {
  const B = <usize>plan.batch;
  const U = plan.units;
  const at = <usize>t * B + row;
  const to = plan.dw + (plan.projection - plan.w) + <usize>(from * U) * 4;
  const m = plan.m + at * plan.unitRow;
  const dp = plan.dp + at * plan.dpRow + <usize>from * 4;
  const columns = min(16, plan.outputs - from);
  matmulTransposed(to, m, plan.unitRow, B * plan.unitRow, dp, plan.dpRow, B * plan.dpRow, rows, steps, U, columns);
}

// ---------------------------------------------------------------------------------------------------------- weights

/** Packs [rows, 4U] of Keras, gate blocks i, f, c, o, as [rows, 4H]; the padding of `packed` must be zero. */
export function packGates(packed: usize, plain: usize, rows: i32, units: i32): void {
  copyGates(packed, plain, rows, units, pack);
}

export function unpackGates(packed: usize, plain: usize, rows: i32, units: i32): void {
  copyGates(packed, plain, rows, units, unpack);
}

function copyGates(packed: usize, plain: usize, rows: i32, units: i32, copy: Copy): void {
  const block = <usize>units * 4;
  const H = padded(units);
  for (let gate = 0; gate < 4; gate++) {
    for (let u = 0; u < units; u += 4) {
      const column = gate * H + u;
      const to = packed + <usize>((column >> 4) * rows) * PANEL + <usize>(column & 15) * 4;
      copy(to, PANEL, plain + <usize>gate * block + <usize>u * 4, 4 * block, rows, min(4, units - u));
    }
  }
}

/** Packs a projection [U, P]; the padding of `packed` must be zero. */
export function packProjection(packed: usize, plain: usize, units: i32, outputs: i32): void {
  copyPanels(packed, 0, units, plain, units, outputs, pack);
}

export function unpackProjection(packed: usize, plain: usize, units: i32, outputs: i32): void {
  copyPanels(packed, 0, units, plain, units, outputs, unpack);
}
