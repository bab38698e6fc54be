// Threads that share the units of each time step: the results match the reference, and have the bits of the whole kernels.

import { describe, test } from 'vitest';
import { expectBits } from '../compare.ts';
import { harness, some } from './harness.ts';
import { type Case, draw, expectReference, flags, prepare, product } from './recurrentCases.ts';

/** Everything that forward and backward write. */
function results(subject: Case): [string, Float32Array][] {
  const given = draw(subject);
  const layer = prepare(harness(), subject, given);
  layer.forward();
  const outputs: [string, Float32Array][] = [['y', layer.y()]];
  if (subject.final && subject.cell === 'lstm') outputs.push(['cT', layer.cT()]);
  if (subject.carried) for (const [n, state] of layer.state().entries()) outputs.push([`state ${n}`, state]);
  if (!subject.zeroDh) layer.setDy(given.dY.data);
  if (subject.final && subject.cell === 'lstm') layer.setDcT(given.dStates[1]!.data);
  layer.backward();
  if (subject.dx) outputs.push(['dX', layer.dx()], ['padding of dX', layer.dxPadding()]);
  if (subject.initial) for (const [n, values] of layer.initialGradients().entries()) outputs.push([`dH0 ${n}`, values]);
  for (const [n, values] of layer.gradients().entries()) outputs.push([`gradient ${n}`, values]);
  layer.expectFences();
  return outputs;
}

describe.each([{ cell: 'lstm' }, { cell: 'gru', resetAfter: true }, { cell: 'gru', resetAfter: false }] as const)(
  'units of %o on threads',
  kind => {
    const options = product({ sequences: flags, carried: flags, dx: flags, goBackwards: flags });
    const sizes = [
      [1, 5, 1, 1],
      [7, 3, 6, 17],
      [13, 2, 3, 16],
      [33, 8, 5, 3],
      [66, 1, 4, 35],
      [131, 4, 2, 50],
    ] as const;
    const cases: Case[] = options.flatMap((option, n) =>
      sizes.map(([U, B, T, I], size) => ({
        ...{ ...kind, ...option, U, B, T, I },
        wide: (n + size) % 2,
        useBias: (n + size) % 3 > 0,
        final: (n + size) % 4 > 1,
        activations: (n + size) % 5 === 4 ? (['relu', 'hardSigmoid'] as const) : (['tanh', 'sigmoid'] as const),
        ...((n + size) % 3 === 1 && { initial: n % 2 > 0 ? 'tight' : 'padded' }),
      })),
    );

    test.each([2, 3, 7])('%i threads that share units match the reference', threads => {
      for (const subject of some(cases)) expectReference(harness(), { ...subject, threads });
    });

    test.each([2, 3, 7])('%i threads that share units give the bits of the whole kernels', threads => {
      for (const subject of some(cases)) {
        const whole = results(subject);
        for (const [n, [name, values]] of results({ ...subject, threads }).entries()) {
          expectBits(values, whole[n]![1], `${name} of ${JSON.stringify(subject)}`);
        }
      }
    });

    test('the gradients of units on threads start from zero if nothing writes the gradient of the output', () => {
      const subject: Case = { ...kind, U: 21, B: 3, T: 4, I: 5, dx: true, final: true, zeroDh: true, initial: 'tight' };
      const whole = results(subject);
      for (const [n, [name, values]] of results({ ...subject, threads: 3 }).entries()) {
        expectBits(values, whole[n]![1], name);
      }
    });
  },
);
