// fit: it learns, and it is nothing but trainOnBatch and testOnBatch in the right order.

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

/** Two models that begin alike. */
function twins(make = small): [Sequential, Sequential] {
  const [a, b] = [make(), make()];
  b.setWeights(a.getWeights());
  return [a, b];
}

describe('learning', () => {
  test('remembering the first of eight numbers', async () => {
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

  test('going on with a sine', async () => {
    setRandomSeed(5);
    const at = (n: number) => Math.sin(n / 5);
    const x = Float32Array.from({ length: 200 * 12 }, (_, i) => at(Math.floor(i / 12) + (i % 12)));
    const y = Float32Array.from({ length: 200 }, (_, n) => at(n + 12));
    const model = sequential({ layers: [layers.lstm({ units: 10, inputShape: [12, 1] }), layers.dense({ units: 1 })] });
    model.compile({ optimizer: train.adam(0.01), loss: 'mse' });
    await model.fit(x, y, { ...quiet, epochs: 30 });
    expect(Number(model.evaluate(x, y))).toBeLessThan(2e-3);
    model.dispose();
  });
});

describe('a list of one tensor', () => {
  const { xs, ys } = data(8) as { xs: Tensor; ys: Tensor };

  test('stands for the tensor, as in TF.js, and so does a list of one loss', async () => {
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

  test('stands for numbers of classes, too', () => {
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

  test('of two is refused, and changes nothing', async () => {
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

  test('that says another thing each time it is looked at is read once', () => {
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
  /** The innermost arrays as typed ones. */
  const typed = (nested: unknown): TensorLike =>
    (nested as unknown[]).every(item => typeof item === 'number')
      ? Float32Array.from(nested as number[])
      : ((nested as unknown[]).map(typed) as TensorLike);
  const [x, y] = [xs, ys].map(values => typed((values as Tensor).arraySync())) as [TensorLike, TensorLike];

  test('are axes, wherever numbers are taken', async () => {
    const [a, b] = twins();
    b.setWeights(a.getWeights().map(weight => typed(weight.arraySync())));
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

  test('must not be ragged: nothing has changed then', () => {
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

describe('the same as batch after batch by hand', () => {
  const { xs, ys, part } = data(10);

  test('in the order of the samples, the last batch smaller', async () => {
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

  test('whatever form x and y are given in', async () => {
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

  test('shuffled, with the order it was', async () => {
    const [a, b] = twins();
    // Targets tell which sample was trained when: the loss of a single sample says which it is.
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
        const one = part(n, n + 1);
        return Object.is(b.testOnBatch(one.xs, one.ys), loss);
      });
      order.push(found!);
      const one = part(found!, found! + 1);
      b.trainOnBatch(one.xs, one.ys);
    }
    expectBits(weightsOf(a), weightsOf(b));
    expect([...order].sort((m, n) => m - n)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(order).not.toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('validation is evaluate after the last batch', async () => {
    const [a, b] = twins();
    const other = data(7, 5, 2);
    const { history } = await a.fit(xs, ys, {
      ...quiet,
      batchSize: 4,
      epochs: 2,
      shuffle: false,
      validationData: [other.xs, other.ys],
    });
    for (const epoch of [0, 1]) {
      await b.fit(xs, ys, { ...quiet, batchSize: 4, shuffle: false });
      const loss = b.evaluate(other.xs, other.ys, { batchSize: 4 });
      expectBits([history.val_loss![epoch]!], [Number(loss)]);
    }
    expectBits(weightsOf(a), weightsOf(b));
    expect(Object.keys(history)).toEqual(['val_loss', 'loss']);
  });

  test('validationSplit takes the last samples, before any shuffling', async () => {
    const [a, b] = [small({ seed: 2 }), small({ seed: 2 })];
    const [head, tail] = [part(0, 7), part(7, 10)];
    const split = await a.fit(xs, ys, { ...quiet, batchSize: 2, epochs: 2, validationSplit: 0.3 });
    const apart = await b.fit(head.xs, head.ys, {
      ...quiet,
      batchSize: 2,
      epochs: 2,
      validationData: [tail.xs, tail.ys],
    });
    expectBits(weightsOf(a), weightsOf(b));
    expect(split.history).toEqual(apart.history);
    expect(split.params.samples).toBe(7);
  });

  test('ends with the averages of the weights where the optimizer keeps them', async () => {
    const make = () => {
      const model = small();
      model.compile({ optimizer: train.adam({ learningRate: 0.01, useEma: true, emaMomentum: 0.5 }), loss: 'mse' });
      return model;
    };
    const [a, b] = twins(make);
    let last: number[] = [];
    const onEpochEnd = () => {
      last = weightsOf(a);
    };
    await a.fit(xs, ys, { ...quiet, batchSize: 5, shuffle: false, callbacks: { onEpochEnd } });
    for (const from of [0, 5]) b.trainOnBatch(part(from, from + 5).xs, part(from, from + 5).ys);
    expectBits(last, weightsOf(b));
    b.finalizeVariableValues();
    expectBits(weightsOf(a), weightsOf(b));
    expect(weightsOf(a)).not.toEqual(last);
  });

  test('validationData goes before validationSplit', async () => {
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

  test.each([true, 'batch'] as const)('%s takes every sample once an epoch', async shuffle => {
    const model = small({ rate: 0 });
    const losses = Array.from({ length: 10 }, (_, n) => {
      const one = data(10).part(n, n + 1);
      return model.testOnBatch(one.xs, one.ys) as number;
    });
    const seen: number[][] = [];
    await model.fit(xs, ys, {
      ...quiet,
      batchSize: shuffle === 'batch' ? 3 : 1,
      epochs: 3,
      shuffle,
      callbacks: {
        onEpochBegin: () => void seen.push([]),
        onBatchEnd: (_, logs) => void seen.at(-1)!.push(logs!.loss! * logs!.size!),
      },
    });
    const sum = losses.reduce((a, b) => a + b, 0);
    for (const epoch of seen) {
      expectClose([epoch.reduce((a, b) => a + b, 0)], [sum], { abs: 1e-5, rel: 0 });
    }
    if (shuffle === true) {
      for (const epoch of seen) {
        expect(epoch.toSorted((a, b) => a - b)).toEqual(losses.toSorted((a, b) => a - b));
      }
      expect(seen[0]).not.toEqual(seen[1]);
    } else {
      const runs = [0, 3, 6].map(n => losses[n]! + losses[n + 1]! + losses[n + 2]!);
      for (const epoch of seen) {
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

describe('a stateful model', () => {
  const { xs, ys, part } = data(8, 2);

  test('is trained in order at its own batch size, and carries its state', async () => {
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

  test('is not shuffled, and takes whole batches only', async () => {
    const model = stateful();
    const before = weightsOf(model);
    const bad: [ModelFitArgs, string][] = [
      [{ shuffle: true }, 'shuffle must be false for a stateful model'],
      [{ shuffle: 'batch' }, 'shuffle must be false for a stateful model'],
      [{ batchSize: 4 }, 'batchSize must be 2, the batch size of the model, got 4'],
      [{ validationSplit: 0.1 }, 'must hold a multiple of 2 samples'],
      [{ validationData: [part(0, 3).xs, part(0, 3).ys] }, 'validationData[0] must hold a multiple of 2 samples'],
    ];
    for (const [options, message] of bad) {
      await expect(model.fit(xs, ys, { ...quiet, ...options })).rejects.toThrow(message);
    }
    const odd = part(0, 7);
    await expect(model.fit(odd.xs, odd.ys, quiet)).rejects.toThrow('x must hold a multiple of 2 samples');
    expectBits(weightsOf(model), before);
    await model.fit(xs, ys, { ...quiet, shuffle: false, batchSize: 2, validationSplit: 0.25 });
  });
});

describe('evaluate', () => {
  const { xs, ys, part } = data(10);

  test('is the mean over samples, whatever the size of batches', () => {
    const model = small();
    const whole = model.testOnBatch(xs, ys) as number;
    for (const batchSize of [1, 3, 10, 32]) {
      const loss = model.evaluate(xs, ys, { batchSize }) as Tensor;
      expect(loss.shape).toEqual([]);
      expectClose([Number(loss)], [whole], { abs: 1e-6, rel: 0 });
    }
    expectBits([Number(model.evaluate(xs, ys))], [whole]);
  });

  test('over a data set', async () => {
    const model = small();
    const batches = [part(0, 4), part(4, 8), part(8, 10)];
    const loss = Number(model.evaluate(xs, ys, { batchSize: 4 }));
    expectBits([Number(await model.evaluateDataset(batches))], [loss]);
    const first = Number(model.evaluate(part(0, 4).xs, part(0, 4).ys));
    expectBits([Number(await model.evaluateDataset(batches, { batches: 1 }))], [first]);
  });

  test('over fewer batches than asked for, with a warning', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const model = small();
    await model.evaluateDataset([part(0, 4)], { batches: 2 });
    expect(warn.mock.calls.flat().join()).toContain('dataset must hold 2 batches, got 1');
    warn.mockRestore();
  });
});

describe('epochs', () => {
  const { xs, ys } = data(4);

  test('begin with initialEpoch and end before epochs', async () => {
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

  test('may be none', async () => {
    const history = await small().fit(xs, ys, { ...quiet, initialEpoch: 3, epochs: 3 });
    expect(history.epoch).toEqual([]);
    expect(history.history).toEqual({});
  });
});

describe('one training at a time', () => {
  const { xs, ys, part } = data(8);

  test('a second is refused while one runs, and welcome afterwards', async () => {
    const model = small();
    const first = model.fit(xs, ys, { ...quiet, epochs: 2 });
    await expect(model.fit(xs, ys, quiet)).rejects.toThrow('the model is already being trained');
    await expect(model.fitDataset([part(0, 2)], quiet)).rejects.toThrow('the model is already being trained');
    expect((await first).epoch).toEqual([0, 1]);
    await model.fit(xs, ys, quiet);
  });

  test('a callback may predict, evaluate and train, and changes nothing by the first two', async () => {
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
    const fall = () => {
      throw new RangeError('as it happens');
    };
    const options = { ...quiet, batchSize: 4, shuffle: false };
    await expect(a.fit(xs, ys, { ...options, callbacks: { onBatchEnd: fall } })).rejects.toThrow(RangeError);
    const first = part(0, 4);
    b.trainOnBatch(first.xs, first.ys);
    expectBits(weightsOf(a), weightsOf(b));
    await a.fit(xs, ys, options);
  });

  test('a signal ends it between two batches, and the model can be trained again', async () => {
    const [a, b] = twins();
    const reason = new RangeError('enough');
    const ended = vi.fn();
    for (const source of ['samples', 'a data set']) {
      const control = new AbortController();
      const onBatchEnd = (batch: number) => void (batch === 1 && control.abort(reason));
      const { signal } = control;
      const options = { ...quiet, epochs: 3, signal, callbacks: { onBatchEnd, onEpochEnd: ended, onTrainEnd: ended } };
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
    expect(ended).not.toHaveBeenCalled();
    await a.fit(xs, ys, { ...quiet, signal: new AbortController().signal });
  });

  test('dispose and compile end it with an error that says so', async () => {
    const options = { ...quiet, batchSize: 2, epochs: 3 };
    const disposed = small();
    const dispose = { onBatchEnd: () => disposed.dispose() };
    const message = 'model.fit: the model must not be disposed of while it is trained';
    await expect(disposed.fit(xs, ys, { ...options, callbacks: dispose })).rejects.toThrow(message);
    const compiled = small();
    const compile = { onEpochEnd: () => compiled.compile({ optimizer: 'sgd', loss: 'mse' }) };
    const other = 'model.fit: the model must not be compiled anew while it is trained';
    await expect(compiled.fit(xs, ys, { ...options, callbacks: compile })).rejects.toThrow(other);
    await compiled.fit(xs, ys, options);
  });
});

describe('a loss that is not a number', () => {
  test('changes nothing, is told once with its cause, and training goes on', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const [a, b] = twins();
    const { x, y, xs, ys, part } = data(6);
    const broken = x.slice();
    broken[2 * 6 + 1] = Number.NaN; // sample 2
    const options = { ...quiet, batchSize: 1, epochs: 2, shuffle: false };
    const { history } = await a.fit(tensor(broken, [6, 3, 2]), y, options);
    for (const n of [0, 1, 3, 4, 5, 0, 1, 3, 4, 5]) {
      const one = part(n, n + 1);
      b.trainOnBatch(one.xs, one.ys);
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

describe('errors', () => {
  const { xs, ys, part } = data(4);
  // biome-ignore lint/suspicious/noExplicitAny: wrong arguments are the point
  const wrong = (value: unknown): any => value;

  const bad: [what: string, options: unknown, message: string][] = [
    ['options that are none', 3, 'options must be an object, got 3'],
    ['an unknown option', { batchsize: 3 }, "unknown option 'batchsize'; did you mean 'batchSize'?"],
    ['a batch of none', { batchSize: 0 }, 'batchSize must be a whole number of at least 1, got 0'],
    ['half a batch', { batchSize: 2.5 }, 'batchSize must be'],
    ['no epoch', { epochs: 0 }, 'epochs must be a whole number of at least 1, got 0'],
    ['epochs in words', { epochs: '3' }, "epochs must be a whole number of at least 1, got '3'"],
    ['a first epoch before the first', { initialEpoch: -1 }, 'initialEpoch must be'],
    ['another shuffle', { shuffle: 'all' }, "shuffle must be true, false or 'batch', got 'all'"],
    ['a split of all', { validationSplit: 1 }, 'validationSplit must be a finite number at least 0 and below 1, got 1'],
    ['a split that leaves nothing', { validationSplit: 0.99 }, 'validationSplit must leave at least one of 4 samples'],
    [
      'validation without y',
      { validationData: [xs] },
      'validationData must be [x, y] or [x, y, sampleWeight], got [a Tensor]',
    ],
    ['validation that does not fit', { validationData: [xs, [[1]]] }, 'validationData[1] must have the shape [4, 1]'],
    ['validation of another width', { validationData: [[[[1]]], [[1]]] }, 'validationData[0] must have the shape'],
    ['steps', { stepsPerEpoch: 3 }, 'stepsPerEpoch must be absent'],
    ['steps of validation', { validationSteps: 3 }, 'fitDataset has validationBatches'],
    ['a verbosity', { verbose: 3 }, 'verbose must be 0, 1, 2, true or false, got 3'],
    ['a signal that is none', { signal: 3 }, 'signal must be an AbortSignal, got 3'],
    ['a time', { yieldEvery: -1 }, "yieldEvery must be 'auto', 'batch', 'epoch', 'never' or milliseconds, got -1"],
    ['a time in words', { yieldEvery: 'frame' }, "got 'frame'"],
    ['callbacks that are none', { callbacks: 3 }, 'callbacks must be an object with functions'],
    ['a list with none', { callbacks: [{}, null] }, 'callbacks[1] must be an object with functions'],
    ['a misspelled callback', { callbacks: { onEpochEnded() {} } }, "did you mean 'onEpochEnd'?"],
    ['a callback that is no function', { callbacks: { onEpochEnd: 3 } }, 'onEpochEnd of callbacks must be a function'],
    ['something that hears nothing', { callbacks: new Map() }, 'callbacks must have a function'],
    [
      'onYield that would not be called',
      { callbacks: { onYield() {} }, yieldEvery: 'never' },
      "yieldEvery must not be 'never' with onYield",
    ],
  ];

  test.each(bad)('%s', async (_, options, message) => {
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

  test('data that does not fit', async () => {
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

  test('a failed call draws no random numbers, and leaves optimizer and states alone', async () => {
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

  test('evaluate', () => {
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
    const raw = sequential({ layers: [layers.dense({ units: 1, inputShape: [2] })] });
    expect(() => raw.evaluate([[1, 2]], [[1]])).toThrow('model.evaluate: the model must be compiled first');
  });

  test('before compile, after dispose, and a stopTraining that is neither', async () => {
    const raw = sequential({ layers: [layers.lstm({ units: 2, inputShape: [3, 2] }), layers.dense({ units: 1 })] });
    await expect(raw.fit(xs, ys)).rejects.toThrow('model.fit: the model must be compiled first');
    const gone = small();
    gone.dispose();
    await expect(gone.fit(xs, ys)).rejects.toThrow('model.fit: the model must not be used after dispose()');
    expect(() => {
      gone.stopTraining = wrong('yes');
    }).toThrow('stopTraining must be true or false');
  });
});
