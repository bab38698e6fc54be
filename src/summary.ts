/** The table that `model.summary()` prints. */

import { fail, show } from './errors.ts';
import type { Layer } from './layers/layer.ts';
import { checkCount, checkNumber } from './options.ts';
import { showShape } from './shapes.ts';

const DEFAULT_LENGTH = 80;
const DEFAULT_POSITIONS = [0.5, 0.85, 1];

/** Longer than any terminal is wide, and than a name anybody would want to see. */
const LONGEST = 10_000;

/** The arguments of `model.summary`. */
export function checkSummary(call: string, lineLength: unknown, positions: unknown, printFn: unknown): void {
  if (lineLength !== undefined && checkCount(call, 'lineLength', lineLength, 20) > LONGEST) {
    fail(call, `lineLength must be at most ${LONGEST}, got ${lineLength}`);
  }
  if (positions !== undefined) {
    if (!Array.isArray(positions) || positions.length > 8) {
      fail(call, `positions must be an array of at most 8 numbers, got ${show(positions)}`);
    }
    const bounds = { least: 0, most: LONGEST };
    for (let n = 0; n < positions.length; n++) checkNumber(call, `positions[${n}]`, positions[n], bounds);
  }
  if (typeof printFn !== 'function') fail(call, `printFn must be a function, got ${show(printFn)}`);
}

/**
 * @param length characters in a line
 * @param positions where each column ends, as parts of a line, or in characters when the last is above 1
 */
export function summarize(
  name: string,
  layers: readonly Layer[],
  length = DEFAULT_LENGTH,
  positions = DEFAULT_POSITIONS,
): string[] {
  const ends = positions.at(-1)! <= 1 ? positions.map(part => Math.floor(part * length)) : positions;
  const row = (...cells: string[]) => {
    let line = '';
    for (const [i, cell] of cells.entries()) {
      const end = ends[i] ?? length;
      line = `${line}${cell}`.slice(0, end - 1).padEnd(end);
    }
    return line.trimEnd();
  };
  const count = (layers: readonly Layer[]) => layers.reduce((sum, layer) => sum + layer.countParams(), 0);
  const total = count(layers);
  const trainable = count(layers.filter(layer => layer.trainable));
  return [
    `Model: ${name}`,
    '_'.repeat(length),
    row('Layer (type)', 'Output Shape', 'Param #'),
    '='.repeat(length),
    ...layers.map(layer =>
      row(`${layer.name} (${layer.className})`, showShape(layer.outputShape), String(layer.countParams())),
    ),
    '='.repeat(length),
    `Total params: ${total}`,
    `Trainable params: ${trainable}`,
    `Non-trainable params: ${total - trainable}`,
    '_'.repeat(length),
  ];
}
