/** Search spaces: the distributions of the parameters, as in Optuna. A choice is searched by its index. */

import { rejectExtraArguments } from '../../util/arguments.ts';
import { fail, show } from '../../util/errors.ts';
import { exp, ln } from '../../util/math.ts';
import { checkBoolean, checkNumber, checkOptions, isPlain } from '../../util/options.ts';

export interface FloatDistribution {
  readonly kind: 'float';
  readonly low: number;
  readonly high: number;
  readonly log: boolean;
  /** The distance of the values; null for all numbers between `low` and `high`. */
  readonly step: number | null;
}

export interface IntDistribution {
  readonly kind: 'int';
  readonly low: number;
  readonly high: number;
  readonly log: boolean;
  readonly step: number;
}

/** A value that a parameter can be chosen from. */
export type ChoiceValue = null | boolean | number | string;

export interface ChoiceDistribution<T extends ChoiceValue = ChoiceValue> {
  readonly kind: 'choice';
  readonly choices: readonly T[];
}

export type NumberDistribution = FloatDistribution | IntDistribution;
export type Distribution = NumberDistribution | ChoiceDistribution;

/** Distributions by the name of the parameter. */
export type Space = Readonly<Record<string, Distribution>>;
/** The parameters of a trial. */
export type Params<S extends Space = Space> = { readonly [Name in keyof S]: Param<S[Name]> };
/** @inline */
/** The type of a parameter, from its distribution. */
export type Param<D> = D extends ChoiceDistribution<infer T> ? T : number;

export interface FloatOptions {
  /** Searches the logarithm of the parameter; `low` must be above 0. Not together with `step`. */
  log?: boolean;
  /** The distance of the values. `high` becomes the last value that is not above it. */
  step?: number;
}

export interface IntOptions {
  /** Searches the logarithm of the parameter; `low` must be at least 1. Only with a step of 1. */
  log?: boolean;
  /** The distance of the values, default 1. `high` becomes the last value that is not above it. */
  step?: number;
}

/** A number from `low` to `high`. */
export function float(low: number, high: number, options: FloatOptions = {}): FloatDistribution {
  const call = 'float';
  rejectExtraArguments(call, 3, arguments);
  const given = checkOptions<FloatOptions>(call, options, ['log', 'step']);
  const log = checkBoolean(call, 'log', given.log ?? false);
  checkNumber(call, 'low', low, log ? { above: 0 } : {});
  checkNumber(call, 'high', high, { least: low });
  if (given.step === undefined) return Object.freeze({ kind: 'float', low, high, log, step: null });
  if (log) fail(call, `step must be absent if log is true, got ${show(given.step)}`);
  const step = checkNumber(call, 'step', given.step, { above: 0 });
  return Object.freeze({ kind: 'float', low, high: lastStep(low, high, step), log, step });
}

/** An integer from `low` to `high`. */
export function int(low: number, high: number, options: IntOptions = {}): IntDistribution {
  const call = 'int';
  rejectExtraArguments(call, 3, arguments);
  const given = checkOptions<IntOptions>(call, options, ['log', 'step']);
  const log = checkBoolean(call, 'log', given.log ?? false);
  const step = checkInteger(call, 'step', given.step ?? 1, 1);
  if (log && step !== 1) fail(call, `step must be 1 if log is true, got ${step}`);
  checkInteger(call, 'low', low, log ? 1 : Number.MIN_SAFE_INTEGER);
  checkInteger(call, 'high', high, low);
  return Object.freeze({ kind: 'int', low, high: high - ((high - low) % step), log, step });
}

/** One of some values, which have no order. */
export function choice<const T extends ChoiceValue>(choices: readonly T[]): ChoiceDistribution<T> {
  const call = 'choice';
  rejectExtraArguments(call, 1, arguments);
  if (!Array.isArray(choices) || choices.length === 0) {
    fail(call, `choices must be an array of at least one value, got ${show(choices)}`);
  }
  const list = Array.from(choices as readonly unknown[]);
  const wrong = list.findIndex(value => !isChoiceValue(value));
  if (wrong >= 0) {
    fail(call, `choices[${wrong}] must be a string, a finite number, a boolean or null, got ${show(list[wrong])}`);
  }
  const again = list.findIndex((value, n) => list.indexOf(value) < n);
  if (again >= 0) fail(call, `choices must differ from each other, got ${show(list[again])} twice`);
  return Object.freeze({ kind: 'choice', choices: Object.freeze(list as T[]) });
}

const isChoiceValue = (value: unknown): value is ChoiceValue =>
  value === null || typeof value === 'boolean' || typeof value === 'string' || Number.isFinite(value);

function checkInteger(call: string, name: string, value: unknown, least: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < least) {
    const rule = least === Number.MIN_SAFE_INTEGER ? 'an integer' : `an integer of at least ${least}`;
    fail(call, `${name} must be ${rule}, got ${show(value)}`);
  }
  return value as number;
}

/** The last value of a grid that is not above `high`; `high` itself if it is on the grid but for rounding. */
function lastStep(low: number, high: number, step: number): number {
  const steps = (high - low) / step;
  const whole = Math.floor(steps + 1e-9);
  return Math.abs(steps - whole) < 1e-9 ? high : low + whole * step;
}

/** Checks a space whose distributions come from `float`, `int` and `choice`. */
export function checkSpace(call: string, value: unknown): Space {
  if (!isPlain(value)) fail(call, `space must be an object of distributions, got ${show(value)}`);
  const entries = Object.entries(value as Record<string, unknown>).filter(([, item]) => item !== undefined);
  if (entries.length === 0) fail(call, 'space must have at least one parameter, got {}');
  return Object.fromEntries(entries.map(([name, item]) => [name, checkDistribution(call, `space.${name}`, item)]));
}

function checkDistribution(call: string, name: string, value: unknown): Distribution {
  const given = (isPlain(value) ? value : {}) as Partial<Distribution>;
  if (given.kind === 'choice') return choice(given.choices as readonly ChoiceValue[]);
  const { kind, low, high, log, step } = given as Partial<NumberDistribution>;
  const options = { log, step: step ?? undefined } as IntOptions;
  if (kind === 'float') return float(low as number, high as number, options);
  if (kind === 'int') return int(low as number, high as number, options);
  return fail(call, `${name} must come from float, int or choice, got ${show(value)}`);
}

/** The range in which a number is searched: of its logarithm if `log`, half a step wider where there are steps. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

export function rangeOf(distribution: NumberDistribution): Range {
  const half = (distribution.step ?? 0) / 2;
  return {
    low: positionOf(distribution, distribution.low - half),
    high: positionOf(distribution, distribution.high + half),
  };
}

/** A number as a position in `rangeOf`. */
export const positionOf = (distribution: NumberDistribution, value: number): number =>
  distribution.log ? ln(value) : value;

/** The positions that `valueAt` rounds to a number; null if the range is continuous. */
export function cellOf(distribution: NumberDistribution, value: number): Range | null {
  if (distribution.step === null) return null;
  const half = distribution.step / 2;
  const { low, high } = rangeOf(distribution);
  return {
    low: Math.max(low, positionOf(distribution, value - half)),
    high: Math.min(high, positionOf(distribution, value + half)),
  };
}

/** The nearest allowed number at a position in `rangeOf`. */
export function valueAt({ kind, low, high, log, step }: NumberDistribution, position: number): number {
  const value = log ? exp(position) : position;
  if (step === null) return clip(value, low, high);
  const origin = kind === 'int' && log ? 0 : low;
  return clip(Math.round((value - origin) / step) * step + origin, low, high);
}

const clip = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

/** Whether a distribution has one value only, so that there is nothing to search. */
export const isSingle = (distribution: Distribution): boolean =>
  distribution.kind === 'choice' ? distribution.choices.length === 1 : distribution.low === distribution.high;

/** Draws a value from a distribution: uniform in its range. Choices are drawn by their index, as numbers of a trial are. */
export function drawNumber(distribution: Distribution, uniform: () => number): number {
  if (distribution.kind === 'choice') return Math.floor(uniform() * distribution.choices.length);
  const { low, high } = rangeOf(distribution);
  return valueAt(distribution, low + (high - low) * uniform());
}

/** The only number of a distribution for which `isSingle` is true. */
export const singleNumber = (distribution: Distribution): number =>
  distribution.kind === 'choice' ? 0 : distribution.low;

/** The parameters as their task receives them: choices by value. Names that are not in the numbers are left out. */
export function paramsOf(space: Space, numbers: Readonly<Record<string, number>>): Record<string, ChoiceValue> {
  const params: Record<string, ChoiceValue> = {};
  for (const [name, distribution] of Object.entries(space)) {
    const number = numbers[name];
    if (number === undefined) continue;
    params[name] = distribution.kind === 'choice' ? distribution.choices[number]! : number;
  }
  return params;
}

/** Whether Optuna takes two distributions for that of the same parameter: ranges and steps may differ. */
export function isCompatible(a: Distribution, b: Distribution | null): boolean {
  if (a.kind === 'choice' || b === null || b.kind === 'choice') {
    if (a.kind !== 'choice' || b?.kind !== 'choice') return false;
    return a.choices.length === b.choices.length && a.choices.every((value, n) => value === b.choices[n]);
  }
  return a.kind === b.kind && a.log === b.log;
}
