/** Streams and models of another batch size: the same weights, put to other uses. */

import { backendInfo, layers, type Sequential, sequential, setRandomSeed, train, ValueError } from 'lstm-wasm';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { Random } from '../reference/random.ts';

const random = new Random(77);
const numbers = (count: number) => Float32Array.from(random.normals([count]).data);

function model(units = 7, inputs = 3, options: { stateful?: boolean; batch?: number } = {}): Sequential {
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
  it.each([1, 3, 4, 20, 33, 64])('says step by step what predict says at once, %i units', units => {
    const m = model(units);
    const x = numbers(9 * 3);
    const all = m.predict([Array.from({ length: 9 }, (_, t) => [...x.subarray(3 * t, 3 * t + 3)])]).dataSync();
    const stream = m.stream();
    for (let t = 0; t < 9; t++) {
      const out = stream.step(x.subarray(3 * t, 3 * t + 3));
      expectClose(out, all.subarray(2 * t, 2 * t + 2), { abs: 1e-7, rel: 1e-6, what: `step ${t}` });
    }
  });

  it('takes plain arrays, fills the array it is given, and gives a new one otherwise', () => {
    const stream = model().stream();
    const out = new Float32Array(2);
    expect(stream.step([1, 2, 3], out)).toBe(out);
    stream.reset();
    const fresh = stream.step([1, 2, 3]);
    expect(fresh).not.toBe(out);
    expectBits(fresh, out);
  });

  it('has a state of its own: streams live side by side and leave the model alone', () => {
    const m = model(5, 3, { stateful: true, batch: 2 });
    m.predict([[[1, 2, 3]], [[4, 5, 6]]]);
    const before = m.getStates().flat();
    const [a, b] = [m.stream(), m.stream()];
    const first = a.step([1, 0, 0]).slice();
    a.step([0, 1, 0]);
    expectBits(b.step([1, 0, 0]), first);
    for (const [n, state] of m.getStates().flat().entries()) expectBits(state.dataSync(), before[n]!.dataSync());
  });

  it('goes back to a state it was in', () => {
    const stream = model().stream();
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

  it('sees what the model learns', () => {
    const m = model();
    const stream = m.stream();
    const before = stream.step([1, 2, 3]).slice();
    m.trainOnBatch([[[1, 2, 3]]], [[[0.5, 0.5]]]);
    stream.reset();
    const after = stream.step([1, 2, 3]);
    expect(after).not.toEqual(before);
    expectClose(after, m.predict([[[1, 2, 3]]]).dataSync(), { abs: 1e-7, rel: 1e-6 });
  });

  it('ends with its model', () => {
    const m = model();
    const stream = m.stream();
    stream.step([1, 2, 3]);
    m.dispose();
    expect(() => stream.step([1, 2, 3])).toThrow(ValueError);
    expect(() => stream.reset()).toThrow(/^stream\.reset: the model must not be disposed of/);
  });

  it.each([
    ['too few numbers', [1, 2], undefined, 'stream.step: input must hold 3 numbers, got 2'],
    ['strings', ['1', '2', '3'], undefined, 'stream.step: input must be a Float32Array or an array of numbers'],
    ['nothing', undefined, undefined, 'stream.step: input must be a Float32Array or an array of numbers'],
    ['holes', new Array(3), undefined, 'stream.step: input must be a Float32Array or an array of numbers'],
    ['a long out', [1, 2, 3], new Float32Array(3), 'stream.step: out must be a Float32Array of 2'],
    ['another out', [1, 2, 3], [0, 0], 'stream.step: out must be a Float32Array of 2'],
  ])('refuses %s, and the state stays', (_what, input, out, message) => {
    const stream = model().stream();
    stream.step([1, 2, 3]);
    const before = stream.getStates().flat();
    expect(() => stream.step(input as number[], out as Float32Array)).toThrow(message);
    for (const [n, state] of stream.getStates().flat().entries()) expectBits(state.dataSync(), before[n]!.dataSync());
  });

  it('refuses layers that run backwards', () => {
    const m = sequential({ layers: [layers.lstm({ units: 2, goBackwards: true, inputShape: [null, 1] })] });
    expect(() => m.stream()).toThrow(/^model\.stream: no layer may run backwards in time/);
  });
});

describe('model.withBatchSize', () => {
  it('shares weights and optimizer: training either trains both', () => {
    const reference = model(6, 3, { stateful: true, batch: 4 });
    setRandomSeed(5);
    const m = model(6, 3, { stateful: true, batch: 4 });
    const one = m.withBatchSize(1);
    expect(one.inputs[0]!.shape).toEqual([1, null, 3]);
    expect(one.outputs[0]!.shape).toEqual([1, null, 2]);
    const [x, y] = [numbers(4 * 5 * 3), numbers(4 * 5 * 2)];
    const batch = (values: Float32Array, rows: number, width: number) =>
      Array.from({ length: rows }, (_, b) =>
        Array.from({ length: 5 }, (_, t) => [...values.subarray((b * 5 + t) * width, (b * 5 + t + 1) * width)]),
      );
    m.trainOnBatch(batch(x, 4, 3), batch(y, 4, 2));
    reference.trainOnBatch(batch(x, 4, 3), batch(y, 4, 2));
    for (const [n, weight] of one.getWeights().entries()) {
      expectBits(weight.dataSync(), reference.getWeights()[n]!.dataSync());
    }
    one.trainOnBatch(batch(x, 1, 3), batch(y, 1, 2));
    expect(m.getWeights()[0]!.dataSync()).not.toEqual(reference.getWeights()[0]!.dataSync());
    expectBits(m.getWeights()[0]!.dataSync(), one.getWeights()[0]!.dataSync());
  });

  it('keeps states apart, and refuses a batch of another size', () => {
    const m = model(6, 3, { stateful: true, batch: 2 });
    const three = m.withBatchSize(3);
    three.predict([[[1, 2, 3]], [[1, 2, 3]], [[1, 2, 3]]]);
    expect(
      m
        .getStates()[0]![0]!
        .dataSync()
        .every(value => value === 0),
    ).toBe(true);
    expect(three.getStates()[0]![0]!.shape).toEqual([3, 6]);
    expect(() => three.predictOnBatch([[[1, 2, 3]]])).toThrow('x must have the shape [3, null, 3], got [1, 1, 3]');
  });

  it('compiling one compiles both, from a fresh optimizer', () => {
    const m = model(3, 3);
    const two = m.withBatchSize(2);
    const batch = [[[1, 2, 3]], [[3, 2, 1]]];
    const y = [[[1, 1]], [[0, 0]]];
    two.trainOnBatch(batch, y);
    m.compile({ optimizer: train.sgd(0), loss: 'mse' });
    const before = m.getWeights().map(weight => weight.dataSync());
    two.trainOnBatch(batch, y);
    for (const [n, weight] of m.getWeights().entries()) expectBits(weight.dataSync(), before[n]!);
  });

  it('fixes the stack as long as there are two', () => {
    const m = model();
    const two = m.withBatchSize(2);
    expect(() => m.add(layers.dense({ units: 1 }))).toThrow(/^model\.add: the model must not share its layers/);
    expect(() => two.pop()).toThrow(/^model\.pop: the model must not share its layers/);
    two.dispose();
    two.dispose();
    expect(m.predict([[[1, 2, 3]]]).shape).toEqual([1, 1, 2]);
    m.add(layers.dense({ units: 1 }));
    expect(m.predict([[[1, 2, 3]]]).shape).toEqual([1, 1, 1]);
  });

  it('keeps the weights until the last is disposed of, in whatever order', () => {
    const m = model();
    const { models } = backendInfo();
    const [x, y] = [numbers(2 * 3 * 3), numbers(2 * 3 * 2)];
    const two = m.withBatchSize(2);
    const three = two.withBatchSize(3);
    const stream = m.stream();
    const said = stream.step([1, 2, 3]);
    const all = [x.subarray(0, 9), x.subarray(9)].map(row => [0, 1, 2].map(t => [...row.subarray(3 * t, 3 * t + 3)]));
    const targets = [y.subarray(0, 6), y.subarray(6)].map(row =>
      [0, 1, 2].map(t => [...row.subarray(2 * t, 2 * t + 2)]),
    );
    const expected = m.predict(all);
    expect(backendInfo().models).toBe(models + 1);

    m.dispose();
    m.dispose();
    expect(() => m.getWeights()).toThrow(/^model\.getWeights: the model must not be used after dispose/);
    expectBits(two.predict(all).dataSync(), expected.dataSync());
    stream.reset();
    expectBits(stream.step([1, 2, 3]), said);
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
