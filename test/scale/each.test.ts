/** fitEach, predictEach and backtestEach in Node, with the built package. */

import type * as Forecast from 'lstm-wasm/forecast';
import type { ForecasterOptions, Series } from 'lstm-wasm/forecast';
import type { EachProgress, Engine, RunOptions, Task } from 'lstm-wasm/scale';
import { afterEach, expect, it } from 'vitest';
import { built, closeEngines, open, scale, sha256, wave } from './engines.ts';

const { fitEach, predictEach, backtestEach, memoryStore, TaskError } = scale;
const { configure }: { configure(options: object): void } = await built('index');
const { forecaster }: typeof Forecast = await built('forecast');
configure({ simd: 'strict' });
afterEach(closeEngines);

const options: ForecasterOptions = { horizon: 4, inputSteps: 12, epochs: 2, units: 6 };
const series: Series[] = [0, 1, 2, 3, 4].map(phase => ({ id: `s${phase}`, values: wave(60 + phase, phase) }));
const tooShort: Series = { id: 'short', values: [1, 2, 3] };

it('fits, forecasts and tests the bits of forecaster in this process, with one thread and with two', async () => {
  const backtest = { folds: 2, levels: [0.1, 0.9] };
  const engines = [open({ workers: 1 }), open({ workers: 2 })];
  const fits = await Promise.all(engines.map(engine => fitEach(series, { ...options, seed: 5 }, { engine })));
  expect(fits[1]!.map(({ model }) => model)).toEqual(fits[0]!.map(({ model }) => model));
  const predicted = await predictEach(fits[1]!, series, {
    engine: engines[1]!,
    levels: [0.2, 0.8],
    samples: 2,
    seed: 9,
  });
  const tested = await backtestEach(series, { ...options, seed: 5 }, { engine: engines[1]!, ...backtest });
  for (const [n, one] of series.entries()) {
    const here = forecaster({ ...options, seed: 5 });
    await here.fit(one);
    expect(fits[0]![n]).toMatchObject({ id: one.id, error: null, model: sha256(await savedBytes(here)), epochs: 2 });
    const loaded = await fits[0]![n]!.load();
    expect(await loaded.predict(one)).toEqual(await here.predict(one));
    const [forecast] = await here.predict(one, { levels: [0.2, 0.8], samples: 2, seed: 9 });
    expect(predicted[n]).toEqual({ id: one.id, error: null, forecast });
    expect(tested[n]).toEqual({ id: one.id, error: null, report: await here.backtest(one, backtest) });
  }
});

/** The bytes that fitEach stores for a forecaster. */
async function savedBytes(model: Forecast.Forecaster): Promise<Uint8Array> {
  const store = memoryStore();
  let found: Uint8Array | undefined;
  const engine: Engine = {
    store: {
      ...store,
      put: async (hash, bytes) => {
        found ??= bytes; // the model comes first
        await store.put(hash, bytes);
      },
    },
    slots: 1,
    run: async (task: Task) => ({ value: null, blobs: { forecasts: task.blobs.series! } }),
    close: async () => {},
  };
  await predictEach(model, [{ values: [0] }], { engine });
  return found!;
}

it('reports the error of a series for that series, and completes the others', async () => {
  const engine = open({ workers: 2 });
  const unreadable = { values: () => 1 } as unknown as Series;
  const all = [series[0]!, tooShort, unreadable, series[1]!];
  const seen: EachProgress[] = [];
  const fits = await fitEach(all, options, { engine, onProgress: progress => seen.push(progress) });
  expect(fits.map(({ id, error }) => [id, error?.message ?? null])).toEqual([
    ['s0', null],
    [
      'short',
      expect.stringMatching(/^forecaster.fit: series 'short' must have at least 20 values, .*; in the task 'fit'/),
    ],
    [null, 'fitEach: series[2].values must be plain data or a typed array, got function values'],
    ['s1', null],
  ]);
  expect(fits[1]!.error).toBeInstanceOf(TaskError);
  await expect(fits[1]!.load()).rejects.toBe(fits[1]!.error);
  expect(seen.map(({ done, total }) => [done, total])).toEqual([1, 2, 3, 4].map(done => [done, 4]));
  expect(seen.at(-1)).toMatchObject({ failed: 2, timeLeft: 0 });
  const predicted = await predictEach(fits, all, { engine });
  expect(predicted.map(({ error }) => error)).toEqual([
    null,
    fits[1]!.error,
    expect.objectContaining({ message: fits[2]!.error!.message }),
    null,
  ]);
  expect(predicted[3]!.forecast!.mean).toHaveLength(4);
});

it('one forecaster forecasts every series, and a store of another engine is enough', async () => {
  const here = forecaster({ ...options, seed: 2 });
  await here.fit(series);
  const engine = open({ workers: 2 });
  const predicted = await predictEach(here, series, { engine });
  expect(predicted.map(({ forecast }) => forecast)).toEqual(await here.predict(series));
  const fits = await fitEach(series.slice(0, 1), options, { engine });
  const other = await predictEach(fits, series.slice(0, 1), { engine: open({ workers: 1 }) });
  expect(other).toEqual(await predictEach(fits, series.slice(0, 1), { engine }));
});

it('reads an iterable as slots become free, and keeps no data of series that are complete', async () => {
  let [read, done, most, inStore, mostInStore] = [0, 0, 0, 0, 0];
  const { run, slots, store, close } = bound(open({ workers: 2 }));
  const engine: Engine = {
    slots,
    close,
    run: (task: Task, given?: RunOptions) => run(task, given).finally(() => done++),
    store: {
      ...store,
      put: async (hash, bytes) => {
        mostInStore = Math.max(mostInStore, ++inStore);
        await store.put(hash, bytes);
      },
      release: async hash => {
        inStore--;
        await store.release!(hash);
      },
    },
  };
  async function* many() {
    for (let n = 0; n < 24; n++) {
      most = Math.max(most, ++read - done);
      yield { values: wave(40, n) };
    }
  }
  const seen: EachProgress[] = [];
  const fits = await fitEach(
    many(),
    { ...options, epochs: 1 },
    { engine, onProgress: progress => seen.push(progress) },
  );
  expect(fits).toHaveLength(24);
  expect(fits.every(({ error }) => error === null)).toBe(true);
  expect(most).toBeLessThanOrEqual(slots + 2 + 1);
  expect(mostInStore).toBeLessThanOrEqual(slots + 2);
  expect(inStore).toBe(0);
  expect(seen.at(-1)).toEqual({ done: 24, total: null, failed: 0, timeLeft: null });
});

const bound = (engine: Engine): Engine => ({
  slots: engine.slots,
  store: engine.store,
  run: (task, given) => engine.run(task, given),
  close: () => engine.close(),
});

it('equal series share one task, and a second call is served from the store', async () => {
  const { slots, store, close, run } = bound(open({ workers: 2 }));
  let runs = 0;
  const engine: Engine = {
    slots,
    store,
    close,
    run(task, given) {
      runs++;
      return run(task, given);
    },
  };
  const [one, two] = await fitEach([series[0]!, { ...series[0]! }], options, { engine });
  expect(one!.model).toBe(two!.model);
  const before = runs;
  const again = await fitEach(series.slice(0, 1), options, { engine });
  expect(again[0]!.model).toBe(one!.model);
  expect(runs).toBe(before);
});

it('an abort ends all tasks, and closes the iterable', async () => {
  const engine = open({ workers: 2 });
  const control = new AbortController();
  let isClosed = false;
  function* many() {
    try {
      for (let n = 0; ; n++) yield { values: wave(60, n) };
    } finally {
      isClosed = true;
    }
  }
  const onProgress = ({ done }: EachProgress) => done === 3 && control.abort(new Error('enough'));
  const run = fitEach(many(), options, { engine, signal: control.signal, onProgress });
  await expect(run).rejects.toThrow(/^enough$/);
  expect(isClosed).toBe(true);
});

it('an error of the engine or of the iterable rejects the call', async () => {
  const { slots, store, close } = bound(open({ workers: 1 }));
  const broken: Engine = { slots, store, close, run: () => Promise.reject(new RangeError('no connection')) };
  await expect(fitEach(series, options, { engine: broken })).rejects.toThrow(/^no connection$/);
  function* failing() {
    yield series[0]!;
    throw new SyntaxError('line 2 is not a number');
  }
  await expect(fitEach(failing(), options, { engine: open({ workers: 1 }) })).rejects.toThrow(
    /^line 2 is not a number$/,
  );
});

it('works without an engine, and without series', async () => {
  const [fit] = await fitEach(series.slice(0, 1), options);
  expect((await fit!.load()).horizon).toBe(4);
  expect(await fitEach([], options)).toEqual([]);
});

it.each([
  ['fitEach: series must be a list or another iterable, got 7', () => fitEach(7 as never, options)],
  ['fitEach: horizon must be an integer of at least 1, got 0', () => fitEach(series, { horizon: 0 })],
  ["fitEach: unknown option 'engin'; did you mean 'engine'?", () => fitEach(series, options, { engin: 1 } as never)],
  [
    "fitEach: engine must be an engine, such as local(), got 'local'",
    () => fitEach(series, options, { engine: 'local' as never }),
  ],
  ['fitEach: onProgress must be a function, got 1', () => fitEach(series, options, { onProgress: 1 as never })],
  ['fitEach: signal must be an AbortSignal, got 1', () => fitEach(series, options, { signal: 1 as never })],
  [
    'fitEach: takes at most 3 arguments, got 1 as argument 4',
    () => (fitEach as (...given: unknown[]) => Promise<unknown>)(series, options, {}, 1),
  ],
  [
    'predictEach: models[0] must be a result of fitEach or a forecaster, got 1',
    () => predictEach([1 as never], series),
  ],
  ['predictEach: models must have one for each of the 5 series, got 0', () => predictEach([], series)],
  ['predictEach: seed must be an integer from 0 to 2^53 - 1, got -1', () => predictEach([], [], { seed: -1 })],
  [
    "backtestEach: unknown option 'fold'; did you mean 'folds'?",
    () => backtestEach(series, options, { fold: 1 } as never),
  ],
])('rejects: %s', async (message, call) => {
  await expect(call()).rejects.toThrow(expect.objectContaining({ name: 'ValueError', message }));
});
