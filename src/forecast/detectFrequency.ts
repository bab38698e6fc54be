/** Finds the frequency of times that have gaps. */

import { civilOf, DAY, daysInMonth, weekdayOf } from './civil.ts';
import { indexAt, type Step } from './frequency.ts';

/** A difference between neighbours that is not a multiple of the step. */
export interface Misfit {
  step: Step;
  group: number;
  /** The later one of the two times, by its index in the group. */
  index: number;
}

/** Steps of at least this share of all steps may be the frequency, if all others are multiples of theirs. */
const LEAST_SHARE = 0.05;

/** Months have at least 28 days; the last business days of two months may be nearer. */
const SHORTEST_MONTH = 26 * DAY;

/**
 * The frequency of several series: the most frequent step, or the shortest one, of which all steps are multiples.
 *
 * @param groups the different times of each series, in order
 * @returns null if no series has two times
 */
export function detectFrequency(groups: readonly Float64Array[]): Step | Misfit | null {
  const differences = differencesOf(groups, (a, b) => b - a);
  if (differences.every(({ length }) => length === 0)) return null;
  const shortest = differences.reduce((least, some) => some.reduce((a, b) => Math.min(a, b), least), Infinity);
  if (isMonthly(groups, differences, shortest)) return ofUnit(groups, { kind: 'month', size: 1 });
  const isDaily = differences.every(some => some.every(difference => difference % DAY === 0));
  if (isDaily && isBusiness(groups, shortest)) return ofUnit(groups, { kind: 'business', size: 1 });
  return ofUnit(groups, { kind: 'time', size: 1 });
}

const differencesOf = (
  groups: readonly Float64Array[],
  between: (a: number, b: number) => number,
): readonly Float64Array[] =>
  groups.map(times =>
    Float64Array.from({ length: Math.max(0, times.length - 1) }, (_, n) => between(times[n]!, times[n + 1]!)),
  );

/** Whether no two times are in one month, and they are on one day of the month, at its end, or not whole weeks apart. */
function isMonthly(groups: readonly Float64Array[], differences: readonly Float64Array[], shortest: number): boolean {
  if (shortest < SHORTEST_MONTH) return false;
  const month: Step = { kind: 'month', size: 1 };
  if (!differencesOf(groups, (a, b) => indexAt(a, b, month)).every(some => some.every(months => months >= 1)))
    return false;
  const isOn = (day: (time: number) => boolean) => groups.every(times => times.every(day));
  const { day } = civilOf(Math.floor(groups.find(times => times.length > 0)![0]! / DAY));
  if (isOn(time => civilOf(Math.floor(time / DAY)).day === day) || isOn(isMonthEnd)) return true;
  return !differences.every(some => some.every(difference => difference % (7 * DAY) === 0));
}

function isMonthEnd(time: number): boolean {
  const { year, month, day } = civilOf(Math.floor(time / DAY));
  return day === daysInMonth(year, month);
}

/** Whether there are steps of one day, none of the times is on a weekend, and some steps go over one. */
function isBusiness(groups: readonly Float64Array[], shortest: number): boolean {
  if (shortest !== DAY) return false;
  let crosses = false;
  for (const times of groups) {
    for (let n = 0; n < times.length; n++) {
      const day = Math.floor(times[n]! / DAY);
      if (weekdayOf(day) > 4) return false;
      if (n > 0 && day - weekdayOf(day) !== monday(times[n - 1]!)) crosses = true;
    }
  }
  return crosses;
}

const monday = (time: number) => Math.floor(time / DAY) - weekdayOf(Math.floor(time / DAY));

/** The multiple of a unit that fits, or the first difference that does not. */
function ofUnit(groups: readonly Float64Array[], unit: Step): Step | Misfit {
  const differences = differencesOf(groups, (a, b) => indexAt(a, b, unit));
  const counts = new Map<number, number>();
  for (const some of differences) for (const size of some) counts.set(size, (counts.get(size) ?? 0) + 1);
  const total = differences.reduce((sum, { length }) => sum + length, 0);
  const sizes = [...counts.keys()].sort((a, b) => a - b);
  const most = sizes.reduce((best, size) => (counts.get(size)! > counts.get(best)! ? size : best));
  const fits = (size: number) => sizes.every(other => other % size === 0);
  const [shortest] = sizes as [number];
  const frequent = counts.get(shortest)! >= LEAST_SHARE * total ? [most, shortest] : [most];
  const size = frequent.find(fits);
  if (size !== undefined) return { kind: unit.kind, size };
  const step: Step = { kind: unit.kind, size: most };
  const group = differences.findIndex(some => some.some(other => other % most !== 0));
  return { step, group, index: differences[group]!.findIndex(other => other % most !== 0) + 1 };
}
