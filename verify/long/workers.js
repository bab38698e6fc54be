/**
 * Terminates a hundred workers while they train, to check that every pending call is rejected, none hangs, and no memory leaks.
 * Runs in a separate process with `--expose-gc`, where lstm-wasm is installed, and prints its measurements as JSON. The
 * process must also exit by itself.
 *
 *   node --expose-gc workers.js 100
 */

import { layers, randomNormal } from 'lstm-wasm';
import { connect } from 'lstm-wasm/worker';

const count = Number(process.argv[2]);
const x = randomNormal([64, 8, 3]);
const y = randomNormal([64, 1]);
const rejections = new Map();
let batches = 0;
let first;

for (let n = 0; n < count; n++) {
  const host = connect({ seed: n });
  const model = await host.sequential({
    layers: [layers.lstm({ units: 16, inputShape: [8, 3] }), layers.dense({ units: 1 })],
  });
  await model.compile({ optimizer: 'adam', loss: 'mse' });
  /** @type {(value?: unknown) => void} */
  let resolveFirstBatch = () => {};
  const firstBatch = new Promise(resolve => {
    resolveFirstBatch = resolve;
  });
  const onBatchEnd = () => {
    batches++;
    resolveFirstBatch();
  };
  const fit = rejectionOf(model.fit(x, y, { epochs: 1e6, batchSize: 4, verbose: 0, callbacks: { onBatchEnd } }));
  await firstBatch;
  // Terminates at different moments: in a batch, between batches, or while another call waits.
  await new Promise(resolve => setTimeout(resolve, (n * 7) % 20));
  const pending = n % 2 ? rejectionOf(model.predict(x)) : null;
  await host.terminate();
  for (const reason of await withTimeout(Promise.all([fit, pending, rejectionOf(model.predict(x))]))) {
    if (reason !== null) rejections.set(reason, (rejections.get(reason) ?? 0) + 1);
  }
  if (n === Math.floor(count / 10)) first = await memoryUse();
}
console.log(JSON.stringify({ count, batches, rejections: [...rejections], first, last: await memoryUse() }));

/**
 * The reason why a call was rejected.
 *
 * @param {Promise<unknown>} promise
 */
async function rejectionOf(promise) {
  try {
    await promise;
  } catch (error) {
    const { name, message } = /** @type {Error} */ (error);
    return `${name}: ${message}`;
  }
  return 'not rejected';
}

/**
 * @template T
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
async function withTimeout(promise) {
  let timer;
  const late = /** @type {Promise<never>} */ (
    new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('a call neither resolved nor rejected')), 10_000);
    })
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function memoryUse() {
  for (let k = 0; k < 4; k++) {
    gc?.();
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  const { heapUsed, rss } = process.memoryUsage();
  return {
    heap: heapUsed,
    rss,
    handles: process.getActiveResourcesInfo().filter(name => !/Timeout|Pipe|TTY/.test(name)).length,
  };
}
