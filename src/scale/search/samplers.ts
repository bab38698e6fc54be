/** Samplers: which parameters to try next, from the results so far. */

import { rejectExtraArguments } from '../../util/arguments.ts';
import { fail, show } from '../../util/errors.ts';
import { checkBoolean, checkCount, checkOptions, isPlain } from '../../util/options.ts';
import { type GridOptions, gridNumbers, gridSize } from './grid.ts';
import { drawNumber, type Space } from './space.ts';
import { suggestTpe, type TpeOptions } from './tpe.ts';
import type { Observation } from './trial.ts';

export type Sampler =
  | { readonly name: 'random' }
  | ({ readonly name: 'grid' } & Readonly<Required<GridOptions>>)
  | ({ readonly name: 'tpe' } & Readonly<Required<TpeOptions>>);

/** Tries all combinations of values, the last parameter fastest. */
export function grid(options: GridOptions = {}): Sampler {
  rejectExtraArguments('grid', 1, arguments);
  const { points = 5 } = checkOptions<GridOptions>('grid', options, ['points']);
  return Object.freeze({ name: 'grid', points: checkCount('grid', 'points', points, 2) });
}

/** Tree-structured Parzen estimators, as `TPESampler` of Optuna. */
export function tpe(options: TpeOptions = {}): Sampler {
  const call = 'tpe';
  rejectExtraArguments(call, 1, arguments);
  const known = ['startupTrials', 'candidates', 'multivariate'];
  const given = checkOptions<TpeOptions>(call, options, known);
  return Object.freeze({
    name: 'tpe',
    startupTrials: checkCount(call, 'startupTrials', given.startupTrials ?? 10),
    candidates: checkCount(call, 'candidates', given.candidates ?? 24),
    multivariate: checkBoolean(call, 'multivariate', given.multivariate ?? false),
  });
}

export function checkSampler(call: string, value: unknown): Sampler {
  const name = isPlain(value) ? (value as { name?: unknown }).name : value;
  const { name: _, ...options } = isPlain(value) ? (value as Record<string, unknown>) : {};
  if (name === 'random') return { name: 'random' };
  if (name === 'grid') return grid(options);
  if (name === 'tpe') return tpe(options);
  return fail(call, `sampler must be 'random', 'grid', 'tpe', grid(...) or tpe(...), got ${show(value)}`);
}

/** The number of trials after which a sampler has tried everything. */
export const mostTrials = (sampler: Sampler, space: Space): number =>
  sampler.name === 'grid' ? gridSize(space, sampler.points) : Number.POSITIVE_INFINITY;

/**
 * The numbers of a trial, a choice as its index. They depend on the arguments only.
 *
 * @param observed the earlier trials that the sampler may look at, in the order of their numbers
 */
export function suggest(
  sampler: Sampler,
  space: Space,
  number: number,
  observed: readonly Observation[],
  uniform: () => number,
): Record<string, number> {
  if (sampler.name === 'grid') return gridNumbers(space, sampler.points, number);
  if (sampler.name === 'tpe') return suggestTpe(sampler, space, observed, uniform);
  return randomNumbers(space, uniform);
}

export const randomNumbers = (space: Space, uniform: () => number): Record<string, number> =>
  Object.fromEntries(Object.entries(space).map(([name, item]) => [name, drawNumber(item, uniform)]));
