/** Copies matrices between different strides. */

/**
 * dst[t][b][0..width) = src[t][b][0..width) for all t and b; strides in bytes. The rest of the rows of dst is unchanged.
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

/** `pack` or `unpack`: copies rows of `width` floats between packed weights and a plain matrix of Keras. */
export type Copy = (
  packed: usize, packedRow: usize, plain: usize, plainRow: usize, rows: i32, width: i32,
) => void;

export function pack(
  packed: usize, packedRow: usize, plain: usize, plainRow: usize, rows: i32, width: i32,
): void {
  copyRows(packed, packedRow, 0, plain, plainRow, 0, 1, rows, width);
}

export function unpack(
  packed: usize, packedRow: usize, plain: usize, plainRow: usize, rows: i32, width: i32,
): void {
  copyRows(plain, plainRow, 0, packed, packedRow, 0, 1, rows, width);
}
