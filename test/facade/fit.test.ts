// fit: it learns, and it gives the same bits as trainOnBatch and testOnBatch called in the same order.

import {
  backendInfo,
  layers,
  type ModelFitArgs,
  type Sequential,
  sequential,
  setRandomSeed,
  type Tensor,
  type TensorLike,
  tensor,
  train,
  ValueError,
} from 'lstm-wasm';
import { describe, expect, test, vi } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { Random } from '../reference/random.ts';
import { data, quiet, small, stateful, weightsOf } from './training.ts';

/** Two models with the same initial weights. */
function twins(make = small): [Sequential, Sequential] {
  const [a, b] = [make(), make()];
  b.setWeights(a.getWeights());
  return [a, b];
}

describe('learning', () => {
  test('fit learns to remember the first of eight numbers', async () => {
    setRandomSeed(4);
    const random = new Random(7);
    const x = Float32Array.from({ length: 256 * 8 }, () => random.normal());
    const y = Float32Array.from({ length: 256 }, (_, n) => Math.sign(x[8 * n]!));
    const model = sequential({ layers: [layers.lstm({ units: 8, inputShape: [8, 1] }), layers.dense({ units: 1 })] });
    model.compile({ optimizer: train.adam(0.02), loss: 'meanSquaredError' });
    const { history } = await model.fit(x, y, { ...quiet, epochs: 40, validationSplit: 0.25 });
    expect(history.loss![0]).toBeGreaterThan(0.7);
    expect(history.loss!.at(-1)).toBeLessThan(0.08);
    expect(history.val_loss!.at(-1)).toBeLessThan(0.15);
    model.dispose();
  });

  test('fit learns to continue a sine', async () => {
    setRandomSeed(5);
    const sine = (n: number) => Math.sin(n / 5);
    const x = Float32Array.from({ length: 200 * 12 }, (_, i) => sine(Math.floor(i / 12) + (i % 12)));
    const y = Float32Array.from({ length: 200 }, (_, n) => sine(n + 12));
    const model = sequential({ layers: [layers.lstm({ units: 10, inputShape: [12, 1] }), layers.dense({ units: 1 })] });
    model.compile({ optimizer: train.adam(0.01), loss: 'mse' });
    await model.fit(x, y, { ...quiet, epochs: 30 });
    expect(Number(model.evaluate(x, y))).toBeLessThan(2e-3);
    model.dispose();
  });
});

describe('lists of one tensor', () => {
  const { xs, ys } = data(8) as { xs: Tensor; ys: Tensor };

  test('a list of one tensor or one loss is treated as its item, as in TF.js', async () => {
    const [a, b] = twins();
    b.compile({ optimizer: train.adam(0.01), loss: ['meanSquaredError'] });
    expectBits(b.predict([xs]).dataSync(), a.predict(xs).dataSync());
    expectBits(b.predictOnBatch([xs]).dataSync(), a.predict(xs).dataSync());
    expect(b.trainOnBatch([xs], [ys])).toBe(a.trainOnBatch(xs, ys));
    expect(b.testOnBatch([xs], [ys])).toBe(a.testOnBatch(xs, ys));
    await a.fit(xs, ys, { ...quiet, shuffle: false, validationData: [xs, ys] });
    await b.fit([xs], [ys], { ...quiet, shuffle: false, validationData: [[xs], [ys]] });
    expect(b.history!.history).toEqual(a.history!.history);
    await a.fitDataset([{ xs, ys }], quiet);
    await b.fitDataset([{ xs: [xs], ys: [ys] }], quiet);
    expect(Number(b.evaluate([xs], [ys]))).toBe(Number(a.evaluate(xs, ys)));
    expectBits(weightsOf(b), weightsOf(a));
  });

  test('a list of one tensor of class indices is treated as the tensor', () => {
    const model = sequential({
      layers: [
        layers.gru({ units: 3, returnSequences: true, inputShape: [3, 2] }),
        layers.activation({ activation: 'softmax' }),
      ],
    });
    model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
    const classes = tensor([...'012012012012012012012012'].map(Number), [8, 3]);
    expect(model.testOnBatch([xs], [classes])).toBe(model.testOnBatch(xs, classes));
  });

  test('a list of two tensors is rejected and changes nothing', async () => {
    const model = small();
    const before = model.snapshot();
    const two = [xs, xs] as unknown as [Tensor];
    const message = (name: string) => `${name} must be one tensor, or a list of one, got a list of 2`;
    for (const call of [() => model.predict(two), () => model.predictOnBatch(two), () => model.trainOnBatch(two, ys)]) {
      expect(call).toThrow(ValueError);
      expect(call).toThrow(message('x'));
    }
    expect(() => model.testOnBatch(xs, two)).toThrow(message('y'));
    expect(() => model.evaluate(xs, two)).toThrow(message('y'));
    await expect(model.fit(two, ys, quiet)).rejects.toThrow(message('x'));
    await expect(model.fit(xs, ys, { ...quiet, validationData: [xs, two] })).rejects.toThrow(
      message('validationData[1]'),
    );
    await expect(model.fitDataset([{ xs: two, ys }], quiet)).rejects.toThrow(message('xs'));
    expectBits(model.snapshot(), before);
    expect(() => model.compile({ optimizer: 'sgd', loss: ['mse', 'mae'] as never })).toThrow(
      'model.compile: loss must be',
    );
  });

  test('a list whose getter returns another tensor each time is read once', () => {
    const model = small();
    let reads = 0;
    const other = tensor(new Float32Array(400), [100, 2, 2]);
    const list = Object.defineProperty([xs], '0', { get: () => (reads++ === 0 ? xs : other) }) as [Tensor];
    expectBits(model.predict(list).dataSync(), model.predict(xs).dataSync());
    reads = 0;
    expect(model.testOnBatch(list, [ys])).toBe(model.testOnBatch(xs, ys));
    expect(reads).toBe(1);
  });
});

describe('typed arrays in arrays', () => {
  const { xs, ys } = data(8);
  /** Turns the innermost arrays into typed arrays. */
  const withTypedRows = (nested: unknown): TensorLike =>
    (nested as unknown[]).every(item => typeof item === 'number')
      ? Float32Array.from(nested as number[])
      : ((nested as unknown[]).map(withTypedRows) as TensorLike);
  const [x, y] = [xs, ys].map(values => withTypedRows((values as Tensor).arraySync())) as [TensorLike, TensorLike];

  test('typed arrays in nested arrays give the same results as tensors', async () => {
    const [a, b] = twins();
    b.setWeights(a.getWeights().map(weight => withTypedRows(weight.arraySync())));
    expect((x as TensorLike[][])[0]![0]).toBeInstanceOf(Float32Array);
    expectBits(b.predict(x).dataSync(), a.predict(xs).dataSync());
    expectBits(b.predictOnBatch(x).dataSync(), a.predict(xs).dataSync());
    expect(b.trainOnBatch(x, y)).toBe(a.trainOnBatch(xs, ys));
    expect(b.testOnBatch(x, y)).toBe(a.testOnBatch(xs, ys));
    await a.fit(xs, ys, { ...quiet, shuffle: false, validationData: [xs, ys] });
    await b.fit(x, y, { ...quiet, shuffle: false, validationData: [x, y] });
    expect(b.history!.history).toEqual(a.history!.history);
    expect(Number(b.evaluate(x, y))).toBe(Number(a.evaluate(xs, ys)));
    expectBits(weightsOf(b), weightsOf(a));
  });

  test('ragged typed arrays are rejected and change nothing', () => {
    const model = small();
    const before = model.snapshot();
    const ragged = [...(x as TensorLike[]).slice(0, 7), [new Float32Array(1)]] as TensorLike;
    for (const call of [() => model.trainOnBatch(ragged, y), () => model.predict(ragged)]) {
      expect(call).toThrow(ValueError);
      expect(call).toThrow('x must not be ragged');
    }
    expectBits(model.snapshot(), before);
  });
});

describe('fit compared with single batches', () => {
  const { xs, ys, part } = data(10);

  test('fit without shuffling equals trainOnBatch in order, with a smaller last batch', async () => {
    const [a, b] = twins();
    const { history } = await a.fit(xs, ys, { ...quiet, epochs: 3, batchSize: 4, shuffle: false });
    const losses = [0, 1, 2].map(() => {
      let sum = 0;
      for (const [from, to] of [
        [0, 4],
        [4, 8],
        [8, 10],
      ] as const) {
        const batch = part(from, to);
        sum += (b.trainOnBatch(batch.xs, batch.ys) as number) * (to - from);
      }
      return sum / 10;
    });
    expectBits(weightsOf(a), weightsOf(b));
    expect(history.loss).toEqual(losses);
  });

  test('fit gives the same weights for every form of x and y', async () => {
    const results = [];
    const [first] = twins();
    const forms: [TensorLike, TensorLike][] = [
      [xs, ys],
      [(xs as Tensor).arraySync(), (ys as Tensor).arraySync()],
      [xs, (ys as Tensor).dataSync()],
      [xs, Float64Array.from((ys as Tensor).dataSync())],
      [(xs as Tensor).arraySync(), [...(ys as Tensor).dataSync()]],
    ];
    for (const [x, y] of forms) {
      const model = small();
      model.setWeights(first.getWeights());
      await model.fit(x, y, { ...quiet, batchSize: 3, shuffle: false });
      results.push(weightsOf(model));
    }
    for (const result of results) expectBits(result, results[0]!);
  });

  test('fit with shuffling equals trainOnBatch in the shuffled order', async () => {
    const [a, b] = twins();
    // The loss of a batch of one identifies its sample.
    setRandomSeed(11);
    const order: number[] = [];
    const losses: number[] = [];
    await a.fit(xs, ys, {
      ...quiet,
      batchSize: 1,
      callbacks: {
        onBatchEnd: (_, logs) => {
          losses.push(logs!.loss!);
        },
      },
    });
    for (const loss of losses) {
      const found = Array.from({ length: 10 }, (_, n) => n).find(n => {
        const sample = part(n, n + 1);
        return Object.is(b.testOnBatch(sample.xs, sample.ys), loss);
      });
      order.push(found!);
      const sample = part(found!, found! + 1);
      b.trainOnBatch(sample.xs, sample.ys);
    }
    expectBits(weightsOf(a), weightsOf(b));
    expect([...order].sort((m, n) => m - n)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(order).not.toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('validation equals evaluate after the last batch of the epoch', async () => {
    const [a, b] = twins();
    const validationSet = data(7, 5, 2);
    const { history } = await a.fit(xs, ys, {
      ...quiet,
      batchSize: 4,
      epochs: 2,
      shuffle: false,
      validationData: [validationSet.xs, validationSet.ys],
    });
    for (const epoch of [0, 1]) {
      await b.fit(xs, ys, { ...quiet, batchSize: 4, shuffle: false });
      const loss = b.evaluate(validationSet.xs, validationSet.ys, { batchSize: 4 });
      expectBits([history.val_loss![epoch]!], [Number(loss)]);
    }
    expectBits(weightsOf(a), weightsOf(b));
    expect(Object.keys(history)).toEqual(['val_loss', 'loss']);
  });

  test('validationSplit takes the last samples, before any shuffling', async () => {
    const [a, b] = [small({ seed: 2 }), small({ seed: 2 })];
    const [head, tail] = [part(0, 7), part(7, 10)];
    const split = await a.fit(xs, ys, { ...quiet, batchSize: 2, epochs: 2, validationSplit: 0.3 });
    const separate = await b.fit(head.xs, head.ys, {
      ...quiet,
      batchSize: 2,
      epochs: 2,
      validationData: [tail.xs, tail.ys],
    });
    expectBits(weightsOf(a), weightsOf(b));
    expect(split.history).toEqual(separate.history);
    expect(split.params.samples).toBe(7);
  });

  test('fit ends with the averaged weights if the optimizer uses an EMA', async () => {
    const make = () => {
      const model = small();
      model.compile({ optimizer: train.adam({ learningRate: 0.01, useEma: true, emaMomentum: 0.5 }), loss: 'mse' });
      return model;
    };
    const [a, b] = twins(make);
    let beforeAveraging: number[] = [];
    const onEpochEnd = () => {
      beforeAveraging = weightsOf(a);
    };
    await a.fit(xs, ys, { ...quiet, batchSize: 5, shuffle: false, callbacks: { onEpochEnd } });
    for (const from of [0, 5]) b.trainOnBatch(part(from, from + 5).xs, part(from, from + 5).ys);
    expectBits(beforeAveraging, weightsOf(b));
    b.finalizeVariableValues();
    expectBits(weightsOf(a), weightsOf(b));
    expect(weightsOf(a)).not.toEqual(beforeAveraging);
  });

  test('validationData takes precedence over validationSplit', async () => {
    const model = small();
    const validationData = [xs, ys] as const;
    const { params } = await model.fit(xs, ys, { ...quiet, validationData, validationSplit: 0.5 });
    expect(params.samples).toBe(10);
  });
});

describe('shuffling', () => {
  const { xs, ys } = data(10);

  test('the seed of the model fixes the order of the samples', async () => {
    const start = small().getWeights();
    const run = async (seed: number, options: ModelFitArgs = {}) => {
      const model = small({ seed });
      model.setWeights(start);
      await model.fit(xs, ys, { ...quiet, batchSize: 2, epochs: 2, ...options });
      return weightsOf(model);
    };
    expectBits(await run(4), await run(4));
    expect(await run(4)).not.toEqual(await run(5));
    expectBits(await run(4, { shuffle: false }), await run(5, { shuffle: false }));
    expect(await run(4, { shuffle: false })).not.toEqual(await run(4));
  });

  test.each([true, 'batch'] as const)('shuffle: %s takes every sample once an epoch', async shuffle => {
    const model = small({ rate: 0 });
    const losses = Array.from({ length: 10 }, (_, n) => {
      const sample = data(10).part(n, n + 1);
      return model.testOnBatch(sample.xs, sample.ys) as number;
    });
    const lossesByEpoch: number[][] = [];
    await model.fit(xs, ys, {
      ...quiet,
      batchSize: shuffle === 'batch' ? 3 : 1,
      epochs: 3,
      shuffle,
      callbacks: {
        onEpochBegin: () => void lossesByEpoch.push([]),
        onBatchEnd: (_, logs) => void lossesByEpoch.at(-1)!.push(logs!.loss! * logs!.size!),
      },
    });
    const sum = losses.reduce((a, b) => a + b, 0);
    for (const epoch of lossesByEpoch) {
      expectClose([epoch.reduce((a, b) => a + b, 0)], [sum], { abs: 1e-5, rel: 0 });
    }
    if (shuffle === true) {
      for (const epoch of lossesByEpoch) {
        expect(epoch.toSorted((a, b) => a - b)).toEqual(losses.toSorted((a, b) => a - b));
      }
      expect(lossesByEpoch[0]).not.toEqual(lossesByEpoch[1]);
    } else {
      const runs = [0, 3, 6].map(n => losses[n]! + losses[n + 1]! + losses[n + 2]!);
      for (const epoch of lossesByEpoch) {
        expectClose(
          epoch.slice(0, 3).toSorted((a, b) => a - b),
          runs.toSorted((a, b) => a - b),
          { abs: 1e-5, rel: 0 },
        );
        expectClose([epoch[3]!], [losses[9]!], { abs: 1e-6, rel: 0 });
      }
    }
  });
});

describe('fit of a stateful model', () => {
  const { xs, ys, part } = data(8, 2);

  test('a stateful model is trained in order at its batch size, and keeps its states between batches', async () => {
    const [a, b] = twins(stateful);
    await a.fit(xs, ys, { ...quiet, epochs: 2 });
    for (const from of [0, 2, 4, 6, 0, 2, 4, 6]) {
      const batch = part(from, from + 2);
      b.trainOnBatch(batch.xs, batch.ys);
    }
    expectBits(weightsOf(a), weightsOf(b));
    for (const [n, state] of a.getStates()[0]!.entries())
      expectBits(state.dataSync(), b.getStates()[0]![n]!.dataSync());
  });

  test('a stateful model rejects shuffling, other batch sizes and incomplete batches', async () => {
    const model = stateful();
    const before = weightsOf(model);
    const cases: [ModelFitArgs, string][] = [
      [{ shuffle: true }, 'shuffle must be false for a stateful model'],
      [{ shuffle: 'batch' }, 'shuffle must be false for a stateful model'],
      [{ batchSize: 4 }, 'batchSize must be 2, the batch size of the model, got 4'],
      [{ validationSplit: 0.1 }, 'must hold a multiple of 2 samples'],
      [{ validationData: [part(0, 3).xs, part(0, 3).ys] }, 'validationData[0] must hold a multiple of 2 samples'],
    ];
    for (const [options, message] of cases) {
      await expect(model.fit(xs, ys, { ...quiet, ...options })).rejects.toThrow(message);
    }
    const incomplete = part(0, 7);
    await expect(model.fit(incomplete.xs, incomplete.ys, quiet)).rejects.toThrow('x must hold a multiple of 2 samples');
    expectBits(weightsOf(model), before);
    await model.fit(xs, ys, { ...quiet, shuffle: false, batchSize: 2, validationSplit: 0.25 });
  });
});

describe('evaluate', () => {
  const { xs, ys, part } = data(10);

  test('evaluate returns the mean over samples for every batch size', () => {
    const model = small();
    const whole = model.testOnBatch(xs, ys) as number;
    for (const batchSize of [1, 3, 10, 32]) {
      const loss = model.evaluate(xs, ys, { batchSize }) as Tensor;
      expect(loss.shape).toEqual([]);
      expectClose([Number(loss)], [whole], { abs: 1e-6, rel: 0 });
    }
    expectBits([Number(model.evaluate(xs, ys))], [whole]);
  });

  test('evaluateDataset returns the mean over the batches of a data set', async () => {
    const model = small();
    const batches = [part(0, 4), part(4, 8), part(8, 10)];
    const loss = Number(model.evaluate(xs, ys, { batchSize: 4 }));
    expectBits([Number(await model.evaluateDataset(batches))], [loss]);
    const first = Number(model.evaluate(part(0, 4).xs, part(0, 4).ys));
    expectBits([Number(await model.evaluateDataset(batches, { batches: 1 }))], [first]);
  });

  test('evaluateDataset warns when the data set has fewer batches than requested', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const model = small();
    await model.evaluateDataset([part(0, 4)], { batches: 2 });
    expect(warn.mock.calls.flat().join()).toContain('dataset must hold 2 batches, got 1');
    warn.mockRestore();
  });
});

describe('epochs', () => {
  const { xs, ys } = data(4);

  test('epochs run from initialEpoch up to epochs', async () => {
    const model = small();
    const history = await model.fit(xs, ys, { ...quiet, initialEpoch: 2, epochs: 5 });
    expect(history.epoch).toEqual([2, 3, 4]);
    expect(history.history.loss).toHaveLength(3);
    expect(model.history).toBe(history);
    expect(history.params).toEqual({
      epochs: 5,
      initialEpoch: 2,
      samples: 4,
      steps: 1,
      batchSize: 32,
      verbose: 0,
      doValidation: false,
      metrics: ['loss'],
    });
  });

  test('fit with initialEpoch equal to epochs trains nothing', async () => {
    const history = await small().fit(xs, ys, { ...quiet, initialEpoch: 3, epochs: 3 });
    expect(history.epoch).toEqual([]);
    expect(history.history).toEqual({});
  });
});

describe('running training', () => {
  const { xs, ys, part } = data(8);

  test('fit rejects a second training while one is running', async () => {
    const model = small();
    const first = model.fit(xs, ys, { ...quiet, epochs: 2 });
    await expect(model.fit(xs, ys, quiet)).rejects.toThrow('the model is already being trained');
    await expect(model.fitDataset([part(0, 2)], quiet)).rejects.toThrow('the model is already being trained');
    expect((await first).epoch).toEqual([0, 1]);
    await model.fit(xs, ys, quiet);
  });

  test('predict and evaluate in a callback do not change training, and trainOnBatch is allowed', async () => {
    const [a, b] = twins();
    const options = { ...quiet, batchSize: 3, shuffle: false };
    await a.fit(xs, ys, {
      ...options,
      callbacks: {
        onBatchEnd: () => {
          a.predict(xs);
          a.evaluate(xs, ys);
          a.predictOnBatch(part(0, 1).xs);
        },
      },
    });
    await b.fit(xs, ys, options);
    expectBits(weightsOf(a), weightsOf(b));
    await a.fit(xs, ys, { ...options, callbacks: { onBatchEnd: () => void a.trainOnBatch(xs, ys) } });
  });

  test('an error in a callback ends the training, and the model can be trained again', async () => {
    const [a, b] = twins();
    const fail = () => {
      throw new RangeError('callback failed');
    };
    const options = { ...quiet, batchSize: 4, shuffle: false };
    await expect(a.fit(xs, ys, { ...options, callbacks: { onBatchEnd: fail } })).rejects.toThrow(RangeError);
    const first = part(0, 4);
    b.trainOnBatch(first.xs, first.ys);
    expectBits(weightsOf(a), weightsOf(b));
    await a.fit(xs, ys, options);
  });

  test('an abort signal ends the training between two batches, and the model can be trained again', async () => {
    const [a, b] = twins();
    const reason = new RangeError('aborted');
    const onEnd = vi.fn();
    for (const source of ['samples', 'a data set']) {
      const controller = new AbortController();
      const onBatchEnd = (batch: number) => void (batch === 1 && controller.abort(reason));
      const { signal } = controller;
      const options = { ...quiet, epochs: 3, signal, callbacks: { onBatchEnd, onEpochEnd: onEnd, onTrainEnd: onEnd } };
      const train = () =>
        source === 'samples'
          ? a.fit(xs, ys, { ...options, batchSize: 2, shuffle: false })
          : a.fitDataset([part(0, 2), part(2, 4), part(4, 6)], options);
      await expect(train()).rejects.toBe(reason);
      for (const { xs, ys } of [part(0, 2), part(2, 4)]) b.trainOnBatch(xs, ys);
      expectBits(weightsOf(a), weightsOf(b));
      await expect(train()).rejects.toBe(reason); // before anything is trained
      expectBits(weightsOf(a), weightsOf(b));
    }
    expect(onEnd).not.toHaveBeenCalled();
    await a.fit(xs, ys, { ...quiet, signal: new AbortController().signal });
  });

  test('dispose and compile during training make fit reject', async () => {
    const options = { ...quiet, batchSize: 2, epochs: 3 };
    const disposed = small();
    const dispose = { onBatchEnd: () => disposed.dispose() };
    const message = 'model.fit: the model must not be disposed of while it is trained';
    await expect(disposed.fit(xs, ys, { ...options, callbacks: dispose })).rejects.toThrow(message);
    const compiled = small();
    const compile = { onEpochEnd: () => compiled.compile({ optimizer: 'sgd', loss: 'mse' }) };
    const recompiled = 'model.fit: the model must not be compiled anew while it is trained';
    await expect(compiled.fit(xs, ys, { ...options, callbacks: compile })).rejects.toThrow(recompiled);
    await compiled.fit(xs, ys, options);
  });
});

describe('batches with a NaN or infinite loss', () => {
  test('a batch with a NaN loss is skipped with one warning that names its cause', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const [a, b] = twins();
    const { x, y, xs, ys, part } = data(6);
    const withNaN = x.slice();
    withNaN[2 * 6 + 1] = Number.NaN; // sample 2
    const options = { ...quiet, batchSize: 1, epochs: 2, shuffle: false };
    const { history } = await a.fit(tensor(withNaN, [6, 3, 2]), y, options);
    for (const n of [0, 1, 3, 4, 5, 0, 1, 3, 4, 5]) {
      const sample = part(n, n + 1);
      b.trainOnBatch(sample.xs, sample.ys);
    }
    expectBits(weightsOf(a), weightsOf(b));
    expect(history.loss).toEqual([Number.NaN, Number.NaN]);
    expect(warn.mock.calls).toHaveLength(1);
    expect(warn.mock.calls[0]![0]).toMatch(
      /^model\.fit: the loss of batch 2 of epoch 0 is NaN; .*sample 2 of x holds NaN$/,
    );

    warn.mockClear();
    await a.fitDataset([{ xs, ys: y.map((value, n) => (n === 4 ? Infinity : value)) }], quiet);
    expect(warn.mock.calls).toHaveLength(1);
    expect(warn.mock.calls[0]![0]).toMatch(/^model\.fitDataset: .* is Infinity; .*sample 4 of ys holds Infinity$/);

    warn.mockClear();
    a.setWeights(a.getWeights().map(w => tensor(w.dataSync().fill(3e38), w.shape)));
    await a.fit(xs, ys, options);
    expect(warn.mock.calls).toHaveLength(1);
    expect(warn.mock.calls[0]![0]).toContain('smaller learning rate');
    warn.mockRestore();
  });
});

describe('invalid calls of fit and evaluate', () => {
  const { xs, ys, part } = data(4);
  // biome-ignore lint/suspicious/noExplicitAny: wrong arguments are the point
  const wrong = (value: unknown): any => value;

  const invalidOptions: [problem: string, options: unknown, message: string][] = [
    ['a number for the options', 3, 'options must be an object, got 3'],
    ['an unknown option', { batchsize: 3 }, "unknown option 'batchsize'; did you mean 'batchSize'?"],
    ['a batch size of 0', { batchSize: 0 }, 'batchSize must be an integer of at least 1, got 0'],
    ['a batch size of 2.5', { batchSize: 2.5 }, 'batchSize must be'],
    ['0 epochs', { epochs: 0 }, 'epochs must be an integer of at least 1, got 0'],
    ['a string for epochs', { epochs: '3' }, "epochs must be an integer of at least 1, got '3'"],
    ['an initialEpoch of -1', { initialEpoch: -1 }, 'initialEpoch must be'],
    ['an unknown shuffle', { shuffle: 'all' }, "shuffle must be true, false or 'batch', got 'all'"],
    [
      'a validationSplit of 1',
      { validationSplit: 1 },
      'validationSplit must be a finite number at least 0 and below 1, got 1',
    ],
    [
      'a validationSplit that leaves no sample to train',
      { validationSplit: 0.99 },
      'validationSplit must leave at least one of 4 samples',
    ],
    [
      'validationData without y',
      { validationData: [xs] },
      'validationData must be [x, y] or [x, y, sampleWeight], got [a Tensor]',
    ],
    [
      'validationData with y of another shape',
      { validationData: [xs, [[1]]] },
      'validationData[1] must have the shape [4, 1]',
    ],
    [
      'validationData with x of another width',
      { validationData: [[[[1]]], [[1]]] },
      'validationData[0] must have the shape',
    ],
    ['stepsPerEpoch', { stepsPerEpoch: 3 }, 'stepsPerEpoch must be absent'],
    ['validationSteps', { validationSteps: 3 }, 'fitDataset has validationBatches'],
    ['an unknown verbose', { verbose: 3 }, 'verbose must be 0, 1, 2, true or false, got 3'],
    ['a number as the signal', { signal: 3 }, 'signal must be an AbortSignal, got 3'],
    [
      'a negative yieldEvery',
      { yieldEvery: -1 },
      "yieldEvery must be 'auto', 'batch', 'epoch', 'never' or milliseconds, got -1",
    ],
    ['an unknown yieldEvery', { yieldEvery: 'frame' }, "got 'frame'"],
    ['a number for callbacks', { callbacks: 3 }, 'callbacks must be an object with functions'],
    ['null in a list of callbacks', { callbacks: [{}, null] }, 'callbacks[1] must be an object with functions'],
    ['a misspelled callback', { callbacks: { onEpochEnded() {} } }, "did you mean 'onEpochEnd'?"],
    ['a callback that is a number', { callbacks: { onEpochEnd: 3 } }, 'onEpochEnd of callbacks must be a function'],
    ['a callback object without callback methods', { callbacks: new Map() }, 'callbacks must have a function'],
    [
      'onYield with yieldEvery never',
      { callbacks: { onYield() {} }, yieldEvery: 'never' },
      "yieldEvery must not be 'never' with onYield",
    ],
  ];

  test.each(invalidOptions)('fit rejects %s and changes nothing', async (_, options, message) => {
    const model = small();
    await model.fit(xs, ys, quiet);
    const [before, info] = [weightsOf(model), backendInfo()];
    const error = await model.fit(xs, ys, wrong(options)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ValueError);
    expect((error as Error).message).toMatch(/^model\.fit: [^\n]+[^\n.]$/);
    expect((error as Error).message).toContain(message);
    expectBits(weightsOf(model), before);
    expect(backendInfo()).toEqual(info);
  });

  test('fit and evaluate reject x and y of wrong shapes', async () => {
    const model = small();
    const cases: [TensorLike, TensorLike, string][] = [
      [xs, part(0, 3).ys, 'y must have the shape [4, 1], got [3, 1]'],
      [part(0, 3).ys, ys, 'x must have the shape [null, null, 2], got [3, 1]'],
      [wrong('x'), ys, 'x must be a tensor'],
      [[[[1, 2], [3]]], [[1]], 'x must not be ragged'],
      [[], [], 'x must have the shape'],
    ];
    for (const [x, y, message] of cases) {
      await expect(model.fit(x, y, quiet)).rejects.toThrow(message);
      expect(() => model.evaluate(x, y)).toThrow(message.replace('model.fit', 'model.evaluate'));
    }
  });

  test('a failed call draws no random numbers and does not change optimizer or states', async () => {
    const [a, b] = twins(stateful);
    const { xs, ys } = data(4, 2);
    const run = async (model: Sequential, fails: boolean) => {
      setRandomSeed(9);
      await model.fit(xs, ys, quiet);
      if (fails) {
        await model.fit(xs, ys, wrong({ callbacks: 3 })).catch(() => {});
        await model.fit(xs, [[1]], quiet).catch(() => {});
        await model.fitDataset(wrong(3), quiet).catch(() => {});
      }
      await model.fit(xs, ys, quiet);
      return weightsOf(small());
    };
    expectBits(await run(a, true), await run(b, false));
    expectBits(weightsOf(a), weightsOf(b));
  });

  test('evaluate rejects invalid options and models that are not compiled', () => {
    const model = small();
    const cases: [unknown, string][] = [
      [{ batchSize: 0 }, 'batchSize must be'],
      [{ batchsize: 1 }, "unknown option 'batchsize'; did you mean 'batchSize'?"],
      [{ verbose: 'yes' }, 'verbose must be'],
      [null, 'options must be an object'],
    ];
    for (const [options, message] of cases) {
      expect(() => model.evaluate(xs, ys, wrong(options))).toThrow(`model.evaluate: ${message}`);
    }
    const uncompiled = sequential({ layers: [layers.dense({ units: 1, inputShape: [2] })] });
    expect(() => uncompiled.evaluate([[1, 2]], [[1]])).toThrow('model.evaluate: the model must be compiled first');
  });

  test('fit rejects models not compiled or disposed, and stopTraining must be a boolean', async () => {
    const uncompiled = sequential({
      layers: [layers.lstm({ units: 2, inputShape: [3, 2] }), layers.dense({ units: 1 })],
    });
    await expect(uncompiled.fit(xs, ys)).rejects.toThrow('model.fit: the model must be compiled first');
    const disposedModel = small();
    disposedModel.dispose();
    await expect(disposedModel.fit(xs, ys)).rejects.toThrow('model.fit: the model must not be used after dispose()');
    expect(() => {
      disposedModel.stopTraining = wrong('yes');
    }).toThrow('stopTraining must be true or false');
  });
});
