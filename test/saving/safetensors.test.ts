// Weights in safetensors files: every layer, Keras and PyTorch names, and rejected models and files.

import { type Layer, layers, type Sequential, sequential, Tensor, tensor, ValueError } from 'lstm-wasm';
import { loadSafetensors, readSafetensors, toSafetensors, writeSafetensors } from 'lstm-wasm/safetensors';
import { describe, expect, test } from 'vitest';
import { layerFrom } from '../../src/saving/config/fromConfig.ts';
import { RandomGenerator } from '../../src/util/randomGenerator.ts';
import { expectBits } from '../compare.ts';
import { stacks } from './stacks.ts';
import { cases, modelOf } from './torchModels.ts';

/** Sets random weights. With a seed above 1, they begin with zeros of both signs and extreme values. */
function randomize(model: Sequential, seed = 1): Sequential {
  const generator = new RandomGenerator(seed);
  const special = [0, -0, 1e-45, -3.4028234663852886e38, Number.POSITIVE_INFINITY];
  const weights = model.getWeights().map(({ shape, size }) => {
    const values = Float32Array.from(
      { length: size },
      (_, i) => (seed > 1 ? special[i] : undefined) ?? generator.normal(),
    );
    return new Tensor(values, shape);
  });
  model.setWeights(weights);
  return model;
}

const bitsOf = (model: Sequential) => model.getWeights().flatMap(weight => [...weight.dataSync()]);

describe('Keras names', () => {
  test.each(Object.entries(stacks))('%s: toSafetensors and loadSafetensors keep weights bit for bit', (_name, make) => {
    const model = randomize(sequential({ layers: make() }), 2);
    const bytes = toSafetensors(model);
    const { tensors, metadata } = readSafetensors(bytes);
    expect(metadata).toEqual({});
    expect(Object.keys(tensors)).toEqual(model.layers.flatMap(layer => layer.weightPaths));
    expect(Object.values(tensors).map(({ shape }) => shape)).toEqual(model.getWeights().map(({ shape }) => shape));
    const before = bitsOf(model);
    randomize(model, 3);
    loadSafetensors(model, bytes);
    expectBits(bitsOf(model), before);
  });

  test.each(Object.entries(stacks))(
    '%s: with strict: false, weights load by order if the names differ',
    (_name, make) => {
      const model = randomize(sequential({ layers: make() }));
      const other = sequential({ layers: make().map(renamed) });
      if (model.countParams() > 0) {
        expect(() => loadSafetensors(other, toSafetensors(model))).toThrow(
          /header must have the tensor '.*', got none/,
        );
      }
      loadSafetensors(other, toSafetensors(model), { strict: false });
      expectBits(bitsOf(other), bitsOf(model));
    },
  );

  test('loadSafetensors fills a model with a fixed batch size, and readSafetensors returns the metadata', () => {
    const model = sequential({ layers: [layers.lstm({ name: 'a', units: 3, inputShape: [2, 2] })] });
    const bytes = toSafetensors(randomize(model), { names: 'keras', metadata: { epoch: '7' } });
    expect(readSafetensors(bytes).metadata).toEqual({ epoch: '7' });
    const fresh = sequential({ layers: [layers.lstm({ name: 'a', units: 3, inputShape: [2, 2] })] });
    loadSafetensors(fresh.withBatchSize(4), bytes);
    expectBits(bitsOf(fresh), bitsOf(model));
  });

  /** A model of two layers with equal weight shapes. */
  const twins = (a: string, b: string) =>
    randomize(
      sequential({
        layers: [
          layers.simpleRNN({ name: a, units: 2, inputShape: [3, 2], returnSequences: true }),
          layers.simpleRNN({ name: b, units: 2 }),
        ],
      }),
    );

  /** The file with its tensors sorted by name, as other programs write it. */
  const sorted = (bytes: Uint8Array, rename = (name: string) => name) =>
    writeSafetensors(
      Object.fromEntries(
        Object.entries(readSafetensors(bytes).tensors)
          .map(([name, tensor]) => [rename(name), tensor] as const)
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      ),
    );

  test('layers of equal shapes load by name from sorted tensors, and are rejected if only their order is left', () => {
    const bytes = sorted(toSafetensors(twins('rnn_2', 'rnn_10')));
    const same = randomize(twins('rnn_2', 'rnn_10'), 2);
    loadSafetensors(same, bytes, { strict: false });
    expectBits(bitsOf(same), bitsOf(twins('rnn_2', 'rnn_10')));
    expect(() => loadSafetensors(twins('a', 'b'), bytes, { strict: false })).toThrow(
      /header must have layers of equal weights in the order of their numbers, got 'rnn_10' and 'rnn_2'/,
    );
    const other = randomize(twins('a', 'b'), 2);
    loadSafetensors(other, sorted(toSafetensors(twins('rnn_2', 'rnn_3'))), { strict: false });
    expectBits(bitsOf(other), bitsOf(same));
  });

  test('the directions of a bidirectional layer load by name from Keras 3 paths', () => {
    const make = () =>
      sequential({
        layers: [
          layers.bidirectional({ layer: layers.lstm({ units: 2 }), inputShape: [3, 2] }),
          layers.dense({ units: 1 }),
        ],
      });
    const model = randomize(make());
    const rename = (name: string) =>
      name.replace(/^bidi[^/]*\/(forward|backward)_[^/]*/, 'sequential/bidirectional/$1_lstm/lstm_cell');
    const bytes = sorted(toSafetensors(model), rename);
    expect(Object.keys(readSafetensors(bytes).tensors)[2]).toMatch(
      'sequential/bidirectional/backward_lstm/lstm_cell/b',
    );
    const other = make();
    loadSafetensors(other, bytes, { strict: false });
    expectBits(bitsOf(other), bitsOf(model));
  });
});

/** A layer of the same class and options under another name. */
const renamed = (layer: Layer): Layer =>
  layerFrom(
    { call: 'renamed', part: '' },
    { className: layer.className, config: { ...layer.getConfig(), name: `other ${layer.name}` } },
  );

describe('PyTorch names', () => {
  test.each(cases)('$name: toSafetensors and loadSafetensors keep weights bit for bit', testCase => {
    const { model, modules } = modelOf(testCase);
    const bytes = toSafetensors(randomize(model, 2), { names: 'torch', modules });
    const before = bitsOf(model);
    loadSafetensors(randomize(model, 3), bytes, { names: 'torch', modules });
    expectBits(bitsOf(model), before);
  });

  const lstm = (options: object = {}) => layers.lstm({ name: 'l', units: 2, inputShape: [3, 2], ...options });
  const names = (made: Layer[], options: object = {}) =>
    Object.keys(readSafetensors(toSafetensors(sequential({ layers: made }), { names: 'torch', ...options })).tensors);

  test('each layer is written as a module with its name, unless modules names another', () => {
    const make = () => [
      lstm({ name: 'a', returnSequences: true }),
      layers.dropout({ rate: 0.5 }),
      layers.lstm({ name: 'b', units: 2, returnSequences: true }),
      layers.timeDistributed({ name: 'c', layer: layers.dense({ units: 1 }) }),
    ];
    const of = (module: string, level: number) =>
      ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'].map(parameter => `${module}.${parameter}_l${level}`);
    expect(names(make())).toEqual([...of('a', 0), ...of('b', 0), 'c.weight', 'c.bias']);
    const moduleOptions = { modules: { rnn: ['a', 'b'], 'heads.0': 'c' } };
    expect(names(make(), moduleOptions)).toEqual([...of('rnn', 0), ...of('rnn', 1), 'heads.0.weight', 'heads.0.bias']);
    expect(
      names([
        layers.rnn({
          name: 'r',
          cell: [layers.gruCell({ units: 2 }), layers.gruCell({ units: 2 })],
          inputShape: [3, 2],
        }),
      ]),
    ).toEqual([...of('r', 0), ...of('r', 1)]);
  });

  test("the metadata is { format: 'pt' } by default", () => {
    const model = sequential({ layers: [lstm()] });
    expect(readSafetensors(toSafetensors(model, { names: 'torch' })).metadata).toEqual({ format: 'pt' });
    const metadata = { format: 'mine', epoch: '1' };
    expect(readSafetensors(toSafetensors(model, { names: 'torch', metadata })).metadata).toEqual(metadata);
  });

  test('the two biases of an LSTM are added in float32', () => {
    const model = sequential({ layers: [lstm()] });
    const { tensors } = readSafetensors(toSafetensors(model, { names: 'torch' }));
    const a = Float32Array.from({ length: 8 }, (_, i) => i / 3);
    const b = Float32Array.from({ length: 8 }, (_, i) => 0.1 ** i);
    const bytes = writeSafetensors({ ...tensors, 'l.bias_ih_l0': a, 'l.bias_hh_l0': b });
    loadSafetensors(model, bytes, { names: 'torch' });
    expectBits(
      model.getWeights()[2]!.dataSync(),
      a.map((value, i) => Math.fround(value + b[i]!)),
    );
  });

  const refused: [string, () => Layer[], RegExp][] = [
    [
      'hardSigmoid',
      () => [lstm({ recurrentActivation: 'hardSigmoid' })],
      /layer 'l' must have the recurrent activation sig/,
    ],
    ['relu in an lstm', () => [lstm({ activation: 'relu' })], /layer 'l' must have the activation tanh .*, got 'relu'/],
    ['goBackwards', () => [lstm({ goBackwards: true })], /layer 'l' must go forward in time .* got goBackwards: true/],
    [
      'resetAfter: false',
      () => [layers.gru({ name: 'g', units: 2, resetAfter: false, useBias: false, inputShape: [3, 2] })],
      /layer 'g' must have resetAfter to be converted to PyTorch, got resetAfter: false/,
    ],
    [
      'sigmoid in a simpleRNN',
      () => [layers.simpleRNN({ units: 2, activation: 'sigmoid', inputShape: [3, 2] })],
      /must have the activation tanh or relu to be converted to PyTorch, got 'sigmoid'/,
    ],
    [
      "mergeMode: 'sum'",
      () => [layers.bidirectional({ layer: layers.lstm({ units: 2 }), mergeMode: 'sum', inputShape: [3, 2] })],
      /must concatenate its directions to be converted to PyTorch, got mergeMode: 'sum'/,
    ],
    [
      'goBackwards in a minGRU',
      () => [layers.minGRU({ name: 'm', units: 2, goBackwards: true, inputShape: [3, 2] })],
      /layer 'm' must go forward in time to be converted to PyTorch, got goBackwards: true/,
    ],
    [
      'a bidirectional minLSTM',
      () => [layers.bidirectional({ name: 'm', layer: layers.minLSTM({ units: 2 }), inputShape: [3, 2] })],
      /layer 'm' must have cells of lstm, gru or simpleRNN to be converted to PyTorch, got MinLSTMCell/,
    ],
    [
      'a backwardLayer',
      () => {
        const backwardLayer = layers.lstm({ units: 2, goBackwards: true });
        return [layers.bidirectional({ layer: layers.lstm({ units: 2 }), backwardLayer, inputShape: [3, 2] })];
      },
      /must have the same options in both directions to be converted to PyTorch, got a backwardLayer/,
    ],
    [
      'stacked cells in a bidirectional layer',
      () => [
        layers.bidirectional({
          layer: layers.rnn({ cell: [layers.gruCell({ units: 2 }), layers.gruCell({ units: 2 })] }),
          inputShape: [3, 2],
        }),
      ],
      /must have one cell in each direction to be converted to PyTorch, got 2 stacked cells/,
    ],
    [
      'goBackwards in a bidirectional layer',
      () => [layers.bidirectional({ layer: layers.lstm({ units: 2, goBackwards: true }), inputShape: [3, 2] })],
      /must go forward in time/,
    ],
    [
      'cells of different classes',
      () => [
        layers.rnn({
          name: 'r',
          cell: [layers.gruCell({ units: 2 }), layers.lstmCell({ units: 2 })],
          inputShape: [3, 2],
        }),
      ],
      /module 'r' of \['r'\] must have layers of the same kind, got GRUCell, 2 units, tanh, bias and LSTMCell, 2 units/,
    ],
  ];

  test.each(refused)('toSafetensors and loadSafetensors reject %s', (_name, make, message) => {
    const model = sequential({ layers: make() });
    expect(() => toSafetensors(model, { names: 'torch' })).toThrow(message);
    expect(() => loadSafetensors(model, writeSafetensors({}), { names: 'torch' })).toThrow(message);
  });

  const stack = () => [
    lstm({ name: 'a', returnSequences: true }),
    layers.lstm({ name: 'b', units: 2, returnSequences: true }),
    layers.activation({ activation: 'relu' }),
    layers.lstm({ name: 'c', units: 2, useBias: false, returnSequences: true }),
    layers.lstm({ name: 'd', units: 3, returnSequences: true }),
    layers.bidirectional({ name: 'e', layer: layers.lstm({ units: 3, returnSequences: true }) }),
    layers.dense({ name: 'f', units: 3 }),
  ];

  const moduleOptions: [unknown, RegExp][] = [
    [[], /^toSafetensors: modules must be an object/],
    [{ m: 7 }, /modules.'m' must be the name of a layer or a list of them, got 7/],
    [{ m: [] }, /modules.'m' must name at least one layer/],
    [{ m: 'missing' }, /modules.'m': unknown layer 'missing'; known: 'a', 'b'/],
    [{ m: ['a', 'a'] }, /modules.'m' must not repeat a layer, got 'a'/],
    [{ m: 'a', n: 'a' }, /modules.'n' must not repeat a layer, got 'a'/],
    [{ m: ['b', 'a'] }, /modules.'m' must have its layers in the order of the model, got \['b', 'a'\]/],
    [{ m: ['a', 'c'] }, /modules.'m' must have consecutive layers, with only dropout between/],
    [{ m: ['b', 'c'] }, /modules.'m' must have consecutive layers/],
    [
      { m: ['c', 'd'] },
      /must have layers of the same kind, got LSTMCell, 2 units, tanh, no bias and LSTMCell, 3 units/,
    ],
    [{ m: ['d', 'e'] }, /must have layers of the same kind, got one direction and both directions/],
    [
      { m: ['e', 'f'] },
      /layer 'f' must be recurrent, dense, an embedding or a normalization to be converted to PyTorch, got Dense/,
    ],
    [{ b: 'a' }, /modules must have unique names, got 'b' twice/],
  ];

  test.each(moduleOptions)('toSafetensors rejects the modules %j', (modules, message) => {
    const model = sequential({ layers: stack() });
    expect(() => toSafetensors(model, { names: 'torch', modules: modules as never })).toThrow(message);
  });

  test.each([{ center: false }, { scale: false }])(
    'toSafetensors rejects a normalization with %j for PyTorch',
    more => {
      const model = sequential({ layers: [layers.layerNormalization({ inputShape: [2], name: 'rows', ...more })] });
      expect(() => toSafetensors(model, { names: 'torch' })).toThrow(
        `layer 'rows' must have both scale and center, or neither, to be converted to PyTorch, got ${Object.keys(more)[0]}: false`,
      );
    },
  );

  test.each([
    [{ usePeepholes: true }, 'no peepholes to be converted to PyTorch, got usePeepholes: true'],
    [{ layerNormalization: true }, 'no normalization inside to be converted to PyTorch, got layerNormalization: true'],
  ])('toSafetensors rejects an lstm with %j for PyTorch', (more, message) => {
    expect(() => toSafetensors(sequential({ layers: [lstm(more)] }), { names: 'torch' })).toThrow(
      `layer 'l' must have ${message}`,
    );
  });

  test('layers of a module must have projections of the same size', () => {
    const below = lstm({ returnSequences: true, projectionUnits: 1 });
    const model = sequential({ layers: [below, layers.lstm({ name: 'k', units: 2 })] });
    expect(() => toSafetensors(model, { names: 'torch', modules: { m: ['l', 'k'] } })).toThrow(
      /layers of the same kind, got LSTMCell, 2 units projected to 1, .* and LSTMCell, 2 units/,
    );
  });

  test('surplus tensors in a module of the model are always rejected; other modules are ignored with strict: false', () => {
    const model = randomize(sequential({ layers: [lstm()] }));
    const { tensors } = readSafetensors(toSafetensors(model, { names: 'torch' }));
    const load = (more: object, strict: boolean) => () =>
      loadSafetensors(randomize(model, 2), writeSafetensors({ ...tensors, ...more }), { names: 'torch', strict });
    for (const strict of [true, false]) {
      expect(load({ 'l.weight_ih_l1': [1] }, strict)).toThrow(
        /module 'l' as in the model, without 'l.weight_ih_l1'; pass the option modules/,
      );
      expect(load({ 'l.weight_hr_l0': [1] }, strict)).toThrow(/without a projection, got .*; pass projectionUnits/);
    }
    expect(load({ 'fc.weight': [1] }, true)).toThrow(
      /only the tensors of the model, got 'fc.weight'; pass strict: false/,
    );
    load({ 'fc.weight': [1] }, false)();
    expectBits(bitsOf(model), bitsOf(randomize(sequential({ layers: [lstm()] }))));
    const bare = sequential({ layers: [lstm({ useBias: false })] });
    expect(() => loadSafetensors(bare, writeSafetensors(tensors), { names: 'torch', strict: false })).toThrow(
      /module 'l' as in the model, without 'l.bias_ih_l0'/,
    );
    expect(() =>
      loadSafetensors(sequential({ layers: [lstm({ name: 'k' })] }), writeSafetensors(tensors), { names: 'torch' }),
    ).toThrow(/the tensor 'k.weight_ih_l0', got none; the file has the modules \['l'\]; assign layers to them with/);
  });
});

describe('invalid arguments and files', () => {
  const make = () => sequential({ layers: [layers.dense({ name: 'd', units: 2, inputShape: [3] })] });
  const kernel = new Tensor(new Float32Array(6), [3, 2]);
  const bias = new Tensor(new Float32Array(2), [2]);
  const bytes = writeSafetensors({ 'd/kernel': kernel, 'd/bias': bias });

  const invalid: [string, (model: Sequential) => unknown, RegExp][] = [
    [
      'an object as model',
      () => toSafetensors({} as never),
      /^toSafetensors: model must be made with sequential\(\) or model\(\), got/,
    ],
    ['null as model', () => loadSafetensors(null as never, bytes), /^loadSafetensors: model must be made with/],
    [
      'an unknown value of names',
      m => toSafetensors(m, { names: 'tf' as never }),
      /unknown names 'tf'; known: 'keras', 'torch'/,
    ],
    ['an unknown option', m => toSafetensors(m, { strict: true } as never), /unknown option 'strict'/],
    [
      'modules with Keras names',
      m => toSafetensors(m, { modules: {} }),
      /modules requires names: 'torch', got 'keras'/,
    ],
    [
      'a number in metadata',
      m => toSafetensors(m, { metadata: { a: 1 as never } }),
      /metadata.'a' must be a string, got 1/,
    ],
    ['a string as bytes', m => loadSafetensors(m, 'x' as never), /^loadSafetensors: bytes must be a Uint8Array/],
    [
      'a number as strict',
      m => loadSafetensors(m, bytes, { strict: 1 as never }),
      /strict must be true or false, got 1/,
    ],
    [
      'a file without tensors',
      m => loadSafetensors(m, writeSafetensors({})),
      /must have the tensor 'd\/kernel', got none/,
    ],
    [
      'a tensor of another shape',
      m => loadSafetensors(m, writeSafetensors({ 'd/kernel': [[1]], 'd/bias': bias })),
      /header.'d\/kernel'.shape must be \[3, 2\], got \[1, 1\]/,
    ],
    [
      'a tensor of another shape with strict: false',
      m => loadSafetensors(m, writeSafetensors({ 'd/kernel': [[1]], 'd/bias': bias }), { strict: false }),
      /header.'d\/kernel'.shape must be \[3, 2\], got \[1, 1\]/,
    ],
    [
      'a surplus tensor',
      m => loadSafetensors(m, writeSafetensors({ 'd/kernel': kernel, 'd/bias': bias, x: [1] })),
      /header must have only the tensors of the model, got 'x'/,
    ],
    [
      'a file with too few weights, with strict: false',
      m => loadSafetensors(m, writeSafetensors({ 'e/kernel': kernel }), { strict: false }),
      /header must have weights like those of 'd', kernel \[3, 2\], bias \[2\], got no more of them/,
    ],
    [
      'a surplus layer, with strict: false',
      m => loadSafetensors(m, writeSafetensors({ 'e/kernel': kernel, 'e/bias': bias, 'x/y': [1] }), { strict: false }),
      /header must have only the weights of the model, got also 'x'/,
    ],
  ];

  test.each(invalid)('%s is rejected and changes nothing', (_name, call, message) => {
    const model = randomize(make());
    const before = bitsOf(model);
    expect(() => call(model)).toThrow(ValueError);
    expect(() => call(model)).toThrow(message);
    expectBits(bitsOf(model), before);
  });

  test('with strict: false, surplus tensors are ignored if the names match', () => {
    const model = randomize(make());
    loadSafetensors(model, writeSafetensors({ 'd/kernel': kernel, 'd/bias': bias, x: [1] }), { strict: false });
    expect(bitsOf(model)).toEqual(Array(8).fill(0));
  });

  test('toSafetensors and loadSafetensors reject a disposed model', () => {
    const model = make();
    model.dispose();
    expect(() => toSafetensors(model)).toThrow(/the model must not be used after dispose/);
    expect(() => loadSafetensors(model, bytes)).toThrow(/the model must not be used after dispose/);
  });
});

test('conv1d has the kernel of torch.nn.Conv1D, [filters, inputs, kernelSize]', () => {
  const kernel = tensor([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [3, 2, 2]);
  const options = { filters: 2, kernelSize: 3, name: 'conv', inputShape: [5, 2] };
  const model = sequential({ layers: [layers.conv1d({ ...options, weights: [kernel, tensor([-1, -2])] })] });
  const { tensors } = readSafetensors(toSafetensors(model, { names: 'torch' }));
  expect(Object.keys(tensors).sort()).toEqual(['conv.bias', 'conv.weight']);
  expect(tensors['conv.weight']!.shape).toEqual([2, 2, 3]);
  expectBits(tensors['conv.weight']!.dataSync(), [1, 5, 9, 3, 7, 11, 2, 6, 10, 4, 8, 12]);
  expectBits(tensors['conv.bias']!.dataSync(), [-1, -2]);
});
