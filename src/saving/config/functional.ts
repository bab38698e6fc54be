/**
 * Reads functional models of Keras and TF.js: their layers and the inputs of each, in all file formats.
 */

import { show } from '../../util/errors.ts';
import { type FilePath, failAt, isObject, itemOf, readList, readObject, readText, within } from './filePath.ts';
import { layerList } from './layerConfig.ts';

/** An output of a layer: the index of the call, from 0, and the index of the output. */
export interface Ref {
  readonly layer: string;
  readonly call: number;
  readonly output: number;
}

/** One call of a layer. */
export interface Call {
  readonly location: FilePath;
  /** The tensors it is applied to. */
  readonly inbound: readonly Ref[];
  /** Layer outputs passed as named arguments, such as mask and initial_state. */
  readonly named: { readonly [argument: string]: readonly Ref[] };
  /** The argument mask: one for each input, null for no mask; null if it is not given. */
  readonly masks: readonly (Ref | null)[] | null;
  /** The numbers among the arguments of an operation. */
  readonly numbers: readonly number[];
  /** Whether dropout is always or never active; null if not given. */
  readonly training: boolean | null;
  /** The options of attention layers that Keras has as arguments of calls, if they are on. */
  readonly options: readonly string[];
  /** Whether it is in the form of Keras 3. */
  readonly isKeras3: boolean;
}

/** A layer of a graph. */
export interface GraphNode {
  readonly location: FilePath;
  readonly name: string;
  readonly className: string;
  /** Its description in the file. */
  readonly described: { readonly [key: string]: unknown };
  readonly calls: readonly Call[];
}

/** One call of a layer of a graph. */
export interface GraphCall {
  readonly node: GraphNode;
  /** Its position among the calls of the layer. */
  readonly index: number;
  readonly call: Call;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly inputs: readonly Ref[];
  readonly outputs: readonly Ref[];
  /** All calls, each after those it reads. */
  readonly order: readonly GraphCall[];
}

/** Options of attention layers here, arguments of their calls in Keras. */
export const CALL_OPTIONS: readonly string[] = ['use_causal_mask', 'return_attention_scores'];

/** The class names of functional models. */
export const GRAPHS: readonly string[] = ['Functional', 'Model'];

/** Whether a description is that of a model. */
export const isModel = (described: unknown): boolean =>
  ['Sequential', ...GRAPHS].includes(classOf(described) as string);

export const classOf = (described: unknown): unknown =>
  isObject(described) ? (described as { class_name?: unknown }).class_name : null;

/**
 * The graph that the `config` of a functional model describes. Its depth has been checked.
 *
 * @throws ValueError for references to layers, calls or outputs that do not exist, and for cycles
 */
export function graphOf(location: FilePath, config: unknown): Graph {
  const { layers, input_layers, output_layers } = readObject(location, config);
  const here = within(location, 'layers');
  const nodes = Array.from(layerList(here, layers), (item, n) => nodeOf(itemOf(here, n), item));
  const byName = new Map<string, GraphNode>();
  for (const node of nodes) {
    if (byName.has(node.name)) failAt(within(node.location, 'name'), `must be unique, got ${show(node.name)} twice`);
    byName.set(node.name, node);
  }
  const outputLocation = within(location, 'output_layers');
  const [inputs, outputs] = [refsIn(input_layers), refsIn(output_layers)];
  const counted = countedFromZero(nodes, outputs);
  for (const node of counted.nodes) byName.set(node.name, node);
  for (const [refs, part] of [
    [inputs, within(location, 'input_layers')],
    [counted.outputs, outputLocation],
  ] as const) {
    if (refs.length === 0) failAt(part, 'must have at least one layer, got none');
    for (const ref of refs) checkRef(part, byName, ref);
  }
  return { nodes: counted.nodes, inputs, outputs: counted.outputs, order: sorted(counted.nodes, byName) };
}

function nodeOf(location: FilePath, item: unknown): GraphNode {
  const described = readObject(location, item);
  const config = readObject(within(location, 'config'), described.config);
  const inner = within(location, 'inbound_nodes');
  return {
    location,
    name: readText(within(location, 'name'), described.name ?? config.name),
    className: readText(within(location, 'class_name'), described.class_name),
    described,
    calls: Array.from(readList(inner, described.inbound_nodes ?? []), (node, n) => callOf(itemOf(inner, n), node)),
  };
}

/**
 * Keras 3 writes { args, kwargs }; other formats a list of references, or a single one, whose last item is the kwargs.
 */
function callOf(location: FilePath, node: unknown): Call {
  if (isObject(node) && !Array.isArray(node)) {
    const { args, kwargs } = node as { args?: unknown; kwargs?: unknown };
    const numbers = Array.isArray(args) ? args.filter(value => typeof value === 'number') : [];
    return { location, inbound: refsIn(args), ...argumentsOf(kwargs), numbers, isKeras3: true };
  }
  const inbound = refsIn(node);
  const list: unknown[] = !Array.isArray(node) ? [] : isRef(node) ? [node] : node;
  const kwargs = list.map(item => (Array.isArray(item) ? item[3] : undefined));
  const given = kwargs.find(each => isObject(each) && Object.keys(each).length > 0);
  return { location, inbound, ...argumentsOf(given), numbers: [], isKeras3: false };
}

function argumentsOf(kwargs: unknown): Pick<Call, 'named' | 'masks' | 'training' | 'options'> {
  const entries = isObject(kwargs) ? Object.entries(kwargs) : [];
  const named = entries.map(([name, value]) => [name, refsIn(value)] as const).filter(([, refs]) => refs.length > 0);
  const training = entries.find(([name]) => name === 'training')?.[1];
  const mask = entries.find(([name]) => name === 'mask')?.[1];
  const isList = Array.isArray(mask) && !isRef(mask);
  return {
    named: Object.fromEntries(named),
    masks: isObject(mask) ? (isList ? mask : [mask]).map((one: unknown) => refsIn(one)[0] ?? null) : null,
    training: training === undefined || training === null ? null : Boolean(training),
    options: entries.filter(([name, value]) => CALL_OPTIONS.includes(name) && value === true).map(([name]) => name),
  };
}

/** Whether a list is a reference: ['lstm', 0, 0], optionally followed by kwargs. */
const isRef = (value: readonly unknown[]): boolean =>
  typeof value[0] === 'string' &&
  Number.isInteger(value[1]) &&
  Number.isInteger(value[2]) &&
  value[0] !== '_CONSTANT_VALUE';

/** Every reference in a value, in order. */
function refsIn(value: unknown): Ref[] {
  if (!isObject(value)) return [];
  if (Array.isArray(value)) {
    if (!isRef(value)) return value.flatMap(refsIn);
    const [layer, call, output] = value as [string, number, number];
    return [{ layer, call, output }];
  }
  const { class_name, config } = value as { class_name?: unknown; config?: { keras_history?: unknown } | null };
  if (class_name === '__keras_tensor__') return refsIn(config?.keras_history);
  return Object.values(value).flatMap(refsIn);
}

/** Every reference to an output of another layer that a call has. */
const readsOf = ({ inbound, named }: Call): Ref[] => [...inbound, ...Object.values(named).flat()];

/** Arguments with masks: of the only input, or of the inputs of an attention layer. */
const MASK_ARGUMENTS: readonly string[] = ['mask', 'query_mask', 'value_mask', 'key_mask'];

/** Operations that versions of Keras 3 add to a graph to compute masks. */
const MASK_OPERATIONS: readonly string[] = [
  'All',
  'Any',
  'BroadcastTo',
  'ExpandDims',
  'LogicalAnd',
  'LogicalOr',
  'NotEqual',
  'OnesLike',
];

/**
 * Whether a node of a graph is an operation that computes a mask. They are checked but not loaded, because here layers
 * compute masks.
 */
export const isMaskOperation = ({ className, described: { module } }: GraphNode): boolean =>
  MASK_OPERATIONS.includes(className) ||
  (className === 'Concatenate' && typeof module === 'string' && module.startsWith('keras.src.ops'));

/** The inputs by name that attention layers take, in their order. */
const INPUT_ARGUMENTS: readonly string[] = ['query', 'value', 'key'];

/** The inputs of a call, without masks and states. */
export const tensorsOf = ({ inbound, named }: Call): Ref[] => [
  ...inbound,
  ...INPUT_ARGUMENTS.flatMap(name => named[name] ?? []),
];

/** The name of an argument of a call that takes the output of a layer and is not read; undefined if there is none. */
export const otherArgument = ({ named }: Call): string | undefined =>
  Object.keys(named).find(name => ![...MASK_ARGUMENTS, ...INPUT_ARGUMENTS, 'initial_state'].includes(name));

// -------------------------------------------------------------------------------------------- the numbers of calls

/**
 * Counts the calls of nested models from 0. TF.js and Keras 2 count them from 1, after a call that made the model; Keras 2
 * counts those of some sequential models from 0. Keras 3 counts those of functional models from 1 in output_layers only.
 */
function countedFromZero(
  nodes: readonly GraphNode[],
  outputs: readonly Ref[],
): { nodes: readonly GraphNode[]; outputs: readonly Ref[] } {
  const models = new Map(nodes.filter(({ described }) => isModel(described)).map(node => [node.name, node]));
  if (models.size === 0) return { nodes, outputs };
  const isKeras3 = nodes.some(({ calls }) => calls.some(call => call.isKeras3));
  const inner = nodes.flatMap(({ calls }) => calls.flatMap(readsOf));
  const [first, last] = [spans(inner), spans(outputs)];
  const all = spans([...inner, ...outputs]);
  const offset = (spanOf: ReadonlyMap<string, Span>, startsAtOne: (className: string) => boolean) => {
    return new Map(
      [...models].map(([name, { className, calls }]) => {
        const { least, most } = spanOf.get(name) ?? { least: 0, most: 0 };
        const wanted = startsAtOne(className) ? 1 : 0;
        // Out of range: another version of Keras has counted in the other way
        if (wanted === 1 && least === 0) return [name, 0];
        return [name, wanted === 0 && least > 0 && most >= calls.length ? 1 : wanted];
      }),
    );
  };
  // Every call is read, so that the least number is that of the first call
  const common = new Map([...all].map(([name, { least }]) => [name, Math.min(least, 1)]));
  const ofCalls = isKeras3 ? offset(first, () => false) : common;
  const ofOutputs = isKeras3 ? offset(last, className => GRAPHS.includes(className)) : common;
  const shift = (offsets: ReadonlyMap<string, number>) => (ref: Ref) =>
    models.has(ref.layer) ? { ...ref, call: ref.call - offsets.get(ref.layer)! } : ref;
  const byCalls = shift(ofCalls);
  return {
    nodes: nodes.map(node => ({
      ...node,
      calls: node.calls.map(call => ({
        ...call,
        inbound: call.inbound.map(byCalls),
        named: Object.fromEntries(Object.entries(call.named).map(([name, refs]) => [name, refs.map(byCalls)])),
        masks: call.masks?.map(mask => mask && byCalls(mask)) ?? null,
      })),
    })),
    outputs: outputs.map(shift(ofOutputs)),
  };
}

interface Span {
  least: number;
  most: number;
}

/** The least and the largest number of a call of each layer. */
function spans(refs: readonly Ref[]): ReadonlyMap<string, Span> {
  const found = new Map<string, Span>();
  for (const { layer, call } of refs) {
    const span = found.get(layer);
    if (!span) found.set(layer, { least: call, most: call });
    else {
      span.least = Math.min(span.least, call);
      span.most = Math.max(span.most, call);
    }
  }
  return found;
}

// ------------------------------------------------------------------------------------------------ the order of calls

/** Checks that a reference is to a call that exists; the calls of an input layer are that which made it. */
function checkRef(location: FilePath, byName: ReadonlyMap<string, GraphNode>, { layer, call }: Ref): void {
  const node = byName.get(layer);
  if (!node) failAt(location, `must refer to layers of the model, got ${show(layer)}`);
  const count = Math.max(node!.calls.length, 1);
  if (call < 0 || call >= count) failAt(location, `must refer to one of ${count} calls of ${show(layer)}, got ${call}`);
}

interface Open extends GraphCall {
  /** How many of the calls that it reads are not sorted yet. */
  missing: number;
  readonly readers: Open[];
}

/** All calls, each after those it reads. */
function sorted(nodes: readonly GraphNode[], byName: ReadonlyMap<string, GraphNode>): GraphCall[] {
  const open = new Map(
    nodes.map(node => [
      node.name,
      node.calls.map((call, index): Open => ({ node, index, call, missing: 0, readers: [] })),
    ]),
  );
  const all = [...open.values()].flat();
  /** Null for an input layer, which has an output without a call. */
  const read = ({ layer, call }: Ref): Open | null => open.get(layer)![call] ?? null;
  for (const each of all) {
    for (const ref of readsOf(each.call)) {
      checkRef(each.call.location, byName, ref);
      const of = read(ref);
      of?.readers.push(each);
      if (of) each.missing++;
    }
  }
  const ready = all.filter(({ missing }) => missing === 0);
  for (const { readers } of ready) {
    for (const reader of readers) if (--reader.missing === 0) ready.push(reader);
  }
  const left = all.find(({ missing }) => missing > 0);
  if (left) {
    const visited = new Set<Open>();
    let at = left;
    for (
      ;
      !visited.has(at);
      at = readsOf(at.call)
        .map(read)
        .find(of => of && of.missing > 0)!
    )
      visited.add(at);
    failAt(at.call.location, `must not form a cycle, but ${show(at.node.name)} depends on its own output`);
  }
  return ready;
}

// ----------------------------------------------------------------------------------------------------------- chains

/** The layers of a graph from its input to its output, if they form a chain: a sequential model; otherwise null. */
export function chainOf({ nodes, inputs, outputs }: Graph): readonly GraphNode[] | null {
  if (inputs.length !== 1 || outputs.length !== 1) return null;
  const layers = nodes.filter(node => !isMaskOperation(node));
  const names = new Set(layers.map(({ name }) => name));
  const above = new Map<string, GraphNode>();
  for (const node of layers) {
    if (node.calls.length > 1 || hasFixedOutputs(node)) return null;
    const [call] = node.calls;
    if (!call) continue;
    const { inbound, named, training } = call;
    if (training || (training === false && mayDrop(node))) return null;
    if (inbound.length !== 1 || inbound[0]!.output !== 0) return null;
    if (Object.keys(named).some(argument => argument !== 'mask')) return null;
    if (call.masks?.some(mask => !mask || names.has(mask.layer))) return null;
    if (above.has(inbound[0]!.layer)) return null;
    above.set(inbound[0]!.layer, node);
  }
  const chain: GraphNode[] = [];
  const first = layers.find(({ name }) => name === inputs[0]!.layer);
  for (let node = first; node && chain.length < layers.length; node = above.get(node.name)) chain.push(node);
  const { layer, output } = outputs[0]!;
  return chain.length === layers.length && chain.at(-1)!.name === layer && output === 0 ? chain : null;
}

/** Whether a layer has dropout, which a call can turn off. */
function mayDrop({ described }: GraphNode): boolean {
  const { rate, dropout, recurrent_dropout } = described.config as Record<string, unknown>;
  return isModel(described) || [rate, dropout, recurrent_dropout].some(value => typeof value === 'number' && value > 0);
}

/** Whether a layer has several outputs that an option of the layer itself cannot turn off. */
function hasFixedOutputs({ className, described }: GraphNode): boolean {
  if (className !== 'Bidirectional') return false;
  const { merge_mode, layer } = described.config as { merge_mode?: unknown; layer?: { config?: unknown } | null };
  const { return_state } = (layer?.config ?? {}) as { return_state?: unknown };
  return merge_mode === null || return_state === true;
}
