// Bad options of recurrent layers and cells: a ValueError of one sentence that starts with the call.

import { initializers, layers, type Sequential, sequential, ValueError } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

/** What a type would refuse. */
// biome-ignore lint/suspicious/noExplicitAny: wrong arguments are the point
const wrong = (value: unknown): any => value;

type Bad = [what: string, call: () => unknown, message: string];

function expectRefused(name: string, call: () => unknown, message: string): void {
  let error: unknown;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(ValueError);
  const text = (error as Error).message;
  expect(text).toMatch(/^\S+: [^\n]+[^\n.]$/);
  expect(text.slice(0, name.length + 2)).toBe(`${name}: `);
  expect(text).toContain(message);
}

const kinds = ['lstm', 'gru', 'simpleRNN'] as const;

/** Options that a layer shares with its cell. */
function badCells(make: (options: object) => unknown, gated: boolean): Bad[] {
  return [
    ...[undefined, null, nan, infinity, 0, -1, 2.5, '3', [3]].map(
      (units): Bad => [`units of ${JSON.stringify(units)} ${units}`, () => make({ units }), 'units must be'],
    ),
    ...['activation', ...(gated ? ['recurrentActivation'] : [])].flatMap((name): Bad[] => [
      [`${name} softmax`, () => make({ [name]: 'softmax' }), `${name} must work on each unit alone, got 'softmax'`],
      [`${name} log_softmax`, () => make({ [name]: 'log_softmax' }), `${name} must work on each unit alone`],
      [`${name} misspelt`, () => make({ [name]: 'sigmiod' }), `unknown ${name} 'sigmiod'; did you mean 'sigmoid'?`],
      [`${name} of null`, () => make({ [name]: null }), `${name} must be a name, got null`],
      [`${name} of a function`, () => make({ [name]: Math.tanh }), `${name} must be a name, got function tanh`],
    ]),
    ...['kernel', 'recurrent', 'bias'].flatMap((part): Bad[] => [
      [`${part}Initializer of 1`, () => make({ [`${part}Initializer`]: 1 }), `${part}Initializer must be`],
      [
        `${part}Initializer misspelt`,
        () => make({ [`${part}Initializer`]: 'glorotUnifrom' }),
        "did you mean 'glorotUniform'?",
      ],
      [`${part}Regularizer of 1`, () => make({ [`${part}Regularizer`]: 1 }), `${part}Regularizer must be`],
      [`${part}Regularizer misspelt`, () => make({ [`${part}Regularizer`]: 'l3' }), `unknown ${part}Regularizer 'l3'`],
      [`${part}Constraint of 1`, () => make({ [`${part}Constraint`]: 1 }), `${part}Constraint must be`],
      [`${part}Constraint misspelt`, () => make({ [`${part}Constraint`]: 'maxNrm' }), "did you mean 'maxNorm'?"],
    ]),
    ...['dropout', 'recurrentDropout'].flatMap((name): Bad[] =>
      [-0.1, 1, 2, nan, infinity, '0.5', null].map(rate => [
        `${name} of ${rate}`,
        () => make({ [name]: rate }),
        `${name} must be a finite number at least 0 and below 1`,
      ]),
    ),
    ...[-1, 0.5, nan, '1'].map(
      (seed): Bad => [`a seed of ${seed}`, () => make({ seed }), 'seed must be a whole number'],
    ),
    ['useBias of 1', () => make({ useBias: 1 }), 'useBias must be true or false, got 1'],
    ['implementation 3', () => make({ implementation: 3 }), 'implementation must be 0, 1 or 2, got 3'],
    ['a misspelt option', () => make({ unitss: 2 }), "unknown option 'unitss'; did you mean 'units'?"],
    ['an option of others', () => make({ padding: 2 }), "unknown option 'padding'"],
  ];
}

/** Options of everything that runs through time. */
function badLayers(make: (options: object) => unknown): Bad[] {
  return [
    ...['returnSequences', 'stateful', 'goBackwards', 'unroll', 'returnState'].map(
      (name): Bad => [`${name} of 1`, () => make({ [name]: 1 }), `${name} must be true or false, got 1`],
    ),
    ['returnState', () => make({ returnState: true }), 'model.getStates() gives the states'],
    ['weights that are no list', () => make({ weights: 5 }), 'weights must be an array of tensors, got 5'],
    ['inputLength alone', () => make({ inputLength: 5 }), 'inputLength must stand beside inputDim'],
    ['inputLength of 0', () => make({ inputLength: 0, inputDim: 2 }), 'inputLength must be a whole number'],
    [
      'inputLength beside another shape',
      () => make({ inputLength: 5, inputDim: 2, inputShape: [5, 2] }),
      'inputLength must stand beside inputDim',
    ],
    ['an empty name', () => make({ name: '' }), 'name must be'],
    ['trainable of 1', () => make({ trainable: 1 }), 'trainable'],
  ];
}

describe.each(kinds)('layers.%s', kind => {
  const make = (options: object) => layers[kind](wrong({ units: 2, ...options }));
  test.each([...badCells(make, kind !== 'simpleRNN'), ...badLayers(make)])('%s', (_, call, message) => {
    expectRefused(`layers.${kind}`, call, message);
  });
  test('nothing', () => expectRefused(`layers.${kind}`, () => layers[kind](wrong(undefined)), 'units'));
  test('null', () => expectRefused(`layers.${kind}`, () => layers[kind](wrong(null)), 'options must be an object'));
});

describe.each(kinds)('layers.%sCell', kind => {
  const make = (options: object) => layers[`${kind}Cell`](wrong({ units: 2, ...options }));
  const own: Bad[] = [
    ['an option of layers', () => make({ returnSequences: true }), "unknown option 'returnSequences'"],
    ['weights, which belong to the layer', () => make({ weights: [] }), "unknown option 'weights'"],
  ];
  test.each([...badCells(make, kind !== 'simpleRNN'), ...own])('%s', (_, call, message) => {
    expectRefused(`layers.${kind}Cell`, call, message);
  });
});

test.each<[string, string, () => unknown, string]>([
  [
    'layers.gru',
    'resetAfter',
    () => layers.gru(wrong({ units: 2, resetAfter: 1 })),
    'resetAfter must be true or false',
  ],
  ['layers.gru', 'unitForgetBias', () => layers.gru(wrong({ units: 2, unitForgetBias: true })), 'unknown option'],
  ['layers.lstm', 'resetAfter', () => layers.lstm(wrong({ units: 2, resetAfter: true })), 'unknown option'],
  ['layers.lstm', 'unitForgetBias', () => layers.lstm(wrong({ units: 2, unitForgetBias: 1 })), 'must be true or false'],
  [
    'layers.simpleRNN',
    'recurrentActivation',
    () => layers.simpleRNN(wrong({ units: 2, recurrentActivation: 'sigmoid' })),
    "unknown option 'recurrentActivation'",
  ],
])('%s: %s', (name, _, call, message) => expectRefused(name, call, message));

describe('layers.rnn', () => {
  const make = (options: object) => layers.rnn(wrong({ cell: layers.gruCell({ units: 2 }), ...options }));
  const cases: Bad[] = [
    ...badLayers(make),
    ['nothing', () => layers.rnn(wrong(undefined)), 'cell must be made of lstmCell, gruCell and simpleRNNCell'],
    ['no cell', () => make({ cell: undefined }), 'cell must be made of lstmCell, gruCell and simpleRNNCell'],
    ['no cells', () => make({ cell: [] }), 'cell must hold at least one cell, got none'],
    ['a layer for a cell', () => make({ cell: layers.gru({ units: 2 }) }), 'got a Gru'],
    [
      'a layer among cells',
      () => make({ cell: [layers.gruCell({ units: 2 }), layers.gru({ units: 2 })] }),
      'cell must',
    ],
    ['a name for a cell', () => make({ cell: 'gru' }), "got 'gru'"],
    ['units, which belong to the cell', () => make({ units: 2 }), "unknown option 'units'"],
    ['cells for cell', () => make({ cells: [] }), "did you mean 'cell'?"],
  ];
  test.each(cases)('%s', (_, call, message) => expectRefused('layers.rnn', call, message));

  const stacks: Bad[] = [
    ['nothing', () => layers.stackedRNNCells(wrong(undefined)), 'cells must be a list of cells, got undefined'],
    [
      'a cell alone',
      () => layers.stackedRNNCells(wrong({ cells: layers.gruCell({ units: 2 }) })),
      'cells must be a list',
    ],
    ['none', () => layers.stackedRNNCells({ cells: [] }), 'cells must hold at least one cell'],
    ['a number', () => layers.stackedRNNCells(wrong({ cells: [2] })), 'cells must be made of'],
    ['cell for cells', () => layers.stackedRNNCells(wrong({ cell: [] })), "did you mean 'cells'?"],
  ];
  test.each(stacks)('stackedRNNCells: %s', (_, call, message) =>
    expectRefused('layers.stackedRNNCells', call, message),
  );
});

describe('layers.bidirectional', () => {
  const make = (options: object) => layers.bidirectional(wrong({ layer: layers.gru({ units: 2 }), ...options }));
  const cases: Bad[] = [
    ['nothing', () => layers.bidirectional(wrong(undefined)), 'layer must be one of lstm, gru, simpleRNN and rnn'],
    ['a dense layer', () => make({ layer: layers.dense({ units: 2 }) }), 'got a Dense'],
    ['a cell', () => make({ layer: layers.gruCell({ units: 2 }) }), 'got a GruCell'],
    ['itself', () => make({ layer: make({}) }), 'got a Bidirectional'],
    ['no merging', () => make({ mergeMode: null }), 'mergeMode must not be null'],
    ['an unknown mode', () => make({ mergeMode: 'avg' }), "unknown mergeMode 'avg'; did you mean 'ave'?"],
    ['a mode that is a number', () => make({ mergeMode: 1 }), 'mergeMode must be a name, got 1'],
    [
      'weights in the wrapped layer',
      () => make({ layer: layers.gru({ units: 2, weights: [] }) }),
      'weights must be given to the bidirectional layer, got them in the wrapped one',
    ],
    ['weights that are no list', () => make({ weights: 5 }), 'weights must be an array of tensors, got 5'],
    ['units', () => make({ units: 5 }), "unknown option 'units'"],
    ['an empty name', () => make({ name: '' }), 'name must be'],
  ];
  test.each(cases)('%s', (_, call, message) => expectRefused('layers.bidirectional', call, message));
});

describe('model.add', () => {
  const add =
    (...stack: Parameters<Sequential['add']>[0][]) =>
    () => {
      const model = sequential();
      for (const layer of stack) model.add(layer);
    };
  const one = { inputShape: [3, 1] };
  const gru = () => layers.gru({ units: 2 });
  const cases: [string, () => () => void, string][] = [
    [
      'a gru on [B, D]',
      () => add(layers.gru({ units: 1, inputShape: [3] })),
      'needs an input [batch, time steps, width]',
    ],
    [
      'a bidirectional layer on a last output',
      () => add(layers.gru({ units: 2, ...one }), layers.bidirectional({ layer: gru() })),
      'needs an input [batch, time steps, width], got [null, 2]; a recurrent layer below gives that with returnSequences',
    ],
    [
      'a stateful one of any batch size',
      () => add(layers.bidirectional({ layer: layers.gru({ units: 2, stateful: true }), ...one })),
      'is stateful and needs a fixed batch size',
    ],
    [
      'weights of too few',
      () => add(layers.gru({ units: 1, ...one, weights: [] })),
      'weights must be an array of 3 tensors',
    ],
    [
      'weights of another shape',
      () => add(layers.gru({ units: 1, resetAfter: false, ...one, weights: [[[1, 2, 3]], [[1, 2, 3]], [[1, 2, 3]]] })),
      'weights[2] (bias) must have the shape [3]',
    ],
    [
      'weights of one half',
      () => add(layers.bidirectional({ layer: gru(), ...one, weights: [[[1]], [[1]], [1]] })),
      'weights must be an array of 6 tensors',
    ],
  ];
  test.each(cases)('%s', (_, make, message) => expectRefused('model.add', make(), message));

  test('a layer that failed may join a model with an input that fits', () => {
    const layer = layers.bidirectional({ layer: gru() });
    const model = sequential({ layers: [layers.gru({ units: 2, ...one })] });
    expect(() => model.add(layer)).toThrow(ValueError);
    const other = sequential({ layers: [layers.gru({ units: 2, returnSequences: true, ...one }), layer] });
    expect(other.outputs[0]!.shape).toEqual([null, 4]);
    // It belongs to that model now, and stays what it is when another one wants it.
    const before = layer.getWeights().map(weight => [...weight.dataSync()]);
    expect(() => sequential({ layers: [layers.inputLayer(one), layer] })).toThrow('must not belong to a model yet');
    expect(layer.getWeights().map(weight => [...weight.dataSync()])).toEqual(before);
    other.pop();
    expect(() => sequential({ layers: [layers.inputLayer(one), layer] }).predict([[[1], [2], [3]]])).not.toThrow();
  });

  test('given weights that do not fit leave the layer free', () => {
    const layer = layers.bidirectional({ layer: gru(), weights: [[[1]]] });
    const make = () => sequential({ layers: [layers.inputLayer(one), layer] });
    expect(make).toThrow('weights must be an array of 6 tensors');
    expect(make).toThrow('weights must be an array of 6 tensors');
  });
});

test('options that are undefined count as absent', () => {
  const options = { units: 2, activation: undefined, seed: undefined, returnSequences: undefined, inputShape: [3, 1] };
  for (const kind of kinds)
    expect(sequential({ layers: [layers[kind](options)] }).outputs[0]!.shape).toEqual([null, 2]);
});

test('unroll, implementation and inputLength are accepted', () => {
  for (const kind of kinds) {
    const layer = layers[kind]({ units: 2, unroll: true, implementation: 2, inputDim: 3, inputLength: 4 });
    expect(sequential({ layers: [layer] }).inputs[0]!.shape).toEqual([null, 4, 3]);
  }
});

test('initializers, regularizers and constraints reach their weights', () => {
  for (const kind of kinds) {
    const layer = layers[kind]({
      units: 2,
      kernelInitializer: 'ones',
      recurrentInitializer: initializers.constant({ value: 0.5 }),
      biasInitializer: initializers.constant({ value: 0.25 }),
      kernelRegularizer: 'l1',
      recurrentRegularizer: 'l2',
      biasRegularizer: 'l1l2',
      kernelConstraint: 'nonNeg',
      recurrentConstraint: 'unitNorm',
      biasConstraint: 'maxNorm',
      inputShape: [3, 1],
    });
    const model = sequential({ layers: [layer] });
    const [kernel, recurrent, bias] = model.getWeights().map(weight => [...weight.dataSync()]);
    expect(new Set(kernel)).toEqual(new Set([1]));
    expect(new Set(recurrent)).toEqual(new Set([0.5]));
    expect(new Set(bias)).toEqual(new Set(kind === 'lstm' ? [0.25, 1] : [0.25]));
    expect(layer.weightSpecs.map(({ regularizer }) => [regularizer?.l1, regularizer?.l2])).toEqual([
      [0.01, 0],
      [0, 0.01],
      [0.01, 0.01],
    ]);
    expect(layer.weightSpecs.map(({ constraint }) => constraint?.className)).toEqual(['NonNeg', 'UnitNorm', 'MaxNorm']);
  }
});
