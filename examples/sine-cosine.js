/**
 * The seed program: a stateful LSTM learns to turn a sine into a cosine. `npm start` runs it.
 *
 * It trains on a batch, predicts on the same batch from the same states, and continues with the next batch. Then it runs the
 * same program in plain JavaScript for a short time, for comparison, and draws three pictures.
 */

import { join } from 'node:path';
import * as lw from 'lstm-wasm';
import { sineCosine } from 'lstm-wasm/data';
import { animation, lossPlot, predictionPlot, writeSVG } from 'lstm-wasm/plot';
import { BaselineLstm } from '../bench/baseline.js';
import { progressBar } from './progress.js';

/**
 * @typedef {object} Options
 * @property {number} steps
 * @property {number} units
 * @property {number} batchSize
 * @property {number} timeSteps
 * @property {number} learningRate
 * @property {number} seed
 * @property {'auto' | 'strict' | 'relaxed'} simd
 * @property {string} out folder for the pictures
 *
 * @typedef {{ time: lw.Tensor, ys: lw.Tensor, prediction: lw.Tensor }} Last the last batch that was drawn
 */

/** Milliseconds for which the plain JavaScript version runs. */
const BASELINE_MS = 1500;
/** Frames of learning.svg, and time steps per frame: slightly more than one wave. */
const FRAMES = 50;
const FRAME_STEPS = 220;

/** @param {Options} options */
export async function run({ steps, units, batchSize, timeSteps, learningRate, seed, simd, out }) {
  lw.configure({ simd });
  lw.setRandomSeed(seed);

  const model = lw.sequential();
  const batchInputShape = [batchSize, timeSteps, 1];
  model.add(lw.layers.lstm({ units, returnSequences: true, stateful: true, batchInputShape }));
  model.add(lw.layers.timeDistributed({ layer: lw.layers.dense({ units: 1 }) }));
  model.compile({ optimizer: lw.train.adam(learningRate), loss: 'meanSquaredError' });

  const info = lw.backendInfo();
  console.log(
    `lstm-wasm ${lw.version}, ${info.simd} SIMD kernels, ${Math.round(info.wasmBytes / 1024)} KiB of WebAssembly`,
  );
  model.summary();
  const initialWeights = model.getWeights().map(weight => weight.dataSync());

  /** @type {number[]} */
  const losses = [];
  /** @type {ReturnType<typeof frame>[]} */
  const frames = [];
  /** @type {Last | undefined} */
  let last;
  const progress = progressBar(steps);
  let milliseconds = 0;
  const batches = sineCosine({ batchSize, timeSteps });
  for (let step = 0; step < steps; step++) {
    const { xs, ys, time } = batches.next().value;
    const states = model.getStates();
    const start = performance.now();
    const cost = Number(model.trainOnBatch(xs, ys));
    model.setStates(states); // predict from the states before the training step, which advanced them
    const prediction = model.predict(xs, { batchSize });
    milliseconds += performance.now() - start;
    losses.push(cost);
    if (step % 10 === 0) progress.say(`train cost: ${cost.toPrecision(6)}`);
    if (step === steps - 1 || step % Math.ceil(steps / FRAMES) === 0) {
      last = { time, ys, prediction };
      frames.push(frame(step, cost, time, ys, prediction));
    }
    // Yields, so that the terminal is updated and the engine can switch to optimized code.
    if (progress.update(step + 1, (1000 * (step + 1)) / milliseconds)) await new Promise(setImmediate);
  }
  progress.end();

  const baseline = timeBaseline({ batchSize, timeSteps, units, learningRate }, initialWeights, losses);
  const pictures = draw(out, losses, frames, /** @type {Last} */ (last), timeSteps);

  const each = milliseconds / steps;
  console.log(`
${steps} steps of training and ${steps} predictions in ${(milliseconds / 1000).toFixed(2)} s: ${each.toFixed(2)} ms for both.
The same in plain JavaScript: ${baseline.each.toFixed(2)} ms (${baseline.steps} steps), ${(baseline.each / each).toFixed(1)} times as long.
Cost ${losses[0]?.toPrecision(3)} at first, ${median(losses.slice(-100)).toPrecision(3)} as the median of the last ${Math.min(100, steps)} steps.

Pictures, to open in a browser:
${pictures.map(path => `  ${path}`).join('\n')}`);
}

/**
 * One frame of the animation: consecutive rows of the batch, each of which continues the previous one in time.
 * @param {number} step @param {number} cost
 * @param {lw.Tensor} time @param {lw.Tensor} target @param {lw.Tensor} prediction
 */
function frame(step, cost, time, target, prediction) {
  const count = Math.min(time.size, FRAME_STEPS);
  const stride = Math.max(1, Math.round(count / 55));
  /** @param {lw.Tensor} tensor */
  const thin = tensor =>
    tensor
      .dataSync()
      .subarray(0, count)
      .filter((_, i) => i % stride === 0);
  const caption = `step ${step}, cost ${cost.toPrecision(3)}`;
  return { time: thin(time), target: thin(target), prediction: thin(prediction), caption };
}

/**
 * Times a step of the same program in plain JavaScript, and checks that it computes the same costs.
 * @param {Pick<Options, 'batchSize' | 'timeSteps' | 'units' | 'learningRate'>} options
 * @param {Float32Array[]} initialWeights @param {number[]} losses
 */
function timeBaseline({ batchSize, timeSteps, units, learningRate }, initialWeights, losses) {
  const baseline = new BaselineLstm({ batch: batchSize, timeSteps, inputs: 1, units, outputs: 1, learningRate });
  baseline.setWeights(initialWeights);
  const batches = sineCosine({ batchSize, timeSteps });
  let steps = 0;
  let milliseconds = 0;
  while (steps < losses.length && (milliseconds < BASELINE_MS || steps < 3)) {
    const { xs, ys } = batches.next().value;
    const states = baseline.getStates();
    const start = performance.now();
    const cost = baseline.trainOnBatch(xs.dataSync(), ys.dataSync());
    baseline.setStates(states);
    baseline.predict(xs.dataSync());
    milliseconds += performance.now() - start;
    // Rounding differences grow with the steps, so only the first steps are compared.
    const expected = losses[steps] ?? Number.NaN;
    if (steps < 20 && !(Math.abs(cost / expected - 1) < 1e-3)) {
      throw new Error(`plain JavaScript has the cost ${cost} at step ${steps}, WebAssembly ${expected}`);
    }
    steps++;
  }
  return { steps, each: milliseconds / steps };
}

/**
 * Draws the three pictures and returns their paths.
 * @param {string} out @param {number[]} losses @param {ReturnType<typeof frame>[]} frames @param {Last} last
 * @param {number} timeSteps
 */
function draw(out, losses, frames, { time, ys, prediction }, timeSteps) {
  /** @param {lw.Tensor} tensor */
  const row = tensor => tensor.dataSync().subarray(0, timeSteps);
  const yDomain = /** @type {[number, number]} */ ([-1.2, 1.2]);
  const title = 'Row 0 of the last batch: sine in, cosine out';
  const still = predictionPlot({ title, xLabel: 'time (rad)', yDomain });
  still.update({ time: row(time), target: row(ys), prediction: row(prediction) });
  const loss = lossPlot({ title: 'Cost over training steps' });
  loss.update({ losses });
  const learning = animation(frames, {
    title: 'An LSTM learns the cosine from the sine',
    xLabel: 'time (rad)',
    yDomain,
  });
  return [
    writeSVG(join(out, 'sine-cosine.svg'), still),
    writeSVG(join(out, 'learning.svg'), learning),
    writeSVG(join(out, 'loss.svg'), loss),
  ];
}

/** @param {number[]} values */
function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
