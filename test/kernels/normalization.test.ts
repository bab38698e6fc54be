// Batch and layer normalization, planned by the layer and run by its stages, against plain float64 and finite differences.
//
//   B batch, T time, D width

import { describe, expect, test } from 'vitest';
import { BatchNormalization, LayerNormalization } from '../../src/layers/normalization.ts';
import { offsetBy, padded, type Rows } from '../../src/plan/planner.ts';
import { FLOAT } from '../../src/util/memorySizes.ts';
import { rowGroupNumbers } from '../../src/wasm/shared.generated.ts';
import { expectBits, expectClose } from '../compare.ts';
import { dotOf, numericalGradient } from '../reference/differences.ts';
import { batchNormalization, layerNormalization, type Normalized } from '../reference/normalization.ts';
import { Random } from '../reference/random.ts';
import { type Harness, harness, some } from './harness.ts';
import { type BoundLayer, bind, type PlanOptions } from './plans.ts';

interface Case {
  batch: number;
  steps: number;
  inputs: number;
  kind: 'batch' | 'layer';
  center?: boolean;
  scale?: boolean;
  masked?: boolean;
  /** Whether moving statistics are used: the layer is frozen. */
  moving?: boolean;
  order?: PlanOptions['order'];
  reversed?: boolean;
  purpose?: PlanOptions['purpose'];
  epsilon?: number;
}

/** What a case starts from, and the reference as a function of x and the weights. */
function draw({ batch: B, steps: T, inputs: D, kind, center = true, scale = true, ...more }: Case) {
  const random = new Random(B + 10 * T + 100 * D);
  const x = random.normals([B, T, D], 2);
  for (let n = 0; n < x.data.length; n++) x.data[n] = Math.fround(x.data[n]! + (n % D));
  const [gamma, beta, mean] = [random.normals([D]), random.normals([D]), random.normals([D])].map(({ data }) => data);
  const variance = random.uniforms([D]).data.map(value => Math.fround(value * value + 0.25));
  const mask = more.masked ? Array.from({ length: B * T }, () => Number(random.uniform() < 0.3)) : null;
  const usesMoving = more.moving || (more.purpose ?? 'train') !== 'train';
  const inputs = { x, epsilon: more.epsilon ?? 0.001, gamma: scale ? gamma! : null, beta: center ? beta! : null };
  const reference = (): Normalized =>
    kind === 'layer'
      ? layerNormalization(inputs)
      : batchNormalization(inputs, mask, usesMoving ? [mean!, variance] : null);
  const trained = [...(scale ? [gamma!] : []), ...(center ? [beta!] : [])];
  const weights = kind === 'layer' ? trained : [...trained, mean!, variance];
  return {
    ...inputs,
    mask,
    weights,
    trained,
    moving: [mean!, variance] as const,
    dY: random.normals([B, T, D]).data,
    reference,
  };
}

type Drawn = ReturnType<typeof draw>;

function prepare(h: Harness, subject: Case, drawn: Drawn, dx: boolean): BoundLayer {
  const { kind, center = true, scale = true, moving, epsilon = 0.001, masked: _, ...options } = subject;
  const settings = { center, scale, epsilon, trainable: !moving };
  const layer = kind === 'batch' ? new BatchNormalization(settings) : new LayerNormalization(settings);
  const bound = bind(h, layer, { ...options, dx, ...(drawn.mask && { mask: drawn.mask }) });
  bound.setX(drawn.x);
  bound.setWeights(drawn.weights);
  return bound;
}

const paddingOf = (bound: BoundLayer, rows: Rows) =>
  bound.read({ ...rows, start: offsetBy(rows.start, rows.width * FLOAT), width: padded(rows.width) - rows.width });

const u = 2 ** -24;
const largestOf = (values: ArrayLike<number>) => Array.from(values).reduce((most, v) => Math.max(most, Math.abs(v)), 0);

/**
 * Bounds of the errors in float32. The rounding of a mean, up to u |x|, is the error of every x - mean, which 1 / deviation
 * multiplies; the other operations add a few u of their results. Sums of a block of 64 rows add 8 u of a typical sum.
 */
function boundsOf(subject: Case, { x, gamma, dY, mask }: Drawn, { hat, variance }: Normalized) {
  const factor = Math.max(...variance.map(v => 1 / Math.sqrt(v + (subject.epsilon ?? 0.001))));
  const scale = gamma ? largestOf(gamma) : 1;
  const hatError = 2 * u * largestOf(x.data) * factor + 6 * u * largestOf(hat);
  const rows = dY.length / subject.inputs;
  const counted = mask ? Math.max(1, mask.filter(value => value !== 0).length) : rows;
  const most = largestOf(dY);
  // A row of dx has the means over the counted rows of dy and dy hat, times hat
  const share = subject.kind === 'batch' ? rows / counted : 1;
  const terms = most * (1 + share * (1 + largestOf(hat) ** 2));
  return {
    y: scale * hatError + 4 * u * (scale * largestOf(hat) + 4),
    weights: rows * most * (hatError + 8 * u * (1 + largestOf(hat))),
    dx: factor * scale * (8 * u * terms + 3 * share * most * (1 + largestOf(hat)) * hatError),
  };
}

/** Runs a layer forward and back, and compares all results. */
function expectReference(subject: Case): void {
  const { order = 'samples', purpose = 'train' } = subject;
  const drawn = draw(subject);
  const dx = order === 'steps' && purpose === 'train';
  const bound = prepare(harness(), subject, drawn, dx);
  bound.forward();
  const expected = drawn.reference();
  const errors = boundsOf(subject, drawn, expected);
  expectClose(bound.y(), expected.y.data, { abs: errors.y, rel: 0, what: 'y' });
  const padding = paddingOf(bound, bound.flow.y);
  expectBits(padding, new Float32Array(padding.length), 'padding of y');
  if (drawn.mask) expectBits(bound.mask()!, drawn.mask, 'mask');
  else expect(bound.mask()).toBeNull();
  if (purpose === 'train') {
    bound.setDy(drawn.dY);
    bound.backward();
    const { dX, dGamma, dBeta } = expected.backward(drawn.dY);
    const gradients = bound.gradients();
    const wanted = [...(drawn.gamma ? [dGamma] : []), ...(drawn.beta ? [dBeta] : [])];
    for (const [n, values] of wanted.entries()) {
      expectClose(gradients[n]!, values, { abs: errors.weights, rel: 0, what: `gradient ${n}` });
    }
    for (const values of gradients.slice(wanted.length))
      expectBits(values, new Float32Array(values.length), 'statistics');
    if (dx) {
      expectClose(bound.dx(), dX, { abs: errors.dx, rel: 0, what: 'dx' });
      const zeros = bound.dxPadding();
      expectBits(zeros, new Float32Array(zeros.length), 'padding of dx');
    }
  }
  expectStatistics(bound, subject, drawn, expected);
  bound.expectFences();
}

/** The weights are unchanged until the end of the step, when the moving statistics move. */
function expectStatistics(bound: BoundLayer, subject: Case, drawn: Drawn, expected: Normalized): void {
  const { kind, moving, purpose = 'train' } = subject;
  for (const [n, values] of bound.weights().entries()) expectBits(values, drawn.weights[n]!, `weight ${n} before`);
  bound.commit();
  const after = bound.weights();
  for (const [n, values] of drawn.trained.entries()) expectBits(after[n]!, values, `weight ${n}`);
  if (kind === 'layer') return;
  const moves = !moving && purpose === 'train';
  for (const [n, batch] of [expected.mean, expected.variance].entries()) {
    const old = drawn.moving[n]!;
    const wanted = old.map((value, d) => (moves ? 0.99 * value + 0.01 * batch[d]! : value));
    const got = after[drawn.trained.length + n]!;
    if (moves) expectClose(got, wanted, { abs: 1e-7, rel: 4e-7, what: `moving statistic ${n}` });
    else expectBits(got, wanted, `moving statistic ${n}`);
  }
}

const widths = [1, 2, 3, 4, 5, 8, 11, 16, 17, 37];
const sizes = [1, 2, 3, 5].flatMap(batch =>
  [1, 2, 5].flatMap(steps => widths.map(inputs => ({ batch, steps, inputs }))),
);
const large = [
  { batch: 70, steps: 3, inputs: 9 },
  { batch: 3, steps: 90, inputs: 21 },
  { batch: 130, steps: 1, inputs: 33 },
];
const options: Partial<Case>[] = [{}, { center: false }, { scale: false }, { center: false, scale: false }];

describe.each(['batch', 'layer'] as const)('%s normalization', kind => {
  test.each([...some(options)])('y, dx and all gradients match the reference at odd sizes: %o', option => {
    for (const size of [...some(sizes), ...large]) {
      for (const order of ['samples', 'steps'] as const) expectReference({ ...size, ...option, kind, order });
    }
  });

  test('rows whose time steps are reversed match the reference', () => {
    expectReference({ batch: 3, steps: 5, inputs: 7, kind, order: 'steps', reversed: true });
  });

  test.each([false, true])('the mask is passed on, with gradients in masked steps too (reversed: %s)', reversed => {
    for (const size of [...some(sizes.filter(({ steps }) => steps > 1)), ...large]) {
      for (const order of ['samples', 'steps'] as const) {
        if (reversed && order === 'samples') continue;
        expectReference({ ...size, kind, order, masked: true, reversed });
      }
    }
  });

  test('other values of epsilon are used', () => {
    expectReference({ batch: 5, steps: 3, inputs: 6, kind, order: 'steps', epsilon: 0.5 });
  });

  test.each(['predict', 'test'] as const)('a plan for %s matches the reference', purpose => {
    for (const size of [...some(sizes), ...large]) expectReference({ ...size, kind, purpose, masked: size.steps > 1 });
  });

  test('the gradients are those of finite differences', () => {
    for (const masked of kind === 'batch' ? [false, true] : [false]) {
      const subject: Case = { batch: 4, steps: 3, inputs: 5, kind, masked };
      const drawn = draw(subject);
      const { dX, dGamma, dBeta } = drawn.reference().backward(drawn.dY);
      const value = () => dotOf(drawn.reference().y.data, drawn.dY);
      const bounds = { abs: 1e-6, rel: 1e-6 };
      expectClose(dX, numericalGradient(value, drawn.x.data, 1e-6), { ...bounds, what: 'dX' });
      expectClose(dGamma, numericalGradient(value, drawn.gamma!, 1e-6), { ...bounds, what: 'dGamma' });
      expectClose(dBeta, numericalGradient(value, drawn.beta!, 1e-6), { ...bounds, what: 'dBeta' });
    }
  });

  test('the parts that threads compute give the bits of the whole, also when repeated', () => {
    const subject: Case = { batch: 13, steps: 11, inputs: 39, kind, order: 'steps', masked: true };
    const drawn = draw(subject);
    const run = (inParts: boolean) => {
      const h = harness();
      const bound = prepare(h, subject, drawn, true);
      const named = h.kernels as unknown as Record<string, (plan: number, first: number, count: number) => void>;
      const part = (name: string, extent: number, size: number) => {
        for (let first = extent - (extent % size || size); first >= 0; first -= size) {
          named[`${kind}Normalization${name}`]!(bound.address, first, Math.min(size, extent - first));
        }
      };
      const extent = kind === 'batch' ? 3 : Math.ceil((13 * 11) / rowGroupNumbers.rows);
      if (inParts) for (const size of [1, 2]) part('ForwardRows', extent, size);
      else bound.forward();
      bound.setDy(drawn.dY);
      if (!inParts) bound.backward();
      else {
        part('BackwardRows', extent, 2);
        if (kind === 'layer') part('BackwardWeights', 3, 2);
      }
      bound.commit();
      return { y: bound.y(), dx: bound.dx(), gradients: bound.gradients(), weights: bound.weights() };
    };
    const [whole, parts] = [run(false), run(true)];
    expectBits(parts.y, whole.y, 'y');
    expectBits(parts.dx, whole.dx, 'dx');
    for (const [n, values] of parts.gradients.entries()) expectBits(values, whole.gradients[n]!, `gradient ${n}`);
    for (const [n, values] of parts.weights.entries()) expectBits(values, whole.weights[n]!, `weight ${n}`);
  });

  test('numbers far from zero lose no accuracy', () => {
    const [B, T, D] = [40, 10, 6];
    const subject: Case = { batch: B, steps: T, inputs: D, kind, order: 'steps' };
    const drawn = draw(subject);
    // Exact in float32, so that the deviations are those of the reference
    for (let n = 0; n < drawn.x.data.length; n++) drawn.x.data[n] = 4096 + Math.round(drawn.x.data[n]! * 64) / 64;
    const bound = prepare(harness(), subject, drawn, true);
    bound.forward();
    // The mean is rounded to 2^-12
    expectClose(bound.y(), drawn.reference().y.data, { abs: 2e-3, rel: 0, what: 'y' });
  });
});

test.each(['batch', 'layer'] as const)(
  '%s normalization of a batch larger than a cache matches the reference',
  kind => {
    // Rows are then read in the order of memory
    expectReference({ batch: 1030, steps: 8, inputs: 131, kind, order: 'steps', masked: true });
  },
);

test('rows whose variance overflows give NaN in layer normalization, and do not change others', () => {
  const subject: Case = { batch: 7, steps: 1, inputs: 5, kind: 'layer', order: 'steps' };
  const drawn = draw(subject);
  for (const row of [1, 6]) drawn.x.data[5 * row] = 1e30;
  const bound = prepare(harness(), subject, drawn, true);
  bound.forward();
  const isHit = (_: number, n: number) => [1, 6].includes(Math.floor(n / 5));
  expect(Array.from(bound.y(), Number.isNaN)).toEqual(Array.from(bound.y(), isHit));
});

describe('moving statistics', () => {
  test('a frozen batch normalization uses them in training, and does not move them', () => {
    for (const size of [...some(sizes), ...large]) {
      expectReference({ ...size, kind: 'batch', moving: true, order: 'steps', masked: size.steps > 1 });
    }
  });

  test('a batch in which every step is masked has mean and variance 0', () => {
    const subject: Case = { batch: 2, steps: 3, inputs: 5, kind: 'batch', order: 'steps', masked: true };
    const drawn = draw(subject);
    drawn.mask!.fill(0);
    const bound = prepare(harness(), subject, drawn, true);
    bound.forward();
    bound.setDy(drawn.dY);
    bound.backward();
    const expected = drawn.reference();
    expectClose(bound.y(), expected.y.data, { abs: 1e-4, rel: 1e-6 });
    expectClose(bound.dx(), expected.backward(drawn.dY).dX, { abs: 1e-4, rel: 1e-6 });
    bound.commit();
    const [mean, variance] = bound.weights().slice(-2);
    for (const [n, moved] of [mean!, variance!].entries()) {
      expectClose(
        moved,
        drawn.moving[n]!.map(value => 0.99 * value),
        { abs: 0, rel: 4e-7 },
      );
    }
  });

  test('columns whose mean or variance is not finite keep their moving statistics, and give NaN', () => {
    const subject: Case = { batch: 3, steps: 1, inputs: 5, kind: 'batch', order: 'steps' };
    const drawn = draw(subject);
    drawn.x.data[1] = Number.NaN;
    drawn.x.data[2] = 1e30; // the variance overflows
    drawn.x.data[3] = Number.POSITIVE_INFINITY;
    const bound = prepare(harness(), subject, drawn, true);
    bound.forward();
    bound.commit();
    const y = bound.y();
    for (let n = 0; n < 15; n++) expect(Number.isNaN(y[n]!)).toBe([1, 2, 3].includes(n % 5));
    const [mean, variance] = bound.weights().slice(-2);
    for (const d of [1, 2, 3]) {
      expect([mean![d], variance![d]]).toEqual([drawn.moving[0][d], drawn.moving[1][d]]);
    }
    for (const d of [0, 4]) expect(mean![d]).not.toBe(drawn.moving[0][d]);
  });
});
