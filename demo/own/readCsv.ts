/** Tables as people have them: comma, semicolon or tab, header or none, decimal point or comma, with holes. */

import { mostNumbers } from './pack.ts';

export interface Column {
  readonly name: string;
  /** One for each row; where there was none, on the line between its neighbours. */
  readonly values: Float64Array;
  /** Rows without a number. */
  readonly missing: number;
}

export interface Table {
  readonly rows: number;
  /** Those of numbers: at least one. */
  readonly columns: readonly Column[];
  /** The one that is most likely meant. */
  readonly likely: number;
}

/** Fewer teach nothing. */
const leastRows = 20;
const mostColumns = 200;
/** Of text. */
const mostCharacters = 4e6;

const refuse = (sentence: string): never => {
  throw new Error(sentence);
};

/** @throws Error whose message tells readers what is wrong */
export function readCsv(text: string): Table {
  if (text.length > mostCharacters) refuse('This is more text than a page should read: over 4 million characters.');
  if (text.includes('\0')) refuse('This is not a text file. Save the table as CSV and try again.');
  const trimmed = text.replace(/^\uFEFF/, '');
  if (trimmed.trim() === '') refuse('There is nothing in it.');
  const separator = separatorOf(trimmed);
  const records = split(trimmed, separator).filter(record => record.some(field => field.trim() !== ''));
  const width = records.reduce((most, { length }) => Math.max(most, length), 0);
  if (width > mostColumns) refuse(`It has ${width} columns, more than ${mostColumns}.`);
  const comma = separator !== ',' && usesDecimalComma(records);
  const numbers = records.map(record => Array.from({ length: width }, (_, n) => numberOf(record[n] ?? '', comma)));
  const hasHeader = isHeader(records, numbers);
  const names = hasHeader ? records[0]! : [];
  const rows = hasHeader ? numbers.slice(1) : numbers;
  const columns = Array.from({ length: width }, (_, n) => columnOf(names[n]?.trim() || `Column ${n + 1}`, rows, n));
  const usable = columns.filter(column => column !== null);
  if (usable.length === 0) refuse('No column has a number in at least half of its rows.');
  if (rows.length < leastRows) refuse(`It has ${rows.length} rows of numbers; there must be at least ${leastRows}.`);
  if (rows.length > mostNumbers) {
    refuse(`It has ${count(rows.length)} rows; at most ${count(mostNumbers)} fit into a link. Cut it shorter.`);
  }
  const likely = usable.findIndex(column => !isCounter(column.values));
  return { rows: rows.length, columns: usable, likely: Math.max(0, likely) };
}

const count = (value: number) => value.toLocaleString('en');

/** That which the most of the first lines agree on; in doubt the one that numbers contain least often. */
function separatorOf(text: string): string {
  const lines = text.split(/\r\n|[\r\n]/, 30).filter(line => line.trim() !== '');
  let best = ',';
  let most = 0;
  for (const separator of ['\t', ';', ',']) {
    const counts = lines.map(line => line.replace(/"[^"]*"/g, '').split(separator).length - 1);
    const agreeing = counts.filter(found => found > 0 && found === counts.at(-1)).length;
    if (agreeing > most) {
      best = separator;
      most = agreeing;
    }
  }
  return best;
}

/** Records of fields. A field in quotes may hold separators, line breaks, and quotes written twice. */
function split(text: string, separator: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  let field = '';
  let quoted = false;
  let line = 1;
  let opened = 0;
  const endField = () => {
    record.push(field);
    field = '';
  };
  for (let n = 0; n < text.length; n++) {
    const character = text[n]!;
    if (character === '\n' || (character === '\r' && text[n + 1] !== '\n')) line++;
    if (quoted) {
      if (character !== '"') field += character;
      else if (text[n + 1] === '"') {
        field += '"';
        n++;
      } else quoted = false;
    } else if (character === '"' && field.trim() === '') {
      field = '';
      quoted = true;
      opened = line;
    } else if (character === separator) endField();
    else if (character === '\n' || character === '\r') {
      if (character === '\r' && text[n + 1] === '\n') n++;
      if (character === '\r' && text[n] === '\n') line++;
      endField();
      records.push(record);
      record = [];
    } else field += character;
  }
  if (quoted) refuse(`The quotation mark in line ${opened} is never closed.`);
  if (field !== '' || record.length > 0) {
    endField();
    records.push(record);
  }
  return records;
}

/** More numbers have one comma for decimals than make sense with a point. */
function usesDecimalComma(records: readonly (readonly string[])[]): boolean {
  const fields = records.slice(0, 200).flat();
  const commas = fields.filter(field => /^\s*[+-]?[\d.\s\u00a0\u202f]*\d?,\d+(e[+-]?\d+)?\s*$/i.test(field)).length;
  const points = fields.filter(field => /^\s*[+-]?\d*\.\d+(e[+-]?\d+)?\s*$/i.test(field)).length;
  return commas > points;
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const grouped = /^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/;

/** NaN where there is none. */
function numberOf(field: string, comma: boolean): number {
  let text = field
    .trim()
    .replace(/(\d)[\s\u00a0\u202f'’](?=\d{3})/g, '$1')
    .replace(/^\u2212/, '-');
  if (comma) text = text.replaceAll('.', '').replace(',', '.');
  else if (grouped.test(text)) text = text.replaceAll(',', '');
  const value = decimal.test(text) ? Number(text) : Number.NaN;
  // As float32, which the network computes in
  return Number.isFinite(Math.fround(value)) ? value : Number.NaN;
}

/** Words above numbers. */
function isHeader(records: readonly (readonly string[])[], numbers: readonly (readonly number[])[]): boolean {
  const [first = []] = numbers;
  return first.some((value, n) => {
    if (!Number.isNaN(value) || !records[0]![n]?.trim()) return false;
    const below = numbers.slice(1);
    return below.filter(row => !Number.isNaN(row[n]!)).length * 2 >= below.length && below.length > 0;
  });
}

function columnOf(name: string, rows: readonly (readonly number[])[], n: number): Column | null {
  const values = Float64Array.from(rows, row => row[n]!);
  const missing = values.filter(Number.isNaN).length;
  if (missing * 2 > values.length || missing === values.length) return null;
  fill(values);
  return { name, values, missing };
}

/** Puts the numbers that are missing on the line between their neighbours; at the ends they are as their neighbour. */
function fill(values: Float64Array): void {
  let before = -1;
  for (let n = 0; n <= values.length; n++) {
    if (n < values.length && Number.isNaN(values[n]!)) continue;
    const [left, right] = [values[before] ?? values[n]!, values[n] ?? values[before]!];
    for (let hole = before + 1; hole < n; hole++) {
      values[hole] = left + ((right - left) * (hole - before)) / (n - before);
    }
    before = n;
  }
}

/** Rows that are numbered, or years: nobody wants those learned. */
function isCounter(values: Float64Array): boolean {
  const step = values[1]! - values[0]!;
  return (
    step !== 0 &&
    values.every((value, n) => n === 0 || Math.abs(value - values[n - 1]! - step) < 1e-9 * Math.abs(value))
  );
}
