/**
 * Rows of a large random orthogonal matrix, each in O(n log n) time, by alternating random signs and Hadamard matrices
 * (Yu et al. 2016, Orthogonal Random Features). Gram-Schmidt, in random.ts, needs O(count n) time for each row.
 */

/**
 * Fills x [count, n] with orthonormal rows, n at least count and at least 4.
 *
 * Row i starts as the unit vector i. Each round permutes it, changes signs, and multiplies first its first and then its
 * last 2^k numbers by a Hadamard matrix, where 2^k is the largest power of two up to n.
 *
 * @param orders [rounds, n] i32: for every number of a row, 4 times its source index, plus 1 if its sign changes
 * @param room [n] f32, scratch
 */
export function mixedRows(x: usize, count: i32, n: i32, orders: usize, rounds: i32, room: usize): void {
  assert(n >= 4 && count <= n);
  const bytes = <usize>n << 2;
  const whole = <usize>1 << (31 - clz(n));
  for (let i: usize = 0; i < <usize>count; i++) {
    const row = x + i * bytes;
    memory.fill(row, 0, bytes);
    store<f32>(row + 4 * i, 1);
    for (let round: usize = 0; round < <usize>rounds; round++) {
      memory.copy(room, row, bytes);
      reorder(row, room, orders + round * bytes, bytes);
      hadamard(row, whole);
      if (whole < <usize>n) hadamard(row + bytes - 4 * whole, whole);
    }
  }
}

function reorder(to: usize, from: usize, order: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 4) {
    const source = load<u32>(order + i);
    store<u32>(to + i, load<u32>(from + (source & ~3)) ^ (source << 31));
  }
}

/** Multiplies x [n], n a power of two of at least 4, by the symmetric Hadamard matrix with rows of length 1. */
function hadamard(x: usize, n: usize): void {
  const end = x + 4 * n;
  const scale = f32x4.splat(<f32>(1 / sqrt(<f64>n)));
  const odd = i32x4(0, i32.MIN_VALUE, 0, i32.MIN_VALUE);
  const upper = i32x4(0, 0, i32.MIN_VALUE, i32.MIN_VALUE);
  for (let p = x; p < end; p += 16) {
    const v = f32x4.mul(v128.load(p), scale);
    const pairs = f32x4.add(v128.shuffle<f32>(v, v, 0, 0, 2, 2), v128.xor(v128.shuffle<f32>(v, v, 1, 1, 3, 3), odd));
    const low = v128.shuffle<f32>(pairs, pairs, 0, 1, 0, 1);
    const high = v128.shuffle<f32>(pairs, pairs, 2, 3, 2, 3);
    v128.store(p, f32x4.add(low, v128.xor(high, upper)));
  }
  let step: usize = 16; // bytes
  for (; step << 2 <= 4 * n; step <<= 2) {
    for (let block = x; block < end; block += step << 2) {
      for (let p = block; p < block + step; p += 16) four(p, step);
    }
  }
  if (step >= 4 * n) return;
  for (let p = x; p < x + step; p += 16) {
    const a = v128.load(p);
    const b = v128.load(p + step);
    v128.store(p, f32x4.add(a, b));
    v128.store(p + step, f32x4.sub(a, b));
  }
}

/** Sums and differences of four vectors `step` apart: two levels of the transform at once. */
@inline
function four(p: usize, step: usize): void {
  const a = v128.load(p);
  const b = v128.load(p + step);
  const c = v128.load(p + 2 * step);
  const d = v128.load(p + 3 * step);
  const ab = f32x4.add(a, b);
  const cd = f32x4.add(c, d);
  const aLessB = f32x4.sub(a, b);
  const cLessD = f32x4.sub(c, d);
  v128.store(p, f32x4.add(ab, cd));
  v128.store(p + step, f32x4.add(aLessB, cLessD));
  v128.store(p + 2 * step, f32x4.sub(ab, cd));
  v128.store(p + 3 * step, f32x4.sub(aLessB, cLessD));
}
