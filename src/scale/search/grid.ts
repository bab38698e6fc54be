/** The grid of a search space. */

import { type Distribution, type NumberDistribution, rangeOf, type Space, valueAt } from './space.ts';

export interface GridOptions {
  /** The number of values of a parameter without steps, of which a grid needs it; default 5. */
  points?: number;
}

/** The numbers of a parameter: all of them if it has steps, otherwise some at equal distances in its range. */
function gridOf(distribution: Distribution, points: number): number[] {
  if (distribution.kind === 'choice') return distribution.choices.map((_, index) => index);
  if (distribution.low === distribution.high) return [distribution.low];
  if (distribution.step === null || distribution.log) return spread(distribution, points);
  const count = Math.round((distribution.high - distribution.low) / distribution.step) + 1;
  return Array.from({ length: count }, (_, n) => valueAt(distribution, distribution.low + n * distribution.step!));
}

/** Values at equal distances in the range, without the digits of rounding errors. */
function spread(distribution: NumberDistribution, points: number): number[] {
  const { low, high } = distribution;
  const range = rangeOf({ ...distribution, kind: 'float', step: null });
  const between = Array.from({ length: points - 2 }, (_, n) => {
    const position = range.low + ((n + 1) / (points - 1)) * (range.high - range.low);
    return Number(valueAt(distribution, position).toPrecision(12));
  });
  return [...new Set([low, ...between, high])];
}

/** The number of combinations. */
export const gridSize = (space: Space, points: number): number =>
  Object.values(space).reduce((size, item) => size * gridOf(item, points).length, 1);

/** Combination n, the last parameter fastest. */
export function gridNumbers(space: Space, points: number, n: number): Record<string, number> {
  const numbers: Record<string, number> = {};
  let rest = n;
  for (const [name, item] of Object.entries(space).reverse()) {
    const values = gridOf(item, points);
    numbers[name] = values[rest % values.length]!;
    rest = Math.floor(rest / values.length);
  }
  return numbers;
}
