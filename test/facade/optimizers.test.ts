// Whole models and their optimizers: weights over twenty steps against the float64 reference, for every optimizer and
// every option; learning rates; what a failed call leaves; what is refused.

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
import { describeRejections as describeBad, wrong } from './bad.ts';
import { tensorOf } from './models.ts';
import { type TwinOptions, Twins } from './modelWithReference.ts';

type Options = Record<string, unknown>;

const forms: [string, RuleName, Options][] = [
  ['sgd', 'sgd', { learningRate: 0.1 }],
  ['momentum', 'momentum', { learningRate: 0.02, momentum: 0.9 }],
  ['momentum of Nesterov', 'momentum', { learningRate: 0.02, momentum: 0.9, useNesterov: true }],
  ['adam', 'adam', { learningRate: 0.005 }],
  ['amsgrad', 'adam', { learningRate: 0.005, beta2: 0.9, amsgrad: true }],
  ['nadam', 'nadam', { learningRate: 0.005 }],
  ['adamax', 'adamax', { learningRate: 0.005 }],
  ['rmsprop', 'rmsprop', { learningRate: 0.002 }],
  ['rmsprop, centered, with momentum', 'rmsprop', { learningRate: 0.002, momentum: 0.5, centered: true }],
  ['adagrad', 'adagrad', { learningRate: 0.02 }],
  ['adadelta', 'adadelta', { learningRate: 1 }],
];

const around: [string, Options][] = [
  ['alone', {}],
  ['clipNorm', { clipNorm: 0.3 }],
  ['clipValue', { clipValue: 0.05 }],
  ['globalClipNorm', { globalClipNorm: 0.5 }],
  ['weightDecay', { weightDecay: 0.3 }],
  ['averages every third step', { useEma: true, emaMomentum: 0.8, emaOverwriteFrequency: 3 }],
  ['a rate that falls', { learningRate: (step: number) => 0.01 / (1 + step) }],
];

const make = (rule: RuleName, options: Options) => (train[rule] as (options: Options) => Optimizer)(options);

function run(rule: RuleName, options: Options, twin: TwinOptions = {}, steps = 20): Twins {
  const twins = new Twins(twin);
  twins.model.compile({ optimizer: make(rule, options), loss: 'meanSquaredError' });
  const stepper = new Stepper(rule, options as unknown as CommonOptions & Record<string, number>);
  for (let t = 0; t < steps; t++) twins.train(stepper);
  return twins;
}

/** Twenty float32 steps, and gradients that are off by a few roundings each, leave less than 7e-7 in all these cases. */
const TOLERANCE = 2e-6;

describe.each(forms)('%s', (_, rule, options) => {
  const alone = run(rule, options).reference.getWeights();

  test.each(around)('%s', (what, more) => {
    const twins = run(rule, { ...options, ...more });
    twins.expectWeights(TOLERANCE);
    // What is done around the step shows
    const same = twins.reference.getWeights().every(({ data }, n) => data.every((w, k) => w === alone[n]!.data[k]));
    expect(same).toBe(what === 'alone');
  });
});

describe('weights that ask for something', () => {
  const l1l2 = regularizers.l1l2({ l1: 0.02, l2: 0.03 });
  const max = (most: number, axis: number) => ({
    constraint: constraints.maxNorm({ maxValue: most, axis }),
    bound: (w: Float64Array, shape: readonly number[]) => boundNorms(w, shape, axis, { least: 0, most, rate: 1 }),
  });
  const cases: [string, TwinOptions][] = [
    ['l1 on a kernel', { wishes: [{ kernel: { regularizer: regularizers.l1({ l1: 0.05 }) } }] }],
    ['l2 on a recurrent kernel', { wishes: [{ recurrentKernel: { regularizer: regularizers.l2({ l2: 0.1 }) } }] }],
    [
      'both, everywhere',
      {
        wishes: [
          { kernel: { regularizer: l1l2 }, recurrentKernel: { regularizer: l1l2 }, bias: { regularizer: l1l2 } },
          { kernel: { regularizer: l1l2 }, bias: { regularizer: l1l2 } },
          { kernel: { regularizer: l1l2 }, bias: { regularizer: l1l2 } },
        ],
      },
    ],
    ['maxNorm along both axes', { wishes: [{ kernel: max(1, 0) }, { kernel: max(0.7, 1) }] }],
    [
      'nonNeg',
      {
        wishes: [
          {},
          { kernel: { constraint: constraints.nonNeg(), bound: w => w.set(w.map(value => Math.max(value, 0))) } },
        ],
      },
    ],
    [
      'unitNorm, and minMaxNorm on the way',
      {
        wishes: [
          {
            recurrentKernel: {
              constraint: constraints.unitNorm({ axis: 1 }),
              bound: (w, shape) => boundNorms(w, shape, 1, { least: 1, most: 1, rate: 1 }),
            },
          },
          {},
          {
            kernel: {
              constraint: constraints.minMaxNorm({ minValue: 0.5, maxValue: 0.6, rate: 0.4, axis: -1 }),
              bound: (w, shape) => boundNorms(w, shape, 1, { least: 0.5, most: 0.6, rate: 0.4 }),
            },
          },
        ],
      },
    ],
    [
      'a regularizer and a constraint on the same bias, a frozen layer that asks for both',
      {
        wishes: [
          { kernel: { regularizer: l1l2, ...max(0.1, 0) } },
          { bias: { regularizer: l1l2, ...max(0.2, 0) } },
          { kernel: { ...max(0.9, 0) } },
        ],
        trainable: [false, true, true],
      },
    ],
  ];

  test.each(cases)('%s', (_, twin) => {
    for (const options of [
      {},
      { globalClipNorm: 0.5 },
      { clipNorm: 0.3 },
      { useEma: true, emaOverwriteFrequency: 4 },
    ]) {
      run('adam', { learningRate: 0.02, ...options }, twin).expectWeights(TOLERANCE, Object.keys(options).join());
      run('sgd', { learningRate: 0.1, ...options }, twin).expectWeights(TOLERANCE, Object.keys(options).join());
    }
  });
});

describe('frozen layers', () => {
  test.each<[string, [boolean, boolean, boolean]]>([
    ['the first', [false, true, true]],
    ['the middle one', [true, false, true]],
    ['the last', [true, true, false]],
    ['all but one', [false, true, false]],
  ])('%s: no update, decay, average, and no part in the norm', (_, trainable) => {
    for (const [what, more] of around) {
      run('adam', { learningRate: 0.02, ...more }, { trainable }).expectWeights(TOLERANCE, what);
    }
  });

  test('model.trainable is that of all layers', () => {
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
    const learning = () => model.layers.map(layer => layer.trainable);
    model.trainable = false;
    expect(learning()).toEqual([false, false]);
    model.trainable = true;
    expect(learning()).toEqual([false, true]);
    expect(model.getWeights(true)).toHaveLength(2);
    model.trainable = false;
    model.layers[1]!.trainable = true;
    expect(learning()).toEqual([false, true]);
    model.layers[0]!.trainable = true;
    expect(learning()).toEqual([true, true]);
  });

  test('getWeights(true) leaves them out, as in TF.js', () => {
    const model = sequential({
      layers: [layers.dense({ units: 2, inputShape: [3], trainable: false }), layers.dense({ units: 1 })],
    });
    const [frozen, other] = model.layers;
    expect(frozen!.getWeights(true)).toEqual([]);
    expect(frozen!.getWeights()).toHaveLength(2);
    expect(other!.getWeights(true).map(({ shape }) => shape)).toEqual([[2, 1], [1]]);
    expect(model.getWeights(true).map(({ shape }) => shape)).toEqual([[2, 1], [1]]);
    frozen!.trainable = true;
    expect(model.getWeights(true)).toHaveLength(4);
    expect(() => model.getWeights(wrong(1))).toThrow('model.getWeights: trainableOnly must be true or false, got 1');
    expect(() => other!.getWeights(wrong(1))).toThrow(`${other!.name}.getWeights: trainableOnly must be`);
  });

  test('all: nothing moves, to the bit', () => {
    const twins = new Twins({ trainable: [false, false, false] });
    const before = twins.model.getWeights().map(weight => weight.dataSync());
    const optimizer = train.adamw({ globalClipNorm: 0.1, useEma: true, emaOverwriteFrequency: 1 });
    twins.model.compile({ optimizer, loss: 'meanSquaredError' });
    const { x, y } = twins.draw();
    for (let t = 0; t < 3; t++) twins.model.trainOnBatch(tensorOf(x), tensorOf(y));
    twins.model.finalizeVariableValues();
    for (const [n, weight] of twins.model.getWeights().entries()) expectBits(weight.dataSync(), before[n]!);
  });
});

/** y = w1 x1 + w2 x2, ... without bias: with one sample x and the target 0, the gradient is 2 y x. */
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
    /** One step along these gradients: x is half of them, and the target makes y - target one. */
    step(gradients: readonly number[]): number {
      const x = gradients.map(g => g / 2);
      const w = model.getWeights()[0]!.dataSync();
      const y = x.reduce((sum, value, n) => sum + value * w[n]!, 0);
      return model.trainOnBatch([x], [[y - 1]]) as number;
    },
    weights: () => [...model.getWeights()[0]!.dataSync()],
  };
}

describe('clipping at and around the norm', () => {
  test.each<[string, Options, number[], number[]]>([
    ['below a norm', { clipNorm: 5.1 }, [3, 4], [3, 4]],
    ['at a norm', { clipNorm: 5 }, [3, 4], [3, 4]],
    ['above a norm', { clipNorm: 2.5 }, [3, 4], [1.5, 2]],
    ['below the norm of all', { globalClipNorm: 5.1 }, [3, 4], [3, 4]],
    ['at the norm of all', { globalClipNorm: 5 }, [3, 4], [3, 4]],
    ['above the norm of all', { globalClipNorm: 2.5 }, [3, 4], [1.5, 2]],
    ['at a value', { clipValue: 4 }, [3, -4], [3, -4]],
    ['above a value', { clipValue: 3.5 }, [3, -4], [3, -3.5]],
    // keras-team/keras, keras/src/optimizers/optimizer_test.py
    ['Keras, clipnorm 1', { clipNorm: 1 }, [100, 100], [Math.SQRT1_2, Math.SQRT1_2]],
    ['Keras, clipvalue 1', { clipValue: 1 }, [100, 100], [1, 1]],
    ['Keras, global_clipnorm 1', { globalClipNorm: 1 }, [50, 100], [1 / Math.sqrt(5), 2 / Math.sqrt(5)]],
  ])('%s', (_, options, gradients, expected) => {
    const { step, weights } = line([0, 0], train.sgd({ learningRate: 1, ...options }));
    step(gradients);
    expectClose(
      weights(),
      expected.map(g => -g),
      { abs: 0, rel: 3e-7 },
    );
  });

  test('one weight at a time, or all together', () => {
    const weightsAfter = (options: Options) => {
      const twins = run('sgd', { learningRate: 1, ...options }, {}, 1);
      return twins.reference.getWeights().map(({ data }) => data);
    };
    const start = new Twins().reference.getWeights().map(({ data }) => data);
    const norms = (after: Float64Array[]) =>
      after.map((w, n) => Math.sqrt(w.reduce((sum, value, k) => sum + (value - start[n]![k]!) ** 2, 0)));
    const whole = norms(weightsAfter({}));
    const each = norms(weightsAfter({ clipNorm: 0.2 }));
    expectClose(
      each,
      whole.map(norm => Math.min(norm, 0.2)),
      { abs: 1e-12, rel: 0 },
    );
    const together = norms(weightsAfter({ globalClipNorm: 0.2 }));
    expectClose([Math.hypot(...together)], [0.2], { abs: 1e-12, rel: 0 });
  });
});

describe('averages', () => {
  // keras-team/keras, keras/src/optimizers/optimizer_test.py, test_ema
  test('Keras: they begin with the first step and take the place of the weights every third one', () => {
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
  test('Keras: in the end they take the place of the weights when asked', () => {
    const layer = layers.dense({ units: 2, kernelInitializer: 'ones', useBias: false, inputShape: [1] });
    const model = sequential({ layers: [layer] });
    const optimizer = train.sgd({ learningRate: 0.1, useEma: true, emaMomentum: 0.9 });
    model.compile({ optimizer, loss: 'meanSquaredError' });
    model.finalizeVariableValues(); // before the first step there is nothing to put
    expect([...model.getWeights()[0]!.dataSync()]).toEqual([1, 1]);
    for (let t = 0; t < 2; t++) model.trainOnBatch([[1]], [[0, 0]]);
    expectClose(model.getWeights()[0]!.dataSync(), [0.81, 0.81], { abs: 1e-6, rel: 0 });
    model.finalizeVariableValues();
    expectClose(model.getWeights()[0]!.dataSync(), [0.891, 0.891], { abs: 1e-6, rel: 0 });
  });

  test('of every optimizer, in the end', () => {
    for (const [, rule, options] of forms) {
      const twins = new Twins();
      const all = { ...options, useEma: true, emaMomentum: 0.7 };
      twins.model.compile({ optimizer: make(rule, all), loss: 'meanSquaredError' });
      const stepper = new Stepper(rule, all as unknown as CommonOptions & Record<string, number>);
      for (let t = 0; t < 10; t++) twins.train(stepper);
      twins.model.finalizeVariableValues();
      twins.put(stepper.averages);
      twins.expectWeights(TOLERANCE, rule);
    }
  });

  test('without useEma there is nothing to put', () => {
    const { model, step, weights } = line([1, 2], train.sgd(0.5));
    step([1, 1]);
    model.finalizeVariableValues();
    expectClose(weights(), [0.5, 1.5], { abs: 1e-6, rel: 0 });
  });
});

describe('the learning rate', () => {
  const falling = (step: number) => 1 / (1 + step);

  test.each<[string, (step: number) => number, ((step: number) => number) | Schedule]>([
    ['a function', falling, falling],
    [
      'a schedule',
      step => 0.5 ** step,
      schedules.exponentialDecay({ initialLearningRate: 1, decaySteps: 1, decayRate: 0.5 }),
    ],
  ])('%s of the step', (_, rates, learningRate) => {
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

  test('begins anew with another layer', () => {
    const optimizer = train.sgd({ learningRate: falling });
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

  test('may be the first argument of any optimizer', () => {
    const schedule = schedules.constant({ learningRate: 0.25 });
    for (const make of [train.adam, train.adamw, train.amsgrad, train.nadam, train.adamax, train.sgd]) {
      expect(make(schedule).learningRate).toBe(0.25);
    }
    expect(train.rmsprop(schedule).learningRate).toBe(0.25);
    expect(train.momentum(() => 0.25, 0.9).learningRate).toBe(0.25);
    expect(train.adagrad(falling).learningRate).toBe(1);
    expect(train.adadelta(falling).learningRate).toBe(1);
  });

  test('a number set between batches takes the place of a schedule, and the other way round', () => {
    const optimizer = train.sgd(falling);
    const { step, weights } = line([0], optimizer);
    step([1]);
    optimizer.learningRate = 0.25;
    step([1]);
    expectClose(weights(), [-1.25], { abs: 1e-6, rel: 0 });
    optimizer.learningRate = falling;
    expect(optimizer.learningRate).toBeCloseTo(1 / 3, 12);
    step([1]);
    expectClose(weights(), [-1.25 - 1 / 3], { abs: 1e-6, rel: 0 });
    optimizer.setLearningRate(2);
    expect(optimizer.learningRate).toBe(2);
  });

  test('counts from the first batch again after compile, and a batch that changed nothing does not count', () => {
    const optimizer = train.sgd(falling);
    const { model, step } = line([0], optimizer);
    step([1]);
    expect(model.trainOnBatch([[Number.NaN]], [[0]])).toBeNaN();
    expect(optimizer.learningRate).toBe(1 / 2);
    model.compile({ optimizer, loss: 'meanSquaredError' });
    expect(optimizer.learningRate).toBe(1);
    step([1]);
    expect(optimizer.learningRate).toBe(1 / 2);
  });

  test('is asked for once a batch, before anything else, and a call that fails there changes nothing', () => {
    const seen: number[] = [];
    let fails: unknown = null;
    const optimizer = train.adam((step: number) => {
      seen.push(step);
      if (fails instanceof Error) throw fails;
      return (fails ?? 0.1) as number;
    });
    const { model, step, weights } = line([1, 2], optimizer);
    const twin = line([1, 2], train.adam(0.1));
    for (const one of [twin.step, step]) one([1, 2]);
    const before = weights();
    for (fails of [Number.NaN, -1, '0.1', undefined, {}, Number.POSITIVE_INFINITY, new Error('mine')]) {
      if (fails === undefined) continue;
      expect(() => step([1, 2])).toThrow(
        fails instanceof Error ? 'mine' : 'model.trainOnBatch: learningRate(1) must be',
      );
    }
    expectBits(weights(), before);
    fails = null;
    seen.length = 0;
    for (const one of [twin.step, step]) one([3, 1]);
    expectBits(weights(), twin.weights());
    expect(seen).toEqual([1]);
    expect(() => model.trainOnBatch([[1]], [[1]])).toThrow('x must');
  });

  test('a function of the step may use the model', () => {
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

describe('the loss with penalties', () => {
  test('is that of training and of testing, whether the layer trains or not', () => {
    for (const trainable of [true, false]) {
      const twins = new Twins({
        wishes: [{ kernel: { regularizer: regularizers.l2({ l2: 1 }) } }],
        trainable: [trainable, true, true],
      });
      twins.model.compile({ optimizer: train.sgd(0.01), loss: 'meanSquaredError' });
      const { x, y } = twins.draw();
      const without = twins.reference.testOnBatch(x, y);
      expect(twins.penalty).toBeGreaterThan(0.5);
      const losses = [
        twins.model.testOnBatch(tensorOf(x), tensorOf(y)),
        twins.model.trainOnBatch(tensorOf(x), tensorOf(y)),
      ] as number[];
      expectClose(losses, [without + twins.penalty, without + twins.penalty], { abs: 0, rel: 1e-6 });
    }
  });

  test('that is not finite trains nothing', () => {
    const twins = new Twins({ wishes: [{ kernel: { regularizer: regularizers.l2({ l2: 1e38 }) } }] });
    const before = twins.model.getWeights().map(weight => weight.dataSync());
    twins.model.compile({ optimizer: train.sgd(0.01), loss: 'meanSquaredError' });
    const { x, y } = twins.draw();
    expect(twins.model.trainOnBatch(tensorOf(x), tensorOf(y))).toBeNaN(); // its gradients are too large
    for (const [n, weight] of twins.model.getWeights().entries()) expectBits(weight.dataSync(), before[n]!);
  });
});

describe('names and settings', () => {
  const names = ['adam', 'adamw', 'nadam', 'adamax', 'sgd', 'rmsprop', 'adagrad', 'adadelta'] as const;

  test.each(names)('compile takes %s by its name for its defaults', name => {
    const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
    model.compile({ optimizer: name, loss: 'mse' });
    expect(model.optimizer!.getConfig()).toEqual((train[name] as () => Optimizer)().getConfig());
    model.compile({ optimizer: wrong(model.optimizer!.className), loss: 'mse' });
    expect(model.optimizer!.getClassName().toLowerCase()).toBe(name);
  });

  test('defaults are those of Keras', () => {
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

  test('arguments in the order of TF.js and options by name make the same', () => {
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
    for (const [one, other] of pairs) expect(one.getConfig()).toEqual(other.getConfig());
  });

  test('getConfig tells what was asked around the step', () => {
    const asked = { weightDecay: 0.1, clipNorm: 2, useEma: true, emaMomentum: 0.5, emaOverwriteFrequency: 7 };
    expect(train.sgd({ learningRate: 0.1, ...asked }).getConfig()).toEqual({ learningRate: 0.1, ...asked });
    expect(train.sgd({ clipValue: 2 }).getConfig()).toEqual({ learningRate: 0.01, clipValue: 2 });
    expect(train.sgd({ globalClipNorm: 2 }).getConfig()).toEqual({ learningRate: 0.01, globalClipNorm: 2 });
    train.sgd().dispose();
  });
});

describe('arguments', () => {
  const nan = Number.NaN;
  const makers = Object.entries(train) as [keyof typeof train, (...given: unknown[]) => Optimizer][];

  for (const [name, make] of makers) {
    const given = name === 'momentum' ? { momentum: 0.9 } : {};
    const made = (options: Options) => () => make({ ...given, ...options });
    describeBad(`train.${name}`, [
      ['NaN', () => make(nan, 0.9), 'learningRate'],
      ['null', () => make(null), 'learningRate'],
      ['a string', () => make('0.1'), 'learningRate'],
      ['a list', () => make([0.1]), 'options must be an object'],
      ['a negative rate', made({ learningRate: -1 }), 'learningRate'],
      ['a rate beyond float32', made({ learningRate: 1e39 }), 'learningRate'],
      ['an object that is no schedule', made({ learningRate: {} }), 'learningRate'],
      [
        'options after a number',
        () => make(0.1, { clipNorm: 1 }),
        'arguments must be one object or positional, got both; pass train.',
      ],
      [
        'more arguments than it takes',
        () => make(0.1, 0.9, ...new Array<undefined>(6), 2),
        name === 'sgd' ? 'takes one argument, got 0.9' : 'takes at most ',
      ],
      ['an object and more', () => make({ ...given }, 0.9), 'arguments must be one object or positional'],
      ['an unknown option', made({ clipnorm: 1 }), "did you mean 'clipNorm'?"],
      ['the name that Keras had', made({ lr: 0.1 }), "unknown option 'lr'; did you mean 'learningRate'?"],
      ['first letters', made({ wd: 0.1 }), "unknown option 'wd'; did you mean 'weightDecay'?"],
      ['a clipNorm of zero', made({ clipNorm: 0 }), 'clipNorm must be'],
      ['a negative clipValue', made({ clipValue: -1 }), 'clipValue must be'],
      ['NaN for globalClipNorm', made({ globalClipNorm: nan }), 'globalClipNorm must be'],
      ['two ways to clip', made({ clipNorm: 1, clipValue: 1 }), 'got clipNorm and clipValue'],
      ['two norms', made({ clipNorm: 1, globalClipNorm: 1 }), 'got clipNorm and globalClipNorm'],
      ['a negative decay', made({ weightDecay: -0.1 }), 'weightDecay must be'],
      ['useEma of a number', made({ useEma: 1 }), 'useEma must be'],
      ['emaMomentum in vain', made({ emaMomentum: 0.9 }), 'useEma must be true if emaMomentum is given'],
      ['emaOverwriteFrequency in vain', made({ useEma: false, emaOverwriteFrequency: 1 }), 'useEma must be true'],
      ['emaMomentum above one', made({ useEma: true, emaMomentum: 1.1 }), 'emaMomentum must be'],
      ['emaOverwriteFrequency of zero', made({ useEma: true, emaOverwriteFrequency: 0 }), 'emaOverwriteFrequency'],
    ]);
  }

  test.each(makers)('train.%s lists every option once', (_, make) => {
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
    describeBad(`train.${name}`, [
      ['beta1 of one', () => make({ beta1: 1 }), 'beta1'],
      ['beta2 below zero', () => make({ beta2: -0.1 }), 'beta2'],
      ['an epsilon that vanishes in float32', () => make({ epsilon: 1e-46 }), 'epsilon'],
    ]);
  }
  describeBad('train.adam', [['amsgrad of a number', () => train.adam({ amsgrad: wrong(1) }), 'amsgrad']]);
  describeBad('train.amsgrad', [['amsgrad twice', () => train.amsgrad(wrong({ amsgrad: true })), 'unknown option']]);
  describeBad('train.adamax', [['a negative decay', () => train.adamax({ decay: -1 }), 'decay']]);
  describeBad('train.momentum', [
    ['no momentum', () => train.momentum(wrong(0.1)), 'momentum must be'],
    ['nothing', () => train.momentum(wrong(undefined)), 'momentum must be'],
    ['a momentum above one', () => train.momentum(0.1, 1.1), 'momentum must be'],
    ['useNesterov of a string', () => train.momentum(0.1, 0.9, wrong('yes')), 'useNesterov'],
  ]);
  describeBad('train.rmsprop', [
    ['a decay of one', () => train.rmsprop(0.1, 1), 'decay'],
    ['a negative momentum', () => train.rmsprop(0.1, 0.9, -0.1), 'momentum'],
    ['no epsilon', () => train.rmsprop(0.1, 0.9, 0, 0), 'epsilon'],
    ['centered of a number', () => train.rmsprop(0.1, 0.9, 0, null, wrong(1)), 'centered'],
  ]);
  describeBad('train.adagrad', [
    ['a negative start', () => train.adagrad(0.1, -0.1), 'initialAccumulatorValue'],
    ['no epsilon', () => train.adagrad({ epsilon: 0 }), 'epsilon'],
  ]);
  describeBad('train.adadelta', [
    ['a rho of one', () => train.adadelta(0.1, 1), 'rho'],
    ['no epsilon', () => train.adadelta({ epsilon: 0 }), 'epsilon'],
  ]);
  describeBad('optimizer', [
    ['NaN set as its rate', () => Object.assign(train.adam(), { learningRate: nan })],
    ['a function that gives none', () => train.adam(() => nan).learningRate, 'learningRate(0)'],
  ]);
  describeBad('optimizer.setLearningRate', [['a string', () => train.adam().setLearningRate(wrong('1'))]]);
  describeBad('model.finalizeVariableValues', [
    [
      'before compile',
      () => sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] }).finalizeVariableValues(),
      'compile',
    ],
  ]);
});
