// Callbacks: when they are called and with which arguments, and the built-in callbacks.

import {
  type BaseCallback,
  Callback,
  CustomCallback,
  type CustomCallbackArgs,
  callbacks,
  EarlyStopping,
  History,
  type Logs,
  type ModelFitArgs,
  type Sequential,
  ValueError,
} from 'lstm-wasm';
import { describe, expect, test, vi } from 'vitest';
import { expectBits } from '../compare.ts';
import { data, FixedLogs, type Note, notes, quiet, small, stop, weightsOf } from './training.ts';

const { xs, ys } = data(5);
const loss = expect.any(Number);

/** Trains on five samples, by default in batches of two. */
async function train(list: ModelFitArgs['callbacks'], options: ModelFitArgs = {}, model = small()) {
  return model.fit(xs, ys, { ...quiet, yieldEvery: 'auto', batchSize: 2, callbacks: list, ...options });
}

/** Trains `count` epochs on five samples. */
async function epochs(count: number, list: ModelFitArgs['callbacks'], model: Sequential = small()) {
  return model.fit(xs, ys, { ...quiet, epochs: count, callbacks: list });
}

describe('callback events', () => {
  const batch = (n: number, size: number) => [
    ['batchBegin', n, {}],
    ['batchEnd', n, { batch: n, size, loss }],
  ];

  test('fit calls callbacks in the order of TF.js', async () => {
    const list: Note[] = [];
    // A clock that stands still, so that no yield occurs on a slow machine.
    const { history } = await train({ ...notes(list), nowFunc: () => 0 }, { epochs: 2, validationData: [xs, ys] });
    const epoch = (n: number) => [
      ['epochBegin', n, {}],
      ...batch(0, 2),
      ...batch(1, 2),
      ...batch(2, 1),
      ['epochEnd', n, { val_loss: history.val_loss![n], loss: history.loss![n] }],
    ];
    expect(list).toEqual([['trainBegin', {}], ...epoch(0), ...epoch(1), ['trainEnd', {}]]);
    const last = list.findLast(([event]) => event === 'epochEnd')!;
    expect(Object.keys(last[2] as Logs)).toEqual(['val_loss', 'loss']);
  });

  test('several callbacks are called in turn for each event, each awaited', async () => {
    const list: Note[] = [];
    const slow: CustomCallbackArgs = {
      onBatchEnd: async () => {
        await new Promise(resolve => setTimeout(resolve, 2));
        list.push(['slow']);
      },
    };
    class CallbackWithModel extends Callback {
      override async onBatchEnd(batch: number): Promise<void> {
        list.push(['subclass', batch, this.model === model, this.params.metrics.join()]);
      }
    }
    const model = small();
    await train(
      [slow, new CallbackWithModel(), { onBatchEnd: n => void list.push(['object', n]) }],
      { batchSize: 5 },
      model,
    );
    expect(list).toEqual([['slow'], ['subclass', 0, true, 'loss'], ['object', 0]]);
  });

  test('validation runs before onBatchEnd of the last batch', async () => {
    const list: string[] = [];
    const watch = {
      onBatchEnd: (n: number) => void list.push(`end ${n}`),
      // Awaited after every batch, and between the two validation batches.
      nextFrameFunc: async () => void list.push('frame'),
    };
    await train(watch, { validationSplit: 0.4, batchSize: 1, yieldEvery: 0 });
    expect(list).toEqual(['end 0', 'frame', 'end 1', 'frame', 'frame', 'end 2', 'frame']);
  });

  test('callbacks may be an object, an instance, a list or absent', async () => {
    const list: Note[] = [];
    const object = { onTrainEnd: () => void list.push(['end']) };
    for (const form of [object, new CustomCallback(object), [object], [new CustomCallback(object)], [object, object]]) {
      await train(form as ModelFitArgs['callbacks']);
    }
    expect(list).toHaveLength(6);
    await train([]);
    await train({});
    await train(undefined);
    await train({ onEpochEnd: undefined });
  });

  test('callback methods are called on their object', async () => {
    class Counter {
      batches = 0;
      onBatchEnd(): void {
        this.batches++;
      }
    }
    const counter = new Counter();
    await train(counter);
    expect(counter.batches).toBe(3);
  });

  test('values that a callback adds to the logs of an epoch enter the history and reach later callbacks', async () => {
    const list: unknown[] = [];
    const writer = { onEpochEnd: (epoch: number, logs?: Logs) => void Object.assign(logs!, { extra: epoch * 10 }) };
    const reader = { onEpochEnd: (_: number, logs?: Logs) => void list.push(logs!.extra) };
    const { history } = await epochs(3, [writer, reader]);
    expect(list).toEqual([0, 10, 20]);
    expect(history.extra).toEqual([0, 10, 20]);
  });

  test('fit returns the history and sets model.history', async () => {
    const model = small();
    expect(model.history).toBeNull();
    const history = await epochs(1, [], model);
    expect(history).toBeInstanceOf(History);
    expect(model.history).toBe(history);
  });
});

describe('stopTraining', () => {
  const stopAt = (model: Sequential, event: keyof CustomCallbackArgs, n: number) => ({
    [event]: (index: number) => {
      if (index === n) stop(model);
    },
  });

  test.each([
    ['onBatchBegin', 1, 2],
    ['onBatchEnd', 1, 2],
    ['onBatchEnd', 2, 3],
    ['onEpochEnd', 0, 3],
    ['onEpochBegin', 1, 4],
  ] as const)('stopTraining in %s %i ends the training after %i batches', async (event, n, count) => {
    const list: Note[] = [];
    const model = small();
    const validationData = [xs, ys] as const;
    const options = { epochs: 3, validationData };
    const { history } = await train([stopAt(model, event, n), notes(list)], options, model);
    expect(list.filter(([event]) => event === 'batchEnd')).toHaveLength(count);
    expect(list.slice(-2).map(([event]) => event)).toEqual(['epochEnd', 'trainEnd']);
    // An interrupted epoch reports the mean loss of its batches and runs no validation.
    expect(history.loss).toHaveLength(count > 3 ? 2 : 1);
    expect(history.val_loss?.length ?? 0).toBe(count >= 3 ? 1 : 0);
    expect(model.stopTraining).toBe(true);
    await train([], {}, model);
    expect(model.stopTraining).toBe(false);
  });

  test('stopTraining in onTrainBegin ends the training after one batch', async () => {
    const model = small();
    const list: Note[] = [];
    await train([{ onTrainBegin: () => stop(model) }, notes(list)], { epochs: 3 }, model);
    expect(list.filter(([event]) => event === 'batchEnd')).toHaveLength(1);
  });
});

describe('yieldEvery', () => {
  /** A clock that advances by 10 ms a batch, and a list of batch ends, yields and awaited frames. */
  function clock() {
    const list: string[] = [];
    let now = 0;
    return {
      list,
      callbacks: {
        nowFunc: () => now,
        nextFrameFunc: async () => void list.push('frame'),
        onBatchEnd: (batch: number) => {
          list.push(`end ${batch}`);
        },
        onBatchBegin: () => {
          now += 10;
        },
        onYield: (epoch: number, batch: number, logs: Logs) => {
          list.push(`yield ${epoch} ${batch} ${'loss' in logs}`);
        },
      },
    };
  }

  test.each([
    ['auto', ['end 0', 'end 1', 'end 2']],
    [20, ['end 0', 'end 1', 'yield 0 1 true', 'frame', 'end 2']],
    [
      'batch',
      ['end 0', 'yield 0 0 true', 'frame', 'end 1', 'yield 0 1 true', 'frame', 'end 2', 'yield 0 2 true', 'frame'],
    ],
    [0, ['end 0', 'yield 0 0 true', 'frame', 'end 1', 'yield 0 1 true', 'frame', 'end 2', 'yield 0 2 true', 'frame']],
    ['epoch', ['end 0', 'end 1', 'end 2', 'yield 0 2 true', 'frame']],
  ] as const)('yieldEvery %s yields after the right batches', async (yieldEvery, expected) => {
    const { list, callbacks } = clock();
    await train(callbacks, { yieldEvery });
    expect(list).toEqual(expected);
  });

  test('yieldEvery auto yields every 125 ms', async () => {
    const { list, callbacks } = clock();
    await train(callbacks, { batchSize: 1, epochs: 6 });
    expect(list.filter(line => line.startsWith('yield'))).toEqual(['yield 2 2 true', 'yield 5 0 true']);
  });

  test("yieldEvery 'never' never awaits a frame", async () => {
    const { list, callbacks } = clock();
    const { onYield, ...withoutOnYield } = callbacks;
    await train(withoutOnYield, { yieldEvery: 'never', epochs: 50 });
    expect(list).not.toContain('frame');
    expect(onYield).toBeTypeOf('function');
  });

  test('a CustomCallback has its own yieldEvery', async () => {
    const list: number[] = [];
    const everyBatch = new CustomCallback({ onYield: (_, batch) => void list.push(batch) }, 'batch');
    await train([everyBatch, { onYield: () => void list.push(-1) }]);
    expect(list).toEqual([0, 1, 2]);
  });

  test('timers run during training and validation', async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const busyWait = () => {
      const until = performance.now() + 2;
      while (performance.now() < until);
    };
    await train({ onBatchBegin: busyWait }, { epochs: 5, yieldEvery: 1 });
    expect(ticks).toBeGreaterThan(3);
    ticks = 0;
    await train({ onBatchBegin: busyWait }, { epochs: 5, yieldEvery: 'never' });
    expect(ticks).toBe(0);
    clearInterval(timer);

    const frames: string[] = [];
    let now = 0;
    await train(
      { nowFunc: () => now++, nextFrameFunc: async () => void frames.push('frame') },
      { yieldEvery: 1, batchSize: 1, validationData: [xs, ys] },
    );
    // Five batches, and four gaps between the five validation batches.
    expect(frames).toHaveLength(9);
  });
});

describe('earlyStopping', () => {
  const epochsUntilStop = async (values: number[], args: Parameters<typeof callbacks.earlyStopping>[0]) => {
    const earlyStopping = callbacks.earlyStopping({ monitor: 'm', ...args });
    const { epoch } = await epochs(values.length, [new FixedLogs({ [args?.monitor ?? 'm']: values }), earlyStopping]);
    return epoch.length;
  };

  test.each([
    ['without patience', [3, 2, 2, 1], {}, 3],
    ['with patience', [3, 2, 2, 2, 1, 1, 1, 0], { patience: 3 }, 8],
    ['with less patience', [3, 2, 2, 2, 1, 1, 1, 0], { patience: 2 }, 4],
    ['minDelta ignores small improvements', [3, 2.5, 2, 1.9, 1], { minDelta: 0.4 }, 4],
    ['minDelta takes the absolute value', [3, 2.5, 2, 1.9, 1], { minDelta: -0.4 }, 4],
    ['mode max', [1, 2, 3, 2, 5], { mode: 'max' }, 4],
    ['an accuracy is maximized', [1, 2, 3, 2, 5], { monitor: 'val_acc' }, 4],
    ['an accuracy with mode min', [1, 2, 3], { monitor: 'val_acc', mode: 'min' }, 2],
    ['no stop while it improves', [5, 4, 3, 2], {}, 4],
    ['a baseline that is not reached', [5, 4, 3, 2], { baseline: 1, patience: 3 }, 3],
    ['a baseline that is reached', [5, 0.5, 0.4, 0.3], { baseline: 1, patience: 2 }, 4],
    ['NaN is no improvement', [Number.NaN, Number.NaN, 1], { patience: 2 }, 2],
    ['one NaN among numbers', [3, Number.NaN, 2, 1], { patience: 2 }, 4],
  ] as const)('earlyStopping ends after the right epoch: %s', async (_, values, args, count) => {
    expect(await epochsUntilStop([...values], args)).toBe(count);
  });

  test('restoreBestWeights restores the bits of the best epoch, whether training stopped early or not', async () => {
    for (const values of [
      [3, 1, 2, 2, 2],
      [3, 1, 2],
    ]) {
      const weightsByEpoch: number[][] = [];
      const model = small();
      const earlyStopping = callbacks.earlyStopping({ monitor: 'm', patience: 2, restoreBestWeights: true });
      const recorder = { onEpochEnd: () => void weightsByEpoch.push(weightsOf(model)) };
      await epochs(values.length, [recorder, new FixedLogs({ m: values }), earlyStopping], model);
      expect([earlyStopping.bestEpoch, earlyStopping.best]).toEqual([1, 1]);
      expect(earlyStopping.stoppedEpoch).toBe(values.length === 5 ? 3 : null);
      expect(weightsByEpoch.at(-1)).not.toEqual(weightsByEpoch[1]);
      expectBits(weightsOf(model), weightsByEpoch[1]!);
    }
  });

  test('without restoreBestWeights the last weights stay, and each training starts counting anew', async () => {
    const model = small();
    const earlyStopping = new EarlyStopping({ monitor: 'm' });
    const weightsByEpoch: number[][] = [];
    const recorder = { onEpochEnd: () => void weightsByEpoch.push(weightsOf(model)) };
    for (let n = 0; n < 2; n++) {
      const { epoch } = await epochs(4, [recorder, new FixedLogs({ m: [3, 1, 2, 2] }), earlyStopping], model);
      expect(epoch).toEqual([0, 1, 2]);
      expectBits(weightsOf(model), weightsByEpoch.at(-1)!);
    }
  });

  test('earlyStopping monitors val_loss, warns once if it is missing, and logs the stop', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const log = vi.spyOn(console, 'log').mockReturnValue();
    expect((await epochs(3, callbacks.earlyStopping())).epoch).toHaveLength(3);
    expect(warn.mock.calls.flat()).toEqual(["EarlyStopping: 'val_loss' must be in the logs, which have 'loss'"]);
    await epochs(3, [new FixedLogs({ val_loss: [1, 2, 3] }), callbacks.earlyStopping({ verbose: 1 })]);
    expect(log.mock.calls.flat()).toEqual(['Epoch 1: early stopping.']);
    warn.mockRestore();
    log.mockRestore();
  });
});

describe('reduceLROnPlateau', () => {
  const ratesOf = async (values: number[], args: Parameters<typeof callbacks.reduceLROnPlateau>[0]) => {
    const reduce = callbacks.reduceLROnPlateau({ monitor: 'm', factor: 0.5, patience: 1, ...args });
    const model = small({ rate: 0.64 });
    const { history } = await epochs(values.length, [new FixedLogs({ m: values }), reduce], model);
    return [...history.lr!, model.optimizer!.learningRate];
  };

  test.each([
    ['after an epoch without improvement', [3, 2, 2, 2], {}, [0.64, 0.64, 0.64, 0.32, 0.16]],
    ['with patience', [3, 3, 3, 3, 3], { patience: 2 }, [0.64, 0.64, 0.64, 0.32, 0.32, 0.16]],
    ['cooldown', [3, 3, 3, 3, 3], { cooldown: 2 }, [0.64, 0.64, 0.32, 0.32, 0.16, 0.16]],
    ['not below minLR', [3, 3, 3, 3], { minLR: 0.2 }, [0.64, 0.64, 0.32, 0.2, 0.2]],
    ['an improvement below the default minDelta of 1e-4', [3, 2.99995, 2.9998], {}, [0.64, 0.64, 0.32, 0.32]],
    ['mode max', [1, 2, 2], { mode: 'max' }, [0.64, 0.64, 0.64, 0.32]],
  ] as const)('reduceLROnPlateau sets the right learning rates: %s', async (_, values, args, expected) => {
    expect(await ratesOf([...values], args)).toEqual(expected);
  });

  test('reduceLROnPlateau has the defaults of Keras', async () => {
    const model = small({ rate: 1 });
    const values = Array.from({ length: 12 }, () => 1);
    const list = [new FixedLogs({ val_loss: values }), callbacks.reduceLROnPlateau()];
    const { history } = await epochs(12, list, model);
    expect(history.lr).toEqual([...Array.from({ length: 11 }, () => 1), 0.1]);
  });
});

describe('modelCheckpoint', () => {
  test('modelCheckpoint keeps the best weights in memory', async () => {
    const model = small();
    const weightsByEpoch: number[][] = [];
    const recorder = { onEpochEnd: () => void weightsByEpoch.push(weightsOf(model)) };
    const checkpoint = callbacks.modelCheckpoint({ monitor: 'm' });
    await epochs(4, [recorder, new FixedLogs({ m: [3, 1, 2, 2] }), checkpoint], model);
    expect([checkpoint.bestEpoch, checkpoint.best]).toEqual([1, 1]);
    expectBits(weightsOf(model), weightsByEpoch[3]!);
    model.setWeights(checkpoint.bestWeights!);
    expectBits(weightsOf(model), weightsByEpoch[1]!);
  });

  test('modelCheckpoint awaits save for the best epochs, or for every epoch with saveBestOnly: false', async () => {
    for (const [saveBestOnly, expected] of [
      [undefined, [0, 1, 3]],
      [false, [0, 1, 2, 3]],
    ] as const) {
      const list: number[] = [];
      const model = small();
      const save = async (epoch: number, logs: Logs, passedModel: Sequential) => {
        await Promise.resolve();
        expect(passedModel).toBe(model);
        expect(logs.m).toBe([3, 2, 2, 1][epoch]);
        list.push(epoch);
      };
      await epochs(
        4,
        [new FixedLogs({ m: [3, 2, 2, 1] }), callbacks.modelCheckpoint({ monitor: 'm', saveBestOnly, save })],
        model,
      );
      expect(list).toEqual(expected);
    }
  });
});

test('learningRateScheduler sets the rate of each epoch and rejects NaN', async () => {
  const model = small({ rate: 0.5 });
  const previousRates: number[] = [];
  const schedule = (epoch: number, rate: number) => {
    previousRates.push(rate);
    return 1 / (epoch + 1);
  };
  const { history } = await epochs(3, callbacks.learningRateScheduler(schedule), model);
  expect(previousRates).toEqual([0.5, 1, 1 / 2]);
  expect(history.lr).toEqual([1, 1 / 2, 1 / 3]);
  expect(model.optimizer!.learningRate).toBe(1 / 3);
  const rejected = epochs(
    1,
    callbacks.learningRateScheduler(() => Number.NaN),
    model,
  );
  await expect(rejected).rejects.toThrow('schedule must return a finite number of at least 0, got NaN for epoch 0');
});

test('terminateOnNaN stops after the first batch with a NaN loss', async () => {
  const warn = vi.spyOn(console, 'warn').mockReturnValue();
  const list: Note[] = [];
  const y = [[1], [2], [3], [Number.NaN], [5]];
  const options = { ...quiet, batchSize: 1, epochs: 3, shuffle: false };
  await small().fit(xs, y, {
    ...options,
    callbacks: [callbacks.terminateOnNaN(), { onBatchEnd: n => void list.push(['end', n]) }],
  });
  expect(list).toEqual([0, 1, 2, 3].map(n => ['end', n]));
  warn.mockRestore();
});

describe('callback arguments', () => {
  // biome-ignore lint/suspicious/noExplicitAny: wrong arguments are the point
  const wrong = (value: unknown): any => value;
  const calls: [string, () => BaseCallback, string][] = [
    ['earlyStopping', () => callbacks.earlyStopping(wrong({ patient: 1 })), "did you mean 'patience'?"],
    ['earlyStopping', () => callbacks.earlyStopping({ patience: -1 }), 'patience must be'],
    ['earlyStopping', () => callbacks.earlyStopping({ mode: wrong('least') }), "unknown mode 'least'"],
    ['earlyStopping', () => callbacks.earlyStopping({ monitor: '' }), 'monitor must be a name'],
    ['earlyStopping', () => callbacks.earlyStopping({ baseline: wrong('1') }), 'baseline must be a finite number'],
    ['earlyStopping', () => callbacks.earlyStopping({ minDelta: Number.NaN }), 'minDelta must be a finite number'],
    ['earlyStopping', () => callbacks.earlyStopping({ restoreBestWeights: wrong(1) }), 'must be true or false'],
    ['reduceLROnPlateau', () => callbacks.reduceLROnPlateau({ factor: 1 }), 'factor must be'],
    ['reduceLROnPlateau', () => callbacks.reduceLROnPlateau(wrong({ minLr: 1 })), "did you mean 'minLR'?"],
    ['reduceLROnPlateau', () => callbacks.reduceLROnPlateau({ cooldown: 1.5 }), 'cooldown must be'],
    ['modelCheckpoint', () => callbacks.modelCheckpoint({ save: wrong('file') }), 'save must be a function'],
    ['modelCheckpoint', () => callbacks.modelCheckpoint({ saveBestOnly: false }), 'saveBestOnly must be true'],
    ['learningRateScheduler', () => callbacks.learningRateScheduler(wrong(0.1)), 'schedule must be a function'],
    ['progressBar', () => callbacks.progressBar({ stream: wrong({}) }), 'stream must have a write function'],
    ['progressBar', () => callbacks.progressBar(wrong({ steam: 1 })), "did you mean 'stream'?"],
  ];
  test.each(calls)('callbacks.%s rejects invalid arguments (%#)', (name, call, message) => {
    expect(call).toThrow(ValueError);
    expect(call).toThrow(`callbacks.${name}: `);
    expect(call).toThrow(message);
  });

  test('CustomCallback rejects invalid arguments', () => {
    expect(() => new CustomCallback(wrong(null))).toThrow('CustomCallback: args must be an object');
    expect(() => new CustomCallback({ onYield() {} }, 'never')).toThrow("yieldEvery must not be 'never'");
    expect(() => new CustomCallback({}, wrong('frame'))).toThrow('CustomCallback: yieldEvery must be');
  });
});
