// Losses, metrics, sample weights and class weights through the public API, against the float64 reference.

import { layers, type Sequential, sequential, type Tensor, tensor, train } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { lossSpellings, resolveLoss } from '../../src/objective/losses.ts';
import { resolveMetrics, type ScoreName } from '../../src/objective/metrics.ts';
import { resolveOptimizer } from '../../src/optimizers/index.ts';
import { planLoss, planMetrics } from '../../src/plan/lossFields.ts';
import type { PlannedOutput } from '../../src/plan/planner.ts';
import { lossNumbers, metricNumbers } from '../../src/wasm/shared.generated.ts';
import { expectBits, expectClose } from '../compare.ts';
import { type LossName, lossOf, plainLosses, targetWidth } from '../reference/loss.ts';
import { Random } from '../reference/random.ts';

// lossesWithOptions.test.ts has the others
const losses = plainLosses;
const scores = Object.keys(metricNumbers) as ScoreName[];

const bounds = { abs: 1e-6, rel: 2e-6 };
const B = 5;
const T = 3;
const D = 4;

/** One dense layer on [B, D], or on every time step of [B, T, D], with outputs between 0 and 1. */
function modelOf(N: number, sequence: boolean): { model: Sequential; x: Tensor; rows: number } {
  const random = new Random(N);
  const inputShape = sequence ? [T, D] : [D];
  const model = sequential({ layers: [layers.dense({ units: N, inputShape, useBias: false, name: `top${N}` })] });
  const kernel = random.uniforms([D, N]).data.map(value => 0.02 + 0.2 * Math.abs(value));
  model.setWeights([tensor(Float32Array.from(kernel), [D, N])]);
  const rows = sequence ? B * T : B;
  const x = Float32Array.from(random.uniforms([rows, D]).data, value => 0.1 + 0.9 * Math.abs(value));
  return { model, x: tensor(x, sequence ? [B, T, D] : [B, D]), rows };
}

/** One-hot rows, or class numbers for sparse losses. */
function targetsOf(name: LossName, rows: number, N: number, sequence: boolean): Tensor {
  const width = targetWidth(name, N);
  const values = Float32Array.from({ length: rows * width }, (_, i) => {
    const row = Math.floor(i / width);
    return width === N && N > 1 ? Number(i % N === (row * 2) % N) : (row * 2) % Math.max(N, 2);
  });
  return tensor(values, sequence ? [B, T, width] : [B, width]);
}

const compile = (model: Sequential, loss: string, metrics?: string | string[], rate = 0.5) =>
  model.compile({ optimizer: train.sgd(rate), loss, metrics } as Parameters<Sequential['compile']>[0]);

describe.each(losses)('loss %s', name => {
  test.each([
    [3, false],
    [3, true],
    [6, true],
  ])('the loss and one SGD step match the reference for %i columns, with time steps: %s', (N, sequence) => {
    const { model, x, rows } = modelOf(N, sequence);
    const y = targetsOf(name, rows, N, sequence);
    compile(model, name);
    const outputs = model.predict(x).dataSync();
    const expected = lossOf(name, outputs, y.dataSync(), { N });
    expectClose([model.testOnBatch(x, y) as number], [expected.loss], { ...bounds, what: 'testOnBatch' });

    const before = model.getWeights()[0]!.dataSync();
    expectClose([model.trainOnBatch(x, y) as number], [expected.loss], { ...bounds, what: 'trainOnBatch' });
    const after = model.getWeights()[0]!.dataSync();
    const step = new Float64Array(D * N);
    for (let row = 0; row < rows; row++) {
      for (let d = 0; d < D; d++) {
        for (let n = 0; n < N; n++) step[d * N + n]! += x.dataSync()[row * D + d]! * expected.dOutputs[row * N + n]!;
      }
    }
    const expectedWeights = Float64Array.from(before, (w, i) => w - 0.5 * step[i]!);
    const size = step.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expectClose(after, expectedWeights, { abs: 2e-6 * Math.max(size, 0.1), rel: 2e-7, what: 'weights' });
  });

  test('sampleWeight weights samples or time steps, and leaves accuracy unweighted', () => {
    const { model, x, rows } = modelOf(3, true);
    const y = targetsOf(name, rows, 3, true);
    compile(model, name, 'acc');
    const outputs = model.predict(x).dataSync();
    const bySample = [1, 0, 2.5, 0.5, 3];
    const byStep = Array.from({ length: rows }, (_, row) => (row % 4) / 2);
    for (const [sampleWeight, weights] of [
      [bySample, byStep.map((_, row) => bySample[Math.floor(row / T)]!)],
      [new Float32Array(bySample), byStep.map((_, row) => bySample[Math.floor(row / T)]!)],
      [tensor(byStep, [B, T]), byStep],
      [new Float32Array(byStep), byStep],
      [Array.from({ length: B }, (_, b) => byStep.slice(b * T, b * T + T)), byStep],
    ] as const) {
      const expected = lossOf(name, outputs, y.dataSync(), { N: 3, weights });
      const [loss, accuracy] = model.testOnBatch(x, y, { sampleWeight }) as number[];
      expectClose([loss!], [expected.loss], bounds);
      expect(accuracy).toBe((model.testOnBatch(x, y) as number[])[1]);
    }
  });
});

describe('classWeight', () => {
  test.each(['sparseCategoricalCrossentropy', 'categoricalCrossentropy', 'meanSquaredError'] as const)(
    'classWeight weights %s, and multiplies sampleWeight',
    name => {
      const { model, x, rows } = modelOf(3, true);
      const y = targetsOf(name, rows, 3, true);
      compile(model, name);
      const outputs = model.predict(x).dataSync();
      const classWeight = { 0: 1, 1: 4, 2: 0.5 };
      const classes = Array.from({ length: rows }, (_, row) => (row * 2) % 3);
      const byClass = classes.map(k => classWeight[k as 0 | 1 | 2]);
      const expected = lossOf(name, outputs, y.dataSync(), { N: 3, weights: byClass });
      expectClose([model.testOnBatch(x, y, { classWeight }) as number], [expected.loss], bounds);

      const sampleWeight = [1, 2, 3, 4, 5];
      const combined = byClass.map((weight, row) => weight * sampleWeight[Math.floor(row / T)]!);
      const multiplied = lossOf(name, outputs, y.dataSync(), { N: 3, weights: combined });
      expectClose([model.testOnBatch(x, y, { classWeight, sampleWeight }) as number], [multiplied.loss], bounds);
    },
  );

  test('classWeight accepts binary targets of one column', () => {
    const { model, x } = modelOf(1, false);
    const y = [0, 1, 1, 0, 1];
    compile(model, 'binaryCrossentropy');
    const outputs = model.predict(x).dataSync();
    const expected = lossOf('binaryCrossentropy', outputs, y, { N: 1, weights: [0.5, 2, 2, 0.5, 2] });
    expectClose([model.testOnBatch(x, y, { classWeight: { 0: 0.5, 1: 2 } }) as number], [expected.loss], bounds);
  });
});

test('sample weights of 2 train like twice the learning rate', () => {
  const [first, second] = [modelOf(3, false), modelOf(3, false)];
  const y = targetsOf('meanSquaredError', B, 3, false);
  compile(first.model, 'mse');
  compile(second.model, 'mse', undefined, 1);
  first.model.trainOnBatch(first.x, y, { sampleWeight: [2, 2, 2, 2, 2] });
  second.model.trainOnBatch(second.x, y);
  expectBits(first.model.getWeights()[0]!.dataSync(), second.model.getWeights()[0]!.dataSync());
  // The next call without weights is unweighted.
  expect(first.model.testOnBatch(first.x, y)).toBe(second.model.testOnBatch(second.x, y));
});

describe('integer class targets', () => {
  test.each([false, true])(
    'class numbers are accepted with and without the last axis, with time steps: %s',
    sequence => {
      const { model, x, rows } = modelOf(3, sequence);
      const y = targetsOf('sparseCategoricalCrossentropy', rows, 3, sequence);
      compile(model, 'sparse_categorical_crossentropy', ['acc', 'ce']);
      const expected = model.testOnBatch(x, y);
      const short = y.shape.slice(0, -1);
      const nested = tensor(y.dataSync(), short).arraySync();
      for (const form of [
        tensor(y.dataSync(), short),
        nested,
        y.arraySync(),
        y.dataSync(),
        Int32Array.from(y.dataSync()),
      ]) {
        expect(model.testOnBatch(x, form as Tensor)).toEqual(expected);
      }
    },
  );

  test('a call with a class number out of range throws and changes nothing', () => {
    const model = sequential();
    model.add(layers.lstm({ units: 3, stateful: true, batchInputShape: [2, 4, 1] }));
    compile(model, 'sparseCategoricalCrossentropy', 'acc');
    const x = tensor(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), [2, 4, 1]);
    model.trainOnBatch(x, [0, 2]);
    const state = () => [...model.getWeights(), ...model.getStates().flat()].flatMap(values => [...values.dataSync()]);
    const before = state();
    for (const invalidClass of [-1, 3, 99]) {
      const message = `y must hold numbers of classes from 0 to 2, got ${invalidClass}`;
      expect(() => model.trainOnBatch(x, [0, invalidClass])).toThrow(`model.trainOnBatch: ${message}`);
      expect(() => model.testOnBatch(x, [invalidClass, 0])).toThrow(`model.testOnBatch: ${message}`);
    }
    expect(model.trainOnBatch(x, [0, Number.NaN])).toEqual([Number.NaN, expect.any(Number)]);
    expectBits(state(), before);
    // Targets with weight 0 are not checked.
    expect(model.testOnBatch(x, [0, -1], { sampleWeight: [1, 0] })).toEqual([expect.any(Number), expect.any(Number)]);
  });

  test.each(['categoricalCrossentropy', 'sparseCategoricalCrossentropy'])(
    '%s rejects a model with one output column',
    loss => {
      const { model, x } = modelOf(1, false);
      compile(model, loss);
      expect(() => model.trainOnBatch(x, [0, 1, 0, 1, 0])).toThrow(
        `model.trainOnBatch: the output must have a feature for each class if the loss is '${loss}', got [5, 1]; use`,
      );
    },
  );
});

describe('metrics', () => {
  test('metrics follow the loss, use the outputs before the update, and have the names of TF.js', () => {
    const { model, x } = modelOf(3, false);
    const y = targetsOf('meanSquaredError', B, 3, false);
    expect(model.metricsNames).toEqual([]);
    const metrics = [
      'accuracy',
      'mse',
      'mean_absolute_error',
      'cosineProximity',
      'binaryAccuracy',
      'precision',
      'recall',
    ];
    compile(model, 'meanSquaredError', metrics);
    expect(model.metricsNames).toEqual(['loss', 'acc', ...metrics.slice(1)]);
    const [outputs, target] = [model.predict(x).dataSync(), y.dataSync()];
    const reference = (name: LossName) => lossOf(name, outputs, target, { N: 3 }).loss;
    let correct = 0;
    for (let b = 0; b < B; b++) {
      const row = [...outputs.subarray(b * 3, b * 3 + 3)];
      correct += target[b * 3 + row.indexOf(Math.max(...row))]!;
    }
    const equalElements = outputs.filter((value, i) => Number(value > 0.5) === target[i]).length;
    const predictedPositives = outputs.filter(value => value > 0.5).length;
    const truePositives = outputs.filter((value, i) => value > 0.5 && target[i] === 1).length;
    const expected = [
      reference('meanSquaredError'),
      correct / B,
      reference('meanSquaredError'),
      reference('meanAbsoluteError'),
      reference('cosineProximity'),
      equalElements / 15,
      predictedPositives ? truePositives / predictedPositives : 0,
      truePositives / 5,
    ];
    expectClose(model.testOnBatch(x, y) as number[], expected, bounds);
    expectClose(model.trainOnBatch(x, y) as number[], expected, bounds);
    expect(model.testOnBatch(x, y)).not.toEqual(expected);
  });

  test.each(['acc', ['acc'], ['accuracy']])('metrics: %j adds the metric acc', metrics => {
    const { model, x } = modelOf(3, false);
    compile(model, 'mse', metrics);
    expect(model.metricsNames).toEqual(['loss', 'acc']);
    expect(model.testOnBatch(x, targetsOf('meanSquaredError', B, 3, false))).toHaveLength(2);
  });

  test('trainOnBatch without metrics returns a number', () => {
    for (const metrics of [undefined, [], null]) {
      const { model, x } = modelOf(2, false);
      compile(model, 'mse', metrics as string[]);
      expect(model.metricsNames).toEqual(['loss']);
      expect(model.trainOnBatch(x, targetsOf('meanSquaredError', B, 2, false))).toEqual(expect.any(Number));
    }
  });

  test('metrics of the same name are numbered', () => {
    const { model } = modelOf(2, false);
    compile(model, 'mse', ['mae', 'acc', 'accuracy']);
    expect(model.metricsNames).toEqual(['loss', 'mae', 'acc_0', 'acc_1']);
  });

  // The rule of TF.js: binary for one column or binary cross-entropy, else by the loss.
  test.each([
    ['mse', 1, 'binaryAccuracy', 'binaryCrossentropy'],
    ['binaryCrossentropy', 4, 'binaryAccuracy', 'binaryCrossentropy'],
    ['sparseCategoricalCrossentropy', 4, 'sparseCategoricalAccuracy', 'sparseCategoricalCrossentropy'],
    ['categoricalCrossentropy', 4, 'categoricalAccuracy', 'categoricalCrossentropy'],
    ['mae', 4, 'categoricalAccuracy', 'categoricalCrossentropy'],
  ] as const)(
    'acc and ce with the loss %s and %i columns are chosen as in TF.js',
    (loss, width, accuracy, crossentropy) => {
      const metrics = resolveMetrics('test', ['acc', 'ce', 'accuracy', 'crossentropy'], lossSpellings[loss]);
      expect(metrics.map(metric => metric.kindOf(width))).toEqual([accuracy, crossentropy, accuracy, crossentropy]);
    },
  );

  test('a batch with a loss that is not finite returns metrics too', () => {
    const { model, x } = modelOf(2, false);
    compile(model, 'mse', 'mae');
    const before = model.getWeights()[0]!.dataSync();
    const targetsWithNaN = targetsOf('meanSquaredError', B, 2, false).dataSync().with(3, Number.NaN);
    expect(model.trainOnBatch(x, targetsWithNaN)).toEqual([Number.NaN, Number.NaN]);
    const huge = tensor(new Float32Array(B * D).fill(3e37), [B, D]);
    const [loss, mae] = model.trainOnBatch(huge, new Float32Array(B * 2)) as [number, number];
    expect(loss).toBe(Number.NaN);
    expect(mae).toBeGreaterThan(1e36);
    expectBits(model.getWeights()[0]!.dataSync(), before);
  });
});

test('compile replaces loss and metrics in every model that shares the layers', () => {
  const model = sequential({ layers: [layers.dense({ units: 2, batchInputShape: [4, 3] })] });
  const other = model.withBatchSize(2);
  const [x, y] = [new Random(1).normals([4, 3]).data, new Random(2).normals([4, 2]).data];
  const four = () => model.testOnBatch(Float32Array.from(x), Float32Array.from(y));
  const two = () => other.testOnBatch(Float32Array.from(x.subarray(0, 6)), Float32Array.from(y.subarray(0, 4)));
  const outputs = model.predict(Float32Array.from(x)).dataSync();
  const expected = (name: LossName, rows: number) => lossOf(name, outputs.subarray(0, rows * 2), y, { N: 2 }).loss;
  compile(model, 'mse');
  expectClose(
    [four() as number, two() as number],
    [expected('meanSquaredError', 4), expected('meanSquaredError', 2)],
    bounds,
  );
  compile(other, 'mae', 'hinge');
  const all = [...(four() as number[]), ...(two() as number[])];
  const names = ['meanAbsoluteError', 'hinge'] as const;
  expectClose(all, [...names.map(name => expected(name, 4)), ...names.map(name => expected(name, 2))], bounds);
});

test('every spelling of a loss resolves to a loss, and the snake_case name of Keras to each', () => {
  for (const spelling of Object.keys(lossSpellings))
    expect(Object.keys(lossNumbers)).toContain(resolveLoss('test', spelling));
  for (const name of losses)
    expect(
      resolveLoss(
        'test',
        name.replace(/[A-Z]/g, c => `_${c.toLowerCase()}`),
      ),
    ).toBe(name);
  expect(
    resolveMetrics(
      'test',
      scores.filter(name => !name.startsWith('sparse')),
      'hinge',
    ),
  ).toHaveLength(scores.length - 1);
});

describe('hinge losses', () => {
  const model = sequential({ layers: [layers.dense({ units: 2, inputShape: [1], kernelInitializer: 'ones' })] });
  const x = tensor([[0.25], [-2], [0.5]]);
  const lossFor = (loss: string, y: number[][]) => {
    compile(model, loss);
    return model.testOnBatch(x, tensor(y)) as number;
  };

  test.each(['hinge', 'squaredHinge'])('%s treats targets of 0 and 1 as -1 and 1, as Keras does', name => {
    const bits = [
      [0, 1],
      [1, 1],
      [0, 0],
    ];
    const signs = bits.map(row => row.map(bit => 2 * bit - 1));
    expect(lossFor(name, bits)).toBe(lossFor(name, signs));
    const mixed = [
      [0, 1],
      [1, 1],
      [0, -1],
    ];
    const rows = mixed.map((row, n) => row.map(t => Math.max(0, 1 - t * [0.25, -2, 0.5][n]!)));
    const values = rows.flat().map(value => (name === 'hinge' ? value : value ** 2));
    expectClose([lossFor(name, mixed)], [values.reduce((a, b) => a + b) / 6], bounds);
  });

  test('categoricalHinge does not convert targets of 0 and 1', () => {
    expect(
      lossFor('categoricalHinge', [
        [0, 1],
        [1, 0],
        [0, 1],
      ]),
    ).toBeCloseTo((1 + 3 + 1) / 3, 6);
  });
});

describe('names and metrics of Keras', () => {
  const model = sequential({ layers: [layers.dense({ units: 2, inputShape: [2], kernelInitializer: 'identity' })] });
  const x = tensor([
    [3, 4],
    [1, 0],
    [0, 2],
  ]);
  const y = tensor([
    [4, 3],
    [1, 0],
    [0, -2],
  ]);

  test('the metric cosine_similarity is the negative of the loss of that name', () => {
    compile(model, 'cosine_similarity', ['cosine_similarity', 'cosineProximity']);
    const [loss, metric, proximity] = model.testOnBatch(x, y) as number[];
    const mean = (24 / 25 + 1 - 1) / 3;
    expectClose([loss!, metric!, proximity!], [-mean, mean, -mean], bounds);
  });

  test('rmse is the root of the mean over all samples, not the mean of the batch roots', async () => {
    compile(model, 'mse', ['rmse', 'root_mean_squared_error']);
    const root = Math.sqrt((1 + 1 + 16) / 6);
    expectClose((model.testOnBatch(x, y) as number[]).slice(1), [root, root], bounds);
    const evaluated = model.evaluate(x, y, { batchSize: 1 }) as Tensor[];
    expectClose(evaluated.slice(1).map(Number), [root, root], bounds);
    const { history } = await model.fit(x, y, { batchSize: 1, validationData: [x, y], verbose: 0, shuffle: false });
    expect(history.val_rmse![0]).toBeGreaterThan(0);
    const last = (model.evaluate(x, y, { batchSize: 2 }) as Tensor[])[1];
    expectClose(history.val_rmse!, [Number(last)], { abs: 1e-6, rel: 1e-6 });
  });

  test('compile ignores the case of optimizer names, as Keras does', () => {
    const names = ['adam', 'ADAM', 'RMSProp', 'RMSprop', 'Sgd', 'AdamW', 'Nadam'];
    const resolved = names.map(name => resolveOptimizer('test', name).className.toLowerCase());
    expect(resolved).toEqual(names.map(name => name.toLowerCase()));
    expect(() => resolveOptimizer('test', 'ADAN')).toThrow(/^test: unknown optimizer 'ADAN'/);
    expect(() => resolveOptimizer('test', 'constructor')).toThrow(/^test: unknown optimizer 'constructor'/);
  });

  test('losses and metrics accept Keras names', () => {
    const names = ['kl_divergence', 'KLDivergence', 'cosine_similarity', 'MeanSquaredError', 'Huber', 'LogCosh', 'bce'];
    expect(names.map(name => resolveLoss('test', name))).toEqual([
      'kullbackLeiblerDivergence',
      'kullbackLeiblerDivergence',
      'cosineProximity',
      'meanSquaredError',
      'huberLoss',
      'logcosh',
      'binaryCrossentropy',
    ]);
    const metrics = resolveMetrics('test', ['RootMeanSquaredError', 'R2Score', 'Precision', 'MSE'], 'meanSquaredError');
    expect(metrics.map(({ key }) => key)).toEqual(['rootMeanSquaredError', 'r2Score', 'precision', 'MSE']);
    for (const name of ['LogCoshError', 'log_cosh_error']) {
      expect(resolveMetrics('test', name, 'meanSquaredError')[0]!.kindOf(1)).toBe('logcosh');
    }
    expect(() => resolveMetrics('test', 'Accuracy', 'meanSquaredError')).toThrow("unknown metrics 'Accuracy'");
  });
});

describe('fields of loss and metric kernels', () => {
  const start = (offset: number) => ({ block: 'workspace', offset }) as const;
  const rows = (offset: number, row = 32, step = 160) => ({
    start: start(offset),
    row,
    step,
    steps: 3,
    rows: 5,
    width: 6,
  });
  const batch = 5;
  const output = {
    signal: {
      y: rows(0),
      dy: rows(1000, 48, 240),
      mask: { start: start(2000), step: -20 },
      logits: rows(3000, 64, 320),
    },
    target: start(4000),
    weights: start(5000),
    labels: 0,
  } as unknown as PlannedOutput;
  const objective = (loss: LossName, metrics: string[]) => ({
    loss,
    lossWeight: 1,
    metrics: resolveMetrics('test', metrics, loss),
  });

  test('the loss, and a metric of the same kind, use logits if the plan has them', () => {
    const compiled = objective('categoricalCrossentropy', ['mse', 'categoricalCrossentropy', 'acc']);
    expect(planLoss(batch, output, compiled)).toEqual({
      ...{ kind: 5, steps: 3, rows: 5, cols: 6, logits: 1, delta: 0x3f80_0000, terms: 0 },
      ...{ group: 1, levels: 0, labels: 0, blank: 0, scratch: 0, scratchBytes: 0 },
      ...{ y: start(3000), yRow: 64, yStep: 320, dy: start(1000), dyRow: 48, dyStep: 240 },
      ...{ target: start(4000), targetRow: 72, targetStep: 24, mask: start(2000), maskStep: -20 },
      ...{ weights: start(5000), weightRow: 12, weightStep: 4 },
    });
    const [mse, crossentropy, accuracy] = planMetrics(batch, output, compiled);
    expect(mse).toMatchObject({ program: 'loss', fields: { kind: 0, y: start(0), logits: 0, dy: 0, weights: 0 } });
    expect(crossentropy).toMatchObject({
      program: 'loss',
      fields: { kind: 5, y: start(3000), logits: 1, dy: 0, weights: 0 },
    });
    expect(accuracy).toMatchObject({
      program: 'metric',
      fields: { kind: 1, y: start(0), mask: start(2000), maskStep: -20 },
    });
  });

  test('a plan without logits, mask and weights leaves their fields zero', () => {
    const bare = { ...output, signal: { y: rows(0), dy: null, mask: null }, weights: null } as PlannedOutput;
    const fields = planLoss(batch, bare, objective('sparseCategoricalCrossentropy', []));
    expect(fields).toMatchObject({
      kind: 6,
      y: start(0),
      logits: 0,
      dy: 0,
      mask: 0,
      weights: 0,
      targetRow: 12,
      targetStep: 4,
    });
  });
});
