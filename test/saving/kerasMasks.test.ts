// Masks in the configurations of Keras 3: operations that compute masks, and the arguments of calls. Written by hand, as
// Keras 3 writes them: layers that take one tensor have the mask of their input as an argument.

import {
  type FunctionalModel,
  input,
  type LayersModel,
  layers,
  model,
  modelFromJSON,
  type Tensor,
  tensor,
} from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { expectBits } from '../compare.ts';

type Plain = object | string | number | boolean | null;

const kerasTensor = (name: string, output = 0) => ({
  class_name: '__keras_tensor__',
  config: { shape: [null, 4, 3], dtype: 'float32', keras_history: [name, 0, output] },
});
const layer = (class_name: string, name: string, config: object, args: Plain[], kwargs: object = {}) => ({
  module: 'keras.layers',
  class_name,
  config: { name, trainable: true, dtype: 'float32', ...config },
  registered_name: null,
  name,
  inbound_nodes: args.length > 0 ? [{ args, kwargs }] : [],
});
const operation = (class_name: string, name: string, args: Plain[], config: object = {}) => ({
  module: 'keras.src.ops.numpy',
  class_name,
  config: { name, ...config },
  registered_name: class_name,
  name,
  inbound_nodes: [{ args, kwargs: {} }],
});
const source = (name: string, shape: (number | null)[], dtype = 'float32') =>
  layer('InputLayer', name, { batch_shape: shape, sparse: false, dtype }, []);
const lstm = (name: string, from: string, kwargs: object, config: object = {}) =>
  layer('LSTM', name, { units: 2, return_sequences: false, ...config }, [kerasTensor(from)], kwargs);
const graph = (list: object[], inputs: string[], outputs: string[]) => ({
  module: 'keras.src.models.functional',
  class_name: 'Functional',
  config: {
    name: 'masked',
    trainable: true,
    layers: list,
    input_layers: inputs.map(name => [name, 0, 0]),
    output_layers: outputs.map(name => [name, 0, 0]),
  },
  registered_name: 'Functional',
  keras_version: '3.8.0',
});
const load = (list: object[], inputs: string[], outputs: string[]) =>
  modelFromJSON<FunctionalModel>(graph(list, inputs, outputs) as never);

const embedding = (name: string, from: string) =>
  layer('Embedding', name, { input_dim: 5, output_dim: 3, mask_zero: true }, [kerasTensor(from)]);
const ids = [source('a', [null, 4], 'int32'), source('b', [null, 4], 'int32')];
const words = [embedding('x', 'a'), embedding('y', 'b')];
const differing = [
  operation('NotEqual', 'not_equal', [kerasTensor('a'), 0]),
  operation('NotEqual', 'not_equal_1', [kerasTensor('b'), 0]),
];
const merged = (className: string, config: object = {}) =>
  layer(className, 'sum', config, [[kerasTensor('x'), kerasTensor('y')]]);
const either = operation('LogicalOr', 'logical_or', [kerasTensor('not_equal'), kerasTensor('not_equal_1')]);

const values = tensor([
  [1, 2, 0, 0],
  [3, 0, 0, 4],
]);
const others = tensor([
  [2, 0, 0, 1],
  [1, 1, 0, 0],
]);
const predict = (net: LayersModel) =>
  [net.predict<Tensor | Tensor[]>([values, others])].flat().map(each => each.dataSync() as Float32Array);

/** Checks that a loaded model predicts the same as one with layers that compute the masks. */
function expectSame(net: FunctionalModel, build: () => LayersModel): void {
  const own = build();
  own.setWeights(net.getWeights());
  for (const [n, y] of predict(own).entries()) expectBits(predict(net)[n]!, y);
}
const ownWords = () => {
  const [a, b] = [input({ shape: [4], name: 'a' }), input({ shape: [4], name: 'b' })];
  const word = () => layers.embedding({ inputDim: 5, outputDim: 3, maskZero: true });
  return { inputs: [a, b], parts: [word().apply(a), word().apply(b)] };
};

describe('masks that operations compute are those of the layers', () => {
  test.each(['Add', 'Average', 'Multiply', 'Maximum'])('of %s', async className => {
    const list = [
      ...ids,
      ...differing,
      ...words,
      merged(className),
      either,
      lstm('last', 'sum', { mask: kerasTensor('logical_or') }),
    ];
    const net = await load(list, ['a', 'b'], ['last']);
    expect(net.layers.map(({ name }) => name)).toEqual(['a', 'b', 'x', 'y', 'sum', 'last']);
    const merge = layers[className.toLowerCase() as 'add'];
    expectSame(net, () => {
      const { inputs, parts } = ownWords();
      return model({ inputs, outputs: layers.lstm({ units: 2 }).apply(merge().apply(parts)) });
    });
  });

  test('of a sum of three inputs, in two steps', async () => {
    const sum = layer('Add', 'sum', {}, [[kerasTensor('x'), kerasTensor('y'), kerasTensor('x')]]);
    const more = operation('LogicalOr', 'logical_or_1', [kerasTensor('logical_or'), kerasTensor('not_equal')]);
    const list = [
      ...ids,
      ...differing,
      ...words,
      sum,
      either,
      more,
      lstm('last', 'sum', { mask: kerasTensor('logical_or_1') }),
    ];
    expect((await load(list, ['a', 'b'], ['last'])).layers).toHaveLength(6);
  });

  test.each([
    ['with sizes', true],
    ['without sizes', false],
  ])('of concatenated features, %s', async (_, broadcasts) => {
    const wide = [0, 1].map(n => operation('ExpandDims', `wide_${n}`, [kerasTensor(differing[n]!.name)], { axis: -1 }));
    const full = [0, 1].map(n =>
      operation('BroadcastTo', `full_${n}`, [kerasTensor(`wide_${n}`)], { shape: [null, 4, 3] }),
    );
    const parts = (broadcasts ? full : wide).map(({ name }) => kerasTensor(name));
    const all = operation('Concatenate', 'concatenate_1', [parts], { axis: -1 });
    const any = operation('Any', 'any', [kerasTensor('concatenate_1')], { axis: -1, keepdims: false });
    const list = [
      ...ids,
      ...differing,
      ...words,
      ...wide,
      ...(broadcasts ? full : []),
      merged('Concatenate', { axis: -1 }),
      all,
      any,
    ];
    const net = await load([...list, lstm('last', 'sum', { mask: kerasTensor('any') })], ['a', 'b'], ['last']);
    expectSame(net, () => {
      const { inputs, parts } = ownWords();
      return model({ inputs, outputs: layers.lstm({ units: 2 }).apply(layers.concatenate().apply(parts)) });
    });
  });

  test('of a masking layer over another layer, through a recurrent layer', async () => {
    const list = [
      source('in', [null, 4, 3]),
      layer('Dense', 'wide', { units: 3 }, [kerasTensor('in')]),
      layer('Masking', 'masking', { mask_value: 0.5 }, [kerasTensor('wide')]),
      operation('NotEqual', 'not_equal', [kerasTensor('wide'), 0.5]),
      operation('Any', 'any', [kerasTensor('not_equal')], { axis: -1, keepdims: false }),
      lstm('first', 'masking', { mask: kerasTensor('any') }, { return_sequences: true }),
      lstm('second', 'first', { mask: kerasTensor('any') }),
    ];
    const net = await load(list, ['in'], ['second']);
    expect(net.layers.map(({ className }) => className)).toEqual(['Dense', 'Masking', 'LSTM', 'LSTM']);
  });
});

test('a mask that is an input is given to the call', async () => {
  const list = [source('in', [null, 4, 3]), source('m', [null, 4]), lstm('last', 'in', { mask: kerasTensor('m') })];
  const net = await load(list, ['in', 'm'], ['last']);
  const x = tensor(
    Float32Array.from({ length: 24 }, (_, n) => Math.sin(n)),
    [2, 4, 3],
  );
  const mask = tensor([
    [1, 1, 0, 0],
    [1, 0, 1, 1],
  ]);
  const expected = (net.getLayer('last') as unknown as { apply(x: Tensor, options: object): Tensor }).apply(x, {
    mask,
  });
  expectBits(net.predict<Tensor>([x, mask]).dataSync() as Float32Array, expected.dataSync() as Float32Array);
});

describe('other masks are rejected', () => {
  const message = 'must have the masks of its inputs, or outputs of layers as masks, got another mask';
  const all = operation('LogicalAnd', 'logical_and', [kerasTensor('not_equal'), kerasTensor('not_equal_1')]);
  test.each([
    ['that of one input for a sum', [], 'not_equal'],
    ['of time steps that count in both inputs', [all], 'logical_and'],
  ] as [string, object[], string][])('%s', async (_, more, mask) => {
    const list = [
      ...ids,
      ...differing,
      ...words,
      merged('Add'),
      ...more,
      lstm('last', 'sum', { mask: kerasTensor(mask) }),
    ];
    await expect(load(list, ['a', 'b'], ['last'])).rejects.toThrow(message);
  });

  test('of another number than that of the masking layer', async () => {
    const list = [
      source('in', [null, 4, 3]),
      layer('Masking', 'masking', { mask_value: 0 }, [kerasTensor('in')]),
      operation('NotEqual', 'not_equal', [kerasTensor('in'), 1]),
      operation('Any', 'any', [kerasTensor('not_equal')], { axis: -1 }),
      lstm('last', 'masking', { mask: kerasTensor('any') }),
    ];
    await expect(load(list, ['in'], ['last'])).rejects.toThrow(message);
  });
});
