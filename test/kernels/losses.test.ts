// All losses against float64, with masks, weights and logits; gradients against finite differences of the reference.
//
//   B batch, T time, N columns
//
// Values: exp, log and log1p are within 3 units in the last place, so a row has an error of about 5e-7 of its terms, and so do
// gradients. Central differences of the reference are accurate to 1e-9, or 1e-8 where a loss is nearly linear.

import { describe, expect, test } from 'vitest';
import type { ScoreName } from '../../src/objective/metrics.ts';
import { lossNumbers, metricNumbers } from '../../src/wasm/shared.generated.ts';
import { expectBits, expectClose } from '../compare.ts';
import { type LossName, logitLosses, lossOf, plainLosses, targetWidth } from '../reference/loss.ts';
import { Random } from '../reference/random.ts';
import { type Harness, harness } from './harness.ts';
import { type LossCase, planLoss, runLoss } from './lossPlan.ts';

const fround = Math.fround;
// likelihoods.test.ts and ctc.test.ts have the others
const losses = plainLosses;
const scores = Object.keys(metricNumbers) as ScoreName[];

/** Predictions and targets in the domain of a loss, some slightly outside it. */
function draw(name: LossName, { B, T, N, logits }: LossCase, scale = 1) {
  const random = new Random(B * 1000 + T * 100 + N * 10 + lossNumbers[name]);
  const rows = B * T;
  const fill = (n: number, value: (i: number) => number) =>
    Float64Array.from({ length: n }, (_, i) => fround(value(i)));
  const normal = () => scale * random.normal();
  const unit = () => (random.uniform() + 1) / 2;
  /** Shares that sum to 1, or one 1 among zeros in every other row. */
  const shares = () => {
    const raw = fill(rows * N, () => 0.05 + unit());
    return raw.map((value, i) => {
      const row = Math.floor(i / N);
      if (row % 2) return Number(i % N === (row * 7) % N);
      let total = 0;
      for (let n = 0; n < N; n++) total += raw[row * N + n]!;
      return fround(value / total);
    });
  };
  switch (name) {
    case 'binaryCrossentropy': {
      const target = fill(rows * N, i => (i % 3 ? Number(unit() > 0.5) : unit()));
      if (logits) return { y: fill(rows * N, () => 4 * normal()), target };
      // Some are outside [0, 1], where the loss is clipped and flat.
      return {
        y: fill(rows * N, i => (i % 11 === 5 ? -0.5 + 2 * Math.round(unit()) : 0.001 + 0.998 * unit())),
        target,
      };
    }
    case 'categoricalCrossentropy':
    case 'kullbackLeiblerDivergence':
      if (logits) return { y: fill(rows * N, () => 3 * normal()), target: shares() };
      return { y: fill(rows * N, () => 0.01 + unit() * 0.9), target: shares() };
    case 'sparseCategoricalCrossentropy': {
      const target = fill(rows, () => Math.floor(unit() * 0.999 * N));
      if (logits) return { y: fill(rows * N, () => 3 * normal()), target };
      return { y: fill(rows * N, () => 0.01 + unit() * 0.9), target };
    }
    case 'meanSquaredLogarithmicError':
      return { y: fill(rows * N, i => (i % 7 === 3 ? -unit() : 3 * unit())), target: fill(rows * N, () => 3 * unit()) };
    case 'poisson':
      return { y: fill(rows * N, () => 0.05 + 3 * unit()), target: fill(rows * N, () => Math.floor(4 * unit())) };
    case 'hinge':
    case 'squaredHinge':
      return { y: fill(rows * N, normal), target: fill(rows * N, () => (unit() > 0.5 ? 1 : -1)) };
    case 'categoricalHinge':
      return { y: fill(rows * N, normal), target: fill(rows * N, i => Number(i % N === Math.floor(i / N) % N)) };
    default:
      return { y: fill(rows * N, normal), target: fill(rows * N, normal) };
  }
}

const forms = losses.flatMap(name => [{ name, logits: false }, ...(logitLosses[name] ? [{ name, logits: true }] : [])]);
const titled = forms.map(form => ({ ...form, title: form.logits ? `${form.name} from logits` : form.name }));

/** The drawn data avoids the kinks of the losses, where finite differences would be wrong. */
function expectReference(h: Harness, name: LossName, subject: LossCase, data = draw(name, subject)) {
  const { y, target } = data;
  const what = `${name} ${JSON.stringify({ ...subject, mask: subject.mask && 'yes', weights: subject.weights && 'yes' })}`;
  const expected = lossOf(name, y, target, subject);
  const { loss, dy, padding } = runLoss(h, name, subject, y, target);
  const largest = expected.dOutputs.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expectClose([loss], [expected.loss], { abs: 1e-7, rel: 1e-6, what: `loss of ${what}` });
  expectClose(dy, expected.dOutputs, { abs: 4e-7 * largest + 1e-15, rel: 2e-6, what: `dy of ${what}` });
  expectBits(padding, new Float32Array(padding.length), `padding of ${what}`);
  expect(runLoss(h, name, subject, y, target, false).loss, `without a gradient, ${what}`).toBe(loss);
  return { loss, dy };
}

describe.each(titled)('$title', ({ name, logits }) => {
  test.each([1, 2, 3, 4, 5, 7, 8, 13, 33])('matches the reference for %i columns', N => {
    for (const [B, T] of [
      [1, 1],
      [3, 1],
      [2, 5],
      [7, 3],
    ] as const) {
      const order = (B + N) % 2 ? 'samples' : 'steps';
      const dyOrder = N % 3 ? 'steps' : 'samples';
      expectReference(harness(), name, { B, T, N, logits, order, dyOrder, gap: (B + N) % 3 });
    }
  });

  const mask = [1, 1, 0, 1, 1, 0, 0, 0, 1, 1, 1, 1];
  const weights = [1, 2, 3, 0, 0.5, 1, 1, 1, 0.25, 7, 1e-3, 1];

  test.each([1, 3, 5])('matches the reference with masks and weights, %i columns', N => {
    const subject: LossCase = { B: 3, T: 4, N, logits };
    expectReference(harness(), name, { ...subject, mask });
    expectReference(harness(), name, { ...subject, weights });
    expectReference(harness(), name, { ...subject, mask, weights });
    expectReference(harness(), name, { ...subject, mask, weights, reversed: true, order: 'samples' });
  });

  test('a mask and weights of ones do not change the loss', () => {
    const subject: LossCase = { B: 3, T: 4, N: 5, logits };
    const { y, target } = draw(name, subject);
    const plain = runLoss(harness(), name, subject, y, target);
    const ones = new Float32Array(12).fill(1);
    const even = runLoss(harness(), name, { ...subject, mask: ones, weights: ones }, y, target);
    expect(even.loss).toBe(plain.loss);
    expectBits(even.dy, plain.dy);
  });

  test('the loss ignores the contents of rows with mask 0 or weight 0', () => {
    const subject: LossCase = { B: 3, T: 4, N: 5, logits };
    const { y, target } = draw(name, subject);
    const expected = runLoss(harness(), name, { ...subject, mask, weights }, y, target);
    const width = targetWidth(name, 5);
    mask.forEach((counts, row) => {
      if (counts && weights[row]) return;
      y.fill(Number.NaN, row * 5, row * 5 + 5);
      target.fill(-1, row * width, row * width + width);
    });
    const got = runLoss(harness(), name, { ...subject, mask, weights }, y, target);
    expect(got.loss).toBe(expected.loss);
    expectBits(got.dy, expected.dy);
    expect(got.dy.every(Number.isFinite)).toBe(true);
  });

  test('loss and gradient are 0 if all rows are masked', () => {
    const subject: LossCase = { B: 2, T: 3, N: 3, logits, mask: new Float32Array(6) };
    const { y, target } = draw(name, subject);
    const { loss, dy, padding } = runLoss(harness(), name, subject, y, target);
    expect(loss).toBe(0);
    expectBits([...dy, ...padding], new Float32Array(24));
  });

  test('the loss is NaN if a prediction or a target is NaN', () => {
    const subject: LossCase = { B: 2, T: 3, N: 3, logits };
    const { y, target } = draw(name, subject);
    const ofY = runLoss(harness(), name, subject, y.with(7, Number.NaN), target).loss;
    const at = name === 'sparseCategoricalCrossentropy' ? 3 : 7;
    const ofTarget = runLoss(harness(), name, subject, y, target.with(at, Number.NaN)).loss;
    // Class 1 of row 2 is not the target class, so NaN shows only through the sum of the row
    expect([ofY, ofTarget]).toEqual([Number.NaN, Number.NaN]);
  });

  test('loss without dy writes nothing', () => {
    const h = harness();
    const subject: LossCase = { B: 2, T: 3, N: 7, logits, mask: new Float32Array(6).fill(1) };
    const { y, target } = draw(name, subject);
    const plan = planLoss(h, name, subject, y, target, false);
    const before = new Uint8Array(h.memory.buffer).slice();
    h.kernels.loss(plan.address);
    expect(Buffer.compare(new Uint8Array(h.memory.buffer), before)).toBe(0);
  });
});

describe('extreme logits', () => {
  /** Rows of 5, one large among them. */
  const rows = (size: number) => {
    const y = new Float64Array(4 * 5);
    [size, -size, size, -size].forEach((value, row) => {
      y.set([0.5, -1, value, 2, row === 2 ? value : 1], row * 5);
    });
    return y;
  };

  test.each([20, 50, 100, 1e4, 1e30])('cross-entropies of logits of size %d match the reference', size => {
    const subject: LossCase = { B: 4, T: 1, N: 5, logits: true };
    const y = rows(size);
    const classes = Float64Array.of(2, 2, 4, 0);
    const oneHot = y.map((_, i) => Number(i % 5 === classes[Math.floor(i / 5)]));
    for (const [name, target] of [
      ['sparseCategoricalCrossentropy', classes],
      ['categoricalCrossentropy', oneHot],
      ['binaryCrossentropy', oneHot],
    ] as const) {
      const expected = lossOf(name, y, target, subject);
      const { loss, dy } = runLoss(harness(), name, subject, y, target);
      expectClose([loss], [expected.loss], { abs: 0, rel: 1e-6, what: `${name}, loss` });
      expectClose(dy, gradient(name, y, target), { abs: 1e-7, rel: 2e-6, what: `${name}, dy` });
    }
  });

  /** p - t over the rows, and the columns of binary cross-entropy: differences of the reference vanish here. */
  function gradient(name: LossName, y: Float64Array, target: Float64Array): Float64Array {
    return y.map((value, i) => {
      const row = Math.floor(i / 5);
      if (name === 'binaryCrossentropy') return (1 / (1 + Math.exp(-value)) - target[i]!) / 20;
      const all = y.subarray(row * 5, row * 5 + 5);
      const largest = Math.max(...all);
      const p = Math.exp(value - largest) / all.reduce((sum, other) => sum + Math.exp(other - largest), 0);
      const t = name === 'categoricalCrossentropy' ? target[i]! : Number(target[row] === i % 5);
      return (p - t) / 4;
    });
  }

  // The sum is known to 2^-53, so losses are accurate down to about 1e-10.
  test('cross-entropies of almost certain correct predictions are accurate to the last places', () => {
    const y = Float64Array.of(0, -20.5, -21.25);
    const subject: LossCase = { B: 1, T: 1, N: 3, logits: true };
    const { loss, dy } = runLoss(harness(), 'sparseCategoricalCrossentropy', subject, y, [0]);
    const rest = Math.exp(y[1]!) + Math.exp(y[2]!);
    expectClose([loss], [Math.log1p(rest)], { abs: 0, rel: 1e-6 });
    expectClose(dy, [-rest, Math.exp(y[1]!), Math.exp(y[2]!)], { abs: 0, rel: 2e-6 });
    const binary = runLoss(harness(), 'binaryCrossentropy', { ...subject, N: 1 }, [fround(30.5)], [1]);
    expectClose([binary.loss], [Math.log1p(Math.exp(-30.5))], { abs: 0, rel: 1e-6 });
  });

  test('categoricalCrossentropy allows targets that do not sum to 1', () => {
    const subject: LossCase = { B: 1, T: 1, N: 3, logits: true };
    expectReference(harness(), 'categoricalCrossentropy', subject, {
      y: Float64Array.of(1, -2, 0.5),
      target: Float64Array.of(0.5, 3, 0),
    });
  });
});

describe('probabilities clipped to [1e-7, 1 - 1e-7]', () => {
  const subject: LossCase = { B: 2, T: 1, N: 2 };
  test.each(['binaryCrossentropy', 'categoricalCrossentropy', 'sparseCategoricalCrossentropy'] as const)(
    '%s clips probabilities of 0 and 1 and gives them no gradient',
    name => {
      const y = Float64Array.of(1, 0, 0, 1);
      const target = name === 'sparseCategoricalCrossentropy' ? [0, 0] : [1, 0, 1, 0];
      const { loss, dy } = runLoss(harness(), name, subject, y, target);
      expectClose([loss], [lossOf(name, y, target, subject).loss], { abs: 1e-7, rel: 1e-6 });
      expectBits(dy.map(Math.abs), new Float32Array(4));
    },
  );
});

test('kullbackLeiblerDivergence gives no gradient to predictions below 1e-7 and above 1', () => {
  const subject: LossCase = { B: 1, T: 1, N: 4 };
  const [y, target] = [Float64Array.of(0, 1.5, 0.25, 1), [0.5, 0.25, 0.125, 0.125]];
  const { loss, dy } = runLoss(harness(), 'kullbackLeiblerDivergence', subject, y, target);
  expectClose([loss], [lossOf('kullbackLeiblerDivergence', y, target, subject).loss], { abs: 1e-7, rel: 1e-6 });
  expectClose(dy, [0, 0, -0.5, -0.125], { abs: 0, rel: 1e-6, what: 'dy' });
});

test.each([-1, 3, 1e10, Number.NaN])('class %d of 3 gives NaN, with and without logits', wrong => {
  for (const logits of [true, false]) {
    const subject: LossCase = { B: 1, T: 2, N: 3, logits };
    const { loss } = runLoss(harness(), 'sparseCategoricalCrossentropy', subject, new Float32Array(6).fill(0.3), [
      0,
      wrong,
    ]);
    expect(loss).toBe(Number.NaN);
  }
});

test('regression losses are accurate for large and small differences', () => {
  for (const scale of [1e-6, 1e-3, 1, 1e3, 1e6]) {
    for (const name of ['meanAbsoluteError', 'huberLoss', 'logcosh', 'cosineProximity'] as const) {
      const subject: LossCase = { B: 3, T: 2, N: 5 };
      const { y, target } = draw(name, subject, scale);
      const expected = lossOf(name, y, target, subject);
      const { loss } = runLoss(harness(), name, subject, y, target);
      expectClose([loss], [expected.loss], { abs: 0, rel: 1e-6, what: `${name}, ${scale}` });
    }
  }
});

test('cosineProximity uses a minimum length for predictions close to 0', () => {
  const subject: LossCase = { B: 2, T: 1, N: 3 };
  const y = Float64Array.of(1e-5, 2e-5, -1e-5, 0, 0, 0); // the second has no length at all
  const target = Float64Array.of(1, 0.5, -2, 3, 4, 0);
  const expected = lossOf('cosineProximity', y, target, subject);
  const { loss, dy } = runLoss(harness(), 'cosineProximity', subject, y, target);
  expectClose([loss], [expected.loss], { abs: 0, rel: 1e-6 });
  expectClose(dy, expected.dOutputs, { abs: 0, rel: 1e-5, what: 'dy' });
});

// Numbers from the unit tests of Keras 3 (keras/src/losses/losses_test.py) and of TF.js (tfjs-layers/src/losses_test.ts,
// metrics_test.ts), compared to the precision given there.
describe('published values', () => {
  /** y, target and weights [B, T, N] row by row. */
  const lossFor = (name: LossName, N: number, y: number[], target: number[], rest: Partial<LossCase> = {}) =>
    runLoss(harness(), name, { B: y.length / N, T: 1, N, ...rest }, y, target).loss;

  const target = [1, 9, 2, -5, -2, 6];
  const y = [4, 8, 12, 8, 1, 3];
  const samples = [1.2, 3.4];
  const steps = [3, 6, 5, 0, 4, 2];

  test.each<[LossName, plain: number, bySample: number, byStep: number, digits: number]>([
    ['meanSquaredError', 49.5, 767.8 / 6, 97.833336, 4],
    ['meanAbsoluteError', 5.5, 81.4 / 6, 13.833333, 5],
    ['meanAbsolutePercentageError', 211.8518, 422.8888, 694.4444, 3],
    ['meanSquaredLogarithmicError', 1.437, 3.7856, 2.647374, 3],
  ])(
    '%s matches Keras without weights, with sample weights and with time step weights',
    (name, plain, bySample, byStep, digits) => {
      expect(lossFor(name, 3, y, target)).toBeCloseTo(plain, digits);
      expect(lossFor(name, 3, y, target, { weights: samples })).toBeCloseTo(bySample, digits);
      expect(lossFor(name, 1, y, target, { B: 2, T: 3, weights: steps })).toBeCloseTo(byStep, digits);
    },
  );

  // The labels of hinge and squaredHinge are -1 and 1.
  test('hinge losses match Keras, with and without weights', () => {
    for (const [name, target, plain, first] of [
      ['hinge', [-1, 1, -1, -1], 1.3, 0.55],
      ['squaredHinge', [-1, 1, -1, -1], 1.86, 0.73],
      ['categoricalHinge', [0, 1, 0, 0], 1.4, 0.6],
    ] as const) {
      const of = (rest?: Partial<LossCase>) => lossFor(name, 2, [0.6, 0.4, 0.4, 0.6], [...target], rest);
      expect(of(), name).toBeCloseTo(plain, 6);
      expect(of({ weights: [1, 0] }), name).toBeCloseTo(first, 6);
    }
  });

  /** TF.js gives one loss for each row. */
  const rowsOf = (name: LossName, N: number, y: number[], target: number[], width = N) =>
    Array.from({ length: y.length / N }, (_, row) =>
      lossFor(name, N, y.slice(row * N, row * N + N), target.slice(row * width, row * width + width)),
    );
  const close = (got: number[], expected: number[]) => expectClose(got, expected, { abs: 5e-8, rel: 1e-6 });

  test('categorical cross-entropies match TF.js', () => {
    const probabilities = [0.3, 0.7, 0.4, 0.6, 0.2, 0.8, 0.55, 0.45];
    const rows = rowsOf('categoricalCrossentropy', 2, probabilities, [0, 1, 1, 0, 0, 1, 1, 0]);
    close(rows, [0.35667497, 0.9162907, 0.22314353, 0.597837]);
    close(
      rowsOf('categoricalCrossentropy', 4, [0.1, 0.8, 0.05, 0.05, 0.1, 0.05, 0.05, 0.8], [0, 0, 0, 1, 0, 0, 0, 1]),
      [2.995732, 0.22314353],
    );
    close(rowsOf('sparseCategoricalCrossentropy', 3, [0.1, 0.2, 0.7, 0.2, 0.3, 0.5], [0, 2], 1), [Math.LN10, Math.LN2]);
  });

  test('binary cross-entropy of clipped probabilities matches TF.js', () => {
    const single = rowsOf('binaryCrossentropy', 1, [0, 0.5, 1, 0, 0.5, 1], [0, 0, 0, 1, 1, 1]);
    close(single, [1.00000015e-7, 6.93147182e-1, 1.59423847e1, 1.61180954e1, 6.93147182e-1, 1.19209332e-7]);
    const pairs = [1, 0, 0.5, 0.5, 0, 1];
    const both = rowsOf('binaryCrossentropy', 2, [...pairs, ...pairs], [1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1]);
    close(both, [1.0960467e-7, 6.9314718e-1, 1.6030239e1, 1.6030239e1, 6.9314718e-1, 1.0960467e-7]);
  });

  test('binary cross-entropy from logits matches TF.js', () => {
    const expected = [
      [4.5398901e-5, 5.0000453, 1.0000046e1],
      [6.7153485e-3, 2.5067153, 5.0067153],
      [6.9314718e-1, 6.9314718e-1, 6.9314718e-1],
      [9.7407699e-1, 7.2407699e-1, 4.7407699e-1],
      [2.1269281, 1.126928, 1.26928e-1],
    ];
    [-10, -5, 0, 0.5, 2].forEach((logit, row) => {
      [0, 0.5, 1].forEach((label, n) => {
        const loss = lossFor('binaryCrossentropy', 1, [logit], [label], { logits: true });
        expectClose([loss], [expected[row]![n]!], { abs: 0, rel: 1e-6, what: `${logit}, ${label}` });
      });
    });
  });

  test('other losses match TF.js', () => {
    close(rowsOf('squaredHinge', 2, [-3, 5, 3, -2], [-1, 2, -3, 2]), [0, (10 ** 2 + 5 ** 2) / 2]);
    close(rowsOf('hinge', 2, [-3, 5, 3, -2], [-1, 2, -3, 2]), [0, 7.5]);
    close(rowsOf('categoricalHinge', 3, [0, 2, 0, 1, 3, 2], [0, 1, 0, 1, 0, 0]), [0, 3]);
    close(rowsOf('kullbackLeiblerDivergence', 2, [0.25, 0.75, 0.9, 0.1], [1, 0, 1, 0]), [Math.log(4), -Math.log(0.9)]);
    const half = Math.SQRT1_2;
    close(rowsOf('cosineProximity', 2, [half, half, 0, 1], [1, 0, 1, 0]), [-half, 0]);
  });
});

// Exact numbers; those named TF.js are from its metrics_test.ts.
describe('metrics', () => {
  const measure = (name: ScoreName, subject: LossCase, y: ArrayLike<number>, target: ArrayLike<number>) => {
    const h = harness();
    return h.kernels.metric(planLoss(h, name, subject, y, target, false).address);
  };
  const subject: LossCase = { B: 2, T: 2, N: 3 };
  const y = [0.2, 0.7, 0.1, 0.5, 0.5, 0, 0.1, 0.2, 0.7, 1, 1, 1];
  const oneHot = [0, 1, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0];

  test('accuracies use the first index of the maximum', () => {
    expect(measure('categoricalAccuracy', subject, y, oneHot)).toBe(3 / 4);
    expect(measure('binaryAccuracy', subject, y, oneHot)).toBeCloseTo((1 + 2 / 3 + 1 + 1 / 3) / 4, 15);
    expect(measure('sparseCategoricalAccuracy', subject, y, [1, 1, 2, 0])).toBe(3 / 4);
    expect(measure('binaryAccuracy', { B: 4, T: 1, N: 1 }, [0.5, 0.51, 0.4, 0.9], [0, 1, 0, 0])).toBe(3 / 4);
  });

  test('accuracies match TF.js', () => {
    const rows = (N: number, B: number): LossCase => ({ B, T: 1, N });
    const eight = measure(
      'binaryAccuracy',
      rows(8, 1),
      [0.2, 0.4, 0.6, 0.8, 0.2, 0.3, 0.4, 0.7],
      [1, 1, 1, 1, 0, 0, 0, 0],
    );
    expect(eight).toBe(5 / 8);
    const five = [0, 1, 0, 1, 0, 0, 0, 0.4, 0.6, 0, 0.6, 0.4, 0.7, 0.3, 0];
    expect(measure('sparseCategoricalAccuracy', rows(3, 5), five, [1, 1, 2, 2, 0])).toBe(3 / 5);
    const predicted = [0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1, 0];
    const labels = [0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 0];
    expect(measure('precision', rows(3, 4), predicted, labels)).toBe(0.75);
    expect(measure('recall', rows(3, 4), predicted, labels)).toBe(0.75);
    expect(measure('recall', rows(7, 1), [0, 0, 1, 1, 1, 1, 0], [1, 0, 1, 0, 0, 0, 1])).toBe(1 / 3);
  });

  test('precision, recall and r2Score are over all columns', () => {
    expect(measure('precision', subject, y, oneHot)).toBe(3 / 5);
    expect(measure('recall', subject, y, oneHot)).toBe(3 / 4);
    expect(measure('precision', subject, new Float32Array(12), oneHot)).toBe(0);
    expect(measure('recall', subject, y, new Float32Array(12))).toBe(0);
    const target = Float64Array.of(1, 2, 4, 8);
    const r2 = measure('r2Score', { B: 2, T: 1, N: 2 }, [1.5, 2, 3, 8], target);
    expect(r2).toBeCloseTo(1 - 1.25 / 28.75, 15);
  });

  test('metrics ignore masked steps', () => {
    const masked = { ...subject, mask: [1, 0, 1, 1] };
    expect(measure('categoricalAccuracy', masked, y, oneHot)).toBe(1);
    expect(measure('sparseCategoricalAccuracy', masked, y, [1, -1, 2, 2])).toBe(2 / 3);
    expect(measure('binaryAccuracy', masked, y, oneHot)).toBeCloseTo((1 + 1 + 1 / 3) / 3, 15);
    expect(measure('precision', masked, y, oneHot)).toBe(3 / 5);
    expect(measure('recall', masked, y, oneHot)).toBe(1);
    for (const name of scores) expect(measure(name, { ...subject, mask: [0, 0, 0, 0] }, y, oneHot), name).toBe(0);
    const r2 = { B: 4, T: 1, N: 1, mask: [1, 1, 0, 1] };
    expect(measure('r2Score', r2, [1, 2, 9, 5], [1, 2, -9, 3])).toBeCloseTo(1 - 4 / 2, 15);
  });

  test('metrics match the reference for any order of rows and any width', () => {
    for (const N of [1, 2, 5, 8, 33]) {
      for (const order of ['samples', 'steps'] as const) {
        const random = new Random(N);
        const y = random.normals([3, 4, N]).data;
        const greatest = (values: Float64Array) => values.indexOf(Math.max(...values));
        const classes = Array.from({ length: 12 }, (_, row) =>
          row % 3 ? greatest(y.subarray(row * N, row * N + N)) : row % N,
        );
        const correct = classes.filter((k, row) => k === greatest(y.subarray(row * N, row * N + N))).length;
        const target = y.map((_, i) => Number(classes[Math.floor(i / N)] === i % N));
        const subject: LossCase = { B: 3, T: 4, N, order, gap: 3 };
        expect(measure('categoricalAccuracy', subject, y, target)).toBe(correct / 12);
        if (N > 1) expect(measureSparse(subject, y, classes)).toBe(correct / 12);
      }
    }
    function measureSparse(subject: LossCase, y: Float64Array, classes: number[]) {
      return measure('sparseCategoricalAccuracy', subject, y, classes);
    }
  });
});

test('countedRows counts unmasked rows', () => {
  const h = harness();
  const counted = (rest: Partial<LossCase>) =>
    h.kernels.countedRows(
      planLoss(h, 'hinge', { B: 2, T: 3, N: 1, ...rest }, new Float32Array(6), new Float32Array(6), false).address,
    );
  expect([counted({}), counted({ mask: [1, 0, 0, 1, 1, 1] })]).toEqual([6, 4]);
});
