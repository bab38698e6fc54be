/**
 * The cells of an LSTM: one time step of one group of units, forward above backward. The equations are in lstm.ts.
 *
 * Pointers point to the first row of a block of rows; `gates` and z are [rows][i f g o][4].
 */

import { GATES, LstmGate, LstmPlan } from './lstmPlan';
import { activateStrided } from '../math/activations';
import { COLUMN, activateGates, cellColumn, flushSmall, ones, sigmoidColumn, tanh, tanhColumn } from '../math/elementary';
import { lastLanes } from '../math/laneMasks';
import { SMALLEST, UNITS, isUnmasked } from './shared';

/**
 * One time step of one group with tanh and sigmoid; activates the gates in place.
 *
 * @param c, tanhC, h (B, 4): c_t, tanh(c_t) and h_t; rows of h are hRow apart
 * @param cPrev (B, 4): c_{t-1}
 * @param units of the layer in its last group, 4 in other groups: the last lanes of a group may be padding
 */
export function cellForward(
  z: usize, c: usize, tanhC: usize, h: usize, hRow: usize, cPrev: usize, rows: i32, units: i32,
): void {
  const lanes = lastLanes(units); // keeps padding 0 for infinite inputs, where 0 * infinity is NaN
  const bytes = <usize>rows * UNITS;
  if (rows < COLUMN) {
    for (let n: usize = 0; n < bytes; n += UNITS, z += GATES, h += hRow) {
      activateGates(z);
      const ct = cellState(z, v128.load(cPrev + n), lanes);
      const tc = tanh(ct);
      v128.store(c + n, ct);
      v128.store(tanhC + n, tc);
      v128.store(h, v128.and(f32x4.mul(v128.load(z, 48), tc), lanes));
    }
    return;
  }
  // c and h are free until they are computed
  sigmoidColumn(z, GATES, c, UNITS, rows);
  sigmoidColumn(z + 16, GATES, c, UNITS, rows);
  tanhColumn(z + 32, GATES, z + 32, GATES, c, UNITS, rows);
  sigmoidColumn(z + 48, GATES, c, UNITS, rows);
  cellColumn(z, GATES, c, tanhC, h, hRow, cPrev, rows, lanes, f32x4.splat(SMALLEST));
}

/** f c_{t-1} + i g, from activated gates. */
@inline
function cellState(gates: usize, cPrev: v128, lanes: v128): v128 {
  const remembered = f32x4.mul(v128.load(gates, 16), cPrev);
  const added = f32x4.mul(v128.load(gates), v128.load(gates, 32));
  return v128.and(flushSmall(f32x4.add(remembered, added), f32x4.splat(SMALLEST)), lanes);
}

/** The same for any activations; stores their derivatives unless `slopes` is 0. */
export function generalForward(
  plan: LstmPlan, z: usize, slopes: usize, c: usize, tanhC: usize, slopesC: usize, h: usize, hRow: usize, cPrev: usize,
  rows: i32, units: i32,
): void {
  for (let gate: usize = 0; gate < GATES; gate += UNITS) {
    const f = gate == <usize>LstmGate.g * UNITS ? plan.activation : plan.recurrentActivation;
    activateStrided(f, z + gate, GATES, slopes ? slopes + gate : 0, GATES, z + gate, GATES, rows);
  }
  const least = f32x4.splat(SMALLEST);
  const lanes = lastLanes(units);
  for (let b: usize = 0; b < <usize>rows; b++) {
    const gates = z + b * GATES;
    const remembered = f32x4.mul(v128.load(gates, 16), v128.load(cPrev + b * UNITS));
    const added = f32x4.mul(v128.load(gates), v128.load(gates, 32));
    const ct = v128.and(flushSmall(f32x4.add(remembered, added), least), lanes);
    v128.store(c + b * UNITS, ct);
    v128.store(tanhC + b * UNITS, ct);
  }
  activateStrided(plan.activation, tanhC, UNITS, slopesC, UNITS, tanhC, UNITS, rows);
  for (; rows > 0; rows--) {
    v128.store(h, v128.and(f32x4.mul(v128.load(z, 48), v128.load(tanhC)), lanes));
    z += GATES;
    tanhC += UNITS;
    h += hRow;
  }
}

/**
 * Masked rows: c_t = c_{t-1}, f = 1 and everything else 0, so that backward passes the gradient of c through, and
 * all other gradients are 0. copySkippedRows sets h.
 */
export function skipCells(
  gates: usize, slopes: usize, c: usize, tanhC: usize, slopesC: usize, cPrev: usize, mask: usize, rows: i32,
): void {
  const zero = f32x4.splat(0);
  for (let b = 0; b < rows; b++) {
    if (isUnmasked(mask, b)) continue;
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
 * One time step backward: replaces the gates by the gradients of z, and dc by the gradient of c_{t-1}.
 *
 * @param dh (B, 4): gradient of h_t, from the layer above and from step t+1; rows are dhRow apart
 * @param db (i f g o, 4): the gradients of z are added to it; 0 for none
 */
@inline
function cellBackward(
  gates: usize, slopes: usize, dc: usize, db: usize, dh: usize, dhRow: usize, cPrev: usize, tanhC: usize,
  slopesC: usize, rows: i32, general: bool,
): void {
  const least = f32x4.splat(SMALLEST);
  const zero = f32x4.splat(0);
  let dbi = db ? v128.load(db) : zero;
  let dbf = db ? v128.load(db, 16) : zero;
  let dbg = db ? v128.load(db, 32) : zero;
  let dbo = db ? v128.load(db, 48) : zero;
  for (; rows > 0; rows--) {
    const one = ones();
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
  if (!db) return;
  v128.store(db, dbi);
  v128.store(db, dbf, 16);
  v128.store(db, dbg, 32);
  v128.store(db, dbo, 48);
}

/** db += dz, summed like cellBackward: the bias gradient of one time step of one group. */
export function addBiasGradient(db: usize, dz: usize, rows: i32): void {
  let dbi = v128.load(db);
  let dbf = v128.load(db, 16);
  let dbg = v128.load(db, 32);
  let dbo = v128.load(db, 48);
  for (; rows > 0; rows--) {
    dbi = f32x4.add(dbi, v128.load(dz));
    dbf = f32x4.add(dbf, v128.load(dz, 16));
    dbg = f32x4.add(dbg, v128.load(dz, 32));
    dbo = f32x4.add(dbo, v128.load(dz, 48));
    dz += GATES;
  }
  v128.store(db, dbi);
  v128.store(db, dbf, 16);
  v128.store(db, dbg, 32);
  v128.store(db, dbo, 48);
}

/** Two functions, so that the common case has no code for the general one. */
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
