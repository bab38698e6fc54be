// Merging layers, planned and run, against plain float64 and its differences: any number of inputs, sizes of 1, and masks.

import { describe, expect, test } from 'vitest';
import { Concatenate } from '../../src/layers/concatenate.ts';
import { Dot } from '../../src/layers/dot.ts';
import { Add, Average, Maximum, Minimum, Multiply, Subtract } from '../../src/layers/merge.ts';
import { expectBits, expectClose } from '../compare.ts';
import { type Block, block } from '../reference/block.ts';
import { dotOf, numericalGradient } from '../reference/differences.ts';
import { concatenate, dot, type Masked, type MergeName, merge } from '../reference/merging.ts';
import { Random } from '../reference/random.ts';
import { harness, some } from './harness.ts';
import { type BoundCall, bindCall } from './multiPlans.ts';

const layers = {
  add: Add,
  subtract: Subtract,
  average: Average,
  multiply: Multiply,
  maximum: Maximum,
  minimum: Minimum,
} satisfies Record<MergeName, unknown>;
const names = Object.keys(layers) as MergeName[];

const draw = (random: Random, shape: number[]): Block => random.normals(shape);
const maskOf = (random: Random, count: number) => Array.from({ length: count }, () => random.bits() & 1);

/** Compares outputs, masks and gradients with a reference of the same inputs. */
function expectReference(
  bound: BoundCall,
  inputs: readonly Masked[],
  reference: () => { y: Float64Array; mask: number[] | null },
  tolerance = { abs: 1e-6, rel: 1e-6 },
): void {
  bound.forward();
  const { y, mask } = reference();
  expectClose(bound.output(), y, { ...tolerance, what: 'y' });
  if (mask) expectBits(bound.mask()!, mask, 'mask');
  else expect(bound.mask()).toBeNull();

  const dY = new Random(3).normals([y.length]).data;
  bound.setGradient(dY);
  bound.backward();
  inputs.forEach(({ values }, n) => {
    const expected = numericalGradient(() => dotOf(reference().y, dY), values.data);
    expectClose(bound.gradient(n), expected, { abs: 2e-5, rel: 1e-5, what: `gradient of input ${n}` });
  });
  bound.expectFences();
}

describe.each(names)('%s', name => {
  const counts = name === 'subtract' ? [2] : [2, 3, 5];

  test(`${name} matches the reference for vectors and sequences`, () => {
    for (const count of counts) {
      for (const width of some([1, 2, 3, 4, 5, 8, 11])) {
        for (const shape of [
          [3, width],
          [1, 1, width],
          [3, 5, width],
        ]) {
          const random = new Random(count * 100 + width);
          const inputs = Array.from({ length: count }, () => ({ values: draw(random, shape) }));
          expectReference(bindCall(harness(), new layers[name](), inputs), inputs, () => merge(name, inputs));
        }
      }
    }
  });

  test(`${name} repeats inputs of one time step or one feature`, () => {
    const shapes = [
      [3, 4, 5],
      [3, 5],
      [3, 4, 1],
      [3, 1, 5],
      [3, 1],
    ];
    for (const first of some(shapes)) {
      for (const second of shapes) {
        const random = new Random(7);
        const inputs = [first, second].map(shape => ({ values: draw(random, shape) }));
        expectReference(bindCall(harness(), new layers[name](), inputs), inputs, () => merge(name, inputs));
      }
    }
    if (name === 'subtract') return;
    const random = new Random(8);
    const inputs = [
      [3, 1],
      [3, 4, 5],
      [3, 4, 1],
      [3, 5],
    ].map(shape => ({ values: draw(random, shape) }));
    expectReference(bindCall(harness(), new layers[name](), inputs), inputs, () => merge(name, inputs));
  });

  test(`${name} combines masks as Keras does`, () => {
    for (const count of counts) {
      for (const masked of some(Array.from({ length: 2 ** count }, (_, n) => n))) {
        const random = new Random(count + masked);
        const inputs = Array.from({ length: count }, (_, n) => ({
          values: draw(random, [3, 7, 3]),
          mask: masked & (1 << n) ? maskOf(random, 21) : undefined,
        }));
        expectReference(bindCall(harness(), new layers[name](), inputs), inputs, () => merge(name, inputs));
      }
    }
  });

  test(`${name} reads the tight rows of model inputs, and keeps no partial results for predictions`, () => {
    for (const width of [1, 3, 6]) {
      const random = new Random(width);
      const inputs = Array.from({ length: counts.at(-1)! }, () => ({
        values: draw(random, [2, 3, width]),
        isModelInput: true,
      }));
      const bound = bindCall(harness(), new layers[name](), inputs, { purpose: 'predict' });
      bound.forward();
      expectClose(bound.output(), merge(name, inputs).y, { abs: 1e-6, rel: 1e-6 });
      bound.expectFences();
    }
  });
});

test.each([
  ['maximum', Maximum],
  ['minimum', Minimum],
] as const)('the first of equal operands of %s has the gradient', (_, LayerClass) => {
  const values = () => block([1, 3], [1, -2, 0]);
  const bound = bindCall(harness(), new LayerClass(), [
    { values: values() },
    { values: values() },
    { values: values() },
  ]);
  bound.forward();
  bound.setGradient([3, 4, 5]);
  bound.backward();
  expect([0, 1, 2].map(n => [...bound.gradient(n)])).toEqual([
    [3, 4, 5],
    [0, 0, 0],
    [0, 0, 0],
  ]);
});

describe('concatenate', () => {
  test.each([-1, 1])('concatenate matches the reference along axis %i', axis => {
    const alongTime = axis === 1;
    for (const sizes of [
      [1, 1],
      [3, 4],
      [4, 4],
      [5, 2, 3],
      [1, 8, 3, 2, 1],
    ]) {
      for (const masks of [0, 1, 2 ** sizes.length - 1]) {
        const random = new Random(sizes.length + masks);
        const inputs = sizes.map((size, n) => {
          const shape = alongTime ? [3, size, 5] : [3, 4, size];
          const mask = masks & (1 << n) ? maskOf(random, shape[0]! * shape[1]!) : undefined;
          return { values: draw(random, shape), mask };
        });
        const bound = bindCall(harness(), new Concatenate({ axis }), inputs);
        expectReference(bound, inputs, () => concatenate(inputs, alongTime), { abs: 0, rel: 1e-7 });
      }
    }
  });

  test('concatenates vectors', () => {
    const random = new Random(4);
    const inputs = [3, 1, 6].map(width => ({ values: draw(random, [5, width]) }));
    const bound = bindCall(harness(), new Concatenate({ axis: 1 }), inputs);
    expectReference(bound, inputs, () => concatenate(inputs, false), { abs: 0, rel: 1e-7 });
  });

  test('rejects a second call with inputs of other ranks, on which the axis depends', () => {
    const layer = new Concatenate({ axis: 1, name: 'both' });
    layer.connect('test', [
      [2, 3, 4],
      [2, 5, 4],
    ]);
    expect(() =>
      layer.connect('test', [
        [2, 3],
        [2, 5],
      ]),
    ).toThrow(
      'the inputs of both must have the same ranks in every call, first [2, 3, 4] and [2, 5, 4], got [2, 3] and [2, 5]',
    );
  });
});

describe.each([false, true])('dot, normalize: %s', normalize => {
  test.each([
    [[5], [5], 1],
    [[1], [1], -1],
    [[4, 5], [3, 5], 2],
    [[4, 5], [4, 3], 1],
    [
      [4, 5],
      [5, 3],
      [2, 1],
    ],
    [
      [4, 5],
      [3, 4],
      [1, 2],
    ],
    [[9, 13], [17, 13], -1],
    [[1, 3], [1, 3], 2],
    [[4, 5], [5], [2, 1]],
    [[4, 5], [4], [1, 1]],
    [[5], [4, 5], [1, 2]],
    [[4], [4, 5], [1, 1]],
  ] as [number[], number[], number | [number, number]][])(
    'dot of %j and %j along %j matches the reference',
    (a, b, axes) => {
      for (const batch of some([3, 1])) {
        const random = new Random(batch);
        const inputs = [a, b].map(shape => ({ values: draw(random, [batch, ...shape]) }));
        const [x, z] = inputs.map(({ values }) => values) as [Block, Block];
        const positive = (typeof axes === 'number' ? [axes, axes] : axes).map((axis, n) =>
          axis < 0 ? axis + inputs[n]!.values.shape.length : axis,
        ) as [number, number];
        const bound = bindCall(harness(), new Dot({ axes, normalize }), inputs);
        const tolerance = { abs: 4e-6, rel: 1e-6 };
        expectReference(bound, inputs, () => ({ y: dot(x, z, positive, normalize).data, mask: null }), tolerance);
      }
    },
  );
});

test('dot has no mask, whatever those of its inputs', () => {
  const values = block([1, 2, 1], [1, 2]);
  expect(
    bindCall(harness(), new Dot({ axes: 2 }), [
      { values, mask: [1, 0] },
      { values, mask: [1, 0] },
    ]).mask(),
  ).toBeNull();
});

test('the factor of a tiny normalized vector is constant', () => {
  const inputs = [{ values: block([1, 2], [3e-9, 4e-9]) }, { values: block([1, 2], [3, 4]) }];
  const bound = bindCall(harness(), new Dot({ axes: 1, normalize: true }), inputs);
  bound.forward();
  expectClose(bound.output(), [0.05], { abs: 0, rel: 1e-6 });
  bound.setGradient([1]);
  bound.backward();
  expectClose(bound.gradient(0), [0.6e7, 0.8e7], { abs: 0, rel: 1e-6 });
});

test('normalized zeros give zero, with a gradient scaled by the greatest inverse norm', () => {
  const inputs = [{ values: block([1, 2], [0, 0]) }, { values: block([1, 2], [3, 4]) }];
  const bound = bindCall(harness(), new Dot({ axes: 1, normalize: true }), inputs);
  bound.forward();
  expect([...bound.output()]).toEqual([0]);
  bound.setGradient([1]);
  bound.backward();
  expectClose(bound.gradient(0), [0.6e7, 0.8e7], { abs: 0, rel: 1e-6 });
  expectClose(bound.gradient(1), [0, 0], { abs: 0, rel: 0 });
});
