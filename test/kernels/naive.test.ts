/** Tiles and naive loops sum in the same order with the same rounding, so they agree to the bit in every build. */

import { test } from 'vitest';
import { expectBits } from '../compare.ts';
import { Random } from '../reference/random.ts';
import { harness, packedIndex } from './harness.ts';

const { kernels, put, get } = harness();
const random = new Random(31);
const numbers = (count: number) => Float32Array.from(random.normals([count]).data);
const padded = (n: number) => (n + 3) & ~3;

/** A packed [K, N] from numbers of its size, padding included. */
const packedSize = (K: number, N: number) => K * padded(N);

const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 20, 33];

test.each(sizes)('matmul of %i rows equals matmulNaive to the bit', M => {
  for (const N of sizes) {
    for (const K of [1, 2, 7, 16, 65]) {
      const a = put(numbers(M * K));
      const panels = put(numbers(packedSize(K, N)));
      const start = numbers(M * padded(N));
      const [fast, naive] = [put(start), put(start)];
      const row = padded(N) * 4;
      kernels.matmul(fast, row, fast, row, 4, a, K * 4, 0, K, 1, panels, M, N);
      kernels.matmulNaive(naive, row, a, K * 4, panels, M, N, K);
      const columns = (at: number) => get(at, M * padded(N)).filter((_, i) => i % padded(N) < N);
      expectBits(columns(fast), columns(naive), `${M} x ${N} x ${K}`);
    }
  }
});

test.each(sizes)('matmulTransposed of %i columns of A equals matmulTransposedNaive to the bit', M => {
  for (const N of sizes) {
    for (const K of [1, 2, 7, 16, 65]) {
      const a = put(numbers(K * M));
      const b = put(numbers(K * padded(N)));
      const start = numbers(packedSize(M, N));
      const [fast, naive] = [put(start), put(start)];
      kernels.matmulTransposed(fast, a, M * 4, 0, b, padded(N) * 4, 0, K, 1, M, N);
      kernels.matmulTransposedNaive(naive, a, M * 4, b, padded(N) * 4, M, N, K);
      const at = packedIndex(M, N);
      const inside = (address: number) => {
        const values = get(address, start.length);
        return Array.from({ length: M * N }, (_, i) => {
          return values[at(Math.floor(i / N), i % N)]!;
        });
      };
      expectBits(inside(fast), inside(naive), `${M} x ${N} x ${K}`);
    }
  }
});
