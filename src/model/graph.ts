/** The graph of a model: calls of layers, from symbolic inputs to symbolic outputs. */

import { ExplicitMask } from '../layers/explicitMask.ts';
import { InputLayer } from '../layers/inputLayer.ts';
import type { Layer } from '../layers/layer.ts';
import { type LayerNode, type NodeGraph, SymbolicTensor } from '../layers/symbolicTensor.ts';
import { type CallGraph, callGraph, type LayerCall } from '../plan/callGraph.ts';
import { fail, show } from '../util/errors.ts';
import { type Shape, sameShape } from '../util/shapes.ts';

export type Tensors = readonly SymbolicTensor<Layer>[];
type Node = LayerNode<Layer>;

/** A graph does not change. A model whose layers change gets a new one. */
export class Graph implements NodeGraph<Layer> {
  readonly inputs: Tensors;
  readonly outputs: Tensors;
  readonly nodes: readonly Node[];
  /** The layers that are called, in the order of Keras and TF.js. A nested model counts as a layer. */
  readonly layers: readonly Layer[];
  #calls: CallGraph | null = null;

  /** @throws ValueError if the outputs do not depend on all of the inputs and nothing else, or two layers have one name */
  constructor(call: string, inputs: Tensors, outputs: Tensors) {
    this.inputs = inputs;
    this.outputs = outputs;
    this.nodes = traceNodes(outputs);
    checkInputs(call, inputs, this.nodes);
    for (const node of this.nodes) checkNested(call, node);
    this.layers = layersByDepth(outputs, this.nodes);
    checkNames(call, this.layers);
  }

  /** All calls, with those of nested models in their place and without those of input layers, which compute nothing. */
  get calls(): CallGraph {
    this.#calls ??= flatten(this);
    return this.#calls;
  }

  /** The shapes of the outputs for given shapes of the inputs. @throws ValueError if a layer cannot process them */
  shapesFor(call: string, inputs: readonly Shape[]): Shape[] {
    const { calls, outputs, inputCount } = this.calls;
    const shapes: Shape[] = inputs.slice(0, inputCount);
    for (const { layer, inputs: read, firstOutput } of calls) {
      const own = layer.outputShapesFor(
        call,
        read.map(value => shapes[value]!),
      );
      for (const [n, shape] of own.entries()) shapes[firstOutput + n] = shape;
    }
    return outputs.map(value => shapes[value]!);
  }
}

/** The layers with those of nested models in their place, each once. */
export function withNested(layers: readonly Layer[]): Layer[] {
  return [...new Set(layers.flatMap(layer => layer.nestedLayers ?? [layer]))];
}

/** The nodes on which tensors depend, each after those it reads. */
function traceNodes(outputs: Tensors): Node[] {
  const nodes: Node[] = [];
  const finished = new Set<Node>();
  // With a stack of its own, because deep graphs would overflow that of JavaScript
  const open: { node: Node; next: number }[] = [];
  const visit = (node: Node) => {
    if (!finished.has(node)) open.push({ node, next: 0 });
  };
  for (const { node } of outputs) {
    visit(node);
    while (open.length > 0) {
      const top = open.at(-1)!;
      const input = top.node.reads[top.next++];
      if (input) {
        visit(input.node);
        continue;
      }
      open.pop();
      if (finished.has(top.node)) continue;
      finished.add(top.node);
      nodes.push(top.node);
    }
  }
  return nodes;
}

function checkInputs(call: string, inputs: Tensors, nodes: readonly Node[]): void {
  const known = new Set(nodes);
  for (const { node } of inputs) {
    if (!(node.layer instanceof InputLayer) || node.inputs.length > 0) {
      fail(call, `inputs must come from input(), got an output of '${node.layer.name}'`);
    }
    if (!known.has(node)) fail(call, `every input must lead to an output, which '${node.layer.name}' does not`);
  }
  const given = new Set(inputs.map(({ node }) => node));
  if (given.size < inputs.length) fail(call, 'inputs must differ, got one of them twice');
  const missing = nodes.find(node => node.inputs.length === 0 && !given.has(node));
  if (missing)
    fail(call, `inputs must hold all inputs that the outputs depend on, got none for '${missing.layer.name}'`);
}

/** Fails if the layers of a nested model have changed since it was applied. */
function checkNested(call: string, { layer, inputs, outputs }: Node): void {
  if (!layer.innerGraph || inputs.length === 0) return;
  const shapes = layer.connect(
    call,
    inputs.map(({ shape }) => shape),
  );
  if (shapes.length === outputs.length && shapes.every((shape, n) => sameShape(shape, outputs[n]!.shape))) return;
  fail(call, `the layers of '${layer.name}' must not change after it is applied; apply it again`);
}

function checkNames(call: string, layers: readonly Layer[]): void {
  const names = new Set<string>();
  for (const { name } of layers) {
    if (names.has(name)) fail(call, `the name of a layer must be unique in its model, got a second '${name}'`);
    names.add(name);
  }
}

/**
 * The layers by their largest distance from an output, the furthest first; those of the same distance in the order in
 * which a search from the outputs meets them. Keras and TF.js use this order for weights and files.
 */
function layersByDepth(outputs: Tensors, nodes: readonly Node[]): Layer[] {
  const depths = new Map<Node, number>();
  const layerDepths = new Map<Layer, number>();
  for (const node of [...nodes].reverse()) {
    const depth = Math.max(depths.get(node) ?? 0, layerDepths.get(node.layer) ?? 0);
    depths.set(node, depth);
    layerDepths.set(node.layer, depth);
    for (const input of node.reads) depths.set(input.node, Math.max(depth + 1, depths.get(input.node) ?? 0));
  }
  const order = new Map([...meetingOrder(outputs)].map((layer, n) => [layer, n]));
  return [...layerDepths.keys()].sort(
    (a, b) => layerDepths.get(b)! - layerDepths.get(a)! || order.get(a)! - order.get(b)!,
  );
}

/** The layers in the order in which a depth-first search from the outputs meets them. */
export function meetingOrder(outputs: Tensors): Set<Layer> {
  const met = new Set<Layer>();
  const seen = new Set<Node>();
  const open = [...outputs].reverse().map(({ node }) => node);
  for (let node = open.pop(); node; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    met.add(node.layer);
    for (const input of [...node.reads].reverse()) open.push(input.node);
  }
  return met;
}

/** Numbers the values, and replaces the calls of nested models by the calls in them. */
function flatten(graph: Graph): CallGraph {
  const calls: LayerCall[] = [];
  const names = new Map<string, number>();
  let next = graph.inputs.length;
  const uniqueName = (name: string): string => {
    const count = (names.get(name) ?? 0) + 1;
    names.set(name, count);
    return count === 1 ? name : `${name}/call${count}`;
  };
  /** Adds a call; returns the number of its first output. */
  const push = (layer: Layer, inputs: readonly number[], outputCount: number, training: boolean | null): number => {
    const firstOutput = next;
    calls.push({ layer, name: uniqueName(layer.name), inputs, firstOutput, outputCount, training });
    next += outputCount;
    return firstOutput;
  };
  const add = (
    { nodes }: NodeGraph<Layer>,
    values: Map<SymbolicTensor<Layer>, number>,
    training: boolean | null,
  ): void => {
    for (const node of nodes) {
      const { layer, outputs } = node;
      if (node.inputs.length === 0) continue; // an input of the graph, which has its number already
      const inputs = node.inputs.map(tensor => values.get(tensor)!);
      for (const [n, mask] of node.masks.entries()) {
        // Without time steps, an input has no mask
        if (node.inputs[n]!.rank !== 3) continue;
        const masked = mask ? [inputs[n]!, values.get(mask)!] : [inputs[n]!];
        inputs[n] = push(new ExplicitMask(layer.name, mask !== null), masked, 1, null);
      }
      const inner = layer.innerGraph;
      if (layer instanceof InputLayer) {
        values.set(outputs[0]!, inputs[0]!);
      } else if (inner) {
        const own = new Map(inner.inputs.map((tensor, n) => [tensor, inputs[n]!]));
        add(inner, own, node.training ?? training);
        for (const [n, tensor] of outputs.entries()) values.set(tensor, own.get(inner.outputs[n]!)!);
      } else {
        const first = push(layer, inputs, outputs.length, node.training ?? training);
        for (const [n, tensor] of outputs.entries()) values.set(tensor, first + n);
      }
    }
  };
  const values = new Map(graph.inputs.map((tensor, n) => [tensor, n]));
  add(graph, values, null);
  return callGraph(
    graph.inputs.length,
    calls,
    graph.outputs.map(tensor => values.get(tensor)!),
  );
}

/** A list of symbolic tensors from an argument that may be one of them. */
export function readTensors(call: string, name: string, value: unknown): SymbolicTensor<Layer>[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0) fail(call, `${name} must hold at least one symbolic tensor, got none`);
  return Array.from(list, tensor =>
    tensor instanceof SymbolicTensor
      ? (tensor as SymbolicTensor<Layer>)
      : fail(call, `${name} must be symbolic tensors, from input() and layer.apply, got ${show(tensor)}`),
  );
}

/** Whether each layer is called once, with the output of the layer before it. */
export const isChain = ({ inputs, outputs, nodes }: Graph): boolean =>
  inputs.length === 1 &&
  outputs.length === 1 &&
  new Set(nodes.map(({ layer }) => layer)).size === nodes.length &&
  nodes.every((node, n) => (n === 0 ? node.inputs.length === 0 : node.reads.length === 1)) &&
  nodes.every((node, n) => n === 0 || node.inputs[0]!.node === nodes[n - 1]);

/** The names of tensors, made unique by numbers. */
export function uniqueNames(tensors: Tensors): string[] {
  const counts = new Map<string, number>();
  return tensors.map(({ sourceLayer: { name } }) => {
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    return count === 0 ? name : `${name}_${count}`;
  });
}

/** Fails if a layer that reads ids of samples reads something that was computed. */
export function checkIdInputs(call: string, { calls, inputCount }: CallGraph): void {
  for (const { layer, inputs } of calls) {
    if (!layer.readsIds || inputs.every(value => value < inputCount)) continue;
    fail(call, `${layer.name} must read an input of the model, because its input is ids, got the output of a layer`);
  }
}
