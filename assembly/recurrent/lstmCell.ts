/**
 * The cells of an LSTM: one time step of one group of units, forward above backward. The equations are in lstm.ts.
 *
 * Pointers point to the first row of a block of rows; `gates` and z are [rows][i f g o][4].
 */

import { GATES, LstmPlan } from './lstm';
import { lastLanes } from '../math/tailMasks';
import { activateGates, flushSmall, tanh } from '../math/elementary';
import { SMALLEST, UNITS, activateColumn, counts } from './recurrent';

/**
 * One time step of one group: z [B][i f g o][4] becomes the gates, in place.
 *
 * @param c, tanhC, h (B, 4): c_t, tanh(c_t) and h_t; rows of h are hRow apart
 * @param cPrev (B, 4): c_{t-1}
 * @param units those of the layer in its last group, 4 in the others: the last lanes of a group may be padding
 */
export function cellForward(
  z: usize, c: usize, tanhC: usize, h: usize, hRow: usize, cPrev: usize, rows: i32, units: i32,
): void {
  // Two loops: in a single one the chain from the gates over c to tanh(c) is what the CPU would wait for.
  for (let gates = z, end = z + <usize>rows * GATES; gates < end; gates += GATES) activateGates(gates);
  const least = f32x4.splat(SMALLEST);
  const lanes = lastLanes(units); // padding stays 0 even if the input is infinite, and 0 times that is NaN
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
export function generalForward(
  plan: LstmPlan, z: usize, slopes: usize, c: usize, tanhC: usize, slopesC: usize, h: usize, hRow: usize, cPrev: usize,
  rows: i32, units: i32,
): void {
  for (let gate: usize = 0; gate < GATES; gate += UNITS) {
    const f = gate == 32 ? plan.activation : plan.recurrentActivation;
    activateColumn(f, z + gate, GATES, slopes ? slopes + gate : 0, GATES, rows);
  }
  const least = f32x4.splat(SMALLEST);
  const lanes = lastLanes(units);
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
export function skipCells(
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
export function cellBackwardFast(
  gates: usize, dc: usize, db: usize, dh: usize, dhRow: usize, cPrev: usize, tanhC: usize, rows: i32,
): void {
  cellBackward(gates, 0, dc, db, dh, dhRow, cPrev, tanhC, 0, rows, false);
}

export function cellBackwardGeneral(
  gates: usize, slopes: usize, dc: usize, db: usize, dh: usize, dhRow: usize, cPrev: usize, tanhC: usize,
  slopesC: usize, rows: i32,
): void {
  cellBackward(gates, slopes, dc, db, dh, dhRow, cPrev, tanhC, slopesC, rows, true);
}
