/**
 * The GRU layer: the equations, forward above backward, and the sweep over time around them.
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

import { allLanes, lastLanes } from './lanes';
import { flushSmall, sigmoid, tanh } from './math';
import { SLICE, ZEROS, matmul } from './matmul';
import {
  ENOUGH_ROWS, SIGMOID, SMALLEST, TANH, UNITS, activateColumn, counts, drawDrop, dropRows, keepRows, loadH, packRows,
  passBack, storeH,
} from './recurrent';
import { outerPanel12, outerPanel4, outerPanel8, rowPanel12, rowPanel4, rowPanel8 } from './tiles.generated';

/** Bytes of one row and group of gates, and where in them the gates are. */
const GATES: usize = 64;
const Z: usize = 16;
const R: usize = 32;
const N: usize = 48;
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
  y: usize; // [T+1][B][H], rows yRow apart: the output where there is a drop, laid out like h; else 0, h is the output
  yRow: usize;
  activation: i32; // of n; numbers as in src/activations.ts
  recurrentActivation: i32; // of z and r
  slopes: usize; // like gates: slopes of activations other than tanh and sigmoid; 0 with those, or without backward
}

@inline
function groups(plan: GruPlan): i32 {
  return (plan.units + 3) >> 2;
}

/** Whether the activations are not those which the cells have in registers. */
@inline
function isGeneral(plan: GruPlan): bool {
  return plan.activation != TANH || plan.recurrentActivation != SIGMOID;
}

/** Bytes of the panels of one group: two rows of biases, the recurrent kernel, the kernel. */
@inline
function panelBytes(plan: GruPlan): usize {
  return <usize>(2 + 4 * groups(plan) + plan.inputs) * PANEL;
}

// -------------------------------------------------------------------------------------------------- the equations

/**
 * z and r of one group through their activation, in place, and what r resets: n += r * a with resetAfter,
 * a = r * h_{t-1} without.
 *
 * @param slopes 0 when nobody wants them
 */
function openGates(
  plan: GruPlan, gates: usize, slopes: usize, hPrev: usize, hPrevRow: usize, rows: i32,
): void {
  const general = isGeneral(plan);
  const resetAfter = plan.resetAfter != 0;
  if (general) {
    activateColumn(plan.recurrentActivation, gates + Z, GATES, slopes ? slopes + Z : 0, GATES, rows);
    activateColumn(plan.recurrentActivation, gates + R, GATES, slopes ? slopes + R : 0, GATES, rows);
  }
  for (; rows > 0; rows--) {
    let r = v128.load(gates, R);
    if (!general) {
      r = sigmoid(r);
      v128.store(gates, r, R);
      v128.store(gates, sigmoid(v128.load(gates, Z)), Z);
    }
    if (resetAfter) v128.store(gates, f32x4.add(v128.load(gates, N), f32x4.mul(r, v128.load(gates))), N);
    else v128.store(gates, f32x4.mul(r, v128.load(hPrev)));
    gates += GATES;
    hPrev += hPrevRow;
  }
}

/**
 * The candidate and the output of one group, whose gates are open.
 *
 * @param h (B, 4): h_t, rows hRow apart
 * @param hPrev (B, 4): h_{t-1}, rows hPrevRow apart
 * @param lanes zeros where units are padding, as in lstm.ts
 */
function cellForward(
  plan: GruPlan, gates: usize, slopes: usize, h: usize, hRow: usize, hPrev: usize, hPrevRow: usize, rows: i32,
  lanes: v128,
): void {
  const general = isGeneral(plan);
  if (general) activateColumn(plan.activation, gates + N, GATES, slopes ? slopes + N : 0, GATES, rows);
  const least = f32x4.splat(SMALLEST);
  for (; rows > 0; rows--) {
    const z = v128.load(gates, Z);
    let n = v128.load(gates, N);
    if (!general) {
      n = tanh(n);
      v128.store(gates, n, N);
    }
    // z h + (1 - z) n
    const ht = f32x4.add(n, f32x4.mul(z, f32x4.sub(v128.load(hPrev), n)));
    v128.store(h, v128.and(flushSmall(ht, least), lanes));
    gates += GATES;
    h += hRow;
    hPrev += hPrevRow;
  }
}

/** The gates of rows that skip a step: z = 1 and all else zero, so that backward finds nothing to change in them. */
function skipGates(gates: usize, slopes: usize, mask: usize, rows: i32): void {
  const zero = f32x4.splat(0);
  for (let b = 0; b < rows; b++) {
    if (!counts(mask, b)) {
      v128.store(gates, zero);
      v128.store(gates, f32x4.splat(1), Z);
      v128.store(gates, zero, R);
      v128.store(gates, zero, N);
      if (slopes) memory.fill(slopes, 0, GATES);
    }
    gates += GATES;
    if (slopes) slopes += GATES;
  }
}

/**
 * The same step backward. With resetAfter all gates become the gradients before their activation, in place; without it
 * z and n do, and resetBackward follows when the gradient of r * h is known.
 *
 * @param to (B, 4): what of the gradient of h_t reaches h_{t-1} directly; `adds` 1: added to what it holds
 * @param dh (B, 4): gradient of h_t; may be `to`
 * @param db [z r n][4], [a z r][4]: the gradients of the biases are added to it
 */
@inline
function cellBackward(
  gates: usize, slopes: usize, to: usize, toRow: usize, adds: bool, dh: usize, dhRow: usize,
  hPrev: usize, hPrevRow: usize, db: usize, rows: i32, resetAfter: bool, general: bool,
): void {
  const one = f32x4.splat(1);
  const least = f32x4.splat(SMALLEST);
  let dbz = f32x4.splat(0);
  let dbr = f32x4.splat(0);
  let dbn = f32x4.splat(0);
  let dba = f32x4.splat(0);
  for (; rows > 0; rows--) {
    const z = v128.load(gates, Z);
    const n = v128.load(gates, N);
    const dht = flushSmall(v128.load(dh), least);
    const slopeZ = general ? v128.load(slopes, Z) : f32x4.mul(z, f32x4.sub(one, z));
    const slopeN = general ? v128.load(slopes, N) : f32x4.sub(one, f32x4.mul(n, n));
    // h = z h_{t-1} + (1 - z) n
    const dz = f32x4.mul(f32x4.mul(dht, f32x4.sub(v128.load(hPrev), n)), slopeZ);
    const dn = f32x4.mul(f32x4.mul(dht, f32x4.sub(one, z)), slopeN);
    const direct = f32x4.mul(dht, z);
    v128.store(to, adds ? f32x4.add(v128.load(to), direct) : direct);
    v128.store(gates, dz, Z);
    v128.store(gates, dn, N);
    dbz = f32x4.add(dbz, dz);
    dbn = f32x4.add(dbn, dn);
    if (resetAfter) {
      // n = tanh(.. + r a)
      const a = v128.load(gates);
      const r = v128.load(gates, R);
      const slopeR = general ? v128.load(slopes, R) : f32x4.mul(r, f32x4.sub(one, r));
      const da = f32x4.mul(dn, r);
      const dr = f32x4.mul(f32x4.mul(dn, a), slopeR);
      v128.store(gates, da);
      v128.store(gates, dr, R);
      dba = f32x4.add(dba, da);
      dbr = f32x4.add(dbr, dr);
    }
    gates += GATES;
    if (general) slopes += GATES;
    to += toRow;
    dh += dhRow;
    hPrev += hPrevRow;
  }
  addTo(db, dbz);
  addTo(db + 32, dbn);
  if (resetAfter) {
    addTo(db + 16, dbr);
    addTo(db + 48, dba);
    addTo(db + 64, dbz);
    addTo(db + 80, dbr);
  }
}

@inline
function addTo(sums: usize, values: v128): void {
  v128.store(sums, f32x4.add(v128.load(sums), values));
}

/** One function for each way, so that the usual one carries nothing of the others. */
function cellBackwardFast(
  gates: usize, to: usize, toRow: usize, adds: bool, dh: usize, dhRow: usize, hPrev: usize, hPrevRow: usize, db: usize,
  rows: i32,
): void {
  cellBackward(gates, 0, to, toRow, adds, dh, dhRow, hPrev, hPrevRow, db, rows, true, false);
}

function cellBackwardGeneral(
  gates: usize, slopes: usize, to: usize, toRow: usize, adds: bool, dh: usize, dhRow: usize,
  hPrev: usize, hPrevRow: usize, db: usize, rows: i32, resetAfter: bool,
): void {
  if (slopes) cellBackward(gates, slopes, to, toRow, adds, dh, dhRow, hPrev, hPrevRow, db, rows, resetAfter, true);
  else cellBackward(gates, 0, to, toRow, adds, dh, dhRow, hPrev, hPrevRow, db, rows, resetAfter, false);
}

/**
 * Without resetAfter, from the gradient of r * h_{t-1} on: that of r, and what reaches h_{t-1}, added to `to`.
 *
 * @param drh (B, 4): gradient of r * h_{t-1}, rows drhRow apart
 */
function resetBackward(
  gates: usize, slopes: usize, to: usize, toRow: usize, drh: usize, drhRow: usize, hPrev: usize, hPrevRow: usize,
  db: usize, rows: i32,
): void {
  const one = f32x4.splat(1);
  let dbr = v128.load(db, 16);
  for (; rows > 0; rows--) {
    const r = v128.load(gates, R);
    const slopeR = slopes ? v128.load(slopes, R) : f32x4.mul(r, f32x4.sub(one, r));
    const back = v128.load(drh);
    const dr = f32x4.mul(f32x4.mul(back, v128.load(hPrev)), slopeR);
    v128.store(to, f32x4.add(v128.load(to), f32x4.mul(back, r)));
    v128.store(gates, dr, R);
    dbr = f32x4.add(dbr, dr);
    gates += GATES;
    if (slopes) slopes += GATES;
    to += toRow;
    drh += drhRow;
    hPrev += hPrevRow;
  }
  v128.store(db, dbr, 16);
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
    if (plan.mask) keepRows(kept, outRow, B * outRow, plan.mask + <usize>t * plan.maskStep + (<usize>first << 2), rows, H);
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
  const lanes = g < G - 1 ? allLanes() : lastLanes(plan.units);
  cellForward(plan, gates, slopes, h, outRow, hPrev, plan.hRow, rows, lanes);
  if (plan.mask) skipGates(gates, slopes, plan.mask + <usize>t * plan.maskStep + (<usize>first << 2), rows);
}

/** h = y * drop in one slot. */
function dropState(plan: GruPlan, slot: i32, first: i32, rows: i32): void {
  const at = <usize>slot * plan.batch + first;
  const H = 4 * groups(plan);
  const drop = plan.drop + <usize>(first * H) * 4;
  dropRows(plan.h + at * plan.hRow, plan.hRow, plan.y + at * plan.yRow, plan.yRow, drop, rows, H);
}

/** c [B][12 of 16] = init + a [B, K] * panel [K, 12]. */
function product12(c: usize, init: usize, initRow: usize, a: usize, aRow: usize, K: i32, panel: usize, rows: i32): void {
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
        const mask = plan.mask ? plan.mask + <usize>t * plan.maskStep + (<usize>first << 2) : 0;
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

/** wt = transposed(R) [3H, H], without resetAfter in two parts, then transposed(W) [3H, I] where dx is wanted, packed. */
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
