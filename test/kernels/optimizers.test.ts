// Optimizers: values, the memory that is written, and the time of a step after gradients became zero.

import { describe, expect, test } from 'vitest';
import { type Optimizer, train } from '../../src/optimizers/index.ts';
import { expectBits, expectClose } from '../compare.ts';
import { readFixture } from '../fixtures.ts';
import { Adam, type RuleName, Stepper } from '../reference/optimizers.ts';
import { Random } from '../reference/random.ts';
import { onClock } from '../setup/clock.ts';
import { build, type Harness, harness, type Room } from './harness.ts';
import { drive } from './steps.ts';

const config = { learningRate: 0.006, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };

interface Run {
  w: Room;
  m: Room;
  v: Room;
  step(g: ArrayLike<number>): void;
}

/** Runs adam on the weights with given gradients. */
function start(h: Harness, weights: ArrayLike<number>, { learningRate, beta1, beta2, epsilon } = config): Run {
  const n = weights.length;
  const zeros = new Float32Array(n);
  const [w, m, v, g] = [weights, zeros, zeros, zeros].map(values => h.room(n, values)) as [Room, Room, Room, Room];
  let t = 0;
  return {
    ...{ w, m, v },
    step(gradients) {
      g.floats().set(gradients);
      t++;
      const powers = [beta1 ** t, beta2 ** t] as const;
      const runs = [w.address, m.address, v.address, g.address] as const;
      h.kernels.adam(...runs, n, learningRate, beta1, beta2, epsilon, ...powers, w.address, m.address, v.address);
    },
  };
}

const rows = (values: Float64Array, n: number) =>
  Array.from({ length: values.length / n }, (_, k) => values.subarray(k * n, (k + 1) * n));

describe('adam', () => {
  test('adam matches the weights and moments of the fixture', () => {
    const fixture = readFixture('adam');
    const { abs, rel, momentsRel, momentsAbs } = fixture.tolerance;
    const n = fixture.weights.data.length;
    const { w, m, v, step } = start(harness(), fixture.weights.data, fixture.config);
    const expected = rows(fixture.expect.weights.data, n);
    for (const [k, gradients] of rows(fixture.gradients.data, n).entries()) {
      step(gradients);
      expectClose(w.floats(), expected[k]!, { abs, rel, what: `weights after step ${k + 1}` });
    }
    const tolerance = { abs: momentsAbs, rel: momentsRel };
    expectClose(m.floats(), fixture.expect.m.data, { ...tolerance, what: 'm' });
    expectClose(v.floats(), fixture.expect.v.data, { ...tolerance, what: 'v' });
  });

  // A step has an error of about 6 roundings, and the rounding of the weight.
  test.each([4, 8, 20, 1000])(
    'adam of %i weights matches the reference for other rates and betas, and writes nothing else',
    n => {
      for (const other of [config, { learningRate: 0.5, beta1: 0, beta2: 0.5, epsilon: 1e-3 }]) {
        const random = new Random(n);
        const weights = random.normals([n]).data;
        const run = start(harness(), weights, other);
        const expected = weights.slice();
        const adam = new Adam(other);
        for (let t = 0; t < 5; t++) {
          const g = random.normals([n]).data;
          run.step(g);
          adam.step([expected], [g]);
        }
        const tolerance = { abs: 5 * (3 * 2 ** -23 + 2 * other.learningRate * 8 * 2 ** -24), rel: 0 };
        expectClose(run.w.floats(), expected, { ...tolerance, what: 'weights' });
        for (const room of [run.w, run.m, run.v]) room.expectUntouched(room.floats().keys());
      }
    },
  );

  test('adam does not change weights whose gradient is always zero', () => {
    const weights = Float32Array.of(1, -0, 1e-45, 3e38);
    const { w, m, v, step } = start(harness(), weights);
    for (let t = 0; t < 10; t++) step(new Float32Array(4));
    expectBits(w.floats(), weights);
    expectBits([...m.floats(), ...v.floats()], new Float32Array(8));
  });

  test('adam moments decay to zero without being subnormal', () => {
    const { m, v, step } = start(harness(), new Float32Array(4));
    step([1e-12, -1e-12, 1e-10, -1e-14]);
    const least: number[] = [];
    for (let t = 0; t < 20_000; t++) {
      step(new Float32Array(4));
      for (const value of [...m.floats(), ...v.floats()]) if (value !== 0) least.push(Math.abs(value));
    }
    expect(least.reduce((least, value) => Math.min(least, value))).toBeGreaterThanOrEqual(Math.fround(1e-30));
    expectBits([...m.floats(), ...v.floats()], new Float32Array(8));
  });

  test('adam keeps moments at the threshold', () => {
    const { m, v, step } = start(harness(), new Float32Array(4));
    step([0, 0, 0, 0]);
    m.floats().set([1e-29, -1e-29, 1.2e-30, -1.0e-30]);
    v.floats().set([1e-29, 1.2e-30, 1.0e-30, 0]);
    step([0, 0, 0, 0]);
    const [nine, almost] = [0.9, 0.999];
    expectClose(m.floats(), [nine * 1e-29, -nine * 1e-29, nine * 1.2e-30, 0], { abs: 0, rel: 1e-6, what: 'm' });
    expectClose(v.floats(), [almost * 1e-29, almost * 1.2e-30, 0, 0], { abs: 0, rel: 1e-6, what: 'v' });
  });

  test('NaN in a gradient affects only its weight', () => {
    const { w, step } = start(harness(), [1, 2, 3, 4]);
    step([1, Number.NaN, 1, 1]);
    expect([...w.floats()].map(Number.isNaN)).toEqual([false, true, false, false]);
  });
});

describe('areWithin', () => {
  test.each([4, 8, 20])('areWithin finds a large number or NaN at any index of %i numbers', n => {
    const h = harness();
    const valid = new Random(n).normals([n]).data;
    const g = h.room(n, valid);
    const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
    expect(h.kernels.areWithin(g.address, n, 1e19)).toBe(1);
    for (let at = 0; at < n; at++) {
      for (const value of [nan, infinity, -infinity, 3e38, -2e19]) {
        g.floats().set(valid.with(at, value));
        expect(h.kernels.areWithin(g.address, n, 1e19), `${value} at ${at}`).toBe(0);
      }
      for (const value of [1e18, -1e18, 1e-45, -0]) {
        g.floats().set(valid.with(at, value));
        expect(h.kernels.areWithin(g.address, n, 1e19), `${value} at ${at}`).toBe(1);
      }
    }
  });

  test('adam keeps weights finite for the largest gradients that areWithin accepts', () => {
    const { w, step } = start(harness(), new Float32Array(4));
    for (let t = 0; t < 10; t++) step([1e18, -1e18, 1e18, 1]);
    expect(w.floats().every(Number.isFinite)).toBe(true);
  });
});

describe('sgd', () => {
  test.each([4, 8, 20, 1000])('sgd of %i weights computes w - rate g, rounded twice, and writes nothing else', n => {
    const h = harness();
    const random = new Random(n);
    const [weights, gradients] = [random.normals([n]).data, random.normals([n]).data];
    const [w, g] = [h.room(n, weights), h.room(n, gradients)];
    h.kernels.sgd(w.address, g.address, n, 0.1, w.address);
    const rate = Math.fround(0.1);
    expectBits(
      w.floats(),
      weights.map((weight, k) => weight - Math.fround(gradients[k]! * rate)),
    );
    expectBits(g.floats(), gradients, 'gradients');
    w.expectUntouched(w.floats().keys());
  });
});

/** Every kernel in each of its forms, with epsilons large enough to matter. */
const forms: [string, RuleName, Record<string, number | boolean>][] = [
  ['sgd', 'sgd', { learningRate: 0.1 }],
  ['momentum', 'momentum', { learningRate: 0.05, momentum: 0.9 }],
  ['momentum of Nesterov', 'momentum', { learningRate: 0.05, momentum: 0.7, useNesterov: true }],
  ['adam', 'adam', { learningRate: 0.01, beta1: 0.8, epsilon: 1e-3 }],
  ['amsgrad', 'adam', { learningRate: 0.01, beta2: 0.6, amsgrad: true }],
  ['nadam', 'nadam', { learningRate: 0.01, beta1: 0.7, beta2: 0.9, epsilon: 1e-3 }],
  ['adamax', 'adamax', { learningRate: 0.02, beta1: 0.8, beta2: 0.5, epsilon: 1e-2, decay: 0.1 }],
  ['rmsprop', 'rmsprop', { learningRate: 0.01, decay: 0.8, epsilon: 1e-2 }],
  ['rmsprop with momentum', 'rmsprop', { learningRate: 0.01, decay: 0.8, momentum: 0.9 }],
  ['rmsprop centered', 'rmsprop', { learningRate: 0.01, centered: true, epsilon: 1e-2 }],
  ['rmsprop centered, with momentum', 'rmsprop', { learningRate: 0.01, decay: 0.7, momentum: 0.5, centered: true }],
  ['adagrad', 'adagrad', { learningRate: 0.1, initialAccumulatorValue: 0.2, epsilon: 1e-2 }],
  ['adadelta', 'adadelta', { learningRate: 1, rho: 0.8, epsilon: 1e-2 }],
];

const make = (rule: RuleName, options: object) => (train[rule] as (options: object) => Optimizer)(options);

describe.each(forms)('%s', (_, rule, options) => {
  // A change has an error of about 16 roundings, including its slots, and a weight one more for every step.
  test.each([4, 8, 20, 1000])('matches the reference over 10 steps of %i weights, and writes nothing else', n => {
    const random = new Random(n);
    const weights = random.normals([n]).data;
    const run = drive(harness(), make(rule, options), weights);
    const stepper = new Stepper(rule, options as never);
    const expected = [weights.slice()];
    let longest = 0;
    for (let t = 0; t < 10; t++) {
      const g = random.normals([n]).data;
      const before = expected[0]!.slice();
      stepper.step(expected, [g]);
      run.step(g);
      for (let k = 0; k < n; k++) longest = Math.max(longest, Math.abs(expected[0]![k]! - before[k]!));
    }
    const tolerance = { abs: 10 * (4 * 2 ** -24 + 16 * longest * 2 ** -24), rel: 0 };
    expectClose(run.weights(), expected[0]!, { ...tolerance, what: 'weights' });
    run.slots().forEach((slot, k) => {
      const kept = stepper.kept[0]!.map(own => own[k]!);
      expectClose(slot, kept, { abs: 1e-6, rel: 1e-5, what: `slot ${k}` });
    });
    run.expectUntouched();
  });

  test('does not change weights whose gradient is always zero', () => {
    const weights = Float32Array.of(1, 0, -3, 3e38);
    const run = drive(harness(), make(rule, options), weights);
    for (let t = 0; t < 10; t++) run.step(new Float32Array(4));
    expectBits(run.weights(), weights);
  });

  test('state decays to zero or is kept, without being subnormal', () => {
    const run = drive(harness(), make(rule, options), new Float32Array(8));
    run.step([1e-12, -1e-12, 1e-10, -1e-14, 1, -1, 1e-20, -1e-35]);
    const least: number[] = [1];
    for (let t = 0; t < 5000; t++) {
      run.step(new Float32Array(8));
      for (const slot of run.slots()) for (const value of slot) if (value !== 0) least.push(Math.abs(value));
    }
    expect(least.reduce((least, value) => Math.min(least, value))).toBeGreaterThanOrEqual(Math.fround(1e-30));
  });

  test('keeps weights finite for the largest gradients that areWithin accepts', () => {
    const run = drive(harness(), make(rule, options), new Float32Array(4));
    for (let t = 0; t < 10; t++) run.step([1e19, -1e19, 1e18, 1]);
    expect([...run.weights()].every(Number.isFinite)).toBe(true);
  });
});

test('centered rmsprop stays finite when its variance rounds to below zero', () => {
  const run = drive(harness(), train.rmsprop({ centered: true, epsilon: 1e-12 }), new Float32Array(1000));
  const g = new Random(3).normals([1000], 100).data;
  for (let t = 0; t < 300; t++) run.step(t < 100 ? g.map(value => 2 * value) : g);
  expect([...run.weights()].every(Number.isFinite)).toBe(true);
});

describe('decay and average', () => {
  test.each([4, 8, 20, 1000])('decay and average of %i numbers match the reference, and write nothing else', n => {
    const h = harness();
    const random = new Random(n);
    const [before, other] = [random.normals([n]).data, random.normals([n]).data];
    const [w, a] = [h.room(n, before), h.room(n, other)];
    h.kernels.decay(w.address, n, 0.3);
    expectClose(
      w.floats(),
      before.map(value => 0.7 * value),
      { abs: 0, rel: 2 ** -22, what: 'decayed' },
    );
    const decayed = w.floats().slice();
    h.kernels.average(a.address, w.address, n, 0.9);
    const expected = other.map((value, k) => 0.9 * value + 0.1 * decayed[k]!);
    expectClose(a.floats(), expected, { abs: 2 ** -23, rel: 2 ** -22, what: 'average' });
    expectBits(w.floats(), decayed, 'weights');
    for (const room of [w, a]) room.expectUntouched(room.floats().keys());
  });

  test('average with keep 0 equals the weights, and an average that equals the weights does not change', () => {
    const h = harness();
    const weights = new Random(1).normals([20]).data;
    const [w, a] = [h.room(20, weights), h.room(20, new Float32Array(20))];
    h.kernels.average(a.address, w.address, 20, 0);
    expectBits(a.floats(), weights);
    h.kernels.average(a.address, w.address, 20, 0.99);
    expectBits(a.floats(), weights);
  });

  test('decay keeps numbers at the threshold and zeroes smaller ones', () => {
    const h = harness();
    const least = Math.fround(1e-30);
    const below = least * (1 - 2 ** -23);
    const a = h.room(4, [least, -least, below, -below]);
    h.kernels.average(a.address, h.put(new Float32Array(4)), 4, 1);
    expectBits(a.floats().map(Math.abs), [least, least, 0, 0]);
  });

  test('decay and average reach zero without being subnormal', () => {
    const h = harness();
    const [w, a] = [h.room(4, [1, -1, 1e-20, 3]), h.room(4, [1, -1, 1e-20, 3])];
    const zeros = h.room(4, new Float32Array(4));
    let least = 1;
    for (let t = 0; t < 500; t++) {
      h.kernels.decay(w.address, 4, 0.5);
      h.kernels.average(a.address, zeros.address, 4, 0.5);
      for (const value of [...w.floats(), ...a.floats()]) if (value !== 0) least = Math.min(least, Math.abs(value));
    }
    expect(least).toBeGreaterThanOrEqual(Math.fround(1e-30));
    for (const room of [w, a]) expect([...room.floats()].map(Math.abs)).toEqual([0, 0, 0, 0]);
  });
});

// A product with a subnormal number takes a hundred cycles. The debug build is slow anyway.
describe.skipIf(build === 'debug')('the time of a step', () => {
  const n = 4096;
  const weights = new Random(1).normals([n]).data;
  const gradients = new Random(2).normals([n]).data;
  const none = new Float32Array(n);

  /** The minimum time of 100 steps in milliseconds. */
  function timeOf({ step }: Pick<Run, 'step'>, g: ArrayLike<number>, times = 20): number {
    let least = Number.POSITIVE_INFINITY;
    for (let k = 0; k < times; k++) {
      const start = performance.now();
      for (let t = 0; t < 100; t++) step(g);
      least = Math.min(least, performance.now() - start);
    }
    return least;
  }

  test.each([1, 1e-6, 1e-12, 1e-15])(
    'a step takes the same time after a gradient of size %d became zero',
    onClock,
    size => {
      const h = harness();
      const dying = start(h, weights);
      for (let t = 0; t < 10; t++) dying.step(gradients.map(g => g * size));
      const fresh = start(h, weights);
      timeOf(fresh, gradients); // warms up the engine
      const spans = [1, 2, 3, 4].map(() => timeOf(dying, none, 5)); // 2000 steps
      expect(Math.max(...spans) / timeOf(fresh, gradients)).toBeLessThan(3);
    },
  );

  // Their squares, or a thousandth of their squares, are subnormal.
  test.each([1e-17, 1e-18, 1e-19, 1e-20, 1e-22])(
    'a step takes the same time with gradients of size %d',
    onClock,
    size => {
      const h = harness();
      const fresh = start(h, weights);
      timeOf(fresh, gradients);
      const tiny = start(h, weights);
      const [slow, normal] = [
        timeOf(
          tiny,
          gradients.map(g => g * size),
        ),
        timeOf(fresh, gradients),
      ];
      expect(slow / normal).toBeLessThan(3);
    },
  );

  test.each(forms)(
    'a step of %s takes the same time for gradients that became zero or are tiny',
    onClock,
    (form, rule, options) => {
      const h = harness();
      const runs = () => drive(h, make(rule, options), weights);
      const fresh = runs();
      timeOf(fresh, gradients);
      const normal = timeOf(fresh, gradients);
      // adam does not flush tiny gradients, because the backward passes already do
      for (const size of [1e-12, 1e-18, 1e-22, ...(form === 'adam' ? [] : [1e-37])]) {
        const small = gradients.map(g => g * size);
        const tiny = runs();
        expect(timeOf(tiny, small, 5) / normal, `size ${size}`).toBeLessThan(3);
        expect(timeOf(tiny, none, 20) / normal, `died at ${size}`).toBeLessThan(3);
      }
    },
  );
});
