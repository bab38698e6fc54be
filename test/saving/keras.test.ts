// Reading and writing Keras files. Keras itself does not run here: make_fixtures.py writes the files in
// test/saving/keras, and walk.py reads ours; both follow the Keras source.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { unzipSync } from 'fflate';
import { initializers, type Layer, layers, type Sequential, sequential, setRandomSeed } from 'lstm-wasm';
import { loadKerasModel, loadKerasWeights, toKeras, toKerasWeights } from 'lstm-wasm/keras';
import { beforeAll, describe, expect, test } from 'vitest';
import { sizeOf } from '../../src/util/shapes.ts';
import { stacks } from './stacks.ts';

const folder = fileURLToPath(new URL('keras/', import.meta.url));
const fixture = (name: string) => new Uint8Array(readFileSync(`${folder}${name}`));

const bitsOf = (model: Sequential) =>
  model.getWeights().map(weight => [weight.shape, [...new Uint32Array(weight.dataSync().slice().buffer)]]);

/** Two samples for a model: ids for an embedding, other values for other layers. */
function samplesFor(model: Sequential) {
  const shape = model.inputs[0]!.shape.map((n, axis) => n ?? (axis === 0 ? 2 : 3)) as number[];
  const takesIds = model.layers.some(layer => layer.className === 'Embedding');
  const values = Float32Array.from({ length: sizeOf(shape) }, (_, n) => (takesIds ? n % 5 : Math.sin(n)));
  return { values, shape };
}

function predictionOf(model: Sequential) {
  const { values, shape } = samplesFor(model);
  const nest = (from: number, axes: readonly number[]): unknown =>
    axes.length === 0
      ? values[from]
      : Array.from({ length: axes[0]! }, (_, n) => nest(from + n * sizeOf(axes.slice(1)), axes.slice(1)));
  return [
    ...new Uint32Array(
      model
        .predictOnBatch(nest(0, shape) as never)
        .dataSync()
        .slice().buffer,
    ),
  ];
}

/** Checks that the weights are sin(0), sin(1), ... in order, as make_fixtures.py writes them. */
function expectFixtureWeights(model: Sequential) {
  let next = 0;
  for (const weight of model.getWeights()) {
    for (const value of weight.dataSync()) expect(value).toBe(Math.fround(Math.sin(next++)));
  }
  expect(next).toBe(model.countParams());
}

const python = '/usr/bin/python3';
let skipReason = '';
beforeAll(() => {
  try {
    execFileSync(python, ['-c', 'import h5py'], { stdio: 'ignore' });
  } catch {
    skipReason = 'needs python3-h5py';
  }
});

/** What the Keras loader would find in a file, according to walk.py. */
function walk(bytes: Uint8Array) {
  const directory = mkdtempSync(`${tmpdir()}/keras-`);
  try {
    writeFileSync(`${directory}/model.keras`, bytes);
    return JSON.parse(execFileSync(python, [`${folder}walk.py`, `${directory}/model.keras`], { encoding: 'utf8' }));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The models of stacks.ts, with activations that Keras 3 supports. */
const portable = Object.entries(stacks).map(([name, make]) => {
  const replacements = {
    'lstm with all options': (): Layer[] => {
      const lstm = layers.lstm({ units: 3, batchInputShape: [4, null, 2], stateful: true, goBackwards: true });
      return [lstm, layers.dense({ units: 2, activation: 'swish', kernelConstraint: 'unitNorm' })];
    },
    'layers without weights': (): Layer[] =>
      stacks['layers without weights']().map(layer =>
        layer.className === 'Activation' ? layers.activation({ activation: 'gelu' }) : layer,
      ),
  } as Record<string, () => Layer[]>;
  return [name, replacements[name] ?? (make as () => Layer[])] as const;
});

const moreModels: [string, () => Layer[]][] = [
  [
    'gru with the hard sigmoid of Keras 3',
    () => [layers.gru({ units: 2, recurrentActivation: 'hard_sigmoid_keras3', inputShape: [3, 2] })],
  ],
  [
    'bidirectional rnn of two cells with goBackwards',
    () => [
      layers.bidirectional({
        layer: layers.rnn({
          cell: [layers.lstmCell({ units: 2 }), layers.lstmCell({ units: 2, useBias: false })],
          goBackwards: true,
        }),
        inputShape: [3, 2],
      }),
    ],
  ],
  [
    'two layers of each class',
    () => [
      layers.simpleRNN({ units: 2, returnSequences: true, inputShape: [3, 2] }),
      layers.simpleRNN({ units: 3, useBias: false }),
      layers.dense({ units: 2, useBias: false, kernelInitializer: 'leCunNormal' }),
      layers.dense({ units: 2, kernelInitializer: 'identity' }),
    ],
  ],
  [
    'lstm with options of every type',
    () => [
      layers.lstm({
        name: 'all',
        units: 3,
        activation: 'softsign',
        recurrentActivation: 'hard_sigmoid_keras3',
        kernelInitializer: initializers.varianceScaling({ scale: 2, mode: 'fanAvg', distribution: 'uniform', seed: 7 }),
        unitForgetBias: false,
        kernelRegularizer: 'l1l2',
        biasConstraint: 'nonNeg',
        kernelConstraint: 'maxNorm',
        dropout: 0.1,
        recurrentDropout: 0.2,
        seed: 5,
        returnSequences: true,
        stateful: true,
        goBackwards: true,
        trainable: false,
        batchInputShape: [4, null, 2],
      }),
    ],
  ],
];

describe.each([...portable, ...moreModels])('%s', (_name, make) => {
  const model = () => {
    setRandomSeed(11);
    return sequential({ layers: make(), name: 'one' });
  };

  test('toKeras and loadKerasModel keep weights and predictions bit for bit', async () => {
    const first = model();
    const copy = await loadKerasModel(await toKeras(first));
    expect(bitsOf(copy)).toEqual(bitsOf(first));
    expect(predictionOf(copy)).toEqual(predictionOf(first));
    expect(copy.name).toBe('one');
    const names = first.layers.map(layer => layer.name);
    expect(copy.layers.map(layer => layer.name)).toEqual(
      first.layers[0]!.className === 'InputLayer' ? names.slice(1) : names,
    );
    // Writing the copy gives the same configuration.
    const config = async (each: Sequential) => configIn(await toKeras(each));
    const withoutInputLayer = ({ layers: [, ...rest], ...others }: { layers: unknown[] }) => ({
      ...others,
      layers: rest,
    });
    expect(withoutInputLayer(await config(copy))).toEqual(withoutInputLayer(await config(first)));
  });

  test('toKeras writes the layout that the Keras loader expects', async context => {
    if (skipReason) return context.skip(skipReason);
    const first = model();
    const found = walk(await toKeras(first));
    expect(found.names).toEqual(['metadata.json', 'config.json', 'model.weights.h5']);
    const shapes = (list: { shape: number[]; bits: number[] }[]) =>
      list.map(({ shape, bits }) => JSON.stringify([shape, bits])).sort();
    const own = bitsOf(first).map(([shape, bits]) => ({ shape, bits }) as { shape: number[]; bits: number[] });
    expect(shapes(found.variables)).toEqual(shapes(own));
    checkSerialized(found.model);
  });

  test('toKerasWeights and loadKerasWeights keep weights bit for bit', async () => {
    const first = model();
    const second = sequential({ layers: make() });
    await loadKerasWeights(second, await toKerasWeights(first));
    expect(bitsOf(second)).toEqual(bitsOf(first));
  });
});

/** The configuration in config.json, in an archive without compression. */
function configIn(bytes: Uint8Array) {
  const text = new TextDecoder('latin1').decode(bytes);
  const from = text.indexOf('config.json') + 'config.json'.length;
  return JSON.parse(text.slice(from, text.indexOf('PK\u0003\u0004', from))).config;
}

/** Checks that every object has the keys that Keras requires, and that all names are in snake case. */
function checkSerialized(value: unknown): void {
  if (value === null || typeof value !== 'object') return;
  if ('class_name' in value) {
    expect(value).toHaveProperty('module');
    expect(value).toHaveProperty('config');
    expect(value).toHaveProperty('registered_name', null);
  }
  for (const [name, item] of Object.entries(value)) {
    expect(name).toMatch(/^[a-z0-9_]+$/);
    checkSerialized(item);
  }
}

describe('Keras files', () => {
  test.each(['lstm.keras', 'legacy.h5'])('%s is read from a Buffer that is part of a larger one', async name => {
    const bytes = fixture(name);
    const larger = Buffer.alloc(bytes.length + 7);
    larger.set(bytes, 3);
    const model = await loadKerasModel(larger.subarray(3, -4));
    expectFixtureWeights(model);
    await loadKerasWeights(model, larger.subarray(3, -4));
    expectFixtureWeights(model);
  });

  const activationOf = (model: Sequential) =>
    (model.layers[0]!.getConfig() as { recurrentActivation: string }).recurrentActivation;

  test.each([
    ['lstm.keras', 'hard_sigmoid_keras3'],
    ['lstm-2.15.keras', 'hardSigmoid'],
    ['legacy.h5', 'hardSigmoid'],
  ])('%s loads with its weights and the hard sigmoid of its Keras version', async (name, activation) => {
    const model = await loadKerasModel(fixture(name));
    expectFixtureWeights(model);
    expect(activationOf(model)).toBe(activation);
    expect(model.inputs[0]!.shape).toEqual([null, 4, 2]);
    expect(model.predict([Array(4).fill([0.5, -0.5])]).shape).toEqual([1, 2]);
  });

  test('layer names, seeds, regularizers, constraints and activations are loaded', async () => {
    const model = await loadKerasModel(fixture('lstm.keras').buffer);
    expect(model.layers.map(({ name }) => name)).toEqual(['lstm', 'dropout', 'leaky', 'dense']);
    expect(model.getLayer('lstm').getConfig()).toMatchObject({
      seed: 7,
      kernelRegularizer: { className: 'L1L2', config: { l1: 0, l2: 0.01 } },
      kernelConstraint: { className: 'MaxNorm', config: { maxValue: 2, axis: 0 } },
    });
    expect(model.getLayer('leaky').getConfig()).toMatchObject({ alpha: 0.25 });
    expect(model.getLayer('dense').getConfig()).toMatchObject({ activation: 'swish' });
  });

  test.each(['many.keras', 'many-latest.keras', 'many-windows.keras', 'deep.keras', 'deep-latest.keras'])(
    '%s loads with all its weights',
    async name => {
      const model = await loadKerasModel(fixture(name));
      expectFixtureWeights(model);
      expect(predictionOf(model).length).toBeGreaterThan(0);
    },
  );

  test('empty attributes of layers without weights in .h5 files are read as empty lists', async () => {
    const model = await loadKerasModel(fixture('weightless.h5'));
    expect(model.layers.map(({ className }) => className)).toEqual(
      'Masking LSTM Dropout TimeDistributed Flatten RepeatVector Reshape Dense'.split(' '),
    );
    expectFixtureWeights(model);
    model.setWeights(model.getWeights().map(({ shape }) => zeros(shape)));
    await loadKerasWeights(model, fixture('weightless.h5'));
    expectFixtureWeights(model);
  });

  test.each(['nested.keras', 'nested-2.12.keras'])(
    'nested models in %s are flattened, with the weights of each layer',
    async name => {
      const model = await loadKerasModel(fixture(name));
      expectFixtureWeights(model);
      const names = 'dense lstm dense_2 dense_1 dense_3 lstm_1 dense_4 out';
      expect(model.layers.map(({ name }) => name)).toEqual(names.split(' '));
      expect(predictionOf(model).length).toBe(4);
      model.setWeights(model.getWeights().map(({ shape }) => zeros(shape)));
      await loadKerasWeights(model, fixture(name));
      expectFixtureWeights(model);
      await loadKerasWeights(model, await toKeras(model));
      expectFixtureWeights(model);
    },
  );

  test('a weights file of a nested model is rejected, because it does not contain the order of layers', async () => {
    const model = await loadKerasModel(fixture('nested.keras'));
    await expect(loadKerasWeights(model, unzipSync(fixture('nested.keras'))['model.weights.h5']!)).rejects.toThrow(
      "loadKerasWeights: the file: must be a .keras file of the whole model, because it has the nested model 'functional'; a weights file does not contain the order of its layers",
    );
  });

  test('weights of a nested model with other layers are rejected', async () => {
    const other = sequential({ layers: [layers.dense({ units: 2, inputShape: [3] })] });
    await expect(loadKerasWeights(other, fixture('nested.keras'))).rejects.toThrow(
      /^loadKerasWeights: model.weights.h5: must be a model of 1 layer, got 8$/,
    );
  });

  test('nested models in .h5 files store frozen weights last', async () => {
    const model = await loadKerasModel(fixture('nested.h5'));
    expectFixtureWeights(model);
    expect(model.layers.map(({ trainable }) => trainable)).toEqual([false, true, false, true, true]);
    for (const layer of model.layers) layer.trainable = true;
    model.setWeights(model.getWeights().map(({ shape }) => zeros(shape)));
    await loadKerasWeights(model, fixture('nested.h5'));
    expectFixtureWeights(model);
    const lstm = layers.lstm({ units: 3, returnSequences: false, recurrentActivation: 'hardSigmoid' });
    const dense = [3, 3, 3, 2].map(units => layers.dense({ units }));
    const own = sequential({ layers: [layers.inputLayer({ inputShape: [4, 2] }), lstm, ...dense] });
    await loadKerasWeights(own, fixture('nested.h5'));
    expectFixtureWeights(own);
  });

  test('nested models in .h5 files store moving statistics after all trainable weights', async () => {
    const model = await loadKerasModel(fixture('normalized.h5'));
    expectFixtureWeights(model);
    expect(model.layers.map(({ trainable }) => trainable)).toEqual([true, true, false, true, true]);
    model.setWeights(model.getWeights().map(({ shape }) => zeros(shape)));
    await loadKerasWeights(model, fixture('normalized.h5'));
    expectFixtureWeights(model);
  });

  test('cells of TensorFlow Addons load as cells with layer normalization or peepholes', async () => {
    const model = await loadKerasModel(fixture('addons.h5'));
    expectFixtureWeights(model);
    const rnns = model.layers.filter(({ className }) => className === 'RNN');
    const cells = rnns.map(layer => layer.getConfig().cell as { config: Record<string, unknown> });
    expect(cells[0]!.config).toMatchObject({ layerNormalization: true, normEpsilon: 0.01 });
    expect(cells[1]!.config).toMatchObject({ usePeepholes: true });
    expect(cells[2]!.config).toMatchObject({ layerNormalization: true, normEpsilon: 1e-5 });
    expect(rnns[2]!.outputShape).toEqual([null, 3]);
    const again = await loadKerasModel(await toKeras(model));
    expectFixtureWeights(again);
  });

  test('name lists of more than 64 kB are read from several attributes', async () => {
    const model = await loadKerasModel(gunzipSync(fixture('chunked.h5.gz')));
    expect(model.layers.length).toBe(37);
    expectFixtureWeights(model);
  });

  test('weights of CuDNNLSTM and CuDNNGRU load into LSTM and GRU', async () => {
    const gru = layers.gru({ units: 4, resetAfter: true, recurrentActivation: 'sigmoid' });
    const model = sequential({
      layers: [
        layers.lstm({ units: 3, returnSequences: true, recurrentActivation: 'sigmoid', inputShape: [5, 2] }),
        layers.bidirectional({ layer: gru, mergeMode: 'concat' }),
        layers.dense({ units: 1 }),
      ],
    });
    await loadKerasWeights(model, fixture('cudnn.h5'));
    expectFixtureWeights(model);
  });

  test('weights of CuDNNGRU are rejected for a GRU with one bias', async () => {
    const gru = layers.gru({ units: 4, resetAfter: false });
    const lstm = layers.lstm({ units: 3, returnSequences: true, inputShape: [5, 2] });
    const model = sequential({ layers: [lstm, layers.bidirectional({ layer: gru }), layers.dense({ units: 1 })] });
    await expect(loadKerasWeights(model, fixture('cudnn.h5'))).rejects.toThrow(
      /^loadKerasWeights: the file.both.both\/forward\/bias:0: must have the shape \[12\], got \[24\]$/,
    );
  });

  test('loadKerasWeights fills a model of the same layers and rejects other models', async () => {
    const model = await loadKerasModel(fixture('lstm-2.15.keras'));
    model.setWeights(model.getWeights().map(({ shape }) => zeros(shape)));
    await loadKerasWeights(model, fixture('lstm.weights.h5'));
    expectFixtureWeights(model);
    for (const name of ['legacy.h5', 'lstm.keras']) {
      model.setWeights(model.getWeights().map(({ shape }) => zeros(shape)));
      await loadKerasWeights(model, fixture(name));
      expectFixtureWeights(model);
    }
    const other = sequential({ layers: [layers.dense({ units: 2, inputShape: [3] }), layers.dense({ units: 1 })] });
    const before = bitsOf(other);
    await expect(loadKerasWeights(other, fixture('lstm.weights.h5'))).rejects.toThrow(
      /^loadKerasWeights: the file.layers\/dense_1: must have 2 variables, got 0/,
    );
    expect(bitsOf(other)).toEqual(before);
  });
});

const zeros = (shape: readonly number[]): never =>
  (shape.length === 0 ? 0 : Array.from({ length: shape[0]! }, () => zeros(shape.slice(1)))) as never;

describe('models that Keras 3 does not support', () => {
  test.each([
    [
      'the hard sigmoid of Keras 2',
      [layers.lstm({ units: 1, recurrentActivation: 'hardSigmoid', inputShape: [2, 1] })],
      /hardSigmoid/,
    ],
    ['the activation gelu_new', [layers.dense({ units: 1, activation: 'gelu_new', inputShape: [2] })], /gelu_new/],
    ['a layer name with a slash', [layers.dense({ name: 'a/b', units: 1, inputShape: [2] })], /'a\/b'/],
    [
      'a layer that reads bidirectional outputs at masked steps',
      [
        layers.masking({ inputShape: [3, 2] }),
        layers.bidirectional({ layer: layers.lstm({ units: 1, returnSequences: true }) }),
        layers.flatten(),
      ],
      /Keras sets them to zero/,
    ],
  ] as [string, Layer[], RegExp][])('toKeras rejects %s', async (_, list, message) => {
    const model = sequential({ layers: list });
    await expect(toKeras(model)).rejects.toThrow(message);
    await expect(toKeras(model)).rejects.toThrow(/^toKeras: /);
  });
});
