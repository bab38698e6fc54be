/**
 * Creates ten thousand models with every kind of recurrent layer and trains each for one step. Disposes half of them, and
 * leaves the others to the garbage collector. Runs where lstm-wasm is installed, with `--expose-gc`, and prints its
 * measurements as JSON.
 *
 *   node --expose-gc models.js 10000
 */

import { backendInfo, layers, randomNormal, sequential, setRandomSeed } from 'lstm-wasm';

const count = Number(process.argv[2]);
const [T, D] = [5, 3];
const x = randomNormal([8, T, D]);
const y = randomNormal([8, 1]);
setRandomSeed(1);

/** The layers below the last one, with the given number of units. @type {((units: number) => import('lstm-wasm').Layer[])[]} */
const kinds = [
  units => [layers.lstm({ units, inputShape: [T, D] })],
  units => [layers.gru({ units, inputShape: [T, D] })],
  units => [layers.simpleRNN({ units, stateful: true, batchInputShape: [8, T, D] })],
  units => [layers.minGRU({ units, returnSequences: true, inputShape: [T, D] }), layers.minLSTM({ units: 3 })],
  units => [
    layers.masking({ inputShape: [T, D] }),
    layers.bidirectional({ layer: layers.gru({ units, returnSequences: true }) }),
    layers.lstm({ units: 2, dropout: 0.2, recurrentDropout: 0.2 }),
  ],
  units => [layers.rnn({ cell: [layers.lstmCell({ units }), layers.gruCell({ units: 3 })], inputShape: [T, D] })],
  units => [
    layers.simpleRNN({ units, inputShape: [T, D] }),
    layers.repeatVector({ n: 2 }),
    layers.lstm({ units: 3, returnSequences: true }),
    layers.timeDistributed({ layer: layers.dense({ units: 2, activation: 'relu' }) }),
    layers.flatten(),
  ],
];

/** Holds no reference to the model after it returns. @param {number} n */
function createModel(n) {
  // Every second model is disposed; which ones alternates with each round of kinds.
  const round = Math.floor(n / kinds.length);
  const below = kinds[n % kinds.length] ?? (() => []);
  const model = sequential({ layers: [...below(4 + (round % 29)), layers.dense({ units: 1 })] });
  model.compile({ optimizer: 'adam', loss: 'mse' });
  if (!Number.isFinite(Number(model.trainOnBatch(x, y)))) throw new Error(`model ${n} has no loss`);
  if ((n + round) % 2 === 0) model.dispose();
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
