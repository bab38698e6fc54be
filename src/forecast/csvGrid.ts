/** Puts the rows of a table on the grid of its frequency. */

import { fail, show } from '../util/errors.ts';
import { civilOf, DAY, HOUR, weekdayOf } from './civil.ts';
import { withWholeDays } from './csvTimes.ts';
import { detectFrequency } from './detectFrequency.ts';
import { indexAt, type Step, showFrequency } from './frequency.ts';
import { count } from './series.ts';

/** The rows of one series, in the order of time. */
export interface Group {
  id: string | undefined;
  rows: Int32Array;
}

/** Where the values of a series are in a table. */
export interface Placement {
  /** The time of the first value. */
  start: number;
  /** The number of values. */
  length: number;
  /** For each row of the group, the index of its value. */
  indices: Int32Array;
}

/** What messages say about a row. */
export type Where = (row: number) => string;

/** Beyond this many values for each row, and these on top, a time is a mistake rather than the end of a gap. */
const MOST_PER_ROW = 20;
const MOST_EXTRA = 10_000;

/** Sorts the rows of each series by time. */
export function sortRows(groups: readonly Group[], times: Float64Array): void {
  for (const { rows } of groups) {
    let isSorted = true;
    for (let n = 1; n < rows.length && isSorted; n++) isSorted = times[rows[n]!]! >= times[rows[n - 1]!]!;
    if (!isSorted) rows.sort((a, b) => times[a]! - times[b]! || a - b);
  }
}

/** Finds the frequency of all series, whose rows must be sorted; moves days to midnight where that helps. */
export function findStep(
  call: string,
  groups: readonly Group[],
  times: Float64Array,
  where: Where,
): { step: Step; times: Float64Array } {
  let shortest = Infinity;
  for (const { rows } of groups) {
    for (let n = 1; n < rows.length; n++) {
      const difference = times[rows[n]!]! - times[rows[n - 1]!]!;
      if (difference > 0) shortest = Math.min(shortest, difference);
    }
  }
  const moved = withWholeDays(times, shortest);
  const different = groups.map(({ rows }) => rows.filter((row, n) => n === 0 || moved[row] !== moved[rows[n - 1]!]));
  const found = detectFrequency(different.map(rows => Float64Array.from(rows, row => moved[row]!)));
  if (found === null) {
    const twice = groups.find(({ rows }) => rows.length > 1);
    if (twice) failTwice(call, twice.id, twice.rows[0]!, twice.rows[1]!, where);
    fail(call, 'frequency must be given for a table without two times in a series, got none');
  }
  if ('kind' in found) return { step: found, times: moved };
  const rows = different[found.group]!;
  const [before, row] = [rows[found.index - 1]!, rows[found.index]!];
  const steps = `most are of the frequency ${show(showFrequency(found.step))}, but not`;
  const rule = `even steps: ${steps} from ${where(before)}, to ${where(row)}`;
  return fail(call, `time must have ${rule}; round the times, or pass frequency`);
}

/** Places the sorted rows of a series on the grid that starts at the first one. */
export function place(call: string, { id, rows }: Group, times: Float64Array, step: Step, where: Where): Placement {
  const start = times[rows[0]!]!;
  const indices = new Int32Array(rows.length);
  for (let n = 0; n < rows.length; n++) {
    const row = rows[n]!;
    const index = indexAt(start, times[row]!, step);
    if (!Number.isInteger(index)) {
      const name = showFrequency(step);
      fail(call, `time must be on the grid of the frequency ${show(name)} from ${where(rows[0]!)}, got ${where(row)}`);
    }
    if (index >= MOST_PER_ROW * rows.length + MOST_EXTRA) {
      const from = where(rows[n - 1]!);
      fail(
        call,
        `time must not have a gap of ${count(index - indices[n - 1]!, 'step')}, got one from ${from}, to ${where(row)}`,
      );
    }
    indices[n] = index;
  }
  checkUnique(call, id, rows, indices, times, step, where);
  return { start, length: indices.at(-1)! + 1, indices };
}

/** Rejects two rows of one time, unless they are the hour that a clock repeats at the end of summer time. */
function checkUnique(
  call: string,
  id: string | undefined,
  rows: Int32Array,
  indices: Int32Array,
  times: Float64Array,
  step: Step,
  where: Where,
): void {
  const hourAt = (n: number) => Math.floor(times[rows[n]!]! / HOUR);
  const repeated: number[] = []; // the position of the second row
  for (let n = 1; n < indices.length; n++) if (indices[n] === indices[n - 1]) repeated.push(n);
  if (repeated.length === 0) return;
  const [years, hours] = [new Set<number>(), new Set<number>()];
  const wrong = repeated.find(n => {
    const hour = hourAt(n);
    if (step.kind !== 'time' || step.size > HOUR || !isChangeOfClocks(hour)) return true;
    if (hours.has(hour)) return false;
    let [first, end] = [n, n + 1];
    while (first > 0 && hourAt(first - 1) === hour) first--;
    while (end < rows.length && hourAt(end) === hour) end++;
    const { year } = civilOf(Math.floor((hour * HOUR) / DAY));
    if (years.has(year) || !isTwice(indices.subarray(first, end))) return true;
    hours.add(hour);
    years.add(year);
    return false;
  });
  if (wrong === undefined) return;
  failTwice(call, id, rows[wrong - 1]!, rows[wrong]!, where);
}

function failTwice(call: string, id: string | undefined, first: number, second: number, where: Where): never {
  const hint = id === undefined ? '; pass id if the table has several series' : '';
  fail(call, `time must be unique in a series, got ${where(first)}, and ${where(second)}${hint}`);
}

/** Clocks are set back in a night to Sunday, between 22:00 on Saturday and 5:00. */
function isChangeOfClocks(hour: number): boolean {
  const [weekday, hourOfDay] = [weekdayOf(Math.floor(hour / 24)), ((hour % 24) + 24) % 24];
  return (weekday === 6 && hourOfDay < 5) || (weekday === 5 && hourOfDay >= 22);
}

/** Whether each of the sorted indices is there twice. */
const isTwice = (indices: Int32Array): boolean =>
  indices.length % 2 === 0 &&
  indices.every((index, n) => (n % 2 === 1 ? index === indices[n - 1] : index !== indices[n - 1]));

/** The values of rows at their places: NaN in gaps, the mean where a clock repeats an hour. */
export function gather(values: Float64Array, { rows }: Group, { indices, length }: Placement): Float64Array {
  const result = new Float64Array(length).fill(Number.NaN);
  for (let n = 0; n < rows.length; n++) {
    const [index, value] = [indices[n]!, values[rows[n]!]!];
    const isRepeated = n > 0 && index === indices[n - 1] && !Number.isNaN(result[index]!);
    if (!isRepeated) result[index] = value;
    else if (!Number.isNaN(value)) result[index] = (result[index]! + value) / 2;
  }
  return result;
}
