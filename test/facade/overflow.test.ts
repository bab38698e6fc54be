// Training steps with finite loss and gradients, but weights that overflow: like steps with a NaN loss, they change
// nothing.

import {
  constraints,
  initializers,
  layers,
  regularizers,
  type Sequential,
  sequential,
  setRandomSeed,
  train,
} from 'lstm-wasm';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { expectBits } from '../compare.ts';

beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => {}));
afterEach(() => vi.restoreAllMocks());

const x = [[[1], [-2], [3]]];
const y = [[1, 2]];

function makeModel(optimizer: ReturnType<typeof train.sgd>): Sequential {
  setRandomSeed(1);
  const model = sequential({
    layers: [
      layers.lstm({ units: 3, stateful: true, batchInputShape: [1, 3, 1] }),
      layers.dense({ units: 2, biasConstraint: constraints.maxNorm() }),
    ],
  });
  model.compile({ optimizer, loss: 'mse', metrics: ['mae'] });
  return model;
}

describe('a training step that overflows', () => {
  const huge = { learningRate: 1e38 };
  test.each([
    ['sgd', () => train.sgd({ learningRate: 1e38, weightDecay: 1e38 })],
    ['momentum', () => train.momentum({ learningRate: 1e38, momentum: 1, weightDecay: 1e20 })],
    ['adam', () => train.adam({ ...huge, epsilon: 1e-30 })],
    ['amsgrad', () => train.amsgrad({ ...huge, weightDecay: 10, epsilon: 1e-30 })],
    ['nadam', () => train.nadam({ ...huge, useEma: true })],
    ['adamax', () => train.adamax({ ...huge, weightDecay: 10 })],
    ['rmsprop', () => train.rmsprop({ ...huge, momentum: 0.9, centered: true })],
    ['adagrad', () => train.adagrad({ ...huge, weightDecay: 1e3 })],
    ['adadelta', () => train.adadelta({ ...huge, weightDecay: 1e3 })],
  ])('an overflowing step of %s returns a loss of NaN and changes nothing', (_, optimizer) => {
    const model = makeModel(optimizer());
    // Some optimizers overflow only in a later step
    let before = model.snapshot();
    let loss = 0;
    for (let n = 0; n < 50 && Number.isFinite(loss); n++) {
      before = model.snapshot();
      [loss] = model.trainOnBatch(x, y) as [number];
    }
    expect(loss).toBeNaN();
    expect(model.snapshot()).toEqual(before);
    expect(console.warn).toHaveBeenCalledWith(expect.stringContaining('such a batch changes nothing'));
  });

  test('training continues after an overflow with a smaller learning rate', () => {
    const optimizer = train.sgd({ learningRate: 1e38, weightDecay: 1e38 });
    const [model, reference] = [makeModel(optimizer), makeModel(train.sgd({ learningRate: 0.1, weightDecay: 1 }))];
    expect((model.trainOnBatch(x, y) as number[])[0]).toBeNaN();
    model.compile({ optimizer: train.sgd({ learningRate: 0.1, weightDecay: 1 }), loss: 'mse', metrics: ['mae'] });
    expect(model.trainOnBatch(x, y)).toEqual(reference.trainOnBatch(x, y));
    for (const [n, weight] of model.getWeights().entries()) {
      expectBits(weight.dataSync(), reference.getWeights()[n]!.dataSync());
    }
  });

  test('an overflow caused by large weights from setWeights is detected', () => {
    const model = sequential({ layers: [layers.dense({ units: 1, useBias: false, inputShape: [2] })] });
    model.compile({ optimizer: train.sgd({ learningRate: 1, weightDecay: 3 }), loss: 'mae' });
    const weights = [[3e38], [1]];
    model.setWeights([weights]);
    const before = model.getWeights()[0]!.arraySync();
    expect(model.trainOnBatch([[0, 1]], [[3]])).toBeNaN();
    expect(model.getWeights()[0]!.arraySync()).toEqual(before);
    model.setWeights([[[1], [1]]]);
    expect(model.trainOnBatch([[0, 1]], [[3]])).toBe(2);
    expect(model.getWeights()[0]!.arraySync()).toEqual([[-2], [-1]]);
  });

  test('fit continues with the next batch after an overflow', async () => {
    const model = sequential({ layers: [layers.dense({ units: 1, useBias: false, inputShape: [1] })] });
    model.compile({ optimizer: train.sgd({ learningRate: 1e20 }), loss: 'mae' });
    model.setWeights([[[1]]]);
    // A gradient of 1e19, which only the step rejects, then one of zero
    const { history } = await model.fit([[1e19], [0]], [[0], [0]], { batchSize: 1, shuffle: false, verbose: 0 });
    expect(model.getWeights()[0]!.arraySync()).toEqual([[1]]);
    expect(history.loss).toHaveLength(1);
  });
});

test.each([1e6, 1e11, 1e13, 1e16])('gradients of about %d update the weights as usual', size => {
  const optimizer = () => train.adam({ learningRate: 0.1 });
  const model = sequential({ layers: [layers.dense({ units: 1, useBias: false, inputShape: [1] })] });
  model.compile({ optimizer: optimizer(), loss: 'mae' });
  model.setWeights([[[1]]]);
  for (let n = 0; n < 3; n++) expect(model.trainOnBatch([[size]], [[0]])).toBeGreaterThan(0);
  expect(model.getWeights()[0]!.dataSync()[0]).toBeCloseTo(0.7, 5);
});

describe('options beyond float32', () => {
  test.each<[string, () => unknown]>([
    ['l2', () => regularizers.l2({ l2: 1e39 })],
    ['l1', () => regularizers.l1l2({ l1: 1e39, l2: 0 })],
    ['value', () => initializers.constant({ value: -1e39 })],
    ['gain', () => initializers.orthogonal({ gain: 1e39 })],
    ['maxValue', () => constraints.maxNorm({ maxValue: 1e39 })],
    ['alpha', () => layers.leakyReLU({ alpha: 1e39 })],
    ['maskValue', () => layers.masking({ maskValue: 1e39 })],
    ['decay', () => train.adamax(0.001, 0.9, 0.999, 1e-7, 1e39)],
    ['clipNorm', () => train.sgd({ learningRate: 0.1, clipNorm: 1e39 })],
    ['weightDecay', () => train.adam({ weightDecay: 1e39 })],
    ['learningRate', () => train.sgd(1e39)],
  ])('%s rejects numbers beyond float32', (name, make) => {
    const rule = String.raw`(within float32 \(3\.4e38\)|at most 1e\+38)`;
    expect(make).toThrow(new RegExp(String.raw`${name} must be a finite number.* ${rule}, got -?1e\+39$`));
  });
});

describe('fractional class numbers', () => {
  const classifier = () => {
    const model = sequential({ layers: [layers.dense({ units: 3, activation: 'softmax', inputShape: [2] })] });
    model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy', metrics: ['acc'] });
    return model;
  };
  const rule = 'y must hold numbers of classes from 0 to 2, got 1.5';

  test('a fractional class number is rejected, and the model does not change', async () => {
    const model = classifier();
    const before = model.snapshot();
    const [xs, ys] = [
      [
        [1, 2],
        [3, 4],
      ],
      [[1], [1.5]],
    ];
    expect(() => model.trainOnBatch(xs, ys)).toThrow(`model.trainOnBatch: ${rule}`);
    expect(() => model.testOnBatch(xs, ys)).toThrow(`model.testOnBatch: ${rule}`);
    expect(() => model.evaluate(xs, ys)).toThrow(`model.evaluate: ${rule}`);
    await expect(model.fit(xs, ys)).rejects.toThrow(`model.fit: ${rule}`);
    expect(model.snapshot()).toEqual(before);
  });

  test('a fractional class number with sample weight 0 is ignored', () => {
    const loss = classifier().trainOnBatch([[1, 2]], [[1.5]], { sampleWeight: [0] });
    expect((loss as number[])[0]).toBe(0);
  });
});

describe('warnings', () => {
  test('a console.warn that throws does not affect the call that warns', async () => {
    const makeDense = () => {
      const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
      model.compile({ optimizer: train.sgd(1e-3), loss: 'mae', metrics: ['r2Score'] });
      model.setWeights([[[1]], [0]]);
      return model;
    };
    const [model, reference] = [makeDense(), makeDense()];
    const run = async (on: Sequential) => [on.trainOnBatch([[1]], [[1e25]]), on.predict([[3e38]]).arraySync()];
    const expected = await run(reference);
    vi.mocked(console.warn).mockImplementation(() => {
      throw new Error('a warning is an error here');
    });
    expect(await run(model)).toEqual(expected);
    expect(console.warn).toHaveBeenCalled();
    expectBits(model.getWeights()[0]!.dataSync(), reference.getWeights()[0]!.dataSync());
  });
});
