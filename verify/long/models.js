/**
 * Ten thousand models, half of them disposed of and half dropped, each after a step of training. Run in a process of its
 * own, with `--expose-gc`, where lstm-wasm is installed; writes what it measured as JSON.
 *
 *   node --expose-gc models.js 10000
 */

import { backendInfo, layers, randomNormal, sequential, setRandomSeed } from 'lstm-wasm';

const count = Number(process.argv[2]);
const x = randomNormal([8, 5, 3]);
const y = randomNormal([8, 1]);
setRandomSeed(1);

/**
 * Nobody holds it when this returns.
 *
 * @param {number} n
 */
function one(n) {
  const kind = /** @type {const} */ (['lstm', 'gru', 'simpleRNN'])[n % 3] ?? 'lstm';
  const model = sequential();
  model.add(layers[kind]({ units: 4 + (n % 29), inputShape: [5, 3] }));
  model.add(layers.dense({ units: 1 }));
  model.compile({ optimizer: 'adam', loss: 'mse' });
  if (!Number.isFinite(Number(model.trainOnBatch(x, y)))) throw new Error(`model ${n} has no loss`);
  if (n % 2 === 0) model.dispose();
}

let most = 0;
let first;
for (let n = 1; n <= count; n++) {
  one(n);
  most = Math.max(most, backendInfo().models);
  // Garbage is collected, and finalizers have their turn, only where a program lets go of the thread.
  if (n % 50 === 0) await collect();
  if (n === count / 10) first = held();
}
await collect();
console.log(JSON.stringify({ count, most, left: backendInfo().models, first, last: held() }));

async function collect() {
  for (let k = 0; k < 2; k++) {
    gc?.();
    await new Promise(resolve => setTimeout(resolve));
  }
}

function held() {
  const { heapUsed, rss } = process.memoryUsage();
  return { linear: backendInfo().memoryBytes, heap: heapUsed, rss };
}
