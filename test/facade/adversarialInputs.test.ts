// What programs of right and wrong calls have found (test/properties): arguments that nobody expects, and that change the
// model while they are read.

import {
  concat,
  data,
  io,
  layers,
  loadLayersModel,
  modelFromJSON,
  multinomial,
  randomNormal,
  randomUniform,
  type Sequential,
  schedules,
  sequential,
  setRandomSeed,
  sum,
  tensor,
  truncatedNormal,
  util,
  ValueError,
  zeros,
} from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { transferred } from '../transferred.ts';

// biome-ignore lint/suspicious/noExplicitAny: wrong arguments are the point
const wrong = (value: unknown): any => value;

function made(): Sequential {
  const model = sequential({ layers: [layers.lstm({ units: 3, inputShape: [2, 2] }), layers.dense({ units: 1 })] });
  model.compile({ optimizer: 'sgd', loss: 'mse' });
  return model;
}

const x = () => [
  [
    [1, 2],
    [3, 4],
  ],
];

/** Numbers that do something the first time the last of them is read. */
function meanwhile<T extends unknown[]>(values: T, act: () => unknown): T {
  let row: unknown[] = values;
  while (Array.isArray(row.at(-1))) row = row.at(-1) as unknown[];
  const last = row.at(-1);
  let done = false;
  Object.defineProperty(row, row.length - 1, {
    enumerable: true,
    get() {
      if (!done) {
        done = true;
        act();
      }
      return last;
    },
  });
  return values;
}

function cyclic(): unknown[] {
  const array: unknown[] = [];
  array.push(array);
  return array;
}

describe('a model that changes while its arguments are read', () => {
  const acts: [string, (model: Sequential) => unknown][] = [
    ['disposed of', model => model.dispose()],
    ['of fewer layers', model => model.pop()],
    ['compiled anew', model => model.compile({ optimizer: 'adam', loss: 'mse' })],
  ];
  const calls: [string, (model: Sequential, act: () => unknown) => unknown][] = [
    ['x of trainOnBatch', (model, act) => model.trainOnBatch(meanwhile(x(), act), [[1]])],
    ['y of trainOnBatch', (model, act) => model.trainOnBatch(x(), meanwhile([[1]], act))],
    ['sampleWeight', (model, act) => model.trainOnBatch(x(), [[1]], { sampleWeight: meanwhile([1], act) })],
    ['x of testOnBatch', (model, act) => model.testOnBatch(meanwhile(x(), act), [[1]])],
    ['x of predict', (model, act) => model.predict(meanwhile(x(), act))],
    ['x of inspect', (model, act) => model.inspect(model.layers[0]!, meanwhile(x(), act))],
  ];
  describe.each(acts)('%s', (_, act) => {
    test.each(calls)('by %s', (_, call) => {
      const model = made();
      expect(() => call(model, () => act(model))).toThrow(ValueError);
      model.dispose();
    });
  });

  test('by a weight of a class: only plain objects are looked into', () => {
    const model = made();
    const weights = Object.create({ constructor: Map });
    Object.defineProperty(weights, 1, { enumerable: true, get: () => model.pop() });
    expect(() => model.trainOnBatch(x(), [[1]], { classWeight: weights })).toThrow(
      /^model.trainOnBatch: classWeight must be an object .*, got a Map$/,
    );
    expect(model.layers).toHaveLength(2);
  });

  test('disposed of by an input of its stream', () => {
    const model = sequential({ layers: [layers.lstm({ units: 3, inputShape: [null, 2] })] });
    const stream = model.stream();
    expect(() => stream.step(meanwhile([1, 2], () => model.dispose()))).toThrow(/^stream.step: the model must not be/);
  });

  test('trained on a larger batch, which moves its workspace, counts for nothing', () => {
    const [model, twin] = [made(), made()];
    twin.setWeights(model.getWeights());
    const large = zeros([300, 2, 2]);
    const loss = model.testOnBatch(
      meanwhile(x(), () => model.predict(large)),
      [[1]],
    );
    expect(loss).toBe(twin.testOnBatch(x(), [[1]]));
    for (const one of [model, twin]) one.dispose();
  });
});

describe('values that cannot be shown are refused all the same', () => {
  const named = Object.defineProperty(() => {}, 'name', { value: Symbol() });
  test.each<[string, unknown, string]>([
    ['an array that holds itself', cyclic(), '[[[[an array of 1]]]]'],
    ['text of two lines', 'a\nb\u2028', "'a\\u000ab\\u2028'"],
    ['a function with a name that is none', named, 'a function'],
    ['an object whose class has none', { constructor: { name: Symbol() } }, '{ constructor }'],
    ['a view of a transferred buffer', transferred(new DataView(new ArrayBuffer(8))), 'a DataView'],
  ])('%s', (_, value, shown) => {
    expect(() => made().predict(wrong(value))).toThrow(ValueError);
    expect(() => layers.dense({ units: wrong(value) })).toThrow(
      `layers.dense: units must be a whole number of at least 1, got ${shown}`,
    );
  });

  test('arrays in arrays in arrays', () => {
    let deep: unknown = 1;
    for (let n = 0; n < 20_000; n++) deep = [deep];
    expect(() => layers.dense({ units: wrong(deep) })).toThrow(ValueError);
  });
});

describe('shapes and lists', () => {
  test.each([
    ['with a hole', Object.assign([], { 1: 2 })],
    ['of holes alone', new Array(2)],
    ['longer than any walk', new Array(2 ** 32 - 1)],
  ])('a shape %s', (_, shape) => {
    expect(() => zeros(wrong(shape))).toThrow(/^zeros: shape must be an array of /);
  });

  test('a list of a topology that is longer than any walk', async () => {
    const json = JSON.parse(made().toJSON() as string);
    json.config.layers[0].config.kernel_regularizer = new Array(2 ** 32 - 1);
    await expect(modelFromJSON(json)).rejects.toThrow(/^modelFromJSON: .*at most 1000000 values/);
  });

  test('an array whose iterator gives more than its places hold', () => {
    const row = Object.defineProperty([1, 2], Symbol.iterator, { value: () => [5, 6, 7, 8][Symbol.iterator]() });
    expect(tensor([row, [3, 4]]).arraySync()).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test('a tensor whose array has been transferred', () => {
    const model = made();
    const gone = zeros([1, 2, 2]);
    transferred(gone.dataSync());
    for (const call of [() => model.predict(gone), () => model.trainOnBatch(gone, [[1]]), () => gone.add(1)]) {
      expect(call).toThrow(/: \w+ must have its numbers, got a tensor whose array has been transferred$/);
    }
    expect(() => model.setWeights(model.getWeights().map(weight => transferred(weight.dataSync())))).toThrow(
      ValueError,
    );
    model.dispose();
  });
});

describe('lists with a hole', () => {
  const hole = wrong(new Array(1));
  const artifacts = { modelTopology: {}, weightSpecs: [], weightData: new ArrayBuffer(0) };
  test.each<[string, () => unknown]>([
    ['metrics', () => made().compile({ optimizer: 'sgd', loss: 'mse', metrics: hole })],
    ['callbacks', () => made().fit(x(), [[1]], { callbacks: hole, verbose: 0 })],
    ['tensors', () => concat(hole)],
    ['axes', () => sum(tensor([1, 2]), hole)],
    ['values of a schedule', () => schedules.step({ boundaries: [], values: hole })],
    ['weightSpecs', () => loadLayersModel(io.fromMemory({ ...artifacts, weightSpecs: hole }))],
    ['weightData', () => loadLayersModel(io.fromMemory({ ...artifacts, weightData: hole }))],
  ])('%s', async (_, call) => {
    await expect((async () => call())()).rejects.toThrow(ValueError);
  });
});

describe('numbers that are given away while fit trains on them', () => {
  test.each([true, false])('shuffle: %s', async shuffle => {
    const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
    model.compile({ optimizer: 'sgd', loss: 'mse' });
    const numbers = Float32Array.of(1, 2, 3, 4);
    const onBatchEnd = () => void transferred(numbers);
    const options = { batchSize: 2, verbose: 0, shuffle, callbacks: { onBatchEnd } } as const;
    await expect(model.fit(numbers, [1, 2, 3, 4], options)).rejects.toThrow(
      /^model.fit: x must have the shape \[null, 1\], got \[0, 1\]$/,
    );
  });
});

describe('more than there is memory for', () => {
  test('indices in a random order', () => {
    expect(() => util.createShuffledIndices(2 ** 40)).toThrow(/^util.createShuffledIndices: the result must fit into/);
  });
});

describe('a call that is refused draws no seed', () => {
  test.each<[string, () => unknown]>([
    ['randomUniform', () => randomUniform(wrong(undefined))],
    ['randomNormal', () => randomNormal([2 ** 20, 2 ** 40])],
    ['truncatedNormal', () => truncatedNormal([2], 0, 1, wrong('x'))],
    ['multinomial', () => multinomial([[0, 1], [Number.NaN, 1]], 2)], // biome-ignore format: two rows
    ['multinomial', () => multinomial([[0, 1]], 2 ** 53 - 1)],
    [
      'sequential',
      () =>
        sequential({
          layers: [layers.dense({ units: 1, inputShape: [2] }), layers.dense({ units: 1, inputShape: [7] })],
        }),
    ],
  ])('%s', (name, call) => {
    setRandomSeed(3);
    const expected = randomNormal([2]).arraySync();
    setRandomSeed(3);
    expect(call).toThrow(new RegExp(`^${name}: `));
    expect(randomNormal([2]).arraySync()).toEqual(expected);
  });
});

describe('what was not checked', () => {
  test('the arguments of summary', () => {
    const model = made();
    const print = () => {};
    expect(() => model.summary(60, undefined, wrong([]))).toThrow(/^model.summary: printFn must be a function/);
    expect(() => model.summary(60, wrong('x'), print)).toThrow(/^model.summary: positions must be an array/);
    expect(() => model.summary(60, wrong(['x']), print)).toThrow(/^model.summary: positions\[0\] must be a finite/);
    expect(() => model.summary(2 ** 40, undefined, print)).toThrow(/^model.summary: lineLength must be at most/);
  });

  test('metadata that JSON cannot hold', () => {
    expect(() => made().setUserDefinedMetadata({ a: 1n })).toThrow(/^model.setUserDefinedMetadata: .*JSON can store/);
  });

  test('a data set whose iterator is none', async () => {
    await expect(made().fitDataset(wrong({ iterator: () => 1 }))).rejects.toThrow(/^model.fitDataset: dataset must be/);
  });

  test('items of a batch that do not fit together', async () => {
    await expect(
      data
        .array([[1, 2], [3]])
        .batch(2)
        .toArray(),
    ).rejects.toThrow(/^dataset.batch: tensors must have equal/);
  });
});
