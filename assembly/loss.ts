/** Losses: the value in float64, the gradient of the predictions beside it, in one pass. */

import { allLanes, lastLanes } from './lanes';

/**
 * Sum of (y - target)^2 over T steps, B rows and N columns, and dy = 2 (y - target) / (T B N).
 *
 * Strides are in bytes. y and dy rows are padded to 4 columns; the padding of dy is written as zeros. The target is
 * in the caller's order, unpadded: the 12 bytes behind its last number must be readable.
 *
 * @param dy (T, B, padded N): overwritten; 0 where only the loss is wanted
 * @returns the mean
 */
export function meanSquaredError(
  dy: usize, dyRow: usize, dyStep: usize, y: usize, yRow: usize, yStep: usize,
  target: usize, targetRow: usize, targetStep: usize, steps: i32, rows: i32, cols: i32,
): f64 {
  assert(steps > 0 && rows > 0 && cols > 0);
  const count = <f64>steps * <f64>rows * <f64>cols;
  const scale = f32x4.splat(<f32>(2 / count));
  const tail = lastLanes(cols);
  const whole = allLanes();
  const bytes = <usize>cols * 4;
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  for (let t: usize = 0; t < <usize>steps; t++) {
    for (let b: usize = 0; b < <usize>rows; b++) {
      const py = y + t * yStep + b * yRow;
      const pt = target + t * targetStep + b * targetRow;
      const pd = dy + t * dyStep + b * dyRow;
      for (let n: usize = 0; n < bytes; n += 16) {
        const lanes = n + 16 > bytes ? tail : whole;
        const difference = v128.and(f32x4.sub(v128.load(py + n), v128.load(pt + n)), lanes);
        const a = f64x2.promote_low_f32x4(difference);
        const c = f64x2.promote_low_f32x4(v128.shuffle<f32>(difference, difference, 2, 3, 2, 3));
        low = f64x2.add(low, f64x2.mul(a, a));
        high = f64x2.add(high, f64x2.mul(c, c));
        if (dy) v128.store(pd + n, f32x4.mul(difference, scale));
      }
    }
  }
  const sum = f64x2.add(low, high);
  return (f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)) / count;
}
