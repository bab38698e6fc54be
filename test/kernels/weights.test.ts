// Kernels that work on unpacked weights and on gradients: regularizers, constraints, clipping.

import { describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { Random } from '../reference/random.ts';
import { boundNorms, penaltyGradient, penaltyOf } from '../reference/weights.ts';
import { harness } from './harness.ts';

const sizes = [1, 2, 3, 4, 5, 7, 8, 13, 20, 333, 1000];

describe('penalties', () => {
  const kinds = [
    { l1: 0.01, l2: 0 },
    { l1: 0, l2: 0.02 },
    { l1: 0.3, l2: 0.7 },
    { l1: 0, l2: 0 },
  ];

  test.each(sizes)('penalty and penaltyGradient of %i weights match the reference', n => {
    for (const kind of kinds) {
      const h = harness();
      const weights = new Random(n).normals([n]).data;
      weights[0] = 0;
      const w = h.room(n, weights);
      expectClose([h.kernels.penalty(w.address, n, kind.l1, kind.l2)], [penaltyOf(weights, kind)], {
        abs: 0,
        rel: 1e-13,
      });
      expectBits(w.floats(), weights, 'weights');
      h.kernels.penaltyGradient(w.address, n, kind.l1, kind.l2);
      expectClose(w.floats(), penaltyGradient(weights, kind), { abs: 0, rel: 2 ** -22, what: 'gradient' });
      w.expectUntouched(w.floats().keys());
    }
  });

  test('penaltyGradient is the derivative of penalty', () => {
    const h = harness();
    const random = new Random(5);
    const [l1, l2] = [0.25, 0.5];
    const weights = random.normals([20]).data;
    const at = (values: ArrayLike<number>) => h.kernels.penalty(h.put(values), 20, l1, l2);
    const w = h.put(weights);
    h.kernels.penaltyGradient(w, 20, l1, l2);
    const gradient = h.get(w, 20);
    for (const n of weights.keys()) {
      const reach = 2 ** -8;
      const difference = at(weights.with(n, weights[n]! + reach)) - at(weights.with(n, weights[n]! - reach));
      expectClose([difference / (2 * reach)], [gradient[n]!], { abs: 1e-4, rel: 0, what: `weight ${n}` });
    }
  });

  // tensorflow/tfjs, tfjs-layers/src/regularizers_test.ts: of 1, -2, 3, -4.
  test.each([
    [0.01, 0.01, 0.4],
    [0.01, 0, 0.1],
    [0, 0.01, 0.3],
    [1, 2, 70],
  ])('penalty with l1 %d, l2 %d matches TensorFlow.js', (l1, l2, expected) => {
    const h = harness();
    expectClose([h.kernels.penalty(h.put([1, -2, 3, -4]), 4, l1, l2)], [expected], { abs: 0, rel: 1e-15 });
  });
});

describe('norms along an axis', () => {
  const bounds = [
    { least: 0, most: 2, rate: 1 },
    { least: 1, most: 1, rate: 1 },
    { least: 0.5, most: 1.5, rate: 1 },
    { least: 0.5, most: 0.75, rate: 0.3 },
    { least: 0, most: 0, rate: 1 },
  ];

  test.each([[1], [5], [1, 1], [3, 5], [8, 4], [7, 12], [4, 33], [2, 3, 5], [3, 4, 8]])(
    'boundNorms matches the reference for a weight [%i, %i, %i]',
    (...given) => {
      const shape = given.filter(n => typeof n === 'number');
      const size = shape.reduce((product, n) => product * n, 1);
      for (const axis of shape.keys()) {
        for (const kind of bounds) {
          const h = harness();
          const weights = new Random(size + axis).normals(shape).data;
          const w = h.room(size, weights);
          const outer = shape.slice(0, axis).reduce((product, n) => product * n, 1);
          const inner = shape.slice(axis + 1).reduce((product, n) => product * n, 1);
          h.kernels.boundNorms(w.address, outer, shape[axis]!, inner, kind.least, kind.most, kind.rate);
          boundNorms(weights, shape, axis, kind);
          expectClose(w.floats(), weights, { abs: 0, rel: 2 ** -22, what: `along axis ${axis}` });
          w.expectUntouched(w.floats().keys());
        }
      }
    },
  );

  test('boundNorms keeps zeros, and nearly keeps vectors within the bounds', () => {
    const h = harness();
    const w = h.room(6, [0, 0.5, 3, 0, 0.5, 4]);
    h.kernels.boundNorms(w.address, 1, 2, 3, 0, 2, 1);
    expectClose(w.floats(), [0, 0.5, 1.2, 0, 0.5, 1.6], { abs: 0, rel: 2e-7 });
  });

  // tensorflow/tfjs, tfjs-layers/src/constraints_test.ts: of -1, 2, 0, 4, -5, 6.
  const given = [-1, 2, 0, 4, -5, 6];
  const shortened = [-0.2208630521, 0.4417261043, 0, 0.8834522086, -1.104315261, 1.325178313];
  test.each([
    ['maxNorm', 0, 2, shortened],
    ['unitNorm', 1, 1, shortened.map(value => value / 2)],
    ['minMaxNorm', 0, 1, shortened.map(value => value / 2)],
  ])('boundNorms matches %s of TensorFlow.js', (_, least, most, expected) => {
    const h = harness();
    const w = h.room(6, given);
    h.kernels.boundNorms(w.address, 1, 6, 1, least, most, 1);
    expectClose(w.floats(), expected, { abs: 0, rel: 1e-6 });
  });

  // keras-team/keras, keras/src/constraints/constraints_test.py, test_max_norm: vectors in columns.
  test('boundNorms matches maxNorm of Keras', () => {
    const h = harness();
    const w = h.room(12, [0, 1, 3, 3, 0, 0, 0, 3, 0, 0, 0, 3]);
    h.kernels.boundNorms(w.address, 1, 3, 4, 0, 2, 1);
    const third = 2 / Math.sqrt(3);
    expectClose(w.floats(), [0, 1, 2, third, 0, 0, 0, third, 0, 0, 0, third], { abs: 0, rel: 1e-6 });
  });
});

test.each(sizes)('nonNegative sets the negative numbers of %i weights to 0', n => {
  const h = harness();
  const weights = new Random(n).normals([n]).data;
  const w = h.room(n, weights);
  h.kernels.nonNegative(w.address, n);
  expectBits(
    w.floats(),
    weights.map(value => Math.max(value, 0)),
  );
  w.expectUntouched(w.floats().keys());
});

test('nonNegative matches nonNeg of TensorFlow.js', () => {
  const h = harness();
  const w = h.room(6, [-1, 2, 0, 4, -5, 6]);
  h.kernels.nonNegative(w.address, 6);
  expect([...w.floats()]).toEqual([0, 2, 0, 4, 0, 6]);
});

describe('clipping', () => {
  test.each(sizes)('sumOfSquares of %i numbers is float64 and ignores numbers after them', n => {
    const h = harness();
    const values = new Random(n).normals([n], 1e-15).data;
    const x = h.room(n, values);
    const expected = values.reduce((sum, value) => sum + value * value, 0);
    expectClose([h.kernels.sumOfSquares(x.address, n)], [expected], { abs: 0, rel: 1e-13 });
    x.expectUntouched([]);
  });

  test('sumOfSquares does not overflow float32', () => {
    const h = harness();
    expectClose([h.kernels.sumOfSquares(h.put([3e38, 4e38 / 2]), 2)], [9e76 + 4e76], { abs: 0, rel: 1e-6 });
  });

  test.each(sizes)('scale multiplies %i numbers and nothing after them', n => {
    const h = harness();
    const values = new Random(n).normals([n]).data;
    const x = h.room(n, values);
    h.kernels.scale(x.address, n, 0.3);
    const factor = Math.fround(0.3);
    expectBits(
      x.floats(),
      values.map(value => value * factor),
    );
    x.expectUntouched(x.floats().keys());
  });

  test.each([4, 8, 20, 1000])('clamp clips %i numbers', n => {
    const h = harness();
    const values = new Random(n).normals([n]).data;
    values.set([0.7, -0.7, 1e19, -0]);
    const x = h.room(n, values);
    h.kernels.clamp(x.address, n, 0.7);
    const most = Math.fround(0.7);
    expectBits(
      x.floats(),
      values.map(value => Math.min(Math.max(value, -most), most)),
    );
    x.expectUntouched(x.floats().keys());
  });
});
