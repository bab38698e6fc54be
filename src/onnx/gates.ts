/**
 * Converts the weights of recurrent cells. Here: kernel [I, G U], recurrent kernel [U, G U], gates i f c o or z r h, one
 * row of biases, or two with resetAfter. In ONNX: W [G U, I], R [G U, U], gates i o f c or z r h, and two rows of biases,
 * for input and state, in one list of 2 G U.
 */

/** The gate at each position in ONNX, by operator. */
export const gateOrders = { LSTM: [0, 3, 1, 2], GRU: [0, 1, 2], RNN: [0] } as const;

export type RecurrentOp = keyof typeof gateOrders;

/** The peephole at each position in ONNX, i o f, of those here, i f o. It is its own inverse. */
const peepholeOrder = [0, 2, 1];

/** Converts the peepholes of an LSTM, [units] for each of three gates, to the 3 U numbers of ONNX. */
export function peepholesToOnnx(peepholes: readonly Float32Array[]): Float32Array {
  const units = peepholes[0]!.length;
  const result = new Float32Array(peepholes.length * units);
  for (const [position, gate] of peepholeOrder.entries()) result.set(peepholes[gate]!, position * units);
  return result;
}

/** Converts peepholes from ONNX. */
export const peepholesFromOnnx = (values: Float32Array, units: number): Float32Array[] =>
  peepholeOrder.map(position => values.slice(position * units, (position + 1) * units));

/** Converts a kernel [rows, G U] to ONNX, [G U, rows]. */
export function kernelToOnnx(op: RecurrentOp, kernel: Float32Array, rows: number, units: number): Float32Array {
  const result = new Float32Array(kernel.length);
  moveKernel(op, rows, units, (ours, theirs) => {
    result[theirs] = kernel[ours]!;
  });
  return result;
}

/** Converts a kernel from ONNX. */
export function kernelFromOnnx(op: RecurrentOp, kernel: Float32Array, rows: number, units: number): Float32Array {
  const result = new Float32Array(kernel.length);
  moveKernel(op, rows, units, (ours, theirs) => {
    result[ours] = kernel[theirs]!;
  });
  return result;
}

function moveKernel(op: RecurrentOp, rows: number, units: number, move: (ours: number, theirs: number) => void): void {
  const order = gateOrders[op];
  const columns = order.length * units;
  for (const [position, gate] of order.entries()) {
    for (let u = 0; u < units; u++) {
      for (let row = 0; row < rows; row++) {
        move(row * columns + gate * units + u, (position * units + u) * rows + row);
      }
    }
  }
}

/** Converts one or two rows of biases to the 2 G U numbers of ONNX. */
export function biasToOnnx(op: RecurrentOp, bias: Float32Array, units: number): Float32Array {
  const order = gateOrders[op];
  const row = order.length * units;
  const result = new Float32Array(2 * row);
  for (let start = 0; start < bias.length; start += row) {
    for (const [position, gate] of order.entries()) {
      const from = start + gate * units;
      result.set(bias.subarray(from, from + units), start + position * units);
    }
  }
  return result;
}

/** Converts biases from ONNX: to two rows, or to one row with their sum. */
export function biasFromOnnx(op: RecurrentOp, bias: Float32Array, units: number, rows: 1 | 2): Float32Array {
  const order = gateOrders[op];
  const row = order.length * units;
  const result = new Float32Array(2 * row);
  for (let start = 0; start < bias.length; start += row) {
    for (const [position, gate] of order.entries()) {
      const from = start + position * units;
      result.set(bias.subarray(from, from + units), start + gate * units);
    }
  }
  if (rows === 2) return result;
  for (let k = 0; k < row; k++) {
    const more = result[row + k]!;
    if (more !== 0) result[k]! += more; // adding 0 would turn -0 into 0
  }
  return result.slice(0, row);
}
