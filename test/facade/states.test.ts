// Carried states of every recurrent layer: what getStates gives, what setStates takes, and what both leave alone.

import { layers, type Sequential, sequential, setRandomSeed, type Tensor, tensor, ValueError } from 'lstm-wasm';
import { beforeEach, describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { Random } from '../reference/random.ts';

const random = new Random(8);
const numbers = (...shape: number[]) => tensor(Float32Array.from(random.normals(shape).data), shape);
const bitsOf = (states: Tensor[][]) => states.flat().flatMap(state => [...state.dataSync()]);
const shapesOf = (states: Tensor[][]) => states.map(list => list.map(({ shape }) => shape));

/** One of each, stateful, in batches of 2 with 3 steps. */
function every(batch = 2): Sequential {
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

test('getStates gives a list for each recurrent layer, all zero at first and after resetStates', () => {
  const model = every();
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

test('setStates takes what getStates gives, and the model goes on from there to the bit', () => {
  const [model, x, next] = [every(), numbers(2, 3, 2), numbers(2, 3, 2)];
  model.predict(x);
  const states = model.getStates();
  const expected = model.predict(next).dataSync();
  model.predict(numbers(2, 3, 2));
  model.setStates(states);
  expectBits(bitsOf(model.getStates()), bitsOf(states));
  expectBits(model.predict(next).dataSync(), expected);
});

test('any numbers come back as they were set', () => {
  const model = every(5);
  const states = model.getStates().map(list => list.map(({ shape }) => numbers(...shape)));
  model.setStates(states);
  expectBits(bitsOf(model.getStates()), bitsOf(states));
  model.setStates(states.map(list => list.map(state => state.arraySync() as number[][])));
  expectBits(bitsOf(model.getStates()), bitsOf(states));
});

test('the last output is the state of the top layer', () => {
  for (const kind of ['lstm', 'gru', 'simpleRNN'] as const) {
    const model = sequential({ layers: [layers[kind]({ units: 5, stateful: true, batchInputShape: [3, 2, 2] })] });
    const y = model.predict(numbers(3, 2, 2));
    expectBits(model.getStates()[0]![0]!.dataSync(), y.dataSync());
  }
});

test('a sequence in two batches is the sequence in one', () => {
  for (const make of [
    (config: object) => layers.lstm({ units: 5, ...config }),
    (config: object) => layers.gru({ units: 5, ...config }),
    (config: object) => layers.gru({ units: 5, resetAfter: false, ...config }),
    (config: object) => layers.simpleRNN({ units: 5, ...config }),
    (config: object) => layers.rnn({ cell: [layers.gruCell({ units: 3 }), layers.lstmCell({ units: 5 })], ...config }),
  ]) {
    const model = sequential({ layers: [make({ stateful: true, batchInputShape: [2, null, 3] })] });
    const x = numbers(2, 6, 3);
    const whole = model.predict(x).dataSync();
    model.resetStates();
    const part = (from: number, to: number) => (x.arraySync() as number[][][]).map(sample => sample.slice(from, to));
    model.predict(part(0, 2));
    expectClose(model.predict(part(2, 6)).dataSync(), whole, { abs: 2e-7, rel: 0 });
  }
});

test('a batch whose loss is not finite leaves every state as it was', () => {
  const model = every();
  model.compile({ optimizer: 'adam', loss: 'mse' });
  model.trainOnBatch(numbers(2, 3, 2), numbers(2, 6));
  const before = bitsOf(model.getStates());
  const y = numbers(2, 6).dataSync().slice();
  y[3] = Number.NaN;
  expect(model.trainOnBatch(numbers(2, 3, 2), tensor(y, [2, 6]))).toBeNaN();
  expectBits(bitsOf(model.getStates()), before);
});

describe('a call that fails after some of its batches leaves every state as it was', () => {
  const compiled = () => {
    const model = every();
    model.compile({ optimizer: 'sgd', loss: 'mse' });
    return model;
  };
  const good = () => ({ xs: numbers(2, 3, 2), ys: numbers(2, 6) });
  const bad = { xs: numbers(2, 3, 3), ys: numbers(2, 6) };
  const broken = async function* () {
    yield good();
    throw new Error('no more data');
  };
  const unclosed = () => ({
    [Symbol.asyncIterator]: () => ({
      next: async () => ({ done: false, value: good() }),
      return: () => Promise.reject(new Error('no more data')),
    }),
  });

  test.each([
    ['a batch of another shape', () => [good(), bad], ValueError],
    ['a data set that throws', broken, /^no more data$/],
    ['a data set that cannot be closed', unclosed, /^no more data$/],
  ])('evaluateDataset rejects %s', async (_, source, reason) => {
    for (const used of [false, true]) {
      const model = compiled();
      if (used) model.predict(numbers(2, 3, 2));
      const before = model.getStates();
      await expect(model.evaluateDataset(source() as never, { batches: 2 })).rejects.toThrow(reason);
      expectBits(bitsOf(model.getStates()), bitsOf(before));
    }
  });

  test('evaluateDataset fails when layers are removed or the model is disposed meanwhile', async () => {
    const model = compiled();
    const popping = async function* () {
      yield good();
      model.pop();
      yield good();
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

  test('evaluate rejects a class index that does not exist, on a masked sequence', () => {
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

  test('validation during fit fails by a data set that throws or by an aborted signal', async () => {
    const control = new AbortController();
    const aborting = async function* () {
      yield good();
      control.abort(new Error('no more data'));
      yield good();
    };
    for (const validationData of [broken, aborting]) {
      const [model, twin] = [compiled(), compiled()];
      twin.setWeights(model.getWeights());
      const { xs, ys } = good();
      twin.trainOnBatch(xs, ys);
      const { signal } = control;
      const fit = model.fitDataset([{ xs, ys }], { validationData, verbose: 0, signal });
      await expect(fit).rejects.toThrow('no more data');
      expectBits(bitsOf(model.getStates()), bitsOf(twin.getStates()));
    }
  });
});

test('models of another batch size have states of their own', () => {
  const model = every();
  const three = model.withBatchSize(3);
  three.predict(numbers(3, 3, 2));
  expect(
    shapesOf(three.getStates())
      .flat(1)
      .every(([batch]) => batch === 3),
  ).toBe(true);
  expect(bitsOf(model.getStates()).every(value => value === 0)).toBe(true);
});

describe('bad states', () => {
  const zeros = (...shape: number[]) => tensor(new Float32Array(shape.reduce((a, b) => a * b)), shape);
  const cases: [string, (good: Tensor[][]) => unknown, string][] = [
    ['nothing', () => undefined, 'states must be a list for each of 5 recurrent layers, got undefined'],
    ['too few', good => good.slice(1), 'states must be a list for each of 5 recurrent layers'],
    ['a flat list', good => good.flat(), 'states must be a list for each of 5 recurrent layers'],
    ['an lstm without c', good => good.with(0, good[0]!.slice(1)), 'states[0] must be [h, c] of '],
    ['a gru with c', good => good.with(1, [zeros(2, 4), zeros(2, 4)]), 'states[1] must be [h] of '],
    [
      'a bidirectional layer with one half',
      good => good.with(2, good[2]!.slice(2)),
      'states[2] must be [forward h, forward c, backward h, backward c] of ',
    ],
    [
      'cells as lists',
      good => good.with(4, [good[4]!.slice(0, 1), good[4]!.slice(1)] as never),
      'states[4] must be [h',
    ],
    ['a wrong width', good => good.with(3, [zeros(2, 6)]), 'states[3][0] must have the shape [2, 7], got [2, 6]'],
    ['a wrong batch', good => good.with(3, [zeros(3, 7)]), 'states[3][0] must have the shape [2, 7], got [3, 7]'],
    ['strings', good => good.with(3, ['h'] as never), 'states[3][0]'],
  ];
  test.each(cases)('%s: refused, and nothing has changed', (_, bad, message) => {
    const model = every();
    model.predict(numbers(2, 3, 2));
    const before = model.getStates();
    const call = () => model.setStates(bad(before.map(list => list.map(({ shape }) => numbers(...shape)))) as never);
    expect(call).toThrow(ValueError);
    expect(call).toThrow(`model.setStates: ${message}`);
    expectBits(bitsOf(model.getStates()), bitsOf(before));
  });

  test.each([
    ['gru', () => layers.gru({ units: 2, inputShape: [null, 1] })],
    ['bidirectional', () => layers.bidirectional({ layer: layers.gru({ units: 2 }), inputShape: [null, 1] })],
  ])('a %s that is not stateful has none', (_, make) => {
    const model = sequential({ layers: [make()] });
    expect(() => model.getStates()).toThrow(/^model\.getStates: all recurrent layers must be stateful/);
    expect(() => model.setStates([])).toThrow(/^model\.setStates: all recurrent layers must be stateful/);
  });
});
