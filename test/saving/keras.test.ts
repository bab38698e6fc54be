// Models of Keras: what it writes can be read, and what is written here is laid out as its loader wants it. No Keras
// runs here: the files in test/saving/keras come from a script that follows its source, as does the one that reads.

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

/** Some samples for a model, ids where it takes ids. */
function samplesFor(model: Sequential) {
  const shape = model.inputs[0]!.shape.map((n, axis) => n ?? (axis === 0 ? 2 : 3)) as number[];
  const ids = model.layers.some(layer => layer.className === 'Embedding');
  const values = Float32Array.from({ length: sizeOf(shape) }, (_, n) => (ids ? n % 5 : Math.sin(n)));
  return { values, shape };
}

function predictionOf(model: Sequential) {
  const { values } = samplesFor(model);
  const shape = model.inputs[0]!.shape.map((n, axis) => n ?? (axis === 0 ? 2 : 3)) as number[];
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

/** As the files of the script: sin(0), sin(1) and so on through all weights. */
function expectNumbers(model: Sequential) {
  let next = 0;
  for (const weight of model.getWeights()) {
    for (const value of weight.dataSync()) expect(value).toBe(Math.fround(Math.sin(next++)));
  }
  expect(next).toBe(model.countParams());
}

const python = '/usr/bin/python3';
let missing = '';
beforeAll(() => {
  try {
    execFileSync(python, ['-c', 'import h5py'], { stdio: 'ignore' });
  } catch {
    missing = 'needs python3-h5py';
  }
});

/** What the loader of Keras would find in a file. */
function walk(bytes: Uint8Array) {
  const home = mkdtempSync(`${tmpdir()}/keras-`);
  try {
    writeFileSync(`${home}/model.keras`, bytes);
    return JSON.parse(execFileSync(python, [`${folder}walk.py`, `${home}/model.keras`], { encoding: 'utf8' }));
  } finally {
    rmSync(home, { recursive: true });
  }
}

/** The stacks, but with activations that Keras 3 has. */
const portable = Object.entries(stacks).map(([name, make]) => {
  const others = {
    'lstm with everything': (): Layer[] => {
      const config = layers.lstm({ units: 3, batchInputShape: [4, null, 2], stateful: true, goBackwards: true });
      return [config, layers.dense({ units: 2, activation: 'swish', kernelConstraint: 'unitNorm' })];
    },
    'without weights': (): Layer[] =>
      stacks['without weights']().map(layer =>
        layer.className === 'Activation' ? layers.activation({ activation: 'gelu' }) : layer,
      ),
  } as Record<string, () => Layer[]>;
  return [name, others[name] ?? (make as () => Layer[])] as const;
});

const special: [string, () => Layer[]][] = [
  [
    'hard sigmoid of Keras 3',
    () => [layers.gru({ units: 2, recurrentActivation: 'hard_sigmoid_keras3', inputShape: [3, 2] })],
  ],
  [
    'both directions, reversed, of stacked cells',
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
    'every layer twice',
    () => [
      layers.simpleRNN({ units: 2, returnSequences: true, inputShape: [3, 2] }),
      layers.simpleRNN({ units: 3, useBias: false }),
      layers.dense({ units: 2, useBias: false, kernelInitializer: 'leCunNormal' }),
      layers.dense({ units: 2, kernelInitializer: 'identity' }),
    ],
  ],
  [
    'an option of every kind',
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

describe.each([...portable, ...special])('%s', (_name, make) => {
  const model = () => {
    setRandomSeed(11);
    return sequential({ layers: make(), name: 'one' });
  };

  test('comes back with the same bits', async () => {
    const first = model();
    const copy = await loadKerasModel(await toKeras(first));
    expect(bitsOf(copy)).toEqual(bitsOf(first));
    expect(predictionOf(copy)).toEqual(predictionOf(first));
    expect(copy.name).toBe('one');
    const names = first.layers.map(layer => layer.name);
    expect(copy.layers.map(layer => layer.name)).toEqual(
      first.layers[0]!.className === 'InputLayer' ? names.slice(1) : names,
    );
    // Written again, it is the same model, to the last option
    const config = async (each: Sequential) => walkless(await toKeras(each));
    const inputless = ({ layers: [, ...rest], ...others }: { layers: unknown[] }) => ({ ...others, layers: rest });
    expect(inputless(await config(copy))).toEqual(inputless(await config(first)));
  });

  test('is laid out as the loader of Keras walks it', async context => {
    if (missing) return context.skip(missing);
    const first = model();
    const found = walk(await toKeras(first));
    expect(found.names).toEqual(['metadata.json', 'config.json', 'model.weights.h5']);
    const shapes = (list: { shape: number[]; bits: number[] }[]) =>
      list.map(({ shape, bits }) => JSON.stringify([shape, bits])).sort();
    const own = bitsOf(first).map(([shape, bits]) => ({ shape, bits }) as { shape: number[]; bits: number[] });
    expect(shapes(found.variables)).toEqual(shapes(own));
    checkSerialized(found.model);
  });

  test('takes its weights from a file of weights', async () => {
    const first = model();
    const second = sequential({ layers: make() });
    await loadKerasWeights(second, await toKerasWeights(first));
    expect(bitsOf(second)).toEqual(bitsOf(first));
  });
});

/** config.json out of an archive whose entries are stored. */
function walkless(bytes: Uint8Array) {
  const text = new TextDecoder('latin1').decode(bytes);
  const from = text.indexOf('config.json') + 'config.json'.length;
  return JSON.parse(text.slice(from, text.indexOf('PK\u0003\u0004', from))).config;
}

/** Every object has what Keras looks for, and nothing is spelled as in JavaScript. */
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

describe('files in the layout of Keras', () => {
  test.each(['lstm.keras', 'legacy.h5'])(
    '%s is read from a Buffer of Node, whose slices are not copies',
    async name => {
      const bytes = fixture(name);
      const within = Buffer.alloc(bytes.length + 7);
      within.set(bytes, 3);
      const model = await loadKerasModel(within.subarray(3, -4));
      expectNumbers(model);
      await loadKerasWeights(model, within.subarray(3, -4));
      expectNumbers(model);
    },
  );

  const activationOf = (model: Sequential) =>
    (model.layers[0]!.getConfig() as { recurrentActivation: string }).recurrentActivation;

  test.each([
    ['lstm.keras', 'hard_sigmoid_keras3'],
    ['lstm-2.15.keras', 'hardSigmoid'],
    ['legacy.h5', 'hardSigmoid'],
  ])('%s has its weights, and the hard sigmoid of its version', async (name, activation) => {
    const model = await loadKerasModel(fixture(name));
    expectNumbers(model);
    expect(activationOf(model)).toBe(activation);
    expect(model.inputs[0]!.shape).toEqual([null, 4, 2]);
    expect(model.predict([Array(4).fill([0.5, -0.5])]).shape).toEqual([1, 2]);
  });

  test('names, options and what is theirs', async () => {
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
    '%s',
    async name => {
      const model = await loadKerasModel(fixture(name));
      expectNumbers(model);
      expect(predictionOf(model).length).toBeGreaterThan(0);
    },
  );

  test('empty attributes of layers without weights in .h5 files are read as empty lists', async () => {
    const model = await loadKerasModel(fixture('weightless.h5'));
    expect(model.layers.map(({ className }) => className)).toEqual(
      'Masking LSTM Dropout TimeDistributed Flatten RepeatVector Reshape Dense'.split(' '),
    );
    expectNumbers(model);
    model.setWeights(model.getWeights().map(({ shape }) => zeros(shape)));
    await loadKerasWeights(model, fixture('weightless.h5'));
    expectNumbers(model);
  });

  test.each(['nested.keras', 'nested-2.12.keras'])(
    'nested models are flattened, with the weights of each layer: %s',
    async name => {
      const model = await loadKerasModel(fixture(name));
      expectNumbers(model);
      const names = 'dense lstm dense_2 dense_1 dense_3 lstm_1 dense_4 out';
      expect(model.layers.map(({ name }) => name)).toEqual(names.split(' '));
      expect(predictionOf(model).length).toBe(4);
      model.setWeights(model.getWeights().map(({ shape }) => zeros(shape)));
      await loadKerasWeights(model, fixture(name));
      expectNumbers(model);
      await loadKerasWeights(model, await toKeras(model));
      expectNumbers(model);
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
    expectNumbers(model);
    expect(model.layers.map(({ trainable }) => trainable)).toEqual([false, true, false, true, true]);
    for (const layer of model.layers) layer.trainable = true;
    model.setWeights(model.getWeights().map(({ shape }) => zeros(shape)));
    await loadKerasWeights(model, fixture('nested.h5'));
    expectNumbers(model);
    const lstm = layers.lstm({ units: 3, returnSequences: false, recurrentActivation: 'hardSigmoid' });
    const dense = [3, 3, 3, 2].map(units => layers.dense({ units }));
    const own = sequential({ layers: [layers.inputLayer({ inputShape: [4, 2] }), lstm, ...dense] });
    await loadKerasWeights(own, fixture('nested.h5'));
    expectNumbers(own);
  });

  test('name lists of more than 64 kB are read from several attributes', async () => {
    const model = await loadKerasModel(gunzipSync(fixture('chunked.h5.gz')));
    expect(model.layers.length).toBe(37);
    expectNumbers(model);
  });

  test('weights of CuDNNLSTM and CuDNNGRU load into LSTM and GRU', async () => {
    const both = layers.gru({ units: 4, resetAfter: true, recurrentActivation: 'sigmoid' });
    const model = sequential({
      layers: [
        layers.lstm({ units: 3, returnSequences: true, recurrentActivation: 'sigmoid', inputShape: [5, 2] }),
        layers.bidirectional({ layer: both, mergeMode: 'concat' }),
        layers.dense({ units: 1 }),
      ],
    });
    await loadKerasWeights(model, fixture('cudnn.h5'));
    expectNumbers(model);
  });

  test('weights of CuDNNGRU are rejected for a GRU with one bias', async () => {
    const gru = layers.gru({ units: 4, resetAfter: false });
    const lstm = layers.lstm({ units: 3, returnSequences: true, inputShape: [5, 2] });
    const model = sequential({ layers: [lstm, layers.bidirectional({ layer: gru }), layers.dense({ units: 1 })] });
    await expect(loadKerasWeights(model, fixture('cudnn.h5'))).rejects.toThrow(
      /^loadKerasWeights: the file.both.both\/forward\/bias:0: must have the shape \[12\], got \[24\]$/,
    );
  });

  test('weights alone go into a model of the same layers, and into no other', async () => {
    const model = await loadKerasModel(fixture('lstm-2.15.keras'));
    model.setWeights(model.getWeights().map(({ shape }) => zeros(shape)));
    await loadKerasWeights(model, fixture('lstm.weights.h5'));
    expectNumbers(model);
    for (const name of ['legacy.h5', 'lstm.keras']) {
      model.setWeights(model.getWeights().map(({ shape }) => zeros(shape)));
      await loadKerasWeights(model, fixture(name));
      expectNumbers(model);
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

describe('what Keras 3 does not have is refused', () => {
  test.each([
    [
      'the other hard sigmoid',
      [layers.lstm({ units: 1, recurrentActivation: 'hardSigmoid', inputShape: [2, 1] })],
      /hardSigmoid/,
    ],
    ['gelu by tanh', [layers.dense({ units: 1, activation: 'gelu_new', inputShape: [2] })], /gelu_new/],
    ['a slash', [layers.dense({ name: 'a/b', units: 1, inputShape: [2] })], /'a\/b'/],
    [
      'zeros at masked steps',
      [
        layers.masking({ inputShape: [3, 2] }),
        layers.bidirectional({ layer: layers.lstm({ units: 1, returnSequences: true }) }),
        layers.flatten(),
      ],
      /Keras sets them to zero/,
    ],
  ] as [string, Layer[], RegExp][])('%s', async (_, list, message) => {
    const model = sequential({ layers: list });
    await expect(toKeras(model)).rejects.toThrow(message);
    await expect(toKeras(model)).rejects.toThrow(/^toKeras: /);
  });
});
