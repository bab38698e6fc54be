/** Reads the numbers of a table. */

import { fail, show } from '../util/errors.ts';

/** Words that stand for a missing value, in lower case. */
const missingWords = new Set(['', 'na', 'n/a', '#n/a', 'nan', 'null', 'none', '-', '--', '?']);

/** The cells of one column. */
export interface Column {
  name: string;
  cells: readonly string[];
}

/** The decimal separator of a table. */
export type Decimal = '.' | ',';

export const isMissing = (cell: string): boolean =>
  missingWords.has(cell) || (cell.length < 5 && missingWords.has(cell.toLowerCase()));

const plain = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const withComma = /^[+-]?(?:\d+,?\d*|,\d+)(?:e[+-]?\d+)?$/i;
/** Thousands in groups of three. */
const groupedByComma = /^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/;
const groupedByPoint = /^[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)?$/;

/** A number as JavaScript writes it, or NaN. Spaces and apostrophes between groups of three digits are removed. */
function parse(cell: string, decimal: Decimal): number {
  if (decimal === '.' && plain.test(cell)) return Number(cell);
  const text = cell.replace(/(\d)[ \u00a0\u202f'’](?=\d{3}(?!\d))/g, '$1').replace('\u2212', '-');
  if (decimal === '.') {
    return plain.test(text) ? Number(text) : groupedByComma.test(text) ? Number(text.replaceAll(',', '')) : Number.NaN;
  }
  if (withComma.test(text)) return Number(text.replace(',', '.'));
  return groupedByPoint.test(text) ? Number(text.replaceAll('.', '').replace(',', '.')) : Number.NaN;
}

/**
 * The decimal separator: a comma if a number has one that cannot separate thousands. Throws if all of them could be both.
 */
export function findDecimal(call: string, columns: readonly Column[], lines: readonly number[]): Decimal {
  let doubtful: [cell: string, row: number, name: string] | null = null;
  for (const { name, cells } of columns) {
    for (let row = 0; row < cells.length; row++) {
      const cell = cells[row]!;
      if (!cell.includes(',')) continue;
      const [isComma, isPoint] = [!Number.isNaN(parse(cell, ',')), !Number.isNaN(parse(cell, '.'))];
      if (isComma && !isPoint) return ',';
      if (isPoint && !isComma) return '.';
      if (isComma && isPoint) doubtful ??= [cell, row, name];
    }
  }
  if (doubtful) {
    const [cell, row, name] = doubtful;
    const where = `${show(cell)} in line ${lines[row]}, column ${show(name)}`;
    fail(call, `decimal must be '.' or ',' because ${where}, can be read both ways`);
  }
  return '.';
}

/** Reads a column of numbers; NaN where one is missing. `advice` is added to the error about other text. */
export function readNumbers(
  call: string,
  { name, cells }: Column,
  lines: readonly number[],
  decimal: Decimal,
  advice: string,
): Float64Array {
  const values = new Float64Array(cells.length);
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row]!;
    const value = parse(cell, decimal);
    values[row] = value;
    if (Number.isFinite(value) || isMissing(cell)) continue;
    const hint = decimal === ',' && plain.test(cell) ? "; pass decimal: '.' if the table has decimal points" : advice;
    fail(call, `values must be numbers, got ${show(cell)} in line ${lines[row]}, column ${show(name)}${hint}`);
  }
  return values;
}

/** The properties of a column: numbers if all cells are numbers or missing, otherwise text. */
export function readProperties(column: Column, decimal: Decimal): readonly (number | string)[] {
  const numbers = column.cells.map(cell => (isMissing(cell) ? Number.NaN : parse(cell, decimal)));
  const isNumeric = numbers.every((value, row) => Number.isFinite(value) || isMissing(column.cells[row]!));
  return isNumeric ? numbers : column.cells;
}
