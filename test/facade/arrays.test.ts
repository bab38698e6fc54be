// Typed arrays that report a wrong length, change while they are read, or come from another realm.

import { runInNewContext } from 'node:vm';
import {
  data,
  io,
  layers,
  loadLayersModel,
  type Sequential,
  sequential,
  setRandomSeed,
  Tensor,
  tensor,
  ValueError,
} from 'lstm-wasm';
import { standardize } from 'lstm-wasm/data';
import { loadKerasModel, toKeras } from 'lstm-wasm/keras';
import { readSafetensors, writeSafetensors } from 'lstm-wasm/safetensors';
import { describe, expect, test } from 'vitest';
import { expectBits } from '../compare.ts';

// biome-ignore lint/suspicious/noExplicitAny: these tests pass wrong arguments
const wrong = (value: unknown): any => value;

/** An array that always reports a length of three. */
class ThreeLongArray extends Float32Array {
  override get length(): number {
    return 3;
  }
}
const overriddenByClass = (size: number) => new ThreeLongArray(size).fill(7);
const overriddenByProperty = (size: number) =>
  Object.defineProperty(new Float32Array(size).fill(7), 'length', { value: 3 });
const arraysOfWrongLength = { 'a subclass': overriddenByClass, 'a property': overriddenByProperty };

function dense(): Sequential {
  setRandomSeed(1);
  const model = sequential({ layers: [layers.dense({ units: 3, inputShape: [3] })] });
  model.compile({ optimizer: 'adam', loss: 'mse' });
  model.trainOnBatch([[1, 2, 3]], [[0, 0, 0]]);
  return model;
}
const recurrent = () => {
  setRandomSeed(1);
  return sequential({ layers: [layers.gru({ units: 3, stateful: true, batchInputShape: [1, 2, 3] })] });
};
const bitsOf = (model: Sequential) => Float32Array.from(model.getWeights().flatMap(w => [...w.dataSync()]));
const row = Float32Array.of(1, 2, 3);

describe.each(Object.entries(arraysOfWrongLength))('an array whose length is overridden by %s', (_, makeArray) => {
  test.each<[string, (model: Sequential, long: Float32Array) => unknown]>([
    ['x of trainOnBatch', (model, long) => model.trainOnBatch(long, [[0, 0, 0]])],
    ['y of trainOnBatch', (model, long) => model.trainOnBatch([[1, 2, 3]], long)],
    ['x of testOnBatch', (model, long) => model.testOnBatch(long, [[0, 0, 0]])],
    ['sampleWeight', (model, long) => model.trainOnBatch([[1, 2, 3]], [[0, 0, 0]], { sampleWeight: long })],
    ['a weight', (model, long) => model.setWeights([long, row])],
    ['a state', (_, long) => recurrent().setStates([[long]])],
    [
      'a state of a stream',
      (_, long) =>
        recurrent()
          .stream()
          .setStates([[long]]),
    ],
    ['a row of nested x', (model, long) => model.predict([long])],
    ['a tensor', (_, long) => tensor(long, [3])],
    ['a tensor from the Tensor constructor', (model, long) => model.predict(new Tensor(long, [1, 3]))],
  ])('an array with a wrong length is rejected as %s, and the model does not change', (_, use) => {
    const [model, other] = [dense(), dense()];
    const before = [bitsOf(model), bitsOf(other)];
    expect(() => use(model, makeArray(300_001))).toThrow(ValueError);
    expectBits(bitsOf(model), before[0]!);
    expectBits(bitsOf(other), before[1]!);
  });

  test('predict, tensor and standardize use the number of its elements, not its length property', () => {
    const model = dense();
    expect(model.predict(makeArray(6)).shape).toEqual([2, 3]);
    expect(tensor(makeArray(6)).shape).toEqual([6]);
    expect(standardize(makeArray(6)).mean).toEqual([7]);
  });

  test('stream.step reads and writes only one step of an array with a wrong length', () => {
    const [stream, twin] = [recurrent().stream(), recurrent().stream()];
    const [input, out] = [makeArray(300_001), makeArray(300_001)];
    const expected = [...twin.step(Float32Array.of(7, 7, 7))];
    stream.step(input, out);
    expect([0, 1, 2, 3].map(i => out[i])).toEqual([...expected, 7]);
  });

  test('fit rejects an array with a wrong length, and the model does not change', async () => {
    const model = dense();
    const before = bitsOf(model);
    await expect(model.fit(makeArray(300_000), [[0, 0, 0]])).rejects.toThrow(ValueError);
    expectBits(bitsOf(model), before);
  });
});

describe('arrays that change while another argument is read', () => {
  const resizable = (size: number, maxByteLength: number): ArrayBuffer =>
    new (wrong(ArrayBuffer))(size, { maxByteLength });
  /** Nested targets that run `action` when they are read. */
  const targetsWithSideEffect = (action: () => unknown): number[][] => [
    Object.defineProperty([0, 0, 0], 2, {
      get() {
        action();
        return 0;
      },
    }),
  ];
  /** A getter that runs `action`, then returns `value`. */
  const getterWithSideEffect =
    <T>(action: () => unknown, value: T) =>
    (): T => {
      action();
      return value;
    };
  const hasResizable = 'resizable' in ArrayBuffer.prototype;

  test.skipIf(!hasResizable).each([
    ['grows', 3 << 22],
    ['shrinks', 4],
  ])('trainOnBatch rejects an x whose buffer %s', (_, size) => {
    const [model, other] = [dense(), dense()];
    const before = [bitsOf(model), bitsOf(other)];
    const buffer = resizable(12, 3 << 22);
    const x = new Float32Array(buffer);
    expect(() =>
      model.trainOnBatch(
        x,
        targetsWithSideEffect(() => wrong(buffer).resize(size)),
      ),
    ).toThrow(/^model.trainOnBatch: x must keep its 3 numbers while it is read, got a Float32Array of \d+$/);
    expectBits(bitsOf(model), before[0]!);
    expectBits(bitsOf(other), before[1]!);
  });

  test('trainOnBatch rejects a tensor whose array is transferred while y is read', () => {
    const model = dense();
    const x = tensor([[1, 2, 3]]);
    const transfer = () => structuredClone(x.dataSync(), { transfer: [x.dataSync().buffer as ArrayBuffer] });
    expect(() => model.trainOnBatch(x, targetsWithSideEffect(transfer))).toThrow(
      'x must keep its 3 numbers while it is read',
    );
  });

  test('predict reads the length of an array only once', () => {
    const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
    let reads = 0;
    const list = new Proxy([1, 2], {
      get: (target, key, receiver) => (key === 'length' && reads++ > 0 ? 2 ** 40 : Reflect.get(target, key, receiver)),
    });
    expect(() => model.predict(list)).toThrow(ValueError);
  });

  test('setWeights rejects a layer that is added to the model while the weights are read', () => {
    const model = dense();
    const weights = model.getWeights().map(weight => weight.arraySync()) as number[][][];
    const addLayer = () => model.add(layers.dense({ units: 1 }));
    Object.defineProperty(weights[0], 0, { get: getterWithSideEffect(addLayer, [1, 2, 3]) });
    expect(() => model.setWeights(weights)).toThrow(
      'model.setWeights: no layers may be added or removed while the weights are read',
    );
  });

  test('layer.setWeights rejects a layer that is removed from its model while the weights are read', () => {
    const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] }), layers.dense({ units: 1 })] });
    model.getWeights();
    const layer = model.layers[1]!;
    const kernel = Object.defineProperty([[1]], 0, { get: getterWithSideEffect(() => model.pop(), [1]) });
    expect(() => layer.setWeights([kernel, [0]])).toThrow('the layer must belong to a model first');
  });

  test('setStates rejects a model that is disposed while the states are read', () => {
    const model = recurrent();
    model.getStates();
    const state = Object.defineProperty([0, 0, 0], 0, { get: getterWithSideEffect(() => model.dispose(), 0) });
    expect(() => model.setStates([[state]])).toThrow('model.setStates: the model must not be used after dispose()');
  });
});

describe('arrays in shared memory', () => {
  const shared = (...values: number[]) => {
    const array = new Float32Array(new SharedArrayBuffer(4 * values.length));
    array.set(values);
    return array;
  };

  test('arrays in shared memory give the same results as other arrays', async () => {
    const [model, twin] = [dense(), dense()];
    expectBits(model.predict(shared(1, 2, 3)).dataSync(), twin.predict(row).dataSync());
    model.trainOnBatch(shared(1, 2, 3), shared(3, 2, 1));
    twin.trainOnBatch(row, Float32Array.of(3, 2, 1));
    await model.fit(shared(1, 2, 3), shared(3, 2, 1), { shuffle: false });
    await twin.fit(row, Float32Array.of(3, 2, 1), { shuffle: false });
    expectBits(bitsOf(model), bitsOf(twin));
  });

  test('predict copies ids from shared memory, so that they cannot change after the check', () => {
    const model = sequential({ layers: [layers.embedding({ inputDim: 4, outputDim: 2, inputLength: 1 })] });
    const ids = shared(0, 1, 2, 3);
    const predicted = model.predict(ids).arraySync();
    expect(model.predict(Float32Array.of(0, 1, 2, 3)).arraySync()).toEqual(predicted);
  });

  test('files in shared memory are accepted', () => {
    const model = dense();
    const file = model.snapshot();
    const copy = new Uint8Array(new SharedArrayBuffer(file.length));
    copy.set(file);
    model.trainOnBatch([[1, 2, 3]], [[5, 5, 5]]);
    model.restore(copy);
    expect(model.snapshot()).toEqual(file);
  });
});

// Such values come from an iframe, from node:vm, or from a test runner such as Jest.
describe('values of another realm', () => {
  const foreign = runInNewContext(
    '({ floats: n => new Float32Array(n), bytes: n => new Uint8Array(n), list: text => JSON.parse(text) })',
  ) as {
    floats(n: number): Float32Array;
    bytes(n: number): Uint8Array;
    list(text: string): never;
  };
  const floats = (...values: number[]) => {
    const array = foreign.floats(values.length);
    array.set(values);
    return array;
  };
  const bytes = (values: Uint8Array) => {
    const array = foreign.bytes(values.length);
    array.set(values);
    return array;
  };

  test('arrays of another realm are accepted as batches, targets, weights, states and inputs of streams', () => {
    const [model, twin] = [dense(), dense()];
    expect(floats(1)).not.toBeInstanceOf(Float32Array);
    expectBits(model.predict(floats(1, 2, 3)).dataSync(), twin.predict(row).dataSync());
    model.trainOnBatch(floats(1, 2, 3), foreign.list('[[3, 2, 1]]'), foreign.list('{ "sampleWeight": [2] }'));
    twin.trainOnBatch(row, [[3, 2, 1]], { sampleWeight: [2] });
    expectBits(bitsOf(model), bitsOf(twin));
    model.setWeights(foreign.list('[[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3]]'));
    expect(model.getWeights()[1]!.arraySync()).toEqual([1, 2, 3]);
    const stream = recurrent().stream();
    stream.setStates(foreign.list('[[[0.5, 0.25, 0]]]'));
    const stepped = stream.step(floats(1, 2, 3), floats(0, 0, 0));
    stream.setStates([[[0.5, 0.25, 0]]]);
    expectBits(stream.step(row), stepped);
  });

  test('arrays of another realm are accepted as tensors, series and items of data sets', async () => {
    expect(tensor(floats(1, 2)).dtype).toBe('float32');
    expect(tensor(bytes(Uint8Array.of(1, 2))).dtype).toBe('int32');
    expect(new Tensor(floats(1, 2), [2]).dtype).toBe('float32');
    expect(standardize(floats(1, 3)).mean).toEqual([2]);
    const [batch] = await data
      .array([floats(1, 2), floats(3, 4)])
      .batch(2)
      .toArray();
    expect((batch as Tensor).arraySync()).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test.each([
    ['views', (array: Uint8Array): unknown => array],
    ['buffers', (array: Uint8Array): unknown => array.buffer],
  ])('%s of another realm are accepted as files', async (_, form) => {
    const model = dense();
    const foreignFile = (file: Uint8Array) => wrong(form(bytes(file)));
    model.restore(foreignFile(model.snapshot()));
    const [kernel] = model.getWeights();
    const keras = await loadKerasModel(foreignFile(await toKeras(model)));
    expectBits(keras.getWeights()[0]!.dataSync(), kernel!.dataSync());
    expect(readSafetensors(foreignFile(writeSafetensors({ a: [1, 2] }))).tensors.a!.arraySync()).toEqual([1, 2]);
    let saved: { weightData?: unknown } = {};
    const keep = (artifacts: object) => {
      saved = artifacts;
      return wrong({});
    };
    await model.save(io.withSaveHandler(keep));
    const weightData = foreignFile(new Uint8Array(wrong(saved.weightData)));
    const loaded = await loadLayersModel(io.fromMemory(wrong({ ...saved, weightData })));
    expectBits(loaded.getWeights()[0]!.dataSync(), kernel!.dataSync());
  });
});

describe('tensors of another package, or of another copy of this one', () => {
  class ForeignTensor {
    readonly shape = [1, 3];
    dataSync = () => row;
  }
  const advice = 'pass its arraySync() instead';
  test.each<[string, (model: Sequential, foreign: never) => unknown]>([
    ['x', (model, foreign) => model.predict(foreign)],
    ['y', (model, foreign) => model.trainOnBatch(row, foreign)],
    ['sampleWeight', (model, foreign) => model.trainOnBatch(row, row, { sampleWeight: foreign })],
    ['a weight', (model, foreign) => model.setWeights([foreign, row])],
    ['values of a tensor', (_, foreign) => tensor(foreign)],
    ['a series', (_, foreign) => standardize(foreign)],
  ])('a tensor of another package is rejected as %s, with advice', (_, use) => {
    expect(() => use(dense(), new ForeignTensor() as never)).toThrow(advice);
  });
});
