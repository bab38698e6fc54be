// Losses and metrics that users write: functions of two tensors, whose gradients come from the tape, and objects.

import * as lw from 'lstm-wasm';
import { type CompileOptions, type CustomFunction, layers, sequential, type Tensor, tensor, train } from 'lstm-wasm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';

const [B, T, D, O] = [6, 4, 3, 2];
const numbers = (shape: number[], f: (n: number) => number) =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => f(n)),
    shape,
  );

const x = numbers([B, T, D], n => Math.sin(n));
const y = numbers([B, T, O], n => 0.5 + 0.4 * Math.cos(3 * n));
const last = numbers([B, O], n => 0.5 + 0.4 * Math.cos(3 * n));

/** A model whose outputs lie between 0 and 1: [B, T, O], or [B, O] of the last step. */
function modelOf({ returnSequences = true, masks = false, l2 = 0, stateful = false } = {}) {
  const model = sequential();
  const shape = stateful ? { batchInputShape: [B, T, D] } : { inputShape: [T, D] };
  if (masks) model.add(layers.masking({ maskValue: 0, ...shape }));
  model.add(layers.lstm({ units: 4, returnSequences, stateful, seed: 1, ...shape }));
  const kernelRegularizer = l2 ? lw.regularizers.l2({ l2 }) : undefined;
  model.add(layers.dense({ units: O, activation: 'sigmoid', ...(kernelRegularizer && { kernelRegularizer }) }));
  const weights = model.getWeights().map((w, k) => numbers(w.shape, n => 0.4 * Math.sin(7 * n + k)));
  model.setWeights(weights);
  return model;
}
type Model = ReturnType<typeof modelOf>;

const flat = (model: Model) => Float32Array.from(model.getWeights().flatMap(w => Array.from(w.dataSync())));

/** The results of three steps, and the weights after them. */
function trained(loss: CompileOptions['loss'], options: Parameters<typeof modelOf>[0] = {}, given: object = {}) {
  const model = modelOf(options);
  model.compile({ optimizer: train.adam(0.01), loss });
  const targets = options.returnSequences === false ? last : y;
  const losses = [1, 2, 3].map(() => model.trainOnBatch(x, targets, given) as number);
  losses.push(model.testOnBatch(x, targets, given) as number);
  return { losses, weights: flat(model) };
}

/** Float32 intermediate results of the tensor functions differ from the kernels in the last bits; adam amplifies them. */
const rounding = { abs: 2e-5, rel: 2e-5 };

function expectSame(a: ReturnType<typeof trained>, b: ReturnType<typeof trained>) {
  expectClose(a.losses, b.losses, { ...rounding, what: 'losses' });
  expectClose(a.weights, b.weights, { ...rounding, what: 'weights' });
}

const one = tensor(1);
const logOf = (p: Tensor) => p.clipByValue(1e-7, 1 - 1e-7).log();

/** Built-in losses, written with the tensor functions. */
const rewritten: Record<string, CustomFunction> = {
  meanSquaredError: (yTrue, yPred) => yTrue.sub(yPred).square().mean(-1),
  meanAbsoluteError: (yTrue, yPred) => yPred.sub(yTrue).abs().mean(-1),
  huberLoss: (yTrue, yPred) => {
    const d = yPred.sub(yTrue);
    const c = d.clipByValue(-1, 1);
    return c.mul(d.sub(c.mul(0.5))).mean(-1);
  },
  binaryCrossentropy: (yTrue, yPred) =>
    yTrue
      .mul(logOf(yPred))
      .add(one.sub(yTrue).mul(logOf(one.sub(yPred))))
      .neg()
      .mean(-1),
  poisson: (yTrue, yPred) => yPred.sub(yTrue.mul(yPred.add(1e-7).log())).mean(-1),
  kullbackLeiblerDivergence: (yTrue, yPred) => yTrue.mul(logOf(yTrue).sub(logOf(yPred))).sum(-1),
  meanSquaredLogarithmicError: (yTrue, yPred) => yPred.add(1).log().sub(yTrue.add(1).log()).square().mean(-1),
};

const weightsByStep = numbers([B, T], n => (n % 5) / 2);
const weightsBySample = numbers([B], n => (n % 3) / 2);

describe('a loss that is a function', () => {
  for (const [name, f] of Object.entries(rewritten)) {
    it(`a custom loss trains as the built-in ${name} does`, () => {
      const builtIn = name as CompileOptions['loss'];
      expectSame(trained(f), trained(builtIn));
      expectSame(trained(f, { returnSequences: false }), trained(builtIn, { returnSequences: false }));
      expectSame(trained(f, { masks: true, l2: 0.01 }), trained(builtIn, { masks: true, l2: 0.01 }));
      for (const sampleWeight of [weightsBySample, weightsByStep]) {
        expectSame(trained(f, {}, { sampleWeight }), trained(builtIn, {}, { sampleWeight }));
      }
    });
  }

  it('a custom loss may return a scalar, a value for each sample, or one for each number', () => {
    const squares = (yTrue: Tensor, yPred: Tensor) => yTrue.sub(yPred).square();
    const builtIn = trained('meanSquaredError');
    expectSame(
      trained((a, b) => squares(a, b).mean()),
      builtIn,
    );
    expectSame(
      trained((a, b) => squares(a, b).mean([1, 2])),
      builtIn,
    );
    expectSame(
      trained((a, b) => squares(a, b).mean(-1, true)),
      builtIn,
    );
    expectSame(trained(squares), builtIn);
    const sampleWeight = weightsBySample;
    expectSame(
      trained((a, b) => squares(a, b).mean([1, 2]), {}, { sampleWeight }),
      trained('meanSquaredError', {}, { sampleWeight }),
    );
    expectSame(trained(squares, {}, { sampleWeight }), trained('meanSquaredError', {}, { sampleWeight }));
  });

  it('a custom loss that is a scalar is multiplied by the mean of the sample weights, as in TF.js', () => {
    const model = modelOf();
    model.compile({ optimizer: 'sgd', loss: (a, b) => a.sub(b).square().mean() });
    const plain = model.testOnBatch(x, y) as number;
    const mean = weightsBySample.mean().valueOf();
    expectClose([model.testOnBatch(x, y, { sampleWeight: weightsBySample }) as number], [plain * mean], rounding);
  });

  it('a custom loss with a value for each step leaves out masked steps, whatever their targets are', () => {
    const hidden = x.mul(numbers([B, T, 1], n => Number(n % T < 2)));
    const wrong = y.mul(numbers([B, T, 1], n => (n % T < 2 ? 1 : Number.NaN)));
    const run = (loss: CompileOptions['loss'], targets: Tensor) => {
      const model = modelOf({ masks: true });
      model.compile({ optimizer: train.adam(0.01), loss });
      return { losses: [model.trainOnBatch(hidden, targets) as number], weights: flat(model) };
    };
    expectSame(run(rewritten.meanSquaredError!, wrong), run('meanSquaredError', y));
  });

  it('fit, evaluate, validation, history and classWeight use a custom loss', async () => {
    const classes = numbers([B, O], n => Number(n % O === Math.floor(n / O) % O));
    const histories = [];
    for (const loss of [rewritten.meanSquaredError!, 'meanSquaredError' as const]) {
      const model = modelOf({ returnSequences: false });
      model.compile({ optimizer: train.sgd(0.1), loss, metrics: ['acc'] });
      const { history } = await model.fit(x, classes, {
        epochs: 3,
        batchSize: 4,
        shuffle: false,
        classWeight: { 0: 1, 1: 3 },
        validationData: [x, classes],
        verbose: 0,
      });
      const evaluated = (model.evaluate(x, classes) as Tensor[]).map(Number);
      histories.push({ history, evaluated });
    }
    const [own, builtIn] = histories;
    expect(Object.keys(own!.history)).toEqual(['val_loss', 'val_acc', 'loss', 'acc']);
    for (const [key, values] of Object.entries(builtIn!.history)) expectClose(own!.history[key]!, values, rounding);
    expectClose(own!.evaluated, builtIn!.evaluated, rounding);
  });

  it('several outputs have custom losses by list and by name, with lossWeights', () => {
    const run = (loss: CompileOptions['loss']) => {
      const input = lw.input({ shape: [T, D] });
      const sequence = layers.lstm({ units: 3, returnSequences: true, kernelInitializer: 'ones' }).apply(input);
      const [a, b] = ['a', 'b'].map(name =>
        layers.dense({ units: O, name, kernelInitializer: 'ones' }).apply(sequence),
      );
      const model = lw.model({ inputs: input, outputs: [a!, b!] });
      for (const layer of model.layers) {
        layer.setWeights(layer.getWeights().map((w, k) => numbers(w.shape, n => 0.3 * Math.sin(5 * n + k))));
      }
      model.compile({ optimizer: train.adam(0.01), loss, lossWeights: { b: 0.3 }, metrics: { b: 'mae' } });
      const losses = [model.trainOnBatch(x, [y, y]), model.testOnBatch(x, [y, y])].flat();
      return { losses, weights: Float32Array.from(model.getWeights().flatMap(w => Array.from(w.dataSync()))) };
    };
    const squared = rewritten.meanSquaredError!;
    const absolute = rewritten.meanAbsoluteError!;
    expectSame(run([squared, absolute]), run(['mse', 'mae']));
    expectSame(run({ a: 'mse', b: absolute }), run(['mse', 'mae']));
    expectSame(run(squared), run('mse'));
    // An output without a loss of its own
    expectSame(run([squared, () => lw.scalar(0)]), run([squared, (a, b) => a.mul(b).sum().mul(0)]));
  });

  it('a custom loss trains to the same bits in each run', () => {
    expectBits(trained(rewritten.huberLoss!).weights, trained(rewritten.huberLoss!).weights);
  });

  it('a custom loss may be an object with a gradient of its own', () => {
    const scale = 2 / O;
    const byStep = {
      name: 'squares',
      value: (a: Tensor, b: Tensor) => a.sub(b).square().mean(-1),
      gradient: (a: Tensor, b: Tensor) => b.sub(a).mul(scale),
    };
    for (const [options, given] of [
      [{}, {}],
      [{ masks: true }, {}],
      [{}, { sampleWeight: weightsByStep }],
    ] as const) {
      expectSame(trained(byStep, options, given), trained('meanSquaredError', options, given));
    }
    const scalar = {
      name: 'squares',
      value: (a: Tensor, b: Tensor) => a.sub(b).square().mean(),
      gradient: (a: Tensor, b: Tensor) => b.sub(a).mul(2 / a.size),
    };
    expectSame(trained(scalar), trained('meanSquaredError'));
    const bySample = { ...byStep, value: (a: Tensor, b: Tensor) => a.sub(b).square().mean([1, 2]) };
    bySample.gradient = (a, b) => b.sub(a).mul(scale / T);
    const given = { sampleWeight: weightsBySample };
    expectSame(trained(bySample, {}, given), trained('meanSquaredError', {}, given));
  });

  it('a model with a custom loss saves without the optimizer only, and trains on after a snapshot', async () => {
    const model = modelOf();
    model.compile({ optimizer: 'adam', loss: rewritten.huberLoss! });
    model.trainOnBatch(x, y);
    const handler = { save: vi.fn(async () => ({})) };
    await model.save(handler as never);
    expect(handler.save).toHaveBeenCalledOnce();
    await expect(model.save(handler as never, { includeOptimizer: true })).rejects.toThrow(
      "model.save: loss 'huberLoss' must be a name to save the optimizer, got a function",
    );
    const other = modelOf();
    other.compile({ optimizer: 'adam', loss: rewritten.huberLoss! });
    other.restore(model.snapshot());
    expect([other.trainOnBatch(x, y), flat(other)]).toEqual([model.trainOnBatch(x, y), flat(model)]);
  });
});

describe('a metric that is a function', () => {
  const bias = (yTrue: Tensor, yPred: Tensor) => yPred.sub(yTrue).mean();

  it('a custom metric has the name of the function as its key', async () => {
    const model = modelOf();
    model.compile({ optimizer: 'sgd', loss: 'mse', metrics: [bias, 'mae', rewritten.meanAbsoluteError!] });
    expect(model.metricsNames).toEqual(['loss', 'bias', 'mae', 'meanAbsoluteError']);
    const [, own, mae, again] = model.testOnBatch(x, y) as number[];
    expectClose([own!, again!], [bias(y, model.predict(x)).valueOf(), mae!], rounding);
    const { history } = await model.fit(x, y, { verbose: 0, batchSize: 4, validationData: [x, y] });
    expect(Object.keys(history)).toContain('val_bias');
  });

  it('evaluate weighs the batches of a custom metric by their samples, as those of other metrics', () => {
    const model = modelOf();
    model.compile({ optimizer: 'sgd', loss: 'mse', metrics: ['mse', rewritten.meanSquaredError!] });
    const [, builtIn, own] = (model.evaluate(x, y, { batchSize: 4 }) as Tensor[]).map(Number);
    expectClose([own!], [builtIn!], rounding);
  });

  it('a custom metric leaves out masked steps and ignores sample weights', () => {
    const hidden = x.mul(numbers([B, T, 1], n => Number(n % T < 2)));
    const model = modelOf({ masks: true });
    model.compile({ optimizer: 'sgd', loss: 'mse', metrics: ['mse', rewritten.meanSquaredError!] });
    const [, builtIn, own] = model.testOnBatch(hidden, y, { sampleWeight: weightsBySample }) as number[];
    expectClose([own!], [builtIn!], rounding);
  });

  it('a custom metric reads class numbers if the loss is sparse', () => {
    const model = modelOf({ returnSequences: false });
    const seen: number[][] = [];
    const right = (yTrue: Tensor, yPred: Tensor) => {
      seen.push(yTrue.shape, yPred.shape);
      return yPred.argMax(-1).equal(yTrue.flatten()).cast('float32');
    };
    model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy', metrics: ['acc', right] });
    const [, builtIn, own] = model.testOnBatch(x, [[0], [1], [0], [0], [1], [1]]) as number[];
    expectClose([own!], [builtIn!], rounding);
    expect(seen).toEqual([
      [B, 1],
      [B, O],
    ]);
  });

  it('a metric in weightedMetrics is the weighted mean over unmasked steps', () => {
    const hidden = x.mul(numbers([B, T, 1], n => Number(n % T < 3)));
    const model = modelOf({ masks: true });
    const weightedMetrics = [rewritten.meanSquaredError!, lw.metrics.meanAbsoluteError];
    model.compile({ optimizer: 'sgd', loss: 'mse', metrics: 'meanAbsoluteError', weightedMetrics });
    expect(model.metricsNames).toEqual([
      ...['loss', 'meanAbsoluteError', 'meanSquaredError', 'weighted_meanAbsoluteError'],
    ]);
    const [loss, mae, squares, absolute] = model.testOnBatch(hidden, y, { sampleWeight: weightsByStep }) as number[];
    const weights = weightsByStep.dataSync().filter((_, n) => n % T < 3);
    const mean = weights.reduce((sum, w) => sum + w) / weights.length;
    expectClose([squares!], [loss! / mean], rounding);
    expect(absolute).not.toBeCloseTo(mae!, 3);
    const [, plain, , same] = model.testOnBatch(hidden, y) as number[];
    expectClose([same!], [plain!], rounding);
  });

  it('compile rejects an unknown name in weightedMetrics', () => {
    const compile = (weightedMetrics: never) => modelOf().compile({ optimizer: 'sgd', loss: 'mse', weightedMetrics });
    expect(() => compile(['mae', 'maee'] as never)).toThrow(
      "model.compile: unknown weightedMetrics[1] 'maee'; did you mean 'mae'?",
    );
    expect(() => compile(5 as never)).toThrow('model.compile: weightedMetrics must be a name, got 5');
  });

  it('custom metrics of the same name are numbered', () => {
    const model = modelOf();
    model.compile({ optimizer: 'sgd', loss: 'mse', metrics: [bias, bias] });
    expect(model.metricsNames).toEqual(['loss', 'bias_0', 'bias_1']);
  });

  it('compile rejects a custom metric with the name of other logs', () => {
    const size = bias.bind(null);
    Object.defineProperty(size, 'name', { value: 'size' });
    expect(() => modelOf().compile({ optimizer: 'sgd', loss: 'mse', metrics: [size] })).toThrow(
      'model.compile: metrics[0] must not be a function with the name of other logs, got function size',
    );
  });
});

describe('a bad custom loss', () => {
  afterEach(() => vi.restoreAllMocks());
  const squared = rewritten.meanSquaredError!;
  const call = 'model.trainOnBatch: loss';
  const named = (name: string, f: CustomFunction) => Object.defineProperty(f, 'name', { value: name });
  const object = { name: 'own', value: squared, gradient: (a: Tensor, b: Tensor) => b.sub(a) };

  const bad: Record<string, [CompileOptions['loss'], string]> = {
    'returns another shape': [
      (a, b) => a.sub(b).square().sum(0),
      `${call} must return a scalar or [6] or [6, 4] or [6, 4, 2], got [4, 2]`,
    ],
    'returns a number': [(() => 3) as never, `${call} must return a tensor, got 3`],
    'returns nothing': [named('nothing', (() => {}) as never), `${call} 'nothing' must return a tensor, got undefined`],
    'returns a promise': [(async () => tensor(0)) as never, `${call} must return a tensor, got a Promise`],
    throws: [
      named('broken', () => {
        throw new Error('no luck');
      }),
      `${call} 'broken' failed: no luck`,
    ],
    'fails in a tensor function': [
      a => a.add([1, 2, 3]),
      `${call} failed: add: a and b must have shapes that broadcast`,
    ],
    'returns NaN': [(_, b) => b.neg().log().mean(), `${call} must return finite values, got NaN`],
    'has infinite gradients': [(_, b) => b.sub(b).add(0).pow(0.5).mean(), `${call} must have finite gradients, got`],
    'does not depend on the predictions': [
      a => a.mean(),
      `${call} must compute its result from yPred with tensor functions`,
    ],
    'leaves the tensor functions': [(a, b) => a.sub(b.dataSync() as never as Tensor).mean(), `${call} `],
    'uses a metric without a gradient': [
      lw.metrics.mse.bind(null),
      `${call} 'bound ' failed: grad: no gradient is known of metrics.mse`,
    ],
    'has a gradient of another shape': [
      { ...object, gradient: a => a.mean() },
      `model.trainOnBatch: gradient of loss 'own' must have the shape of yPred, [6, 4, 2], got []`,
    ],
    'has a gradient that is no tensor': [
      { ...object, gradient: (() => null) as never },
      `${call} 'own' must return a tensor, got null`,
    ],
    'has a gradient that throws': [
      {
        ...object,
        gradient: () => {
          throw new TypeError('oh');
        },
      },
      `${call} 'own' failed: oh`,
    ],
    'has a gradient of NaN': [
      { ...object, gradient: (_, b) => b.neg().log() },
      `${call} 'own' must have finite gradients, got NaN`,
    ],
  };

  for (const [what, [loss, message]] of Object.entries(bad)) {
    it(`trainOnBatch fails and changes nothing if the custom loss ${what}`, () => {
      const model = modelOf({ stateful: true });
      // First a step that works, so that optimizer and states hold something
      model.compile({ optimizer: train.adam(0.01), loss: squared });
      model.trainOnBatch(x, y);
      const other = modelOf({ stateful: true });
      other.compile({ optimizer: train.adam(0.01), loss });
      other.restore(model.snapshot());
      const before = other.snapshot();
      expect(() => other.trainOnBatch(x, y)).toThrow(message);
      expectBits(other.snapshot(), before);
    });
  }

  it('the error of a custom loss names fit and evaluate', async () => {
    const model = modelOf();
    model.compile({
      optimizer: 'sgd',
      loss: () => {
        throw new Error('stop');
      },
    });
    await expect(model.fit(x, y, { verbose: 0 })).rejects.toThrow('model.fit: loss failed: stop');
    expect(() => model.evaluate(x, y)).toThrow('model.evaluate: loss failed: stop');
  });

  it('the error of a custom loss has the error of the function as its cause', () => {
    const model = modelOf();
    const cause = new Error('stop');
    model.compile({
      optimizer: 'sgd',
      loss: () => {
        throw cause;
      },
    });
    try {
      model.trainOnBatch(x, y);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(lw.ValueError);
      expect((error as Error).cause).toBe(cause);
    }
  });

  it('a custom loss skips a batch whose data is not finite, as built-in losses do', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const model = modelOf();
    model.compile({ optimizer: train.adam(0.01), loss: squared });
    const before = model.snapshot();
    expect(model.trainOnBatch(x, y.mul(Number.NaN))).toBeNaN();
    expectBits(model.snapshot(), before);
    expect(warn).toHaveBeenCalledOnce();
  });

  it('a custom loss must not use the model that it trains', () => {
    const uses: ((model: Model) => unknown)[] = [
      model => model.predict(x),
      model => model.trainOnBatch(x, y),
      model => model.testOnBatch(x, y),
      model => model.compile({ optimizer: 'sgd', loss: 'mse' }),
      model => model.dispose(),
      model => model.snapshot(),
      model => model.resetStates(),
      model => model.add(layers.dense({ units: 1 })),
      model => model.setWeights(model.getWeights()),
      model => model.stream(),
      model => model.withBatchSize(2),
    ];
    for (const use of uses) {
      const model = modelOf();
      const loss: CustomFunction = (a, b) => {
        use(model);
        return squared(a, b);
      };
      model.compile({ optimizer: 'sgd', loss });
      const before = flat(model);
      expect(() => model.trainOnBatch(x, y), String(use)).toThrow(
        'must not be used by its own custom layers, losses and metrics',
      );
      expectBits(flat(model), before);
      model.compile({ optimizer: 'sgd', loss: 'mse' });
      model.trainOnBatch(x, y);
    }
  });

  it('a custom loss must not make another model of the layers of the model', () => {
    const input = lw.input({ shape: [D] });
    const dense = layers.dense({ units: O, kernelInitializer: 'ones' });
    const model = lw.model({ inputs: input, outputs: dense.apply(input) as lw.SymbolicTensor });
    let moves = false;
    const loss: CustomFunction = (a, b) => {
      if (moves) {
        const other = lw.input({ shape: [O] });
        const first = layers.dense({ units: D }).apply(other) as lw.SymbolicTensor;
        lw.model({ inputs: other, outputs: dense.apply(first) as lw.SymbolicTensor }).predict([[1, 2]]);
      }
      return squared(a, b);
    };
    model.compile({ optimizer: train.adam(0.1), loss });
    const batch = [[[1, 2, 3]], [[1, 2]]] as const;
    model.trainOnBatch(...batch);
    const before = model.getWeights().map(w => w.arraySync());
    moves = true;
    expect(() => model.trainOnBatch(...batch)).toThrow('must not move the weights of the model');
    expect(model.getWeights().map(w => w.arraySync())).toEqual(before);
    moves = false;
    expect(Number.isFinite(model.trainOnBatch(...batch))).toBe(true);
  });

  it('a custom loss may use another model', () => {
    const other = modelOf();
    other.compile({ optimizer: 'sgd', loss: 'mse' });
    const loss: CustomFunction = (a, b) => {
      other.trainOnBatch(x, y);
      other.predict(x);
      return squared(a, b);
    };
    expectSame(trained(loss), trained('mse'));
  });
});
