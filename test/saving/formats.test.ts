// Tests every cell of the table in docs/formats.md. The files named there test other programs that read our files.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  input,
  type Layer,
  type LayersModel,
  layers,
  loadLayersModel,
  type ModelArtifacts,
  model,
  type SymbolicTensor,
  sequential,
  type Tensor,
  tensor,
} from 'lstm-wasm';
import { loadKerasModel, toKeras } from 'lstm-wasm/keras';
import { loadOnnxModel, toOnnx } from 'lstm-wasm/onnx';
import { loadSafetensors, toSafetensors } from 'lstm-wasm/safetensors';
import { describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { OwnDense } from '../facade/customLayerClasses.ts';

const doc = readFileSync(fileURLToPath(new URL('../../docs/formats.md', import.meta.url)), 'utf8');

const T = 4;
const inputShape = [T, 3];
const name = 'one';
const lstm = (more = {}) => layers.lstm({ units: 2, name, ...more });

const shared = () => layers.prelu({ sharedAxes: [1], alphaInitializer: 'randomNormal', name: 'two' });

/** By the first cell of the row. The layers have fixed names, because safetensors files name weights by layer. */
const models: { [row: string]: () => Layer[] | LayersModel } = {
  lstm: () => [lstm({ inputShape, returnSequences: true }), lstm({ name: 'two' })],
  'lstm, `goBackwards`': () => [lstm({ inputShape, goBackwards: true })],
  'lstm, `usePeepholes`': () => [lstm({ inputShape, usePeepholes: true })],
  'lstm, `projectionUnits`': () => [lstm({ inputShape, projectionUnits: 3 })],
  'lstm, `layerNormalization`': () => [lstm({ inputShape, layerNormalization: true, normBetaInitializer: 'ones' })],
  gru: () => [layers.gru({ units: 2, name, inputShape })],
  'gru, `resetAfter: false`': () => [layers.gru({ units: 2, name, resetAfter: false, inputShape })],
  simpleRNN: () => [layers.simpleRNN({ units: 2, name, inputShape })],
  'simpleRNN, `layerNormalization`': () => [
    layers.simpleRNN({ units: 2, name, layerNormalization: true, normGammaInitializer: 'randomNormal', inputShape }),
  ],
  'minGRU, minLSTM': () => [
    layers.minGRU({ units: 2, name, returnSequences: true, biasInitializer: 'randomNormal', inputShape }),
    layers.minLSTM({ units: 3, name: 'two', activation: 'tanh' }),
  ],
  'minGRU, minLSTM in bidirectional': () => [
    layers.bidirectional({ layer: layers.minGRU({ units: 2, name, returnSequences: true }), name: 'both', inputShape }),
    layers.bidirectional({ layer: layers.minLSTM({ units: 2, name: 'two' }), name: 'other' }),
  ],
  bidirectional: () => [layers.bidirectional({ layer: lstm(), name: 'both', inputShape })],
  'rnn over one cell': () => [layers.rnn({ cell: layers.lstmCell({ units: 2 }), name, inputShape })],
  'rnn over several kinds of cells': () => [
    layers.rnn({ cell: [layers.lstmCell({ units: 2 }), layers.simpleRNNCell({ units: 3 })], name, inputShape }),
  ],
  dense: () => [layers.dense({ units: 2, name, activation: 'softmax', inputShape: [3] })],
  conv1d: () => [
    layers.conv1d({ filters: 2, kernelSize: 3, padding: 'same', activation: 'tanh', name, inputShape }),
    layers.conv1d({ filters: 3, kernelSize: [2], strides: 2, padding: 'causal', name: 'two' }),
  ],
  timeDistributed: () => [layers.timeDistributed({ layer: layers.dense({ units: 2 }), name, inputShape })],
  embedding: () => [layers.embedding({ inputDim: 5, outputDim: 2, inputLength: T, name: 'table' }), lstm()],
  'embedding, `maskZero`': () => [
    layers.embedding({ inputDim: 5, outputDim: 2, maskZero: true, name: 'table' }),
    lstm(),
  ],
  masking: () => [layers.masking({ inputShape }), lstm()],
  dropout: () => [layers.dropout({ rate: 0.5, inputShape }), lstm({ dropout: 0.5 })],
  activation: () => [layers.activation({ activation: 'swish', inputShape })],
  'activation, `hardSigmoid`': () => [layers.activation({ activation: 'hardSigmoid', inputShape })],
  'softmax, reLU, leakyReLU, elu': () => [
    layers.softmax({ inputShape }),
    layers.reLU(),
    layers.leakyReLU(),
    layers.elu(),
  ],
  'spatialDropout1d, gaussianNoise, gaussianDropout': () => [
    layers.spatialDropout1d({ rate: 0.5, inputShape }),
    layers.gaussianNoise({ stddev: 0.5, seed: 3 }),
    layers.gaussianDropout({ rate: 0.5 }),
  ],
  thresholdedReLU: () => [layers.thresholdedReLU({ theta: 0.2, inputShape })],
  prelu: () => [layers.prelu({ name, alphaInitializer: 'randomNormal', inputShape }), shared()],
  'a custom layer': () => [new OwnDense({ units: 2, name, inputShape })],
  repeatVector: () => [layers.repeatVector({ n: 2, inputShape: [3] })],
  'maxPooling1d, averagePooling1d': () => [
    layers.maxPooling1d({ inputShape, strides: 1 }),
    layers.averagePooling1d({ poolSize: [3], padding: 'same' }),
  ],
  globalMaxPooling1d: () => [layers.globalMaxPooling1d({ inputShape })],
  globalAveragePooling1d: () => [layers.globalAveragePooling1d({ inputShape })],
  'upSampling1d, zeroPadding1d, cropping1d, permute': () => [
    layers.upSampling1d({ size: 2, inputShape }),
    layers.zeroPadding1d({ padding: [1, 0] }),
    layers.cropping1d({ cropping: [0, 2] }),
    layers.permute({ dims: [2, 1] }),
  ],
  'flatten, reshape': () => [layers.reshape({ targetShape: [2, 6], inputShape }), layers.flatten()],
  inputLayer: () => [layers.inputLayer({ inputShape }), lstm()],
  'returnState, initialState': () =>
    graph(x => {
      const [, ...initialState] = lstm({ returnState: true }).apply(x);
      return lstm({ name: 'two', returnSequences: true }).apply(x, { initialState });
    }),
  'a layer that is applied twice': () =>
    graph(x => {
      const shared = layers.dense({ units: 3, name });
      return shared.apply(shared.apply(x));
    }),
  'a model in a model': () => graph(x => graph(inner => lstm().apply(inner)).apply(x)),
  'add, multiply, average, maximum, minimum': () =>
    graph(x => {
      const y = lstm({ units: 3, returnSequences: true }).apply(x);
      const merged = [layers.add(), layers.multiply(), layers.average(), layers.maximum(), layers.minimum()];
      return merged.reduce((value, layer) => layer.apply([value, x]), y);
    }),
  subtract: () => graph(x => layers.subtract().apply([x, lstm({ units: 3, returnSequences: true }).apply(x)])),
  concatenate: () => graph(x => layers.concatenate().apply([x, lstm({ returnSequences: true }).apply(x)])),
  dot: () => graph(x => layers.dot({ axes: 2 }).apply([x, lstm({ units: 3, returnSequences: true }).apply(x)])),
  'attention, additiveAttention': () =>
    graph(x => {
      const value = layers.attention({ useScale: true, name: 'luong' }).apply([x, x]);
      return layers.additiveAttention({ name: 'bahdanau' }).apply([value, x]);
    }),
  multiHeadAttention: () => graph(x => layers.multiHeadAttention({ numHeads: 2, keyDim: 2, name }).apply([x, x])),
  batchNormalization: () => [
    layers.batchNormalization({ inputShape, name, betaInitializer: 'ones', movingMeanInitializer: 'ones' }),
    lstm({ name: 'two', returnSequences: true }),
    layers.batchNormalization({ name: 'three', center: false, scale: false, momentum: 0.9, epsilon: 0.01 }),
  ],
  layerNormalization: () => [
    layers.layerNormalization({ inputShape, name, betaInitializer: 'ones' }),
    lstm({ name: 'two' }),
    layers.layerNormalization({ name: 'three', center: false, scale: false }),
  ],
};

/** A functional model of one input. */
function graph(build: (x: SymbolicTensor) => SymbolicTensor): LayersModel {
  const x = input({ shape: inputShape });
  return model({ inputs: x, outputs: build(x) });
}

function modelOf(made: Layer[] | LayersModel): LayersModel {
  return Array.isArray(made) ? sequential({ layers: made }) : made;
}

interface Format {
  write(model: LayersModel): unknown;
  /** Loads what `write` returned. `fresh` is a model with the same layers and other weights. */
  read(written: never, fresh: LayersModel): Promise<LayersModel> | LayersModel;
  /** Whether the loaded model computes the same bits; otherwise its operations differ and its results are close. */
  exact: boolean;
}

const weightsInto = (names: 'keras' | 'torch'): Format => ({
  write: model => toSafetensors(model, { names }),
  read: (bytes, fresh) => {
    loadSafetensors(fresh, bytes, { names });
    return fresh;
  },
  exact: true,
});

/** By the head of the column. */
const formats: { [column: string]: Format } = {
  'TF.js': {
    async write(model) {
      const found: ModelArtifacts[] = [];
      const save = (artifacts: ModelArtifacts) => {
        found.push(artifacts);
        return { modelArtifactsInfo: {} } as never;
      };
      await model.save({ save });
      return found[0];
    },
    read: artifacts => loadLayersModel({ load: () => artifacts } as never),
    exact: true,
  },
  '`.keras`': { write: toKeras, read: bytes => loadKerasModel(bytes), exact: true },
  'safetensors, Keras names': weightsInto('keras'),
  'safetensors, PyTorch names': weightsInto('torch'),
  ONNX: {
    write: model => toOnnx(model),
    read: bytes => loadOnnxModel(bytes),
    exact: false,
  },
};

const rows = [...doc.matchAll(/^\| (.+?) \|$/gm)].map(([, row]) => row!.split(' | ').map(cell => cell.trim()));
const start = rows.findIndex(([head]) => head === 'layer');
const heads = rows[start]!;
const table = rows.slice(start + 2, start + 2 + Object.keys(models).length);

test('the table in docs/formats.md has a row for each model and a column for each format', () => {
  expect(heads.slice(1)).toEqual(Object.keys(formats));
  expect(table.map(([row]) => row)).toEqual(Object.keys(models));
});

describe.each(table.flatMap(([row, ...cells]) => cells.map((cell, n) => [row!, heads[n + 1]!, cell] as const)))(
  '%s as %s: %s',
  (row, column, cell) => {
    const make = models[row]!;
    const { write, read, exact } = formats[column]!;

    test(`docs/formats.md is right about ${row} as ${column}: ${cell}`, async () => {
      const model = modelOf(make());
      const [, ...sample] = model.inputs[0]!.shape.map(size => size ?? T);
      const count = 2 * sample.reduce<number>((a, b) => a * b, 1);
      const x = tensor(
        Float32Array.from({ length: count }, (_, n) => (row.startsWith('embedding') ? (n * 3) % 5 : Math.sin(n))),
        [2, ...sample],
      );
      if (cell === 'refused') return expect(async () => write(model)).rejects.toThrow(/^\S+: /);
      const written = (await write(model)) as never;
      const fresh = modelOf(make());
      expect(cell).toBe('both');
      const copy = await read(written, fresh);
      const [found, expected] = [copy, model].map(one => one.predict<Tensor>(x).dataSync());
      if (exact) expectBits(found!, expected!);
      else expectClose(found!, expected!, { abs: 1e-6, rel: 0 });
    });
  },
);
