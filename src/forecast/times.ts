/** Times of values: reading a start, listing and writing times. */

import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkCount } from '../util/options.ts';
import { civilOf, DAY, HOUR, MINUTE, SECOND } from './civil.ts';
import { parseTime } from './dates.ts';
import { checkFrequency, type Frequency, type Step, timeAt } from './frequency.ts';

/**
 * Reads a time: a `Date`, on the clock of UTC, or text, on the clock of the text.
 *
 * @returns milliseconds on that clock
 */
export function checkTime(call: string, name: string, value: unknown): number {
  if (value instanceof Date) {
    const time = value.getTime();
    if (Number.isNaN(time)) fail(call, `${name} must be a valid date, got an invalid Date`);
    return time;
  }
  const written = typeof value === 'string' ? parseTime(value.trim(), null) : null;
  return (
    written?.time ??
    fail(call, `${name} must be a Date or text such as '2024-01-31' or '2024-01-31T10:00', got ${show(value)}`)
  );
}

const pad = (n: number, digits = 2): string => String(n).padStart(digits, '0');

/** A time as text: '2024-01-31', or '2024-01-31T10:00:00' unless it is midnight in a frequency of days or more. */
export function formatTime(time: number, step?: Step): string {
  const days = Math.floor(time / DAY);
  const { year, month, day } = civilOf(days);
  const date = `${pad(year, 4)}-${pad(month)}-${pad(day)}`;
  const rest = time - days * DAY;
  if (rest === 0 && step && (step.kind !== 'time' || step.size % DAY === 0)) return date;
  const [hour, minute, second] = [rest / HOUR, (rest / MINUTE) % 60, (rest / SECOND) % 60].map(Math.floor);
  const fraction = rest % SECOND;
  const milliseconds = fraction === 0 ? '' : `.${pad(Math.round(fraction), 3)}`;
  return `${date}T${pad(hour!)}:${pad(minute!)}:${pad(second!)}${milliseconds}`;
}

/**
 * The times of `count` values, as dates on the clock of UTC. Months keep the day of the start, or the last day of the
 * month if the start is one.
 *
 * @param start a Date, which is read as UTC, or text, which is read as written
 */
export function timeRange(start: string | Date, count: number, frequency: Frequency): Date[] {
  rejectExtraArguments('timeRange', 3, arguments);
  const call = 'timeRange';
  const from = checkTime(call, 'start', start);
  const length = checkCount(call, 'count', count, 0);
  const step = checkFrequency(call, 'frequency', frequency);
  return Array.from({ length }, (_, n) => new Date(timeAt(from, n, step)));
}
