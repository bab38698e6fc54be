// Dates of tables in their usual forms, and the frequencies that readCsv finds in them.

import { type CsvOptions, type Frequency, readCsv, timeRange } from 'lstm-wasm/forecast';
import { describe, expect, it } from 'vitest';
import { checkFrequency } from '../../src/forecast/frequency.ts';
import { formatTime } from '../../src/forecast/times.ts';
import { expectClose } from '../compare.ts';
import { Random } from '../reference/random.ts';

const table = (times: readonly string[]) => `time;y\n${times.map((time, n) => `"${time}";${n + 1}`).join('\n')}`;

const read = (times: readonly string[], options?: CsvOptions) => {
  const [series] = readCsv(table(times), { time: 'time', value: 'y', ...options });
  return { start: series!.start, frequency: series!.frequency, values: Array.from(series!.values) };
};

describe('forms of dates', () => {
  it.each<[form: string, times: string[], start: string, frequency: Frequency, options?: CsvOptions]>([
    ['ISO dates', ['2024-01-31', '2024-02-01'], '2024-01-31', 'day'],
    ['slashes, year first', ['2024/01/31', '2024/2/1'], '2024-01-31', 'day'],
    ['points, year first', ['2024.01.31', '2024.02.01'], '2024-01-31', 'day'],
    ['points, day first', ['31.01.2024', '1.2.2024'], '2024-01-31', 'day'],
    ['points, day first, never ambiguous', ['01.02.2024', '02.02.2024'], '2024-02-01', 'day'],
    ['slashes, day first by the column', ['11/01/2024', '12/01/2024', '13/01/2024'], '2024-01-11', 'day'],
    ['slashes, month first by the column', ['01/12/2024', '01/13/2024'], '2024-01-12', 'day'],
    ['dashes, day first by the column', ['30-01-2024', '31-01-2024'], '2024-01-30', 'day'],
    ['ambiguous, day first by dateFormat', ['01/02/2024', '02/02/2024'], '2024-02-01', 'day', { dateFormat: 'DMY' }],
    ['ambiguous, month first by dateFormat', ['01/02/2024', '01/03/2024'], '2024-01-02', 'day', { dateFormat: 'MDY' }],
    ['two-digit years by dateFormat', ['31/12/99', '01/01/00'], '1999-12-31', 'day', { dateFormat: 'DMY' }],
    ['digits only', ['20240131', '20240201'], '2024-01-31', 'day'],
    ['names of months', ['31-Jan-2024', '1 February 2024'], '2024-01-31', 'day'],
    ['names of months, month first', ['Jan 31, 2024', 'Feb. 1, 2024'], '2024-01-31', 'day'],
    ['months', ['2024-01', '2024-02'], '2024-01-01', 'month'],
    ['months with slashes', ['2024/11', '2025/01'], '2024-11-01', { every: 2, unit: 'month' }],
    ['months first', ['12/2023', '01/2024'], '2023-12-01', 'month'],
    ['months in words', ['Dec 2023', 'Jan 2024'], '2023-12-01', 'month'],
    ['months as digits', ['202312', '202401'], '2023-12-01', 'month'],
    ['months with M', ['2023M12', '2024M01'], '2023-12-01', 'month'],
    ['quarters', ['2023Q4', '2024Q1'], '2023-10-01', 'quarter'],
    ['quarters with a dash', ['2023-Q4', '2024-Q1'], '2023-10-01', 'quarter'],
    ['quarters first', ['Q4 2023', 'Q1 2024'], '2023-10-01', 'quarter'],
    ['ISO weeks', ['2020-W53', '2021-W01'], '2020-12-28', 'week'],
    ['years', ['1999', '2000'], '1999-01-01', 'year'],
    ['times with T', ['2024-01-31T23:00', '2024-02-01T00:00'], '2024-01-31T23:00:00', 'hour'],
    ['times with seconds', ['2024-01-31 23:59:59', '2024-02-01 00:00:00'], '2024-01-31T23:59:59', 'second'],
    ['midnight as 24:00', ['2024-01-31 23:00', '2024-01-31 24:00'], '2024-01-31T23:00:00', 'hour'],
    [
      'fractions of seconds',
      ['2024-01-31 00:00:00.000', '2024-01-31 00:00:00.250'],
      '2024-01-31T00:00:00',
      { every: 250, unit: 'millisecond' },
    ],
    ['UTC', ['2024-01-31T23:00Z', '2024-01-31T23:15Z'], '2024-01-31T23:00:00Z', '15min'],
    ['a zone', ['2024-01-31 23:00+05:30', '2024-01-31 23:01+0530'], '2024-01-31T23:00:00+05:30', 'minute'],
    ['a zone of hours', ['2024-01-31 23:00-05', '2024-01-31 23:01-05'], '2024-01-31T23:00:00-05:00', 'minute'],
    ['AM and PM', ['1/31/2024 11:30 AM', '1/31/2024 12:00 PM'], '2024-01-31T11:30:00', { every: 30, unit: 'minute' }],
    ['AM and PM around midnight', ['1/30/2024 11:00 p.m.', '1/31/2024 12:00 a.m.'], '2024-01-30T23:00:00', 'hour'],
    ['day first with times', ['31.01.2024 10:00', '31.01.2024 11:00'], '2024-01-31T10:00:00', 'hour'],
    ['Unix seconds', ['1706742000', '1706745600'], '2024-01-31T23:00:00Z', 'hour'],
    ['Unix seconds with fractions', ['1706742000.5', '1706742001.5'], '2024-01-31T23:00:00.500Z', 'second'],
    ['Unix milliseconds', ['1706742000000', '1706742060000'], '2024-01-31T23:00:00Z', 'minute'],
    ['Unix nanoseconds', ['1706742000000000000', '1706742060000000000'], '2024-01-31T23:00:00Z', 'minute'],
    ['leap days', ['2024-02-28', '2024-02-29', '2024-03-01'], '2024-02-28', 'day'],
    ['dates before 1970', ['1969-12-31 23:00', '1970-01-01 00:00'], '1969-12-31T23:00:00', 'hour'],
    ['dates before 1900', ['1899-12-31', '1900-01-01'], '1899-12-31', 'day'],
  ])('reads %s', (_, times, start, frequency, options) => {
    expect(read(times, options)).toMatchObject({ start, frequency, values: times.map((__, n) => n + 1) });
  });
  it.each([
    '2023-02-29',
    '2024-13-01',
    '2024-00-10',
    '2024-01-32',
    '2024-01-31 24:01',
    '2024-01-31 10:60',
    '31/01-2024',
    '2024-01-31 13:00 PM',
    '2024Q5',
    '2023-W53',
    'Foo 2024',
    'yesterday',
    '2024-01-31T10:00+1',
  ])('rejects %s', time => {
    expect(() => read(['2024-01-30', time])).toThrow(`readCsv: time must be a date such as`);
    expect(() => read(['2024-01-30', time])).toThrow(`got '${time}' in line 3, column 'time'`);
  });
});

describe('frequencies', () => {
  const n = Number.NaN;
  it.each<[what: string, times: string[], frequency: Frequency, values?: number[]]>([
    ['days with gaps', ['2024-01-01', '2024-01-02', '2024-01-05'], 'day', [1, 2, n, n, 3]],
    [
      'days, of which many are missing',
      ['2024-01-01', '2024-01-03', '2024-01-04', '2024-01-06', '2024-01-08'],
      'day',
      [1, n, 2, 3, n, 4, n, 5],
    ],
    ['business days', ['2024-01-04', '2024-01-05', '2024-01-08', '2024-01-09'], 'businessDay'],
    [
      'business days with a holiday',
      ['2024-01-04', '2024-01-05', '2024-01-09', '2024-01-10'],
      'businessDay',
      [1, 2, n, 3, 4],
    ],
    ['five days without a weekend', ['2024-01-01', '2024-01-02', '2024-01-03', '2024-01-04', '2024-01-05'], 'day'],
    ['weeks', ['2024-01-07', '2024-01-14', '2024-01-28'], 'week', [1, 2, n, 3]],
    ['two weeks', ['2024-01-07', '2024-01-21', '2024-02-04'], { every: 2, unit: 'week' }],
    ['four weeks', ['2024-01-01', '2024-01-29', '2024-02-26'], { every: 4, unit: 'week' }],
    ['two days', ['2024-01-01', '2024-01-03', '2024-01-05'], { every: 2, unit: 'day' }],
    ['the first of February and of March', ['2023-02-01', '2023-03-01'], 'month'],
    ['ends of months', ['2023-12-31', '2024-01-31', '2024-02-29', '2024-04-30'], 'month', [1, 2, 3, n, 4]],
    ['last business days of months', ['2024-01-31', '2024-02-29', '2024-03-29', '2024-04-30'], 'month'],
    ['middles of months', ['2024-01-15', '2024-02-15', '2024-03-15'], 'month'],
    ['ends of quarters', ['2023-12-31', '2024-03-31', '2024-06-30', '2024-12-31'], 'quarter', [1, 2, 3, n, 4]],
    ['half years', ['2023-07-01', '2024-01-01', '2024-07-01'], { every: 2, unit: 'quarter' }],
    ['years', ['2000-12-31', '2001-12-31', '2003-12-31'], 'year', [1, 2, n, 3]],
    ['decades', ['1990', '2000', '2010'], { every: 10, unit: 'year' }],
    ['hours', ['2024-01-01 00:00', '2024-01-01 01:00', '2024-01-01 05:00'], 'hour', [1, 2, n, n, n, 3]],
    [
      'three hours',
      ['2024-01-01 00:00', '2024-01-01 03:00', '2024-01-01 09:00'],
      { every: 3, unit: 'hour' },
      [1, 2, n, 3],
    ],
    ['five minutes', ['2024-01-01 00:05', '2024-01-01 00:10', '2024-01-01 00:15'], { every: 5, unit: 'minute' }],
  ])('finds %s', (_, times, frequency, values) => {
    expect(read(times)).toMatchObject({ frequency, values: values ?? times.map((__, k) => k + 1) });
  });
  it('a frequency can be given, and sets the grid', () => {
    expect(read(['2024-01-01', '2024-01-03'], { frequency: 'day' }).values).toEqual([1, n, 2]);
    expect(read(['2024-01-01'], { frequency: 'month' })).toEqual({
      start: '2024-01-01',
      frequency: 'month',
      values: [1],
    });
    expect(read(['2024-01-10', '2024-03-20'], { frequency: 'month' }).values).toEqual([1, n, 2]);
  });
  it('the frequency is that of all series, even if one has too few values', () => {
    const text =
      'd,k,y\n2024-01-01,a,1\n2024-01-01,b,1\n2024-01-02,b,2\n2024-01-03,b,3\n2024-01-01,c,1\n2024-01-03,c,3';
    const series = readCsv(text, { id: 'k', value: 'y' });
    expect(series.map(({ frequency }) => frequency)).toEqual(['day', 'day', 'day']);
    expect(series.map(({ values }) => values.length)).toEqual([1, 3, 3]);
  });
});

describe.each<Frequency>([
  'second',
  '15min',
  'hour',
  'day',
  'businessDay',
  'week',
  'month',
  'quarter',
  'year',
  { every: 2, unit: 'month' },
  { every: 6, unit: 'hour' },
])('a shuffled table by %j with gaps', frequency => {
  it.each(['2023-01-31T00:00', '2024-02-29T10:30', '2021-06-15T00:00'])('from %s is read as it was', start => {
    const random = new Random(11);
    const step = checkFrequency('test', 'frequency', frequency);
    const series = [0, 1, 2].map(k => {
      const all = timeRange(start, 60 + k, frequency).map((time, index) => ({ time, index }));
      // The ends are kept, and the first values, so that a business day is followed by another, and crosses a weekend.
      return all.filter(({ index }) => index < 12 || index === 59 + k || random.uniform() > -0.7);
    });
    const rows = series.flatMap((list, k) => list.map(({ time, index }) => ({ id: `s${k}`, time, index })));
    for (let n = rows.length - 1; n > 0; n--) {
      const other = random.bits() % (n + 1);
      [rows[n], rows[other]] = [rows[other]!, rows[n]!];
    }
    const cells = rows.map(({ id, time, index }) => `${id},${formatTime(time.getTime(), step)},${index}`);
    const read = readCsv(`id,time,y\n${cells.join('\n')}`, { id: 'id' });
    expect(read.length).toBe(3);
    for (const { id, start: first, frequency: found, values } of read) {
      const k = Number(id!.slice(1));
      const known = new Set(series[k]!.map(({ index }) => index));
      expect(found).toEqual(frequency);
      expect(timeRange(first!, 1, frequency)).toEqual(timeRange(start, 1, frequency));
      expectClose(
        values,
        Array.from({ length: 60 + k }, (_, n) => (known.has(n) ? n : Number.NaN)),
        { abs: 0, rel: 0 },
      );
    }
  });
});
