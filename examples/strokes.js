/**
 * Handwriting without times: a network reads the movements of a pen and writes the letters, with connectionist temporal
 * classification.
 *
 *   node examples/strokes.js [--units 32] [--epochs 16] [--beams 5] [--quick]
 *
 * The handwriting is synthetic. Letters are curves with some points; a writer joins them to words, with a slant, a size, a
 * speed and a trembling of the hand that differ from word to word. The network sees one movement of the pen at each time
 * step and is never told where a letter begins. TensorFlow.js has no such loss, so this example has no --tfjs.
 */

import { backend, judge, processorTime, progress, random } from './backend.js';

/** @typedef {[x: number, y: number]} Point */
/** @typedef {{ word: number[], steps: number[][] }} Sample */

const { tf, name, quick, flag } = await backend(4);
const units = Number(flag('units', quick ? '24' : '32'));
const epochs = Number(flag('epochs', '16'));
const batchSize = Number(flag('batch', quick ? '16' : '32'));
const rate = Number(flag('rate', '0.02'));
const beams = Number(flag('beams', '5'));
const [trainCount, testCount] = quick ? [640, 100] : [2000, 300];
const [shortest, longest] = [2, 5]; // letters of a word

/**
 * The letters, as points that the pen passes; each starts where the one before ends, at the line. Several begin alike, so
 * that a letter is known only by what follows.
 * @type {Record<string, Point[]>}
 */
const shapes = {
  c: points('.6 .9 | .2 .9 | 0 .4 | .3 0 | .7 0'),
  e: points('.5 .5 | .4 1 | .1 .9 | .1 .3 | .4 0 | .7 0'),
  i: points('.3 1 | .3 .2 | .5 0 | .6 0'),
  l: points('.4 1 | .4 2 | .2 2 | .2 .3 | .4 0 | .6 0'),
  m: points('.1 1 | .1 0 | .3 1 | .4 .9 | .4 0 | .6 1 | .7 .9 | .7 0 | .9 0'),
  n: points('.1 1 | .1 0 | .3 1 | .5 .9 | .5 0 | .7 0'),
  o: points('.6 .9 | .2 .9 | 0 .4 | .3 0 | .6 .5 | .5 .9 | .8 .8 | .9 0'),
  p: points('.2 1 | .2 -1 | .2 .5 | .5 1 | .7 .5 | .3 0 | .8 0'),
  t: points('.4 1 | .4 1.6 | .4 .2 | .6 0 | .8 0'),
  u: points('.1 1 | .1 .2 | .3 0 | .5 .3 | .5 1 | .5 0 | .7 0'),
};
const letters = Object.keys(shapes);
/** The class that stands for no letter; a letter has its index plus 1. */
const BLANK = 0;

/** @param {string} text @returns {Point[]} */
function points(text) {
  return text.split('|').map(point => /** @type {Point} */ (point.trim().split(' ').map(Number)));
}

const next = random(1);
const between = (/** @type {number} */ least, /** @type {number} */ most) => least + (most - least) * next();
const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());

/** Writes a random word, and returns how far the pen moves at each time step. @returns {Sample} */
function write() {
  const length = shortest + Math.floor((longest - shortest + 1) * next());
  const word = Array.from({ length }, () => 1 + Math.floor(letters.length * next()));
  const [slant, size, speed] = [between(-0.2, 0.4), between(0.8, 1.25), between(0.35, 0.6)];
  /** @type {Point[]} */
  const path = [];
  /** @type {Point} */
  let pen = [0, 0];
  for (const label of word) {
    const start = pen[0];
    const wide = between(0.85, 1.2);
    for (const [x, y] of shapes[letters[label - 1] ?? ''] ?? []) {
      const [toX, toY] = [start + wide * x + 0.04 * normal(), y + 0.04 * normal()];
      const distance = Math.hypot(toX - pen[0], toY - pen[1]);
      // The pen is faster on a long way
      const count = Math.max(1, Math.round(distance / (speed * between(0.7, 1.3) * (0.6 + 0.4 * distance))));
      for (let n = 1; n <= count; n++) {
        path.push([pen[0] + ((toX - pen[0]) * n) / count, pen[1] + ((toY - pen[1]) * n) / count]);
      }
      pen = [toX, toY];
    }
  }
  const slanted = path.map(([x, y]) => [size * (x + slant * y) + 0.02 * normal(), size * y + 0.02 * normal()]);
  const steps = slanted.map(([x = 0, y = 0], n) => {
    const [lastX = 0, lastY = 0] = slanted[n - 1] ?? [];
    return [(x - lastX) / 0.3, (y - lastY) / 0.3]; // most between -1 and 1
  });
  return { word, steps };
}

const samples = Array.from({ length: trainCount + testCount }, write);
const [testSet, trainSet] = [samples.slice(0, testCount), samples.slice(testCount)];
const mostSteps = Math.max(...samples.map(({ steps }) => steps.length));

/** Movements, with zeros behind the end of a word, which the layer `masking` leaves out. @param {readonly Sample[]} set */
function movementsOf(set) {
  const buffer = tf.buffer([set.length, mostSteps, 2]);
  for (const [n, { steps }] of set.entries()) {
    for (const [t, step] of steps.entries()) for (const [axis, value] of step.entries()) buffer.set(value, n, t, axis);
  }
  return buffer.toTensor();
}

/** Letters, with blanks behind the last. @param {readonly Sample[]} set */
function labelsOf(set) {
  const labels = set.flatMap(({ word }) => Array.from({ length: longest }, (_, n) => word[n] ?? BLANK));
  return tf.tensor2d(labels, [set.length, longest]);
}

/** The insertions, deletions and substitutions between two words. @param {number[]} a @param {number[]} b */
function editDistance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (const [i, label] of a.entries()) {
    const below = [i + 1];
    for (const [j, other] of b.entries()) {
      const [replaced = 0, removed = 0, added = 0] = [row[j], row[j + 1], below[j]];
      below.push(Math.min(replaced + Number(label !== other), removed + 1, added + 1));
    }
    row = below;
  }
  return row.at(-1) ?? 0;
}

/** The share of letters that are wrong, missing or too many. @param {readonly number[][]} read */
function errorRate(read) {
  const errors = testSet.reduce((sum, { word }, n) => sum + editDistance(word, read[n] ?? []), 0);
  return errors / testSet.reduce((sum, { word }) => sum + word.length, 0);
}

const spell = (/** @type {readonly number[]} */ word) => word.map(label => letters[label - 1]).join('');

if (name === 'lstm-wasm') await main();
else {
  console.error('TensorFlow.js has no loss for labels without times (CTC); run this example without --tfjs.');
  process.exitCode = 1;
}

async function main() {
  const { layers } = tf;
  const model = tf.sequential();
  model.add(layers.masking({ maskValue: 0, inputShape: [mostSteps, 2] }));
  model.add(layers.bidirectional({ layer: layers.lstm({ units, returnSequences: true }), mergeMode: 'concat' }));
  model.add(layers.timeDistributed({ layer: layers.dense({ units: letters.length + 1, activation: 'softmax' }) }));
  model.compile({ optimizer: tf.train.adam(rate), loss: tf.losses.ctc({ blank: BLANK }) });

  console.log(
    `${name} learns to read the letters ${letters.join('')}: ${trainCount} words, at most ${mostSteps} steps long.`,
  );
  const elapsed = processorTime();
  await model.fit(movementsOf(trainSet), labelsOf(trainSet), {
    epochs,
    batchSize,
    verbose: 0,
    callbacks: {
      onEpochEnd: (epoch, logs) =>
        progress(`epoch ${epoch + 1} of ${epochs}, loss ${(logs?.loss ?? 0).toFixed(3)}`, epoch + 1 === epochs),
    },
  });
  const seconds = elapsed();
  console.log(`${seconds.toFixed(2)} s of processor time, ${((1000 * seconds) / epochs).toFixed(0)} ms per epoch\n`);

  const lengths = testSet.map(({ steps }) => steps.length);
  const probabilities = model.predict(movementsOf(testSet));
  const greedy = tf.ctcGreedyDecode(probabilities, { blank: BLANK, lengths });
  const beam = tf.ctcBeamDecode(probabilities, { blank: BLANK, lengths, beams }).map(found => found[0]?.labels ?? []);
  for (const [n, { word, steps }] of testSet.slice(0, 8).entries()) {
    const [read, right] = [spell(greedy[n] ?? []), spell(word)];
    console.log(`  ${steps.length} movements: ${read} ${read === right ? 'correct' : `wrong, expected ${right}`}`);
  }
  const correct = testSet.filter(({ word }, n) => spell(greedy[n] ?? []) === spell(word)).length;
  console.log(`${correct} of ${testCount} words in the test set are correct.`);
  console.log(`Label error rate with ${beams} beams: ${errorRate(beam).toFixed(3)}`);
  judge('Label error rate in the test set, greedy decoding', errorRate(greedy), 'at most', quick ? 0.2 : 0.05);
}
