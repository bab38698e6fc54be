/**
 * Forecasting from several features: a GRU predicts the temperature in 12 hours from three days of weather.
 *
 *   node examples/weather.js [--quick] [--tfjs]
 *
 * The weather is synthetic: yearly and daily cycles, random fronts, and pressure, humidity and wind, of which pressure and wind
 * react to a front before the temperature does. The model trains on a stream of windows with fitDataset. It is compared
 * with two baselines: the current temperature, and the temperature at the same hour of the day before.
 */

import { backend, dataset, judge, progress, random } from './backend.js';

const { tf, name, quick, flag } = await backend(7);
const FEATURES = ['temperature', 'pressure', 'humidity', 'wind', 'sine of the hour', 'cosine of the hour'];
const EVERY = 2; // hours between the readings of a window
const AHEAD = 12; // hours
const lookBack = quick ? 24 : 72; // hours
const steps = lookBack / EVERY;
const hours = 24 * (quick ? 200 : 1500);
const units = quick ? 16 : 32;
const epochs = Number(flag('epochs', quick ? '4' : '10'));
const batchesPerEpoch = quick ? 40 : 200;
const batchSize = quick ? 32 : 64;

/** Readings of each hour, [hours][features]. */
function makeWeather() {
  const next = random(11);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  /** The pressure changes AHEAD hours before a front arrives. */
  const fronts = [0];
  for (let hour = 1; hour < hours + AHEAD; hour++) fronts.push(0.985 * (fronts.at(-1) ?? 0) + 0.17 * normal());
  return Array.from({ length: hours }, (_, hour) => {
    const day = (2 * Math.PI * hour) / 24;
    const year = day / 365;
    const front = fronts[hour] ?? 0;
    const futureFront = fronts[hour + AHEAD] ?? 0;
    const temperature = 10 - 9 * Math.cos(year) - (4 - 2 * front) * Math.cos(day - 0.6) + 5 * front + 0.3 * normal();
    const pressure = 1013 + 8 * futureFront + normal();
    const humidity = 65 - 12 * front + 8 * Math.cos(day - 0.6) + 2 * normal();
    const wind = Math.abs(4 + 6 * (futureFront - front) + normal());
    return [temperature, pressure, humidity, wind, Math.sin(day), Math.cos(day)];
  });
}

const weather = makeWeather();
const trainEnd = Math.floor(hours * 0.8);

/** Mean and standard deviation of each feature in the training set. */
const scale = FEATURES.map((_, feature) => {
  const values = weather.slice(0, trainEnd).map(reading => reading[feature] ?? 0);
  const mean = values.reduce((a, b) => a + b) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return { mean, deviation };
});
const degrees = scale[0] ?? { mean: 0, deviation: 1 };
const temperatureAt = (/** @type {number} */ hour) => weather[hour]?.[0] ?? Number.NaN;

/**
 * Windows that end at the given hours, and the temperature AHEAD hours later, both standardized.
 * @param {number[]} ends
 */
function windows(ends) {
  const xs = tf.buffer([ends.length, steps, FEATURES.length]);
  const ys = tf.buffer([ends.length, 1]);
  for (const [n, end] of ends.entries()) {
    for (let t = 0; t < steps; t++) {
      const reading = weather[end - EVERY * (steps - 1 - t)] ?? [];
      for (const [f, { mean, deviation }] of scale.entries()) xs.set(((reading[f] ?? 0) - mean) / deviation, n, t, f);
    }
    ys.set((temperatureAt(end + AHEAD) - degrees.mean) / degrees.deviation, n, 0);
  }
  return { xs: xs.toTensor(), ys: ys.toTensor() };
}

/** An endless sequence of batches of random windows. */
function* shuffledWindows() {
  const next = random(13);
  const hour = () => lookBack + Math.floor(next() * (trainEnd - AHEAD - lookBack));
  while (true) yield windows(Array.from({ length: batchSize }, hour));
}

const testEnds = Array.from({ length: quick ? 200 : 1000 }, (_, n) => {
  const first = trainEnd + lookBack;
  return first + Math.floor((n * (hours - AHEAD - first)) / (quick ? 200 : 1000));
});
const test = windows(testEnds);

const model = tf.sequential();
model.add(tf.layers.gru({ units, recurrentInitializer: 'glorotNormal', inputShape: [steps, FEATURES.length] }));
model.add(tf.layers.dense({ units: 1 }));
model.compile({ optimizer: tf.train.adam(0.01), loss: 'meanAbsoluteError' });

console.log(`${name} trains on the weather of ${Math.round(trainEnd / 24)} days: ${FEATURES.join(', ')}.`);
let epochOf = 0;
const start = performance.now();
await model.fitDataset(dataset(shuffledWindows), {
  epochs,
  batchesPerEpoch,
  validationData: [test.xs, test.ys],
  verbose: 0,
  callbacks: {
    onEpochBegin: epoch => {
      epochOf = epoch + 1;
    },
    onBatchEnd: (batch, logs) => {
      const error = (logs?.loss ?? 0) * degrees.deviation;
      progress(
        `epoch ${epochOf} of ${epochs}, batch ${batch + 1} of ${batchesPerEpoch}, error ${error.toFixed(2)} °C`,
        false,
      );
    },
    onEpochEnd: (epoch, logs) => {
      const [train, validation] = [logs?.loss, logs?.val_loss].map(loss =>
        ((loss ?? 0) * degrees.deviation).toFixed(2),
      );
      progress(`epoch ${epoch + 1} of ${epochs}: error ${train} °C in training, ${validation} °C in validation`, true);
    },
  },
});
console.log(`${((performance.now() - start) / 1000).toFixed(1)} s\n`);

const output = /** @type {import('lstm-wasm').Tensor} */ (model.predict(test.xs));
const forecasts = Array.from(output.dataSync(), value => value * degrees.deviation + degrees.mean);
const baselines = {
  'the current temperature': testEnds.map(temperatureAt),
  'the temperature at that hour of the day before': testEnds.map(end => temperatureAt(end + AHEAD - 24)),
};
const actual = testEnds.map(end => temperatureAt(end + AHEAD));

console.log('day   hour   now      in 12 hours  forecast');
for (let n = 0; n < testEnds.length; n += testEnds.length / 8) {
  const end = testEnds[n] ?? 0;
  const row = [temperatureAt(end), actual[n], forecasts[n]].map(value => (value ?? 0).toFixed(1).padStart(6));
  console.log(
    `${String(Math.floor(end / 24)).padEnd(6)}${String(end % 24).padEnd(6)}${row[0]}   ${row[1]}       ${row[2]}`,
  );
}

console.log('\nMean absolute error in the test set:');
const modelError = meanAbsoluteError(forecasts);
console.log(`  ${modelError.toFixed(2)} °C  ${name}`);
const best = Math.min(
  ...Object.entries(baselines).map(([baseline, predicted]) => {
    console.log(`  ${meanAbsoluteError(predicted).toFixed(2)} °C  ${baseline}`);
    return meanAbsoluteError(predicted);
  }),
);
judge('Error relative to the best baseline', modelError / best, 'at most', quick ? 0.7 : 0.55);

/** @param {number[]} predicted in °C */
function meanAbsoluteError(predicted) {
  return predicted.reduce((sum, value, n) => sum + Math.abs(value - (actual[n] ?? 0)), 0) / predicted.length;
}
