// minGRU and minLSTM in ONNX files: a product for all steps and a loop of elementwise operators, which are read as one layer.

import { input, type Layer, layers, model, sequential, setRandomSeed, type Tensor, tensor } from 'lstm-wasm';
import { loadOnnxModel, toOnnx } from 'lstm-wasm/onnx';
import { beforeEach, expect, test } from 'vitest';
import { loadOnnxRuntimeWeb } from '../../scripts/onnxruntime.js';
import { type GraphProto, type NodeProto, readModel, writeModel } from '../../src/onnx/proto.ts';
import { expectBits, expectClose } from '../compare.ts';
import { open } from './runtime.ts';

const ort = await loadOnnxRuntimeWeb();
const inputShape = [null, 3];
const biased = { biasInitializer: 'randomNormal' } as const;

beforeEach(() => setRandomSeed(6));

const stacked = () =>
  sequential({
    layers: [
      layers.minGRU({ units: 5, name: 'one', returnSequences: true, inputShape, ...biased }),
      layers.minLSTM({ units: 4, name: 'two', activation: 'gelu', returnSequences: true, ...biased }),
      layers.minGRU({ units: 3, name: 'three', goBackwards: true, useBias: false, returnSequences: true }),
      layers.minLSTM({ units: 2, name: 'four', goBackwards: true, ...biased }),
    ],
  });

const scansOf = (graph: GraphProto) => graph.node.filter(({ opType }) => opType === 'Scan');

test('the layers are read with their names, options and weights', async () => {
  const net = stacked();
  const copy = await loadOnnxModel(toOnnx(net));
  const options = (layer: Layer) => {
    const { name, activation, useBias, returnSequences, goBackwards } = layer.getConfig();
    return { className: layer.className, name, activation, useBias, returnSequences, goBackwards };
  };
  expect(copy.layers.map(options)).toEqual(net.layers.map(options));
  expect(copy.layers.map(({ className }) => className)).toEqual(['MinGRU', 'MinLSTM', 'MinGRU', 'MinLSTM']);
  for (const [n, weight] of net.getWeights().entries()) {
    expectBits(copy.getWeights()[n]!.dataSync(), weight.dataSync());
  }
  expect(toOnnx(copy, { name: net.name })).toEqual(toOnnx(net));
});

test('the file has one product for each layer, and standard operators only', () => {
  const { graph } = readModel('test', toOnnx(stacked()));
  const domains = [...graph!.node, ...scansOf(graph!).flatMap(({ attribute }) => attribute[0]!.g!.node)];
  expect(new Set(domains.map(({ domain }) => domain))).toEqual(new Set(['']));
  expect(graph!.node.filter(({ opType }) => opType === 'MatMul')).toHaveLength(4);
  expect(scansOf(graph!)).toHaveLength(4);
});

test('a shared layer is read as one layer that is called twice', async () => {
  const [x, y] = [input({ shape: inputShape }), input({ shape: inputShape })];
  const shared = layers.minLSTM({ units: 3, returnSequences: true, ...biased });
  const net = model({ inputs: [x, y], outputs: layers.add().apply([shared.apply(x), shared.apply(y)]) });
  const copy = await loadOnnxModel(toOnnx(net));
  expect(copy.getWeights()).toHaveLength(2);
  const values = [0, 1].map(seed =>
    tensor(
      Float32Array.from({ length: 24 }, (_, n) => Math.sin(n + seed)),
      [2, 4, 3],
    ),
  );
  expectBits(copy.predict<Tensor>(values).dataSync(), net.predict<Tensor>(values).dataSync());
});

test('a minLSTM with closed gates gives the same numbers in ONNX Runtime', async () => {
  const net = sequential({ layers: [layers.minLSTM({ units: 1, returnSequences: true, inputShape: [null, 1] })] });
  const x = tensor([1, -1, 1, 0.5], [1, 4, 1]);
  // Both gates closed, the forget gate closed, the input gate closed
  for (const [f, i] of [
    [-1e4, -1e4],
    [-1e4, 30],
    [30, -1e4],
  ] as const) {
    net.setWeights([tensor([0, 0, 1], [1, 3]), tensor([f, i, 0])]);
    const session = await open(ort, toOnnx(net));
    const { output } = await session.run({ input: x });
    expectClose(output!.dataSync(), net.predict<Tensor>(x).dataSync(), { abs: 1e-6, rel: 0 });
    await session.close();
  }
});

/** The file with a changed body of the first loop. */
function changed(change: (body: GraphProto, graph: GraphProto) => void): Uint8Array {
  const file = readModel('test', toOnnx(stacked()));
  const graph = file.graph!;
  change(scansOf(graph)[0]!.attribute.find(({ name }) => name === 'body')!.g!, graph);
  return writeModel({ ...file, graph });
}

const nodeOf = (body: GraphProto, op: string): NodeProto => body.node.find(({ opType }) => opType === op)!;
const rejected = /its body must be a step of .*, or of minGRU or minLSTM/;

test.each<[string, Parameters<typeof changed>[0], RegExp]>([
  ['another operator', body => void Object.assign(nodeOf(body, 'Sub'), { opType: 'Add' }), rejected],
  ['another gate', body => void Object.assign(nodeOf(body, 'Sigmoid'), { opType: 'Tanh' }), rejected],
  ['an operator of another domain', body => void Object.assign(nodeOf(body, 'Mul'), { domain: 'other' }), rejected],
  ['exchanged operands', body => void nodeOf(body, 'Sub').input.reverse(), rejected],
  ['exchanged gates', body => void nodeOf(body, 'Split').output.reverse(), rejected],
  ['another split', body => void Object.assign(nodeOf(body, 'Split').attribute[0]!, { i: 0 }), rejected],
  ['a weight inside', body => void Object.assign(nodeOf(body, 'Add').input, ['one/bias']), rejected],
  [
    'the sequence of the layer',
    (_, graph) => void Object.assign(scansOf(graph)[0]!.input, { 1: 'one/steps' }),
    /its sequence must be the product of a sequence and a kernel for 2 gates, got the output of a layer/,
  ],
])('loadOnnxModel rejects a loop with %s', async (_, change, message) => {
  await expect(loadOnnxModel(changed(change))).rejects.toThrow(message);
});
