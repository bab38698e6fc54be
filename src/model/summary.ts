/** The table that `model.summary` prints. */

import type { Layer } from '../layers/layer.ts';
import { fail, show } from '../util/errors.ts';
import { checkCount, checkNumber } from '../util/options.ts';
import { showShape, sizeOf } from '../util/shapes.ts';
import { isChain } from './graph.ts';
import { numberedCalls } from './graphConfig.ts';
import type { ModelState } from './modelState.ts';
import type { ModelView } from './modelView.ts';

const CHAIN = { length: 80, positions: [0.5, 0.85, 1] };
const GRAPH = { length: 100, positions: [0.35, 0.6, 0.7, 1] };

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
  const { graph } = view.state;
  const defaults = !graph || isChain(graph) ? CHAIN : GRAPH;
  const known = readSummary(call, defaults, lineLength, positions, printFn);
  for (const line of summarize(name, view.state, known)) known.print(line);
}

function readSummary(
  call: string,
  defaults: typeof CHAIN,
  lineLength: unknown,
  positions: unknown,
  printFn: unknown,
): SummaryForm {
  const length = checkCount(call, 'lineLength', lineLength ?? defaults.length, 20);
  if (length > LONGEST) fail(call, `lineLength must be at most ${LONGEST}, got ${length}`);
  const given = positions ?? defaults.positions;
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
  const readers = readsOf(state);
  const ends = positions.at(-1)! <= 1 ? positions.map(part => Math.floor(part * length)) : positions;
  const row = (...cells: string[]) => {
    let line = '';
    for (const [i, cell] of cells.entries()) {
      const end = ends[i] ?? length;
      line = `${line}${cell}`.slice(0, end - 1).padEnd(end);
    }
    return line.trimEnd();
  };
  const count = (layers: readonly Layer[]): number => layers.reduce((sum, layer) => sum + paramsOf(layer), 0);
  const total = count(state.allLayers);
  const learning = state.allLayers.flatMap(layer => layer.weightSpecs.filter(spec => layer.learns(spec)));
  const trainable = learning.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return [
    `Model: ${name}`,
    '_'.repeat(length),
    row('Layer (type)', 'Output Shape', 'Param #', ...(readers ? ['Receives inputs'] : [])),
    '='.repeat(length),
    ...layers.flatMap(layer => {
      const [first = '', ...others] = readers?.get(layer) ?? [];
      const shapes = shapesOf(state, layer);
      return [
        row(`${layer.name} (${layer.className})`, shapes[0]!, String(paramsOf(layer)), first),
        ...Array.from({ length: Math.max(others.length, shapes.length - 1) }, (_, n) =>
          row('', shapes[n + 1] ?? '', '', others[n] ?? ''),
        ),
      ];
    }),
    '='.repeat(length),
    `Total params: ${total}`,
    `Trainable params: ${trainable}`,
    `Non-trainable params: ${total - trainable}`,
    '_'.repeat(length),
  ];
}

/** What each layer of a graph reads, as `layer[call][output]`; null for a chain of layers. */
function readsOf({ graph }: ModelState): Map<Layer, string[]> | null {
  if (!graph || isChain(graph)) return null;
  const { positions } = numberedCalls(graph);
  const reads = new Map<Layer, string[]>();
  for (const { layer, reads: tensors } of graph.nodes) {
    const own = tensors.map(({ node, index }) => `${node.layer.name}[${positions.get(node)}][${index}]`);
    reads.set(layer, [...(reads.get(layer) ?? []), ...own]);
  }
  return reads;
}

/** Of a nested model even after it is disposed. */
const paramsOf = (layer: Layer): number =>
  (layer.nestedLayers ?? [layer]).reduce((sum, own) => sum + own.countParams(), 0);

/** The shapes of the outputs of the first call of a layer. */
function shapesOf({ graph }: ModelState, layer: Layer): string[] {
  const node = graph?.nodes.find(node => node.layer === layer);
  return node ? node.outputs.map(({ shape }) => showShape(shape)) : [showShape(layer.outputShape)];
}
