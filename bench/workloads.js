/**
 * The measured networks: one or two recurrent layers below a dense layer on every step, with their data, weights and numbers
 * of operations.
 *
 * Letters: B batch, T time, I inputs, U units, O outputs.
 */

/**
 * @typedef {object} Workload
 * @property {string} name for `--only`
 * @property {string} title
 * @property {'lstm' | 'gru' | 'simpleRNN'} cell
 * @property {number[]} units of the recurrent layers, bottom up
 * @property {number} batch
 * @property {number} timeSteps
 * @property {number} inputs
 * @property {number} outputs
 * @property {boolean} stateful
 * @property {Kind[]} kinds the timed calls
 * @property {'sine' | 'noise' | 'oneHot'} data
 */

/** @typedef {'train' | 'predict' | 'step' | 'create'} Kind training or prediction of one batch, one time step, creation of one model */

/** @typedef {Float32Array & { [index: number]: any }} Floats `any` avoids the type checker's "possibly undefined". */

/** @typedef {{ x: Float32Array, y: Float32Array }} Data x is [B, T, I], y is [B, T, O] */

/** The learning rate of Adam in all timed training. */
export const LEARNING_RATE = 0.001;

/** @type {Omit<Workload, 'name' | 'title' | 'units'>} */
const defaults = {
  cell: 'lstm',
  batch: 64,
  timeSteps: 50,
  inputs: 16,
  outputs: 1,
  stateful: false,
  kinds: ['train', 'predict'],
  data: 'noise',
};

/** @type {Workload[]} */
export const workloads = [
  {
    ...defaults,
    ...{
      name: 'seed',
      title: 'seed: LSTM(20), B50 T20 I1, stateful',
      units: [20],
      batch: 50,
      timeSteps: 20,
      inputs: 1,
    },
    ...{ stateful: true, data: 'sine' },
  },
  { ...defaults, name: '32', title: 'LSTM(32), B64 T50 I16', units: [32] },
  { ...defaults, name: '64', title: 'LSTM(64), B64 T50 I16', units: [64] },
  { ...defaults, name: '128', title: 'LSTM(128), B64 T50 I16', units: [128] },
  { ...defaults, name: '256', title: 'LSTM(256), B64 T50 I16', units: [256] },
  { ...defaults, name: '512', title: 'LSTM(512), B64 T50 I64', units: [512], inputs: 64 },
  { ...defaults, name: '2x128', title: '2 x LSTM(128), B64 T50 I16', units: [128, 128] },
  { ...defaults, name: 'stateful', title: 'LSTM(128), B64 T50 I16, stateful', units: [128], stateful: true },
  {
    ...defaults,
    ...{ name: 'char', title: 'char-level: LSTM(128), B64 T50, one-hot 64 in, 64 out', units: [128] },
    ...{ inputs: 64, outputs: 64, data: 'oneHot' },
  },
  {
    ...defaults,
    ...{ name: 'stream', title: 'streaming: LSTM(64), one sample, one step', units: [64], batch: 1, timeSteps: 1 },
    ...{ inputs: 1, stateful: true, kinds: ['step'] },
  },
  { ...defaults, name: 'create-128', title: 'a new model of LSTM(128)', units: [128], kinds: ['create'] },
  { ...defaults, name: 'create-512', title: 'a new model of LSTM(512)', units: [512], inputs: 64, kinds: ['create'] },
];

/** @type {Omit<Workload, 'name' | 'title' | 'units'>} */
const seed = { ...defaults, batch: 50, timeSteps: 20, inputs: 1 };
const small = { ...seed, name: 'sizes', units: [20] };

/**
 * The batch of the seed program with other cells, and with sizes that do not fill a tile, to compare their time per
 * operation with the first.
 * @type {Workload[]}
 */
export const sizes = [
  { ...small, title: 'LSTM(20), B50' },
  { ...small, title: 'GRU(20), B50', cell: 'gru' },
  { ...small, title: 'SimpleRNN(20), B50', cell: 'simpleRNN' },
  ...[19, 21, 33, 130].map(units => ({ ...small, title: `LSTM(${units}), B50`, units: [units] })),
  ...[1, 3, 49, 51].map(batch => ({ ...small, title: `LSTM(20), B${batch}`, batch })),
];

/** The number of gates of each cell. */
const GATES = { lstm: 4, gru: 3, simpleRNN: 1 };

/**
 * Floating-point operations in the matrix products of one call; activations, loss and optimizer are left out, as are
 * the products for the gradient of the data, which is never computed.
 * @param {Workload} workload
 * @param {Kind} kind
 */
export function flops({ cell, units, batch: B, timeSteps: T, inputs, outputs: O }, kind) {
  const top = units.at(-1) ?? 0;
  const dense = 2 * B * T * top * O;
  let forward = dense;
  let backward = 2 * dense; // for the gradients of the layer below and of the kernel
  for (const [n, U] of units.entries()) {
    const I = n === 0 ? inputs : (units[n - 1] ?? 0);
    const product = 2 * B * T * GATES[cell] * U;
    forward += product * (U + I);
    backward += product * U + (n > 0 ? product * I : 0) + product * (U + I);
  }
  return kind === 'create' ? 0 : kind === 'train' ? forward + backward : forward;
}

/**
 * The weights in the order and layout of Keras: for each LSTM kernel [I, 4U], recurrent kernel [U, 4U] and bias [4U], gates
 * i f c o, and similarly for other cells; then kernel [U, O] and bias [O] of the dense layer. All are random and non-zero.
 * @param {Workload} workload
 * @returns {Float32Array[]}
 */
export function weightsOf({ cell, units, inputs, outputs }) {
  const random = generator(7);
  /** @type {(length: number, limit: number, middle?: number) => Float32Array} */
  const uniform = (length, limit, middle = 0) => Float32Array.from({ length }, () => middle + limit * random());
  let width = inputs;
  /** @type {Float32Array[]} */
  const weights = [];
  for (const U of units) {
    const gates = GATES[cell];
    weights.push(uniform(width * gates * U, Math.sqrt(6 / (width + gates * U))));
    // The GRU has one bias for the input and one for the state.
    weights.push(uniform(U * gates * U, Math.sqrt(3 / U)), uniform((cell === 'gru' ? 2 : 1) * gates * U, 0.5, 0.2));
    width = U;
  }
  weights.push(uniform(width * outputs, Math.sqrt(6 / (width + outputs))), uniform(outputs, 0.1));
  return weights;
}

/**
 * @param {Workload} workload
 * @returns {Data}
 */
export function dataOf({ batch: B, timeSteps: T, inputs: I, outputs: O, data }) {
  const random = generator(11);
  const x = /** @type {Floats} */ (new Float32Array(B * T * I));
  const y = /** @type {Floats} */ (new Float32Array(B * T * O));
  if (data === 'noise') {
    for (let n = 0; n < x.length; n++) x[n] = random();
    for (let n = 0; n < y.length; n++) y[n] = random();
  }
  if (data === 'sine') {
    for (let n = 0; n < x.length; n++) [x[n], y[n]] = [Math.sin(0.3 * n), Math.cos(0.3 * n)];
  }
  if (data === 'oneHot') {
    // The target of every letter is the next random letter.
    let letter = 0;
    for (let step = 0; step < B * T; step++) {
      x[step * I + letter] = 1;
      letter = Math.floor(((random() + 1) / 2) * I);
      y[step * O + letter] = 1;
    }
  }
  return { x, y };
}

/**
 * Random numbers between -1 and 1, the same on every machine.
 * @param {number} seed
 */
function generator(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x45d9f3b);
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 31 - 1;
  };
}
