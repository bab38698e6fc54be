/** The scale of a window of values, by which series of different levels look alike to one model. */

import { knownOf, quantileOf } from './series.ts';

/** How a window is scaled: the result has a mean absolute value of 1, a mean of 0 and deviation of 1, and so on. */
export type Scaling = 'mean' | 'standard' | 'robust' | 'minmax' | 'none';

export const scalings: readonly Scaling[] = ['mean', 'standard', 'robust', 'minmax', 'none'];

/** scaled = (value - shift) / scale. The scale is above 0. */
export interface WindowScale {
  shift: number;
  scale: number;
}

/**
 * The scale of a window. Missing values do not count. A constant window is scaled by its level, or not at all if that is
 * 0, so that later values of the same size stay near 0.
 *
 * @param values the window, or a series that has it from index `from` up to, but not including, `to`
 */
export function windowScale(kind: Scaling, values: ArrayLike<number>, from = 0, to = values.length): WindowScale {
  if (kind === 'none') return { shift: 0, scale: 1 };
  let known = 0;
  let sum = 0;
  let absolute = 0;
  let least = Infinity;
  let most = -Infinity;
  for (let n = from; n < to; n++) {
    const value = values[n]!;
    if (Number.isNaN(value)) continue;
    known++;
    sum += value;
    absolute += Math.abs(value);
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (known === 0) return { shift: 0, scale: 1 };
  if (kind === 'mean') return { shift: 0, scale: absolute / known || 1 };
  if (least === most) return { shift: least, scale: Math.abs(least) || 1 };
  if (kind === 'minmax') return { shift: least, scale: most - least };
  if (kind === 'robust') {
    const sorted = knownOf(Array.prototype.slice.call(values, from, to)).sort();
    const spread = quantileOf(sorted, 0.75) - quantileOf(sorted, 0.25);
    // Half of the window is one value: its quartiles are equal, but its deviation is not 0.
    const { scale } = spread > 0 ? { scale: spread } : deviation(values, from, to, sum / known, known);
    return { shift: quantileOf(sorted, 0.5), scale };
  }
  return deviation(values, from, to, sum / known, known);
}

function deviation(values: ArrayLike<number>, from: number, to: number, mean: number, known: number): WindowScale {
  let squares = 0;
  for (let n = from; n < to; n++) if (!Number.isNaN(values[n]!)) squares += (values[n]! - mean) ** 2;
  return { shift: mean, scale: Math.sqrt(squares / known) || 1 };
}
