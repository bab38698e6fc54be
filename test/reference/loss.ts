/** The mean of the squared errors over all elements, and its gradient in the outputs. */
export function meanSquaredError(
  outputs: ArrayLike<number>,
  targets: ArrayLike<number>,
): { loss: number; dOutputs: Float64Array } {
  const errors = Float64Array.from(outputs, (y, n) => y - targets[n]!);
  return {
    loss: errors.reduce((sum, error) => sum + error * error, 0) / errors.length,
    dOutputs: errors.map(error => (2 * error) / errors.length),
  };
}
