/**
 * The cell of an LSTM with peepholes, a projection or layer normalization: one row of one time step, forward above
 * backward. The equations are in lstmVariants.ts.
 *
 * A row n is that of one sample at one time step, of T times B. Pointers point to its first number.
 */

import { LstmVariantPlan } from './lstmVariantPlan';
import { MOMENTS, normBackward, normalize } from './norm';
import { activateStrided } from '../math/activations';
import { flushSmall, madd } from '../math/elementary';
import { lastLanes } from '../math/laneMasks';
import { padded } from '../products/matmul';
import { SMALLEST, UNITS } from './shared';

// ---------------------------------------------------------------------------------------------------------- forward

/** @param m o tanh(c), [H] */
export function cellForward(plan: LstmVariantPlan, n: usize, m: usize): void {
  const U = plan.units;
  const H = padded(U);
  const row = <usize>H * 4;
  const z = plan.gates + n * plan.gatesRow;
  const before = plan.c + n * plan.unitRow;
  const c = before + <usize>plan.batch * plan.unitRow;
  const cell = plan.norms ? plan.cell + n * plan.unitRow : c;
  const slopes = plan.slopes ? plan.slopes + n * plan.gatesRow : 0;
  const peepholes = plan.peepholes;
  const norms = plan.norms;
  const moments = plan.moments + n * MOMENTS;
  const gateKind = plan.recurrentActivation;
  if (norms) {
    const wide = 4 * row;
    normalize(z, plan.w, plan.xw + n * plan.gatesRow, moments, norms, norms + wide, U, 4, plan.epsilon);
    normalize(z, z, plan.hr + n * plan.gatesRow, moments + 8, norms + 2 * wide, norms + 3 * wide, U, 4, plan.epsilon);
  }
  if (peepholes) {
    addProducts(z, peepholes, before, row);
    addProducts(z + row, peepholes + row, before, row);
  }
  activateStrided(gateKind, z, UNITS, slopes, UNITS, z, UNITS, H >> 1);
  const g = z + 2 * row;
  activateStrided(plan.activation, g, UNITS, slopes ? slopes + 2 * row : 0, UNITS, g, UNITS, H >> 2);

  const least = f32x4.splat(SMALLEST);
  const lanes = lastLanes(U); // keeps padding 0 for activations and infinite inputs that would change it
  const last = row - UNITS;
  for (let k: usize = 0; k < row; k += UNITS) {
    const remembered = f32x4.mul(v128.load(z + row + k), v128.load(before + k));
    const added = f32x4.mul(v128.load(z + k), v128.load(g + k));
    v128.store(cell + k, flushSmall(f32x4.add(remembered, added), least));
  }
  v128.store(cell + last, v128.and(v128.load(cell + last), lanes));

  const o = g + row;
  if (peepholes) addProducts(o, peepholes + 2 * row, cell, row);
  activateStrided(gateKind, o, UNITS, slopes ? slopes + 3 * row : 0, UNITS, o, UNITS, H >> 2);
  if (norms) {
    const gamma = norms + 16 * row;
    normalize(c, 0, cell, moments + 16, gamma, gamma + row, U, 1, plan.epsilon);
    v128.store(c + last, v128.and(v128.load(c + last), lanes));
  }
  const tanhC = plan.tanhC + n * plan.unitRow;
  const slopesC = plan.slopesC ? plan.slopesC + n * plan.unitRow : 0;
  activateStrided(plan.activation, tanhC, UNITS, slopesC, UNITS, c, UNITS, H >> 2);
  for (let k: usize = 0; k < row; k += UNITS) {
    v128.store(m + k, f32x4.mul(v128.load(o + k), v128.load(tanhC + k)));
  }
  v128.store(m + last, v128.and(v128.load(m + last), lanes));
}

/** z += p * c over `bytes`. */
@inline
function addProducts(z: usize, p: usize, c: usize, bytes: usize): void {
  for (let k: usize = 0; k < bytes; k += UNITS) {
    v128.store(z + k, madd(v128.load(p + k), v128.load(c + k), v128.load(z + k)));
  }
}

// --------------------------------------------------------------------------------------------------------- backward

/**
 * Replaces the gates by the gradients of their sums, and dc by the gradient of c_{t-1}.
 *
 * @param dc [H]: gradient of c_t through later steps
 * @param dm [H]: gradient of o tanh(c)
 * @param counts false for a masked row, whose gradients are zero, and which passes dc through
 */
export function cellBackward(plan: LstmVariantPlan, n: usize, dc: usize, dm: usize, counts: bool): void {
  const row = <usize>padded(plan.units) * 4;
  const z = plan.gates + n * plan.gatesRow;
  const dxw = plan.norms ? plan.dxw + n * plan.gatesRow : 0;
  const dhr = plan.norms ? plan.dhr + n * plan.gatesRow : 0;
  const dn = plan.norms ? plan.dn + n * plan.unitRow : 0;
  if (!counts) {
    memory.fill(z, 0, 4 * row);
    if (!dn) return;
    memory.fill(dxw, 0, 4 * row);
    memory.fill(dhr, 0, 4 * row);
    return memory.fill(dn, 0, row);
  }
  const moments = plan.moments + n * MOMENTS;
  outputBackward(plan, n, dc, dm, row);
  if (dn) {
    memory.copy(dn, dc, row);
    const cell = plan.cell + n * plan.unitRow;
    normBackward(dc, dc, cell, moments + 16, plan.norms + 16 * row, plan.units, 1);
  }
  stateBackward(plan, n, dc, row);
  if (!dn) return;
  normBackward(dxw, z, plan.xw + n * plan.gatesRow, moments, plan.norms, plan.units, 4);
  normBackward(dhr, z, plan.hr + n * plan.gatesRow, moments + 8, plan.norms + 8 * row, plan.units, 4);
}

/** h = o tanh(c), and c reaches the loss through h and through c_{t+1}: o becomes its gradient, dc that of c_t. */
function outputBackward(plan: LstmVariantPlan, n: usize, dc: usize, dm: usize, row: usize): void {
  const one = f32x4.splat(1);
  const least = f32x4.splat(SMALLEST);
  const o = plan.gates + n * plan.gatesRow + 3 * row;
  const tanhC = plan.tanhC + n * plan.unitRow;
  const slopes = plan.slopes ? plan.slopes + n * plan.gatesRow + 3 * row : 0;
  const slopesC = plan.slopesC + n * plan.unitRow;
  for (let k: usize = 0; k < row; k += UNITS) {
    const ot = v128.load(o + k);
    const tc = v128.load(tanhC + k);
    const dht = flushSmall(v128.load(dm + k), least);
    const slopeO = slopes ? v128.load(slopes + k) : f32x4.mul(ot, f32x4.sub(one, ot));
    const slopeC = slopes ? v128.load(slopesC + k) : f32x4.sub(one, f32x4.mul(tc, tc));
    v128.store(o + k, f32x4.mul(f32x4.mul(dht, tc), slopeO));
    v128.store(dc + k, f32x4.add(v128.load(dc + k), f32x4.mul(f32x4.mul(dht, ot), slopeC)));
  }
}

/** s = f c_{t-1} + i g: i, f and g become their gradients, and dc, the gradient of s but for the peephole of o, that of c_{t-1}. */
function stateBackward(plan: LstmVariantPlan, n: usize, dc: usize, row: usize): void {
  const one = f32x4.splat(1);
  const least = f32x4.splat(SMALLEST);
  const z = plan.gates + n * plan.gatesRow;
  const before = plan.c + n * plan.unitRow;
  const slopes = plan.slopes ? plan.slopes + n * plan.gatesRow : 0;
  const peepholes = plan.peepholes;
  for (let k: usize = 0; k < row; k += UNITS) {
    const i = v128.load(z + k);
    const f = v128.load(z + row + k);
    const g = v128.load(z + 2 * row + k);
    const slopeI = slopes ? v128.load(slopes + k) : f32x4.mul(i, f32x4.sub(one, i));
    const slopeF = slopes ? v128.load(slopes + row + k) : f32x4.mul(f, f32x4.sub(one, f));
    const slopeG = slopes ? v128.load(slopes + 2 * row + k) : f32x4.sub(one, f32x4.mul(g, g));
    let ds = v128.load(dc + k);
    if (peepholes) ds = madd(v128.load(z + 3 * row + k), v128.load(peepholes + 2 * row + k), ds);
    const di = f32x4.mul(f32x4.mul(ds, g), slopeI);
    const df = f32x4.mul(f32x4.mul(ds, v128.load(before + k)), slopeF);
    v128.store(z + k, di);
    v128.store(z + row + k, df);
    v128.store(z + 2 * row + k, f32x4.mul(f32x4.mul(ds, i), slopeG));
    let d = f32x4.mul(ds, f);
    if (peepholes) d = madd(df, v128.load(peepholes + row + k), madd(di, v128.load(peepholes + k), d));
    v128.store(dc + k, flushSmall(d, least));
  }
}

/** sums [4] += the products of a and b in some rows. */
export function sumProducts(sums: usize, a: usize, aRow: usize, b: usize, bRow: usize, rows: i32): void {
  let sum = v128.load(sums);
  for (; rows > 0; rows--) {
    sum = madd(v128.load(a), v128.load(b), sum);
    a += aRow;
    b += bRow;
  }
  v128.store(sums, sum);
}
