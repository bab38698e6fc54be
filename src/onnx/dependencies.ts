/** Finds the nodes on which the output of a graph depends. */

import { fail } from '../util/errors.ts';
import type { GraphProto, NodeProto } from './proto.ts';
import { isArrangement } from './rearrangeConstants.ts';
import { quote } from './text.ts';

/** The maximum number of graph outputs to check. */
const MOST_OUTPUTS = 16;
/** The maximum number of nodes to follow a value back. */
const MOST_STEPS = 64;

/** The node that makes each value, and the index of the output. */
type Producers = ReadonlyMap<string, { readonly n: number; readonly index: number }>;

export function producersOf(call: string, graph: GraphProto): Producers {
  const producers = new Map<string, { n: number; index: number }>();
  for (const [n, { output }] of graph.node.entries()) {
    for (const [index, name] of output.entries()) {
      if (producers.has(name)) fail(call, `graph.node[${n}].output must have unique names, got ${quote(name)} twice`);
      if (name !== '') producers.set(name, { n, index });
    }
  }
  return producers;
}

/** The names of a value and of the values that it rearranges. */
function* sourcesOf(graph: GraphProto, producers: Producers, name: string): Generator<string> {
  let at: string | undefined = name;
  for (let steps = 0; at !== undefined && steps < MOST_STEPS; steps++) {
    yield at;
    const node: NodeProto | undefined = graph.node[producers.get(at)?.n ?? -1];
    at = node && isArrangement(node.opType) ? node.input[0] : undefined;
  }
}

/** The first output that is not a cell state; otherwise the first output. */
export function outputOf(call: string, graph: GraphProto, producers: Producers): number {
  if (graph.output.length === 0) fail(call, 'graph.output must have an entry, got none');
  const isCell = (name: string) => {
    const producer = producers.get(name);
    return producer?.index === 2 && graph.node[producer.n]!.opType === 'LSTM';
  };
  const found = graph.output
    .slice(0, MOST_OUTPUTS)
    .findIndex(({ name }) => ![...sourcesOf(graph, producers, name)].some(isCell));
  return Math.max(found, 0);
}

/** The inputs of recurrent nodes other than sequence and weights: lengths, initial states, peepholes. */
export function stateInputsOf(graph: GraphProto, producers: Producers, needed: readonly number[]): ReadonlySet<string> {
  const states = new Set<string>();
  for (const n of needed) {
    const { opType, input } = graph.node[n]!;
    if (!['LSTM', 'GRU', 'RNN'].includes(opType)) continue;
    for (const name of input.slice(4)) for (const source of sourcesOf(graph, producers, name)) states.add(source);
  }
  return states;
}

/** The nodes on which an output depends, in order. */
export function nodesFor(call: string, graph: GraphProto, producers: Producers, output: string): number[] {
  const needed = new Set<number>();
  const open = [output];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const n = producers.get(name)?.n;
    if (n === undefined || needed.has(n)) continue;
    needed.add(n);
    for (const input of graph.node[n]!.input) {
      // Nodes must come after the nodes that make their inputs, which rules out cycles.
      if ((producers.get(input)?.n ?? -1) >= n) {
        fail(
          call,
          `graph.node[${n}] (${quote(graph.node[n]!.name)}) must come after the nodes that compute its inputs, got ${quote(input)} of a later node`,
        );
      }
      open.push(input);
    }
  }
  return [...needed].sort((a, b) => a - b);
}
