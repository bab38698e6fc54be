// The matrix products against plain float64 loops, at sizes with every kind of remainder.
//
// Summing K products in float32 sequentially, starting from c, has an error of at most (K + 1) u times
// |c| + the sum of |a| |b|, with u = 2^-24, ignoring terms of order u^2 (Higham 2002, 3.1). The bound below allows
// one more u for those. It is relative to the size of the terms, so a missing, extra or misplaced term exceeds it by
// orders of magnitude. Gaps between rows are NaN, so reading them gives NaN.

import { describe, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import * as reference from '../reference/matmul.ts';
import { Random } from '../reference/random.ts';
import { type Harness, harness, packedIndex, type Room } from './harness.ts';

const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 20, 21, 33, 64, 65, 130];
/** Every fourth size, from another one on for each `turn`: enough for a third axis, because every pair still occurs. */
const some = (turn: number) => sizes.filter((_, n) => (n + turn) % 4 === 0);

const padded = (n: number) => Math.ceil(n / 4) * 4;
const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const absolute = (values: Float64Array) => values.map(Math.abs);

/** A matrix [rows, columns] in a room: number (r, c) is at index(r, c). */
interface Laid {
  room: Room;
  index(r: number, c: number): number;
}

function lay(
  { room }: Harness,
  size: number,
  index: (r: number, c: number) => number,
  values: ArrayLike<number>,
  rows: number,
  columns: number,
): Laid {
  const floats = new Float32Array(size).fill(Number.NaN);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) floats[index(r, c)] = values[r * columns + c]!;
  return { room: room(size, floats), index };
}

/** A packed matrix; its padding is `pad`. */
function pack(h: Harness, values: ArrayLike<number>, rows: number, columns: number, pad = 0): Laid {
  const index = packedIndex(rows, columns);
  const laid = lay(h, rows * padded(columns), index, values, rows, columns);
  const floats = laid.room.floats();
  for (let r = 0; r < rows; r++) for (let c = columns; c < padded(columns); c++) floats[index(r, c)] = pad;
  return laid;
}

function numbersOf({ room, index }: Laid, rows: number, columns: number): Float32Array {
  const floats = room.floats();
  const numbers = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) numbers[r * columns + c] = floats[index(r, c)]!;
  return numbers;
}

/** A matrix [rows, columns] with its rows padded with zeros to whole vectors. */
function widened(values: ArrayLike<number>, rows: number, columns: number): number[] {
  const width = padded(columns);
  return range(rows * width).map(n =>
    n % width < columns ? values[Math.floor(n / width) * columns + (n % width)]! : 0,
  );
}

/** The number of runs that K is split into: 1, 2 or 3. */
function runsOf(K: number, choice: number): number {
  if (choice % 3 === 0) return 1;
  return [3, 2].find(blocks => K % blocks === 0) ?? 1;
}

function expectProduct(
  got: Float32Array,
  product: Float64Array,
  magnitude: Float64Array,
  start: (n: number) => number,
  K: number,
  what: string,
): void {
  const [expected, scaled] = [new Float64Array(product.length), new Float64Array(got)];
  for (let n = 0; n < product.length; n++) {
    const size = magnitude[n]! + Math.abs(start(n)) || 1;
    expected[n] = (product[n]! + start(n)) / size;
    scaled[n]! /= size;
  }
  expectClose(scaled, expected, { abs: (K + 2) * 2 ** -24, rel: 0, what });
}

/** The rows of A [M, K] for the row products, in runs within each row, or in separate blocks of rows. */
function layRuns(h: Harness, values: ArrayLike<number>, M: number, K: number, blocks: number, apart: boolean) {
  const depth = K / blocks;
  const gap = 3;
  const row = apart ? depth + gap : blocks * (depth + gap) + 1;
  const block = apart ? M * row : depth + gap;
  const index = (m: number, k: number) => m * row + Math.floor(k / depth) * block + (k % depth);
  return { ...lay(h, M * row + (blocks - 1) * block, index, values, M, K), row, block, depth };
}

/** The rows of a [K, columns] for the outer products, in runs of rows. */
function layRows(h: Harness, values: ArrayLike<number>, K: number, columns: number, blocks: number, width: number) {
  const depth = K / blocks;
  const row = width + 5;
  const block = depth * row + 7;
  const index = (k: number, c: number) => Math.floor(k / depth) * block + (k % depth) * row + c;
  return { ...lay(h, blocks * block, index, values, K, columns), row, block, depth };
}

/** Where a row product starts: each kind of `init`, with the number it gives element (m, n). */
const starts = ['nothing', 'bias', 'itself', 'another matrix'] as const;

function layStart(h: Harness, kind: (typeof starts)[number], c: Laid, cRow: number, M: number, N: number) {
  const random = new Random(N);
  const width = padded(N);
  if (kind === 'nothing') return { address: h.put(new Float32Array(16)), row: 0, column: 0, of: () => 0 };
  if (kind === 'bias') {
    const bias = random.uniforms([width]).data;
    return { address: h.put(bias), row: 0, column: 4, of: (_: number, n: number) => bias[n]! };
  }
  const row = kind === 'itself' ? cRow : width + 9;
  const { room, index } = kind === 'itself' ? c : layC(h, M, row);
  for (const at of block(index, M, width)) room.floats()[at] = random.uniform();
  const before = room.floats().slice();
  return { address: room.address, row: row * 4, column: 4, of: (m: number, n: number) => before[index(m, n)]! };
}

/** Room for C [M, N] with rows `row` numbers apart. */
const layC = (h: Harness, M: number, row: number): Laid => ({
  room: h.room(M * row),
  index: (m, n) => m * row + n,
});

/** The indices of the first [rows, columns]. */
const block = (index: Laid['index'], rows: number, columns: number) =>
  range(rows * columns).map(n => index(Math.floor(n / columns), n % columns));

test.each(sizes)('matmul of %i rows matches the reference', M => {
  const h = harness();
  const random = new Random(M);
  for (const [turn, N] of sizes.entries()) {
    for (const K of some(turn + M)) {
      const choice = turn + K + M;
      const blocks = runsOf(K, choice);
      const start = starts[choice % 4]!;
      const what = `[${M}, ${K}] x [${K}, ${N}], ${blocks} runs, from ${start}`;
      const [a, b] = [random.uniforms([M, K]).data, random.uniforms([K, N]).data];
      const A = layRuns(h, a, M, K, blocks, choice % 2 === 0);
      const P = pack(h, b, K, N);
      const row = padded(N) + (choice % 5);
      const C = layC(h, M, row);
      const init = layStart(h, start, C, row, M, N);

      h.kernels.matmul(
        ...([C.room.address, row * 4, init.address, init.row, init.column] as const),
        ...([A.room.address, A.row * 4, A.block * 4, A.depth, blocks, P.room.address, M, N] as const),
      );

      const of = (n: number) => init.of(Math.floor(n / N), n % N);
      const magnitude = reference.matmul(absolute(a), absolute(b), M, K, N);
      expectProduct(numbersOf(C, M, N), reference.matmul(a, b, M, K, N), magnitude, of, K, what);
      C.room.expectUntouched(block(C.index, M, padded(N)), what);
    }
  }
});

// A long panel is processed in slices of up to 512 rows, in whole runs; later slices start from C.
test.each([
  [16, 31],
  [16, 32],
  [16, 33],
  [16, 65],
  [200, 5],
  [513, 2],
  [600, 1],
])('matmul over blocks of %i numbers, %i of them, matches the reference', (depth, blocks) => {
  const h = harness();
  const random = new Random(depth);
  const [M, K] = [7, depth * blocks];
  for (const [n, start] of starts.entries()) {
    for (const N of [1, 4, 5, 8, 12, 21]) {
      const what = `${N} columns, from ${start}`;
      const [a, b] = [random.uniforms([M, K]).data, random.uniforms([K, N]).data];
      const A = layRuns(h, a, M, K, blocks, n % 2 === 0);
      const row = padded(N) + n;
      const C = layC(h, M, row);
      const init = layStart(h, start, C, row, M, N);
      const P = pack(h, b, K, N).room.address;

      h.kernels.matmul(
        ...([C.room.address, row * 4, init.address, init.row, init.column] as const),
        ...([A.room.address, A.row * 4, A.block * 4, depth, blocks, P, M, N] as const),
      );

      const of = (n: number) => init.of(Math.floor(n / N), n % N);
      const magnitude = reference.matmul(absolute(a), absolute(b), M, K, N);
      expectProduct(numbersOf(C, M, N), reference.matmul(a, b, M, K, N), magnitude, of, K, what);
      C.room.expectUntouched(block(C.index, M, padded(N)), what);
    }
  }
});

test.each(sizes)('matmulTransposed of %i rows matches the reference', M => {
  const h = harness();
  const random = new Random(M);
  for (const [turn, N] of sizes.entries()) {
    for (const K of some(turn + M)) {
      const blocks = runsOf(K, turn + K + M);
      const what = `transposed [${K}, ${M}] x [${K}, ${N}], ${blocks} runs`;
      const [a, b] = [random.uniforms([K, M]).data, random.uniforms([K, N]).data];
      const A = layRows(h, a, K, M, blocks, M);
      const B = layRows(h, widened(b, K, N), K, padded(N), blocks, padded(N));
      const before = random.uniforms([M, N]).data;
      const C = pack(h, before, M, N);

      h.kernels.matmulTransposed(
        ...([C.room.address, A.room.address, A.row * 4, A.block * 4] as const),
        ...([B.room.address, B.row * 4, B.block * 4, A.depth, blocks, M, N] as const),
      );

      const magnitude = reference.matmulAtB(absolute(a), absolute(b), M, K, N);
      const product = reference.matmulAtB(a, b, M, K, N);
      expectProduct(numbersOf(C, M, N), product, magnitude, n => before[n]!, K, what);
      expectBits(numbersOf(C, M, padded(N)), widened(numbersOf(C, M, N), M, N), `padding of ${what}`);
      C.room.expectUntouched(block(C.index, M, padded(N)), what);
    }
  }
});

test.each([12, 16] as const)('rowPanel%i matches the reference', N => {
  const h = harness();
  const random = new Random(16);
  for (const M of sizes) {
    for (const K of sizes) {
      const choice = M + K;
      const blocks = runsOf(K, choice);
      const start = starts[choice % 4]!;
      const what = `[${M}, ${K}] x [${K}, ${N}], ${blocks} runs, from ${start}`;
      const [a, b] = [random.uniforms([M, K]).data, random.uniforms([K, N]).data];
      const A = layRuns(h, a, M, K, blocks, choice % 2 === 0);
      const row = N + (choice % 5);
      const C = layC(h, M, row);
      const init = layStart(h, start, C, row, M, N);

      h.kernels[`rowPanel${N}`](
        ...([C.room.address, row * 4, init.address, init.row] as const),
        ...([A.room.address, A.row * 4, A.block * 4, A.depth, blocks, h.put(b), M] as const),
      );

      const of = (n: number) => init.of(Math.floor(n / N), n % N);
      const magnitude = reference.matmul(absolute(a), absolute(b), M, K, N);
      expectProduct(numbersOf(C, M, N), reference.matmul(a, b, M, K, N), magnitude, of, K, what);
      C.room.expectUntouched(block(C.index, M, N), what);
    }
  }
});

test.each([12, 16] as const)('outerPanel%i matches the reference', N => {
  const h = harness();
  const random = new Random(17);
  for (const M of sizes) {
    for (const K of sizes) {
      const blocks = runsOf(K, M + K);
      const what = `transposed [${K}, ${M}] x [${K}, ${N}], ${blocks} runs`;
      const [a, b] = [random.uniforms([K, M]).data, random.uniforms([K, N]).data];
      const A = layRows(h, a, K, M, blocks, M);
      const B = layRows(h, b, K, N, blocks, N);
      const C = layC(h, M, N);
      const before = random.uniforms([M, N]).data;
      C.room.floats().set(before);

      h.kernels[`outerPanel${N}`](
        ...([C.room.address, A.room.address, A.row * 4, A.block * 4] as const),
        ...([B.room.address, B.row * 4, B.block * 4, A.depth, blocks, M] as const),
      );

      const magnitude = reference.matmulAtB(absolute(a), absolute(b), M, K, N);
      const product = reference.matmulAtB(a, b, M, K, N);
      expectProduct(numbersOf(C, M, N), product, magnitude, n => before[n]!, K, what);
      C.room.expectUntouched(range(M * N), what);
    }
  }
});

test('packTransposed packs the transposed matrix', () => {
  const h = harness();
  const random = new Random(18);
  for (const K of sizes) {
    for (const N of sizes) {
      const what = `[${K}, ${N}]`;
      const w = random.uniforms([K, N]).data;
      const W = pack(h, w, K, N, Number.NaN); // its padding must not be copied
      const T: Laid = { room: h.room(N * padded(K)), index: packedIndex(N, K) };
      h.kernels.packTransposed(T.room.address, W.room.address, K, N);
      const transposed = range(N * K).map(n => w[(n % K) * N + Math.floor(n / K)]!);
      expectBits(numbersOf(T, N, padded(K)), widened(transposed, N, K), what);
      T.room.expectUntouched(range(N * padded(K)), what);
    }
  }
});

// A tile computes several rows or columns at once; the bits must not depend on the tile, in the relaxed build too, because
// an engine fuses either everywhere or nowhere.
describe('every tile gives the same bits', () => {
  const [rows, K] = [15, 21]; // 8 + 4 + 2 + 1 rows
  const a = new Random(19).normals([rows, K]).data;

  test('all row tiles give the same bits', () => {
    const h = harness();
    for (const N of [1, 4, 5, 8, 9, 16, 21]) {
      const P = pack(h, new Random(N).normals([K, N]).data, K, N);
      const A = layRuns(h, a, rows, K, 1, false);
      const product = (first: number, count: number) => {
        const C = layC(h, count, padded(N));
        const from = A.room.address + first * A.row * 4;
        const zeros = h.put(new Float32Array(8));
        h.kernels.matmul(
          ...([C.room.address, padded(N) * 4, zeros, 0, 0] as const),
          ...([from, A.row * 4, 0, K, 1, P.room.address, count, N] as const),
        );
        return [...numbersOf(C, count, N)];
      };
      const together = product(0, rows);
      const apart = range(rows).flatMap(m => product(m, 1));
      expectBits(apart, together, `${N} columns`);
    }
  });

  test('panels of 4, 8 and 16 columns give the same bits', () => {
    const h = harness();
    const b = new Random(20).normals([K, 16]).data;
    const A = layRuns(h, a, rows, K, 1, false);
    const zeros = h.put(new Float32Array(16));
    const product = (first: number, N: number) => {
      const columns = range(K * N).map(n => b[Math.floor(n / N) * 16 + first + (n % N)]!);
      const C = layC(h, rows, N);
      const P = pack(h, columns, K, N).room.address;
      h.kernels.matmul(C.room.address, N * 4, zeros, 0, 0, A.room.address, A.row * 4, 0, K, 1, P, rows, N);
      return { room: C.room, index: (m: number, n: number) => m * N + n - first };
    };
    const whole = layC(h, rows, 16);
    h.kernels.rowPanel16(whole.room.address, 64, zeros, 0, A.room.address, A.row * 4, 0, K, 1, h.put(b), rows);
    for (const width of [4, 8, 12]) {
      for (let first = 0; first + width <= 16; first += 4) {
        const part = product(first, width);
        for (let n = first; n < first + width; n++) {
          const column = ({ room, index }: Laid) => range(rows).map(m => room.floats()[index(m, n)]!);
          expectBits(column(part), column(whole), `column ${n} in ${width} from ${first}`);
        }
      }
    }
  });

  test('all tiles of outer products give the same bits', () => {
    const h = harness();
    const at = range(K * rows).map(n => a[(n % rows) * K + Math.floor(n / rows)]!); // [K, rows]
    const A = layRows(h, at, K, rows, 3, rows);
    for (const N of [1, 4, 5, 8, 16, 21]) {
      const b = new Random(N).normals([K, padded(N)]).data;
      const B = layRows(h, b, K, padded(N), 3, padded(N));
      const product = (first: number, count: number) => {
        const C = pack(h, new Float64Array(count * N), count, N);
        h.kernels.matmulTransposed(
          ...([C.room.address, A.room.address + first * 4, A.row * 4, A.block * 4] as const),
          ...([B.room.address, B.row * 4, B.block * 4, K / 3, 3, count, N] as const),
        );
        return [...numbersOf(C, count, N)];
      };
      const together = product(0, rows);
      const apart = range(rows).flatMap(m => product(m, 1));
      expectBits(apart, together, `${N} columns`);
      if (N !== 16) continue;
      const panel = layC(h, rows, 16);
      panel.room.floats().fill(0);
      h.kernels.outerPanel16(
        ...([panel.room.address, A.room.address, A.row * 4, A.block * 4] as const),
        ...([B.room.address, B.row * 4, B.block * 4, K / 3, 3, rows] as const),
      );
      expectBits(panel.room.floats(), together, 'outerPanel16');
    }
  });
});
