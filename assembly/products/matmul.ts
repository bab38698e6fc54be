/**
 * Matrix products over packed panels.
 *
 * A packed matrix [K, N] consists of panels of 16 columns while more than 12 are left, then of panels of 8, with a panel of
 * 4 for the last 1 to 4 columns; each panel is stored row by row: [K][16]. Panels are padded with zeros. The tiles read a
 * panel front to back, and it stays in L1 for all rows of the other factor.
 *
 * Letters: M rows, N columns, K reduction. Strides are in bytes, sizes in elements.
 */

import { madd } from '../math/elementary';
import { Copy } from '../memory/copy';
import { outerColumn, outerPanel16, outerPanel4, outerPanel8, rowPanel16, rowPanel4, rowPanel8 } from './tiles.generated';

/** Sixteen zeros: the initial values of a product that starts from zero. */
export const ZEROS: usize = memory.data(64, 16);

/** Bytes of a panel that are processed at a time: half of a small L1. */
export const SLICE = 16384;

/** Columns of a packed matrix, padding included. */
@inline
export function padded(n: i32): i32 {
  return (n + 3) & ~3;
}

/** Columns of the next panel, with `cols` columns left. */
@inline
export function panelWidth(cols: i32): i32 {
  return cols > 12 ? 16 : cols > 4 ? 8 : 4;
}

/**
 * C [M, N] = init + A [M, K] * P, with K = blocks * depth.
 *
 * @param c (M, padded N): the result, rows cRow apart
 * @param init initial values, rows initRow and columns initCol apart: (c, cRow, 4) adds to C, (bias, 0, 4) starts every
 *   row from a bias, (ZEROS, 0, 0) from zero
 * @param a rows aRow apart; a row is `blocks` blocks of `depth` numbers, aBlock apart
 * @param panels the packed P [K, N]
 */
export function matmul(
  c: usize, cRow: usize, init: usize, initRow: usize, initCol: usize,
  a: usize, aRow: usize, aBlock: usize, depth: i32, blocks: i32, panels: usize, rows: i32, cols: i32,
): void {
  matmulPart(c, cRow, init, initRow, initCol, a, aRow, aBlock, depth, blocks, panels, 0, depth * blocks, rows, cols);
}

/** The same with rows [skip, skip + K) of a packed P [height, N]. */
export function matmulPart(
  c: usize, cRow: usize, init: usize, initRow: usize, initCol: usize,
  a: usize, aRow: usize, aBlock: usize, depth: i32, blocks: i32,
  panels: usize, skip: i32, height: i32, rows: i32, cols: i32,
): void {
  assert(rows > 0 && cols > 0 && depth > 0 && blocks > 0 && skip + depth * blocks <= height);
  while (cols > 0) {
    const width = panelWidth(cols);
    const bytes = depth * width * 4;
    const most = max(1, SLICE / bytes);
    // A long panel is processed in slices, each of which stays in L1 for all rows
    let panel = panels + <usize>(skip * width) * 4;
    let from = init;
    let fromRow = initRow;
    let slice = a;
    for (let n = 0; n < blocks; n += most) {
      const count = min(most, blocks - n);
      if (depth == 1 && count == 1) scalePanel(c, cRow, from, fromRow, slice, aRow, panel, width >> 2, rows);
      else if (width == 16) rowPanel16(c, cRow, from, fromRow, slice, aRow, aBlock, depth, count, panel, rows);
      else if (width == 8) rowPanel8(c, cRow, from, fromRow, slice, aRow, aBlock, depth, count, panel, rows);
      else rowPanel4(c, cRow, from, fromRow, slice, aRow, aBlock, depth, count, panel, rows);
      panel += <usize>(count * bytes);
      slice += <usize>count * aBlock;
      from = c;
      fromRow = cRow;
    }
    panels += <usize>(height * width) * 4;
    c += <usize>width * 4;
    init += <usize>width * initCol;
    cols -= width;
  }
}

/** A panel of a product with K = 1: C [rows, 4 vectors] = init + a [rows, 1] * panel [1, 4 vectors]. */
function scalePanel(
  c: usize, cRow: usize, init: usize, initRow: usize, a: usize, aRow: usize, panel: usize, vectors: i32, rows: i32,
): void {
  const end = c + <usize>rows * cRow;
  if (vectors == 4) {
    const p0 = v128.load(panel);
    const p1 = v128.load(panel, 16);
    const p2 = v128.load(panel, 32);
    const p3 = v128.load(panel, 48);
    for (; c != end; c += cRow, init += initRow, a += aRow) {
      const s = v128.load32_splat(a);
      v128.store(c, madd(s, p0, v128.load(init)));
      v128.store(c, madd(s, p1, v128.load(init, 16)), 16);
      v128.store(c, madd(s, p2, v128.load(init, 32)), 32);
      v128.store(c, madd(s, p3, v128.load(init, 48)), 48);
    }
    return;
  }
  for (let v: usize = 0; v < <usize>vectors << 4; v += 16) {
    const p = v128.load(panel + v);
    for (let row: usize = 0; row < <usize>rows; row++) {
      v128.store(c + v + row * cRow, madd(v128.load32_splat(a + row * aRow), p, v128.load(init + v + row * initRow)));
    }
  }
}

/** The number of sixteens of columns, a part of one included. */
@inline
export function sixteens(cols: i32): i32 {
  return (cols + 15) >> 4;
}

/** The same for sixteens of columns [first, first + count), with the bits of the whole; those outside of P are left out. */
export function matmulColumns(
  c: usize, cRow: usize, init: usize, initRow: usize, initCol: usize, a: usize, aRow: usize, aBlock: usize, depth: i32,
  blocks: i32, panels: usize, rows: i32, cols: i32, first: i32, count: i32,
): void {
  const from = 16 * max(0, first);
  const to = min(16 * (first + count), cols);
  if (from >= to) return;
  const packed = panels + packedAt(0, from, depth * blocks, cols);
  init += <usize>from * initCol;
  matmul(c + <usize>from * 4, cRow, init, initRow, initCol, a, aRow, aBlock, depth, blocks, packed, rows, to - from);
}

/**
 * C += transposed(A [K, M]) * B [K, N], with K = blocks * depth and C [M, N] packed.
 *
 * @param c the packed C, which the sums are added to
 * @param a, b rows aRow and bRow apart, in `blocks` blocks of `depth` rows, aBlock and bBlock apart; rows of B must be
 *   readable including their padding
 */
export function matmulTransposed(
  c: usize, a: usize, aRow: usize, aBlock: usize,
  b: usize, bRow: usize, bBlock: usize, depth: i32, blocks: i32, rows: i32, cols: i32,
): void {
  matmulTransposedPart(c, 0, rows, a, aRow, aBlock, b, bRow, bBlock, depth, blocks, rows, cols);
}

/** The same with rows [skip, skip + M) of a packed C [height, N]. */
export function matmulTransposedPart(
  c: usize, skip: i32, height: i32, a: usize, aRow: usize, aBlock: usize,
  b: usize, bRow: usize, bBlock: usize, depth: i32, blocks: i32, rows: i32, cols: i32,
): void {
  assert(rows > 0 && cols > 0 && depth > 0 && blocks > 0 && skip + rows <= height);
  while (cols > 0) {
    const width = panelWidth(cols);
    const part = c + <usize>(skip * width) * 4;
    if (width == 16) outerPanel16(part, a, aRow, aBlock, b, bRow, bBlock, depth, blocks, rows);
    else if (width == 8) outerPanel8(part, a, aRow, aBlock, b, bRow, bBlock, depth, blocks, rows);
    else if (cols == 1) outerColumn(part, a, aRow, aBlock, b, bRow, bBlock, depth, blocks, rows);
    else outerPanel4(part, a, aRow, aBlock, b, bRow, bBlock, depth, blocks, rows);
    c += <usize>(height * width) * 4;
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

/** t = transposed(W) [N, K] of W [K, N], both packed. */
export function packTransposed(t: usize, w: usize, K: i32, N: i32): void {
  memory.fill(t, 0, <usize>(N * padded(K)) * 4);
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < K; k++) {
      store<f32>(t + packedAt(n, k, N, K), load<f32>(w + packedAt(k, n, K, N)));
    }
  }
}

/** Copies a plain matrix [rows, N] to or from rows [k, k + rows) of a packed matrix [K, N]. */
export function copyPanels(packed: usize, k: i32, K: i32, plain: usize, rows: i32, N: i32, copy: Copy): void {
  for (let n = 0; n < N;) {
    const width = panelWidth(N - n);
    copy(packed + packedAt(k, n, K, N), <usize>width * 4, plain + <usize>n * 4, <usize>N * 4, rows, min(width, N - n));
    n += width;
  }
}

/**
 * sums [cols] += the column sums of b [rows, cols].
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
