// Dot and attention layers that are read from ONNX graphs: their weights, the forms of other writers, and rejected graphs.

import { type LayersModel, ones, type Tensor, tensor } from 'lstm-wasm';
import { loadOnnxModel, toOnnx } from 'lstm-wasm/onnx';
import { describe, expect, test } from 'vitest';
import { loadOnnxRuntimeWeb } from '../../scripts/onnxruntime.js';
import type { Draft, NodeProto, TensorProto } from '../../src/onnx/proto.ts';
import { RandomGenerator } from '../../src/util/randomGenerator.ts';
import { expectBits, expectClose } from '../compare.ts';
import { attribute, floats, ints, modelOf, node } from './build.ts';
import { graphCases, inputsOf } from './graphModels.ts';
import { open } from './runtime.ts';

const ort = await loadOnnxRuntimeWeb();

const classes = ['Dot', 'Attention', 'AdditiveAttention', 'MultiHeadAttention'];
const innerLayers = (net: LayersModel) => net.layers.filter(layer => classes.includes(layer.className));

const written = Object.entries(graphCases).filter(
  ([name, { refused }]) => /dot|attention/i.test(name) && !refused && !/dot layers? and a softmax/.test(name),
);

test.each(written)(
  'loaded dot and attention layers have the classes, options and weights written: %s',
  async (_, { make }) => {
    const net = make();
    const copy = await loadOnnxModel(toOnnx(net));
    const layers = innerLayers(net);
    expect(layers.length).toBeGreaterThan(0);
    expect(innerLayers(copy)).toHaveLength(layers.length);
    for (const layer of layers) {
      // A layer that is called several times may have the name of any call
      const loaded = copy.layers.find(({ name }) => name === layer.name || name.startsWith(`${layer.name}_`))!;
      expect(loaded.className).toBe(layer.className);
      const settings = [
        'useScale',
        'scoreMode',
        'useCausalMask',
        'normalize',
        'numHeads',
        'keyDim',
        'valueDim',
        'useBias',
      ];
      const [got, expected] = [loaded.getConfig(), layer.getConfig()];
      for (const name of settings) expect(got[name], name).toEqual(expected[name]);
      const weights = loaded.getWeights();
      expect(weights.map(({ shape }) => shape)).toEqual(layer.getWeights().map(({ shape }) => shape));
      for (const [n, own] of layer.getWeights().entries()) expectBits(weights[n]!.dataSync(), own.dataSync());
    }
  },
);

test.each(['additiveAttention', 'multiHeadAttention', 'attention with a scale'])(
  'a loaded encoder and decoder can be trained, written and loaded again: %s',
  async name => {
    const graphCase = graphCases[`encoder and decoder with ${name}`]!;
    const net = await loadOnnxModel(toOnnx(graphCase.make(), { opset: 14 }));
    const x = inputsOf(graphCase.make(), graphCase, 3, [5, 3]);
    net.compile({ loss: 'meanSquaredError', optimizer: 'sgd' });
    const losses = [];
    for (let n = 0; n < 5; n++) losses.push([net.trainOnBatch(x, ones([3, 3, 2]))].flat()[0] as number);
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    const copy = await loadOnnxModel(toOnnx(net));
    const [got, expected] = [copy, net].map(each => each.predict<Tensor>(Object.values(x)).dataSync());
    expectClose(got!, expected!, { abs: 2e-6, rel: 0 });
  },
);

// ------------------------------------------------------------------------------------------- the forms of other writers

const generator = new RandomGenerator(5);
const random = (name: string, ...dims: number[]) =>
  floats(
    name,
    dims,
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => generator.normal() / 2),
  );
const D = 4;
const numbers = [
  floats('two', [], [2]),
  floats('small', [], [1e-7]),
  ints('zero', [0]),
  ints('one', [1]),
  ints('axis2', [2]),
  ints('axis3', [3]),
  ints('last', [-1]),
  ints('end', [2 ** 62]),
];
const perm = (...order: number[]) => [attribute('perm', { ints: order })];
const axis = (n: number) => [attribute('axis', { i: n })];

/** A graph from 'query' and 'value' to 'y'. */
function graph(
  nodes: Draft<NodeProto>[],
  weights: Draft<TensorProto>[] = [],
  steps: [string | number, string | number] = ['t', 's'],
) {
  const used = new Set(nodes.flatMap(({ input }) => input));
  const info = (name: string, size: string | number) => ({
    name,
    type: {
      tensorType: {
        elemType: 1,
        shape: {
          dim: [{ dimParam: 'b' }, typeof size === 'string' ? { dimParam: size } : { dimValue: size }, { dimValue: D }],
        },
      },
    },
  });
  return modelOf({
    input: [info('query', steps[0]), info('value', steps[1])],
    node: nodes,
    initializer: [...numbers, ...weights].filter(({ name }) => used.has(name)),
  });
}

const turned = node('Transpose', ['value'], ['turned'], perm(0, 2, 1));
const softmax = (from: string) => node('Softmax', [from], ['weights'], axis(-1));
const mixed = node('MatMul', ['weights', 'value'], ['y']);

/** A dense layer, and its split into heads, by a shape that is computed from that of the input. */
const projection = (name: string, from: string, ...order: number[]) => [
  node('MatMul', [from, `${name}W`], [`${name}0`]),
  node('Add', [`${name}B`, `${name}0`], [`${name}1`]),
  node('Shape', [`${name}1`], [`${name}Shape`]),
  node('Slice', [`${name}Shape`, 'zero', 'axis2', 'zero'], [`${name}Rows`]),
  node('Concat', [`${name}Rows`, 'last', 'depth'], [`${name}Split`], axis(0)),
  node('Reshape', [`${name}1`, `${name}Split`], [`${name}2`]),
  node('Transpose', [`${name}2`], [`${name}3`], perm(...order)),
];
const projected = [
  ...projection('q', 'query', 0, 2, 1, 3),
  ...projection('k', 'value', 0, 2, 3, 1),
  ...projection('v', 'value', 0, 2, 1, 3),
  node('MatMul', ['q3', 'k3'], ['products']),
];
const headWeights = [
  ...['q', 'k', 'v'].flatMap(name => [random(`${name}W`, D, 6), random(`${name}B`, 6)]),
  random('outW', 6, 5),
  ints('depth', [3]),
  floats('root', [], [Math.sqrt(3)]),
  ints('joined', [0, 0, 6]),
];
const scaledHeads = node('Div', ['products', 'root'], ['scores']);
const joinedHeads = [
  node('MatMul', ['weights', 'v3'], ['perHead']),
  node('Transpose', ['perHead'], ['perStep'], perm(0, 2, 1, 3)),
  node('Reshape', ['perStep', 'joined'], ['sideBySide']),
];

const tanhOfSums = [
  node('Unsqueeze', ['query', 'axis2'], ['queries']),
  node('Unsqueeze', ['value', 'one'], ['keys']),
  node('Add', ['keys', 'queries'], ['pairs']),
  node('Tanh', ['pairs'], ['tanh']),
];

const foreign: { [name: string]: { bytes: Uint8Array; layers: string[] } } = {
  'a product that is divided by a number': {
    bytes: graph([
      turned,
      node('MatMul', ['query', 'turned'], ['products']),
      node('Div', ['products', 'two'], ['scores']),
      softmax('scores'),
      mixed,
    ]),
    layers: ['Attention'],
  },
  'scaled dot product attention of torch.onnx': {
    bytes: graph([
      node('Shape', ['query'], ['shape']),
      node('Slice', ['shape', 'last', 'end'], ['depthOf']),
      node('Cast', ['depthOf'], ['depthAsFloat'], [attribute('to', { i: 1 })]),
      node('Sqrt', ['depthAsFloat'], ['rootOf']),
      node('Constant', [], ['unit'], [attribute('value_float', { f: 1 })]),
      node('Div', ['unit', 'rootOf'], ['factor']),
      turned,
      node('Sqrt', ['factor'], ['half']),
      node('Mul', ['query', 'half'], ['q']),
      node('Mul', ['turned', 'half'], ['k']),
      node('MatMul', ['q', 'k'], ['scores']),
      softmax('scores'),
      mixed,
    ]),
    layers: ['Attention'],
  },
  'additive attention whose factors are a matrix of one column': {
    bytes: graph(
      [
        ...tanhOfSums,
        node('MatMul', ['tanh', 'gains'], ['column']),
        node('Squeeze', ['column', 'last'], ['scores']),
        softmax('scores'),
        mixed,
      ],
      [random('gains', D, 1)],
    ),
    layers: ['AdditiveAttention'],
  },
  'several heads, whose shapes are computed': {
    bytes: graph(
      [...projected, scaledHeads, softmax('scores'), ...joinedHeads, node('MatMul', ['sideBySide', 'outW'], ['y'])],
      headWeights,
    ),
    layers: ['MultiHeadAttention'],
  },
  'attention weights that the values are computed from': {
    bytes: graph([
      turned,
      node('MatMul', ['query', 'turned'], ['scores']),
      softmax('scores'),
      node('Transpose', ['weights'], ['columns'], perm(0, 2, 1)),
      node('MatMul', ['columns', 'query'], ['values']),
      node('MatMul', ['weights', 'values'], ['y']),
    ]),
    layers: ['Dot', 'Dot', 'Attention'],
  },
  'cosine similarities': {
    bytes: graph([
      ...['query', 'value'].flatMap(name => [
        node('ReduceL2', [name], [`${name}Norm`], [attribute('axes', { ints: [-1] })]),
        node('Max', ['small', `${name}Norm`], [`${name}Divisor`]),
        node('Div', [name, `${name}Divisor`], [`${name}Unit`]),
      ]),
      node('Transpose', ['valueUnit'], ['columns'], perm(0, 2, 1)),
      node('MatMul', ['queryUnit', 'columns'], ['y']),
    ]),
    layers: ['Dot'],
  },
};

test.each(Object.entries(foreign))(
  'loadOnnxModel computes the same as ONNX Runtime for %s',
  async (_, { bytes, layers }) => {
    const net = await loadOnnxModel(bytes);
    expect(innerLayers(net).map(layer => layer.className)).toEqual(layers);
    const session = await open(ort, bytes);
    for (const [batch, t, s] of [
      [1, 5, 3],
      [3, 2, 4],
    ] as const) {
      const [query, value] = [t, s].map((steps, k) =>
        tensor(
          Float32Array.from({ length: batch * steps * D }, (_, n) => Math.sin(n + k)),
          [batch, steps, D],
        ),
      );
      const { y } = await session.run({ query: query!, value: value! });
      const got = net.predict<Tensor>([query!, value!]);
      expect(got.shape).toEqual(y!.shape);
      expectClose(got.dataSync(), y!.dataSync(), { abs: 2e-6, rel: 0 });
    }
    await session.close();
  },
);

// ------------------------------------------------------------------------------------------------------ rejected graphs

const unit = (name: string, least: string) => [
  node('ReduceL2', [name], [`${name}Norm`], [attribute('axes', { ints: [2] })]),
  node('Max', [`${name}Norm`, least], [`${name}Divisor`]),
  node('Div', [name, `${name}Divisor`], [`${name}Unit`]),
];
const additive = [...tanhOfSums, node('ReduceSum', ['tanh', 'axis3'], ['scores'], [attribute('keepdims', { i: 0 })])];

const rejected: [name: string, bytes: Uint8Array, message: RegExp][] = [
  [
    'a product over time and features',
    graph([node('MatMul', ['query', 'value'], ['y'])], [], [4, 3]),
    /node\[0\] \('MatMul_y', MatMul\): the sizes that it sums over must be equal, got 4 and 3/,
  ],
  [
    'a product with one normalized input',
    graph([...unit('query', 'small'), turned, node('MatMul', ['queryUnit', 'turned'], ['y'])]),
    /'MatMul_y', MatMul\): must divide both inputs by their norms or neither, got one of them/,
  ],
  [
    'norms with another lower bound',
    graph([...unit('query', 'two'), ...unit('value', 'two'), node('MatMul', ['queryUnit', 'valueUnit'], ['y'])]),
    /'Div_queryUnit', Div\): the norms must be at least 1e-7, as in a dot layer, got 2/,
  ],
  [
    'additive scores without a Softmax',
    graph([...additive, node('Relu', ['scores'], ['y'])]),
    /'Relu_y', Relu\): the scores of attention must go to a Softmax over the keys/,
  ],
  [
    'additive scores that are the output',
    graph([...tanhOfSums, node('ReduceSum', ['tanh', 'axis3'], ['y'], [attribute('keepdims', { i: 0 })])]),
    /'ReduceSum_y', ReduceSum\): the scores of attention must go to a Softmax over the keys/,
  ],
  [
    'sums of queries and keys that are the output',
    graph([...tanhOfSums.slice(0, 2), node('Add', ['keys', 'queries'], ['y'])]),
    /graph.output\[0\] must be the output of a layer, got the sums of queries and keys/,
  ],
  [
    'another activation of queries and keys',
    graph([...tanhOfSums.slice(0, 3), node('Relu', ['pairs'], ['y'])]),
    /'Relu_y', Relu\): must be Mul, Tanh, .* to continue with the sums of queries and keys/,
  ],
  [
    'factors of another size',
    graph([...tanhOfSums, node('Mul', ['tanh', 'gains'], ['y'])], [random('gains', 3)]),
    /'Mul_y', Mul\): must multiply by one number or one for each of 4 features, got \[3\]/,
  ],
  [
    'a softmax over the queries',
    graph([
      turned,
      node('MatMul', ['query', 'turned'], ['scores']),
      node('Softmax', ['scores'], ['weights'], axis(1)),
      mixed,
    ]),
    /'Softmax_weights', Softmax\): axis must be the last axis, the features, got 1 of \[batch, time, width\]/,
  ],
  [
    'another number of keys than of values',
    graph(
      [
        node('Transpose', ['query'], ['own'], perm(0, 2, 1)),
        node('MatMul', ['query', 'own'], ['scores']),
        softmax('scores'),
        mixed,
      ],
      [],
      [4, 3],
    ),
    /'MatMul_y', MatMul\): the number of keys and of values must be equal, got 4 and 3/,
  ],
  [
    'heads whose scores are not scaled',
    graph(
      [...projected, softmax('products'), ...joinedHeads, node('MatMul', ['sideBySide', 'outW'], ['y'])],
      headWeights,
    ),
    /'MatMul_perHead', MatMul\): .* divided by the square root of their features, a factor of 0.577\d+, got 1/,
  ],
  [
    'heads that are not projected',
    graph(
      [...projected, scaledHeads, softmax('scores'), ...joinedHeads, node('Relu', ['sideBySide'], ['y'])],
      headWeights,
    ),
    /'Relu_y', Relu\): the heads of attention must be joined and projected by a kernel/,
  ],
  [
    'heads that are projected by a kernel of another size',
    graph(
      [...projected, scaledHeads, softmax('scores'), ...joinedHeads, node('MatMul', ['sideBySide', 'qW'], ['y'])],
      headWeights,
    ),
    /'MatMul_y', MatMul\): its kernel must have the shape \[6, 6\], got \[4, 6\]/,
  ],
  [
    'heads of the input, without a projection',
    graph(
      [
        node('Reshape', ['query', 'split'], ['heads']),
        node('Transpose', ['heads'], ['q'], perm(0, 2, 1, 3)),
        node('Transpose', ['heads'], ['k'], perm(0, 2, 3, 1)),
        node('MatMul', ['q', 'k'], ['scores']),
        softmax('scores'),
        node('Add', ['weights', 'value'], ['y']),
      ],
      [ints('split', [0, 0, 2, 2])],
    ),
    /'MatMul_scores', MatMul\): its query must be a dense layer without activation, got another output/,
  ],
  [
    'a mask that is not causal',
    graph([
      turned,
      node('MatMul', ['query', 'turned'], ['products']),
      node('Greater', ['products', 'two'], ['mask']),
      node('Where', ['mask', 'products', 'two'], ['scores']),
      softmax('scores'),
      mixed,
    ]),
    /'Greater_mask', Greater\): .* got the unsupported operator Greater/,
  ],
];

describe('dot and attention layers that the package does not have', () => {
  test.each(rejected)('loadOnnxModel rejects %s', async (_, bytes, message) => {
    await expect(loadOnnxModel(bytes)).rejects.toThrow(message);
    await expect(loadOnnxModel(bytes)).rejects.toThrow(/^loadOnnxModel: /);
  });
});
