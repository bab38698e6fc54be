/**
 * A million steps of the seed program, to check that memory does not grow and the last steps are as fast as the first. Runs in
 * a separate process with `--expose-gc`, where lstm-wasm is installed, and prints its measurements as JSON.
 *
 *   node --expose-gc steps.js 1000000 [threads]
 */

import { backendInfo, configure, layers, sequential, setRandomSeed, train } from 'lstm-wasm';
import { sineCosine } from 'lstm-wasm/data';

const steps = Number(process.argv[2]);
configure({ threads: Number(process.argv[3] ?? 1) });
/** Steps that are timed together: a hundred blocks in each tenth of the run. */
const blockSteps = steps / 1000;

setRandomSeed(1);
const model = sequential();
model.add(layers.lstm({ units: 20, returnSequences: true, stateful: true, batchInputShape: [50, 20, 1] }));
model.add(layers.timeDistributed({ layer: layers.dense({ units: 1 }) }));
model.compile({ optimizer: train.adam(0.006), loss: 'meanSquaredError' });
const batches = sineCosine();

const times = new Float64Array(1000);
/** The times relative to a reference calculation, which other load slows down as well. */
const ratios = new Float64Array(1000);
const losses = new Float64Array(1000);
let first;
for (let n = 0; n < 1000; n++) {
  const started = cpuTime();
  for (let step = 0; step < blockSteps; step++) {
    const { xs, ys } = batches.next().value;
    losses[n] = Number(model.trainOnBatch(xs, ys));
  }
  const trained = cpuTime();
  runReference(blockSteps);
  times[n] = (trained - started) / blockSteps;
  ratios[n] = (trained - started) / (cpuTime() - trained);
  if (n === 9) first = await memoryUse();
}
const last = await memoryUse();
/** @param {Float64Array} values */
const median = values => values.toSorted()[Math.floor(values.length / 2)] ?? Number.NaN;
const report = {
  steps,
  first,
  last,
  milliseconds: [median(times.subarray(0, 100)), median(times.subarray(900))],
  ratios: [median(ratios.subarray(0, 100)), median(ratios.subarray(900))],
  threads: backendInfo().threads,
  finite: losses.every(Number.isFinite),
  loss: [losses[0], losses[999]],
};
console.log(JSON.stringify(report));

/** Milliseconds of CPU time that this process has used. */
function cpuTime() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * A reference calculation in plain JavaScript, independent of the package.
 *
 * @param {number} times
 */
function runReference(times) {
  const side = 32;
  const a = new Float32Array(side * side).fill(0.01);
  const b = new Float32Array(side * side).fill(0.5);
  for (let n = 0; n < times; n++) {
    for (let i = 0; i < side; i++) {
      for (let j = 0; j < side; j++) {
        let sum = 0;
        for (let k = 0; k < side; k++) sum += (a[i * side + k] ?? 0) * (b[k * side + j] ?? 0);
        a[i * side + j] = sum;
      }
    }
  }
}

/** Bytes in use after garbage collection. */
async function memoryUse() {
  for (let k = 0; k < 4; k++) {
    gc?.();
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { linear: backendInfo().memoryBytes, heap: heapUsed, buffers: arrayBuffers, rss };
}
