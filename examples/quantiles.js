/**
 * Forecasts with intervals: an LSTM predicts quantiles of the load of a grid for each of the next 24 hours.
 *
 *   node examples/quantiles.js [--units 32] [--epochs 15] [--custom] [--quick] [--tfjs [wasm]]
 *
 * The load is synthetic: a daily and a weekly cycle, weather that changes slowly, and noise that is larger by day and grows
 * with the load, so that one width does not fit all hours. The baseline is the load of the same hour a week before, with the quantiles
 * of its own errors. lstm-wasm trains with `losses.pinball`; TensorFlow.js has none, and trains with a function of two
 * tensors. With `--custom`, lstm-wasm trains with the same function.
 */

import { backend, judge, processorTime, progress, random } from './backend.js';

/** @typedef {import('lstm-wasm').Tensor} Tensor */

const { tf, name, quick, flag } = await backend(6);
const units = Number(flag('units', quick ? '16' : '32'));
const epochs = Number(flag('epochs', quick ? '10' : '15'));
const batchSize = Number(flag('batch', quick ? '32' : '64'));
const rate = Number(flag('rate', '0.005'));
const LEVELS = [0.1, 0.5, 0.9];
const DAY = 24;
const WEEK = 7 * DAY;
const LOOK_BACK = quick ? DAY : 2 * DAY; // hours
const hours = WEEK * (quick ? 20 : 80);

/** The load of each hour. */
function makeLoad() {
  const next = random(21);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  let weather = 0;
  return Array.from({ length: hours }, (_, hour) => {
    const ofDay = (2 * Math.PI * (hour % DAY)) / DAY;
    const isWeekend = hour % WEEK >= 5 * DAY;
    weather = 0.97 * weather + 0.6 * normal();
    const daily = -12 * Math.cos(ofDay - 0.5) - 4 * Math.cos(2 * ofDay + 0.8);
    const base = 50 + weather + (isWeekend ? 0.5 : 1) * daily - (isWeekend ? 6 : 0);
    const deviation = 0.03 * base * (0.4 + Math.max(0, -Math.cos(ofDay - 0.5)));
    return base + deviation * normal();
  });
}

const load = makeLoad();
const loadAt = (/** @type {number} */ hour) => load[hour] ?? Number.NaN;
const [trainEnd, validationEnd] = [Math.floor(0.7 * hours), Math.floor(0.8 * hours)];
const trainLoad = load.slice(0, trainEnd);
const mean = trainLoad.reduce((a, b) => a + b) / trainEnd;
const deviation = Math.sqrt(trainLoad.reduce((sum, value) => sum + (value - mean) ** 2, 0) / trainEnd);
const scaled = (/** @type {number} */ hour) => (loadAt(hour) - mean) / deviation;

/** The hours from which a day is forecast, between two hours. @param {number} from @param {number} to @param {number} step */
function starts(from, to, step) {
  return Array.from({ length: Math.floor((to - DAY - from) / step) + 1 }, (_, n) => from + n * step);
}

/**
 * The hours before each start, and the day from it on. A step has the load, the load of the day ahead a week before, and the
 * position in the day and in the week.
 * @param {readonly number[]} from
 */
function windows(from) {
  const xs = from.flatMap(start =>
    Array.from({ length: LOOK_BACK }, (_, t) => {
      const hour = start - LOOK_BACK + t;
      const angle = (2 * Math.PI * hour) / DAY;
      const isWeekend = (hour + DAY) % WEEK >= 5 * DAY;
      return [scaled(hour), scaled(hour + DAY - WEEK), Math.sin(angle), Math.cos(angle), Number(isWeekend)];
    }).flat(),
  );
  const ys = from.flatMap(start => Array.from({ length: DAY }, (_, t) => scaled(start + t)));
  return { xs: tf.tensor3d(xs, [from.length, LOOK_BACK, 5]), ys: tf.tensor2d(ys, [from.length, DAY]) };
}

const first = WEEK + LOOK_BACK;
const trainStarts = starts(first, trainEnd, quick ? 2 : 3);
const testStarts = starts(validationEnd, hours, quick ? 7 : 11);
const [train, validation, test] = [trainStarts, starts(trainEnd, validationEnd, 5), testStarts].map(windows);
if (!train || !validation || !test) throw new Error('no windows');

/**
 * The pinball loss, as a function of two tensors: the predictions for the first hour come first, one for each level.
 * @param {Tensor} yTrue [batch, outputs in all] @param {Tensor} yPred
 */
function pinball(yTrue, yPred) {
  const error = tf.sub(yTrue, yPred);
  const levels = tf.tile(tf.tensor2d(LEVELS, [1, LEVELS.length]), [1, DAY]);
  return tf.mean(tf.maximum(tf.mul(error, levels), tf.mul(error, tf.sub(levels, 1))), -1);
}

/** The targets for `pinball`, repeated for each level: those of a function have the shape of the output. @param {Tensor} ys */
const repeated = ys => tf.reshape(tf.tile(tf.expandDims(ys, -1), [1, 1, LEVELS.length]), [-1, DAY * LEVELS.length]);

const isCustom = name !== 'lstm-wasm' || process.argv.includes('--custom');
const { layers } = tf;
const model = tf.sequential();
// Where the defaults of TensorFlow.js differ, the options name those of lstm-wasm, so that both train the same network
model.add(
  layers.lstm({
    units,
    recurrentActivation: 'sigmoid',
    recurrentInitializer: 'glorotNormal',
    inputShape: [LOOK_BACK, 5],
  }),
);
model.add(layers.dense({ units: DAY * LEVELS.length }));
model.compile({ optimizer: tf.train.adam(rate), loss: isCustom ? pinball : tf.losses.pinball({ levels: LEVELS }) });

console.log(
  `${name} trains on ${trainStarts.length} windows of ${LOOK_BACK} hours, with ${isCustom ? 'a function of two tensors' : 'losses.pinball'}.`,
);
const elapsed = processorTime();
const targetsOf = (/** @type {Tensor} */ ys) => (isCustom ? repeated(ys) : ys);
await model.fit(train.xs, targetsOf(train.ys), {
  epochs,
  batchSize,
  validationData: [validation.xs, targetsOf(validation.ys)],
  verbose: 0,
  callbacks: {
    onEpochEnd: (epoch, logs) => {
      const { loss = 0, val_loss = 0 } = logs ?? {};
      const losses = `pinball loss ${loss.toFixed(4)} in training, ${val_loss.toFixed(4)} in validation`;
      progress(`epoch ${epoch + 1} of ${epochs}: ${losses}`, epoch + 1 === epochs);
    },
  },
});
const seconds = elapsed();
console.log(`${seconds.toFixed(2)} s of processor time, ${((1000 * seconds) / epochs).toFixed(0)} ms per epoch\n`);

/** A forecast of a number: its quantiles, one for each level. @typedef {number[]} Quantiles */

const output = /** @type {Tensor} */ (model.predict(test.xs)).dataSync();
const actual = testStarts.flatMap(start => Array.from({ length: DAY }, (_, t) => loadAt(start + t)));
/** @type {Quantiles[]} */
const forecasts = actual.map((_, n) =>
  LEVELS.map((_, k) => (output[n * LEVELS.length + k] ?? 0) * deviation + mean).sort((a, b) => a - b),
);

/** The load a week before, plus the quantiles of what it was wrong by in the training set. */
const errors = trainLoad
  .slice(WEEK)
  .map((value, n) => value - loadAt(n))
  .sort((a, b) => a - b);
const offsets = LEVELS.map(level => errors[Math.round(level * (errors.length - 1))] ?? 0);
const naive = testStarts.flatMap(start =>
  Array.from({ length: DAY }, (_, t) => offsets.map(offset => loadAt(start + t - WEEK) + offset)),
);

console.log(`hour   load   ${LEVELS.map(level => `${100 * level} %`.padStart(6)).join(' ')}`);
for (let t = 0; t < DAY; t += 3) {
  const quantiles = (forecasts[t] ?? []).map(value => value.toFixed(1).padStart(6));
  console.log(`${`${t}`.padStart(4)} ${(actual[t] ?? 0).toFixed(1).padStart(6)}   ${quantiles.join(' ')}`);
}

/** Pinball loss, coverage and width of the outer quantiles, and error of the median. @param {readonly Quantiles[]} predicted */
function scoresOf(predicted) {
  const average = (/** @type {(quantiles: Quantiles, value: number) => number} */ score) =>
    predicted.reduce((sum, quantiles, n) => sum + score(quantiles, actual[n] ?? Number.NaN), 0) / predicted.length;
  return {
    pinball: average((quantiles, value) => {
      const losses = quantiles.map((quantile, k) =>
        Math.max((value - quantile) * (LEVELS[k] ?? 0), (value - quantile) * ((LEVELS[k] ?? 0) - 1)),
      );
      return losses.reduce((a, b) => a + b) / losses.length;
    }),
    coverage: average(([low = 0, , high = 0], value) => Number(low <= value && value <= high)),
    width: average(([low = 0, , high = 0]) => high - low),
    error: average(([, median = 0], value) => Math.abs(value - median)),
  };
}

console.log('\nIn the test set:       pinball loss   coverage of 80 %   width   absolute error of the median');
const scores = scoresOf(forecasts);
const ofNaive = scoresOf(naive);
for (const [title, { pinball, coverage, width, error }] of Object.entries({
  [name]: scores,
  'a week before': ofNaive,
})) {
  const cells = [pinball.toFixed(3).padStart(12), `${(100 * coverage).toFixed(1)} %`.padStart(18)];
  console.log(
    `  ${title.padEnd(20)} ${cells.join(' ')} ${width.toFixed(2).padStart(7)} ${error.toFixed(2).padStart(14)}`,
  );
}
judge('Distance of the coverage from 0.8', Math.abs(scores.coverage - 0.8), 'at most', quick ? 0.12 : 0.06);
judge('Pinball loss relative to the baseline', scores.pinball / ofNaive.pinball, 'at most', 0.7);
