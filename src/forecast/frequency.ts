/** The time between two values of a series, and arithmetic with it. */

import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkCount, checkName, checkOptions } from '../util/options.ts';
import { civilOf, DAY, daysInMonth, daysOf, HOUR, MINUTE, SECOND, WEEK, weekdayOf } from './civil.ts';

/** A unit of time. */
export type TimeUnit =
  | 'millisecond'
  | 'second'
  | 'minute'
  | 'hour'
  | 'day'
  | 'businessDay'
  | 'week'
  | 'month'
  | 'quarter'
  | 'year';

/** The time between two values: a unit, '15min', or several units. Business days are Monday to Friday. */
export type Frequency =
  | Exclude<TimeUnit, 'millisecond'>
  | '15min'
  | { readonly every: number; readonly unit: TimeUnit };

const names = ['second', 'minute', '15min', 'hour', 'day', 'businessDay', 'week', 'month', 'quarter', 'year'] as const;

const units: readonly TimeUnit[] = [
  'millisecond',
  'second',
  'minute',
  'hour',
  'day',
  'businessDay',
  'week',
  'month',
  'quarter',
  'year',
];

/** A frequency in the unit that it is computed in: milliseconds, business days or months. */
export interface Step {
  kind: 'time' | 'business' | 'month';
  /** Milliseconds, business days or months. */
  size: number;
}

const fixed: Partial<Record<TimeUnit, number>> = {
  millisecond: 1,
  second: SECOND,
  minute: MINUTE,
  hour: HOUR,
  day: DAY,
  week: WEEK,
};
const months: Partial<Record<TimeUnit, number>> = { month: 1, quarter: 3, year: 12 };

/** Checks a frequency. */
export function checkFrequency(call: string, name: string, value: unknown): Step {
  const { every, unit } = partsOf(call, name, value);
  if (unit === 'businessDay') return { kind: 'business', size: every };
  const inMonth = months[unit];
  return inMonth ? { kind: 'month', size: every * inMonth } : { kind: 'time', size: every * fixed[unit]! };
}

function partsOf(call: string, name: string, value: unknown): { every: number; unit: TimeUnit } {
  if (typeof value === 'string') {
    const unit = checkName(call, name, value, names);
    return unit === '15min' ? { every: 15, unit: 'minute' } : { every: 1, unit };
  }
  if (typeof value !== 'object' || value === null) {
    fail(call, `${name} must be a name such as 'hour' or { every, unit }, got ${show(value)}`);
  }
  const { every, unit } = checkOptions<{ every: number; unit: TimeUnit }>(call, value, ['every', 'unit']);
  return {
    every: checkCount(call, `${name}.every`, every),
    unit: checkName(call, `${name}.unit`, unit, units),
  };
}

/** The name of a step, or the largest unit that it is a multiple of. */
export function frequencyOf({ kind, size }: Step): Frequency {
  if (kind === 'business') return several(size, 'businessDay');
  if (kind === 'month') {
    return size % 12 === 0
      ? several(size / 12, 'year')
      : size % 3 === 0
        ? several(size / 3, 'quarter')
        : several(size, 'month');
  }
  if (size === 15 * MINUTE) return '15min';
  for (const unit of ['week', 'day', 'hour', 'minute', 'second'] as const) {
    if (size % fixed[unit]! === 0) return several(size / fixed[unit]!, unit);
  }
  return { every: size, unit: 'millisecond' };
}

const several = (every: number, unit: Exclude<TimeUnit, 'millisecond'>): Frequency =>
  every === 1 ? unit : { every, unit };

/** A frequency for messages: 'hour', '15min', '3 hours'. */
export function showFrequency(step: Step): string {
  const frequency = frequencyOf(step);
  if (typeof frequency === 'string') return frequency;
  return `${frequency.every} ${frequency.unit}s`;
}

/**
 * The default length of the season of a frequency, in steps: 24 for hours, 7 for days, 5 for business days, 12 for months;
 * 1, which is no season, for years.
 *
 * A season is an hour for seconds, a day for minutes and hours, a week for days, and a year for weeks, months and
 * quarters. It is 1 step too if the season is not a multiple of the frequency, such as 24 hours of 5 hours.
 */
export function seasonLength(frequency: Frequency): number {
  rejectExtraArguments('seasonLength', 1, arguments);
  return seasonOf(checkFrequency('seasonLength', 'frequency', frequency));
}

/** See `seasonLength`. */
export function seasonOf({ kind, size }: Step): number {
  const whole = (length: number) => (length % size === 0 ? length / size : 1);
  if (kind === 'business') return whole(5);
  if (kind === 'month') return whole(12);
  if (size < SECOND) return 1;
  if (size < DAY) return whole(size < MINUTE ? HOUR : DAY);
  return whole(size % WEEK === 0 ? 52 * WEEK : WEEK);
}

/**
 * The time of the value at an index, in milliseconds without a time zone. Months keep the day of the start, or the last
 * day of the month if the start is one; a start on a weekend counts as the Monday after it for business days.
 */
export function timeAt(start: number, index: number, { kind, size }: Step): number {
  if (kind === 'time') return start + index * size;
  const days = Math.floor(start / DAY);
  const timeOfDay = start - days * DAY;
  if (kind === 'business') return businessDay(businessIndex(days) + index * size) * DAY + timeOfDay;
  const { year, month, day } = civilOf(days);
  const to = month - 1 + index * size;
  const [toYear, toMonth] = [year + Math.floor(to / 12), (((to % 12) + 12) % 12) + 1];
  const last = daysInMonth(toYear, toMonth);
  const toDay = day === daysInMonth(year, month) ? last : Math.min(day, last);
  return daysOf(toYear, toMonth, toDay) * DAY + timeOfDay;
}

/** The index of a time after a start; not an integer between two values. Months do not look at the day. */
export function indexAt(start: number, time: number, { kind, size }: Step): number {
  if (kind === 'time') return (time - start) / size;
  const [from, to] = [Math.floor(start / DAY), Math.floor(time / DAY)];
  if (kind === 'business') {
    if (weekdayOf(to) > 4) return Number.NaN;
    return (businessIndex(to) - businessIndex(from)) / size;
  }
  const [a, b] = [civilOf(from), civilOf(to)];
  return ((b.year - a.year) * 12 + b.month - a.month) / size;
}

/** Business days from Monday 1969-12-29 to a day; a day on a weekend counts as the Monday after it. */
function businessIndex(days: number): number {
  const weekday = weekdayOf(days);
  return ((days - weekday + 3) / 7) * 5 + Math.min(weekday, 5);
}

function businessDay(index: number): number {
  const week = Math.floor(index / 5);
  return week * 7 - 3 + (index - week * 5);
}
