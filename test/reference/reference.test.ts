// Tests of the references themselves: against fixtures made with PyTorch, and against central differences.

import { describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { readFixture } from '../fixtures.ts';
import { activations } from './activations.ts';
import type { Block } from './block.ts';
import { lstmBackward, lstmForward } from './lstm.ts';
import { matmul, matmulABt, matmulAtB } from './matmul.ts';
import { type LayerSpec, ReferenceModel } from './model.ts';
import { Adam } from './optimizers.ts';
import { Random } from './random.ts';

describe('expectClose', () => {
  const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

  test('allows errors up to abs + rel |expected|', () => {
    expectClose([1.5, -8.75, nan, infinity, 0], [1, -8, nan, infinity, -0], { abs: 0.25, rel: 0.25 });
    expect(() => expectClose([1.51], [1], { abs: 0.25, rel: 0.25 })).toThrow();
    expect(() => expectClose([0], [infinity], { abs: 1, rel: 1 })).toThrow();
    expect(() => expectClose([nan], [0], { abs: 1, rel: 1 })).toThrow();
    expect(() => expectClose([0], [nan], { abs: 1, rel: 1 })).toThrow();
    expect(() => expectClose([0], [0, 0], { abs: 1, rel: 1 })).toThrow('got 1 elements, expected 2');
  });

  test('reports the worst element and the number of violations', () => {
    const call = () => expectClose([1, 2.5, 7, 4], [1, 2, 3, 4], { abs: 0.25, rel: 0, what: 'dKernel' });
    expect(call).toThrow('dKernel: 2 of 4');
    expect(call).toThrow('worst at index 2: got 7, expected 3, error 4.00, 16.0 times');
  });
});

test('expectBits distinguishes different float32 values', () => {
  expectBits([0.1, Number.NaN], [Math.fround(0.1), Number.NaN]);
  expect(() => expectBits([1, 0], [1, -0])).toThrow('1 of 2 differ in bits; first at index 1');
  expect(() => expectBits([1], [1 + 2 ** -23])).toThrow('got 1 (0x3f800000), expected 1.0000001192092896 (0x3f800001)');
});

test('Random draws float32 values with the stated mean and deviation', () => {
  const random = new Random(1);
  const [uniform, normal] = [random.uniforms([20000]).data, random.normals([20000]).data];
  expectClose(uniform, uniform.map(Math.fround), { abs: 0, rel: 0 });
  expectClose(normal, normal.map(Math.fround), { abs: 0, rel: 0 });
  expectClose(moments(uniform), [0, Math.sqrt(1 / 3)], { abs: 0.02, rel: 0 });
  expectClose(moments(normal), [0, 1], { abs: 0.02, rel: 0 });
});

test('the three reference products agree on transposed operands', () => {
  const [a, at] = [
    [1, 2, 3, 4, 5, 6],
    [1, 4, 2, 5, 3, 6],
  ]; // [2,3] and its transpose
  const [b, bt] = [
    [7, 8, 9, 10, 11, 12],
    [7, 9, 11, 8, 10, 12],
  ]; // [3,2] and its transpose
  for (const result of [matmul(a, b, 2, 3, 2), matmulAtB(at, b, 2, 3, 2), matmulABt(a, bt, 2, 3, 2)]) {
    expectClose(result, [58, 64, 139, 154], { abs: 0, rel: 0 });
  }
});

describe('against PyTorch', () => {
  test('the lstm reference matches PyTorch', () => {
    const { sizes, given, expect: expected } = readFixture('lstm-gradients');
    const { outputs, h, c, cache } = lstmForward({
      sizes,
      x: given.x.data,
      kernel: given.kernel.data,
      recurrentKernel: given.recurrentKernel.data,
      bias: given.bias.data,
      h0: given.h0.data,
      c0: given.c0.data,
    });
    const got = { outputs, h, c, ...lstmBackward(cache, given.dOutputs.data) };
    for (const [what, { data }] of Object.entries(expected)) {
      expectClose(got[what as keyof typeof got], data, { abs: 1e-10, rel: 1e-10, what });
    }
  });

  test('the Adam reference matches PyTorch', () => {
    const { config, weights, gradients, expect: expected } = readFixture('adam');
    const adam = new Adam(config);
    const w = weights.data.slice();
    const rows: number[] = [];
    for (let n = 0; n < gradients.data.length; n += w.length) {
      adam.step([w], [gradients.data.subarray(n, n + w.length)]);
      rows.push(...w);
    }
    expectClose(rows, expected.weights.data, { abs: 1e-11, rel: 1e-11, what: 'weights' });
    expectClose(adam.m[0]!, expected.m.data, { abs: 0, rel: 1e-10, what: 'm' });
    expectClose(adam.v[0]!, expected.v.data, { abs: 0, rel: 1e-10, what: 'v' });
  });

  test.each([
    ['stacked', 1e-9],
    ['lstm-last-dense', 1e-9],
    ['seed-program', 1e-8], // its outputs have 9 digits
  ] as const)('a reference model matches the fixture %s', { timeout: 30_000 }, (name, bound) => {
    const fixture = readFixture(name);
    const model = new ReferenceModel({ layers: fixture.layers, optimizer: fixture.compile.optimizer });
    const tolerance = { abs: bound, rel: bound };
    model.setWeights(fixture.weights);
    for (const [n, step] of fixture.steps.entries()) {
      const what = `step ${n}, ${step.op}`;
      if (step.op === 'resetStates') {
        model.resetStates();
      } else if (step.op === 'train') {
        const loss = model.trainOnBatch(step.x, step.y);
        if (step.expect) expectClose([loss], [step.expect.loss], { ...tolerance, what });
      } else {
        const output = model.predict(step.x);
        if (step.expect) expectClose(output.data, step.expect.output.data, { ...tolerance, what });
      }
    }
    model.getWeights().forEach(({ data }, n) => {
      expectClose(data, fixture.final.weights[n]!.data, { ...tolerance, what: `final weights ${n}` });
    });
  });
});

describe('against central differences', () => {
  // Over 2e-4 the difference has an error of about 1e-9 times the third derivative, and by 1e-12 of rounding.
  const bound = { abs: 1e-7, rel: 1e-7 };
  const centralDifference = (f: (s: number) => number) => (f(1e-4) - f(-1e-4)) / 2e-4;
  const moved = (from: Float64Array, direction: Float64Array, s: number) => from.map((v, n) => v + s * direction[n]!);

  test.each([false, true])(
    'lstmBackward with a gradient of the final state matches finite differences, goBackwards %s',
    goBackwards => {
      const random = new Random(2);
      const [B, T, D, U] = [2, 4, 3, 5];
      const draw = (...shape: number[]) => random.normals(shape, 0.5).data;
      const given = {
        x: draw(B, T, D),
        kernel: draw(D, 4 * U),
        recurrentKernel: draw(U, 4 * U),
        bias: draw(4 * U),
        h0: draw(B, U),
        c0: draw(B, U),
      };
      const [dOutputs, dh, dc] = [draw(B, T, U), draw(B, U), draw(B, U)];
      const run = (inputs: typeof given) => lstmForward({ sizes: { B, T, D, U }, goBackwards, ...inputs });
      const loss = (inputs: typeof given) => {
        const { outputs, h, c } = run(inputs);
        return dot(outputs, dOutputs) + dot(h, dh) + dot(c, dc);
      };

      const { dX, dKernel, dRecurrentKernel, dBias, dH0, dC0 } = lstmBackward(run(given).cache, dOutputs, dh, dc);
      const gradients = { x: dX, kernel: dKernel, recurrentKernel: dRecurrentKernel, bias: dBias, h0: dH0, c0: dC0 };
      for (const what of Object.keys(given) as (keyof typeof given)[]) {
        const direction = random.normals([given[what].length]).data;
        const slope = centralDifference(s => loss({ ...given, [what]: moved(given[what], direction, s) }));
        expectClose([dot(gradients[what], direction)], [slope], { ...bound, what });
      }
    },
  );

  const lstm = (config: object) => ({ class: 'lstm', config: { units: 5, ...config } }) as LayerSpec;
  const dense = (config: object = {}) => ({ class: 'dense', config: { units: 2, ...config } }) as LayerSpec;
  const open = { inputShape: [null, 3] };

  test.each<[string, LayerSpec[]]>([
    ['all steps', [lstm({ ...open, returnSequences: true }), dense()]],
    ['last step', [lstm(open), dense()]],
    ['last step, goBackwards', [lstm({ ...open, goBackwards: true }), dense()]],
    ['all steps, goBackwards', [lstm({ ...open, goBackwards: true, returnSequences: true }), dense()]],
    ['stacked', [lstm({ ...open, returnSequences: true }), lstm({ units: 4 }), dense()]],
    ['no bias', [lstm({ ...open, useBias: false }), dense({ useBias: false })]],
    ['stateful', [lstm({ batchInputShape: [2, 4, 3], stateful: true }), dense()]],
    ...Object.keys(activations).map((activation): [string, LayerSpec[]] => [
      `dense ${activation}`,
      [dense({ ...open, activation, units: 3 }), lstm({}), dense({ activation })],
    ]),
  ])('the gradients of a reference model match finite differences: %s', (_, layers) => {
    const random = new Random(3);
    const model = new ReferenceModel({ layers });
    const weights = model.weightShapes.map(shape => random.normals(shape, 0.5));
    const [before, x] = [random.normals([2, 4, 3]), random.normals([2, 4, 3])];

    // The state from earlier batches is a constant: only the current batch is differentiated.
    model.setWeights(weights);
    const y = random.normals(model.predict(before).shape);
    const gradients = model.gradients(x, y);
    const loss = (at: Block[]) => {
      model.resetStates();
      model.setWeights(weights);
      model.predict(before);
      model.setWeights(at);
      return model.testOnBatch(x, y);
    };
    weights.forEach(({ shape, data }, n) => {
      const direction = random.normals(shape).data;
      const slope = centralDifference(s => loss(weights.with(n, { shape, data: moved(data, direction, s) })));
      expectClose([dot(gradients[n]!.data, direction)], [slope], { ...bound, what: `weights ${n}` });
    });
  });

  test('gradients does not change weights and states', () => {
    const random = new Random(4);
    const model = new ReferenceModel({ layers: [lstm({ batchInputShape: [2, 4, 3], stateful: true })] });
    model.setWeights(model.weightShapes.map(shape => random.normals(shape)));
    const [x, y] = [random.normals([2, 4, 3]), random.normals([2, 5])];
    model.predict(x);
    const [weights, states] = [model.getWeights(), model.getStates()];
    model.gradients(x, y);
    expect(model.getWeights()).toEqual(weights);
    expect(model.getStates()).toEqual(states);
  });
});

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, n) => sum + value * b[n]!, 0);
}

/** Mean and standard deviation. */
function moments(values: Float64Array): [number, number] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return [mean, Math.sqrt(variance)];
}
