/**
 * Shared by the recurrent layers: carried states, masked time steps, recurrent dropout, transposed weights.
 *
 * Every layer keeps h_t in slot t+1 of T+1 slots; slot 0 is the initial state. With recurrent dropout there are two such
 * arrays: h times the dropout factors, read by the products, and h itself, which is the output and the next state.
 *
 * Letters: B batch, T time, H padded units. `rows` counts the rows of one block of the batch; pointers point to its first row.
 */

import { Copy, copyRows } from '../memory/copy';
import { transpose } from '../memory/rows';
import { packedAt, padded, panelWidth } from '../products/matmul';
import { dropoutMask } from '../layers/dropout';

/** Bytes of one row and group of units. */
export const UNITS: usize = 16;
/**
 * 2^-63: smaller states and gradients become zero, so that no product of two of them is subnormal, which would cost a
 * hundred cycles.
 */
export const SMALLEST: f32 = 1.0842021724855044e-19;
/** Rows of a weight-gradient product: enough to amortize loading and storing its tile, few enough to stay in L1. */
export const ENOUGH_ROWS = 256;

/** Rows that run through all time steps at once; with more, weight gradients would not stay in L1. */
export const enum RowBlock {
  rows = 256,
}

export const ROW_BLOCK: i32 = RowBlock.rows;

// ------------------------------------------------------------------------------------------------------------ state

/** Sets slot 0 of h to the carried state [B][H], or to zero without one. */
export function loadH(h: usize, hRow: usize, stateH: usize, first: i32, rows: i32, width: i32): void {
  const row = <usize>width * 4;
  if (!stateH) return clearRows(h, hRow, first, rows, width);
  copyRows(h + <usize>first * hRow, hRow, 0, stateH + <usize>first * row, row, 0, 1, rows, width);
}

/** Sets slot 0 of h to a given state [B][U], padded with zeros. */
export function loadInitialH(h: usize, hRow: usize, h0: usize, h0Row: usize, first: i32, rows: i32, units: i32): void {
  if (units & 3) clearRows(h, hRow, first, rows, padded(units));
  copyRows(h + <usize>first * hRow, hRow, 0, h0 + <usize>first * h0Row, h0Row, 0, 1, rows, units);
}

/** Sets rows [first, first + rows) to zero. */
export function clearRows(h: usize, hRow: usize, first: i32, rows: i32, width: i32): void {
  for (h += <usize>first * hRow; rows > 0; rows--) {
    memory.fill(h, 0, <usize>width * 4);
    h += hRow;
  }
}

/** Stores a slot of h as the carried state; does nothing if `stateH` is 0. */
export function storeH(stateH: usize, h: usize, hRow: usize, first: i32, rows: i32, width: i32): void {
  if (!stateH) return;
  const row = <usize>width * 4;
  copyRows(stateH + <usize>first * row, row, 0, h + <usize>first * hRow, hRow, 0, 1, rows, width);
}

/** Copies a plain matrix [B, U] to the carried state [B][H], with zeros as padding. */
export function packState(stateH: usize, h: usize, batch: i32, units: i32): void {
  const row = <usize>padded(units) * 4;
  memory.fill(stateH, 0, <usize>batch * row);
  copyRows(stateH, row, 0, h, <usize>units * 4, 0, 1, batch, units);
}

/** Copies the carried state [B][H] to a plain matrix [B, U]. */
export function unpackState(stateH: usize, h: usize, batch: i32, units: i32): void {
  copyRows(h, <usize>units * 4, 0, stateH, <usize>padded(units) * 4, 0, 1, batch, units);
}

/**
 * Copies x_t next to h_{t-1} in slot t, so that both form one row of a product.
 *
 * @param to destination of x_0 of the first row of the whole batch, rows toRow apart
 */
export function gatherInput(
  to: usize, toRow: usize, x: usize, xRow: usize, xStep: usize, steps: i32, batch: i32, first: i32, rows: i32,
  inputs: i32,
): void {
  const from = <usize>first;
  copyRows(to + from * toRow, toRow, <usize>batch * toRow, x + from * xRow, xRow, xStep, steps, rows, inputs);
}

// ---------------------------------------------------------------------------------------- masked steps and dropout

/** The mask of step t from row `first` on; 0 without a mask. */
@inline
export function maskOf(mask: usize, maskStep: usize, t: i32, first: i32): usize {
  return mask ? mask + <usize>t * maskStep + (<usize>first << 2) : 0;
}

/** Whether row b is unmasked at the time step of this mask. */
@inline
export function isUnmasked(mask: usize, b: i32): bool {
  return load<f32>(mask + (<usize>b << 2)) != 0;
}

/** h_t = h_{t-1} in masked rows. h is slot t, which holds h_{t-1}; the next slot is hStep further. */
export function copySkippedRows(h: usize, hRow: usize, hStep: usize, mask: usize, rows: i32, width: i32): void {
  for (let b = 0; b < rows; b++) {
    if (!isUnmasked(mask, b)) memory.copy(h + hStep, h, <usize>width * 4);
    h += hRow;
  }
}

/** Draws the dropout factors [B][H] of this batch. Every block of rows draws all of them, with the same result. */
export function drawRecurrentDropout(drop: usize, seed: i32, rate: i32, batch: i32, width: i32): void {
  if (drop && rate) dropoutMask(drop, batch * width, seed, reinterpret<f32>(rate));
}

/** to = h * drop. */
export function applyRecurrentDropout(
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
 * The gradient of h_{t-1} with a mask or recurrent dropout.
 *
 * @param to (B, H): gradient of h_{t-1}; `adds` 1: added to the gradient from the layer above, which it already holds
 * @param dh (B, H): gradient of h_t, which masked rows pass through unchanged; may be `to`
 * @param dhx (B, H) contiguous: gradient of h_{t-1} times the dropout factors
 * @param drop, mask 0 for none
 */
export function stateGradient(
  to: usize, toRow: usize, adds: i32, dh: usize, dhRow: usize, dhx: usize, drop: usize, mask: usize,
  rows: i32, width: i32,
): void {
  const row = <usize>width * 4;
  for (let b = 0; b < rows; b++) {
    const skips = mask != 0 && !isUnmasked(mask, b);
    for (let k: usize = 0; k < row; k += UNITS) {
      let gradient = v128.load(skips ? dh + k : dhx + k);
      if (!skips && drop) gradient = f32x4.mul(gradient, v128.load(drop + k));
      if (adds) gradient = f32x4.add(gradient, v128.load(to + k));
      v128.store(to + k, gradient);
    }
    to += toRow;
    dh += dhRow;
    dhx += row;
    if (drop) drop += row;
  }
}

// ---------------------------------------------------------------------------------------------------------- weights

/**
 * Copies a plain matrix [rows, U] to or from groups of four units.
 *
 * @param packed row 0 of the first group; rows packedRow apart, groups `group` apart
 * @param plain rows plainRow apart
 */
export function copyGroups(
  packed: usize, packedRow: usize, group: usize, plain: usize, plainRow: usize, rows: i32, units: i32, copy: Copy,
): void {
  for (; units > 0; units -= 4) {
    copy(packed, packedRow, plain, plainRow, rows, min(units, 4));
    packed += group;
    plain += UNITS;
  }
}

/**
 * Packs transposed weights: row n of all panels becomes column n of a packed matrix [width * panels, cols].
 *
 * @param w the first of `panels` panels [..][width], panelStep apart
 * @param first, count sixteens of columns; those outside of the packed matrix are left out
 */
export function packTransposedRows(
  t: usize, w: usize, panelStep: usize, width: i32, panels: i32, cols: i32, first: i32, count: i32,
): void {
  const K = width * panels;
  const bytes = <usize>width * 4;
  const end = min(16 * (first + count), cols);
  for (let n = 16 * max(0, first); n < end;) {
    const packedWidth = panelWidth(cols - n);
    const row = <usize>packedWidth * 4;
    const count = min(packedWidth, cols - n);
    let packed = t + packedAt(0, n, K, cols);
    let plain = w + <usize>n * bytes;
    if (count < packedWidth) memory.fill(packed, 0, <usize>K * row);
    for (let p = 0; p < panels; p++) {
      transpose(packed, row, plain, bytes, count, width);
      packed += bytes * packedWidth;
      plain += panelStep;
    }
    n += packedWidth;
  }
}
