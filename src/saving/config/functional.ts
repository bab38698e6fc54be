/**
 * Reads functional models of Keras and TF.js: their layers and the inputs of each, in all file formats.
 */

import { show } from '../../util/errors.ts';
import { type FilePath, failAt, isObject, itemOf, readList, readObject, readText, within } from './filePath.ts';
import { layerList } from './layerConfig.ts';

/** An output of a layer: the index of the call, and the index of the output. */
export interface Ref {
  readonly layer: string;
  readonly call: number;
  readonly output: number;
}

/** One call of a layer. */
export interface Call {
  /** The tensors it is applied to. */
  readonly inbound: readonly Ref[];
  /** Layer outputs passed as named arguments, such as mask and initial_state. */
  readonly named: { readonly [argument: string]: readonly Ref[] };
  /** Whether it is called with training: true. */
  readonly training: boolean;
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

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly inputs: readonly Ref[];
  readonly outputs: readonly Ref[];
}

/** The graph that the `config` of a functional model describes. Its depth has been checked. */
export function graphOf(location: FilePath, config: unknown): Graph {
  const { layers, input_layers, output_layers } = readObject(location, config);
  const here = within(location, 'layers');
  const nodes = Array.from(layerList(here, layers), (item, n) => nodeOf(itemOf(here, n), item));
  const names = new Set<string>();
  for (const { location, name } of nodes) {
    if (names.has(name)) failAt(within(location, 'name'), `must be unique, got ${show(name)} twice`);
    names.add(name);
  }
  return { nodes, inputs: refsIn(input_layers), outputs: refsIn(output_layers) };
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
    calls: Array.from(readList(inner, described.inbound_nodes ?? []), callOf),
  };
}

/**
 * Keras 3 writes { args, kwargs }; other formats a list of references, or a single one, whose last item is the kwargs.
 */
function callOf(node: unknown): Call {
  if (isObject(node) && !Array.isArray(node)) {
    const { args, kwargs } = node as { args?: unknown; kwargs?: unknown };
    return { inbound: refsIn(args), ...argumentsOf(kwargs) };
  }
  const inbound = refsIn(node);
  const list: unknown[] = !Array.isArray(node) ? [] : isRef(node) ? [node] : node;
  const [first] = list;
  return { inbound, ...argumentsOf(Array.isArray(first) ? first[3] : undefined) };
}

function argumentsOf(kwargs: unknown): Pick<Call, 'named' | 'training'> {
  const entries = isObject(kwargs) ? Object.entries(kwargs) : [];
  const named = entries.map(([name, value]) => [name, refsIn(value)] as const).filter(([, refs]) => refs.length > 0);
  return {
    named: Object.fromEntries(named),
    training: entries.some(([name, value]) => name === 'training' && Boolean(value)),
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

// ----------------------------------------------------------------------------------------------------------- chains

/**
 * Layers that Keras 3 adds to a graph to compute masks. They are checked but not loaded, because here masking and
 * embedding layers compute masks.
 */
const MASKS: readonly string[] = ['Any', 'NotEqual'];

/**
 * The layers of a graph from its input to its output, if they form a chain: a sequential model.
 *
 * @throws ValueError that describes any other graph
 */
export function chainOf(location: FilePath, { nodes, inputs, outputs }: Graph): readonly GraphNode[] {
  const rejectGraph = (what: string): never =>
    failAt(location, `must be a chain of layers from one input to one output, got ${what}`);
  const several = (what: string, refs: readonly Ref[]) =>
    rejectGraph(
      `a graph of ${refs.length} ${what}: ${refs
        .slice(0, 4)
        .map(({ layer }) => show(layer))
        .join(', ')}`,
    );
  if (inputs.length !== 1) several('inputs', inputs);
  if (outputs.length !== 1) several('outputs', outputs);
  const layers = nodes.filter(({ className }) => !MASKS.includes(className));
  const above = new Map<string, GraphNode>();
  for (const node of layers) {
    const name = show(node.name);
    if (node.calls.length > 1)
      rejectGraph(`${name}, which is applied ${node.calls.length} times and shares its weights`);
    const [call] = node.calls;
    if (!call) continue;
    const { inbound, named, training } = call;
    const state = Object.keys(named).find(argument => argument !== 'mask');
    if (state) rejectGraph(`${name}, which takes the output of a layer as ${show(state)}`);
    if (training) failAt(node.location, 'must not be called with training: true');
    if (inbound.length !== 1) rejectGraph(`${name}, which has ${inbound.length} inputs`);
    const { layer, output } = inbound[0]!;
    if (output !== 0) rejectGraph(`${name}, which takes output ${output} of ${show(layer)}, such as a state`);
    const other = above.get(layer);
    if (other) rejectGraph(`a branch: ${show(other.name)} and ${name} both take the output of ${show(layer)}`);
    above.set(layer, node);
  }
  const chain: GraphNode[] = [];
  const first = layers.find(({ name }) => name === inputs[0]!.layer);
  for (let node = first; node && chain.length < layers.length; node = above.get(node.name)) chain.push(node);
  if (chain.length !== layers.length) rejectGraph(`${layers.length} layers of which ${chain.length} are in the chain`);
  const { layer, output } = outputs[0]!;
  if (chain.at(-1)!.name !== layer) rejectGraph(`an output at ${show(layer)}, below the last layer`);
  if (output !== 0) rejectGraph(`output ${output} of ${show(layer)}, such as a state`);
  checkMaskOps(nodes, chain);
  return chain;
}

/** Checks that the layers that compute a mask use that of the embedding or masking layer of the chain. */
function checkMaskOps(nodes: readonly GraphNode[], chain: readonly GraphNode[]): void {
  const byName = new Map(nodes.map(node => [node.name, node]));
  const sourceOf = (name: string): string | undefined => {
    let source: string | undefined = name;
    for (const className of MASKS) {
      const node: GraphNode | undefined = byName.get(source ?? '');
      if (node?.className === className) source = node.calls[0]?.inbound[0]?.layer;
    }
    return source;
  };
  for (const { location: here, calls } of chain) {
    for (const { layer } of calls[0]?.named.mask ?? []) {
      const source = sourceOf(layer);
      const maker = chain.find(({ calls }) => calls[0]?.inbound[0]?.layer === source);
      const config = maker?.described.config as { mask_zero?: unknown } | undefined;
      const makes = maker?.className === 'Masking' || (maker?.className === 'Embedding' && config?.mask_zero === true);
      if (!makes || !MASKS.includes(byName.get(layer)?.className ?? '')) {
        failAt(
          here,
          'must have the mask of an Embedding with mask_zero or of a Masking layer below it, got another mask',
        );
      }
    }
  }
}
