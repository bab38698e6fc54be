/**
 * Translation, character by character: an encoder reads a number in English words, a decoder writes it in German.
 *
 *   node examples/translation.js [--units 128] [--epochs 30] [--beams 3] [--quick] [--tfjs]
 *
 * German puts the ones before the tens ("forty one" is "einundvierzig"), so the decoder needs the whole of the input before
 * it can start. It starts in the states in which the encoder ends. In training it reads the correct translation, shifted by
 * one character (teacher forcing); afterwards it reads the characters that it wrote. Two ways to choose them are compared: the
 * most probable character at each step (greedy), and a search that keeps the best beginnings (beam search).
 */

import { backend, judge, progress, random } from './backend.js';

/**
 * @typedef {import('lstm-wasm').Tensor} Tensor
 * @typedef {[import('lstm-wasm').SymbolicTensor, ...import('lstm-wasm').SymbolicTensor[]]} Outputs
 *
 * @typedef {object} Decoder one time step at a time
 * @property {(input: Float32Array) => Float32Array} step returns the probabilities of the next character
 * @property {() => Tensor[][]} getStates
 * @property {(states: Tensor[][]) => void} setStates
 */

const { tf, name, quick, flag } = await backend(2);
const units = Number(flag('units', quick ? '64' : '128'));
const epochs = Number(flag('epochs', quick ? '20' : '30'));
const batchSize = Number(flag('batch', '16'));
const rate = Number(flag('rate', quick ? '0.01' : '0.005'));
const beams = Number(flag('beams', '3'));
const largest = Number(flag('largest', '999'));

const START = '<';
const END = '>';

/** @param {number} n from 1 to 999 */
function inEnglish(n) {
  const small =
    'one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen';
  const tens = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
  const hundreds = Math.floor(n / 100);
  const rest = n % 100;
  const words = hundreds > 0 ? [small.split(' ')[hundreds - 1], 'hundred'] : [];
  if (rest >= 20) words.push(tens[Math.floor(rest / 10) - 2]);
  const ones = rest < 20 ? rest : rest % 10;
  if (ones > 0) words.push(small.split(' ')[ones - 1]);
  return words.join(' ');
}

/** @param {number} n from 1 to 999 */
function inGerman(n) {
  const small =
    'eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn'.split(
      ' ',
    );
  const tens = 'zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig'.split(' ');
  const one = (/** @type {number} */ digit) => (digit === 1 ? 'ein' : small[digit - 1]);
  const hundreds = Math.floor(n / 100);
  const rest = n % 100;
  const before = hundreds > 0 ? `${one(hundreds)}hundert` : '';
  if (rest < 20) return before + (rest > 0 ? small[rest - 1] : '');
  return `${before}${rest % 10 > 0 ? `${one(rest % 10)}und` : ''}${tens[Math.floor(rest / 10) - 2]}`;
}

const pairs = Array.from({ length: largest }, (_, n) => ({ from: inEnglish(n + 1), to: inGerman(n + 1) }));
const next = random(1);
for (let n = pairs.length - 1; n > 0; n--) {
  const other = Math.floor(next() * (n + 1));
  [pairs[n], pairs[other]] = /** @type {[typeof pairs[0], typeof pairs[0]]} */ ([pairs[other], pairs[n]]);
}
const testCount = Math.ceil(pairs.length / 10);
const [testPairs, trainPairs] = [pairs.slice(0, testCount), pairs.slice(testCount)];
const sourceCharacters = [...new Set(pairs.flatMap(({ from }) => [...from, ' ']))].sort();
const targetCharacters = [START, END, ...[...new Set(pairs.flatMap(({ to }) => [...to]))].sort()];
const sourceLength = Math.max(...pairs.map(({ from }) => from.length));
const targetLength = Math.max(...pairs.map(({ to }) => to.length)) + 1;

/**
 * One-hot characters.
 * @param {readonly string[]} texts @param {number} length @param {readonly string[]} characters
 * @returns {Tensor} [texts, length, characters]
 */
function encode(texts, length, characters) {
  const buffer = tf.buffer([texts.length, length, characters.length]);
  for (const [n, text] of texts.entries()) {
    for (let t = 0; t < length; t++) buffer.set(1, n, t, characters.indexOf(text.charAt(t)));
  }
  return buffer.toTensor();
}

/** The inputs, right-aligned, so that the last character is next to the start of the decoder. @param {readonly string[]} texts */
const encodeSources = texts =>
  encode(
    texts.map(text => text.padStart(sourceLength)),
    sourceLength,
    sourceCharacters,
  );

/** What the decoder reads in training, and what it must write: the same, one character later. */
function trainingData() {
  const texts = trainPairs.map(({ to }) => to.padEnd(targetLength, END));
  const read = texts.map(text => START + text.slice(0, -1));
  return {
    source: encodeSources(trainPairs.map(({ from }) => from)),
    read: encode(read, targetLength, targetCharacters),
    write: encode(texts, targetLength, targetCharacters),
  };
}

// The layers are shared by three models: one to train, and one each for the encoder and the decoder.
const sourceInput = tf.input({ shape: [sourceLength, sourceCharacters.length] });
const targetInput = tf.input({ shape: [null, targetCharacters.length] });
const stateInputs = [tf.input({ shape: [units] }), tf.input({ shape: [units] })];
const encoderLayer = tf.layers.lstm({ units, recurrentInitializer: 'glorotNormal', returnState: true });
const decoderLayer = tf.layers.lstm({
  units,
  recurrentInitializer: 'glorotNormal',
  returnSequences: true,
  returnState: true,
});
const outputLayer = tf.layers.dense({ units: targetCharacters.length, activation: 'softmax' });

const [, ...encoded] = encoderLayer.apply(sourceInput);
/** @type {Outputs} */
const [trained] = decoderLayer.apply(targetInput, { initialState: encoded });
const model = tf.model({ inputs: [sourceInput, targetInput], outputs: outputLayer.apply(trained) });
const encoder = tf.model({ inputs: sourceInput, outputs: encoded });
/** @type {Outputs} */
const [sequence, ...states] = decoderLayer.apply(targetInput, { initialState: stateInputs });
const decoder = tf.model({
  inputs: [targetInput, ...stateInputs],
  outputs: [outputLayer.apply(sequence), ...states],
});
model.compile({ optimizer: tf.train.adam(rate), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });

/** @returns {Decoder} */
function decoderSteps() {
  if (name === 'lstm-wasm') {
    const stream = decoder.stream();
    const out = [targetCharacters.length, units, units].map(size => new Float32Array(size));
    return {
      step: input => /** @type {Float32Array} */ (stream.step(input, out)[0]),
      getStates: () => stream.getStates(),
      setStates: given => stream.setStates(given),
    };
  }
  // TensorFlow.js has no streams: states go in and out as tensors
  /** @type {Tensor[]} */
  let current = [];
  return {
    step(input) {
      const x = tf.tensor3d(input, [1, 1, input.length]);
      const [probabilities, ...after] = /** @type {[Tensor, ...Tensor[]]} */ (
        /** @type {unknown} */ (decoder.predict([x, ...current]))
      );
      current = after;
      return /** @type {Float32Array} */ (probabilities.dataSync());
    },
    getStates: () => [current],
    setStates([given = []]) {
      current = given;
    },
  };
}

const steps = decoderSteps();
const input = new Float32Array(targetCharacters.length);
let stepCount = 0;
let stepTime = 0;

/** The probabilities of the character after another. @param {number} character */
function step(character) {
  input.fill(0);
  input[character] = 1;
  const start = performance.now();
  const probabilities = steps.step(input);
  stepTime += performance.now() - start;
  stepCount++;
  return probabilities;
}

/** @param {string} text @returns {Tensor[]} the states of the encoder after a text */
const statesAfter = text => /** @type {Tensor[]} */ (/** @type {unknown} */ (encoder.predict(encodeSources([text]))));

/** Takes the most probable character at each step. @param {string} text */
function greedy(text) {
  steps.setStates([statesAfter(text)]);
  let translation = '';
  let character = targetCharacters.indexOf(START);
  for (let t = 0; t < targetLength; t++) {
    const probabilities = step(character);
    character = probabilities.indexOf(Math.max(...probabilities));
    if (targetCharacters[character] === END) break;
    translation += targetCharacters[character];
  }
  return translation;
}

/** Keeps the most probable beginnings at each step. @param {string} text */
function beamSearch(text) {
  let open = [{ characters: [targetCharacters.indexOf(START)], score: 0, states: [statesAfter(text)] }];
  /** @type {typeof open} */
  let finished = [];
  for (let t = 0; t < targetLength && open.length > 0; t++) {
    const longer = open.flatMap(({ characters, score, states: before }) => {
      steps.setStates(before);
      const probabilities = Array.from(step(/** @type {number} */ (characters.at(-1))));
      const after = steps.getStates();
      return probabilities.map((probability, character) => ({
        characters: [...characters, character],
        score: score + Math.log(probability + 1e-30),
        states: after,
      }));
    });
    const best = [...longer, ...finished].sort((a, b) => b.score - a.score).slice(0, beams);
    const isFinished = (/** @type {typeof open[0]} */ { characters }) =>
      targetCharacters[/** @type {number} */ (characters.at(-1))] === END;
    finished = best.filter(isFinished);
    open = best.filter(beam => !isFinished(beam));
  }
  const [best] = finished.length > 0 ? finished : open;
  return (best?.characters ?? [])
    .map(character => targetCharacters[character])
    .filter(character => character !== START && character !== END)
    .join('');
}

console.log(
  `${name} learns to translate numbers from 1 to ${largest}: ${trainPairs.length} in the training set, ${testCount} in the test set.`,
);
const { source, read, write } = trainingData();
const start = performance.now();
await model.fit([source, read], write, {
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

const results = testPairs.map(({ from, to }) =>
  tf.tidy(() => ({ from, to, greedy: greedy(from), beam: beamSearch(from) })),
);
for (const { from, to, greedy, beam } of results.slice(0, 8)) {
  const verdict = beam === to ? 'correct' : `wrong, expected ${to}`;
  console.log(`  ${from} = ${beam} ${verdict}${greedy === beam ? '' : ` (greedy: ${greedy})`}`);
}
const greedyShare = results.filter(({ to, greedy }) => greedy === to).length / testCount;
const beamShare = results.filter(({ to, beam }) => beam === to).length / testCount;
console.log(`${((1000 * stepTime) / stepCount).toFixed(1)} µs per step of the decoder, ${stepCount} steps`);
console.log(
  `Correct translations in the test set: greedy ${greedyShare.toFixed(3)}, ${beams} beams ${beamShare.toFixed(3)}`,
);
judge('Correct translations in the test set, beam search', beamShare, 'at least', quick ? 0.8 : 0.9);
