// Metrics of two tensors equal the values in TF.js's unit tests (tfjs-layers/src/metrics_test.ts, losses_test.ts) and
// those that the kernels compute for the same outputs.

import { layers, losses, metrics, sequential, type Tensor, tensor1d, tensor2d, tensor3d } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { expectClose } from '../compare.ts';
import { Random } from '../reference/random.ts';

const close = (got: Tensor, expected: number[], shape: number[]) => {
  expect(got.shape).toEqual(shape);
  expectClose(got.dataSync(), expected, { abs: 5e-8, rel: 1e-6 });
};

test('binaryAccuracy gives the share of correct labels', () => {
  const halves = tensor1d([1, 1, 1, 1, 0, 0, 0, 0]);
  close(metrics.binaryAccuracy(halves, tensor1d([1, 0, 1, 0, 0, 1, 0, 1])), [0.5], []);
  close(metrics.binaryAccuracy(halves, tensor1d([0.2, 0.4, 0.6, 0.8, 0.2, 0.3, 0.4, 0.7])), [5 / 8], []);
  const y = tensor2d([0.2, 0.4, 0.6, 0.8, 0.2, 0.3, 0.4, 0.7], [4, 2]);
  close(metrics.binaryAccuracy(tensor2d([1, 1, 1, 1, 0, 0, 0, 0], [4, 2]), y), [0, 1, 1, 0.5], [4]);
});

test('categorical metrics match the values of TF.js', () => {
  const y = [
    [0, 1, 0],
    [1, 0, 0],
    [0, 0.4, 0.6],
    [0, 0.6, 0.4],
    [0.7, 0.3, 0],
  ];
  for (const classes of [tensor1d([1, 1, 2, 2, 0]), tensor2d([[1], [1], [2], [2], [0]]), [1, 1, 2, 2, 0]]) {
    close(metrics.sparseCategoricalAccuracy(classes, y), [1, 0, 1, 0, 1], [5]);
  }
  close(metrics.categoricalAccuracy([0, 0, 0, 1], [0.1, 0.8, 0.05, 0.05]), [0], []);
  const rows = [
    [0.1, 0.8, 0.05, 0.05],
    [0.1, 0.05, 0.05, 0.8],
  ];
  const last = [
    [0, 0, 0, 1],
    [0, 0, 0, 1],
  ];
  close(metrics.categoricalAccuracy(last, rows), [0, 1], [2]);
  close(metrics.categoricalCrossentropy(last, rows), [2.995732, 0.22314353], [2]);
});

test('binaryCrossentropy matches the values of TF.js, also for probabilities of 0 and 1', () => {
  const got = metrics.binaryCrossentropy([[0], [0], [0], [1], [1], [1]], [[0], [0.5], [1], [0], [0.5], [1]]);
  close(got, [1.00000015e-7, 6.93147182e-1, 1.59423847e1, 1.61180954e1, 6.93147182e-1, 1.19209332e-7], [6]);
});

test('precision, recall and r2Score match their definitions', () => {
  const labels = tensor2d([0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 0], [4, 3]);
  const predicted = tensor2d([0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1, 0], [4, 3]);
  const none = tensor2d(new Float32Array(12), [4, 3]);
  close(metrics.precision(labels, predicted), [0.75], []);
  close(metrics.recall(labels, predicted), [0.75], []);
  close(metrics.precision(labels, none), [0], []);
  close(metrics.recall(none, predicted), [0], []);
  close(metrics.recall([1, 0, 1, 0, 0, 0, 1], [0, 0, 1, 1, 1, 1, 0]), [1 / 3], []);
  close(metrics.r2Score([1, 2, 4, 8], [1.5, 2, 3, 8]), [1 - 1.25 / 28.75], []);
});

test('regression metrics match their definitions under all their names', () => {
  close(
    metrics.meanSquaredError(
      [
        [0, 0],
        [0, 0],
      ],
      [
        [1, 2],
        [3, 4],
      ],
    ),
    [2.5, 12.5],
    [2],
  );
  close(
    metrics.meanAbsoluteError(
      [
        [0, 0],
        [0, 0],
      ],
      [
        [-1, -2],
        [-3, -4],
      ],
    ),
    [1.5, 3.5],
    [2],
  );
  close(
    metrics.meanAbsolutePercentageError(
      [
        [-1, -2],
        [-3, -4],
      ],
      [
        [0, 0],
        [0, 0],
      ],
    ),
    [100, 100],
    [2],
  );
  const half = Math.SQRT1_2;
  close(
    metrics.cosineProximity(
      [
        [1, 0],
        [1, 0],
      ],
      [
        [half, half],
        [0, 1],
      ],
    ),
    [-half, 0],
    [2],
  );
  expect([metrics.mse, metrics.MSE].map(f => f([[0, 2]], [[1, 2]]).dataSync()[0])).toEqual([0.5, 0.5]);
  expect([metrics.mape, metrics.MAPE].map(f => f([[1, 2]], [[1, 3]]).dataSync()[0])).toEqual([25, 25]);
});

describe('functions in compile', () => {
  const names = (Object.keys(metrics) as (keyof typeof metrics)[]).filter(name => !name.startsWith('sparse'));

  test.each(names)('compile accepts the function %s in place of its name', name => {
    const random = new Random(4);
    const layer = layers.dense({ units: 3, activation: 'sigmoid', inputShape: [2, 4] });
    const model = sequential({ layers: [layer] });
    model.compile({ optimizer: 'sgd', loss: 'mse', metrics: [metrics[name]] });
    expect(model.metricsNames[1]).toBe(name);
    const x = tensor3d(Float32Array.from(random.normals([5, 2, 4], 2).data), [5, 2, 4]);
    const y = tensor3d(
      Float32Array.from({ length: 30 }, (_, i) => Number(i % 3 === 1)),
      [5, 2, 3],
    );
    const values = metrics[name](y, model.predict(x)).dataSync();
    const [, measured] = model.testOnBatch(x, y) as number[];
    expectClose([measured!], [values.reduce((a, b) => a + b) / values.length], { abs: 1e-6, rel: 1e-6 });
  });

  test('compile accepts a loss function in place of its name', () => {
    const model = sequential({ layers: [layers.dense({ units: 3, inputShape: [4] })] });
    model.compile({ optimizer: 'sgd', loss: metrics.meanAbsoluteError });
    const [x, y] = [new Float32Array(4), new Float32Array(3).fill(2)];
    expect(model.testOnBatch(x, y)).toBe(2);
    model.compile({ optimizer: 'sgd', loss: losses.absoluteDifference, metrics: [losses.meanSquaredError] });
    expect(model.testOnBatch(x, y)).toEqual([2, 4]);
    expect(model.metricsNames).toEqual(['loss', 'meanSquaredError']);
    model.compile({ optimizer: 'sgd', loss: losses.meanSquaredError });
    expect(model.testOnBatch(x, y)).toBe(4);
    expect(() => model.compile({ optimizer: 'sgd', loss: metrics.precision })).toThrow(
      "model.compile: unknown loss 'precision'",
    );
  });
});

test.each<[string, () => unknown, string]>([
  [
    'tensors of different shapes',
    () => metrics.mse([1, 2], [1, 2, 3]),
    'metrics.mse: yTrue must have the shape of yPred, [3]',
  ],
  [
    'empty arrays',
    () => metrics.recall([], []),
    'metrics.recall: yTrue must be a tensor or nested arrays of numbers, not empty',
  ],
  ['a number in place of a tensor', () => metrics.recall(3, [1]), 'metrics.recall: yTrue must be'],
  [
    'a string in place of a tensor',
    () => metrics.precision([1], 'a' as unknown as number[]),
    'metrics.precision: yPred must be',
  ],
  ['ragged arrays', () => metrics.precision([1], [[1], [2, 3]]), 'metrics.precision: yPred must not be ragged'],
  [
    'a list of classes of the wrong length',
    () => metrics.sparseCategoricalAccuracy([1, 2], [[1, 2]]),
    'yTrue must have the shape [1], got [2]',
  ],
])('a metric rejects %s', (_, call, message) => {
  expect(call).toThrow(message);
});
