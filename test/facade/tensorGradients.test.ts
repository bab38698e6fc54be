// Gradients of tensor functions: each is compared with finite differences of the function itself.

import * as lw from 'lstm-wasm';
import { type Tensor, tensor } from 'lstm-wasm';
import { describe, expect, it, test } from 'vitest';
import { expectClose } from '../compare.ts';

/**
 * Numbers at distances of at least 0.2 from each other and from 0, 0.5 and 1, where some functions have kinks: beyond the
 * reach of the differences, which is 2 H. In a fixed, mixed order.
 */
function apart(size: number, lift = 0): number[] {
  const all = Array.from({ length: size }, (_, n) => (n % 2 === 0 ? 1 : -1) * (0.31 + 0.23 * n) + lift);
  return all.map((_, n) => all[(n * 7 + 3) % size]!);
}

const H = 2 ** -4;

/** The sum of f(x) times weights, with the sum in float64. */
function weighted(f: (...xs: Tensor[]) => Tensor, xs: readonly Tensor[], dy: Tensor): number {
  const [values, weights] = [f(...xs).dataSync(), dy.dataSync()];
  return values.reduce((sum, value, n) => sum + value * weights[n]!, 0);
}

/**
 * Compares `grads` with differences of the fourth order. Their error is H^4 / 30 of the fifth derivative, and that of
 * float32 results, 6e-8 of their size, divided by H: together about 1e-5 for functions of size 10.
 */
function expectGradients(f: (...xs: Tensor[]) => Tensor, xs: readonly Tensor[], what: string): void {
  const shape = f(...xs).shape;
  const dy = tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => 0.5 + ((n * 5) % 7) / 8),
    shape,
  );
  const got = lw.grads(f)(xs, dy);
  for (const [k, x] of xs.entries()) {
    const expected = Float64Array.from(x.dataSync(), (_, n) => {
      const at = (by: number) => {
        const values = Float32Array.from(x.dataSync());
        values[n]! += by;
        return weighted(f, xs.with(k, tensor(values, x.shape)), dy);
      };
      return (8 * (at(H) - at(-H)) - (at(2 * H) - at(-2 * H))) / (12 * H);
    });
    expect(got[k]!.shape).toEqual(x.shape);
    expect(got[k]!.dtype).toBe('float32');
    expectClose(got[k]!.dataSync(), expected, { abs: 2e-4, rel: 2e-4, what: `${what}, argument ${k}` });
  }
}

const x23 = tensor(apart(6), [2, 3]);
const positive = tensor(apart(6).map(Math.abs), [2, 3]);
const x234 = tensor(apart(24), [2, 3, 4]);

const single: Record<string, [(x: Tensor) => Tensor, Tensor?]> = {
  neg: [lw.neg],
  abs: [lw.abs],
  square: [lw.square],
  sqrt: [lw.sqrt, positive.add(1)],
  exp: [lw.exp],
  log: [lw.log, positive.add(1)],
  sin: [lw.sin],
  cos: [lw.cos],
  sigmoid: [lw.sigmoid],
  tanh: [lw.tanh],
  relu: [lw.relu],
  clipByValue: [x => lw.clipByValue(x, -0.77, 1)],
  softmax: [lw.softmax],
  'softmax of a scalar': [lw.softmax, tensor(2)],
  reshape: [x => lw.reshape(x, [3, 2])],
  flatten: [lw.flatten],
  squeeze: [x => lw.squeeze(x), tensor(apart(3), [1, 3, 1])],
  expandDims: [x => lw.expandDims(x, 1)],
  cast: [x => lw.cast(x, 'float32')],
  clone: [lw.clone],
  transpose: [x => lw.transpose(x, [2, 0, 1]), x234],
  reverse: [x => lw.reverse(x, [0, 2]), x234],
  slice: [x => lw.slice(x, [0, 1, 1], [2, 1, 2]), x234],
  'slice of the first axis': [x => lw.slice(x, 1), x234],
  split: [x => lw.split(x, [1, 3], 2)[1]!, x234],
  unstack: [x => lw.unstack(x, 1)[2]!, x234],
  gather: [x => lw.gather(x, tensor([2, 0, 2], null, 'int32'), 1), x234],
  'gather of batches': [
    x =>
      lw.gather(
        x,
        tensor(
          [
            [2, 2],
            [0, 1],
          ],
          null,
          'int32',
        ),
        1,
        1,
      ),
    x234,
  ],
  tile: [x => lw.tile(x, [2, 3])],
  sum: [x => lw.sum(x, [0, 2]), x234],
  'sum of all': [x => lw.sum(x)],
  mean: [x => lw.mean(x, 1, true), x234],
  max: [x => lw.max(x, 1), x234],
  min: [x => lw.min(x, [-1], true), x234],
  'mean of moments': [x => lw.moments(x, 1).mean],
  'variance of moments': [x => lw.moments(x, 1).variance],
};

const pairs: Record<string, (a: Tensor, b: Tensor) => Tensor> = {
  add: lw.add,
  sub: lw.sub,
  mul: lw.mul,
  div: lw.div,
  maximum: lw.maximum,
  minimum: lw.minimum,
  squaredDifference: lw.squaredDifference,
};

describe('the gradient', () => {
  for (const [name, [f, x = x23]] of Object.entries(single)) {
    test(`the gradient of ${name} agrees with finite differences`, () => expectGradients(f, [x], name));
  }

  for (const [name, f] of Object.entries(pairs)) {
    test(`the gradient of ${name} agrees with finite differences, also where a tensor is broadcast`, () => {
      const others = [[2, 3], [3], [2, 1], [], [1, 1, 3]].map(shape =>
        tensor(
          apart(shape.reduce((a, b) => a * b, 1)).map(value => 1.9 * value + Math.sign(value) * 1.05),
          shape,
        ),
      );
      for (const other of others) {
        expectGradients(f, [x23, other], `${name} of [2,3] and [${other.shape}]`);
        if (name !== 'div') expectGradients(f, [other, x23], `${name} of [${other.shape}] and [2,3]`);
      }
    });
  }

  test('the gradient of pow agrees with finite differences', () => {
    expectGradients(lw.pow, [positive.add(1), tensor([1.5, -0.5, 2])], 'pow');
    expectGradients(x => lw.pow(x, 3), [x23], 'pow with an exponent of 3');
  });

  test('the gradient of pow is finite for the exponent of a negative number, as in TF.js', () => {
    const [a, b] = lw.grads(lw.pow)([tensor([-2, 0]), tensor([2, 2])]);
    expect(Array.from(a!.dataSync())).toEqual([-4, 0]);
    expect(Array.from(b!.dataSync())).toEqual([0, 0]);
  });

  test('the gradient of matMul agrees with finite differences for all transpositions and broadcast batches', () => {
    for (const [ta, tb] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ]) {
      const a = tensor(apart(6), ta ? [3, 2] : [2, 3]);
      const b = tensor(apart(12), tb ? [4, 3] : [3, 4]);
      expectGradients((x, y) => lw.matMul(x, y, ta, tb), [a, b], `matMul ${ta} ${tb}`);
      const batches = lw.stack([b, b.mul(0.5)]);
      expectGradients((x, y) => lw.matMul(x, y, ta, tb), [a, batches], `matMul with batches ${ta} ${tb}`);
    }
  });

  test('the gradient of concat and stack agrees with finite differences', () => {
    expectGradients((a, b) => lw.concat([a, b, a], 1), [x23, tensor(apart(4), [2, 2])], 'concat');
    expectGradients((a, b) => lw.stack([a, b], 1), [x23, positive], 'stack');
  });

  test('the gradient of losses agrees with finite differences', () => {
    expectGradients(lw.losses.meanSquaredError, [x23, positive.mul(1.7)], 'meanSquaredError');
    expectGradients(lw.losses.absoluteDifference, [x23, positive.mul(1.7).add(0.1)], 'absoluteDifference');
  });

  it('the gradient adds up over all uses of a tensor', () => {
    expectGradients(x => x.mul(x).add(x.sum()).div(x.square().add(1)), [x23], 'several uses');
  });

  it('the gradient is zero through rounding, and stops at comparisons', () => {
    for (const f of [lw.floor, lw.ceil, lw.round, lw.sign]) {
      expect(Array.from(lw.grad(f)(x23).dataSync())).toEqual([0, 0, 0, 0, 0, 0]);
    }
    const gated = lw.grad(x => x.greater(0).cast('float32').mul(x))(tensor([-1, 2]));
    expect(Array.from(gated.dataSync())).toEqual([0, 1]);
  });

  it('the gradient passes through int32, as in TF.js', () => {
    expect(
      Array.from(
        lw
          .grad(x => x.toInt().mul(3))(tensor([1.5, -2.5]))
          .dataSync(),
      ),
    ).toEqual([3, 3]);
  });

  it('the gradient of a gradient is the second derivative', () => {
    const second = lw.grad(lw.grad(x => x.pow(3)))(tensor([1, -2]));
    expect(Array.from(second.dataSync())).toEqual([6, -12]);
    const mixed = lw.grad(x => lw.grad(y => lw.gather(y, tensor([1, 1], null, 'int32')).square())(x))(tensor([3, 5]));
    expect(Array.from(mixed.dataSync())).toEqual([0, 4]);
  });

  it('there is a tested rule for each differentiable method of a tensor', () => {
    const tested = new Set([...Object.keys(single), ...Object.keys(pairs), 'pow', 'matMul', 'concat', 'stack']);
    const others = [
      ...['constructor', 'size', 'rank', 'dataSync', 'data', 'arraySync', 'array', 'valueOf', 'toString', 'print'],
      ...['dispose', 'isDisposed', 'bufferSync', 'buffer', 'sign', 'floor', 'ceil', 'round', 'argMax', 'argMin'],
      ...['equal', 'notEqual', 'greater', 'greaterEqual', 'less', 'lessEqual', 'toInt', 'toBool'],
      ...['reshapeAs', 'asScalar', 'as1D', 'as2D', 'as3D', 'as4D', 'asType', 'toFloat'], // reshape and cast
    ];
    const methods = Object.getOwnPropertyNames(lw.Tensor.prototype);
    expect(methods.filter(name => !tested.has(name) && !others.includes(name))).toEqual([]);
  });
});

describe('grad, grads, valueAndGrad and valueAndGrads', () => {
  it('grad and its kin give the results of TF.js', () => {
    expect(
      lw
        .grad(x => x.square())([1, 2])
        .arraySync(),
    ).toEqual([2, 4]);
    expect(
      lw
        .grad(x => x.square())([1, 2], [10, 1])
        .arraySync(),
    ).toEqual([20, 4]);
    const { grad, value } = lw.valueAndGrad(x => x.square().sum())([1, 2]);
    expect([value.arraySync(), grad.arraySync()]).toEqual([5, [2, 4]]);
    const several = lw.valueAndGrads((a, b) => a.mul(b))([[1, 2], 3]);
    expect(several.value.arraySync()).toEqual([3, 6]);
    expect(several.grads.map(one => one.arraySync())).toEqual([[3, 3], 3]);
  });

  it('grads gives a tensor that is passed twice two gradients', () => {
    const x = tensor([2]);
    expect(
      lw
        .grads((a, b) => a.mul(b.square()))([x, x])
        .map(one => one.arraySync()),
    ).toEqual([[4], [8]]);
  });

  it('grad rejects bad arguments', () => {
    // @ts-expect-error
    expect(() => lw.grad(3)).toThrow('grad: f must be a function of tensors, got 3');
    // @ts-expect-error
    expect(() => lw.grad(() => 3)([1])).toThrow('grad: f must return a tensor, got 3');
    const rule = 'must compute its result from its arguments with tensor functions';
    expect(() => lw.grad(x => tensor(x.dataSync()))([1])).toThrow(`grad: f ${rule}`);
    expect(() => lw.grad(x => x.greater(0))([1])).toThrow(`grad: f ${rule}`);
    expect(() => lw.grad(x => x.sum())([1], [1])).toThrow('grad: dy must have the shape of the result, [], got [1]');
    expect(() => lw.grad(x => lw.metrics.mse(x, x))([1])).toThrow('no gradient is known of metrics.mse');
  });

  it('no call is recorded after an error in grad', () => {
    expect(() =>
      lw.grad(() => {
        throw new Error('stop');
      })([1]),
    ).toThrow('stop');
    expect(
      lw
        .grad(x => x.square())([3])
        .arraySync(),
    ).toEqual([6]);
  });
});
