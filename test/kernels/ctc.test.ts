// Connectionist temporal classification against PyTorch, and against the sum over all paths.
//
//   B batch, T time, N classes

import { describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { readFixture } from '../fixtures.ts';
import { ctcByPaths, gradientOf } from '../reference/likelihoods.ts';
import { Random } from '../reference/random.ts';
import { harness } from './harness.ts';
import { type LossCase, planLoss, runLoss } from './lossPlan.ts';

const PADDING = -1;

/** Labels as rows of the same width. */
function padded(labels: readonly (readonly number[])[], width = Math.max(1, ...labels.map(({ length }) => length))) {
  const rows = labels.map(row => [...row, ...Array.from({ length: width - row.length }, () => PADDING)]);
  return { labels: width, target: rows.flat() };
}

/** A mask [B, T] whose samples have so many steps. */
const maskOf = (lengths: readonly number[], T: number) =>
  lengths.flatMap(length => Array.from({ length: T }, (_, t) => Number(t < length)));

const run = (subject: LossCase, y: ArrayLike<number>, target: ArrayLike<number>, wanted = true) =>
  runLoss(harness(), 'ctc', subject, y, target, wanted);

describe('numbers of PyTorch', () => {
  const { cases, tolerance } = readFixture('ctc');

  test.each(cases.map((one, n) => ({ ...one, n })))(
    'case $n matches ctc_loss',
    ({ blank, labels, lengths, ...rest }) => {
      const [B, T, N] = rest.logits.shape as [number, number, number];
      const { target, labels: width } = padded(labels);
      const subject: LossCase = { B, T, N, labels: width, blank, mask: maskOf(lengths, T) };
      const { losses, gradient } = rest.expect;
      for (const order of ['samples', 'steps'] as const) {
        const { loss, dy, padding } = run({ ...subject, order, gap: 3 }, rest.logits.data, target);
        const mean = losses.data.reduce((sum, value) => sum + value, 0) / B;
        expectClose([loss], [mean], { ...tolerance, what: 'the mean of the losses' });
        const each = dy.map(value => value * B);
        expectClose(each, gradient.data, { ...tolerance, what: 'the gradient' });
        expectBits(padding, new Float32Array(padding.length), 'padding');
      }
      for (let b = 0; b < B; b++) {
        const one = rest.logits.data.subarray(b * T * N, (b + 1) * T * N);
        const own = { ...subject, B: 1, mask: maskOf([lengths[b]!], T) };
        const { loss } = run(own, one, target.slice(b * width, (b + 1) * width));
        expectClose([loss], [losses.data[b]!], { ...tolerance, what: `loss of sample ${b}` });
      }
    },
  );
});

describe('the sum over all paths', () => {
  test.each([
    { T: 1, N: 2, blank: 0, labels: [1] },
    { T: 4, N: 3, blank: 0, labels: [1, 2] },
    { T: 5, N: 3, blank: 2, labels: [0, 0] },
    { T: 5, N: 4, blank: 1, labels: [] },
    { T: 6, N: 3, blank: 0, labels: [1, 1, 2, 1] },
    { T: 5, N: 3, blank: 0, labels: [1, 1, 1] },
  ])('labels $labels over $T steps have the loss and gradient of the sum over paths', ({ T, N, blank, labels }) => {
    const y = new Random(T * 10 + N).normals([1, T, N], 2).data;
    const { target, labels: width } = padded([labels]);
    const lossOf = (values: Float64Array) =>
      ctcByPaths(
        Array.from({ length: T }, (_, t) => values.subarray(t * N, t * N + N)),
        labels,
        blank,
      );
    const { loss, dy } = run({ B: 1, T, N, labels: width, blank }, y, target);
    expectClose([loss], [lossOf(y)], { abs: 1e-6, rel: 1e-6, what: 'loss' });
    expectClose(dy, gradientOf(lossOf, y), { abs: 2e-7, rel: 1e-6, what: 'dy' });
  });
});

describe('masks and weights', () => {
  const [B, T, N] = [3, 8, 5];
  const y = new Random(1).normals([B, T, N]).data;
  const { target, labels } = padded([[1, 2], [3, 3, 1], [4]], 4);
  const subject: LossCase = { B, T, N, labels };

  test('masked steps are left out, wherever they are', () => {
    const gaps = [1, 0, 1, 1, 0, 1, 1, 1];
    const mask = Array.from({ length: B }, () => gaps).flat();
    const { loss, dy } = run({ ...subject, mask }, y, target);
    const kept = (values: ArrayLike<number>) => Float64Array.from(values).filter((_, n) => gaps[Math.floor(n / N) % T]);
    const expected = run({ ...subject, T: 6 }, kept(y), target);
    expect(loss).toBe(expected.loss);
    expectBits(kept(dy), expected.dy);
    const masked = dy.filter((_, n) => !gaps[Math.floor(n / N) % T]);
    expectBits(masked, new Float32Array(masked.length));
    const reversed = run({ ...subject, mask, reversed: true, order: 'samples' }, y, target);
    expect(reversed.loss).toBe(loss);
    expectBits(reversed.dy, dy);
  });

  test('weights are those of samples, and scale loss and gradient', () => {
    const each = Array.from({ length: B }, (_, b) =>
      run({ ...subject, B: 1 }, y.subarray(b * T * N, (b + 1) * T * N), target.slice(b * 4, b * 4 + 4)),
    );
    const weights = [2, 0, 0.5];
    const { loss, dy } = run({ ...subject, weights }, y, target);
    const sum = each.reduce((all, one, b) => all + weights[b]! * one.loss, 0);
    expectClose([loss], [sum / B], { abs: 0, rel: 1e-13, what: 'loss' });
    const expected = each.flatMap((one, b) => Array.from(one.dy, value => (value * weights[b]!) / B));
    expectClose(dy, expected, { abs: 1e-8, rel: 1e-6, what: 'dy' });
  });

  test('samples without an unmasked step or weight are not read', () => {
    const values = y.slice().fill(Number.NaN, T * N, 2 * T * N);
    const wrong = target.with(4, 99);
    const rest = [...maskOf([T, 0, T], T)];
    const { loss, dy } = run({ ...subject, mask: rest }, values, wrong);
    const expected = [0, 2].map(
      b => run({ ...subject, B: 1 }, y.subarray(b * T * N, (b + 1) * T * N), target.slice(b * 4, b * 4 + 4)).loss,
    );
    expectClose([loss], [(expected[0]! + expected[1]!) / 2], { abs: 0, rel: 1e-13, what: 'the mean of the others' });
    expect(dy.every(Number.isFinite)).toBe(true);
    expect(run({ ...subject, weights: [1, 0, 1] }, values, wrong).loss).toBeCloseTo((2 * loss) / 3, 12);
    expect(run({ ...subject, mask: new Float32Array(B * T) }, values, wrong).loss).toBe(0);
  });
});

test('padding with -1 and with the blank gives the same bits', () => {
  const y = new Random(2).normals([1, 6, 4]).data;
  const of = (target: number[]) => run({ B: 1, T: 6, N: 4, labels: 4, blank: 0 }, y, target);
  const expected = of([1, 3, PADDING, PADDING]);
  expect(of([1, 3, 0, 0]).loss).toBe(expected.loss);
  expect(of([1, 3, 0, PADDING]).loss).toBe(expected.loss);
});

test.each([
  ['a class that does not exist', [1, 4, PADDING]],
  ['a class below -1', [1, -2, PADDING]],
  ['a fraction', [1, 1.5, PADDING]],
  ['NaN', [1, Number.NaN, PADDING]],
  ['a label after padding', [1, PADDING, 2]],
  ['equal labels without room for a blank', [1, 1, 1]],
])('the loss is NaN for labels with %s', (_, target) => {
  const y = new Random(3).normals([1, 4, 4]).data;
  expect(run({ B: 1, T: 4, N: 4, labels: 3 }, y, target).loss).toBe(Number.NaN);
  expect(run({ B: 1, T: 4, N: 4, labels: 3 }, y, [1, 2, 1]).loss).toBeGreaterThan(0);
});

test('the loss is NaN if an unmasked prediction is NaN', () => {
  const y = new Random(4).normals([1, 4, 4]).data.with(6, Number.NaN);
  const subject: LossCase = { B: 1, T: 4, N: 4, labels: 1 };
  expect(run(subject, y, [1]).loss).toBe(Number.NaN);
  expect(run({ ...subject, mask: [1, 0, 1, 1] }, y, [1]).loss).toBeGreaterThan(0);
});

test('logits of size 1e4, and 2000 time steps, neither overflow nor underflow', () => {
  const T = 2000;
  const labels = Array.from({ length: 300 }, (_, n) => 1 + (n % 3));
  for (const scale of [1, 1e4]) {
    const y = new Random(5).normals([1, T, 4], scale).data;
    const { loss, dy } = run({ B: 1, T, N: 4, labels: 300 }, y, labels);
    expect(loss).toBeGreaterThan(0);
    expect(loss).toBeLessThan(T * scale * 10);
    // At each step the gradient is a difference of two distributions
    for (let t = 0; t < T; t++) {
      const sum = dy[t * 4]! + dy[t * 4 + 1]! + dy[t * 4 + 2]! + dy[t * 4 + 3]!;
      expect(Math.abs(sum)).toBeLessThan(1e-6);
    }
  }
});

test('the loss of almost certain labels is accurate', () => {
  const y = Float64Array.from([-20, 0, -20, -20, -20, 0]); // label 1, label 2
  const rest = 2 * Math.exp(-20);
  const { loss } = run({ B: 1, T: 2, N: 3, labels: 2 }, y, [1, 2]);
  expectClose([loss], [2 * Math.log1p(rest)], { abs: 0, rel: 1e-6 });
});

test('the terms that threads share add up to the bits of the loss', () => {
  const [B, T, N] = [7, 9, 5];
  const y = new Random(6).normals([B, T, N]).data;
  const { target, labels } = padded(
    Array.from({ length: B }, (_, b) => Array.from({ length: b % 4 }, (_, k) => 1 + k)),
  );
  const subject: LossCase = { B, T, N, labels, weights: [1, 2, 0, 1, 0.5, 3, 1] };
  const expected = run(subject, y, target);
  const h = harness();
  const { address, gradient } = planLoss(h, 'ctc', { ...subject, terms: true }, y, target, true);
  h.kernels.lossStart(address);
  h.kernels.lossRows(address, 4, 3);
  h.kernels.lossRows(address, 0, 4);
  expect(h.kernels.lossEnd(address)).toBe(expected.loss);
  expectBits(gradient().dy, expected.dy);
});
