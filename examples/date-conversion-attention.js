/**
 * Dates in many formats to ISO dates, "MAR 3 1984" to "1984-03-03", with attention.
 *
 *   node examples/date-conversion-attention.js [--units 64] [--epochs 12] [--quick] [--tfjs]
 *
 * An encoder reads the characters of the date. For each character of the answer, a decoder computes scores for all steps of
 * the encoder; their softmax gives the weights of a mean of the encoder's outputs. The decoder starts in the last states of the
 * encoder. At the end, the attention weights of one date are printed: they show which characters each answer is read from.
 */

import { backend, judge, progress, random } from './backend.js';

/**
 * @typedef {import('lstm-wasm').Tensor} Tensor
 * @typedef {[import('lstm-wasm').SymbolicTensor, ...import('lstm-wasm').SymbolicTensor[]]} Outputs
 * @typedef {{ text: string, iso: string }} Pair
 */

const { tf, name, quick, flag } = await backend(3);
const units = Number(flag('units', quick ? '32' : '64'));
const epochs = Number(flag('epochs', quick ? '10' : '12'));
const batchSize = Number(flag('batch', '32'));
const rate = Number(flag('rate', '0.01'));
const count = Number(flag('dates', quick ? '1500' : '6000'));
const testCount = 100;

const MONTHS = 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' ');
const PADDING = ' ';
const START = '<';
const sourceCharacters = [PADDING, ...'0123456789/-., ABCDEFGHIJKLMNOPQRSTUVWXYZ'.replace(' ', '')];
const targetCharacters = [START, ...'0123456789-'];
const targetLength = '1984-03-03'.length;

/** @type {((day: number, month: number, year: number) => string)[]} */
const formats = [
  (day, month, year) => `${day} ${MONTHS[month - 1]} ${year}`,
  (day, month, year) => `${MONTHS[month - 1]} ${day}, ${year}`,
  (day, month, year) => `${two(day)}.${two(month)}.${year}`,
  (day, month, year) => `${two(month)}/${two(day)}/${year}`,
  (day, month, year) => `${two(day)}-${MONTHS[month - 1]}-${year}`,
  (day, month, year) => `${year}, ${day} ${MONTHS[month - 1]}`,
];
const sourceLength = Math.max(...formats.map(format => format(30, 12, 2000).length));

/** @param {number} n */
function two(n) {
  return `${n}`.padStart(2, '0');
}

/** Random dates in random formats, none of them twice. @returns {Pair[]} */
function dates() {
  const next = random(1);
  const below = (/** @type {number} */ n) => Math.floor(next() * n);
  /** @type {Map<string, string>} */
  const isoOf = new Map();
  while (isoOf.size < count + testCount) {
    const [year, month] = [1950 + below(100), 1 + below(12)];
    const day = 1 + below(new Date(Date.UTC(year, month, 0)).getUTCDate());
    const format = formats[below(formats.length)] ?? String;
    isoOf.set(format(day, month, year), `${year}-${two(month)}-${two(day)}`);
  }
  return Array.from(isoOf, ([text, iso]) => ({ text, iso }));
}

/**
 * The indices of characters.
 * @param {readonly string[]} texts @param {number} length @param {readonly string[]} characters
 * @returns {Tensor} [texts, length]
 */
function idsOf(texts, length, characters) {
  const ids = texts.flatMap(text =>
    Array.from(text.padEnd(length, PADDING), character => characters.indexOf(character)),
  );
  return tf.tensor2d(ids, [texts.length, length]);
}

/** What the decoder reads: the answer, one character later. @param {readonly Pair[]} pairs */
const readOf = pairs =>
  idsOf(
    pairs.map(({ iso }) => START + iso.slice(0, -1)),
    targetLength,
    targetCharacters,
  );

/** @param {readonly Pair[]} pairs */
const sourcesOf = pairs =>
  idsOf(
    pairs.map(({ text }) => text),
    sourceLength,
    sourceCharacters,
  );

/** The answers as one-hot characters. @param {readonly Pair[]} pairs @returns {Tensor} */
function answersOf(pairs) {
  const buffer = tf.buffer([pairs.length, targetLength, targetCharacters.length]);
  for (const [n, { iso }] of pairs.entries()) {
    for (let t = 0; t < targetLength; t++) buffer.set(1, n, t, targetCharacters.indexOf(iso.charAt(t)));
  }
  return buffer.toTensor();
}

const { layers } = tf;
const source = tf.input({ shape: [sourceLength], name: 'source' });
const target = tf.input({ shape: [targetLength], name: 'target' });
const embed = (/** @type {readonly string[]} */ { length }, /** @type {number} */ inputLength) =>
  layers.embedding({ inputDim: length, outputDim: 16, inputLength });
/** @type {Outputs} */
const [encoded, ...lastStates] = layers
  .lstm({ units, recurrentInitializer: 'glorotNormal', returnSequences: true, returnState: true })
  .apply(embed(sourceCharacters, sourceLength).apply(source));
const decoded = layers
  .lstm({ units, recurrentInitializer: 'glorotNormal', returnSequences: true })
  .apply(embed(targetCharacters, targetLength).apply(target), { initialState: lastStates });
const scores = layers.dot({ axes: [2, 2] }).apply([decoded, encoded]);
const attention = layers.activation({ activation: 'softmax', name: 'attention' }).apply(scores);
const context = layers.dot({ axes: [2, 1] }).apply([attention, encoded]);
const combined = layers
  .timeDistributed({ layer: layers.dense({ units, activation: 'tanh' }) })
  .apply(layers.concatenate().apply([decoded, context]));
const output = layers
  .timeDistributed({ layer: layers.dense({ units: targetCharacters.length, activation: 'softmax' }) })
  .apply(combined);
const model = tf.model({ inputs: [source, target], outputs: output });
const attending = tf.model({ inputs: [source, target], outputs: attention });
model.compile({ optimizer: tf.train.adam(rate), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });

let stepCount = 0;
let stepTime = 0;

/** Writes an answer, one character at a time, each the most probable one. @param {Pair} pair */
function convert({ text }) {
  const step = stepsFor(sourcesOf([{ text, iso: '' }]));
  let iso = START;
  for (let t = 0; t < targetLength; t++) {
    const start = performance.now();
    const probabilities = step(targetCharacters.indexOf(iso.charAt(t)), t);
    stepTime += performance.now() - start;
    stepCount++;
    iso += targetCharacters[probabilities.indexOf(Math.max(...probabilities))];
  }
  return iso.slice(1);
}

/** @type {import('lstm-wasm').Stream | null} */
let stream = null;

/**
 * The decoder for one date: takes a character and its position, and returns the probabilities of the next one.
 * @param {Tensor} ids @returns {(character: number, t: number) => Float32Array}
 */
function stepsFor(ids) {
  if (name === 'lstm-wasm') {
    // The encoder runs once for each date; attention reads its outputs at every step
    if (stream) stream.setConstants({ source: ids });
    else stream = model.stream({ constants: { source: ids } });
    const decoder = stream;
    const input = new Float32Array(1);
    const probabilities = new Float32Array(targetCharacters.length);
    return character => {
      input[0] = character;
      return decoder.step(input, probabilities);
    };
  }
  // TensorFlow.js has no streams: encoder and decoder run over the whole sequence at each step
  const read = new Array(targetLength).fill(0);
  return (character, t) => {
    read[t] = character;
    const all = /** @type {Tensor} */ (model.predict([ids, tf.tensor2d(read, [1, targetLength])]));
    const width = targetCharacters.length;
    return /** @type {Float32Array} */ (all.dataSync()).slice(t * width, (t + 1) * width);
  };
}

const all = dates();
const [testPairs, trainPairs] = [all.slice(0, testCount), all.slice(testCount)];
console.log(`${name} learns to convert dates: ${count} in the training set, ${testCount} in the test set.`);
const start = performance.now();
await model.fit([sourcesOf(trainPairs), readOf(trainPairs)], answersOf(trainPairs), {
  epochs,
  batchSize,
  verbose: 0,
  callbacks: {
    onEpochEnd: (epoch, logs) => {
      const { loss = 0, acc = 0 } = logs ?? {};
      const text = `epoch ${epoch + 1} of ${epochs}, loss ${loss.toFixed(4)}, correct characters ${(100 * acc).toFixed(1)} %`;
      progress(text, epoch + 1 === epochs);
    },
  },
});
const seconds = (performance.now() - start) / 1000;
console.log(`${seconds.toFixed(1)} s, ${((1000 * seconds) / epochs).toFixed(0)} ms per epoch`);

const answers = testPairs.map(pair => tf.tidy(() => ({ ...pair, answer: convert(pair) })));
for (const { text, iso, answer } of answers.slice(0, formats.length + 2)) {
  console.log(`  ${text.padEnd(sourceLength)} = ${answer} ${answer === iso ? 'correct' : `wrong, expected ${iso}`}`);
}
console.log(`${((1000 * stepTime) / stepCount).toFixed(1)} µs per step of the decoder, ${stepCount} steps`);
const shown = testPairs.slice(0, 1);
const weights = /** @type {Tensor} */ (attending.predict([sourcesOf(shown), readOf(shown)]));
for (const [t, row] of /** @type {number[][][]} */ (weights.arraySync())[0]?.entries() ?? []) {
  const bars = row.map(weight => ' .:*#'.charAt(Math.min(4, Math.floor(5 * weight)))).join('');
  if (t === 0) console.log(`\nattention     ${shown[0]?.text}`);
  console.log(`            ${shown[0]?.iso.charAt(t)} ${bars}`);
}
const share = answers.filter(({ iso, answer }) => iso === answer).length / testCount;
judge('Correct dates in the test set', share, 'at least', quick ? 0.8 : 0.95);
