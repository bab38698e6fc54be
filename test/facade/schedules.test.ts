// Learning-rate schedules: formulas, the numbers of Keras's tests, bits, and invalid arguments.
//
// Keras: keras-team/keras, keras/src/optimizers/schedules/learning_rate_schedule_test.py, whose tolerance is 1e-6.

import { type Schedule, schedules } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { exp, ln, power as pow } from '../../src/util/math.ts';
import { expectClose } from '../compare.ts';
import { describeRejections, wrong } from './invalidArguments.ts';

const ratesAt = (schedule: Schedule, steps: readonly number[]) => steps.map(step => schedule.at(step));
const range = (count: number, stride = 1) => Array.from({ length: count }, (_, n) => n * stride);

function expectRates(schedule: Schedule, expected: Record<number, number>): void {
  const steps = Object.keys(expected).map(Number);
  expectClose(ratesAt(schedule, steps), Object.values(expected), { abs: 0, rel: 1e-13 });
}

test('constant gives the same rate at every step', () => {
  expect(ratesAt(schedules.constant({ learningRate: 0.3 }), [0, 1, 1e6])).toEqual([0.3, 0.3, 0.3]);
});

describe('step', () => {
  test('step keeps the previous value at a boundary, as Keras does', () => {
    const wide = schedules.step({ boundaries: [100, 110, 120], values: [1, 0.1, 0.01, 0.001] });
    expect(ratesAt(wide, [0, 100, 105, 110, 120, 999])).toEqual([1, 1, 0.1, 0.1, 0.01, 0.001]);
    const narrow = schedules.step({ boundaries: [1, 2, 3], values: [0.4, 0.5, 0.6, 0.7] });
    expect(ratesAt(narrow, range(5))).toEqual([0.4, 0.4, 0.5, 0.6, 0.7]);
  });

  test('step without boundaries is constant, and later changes of the arrays have no effect', () => {
    expect(schedules.step({ boundaries: [], values: [0.5] }).at(7)).toBe(0.5);
    const values = [1, 2];
    const schedule = schedules.step({ boundaries: [0], values });
    values[0] = 5;
    expect(schedule.at(0)).toBe(1);
  });
});

describe('exponentialDecay', () => {
  test('exponentialDecay gives the rates of Keras', () => {
    const smooth = schedules.exponentialDecay({ initialLearningRate: 0.05, decaySteps: 10, decayRate: 0.96 });
    expectRates(smooth, { 0: 0.05, 5: 0.05 * 0.96 ** 0.5, 10: 0.05 * 0.96 });
    const staircase = { initialLearningRate: 0.1, decaySteps: 3, decayRate: 0.96, staircase: true };
    expectRates(schedules.exponentialDecay(staircase), { 1: 0.1, 2: 0.1, 3: 0.096, 100: 0.1 * 0.96 ** 33 });
  });

  test('exponentialDecay with a decayRate of 0 is 0 after the first step', () => {
    const schedule = schedules.exponentialDecay({ initialLearningRate: 1, decaySteps: 10, decayRate: 0 });
    expect(ratesAt(schedule, [0, 1, 100])).toEqual([1, 0, 0]);
  });
});

test('inverseTimeDecay gives the rates of Keras', () => {
  const options = { initialLearningRate: 0.1, decaySteps: 10, decayRate: 0.96 };
  const smooth = ratesAt(schedules.inverseTimeDecay(options), range(11));
  expectClose(
    smooth,
    range(11).map(step => 0.1 / (1 + (step / 10) * 0.96)),
    { abs: 0, rel: 1e-14 },
  );
  const staircase = ratesAt(schedules.inverseTimeDecay({ ...options, staircase: true }), range(11));
  expectClose(
    staircase,
    range(11).map(step => 0.1 / (1 + 0.96 * Math.floor(step / 10))),
    { abs: 0, rel: 1e-14 },
  );
});

test('polynomialDecay gives the rates of Keras', () => {
  const from = { initialLearningRate: 0.05, decaySteps: 10, endLearningRate: 0.001 };
  expectRates(schedules.polynomialDecay({ ...from, endLearningRate: 0 }), { 5: 0.025 });
  expectRates(schedules.polynomialDecay(from), { 0: 0.05, 5: 0.0255, 10: 0.001, 15: 0.001 });
  expectRates(schedules.polynomialDecay({ ...from, cycle: true }), { 15: 0.049 * 0.25 + 0.001 });
  const root = { ...from, power: 0.5 };
  expectRates(schedules.polynomialDecay(root), { 5: 0.049 * Math.SQRT1_2 + 0.001, 10: 0.001, 15: 0.001 });
  expectRates(schedules.polynomialDecay({ ...root, cycle: true }), { 15: 0.049 * 0.5 + 0.001 });
  const low = { initialLearningRate: 0.001, decaySteps: 10, cycle: true };
  expectRates(schedules.polynomialDecay(low), { 0: 0.001, 10: 0.0001 });
});

describe('cosineDecay', () => {
  const cosine = (progress: number, alpha = 0) =>
    (1 - alpha) * 0.5 * (1 + Math.cos(Math.PI * Math.min(progress, 1))) + alpha;

  test.each([0, 0.1])('cosineDecay gives the rates of Keras with alpha %d', alpha => {
    const schedule = schedules.cosineDecay({ initialLearningRate: 1, decaySteps: 1000, alpha });
    const steps = range(6, 250);
    const expected = steps.map(step => cosine(step / 1000, alpha));
    expectClose(ratesAt(schedule, steps), expected, { abs: 1e-15, rel: 1e-13 });
  });

  test('cosineDecay gives the rates of Keras with warm-up', () => {
    const schedule = schedules.cosineDecay({
      initialLearningRate: 0,
      decaySteps: 1000,
      warmupTarget: 10,
      warmupSteps: 2000,
    });
    const steps = range(14, 250);
    const expected = steps.map(step => (step < 2000 ? step / 200 : 10 * cosine((step - 2000) / 1000)));
    expectClose(ratesAt(schedule, steps), expected, { abs: 1e-14, rel: 1e-13 });
  });
});

// pytorch/pytorch, torch/optim/lr_scheduler.py, OneCycleLR: the two phases end at pctStart * total - 1 and total - 1.
describe('oneCycle', () => {
  test('oneCycle rises, falls and stays at its final rate, as in PyTorch', () => {
    const schedule = schedules.oneCycle({ maxLearningRate: 25, totalSteps: 10 });
    const rates = ratesAt(schedule, range(12));
    const down = (step: number) => 1e-4 + (25 - 1e-4) * 0.5 * (1 + Math.cos((Math.PI * (step - 2)) / 7));
    const expected = [1, 13, 25, ...[3, 4, 5, 6, 7, 8].map(down), 1e-4, 1e-4, 1e-4];
    expectClose(rates, expected, { abs: 1e-14, rel: 1e-13 });
  });

  test('oneCycle with other factors and warmupShare gives the rates of PyTorch', () => {
    const options = { maxLearningRate: 1, totalSteps: 5, warmupShare: 0.6, divFactor: 2, finalDivFactor: 4 };
    expectClose(ratesAt(schedules.oneCycle(options), range(6)), [0.5, 0.75, 1, 0.5625, 0.125, 0.125], {
      abs: 1e-15,
      rel: 1e-14,
    });
  });

  test('oneCycle without warm-up starts at the maximum', () => {
    const rates = ratesAt(schedules.oneCycle({ maxLearningRate: 1, totalSteps: 4, warmupShare: 0.25 }), range(4));
    expect(rates[0]).toBe(1);
    expect(rates[3]).toBe(1 / 25 / 1e4);
  });
});

// The bits of training with the strict build depend on them.
test('rates have the same bits in every JavaScript engine', () => {
  const steps = range(1000, 7);
  const bits = [
    schedules.exponentialDecay({ initialLearningRate: 0.1, decaySteps: 100, decayRate: 0.9 }),
    schedules.polynomialDecay({ initialLearningRate: 0.1, decaySteps: 5000, power: 1.7 }),
    schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 6000, alpha: 0.01 }),
    schedules.oneCycle({ maxLearningRate: 0.1, totalSteps: 7000 }),
  ].map(schedule => {
    let hash = 0n;
    for (const word of new BigUint64Array(Float64Array.from(ratesAt(schedule, steps)).buffer)) {
      hash = ((hash ^ word) * 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn;
    }
    return hash.toString(16);
  });
  expect(bits).toEqual(['45dec8d9b394ed2d', '784c99bd6e4fc12c', '3305e587ea22fd33', 'e963348db221ba0']);
});

describe('util/math', () => {
  test('exp, ln and pow agree with Math to rounding', () => {
    const xs = [...range(2001).map(n => (n - 1000) / 150), -700, -745, 500, 709, 1e-300];
    expectClose(
      xs.map(exp),
      xs.map(x => Math.exp(x)),
      { abs: 1e-323, rel: 1e-15 },
    );
    const positive = [...range(2000).map(n => (n + 1) / 150), 1e-310, 5e-324, 1e300, 1 + 2 ** -52, 1 - 2 ** -53];
    expectClose(
      positive.map(ln),
      positive.map(x => Math.log(x)),
      { abs: 0, rel: 1e-15 },
    );
    for (const y of [-3, -0.5, 0.1, 0.5, 1, 2, 33]) {
      expectClose(
        positive.slice(0, 2000).map(x => pow(x, y)),
        positive.slice(0, 2000).map(x => x ** y),
        { abs: 0, rel: 1e-15 * (3 + Math.abs(y) * 10) },
      );
    }
  });

  test('exp, ln and pow handle zero, infinity and NaN', () => {
    expect([exp(0), exp(-1e3), exp(1e3), exp(-Infinity), exp(Infinity)]).toEqual([1, 0, Infinity, 0, Infinity]);
    expect([ln(1), ln(0), ln(Infinity)]).toEqual([0, -Infinity, Infinity]);
    expect([ln(-1), exp(Number.NaN), ln(Number.NaN)]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    expect([pow(0, 0), pow(0, 2), pow(1, 1e9), pow(0.3, 1)]).toEqual([1, 0, 1, 0.3]);
  });
});

describe('invalid arguments', () => {
  const from = { initialLearningRate: 0.1, decaySteps: 10 };
  describeRejections('schedules.constant', [
    ['undefined options', () => schedules.constant(wrong(undefined)), 'learningRate'],
    ['a number instead of options', () => schedules.constant(wrong(0.1)), 'options must be an object'],
    ['a negative learningRate', () => schedules.constant({ learningRate: -1 }), 'learningRate'],
    ['a misspelt option', () => schedules.constant(wrong({ learnRate: 1 })), "did you mean 'learningRate'?"],
  ]);
  describeRejections('schedules.step', [
    ['missing boundaries', () => schedules.step(wrong({ values: [1] })), 'boundaries'],
    [
      'decreasing boundaries',
      () => schedules.step({ boundaries: [2, 1], values: [1, 2, 3] }),
      'boundaries must be increasing',
    ],
    [
      'equal boundaries',
      () => schedules.step({ boundaries: [2, 2], values: [1, 2, 3] }),
      'boundaries must be increasing',
    ],
    ['a fractional boundary', () => schedules.step({ boundaries: [0.5], values: [1, 2] }), 'boundaries[0]'],
    [
      'too few values',
      () => schedules.step({ boundaries: [1, 2], values: [1, 2] }),
      'values must have one item more than boundaries, 3',
    ],
    ['a value of NaN', () => schedules.step({ boundaries: [], values: [Number.NaN] }), 'values[0]'],
  ]);
  describeRejections('schedules.exponentialDecay', [
    ['undefined options', () => schedules.exponentialDecay(wrong(undefined)), 'initialLearningRate'],
    ['a missing decayRate', () => schedules.exponentialDecay(wrong(from)), 'decayRate'],
    ['a negative decayRate', () => schedules.exponentialDecay({ ...from, decayRate: -1 }), 'decayRate'],
    ['a decaySteps of 0', () => schedules.exponentialDecay({ ...from, decaySteps: 0, decayRate: 0.5 }), 'decaySteps'],
    ['a string as staircase', () => schedules.exponentialDecay({ ...from, decayRate: 0.5, staircase: wrong('') })],
  ]);
  describeRejections('schedules.inverseTimeDecay', [
    ['a missing decayRate', () => schedules.inverseTimeDecay(wrong(from)), 'decayRate'],
    ['a negative decayRate', () => schedules.inverseTimeDecay({ ...from, decayRate: -0.1 }), 'decayRate'],
    ['a number as staircase', () => schedules.inverseTimeDecay({ ...from, decayRate: 1, staircase: wrong(1) })],
  ]);
  describeRejections('schedules.polynomialDecay', [
    ['a missing decaySteps', () => schedules.polynomialDecay(wrong({ initialLearningRate: 1 })), 'decaySteps'],
    ['a negative power', () => schedules.polynomialDecay({ ...from, power: -1 }), 'power'],
    [
      'a negative endLearningRate',
      () => schedules.polynomialDecay({ ...from, endLearningRate: -1 }),
      'endLearningRate',
    ],
    ['a string as cycle', () => schedules.polynomialDecay({ ...from, cycle: wrong('yes') }), 'cycle'],
  ]);
  describeRejections('schedules.cosineDecay', [
    ['a missing initialLearningRate', () => schedules.cosineDecay(wrong({ decaySteps: 10 })), 'initialLearningRate'],
    ['an alpha above 1', () => schedules.cosineDecay({ ...from, alpha: 1.5 }), 'alpha'],
    ['warmupSteps without warmupTarget', () => schedules.cosineDecay({ ...from, warmupSteps: 5 }), 'warmupTarget'],
    ['warmupTarget without warmupSteps', () => schedules.cosineDecay({ ...from, warmupTarget: 1 }), 'warmupSteps'],
  ]);
  describeRejections('schedules.oneCycle', [
    ['a missing totalSteps', () => schedules.oneCycle(wrong({ maxLearningRate: 1 })), 'totalSteps'],
    ['a totalSteps of 1', () => schedules.oneCycle({ maxLearningRate: 1, totalSteps: 1 }), 'totalSteps'],
    [
      'a warmupShare above 1',
      () => schedules.oneCycle({ maxLearningRate: 1, totalSteps: 9, warmupShare: 2 }),
      'warmupShare',
    ],
    [
      'a divFactor below 1',
      () => schedules.oneCycle({ maxLearningRate: 1, totalSteps: 9, divFactor: 0.5 }),
      'divFactor',
    ],
    ['a finalDivFactor of 0', () => schedules.oneCycle({ maxLearningRate: 1, totalSteps: 9, finalDivFactor: 0 })],
  ]);
  describeRejections('schedule.at', [
    ['a negative step', () => schedules.constant({ learningRate: 1 }).at(-1), 'step'],
    ['a fractional step', () => schedules.constant({ learningRate: 1 }).at(0.5), 'step'],
  ]);
});
