/** Finds the nodes on which the output of a graph depends. */

import { fail } from '../util/errors.ts';
import type { GraphProto, NodeProto, ValueInfoProto } from './proto.ts';
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

/** Whether output n is a final state of a recurrent node, [directions, batch, units]. */
export const isStateOutput = (graph: GraphProto, producers: Producers, n: number): boolean =>
  rankOf(graph.output[n]!) !== 2 && recurrentStateOf(graph, producers, graph.output[n]!.name) !== null;

/** The number of axes of an input or output, if the file has it. */
export const rankOf = ({ type }: ValueInfoProto): number | undefined => type?.tensorType?.shape?.dim.length;

/** The recurrent node whose final state a value is; null for other values. */
function recurrentStateOf(graph: GraphProto, producers: Producers, name: string): NodeProto | null {
  for (const source of sourcesOf(graph, producers, name)) {
    const producer = producers.get(source);
    const node = producer && graph.node[producer.n]!;
    if (!node) continue;
    if (producer.index > 0 && recurrentOps.includes(node.opType)) return node;
    if (node.opType === 'Scan' && producer.index < node.output.length - 1) return node;
  }
  return null;
}

const recurrentOps = ['LSTM', 'GRU', 'RNN'];

/** All outputs but the final states of nodes whose initial states are inputs: the model keeps those states itself. */
export function outputsOf(call: string, graph: GraphProto, producers: Producers): number[] {
  if (graph.output.length === 0) fail(call, 'graph.output must have an entry, got none');
  if (graph.output.length > MOST_OUTPUTS) {
    fail(call, `graph.output must have at most ${MOST_OUTPUTS} entries, got ${graph.output.length}`);
  }
  const inputs = new Set(graph.input.filter(info => rankOf(info) === 3).map(({ name }) => name));
  const isCarried = (n: number) => {
    if (!isStateOutput(graph, producers, n)) return false;
    const node = recurrentStateOf(graph, producers, graph.output[n]!.name);
    return (
      node && initialStatesOf(node).some(state => [...sourcesOf(graph, producers, state)].some(one => inputs.has(one)))
    );
  };
  const found = [...graph.output.keys()].filter(n => !isCarried(n));
  return found.length > 0 ? found : [0];
}

/** The initial states that a recurrent node or a loop over time reads. */
const initialStatesOf = ({ opType, input, attribute }: NodeProto): string[] =>
  opType === 'Scan'
    ? input.slice(0, input.length - (attribute.find(({ name }) => name === 'num_scan_inputs')?.i ?? 0))
    : input.slice(5, 7);

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

/**
 * The inputs of recurrent nodes other than sequence and weights: lengths and initial states; and the initial states of loops
 * over time.
 */
export function stateInputsOf(graph: GraphProto, producers: Producers, needed: readonly number[]): ReadonlySet<string> {
  const states = new Set<string>();
  for (const n of needed) {
    const node = graph.node[n]!;
    if (node.opType !== 'Scan' && !recurrentOps.includes(node.opType)) continue;
    for (const name of [...(node.opType === 'Scan' ? [] : node.input.slice(4, 5)), ...initialStatesOf(node)])
      for (const source of sourcesOf(graph, producers, name)) states.add(source);
  }
  return states;
}

/** The values that a node reads, also those of the body of a loop over time. */
export const readsOf = ({ opType, input, attribute }: NodeProto): string[] =>
  opType === 'Scan' ? [...input, ...attribute.flatMap(({ g }) => g?.node.flatMap(inner => inner.input) ?? [])] : input;

/** The nodes on which outputs depend, in order. */
export function nodesFor(call: string, graph: GraphProto, producers: Producers, outputs: readonly string[]): number[] {
  const needed = new Set<number>();
  const open = [...outputs];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const n = producers.get(name)?.n;
    if (n === undefined || needed.has(n)) continue;
    needed.add(n);
    for (const input of readsOf(graph.node[n]!)) {
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
