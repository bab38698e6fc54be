// Models with batch and layer normalization: training, frozen layers, moving statistics, bad input.

import {
  input,
  type Layer,
  layers,
  loadLayersModel,
  type ModelArtifacts,
  model,
  ones,
  type Sequential,
  sequential,
  setRandomSeed,
  type Tensor,
  tensor,
  train,
} from 'lstm-wasm';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { block } from '../reference/block.ts';
import { batchNormalization, layerNormalization } from '../reference/normalization.ts';
import { Random } from '../reference/random.ts';

afterEach(() => vi.restoreAllMocks());

const [B, T, D] = [6, 4, 3];
const wrong = (value: unknown) => value as never;
const normals = (seed: number, ...shape: number[]) =>
  tensor(Float32Array.from(new Random(seed).normals(shape, 2).data), shape);
const numbersOf = (value: Tensor | Tensor[]) => (value as Tensor).dataSync();
const blockOf = (value: Tensor) => block([...value.shape], value.dataSync());
const ownWeights = (net: { getWeights(): Tensor[] }) => net.getWeights().map(weight => weight.dataSync().slice());

function expectSameWeights(net: { getWeights(): Tensor[] }, before: ArrayLike<number>[]): void {
  for (const [n, values] of ownWeights(net).entries()) expectBits(values, before[n]!, `weight ${n}`);
}

/** A recurrent model with both kinds of normalization. */
function stack(more: { trainable?: boolean; stateful?: boolean } = {}): Sequential {
  setRandomSeed(5);
  const { trainable = true, stateful = false } = more;
  const net = sequential({
    layers: [
      layers.batchNormalization({ batchInputShape: [B, T, D], name: 'first', momentum: 0.7, trainable }),
      layers.lstm({ units: 5, returnSequences: true, name: 'memory', stateful }),
      layers.layerNormalization({ name: 'rows' }),
      layers.gru({ units: 4, name: 'reader' }),
      layers.batchNormalization({ name: 'second', scale: false }),
      layers.dense({ units: 2, name: 'output' }),
    ],
  });
  net.compile({ optimizer: train.adam(0.01), loss: 'meanSquaredError' });
  return net;
}

const x = normals(1, B, T, D);
const y = normals(2, B, 2);

describe('weights', () => {
  test('batch normalization has gamma, beta, moving mean and moving variance, in the order of Keras', () => {
    const layer = layers.batchNormalization({ inputShape: [2] });
    sequential({ layers: [layer] });
    expect(layer.weightSpecs.map(({ name }) => name)).toEqual(['gamma', 'beta', 'movingMean', 'movingVariance']);
    expect(layer.getWeights().map(weight => [...weight.dataSync()])).toEqual([
      [1, 1],
      [0, 0],
      [0, 0],
      [1, 1],
    ]);
    layer.setWeights([
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
    ] as never);
    expect(layer.getWeights().map(weight => [...weight.dataSync()])).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
    ]);
    expect(layer.getWeights(true)).toHaveLength(2);
    layer.trainable = false;
    expect(layer.getWeights(true)).toHaveLength(0);
    expect(layer.countParams()).toBe(8);
  });

  test('without center and scale only the statistics are left', () => {
    const layer = layers.batchNormalization({ inputShape: [3], center: false, scale: false });
    sequential({ layers: [layer] });
    expect(layer.weightSpecs.map(({ name }) => name)).toEqual(['movingMean', 'movingVariance']);
    const other = layers.layerNormalization({ inputShape: [3], center: false, scale: false });
    sequential({ layers: [other] });
    expect(other.getWeights()).toEqual([]);
  });

  test('initializers set gamma, beta and the statistics', () => {
    const layer = layers.batchNormalization({
      inputShape: [2],
      gammaInitializer: 'zeros',
      betaInitializer: 'ones',
      movingMeanInitializer: 'ones',
      movingVarianceInitializer: 'zeros',
    });
    sequential({ layers: [layer] });
    expect(layer.getWeights().map(weight => weight.dataSync()[0])).toEqual([0, 1, 1, 0]);
  });

  test('summary counts moving statistics as non-trainable', () => {
    const lines: string[] = [];
    stack().summary(null, null, line => lines.push(line));
    const total = stack().countParams();
    expect(lines).toContain(`Total params: ${total}`);
    expect(lines).toContain(`Trainable params: ${total - 2 * D - 2 * 4}`);
    expect(lines).toContain('Non-trainable params: 14');
  });
});

describe('training', () => {
  test('a step uses the statistics of the batch, and moves the moving ones', () => {
    const layer = layers.batchNormalization({ inputShape: [T, D], momentum: 0.75 });
    const net = sequential({ layers: [layer] });
    net.compile({ optimizer: train.sgd(0), loss: 'meanSquaredError' });
    const expected = batchNormalization({ x: blockOf(x), gamma: null, beta: null });
    const target = normals(3, B, T, D);
    const loss = net.trainOnBatch(x, target) as number;
    const errors = expected.y.data.map((value, n) => (value - target.dataSync()[n]!) ** 2);
    expectClose([loss], [errors.reduce((a, b) => a + b) / errors.length], { abs: 0, rel: 1e-6 });
    const [, , mean, variance] = layer.getWeights();
    expectClose(
      mean!.dataSync(),
      expected.mean.map(value => 0.25 * value),
      { abs: 1e-7, rel: 1e-6 },
    );
    expectClose(
      variance!.dataSync(),
      expected.variance.map(value => 0.75 + 0.25 * value),
      { abs: 1e-7, rel: 1e-6 },
    );
  });

  test('predictions and evaluations use the moving statistics, and change nothing', () => {
    const net = stack();
    for (let step = 0; step < 5; step++) net.trainOnBatch(x, y);
    const before = ownWeights(net);
    net.predict(x);
    net.evaluate(x, y, { batchSize: B });
    net.testOnBatch(x, y);
    expectSameWeights(net, before);
    const single = sequential({ layers: [layers.batchNormalization({ inputShape: [D] })] });
    const weights = [1, 2, 3, 4].map(seed => normals(seed, D));
    single.setWeights(weights.map((weight, n) => (n === 3 ? weight.square() : weight)));
    const [gamma, beta, mean, variance] = ownWeights(single).map(values => Float64Array.from(values));
    const rows = normals(7, 5, D);
    const expected = batchNormalization({ x: blockOf(rows), gamma: gamma!, beta: beta! }, null, [mean!, variance!]);
    expectClose(numbersOf(single.predict(rows)), expected.y.data, { abs: 1e-5, rel: 1e-5 });
  });

  test('layer normalization normalizes each time step, in training and in predictions', () => {
    const net = sequential({ layers: [layers.layerNormalization({ inputShape: [T, D] })] });
    net.setWeights([normals(4, D), normals(5, D)]);
    const [gamma, beta] = ownWeights(net).map(values => Float64Array.from(values));
    const expected = layerNormalization({ x: blockOf(x), gamma: gamma!, beta: beta! });
    expectClose(numbersOf(net.predict(x)), expected.y.data, { abs: 1e-5, rel: 1e-5 });
  });

  test('the gradients of a model are those of finite differences', () => {
    setRandomSeed(8);
    const a = input({ shape: [T, D] });
    const hidden = layers.dense({ units: 5, activation: 'tanh' }).apply(a);
    const normalized = layers.batchNormalization({ momentum: 1 }).apply(hidden);
    const other = layers.layerNormalization().apply(layers.add().apply([normalized, hidden]));
    const graph = model({
      inputs: a,
      outputs: layers.dense({ units: 2 }).apply(layers.gru({ units: 3 }).apply(other)),
    });
    const rate = 1 / 16;
    graph.compile({ optimizer: train.sgd(rate), loss: 'meanSquaredError' });
    const before = graph.getWeights();
    graph.trainOnBatch(x, y);
    const after = ownWeights(graph);
    // A step of rate 0 gives the loss in training mode
    graph.compile({ optimizer: train.sgd(0), loss: 'meanSquaredError' });
    for (const [n, weight] of before.entries()) {
      const gradient = after[n]!.map((value, k) => (weight.dataSync()[k]! - value) / rate);
      const direction = gradient.map((_, k) => Math.sin(7 * k + 1));
      const lossAt = (s: number) => {
        const moved = weight.dataSync().map((value, k) => value + s * direction[k]!);
        graph.setWeights(before.map((one, m) => (m === n ? tensor(moved, [...weight.shape]) : one)));
        return graph.trainOnBatch(x, y) as number;
      };
      const isStatistic = n === 4 || n === 5;
      const slope = isStatistic ? 0 : (lossAt(1 / 256) - lossAt(-1 / 256)) * 128;
      const product = gradient.reduce((sum, value, k) => sum + value * direction[k]!, 0);
      expectClose([product], [slope], { abs: 3e-4, rel: 5e-3, what: `gradient of weight ${n}` });
    }
  });

  test('masked steps take no part in the statistics of the batch', () => {
    const make = () => {
      const net = sequential({
        layers: [
          layers.masking({ inputShape: [T, D] }),
          layers.batchNormalization({ momentum: 0 }),
          layers.lstm({ units: 2 }),
        ],
      });
      net.compile({ optimizer: train.sgd(0), loss: 'meanSquaredError' });
      return net;
    };
    const values = x.dataSync().slice();
    const mask = Array.from({ length: B * T }, (_, n) => Number(n % T < 2 + (Math.floor(n / T) % 3)));
    for (let n = 0; n < values.length; n++) values[n]! *= mask[Math.floor(n / D)]!;
    const net = make();
    net.trainOnBatch(tensor(values, [B, T, D]), normals(2, B, 2));
    const expected = batchNormalization({ x: block([B, T, D], values), gamma: null, beta: null }, mask);
    const [, , mean, variance] = net.getWeights();
    expectClose(mean!.dataSync(), expected.mean, { abs: 1e-6, rel: 1e-6 });
    expectClose(variance!.dataSync(), expected.variance, { abs: 1e-6, rel: 1e-6 });
  });

  test('a batch of one vector has variance 0, so the output is beta', () => {
    const layer = layers.batchNormalization({ inputShape: [D], betaInitializer: 'ones', momentum: 0.5 });
    const net = sequential({ layers: [layer] });
    net.compile({ optimizer: train.sgd(0), loss: 'meanSquaredError' });
    expect(net.trainOnBatch(normals(3, 1, D), ones([1, D]))).toBe(0);
    expectBits(layer.getWeights()[3]!.dataSync(), new Float32Array(D).fill(0.5));
  });

  test('a layer that is applied twice moves its statistics twice', () => {
    const a = input({ shape: [D] });
    const shared = layers.batchNormalization({ momentum: 0.5 });
    const first = shared.apply(a);
    const net = model({ inputs: a, outputs: layers.add().apply([first, shared.apply(first)]) });
    net.compile({ optimizer: train.sgd(0), loss: 'meanSquaredError' });
    const rows = normals(3, 8, D);
    net.trainOnBatch(rows, normals(4, 8, D));
    const once = batchNormalization({ x: blockOf(rows), gamma: null, beta: null });
    const twice = batchNormalization({ x: once.y, gamma: null, beta: null });
    const wanted = once.variance.map((value, d) => 0.5 * (0.5 + 0.5 * value) + 0.5 * twice.variance[d]!);
    expectClose(shared.getWeights()[3]!.dataSync(), wanted, { abs: 1e-6, rel: 1e-6 });
  });

  test('optimizers with weight decay and averages leave the statistics to training', () => {
    const [plain, other] = [{}, { weightDecay: 0.5, useEma: true, emaMomentum: 0.5, globalClipNorm: 1e-6 }].map(
      options => {
        setRandomSeed(1);
        const net = sequential({
          layers: [layers.batchNormalization({ inputShape: [D] }), layers.dense({ units: 2 })],
        });
        net.compile({ optimizer: train.adam({ learningRate: 0.01, ...options }), loss: 'meanSquaredError' });
        for (let step = 0; step < 4; step++) net.trainOnBatch(normals(step, B, D), y);
        net.finalizeVariableValues();
        return ownWeights(net);
      },
    );
    for (const n of [2, 3]) expectBits(other![n]!, plain![n]!);
    expect(other![0]).not.toEqual(plain![0]);
  });

  test('regularizers and constraints apply to gamma and beta', () => {
    const layer = layers.batchNormalization({
      inputShape: [D],
      gammaRegularizer: 'l2',
      betaConstraint: 'nonNeg',
      betaInitializer: 'ones',
    });
    const net = sequential({ layers: [layer] });
    net.compile({ optimizer: train.sgd(100), loss: 'meanSquaredError' });
    const rows = normals(3, 8, D);
    expectClose([net.testOnBatch(rows, net.predict(rows) as Tensor) as number], [0.03], { abs: 0, rel: 1e-6 });
    net.trainOnBatch(rows, normals(4, 8, D));
    expect(
      layer
        .getWeights()[1]!
        .dataSync()
        .every(value => value >= 0),
    ).toBe(true);
  });
});

describe('frozen layers', () => {
  test('a frozen batch normalization runs as in predictions, whenever it is frozen or thawed', () => {
    const net = stack();
    const layer = net.getLayer('first');
    for (let step = 0; step < 3; step++) net.trainOnBatch(x, y);
    layer.trainable = false;
    const frozen = layer.getWeights().map(weight => weight.dataSync().slice());
    net.trainOnBatch(x, y);
    net.trainOnBatch(x, y);
    expectSameWeights(layer, frozen);
    layer.trainable = true;
    net.trainOnBatch(x, y);
    expect(layer.getWeights()[2]!.dataSync()).not.toEqual(frozen[2]);
  });

  test('the loss of a frozen layer is that of an evaluation', () => {
    const layer = layers.batchNormalization({ inputShape: [D], trainable: false });
    const net = sequential({ layers: [layer, layers.dense({ units: 2 })] });
    net.compile({ optimizer: train.sgd(0.1), loss: 'meanSquaredError' });
    const rows = normals(3, B, D);
    expect(net.testOnBatch(rows, y)).toBe(net.trainOnBatch(rows, y));
    layer.trainable = true;
    expect(net.testOnBatch(rows, y)).not.toBe(net.trainOnBatch(rows, y));
  });

  test('model.trainable freezes the statistics too', () => {
    const net = stack();
    net.trainable = false;
    const before = ownWeights(net);
    net.trainOnBatch(x, y);
    expectSameWeights(net, before);
  });
});

describe('training: true', () => {
  const single = () => sequential({ layers: [layers.batchNormalization({ inputShape: [D], momentum: 0.5 })] });

  test('predict with training uses the statistics of each batch, and moves the moving ones, as a call in Keras', () => {
    const net = single();
    const rows = normals(3, 8, D);
    const found = numbersOf(net.predict(rows, { training: true }));
    const expected = batchNormalization({ x: blockOf(rows), gamma: null, beta: null });
    expectClose(found, expected.y.data, { abs: 1e-5, rel: 1e-5 });
    expectClose(
      net.getWeights()[2]!.dataSync(),
      expected.mean.map(value => 0.5 * value),
      { abs: 1e-6, rel: 1e-6 },
    );
    const before = ownWeights(net);
    net.getLayer(null, 0).trainable = false;
    net.predict(rows, { training: true });
    expectSameWeights(net, before);
  });

  test('apply on tensors takes training', () => {
    const net = single();
    const layer = net.getLayer(null, 0);
    const rows = normals(3, 8, D);
    expectBits(numbersOf(layer.apply(rows) as never), numbersOf(net.predict(rows)));
    const before = ownWeights(net);
    const found = numbersOf(layer.apply(rows, { training: true }) as never);
    expect(ownWeights(net)[2]).not.toEqual(before[2]);
    net.setWeights(before.map((values, n) => tensor(values, [...net.getWeights()[n]!.shape])));
    expectBits(numbersOf(net.predict(rows, { training: true })), found);
  });

  test('a symbolic call with training: true uses the batch in predictions; with false, the moving statistics in training', () => {
    for (const training of [true, false]) {
      const a = input({ shape: [D] });
      const layer = layers.batchNormalization();
      const net = model({ inputs: a, outputs: layer.apply(a, { training }) });
      net.compile({ optimizer: train.sgd(0), loss: 'meanSquaredError' });
      const rows = normals(3, 8, D);
      const before = ownWeights(net);
      const expected = batchNormalization(
        { x: blockOf(rows), gamma: null, beta: null },
        null,
        training ? null : [new Float64Array(D), new Float64Array(D).fill(1)],
      );
      expectClose(numbersOf(net.predict(rows)), expected.y.data, { abs: 1e-5, rel: 1e-5 });
      net.trainOnBatch(rows, normals(4, 8, D));
      if (!training) expectSameWeights(net, before);
    }
  });

  test('a stream gives the predictions of the model, and rejects a call with training: true', () => {
    const net = sequential({
      layers: [
        layers.batchNormalization({ inputShape: [T, D] }),
        layers.lstm({ units: 3, returnSequences: true }),
        layers.layerNormalization(),
      ],
    });
    net.compile({ optimizer: train.sgd(0.1), loss: 'meanSquaredError' });
    for (let n = 0; n < 3; n++) net.trainOnBatch(x, normals(9, B, T, 3));
    const stream = net.stream();
    const sample = x.slice(0, 1);
    const found = Array.from({ length: T }, (_, t) => [
      ...(stream.step(sample.dataSync().slice(t * D, (t + 1) * D)) as Float32Array),
    ]);
    expectClose(found.flat(), numbersOf(net.predict(sample)), { abs: 1e-6, rel: 1e-6 });
    const a = input({ shape: [T, D] });
    const always = model({
      inputs: a,
      outputs: layers.batchNormalization({ name: 'norm' }).apply(a, { training: true }),
    });
    expect(() => always.stream()).toThrow(
      "model.stream: 'norm' must not be applied with training: true, because a step has no statistics of the sequence",
    );
  });
});

describe('a step that fails changes no statistics', () => {
  test.each([
    ['NaN in the data', (values: Float32Array) => values.fill(Number.NaN, 3, 4)],
    ['Infinity in the data', (values: Float32Array) => values.fill(Number.POSITIVE_INFINITY, 3, 4)],
    ['a variance that overflows', (values: Float32Array) => values.fill(1e30, 3, 4)],
  ] as const)('%s', (_, spoil) => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const net = stack({ stateful: true });
    net.trainOnBatch(x, y);
    const before = net.snapshot();
    const bad = x.dataSync().slice();
    spoil(bad);
    expect(net.trainOnBatch(tensor(bad, [B, T, D]), y)).toBeNaN();
    expect(Buffer.compare(net.snapshot(), before)).toBe(0);
  });

  test('a step whose update overflows', () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const net = sequential({ layers: [layers.batchNormalization({ inputShape: [D] }), layers.dense({ units: 2 })] });
    net.compile({ optimizer: train.sgd({ learningRate: 1e38, weightDecay: 1e38 }), loss: 'meanSquaredError' });
    const before = net.snapshot();
    expect(net.trainOnBatch(normals(3, B, D), normals(4, B, 2))).toBeNaN();
    expect(Buffer.compare(net.snapshot(), before)).toBe(0);
  });

  test('a wrong class', () => {
    const net = sequential({
      layers: [layers.batchNormalization({ inputShape: [D] }), layers.dense({ units: 2, activation: 'softmax' })],
    });
    net.compile({ optimizer: train.sgd(0.1), loss: 'sparseCategoricalCrossentropy' });
    const before = net.snapshot();
    const classes = tensor([0, 1, 0, 1, 2, 0], [B, 1]);
    expect(() => net.trainOnBatch(normals(3, B, D), classes)).toThrow('numbers of classes from 0 to 1, got 2');
    expect(Buffer.compare(net.snapshot(), before)).toBe(0);
  });
});

describe('files', () => {
  const trained = () => {
    const net = stack();
    for (let step = 0; step < 3; step++) net.trainOnBatch(normals(step, B, T, D), y);
    return net;
  };

  test('a snapshot resumes training with the same bits', () => {
    const net = trained();
    const bytes = net.snapshot();
    const other = stack();
    other.restore(bytes);
    expectSameWeights(other, ownWeights(net));
    for (let step = 0; step < 3; step++) expect(other.trainOnBatch(x, y)).toBe(net.trainOnBatch(x, y));
    expectSameWeights(other, ownWeights(net));
  });

  test.each(['adam', 'nadam'] as const)(
    'a TF.js file with the optimizer %s resumes training with the same bits',
    async kind => {
      const net = trained();
      net.compile({ optimizer: train[kind](0.01), loss: 'meanSquaredError' });
      net.getLayer('memory').trainable = false;
      for (let step = 0; step < 3; step++) net.trainOnBatch(x, y);
      const saved: ModelArtifacts[] = [];
      await net.save(
        wrong({ save: (artifacts: ModelArtifacts) => saved.push(artifacts) && { modelArtifactsInfo: {} } }),
        { includeOptimizer: true },
      );
      const names = saved[0]!.weightSpecs!.map(({ name }) => name);
      expect(names.slice(0, 4)).toEqual(['first/gamma', 'first/beta', 'first/moving_mean', 'first/moving_variance']);
      const slots = names.filter(name => /moving_(mean|variance)\/./.test(name));
      expect(slots).toHaveLength(kind === 'adam' ? 0 : 8);
      const copy = (await loadLayersModel(wrong({ load: () => saved[0] }))) as Sequential;
      expectSameWeights(copy, ownWeights(net));
      for (let step = 0; step < 3; step++) expect(copy.trainOnBatch(x, y)).toBe(net.trainOnBatch(x, y));
      expectSameWeights(copy, ownWeights(net));
    },
  );

  test('save with trainableOnly leaves out the statistics', async () => {
    const saved: ModelArtifacts[] = [];
    await stack().save(
      wrong({ save: (artifacts: ModelArtifacts) => saved.push(artifacts) && { modelArtifactsInfo: {} } }),
      { trainableOnly: true },
    );
    const names = saved[0]!.weightSpecs!.map(({ name }) => name);
    expect(names.filter(name => name.includes('moving'))).toEqual([]);
    expect(names).toContain('second/beta');
  });

  test('a configuration rebuilds the layers', () => {
    const made: [Layer, (options: never) => Layer][] = [
      [
        layers.batchNormalization({
          momentum: 0.9,
          epsilon: 0.01,
          gammaRegularizer: 'l2',
          movingMeanInitializer: 'ones',
        }),
        layers.batchNormalization as never,
      ],
      [
        layers.layerNormalization({ center: false, axis: -1, betaConstraint: 'nonNeg' }),
        layers.layerNormalization as never,
      ],
    ];
    for (const [layer, factory] of made) {
      expect(factory(layer.getConfig() as never).getConfig()).toEqual(layer.getConfig());
    }
    expect(made.map(([{ className }]) => className)).toEqual(['BatchNormalization', 'LayerNormalization']);
  });
});

describe('bad input', () => {
  test.each<[string, () => unknown, string]>([
    [
      'another axis',
      () => layers.batchNormalization({ axis: 0 }),
      'layers.batchNormalization: axis must be -1, 1 or 2, got 0',
    ],
    [
      'several axes',
      () => layers.layerNormalization({ axis: wrong([1, 2]) }),
      'layers.layerNormalization: axis must be -1, 1 or 2, got [1, 2]',
    ],
    [
      'a momentum above 1',
      () => layers.batchNormalization({ momentum: 1.5 }),
      'layers.batchNormalization: momentum must be a finite number at least 0 and at most 1, got 1.5',
    ],
    [
      'a negative epsilon',
      () => layers.layerNormalization({ epsilon: -1 }),
      'layers.layerNormalization: epsilon must be a finite number at least 0, got -1',
    ],
    [
      'a number as center',
      () => layers.batchNormalization({ center: wrong(1) }),
      'layers.batchNormalization: center must be true or false, got 1',
    ],
    [
      'an option of the other layer',
      () => layers.layerNormalization(wrong({ momentum: 0.9 })),
      "layers.layerNormalization: unknown option 'momentum'",
    ],
    [
      'a regularizer of the moving mean',
      () => layers.batchNormalization(wrong({ movingMeanRegularizer: 'l2' })),
      "layers.batchNormalization: unknown option 'movingMeanRegularizer'",
    ],
    [
      'an unknown initializer',
      () => layers.batchNormalization({ movingVarianceInitializer: wrong('nothing') }),
      "layers.batchNormalization: unknown movingVarianceInitializer 'nothing'",
    ],
  ])('rejects %s', (_, make, message) => {
    expect(make).toThrow(message);
  });

  test('rejects an axis that is not the last one of the input', () => {
    const layer = layers.batchNormalization({ axis: 1, name: 'norm', inputShape: [T, D] });
    expect(() => sequential({ layers: [layer] })).toThrow(
      'axis of norm must be the last one of [null, 4, 3], -1 or 2, got 1',
    );
  });
});
