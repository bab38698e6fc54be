// The reference of an LSTM with peepholes, a projection and layer normalization: against central differences, with all
// options, and against the LSTM reference without them.

import { describe, expect, test } from 'vitest';
import { expectClose } from '../compare.ts';
import { dotOf } from './differences.ts';
import { lstmBackward, lstmForward } from './lstm.ts';
import { listOf, lstmVariantForward, type VariantInputs, type VariantWeights } from './lstmVariants.ts';
import { Random } from './random.ts';
import { curves } from './recurrent.ts';

// Over 2e-4 the difference has an error of about 1e-9 times the third derivative, and by 1e-12 of rounding.
const bound = { abs: 1e-7, rel: 1e-7 };
const flags = [false, true];
const [B, T, D, U] = [3, 4, 2, 3];

interface Way {
  peepholes: boolean;
  projects: boolean;
  normalizes: boolean;
  useBias: boolean;
  plain: boolean;
}

function setUp({ peepholes, projects, normalizes, useBias, plain }: Way) {
  const random = new Random(2);
  const draw = (...shape: number[]) => random.normals(shape, 0.4).data;
  const P = projects ? 2 : U;
  const weights: VariantWeights = {
    kernel: draw(D, 4 * U),
    recurrentKernel: draw(P, 4 * U),
    ...(useBias && { bias: draw(4 * U) }),
    ...(peepholes && { peepholes: [draw(U), draw(U), draw(U)] }),
    ...(projects && { projection: draw(U, P) }),
    ...(normalizes && { norms: [4, 4, 4, 4, 1, 1].map(gates => draw(gates * U)) }),
  };
  const inputs: VariantInputs = {
    ...{ sizes: { B, T, D, U }, P, weights, x: draw(B, T, D), h0: draw(B, P), c0: draw(B, U), epsilon: 0.03 },
    ...(!plain && {
      goBackwards: true,
      mask: [0, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0],
      drop: draw(B, P).map(value => (value < -0.3 ? 0 : 1.5)),
      activation: curves.sigmoid,
      recurrentActivation: curves.hardSigmoid,
    }),
  };
  return { inputs, dOutputs: draw(B, T, P), dh: draw(B, P), dc: draw(B, U), draw };
}

const ways: Way[] = [0, 1, 2, 3, 4, 5, 6, 7].flatMap(bits =>
  flags.flatMap(useBias =>
    flags.map(plain => {
      const [peepholes, projects, normalizes] = [1, 2, 4].map(bit => (bits & bit) > 0) as [boolean, boolean, boolean];
      return { peepholes, projects, normalizes, useBias, plain };
    }),
  ),
);

describe('the reference of lstm variants', () => {
  test.each(ways)('matches finite differences: %o', way => {
    const { inputs, dOutputs, dh, dc, draw } = setUp(way);
    const loss = () => {
      const { outputs, h, c } = lstmVariantForward(inputs);
      return dotOf(outputs, dOutputs) + dotOf(h, dh) + dotOf(c, dc);
    };
    const { dWeights, dX, dH0, dC0 } = lstmVariantForward(inputs).backward(dOutputs, dh, dc);
    const given = [...listOf(inputs.weights), inputs.x, inputs.h0!, inputs.c0!] as Float64Array[];
    for (const [n, gradient] of [...dWeights, dX, dH0, dC0].entries()) {
      const values = given[n]!;
      expect(gradient.length).toBe(values.length);
      const [start, direction] = [values.slice(), draw(values.length)];
      const lossAt = (s: number) => {
        values.set(start.map((value, k) => value + s * direction[k]!));
        return loss();
      };
      const slope = (lossAt(1e-4) - lossAt(-1e-4)) / 2e-4;
      values.set(start);
      expectClose([dotOf(gradient, direction)], [slope], { ...bound, what: `gradient ${n}` });
    }
  });

  test.each(flags)('is the lstm reference without any option: plain %s', plain => {
    const { inputs, dOutputs, dh, dc } = setUp({
      ...{ peepholes: false, projects: false, normalizes: false, useBias: true, plain },
    });
    const { kernel, recurrentKernel, bias } = inputs.weights;
    const expected = lstmForward({ ...inputs, kernel, recurrentKernel, bias: bias! });
    const got = lstmVariantForward(inputs);
    expectClose(got.outputs, expected.outputs, { abs: 1e-12, rel: 0 });
    expectClose(got.c, expected.c, { abs: 1e-12, rel: 0 });
    const gradients = lstmBackward(expected.cache, dOutputs, dh, dc);
    const { dX, dH0, dC0, dWeights } = got.backward(dOutputs, dh, dc);
    const { dKernel, dRecurrentKernel, dBias } = gradients;
    const wanted = [gradients.dX, gradients.dH0, gradients.dC0, dKernel, dRecurrentKernel, dBias];
    for (const [n, values] of [dX, dH0, dC0, ...dWeights].entries()) {
      expectClose(values, wanted[n]!, { abs: 1e-12, rel: 0 });
    }
  });
});
