/** Formats tensors as text, as TF.js does: columns are aligned, and long axes are abbreviated in the middle. */

import { sizeOf } from '../util/shapes.ts';
import type { DataType, Values } from './values.ts';

/** Longer axes show only their first and last items. */
const LONG = 20;
const ENDS = 3;
/** The maximum number of decimals. */
const DIGITS = 7;

export function format(values: Values, shape: readonly number[], dtype: DataType, verbose = false): string {
  const head = [`  dtype: ${dtype}`, `  rank: ${shape.length}`, `  shape: [${shape}]`, '  values:'];
  const lines = block(values, shape, dtype, widths(values, shape, dtype), true);
  return ['Tensor', ...(verbose ? head : []), lines.map(line => `    ${line}`).join('\n')].join('\n');
}

function one(value: number, dtype: DataType): string {
  if (dtype === 'bool') return value === 0 ? 'false' : 'true';
  return Number.parseFloat(value.toFixed(DIGITS)).toString();
}

/** The width of each column, that of its longest number; 0 for a single row, which is not aligned. */
function widths(values: Values, shape: readonly number[], dtype: DataType): number[] {
  const columns = shape.at(-1) ?? 0;
  const result = new Array<number>(columns).fill(0);
  if (shape.length < 2) return result;
  for (let i = 0; i < values.length; i++) {
    const column = i % columns;
    if (columns > LONG && column >= ENDS && column < columns - ENDS) continue;
    result[column] = Math.max(result[column]!, one(values[i]!, dtype).length);
  }
  return result;
}

/** The lines of a tensor or of a part of one. Each further axis adds a blank line between its blocks. */
function block(
  values: Values,
  shape: readonly number[],
  dtype: DataType,
  width: readonly number[],
  final: boolean,
): string[] {
  const rank = shape.length;
  if (rank === 0) return [dtype === 'bool' ? one(values[0]!, dtype) : String(values[0])];
  const length = shape[0]!;
  const cut = length > LONG;
  const shown = cut ? [0, 1, 2, length - 3, length - 2, length - 1] : Array.from({ length }, (_, i) => i);
  if (rank === 1) {
    const items = shown.map(i => one(values[i]!, dtype).padEnd(width[i]!));
    if (cut) items.splice(ENDS, 0, '...');
    return [`[${items.join(', ')}]`];
  }
  const size = sizeOf(shape.slice(1));
  const lines = shown.flatMap(i =>
    block(values.subarray(i * size, (i + 1) * size) as Values, shape.slice(1), dtype, width, i === length - 1),
  );
  if (cut) lines.splice((lines.length / shown.length) * ENDS, 0, '...');
  const comma = rank === 2 ? ',' : '';
  lines[0] = `[${length > 0 ? lines[0]! + comma : ''}`;
  for (let i = 1; i < lines.length - 1; i++) lines[i] = ` ${lines[i]}${comma}`;
  lines.push(` ${lines.pop()}]${final ? '' : `,\n${'\n'.repeat(rank - 2)}`}`);
  return lines;
}
