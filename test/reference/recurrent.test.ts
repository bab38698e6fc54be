// The references of the recurrent layers against central differences, with all options.

import { expect, test } from 'vitest';
import { expectClose } from '../compare.ts';
import { gruBackward, gruForward } from './gru.ts';
import { lstmBackward, lstmForward } from './lstm.ts';
import { minRnnBackward, minRnnForward } from './minRnn.ts';
import { Random } from './random.ts';
import { curves } from './recurrent.ts';
import { simpleRnnBackward, simpleRnnForward } from './simpleRnn.ts';

// Over 2e-4 the difference has an error of about 1e-9 times the third derivative, and by 1e-12 of rounding.
const bound = { abs: 1e-7, rel: 1e-7 };
const centralDifference = (f: (s: number) => number) => (f(1e-4) - f(-1e-4)) / 2e-4;
const moved = (from: Float64Array, direction: Float64Array, s: number) => from.map((v, n) => v + s * direction[n]!);
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, n) => sum + value * b[n]!, 0);

const [B, T, D, U] = [3, 4, 2, 3];
const sizes = { B, T, D, U };
const flags = [false, true];
const smooth = ['linear', 'sigmoid', 'tanh', 'hardSigmoid'] as const;
/** Gates beyond [0, 1] make states grow, and with them the error of the differences. */
const gates = ['sigmoid', 'hardSigmoid'] as const;

interface Way {
  goBackwards: boolean;
  masked: boolean;
  drops: boolean;
  activation: keyof typeof curves;
  recurrentActivation: keyof typeof curves;
}

const ways: Way[] = flags.flatMap(goBackwards =>
  flags.flatMap(masked =>
    flags.flatMap(drops =>
      smooth.map((activation, n) => ({
        ...{ goBackwards, masked, drops, activation },
        recurrentActivation: gates[(n + Number(masked)) % gates.length]!,
      })),
    ),
  ),
);

/** Row 0 skips the first step and another, row 1 the last, row 2 all of them. */
const mask = [0, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0];

function setUp({ goBackwards, masked, drops, activation, recurrentActivation }: Way, gates: number, biases = gates) {
  const random = new Random(2);
  const draw = (...shape: number[]) => random.normals(shape, 0.4).data;
  const dropout = draw(B, U).map(value => (value < -0.3 ? 0 : 1.5));
  return {
    draw,
    given: {
      x: draw(B, T, D),
      kernel: draw(D, gates * U),
      recurrentKernel: draw(U, gates * U),
      bias: draw(biases * U),
      h0: draw(B, U),
    },
    options: {
      sizes,
      goBackwards,
      mask: masked ? mask : undefined,
      drop: drops ? dropout : undefined,
      activation: curves[activation],
      recurrentActivation: curves[recurrentActivation],
    },
  };
}

/** Every gradient against the change of the loss along a random direction. */
function check<K extends string>(
  given: Record<K, Float64Array>,
  loss: (at: Record<K, Float64Array>) => number,
  gradients: Record<K, Float64Array>,
) {
  const random = new Random(3);
  for (const what of Object.keys(given) as K[]) {
    expect(gradients[what].length, what).toBe(given[what].length);
    const direction = random.normals([given[what].length]).data;
    const slope = centralDifference(s => loss({ ...given, [what]: moved(given[what], direction, s) }));
    expectClose([dot(gradients[what], direction)], [slope], { ...bound, what });
  }
}

test.each(ways)('the simpleRnn reference matches finite differences: %o', way => {
  const { given, draw, options } = setUp(way, 1);
  const [dOutputs, dh] = [draw(B, T, U), draw(B, U)];
  const run = (inputs: typeof given) => simpleRnnForward({ ...options, ...inputs });
  const loss = (inputs: typeof given) => {
    const { outputs, h } = run(inputs);
    return dot(outputs, dOutputs) + dot(h, dh);
  };
  const { dX, dKernel, dRecurrentKernel, dBias, dH0 } = simpleRnnBackward(run(given).cache, dOutputs, dh);
  check(given, loss, { x: dX, kernel: dKernel, recurrentKernel: dRecurrentKernel, bias: dBias, h0: dH0 });
});

test.each(ways.flatMap(way => flags.map(resetAfter => ({ ...way, resetAfter }))))(
  'the gru reference matches finite differences: %o',
  way => {
    const { resetAfter } = way;
    const { given, draw, options } = setUp(way, 3, resetAfter ? 6 : 3);
    const [dOutputs, dh] = [draw(B, T, U), draw(B, U)];
    const run = (inputs: typeof given) => gruForward({ ...options, resetAfter, ...inputs });
    const loss = (inputs: typeof given) => {
      const { outputs, h } = run(inputs);
      return dot(outputs, dOutputs) + dot(h, dh);
    };
    const { dX, dKernel, dRecurrentKernel, dBias, dH0 } = gruBackward(run(given).cache, dOutputs, dh);
    check(given, loss, { x: dX, kernel: dKernel, recurrentKernel: dRecurrentKernel, bias: dBias, h0: dH0 });
  },
);

test.each(ways)('the lstm reference matches finite differences: %o', way => {
  const { given: common, draw, options } = setUp(way, 4);
  const given = { ...common, c0: draw(B, U) };
  const [dOutputs, dh, dc] = [draw(B, T, U), draw(B, U), draw(B, U)];
  const run = (inputs: typeof given) => lstmForward({ ...options, ...inputs });
  const loss = (inputs: typeof given) => {
    const { outputs, h, c } = run(inputs);
    return dot(outputs, dOutputs) + dot(h, dh) + dot(c, dc);
  };
  const { dX, dKernel, dRecurrentKernel, dBias, dH0, dC0 } = lstmBackward(run(given).cache, dOutputs, dh, dc);
  check(given, loss, { x: dX, kernel: dKernel, recurrentKernel: dRecurrentKernel, bias: dBias, h0: dH0, c0: dC0 });
});

// A masked row gives the same result as a row without the masked steps.
test.each(flags)('the lstm and gru references skip masked steps: resetAfter %s', resetAfter => {
  const { given, options } = setUp({ ...ways[0]!, masked: true }, 4, 6);
  const short = (values: ArrayLike<number>, gates: number) => Array.from(values).slice(0, gates * D * U);
  const at = (row: number, steps: readonly number[]) =>
    steps.flatMap(t => Array.from(given.x.subarray((row * T + t) * D, (row * T + t + 1) * D)));
  const runs = {
    lstm: (x: ArrayLike<number>, rows: number, steps: number, masks?: readonly number[]) =>
      lstmForward({
        ...options,
        ...given,
        bias: null,
        h0: undefined,
        sizes: { B: rows, T: steps, D, U },
        x,
        mask: masks,
      }),
    gru: (x: ArrayLike<number>, rows: number, steps: number, masks?: readonly number[]) =>
      gruForward({
        ...options,
        resetAfter,
        kernel: short(given.kernel, 3),
        recurrentKernel: Array.from(given.recurrentKernel).slice(0, 3 * U * U),
        ...{ bias: null, sizes: { B: rows, T: steps, D, U }, x, mask: masks },
      }),
  };
  for (const run of Object.values(runs)) {
    const whole = run(given.x, B, T, mask);
    for (const [row, steps] of [
      [0, [1, 3]],
      [1, [0, 1, 2]],
    ] as const) {
      expectClose(whole.h.subarray(row * U, (row + 1) * U), run(at(row, steps), 1, steps.length).h, { abs: 0, rel: 0 });
    }
    expectClose(whole.h.subarray(2 * U), new Float64Array(U), { abs: 0, rel: 0 });
  }
});

test.each(ways.filter(({ drops }) => !drops).flatMap(way => [2, 3].map(count => ({ ...way, count }))))(
  'the minRnn reference matches finite differences: %o',
  way => {
    const { given: all, draw, options } = setUp(way, way.count);
    const { recurrentKernel, ...given } = all;
    const [dOutputs, dh] = [draw(B, T, U), draw(B, U)];
    const run = (inputs: typeof given) => minRnnForward({ ...options, ...inputs });
    const loss = (inputs: typeof given) => {
      const { outputs, h } = run(inputs);
      return dot(outputs, dOutputs) + dot(h, dh);
    };
    const { dX, dKernel, dBias, dH0 } = minRnnBackward(run(given).cache, dOutputs, dh);
    check(given, loss, { x: dX, kernel: dKernel, bias: dBias, h0: dH0 });
  },
);
