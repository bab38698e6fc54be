/** Filling of missing values. */

/**
 * A copy in which missing values lie on the line between their neighbours, and are equal to the nearest known one at both
 * ends. At least one value must be known.
 */
export function interpolated(values: ArrayLike<number>): Float64Array {
  const filled = Float64Array.from(values);
  let before = -1;
  for (let n = 0; n <= filled.length; n++) {
    if (n < filled.length && Number.isNaN(filled[n]!)) continue;
    const left = before < 0 ? filled[n]! : filled[before]!;
    const right = n < filled.length ? filled[n]! : left;
    for (let hole = before + 1; hole < n; hole++) {
      filled[hole] = before < 0 ? right : left + ((right - left) * (hole - before)) / (n - before);
    }
    before = n;
  }
  return filled;
}
