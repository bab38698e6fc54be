// Optimizers on whole models: weights after twenty steps against the float64 reference, for every optimizer and option;
// learning rates; failed calls; invalid arguments.

import {
  constraints,
  layers,
  type Optimizer,
  regularizers,
  type Schedule,
  schedules,
  sequential,
  train,
} from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { type CommonOptions, type RuleName, Stepper } from '../reference/optimizers.ts';
import { boundNorms } from '../reference/weights.ts';
import { describeRejections, wrong } from './invalidArguments.ts';
import { tensorOf } from './models.ts';
import { type Options as ModelOptions, ModelWithReference } from './modelWithReference.ts';

type Options = Record<string, unknown>;

const optimizers: [string, RuleName, Options][] = [
  ['sgd', 'sgd', { learningRate: 0.1 }],
  ['momentum', 'momentum', { learningRate: 0.02, momentum: 0.9 }],
  ['momentum, Nesterov', 'momentum', { learningRate: 0.02, momentum: 0.9, useNesterov: true }],
  ['adam', 'adam', { learningRate: 0.005 }],
  ['amsgrad', 'adam', { learningRate: 0.005, beta2: 0.9, amsgrad: true }],
  ['nadam', 'nadam', { learningRate: 0.005 }],
  ['adamax', 'adamax', { learningRate: 0.005 }],
  ['rmsprop', 'rmsprop', { learningRate: 0.002 }],
  ['rmsprop, centered, with momentum', 'rmsprop', { learningRate: 0.002, momentum: 0.5, centered: true }],
  ['adagrad', 'adagrad', { learningRate: 0.02 }],
  ['adadelta', 'adadelta', { learningRate: 1 }],
];

const extras: [string, Options][] = [
  ['no options', {}],
  ['clipNorm', { clipNorm: 0.3 }],
  ['clipValue', { clipValue: 0.05 }],
  ['globalClipNorm', { globalClipNorm: 0.5 }],
  ['weightDecay', { weightDecay: 0.3 }],
  [
    'weight averages that replace the weights every third step',
    { useEma: true, emaMomentum: 0.8, emaOverwriteFrequency: 3 },
  ],
  ['a decreasing learning rate', { learningRate: (step: number) => 0.01 / (1 + step) }],
];

const make = (rule: RuleName, options: Options) => (train[rule] as (options: Options) => Optimizer)(options);

/** Trains a model and its reference. */
function run(rule: RuleName, options: Options, modelOptions: ModelOptions = {}, steps = 20): ModelWithReference {
  const both = new ModelWithReference(modelOptions);
  both.model.compile({ optimizer: make(rule, options), loss: 'meanSquaredError' });
  const stepper = new Stepper(rule, options as unknown as CommonOptions & Record<string, number>);
  for (let t = 0; t < steps; t++) both.train(stepper);
  return both;
}

/** The measured error after twenty float32 steps is below 7e-7 in all these cases. */
const TOLERANCE = 2e-6;

describe.each(optimizers)('%s', (_, rule, options) => {
  const plain = run(rule, options).reference.getWeights();

  test.each(extras)('20 steps match the reference with %s', (what, more) => {
    const both = run(rule, { ...options, ...more });
    both.expectWeights(TOLERANCE);
    // Each option changes the weights
    const unchanged = both.reference.getWeights().every(({ data }, n) => data.every((w, k) => w === plain[n]!.data[k]));
    expect(unchanged).toBe(what === 'no options');
  });
});

describe('regularizers and constraints', () => {
  const l1l2 = regularizers.l1l2({ l1: 0.02, l2: 0.03 });
  const max = (most: number, axis: number) => ({
    constraint: constraints.maxNorm({ maxValue: most, axis }),
    constrain: (w: Float64Array, shape: readonly number[]) => boundNorms(w, shape, axis, { least: 0, most, rate: 1 }),
  });
  const cases: [string, ModelOptions][] = [
    ['l1 on a kernel', { rules: [{ kernel: { regularizer: regularizers.l1({ l1: 0.05 }) } }] }],
    ['l2 on a recurrent kernel', { rules: [{ recurrentKernel: { regularizer: regularizers.l2({ l2: 0.1 }) } }] }],
    [
      'l1 and l2 on all weights',
      {
        rules: [
          { kernel: { regularizer: l1l2 }, recurrentKernel: { regularizer: l1l2 }, bias: { regularizer: l1l2 } },
          { kernel: { regularizer: l1l2 }, bias: { regularizer: l1l2 } },
          { kernel: { regularizer: l1l2 }, bias: { regularizer: l1l2 } },
        ],
      },
    ],
    ['maxNorm along both axes', { rules: [{ kernel: max(1, 0) }, { kernel: max(0.7, 1) }] }],
    [
      'nonNeg on a kernel',
      {
        rules: [
          {},
          { kernel: { constraint: constraints.nonNeg(), constrain: w => w.set(w.map(value => Math.max(value, 0))) } },
        ],
      },
    ],
    [
      'unitNorm, and minMaxNorm with a rate below 1',
      {
        rules: [
          {
            recurrentKernel: {
              constraint: constraints.unitNorm({ axis: 1 }),
              constrain: (w, shape) => boundNorms(w, shape, 1, { least: 1, most: 1, rate: 1 }),
            },
          },
          {},
          {
            kernel: {
              constraint: constraints.minMaxNorm({ minValue: 0.5, maxValue: 0.6, rate: 0.4, axis: -1 }),
              constrain: (w, shape) => boundNorms(w, shape, 1, { least: 0.5, most: 0.6, rate: 0.4 }),
            },
          },
        ],
      },
    ],
    [
      'a regularizer and a constraint on one bias, and both on a frozen layer',
      {
        rules: [
          { kernel: { regularizer: l1l2, ...max(0.1, 0) } },
          { bias: { regularizer: l1l2, ...max(0.2, 0) } },
          { kernel: { ...max(0.9, 0) } },
        ],
        trainable: [false, true, true],
      },
    ],
  ];

  test.each(cases)('20 steps match the reference with %s', (_, modelOptions) => {
    for (const options of [
      {},
      { globalClipNorm: 0.5 },
      { clipNorm: 0.3 },
      { useEma: true, emaOverwriteFrequency: 4 },
    ]) {
      run('adam', { learningRate: 0.02, ...options }, modelOptions).expectWeights(
        TOLERANCE,
        Object.keys(options).join(),
      );
      run('sgd', { learningRate: 0.1, ...options }, modelOptions).expectWeights(TOLERANCE, Object.keys(options).join());
    }
  });
});

describe('frozen layers', () => {
  test.each<[string, [boolean, boolean, boolean]]>([
    ['the first layer', [false, true, true]],
    ['the middle layer', [true, false, true]],
    ['the last layer', [true, true, false]],
    ['all layers but one', [false, true, false]],
  ])('freezing %s excludes its weights from updates, decay, averages and norms', (_, trainable) => {
    for (const [what, more] of extras) {
      run('adam', { learningRate: 0.02, ...more }, { trainable }).expectWeights(TOLERANCE, what);
    }
  });

  test('model.trainable sets all layers, and is true if any layer is trainable', () => {
    const model = sequential({
      layers: [
        layers.lstm({ units: 2, inputShape: [3, 1] }),
        layers.dropout({ rate: 0.1 }),
        layers.dense({ units: 1 }),
      ],
    });
    model.compile({ optimizer: train.sgd(0.1), loss: 'meanSquaredError' });
    expect(model.trainable).toBe(true);
    model.trainable = false;
    expect(model.layers.map(layer => layer.trainable)).toEqual([false, false, false]);
    expect(model.trainable).toBe(false);
    const before = model.getWeights().map(weight => weight.dataSync());
    model.trainOnBatch([[[1], [2], [3]]], [[1]]);
    for (const [n, weight] of model.getWeights().entries()) expectBits(weight.dataSync(), before[n]!);
    model.layers[2]!.trainable = true;
    expect(model.trainable).toBe(true);
    expect(() => Object.assign(model, { trainable: 1 })).toThrow('model: trainable must be true or false, got 1');
  });

  test('setting model.trainable to false and back to true keeps individually frozen layers frozen', () => {
    const model = sequential({
      layers: [
        layers.bidirectional({ layer: layers.lstm({ units: 2 }), inputShape: [3, 1], trainable: false }),
        layers.dense({ units: 2 }),
      ],
    });
    const trainableLayers = () => model.layers.map(layer => layer.trainable);
    model.trainable = false;
    expect(trainableLayers()).toEqual([false, false]);
    model.trainable = true;
    expect(trainableLayers()).toEqual([false, true]);
    expect(model.getWeights(true)).toHaveLength(2);
    model.trainable = false;
    model.layers[1]!.trainable = true;
    expect(trainableLayers()).toEqual([false, true]);
    model.layers[0]!.trainable = true;
    expect(trainableLayers()).toEqual([true, true]);
  });

  test('getWeights(true) omits frozen weights, as in TF.js', () => {
    const model = sequential({
      layers: [layers.dense({ units: 2, inputShape: [3], trainable: false }), layers.dense({ units: 1 })],
    });
    const [frozen, trainable] = model.layers;
    expect(frozen!.getWeights(true)).toEqual([]);
    expect(frozen!.getWeights()).toHaveLength(2);
    expect(trainable!.getWeights(true).map(({ shape }) => shape)).toEqual([[2, 1], [1]]);
    expect(model.getWeights(true).map(({ shape }) => shape)).toEqual([[2, 1], [1]]);
    frozen!.trainable = true;
    expect(model.getWeights(true)).toHaveLength(4);
    expect(() => model.getWeights(wrong(1))).toThrow('model.getWeights: trainableOnly must be true or false, got 1');
    expect(() => trainable!.getWeights(wrong(1))).toThrow(`${trainable!.name}.getWeights: trainableOnly must be`);
  });

  test('freezing all layers leaves all weights bit for bit', () => {
    const both = new ModelWithReference({ trainable: [false, false, false] });
    const before = both.model.getWeights().map(weight => weight.dataSync());
    const optimizer = train.adamw({ globalClipNorm: 0.1, useEma: true, emaOverwriteFrequency: 1 });
    both.model.compile({ optimizer, loss: 'meanSquaredError' });
    const { x, y } = both.nextBatch();
    for (let t = 0; t < 3; t++) both.model.trainOnBatch(tensorOf(x), tensorOf(y));
    both.model.finalizeVariableValues();
    for (const [n, weight] of both.model.getWeights().entries()) expectBits(weight.dataSync(), before[n]!);
  });
});

/** A linear model y = w1 x1 + w2 x2 + … of one output without bias, and training steps with chosen gradients. */
function line(weights: readonly number[], optimizer: Optimizer) {
  const layer = layers.dense({
    units: 1,
    useBias: false,
    inputShape: [weights.length],
    weights: [weights.map(w => [w])],
  });
  const model = sequential({ layers: [layer] });
  model.compile({ optimizer, loss: 'meanSquaredError' });
  return {
    model,
    /** One step with these gradients: they are 2 (y - target) x, with x half of them and y - target = 1. */
    step(gradients: readonly number[]): number {
      const x = gradients.map(g => g / 2);
      const w = model.getWeights()[0]!.dataSync();
      const y = x.reduce((sum, value, n) => sum + value * w[n]!, 0);
      return model.trainOnBatch([x], [[y - 1]]) as number;
    },
    weights: () => [...model.getWeights()[0]!.dataSync()],
  };
}

describe('gradient clipping', () => {
  test.each<[string, Options, number[], number[]]>([
    ['below clipNorm', { clipNorm: 5.1 }, [3, 4], [3, 4]],
    ['at clipNorm', { clipNorm: 5 }, [3, 4], [3, 4]],
    ['above clipNorm', { clipNorm: 2.5 }, [3, 4], [1.5, 2]],
    ['below globalClipNorm', { globalClipNorm: 5.1 }, [3, 4], [3, 4]],
    ['at globalClipNorm', { globalClipNorm: 5 }, [3, 4], [3, 4]],
    ['above globalClipNorm', { globalClipNorm: 2.5 }, [3, 4], [1.5, 2]],
    ['at clipValue', { clipValue: 4 }, [3, -4], [3, -4]],
    ['above clipValue', { clipValue: 3.5 }, [3, -4], [3, -3.5]],
    // keras-team/keras, keras/src/optimizers/optimizer_test.py
    ['as in Keras with clipnorm 1', { clipNorm: 1 }, [100, 100], [Math.SQRT1_2, Math.SQRT1_2]],
    ['as in Keras with clipvalue 1', { clipValue: 1 }, [100, 100], [1, 1]],
    ['as in Keras with global_clipnorm 1', { globalClipNorm: 1 }, [50, 100], [1 / Math.sqrt(5), 2 / Math.sqrt(5)]],
  ])('gradients are clipped correctly %s', (_, options, gradients, expected) => {
    const { step, weights } = line([0, 0], train.sgd({ learningRate: 1, ...options }));
    step(gradients);
    expectClose(
      weights(),
      expected.map(g => -g),
      { abs: 0, rel: 3e-7 },
    );
  });

  test('clipNorm clips each weight separately, globalClipNorm all together', () => {
    const weightsAfter = (options: Options) => {
      const both = run('sgd', { learningRate: 1, ...options }, {}, 1);
      return both.reference.getWeights().map(({ data }) => data);
    };
    const start = new ModelWithReference().reference.getWeights().map(({ data }) => data);
    const norms = (after: Float64Array[]) =>
      after.map((w, n) => Math.sqrt(w.reduce((sum, value, k) => sum + (value - start[n]![k]!) ** 2, 0)));
    const unclipped = norms(weightsAfter({}));
    const separate = norms(weightsAfter({ clipNorm: 0.2 }));
    expectClose(
      separate,
      unclipped.map(norm => Math.min(norm, 0.2)),
      { abs: 1e-12, rel: 0 },
    );
    const together = norms(weightsAfter({ globalClipNorm: 0.2 }));
    expectClose([Math.hypot(...together)], [0.2], { abs: 1e-12, rel: 0 });
  });
});

describe('weight averages (useEma)', () => {
  // keras-team/keras, keras/src/optimizers/optimizer_test.py, test_ema
  test('averages start with the first step and replace the weights every third one, as in Keras', () => {
    const optimizer = train.sgd({ learningRate: 1, useEma: true, emaMomentum: 0.9, emaOverwriteFrequency: 3 });
    const { step, weights } = line([3, 4, 5, 6], optimizer);
    for (const expected of [
      [2, 3, 4, 5],
      [1, 2, 3, 4],
      [1.71, 2.71, 3.71, 4.71],
    ]) {
      step([1, 1, 1, 1]);
      expectClose(weights(), expected, { abs: 1e-6, rel: 0 });
    }
  });

  // The same file, test_ema_with_model_fit: x = 1, y = 0, two steps
  test('finalizeVariableValues replaces the weights by their averages, as in Keras', () => {
    const layer = layers.dense({ units: 2, kernelInitializer: 'ones', useBias: false, inputShape: [1] });
    const model = sequential({ layers: [layer] });
    const optimizer = train.sgd({ learningRate: 0.1, useEma: true, emaMomentum: 0.9 });
    model.compile({ optimizer, loss: 'meanSquaredError' });
    model.finalizeVariableValues(); // no averages before the first step
    expect([...model.getWeights()[0]!.dataSync()]).toEqual([1, 1]);
    for (let t = 0; t < 2; t++) model.trainOnBatch([[1]], [[0, 0]]);
    expectClose(model.getWeights()[0]!.dataSync(), [0.81, 0.81], { abs: 1e-6, rel: 0 });
    model.finalizeVariableValues();
    expectClose(model.getWeights()[0]!.dataSync(), [0.891, 0.891], { abs: 1e-6, rel: 0 });
  });

  test('averages match the reference for every optimizer', () => {
    for (const [, rule, options] of optimizers) {
      const both = new ModelWithReference();
      const all = { ...options, useEma: true, emaMomentum: 0.7 };
      both.model.compile({ optimizer: make(rule, all), loss: 'meanSquaredError' });
      const stepper = new Stepper(rule, all as unknown as CommonOptions & Record<string, number>);
      for (let t = 0; t < 10; t++) both.train(stepper);
      both.model.finalizeVariableValues();
      both.setTrainableWeights(stepper.averages);
      both.expectWeights(TOLERANCE, rule);
    }
  });

  test('finalizeVariableValues without useEma changes nothing', () => {
    const { model, step, weights } = line([1, 2], train.sgd(0.5));
    step([1, 1]);
    model.finalizeVariableValues();
    expectClose(weights(), [0.5, 1.5], { abs: 1e-6, rel: 0 });
  });
});

describe('the learning rate', () => {
  const decreasing = (step: number) => 1 / (1 + step);

  test.each<[string, (step: number) => number, ((step: number) => number) | Schedule]>([
    ['a function', decreasing, decreasing],
    [
      'a schedule',
      step => 0.5 ** step,
      schedules.exponentialDecay({ initialLearningRate: 1, decaySteps: 1, decayRate: 0.5 }),
    ],
  ])('the learning rate may be %s of the step', (_, rates, learningRate) => {
    const optimizer = train.sgd({ learningRate });
    const { step, weights } = line([0], optimizer);
    let expected = 0;
    for (let t = 0; t < 5; t++) {
      expect(optimizer.learningRate).toBeCloseTo(rates(t), 12);
      step([1]);
      expected -= rates(t);
      expectClose(weights(), [expected], { abs: 1e-6, rel: 0 });
    }
  });

  test('adding or removing a layer restarts the learning rate', () => {
    const optimizer = train.sgd({ learningRate: decreasing });
    const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
    model.compile({ optimizer, loss: 'mse' });
    model.trainOnBatch([[0]], [[0]]);
    expect(optimizer.learningRate).toBe(1 / 2);
    model.add(layers.activation({ activation: 'linear' }));
    expect(optimizer.learningRate).toBe(1);
    model.trainOnBatch([[0]], [[0]]);
    model.pop();
    expect(optimizer.learningRate).toBe(1);
  });

  test('every optimizer accepts a schedule or a function as its first argument', () => {
    const schedule = schedules.constant({ learningRate: 0.25 });
    for (const make of [train.adam, train.adamw, train.amsgrad, train.nadam, train.adamax, train.sgd]) {
      expect(make(schedule).learningRate).toBe(0.25);
    }
    expect(train.rmsprop(schedule).learningRate).toBe(0.25);
    expect(train.momentum(() => 0.25, 0.9).learningRate).toBe(0.25);
    expect(train.adagrad(decreasing).learningRate).toBe(1);
    expect(train.adadelta(decreasing).learningRate).toBe(1);
  });

  test('the learning rate can be replaced between batches, a schedule by a number and vice versa', () => {
    const optimizer = train.sgd(decreasing);
    const { step, weights } = line([0], optimizer);
    step([1]);
    optimizer.learningRate = 0.25;
    step([1]);
    expectClose(weights(), [-1.25], { abs: 1e-6, rel: 0 });
    optimizer.learningRate = decreasing;
    expect(optimizer.learningRate).toBeCloseTo(1 / 3, 12);
    step([1]);
    expectClose(weights(), [-1.25 - 1 / 3], { abs: 1e-6, rel: 0 });
    optimizer.setLearningRate(2);
    expect(optimizer.learningRate).toBe(2);
  });

  test('compile restarts the step count, and a batch that changed nothing is not counted', () => {
    const optimizer = train.sgd(decreasing);
    const { model, step } = line([0], optimizer);
    step([1]);
    expect(model.trainOnBatch([[Number.NaN]], [[0]])).toBeNaN();
    expect(optimizer.learningRate).toBe(1 / 2);
    model.compile({ optimizer, loss: 'meanSquaredError' });
    expect(optimizer.learningRate).toBe(1);
    step([1]);
    expect(optimizer.learningRate).toBe(1 / 2);
  });

  test('a learning-rate function is called once per batch, and a call in which it fails changes nothing', () => {
    const steps: number[] = [];
    let failure: unknown = null;
    const optimizer = train.adam((step: number) => {
      steps.push(step);
      if (failure instanceof Error) throw failure;
      return (failure ?? 0.1) as number;
    });
    const { model, step, weights } = line([1, 2], optimizer);
    const reference = line([1, 2], train.adam(0.1));
    for (const run of [reference.step, step]) run([1, 2]);
    const before = weights();
    for (failure of [Number.NaN, -1, '0.1', undefined, {}, Number.POSITIVE_INFINITY, new Error('mine')]) {
      if (failure === undefined) continue;
      expect(() => step([1, 2])).toThrow(
        failure instanceof Error ? 'mine' : 'model.trainOnBatch: learningRate(1) must be',
      );
    }
    expectBits(weights(), before);
    failure = null;
    steps.length = 0;
    for (const run of [reference.step, step]) run([3, 1]);
    expectBits(weights(), reference.weights());
    expect(steps).toEqual([1]);
    expect(() => model.trainOnBatch([[1]], [[1]])).toThrow('x must');
  });

  test('a learning-rate function may call predict', () => {
    const { model, step, weights } = line(
      [1, 2],
      train.sgd((n): number => {
        model.predict([[9, 9]]);
        return 0.5 + n;
      }),
    );
    step([1, 1]);
    expectClose(weights(), [0.5, 1.5], { abs: 1e-6, rel: 0 });
  });
});

describe('regularization penalties', () => {
  test('trainOnBatch and testOnBatch include penalties, also of frozen layers', () => {
    for (const trainable of [true, false]) {
      const both = new ModelWithReference({
        rules: [{ kernel: { regularizer: regularizers.l2({ l2: 1 }) } }],
        trainable: [trainable, true, true],
      });
      both.model.compile({ optimizer: train.sgd(0.01), loss: 'meanSquaredError' });
      const { x, y } = both.nextBatch();
      const without = both.reference.testOnBatch(x, y);
      expect(both.penalty).toBeGreaterThan(0.5);
      const losses = [
        both.model.testOnBatch(tensorOf(x), tensorOf(y)),
        both.model.trainOnBatch(tensorOf(x), tensorOf(y)),
      ] as number[];
      expectClose(losses, [without + both.penalty, without + both.penalty], { abs: 0, rel: 1e-6 });
    }
  });

  test('a penalty that overflows trains nothing', () => {
    const both = new ModelWithReference({ rules: [{ kernel: { regularizer: regularizers.l2({ l2: 1e38 }) } }] });
    const before = both.model.getWeights().map(weight => weight.dataSync());
    both.model.compile({ optimizer: train.sgd(0.01), loss: 'meanSquaredError' });
    const { x, y } = both.nextBatch();
    expect(both.model.trainOnBatch(tensorOf(x), tensorOf(y))).toBeNaN(); // its gradients are too large
    for (const [n, weight] of both.model.getWeights().entries()) expectBits(weight.dataSync(), before[n]!);
  });
});

describe('optimizer names and options', () => {
  const names = ['adam', 'adamw', 'nadam', 'adamax', 'sgd', 'rmsprop', 'adagrad', 'adadelta'] as const;

  test.each(names)('compile accepts the name %s for the optimizer with default options', name => {
    const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
    model.compile({ optimizer: name, loss: 'mse' });
    expect(model.optimizer!.getConfig()).toEqual((train[name] as () => Optimizer)().getConfig());
    model.compile({ optimizer: wrong(model.optimizer!.className), loss: 'mse' });
    expect(model.optimizer!.getClassName().toLowerCase()).toBe(name);
  });

  test('optimizers have the defaults of Keras', () => {
    const defaults = Object.fromEntries(names.map(name => [name, (train[name] as () => Optimizer)().getConfig()]));
    const moments = { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };
    expect(defaults).toEqual({
      adam: moments,
      adamw: { ...moments, weightDecay: 0.004 },
      nadam: moments,
      adamax: { ...moments, decay: 0 },
      sgd: { learningRate: 0.01 },
      rmsprop: { learningRate: 0.001, decay: 0.9, momentum: 0, epsilon: 1e-7, centered: false },
      adagrad: { learningRate: 0.001, initialAccumulatorValue: 0.1, epsilon: 1e-7 },
      adadelta: { learningRate: 0.001, rho: 0.95, epsilon: 1e-7 },
    });
  });

  test('positional arguments of TF.js and options by name make the same optimizer', () => {
    const pairs: [Optimizer, Optimizer][] = [
      [train.adam(0.1, 0.2, 0.3, 1e-4), train.adam({ learningRate: 0.1, beta1: 0.2, beta2: 0.3, epsilon: 1e-4 })],
      [train.adamax(0.1, 0.2, 0.3, null, 0.4), train.adamax({ learningRate: 0.1, beta1: 0.2, beta2: 0.3, decay: 0.4 })],
      [train.momentum(0.1, 0.2, true), train.momentum({ learningRate: 0.1, momentum: 0.2, useNesterov: true })],
      [train.adagrad(0.1, 0.2), train.adagrad({ learningRate: 0.1, initialAccumulatorValue: 0.2 })],
      [train.adadelta(0.1, 0.2, 1e-3), train.adadelta({ learningRate: 0.1, rho: 0.2, epsilon: 1e-3 })],
      [train.amsgrad(0.1, 0.2), train.adam({ learningRate: 0.1, beta1: 0.2, amsgrad: true })],
      [
        train.rmsprop(0.1, 0.2, 0.3, null, true),
        train.rmsprop({ learningRate: 0.1, decay: 0.2, momentum: 0.3, centered: true }),
      ],
    ];
    for (const [positional, named] of pairs) expect(positional.getConfig()).toEqual(named.getConfig());
  });

  test('getConfig includes decay, clipping and averaging options', () => {
    const options = { weightDecay: 0.1, clipNorm: 2, useEma: true, emaMomentum: 0.5, emaOverwriteFrequency: 7 };
    expect(train.sgd({ learningRate: 0.1, ...options }).getConfig()).toEqual({ learningRate: 0.1, ...options });
    expect(train.sgd({ clipValue: 2 }).getConfig()).toEqual({ learningRate: 0.01, clipValue: 2 });
    expect(train.sgd({ globalClipNorm: 2 }).getConfig()).toEqual({ learningRate: 0.01, globalClipNorm: 2 });
    train.sgd().dispose();
  });
});

describe('invalid arguments', () => {
  const nan = Number.NaN;
  const makers = Object.entries(train) as [keyof typeof train, (...given: unknown[]) => Optimizer][];

  for (const [name, make] of makers) {
    const required = name === 'momentum' ? { momentum: 0.9 } : {};
    const making = (options: Options) => () => make({ ...required, ...options });
    describeRejections(`train.${name}`, [
      ['a learning rate of NaN', () => make(nan, 0.9), 'learningRate'],
      ['a learning rate of null', () => make(null), 'learningRate'],
      ['a string as learning rate', () => make('0.1'), 'learningRate'],
      ['an array of options', () => make([0.1]), 'options must be an object'],
      ['a negative learning rate', making({ learningRate: -1 }), 'learningRate'],
      ['a learning rate beyond float32', making({ learningRate: 1e39 }), 'learningRate'],
      ['an object that is not a schedule as learning rate', making({ learningRate: {} }), 'learningRate'],
      [
        'options after a number',
        () => make(0.1, { clipNorm: 1 }),
        'arguments must be one object or positional, got both; pass train.',
      ],
      [
        'too many positional arguments',
        () => make(0.1, 0.9, ...new Array<undefined>(6), 2),
        name === 'sgd' ? 'takes one argument, got 0.9' : 'takes at most ',
      ],
      [
        'positional arguments after options',
        () => make({ ...required }, 0.9),
        'arguments must be one object or positional',
      ],
      ['an option in lower case', making({ clipnorm: 1 }), "did you mean 'clipNorm'?"],
      ['the old Keras option lr', making({ lr: 0.1 }), "unknown option 'lr'; did you mean 'learningRate'?"],
      ['the abbreviated option wd', making({ wd: 0.1 }), "unknown option 'wd'; did you mean 'weightDecay'?"],
      ['a clipNorm of zero', making({ clipNorm: 0 }), 'clipNorm must be'],
      ['a negative clipValue', making({ clipValue: -1 }), 'clipValue must be'],
      ['a globalClipNorm of NaN', making({ globalClipNorm: nan }), 'globalClipNorm must be'],
      ['clipNorm together with clipValue', making({ clipNorm: 1, clipValue: 1 }), 'got clipNorm and clipValue'],
      [
        'clipNorm together with globalClipNorm',
        making({ clipNorm: 1, globalClipNorm: 1 }),
        'got clipNorm and globalClipNorm',
      ],
      ['a negative weightDecay', making({ weightDecay: -0.1 }), 'weightDecay must be'],
      ['a number as useEma', making({ useEma: 1 }), 'useEma must be'],
      ['emaMomentum without useEma', making({ emaMomentum: 0.9 }), 'useEma must be true if emaMomentum is given'],
      [
        'emaOverwriteFrequency with useEma: false',
        making({ useEma: false, emaOverwriteFrequency: 1 }),
        'useEma must be true',
      ],
      ['an emaMomentum above 1', making({ useEma: true, emaMomentum: 1.1 }), 'emaMomentum must be'],
      ['an emaOverwriteFrequency of 0', making({ useEma: true, emaOverwriteFrequency: 0 }), 'emaOverwriteFrequency'],
    ]);
  }

  test.each(makers)('train.%s lists each option once when it rejects an unknown one', (_, make) => {
    let message = '';
    try {
      make({ nothingLikeIt: 1 });
    } catch (error) {
      ({ message } = error as Error);
    }
    const listed = [...message.split('; known: ')[1]!.matchAll(/'(\w+)'/g)].map(([, option]) => option);
    expect(listed).toEqual(expect.arrayContaining(['learningRate', 'weightDecay', 'emaOverwriteFrequency']));
    expect(listed).toEqual([...new Set(listed)]);
  });

  for (const [name, make] of makers.filter(([name]) => /adam|ams/.test(name))) {
    describeRejections(`train.${name}`, [
      ['a beta1 of 1', () => make({ beta1: 1 }), 'beta1'],
      ['a negative beta2', () => make({ beta2: -0.1 }), 'beta2'],
      ['an epsilon that is 0 in float32', () => make({ epsilon: 1e-46 }), 'epsilon'],
    ]);
  }
  describeRejections('train.adam', [['a number as amsgrad', () => train.adam({ amsgrad: wrong(1) }), 'amsgrad']]);
  describeRejections('train.amsgrad', [
    ['the option amsgrad', () => train.amsgrad(wrong({ amsgrad: true })), 'unknown option'],
  ]);
  describeRejections('train.adamax', [['a negative decay', () => train.adamax({ decay: -1 }), 'decay']]);
  describeRejections('train.momentum', [
    ['a missing momentum', () => train.momentum(wrong(0.1)), 'momentum must be'],
    ['undefined', () => train.momentum(wrong(undefined)), 'momentum must be'],
    ['a momentum above 1', () => train.momentum(0.1, 1.1), 'momentum must be'],
    ['a string as useNesterov', () => train.momentum(0.1, 0.9, wrong('yes')), 'useNesterov'],
  ]);
  describeRejections('train.rmsprop', [
    ['a decay of 1', () => train.rmsprop(0.1, 1), 'decay'],
    ['a negative momentum', () => train.rmsprop(0.1, 0.9, -0.1), 'momentum'],
    ['an epsilon of 0', () => train.rmsprop(0.1, 0.9, 0, 0), 'epsilon'],
    ['a number as centered', () => train.rmsprop(0.1, 0.9, 0, null, wrong(1)), 'centered'],
  ]);
  describeRejections('train.adagrad', [
    ['a negative initialAccumulatorValue', () => train.adagrad(0.1, -0.1), 'initialAccumulatorValue'],
    ['an epsilon of 0', () => train.adagrad({ epsilon: 0 }), 'epsilon'],
  ]);
  describeRejections('train.adadelta', [
    ['a rho of 1', () => train.adadelta(0.1, 1), 'rho'],
    ['an epsilon of 0', () => train.adadelta({ epsilon: 0 }), 'epsilon'],
  ]);
  describeRejections('optimizer', [
    ['a learningRate set to NaN', () => Object.assign(train.adam(), { learningRate: nan })],
    ['a learning-rate function that returns NaN', () => train.adam(() => nan).learningRate, 'learningRate(0)'],
  ]);
  describeRejections('optimizer.setLearningRate', [
    ['a string as learning rate', () => train.adam().setLearningRate(wrong('1'))],
  ]);
  describeRejections('model.finalizeVariableValues', [
    [
      'a model that is not compiled',
      () => sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] }).finalizeVariableValues(),
      'compile',
    ],
  ]);
});
