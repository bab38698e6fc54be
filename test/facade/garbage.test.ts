// A batch and a step of a stream make hardly any garbage: less than an array as large as any of these batches.

import { constraints, model as functional, input, layers, regularizers, sequential, tensor, train } from 'lstm-wasm';
import { expect, test } from 'vitest';
import { garbageOf } from './memoryUse.ts';
import { small } from './training.ts';

const [B, T] = [50, 20];
const x = tensor(
  Float32Array.from({ length: B * T }, (_, n) => Math.sin(n)),
  [B, T, 1],
);
const inputShape = [T, 1];
const regression = { optimizer: 'adam', loss: 'mse' } as const;
const weightOptions = { kernelRegularizer: regularizers.l2(), kernelConstraint: constraints.maxNorm({ maxValue: 1 }) };
const lstm = () => layers.lstm({ units: 4, returnSequences: true, ...weightOptions });

test.each([
  ['a dense layer', 500, regression, () => [layers.dense({ units: 1, inputShape })]],
  ['regularizers and constraints', 3000, regression, () => [layers.bidirectional({ layer: lstm(), inputShape })]],
  [
    'constraints in an lstm with all options',
    2000,
    regression,
    () => [
      layers.lstm({
        ...{ units: 4, usePeepholes: true, projectionUnits: 3, layerNormalization: true, inputShape },
        ...weightOptions,
      }),
    ],
  ],
  [
    'clipped gradients',
    3000,
    { optimizer: train.adam({ clipNorm: 0.01 }), loss: 'mse' } as const,
    () => [layers.bidirectional({ layer: layers.gru({ units: 4 }), inputShape })],
  ],
])('a batch of a model with %s makes at most %i bytes of garbage', (_, most, objective, make) => {
  const model = sequential({ layers: make() });
  model.compile(objective);
  const { shape } = model.predict(x);
  const y = tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, n) => Math.cos(n) ** 2),
    shape,
  );
  const calls = [() => model.trainOnBatch(x, y), () => model.testOnBatch(x, y)];
  for (const call of calls) expect(garbageOf(call, most)).toBeLessThanOrEqual(most);
  model.dispose();
});

test('a batch of a model of two inputs and two outputs makes at most 2000 bytes of garbage', () => {
  const inputs = [input({ shape: inputShape }), input({ shape: inputShape })] as const;
  const shared = layers.lstm({ units: 4 });
  const sum = layers.add().apply(inputs.map(one => shared.apply(one)));
  const outputs = [layers.dense({ units: 1 }).apply(sum), layers.dense({ units: 1 }).apply(sum)];
  const net = functional({ inputs: [...inputs], outputs });
  net.compile({ ...regression, lossWeights: [1, 0.5] });
  const ys = [tensor(new Float32Array(B), [B, 1]), tensor(new Float32Array(B).fill(1), [B, 1])];
  const calls = [() => net.trainOnBatch([x, x], ys), () => net.testOnBatch([x, x], ys)];
  for (const call of calls) expect(garbageOf(call, 2000)).toBeLessThanOrEqual(2000);
  net.dispose();
});

test('a step of a stream makes at most 200 bytes of garbage', () => {
  const model = small();
  const stream = model.stream();
  const [input, out] = [Float32Array.of(1, 2), new Float32Array(1)];
  expect(garbageOf(() => stream.step(input, out), 200)).toBeLessThanOrEqual(200);
  model.dispose();
});
