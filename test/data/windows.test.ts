// Windows, splits and scalers, compared with plain loops and numbers computed by hand.

import { layers, sequential, tensor } from 'lstm-wasm';
import { minMax, standardize, trainTestSplit, windows } from 'lstm-wasm/data';
import { describe, expect, it, test } from 'vitest';
import { expectClose } from '../compare.ts';
import { Random } from '../reference/random.ts';

const count = (n: number) => Array.from({ length: n }, (_, i) => i);
/** Step n holds [n, 100 + n, 200 + n], so that every number shows its origin. */
const table = (n: number) => count(n).map(i => [i, 100 + i, 200 + i]);

describe('windows with a context', () => {
  test('windows with a context take inputs from the context, so that the first step of the series is a target', () => {
    const [past, series] = [table(20), table(26).slice(20)];
    const data = windows(series, { inputSteps: 4, context: past });
    expect(data.samples).toBe(6);
    expect((data.xs.arraySync() as number[][][])[0]!.map(([n]) => n)).toEqual([16, 17, 18, 19]);
    expect((data.ys.arraySync() as number[][]).map(([n]) => n)).toEqual([20, 21, 22, 23, 24, 25]);
  });

  test('windows with a context equal those of the joined series whose targets are in the series', () => {
    const whole = windows(table(30), { inputSteps: 5, outputSteps: 2, target: 1, stride: 2 });
    const some = windows(tensor(table(30)).slice([15, 0]), {
      ...{ inputSteps: 5, outputSteps: 2, target: 1, stride: 2 },
      context: tensor(table(15)),
    });
    expect(some.samples).toBe(7);
    expect(some.ys.arraySync()).toEqual(whole.ys.slice([5, 0], [7, 2]).arraySync());
    expect(some.xs.arraySync()).toEqual(whole.xs.slice([5, 0, 0], [7, 5, 3]).arraySync());
  });

  test('windows with a context cover a series that is shorter than a window', () => {
    const data = windows([7], { inputSteps: 3, context: [4, 5, 6] });
    expect([data.xs.arraySync(), data.ys.arraySync()]).toEqual([[[[4], [5], [6]]], [[7]]]);
  });
});

describe('windows', () => {
  it('windows yields the expected inputs and targets of a series of plain numbers', () => {
    const data = windows([0, 1, 2, 3, 4, 5, 6], { inputSteps: 3, batchSize: 3 });
    expect([data.samples, data.length]).toEqual([4, 2]);
    const batches = [...data];
    expect(batches.map(({ xs, ys }) => [xs.shape, ys.shape])).toEqual([
      [
        [3, 3, 1],
        [3, 1],
      ],
      [
        [1, 3, 1],
        [1, 1],
      ],
    ]);
    expect(batches[0]!.xs.squeeze().arraySync()).toEqual([
      [0, 1, 2],
      [1, 2, 3],
      [2, 3, 4],
    ]);
    expect(batches[1]!.ys.arraySync()).toEqual([[6]]);
  });

  test.each([
    [7, 3, 1, 1],
    [23, 5, 2, 3],
    [23, 5, 4, 2],
    [11, 1, 1, 1],
    [9, 4, 5, 1],
    [40, 7, 3, 11],
  ])('%i steps, %i in, %i out, stride %i', (N, T, K, stride) => {
    const data = windows(table(N), { inputSteps: T, outputSteps: K, stride, batchSize: 4 });
    const starts = [];
    for (let start = 0; start + T + K <= N; start += stride) starts.push(start);
    expect(data.samples).toBe(starts.length);
    expect(data.length).toBe(Math.ceil(starts.length / 4));
    expect(data.xs.arraySync()).toEqual(starts.map(start => table(N).slice(start, start + T)));
    const behind = starts.map(start => table(N).slice(start + T, start + T + K));
    expect(data.ys.arraySync()).toEqual(K === 1 ? behind.map(([row]) => row) : behind);
    const seen = [...data].flatMap(({ xs }) => xs.arraySync() as number[][][]);
    expect(seen).toEqual(data.xs.arraySync());
  });

  it('windows yields targets of the chosen columns, in the output shape of the model', () => {
    const shape = (options: object) => windows(table(12), { inputSteps: 4, ...options }).ys.shape.slice(1);
    expect(shape({})).toEqual([3]);
    expect(shape({ target: 1 })).toEqual([1]);
    expect(shape({ target: [0, 2] })).toEqual([2]);
    expect(shape({ target: 1, outputSteps: 3 })).toEqual([3]);
    expect(shape({ target: [0, 2], outputSteps: 3 })).toEqual([3, 2]);
    expect(shape({ returnSequences: true })).toEqual([4, 3]);
    expect(shape({ returnSequences: true, target: 0, outputSteps: 3 })).toEqual([4, 3]);
    const data = windows(table(12), { inputSteps: 4, outputSteps: 2, target: [2, 0] });
    expect((data.ys.arraySync() as number[][][])[1]).toEqual([
      [205, 5],
      [206, 6],
    ]);
    const along = windows(table(12), { inputSteps: 2, outputSteps: 2, target: 1, returnSequences: true });
    expect((along.ys.arraySync() as number[][][])[3]).toEqual([
      [104, 105],
      [105, 106],
    ]);
  });

  it('windows suit models with a dense layer on the last output, and models that return sequences', () => {
    const series = count(40).map(i => Math.sin(i / 3));
    const last = sequential({
      layers: [layers.lstm({ units: 3, inputShape: [5, 1] }), layers.dense({ units: 2 })],
    });
    const all = sequential({
      layers: [layers.lstm({ units: 3, inputShape: [5, 1], returnSequences: true }), layers.dense({ units: 2 })],
    });
    for (const [model, returnSequences] of [
      [last, false],
      [all, true],
    ] as const) {
      model.compile({ optimizer: 'adam', loss: 'mse' });
      for (const { xs, ys } of windows(series, { inputSteps: 5, outputSteps: 2, returnSequences })) {
        expect(model.trainOnBatch(xs, ys)).toBeGreaterThan(0);
      }
    }
  });

  it('windows can be iterated repeatedly, and shuffle gives new orders that the seed reproduces', () => {
    const options = { inputSteps: 2, batchSize: 5, shuffle: true, seed: 9 };
    const order = (data: ReturnType<typeof windows>) => [...data].flatMap(({ ys }) => [...ys.dataSync()]);
    const data = windows(count(50), options);
    const [first, second] = [order(data), order(data)];
    expect(first).not.toEqual(second);
    expect(first).not.toEqual(first.toSorted((a, b) => a - b));
    for (const one of [first, second]) expect(one.toSorted((a, b) => a - b)).toEqual(count(50).slice(2));
    const again = windows(count(50), options);
    expect([order(again), order(again)]).toEqual([first, second]);
    expect(order(windows(count(50), { ...options, seed: 10 }))).not.toEqual(first);
    // xs and ys match in any order.
    for (const { xs, ys } of data) {
      expect([...xs.slice([0, 1]).dataSync()].map(x => x + 1)).toEqual([...ys.dataSync()]);
    }
    const plain = windows(count(50), { inputSteps: 2 });
    expect(order(plain)).toEqual(order(plain));
  });

  it('windows omits a small last batch with dropRemainder', () => {
    const sizes = (options: object) =>
      [...windows(count(12), { inputSteps: 2, batchSize: 4, ...options })].map(({ xs }) => xs.shape[0]);
    expect(sizes({})).toEqual([4, 4, 2]);
    expect(sizes({ dropRemainder: true })).toEqual([4, 4]);
    expect(windows(count(12), { inputSteps: 2, batchSize: 4, dropRemainder: true }).length).toBe(2);
  });

  it('windows accepts a series in any form and copies it', () => {
    const numbers = [1, 2, 3, 4, 5];
    const expected = windows(numbers, { inputSteps: 2 }).xs.arraySync();
    expect(windows(Float64Array.from(numbers), { inputSteps: 2 }).xs.arraySync()).toEqual(expected);
    expect(windows(tensor(numbers), { inputSteps: 2 }).xs.arraySync()).toEqual(expected);
    expect(windows(tensor(numbers, [5, 1], 'int32'), { inputSteps: 2 }).xs.arraySync()).toEqual(expected);
    const copy = Float32Array.from(numbers);
    const data = windows(copy, { inputSteps: 2 });
    copy.fill(0);
    expect(data.xs.arraySync()).toEqual(expected);
    [...data][0]!.xs.dataSync().fill(0);
    expect(data.xs.arraySync()).toEqual(expected);
  });
});

describe('trainTestSplit', () => {
  it('trainTestSplit splits in time order and keeps the form of the series', () => {
    expect(trainTestSplit(count(10))).toEqual({ train: count(8), validation: [], test: [8, 9] });
    expect(trainTestSplit(count(10), { testSize: 3, validationFraction: 0.2 })).toEqual({
      train: [0, 1, 2, 3, 4],
      validation: [5, 6],
      test: [7, 8, 9],
    });
    expect(trainTestSplit(table(5), { testFraction: 0.01 }).test).toEqual([[4, 104, 204]]);
    const typed = trainTestSplit(Float64Array.from(count(5)), { testSize: 2 });
    expect(typed.train).toEqual(Float64Array.of(0, 1, 2));
    const tensors = trainTestSplit(tensor(table(5)), { testSize: 2, validationSize: 1 });
    expect([tensors.train.shape, tensors.validation.shape]).toEqual([
      [2, 3],
      [1, 3],
    ]);
    expect(tensors.test.arraySync()).toEqual(table(5).slice(3));
    expect(trainTestSplit(count(4), { testSize: 0 }).train).toEqual(count(4));
  });

  it('trainTestSplit copies the series', () => {
    const series = Float32Array.of(1, 2, 3, 4);
    const { train } = trainTestSplit(series, { testSize: 1 });
    series.fill(0);
    expect(train).toEqual(Float32Array.of(1, 2, 3));
  });
});

describe('scalers', () => {
  const random = new Random(2);
  const series = Array.from({ length: 101 }, () => [
    20 + 5 * random.normal(),
    1000 * random.normal(),
    random.uniform() / 1000,
  ]);

  it('standardize gives each column mean 0 and standard deviation 1', () => {
    const scaler = standardize(series);
    const scaled = scaler.transform(series);
    const sums = [0, 1, 2].map(c => series.reduce((sum, row) => sum + row[c]!, 0) / 101);
    expectClose(scaler.mean, sums, { abs: 1e-12, rel: 1e-12 });
    expectClose(scaled.mean(0).dataSync(), [0, 0, 0], { abs: 1e-6, rel: 0 });
    expectClose(scaled.square().mean(0).dataSync(), [1, 1, 1], { abs: 1e-6, rel: 0 });
    expect(standardize([2, 4, 4, 4, 5, 5, 7, 9])).toMatchObject({ mean: [5], std: [2] });
    const typed = standardize([Float32Array.of(2, 1), Float32Array.of(4, 3), Float64Array.of(6, 5)]);
    expect(typed).toMatchObject({ mean: [4, 3] });
    expect(typed.inverse([Float32Array.of(0, 0)]).arraySync()).toEqual([[4, 3]]);
    expect(standardize([2, 4, 4, 4, 5, 5, 7, 9]).transform([9, 5]).arraySync()).toEqual([2, 0]);
  });

  it('scalers can be restored from JSON', () => {
    const standard = standardize(series);
    const ranged = minMax(series, { range: [-1, 3] });
    const pairs = [
      [standard, standardize(JSON.parse(JSON.stringify(standard)))],
      [ranged, minMax(JSON.parse(JSON.stringify(ranged)))],
    ] as const;
    for (const [scaler, again] of pairs) {
      expect(again).toEqual(scaler);
      expect(again.transform(series).dataSync()).toEqual(scaler.transform(series).dataSync());
      expect(again.inverse(series).dataSync()).toEqual(scaler.inverse(series).dataSync());
    }
    expect(
      minMax({ min: [0], max: [2] }, { range: [0, 4] })
        .transform([1])
        .arraySync(),
    ).toEqual([2]);
    expect(
      standardize({ mean: [3, 1], std: [2, 0] })
        .transform([5, 2])
        .arraySync(),
    ).toEqual([1, 1]);
  });

  it('minMax scales each column to the range', () => {
    for (const range of [[0, 1] as const, [-1, 1] as const, [5, 5.5] as const]) {
      const scaled = minMax(series, { range }).transform(series);
      expectClose(scaled.min(0).dataSync(), [range[0], range[0], range[0]], { abs: 1e-6, rel: 0 });
      expectClose(scaled.max(0).dataSync(), [range[1], range[1], range[1]], { abs: 1e-6, rel: 0 });
    }
    expect(minMax([10, 20])).toMatchObject({ min: [10], max: [20] });
    expect(minMax([10, 20]).transform([10, 15, 30]).arraySync()).toEqual([0, 0.5, 2]);
  });

  it.each([
    ['standardize', standardize(series)],
    ['minMax', minMax(series, { range: [-1, 1] })],
  ] as const)('%s goes back to 1e-6', (_, scaler) => {
    const back = scaler.inverse(scaler.transform(series));
    // Relative to the range of a column, as precise as float32.
    const width = scaler
      .inverse([1, 1, 1])
      .sub(scaler.inverse([0, 0, 0]))
      .abs();
    const error = back
      .sub(series)
      .abs()
      .div(width.maximum(tensor(series).abs()));
    expect(Number(error.max())).toBeLessThan(1e-6);
    expect(back.shape).toEqual([101, 3]);
  });

  it('scalers accept batches of windows, single steps, and any shape if there is one column', () => {
    const scaler = standardize(series);
    const { xs } = windows(series, { inputSteps: 4 });
    const direct = windows(scaler.transform(series), { inputSteps: 4 }).xs;
    expectClose(scaler.transform(xs).dataSync(), direct.dataSync(), { abs: 1e-6, rel: 1e-5 });
    expect(scaler.transform(series[0]!).shape).toEqual([3]);
    const single = standardize([1, 2, 3]);
    expect(single.transform([[[2], [2]]]).arraySync()).toEqual([[[0], [0]]]);
    expect(single.transform(2).arraySync()).toBe(0);
    expect(single.inverse(tensor([[0, 0, 0]])).arraySync()).toEqual([[2, 2, 2]]);
  });

  it('scalers only shift constant columns, and detect them despite rounding', () => {
    const flat = count(30).map(i => [0.1, i]);
    const standard = standardize(flat);
    expect([standard.mean[0], standard.std[0]]).toEqual([0.1, 0]);
    for (const [scaler, place] of [
      [standard, 0],
      [minMax(flat, { range: [-1, 1] }), -1],
    ] as const) {
      const scaled = scaler.transform(flat);
      expect(new Set(scaled.unstack(1)[0]!.dataSync())).toEqual(new Set([place]));
      expect(new Set(scaler.inverse(scaled).unstack(1)[0]!.dataSync())).toEqual(new Set([Math.fround(0.1)]));
    }
  });

  it('scalers compute their parameters in float64', () => {
    const large = count(11).map(i => 1e9 + i);
    const scaler = standardize(large);
    expect([scaler.mean[0], scaler.std[0]]).toEqual([1e9 + 5, Math.sqrt(10)]);
    expectClose(
      scaler.transform(large).dataSync(),
      count(11).map(i => (i - 5) / Math.sqrt(10)),
      { abs: 1e-7, rel: 1e-7 },
    );
  });

  it('columns returns a scaler of the chosen columns', () => {
    const scaler = standardize(series);
    const chosen = scaler.columns([2, 0]);
    expect(chosen.width).toBe(2);
    expectClose(
      chosen.inverse([[1, 1]]).dataSync(),
      [scaler.mean[2]! + scaler.std[2]!, scaler.mean[0]! + scaler.std[0]!],
      { abs: 0, rel: 1e-6 },
    );
  });
});
