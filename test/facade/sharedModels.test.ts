// Models that have layers in common share the weights of these layers; each has an optimizer of its own.

import {
  input,
  type Layer,
  type LayersModel,
  layers,
  model,
  sequential,
  setRandomSeed,
  type Tensor,
  tensor,
  train,
} from 'lstm-wasm';
import { beforeEach, describe, expect, test } from 'vitest';
import { expectBits } from '../compare.ts';

const numbers = (seed: number, ...shape: number[]) =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, n) => Math.sin(1 + seed + 12.9898 * n)),
    shape,
  );

const [B, T, D] = [4, 5, 3];
const x = numbers(1, B, T, D);
const y = numbers(2, B, 2);

beforeEach(() => setRandomSeed(1));

const encoderOf = () => [
  layers.lstm({ units: 5, returnSequences: true, recurrentRegularizer: 'l2' }),
  layers.gru({ units: 4, dropout: 0.2 }),
];

/** A compiled model of given layers, with a dense layer on top. */
function withHead(shared: Layer[], optimizer = train.adam(0.01), head: Layer = layers.dense({ units: 2 })) {
  const start = input({ shape: [null, D] });
  const net = model({ inputs: start, outputs: [...shared, head].reduce((value, layer) => layer.apply(value), start) });
  net.compile({ optimizer, loss: 'meanSquaredError' });
  return net;
}

const steps = (net: LayersModel, count: number) => {
  for (let n = 0; n < count; n++) net.trainOnBatch(x, y);
};

const bits = (weights: { getWeights(): Tensor[] }) => weights.getWeights().map(weight => weight.dataSync());

function expectSame(got: ArrayLike<number>[], expected: ArrayLike<number>[], what?: string): void {
  expect(got.length).toBe(expected.length);
  for (const [n, values] of expected.entries()) expectBits(got[n]!, values, `${what} ${n}`);
}

describe('two models with a common encoder', () => {
  test('training one changes the encoder of both, and no other layer of the other one', () => {
    const encoder = encoderOf();
    const [a, b] = [withHead(encoder), withHead(encoder)];
    steps(b, 2);
    const [before, head, predicted] = [bits(encoder[0]!), bits(b.layers.at(-1)!), b.predict(x).dataSync()];
    steps(a, 1);
    expectSame(bits(b.layers.at(-1)!), head, 'weight of the other head');
    expect(bits(encoder[0]!)).not.toEqual(before);
    expect(b.predict(x).dataSync()).not.toEqual(predicted);
  });

  test.each([
    ['adam', () => train.adam(0.01)],
    ['rmsprop with averages', () => train.rmsprop({ learningRate: 0.01, useEma: true })],
    ['momentum with clipping', () => train.momentum({ learningRate: 0.1, momentum: 0.9, clipNorm: 0.1 })],
  ])('a training goes on to the same bits after another model takes its layers: %s', (_, optimizer) => {
    const run = (shares: boolean) => {
      setRandomSeed(3);
      const encoder = encoderOf();
      const net = withHead(encoder, optimizer());
      const losses = [net.trainOnBatch(x, y), net.trainOnBatch(x, y)];
      const other = shares ? withHead([...encoder, layers.dense({ units: 7 })]) : null;
      losses.push(net.trainOnBatch(x, y));
      other?.predict(x);
      losses.push(net.trainOnBatch(x, y));
      return { losses, weights: bits(net), step: net.restore(net.snapshot()).step };
    };
    const [alone, shared] = [run(false), run(true)];
    expect(shared.losses).toEqual(alone.losses);
    expect(shared.step).toBe(4);
    expectSame(shared.weights, alone.weights, 'weight');
  });

  test('frozen layers do not change in either model, and thawed ones do', () => {
    const encoder = encoderOf();
    const a = withHead(encoder);
    steps(a, 1);
    for (const layer of encoder) layer.trainable = false;
    const b = withHead(encoder);
    const before = [...bits(encoder[0]!), ...bits(encoder[1]!)];
    const predicted = a.predict(x).dataSync();
    steps(b, 3);
    expectSame([...bits(encoder[0]!), ...bits(encoder[1]!)], before, 'frozen weight');
    expectBits(a.predict(x).dataSync(), predicted);
    encoder[0]!.trainable = true;
    steps(b, 1);
    expect(bits(encoder[0]!)).not.toEqual(before.slice(0, 3));
  });

  test('after one is disposed, the other predicts, trains and saves the same', () => {
    const run = (disposes: boolean) => {
      setRandomSeed(4);
      const encoder = encoderOf();
      const [a, b] = [withHead(encoder), withHead(encoder)];
      steps(a, 2);
      steps(b, 2);
      if (disposes) {
        a.dispose();
        expect(() => a.predict(x)).toThrow('after dispose()');
      }
      steps(b, 2);
      return [...bits(b), b.predict(x).dataSync()];
    };
    expectSame(run(true), run(false), 'weight');
  });
});

describe('a third model', () => {
  test('joins layers of two trained models without changing their predictions and trainings', () => {
    const run = (joins: boolean) => {
      setRandomSeed(5);
      const [first, second] = [encoderOf(), [layers.simpleRNN({ units: 3 })]];
      const [a, b] = [withHead(first), withHead(second, train.rmsprop(0.01))];
      steps(a, 2);
      steps(b, 3);
      if (joins) {
        const start = input({ shape: [null, D] });
        const through = (all: Layer[]) => all.reduce((value, layer) => layer.apply(value), start);
        const sum = layers.concatenate().apply([through(first), through(second)]);
        const joined = model({ inputs: start, outputs: layers.dense({ units: 2 }).apply(sum) });
        expectSame(bits(joined).slice(0, 3), bits(first[0]!), 'weight in the joined model');
        joined.dispose();
      }
      const predicted = [a.predict(x).dataSync(), b.predict(x).dataSync()];
      steps(a, 2);
      steps(b, 2);
      return [...predicted, ...bits(a), ...bits(b)];
    };
    expectSame(run(true), run(false));
  });
});

describe('a model inside of others', () => {
  const nested = () => {
    const encoder = sequential({ layers: [layers.lstm({ units: 4, inputShape: [null, D] })] });
    const start = input({ shape: [null, D] });
    const outer = model({ inputs: start, outputs: layers.dense({ units: 2 }).apply(encoder.apply(start)) });
    outer.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    return { encoder, outer, start };
  };

  test('cannot change its layers while another model uses it, and can afterwards', () => {
    const { encoder, outer } = nested();
    const message = 'the model must not be a layer of another model';
    expect(() => encoder.add(layers.dense({ units: 1 }))).toThrow(`model.add: ${message}`);
    expect(() => encoder.pop()).toThrow(`model.pop: ${message}`);
    const weights = bits(encoder);
    outer.dispose();
    encoder.add(layers.dense({ units: 1 }));
    expectSame(bits(encoder).slice(0, 3), weights);
    expect(encoder.predict(x).shape).toEqual([B, 1]);
  });

  test('the outer model predicts, trains, saves and streams after the inner one is disposed', async () => {
    const { encoder, outer } = nested();
    const predicted = outer.predict(x).dataSync();
    const config = outer.toJSON();
    encoder.dispose();
    expect(() => encoder.predict(x)).toThrow('after dispose()');
    expectBits(outer.predict(x).dataSync(), predicted);
    expect(outer.toJSON()).toEqual(config);
    expect(outer.getWeights()).toHaveLength(5);
    outer.summary(null, null, () => {});
    outer.trainOnBatch(x, y);
    outer.stream().step(new Float32Array(D));
    expect(outer.withBatchSize(2).predict(numbers(1, 2, T, D)).shape).toEqual([2, 2]);
  });

  test('an application before a change of the layers cannot become a model', () => {
    const encoder = sequential({ layers: [layers.lstm({ units: 4, inputShape: [null, D] })] });
    const start = input({ shape: [null, D] });
    const value = encoder.apply(start);
    encoder.add(layers.dense({ units: 2, name: 'added' }));
    expect(() => model({ inputs: start, outputs: value })).toThrow(
      `model: the layers of '${encoder.name}' must not change after it is applied; apply it again`,
    );
    expect(model({ inputs: start, outputs: encoder.apply(start) }).predict(x).shape).toEqual([B, 2]);
  });
});

describe('snapshots of functional models', () => {
  /** Two inputs, two outputs, a layer applied twice, and dropout. */
  function twoInputs() {
    const [left, right] = [input({ shape: [null, D], name: 'left' }), input({ shape: [null, D], name: 'right' })];
    const shared = layers.gru({ units: 4, dropout: 0.3 });
    const sum = layers.add().apply([shared.apply(left), shared.apply(right)]);
    const outputs = [layers.dense({ units: 2 }).apply(sum), layers.dense({ units: 1, activation: 'tanh' }).apply(sum)];
    const net = model({ inputs: [left, right], outputs });
    net.compile({ optimizer: train.adam(0.05), loss: 'meanSquaredError', lossWeights: [1, 0.5] });
    return net;
  }
  const xs = { left: x, right: numbers(3, B, T, D) };
  const ys = [y, numbers(4, B, 1)];

  test('restore continues a training to the same bits', () => {
    const net = twoInputs();
    for (let n = 0; n < 2; n++) net.trainOnBatch(xs, ys);
    const snapshot = net.snapshot();
    const run = (own: typeof net) => [own.trainOnBatch(xs, ys), own.trainOnBatch(xs, ys), bits(own)];
    const expected = run(net);
    net.restore(snapshot);
    expect(run(net)).toEqual(expected);
    const other = twoInputs();
    other.restore(snapshot);
    expect(run(other)).toEqual(expected);
  });

  test('restore in one of two models that share layers restores these layers in both', () => {
    const encoder = encoderOf();
    const a = withHead(encoder);
    steps(a, 2);
    const [snapshot, weights] = [a.snapshot(), bits(a)];
    const b = withHead(encoder);
    steps(b, 2);
    const head = bits(b.layers.at(-1)!);
    a.restore(snapshot);
    expectSame(bits(a), weights);
    expectSame([...bits(b.layers[1]!), ...bits(b.layers[2]!)], weights.slice(0, -2));
    expectSame(bits(b.layers.at(-1)!), head);
  });
});

test('a stream goes on when another model takes the layers', () => {
  const run = (moves: boolean) => {
    setRandomSeed(6);
    const gru = layers.gru({ units: 3 });
    const net = withHead([gru]);
    const stream = net.stream();
    const outputs = [stream.step([1, 2, 3])];
    if (moves) withHead([gru]).predict(x);
    outputs.push(stream.step([3, 1, 2]));
    if (moves) withHead([gru]).dispose();
    outputs.push(stream.step([0, 1, 0]));
    return outputs;
  };
  expectSame(run(true), run(false));
});

test('rejects a layer whose model is disposed', () => {
  const lstm = layers.lstm({ units: 2, name: 'encoder' });
  withHead([lstm]).dispose();
  expect(() => withHead([lstm])).toThrow("model: 'encoder' must not be used after its model was disposed");
});
