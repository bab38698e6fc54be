// Pooling, padding, cropping and repetition of time steps, and permute, against plain float64.

import { describe, expect, test } from 'vitest';
import type { Layer } from '../../src/layers/layer.ts';
import {
  AveragePooling1D,
  GlobalAveragePooling1D,
  GlobalMaxPooling1D,
  MaxPooling1D,
  type Pooling1DOptions,
} from '../../src/layers/pooling.ts';
import { Cropping1D, Permute, UpSampling1D, ZeroPadding1D } from '../../src/layers/timeSteps.ts';
import { block } from '../reference/block.ts';
import type { OtherSpec } from '../reference/layers.ts';
import { expectReference, normals } from './agreement.ts';
import { harness } from './harness.ts';
import { bind } from './plans.ts';

const tolerance = { abs: 2e-6, rel: 2e-6 };

/** Compares a layer at odd sizes, with its gradients, and with inputs in the order of callers and of layers. */
function expectAll(make: (size: { steps: number }) => [Layer, OtherSpec] | null, masked = false): void {
  const h = harness();
  for (const batch of [1, 2, 5]) {
    for (const steps of [1, 2, 3, 5, 8]) {
      for (const inputs of [1, 3, 4, 7]) {
        if (!make({ steps })) continue;
        const size = { batch, steps, inputs };
        const mask = masked && { mask: Array.from({ length: batch * steps }, (_, n) => Number(n % 3 !== 1)) };
        for (const options of [{ order: 'samples' }, { order: 'steps', dx: true }] as const) {
          const [layer, spec] = make(size)!;
          expectReference(h, { layer, spec, x: normals(size), tolerance, ...size, ...mask, ...options });
        }
      }
    }
  }
}

describe.each(['max', 'average'] as const)('%s pooling', kind => {
  const config = { poolSize: 2, strides: 2, padding: 'valid' } as const;
  test.each<Required<Pick<Pooling1DOptions, 'padding'>> & { poolSize: number; strides: number }>([
    config,
    { ...config, padding: 'same' },
    { poolSize: 3, strides: 1, padding: 'valid' },
    { poolSize: 3, strides: 1, padding: 'same' },
    { poolSize: 3, strides: 2, padding: 'same' },
    { poolSize: 2, strides: 5, padding: 'valid' },
    { poolSize: 7, strides: 2, padding: 'same' },
  ])(`${kind} pooling of $poolSize steps every $strides with padding $padding matches the reference`, options => {
    const spec = { class: `${kind}Pooling1d`, config: options } as OtherSpec;
    const make = () => (kind === 'max' ? new MaxPooling1D(options) : new AveragePooling1D(options));
    expectAll(({ steps }) => (options.padding === 'valid' && steps < options.poolSize ? null : [make(), spec]));
  });

  test.each([false, true])(`global ${kind} pooling matches the reference, masked: %s`, masked => {
    const name = kind === 'max' ? 'Max' : 'Average';
    const spec: OtherSpec = { class: `global${name}Pooling1d`, config: {} };
    expectAll(() => [kind === 'max' ? new GlobalMaxPooling1D() : new GlobalAveragePooling1D(), spec], masked);
  });
});

test('the gradient of a maximum goes to the first of equal steps', () => {
  const bound = bind(harness(), new MaxPooling1D({ poolSize: 3 }), {
    ...{ batch: 1, steps: 3, inputs: 1, order: 'steps', dx: true },
  });
  bound.setX(block([1, 3, 1], [0, 1, 1]));
  bound.forward();
  bound.setDy([2]);
  bound.backward();
  expect([...bound.dx()]).toEqual([0, 2, 0]);
});

test('zero padding, cropping and upsampling match the reference', () => {
  for (const padding of [
    [0, 0],
    [1, 1],
    [0, 3],
    [2, 0],
  ] as const) {
    const spec: OtherSpec = { class: 'zeroPadding1d', config: { padding: [...padding] } };
    expectAll(() => [new ZeroPadding1D({ padding }), spec]);
  }
  for (const cropping of [
    [0, 0],
    [1, 1],
    [0, 3],
    [2, 0],
  ] as const) {
    const spec: OtherSpec = { class: 'cropping1d', config: { cropping: [...cropping] } };
    expectAll(({ steps }) => (steps > cropping[0] + cropping[1] ? [new Cropping1D({ cropping }), spec] : null));
  }
  for (const size of [1, 2, 5]) {
    expectAll(() => [new UpSampling1D({ size }), { class: 'upSampling1d', config: { size } }]);
  }
});

test('permute matches the reference', () => {
  expectAll(({ steps }) => [
    new Permute({ dims: [2, 1] }),
    { class: 'permute', config: { dims: [2, 1] }, width: steps },
  ]);
});
