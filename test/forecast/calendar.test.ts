// Arithmetic with frequencies, times of values, seasons and calendar features, against the calendar of JavaScript.

import { calendarFeatures, calendarNames, type Frequency, seasonLength, timeRange } from 'lstm-wasm/forecast';
import { describe, expect, it, test } from 'vitest';
import { civilOf, daysOf, isoWeekOf, weekdayOf } from '../../src/forecast/civil.ts';
import { checkFrequency, frequencyOf, indexAt, timeAt } from '../../src/forecast/frequency.ts';
import { checkTime, formatTime } from '../../src/forecast/times.ts';
import { expectClose } from '../compare.ts';

const day = (time: Date) => time.toISOString().slice(0, 10);
const days = (start: string, count: number, frequency: Frequency) => timeRange(start, count, frequency).map(day);

test('dates are those of JavaScript, from year 1 to 3000', () => {
  for (let n = -719_162; n < 376_200; n += 37) {
    const date = new Date(n * 86_400_000);
    const [year, month, dayOfMonth] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
    expect(civilOf(n)).toEqual({ year, month, day: dayOfMonth });
    expect(daysOf(year, month, dayOfMonth)).toBe(n);
    expect(weekdayOf(n)).toBe((date.getUTCDay() + 6) % 7);
  }
});

test.each([
  ['2020-12-31', 53, 53],
  ['2021-01-01', 53, 53],
  ['2021-01-04', 1, 52],
  ['2024-12-30', 1, 52],
  ['2026-12-31', 53, 53],
  ['2027-01-03', 53, 53],
])('%s is in the ISO week %i of %i', (date, week, weeks) => {
  expect(isoWeekOf(checkTime('test', 'date', date) / 86_400_000)).toEqual({ week, weeks });
});

describe('times of values', () => {
  it.each<[string, Frequency, string[]]>([
    ['2024-02-28', 'day', ['2024-02-28', '2024-02-29', '2024-03-01']],
    ['2024-02-28', 'week', ['2024-02-28', '2024-03-06', '2024-03-13']],
    ['2024-01-15', 'month', ['2024-01-15', '2024-02-15', '2024-03-15']],
    ['2023-12-31', 'month', ['2023-12-31', '2024-01-31', '2024-02-29', '2024-03-31', '2024-04-30']],
    ['2024-01-30', 'month', ['2024-01-30', '2024-02-29', '2024-03-30']],
    ['2024-04-30', 'month', ['2024-04-30', '2024-05-31']],
    ['2023-11-30', 'quarter', ['2023-11-30', '2024-02-29', '2024-05-31']],
    ['2024-02-29', 'year', ['2024-02-29', '2025-02-28', '2026-02-28', '2027-02-28', '2028-02-29']],
    ['2024-01-31', { every: 5, unit: 'month' }, ['2024-01-31', '2024-06-30', '2024-11-30']],
    ['2024-01-04', 'businessDay', ['2024-01-04', '2024-01-05', '2024-01-08', '2024-01-09']],
    ['2024-01-06', 'businessDay', ['2024-01-08', '2024-01-09']],
    ['2024-01-05', { every: 2, unit: 'businessDay' }, ['2024-01-05', '2024-01-09', '2024-01-11']],
    ['1969-12-31', 'businessDay', ['1969-12-31', '1970-01-01', '1970-01-02', '1970-01-05']],
  ])('from %s by %j', (start, frequency, expected) => {
    expect(days(start, expected.length, frequency)).toEqual(expected);
  });
  it('a Date is read as UTC, and text as written', () => {
    const expected = ['2024-01-31T23:30:00.000Z', '2024-01-31T23:45:00.000Z'];
    const iso = (start: string | Date) => timeRange(start, 2, '15min').map(time => time.toISOString());
    expect(iso(new Date('2024-01-31T23:30Z'))).toEqual(expected);
    expect(iso('2024-01-31T23:30')).toEqual(expected);
    expect(iso('2024-01-31T23:30+09:00')).toEqual(expected);
    expect(timeRange('2024-01-31', 0, 'hour')).toEqual([]);
  });
  it.each<Frequency>([
    'second',
    'minute',
    '15min',
    'hour',
    'day',
    'businessDay',
    'week',
    'month',
    'quarter',
    'year',
    { every: 3, unit: 'hour' },
    { every: 2, unit: 'businessDay' },
    { every: 2, unit: 'week' },
    { every: 4, unit: 'month' },
    { every: 10, unit: 'year' },
    { every: 20, unit: 'millisecond' },
  ])('the index of the time at an index of %j is that index', frequency => {
    const step = checkFrequency('test', 'frequency', frequency);
    for (const start of ['2024-01-31T10:00', '1968-05-06', '2023-02-28']) {
      const from = checkTime('test', 'start', start);
      for (const index of [0, 1, 2, 7, 100, 1001, -1, -50]) {
        expect(indexAt(from, timeAt(from, index, step), step)).toBe(index);
      }
    }
    expect(frequencyOf(step)).toEqual(frequency);
  });
  it('a time between two values has no index', () => {
    const step = checkFrequency('test', 'frequency', 'businessDay');
    const [friday, saturday] = ['2024-01-05', '2024-01-06'].map(date => checkTime('test', 'date', date));
    expect(indexAt(friday!, saturday!, step)).toBeNaN();
    expect(indexAt(0, 90 * 60_000, checkFrequency('test', 'frequency', 'hour'))).toBe(1.5);
    expect(indexAt(0, 40 * 86_400_000, checkFrequency('test', 'frequency', 'quarter'))).toBeCloseTo(1 / 3, 12);
  });
  it('a written time is read again as the same', () => {
    for (const time of [0, -1, 1, 86_399_999, -62_135_596_800_000, 1_706_745_599_250]) {
      expect(checkTime('test', 'time', formatTime(time))).toBe(time);
    }
    expect(formatTime(86_400_000, checkFrequency('test', 'frequency', 'month'))).toBe('1970-01-02');
    expect(formatTime(86_400_000, checkFrequency('test', 'frequency', 'hour'))).toBe('1970-01-02T00:00:00');
  });
});

test.each<[Frequency, number]>([
  ['second', 3600],
  ['minute', 1440],
  ['15min', 96],
  ['hour', 24],
  ['day', 7],
  ['businessDay', 5],
  ['week', 52],
  ['month', 12],
  ['quarter', 4],
  ['year', 1],
  [{ every: 5, unit: 'minute' }, 288],
  [{ every: 2, unit: 'hour' }, 12],
  [{ every: 5, unit: 'hour' }, 1],
  [{ every: 2, unit: 'day' }, 1],
  [{ every: 2, unit: 'week' }, 26],
  [{ every: 6, unit: 'month' }, 2],
  [{ every: 10, unit: 'year' }, 1],
  [{ every: 100, unit: 'millisecond' }, 1],
])('the season of %j has %i steps', (frequency, season) => {
  expect(seasonLength(frequency)).toBe(season);
});

describe('calendar features', () => {
  const around = (turns: number[]) => [
    turns.map(t => Math.sin(2 * Math.PI * t)),
    turns.map(t => Math.cos(2 * Math.PI * t)),
  ];
  it.each([
    ['secondOfMinute', ['2024-03-31T00:00:15', '2024-03-31T00:00:30.500'], [15 / 60, 30.5 / 60]],
    ['minuteOfHour', ['2024-03-31T05:45', '2024-03-31T05:30:30'], [45 / 60, 30.5 / 60]],
    ['hourOfDay', ['2024-03-31T06:00', '2024-03-31T18:45', '1969-12-31T12:00'], [0.25, 18.75 / 24, 0.5]],
    ['dayOfWeek', ['2024-01-01', '2024-01-07T23:00'], [0, 6 / 7]],
    ['dayOfMonth', ['2024-01-01', '2024-02-29', '2023-02-28'], [0, 28 / 29, 27 / 28]],
    ['dayOfYear', ['2024-01-01', '2024-12-31', '2023-12-31'], [0, 365 / 366, 364 / 365]],
    ['weekOfYear', ['2024-01-01', '2021-01-03'], [0, 52 / 53]],
    ['monthOfYear', ['2024-01-31', '2024-12-01'], [0, 11 / 12]],
    ['quarterOfYear', ['2024-03-31', '2024-04-01', '2024-12-01'], [0, 0.25, 0.75]],
  ] as const)('%s is the position in its cycle', (name, times, turns) => {
    const features = calendarFeatures(times.slice(), [name]);
    const [sines, cosines] = around(turns.slice());
    expect(Object.keys(features)).toEqual([`${name}Sin`, `${name}Cos`]);
    expectClose(features[`${name}Sin`]!, sines!, { abs: 1e-14, rel: 0 });
    expectClose(features[`${name}Cos`]!, cosines!, { abs: 1e-14, rel: 0 });
  });
  it('the frequency of the times decides on the features', () => {
    const names = (frequency: Frequency, count = 3) =>
      Object.keys(calendarFeatures(timeRange('2024-01-01', count, frequency)))
        .filter(name => name.endsWith('Sin'))
        .map(name => name.slice(0, -3));
    for (const frequency of ['second', 'minute', '15min', 'hour', 'day', 'week', 'month', 'quarter', 'year'] as const) {
      expect(names(frequency), frequency).toEqual(calendarNames(frequency));
    }
    expect(calendarNames('hour')).toEqual(['hourOfDay', 'dayOfWeek', 'dayOfMonth', 'dayOfYear']);
    expect(calendarNames('businessDay')).toEqual(['dayOfWeek', 'dayOfMonth', 'dayOfYear']);
    expect(calendarNames('year')).toEqual([]);
  });
});
