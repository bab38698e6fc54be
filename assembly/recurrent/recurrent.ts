/**
 * What the recurrent layers share: states between batches, time steps that rows skip, recurrent dropout, activations
 * other than those the cells have in registers.
 *
 * Every layer keeps h_t in slot t+1 of T+1 slots; slot 0 is the state it starts from. With recurrent dropout there are
 * two such arrays: h times its factors, which the products read, and h itself, which is the output and is carried on.
 *
 * Letters: B batch, T time, H padded units. Rows are those of one block of the batch, so pointers point to its first.
 */

import { copyRows } from '../memory/copy';
import { ZEROS, matmul, packedAt, padded } from '../products/matmul';
import { activateWithSlope } from '../math/activations';
import { dropoutMask } from '../layers/dropout';

/** Bytes of one row and group of units. */
export const UNITS: usize = 16;
/**
 * 2^-63: states and gradients below it become zero, so that no product of two survivors is subnormal (a hundred
 * cycles each).
 */
export const SMALLEST: f32 = 1.0842021724855044e-19;
/** Rows of a weight-gradient product: enough to pay for loading and storing its tile, few enough to stay in L1. */
export const ENOUGH_ROWS = 256;

/** The numbers of src/layers/activations.ts of which the cells know more than that. */
export const SIGMOID = 2;
export const TANH = 3;

// ------------------------------------------------------------------------------------------------------- the state

/** Slot 0 of h: the carried state [B][H], or zero where there is none. */
export function loadH(h: usize, hRow: usize, stateH: usize, first: i32, rows: i32, width: i32): void {
  const row = <usize>width * 4;
  h += <usize>first * hRow;
  if (stateH) return copyRows(h, hRow, 0, stateH + <usize>first * row, row, 0, 1, rows, width);
  for (; rows > 0; rows--) {
    memory.fill(h, 0, row);
    h += hRow;
  }
}

/** Carries on the given slot of h. */
export function storeH(stateH: usize, h: usize, hRow: usize, first: i32, rows: i32, width: i32): void {
  if (!stateH) return;
  const row = <usize>width * 4;
  copyRows(stateH + <usize>first * row, row, 0, h + <usize>first * hRow, hRow, 0, 1, rows, width);
}

/** Moves a state between the layer's h [B][H] and a plain matrix [B, U]; padding becomes zero. */
export function hState(stateH: usize, h: usize, batch: i32, units: i32, inward: i32): void {
  const H = padded(units);
  const row = <usize>H * 4;
  const plain = <usize>units * 4;
  if (inward) {
    memory.fill(stateH, 0, <usize>batch * row);
    copyRows(stateH, row, 0, h, plain, 0, 1, batch, units);
  } else {
    copyRows(h, plain, 0, stateH, row, 0, 1, batch, units);
  }
}

/**
 * x_t beside h_{t-1} in slot t, where both make one row of a product.
 *
 * @param to where x_0 of the first row of the whole batch goes, rows toRow apart
 */
export function gatherInput(
  to: usize, toRow: usize, x: usize, xRow: usize, xStep: usize, steps: i32, batch: i32, first: i32, rows: i32,
  inputs: i32,
): void {
  const from = <usize>first;
  copyRows(to + from * toRow, toRow, <usize>batch * toRow, x + from * xRow, xRow, xStep, steps, rows, inputs);
}

// ------------------------------------------------------------------------------------------- skipped steps, dropout

/** The mask of step t from row `first` on; 0 where there is none. */
@inline
export function maskOf(mask: usize, maskStep: usize, t: i32, first: i32): usize {
  return mask ? mask + <usize>t * maskStep + (<usize>first << 2) : 0;
}

/** Whether row b counts at the time step of this mask. */
@inline
export function counts(mask: usize, b: i32): bool {
  return load<f32>(mask + (<usize>b << 2)) != 0;
}

/** h_t = h_{t-1} in rows that skip the step; h is slot t, and the next one is hStep behind it. */
export function keepRows(h: usize, hRow: usize, hStep: usize, mask: usize, rows: i32, width: i32): void {
  for (let b = 0; b < rows; b++) {
    if (!counts(mask, b)) memory.copy(h + hStep, h, <usize>width * 4);
    h += hRow;
  }
}

/** Factors [B][H] for this batch. Every block of rows draws all of them, and gets the same. */
export function drawDrop(drop: usize, seed: i32, rate: i32, batch: i32, width: i32): void {
  if (drop && rate) dropoutMask(drop, batch * width, seed, reinterpret<f32>(rate));
}

/** to = h * drop. */
export function dropRows(
  to: usize, toRow: usize, h: usize, hRow: usize, drop: usize, rows: i32, width: i32,
): void {
  const row = <usize>width * 4;
  for (; rows > 0; rows--) {
    for (let k: usize = 0; k < row; k += UNITS) {
      v128.store(to + k, f32x4.mul(v128.load(h + k), v128.load(drop + k)));
    }
    to += toRow;
    h += hRow;
    drop += row;
  }
}

/**
 * The gradient of h_{t-1} where rows skip steps or factors stand between h and the products.
 *
 * @param to (B, H): gradient of h_{t-1}; `adds` 1: added to what it holds, which the layer above asks for
 * @param dh (B, H): gradient of h_t, where a row that skipped the step hands it on; may be `to`
 * @param dhx (B, H) contiguous: gradient of h_{t-1} times its factors
 * @param drop, mask 0 where there is none
 */
export function passBack(
  to: usize, toRow: usize, adds: i32, dh: usize, dhRow: usize, dhx: usize, drop: usize, mask: usize,
  rows: i32, width: i32,
): void {
  const row = <usize>width * 4;
  for (let b = 0; b < rows; b++) {
    const skips = mask != 0 && !counts(mask, b);
    for (let k: usize = 0; k < row; k += UNITS) {
      let back = v128.load(skips ? dh + k : dhx + k);
      if (!skips && drop) back = f32x4.mul(back, v128.load(drop + k));
      if (adds) back = f32x4.add(back, v128.load(to + k));
      v128.store(to + k, back);
    }
    to += toRow;
    dh += dhRow;
    dhx += row;
    if (drop) drop += row;
  }
}

// ----------------------------------------------------------------------------------------------------- activations

/** Rows that go through an activation together. */
const TILE = 64;
const VALUES: usize = memory.data(1024, 16);
const SLOPES: usize = memory.data(1024, 16);

/**
 * One vector of each row goes through an activation, in place.
 *
 * @param slope where its slope goes, rows slopeRow apart; 0 when nobody wants it
 */
export function activateColumn(kind: i32, z: usize, zRow: usize, slope: usize, slopeRow: usize, rows: i32): void {
  for (; rows > 0; rows -= TILE) {
    const end = VALUES + <usize>min(rows, TILE) * UNITS;
    for (let at = VALUES, from = z; at < end; at += UNITS, from += zRow) v128.store(at, v128.load(from));
    activateWithSlope(kind, VALUES, SLOPES, VALUES, min(rows, TILE) * 4);
    for (let at = VALUES; at < end; at += UNITS, z += zRow) v128.store(z, v128.load(at));
    if (!slope) continue;
    for (let at = SLOPES; at < SLOPES + (end - VALUES); at += UNITS, slope += slopeRow) {
      v128.store(slope, v128.load(at));
    }
  }
}

// -------------------------------------------------------------------------------------------------------- matrices

/**
 * Packs a matrix transposed: row n of all panels becomes column n of a matrix [width * panels, cols].
 *
 * @param w the first of `panels` panels [..][width], panelStep apart
 */
export function packRows(t: usize, w: usize, panelStep: usize, width: i32, panels: i32, cols: i32): void {
  const K = width * panels;
  const bytes = <usize>width * 4;
  if (cols & 3) memory.fill(t, 0, <usize>(K * padded(cols)) * 4);
  for (let n = 0; n < cols; n++) {
    let to = t + packedAt(0, n, K, cols);
    const next = packedAt(1, n, K, cols) - packedAt(0, n, K, cols);
    let from = w + <usize>n * bytes;
    for (let p = 0; p < panels; p++) {
      for (let lane: usize = 0; lane < bytes; lane += 4) {
        store<f32>(to, load<f32>(from + lane));
        to += next;
      }
      from += panelStep;
    }
  }
}
