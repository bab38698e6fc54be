/** Data like that of a training run, but without random numbers, so that the pictures are the same in every run. */

import type { GateData } from '../../src/plot/index.ts';

const wobble = (i: number) => Math.sin(i * 12.9898) * Math.cos(i * 78.233);

/** The first row of the batch of a step: 20 points of a cosine, and a prediction that improves with the steps. */
export function frameAt(step: number): { time: number[]; target: number[]; prediction: number[]; caption: string } {
  const time = Array.from({ length: 20 }, (_, i) => (step * 20 + i) / (10 * Math.PI));
  const ignorance = Math.exp(-step / 70);
  const target = time.map(Math.cos);
  const prediction = target.map((value, i) => value * (1 - ignorance) + 0.3 * (ignorance + 0.1) * Math.exp(-i / 3));
  return { time, target, prediction, caption: `step ${step}, cost ${costAt(step).toFixed(4)}` };
}

/** From 0.6 to 0.003, with the noise of single batches. */
const costAt = (step: number) =>
  (0.0026 + 0.57 * Math.exp(-step / 28) + 0.03 * Math.exp(-step / 120)) * Math.exp(0.3 * wobble(step));

export const frames = Array.from({ length: 51 }, (_, i) => frameAt(i * 10));
export const losses = Array.from({ length: 501 }, (_, step) => costAt(step));

/** The gates and states of `units` units over `steps` steps, [T, U] each. */
export function gatesOf(units: number, steps: number, phase = 0): Required<Omit<GateData, 'caption'>> {
  const wave = (shift: number) =>
    Float32Array.from({ length: units * steps }, (_, k) => {
      const [step, unit] = [Math.floor(k / units), k % units];
      return Math.sin(step / (1 + unit / 3) + shift + phase) * (0.4 + (0.6 * unit) / units);
    });
  const gate = (shift: number) => wave(shift).map(value => 1 / (1 + Math.exp(-4 * value)));
  const [i, f, o, z, r] = [gate(0), gate(1), gate(2), gate(3), gate(4)];
  return { i, f, o, z, r, g: wave(5), c: wave(6), h: wave(7), n: wave(8) };
}

export const groups = [
  { title: 'the seed program, a step of training', bars: ['lstm-wasm', 'plain JavaScript', 'TensorFlow.js'] },
  { title: 'LSTM(512), a prediction', bars: ['lstm-wasm', 'ONNX Runtime', 'PyTorch'], column: 1 },
];

/** Sixty days in kelvin, two of which are missing, and forecasts of the last week. */
export function temperatures() {
  const day = (n: number) => new Date(Date.UTC(2025, 10, 3 + n));
  const actual = Array.from({ length: 60 }, (_, n) => 278 - n / 8 + 6 * Math.sin(n / 5) + 2 * wobble(n));
  const time = Array.from({ length: 7 }, (_, n) => day(53 + n));
  return {
    time: actual.map((_, n) => day(n)),
    actual: actual.map((kelvin, n) => (n === 20 || n === 21 ? Number.NaN : kelvin)),
    lstm: { time, values: actual.slice(53).map((kelvin, n) => kelvin + wobble(n)) },
    naive: { time, values: time.map(() => actual[52]!) },
  };
}

/** The result of `fit` after the given number of epochs. */
export function historyOf(epochs: number) {
  const losses = (floor: number) =>
    Array.from({ length: epochs }, (_, n) => floor + 0.4 * Math.exp(-n / 8) + 0.01 * wobble(n));
  return { loss: losses(0.05), val_loss: losses(0.09) };
}

/** Hourly values of a week with two gaps, a forecast of two days with intervals of 80 % and 95 %, and what followed. */
export function hourlyForecast() {
  const clock = (n: number) => new Date(Date.UTC(2026, 1, 23, n)).toISOString().slice(0, 19);
  const usual = (n: number) => 40 + 12 * Math.sin((2 * Math.PI * (n - 7)) / 24) - (n % 168 >= 120 ? 8 : 0);
  const actual = Array.from({ length: 216 }, (_, n) => usual(n) + 3 * wobble(n));
  const time = Array.from({ length: 48 }, (_, n) => clock(168 + n));
  const median = Float64Array.from(time, (_, n) => usual(168 + n));
  const quantile = (deviations: number) => median.map((value, n) => value + deviations * (2 + n / 24));
  const values = actual.slice(0, 168).map((value, n) => (n > 60 && n < 67 ? Number.NaN : value));
  return {
    history: { time: values.map((_, n) => clock(n)), values },
    forecast: {
      id: 'load',
      time,
      mean: median,
      median,
      quantiles: { '0.025': quantile(-1.96), '0.1': quantile(-1.28), '0.9': quantile(1.28), '0.975': quantile(1.96) },
      samples: [],
    },
    actual: actual.slice(168),
  };
}

/** Forecasts of a monthly series from three origins. */
export function monthlyBacktest() {
  const month = (n: number) => new Date(Date.UTC(2021, n, 1)).toISOString().slice(0, 10);
  const usual = (n: number) => 200 + n + 30 * Math.sin((2 * Math.PI * n) / 12);
  const values = Array.from({ length: 60 }, (_, n) => usual(n) + 6 * wobble(n));
  const forecasts = [24, 36, 48].map((origin, fold) => {
    const time = Array.from({ length: 12 }, (_, n) => month(origin + n));
    const median = Float64Array.from(time, (_, n) => usual(origin + n) + n / 2);
    const at = (deviations: number) => median.map((value, n) => value + deviations * (5 + n / 3));
    const actual = Float64Array.from(values.slice(origin, origin + 12));
    return { id: 'sales', fold, time, mean: median, median, quantiles: { '0.1': at(-1.3), '0.9': at(1.3) }, actual };
  });
  return { actual: { time: values.map((_, n) => month(n)), values }, forecasts };
}

/** Residuals of forty forecasts of 24 steps, which grow with the step. */
export const residuals = Array.from({ length: 40 }, (_, n) =>
  Array.from({ length: 24 }, (_, step) => (1 + step / 8) * wobble(31 * n + step) + step / 20),
);
