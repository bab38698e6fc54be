/**
 * Creates ten thousand small random graphs of layers, with several inputs and outputs, and trains each on one batch.
 * Disposes half of them, and leaves the others to the garbage collector. Runs where lstm-wasm is installed, with
 * `--expose-gc`, and prints its measurements as JSON.
 *
 *   node --expose-gc graphs.js 10000
 */

import { backendInfo, input, layers, model, setRandomSeed, zeros } from 'lstm-wasm';

const count = Number(process.argv[2]);
const [B, T, W] = [4, 3, 5];
/** The graphs repeat after this number, so that all sizes have occurred before the first measurement. */
const DIFFERENT = 200;
setRandomSeed(1);

/** @typedef {import('lstm-wasm').SymbolicTensor} Symbolic */

let state = 0;
/** A random integer below n. @param {number} n */
function below(n) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
}

/** @type {<T>(list: readonly T[]) => T} */
const pick = list => /** @type {any} */ (list[below(list.length)]);

/** Adds a layer that takes sequences of W numbers and gives some. @param {Symbolic[]} values */
function grow(values) {
  const [a, b] = [pick(values), pick(values)];
  const recurrent = { units: W, returnSequences: true };
  const apply = pick([
    () => layers.add().apply([a, b]),
    () => layers.maximum().apply([a, b]),
    () => layers.dense({ units: W }).apply(layers.concatenate().apply([a, b])),
    () => layers.lstm(recurrent).apply(a),
    () => layers.bidirectional({ layer: layers.simpleRNN(recurrent), mergeMode: 'sum' }).apply(a),
    () => {
      const initialState = layers.gru({ units: W }).apply(b);
      return layers.gru({ ...recurrent, dropout: 0.2 }).apply(a, { initialState });
    },
    () => {
      const inner = input({ shape: [T, W] });
      const nested = model({ inputs: inner, outputs: layers.lstm(recurrent).apply(inner) });
      values.push(nested.apply(a));
      return nested.apply(b);
    },
  ]);
  values.push(apply());
}

/** Holds no reference to the model after it returns. @param {number} n */
function createModel(n) {
  state = n % DIFFERENT;
  const inputs = Array.from({ length: 1 + below(3) }, () => input({ shape: [T, W] }));
  /** @type {Symbolic[]} */
  const values = [...inputs];
  for (let calls = 2 + below(5); calls > 0; calls--) grow(values);
  const sum = layers.average().apply([...values, ...values.slice(0, 1)]);
  const outputs = [layers.dense({ units: 1 }).apply(sum), layers.lstm({ units: 2 }).apply(sum)];
  const net = model({ inputs, outputs });
  net.compile({ optimizer: 'adam', loss: 'mse' });
  const xs = inputs.map(() => zeros([B, T, W]));
  const losses = [net.trainOnBatch(xs, [zeros([B, T, 1]), zeros([B, 2])])].flat();
  if (!losses.every(Number.isFinite)) throw new Error(`graph ${n} has no loss`);
  if (n % 2 === 0) net.dispose();
}

let most = 0;
let first;
for (let n = 1; n <= count; n++) {
  createModel(n);
  most = Math.max(most, backendInfo().models);
  // Finalizers run only when the program yields.
  if (n % 50 === 0) await collect();
  if (n === count / 10) first = memoryUse();
}
await collect();
console.log(JSON.stringify({ count, most, left: backendInfo().models, first, last: memoryUse() }));

async function collect() {
  for (let k = 0; k < 2; k++) {
    gc?.();
    await new Promise(resolve => setTimeout(resolve));
  }
}

function memoryUse() {
  const { heapUsed, rss } = process.memoryUsage();
  return { linear: backendInfo().memoryBytes, heap: heapUsed, rss };
}
