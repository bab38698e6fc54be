// Layers that are planned and run by their kernels, against their plain float64 reference.
//
//   B batch, T time, D width

import { expect } from 'vitest';
import type { Layer } from '../../src/layers/layer.ts';
import { expectBits, expectClose } from '../compare.ts';
import type { Block } from '../reference/block.ts';
import { type OtherSpec, otherLayerOf } from '../reference/layers.ts';
import { Random } from '../reference/random.ts';
import { type Harness, harness } from './harness.ts';
import { type BoundLayer, bind, type PlanOptions } from './plans.ts';

const orders = ['samples', 'steps'] as const;

export interface Case extends PlanOptions {
  layer: Layer;
  spec: OtherSpec;
  x: Block;
  tolerance?: { abs: number; rel: number };
}

/** Runs a layer forward and back, and compares all results. */
export function expectReference(
  h: Harness,
  { layer, spec, x, tolerance = { abs: 0, rel: 0 }, ...options }: Case,
): BoundLayer {
  const bound = bind(h, layer, options);
  const reference = otherLayerOf(spec, options.inputs);
  reference.training = true;
  const random = new Random(5);
  const weights = reference.weights.map(({ shape }) => random.normals(shape));
  reference.weights.forEach(({ data }, n) => {
    data.set(weights[n]!.data);
  });
  bound.setX(x);
  bound.setWeights(weights.map(({ data }) => data));

  h.kernels.setBatch(0);
  bound.forward();
  const pass = reference.forward(x, options.mask ? Float64Array.from(options.mask) : null);
  expectClose(bound.y(), pass.y.data, { ...tolerance, what: 'y' });
  const mask = pass.mask === undefined ? (options.mask ?? null) : pass.mask;
  if (mask) expectBits(bound.mask()!, mask, 'mask');
  else expect(bound.mask()).toBeNull();

  const dY = random.normals(pass.y.shape).data;
  if (bound.flow.dy) {
    bound.setDy(dY);
    bound.backward();
    const { dX, dWeights } = pass.backward(dY);
    bound.gradients().forEach((got, n) => {
      expectClose(got, dWeights[n]!, { abs: 1e-5, rel: 0, what: `gradient ${n}` });
    });
    if (options.dx) {
      expectClose(bound.dx(), dX, { ...tolerance, what: 'dx' });
      const padding = bound.dxPadding(); // the layer below relies on it
      expectClose(padding, new Float32Array(padding.length), { abs: 0, rel: 0, what: 'padding of dx' });
    }
  } else {
    expect(options.dx).toBeFalsy();
  }
  bound.expectFences();
  return bound;
}

/** Odd sizes, in both orders, with dx where the order allows it. */
export const sizes = [1, 2, 3, 5].flatMap(batch =>
  [1, 2, 5].flatMap(steps => [1, 2, 3, 4, 5, 8, 11].map(inputs => ({ batch, steps, inputs }))),
);
export function forAll(
  make: (size: { batch: number; steps: number; inputs: number }) => Omit<Case, keyof PlanOptions>,
): void {
  const h = harness();
  for (const size of sizes) {
    for (const order of orders) expectReference(h, { ...make(size), ...size, order });
    expectReference(h, { ...make(size), ...size, order: 'steps', dx: true });
  }
}

export const normals = ({ batch, steps, inputs }: { batch: number; steps: number; inputs: number }) =>
  new Random(batch * 100 + steps * 10 + inputs).normals([batch, steps, inputs], 2);
