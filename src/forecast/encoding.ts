/** Covariates and properties of series as the numbers that a network reads, with what was learned from the training data. */

import { fail, show, suggest } from '../util/errors.ts';
import { type CalendarName, calendarNamesOf } from './calendar.ts';
import { DAY, HOUR, MINUTE, WEEK } from './civil.ts';
import { type Step, timeAt } from './frequency.ts';
import type { CheckedSeries } from './seriesInput.ts';

/** A column of numbers, standardized by its mean and deviation in the training data. */
export interface NumberColumn {
  readonly name: string;
  readonly mean: number;
  readonly deviation: number;
}

/** Texts that are replaced by numbers from 1; others, and none, by 0. */
export interface TextColumn {
  readonly name: string;
  readonly values: readonly string[];
}

/** How series become numbers. Plain data, which is saved with the model. */
export interface Encoding {
  readonly calendar: readonly CalendarName[];
  readonly past: readonly NumberColumn[];
  readonly future: readonly NumberColumn[];
  readonly numbers: readonly NumberColumn[];
  readonly texts: readonly TextColumn[];
  /** The ids of the training series; null if they are not embedded. */
  readonly ids: readonly string[] | null;
}

/** The milliseconds of a cycle. */
const cycles: Readonly<Record<CalendarName, number>> = {
  secondOfMinute: MINUTE,
  minuteOfHour: HOUR,
  hourOfDay: DAY,
  dayOfWeek: WEEK,
  dayOfMonth: 31 * DAY,
  dayOfYear: 366 * DAY,
  weekOfYear: 366 * DAY,
  monthOfYear: 366 * DAY,
  quarterOfYear: 366 * DAY,
};

/** The time that the longest series covers. */
const spanOf = (series: readonly CheckedSeries[], ends: readonly number[], step: Step): number =>
  Math.max(...series.map(({ start }, n) => timeAt(start!, ends[n]!, step) - start!));

/**
 * Learns from the training data. Calendar features are those whose cycle the data covers twice: forecasts would read
 * values of the others that training has seen once or never.
 *
 * @param ends for each series, the number of values that training may see
 */
export function learnEncoding(
  call: string,
  series: readonly CheckedSeries[],
  ends: readonly number[],
  { calendar, embedIds }: { calendar: Step | null; embedIds: boolean },
): Encoding {
  const first = series[0]!;
  const columns = (kind: 'past' | 'future') =>
    Object.keys(first[kind]).map(name =>
      numberColumn(
        name,
        series.map((one, n) => one[kind][name]!.subarray(0, ends[n])),
      ),
    );
  for (const one of series) {
    checkNames(call, one, 'past', Object.keys(first.past));
    checkNames(call, one, 'future', Object.keys(first.future));
    checkNames(call, one, 'static', Object.keys(first.static));
  }
  const statics = Object.keys(first.static);
  const isText = (name: string) => typeof first.static[name] === 'string';
  for (const one of series) for (const name of statics) checkKind(call, one, name, isText(name));
  const ids = series.map(({ id }) => id);
  const known = new Set(ids);
  return {
    calendar: calendar
      ? calendarNamesOf(calendar).filter(name => 2 * cycles[name] <= spanOf(series, ends, calendar))
      : [],
    past: columns('past'),
    future: columns('future'),
    numbers: statics
      .filter(name => !isText(name))
      .map(name => numberColumn(name, [Float64Array.from(series, one => one.static[name] as number)])),
    texts: statics
      .filter(isText)
      .map(name => ({ name, values: [...new Set(series.map(one => one.static[name] as string))].sort() })),
    ids: embedIds && series.length > 1 && !known.has(null) && known.size === ids.length ? (ids as string[]) : null,
  };
}

function numberColumn(name: string, lists: readonly ArrayLike<number>[]): NumberColumn {
  let [known, sum, squares] = [0, 0, 0];
  const each = (use: (value: number) => void) => {
    for (const list of lists) for (let n = 0; n < list.length; n++) if (!Number.isNaN(list[n]!)) use(list[n]!);
  };
  each(value => {
    known++;
    sum += value;
  });
  const mean = known && sum / known;
  each(value => {
    squares += (value - mean) ** 2;
  });
  return { name, mean, deviation: (known && Math.sqrt(squares / known)) || 1 };
}

/** Fails unless a series has the covariates and properties of the training series, and no others. */
export function checkEncoded(call: string, series: CheckedSeries, encoding: Encoding): void {
  const namesOf = (columns: readonly { name: string }[]) => columns.map(({ name }) => name);
  checkNames(call, series, 'past', namesOf(encoding.past));
  checkNames(call, series, 'future', namesOf(encoding.future));
  checkNames(call, series, 'static', namesOf([...encoding.numbers, ...encoding.texts]));
  for (const { name } of encoding.numbers) checkKind(call, series, name, false);
  for (const { name } of encoding.texts) checkKind(call, series, name, true);
}

function checkNames(
  call: string,
  series: CheckedSeries,
  kind: 'past' | 'future' | 'static',
  known: readonly string[],
): void {
  const given = Object.keys(series[kind]);
  const other = given.find(name => !known.includes(name));
  if (other !== undefined) {
    const rule = known.length === 0 ? 'none, as in the first training series' : 'those of the first training series';
    const advice = known.length === 0 ? '' : suggest(other, known);
    fail(call, `${kind} of ${series.label} must have ${rule}, got ${show(other)}${advice}`);
  }
  const missing = known.find(name => !given.includes(name));
  if (missing !== undefined) {
    const got = given.length === 0 ? 'none' : given.map(name => show(name)).join(', ');
    fail(call, `${kind} of ${series.label} must have ${show(missing)}, as the first training series, got ${got}`);
  }
}

function checkKind(call: string, series: CheckedSeries, name: string, isText: boolean): void {
  const value = series.static[name];
  if ((typeof value === 'string') === isText) return;
  const rule = isText ? 'text' : 'a number';
  fail(call, `static.${name} of ${series.label} must be ${rule}, as in the first training series, got ${show(value)}`);
}

/** The numbers of embedded texts: that of the id first, then those of static properties. */
export const categoriesOf = (series: CheckedSeries, { ids, texts }: Encoding): number[] => [
  ...(ids ? [series.id === null ? 0 : ids.indexOf(series.id) + 1] : []),
  ...texts.map(({ name, values }) => values.indexOf(series.static[name] as string) + 1),
];

/** For each embedded text, how many numbers it has. */
export const categoryCounts = ({ ids, texts }: Encoding): number[] => [
  ...(ids ? [ids.length + 1] : []),
  ...texts.map(({ values }) => values.length + 1),
];

/** The standardized number; 0, the mean, for a missing one. */
export const standardized = (value: number, { mean, deviation }: NumberColumn): number =>
  Number.isNaN(value) ? 0 : (value - mean) / deviation;
