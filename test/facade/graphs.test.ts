// Functional models: the same numbers as sequential ones, shared layers, nested models, several inputs and outputs.

import {
  concat,
  input,
  layers,
  model,
  type SymbolicTensor,
  sequential,
  setRandomSeed,
  type Tensor,
  tensor,
  train,
} from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { expectBits } from '../compare.ts';

const numbers = (seed: number, ...shape: number[]) =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, n) => Math.sin(1 + seed + 12.9898 * n)),
    shape,
  );

test('a chain of symbolic calls trains to the bits of the sequential model', () => {
  const stack = () => [
    layers.lstm({ units: 5, returnSequences: true, dropout: 0.2 }),
    layers.gru({ units: 4, recurrentDropout: 0.1 }),
    layers.dropout({ rate: 0.3 }),
    layers.dense({ units: 2 }),
  ];
  const shape = [null, 3];
  const chain = sequential({ layers: [layers.inputLayer({ inputShape: shape }), ...stack()], seed: 7 });
  const x = input({ shape });
  const graph = model({ inputs: x, outputs: stack().reduce((value, layer) => layer.apply(value), x), seed: 7 });
  const [xs, ys] = [numbers(1, 6, 7, 3), numbers(2, 6, 2)];
  for (const net of [chain, graph]) net.compile({ optimizer: train.adam(0.01), loss: 'mse', metrics: ['mae'] });
  for (let n = 0; n < 5; n++) expect(graph.trainOnBatch(xs, ys)).toEqual(chain.trainOnBatch(xs, ys));
  expectBits(graph.predict(xs).dataSync(), chain.predict(xs).dataSync());
});

test('JSON.stringify takes symbolic tensors, alone and in objects', () => {
  const x = input({ shape: [3], name: 'x' });
  expect(JSON.parse(JSON.stringify({ x, list: [x] })).list[0]).toEqual({
    name: 'x',
    shape: [null, 3],
    dtype: 'float32',
  });
  expect(JSON.stringify(x)).toContain('"name":"x"');
});

describe('dropout', () => {
  const ones = tensor(new Float32Array(400).fill(1), [4, 100]);

  test('predict with training: true drops other numbers in each call, and the next prediction none', () => {
    const net = sequential({ layers: [layers.dropout({ rate: 0.5, inputShape: [100] })], seed: 1 });
    const [a, b] = [net.predict(ones, { training: true }), net.predict(ones, { training: true })];
    for (const dropped of [a, b]) expect(new Set(dropped.dataSync())).toEqual(new Set([0, 2]));
    expect(a.dataSync()).not.toEqual(b.dataSync());
    expectBits(net.predict(ones).dataSync(), ones.dataSync());
  });

  test('apply with training: true drops in every prediction, and with training: false in none', () => {
    const x = input({ shape: [100] });
    const layer = layers.dropout({ rate: 0.5 });
    const net = model({
      inputs: x,
      outputs: [layer.apply(x, { training: true }), layer.apply(x, { training: false })],
    });
    const [dropped, kept] = net.predict<Tensor[]>(ones);
    expect(new Set(dropped!.dataSync())).toEqual(new Set([0, 2]));
    expectBits(kept!.dataSync(), ones.dataSync());
  });

  test('dropout that apply keeps active drops other numbers in every prediction, batch, test and step', () => {
    const x = input({ shape: [100] });
    const layer = layers.dropout({ rate: 0.5 });
    const net = model({ inputs: x, outputs: layer.apply(x, { training: true }), seed: 1 });
    net.compile({ optimizer: 'sgd', loss: 'mse' });
    const stream = net.stream();
    const one = new Float32Array(100).fill(1);
    const runs: (() => unknown)[] = [
      () => net.predict(ones).dataSync(),
      () => net.testOnBatch(ones, ones.mul(tensor(one.map((_, n) => n)))),
      () => stream.step(one),
      () => layer.apply(ones, { training: true }).dataSync(),
    ];
    for (const run of runs) expect(run()).not.toEqual(run());
    const rows = net.predict(ones, { batchSize: 1 }).arraySync() as number[][];
    expect(new Set(rows.map(row => row.join())).size).toBe(4);
  });

  test('the training of another model does not change what a prediction drops', () => {
    const dropped = () => {
      const x = input({ shape: [100] });
      return model({ inputs: x, outputs: layers.dropout({ rate: 0.5 }).apply(x, { training: true }), seed: 1 });
    };
    const [a, b] = [dropped(), dropped()];
    const first = a.predict(ones).dataSync();
    const other = sequential({ layers: [layers.dense({ units: 1, inputShape: [100] })] });
    other.compile({ optimizer: 'sgd', loss: 'mse' });
    for (let n = 0; n < 3; n++) other.trainOnBatch(ones, numbers(1, 4, 1));
    expectBits(b.predict(ones).dataSync(), first);
  });

  test('two calls of one layer drop different numbers', () => {
    const x = input({ shape: [100] });
    const layer = layers.dropout({ rate: 0.5 });
    const net = model({ inputs: x, outputs: [layer.apply(x), layer.apply(x)], seed: 1 });
    const [a, b] = net.predict<Tensor[]>(ones, { training: true });
    expect(a!.dataSync()).not.toEqual(b!.dataSync());
  });
});

test('the loss of several outputs is the weighted sum of their losses', () => {
  setRandomSeed(1);
  const x = input({ shape: [3] });
  const [a, b] = [layers.dense({ units: 2, name: 'a' }).apply(x), layers.dense({ units: 1, name: 'b' }).apply(x)];
  const net = model({ inputs: x, outputs: [a, b] });
  net.compile({ optimizer: 'sgd', loss: ['mse', 'mae'], lossWeights: { b: 0.25 }, metrics: { b: 'mse' } });
  expect(net.metricsNames).toEqual(['loss', 'a_loss', 'b_loss', 'b_mse']);
  const [total, first, second] = net.testOnBatch(numbers(1, 4, 3), [numbers(2, 4, 2), numbers(3, 4, 1)]) as number[];
  expect(total).toBeCloseTo(first! + 0.25 * second!, 12);
});

test('the weight of a loss scales its gradient', () => {
  const trained = (lossWeights: number[]) => {
    const x = input({ shape: [3] });
    const [a, b] = [layers.dense({ units: 2, name: 'a' }).apply(x), layers.dense({ units: 1, name: 'b' }).apply(x)];
    const net = model({ inputs: x, outputs: [a, b], seed: 3 });
    net.compile({ optimizer: train.sgd(1), loss: 'mse', lossWeights });
    const before = net.getWeights();
    net.trainOnBatch(numbers(1, 4, 3), [numbers(2, 4, 2), numbers(3, 4, 1)]);
    const after = net.getWeights();
    return before.map((weight, n) => weight.sub(after[n]!).dataSync());
  };
  const [once, half] = [trained([1, 1]), trained([1, 0.5])];
  expectBits(half[0]!, once[0]!);
  for (const n of [2, 3]) {
    for (const [k, step] of half[n]!.entries()) expect(step).toBeCloseTo(once[n]![k]! / 2, 6);
  }
});

test('a sequential model has the shapes of its layers, whatever graph they were applied in before', () => {
  const first = layers.dense({ units: 2, inputShape: [3] });
  const second = layers.dense({ units: 4 });
  second.apply(first.apply<SymbolicTensor>(input({ shape: [7, 3] })));
  const net = sequential({ layers: [first, second, layers.dense({ units: 1 })] });
  expect([net.inputShape, net.outputShape]).toEqual([
    [null, 3],
    [null, 1],
  ]);
  expect(net.predict(numbers(1, 2, 3)).shape).toEqual([2, 1]);
  net.pop();
  expect(net.outputShape).toEqual([null, 4]);
});

test('layer.apply with tensors starts in the states that it is given', () => {
  const layer = layers.lstm({ units: 3, returnState: true, returnSequences: true });
  const x = numbers(1, 2, 4, 3);
  const [whole] = layer.apply<Tensor[]>(x);
  const [first, ...states] = layer.apply<Tensor[]>(x.slice([0, 0, 0], [2, 1, 3]));
  const [rest] = layer.apply<Tensor[]>(x.slice([0, 1, 0], [2, 3, 3]), { initialState: states });
  expectBits(concat([first!, rest!], 1).dataSync(), whole!.dataSync());
});

test('layer.apply computes tensors at once', () => {
  const layer = layers.dense({ units: 2, kernelInitializer: 'ones', biasInitializer: 'ones' });
  expect(layer.apply(tensor([[1, 2, 3]])).arraySync()).toEqual([[7, 7]]);
  layer.setWeights([tensor(new Float32Array(6).fill(3), [3, 2]), tensor([0, 1])]);
  expect(layer.apply(tensor([[0, 0, 1]])).arraySync()).toEqual([[3, 4]]);
  const recurrent = layers.lstm({ units: 2, returnState: true });
  const [y, h, c] = recurrent.apply<Tensor[]>(numbers(1, 3, 4, 2));
  expectBits(y!.dataSync(), h!.dataSync());
  expect(c!.shape).toEqual([3, 2]);
});

test('a sequential model can contain models, and shares their weights', () => {
  const x = input({ shape: [4, 3] });
  const reader = model({ inputs: x, outputs: layers.lstm({ units: 5 }).apply(x), seed: 1 });
  const head = sequential({ layers: [layers.dense({ units: 2, inputShape: [5] })], seed: 2 });
  const net = sequential({ layers: [reader, head, layers.dense({ units: 1 })], seed: 3 });
  const xs = numbers(1, 6, 4, 3);
  const last = net.layers[2]!;
  expectBits(net.predict(xs).dataSync(), last.apply(head.predict(reader.predict(xs))).dataSync());
  net.compile({ optimizer: 'adam', loss: 'mse' });
  const before = reader.predict(xs).dataSync().slice();
  net.trainOnBatch(xs, numbers(2, 6, 1));
  expect(reader.predict(xs).dataSync()).not.toEqual(before);
  expectBits(net.predict(xs).dataSync(), last.apply(head.predict(reader.predict(xs))).dataSync());
  net.pop();
  expectBits(net.predict(xs).dataSync(), head.predict(reader.predict(xs)).dataSync());
});

test('a model can end at the output of a layer of another model', () => {
  const net = sequential({
    layers: [layers.lstm({ units: 5, inputShape: [4, 3] }), layers.dense({ units: 2 })],
    seed: 1,
  });
  const part = model({ inputs: net.inputs, outputs: net.layers[0]!.output });
  const xs = numbers(1, 6, 4, 3);
  expectBits(net.layers[1]!.apply(part.predict(xs)).dataSync(), net.predict(xs).dataSync());
});
