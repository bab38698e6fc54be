/** Dates of the Gregorian calendar as numbers of days, and times as milliseconds, without time zones. */

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const WEEK = 7 * DAY;

/** A date; months and days count from 1. */
export interface Civil {
  year: number;
  month: number;
  day: number;
}

/** Days from 1970-01-01 to a date. The month may be outside of 1 to 12. */
export function daysOf(year: number, month: number, day: number): number {
  const months = year * 12 + month - 3; // since March of year 0, so that a leap day ends its year
  const y = Math.floor(months / 12);
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (months - y * 12) + 2) / 5) + day - 1;
  return era * 146097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719468;
}

/** The date that is `days` after 1970-01-01. */
export function civilOf(days: number): Civil {
  const shifted = days + 719468;
  const era = Math.floor(shifted / 146097);
  const dayOfEra = shifted - era * 146097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  };
}

export const isLeapYear = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

export const daysInYear = (year: number): number => (isLeapYear(year) ? 366 : 365);

const lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

export const daysInMonth = (year: number, month: number): number =>
  month === 2 && isLeapYear(year) ? 29 : lengths[month - 1]!;

/** The day of the week of a number of days since 1970-01-01: 0 for Monday, 6 for Sunday. */
export const weekdayOf = (days: number): number => (((days + 3) % 7) + 7) % 7;

/** The ISO week of a date, from 1, and the number of weeks in its year, 52 or 53. */
export function isoWeekOf(days: number): { week: number; weeks: number } {
  const { year } = civilOf(days - weekdayOf(days) + 3); // the year of the Thursday
  const firstMonday = mondayOfWeek1(year);
  const weeks = (mondayOfWeek1(year + 1) - firstMonday) / 7;
  return { week: Math.floor((days - firstMonday) / 7) + 1, weeks };
}

/** The Monday of the ISO week 1, which has January 4. */
export function mondayOfWeek1(year: number): number {
  const fourth = daysOf(year, 1, 4);
  return fourth - weekdayOf(fourth);
}
