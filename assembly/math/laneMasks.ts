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
