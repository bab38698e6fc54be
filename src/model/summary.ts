/** The table that `model.summary` prints. */

import type { Layer } from '../layers/layer.ts';
import { fail, show } from '../util/errors.ts';
import { checkCount, checkNumber } from '../util/options.ts';
import { showShape } from '../util/shapes.ts';
import type { ModelState } from './modelState.ts';
import type { ModelView } from './modelView.ts';

const DEFAULT_LENGTH = 80;
const DEFAULT_POSITIONS = [0.5, 0.85, 1];

/** The greatest line length, to reject mistakes. */
const LONGEST = 10_000;

interface SummaryForm {
  /** The width of a line in characters. */
  readonly length: number;
  /** The end of each column, as a fraction of the line, or in characters when the last one is above 1. */
  readonly positions: readonly number[];
  readonly print: (line: string) => void;
}

/** `model.summary`; of the last three arguments, null counts as absent, as in TF.js. */
export function printSummary(
  call: string,
  name: string,
  view: ModelView,
  lineLength: unknown,
  positions: unknown,
  printFn: unknown,
): void {
  const known = readSummary(call, lineLength, positions, printFn);
  for (const line of summarize(name, view.state, known)) known.print(line);
}

function readSummary(call: string, lineLength: unknown, positions: unknown, printFn: unknown): SummaryForm {
  const length = checkCount(call, 'lineLength', lineLength ?? DEFAULT_LENGTH, 20);
  if (length > LONGEST) fail(call, `lineLength must be at most ${LONGEST}, got ${length}`);
  const given = positions ?? DEFAULT_POSITIONS;
  if (!Array.isArray(given) || given.length > 8) {
    fail(call, `positions must be an array of at most 8 numbers, got ${show(given)}`);
  }
  const bounds = { least: 0, most: LONGEST };
  const ends = Array.from(given, (end, n) => checkNumber(call, `positions[${n}]`, end, bounds));
  const print = printFn ?? console.log;
  if (typeof print !== 'function') fail(call, `printFn must be a function, got ${show(print)}`);
  return { length, positions: ends, print: print as SummaryForm['print'] };
}

function summarize(name: string, state: ModelState, { length, positions }: SummaryForm): string[] {
  const { layers } = state;
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
  const total = count(state.allLayers);
  const trainable = count(state.allLayers.filter(layer => layer.trainable));
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
