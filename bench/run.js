/**
 * Times one batch of the seed program (LSTM(20), batch 50, 20 steps, width 1, dense 1): a training step and a prediction,
 * with the strict and the relaxed build and in plain JavaScript, interleaved in one process.
 *
 *   npm run bench                    prints a table, writes bench/results/latest.local.json
 *   npm run bench -- --rounds 400    more samples
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import v8 from 'node:v8';
import { BaselineLstm } from './baseline.js';
import { interleave, machineHeader, table, timed } from './harness.js';
import { instanceOf } from './instance.js';
import { TunedLstm } from './tuned.js';

const SIZES = { batch: 50, timeSteps: 20, inputs: 1, units: 20, outputs: 1, learningRate: 0.006 };
const AGREEMENT = { rounds: 30, relative: 1e-4 };

const rounds = readRounds();

// Optimize all code at once; otherwise the first samples measure the warm-up of the engine.
v8.setFlagsFromString('--no-liftoff');
v8.setFlagsFromString('--no-wasm-lazy-compilation');
// Node 20 has relaxed SIMD behind a flag.
if (process.version.startsWith('v20.')) v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

const dist = new URL('../dist/', import.meta.url).href;
const { sineCosine } = await import(`${dist}data.js`);

/** @typedef {{ name: string, train(x: Float32Array, y: Float32Array): number, predict(x: Float32Array): unknown }} Rival */

/**
 * The package with one build of the kernels, in a separate instance of the package.
 * @param {'strict' | 'relaxed'} simd
 */
async function ours(simd) {
  const lw = await instanceOf(simd);
  lw.setRandomSeed(1);
  const { batch, timeSteps, inputs, units, outputs, learningRate } = SIZES;
  const model = lw.sequential();
  const batchInputShape = [batch, timeSteps, inputs];
  model.add(lw.layers.lstm({ units, returnSequences: true, stateful: true, batchInputShape }));
  model.add(lw.layers.timeDistributed({ layer: lw.layers.dense({ units: outputs }) }));
  model.compile({ optimizer: lw.train.adam(learningRate), loss: 'meanSquaredError' });
  /** @type {Rival} */
  const rival = {
    name: simd,
    train: (x, y) => model.trainOnBatch(x, y),
    predict: x => model.predict(x),
  };
  return { rival, model };
}

const { rival: strict, model } = await ours('strict');
const { rival: relaxed } = await ours('relaxed');
/** @type {Float32Array[]} */
const weights = model.getWeights().map((/** @type {{ dataSync(): Float32Array }} */ weight) => weight.dataSync());

/** @type {(name: string, Lstm: typeof BaselineLstm | typeof TunedLstm) => Rival} */
const plain = (name, Lstm) => {
  const lstm = new Lstm(SIZES);
  lstm.setWeights(weights);
  return { name, train: (x, y) => lstm.trainOnBatch(x, y), predict: x => lstm.predict(x) };
};
const rivals = [strict, relaxed, plain('plain JavaScript', BaselineLstm), plain('tuned JavaScript', TunedLstm)];

// All must compute the same losses before they are timed.
const batches = sineCosine({ batchSize: SIZES.batch, timeSteps: SIZES.timeSteps });
/** @type {Float32Array} */
let x = new Float32Array();
/** @type {Float32Array} */
let y = new Float32Array();
for (let k = 0; k < AGREEMENT.rounds; k++) {
  const { xs, ys } = batches.next().value;
  [x, y] = [xs.dataSync(), ys.dataSync()];
  const losses = rivals.map(({ train }) => train(x, y));
  for (const [n, loss] of losses.entries()) {
    const expected = losses[0] ?? Number.NaN;
    if (!(Math.abs(loss - expected) <= AGREEMENT.relative * expected)) {
      throw new Error(
        `${rivals[n]?.name}: the loss in step ${k} is ${loss}, expected ${expected} as in the strict build`,
      );
    }
  }
}

const header = machineHeader();
console.log(
  Object.entries(header)
    .map(([key, value]) => `${key} ${value}`)
    .join(', '),
);
console.log(
  `same losses within ${AGREEMENT.relative} over ${AGREEMENT.rounds} steps; then ${rounds} rounds, ms per call\n`,
);

/** @type {Record<string, Awaited<ReturnType<typeof interleave>>>} */
const results = {};
for (const kind of /** @type {const} */ (['train', 'predict'])) {
  const subjects = rivals.map(rival => ({
    name: rival.name,
    measure: timed(kind === 'train' ? () => rival.train(x, y) : () => void rival.predict(x)),
  }));
  const figures = await interleave(subjects, { rounds });
  results[kind] = figures;
  const [baseline, tuned] = [figures[2]?.min ?? Number.NaN, figures[3]?.min ?? Number.NaN];
  table(
    figures.map(({ name, min, median, p90 }) => ({
      [`seed ${kind}`]: name,
      min,
      median,
      p90,
      'vs plain': `${(baseline / min).toFixed(1)}x`,
      'vs tuned': `${(tuned / min).toFixed(1)}x`,
    })),
  );
  console.log();
}

const file = fileURLToPath(new URL('results/latest.local.json', import.meta.url));
mkdirSync(fileURLToPath(new URL('results/', import.meta.url)), { recursive: true });
writeFileSync(file, `${JSON.stringify({ ...header, sizes: SIZES, rounds, unit: 'ms', results }, null, 2)}\n`);
console.log(`written to ${file}`);

/** The value of --rounds; exits with a message if the flags are invalid. */
function readRounds() {
  try {
    const { values } = parseArgs({ options: { rounds: { type: 'string', default: '200' } }, allowPositionals: false });
    const rounds = Number(values.rounds);
    if (Number.isInteger(rounds) && rounds >= 1) return rounds;
    console.error(`bench: --rounds must be an integer of at least 1, got ${values.rounds}`);
  } catch (error) {
    console.error(`bench: ${/** @type {Error} */ (error).message}`);
  }
  return process.exit(1);
}
