/**
 * The LSTM layer: the equations, forward above backward, and the sweep over time around them.
 *
 *   i_t = sigmoid(x_t Wi + h_{t-1} Ri + bi)     input gate
 *   f_t = sigmoid(x_t Wf + h_{t-1} Rf + bf)     forget gate
 *   g_t = tanh   (x_t Wg + h_{t-1} Rg + bg)     candidate; Keras calls its weights c
 *   o_t = sigmoid(x_t Wo + h_{t-1} Ro + bo)     output gate
 *   c_t = f_t * c_{t-1} + i_t * g_t             cell state
 *   h_t = o_t * tanh(c_t)                       output, also called hidden state
 *
 * Letters: B batch, T time, I input width, U units, G = ceil(U / 4) groups of 4 units, H = 4G padded units.
 *
 * Everything as wide as the gates lies in the order [group][i f g o][4 units]: 64 bytes for a row and a group are one
 * cache line and as wide as the 2x16 tile. Padded units hold zeros and keep them: z = 0 makes g = 0, so c = h = 0, so
 * their gradients are 0 and no update moves their weights.
 */

import { allLanes, lastLanes } from './lanes';
import { activateGates, flushSmall, tanh } from './math';
import { SLICE, ZEROS, matmul } from './matmul';
import {
  ENOUGH_ROWS, SIGMOID, SMALLEST, TANH, UNITS, activateColumn, counts, drawDrop, dropRows, gatherInput, keepRows, loadH,
  packRows, passBack, storeH,
} from './recurrent';
import { outerPanel16, rowPanel16 } from './tiles.generated';

/** Bytes of one row and group of gates. */
const GATES: usize = 64;

/**
 * A planned LSTM layer: sizes, byte offsets and byte strides, written by the facade when it plans a batch.
 * Field by field, i32 each. Activations live in the workspace until the next batch; w and dw are parameters.
 */
@unmanaged
export class LstmPlan {
  batch: i32; // B
  steps: i32; // T
  inputs: i32; // I
  units: i32; // U
  x: usize; // x_0, row 0: the input, read; rows xRow apart, time steps xStep apart (negative: time runs backwards)
  xRow: usize;
  xStep: usize;
  hx: usize; // [T+1][B][h: H | x: I]: h_t stands in slot t+1; the x part is used only when wide is 0
  hxRow: usize;
  gates: usize; // [T][G][B][i f g o][4]: gates after their activation; backward overwrites them by their gradients
  gatesGroup: usize; // from one group to the next; for large batches not a multiple of 128, see rowBytes in plan.ts
  c: usize; // [T+1][G][B][4]: cell states; c_t stands in slot t+1
  tanhC: usize; // [T][G][B][4]: tanh(c_t)
  w: usize; // [G][1 + H + I][16]: bias, recurrent kernel, kernel
  dw: usize; // like w: gradients are added to it
  wt: usize; // scratch: transposed recurrent kernel [4H, H] and kernel [4H, I], packed
  dh: usize; // [T or 1][B][H]: gradient of the output, destroyed; rows dhRow apart
  dhRow: usize;
  dc: usize; // scratch: [G][B][4]
  dx: usize; // gradient of the input, overwritten, strides as for x; 0 when nobody wants it
  dxRow: usize;
  dxStep: usize;
  stateH: usize; // [B][H] and [G][B][4]: the state carried from batch to batch; 0 when each batch starts from zero
  stateC: usize;
  sequences: i32; // 1: dh has a slot for each time step; 0: only for the last
  useBias: i32;
  wide: i32; // 1: x is read where it lies, in a product before the sweep; 0: x is copied beside h
  mask: usize; // one float for each row at mask + t * maskStep + 4b, 0 where the row skips the step; 0: none skips any
  maskStep: usize;
  drop: usize; // [B][H]: factors on h_{t-1}, recurrent dropout; filled by forward unless dropRate is 0; 0: no dropout
  dropSeed: i32;
  dropRate: i32; // the bits of an f32
  y: usize; // [T+1][B][H], rows yRow apart: the output where there is a drop, laid out like hx; else 0, hx is the output
  yRow: usize;
  dhx: usize; // scratch [B][H] for backward with a mask or recurrent dropout, else 0
  activation: i32; // of g and c; numbers as in src/activations.ts
  recurrentActivation: i32; // of i, f and o
  slopes: usize; // like gates: slopes of activations other than tanh and sigmoid; 0 with those, or without backward
  slopesC: usize; // like tanhC, under the same conditions
}

@inline
function groups(plan: LstmPlan): i32 {
  return (plan.units + 3) >> 2;
}

/** Whether the activations are not those which the cells have in registers. */
@inline
function isGeneral(plan: LstmPlan): bool {
  return plan.activation != TANH || plan.recurrentActivation != SIGMOID;
}

// -------------------------------------------------------------------------------------------------- the equations

/**
 * One time step of one group: z [B][i f g o][4] becomes the gates, in place.
 *
 * @param c, tanhC, h (B, 4): c_t, tanh(c_t) and h_t; rows of h are hRow apart
 * @param cPrev (B, 4): c_{t-1}
 * @param lanes zeros where units are padding: they stay 0 even if the input is infinite, and 0 times that is NaN
 */
function cellForward(
  z: usize, c: usize, tanhC: usize, h: usize, hRow: usize, cPrev: usize, rows: i32, lanes: v128,
): void {
  // Two loops: in a single one the chain from the gates over c to tanh(c) is what the CPU would wait for.
  for (let gates = z, end = z + <usize>rows * GATES; gates < end; gates += GATES) activateGates(gates);
  const least = f32x4.splat(SMALLEST);
  for (; rows > 0; rows--) {
    const i = v128.load(z);
    const f = v128.load(z, 16);
    const g = v128.load(z, 32);
    const o = v128.load(z, 48);
    const ct = v128.and(flushSmall(f32x4.add(f32x4.mul(f, v128.load(cPrev)), f32x4.mul(i, g)), least), lanes);
    const tc = tanh(ct);
    v128.store(c, ct);
    v128.store(tanhC, tc);
    v128.store(h, v128.and(f32x4.mul(o, tc), lanes));
    z += GATES;
    c += UNITS;
    tanhC += UNITS;
    cPrev += UNITS;
    h += hRow;
  }
}

/** The same with any activations, whose slopes are kept unless their place is 0. */
function generalForward(
  plan: LstmPlan, z: usize, slopes: usize, c: usize, tanhC: usize, slopesC: usize, h: usize, hRow: usize, cPrev: usize,
  rows: i32, lanes: v128,
): void {
  for (let gate: usize = 0; gate < GATES; gate += UNITS) {
    const f = gate == 32 ? plan.activation : plan.recurrentActivation;
    activateColumn(f, z + gate, GATES, slopes ? slopes + gate : 0, GATES, rows);
  }
  const least = f32x4.splat(SMALLEST);
  for (let b: usize = 0; b < <usize>rows; b++) {
    const gates = z + b * GATES;
    const kept = f32x4.mul(v128.load(gates, 16), v128.load(cPrev + b * UNITS));
    const added = f32x4.mul(v128.load(gates), v128.load(gates, 32));
    const ct = v128.and(flushSmall(f32x4.add(kept, added), least), lanes);
    v128.store(c + b * UNITS, ct);
    v128.store(tanhC + b * UNITS, ct);
  }
  activateColumn(plan.activation, tanhC, UNITS, slopesC, UNITS, rows);
  for (; rows > 0; rows--) {
    v128.store(h, v128.and(f32x4.mul(v128.load(z, 48), v128.load(tanhC)), lanes));
    z += GATES;
    tanhC += UNITS;
    h += hRow;
  }
}

/**
 * The cells of rows that skip a step: c_t = c_{t-1}, f = 1 and all else zero, so that backward hands on the gradient of
 * c and finds nothing else to change. h is for keepRows.
 */
function skipCells(
  gates: usize, slopes: usize, c: usize, tanhC: usize, slopesC: usize, cPrev: usize, mask: usize, rows: i32,
): void {
  const zero = f32x4.splat(0);
  for (let b = 0; b < rows; b++) {
    if (counts(mask, b)) continue;
    const unit = <usize>b * UNITS;
    const gate = <usize>b * GATES;
    memory.fill(gates + gate, 0, GATES);
    v128.store(gates + gate, f32x4.splat(1), 16);
    v128.store(c + unit, v128.load(cPrev + unit));
    v128.store(tanhC + unit, zero);
    if (slopes) {
      memory.fill(slopes + gate, 0, GATES);
      v128.store(slopesC + unit, zero);
    }
  }
}

/**
 * The same step backward: the gates become the gradients of z, in place; dc becomes the gradient of c_{t-1}.
 *
 * @param dh (B, 4): gradient of h_t, from the layer above and from step t+1; rows are dhRow apart
 * @param db (i f g o, 4): the gradients of z are added to it
 */
@inline
function cellBackward(
  gates: usize, slopes: usize, dc: usize, db: usize, dh: usize, dhRow: usize, cPrev: usize, tanhC: usize,
  slopesC: usize, rows: i32, general: bool,
): void {
  const one = f32x4.splat(1);
  const least = f32x4.splat(SMALLEST);
  let dbi = v128.load(db);
  let dbf = v128.load(db, 16);
  let dbg = v128.load(db, 32);
  let dbo = v128.load(db, 48);
  for (; rows > 0; rows--) {
    const i = v128.load(gates);
    const f = v128.load(gates, 16);
    const g = v128.load(gates, 32);
    const o = v128.load(gates, 48);
    const tc = v128.load(tanhC);
    const dht = flushSmall(v128.load(dh), least);
    // h = o tanh(c), and c reaches the loss through h and through c_{t+1}
    // sigmoid' = s (1 - s), tanh' = 1 - tanh^2
    const slopeC = general ? v128.load(slopesC) : f32x4.sub(one, f32x4.mul(tc, tc));
    const slopeI = general ? v128.load(slopes) : f32x4.mul(i, f32x4.sub(one, i));
    const slopeF = general ? v128.load(slopes, 16) : f32x4.mul(f, f32x4.sub(one, f));
    const slopeG = general ? v128.load(slopes, 32) : f32x4.sub(one, f32x4.mul(g, g));
    const slopeO = general ? v128.load(slopes, 48) : f32x4.mul(o, f32x4.sub(one, o));
    const dct = f32x4.add(v128.load(dc), f32x4.mul(f32x4.mul(dht, o), slopeC));
    // c = f c_{t-1} + i g
    const di = f32x4.mul(f32x4.mul(dct, g), slopeI);
    const df = f32x4.mul(f32x4.mul(dct, v128.load(cPrev)), slopeF);
    const dg = f32x4.mul(f32x4.mul(dct, i), slopeG);
    const dO = f32x4.mul(f32x4.mul(dht, tc), slopeO);
    v128.store(gates, di);
    v128.store(gates, df, 16);
    v128.store(gates, dg, 32);
    v128.store(gates, dO, 48);
    v128.store(dc, flushSmall(f32x4.mul(dct, f), least));
    dbi = f32x4.add(dbi, di);
    dbf = f32x4.add(dbf, df);
    dbg = f32x4.add(dbg, dg);
    dbo = f32x4.add(dbo, dO);
    gates += GATES;
    dc += UNITS;
    cPrev += UNITS;
    tanhC += UNITS;
    if (general) {
      slopes += GATES;
      slopesC += UNITS;
    }
    dh += dhRow;
  }
  v128.store(db, dbi);
  v128.store(db, dbf, 16);
  v128.store(db, dbg, 32);
  v128.store(db, dbo, 48);
}

/** One function for each way, so that the usual one carries nothing of the other. */
function cellBackwardFast(
  gates: usize, dc: usize, db: usize, dh: usize, dhRow: usize, cPrev: usize, tanhC: usize, rows: i32,
): void {
  cellBackward(gates, 0, dc, db, dh, dhRow, cPrev, tanhC, 0, rows, false);
}

function cellBackwardGeneral(
  gates: usize, slopes: usize, dc: usize, db: usize, dh: usize, dhRow: usize, cPrev: usize, tanhC: usize,
  slopesC: usize, rows: i32,
): void {
  cellBackward(gates, slopes, dc, db, dh, dhRow, cPrev, tanhC, slopesC, rows, true);
}

// ------------------------------------------------------------------------------------------------ the sweep forward

/** Runs rows [first, first + rows) of the batch through all time steps. */
export function lstmForward(plan: LstmPlan, first: i32, rows: i32): void {
  assert(rows > 0 && first >= 0 && first + rows <= plan.batch && plan.steps > 0);
  const B = <usize>plan.batch;
  const T = plan.steps;
  const I = plan.inputs;
  const G = groups(plan);
  const H = 4 * G;
  const hxRow = plan.hxRow;
  const out = plan.y ? plan.y : plan.hx;
  const outRow = plan.y ? plan.yRow : hxRow;
  const panel = <usize>(1 + H + I) * GATES;
  const carried = plan.stateH != 0;
  const general = isGeneral(plan);

  drawDrop(plan.drop, plan.dropSeed, plan.dropRate, plan.batch, H);
  loadState(plan, first, rows);
  if (plan.wide) projectInput(plan, first, rows);
  else gatherInput(plan.hx + <usize>H * 4, hxRow, plan.x, plan.xRow, plan.xStep, T, plan.batch, first, rows, I);

  for (let t = 0; t < T; t++) {
    const hx = plan.hx + (<usize>t * B + first) * hxRow;
    const kept = out + (<usize>t * B + first) * outRow;
    const mask = plan.mask ? plan.mask + <usize>t * plan.maskStep + (<usize>first << 2) : 0;
    for (let g = 0; g < G; g++) {
      const at = (<usize>t * G + g) * B + first; // row `first` of this group in slot t
      const z = plan.gates + (<usize>t * G + g) * plan.gatesGroup + <usize>first * GATES;
      const w = plan.w + <usize>g * panel;
      // h_0 = 0 adds nothing, so the first step of a fresh sequence reads only the input
      if (plan.wide) {
        if (t > 0 || carried) product(z, z, GATES, hx, hxRow, H, w + GATES, rows);
      } else if (t > 0 || carried) {
        product(z, w, 0, hx, hxRow, H + I, w + GATES, rows);
      } else {
        product(z, w, 0, hx + <usize>H * 4, hxRow, I, w + <usize>(1 + H) * GATES, rows);
      }
      const cPrev = plan.c + at * UNITS;
      const c = cPrev + <usize>G * B * UNITS;
      const tanhC = plan.tanhC + at * UNITS;
      const h = kept + B * outRow + <usize>g * UNITS;
      const lanes = g < G - 1 ? allLanes() : lastLanes(plan.units);
      const slopes = plan.slopes ? z - plan.gates + plan.slopes : 0;
      const slopesC = plan.slopes ? plan.slopesC + at * UNITS : 0;
      if (general) generalForward(plan, z, slopes, c, tanhC, slopesC, h, outRow, cPrev, rows, lanes);
      else cellForward(z, c, tanhC, h, outRow, cPrev, rows, lanes);
      if (mask) skipCells(z, slopes, c, tanhC, slopesC, cPrev, mask, rows);
    }
    if (mask) keepRows(kept, outRow, B * outRow, mask, rows, H);
    if (plan.drop) dropState(plan, t + 1, first, rows);
  }
  storeState(plan, T, first, rows);
}

/** Takes back what lstmForward did to the carried state, as long as the workspace is that of its batch. */
export function lstmRewind(plan: LstmPlan): void {
  storeState(plan, 0, 0, plan.batch);
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

/** z_t = x_t W + b for all steps: worth a pass of its own where x is wide, because then it would crowd h out of L1. */
function projectInput(plan: LstmPlan, first: i32, rows: i32): void {
  const G = groups(plan);
  const panel = <usize>(1 + 4 * G + plan.inputs) * GATES;
  for (let g = 0; g < G; g++) {
    const w = plan.w + <usize>g * panel;
    const kernel = w + <usize>(1 + 4 * G) * GATES;
    for (let t = 0; t < plan.steps; t++) {
      const z = plan.gates + (<usize>t * G + g) * plan.gatesGroup + <usize>first * GATES;
      const x = plan.x + <usize>t * plan.xStep + <usize>first * plan.xRow;
      product(z, w, 0, x, plan.xRow, plan.inputs, kernel, rows);
    }
  }
}

/** Slot 0 of h and c: the carried state, or zero. */
function loadState(plan: LstmPlan, first: i32, rows: i32): void {
  const out = plan.y ? plan.y : plan.hx;
  const outRow = plan.y ? plan.yRow : plan.hxRow;
  const carried = plan.stateH != 0;
  if (carried) copyUnits(plan.c, plan.stateC, plan, first, rows);
  else fillUnits(plan.c, plan, first, rows);
  if (carried || plan.mask) loadH(out, outRow, plan.stateH, first, rows, 4 * groups(plan)); // else nobody reads h_0
  if (carried && plan.drop) dropState(plan, 0, first, rows);
}

/** Carries on slot `slot` of h and c: the last one after a batch, slot 0 to undo that. */
function storeState(plan: LstmPlan, slot: i32, first: i32, rows: i32): void {
  if (!plan.stateH) return;
  const out = plan.y ? plan.y : plan.hx;
  const outRow = plan.y ? plan.yRow : plan.hxRow;
  const at = <usize>slot * plan.batch;
  copyUnits(plan.stateC, plan.c + at * <usize>groups(plan) * UNITS, plan, first, rows);
  storeH(plan.stateH, out + at * outRow, outRow, first, rows, 4 * groups(plan));
}

/** hx = y * drop in one slot. */
function dropState(plan: LstmPlan, slot: i32, first: i32, rows: i32): void {
  const at = <usize>slot * plan.batch + first;
  const H = 4 * groups(plan);
  const drop = plan.drop + <usize>(first * H) * 4;
  dropRows(plan.hx + at * plan.hxRow, plan.hxRow, plan.y + at * plan.yRow, plan.yRow, drop, rows, H);
}

/** Copies some rows of a [G][B][4]. */
function copyUnits(dst: usize, src: usize, plan: LstmPlan, first: i32, rows: i32): void {
  const B = <usize>plan.batch;
  if (rows == plan.batch) return memory.copy(dst, src, <usize>groups(plan) * B * UNITS);
  for (let g: usize = 0; g < <usize>groups(plan); g++) {
    const at = (g * B + first) * UNITS;
    memory.copy(dst + at, src + at, <usize>rows * UNITS);
  }
}

/** Zeros some rows of a [G][B][4]. */
function fillUnits(dst: usize, plan: LstmPlan, first: i32, rows: i32): void {
  const B = <usize>plan.batch;
  if (rows == plan.batch) return memory.fill(dst, 0, <usize>groups(plan) * B * UNITS);
  for (let g: usize = 0; g < <usize>groups(plan); g++) {
    memory.fill(dst + (g * B + first) * UNITS, 0, <usize>rows * UNITS);
  }
}

// ----------------------------------------------------------------------------------------------- the sweep backward

/** Back-propagation through time for rows [first, first + rows), after lstmForward; adds to dw. */
export function lstmBackward(plan: LstmPlan, first: i32, rows: i32): void {
  assert(rows > 0 && first >= 0 && first + rows <= plan.batch && plan.steps > 0);
  const B = <usize>plan.batch;
  const I = plan.inputs;
  const G = groups(plan);
  const H = 4 * G;
  const gatesStep = <usize>G * plan.gatesGroup;
  const cStep = <usize>G * B * UNITS;
  const dhStep = plan.sequences ? B * plan.dhRow : 0; // one slot serves all steps when only the last has a gradient
  const chunk = max(1, ENOUGH_ROWS / rows);

  transposeWeights(plan);
  fillUnits(plan.dc, plan, first, rows);

  let pending = 0; // steps whose gates are done but whose weight gradients are not
  for (let t = plan.steps - 1; t >= 0; t--) {
    const gates = plan.gates + <usize>t * gatesStep + <usize>first * GATES;
    const dh = plan.dh + <usize>t * dhStep + <usize>first * plan.dhRow;
    for (let g: usize = 0; g < <usize>G; g++) {
      const at = (g * B + first) * UNITS;
      const c = plan.c + <usize>t * cStep + at;
      const tanhC = plan.tanhC + <usize>t * cStep + at;
      const db = plan.dw + g * <usize>(1 + H + I) * GATES;
      const z = gates + g * plan.gatesGroup;
      if (plan.slopes) {
        const slopes = z - plan.gates + plan.slopes;
        const slopesC = plan.slopesC + <usize>t * cStep + at;
        cellBackwardGeneral(z, slopes, plan.dc + at, db, dh + g * UNITS, plan.dhRow, c, tanhC, slopesC, rows);
      } else {
        cellBackwardFast(z, plan.dc + at, db, dh + g * UNITS, plan.dhRow, c, tanhC, rows);
      }
    }
    if (t > 0) {
      // dh_{t-1} = what the layer above asks for + dz_t transposed(R)
      const to = dh - dhStep;
      if (plan.mask || plan.drop) {
        const row = <usize>H * 4;
        const dhx = plan.dhx + <usize>first * row;
        const drop = plan.drop ? plan.drop + <usize>first * row : 0;
        const mask = plan.mask ? plan.mask + <usize>t * plan.maskStep + (<usize>first << 2) : 0;
        matmul(dhx, row, ZEROS, 0, 0, gates, GATES, plan.gatesGroup, 16, G, plan.wt, rows, H);
        passBack(to, plan.dhRow, plan.sequences, dh, plan.dhRow, dhx, drop, mask, rows, H);
      } else {
        const init = plan.sequences ? to : ZEROS;
        const initRow = plan.sequences ? plan.dhRow : 0;
        matmul(to, plan.dhRow, init, initRow, plan.sequences ? 4 : 0, gates, GATES, plan.gatesGroup, 16, G, plan.wt, rows, H);
      }
    }
    if (plan.dx) {
      const dx = plan.dx + <usize>t * plan.dxStep + <usize>first * plan.dxRow;
      const kernel = plan.wt + <usize>(16 * H * G) * 4;
      matmul(dx, plan.dxRow, ZEROS, 0, 0, gates, GATES, plan.gatesGroup, 16, G, kernel, rows, I);
    }
    if (++pending == chunk || t == 0) {
      weightGradients(plan, first, rows, t, pending);
      pending = 0;
    }
  }
  if (!plan.useBias) {
    for (let g: usize = 0; g < <usize>G; g++) memory.fill(plan.dw + g * <usize>(1 + H + I) * GATES, 0, GATES);
  }
}

/** dR += transposed(h_{t-1}) dz_t and dW += transposed(x_t) dz_t, for `count` steps from t on. */
function weightGradients(plan: LstmPlan, first: i32, rows: i32, t: i32, count: i32): void {
  const B = <usize>plan.batch;
  const I = plan.inputs;
  const G = groups(plan);
  const H = 4 * G;
  const hxStep = B * plan.hxRow;
  const gatesStep = <usize>G * plan.gatesGroup;
  const hx = plan.hx + <usize>t * hxStep + <usize>first * plan.hxRow;
  const fresh = t == 0 && !plan.stateH ? 1 : 0; // h_0 = 0 adds nothing
  const beside = !plan.wide && !fresh; // h and x are one matrix
  for (let g = 0; g < G; g++) {
    const dz = plan.gates + <usize>t * gatesStep + <usize>g * plan.gatesGroup + <usize>first * GATES;
    const dR = plan.dw + <usize>(g * (1 + H + I) + 1) * GATES;
    const dW = dR + <usize>H * GATES;
    if (count > fresh) {
      const from = <usize>fresh;
      const width = beside ? H + I : H;
      outerPanel16(
        dR, hx + from * hxStep, plan.hxRow, hxStep,
        dz + from * gatesStep, GATES, gatesStep, rows, count - fresh, width,
      );
    }
    if (plan.wide) {
      const x = plan.x + <usize>t * plan.xStep + <usize>first * plan.xRow;
      outerPanel16(dW, x, plan.xRow, plan.xStep, dz, GATES, gatesStep, rows, count, I);
    } else if (fresh) {
      outerPanel16(dW, hx + <usize>H * 4, plan.hxRow, hxStep, dz, GATES, gatesStep, rows, count, I);
    }
  }
}

/** wt = transposed(R) [4H, H], then transposed(W) [4H, I] where dx is wanted, both packed. */
function transposeWeights(plan: LstmPlan): void {
  const G = groups(plan);
  const H = 4 * G;
  const panel = <usize>(1 + H + plan.inputs) * GATES;
  packRows(plan.wt, plan.w + GATES, panel, 16, G, H);
  if (plan.dx) packRows(plan.wt + <usize>(16 * H * G) * 4, plan.w + <usize>(1 + H) * GATES, panel, 16, G, plan.inputs);
}
