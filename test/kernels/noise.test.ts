// Layers of noise, and rectifiers with learnt slopes and with thresholds, against plain float64.
//
//   B batch, T time, D width; u = 2^-24

import { describe, expect, test } from 'vitest';
import { ELU, LeakyReLU, ThresholdedReLU } from '../../src/layers/activationLayers.ts';
import type { Layer } from '../../src/layers/layer.ts';
import { GaussianDropout, GaussianNoise, SpatialDropout1D } from '../../src/layers/noise.ts';
import { PReLU } from '../../src/layers/prelu.ts';
import { expectBits, expectClose } from '../compare.ts';
import { block } from '../reference/block.ts';
import { normalNumbers } from '../reference/dropout.ts';
import type { OtherSpec } from '../reference/layers.ts';
import { expectReference, forAll, normals, sizes } from './agreement.ts';
import { harness } from './harness.ts';
import { bind } from './plans.ts';

const u = 2 ** -24;
const seed = 2 ** 40 + 9;

test.each([0.1, 0.5, 0.9])('spatialDropout1d with rate %f drops the same features at every step', rate => {
  forAll(size => ({
    layer: new SpatialDropout1D({ rate, seed }),
    spec: { class: 'spatialDropout1d', config: { rate, seed } },
    x: normals(size),
    tolerance: { abs: 0, rel: u },
  }));
});

test.each([0.01, 1, 30])('gaussianNoise with stddev %f matches the reference', stddev => {
  forAll(size => ({
    layer: new GaussianNoise({ stddev, seed }),
    spec: { class: 'gaussianNoise', config: { stddev, seed } },
    x: normals(size),
    tolerance: { abs: 8 * u * Math.max(1, stddev), rel: 2 * u },
  }));
});

test.each([0.1, 0.5, 0.9])('gaussianDropout with rate %f matches the reference', rate => {
  forAll(size => ({
    layer: new GaussianDropout({ rate, seed }),
    spec: { class: 'gaussianDropout', config: { rate, seed } },
    x: normals(size),
    tolerance: { abs: 8 * u, rel: 4 * u },
  }));
});

const noises: [string, () => Layer, OtherSpec][] = [
  [
    'spatialDropout1d',
    () => new SpatialDropout1D({ rate: 0.5, seed: 1 }),
    { class: 'spatialDropout1d', config: { rate: 0.5, seed: 1 } },
  ],
  [
    'gaussianNoise',
    () => new GaussianNoise({ stddev: 1, seed: 1 }),
    { class: 'gaussianNoise', config: { stddev: 1, seed: 1 } },
  ],
  [
    'gaussianDropout',
    () => new GaussianDropout({ rate: 0.5, seed: 1 }),
    { class: 'gaussianDropout', config: { rate: 0.5, seed: 1 } },
  ],
];

describe.each(noises)('%s', (name, make, spec) => {
  test(`${name} passes the mask on`, () => {
    const options = { batch: 2, steps: 3, inputs: 5, mask: [1, 0, 1, 1, 1, 0] };
    expectReference(harness(), {
      ...options,
      layer: make(),
      spec,
      x: normals(options),
      tolerance: { abs: 8 * u, rel: 4 * u },
    });
  });

  test.each(['predict', 'test'] as const)(`${name} adds no kernel call to a plan for %s`, purpose => {
    expect(bind(harness(), make(), { batch: 2, steps: 3, inputs: 5, purpose }).stages).toEqual([]);
  });
});

test('layers without noise add no kernel call', () => {
  const quiet = [new SpatialDropout1D({ rate: 0 }), new GaussianNoise({ stddev: 0 }), new GaussianDropout({ rate: 0 })];
  for (const layer of quiet) expect(bind(harness(), layer, { batch: 2, steps: 3, inputs: 5 }).stages).toEqual([]);
});

/** What gaussianNoise adds to zeros in a batch, [T, B, D] in the order in which it is drawn. */
function noiseOf(layer: Layer, batchNumber: number, rows: number, width: number): Float32Array {
  const h = harness();
  const bound = bind(h, layer, { batch: rows, steps: 1, inputs: width, order: 'steps' });
  bound.setX(block([rows, 1, width]));
  h.kernels.setBatch(batchNumber);
  bound.forward();
  return bound.y();
}

// A change here changes the results of users' programs; the changelog must mention it.
test('gaussianNoise has the same bits in every build', () => {
  const drawn = noiseOf(new GaussianNoise({ stddev: 1, seed: 1 }), 0, 2, 4);
  expectBits(drawn, normalNumbers(8, 1, 0, 0, 1));
});

test('gaussianNoise depends on the seed and on the number of the batch', () => {
  const of = (own: number, batch: number) =>
    [...noiseOf(new GaussianNoise({ stddev: 1, seed: own }), batch, 4, 8)].join();
  expect(of(1, 0)).toBe(of(1, 0));
  expect(new Set([of(1, 0), of(2, 0), of(1, 1), of(0, 1)]).size).toBe(4);
});

test('gaussianNoise has the mean, the deviation and the tails of a normal distribution', () => {
  const n = 100_000;
  const drawn = noiseOf(new GaussianNoise({ stddev: 2, seed: 3 }), 5, n / 8, 8);
  const share = (limit: number) => drawn.filter(value => Math.abs(value) > 2 * limit).length / n;
  const mean = drawn.reduce((sum, value) => sum + value, 0) / n;
  const square = drawn.reduce((sum, value) => sum + value * value, 0) / n;
  expectClose([mean], [0], { abs: (4 * 2) / Math.sqrt(n), rel: 0 });
  expectClose([square], [4], { abs: 4 * 4 * Math.sqrt(2 / n), rel: 0 });
  for (const [limit, tail] of [
    [1, 0.3173],
    [2, 0.0455],
    [3, 0.0027],
  ] as const) {
    expectClose([share(limit)], [tail], { abs: 4 * Math.sqrt(tail / n), rel: 0 });
  }
});

// --------------------------------------------------------------------------------------------------------- rectifiers

const tolerance = { abs: 1e-6, rel: 1e-6 };

test.each([-0.5, 0, 0.3, 1.5])(
  'leakyReLU, elu and thresholdedReLU match the reference with the parameter %f',
  value => {
    const made: [() => Layer, OtherSpec][] = [
      [() => new LeakyReLU({ alpha: value }), { class: 'leakyReLU', config: { alpha: value } }],
      [() => new ELU({ alpha: value }), { class: 'elu', config: { alpha: value } }],
      [() => new ThresholdedReLU({ theta: value }), { class: 'thresholdedReLU', config: { theta: value } }],
    ];
    for (const [make, spec] of made) forAll(size => ({ layer: make(), spec, x: normals(size), tolerance }));
  },
);

test('thresholdedReLU keeps numbers above theta and NaN', () => {
  const bound = bind(harness(), new ThresholdedReLU({ theta: 0.5 }), {
    ...{ batch: 1, steps: 1, inputs: 5, order: 'steps', dx: true },
  });
  bound.setX(block([1, 1, 5], [-1, 0.5, 0.75, Number.NaN, 0.25]));
  bound.forward();
  expectBits(bound.y(), [0, 0, 0.75, Number.NaN, 0]);
  bound.setDy([3, 3, 3, 3, 3]);
  bound.backward();
  expectBits(bound.dx(), [0, 0, 3, 3, 0]);
});

describe('prelu', () => {
  test.each([undefined, [1], [2], [1, 2]])('prelu with sharedAxes %o matches the reference', sharedAxes => {
    const h = harness();
    const config = sharedAxes ? { sharedAxes } : {};
    for (const size of sizes) {
      for (const options of [{ order: 'samples' }, { order: 'steps' }, { order: 'steps', dx: true }] as const) {
        expectReference(h, {
          layer: new PReLU(config),
          spec: { class: 'prelu', config, steps: size.steps },
          x: normals(size),
          tolerance,
          ...size,
          ...options,
        });
      }
    }
  });

  test.each([undefined, [1]])('prelu of vectors with sharedAxes %o matches the reference', sharedAxes => {
    const config = sharedAxes ? { sharedAxes } : {};
    for (const size of sizes.filter(({ steps }) => steps === 1)) {
      expectReference(harness(), {
        layer: new PReLU(config),
        spec: { class: 'prelu', config },
        x: normals(size),
        tolerance,
        ...size,
        shape: [size.batch, size.inputs],
        order: 'steps',
        dx: true,
      });
    }
  });

  test('preluBackward adds to the gradients of the slopes', () => {
    const bound = bind(harness(), new PReLU({ sharedAxes: [1] }), { batch: 1, steps: 2, inputs: 2, order: 'steps' });
    bound.setX(block([1, 2, 2], [-1, 2, -3, -4]));
    bound.packed('gradients').fill(16);
    bound.forward();
    bound.setDy([1, 1, 2, 2]);
    bound.backward();
    expectBits(bound.gradients()[0]!, [16 - 1 - 6, 16 - 8]);
  });

  test('prelu passes the mask on', () => {
    const options = { batch: 2, steps: 3, inputs: 5, mask: [1, 0, 1, 1, 1, 0] };
    const spec = { class: 'prelu', config: {}, steps: 3 } as const;
    expectReference(harness(), { ...options, layer: new PReLU(), spec, x: normals(options), tolerance });
  });
});
