// Rebuilding layers, initializers, regularizers, constraints, optimizers and schedules from their configurations.

import { initializers, type Layer, layers, type Sequential, schedules, sequential, train } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { optimizerFrom } from '../../src/saving/config/fromConfig.ts';
import { modelOf } from '../../src/saving/config/topology.ts';
import { stacks } from './stacks.ts';

const place = { call: 'load', part: 'model' };
const rebuilt = (model: Sequential) => modelOf(place, model.toJSON(null, false), 'own');

/** The factory for a layer class. */
const factoryFor = (className: string) => {
  const found = Object.entries(layers).find(([name]) => name.toLowerCase() === className.toLowerCase());
  return found![1] as (options: never) => Layer;
};

describe.each(Object.entries(stacks))('%s', (_name, make) => {
  test('the factory of every layer rebuilds it from its configuration', () => {
    for (const layer of sequential({ layers: make() }).layers) {
      const config = layer.getConfig();
      const copy = factoryFor(layer.className)(config as never);
      expect(copy.getConfig()).toEqual(config);
      expect(factoryFor(layer.className)(JSON.parse(JSON.stringify(config)) as never).getConfig()).toEqual(config);
    }
  });

  test('a model rebuilt from its configuration is the same', () => {
    const model = sequential({ layers: make(), name: 'one' });
    const copy = rebuilt(model);
    expect(copy.toJSON(null, false)).toEqual(model.toJSON(null, false));
    expect(copy.layers.map(layer => layer.constructor)).toEqual(model.layers.map(layer => layer.constructor));
    expect(copy.getWeights().map(({ shape }) => shape)).toEqual(model.getWeights().map(({ shape }) => shape));
    expect(JSON.parse(JSON.stringify(model.toJSON(null, false)))).toEqual(model.toJSON(null, false));
    expect(model.toJSON()).toBe(JSON.stringify(model.toJSON(null, false)));
  });

  test('the weight names of a model are unique', () => {
    const model = sequential({ layers: make() });
    const paths = model.layers.flatMap(layer => layer.weightPaths);
    expect(new Set(paths).size).toBe(model.getWeights().length);
    expect(paths.length).toBe(model.getWeights().length);
  });
});

test('every initializer is rebuilt from its configuration', () => {
  for (const [name, make] of Object.entries(initializers)) {
    const square = name === 'identity';
    const initializer = name === 'constant' ? initializers.constant({ value: 2 }) : (make as () => never)();
    const options = { units: 4, kernelInitializer: initializer, inputShape: [square ? 4 : 3] };
    const model = sequential({ layers: [layers.dense(options)] });
    expect(rebuilt(model).toJSON(), name).toEqual(model.toJSON());
  }
});

test('every optimizer and schedule is rebuilt from its configuration', () => {
  const rates = [
    0.5,
    schedules.constant({ learningRate: 0.1 }),
    schedules.step({ boundaries: [2], values: [0.1, 0.2] }),
    schedules.exponentialDecay({ initialLearningRate: 0.1, decaySteps: 3, decayRate: 0.5, staircase: true }),
    schedules.inverseTimeDecay({ initialLearningRate: 0.1, decaySteps: 3, decayRate: 0.5 }),
    schedules.polynomialDecay({ initialLearningRate: 0.1, decaySteps: 3, cycle: true }),
    schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 3, warmupTarget: 0.2, warmupSteps: 4 }),
    schedules.oneCycle({ maxLearningRate: 0.1, totalSteps: 30 }),
  ];
  const { momentum: _, ...others } = train;
  const made = Object.values(others).map(make => (make as (rate: number) => ReturnType<typeof train.sgd>)(0.25));
  const scheduled = rates.map(learningRate => train.adam({ learningRate, clipNorm: 1, useEma: true, amsgrad: true }));
  for (const optimizer of [...made, ...scheduled, train.momentum(0.1, 0.8, true), train.rmsprop(0.1, 0.8, 0.1)]) {
    const { className } = optimizer;
    const copy = optimizerFrom(place, { className, config: optimizer.getConfig() });
    expect(copy.constructor).toBe(optimizer.constructor);
    expect(copy.getConfig()).toEqual(optimizer.getConfig());
    copy.setStep(5);
    optimizer.setStep(5);
    expect(copy.learningRate).toBe(optimizer.learningRate);
  }
});

const loadChanged = (change: (model: Record<string, never>) => void) => {
  const model = sequential({ layers: [layers.lstm({ units: 2, inputShape: [3, 1] })] });
  const json = JSON.parse(model.toJSON() as string);
  change(json);
  return () => modelOf(place, json, 'own');
};

// biome-ignore lint/suspicious/noExplicitAny: untyped JSON data
const invalid: [string, (json: any) => void, RegExp][] = [
  ['a missing class name', json => delete json.class_name, /^load: model: must be \{ class_name, config \}/],
  [
    'an unknown model class',
    json => (json.class_name = 'Graph'),
    /class_name must be 'Sequential' or 'Functional', got 'Graph'/,
  ],
  [
    'an unknown layer class',
    json => (json.config.layers[0].class_name = 'Conv2D'),
    /^load: model.config.layers\[0\]: unknown class 'Conv2D'/,
  ],
  [
    'a number as the list of layers',
    json => (json.config.layers = 7),
    /^load: model.config.layers: must be a list, got 7/,
  ],
  ['a cell as a layer', json => (json.config.layers[0].class_name = 'LSTMCell'), /unknown class 'LSTMCell'/],
  [
    'an invalid option value',
    json => (json.config.layers[0].config.units = -1),
    /layers\[0\]: layers.lstm: units must be/,
  ],
  [
    'an unsupported option that is set',
    json => (json.config.layers[0].config.time_major = true),
    /layers\[0\]: layers.lstm: unknown option 'time_major'$/,
  ],
  [
    'an unknown initializer class',
    json => (json.config.layers[0].config.kernel_initializer.class_name = 'toString'),
    /layers.lstm: kernelInitializer has the unknown class 'toString'/,
  ],
  [
    'an option named __proto__',
    json => Object.defineProperty(json.config.layers[0].config, '__proto__', { value: 1, enumerable: true }),
    /unknown option '__proto__'/,
  ],
  ['a circular configuration', json => (json.config.layers[0].config.self = json), /nested at most 100 levels deep/],
];

test.each(invalid)('%s is rejected with its path', (_name, change, message) => {
  expect(loadChanged(change)).toThrow(message);
});

test('options that are null in a configuration count as absent', () => {
  const made = [
    layers.lstm({ units: 2, seed: null, dtype: null, kernelRegularizer: null, inputLength: null } as never),
    layers.dropout({ rate: 0.5, seed: null, noiseShape: null, dtype: null }),
    layers.dense({
      units: 2,
      dtype: null,
      weights: null,
      kernelInitializer: initializers.heNormal({ seed: null }),
    } as never),
    layers.embedding({ inputDim: 2, outputDim: 2, inputLength: null } as never),
    layers.reLU({ maxValue: null }),
    layers.rnn({ cell: layers.gruCell({ units: 2, seed: null }) }),
  ];
  expect(made.map(({ className }) => className)).toEqual(['LSTM', 'Dropout', 'Dense', 'Embedding', 'ReLU', 'RNN']);
});

test('configurations of nested wrappers and nested cell stacks are rejected at any depth', () => {
  layers.timeDistributed({ layer: layers.dense({ units: 1 }) });
  const nest = (wrap: (inner: object) => object) => {
    let inner: object = { className: 'Dense', config: { units: 1 } };
    for (let n = 0; n < 5000; n++) inner = wrap(inner);
    return inner as never;
  };
  const wrapped = nest(layer => ({ className: 'TimeDistributed', config: { layer } }));
  expect(() => layers.timeDistributed({ layer: wrapped })).toThrow('layers.timeDistributed: layer must be');
  const stacked = nest(cell => ({ className: 'StackedRNNCells', config: { cells: [cell] } }));
  expect(() => layers.rnn({ cell: stacked })).toThrow('layers.rnn: cell must be lstmCell, gruCell');
});

test('factories reject configurations of unknown classes', () => {
  const described = (className: string) => ({ className, config: {} }) as never;
  expect(() => layers.dense({ units: 1, kernelInitializer: described('Noise') })).toThrow(
    "layers.dense: kernelInitializer has the unknown class 'Noise'; known: zeros, ones",
  );
  expect(() => layers.bidirectional({ layer: described('Transformer') })).toThrow(
    'layers.bidirectional: layer must be',
  );
  expect(() => layers.rnn({ cell: described('ConvCell') })).toThrow('layers.rnn: cell must be lstmCell, gruCell');
});

describe('Keras names', () => {
  const dense = (options: object) => layers.dense({ units: 2, inputShape: [2], ...options }).getConfig();
  const nameOf = (options: object) => (dense(options).kernelInitializer as { className: string }).className;

  test('Keras names of initializers are accepted: normal, uniform, zero, one, eye, and class names', () => {
    const names = ['normal', 'uniform', 'zero', 'one', 'eye', 'lecun_normal', 'OrthogonalInitializer'];
    expect(names.map(kernelInitializer => nameOf({ kernelInitializer }))).toEqual([
      'RandomNormal',
      'RandomUniform',
      'Zeros',
      'Ones',
      'Identity',
      'LeCunNormal',
      'Orthogonal',
    ]);
  });

  test('Keras names of constraints are accepted: maxnorm, nonneg, unitnorm', () => {
    const names = ['maxnorm', 'max_norm', 'nonneg', 'unitnorm'];
    const found = names.map(
      kernelConstraint => (dense({ kernelConstraint }).kernelConstraint as { className: string }).className,
    );
    expect(found).toEqual(['MaxNorm', 'MaxNorm', 'NonNeg', 'UnitNorm']);
  });

  test('Keras names of activations are accepted: leaky_relu, celu, silu, softmax_v2', () => {
    const names = ['leaky_relu', 'celu', 'silu', 'softmax_v2'];
    const found = names.map(activation => dense({ activation }).activation);
    expect(found).toEqual(['leakyRelu', 'elu', 'swish', 'softmax']);
  });
});

describe('metadata', () => {
  const model = () => sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });

  test('user-defined metadata is returned as JSON would store it', () => {
    const one = model();
    const metadata = { a: [1, null, 'x', { b: true }], c: { toJSON: () => ({ d: 1 }) }, e: undefined };
    one.setUserDefinedMetadata(metadata);
    expect(one.getUserDefinedMetadata()).toEqual({ a: [1, null, 'x', { b: true }], c: { d: 1 } });
  });

  test('metadata that JSON cannot store is rejected, with the path of the value', () => {
    const unsupported: unknown[] = [
      Number.NaN,
      Number.POSITIVE_INFINITY,
      () => 1,
      Symbol('s'),
      1n,
      new Map(),
      new Set(),
      new Float32Array(2),
      [undefined],
      /x/,
    ];
    for (const value of unsupported) {
      const one = model();
      expect(() => one.setUserDefinedMetadata({ a: [{ b: value }] })).toThrow(
        /^model.setUserDefinedMetadata: metadata\.a\[0\]\.b(\[0\])?: must be a value that JSON can store/,
      );
      expect(one.getUserDefinedMetadata()).toBe(null);
    }
  });
});
