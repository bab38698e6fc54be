// Bad input: always a ValueError of one sentence, which starts with the call, and nothing has changed.

import type * as lw from 'lstm-wasm';
import {
  backendInfo,
  configure,
  init,
  initializers,
  layers,
  type Sequential,
  scalar,
  sequential,
  setRandomSeed,
  Tensor,
  tensor,
  tensor1d,
  tensor2d,
  tensor3d,
  tensor4d,
  tidy,
  train,
  ValueError,
} from 'lstm-wasm';
import { sineCosine } from 'lstm-wasm/data';
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import { kernels } from '../../src/wasm/engine.ts';
import { expectBits } from '../compare.ts';
import { Random } from '../reference/random.ts';
import { transferred } from '../transferred.ts';

const { NaN: nan, POSITIVE_INFINITY: infinity, NEGATIVE_INFINITY: minusInfinity } = Number;

/** A call, what is wrong about it, and, where that can be told, a part of the message. */
type Bad = [what: string, call: () => unknown, message?: string];

/** What a type would refuse. */
// biome-ignore lint/suspicious/noExplicitAny: wrong arguments are the point
const wrong = (value: unknown): any => value;

/** The message of the ValueError that `call` throws, which must be one sentence that starts with `name`. */
function messageOf(name: string, call: () => unknown): string {
  let error: unknown;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  if (error === undefined) throw new Error(`${name} must throw, but does not`);
  expect(error).toBeInstanceOf(ValueError);
  const { message } = error as ValueError;
  expect(message.slice(0, name.length + 2)).toBe(`${name}: `);
  expect(message).toMatch(/^\S+: [^\n]+[^\n.]$/);
  return message;
}

function describeBad(name: string, bad: Bad[]): void {
  test.each(bad)(`${name}: %s`, (_, call, message = '') => {
    expect(messageOf(name, call)).toContain(message);
  });
}

// ----------------------------------------------------------------------------------- before anything has been made

const emptyModule = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
/** Imports a function that nobody has. */
const foreignModule = Uint8Array.of(
  ...[...emptyModule, 1, 4, 1, 96, 0, 0],
  ...[2, 11, 1, 3, 102, 111, 111, 3, 98, 97, 114, 0, 0],
);

describe('before the first model', () => {
  describeBad('init', [
    ['nothing', () => init(wrong(undefined)), 'bytes must be'],
    ['null', () => init(wrong(null)), 'options must be an object, got null'],
    ['neither', () => init({})],
    ['an unknown option', () => init(wrong({ byte: foreignModule })), "did you mean 'bytes'?"],
    ['bytes that are none', () => init({ bytes: wrong([0, 97, 115, 109]) })],
    ['bytes that are no module', () => init({ bytes: Uint8Array.of(1, 2, 3) })],
    ['no bytes', () => init({ bytes: new Uint8Array(0) })],
    ['a module that is none', () => init({ module: wrong({}) })],
    ['an empty module', () => init({ bytes: emptyModule }), 'one of those that this package ships'],
    ['an empty compiled module', () => init({ module: new WebAssembly.Module(emptyModule) })],
    ['a module with other imports', () => init({ bytes: foreignModule }), 'one of those that this package ships'],
    ['a compiled module with other imports', () => init({ module: new WebAssembly.Module(foreignModule) })],
  ]);

  test('a failed init changes nothing', () => {
    const before = backendInfo();
    expect(() => init({ bytes: emptyModule })).toThrow();
    expect(backendInfo()).toEqual(before);
  });
});

// ------------------------------------------------------------------------------------------------ what makes things

describe('what makes things', () => {
  describeBad('configure', [
    ['null', () => configure(wrong(null))],
    ['an unknown option', () => configure(wrong({ smd: 'strict' })), "unknown option 'smd'; did you mean 'simd'?"],
    ['an unknown name', () => configure({ simd: wrong('strct') }), "did you mean 'strict'?"],
    ['a name like no other', () => configure({ simd: wrong('fast') }), "known: 'auto', 'strict', 'relaxed'"],
    ['a number', () => configure({ simd: wrong(nan) })],
    [
      'another build while models live',
      () => {
        sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] }).getWeights();
        configure({ simd: backendInfo().simd === 'strict' ? 'relaxed' : 'strict' });
      },
    ],
  ]);

  describeBad('init', [
    [
      'after the first model',
      () => {
        sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] }).getWeights();
        init({ bytes: emptyModule });
      },
      'must be called before the first model is made',
    ],
  ]);

  describeBad('setRandomSeed', [
    ...[undefined, null, nan, infinity, -1, 0.5, 2 ** 53, '1', 1n].map(
      (seed): Bad => [typeof seed === 'string' ? `'${seed}'` : String(seed), () => setRandomSeed(wrong(seed))],
    ),
  ]);

  describeBad('sequential', [
    ['null', () => sequential(wrong(null))],
    ['a list', () => sequential(wrong([layers.dense({ units: 1 })]))],
    ['a name', () => sequential(wrong('model'))],
    ['an unknown option', () => sequential(wrong({ layer: [] })), "did you mean 'layers'?"],
    ['layers that are no list', () => sequential({ layers: wrong(layers.dense({ units: 1 })) })],
    ['a layer that is none', () => sequential({ layers: wrong([5]) })],
    ['an empty name', () => sequential({ name: '' })],
    ['a name that is none', () => sequential({ name: wrong(5) })],
  ]);

  describeBad('sineCosine', [
    ['an unknown option', () => sineCosine(wrong({ batchsize: 5 })).next(), "did you mean 'batchSize'?"],
    ['no sequence', () => sineCosine({ batchSize: 0 }).next()],
    ['half a step', () => sineCosine({ timeSteps: 0.5 }).next()],
    ['NaN', () => sineCosine({ timeSteps: nan }).next()],
    ['null', () => sineCosine(wrong(null)).next()],
    ['more than memory holds', () => sineCosine({ batchSize: 2 ** 40 }).next()],
  ]);

  describeBad('scalar', [
    ['a string', () => scalar(wrong('1'))],
    ['a list', () => scalar(wrong([1]))],
  ]);
  describeBad('tidy', [['no function', () => tidy(wrong(5))]]);
});

describe('tensors', () => {
  describeBad('Tensor', [
    [
      'made of nothing',
      () => new (wrong(Tensor))(),
      'values must be a Float32Array, an Int32Array or a Uint8Array, got undefined',
    ],
    ['made of nested arrays', () => new (wrong(Tensor))([[1]], [1, 1]), 'got [[1]]; use tensor'],
    ['made of float64', () => new (wrong(Tensor))(new Float64Array(1), [1]), 'got a Float64Array of 1; use tensor'],
    [
      'without a shape',
      () => new (wrong(Tensor))(new Float32Array(1)),
      'shape must be an array of integers, got undefined',
    ],
  ]);
  describeBad('tensor', [
    ['nothing', () => tensor(wrong(undefined))],
    ['null', () => tensor(wrong(null))],
    ['a string', () => tensor(wrong('123'))],
    ['an object', () => tensor(wrong({ length: 1 }))],
    ['ragged arrays', () => tensor([[1, 2], [3]]), 'must not be ragged'],
    ['sequences of two lengths', () => tensor([[[1], [2]], [[3]]]), '; use padSequences of lstm-wasm/data to pad'],
    ['arrays that end at different depths', () => tensor([[1], 2]), 'must not be ragged'],
    ['the same, the other way round', () => tensor([1, [2]]), 'must hold numbers'],
    [
      'ragged typed arrays',
      () => tensor([new Float32Array(2), new Float32Array(1)]),
      'arrays of 2 on axis 1, got one of 1',
    ],
    ['a typed array among numbers', () => tensor([1, new Float32Array(2)]), 'got a Float32Array of 2'],
    ['a number among typed arrays', () => tensor([new Float32Array(1), 1]), 'must not be ragged'],
    ['arrays of big integers', () => tensor(wrong([new BigInt64Array(2)])), 'got a BigInt64Array of 2'],
    [
      'an array whose memory has gone',
      () => tensor([new Float32Array(2), transferred(new Float32Array(2))]),
      'got one of 0',
    ],
    ['something else than numbers', () => tensor(wrong([[1, '2']])), "'2'"],
    ['a hole', () => tensor(wrong([[1, undefined]])), 'undefined'],
    ['big integers', () => tensor(wrong(new BigInt64Array(2)))],
    ['a shape of another size', () => tensor([1, 2, 3], [2, 2]), '[2, 2]'],
    ['a shape that is not that of the values', () => tensor([[1, 2]], [2, 1]), '[2, 1]'],
    ['half an axis', () => tensor([1, 2], [0.5, 4])],
    ['a negative axis', () => tensor([1, 2], [-1, -2])],
    ['NaN in the shape', () => tensor([1], [nan])],
    ['a shape that is none', () => tensor([1], wrong(1))],
    ['another dtype', () => tensor([1], [1], wrong('complex64')), "'float32'"],
  ]);
  describeBad('tensor1d', [['two axes', () => tensor1d([[1]])]]);
  describeBad('tensor2d', [
    ['one axis and no shape', () => tensor2d([1, 2])],
    ['three axes', () => tensor2d([[[1]]])],
    ['a shape of three axes', () => tensor2d([1], [1, 1, 1])],
  ]);
  describeBad('tensor3d', [['two axes', () => tensor3d([[1]])]]);
  describeBad('tensor4d', [['three axes', () => tensor4d([[[1]]])]]);
});

describe('optimizers', () => {
  describeBad('train.adam', [
    ['NaN', () => train.adam(nan)],
    ['Infinity', () => train.adam(infinity)],
    ['a negative rate', () => train.adam(-0.1)],
    ['a string', () => train.adam(wrong('0.1'))],
    ['null', () => train.adam(wrong(null))],
    ['a list', () => train.adam(wrong([0.1]))],
    ['an unknown option', () => train.adam(wrong({ learnRate: 0.1 })), "did you mean 'learningRate'?"],
    ['NaN in an option', () => train.adam({ learningRate: nan })],
    ['NaN for beta1', () => train.adam(0.1, nan), 'beta1'],
    ['beta1 of one', () => train.adam({ beta1: 1 }), 'beta1'],
    ['beta2 below zero', () => train.adam({ beta2: -0.1 }), 'beta2'],
    ['NaN for beta2', () => train.adam(0.1, 0.9, nan), 'beta2'],
    ['no epsilon', () => train.adam({ epsilon: 0 }), 'epsilon'],
    ['NaN for epsilon', () => train.adam(0.1, 0.9, 0.99, nan), 'epsilon'],
  ]);
  describeBad('train.sgd', [
    ['NaN', () => train.sgd(nan)],
    ['null', () => train.sgd(wrong(null))],
    ['a negative rate', () => train.sgd({ learningRate: -1 })],
    ['an unknown option', () => train.sgd(wrong({ momentun: 0.1 }))],
  ]);
  describeBad('optimizer', [
    ['NaN set as its rate', () => Object.assign(train.adam(), { learningRate: nan })],
    ['a string set as its rate', () => Object.assign(train.sgd(), { learningRate: '0.1' })],
  ]);
});

describe('initializers', () => {
  describeBad('initializers.constant', [
    ['nothing', () => initializers.constant(wrong(undefined))],
    ['NaN', () => initializers.constant({ value: nan })],
    ['a number alone', () => initializers.constant(wrong(3))],
    ['an unknown option', () => initializers.constant(wrong({ valu: 1 })), "did you mean 'value'?"],
  ]);
  describeBad('initializers.randomUniform', [
    ['NaN', () => initializers.randomUniform({ minval: nan })],
    ['a range turned round', () => initializers.randomUniform({ minval: 1, maxval: 0 }), 'maxval'],
    ['an unknown option', () => initializers.randomUniform(wrong({ minVal: 0 })), "did you mean 'minval'?"],
    ['a seed that is none', () => initializers.randomUniform({ seed: nan }), 'seed'],
  ]);
  describeBad('initializers.randomNormal', [
    ['a negative deviation', () => initializers.randomNormal({ stddev: -1 }), 'stddev'],
    ['NaN', () => initializers.randomNormal({ mean: nan }), 'mean'],
    ['an unknown option', () => initializers.randomNormal(wrong({ stdev: 1 })), "did you mean 'stddev'?"],
    ['a seed that is none', () => initializers.randomNormal({ seed: -1 }), 'seed'],
  ]);
  describeBad('initializers.truncatedNormal', [
    ['Infinity', () => initializers.truncatedNormal({ stddev: infinity }), 'stddev'],
    ['a seed that is none', () => initializers.truncatedNormal({ seed: 1.5 }), 'seed'],
  ]);
  describeBad('initializers.glorotUniform', [
    ['an unknown option', () => initializers.glorotUniform(wrong({ sed: 1 })), "did you mean 'seed'?"],
    ['a seed that is none', () => initializers.glorotUniform({ seed: wrong('1') }), 'seed'],
  ]);
  describeBad('initializers.glorotNormal', [
    ['a number alone', () => initializers.glorotNormal(wrong(1))],
    ['a seed that is none', () => initializers.glorotNormal({ seed: nan }), 'seed'],
  ]);
  describeBad('initializers.orthogonal', [
    ['NaN', () => initializers.orthogonal({ gain: nan }), 'gain'],
    ['an unknown option', () => initializers.orthogonal(wrong({ gian: 1 })), "did you mean 'gain'?"],
    ['a seed that is none', () => initializers.orthogonal({ seed: infinity }), 'seed'],
  ]);
});

describe('layers', () => {
  const counts = [undefined, null, nan, infinity, 0, -1, 2.5, '3', [3]];
  const everyLayer = (make: (options: object) => unknown): Bad[] => [
    ['an empty name', () => make({ name: '' }), 'name'],
    ['a name that is none', () => make({ name: 5 }), 'name'],
    ['an input shape with NaN', () => make({ inputShape: [nan, 1] }), 'inputShape'],
    ['an input shape with zero', () => make({ inputShape: [0, 1] }), 'inputShape'],
    ['an input shape with half a step', () => make({ inputShape: [1.5, 1] }), 'inputShape'],
    ['an input shape open at its end', () => make({ inputShape: [3, null] }), 'inputShape'],
    ['an input shape of no axes', () => make({ inputShape: [] }), 'inputShape'],
    ['an input shape of three axes', () => make({ inputShape: [1, 2, 3] }), 'inputShape'],
    ['an input shape that is a number', () => make({ inputShape: 3 }), 'inputShape'],
    ['a batch shape of one axis', () => make({ batchInputShape: [5] }), 'batchInputShape'],
    ['a batch shape of four axes', () => make({ batchInputShape: [1, 2, 3, 4] }), 'batchInputShape'],
    ['both shapes', () => make({ inputShape: [1, 1], batchInputShape: [1, 1, 1] })],
    ['no batch size', () => make({ inputShape: [1, 1], batchSize: 0 }), 'batchSize'],
    ['NaN for a batch size', () => make({ inputShape: [1, 1], batchSize: nan }), 'batchSize'],
    ['another dtype', () => make({ inputShape: [1, 1], dtype: 'float64' }), 'dtype'],
  ];
  const trainable = (make: (options: object) => unknown): Bad[] => [
    ['no input width', () => make({ inputDim: 0 }), 'inputDim'],
    [
      'two input widths',
      () => make({ inputShape: [2, 3], inputDim: 4 }),
      'inputDim must be the last axis of inputShape',
    ],
    ['two batch sizes', () => make({ batchInputShape: [2, 3, 1], batchSize: 4 }), 'batchSize must be that of'],
    ['NaN for an input width', () => make({ inputDim: nan }), 'inputDim'],
    ['trainable that is neither', () => make({ trainable: 1 }), 'trainable'],
    ['weights that are no list', () => make({ weights: 5 }), 'weights'],
  ];

  const lstm = (options: object) => layers.lstm({ units: 2, ...options });
  describeBad('layers.lstm', [
    ...counts.map((units): Bad => [`units of ${JSON.stringify(units)} ${units}`, () => lstm({ units }), 'units']),
    ['nothing', () => layers.lstm(wrong(undefined)), 'units'],
    ['null', () => layers.lstm(wrong(null))],
    ['a number', () => layers.lstm(wrong(20))],
    ...everyLayer(lstm),
    ...trainable(lstm),
    ...['returnSequences', 'stateful', 'goBackwards', 'useBias', 'unitForgetBias', 'unroll'].flatMap((name): Bad[] => [
      [`${name} of 1`, () => lstm({ [name]: 1 }), `${name} must be true or false, got 1`],
      [`${name} misspelt`, () => lstm({ [name.slice(1)]: true }), `did you mean '${name}'?`],
    ]),
    ...['kernelInitializer', 'recurrentInitializer', 'biasInitializer'].flatMap((name): Bad[] => [
      [`${name} of a number`, () => lstm({ [name]: 1 }), name],
      [`${name} of an unknown name`, () => lstm({ [name]: 'glorotUnifrom' }), "did you mean 'glorotUniform'?"],
      [`${name} of a name that needs a value`, () => lstm({ [name]: 'constant' }), name],
    ]),
    ['returnState', () => lstm({ returnState: true }), 'model.getStates()'],
    ['softmax', () => lstm({ activation: 'softmax' }), 'activation must apply to each unit separately'],
    ['a misspelt activation', () => lstm({ recurrentActivation: 'sigmiod' }), "did you mean 'sigmoid'?"],
    ['another implementation', () => lstm({ implementation: 3 }), 'implementation'],
    ['a dropout of everything', () => lstm({ dropout: 1 }), 'dropout must be a finite number at least 0 and below 1'],
    ['unit for units', () => layers.lstm(wrong({ unit: 5 })), "did you mean 'units'?"],
  ]);

  const dense = (options: object) => layers.dense({ units: 2, ...options });
  describeBad('layers.dense', [
    ...counts.map((units): Bad => [`units of ${JSON.stringify(units)} ${units}`, () => dense({ units }), 'units']),
    ['nothing', () => layers.dense(wrong(undefined)), 'units'],
    ...everyLayer(dense),
    ...trainable(dense),
    ['a misspelt activation', () => dense({ activation: 'sigmiod' }), "did you mean 'sigmoid'?"],
    ['an activation that is none', () => dense({ activation: Math.tanh }), 'activation'],
    ['an activation that is a property of every object', () => dense({ activation: 'toString' }), 'activation'],
    ['useBias of 0', () => dense({ useBias: 0 }), 'useBias'],
    ['a misspelt option', () => dense({ usebias: false }), "did you mean 'useBias'?"],
    ['an unknown initializer', () => dense({ kernelInitializer: 'zeroes' }), "did you mean 'zeros'?"],
    ['an option of another layer', () => dense({ returnSequences: true }), "unknown option 'returnSequences'"],
  ]);

  const inner = () => layers.dense({ units: 1 });
  const timeDistributed = (options: object) => layers.timeDistributed({ layer: inner(), ...options });
  describeBad('layers.timeDistributed', [
    ['nothing', () => layers.timeDistributed(wrong(undefined)), 'layer'],
    ['no layer', () => timeDistributed({ layer: undefined }), 'layer'],
    ['a layer that is none', () => timeDistributed({ layer: 'dense' }), 'layer'],
    ['a recurrent layer', () => timeDistributed({ layer: layers.lstm({ units: 1 }) }), 'layer'],
    ['weights', () => timeDistributed({ weights: [] }), 'weights'],
    ['a misspelt option', () => timeDistributed({ layers: inner() }), "did you mean 'layer'?"],
    ...everyLayer(timeDistributed),
  ]);

  describeBad('layers.inputLayer', [
    ['nothing', () => layers.inputLayer(wrong(undefined))],
    ['no shape', () => layers.inputLayer({})],
    ['units', () => layers.inputLayer(wrong({ inputShape: [1], units: 1 })), "unknown option 'units'"],
    ...everyLayer(options => layers.inputLayer({ inputShape: [1], ...options })).filter(
      ([what]) => !what.includes('batch shape'),
    ),
  ]);
});

// ------------------------------------------------------------------------------------------------------- the models

/** Stateful, with a batch of 3, an open time axis and outputs [3, 2]. */
function stateful(): Sequential {
  const model = sequential();
  model.add(
    layers.lstm({ units: 5, name: 'first', batchInputShape: [3, null, 2], stateful: true, returnSequences: true }),
  );
  model.add(layers.lstm({ units: 33, name: 'second', stateful: true }));
  model.add(layers.dense({ units: 2, name: 'top' }));
  model.compile({ optimizer: train.adam(0.01), loss: 'meanSquaredError' });
  return model;
}

/** Stateless, with any batch, four steps of width 2 and outputs [B, 4, 1]. */
function stateless(): Sequential {
  const model = sequential();
  model.add(layers.lstm({ units: 5, inputShape: [4, 2], returnSequences: true }));
  model.add(layers.timeDistributed({ layer: layers.dense({ units: 1 }) }));
  model.compile({ optimizer: train.adam(0.01), loss: 'meanSquaredError' });
  return model;
}

const denseOf = (units: number, width = 1) => sequential({ layers: [layers.dense({ units, inputShape: [width] })] });
const lstmOf = (units: number) => sequential({ layers: [layers.lstm({ units, inputShape: [null, 1] })] });

function batchOf(...shape: number[]): Tensor {
  return tensor(Float32Array.from(new Random(shape.length).normals(shape).data), shape);
}

/** x and y of four steps for `stateful`. */
const good = { x: batchOf(3, 4, 2), y: batchOf(3, 2) };

/** More steps than a gibibyte of workspace holds. */
const long = tensor(new Float32Array(3 * 300_000 * 2), [3, 300_000, 2]);

const states = (model: Sequential) => model.getStates();
const zeros = (...shape: number[]) => tensor(new Float32Array(shape.reduce((a, b) => a * b)), shape);

type BadCall = [call: string, what: string, run: (model: Sequential) => unknown, message?: string];

/** Each leaves half of its work done when it checks too late. */
const badCalls: BadCall[] = [
  ['model.add', 'nothing', model => model.add(wrong(undefined))],
  ['model.add', 'options', model => model.add(wrong({ units: 1 }))],
  ['model.add', 'a second layer of that name', model => model.add(layers.dense({ units: 1, name: 'top' })), "'top'"],
  ['model.add', 'a layer of that model', model => model.add(model.layers[2]!)],
  ['model.add', 'a layer of another model', model => model.add(denseOf(1, 2).layers[0]!), 'must not belong'],
  ['model.add', 'a recurrent layer on [B, D]', model => model.add(layers.lstm({ units: 1 })), '[3, 2]'],
  ['model.add', 'another input shape', model => model.add(layers.dense({ units: 1, inputShape: [3] })), '[3, 2]'],
  [
    'model.add',
    'a wrong weight',
    model =>
      model.add(
        layers.dense({
          units: 1,
          weights: [
            [[1], [2]],
            [1, 2],
          ],
        }),
      ),
    '[1]',
  ],
  [
    'model.add',
    'a missing weight',
    model => model.add(layers.dense({ units: 1, weights: [[[1], [2]]] })),
    'kernel, bias',
  ],

  ['model.compile', 'nothing', model => model.compile(wrong(undefined))],
  ['model.compile', 'no optimizer', model => model.compile(wrong({ loss: 'mse' })), 'optimizer'],
  ['model.compile', 'no loss', model => model.compile(wrong({ optimizer: 'adam' })), 'loss'],
  [
    'model.compile',
    'a misspelt option',
    model => model.compile(wrong({ optimiser: 'adam', loss: 'mse' })),
    "'optimizer'?",
  ],
  [
    'model.compile',
    'a misspelt optimizer',
    model => model.compile({ optimizer: wrong('adm'), loss: 'mse' }),
    "'adam'?",
  ],
  ['model.compile', 'a misspelt loss', model => model.compile({ optimizer: 'adam', loss: wrong('msee') }), "'mse'?"],
  ['model.compile', 'an optimizer that is none', model => model.compile({ optimizer: wrong({}), loss: 'mse' })],
  [
    'model.compile',
    'a loss that is a function',
    model => model.compile({ optimizer: 'adam', loss: wrong(() => 0) }),
    "loss must be a name such as 'meanSquaredError', got",
  ],
  [
    'model.compile',
    'a loss of TF.js that is a function',
    model => model.compile({ optimizer: 'adam', loss: wrong(function huberLoss_() {}) }),
    "loss must be a name such as 'huberLoss', got function huberLoss_",
  ],
  ...(
    [
      ['a metric that is a function', () => 0, "metrics must be a name such as 'acc'"],
      [
        'a metric that is a function without a name',
        Object.defineProperty(() => 0, 'name', { value: {} }),
        "metrics must be a name such as 'acc'",
      ],
      ['a metric of TF.js', [function binaryAccuracy() {}], "metrics[0] must be a name such as 'binaryAccuracy'"],
      ['a misspelt metric', ['mae', 'accurracy'], "unknown metrics[1] 'accurracy'; did you mean 'accuracy'?"],
      ['a metric that is a number', 3, 'metrics must be a name, got 3'],
      ['metrics by output', { top: 'acc' }, 'metrics must be a name'],
      ['a metric of class numbers', 'sparseCategoricalAccuracy', "for targets as wide as the output if the loss is 'm"],
    ] as const
  ).map(
    ([what, metrics, message]): BadCall => [
      'model.compile',
      what,
      model => model.compile(wrong({ optimizer: 'adam', loss: 'mse', metrics })),
      message,
    ],
  ),
  [
    'model.compile',
    'a metric of whole targets beside class numbers',
    model => model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['acc', 'mse'] }),
    "metrics[1] must be for class indices, such as 'acc', if the loss is 'sparseCategoricalCrossentropy'",
  ],

  ...(['trainOnBatch', 'testOnBatch'] as const).flatMap((name): BadCall[] => {
    const call = `model.${name}`;
    const onX = (what: string, x: unknown, message = 'x must'): BadCall =>
      [...[call, what, (model: Sequential) => model[name](wrong(x), good.y), message]] as unknown as BadCall;
    const onY = (what: string, y: unknown, message = 'y must'): BadCall =>
      [...[call, what, (model: Sequential) => model[name](good.x, wrong(y)), message]] as unknown as BadCall;
    const onWeights = (what: string, options: unknown, message: string): BadCall =>
      [
        ...[call, what, (model: Sequential) => model[name](good.x, good.y, wrong(options)), message],
      ] as unknown as BadCall;
    return [
      onWeights('weights that are none', 5, 'options must be an object, got 5'),
      onWeights('a misspelt weight', { sampleWeights: [1, 1, 1] }, "did you mean 'sampleWeight'?"),
      onWeights('a number for sampleWeight', { sampleWeight: 2 }, 'sampleWeight must be a tensor'),
      onWeights('too few weights', { sampleWeight: [1, 2] }, 'sampleWeight must have the shape [3], got [2]'),
      onWeights('too many weights', { sampleWeight: new Float32Array(12) }, 'shape [3], got a Float32Array of 12'),
      onWeights('weights of steps', { sampleWeight: zeros(3, 4) }, 'sampleWeight must have the shape [3], got [3, 4]'),
      onWeights('NaN in weights', { sampleWeight: [1, nan, 1] }, 'finite numbers, got NaN at index 1'),
      onWeights('no numbers in weights', { sampleWeight: [1, '2', 1] }, "'2'"),
      onWeights('a list for classWeight', { classWeight: [1, 2] }, 'classWeight must be an object'),
      onWeights('names of classes', { classWeight: { a: 1 } }, "got the class 'a'"),
      onWeights('a class that weighs nothing known', { classWeight: { 0: '1' } }, "got '1' for class 0"),
      onWeights('NaN for a class', { classWeight: { 0: 1, 1: nan } }, 'got NaN for class 1'),
      onWeights(
        'a class without weight',
        { classWeight: { 7: 1 } },
        'classWeight must hold every class that occurs in y',
      ),
      onX('no x', undefined),
      onX('null for x', null),
      onX('a number for x', 5),
      onX('a string for x', 'x'),
      onX('an object for x', { 0: [1] }),
      onX('x without an axis', zeros(3, 8), '[3, null, 2], got [3, 8]'),
      onX('x with an axis too many', zeros(3, 4, 2, 1)),
      onX('x too wide', zeros(3, 4, 3), '[3, null, 2], got [3, 4, 3]'),
      onX('a smaller batch', zeros(2, 4, 2), '[3, null, 2], got [2, 4, 2]'),
      onX('a larger batch', zeros(6, 4, 2)),
      onX('no time step', [[], [], []]),
      onX('no sample', []),
      onX('a flat array while the time is open', new Float32Array(24)),
      onX(
        'ragged x',
        [
          [[1, 2]],
          [[1, 2]],
          [
            [1, 2],
            [3, 4],
          ],
        ],
        'x must not be ragged',
      ),
      onX('x ragged at its last row', [[[1, 2]], [[1, 2]], [[1]]], 'x must not be ragged'),
      onX('a string within x', [[[1, 2]], [[1, 2]], [[1, '2']]]),
      onX('a hole within x', [[[1, 2]], [[1, 2]], [[1, undefined]]]),
      onX('a longer x than memory holds', long, 'must fit into memory'),
      onY('no y', undefined),
      onY('y of a step too many', zeros(3, 4, 2)),
      onY('y too wide', zeros(3, 3), '[3, 2], got [3, 3]'),
      onY('y of another batch', zeros(2, 2), '[3, 2], got [2, 2]'),
      onY('a flat y of another size', new Float32Array(5), '[3, 2]'),
      onY('ragged y', [[1, 2], [1, 2], [1]], 'y must not be ragged'),
      onY('null within y', [
        [1, 2],
        [1, 2],
        [1, null],
      ]),
    ];
  }),

  ...(['predict', 'predictOnBatch'] as const).flatMap((name): BadCall[] => {
    const call = `model.${name}`;
    const on = (what: string, x: unknown, message = 'x must'): BadCall =>
      [...[call, what, (model: Sequential) => model[name](wrong(x)), message]] as unknown as BadCall;
    return [
      on('no x', undefined),
      on('null', null),
      on('x too wide', zeros(3, 4, 3), '[3, 4, 3]'),
      on('half a batch too many', zeros(4, 4, 2), '[4, 4, 2]'),
      on('ragged x', [[[1, 2]], [[1, 2]], [[1]]], 'x must not be ragged'),
      on('a flat array while the time is open', new Float32Array(24)),
      on('a longer x than memory holds', long, 'must fit into memory'),
    ];
  }),
  [
    'model.predict',
    'the second batch ragged',
    model => model.predict([[[1, 2]], [[1, 2]], [[1, 2]], [[1, 2]], [[1, 2]], [[1]]]),
  ],
  ['model.predict', 'options that are none', model => model.predict(good.x, wrong(3))],
  ['model.predict', 'a misspelt option', model => model.predict(good.x, wrong({ batchsize: 3 })), "'batchSize'?"],
  ...[nan, 0, -3, 1.5, '3', infinity].map(
    (batchSize): BadCall => [
      'model.predict',
      `batchSize ${batchSize}`,
      model => model.predict(good.x, wrong({ batchSize })),
    ],
  ),
  ['model.predict', 'another batch size', model => model.predict(good.x, { batchSize: 1 }), 'batchSize must be 3'],

  ['model.setWeights', 'nothing', model => model.setWeights(wrong(undefined))],
  ['model.setWeights', 'too few', model => model.setWeights(model.getWeights().slice(1))],
  [
    'model.setWeights',
    'another shape at the end',
    model => model.setWeights([...model.getWeights().slice(0, -1), [0]]),
  ],
  [
    'model.setWeights',
    'ragged ones at the end',
    model => model.setWeights(model.getWeights().with(6, wrong([[1, 2], [1]]))),
  ],
  ['model.setWeights', 'a string at the end', model => model.setWeights(model.getWeights().with(7, wrong([1, '2'])))],
  ['model.setWeights', 'a hole at the end', model => model.setWeights(model.getWeights().with(7, wrong(undefined)))],
  [
    ...['model.setWeights', 'a flat array of another size at the end'],
    (model: Sequential) => model.setWeights(model.getWeights().with(7, wrong(new Float32Array(3)))),
  ] as unknown as BadCall,
  ['top.setWeights', 'nothing', model => model.layers[2]!.setWeights(wrong(undefined))],
  ['top.setWeights', 'too many', model => model.layers[2]!.setWeights([zeros(33, 2), zeros(2), zeros(2)])],
  ['top.setWeights', 'another shape at the end', model => model.layers[2]!.setWeights([zeros(33, 2), zeros(3)]), '[2]'],
  ['top.setWeights', 'ragged ones', model => model.layers[2]!.setWeights([zeros(33, 2), [[1, 2], [1]]])],

  ['model.setStates', 'nothing', model => model.setStates(wrong(undefined))],
  ['model.setStates', 'too few', model => model.setStates(states(model).slice(1))],
  ['model.setStates', 'h alone', model => model.setStates([states(model)[0]!, [zeros(3, 33)]]), '[h, c]'],
  [
    'model.setStates',
    'another batch at the end',
    model => model.setStates([states(model)[0]!, [zeros(3, 33), zeros(2, 33)]]),
  ],
  [
    'model.setStates',
    'padded units',
    model => model.setStates([states(model)[0]!, [zeros(3, 36), zeros(3, 36)]]),
    '[3, 33]',
  ],
  ['model.setStates', 'ragged ones', model => model.setStates([states(model)[0]!, [zeros(3, 33), [[1, 2], [1]]]])],
  ['model.setStates', 'null at the end', model => model.setStates([states(model)[0]!, [zeros(3, 33), wrong(null)]])],

  ['model.getLayer', 'a misspelt name', model => model.getLayer('tpo'), "did you mean 'top'?"],
  ['model.getLayer', 'a number for a name', model => model.getLayer(wrong(1))],
  ['model.getLayer', 'nothing', model => model.getLayer()],
  ['model.getLayer', 'no such index', model => model.getLayer(null, 3)],
  ['model.getLayer', 'an index below zero', model => model.getLayer(null, -1)],
  ['model.getLayer', 'NaN', model => model.getLayer(undefined, nan)],

  ['configure', 'another build', () => configure({ simd: backendInfo().simd === 'strict' ? 'relaxed' : 'strict' })],
  ['init', 'too late', () => init({ bytes: emptyModule })],
];

function expectSameModels(got: Sequential, expected: Sequential): void {
  for (const [n, weight] of expected.getWeights().entries()) {
    expectBits(got.getWeights()[n]!.dataSync(), weight.dataSync(), `weight ${n}`);
  }
  for (const [n, state] of expected.getStates().flat().entries()) {
    expectBits(got.getStates().flat()[n]!.dataSync(), state.dataSync(), `state ${n}`);
  }
}

/** Two models of the same weights, one step into training; the optimizer shows in the next steps. */
function twins(make: () => Sequential, { x, y }: { x: Tensor; y: Tensor }): [Sequential, Sequential] {
  const pair = [make(), make()] as const;
  pair[1].setWeights(pair[0].getWeights());
  for (const model of pair) model.trainOnBatch(x, y);
  return [...pair];
}

describe('a bad call of a model changes nothing', () => {
  test.each(badCalls)('%s: %s', (name, _, call, message = '') => {
    const [model, twin] = twins(stateful, good);
    const { optimizer } = model;
    expect(messageOf(name, () => call(model))).toContain(message);

    expect(model.layers.map(layer => layer.name)).toEqual(['first', 'second', 'top']);
    expect(model.optimizer).toBe(optimizer);
    expectSameModels(model, twin);
    for (const steps of [4, 2, 4]) {
      const x = batchOf(3, steps, 2);
      expect(model.trainOnBatch(x, good.y)).toBe(twin.trainOnBatch(x, good.y));
      expectSameModels(model, twin);
    }
    expectBits(model.predict(good.x).dataSync(), twin.predict(good.x).dataSync(), 'prediction');
    for (const each of [model, twin]) each.dispose();
  });

  test.each(badCalls)('fresh, too: %s: %s', (name, _, call, message = '') => {
    setRandomSeed(1);
    const model = stateful();
    expect(messageOf(name, () => call(model))).toContain(message);
    setRandomSeed(1);
    const twin = stateful();
    expectSameModels(model, twin);
    expect(model.trainOnBatch(good.x, good.y)).toBe(twin.trainOnBatch(good.x, good.y));
    expectSameModels(model, twin);
    for (const each of [model, twin]) each.dispose();
  });
});

describe('nor does it move the random numbers that come next', () => {
  const next = () =>
    stateless()
      .getWeights()
      .flatMap(weight => [...weight.dataSync()]);
  test.each<[string, () => unknown]>([
    ['setRandomSeed', () => setRandomSeed(nan)],
    ['model.add, another shape', () => stateful().add(layers.lstm({ units: 2 }))],
    ['model.add, a wrong weight', () => stateful().add(layers.dense({ units: 2, weights: [zeros(33, 2), zeros(3)] }))],
    ['layers.lstm', () => layers.lstm({ units: nan })],
    ['initializers.glorotUniform', () => initializers.glorotUniform({ seed: nan })],
  ])('%s', (_, call) => {
    const run = (bad: boolean) => {
      setRandomSeed(1);
      stateful();
      if (bad) expect(call).toThrow(ValueError);
      else if (_.startsWith('model.add')) stateful();
      return next();
    };
    expectBits(run(true), run(false));
  });
});

describe('layers that a bad call was given are as before', () => {
  test('in sequential', () => {
    const layer = layers.dense({ units: 1, inputShape: [1] });
    expect(() => sequential({ layers: [layer, wrong(5)] })).toThrow(ValueError);
    sequential({ layers: [layer] });
  });

  test('in model.add', () => {
    const layer = layers.lstm({ units: 1 });
    expect(() => stateful().add(layer)).toThrow(ValueError);
    const model = sequential({ layers: [layers.inputLayer({ inputShape: [1, 1] })] });
    model.add(layer);
    expect(model.predict([[[1]]]).shape).toEqual([1, 1]);
  });

  test('in a wrapper', () => {
    const layer = layers.dense({ units: 1, inputShape: [1] });
    expect(() => stateful().add(layers.timeDistributed({ layer }))).toThrow(ValueError);
    sequential({ layers: [layer] });
  });
});

describe('out of order', () => {
  const model = () => sequential({ layers: [layers.lstm({ units: 2, inputShape: [3, 1] })] });
  const [x, y] = [zeros(2, 3, 1), zeros(2, 2)];

  describeBad('model.trainOnBatch', [
    ['before compile', () => model().trainOnBatch(x, y), 'call model.compile'],
    ['without a layer', () => sequential().trainOnBatch(x, y), 'call model.add'],
  ]);
  describeBad('model.testOnBatch', [['before compile', () => model().testOnBatch(x, y), 'call model.compile']]);
  describeBad('model.predict', [['without a layer', () => sequential().predict(x), 'call model.add']]);
  describeBad('model.predictOnBatch', [['without a layer', () => sequential().predictOnBatch(x), 'call model.add']]);
  describeBad('model.pop', [['without a layer', () => sequential().pop()]]);
  describeBad('model.inputs', [['without a layer', () => sequential().inputs]]);
  describeBad('model.outputs', [['without a layer', () => sequential().outputs]]);
  describeBad('model.outputShape', [['without a layer', () => sequential().outputShape]]);
  describeBad('model.getStates', [['of a stateless layer', () => model().getStates(), 'stateful']]);
  describeBad('model.setStates', [['of a stateless layer', () => model().setStates([]), 'stateful']]);
  describeBad('model.add', [
    ['a first layer without a shape', () => sequential().add(layers.dense({ units: 1 })), 'inputShape'],
    [
      'a stateful layer without a batch size',
      () => sequential().add(layers.lstm({ units: 1, stateful: true, inputShape: [3, 1] })),
      'batchInputShape',
    ],
    ['an lstm on [B, D]', () => sequential().add(layers.lstm({ units: 1, inputShape: [3] })), '[null, 3]'],
    [
      'a wrapper on [B, D]',
      () => sequential().add(layers.timeDistributed({ layer: layers.dense({ units: 1 }), inputShape: [3] })),
      '[null, 3]',
    ],
  ]);
  describeBad('alone.setWeights', [
    ['a layer without a model', () => layers.dense({ units: 1, name: 'alone' }).setWeights([]), 'model.add'],
  ]);
  describeBad('alone.getWeights', [
    ['a layer without a model', () => layers.dense({ units: 1, name: 'alone' }).getWeights(), 'model.add'],
  ]);
});

describe('batches of a stateless model', () => {
  const run = (x: unknown) => () => stateless().predict(wrong(x));
  describeBad('model.predict', [
    ['a flat array with a part of a sample', run(new Float32Array(12)), '[null, 4, 2]'],
    ['an empty one', run(new Float32Array(0)), '[null, 4, 2]'],
    ['too few steps', run(zeros(2, 3, 2)), '[null, 4, 2], got [2, 3, 2]'],
    ['big integers', run(new BigInt64Array(8))],
    ['bytes without a type', run(new DataView(new ArrayBuffer(32)))],
    [
      'a sample alone',
      run([
        [1, 2],
        [3, 4],
        [5, 6],
        [7, 8],
      ]),
      '[null, 4, 2], got [4, 2]',
    ],
  ]);
});

// Without a bound on the depth, this ends the process, not only the test.
test('arrays nested in themselves', () => {
  const list: unknown[] = [];
  list.push(list);
  messageOf('model.predict', () => stateless().predict(wrong(list)));
});

test('a tensor keeps its shape, whatever its reader does with it', () => {
  const x = batchOf(2, 4, 2);
  try {
    wrong(x.shape)[0] = 1;
  } catch {} // a frozen shape throws here, which is as good
  expect(stateless().predict(x).shape).toEqual([2, 4, 1]);
});

// A workspace has to be below a gibibyte, so these fail before anything is allocated.
describe('what cannot be allocated', () => {
  const huge = () => {
    const model = sequential({ layers: [layers.lstm({ units: 200_000, name: 'huge', inputShape: [null, 1] })] });
    model.compile({ optimizer: 'adam', loss: 'mse' });
    return model;
  };
  const need = 'must fit into memory';
  describeBad('model.predict', [
    ['200,000 units', () => huge().predict([[[1]]]), need],
    ['a workspace', () => lstmOf(64).predict(zeros(1024, 1024, 1), { batchSize: 1024 }), need],
    ['2^33 units of a dense layer', () => denseOf(2 ** 33).predict([[1]]), need],
    ['2^52 units of a dense layer', () => denseOf(2 ** 52).predict([[1]]), need],
    [
      'an output of 80 GB',
      () => {
        const layer = layers.lstm({ units: 200_000, returnSequences: true, inputShape: [null, 1] });
        sequential({ layers: [layer] }).predict(zeros(1000, 100, 1));
      },
      need,
    ],
  ]);
  describeBad('model.predictOnBatch', [['200,000 units', () => huge().predictOnBatch([[[1]]]), need]]);
  describeBad('model.trainOnBatch', [['200,000 units', () => huge().trainOnBatch([[[1]]], zeros(1, 200_000)), need]]);
  describeBad('model.testOnBatch', [['200,000 units', () => huge().testOnBatch([[[1]]], zeros(1, 200_000)), need]]);
  describeBad('model.getWeights', [['200,000 units', () => huge().getWeights(), need]]);
  describeBad('huge.getWeights', [['200,000 units', () => huge().layers[0]!.getWeights(), need]]);
  describeBad('model.getStates', [
    [
      'two billion units',
      () => {
        const layer = layers.lstm({ units: 2 ** 31, stateful: true, batchInputShape: [1, 1, 1] });
        sequential({ layers: [layer] }).getStates();
      },
      need,
    ],
  ]);

  test('weights beside a new layer: it can join another model', () => {
    const model = huge();
    expect(() => model.getWeights()).toThrow(need);
    const layer = layers.dense({ units: 1 });
    setRandomSeed(1);
    expect(() => model.add(layer)).toThrow(/^model.add: the model must fit into memory/);
    expect(() => model.pop()).toThrow(/^model.pop: the model must fit into memory/);
    expect(model.layers).toHaveLength(1);
    const [kernel] = sequential({ layers: [layers.inputLayer({ inputShape: [2] }), layer] }).getWeights();
    setRandomSeed(1);
    expectBits(kernel!.dataSync(), denseOf(1, 2).getWeights()[0]!.dataSync());
  });

  test('room for the second of two layers: the first is left alone', () => {
    const options = { stateful: true, returnSequences: true };
    const model = sequential({
      layers: [layers.lstm({ units: 3, batchInputShape: [2, 1, 2], ...options }), layers.gru({ units: 9, ...options })],
    });
    model.predict(zeros(2, 1, 2));
    const weights = model.getWeights().map(weight => weight.add(1));
    const states = model.getStates().map(list => list.map(state => state.add(1)));
    const { allocate } = kernels();
    for (const [most, call] of [
      [1000, () => model.setWeights(weights)],
      [120, () => model.setStates(states)],
    ] as const) {
      const before = model.snapshot();
      const scarce = vi.spyOn(kernels(), 'allocate').mockImplementation(bytes => {
        if (bytes > most) throw new WebAssembly.RuntimeError('unreachable');
        return allocate(bytes);
      });
      expect(call).toThrow(need);
      scarce.mockRestore();
      expectBits(model.snapshot(), before);
      call();
    }
  });

  test('a batch that is too large leaves the model to smaller ones', () => {
    const model = lstmOf(64);
    model.compile({ optimizer: 'adam', loss: 'mse' });
    const before = model.predict(zeros(2, 3, 1)).dataSync();
    expect(() => model.predict(zeros(1024, 1024, 1), { batchSize: 1024 })).toThrow(ValueError);
    expectBits(model.predict(zeros(2, 3, 1)).dataSync(), before);
  });
});

describe('after dispose', () => {
  const disposed = () => {
    const model = stateful();
    model.trainOnBatch(good.x, good.y);
    model.dispose();
    return model;
  };
  const calls: [string, (model: Sequential) => unknown][] = [
    ['model.add', model => model.add(layers.dense({ units: 1 }))],
    ['model.pop', model => model.pop()],
    ['model.getLayer', model => model.getLayer('top')],
    ['model.countParams', model => model.countParams()],
    ['model.summary', model => model.summary(undefined, undefined, () => {})],
    ['model.compile', model => model.compile({ optimizer: 'adam', loss: 'mse' })],
    ['model.trainOnBatch', model => model.trainOnBatch(good.x, good.y)],
    ['model.testOnBatch', model => model.testOnBatch(good.x, good.y)],
    ['model.predict', model => model.predict(good.x)],
    ['model.predictOnBatch', model => model.predictOnBatch(good.x)],
    ['model.resetStates', model => model.resetStates()],
    ['model.getStates', model => model.getStates()],
    ['model.setStates', model => model.setStates([])],
    ['model.getWeights', model => model.getWeights()],
    ['model.setWeights', model => model.setWeights([])],
  ];
  test.each(calls)('%s', (name, call) => {
    expect(messageOf(name, () => call(disposed()))).toContain('dispose()');
  });

  test.each<[string, (model: Sequential) => unknown]>([
    ['getWeights', model => model.layers[2]!.getWeights()],
    ['setWeights', model => model.layers[2]!.setWeights([zeros(33, 2), zeros(2)])],
  ])('%s of a layer', (_, call) => {
    const kept = disposed();
    expect(() => call(kept)).toThrow(ValueError);
    expect(() => call(kept)).toThrow(/dispose\(\)/);
  });
});

// ------------------------------------------------------------------------------------------------- data, not errors

/** What its documentation says of trainOnBatch: the loss tells, and nothing has changed. */
describe('NaN and Infinity in the data are no error', () => {
  beforeEach(() => void vi.spyOn(console, 'warn').mockReturnValue());
  afterEach(() => void vi.restoreAllMocks());
  const models: [string, () => Sequential][] = [
    ['lstm of whole groups', () => recurrent(8)],
    ['lstm with padding', () => recurrent(7)],
    ['lstm of every step', () => recurrent(4, true)],
    ...(['linear', 'relu', 'sigmoid', 'tanh'] as const).map((activation): [string, () => Sequential] => [
      `dense ${activation}`,
      () => compiled([layers.dense({ units: 3, activation, inputShape: [2] }), layers.dense({ units: 2, activation })]),
    ]),
    ['stateful', stateful],
  ];
  const compiled = (stack: lw.Layer[]) => {
    const model = sequential({ layers: stack });
    model.compile({ optimizer: train.adam(0.01), loss: 'meanSquaredError' });
    return model;
  };
  const recurrent = (units: number, returnSequences = false) =>
    compiled([layers.lstm({ units, inputShape: [4, 2], returnSequences }), layers.dense({ units: 2 })]);

  const poisons: [string, number, 'x' | 'y'][] = [
    ['NaN in x', nan, 'x'],
    ['Infinity in x', infinity, 'x'],
    ['-Infinity in x', minusInfinity, 'x'],
    ['NaN in y', nan, 'y'],
    ['Infinity in y', infinity, 'y'],
    ['-Infinity in y', minusInfinity, 'y'],
  ];

  describe.each(models)('%s', (_, make) => {
    test.each(poisons)('%s', (_, poison, where) => {
      setRandomSeed(1);
      const shape = (of: lw.Shape) => of.map((n, axis) => n ?? [3, 4][axis]!);
      const sample = make();
      const data = { x: batchOf(...shape(sample.inputs[0]!.shape)), y: batchOf(...shape(sample.outputs[0]!.shape)) };
      for (const at of [0, data[where].size - 1]) {
        const [model, twin] = twins(make, data);
        const poisoned = { ...data };
        poisoned[where] = tensor(data[where].dataSync().with(at, poison), data[where].shape);

        const loss = model.trainOnBatch(poisoned.x, poisoned.y);
        expect(Number.isFinite(loss), `loss ${loss}`).toBe(false);
        const expectSame = () => {
          for (const [n, weight] of twin.getWeights().entries()) {
            expectBits(model.getWeights()[n]!.dataSync(), weight.dataSync(), `weight ${n}`);
          }
          if (make === stateful) expectSameModels(model, twin);
        };
        expectSame();
        for (let step = 0; step < 3; step++) {
          expect(model.trainOnBatch(data.x, data.y)).toBe(twin.trainOnBatch(data.x, data.y));
          expectSame();
        }
      }
    });
  });

  test.each([1e10, 1e20, 1e30, 3e38])('nor are numbers of the size %d: what is not finite shows in the loss', size => {
    for (const [name, make] of models) {
      const model = make();
      const shape = (of: lw.Shape) => of.map((n, axis) => n ?? [3, 4][axis]!);
      const x = batchOf(...shape(model.inputs[0]!.shape));
      const y = batchOf(...shape(model.outputs[0]!.shape));
      const large = tensor(
        x.dataSync().map(value => Math.fround(value * size) || 0),
        x.shape,
      );
      const loss = model.trainOnBatch(large, y);
      const finite = model.getWeights().every(weight => weight.dataSync().every(Number.isFinite));
      expect(finite, `weights of ${name} after a loss of ${loss}`).toBe(true);
    }
  });

  // Padded units have no weights, but zero times Infinity is NaN.
  test.each([4, 5])('after a prediction, what getStates shows of %i units is all there is', units => {
    const model = sequential({ layers: [layers.lstm({ units, stateful: true, batchInputShape: [1, 1, 1] })] });
    model.predict([[[infinity]]]);
    const carried = model.getStates();
    const next = model.predict([[[0.5]]]).dataSync();
    model.setStates(carried);
    expectBits(next, model.predict([[[0.5]]]).dataSync());
  });

  test('a loss comes back from testOnBatch, too', () => {
    const model = recurrent(7);
    expect(
      model.testOnBatch(
        batchOf(3, 4, 2),
        tensor([
          [nan, 0],
          [0, 0],
          [0, 0],
        ]),
      ),
    ).toBe(nan);
    expect(
      model.testOnBatch(
        batchOf(3, 4, 2),
        tensor([
          [infinity, 0],
          [0, 0],
          [0, 0],
        ]),
      ),
    ).toBe(infinity);
  });
});

/** No NaN out of finite numbers without a word. */
describe('what comes out and is not finite is warned of', () => {
  let warn: MockInstance<typeof console.warn>;
  beforeEach(() => {
    warn = vi.spyOn(console, 'warn').mockReturnValue();
  });
  afterEach(() => warn.mockRestore());
  /** The warnings since it was asked last. */
  const told = () => {
    const all = warn.mock.calls.map(([message]) => String(message));
    warn.mockClear();
    return all;
  };
  const huge = 3e38;
  const advice = '; check that the data holds finite numbers, none of them huge, ';

  /** The sum of two huge numbers, and nothing times that; the width of what comes out. */
  const overflowing = (units = 1, activation?: 'relu') =>
    compiled([
      layers.dense({ units: 2, activation, kernelInitializer: 'ones', inputShape: [2] }),
      layers.dense({ units, kernelInitializer: 'zeros' }),
    ]);
  const compiled = (stack: lw.Layer[], options: Partial<lw.CompileOptions> = {}) => {
    const model = sequential({ layers: stack });
    model.compile({ optimizer: train.sgd(0.01), loss: 'meanSquaredError', ...options });
    return model;
  };
  const recurrent = () => compiled([layers.simpleRNN({ units: 2, activation: 'linear', inputShape: [null, 1] })]);
  const x = [[huge, huge]];
  const y = [[0]];

  test.each<[string, string, (model: Sequential) => unknown]>([
    ['model.predict', 'the predictions hold NaN', model => model.predict(x)],
    ['model.predict', 'the predictions hold NaN', model => model.predict([[1, 1], ...x, [1, 1]], { batchSize: 1 })],
    ['model.predictOnBatch', 'the predictions hold NaN', model => model.predictOnBatch(x)],
    ['model.trainOnBatch', 'the loss is NaN; such a batch changes nothing', model => model.trainOnBatch(x, y)],
    ['model.testOnBatch', 'the loss is NaN', model => model.testOnBatch(x, y)],
    ['model.evaluate', 'the loss is NaN', model => model.evaluate(x, y)],
    ['model.evaluateDataset', 'the loss is NaN', model => model.evaluateDataset([{ xs: x, ys: y }])],
    ['stream.step', 'the output holds NaN', model => model.stream().step([huge, huge])],
    [
      'model.fit',
      'the loss of batch 0 of epoch 0 is NaN; such a batch changes nothing',
      m => m.fit(x, y, { verbose: 0 }),
    ],
    [
      'model.fit',
      'the loss of the validation is NaN',
      model => model.fit([[1, 1]], y, { verbose: 0, validationData: [x, y] }),
    ],
    [
      'model.fitDataset',
      'the loss of the validation is NaN',
      m => m.fitDataset([{ xs: [[1, 1]], ys: y }], { verbose: 0, validationData: [{ xs: x, ys: y }] }),
    ],
  ])('%s: %s', async (call, what, give) => {
    const model = overflowing();
    await give(model);
    const [message, ...more] = told();
    expect(more).toEqual([]);
    expect(message!.startsWith(`${call}: ${what}`)).toBe(true);
    expect(message).toContain(advice);
    expect(message).toMatch(/^[^\n]+[^\n.]$/);
    await give(model);
    expect(told()).toHaveLength(call.startsWith('model.fit') ? 1 : 0); // every training says so
  });

  test('of a loss alone, of gradients, and of weights that ran away', () => {
    const far = compiled([layers.dense({ units: 1, kernelInitializer: 'zeros', inputShape: [1] })]);
    expect(far.trainOnBatch([[1e30]], [[1e30]])).toBe(nan);
    expect(told()).toEqual([expect.stringMatching(/^model\.trainOnBatch: the loss is NaN; such a batch/)]);

    const running = compiled([layers.dense({ units: 1, inputShape: [1] })], { optimizer: train.sgd(1e10) });
    let steps = 0;
    while (Number.isFinite(running.trainOnBatch([[1]], [[2]]))) {
      expect(told()).toEqual([]);
      expect(++steps).toBeLessThan(100);
    }
    expect(told()).toHaveLength(1);
  });

  test('of Infinity as well, and of its place in a wide output', () => {
    for (const units of [1, 2, 3, 5, 8]) {
      const model = compiled([layers.dense({ units, kernelInitializer: 'zeros', inputShape: [1] })]);
      const weights = (value: number) => [zeros(1, units), tensor([...Array(units - 1).fill(0), value])];
      model.setWeights(weights(huge)); // the square of which float32 does not hold
      expect(
        model
          .predict([[1], [1], [1]])
          .dataSync()
          .at(-1),
      ).toBe(Math.fround(huge));
      model.stream().step([1]);
      expect(told()).toEqual([]);
      model.setWeights(weights(minusInfinity));
      model.predict([[1], [1], [1]]);
      expect(told()).toEqual([expect.stringMatching(/^model\.predict: the predictions hold -Infinity; /)]);
      model.setWeights(weights(infinity));
      model.stream().step([1]);
      expect(told()).toEqual([expect.stringMatching(/^stream\.step: the output holds Infinity; /)]);
    }
  });

  test('but not of what a larger batch has left behind', () => {
    const model = overflowing(3);
    model.predict([[1, 1], ...x]);
    expect(told()).toHaveLength(1);
    model.setWeights(model.getWeights());
    model.predict([[1, 1]]);
    model.evaluate([[1, 1]], [[0, 0, 0]]);
    expect(told()).toEqual([]);
  });

  test('of a metric, by its name, where the batch is learned from', () => {
    const kernel = layers.dense({ units: 1, kernelInitializer: 'zeros', inputShape: [1] });
    const model = compiled([kernel], { loss: 'mae', metrics: ['mse', 'mape'] });
    const [loss, , mape] = model.trainOnBatch([[1], [2]], [[huge], [-huge]]) as number[];
    expect([loss, mape]).toEqual([Math.fround(huge), infinity]);
    expect(told()).toEqual([expect.stringMatching(/^model\.trainOnBatch: the metric 'mape' is Infinity; check/)]);
    expect(model.getWeights()[0]!.dataSync()[0]).not.toBe(0);
  });

  test('of what inspect shows', () => {
    const model = recurrent();
    model.setWeights([tensor([[1, 1]]), tensor([[1, -1], [1, -1]]), zeros(2)]); // biome-ignore format: one matrix
    const { h } = model.inspect(model.layers[0]!, [[[huge], [huge], [huge], [huge]]]);
    expect([...h.dataSync()].every(Number.isFinite)).toBe(false);
    expect(told()).toEqual([expect.stringMatching(/^model\.inspect: h holds -?(NaN|Infinity); /)]);
  });

  test('once by a model, its streams, and those of other batch sizes', () => {
    const model = overflowing();
    const two = model.withBatchSize(2);
    const stream = model.stream();
    model.predict(x);
    for (const each of [model, two])
      each.trainOnBatch([...x, ...x].slice(0, each === two ? 2 : 1), each === two ? [[0], [0]] : y);
    stream.step([huge, huge]);
    two.predict([...x, ...x]);
    expect(told()).toHaveLength(1);
    overflowing().predict(x);
    expect(told()).toHaveLength(1);
  });

  test.each<[string, (model: Sequential) => unknown, number]>([
    ['compile', model => model.compile({ optimizer: 'sgd', loss: 'mse' }), 1],
    ['setWeights', model => model.setWeights(model.getWeights()), 1],
    ['setWeights of a layer', model => model.layers[1]!.setWeights(model.layers[1]!.getWeights()), 1],
    ['restore', model => model.restore(model.snapshot()), 1],
    ['resetStates', model => model.resetStates(), 0],
    ['setWeights that is refused', model => expect(() => model.setWeights([])).toThrow(ValueError), 0],
  ])('after %s', (_, change, times) => {
    const model = overflowing();
    model.predict(x);
    expect(told()).toHaveLength(1);
    change(model);
    model.predict(x);
    expect(told()).toHaveLength(times);
  });
});
