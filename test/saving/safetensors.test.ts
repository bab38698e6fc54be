// Weights of models as safetensors files: every layer, both kinds of names, and what is refused.

import { type Layer, layers, type Sequential, sequential, Tensor, ValueError } from 'lstm-wasm';
import { loadSafetensors, readSafetensors, toSafetensors, writeSafetensors } from 'lstm-wasm/safetensors';
import { describe, expect, test } from 'vitest';
import { layerFrom } from '../../src/saving/fromConfig.ts';
import { RandomGenerator } from '../../src/util/randomGenerator.ts';
import { expectBits } from '../compare.ts';
import { stacks } from './stacks.ts';
import { cases, modelOf } from './torchModels.ts';

/** Weights that differ everywhere, zeros of both signs and the ends of the range among them. */
function fill(model: Sequential, seed = 1): Sequential {
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

describe('with the names of Keras', () => {
  test.each(Object.entries(stacks))('%s comes back to the bit', (_name, make) => {
    const model = fill(sequential({ layers: make() }), 2);
    const bytes = toSafetensors(model);
    const { tensors, metadata } = readSafetensors(bytes);
    expect(metadata).toEqual({});
    expect(Object.keys(tensors)).toEqual(model.layers.flatMap(layer => layer.weightPaths));
    expect(Object.values(tensors).map(({ shape }) => shape)).toEqual(model.getWeights().map(({ shape }) => shape));
    const before = bitsOf(model);
    fill(model, 3);
    loadSafetensors(model, bytes);
    expectBits(bitsOf(model), before);
  });

  test.each(Object.entries(stacks))('%s is found by its order where the names differ', (_name, make) => {
    const model = fill(sequential({ layers: make() }));
    const other = sequential({ layers: make().map(again) });
    if (model.countParams() > 0) {
      expect(() => loadSafetensors(other, toSafetensors(model))).toThrow(/header must have the tensor '.*', got none/);
    }
    loadSafetensors(other, toSafetensors(model), { strict: false });
    expectBits(bitsOf(other), bitsOf(model));
  });

  test('an untrained model and one with fixed batch size, too', () => {
    const model = sequential({ layers: [layers.lstm({ name: 'a', units: 3, inputShape: [2, 2] })] });
    const bytes = toSafetensors(fill(model), { names: 'keras', metadata: { epoch: '7' } });
    expect(readSafetensors(bytes).metadata).toEqual({ epoch: '7' });
    const fresh = sequential({ layers: [layers.lstm({ name: 'a', units: 3, inputShape: [2, 2] })] });
    loadSafetensors(fresh.withBatchSize(4), bytes);
    expectBits(bitsOf(fresh), bitsOf(model));
  });

  /** Two layers of equal weights. */
  const twins = (a: string, b: string) =>
    fill(
      sequential({
        layers: [
          layers.simpleRNN({ name: a, units: 2, inputShape: [3, 2], returnSequences: true }),
          layers.simpleRNN({ name: b, units: 2 }),
        ],
      }),
    );

  /** As other programs write it. */
  const sorted = (bytes: Uint8Array, rename = (name: string) => name) =>
    writeSafetensors(
      Object.fromEntries(
        Object.entries(readSafetensors(bytes).tensors)
          .map(([name, tensor]) => [rename(name), tensor] as const)
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      ),
    );

  test('equal layers that a program has sorted by name are found by name, and refused by order', () => {
    const bytes = sorted(toSafetensors(twins('rnn_2', 'rnn_10')));
    const same = fill(twins('rnn_2', 'rnn_10'), 2);
    loadSafetensors(same, bytes, { strict: false });
    expectBits(bitsOf(same), bitsOf(twins('rnn_2', 'rnn_10')));
    expect(() => loadSafetensors(twins('a', 'b'), bytes, { strict: false })).toThrow(
      /header must have layers of equal weights in the order of their numbers, got 'rnn_10' and 'rnn_2'/,
    );
    const other = fill(twins('a', 'b'), 2);
    loadSafetensors(other, sorted(toSafetensors(twins('rnn_2', 'rnn_3'))), { strict: false });
    expectBits(bitsOf(other), bitsOf(same));
  });

  test('directions are told apart by their names, and the paths of Keras 3 do', () => {
    const make = () =>
      sequential({
        layers: [
          layers.bidirectional({ layer: layers.lstm({ units: 2 }), inputShape: [3, 2] }),
          layers.dense({ units: 1 }),
        ],
      });
    const model = fill(make());
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
const again = (layer: Layer): Layer =>
  layerFrom(
    { call: 'again', part: '' },
    { className: layer.className, config: { ...layer.getConfig(), name: `other ${layer.name}` } },
  );

describe('with the names of PyTorch', () => {
  test.each(cases)('$name comes back to the bit', one => {
    const { model, modules } = modelOf(one);
    const bytes = toSafetensors(fill(model, 2), { names: 'torch', modules });
    const before = bitsOf(model);
    loadSafetensors(fill(model, 3), bytes, { names: 'torch', modules });
    expectBits(bitsOf(model), before);
  });

  const lstm = (options: object = {}) => layers.lstm({ name: 'l', units: 2, inputShape: [3, 2], ...options });
  const names = (made: Layer[], options: object = {}) =>
    Object.keys(readSafetensors(toSafetensors(sequential({ layers: made }), { names: 'torch', ...options })).tensors);

  test('every layer is a module of its own name, unless modules says otherwise', () => {
    const make = () => [
      lstm({ name: 'a', returnSequences: true }),
      layers.dropout({ rate: 0.5 }),
      layers.lstm({ name: 'b', units: 2, returnSequences: true }),
      layers.timeDistributed({ name: 'c', layer: layers.dense({ units: 1 }) }),
    ];
    const of = (module: string, level: number) =>
      ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'].map(parameter => `${module}.${parameter}_l${level}`);
    expect(names(make())).toEqual([...of('a', 0), ...of('b', 0), 'c.weight', 'c.bias']);
    const chosen = { modules: { rnn: ['a', 'b'], 'heads.0': 'c' } };
    expect(names(make(), chosen)).toEqual([...of('rnn', 0), ...of('rnn', 1), 'heads.0.weight', 'heads.0.bias']);
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

  test('says what the tensors are for, unless told otherwise', () => {
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
      'sums of directions',
      () => [layers.bidirectional({ layer: layers.lstm({ units: 2 }), mergeMode: 'sum', inputShape: [3, 2] })],
      /must concatenate its directions to be converted to PyTorch, got mergeMode: 'sum'/,
    ],
    [
      'stacks in both directions',
      () => [
        layers.bidirectional({
          layer: layers.rnn({ cell: [layers.gruCell({ units: 2 }), layers.gruCell({ units: 2 })] }),
          inputShape: [3, 2],
        }),
      ],
      /must have one cell in each direction to be converted to PyTorch, got 2 stacked cells/,
    ],
    [
      'directions the other way round',
      () => [layers.bidirectional({ layer: layers.lstm({ units: 2, goBackwards: true }), inputShape: [3, 2] })],
      /must go forward in time/,
    ],
    [
      'cells of several kinds',
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

  test.each(refused)('refuses %s, in both directions', (_name, make, message) => {
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

  const chosen: [unknown, RegExp][] = [
    [[], /^toSafetensors: modules must be an object/],
    [{ m: 7 }, /modules.'m' must be the name of a layer or a list of them, got 7/],
    [{ m: [] }, /modules.'m' must name at least one layer/],
    [{ m: 'nobody' }, /modules.'m': unknown layer 'nobody'; known: 'a', 'b'/],
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
    [{ m: ['e', 'f'] }, /layer 'f' must be recurrent, dense or an embedding to be converted to PyTorch, got Dense/],
    [{ b: 'a' }, /modules must have unique names, got 'b' twice/],
  ];

  test.each(chosen)('refuses the modules %j', (modules, message) => {
    const model = sequential({ layers: stack() });
    expect(() => toSafetensors(model, { names: 'torch', modules: modules as never })).toThrow(message);
  });

  test('more than the model has in a module that it uses is refused, strict or not; other modules are not', () => {
    const model = fill(sequential({ layers: [lstm()] }));
    const { tensors } = readSafetensors(toSafetensors(model, { names: 'torch' }));
    const load = (more: object, strict: boolean) => () =>
      loadSafetensors(fill(model, 2), writeSafetensors({ ...tensors, ...more }), { names: 'torch', strict });
    for (const strict of [true, false]) {
      expect(load({ 'l.weight_ih_l1': [1] }, strict)).toThrow(
        /module 'l' as in the model, without 'l.weight_ih_l1'; pass the option modules/,
      );
      expect(load({ 'l.weight_hr_l0': [1] }, strict)).toThrow(/header must not have LSTM projections/);
    }
    expect(load({ 'fc.weight': [1] }, true)).toThrow(
      /only the tensors of the model, got 'fc.weight'; pass strict: false/,
    );
    load({ 'fc.weight': [1] }, false)();
    expectBits(bitsOf(model), bitsOf(fill(sequential({ layers: [lstm()] }))));
    const bare = sequential({ layers: [lstm({ useBias: false })] });
    expect(() => loadSafetensors(bare, writeSafetensors(tensors), { names: 'torch', strict: false })).toThrow(
      /module 'l' as in the model, without 'l.bias_ih_l0'/,
    );
    expect(() =>
      loadSafetensors(sequential({ layers: [lstm({ name: 'k' })] }), writeSafetensors(tensors), { names: 'torch' }),
    ).toThrow(/the tensor 'k.weight_ih_l0', got none; the file has the modules \['l'\]; assign layers to them with/);
  });
});

describe('arguments and files that do not fit', () => {
  const make = () => sequential({ layers: [layers.dense({ name: 'd', units: 2, inputShape: [3] })] });
  const kernel = new Tensor(new Float32Array(6), [3, 2]);
  const bias = new Tensor(new Float32Array(2), [2]);
  const bytes = writeSafetensors({ 'd/kernel': kernel, 'd/bias': bias });

  const wrong: [string, (model: Sequential) => unknown, RegExp][] = [
    [
      'no model',
      () => toSafetensors({} as never),
      /^toSafetensors: model must be a model made with sequential\(\), got/,
    ],
    ['no model', () => loadSafetensors(null as never, bytes), /^loadSafetensors: model must be a model/],
    ['other names', m => toSafetensors(m, { names: 'tf' as never }), /unknown names 'tf'; known: 'keras', 'torch'/],
    ['an unknown option', m => toSafetensors(m, { strict: true } as never), /unknown option 'strict'/],
    ['modules of Keras', m => toSafetensors(m, { modules: {} }), /modules requires names: 'torch', got 'keras'/],
    ['metadata', m => toSafetensors(m, { metadata: { a: 1 as never } }), /metadata.'a' must be a string, got 1/],
    ['no bytes', m => loadSafetensors(m, 'x' as never), /^loadSafetensors: bytes must be a Uint8Array/],
    ['strict', m => loadSafetensors(m, bytes, { strict: 1 as never }), /strict must be true or false, got 1/],
    ['nothing there', m => loadSafetensors(m, writeSafetensors({})), /must have the tensor 'd\/kernel', got none/],
    [
      'another shape',
      m => loadSafetensors(m, writeSafetensors({ 'd/kernel': [[1]], 'd/bias': bias })),
      /header.'d\/kernel'.shape must be \[3, 2\], got \[1, 1\]/,
    ],
    [
      'another shape, not strict',
      m => loadSafetensors(m, writeSafetensors({ 'd/kernel': [[1]], 'd/bias': bias }), { strict: false }),
      /header.'d\/kernel'.shape must be \[3, 2\], got \[1, 1\]/,
    ],
    [
      'one more',
      m => loadSafetensors(m, writeSafetensors({ 'd/kernel': kernel, 'd/bias': bias, x: [1] })),
      /header must have only the tensors of the model, got 'x'/,
    ],
    [
      'other layers',
      m => loadSafetensors(m, writeSafetensors({ 'e/kernel': kernel }), { strict: false }),
      /header must have weights like those of 'd', kernel \[3, 2\], bias \[2\], got no more of them/,
    ],
    [
      'more layers',
      m => loadSafetensors(m, writeSafetensors({ 'e/kernel': kernel, 'e/bias': bias, 'x/y': [1] }), { strict: false }),
      /header must have only the weights of the model, got also 'x'/,
    ],
  ];

  test.each(wrong)('%s: refused, and the model is as it was', (_name, call, message) => {
    const model = fill(make());
    const before = bitsOf(model);
    expect(() => call(model)).toThrow(ValueError);
    expect(() => call(model)).toThrow(message);
    expectBits(bitsOf(model), before);
  });

  test('more tensors than the model has are ignored where their names do not matter', () => {
    const model = fill(make());
    loadSafetensors(model, writeSafetensors({ 'd/kernel': kernel, 'd/bias': bias, x: [1] }), { strict: false });
    expect(bitsOf(model)).toEqual(Array(8).fill(0));
  });

  test('a model that is gone', () => {
    const model = make();
    model.dispose();
    expect(() => toSafetensors(model)).toThrow(/the model must not be used after dispose/);
    expect(() => loadSafetensors(model, bytes)).toThrow(/the model must not be used after dispose/);
  });
});
