/**
 * Matrix products over packed panels.
 *
 * A packed matrix [K, N] is cut into panels of 8 columns, and the last 1 to 4 columns into a panel of 4; each panel
 * lies row after row: [K][8]. Columns that pad a panel hold zeros. The tiles then read it front to back, and one panel
 * stays in L1 while all rows of the other factor pass by. Where the host joins vectors, panels are 16 columns wide as
 * long as more than 12 are left.
 *
 * Letters: M rows, N columns, K reduction. Strides are in bytes, sizes in elements.
 */

import { joined } from './wideVectors';
import { outerPanel16, outerPanel4, outerPanel8, rowPanel16, rowPanel4, rowPanel8 } from './tiles.generated';

/** Sixteen zeros: what a product starts from when it starts from nothing. */
export const ZEROS: usize = memory.data(64, 16);

/** Bytes of a panel that go through at a time: half of a small L1. */
export const SLICE = 16384;

/** Columns of a packed matrix with its padding. */
@inline
export function padded(n: i32): i32 {
  return (n + 3) & ~3;
}

/** Columns of the panel that starts where `cols` columns are left. */
@inline
export function panelWidth(cols: i32): i32 {
  return joined && cols > 12 ? 16 : cols > 4 ? 8 : 4;
}

/**
 * C [M, N] = init + A [M, K] * P, with K = blocks * depth.
 *
 * @param c (M, padded N): the result, rows cRow apart
 * @param init where row r of the accumulators starts: init + r * initRow, and init moves on by initCol with every
 *   column: (c, cRow, 4) adds to C, (bias, 0, 4) starts every row from a bias, (ZEROS, 0, 0) from nothing
 * @param a rows aRow apart; a row is `blocks` runs of `depth` numbers, aBlock apart
 * @param panels the packed P [K, N]
 */
export function matmul(
  c: usize, cRow: usize, init: usize, initRow: usize, initCol: usize,
  a: usize, aRow: usize, aBlock: usize, depth: i32, blocks: i32, panels: usize, rows: i32, cols: i32,
): void {
  assert(rows > 0 && cols > 0 && depth > 0 && blocks > 0);
  while (cols > 0) {
    const width = panelWidth(cols);
    const bytes = depth * width * 4;
    const most = max(1, SLICE / bytes);
    // A long panel goes through in slices, each of which stays in L1 while all rows pass by.
    let from = init;
    let fromRow = initRow;
    let slice = a;
    for (let n = 0; n < blocks; n += most) {
      const count = min(most, blocks - n);
      if (width == 16) rowPanel16(c, cRow, from, fromRow, slice, aRow, aBlock, depth, count, panels, rows);
      else if (width == 8) rowPanel8(c, cRow, from, fromRow, slice, aRow, aBlock, depth, count, panels, rows);
      else rowPanel4(c, cRow, from, fromRow, slice, aRow, aBlock, depth, count, panels, rows);
      panels += <usize>(count * bytes);
      slice += <usize>count * aBlock;
      from = c;
      fromRow = cRow;
    }
    c += <usize>width * 4;
    init += <usize>width * initCol;
    cols -= width;
  }
}

/**
 * C += transposed(A [K, M]) * B [K, N], with K = blocks * depth and C [M, N] packed.
 *
 * @param c the packed C; sums are added to what it holds
 * @param a, b rows aRow and bRow apart, in `blocks` runs of `depth` rows, aBlock and bBlock apart; rows of B are
 *   readable up to their padding
 */
export function matmulTransposed(
  c: usize, a: usize, aRow: usize, aBlock: usize,
  b: usize, bRow: usize, bBlock: usize, depth: i32, blocks: i32, rows: i32, cols: i32,
): void {
  assert(rows > 0 && cols > 0 && depth > 0 && blocks > 0);
  while (cols > 0) {
    const width = panelWidth(cols);
    if (width == 16) outerPanel16(c, a, aRow, aBlock, b, bRow, bBlock, depth, blocks, rows);
    else if (width == 8) outerPanel8(c, a, aRow, aBlock, b, bRow, bBlock, depth, blocks, rows);
    else outerPanel4(c, a, aRow, aBlock, b, bRow, bBlock, depth, blocks, rows);
    c += <usize>(rows * width) * 4;
    b += <usize>width * 4;
    cols -= width;
  }
}

/** Byte offset of element (k, n) in a packed matrix [K, N]. */
@inline
export function packedAt(k: i32, n: i32, K: i32, N: i32): usize {
  let panel = n & ~15;
  let width = panelWidth(N - panel);
  if (width < 16) {
    panel = n & ~7;
    width = panelWidth(N - panel);
  }
  return <usize>(panel * K + k * width + (n - panel)) * 4;
}

/** Packs transposed(W) [N, K] out of the packed W [K, N]. */
export function packTransposed(t: usize, w: usize, K: i32, N: i32): void {
  memory.fill(t, 0, <usize>(N * padded(K)) * 4);
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < K; k++) {
      store<f32>(t + packedAt(n, k, N, K), load<f32>(w + packedAt(k, n, K, N)));
    }
  }
}

/**
 * Columns `rows` x 4 of a [T][B][width] block added up, four columns at a time: sums [cols] += column sums.
 *
 * @param sums (padded cols)
 * @param b rows bRow apart
 */
export function columnSums(sums: usize, b: usize, bRow: usize, rows: i32, cols: i32): void {
  for (; cols > 0; cols -= 4) {
    let sum = v128.load(sums);
    let row = b;
    for (let r = 0; r < rows; r++) {
      sum = f32x4.add(sum, v128.load(row));
      row += bRow;
    }
    v128.store(sums, sum);
    sums += 16;
    b += 16;
  }
}
