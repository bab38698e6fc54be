/** Series as arguments of a forecaster: checks, and copies that the caller cannot change. */

import { fail, show } from '../util/errors.ts';
import { checkOptions, isPlain } from '../util/options.ts';
import { checkFrequency, type Frequency, showFrequency } from './frequency.ts';
import { checkNumbers, count, type Series } from './series.ts';
import { checkTime } from './times.ts';

/** A series whose arguments have been checked and copied. */
export interface CheckedSeries {
  /** For messages: `series 'north'`, or `series[3]`. */
  readonly label: string;
  readonly id: string | null;
  /** Milliseconds; null without a start. */
  readonly start: number | null;
  readonly frequency: Frequency | null;
  readonly values: Float64Array;
  readonly past: Readonly<Record<string, Float64Array>>;
  readonly future: Readonly<Record<string, Float64Array>>;
  readonly static: Readonly<Record<string, number | string>>;
}

const fields = ['id', 'start', 'frequency', 'values', 'past', 'future', 'static'];

/** Checks one series or a list of them. */
export function checkSeriesList(call: string, value: unknown): CheckedSeries[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0) fail(call, 'series must be a series { values } or a list of them, got an empty list');
  return Array.from(list, (one, n) => checkSeries(call, one, Array.isArray(value) ? `series[${n}]` : 'series'));
}

function checkSeries(call: string, value: unknown, place: string): CheckedSeries {
  if (!isPlain(value)) fail(call, `${place} must be a series { values }, got ${show(value)}`);
  const given = checkOptions<Series>(call, value, fields);
  const { id, start, frequency } = given;
  if (id !== undefined && typeof id !== 'string') fail(call, `id of ${place} must be text, got ${show(id)}`);
  const label = id === undefined ? place : `series ${show(id)}`;
  const values = Float64Array.from(checkNumbers(call, `values of ${label}`, given.values, { known: true }));
  if (frequency !== undefined) checkFrequency(call, `frequency of ${label}`, frequency);
  const covariates = (kind: 'past' | 'future') =>
    Object.fromEntries(
      entriesOf(call, `${kind} of ${label}`, given[kind]).map(([name, numbers]) => {
        const what = `${kind}.${name} of ${label}`;
        const copy = Float64Array.from(checkNumbers(call, what, numbers, { least: 0 }));
        if (copy.length < values.length) {
          fail(
            call,
            `${what} must have at least ${count(values.length, 'number')}, one for each value, got ${copy.length}`,
          );
        }
        return [name, copy];
      }),
    );
  const properties = entriesOf(call, `static of ${label}`, given.static).map(([name, property]) => {
    const isNumber = typeof property === 'number' && Number.isFinite(property);
    if (isNumber || typeof property === 'string') return [name, property] as const;
    return fail(call, `static.${name} of ${label} must be a finite number or text, got ${show(property)}`);
  });
  return {
    label,
    id: id ?? null,
    start: start === undefined ? null : checkTime(call, `start of ${label}`, start),
    frequency: frequency ?? null,
    values,
    past: covariates('past'),
    future: covariates('future'),
    static: Object.fromEntries(properties),
  };
}

function entriesOf(call: string, name: string, value: unknown): [string, unknown][] {
  if (value === undefined) return [];
  if (!isPlain(value)) fail(call, `${name} must be an object by name, got ${show(value)}`);
  return Object.entries(value);
}

/** The frequency that all series have; null if none of them has one. */
export function commonFrequency(call: string, series: readonly CheckedSeries[]): Frequency | null {
  const first = series.find(({ frequency }) => frequency !== null);
  if (!first) return null;
  const nameOf = ({ frequency }: CheckedSeries) => showFrequency(checkFrequency(call, 'frequency', frequency));
  for (const one of series) {
    if (one.frequency === null || nameOf(one) === nameOf(first)) continue;
    fail(call, `frequency of ${one.label} must be that of ${first.label}, ${nameOf(first)}, got ${nameOf(one)}`);
  }
  return first.frequency;
}

/** Fails if a series has values that counts cannot have. */
export function checkCounts(call: string, series: CheckedSeries, output: string): void {
  const wrong = series.values.findIndex(value => value < 0);
  if (wrong < 0) return;
  const what = `values of ${series.label} must be at least 0 for the output '${output}'`;
  fail(call, `${what}, got ${series.values[wrong]} at index ${wrong}`);
}

/**
 * Adds covariates of the steps to forecast, and fails if they end early.
 *
 * @param given for each series, or for the only one: numbers for the steps of the horizon, by name
 */
export function withFuture(
  call: string,
  series: readonly CheckedSeries[],
  given: unknown,
  horizon: number,
): CheckedSeries[] {
  const list: unknown[] = given === undefined ? [] : Array.isArray(given) ? given : [given];
  if (given !== undefined && list.length !== series.length) {
    fail(call, `future must have an object for each of the ${series.length} series, got ${list.length}`);
  }
  return series.map((one, n) => {
    const place = Array.isArray(given) ? `future[${n}]` : 'future';
    const future = { ...one.future };
    for (const [name, numbers] of entriesOf(call, place, list[n])) {
      const ahead = checkNumbers(call, `${place}.${name}`, numbers, { least: horizon });
      const joined = new Float64Array(one.values.length + horizon).fill(Number.NaN);
      joined.set((future[name] ?? joined).subarray(0, one.values.length));
      for (let h = 0; h < horizon; h++) joined[one.values.length + h] = ahead[h]!;
      future[name] = joined;
    }
    for (const [name, numbers] of Object.entries(future)) {
      const least = one.values.length + horizon;
      if (numbers.length >= least) continue;
      const what = `future.${name} of ${one.label} must have at least ${least} numbers`;
      fail(call, `${what}, for ${count(one.values.length, 'value')} and the horizon ${horizon}, got ${numbers.length}`);
    }
    return { ...one, future };
  });
}
