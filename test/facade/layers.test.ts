// Layers that are not recurrent, through the public API: gradients against the float64 reference and finite
// differences of the loss, dropout seeds, variable lengths, invalid arguments.

import {
  initializers,
  type Layer,
  layers,
  type Sequential,
  sequential,
  setRandomSeed,
  tensor,
  train,
  ValueError,
} from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { activations } from '../../src/layers/activations.ts';
import { expectBits, expectClose } from '../compare.ts';
import { type Block, block } from '../reference/block.ts';
import { dropoutMask, seedBits } from '../reference/dropout.ts';
import { type LayerSpec, ReferenceModel } from '../reference/model.ts';
import { Random } from '../reference/random.ts';
import { modelOf, tensorOf } from './models.ts';

const spec = (name: string, config: object = {}, more: object = {}) => ({ class: name, config, ...more }) as LayerSpec;
const lstm = (units: number, config: object = {}) => spec('lstm', { units, returnSequences: true, ...config });
const dense = (units: number, config: object = {}) => spec('dense', { units, ...config });
const input = { inputShape: [6, 3] };

const [B, T, D] = [5, 6, 3];
const [V, VECTOR] = [11, 5];
const ids = (random: Random, shape: number[]) =>
  block(
    shape,
    random.uniforms(shape).data.map(() => random.bits() % V),
  );

const stacks: [string, LayerSpec[]][] = [
  ['dropout between layers', [lstm(7, input), spec('dropout', { rate: 0.4, seed: 3 }), lstm(4), dense(2)]],
  ['dropout as the first layer', [spec('dropout', { rate: 0.4, seed: 3, ...input }), lstm(4), dense(2)]],
  ['dropout as the last layer', [lstm(4, input), spec('dropout', { rate: 0.4, seed: 3 })]],
  [
    'dropout with a noiseShape',
    [lstm(7, input), spec('dropout', { rate: 0.4, seed: 3, noiseShape: [null, 1, null] }), dense(2)],
  ],
  [
    'dropout of the last time step',
    [lstm(7, { ...input, returnSequences: false }), spec('dropout', { rate: 0.5, seed: 2 ** 50 }), dense(2)],
  ],
  [
    'two dropout layers',
    [spec('dropout', { rate: 0.2, seed: 1, ...input }), dense(5), spec('dropout', { rate: 0.2, seed: 2 }), dense(2)],
  ],
  [
    'timeDistributed dropout',
    [lstm(7, input), spec('timeDistributed', { layer: spec('dropout', { rate: 0.4, seed: 3 }) }), dense(2)],
  ],
  [
    'timeDistributed activation',
    [lstm(7, input), spec('timeDistributed', { layer: spec('activation', { activation: 'elu' }) }), dense(2)],
  ],
  ['spatialDropout1d', [lstm(7, input), spec('spatialDropout1d', { rate: 0.4, seed: 3 }), lstm(4), dense(2)]],
  ['gaussianNoise', [lstm(7, input), spec('gaussianNoise', { stddev: 0.4, seed: 3 }), lstm(4), dense(2)]],
  ['gaussianNoise as the first layer', [spec('gaussianNoise', { stddev: 0.4, seed: 3, ...input }), lstm(4)]],
  ['gaussianNoise as the last layer', [lstm(4, input), spec('gaussianNoise', { stddev: 0.4, seed: 3 })]],
  ['gaussianDropout', [lstm(7, input), spec('gaussianDropout', { rate: 0.4, seed: 3 }), lstm(4), dense(2)]],
  [
    'timeDistributed noise',
    [
      lstm(7, input),
      spec('timeDistributed', { layer: spec('gaussianNoise', { stddev: 0.4, seed: 3 }) }),
      spec('timeDistributed', { layer: spec('gaussianDropout', { rate: 0.4, seed: 4 }) }),
      dense(2),
    ],
  ],
  [
    'rectifiers with parameters',
    [
      dense(5, input),
      spec('leakyReLU', { alpha: 0.1 }),
      dense(5),
      spec('elu', { alpha: 1.5 }),
      dense(5),
      spec('thresholdedReLU', { theta: 0.2 }),
      dense(2),
    ],
  ],
  [
    'prelu',
    [
      dense(5, input),
      spec('prelu', {}, { steps: T }),
      lstm(4),
      spec('prelu', { sharedAxes: [1] }, { steps: T }),
      dense(3),
      spec('prelu', { sharedAxes: [1, 2] }, { steps: T }),
      spec('prelu', { sharedAxes: [2] }, { steps: T }),
    ],
  ],
  ['prelu of vectors', [dense(5, { inputShape: [3] }), spec('prelu'), dense(2), spec('prelu', { sharedAxes: [1] })]],
  ['prelu as the first layer', [spec('prelu', input, { steps: T }), lstm(4), dense(2)]],
  ['flatten', [lstm(7, input), spec('flatten', {}, { width: 42 }), dense(2)]],
  ['flatten as the first layer', [spec('flatten', input, { width: 18 }), dense(5, { activation: 'gelu' }), dense(2)]],
  ['flatten as the last layer', [lstm(3, input), spec('flatten', {}, { width: 18 })]],
  ['reshape', [lstm(7, input), spec('reshape', { targetShape: [14, 3] }), lstm(4), dense(2)]],
  [
    'reshape to vectors and back',
    [
      lstm(2, input),
      spec('reshape', { targetShape: [12] }),
      dense(8),
      spec('reshape', { targetShape: [4, 2] }),
      lstm(3),
    ],
  ],
  ['repeatVector', [lstm(7, { ...input, returnSequences: false }), spec('repeatVector', { n: 4 }), lstm(5), dense(2)]],
  ['repeatVector below dense', [dense(4, { inputShape: [3] }), spec('repeatVector', { n: 3 }), dense(2)]],
  [
    'pooling over time',
    [
      lstm(7, input),
      spec('maxPooling1d', { poolSize: 2, strides: 2, padding: 'valid' }),
      lstm(5),
      spec('averagePooling1d', { poolSize: 2, strides: 1, padding: 'same' }),
      dense(2),
    ],
  ],
  [
    'pooling as the first layer',
    [spec('maxPooling1d', { poolSize: 3, strides: 1, padding: 'same', ...input }), lstm(4)],
  ],
  ['the maximum of all steps', [lstm(7, input), spec('globalMaxPooling1d', {}), dense(2)]],
  ['the mean of all steps', [spec('globalAveragePooling1d', input), dense(2)]],
  [
    'masking below the mean of all steps',
    [spec('masking', input), lstm(3), spec('globalAveragePooling1d', {}), dense(2)],
  ],
  ['masking below the maximum of all steps', [spec('masking', input), spec('globalMaxPooling1d', {}), dense(2)]],
  [
    'masking below pooling',
    [spec('masking', input), spec('averagePooling1d', { poolSize: 2, strides: 2, padding: 'same' }), lstm(3)],
  ],
  ['upsampling', [spec('upSampling1d', { size: 3, ...input }), lstm(4), spec('upSampling1d', { size: 2 }), dense(2)]],
  [
    'padding and cropping of time steps',
    [
      lstm(4, input),
      spec('zeroPadding1d', { padding: [1, 2] }),
      lstm(3),
      spec('cropping1d', { cropping: [2, 0] }),
      dense(2),
    ],
  ],
  ['permute', [lstm(4, input), spec('permute', { dims: [2, 1] }, { width: T }), lstm(3), dense(2)]],
  ['permute as the last layer', [spec('permute', { dims: [2, 1], ...input }, { width: T })]],
  ['masking below flatten', [spec('masking', input), spec('flatten', {}, { width: 18 }), dense(2)]],
  [
    'masking between layers',
    [
      lstm(4, input),
      spec('activation', { activation: 'relu' }),
      spec('masking', {}),
      spec('flatten', {}, { width: 24 }),
      dense(2),
    ],
  ],
  [
    'embedding',
    [
      spec('embedding', { inputDim: V, outputDim: VECTOR, inputShape: [T] }),
      lstm(4, { returnSequences: false }),
      dense(2),
    ],
  ],
  [
    'embedding with 20 columns and any length',
    [spec('embedding', { inputDim: V, outputDim: 20, inputShape: [null] }), lstm(4), dense(2)],
  ],
  [
    'embedding below flatten',
    [
      spec('embedding', { inputDim: V, outputDim: VECTOR, inputShape: [T], maskZero: true }),
      spec('flatten', {}, { width: 30 }),
      dense(2),
    ],
  ],
  ['embedding as the only layer', [spec('embedding', { inputDim: V, outputDim: VECTOR, inputShape: [T] })]],
  ...activations.flatMap((activation): [string, LayerSpec[]][] => [
    [`dense ${activation}`, [dense(5, { ...input, activation }), lstm(4), dense(3, { activation })]],
    [
      `activation ${activation}`,
      [dense(5, input), spec('activation', { activation }), lstm(3), spec('activation', { activation })],
    ],
  ]),
];

const rate = 2 ** 20;

/** A compiled model, its reference with the same weights, and a batch. */
function caseOf(specs: LayerSpec[]) {
  const random = new Random(specs.length * 100 + specs[0]!.class.length);
  const model = modelOf(specs);
  model.compile({ optimizer: train.sgd(rate), loss: 'meanSquaredError' });
  const reference = new ReferenceModel({ layers: specs });
  const weights = reference.weightShapes.map(shape =>
    random.normals(shape, shape.length > 1 ? shape[0]! ** -0.5 : 0.3),
  );
  reference.setWeights(weights);
  model.setWeights(weights.map(tensorOf));
  const first = specs[0]!.config.inputShape!;
  const x =
    specs[0]!.class === 'embedding' ? ids(random, [B, T]) : random.normals(first.length === 2 ? [B, T, D] : [B, D]);
  if (specs[0]!.class === 'masking') x.data.fill(0, 7 * D, 12 * D);
  const y = random.normals(reference.predict(x).shape);
  return { model, reference, weights, x, y };
}

function gradientsOf({ model, weights, x, y }: ReturnType<typeof caseOf>) {
  const loss = model.trainOnBatch(tensorOf(x), tensorOf(y)) as number;
  const after = model.getWeights().map(weight => weight.dataSync());
  return { loss, gradients: weights.map(({ data }, n) => data.map((w, m) => (w - after[n]![m]!) / rate)) };
}

// Bounds as in gradients.test.ts.
test.each(stacks)('prediction, loss and gradients match the float64 reference: %s', (_, specs) => {
  const subject = caseOf(specs);
  const { model, reference, x, y } = subject;
  const predicted = reference.predict(x);
  const output = model.predict(tensorOf(x));
  expect(output.shape).toEqual(predicted.shape);
  expectClose(output.dataSync(), predicted.data, { abs: 5e-6, rel: 2e-6, what: 'prediction' });
  expectClose([model.testOnBatch(tensorOf(x), tensorOf(y)) as number], [reference.testOnBatch(x, y)], {
    abs: 0,
    rel: 2e-6,
    what: 'loss',
  });
  const expected = reference.gradients(x, y);
  const { gradients } = gradientsOf(subject);
  expected.forEach(({ shape, data }, n) => {
    const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const what = `gradient in weights ${n} [${shape}]`;
    expectClose(gradients[n]!, data, { abs: 5e-6 * largest, rel: 1e-5, what });
  });
});

// As in gradients.test.ts, with a smaller step, because logSoftmax makes the loss more curved. Excluded are dropout and
// noise, which testOnBatch does not apply, and activations whose derivative jumps, unless the weights do not move their input.
const smooth = stacks.filter(
  ([name, specs]) =>
    name === 'prelu as the first layer' || !JSON.stringify(specs).match(/dropout|noise|relu|hardSigmoid|selu/i),
);
test.each(smooth)('gradients match finite differences of the loss: %s', (_, specs) => {
  const subject = caseOf(specs);
  const { model, weights, x, y } = subject;
  const { gradients } = gradientsOf(subject);
  const random = new Random(7);
  const lossAt = (at: Block[]) => {
    model.setWeights(at.map(tensorOf));
    return model.testOnBatch(tensorOf(x), tensorOf(y)) as number;
  };
  weights.forEach(({ shape, data }, n) => {
    const gradient = gradients[n]!;
    const lengths = gradient.map(() => Math.abs(random.normal()));
    const scale = 2 ** -7 / Math.hypot(...lengths);
    const moved = (sign: number) =>
      block(
        shape,
        data.map((w, m) => Math.fround(w + sign * scale * lengths[m]! * Math.sign(gradient[m]!))),
      );
    const [above, below] = [moved(1), moved(-1)];
    const difference = lossAt(weights.with(n, above)) - lossAt(weights.with(n, below));
    const slope = gradient.reduce((sum, g, m) => sum + g * (above.data[m]! - below.data[m]!), 0);
    expectClose([difference], [slope], { abs: 1e-6, rel: 1e-3, what: `weights ${n} [${shape}]` });
  });
});

describe('dropout', () => {
  const identity = { kernelInitializer: 'zeros', biasInitializer: 'ones' } as const;
  /** y = dropout(1), target 0: the gradient of the bias shows the mask. */
  const make = (seed?: number) => {
    const model = sequential();
    model.add(layers.dense({ units: 8, inputShape: [1], ...identity }));
    model.add(layers.dropout({ rate: 0.5, ...(seed === undefined ? {} : { seed }) }));
    model.compile({ optimizer: train.sgd(2 ** -10), loss: 'meanSquaredError' });
    return model;
  };
  const zeros = tensor(new Float32Array(8), [1, 8]);
  const kept = (model: Sequential) => {
    const before = model.getWeights()[1]!.dataSync();
    model.trainOnBatch([[0]], zeros);
    const after = model.getWeights()[1]!.dataSync();
    return Array.from(before, (w, n) => (w === after[n] ? 0 : 1));
  };
  const expected = (seed: number, batch: number) => [...dropoutMask(8, seedBits(seed), batch, 0.5)].map(Math.sign);

  test('the dropout mask depends only on the seed and the number of the batch', () => {
    const [model, other] = [make(5), make(5)];
    for (let batch = 0; batch < 5; batch++) {
      expect(kept(model)).toEqual(expected(5, batch));
      if (batch % 2 === 0) expect(kept(other)).toEqual(expected(5, batch / 2)); // each model counts its own batches
    }
  });

  test('dropout does not count a batch that changed nothing', () => {
    const model = make(5);
    kept(model);
    model.trainOnBatch([[Number.NaN]], zeros);
    model.testOnBatch([[0]], zeros);
    model.predict([[0]]);
    expect(kept(model)).toEqual(expected(5, 1));
  });

  test('compiling again does not reset the batch count of dropout', () => {
    const model = make(5);
    kept(model);
    model.compile({ optimizer: train.sgd(2 ** -10), loss: 'meanSquaredError' });
    expect(kept(model)).toEqual(expected(5, 1));
  });

  test('dropout without a seed takes one from the stream of setRandomSeed', () => {
    const [a, b, c] = [9, 9, 10].map(seed => {
      setRandomSeed(seed);
      const model = make();
      return Array.from({ length: 8 }, () => kept(model)).flat();
    });
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
  });

  test('dropout with rate 0 takes no seed from the stream', () => {
    const weights = [0, null].map(rate => {
      setRandomSeed(4);
      const model = sequential();
      model.add(layers.dense({ units: 3, inputShape: [2] }));
      if (rate !== null) model.add(layers.dropout({ rate }));
      model.add(layers.dense({ units: 3 }));
      return model.getWeights().flatMap(weight => [...weight.dataSync()]);
    });
    expectBits(weights[0]!, weights[1]!);
  });

  test('dropout does not change predictions', () => {
    expectBits(
      make(1)
        .predict([[0]])
        .dataSync(),
      new Float32Array(8).fill(1),
    );
  });
});

describe('noise', () => {
  test.each([
    ['gaussianNoise', (seed?: number) => layers.gaussianNoise({ stddev: 1, seed })],
    ['gaussianDropout', (seed?: number) => layers.gaussianDropout({ rate: 0.5, seed })],
    ['spatialDropout1d', (seed?: number) => layers.spatialDropout1d({ rate: 0.5, seed })],
  ])('%s is active in training only, and follows its seed and the number of the batch', (_, noise) => {
    const make = (seed?: number) => {
      const ones = layers.dense({ units: 8, inputShape: [3, 1], kernelInitializer: 'zeros', biasInitializer: 'ones' });
      const model = sequential({ layers: [ones, noise(seed)] });
      model.compile({ optimizer: train.sgd(0), loss: 'meanSquaredError' });
      return model;
    };
    const x = tensor(new Float32Array(6), [2, 3, 1]);
    const y = tensor(new Float32Array(48), [2, 3, 8]);
    const losses = (model: Sequential) => Array.from({ length: 4 }, () => model.trainOnBatch(x, y) as number);
    const [model, same, other] = [make(5), make(5), make(6)];
    const drawn = losses(model);
    expect(new Set(drawn).size).toBeGreaterThan(2);
    expect(losses(same)).toEqual(drawn);
    expect(losses(other)).not.toEqual(drawn);
    expectBits(model.predict(x).dataSync(), new Float32Array(48).fill(1));
    expect(model.testOnBatch(x, y)).toBe(1);
    expect([...model.predict(x, { training: true }).dataSync()]).not.toEqual(Array(48).fill(1));
    const [a, b] = [0, 0].map(() => {
      setRandomSeed(9);
      return losses(make());
    });
    expect(a).toEqual(b);
  });
});

describe('embedding', () => {
  const table = tensor(
    Float32Array.from({ length: 3 * 2 }, (_, n) => n),
    [3, 2],
  );
  const make = (options: object = {}) => {
    const model = sequential();
    model.add(layers.embedding({ inputDim: 3, outputDim: 2, weights: [table], ...options }));
    return model;
  };

  test('an embedding without inputLength accepts any length', () => {
    const model = make();
    expect(model.inputs[0]!.shape).toEqual([null, null]);
    expect(model.outputs[0]!.shape).toEqual([null, null, 2]);
    model.compile({ optimizer: train.sgd(0.1), loss: 'meanSquaredError' });
    for (const length of [1, 2, 5, 2]) {
      const x = [Array.from({ length }, (_, n) => n % 3)];
      const rows = x[0]!.flatMap(id => [2 * id, 2 * id + 1]);
      const y = model.predict(x);
      expect(y.shape).toEqual([1, length, 2]);
      expectBits(y.dataSync(), rows);
      expect(model.testOnBatch(x, y)).toBe(0);
      expect(model.trainOnBatch(x, y)).toBe(0);
    }
  });

  test.each<[string, () => Sequential, (number | null)[]]>([
    ['inputLength', () => make({ inputLength: 4 }), [null, 4]],
    ['inputShape', () => make({ inputShape: [4] }), [null, 4]],
    ['an inputShape of any length', () => make({ inputShape: [null] }), [null, null]],
    ['batchInputShape', () => make({ batchInputShape: [2, 4] }), [2, 4]],
    ['batchSize', () => make({ inputLength: 4, batchSize: 2 }), [2, 4]],
    [
      'an input layer',
      () =>
        sequential({
          layers: [layers.inputLayer({ inputShape: [4] }), layers.embedding({ inputDim: 3, outputDim: 2 })],
        }),
      [null, 4],
    ],
    [
      'an input layer of any length',
      () =>
        sequential({
          layers: [layers.inputLayer({ inputShape: [null] }), layers.embedding({ inputDim: 3, outputDim: 2 })],
        }),
      [null, null],
    ],
  ])('an embedding takes its input shape from %s', (_, build, shape) => {
    const model = build();
    expect(model.inputs[0]!.shape).toEqual(shape);
    expect(model.outputs[0]!.shape).toEqual([...shape, 2]);
    expect(
      model.predict([
        [0, 1, 2, 0],
        [1, 1, 1, 1],
      ]).shape,
    ).toEqual([2, 4, 2]);
  });

  test('an embedding accepts nested arrays, integer tensors and typed arrays of integers', () => {
    const model = make({ inputLength: 2 });
    for (const x of [[[2, 0]], tensor(Int32Array.of(2, 0), [1, 2]), Int32Array.of(2, 0), Uint8Array.of(2, 0)]) {
      expectBits(model.predict(x).dataSync(), [4, 5, 0, 1]);
    }
  });

  test('embeddings start between -0.05 and 0.05, or as embeddingsInitializer sets them', () => {
    const initial = (options: object) =>
      sequential({ layers: [layers.embedding({ inputDim: 100, outputDim: 10, ...options })] })
        .getWeights()[0]!
        .dataSync();
    const values = initial({});
    expect(Math.max(...values)).toBeGreaterThan(0.045);
    expect(Math.max(...values.map(Math.abs))).toBeLessThan(0.05);
    const embeddingsInitializer = initializers.constant({ value: 3 });
    expectBits(initial({ embeddingsInitializer }), new Float32Array(1000).fill(3));
  });

  test('a call with an invalid id throws and changes nothing', () => {
    for (const invalidId of [-1, 3, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 40]) {
      const model = sequential();
      model.add(layers.embedding({ inputDim: 3, outputDim: 2, batchInputShape: [2, 3] }));
      model.add(layers.lstm({ units: 2, stateful: true }));
      model.compile({ optimizer: train.sgd(0.1), loss: 'meanSquaredError' });
      const [validIds, y] = [[[0, 1, 2], [2, 1, 0]], [[1, 2], [3, 4]]]; // biome-ignore format: two batches
      model.trainOnBatch(validIds, y);
      const all = () => [...model.getWeights(), ...model.getStates().flat()].flatMap(t => [...t.dataSync()]);
      const before = all();
      const invalidIds = [[0, 1, 2], [2, 1, invalidId]]; // biome-ignore format: one batch
      const calls = [
        () => model.trainOnBatch(invalidIds, y),
        () => model.testOnBatch(invalidIds, y),
        () => model.predict(invalidIds),
        () => model.predict([...validIds, ...invalidIds]),
        () => model.predictOnBatch(invalidIds),
      ];
      for (const call of calls) {
        expect(call).toThrow(ValueError);
        expect(call).toThrow(/x must hold integers from 0 to 2, the ids of embedding_Embedding\d+, got /);
      }
      expectBits(all(), before);
    }
  });
});

describe('output shapes', () => {
  test.each<[string, Layer[], (number | null)[]]>([
    ['repeatVector', [layers.dense({ units: 3, inputShape: [2] }), layers.repeatVector({ n: 4 })], [null, 4, 3]],
    ['flatten', [layers.masking({ inputShape: [4, 3] }), layers.flatten()], [null, 12]],
    [
      'flatten of vectors',
      [layers.dense({ units: 3, inputShape: [2] }), layers.flatten({ dataFormat: 'channelsLast' })],
      [null, 3],
    ],
    ['reshape', [layers.masking({ inputShape: [4, 3] }), layers.reshape({ targetShape: [6, -1] })], [null, 6, 2]],
    [
      'reshape with a size of null',
      [layers.masking({ inputShape: [4, 3] }), layers.reshape({ targetShape: [null] as never })],
      [null, 12],
    ],
    ['a fixed batch size', [layers.masking({ batchInputShape: [7, 4, 3] }), layers.flatten()], [7, 12]],
    [
      'layers of noise and rectifiers',
      [
        layers.gaussianNoise({ stddev: 1, inputShape: [null, 3] }),
        layers.spatialDropout1d({ rate: 0.5 }),
        layers.prelu({ sharedAxes: [1] }),
        layers.thresholdedReLU(),
        layers.gaussianDropout({ rate: 0.5 }),
      ],
      [null, null, 3],
    ],
    [
      'activation layers',
      [layers.reLU({ inputShape: [null, 3] }), layers.softmax({ axis: 2 }), layers.elu(), layers.leakyReLU()],
      [null, null, 3],
    ],
    [
      'activations in the spelling of Keras',
      [
        layers.dense({ units: 3, inputShape: [2], activation: 'hard_sigmoid' }),
        layers.activation({ activation: 'silu' }),
      ],
      [null, 3],
    ],
  ])('outputs and predictions have the expected shape: %s', (_, stack, shape) => {
    const model = sequential({ layers: stack });
    expect(model.outputs[0]!.shape).toEqual(shape);
    expect(model.outputShape).toEqual(shape);
    const [, ...sample] = model.inputs[0]!.shape;
    const x = [7, ...sample.map(n => n ?? 5)];
    const y = model.predict(new Random(1).uniforms(x).data.length ? tensorOf(new Random(1).uniforms(x)) : []);
    expect(y.shape).toEqual([7, ...shape.slice(1).map(n => n ?? 5)]);
  });
});

test('timeDistributed starts with the weights given to the wrapped layer', () => {
  const layer = layers.dense({ units: 1, weights: [[[7]], [3]] });
  const model = sequential({ layers: [layers.timeDistributed({ layer, inputShape: [2, 1] })] });
  expect(model.predict([[[0], [1]]]).arraySync()).toEqual([[[3], [10]]]);
});

test('regularizers and constraints are assigned to their weights', () => {
  const model = sequential({
    layers: [
      layers.embedding({ inputDim: 3, outputDim: 2, embeddingsRegularizer: 'l2', embeddingsConstraint: 'nonNeg' }),
      layers.dense({
        units: 2,
        kernelRegularizer: 'l1',
        biasRegularizer: 'l1l2',
        kernelConstraint: 'unitNorm',
        biasConstraint: 'maxNorm',
      }),
      layers.prelu({ sharedAxes: 1, alphaRegularizer: 'l1', alphaConstraint: 'nonNeg' }),
    ],
  });
  const assigned = model.layers.flatMap(layer =>
    layer.weightSpecs.map(({ name, regularizer, constraint }) => [
      name,
      regularizer?.l1,
      regularizer?.l2,
      constraint?.className,
    ]),
  );
  expect(assigned).toEqual([
    ['embeddings', 0, 0.01, 'NonNeg'],
    ['kernel', 0.01, 0, 'UnitNorm'],
    ['bias', 0.01, 0.01, 'MaxNorm'],
    ['alpha', 0.01, 0, 'NonNeg'],
  ]);
});

// -------------------------------------------------------------------------------------------------- invalid arguments

// biome-ignore lint/suspicious/noExplicitAny: the tests pass invalid arguments
const untyped = (value: unknown): any => value;
const stackOf = (input: Layer, layer: Layer) => () => sequential({ layers: [input, layer] });
const vectors = () => layers.dense({ units: 3, inputShape: [2] });
const sequences = () => layers.dense({ units: 3, inputShape: [4, 2] });
const anyLength = () => layers.dense({ units: 3, inputShape: [null, 2] });

test.each<[string, () => unknown, string]>([
  [
    'an unknown activation',
    () => layers.activation({ activation: untyped('relo') }),
    "layers.activation: unknown activation 'relo'; did you mean 'relu'?",
  ],
  [
    'a missing activation',
    () => layers.activation(untyped({})),
    'layers.activation: activation must be a name, got undefined',
  ],
  [
    'a function as activation',
    () => layers.dense({ units: 1, activation: untyped(Math.tanh) }),
    'layers.dense: activation must be a name, got function tanh',
  ],
  ['softmax along time', stackOf(sequences(), layers.softmax({ axis: 1 })), 'sequential: axis of softmax_Softmax'],
  [
    'softmax along an axis that does not exist',
    () => layers.softmax({ axis: 3 }),
    'layers.softmax: axis must be -1, 1 or 2, got 3',
  ],
  [
    'a negative maxValue',
    () => layers.reLU({ maxValue: -1 }),
    'layers.reLU: maxValue must be a finite number at least 0, got -1',
  ],
  [
    'an alpha of NaN',
    () => layers.leakyReLU({ alpha: Number.NaN }),
    'layers.leakyReLU: alpha must be a finite number, got NaN',
  ],
  [
    'an alpha of NaN for elu',
    () => layers.elu({ alpha: Number.NaN }),
    'layers.elu: alpha must be a finite number, got NaN',
  ],
  [
    'a dropout rate of 1',
    () => layers.dropout({ rate: 1 }),
    'layers.dropout: rate must be a finite number at least 0 and below 1, got 1',
  ],
  ['a missing dropout rate', () => layers.dropout(untyped({})), 'layers.dropout: rate must be'],
  ['a negative seed', () => layers.dropout({ rate: 0.5, seed: -1 }), 'layers.dropout: seed must be'],
  [
    'a string as noiseShape',
    () => layers.dropout({ rate: 0.5, noiseShape: untyped('no') }),
    'layers.dropout: noiseShape must be',
  ],
  [
    'a spatial dropout rate of 1',
    () => layers.spatialDropout1d({ rate: 1 }),
    'layers.spatialDropout1d: rate must be a finite number at least 0 and below 1, got 1',
  ],
  [
    'spatialDropout1d of vectors',
    stackOf(vectors(), layers.spatialDropout1d({ rate: 0.5 })),
    'needs an input [batch, timeSteps, features], got [null, 3]',
  ],
  [
    'timeDistributed spatialDropout1d',
    () => layers.timeDistributed({ layer: layers.spatialDropout1d({ rate: 0.5 }) }),
    'layers.timeDistributed: layer must be a dense layer, dropout or an activation, got a SpatialDropout1D',
  ],
  [
    'a noiseShape of spatialDropout1d',
    () => layers.spatialDropout1d(untyped({ rate: 0.5, noiseShape: null })),
    "layers.spatialDropout1d: unknown option 'noiseShape'",
  ],
  [
    'a gaussian dropout rate of 1',
    () => layers.gaussianDropout({ rate: 1 }),
    'layers.gaussianDropout: rate must be a finite number at least 0 and below 1, got 1',
  ],
  ['a missing stddev', () => layers.gaussianNoise(untyped({})), 'layers.gaussianNoise: stddev must be a finite number'],
  [
    'a negative stddev',
    () => layers.gaussianNoise({ stddev: -1 }),
    'layers.gaussianNoise: stddev must be a finite number at least 0, got -1',
  ],
  [
    'a seed of 1.5',
    () => layers.gaussianNoise({ stddev: 1, seed: 1.5 }),
    'layers.gaussianNoise: seed must be an integer from 0 to 2^53 - 1, got 1.5',
  ],
  [
    'a theta of infinity',
    () => layers.thresholdedReLU({ theta: Number.POSITIVE_INFINITY }),
    'layers.thresholdedReLU: theta must be a finite number, got Infinity',
  ],
  ...[0, 3, [1, 1], [1, 2, 3], ['1'], 'time'].map((axes): [string, () => unknown, string] => [
    `sharedAxes of ${JSON.stringify(axes)}`,
    () => layers.prelu({ sharedAxes: untyped(axes) }),
    'layers.prelu: sharedAxes must be 1, 2, [1], [2] or [1, 2], got ',
  ]),
  [
    'sharedAxes that the input does not have',
    stackOf(vectors(), layers.prelu({ sharedAxes: [1, 2] })),
    'must be axes of its input [null, 3], got [1, 2]',
  ],
  [
    'prelu of sequences of any length',
    stackOf(anyLength(), layers.prelu({ sharedAxes: 2 })),
    'a fixed number of time steps, got [null, null, 3]; pass sharedAxes: [1] for the same slopes at all time steps',
  ],
  [
    'weights of prelu in another shape',
    stackOf(sequences(), layers.prelu({ sharedAxes: [1], weights: [[1, 2]] })),
    'weights[0] (alpha) must',
  ],
  [
    'a noiseShape along the features',
    stackOf(sequences(), layers.dropout({ rate: 0.5, noiseShape: [null, null, 1] })),
    'sequential: noiseShape of dropout_Dropout',
  ],
  [
    'a noiseShape of another rank',
    stackOf(vectors(), layers.dropout({ rate: 0.5, noiseShape: [null, 1, 3] })),
    'sequential: noiseShape of dropout_Dropout',
  ],
  [
    'an inputDim of 0',
    () => layers.embedding({ inputDim: 0, outputDim: 1 }),
    'layers.embedding: inputDim must be an integer of at least 1, got 0',
  ],
  [
    'an inputDim above 2^24',
    () => layers.embedding({ inputDim: 2 ** 24 + 1, outputDim: 1 }),
    'layers.embedding: inputDim must be at most 16777216, got 16777217',
  ],
  ['a missing outputDim', () => layers.embedding(untyped({ inputDim: 1 })), 'layers.embedding: outputDim must be'],
  [
    'a list as inputLength',
    () => layers.embedding({ inputDim: 1, outputDim: 1, inputLength: untyped([3]) }),
    'layers.embedding: inputLength must be',
  ],
  [
    'an inputLength that differs from inputShape',
    () => sequential({ layers: [layers.embedding({ inputDim: 1, outputDim: 1, inputLength: 3, inputShape: [4] })] }),
    'sequential: inputLength of',
  ],
  [
    'an embedding of an input with two axes',
    () => sequential({ layers: [layers.embedding({ inputDim: 1, outputDim: 1, inputShape: [4, 2] })] }),
    'sequential: embedding_Embedding',
  ],
  [
    'an embedding above another layer',
    stackOf(vectors(), layers.embedding({ inputDim: 3, outputDim: 2 })),
    'must be the first layer, because its input is ids',
  ],
  [
    'a maskZero of 1',
    () => layers.embedding({ inputDim: 1, outputDim: 1, maskZero: untyped(1) }),
    'layers.embedding: maskZero must be true or false, got 1',
  ],
  [
    'an unknown regularizer',
    () => layers.dense({ units: 1, kernelRegularizer: untyped('l3') }),
    "layers.dense: unknown kernelRegularizer 'l3'",
  ],
  [
    'a number as constraint',
    () => layers.dense({ units: 1, biasConstraint: untyped(3) }),
    'layers.dense: biasConstraint must be',
  ],
  [
    'an inputShape without a fixed number of features',
    () => layers.dense({ units: 1, inputShape: [null] }),
    'layers.dense: inputShape must fix its last axis',
  ],
  [
    'dense above an input without a fixed number of features',
    () => sequential({ layers: [layers.inputLayer({ inputShape: [null] }), layers.dense({ units: 1 })] }),
    'needs an input whose last axis is fixed, got [null, null]',
  ],
  [
    'masking of vectors',
    stackOf(vectors(), layers.masking()),
    'needs an input [batch, time steps, width], got [null, 3]',
  ],
  [
    'a maskValue of NaN',
    () => layers.masking({ maskValue: Number.NaN }),
    'layers.masking: maskValue must be a finite number, got NaN',
  ],
  ...(['maxPooling1d', 'averagePooling1d'] as const).flatMap((name): [string, () => unknown, string][] => [
    [
      `${name} of more steps than there are`,
      stackOf(sequences(), layers[name]({ poolSize: 5 })),
      "needs at least 5 time steps for padding 'valid', got 4; use padding 'same'",
    ],
    [
      `${name} of vectors`,
      stackOf(vectors(), layers[name]()),
      'needs an input [batch, timeSteps, features], got [null, 3]',
    ],
    [
      `${name} with a poolSize of 0`,
      () => layers[name]({ poolSize: 0 }),
      `layers.${name}: poolSize must be an integer of at least 1, got 0`,
    ],
    [
      `${name} with strides of 1.5`,
      () => layers[name]({ strides: [1.5] }),
      `layers.${name}: strides must be an integer of at least 1, got [1.5]`,
    ],
    [
      `${name} with causal padding`,
      () => layers[name]({ padding: 'causal' as never }),
      `layers.${name}: unknown padding 'causal'; known: 'valid', 'same'`,
    ],
  ]),
  [
    'cropping of all steps',
    stackOf(sequences(), layers.cropping1d({ cropping: [1, 3] })),
    'needs more than 4 time steps, got 4',
  ],
  [
    'a negative padding',
    () => layers.zeroPadding1d({ padding: -1 }),
    'layers.zeroPadding1d: padding must be a number of time steps, or [before, after], got -1',
  ],
  [
    'an upsampling of 0',
    () => layers.upSampling1d({ size: 0 }),
    'layers.upSampling1d: size must be an integer of at least 1, got 0',
  ],
  [
    'a permutation of the batch',
    () => layers.permute({ dims: [0, 1] }),
    'layers.permute: dims must be [2, 1], [1, 2] or [1], got [0, 1]',
  ],
  [
    'permute of sequences of any length',
    stackOf(anyLength(), layers.permute({ dims: [2, 1] })),
    'needs an input with a fixed number of time steps, got [null, null, 3]',
  ],
  ['an n of 0', () => layers.repeatVector({ n: 0 }), 'layers.repeatVector: n must be an integer of at least 1, got 0'],
  [
    'repeatVector of sequences',
    stackOf(sequences(), layers.repeatVector({ n: 2 })),
    'needs an input [batch, width], got [null, 4, 3]',
  ],
  [
    'flatten of sequences of any length',
    stackOf(anyLength(), layers.flatten()),
    'needs an input with a fixed number of time steps, got [null, null, 3]',
  ],
  [
    'the dataFormat channelsFirst',
    () => layers.flatten({ dataFormat: untyped('channelsFirst') }),
    "layers.flatten: dataFormat must be 'channelsLast', got 'channelsFirst'",
  ],
  [
    'reshape of sequences of any length',
    stackOf(anyLength(), layers.reshape({ targetShape: [3] })),
    'needs an input with a fixed number of time steps',
  ],
  [
    'reshape to three axes',
    () => layers.reshape({ targetShape: [1, 2, 3] }),
    'layers.reshape: targetShape must be [timeSteps, features] or [features]',
  ],
  [
    'reshape with two unknown sizes',
    () => layers.reshape({ targetShape: [-1, -1] }),
    'layers.reshape: targetShape must have at most one unknown size',
  ],
  [
    'reshape to another size',
    stackOf(sequences(), layers.reshape({ targetShape: [5, 2] })),
    'must have room for the 12 numbers of a sample, got [5, 2]',
  ],
  [
    'reshape to a size that does not divide the input',
    stackOf(sequences(), layers.reshape({ targetShape: [5, -1] })),
    'must have room for the 12 numbers of a sample, got [5, -1]',
  ],
  [
    'timeDistributed of an lstm',
    () => layers.timeDistributed({ layer: layers.lstm({ units: 1 }) }),
    'layers.timeDistributed: layer must be a dense layer, dropout or an activation, got an LSTM',
  ],
  [
    'timeDistributed of a dropout with noiseShape',
    () => layers.timeDistributed({ layer: layers.dropout({ rate: 0.5, noiseShape: [null, 3] }) }),
    'layers.timeDistributed: layer must be a dropout without noiseShape',
  ],
  [
    'an unknown option',
    () => layers.embedding(untyped({ inputDim: 1, outputDim: 1, maskzero: true })),
    "layers.embedding: unknown option 'maskzero'; did you mean 'maskZero'?",
  ],
])('a ValueError rejects %s', (_, call, message) => {
  expect(call).toThrow(ValueError);
  expect(call).toThrow(message);
});
