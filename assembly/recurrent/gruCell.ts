/**
 * The cells of a GRU: one time step of one group of units, forward above backward. The equations are in gru.ts.
 *
 * Pointers point to the first row of a block of rows. `gates` are [rows][a z r n][4], and so are `slopes`, which are 0
 * without training and for tanh and sigmoid.
 */

import { GATES, GruPlan, N, R, Z } from './gruPlan';
import { Activation, activateStrided } from '../math/activations';
import { flushSmall, sigmoidColumn, tanhColumn } from '../math/elementary';
import { lastLanes } from '../math/laneMasks';
import { SMALLEST, isUnmasked } from './shared';

/** Whether the activations differ from tanh and sigmoid. */
@inline
function isGeneral(plan: GruPlan): bool {
  return plan.activation != Activation.tanh || plan.recurrentActivation != Activation.sigmoid;
}

/** Applies an activation to one gate of all rows. */
function activateGate(kind: i32, gates: usize, slopes: usize, gate: usize, rows: i32): void {
  const z = gates + gate;
  activateStrided(kind, z, GATES, slopes ? slopes + gate : 0, GATES, z, GATES, rows);
}

/**
 * Activates z and r of one group in place, and applies the reset: n += r * a with resetAfter, a = r * h_{t-1} without.
 *
 * @param h (B, 4): room for h_t, rows hRow apart
 */
export function activateUpdateAndReset(
  plan: GruPlan, gates: usize, slopes: usize, h: usize, hRow: usize, hPrev: usize, hPrevRow: usize, rows: i32,
): void {
  const resetAfter = plan.resetAfter != 0;
  if (isGeneral(plan)) {
    activateGate(plan.recurrentActivation, gates, slopes, Z, rows);
    activateGate(plan.recurrentActivation, gates, slopes, R, rows);
  } else {
    sigmoidColumn(gates + Z, GATES, h, hRow, rows);
    sigmoidColumn(gates + R, GATES, h, hRow, rows);
  }
  for (; rows > 0; rows--) {
    const r = v128.load(gates, R);
    if (resetAfter) v128.store(gates, f32x4.add(v128.load(gates, N), f32x4.mul(r, v128.load(gates))), N);
    else v128.store(gates, f32x4.mul(r, v128.load(hPrev)));
    gates += GATES;
    hPrev += hPrevRow;
  }
}

/**
 * The candidate and the output of one group, after activateUpdateAndReset.
 *
 * @param h (B, 4): h_t, rows hRow apart
 * @param hPrev (B, 4): h_{t-1}, rows hPrevRow apart
 * @param units of the layer in its last group, 4 in other groups, as in lstmCell.ts
 */
export function cellForward(
  plan: GruPlan, gates: usize, slopes: usize, h: usize, hRow: usize, hPrev: usize, hPrevRow: usize, rows: i32,
  units: i32,
): void {
  if (isGeneral(plan)) activateGate(plan.activation, gates, slopes, N, rows);
  else tanhColumn(gates + N, GATES, gates + N, GATES, h, hRow, rows);
  const least = f32x4.splat(SMALLEST);
  const lanes = lastLanes(units);
  for (; rows > 0; rows--) {
    const z = v128.load(gates, Z);
    const n = v128.load(gates, N);
    // z h + (1 - z) n
    const ht = f32x4.add(n, f32x4.mul(z, f32x4.sub(v128.load(hPrev), n)));
    v128.store(h, v128.and(flushSmall(ht, least), lanes));
    gates += GATES;
    h += hRow;
    hPrev += hPrevRow;
  }
}

/** Masked rows: z = 1 and the other gates 0, which makes their gradients 0 in backward. */
export function skipGates(gates: usize, slopes: usize, mask: usize, rows: i32): void {
  const zero = f32x4.splat(0);
  for (let b = 0; b < rows; b++) {
    if (!isUnmasked(mask, b)) {
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
 * One time step backward: replaces the gates by the gradients before their activation. Without resetAfter it replaces z
 * and n only; resetBackward follows with the gradient of r * h_{t-1}.
 *
 * @param to (B, 4): receives z dh_t, the direct part of the gradient of h_{t-1}; `adds` 1: adds it
 * @param dh (B, 4): gradient of h_t; may be `to`
 * @param db [z r n][4], [a z r][4]: the gradients of the biases are added to it; 0 for none
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
  if (!db) return;
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

/** Two functions, so that the common case has no code for the general one. */
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
 * Backward without resetAfter, given the gradient of r * h_{t-1}: the gradient of r, and that of h_{t-1}, added to `to`.
 *
 * @param drh (B, 4): gradient of r * h_{t-1}, rows drhRow apart
 */
export function resetBackward(
  gates: usize, slopes: usize, to: usize, toRow: usize, drh: usize, drhRow: usize, hPrev: usize, hPrevRow: usize,
  db: usize, rows: i32,
): void {
  const one = f32x4.splat(1);
  let dbr = db ? v128.load(db, 16) : one;
  for (; rows > 0; rows--) {
    const r = v128.load(gates, R);
    const slopeR = slopes ? v128.load(slopes, R) : f32x4.mul(r, f32x4.sub(one, r));
    const product = v128.load(drh); // gradient of r * h_{t-1}
    const dr = f32x4.mul(f32x4.mul(product, v128.load(hPrev)), slopeR);
    v128.store(to, f32x4.add(v128.load(to), f32x4.mul(product, r)));
    v128.store(gates, dr, R);
    dbr = f32x4.add(dbr, dr);
    gates += GATES;
    if (slopes) slopes += GATES;
    to += toRow;
    drh += drhRow;
    hPrev += hPrevRow;
  }
  if (db) v128.store(db, dbr, 16);
}

/** db += dz, summed like cellBackward and resetBackward: the bias gradients of one time step of one group. */
export function addBiasGradients(db: usize, dz: usize, rows: i32, resetAfter: bool): void {
  let dbz = f32x4.splat(0);
  let dbr = resetAfter ? dbz : v128.load(db, 16);
  let dbn = dbz;
  let dba = dbz;
  for (; rows > 0; rows--) {
    dbz = f32x4.add(dbz, v128.load(dz, Z));
    dbr = f32x4.add(dbr, v128.load(dz, R));
    dbn = f32x4.add(dbn, v128.load(dz, N));
    dba = f32x4.add(dba, v128.load(dz));
    dz += GATES;
  }
  addTo(db, dbz);
  addTo(db + 32, dbn);
  if (!resetAfter) {
    v128.store(db, dbr, 16);
    return;
  }
  addTo(db + 16, dbr);
  addTo(db + 48, dba);
  addTo(db + 64, dbz);
  addTo(db + 80, dbr);
}
