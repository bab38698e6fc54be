// Topologies in every form that Keras and TF.js write, from their files and sources: how each is read, and which are
// rejected.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { strToU8, zipSync } from 'fflate';
import {
  type FunctionalModel,
  io,
  layers,
  loadLayersModel,
  modelFromJSON,
  type Sequential,
  sequential,
  ValueError,
} from 'lstm-wasm';
import { loadKerasModel } from 'lstm-wasm/keras';
import { describe, expect, test, vi } from 'vitest';

// biome-ignore lint/suspicious/noExplicitAny: untyped JSON data
type Plain = any;

const folder = fileURLToPath(new URL('foundFiles/', import.meta.url));

const layer = (class_name: string, config: Plain = {}): Plain => ({ class_name, config });
const input = { batch_input_shape: [null, 4, 3] };
const chain = (list: Plain[], more: Plain = {}): Plain => ({
  class_name: 'Sequential',
  config: { name: 's', layers: list },
  ...more,
});
const keras3 = { keras_version: '3.13.2' };
const keras2 = { keras_version: '2.15.0' };
const classes = ({ layers: list }: Sequential) => list.map(({ className }) => className);
const configOf = (model: Sequential, n = 0): Plain => model.layers[n]!.getConfig();

describe('reset_after of a GRU', () => {
  const gru = layer('GRU', { units: 2, ...input });
  const resetAfterOf = async (json: Plain) => configOf(await modelFromJSON(json)).resetAfter;

  test('without reset_after, Keras 2 and TF.js files apply the reset gate before the recurrent product', async () => {
    expect(await resetAfterOf(chain([gru]))).toBe(false);
    expect(await resetAfterOf(chain([gru], { keras_version: '2.1.3' }))).toBe(false);
    expect(await resetAfterOf(chain([gru], { keras_version: 'tfjs-layers 4.22.0' }))).toBe(false);
  });

  test('without reset_after, Keras 3 files and new layers apply the reset gate after the product', async () => {
    expect(await resetAfterOf(chain([gru], keras3))).toBe(true);
    expect(layers.gru({ units: 2 }).getConfig().resetAfter).toBe(true);
  });

  test('without reset_after, wrappers and cells of Keras 2 files apply the reset gate before the product', async () => {
    const inside = [
      layer('Bidirectional', { layer: layer('GRU', { units: 2 }), ...input }),
      layer('RNN', { cell: layer('GRUCell', { units: 2 }), ...input }),
      layer('RNN', { cell: layer('StackedRNNCells', { cells: [layer('GRUCell', { units: 2 })] }), ...input }),
    ];
    for (const each of inside) {
      expect(JSON.stringify(configOf(await modelFromJSON(chain([each]))))).toContain('"resetAfter":false');
    }
  });

  test('reset_after is kept in files of this package', async () => {
    for (const resetAfter of [true, false]) {
      const model = sequential({ layers: [layers.gru({ units: 2, resetAfter, inputShape: [4, 3] })] });
      expect(await resetAfterOf(model.toJSON(null, false))).toBe(resetAfter);
    }
  });
});

describe('Keras 3 options in a model.json', () => {
  const policy = { module: 'keras', class_name: 'DTypePolicy', config: { name: 'float32' }, registered_name: null };
  const wrapped = (class_name: string, config: Plain): Plain => ({
    module: 'keras.layers',
    class_name,
    config: { trainable: true, dtype: policy, quantization_config: null, ...config },
    registered_name: null,
    build_config: { input_shape: [null, 4, 3] },
  });
  const first = wrapped('InputLayer', {
    batch_shape: [null, 4, 3],
    dtype: 'float32',
    sparse: false,
    ragged: false,
    optional: false,
  });
  const initializer = {
    module: 'keras.initializers',
    class_name: 'OrthogonalInitializer',
    config: { seed: null, gain: 1 },
    registered_name: null,
  };

  test('Keras 3 options are read: batch_shape, DTypePolicy, wrappers, and options that are off', async () => {
    const list = [
      first,
      wrapped('LSTM', {
        units: 2,
        zero_output_for_mask: false,
        seed: null,
        use_cudnn: 'auto',
        recurrent_initializer: initializer,
      }),
      wrapped('Dense', { units: 1, activation: 'leaky_relu', lora_rank: null }),
    ];
    const model = await modelFromJSON(chain(list, keras3));
    expect(classes(model)).toEqual(['LSTM', 'Dense']);
    expect(model.inputs[0]!.shape).toEqual([null, 4, 3]);
    expect(configOf(model, 1).activation).toBe('leakyRelu');
  });

  test('hard_sigmoid keeps its meaning of Keras 3', async () => {
    const list = [first, wrapped('LSTM', { units: 2, recurrent_activation: 'hard_sigmoid' })];
    const activation = async (more: Plain) => configOf(await modelFromJSON(chain(list, more))).recurrentActivation;
    expect(await activation(keras3)).toBe('hard_sigmoid_keras3');
    expect(await activation({ module: 'keras' })).toBe('hard_sigmoid_keras3');
    expect(await activation(keras2)).toBe('hardSigmoid');
  });

  test('Keras 3 options that would change results are rejected', async () => {
    const refused: [Plain, string][] = [
      [
        { dtype: { class_name: 'DTypePolicy', config: { name: 'mixed_float16' } } },
        "dtype: must be float32, got 'mixed_float16'",
      ],
      [{ dtype: { class_name: 'QuantizedDTypePolicy', config: { mode: 'int8' } } }, 'dtype: must be float32'],
      [{ quantization_config: { mode: 'int8' } }, "unknown option 'quantization_config'"],
      [{ zero_output_for_mask: true }, "unknown option 'zero_output_for_mask'"],
    ];
    for (const [config, message] of refused) {
      const list = [first, wrapped('LSTM', { units: 2, ...config })];
      await expect(modelFromJSON(chain(list, keras3))).rejects.toThrow(message);
    }
  });
});

test('errors for files do not suggest option names of the API', async () => {
  const json = chain([layer('LSTM', { units: 2, batch_shape_: 3, ...input })]);
  await expect(modelFromJSON(json)).rejects.toThrow(/layers\.lstm: unknown option 'batch_shape_'$/);
});

describe('values in Python wrappers', () => {
  test('values in Python wrappers are read as numbers and lists: ndarray, __numpy__, tuples, shapes', async () => {
    const tuple = (class_name: string, ...items: Plain[]) => ({ class_name, items });
    const list = [
      layer('LeakyReLU', {
        alpha: { type: 'ndarray', value: 0.25 },
        batch_input_shape: tuple('__tuple__', null, 4, 3),
      }),
      layer('ReLU', {
        max_value: { type: 'ndarray', value: [6] },
        negative_slope: { type: 'ndarray', value: 0 },
        threshold: 0,
      }),
      layer('ELU', { alpha: { class_name: '__numpy__', config: { value: 0.5, dtype: 'float32' } } }),
      layer('Reshape', { target_shape: tuple('TensorShape', 3, 4) }),
    ];
    const model = await modelFromJSON(chain(list, keras2));
    expect(model.layers.map(each => each.outputShape)).toEqual([
      [null, 4, 3],
      [null, 4, 3],
      [null, 4, 3],
      [null, 3, 4],
    ]);
    expect([configOf(model).alpha, configOf(model, 1).maxValue, configOf(model, 2).alpha]).toEqual([0.25, 6, 0.5]);
  });
});

describe('ReLU of Keras', () => {
  const relu = async (config: Plain) => {
    const model = await modelFromJSON(chain([layer('ReLU', { batch_input_shape: [null, 4], ...config })], keras2));
    return Array.from(model.predict([[-2, -1, 1, 9]]).dataSync(), value => value + 0);
  };

  test('ReLU is read with slope and maximum value together', async () => {
    expect(await relu({ negative_slope: 0.5, max_value: 6, threshold: 0 })).toEqual([-1, -0.5, 1, 6]);
    expect(await relu({ negative_slope: 0.5, max_value: null })).toEqual([-1, -0.5, 1, 9]);
    expect(await relu({ max_value: null, negative_slope: null })).toEqual([0, 0, 1, 9]);
  });

  test('ReLU with a threshold loads as thresholdedReLU', async () => {
    expect(await relu({ negative_slope: 0, max_value: null, threshold: 1 })).toEqual([0, 0, 0, 9]);
    const rule = 'config.threshold: must be 0 with a max_value or negative_slope, got 1';
    await expect(relu({ threshold: 1, max_value: 6 })).rejects.toThrow(rule);
    await expect(relu({ threshold: 1, negative_slope: 0.5 })).rejects.toThrow(rule);
  });
});

describe('noise and rectifiers with parameters', () => {
  const dtype = { module: 'keras', class_name: 'DTypePolicy', config: { name: 'float32' }, registered_name: null };
  const zeros = { module: 'keras.initializers', class_name: 'Zeros', config: {}, registered_name: null };
  const slopes = { alpha_regularizer: null, alpha_constraint: null, shared_axes: [1] };

  test.each<[string, Plain[], Plain]>([
    [
      'Keras 3',
      [
        layer('GaussianNoise', { name: 'a', trainable: true, dtype, stddev: 0.5, seed: null, ...input }),
        layer('SpatialDropout1D', { rate: 0.25, seed: 7, name: 'b', dtype }),
        layer('GaussianDropout', { name: 'c', trainable: true, dtype, rate: 0.1, seed: 3 }),
        layer('PReLU', { name: 'd', trainable: true, dtype, alpha_initializer: zeros, ...slopes }),
        layer('ReLU', { name: 'e', trainable: true, dtype, max_value: null, negative_slope: 0.0, threshold: 0.5 }),
      ],
      keras3,
    ],
    [
      'Keras 2',
      [
        layer('GaussianNoise', { name: 'a', trainable: true, dtype: 'float32', stddev: 0.5, seed: null, ...input }),
        layer('SpatialDropout1D', { name: 'b', dtype: 'float32', rate: 0.25, noise_shape: null, seed: 7 }),
        layer('GaussianDropout', { name: 'c', trainable: true, dtype: 'float32', rate: 0.1, seed: 3 }),
        layer('PReLU', { name: 'd', dtype: 'float32', alpha_initializer: layer('Zeros'), ...slopes }),
        layer('ThresholdedReLU', { name: 'e', dtype: 'float32', theta: { type: 'ndarray', value: 0.5 } }),
      ],
      keras2,
    ],
    [
      'TF.js',
      [
        layer('GaussianNoise', { stddev: 0.5, name: 'a', trainable: true, dtype: 'float32', ...input }),
        layer('SpatialDropout1D', { rate: 0.25, noise_shape: null, seed: 7, name: 'b', trainable: true }),
        layer('GaussianDropout', { rate: 0.1, name: 'c', trainable: true }),
        layer('PReLU', { alpha_initializer: layer('Zeros'), ...slopes, name: 'd', trainable: true }),
        layer('ThresholdedReLU', { theta: 0.5, name: 'e', trainable: true }),
      ],
      { keras_version: 'tfjs-layers 4.22.0' },
    ],
  ])('noise and rectifiers with parameters are read from files of %s', async (_, list, version) => {
    const model = await modelFromJSON(chain(list, version));
    expect(classes(model)).toEqual([
      'GaussianNoise',
      'SpatialDropout1D',
      'GaussianDropout',
      'PReLU',
      'ThresholdedReLU',
    ]);
    const [noise, spatial, gaussian, prelu, threshold] = list.map((_, n) => configOf(model, n));
    expect([noise.stddev, spatial.rate, spatial.seed, gaussian.rate]).toEqual([0.5, 0.25, 7, 0.1]);
    expect([prelu.sharedAxes, threshold.theta]).toEqual([[1], 0.5]);
    expect(model.predict([[[1, -1, 0.25]]].map(rows => [rows[0]!, rows[0]!, rows[0]!, rows[0]!])).dataSync()[0]).toBe(
      1,
    );
  });

  test('a noise_shape of SpatialDropout1D is rejected', async () => {
    const json = chain([layer('SpatialDropout1D', { rate: 0.5, noise_shape: [null, 2, 1], ...input })]);
    await expect(modelFromJSON(json)).rejects.toThrow("layers.spatialDropout1d: unknown option 'noise_shape'");
  });
});

describe('the shape of the input', () => {
  const bare = [layer('LSTM', { units: 2 })];
  const shapeOf = async (json: Plain) => (await modelFromJSON(json)).inputs[0]!.shape;

  test('the input shape is taken from the build shape that Keras stores, with any batch size', async () => {
    const built = { class_name: 'Sequential', config: { layers: bare, build_input_shape: [32, 4, 3] }, ...keras3 };
    expect(await shapeOf(built)).toEqual([null, 4, 3]);
    expect(await shapeOf(chain(bare, { ...keras3, build_config: { input_shape: [null, 4, 3] } }))).toEqual([
      null,
      4,
      3,
    ]);
    const shapes = { shapes_dict: { sequences_shape: [8, 4, 3], initial_states_shape: null } };
    expect(await shapeOf(chain([{ ...bare[0], build_config: shapes }], keras3))).toEqual([null, 4, 3]);
  });

  test('the input shape keeps the batch size for stateful layers', async () => {
    const list = [layer('LSTM', { units: 2, stateful: true })];
    expect(await shapeOf(chain(list, { ...keras3, build_config: { input_shape: [8, 4, 3] } }))).toEqual([8, 4, 3]);
  });

  test('the input shape is taken from the first layer only, as in Keras and TF.js', async () => {
    const list = [layer('LSTM', { units: 2, ...input }), layer('Dense', { units: 1, batch_input_shape: [null, 9] })];
    expect((await modelFromJSON(chain(list, keras2))).outputs[0]!.shape).toEqual([null, 1]);
  });
});

test('nested sequential models are flattened', async () => {
  const inner = chain([
    layer('InputLayer', { batch_input_shape: [null, 4, 3] }),
    layer('LSTM', { units: 2, name: 'deep' }),
  ]);
  const model = await modelFromJSON(chain([inner, chain([layer('Dense', { units: 1 })])], keras2));
  expect(classes(model)).toEqual(['LSTM', 'Dense']);
  expect(model.inputs[0]!.shape).toEqual([null, 4, 3]);
});

test('CuDNNLSTM and CuDNNGRU load as lstm and gru', async () => {
  const list = [layer('CuDNNLSTM', { units: 2, return_sequences: true, ...input }), layer('CuDNNGRU', { units: 2 })];
  const model = await modelFromJSON(chain(list, { keras_version: '2.2.4' }));
  expect(classes(model)).toEqual(['LSTM', 'GRU']);
  expect(configOf(model)).toMatchObject({ activation: 'tanh', recurrentActivation: 'sigmoid' });
  expect(configOf(model, 1)).toMatchObject({ resetAfter: true, recurrentActivation: 'sigmoid' });
});

// ------------------------------------------------------------------------------------------------------------ graphs

/** The same chain of layers, in each form of its connections. */
const forms: [string, (names: string[], more?: Plain) => Plain, Plain][] = [
  ['Keras 2 and TF.js', (names, more = {}) => [names.map(name => [name, 0, 0, more])], [['in', 0, 0]]],
  ['Keras 2, single tensors', (names, more = {}) => [[names[0], 0, 0, more]], [['in', 0, 0]]],
  [
    'Keras 3',
    (names, more = {}) => {
      const tensors = names.map(name => ({
        class_name: '__keras_tensor__',
        config: { shape: [null], dtype: 'float32', keras_history: [name, 0, 0] },
      }));
      return [{ args: tensors.length > 1 ? [tensors] : tensors, kwargs: { mask: null, ...more } }];
    },
    ['in', 0, 0],
  ],
];

const node = (class_name: string, name: string, inbound_nodes: Plain, config: Plain = {}): Plain => ({
  class_name,
  name,
  config: { name, ...config },
  inbound_nodes,
});

const graph = (list: Plain[], inputs: Plain, outputs: Plain, class_name = 'Functional'): Plain => ({
  class_name,
  config: { name: 'g', layers: list, input_layers: inputs, output_layers: outputs },
  ...keras2,
});

describe.each(forms)('a functional model in the form of %s', (_form, from, at) => {
  const source = node('InputLayer', 'in', [], { batch_input_shape: [null, 4, 3] });
  const lstm = node('LSTM', 'a', from(['in'], { training: false }), { units: 2, return_state: true });
  const dense = node('Dense', 'b', from(['a']), { units: 1 });
  const single = (name: string) => (Array.isArray(at[0]) ? [[name, 0, 0]] : [name, 0, 0]);

  test('a functional model that is a chain loads as a sequential model, with its layers listed in any order', async () => {
    for (const list of [
      [source, lstm, dense],
      [dense, lstm, source],
    ]) {
      for (const className of ['Functional', 'Model']) {
        const model = await modelFromJSON(graph(list, single('in'), single('b'), className));
        expect(classes(model)).toEqual(['LSTM', 'Dense']);
        expect(model.layers.map(({ name }) => name)).toEqual(['a', 'b']);
      }
    }
  });

  test('a graph that is not a chain loads as a functional model, with its layers listed in any order', async () => {
    const other = node('InputLayer', 'in2', [], { batch_input_shape: [null, 4, 3] });
    const shared = { ...lstm, inbound_nodes: [...from(['in']), ...from(['in2'])] };
    const fork = [
      ['a', 0, 0],
      ['b', 0, 0],
    ];
    const both = [
      ['in', 0, 0],
      ['in2', 0, 0],
    ];
    const loaded: [Plain, string[], number][] = [
      [graph([dense, source, lstm], single('in'), fork), ['in', 'a', 'b'], 2],
      [graph([source, lstm, dense], single('in'), single('a')), ['in', 'a'], 1],
      [graph([shared, source, dense, other], both, [...fork.slice(1), ['a', 1, 0]]), ['in', 'a', 'in2', 'b'], 2],
      [
        graph([source, { ...lstm, inbound_nodes: from(['in'], { training: true }) }, dense], single('in'), single('b')),
        ['in', 'a', 'b'],
        1,
      ],
    ];
    for (const [json, names, outputs] of loaded) {
      const model = await modelFromJSON<FunctionalModel>(json);
      expect(model.className).toBe('Functional');
      expect(model.layers.map(({ name }) => name)).toEqual(names);
      expect(model.outputs).toHaveLength(outputs);
    }
  });

  test('a chain with a layer that has several outputs loads as a functional model', async () => {
    const inner = layer('LSTM', { name: 'inner', units: 2, return_state: true });
    const both = node('Bidirectional', 'a', from(['in']), { layer: inner, merge_mode: 'concat' });
    const unmerged = { ...both, config: { ...both.config, layer: layer('LSTM', { units: 2 }), merge_mode: null } };
    for (const each of [both, unmerged]) {
      const model = await modelFromJSON<FunctionalModel>(graph([source, each, dense], single('in'), single('b')));
      expect(model.layers.map(({ name }) => name)).toEqual(['in', 'a', 'b']);
    }
  });

  test('dropout that a call turns off stays off, in a functional model', async () => {
    const drop = (rate: number) => node('Dropout', 'b', from(['a'], { training: false }), { rate });
    const classOf = async (rate: number) =>
      (await modelFromJSON(graph([source, lstm, drop(rate)], single('in'), single('b')))).className;
    expect(await classOf(0.5)).toBe('Functional');
    expect(await classOf(0)).toBe('Sequential');
  });

  test('a graph with missing or invalid parts is rejected with its path', async () => {
    const unused = node('InputLayer', 'in2', [], { batch_input_shape: [null, 4, 3] });
    const loop = { ...lstm, inbound_nodes: from(['b']) };
    const refused: [Plain, RegExp][] = [
      [
        graph([source, unused, lstm, dense], single('in'), single('b')),
        /layers\[1\]: an input layer must be one of input_/,
      ],
      [
        graph([source, lstm, { ...dense, inbound_nodes: from(['c']) }], single('in'), single('b')),
        /layers\[2\]\.inbound_nodes\[0\]: must refer to layers of the model, got 'c'/,
      ],
      [
        graph([source, loop, dense], single('in'), single('b')),
        /layers\[1\]\.inbound_nodes\[0\]: must not form a cycle, but 'a' depends on its own output/,
      ],
      [
        graph([source, lstm, dense], single('in'), single('c')),
        /config\.output_layers: must refer to layers of the model, got 'c'/,
      ],
      [
        graph([source, lstm, dense], single('in'), [['b', 1, 0]]),
        /config\.output_layers: must refer to one of 1 calls of 'b', got 1/,
      ],
      [
        graph([source, lstm, dense], single('in'), [['b', 0, 1]]),
        /config\.output_layers: must refer to one of 1 outputs of 'b', got 1/,
      ],
      [
        graph([source, lstm, dense], single('a'), single('b')),
        /layers\[0\]: an input layer must be one of input_layers/,
      ],
      [
        graph([source, { ...lstm, inbound_nodes: [] }, dense], single('in'), single('b')),
        /layers\[1\]: a layer must have inbound_nodes/,
      ],
      [
        graph([source, lstm, { ...dense, config: { name: 'z', units: 1 } }], single('in'), [
          ['a', 0, 0],
          ['b', 0, 0],
        ]),
        /layers\[2\]\.config\.name: must be 'b', the name of the layer, got 'z'/,
      ],
      [
        graph([source, lstm, { ...dense, class_name: 'Conv2D' }], single('in'), [
          ['a', 0, 0],
          ['b', 0, 0],
        ]),
        /layers\[2\]: unknown class 'Conv2D'/,
      ],
    ];
    for (const [json, message] of refused) await expect(modelFromJSON(json), String(message)).rejects.toThrow(message);
  });
});

describe('states and masks in a functional model', () => {
  const tensor = (name: string, output = 0) => ({
    class_name: '__keras_tensor__',
    config: { keras_history: [name, 0, output] },
  });
  const call = (args: Plain[], kwargs: Plain = {}) => [{ args, kwargs }];
  const source = node('InputLayer', 'in', [], { batch_shape: [null, 4], dtype: 'int32' });
  const embedding = (mask_zero = true) =>
    node('Embedding', 'e', call([tensor('in')]), { input_dim: 5, output_dim: 3, mask_zero });
  const mask = node('NotEqual', 'not_equal', call([tensor('in'), 0]));
  const lstm = (kwargs: Plain) => node('LSTM', 'a', call([tensor('e')], kwargs), { units: 2 });
  const load = (list: Plain[]) => modelFromJSON({ ...graph(list, ['in', 0, 0], ['a', 0, 0]), ...keras3 });

  test('the NotEqual layers that Keras 3 adds for the mask of an embedding are read as that mask', async () => {
    const model = await load([source, mask, embedding(), lstm({ mask: tensor('not_equal') })]);
    expect(classes(model)).toEqual(['Embedding', 'LSTM']);
    expect(configOf(model).maskZero).toBe(true);
  });

  test('the mask layers of Keras 3 are read in a graph as well', async () => {
    const list = [source, mask, embedding(), lstm({ mask: tensor('not_equal') })];
    const json = {
      ...graph(
        list,
        ['in', 0, 0],
        [
          ['a', 0, 0],
          ['e', 0, 0],
        ],
      ),
      ...keras3,
    };
    const model = await modelFromJSON<FunctionalModel>(json);
    expect(model.layers.map(({ name }) => name)).toEqual(['in', 'e', 'a']);
  });

  test('other masks, states of another number and outputs that do not exist are rejected', async () => {
    const refused: [Plain[], string][] = [
      [[source, mask, embedding(false), lstm({ mask: tensor('not_equal') })], 'must have the masks of its inputs, or'],
      [
        [source, embedding(), lstm({ initial_state: [tensor('e')] })],
        'a takes a sequence and 2 initial states (h, c), or a sequence alone, got 1 initial state',
      ],
      [[source, embedding(), lstm({ other: tensor('e') })], "must not have the output of a layer as 'other'"],
      [
        [source, embedding(), node('LSTM', 'a', call([tensor('e', 1)]), { units: 2 })],
        "inbound_nodes[0]: must refer to one of 1 outputs of 'e', got 1",
      ],
      [
        [source, mask, embedding(), node('LSTM', 'a', call([tensor('e'), tensor('not_equal')]), { units: 2 })],
        "must not use the mask 'not_equal' as an input",
      ],
    ];
    for (const [list, message] of refused) await expect(load(list)).rejects.toThrow(message);
  });
});

describe('large graphs', () => {
  const source = node('InputLayer', 'in', [], { batch_input_shape: [null, 3] });
  const tanh = { activation: 'tanh' };
  const json = (list: Plain[], outputs: Plain): Plain => graph(list, [['in', 0, 0]], outputs, 'Functional');

  test('a cycle of thousands of layers is found without recursion', async () => {
    const list = Array.from({ length: 4000 }, (_, n) =>
      node('Activation', `l${n}`, [[[`l${(n + 1) % 4000}`, 0, 0, {}]]], tanh),
    );
    await expect(modelFromJSON(json([source, ...list], [['l0', 0, 0]]))).rejects.toThrow(
      /config\.layers\[\d+\]\.inbound_nodes\[0\]: must not form a cycle/,
    );
  });

  test('a layer with thousands of calls, each on the one before, loads', async () => {
    const calls = 4000;
    const nodes = Array.from({ length: calls }, (_, n) => [[n === 0 ? 'in' : 'l', n === 0 ? 0 : n - 1, 0, {}]]);
    const model = await modelFromJSON<FunctionalModel>(
      json([source, node('Activation', 'l', nodes, tanh)], [['l', calls - 1, 0]]),
    );
    expect(model.layers).toHaveLength(2);
  });

  test('nested models that call each other twice are rejected before they expand', async () => {
    let model = node('Activation', 'l0', [], tanh);
    for (let n = 1; n < 18; n++) {
      const { name } = model;
      const first = n === 1 ? 0 : 1; // the calls of models are counted from 1
      const twice = { ...model, inbound_nodes: [[['in', 0, 0, {}]], [[name, first, 0, {}]]] };
      model = { ...json([source, twice], [[name, first + 1, 0]]), name: `l${n}`, inbound_nodes: [] };
      model.config = { ...model.config, name: `l${n}` };
      delete model.keras_version;
    }
    await expect(modelFromJSON({ ...model, ...keras2 })).rejects.toThrow(
      /inbound_nodes\[1\]: must have at most 65536 calls of layers, with those of nested models, got 131072/,
    );
  });

  test('more than 4096 layers in nested models are rejected', async () => {
    const inner = Array.from({ length: 3000 }, (_, n) => layer('Activation', { ...tanh, name: `i${n}` }));
    const nested = (name: string, from: string) => ({
      ...node('Sequential', name, [[[from, 0, 0, {}]]]),
      config: { name, layers: inner },
    });
    const list = [source, nested('m', 'in'), nested('n', 'm')];
    await expect(
      modelFromJSON(
        json(list, [
          ['m', 0, 0],
          ['n', 0, 0],
        ]),
      ),
    ).rejects.toThrow(/must be at most 4096 layers, got 6001/);
  });
});

// ----------------------------------------------------------------------------------------------------- other formats

describe('a file that is not a layers model', () => {
  test('a graph model is named in the error, with advice', async () => {
    const message = /must be a layers model, got a graph model, which has no layers; convert the Keras model with/;
    await expect(modelFromJSON({ format: 'graph-model', modelTopology: { node: [] } })).rejects.toThrow(message);
    await expect(modelFromJSON({ modelTopology: { node: [] } })).rejects.toThrow(message);
    await expect(loadLayersModel(io.fromMemory({ format: 'graph-model', modelTopology: {} }))).rejects.toThrow(message);
  });

  test('a Keras 1 model is named in the error', async () => {
    const lstm = layer('LSTM', { output_dim: 2, inner_activation: 'hard_sigmoid', ...input });
    for (const json of [
      chain([lstm]),
      chain([layer('Dense', { output_dim: 2 })]),
      chain([], { keras_version: '1.2.2' }),
    ]) {
      await expect(modelFromJSON(json)).rejects.toThrow(
        'must be a Keras 2 or Keras 3 model, got a Keras 1 model; load it with',
      );
    }
  });

  test('the error for an unknown layer lists the known ones', async () => {
    const json = chain([layer('ConvLSTM1D', input)]);
    await expect(modelFromJSON(json)).rejects.toThrow(
      /config\.layers\[0\]: unknown class 'ConvLSTM1D'; known: LSTM, GRU, SimpleRNN, /,
    );
  });
});

test('modelFromJSON accepts a model.json that lists weights, and warns that it does not load them', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const model = await modelFromJSON(readFileSync(`${folder}5-tfjs-gru/model.json`, 'utf8'));
  expect(classes(model)).toEqual(['GRU']);
  expect(warn.mock.calls.flat().join()).toContain('does not load the weights that json lists');
  warn.mockRestore();
});

describe('weight names of converters', () => {
  const kernel = { dtype: 'float32' as const };
  const loads = async (names: string[], topology: Plain, shapes: number[][], options = {}, surplusBytes = 0) => {
    const weightSpecs = names.map((name, n) => ({ name, shape: shapes[n]!, ...kernel }));
    const count = shapes.reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
    const weightData = Float32Array.from({ length: count + surplusBytes }, (_, n) => n).buffer;
    return loadLayersModel(io.fromMemory({ modelTopology: topology, weightSpecs, weightData }), options);
  };
  const rnn = layer('RNN', {
    name: 'rnn',
    cell: layer('StackedRNNCells', {
      cells: [layer('SimpleRNNCell', { units: 1 }), layer('SimpleRNNCell', { units: 1 })],
    }),
    ...input,
  });

  test.each([
    ['sequential/lstm/lstm_cell/', 'LSTM', [[3, 8], [2, 8], [8]]],
    ['lstm/lstm_cell_7/', 'LSTM', [[3, 8], [2, 8], [8]]],
    ['model/lstm/simple_rnn_cell/', 'SimpleRNN', [[3, 2], [2, 2], [2]]],
  ])('weights under %s are found by their layer and the last part of their name', async (prefix, className, shapes) => {
    const names = ['kernel', 'recurrent_kernel', 'bias'].map(name => `${prefix}${name}`);
    const model = await loads(names, chain([layer(className, { name: 'lstm', units: 2, ...input })], keras3), shapes);
    expect(model.getWeights()[2]!.dataSync().at(-1)).toBe(
      shapes.reduce((sum, s) => sum + s.reduce((a, b) => a * b, 1), 0) - 1,
    );
  });

  test('the cells of a stack are matched in order', async () => {
    const names = ['a', 'b'].flatMap(cell =>
      ['kernel', 'recurrent_kernel', 'bias'].map(name => `rnn/stacked_rnn_cells/${cell}/${name}`),
    );
    const model = await loads(names, chain([rnn], keras3), [[3, 1], [1, 1], [1], [1, 1], [1, 1], [1]]);
    expect(model.getWeights().map(weight => [...weight.dataSync()])).toEqual([[0, 1, 2], [3], [4], [5], [6], [7]]);
  });

  test('a name that occurs twice is rejected', async () => {
    const topology = chain([layer('Dense', { name: 'd', units: 1, use_bias: false, batch_input_shape: [null, 1] })]);
    await expect(
      loads(['d/kernel', 'm/d/kernel'], topology, [
        [1, 1],
        [1, 1],
      ]),
    ).rejects.toThrow('must be unique, got');
  });

  test('surplus bytes are rejected, and ignored with strict: false', async () => {
    const topology = chain([layer('Dense', { name: 'd', units: 1, use_bias: false, batch_input_shape: [null, 1] })]);
    await expect(loads(['d/kernel'], topology, [[1, 1]], {}, 2)).rejects.toThrow('must have the 4 bytes');
    const model = await loads(['d/kernel'], topology, [[1, 1]], { strict: false }, 2);
    expect([...model.getWeights()[0]!.dataSync()]).toEqual([0]);
  });
});

// --------------------------------------------------------------------------------------------------------- size limits

describe('a topology that is too large or too deep', () => {
  /** As text, because JSON.stringify cannot write values that deep. */
  function nested(times: number, wrap: (inner: string) => Plain): string {
    const [before, after] = JSON.stringify(wrap('here')).split('"here"');
    return `${before!.repeat(times)}${JSON.stringify(layer('LSTM', { units: 1 }))}${after!.repeat(times)}`;
  }
  const holding = (inner: string, wrap: (inner: string) => Plain) =>
    JSON.stringify(chain([wrap('here')])).replace('"here"', () => inner);

  const many = Array.from({ length: 64_000 }, () => layer('ReLU'));
  const longLine = many.map((relu, n) => ({
    ...relu,
    name: `r${n}`,
    inbound_nodes: n === 0 ? [] : [[[`r${n - 1}`, 0, 0, {}]]],
  }));
  const circle = [node('ReLU', 'a', [[['b', 0, 0]]]), node('ReLU', 'b', [[['a', 0, 0]]])];
  const oversized: [string, string][] = [
    ['64,000 layers', JSON.stringify(chain([layer('Dense', { units: 1, batch_input_shape: [null, 1] }), ...many]))],
    ['64,000 layers of a graph', JSON.stringify(graph(longLine, [['r0', 0, 0]], [['r63999', 0, 0]]))],
    ['a cycle of layers', JSON.stringify(graph(circle, [['a', 0, 0]], [['b', 0, 0]]))],
    ...['TimeDistributed', 'Bidirectional'].map((name): [string, string] => [
      `5,000 nested ${name} layers`,
      holding(
        nested(5000, inner => layer(name, { layer: inner })),
        inner => inner,
      ),
    ]),
    ['5,000 nested models', nested(5000, inner => chain([inner]))],
    ['5,000 nested graphs', nested(5000, inner => graph([inner], [], []))],
    [
      '5,000 nested stacks of cells',
      holding(
        nested(5000, inner => layer('StackedRNNCells', { cells: [inner] })),
        cell => layer('RNN', { cell }),
      ),
    ],
    [
      '5,000 nested lists',
      holding(
        nested(5000, inner => [inner]),
        units => layer('Dense', { units }),
      ),
    ],
  ];

  test.each(oversized)('every reader rejects %s within a second', async (_name, text) => {
    const json = JSON.parse(text);
    const archive = zipSync({ 'config.json': strToU8(text), 'metadata.json': strToU8('{"keras_version":"2.15.0"}') });
    const readers: (() => Promise<unknown>)[] = [
      () => modelFromJSON(text),
      () => modelFromJSON(json),
      () => loadLayersModel(io.fromMemory({ modelTopology: json })),
      () => loadKerasModel(archive),
    ];
    for (const read of readers) {
      const start = process.cpuUsage();
      await expect(read()).rejects.toThrow(ValueError);
      const { user, system } = process.cpuUsage(start);
      expect(user + system).toBeLessThan(1_000_000); // microseconds
    }
  });

  test('a text that is too long is rejected before it is parsed', async () => {
    const text = `${' '.repeat(2 ** 24)}{}`;
    await expect(modelFromJSON(text)).rejects.toThrow('json: must be at most 16777216 bytes long, got 16777218');
  });
});
