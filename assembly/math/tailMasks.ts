/** Masks for the last vector of a row that does not fill it. */

const MASKS: usize = memory.data<u32>([
  ~0, ~0, ~0, ~0,
  ~0, 0, 0, 0,
  ~0, ~0, 0, 0,
  ~0, ~0, ~0, 0,
], 16);

/** All ones in the lanes that the last of n numbers fill, zeros in the padding behind them. */
@inline
export function lastLanes(n: i32): v128 {
  return v128.load(MASKS + (<usize>(n & 3) << 4));
}

/** All ones in every lane. */
@inline
export function allLanes(): v128 {
  return v128.load(MASKS);
}
