/**
 * The cells of a GRU: one time step of one group of units, forward above backward. The equations are in gru.ts.
 *
 * Pointers point to the first row of a block of rows. `gates` are [rows][a z r n][4], and so are `slopes`, which are 0
 * where nobody wants them or the activations tell them from their values.
 */

import { GATES, GruPlan, N, R, Z, isGeneral } from './gru';
import { lastLanes } from '../math/tailMasks';
import { flushSmall, sigmoid, tanh } from '../math/elementary';
import { SMALLEST, activateColumn, counts } from './recurrent';

/**
 * z and r of one group through their activation, in place, and what r resets: n += r * a with resetAfter,
 * a = r * h_{t-1} without.
 *
 * @param slopes 0 when nobody wants them
 */
export function openGates(
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
 * @param units those of the layer in its last group, 4 in the others, as in lstmCell.ts
 */
export function cellForward(
  plan: GruPlan, gates: usize, slopes: usize, h: usize, hRow: usize, hPrev: usize, hPrevRow: usize, rows: i32,
  units: i32,
): void {
  const general = isGeneral(plan);
  if (general) activateColumn(plan.activation, gates + N, GATES, slopes ? slopes + N : 0, GATES, rows);
  const least = f32x4.splat(SMALLEST);
  const lanes = lastLanes(units);
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
export function skipGates(gates: usize, slopes: usize, mask: usize, rows: i32): void {
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
export function cellBackwardFast(
  gates: usize, to: usize, toRow: usize, adds: bool, dh: usize, dhRow: usize, hPrev: usize, hPrevRow: usize, db: usize,
  rows: i32,
): void {
  cellBackward(gates, 0, to, toRow, adds, dh, dhRow, hPrev, hPrevRow, db, rows, true, false);
}

export function cellBackwardGeneral(
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
export function resetBackward(
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
