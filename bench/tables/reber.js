/**
 * Embedded Reber grammar, experiment 1 of Hochreiter and Schmidhuber 1997. An LSTM reads a string of the grammar symbol by
 * symbol, and says which symbols may come next. The second symbol, T or P, decides the last but one, and has to be kept
 * through an inner string of any length. As in the paper, the network learns online, one string at a time, drawn from 256
 * training strings, and the task is solved when the symbols that may follow have the highest outputs at every step of all
 * 256 training strings and 256 other test strings. Ours is the number of strings read until then, as the mean of 30 trials, which
 * is what the paper reports; each trial has strings and initial weights of its own. The paper names no limit of strings. Ours is
 * above the published figures of all networks there; it was 50,000 at first, and one of the first ten trials needs more.
 *
 * The settings below were chosen with the seeds 101 to 103, which are not among those of the table. Adam needs
 * more strings here: from one string to the next, the inner symbols, which are random, outweigh the last but one. Without the
 * high bias of the forget gates it often learns the inner grammar only. In 1997 the LSTM had no forget gates.
 */

import { processorTime, randomNumbers, settingsOf } from './data.js';

/** @typedef {import('./data.js').Library} Library */

const LONG = {
  seed: 1,
  trials: 30,
  units: 16,
  forgetBias: 5,
  learningRate: 10,
  strings: 256,
  most: 200_000,
  every: 100,
};
const SHORT = { ...LONG, trials: 1, strings: 64 };
/** The highest published mean of an LSTM; the note counts the trials that need at most so many strings. */
const BAR = 39_740;
/** Where the seeds for choosing settings begin. */
const CHOICE = 101;

const SYMBOLS = 'BTSXPVE';
/** The inner grammar: the two ways out of each state, and where they lead. */
const ARCS = [
  ['B', 1, 'B', 1],
  ['T', 2, 'P', 3],
  ['S', 2, 'X', 4],
  ['T', 3, 'V', 5],
  ['X', 3, 'S', 6],
  ['P', 4, 'V', 6],
  ['E', 7, 'E', 7],
];

/** A string, and the symbols that may follow each of its symbols. @typedef {{ text: string, next: string[] }} Sample */

/** @param {() => number} random @returns {Sample} */
export function embeddedReber(random) {
  const branch = random() < 0.5 ? 'T' : 'P';
  const [symbols, next] = [
    ['B', branch],
    ['TP', 'B'],
  ];
  for (let state = 0; state < ARCS.length; ) {
    const arcs = ARCS[state] ?? [];
    const way = random() < 0.5 ? 0 : 2;
    symbols.push(String(arcs[way]));
    state = Number(arcs[way + 1]);
    const [first, , second] = ARCS[state] ?? [branch, 0, branch];
    next.push(first === second ? String(first) : `${first}${second}`);
  }
  return { text: `${symbols.join('')}${branch}E`, next: [...next, 'E'] };
}

/** Different strings. @param {number} count @param {() => number} random */
function distinct(count, random) {
  /** @type {Map<string, Sample>} */
  const samples = new Map();
  while (samples.size < count) {
    const sample = embeddedReber(random);
    samples.set(sample.text, sample);
  }
  return [...samples.values()];
}

/** Symbols as one-hot vectors. @param {string[]} sets @param {number} [length] zeros follow */
function encode(sets, length = sets.length) {
  const values = new Float32Array(length * SYMBOLS.length);
  for (const [t, set] of sets.entries()) {
    for (const symbol of set) values[t * SYMBOLS.length + SYMBOLS.indexOf(symbol)] = 1;
  }
  return values;
}

/** Whether the symbols that may follow have the highest outputs. @param {Float32Array} output @param {string} next */
function isRight(output, next) {
  const [may, other] = [true, false].map(may => output.filter((_, n) => next.includes(SYMBOLS[n] ?? '') === may));
  return Math.min(...(may ?? [])) > Math.max(...(other ?? []));
}

/** @param {Library} lw @param {import('lstm-wasm').LayersModel} model @param {readonly Sample[]} samples */
function isSolved(lw, model, samples) {
  const steps = Math.max(...samples.map(({ next }) => next.length));
  const x = new Float32Array(samples.length * steps * SYMBOLS.length);
  samples.forEach(({ text }, n) => {
    x.set(encode([...text.slice(0, -1)], steps), n * steps * SYMBOLS.length);
  });
  const tensor = lw.tensor(x, [samples.length, steps, SYMBOLS.length]);
  // The padding comes last, and cannot change what comes before it
  const output = /** @type {Float32Array} */ (
    /** @type {import('lstm-wasm').Tensor} */ (model.predict(tensor)).dataSync()
  );
  return samples.every(({ next }, n) =>
    next.every((symbols, t) => {
      const offset = (n * steps + t) * SYMBOLS.length;
      return isRight(output.subarray(offset, offset + SYMBOLS.length), symbols);
    }),
  );
}

/** One trial. @param {Library} lw @param {typeof LONG} settings */
async function trial(lw, { seed, units, forgetBias, learningRate, strings, most, every }) {
  const random = randomNumbers(seed);
  const samples = distinct(2 * strings, random);
  const [train, test] = [samples.slice(0, strings), samples.slice(strings)];
  const { layers } = lw;
  const model = lw.sequential({
    seed,
    layers: [
      layers.lstm({ units, returnSequences: true, inputShape: [null, SYMBOLS.length] }),
      layers.dense({ units: SYMBOLS.length, activation: 'sigmoid' }),
    ],
  });
  model.compile({ optimizer: lw.train.sgd({ learningRate, clipNorm: 1 }), loss: 'binaryCrossentropy' });
  const parameters = model.countParams();
  const weights = model.getWeights();
  const bias = Float32Array.from(weights[2]?.dataSync() ?? []).fill(forgetBias, units, 2 * units);
  model.setWeights(weights.with(2, lw.tensor(bias, [4 * units])));
  for (let read = 1; read <= most; read++) {
    const { text } = train[Math.floor(random() * strings)] ?? { text: '' };
    const shape = [1, text.length - 1, SYMBOLS.length];
    // The target is the one symbol that follows, as in the paper; the network finds out by itself what else may
    await model.trainOnBatch(
      lw.tensor(encode([...text.slice(0, -1)]), shape),
      lw.tensor(encode([...text.slice(1)]), shape),
    );
    if (read % every === 0 && isSolved(lw, model, train) && isSolved(lw, model, test)) return { read, parameters };
  }
  return { read: Number.POSITIVE_INFINITY, parameters };
}

/** @type {import('./data.js').Row['run']} */
async function run(lw, options = {}) {
  const { short = false, validation = false, log = () => {} } = options;
  const settings = settingsOf(short ? SHORT : LONG, options);
  const elapsed = processorTime();
  /** @type {number[]} */
  const counts = [];
  const first = validation ? CHOICE : settings.seed;
  let parameters = 0;
  for (let n = 0; n < settings.trials; n++) {
    const result = await trial(lw, { ...settings, seed: first + n });
    parameters = result.parameters;
    counts.push(result.read);
    log(`reber: seed ${first + n}, solved after ${result.read} strings`);
  }
  counts.sort((a, b) => a - b);
  const solved = counts.filter(Number.isFinite);
  const middle = (counts.length - 1) / 2;
  const median = [Math.floor(middle), Math.ceil(middle)].reduce((sum, n) => sum + (counts[n] ?? Number.NaN) / 2, 0);
  const early = counts.filter(count => count <= BAR).length;
  return [
    {
      task: 'Embedded Reber grammar',
      measure: 'training strings until solved, mean of the solved trials',
      published: 'LSTM 8,440 to 39,740, solved in 148 of 150 trials',
      source: 'Hochreiter and Schmidhuber 1997, experiment 1',
      bar: BAR,
      ours: solved.reduce((sum, count) => sum + count, 0) / solved.length,
      model: `LSTM(${settings.units})`,
      parameters,
      seed: counts.length > 1 ? `${first} to ${first + counts.length - 1}` : String(first),
      seconds: elapsed(),
      note: `solved in ${solved.length} of ${counts.length} trials, ${early} of them within ${BAR} strings; median ${median}, at most ${solved.at(-1)}`,
    },
  ];
}

/** @type {import('./data.js').Row} */
export const reber = { name: 'reber', run };
