// denseForward and denseBackward, planned by the layer but called directly, against plain float64 loops.
//
//   M rows (B batch x T time), K inputs, N units; u = 2^-24
//
// The bounds follow from the sizes of the terms, as in matmul.test.ts: the sum of K products and a bias has an error of
// (K + 2) u times the sum of their absolute values, and the slopes of the first four activations are at most 1; their own
// 3 ULP of values within [-1, 1] are at most 4e-7. In the backward pass, a slope has an error below 4 u, and M, M and N
// products are added. Of the other activations, selu has the largest slope, 1.76, and the largest derivative of the slope;
// softmax sums a row. Their slopes depend on z, whose error is the bound of y, so gradients are compared relative to the
// largest of their block.

import { describe, expect, test } from 'vitest';
import { activations } from '../../src/layers/activations.ts';
import { Dense } from '../../src/layers/dense.ts';
import { expectBits, expectClose } from '../compare.ts';
import * as reference from '../reference/dense.ts';
import { matmul, matmulABt, matmulAtB } from '../reference/matmul.ts';
import { Random } from '../reference/random.ts';
import { type Harness, harness, packedIndex } from './harness.ts';
import { bind, type Order } from './plans.ts';

interface Case {
  B: number;
  T: number;
  K: number;
  N: number;
  activation?: (typeof activations)[number];
  useBias?: boolean;
  dx?: boolean;
  order?: Order;
}

function absolute(values: Float64Array): Float64Array {
  const result = new Float64Array(values.length);
  for (let n = 0; n < result.length; n++) result[n] = Math.abs(values[n]!);
  return result;
}
const show = (subject: Case) => JSON.stringify(subject).replaceAll('"', '');

function draw({ B, T, K, N }: Case) {
  const random = new Random(B * T + K * N);
  return {
    x: random.normals([B, T, K]),
    kernel: random.normals([K, N], K ** -0.5),
    bias: random.normals([N], 0.5),
    dY: random.normals([B, T, N]),
  };
}

function prepare(h: Harness, subject: Case, { x, kernel, bias }: ReturnType<typeof draw>) {
  const { B, T, K, N, activation = 'linear', useBias = true, dx = false } = subject;
  const order = dx ? 'steps' : subject.order;
  const layer = bind(h, new Dense({ units: N, activation, useBias }), { batch: B, steps: T, inputs: K, order, dx });
  layer.setX(x);
  layer.setWeights([kernel.data, ...(useBias ? [bias.data] : [])]);
  return layer;
}

function expectReference(h: Harness, subject: Case): ReturnType<typeof bind> {
  const { B, T, K, N, activation = 'linear', useBias = true, dx = false } = subject;
  const given = draw(subject);
  const [x, kernel, bias, dY] = [given.x.data, given.kernel.data, given.bias.data, given.dY.data];
  const layer = prepare(h, subject, given);
  const M = B * T;
  const u = 2 ** -24;
  const inputs = { sizes: { M, D: K, U: N }, x, kernel, bias: useBias ? bias : null, activation };
  const what = show(subject);

  /** Passes when each number is within its own bound. */
  const expectWithin = (got: Float32Array, expected: Float64Array, bound: Float64Array, name: string) => {
    const scaled = (values: ArrayLike<number>) => {
      const result = new Float64Array(values);
      for (let n = 0; n < result.length; n++) result[n]! /= bound[n]! || 1;
      return result;
    };
    expectClose(scaled(got), scaled(expected), { abs: 1, rel: 0, what: `${name} of ${what}, in units of its bound` });
  };

  h.kernels.denseForward(layer.address);
  const y = layer.y();
  const terms = matmul(absolute(x), absolute(kernel), M, K, N);
  const plain = ['linear', 'relu', 'sigmoid', 'tanh'].includes(activation);
  const own = activation === 'sigmoid' || activation === 'tanh' ? 4e-7 : plain ? 0 : 2e-6;
  const steepness = plain ? 1 : 2;
  const bound = terms.map((sum, mn) => steepness * (K + 2) * u * (sum + (useBias ? Math.abs(bias[mn % N]!) : 0)) + own);
  expectWithin(y, reference.denseForward(inputs), bound, 'y');

  layer.setDy(dY);
  h.kernels.denseBackward(layer.address);
  const expected = reference.denseBackward(inputs, y, dY); // from the same y: a slope may jump where y is zero
  const [dKernel, dBias] = layer.gradients();
  const bounded = (sum: Float64Array, count: number) => {
    const largest = plain ? 0 : sum.reduce((a, b) => Math.max(a, b), 0);
    return sum.map(size => (count + 6) * u * Math.max(size, largest) * steepness);
  };
  expectWithin(dKernel!, expected.dKernel, bounded(matmulAtB(absolute(x), absolute(dY), K, M, N), M), 'dKernel');
  const ones = new Float64Array(M).fill(1);
  if (useBias) expectWithin(dBias!, expected.dBias, bounded(matmulAtB(ones, absolute(dY), 1, M, N), M), 'dBias');
  const dX = () => bounded(matmulABt(absolute(dY), absolute(kernel), M, N, K), N);
  if (dx) {
    expectWithin(layer.dx(), expected.dX, dX(), 'dX');
    const padding = layer.dxPadding(); // the layer below relies on it
    expectClose(padding, new Float32Array(padding.length), { abs: 0, rel: 0, what: `padding of dX of ${what}` });
  }
  return layer;
}

describe('dense against the reference', () => {
  const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 20, 33, 65];

  test.each(activations)('dense with %s matches the reference for all widths', activation => {
    const h = harness();
    for (const [k, K] of sizes.entries()) {
      for (const [n, N] of sizes.entries()) {
        const [B, T] = [1 + (k % 5), 1 + (n % 4)];
        const flags = { useBias: (k + n) % 3 > 0, dx: (k + n) % 2 > 0 };
        expectReference(h, { B, T, K, N, activation, ...flags });
      }
    }
  });

  // Weight gradients are summed over 256 rows at a time.
  test.each([1, 2, 3, 7, 8, 9, 255, 256, 257, 511, 512, 513, 1000])('dense matches the reference for %i rows', M => {
    for (const activation of ['linear', 'relu', 'sigmoid', 'tanh', 'gelu', 'softmax'] as const) {
      for (const useBias of [true, false]) {
        const h = harness();
        for (const dx of [true, false]) {
          expectReference(h, { B: M, T: 1, K: 3, N: 5, activation, useBias, dx });
          expectReference(h, { B: 1, T: M, K: 5, N: 2, activation, useBias, dx });
          if (M % 5 === 0) expectReference(h, { B: 5, T: M / 5, K: 21, N: 9, activation, useBias, dx });
        }
      }
    }
  });

  test.each(['samples', 'steps'] as const)('dense matches the reference with rows in the order of %s', order => {
    for (const activation of activations) {
      expectReference(harness(), { B: 5, T: 6, K: 3, N: 7, activation, order });
    }
  });
});

test('dense writes only to the buffers of the plan', () => {
  for (const activation of activations) {
    for (const [K, N] of [
      [1, 1],
      [3, 5],
      [6, 9],
    ] as const) {
      for (const dx of [true, false]) expectReference(harness(), { B: 3, T: 5, K, N, activation, dx }).expectFences();
    }
  }
});

// The padding of dy is zero, even if f(0) is not, such as sigmoid(0) = 1/2.
test.each(activations)('padding of weights and gradients stays zero with %s', activation => {
  for (const N of [1, 2, 3, 5, 6, 7, 9]) {
    const subject = { B: 4, T: 3, K: 5, N, activation, dx: true };
    const layer = expectReference(harness(), subject);
    for (const [run, plain] of [
      ['weights', layer.weights()],
      ['gradients', layer.gradients()],
    ] as const) {
      const nonZero = (values: Float32Array) => values.filter(value => value !== 0).length;
      const expected = plain.reduce((sum, values) => sum + nonZero(values), 0);
      expect(nonZero(layer.packed(run)), `${run}, ${N} units`).toBe(expected);
    }
  }
});

test('denseBackward adds to the gradients in dw', () => {
  const subject: Case = { B: 3, T: 4, K: 5, N: 7, dx: true };
  const given = draw(subject);
  const [fresh, filled] = [16, 0].map(start => {
    const h = harness();
    const layer = prepare(h, subject, given);
    layer.packed('gradients').fill(start);
    h.kernels.denseForward(layer.address);
    layer.setDy(given.dY.data);
    h.kernels.denseBackward(layer.address);
    return layer.gradients();
  });
  filled!.forEach((values, n) => {
    const expected = values.map(value => value + 16);
    expectClose(fresh![n]!, expected, { abs: 13 * 2 ** -20, rel: 0, what: `gradient ${n}` });
  });
});

test('denseBackward gives a bias gradient of zero without a bias', () => {
  const layer = expectReference(harness(), { B: 3, T: 4, K: 5, N: 7, useBias: false });
  expectBits(layer.packed('gradients').subarray(0, 8), new Float32Array(8));
});

test('NaN in a row of x affects only that row of dense', () => {
  const h = harness();
  for (const activation of activations) {
    const subject: Case = { B: 3, T: 1, K: 2, N: 3, activation };
    const given = draw(subject);
    given.x.data.set([Number.NaN, 0], 2);
    const layer = prepare(h, subject, given);
    h.kernels.denseForward(layer.address);
    const y = [...layer.y()];
    expect(y.map(Number.isNaN), activation).toEqual([false, false, false, true, true, true, false, false, false]);
  }
});

test('packDenseWeights stores the padded bias, then the panels, and unpackDenseWeights restores all bits', () => {
  for (const N of [1, 3, 4, 5, 8, 9, 12, 13, 21]) {
    for (const K of [1, 2, 5]) {
      for (const useBias of [true, false]) {
        const layer = bind(harness(), new Dense({ units: N, useBias }), { batch: 1, steps: 1, inputs: K });
        const kernel = Float32Array.from({ length: K * N }, (_, n) => n + 1);
        const bias = Float32Array.from({ length: N }, (_, n) => -n - 1);
        bias[0] = -0;
        const given = useBias ? [kernel, bias] : [kernel];
        layer.packed('weights').fill(Number.NaN);
        layer.setWeights(given);
        layer.weights().forEach((values, n) => {
          expectBits(values, given[n]!, `weight ${n}`);
        });
        layer.expectFences();

        const at = packedIndex(K, N);
        const width = Math.ceil(N / 4) * 4;
        const expected = new Float32Array((1 + K) * width);
        if (useBias) expected.set(bias);
        for (let k = 0; k < K; k++) {
          for (let n = 0; n < N; n++) {
            expected[width + at(k, n)] = kernel[k * N + n]!;
          }
        }
        expectBits(layer.packed('weights').subarray(0, expected.length), expected, `packed [${K}, ${N}]`);
      }
    }
  }
});
