// Gradients of a float64 function by central differences.

/** The gradient of `f` with respect to the numbers of `x`, which `f` reads. They are restored afterwards. */
export function numericalGradient(f: () => number, x: Float64Array, step = 1e-7): Float64Array {
  return x.map((value, n) => {
    x[n] = value + step;
    const above = f();
    x[n] = value - step;
    const below = f();
    x[n] = value;
    return (above - below) / (2 * step);
  });
}

/** The sum of the products of two lists. */
export const dotOf = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a, (value, n) => value * b[n]!).reduce((sum, product) => sum + product, 0);
