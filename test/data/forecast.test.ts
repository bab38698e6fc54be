// Forecasts: exact for models with fixed weights, accurate for a model trained on a sine, and without side effects.

import {
  model as functional,
  input,
  layers,
  type Sequential,
  sequential,
  setRandomSeed,
  type Tensor,
  tensor,
  train,
} from 'lstm-wasm';
import { forecast, minMax, standardize, trainTestSplit, windows } from 'lstm-wasm/data';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { onClock } from '../setup/clock.ts';

const count = (n: number) => Array.from({ length: n }, (_, i) => i);

/** An LSTM with random weights over D columns that predicts `outputs` numbers. */
function model(
  D: number,
  outputs: number,
  options: { T?: number | null; batch?: number | null; returnSequences?: boolean; stateful?: boolean } = {},
): Sequential {
  const { T = null, batch = null, returnSequences = false, stateful = false } = options;
  setRandomSeed(3);
  return sequential({
    layers: [
      layers.lstm({ units: 6, returnSequences, stateful, batchInputShape: [batch, T, D] }),
      layers.dense({ units: outputs, activation: 'tanh' }),
    ],
  });
}

const wave = (n: number, D: number) => count(n).map(t => count(D).map(c => Math.sin(t / 3 + c)));

/** A forecast computed step by step: `next` predicts one step from the last step of the history. */
function fedBack(history: number[][], steps: number, next: (rows: number[][]) => number[]): number[][] {
  const rows = [...history];
  for (let n = 0; n < steps; n++) rows.push(next(rows));
  return rows.slice(history.length);
}

const lastOf = (m: Sequential, rows: number[][]): number[] => {
  const out = m.predictOnBatch([rows]).arraySync() as number[][] | number[][][];
  return (Array.isArray(out[0]![0]) ? (out[0] as number[][]).at(-1) : out[0]) as number[];
};

describe('forecast with a model that predicts the next step', () => {
  it.each([
    [1, false],
    [3, false],
    [2, true],
  ])('runs on with its states where the time axis is open: %i columns, sequences %s', (D, returnSequences) => {
    const m = model(D, D, { returnSequences });
    const history = wave(11, D);
    const expected = fedBack(history, 7, rows => lastOf(m, rows));
    const got = forecast(m, history, 7);
    expect(got.shape).toEqual([7, D]);
    expectClose(got.dataSync(), expected.flat(), { abs: 1e-6, rel: 1e-5 });
    expectClose(forecast(m, tensor(history), 7, { stream: false, inputSteps: 11 }).dataSync(), expectedWindow(m, 11), {
      abs: 1e-6,
      rel: 1e-5,
    });
    function expectedWindow(of: Sequential, T: number) {
      return fedBack(history, 7, rows => lastOf(of, rows.slice(-T))).flat();
    }
  });

  it.each([
    [null, false],
    [1, false],
    [5, false],
    [4, true],
  ])('looks at new windows where the model fixes their length: batch %s, sequences %s', (batch, returnSequences) => {
    const m = model(2, 2, { T: 4, batch, returnSequences });
    const free = model(2, 2, { returnSequences });
    const history = wave(9, 2);
    const expected = fedBack(history, 6, rows => lastOf(free, rows.slice(-4)));
    expectClose(forecast(m, history, 6).dataSync(), expected.flat(), { abs: 1e-6, rel: 1e-5 });
    // A stream starts with one window and keeps its states.
    const running = fedBack(history.slice(-4), 6, rows => lastOf(free, rows));
    expectClose(forecast(m, history, 6, { stream: true }).dataSync(), running.flat(), { abs: 1e-6, rel: 1e-5 });
  });

  it('forecast changes neither the states nor the layers of the model', () => {
    const m = model(1, 1, { T: 3, batch: 2, stateful: true, returnSequences: true });
    m.predict([
      [[1], [2], [3]],
      [[4], [5], [6]],
    ]);
    const before = m.getStates().flat();
    const history = wave(8, 1).flat();
    const running = forecast(m, history, 5);
    const windowed = forecast(m, history, 5, { stream: false });
    for (const [n, state] of m.getStates().flat().entries()) expectBits(state.dataSync(), before[n]!.dataSync());
    const free = model(1, 1, { returnSequences: true });
    const rows = history.map(x => [x]);
    expectClose(running.dataSync(), fedBack(rows, 5, r => lastOf(free, r)).flat(), { abs: 1e-6, rel: 1e-5 });
    const slid = fedBack(rows, 5, r => lastOf(free, r.slice(-3))).flat();
    expectClose(windowed.dataSync(), slid, { abs: 1e-6, rel: 1e-5 });
    m.add(layers.dense({ units: 4 })); // works, because no other model shares the layers any more
    expect(m.outputs[0]!.shape).toEqual([2, 3, 4]);
  });

  it('forecast uses windows if a layer needs the whole sequence', () => {
    setRandomSeed(3);
    const m = sequential({
      layers: [layers.lstm({ units: 4, goBackwards: true, inputShape: [null, 1] }), layers.dense({ units: 1 })],
    });
    const history = wave(6, 1);
    const got = forecast(m, history.flat(), 4);
    expect(got.shape).toEqual([4]);
    const expected = fedBack(history, 4, rows => lastOf(m, rows.slice(-6)));
    expectClose(got.dataSync(), expected.flat(), { abs: 1e-6, rel: 1e-5 });
    expect(() => forecast(m, history, 4, { stream: true })).toThrow('model.stream: no layer may run backwards');
  });

  it('forecast takes about as long as a stream', onClock, () => {
    const m = model(1, 1);
    forecast(m, [0.1, 0.2], 10);
    const start = performance.now();
    forecast(m, [0.1, 0.2], 20_000);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

describe('forecast with a model that predicts several steps at once', () => {
  it('a direct forecast predicts all steps with one call of predict', () => {
    const m = model(1, 5, { T: 6 });
    const history = wave(9, 1).flat();
    const [block] = m.predict([history.slice(-6).map(x => [x])]).arraySync() as number[][];
    expect(forecast(m, history, 5).arraySync()).toEqual(block);
    expect(forecast(m, history, 3).arraySync()).toEqual(block!.slice(0, 3));
    expect(forecast(m, history, 5, { direct: true }).arraySync()).toEqual(block);
    expect(forecast(m, wave(9, 1), 5).shape).toEqual([5, 1]);
  });

  it('a direct forecast feeds blocks back if more steps are requested', () => {
    for (const [K, T] of [
      [5, 6],
      [6, 4],
      [3, 3],
    ] as const) {
      const m = model(1, K, { T });
      const rows = [...wave(9, 1)];
      while (rows.length < 9 + 13) rows.push(...lastOf(m, rows.slice(-T)).map(x => [x]));
      expectClose(forecast(m, wave(9, 1).flat(), 13).dataSync(), rows.flat().slice(9, 22), { abs: 1e-6, rel: 1e-5 });
    }
  });

  it('a direct forecast accepts outputs of all columns, [B, steps * D], and of one column', () => {
    const m = model(3, 12, { T: 6 });
    const [block] = m.predict([wave(6, 3)]).arraySync() as number[][];
    const all = forecast(m, wave(6, 3), 4);
    expect(all.shape).toEqual([4, 3]);
    expect([...all.dataSync()]).toEqual(block);
    expect(forecast(m, wave(6, 3), 12).arraySync()).toEqual(block);
    expect(forecast(m, wave(6, 3), 12, { target: 1 }).shape).toEqual([12]);
    expect(forecast(m, wave(6, 3), 6, { target: [0, 2] }).shape).toEqual([6, 2]);
    // An output as wide as the input is the next step, unless `direct` is set.
    const three = model(3, 3, { T: 6 });
    expect(forecast(three, wave(6, 3), 3).shape).toEqual([3, 3]);
    expect(forecast(three, wave(6, 3), 3, { direct: true }).shape).toEqual([3]);
    expect(forecast(three, wave(6, 3), 3, { target: 0 }).shape).toEqual([3]);
  });

  it('forecast rejects a number of steps that does not fit into memory', () => {
    const rule = /^forecast: the forecast must fit into memory, got the shape \[1099511627776, 1\]$/;
    for (const T of [null, 6]) expect(() => forecast(model(1, 1, { T }), wave(9, 1), 2 ** 40)).toThrow(rule);
  });
});

describe('forecast with a scaler', () => {
  it('forecast scales the history and inverts the scaling of its result', () => {
    const m = model(2, 2, { T: 4 });
    const history = wave(9, 2).map(([a, b]) => [100 + 10 * a!, 5 * b!]);
    for (const scaler of [standardize(history), minMax(history, { range: [-1, 1] })]) {
      const expected = scaler.inverse(forecast(m, scaler.transform(history), 5));
      expectClose(forecast(m, history, 5, { scaler }).dataSync(), expected.dataSync(), { abs: 1e-5, rel: 1e-6 });
    }
  });

  it('forecast inverts the scaling of the predicted columns only', () => {
    const m = model(2, 4, { T: 4 });
    const history = wave(9, 2).map(([a, b]) => [100 + 10 * a!, 5 * b!]);
    const scaler = standardize(history);
    const raw = forecast(m, scaler.transform(history), 4, { target: 1 }).dataSync();
    const got = forecast(m, history, 4, { scaler, target: 1 });
    expectClose(
      got.dataSync(),
      [...raw].map(x => x * scaler.std[1]! + scaler.mean[1]!),
      { abs: 1e-5, rel: 1e-6 },
    );
  });
});

describe('forecast of a sine by a trained model', () => {
  const T = 20;
  const series = count(600).map(n => 3 + 2 * Math.sin(n / 5));
  const { train: past, test: future } = trainTestSplit(series, { testSize: 60 });
  const scaler = standardize(past);
  const rms = (got: ArrayLike<number>, expected: number[]) =>
    Math.sqrt(expected.reduce((sum, x, i) => sum + (x - got[i]!) ** 2, 0) / expected.length);
  let one: Sequential;
  let direct: Sequential;

  beforeAll(() => {
    setRandomSeed(1);
    const make = (units: number) =>
      sequential({ layers: [layers.lstm({ units: 16, inputShape: [T, 1] }), layers.dense({ units })] });
    [one, direct] = [make(1), make(60)];
    for (const [m, outputSteps] of [
      [one, 1],
      [direct, 60],
    ] as const) {
      m.compile({ optimizer: train.adam(0.01), loss: 'mse' });
      const data = windows(scaler.transform(past), { inputSteps: T, outputSteps, shuffle: true, seed: 1 });
      for (let epoch = 0; epoch < 40; epoch++) for (const { xs, ys } of data) m.trainOnBatch(xs, ys);
    }
  });

  it('forecast with fed-back predictions has errors below a tenth of the amplitude over 60 steps', () => {
    expect(rms(forecast(one, past, 60, { scaler }).dataSync(), future)).toBeLessThan(0.2);
    expect(rms(forecast(one, past, 60, { scaler, stream: true }).dataSync(), future)).toBeLessThan(0.6);
  });

  it('a direct forecast has errors below a tenth of the amplitude', () => {
    expect(rms(forecast(direct, past, 60, { scaler }).dataSync(), future)).toBeLessThan(0.2);
  });

  it('forecast beats the mean of the series as baseline', () => {
    expect(rms(new Array(60).fill(3), future)).toBeGreaterThan(1.2);
  });
});

describe('forecast with a scaler saved as JSON', () => {
  const series = [3, 5, 4, 6, 5, 7, 6, 8];
  test.each([
    ['standardize', standardize(series)],
    ['minMax', minMax(series, { range: [-1, 1] })],
  ] as const)('%s restored from model metadata gives the same forecast', (_, scaler) => {
    const m = model(1, 1);
    const expected = forecast(m, series, 3, { scaler }).dataSync();
    const kept = JSON.parse(JSON.stringify(scaler)) as Record<string, unknown>;
    m.setUserDefinedMetadata({ ...kept, unit: 'kW' });
    expectBits(forecast(m, series, 3, { scaler: m.getUserDefinedMetadata() }).dataSync(), expected);
    m.setUserDefinedMetadata({ scaler });
    expect(m.getUserDefinedMetadata()).toEqual({ scaler: kept });
    expectBits(forecast(m, series, 3, { scaler: m.getUserDefinedMetadata() }).dataSync(), expected);
    expectBits(forecast(m, series, 3, { scaler: m.getUserDefinedMetadata()!.scaler as object }).dataSync(), expected);
  });

  test('forecast rejects the metadata of a model that has none', () => {
    const m = model(1, 1);
    expect(() => forecast(m, series, 3, { scaler: m.getUserDefinedMetadata() })).toThrow(
      'forecast: scaler must be made by standardize or minMax, or be such a scaler saved as JSON, got null',
    );
  });
});

describe('a functional model', () => {
  const graphOf = (chain: Sequential, shape: [number | null, number], batch: number | null = null) => {
    const x = input({ batchShape: [batch, ...shape] });
    let y = x;
    for (const layer of chain.layers) y = layer.apply(y);
    return functional({ inputs: x, outputs: y });
  };

  test.each([
    ['that predicts the next step, from a stream', 2, { T: null }],
    ['that predicts the next step from a window', 2, { T: 5 }],
    ['that predicts a block of steps', 6, { T: 5 }],
    ['that is stateful', 2, { T: 5, batch: 1, stateful: true }],
  ] as const)('%s forecasts the same as the sequential one', (_, outputs, options) => {
    const chain = model(2, outputs, options);
    const graph = graphOf(chain, [options.T, 2], 'batch' in options ? options.batch : null);
    const steps = outputs === 2 ? 4 : 3;
    const [got, expected] = [graph, chain].map(each => forecast(each, wave(9, 2), steps));
    expect(got!.shape).toEqual(expected!.shape);
    expectBits(got!.dataSync() as Float32Array, expected!.dataSync() as Float32Array);
  });

  test('with two branches forecasts as if it were computed step by step', () => {
    const x = input({ shape: [null, 2] });
    const [slow, fast] = [layers.lstm({ units: 3 }).apply(x), layers.gru({ units: 3 }).apply(x)];
    const both = layers.concatenate().apply([slow, fast]);
    const net = functional({ inputs: x, outputs: layers.dense({ units: 2 }).apply(both), seed: 4 });
    const history = wave(7, 2);
    const expected = fedBack(history, 3, rows => (net.predict<Tensor>(tensor([rows])).arraySync() as number[][])[0]!);
    const got = forecast(net, history, 3);
    expectClose(got.dataSync(), expected.flat(), { abs: 1e-5, rel: 1e-5, what: 'forecast' });
  });
});
