// Options of attention layers that Keras 3 has as arguments of calls, in the files of both. The configurations are written
// by hand as Keras writes them.

import { type FunctionalModel, input, layers, model, modelFromJSON, type Tensor, tensor } from 'lstm-wasm';
import { toKeras } from 'lstm-wasm/keras';
import { describe, expect, test } from 'vitest';
import { expectBits } from '../compare.ts';

type Plain = object | string | number | boolean | null;

const kerasTensor = (name: string, output = 0) => ({
  class_name: '__keras_tensor__',
  config: { shape: [null, 4, 3], dtype: 'float32', keras_history: [name, 0, output] },
});
const dtype = { module: 'keras', class_name: 'DTypePolicy', config: { name: 'float32' }, registered_name: null };
const initializer = (class_name: string, config: object) => ({
  module: 'keras.initializers',
  class_name,
  config,
  registered_name: null,
});
const layer = (class_name: string, name: string, config: object, nodes: { args: Plain[]; kwargs: object }[]) => ({
  module: 'keras.layers',
  class_name,
  config: { name, trainable: true, dtype, ...config },
  registered_name: null,
  build_config: { shapes_dict: {} },
  name,
  inbound_nodes: nodes,
});
const sources = ['q', 'v'].map(name =>
  layer('InputLayer', name, { batch_shape: [null, 4, 3], sparse: false, ragged: false, optional: false }, []),
);
const heads = {
  num_heads: 2,
  key_dim: 2,
  value_dim: 2,
  dropout: 0.0,
  use_bias: true,
  output_shape: null,
  attention_axes: [1],
  kernel_initializer: initializer('GlorotUniform', { seed: null }),
  bias_initializer: initializer('Zeros', {}),
  kernel_regularizer: null,
  bias_regularizer: null,
  activity_regularizer: null,
  kernel_constraint: null,
  bias_constraint: null,
  seed: null,
  query_shape: [null, 4, 3],
  key_shape: [null, 4, 3],
  value_shape: [null, 4, 3],
};
const luong = { use_scale: false, score_mode: 'dot', dropout: 0.0 };
const load = (list: object[], outputs: [string, number, number][]) =>
  modelFromJSON<FunctionalModel>({
    module: 'keras.src.models.functional',
    class_name: 'Functional',
    config: {
      name: 'attention',
      trainable: true,
      layers: [...sources, ...list],
      input_layers: [
        ['q', 0, 0],
        ['v', 0, 0],
      ],
      output_layers: outputs,
    },
    registered_name: 'Functional',
    keras_version: '3.8.0',
  } as never);

const data = [1, 2].map(seed =>
  tensor(
    Float32Array.from({ length: 24 }, (_, n) => Math.sin(seed + 3 * n)),
    [2, 4, 3],
  ),
);
const predict = (net: FunctionalModel) =>
  [net.predict<Tensor | Tensor[]>(data)].flat().map(y => y.dataSync() as Float32Array);
const ends = () => ['q', 'v'].map(name => input({ shape: [4, 3], name }));
const [q, v] = [kerasTensor('q'), kerasTensor('v')];

describe('use_causal_mask in the arguments of a call of Keras 3', () => {
  test.each([
    ['by position', { args: [q, v], kwargs: { use_causal_mask: true } }],
    ['with a key', { args: [q, v, v], kwargs: { use_causal_mask: true, training: null } }],
    ['by name', { args: [], kwargs: { query: q, value: v, use_causal_mask: true } }],
    ['with masks that are null', { args: [q], kwargs: { value: v, query_mask: null, use_causal_mask: true } }],
  ])('is the option useCausalMask of multiHeadAttention, inputs %s', async (_, node) => {
    const net = await load([layer('MultiHeadAttention', 'heads', heads, [node])], [['heads', 0, 0]]);
    const [a, b] = ends();
    const attend = layers.multiHeadAttention({ numHeads: 2, keyDim: 2, useCausalMask: true });
    const own = model({ inputs: [a!, b!], outputs: attend.apply(node.args.length === 3 ? [a!, b!, b!] : [a!, b!]) });
    own.setWeights(net.getWeights());
    expectBits(predict(net)[0]!, predict(own)[0]!);
    expect((net.getLayer('heads').getConfig() as { useCausalMask?: boolean }).useCausalMask).toBe(true);
  });

  test('is off when it is false or absent', async () => {
    for (const kwargs of [{}, { use_causal_mask: false, return_attention_scores: false }]) {
      const net = await load(
        [layer('MultiHeadAttention', 'heads', heads, [{ args: [q, v], kwargs }])],
        [['heads', 0, 0]],
      );
      expect(net.getLayer('heads').getConfig()).not.toHaveProperty('useCausalMask');
    }
  });

  test('is an option of attention and additiveAttention, as return_attention_scores is', async () => {
    const kwargs = { use_causal_mask: true, return_attention_scores: true };
    const list = [
      layer('Attention', 'luong', luong, [{ args: [[q, v]], kwargs }]),
      layer('AdditiveAttention', 'bahdanau', { use_scale: true, dropout: 0.0 }, [{ args: [[q, v]], kwargs }]),
    ];
    const net = await load(list, [
      ['luong', 0, 0],
      ['luong', 0, 1],
      ['bahdanau', 0, 1],
    ]);
    const [a, b] = ends();
    const options = { useCausalMask: true, returnAttentionScores: true };
    const [context, scores] = layers.attention(options).apply([a!, b!]);
    const [, others] = layers.additiveAttention(options).apply([a!, b!]);
    const own = model({ inputs: [a!, b!], outputs: [context!, scores!, others!] });
    own.setWeights(net.getWeights());
    for (const [n, y] of predict(own).entries()) expectBits(predict(net)[n]!, y);
  });

  test('must be the same in all calls of a layer', async () => {
    const nodes = [
      { args: [q, v], kwargs: { use_causal_mask: true } },
      { args: [v, q], kwargs: {} },
    ];
    await expect(
      load(
        [layer('MultiHeadAttention', 'heads', heads, nodes)],
        [
          ['heads', 0, 0],
          ['heads', 1, 0],
        ],
      ),
    ).rejects.toThrow('must be called with use_causal_mask in all of its calls, or in none');
  });

  test('return_attention_scores of MultiHeadAttention is refused with the shape of the scores', async () => {
    const node = { args: [q, v], kwargs: { return_attention_scores: true } };
    await expect(load([layer('MultiHeadAttention', 'heads', heads, [node])], [['heads', 0, 0]])).rejects.toThrow(
      'returnAttentionScores must be false, because a model cannot have outputs of the shape [batch, heads, queries, keys]',
    );
  });

  test('an attention_mask is refused', async () => {
    const node = { args: [q, v], kwargs: { attention_mask: kerasTensor('v') } };
    await expect(load([layer('MultiHeadAttention', 'heads', heads, [node])], [['heads', 0, 0]])).rejects.toThrow(
      "must not have the output of a layer as 'attention_mask'",
    );
  });
});

test('use_causal_mask in a file of Keras 2 is the option useCausalMask', async () => {
  const source = (name: string) => ({
    class_name: 'InputLayer',
    config: { batch_input_shape: [null, 4, 3], dtype: 'float32', name, sparse: false, ragged: false },
    name,
    inbound_nodes: [],
  });
  const { kernel_initializer: _, bias_initializer: __, ...config } = heads;
  const attend = {
    class_name: 'MultiHeadAttention',
    config: { ...config, name: 'heads', trainable: true, dtype: 'float32' },
    name: 'heads',
    inbound_nodes: [[['q', 0, 0, { value: ['v', 0, 0], use_causal_mask: true }]]],
  };
  const net = await modelFromJSON<FunctionalModel>({
    class_name: 'Functional',
    config: {
      name: 'attention',
      layers: [source('q'), source('v'), attend],
      input_layers: [
        ['q', 0, 0],
        ['v', 0, 0],
      ],
      output_layers: [['heads', 0, 0]],
    },
    keras_version: '2.15.0',
  } as never);
  expect((net.getLayer('heads').getConfig() as { useCausalMask?: boolean }).useCausalMask).toBe(true);
});

test('toKeras writes both options as arguments of the calls, and none of them into the configuration', async () => {
  const [a, b] = ends();
  const heads = layers.multiHeadAttention({ numHeads: 2, keyDim: 2, useCausalMask: true, name: 'heads' });
  const luong = layers.attention({ useCausalMask: true, returnAttentionScores: true, name: 'luong' });
  const [context, scores] = luong.apply([heads.apply([a!, b!]), heads.apply([b!, a!])]);
  const bytes = await toKeras(model({ inputs: [a!, b!], outputs: [context!, scores!] }));
  const text = new TextDecoder('latin1').decode(bytes);
  const from = text.indexOf('config.json') + 'config.json'.length;
  const { config } = JSON.parse(text.slice(from, text.indexOf('PK\u0003\u0004', from)));
  const described = Object.fromEntries(
    (config.layers as { name: string; config: object; inbound_nodes: { kwargs: object }[] }[]).map(each => [
      each.name,
      each,
    ]),
  );
  expect(described.heads!.inbound_nodes.map(({ kwargs }) => kwargs)).toEqual([
    { use_causal_mask: true },
    { use_causal_mask: true },
  ]);
  expect(described.luong!.inbound_nodes[0]!.kwargs).toEqual({ use_causal_mask: true, return_attention_scores: true });
  for (const name of ['heads', 'luong']) {
    expect(described[name]!.config).not.toHaveProperty('use_causal_mask');
    expect(described[name]!.config).not.toHaveProperty('return_attention_scores');
  }
});
