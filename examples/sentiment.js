/**
 * Sentiment analysis: classifies phrases as kind or unkind, with an embedding and a bidirectional LSTM.
 *
 *   node examples/sentiment.js [--quick] [--tfjs]
 *
 * The phrases are generated from a few dozen words so that counting kind words is not enough: "not" negates the word after it,
 * "nobody could say that" negates the whole phrase, and the word after "they promised something" does not matter.
 * Phrases differ in length; the rest is padding, which the embedding masks.
 */

import { backend, judge, progress, random } from './backend.js';

const { tf, name, quick, flag } = await backend(9);
const KIND = ['lovely', 'clever', 'warm', 'brilliant', 'honest', 'charming', 'moving', 'fresh', 'funny', 'tender'];
const UNKIND = ['dull', 'clumsy', 'cold', 'awful', 'false', 'tiresome', 'shallow', 'stale', 'loud', 'bitter'];
const THINGS = ['film', 'book', 'play', 'song', 'story', 'ending', 'meal', 'concert'];
const VERY = ['very', 'quite', 'really', 'rather'];
const PADDING = '';
const longest = 14;
const trainCount = quick ? 600 : 4000;
const testCount = quick ? 200 : 1000;
const epochs = Number(flag('epochs', '8'));

const next = random(17);
const pick = (/** @type {string[]} */ words) => words[Math.floor(next() * words.length)] ?? '';
const chance = (/** @type {number} */ share) => next() < share;

/** A random phrase, and whether it is kind. */
function phrase() {
  const kind = chance(0.5);
  const negated = chance(0.3);
  const adjective = pick(kind !== negated ? KIND : UNKIND);
  const words = ['the', pick(THINGS), 'was'];
  if (negated) words.push('not');
  if (chance(0.4)) words.push(pick(VERY));
  words.push(adjective);
  if (chance(0.25)) words.unshift('nobody', 'could', 'say', 'that');
  if (chance(0.3)) words.unshift('they', 'promised', 'something', pick(chance(0.5) ? KIND : UNKIND), 'but');
  return { words: words.slice(-longest), kind: words.includes('nobody') ? !kind : kind };
}

const phrases = Array.from({ length: trainCount + testCount }, phrase);
const vocabulary = [PADDING, ...new Set(phrases.flatMap(({ words }) => words).sort())];

/** @param {typeof phrases} batch */
function encode(batch) {
  const xs = tf.buffer([batch.length, longest]);
  const ys = tf.buffer([batch.length, 1]);
  for (const [n, { words, kind }] of batch.entries()) {
    for (const [t, word] of words.entries()) xs.set(vocabulary.indexOf(word), n, t);
    ys.set(kind ? 1 : 0, n, 0);
  }
  return { xs: xs.toTensor(), ys: ys.toTensor() };
}

const train = encode(phrases.slice(0, trainCount));
const testPhrases = phrases.slice(trainCount);
const test = encode(testPhrases);

const model = tf.sequential();
model.add(tf.layers.embedding({ inputDim: vocabulary.length, outputDim: 8, maskZero: true, inputLength: longest }));
model.add(
  tf.layers.bidirectional({
    layer: tf.layers.lstm({ units: quick ? 12 : 24, recurrentInitializer: 'glorotNormal' }),
    mergeMode: 'concat',
  }),
);
model.add(tf.layers.dense({ units: 1, activation: 'sigmoid' }));
model.compile({ optimizer: tf.train.adam(0.02), loss: 'binaryCrossentropy', metrics: ['accuracy'] });

console.log(
  `${name} learns from ${trainCount} phrases with a vocabulary of ${vocabulary.length - 1} words; the test set has ${testCount} phrases.`,
);
const start = performance.now();
await model.fit(train.xs, train.ys, {
  epochs,
  batchSize: 32,
  validationData: [test.xs, test.ys],
  verbose: 0,
  callbacks: {
    onEpochEnd: (epoch, logs) => {
      const [train, validation] = [logs?.acc, logs?.val_acc].map(acc => `${(100 * (acc ?? 0)).toFixed(1)} %`);
      progress(`epoch ${epoch + 1} of ${epochs}: accuracy ${train} in training, ${validation} in validation`, true);
    },
  },
});
console.log(`${((performance.now() - start) / 1000).toFixed(1)} s\n`);

const output = /** @type {import('lstm-wasm').Tensor} */ (model.predict(test.xs));
const probabilities = output.dataSync();
for (const [n, { words, kind }] of testPhrases.slice(0, 10).entries()) {
  const probability = probabilities[n] ?? 0;
  const error = probability > 0.5 === kind ? '' : `   wrong, it is ${kind ? 'kind' : 'unkind'}`;
  console.log(`${String(Math.round(100 * probability)).padStart(4)} % kind  ${words.join(' ')}${error}`);
}
const correct = testPhrases.filter(({ kind }, n) => (probabilities[n] ?? 0) > 0.5 === kind).length;
judge('Accuracy on the test set', correct / testCount, 'at least', quick ? 0.8 : 0.95);
