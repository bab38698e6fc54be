/** Copies rows of activations. Reads only the numbers of a row, at any alignment. */

/** The n numbers at x, 1 to 4, as a vector that ends with zeros. */
@inline
export function loadUpTo4(x: usize, n: i32): v128 {
  if (n >= 4) return v128.load(x);
  if (n == 1) return v128.load32_zero(x);
  const two = v128.load64_zero(x);
  return n == 2 ? two : v128.load32_lane(x, two, 2, 8);
}

/** y = x over n numbers, followed by `zeros` zeros. */
export function copyRow(y: usize, x: usize, n: i32, zeros: i32): void {
  for (; n >= 8; n -= 8) {
    v128.store(y, v128.load(x));
    v128.store(y, v128.load(x, 16), 16);
    y += 32;
    x += 32;
  }
  if (n >= 4) {
    v128.store(y, v128.load(x));
    y += 16;
    x += 16;
    n -= 4;
  }
  for (; n > 0; n--) {
    store<f32>(y, load<f32>(x));
    y += 4;
    x += 4;
  }
  for (; zeros > 0; zeros--) {
    store<f32>(y, 0);
    y += 4;
  }
}

/** y = factor * x over n numbers, padded with zeros to whole vectors. */
export function scaleRow(y: usize, x: usize, factor: f32, n: i32): void {
  const f = f32x4.splat(factor);
  for (; n >= 4; n -= 4) {
    v128.store(y, f32x4.mul(v128.load(x), f));
    y += 16;
    x += 16;
  }
  if (n > 0) v128.store(y, f32x4.mul(loadUpTo4(x, n), f));
}

/** dst [cols, rows] = transposed(src [rows, cols]); rows of dst and src are dstRow and srcRow apart. */
export function transpose(dst: usize, dstRow: usize, src: usize, srcRow: usize, rows: i32, cols: i32): void {
  for (; rows >= 4; rows -= 4) {
    let from = src;
    let to = dst;
    let n = cols;
    for (; n >= 4; n -= 4) {
      const a = v128.load(from);
      const b = v128.load(from + srcRow);
      const c = v128.load(from + 2 * srcRow);
      const d = v128.load(from + 3 * srcRow);
      const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
      const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
      const ab2 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
      const cd2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<f64>(ab, cd, 0, 2));
      v128.store(to + dstRow, v128.shuffle<f64>(ab, cd, 1, 3));
      v128.store(to + 2 * dstRow, v128.shuffle<f64>(ab2, cd2, 0, 2));
      v128.store(to + 3 * dstRow, v128.shuffle<f64>(ab2, cd2, 1, 3));
      from += 16;
      to += 4 * dstRow;
    }
    for (; n > 0; n--) {
      store<f32>(to, load<f32>(from));
      store<f32>(to + 4, load<f32>(from + srcRow));
      store<f32>(to + 8, load<f32>(from + 2 * srcRow));
      store<f32>(to + 12, load<f32>(from + 3 * srcRow));
      from += 4;
      to += dstRow;
    }
    src += 4 * srcRow;
    dst += 16;
  }
  for (; rows > 0; rows--) {
    let to = dst;
    for (let n: usize = 0; n < <usize>cols; n++) {
      store<f32>(to, load<f32>(src + 4 * n));
      to += dstRow;
    }
    src += srcRow;
    dst += 4;
  }
}

/** A vector of four numbers 16 bytes apart. */
@inline
export function loadColumn(x: usize): v128 {
  let v = v128.load32_zero(x);
  v = v128.load_lane<f32>(x + 16, v, 1);
  v = v128.load_lane<f32>(x + 32, v, 2);
  return v128.load_lane<f32>(x + 48, v, 3);
}

/** Stores four numbers 16 bytes apart. */
@inline
export function storeColumn(y: usize, v: v128): void {
  v128.store_lane<f32>(y, v, 0);
  v128.store_lane<f32>(y + 16, v, 1);
  v128.store_lane<f32>(y + 32, v, 2);
  v128.store_lane<f32>(y + 48, v, 3);
}
