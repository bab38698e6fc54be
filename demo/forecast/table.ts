/** The columns of a CSV file as time series. */

import { readCsv, type Series } from 'lstm-wasm/forecast';

export interface Column {
  readonly name: string;
  readonly series: Series;
}

/** Columns beyond these are not offered. */
const mostColumns = 40;
/** Fewer values are too few to train and test on. */
export const leastValues = 30;
const mostValues = 100_000;
const largest = 16e6;

/** Reads the columns of numbers. @throws Error with a message for the user */
export function columnsOf(text: string): Column[] {
  const columns = readColumns(text).filter(({ series: { values } }) => known(values) > 0);
  if (columns.length === 0) throw new Error('The table has no column of numbers.');
  const most = Math.max(...columns.map(({ series }) => series.values.length));
  if (most < leastValues) throw new Error(`The table has ${most} rows. A forecast needs at least ${leastValues}.`);
  if (most > mostValues) {
    throw new Error(`The table has ${most.toLocaleString('en')} rows, more than ${mostValues.toLocaleString('en')}.`);
  }
  return columns;
}

/** All columns at once; or, if some of them are not numbers, those that can be read alone. */
function readColumns(text: string): Column[] {
  const names = headerOf(text);
  try {
    const all = readCsv(text);
    return all.map((series, n) => ({
      name: series.id ?? names.at(all.length === 1 ? -1 : n) ?? `column ${n + 1}`,
      series,
    }));
  } catch (error) {
    const columns = names.slice(0, mostColumns).flatMap(name => {
      try {
        return readCsv(text, { value: name }).map(series => ({ name, series }));
      } catch {
        return [];
      }
    });
    if (columns.length === 0)
      throw new Error((error as Error).message.replace(/^readCsv: /, 'The table cannot be read: '));
    return columns;
  }
}

function headerOf(text: string): string[] {
  const line = text.replace(/^\uFEFF/, '').match(/[^\r\n]+/)?.[0] ?? '';
  const delimiter = [';', '\t', ','].find(each => line.includes(each)) ?? ',';
  return line.split(delimiter).map(name => name.trim().replace(/^"(.*)"$/, '$1'));
}

export const known = (values: ArrayLike<number>) => Array.from(values).filter(value => !Number.isNaN(value)).length;

/** The text of a file. @throws Error with a message for the user */
export async function textOf(file: File): Promise<string> {
  if (file.size > largest) throw new Error(`The file is larger than ${largest / 1e6} MB.`);
  const bytes = await file.arrayBuffer().catch(() => {
    throw new Error('The file cannot be read.');
  });
  return decode(bytes);
}

/** Spreadsheets write UTF-8, UTF-16 or, for old programs, Windows-1252. */
function decode(bytes: ArrayBuffer): string {
  const [first, second] = new Uint8Array(bytes, 0, Math.min(2, bytes.byteLength));
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

/** Twelve years of invented monthly visitors: a trend, a season and noise. */
export function exampleText(): string {
  let state = 7;
  const noise = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647 - 0.5;
  };
  const rows = Array.from({ length: 144 }, (_, n) => {
    const month = `${2014 + Math.floor(n / 12)}-${String((n % 12) + 1).padStart(2, '0')}`;
    const season = Math.sin((2 * Math.PI * (n - 3)) / 12) + 0.4 * Math.sin((4 * Math.PI * n) / 12);
    return `${month},${Math.round(1200 + 5 * n + (260 + 1.2 * n) * season + 160 * noise())}`;
  });
  return `month,visitors\n${rows.join('\n')}\n`;
}
