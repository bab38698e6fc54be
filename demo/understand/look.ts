/** The two networks at one moment, and the numbers of one unit at one time step. */

import type { CellData, CellKind } from 'lstm-wasm/plot';
import type { Gates } from './reach.ts';

/** One of the two networks. */
export interface Sight {
  readonly kind: CellKind;
  /** Of the sequence looked at. */
  readonly gates: Gates;
  /** Of the last training step; null before the first. */
  readonly cost: number | null;
}

export interface Look {
  /** Training steps that both have taken. */
  readonly trained: number;
  readonly units: number;
  readonly timeSteps: number;
  /** The sequence, [T, inputs] row by row. */
  readonly x: ArrayLike<number>;
  readonly inputs: number;
  readonly gated: Sight;
  readonly plain: Sight;
}

/** The selected unit and time step, both counted from 0 as in the heat map. */
export interface Choice {
  readonly unit: number;
  readonly step: number;
}

export type Values = Omit<CellData, 'caption'>;

/** The values of one unit at one step. A sequence begins with states of zero. */
export function valuesAt(look: Look, { gates }: Sight, { unit, step }: Choice): Values {
  const at = step * look.units + unit;
  const before = (values: ArrayLike<number>) => (step > 0 ? values[at - look.units]! : 0);
  const here = Object.fromEntries(Object.entries(gates).map(([name, values]) => [name, values[at]!]));
  return {
    ...here,
    x: look.x[step * look.inputs]!,
    previousH: before(gates.h),
    ...(gates.c && { previousC: before(gates.c) }),
  };
}

/** Inputs and outputs of the step before, the step and the step after; NaN beyond the ends. */
export function chainAt(look: Look, { gates }: Sight, { unit, step }: Choice, count: number) {
  const from = step - Math.floor((count - 1) / 2);
  const steps = Array.from({ length: count }, (_, n) => from + n);
  return {
    x: steps.map(t => look.x[t * look.inputs] ?? NaN),
    h: steps.map(t => gates.h[t * look.units + unit] ?? NaN),
  };
}

/** Clamps a choice to the sizes of the networks. */
export function within({ unit, step }: Choice, units: number, timeSteps: number): Choice {
  return { unit: Math.min(unit, units - 1), step: Math.min(step, timeSteps - 1) };
}

/** Two decimals and a true minus; zero has no sign. */
export function decimal(value: number): string {
  const text = value.toFixed(2);
  return (Number(text) === 0 ? '0.00' : text).replace('-', '−');
}

/** How a gradient changes, such as "shrinks 340-fold", with two digits. */
export function change(ratio: number): string {
  if (Number.isNaN(ratio)) return 'is not a number';
  if (ratio === 0) return 'vanishes completely';
  const fold = ratio < 1 ? 1 / ratio : ratio;
  if (fold < 1.05) return 'stays the same';
  const digits = Number(fold.toPrecision(2));
  const text = digits < 1e6 ? digits.toLocaleString('en') : `${(digits / 1e6).toLocaleString('en')} million`;
  return `${ratio < 1 ? 'shrinks' : 'grows'} ${fold > 1e12 ? 'more than a trillion' : text}-fold`;
}
