/** Penalties on weights and bounds for them, in plain float64. */

export interface Penalty {
  l1: number;
  l2: number;
}

/** l1 sum |w| + l2 sum w^2. */
export function penaltyOf(w: ArrayLike<number>, { l1, l2 }: Penalty): number {
  return Array.from(w).reduce((sum, value) => sum + l1 * Math.abs(value) + l2 * value * value, 0);
}

export function penaltyGradient(w: ArrayLike<number>, { l1, l2 }: Penalty): Float64Array {
  return Float64Array.from(w, value => l1 * Math.sign(value) + 2 * l2 * value);
}

export interface NormBounds {
  least: number;
  most: number;
  rate: number;
}

/** Scales the vectors of w [...shape] along an axis towards norms within bounds, as Keras does. */
export function boundNorms(w: Float64Array, shape: readonly number[], axis: number, bounds: NormBounds): void {
  const stride = shape.slice(axis + 1).reduce((product, n) => product * n, 1);
  const length = shape[axis]!;
  for (let first = 0; first < w.length; first++) {
    if (Math.floor(first / stride) % length !== 0) continue;
    const at = Array.from({ length }, (_, l) => first + l * stride);
    const norm = Math.sqrt(at.reduce((sum, n) => sum + w[n]! * w[n]!, 0));
    const clipped = Math.min(Math.max(norm, bounds.least), bounds.most);
    const wanted = bounds.rate * clipped + (1 - bounds.rate) * norm;
    for (const n of at) w[n]! *= wanted / (norm + 1e-7);
  }
}
