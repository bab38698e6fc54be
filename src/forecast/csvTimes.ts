/** Reads the column of times of a table. */

import { fail, show } from '../util/errors.ts';
import { DAY, HOUR, MINUTE, SECOND } from './civil.ts';
import { isMissing } from './csvNumbers.ts';
import { type DateOrder, parseTime, undecidedParts } from './dates.ts';

/** The times of all rows on one clock. */
export interface Times {
  /** Milliseconds since 1970-01-01 on that clock. */
  times: Float64Array;
  /** The zone of that clock, to be appended to a time: 'Z', '+01:00', or '' if the text has none. */
  zone: string;
}

const wholeNumber = /^\d+(?:\.\d+)?$/;

export const isTime = (cell: string): boolean => parseTime(cell, 'DMY') !== null;

/** Reads the times of a column. */
export function readTimes(
  call: string,
  name: string,
  cells: readonly string[],
  lines: readonly number[],
  dateFormat: DateOrder | undefined,
): Times {
  const where = (row: number) => `${show(cells[row])} in line ${lines[row]}, column ${show(name)}`;
  if (wholeNumber.test(cells[0]!)) return readNumericTimes(call, cells, where);
  const order = dateFormat ?? orderOf(call, cells, where);
  const times = new Float64Array(cells.length);
  const zones = new Float64Array(cells.length);
  for (let row = 0; row < cells.length; row++) {
    const written = parseTime(cells[row]!, order);
    if (written === null) {
      if (isMissing(cells[row]!)) fail(call, `time must not be missing, got ${where(row)}`);
      fail(call, `time must be a date such as '2024-01-31' or '2024-01-31 10:00', got ${where(row)}`);
    }
    times[row] = written.time;
    zones[row] = written.zone;
    if (Number.isNaN(written.zone) !== Number.isNaN(zones[0]!)) {
      fail(call, `time must have a zone in all rows or in none, got ${where(0)}, and ${where(row)}`);
    }
  }
  return onOneClock(times, zones);
}

/** Decides between 31/01/2024 and 01/31/2024 for the whole column; null if there are no such dates. */
function orderOf(call: string, cells: readonly string[], where: (row: number) => string): DateOrder | null {
  let first = -1;
  let dayFirst = -1;
  let monthFirst = -1;
  for (let row = 0; row < cells.length; row++) {
    const found = undecidedParts(cells[row]!);
    if (!found) {
      if (first < 0) return null; // the first date has another form
      continue;
    }
    if (first < 0) first = row;
    const [a, b, hasCentury] = found;
    if (!hasCentury) fail(call, `dateFormat must be 'DMY' or 'MDY' because of a year of two digits, ${where(row)}`);
    if (a > 12 && dayFirst < 0) dayFirst = row;
    if (b > 12 && monthFirst < 0) monthFirst = row;
    if (dayFirst >= 0 && monthFirst >= 0) {
      fail(call, `time must have day and month in one order, got ${where(dayFirst)}, and ${where(monthFirst)}`);
    }
  }
  if (dayFirst < 0 && monthFirst < 0) {
    fail(call, `dateFormat must be 'DMY' or 'MDY' because all dates can be read both ways, such as ${where(first)}`);
  }
  return dayFirst >= 0 ? 'DMY' : 'MDY';
}

/**
 * Zones that change with summer time: the clock of the text if it shows the same time of day in all rows, such as
 * midnight; otherwise the zone of the earliest row for all.
 */
function onOneClock(times: Float64Array, zones: Float64Array): Times {
  const zone = zones[0]!;
  if (Number.isNaN(zone)) return { times, zone: '' };
  if (zones.every(one => one === zone)) return { times, zone: zoneText(zone) };
  const timeOfDay = modulo(times[0]!, DAY);
  if (times.every(time => modulo(time, DAY) === timeOfDay)) return { times, zone: '' };
  const instants = times.map((time, row) => time - zones[row]! * MINUTE);
  const earliest = instants.reduce((best, time, row) => (time < instants[best]! ? row : best), 0);
  const one = zones[earliest]!;
  return { times: instants.map(time => time + one * MINUTE), zone: zoneText(one) };
}

const modulo = (n: number, by: number) => ((n % by) + by) % by;

function zoneText(minutes: number): string {
  if (minutes === 0) return 'Z';
  const pad = (n: number) => String(n).padStart(2, '0');
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}

/** Forms of times that are numbers. The first cell decides, and all others must have the same form. */
const numericForms: { name: string; test: (cell: string, value: number) => boolean; read?: number }[] = [
  { name: 'years', test: cell => /^[12]\d{3}$/.test(cell) },
  { name: 'months such as 202401', test: cell => /^[12]\d{3}(0[1-9]|1[0-2])$/.test(cell) },
  { name: 'dates such as 20240131', test: cell => /^[12]\d{7}$/.test(cell) && parseTime(cell, null) !== null },
  { name: 'Unix seconds', test: (_, value) => value >= 1e8 && value < 1e11, read: SECOND },
  { name: 'Unix milliseconds', test: (_, value) => value >= 1e11 && value < 1e14, read: 1 },
  { name: 'Unix microseconds', test: (_, value) => value >= 1e14 && value < 1e17, read: 1e-3 },
  { name: 'Unix nanoseconds', test: (_, value) => value >= 1e17 && value < 1e20, read: 1e-6 },
];

function readNumericTimes(call: string, cells: readonly string[], where: (row: number) => string): Times {
  const form = numericForms.find(({ test }) => test(cells[0]!, Number(cells[0])));
  if (!form) fail(call, `time must be a date or a Unix time, got ${where(0)}; pass time: null for rows at equal steps`);
  const times = Float64Array.from(cells, (cell, row) => {
    const value = wholeNumber.test(cell) ? Number(cell) : Number.NaN;
    if (isMissing(cell)) fail(call, `time must not be missing, got ${where(row)}`);
    if (!form.test(cell, value))
      fail(call, `time must be ${form.name} in all rows, as in the first, got ${where(row)}`);
    if (form.read !== undefined) return Math.round(value * form.read);
    return parseTime(cell.length === 6 ? `${cell.slice(0, 4)}-${cell.slice(4)}` : cell, null)!.time;
  });
  return { times, zone: form.read === undefined ? '' : 'Z' };
}

/**
 * Days that were written as instants of another zone, such as 23:00 and 22:00 UTC for midnights in Berlin, moved to the
 * nearest midnight; other times as they are.
 */
export function withWholeDays(times: Float64Array, shortest: number): Float64Array {
  if (shortest < 23 * HOUR) return times;
  const hours = new Set<number>();
  for (const time of times) if (hours.add(modulo(time, DAY)).size > 2) return times;
  const [a, b] = [...hours];
  if (a === undefined || b === undefined || ![HOUR, 23 * HOUR].includes(Math.abs(a - b))) return times;
  return times.map(time => Math.floor((time + (Math.max(a, b) >= 12 * HOUR ? DAY / 2 : 0)) / DAY) * DAY);
}
