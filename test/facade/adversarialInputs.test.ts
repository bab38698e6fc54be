// Unusual arguments, many of them found by the random programs in test/properties: values that change the model while
// they are read, that cannot be printed, or that have holes.

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

// biome-ignore lint/suspicious/noExplicitAny: these tests pass wrong arguments
const wrong = (value: unknown): any => value;

function createModel(): Sequential {
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

/** Runs `action` when the last number of `values` is first read. */
function withSideEffect<T extends unknown[]>(values: T, action: () => unknown): T {
  let row: unknown[] = values;
  while (Array.isArray(row.at(-1))) row = row.at(-1) as unknown[];
  const last = row.at(-1);
  let done = false;
  Object.defineProperty(row, row.length - 1, {
    enumerable: true,
    get() {
      if (!done) {
        done = true;
        action();
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

describe('models that change while their arguments are read', () => {
  const changes: [string, (model: Sequential) => unknown][] = [
    ['disposes', model => model.dispose()],
    ['removes a layer from', model => model.pop()],
    ['recompiles', model => model.compile({ optimizer: 'adam', loss: 'mse' })],
  ];
  const calls: [string, (model: Sequential, action: () => unknown) => unknown][] = [
    ['x of trainOnBatch', (model, action) => model.trainOnBatch(withSideEffect(x(), action), [[1]])],
    ['y of trainOnBatch', (model, action) => model.trainOnBatch(x(), withSideEffect([[1]], action))],
    ['sampleWeight', (model, action) => model.trainOnBatch(x(), [[1]], { sampleWeight: withSideEffect([1], action) })],
    ['x of testOnBatch', (model, action) => model.testOnBatch(withSideEffect(x(), action), [[1]])],
    ['x of predict', (model, action) => model.predict(withSideEffect(x(), action))],
    ['x of inspect', (model, action) => model.inspect(model.layers[0]!, withSideEffect(x(), action))],
  ];
  describe.each(changes)('%s', (change, apply) => {
    test.each(calls)(`throws a ValueError when reading %s ${change} the model`, (_, call) => {
      const model = createModel();
      expect(() => call(model, () => apply(model))).toThrow(ValueError);
      model.dispose();
    });
  });

  test('classWeight rejects an object of a class without reading it', () => {
    const model = createModel();
    const weights = Object.create({ constructor: Map });
    Object.defineProperty(weights, 1, { enumerable: true, get: () => model.pop() });
    expect(() => model.trainOnBatch(x(), [[1]], { classWeight: weights })).toThrow(
      /^model.trainOnBatch: classWeight must be an object .*, got a Map$/,
    );
    expect(model.layers).toHaveLength(2);
  });

  test('stream.step throws a ValueError when reading its input disposes the model', () => {
    const model = sequential({ layers: [layers.lstm({ units: 3, inputShape: [null, 2] })] });
    const stream = model.stream();
    expect(() => stream.step(withSideEffect([1, 2], () => model.dispose()))).toThrow(
      /^stream.step: the model must not be/,
    );
  });

  test('testOnBatch is unaffected by a larger prediction that moves the workspace while x is read', () => {
    const [model, twin] = [createModel(), createModel()];
    twin.setWeights(model.getWeights());
    const large = zeros([300, 2, 2]);
    const loss = model.testOnBatch(
      withSideEffect(x(), () => model.predict(large)),
      [[1]],
    );
    expect(loss).toBe(twin.testOnBatch(x(), [[1]]));
    model.dispose();
    twin.dispose();
  });
});

describe('values that are hard to print', () => {
  const symbolName = Object.defineProperty(() => {}, 'name', { value: Symbol() });
  test.each<[string, unknown, string]>([
    ['an array that contains itself', cyclic(), '[[[[an array of 1]]]]'],
    ['a string with line breaks', 'a\nb\u2028', "'a\\u000ab\\u2028'"],
    ['a function whose name is a symbol', symbolName, 'a function'],
    ['an object whose constructor name is a symbol', { constructor: { name: Symbol() } }, '{ constructor }'],
    ['a view of a transferred buffer', transferred(new DataView(new ArrayBuffer(8))), 'a DataView'],
  ])('%s is rejected with a printable message', (_, value, printed) => {
    expect(() => createModel().predict(wrong(value))).toThrow(ValueError);
    expect(() => layers.dense({ units: wrong(value) })).toThrow(
      `layers.dense: units must be an integer of at least 1, got ${printed}`,
    );
  });

  test('layers.dense rejects units nested 20,000 arrays deep', () => {
    let deep: unknown = 1;
    for (let n = 0; n < 20_000; n++) deep = [deep];
    expect(() => layers.dense({ units: wrong(deep) })).toThrow(ValueError);
  });
});

describe('arrays with holes, huge lengths or missing numbers', () => {
  test.each([
    ['with a hole', Object.assign([], { 1: 2 })],
    ['of holes only', new Array(2)],
    ['of 2^32 - 1 values', new Array(2 ** 32 - 1)],
  ])('zeros rejects a shape %s', (_, shape) => {
    expect(() => zeros(wrong(shape))).toThrow(/^zeros: shape must be an array of /);
  });

  test('modelFromJSON rejects a list of more than 1000000 values', async () => {
    const json = JSON.parse(createModel().toJSON() as string);
    json.config.layers[0].config.kernel_regularizer = new Array(2 ** 32 - 1);
    await expect(modelFromJSON(json)).rejects.toThrow(/^modelFromJSON: .*at most 1000000 values/);
  });

  test('tensor reads arrays by index and ignores their iterator', () => {
    const row = Object.defineProperty([1, 2], Symbol.iterator, { value: () => [5, 6, 7, 8][Symbol.iterator]() });
    expect(tensor([row, [3, 4]]).arraySync()).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test('a tensor whose array has been transferred is rejected', () => {
    const model = createModel();
    const detached = zeros([1, 2, 2]);
    transferred(detached.dataSync());
    for (const call of [
      () => model.predict(detached),
      () => model.trainOnBatch(detached, [[1]]),
      () => detached.add(1),
    ]) {
      expect(call).toThrow(/: \w+ must have its numbers, got a tensor whose array has been transferred$/);
    }
    expect(() => model.setWeights(model.getWeights().map(weight => transferred(weight.dataSync())))).toThrow(
      ValueError,
    );
    model.dispose();
  });
});

describe('lists with holes', () => {
  const hole = wrong(new Array(1));
  const artifacts = { modelTopology: {}, weightSpecs: [], weightData: new ArrayBuffer(0) };
  test.each<[string, () => unknown]>([
    ['metrics', () => createModel().compile({ optimizer: 'sgd', loss: 'mse', metrics: hole })],
    ['callbacks', () => createModel().fit(x(), [[1]], { callbacks: hole, verbose: 0 })],
    ['the tensors of concat', () => concat(hole)],
    ['the axes of sum', () => sum(tensor([1, 2]), hole)],
    ['the values of a schedule', () => schedules.step({ boundaries: [], values: hole })],
    ['weightSpecs', () => loadLayersModel(io.fromMemory({ ...artifacts, weightSpecs: hole }))],
    ['weightData', () => loadLayersModel(io.fromMemory({ ...artifacts, weightData: hole }))],
  ])('a list with a hole is rejected: %s', async (_, call) => {
    await expect((async () => call())()).rejects.toThrow(ValueError);
  });
});

describe('arrays transferred during fit', () => {
  test.each([true, false])(
    'fit rejects x when its buffer is transferred during training, shuffle: %s',
    async shuffle => {
      const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
      model.compile({ optimizer: 'sgd', loss: 'mse' });
      const numbers = Float32Array.of(1, 2, 3, 4);
      const onBatchEnd = () => void transferred(numbers);
      const options = { batchSize: 2, verbose: 0, shuffle, callbacks: { onBatchEnd } } as const;
      await expect(model.fit(numbers, [1, 2, 3, 4], options)).rejects.toThrow(
        /^model.fit: x must have the shape \[null, 1\], got \[0, 1\]$/,
      );
    },
  );
});

describe('sizes beyond the memory', () => {
  test('createShuffledIndices rejects a size that does not fit into memory', () => {
    expect(() => util.createShuffledIndices(2 ** 40)).toThrow(/^util.createShuffledIndices: the result must fit into/);
  });
});

describe('rejected calls', () => {
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
  ])('a rejected call of %s draws no random numbers', (name, call) => {
    setRandomSeed(3);
    const expected = randomNormal([2]).arraySync();
    setRandomSeed(3);
    expect(call).toThrow(new RegExp(`^${name}: `));
    expect(randomNormal([2]).arraySync()).toEqual(expected);
  });
});

describe('argument checks', () => {
  test('summary rejects invalid printFn, positions and lineLength', () => {
    const model = createModel();
    const print = () => {};
    expect(() => model.summary(60, undefined, wrong([]))).toThrow(/^model.summary: printFn must be a function/);
    expect(() => model.summary(60, wrong('x'), print)).toThrow(/^model.summary: positions must be an array/);
    expect(() => model.summary(60, wrong(['x']), print)).toThrow(/^model.summary: positions\[0\] must be a finite/);
    expect(() => model.summary(2 ** 40, undefined, print)).toThrow(/^model.summary: lineLength must be at most/);
  });

  test('setUserDefinedMetadata rejects values that JSON cannot store', () => {
    expect(() => createModel().setUserDefinedMetadata({ a: 1n })).toThrow(
      /^model.setUserDefinedMetadata: .*JSON can store/,
    );
  });

  test('fitDataset rejects a data set whose iterator() returns a number', async () => {
    await expect(createModel().fitDataset(wrong({ iterator: () => 1 }))).rejects.toThrow(
      /^model.fitDataset: dataset must be/,
    );
  });

  test('dataset.batch rejects items of different shapes', async () => {
    await expect(
      data
        .array([[1, 2], [3]])
        .batch(2)
        .toArray(),
    ).rejects.toThrow(/^dataset.batch: tensors must have equal/);
  });
});
