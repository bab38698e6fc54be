/** Masks for the last vector of a row. */

const MASKS: usize = memory.data<u32>([
  ~0, ~0, ~0, ~0,
  ~0, 0, 0, 0,
  ~0, ~0, 0, 0,
  ~0, ~0, ~0, 0,
], 16);

/** Ones in the lanes of the last vector that n numbers fill, zeros in its padding. */
@inline
export function lastLanes(n: i32): v128 {
  return v128.load(MASKS + (<usize>(n & 3) << 4));
}

/** Ones in all lanes. */
@inline
export function allLanes(): v128 {
  return v128.load(MASKS);
}

/** Ones in the lanes of the vector at element i of n numbers that are not padding. */
@inline
export function lanesAt(i: i32, n: i32): v128 {
  return i + 4 > n ? lastLanes(n) : allLanes();
}
