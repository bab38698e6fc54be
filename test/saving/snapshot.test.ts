// Snapshots: a resumed training ends with the same bits as an uninterrupted one; invalid snapshots change nothing.

import {
  callbacks,
  configure,
  layers,
  type Optimizer,
  type Sequential,
  schedules,
  sequential,
  setRandomSeed,
  Tensor,
  train,
  util,
} from 'lstm-wasm';
import { beforeEach, describe, expect, test } from 'vitest';
import { checksum } from '../../src/saving/snapshot/checksum.ts';
import { expectBits } from '../compare.ts';
import { Random } from '../reference/random.ts';
import { expectResumable } from './interruptions.ts';

configure({ simd: 'strict' });
beforeEach(() => setRandomSeed(1));

const weightsOf = (model: Sequential) => model.getWeights().flatMap(weight => [...weight.dataSync()]);
const numbers = (seed: number, ...shape: number[]) =>
  new Tensor(Float32Array.from(new Random(seed).normals(shape).data), shape);

/** A model with all that a batch can depend on: optimizer, layer states, dropout seeds, regularizers. */
function fullModel(optimizer: Optimizer = train.adam(0.01), batch = 4, units = 5): Sequential {
  const model = sequential();
  model.add(
    layers.lstm({
      units,
      returnSequences: true,
      stateful: true,
      dropout: 0.2,
      recurrentDropout: 0.1,
      batchInputShape: [batch, 3, 2],
    }),
  );
  model.add(layers.bidirectional({ layer: layers.gru({ units: 3, dropout: 0.3, returnSequences: true }) }));
  model.add(layers.dropout({ rate: 0.25 }));
  model.add(layers.timeDistributed({ layer: layers.dense({ units: 1, kernelRegularizer: 'l2' }) }));
  model.compile({ optimizer, loss: 'meanSquaredError' });
  return model;
}

const step = (model: Sequential, n: number, batch = 4) =>
  model.trainOnBatch(numbers(2 * n, batch, 3, 2), numbers(2 * n + 1, batch, 3, 1));

const rate = schedules.exponentialDecay({ initialLearningRate: 0.02, decaySteps: 3, decayRate: 0.7 });
const optimizers: Record<string, () => Optimizer> = {
  sgd: () => train.sgd(0.05),
  momentum: () => train.momentum(0.05, 0.8),
  nesterov: () => train.momentum(0.05, 0.8, true),
  rmsprop: () => train.rmsprop(0.01),
  'rmsprop, centered, with momentum': () => train.rmsprop({ learningRate: 0.01, momentum: 0.5, centered: true }),
  adagrad: () => train.adagrad(0.05),
  adadelta: () => train.adadelta(0.5),
  adam: () => train.adam(0.01),
  amsgrad: () => train.adam({ learningRate: 0.01, amsgrad: true, clipNorm: 1 }),
  adamw: () => train.adamw({ learningRate: 0.01, globalClipNorm: 1 }),
  adamax: () => train.adamax({ learningRate: 0.01, decay: 0.1 }),
  nadam: () => train.nadam(0.01),
  'adam, with averages written every 3 steps': () =>
    train.adam({ learningRate: 0.01, useEma: true, emaOverwriteFrequency: 3 }),
  'adam, with a schedule': () => train.adam({ learningRate: rate, useEma: true, emaMomentum: 0.9 }),
  'adam, with a learning rate function': () => train.adam({ learningRate: n => 0.01 / (1 + n) }),
};

describe('snapshot and restore', () => {
  test.each(Object.entries(optimizers))('%s continues with the same bits after restore', (_name, make) => {
    const model = fullModel(make());
    for (let n = 0; n < 4; n++) step(model, n);
    const bytes = model.snapshot();
    const expected = [4, 5, 6].map(n => step(model, n));

    setRandomSeed(77);
    const other = fullModel(make());
    step(other, 9);
    expect(other.restore(bytes)).toEqual({ step: 4, epoch: null, batch: null });
    expectBits(other.snapshot(), bytes, 'snapshot after restore');
    expect([4, 5, 6].map(n => step(other, n))).toEqual(expected);
    expectBits(weightsOf(other), weightsOf(model));
    other.finalizeVariableValues();
    model.finalizeVariableValues();
    expectBits(other.snapshot(), model.snapshot(), 'final snapshot');
  });

  test('restore sets a changed learning rate and the trainable flags', () => {
    const model = fullModel();
    model.layers[1]!.trainable = false;
    model.optimizer!.learningRate = 0.003;
    step(model, 0);
    const bytes = model.snapshot();
    const other = fullModel();
    other.restore(bytes);
    expect(other.optimizer!.learningRate).toBe(0.003);
    expect(other.layers.map(({ trainable }) => trainable)).toEqual([true, false, true, true]);
    expect(step(other, 1)).toBe(step(model, 1));
  });

  test('restoring a snapshot taken before the first batch restarts training', () => {
    const model = fullModel();
    const bytes = model.snapshot();
    const first = [0, 1].map(n => step(model, n));
    expect(model.restore(bytes).step).toBe(0);
    expect([0, 1].map(n => step(model, n))).toEqual(first);
  });

  test('layers of noise continue with the same numbers after restore', () => {
    const make = () => {
      const model = sequential({
        layers: [
          layers.gaussianNoise({ stddev: 0.5, inputShape: [3, 2] }),
          layers.dense({ units: 4 }),
          layers.prelu({ sharedAxes: [1] }),
          layers.spatialDropout1d({ rate: 0.5 }),
          layers.gaussianDropout({ rate: 0.5 }),
          layers.dense({ units: 1 }),
        ],
      });
      model.compile({ optimizer: train.adam(0.01), loss: 'meanSquaredError' });
      return model;
    };
    const model = make();
    for (let n = 0; n < 3; n++) step(model, n);
    const bytes = model.snapshot();
    const expected = [3, 4].map(n => step(model, n));
    const other = make();
    other.restore(bytes);
    expect([3, 4].map(n => step(other, n))).toEqual(expected);
    expectBits(weightsOf(other), weightsOf(model));
  });

  test('restored dropout seeds apply to every model that shares the weights', () => {
    const model = fullModel();
    const copy = fullModel();
    step(model, 0);
    step(copy, 0);
    copy.restore(model.snapshot());
    expect(step(copy, 1)).toBe(step(model, 1));
    const small = model.withBatchSize(2);
    step(small, 2, 2); // caches a plan with the previous seeds
    const other = fullModel();
    step(other, 0);
    const bytes = other.snapshot();
    model.restore(bytes);
    small.resetStates();
    expect(step(small, 3, 2)).toBe(step(other.withBatchSize(2), 3, 2));
  });

  test('restore changes the weights of sibling models and streams, but not their states', () => {
    const make = (seed: number) => {
      setRandomSeed(seed);
      const lstm = layers.lstm({ units: 3, stateful: true, batchInputShape: [2, 3, 2], returnSequences: true });
      const model = sequential({ layers: [lstm, layers.dense({ units: 1 })] });
      model.compile({ optimizer: train.adam(0.1), loss: 'mse' });
      return model;
    };
    const model = make(1);
    model.trainOnBatch(numbers(1, 2, 3, 2), numbers(2, 2, 3, 1));
    const bytes = model.snapshot();
    const states = model.getStates();

    const other = make(2);
    const [sibling, stream] = [other.withBatchSize(1), other.stream()];
    sibling.predict(numbers(3, 1, 3, 2));
    stream.step([1, 2]);
    const [kept, streamed] = [sibling.getStates(), stream.getStates()];
    other.restore(bytes);
    expect(other.getStates()).toEqual(states);
    expect(sibling.getStates()).toEqual(kept);
    expect(stream.getStates()).toEqual(streamed);
    expectBits(weightsOf(sibling), weightsOf(model));
    stream.reset();
    expectBits(stream.step([1, 2]), model.stream().step([1, 2]));
    expect(() => sibling.restore(bytes)).toThrow(
      'model.restore: bytes: batchSize must be 1, the batch size of the stateful model, got 2',
    );
  });

  test('snapshots of an uncompiled model hold weights and states', () => {
    const make = () => sequential({ layers: [layers.gru({ units: 3, stateful: true, batchInputShape: [2, 3, 2] })] });
    const [model, other] = [make(), make()];
    model.predict(numbers(1, 2, 3, 2));
    const bytes = model.snapshot();
    expect(other.restore(bytes)).toEqual({ step: 0, epoch: null, batch: null });
    expectBits(other.snapshot(), bytes);
    expectBits(other.predict(numbers(2, 2, 3, 2)).dataSync(), model.predict(numbers(2, 2, 3, 2)).dataSync());
    other.compile({ optimizer: 'sgd', loss: 'mse' });
    other.trainOnBatch(numbers(1, 2, 3, 2), numbers(2, 2, 3));
    const trained = other.snapshot();
    model.restore(trained);
    expectBits(weightsOf(model), weightsOf(other));
    expect(model.getStates()).toEqual(other.getStates());
  });

  // About 30 ms on an idle machine.
  test('snapshot and restore of 512 units, 14 MB, take less than a second', () => {
    const model = sequential({ layers: [layers.lstm({ units: 512, inputShape: [1, 64] })] });
    model.compile({ optimizer: 'adam', loss: 'mse' });
    model.trainOnBatch(numbers(1, 1, 1, 64), numbers(2, 1, 512));
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now();
      model.restore(model.snapshot());
      return performance.now() - start;
    });
    expect(Math.min(...times)).toBeLessThan(1000);
  });
});

describe('fit', () => {
  const x = numbers(1, 22, 3, 2);
  const y = numbers(2, 22, 1);
  const plain = (optimizer: Optimizer) => {
    const model = sequential({
      layers: [
        layers.lstm({ units: 4, dropout: 0.2, inputShape: [3, 2] }),
        layers.dropout({ rate: 0.2 }),
        layers.dense({ units: 1 }),
      ],
    });
    model.compile({ optimizer, loss: 'mse', metrics: ['mae'] });
    return model;
  };
  const statefulModel = () => {
    const lstm = layers.lstm({ units: 4, stateful: true, batchInputShape: [2, 3, 2], recurrentDropout: 0.3 });
    const model = sequential({ layers: [lstm, layers.dense({ units: 1 })] });
    model.compile({ optimizer: train.rmsprop(0.01), loss: 'mse' });
    return model;
  };

  test('fit with shuffling and validation resumes from a snapshot of any event', async () => {
    await expectResumable({
      make: () => plain(train.adam(0.01)),
      run: (model, options) =>
        model.fit(x, y, { ...options, epochs: 3, batchSize: 5, validationSplit: 0.2, initialEpoch: 1 }),
    });
  });

  test("fit with shuffle: 'batch', a schedule and weight averages resumes", async () => {
    await expectResumable({
      make: () => plain(train.adam({ learningRate: rate, useEma: true, emaMomentum: 0.7 })),
      run: (model, options) => model.fit(x, y, { ...options, epochs: 2, batchSize: 5, shuffle: 'batch' }),
    });
  });

  test('fit of a stateful model with validation resumes', async () => {
    await expectResumable({
      make: statefulModel,
      run: (model, options) => model.fit(x, y, { ...options, epochs: 3, validationData: [x, y] }),
    });
  });

  test('fit with stateful callbacks that stop training resumes', async () => {
    const statefulCallbacks = () => [
      callbacks.reduceLROnPlateau({ monitor: 'loss', patience: 1, cooldown: 1, factor: 0.5, minDelta: 0.1 }),
      callbacks.modelCheckpoint({ monitor: 'val_loss' }),
      callbacks.earlyStopping({ monitor: 'val_loss', patience: 2, minDelta: 0.2, restoreBestWeights: true }),
    ];
    for (const optimizer of [() => train.adam(0.02), () => train.adam({ learningRate: 0.02, useEma: true })]) {
      const { history } = await expectResumable({
        make: () => plain(optimizer()),
        run: (model, { callbacks: snapshotting, ...options }) =>
          model.fit(x, y, {
            ...options,
            callbacks: [...statefulCallbacks(), ...snapshotting],
            epochs: 9,
            batchSize: 8,
            validationData: [x, y],
          }),
      });
      expect(history.loss!.length).toBeLessThan(9);
      expect(new Set(history.lr).size).toBeGreaterThan(1);
    }
  });

  test('fit with a learning rate that depends on the previous epoch resumes', async () => {
    await expectResumable({
      make: () => plain(train.sgd(0.1)),
      run: (model, options) => {
        const scheduler = callbacks.learningRateScheduler((_epoch, rate) => rate * 0.7);
        const drawing = { onEpochEnd: () => void util.createShuffledIndices(2) };
        return model.fit(x, y, {
          ...options,
          callbacks: [drawing, scheduler, ...options.callbacks],
          epochs: 3,
          batchSize: 9,
        });
      },
    });
  });

  test('fit that was stopped in the middle of an epoch resumes', async () => {
    await expectResumable({
      make: () => plain(train.sgd(0.1)),
      run: (model, options) => {
        const onBatchEnd = (batch: number) => {
          if (batch === 1 && model.history!.epoch.length === 1) model.stopTraining = true;
        };
        const list = [{ onBatchEnd }, ...options.callbacks];
        return model.fit(x, y, { ...options, callbacks: list, epochs: 3, batchSize: 6 });
      },
    });
  });

  describe('fitDataset', () => {
    // Resuming from a snapshot taken in onBatchBegin would draw the random numbers of that batch twice.
    const events = ['onTrainBegin', 'onEpochBegin', 'onBatchEnd', 'onEpochEnd'];
    const batches = (shuffled: boolean) =>
      function* () {
        const order = shuffled ? [...util.createShuffledIndices(5)] : [0, 1, 2, 3, 4];
        for (const n of order) yield { xs: numbers(10 + n, 2, 3, 2), ys: numbers(20 + n, 2, 1) };
      };

    test('fitDataset resumes with a data set in random order', async () => {
      await expectResumable({
        drawsGlobally: true,
        make: () => plain(train.adam(0.01)),
        events,
        run: (model, options) =>
          model.fitDataset(batches(true), {
            ...options,
            epochs: 3,
            validationData: batches(true),
            validationBatches: 2,
          }),
      });
    });

    test('fitDataset of a stateful model resumes with a data set that is read in one pass', async () => {
      const endless = function* () {
        for (;;) yield* batches(true)();
      };
      await expectResumable({
        drawsGlobally: true,
        make: statefulModel,
        events,
        run: (model, options) =>
          model.fitDataset(endless, { ...options, epochs: 3, batchesPerEpoch: 3, validationData: batches(false) }),
      });
    });
  });

  test('fitDataset skips the batches that the resumed run has read, whatever initialEpoch is', async () => {
    const taken: number[] = [];
    function* numbers() {
      for (let n = 0; n < 10; n++) {
        taken.push(n);
        yield { xs: [[n]], ys: [[1]] };
      }
    }
    let resume: Uint8Array | null = null;
    const trained = async (initialEpoch: number) => {
      const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
      model.compile({ optimizer: 'sgd', loss: 'mse' });
      const onBatchEnd = (batch: number) => {
        if (batch === 1) resume ??= model.snapshot();
      };
      const options = { verbose: 0, epochs: 4, batchesPerEpoch: 3, callbacks: { onBatchEnd } } as const;
      const { epoch } = await model.fitDataset(numbers, { ...options, initialEpoch, resume });
      return { epoch, taken: taken.splice(0), weights: model.getWeights().map(String) };
    };
    const uninterrupted = await trained(2);
    expect(await trained(0)).toEqual(uninterrupted);
  });

  test('fit resumes with more epochs as if they had been requested from the start', async () => {
    const run = (model: Sequential, epochs: number, options: object) =>
      model.fit(x, y, { verbose: 0, batchSize: 5, ...options, epochs });
    const uninterrupted = plain(train.adam(0.01));
    const initial = uninterrupted.snapshot();
    await run(uninterrupted, 4, {});
    const part = plain(train.adam(0.01));
    part.restore(initial);
    let bytes: Uint8Array | null = null;
    const save = () => {
      bytes = part.snapshot();
    };
    await run(part, 2, { callbacks: callbacks.modelCheckpoint({ save, saveBestOnly: false }) });
    const other = plain(train.adam(0.01));
    expect(other.restore(bytes!)).toEqual({ step: 10, epoch: 2, batch: 0 });
    await run(other, 4, {
      resume: bytes,
      callbacks: callbacks.modelCheckpoint({ save: () => {}, saveBestOnly: false }),
    });
    expectBits(weightsOf(other), weightsOf(uninterrupted));
  });

  test('fit rejects the snapshot of a different training setup, and changes nothing', async () => {
    const model = plain(train.adam(0.01));
    let bytes = new Uint8Array();
    const take = {
      onBatchEnd: () => {
        bytes = model.snapshot();
      },
    };
    const options = { verbose: 0, batchSize: 5, epochs: 2, callbacks: take } as const;
    await model.fit(x, y, options);
    const other = plain(train.adam(0.01));
    const before = other.snapshot();
    const expectRejected = async (given: object, message: string) => {
      await expect(other.fit(x, y, { ...options, resume: bytes, ...given })).rejects.toThrow(message);
      expectBits(other.snapshot(), before, message);
    };
    await expectRejected({ batchSize: 4 }, 'model.fit: batchSize must be 5, as in the training to resume, got 4');
    await expectRejected(
      { shuffle: false },
      'model.fit: shuffle must be true, as in the training to resume, got false',
    );
    await expectRejected(
      { validationSplit: 0.1 },
      'model.fit: samples must be 22, as in the training to resume, got 19',
    );
    await expectRejected({ callbacks: [] }, 'the number of callbacks must be 1, as in the training to resume, got 0');
    await expectRejected(
      { resume: before },
      'model.fit: resume must be a snapshot taken during training, got one taken outside of it',
    );
    await expectRejected({ resume: 'file' }, "model.fit: resume must be a Uint8Array or an ArrayBuffer, got 'file'");
    await expectRejected({ resume: bytes.subarray(1) }, 'model.fit: resume must be a snapshot, got');
    const early = callbacks.earlyStopping();
    await expectRejected(
      { callbacks: early },
      'the number of callbacks with a state must be 0, as in the training to resume, got 1',
    );
    await expect(
      other.fitDataset([{ xs: x, ys: y }], { ...options, batchSize: undefined, resume: bytes } as object),
    ).rejects.toThrow("the method must be 'fit', as in the training to resume, got 'fitDataset'");
    expectBits(other.snapshot(), before);
  });

  test('fit that is about to resume rejects a second fit and a changed model', async () => {
    const x = [[1], [2]];
    const options = { verbose: 0, batchSize: 1, epochs: 3 } as const;
    const make = () => {
      const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
      model.compile({ optimizer: 'adam', loss: 'mse' });
      return model;
    };
    const model = make();
    let resume: Uint8Array | null = null;
    const onEpochBegin = () => {
      resume ??= model.snapshot();
    };
    await model.fit(x, x, { ...options, callbacks: { onEpochBegin } });
    const snapshot = resume!;
    const resumed = (other: Sequential) => other.fit(x, x, { ...options, resume: snapshot, callbacks: {} });

    const first = make();
    const running = resumed(first);
    await expect(first.fit(x, x, options)).rejects.toThrow('the model is already being trained');
    await running;
    expect(first.getWeights().map(String)).toEqual(model.getWeights().map(String));

    // The slots of Adam must not be written into SGD, which has fewer.
    const second = make();
    const other = resumed(second);
    second.compile({ optimizer: 'sgd', loss: 'mse' });
    const before = second.getWeights().map(String);
    await expect(other).rejects.toThrow(/^model\.fit: resume: optimizer\.className must be 'SGD'/);
    expect(second.getWeights().map(String)).toEqual(before);
    await second.fit(x, x, options);
  });

  test('snapshot throws during validation', async () => {
    const model = statefulModel();
    let taken: unknown;
    const nextFrameFunc = async () => {
      try {
        model.snapshot();
      } catch (error) {
        taken ??= error;
      }
    };
    await model.fit(x, y, { verbose: 0, yieldEvery: 'batch', validationData: [x, y], callbacks: { nextFrameFunc } });
    expect(String(taken)).toContain('model.snapshot: must not be called during a validation');
    expect(() => model.snapshot()).not.toThrow();
  });
});

describe('snapshots that do not match the model', () => {
  const bytes = (make: () => Sequential) => {
    const model = make();
    return model.snapshot();
  };
  const dense = (options: object, name = 'd') =>
    sequential({ layers: [layers.dense({ units: 2, inputShape: [3], name, ...options })] });
  const compiled = (optimizer: Optimizer) => {
    const model = dense({});
    model.compile({ optimizer, loss: 'mse' });
    return model;
  };

  test.each<[string, () => Sequential, () => Sequential, string]>([
    ['units', () => dense({}), () => dense({ units: 4 }), 'bytes: layers[0].units must be 4, as in the model, got 2'],
    [
      'activation',
      () => dense({ activation: 'relu' }),
      () => dense({}),
      "layers[0].activation must be 'linear', as in the model, got 'relu'",
    ],
    [
      'input width',
      () => dense({ inputShape: [4] }),
      () => dense({}),
      'layers[0].batchInputShape[1] must be 3, as in the model, got 4',
    ],
    [
      'layer class',
      () => sequential({ layers: [layers.flatten({ inputShape: [3] })] }),
      () => dense({}),
      "layers[0].className must be 'Dense', as in the model, got 'Flatten'",
    ],
    [
      'number of layers',
      () => sequential({ layers: [layers.dense({ units: 2, inputShape: [3] }), layers.dense({ units: 2 })] }),
      () => dense({}),
      'layers must be 1, as in the model, got 2',
    ],
    [
      'the units of a recurrent layer',
      () => fullModel(undefined, 4, 6),
      () => fullModel(),
      'layers[0].units must be 5, as in the model, got 6',
    ],
    [
      'optimizer',
      () => compiled(train.adam()),
      () => compiled(train.sgd(1)),
      "optimizer.className must be 'SGD', as in the model, got 'Adam'",
    ],
    [
      'optimizer slots',
      () => compiled(train.adam({ amsgrad: true })),
      () => compiled(train.adam()),
      'optimizer.slots must be 2, as in the model, got 3',
    ],
    [
      'weight averages',
      () => compiled(train.adam({ useEma: true })),
      () => compiled(train.adam()),
      'optimizer.useEma must be false, as in the model, got true',
    ],
    [
      'learning rate schedule',
      () => compiled(train.adam(rate)),
      () => compiled(train.adam()),
      'optimizer.learningRate must be a number, as in the model, got a schedule',
    ],
  ])('restore rejects a snapshot that differs in %s, and changes nothing', (_name, from, into, message) => {
    const snapshot = bytes(from);
    const model = into();
    const before = model.snapshot();
    expect(() => model.restore(snapshot)).toThrow(`model.restore: bytes: ${message.replace(/^bytes: /, '')}`);
    expectBits(model.snapshot(), before);
  });

  test('restore accepts other names, initializers and batch sizes in a stateless model', () => {
    const model = dense({ kernelInitializer: 'zeros', batchInputShape: [5, 3], inputShape: undefined }, 'other');
    model.restore(bytes(() => dense({})));
  });

  test('the error for a snapshot of another version names the version that can read it', () => {
    const model = dense({});
    const later = model.snapshot();
    const view = new DataView(later.buffer);
    view.setUint32(8, 3, true);
    expect(() => model.restore(later)).toThrow(
      'version must be at most 2, got 3, which needs lstm-wasm 0.1.0 or later',
    );
    view.setUint32(12, 0, true);
    expect(() => model.restore(later)).toThrow(
      'version must be at most 2, got 3, which needs lstm-wasm in a later version',
    );
    view.setUint32(8, 1, true);
    expect(() => model.restore(later)).toThrow(
      'bytes: version must be 2, got 1, which this version of lstm-wasm cannot read',
    );
  });

  test('snapshot and restore reject models without layers, disposed models and missing bytes', () => {
    expect(() => sequential().snapshot()).toThrow('model.snapshot: the model must have a layer');
    const model = dense({});
    expect(() => model.restore(undefined as never)).toThrow('model.restore: bytes must be a Uint8Array');
    model.restore(model.snapshot().buffer);
    model.dispose();
    expect(() => model.snapshot()).toThrow('after dispose()');
    expect(() => model.restore(new Uint8Array())).toThrow('after dispose()');
  });
});

test('the checksum is the CRC-32 of zip and PNG', () => {
  expect(checksum(new TextEncoder().encode('12345678')).toString(16)).toBe('9ae0daaf');
  expect(checksum(new Uint8Array(32)).toString(16)).toBe('190a55ad');
});
