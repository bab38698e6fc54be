/**
 * Forecasting several quantities at once: a GRU reads three days of weather and says how warm it will be in 12 hours.
 *
 *   node examples/weather.js [--quick] [--tfjs]
 *
 * The weather is made up: a year and a day of the sun, fronts that come and go at random, and pressure, humidity and wind
 * that know of the fronts before the thermometer does. It is read from a stream of windows with fitDataset. Two guesses
 * that need no network are the rivals: as warm as now, and as warm as 12 hours before the time asked for, one day earlier.
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
  /** A front announces itself in the pressure half a day before it arrives. */
  const fronts = [0];
  for (let hour = 1; hour < hours + AHEAD; hour++) fronts.push(0.985 * (fronts.at(-1) ?? 0) + 0.17 * normal());
  return Array.from({ length: hours }, (_, hour) => {
    const day = (2 * Math.PI * hour) / 24;
    const year = day / 365;
    const front = fronts[hour] ?? 0;
    const coming = fronts[hour + AHEAD] ?? 0;
    const temperature = 10 - 9 * Math.cos(year) - (4 - 2 * front) * Math.cos(day - 0.6) + 5 * front + 0.3 * normal();
    const pressure = 1013 + 8 * coming + normal();
    const humidity = 65 - 12 * front + 8 * Math.cos(day - 0.6) + 2 * normal();
    const wind = Math.abs(4 + 6 * (coming - front) + normal());
    return [temperature, pressure, humidity, wind, Math.sin(day), Math.cos(day)];
  });
}

const weather = makeWeather();
const trainEnd = Math.floor(hours * 0.8);

/** Mean and deviation of each feature, over the hours to learn from. */
const scale = FEATURES.map((_, feature) => {
  const values = weather.slice(0, trainEnd).map(reading => reading[feature] ?? 0);
  const mean = values.reduce((a, b) => a + b) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return { mean, deviation };
});
const degrees = scale[0] ?? { mean: 0, deviation: 1 };
const temperatureAt = (/** @type {number} */ hour) => weather[hour]?.[0] ?? Number.NaN;

/**
 * Windows that end at these hours, and the temperature AHEAD of each, both in deviations from the mean.
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

/** Batches of windows at random, without end. */
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

console.log(`${name} learns the weather of ${Math.round(trainEnd / 24)} days: ${FEATURES.join(', ')}.`);
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
      const off = (logs?.loss ?? 0) * degrees.deviation;
      progress(
        `epoch ${epochOf} of ${epochs}, batch ${batch + 1} of ${batchesPerEpoch}, off by ${off.toFixed(2)} °C`,
        false,
      );
    },
    onEpochEnd: (epoch, logs) => {
      const [seen, unseen] = [logs?.loss, logs?.val_loss].map(loss => ((loss ?? 0) * degrees.deviation).toFixed(2));
      progress(`epoch ${epoch + 1} of ${epochs}: off by ${seen} °C, by ${unseen} °C on days not seen`, true);
    },
  },
});
console.log(`${((performance.now() - start) / 1000).toFixed(1)} s\n`);

const output = /** @type {import('lstm-wasm').Tensor} */ (model.predict(test.xs));
const forecasts = Array.from(output.dataSync(), value => value * degrees.deviation + degrees.mean);
const rivals = {
  'as warm as now': testEnds.map(temperatureAt),
  'as warm as at that hour the day before': testEnds.map(end => temperatureAt(end + AHEAD - 24)),
};
const truth = testEnds.map(end => temperatureAt(end + AHEAD));

console.log('day   hour   now      in 12 hours  forecast');
for (let n = 0; n < testEnds.length; n += testEnds.length / 8) {
  const end = testEnds[n] ?? 0;
  const row = [temperatureAt(end), truth[n], forecasts[n]].map(value => (value ?? 0).toFixed(1).padStart(6));
  console.log(
    `${String(Math.floor(end / 24)).padEnd(6)}${String(end % 24).padEnd(6)}${row[0]}   ${row[1]}       ${row[2]}`,
  );
}

console.log('\nOff by, on the average:');
const own = offBy(forecasts);
console.log(`  ${own.toFixed(2)} °C  ${name}`);
const best = Math.min(
  ...Object.entries(rivals).map(([what, guesses]) => {
    console.log(`  ${offBy(guesses).toFixed(2)} °C  ${what}`);
    return offBy(guesses);
  }),
);
judge('Error as a share of that of the best simple guess', own / best, 'at most', quick ? 0.7 : 0.55);

/** @param {number[]} guesses degrees */
function offBy(guesses) {
  return guesses.reduce((sum, guess, n) => sum + Math.abs(guess - (truth[n] ?? 0)), 0) / guesses.length;
}
