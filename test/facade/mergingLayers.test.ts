// Options, shapes and configurations of merging layers and attention.

import { input, type Layer, layers, model, ones } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';

const wrong = (value: unknown) => value as never;

test.each<[string, () => unknown, string]>([
  ['an unknown option', () => layers.add(wrong({ axis: 1 })), "layers.add: unknown option 'axis'"],
  [
    'the batch as an axis',
    () => layers.concatenate({ axis: 0 }),
    'layers.concatenate: axis must be -1 for features or 1 for time steps, got 0',
  ],
  [
    'a fractional axis',
    () => layers.concatenate({ axis: 0.5 }),
    'layers.concatenate: axis must be -1 for features or 1 for time steps, got 0.5',
  ],
  [
    'no axes',
    () => layers.dot(wrong({})),
    'layers.dot: axes must be an integer or two integers, none of them 0, got undefined',
  ],
  [
    'one axis in a list',
    () => layers.dot({ axes: wrong([1]) }),
    'layers.dot: axes must be an integer or two integers, none of them 0, got [1]',
  ],
  [
    'a number as normalize',
    () => layers.dot({ axes: 1, normalize: wrong(1) }),
    'layers.dot: normalize must be true or false, got 1',
  ],
  [
    'an unknown scoreMode',
    () => layers.attention({ scoreMode: wrong('sum') }),
    "layers.attention: unknown scoreMode 'sum'; known: 'dot', 'concat'",
  ],
  [
    'a dropout of 1',
    () => layers.additiveAttention({ dropout: 1 }),
    'layers.additiveAttention: dropout must be a finite number at least 0 and below 1, got 1',
  ],
  [
    'no heads',
    () => layers.multiHeadAttention({ numHeads: 0, keyDim: 2 }),
    'layers.multiHeadAttention: numHeads must be an integer of at least 1, got 0',
  ],
  [
    'an output shape of two axes',
    () => layers.multiHeadAttention({ numHeads: 1, keyDim: 2, outputShape: wrong([2, 3]) }),
    'layers.multiHeadAttention: outputShape must be the number of output features, got [2, 3]',
  ],
  [
    'other axes of attention',
    () => layers.multiHeadAttention({ numHeads: 1, keyDim: 2, attentionAxes: wrong([2]) }),
    'layers.multiHeadAttention: attentionAxes must be 1, the time steps, got [2]',
  ],
  [
    'the scores of several heads',
    () => layers.multiHeadAttention(wrong({ numHeads: 1, keyDim: 2, returnAttentionScores: true })),
    'layers.multiHeadAttention: returnAttentionScores must be false, because a model cannot have outputs of the shape ' +
      '[batch, heads, queries, keys]',
  ],
])('rejects %s', (_, make, message) => {
  expect(make).toThrow(message);
});

type Shapes = (number | null)[][];

/** The output shapes of a layer, or the error. */
const connect = (layer: Layer, inputs: Shapes) => layer.connect('test', inputs);

describe('output shapes', () => {
  test.each<[string, () => Layer, Shapes, Shapes]>([
    [
      'add of sequences',
      () => layers.add(),
      [
        [null, 5, 3],
        [null, 5, 3],
      ],
      [[null, 5, 3]],
    ],
    [
      'add with unknown time steps',
      () => layers.add(),
      [
        [null, null, 3],
        [null, 5, 3],
      ],
      [[null, null, 3]],
    ],
    [
      'add of a vector to each step',
      () => layers.add(),
      [
        [null, 3],
        [4, null, 3],
      ],
      [[4, null, 3]],
    ],
    [
      'multiply by one feature',
      () => layers.multiply(),
      [
        [null, 5, 3],
        [null, 5, 1],
      ],
      [[null, 5, 3]],
    ],
    [
      'concatenate along features',
      () => layers.concatenate(),
      [
        [null, null, 3],
        [2, 5, 4],
      ],
      [[2, 5, 7]],
    ],
    [
      'concatenate along time',
      () => layers.concatenate({ axis: 1 }),
      [
        [null, 2, 3],
        [null, 5, 3],
      ],
      [[null, 7, 3]],
    ],
    [
      'concatenate of unknown lengths',
      () => layers.concatenate({ axis: -2 }),
      [
        [2, null, 3],
        [2, 5, 3],
      ],
      [[2, null, 3]],
    ],
    [
      'dot of vectors',
      () => layers.dot({ axes: -1 }),
      [
        [null, 3],
        [null, 3],
      ],
      [[null, 1]],
    ],
    [
      'dot of sequences',
      () => layers.dot({ axes: [1, 2] }),
      [
        [2, 4, 5],
        [2, 3, 4],
      ],
      [[2, 5, 3]],
    ],
    [
      'dot of a sequence and a vector',
      () => layers.dot({ axes: [2, 1] }),
      [
        [2, 4, 5],
        [2, 5],
      ],
      [[2, 4]],
    ],
    [
      'attention',
      () => layers.attention(),
      [
        [2, 4, 5],
        [2, null, 5],
      ],
      [[2, 4, 5]],
    ],
    [
      'attention with scores',
      () => layers.attention({ returnAttentionScores: true }),
      [
        [2, 4, 5],
        [2, 6, 3],
        [2, 6, 5],
      ],
      [
        [2, 4, 3],
        [2, 4, 6],
      ],
    ],
    [
      'attention with heads',
      () => layers.multiHeadAttention({ numHeads: 2, keyDim: 3, outputShape: 7 }),
      [
        [2, 4, 5],
        [2, 6, 3],
      ],
      [[2, 4, 7]],
    ],
  ])('of %s', (_, make, inputs, expected) => {
    expect(connect(make(), inputs)).toEqual(expected);
  });

  test.each<[string, Layer, Shapes, string]>([
    ['one input', layers.add({ name: 'm' }), [[2, 3]], 'm takes 2 or more inputs, got 1'],
    [
      'three inputs to subtract',
      layers.subtract({ name: 'm' }),
      [
        [2, 3],
        [2, 3],
        [2, 3],
      ],
      'm takes 2 inputs, got 3',
    ],
    [
      'other widths',
      layers.add({ name: 'm' }),
      [
        [2, 5, 3],
        [2, 5, 4],
      ],
      'the inputs of m must have equal sizes or sizes of 1, got [2, 5, 3] and [2, 5, 4]',
    ],
    [
      'other batch sizes',
      layers.maximum({ name: 'm' }),
      [
        [2, 3],
        [1, 3],
      ],
      'the inputs of m must have equal sizes or sizes of 1, got [2, 3] and [1, 3]',
    ],
    [
      'other lengths',
      layers.concatenate({ name: 'm' }),
      [
        [2, 5, 3],
        [2, 4, 3],
      ],
      'the inputs of m must have equal sizes except along axis 2, got [2, 5, 3] and [2, 4, 3]',
    ],
    [
      'an axis of no input',
      layers.concatenate({ name: 'm', axis: -2 }),
      [
        [2, 3],
        [2, 3],
      ],
      'axis of m must be an axis of [2, 3] other than the batch, got -2',
    ],
    [
      'other sizes along the axes',
      layers.dot({ name: 'm', axes: 1 }),
      [
        [2, 3],
        [2, 4],
      ],
      'the inputs of m must have equal batch sizes, and equal sizes along the axes 1 and 1, got [2, 3] and [2, 4]',
    ],
    [
      'axes that the inputs do not have',
      layers.dot({ name: 'm', axes: 2 }),
      [
        [2, 3],
        [2, 3],
      ],
      'axes of m must be axes of [2, 3] and [2, 3] other than the batch, got 2',
    ],
    [
      'one sequence',
      layers.attention({ name: 'm' }),
      [[2, 3, 4]],
      'm takes [query, value] or [query, value, key], got 1 inputs',
    ],
    [
      'vectors',
      layers.additiveAttention({ name: 'm' }),
      [
        [2, 3],
        [2, 3],
      ],
      'm takes sequences [batch, timeSteps, features], got [2, 3]',
    ],
    [
      'keys of other widths',
      layers.attention({ name: 'm' }),
      [
        [2, 3, 4],
        [2, 3, 5],
      ],
      'query and key of m must have the same number of features, got [2, 3, 4] and [2, 3, 5]',
    ],
    [
      'more keys than values',
      layers.multiHeadAttention({ name: 'm', numHeads: 1, keyDim: 1 }),
      [
        [2, 3, 4],
        [2, 3, 5],
        [2, 4, 5],
      ],
      'value and key of m must have the same number of time steps, got [2, 3, 5] and [2, 4, 5]',
    ],
  ])('rejects %s', (_, layer, inputs, message) => {
    expect(() => connect(layer, inputs)).toThrow(`test: ${message}`);
  });
});

test.each<[string, () => Layer, (config: never) => Layer]>([
  ['add', () => layers.add({ name: 'm' }), layers.add],
  ['concatenate', () => layers.concatenate({ axis: 1 }), layers.concatenate],
  ['dot', () => layers.dot({ axes: [1, -1], normalize: true }), layers.dot],
  [
    'attention',
    () => layers.attention({ useScale: true, scoreMode: 'concat', dropout: 0.5, seed: 3, useCausalMask: true }),
    layers.attention,
  ],
  ['additiveAttention', () => layers.additiveAttention({ returnAttentionScores: true }), layers.additiveAttention],
  [
    'multiHeadAttention',
    () => layers.multiHeadAttention({ numHeads: 2, keyDim: 3, valueDim: 4, outputShape: 5, kernelRegularizer: 'l1l2' }),
    layers.multiHeadAttention,
  ],
])('the configuration of %s rebuilds the layer', (_, make, rebuild) => {
  const config = make().getConfig();
  expect(rebuild(config as never).getConfig()).toEqual(config);
  expect(rebuild(JSON.parse(JSON.stringify(config)) as never).getConfig()).toEqual(config);
});

test.each<[string, () => Layer, string]>([
  ['add', () => layers.add({ name: 'm' }), 'equal sizes or sizes of 1, got [2, 4, 5] and [2, 3, 5]'],
  [
    'concatenate',
    () => layers.concatenate({ name: 'm' }),
    'equal sizes except along axis 2, got [2, 4, 5] and [2, 3, 5]',
  ],
  [
    'dot',
    () => layers.dot({ name: 'm', axes: 1 }),
    'equal batch sizes, and equal sizes along the axes 1 and 1, got [2, 4, 5] and [2, 3, 5]',
  ],
])('%s rejects numbers of time steps that differ only in a batch', (_, make, message) => {
  const [a, b] = [input({ shape: [null, 5] }), input({ shape: [null, 5] })];
  const net = model({ inputs: [a, b], outputs: make().apply([a, b]) });
  expect(() => net.predict([ones([2, 4, 5]), ones([2, 3, 5])])).toThrow(
    `model.predict: the inputs of m must have ${message}`,
  );
});
