/** Features of the calendar, which tell a model where in a day, a week and a year a value is. */

import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { cos, sin } from '../util/math.ts';
import { checkName } from '../util/options.ts';
import { civilOf, DAY, daysInMonth, daysInYear, daysOf, HOUR, isoWeekOf, MINUTE, WEEK, weekdayOf } from './civil.ts';
import { checkFrequency, type Frequency, type Step } from './frequency.ts';
import { checkTime } from './times.ts';

/** The name of a calendar feature. */
export type CalendarName =
  | 'secondOfMinute'
  | 'minuteOfHour'
  | 'hourOfDay'
  | 'dayOfWeek'
  | 'dayOfMonth'
  | 'dayOfYear'
  | 'weekOfYear'
  | 'monthOfYear'
  | 'quarterOfYear';

/** Where in its cycle a time is: from 0 up to, but not including, 1. */
const positions: Record<CalendarName, (time: number, days: number) => number> = {
  secondOfMinute: time => modulo(time, MINUTE) / MINUTE,
  minuteOfHour: time => modulo(time, HOUR) / HOUR,
  hourOfDay: (time, days) => (time - days * DAY) / DAY,
  dayOfWeek: (_, days) => weekdayOf(days) / 7,
  dayOfMonth: (_, days) => {
    const { year, month, day } = civilOf(days);
    return (day - 1) / daysInMonth(year, month);
  },
  dayOfYear: (_, days) => {
    const { year } = civilOf(days);
    return (days - daysOf(year, 1, 1)) / daysInYear(year);
  },
  weekOfYear: (_, days) => {
    const { week, weeks } = isoWeekOf(days);
    return (week - 1) / weeks;
  },
  monthOfYear: (_, days) => (civilOf(days).month - 1) / 12,
  quarterOfYear: (_, days) => Math.floor((civilOf(days).month - 1) / 3) / 4,
};

const modulo = (n: number, by: number) => ((n % by) + by) % by;

/** All names of calendar features. */
export const allNames = Object.keys(positions) as CalendarName[];

/** The features that vary from step to step, or over the seasons that contain several steps. */
export function calendarNamesOf({ kind, size }: Step): CalendarName[] {
  if (kind === 'month') return size % 12 === 0 ? [] : size % 3 === 0 ? ['quarterOfYear'] : ['monthOfYear'];
  if (kind === 'business') return ['dayOfWeek', 'dayOfMonth', 'dayOfYear'];
  if (size >= WEEK) return ['dayOfMonth', 'weekOfYear'];
  if (size >= DAY) return ['dayOfWeek', 'dayOfMonth', 'dayOfYear'];
  if (size >= HOUR) return ['hourOfDay', 'dayOfWeek', 'dayOfMonth', 'dayOfYear'];
  if (size >= MINUTE) return ['minuteOfHour', 'hourOfDay', 'dayOfWeek', 'dayOfYear'];
  return ['secondOfMinute', 'minuteOfHour', 'hourOfDay', 'dayOfWeek'];
}

/** The calendar features for a frequency: hour of day, day of week, month and year for hours, for example. */
export function calendarNames(frequency: Frequency): CalendarName[] {
  rejectExtraArguments('calendarNames', 1, arguments);
  return calendarNamesOf(checkFrequency('calendarNames', 'frequency', frequency));
}

/**
 * Two columns for each name, the sine and the cosine of the position in the cycle: `hourOfDaySin`, `hourOfDayCos`, and so
 * on. So the end of a cycle is as near to its start as it is in time. The hour includes the minutes, and the minute the
 * seconds; the other positions are whole days, weeks, months and quarters.
 *
 * @param times dates, which are read as UTC, or text, which is read as written, such as those of `timeRange`
 * @param names default: those of `calendarNames` for the shortest time between two neighbours
 */
export function calendarFeatures(
  times: ArrayLike<string | Date>,
  names?: readonly CalendarName[],
): Record<string, Float64Array> {
  rejectExtraArguments('calendarFeatures', 2, arguments);
  const call = 'calendarFeatures';
  if (!Array.isArray(times)) fail(call, `times must be an array of dates, got ${show(times)}`);
  const read = Float64Array.from(times as unknown[], (time, n) => checkTime(call, `times[${n}]`, time));
  if (names !== undefined && !Array.isArray(names)) fail(call, `names must be an array of names, got ${show(names)}`);
  const chosen = names
    ? Array.from(names, (name, n) => checkName(call, `names[${n}]`, name, allNames))
    : calendarNamesOf(shortestStep(call, read));
  return calendarColumns(read, chosen);
}

/** See `calendarFeatures`; the times are milliseconds. */
export function calendarColumns(
  times: ArrayLike<number>,
  names: readonly CalendarName[],
): Record<string, Float64Array> {
  const columns: Record<string, Float64Array> = {};
  for (const name of names) {
    const [sines, cosines] = [new Float64Array(times.length), new Float64Array(times.length)];
    for (let n = 0; n < times.length; n++) {
      const angle = 2 * Math.PI * positions[name](times[n]!, Math.floor(times[n]! / DAY));
      sines[n] = sin(angle);
      cosines[n] = cos(angle);
    }
    columns[`${name}Sin`] = sines;
    columns[`${name}Cos`] = cosines;
  }
  return columns;
}

function shortestStep(call: string, times: Float64Array): Step {
  let size = Infinity;
  for (let n = 1; n < times.length; n++) {
    const difference = Math.abs(times[n]! - times[n - 1]!);
    if (difference > 0) size = Math.min(size, difference);
  }
  if (size === Infinity) fail(call, 'names must be given for fewer than 2 different times, got none');
  if (size >= 28 * DAY) return { kind: 'month', size: size > 300 * DAY ? 12 : size > 80 * DAY ? 3 : 1 };
  return { kind: 'time', size };
}
