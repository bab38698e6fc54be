/** Models in a worker thread of Node; tests the built package. */

import { rmSync } from 'node:fs';
import type * as Core from 'lstm-wasm';
import type { RemoteSequential } from 'lstm-wasm/worker';
import { afterEach, describe, expect, it, test } from 'vitest';
import {
  built,
  connect,
  endless,
  fitLayers,
  lw,
  messageOf,
  mse,
  numbers,
  small,
  start,
  terminateHosts,
  x,
  y,
} from './hosts.ts';

const { forecast, sineCosine, standardize }: typeof import('lstm-wasm/data') = await built('data');

afterEach(terminateHosts);

const { layers, train, callbacks } = lw;
const seedLayers = () => [
  layers.lstm({ units: 20, returnSequences: true, stateful: true, batchInputShape: [50, 20, 1] }),
  layers.timeDistributed({ layer: layers.dense({ units: 1 }) }),
];
const arraysOf = (tensors: readonly Core.Tensor[]) => tensors.map(tensor => [...tensor.dataSync()]);
/** Replaces tensors by arrays, at any depth. */
const withoutTensors = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutTensors);
  return value instanceof lw.Tensor ? [...value.dataSync()] : value;
};

describe('results compared with a model outside a worker', () => {
  it('the seed program gives the same bits in a worker, batch by batch', async () => {
    lw.setRandomSeed(7);
    const here = lw.sequential({ layers: seedLayers() });
    here.compile({ optimizer: train.adam(0.006), loss: 'meanSquaredError' });
    const host = start();
    const there = await host.sequential();
    for (const layer of seedLayers()) await there.add(layer);
    await there.compile({ optimizer: train.adam(0.006), loss: 'meanSquaredError' });
    const batches = sineCosine({ batchSize: 50, timeSteps: 20 });
    for (let step = 0; step < 30; step++) {
      const { xs, ys } = batches.next().value!;
      expect(await there.trainOnBatch(xs, ys)).toBe(here.trainOnBatch(xs, ys));
      if (step % 10 === 0) expect(arraysOf([await there.predict(xs)])).toEqual(arraysOf([here.predict(xs)]));
    }
    expect(arraysOf(await there.getWeights())).toEqual(arraysOf(here.getWeights()));
    expect((await there.getStates()).map(arraysOf)).toEqual(here.getStates().map(arraysOf));
    expect(await there.countParams()).toBe(here.countParams());
    expect(there.outputs.map(({ shape }) => shape)).toEqual(here.outputs.map(({ shape }) => shape));
  });

  it('arrays of one tensor and frozen layers give the same bits in a worker', async () => {
    lw.setRandomSeed(7);
    const stack = () => [layers.gru({ units: 6, inputShape: [5, 2], trainable: false }), layers.dense({ units: 1 })];
    const here = lw.sequential({ layers: stack() });
    const there = await start().sequential({ layers: stack() });
    for (const model of [here, there]) await model.compile({ optimizer: 'adam', loss: ['mse'] });
    const [xs, ys] = [lw.tensor3d(x.slice(0, 160), [16, 5, 2]), lw.tensor2d(y.slice(0, 16), [16, 1])];
    expect(await there.trainOnBatch([xs], [ys])).toBe(here.trainOnBatch([xs], [ys]));
    const options = { epochs: 2, verbose: 0 } as const;
    expect((await there.fit([xs], [ys], options)).history).toEqual((await here.fit([xs], [ys], options)).history);
    expect(arraysOf([await there.predict([xs])])).toEqual(arraysOf([here.predict([xs])]));
    expect(arraysOf([await there.predictOnBatch([xs])])).toEqual(arraysOf([here.predictOnBatch([xs])]));
    expect(withoutTensors(await there.evaluate([xs], [ys]))).toEqual(withoutTensors(here.evaluate([xs], [ys])));
    const two = [xs, xs] as unknown as [Core.Tensor];
    expect(await messageOf(there.predict(two))).toBe(
      'ValueError model.predict: x must be one tensor, or a list of one, got a list of 2',
    );
    expect(arraysOf(await there.getWeights(true))).toEqual(arraysOf(here.getWeights(true)));
    expect(await there.getWeights(true)).toHaveLength(2);
    expect(await there.getWeights()).toHaveLength(5);
    expect(there.outputShape).toEqual([null, 1]);
  });

  it('arrays of typed arrays give the same bits in a worker', async () => {
    lw.setRandomSeed(7);
    const here = lw.sequential({ layers: fitLayers() });
    here.compile(mse());
    const there = await small();
    const rows = (values: Float32Array, width: number) =>
      Array.from({ length: values.length / width }, (_, n) => values.slice(n * width, (n + 1) * width));
    const xs = Array.from({ length: 16 }, (_, n) => rows(x.subarray(n * 10, (n + 1) * 10), 2));
    const ys = rows(y.subarray(0, 16), 1);
    expect(await there.trainOnBatch(xs, ys)).toEqual(here.trainOnBatch(xs, ys));
    const options = { epochs: 2, verbose: 0, batchSize: 4, transfer: true } as const;
    const expected = await here.fit(xs, ys, { epochs: 2, verbose: 0, batchSize: 4 });
    expect((await there.fit(xs, ys, options)).history).toEqual(expected.history);
    expect(xs[0]![0]).toHaveLength(0); // transferred
  });

  it('calls that are not awaited run in order and give the same bits in a worker', async () => {
    const makeCalls = (model: Core.Sequential | RemoteSequential) => {
      const batches = sineCosine({ batchSize: 50, timeSteps: 20 });
      return Array.from({ length: 90 }, (_, step) => {
        const { xs, ys } = batches.next().value!;
        if (step === 30) void model.resetStates();
        if (step === 60) void model.compile({ optimizer: 'sgd', loss: 'mae' });
        if (step % 15 === 14) return model.predict(xs);
        return step % 15 === 7 ? model.getStates() : model.trainOnBatch(xs, ys);
      });
    };
    lw.setRandomSeed(7);
    const here = lw.sequential({ layers: seedLayers() });
    here.compile({ optimizer: 'adam', loss: 'mse' });
    const there = await start().sequential({ layers: seedLayers() });
    await there.compile({ optimizer: 'adam', loss: 'mse' });
    const settled: number[] = [];
    const promises = makeCalls(there).map((answer, n) =>
      Promise.resolve<unknown>(answer).finally(() => settled.push(n)),
    );
    const answers = await Promise.all(promises);
    expect(withoutTensors(answers)).toEqual(withoutTensors(makeCalls(here)));
    expect(settled).toEqual(promises.map((_, n) => n));
  });

  it('fit with shuffle, dropout, validation and callbacks gives the same bits in a worker', async () => {
    lw.setRandomSeed(7);
    const here = lw.sequential({ layers: fitLayers() });
    here.compile(mse());
    const options = () => ({ epochs: 6, batchSize: 16, verbose: 0, validationSplit: 0.2 }) as const;
    const stop = () => callbacks.earlyStopping({ patience: 0, minDelta: 0.005, restoreBestWeights: true });
    const [localEvents, remoteEvents]: [unknown[], unknown[]] = [[], []];
    const listen = (list: unknown[]) => ({
      onBatchEnd: (batch: number, logs?: Core.Logs) => void list.push([batch, { ...logs }]),
      onEpochEnd: (epoch: number, logs?: Core.Logs) => void list.push([epoch, { ...logs }]),
    });
    const [localStop, remoteStop] = [stop(), stop()];
    const expected = await here.fit(x, y, { ...options(), callbacks: [localStop, listen(localEvents)] });
    const there = await small();
    const history = await there.fit(x, y, { ...options(), callbacks: [remoteStop, listen(remoteEvents)] });
    expect(history.history).toEqual(expected.history);
    expect(history).toBeInstanceOf(lw.History);
    expect(there.history).toBe(history);
    expect(remoteEvents).toEqual(localEvents);
    expect([remoteStop.stoppedEpoch, remoteStop.best]).toEqual([localStop.stoppedEpoch, localStop.best]);
    expect(arraysOf(await there.getWeights())).toEqual(arraysOf(here.getWeights()));
    const [a, b] = [await there.evaluate(x, y), here.evaluate(x, y)] as Core.Tensor[][];
    expect(arraysOf(a!)).toEqual(arraysOf(b!));
  });

  it('fitDataset gives the same bits in a worker, and with wait: true reads one batch at a time', async () => {
    let batchesRead = 0;
    function* batches() {
      for (let n = 0; n < 8; n++, batchesRead++) {
        yield { xs: lw.tensor(x.slice(n * 160, n * 160 + 160), [16, 5, 2]), ys: y.slice(n * 16, n * 16 + 16) };
      }
    }
    lw.setRandomSeed(7);
    const here = lw.sequential({ layers: fitLayers() });
    here.compile(mse());
    const options = { epochs: 2, verbose: 0, validationData: () => batches(), validationBatches: 2 } as const;
    const expected = await here.fitDataset(batches, options);
    const there = await small();
    batchesRead = 0;
    const readAhead: number[] = [];
    const onBatchEnd = (batch: number) => void readAhead.push(batchesRead - batch);
    const history = await there.fitDataset(batches, { ...options, wait: true, callbacks: { onBatchEnd } });
    expect(history.history).toEqual(expected.history);
    expect(readAhead.slice(0, 8)).toEqual(Array.from({ length: 8 }, () => 0));
    expect(arraysOf(await there.getWeights())).toEqual(arraysOf(here.getWeights()));
    const tested = (await there.evaluateDataset(batches)) as Core.Tensor[];
    expect(arraysOf(tested)).toEqual(arraysOf((await here.evaluateDataset(batches)) as Core.Tensor[]));
  });

  it('saved, loaded and restored models and withBatchSize give the same bits in a worker', async () => {
    const there = await small();
    await there.fit(x, y, { epochs: 1, verbose: 0 });
    const here = lw.sequential({ layers: fitLayers() });
    here.compile(mse());
    here.restore(await there.snapshot());
    expect(arraysOf(here.getWeights())).toEqual(arraysOf(await there.getWeights()));
    await there.trainOnBatch(x.subarray(0, 160), y.subarray(0, 16));
    let files: Core.ModelArtifacts | null = null;
    const save = async (artifacts: Core.ModelArtifacts): Promise<Core.SaveResult> => {
      files = artifacts;
      return {} as Core.SaveResult;
    };
    await there.save({ save }, { includeOptimizer: true });
    const loader = { load: async () => files! };
    const [copy, local] = [await start().loadLayersModel(loader), await lw.loadLayersModel(loader)];
    expect(copy.metricsNames).toEqual(['loss', 'mae']);
    const [remoteLoss, localLoss] = [await copy.trainOnBatch(x, y), local.trainOnBatch(x, y)];
    expect(remoteLoss).toEqual(localLoss);
    await there.restore(local.snapshot());
    const modelsBefore = lw.backendInfo().models;
    const single = await there.withBatchSize(1);
    expect(single.inputs.map(({ shape }) => shape)).toEqual([[1, 5, 2]]);
    expect(lw.backendInfo().models).toBe(modelsBefore);
    expect(arraysOf([await single.predict(x.slice(0, 10))])).toEqual(arraysOf([local.predict(x.slice(0, 10))]));
    await expect(there.setLearningRate(-1)).rejects.toThrow(/learningRate must be/);
    await there.setLearningRate(0);
    const before = arraysOf(await there.getWeights());
    await there.trainOnBatch(x, y);
    expect(arraysOf(await there.getWeights())).toEqual(before);
  });
});

describe('inspect', () => {
  it('inspect gives the same bits in a worker and does not change states', async () => {
    const { xs } = sineCosine({ batchSize: 50, timeSteps: 20 }).next().value!;
    lw.setRandomSeed(7);
    const here = lw.sequential({ layers: seedLayers() });
    const there = await start().sequential();
    const [lstm, dense] = seedLayers();
    await there.add(lstm!);
    await there.add(dense!);
    await there.predict(xs);
    here.predict(xs);
    const expected = here.inspect(here.layers[0]!, xs);
    const states = (await there.getStates()).map(arraysOf);
    for (const layer of [lstm!, lstm!.name]) {
      const inspected = await there.inspect(layer, xs);
      expect(Object.keys(inspected)).toEqual(['i', 'f', 'g', 'o', 'c', 'h']);
      expect(arraysOf(Object.values(inspected))).toEqual(arraysOf(Object.values(expected)));
      expect(inspected.c!.shape).toEqual([50, 20, 20]);
    }
    expect((await there.getStates()).map(arraysOf)).toEqual(states);
  });

  it('inspect rejects invalid arguments before it transfers them', async () => {
    const model = await small();
    const samples = x.slice(0, 160);
    const errorOf = async (layer: unknown, ...rest: unknown[]) =>
      messageOf((model.inspect as (...args: unknown[]) => Promise<unknown>)(layer, ...rest));
    const { layers: all } = (await model.getConfig()) as unknown as { layers: { config: { name: string } }[] };
    const top = all[2]!.config.name;
    expect(await errorOf(top, samples)).toMatch(
      /^ValueError model.inspect: layer must be an lstm, gru, simpleRNN, minGRU or minLSTM, got/,
    );
    expect(await errorOf('none', samples)).toMatch(/^ValueError model.inspect: unknown layer 'none'/);
    expect(await errorOf(layers.gru({ units: 2 }), samples)).toMatch(/layer must be a layer of the model or its name/);
    expect(await errorOf(top, samples.slice(1), { transfer: true })).toMatch(/^ValueError model.inspect: x must hold/);
    expect(await errorOf(top, samples, { transfer: 1 })).toMatch(/^ValueError model.inspect: transfer must be/);
    expect(samples.length).toBe(160);
  });
});

describe('sequential', () => {
  it('sequential sends initial weights, initializers, constraints and wrapped layers to the worker', async () => {
    const make = () => [
      layers.bidirectional({ layer: layers.lstm({ units: 3, returnSequences: true }), inputShape: [null, 2] }),
      layers.rnn({ cell: [layers.gruCell({ units: 2 }), layers.lstmCell({ units: 4 })] }),
      layers.dense({ units: 3, kernelConstraint: 'nonNeg', kernelInitializer: lw.initializers.constant({ value: 2 }) }),
      layers.dense({ units: 1, weights: [[[1], [2], [3]], [4]], name: 'given' }),
    ];
    lw.setRandomSeed(7);
    const here = lw.sequential({ layers: make(), name: 'whole' });
    const host = start();
    const there = await host.sequential({ layers: make(), name: 'whole' });
    expect(arraysOf(await there.getWeights())).toEqual(arraysOf(here.getWeights()));
    expect((await there.getConfig()).name).toBe('whole');
    const lines: string[] = [];
    await there.summary(undefined, undefined, line => lines.push(line));
    expect(lines.join('\n')).toContain('given (Dense)');
    await there.pop();
    await there.add(layers.dense({ units: 2, useBias: false, weights: [numbers(6, 1)] }));
    expect(arraysOf(await there.getWeights()).at(-1)).toEqual([...numbers(6, 1)]);
    expect(there.outputs[0]!.shape).toEqual([null, 2]);
  });

  it('models get the same seeds in a worker, with and without the option seed', async () => {
    const weightsOf = async (host: { sequential(options?: object): object }) => {
      const [first, own] = [await host.sequential(), await host.sequential({ seed: 3 })] as Core.Sequential[];
      const second = (await host.sequential({ layers: fitLayers() })) as Core.Sequential;
      for (const model of [own!, first!]) for (const layer of fitLayers()) await model.add(layer);
      return [
        arraysOf(await first!.getWeights()),
        arraysOf(await own!.getWeights()),
        arraysOf(await second.getWeights()),
      ];
    };
    lw.setRandomSeed(7);
    const expected = await weightsOf(lw);
    expect(await weightsOf(start())).toEqual(expected);
    expect(await messageOf(start().sequential({ seed: -1 }))).toMatch(/^ValueError sequential: seed must be/);
  });

  it('creating a model in a worker does not advance the random seed of the program', async () => {
    lw.setRandomSeed(5);
    const [first] = [lw.randomNormal([1]).dataSync()[0]];
    lw.setRandomSeed(5);
    await small();
    expect(lw.randomNormal([1]).dataSync()[0]).toBe(first);
  });
});

describe('callbacks', () => {
  it('callbacks receive all batches in order, and training does not wait for them', async () => {
    const model = await small();
    const batches: number[] = [];
    let turns = 0;
    const count = setInterval(() => turns++, 1);
    const onBatchEnd = (batch: number) => void batches.push(batch);
    await model.fit(x, y, { epochs: 20, batchSize: 4, verbose: 0, callbacks: { onBatchEnd } });
    clearInterval(count);
    expect(batches).toEqual(Array.from({ length: 20 }, () => Array.from({ length: 160 }, (_, n) => n)).flat());
    expect(turns).toBeGreaterThan(3);
  });

  it('with wait: true, training waits for callbacks, which can add to the history', async () => {
    const model = await small();
    const order: string[] = [];
    const history = await model.fit(x, y, {
      epochs: 5,
      verbose: 0,
      wait: true,
      callbacks: {
        async onEpochEnd(epoch, logs) {
          logs!.weight = (await model.getWeights())[0]!.dataSync()[0]!;
          order.push(`end ${epoch}`);
          if (epoch === 2) model.stopTraining = true;
        },
        onEpochBegin: epoch => void order.push(`begin ${epoch}`),
      },
    });
    expect(order).toEqual(['begin 0', 'end 0', 'begin 1', 'end 1', 'begin 2', 'end 2']);
    expect(new Set(history.history.weight).size).toBe(3);
  });

  it('callbacks may be subclasses of Callback, and an error they throw ends training', async () => {
    class Own extends lw.Callback {
      override async onEpochEnd(epoch: number) {
        expect(this.params.epochs).toBe(1000);
        expect(this.model).toBe(model);
        if (epoch === 1) throw new RangeError('enough');
      }
    }
    const model = await small();
    const error = await model.fit(x, y, { epochs: 1000, verbose: 0, callbacks: new Own() }).catch(e => e);
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toBe('enough');
    await model.fit(x, y, { epochs: 1, verbose: 0 });
  });
});

describe('ending fit', () => {
  it('a signal aborts fit, and the model can be trained again', async () => {
    const model = await small();
    const control = new AbortController();
    const onEpochEnd = (epoch: number) => void (epoch === 3 && control.abort(new Error('no more')));
    const fit = model.fit(x, y, { ...endless, signal: control.signal, callbacks: { onEpochEnd } });
    expect(await messageOf(fit)).toBe('Error no more');
    expect(await messageOf(model.fit(x, y, { signal: control.signal }))).toBe('Error no more');
    expect(await model.trainOnBatch(x, y)).toHaveLength(2);
    await model.fit(x, y, { epochs: 1, verbose: 0 });
  });

  it('stopTraining ends fit, which returns its history', async () => {
    const model = await small();
    setTimeout(() => {
      model.stopTraining = true;
    }, 100);
    const { epoch, history } = await model.fit(x, y, endless);
    expect(epoch.length).toBeGreaterThan(1);
    expect(history.loss).toHaveLength(epoch.length);
  });

  it('fit resumed from a snapshot taken during training gives the same bits', async () => {
    const model = await small(start(3));
    const fit = model.fit(x, y, { epochs: 40, verbose: 0, batchSize: 8 });
    await new Promise(resolve => setTimeout(resolve, 30));
    const bytes = Buffer.from(await model.snapshot());
    const expected = await fit;
    const other = await small(start(4));
    const { epoch } = await other.restore(bytes);
    expect(epoch).toBeLessThan(40);
    const history = await other.fit(x, y, { epochs: 40, verbose: 0, batchSize: 8, resume: bytes });
    expect(bytes.length).toBeGreaterThan(0);
    expect(history.history).toEqual(expected.history);
    expect(arraysOf(await other.getWeights())).toEqual(arraysOf(await model.getWeights()));
  });

  it('fit resumed from a checkpoint file after an abort gives the same bits', async () => {
    const file = 'build/cancelled.snapshot';
    const train = async (model: RemoteSequential, onBatchEnd: () => void, signal?: AbortSignal) => {
      const checkpoint = callbacks.modelCheckpoint({ file, every: { epochs: 1e6 }, resume: true });
      const options = { epochs: 40, verbose: 0, batchSize: 8, callbacks: [checkpoint, { onBatchEnd }] } as const;
      return model.fit(x, y, signal ? { ...options, signal } : options);
    };
    rmSync(file, { force: true });
    const uninterrupted = await small(start(3));
    const expected = await train(uninterrupted, () => {});
    rmSync(file);
    let batchesBefore = 0;
    const control = new AbortController();
    const stop = () => void (++batchesBefore === 100 && control.abort(new Error('no more')));
    expect(await messageOf(train(await small(start(3)), stop, control.signal))).toBe('Error no more');
    const other = await small(start(4));
    let batchesAfter = 0;
    const history = await train(other, () => void batchesAfter++);
    rmSync(file);
    expect(batchesAfter).toBeGreaterThan(0);
    expect(batchesBefore + batchesAfter).toBeLessThanOrEqual(40 * 80);
    expect(history.epoch).toHaveLength(40);
    expect(history.history).toEqual(expected.history);
    expect(arraysOf(await other.getWeights())).toEqual(arraysOf(await uninterrupted.getWeights()));
  });

  it('models of one worker are trained, stopped and disposed independently', async () => {
    const host = start();
    const [one, other] = [await small(host), await small(host)];
    const fit = one.fit(x, y, endless);
    const { epoch } = await other.fit(x, y, { epochs: 3, verbose: 0 });
    expect(epoch).toEqual([0, 1, 2]);
    expect(await messageOf(one.fit(x, y))).toMatch(/^ValueError model.fit: the model is already being trained/);
    one.stopTraining = true;
    await fit;
    expect((await host.backendInfo()).models).toBe(2);
    await one.dispose();
    expect((await host.backendInfo()).models).toBe(1);
    expect(await messageOf(one.fit(x, y))).toBe('ValueError model.fit: the model must not be used after dispose()');
  });

  // `npm run verify` repeats this a hundred times, in the step `long`.
  it('terminate rejects running and later calls, 25 times', { timeout: 60_000 }, async () => {
    for (let n = 0; n < 25; n++) {
      const host = start();
      const model = await small(host);
      const fit = messageOf(model.fit(x, y, endless));
      const predict = messageOf(model.predict(x));
      await new Promise(resolve => setTimeout(resolve, n % 25));
      await host.terminate();
      const reason = 'the worker ended before the call was complete; the worker has been terminated';
      expect(await fit).toBe(`Error model.fit: ${reason}`);
      expect(['nothing', `Error model.predict: ${reason}`]).toContain(await predict);
      expect(await messageOf(model.getWeights())).toMatch(
        /^ValueError model.getWeights: the worker has been terminated/,
      );
      await host.terminate();
    }
  });
});

it('calls to a worker whose script throws are rejected', async () => {
  const { Worker } = await import('node:worker_threads');
  const worker = new Worker('throw new Error("broken script")', { eval: true });
  const host = connect({ worker: worker as never });
  expect(await messageOf(host.sequential())).toMatch(/^Error sequential: .*failed: broken script$/);
  expect(await messageOf(host.backendInfo())).toMatch(/^ValueError backendInfo: .*failed: broken script$/);
  await host.terminate();
});

it.each([
  ['throw new Error("broken script")', 'broken script'],
  ['process.exit(3)', 'it exited with code 3'],
])('running and later calls to a worker that dies during training are rejected: %s', async (code, reason) => {
  const { Worker } = await import('node:worker_threads');
  const thread = new URL('../../dist/thread.js', import.meta.url).href;
  const worker = new Worker(`import('${thread}'); setTimeout(() => { ${code}; }, 400);`, { eval: true });
  const host = connect({ worker: worker as never });
  const model = await small(host);
  const rule = `the worker failed: ${reason}`;
  const fit = model.fit(x, y, { epochs: 1e6, verbose: 0 });
  expect(await messageOf(fit)).toBe(`Error model.fit: the worker ended before the call was complete; ${rule}`);
  expect(await messageOf(model.trainOnBatch(x, y))).toBe(`ValueError model.trainOnBatch: ${rule}`);
  expect(await messageOf(model.fit(x, y))).toBe(`ValueError model.fit: ${rule}`);
});

describe('arguments', () => {
  it('a call with an invalid serialized tensor is rejected, and later calls work', async () => {
    const host = start();
    const model = await host.sequential({ layers: fitLayers() });
    await expect(model.setUserDefinedMetadata({ $tensor: 5 })).rejects.toThrow(
      /^Tensor: values must be a Float32Array/,
    );
    expect(await model.getUserDefinedMetadata()).toBe(null);
    await host.terminate();
  });

  it('arguments are checked before anything is sent or transferred', async () => {
    const host = start();
    const model = await host.sequential({ layers: fitLayers() });
    const errorOf = async (promise: Promise<unknown>) => (await messageOf(promise)).replace('ValueError ', '');
    expect(await errorOf(model.fit(x, y))).toBe('model.fit: the model must be compiled first; call model.compile');
    await model.compile(mse());
    expect(await errorOf(model.compile({ optimizer: train.adam(step => 1 / step), loss: 'mse' }))).toMatch(
      /learningRate/,
    );
    expect(await errorOf(model.compile({ optimizer: 'adam', loss: (a, b) => a.sub(b).square() }))).toBe(
      'model.compile: loss must be a name in a worker, got a function',
    );
    const bias = (a: Core.Tensor, b: Core.Tensor) => b.sub(a).mean();
    expect(await errorOf(model.compile({ optimizer: 'adam', loss: 'mse', metrics: [bias] }))).toBe(
      "model.compile: metric 'bias' must be a name in a worker, got a function",
    );
    const transfer = { transfer: true } as const;
    expect(await errorOf(model.fit(x, y.slice(1), transfer))).toMatch(/^model.fit: y must/);
    expect(await errorOf(model.fit(x, y, { ...transfer, epoch: 3 } as never))).toMatch(
      /unknown option 'epoch'; did you mean/,
    );
    expect(await errorOf(model.fit(x, y, { ...transfer, signal: 1 } as never))).toMatch(
      /signal must be an AbortSignal, got 1/,
    );
    expect(await errorOf(model.predict(x.slice(1), transfer))).toMatch(/^model.predict: x must/);
    expect(await errorOf(model.trainOnBatch(x, [1, 2], transfer))).toMatch(/^model.trainOnBatch: y must/);
    expect(await errorOf(model.fitDataset([]))).toMatch(/dataset must hold a batch, got none/);
    expect(await errorOf(model.trainOnBatch(x, y, { wait: true } as never))).toMatch(/unknown option 'wait'/);
    expect(await errorOf(model.setWeights([], { signal: 1 } as never))).toMatch(/unknown option 'signal'/);
    const invalidBatch = { xs: () => 1, ys: y } as never;
    expect(await errorOf(model.fitDataset([invalidBatch]))).toMatch(
      /^model.fitDataset: dataset.xs must be data that can be sent to a worker, got function xs$/,
    );
    const rate = callbacks.learningRateScheduler(() => 1);
    expect(await errorOf(model.fit(x, y, { callbacks: rate }))).toBe(
      'model.fit: callbacks.learningRateScheduler[0] must be data that can be sent to a worker, got a function',
    );
    const subclassed = new lw.EarlyStopping();
    expect(await errorOf(model.fit(x, y, { callbacks: subclassed }))).toMatch(
      /created by callbacks.* in a worker, got a EarlyStopping/,
    );
    expect(await errorOf(host.sequential({ layers: [layers.dense({ units: 1 })] }))).toMatch(
      /^sequential: the first layer/,
    );
    expect(await errorOf(host.setRandomSeed(-1))).toMatch(/^setRandomSeed: seed must be/);
    expect(await errorOf(model.save('nowhere'))).toMatch(/^model.save: the URL must begin/);
    expect(() => connect({ sead: 1 } as never)).toThrow("connect: unknown option 'sead'; did you mean 'seed'?");
    expect(x).toHaveLength(6400);
  });

  it('arguments that only the worker can check give the same errors as without a worker', async () => {
    const model = await small();
    const here = lw.sequential({ layers: fitLayers() });
    here.compile(mse());
    for (const [call, ...args] of [['setWeights', [[1]]], ['restore', new Uint8Array(9)], ['getStates']] as [
      keyof RemoteSequential,
      ...unknown[],
    ][]) {
      const method = (model as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>)[call]!;
      const same = (here as unknown as Record<string, (...args: unknown[]) => unknown>)[call]!;
      const error: Error = await method.call(model, ...args).then(String, e => e);
      expect(error).toBeInstanceOf(lw.ValueError);
      let expected = '';
      try {
        same.call(here, ...args);
      } catch (thrown) {
        expected = (thrown as Error).message.replaceAll(/'(\w+?)_\w+'/g, '');
      }
      expect(error.message.replaceAll(/'(\w+?)_\w+'/g, '')).toBe(expected);
    }
  });

  it('arguments are copied, or transferred with transfer: true', async () => {
    const model = await small();
    const [a, b] = [x.slice(), y.slice()];
    await model.trainOnBatch(a, b);
    await model.fit(a, b, { epochs: 1, verbose: 0 });
    expect([a.length, b.length]).toEqual([6400, 640]);
    const weights = await model.getWeights();
    await model.setWeights(weights);
    expect(weights[0]!.dataSync().length).toBeGreaterThan(0);
    const part = a.subarray(0, 160);
    await model.predict(part, { transfer: true });
    expect(a.length).toBe(6400);
    await model.fit(a, b, { epochs: 1, verbose: 0, transfer: true });
    expect([a.length, b.length]).toEqual([0, 0]);
    await model.setWeights(weights, { transfer: true });
    expect(weights[0]!.dataSync()).toHaveLength(0);
  });
});

describe('memory', () => {
  it('memory use stays constant over thousands of calls', async () => {
    const host = start();
    const model = await small(host);
    const [xs, ys] = [x.slice(0, 160), y.slice(0, 16)];
    const run = async (times: number) => {
      for (let n = 0; n < times; n++) {
        await model.trainOnBatch(xs, ys);
        await model.predict(xs);
      }
      return (await host.backendInfo()).memoryBytes;
    };
    const bytesBefore = await run(100);
    const before = process.memoryUsage().arrayBuffers;
    expect(await run(3000)).toBe(bytesBefore);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 2 ** 20);
  }, 60_000);
});

test('forecast with a model in a worker returns a promise of the same numbers', async () => {
  const series = Array.from({ length: 30 }, (_, n) => Math.sin(n / 3));
  const scaler = standardize(series);
  const host = start();
  const forms: [() => Core.Sequential['layers'], object][] = [
    [() => [layers.lstm({ units: 5, inputShape: [null, 1] }), layers.dense({ units: 1 })], {}],
    [() => [layers.gru({ units: 4, inputShape: [6, 1] }), layers.dense({ units: 1 })], { scaler }],
    [() => [layers.gru({ units: 4, inputShape: [6, 1] }), layers.dense({ units: 4 })], { scaler: { scaler } }],
  ];
  for (const [make, options] of forms) {
    const here = lw.sequential({ layers: make() });
    const there = await host.sequential({ layers: make() });
    await there.setWeights(here.getWeights());
    const remoteForecast = forecast(there, series, 4, options);
    expect(remoteForecast).toBeInstanceOf(Promise);
    expect(arraysOf([await remoteForecast])).toEqual(arraysOf([forecast(here, series, 4, options)]));
  }
  const there = await host.sequential({ layers: forms[0]![0]() });
  expect(await messageOf(forecast(there, [[1, 2]], 3))).toMatch(/^ValueError forecast: history must have the width /);
  await there.dispose();
  expect(await messageOf(forecast(there, series, 3))).toMatch(/^ValueError forecast: .*dispose/);
});

test('methods of a model in a worker reject surplus arguments', async () => {
  const model = await small();
  const surplusOptions = { surplus: 1 } as never;
  const predictWith = (...args: never[]) =>
    messageOf((model.predict as (...all: never[]) => Promise<unknown>)(...args));
  expect(await predictWith(x as never, {} as never, surplusOptions)).toBe(
    'ValueError model.predict: takes at most 2 arguments, got { surplus } as argument 3; check the order of the arguments',
  );
});
