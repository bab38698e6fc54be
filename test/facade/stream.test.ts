/** model.stream and model.withBatchSize, which share the weights of the model. */

import { backendInfo, layers, type Sequential, sequential, setRandomSeed, tensor, train, ValueError } from 'lstm-wasm';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { Random } from '../reference/random.ts';

const random = new Random(77);
const numbers = (count: number) => Float32Array.from(random.normals([count]).data);

function makeModel(units = 7, inputs = 3, options: { stateful?: boolean; batch?: number } = {}): Sequential {
  const batchInputShape = [options.batch ?? null, null, inputs];
  const result = sequential({
    layers: [
      layers.lstm({ units, returnSequences: true, stateful: options.stateful, batchInputShape }),
      layers.lstm({ units: units + 2, returnSequences: true, stateful: options.stateful }),
      layers.dense({ units: 2, activation: 'tanh' }),
    ],
  });
  result.compile({ optimizer: train.adam(0.01), loss: 'mse' });
  return result;
}

beforeEach(() => setRandomSeed(5));

describe('model.stream', () => {
  it.each([1, 3, 4, 20, 33, 64])('step gives the outputs of predict, one time step at a time, %i units', units => {
    const model = makeModel(units);
    const x = numbers(9 * 3);
    const expected = model.predict([Array.from({ length: 9 }, (_, t) => [...x.subarray(3 * t, 3 * t + 3)])]).dataSync();
    const stream = model.stream();
    for (let t = 0; t < 9; t++) {
      const out = stream.step(x.subarray(3 * t, 3 * t + 3));
      expectClose(out, expected.subarray(2 * t, 2 * t + 2), { abs: 1e-7, rel: 1e-6, what: `step ${t}` });
    }
  });

  it('step accepts plain arrays, and fills the given output array or a new one', () => {
    const stream = makeModel().stream();
    const out = new Float32Array(2);
    expect(stream.step([1, 2, 3], out)).toBe(out);
    stream.reset();
    const newArray = stream.step([1, 2, 3]);
    expect(newArray).not.toBe(out);
    expectBits(newArray, out);
  });

  it('streams have separate states and do not change those of the model', () => {
    const model = makeModel(5, 3, { stateful: true, batch: 2 });
    model.predict([[[1, 2, 3]], [[4, 5, 6]]]);
    const before = model.getStates().flat();
    const [a, b] = [model.stream(), model.stream()];
    const first = a.step([1, 0, 0]).slice();
    a.step([0, 1, 0]);
    expectBits(b.step([1, 0, 0]), first);
    for (const [n, state] of model.getStates().flat().entries()) expectBits(state.dataSync(), before[n]!.dataSync());
  });

  it.each([2, 5, 8, 9, 100])('a step of %i sequences gives the outputs of predict for each', batchSize => {
    const model = makeModel(20);
    const x = tensor(numbers(batchSize * 6 * 3), [batchSize, 6, 3]);
    const expected = model.predict(x).dataSync();
    const stream = model.stream({ batchSize });
    const out = new Float32Array(2 * batchSize);
    for (let t = 0; t < 6; t++) {
      const step = Float32Array.from({ length: 3 * batchSize }, (_, n) => {
        return x.dataSync()[(Math.floor(n / 3) * 6 + t) * 3 + (n % 3)]!;
      });
      const before = stream.getStates();
      expect(before[0]![0]!.shape).toEqual([batchSize, 20]);
      expect(stream.step(step, out)).toBe(out);
      const wanted = out.map((_, n) => expected[(Math.floor(n / 2) * 6 + t) * 2 + (n % 2)]!);
      expectClose(out, wanted, { abs: 3e-7, rel: 3e-6, what: `step ${t}` });
      stream.setStates(before);
      expectBits(stream.step([...step]), out);
    }
    stream.reset();
    expect(
      stream
        .getStates()[1]![1]!
        .dataSync()
        .every(state => state === 0),
    ).toBe(true);
  });

  it('rejects a batch size that is no positive integer, and one with constants', () => {
    expect(() => makeModel().stream({ batchSize: 0 })).toThrow(
      'model.stream: batchSize must be an integer of at least 1',
    );
    const constants = { lstm_input: tensor([1, 2, 3], [1, 1, 3]) };
    expect(() => makeModel().stream({ batchSize: 2, constants })).toThrow(
      'model.stream: batchSize must be 1 for a stream with constants, got 2',
    );
    expect(() => makeModel().stream({ batchSize: 2 }).step([1, 2, 3])).toThrow('input must hold 6 numbers, got 3');
  });

  it('setStates returns a stream to an earlier state', () => {
    const stream = makeModel().stream();
    stream.step([1, 2, 3]);
    const states = stream.getStates();
    expect(states.map(pair => pair.map(({ shape }) => shape))).toEqual([
      [
        [1, 7],
        [1, 7],
      ],
      [
        [1, 9],
        [1, 9],
      ],
    ]);
    const next = stream.step([3, 2, 1]).slice();
    stream.step([9, 9, 9]);
    stream.setStates(states);
    expectBits(stream.step([3, 2, 1]), next);
  });

  it('a stream uses the weights as training changes them', () => {
    const model = makeModel();
    const stream = model.stream();
    const before = stream.step([1, 2, 3]).slice();
    model.trainOnBatch([[[1, 2, 3]]], [[[0.5, 0.5]]]);
    stream.reset();
    const after = stream.step([1, 2, 3]);
    expect(after).not.toEqual(before);
    expectClose(after, model.predict([[[1, 2, 3]]]).dataSync(), { abs: 1e-7, rel: 1e-6 });
  });

  it('a stream throws after its model is disposed', () => {
    const model = makeModel();
    const stream = model.stream();
    stream.step([1, 2, 3]);
    model.dispose();
    expect(() => stream.step([1, 2, 3])).toThrow(ValueError);
    expect(() => stream.reset()).toThrow(/^stream\.reset: the model must not be disposed of/);
  });

  it.each([
    ['too few numbers', [1, 2], undefined, 'stream.step: input must hold 3 numbers, got 2'],
    ['strings', ['1', '2', '3'], undefined, 'stream.step: input must be a Float32Array or an array of numbers'],
    ['undefined', undefined, undefined, 'stream.step: input must be a Float32Array or an array of numbers'],
    [
      'an array with holes',
      new Array(3),
      undefined,
      'stream.step: input must be a Float32Array or an array of numbers',
    ],
    ['an out that is too long', [1, 2, 3], new Float32Array(3), 'stream.step: out must be a Float32Array of 2'],
    ['an array as out', [1, 2, 3], [0, 0], 'stream.step: out must be a Float32Array of 2'],
  ])('step rejects %s and keeps the state', (_what, input, out, message) => {
    const stream = makeModel().stream();
    stream.step([1, 2, 3]);
    const before = stream.getStates().flat();
    expect(() => stream.step(input as number[], out as Float32Array)).toThrow(message);
    for (const [n, state] of stream.getStates().flat().entries()) expectBits(state.dataSync(), before[n]!.dataSync());
  });

  it('model.stream rejects layers with goBackwards', () => {
    const model = sequential({ layers: [layers.lstm({ units: 2, goBackwards: true, inputShape: [null, 1] })] });
    expect(() => model.stream()).toThrow(/^model\.stream: no layer may run backwards in time/);
  });
});

describe('model.withBatchSize', () => {
  it('models from withBatchSize share weights and optimizer', () => {
    const reference = makeModel(6, 3, { stateful: true, batch: 4 });
    setRandomSeed(5);
    const model = makeModel(6, 3, { stateful: true, batch: 4 });
    const single = model.withBatchSize(1);
    expect(single.inputs[0]!.shape).toEqual([1, null, 3]);
    expect(single.outputs[0]!.shape).toEqual([1, null, 2]);
    const [x, y] = [numbers(4 * 5 * 3), numbers(4 * 5 * 2)];
    const batch = (values: Float32Array, rows: number, width: number) =>
      Array.from({ length: rows }, (_, b) =>
        Array.from({ length: 5 }, (_, t) => [...values.subarray((b * 5 + t) * width, (b * 5 + t + 1) * width)]),
      );
    model.trainOnBatch(batch(x, 4, 3), batch(y, 4, 2));
    reference.trainOnBatch(batch(x, 4, 3), batch(y, 4, 2));
    for (const [n, weight] of single.getWeights().entries()) {
      expectBits(weight.dataSync(), reference.getWeights()[n]!.dataSync());
    }
    single.trainOnBatch(batch(x, 1, 3), batch(y, 1, 2));
    expect(model.getWeights()[0]!.dataSync()).not.toEqual(reference.getWeights()[0]!.dataSync());
    expectBits(model.getWeights()[0]!.dataSync(), single.getWeights()[0]!.dataSync());
  });

  it('models from withBatchSize have separate states and reject other batch sizes', () => {
    const model = makeModel(6, 3, { stateful: true, batch: 2 });
    const three = model.withBatchSize(3);
    three.predict([[[1, 2, 3]], [[1, 2, 3]], [[1, 2, 3]]]);
    expect(
      model
        .getStates()[0]![0]!
        .dataSync()
        .every(value => value === 0),
    ).toBe(true);
    expect(three.getStates()[0]![0]!.shape).toEqual([3, 6]);
    expect(() => three.predictOnBatch([[[1, 2, 3]]])).toThrow('x must have the shape [3, null, 3], got [1, 1, 3]');
  });

  it('compile of one model applies to all that share its layers', () => {
    const model = makeModel(3, 3);
    const two = model.withBatchSize(2);
    const batch = [[[1, 2, 3]], [[3, 2, 1]]];
    const y = [[[1, 1]], [[0, 0]]];
    two.trainOnBatch(batch, y);
    model.compile({ optimizer: train.sgd(0), loss: 'mse' });
    const before = model.getWeights().map(weight => weight.dataSync());
    two.trainOnBatch(batch, y);
    for (const [n, weight] of model.getWeights().entries()) expectBits(weight.dataSync(), before[n]!);
  });

  it('layers cannot be added or removed while models share them', () => {
    const model = makeModel();
    const two = model.withBatchSize(2);
    expect(() => model.add(layers.dense({ units: 1 }))).toThrow(/^model\.add: the model must not share its layers/);
    expect(() => two.pop()).toThrow(/^model\.pop: the model must not share its layers/);
    two.dispose();
    two.dispose();
    expect(model.predict([[[1, 2, 3]]]).shape).toEqual([1, 1, 2]);
    model.add(layers.dense({ units: 1 }));
    expect(model.predict([[[1, 2, 3]]]).shape).toEqual([1, 1, 1]);
  });

  it('shared weights live until the last model that shares them is disposed', () => {
    const model = makeModel();
    const { models } = backendInfo();
    const [x, y] = [numbers(2 * 3 * 3), numbers(2 * 3 * 2)];
    const two = model.withBatchSize(2);
    const three = two.withBatchSize(3);
    const stream = model.stream();
    const expectedStep = stream.step([1, 2, 3]);
    const all = [x.subarray(0, 9), x.subarray(9)].map(row => [0, 1, 2].map(t => [...row.subarray(3 * t, 3 * t + 3)]));
    const targets = [y.subarray(0, 6), y.subarray(6)].map(row =>
      [0, 1, 2].map(t => [...row.subarray(2 * t, 2 * t + 2)]),
    );
    const expected = model.predict(all);
    expect(backendInfo().models).toBe(models + 1);

    model.dispose();
    model.dispose();
    expect(() => model.getWeights()).toThrow(/^model\.getWeights: the model must not be used after dispose/);
    expectBits(two.predict(all).dataSync(), expected.dataSync());
    stream.reset();
    expectBits(stream.step([1, 2, 3]), expectedStep);
    expect(two.trainOnBatch(all, targets)).toBeGreaterThan(0);
    expect(three.layers[0]!.getWeights()).toHaveLength(3);
    expect(() => two.pop()).toThrow(/^model\.pop: the model must not share its layers/);

    three.dispose();
    two.pop();
    expect(two.outputs[0]!.shape).toEqual([2, null, 9]);
    two.add(layers.dense({ units: 1 }));
    expect(two.predict(all).shape).toEqual([2, 3, 1]);
    const [layer] = two.layers;
    two.dispose();
    expect(backendInfo().models).toBe(models);
    expect(() => two.predict(all)).toThrow(/^model\.predict: the model must not be used after dispose/);
    expect(() => layer!.getWeights()).toThrow(/after dispose/);
    expect(() => stream.step([1, 2, 3])).toThrow(/^stream\.step: the model must not be disposed of or changed/);
  });
});
