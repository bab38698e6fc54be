// Data sets with the API of TF.js.

import * as lw from 'lstm-wasm';
import { data, type Tensor, tensor } from 'lstm-wasm';
import { data as same } from 'lstm-wasm/data';
import { expect, it } from 'vitest';

it('data sets of arrays and generators can be iterated repeatedly', async () => {
  expect(same).toBe(data);
  const numbers = data.array([1, 2, 3]);
  expect(await numbers.toArray()).toEqual([1, 2, 3]);
  expect(await numbers.toArray()).toEqual([1, 2, 3]);
  let runs = 0;
  const generated = data.generator(function* () {
    runs++;
    yield* [1, 2];
  });
  expect([await generated.toArray(), await generated.toArray(), runs]).toEqual([[1, 2], [1, 2], 2]);
  expect([numbers.size, generated.size]).toEqual([3, null]);
  // As in the weather example of TF.js: a function that returns an object with next.
  let n = 0;
  const next = () => ({ next: () => ({ value: n, done: n++ >= 3 }) });
  expect(await data.generator<number>(next).toArray()).toEqual([0, 1, 2]);
  async function* late() {
    yield 5;
  }
  expect(await data.generator(late).toArray()).toEqual([5]);
});

it('take, skip, map, repeat, shuffle and prefetch yield the expected items', async () => {
  const numbers = data.array([1, 2, 3, 4, 5]);
  expect(await numbers.take(2).toArray()).toEqual([1, 2]);
  expect(await numbers.take(0).toArray()).toEqual([]);
  expect(await numbers.skip(3).prefetch(2).toArray()).toEqual([4, 5]);
  expect(await numbers.map(x => 2 * x).toArray()).toEqual([2, 4, 6, 8, 10]);
  expect(await numbers.repeat(2).toArray()).toEqual([1, 2, 3, 4, 5, 1, 2, 3, 4, 5]);
  expect(await numbers.repeat().take(7).toArray()).toEqual([1, 2, 3, 4, 5, 1, 2]);
  expect(await data.array([]).repeat().toArray()).toEqual([]);
  expect([numbers.take(9).size, numbers.skip(9).size, numbers.repeat(2).size, numbers.repeat().size]).toEqual([
    5,
    0,
    10,
    Number.POSITIVE_INFINITY,
  ]);
  const shuffled = numbers.shuffle(3, 4);
  const [first, second] = [await shuffled.toArray(), await shuffled.toArray()];
  for (const order of [first, second]) expect(order.toSorted()).toEqual([1, 2, 3, 4, 5]);
  expect(await numbers.shuffle(3, 4).toArray()).toEqual(first);
});

it('a data set runs the cleanup of its generator when the caller stops early', async () => {
  let closed = false;
  const endless = data.generator(function* () {
    try {
      for (;;) yield 1;
    } finally {
      closed = true;
    }
  });
  expect(await endless.take(3).toArray()).toEqual([1, 1, 1]);
  expect(closed).toBe(true);
});

it('batch stacks numbers, arrays and tensors, also in objects', async () => {
  const [a, b] = await data.array([1, 2, 3]).batch(2).toArray();
  expect([a!.arraySync(), b!.arraySync()]).toEqual([[1, 2], [3]]);
  expect(data.array([1, 2, 3]).batch(2).size).toBe(2);
  expect(await data.array([1, 2, 3]).batch(2, false).toArray()).toHaveLength(1);
  const samples = data.array([1, 2, 3, 4].map(n => ({ xs: tensor([[n], [n + 1]]), ys: [n], weight: n })));
  const seen: Tensor[] = [];
  await samples.batch(2).forEachAsync(({ xs, ys, weight }) => {
    expect([xs.shape, ys.shape, weight.shape]).toEqual([[2, 2, 1], [2, 1], [2]]);
    seen.push(xs);
  });
  expect(seen[1]!.arraySync()).toEqual([
    [[3], [4]],
    [[4], [5]],
  ]);
});

it('a data set is an async iterable and has the method iterator of TF.js', async () => {
  const seen = [];
  for await (const item of data.array(['a', 'b'])) seen.push(item);
  expect(seen).toEqual(['a', 'b']);
  const iterator = await data.array([7]).iterator();
  expect(await iterator.next()).toEqual({ value: 7, done: false });
});

it('the unchanged sampling and baseline code of the TF.js examples runs', async () => {
  // lstm-text-generation
  const sampleOf = (probs: Tensor, temperature: number) =>
    lw.tidy(() => {
      const logits = lw.div(lw.log(probs), Math.max(temperature, 1e-6));
      return lw.multinomial(logits, 1, null, false).dataSync()[0];
    });
  expect(sampleOf(lw.tensor1d([0.1, 0.8, 0.1]), 1e-7)).toBe(1);
  // jena-weather: the current value as forecast, weighted by batch size
  const items = [3, 2].map(B => ({ xs: lw.ones([B, 4, 2]).mul([1, 3]), ys: lw.fill([B, 1], B) }));
  const [sizes, errors]: [number[], Tensor[]] = [[], []];
  await data.array(items).forEachAsync(({ xs, ys }) => {
    sizes.push(xs.shape[0]!);
    const last = xs
      .gather([xs.shape[1]! - 1], 1)
      .gather([1], 2)
      .squeeze([2]);
    errors.push(lw.losses.absoluteDifference(ys, last));
  });
  const weights = lw.tensor1d(sizes);
  expect(lw.stack(errors).mul(weights).sum().div(weights.sum()).dataSync()[0]).toBeCloseTo(2 / 5);
  // addition-rnn
  const buffer = lw.buffer([2, 3]);
  buffer.set(1, 0, 2);
  buffer.set(1, 1, 0);
  const codes = buffer.toTensor().as3D(1, 2, 3);
  expect([...codes.slice([0, 0, 0], [1, 2, 3]).as2D(2, 3).argMax(1).dataSync()]).toEqual([2, 0]);
  // date-conversion-attention
  const output = lw.tensor2d([[3, 1, 2]], [1, 3], 'int32');
  const shifted = lw.concat([lw.ones([1, 1], 'int32'), output.slice([0, 0], [1, 2])], 1);
  expect(shifted.arraySync()).toEqual([[1, 3, 1]]);
  expect(lw.oneHot(output, 4).shape).toEqual([1, 3, 4]);
});

it('size is a number, Infinity for an endless data set, or null if unknown, as in TF.js', () => {
  const three = data.array([1, 2, 3]);
  const unknown = data.generator(function* () {
    yield 1;
  });
  const endless = three.repeat();
  const sizes = (set: typeof three) => [
    set.size,
    set.batch(2).size,
    set.batch(2, false).size,
    set.take(2).size,
    set.skip(2).size,
    set.map(x => x).size,
    set.shuffle(2).size,
    set.repeat(2).size,
    set.repeat(0).size,
  ];
  expect(sizes(three)).toEqual([3, 2, 1, 2, 1, 3, 3, 6, 0]);
  const all = Number.POSITIVE_INFINITY;
  expect(sizes(endless)).toEqual([all, all, all, 2, all, all, all, all, 0]);
  expect(sizes(unknown)).toEqual([null, null, null, null, null, null, null, null, 0]);
  expect([unknown.repeat().size, data.array([]).repeat().size]).toEqual([null, 0]);
});

it('evaluateDataset and validationData reject an endless data set without a number of batches', async () => {
  const model = lw.sequential({ layers: [lw.layers.dense({ units: 1, inputShape: [1] })] });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const pairs = [{ xs: [1], ys: [2] }];
  for (const endless of [data.array(pairs).repeat(), data.generator(() => pairs.values()).repeat()]) {
    const dataset = endless.batch(2);
    await expect(model.evaluateDataset(dataset)).rejects.toThrow(
      new lw.ValueError(
        'model.evaluateDataset: dataset must be finite, got a data set that repeats forever; pass batches',
      ),
    );
    expect((await model.evaluateDataset(dataset, { batches: 1 })) as Tensor).toHaveProperty('shape', []);
    const validated = { epochs: 1, batchesPerEpoch: 1, validationData: dataset, verbose: 0 } as const;
    await expect(model.fitDataset(dataset, validated)).rejects.toThrow(
      'model.fitDataset: validationData must be finite, got a data set that repeats forever; pass validationBatches',
    );
    const { history } = await model.fitDataset(dataset, { ...validated, validationBatches: 1 });
    expect(history.val_loss).toHaveLength(1);
  }
});

it('toArray rejects an endless data set, and reads a part of it', async () => {
  const once = data.generator(function* () {
    yield 1;
  });
  for (const endless of [
    data.array([1]).repeat(),
    once.repeat(),
    data
      .array([1])
      .repeat()
      .map(x => x)
      .skip(1),
  ]) {
    await expect(endless.toArray()).rejects.toThrow(
      new lw.ValueError('dataset.toArray: the data set must be finite, got one that repeats forever; call take first'),
    );
    expect(await endless.take(2).toArray()).toEqual([1, 1]);
  }
  expect(await data.array([]).repeat().toArray()).toEqual([]);
  expect(await data.array([1]).repeat().repeat(0).toArray()).toEqual([]);
});
