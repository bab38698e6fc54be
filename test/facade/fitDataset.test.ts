// fitDataset: batches as they come, from anything that gives them.

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

async function* later(): AsyncGenerator<DatasetBatch> {
  for (const batch of batches) {
    await Promise.resolve();
    yield batch;
  }
}

/** A data set as those of TF.js are. */
const tfjs = {
  size: 3,
  async iterator() {
    const steps = generated();
    return { next: async () => steps.next() as { value: DatasetBatch; done: boolean } };
  },
};

/** Weights after so many passes, by hand. */
function byHand(passes: number): number[] {
  const model = small();
  model.setWeights(start);
  for (let pass = 0; pass < passes; pass++) {
    for (const { xs, ys } of batches) model.trainOnBatch(xs, ys);
  }
  return weightsOf(model);
}

const start = small().getWeights();

function fresh() {
  const model = small();
  model.setWeights(start);
  return model;
}

describe('any form of a data set', () => {
  const forms: [string, BatchSource][] = [
    ['an array', batches],
    ['a set', new Set(batches)],
    ['a function that makes a generator', generated],
    ['a function that makes an asynchronous generator', later],
    ['a function that makes an array', () => batches],
    ['a function that promises one', async () => batches],
    ['a TF.js data set', tfjs],
    ['an asynchronous iterable', { [Symbol.asyncIterator]: later }],
  ];
  test.each(forms)('%s, two epochs', async (_, dataset) => {
    const model = fresh();
    const history = await model.fitDataset(dataset, { ...quiet, epochs: 2 });
    expect(history.epoch).toEqual([0, 1]);
    expectBits(weightsOf(model), byHand(2));
  });

  const once: [string, () => BatchSource][] = [
    ['a generator', generated],
    ['an asynchronous generator', later],
    ['an iterator', () => batches.values()],
    [
      'an iterator and nothing else',
      () => ({
        next: (
          steps => () =>
            steps.next()
        )(generated()),
      }),
    ],
  ];
  test.each(once)('%s, one epoch', async (_, make) => {
    const model = fresh();
    await model.fitDataset(make(), quiet);
    expectBits(weightsOf(model), byHand(1));
    const message = 'must be iterable once for each of 2 epochs';
    await expect(model.fitDataset(make(), { ...quiet, epochs: 2 })).rejects.toThrow(message);
    expectBits(weightsOf(model), byHand(1));
  });

  test('nested arrays and flat ones', async () => {
    const model = fresh();
    const nested = batches.map(({ xs, ys }) => ({
      xs: (xs as Tensor).arraySync(),
      ys: (ys as Tensor).dataSync(),
      more: 'nobody asks',
    }));
    await model.fitDataset(nested, quiet);
    expectBits(weightsOf(model), byHand(1));
  });

  test('tensors of another package are read and disposed of', async () => {
    const disposed: string[] = [];
    const foreign = (name: string, value: Tensor) => ({
      shape: [...value.shape],
      dataSync: () => [...value.dataSync()],
      dispose: () => void disposed.push(name),
    });
    const model = fresh();
    const dataset = batches.map(({ xs, ys }, n) => ({
      xs: foreign(`x${n}`, xs as Tensor),
      ys: foreign(`y${n}`, ys as Tensor),
    }));
    await model.fitDataset(dataset, quiet);
    expectBits(weightsOf(model), byHand(1));
    expect(disposed).toEqual(['x0', 'y0', 'x1', 'y1', 'x2', 'y2']);
  });
});

describe('batchesPerEpoch', () => {
  test('goes through the data once, epoch by epoch, and leaves the rest', async () => {
    let [made, closed] = [0, false];
    const endless = (function* () {
      try {
        for (;;) yield batches[made++ % 3]!;
      } finally {
        closed = true;
      }
    })();
    const model = fresh();
    const history = await model.fitDataset(endless, { ...quiet, batchesPerEpoch: 3, epochs: 2 });
    expect(history.params.steps).toBe(3);
    expectBits(weightsOf(model), byHand(2));
    expect(made).toBe(6);
    expect(closed).toBe(false); // it belongs to the caller, who may go on with it
    expect(endless.next().done).toBe(false);
  });

  test('closes what it made itself', async () => {
    let closed = 0;
    function* endless() {
      try {
        for (;;) yield batches[0]!;
      } finally {
        closed++;
      }
    }
    await fresh().fitDataset(endless, { ...quiet, batchesPerEpoch: 2, epochs: 2 });
    expect(closed).toBe(1);
    const stopping = fresh();
    await stopping.fitDataset(endless, { ...quiet, callbacks: { onBatchEnd: () => stop(stopping) } });
    expect(closed).toBe(2);
    const failing = { ...quiet, callbacks: { onBatchEnd: () => Promise.reject(new Error('enough')) } };
    await expect(fresh().fitDataset(endless, failing)).rejects.toThrow('enough');
    expect(closed).toBe(3);
  });

  test('more than there are: a warning, and the end', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const model = fresh();
    const validationData = [part(0, 2).xs, part(0, 2).ys] as const;
    const options = { ...quiet, batchesPerEpoch: 2, epochs: 4, validationData };
    const { epoch, history } = await model.fitDataset(batches, options);
    expect(epoch).toEqual([0, 1]);
    expect(history.loss).toHaveLength(2);
    expect(history.val_loss).toHaveLength(1); // as in TF.js: no validation of what is not whole
    expectBits(weightsOf(model), byHand(1));
    expect(warn.mock.calls.flat()).toEqual([
      'model.fitDataset: dataset must hold batchesPerEpoch * epochs = 8 batches, but it ended at batch 1 of an ' +
        'epoch; training stops here',
    ]);
    warn.mockRestore();
  });

  test('the batches of sineCosine, to a cosine', async () => {
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
  const other = data(6, 3, 4);
  const otherBatches = [other.part(0, 4), other.part(4, 6)];

  test('on samples and on a data set', async () => {
    const [a, b, c] = [fresh(), fresh(), fresh()];
    const options = { ...quiet, epochs: 2 };
    const first = await a.fitDataset(batches, {
      ...options,
      validationData: [other.xs, other.ys],
      validationBatchSize: 4,
    });
    const second = await b.fitDataset(batches, { ...options, validationData: otherBatches });
    expect(second.history).toEqual(first.history);
    expect(Object.keys(first.history)).toEqual(['val_loss', 'loss']);
    const taken = { ...options, validationData: generated(), validationBatches: 1 };
    const third = await c.fitDataset(batches, taken);
    expect(third.history.val_loss).toHaveLength(2);
    expectBits(weightsOf(c), weightsOf(a));
    await c.fitDataset(batches, quiet);
    const loss = Number(await a.evaluateDataset(otherBatches));
    expectBits([first.history.val_loss![1]!], [loss]);
  });
});

test('callbacks in the order of TF.js', async () => {
  const list: Note[] = [];
  const model = fresh();
  const { history } = await model.fitDataset(batches.slice(0, 2), {
    ...quiet,
    yieldEvery: 'auto',
    epochs: 2,
    callbacks: notes(list),
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

describe('errors', () => {
  // biome-ignore lint/suspicious/noExplicitAny: wrong arguments are the point
  const wrong = (value: unknown): any => value;

  const bad: [what: string, dataset: unknown, options: unknown, message: string][] = [
    ['nothing', undefined, {}, 'dataset must be batches of { xs, ys }'],
    ['numbers', new Float32Array(3), {}, 'dataset must be batches of { xs, ys }'],
    ['what gives numbers', () => new Float32Array(3), {}, 'dataset must be batches of { xs, ys }'],
    [
      'what gives an heir of numbers',
      () => Object.create(Float32Array.prototype),
      {},
      'dataset must be batches of { xs, ys }',
    ],
    ['a word', 'data', {}, "TF.js data set, got 'data'"],
    ['an object', {}, {}, 'TF.js data set, got {}'],
    ['no batch', [], {}, 'dataset must hold a batch, got none'],
    ['batches of another form', [[1, 2]], {}, 'dataset must hold batches of the form { xs, ys }, got [1, 2]'],
    ['batches without ys', [{ xs: part(0, 2).xs }], {}, 'the form { xs, ys }, got { xs }'],
    ['batches that do not fit', [{ xs: [[1]], ys: [[1]] }], {}, 'xs must have the shape [null, null, 2], got [1, 1]'],
    ['targets that do not fit', [{ xs: part(0, 2).xs, ys: [[1]] }], {}, 'ys must have the shape [2, 1], got [1, 1]'],
    ['a function that makes nothing', () => 3, {}, 'TF.js data set, got 3'],
    ['an iterator that gives nothing', { next: () => 3 }, {}, 'dataset must give { value, done }'],
    ['a misspelled option', batches, { batchPerEpoch: 3 }, "did you mean 'batchesPerEpoch'?"],
    ['no batches in an epoch', batches, { batchesPerEpoch: 0 }, 'batchesPerEpoch must be a whole number'],
    ['a split', batches, { validationSplit: 0.1 }, 'validationSplit must be absent'],
    ['a batch size', batches, { batchSize: 3 }, "unknown option 'batchSize'"],
    ['epochs of none', batches, { epochs: 0 }, 'epochs must be'],
    ['validation on nothing', batches, { validationData: 3 }, 'validationData must be batches of { xs, ys }'],
    ['validation on x alone', batches, { validationData: [xs] }, 'validationData must be [x, y]'],
    [
      'validation on an iterator, again and again',
      batches,
      { validationData: generated(), epochs: 2 },
      'validationData must be iterable once',
    ],
    [
      'batches of samples',
      batches,
      { validationData: [xs, ys], validationBatches: 1 },
      'validationBatches must be absent',
    ],
    [
      'the size of batches that are made already',
      batches,
      { validationData: batches, validationBatchSize: 1 },
      'validationBatchSize must be absent',
    ],
  ];
  test.each(bad)('%s', async (_, dataset, options, message) => {
    const model = fresh();
    const error = await model.fitDataset(wrong(dataset), { ...quiet, ...wrong(options) }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ValueError);
    expect((error as Error).message).toMatch(/^model\.fitDataset: [^\n]+[^\n.]$/);
    expect((error as Error).message).toContain(message);
    expectBits(weightsOf(model), byHand(0));
    await model.fitDataset(batches, quiet);
    expectBits(weightsOf(model), byHand(1));
  });

  test('of a bad batch are told, also where its generator cannot be closed', async () => {
    const model = fresh();
    const dataset = (good: boolean) =>
      function* () {
        try {
          yield good ? batches[0]! : wrong({ xs: 1, ys: 1 });
          yield batches[0]!;
        } finally {
          yield* wrong(null);
        }
      };
    for (const call of [
      (good: boolean) => model.fitDataset(dataset(good), { ...quiet, batchesPerEpoch: 1 }),
      (good: boolean) => model.evaluateDataset(dataset(good), { batches: 1 }),
    ]) {
      await expect(call(false)).rejects.toThrow('xs must be a tensor');
      await expect(call(true)).rejects.toThrow(TypeError);
    }
  });

  test('of evaluateDataset', async () => {
    const model = fresh();
    await expect(model.evaluateDataset([])).rejects.toThrow(
      'model.evaluateDataset: dataset must hold a batch, got none',
    );
    await expect(model.evaluateDataset(batches, { batches: 0 })).rejects.toThrow('batches must be a whole number');
    await expect(model.evaluateDataset(wrong(1))).rejects.toThrow('dataset must be batches of { xs, ys }');
    async function* changing() {
      yield batches[0]!;
      model.compile({ optimizer: 'sgd', loss: 'mse', metrics: 'mae' });
      yield batches[0]!;
    }
    await expect(model.evaluateDataset(changing())).rejects.toThrow(
      'model.evaluateDataset: the model must not be compiled anew while it is tested',
    );
  });
});
