// Invalid calls throw a ValueError of one sentence that starts with the name of the call, and change nothing.

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
import { describeRejections, type InvalidCall, messageOf, wrong } from './invalidArguments.ts';

const { NaN: nan, POSITIVE_INFINITY: infinity, NEGATIVE_INFINITY: minusInfinity } = Number;

const emptyModule = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
describe('configuration and factories', () => {
  describeRejections('configure', [
    ['null', () => configure(wrong(null))],
    ['an unknown option', () => configure(wrong({ smd: 'strict' })), "unknown option 'smd'; did you mean 'simd'?"],
    ['a misspelled build', () => configure({ simd: wrong('strct') }), "did you mean 'strict'?"],
    ['an unknown build', () => configure({ simd: wrong('fast') }), "known: 'auto', 'strict', 'relaxed'"],
    ['a number', () => configure({ simd: wrong(nan) })],
    [
      'another build while models exist',
      () => {
        sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] }).getWeights();
        configure({ simd: backendInfo().simd === 'strict' ? 'relaxed' : 'strict' });
      },
    ],
  ]);

  describeRejections('init', [
    [
      'a call after the first model',
      () => {
        sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] }).getWeights();
        init({ bytes: emptyModule });
      },
      'must be called before the first model is made',
    ],
  ]);

  describeRejections('setRandomSeed', [
    ...[undefined, null, nan, infinity, -1, 0.5, 2 ** 53, '1', 1n].map(
      (seed): InvalidCall => [typeof seed === 'string' ? `'${seed}'` : String(seed), () => setRandomSeed(wrong(seed))],
    ),
  ]);

  describeRejections('sequential', [
    ['null', () => sequential(wrong(null))],
    ['a list', () => sequential(wrong([layers.dense({ units: 1 })]))],
    ['a string', () => sequential(wrong('model'))],
    ['an unknown option', () => sequential(wrong({ layer: [] })), "did you mean 'layers'?"],
    ['a layer in place of a list', () => sequential({ layers: wrong(layers.dense({ units: 1 })) })],
    ['a number among the layers', () => sequential({ layers: wrong([5]) })],
    ['an empty name', () => sequential({ name: '' })],
    ['a number as its name', () => sequential({ name: wrong(5) })],
  ]);

  describeRejections('sineCosine', [
    ['an unknown option', () => sineCosine(wrong({ batchsize: 5 })).next(), "did you mean 'batchSize'?"],
    ['a batch size of 0', () => sineCosine({ batchSize: 0 }).next()],
    ['half a time step', () => sineCosine({ timeSteps: 0.5 }).next()],
    ['NaN', () => sineCosine({ timeSteps: nan }).next()],
    ['null', () => sineCosine(wrong(null)).next()],
    ['a batch that does not fit into memory', () => sineCosine({ batchSize: 2 ** 40 }).next()],
  ]);

  describeRejections('scalar', [
    ['a string', () => scalar(wrong('1'))],
    ['a list', () => scalar(wrong([1]))],
  ]);
  describeRejections('tidy', [['a number', () => tidy(wrong(5))]]);
});

describe('tensors', () => {
  describeRejections('Tensor', [
    [
      'a missing array',
      () => new (wrong(Tensor))(),
      'values must be a Float32Array, an Int32Array or a Uint8Array, got undefined',
    ],
    ['nested arrays', () => new (wrong(Tensor))([[1]], [1, 1]), 'got [[1]]; use tensor'],
    ['a Float64Array', () => new (wrong(Tensor))(new Float64Array(1), [1]), 'got a Float64Array of 1; use tensor'],
    [
      'a missing shape',
      () => new (wrong(Tensor))(new Float32Array(1)),
      'shape must be an array of integers, got undefined',
    ],
  ]);
  describeRejections('tensor', [
    ['undefined', () => tensor(wrong(undefined))],
    ['null', () => tensor(wrong(null))],
    ['a string', () => tensor(wrong('123'))],
    ['an object', () => tensor(wrong({ length: 1 }))],
    ['ragged arrays', () => tensor([[1, 2], [3]]), 'must not be ragged'],
    ['sequences of two lengths', () => tensor([[[1], [2]], [[3]]]), '; use padSequences of lstm-wasm/data to pad'],
    ['an array followed by a number', () => tensor([[1], 2]), 'must not be ragged'],
    ['a number followed by an array', () => tensor([1, [2]]), 'must hold numbers'],
    [
      'ragged typed arrays',
      () => tensor([new Float32Array(2), new Float32Array(1)]),
      'arrays of 2 on axis 1, got one of 1',
    ],
    ['a typed array among numbers', () => tensor([1, new Float32Array(2)]), 'got a Float32Array of 2'],
    ['a number among typed arrays', () => tensor([new Float32Array(1), 1]), 'must not be ragged'],
    ['arrays of big integers', () => tensor(wrong([new BigInt64Array(2)])), 'got a BigInt64Array of 2'],
    ['a transferred array', () => tensor([new Float32Array(2), transferred(new Float32Array(2))]), 'got one of 0'],
    ['a string among numbers', () => tensor(wrong([[1, '2']])), "'2'"],
    ['undefined among numbers', () => tensor(wrong([[1, undefined]])), 'undefined'],
    ['big integers', () => tensor(wrong(new BigInt64Array(2)))],
    ['a shape of another size', () => tensor([1, 2, 3], [2, 2]), '[2, 2]'],
    ['a shape that differs from that of the values', () => tensor([[1, 2]], [2, 1]), '[2, 1]'],
    ['half an axis', () => tensor([1, 2], [0.5, 4])],
    ['a negative axis', () => tensor([1, 2], [-1, -2])],
    ['NaN in the shape', () => tensor([1], [nan])],
    ['a number as the shape', () => tensor([1], wrong(1))],
    ['another dtype', () => tensor([1], [1], wrong('complex64')), "'float32'"],
  ]);
  describeRejections('tensor1d', [['two axes', () => tensor1d([[1]])]]);
  describeRejections('tensor2d', [
    ['one axis and no shape', () => tensor2d([1, 2])],
    ['three axes', () => tensor2d([[[1]]])],
    ['a shape of three axes', () => tensor2d([1], [1, 1, 1])],
  ]);
  describeRejections('tensor3d', [['two axes', () => tensor3d([[1]])]]);
  describeRejections('tensor4d', [['three axes', () => tensor4d([[[1]]])]]);
});

describe('optimizers', () => {
  describeRejections('train.adam', [
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
    ['an epsilon of 0', () => train.adam({ epsilon: 0 }), 'epsilon'],
    ['NaN for epsilon', () => train.adam(0.1, 0.9, 0.99, nan), 'epsilon'],
  ]);
  describeRejections('train.sgd', [
    ['NaN', () => train.sgd(nan)],
    ['null', () => train.sgd(wrong(null))],
    ['a negative rate', () => train.sgd({ learningRate: -1 })],
    ['an unknown option', () => train.sgd(wrong({ momentun: 0.1 }))],
  ]);
  describeRejections('optimizer', [
    ['NaN set as its rate', () => Object.assign(train.adam(), { learningRate: nan })],
    ['a string set as its rate', () => Object.assign(train.sgd(), { learningRate: '0.1' })],
  ]);
});

describe('initializers', () => {
  describeRejections('initializers.constant', [
    ['no arguments', () => initializers.constant(wrong(undefined))],
    ['NaN', () => initializers.constant({ value: nan })],
    ['a number for its options', () => initializers.constant(wrong(3))],
    ['an unknown option', () => initializers.constant(wrong({ valu: 1 })), "did you mean 'value'?"],
  ]);
  describeRejections('initializers.randomUniform', [
    ['NaN', () => initializers.randomUniform({ minval: nan })],
    ['a maxval below minval', () => initializers.randomUniform({ minval: 1, maxval: 0 }), 'maxval'],
    ['an unknown option', () => initializers.randomUniform(wrong({ minVal: 0 })), "did you mean 'minval'?"],
    ['an invalid seed', () => initializers.randomUniform({ seed: nan }), 'seed'],
  ]);
  describeRejections('initializers.randomNormal', [
    ['a negative deviation', () => initializers.randomNormal({ stddev: -1 }), 'stddev'],
    ['NaN', () => initializers.randomNormal({ mean: nan }), 'mean'],
    ['an unknown option', () => initializers.randomNormal(wrong({ stdev: 1 })), "did you mean 'stddev'?"],
    ['an invalid seed', () => initializers.randomNormal({ seed: -1 }), 'seed'],
  ]);
  describeRejections('initializers.truncatedNormal', [
    ['Infinity', () => initializers.truncatedNormal({ stddev: infinity }), 'stddev'],
    ['an invalid seed', () => initializers.truncatedNormal({ seed: 1.5 }), 'seed'],
  ]);
  describeRejections('initializers.glorotUniform', [
    ['an unknown option', () => initializers.glorotUniform(wrong({ sed: 1 })), "did you mean 'seed'?"],
    ['an invalid seed', () => initializers.glorotUniform({ seed: wrong('1') }), 'seed'],
  ]);
  describeRejections('initializers.glorotNormal', [
    ['a number for its options', () => initializers.glorotNormal(wrong(1))],
    ['an invalid seed', () => initializers.glorotNormal({ seed: nan }), 'seed'],
  ]);
  describeRejections('initializers.orthogonal', [
    ['NaN', () => initializers.orthogonal({ gain: nan }), 'gain'],
    ['an unknown option', () => initializers.orthogonal(wrong({ gian: 1 })), "did you mean 'gain'?"],
    ['an invalid seed', () => initializers.orthogonal({ seed: infinity }), 'seed'],
  ]);
});

describe('layers', () => {
  const shown = (value: unknown) => (typeof value === 'number' ? String(value) : JSON.stringify(value));
  const counts = [undefined, null, nan, infinity, 0, -1, 2.5, '3', [3]];
  const invalidShapes = (make: (options: object) => unknown): InvalidCall[] => [
    ['an empty name', () => make({ name: '' }), 'name'],
    ['a number as its name', () => make({ name: 5 }), 'name'],
    ['an input shape with NaN', () => make({ inputShape: [nan, 1] }), 'inputShape'],
    ['an input shape with zero', () => make({ inputShape: [0, 1] }), 'inputShape'],
    ['an input shape with half a step', () => make({ inputShape: [1.5, 1] }), 'inputShape'],
    ['an input shape with an open last axis', () => make({ inputShape: [3, null] }), 'inputShape'],
    ['an input shape of no axes', () => make({ inputShape: [] }), 'inputShape'],
    ['an input shape of three axes', () => make({ inputShape: [1, 2, 3] }), 'inputShape'],
    ['an input shape that is a number', () => make({ inputShape: 3 }), 'inputShape'],
    ['a batch shape of one axis', () => make({ batchInputShape: [5] }), 'batchInputShape'],
    ['a batch shape of four axes', () => make({ batchInputShape: [1, 2, 3, 4] }), 'batchInputShape'],
    ['both inputShape and batchInputShape', () => make({ inputShape: [1, 1], batchInputShape: [1, 1, 1] })],
    ['a batch size of 0', () => make({ inputShape: [1, 1], batchSize: 0 }), 'batchSize'],
    ['NaN for a batch size', () => make({ inputShape: [1, 1], batchSize: nan }), 'batchSize'],
    ['another dtype', () => make({ inputShape: [1, 1], dtype: 'float64' }), 'dtype'],
  ];
  const invalidWeightOptions = (make: (options: object) => unknown): InvalidCall[] => [
    ['an input width of 0', () => make({ inputDim: 0 }), 'inputDim'],
    [
      'two input widths',
      () => make({ inputShape: [2, 3], inputDim: 4 }),
      'inputDim must be the last axis of inputShape',
    ],
    ['two batch sizes', () => make({ batchInputShape: [2, 3, 1], batchSize: 4 }), 'batchSize must be that of'],
    ['NaN for an input width', () => make({ inputDim: nan }), 'inputDim'],
    ['trainable of 1', () => make({ trainable: 1 }), 'trainable'],
    ['a number for weights', () => make({ weights: 5 }), 'weights'],
  ];

  const lstm = (options: object) => layers.lstm({ units: 2, ...options });
  describeRejections('layers.lstm', [
    ...counts.map((units): InvalidCall => [`units of ${shown(units)}`, () => lstm({ units }), 'units']),
    ['no options', () => layers.lstm(wrong(undefined)), 'units'],
    ['null', () => layers.lstm(wrong(null))],
    ['a number', () => layers.lstm(wrong(20))],
    ...invalidShapes(lstm),
    ...invalidWeightOptions(lstm),
    ...['returnSequences', 'stateful', 'goBackwards', 'useBias', 'unitForgetBias', 'unroll'].flatMap(
      (name): InvalidCall[] => [
        [`${name} of 1`, () => lstm({ [name]: 1 }), `${name} must be true or false, got 1`],
        [`${name} misspelled`, () => lstm({ [name.slice(1)]: true }), `did you mean '${name}'?`],
      ],
    ),
    ...['kernelInitializer', 'recurrentInitializer', 'biasInitializer'].flatMap((name): InvalidCall[] => [
      [`${name} of a number`, () => lstm({ [name]: 1 }), name],
      [`${name} of an unknown name`, () => lstm({ [name]: 'glorotUnifrom' }), "did you mean 'glorotUniform'?"],
      [`${name} of a name that needs options`, () => lstm({ [name]: 'constant' }), name],
    ]),
    [
      'softmax as its activation',
      () => lstm({ activation: 'softmax' }),
      'activation must apply to each unit separately',
    ],
    ['a misspelled activation', () => lstm({ recurrentActivation: 'sigmiod' }), "did you mean 'sigmoid'?"],
    ['implementation 3', () => lstm({ implementation: 3 }), 'implementation'],
    ['a dropout of 1', () => lstm({ dropout: 1 }), 'dropout must be a finite number at least 0 and below 1'],
    ['unit in place of units', () => layers.lstm(wrong({ unit: 5 })), "did you mean 'units'?"],
  ]);

  const dense = (options: object) => layers.dense({ units: 2, ...options });
  describeRejections('layers.dense', [
    ...counts.map((units): InvalidCall => [`units of ${shown(units)}`, () => dense({ units }), 'units']),
    ['no options', () => layers.dense(wrong(undefined)), 'units'],
    ...invalidShapes(dense),
    ...invalidWeightOptions(dense),
    ['a misspelled activation', () => dense({ activation: 'sigmiod' }), "did you mean 'sigmoid'?"],
    ['a function as the activation', () => dense({ activation: Math.tanh }), 'activation'],
    ['an activation named like a property of every object', () => dense({ activation: 'toString' }), 'activation'],
    ['useBias of 0', () => dense({ useBias: 0 }), 'useBias'],
    ['a misspelled option', () => dense({ usebias: false }), "did you mean 'useBias'?"],
    ['an unknown initializer', () => dense({ kernelInitializer: 'zeroes' }), "did you mean 'zeros'?"],
    ['an option of another layer', () => dense({ returnSequences: true }), "unknown option 'returnSequences'"],
  ]);

  const inner = () => layers.dense({ units: 1 });
  const timeDistributed = (options: object) => layers.timeDistributed({ layer: inner(), ...options });
  describeRejections('layers.timeDistributed', [
    ['no options', () => layers.timeDistributed(wrong(undefined)), 'layer'],
    ['an undefined layer', () => timeDistributed({ layer: undefined }), 'layer'],
    ['a string as its layer', () => timeDistributed({ layer: 'dense' }), 'layer'],
    ['a recurrent layer', () => timeDistributed({ layer: layers.lstm({ units: 1 }) }), 'layer'],
    ['weights', () => timeDistributed({ weights: [] }), 'weights'],
    ['a misspelled option', () => timeDistributed({ layers: inner() }), "did you mean 'layer'?"],
    ...invalidShapes(timeDistributed),
  ]);

  describeRejections('layers.inputLayer', [
    ['no options', () => layers.inputLayer(wrong(undefined))],
    ['options without a shape', () => layers.inputLayer({})],
    ['units', () => layers.inputLayer(wrong({ inputShape: [1], units: 1 })), "unknown option 'units'"],
    ...invalidShapes(options => layers.inputLayer({ inputShape: [1], ...options })).filter(
      ([problem]) => !problem.includes('batch shape'),
    ),
  ]);
});

/** A stateful model with a batch of 3, any number of time steps and outputs [3, 2]. */
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

/** A stateless model with any batch size, four steps of width 2 and outputs [B, 4, 1]. */
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

/** x and y of four time steps for `stateful`. */
const batch = { x: batchOf(3, 4, 2), y: batchOf(3, 2) };

/** More time steps than a workspace of 1 GiB holds. */
const tooLong = tensor(new Float32Array(3 * 300_000 * 2), [3, 300_000, 2]);

const states = (model: Sequential) => model.getStates();
const zeros = (...shape: number[]) => tensor(new Float32Array(shape.reduce((a, b) => a * b)), shape);

type InvalidModelCall = [call: string, problem: string, run: (model: Sequential) => unknown, message?: string];

/** Calls that would change a part of the model if their arguments were checked too late. */
const invalidCalls: InvalidModelCall[] = [
  ['model.add', 'undefined', model => model.add(wrong(undefined))],
  ['model.add', 'options in place of a layer', model => model.add(wrong({ units: 1 }))],
  [
    'model.add',
    'a second layer of the same name',
    model => model.add(layers.dense({ units: 1, name: 'top' })),
    "'top'",
  ],
  ['model.add', 'a layer of the same model', model => model.add(model.layers[2]!)],
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

  ['model.compile', 'undefined', model => model.compile(wrong(undefined))],
  ['model.compile', 'no optimizer', model => model.compile(wrong({ loss: 'mse' })), 'optimizer'],
  ['model.compile', 'no loss', model => model.compile(wrong({ optimizer: 'adam' })), 'loss'],
  [
    'model.compile',
    'a misspelled option',
    model => model.compile(wrong({ optimiser: 'adam', loss: 'mse' })),
    "'optimizer'?",
  ],
  [
    'model.compile',
    'a misspelled optimizer',
    model => model.compile({ optimizer: wrong('adm'), loss: 'mse' }),
    "'adam'?",
  ],
  ['model.compile', 'a misspelled loss', model => model.compile({ optimizer: 'adam', loss: wrong('msee') }), "'mse'?"],
  ['model.compile', 'an object as the optimizer', model => model.compile({ optimizer: wrong({}), loss: 'mse' })],
  [
    'model.compile',
    'a loss with a value but no gradient',
    model => model.compile({ optimizer: 'adam', loss: wrong({ name: 'own', value: () => 0 }) }),
    "loss must name outputs (top), got 'name'",
  ],
  ...(
    [
      [
        'a function with the name of an inherited property as a metric',
        [Object.defineProperty(() => 0, 'name', { value: 'valueOf' })],
        'metrics[0] must not be a function with the name of other logs, got function valueOf',
      ],
      ['a misspelled metric', ['mae', 'accurracy'], "unknown metrics[1] 'accurracy'; did you mean 'accuracy'?"],
      ['a number as a metric', 3, 'metrics must be a name, got 3'],
      ['metrics of an unknown output', { bottom: 'acc' }, "metrics must name outputs (top), got 'bottom'"],
      [
        'a metric for class indices',
        'sparseCategoricalAccuracy',
        "for targets as wide as the output if the loss is 'm",
      ],
    ] as const
  ).map(
    ([problem, metrics, message]): InvalidModelCall => [
      'model.compile',
      problem,
      model => model.compile(wrong({ optimizer: 'adam', loss: 'mse', metrics })),
      message,
    ],
  ),
  [
    'model.compile',
    'a metric for whole targets with a loss for class indices',
    model => model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['acc', 'mse'] }),
    "metrics[1] must be for class indices, such as 'acc', if the loss is 'sparseCategoricalCrossentropy'",
  ],

  ...(['trainOnBatch', 'testOnBatch'] as const).flatMap((name): InvalidModelCall[] => {
    const call = `model.${name}`;
    const onX = (problem: string, x: unknown, message = 'x must'): InvalidModelCall =>
      [
        ...[call, problem, (model: Sequential) => model[name](wrong(x), batch.y), message],
      ] as unknown as InvalidModelCall;
    const onY = (problem: string, y: unknown, message = 'y must'): InvalidModelCall =>
      [
        ...[call, problem, (model: Sequential) => model[name](batch.x, wrong(y)), message],
      ] as unknown as InvalidModelCall;
    const onWeights = (problem: string, options: unknown, message: string): InvalidModelCall =>
      [
        ...[call, problem, (model: Sequential) => model[name](batch.x, batch.y, wrong(options)), message],
      ] as unknown as InvalidModelCall;
    return [
      onWeights('a number for the options', 5, 'options must be an object, got 5'),
      onWeights('a misspelled sampleWeight', { sampleWeights: [1, 1, 1] }, "did you mean 'sampleWeight'?"),
      onWeights('a number for sampleWeight', { sampleWeight: 2 }, 'sampleWeight must be a tensor'),
      onWeights('too few weights', { sampleWeight: [1, 2] }, 'sampleWeight must have the shape [3], got [2]'),
      onWeights('too many weights', { sampleWeight: new Float32Array(12) }, 'shape [3], got a Float32Array of 12'),
      onWeights(
        'weights for each step',
        { sampleWeight: zeros(3, 4) },
        'sampleWeight must have the shape [3], got [3, 4]',
      ),
      onWeights('NaN in weights', { sampleWeight: [1, nan, 1] }, 'finite numbers, got NaN at index 1'),
      onWeights('a string in weights', { sampleWeight: [1, '2', 1] }, "'2'"),
      onWeights('a list for classWeight', { classWeight: [1, 2] }, 'classWeight must be an object'),
      onWeights('a class name in classWeight', { classWeight: { a: 1 } }, "got the class 'a'"),
      onWeights('a string as the weight of a class', { classWeight: { 0: '1' } }, "got '1' for class 0"),
      onWeights('NaN as the weight of a class', { classWeight: { 0: 1, 1: nan } }, 'got NaN for class 1'),
      onWeights(
        'a class without weight',
        { classWeight: { 7: 1 } },
        'classWeight must hold every class that occurs in y',
      ),
      onX('undefined as x', undefined),
      onX('null as x', null),
      onX('a number as x', 5),
      onX('a string as x', 'x'),
      onX('an object as x', { 0: [1] }),
      onX('x with an axis too few', zeros(3, 8), '[3, null, 2], got [3, 8]'),
      onX('x with an axis too many', zeros(3, 4, 2, 1)),
      onX('x too wide', zeros(3, 4, 3), '[3, null, 2], got [3, 4, 3]'),
      onX('a smaller batch', zeros(2, 4, 2), '[3, null, 2], got [2, 4, 2]'),
      onX('a larger batch', zeros(6, 4, 2)),
      onX('x without time steps', [[], [], []]),
      onX('x without samples', []),
      onX('a flat array for an open time axis', new Float32Array(24)),
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
      onX('undefined within x', [[[1, 2]], [[1, 2]], [[1, undefined]]]),
      onX('x that does not fit into memory', tooLong, 'must fit into memory'),
      onY('undefined as y', undefined),
      onY('y with an axis too many', zeros(3, 4, 2)),
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

  ...(['predict', 'predictOnBatch'] as const).flatMap((name): InvalidModelCall[] => {
    const call = `model.${name}`;
    const on = (problem: string, x: unknown, message = 'x must'): InvalidModelCall =>
      [...[call, problem, (model: Sequential) => model[name](wrong(x)), message]] as unknown as InvalidModelCall;
    return [
      on('undefined', undefined),
      on('null', null),
      on('x too wide', zeros(3, 4, 3), '[3, 4, 3]'),
      on('one row more than a batch', zeros(4, 4, 2), '[4, 4, 2]'),
      on('ragged x', [[[1, 2]], [[1, 2]], [[1]]], 'x must not be ragged'),
      on('a flat array for an open time axis', new Float32Array(24)),
      on('x that does not fit into memory', tooLong, 'must fit into memory'),
    ];
  }),
  [
    'model.predict',
    'a ragged second batch',
    model => model.predict([[[1, 2]], [[1, 2]], [[1, 2]], [[1, 2]], [[1, 2]], [[1]]]),
  ],
  ['model.predict', 'a number for the options', model => model.predict(batch.x, wrong(3))],
  ['model.predict', 'a misspelled option', model => model.predict(batch.x, wrong({ batchsize: 3 })), "'batchSize'?"],
  ...[nan, 0, -3, 1.5, '3', infinity].map(
    (batchSize): InvalidModelCall => [
      'model.predict',
      `batchSize ${batchSize}`,
      model => model.predict(batch.x, wrong({ batchSize })),
    ],
  ),
  ['model.predict', 'another batch size', model => model.predict(batch.x, { batchSize: 1 }), 'batchSize must be 3'],

  ['model.setWeights', 'undefined', model => model.setWeights(wrong(undefined))],
  ['model.setWeights', 'too few arrays', model => model.setWeights(model.getWeights().slice(1))],
  [
    'model.setWeights',
    'a last array of another shape',
    model => model.setWeights([...model.getWeights().slice(0, -1), [0]]),
  ],
  [
    'model.setWeights',
    'a ragged array at the end',
    model => model.setWeights(model.getWeights().with(6, wrong([[1, 2], [1]]))),
  ],
  ['model.setWeights', 'a string at the end', model => model.setWeights(model.getWeights().with(7, wrong([1, '2'])))],
  ['model.setWeights', 'undefined at the end', model => model.setWeights(model.getWeights().with(7, wrong(undefined)))],
  [
    ...['model.setWeights', 'a flat array of another size at the end'],
    (model: Sequential) => model.setWeights(model.getWeights().with(7, wrong(new Float32Array(3)))),
  ] as unknown as InvalidModelCall,
  ['top.setWeights', 'undefined', model => model.layers[2]!.setWeights(wrong(undefined))],
  ['top.setWeights', 'too many arrays', model => model.layers[2]!.setWeights([zeros(33, 2), zeros(2), zeros(2)])],
  [
    'top.setWeights',
    'a last array of another shape',
    model => model.layers[2]!.setWeights([zeros(33, 2), zeros(3)]),
    '[2]',
  ],
  ['top.setWeights', 'a ragged array', model => model.layers[2]!.setWeights([zeros(33, 2), [[1, 2], [1]]])],

  ['model.setStates', 'undefined', model => model.setStates(wrong(undefined))],
  ['model.setStates', 'too few arrays', model => model.setStates(states(model).slice(1))],
  ['model.setStates', 'h without c', model => model.setStates([states(model)[0]!, [zeros(3, 33)]]), '[h, c]'],
  [
    'model.setStates',
    'a last state of another batch size',
    model => model.setStates([states(model)[0]!, [zeros(3, 33), zeros(2, 33)]]),
  ],
  [
    'model.setStates',
    'states with padded units',
    model => model.setStates([states(model)[0]!, [zeros(3, 36), zeros(3, 36)]]),
    '[3, 33]',
  ],
  ['model.setStates', 'a ragged array', model => model.setStates([states(model)[0]!, [zeros(3, 33), [[1, 2], [1]]]])],
  ['model.setStates', 'null at the end', model => model.setStates([states(model)[0]!, [zeros(3, 33), wrong(null)]])],

  ['model.getLayer', 'a misspelled name', model => model.getLayer('tpo'), "did you mean 'top'?"],
  ['model.getLayer', 'a number as the name', model => model.getLayer(wrong(1))],
  ['model.getLayer', 'no arguments', model => model.getLayer()],
  ['model.getLayer', 'an index beyond the last layer', model => model.getLayer(null, 3)],
  ['model.getLayer', 'an index below zero', model => model.getLayer(null, -1)],
  ['model.getLayer', 'NaN as the index', model => model.getLayer(undefined, nan)],

  [
    'configure',
    'another build while a model exists',
    () => configure({ simd: backendInfo().simd === 'strict' ? 'relaxed' : 'strict' }),
  ],
  ['init', 'a call after the first model', () => init({ bytes: emptyModule })],
];

function expectSameModels(got: Sequential, expected: Sequential): void {
  for (const [n, weight] of expected.getWeights().entries()) {
    expectBits(got.getWeights()[n]!.dataSync(), weight.dataSync(), `weight ${n}`);
  }
  for (const [n, state] of expected.getStates().flat().entries()) {
    expectBits(got.getStates().flat()[n]!.dataSync(), state.dataSync(), `state ${n}`);
  }
}

/**
 * Two models with the same weights, trained for one step. A difference of their optimizers shows in the next steps.
 */
function twins(make: () => Sequential, { x, y }: { x: Tensor; y: Tensor }): [Sequential, Sequential] {
  const models: [Sequential, Sequential] = [make(), make()];
  models[1].setWeights(models[0].getWeights());
  for (const model of models) model.trainOnBatch(x, y);
  return models;
}

describe('invalid calls of a model', () => {
  test.each(invalidCalls)('%s rejects %s and does not change a trained model', (name, _, call, message = '') => {
    const [model, twin] = twins(stateful, batch);
    const { optimizer } = model;
    expect(messageOf(name, () => call(model))).toContain(message);

    expect(model.layers.map(layer => layer.name)).toEqual(['first', 'second', 'top']);
    expect(model.optimizer).toBe(optimizer);
    expectSameModels(model, twin);
    for (const steps of [4, 2, 4]) {
      const x = batchOf(3, steps, 2);
      expect(model.trainOnBatch(x, batch.y)).toBe(twin.trainOnBatch(x, batch.y));
      expectSameModels(model, twin);
    }
    expectBits(model.predict(batch.x).dataSync(), twin.predict(batch.x).dataSync(), 'prediction');
    model.dispose();
    twin.dispose();
  });

  test.each(invalidCalls)('%s rejects %s and does not change a new model', (name, _, call, message = '') => {
    setRandomSeed(1);
    const model = stateful();
    expect(messageOf(name, () => call(model))).toContain(message);
    setRandomSeed(1);
    const twin = stateful();
    expectSameModels(model, twin);
    expect(model.trainOnBatch(batch.x, batch.y)).toBe(twin.trainOnBatch(batch.x, batch.y));
    expectSameModels(model, twin);
    model.dispose();
    twin.dispose();
  });
});

describe('random numbers after invalid calls', () => {
  const nextWeights = () =>
    stateless()
      .getWeights()
      .flatMap(weight => [...weight.dataSync()]);
  test.each<[string, () => unknown]>([
    ['setRandomSeed', () => setRandomSeed(nan)],
    ['model.add, another shape', () => stateful().add(layers.lstm({ units: 2 }))],
    ['model.add, a wrong weight', () => stateful().add(layers.dense({ units: 2, weights: [zeros(33, 2), zeros(3)] }))],
    ['layers.lstm', () => layers.lstm({ units: nan })],
    ['initializers.glorotUniform', () => initializers.glorotUniform({ seed: nan })],
  ])('an invalid call does not change the next random numbers: %s', (name, call) => {
    const run = (invalid: boolean) => {
      setRandomSeed(1);
      stateful();
      if (invalid) expect(call).toThrow(ValueError);
      else if (name.startsWith('model.add')) stateful();
      return nextWeights();
    };
    expectBits(run(true), run(false));
  });
});

describe('layers after invalid calls', () => {
  test('a layer that sequential rejected with others can be used again', () => {
    const layer = layers.dense({ units: 1, inputShape: [1] });
    expect(() => sequential({ layers: [layer, wrong(5)] })).toThrow(ValueError);
    sequential({ layers: [layer] });
  });

  test('a layer that model.add rejected can be added to another model', () => {
    const layer = layers.lstm({ units: 1 });
    expect(() => stateful().add(layer)).toThrow(ValueError);
    const model = sequential({ layers: [layers.inputLayer({ inputShape: [1, 1] })] });
    model.add(layer);
    expect(model.predict([[[1]]]).shape).toEqual([1, 1]);
  });

  test('a layer can be used again after model.add rejected its wrapper', () => {
    const layer = layers.dense({ units: 1, inputShape: [1] });
    expect(() => stateful().add(layers.timeDistributed({ layer }))).toThrow(ValueError);
    sequential({ layers: [layer] });
  });
});

describe('calls in the wrong order', () => {
  const model = () => sequential({ layers: [layers.lstm({ units: 2, inputShape: [3, 1] })] });
  const [x, y] = [zeros(2, 3, 1), zeros(2, 2)];

  describeRejections('model.trainOnBatch', [
    ['a call before compile', () => model().trainOnBatch(x, y), 'call model.compile'],
    ['a model without layers', () => sequential().trainOnBatch(x, y), 'call model.add'],
  ]);
  describeRejections('model.testOnBatch', [
    ['a call before compile', () => model().testOnBatch(x, y), 'call model.compile'],
  ]);
  describeRejections('model.predict', [['a model without layers', () => sequential().predict(x), 'call model.add']]);
  describeRejections('model.predictOnBatch', [
    ['a model without layers', () => sequential().predictOnBatch(x), 'call model.add'],
  ]);
  describeRejections('model.pop', [['a model without layers', () => sequential().pop()]]);
  describeRejections('model.inputs', [['a model without layers', () => sequential().inputs]]);
  describeRejections('model.outputs', [['a model without layers', () => sequential().outputs]]);
  describeRejections('model.outputShape', [['a model without layers', () => sequential().outputShape]]);
  describeRejections('model.getStates', [['a stateless model', () => model().getStates(), 'stateful']]);
  describeRejections('model.setStates', [['a stateless model', () => model().setStates([]), 'stateful']]);
  describeRejections('model.add', [
    ['a first layer without an input shape', () => sequential().add(layers.dense({ units: 1 })), 'inputShape'],
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
  describeRejections('alone.setWeights', [
    ['a layer without a model', () => layers.dense({ units: 1, name: 'alone' }).setWeights([]), 'model.add'],
  ]);
  describeRejections('alone.getWeights', [
    ['a layer without a model', () => layers.dense({ units: 1, name: 'alone' }).getWeights(), 'model.add'],
  ]);
});

describe('batches of a stateless model', () => {
  const run = (x: unknown) => () => stateless().predict(wrong(x));
  describeRejections('model.predict', [
    ['a flat array with an incomplete sample', run(new Float32Array(12)), '[null, 4, 2]'],
    ['an empty flat array', run(new Float32Array(0)), '[null, 4, 2]'],
    ['too few steps', run(zeros(2, 3, 2)), '[null, 4, 2], got [2, 3, 2]'],
    ['big integers', run(new BigInt64Array(8))],
    ['a DataView', run(new DataView(new ArrayBuffer(32)))],
    [
      'a single sample without a batch axis',
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

// Without a limit on the depth, this ends the process, not only the test.
test('predict rejects an array that contains itself', () => {
  const list: unknown[] = [];
  list.push(list);
  messageOf('model.predict', () => stateless().predict(wrong(list)));
});

test('writing to the shape of a tensor does not change the tensor', () => {
  const x = batchOf(2, 4, 2);
  try {
    wrong(x.shape)[0] = 1;
  } catch {} // a frozen shape throws here
  expect(stateless().predict(x).shape).toEqual([2, 4, 1]);
});

// A workspace must be smaller than 1 GiB, so these calls fail before anything is allocated.
describe('sizes that do not fit into memory', () => {
  const huge = () => {
    const model = sequential({ layers: [layers.lstm({ units: 200_000, name: 'huge', inputShape: [null, 1] })] });
    model.compile({ optimizer: 'adam', loss: 'mse' });
    return model;
  };
  const message = 'must fit into memory';
  describeRejections('model.predict', [
    ['200,000 units', () => huge().predict([[[1]]]), message],
    ['a workspace', () => lstmOf(64).predict(zeros(1024, 1024, 1), { batchSize: 1024 }), message],
    ['2^33 units of a dense layer', () => denseOf(2 ** 33).predict([[1]]), message],
    ['2^52 units of a dense layer', () => denseOf(2 ** 52).predict([[1]]), message],
    [
      'an output of 80 GB',
      () => {
        const layer = layers.lstm({ units: 200_000, returnSequences: true, inputShape: [null, 1] });
        sequential({ layers: [layer] }).predict(zeros(1000, 100, 1));
      },
      message,
    ],
  ]);
  describeRejections('model.predictOnBatch', [['200,000 units', () => huge().predictOnBatch([[[1]]]), message]]);
  describeRejections('model.trainOnBatch', [
    ['200,000 units', () => huge().trainOnBatch([[[1]]], zeros(1, 200_000)), message],
  ]);
  describeRejections('model.testOnBatch', [
    ['200,000 units', () => huge().testOnBatch([[[1]]], zeros(1, 200_000)), message],
  ]);
  describeRejections('model.getWeights', [['200,000 units', () => huge().getWeights(), message]]);
  describeRejections('huge.getWeights', [['200,000 units', () => huge().layers[0]!.getWeights(), message]]);
  describeRejections('model.getStates', [
    [
      'two billion units',
      () => {
        const layer = layers.lstm({ units: 2 ** 31, stateful: true, batchInputShape: [1, 1, 1] });
        sequential({ layers: [layer] }).getStates();
      },
      message,
    ],
  ]);

  test('the layers of a model that does not fit into memory can be changed', () => {
    const model = huge();
    expect(() => model.getWeights()).toThrow(message);
    const layer = layers.dense({ units: 1 });
    model.add(layer);
    model.pop();
    expect(model.layers).toHaveLength(1);
    setRandomSeed(1);
    const [kernel] = sequential({ layers: [layers.inputLayer({ inputShape: [2] }), layer] }).getWeights();
    setRandomSeed(1);
    expectBits(kernel!.dataSync(), denseOf(1, 2).getWeights()[0]!.dataSync());
  });

  test('setWeights and setStates change no layer when memory for the second is missing', () => {
    const options = { stateful: true, returnSequences: true };
    const model = sequential({
      layers: [layers.lstm({ units: 3, batchInputShape: [2, 1, 2], ...options }), layers.gru({ units: 9, ...options })],
    });
    model.predict(zeros(2, 1, 2));
    const weights = model.getWeights().map(weight => weight.add(1));
    const states = model.getStates().map(list => list.map(state => state.add(1)));
    const { allocate } = kernels();
    for (const [limit, call] of [
      [1000, () => model.setWeights(weights)],
      [120, () => model.setStates(states)],
    ] as const) {
      const before = model.snapshot();
      const allocateWithLimit = vi.spyOn(kernels(), 'allocate').mockImplementation(bytes => {
        if (bytes > limit) throw new WebAssembly.RuntimeError('unreachable');
        return allocate(bytes);
      });
      expect(call).toThrow(message);
      allocateWithLimit.mockRestore();
      expectBits(model.snapshot(), before);
      call();
    }
  });

  test('the model still predicts small batches after one that does not fit into memory', () => {
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
    model.trainOnBatch(batch.x, batch.y);
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
    ['model.trainOnBatch', model => model.trainOnBatch(batch.x, batch.y)],
    ['model.testOnBatch', model => model.testOnBatch(batch.x, batch.y)],
    ['model.predict', model => model.predict(batch.x)],
    ['model.predictOnBatch', model => model.predictOnBatch(batch.x)],
    ['model.resetStates', model => model.resetStates()],
    ['model.getStates', model => model.getStates()],
    ['model.setStates', model => model.setStates([])],
    ['model.getWeights', model => model.getWeights()],
    ['model.setWeights', model => model.setWeights([])],
  ];
  test.each(calls)('%s rejects a disposed model', (name, call) => {
    expect(messageOf(name, () => call(disposed()))).toContain('dispose()');
  });

  test.each<[string, (model: Sequential) => unknown]>([
    ['getWeights', model => model.layers[2]!.getWeights()],
    ['setWeights', model => model.layers[2]!.setWeights([zeros(33, 2), zeros(2)])],
  ])('%s of a layer rejects a disposed model', (_, call) => {
    const model = disposed();
    expect(() => call(model)).toThrow(ValueError);
    expect(() => call(model)).toThrow(/dispose\(\)/);
  });
});

/** As documented, trainOnBatch then returns a loss that is not finite and changes nothing. */
describe('NaN and Infinity in the data', () => {
  beforeEach(() => void vi.spyOn(console, 'warn').mockReturnValue());
  afterEach(() => void vi.restoreAllMocks());
  const models: [string, () => Sequential][] = [
    ['lstm without padding', () => recurrent(8)],
    ['lstm with padding', () => recurrent(7)],
    ['lstm with returnSequences', () => recurrent(4, true)],
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

  const invalidValues: [string, number, 'x' | 'y'][] = [
    ['NaN in x', nan, 'x'],
    ['Infinity in x', infinity, 'x'],
    ['-Infinity in x', minusInfinity, 'x'],
    ['NaN in y', nan, 'y'],
    ['Infinity in y', infinity, 'y'],
    ['-Infinity in y', minusInfinity, 'y'],
  ];

  describe.each(models)('%s', (name, make) => {
    test.each(invalidValues)(`%s changes nothing in a model: ${name}`, (_, value, where) => {
      setRandomSeed(1);
      const shapeOf = (shape: lw.Shape) => shape.map((n, axis) => n ?? [3, 4][axis]!);
      const sample = make();
      const data = {
        x: batchOf(...shapeOf(sample.inputs[0]!.shape)),
        y: batchOf(...shapeOf(sample.outputs[0]!.shape)),
      };
      for (const index of [0, data[where].size - 1]) {
        const [model, twin] = twins(make, data);
        const invalid = { ...data };
        invalid[where] = tensor(data[where].dataSync().with(index, value), data[where].shape);

        const loss = model.trainOnBatch(invalid.x, invalid.y);
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

  test.each([1e10, 1e20, 1e30, 3e38])('trainOnBatch accepts magnitudes up to %d and keeps the weights finite', size => {
    for (const [name, make] of models) {
      const model = make();
      const shapeOf = (shape: lw.Shape) => shape.map((n, axis) => n ?? [3, 4][axis]!);
      const x = batchOf(...shapeOf(model.inputs[0]!.shape));
      const y = batchOf(...shapeOf(model.outputs[0]!.shape));
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
  test.each([4, 5])('getStates returns the whole state of %i units after an infinite input', units => {
    const model = sequential({ layers: [layers.lstm({ units, stateful: true, batchInputShape: [1, 1, 1] })] });
    model.predict([[[infinity]]]);
    const carried = model.getStates();
    const next = model.predict([[[0.5]]]).dataSync();
    model.setStates(carried);
    expectBits(next, model.predict([[[0.5]]]).dataSync());
  });

  test('testOnBatch returns a loss of NaN or Infinity', () => {
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

/** Finite numbers never give NaN or Infinity without a warning. */
describe('warnings of NaN and Infinity in results', () => {
  let warn: MockInstance<typeof console.warn>;
  beforeEach(() => {
    warn = vi.spyOn(console, 'warn').mockReturnValue();
  });
  afterEach(() => warn.mockRestore());
  /** The warnings since the last call. */
  const takeWarnings = () => {
    const messages = warn.mock.calls.map(([message]) => String(message));
    warn.mockClear();
    return messages;
  };
  const huge = 3e38;
  const advice = '; check that the data holds finite numbers, none of them huge, ';

  /** A model that adds its two inputs and multiplies the sum by zero: NaN for huge inputs. */
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
  ])('%s warns once: %s', async (call, text, run) => {
    const model = overflowing();
    await run(model);
    const [message, ...more] = takeWarnings();
    expect(more).toEqual([]);
    expect(message!.startsWith(`${call}: ${text}`)).toBe(true);
    expect(message).toContain(advice);
    expect(message).toMatch(/^[^\n]+[^\n.]$/);
    await run(model);
    expect(takeWarnings()).toHaveLength(call.startsWith('model.fit') ? 1 : 0); // every training warns anew
  });

  test('trainOnBatch warns when the loss overflows or the weights diverge', () => {
    const overflowingLoss = compiled([layers.dense({ units: 1, kernelInitializer: 'zeros', inputShape: [1] })]);
    expect(overflowingLoss.trainOnBatch([[1e30]], [[1e30]])).toBe(nan);
    expect(takeWarnings()).toEqual([expect.stringMatching(/^model\.trainOnBatch: the loss is NaN; such a batch/)]);

    const diverging = compiled([layers.dense({ units: 1, inputShape: [1] })], { optimizer: train.sgd(1e10) });
    let steps = 0;
    while (Number.isFinite(diverging.trainOnBatch([[1]], [[2]]))) {
      expect(takeWarnings()).toEqual([]);
      expect(++steps).toBeLessThan(100);
    }
    expect(takeWarnings()).toHaveLength(1);
  });

  test('predict and stream.step warn of Infinity in the last column', () => {
    for (const units of [1, 2, 3, 5, 8]) {
      const model = compiled([layers.dense({ units, kernelInitializer: 'zeros', inputShape: [1] })]);
      const weights = (value: number) => [zeros(1, units), tensor([...Array(units - 1).fill(0), value])];
      model.setWeights(weights(huge)); // its square overflows float32
      expect(
        model
          .predict([[1], [1], [1]])
          .dataSync()
          .at(-1),
      ).toBe(Math.fround(huge));
      model.stream().step([1]);
      expect(takeWarnings()).toEqual([]);
      model.setWeights(weights(minusInfinity));
      model.predict([[1], [1], [1]]);
      expect(takeWarnings()).toEqual([expect.stringMatching(/^model\.predict: the predictions hold -Infinity; /)]);
      model.setWeights(weights(infinity));
      model.stream().step([1]);
      expect(takeWarnings()).toEqual([expect.stringMatching(/^stream\.step: the output holds Infinity; /)]);
    }
  });

  test('NaN left in the workspace by a larger batch gives no warning', () => {
    const model = overflowing(3);
    model.predict([[1, 1], ...x]);
    expect(takeWarnings()).toHaveLength(1);
    model.setWeights(model.getWeights());
    model.predict([[1, 1]]);
    model.evaluate([[1, 1]], [[0, 0, 0]]);
    expect(takeWarnings()).toEqual([]);
  });

  test('a metric that is Infinity is named in the warning, and the batch is still trained on', () => {
    const layer = layers.dense({ units: 1, kernelInitializer: 'zeros', inputShape: [1] });
    const model = compiled([layer], { loss: 'mae', metrics: ['mse', 'mape'] });
    const [loss, , mape] = model.trainOnBatch([[1], [2]], [[huge], [-huge]]) as number[];
    expect([loss, mape]).toEqual([Math.fround(huge), infinity]);
    expect(takeWarnings()).toEqual([
      expect.stringMatching(/^model\.trainOnBatch: the metric 'mape' is Infinity; check/),
    ]);
    expect(model.getWeights()[0]!.dataSync()[0]).not.toBe(0);
  });

  test('inspect warns of NaN and Infinity', () => {
    const model = recurrent();
    model.setWeights([tensor([[1, 1]]), tensor([[1, -1], [1, -1]]), zeros(2)]); // biome-ignore format: one matrix
    const { h } = model.inspect(model.layers[0]!, [[[huge], [huge], [huge], [huge]]]);
    expect([...h.dataSync()].every(Number.isFinite)).toBe(false);
    expect(takeWarnings()).toEqual([expect.stringMatching(/^model\.inspect: h holds -?(NaN|Infinity); /)]);
  });

  test('a model, its streams and its copies of other batch sizes warn once together', () => {
    const model = overflowing();
    const batchOfTwo = model.withBatchSize(2);
    const stream = model.stream();
    model.predict(x);
    model.trainOnBatch(x, y);
    batchOfTwo.trainOnBatch([...x, ...x], [...y, ...y]);
    stream.step([huge, huge]);
    batchOfTwo.predict([...x, ...x]);
    expect(takeWarnings()).toHaveLength(1);
    overflowing().predict(x);
    expect(takeWarnings()).toHaveLength(1);
  });

  test.each<[string, (model: Sequential) => unknown, number]>([
    ['compile', model => model.compile({ optimizer: 'sgd', loss: 'mse' }), 1],
    ['setWeights', model => model.setWeights(model.getWeights()), 1],
    ['setWeights of a layer', model => model.layers[1]!.setWeights(model.layers[1]!.getWeights()), 1],
    ['restore', model => model.restore(model.snapshot()), 1],
    ['resetStates', model => model.resetStates(), 0],
    ['a rejected setWeights', model => expect(() => model.setWeights([])).toThrow(ValueError), 0],
  ])('NaN is reported again after %s if the weights or the training may have changed', (_, change, times) => {
    const model = overflowing();
    model.predict(x);
    expect(takeWarnings()).toHaveLength(1);
    change(model);
    model.predict(x);
    expect(takeWarnings()).toHaveLength(times);
  });
});
