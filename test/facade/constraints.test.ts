// Regularizers and constraints: defaults, names, and invalid arguments.

import { constraints, layers, regularizers, sequential } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { resolveConstraint } from '../../src/weights/constraints.ts';
import { resolveRegularizer } from '../../src/weights/regularizers.ts';
import { describeRejections, wrong } from './invalidArguments.ts';
import { withRules } from './modelWithReference.ts';

const infinity = Number.POSITIVE_INFINITY;

describe('regularizers', () => {
  test('regularizers have the default factor 0.01', () => {
    expect(regularizers.l1()).toMatchObject({ l1: 0.01, l2: 0 });
    expect(regularizers.l2()).toMatchObject({ l1: 0, l2: 0.01 });
    expect(regularizers.l1l2()).toMatchObject({ l1: 0.01, l2: 0.01 });
    expect(regularizers.l1l2({ l1: 1, l2: 0 })).toMatchObject({ l1: 1, l2: 0 });
  });

  test('regularizers have the names of TF.js and Keras in every spelling', () => {
    for (const [names, expected] of [
      [['l1', 'L1'], regularizers.l1()],
      [['l2', 'L2'], regularizers.l2()],
      [['l1l2', 'L1L2', 'l1_l2'], regularizers.l1l2()],
    ] as const) {
      for (const name of names) expect(resolveRegularizer('layers.dense', 'kernelRegularizer', name)).toEqual(expected);
    }
    for (const none of [null, undefined])
      expect(resolveRegularizer('layers.dense', 'kernelRegularizer', none)).toBeNull();
    const regularizer = regularizers.l2();
    expect(resolveRegularizer('layers.dense', 'kernelRegularizer', regularizer)).toBe(regularizer);
  });

  describeRejections('regularizers.l1', [
    ['a number for its options', () => regularizers.l1(wrong(0.1)), 'options must be an object'],
    ['a negative factor', () => regularizers.l1({ l1: -0.1 }), 'l1 must be'],
    ['the option l2', () => regularizers.l1(wrong({ l2: 1 })), "unknown option 'l2'"],
  ]);
  describeRejections('regularizers.l2', [['NaN', () => regularizers.l2({ l2: Number.NaN }), 'l2 must be']]);
  describeRejections('regularizers.l1l2', [
    ['Infinity', () => regularizers.l1l2({ l1: infinity }), 'l1 must be'],
    ['a string', () => regularizers.l1l2({ l2: wrong('1') }), 'l2 must be'],
  ]);
  describeRejections('layers.dense', [
    [
      'an unknown name',
      () => resolveRegularizer('layers.dense', 'biasRegularizer', 'l3'),
      "unknown biasRegularizer 'l3'",
    ],
    [
      'a name that every object has',
      () => resolveRegularizer('layers.dense', 'biasRegularizer', 'toString'),
      'unknown biasRegularizer',
    ],
    [
      'a number',
      () => resolveRegularizer('layers.dense', 'biasRegularizer', 0.1),
      'must be one of regularizers.* or a name',
    ],
    [
      'a constraint',
      () => resolveRegularizer('layers.dense', 'biasRegularizer', constraints.nonNeg()),
      'must be one of regularizers.*',
    ],
  ]);
});

describe('constraints', () => {
  test('constraints have the defaults of TF.js', () => {
    expect(constraints.maxNorm()).toMatchObject({ className: 'MaxNorm', minValue: 0, maxValue: 2, axis: 0 });
    expect(constraints.unitNorm()).toMatchObject({ className: 'UnitNorm', minValue: 1, maxValue: 1, axis: 0 });
    const minMax = { className: 'MinMaxNorm', minValue: 0, maxValue: 1, rate: 1, axis: 0 };
    expect(constraints.minMaxNorm()).toMatchObject(minMax);
    expect(constraints.nonNeg()).toMatchObject({ className: 'NonNeg' });
  });

  test.each(['maxNorm', 'nonNeg', 'unitNorm', 'minMaxNorm'] as const)(
    '%s has the names of TF.js and Keras in every spelling',
    name => {
      const snake = name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
      for (const spelling of [name, snake, name.charAt(0).toUpperCase() + name.slice(1)]) {
        expect(resolveConstraint('layers.dense', 'kernelConstraint', spelling)).toEqual(constraints[name]());
      }
    },
  );

  test('constraints resolve null to null, and return objects unchanged', () => {
    for (const none of [null, undefined])
      expect(resolveConstraint('layers.dense', 'kernelConstraint', none)).toBeNull();
    const constraint = constraints.nonNeg();
    expect(resolveConstraint('layers.dense', 'kernelConstraint', constraint)).toBe(constraint);
  });

  describeRejections('constraints.maxNorm', [
    ['a number for its options', () => constraints.maxNorm(wrong(2)), 'options must be an object'],
    ['a negative norm', () => constraints.maxNorm({ maxValue: -1 }), 'maxValue must be'],
    ['an axis of 0.5', () => constraints.maxNorm({ axis: 0.5 }), 'axis must be'],
    ['a list of axes', () => constraints.maxNorm({ axis: wrong([0, 1]) }), 'axis must be'],
  ]);
  describeRejections('constraints.unitNorm', [
    ['an unknown option', () => constraints.unitNorm(wrong({ maxValue: 1 })), "unknown option 'maxValue'"],
  ]);
  describeRejections('constraints.minMaxNorm', [
    ['a maxValue below minValue', () => constraints.minMaxNorm({ minValue: 2, maxValue: 1 }), 'maxValue must be'],
    ['a rate above one', () => constraints.minMaxNorm({ rate: 1.5 }), 'rate must be'],
    ['a negative bound', () => constraints.minMaxNorm({ minValue: -1 }), 'minValue must be'],
  ]);
  describeRejections('layers.dense', [
    ['an unknown name', () => resolveConstraint('layers.dense', 'biasConstraint', 'maxnrm'), "did you mean 'maxNorm'?"],
    [
      'a regularizer',
      () => resolveConstraint('layers.dense', 'biasConstraint', regularizers.l2()),
      'must be one of constraints.*',
    ],
  ]);
  const build = (axis: number) => () => {
    const layer = layers.dense({ units: 2, inputShape: [3] });
    sequential({ layers: [withRules(layer, { bias: { constraint: constraints.unitNorm({ axis }) } })] });
  };
  describeRejections('sequential', [
    ['an axis that the weight does not have', build(1), 'axis must be an axis of bias [2], from -1 to 0, got 1'],
    ['an axis before the first', build(-2), 'axis must be an axis of bias [2], from -1 to 0, got -2'],
  ]);
});
