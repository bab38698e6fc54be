/**
 * The LSTM layer: the equations, and the loop over time, forward above backward. The cells are in lstmCell.ts.
 *
 *   i_t = sigmoid(x_t Wi + h_{t-1} Ri + bi)     input gate
 *   f_t = sigmoid(x_t Wf + h_{t-1} Rf + bf)     forget gate
 *   g_t = tanh   (x_t Wg + h_{t-1} Rg + bg)     candidate; Keras calls its weights c
 *   o_t = sigmoid(x_t Wo + h_{t-1} Ro + bo)     output gate
 *   c_t = f_t * c_{t-1} + i_t * g_t             cell state
 *   h_t = o_t * tanh(c_t)                       output, also called hidden state
 *
 * In masked rows, c_t = c_{t-1} and h_t = h_{t-1}. Recurrent dropout multiplies every h_{t-1} that a gate reads by a
 * factor. Other activations use a slower path, which stores their derivatives.
 *
 * Letters: B batch, T time, I input width, U units, G = ceil(U / 4) groups of 4 units, H = 4G padded units. The batch has N
 * parts of P rows, one for each chunk that a thread takes: what a core reads ahead of its own rows would be those of another.
 *
 * The gates are stored in the order [group][i f g o][4 units]: a row of a group has 64 bytes, which is one cache line and
 * the width of the 2x16 tile. Padded units stay zero: z = 0 makes g = 0, hence c = h = 0, so their gradients are 0 and
 * no update changes their weights.
 */

import {
  addBiasGradient, cellBackwardFast, cellBackwardGeneral, cellForward, generalForward, skipCells,
} from './lstmCell';
import { GATES, LstmPlan } from './lstmPlan';
import { Activation } from '../math/activations';
import { Copy, pack, unpack } from '../memory/copy';
import { SLICE, ZEROS, matmul, sixteens } from '../products/matmul';
import {
  ENOUGH_ROWS, ROW_BLOCK, UNITS, applyRecurrentDropout, clearRows, copyGroups, copySkippedRows, drawRecurrentDropout, gatherInput,
  loadH, loadInitialH, maskOf, packTransposedRows, stateGradient, storeH,
} from './shared';
import { outerPanel16, rowPanel16 } from '../products/tiles.generated';

@inline
export function groups(plan: LstmPlan): i32 {
  return (plan.units + 3) >> 2;
}

/** Parts of the batch, N. */
@inline
function parts(plan: LstmPlan): i32 {
  return plan.batch / plan.part;
}

/** The first of these rows that are in one part. */
@inline
function rowsInPart(plan: LstmPlan, first: i32, rows: i32): i32 {
  return min(rows, plan.part - first % plan.part);
}

/** The distance from the start of gates to a row of a group at a time step. */
function gatesAt(plan: LstmPlan, t: i32, g: i32, first: i32): usize {
  const part = first / plan.part;
  const row = <usize>(first - part * plan.part);
  return <usize>(t * parts(plan) + part) * plan.gatesPart + <usize>g * plan.gatesGroup + row * GATES;
}

/** The distance from the start of c, tanhC or slopesC to a row of a group in a slot; of dc, in slot 0. */
function cellsAt(plan: LstmPlan, slot: i32, g: i32, first: i32): usize {
  const part = first / plan.part;
  const row = first - part * plan.part;
  return <usize>(slot * parts(plan) + part) * plan.cPart + <usize>(g * plan.part + row) * UNITS;
}

/** Whether the activations differ from tanh and sigmoid. */
@inline
function isGeneral(plan: LstmPlan): bool {
  return plan.activation != Activation.tanh || plan.recurrentActivation != Activation.sigmoid;
}

/** Whether the first step starts from a given or carried state. */
@inline
function hasInitialState(plan: LstmPlan): bool {
  return plan.h0 != 0 || plan.stateH != 0;
}

// ---------------------------------------------------------------------------------------------------------- forward

/** Runs all time steps for rows [first, first + rows) of the batch. */
export function lstmForward(plan: LstmPlan, first: i32, rows: i32): void {
  lstmForwardRows(plan, first, rows);
  lstmForwardEnd(plan, first, rows);
}

/** The part of lstmForward that threads run at the same time. It does not change the carried state. */
export function lstmForwardRows(plan: LstmPlan, first: i32, rows: i32): void {
  assert(rows > 0 && first >= 0 && first + rows <= plan.batch && plan.steps > 0);
  const own = rowsInPart(plan, first, rows);
  if (own < rows) {
    lstmForwardRows(plan, first, own);
    return lstmForwardRows(plan, first + own, rows - own);
  }
  const H = 4 * groups(plan);
  const T = plan.steps;
  const out = plan.y ? plan.y : plan.hx;
  const outRow = plan.y ? plan.yRow : plan.hxRow;

  drawRecurrentDropout(plan.drop, plan.dropSeed, plan.dropRate, plan.batch, H);
  loadState(plan, first, rows);
  if (plan.wide) projectInput(plan, first, rows, 0, groups(plan));
  else copyInput(plan, first, rows);

  for (let t = 0; t < T; t++) {
    forwardStep(plan, t, first, rows, 0, groups(plan));
    const previous = out + (<usize>(t * plan.batch) + first) * outRow;
    const mask = maskOf(plan.mask, plan.maskStep, t, first);
    if (mask) copySkippedRows(previous, outRow, <usize>plan.batch * outRow, mask, rows, H);
    if (plan.drop) dropSlot(plan, t + 1, first, rows);
  }
  if (plan.cT) copyFinalCells(plan, first, rows);
}

/** One time step of some groups. */
export function forwardStep(plan: LstmPlan, t: i32, first: i32, rows: i32, firstGroup: i32, groupCount: i32): void {
  const B = <usize>plan.batch;
  const I = plan.inputs;
  const G = groups(plan);
  const H = 4 * G;
  const hxRow = plan.hxRow;
  const out = plan.y ? plan.y : plan.hx;
  const outRow = plan.y ? plan.yRow : hxRow;
  const panel = <usize>(1 + H + I) * GATES;
  const cStep = <usize>parts(plan) * plan.cPart;
  const carried = hasInitialState(plan);
  const general = isGeneral(plan);
  const hx = plan.hx + (<usize>t * B + first) * hxRow;
  const next = out + (<usize>(t + 1) * B + first) * outRow;
  const mask = maskOf(plan.mask, plan.maskStep, t, first);
  for (let g = firstGroup; g < firstGroup + groupCount; g++) {
    const at = cellsAt(plan, t, g, first);
    const z = plan.gates + gatesAt(plan, t, g, first);
    const w = plan.w + <usize>g * panel;
    // Without a carried state h_0 = 0, and the first step multiplies only the input
    if (plan.wide) {
      if (t > 0 || carried) product(z, z, GATES, hx, hxRow, H, w + GATES, rows);
    } else if (t > 0 || carried) {
      product(z, w, 0, hx, hxRow, H + I, w + GATES, rows);
    } else {
      product(z, w, 0, hx + <usize>H * 4, hxRow, I, w + <usize>(1 + H) * GATES, rows);
    }
    const cPrev = plan.c + at;
    const c = cPrev + cStep;
    const tanhC = plan.tanhC + at;
    const h = next + <usize>g * UNITS;
    const units = g < G - 1 ? 4 : plan.units;
    const slopes = plan.slopes ? z - plan.gates + plan.slopes : 0;
    const slopesC = plan.slopes ? plan.slopesC + at : 0;
    if (general) generalForward(plan, z, slopes, c, tanhC, slopesC, h, outRow, cPrev, rows, units);
    else cellForward(z, c, tanhC, h, outRow, cPrev, rows, units);
    if (mask) skipCells(z, slopes, c, tanhC, slopesC, cPrev, mask, rows);
  }
}

/** Stores the carried state of some rows, after lstmForwardRows for them. */
export function lstmForwardEnd(plan: LstmPlan, first: i32, rows: i32): void {
  storeState(plan, plan.steps, first, rows);
}

export function copyFinalCells(plan: LstmPlan, first: i32, rows: i32): void {
  copyCells(plan.c, plan.steps, plan.cT, plan.cTRow, plan, first, rows, 4 * groups(plan), unpack);
}

/** Restores the carried state from before lstmForward, while the workspace still holds its batch. */
export function lstmRewind(plan: LstmPlan): void {
  if (!plan.savedH) return storeState(plan, 0, 0, plan.batch);
  const H = 4 * groups(plan);
  storeH(plan.stateH, plan.savedH, <usize>H * 4, 0, plan.batch, H);
  memory.copy(plan.stateC, plan.savedC, <usize>(plan.batch * H) * 4);
}

/** z [B][16] = init + a [B, K] * panel [K, 16]. */
function product(z: usize, init: usize, initRow: usize, a: usize, aRow: usize, K: i32, panel: usize, rows: i32): void {
  const most = SLICE / <i32>GATES;
  for (; K > 0; K -= most) {
    rowPanel16(z, GATES, init, initRow, a, aRow, 0, min(K, most), 1, panel, rows);
    init = z;
    initRow = GATES;
    a += <usize>most * 4;
    panel += SLICE;
  }
}

/** Copies x next to h. */
export function copyInput(plan: LstmPlan, first: i32, rows: i32): void {
  const x = plan.hx + <usize>(4 * groups(plan)) * 4;
  gatherInput(x, plan.hxRow, plan.x, plan.xRow, plan.xStep, plan.steps, plan.batch, first, rows, plan.inputs);
}

/** z_t = x_t W + b for all steps, in a pass of its own because a wide x would evict h from L1. */
export function projectInput(plan: LstmPlan, first: i32, rows: i32, firstGroup: i32, groupCount: i32): void {
  const H = 4 * groups(plan);
  const panel = <usize>(1 + H + plan.inputs) * GATES;
  for (let g = firstGroup; g < firstGroup + groupCount; g++) {
    const w = plan.w + <usize>g * panel;
    const kernel = w + <usize>(1 + H) * GATES;
    for (let t = 0; t < plan.steps; t++) {
      const z = plan.gates + gatesAt(plan, t, g, first);
      const x = plan.x + <usize>t * plan.xStep + <usize>first * plan.xRow;
      product(z, w, 0, x, plan.xRow, plan.inputs, kernel, rows);
    }
  }
}

/** Sets slot 0 of h and c to the given or carried state, or to zero. */
export function loadState(plan: LstmPlan, first: i32, rows: i32): void {
  const out = plan.y ? plan.y : plan.hx;
  const outRow = plan.y ? plan.yRow : plan.hxRow;
  if (plan.h0) return loadInitialState(plan, out, outRow, first, rows);
  const carried = plan.stateH != 0;
  if (carried) copyCarriedCells(plan, 0, first, rows, false);
  else clearCells(plan.c, plan, first, rows);
  if (carried || plan.mask) loadH(out, outRow, plan.stateH, first, rows, 4 * groups(plan)); // otherwise h_0 is never read
  if (carried && plan.drop) dropSlot(plan, 0, first, rows);
}

/** Sets slot 0 of h and c to the given state, and saves the carried state for lstmRewind. */
function loadInitialState(plan: LstmPlan, h: usize, hRow: usize, first: i32, rows: i32): void {
  if (plan.savedH) {
    const H = 4 * groups(plan);
    storeH(plan.savedH, plan.stateH, <usize>H * 4, first, rows, H);
    for (let g = 0; g < groups(plan); g++) {
      const at = <usize>(g * plan.batch + first) * UNITS;
      memory.copy(plan.savedC + at, plan.stateC + at, <usize>rows * UNITS);
    }
  }
  loadInitialH(h, hRow, plan.h0, plan.h0Row, first, rows, plan.units);
  clearCells(plan.c, plan, first, rows);
  copyCells(plan.c, 0, plan.c0, plan.c0Row, plan, first, rows, plan.units, pack);
  if (plan.drop) dropSlot(plan, 0, first, rows);
}

/** Stores a slot of h and c as the carried state: the last slot after a batch, slot 0 to undo that. */
function storeState(plan: LstmPlan, slot: i32, first: i32, rows: i32): void {
  if (!plan.stateH) return;
  const out = plan.y ? plan.y : plan.hx;
  const outRow = plan.y ? plan.yRow : plan.hxRow;
  const at = <usize>slot * plan.batch;
  copyCarriedCells(plan, slot, first, rows, true);
  storeH(plan.stateH, out + at * outRow, outRow, first, rows, 4 * groups(plan));
}

/** hx = y * drop in one slot. */
function dropSlot(plan: LstmPlan, slot: i32, first: i32, rows: i32): void {
  const at = <usize>slot * plan.batch + first;
  const H = 4 * groups(plan);
  const drop = plan.drop + <usize>(first * H) * 4;
  applyRecurrentDropout(plan.hx + at * plan.hxRow, plan.hxRow, plan.y + at * plan.yRow, plan.yRow, drop, rows, H);
}

/** Copies the cells of a slot to the carried state, or from it. */
function copyCarriedCells(plan: LstmPlan, slot: i32, first: i32, rows: i32, stores: bool): void {
  const whole = rows == plan.part && rows == plan.batch; // then the groups follow each other, in both
  while (rows > 0) {
    const own = rowsInPart(plan, first, rows);
    const count = whole ? own * groups(plan) : own;
    const copies = whole ? 1 : groups(plan);
    for (let g = 0; g < copies; g++) {
      const carried = plan.stateC + <usize>(g * plan.batch + first) * UNITS;
      const cells = plan.c + cellsAt(plan, slot, g, first);
      memory.copy(stores ? carried : cells, stores ? cells : carried, <usize>count * UNITS);
    }
    first += own;
    rows -= own;
  }
}

/** Copies the cells of rows of one part in a slot to or from plain rows of `width` numbers. */
export function copyCells(
  cells: usize, slot: i32, plain: usize, plainRow: usize, plan: LstmPlan, first: i32, rows: i32, width: i32, copy: Copy,
): void {
  const from = cells + cellsAt(plan, slot, 0, first);
  copyGroups(from, UNITS, <usize>plan.part * UNITS, plain + <usize>first * plainRow, plainRow, rows, width, copy);
}

/** Clears slot 0 of c, or dc, in rows of one part. */
function clearCells(cells: usize, plan: LstmPlan, first: i32, rows: i32): void {
  const G = groups(plan);
  if (rows == plan.part) return memory.fill(cells + cellsAt(plan, 0, 0, first), 0, <usize>(G * rows) * UNITS);
  for (let g = 0; g < G; g++) memory.fill(cells + cellsAt(plan, 0, g, first), 0, <usize>rows * UNITS);
}

// --------------------------------------------------------------------------------------------------------- backward

/** Backpropagation through time for rows [first, first + rows), after lstmForward; adds to dw. */
export function lstmBackward(plan: LstmPlan, first: i32, rows: i32): void {
  transposeWeights(plan);
  if (plan.part < plan.batch) {
    lstmBackwardRows(plan, first, rows);
    return lstmBackwardWeights(plan, 0, 2 * groups(plan));
  }
  sweepBackward(plan, first, rows, true);
  if (!plan.useBias) clearBiasGradients(plan, 0, groups(plan));
}

/** What lstmBackwardRows needs, once for all rows. */
export function lstmBackwardStart(plan: LstmPlan): void {
  transposeWeights(plan);
}

/** The part of lstmBackward for some rows, which threads run at the same time: all gradients but those of weights. */
export function lstmBackwardRows(plan: LstmPlan, first: i32, rows: i32): void {
  sweepBackward(plan, first, rows, false);
}

/**
 * The weight gradients of halves of groups [first, first + count), after lstmBackwardRows for all rows; adds to dw. Every
 * sum has the order of lstmBackward, and so the same bits.
 */
export function lstmBackwardWeights(plan: LstmPlan, first: i32, count: i32): void {
  const B = plan.batch;
  const N = parts(plan);
  const width = 4 * groups(plan) + plan.inputs;
  const middle = (width >> 2) << 1;
  const panel = <usize>(1 + width) * GATES;
  for (let row = 0; row < B; row += ROW_BLOCK) {
    const rows = min(ROW_BLOCK, B - row);
    const chunk = max(1, ENOUGH_ROWS / rows);
    for (let end = plan.steps; end > 0; end -= chunk) {
      const t = max(0, end - chunk);
      for (let half = first; half < first + count; half++) {
        const g = half >> 1;
        if (half & 1) {
          weightGradients(plan, row, rows, t, end - t, g, middle, width);
          continue;
        }
        for (let s = end - 1; s >= t; s--) {
          const dz = plan.gates + gatesAt(plan, s, g, row);
          for (let n = 0; n < N; n++) addBiasGradient(plan.dw + <usize>g * panel, dz + <usize>n * plan.gatesPart, rows / N);
        }
        weightGradients(plan, row, rows, t, end - t, g, 0, middle);
      }
    }
  }
  if (!plan.useBias) clearBiasGradients(plan, (first + 1) >> 1, (first + count + 1) >> 1);
}

/** Clears those of groups [from, to). */
function clearBiasGradients(plan: LstmPlan, from: i32, to: i32): void {
  const panel = <usize>(1 + 4 * groups(plan) + plan.inputs) * GATES;
  for (let g = from; g < to; g++) memory.fill(plan.dw + <usize>g * panel, 0, GATES);
}

/** Backward over time; with `adds`, adds the weight gradients of these rows to dw. */
function sweepBackward(plan: LstmPlan, first: i32, rows: i32, adds: bool): void {
  assert(rows > 0 && first >= 0 && first + rows <= plan.batch && plan.steps > 0);
  const own = rowsInPart(plan, first, rows);
  if (own < rows) {
    sweepBackward(plan, first, own, adds);
    return sweepBackward(plan, first + own, rows - own, adds);
  }
  const I = plan.inputs;
  const G = groups(plan);
  const H = 4 * G;
  const dhStep = stepOfDh(plan);
  const chunk = max(1, ENOUGH_ROWS / rows);

  startSweep(plan, first, rows);
  let pending = 0; // steps with gradients of the gates, but not yet of the weights
  for (let t = plan.steps - 1; t >= 0; t--) {
    const gates = plan.gates + gatesAt(plan, t, 0, first);
    const dh = plan.dh + <usize>t * dhStep + <usize>first * plan.dhRow;
    cellsBackward(plan, t, first, rows, 0, G, adds);
    if (t > 0 || plan.dh0) {
      // dh_{t-1} = gradient from the layer above + dz_t transposed(R); h_0 has no layer above
      const to = t > 0 ? dh - dhStep : plan.dh0 + <usize>first * plan.dh0Row;
      const toRow = t > 0 ? plan.dhRow : plan.dh0Row;
      const sums = t > 0 ? plan.sequences : 0;
      if (plan.mask || plan.drop) {
        const row = <usize>H * 4;
        const dhx = plan.dhx + <usize>first * row;
        const drop = plan.drop ? plan.drop + <usize>first * row : 0;
        const mask = maskOf(plan.mask, plan.maskStep, t, first);
        matmul(dhx, row, ZEROS, 0, 0, gates, GATES, plan.gatesGroup, 16, G, plan.wt, rows, H);
        stateGradient(to, toRow, sums, dh, plan.dhRow, dhx, drop, mask, rows, H);
      } else {
        const init = sums ? to : ZEROS;
        const initRow = sums ? toRow : 0;
        const initCol = sums ? 4 : 0;
        matmul(to, toRow, init, initRow, initCol, gates, GATES, plan.gatesGroup, 16, G, plan.wt, rows, H);
      }
    }
    if (plan.dx) {
      const dx = plan.dx + <usize>t * plan.dxStep + <usize>first * plan.dxRow;
      const kernel = plan.wt + <usize>(16 * H * G) * 4;
      matmul(dx, plan.dxRow, ZEROS, 0, 0, gates, GATES, plan.gatesGroup, 16, G, kernel, rows, I);
    }
    if (++pending == chunk || t == 0) {
      if (adds) for (let g = 0; g < G; g++) weightGradients(plan, first, rows, t, pending, g, 0, H + I);
      pending = 0;
    }
  }
  if (plan.dc0) copyCells(plan.dc, 0, plan.dc0, plan.dc0Row, plan, first, rows, H, unpack);
}

export function startSweep(plan: LstmPlan, first: i32, rows: i32): void {
  clearCells(plan.dc, plan, first, rows);
  if (plan.dcT) copyCells(plan.dc, 0, plan.dcT, plan.dcTRow, plan, first, rows, plan.units, pack);
  if (plan.zeroDh) clearRows(plan.dh, plan.dhRow, first, rows, 4 * groups(plan));
}

/** Bytes from one time step of dh to the next: only the last one has a gradient without sequences, and one slot is enough. */
@inline
export function stepOfDh(plan: LstmPlan): usize {
  return plan.sequences ? <usize>plan.batch * plan.dhRow : 0;
}

/** One time step of some groups, backward through the cells; with `adds`, adds the bias gradients of these rows to dw. */
export function cellsBackward(
  plan: LstmPlan, t: i32, first: i32, rows: i32, firstGroup: i32, groupCount: i32, adds: bool,
): void {
  const dh = plan.dh + <usize>t * stepOfDh(plan) + <usize>first * plan.dhRow;
  for (let g = firstGroup; g < firstGroup + groupCount; g++) {
    const at = cellsAt(plan, t, g, first);
    const c = plan.c + at;
    const tanhC = plan.tanhC + at;
    const dc = plan.dc + cellsAt(plan, 0, g, first);
    const db = adds ? plan.dw + <usize>(g * (1 + 4 * groups(plan) + plan.inputs)) * GATES : 0;
    const z = plan.gates + gatesAt(plan, t, g, first);
    const dhg = dh + <usize>g * UNITS;
    if (plan.slopes) {
      const slopes = z - plan.gates + plan.slopes;
      cellBackwardGeneral(z, slopes, dc, db, dhg, plan.dhRow, c, tanhC, plan.slopesC + at, rows);
    } else {
      cellBackwardFast(z, dc, db, dhg, plan.dhRow, c, tanhC, rows);
    }
  }
}

/**
 * dR += transposed(h_{t-1}) dz_t and dW += transposed(x_t) dz_t for `count` steps from t on and a group.
 *
 * @param from, to the rows of [R, W], one above the other
 */
function weightGradients(
  plan: LstmPlan, first: i32, rows: i32, t: i32, count: i32, g: i32, from: i32, to: i32,
): void {
  const N = parts(plan);
  const H = 4 * groups(plan);
  const P = rows / N; // a step has the rows of a part: all steps are equally far apart
  const hxStep = <usize>(N > 1 ? P : plan.batch) * plan.hxRow;
  const gatesStep = plan.gatesPart;
  const hx = plan.hx + <usize>(t * plan.batch + first) * plan.hxRow;
  const fresh = t == 0 && !hasInitialState(plan) ? 1 : 0; // 1: h_0 = 0 contributes nothing to dR
  const adjacent = !plan.wide && !fresh; // h and x form one matrix
  const dz = plan.gates + gatesAt(plan, t, g, first);
  const dRW = plan.dw + <usize>(g * (1 + H + plan.inputs) + 1) * GATES;
  const end = adjacent ? to : min(to, H);
  if (count > fresh && from < end) {
    const skipped = <usize>(fresh * N);
    outerPanel16(
      dRW + <usize>from * GATES, hx + skipped * hxStep + <usize>from * 4, plan.hxRow, hxStep,
      dz + skipped * gatesStep, GATES, gatesStep, P, (count - fresh) * N, end - from,
    );
  }
  const start = max(from, H);
  if (adjacent || start >= to) return;
  const dW = dRW + <usize>start * GATES;
  if (plan.wide) {
    const x = plan.x + <usize>t * plan.xStep + <usize>first * plan.xRow + <usize>(start - H) * 4;
    outerPanel16(dW, x, plan.xRow, plan.xStep, dz, GATES, gatesStep, rows, count, to - start);
  } else {
    outerPanel16(dW, hx + <usize>start * 4, plan.hxRow, hxStep, dz, GATES, gatesStep, P, count * N, to - start);
  }
}

/** wt = transposed(R) [4H, H], then transposed(W) [4H, I] if dx is computed, both packed. */
function transposeWeights(plan: LstmPlan): void {
  transposeColumns(plan, 0, sixteens(4 * groups(plan)) + sixteens(plan.inputs));
}

/** Sixteens of columns of wt: those of transposed(R), then those of transposed(W). */
export function transposeColumns(plan: LstmPlan, first: i32, count: i32): void {
  const G = groups(plan);
  const H = 4 * G;
  const I = plan.inputs;
  const panel = <usize>(1 + H + I) * GATES;
  const recurrent = plan.w + GATES;
  packTransposedRows(plan.wt, recurrent, panel, 16, G, H, first, count);
  if (!plan.dx) return;
  const kernel = plan.wt + <usize>(16 * H * G) * 4;
  packTransposedRows(kernel, recurrent + <usize>H * GATES, panel, 16, G, I, first - sixteens(H), count);
}
