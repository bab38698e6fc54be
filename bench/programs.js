/**
 * Times one training step of each network in examples/, with TF.js and with this package, from the same source. Both start
 * with the same weights and must compute the same loss.
 */

import { interleave, timedAsync } from './harness.js';
import { firstLine } from './rivals/index.js';

/** @typedef {import('./measure.js').Row} Row */
/** @typedef {import('./measure.js').Limits} Limits */
/** @typedef {import('./rivals/rival.js').Rival} Rival */

/**
 * @typedef {object} Program
 * @property {string} title
 * @property {number[]} x shape of the input
 * @property {number[]} y shape of the target
 * @property {'oneHot' | 'noise' | 'ids' | 'bits'} input
 * @property {'oneHot' | 'noise' | 'bits'} target
 * @property {(tf: any) => any[]} layers options whose defaults differ between TF.js and Keras are set
 * @property {(tf: any) => object} compile
 */

const kerasDefaults = {
  recurrentActivation: 'sigmoid',
  kernelInitializer: 'glorotUniform',
  recurrentInitializer: 'glorotNormal',
};
const WORDS = 60;

/** @type {Program[]} */
export const programs = [
  {
    title: 'addition: LSTM(128), repeated, LSTM(128), dense 12 softmax, B64',
    ...{ x: [64, 5, 12], y: [64, 3, 12], input: 'oneHot', target: 'oneHot' },
    layers: ({ layers }) => [
      layers.lstm({ ...kerasDefaults, units: 128, inputShape: [5, 12] }),
      layers.repeatVector({ n: 3 }),
      layers.lstm({ ...kerasDefaults, units: 128, returnSequences: true }),
      layers.timeDistributed({ layer: layers.dense({ units: 12, activation: 'softmax' }) }),
    ],
    compile: ({ train }) => ({ optimizer: train.adam(0.01), loss: 'categoricalCrossentropy' }),
  },
  {
    title: 'text: LSTM(128) over 40 characters of 32, dense 32 softmax, B64',
    ...{ x: [64, 40, 32], y: [64, 32], input: 'oneHot', target: 'oneHot' },
    layers: ({ layers }) => [
      layers.lstm({ ...kerasDefaults, units: 128, inputShape: [40, 32] }),
      layers.dense({ units: 32, activation: 'softmax' }),
    ],
    compile: ({ train }) => ({ optimizer: train.rmsprop(0.01), loss: 'categoricalCrossentropy' }),
  },
  {
    title: 'weather: GRU(32) without resetAfter over 48 hours of 6, dense 1, B64',
    ...{ x: [64, 48, 6], y: [64, 1], input: 'noise', target: 'noise' },
    layers: ({ layers }) => [
      layers.gru({ ...kerasDefaults, units: 32, resetAfter: false, inputShape: [48, 6] }),
      layers.dense({ units: 1 }),
    ],
    compile: ({ train }) => ({ optimizer: train.adam(0.01), loss: 'meanAbsoluteError' }),
  },
  {
    title: 'sentiment: embedding(8), bidirectional LSTM(24), dense 1 sigmoid, B32 T12',
    ...{ x: [32, 12], y: [32, 1], input: 'ids', target: 'bits' },
    layers: ({ layers }) => [
      layers.embedding({ inputDim: WORDS, outputDim: 8, inputLength: 12 }),
      layers.bidirectional({ layer: layers.lstm({ ...kerasDefaults, units: 24 }), mergeMode: 'concat' }),
      layers.dense({ units: 1, activation: 'sigmoid' }),
    ],
    compile: ({ train }) => ({ optimizer: train.adam(0.02), loss: 'binaryCrossentropy' }),
  },
];

/** The relative tolerance for the loss. */
const TOLERANCE = 1e-4;

/**
 * @param {Rival[]} rivals our package first
 * @param {Limits} limits
 * @returns {Promise<Row[]>}
 */
export async function measurePrograms(rivals, limits) {
  const candidates = rivals.filter(({ library }) => library);
  const rows = [];
  for (const program of programs) {
    /** @type {Participant | undefined} */
    let reference;
    const participants = [];
    const absent = [];
    for (const rival of candidates) {
      try {
        const participant = await prepare(rival, program, reference);
        reference ??= participant;
        if (!(Math.abs(participant.loss - reference.loss) <= TOLERANCE * Math.abs(reference.loss))) {
          throw new Error(`the loss is ${participant.loss}, ours is ${reference.loss}`);
        }
        participants.push(participant);
      } catch (error) {
        absent.push({ rival: rival.name, why: firstLine(error), failed: true });
      }
    }
    const results = await interleave(participants, {
      rounds: limits.rounds,
      minMs: 3,
      budgetMs: 1e3 * limits.seconds.program,
    });
    for (const { model } of participants) model.dispose();
    const { title } = program;
    rows.push({ workload: 'programs', title, kind: /** @type {const} */ ('program'), flops: 0, results, absent });
  }
  return rows;
}

/** @typedef {{ name: string, measure: (calls: number) => Promise<number>, model: any, weights: number[][], loss: number }} Participant */

/**
 * Builds the model of a program and trains it once.
 * @param {Rival} rival
 * @param {Program} program
 * @param {Participant | undefined} reference whose initial weights are used
 * @returns {Promise<Participant>}
 */
async function prepare({ name, library, choose }, program, reference) {
  await choose?.();
  const model = library.sequential();
  for (const layer of program.layers(library)) model.add(layer);
  model.compile(program.compile(library));
  const initial = model.getWeights();
  const weights = reference?.weights ?? initial.map((/** @type {any} */ weight) => [...weight.dataSync()]);
  model.setWeights(
    initial.map((/** @type {any} */ { shape }, /** @type {number} */ n) => library.tensor(weights[n], shape)),
  );
  const x = library.tensor(numbers(program.x, program.input, 1), program.x);
  const y = library.tensor(numbers(program.y, program.target, 2), program.y);
  const step = () => model.trainOnBatch(x, y);
  const timed = timedAsync(step);
  const measure = async (/** @type {number} */ calls) => {
    await choose?.();
    return timed(calls);
  };
  return { name, measure, model, weights, loss: await step() };
}

/**
 * @param {number[]} shape
 * @param {Program['input']} kind
 * @param {number} seed
 */
function numbers(shape, kind, seed) {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const width = shape.at(-1) ?? 1;
  const values = new Float32Array(shape.reduce((size, n) => size * n, 1));
  if (kind === 'oneHot') {
    for (let from = 0; from < values.length; from += width) values[from + Math.floor(width * next())] = 1;
    return values;
  }
  const draw = { noise: () => 2 * next() - 1, ids: () => Math.floor(WORDS * next()), bits: () => Math.round(next()) }[
    kind
  ];
  return values.map(draw);
}
