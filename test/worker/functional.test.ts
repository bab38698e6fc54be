/** Functional models in a worker thread of Node; tests the built package. */

import type * as Core from 'lstm-wasm';
import type { RemoteModel } from 'lstm-wasm/worker';
import { afterEach, expect, test } from 'vitest';
import { lw, messageOf, numbers, start, terminateHosts } from './hosts.ts';

afterEach(terminateHosts);

const { layers, train } = lw;
const [N, T] = [24, 6];
const x = { a: lw.tensor(numbers(N * T * 3, 0.7), [N, T, 3]), b: lw.tensor(numbers(N * 4, 0.3), [N, 4]) };
const y = { p: lw.tensor(numbers(N * T * 2, 0.4), [N, T, 2]), q: lw.tensor(numbers(N, 0.9), [N, 1]) };
const arraysOf = (tensors: readonly Core.Tensor[]) => tensors.map(tensor => [...tensor.dataSync()]);

/** Two inputs and two outputs, a state that another layer starts from, attention, dropout and a nested model. */
function graph(seed?: number): Parameters<typeof lw.model>[0] {
  const [a, b] = [lw.input({ shape: [null, 3], name: 'a' }), lw.input({ shape: [4], name: 'b' })];
  const state = layers.dense({ units: 5 }).apply(b);
  const [sequence, last] = layers
    .gru({ units: 5, returnSequences: true, returnState: true })
    .apply(a, { initialState: state });
  const attended = layers.attention().apply([sequence!, sequence!]);
  const hidden = layers.dropout({ rate: 0.3 }).apply(layers.concatenate().apply([attended, sequence!]));
  const q = layers.dense({ units: 1, name: 'q' }).apply(layers.batchNormalization({ momentum: 0.5 }).apply(last!));
  return {
    inputs: [a, b],
    outputs: [layers.dense({ units: 2, name: 'p' }).apply(hidden), q],
    ...(seed !== undefined && { seed }),
  };
}

const options = () => ({
  optimizer: train.adam(0.01),
  loss: { p: 'mse', q: 'mae' },
  lossWeights: { p: 1, q: 0.5 },
  metrics: { q: ['mse'] },
});

test('a functional model gives the same bits in a worker', async () => {
  lw.setRandomSeed(7);
  const here = lw.model(graph());
  here.compile(options() as never);
  const there: RemoteModel = await start().model(graph());
  await there.compile(options() as never);
  expect(there.className).toBe('Functional');
  expect(there.inputs.map(({ shape }) => shape)).toEqual([
    [null, null, 3],
    [null, 4],
  ]);
  expect(there.outputs).toHaveLength(2);
  expect(there.metricsNames).toEqual(here.metricsNames);
  expect(await there.trainOnBatch(x, y)).toEqual(here.trainOnBatch(x, y));
  const lists = [Object.values(x), Object.values(y)] as const;
  expect(await there.trainOnBatch(...lists)).toEqual(here.trainOnBatch(...lists));
  expect(await there.testOnBatch(x, y)).toEqual(here.testOnBatch(x, y));
  const fit = { epochs: 3, batchSize: 8, verbose: 0, validationSplit: 0.25 } as const;
  expect((await there.fit(x, y, fit)).history).toEqual((await here.fit(x, y, fit)).history);
  const batches = () => [{ xs: x, ys: y }];
  const rounds = { epochs: 2, verbose: 0 } as const;
  expect((await there.fitDataset(batches() as never, rounds)).history).toEqual(
    (await here.fitDataset(batches() as never, rounds)).history,
  );
  expect(arraysOf(await there.predict<Core.Tensor[]>(x))).toEqual(arraysOf(here.predict<Core.Tensor[]>(x)));
  expect(arraysOf(await there.predictOnBatch<Core.Tensor[]>(lists[0]))).toEqual(
    arraysOf(here.predictOnBatch<Core.Tensor[]>(lists[0])),
  );
  expect(arraysOf(await there.evaluate<Core.Tensor[]>(x, y))).toEqual(arraysOf(here.evaluate<Core.Tensor[]>(x, y)));
  expect(arraysOf(await there.getWeights())).toEqual(arraysOf(here.getWeights()));
  expect(await there.countParams()).toBe(here.countParams());
  const eight = await there.withBatchSize(8);
  const part = { a: x.a.slice(0, 8), b: x.b.slice(0, 8) };
  expect(eight.inputs[0]!.shape).toEqual([8, null, 3]);
  expect(arraysOf(await eight.predict<Core.Tensor[]>(part))).toEqual(arraysOf(here.predict<Core.Tensor[]>(part)));
});

test('the seed of a functional model fixes its weights in a worker', async () => {
  const there = await start(1).model(graph(9));
  expect(arraysOf(await there.getWeights())).toEqual(arraysOf(lw.model(graph(9)).getWeights()));
});

test('a model with nested models and trained layers is copied to a worker with its weights', async () => {
  const inner = lw.sequential({
    layers: [layers.gru({ units: 3, inputShape: [null, 2] }), layers.dense({ units: 2 })],
  });
  const input = lw.input({ shape: [null, 2] });
  const head = layers.dense({ units: 1 });
  const make = () => ({ inputs: input, outputs: head.apply(inner.apply(input)) });
  const here = lw.model(make());
  here.compile({ optimizer: 'sgd', loss: 'mse' });
  const [xs, ys] = [lw.tensor(numbers(24, 0.4), [3, 4, 2]), lw.tensor(numbers(3, 0.5), [3, 1])];
  here.trainOnBatch(xs, ys);
  const weights = arraysOf(here.getWeights());
  const there = await start().model(make());
  expect(arraysOf(await there.getWeights())).toEqual(weights);
  expect(arraysOf([await there.predict(xs)])).toEqual(arraysOf([here.predict(xs)]));
  await there.compile({ optimizer: 'sgd', loss: 'mse' });
  await there.trainOnBatch(xs, ys);
  expect(arraysOf(here.getWeights())).toEqual(weights);
  const stacked = await start().sequential({ layers: [inner, layers.dense({ units: 1, name: 'last' })] });
  expect((await stacked.predict(xs)).shape).toEqual([3, 1]);
});

test('a functional model saved in a worker loads in a worker, with its optimizer', async () => {
  const host = start();
  const model = await host.model(graph());
  await model.compile(options() as never);
  await model.trainOnBatch(x, y);
  let saved: Core.ModelArtifacts | null = null;
  const save = async (artifacts: Core.ModelArtifacts) => {
    saved = artifacts;
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' as const } };
  };
  await model.save({ save } as never, { includeOptimizer: true });
  const again = await host.loadLayersModel<RemoteModel>(lw.io.fromMemory(saved!));
  expect(again.className).toBe('Functional');
  expect(again.metricsNames).toEqual(model.metricsNames);
  expect(await again.testOnBatch(x, y)).toEqual(await model.testOnBatch(x, y));
});

test('a functional model in a worker rejects wrong arguments with the errors of the model itself', async () => {
  const model = await start().model(graph());
  expect(await messageOf(model.predict({ a: x.a } as never))).toBe("ValueError model.predict: x must hold 'b', got a");
  expect(await messageOf(model.predict([x.a, x.a]))).toMatch(/^ValueError model\.predict: x\.b must have the shape/);
  expect(await messageOf(model.trainOnBatch(x, y))).toMatch(/the model must be compiled first/);
  const other = model as unknown as { pop(): Promise<void> };
  expect(await messageOf(other.pop())).toBe('ValueError model.pop: the model must be sequential');
});
