import { describe, expect, it } from 'vitest';
import { readCsv } from '../../demo/own/readCsv.ts';

/** Thirty rows, each computed from its index. */
const rows = (row: (n: number) => string, count = 30, end = '\n') =>
  Array.from({ length: count }, (_, n) => row(n)).join(end);
const found = (text: string) => {
  const { columns, likely, rows } = readCsv(text);
  return { rows, names: columns.map(({ name }) => name), likely: columns[likely]!.name };
};
const values = (text: string, column = 0) => [...readCsv(text).columns[column]!.values.slice(0, 4)];
const message = (text: string) => {
  try {
    readCsv(text);
    return 'none';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('reading a CSV table', () => {
  it('accepts tables with and without a header', () => {
    expect(found(`day,sales\n${rows(n => `2024-01-${n},${n * n}`)}`)).toEqual({
      rows: 30,
      names: ['sales'],
      likely: 'sales',
    });
    expect(found(rows(n => `${n},${n * n}`))).toEqual({
      rows: 30,
      names: ['Column 1', 'Column 2'],
      likely: 'Column 2',
    });
    expect(found(rows(n => `${n * n}`))).toEqual({ rows: 30, names: ['Column 1'], likely: 'Column 1' });
    expect(found(`sales\n${rows(n => `${n * n}`)}`).names).toEqual(['sales']);
  });

  it('accepts commas, semicolons and tabs as separators', () => {
    for (const separator of [',', ';', '\t']) {
      const text = `a${separator}b\n${rows(n => `${n * n}.5${separator}-${n + 1}`)}`;
      expect(values(text)).toEqual([0.5, 1.5, 4.5, 9.5]);
      expect(values(text, 1)).toEqual([-1, -2, -3, -4]);
    }
  });

  it('accepts decimal commas', () => {
    expect(values(`a;b\n${rows(n => `${n},25;x`)}`)).toEqual([0.25, 1.25, 2.25, 3.25]);
    expect(values(`a\tb\n${rows(n => `1.00${n % 10},5\tx`)}`)).toEqual([1000.5, 1001.5, 1002.5, 1003.5]);
    expect(values(rows(n => `${n}.25;x`))).toEqual([0.25, 1.25, 2.25, 3.25]);
  });

  it('accepts thousands separators', () => {
    expect(values(rows(n => `"1,00${n % 10}.5",x`))).toEqual([1000.5, 1001.5, 1002.5, 1003.5]);
    expect(values(rows(n => `1 00${n % 10};x`))).toEqual([1000, 1001, 1002, 1003]);
  });

  it('accepts quoted separators, line breaks and quotation marks', () => {
    const text = `"a ""quoted""\nname","b, c"\r\n${rows(n => `"${n * n}","x, ""y""\r\nz"`, 30, '\r\n')}\r\n`;
    expect(found(text)).toEqual({ rows: 30, names: ['a "quoted"\nname'], likely: 'a "quoted"\nname' });
    expect(values(text)).toEqual([0, 1, 4, 9]);
  });

  it('accepts a byte order mark, a missing final line break, all line endings and empty lines', () => {
    expect(found(`\uFEFFsales\n${rows(n => `${n * n}`)}`).names).toEqual(['sales']);
    expect(found(rows(n => `${n * n}`, 30, '\r'))).toMatchObject({ rows: 30 });
    expect(found(`\n\n${rows(n => `${n * n}`, 30, '\n\n')}\n\n,,\n`)).toMatchObject({ rows: 30 });
  });

  it('fills and counts missing values', () => {
    const holes = ['', '', '2', 'NA', '', '8', 'n/a', ...Array.from({ length: 20 }, (_, n) => String(n)), '-'];
    const [column] = readCsv(`a,b\n${holes.map((value, n) => `${value},${n}`).join('\n')}`).columns;
    expect(column).toMatchObject({ name: 'a', missing: 6 });
    expect([...column!.values.slice(0, 8)]).toEqual([2, 2, 2, 4, 6, 8, 4, 0]);
    expect(column!.values.at(-1)).toBe(19);
  });

  it('accepts rows of different lengths', () => {
    expect(found(`a,b\n${rows(n => (n === 3 ? '7' : n === 5 ? '1,2,3' : `${n * n},1`))}`).names).toEqual(['a', 'b']);
  });

  it('rejects text that is not a table, with the reason', () => {
    expect(message('')).toBe('There is nothing in it.');
    expect(message(' \n ')).toBe('There is nothing in it.');
    expect(message('\n,,,\n')).toBe('No column has a number in at least half of its rows.');
    expect(message('PK\x03\x04\0\0')).toMatch('not a text file');
    expect(message(rows(n => `word ${n},another`))).toMatch('No column has a number');
    expect(message(rows(n => `${n}`, 12))).toBe('It has 12 rows of numbers; there must be at least 20.');
    expect(message(rows(n => `${n}`, 5001))).toMatch('It has 5,001 rows; at most 5,000');
    expect(message(`a,b\n1,"2\n${rows(n => `${n},1`)}`)).toBe('The quotation mark in line 2 is never closed.');
    expect(message(rows(() => '1,'.repeat(300)))).toMatch('301 columns');
    expect(message('x'.repeat(5e6))).toMatch('4 million');
    expect(message(rows(() => '1e99'))).toMatch('No column has a number');
  });

  it('reads or rejects any text with a message', () => {
    let state = 7;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const pieces = [
      '1',
      '2.5',
      '-3',
      ',',
      ';',
      '\t',
      '\n',
      '\r\n',
      '\r',
      '"',
      '""',
      'NaN',
      'x',
      ' ',
      '\u00a0',
      '1,5',
      'é',
      '-',
      '.',
      'e9',
    ];
    for (let n = 0; n < 2000; n++) {
      const text = Array.from({ length: random(400) }, () => pieces[random(pieces.length)]!).join('');
      const result = message(text);
      expect(result).toMatch(/^[A-Z].*\.$|^none$/);
      if (result !== 'none') continue;
      const { columns, rows, likely } = readCsv(text);
      expect(columns[likely]!.values.length).toBe(rows);
      for (const { values } of columns) expect(values.every(Number.isFinite)).toBe(true);
    }
  });
});

it('rejects tables with any number of rows with a message', () => {
  expect(message('1\n'.repeat(200_000))).toBe('It has 200,000 rows; at most 5,000 fit into a link. Cut it shorter.');
});
