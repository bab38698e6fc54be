// Quantiles and likelihoods against float64, and against the distributions of PyTorch. The kernels compute in float64, so a
// loss has the accuracy of float64, and a gradient is rounded once.
//
//   B batch, T time, N columns

import { describe, expect, test } from 'vitest';
import type { LossName } from '../../src/objective/losses.ts';
import { expectBits, expectClose } from '../compare.ts';
import { readFixture } from '../fixtures.ts';
import { gradientOf, lgamma } from '../reference/likelihoods.ts';
import { groupOf, pinball, type RowLoss, rowLosses, targetWidth } from '../reference/loss.ts';
import { Random } from '../reference/random.ts';
import { harness } from './harness.ts';
import { type LossCase, planLoss, runLoss } from './lossPlan.ts';

const names = ['pinball', 'gaussianNLL', 'studentTNLL', 'negativeBinomialNLL'] as const;
type Name = (typeof names)[number];
const levels = [0.1, 0.5, 0.975];

const referenceOf = (name: Name): RowLoss => (name === 'pinball' ? pinball(levels) : rowLosses[name]);
const caseOf = (name: Name, rest: LossCase): LossCase => ({ ...rest, ...(name === 'pinball' && { levels }) });

/** Predictions and targets that avoid the kinks of pinball. */
function draw(name: Name, { B, T, N }: LossCase, scale = 2) {
  const random = new Random(B * 1000 + T * 100 + N);
  const width = targetWidth(name, N, levels);
  const y = random.normals([B, T, N], scale).data;
  const counts = name === 'negativeBinomialNLL';
  const target = random.normals([B, T, width], scale).data.map(t => (counts ? Math.floor(Math.abs(4 * t)) : t));
  return { y, target };
}

/** The loss by the reference, and its gradient by finite differences. */
function expectedOf(name: Name, y: Float64Array, target: Float64Array, { N, mask, weights }: LossCase) {
  const rowLoss = referenceOf(name);
  const width = targetWidth(name, N, levels);
  const rows = y.length / N;
  const counted = mask ? Array.from(mask).reduce((sum, n) => sum + n, 0) : rows;
  const dy = new Float64Array(y.length);
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const share = ((mask?.[row] ?? 1) * (weights?.[row] ?? 1)) / counted;
    if (share === 0) continue;
    const t = target.subarray(row * width, (row + 1) * width);
    const at = y.subarray(row * N, (row + 1) * N);
    loss += share * rowLoss(at, t);
    const own = gradientOf(values => rowLoss(values, t), at);
    dy.set(
      own.map(value => share * value),
      row * N,
    );
  }
  return { loss, dy };
}

function expectReference(name: Name, given: LossCase, data = draw(name, given)): void {
  const subject = caseOf(name, given);
  const { y, target } = data;
  const expected = expectedOf(name, y, target, subject);
  const what = `${name} ${JSON.stringify(given)}`;
  const { loss, dy, padding } = runLoss(harness(), name, subject, y, target);
  const largest = expected.dy.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expectClose([loss], [expected.loss], { abs: 1e-13, rel: 1e-12, what: `loss of ${what}` });
  // Finite differences are accurate to about 1e-9 of the largest gradients
  expectClose(dy, expected.dy, { abs: 1e-8 * largest, rel: 1.3e-7, what: `dy of ${what}` });
  expectBits(padding, new Float32Array(padding.length), `padding of ${what}`);
  expect(runLoss(harness(), name, subject, y, target, false).loss, `without a gradient, ${what}`).toBe(loss);
}

describe.each(names)('%s', name => {
  const group = groupOf(name, levels);

  test.each([1, 2, 3, 5, 8])('matches the reference for %i targets', targets => {
    const N = targets * group;
    for (const [B, T] of [
      [1, 1],
      [3, 1],
      [2, 5],
      [7, 3],
    ] as const) {
      const order = (B + N) % 2 ? 'samples' : 'steps';
      expectReference(name, { B, T, N, order, dyOrder: N % 3 ? 'steps' : 'samples', gap: (B + N) % 3 });
    }
  });

  const mask = [1, 1, 0, 1, 1, 0, 0, 0, 1, 1, 1, 1];
  const weights = [1, 2, 3, 0, 0.5, 1, 1, 1, 0.25, 7, 2 ** -10, 1];

  test('matches the reference with masks and weights', () => {
    const subject: LossCase = { B: 3, T: 4, N: 2 * group };
    expectReference(name, { ...subject, mask });
    expectReference(name, { ...subject, weights });
    expectReference(name, { ...subject, mask, weights });
    expectReference(name, { ...subject, mask, weights, reversed: true, order: 'samples' });
  });

  test('the loss ignores the contents of rows with mask 0 or weight 0', () => {
    const subject = caseOf(name, { B: 3, T: 4, N: 2 * group, mask, weights });
    const { y, target } = draw(name, subject);
    const expected = runLoss(harness(), name, subject, y, target);
    mask.forEach((counts, row) => {
      if (counts && weights[row]) return;
      y.fill(Number.NaN, row * 2 * group, (row + 1) * 2 * group);
      target.fill(-1, row * 2, row * 2 + 2);
    });
    const got = runLoss(harness(), name, subject, y, target);
    expect(got.loss).toBe(expected.loss);
    expectBits(got.dy, expected.dy);
  });

  test('loss and gradient are 0 if all rows are masked', () => {
    const subject = caseOf(name, { B: 2, T: 3, N: group, mask: new Float32Array(6) });
    const { y, target } = draw(name, subject);
    const { loss, dy, padding } = runLoss(harness(), name, subject, y, target);
    expect(loss).toBe(0);
    expectBits([...dy, ...padding], new Float32Array(dy.length + padding.length));
  });

  test('the loss is not finite if a prediction or a target is not', () => {
    const subject = caseOf(name, { B: 2, T: 3, N: group });
    const { y, target } = draw(name, subject);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      for (let column = 0; column < group; column++) {
        const { loss } = runLoss(harness(), name, subject, y.with(group + column, value), target);
        expect(Number.isFinite(loss), `${value} in column ${column}`).toBe(false);
      }
      expect(Number.isFinite(runLoss(harness(), name, subject, y, target.with(1, value)).loss), `${value}`).toBe(false);
    }
  });

  test('the terms that threads share add up to the bits of the loss', () => {
    const subject = caseOf(name, {
      B: 5,
      T: 7,
      N: 3 * group,
      weights: Float32Array.from({ length: 35 }, (_, n) => n % 4),
    });
    const { y, target } = draw(name, subject);
    const expected = runLoss(harness(), name, subject, y, target);
    const h = harness();
    const { address, gradient } = planLoss(h, name, { ...subject, terms: true }, y, target, true);
    h.kernels.lossStart(address);
    for (const [first, count] of [
      [20, 15],
      [0, 3],
      [3, 17],
    ] as const) {
      h.kernels.lossRows(address, first, count);
    }
    expect(h.kernels.lossEnd(address)).toBe(expected.loss);
    expectBits(gradient().dy, expected.dy);
  });

  test('loss without dy writes nothing', () => {
    const h = harness();
    const subject = caseOf(name, { B: 2, T: 3, N: group });
    const { y, target } = draw(name, subject);
    const plan = planLoss(h, name, subject, y, target, false);
    const before = new Uint8Array(h.memory.buffer).slice();
    h.kernels.loss(plan.address);
    expect(Buffer.compare(new Uint8Array(h.memory.buffer), before)).toBe(0);
  });
});

describe('distributions of PyTorch', () => {
  const { losses, tolerance } = readFixture('likelihoods');

  test.each(Object.keys(losses) as (keyof typeof losses)[])('%s matches PyTorch', name => {
    const { predictions, targets, expect: expected } = losses[name];
    const [B, N] = predictions.shape as [number, number];
    const { loss, dy } = runLoss(harness(), name, { B, T: 1, N }, predictions.data, targets.data);
    const mean = expected.losses.data.reduce((sum, value) => sum + value, 0) / B;
    expectClose([loss], [mean], { abs: 0, rel: 1e-6, what: 'the mean of the losses' });
    expectClose(
      dy.map(value => value * B),
      expected.gradient.data,
      { ...tolerance, what: 'the gradient' },
    );
    for (let row = 0; row < B; row++) {
      const one = predictions.data.subarray(row * N, row * N + N);
      const got = runLoss(harness(), name, { B: 1, T: 1, N }, one, targets.data.subarray(row, row + 1));
      expectClose([got.loss], [expected.losses.data[row]!], { ...tolerance, what: `loss ${row}` });
    }
  });
});

test('pinball has no gradient where the prediction equals the target', () => {
  const { loss, dy } = runLoss(harness(), 'pinball', { B: 1, T: 1, N: 3, levels }, [2, 2, 3], [2]);
  expectClose([loss], [0.025 / 3], { abs: 0, rel: 1e-12 });
  expectClose(dy, [0, 0, 0.025 / 3], { abs: 0, rel: 1e-6 });
});

test.each(['poisson', 'negativeBinomialNLL'] as const)('%s is NaN for a target below 0', name => {
  const N = groupOf(name);
  const y = Float64Array.from({ length: N }, () => 1);
  expect(runLoss(harness(), name, { B: 1, T: 1, N }, y, [-1]).loss).toBe(Number.NaN);
  expect(runLoss(harness(), name, { B: 1, T: 1, N }, y, [0]).loss).toEqual(expect.any(Number));
});

test('likelihoods stay accurate for large and small parameters', () => {
  const cases: [LossName, y: number[], t: number, expected: number][] = [
    // With many degrees of freedom a t distribution is normal
    ['studentTNLL', [1e7, 0, 1], 1, rowLosses.gaussianNLL([0, 1], [1])],
    ['studentTNLL', [1e30, 0, 1], 1, rowLosses.gaussianNLL([0, 1], [1])],
    // Without dispersion a negative binomial distribution is a Poisson distribution
    ['negativeBinomialNLL', [7, -80], 5, 7.000912 + 1e-6 - 5 * Math.log(7.000912 + 1e-6) + lgamma(6)],
    ['gaussianNLL', [0, -90], 0, Math.log(1e-6) + 0.5 * Math.log(2 * Math.PI)],
  ];
  for (const [name, y, t, expected] of cases) {
    const { loss, dy } = runLoss(harness(), name, { B: 1, T: 1, N: y.length }, y, [t]);
    expectClose([loss], [expected], { abs: 0, rel: 2e-6, what: `${name} of ${y}` });
    expect([...dy].every(Number.isFinite), `${name} of ${y}`).toBe(true);
  }
});
