// Invalid options of recurrent layers and cells: each throws a ValueError of one sentence that starts with the call.

import { initializers, input, layers, type Sequential, sequential, ValueError } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

/** Hides the type of an argument that the compiler would reject. */
// biome-ignore lint/suspicious/noExplicitAny: the tests pass invalid arguments
const untyped = (value: unknown): any => value;

type InvalidCall = [what: string, call: () => unknown, message: string];

function expectValueError(name: string, call: () => unknown, message: string): void {
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

/** Invalid options that layers and their cells have in common. */
function invalidCellOptions(make: (options: object) => unknown, gated: boolean): InvalidCall[] {
  return [
    ...[undefined, null, nan, infinity, 0, -1, 2.5, '3', [3]].map(
      (units): InvalidCall => [`units: ${JSON.stringify(units)} (${units})`, () => make({ units }), 'units must be'],
    ),
    ...['activation', ...(gated ? ['recurrentActivation'] : [])].flatMap((name): InvalidCall[] => [
      [
        `${name}: 'softmax'`,
        () => make({ [name]: 'softmax' }),
        `${name} must apply to each unit separately, got 'softmax'`,
      ],
      [`${name}: 'log_softmax'`, () => make({ [name]: 'log_softmax' }), `${name} must apply to each unit separately`],
      [`a misspelt ${name}`, () => make({ [name]: 'sigmiod' }), `unknown ${name} 'sigmiod'; did you mean 'sigmoid'?`],
      [`${name}: null`, () => make({ [name]: null }), `${name} must be a name, got null`],
      [`a function as ${name}`, () => make({ [name]: Math.tanh }), `${name} must be a name, got function tanh`],
    ]),
    ...['kernel', 'recurrent', 'bias'].flatMap((part): InvalidCall[] => [
      [`${part}Initializer: 1`, () => make({ [`${part}Initializer`]: 1 }), `${part}Initializer must be`],
      [
        `a misspelt ${part}Initializer`,
        () => make({ [`${part}Initializer`]: 'glorotUnifrom' }),
        "did you mean 'glorotUniform'?",
      ],
      [`${part}Regularizer: 1`, () => make({ [`${part}Regularizer`]: 1 }), `${part}Regularizer must be`],
      [
        `a misspelt ${part}Regularizer`,
        () => make({ [`${part}Regularizer`]: 'l3' }),
        `unknown ${part}Regularizer 'l3'`,
      ],
      [`${part}Constraint: 1`, () => make({ [`${part}Constraint`]: 1 }), `${part}Constraint must be`],
      [`a misspelt ${part}Constraint`, () => make({ [`${part}Constraint`]: 'maxNrm' }), "did you mean 'maxNorm'?"],
    ]),
    ...['dropout', 'recurrentDropout'].flatMap((name): InvalidCall[] =>
      [-0.1, 1, 2, nan, infinity, '0.5', null].map(rate => [
        `${name}: ${rate}`,
        () => make({ [name]: rate }),
        `${name} must be a finite number at least 0 and below 1`,
      ]),
    ),
    ...[-1, 0.5, nan, '1'].map(
      (seed): InvalidCall => [`seed: ${seed}`, () => make({ seed }), 'seed must be an integer'],
    ),
    ['useBias: 1', () => make({ useBias: 1 }), 'useBias must be true or false, got 1'],
    ['implementation: 3', () => make({ implementation: 3 }), 'implementation must be 0, 1 or 2, got 3'],
    ['a misspelt option', () => make({ unitss: 2 }), "unknown option 'unitss'; did you mean 'units'?"],
    ['an option of other layers', () => make({ padding: 2 }), "unknown option 'padding'"],
  ];
}

/** Invalid options of all recurrent layers. */
function invalidLayerOptions(make: (options: object) => unknown): InvalidCall[] {
  return [
    ...['returnSequences', 'stateful', 'goBackwards', 'unroll', 'returnState'].map(
      (name): InvalidCall => [`${name}: 1`, () => make({ [name]: 1 }), `${name} must be true or false, got 1`],
    ),
    ['weights that are not an array', () => make({ weights: 5 }), 'weights must be an array of tensors, got 5'],
    ['inputLength without inputDim', () => make({ inputLength: 5 }), 'inputLength must be given with inputDim'],
    ['inputLength: 0', () => make({ inputLength: 0, inputDim: 2 }), 'inputLength must be an integer'],
    [
      'inputLength together with inputShape',
      () => make({ inputLength: 5, inputDim: 2, inputShape: [5, 2] }),
      'inputLength must be given with inputDim',
    ],
    ['an empty name', () => make({ name: '' }), 'name must be'],
    ['trainable: 1', () => make({ trainable: 1 }), 'trainable'],
  ];
}

describe.each(kinds)('layers.%s', kind => {
  const make = (options: object) => layers[kind](untyped({ units: 2, ...options }));
  test.each([...invalidCellOptions(make, kind !== 'simpleRNN'), ...invalidLayerOptions(make)])(
    'rejects %s',
    (_, call, message) => {
      expectValueError(`layers.${kind}`, call, message);
    },
  );
  test('rejects undefined options', () =>
    expectValueError(`layers.${kind}`, () => layers[kind](untyped(undefined)), 'units'));
  test('rejects null as options', () =>
    expectValueError(`layers.${kind}`, () => layers[kind](untyped(null)), 'options must be an object'));
});

describe.each(['minGRU', 'minLSTM'] as const)('layers.%s', kind => {
  const make = (options: object) => layers[kind](untyped({ units: 2, ...options }));
  const ofRecurrentKernel = ([what]: InvalidCall) => /recurrent/i.test(what);
  test.each([
    ...invalidCellOptions(make, false).filter(invalid => !ofRecurrentKernel(invalid)),
    ...invalidLayerOptions(make),
    [
      'recurrentDropout',
      () => make({ recurrentDropout: 0.5 }),
      'recurrentDropout must not be given, because no gate reads the state, got 0.5',
    ],
    ['recurrentDropout: null', () => make({ recurrentDropout: null }), 'recurrentDropout must not be given'],
    ['recurrentInitializer', () => make({ recurrentInitializer: 'zeros' }), "unknown option 'recurrentInitializer'"],
    ['recurrentActivation', () => make({ recurrentActivation: 'tanh' }), "unknown option 'recurrentActivation'"],
  ] satisfies InvalidCall[])('rejects %s', (_, call, message) => {
    expectValueError(`layers.${kind}`, call, message);
  });
});

describe.each(kinds)('layers.%sCell', kind => {
  const make = (options: object) => layers[`${kind}Cell`](untyped({ units: 2, ...options }));
  const cellOnly: InvalidCall[] = [
    ['an option of layers', () => make({ returnSequences: true }), "unknown option 'returnSequences'"],
    ['weights, which belong to the layer', () => make({ weights: [] }), "unknown option 'weights'"],
  ];
  test.each([...invalidCellOptions(make, kind !== 'simpleRNN'), ...cellOnly])('rejects %s', (_, call, message) => {
    expectValueError(`layers.${kind}Cell`, call, message);
  });
});

describe.each(['lstm', 'lstmCell'] as const)('layers.%s with options that Keras does not have', kind => {
  const make = (options: object) => layers[kind](untyped({ units: 2, ...options }));
  const cases: InvalidCall[] = [
    ...['usePeepholes', 'layerNormalization'].map(
      (name): InvalidCall => [`${name}: 1`, () => make({ [name]: 1 }), `${name} must be true or false, got 1`],
    ),
    ...[0, -1, 2.5, '3', null].map(
      (size): InvalidCall => [
        `projectionUnits: ${size}`,
        () => make({ projectionUnits: size }),
        'projectionUnits must be an integer',
      ],
    ),
    ...[0, -1, nan, infinity, '1', null].map(
      (epsilon): InvalidCall => [
        `normEpsilon: ${epsilon}`,
        () => make({ normEpsilon: epsilon, layerNormalization: true }),
        'normEpsilon must be a finite number above 0',
      ],
    ),
    ...['peephole', 'projection', 'normGamma', 'normBeta'].map(
      (part): InvalidCall => [
        `${part}Initializer: 1`,
        () => make({ [`${part}Initializer`]: 1 }),
        `${part}Initializer must be`,
      ],
    ),
    ...['peephole', 'projection'].flatMap((part): InvalidCall[] => [
      [`${part}Regularizer: 1`, () => make({ [`${part}Regularizer`]: 1 }), `${part}Regularizer must be`],
      [`${part}Constraint: 1`, () => make({ [`${part}Constraint`]: 1 }), `${part}Constraint must be`],
    ]),
    ['a misspelt option', () => make({ usePeephole: true }), "did you mean 'usePeepholes'?"],
  ];
  test.each(cases)('rejects %s', (_, call, message) => expectValueError(`layers.${kind}`, call, message));
});

test('gru and simpleRNN do not have peepholes or a projection, and gru has no layer normalization', () => {
  for (const [kind, option] of [
    ...['usePeepholes', 'projectionUnits', 'layerNormalization'].map(name => ['gru', name] as const),
    ...['usePeepholes', 'projectionUnits', 'normBetaInitializer'].map(name => ['simpleRNN', name] as const),
  ]) {
    const call = () => layers[kind](untyped({ units: 2, [option]: 1 }));
    expectValueError(`layers.${kind}`, call, `unknown option '${option}'`);
  }
});

test.each(['simpleRNN', 'simpleRNNCell'] as const)('layers.%s rejects invalid options of layer normalization', kind => {
  const make = (options: object) => () => layers[kind](untyped({ units: 2, ...options }));
  const call = `layers.${kind}`;
  expectValueError(call, make({ layerNormalization: 1 }), 'layerNormalization must be true or false, got 1');
  expectValueError(call, make({ normEpsilon: 0 }), 'normEpsilon must be a finite number above 0');
  expectValueError(call, make({ normGammaInitializer: 2 }), 'normGammaInitializer must be');
});

test('initial states and layers in the other direction must have the size of the projection', () => {
  const x = input({ shape: [4, 3] });
  const wide = input({ shape: [5] });
  const decoder = layers.lstm({ units: 5, projectionUnits: 2, name: 'decoder' });
  expectValueError(
    'decoder.apply',
    () => decoder.apply(x, { initialState: [wide, wide] }),
    'the initial state h of decoder must have the shape [null, 2], got [null, 5]',
  );
  expectValueError(
    'layers.bidirectional',
    () =>
      layers.bidirectional({
        layer: layers.lstm({ units: 5, projectionUnits: 2 }),
        backwardLayer: layers.lstm({ units: 5, goBackwards: true }),
      }),
    'backwardLayer must have the units of layer, 2, got 5',
  );
});

test.each<[string, string, () => unknown, string]>([
  [
    'layers.gru',
    'resetAfter',
    () => layers.gru(untyped({ units: 2, resetAfter: 1 })),
    'resetAfter must be true or false',
  ],
  ['layers.gru', 'unitForgetBias', () => layers.gru(untyped({ units: 2, unitForgetBias: true })), 'unknown option'],
  ['layers.lstm', 'resetAfter', () => layers.lstm(untyped({ units: 2, resetAfter: true })), 'unknown option'],
  [
    'layers.lstm',
    'unitForgetBias',
    () => layers.lstm(untyped({ units: 2, unitForgetBias: 1 })),
    'must be true or false',
  ],
  [
    'layers.simpleRNN',
    'recurrentActivation',
    () => layers.simpleRNN(untyped({ units: 2, recurrentActivation: 'sigmoid' })),
    "unknown option 'recurrentActivation'",
  ],
])('%s rejects an invalid %s', (name, _, call, message) => expectValueError(name, call, message));

describe('layers.rnn', () => {
  const make = (options: object) => layers.rnn(untyped({ cell: layers.gruCell({ units: 2 }), ...options }));
  const cases: InvalidCall[] = [
    ...invalidLayerOptions(make),
    [
      'undefined options',
      () => layers.rnn(untyped(undefined)),
      'cell must be lstmCell, gruCell, simpleRNNCell or a list of these',
    ],
    [
      'a missing cell',
      () => make({ cell: undefined }),
      'cell must be lstmCell, gruCell, simpleRNNCell or a list of these',
    ],
    ['an empty array of cells', () => make({ cell: [] }), 'cell must contain at least one cell, got none'],
    ['a layer as cell', () => make({ cell: layers.gru({ units: 2 }) }), 'got a GRU'],
    [
      'a layer among cells',
      () => make({ cell: [layers.gruCell({ units: 2 }), layers.gru({ units: 2 })] }),
      'cell must',
    ],
    ['a name as cell', () => make({ cell: 'gru' }), "got 'gru'"],
    ['units, which belong to the cell', () => make({ units: 2 }), "unknown option 'units'"],
    ['the option cells instead of cell', () => make({ cells: [] }), "did you mean 'cell'?"],
  ];
  test.each(cases)('rejects %s', (_, call, message) => expectValueError('layers.rnn', call, message));

  const stacks: InvalidCall[] = [
    [
      'undefined options',
      () => layers.stackedRNNCells(untyped(undefined)),
      'cells must be a list of cells, got undefined',
    ],
    [
      'a cell instead of an array',
      () => layers.stackedRNNCells(untyped({ cells: layers.gruCell({ units: 2 }) })),
      'cells must be a list',
    ],
    ['an empty array of cells', () => layers.stackedRNNCells({ cells: [] }), 'cells must contain at least one cell'],
    [
      'a number among the cells',
      () => layers.stackedRNNCells(untyped({ cells: [2] })),
      'cells must be lstmCell, gruCell',
    ],
    ['the option cell instead of cells', () => layers.stackedRNNCells(untyped({ cell: [] })), "did you mean 'cells'?"],
  ];
  test.each(stacks)('layers.stackedRNNCells rejects %s', (_, call, message) =>
    expectValueError('layers.stackedRNNCells', call, message),
  );
});

describe('layers.bidirectional', () => {
  const make = (options: object) => layers.bidirectional(untyped({ layer: layers.gru({ units: 2 }), ...options }));
  const cases: InvalidCall[] = [
    [
      'undefined options',
      () => layers.bidirectional(untyped(undefined)),
      'layer must be lstm, gru, simpleRNN, minGRU, minLSTM or rnn',
    ],
    ['a dense layer', () => make({ layer: layers.dense({ units: 2 }) }), 'got a Dense'],
    ['a cell', () => make({ layer: layers.gruCell({ units: 2 }) }), 'got a GRUCell'],
    ['a bidirectional layer', () => make({ layer: make({}) }), 'got a Bidirectional'],
    ['an unknown mergeMode', () => make({ mergeMode: 'avg' }), "unknown mergeMode 'avg'; did you mean 'ave'?"],
    ['a number as mergeMode', () => make({ mergeMode: 1 }), 'mergeMode must be a name, got 1'],
    [
      'weights in the wrapped layer',
      () => make({ layer: layers.gru({ units: 2, weights: [] }) }),
      'layer must not have weights; pass them to the bidirectional layer',
    ],
    [
      'weights in the backwardLayer',
      () => make({ backwardLayer: layers.gru({ units: 2, goBackwards: true, weights: [] }) }),
      'backwardLayer must not have weights; pass them to the bidirectional layer',
    ],
    [
      'a number as backwardLayer',
      () => make({ backwardLayer: 5 }),
      'backwardLayer must be lstm, gru, simpleRNN, minGRU, minLSTM or rnn',
    ],
    [
      'a backwardLayer in the direction of layer',
      () => make({ backwardLayer: layers.lstm({ units: 2 }) }),
      'backwardLayer must have the opposite goBackwards of layer, got false in both',
    ],
    ...['returnSequences', 'returnState', 'stateful'].map(
      (name): InvalidCall => [
        `a backwardLayer with another ${name}`,
        () => make({ backwardLayer: layers.lstm({ units: 2, goBackwards: true, [name]: true }) }),
        `backwardLayer must have the ${name} of layer, false, got true`,
      ],
    ),
    [
      'a backwardLayer with other units',
      () => make({ backwardLayer: layers.lstm({ units: 3, goBackwards: true }) }),
      'backwardLayer must have the units of layer, 2, got 3; pass mergeMode: null for two outputs',
    ],
    [
      'a backwardLayer with the name of the forward layer',
      () =>
        make({
          layer: layers.gru({ units: 2, name: 'x' }),
          backwardLayer: layers.gru({ units: 2, goBackwards: true, name: 'forward_x' }),
        }),
      "backwardLayer must not have the name of the forward layer, 'forward_x'",
    ],
    ['weights that are not an array', () => make({ weights: 5 }), 'weights must be an array of tensors, got 5'],
    ['the option units', () => make({ units: 5 }), "unknown option 'units'"],
    ['an empty name', () => make({ name: '' }), 'name must be'],
  ];
  test.each(cases)('rejects %s', (_, call, message) => expectValueError('layers.bidirectional', call, message));
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
      'a gru on an input without time steps',
      () => add(layers.gru({ units: 1, inputShape: [3] })),
      'needs an input [batch, time steps, width]',
    ],
    [
      'a bidirectional layer on an output without time steps',
      () => add(layers.gru({ units: 2, ...one }), layers.bidirectional({ layer: gru() })),
      'needs an input [batch, time steps, width], got [null, 2]; a recurrent layer below outputs that with returnSequences',
    ],
    [
      'a stateful bidirectional layer without a fixed batch size',
      () => add(layers.bidirectional({ layer: layers.gru({ units: 2, stateful: true }), ...one })),
      'is stateful and needs a fixed batch size',
    ],
    [
      'too few weights',
      () => add(layers.gru({ units: 1, ...one, weights: [] })),
      'weights must be an array of 3 tensors',
    ],
    [
      'weights of another shape',
      () => add(layers.gru({ units: 1, resetAfter: false, ...one, weights: [[[1, 2, 3]], [[1, 2, 3]], [[1, 2, 3]]] })),
      'weights[2] (bias) must have the shape [3]',
    ],
    [
      'weights for one half of a bidirectional layer',
      () => add(layers.bidirectional({ layer: gru(), ...one, weights: [[[1]], [[1]], [1]] })),
      'weights must be an array of 6 tensors',
    ],
  ];
  test.each(cases)('model.add rejects %s', (_, make, message) => expectValueError('model.add', make(), message));

  test('a layer whose add failed can be added to another model', () => {
    const layer = layers.bidirectional({ layer: gru() });
    const model = sequential({ layers: [layers.gru({ units: 2, ...one })] });
    expect(() => model.add(layer)).toThrow(ValueError);
    const other = sequential({ layers: [layers.gru({ units: 2, returnSequences: true, ...one }), layer] });
    expect(other.outputs[0]!.shape).toEqual([null, 4]);
    // It now belongs to that model, and a failed attempt to add it to another one does not change it.
    const before = layer.getWeights().map(weight => [...weight.dataSync()]);
    expect(() => sequential({ layers: [layers.inputLayer(one), layer] })).toThrow('must not belong to a model yet');
    expect(layer.getWeights().map(weight => [...weight.dataSync()])).toEqual(before);
    other.pop();
    expect(() => sequential({ layers: [layers.inputLayer(one), layer] }).predict([[[1], [2], [3]]])).not.toThrow();
  });

  test('a layer with weights of the wrong shape can be added again and fails with the same error', () => {
    const layer = layers.bidirectional({ layer: gru(), weights: [[[1]]] });
    const make = () => sequential({ layers: [layers.inputLayer(one), layer] });
    expect(make).toThrow('weights must be an array of 6 tensors');
    expect(make).toThrow('weights must be an array of 6 tensors');
  });
});

test('recurrent layers ignore options that are undefined', () => {
  const options = { units: 2, activation: undefined, seed: undefined, returnSequences: undefined, inputShape: [3, 1] };
  for (const kind of kinds)
    expect(sequential({ layers: [layers[kind](options)] }).outputs[0]!.shape).toEqual([null, 2]);
});

test('recurrent layers accept unroll, implementation and inputLength', () => {
  for (const kind of kinds) {
    const layer = layers[kind]({ units: 2, unroll: true, implementation: 2, inputDim: 3, inputLength: 4 });
    expect(sequential({ layers: [layer] }).inputs[0]!.shape).toEqual([null, 4, 3]);
  }
});

test('recurrent layers assign initializers, regularizers and constraints to their weights', () => {
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
