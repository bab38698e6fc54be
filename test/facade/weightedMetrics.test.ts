// Weighted metrics by name: the mean of the values of rows, each times its sample weight, by their definitions in float64.

import {
  io,
  layers,
  loadLayersModel,
  losses,
  type MetricName,
  type ModelArtifacts,
  metrics,
  sequential,
  setRandomSeed,
  tensor,
} from 'lstm-wasm';
import { expect, test } from 'vitest';
import { Random } from '../reference/random.ts';

type Row = number[];
/** The metric of rows with weights. */
type Definition = (predicted: Row[], actual: Row[], weights: number[]) => number;

const sum = (values: Row) => values.reduce((a, b) => a + b, 0);
const mean = (values: Row) => sum(values) / values.length;
/** The weighted mean of a value of each row. */
const byRow =
  (value: (y: Row, t: Row) => number): Definition =>
  (predicted, actual, weights) =>
    sum(predicted.map((y, n) => weights[n]! * value(y, actual[n]!))) / sum(weights);
/** Of the metrics that compute one number from a row. */
const ofMetric = (name: keyof typeof metrics) => byRow((y, t) => metrics[name]([t], [y]).dataSync()[0]!);

/** The weighted number of columns with a property, over all rows. */
const count = (predicted: Row[], actual: Row[], weights: number[], of: (y: number, t: number) => boolean) =>
  sum(predicted.map((y, n) => weights[n]! * y.filter((value, k) => of(value, actual[n]![k]!)).length));
const squares: Definition = (predicted, actual, weights) =>
  sum(predicted.map((y, n) => weights[n]! * sum(y.map((value, k) => (value - actual[n]![k]!) ** 2))));

const N = 3;
const definitions: Partial<Record<MetricName, Definition>> = {
  meanSquaredError: ofMetric('meanSquaredError'),
  mae: ofMetric('meanAbsoluteError'),
  binaryCrossentropy: ofMetric('binaryCrossentropy'),
  categoricalCrossentropy: ofMetric('categoricalCrossentropy'),
  hinge: byRow((y, t) => mean(y.map((value, k) => Math.max(0, 1 - (t[k]! === 0 ? -1 : t[k]!) * value)))),
  poisson: byRow((y, t) => mean(y.map((value, k) => value - t[k]! * Math.log(value + 1e-7)))),
  binaryAccuracy: ofMetric('binaryAccuracy'),
  categoricalAccuracy: ofMetric('categoricalAccuracy'),
  acc: ofMetric('categoricalAccuracy'),
  cosineSimilarity: byRow((y, t) => sum(y.map((value, k) => value * t[k]!)) / (Math.hypot(...y) * Math.hypot(...t))),
  precision: (y, t, w) => count(y, t, w, (y, t) => y > 0.5 && t > 0.5) / count(y, t, w, y => y > 0.5),
  recall: (y, t, w) => count(y, t, w, (y, t) => y > 0.5 && t > 0.5) / count(y, t, w, (_, t) => t > 0.5),
  rmse: (y, t, w) => Math.sqrt(squares(y, t, w) / (N * sum(w))),
  r2Score: (y, t, w) => {
    const middle = sum(t.map((row, n) => w[n]! * sum(row))) / (N * sum(w));
    return (
      1 -
      squares(y, t, w) /
        squares(
          t,
          t.map(row => row.map(() => middle)),
          w,
        )
    );
  },
};
const names = Object.keys(definitions) as MetricName[];

const [B, T] = [6, 4];
const random = new Random(8);
const uniform = (length: number) => random.normals([length]).data.map(value => Math.abs(value % 1));

/** A model of sigmoids, with time steps of which the last ones of some samples are masked. */
function modelOf(steps: boolean) {
  setRandomSeed(3);
  const shape = steps ? [T, 2] : [2];
  const model = sequential();
  if (steps) model.add(layers.masking({ inputShape: shape }));
  if (steps) model.add(layers.lstm({ units: 3, returnSequences: true }));
  const inputShape = steps ? [T, N] : shape;
  model.add(layers.dense({ units: N, activation: 'sigmoid', inputShape }));
  return model;
}

test.each([false, true])('all weighted metrics by name have their weighted values, with time steps: %s', steps => {
  const model = modelOf(steps);
  model.compile({ optimizer: 'sgd', loss: 'mse', metrics: ['mse', 'precision'], weightedMetrics: names });
  expect(model.metricsNames).toEqual([
    'loss',
    'mse',
    'precision',
    ...names.map(name => (name === 'precision' ? 'weighted_precision' : name)),
  ]);

  const rows = steps ? B * T : B;
  const isMasked = (row: number) => steps && row % T >= 2 + (Math.floor(row / T) % 3);
  const x = Array.from({ length: rows }, (_, row) => (isMasked(row) ? [0, 0] : [random.normals([1]).data[0]!, 1]));
  const actual = Array.from({ length: rows }, (_, row) => Array.from({ length: N }, (_, k) => Number(k === row % N)));
  const weights = Array.from(uniform(rows), (value, row) => (row === 1 ? 0 : Math.fround(value)));
  const lead = steps ? [B, T] : [B];
  const sampleWeight = tensor(weights, lead);
  const xs = tensor(x.flat(), [...lead, 2]);
  const results = model.testOnBatch(xs, tensor(actual.flat(), [...lead, N]), { sampleWeight }) as number[];

  const output = (model.predict(xs) as ReturnType<typeof tensor>).dataSync();
  const kept = x.map((_, row) => row).filter(row => !isMasked(row));
  const predicted = kept.map(row => [...output.subarray(row * N, row * N + N)]);
  for (const [n, name] of names.entries()) {
    const expected = definitions[name]!(
      predicted,
      kept.map(row => actual[row]!),
      kept.map(row => weights[row]!),
    );
    expect(results[3 + n]!, name).toBeCloseTo(expected, 5);
  }
  const plain = definitions.precision!(
    predicted,
    kept.map(row => actual[row]!),
    kept.map(() => 1),
  );
  expect(results[2]!).toBeCloseTo(plain, 6);
});

test('without sample weights, weighted metrics have the bits of the others', () => {
  const model = modelOf(true);
  model.compile({ optimizer: 'sgd', loss: 'mse', metrics: names, weightedMetrics: names });
  const [x, y] = [tensor(uniform(B * T * 2), [B, T, 2]), tensor(uniform(B * T * N).map(Math.round), [B, T, N])];
  const results = model.testOnBatch(x, y) as number[];
  expect(results.slice(1 + names.length)).toEqual(results.slice(1, 1 + names.length));
});

test('weighted metrics are 0 if all weights are', () => {
  const model = modelOf(false);
  model.compile({ optimizer: 'sgd', loss: 'mse', weightedMetrics: names });
  const [x, y] = [tensor(uniform(B * 2), [B, 2]), tensor(uniform(B * N), [B, N])];
  const results = model.testOnBatch(x, y, { sampleWeight: new Float32Array(B) }) as number[];
  expect(results).toEqual(results.map(() => 0));
});

test('weighted metrics of class indices follow class weights', () => {
  const model = sequential({ layers: [layers.dense({ units: N, activation: 'softmax', inputShape: [2] })] });
  const weightedMetrics: MetricName[] = ['acc', 'sparseCategoricalCrossentropy'];
  model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy', weightedMetrics });
  expect(model.metricsNames).toEqual(['loss', ...weightedMetrics]);
  const x = tensor(uniform(B * 2), [B, 2]);
  const classes = [0, 1, 2, 1, 1, 0];
  const ofClass = [0.5, 2, 3];
  const [loss, accuracy, entropy] = model.testOnBatch(
    x,
    classes.map(k => [k]),
    {
      classWeight: { 0: 0.5, 1: 2, 2: 3 },
    },
  ) as [number, number, number];
  const weights = classes.map(k => ofClass[k]!);
  const output = (model.predict(x) as ReturnType<typeof tensor>).arraySync() as number[][];
  const right = output.map((row, n) => Number(row.indexOf(Math.max(...row)) === classes[n]));
  expect(accuracy).toBeCloseTo(sum(right.map((value, n) => value * weights[n]!)) / sum(weights), 6);
  expect(entropy).toBeCloseTo((loss * B) / sum(weights), 5);
});

test('losses with options are weighted metrics, of targets and of labels', () => {
  const [low, high] = [losses.pinball({ levels: [0.1, 0.5, 0.9] }), losses.ctc()];
  const dense = sequential({ layers: [layers.dense({ units: 3, inputShape: [2] })] });
  dense.compile({ optimizer: 'sgd', loss: low, weightedMetrics: [low] });
  const sampleWeight = [0.5, 2, 0, 1, 3, 1];
  const x = tensor(uniform(B * 2), [B, 2]);
  const [loss, value] = dense.testOnBatch(x, tensor(uniform(B), [B, 1]), { sampleWeight }) as [number, number];
  expect(value).toBeCloseTo((loss * B) / sum(sampleWeight), 5);

  const sequence = sequential({ layers: [layers.masking({ inputShape: [T, 2] })] });
  sequence.add(layers.gru({ units: 3, returnSequences: true }));
  sequence.compile({ optimizer: 'sgd', loss: high, weightedMetrics: 'ctc' });
  const steps = tensor(
    uniform(B * T * 2).map((value, i) => (i < T * 2 ? 0 : value + 0.1)),
    [B, T, 2],
  );
  const labels = Array.from({ length: B }, (_, n) => (n === 0 ? [-1] : [1 + (n % 2)]));
  const [whole, weighted] = sequence.testOnBatch(steps, tensor(labels), { sampleWeight }) as [number, number];
  // The first sample is masked: it counts neither in the mean of the loss nor in that of the metric
  expect(weighted).toBeCloseTo((whole * (B - 1)) / sum(sampleWeight.slice(1)), 5);
});

test('fit reports weighted metrics by their names, as in Keras', async () => {
  const model = modelOf(false);
  model.compile({ optimizer: 'sgd', loss: 'mse', metrics: 'mae', weightedMetrics: ['mae', metrics.mse, 'mse'] });
  const [x, y] = [tensor(uniform(B * 2), [B, 2]), tensor(uniform(B * N), [B, N])];
  const options = { epochs: 1, verbose: 0, sampleWeight: uniform(B), validationData: [x, y] } as const;
  const { history } = await model.fit(x, y, { ...options, validationData: [x, y] });
  const keys = ['loss', 'mae', 'weighted_mae', 'mse_0', 'mse_1'];
  expect(Object.keys(history)).toEqual(expect.arrayContaining([...keys, ...keys.map(key => `val_${key}`)]));
  expect(history.mse_0).toEqual(history.mse_1);
  // Validation data have no weights
  expect(history.val_weighted_mae).toEqual(history.val_mae);
  expect(history.weighted_mae).not.toEqual(history.mae);
});

test('a model that is saved with its optimizer keeps its weighted metrics', async () => {
  const model = modelOf(false);
  model.compile({ optimizer: 'sgd', loss: 'mse', metrics: 'mae', weightedMetrics: ['mae', 'precision'] });
  let saved: ModelArtifacts | undefined;
  const handler = io.withSaveHandler(async artifacts => {
    saved = artifacts;
    return {} as never;
  });
  await model.save(handler, { includeOptimizer: true });
  const loaded = await loadLayersModel(io.fromMemory(saved!));
  expect(loaded.metricsNames).toEqual(['loss', 'mae', 'weighted_mae', 'precision']);
  const [x, y] = [tensor(uniform(B * 2), [B, 2]), tensor(uniform(B * N), [B, N])];
  const options = { sampleWeight: uniform(B) };
  expect(loaded.testOnBatch(x, y, options)).toEqual(model.testOnBatch(x, y, options));
});
