// Tables of time series: delimiters, numbers, layouts, gaps, and the clock changes of local times.

import { type CsvOptions, readCsv, type Series } from 'lstm-wasm/forecast';
import { describe, expect, it } from 'vitest';

const _ = Number.NaN;

/** The series with plain arrays, which Vitest compares and prints. */
const plain = (series: Series[]) =>
  series.map(({ values, past, future, ...rest }) => ({
    ...rest,
    values: Array.from(values),
    ...(past && { past: arrays(past) }),
    ...(future && { future: arrays(future) }),
  }));
const arrays = (lists: Record<string, ArrayLike<number>>) =>
  Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, Array.from(list)]));

const read = (text: string, options?: CsvOptions) => plain(readCsv(text, options));
const values = (text: string, options?: CsvOptions) => read(text, options).map(series => series.values);

describe('tables', () => {
  it('a column of values at daily dates is one series', () => {
    expect(read('date,load\n2024-01-30,1\n2024-01-31,2.5\n2024-02-01,-3e2\n', { value: 'load' })).toEqual([
      { start: '2024-01-30', frequency: 'day', values: [1, 2.5, -300] },
    ]);
  });
  it('without options, all columns beside the times are series', () => {
    expect(read('a,date,b\n1,2024-01-01,3\n2,2024-01-02,4')).toEqual([
      { id: 'a', start: '2024-01-01', frequency: 'day', values: [1, 2] },
      { id: 'b', start: '2024-01-01', frequency: 'day', values: [3, 4] },
    ]);
  });
  it('a column of ids gives a series for each, in the order of the table', () => {
    const text = 'meter,date,load\nb,2024-01-01,1\na,2024-01-05,5\nb,2024-01-02,2\na,2024-01-06,6\nb,2024-01-03,3';
    expect(read(text, { id: 'meter', value: 'load' })).toEqual([
      { id: 'b', start: '2024-01-01', frequency: 'day', values: [1, 2, 3] },
      { id: 'a', start: '2024-01-05', frequency: 'day', values: [5, 6] },
    ]);
  });
  it('several columns of ids are joined by a slash', () => {
    const text = 'shop,item,date,sold\n1,tea,2024-01-01,5\n1,tea,2024-01-02,6\n2,tea,2024-01-01,7';
    expect(read(text, { id: ['shop', 'item'], value: 'sold' }).map(({ id }) => id)).toEqual(['1/tea', '2/tea']);
  });
  it('an id in the long layout finds the only other column', () => {
    expect(values('d,k,y\n2024-01-01,a,1\n2024-01-02,a,2', { id: 'k' })).toEqual([[1, 2]]);
  });
  it('one column in a list has the layout wide, and is named after the column', () => {
    expect(read('date,load\n2024-01-01,1\n2024-01-02,2', { value: ['load'] })[0]!.id).toBe('load');
  });
  it('time: null reads rows in order, without dates', () => {
    expect(read('a;b\n3;1\n2;2\n', { time: null })).toEqual([
      { id: 'a', values: [3, 2] },
      { id: 'b', values: [1, 2] },
    ]);
    expect(read('x\n1\n2')).toEqual([{ id: 'x', values: [1, 2] }]);
  });
  it('the column of times is the first with dates, or else the first that is named like one', () => {
    const text = 'month,when,y\n1,2024-01-01,5\n2,2024-02-01,6';
    expect(read(text, { value: 'y' })).toEqual([{ start: '2024-01-01', frequency: 'month', values: [5, 6] }]);
    expect(read('y,year\n1999,2001\n1998,2002', { value: 'y' })[0]).toMatchObject({ start: '2001-01-01' });
    expect(read('y,Timestamp\n5,1706742000\n6,1706745600', { value: 'y' })[0]).toMatchObject({ frequency: 'hour' });
  });
  it('covariates and properties come with each series', () => {
    const text =
      'date,meter,load,wind,temp,area,kind\n' +
      '2024-01-01,a,1,9,5,10,house\n2024-01-02,a,2,8,6,10,house\n2024-01-03,a,,,7,10,house\n' +
      '2024-01-01,b,4,7,5,20,shop\n2024-01-02,b,5,NA,NA,,shop\n';
    const options = { id: 'meter', value: 'load', past: 'wind', future: ['temp'], static: ['area', 'kind'] };
    expect(read(text, options)).toEqual([
      {
        id: 'a',
        start: '2024-01-01',
        frequency: 'day',
        values: [1, 2],
        past: { wind: [9, 8] },
        future: { temp: [5, 6, 7] },
        static: { area: 10, kind: 'house' },
      },
      {
        id: 'b',
        start: '2024-01-01',
        frequency: 'day',
        values: [4, 5],
        past: { wind: [7, _] },
        future: { temp: [5, _] },
        static: { area: 20, kind: 'shop' },
      },
    ]);
  });
  it('future covariates of a wide table belong to all of its series', () => {
    const text = 'date,a,b,temp\n2024-01-01,,4,10\n2024-01-02,1,5,11\n2024-01-03,2,,12\n2024-01-04,,,13';
    expect(read(text, { value: ['a', 'b'], future: 'temp' })).toEqual([
      { id: 'a', start: '2024-01-02', frequency: 'day', values: [1, 2], future: { temp: [11, 12, 13] } },
      { id: 'b', start: '2024-01-01', frequency: 'day', values: [4, 5], future: { temp: [10, 11, 12, 13] } },
    ]);
  });
  it('missing values at the start are cut off, and those at the end only where there are future columns', () => {
    const text = 'date,y\n2024-01-01,\n2024-01-02,2\n2024-01-03,';
    expect(read(text)).toEqual([{ id: 'y', start: '2024-01-02', frequency: 'day', values: [2, _] }]);
  });
  it('a series without any value keeps its length', () => {
    expect(values('date,y\n2024-01-01,\n2024-01-02,NA')).toEqual([[_, _]]);
  });
  it('all words for missing values are NaN', () => {
    const words = ['', 'NA', 'na', 'N/A', '#N/A', 'NaN', 'nan', 'null', 'NULL', 'None', '-', '?', '""', ' '];
    const rows = words.map((word, n) => `2024-01-${String(n + 2).padStart(2, '0')},${word}`);
    expect(values(`date,y\n2024-01-01,1\n${rows.join('\n')}`)).toEqual([[1, ...words.map(() => _)]]);
  });
  it('rows in any order are sorted, and gaps are filled', () => {
    expect(values('date,y\n2024-01-05,5\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3')).toEqual([[1, 2, 3, _, 5]]);
  });
});

describe('delimiters and quotation marks', () => {
  const expected = [
    { id: 'a', start: '2024-01-01', frequency: 'day', values: [1.5, 3] },
    { id: 'b', start: '2024-01-01', frequency: 'day', values: [2, 4.25] },
  ];
  it.each([
    ['commas', 'date,a,b\n2024-01-01,1.5,2\n2024-01-02,3,4.25\n'],
    ['semicolons', 'date;a;b\n2024-01-01;1.5;2\n2024-01-02;3;4.25'],
    ['semicolons and decimal commas', 'date;a;b\n2024-01-01;1,5;2\n2024-01-02;3;4,25'],
    ['tabs', 'date\ta\tb\n2024-01-01\t1.5\t2\n2024-01-02\t3\t4.25'],
    ['tabs and decimal commas', 'date\ta\tb\n2024-01-01\t1,5\t2\n2024-01-02\t3\t4,25'],
    ['CRLF', 'date,a,b\r\n2024-01-01,1.5,2\r\n2024-01-02,3,4.25\r\n'],
    ['CR alone', 'date,a,b\r2024-01-01,1.5,2\r2024-01-02,3,4.25'],
    ['a byte order mark', '\uFEFFdate,a,b\n2024-01-01,1.5,2\n2024-01-02,3,4.25'],
    ['the line sep=; of Excel', 'sep=;\ndate;a;b\n2024-01-01;1.5;2\n2024-01-02;3;4.25'],
    ['quoted cells', '"date","a","b"\n"2024-01-01","1.5","2"\n"2024-01-02","3","4.25"'],
    ['quoted decimal commas', 'date,a,b\n2024-01-01,"1,5",2\n2024-01-02,3,"4,25"'],
    ['spaces', ' date , a , b \n 2024-01-01 , 1.5 , "2" \n2024-01-02, 3,4.25 '],
    ['empty lines and rows', '\n\ndate,a,b\n\n2024-01-01,1.5,2\n,,\n2024-01-02,3,4.25\n\n\n'],
    ['cells without text beyond the header', 'date,a,b\n2024-01-01,1.5,2,\n2024-01-02,3,4.25,,'],
  ])('reads %s', (__, text) => {
    expect(read(text)).toEqual(expected);
  });
  it('reads quotation marks written twice, delimiters and line breaks in names and cells', () => {
    const text = '"the ""date""","load,\nkW",note\n2024-01-01,1,"a\nb, c"\n2024-01-02,2,"""d"""\n';
    expect(values(text, { time: 'the "date"', value: 'load,\nkW' })).toEqual([[1, 2]]);
  });
  it('reads a cell of many lines', () => {
    const note = `"${'a line, and another\n'.repeat(20_000)}"`;
    expect(values(`date,y,note\n2024-01-01,1,${note}\n2024-01-02,2,${note}`, { value: 'y' })).toEqual([[1, 2]]);
    expect(() => readCsv(`date,y,note\n2024-01-01,1,${note}\n2024-01-02,x,b`, { value: 'y' })).toThrow('in line 20003');
  });
  it('the delimiter can be given', () => {
    expect(values('date|y\n2024-01-01|1\n2024-01-02|2', { delimiter: '|' })).toEqual([[1, 2]]);
    expect(values('date;a,b;y\n2024-01-01;0;1\n2024-01-02;0;2', { value: 'y' })).toEqual([[1, 2]]);
  });
});

describe('numbers', () => {
  const one = (cells: string[], options?: CsvOptions) =>
    values(`date;y\n${cells.map((cell, n) => `2024-01-0${n + 1};${cell}`).join('\n')}`, {
      delimiter: ';',
      ...options,
    })[0];
  it('reads signs, exponents, and points at either end', () => {
    expect(one(['+1', '-2.', '.5', '1e3', '1.5E-2', '\u22123'])).toEqual([1, -2, 0.5, 1000, 0.015, -3]);
  });
  it('reads groups of thousands', () => {
    expect(one(['1,234.5', '12', '1,000,000'])).toEqual([1234.5, 12, 1e6]);
    expect(one(['1.234,5', '12', '1.000.000'])).toEqual([1234.5, 12, 1e6]);
    expect(one(['1 234.5', '1\u00a0000', "1'000'000", '1\u202f000'])).toEqual([1234.5, 1000, 1e6, 1000]);
  });
  it('decimal decides numbers such as 1,234', () => {
    expect(one(['1,234', '5'], { decimal: ',' })).toEqual([1.234, 5]);
    expect(one(['1,234', '5'], { decimal: '.' })).toEqual([1234, 5]);
  });
});

describe('clock changes of local times', () => {
  const hours = (date: string, list: number[]) => list.map(hour => `${date} ${String(hour).padStart(2, '0')}:00`);
  const table = (times: string[]) => `time,y\n${times.map((time, n) => `${time},${n}`).join('\n')}`;
  it('the hour that is skipped in spring is missing', () => {
    const [series] = read(table(hours('2024-03-31', [0, 1, 3, 4])));
    expect(series).toEqual({ id: 'y', start: '2024-03-31T00:00:00', frequency: 'hour', values: [0, 1, _, 2, 3] });
  });
  it('the hour that is repeated in autumn has the mean', () => {
    expect(values(table(hours('2024-10-27', [0, 1, 2, 2, 3])))).toEqual([[0, 1, 2.5, 4]]);
    const quarters = ['02:00', '02:15', '02:30', '02:45'].map(time => `2024-10-27 ${time}`);
    expect(values(table(['2024-10-27 01:45', ...quarters, ...quarters, '2024-10-27 03:00']))).toEqual([
      [0, 3, 4, 5, 6, 9],
    ]);
  });
  it('the mean is that of the known values', () => {
    expect(values('time,y\n2024-10-27 01:00,1\n2024-10-27 02:00,\n2024-10-27 02:00,5\n2024-10-27 03:00,2')).toEqual([
      [1, 5, 2],
    ]);
  });
  it.each([
    ['on another day', hours('2024-10-28', [0, 1, 2, 2, 3])],
    ['in the afternoon', hours('2024-10-27', [12, 13, 14, 14, 15])],
    ['three times', hours('2024-10-27', [0, 1, 2, 2, 2, 3])],
    ['in two nights of a year', [...hours('2024-10-20', [1, 2, 2, 3]), ...hours('2024-10-27', [1, 2, 2, 3])]],
    ['for a part of the hour', ['2024-10-27 02:00', '2024-10-27 02:30', '2024-10-27 02:30', '2024-10-27 03:00']],
  ])('a time that is repeated %s is an error', (__, times) => {
    expect(() => readCsv(table(times))).toThrow('time must be unique in a series');
  });
  it('zones that change in summer are hours on the clock of the first one', () => {
    const times = [
      '2024-03-31T00:00+01:00',
      '2024-03-31T01:00+01:00',
      '2024-03-31T03:00+02:00',
      '2024-03-31T04:00+02:00',
    ];
    expect(read(table(times))).toEqual([
      { id: 'y', start: '2024-03-31T00:00:00+01:00', frequency: 'hour', values: [0, 1, 2, 3] },
    ]);
  });
  it('local midnights with zones are days', () => {
    const times = [
      '2024-03-30T00:00+01:00',
      '2024-03-31T00:00+01:00',
      '2024-04-01T00:00+02:00',
      '2024-04-02T00:00+02:00',
    ];
    expect(read(table(times))[0]).toMatchObject({ start: '2024-03-30', frequency: 'day', values: [0, 1, 2, 3] });
  });
  it.each([
    ['Berlin', ['2024-03-29T23:00Z', '2024-03-30T23:00Z', '2024-03-31T22:00Z', '2024-04-01T22:00Z'], '2024-03-30'],
    ['New York', ['2024-03-09T05:00Z', '2024-03-10T05:00Z', '2024-03-11T04:00Z', '2024-03-12T04:00Z'], '2024-03-09'],
  ])('midnights of %s written in UTC are days', (__, times, start) => {
    expect(read(table(times))[0]).toMatchObject({ start, frequency: 'day', values: [0, 1, 2, 3] });
  });
});
