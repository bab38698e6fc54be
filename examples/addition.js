/**
 * Sequence to sequence: a network reads "12+345" character by character, and predicts the characters of the sum, "357 ".
 *
 *   node examples/addition.js [--cell lstm|gru|simpleRNN] [--below 100] [--quick] [--tfjs]
 *
 * An encoder turns the question into one vector, which is repeated for each character of the answer; a decoder turns it into
 * characters. The network only sees characters, not numbers. All three kinds of cells are trained, unless --cell names one.
 */

import { backend, judge, progress, random } from './backend.js';

const { tf, name, quick, flag } = await backend(3);
const MAX_SUMS = 20_000;
const CHARACTERS = '0123456789+ ';
const below = Number(flag('below', quick ? '25' : '100'));
const units = Number(flag('units', quick ? '32' : '128'));
const epochs = Number(flag('epochs', quick ? '30' : '60'));
const batchSize = Number(flag('batch', quick ? '32' : '64'));
const rate = Number(flag('rate', '0.01'));
const questionLength = 2 * `${below - 1}`.length + 1;
const answerLength = `${2 * (below - 1)}`.length;
const cells = flag('cell', 'lstm,gru,simpleRNN').split(',');

/** All sums in random order, or a random sample of MAX_SUMS. */
function sums() {
  const next = random(1);
  /** @type {Map<string, string>} */
  const sumOf = new Map();
  while (sumOf.size < Math.min(below * below, MAX_SUMS)) {
    const [a, b] = [Math.floor(next() * below), Math.floor(next() * below)];
    sumOf.set(`${a}+${b}`.padEnd(questionLength), `${a + b}`.padEnd(answerLength));
  }
  return [...sumOf];
}

/**
 * One-hot characters.
 * @param {string[]} texts all of the same length
 * @returns {import('lstm-wasm').Tensor} [texts, length, characters]
 */
function encode(texts) {
  const length = texts[0]?.length ?? 0;
  const buffer = tf.buffer([texts.length, length, CHARACTERS.length]);
  for (const [n, text] of texts.entries()) {
    for (let t = 0; t < length; t++) buffer.set(1, n, t, CHARACTERS.indexOf(text.charAt(t)));
  }
  return buffer.toTensor();
}

/** @param {import('lstm-wasm').Tensor} probabilities [texts, length, characters] */
function decode(probabilities) {
  const best = /** @type {number[][]} */ (probabilities.argMax(-1).arraySync());
  return best.map(row => row.map(index => CHARACTERS.charAt(index)).join(''));
}

/** @param {string} cell */
function createModel(cell) {
  const layerOf = {
    lstm: tf.layers.lstm,
    gru: tf.layers.gru,
    simpleRNN: tf.layers.simpleRNN,
  }[cell];
  if (!layerOf) throw new Error(`--cell must be lstm, gru or simpleRNN, got '${cell}'`);
  const model = tf.sequential();
  model.add(layerOf({ units, recurrentInitializer: 'glorotNormal', inputShape: [questionLength, CHARACTERS.length] }));
  model.add(tf.layers.repeatVector({ n: answerLength }));
  model.add(layerOf({ units, recurrentInitializer: 'glorotNormal', returnSequences: true }));
  model.add(tf.layers.timeDistributed({ layer: tf.layers.dense({ units: CHARACTERS.length, activation: 'softmax' }) }));
  model.compile({ loss: 'categoricalCrossentropy', optimizer: tf.train.adam(rate), metrics: ['accuracy'] });
  return model;
}

const all = sums();
const testCount = Math.ceil(all.length / 10);
const [testSums, trainSums] = [all.slice(0, testCount), all.slice(testCount)];
const trainXs = encode(trainSums.map(([question]) => question));
const trainYs = encode(trainSums.map(([, answer]) => answer));
const testXs = encode(testSums.map(([question]) => question));
const testYs = encode(testSums.map(([, answer]) => answer));

console.log(
  `${name} learns to add numbers below ${below}: ${trainSums.length} sums in the training set, ${testCount} in the test set.`,
);

let worst = 1;
for (const cell of cells) {
  const model = createModel(cell);
  const start = performance.now();
  await model.fit(trainXs, trainYs, {
    epochs,
    batchSize,
    validationData: [testXs, testYs],
    verbose: 0,
    callbacks: {
      onEpochEnd: (epoch, logs) => {
        const { loss = 0, acc = 0, val_acc = 0 } = logs ?? {};
        const accuracy = `correct characters: ${percent(acc)} in training, ${percent(val_acc)} in validation`;
        progress(
          `${cell}: epoch ${epoch + 1} of ${epochs}, loss ${loss.toFixed(4)}, ${accuracy}`,
          epoch + 1 === epochs,
        );
      },
    },
  });
  const seconds = (performance.now() - start) / 1000;
  const answers = decode(/** @type {import('lstm-wasm').Tensor} */ (model.predict(testXs)));
  const correct = answers.filter((answer, n) => answer === testSums[n]?.[1]).length;
  const characters = answers.flatMap((answer, n) => Array.from(answer, (c, t) => c === testSums[n]?.[1].charAt(t)));
  for (const [n, [question, answer]] of testSums.slice(0, 6).entries()) {
    const predicted = answers[n] ?? '';
    console.log(`  ${question} = ${predicted} ${predicted === answer ? 'correct' : `wrong, expected ${answer}`}`);
  }
  console.log(`  ${correct} of ${testCount} sums correct after ${seconds.toFixed(1)} s`);
  worst = Math.min(worst, characters.filter(Boolean).length / characters.length);
  model.dispose();
}

judge('Share of correct characters in the test set, worst cell', worst, 'at least', quick ? 0.5 : 0.9);

/** @param {number} share */
function percent(share) {
  return `${(100 * share).toFixed(0)} %`;
}
