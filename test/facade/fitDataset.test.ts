// fitDataset: training on batches from every form of data set.

import {
  type BatchSource,
  type DatasetBatch,
  layers,
  sequential,
  setRandomSeed,
  type Tensor,
  train,
  ValueError,
} from 'lstm-wasm';
import { sineCosine } from 'lstm-wasm/data';
import { describe, expect, test, vi } from 'vitest';
import { expectBits } from '../compare.ts';
import { data, type Note, notes, quiet, small, stop, weightsOf } from './training.ts';

const { part, xs, ys } = data(10);
const batches = [part(0, 4), part(4, 8), part(8, 10)];

function* generated(): Generator<DatasetBatch> {
  yield* batches;
}

async function* generatedAsync(): AsyncGenerator<DatasetBatch> {
  for (const batch of batches) {
    await Promise.resolve();
    yield batch;
  }
}

/** A data set with the interface of TF.js. */
const tfjs = {
  size: 3,
  async iterator() {
    const generator = generated();
    return { next: async () => generator.next() as { value: DatasetBatch; done: boolean } };
  },
};

/** The weights after `passes` passes of trainOnBatch over all batches. */
function expectedWeights(passes: number): number[] {
  const model = small();
  model.setWeights(start);
  for (let pass = 0; pass < passes; pass++) {
    for (const { xs, ys } of batches) model.trainOnBatch(xs, ys);
  }
  return weightsOf(model);
}

const start = small().getWeights();

function createModel() {
  const model = small();
  model.setWeights(start);
  return model;
}

describe('forms of data sets', () => {
  const forms: [string, BatchSource][] = [
    ['an array', batches],
    ['a set', new Set(batches)],
    ['a generator function', generated],
    ['an asynchronous generator function', generatedAsync],
    ['a function that returns an array', () => batches],
    ['a function that returns a promise of an array', async () => batches],
    ['a TF.js data set', tfjs],
    ['an asynchronous iterable', { [Symbol.asyncIterator]: generatedAsync }],
  ];
  test.each(forms)('fitDataset trains two epochs on %s', async (_, dataset) => {
    const model = createModel();
    const history = await model.fitDataset(dataset, { ...quiet, epochs: 2 });
    expect(history.epoch).toEqual([0, 1]);
    expectBits(weightsOf(model), expectedWeights(2));
  });

  const singlePass: [string, () => BatchSource][] = [
    ['a generator', generated],
    ['an asynchronous generator', generatedAsync],
    ['an iterator', () => batches.values()],
    [
      'an object with only a next method',
      () => ({
        next: (
          generator => () =>
            generator.next()
        )(generated()),
      }),
    ],
  ];
  test.each(singlePass)('fitDataset trains one epoch on %s, and rejects two', async (_, make) => {
    const model = createModel();
    await model.fitDataset(make(), quiet);
    expectBits(weightsOf(model), expectedWeights(1));
    const message = 'must be iterable once for each of 2 epochs';
    await expect(model.fitDataset(make(), { ...quiet, epochs: 2 })).rejects.toThrow(message);
    expectBits(weightsOf(model), expectedWeights(1));
  });

  test('batches may hold nested and flat arrays, and other keys are ignored', async () => {
    const model = createModel();
    const nested = batches.map(({ xs, ys }) => ({
      xs: (xs as Tensor).arraySync(),
      ys: (ys as Tensor).dataSync(),
      other: 'ignored',
    }));
    await model.fitDataset(nested, quiet);
    expectBits(weightsOf(model), expectedWeights(1));
  });

  test('fitDataset reads tensors of another package and disposes them', async () => {
    const disposed: string[] = [];
    const foreign = (name: string, value: Tensor) => ({
      shape: [...value.shape],
      dataSync: () => [...value.dataSync()],
      dispose: () => void disposed.push(name),
    });
    const model = createModel();
    const dataset = batches.map(({ xs, ys }, n) => ({
      xs: foreign(`x${n}`, xs as Tensor),
      ys: foreign(`y${n}`, ys as Tensor),
    }));
    await model.fitDataset(dataset, quiet);
    expectBits(weightsOf(model), expectedWeights(1));
    expect(disposed).toEqual(['x0', 'y0', 'x1', 'y1', 'x2', 'y2']);
  });
});

describe('batchesPerEpoch', () => {
  test('batchesPerEpoch reads one pass across epochs and leaves the remaining batches', async () => {
    let [generatedBatches, closed] = [0, false];
    const endless = (function* () {
      try {
        for (;;) yield batches[generatedBatches++ % 3]!;
      } finally {
        closed = true;
      }
    })();
    const model = createModel();
    const history = await model.fitDataset(endless, { ...quiet, batchesPerEpoch: 3, epochs: 2 });
    expect(history.params.steps).toBe(3);
    expectBits(weightsOf(model), expectedWeights(2));
    expect(generatedBatches).toBe(6);
    expect(closed).toBe(false); // it belongs to the caller, who may continue to use it
    expect(endless.next().done).toBe(false);
  });

  test('fitDataset closes the generators it created, after an error too', async () => {
    let closed = 0;
    function* endless() {
      try {
        for (;;) yield batches[0]!;
      } finally {
        closed++;
      }
    }
    await createModel().fitDataset(endless, { ...quiet, batchesPerEpoch: 2, epochs: 2 });
    expect(closed).toBe(1);
    const stopping = createModel();
    await stopping.fitDataset(endless, { ...quiet, callbacks: { onBatchEnd: () => stop(stopping) } });
    expect(closed).toBe(2);
    const failing = { ...quiet, callbacks: { onBatchEnd: () => Promise.reject(new Error('callback failed')) } };
    await expect(createModel().fitDataset(endless, failing)).rejects.toThrow('callback failed');
    expect(closed).toBe(3);
  });

  test('training stops with a warning when the data set ends before batchesPerEpoch', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const model = createModel();
    const validationData = [part(0, 2).xs, part(0, 2).ys] as const;
    const options = { ...quiet, batchesPerEpoch: 2, epochs: 4, validationData };
    const { epoch, history } = await model.fitDataset(batches, options);
    expect(epoch).toEqual([0, 1]);
    expect(history.loss).toHaveLength(2);
    expect(history.val_loss).toHaveLength(1); // as in TF.js, no validation after an incomplete epoch
    expectBits(weightsOf(model), expectedWeights(1));
    expect(warn.mock.calls.flat()).toEqual([
      'model.fitDataset: dataset must hold batchesPerEpoch * epochs = 8 batches, but it ended at batch 1 of an ' +
        'epoch; training stops here',
    ]);
    warn.mockRestore();
  });

  test('fitDataset learns the cosine from the batches of sineCosine', async () => {
    setRandomSeed(1);
    const model = sequential();
    model.add(layers.lstm({ units: 10, returnSequences: true, stateful: true, batchInputShape: [20, 10, 1] }));
    model.add(layers.timeDistributed({ layer: layers.dense({ units: 1 }) }));
    model.compile({ optimizer: train.adam(0.01), loss: 'meanSquaredError' });
    const batches = sineCosine({ batchSize: 20, timeSteps: 10 });
    const { history } = await model.fitDataset(batches, { ...quiet, batchesPerEpoch: 50, epochs: 12 });
    expect(history.loss![0]).toBeGreaterThan(0.05);
    expect(history.loss!.at(-1)).toBeLessThan(0.01);
  });
});

describe('validation', () => {
  const validationSet = data(6, 3, 4);
  const otherBatches = [validationSet.part(0, 4), validationSet.part(4, 6)];

  test('validation on samples and on a data set gives the same history', async () => {
    const [a, b, c] = [createModel(), createModel(), createModel()];
    const options = { ...quiet, epochs: 2 };
    const first = await a.fitDataset(batches, {
      ...options,
      validationData: [validationSet.xs, validationSet.ys],
      validationBatchSize: 4,
    });
    const second = await b.fitDataset(batches, { ...options, validationData: otherBatches });
    expect(second.history).toEqual(first.history);
    expect(Object.keys(first.history)).toEqual(['val_loss', 'loss']);
    const oneBatch = { ...options, validationData: generated(), validationBatches: 1 };
    const third = await c.fitDataset(batches, oneBatch);
    expect(third.history.val_loss).toHaveLength(2);
    expectBits(weightsOf(c), weightsOf(a));
    await c.fitDataset(batches, quiet);
    const loss = Number(await a.evaluateDataset(otherBatches));
    expectBits([first.history.val_loss![1]!], [loss]);
  });
});

test('fitDataset calls callbacks in the order of TF.js', async () => {
  const list: Note[] = [];
  const model = createModel();
  const { history } = await model.fitDataset(batches.slice(0, 2), {
    ...quiet,
    yieldEvery: 'auto',
    epochs: 2,
    callbacks: { ...notes(list), nowFunc: () => 0 }, // no yields
    validationData: [xs, ys],
  });
  const batch = (n: number) => [
    ['batchBegin', n, { batch: n, size: 4 }],
    ['batchEnd', n, { batch: n, size: 4, loss: expect.any(Number) }],
  ];
  const epoch = (n: number) => [
    ['epochBegin', n, {}],
    ...batch(0),
    ...batch(1),
    ['epochEnd', n, { val_loss: history.val_loss![n], loss: history.loss![n] }],
  ];
  expect(list).toEqual([['trainBegin', {}], ...epoch(0), ...epoch(1), ['trainEnd', {}]]);
});

describe('invalid calls of fitDataset and evaluateDataset', () => {
  // biome-ignore lint/suspicious/noExplicitAny: wrong arguments are the point
  const wrong = (value: unknown): any => value;

  const invalidCalls: [problem: string, dataset: unknown, options: unknown, message: string][] = [
    ['undefined', undefined, {}, 'dataset must be batches of { xs, ys }'],
    ['a typed array', new Float32Array(3), {}, 'dataset must be batches of { xs, ys }'],
    ['a function that returns a typed array', () => new Float32Array(3), {}, 'dataset must be batches of { xs, ys }'],
    [
      'a function that returns an object derived from a typed array',
      () => Object.create(Float32Array.prototype),
      {},
      'dataset must be batches of { xs, ys }',
    ],
    ['a string', 'data', {}, "TF.js data set, got 'data'"],
    ['an object', {}, {}, 'TF.js data set, got {}'],
    ['a data set without batches', [], {}, 'dataset must hold a batch, got none'],
    ['arrays as batches', [[1, 2]], {}, 'dataset must hold batches of the form { xs, ys }, got [1, 2]'],
    ['batches without ys', [{ xs: part(0, 2).xs }], {}, 'the form { xs, ys }, got { xs }'],
    ['xs of another shape', [{ xs: [[1]], ys: [[1]] }], {}, 'xs must have the shape [null, null, 2], got [1, 1]'],
    ['ys of another shape', [{ xs: part(0, 2).xs, ys: [[1]] }], {}, 'ys must have the shape [2, 1], got [1, 1]'],
    ['a function that returns a number', () => 3, {}, 'TF.js data set, got 3'],
    ['an iterator whose next returns a number', { next: () => 3 }, {}, 'dataset must give { value, done }'],
    ['a misspelled option', batches, { batchPerEpoch: 3 }, "did you mean 'batchesPerEpoch'?"],
    ['batchesPerEpoch of 0', batches, { batchesPerEpoch: 0 }, 'batchesPerEpoch must be an integer'],
    ['validationSplit', batches, { validationSplit: 0.1 }, 'validationSplit must be absent'],
    ['batchSize', batches, { batchSize: 3 }, "unknown option 'batchSize'"],
    ['0 epochs', batches, { epochs: 0 }, 'epochs must be'],
    ['a number for validationData', batches, { validationData: 3 }, 'validationData must be batches of { xs, ys }'],
    ['validationData without y', batches, { validationData: [xs] }, 'validationData must be [x, y]'],
    [
      'an iterator as validationData for two epochs',
      batches,
      { validationData: generated(), epochs: 2 },
      'validationData must be iterable once',
    ],
    [
      'validationBatches with samples',
      batches,
      { validationData: [xs, ys], validationBatches: 1 },
      'validationBatches must be absent',
    ],
    [
      'validationBatchSize with batches',
      batches,
      { validationData: batches, validationBatchSize: 1 },
      'validationBatchSize must be absent',
    ],
  ];
  test.each(invalidCalls)('fitDataset rejects %s and changes nothing', async (_, dataset, options, message) => {
    const model = createModel();
    const error = await model.fitDataset(wrong(dataset), { ...quiet, ...wrong(options) }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ValueError);
    expect((error as Error).message).toMatch(/^model\.fitDataset: [^\n]+[^\n.]$/);
    expect((error as Error).message).toContain(message);
    expectBits(weightsOf(model), expectedWeights(0));
    await model.fitDataset(batches, quiet);
    expectBits(weightsOf(model), expectedWeights(1));
  });

  test('the error of an invalid batch is thrown even if closing its generator fails', async () => {
    const model = createModel();
    const dataset = (valid: boolean) =>
      function* () {
        try {
          yield valid ? batches[0]! : wrong({ xs: 1, ys: 1 });
          yield batches[0]!;
        } finally {
          yield* wrong(null);
        }
      };
    for (const call of [
      (valid: boolean) => model.fitDataset(dataset(valid), { ...quiet, batchesPerEpoch: 1 }),
      (valid: boolean) => model.evaluateDataset(dataset(valid), { batches: 1 }),
    ]) {
      await expect(call(false)).rejects.toThrow('xs must be a tensor');
      await expect(call(true)).rejects.toThrow(TypeError);
    }
  });

  test('evaluateDataset rejects invalid data sets and options, and a model that is recompiled meanwhile', async () => {
    const model = createModel();
    await expect(model.evaluateDataset([])).rejects.toThrow(
      'model.evaluateDataset: dataset must hold a batch, got none',
    );
    await expect(model.evaluateDataset(batches, { batches: 0 })).rejects.toThrow('batches must be an integer');
    await expect(model.evaluateDataset(wrong(1))).rejects.toThrow('dataset must be batches of { xs, ys }');
    async function* recompiling() {
      yield batches[0]!;
      model.compile({ optimizer: 'sgd', loss: 'mse', metrics: 'mae' });
      yield batches[0]!;
    }
    await expect(model.evaluateDataset(recompiling())).rejects.toThrow(
      'model.evaluateDataset: the model must not be compiled anew while it is tested',
    );
  });
});
