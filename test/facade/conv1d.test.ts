// conv1d through the public interface: shapes, errors, configurations, training and streams.

import {
  type Layer,
  type LayersModel,
  layers,
  modelFromJSON,
  sequential,
  setRandomSeed,
  type Tensor,
  tensor,
  train,
} from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { type ConvSizes, convForward, windowStarts } from '../reference/conv1d.ts';
import { Random } from '../reference/random.ts';

const make = (options: object): Layer => layers.conv1d({ filters: 2, kernelSize: 3, ...options } as never);
const modelOf = (...made: Layer[]): LayersModel => sequential({ layers: made });
const inputShape = [6, 2];

describe('conv1d computes what Keras computes', () => {
  test.each([
    ['valid', 1, 1, [2, 3, 4]],
    ['same', 1, 1, [1, 2, 3, 4, 3]],
    ['causal', 1, 1, [0, 1, 2, 3, 4]],
  ] as const)(
    'conv1d with padding %s, strides %i and dilation %i gives the differences of a sequence',
    (padding, strides, dilationRate, expected) => {
      // y[t] = x[t + 1] - x[t - 1] for windows of three steps, of the squares, halved
      const kernel = tensor([-0.5, 0, 0.5], [3, 1, 1]);
      const model = modelOf(
        make({ filters: 1, padding, strides, dilationRate, useBias: false, inputShape: [5, 1], weights: [kernel] }),
      );
      const y = model.predict<Tensor>(tensor([1, 4, 9, 16, 25], [1, 5, 1]));
      const all = { valid: [4, 6, 8], same: [2, 4, 6, 8, -8], causal: [0.5, 2, 4, 6, 8] }[padding];
      expect(expected.length).toBe(all.length);
      expectBits(y.dataSync(), all);
    },
  );

  test.each([
    ['valid', 1, 1],
    ['valid', 3, 1],
    ['same', 2, 1],
    ['same', 5, 1],
    ['same', 1, 3],
    ['causal', 2, 1],
    ['causal', 1, 2],
  ] as const)(
    'conv1d with padding %s, strides %i and dilation %i takes any number of time steps',
    (padding, strides, dilationRate) => {
      const random = new Random(7);
      const model = modelOf(make({ padding, strides, dilationRate, activation: 'tanh', inputShape: [null, 2] }));
      expect(model.outputShape).toEqual([null, null, 2]);
      const [kernel, bias] = model.getWeights().map(each => each.dataSync());
      for (const steps of [7, 11, 40]) {
        const sizes: ConvSizes = { steps, kernelSize: 3, strides, dilationRate, padding };
        const x = Float32Array.from(random.normals([2, steps, 2]).data);
        const y = model.predict<Tensor>(tensor(x, [2, steps, 2]));
        expect(y.shape).toEqual([2, windowStarts(sizes).length, 2]);
        const inputs = {
          sizes: { ...sizes, B: 2, D: 2, N: 2 },
          x,
          kernel: kernel!,
          bias: bias!,
          activation: 'tanh',
        } as const;
        expectClose(y.dataSync(), convForward(inputs), { abs: 1e-6, rel: 1e-6 });
      }
    },
  );

  test('the kernel of conv1d is initialized with the fans of Keras', () => {
    setRandomSeed(1);
    const model = modelOf(make({ filters: 50, kernelSize: 5, inputShape: [9, 30] }));
    const [kernel] = model.getWeights();
    expect(kernel!.shape).toEqual([5, 30, 50]);
    const largest = Math.max(...kernel!.dataSync().map(Math.abs));
    const limit = Math.sqrt(6 / (5 * 30 + 5 * 50));
    expect(largest).toBeLessThanOrEqual(limit);
    expect(largest).toBeGreaterThan(0.98 * limit);
  });

  test('a mask ends at conv1d', () => {
    const model = modelOf(layers.masking({ inputShape }), make({}), layers.lstm({ units: 2, returnSequences: true }));
    const x = new Float32Array(12).fill(1, 0, 4);
    const plain = modelOf(make({ inputShape }), layers.lstm({ units: 2, returnSequences: true }));
    plain.setWeights(model.getWeights());
    const [masked, unmasked] = [model, plain].map(each => each.predict<Tensor>(tensor(x, [1, 6, 2])).dataSync());
    expectBits(masked!, unmasked!);
  });
});

describe('conv1d rejects what it cannot compute', () => {
  test.each<[object, RegExp]>([
    [{ filters: 0 }, /^layers\.conv1d: filters must be an integer of at least 1, got 0$/],
    [{ kernelSize: 0 }, /^layers\.conv1d: kernelSize must be an integer of at least 1, got 0$/],
    [{ kernelSize: [3, 3] }, /^layers\.conv1d: kernelSize must be an integer of at least 1, got /],
    [{ kernelSize: undefined }, /^layers\.conv1d: kernelSize must be/],
    [{ strides: 1.5 }, /^layers\.conv1d: strides must be an integer of at least 1, got 1.5$/],
    [{ dilationRate: -1 }, /^layers\.conv1d: dilationRate must be an integer of at least 1, got -1$/],
    [{ padding: 'full' }, /^layers\.conv1d: unknown padding 'full'; known: 'valid', 'same', 'causal'$/],
    [
      { strides: 2, dilationRate: 3 },
      /^layers\.conv1d: strides or dilationRate must be 1, got strides 2 and dilationRate 3$/,
    ],
    [
      { kernelSize: 3, dilationRate: 2 ** 30 },
      /^layers\.conv1d: a window must have at most 1073741824 time steps, got 2147483649$/,
    ],
    [{ dataFormat: 'channelsFirst' }, /^layers\.conv1d: dataFormat must be 'channelsLast', got 'channelsFirst'$/],
    [{ groups: 2 }, /^layers\.conv1d: groups must be 1, got 2$/],
    [{ activation: 'softmin' }, /^layers\.conv1d: .*'softmin'/],
    [{ useBias: 1 }, /^layers\.conv1d: useBias must be/],
    [{ units: 3 }, /^layers\.conv1d: .*units/],
    [{ kernelConstraint: 'max' }, /^layers\.conv1d: .*kernelConstraint/],
  ])('conv1d rejects the options %o', (options, message) => {
    expect(() => make(options)).toThrow(message);
  });

  test('conv1d rejects an input without time steps, naming the layer', () => {
    expect(() => modelOf(layers.dense({ units: 2, inputShape: [3] }), make({ name: 'windows' }))).toThrow(
      /windows needs an input \[batch, timeSteps, features\], got \[null, 2\]; a recurrent layer below/,
    );
  });

  test('conv1d rejects sequences that are shorter than a window, naming the layer', () => {
    const rule = /windows needs at least 7 time steps for padding 'valid', got 6; use padding 'same'/;
    expect(() => modelOf(make({ name: 'windows', dilationRate: 3, inputShape }))).toThrow(rule);
    const model = modelOf(make({ name: 'windows', dilationRate: 3, inputShape: [null, 2] }));
    const weights = model.getWeights().map(each => each.dataSync());
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const x = tensor(new Float32Array(12), [1, 6, 2]);
    expect(() => model.predict(x)).toThrow(rule);
    expect(() => model.trainOnBatch(x, tensor(new Float32Array(2), [1, 1, 2]))).toThrow(rule);
    for (const [n, weight] of model.getWeights().entries()) expectBits(weight.dataSync(), weights[n]!);
  });

  test('a stream rejects conv1d with windows of several steps, and takes windows of one', () => {
    const of = (kernelSize: number) =>
      modelOf(make({ kernelSize, name: 'windows', inputShape: [null, 2] }), layers.lstm({ units: 2 }));
    expect(() => of(3).stream()).toThrow(/one time step at a time, which 'windows' does not/);
    const model = of(1);
    const x = [1, 2, 3, 4, 5, 6];
    const stream = model.stream();
    const steps = [0, 2, 4].map(n => stream.step(x.slice(n, n + 2) as never) as Float32Array);
    const whole = model.predict<Tensor>(tensor(x, [1, 3, 2]));
    expectBits(steps.at(-1)!, whole.dataSync());
  });
});

test.each([
  [
    { strides: 2 ** 40, padding: 'same' },
    { strides: 6, padding: 'same' },
  ],
  [{ strides: 2 ** 53 - 1 }, { strides: 6 }],
  [{ kernelSize: 1, dilationRate: 2 ** 32 }, { kernelSize: 1 }],
  [
    { kernelSize: 2, dilationRate: 2 ** 30 - 1, padding: 'causal' },
    { kernelSize: 2, dilationRate: 7, padding: 'causal' },
  ],
])('conv1d with %o trains like conv1d with %o on 6 time steps', (large, small) => {
  const dense = () => layers.timeDistributed({ layer: layers.dense({ units: 2 }), inputShape });
  const [a, b] = [large, small].map(options => modelOf(dense(), make(options))) as [LayersModel, LayersModel];
  b.setWeights(a.getWeights());
  const x = tensor(new Random(4).normals([2, 6, 2]).data, [2, 6, 2]);
  const shape = [2, a.outputShape[1] as number, 2];
  const y = tensor(new Float32Array(shape.reduce((size, n) => size * n, 1)).fill(1), shape);
  for (const model of [a, b]) model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  expect(a.trainOnBatch(x, y)).toBe(b.trainOnBatch(x, y));
  for (const [n, weight] of a.getWeights().entries()) expectBits(weight.dataSync(), b.getWeights()[n]!.dataSync());
});

test('a Conv1D of a Keras file may have one group', async () => {
  const of = (groups: number) => ({
    class_name: 'Sequential',
    config: {
      name: 'one',
      layers: [
        {
          class_name: 'Conv1D',
          config: {
            ...{ name: 'windows', batch_input_shape: [null, 6, 2], filters: 4, kernel_size: [3], strides: [1] },
            ...{ padding: 'valid', data_format: 'channels_last', dilation_rate: [1], groups, activation: 'relu' },
            ...{ activity_regularizer: null, use_bias: true },
          },
        },
      ],
    },
  });
  const load = (groups: number) => modelFromJSON({ modelTopology: of(groups) } as never);
  expect((await load(1)).layers[0]!.getConfig()).toMatchObject({ filters: 4, kernelSize: [3], activation: 'relu' });
  await expect(load(2)).rejects.toThrow(/layers\.conv1d: groups must be 1, got 2/);
});

test('conv1d has the name and the configuration of TF.js', () => {
  const layer = make({ kernelSize: [3], strides: [2], padding: 'same', inputShape });
  expect(layer.name).toMatch(/^conv1d_Conv1D\d+$/);
  const { kernelInitializer: _, biasInitializer: __, name: ___, ...config } = layer.getConfig();
  expect(config).toEqual({
    trainable: true,
    batchInputShape: [null, 6, 2],
    dtype: 'float32',
    filters: 2,
    kernelSize: [3],
    strides: [2],
    padding: 'same',
    dataFormat: 'channelsLast',
    dilationRate: [1],
    activation: 'linear',
    useBias: true,
    kernelRegularizer: null,
    kernelConstraint: null,
    biasRegularizer: null,
    biasConstraint: null,
  });
});

test('a model with conv1d comes back from JSON with its options', async () => {
  const model = modelOf(
    make({ padding: 'causal', dilationRate: 2, activation: 'elu', kernelRegularizer: 'l2', inputShape }),
    make({ strides: 2, useBias: false, kernelConstraint: 'maxNorm' }),
  );
  const copy = await modelFromJSON(model.toJSON() as never);
  expect(copy.layers.map(layer => layer.getConfig())).toEqual(model.layers.map(layer => layer.getConfig()));
});

test('conv1d ends in a softmax whose loss starts from the logits', () => {
  setRandomSeed(3);
  const last = { filters: 3, kernelSize: 2, padding: 'causal', inputShape } as const;
  const joined = modelOf(layers.conv1d({ ...last, activation: 'softmax' }));
  const apart = modelOf(layers.conv1d(last), layers.softmax());
  apart.setWeights(joined.getWeights());
  const random = new Random(2);
  const x = tensor(random.normals([4, 6, 2]).data, [4, 6, 2]);
  const y = tensor(
    Float32Array.from({ length: 72 }, (_, n) => Number(n % 3 === n % 2)),
    [4, 6, 3],
  );
  for (const model of [joined, apart]) model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
  for (let n = 0; n < 3; n++) {
    const [a, b] = [joined, apart].map(model => model.trainOnBatch(x, y) as number);
    expectClose([a!], [b!], { abs: 1e-6, rel: 1e-6, what: `loss ${n}` });
  }
});

test('conv1d below an lstm learns to sum the changes of a sequence', async () => {
  setRandomSeed(5);
  const model = modelOf(
    layers.conv1d({ filters: 8, kernelSize: 3, activation: 'relu', padding: 'same', inputShape: [16, 1] }),
    layers.lstm({ units: 12 }),
    layers.dense({ units: 1 }),
  );
  model.compile({ optimizer: train.adam(0.01), loss: 'meanSquaredError' });
  const random = new Random(11);
  const count = 256;
  const x = Float32Array.from({ length: count * 16 }, () => random.bits() / 2 ** 32);
  const y = Float32Array.from({ length: count }, (_, n) => {
    let sum = 0;
    for (let t = n * 16 + 1; t < n * 16 + 16; t++) sum += Math.abs(x[t]! - x[t - 1]!);
    return sum / 4;
  });
  const mean = y.reduce((sum, value) => sum + value, 0) / count;
  const variance = y.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
  const { history } = await model.fit(tensor(x, [count, 16, 1]), tensor(y, [count, 1]), {
    epochs: 60,
    batchSize: 32,
    verbose: 0,
  });
  expect(history.loss!.at(-1) as number).toBeLessThan(0.25 * variance);
});
