/** Reads dates and times in the forms that tables have them in. */

import { DAY, daysInMonth, daysOf, HOUR, MINUTE, mondayOfWeek1, SECOND } from './civil.ts';

/** The order of day, month and year in dates such as 01/02/2024. */
export type DateOrder = 'DMY' | 'MDY';

/** A time as it was written. */
export interface WrittenTime {
  /** Milliseconds on the clock of the text, since 1970-01-01 on that clock. */
  time: number;
  /** Minutes by which that clock is ahead of UTC; NaN if the text has no zone. */
  zone: number;
}

const digit = (text: string, at: number): number => {
  const code = text.charCodeAt(at) - 48;
  return code >= 0 && code <= 9 ? code : Number.NaN;
};
const two = (text: string, at: number): number => digit(text, at) * 10 + digit(text, at + 1);

/** Reads a date, or a date with a time; null if the text is none. `order` decides dates such as 01/02/2024. */
export function parseTime(text: string, order: DateOrder | null): WrittenTime | null {
  const separator = text.charCodeAt(4);
  if (text.length >= 10 && isSeparator(separator) && text.charCodeAt(7) === separator) {
    const days = dateOf(two(text, 0) * 100 + two(text, 2), two(text, 5), two(text, 8));
    if (!Number.isNaN(days)) {
      const between = text.charCodeAt(10);
      if (text.length === 10) return { time: days * DAY, zone: Number.NaN };
      if (
        (between === 84 || between === 32) &&
        text.charCodeAt(13) === 58 &&
        (text.length === 16 || text.length === 19)
      ) {
        const seconds = text.length === 19 ? (text.charCodeAt(16) === 58 ? two(text, 17) : Number.NaN) : 0;
        const time = clockOf(two(text, 11), two(text, 14), seconds);
        if (!Number.isNaN(time)) return { time: days * DAY + time, zone: Number.NaN };
      }
    }
  }
  return parseSlowly(text, order);
}

const isSeparator = (code: number) => code === 45 || code === 47 || code === 46; // - / .

/** Days since 1970-01-01; NaN if there is no such date. */
const dateOf = (year: number, month: number, day: number): number =>
  month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month) ? daysOf(year, month, day) : Number.NaN;

/** Milliseconds since midnight; NaN if there is no such time. 24:00 is the next midnight. */
function clockOf(hour: number, minute: number, seconds: number): number {
  const isMidnight = hour === 24 && minute === 0 && seconds === 0;
  const isTime = (hour < 24 || isMidnight) && minute < 60 && seconds < 60;
  return isTime ? hour * HOUR + minute * MINUTE + Math.round(seconds * SECOND) : Number.NaN;
}

const clock =
  /(?:T|\s+|,\s*)(\d{1,2}):(\d{2})(?::(\d{2}(?:[.,]\d{1,9})?))?\s*(?:([ap])\.?m\.?)?\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$/i;

function parseSlowly(text: string, order: DateOrder | null): WrittenTime | null {
  const found = clock.exec(text);
  const days = dayOf(found ? text.slice(0, found.index) : text, order);
  if (Number.isNaN(days)) return null;
  if (!found) return { time: days * DAY, zone: Number.NaN };
  const [, hours, minutes, seconds = '0', half, zone] = found;
  let hour = Number(hours);
  if (half !== undefined) {
    if (hour < 1 || hour > 12) return null;
    hour = (hour % 12) + (half.toLowerCase() === 'p' ? 12 : 0);
  }
  const time = clockOf(hour, Number(minutes), Number(seconds.replace(',', '.')));
  return Number.isNaN(time) ? null : { time: days * DAY + time, zone: zoneOf(zone) };
}

function zoneOf(zone: string | undefined): number {
  if (zone === undefined) return Number.NaN;
  const sign = zone.startsWith('-') ? -1 : zone.startsWith('+') ? 1 : 0;
  return sign && sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2)) * Number(zone.length > 3));
}

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const longNames = 'january february march april may june july august september sept october november december'.split(
  ' ',
);

/** The number of an English month, whole or shortened; NaN for another word. */
function monthOf(name: string): number {
  const word = name.toLowerCase();
  const month = monthNames.indexOf(word.slice(0, 3));
  return month >= 0 && (word.length === 3 || longNames.includes(word)) ? month + 1 : Number.NaN;
}

/** Two digits are a year from 1969 to 2068, as in POSIX. */
const yearOf = (text: string): number => Number(text) + (text.length > 2 ? 0 : Number(text) < 69 ? 2000 : 1900);

/** The forms of dates, and what they say: [year, month, day] of a match. */
const forms: [RegExp, (parts: string[], order: DateOrder | null) => [number, number, number]][] = [
  [/^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})$/, ([year, , month, day]) => [Number(year), Number(month), Number(day)]],
  [
    /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})$/,
    ([a, separator, b, year], order) => {
      const dayFirst = separator === '.' || order === 'DMY';
      return [order || dayFirst ? yearOf(year!) : Number.NaN, Number(dayFirst ? b : a), Number(dayFirst ? a : b)];
    },
  ],
  [/^(\d{4})[-/.](\d{1,2})$/, ([year, month]) => [Number(year), Number(month), 1]],
  [/^(\d{4})-?M(\d{1,2})$/i, ([year, month]) => [Number(year), Number(month), 1]],
  [/^(\d{1,2})[-/.](\d{4})$/, ([month, year]) => [Number(year), Number(month), 1]],
  [/^(\d{4})(\d{2})(\d{2})$/, ([year, month, day]) => [Number(year), Number(month), Number(day)]],
  [/^(\d{4})$/, ([year]) => [Number(year), 1, 1]],
  [/^(\d{4})[-/ ]?Q([1-4])$/i, ([year, quarter]) => [Number(year), Number(quarter) * 3 - 2, 1]],
  [/^Q([1-4])[-/ ]?(\d{4})$/i, ([quarter, year]) => [Number(year), Number(quarter) * 3 - 2, 1]],
  [
    /^(\d{1,2})[-. ]+([a-z]{3,9})[-., ]+(\d{4}|\d{2})$/i,
    ([day, month, year]) => [yearOf(year!), monthOf(month!), Number(day)],
  ],
  [/^([a-z]{3,9})[-. ]+(\d{1,2})[-, ]+(\d{4})$/i, ([month, day, year]) => [Number(year), monthOf(month!), Number(day)]],
  [/^([a-z]{3,9})[-. ]*(\d{4})$/i, ([month, year]) => [Number(year), monthOf(month!), 1]],
  [/^(\d{4})[-. ]*([a-z]{3,9})$/i, ([year, month]) => [Number(year), monthOf(month!), 1]],
];

const isoWeek = /^(\d{4})-?W(\d{2})(?:-?([1-7]))?$/i;

/** Days since 1970-01-01; NaN if the text is no date. */
function dayOf(text: string, order: DateOrder | null): number {
  for (const [form, read] of forms) {
    const found = form.exec(text);
    if (found) return dateOf(...read(found.slice(1), order));
  }
  const [, year, week, weekday = '1'] = isoWeek.exec(text) ?? [];
  if (year === undefined) return Number.NaN;
  const monday = mondayOfWeek1(Number(year)) + (Number(week) - 1) * 7;
  return Number(week) >= 1 && monday < mondayOfWeek1(Number(year) + 1) ? monday + Number(weekday) - 1 : Number.NaN;
}

/**
 * The first two numbers of a date whose order must be decided, such as 01/02/2024, and whether its year has four digits;
 * null for other text. Dates with points have the day first, unless the year has two digits.
 */
export function undecidedParts(text: string): [first: number, second: number, hasCentury: boolean] | null {
  const found = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?!\d)/.exec(text);
  if (!found) return null;
  const hasCentury = found[4]!.length === 4;
  return found[2] === '.' && hasCentury ? null : [Number(found[1]), Number(found[3]), hasCentury];
}
