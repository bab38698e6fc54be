/** Splits the text of a table into columns of cells. */

import { fail, show } from '../util/errors.ts';

/** The header of a table. */
export interface Header {
  names: string[];
  /** The index in the text at which the rows start, and the line there. */
  next: number;
  line: number;
}

/** The rows of a table. */
export interface Rows {
  /** The cells of the wanted columns, by the index of the column. */
  columns: Map<number, string[]>;
  /** The line at which each row starts, from 1. */
  lines: number[];
}

const [TAB, LF, CR, SPACE, QUOTE] = [9, 10, 13, 32, 34];

/** Reads one cell after the other. */
class Scanner {
  /** The line of the next cell, from 1. */
  line: number;
  /** The index of the next cell. */
  next: number;
  /** Whether the last cell was the last of its row. */
  endsRow = false;

  constructor(
    readonly call: string,
    readonly text: string,
    readonly delimiter: number,
    start: number,
    line: number,
  ) {
    this.next = start;
    this.line = line;
  }

  get isAtEnd(): boolean {
    return this.next >= this.text.length;
  }

  /** Reads a cell, without white space around it; '' if it is not wanted. */
  cell(isWanted: boolean): string {
    const { text, delimiter } = this;
    let at = this.next;
    while (isBlank(text.charCodeAt(at)) && text.charCodeAt(at) !== delimiter) at++;
    if (text.charCodeAt(at) === QUOTE) return this.#quoted(at);
    let end = at;
    let code = text.charCodeAt(end);
    while (code !== delimiter && code !== LF && code !== CR && end < text.length) code = text.charCodeAt(++end);
    this.#finish(end);
    if (!isWanted && end > at) return text[at]!; // shows that the row has text
    while (end > at && isBlank(text.charCodeAt(end - 1))) end--;
    return text.slice(at, end);
  }

  /** Reads a cell in quotation marks, which may contain delimiters, line breaks, and quotation marks written twice. */
  #quoted(start: number): string {
    const { text, line } = this;
    let end = start;
    do {
      end = text.indexOf('"', end + 1);
      if (end < 0) fail(this.call, `text must close its quotation marks, got an open one in line ${line}`);
    } while (text.charCodeAt(end + 1) === QUOTE && ++end);
    let after = end + 1;
    while (isBlank(text.charCodeAt(after)) && text.charCodeAt(after) !== this.delimiter) after++;
    const code = text.charCodeAt(after);
    if (after < text.length && code !== this.delimiter && code !== LF && code !== CR) {
      fail(
        this.call,
        `text must have a delimiter after a closing quotation mark, got ${show(text[after])} in line ${line}`,
      );
    }
    const inside = text.slice(start + 1, end);
    this.line += inside.match(/\r\n|\n|\r/g)?.length ?? 0;
    this.#finish(after);
    return inside.replaceAll('""', '"').trim();
  }

  /** Goes beyond the delimiter or the line break at `end`. */
  #finish(end: number): void {
    const code = this.text.charCodeAt(end);
    this.endsRow = code !== this.delimiter;
    this.next = end + (code === CR && this.text.charCodeAt(end + 1) === LF ? 2 : 1);
    if (this.endsRow) this.line++;
  }
}

const isBlank = (code: number) => code === SPACE || code === TAB || code === 0xa0;

/** Where the table starts: after a byte order mark, a line `sep=;` of Excel, and empty lines. */
function startOf(text: string): { start: number; line: number; delimiter: string | undefined } {
  let start = text.startsWith('\uFEFF') ? 1 : 0;
  let line = 1;
  const lead = /(?:sep=([^\r\n])[ \t]*(?:\r\n|\n|\r))?(?:[ \t]*(?:\r\n|\n|\r))*/y;
  lead.lastIndex = start;
  const found = lead.exec(text)!;
  start += found[0].length;
  line += found[0].match(/\r\n|\n|\r/g)?.length ?? 0;
  return { start, line, delimiter: found[1] };
}

/** Reads the names of the columns, and finds the delimiter if none is given. */
export function readHeader(call: string, text: string, given?: string): { header: Header; delimiter: string } {
  const { start, line, delimiter: declared } = startOf(text);
  if (start >= text.length) fail(call, 'text must have a header and rows, got none');
  const delimiter = given ?? declared ?? delimiterOf(text, start);
  const scanner = new Scanner(call, text, delimiter.charCodeAt(0), start, line);
  const names: string[] = [];
  do names.push(scanner.cell(true));
  while (!scanner.endsRow);
  return { header: { names, next: scanner.next, line: scanner.line }, delimiter };
}

/** The delimiter of which the first lines have the same number; otherwise the most frequent one of the header. */
function delimiterOf(text: string, start: number): string {
  const lines = text
    .slice(start, start + 20_000)
    .replace(/"(?:[^"]|"")*"/g, '')
    .split(/\r\n|\n|\r/)
    .filter(line => line.trim() !== '')
    .slice(0, 10);
  const complete = lines.length > 2 ? lines.slice(0, -1) : lines; // the last one may be cut off
  const counts = ['\t', ';', ','].map(delimiter => ({
    delimiter,
    inHeader: complete[0]!.split(delimiter).length - 1,
    isEven: complete.every(line => line.split(delimiter).length === complete[0]!.split(delimiter).length),
  }));
  const even = counts.filter(({ inHeader, isEven }) => inHeader > 0 && isEven);
  const most = counts.reduce((best, one) => (one.inHeader > best.inHeader ? one : best));
  return (even[0] ?? (most.inHeader > 0 ? most : { delimiter: ',' })).delimiter;
}

/** Reads the wanted columns of all rows, or of the first `most`. Rows without any text are skipped. */
export function readRows(
  call: string,
  text: string,
  delimiter: string,
  { names, next, line }: Header,
  wanted: ReadonlySet<number>,
  most = Infinity,
): Rows {
  const width = names.length;
  const columns = new Map(Array.from(wanted, column => [column, [] as string[]]));
  const targets = Array.from({ length: width }, (_, column) => columns.get(column));
  const lines: number[] = [];
  const scanner = new Scanner(call, text, delimiter.charCodeAt(0), next, line);
  while (!scanner.isAtEnd && lines.length < most) {
    const row = lines.length;
    const start = scanner.line;
    let cells = 0;
    let surplus = 0; // cells with text beyond the header
    let hasText = false;
    do {
      const target = targets[cells];
      const cell = scanner.cell(target !== undefined);
      if (cell !== '') hasText = true;
      if (cell !== '' && cells >= width) surplus = cells + 1;
      if (target) target.push(cell);
      cells++;
    } while (!scanner.endsRow);
    if (!hasText) {
      for (const column of columns.values()) column.length = row;
      continue;
    }
    if (cells < width || surplus > 0) {
      fail(call, `every row must have ${width} cells, as the header has, got ${surplus || cells} in line ${start}`);
    }
    lines.push(start);
  }
  return { columns, lines };
}
