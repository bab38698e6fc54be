/** The table that `model.summary()` prints. */

import type { Layer } from './layers/layer.ts';
import { showShape } from './shapes.ts';

const DEFAULT_LENGTH = 80;
const DEFAULT_POSITIONS = [0.5, 0.85, 1];

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
