/** The values of a unit at a step, and descriptions of gradients. */

import { describe, expect, it } from 'vitest';
import { chainAt, change, decimal, type Look, valuesAt, within } from '../../demo/understand/look.ts';
import { numbersAt } from '../../demo/understand/numbers.ts';
import { decades, powerOfTen } from '../../demo/understand/reachPlot.ts';

/** 3 steps of 2 units; every number shows its position. */
const fields = (first: number) => Array.from({ length: 6 }, (_, n) => first + n / 10);
const look: Look = {
  trained: 0,
  units: 2,
  timeSteps: 3,
  x: [10, 11, 20, 21, 30, 31],
  inputs: 2,
  plain: { kind: 'rnn', gates: { h: fields(0) }, cost: null },
  gated: {
    kind: 'lstm',
    gates: { i: fields(1), f: fields(2), g: fields(3), o: fields(4), c: fields(5), h: fields(6) },
    cost: null,
  },
};

describe('the numbers of a unit at a step', () => {
  it('are those of its field and of the previous step', () => {
    const values = valuesAt(look, look.gated, { unit: 1, step: 2 });
    const expected = { x: 30, i: 1.5, f: 2.5, g: 3.5, o: 4.5, c: 5.5, h: 6.5, previousC: 5.3, previousH: 6.3 };
    expect(values).toEqual(expected);
    expect(valuesAt(look, look.plain, { unit: 0, step: 1 })).toEqual({ x: 20, h: 0.2, previousH: 0 });
  });

  it('start with zero states', () => {
    const values = valuesAt(look, look.gated, { unit: 0, step: 0 });
    expect(values).toMatchObject({ x: 10, c: 5, previousC: 0, previousH: 0 });
  });

  it('are shown in a chain with those of the neighbouring steps, if these exist', () => {
    expect(chainAt(look, look.plain, { unit: 1, step: 1 }, 3)).toEqual({ x: [10, 20, 30], h: [0.1, 0.3, 0.5] });
    expect(chainAt(look, look.plain, { unit: 1, step: 2 }, 3)).toEqual({ x: [20, 30, NaN], h: [0.3, 0.5, NaN] });
    expect(chainAt(look, look.plain, { unit: 0, step: 0 }, 3)).toEqual({ x: [NaN, 10, 20], h: [NaN, 0, 0.2] });
  });

  it('satisfy the equations of the cell', () => {
    const lstm = numbersAt(look, { unit: 1, step: 2 });
    expect(lstm['sum.kept']).toBeCloseTo(2.5 * 5.3);
    expect(lstm['sum.added']).toBeCloseTo(1.5 * 3.5);
    expect(lstm['sum.squashed']).toBe(Math.tanh(5.5));
    const gru = { ...look.gated, gates: { z: fields(0), r: fields(1), n: fields(2), h: fields(3) } };
    const other = numbersAt({ ...look, gated: gru }, { unit: 1, step: 2 });
    expect(other['sum.kept']).toBeCloseTo(0.5 * 3.3);
    expect(other['sum.added']).toBeCloseTo(0.5 * 2.5);
    expect(other['plain.h']).toBe(0.5);
  });

  it('are clamped to the existing units and steps', () => {
    expect(within({ unit: 19, step: 3 }, 8, 10)).toEqual({ unit: 7, step: 3 });
    expect(within({ unit: 0, step: 30 }, 8, 10)).toEqual({ unit: 0, step: 9 });
  });
});

it('numbers have two decimals and a minus sign', () => {
  expect([0.126, -0.5, -0.001, 1].map(decimal)).toEqual(['0.13', '−0.50', '0.00', '1.00']);
});

it.each([
  [1 / 340, 'shrinks 340-fold'],
  [0.5, 'shrinks 2-fold'],
  [1.37, 'grows 1.4-fold'],
  [0.97, 'stays the same'],
  [1 / 45678, 'shrinks 46,000-fold'],
  [1e-8, 'shrinks 100 million-fold'],
  [1e-20, 'shrinks more than a trillion-fold'],
  [0, 'vanishes completely'],
  [Infinity, 'grows more than a trillion-fold'],
  [NaN, 'is not a number'],
])('a gradient of %d %s', (ratio, words) => {
  expect(change(ratio)).toBe(words);
});

it('the axis of the gradient has ticks at powers of ten', () => {
  expect(decades([1, 0.3])).toEqual([-2, 0]);
  expect(decades([1, 0.0003, 4])).toEqual([-4, 1]);
  expect(decades([1, 0, NaN, Infinity, 1e-30])).toEqual([-12, 0]);
  expect([-12, -3, 0, 2, 5].map(powerOfTen)).toEqual(['10⁻¹²', '0.001', '1', '100', '10⁵']);
});
