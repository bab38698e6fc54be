/** The order of layers in the files of Keras 3, whose graphs also have the operations that compute masks. */

import { Concatenate } from '../layers/concatenate.ts';
import { Dot } from '../layers/dot.ts';
import type { Layer } from '../layers/layer.ts';
import { Masking } from '../layers/masking.ts';
import { Merge } from '../layers/merge.ts';
import { Bidirectional } from '../layers/recurrent/bidirectional.ts';
import { Recurrent } from '../layers/recurrent/recurrent.ts';
import { RepeatVector } from '../layers/repeatVector.ts';
import type { LayerNode } from '../layers/symbolicTensor.ts';
import { type Graph, meetingOrder } from '../model/graph.ts';
import type { LayersModel } from '../model/layersModel.ts';
import { takesMask } from './maskArguments.ts';

type Node = LayerNode<Layer>;

/** A call of a layer, or an operation that computes a mask. */
interface Vertex {
  readonly layer: Layer | null;
  readonly reads: readonly Vertex[];
}

/** The layers of a model in the order in which Keras 3 lists and numbers them. */
export function kerasLayers(model: LayersModel): readonly Layer[] {
  const graph = model.innerGraph;
  if (!graph || model.className === 'Sequential') return model.layers;
  // The operations have an effect only on layers below a masking layer
  const matters = graph.nodes.some(
    ({ layer, inputs }) => layer instanceof Masking && inputs[0]!.node.inputs.length > 0,
  );
  if (!matters) return graph.layers;
  const depths = layerDepths(graph);
  const order = new Map([...meetingOrder(graph.outputs)].map((layer, n) => [layer, n]));
  return [...graph.layers].sort((a, b) => depths.get(b)! - depths.get(a)! || order.get(a)! - order.get(b)!);
}

/** The largest distance of each layer from an output. */
function layerDepths(graph: Graph): ReadonlyMap<Layer, number> {
  const vertices = verticesOf(graph);
  const depths = new Map<Vertex, number>();
  const ofLayers = new Map<Layer, number>();
  for (const vertex of vertices.toReversed()) {
    const { layer, reads } = vertex;
    // An operation whose mask no call reads is not in the graph
    if (!layer && !depths.has(vertex)) continue;
    const depth = Math.max(depths.get(vertex) ?? 0, (layer && ofLayers.get(layer)) ?? 0);
    if (layer) ofLayers.set(layer, depth);
    for (const read of reads) depths.set(read, Math.max(depth + 1, depths.get(read) ?? 0));
  }
  return ofLayers;
}

/** All calls and operations, each after those it reads. */
function verticesOf({ nodes }: Graph): Vertex[] {
  const vertices: Vertex[] = [];
  const calls = new Map<Node, Vertex>();
  const masks = new Map<Node, readonly (Vertex | null)[]>();
  const add = (layer: Layer | null, ...reads: Vertex[]): Vertex => {
    const vertex = { layer, reads };
    vertices.push(vertex);
    return vertex;
  };
  for (const node of nodes) {
    const own = node.inputs.map((tensor, n) => {
      const given = node.masks[n];
      if (given) return calls.get(given.node)!;
      return node.masks.length > 0 ? null : (masks.get(tensor.node)?.[tensor.index] ?? null);
    });
    const reads = node.reads.map(({ node }) => calls.get(node)!);
    if (own[0] && hasMaskArgument(node)) reads.push(own[0]);
    const vertex = add(node.layer, ...reads);
    calls.set(node, vertex);
    masks.set(
      node,
      outputMasks(node, reads, own, (...inputs) => add(null, ...inputs)),
    );
  }
  return vertices;
}

/** Whether Keras records the mask of the input as an argument of the call: for calls of one tensor and no arguments. */
const hasMaskArgument = ({ layer, inputs, masks, training }: Node): boolean =>
  takesMask(layer) && inputs.length === 1 && masks.length === 0 && training === null;

/** The masks of the outputs of a call. */
function outputMasks(
  { layer, inputs }: Node,
  reads: readonly Vertex[],
  masks: readonly (Vertex | null)[],
  add: (...reads: Vertex[]) => Vertex,
): readonly (Vertex | null)[] {
  const [first = null] = masks;
  if (layer instanceof Masking) return [add(add(reads[0]!))];
  if (layer.createsMask) return [add(reads[0]!)];
  if (layer instanceof Merge) {
    const known = masks.filter(mask => mask !== null);
    return [known.length === masks.length ? known.reduce((a, b) => add(a, b)) : null];
  }
  if (layer instanceof Concatenate) {
    if (masks.every(mask => mask === null)) return [null];
    const wide = inputs.map((_, n) => (masks[n] ? add(add(masks[n])) : add(reads[n]!)));
    return [add(add(...wide))];
  }
  const ends = layer.endsMask || layer instanceof Dot || layer instanceof RepeatVector;
  if (ends || layer.nestedLayers) return [null];
  if (layer instanceof Recurrent || layer instanceof Bidirectional) {
    if (!layer.returnSequences) return [null];
    return layer instanceof Bidirectional && layer.mergeMode === null ? [first, first] : [first];
  }
  return [first];
}
