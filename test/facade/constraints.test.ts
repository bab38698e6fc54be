// Regularizers and constraints as objects and names: what they are, and what is refused.

import { constraints, layers, regularizers, sequential } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { resolveConstraint } from '../../src/weights/constraints.ts';
import { resolveRegularizer } from '../../src/weights/regularizers.ts';
import { describeBad, wrong } from './bad.ts';
import { withRules } from './modelWithReference.ts';

const infinity = Number.POSITIVE_INFINITY;

describe('regularizers', () => {
  test('defaults are 0.01', () => {
    expect(regularizers.l1()).toMatchObject({ l1: 0.01, l2: 0 });
    expect(regularizers.l2()).toMatchObject({ l1: 0, l2: 0.01 });
    expect(regularizers.l1l2()).toMatchObject({ l1: 0.01, l2: 0.01 });
    expect(regularizers.l1l2({ l1: 1, l2: 0 })).toMatchObject({ l1: 1, l2: 0 });
  });

  test('by name, in every spelling of TF.js and Keras', () => {
    for (const [names, expected] of [
      [['l1', 'L1'], regularizers.l1()],
      [['l2', 'L2'], regularizers.l2()],
      [['l1l2', 'L1L2', 'l1_l2'], regularizers.l1l2()],
    ] as const) {
      for (const name of names) expect(resolveRegularizer('call', 'kernelRegularizer', name)).toEqual(expected);
    }
    for (const none of [null, undefined]) expect(resolveRegularizer('call', 'kernelRegularizer', none)).toBeNull();
    const own = regularizers.l2();
    expect(resolveRegularizer('call', 'kernelRegularizer', own)).toBe(own);
  });

  describeBad('regularizers.l1', [
    ['a number alone', () => regularizers.l1(wrong(0.1)), 'options must be an object'],
    ['a negative factor', () => regularizers.l1({ l1: -0.1 }), 'l1 must be'],
    ['the other one', () => regularizers.l1(wrong({ l2: 1 })), "unknown option 'l2'"],
  ]);
  describeBad('regularizers.l2', [['NaN', () => regularizers.l2({ l2: Number.NaN }), 'l2 must be']]);
  describeBad('regularizers.l1l2', [
    ['Infinity', () => regularizers.l1l2({ l1: infinity }), 'l1 must be'],
    ['a string', () => regularizers.l1l2({ l2: wrong('1') }), 'l2 must be'],
  ]);
  describeBad('call', [
    ['an unknown name', () => resolveRegularizer('call', 'biasRegularizer', 'l3'), "unknown biasRegularizer 'l3'"],
    ['a name of Object', () => resolveRegularizer('call', 'biasRegularizer', 'toString'), 'unknown biasRegularizer'],
    ['a number', () => resolveRegularizer('call', 'biasRegularizer', 0.1), 'must be one of regularizers.* or a name'],
    [
      'a constraint',
      () => resolveRegularizer('call', 'biasRegularizer', constraints.nonNeg()),
      'must be one of regularizers.*',
    ],
  ]);
});

describe('constraints', () => {
  test('defaults', () => {
    expect(constraints.maxNorm()).toMatchObject({ className: 'MaxNorm', minValue: 0, maxValue: 2, axis: 0 });
    expect(constraints.unitNorm()).toMatchObject({ className: 'UnitNorm', minValue: 1, maxValue: 1, axis: 0 });
    const minMax = { className: 'MinMaxNorm', minValue: 0, maxValue: 1, rate: 1, axis: 0 };
    expect(constraints.minMaxNorm()).toMatchObject(minMax);
    expect(constraints.nonNeg()).toMatchObject({ className: 'NonNeg' });
  });

  test.each(['maxNorm', 'nonNeg', 'unitNorm', 'minMaxNorm'] as const)('%s by name, in every spelling', name => {
    const snake = name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
    for (const spelling of [name, snake, name.charAt(0).toUpperCase() + name.slice(1)]) {
      expect(resolveConstraint('call', 'kernelConstraint', spelling)).toEqual(constraints[name]());
    }
  });

  test('none, or an object as it is', () => {
    for (const none of [null, undefined]) expect(resolveConstraint('call', 'kernelConstraint', none)).toBeNull();
    const own = constraints.nonNeg();
    expect(resolveConstraint('call', 'kernelConstraint', own)).toBe(own);
  });

  describeBad('constraints.maxNorm', [
    ['a number alone', () => constraints.maxNorm(wrong(2)), 'options must be an object'],
    ['a negative norm', () => constraints.maxNorm({ maxValue: -1 }), 'maxValue must be'],
    ['half an axis', () => constraints.maxNorm({ axis: 0.5 }), 'axis must be'],
    ['a list of axes', () => constraints.maxNorm({ axis: wrong([0, 1]) }), 'axis must be'],
  ]);
  describeBad('constraints.unitNorm', [
    ['an unknown option', () => constraints.unitNorm(wrong({ maxValue: 1 })), "unknown option 'maxValue'"],
  ]);
  describeBad('constraints.minMaxNorm', [
    ['bounds turned round', () => constraints.minMaxNorm({ minValue: 2, maxValue: 1 }), 'maxValue must be'],
    ['a rate above one', () => constraints.minMaxNorm({ rate: 1.5 }), 'rate must be'],
    ['a negative bound', () => constraints.minMaxNorm({ minValue: -1 }), 'minValue must be'],
  ]);
  describeBad('call', [
    ['an unknown name', () => resolveConstraint('call', 'biasConstraint', 'maxnrm'), "did you mean 'maxNorm'?"],
    [
      'a regularizer',
      () => resolveConstraint('call', 'biasConstraint', regularizers.l2()),
      'must be one of constraints.*',
    ],
  ]);
  const build = (axis: number) => () => {
    const layer = layers.dense({ units: 2, inputShape: [3] });
    sequential({ layers: [withRules(layer, { bias: { constraint: constraints.unitNorm({ axis }) } })] });
  };
  describeBad('sequential', [
    ['an axis that the weight does not have', build(1), 'axis must be an axis of bias [2], from -1 to 0, got 1'],
    ['one before the first', build(-2), 'axis must be an axis of bias [2], from -1 to 0, got -2'],
  ]);
});
