/** Checks that a rival computes the same results, before it is timed. */

import { dataOf, LEARNING_RATE, weightsOf } from './workloads.js';

/** @typedef {import('./workloads.js').Workload} Workload */
/** @typedef {import('./rivals/rival.js').Rival} Rival */

/**
 * The tolerances: absolute for predictions, which are of the order of 1, relative for losses. A different order of sums
 * and other exponentials cause differences of about 1e-6.
 */
export const TOLERANCE = { outputs: 1e-4, loss: 1e-4 };
/** Large enough for a few steps of gradient descent to change the loss by far more than the tolerance. */
const SGD_RATE = 0.1;

/**
 * The results of a rival for a few sequences of a workload: predictions (the second depends on the carried states), then
 * the losses of some training steps.
 * @typedef {object} Results
 * @property {Float32Array[]} outputs
 * @property {number[]} losses empty if it cannot train
 * @property {number} batch the number of sequences
 * @property {Record<'predict' | 'train', number>} ms the shortest call
 */

/**
 * @param {Rival} rival
 * @param {Workload} workload
 * @param {'sgd' | 'adam'} optimizer
 * @param {{ sequences?: number, predictions?: number, steps?: number }} [extent]
 * @returns {Promise<Results>}
 */
export async function resultsOf(rival, workload, optimizer, { sequences = 2, predictions = 2, steps = 3 } = {}) {
  const batch = Math.min(workload.batch, sequences);
  const small = { ...workload, batch };
  const trains = workload.kinds.includes('train') && !rival.limitation(workload, 'train');
  const model = await rival.build({
    workload: small,
    weights: weightsOf(small),
    data: dataOf(small),
    optimizer: trains ? optimizer : 'none',
    learningRate: optimizer === 'sgd' ? SGD_RATE : LEARNING_RATE,
  });
  const ms = { predict: Number.POSITIVE_INFINITY, train: Number.POSITIVE_INFINITY };
  /** @type {<T>(kind: 'predict' | 'train', run: () => T | Promise<T>) => Promise<T>} */
  const timed = async (kind, run) => {
    const start = performance.now();
    const result = await run();
    ms[kind] = Math.min(ms[kind], performance.now() - start);
    return result;
  };
  const outputs = [];
  const losses = [];
  for (let n = 0; n < predictions; n++) outputs.push(await timed('predict', () => model.outputs()));
  for (let n = 0; trains && n < steps; n++) losses.push(await timed('train', () => model.train()));
  await model.dispose();
  return { outputs, losses, batch, ms };
}

/**
 * @param {Pick<Results, 'outputs' | 'losses'>} got
 * @param {Pick<Results, 'outputs' | 'losses'>} expected
 * @returns {string} the difference; empty if there is none
 */
export function difference(got, expected) {
  for (const [n, outputs] of got.outputs.entries()) {
    const expectedOutputs = expected.outputs[n] ?? new Float32Array();
    if (outputs.length !== expectedOutputs.length)
      return `predicts ${outputs.length} numbers, expected ${expectedOutputs.length}`;
    const worst = outputs.reduce(
      (most, value, k) => larger(most, Math.abs(value - (expectedOutputs[k] ?? Number.NaN))),
      0,
    );
    if (!(worst <= TOLERANCE.outputs)) return `prediction ${n + 1} differs from ours by ${worst.toPrecision(2)}`;
  }
  for (const [n, loss] of got.losses.entries()) {
    const expectedLoss = expected.losses[n] ?? Number.NaN;
    const relative = Math.abs(loss / expectedLoss - 1);
    if (!(relative <= TOLERANCE.loss)) return `the loss in step ${n + 1} is ${loss}, ours is ${expectedLoss}`;
  }
  return '';
}

/** The larger of two numbers, or NaN if either is NaN. @param {number} a @param {number} b */
const larger = (a, b) => (a >= b || Number.isNaN(a) ? a : b);

/**
 * Throws if the losses hardly change, because they would then agree for any gradients.
 * @param {number[]} losses
 */
export function checkLosses(losses) {
  const [first = 0, last = 0] = [losses[0], losses.at(-1)];
  if (losses.length > 0 && !(Math.abs(last / first - 1) > 20 * TOLERANCE.loss)) {
    throw new Error(`the losses ${losses.join(', ')} change too little for a comparison`);
  }
}
