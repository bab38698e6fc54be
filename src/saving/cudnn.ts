/** Weights of CuDNNLSTM and CuDNNGRU of Keras 2, which are laid out in another way than those of LSTM and GRU. */

type Shape = readonly number[];

/**
 * Whether a bias of a file is one of CuDNN: that of the input, and behind it that of the state.
 *
 * @param stored the shape in the file
 * @param recurrent the shape of the recurrent kernel of the layer to fill
 * @param bias the shape of its bias
 */
export function isCudnnBias(stored: Shape, recurrent: Shape, bias: Shape): boolean {
  const [units, columns] = recurrent;
  if (!units || !columns || stored.length !== 1 || stored[0] !== 2 * columns) return false;
  // A GRU has both biases, too, unless its reset gate comes before the recurrent kernel
  return columns === 4 * units ? bias.length === 1 : columns === 3 * units && bias.length === 2;
}

/** The kernel, the recurrent kernel and the bias of a layer of CuDNN as those of LSTM or GRU. */
export function fromCudnn(kernel: Float32Array, recurrent: Float32Array, bias: Float32Array): Float32Array[] {
  const columns = bias.length / 2;
  const units = recurrent.length / columns;
  // The two biases of a gate of an LSTM are added
  const sum = () => bias.subarray(0, columns).map((value, n) => value + bias[columns + n]!);
  return [turned(kernel, columns, units), turned(recurrent, columns, units), columns === 4 * units ? sum() : bias];
}

/**
 * Each gate has a block of `units` columns. In CuDNN a block is the transposed matrix, row by row; it is kept in a matrix
 * of the shape of the block, filled row by row.
 */
function turned(matrix: Float32Array, columns: number, units: number): Float32Array {
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
