// Mistakes in graphs and in data for several inputs and outputs: a sentence for each, and nothing has changed.

import { input, layers, model, sequential, setRandomSeed, type Tensor, tensor, train, ValueError } from 'lstm-wasm';
import { describe, expect, test, vi } from 'vitest';
import { expectBits } from '../compare.ts';

const wrong = (value: unknown) => value as never;
const numbers = (...shape: number[]) =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, n) => Math.sin(1 + 12.9898 * n)),
    shape,
  );

const dense = (name: string, units = 2) => layers.dense({ units, name });
const lstm = (name: string) => layers.lstm({ units: 3, name });
const named = (name: string, ...shape: (number | null)[]) => input({ shape, name });

test.each<[string, () => unknown, string]>([
  [
    'add of other widths',
    () => layers.add({ name: 'sum' }).apply([named('a', 4, 3), named('b', 4, 2)]),
    'sum.apply: the inputs of sum must have equal sizes or sizes of 1, got [null, 4, 3] and [null, 4, 2]',
  ],
  [
    'concatenate of other lengths',
    () => layers.concatenate({ name: 'both' }).apply([named('a', 4, 3), named('b', 5, 3)]),
    'both.apply: the inputs of both must have equal sizes except along axis 2, got [null, 4, 3] and [null, 5, 3]',
  ],
  [
    'one input for a merging layer',
    () => layers.multiply({ name: 'product' }).apply(named('a', 3)),
    'product.apply: product takes 2 or more inputs, got 1',
  ],
  [
    'two inputs for a layer of one',
    () => dense('head').apply([named('a', 3), named('b', 3)]),
    'head.apply: head takes 1 input, got 2',
  ],
  [
    'a vector for an lstm',
    () => lstm('encoder').apply(named('a', 3)),
    'encoder needs an input [batch, time steps, width]',
  ],
  [
    'another width for a shared layer',
    () => {
      const head = dense('head');
      head.apply(named('a', 3));
      head.apply(named('b', 4));
    },
    'head.apply: head shares its weights between calls, so its input must fit [null, 3], got [null, 4]',
  ],
  [
    'an initial state of another width',
    () => layers.gru({ units: 3, name: 'decoder' }).apply(named('a', 4, 2), { initialState: named('h', 2) }),
    'decoder.apply: the initial state h of decoder must have the shape [null, 3], got [null, 2]',
  ],
  [
    'tensors among symbolic ones',
    () => layers.add({ name: 'sum' }).apply(wrong([named('a', 3), numbers(2, 3)])),
    'sum.apply: inputs must all be symbolic tensors, got a Tensor among them',
  ],
  [
    'a symbolic initial state with a tensor',
    () => layers.gru({ units: 3, name: 'decoder' }).apply(wrong(numbers(2, 4, 3)), { initialState: named('h', 3) }),
    'decoder.apply: inputs must all be symbolic tensors, got a Tensor among them',
  ],
  [
    'an input for a nested model of another width',
    () => {
      const a = named('a', 4, 3);
      const encoder = model({ inputs: a, outputs: lstm('inner').apply(a), name: 'encoder' });
      encoder.apply(named('b', 4, 2));
    },
    'encoder.apply: encoder needs the input [null, 4, 3], got [null, 4, 2]',
  ],
  [
    'two inputs for a nested model of one',
    () => {
      const a = named('a', 4, 3);
      const encoder = model({ inputs: a, outputs: lstm('inner').apply(a), name: 'encoder' });
      encoder.apply([named('b', 4, 3), named('c', 4, 3)]);
    },
    'encoder.apply: encoder takes 1 input, got 2',
  ],
  [
    'an initial state of a layer without states',
    () => layers.add({ name: 'sum' }).apply([named('a', 3), named('b', 3)], { initialState: named('h', 3) }),
    'sum.apply: initialState must not be given, because sum has no states',
  ],
  [
    'an initial state of a model',
    () => {
      const a = named('a', 3);
      model({ inputs: a, outputs: dense('head').apply(a), name: 'part' }).apply(named('b', 3), {
        initialState: named('h', 3),
      });
    },
    'part.apply: initialState must not be given, because part has no states',
  ],
])('layer.apply rejects %s', (_, run, message) => {
  expect(run).toThrow(message);
  expect(run).toThrow(ValueError);
});

test.each<[string, () => unknown, string]>([
  ['a number as shape', () => input({ shape: wrong(5) }), 'input: shape must be an array of integers or null, got 5'],
  ['null as shape', () => input({ shape: wrong(null) }), 'input: shape must be an array of integers or null, got null'],
  ['three axes', () => input({ shape: [2, 3, 4] }), 'input: shape must be [T, D] or [D], got [2, 3, 4]'],
  ['one axis of a batch', () => input({ batchShape: [2] }), 'input: batchShape must be [B, T, D] or [B, D], got [2]'],
  ['a number as name', () => input({ shape: [2], name: wrong(5) }), 'input: name must be a non-empty string, got 5'],
])('input rejects %s', (_, run, message) => {
  expect(run).toThrow(message);
  expect(run).toThrow(ValueError);
});

describe('layer.apply with tensors', () => {
  test.each<[string, (layer: ReturnType<typeof dense>) => unknown, string]>([
    [
      'four axes',
      layer => layer.apply(numbers(1, 2, 3, 4)),
      'head.apply: inputs must be [batch, features] or [batch, timeSteps, features], got [1, 2, 3, 4]',
    ],
    [
      'a mask of one axis',
      layer => layer.apply(numbers(1, 2, 3), { mask: numbers(2) }),
      'head.apply: mask must be [batch, features] or [batch, timeSteps, features], got [2]',
    ],
    [
      'a mask of another length',
      layer => layer.apply(numbers(1, 2, 3), { mask: numbers(1, 3) }),
      "head.apply: the mask of 'head' must be [batch, timeSteps] for an input [batch, timeSteps, features], got [1, 3]",
    ],
  ])('rejects %s, and leaves the layer free', (_, run, message) => {
    const head = dense('head');
    expect(() => run(head)).toThrow(message);
    expect(sequential({ layers: [layers.inputLayer({ inputShape: [5] }), head] }).countParams()).toBe(12);
  });

  test('rejects initial states of another width or kind, and leaves the layer free', () => {
    const memory = layers.gru({ units: 3, name: 'memory' });
    const apply = (initialState: Tensor) => () => memory.apply(numbers(2, 4, 5), { initialState });
    const rule = 'memory.apply: the initial state h of memory must have the shape [2, 3], got [2, 4]';
    expect(apply(numbers(2, 4))).toThrow(rule);
    expect(apply(wrong(5))).toThrow('memory.apply: initialState must be tensors, got 5');
    expect(sequential({ layers: [layers.inputLayer({ inputShape: [null, 2] }), memory] }).countParams()).toBe(63);
  });

  test('rejects ids that do not exist, and leaves the layer free', () => {
    const words = layers.embedding({ inputDim: 3, outputDim: 2, inputLength: 2, name: 'words' });
    const rule = 'words.apply: inputs must hold integers from 0 to 2, the ids of words, got 5';
    expect(() => words.apply(tensor([[1, 5]]))).toThrow(rule);
    expect(sequential({ layers: [words] }).countParams()).toBe(6);
  });

  test('is no call of a graph: input and output are those of the first symbolic call', () => {
    const head = dense('head');
    head.apply(numbers(4, 3));
    expect(() => head.output).toThrow('the layer has no input and output before it is applied');
    const y = head.apply(named('a', 3));
    expect(head.output).toBe(y);
    expect(head.output.shape).toEqual([null, 2]);
  });
});

describe('model', () => {
  const [a, b] = [named('a', 4, 3), named('b', 4, 3)];
  const sum = layers.add({ name: 'sum' }).apply([a, b]);
  const y = lstm('encoder').apply(a);

  test.each<[string, () => unknown, string]>([
    [
      'no inputs',
      () => model({ inputs: [], outputs: y }),
      'model: inputs must hold at least one symbolic tensor, got none',
    ],
    [
      'no outputs',
      () => model({ inputs: a, outputs: [] }),
      'model: outputs must hold at least one symbolic tensor, got none',
    ],
    [
      'an input that leads to no output',
      () => model({ inputs: [a, b], outputs: y }),
      "model: every input must lead to an output, which 'b' does not",
    ],
    [
      'an output that depends on an input that is not given',
      () => model({ inputs: a, outputs: sum }),
      "model: inputs must hold all inputs that the outputs depend on, got none for 'b'",
    ],
    [
      'the same input twice',
      () => model({ inputs: [a, a], outputs: y }),
      'model: inputs must differ, got one of them twice',
    ],
    [
      'the output of a layer as input',
      () => model({ inputs: y, outputs: dense('head').apply(y) }),
      "model: inputs must come from input(), got an output of 'encoder'",
    ],
    [
      'two layers of one name',
      () => model({ inputs: a, outputs: dense('same').apply(dense('same', 4).apply(a)) }),
      "model: the name of a layer must be unique in its model, got a second 'same'",
    ],
    [
      'two inputs of one name',
      () => {
        const twin = named('a', 4, 3);
        return model({ inputs: [a, twin], outputs: layers.add().apply([a, twin]) });
      },
      "model: the name of a layer must be unique in its model, got a second 'a'",
    ],
    [
      'a tensor as output',
      () => model({ inputs: a, outputs: wrong(numbers(2, 3)) }),
      'model: outputs must be symbolic tensors, from input() and layer.apply, got a Tensor',
    ],
    [
      'a layer as output',
      () => model({ inputs: a, outputs: wrong(dense('head')) }),
      'model: outputs must be symbolic tensors, from input() and layer.apply, got ',
    ],
    [
      'an embedding of computed ids',
      () => {
        const ids = layers.dense({ units: 4, name: 'below' }).apply(named('c', 4));
        return model({
          inputs: ids.sourceLayer.input,
          outputs: layers.embedding({ inputDim: 5, outputDim: 2, name: 'words' }).apply(ids),
        });
      },
      'model: words must read an input of the model, because its input is ids, got the output of a layer',
    ],
    [
      'an embedding of computed ids in a nested model',
      () => {
        const ids = named('ids', 4);
        const words = layers.embedding({ inputDim: 5, outputDim: 2, name: 'words' });
        const reader = model({ inputs: ids, outputs: words.apply(ids) });
        const start = named('c', 4);
        return model({ inputs: start, outputs: reader.apply(dense('below', 4).apply(start)) });
      },
      'model: words must read an input of the model, because its input is ids, got the output of a layer',
    ],
  ])('model rejects %s', (_, make, message) => {
    expect(make).toThrow(message);
    expect(make).toThrow(ValueError);
  });

  test('a sequential model rejects itself as a layer, and still works', () => {
    const net = sequential({ name: 'net', layers: [layers.dense({ units: 3, inputShape: [3] })] });
    expect(() => net.add(net)).toThrow("model.add: layer must not be the model itself, got 'net'");
    expect(net.predict(numbers(2, 3)).shape).toEqual([2, 3]);
  });

  test('a rejected graph leaves its layers free for another model', () => {
    const head = dense('head');
    const out = head.apply(sum);
    expect(() => model({ inputs: a, outputs: out })).toThrow(ValueError);
    expect(() => head.getWeights()).toThrow('the layer must belong to a model first');
    const net = model({ inputs: [a, b], outputs: out });
    expect(net.predict([numbers(2, 4, 3), numbers(2, 4, 3)]).shape).toEqual([2, 4, 2]);
  });
});

/** Two inputs, of which one is ids, and two outputs, with a stateful layer. */
function twoInputs() {
  setRandomSeed(1);
  const left = input({ batchShape: [2, 3, 2], name: 'left' });
  const ids = input({ batchShape: [2, 3], name: 'ids' });
  const words = layers.embedding({ inputDim: 4, outputDim: 2, name: 'words' }).apply(ids);
  const sum = layers.add().apply([left, words]);
  const seq = layers.lstm({ units: 3, stateful: true, returnSequences: true, name: 'lstm' }).apply(sum);
  const last = layers.gru({ units: 2, stateful: true, dropout: 0.2, name: 'gru' }).apply(seq);
  const net = model({
    inputs: [left, ids],
    outputs: [
      dense('level', 1).apply(seq),
      layers.dense({ units: 3, activation: 'softmax', name: 'kind' }).apply(last),
    ],
  });
  net.compile({
    optimizer: train.adam(0.01),
    loss: { level: 'meanSquaredError', kind: 'categoricalCrossentropy' },
    metrics: { kind: 'accuracy' },
  });
  net.trainOnBatch(good.x, good.y);
  return net;
}

const left = numbers(2, 3, 2);
const ids = tensor([
  [0, 1, 2],
  [3, 2, 1],
]);
const level = numbers(2, 3, 1);
const kind = tensor([
  [1, 0, 0],
  [0, 0, 1],
]);
const good = { x: { left, ids }, y: { level, kind } };

type Net = ReturnType<typeof twoInputs>;

test.each<[string, (net: Net) => unknown, string]>([
  [
    'one tensor as x',
    net => net.predict(left),
    `x must be a list of 2 tensors (left, ids) or an object of these names`,
  ],
  ['a list of one as x', net => net.predict([left]), `(left, ids) or an object of these names, got a list of 1`],
  ['a list of three as x', net => net.trainOnBatch([left, ids, ids], good.y), 'got a list of 3'],
  [
    'an unknown name in x',
    net => net.predict({ left, idz: ids }),
    "model.predict: x must be numbers or an object of left, ids, got 'idz'",
  ],
  ['a missing name in x', net => net.predict({ left }), "model.predict: x must hold 'ids', got left"],
  ['no names in x', net => net.predict({}), "model.predict: x must hold 'left', got nothing"],
  [
    'an unknown name in y',
    net => net.trainOnBatch(good.x, { level, sort: kind }),
    "y must be numbers or an object of level, kind, got 'sort'",
  ],
  ['a missing name in y', net => net.evaluate(good.x, { level }), "y must hold 'kind', got level"],
  ['a list of one as y', net => net.trainOnBatch(good.x, [level]), 'y must be a list of 2 tensors (level, kind)'],
  [
    'another width of an input',
    net => net.predict([numbers(2, 3, 1), ids]),
    'x.left must have the shape [null, 3, 2], got [2, 3, 1]',
  ],
  [
    'another rank of an output',
    net => net.trainOnBatch(good.x, [kind, kind]),
    'y.level must have the shape [2, 3, 1], got [2, 3]',
  ],
  [
    'other numbers of samples in inputs',
    net => net.predict([numbers(4, 3, 2), ids]),
    'x.ids must hold as many samples as x.left, 4, got 2',
  ],
  ['other numbers of samples in inputs of evaluate', net => net.evaluate([numbers(4, 3, 2), ids], good.y), 'samples'],
  [
    'other numbers of samples in outputs',
    net => net.evaluate(good.x, [level, numbers(4, 3)]),
    'y.kind must have the shape [2, 3], got [4, 3]',
  ],
  ['an id that does not exist', net => net.trainOnBatch({ left, ids: ids.add(2) }, good.y), 'x.ids'],
  ['an id that does not exist in predict', net => net.predict({ left, ids: ids.sub(1) }), 'x.ids'],
  [
    'words as numbers',
    net => net.trainOnBatch({ left, ids: wrong('ids') }, good.y),
    'x.ids must be a tensor, nested arrays or a typed array',
  ],
  [
    'a sample weight for an unknown output',
    net => net.trainOnBatch(good.x, good.y, wrong({ sampleWeight: { sort: [1, 1] } })),
    "sampleWeight must name outputs (level, kind), got 'sort'",
  ],
  [
    'sample weights of another length',
    net => net.trainOnBatch(good.x, good.y, wrong({ sampleWeight: { kind: [1, 1, 1] } })),
    'sampleWeight.kind must have the shape [2], got [3]',
  ],
  [
    'class weights without the names of outputs',
    net => net.trainOnBatch(good.x, good.y, wrong({ classWeight: { 0: 1, 1: 2 } })),
    "classWeight must name outputs (level, kind), got '0'",
  ],
  [
    'class weights for a regression',
    net => net.trainOnBatch(good.x, good.y, wrong({ classWeight: { level: { 0: 1 } } })),
    'classWeight.level must hold every class that occurs in y, got none for ',
  ],
  [
    'losses for three outputs',
    net => net.compile({ optimizer: 'sgd', loss: wrong(['mse', 'mse', 'mse']) }),
    'loss must',
  ],
  [
    'a loss for an unknown output',
    net => net.compile({ optimizer: 'sgd', loss: wrong({ level: 'mse', sort: 'mse' }) }),
    "'sort'",
  ],
  ['no loss for an output', net => net.compile({ optimizer: 'sgd', loss: wrong({ level: 'mse' }) }), 'kind'],
  [
    'an unknown loss of an output',
    net => net.compile({ optimizer: 'sgd', loss: wrong({ level: 'mse', kind: 'mze' }) }),
    "'mze'",
  ],
  [
    'metrics for an unknown output',
    net => net.compile({ optimizer: 'sgd', loss: 'mse', metrics: wrong({ sort: 'mae' }) }),
    "'sort'",
  ],
  [
    'loss weights of three outputs',
    net => net.compile({ optimizer: 'sgd', loss: 'mse', lossWeights: [1, 1, 1] }),
    'lossWeights must',
  ],
  [
    'a number as loss weights',
    net => net.compile({ optimizer: 'sgd', loss: 'mse', lossWeights: wrong(2) }),
    'lossWeights must be a list or an object of numbers, got 2',
  ],
  [
    'words as a loss weight',
    net => net.compile({ optimizer: 'sgd', loss: 'mse', lossWeights: wrong({ kind: 'much' }) }),
    'lossWeights of kind must be',
  ],
  ['weights of another number', net => net.setWeights(net.getWeights().slice(1)), 'weights must be an array of '],
  [
    'states of one layer',
    net => net.setStates(net.getStates().slice(1)),
    'states must be a list for each of 2 recurrent layers',
  ],
  ['a layer that the model does not have', net => net.getLayer('lstn'), "unknown layer 'lstn'; did you mean 'lstm'?"],
])('rejects %s, and changes nothing', (_, run, message) => {
  const net = twoInputs();
  const bits = () => [...net.getWeights(), ...net.getStates().flat()].map(values => values.dataSync());
  const [before, snapshot] = [bits(), net.snapshot()];
  expect(() => run(net)).toThrow(message);
  expect(() => run(net)).toThrow(ValueError);
  for (const [n, values] of bits().entries()) expectBits(values, before[n]!);
  expect(net.snapshot()).toEqual(snapshot);
  const other = twoInputs();
  expect(net.trainOnBatch(good.x, good.y)).toEqual(other.trainOnBatch(good.x, good.y));
});

test('trainOnBatch names the output whose class does not exist, and changes nothing', () => {
  const net = twoInputs();
  net.compile({ optimizer: 'sgd', loss: ['mse', 'sparseCategoricalCrossentropy'] });
  const snapshot = net.snapshot();
  const rule = 'model.trainOnBatch: y.kind must hold numbers of classes from 0 to 2, got 3';
  expect(() => net.trainOnBatch(good.x, [level, [[0], [3]]])).toThrow(rule);
  expect(net.snapshot()).toEqual(snapshot);
});

test('fitDataset names its own arguments where inputs have other numbers of samples', async () => {
  const [a, b] = [named('a', 3), named('b', 3)];
  const net = model({ inputs: [a, b], outputs: layers.add().apply([a, b]) });
  net.compile({ optimizer: 'sgd', loss: 'mse' });
  const source = [{ xs: [numbers(2, 3), numbers(4, 3)], ys: numbers(2, 3) }];
  const rule = 'model.fitDataset: xs.b must hold as many samples as xs.a, 2, got 4';
  await expect(net.fitDataset(source)).rejects.toThrow(rule);
});

test('fit names the input that holds a number that is not finite', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  await twoInputs().fit({ left: left.mul(tensor([Number.NaN])), ids }, good.y);
  await twoInputs().fitDataset([{ xs: good.x, ys: { level: level.mul(tensor([Number.NaN])), kind } }]);
  expect(warn.mock.calls.map(([text]) => text)).toEqual([
    expect.stringContaining('sample 0 of x.left holds NaN'),
    expect.stringContaining('sample 0 of ys.level holds NaN'),
  ]);
  warn.mockRestore();
});

test('fit rejects bad data for several inputs and outputs, and changes nothing', async () => {
  const net = twoInputs();
  const snapshot = net.snapshot();
  const four = { left: numbers(4, 3, 2), ids: tensor(new Float32Array(12), [4, 3]) };
  const y = { level: numbers(4, 3, 1), kind: tensor(new Float32Array(12).fill(1), [4, 3]) };
  const cases: [() => Promise<unknown>, string][] = [
    [() => net.fit([left, four.ids], y), 'x.ids must hold as many samples as x.left, 2, got 4'],
    [() => net.fit(four, { ...y, kind }), 'y.kind must have the shape [4, 3], got [2, 3]'],
    [() => net.fit(four, y, { validationData: [[left], [level, kind]] }), 'a list of 1'],
    [() => net.fit(four, y, { sampleWeight: wrong({ sort: [1, 1, 1, 1] }) }), "got 'sort'"],
    [() => net.fitDataset([{ xs: { left }, ys: good.y }]), "must hold 'ids', got left"],
    [() => net.fitDataset([{ xs: good.x, ys: [level] }]), 'a list of 1'],
  ];
  for (const [run, message] of cases) {
    await expect(run()).rejects.toThrow(message);
    expect(net.snapshot()).toEqual(snapshot);
  }
});
