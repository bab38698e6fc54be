/**
 * The GRU layer: the equations, and the sweep over time, forward above backward. The cells are in gruCell.ts.
 *
 *   z_t = sigmoid(x_t Wz + h_{t-1} Rz + bz)               update gate
 *   r_t = sigmoid(x_t Wr + h_{t-1} Rr + br)               reset gate
 *   n_t = tanh   (x_t Wn + bn + r_t * (h_{t-1} Rn + cn))  candidate; Keras calls its weights h
 *   h_t = z_t * h_{t-1} + (1 - z_t) * n_t                 output, also called hidden state
 *
 * That is the layer with resetAfter, where z and r have a second bias too. Without it the gate comes before the
 * product, n_t = tanh(x_t Wn + bn + (r_t * h_{t-1}) Rn), and there is one bias.
 *
 * Letters: B batch, T time, I input width, U units, G = ceil(U / 4) groups of 4 units, H = 4G padded units.
 *
 * Gates lie in the order [group][a z r n][4 units], where a is h_{t-1} Rn + cn with resetAfter and r_t * h_{t-1}
 * without. So what the state feeds (a z r) and what the input feeds (z r n) are three neighbouring vectors each, and
 * everything is a product with panels of 12 columns. Padded units hold zeros and keep them, as in lstm.ts.
 */

import {
  cellBackwardFast, cellBackwardGeneral, cellForward, openGates, resetBackward, skipGates,
} from './gruCell';
import { SLICE, ZEROS, matmul } from '../products/matmul';
import {
  ENOUGH_ROWS, SIGMOID, TANH, UNITS, drawDrop, dropRows, keepRows, loadH, maskOf, packRows, passBack, storeH,
} from './recurrent';
import { outerPanel12, outerPanel4, outerPanel8, rowPanel12, rowPanel4, rowPanel8 } from '../products/tiles.generated';

/** Bytes of one row and group of gates, and where in them the gates are. */
export const GATES: usize = 64;
export const Z: usize = 16;
export const R: usize = 32;
export const N: usize = 48;
/** Bytes of one row of a panel of three gates. */
const PANEL: usize = 48;

/**
 * A planned GRU layer, written by the facade; offsets and strides in bytes, i32 each.
 * Activations live in the workspace until the next batch; w and dw are parameters.
 */
@unmanaged
export class GruPlan {
  batch: i32; // B
  steps: i32; // T
  inputs: i32; // I
  units: i32; // U
  x: usize; // x_0, row 0: the input, read; rows xRow apart, time steps xStep apart (negative: time runs backwards)
  xRow: usize;
  xStep: usize;
  h: usize; // [T+1][B][H]: h_t, times drop where there is one, stands in slot t+1; rows hRow apart
  hRow: usize;
  gates: usize; // [T][G][B][a z r n][4]: gates after their activation; backward overwrites them by their gradients
  gatesGroup: usize; // from one group to the next, at least 64 B; see rowBytes in plan.ts
  w: usize; // parameters, see gruWeights in gruOrder.ts: G * (2 + H + I) * 12 floats
  dw: usize; // like w: gradients are added to it
  wt: usize; // scratch of 3H * (H + padded I) floats, 3H * H without dx: transposed kernels, packed
  dh: usize; // [T or 1][B][H]: gradient of the output, destroyed; rows dhRow apart
  dhRow: usize;
  dhx: usize; // scratch [B][H] for backward with a mask or recurrent dropout, else 0
  drh: usize; // scratch [B][H] for backward without resetAfter, else 0
  dx: usize; // gradient of the input, overwritten, strides as for x; 0 when nobody wants it
  dxRow: usize;
  dxStep: usize;
  stateH: usize; // [B][H]: the state carried from batch to batch; 0 when each batch starts from zero
  sequences: i32; // 1: dh has a slot for each time step; 0: only for the last
  useBias: i32;
  resetAfter: i32;
  mask: usize; // one float for each row at mask + t * maskStep + 4b, 0 where the row skips the step; 0: none skips any
  maskStep: usize;
  drop: usize; // [B][H]: factors on h_{t-1}, recurrent dropout; filled by forward unless dropRate is 0; 0: no dropout
  dropSeed: i32;
  dropRate: i32; // the bits of an f32
  y: usize; // [T+1][B][H], rows yRow apart: the output where there is a drop, laid out like h; else 0: h is it
  yRow: usize;
  activation: i32; // of n; numbers as in src/layers/activations.ts
  recurrentActivation: i32; // of z and r
  slopes: usize; // like gates: slopes of activations other than tanh and sigmoid; 0 with those, or without backward
}

@inline
function groups(plan: GruPlan): i32 {
  return (plan.units + 3) >> 2;
}

/** Whether the activations are not those which the cells have in registers. */
@inline
export function isGeneral(plan: GruPlan): bool {
  return plan.activation != TANH || plan.recurrentActivation != SIGMOID;
}

/** Bytes of the panels of one group: two rows of biases, the recurrent kernel, the kernel. */
@inline
function panelBytes(plan: GruPlan): usize {
  return <usize>(2 + 4 * groups(plan) + plan.inputs) * PANEL;
}

// ------------------------------------------------------------------------------------------------ the sweep forward

/** Runs rows [first, first + rows) of the batch through all time steps. */
export function gruForward(plan: GruPlan, first: i32, rows: i32): void {
  assert(rows > 0 && first >= 0 && first + rows <= plan.batch && plan.steps > 0);
  const B = <usize>plan.batch;
  const T = plan.steps;
  const G = groups(plan);
  const H = 4 * G;
  const out = plan.y ? plan.y : plan.h;
  const outRow = plan.y ? plan.yRow : plan.hRow;

  drawDrop(plan.drop, plan.dropSeed, plan.dropRate, plan.batch, H);
  loadH(out, outRow, plan.stateH, first, rows, H);
  if (plan.drop) dropState(plan, 0, first, rows);

  for (let t = 0; t < T; t++) {
    const h = plan.h + (<usize>t * B + first) * plan.hRow;
    const kept = out + (<usize>t * B + first) * outRow;
    const reads = t > 0 || plan.stateH != 0; // h_0 = 0 adds nothing
    for (let g = 0; g < G; g++) {
      const at = (<usize>t * G + g) * plan.gatesGroup + <usize>first * GATES;
      const gates = plan.gates + at;
      const slopes = plan.slopes ? plan.slopes + at : 0;
      const hPrev = h + <usize>g * UNITS;
      const panels = plan.w + <usize>g * panelBytes(plan);
      const w = panels + 2 * PANEL;
      projectInput(plan, gates, panels, t, first, rows);
      if (plan.resetAfter) {
        if (reads) product12(gates, gates, GATES, h, plan.hRow, H, w, rows);
        openGates(plan, gates, slopes, hPrev, plan.hRow, rows);
        finishGroup(plan, t, g, first, rows);
      } else {
        if (reads) product8(gates + Z, h, plan.hRow, H, w, rows);
        openGates(plan, gates, slopes, hPrev, plan.hRow, rows);
      }
    }
    if (!plan.resetAfter) {
      const resets = plan.gates + <usize>t * G * plan.gatesGroup + <usize>first * GATES;
      for (let g = 0; g < G; g++) {
        const n = resets + <usize>g * plan.gatesGroup + N;
        const w = plan.w + <usize>g * panelBytes(plan) + 2 * PANEL + <usize>H * 32;
        if (reads) productBlocks(n, resets, plan.gatesGroup, G, w, rows);
        finishGroup(plan, t, g, first, rows);
      }
    }
    if (plan.mask) keepRows(kept, outRow, B * outRow, maskOf(plan.mask, plan.maskStep, t, first), rows, H);
    if (plan.drop) dropState(plan, t + 1, first, rows);
  }
  storeH(plan.stateH, out + <usize>T * B * outRow, outRow, first, rows, H);
}

/** Takes back what gruForward did to the carried state, as long as the workspace is that of its batch. */
export function gruRewind(plan: GruPlan): void {
  const out = plan.y ? plan.y : plan.h;
  storeH(plan.stateH, out, plan.y ? plan.yRow : plan.hRow, 0, plan.batch, 4 * groups(plan));
}

/** The cell of one group at step t, from open gates on. */
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
function dropState(plan: GruPlan, slot: i32, first: i32, rows: i32): void {
  const at = <usize>slot * plan.batch + first;
  const H = 4 * groups(plan);
  const drop = plan.drop + <usize>(first * H) * 4;
  dropRows(plan.h + at * plan.hRow, plan.hRow, plan.y + at * plan.yRow, plan.yRow, drop, rows, H);
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

/** c [B][4 of 16] += a [B, 4G] * panel [4G, 4], where a row of a is G runs of 4 numbers. */
function productBlocks(c: usize, a: usize, aBlock: usize, G: i32, panel: usize, rows: i32): void {
  const most = SLICE / 64;
  for (; G > 0; G -= most) {
    rowPanel4(c, GATES, c, GATES, a, GATES, aBlock, 4, min(G, most), panel, rows);
    a += <usize>most * aBlock;
    panel += SLICE;
  }
}

/** Where z, r and n of a row start: all biases of a group. */
const START: usize = memory.data(48, 16);

/** Gates [a z r n] = biases + x_t [0 Wz Wr Wn] in one step of one group, whose panels are at w. */
function projectInput(plan: GruPlan, gates: usize, w: usize, t: i32, first: i32, rows: i32): void {
  const a = v128.load(w, 48);
  v128.store(START, f32x4.add(v128.load(w), v128.load(w, 64)));
  v128.store(START, f32x4.add(v128.load(w, 16), v128.load(w, 80)), 16);
  v128.store(START, v128.load(w, 32), 32);
  const x = plan.x + <usize>t * plan.xStep + <usize>first * plan.xRow;
  const kernel = w + <usize>(2 + 4 * groups(plan)) * PANEL;
  for (let at = gates, end = gates + <usize>rows * GATES; at < end; at += GATES) v128.store(at, a);
  product12(gates + Z, START, 0, x, plan.xRow, plan.inputs, kernel, rows);
}

// ----------------------------------------------------------------------------------------------- the sweep backward

/** Back-propagation through time for rows [first, first + rows), after gruForward; adds to dw. */
export function gruBackward(plan: GruPlan, first: i32, rows: i32): void {
  assert(rows > 0 && first >= 0 && first + rows <= plan.batch && plan.steps > 0);
  const B = <usize>plan.batch;
  const I = plan.inputs;
  const G = groups(plan);
  const H = 4 * G;
  const row = <usize>H * 4;
  const gatesStep = <usize>G * plan.gatesGroup;
  const dhStep = plan.sequences ? B * plan.dhRow : 0; // one slot serves all steps when only the last has a gradient
  const apart = plan.mask != 0 || plan.drop != 0; // what comes back through the products is not all of dh_{t-1}
  const chunk = max(1, ENOUGH_ROWS / rows);

  transposeWeights(plan);

  let pending = 0; // steps whose gates are done but whose weight gradients are not
  for (let t = plan.steps - 1; t >= 0; t--) {
    const gates = plan.gates + <usize>t * gatesStep + <usize>first * GATES;
    const dh = plan.dh + <usize>t * dhStep + <usize>first * plan.dhRow;
    // dh_{t-1} = what the layer above asks for + z dh_t + dz_t transposed(R); before the first step nobody wants it
    const below = t > 0 ? dh - dhStep : dh;
    const to = apart ? plan.dhx + <usize>first * row : below;
    const toRow = apart ? row : plan.dhRow;
    const adds = !apart && t > 0 && plan.sequences != 0;
    cellsBackward(plan, t, first, rows, to, toRow, adds, dh);
    if (t > 0) {
      const from = plan.resetAfter ? gates : gates + Z;
      const depth = plan.resetAfter ? 12 : 8;
      matmul(to, toRow, to, toRow, 4, from, GATES, plan.gatesGroup, depth, G, plan.wt, rows, H);
      if (apart) {
        const mask = maskOf(plan.mask, plan.maskStep, t, first);
        const drop = plan.drop ? plan.drop + <usize>first * row : 0;
        passBack(below, plan.dhRow, plan.sequences, dh, plan.dhRow, to, drop, mask, rows, H);
      }
    }
    if (plan.dx) {
      const dx = plan.dx + <usize>t * plan.dxStep + <usize>first * plan.dxRow;
      const kernel = plan.wt + <usize>(12 * H * G) * 4;
      matmul(dx, plan.dxRow, ZEROS, 0, 0, gates + Z, GATES, plan.gatesGroup, 12, G, kernel, rows, I);
    }
    if (++pending == chunk || t == 0) {
      weightGradients(plan, first, rows, t, pending);
      pending = 0;
    }
  }
  if (!plan.useBias) {
    for (let g: usize = 0; g < <usize>G; g++) memory.fill(plan.dw + g * panelBytes(plan), 0, 2 * PANEL);
  }
}

/** All cells of one time step, backward. */
function cellsBackward(
  plan: GruPlan, t: i32, first: i32, rows: i32, to: usize, toRow: usize, adds: bool, dh: usize,
): void {
  const G = groups(plan);
  const H = 4 * G;
  const row = <usize>H * 4;
  const step = <usize>t * G * plan.gatesGroup + <usize>first * GATES;
  const gates = plan.gates + step;
  const h = plan.h + (<usize>t * plan.batch + first) * plan.hRow;
  const resetAfter = plan.resetAfter != 0;
  for (let g: usize = 0; g < <usize>G; g++) {
    const at = gates + g * plan.gatesGroup;
    const slopes = plan.slopes ? plan.slopes + step + g * plan.gatesGroup : 0;
    const db = plan.dw + g * panelBytes(plan);
    const u = g * UNITS;
    if (resetAfter && !slopes) {
      cellBackwardFast(at, to + u, toRow, adds, dh + u, plan.dhRow, h + u, plan.hRow, db, rows);
    } else {
      cellBackwardGeneral(at, slopes, to + u, toRow, adds, dh + u, plan.dhRow, h + u, plan.hRow, db, rows, resetAfter);
    }
  }
  if (resetAfter) return;
  // the gradient of r * h_{t-1} is that of n times transposed(Rn)
  const drh = plan.drh + <usize>first * row;
  const wtN = plan.wt + <usize>(8 * H * G) * 4;
  matmul(drh, row, ZEROS, 0, 0, gates + N, GATES, plan.gatesGroup, 4, G, wtN, rows, H);
  for (let g: usize = 0; g < <usize>G; g++) {
    const at = gates + g * plan.gatesGroup;
    const slopes = plan.slopes ? plan.slopes + step + g * plan.gatesGroup : 0;
    const db = plan.dw + g * panelBytes(plan);
    const u = g * UNITS;
    resetBackward(at, slopes, to + u, toRow, drh + u, row, h + u, plan.hRow, db, rows);
  }
}

/** Gradients of the recurrent kernel and of the kernel, for `count` steps from t on. */
function weightGradients(plan: GruPlan, first: i32, rows: i32, t: i32, count: i32): void {
  const B = <usize>plan.batch;
  const G = groups(plan);
  const H = 4 * G;
  const hStep = B * plan.hRow;
  const gatesStep = <usize>G * plan.gatesGroup;
  const fresh = t == 0 && !plan.stateH ? 1 : 0; // h_0 = 0 adds nothing
  const known = count - fresh;
  const h = plan.h + <usize>(t + fresh) * hStep + <usize>first * plan.hRow;
  const x = plan.x + <usize>t * plan.xStep + <usize>first * plan.xRow;
  const resets = plan.gates + <usize>(t + fresh) * gatesStep + <usize>first * GATES;
  for (let g = 0; g < G; g++) {
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

/** wt = transposed(R) [3H, H], in two parts without resetAfter, then transposed(W) [3H, I] where dx is wanted. */
function transposeWeights(plan: GruPlan): void {
  const G = groups(plan);
  const H = 4 * G;
  const step = panelBytes(plan);
  const recurrent = plan.w + 2 * PANEL;
  if (plan.resetAfter) {
    packRows(plan.wt, recurrent, step, 12, G, H);
  } else {
    packRows(plan.wt, recurrent, step, 8, G, H);
    packRows(plan.wt + <usize>(8 * H * G) * 4, recurrent + <usize>H * 32, step, 4, G, H);
  }
  if (plan.dx) packRows(plan.wt + <usize>(12 * H * G) * 4, recurrent + <usize>H * PANEL, step, 12, G, plan.inputs);
}
