// Mistakes in tables and in the options of readCsv: one sentence, with the line and the column.

import { ValueError } from 'lstm-wasm';
import { readCsv } from 'lstm-wasm/forecast';
import { expect, test } from 'vitest';

// biome-ignore lint/suspicious/noExplicitAny: wrong arguments are the point
type Wrong = any;

const good = 'date,load,temp\n2024-01-01,1,5\n2024-01-02,2,6\n';
const days = (rows: string) => `date,load\n${rows}`;

function errorOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

const mistakes: [text: unknown, options: Wrong, sentence: string][] = [
  [undefined, undefined, 'text must be a string, got undefined'],
  [new Uint8Array(3), undefined, 'text must be a string, got a Uint8Array of 3'],
  ['', undefined, 'text must have a header and rows, got none'],
  ['\uFEFF \n\n', undefined, 'text must have a header and rows, got none'],
  ['date,load\n', undefined, 'text must have rows after its header, got none'],
  ['P\u0000K', undefined, 'text must be that of a table, got a NUL character; decode the file first'],
  [good, { values: 'load' }, "unknown option 'values'; did you mean 'value'?"],
  [good, { value: 3 }, 'value must be a non-empty string, got 3'],
  [good, { value: [] }, 'value must name at least one column, got []'],
  [good, { value: ['load', 'load'] }, "value must name every column once, got 'load' twice"],
  [good, { value: 'laod' }, "value must be a column of the table, got 'laod'; did you mean 'load'?"],
  [good, { value: 'load', time: 'Datum' }, "time must be a column of the table, got 'Datum'; did you mean 'date'?"],
  [
    good,
    { value: 'load', future: ['wind'] },
    "future must be a column of the table, got 'wind'; known: 'date', 'load', 'temp'",
  ],
  [good, { value: 'load', past: 'load' }, "past must not be the column of value, got 'load'"],
  [good, { value: ['load', 'temp'], layout: 'long' }, "value must be one column in the layout 'long', got 2 columns"],
  [good, { layout: 'long' }, "value must be one of the columns 'load', 'temp', got none"],
  [good, { layout: 'wide', id: 'load' }, "id must be absent in the layout 'wide', got a column"],
  [good, { value: ['load'], static: 'temp' }, "static must be absent in the layout 'wide', got a column"],
  [good, { layout: 'tall' }, "unknown layout 'tall'; known: 'long', 'wide'"],
  [good, { decimal: ';' }, "decimal must be '.' or ',', got ';'"],
  [good, { delimiter: '' }, "delimiter must be one character, such as ',', ';' or '\\t', got ''"],
  [good, { dateFormat: 'YMD' }, "unknown dateFormat 'YMD'; did you mean 'DMY'?"],
  [good, { frequency: 'hours' }, "unknown frequency 'hours'; did you mean 'hour'?"],
  [good, { frequency: { every: 0, unit: 'day' } }, 'frequency.every must be an integer of at least 1, got 0'],
  [good, { time: 5 }, 'time must be a non-empty string, got 5'],
  ['date,a,a\n2024-01-01,1,2', { value: 'a' }, "the table must have one column 'a', got several"],
  ['date,a,a\n2024-01-01,1,2', {}, "the table must have one column 'a', got several"],
  ['date\n2024-01-01', {}, 'the table must have a column of values, got none'],
  [days('2024-01-01,1\n2024-01-02'), {}, 'every row must have 2 cells, as the header has, got 1 in line 3'],
  [days('2024-01-01,1\n2024-01-02,1,5'), {}, 'every row must have 2 cells, as the header has, got 3 in line 3'],
  [days('2024-01-01,"1\n2024-01-02,1'), {}, 'text must close its quotation marks, got an open one in line 2'],
  [
    days('2024-01-01,"1"2\n2024-01-02,1'),
    {},
    "text must have a delimiter after a closing quotation mark, got '2' in line 2",
  ],
  [
    days('2024-01-01,1\n\n"2024-01-02",1 kW'),
    {},
    "values must be numbers, got '1 kW' in line 4, column 'load'; pass value to name the columns of values",
  ],
  [
    'date,note,load\n2024-01-01,"a\nb\r\nc",1\n2024-01-02,d,x',
    { value: 'load' },
    "values must be numbers, got 'x' in line 5, column 'load'",
  ],
  [
    days('2024-01-01,1\n2024-01-02,Infinity'),
    {},
    "values must be numbers, got 'Infinity' in line 3, column 'load'; pass value to name the columns of values",
  ],
  [
    days('2024-01-01,1\n2024-01-02,0x10'),
    {},
    "values must be numbers, got '0x10' in line 3, column 'load'; pass value to name the columns of values",
  ],
  [
    'date;load\n2024-01-01;1,5\n2024-01-02;2.5',
    {},
    "values must be numbers, got '2.5' in line 3, column 'load'; pass decimal: '.' if the table has decimal points",
  ],
  [
    'date;load\n2024-01-01;1,500\n2024-01-02;2',
    {},
    "decimal must be '.' or ',' because '1,500' in line 2, column 'load', can be read both ways",
  ],
  [
    days('01/02/2024,1\n02/02/2024,2'),
    {},
    "dateFormat must be 'DMY' or 'MDY' because all dates can be read both ways, such as '01/02/2024' in line 2, column 'date'",
  ],
  [
    days('13/02/2024,1\n02/14/2024,2'),
    {},
    "time must have day and month in one order, got '13/02/2024' in line 2, column 'date', and '02/14/2024' in line 3, column 'date'",
  ],
  [
    days('13/02/24,1\n14/02/24,2'),
    {},
    "dateFormat must be 'DMY' or 'MDY' because of a year of two digits, '13/02/24' in line 2, column 'date'",
  ],
  [days('2024-01-01,1\n,2'), {}, "time must not be missing, got '' in line 3, column 'date'"],
  [days('1706742000,1\nNA,2'), {}, "time must not be missing, got 'NA' in line 3, column 'date'"],
  [
    days('17,1\n18,2'),
    {},
    "time must be a date or a Unix time, got '17' in line 2, column 'date'; pass time: null for rows at equal steps",
  ],
  [days('1999,1\n99,2'), {}, "time must be years in all rows, as in the first, got '99' in line 3, column 'date'"],
  [
    days('2024-01-01T00:00Z,1\n2024-01-01T01:00,2'),
    {},
    "time must have a zone in all rows or in none, got '2024-01-01T00:00Z' in line 2, column 'date', and '2024-01-01T01:00' in line 3, column 'date'",
  ],
  [
    days('2024-01-01,1\n2024-01-02,2\n2024-01-01,3'),
    {},
    "time must be unique in a series, got '2024-01-01' in line 2, and '2024-01-01' in line 4; pass id if the table has several series",
  ],
  [
    days('2024-01-01,1\n2024-01-01,3'),
    { value: 'load' },
    "time must be unique in a series, got '2024-01-01' in line 2, and '2024-01-01' in line 3; pass id if the table has several series",
  ],
  [
    'date,id,load\n2024-01-01,a,1\n2024-01-02,a,2\n2024-01-02,a,3',
    { id: 'id' },
    "time must be unique in a series, got '2024-01-02' in line 3, and '2024-01-02' in line 4",
  ],
  [days('2024-01-01,1'), {}, 'frequency must be given for a table without two times in a series, got none'],
  [
    days('2024-01-01T00:00,1\n2024-01-01T01:00,2\n2024-01-01T02:00,2\n2024-01-01T03:30,2'),
    {},
    "time must have even steps: most are of the frequency 'hour', but not from '2024-01-01T02:00' in line 4, to '2024-01-01T03:30' in line 5; round the times, or pass frequency",
  ],
  [
    days('2024-01-01T00:00,1\n2024-01-01T01:30,2'),
    { frequency: 'hour' },
    "time must be on the grid of the frequency 'hour' from '2024-01-01T00:00' in line 2, got '2024-01-01T01:30' in line 3",
  ],
  [
    days('2024-01-05,1\n2024-01-06,2'),
    { frequency: 'businessDay' },
    "time must be on the grid of the frequency 'businessDay' from '2024-01-05' in line 2, got '2024-01-06' in line 3",
  ],
  [
    days('2024-01-01 00:00,1\n2024-01-01 00:01,2\n2204-01-01 00:02,3'),
    {},
    "time must not have a gap of 94669921 steps, got one from '2024-01-01 00:01' in line 3, to '2204-01-01 00:02' in line 4",
  ],
  ['date,id,load\n2024-01-01,,1', { id: 'id' }, "id must not be missing, got '' in line 2, column 'id'"],
  [
    'date,id,load,area\n2024-01-01,a,1,5\n2024-01-02,a,1,6',
    { id: 'id', value: 'load', static: 'area' },
    "the static column 'area' must be the same in all rows of the series 'a', got '5' in line 2, and '6' in line 3",
  ],
];

test.each(mistakes)('rejects %j with %j', (text, options, sentence) => {
  const error = errorOf(() => readCsv(text as string, options));
  expect(error).toBeInstanceOf(ValueError);
  expect((error as Error).message).toBe(`readCsv: ${sentence}`);
});

test('a table of many columns is not listed in an error', () => {
  const names = Array.from({ length: 500 }, (_, n) => `sensor ${n}`);
  expect(() => readCsv(`${names.join(',')}\n${names.map(() => 1).join(',')}`, { value: 'load' })).toThrow(
    "readCsv: value must be a column of the table, got 'load'; the table has 500 columns",
  );
});

test('any text is read or rejected with a ValueError', () => {
  let seed = 7;
  const random = (n: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % n;
  };
  const pieces = [
    '"',
    ',',
    ';',
    '\n',
    '\r\n',
    '\t',
    '2024-01-0',
    '1',
    '2',
    '.',
    '-',
    ':',
    'T',
    'NA',
    'date',
    'y',
    ' ',
    '/',
    'Q',
    '+',
    'Z',
  ];
  for (let n = 0; n < 3000; n++) {
    const text = `date,y\n2024-01-01,1\n${Array.from({ length: random(25) }, () => pieces[random(pieces.length)]).join('')}`;
    try {
      readCsv(text);
    } catch (error) {
      expect(error, text).toBeInstanceOf(ValueError);
    }
  }
});

test('a table of 10 MB is read in seconds', { timeout: 60_000 }, () => {
  const rows = ['date,id,load,temp'];
  for (let meter = 0; meter < 10; meter++) {
    for (let hour = 0; hour < 26_000; hour++) {
      const time = new Date(1.6e12 + hour * 3.6e6).toISOString().slice(0, 19);
      rows.push(`${time},meter${meter},${((hour * 1.37) % 100).toFixed(2)},${hour % 30}.5`);
    }
  }
  const series = readCsv(rows.join('\n'), { id: 'id', value: 'load', past: 'temp' });
  expect(series.map(({ values }) => values.length)).toEqual(new Array(10).fill(26_000));
  expect(series[9]!.values[25_999]).toBeCloseTo((25_999 * 1.37) % 100, 2);
});
