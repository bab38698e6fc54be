// conv1d, planned by the layer, against plain float64 loops.
//
//   B batch, S input steps, K taps, D inputs, N filters; u = 2^-24
//
// A sum of n products of sizes about 1 has an error of about n u; the tolerances are some times the square roots of the
// sums of squares, as sizes are drawn so that outputs are about 1.

import { describe, expect, test } from 'vitest';
import { activations } from '../../src/layers/activations.ts';
import { Conv1D, type Conv1DOptions } from '../../src/layers/conv1d.ts';
import { expectBits, expectClose } from '../compare.ts';
import { type ConvInputs, convBackward, convForward, windowStarts } from '../reference/conv1d.ts';
import { Random } from '../reference/random.ts';
import { type Harness, harness, some } from './harness.ts';
import { type BoundLayer, bind, type Order } from './plans.ts';

interface Case {
  B: number;
  S: number;
  D: number;
  N: number;
  K: number;
  strides?: number;
  dilationRate?: number;
  padding?: 'valid' | 'same' | 'causal';
  activation?: (typeof activations)[number];
  useBias?: boolean;
  order?: Order;
  reversed?: boolean;
}

const paddings = ['valid', 'same', 'causal'] as const;

function inputsOf(subject: Case): ConvInputs & { dY: Float64Array } {
  const { B, S, D, N, K, strides = 1, dilationRate = 1, padding = 'valid', activation, useBias = true } = subject;
  const random = new Random(B * S + K * D + N);
  const sizes = { B, D, N, steps: S, kernelSize: K, strides, dilationRate, padding };
  return {
    sizes,
    x: random.normals([B, S, D]).data,
    kernel: random.normals([K, D, N], (K * D) ** -0.5).data,
    bias: useBias ? random.normals([N], 0.5).data : null,
    ...(activation && { activation }),
    dY: random.normals([B, windowStarts(sizes).length, N]).data,
  };
}

function prepare(h: Harness, subject: Case, inputs: ConvInputs): BoundLayer {
  const { B, S, D, N, K, order = 'steps', reversed = false, activation = 'linear', useBias = true } = subject;
  const { strides = 1, dilationRate = 1, padding = 'valid' } = subject;
  const options: Conv1DOptions = { filters: N, kernelSize: K, strides, dilationRate, padding, activation, useBias };
  const layer = bind(h, new Conv1D(options), { batch: B, steps: S, inputs: D, order, reversed, dx: order === 'steps' });
  layer.setX({ shape: [B, S, D], data: inputs.x as Float64Array });
  layer.setWeights([inputs.kernel, ...(inputs.bias ? [inputs.bias] : [])]);
  return layer;
}

function expectReference(h: Harness, subject: Case): BoundLayer {
  const inputs = inputsOf(subject);
  const { B, S, D, N, K, order = 'steps', useBias = true } = subject;
  const layer = prepare(h, subject, inputs);
  const what = JSON.stringify(subject).replaceAll('"', '');
  const T = windowStarts(inputs.sizes).length;
  const of = (terms: number) => ({ abs: 4e-7 * Math.sqrt(terms + 8) * Math.sqrt(1 + terms / 40), rel: 2e-6 });

  layer.forward();
  const y = layer.y();
  expectClose(y, convForward(inputs), { ...of(K * D), what: `y of ${what}` });
  layer.setDy(inputs.dY);
  layer.backward();
  const expected = convBackward(inputs, y, inputs.dY); // from the same y: a slope may jump where y is zero
  const [dKernel, dBias] = layer.gradients();
  expectClose(dKernel!, expected.dKernel, { ...of(B * T), what: `dKernel of ${what}` });
  if (useBias) expectClose(dBias!, expected.dBias, { ...of(B * T), what: `dBias of ${what}` });
  if (order === 'steps') {
    expectClose(layer.dx(), expected.dX, { ...of(K * N), what: `dX of ${what}` });
    const padding = layer.dxPadding(); // the layer below relies on it
    expectClose(padding, new Float32Array(padding.length), { abs: 0, rel: 0, what: `padding of dX of ${what}` });
  }
  expect(layer.mask()).toBeNull();
  expect([layer.flow.y.rows, layer.flow.y.steps, layer.flow.y.width]).toEqual([B, T, N]);
  expect(inputs.x.length).toBe(B * S * D);
  return layer;
}

const fits = ({ S, K, dilationRate = 1, padding = 'valid' }: Case) =>
  padding !== 'valid' || S >= dilationRate * (K - 1) + 1;

describe('conv1d against the reference', () => {
  test.each(paddings)(
    'conv1d with padding %s matches the reference for all kernel sizes, strides and dilations',
    padding => {
      const h = harness();
      const cases: Case[] = [];
      for (const K of [1, 2, 3, 4, 5, 8]) {
        for (const [strides, dilationRate] of [
          [1, 1],
          [2, 1],
          [3, 1],
          [7, 1],
          [1, 2],
          [1, 3],
          [1, 9],
        ] as const) {
          for (const S of [1, 2, 3, 5, 8, 13, 21]) {
            const [B, D, N] = [1 + ((K + S) % 5), 1 + ((S + strides) % 6), 1 + ((K * S) % 7)];
            const order = (K + S) % 3 === 0 ? 'samples' : 'steps';
            cases.push({ B, S, D, N, K, strides, dilationRate, padding, order });
          }
        }
      }
      for (const subject of some(cases.filter(fits))) expectReference(h, subject);
    },
  );

  test.each(['samples', 'steps'] as const)('conv1d matches the reference for all widths in the order of %s', order => {
    const h = harness();
    const widths = [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 17, 20, 33, 65];
    const cases: Case[] = widths.flatMap((D, d) =>
      widths.map((N, n) => ({ B: 1 + (d % 3), S: 4 + (n % 5), D, N, K: 3, padding: paddings[(d + n) % 3]!, order })),
    );
    for (const subject of some(cases)) expectReference(h, subject);
  });

  // Products have samples as rows where there are many; weight gradients are summed over 256 windows at a time.
  test.each([1, 2, 7, 8, 9, 100, 257, 600])('conv1d matches the reference for a batch of %i', B => {
    const h = harness();
    for (const order of ['samples', 'steps'] as const) {
      for (const [S, K, D, N] of [
        [5, 3, 3, 5],
        [11, 2, 1, 4],
        [3, 5, 4, 17],
      ] as const) {
        expectReference(h, { B, S, D, N, K, padding: 'same', order });
        expectReference(h, { B, S, D, N, K, padding: 'causal', strides: 2, order, useBias: false });
      }
    }
  });

  test.each([64, 255, 256, 257, 700])('conv1d matches the reference for %i time steps', S => {
    const h = harness();
    for (const order of ['samples', 'steps'] as const) {
      for (const padding of paddings)
        expectReference(h, { B: 2, S, D: 3, N: 6, K: 3, dilationRate: 2, padding, order });
      expectReference(h, { B: 3, S, D: 1, N: 5, K: 7, strides: 3, order });
      expectReference(h, { B: 1, S, D: 70, N: 3, K: 9, order }); // a panel of several slices
    }
  });

  test.each(activations)('conv1d with %s matches the reference', activation => {
    const h = harness();
    for (const N of [1, 2, 5, 8]) {
      for (const order of ['samples', 'steps'] as const) {
        expectReference(h, { B: 3, S: 7, D: 3, N, K: 3, padding: 'same', activation, order });
      }
    }
  });

  test('conv1d matches the reference for reversed time steps', () => {
    const h = harness();
    for (const padding of paddings) {
      for (const B of [1, 3, 9]) expectReference(h, { B, S: 9, D: 4, N: 5, K: 3, padding, reversed: true });
    }
  });
});

test('conv1d writes only to the buffers of the plan', () => {
  for (const [strides, dilationRate] of [
    [1, 1],
    [3, 1],
    [1, 2],
  ] as const) {
    for (const padding of paddings) {
      for (const N of [1, 5, 13]) {
        for (const order of ['samples', 'steps'] as const) {
          const subject: Case = { B: 3, S: 9, D: 5, N, K: 3, strides, dilationRate, padding, order };
          expectReference(harness(), { ...subject, activation: 'gelu' }).expectFences();
        }
      }
    }
  }
});

test('the padding of packed weights and gradients of conv1d stays zero', () => {
  for (const N of [1, 2, 3, 5, 6, 7, 9]) {
    const layer = expectReference(harness(), { B: 3, S: 6, D: 3, N, K: 2, activation: 'sigmoid' });
    for (const [run, plain] of [
      ['weights', layer.weights()],
      ['gradients', layer.gradients()],
    ] as const) {
      const nonZero = (values: Float32Array) => values.filter(value => value !== 0).length;
      expect(nonZero(layer.packed(run)), `${run}, ${N} filters`).toBe(
        plain.reduce((sum, values) => sum + nonZero(values), 0),
      );
    }
  }
});

test('conv1dBackward adds to the gradients in dw', () => {
  const subject: Case = { B: 3, S: 6, D: 3, N: 5, K: 2 };
  const inputs = inputsOf(subject);
  const layer = prepare(harness(), subject, inputs);
  layer.forward();
  layer.setDy(inputs.dY);
  layer.backward();
  const once = layer.gradients();
  layer.setDy(inputs.dY);
  layer.backward();
  for (const [n, twice] of layer.gradients().entries()) {
    expectClose(
      twice,
      once[n]!.map(value => 2 * value),
      { abs: 1e-6, rel: 1e-6, what: `gradient ${n}` },
    );
  }
});

test('conv1d gives the same bits for a sample alone and in any batch', () => {
  for (const padding of paddings) {
    for (const order of ['samples', 'steps'] as const) {
      const [B, S, D, N, K] = [12, 11, 3, 6, 3];
      const all = inputsOf({ B, S, D, N, K, padding });
      const whole = prepare(harness(), { B, S, D, N, K, padding, order }, all);
      whole.forward();
      const each = whole.y().length / B;
      for (const b of [0, 5, 11]) {
        const one = { ...all, x: (all.x as Float64Array).slice(b * S * D, (b + 1) * S * D) };
        const alone = prepare(harness(), { B: 1, S, D, N, K, padding, order }, one);
        alone.forward();
        expectBits(alone.y(), whole.y().slice(b * each, (b + 1) * each), `sample ${b}`);
      }
    }
  }
});

test('the parts of conv1d give the bits of the whole', () => {
  for (const order of ['samples', 'steps'] as const) {
    for (const [strides, dilationRate] of [
      [1, 1],
      [2, 1],
      [1, 2],
    ] as const) {
      const subject: Case = { B: 19, S: 21, D: 5, N: 37, K: 3, strides, dilationRate, padding: 'same', order };
      const inputs = inputsOf({ ...subject, activation: 'gelu' });
      const run = (size: number) => {
        const h = harness();
        const layer = prepare(h, { ...subject, activation: 'gelu' }, inputs);
        const { address } = layer;
        const inParts = (count: number, part: (first: number, rows: number) => void) => {
          for (let first = 0; first < count; first += size) part(first, Math.min(size, count - first));
        };
        inParts(subject.B, (first, rows) => h.kernels.conv1dForwardRows(address, first, rows));
        layer.setDy(inputs.dY);
        h.kernels.conv1dBackwardStart(address);
        inParts(subject.B, (first, rows) => h.kernels.conv1dBackwardRows(address, first, rows));
        inParts(3, (first, groups) => h.kernels.conv1dBackwardWeights(address, first, groups));
        return [layer.y(), ...(order === 'steps' ? [layer.dx()] : []), ...layer.gradients()];
      };
      const whole = run(19);
      for (const size of [1, 2, 7, 9]) {
        for (const [n, values] of run(size).entries()) expectBits(values, whole[n]!, `result ${n} in parts of ${size}`);
      }
    }
  }
});
