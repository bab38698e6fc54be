/** Time series as arguments: checks of their numbers. */

import { fail, show } from '../util/errors.ts';
import { isTypedArray, lengthOf, plainArray } from '../util/typedArrays.ts';
import type { Frequency } from './frequency.ts';

/** A series of evenly spaced values, as `readCsv` returns it. */
export interface Series {
  /** The name of the series among several. */
  id?: string;
  /** The time of the first value. A `Date` is read as UTC. Text is read as written: '2024-01-31', '2024-01-31T10:00'. */
  start?: string | Date;
  /** The time between two values. */
  frequency?: Frequency;
  /** The values, the latest last; NaN where one is missing. */
  values: ArrayLike<number>;
  /** Covariates that are known only as long as the values, by name; one number for each value. */
  past?: Record<string, ArrayLike<number>>;
  /** Covariates that are known in advance, by name: one number for each value, and for each step to forecast. */
  future?: Record<string, ArrayLike<number>>;
  /** Properties of the series that do not change, by name. */
  static?: Record<string, number | string>;
}

/** Numbers, as an array or a typed array. */
export type Numbers = ArrayLike<number>;

/** Rules for an array of numbers. */
interface NumberRules {
  /** The minimum length; default 1. */
  least?: number;
  /** Whether NaN is allowed, for a missing value; default true. */
  missing?: boolean;
  /** Whether at least one number must not be missing; default false. */
  known?: boolean;
}

/**
 * Checks an array of numbers, which are finite or NaN.
 *
 * @returns the same numbers; they must not be changed
 */
export function checkNumbers(
  call: string,
  name: string,
  value: unknown,
  { least = 1, missing = true, known = false }: NumberRules = {},
): ArrayLike<number> {
  const typed = isTypedArray(value);
  if (!typed && !Array.isArray(value)) {
    fail(call, `${name} must be an array of numbers or a typed array, got ${show(value)}`);
  }
  const length = typed ? lengthOf(value) : value.length;
  if (length < least) fail(call, `${name} must have at least ${count(least, 'number')}, got ${length}`);
  const numbers: ArrayLike<unknown> = typed ? plainArray(value) : value;
  let isKnown = false;
  for (let n = 0; n < length; n++) {
    const number = numbers[n];
    if (typeof number === 'number' && Number.isFinite(number)) {
      isKnown = true;
      continue;
    }
    const isMissing = typeof number === 'number' && Number.isNaN(number);
    if (isMissing && missing) continue;
    const rule = missing ? 'finite numbers, or NaN where one is missing' : 'finite numbers';
    fail(call, `${name} must be ${rule}, got ${show(number)} at index ${n}`);
  }
  if (known && !isKnown)
    fail(call, `${name} must have a number that is not NaN, got ${count(length, 'missing number')}`);
  return numbers as ArrayLike<number>;
}

/** Text such as '1 step' and '2 steps'. */
export const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

/** The numbers that are not missing. */
export function knownOf(values: ArrayLike<number>): Float64Array {
  const known = new Float64Array(values.length);
  let length = 0;
  for (let n = 0; n < values.length; n++) if (!Number.isNaN(values[n]!)) known[length++] = values[n]!;
  return known.subarray(0, length);
}

/** The value below which a share `q` of sorted numbers is, interpolated linearly as in NumPy. */
export function quantileOf(sorted: ArrayLike<number>, q: number): number {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const low = sorted[below]!;
  return at === below ? low : low + (at - below) * (sorted[below + 1]! - low);
}
