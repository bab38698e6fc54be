/**
 * Sentiment: is a phrase kind or unkind? An embedding and a bidirectional LSTM read it from both sides.
 *
 *   node examples/sentiment.js [--quick] [--tfjs]
 *
 * The phrases are made up from a few dozen words, so that counting kind words is not enough: "not" turns round what
 * follows it, "nobody could call it" turns round what follows later, and what "they promised" says nothing about what came of it.
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

/** A phrase and whether it is kind. */
function phrase() {
  const kind = chance(0.5);
  const turned = chance(0.3);
  const adjective = pick(kind !== turned ? KIND : UNKIND);
  const words = ['the', pick(THINGS), 'was'];
  if (turned) words.push('not');
  if (chance(0.4)) words.push(pick(VERY));
  words.push(adjective);
  if (chance(0.25)) words.unshift('nobody', 'could', 'say', 'that');
  if (chance(0.3)) words.unshift('they', 'promised', 'something', pick(chance(0.5) ? KIND : UNKIND), 'but');
  return { words: words.slice(-longest), kind: words.includes('nobody') ? !kind : kind };
}

const phrases = Array.from({ length: trainCount + testCount }, phrase);
const vocabulary = [PADDING, ...new Set(phrases.flatMap(({ words }) => words).sort())];

/** @param {typeof phrases} some */
function encode(some) {
  const xs = tf.buffer([some.length, longest]);
  const ys = tf.buffer([some.length, 1]);
  for (const [n, { words, kind }] of some.entries()) {
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
  `${name} reads ${trainCount} phrases of ${vocabulary.length - 1} words and is asked about ${testCount} others.`,
);
const start = performance.now();
await model.fit(train.xs, train.ys, {
  epochs,
  batchSize: 32,
  validationData: [test.xs, test.ys],
  verbose: 0,
  callbacks: {
    onEpochEnd: (epoch, logs) => {
      const [seen, unseen] = [logs?.acc, logs?.val_acc].map(share => `${(100 * (share ?? 0)).toFixed(1)} %`);
      progress(`epoch ${epoch + 1} of ${epochs}: right about ${seen}, about ${unseen} of those not seen`, true);
    },
  },
});
console.log(`${((performance.now() - start) / 1000).toFixed(1)} s\n`);

const output = /** @type {import('lstm-wasm').Tensor} */ (model.predict(test.xs));
const guesses = output.dataSync();
for (const [n, { words, kind }] of testPhrases.slice(0, 10).entries()) {
  const guess = guesses[n] ?? 0;
  const verdict = guess > 0.5 === kind ? '' : `   but it is ${kind ? 'kind' : 'unkind'}`;
  console.log(`${String(Math.round(100 * guess)).padStart(4)} % kind  ${words.join(' ')}${verdict}`);
}
const right = testPhrases.filter(({ kind }, n) => (guesses[n] ?? 0) > 0.5 === kind).length;
judge('Share of unseen phrases it is right about', right / testCount, 'at least', quick ? 0.8 : 0.95);
