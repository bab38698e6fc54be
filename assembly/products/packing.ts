/**
 * Packs matrices of activations for products, and unpacks products. Packed matrices are those of matmul.ts.
 *
 * Rows of plain matrices are rowBytes apart; only their numbers are read.
 */

import { copyRow, transpose } from '../memory/rows';
import { padded, panelWidth } from './matmul';

/** Packs plain [K, N]. */
export function packRows(packed: usize, plain: usize, rowBytes: usize, K: i32, N: i32): void {
  while (N > 0) {
    const width = panelWidth(N);
    const count = min(width, N);
    let row = plain;
    for (let k = 0; k < K; k++) {
      if (count == 16) {
        v128.store(packed, v128.load(row));
        v128.store(packed, v128.load(row, 16), 16);
        v128.store(packed, v128.load(row, 32), 32);
        v128.store(packed, v128.load(row, 48), 48);
      } else if (count == 8) {
        v128.store(packed, v128.load(row));
        v128.store(packed, v128.load(row, 16), 16);
      } else {
        copyRow(packed, row, count, width - count);
      }
      packed += <usize>width * 4;
      row += rowBytes;
    }
    plain += <usize>width * 4;
    N -= width;
  }
}

/** Packs transposed(plain [N, K]), which is [K, N]. */
export function packColumns(packed: usize, plain: usize, rowBytes: usize, K: i32, N: i32): void {
  while (N > 0) {
    const width = panelWidth(N);
    const count = min(width, N);
    const bytes = <usize>(width * K) * 4;
    if (count < width) memory.fill(packed, 0, bytes);
    transpose(packed, <usize>width * 4, plain, rowBytes, count, K);
    packed += bytes;
    plain += <usize>width * rowBytes;
    N -= width;
  }
}

/** Unpacks to plain [K, N]; each row is followed by `zeros` zeros. */
export function unpackRows(plain: usize, rowBytes: usize, packed: usize, K: i32, N: i32, zeros: i32): void {
  while (N > 0) {
    const width = panelWidth(N);
    const count = min(width, N);
    let row = plain;
    for (let k = 0; k < K; k++) {
      copyRow(row, packed, count, N > width ? 0 : zeros);
      packed += <usize>width * 4;
      row += rowBytes;
    }
    plain += <usize>width * 4;
    N -= width;
  }
}
