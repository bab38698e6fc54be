/**
 * Encodes a network as an ONNX file with opset 14: LSTM layers below a dense layer on every step, with batch-major input and
 * output. A stateful network has h and c of each layer as inputs and outputs.
 *
 * In ONNX, the gates are in the order i o f c, matrices have one row per gate of a unit, and there are two biases.
 */

/** @typedef {import('./workloads.js').Workload} Workload */
/** @typedef {import('./workloads.js').Floats} Floats */

// ------------------------------------------------------------------------------------------------- protocol buffers

/** @type {(value: number) => number[]} */
const varint = value => (value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]);
const text = new TextEncoder();

/** @param {number} field @param {number} value */
const integer = (field, value) => Uint8Array.from([...varint(field * 8), ...varint(value)]);

/** A field with bytes, a string, or a message of several parts. @param {number} field @param {string | Uint8Array[]} content */
function bytes(field, content) {
  const parts = typeof content === 'string' ? [text.encode(content)] : content;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return concat([Uint8Array.from([...varint(field * 8 + 2), ...varint(length)]), ...parts]);
}

/** @param {Uint8Array[]} parts */
function concat(parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

// -------------------------------------------------------------------------------------------------- ONNX messages

const FLOAT = 1;
const INT64 = 7;

/** @param {string} type @param {string[]} inputs @param {string[]} outputs @param {Uint8Array[]} [attributes] */
const node = (type, inputs, outputs, attributes = []) =>
  bytes(1, [...inputs.map(n => bytes(1, n)), ...outputs.map(n => bytes(2, n)), bytes(4, type), ...attributes]);

/** @param {string} name @param {number} value */
const intAttribute = (name, value) => bytes(5, [bytes(1, name), integer(3, value), integer(20, 2)]);

/** @param {string} name @param {number[]} values */
const intsAttribute = (name, values) =>
  bytes(5, [bytes(1, name), ...values.map(value => integer(8, value)), integer(20, 7)]);

/** @param {string} name @param {number[]} shape @param {Float32Array | BigInt64Array} values */
function constant(name, shape, values) {
  const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const type = values instanceof Float32Array ? FLOAT : INT64;
  return bytes(5, [...shape.map(n => integer(1, n)), integer(2, type), bytes(8, name), bytes(9, [raw])]);
}

/** @param {11 | 12} field input or output of the graph @param {string} name @param {number[]} shape */
function port(field, name, shape) {
  const dimensions = shape.map(n => bytes(1, [integer(1, n)]));
  return bytes(field, [bytes(1, name), bytes(2, [bytes(1, [integer(1, FLOAT), bytes(2, dimensions)])])]);
}

// ------------------------------------------------------------------------------------------------------- the network

/** The indices of the ONNX gates i o f c in the Keras order i f c o. */
const GATES = [0, 3, 1, 2];

/**
 * Converts [rows, 4U] of Keras to [4U, rows] of ONNX.
 * @param {Floats} from
 * @param {number} rows
 * @param {number} units
 */
function transposed(from, rows, units) {
  const to = new Float32Array(from.length);
  for (const [n, gate] of GATES.entries()) {
    for (let u = 0; u < units; u++) {
      for (let row = 0; row < rows; row++) to[(n * units + u) * rows + row] = from[row * 4 * units + gate * units + u];
    }
  }
  return to;
}

/**
 * @param {Workload} workload
 * @param {Float32Array[]} weights in the order and layout of Keras
 * @returns {Uint8Array} a model with the input `x` [B, T, I] and the output `y` [B, T, O]; a stateful one also has
 *   `h0 c0 h1 c1 ...` [1, B, U] as inputs and the new states as outputs `nextH0 nextC0 ...`
 */
export function encodeOnnx({ units, batch: B, timeSteps: T, inputs: I, outputs: O, stateful }, weights) {
  const parts = [node('Transpose', ['x'], ['rows0'], [intsAttribute('perm', [1, 0, 2])])];
  const inputs = [port(11, 'x', [B, T, I])];
  const outputs = [port(12, 'y', [B, T, O])];
  let width = I;
  for (const [n, U] of units.entries()) {
    const [kernel, recurrent, bias] = /** @type {[Floats, Floats, Floats]} */ (weights.slice(3 * n, 3 * n + 3));
    const twoBiases = new Float32Array(8 * U);
    twoBiases.set(transposed(bias, 1, U));
    parts.push(constant(`W${n}`, [1, 4 * U, width], transposed(kernel, width, U)));
    parts.push(constant(`R${n}`, [1, 4 * U, U], transposed(recurrent, U, U)));
    parts.push(constant(`B${n}`, [1, 8 * U], twoBiases));
    const statesIn = stateful ? ['', `h${n}`, `c${n}`] : [];
    const statesOut = stateful ? [`nextH${n}`, `nextC${n}`] : [];
    const lstmInputs = [`rows${n}`, `W${n}`, `R${n}`, `B${n}`, ...statesIn];
    parts.push(node('LSTM', lstmInputs, [`sequence${n}`, ...statesOut], [intAttribute('hidden_size', U)]));
    parts.push(node('Squeeze', [`sequence${n}`, 'one'], [`rows${n + 1}`])); // [T, 1, B, U]: one direction
    if (stateful) {
      inputs.push(port(11, `h${n}`, [1, B, U]), port(11, `c${n}`, [1, B, U]));
      outputs.push(...statesOut.map(name => port(12, name, [1, B, U])));
    }
    width = U;
  }
  const [kernel, bias] = /** @type {[Floats, Floats]} */ (weights.slice(-2));
  parts.push(constant('one', [1], BigInt64Array.of(1n)));
  parts.push(constant('kernel', [width, O], kernel), constant('bias', [O], bias));
  parts.push(node('MatMul', [`rows${units.length}`, 'kernel'], ['product']), node('Add', ['product', 'bias'], ['sum']));
  parts.push(node('Transpose', ['sum'], ['y'], [intsAttribute('perm', [1, 0, 2])]));
  const graph = bytes(7, [...parts, bytes(2, 'lstm'), ...inputs, ...outputs]);
  return concat([integer(1, 8), graph, bytes(8, [bytes(1, ''), integer(2, 14)])]);
}
