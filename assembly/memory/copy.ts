/** Moves numbers between the caller's order and ours. */

/**
 * dst[t][b][0..width) = src[t][b][0..width) for all t and b; strides in bytes.
 * Whatever else stands in the rows of dst is left alone.
 */
export function copyRows(
  dst: usize, dstRow: usize, dstStep: usize, src: usize, srcRow: usize, srcStep: usize,
  steps: i32, rows: i32, width: i32,
): void {
  const bytes = <usize>width * 4;
  const whole = bytes & ~15;
  for (let t: usize = 0; t < <usize>steps; t++) {
    for (let b: usize = 0; b < <usize>rows; b++) {
      const to = dst + t * dstStep + b * dstRow;
      const from = src + t * srcStep + b * srcRow;
      for (let k: usize = 0; k < whole; k += 16) v128.store(to + k, v128.load(from + k));
      for (let k = whole; k < bytes; k += 4) store<f32>(to + k, load<f32>(from + k));
    }
  }
}
