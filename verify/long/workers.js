/**
 * Workers that are ended while they train, a hundred of them: every call that was going on is refused, none hangs, and
 * nothing of them stays. Run in a process of its own, with `--expose-gc`, where lstm-wasm is installed; writes what it
 * measured as JSON. That the process ends by itself is part of what is shown.
 *
 *   node --expose-gc workers.js 100
 */

import { layers, randomNormal } from 'lstm-wasm';
import { connect } from 'lstm-wasm/worker';

const count = Number(process.argv[2]);
const x = randomNormal([64, 8, 3]);
const y = randomNormal([64, 1]);
const refusals = new Map();
let batches = 0;
let first;

for (let n = 0; n < count; n++) {
  const host = connect({ seed: n });
  const model = await host.sequential({
    layers: [layers.lstm({ units: 16, inputShape: [8, 3] }), layers.dense({ units: 1 })],
  });
  await model.compile({ optimizer: 'adam', loss: 'mse' });
  /** @type {(value?: unknown) => void} */
  let trained = () => {};
  const begun = new Promise(resolve => {
    trained = resolve;
  });
  const onBatchEnd = () => {
    batches++;
    trained();
  };
  const fit = refused(model.fit(x, y, { epochs: 1e6, batchSize: 4, verbose: 0, callbacks: { onBatchEnd } }));
  await begun;
  // Not always at the same moment: in a batch, between two, while another call waits
  await new Promise(resolve => setTimeout(resolve, (n * 7) % 20));
  const waiting = n % 2 ? refused(model.predict(x)) : null;
  await host.terminate();
  for (const reason of await inTime(Promise.all([fit, waiting, refused(model.predict(x))]))) {
    if (reason !== null) refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
  }
  if (n === Math.floor(count / 10)) first = await held();
}
console.log(JSON.stringify({ count, batches, refusals: [...refusals], first, last: await held() }));

/**
 * Why a call was refused.
 *
 * @param {Promise<unknown>} promise
 */
async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    const { name, message } = /** @type {Error} */ (error);
    return `${name}: ${message}`;
  }
  return 'not refused';
}

/**
 * @template T
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
async function inTime(promise) {
  let timer;
  const late = /** @type {Promise<never>} */ (
    new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('a call is neither done nor refused')), 10_000);
    })
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function held() {
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
