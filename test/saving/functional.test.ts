// Functional models in the files of TF.js: loaded and saved here and there, they are the same.

import * as lw from 'lstm-wasm';
import { layers, loadLayersModel, modelFromJSON, train } from 'lstm-wasm';
import { toKeras } from 'lstm-wasm/keras';
import { describe, expect, test } from 'vitest';
import { expectBits } from '../compare.ts';
import { Random } from '../reference/random.ts';
import { compare, tf } from '../tfjs/agree.ts';
import type { Library } from '../tfjs/build.ts';
import { perturb } from '../tfjs/perturb.ts';
import { graphs, outOfOrder, randomGraph } from './graphs.ts';

const here = lw as unknown as Library;
const { io } = lw;

/** The artifacts that a model of either library passes to a save handler. */
async function artifactsOf(model: Library, options?: object): Promise<lw.ModelArtifacts> {
  let found: lw.ModelArtifacts | undefined;
  const save = (artifacts: lw.ModelArtifacts) => {
    found = artifacts;
    return { modelArtifactsInfo: {} };
  };
  await model.save({ save }, options);
  return found!;
}

const loadInTfjs = (artifacts: lw.ModelArtifacts): Promise<Library> => tf.loadLayersModel(tf.io.fromMemory(artifacts));
const loadHere = (artifacts: lw.ModelArtifacts) =>
  loadLayersModel<lw.LayersModel>(io.fromMemory(artifacts)) as Promise<Library>;

const BATCH = 2;

/** Data for the inputs or outputs of a model, the same at every call. */
function dataFor(tensors: { shape: (number | null)[] }[], seed: number): { shape: number[]; values: Float32Array }[] {
  const random = new Random(seed);
  return tensors.map(({ shape }) => {
    const sizes = shape.map(n => n ?? BATCH);
    return { shape: sizes, values: Float32Array.from(random.normals(sizes).data) };
  });
}

const tensorsIn = (library: Library, data: { shape: number[]; values: Float32Array }[]): Library[] =>
  data.map(({ shape, values }) => library.tensor(values, shape));

/** A model of one input takes a tensor, of several a list. */
const oneOrAll = <T>(list: T[]): T | T[] => (list.length === 1 ? list[0]! : list);

function predict(model: Library, library: Library): Float32Array[] {
  const x = tensorsIn(library, dataFor(model.inputs, 7));
  return [model.predict(oneOrAll(x), { batchSize: BATCH })].flat().map((y: Library) => y.dataSync());
}

/** Compares predictions within what changes when the weights change by rounding errors, in TF.js. */
async function expectSamePredictions(artifacts: lw.ModelArtifacts, got: Float32Array[], expected: Float32Array[]) {
  const random = new Random(3);
  const runs: Float32Array[][] = [];
  for (let n = 0; n < 3; n++) {
    const weightData = perturb(new Float32Array(artifacts.weightData as ArrayBuffer), random).buffer as ArrayBuffer;
    runs.push(predict(await loadInTfjs({ ...artifacts, weightData }), tf));
  }
  for (const [n, values] of expected.entries()) {
    const what = `output ${n}`;
    const near = runs.map(run => run[n]!);
    expect(compare({ what, values }, { what, values: got[n]! }, near)).toBeNull();
  }
}

/** The layers of inputs and outputs; those of a sequential model have no names of their own in TF.js. */
const namesIn = (model: Library) =>
  model instanceof tf.Sequential || model.className === 'Sequential'
    ? []
    : [model.inputs, model.outputs].map(tensors => tensors.map(({ sourceLayer }: Library) => sourceLayer.name));

/** Lists of numbers as one, for `expectBits`. */
const joined = (lists: ArrayLike<number>[]): number[] => lists.flatMap(list => Array.from(list));

const shapesOf = (tensors: { shape: unknown }[]) => tensors.map(({ shape }) => shape);

describe.each(Object.entries(graphs))('%s', (_name, build) => {
  test('TF.js loads the file of this package, with the same layers, weights and predictions', async () => {
    const model = build(here);
    const artifacts = await artifactsOf(model);
    const there = await loadInTfjs(artifacts);
    expect(there.layers.map(({ name }: Library) => name)).toEqual(model.layers.map(({ name }: Library) => name));
    expect(namesIn(there)).toEqual(namesIn(model));
    expect(shapesOf(there.inputs)).toEqual(shapesOf(model.inputs));
    const values = (weights: Library[]) => weights.map((weight: Library) => weight.dataSync());
    expectBits(joined(values(there.getWeights())), joined(values(model.getWeights())));
    await expectSamePredictions(artifacts, predict(model, here), predict(there, tf));
  });

  test('this package loads the file of TF.js, with the same layers, weights and predictions', async () => {
    const there = build(tf);
    const artifacts = await artifactsOf(there);
    const model = await loadHere(artifacts);
    expect(model.layers.map(({ name }: Library) => name)).toEqual(there.layers.map(({ name }: Library) => name));
    expect(namesIn(model)).toEqual(namesIn(there));
    const written = await artifactsOf(model);
    expect(written.weightSpecs!.map(({ name }) => name)).toEqual(artifacts.weightSpecs!.map(({ name }) => name));
    await expectSamePredictions(artifacts, predict(model, here), predict(there, tf));
  });

  test('a saved model comes back with the same configuration, names and bits', async () => {
    const model = build(here);
    const again = await loadHere(await artifactsOf(model));
    expect(again.constructor).toBe(model.constructor);
    expect(again.getConfig()).toEqual(model.getConfig());
    expect(again.name).toBe(model.name);
    expect(again.inputNames).toEqual(model.inputNames);
    expect(again.outputNames).toEqual(model.outputNames);
    expectBits(joined(predict(again, here)), joined(predict(model, here)));
    const described = (await modelFromJSON(model.toJSON())) as Library;
    expect(described.getConfig()).toEqual(model.getConfig());
  });

  test('training continues bit for bit after saving with the optimizer', async () => {
    const model = build(here);
    model.compile({ optimizer: train.adam(0.01), loss: 'meanSquaredError', metrics: ['mae'] });
    const [x, y] = [
      oneOrAll(tensorsIn(here, dataFor(model.inputs, 7))),
      oneOrAll(tensorsIn(here, dataFor(model.outputs, 8))),
    ];
    for (let n = 0; n < 3; n++) model.trainOnBatch(x, y);
    const again = await loadHere(await artifactsOf(model, { includeOptimizer: true }));
    expect(again.metricsNames).toEqual(model.metricsNames);
    for (let n = 0; n < 3; n++) expect(again.trainOnBatch(x, y)).toEqual(model.trainOnBatch(x, y));
    const weights = (each: Library) => joined(each.getWeights().map((weight: Library) => weight.dataSync()));
    expectBits(weights(again), weights(model));
  });
});

describe('calls of a shared layer whose order in the file differs from the order in which TF.js makes them', () => {
  test('TF.js loads the file of this package with the same predictions', async () => {
    const model = outOfOrder(here);
    const artifacts = await artifactsOf(model);
    await expectSamePredictions(artifacts, predict(model, here), predict(await loadInTfjs(artifacts), tf));
  });

  test('this package loads the file of TF.js with the same predictions', async () => {
    const there = outOfOrder(tf);
    const artifacts = await artifactsOf(there);
    const model = await loadHere(artifacts);
    const [got, expected] = [predict(model, here), predict(there, tf)];
    for (const [n, values] of expected.entries()) {
      for (const [i, value] of values.entries()) expect(got[n]![i]).toBeCloseTo(value, 5);
    }
  });
});

test('random graphs have their layers in the order of TF.js, which loads them with the same predictions', async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const graphIn = (library: Library) => {
      const random = new Random(seed);
      return randomGraph(library, { next: () => (random.uniform() + 1) / 2 });
    };
    const model = graphIn(here);
    const names = (each: Library) => each.layers.map(({ name }: Library) => name);
    expect(names(model)).toEqual(names(graphIn(tf)));
    const artifacts = await artifactsOf(model);
    const there = await loadInTfjs(artifacts);
    expect(names(there)).toEqual(names(model));
    const [got, expected] = [predict(model, here), predict(there, tf)];
    expect(got).toHaveLength(expected.length);
    for (const [n, values] of expected.entries()) {
      for (const [i, value] of values.entries()) expect(got[n]![i]).toBeCloseTo(value, 5);
    }
    expect((await loadHere(artifacts)).getConfig()).toEqual(model.getConfig());
  }
});

describe('the optimizer of a model with several outputs', () => {
  const compiled = (metrics: Library): Library => {
    const model = graphs['two outputs at different depths']!(here);
    model.compile({ optimizer: train.adagrad(0.01), loss: ['meanSquaredError', 'meanAbsoluteError'], metrics });
    return model;
  };

  test('TF.js continues the training with the same losses', async () => {
    const model = compiled(['mae']);
    const data = [dataFor(model.inputs, 7), dataFor(model.outputs, 8)] as const;
    const inLibrary = (library: Library) => data.map(part => oneOrAll(tensorsIn(library, part)));
    for (let n = 0; n < 3; n++) model.trainOnBatch(...inLibrary(here));
    const there = await loadInTfjs(await artifactsOf(model, { includeOptimizer: true }));
    expect(there.metricsNames).toHaveLength(model.metricsNames.length);
    for (let n = 0; n < 3; n++) {
      const [got, expected] = [model.trainOnBatch(...inLibrary(here)), await there.trainOnBatch(...inLibrary(tf))];
      for (const [i, value] of expected.entries()) expect(got[i]).toBeCloseTo(value, 5);
    }
  });

  test('this package continues a training of TF.js with the same losses', async () => {
    const there = graphs['two outputs at different depths']!(tf);
    there.compile({
      optimizer: tf.train.adagrad(0.01),
      loss: { long: 'meanAbsoluteError', short: 'meanSquaredError' },
      metrics: { long: 'mse' },
    });
    const data = [dataFor(there.inputs, 7), dataFor(there.outputs, 8)] as const;
    const inLibrary = (library: Library) => data.map(part => oneOrAll(tensorsIn(library, part)));
    for (let n = 0; n < 3; n++) await there.trainOnBatch(...inLibrary(tf));
    const model = await loadHere(await artifactsOf(there, { includeOptimizer: true }));
    for (let n = 0; n < 3; n++) {
      const [got, expected] = [model.trainOnBatch(...inLibrary(here)), await there.trainOnBatch(...inLibrary(tf))];
      expect(got).toHaveLength(expected.length);
      for (const [i, value] of expected.entries()) expect(got[i]).toBeCloseTo(value, 5);
    }
  });

  test('metrics are in the form that TF.js reads, and absent where it has none', async () => {
    const configOf = async (metrics: Library) =>
      (await artifactsOf(compiled(metrics), { includeOptimizer: true })).trainingConfig;
    expect((await configOf(['mae', 'mse']))!.metrics).toEqual(['mae', 'mse']);
    expect((await configOf({ long: 'mae' }))!.metrics).toEqual({ long: 'mae' });
    expect((await configOf({ long: 'mae', short: ['mse'] }))!.metrics).toEqual({ long: 'mae', short: 'mse' });
    expect(await configOf({ long: ['mae', 'mse'] })).toBeUndefined();
    expect((await configOf([]))!.loss).toEqual(['mean_squared_error', 'mean_absolute_error']);
  });
});

test('layers of nested models with the same name have different names in the file, and come back', async () => {
  const inner = (name: string) =>
    lw.sequential({ name, layers: [layers.dense({ units: 3, name: 'dense', inputShape: [3] })] });
  const x = lw.input({ shape: [3], name: 'x' });
  const model = lw.model({ inputs: x, outputs: inner('two').apply(inner('one').apply(x)) }) as Library;
  const artifacts = await artifactsOf(model);
  const names = artifacts.weightSpecs!.map(({ name }) => name);
  expect(names).toEqual(['dense/kernel', 'dense/bias', 'dense_1/kernel', 'dense_1/bias']);
  expectBits(joined(predict(await loadHere(artifacts), here)), joined(predict(model, here)));
});

test('a call with training: true is loaded as such', async () => {
  const x = lw.input({ shape: [3], name: 'x' });
  const model = lw.model({ inputs: x, outputs: layers.dropout({ rate: 0.5, seed: 1 }).apply(x, { training: true }) });
  const again = await modelFromJSON<lw.FunctionalModel>(model.toJSON() as string);
  expect(again.getConfig()).toEqual(model.getConfig());
  expect(predict(again as Library, here)[0]!.some(value => value === 0)).toBe(true);
});

test('a layer that nested models share is rejected, because the file would hold it twice', async () => {
  const shared = layers.dense({ units: 3, name: 'shared' });
  const inner = (name: string) => {
    const p = lw.input({ shape: [3] });
    return lw.model({ inputs: p, outputs: shared.apply(p), name });
  };
  const x = lw.input({ shape: [3], name: 'x' });
  const model = lw.model({ inputs: x, outputs: inner('two').apply(inner('one').apply(x)) });
  const message = /a layer must be in one of the nested models only, got 'shared' in several/;
  expect(() => model.toJSON()).toThrow(message);
  await expect(model.save({ save: () => expect.fail() })).rejects.toThrow(message);
  await expect(toKeras(model)).rejects.toThrow(message);
  const encoder = lw.model({ inputs: x, outputs: shared.apply(x) }); // in another model, but not nested in it
  expect(encoder.toJSON()).toContain('shared');
});

test('disposing a loaded model frees its memory, with that of its nested models', async () => {
  const build = graphs['nested sequential and functional models, one of them shared']!;
  const saved = await artifactsOf(build(here));
  const model = await loadHere(saved);
  const inner = model.getLayer('innerStack');
  expect(predict(inner, here)[0]).toHaveLength(2 * 3);
  const { models } = lw.backendInfo();
  model.dispose();
  expect(lw.backendInfo().models).toBe(models - 1);
  expect(() => predict(inner, here)).toThrow('must not be used after dispose()');
});

describe('masks that calls are given', () => {
  const given = () => {
    const [x, m] = [lw.input({ shape: [4, 3], name: 'seqIn' }), lw.input({ shape: [4], name: 'maskIn' })];
    const seq = layers.lstm({ units: 3, returnSequences: true, name: 'lstm_A' }).apply(x, { mask: m });
    const pair = layers.attention({ name: 'luong' }).apply([seq, x], { mask: [null, m] });
    const cell = layers.gru({ units: 3, returnSequences: true, name: 'gru' });
    const outputs = [cell.apply(pair, { mask: m }), cell.apply(seq, { mask: [null] }), cell.apply(seq)];
    return lw.model({ inputs: [x, m], outputs, name: 'given' }) as Library;
  };

  test('come back from files and from JSON with the same bits', async () => {
    const model = given();
    const again = await loadHere(await artifactsOf(model));
    expect(again.getConfig()).toEqual(model.getConfig());
    expectBits(joined(predict(again, here)), joined(predict(model, here)));
    const described = (await modelFromJSON(model.toJSON())) as Library;
    expect(described.getConfig()).toEqual(model.getConfig());
  });
});
