/**
 * The hourly and weekly series of the M4 competition (2018), forecast by one network for all series, as `forecaster` of
 * lstm-wasm/forecast trains it. OWA is the mean of sMAPE and MASE, each divided by that of the competition's reference
 * Naive2; MSIS scores intervals of 95 %.
 *
 * The settings are the defaults of `forecaster` but for quantiles for the intervals, and windows and a season of a year for
 * weeks: OWA 0.743 on the last 13 weeks of the training part (`--validation`), 0.761 with windows of two years; 0.427 on the
 * last 48 hours.
 */

import { processorTime, readText } from './data.js';

/** @typedef {import('./data.js').Result} Result */
/** @typedef {import('./data.js').RunOptions} RunOptions */
/** @typedef {import('./data.js').Forecasting} Forecasting */
/** @typedef {{ history: number[], actual: number[] }} Sample */

const SEED = 1;
const SOURCE = 'Evaluation and Ranks.xlsx of Mcompetitions/M4-methods';
/** The level of the intervals, and the quantiles at their ends. */
const LEVEL = 0.95;
const ENDS = [0.025, 0.975];

/** @typedef {{ task: string, horizon: number, season: number, frequency: 'hour' | 'week', options: object, least: number, published: string, bar: number }} Task */

/** `season` is that of the metrics, `least` the length of the shortest series that can be trained on. @type {Task} */
const hourly = {
  task: 'M4 Hourly',
  horizon: 48,
  season: 24,
  frequency: 'hour',
  options: {},
  least: 0,
  published: "seasonal naive 0.628, organisers' RNN 1.036, ES-RNN 0.440, best 0.410",
  bar: 0.5,
};
/** @type {Task} */
const weekly = {
  task: 'M4 Weekly',
  horizon: 13,
  season: 1,
  frequency: 'week',
  options: { season: 52, inputSteps: 52 },
  least: 78,
  published: "naive 1, organisers' RNN 1.755, ES-RNN 0.851, best 0.739",
  bar: 0.78,
};

/** @type {import('./data.js').Row} */
export const m4hourly = {
  name: 'm4hourly',
  file: 'h_train.csv',
  run: (lw, options) => run(lw, hourly, 'h', options),
};
/** @type {import('./data.js').Row} */
export const m4weekly = {
  name: 'm4weekly',
  file: 'w_train.csv',
  run: (lw, options) => run(lw, weekly, 'w', options),
};

/**
 * @param {import('./data.js').Library} lw
 * @param {Task} task
 * @param {string} letter of the files
 * @param {RunOptions} [options]
 * @returns {Promise<Result[]>}
 */
async function run(lw, task, letter, { folder, forecasting, short = false, validation = false, settings = {} } = {}) {
  if (!forecasting) throw new Error('tables: forecasting must be the module lstm-wasm/forecast, got undefined');
  const names = Object.keys(settings).join(', ');
  if (names) throw new Error(`tables: --set must be absent for M4, whose settings are in m4.js, got ${names}`);
  const read = (/** @type {string} */ part) => readRows(readText(folder, `${letter}_${part}.csv`));
  const training = read('train');
  const samples = validation
    ? training.map(values => ({ history: values.slice(0, -task.horizon), actual: values.slice(-task.horizon) }))
    : read('test').map((actual, n) => ({ history: training[n] ?? [], actual }));
  // Without its last weeks, a series of the shortest ones is too short to train on
  const long = samples.filter(({ history }) => history.length >= task.least);
  const chosen = short ? long.slice(0, 20) : long;
  const part = validation ? 'held-back end of the training part' : 'test set';

  const stop = processorTime();
  const { medians, parameters } = await forecast(lw, forecasting, chosen, task, 'point', short);
  const score = owa(forecasting, chosen, medians, task.season);
  const source = SOURCE;
  /** @type {Result[]} */
  const results = [
    {
      task: task.task,
      measure: `OWA, ${part}`,
      published: task.published,
      source,
      bar: task.bar,
      ours: score.owa,
      model: task === hourly ? 'forecaster, defaults' : 'forecaster, windows and season of 52 weeks',
      parameters,
      seed: String(SEED),
      seconds: stop(),
      note: `sMAPE ${score.smape.toFixed(3)}, MASE ${score.mase.toFixed(3)}; ${chosen.length} series`,
    },
  ];
  if (task !== hourly) return results;

  const stopIntervals = processorTime();
  const quantiles = { quantiles: [0.025, 0.1, 0.5, 0.9, 0.975] };
  const { intervals, parameters: ofQuantiles } = await forecast(lw, forecasting, chosen, task, quantiles, short);
  const scores = chosen.map(({ history, actual }, n) =>
    forecasting.msis(actual, intervals[n] ?? [[], []], LEVEL, history, task.season),
  );
  const covered = chosen.map(({ actual }, n) => forecasting.coverage(actual, intervals[n] ?? [[], []]));
  results.push({
    task: task.task,
    measure: `MSIS of 95 % intervals, ${part}`,
    published: 'ES-RNN 7.928, best 6.139',
    source,
    bar: 8,
    ours: meanOf(scores),
    model: 'forecaster, 5 quantiles',
    parameters: ofQuantiles,
    seed: String(SEED),
    seconds: stopIntervals(),
    note: `coverage ${(100 * meanOf(covered)).toFixed(1)} %`,
  });
  return results;
}

/**
 * Trains on all histories; returns the medians, the intervals, and the number of weights.
 *
 * @param {import('./data.js').Library} lw
 * @param {Forecasting} forecasting
 * @param {Sample[]} samples
 * @param {Task} task
 * @param {'point' | { quantiles: number[] }} output
 * @param {boolean} short
 */
async function forecast({ io }, { forecaster }, samples, { horizon, frequency, options }, output, short) {
  const series = samples.map(({ history }, n) => ({ id: `series ${n}`, values: history }));
  const model = forecaster({
    horizon,
    frequency,
    output,
    seed: SEED,
    ...options,
    ...(short && { epochs: 2, units: 8 }),
  });
  await model.fit(series);
  const forecasts = await model.predict(series, { levels: ENDS });
  let parameters = 0;
  await model.save(
    io.withSaveHandler(async ({ weightSpecs = [] }) => {
      for (const { shape } of weightSpecs) parameters += shape.reduce((count, size) => count * size, 1);
      const sizes = { modelTopologyBytes: 0, weightSpecsBytes: 0, weightDataBytes: 4 * parameters };
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON', ...sizes } };
    }),
  );
  return {
    medians: forecasts.map(({ median }) => median),
    intervals: forecasts.map(({ quantiles }) => {
      const [lower, upper] = ENDS.map(level => quantiles[String(level)] ?? new Float64Array());
      return /** @type {[Float64Array, Float64Array]} */ ([lower, upper]);
    }),
    parameters,
  };
}

/**
 * @param {Forecasting} forecasting
 * @param {Sample[]} samples
 * @param {ArrayLike<number>[]} predicted
 * @param {number} season
 */
function owa({ mase, naive2, smape }, samples, predicted, season) {
  const scoreOf = (/** @type {(sample: Sample, n: number) => ArrayLike<number>} */ forecastOf) => {
    const forecasts = samples.map(forecastOf);
    const smapes = samples.map(({ actual }, n) => smape(actual, forecasts[n] ?? []));
    const mases = samples.map(({ history, actual }, n) => mase(actual, forecasts[n] ?? [], history, season));
    return { smape: meanOf(smapes), mase: meanOf(mases) };
  };
  const ours = scoreOf((_, n) => predicted[n] ?? []);
  const reference = scoreOf(({ history, actual }) => naive2(history, actual.length, season));
  return { ...ours, owa: (ours.smape / reference.smape + ours.mase / reference.mase) / 2 };
}

const meanOf = (/** @type {number[]} */ values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The numbers of each row, without its name and the empty cells at its end. @param {string} text */
function readRows(text) {
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map(line =>
      line
        .replaceAll('"', '')
        .split(',')
        .slice(1)
        .filter(cell => cell.trim() !== '' && cell.trim() !== 'NA')
        .map(Number),
    );
}
