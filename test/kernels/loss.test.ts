// The mean squared error and its gradient against float64. losses.test.ts tests all losses.
//
//   B batch, T time, N columns; u = 2^-24
//
// A difference of two float32 numbers is rounded once, by u; squares and sums are float64. So the loss has a relative
// error of 2 u, and a gradient, which is rounded twice more, one of 3 u. Both bounds allow a little for u^2.

import { describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import * as reference from '../reference/loss.ts';
import { Random } from '../reference/random.ts';
import { type Harness, harness } from './harness.ts';
import { type LossCase as Case, type Order, planLoss, runLoss } from './lossPlan.ts';

const bounds = { loss: { abs: 0, rel: 2.01 * 2 ** -24 }, gradient: { abs: 0, rel: 3.01 * 2 ** -24 } };

const orders: Order[] = ['samples', 'steps'];

const run = (h: Harness, subject: Case, y: ArrayLike<number>, target: ArrayLike<number>, wanted = true) =>
  runLoss(h, 'meanSquaredError', subject, y, target, wanted);

function expectReference(h: Harness, subject: Case, scale = 1): void {
  const { B, T, N } = subject;
  const random = new Random(B * T * N);
  const y = random.normals([B, T, N], scale).data;
  const target = random.normals([B, T, N], scale).data;
  const expected = reference.meanSquaredError(y, target);
  const { loss, dy, padding } = run(h, subject, y, target);
  const what = JSON.stringify(subject);
  expectClose([loss], [expected.loss], { ...bounds.loss, what: `loss of ${what}` });
  expectClose(dy, expected.dOutputs, { ...bounds.gradient, what: `dy of ${what}` });
  expectBits(
    padding,
    padding.map(() => 0),
    `padding of ${what}`,
  );
  expect(run(h, subject, y, target, false).loss, `without a gradient, ${what}`).toBe(loss);
}

describe('meanSquaredError against the reference', () => {
  test.each([1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 33, 130])('meanSquaredError of %i columns matches the reference', N => {
    const h = harness();
    for (const B of [1, 2, 3, 50]) {
      for (const T of [1, 2, 5, 20]) {
        for (const order of orders) {
          for (const dyOrder of orders) expectReference(h, { B, T, N, order, dyOrder, gap: (B + T) % 3 });
        }
      }
    }
  });

  test.each([1e-15, 1e-3, 1e3, 1e15, 1e30])(
    'meanSquaredError of numbers of size %d does not overflow float32',
    scale => {
      expectReference(harness(), { B: 3, T: 5, N: 7 }, scale);
    },
  );

  // The sum of a million squares in float32 would be off by a thousandth.
  test('meanSquaredError of a million numbers matches the reference', () =>
    expectReference(harness(), { B: 1000, T: 100, N: 10 }));
});

test('meanSquaredError and its gradient are 0 for equal predictions and targets', () => {
  const y = new Random(1).normals([2, 3, 5]).data;
  const { loss, dy } = run(harness(), { B: 2, T: 3, N: 5 }, y, y);
  expect(loss).toBe(0);
  expectBits(dy, new Float32Array(30));
});

test('loss without dy writes nothing', () => {
  const h = harness();
  const y = new Random(1).normals([2, 3, 7]).data;
  const plan = planLoss(h, 'meanSquaredError', { B: 2, T: 3, N: 7 }, y, y, false);
  const before = new Uint8Array(h.memory.buffer).slice();
  h.kernels.loss(plan.address);
  expect(Buffer.compare(new Uint8Array(h.memory.buffer), before)).toBe(0);
});

describe.each([1, 3, 4, 5])('meanSquaredError of numbers that are not finite, %i columns', N => {
  const { NaN: nan, POSITIVE_INFINITY: infinity, NEGATIVE_INFINITY: minus } = Number;
  const subject = { B: 2, T: 3, N };
  const count = 6 * N;
  const zeros = new Float64Array(count);

  test.each([0, N, count - 1])('meanSquaredError is not finite if number %i is not finite', at => {
    const h = harness();
    const withOne = (value: number) => zeros.with(at, value);
    const cases: [string, Float64Array, Float64Array, number, number][] = [
      ['NaN in y', withOne(nan), zeros, nan, nan],
      ['NaN in the target', zeros, withOne(nan), nan, nan],
      ['Infinity in y', withOne(infinity), zeros, infinity, infinity],
      ['Infinity in the target', zeros, withOne(infinity), infinity, minus],
      ['-Infinity in y', withOne(minus), zeros, infinity, minus],
      ['Infinity in both', withOne(infinity), withOne(infinity), nan, nan],
    ];
    for (const [what, y, target, loss, gradient] of cases) {
      const got = run(h, subject, y, target);
      expect(got.loss, what).toBe(loss);
      expectClose(got.dy, withOne(gradient), { abs: 0, rel: 0, what });
      expectBits(
        got.padding,
        got.padding.map(() => 0),
        `padding, ${what}`,
      );
    }
  });
});
