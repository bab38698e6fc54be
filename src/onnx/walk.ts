/** The nodes of a graph on which its output depends. */

import { fail } from '../errors.ts';
import { isArrangement } from './arrange.ts';
import type { GraphProto, NodeProto } from './proto.ts';
import { quote } from './text.ts';

/** More outputs than this are not looked at. */
const MOST_OUTPUTS = 16;
/** Nor is a value followed further back. */
const MOST_STEPS = 64;

/** Which node makes a value, and as which of its outputs. */
type Makers = ReadonlyMap<string, { readonly n: number; readonly place: number }>;

export function makersOf(call: string, graph: GraphProto): Makers {
  const makers = new Map<string, { n: number; place: number }>();
  for (const [n, { output }] of graph.node.entries()) {
    for (const [place, name] of output.entries()) {
      if (makers.has(name)) fail(call, `graph.node[${n}].output must be new names, got a second ${quote(name)}`);
      if (name !== '') makers.set(name, { n, place });
    }
  }
  return makers;
}

/** A value, and those of which it is another arrangement, by name. */
function* sourcesOf(graph: GraphProto, makers: Makers, name: string): Generator<string> {
  let at: string | undefined = name;
  for (let steps = 0; at !== undefined && steps < MOST_STEPS; steps++) {
    yield at;
    const node: NodeProto | undefined = graph.node[makers.get(at)?.n ?? -1];
    at = node && isArrangement(node.opType) ? node.input[0] : undefined;
  }
}

/** The first output that is not a cell state; the first of all where there is none. */
export function outputOf(call: string, graph: GraphProto, makers: Makers): number {
  if (graph.output.length === 0) fail(call, 'graph.output must have an entry, got none');
  const isCell = (name: string) => {
    const maker = makers.get(name);
    return maker?.place === 2 && graph.node[maker.n]!.opType === 'LSTM';
  };
  const found = graph.output
    .slice(0, MOST_OUTPUTS)
    .findIndex(({ name }) => ![...sourcesOf(graph, makers, name)].some(isCell));
  return Math.max(found, 0);
}

/** What recurrent nodes take besides their sequence and weights: lengths, initial states, peepholes. */
export function statesOf(graph: GraphProto, makers: Makers, needed: readonly number[]): ReadonlySet<string> {
  const states = new Set<string>();
  for (const n of needed) {
    const { opType, input } = graph.node[n]!;
    if (!['LSTM', 'GRU', 'RNN'].includes(opType)) continue;
    for (const name of input.slice(4)) for (const source of sourcesOf(graph, makers, name)) states.add(source);
  }
  return states;
}

/** The nodes on which an output depends, in order. */
export function nodesFor(call: string, graph: GraphProto, makers: Makers, output: string): number[] {
  const needed = new Set<number>();
  const open = [output];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const n = makers.get(name)?.n;
    if (n === undefined || needed.has(n)) continue;
    needed.add(n);
    for (const input of graph.node[n]!.input) {
      // Nodes stand after those whose results they take, so that nothing goes in a circle.
      if ((makers.get(input)?.n ?? -1) >= n) {
        fail(
          call,
          `graph.node[${n}] (${quote(graph.node[n]!.name)}) must come after what it takes, got a later one's ${quote(input)}`,
        );
      }
      open.push(input);
    }
  }
  return [...needed].sort((a, b) => a - b);
}
