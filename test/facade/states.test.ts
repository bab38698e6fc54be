// States of stateful layers: getStates, setStates, and failed calls, which leave the states unchanged.

import { layers, type Sequential, sequential, setRandomSeed, type Tensor, tensor, ValueError } from 'lstm-wasm';
import { beforeEach, describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { Random } from '../reference/random.ts';

const random = new Random(8);
const numbers = (...shape: number[]) => tensor(Float32Array.from(random.normals(shape).data), shape);
const bitsOf = (states: Tensor[][]) => states.flat().flatMap(state => [...state.dataSync()]);
const shapesOf = (states: Tensor[][]) => states.map(list => list.map(({ shape }) => shape));

/** One of each recurrent layer, stateful, for batches of 2 samples and 3 time steps. */
function allRecurrentLayers(batch = 2): Sequential {
  const stateful = { stateful: true, returnSequences: true };
  const cell = [layers.gruCell({ units: 3 }), layers.lstmCell({ units: 6 })];
  return sequential({
    layers: [
      layers.lstm({ ...stateful, units: 5, batchInputShape: [batch, 3, 2] }),
      layers.gru({ ...stateful, units: 4, goBackwards: true }),
      layers.dense({ units: 3, activation: 'tanh' }),
      layers.bidirectional({ layer: layers.lstm({ ...stateful, units: 2 }) }),
      layers.simpleRNN({ ...stateful, units: 7 }),
      layers.rnn({ ...stateful, returnSequences: false, cell }),
    ],
  });
}

beforeEach(() => setRandomSeed(6));

test('getStates returns one array per recurrent layer, all zeros at first and after resetStates', () => {
  const model = allRecurrentLayers();
  const shapes = [
    [
      [2, 5],
      [2, 5],
    ],
    [[2, 4]],
    [
      [2, 2],
      [2, 2],
      [2, 2],
      [2, 2],
    ],
    [[2, 7]],
    [
      [2, 3],
      [2, 6],
      [2, 6],
    ],
  ];
  expect(shapesOf(model.getStates())).toEqual(shapes);
  expect(bitsOf(model.getStates()).every(value => value === 0)).toBe(true);
  model.predict(numbers(2, 3, 2));
  expect(shapesOf(model.getStates())).toEqual(shapes);
  expect(bitsOf(model.getStates()).every(value => value !== 0)).toBe(true);
  model.resetStates();
  expect(bitsOf(model.getStates()).every(value => value === 0)).toBe(true);
});

test('a model continues bit for bit from states saved with getStates', () => {
  const [model, x, next] = [allRecurrentLayers(), numbers(2, 3, 2), numbers(2, 3, 2)];
  model.predict(x);
  const states = model.getStates();
  const expected = model.predict(next).dataSync();
  model.predict(numbers(2, 3, 2));
  model.setStates(states);
  expectBits(bitsOf(model.getStates()), bitsOf(states));
  expectBits(model.predict(next).dataSync(), expected);
});

test('getStates returns the numbers that setStates was given', () => {
  const model = allRecurrentLayers(5);
  const states = model.getStates().map(list => list.map(({ shape }) => numbers(...shape)));
  model.setStates(states);
  expectBits(bitsOf(model.getStates()), bitsOf(states));
  model.setStates(states.map(list => list.map(state => state.arraySync() as number[][])));
  expectBits(bitsOf(model.getStates()), bitsOf(states));
});

test('the last output equals the hidden state of the layer', () => {
  for (const kind of ['lstm', 'gru', 'simpleRNN', 'minGRU', 'minLSTM'] as const) {
    const model = sequential({ layers: [layers[kind]({ units: 5, stateful: true, batchInputShape: [3, 2, 2] })] });
    const y = model.predict(numbers(3, 2, 2));
    expectBits(model.getStates()[0]![0]!.dataSync(), y.dataSync());
  }
});

test('a stateful model predicts the same for a sequence in one batch and in two', () => {
  for (const make of [
    (config: object) => layers.lstm({ units: 5, ...config }),
    (config: object) => layers.gru({ units: 5, ...config }),
    (config: object) => layers.gru({ units: 5, resetAfter: false, ...config }),
    (config: object) => layers.simpleRNN({ units: 5, ...config }),
    (config: object) => layers.minGRU({ units: 5, ...config }),
    (config: object) => layers.minLSTM({ units: 5, ...config }),
    (config: object) => layers.rnn({ cell: [layers.gruCell({ units: 3 }), layers.lstmCell({ units: 5 })], ...config }),
  ]) {
    const model = sequential({ layers: [make({ stateful: true, batchInputShape: [2, null, 3] })] });
    const x = numbers(2, 6, 3);
    const predictedAtOnce = model.predict(x).dataSync();
    model.resetStates();
    const part = (from: number, to: number) => (x.arraySync() as number[][][]).map(sample => sample.slice(from, to));
    model.predict(part(0, 2));
    expectClose(model.predict(part(2, 6)).dataSync(), predictedAtOnce, { abs: 2e-7, rel: 0 });
  }
});

test('a batch with a NaN loss does not change states', () => {
  const model = allRecurrentLayers();
  model.compile({ optimizer: 'adam', loss: 'mse' });
  model.trainOnBatch(numbers(2, 3, 2), numbers(2, 6));
  const before = bitsOf(model.getStates());
  const y = numbers(2, 6).dataSync().slice();
  y[3] = Number.NaN;
  expect(model.trainOnBatch(numbers(2, 3, 2), tensor(y, [2, 6]))).toBeNaN();
  expectBits(bitsOf(model.getStates()), before);
});

describe('states after a call that fails after some of its batches', () => {
  const compiled = () => {
    const model = allRecurrentLayers();
    model.compile({ optimizer: 'sgd', loss: 'mse' });
    return model;
  };
  const validBatch = () => ({ xs: numbers(2, 3, 2), ys: numbers(2, 6) });
  const invalidBatch = { xs: numbers(2, 3, 3), ys: numbers(2, 6) };
  const throwing = async function* () {
    yield validBatch();
    throw new Error('no more data');
  };
  const failingToClose = () => ({
    [Symbol.asyncIterator]: () => ({
      next: async () => ({ done: false, value: validBatch() }),
      return: () => Promise.reject(new Error('no more data')),
    }),
  });

  test.each([
    ['a batch of another shape', () => [validBatch(), invalidBatch], ValueError],
    ['a data set that throws', throwing, /^no more data$/],
    ['a data set that cannot be closed', failingToClose, /^no more data$/],
  ])('evaluateDataset rejects %s and does not change states', async (_, source, reason) => {
    for (const hasStates of [false, true]) {
      const model = compiled();
      if (hasStates) model.predict(numbers(2, 3, 2));
      const before = model.getStates();
      await expect(model.evaluateDataset(source() as never, { batches: 2 })).rejects.toThrow(reason);
      expectBits(bitsOf(model.getStates()), bitsOf(before));
    }
  });

  test('evaluateDataset rejects a model that is disposed or loses layers meanwhile', async () => {
    const model = compiled();
    const popping = async function* () {
      yield validBatch();
      model.pop();
      yield validBatch();
    };
    await expect(model.evaluateDataset(popping)).rejects.toThrow(ValueError);
    model.predict(numbers(2, 3, 2)); // runs with the remaining layers
    const disposing = async function* () {
      yield { xs: numbers(2, 3, 2), ys: numbers(2, 3, 7) };
      model.dispose();
      throw new Error('no more data');
    };
    await expect(model.evaluateDataset(disposing)).rejects.toThrow('no more data');
  });

  test('evaluate of a masked sequence rejects a class number out of range and does not change states', () => {
    const model = sequential({
      layers: [
        layers.masking({ maskValue: 0, batchInputShape: [1, 2, 1] }),
        layers.lstm({ units: 3, stateful: true }),
        layers.dense({ units: 2, activation: 'softmax' }),
      ],
    });
    model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
    model.predict([[[1], [2]]]);
    const before = model.getStates();
    const x = tensor([1, 2, 3, 4], [2, 2, 1]);
    expect(() => model.evaluate(x, [[1], [7]])).toThrow(/numbers of classes from 0 to 1, got 7/);
    expectBits(bitsOf(model.getStates()), bitsOf(before));
  });

  test('fitDataset whose validation throws or is aborted keeps the states of training', async () => {
    const control = new AbortController();
    const aborting = async function* () {
      yield validBatch();
      control.abort(new Error('no more data'));
      yield validBatch();
    };
    for (const validationData of [throwing, aborting]) {
      const [model, reference] = [compiled(), compiled()];
      reference.setWeights(model.getWeights());
      const { xs, ys } = validBatch();
      reference.trainOnBatch(xs, ys);
      const { signal } = control;
      const fit = model.fitDataset([{ xs, ys }], { validationData, verbose: 0, signal });
      await expect(fit).rejects.toThrow('no more data');
      expectBits(bitsOf(model.getStates()), bitsOf(reference.getStates()));
    }
  });
});

test('models from withBatchSize have separate states', () => {
  const model = allRecurrentLayers();
  const three = model.withBatchSize(3);
  three.predict(numbers(3, 3, 2));
  expect(
    shapesOf(three.getStates())
      .flat(1)
      .every(([batch]) => batch === 3),
  ).toBe(true);
  expect(bitsOf(model.getStates()).every(value => value === 0)).toBe(true);
});

describe('invalid states', () => {
  const zeros = (...shape: number[]) => tensor(new Float32Array(shape.reduce((a, b) => a * b)), shape);
  const cases: [string, (valid: Tensor[][]) => unknown, string][] = [
    ['undefined', () => undefined, 'states must be a list for each of 5 recurrent layers, got undefined'],
    ['too few layers', valid => valid.slice(1), 'states must be a list for each of 5 recurrent layers'],
    ['a flat array', valid => valid.flat(), 'states must be a list for each of 5 recurrent layers'],
    ['an lstm without c', valid => valid.with(0, valid[0]!.slice(1)), 'states[0] must be [h, c] of '],
    ['a gru with c', valid => valid.with(1, [zeros(2, 4), zeros(2, 4)]), 'states[1] must be [h] of '],
    [
      'a bidirectional layer with one half',
      valid => valid.with(2, valid[2]!.slice(2)),
      'states[2] must be [forward h, forward c, backward h, backward c] of ',
    ],
    [
      'one array per cell',
      valid => valid.with(4, [valid[4]!.slice(0, 1), valid[4]!.slice(1)] as never),
      'states[4] must be [h',
    ],
    ['a wrong width', valid => valid.with(3, [zeros(2, 6)]), 'states[3][0] must have the shape [2, 7], got [2, 6]'],
    ['a wrong batch', valid => valid.with(3, [zeros(3, 7)]), 'states[3][0] must have the shape [2, 7], got [3, 7]'],
    ['strings', valid => valid.with(3, ['h'] as never), 'states[3][0]'],
  ];
  test.each(cases)('setStates rejects %s and changes nothing', (_, invalidate, message) => {
    const model = allRecurrentLayers();
    model.predict(numbers(2, 3, 2));
    const before = model.getStates();
    const call = () =>
      model.setStates(invalidate(before.map(list => list.map(({ shape }) => numbers(...shape)))) as never);
    expect(call).toThrow(ValueError);
    expect(call).toThrow(`model.setStates: ${message}`);
    expectBits(bitsOf(model.getStates()), bitsOf(before));
  });

  test.each([
    ['gru', () => layers.gru({ units: 2, inputShape: [null, 1] })],
    ['bidirectional', () => layers.bidirectional({ layer: layers.gru({ units: 2 }), inputShape: [null, 1] })],
  ])('getStates and setStates reject a %s that is not stateful', (_, make) => {
    const model = sequential({ layers: [make()] });
    expect(() => model.getStates()).toThrow(/^model\.getStates: all recurrent layers must be stateful/);
    expect(() => model.setStates([])).toThrow(/^model\.setStates: all recurrent layers must be stateful/);
  });
});
