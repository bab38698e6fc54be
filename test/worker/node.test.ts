/** Models in a worker thread of Node, on the package as it is built. */

import { rmSync } from 'node:fs';
import type * as Core from 'lstm-wasm';
import type * as Workers from 'lstm-wasm/worker';
import type { Host, RemoteSequential } from 'lstm-wasm/worker';
import { afterAll, afterEach, describe, expect, it, test } from 'vitest';
import { onClock } from '../setup/clock.ts';

const built = (name: string) => import(/* @vite-ignore */ new URL(`../../dist/${name}.js`, import.meta.url).href);
const lw: typeof Core = await built('index');
const { connect }: typeof Workers = await built('worker');
const { forecast, sineCosine, standardize }: typeof import('lstm-wasm/data') = await built('data');

lw.configure({ simd: 'strict' });
const hosts: Host[] = [];
const start = (seed = 7) => {
  hosts.push(connect({ seed, simd: 'strict' }));
  return hosts.at(-1)!;
};
afterEach(async () => {
  await Promise.all(hosts.splice(0).map(host => host.terminate()));
});

const { layers, train, callbacks } = lw;
const seedLayers = () => [
  layers.lstm({ units: 20, returnSequences: true, stateful: true, batchInputShape: [50, 20, 1] }),
  layers.timeDistributed({ layer: layers.dense({ units: 1 }) }),
];
const fitLayers = () => [
  layers.gru({ units: 6, inputShape: [5, 2], dropout: 0.2 }),
  layers.dropout({ rate: 0.3 }),
  layers.dense({ units: 1 }),
];
const mse = () => ({ optimizer: train.adam(0.01), loss: 'mse', metrics: ['mae'] }) as const;
const numbers = (count: number, turn: number) => Float32Array.from({ length: count }, (_, n) => Math.sin(n * turn));
const [x, y] = [numbers(640 * 10, 0.7), numbers(640, 0.3)];
const plain = (tensors: readonly Core.Tensor[]) => tensors.map(tensor => [...tensor.dataSync()]);
const bare = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(bare);
  return value instanceof lw.Tensor ? [...value.dataSync()] : value;
};
const messageOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing',
    (error: Error) => `${error.constructor.name} ${error.message}`,
  );

async function small(host = start()): Promise<RemoteSequential> {
  const model = await host.sequential({ layers: fitLayers() });
  await model.compile(mse());
  return model;
}

describe('the same bits as without a worker', () => {
  it('in the seed program, batch by batch', async () => {
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
      if (step % 10 === 0) expect(plain([await there.predict(xs)])).toEqual(plain([here.predict(xs)]));
    }
    expect(plain(await there.getWeights())).toEqual(plain(here.getWeights()));
    expect((await there.getStates()).map(plain)).toEqual(here.getStates().map(plain));
    expect(await there.countParams()).toBe(here.countParams());
    expect(there.outputs).toEqual(here.outputs);
  });

  it('on lists of one tensor, and with weights that are frozen', async () => {
    lw.setRandomSeed(7);
    const stack = () => [layers.gru({ units: 6, inputShape: [5, 2], trainable: false }), layers.dense({ units: 1 })];
    const here = lw.sequential({ layers: stack() });
    const there = await start().sequential({ layers: stack() });
    for (const model of [here, there]) await model.compile({ optimizer: 'adam', loss: ['mse'] });
    const [xs, ys] = [lw.tensor3d(x.slice(0, 160), [16, 5, 2]), lw.tensor2d(y.slice(0, 16), [16, 1])];
    expect(await there.trainOnBatch([xs], [ys])).toBe(here.trainOnBatch([xs], [ys]));
    const options = { epochs: 2, verbose: 0 } as const;
    expect((await there.fit([xs], [ys], options)).history).toEqual((await here.fit([xs], [ys], options)).history);
    expect(plain([await there.predict([xs])])).toEqual(plain([here.predict([xs])]));
    expect(plain([await there.predictOnBatch([xs])])).toEqual(plain([here.predictOnBatch([xs])]));
    expect(bare(await there.evaluate([xs], [ys]))).toEqual(bare(here.evaluate([xs], [ys])));
    const two = [xs, xs] as unknown as [Core.Tensor];
    expect(await messageOf(there.predict(two))).toBe(
      'ValueError model.predict: x must be one tensor, or a list of one, got a list of 2',
    );
    expect(plain(await there.getWeights(true))).toEqual(plain(here.getWeights(true)));
    expect(await there.getWeights(true)).toHaveLength(2);
    expect(await there.getWeights()).toHaveLength(5);
    expect(there.outputShape).toEqual([null, 1]);
  });

  it('on arrays of typed arrays', async () => {
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
    expect(xs[0]![0]).toHaveLength(0); // handed over
  });

  it('in calls that nobody awaits, which are carried out in the order in which they are made', async () => {
    const play = (model: Core.Sequential | RemoteSequential) => {
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
    const promises = play(there).map((answer, n) => Promise.resolve<unknown>(answer).finally(() => settled.push(n)));
    const answers = await Promise.all(promises);
    expect(bare(answers)).toEqual(bare(play(here)));
    expect(settled).toEqual(promises.map((_, n) => n));
  });

  it('in fit with shuffle, dropout, validation and callbacks', async () => {
    lw.setRandomSeed(7);
    const here = lw.sequential({ layers: fitLayers() });
    here.compile(mse());
    const options = () => ({ epochs: 6, batchSize: 16, verbose: 0, validationSplit: 0.2 }) as const;
    const stop = () => callbacks.earlyStopping({ patience: 0, minDelta: 0.005, restoreBestWeights: true });
    const [told, heard]: [unknown[], unknown[]] = [[], []];
    const listen = (list: unknown[]) => ({
      onBatchEnd: (batch: number, logs?: Core.Logs) => void list.push([batch, { ...logs }]),
      onEpochEnd: (epoch: number, logs?: Core.Logs) => void list.push([epoch, { ...logs }]),
    });
    const [mine, its] = [stop(), stop()];
    const expected = await here.fit(x, y, { ...options(), callbacks: [mine, listen(told)] });
    const there = await small();
    const history = await there.fit(x, y, { ...options(), callbacks: [its, listen(heard)] });
    expect(history.history).toEqual(expected.history);
    expect(history).toBeInstanceOf(lw.History);
    expect(there.history).toBe(history);
    expect(heard).toEqual(told);
    expect([its.stoppedEpoch, its.best]).toEqual([mine.stoppedEpoch, mine.best]);
    expect(plain(await there.getWeights())).toEqual(plain(here.getWeights()));
    const [a, b] = [await there.evaluate(x, y), here.evaluate(x, y)] as Core.Tensor[][];
    expect(plain(a!)).toEqual(plain(b!));
  });

  it('in fitDataset, whose batches are asked for one by one', async () => {
    let made = 0;
    function* batches() {
      for (let n = 0; n < 8; n++, made++) {
        yield { xs: lw.tensor(x.slice(n * 160, n * 160 + 160), [16, 5, 2]), ys: y.slice(n * 16, n * 16 + 16) };
      }
    }
    lw.setRandomSeed(7);
    const here = lw.sequential({ layers: fitLayers() });
    here.compile(mse());
    const options = { epochs: 2, verbose: 0, validationData: () => batches(), validationBatches: 2 } as const;
    const expected = await here.fitDataset(batches, options);
    const there = await small();
    made = 0;
    const most: number[] = [];
    const onBatchEnd = (batch: number) => void most.push(made - batch);
    const history = await there.fitDataset(batches, { ...options, wait: true, callbacks: { onBatchEnd } });
    expect(history.history).toEqual(expected.history);
    expect(most.slice(0, 8)).toEqual(Array.from({ length: 8 }, () => 0));
    expect(plain(await there.getWeights())).toEqual(plain(here.getWeights()));
    const tested = (await there.evaluateDataset(batches)) as Core.Tensor[];
    expect(plain(tested)).toEqual(plain((await here.evaluateDataset(batches)) as Core.Tensor[]));
  });

  it('in models that are saved, loaded, restored, and run at another batch size', async () => {
    const there = await small();
    await there.fit(x, y, { epochs: 1, verbose: 0 });
    const here = lw.sequential({ layers: fitLayers() });
    here.compile(mse());
    here.restore(await there.snapshot());
    expect(plain(here.getWeights())).toEqual(plain(await there.getWeights()));
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
    const [once, twice] = [await copy.trainOnBatch(x, y), local.trainOnBatch(x, y)];
    expect(once).toEqual(twice);
    await there.restore(local.snapshot());
    const held = lw.backendInfo().models;
    const single = await there.withBatchSize(1);
    expect(single.inputs).toEqual([{ shape: [1, 5, 2] }]);
    expect(lw.backendInfo().models).toBe(held);
    expect(plain([await single.predict(x.slice(0, 10))])).toEqual(plain([local.predict(x.slice(0, 10))]));
    await expect(there.setLearningRate(-1)).rejects.toThrow(/learningRate must be/);
    await there.setLearningRate(0);
    const before = plain(await there.getWeights());
    await there.trainOnBatch(x, y);
    expect(plain(await there.getWeights())).toEqual(before);
  });
});

describe('inspect', () => {
  it('shows the bits that a model at hand shows, and leaves its states alone', async () => {
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
    const states = (await there.getStates()).map(plain);
    for (const layer of [lstm!, lstm!.name]) {
      const shown = await there.inspect(layer, xs);
      expect(Object.keys(shown)).toEqual(['i', 'f', 'g', 'o', 'c', 'h']);
      expect(plain(Object.values(shown))).toEqual(plain(Object.values(expected)));
      expect(shown.c!.shape).toEqual([50, 20, 20]);
    }
    expect((await there.getStates()).map(plain)).toEqual(states);
  });

  it('refuses on this side what it cannot show', async () => {
    const model = await small();
    const given = x.slice(0, 160);
    const say = async (layer: unknown, ...rest: unknown[]) =>
      messageOf((model.inspect as (...args: unknown[]) => Promise<unknown>)(layer, ...rest));
    const { layers: all } = (await model.getConfig()) as unknown as { layers: { config: { name: string } }[] };
    const top = all[2]!.config.name;
    expect(await say(top, given)).toMatch(
      /^ValueError model.inspect: layer must be an lstm, a gru or a simpleRNN, got/,
    );
    expect(await say('none', given)).toMatch(/^ValueError model.inspect: unknown layer 'none'/);
    expect(await say(layers.gru({ units: 2 }), given)).toMatch(/layer must be a layer of the model or its name/);
    expect(await say(top, given.slice(1), { transfer: true })).toMatch(/^ValueError model.inspect: x must hold/);
    expect(await say(top, given, { transfer: 1 })).toMatch(/^ValueError model.inspect: transfer must be/);
    expect(given.length).toBe(160);
  });
});

describe('what a model is made of', () => {
  it('goes along: weights that are given, initializers, constraints, and layers around layers', async () => {
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
    expect(plain(await there.getWeights())).toEqual(plain(here.getWeights()));
    expect((await there.getConfig()).name).toBe('whole');
    const lines: string[] = [];
    await there.summary(undefined, undefined, line => lines.push(line));
    expect(lines.join('\n')).toContain('given (Dense)');
    await there.pop();
    await there.add(layers.dense({ units: 2, useBias: false, weights: [numbers(6, 1)] }));
    expect(plain(await there.getWeights()).at(-1)).toEqual([...numbers(6, 1)]);
    expect(there.outputs[0]!.shape).toEqual([null, 2]);
  });

  it('gives every model the seeds that it has without a worker, with a seed of its own or not', async () => {
    const made = async (host: { sequential(options?: object): object }) => {
      const [first, own] = [await host.sequential(), await host.sequential({ seed: 3 })] as Core.Sequential[];
      const second = (await host.sequential({ layers: fitLayers() })) as Core.Sequential;
      for (const model of [own!, first!]) for (const layer of fitLayers()) await model.add(layer);
      return [plain(await first!.getWeights()), plain(await own!.getWeights()), plain(await second.getWeights())];
    };
    lw.setRandomSeed(7);
    const expected = await made(lw);
    expect(await made(start())).toEqual(expected);
    expect(await messageOf(start().sequential({ seed: -1 }))).toMatch(/^ValueError sequential: seed must be/);
  });

  it('draws nothing on this side', async () => {
    lw.setRandomSeed(5);
    const [first] = [lw.randomNormal([1]).dataSync()[0]];
    lw.setRandomSeed(5);
    await small();
    expect(lw.randomNormal([1]).dataSync()[0]).toBe(first);
  });
});

describe('callbacks', () => {
  it('hear of all batches in order, in few messages, and training does not wait for them', async () => {
    const model = await small();
    const seen: number[] = [];
    let turns = 0;
    const count = setInterval(() => turns++, 1);
    const onBatchEnd = (batch: number) => void seen.push(batch);
    await model.fit(x, y, { epochs: 20, batchSize: 4, verbose: 0, callbacks: { onBatchEnd } });
    clearInterval(count);
    expect(seen).toEqual(Array.from({ length: 20 }, () => Array.from({ length: 160 }, (_, n) => n)).flat());
    expect(turns).toBeGreaterThan(3);
  });

  it('are waited for where that is wanted, and can add to the history', async () => {
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

  it('may be of a class of their own, and what they throw ends the training', async () => {
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

describe('a training can be ended', () => {
  const endless = { epochs: 1e6, verbose: 0 } as const;

  it('by a signal, and the model is good for more', async () => {
    const model = await small();
    const control = new AbortController();
    const onEpochEnd = (epoch: number) => void (epoch === 3 && control.abort(new Error('no more')));
    const fit = model.fit(x, y, { ...endless, signal: control.signal, callbacks: { onEpochEnd } });
    expect(await messageOf(fit)).toBe('Error no more');
    expect(await messageOf(model.fit(x, y, { signal: control.signal }))).toBe('Error no more');
    expect(await model.trainOnBatch(x, y)).toHaveLength(2);
    await model.fit(x, y, { epochs: 1, verbose: 0 });
  });

  it('by a signal, also while it waits for data that never comes', onClock, async () => {
    const model = await small();
    let closed = 0;
    const batches = {
      async *[Symbol.asyncIterator]() {
        try {
          yield { xs: x.slice(0, 160), ys: y.slice(0, 16) };
          await new Promise(resolve => setTimeout(resolve, 300));
        } finally {
          closed++;
        }
      },
    };
    const began = performance.now();
    const fit = model.fitDataset(batches, { ...endless, signal: AbortSignal.timeout(50) });
    expect(await messageOf(fit)).toMatch(/^DOMException .*timeout/);
    expect(performance.now() - began).toBeLessThan(250);
    await model.fit(x, y, { epochs: 1, verbose: 0 });
    await new Promise(resolve => setTimeout(resolve, 400));
    expect(closed).toBe(1);
  });

  it('by a signal, before it has begun, and in the middle of a long validation', onClock, async () => {
    const model = await start().sequential({
      layers: [layers.lstm({ units: 192, inputShape: [50, 8] }), layers.dense({ units: 1 })],
    });
    await model.compile(mse());
    const never = () => new Promise<never>(() => {});
    const opened = model.fitDataset(never, { ...endless, signal: AbortSignal.timeout(50) });
    expect(await messageOf(opened)).toMatch(/^DOMException .*timeout/);
    const [few, many] = [32, 4096].map(count => [numbers(count * 400, 0.7), numbers(count, 0.3)] as const);
    const checkpoint = callbacks.modelCheckpoint({
      file: 'build/worker.snapshot',
      every: { epochs: 1e6 },
      resume: true,
    });
    rmSync('build/worker.snapshot', { force: true });
    const control = new AbortController();
    const resumed = model.fit(...few!, { ...endless, signal: control.signal, callbacks: checkpoint });
    control.abort(new Error('no more'));
    expect(await messageOf(resumed)).toBe('Error no more');
    rmSync('build/worker.snapshot');
    const begun = performance.now();
    const signal = AbortSignal.timeout(500);
    const tested = model.fit(...few!, { ...endless, signal, validationData: many! });
    expect(await messageOf(tested)).toMatch(/^DOMException .*timeout/);
    expect(performance.now() - begun).toBeLessThan(1000);
    const { epoch } = await model.fit(...few!, { epochs: 1, verbose: 0, validationData: few! });
    expect(epoch).toEqual([0]);
  });

  it('by stopTraining, and has a history then', async () => {
    const model = await small();
    setTimeout(() => {
      model.stopTraining = true;
    }, 100);
    const { epoch, history } = await model.fit(x, y, endless);
    expect(epoch.length).toBeGreaterThan(1);
    expect(history.loss).toHaveLength(epoch.length);
  });

  it('and gone on with from a snapshot taken meanwhile, to the same bits', async () => {
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
    expect(plain(await other.getWeights())).toEqual(plain(await model.getWeights()));
  });

  it('by a signal, and gone on with from the file it kept, to the same bits', async () => {
    const file = 'build/cancelled.snapshot';
    const train = async (model: RemoteSequential, onBatchEnd: () => void, signal?: AbortSignal) => {
      const checkpoint = callbacks.modelCheckpoint({ file, every: { epochs: 1e6 }, resume: true });
      const given = { epochs: 40, verbose: 0, batchSize: 8, callbacks: [checkpoint, { onBatchEnd }] } as const;
      return model.fit(x, y, signal ? { ...given, signal } : given);
    };
    rmSync(file, { force: true });
    const whole = await small(start(3));
    const expected = await train(whole, () => {});
    rmSync(file);
    let heard = 0;
    const control = new AbortController();
    const stop = () => void (++heard === 100 && control.abort(new Error('no more')));
    expect(await messageOf(train(await small(start(3)), stop, control.signal))).toBe('Error no more');
    const other = await small(start(4));
    let more = 0;
    const history = await train(other, () => void more++);
    rmSync(file);
    expect(more).toBeGreaterThan(0);
    expect(heard + more).toBeLessThanOrEqual(40 * 80);
    expect(history.epoch).toHaveLength(40);
    expect(history.history).toEqual(expected.history);
    expect(plain(await other.getWeights())).toEqual(plain(await whole.getWeights()));
  });

  it('while other models of the worker go on', async () => {
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

  // A hundred times in `npm run verify`, the step `long`.
  it('by the end of the worker, 25 times', { timeout: 60_000 }, async () => {
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
      expect(await messageOf(model.getWeights())).toMatch(/^ValueError model.getWeights: the worker must not be used/);
      await host.terminate();
    }
  });
});

it('a worker that fails rejects what is asked of it', async () => {
  const { Worker } = await import('node:worker_threads');
  const worker = new Worker('throw new Error("no such luck")', { eval: true });
  const host = connect({ worker: worker as never });
  expect(await messageOf(host.sequential())).toMatch(/^Error sequential: .*failed: no such luck$/);
  expect(await messageOf(host.backendInfo())).toMatch(/^ValueError backendInfo: .*failed: no such luck$/);
  await host.terminate();
});

it.each([
  ['throw new Error("no such luck")', 'no such luck'],
  ['process.exit(3)', 'it exited with code 3'],
])('a worker that dies in mid-training rejects all that is asked of it: %s', async (code, reason) => {
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
  it('that pass for a tensor and are none reject their call alone', async () => {
    const host = start();
    const model = await host.sequential({ layers: fitLayers() });
    await expect(model.setUserDefinedMetadata({ $tensor: 5 })).rejects.toThrow(
      /^Tensor: values must be a Float32Array/,
    );
    expect(await model.getUserDefinedMetadata()).toBe(null);
    await host.terminate();
  });

  it('are checked before anything is sent', async () => {
    const host = start();
    const model = await host.sequential({ layers: fitLayers() });
    const say = async (promise: Promise<unknown>) => (await messageOf(promise)).replace('ValueError ', '');
    expect(await say(model.fit(x, y))).toBe('model.fit: the model must be compiled first; call model.compile');
    await model.compile(mse());
    expect(await say(model.compile({ optimizer: train.adam(step => 1 / step), loss: 'mse' }))).toMatch(/learningRate/);
    const give = { transfer: true } as const;
    expect(await say(model.fit(x, y.slice(1), give))).toMatch(/^model.fit: y must/);
    expect(await say(model.fit(x, y, { ...give, epoch: 3 } as never))).toMatch(/unknown option 'epoch'; did you mean/);
    expect(await say(model.fit(x, y, { ...give, signal: 1 } as never))).toMatch(/signal must be an AbortSignal, got 1/);
    expect(await say(model.predict(x.slice(1), give))).toMatch(/^model.predict: x must/);
    expect(await say(model.trainOnBatch(x, [1, 2], give))).toMatch(/^model.trainOnBatch: y must/);
    expect(await say(model.fitDataset([]))).toMatch(/dataset must hold a batch, got none/);
    expect(await say(model.trainOnBatch(x, y, { wait: true } as never))).toMatch(/unknown option 'wait'/);
    expect(await say(model.setWeights([], { signal: 1 } as never))).toMatch(/unknown option 'signal'/);
    const odd = { xs: () => 1, ys: y } as never;
    expect(await say(model.fitDataset([odd]))).toMatch(
      /^model.fitDataset: dataset.xs must be data, .* got function xs$/,
    );
    const rate = callbacks.learningRateScheduler(() => 1);
    expect(await say(model.fit(x, y, { callbacks: rate }))).toBe(
      'model.fit: callbacks.learningRateScheduler[0] must be data that can be sent to a worker, got a function',
    );
    const own = new lw.EarlyStopping();
    expect(await say(model.fit(x, y, { callbacks: own }))).toMatch(
      /made by callbacks.* in a worker, got a EarlyStopping/,
    );
    expect(await say(host.sequential({ layers: [layers.dense({ units: 1 })] }))).toMatch(
      /^sequential: the first layer/,
    );
    expect(await say(host.setRandomSeed(-1))).toMatch(/^setRandomSeed: seed must be/);
    expect(await say(model.save('nowhere'))).toMatch(/^model.save: a URL must begin/);
    expect(() => connect({ sead: 1 } as never)).toThrow("connect: unknown option 'sead'; did you mean 'seed'?");
    expect(x).toHaveLength(6400);
  });

  it('that only the model can check come back as its own errors', async () => {
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
      let said = '';
      try {
        same.call(here, ...args);
      } catch (thrown) {
        said = (thrown as Error).message.replaceAll(/'(\w+?)_\w+'/g, '');
      }
      expect(error.message.replaceAll(/'(\w+?)_\w+'/g, '')).toBe(said);
    }
  });

  it('are copied, or handed over where they are given up', async () => {
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
  it('stays as it is over thousands of calls', async () => {
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
    const few = await run(100);
    const before = process.memoryUsage().arrayBuffers;
    expect(await run(3000)).toBe(few);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 2 ** 20);
  }, 60_000);
});

afterAll(() => Promise.all(hosts.map(host => host.terminate())));

test('forecast of a model in a worker returns a promise of the same numbers', async () => {
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
    const told = forecast(there, series, 4, options);
    expect(told).toBeInstanceOf(Promise);
    expect(plain([await told])).toEqual(plain([forecast(here, series, 4, options)]));
  }
  const there = await host.sequential({ layers: forms[0]![0]() });
  expect(await messageOf(forecast(there, [[1, 2]], 3))).toMatch(/^ValueError forecast: history must have the width /);
  await there.dispose();
  expect(await messageOf(forecast(there, series, 3))).toMatch(/^ValueError forecast: .*dispose/);
});

test('methods in a worker reject surplus arguments', async () => {
  const model = await small();
  const more = { surplus: 1 } as never;
  const surplus = (...given: never[]) => messageOf((model.predict as (...all: never[]) => Promise<unknown>)(...given));
  expect(await surplus(x as never, {} as never, more)).toBe(
    'ValueError model.predict: takes at most 2 arguments, got { surplus } as argument 3; check the order of the arguments',
  );
});
