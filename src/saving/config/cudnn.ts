/** Converts weights of CuDNNLSTM and CuDNNGRU of Keras 2, whose layout differs from that of LSTM and GRU. */

type Shape = readonly number[];

/**
 * Whether a bias in a file has the CuDNN layout: the input bias followed by the recurrent bias.
 *
 * @param stored the shape in the file
 * @param recurrent the shape of the recurrent kernel of the layer to fill
 * @param bias the shape of its bias
 */
export function isCudnnBias(stored: Shape, recurrent: Shape, bias: Shape): boolean {
  const [units, columns] = recurrent;
  if (!units || !columns || stored.length !== 1 || stored[0] !== 2 * columns) return false;
  // A GRU with resetAfter has both biases too
  return columns === 4 * units ? bias.length === 1 : columns === 3 * units && bias.length === 2;
}

/** Converts kernel, recurrent kernel and bias from the CuDNN layout to that of LSTM or GRU. */
export function fromCudnn(kernel: Float32Array, recurrent: Float32Array, bias: Float32Array): Float32Array[] {
  const columns = bias.length / 2;
  const units = recurrent.length / columns;
  // An LSTM has one bias per gate: the sum of both
  const sum = () => bias.subarray(0, columns).map((value, n) => value + bias[columns + n]!);
  return [
    transposeGates(kernel, columns, units),
    transposeGates(recurrent, columns, units),
    columns === 4 * units ? sum() : bias,
  ];
}

/**
 * Transposes the kernel of each gate, a block of `units` columns. CuDNN stores the transposed matrix row by row, in an
 * array that keeps the shape of the block.
 */
function transposeGates(matrix: Float32Array, columns: number, units: number): Float32Array {
  const rows = matrix.length / columns;
  const result = new Float32Array(matrix.length);
  for (let start = 0; start < columns; start += units) {
    for (let row = 0; row < rows; row++) {
      for (let unit = 0; unit < units; unit++) {
        const n = unit * rows + row;
        const from = Math.floor(n / units) * columns + (n % units);
        result[row * columns + start + unit] = matrix[from + start]!;
      }
    }
  }
  return result;
}
