/**
 * The GRU layer: the equations, and the loop over time, forward above backward. The cells are in gruCell.ts.
 *
 *   z_t = sigmoid(x_t Wz + h_{t-1} Rz + bz)               update gate
 *   r_t = sigmoid(x_t Wr + h_{t-1} Rr + br)               reset gate
 *   n_t = tanh   (x_t Wn + bn + r_t * (h_{t-1} Rn + cn))  candidate; Keras calls its weights h
 *   h_t = z_t * h_{t-1} + (1 - z_t) * n_t                 output, also called hidden state
 *
 * These are the equations with resetAfter, where z and r have a second bias too. Without it, the reset gate comes before
 * the product, n_t = tanh(x_t Wn + bn + (r_t * h_{t-1}) Rn), and there is one bias.
 *
 * Letters: B batch, T time, I input width, U units, G = ceil(U / 4) groups of 4 units, H = 4G padded units.
 *
 * The gates are stored in the order [group][a z r n][4 units], where a is h_{t-1} Rn + cn with resetAfter and
 * r_t * h_{t-1} without. The products of the state (a z r) and of the input (z r n) are three adjacent vectors each, so
 * both use panels of 12 columns. Padded units stay zero, as in lstm.ts.
 */

import {
  activateUpdateAndReset, addBiasGradients, cellBackwardFast, cellBackwardGeneral, cellForward, resetBackward, skipGates,
} from './gruCell';
import { GATES, GruPlan, N, R, Z } from './gruPlan';
import { SLICE, ZEROS, matmul, matmulColumns, sixteens } from '../products/matmul';
import {
  ENOUGH_ROWS, ROW_BLOCK, UNITS, applyRecurrentDropout, clearRows, copySkippedRows, drawRecurrentDropout, loadH, loadInitialH,
  maskOf, packTransposedRows, stateGradient, storeH,
} from './shared';
import { outerPanel12, outerPanel4, outerPanel8, rowPanel12, rowPanel4, rowPanel8 } from '../products/tiles.generated';

/** Bytes of one row of a panel of three gates. */
const PANEL: usize = 48;

@inline
export function groups(plan: GruPlan): i32 {
  return (plan.units + 3) >> 2;
}

/** Whether the first step starts from a given or carried state. */
@inline
function hasInitialState(plan: GruPlan): bool {
  return plan.h0 != 0 || plan.stateH != 0;
}

/** Bytes of the weights of one group: two rows of biases, the recurrent kernel, the kernel. */
@inline
function panelBytes(plan: GruPlan): usize {
  return <usize>(2 + 4 * groups(plan) + plan.inputs) * PANEL;
}

// ---------------------------------------------------------------------------------------------------------- forward

/** Runs all time steps for rows [first, first + rows) of the batch. */
export function gruForward(plan: GruPlan, first: i32, rows: i32): void {
  gruForwardRows(plan, first, rows);
  gruForwardEnd(plan, first, rows);
}

/** The part of gruForward that threads run at the same time. It does not change the carried state. */
export function gruForwardRows(plan: GruPlan, first: i32, rows: i32): void {
  assert(rows > 0 && first >= 0 && first + rows <= plan.batch && plan.steps > 0);
  const B = <usize>plan.batch;
  const T = plan.steps;
  const G = groups(plan);
  const H = 4 * G;
  const out = plan.y ? plan.y : plan.h;
  const outRow = plan.y ? plan.yRow : plan.hRow;

  drawRecurrentDropout(plan.drop, plan.dropSeed, plan.dropRate, plan.batch, H);
  loadState(plan, first, rows);
  for (let t = 0; t < T; t++) {
    stepGroups(plan, t, first, rows, 0, G);
    if (!plan.resetAfter) candidateGroups(plan, t, first, rows, 0, G);
    const previous = out + (<usize>t * B + first) * outRow;
    if (plan.mask) copySkippedRows(previous, outRow, B * outRow, maskOf(plan.mask, plan.maskStep, t, first), rows, H);
    if (plan.drop) dropSlot(plan, t + 1, first, rows);
  }
}

/** One time step of some groups; without resetAfter up to r_t * h_{t-1}, and candidateGroups for all groups follows. */
export function stepGroups(plan: GruPlan, t: i32, first: i32, rows: i32, firstGroup: i32, groupCount: i32): void {
  const B = <usize>plan.batch;
  const G = groups(plan);
  const h = plan.h + (<usize>t * B + first) * plan.hRow;
  const outRow = plan.y ? plan.yRow : plan.hRow;
  const next = (plan.y ? plan.y : plan.h) + (<usize>(t + 1) * B + first) * outRow;
  const reads = t > 0 || hasInitialState(plan); // without one h_0 = 0 contributes nothing
  for (let g = firstGroup; g < firstGroup + groupCount; g++) {
    const at = (<usize>t * G + g) * plan.gatesGroup + <usize>first * GATES;
    const gates = plan.gates + at;
    const slopes = plan.slopes ? plan.slopes + at : 0;
    const unit = <usize>g * UNITS;
    const panels = plan.w + <usize>g * panelBytes(plan);
    const w = panels + 2 * PANEL;
    projectInput(plan, gates, panels, t, first, rows);
    if (reads) {
      if (plan.resetAfter) product12(gates, gates, GATES, h, plan.hRow, 4 * G, w, rows);
      else product8(gates + Z, h, plan.hRow, 4 * G, w, rows);
    }
    activateUpdateAndReset(plan, gates, slopes, next + unit, outRow, h + unit, plan.hRow, rows);
    if (plan.resetAfter) finishGroup(plan, t, g, first, rows);
  }
}

/** One time step of some groups without resetAfter, after stepGroups for all groups. */
export function candidateGroups(plan: GruPlan, t: i32, first: i32, rows: i32, firstGroup: i32, groupCount: i32): void {
  const G = groups(plan);
  const resets = plan.gates + <usize>t * G * plan.gatesGroup + <usize>first * GATES;
  const reads = t > 0 || hasInitialState(plan);
  for (let g = firstGroup; g < firstGroup + groupCount; g++) {
    const n = resets + <usize>g * plan.gatesGroup + N;
    const w = plan.w + <usize>g * panelBytes(plan) + 2 * PANEL + <usize>(4 * G) * 32;
    if (reads) productBlocks(n, resets, plan.gatesGroup, G, w, rows);
    finishGroup(plan, t, g, first, rows);
  }
}

/** Sets slot 0 of h to the given or carried state, or to zero. */
export function loadState(plan: GruPlan, first: i32, rows: i32): void {
  const H = 4 * groups(plan);
  const out = plan.y ? plan.y : plan.h;
  const outRow = plan.y ? plan.yRow : plan.hRow;
  storeH(plan.savedH, plan.stateH, <usize>H * 4, first, rows, H);
  if (plan.h0) loadInitialH(out, outRow, plan.h0, plan.h0Row, first, rows, plan.units);
  else loadH(out, outRow, plan.stateH, first, rows, H);
  if (plan.drop) dropSlot(plan, 0, first, rows);
}

/** Stores the carried state of some rows, after gruForwardRows for them. */
export function gruForwardEnd(plan: GruPlan, first: i32, rows: i32): void {
  storeState(plan, first, rows);
}

/** Stores the last slot of h as the carried state. */
function storeState(plan: GruPlan, first: i32, rows: i32): void {
  const outRow = plan.y ? plan.yRow : plan.hRow;
  const last = (plan.y ? plan.y : plan.h) + <usize>plan.steps * <usize>plan.batch * outRow;
  storeH(plan.stateH, last, outRow, first, rows, 4 * groups(plan));
}

/** Restores the carried state from before gruForward, while the workspace still holds its batch. */
export function gruRewind(plan: GruPlan): void {
  const H = 4 * groups(plan);
  if (plan.savedH) return storeH(plan.stateH, plan.savedH, <usize>H * 4, 0, plan.batch, H);
  const out = plan.y ? plan.y : plan.h;
  storeH(plan.stateH, out, plan.y ? plan.yRow : plan.hRow, 0, plan.batch, H);
}

/** The cell of one group at step t, after activateUpdateAndReset. */
function finishGroup(plan: GruPlan, t: i32, g: i32, first: i32, rows: i32): void {
  const B = <usize>plan.batch;
  const G = groups(plan);
  const at = (<usize>t * G + g) * plan.gatesGroup + <usize>first * GATES;
  const gates = plan.gates + at;
  const slopes = plan.slopes ? plan.slopes + at : 0;
  const hPrev = plan.h + (<usize>t * B + first) * plan.hRow + <usize>g * UNITS;
  const out = plan.y ? plan.y : plan.h;
  const outRow = plan.y ? plan.yRow : plan.hRow;
  const h = out + ((<usize>t + 1) * B + first) * outRow + <usize>g * UNITS;
  const units = g < G - 1 ? 4 : plan.units;
  cellForward(plan, gates, slopes, h, outRow, hPrev, plan.hRow, rows, units);
  if (plan.mask) skipGates(gates, slopes, maskOf(plan.mask, plan.maskStep, t, first), rows);
}

/** h = y * drop in one slot. */
function dropSlot(plan: GruPlan, slot: i32, first: i32, rows: i32): void {
  const at = <usize>slot * plan.batch + first;
  const H = 4 * groups(plan);
  const drop = plan.drop + <usize>(first * H) * 4;
  applyRecurrentDropout(plan.h + at * plan.hRow, plan.hRow, plan.y + at * plan.yRow, plan.yRow, drop, rows, H);
}

/** c [B][12 of 16] = init + a [B, K] * panel [K, 12]. */
function product12(
  c: usize, init: usize, initRow: usize, a: usize, aRow: usize, K: i32, panel: usize, rows: i32,
): void {
  const most = SLICE / <i32>PANEL;
  for (; K > 0; K -= most) {
    rowPanel12(c, GATES, init, initRow, a, aRow, 0, min(K, most), 1, panel, rows);
    init = c;
    initRow = GATES;
    a += <usize>most * 4;
    panel += <usize>most * PANEL;
  }
}

/** c [B][8 of 16] += a [B, K] * panel [K, 8]. */
function product8(c: usize, a: usize, aRow: usize, K: i32, panel: usize, rows: i32): void {
  const most = SLICE / 32;
  for (; K > 0; K -= most) {
    rowPanel8(c, GATES, c, GATES, a, aRow, 0, min(K, most), 1, panel, rows);
    a += <usize>most * 4;
    panel += SLICE;
  }
}

/** c [B][4 of 16] += a [B, 4G] * panel [4G, 4], where a row of a is G blocks of 4 numbers. */
function productBlocks(c: usize, a: usize, aBlock: usize, G: i32, panel: usize, rows: i32): void {
  const most = SLICE / 64;
  for (; G > 0; G -= most) {
    rowPanel4(c, GATES, c, GATES, a, GATES, aBlock, 4, min(G, most), panel, rows);
    a += <usize>most * aBlock;
    panel += SLICE;
  }
}

/**
 * Gates [a z r n] = biases + x_t [0 Wz Wr Wn] in one step of one group, whose weights are at w.
 *
 * All rows start from z r n of the last row, which holds the biases: tiles load their initial values before they store,
 * and the last row is stored last.
 */
function projectInput(plan: GruPlan, gates: usize, w: usize, t: i32, first: i32, rows: i32): void {
  const a = v128.load(w, 48);
  const last = gates + <usize>(rows - 1) * GATES;
  v128.store(last, f32x4.add(v128.load(w), v128.load(w, 64)), Z);
  v128.store(last, f32x4.add(v128.load(w, 16), v128.load(w, 80)), R);
  v128.store(last, v128.load(w, 32), N);
  const x = plan.x + <usize>t * plan.xStep + <usize>first * plan.xRow;
  const kernel = w + <usize>(2 + 4 * groups(plan)) * PANEL;
  for (let at = gates; at <= last; at += GATES) v128.store(at, a);
  product12(gates + Z, last + Z, 0, x, plan.xRow, plan.inputs, kernel, rows);
}

// --------------------------------------------------------------------------------------------------------- backward

/** Backpropagation through time for rows [first, first + rows), after gruForward; adds to dw. */
export function gruBackward(plan: GruPlan, first: i32, rows: i32): void {
  transposeWeights(plan);
  sweepBackward(plan, first, rows, true);
  if (!plan.useBias) clearBiasGradients(plan, 0, groups(plan));
}

/** What gruBackwardRows needs, once for all rows. */
export function gruBackwardStart(plan: GruPlan): void {
  transposeWeights(plan);
}

/** The part of gruBackward for some rows, which threads run at the same time: all gradients but those of weights. */
export function gruBackwardRows(plan: GruPlan, first: i32, rows: i32): void {
  sweepBackward(plan, first, rows, false);
}

/**
 * The weight gradients of groups [first, first + count), after gruBackwardRows for all rows; adds to dw. Every sum has
 * the order of gruBackward, and so the same bits.
 */
export function gruBackwardWeights(plan: GruPlan, first: i32, count: i32): void {
  const B = plan.batch;
  const step = <usize>groups(plan) * plan.gatesGroup;
  for (let row = 0; row < B; row += ROW_BLOCK) {
    const rows = min(ROW_BLOCK, B - row);
    const chunk = max(1, ENOUGH_ROWS / rows);
    for (let end = plan.steps; end > 0; end -= chunk) {
      const t = max(0, end - chunk);
      for (let g = first; g < first + count; g++) {
        const db = plan.dw + <usize>g * panelBytes(plan);
        const dz = plan.gates + <usize>g * plan.gatesGroup + <usize>row * GATES;
        for (let s = end - 1; s >= t; s--) addBiasGradients(db, dz + <usize>s * step, rows, plan.resetAfter != 0);
      }
      weightGradients(plan, row, rows, t, end - t, first, count);
    }
  }
  if (!plan.useBias) clearBiasGradients(plan, first, count);
}

function clearBiasGradients(plan: GruPlan, first: i32, count: i32): void {
  for (let g = first; g < first + count; g++) memory.fill(plan.dw + <usize>g * panelBytes(plan), 0, 2 * PANEL);
}

/** Backward over time; with `adds`, adds the weight gradients of these rows to dw. */
function sweepBackward(plan: GruPlan, first: i32, rows: i32, adds: bool): void {
  assert(rows > 0 && first >= 0 && first + rows <= plan.batch && plan.steps > 0);
  const I = plan.inputs;
  const G = groups(plan);
  const H = 4 * G;
  const row = <usize>H * 4;
  const gatesStep = <usize>G * plan.gatesGroup;
  const separate = plan.mask != 0 || plan.drop != 0; // the gradient through the gates goes to dhx first
  const chunk = max(1, ENOUGH_ROWS / rows);

  startSweep(plan, first, rows);
  let pending = 0; // steps with gradients of the gates, but not yet of the weights
  for (let t = plan.steps - 1; t >= 0; t--) {
    const gates = plan.gates + <usize>t * gatesStep + <usize>first * GATES;
    // dh_{t-1} = gradient from the layer above + z dh_t + dz_t transposed(R)
    const belowRow = rowBelow(plan, t);
    const below = gradientBelow(plan, t) + <usize>first * belowRow;
    const to = separate ? plan.dhx + <usize>first * row : below;
    const toRow = separate ? row : belowRow;
    const sums = !separate && t > 0 && plan.sequences != 0;
    cellsBackward(plan, t, first, rows, 0, G, to, toRow, sums, adds);
    if (!plan.resetAfter) resetsBackward(plan, t, first, rows, 0, sixteens(H), to, toRow, adds);
    if (t > 0 || plan.dh0) {
      const from = plan.resetAfter ? gates : gates + Z;
      const depth = plan.resetAfter ? 12 : 8;
      matmul(to, toRow, to, toRow, 4, from, GATES, plan.gatesGroup, depth, G, plan.wt, rows, H);
      if (separate) {
        const dh = plan.dh + <usize>t * stepOfDh(plan) + <usize>first * plan.dhRow;
        const mask = maskOf(plan.mask, plan.maskStep, t, first);
        const drop = plan.drop ? plan.drop + <usize>first * row : 0;
        stateGradient(below, belowRow, t > 0 ? plan.sequences : 0, dh, plan.dhRow, to, drop, mask, rows, H);
      }
    }
    if (plan.dx) {
      const dx = plan.dx + <usize>t * plan.dxStep + <usize>first * plan.dxRow;
      matmul(dx, plan.dxRow, ZEROS, 0, 0, gates + Z, GATES, plan.gatesGroup, 12, G, kernelPanels(plan), rows, I);
    }
    if (++pending == chunk || t == 0) {
      if (adds) weightGradients(plan, first, rows, t, pending, 0, G);
      pending = 0;
    }
  }
}

export function startSweep(plan: GruPlan, first: i32, rows: i32): void {
  if (plan.zeroDh) clearRows(plan.dh, plan.dhRow, first, rows, 4 * groups(plan));
}

/** Bytes from one time step of dh to the next: only the last one has a gradient without sequences, and one slot is enough. */
@inline
function stepOfDh(plan: GruPlan): usize {
  return plan.sequences ? <usize>plan.batch * plan.dhRow : 0;
}

/** Where the gradient of h_{t-1} goes; at the first step to dh0, or to dh where it is unused. */
export function gradientBelow(plan: GruPlan, t: i32): usize {
  if (t > 0) return plan.dh + <usize>(t - 1) * stepOfDh(plan);
  return plan.dh0 ? plan.dh0 : plan.dh;
}

/** Bytes from one row of gradientBelow to the next. */
@inline
export function rowBelow(plan: GruPlan, t: i32): usize {
  return t == 0 && plan.dh0 ? plan.dh0Row : plan.dhRow;
}

/**
 * One time step of some groups, backward through the cells; without resetAfter, resetsBackward for all columns follows.
 *
 * @param to (B, H): receives the gradient of h_{t-1} that does not go through the gates; `sums` 1: adds it
 * @param adds 1: adds the bias gradients of these rows to dw
 */
export function cellsBackward(
  plan: GruPlan, t: i32, first: i32, rows: i32, firstGroup: i32, groupCount: i32, to: usize, toRow: usize, sums: bool,
  adds: bool,
): void {
  const step = <usize>(t * groups(plan)) * plan.gatesGroup + <usize>first * GATES;
  const dh = plan.dh + <usize>t * stepOfDh(plan) + <usize>first * plan.dhRow;
  const h = plan.h + (<usize>t * plan.batch + first) * plan.hRow;
  const resetAfter = plan.resetAfter != 0;
  for (let g = <usize>firstGroup; g < <usize>(firstGroup + groupCount); g++) {
    const at = plan.gates + step + g * plan.gatesGroup;
    const slopes = plan.slopes ? plan.slopes + step + g * plan.gatesGroup : 0;
    const db = adds ? plan.dw + g * panelBytes(plan) : 0;
    const u = g * UNITS;
    if (resetAfter && !slopes) {
      cellBackwardFast(at, to + u, toRow, sums, dh + u, plan.dhRow, h + u, plan.hRow, db, rows);
    } else {
      cellBackwardGeneral(at, slopes, to + u, toRow, sums, dh + u, plan.dhRow, h + u, plan.hRow, db, rows, resetAfter);
    }
  }
}

/** One time step of sixteens of units without resetAfter, backward through the reset gate; `to` and `adds` as above. */
export function resetsBackward(
  plan: GruPlan, t: i32, first: i32, rows: i32, firstSixteen: i32, count: i32, to: usize, toRow: usize, adds: bool,
): void {
  const G = groups(plan);
  const H = 4 * G;
  const row = <usize>H * 4;
  const step = <usize>(t * G) * plan.gatesGroup + <usize>first * GATES;
  const h = plan.h + (<usize>t * plan.batch + first) * plan.hRow;
  // The gradient of r * h_{t-1} is the gradient of n times transposed(Rn)
  const drh = plan.drh + <usize>first * row;
  matmulColumns(
    drh, row, ZEROS, 0, 0, plan.gates + step + N, GATES, plan.gatesGroup, 4, G, resetPanels(plan), rows, H,
    firstSixteen, count,
  );
  for (let g = <usize>(4 * firstSixteen); g < <usize>min(4 * (firstSixteen + count), G); g++) {
    const at = plan.gates + step + g * plan.gatesGroup;
    const slopes = plan.slopes ? plan.slopes + step + g * plan.gatesGroup : 0;
    const db = adds ? plan.dw + g * panelBytes(plan) : 0;
    const u = g * UNITS;
    resetBackward(at, slopes, to + u, toRow, drh + u, row, h + u, plan.hRow, db, rows);
  }
}

/** Gradients of the recurrent kernel and of the kernel, for `count` steps from t on and some groups. */
function weightGradients(
  plan: GruPlan, first: i32, rows: i32, t: i32, count: i32, firstGroup: i32, groupCount: i32,
): void {
  const B = <usize>plan.batch;
  const G = groups(plan);
  const H = 4 * G;
  const hStep = B * plan.hRow;
  const gatesStep = <usize>G * plan.gatesGroup;
  const fresh = t == 0 && !hasInitialState(plan) ? 1 : 0; // 1: h_0 = 0 contributes nothing to dR
  const known = count - fresh;
  const h = plan.h + <usize>(t + fresh) * hStep + <usize>first * plan.hRow;
  const x = plan.x + <usize>t * plan.xStep + <usize>first * plan.xRow;
  const resets = plan.gates + <usize>(t + fresh) * gatesStep + <usize>first * GATES;
  for (let g = firstGroup; g < firstGroup + groupCount; g++) {
    const dz = plan.gates + <usize>t * gatesStep + <usize>g * plan.gatesGroup + <usize>first * GATES;
    const from = dz + <usize>fresh * gatesStep;
    const dR = plan.dw + <usize>g * panelBytes(plan) + 2 * PANEL;
    if (known > 0 && plan.resetAfter) {
      outerPanel12(dR, h, plan.hRow, hStep, from, GATES, gatesStep, rows, known, H);
    } else if (known > 0) {
      outerPanel8(dR, h, plan.hRow, hStep, from + Z, GATES, gatesStep, rows, known, H);
      const dRn = dR + <usize>H * 32;
      for (let k = 0; k < G; k++) {
        const rh = resets + <usize>k * plan.gatesGroup;
        outerPanel4(dRn + <usize>k * 64, rh, GATES, gatesStep, from + N, GATES, gatesStep, rows, known, 4);
      }
    }
    const dW = dR + <usize>H * PANEL;
    outerPanel12(dW, x, plan.xRow, plan.xStep, dz + Z, GATES, gatesStep, rows, count, plan.inputs);
  }
}

/** wt = transposed(R) [3H, H], in two parts without resetAfter, then transposed(W) [3H, I] if dx is computed. */
function transposeWeights(plan: GruPlan): void {
  transposeColumns(plan, 0, sixteens(4 * groups(plan)) + sixteens(plan.inputs));
}

/** Sixteens of columns of wt: those of transposed(R), then those of transposed(W). */
export function transposeColumns(plan: GruPlan, first: i32, count: i32): void {
  const G = groups(plan);
  const H = 4 * G;
  const step = panelBytes(plan);
  const recurrent = plan.w + 2 * PANEL;
  if (plan.resetAfter) {
    packTransposedRows(plan.wt, recurrent, step, 12, G, H, first, count);
  } else {
    packTransposedRows(plan.wt, recurrent, step, 8, G, H, first, count);
    packTransposedRows(resetPanels(plan), recurrent + <usize>H * 32, step, 4, G, H, first, count);
  }
  if (!plan.dx) return;
  const kernel = recurrent + <usize>H * PANEL;
  packTransposedRows(kernelPanels(plan), kernel, step, 12, G, plan.inputs, first - sixteens(H), count);
}

/** transposed(Rn) in wt, without resetAfter. */
@inline
function resetPanels(plan: GruPlan): usize {
  const H = 4 * groups(plan);
  return plan.wt + <usize>(2 * H * H) * 4;
}

/** transposed(W) in wt. */
@inline
export function kernelPanels(plan: GruPlan): usize {
  const H = 4 * groups(plan);
  return plan.wt + <usize>(3 * H * H) * 4;
}
