/** Describes the graph of a functional model as TF.js does, in camelCase. */

import type { Layer } from '../layers/layer.ts';
import type { LayerNode, SymbolicTensor } from '../layers/symbolicTensor.ts';
import { type Config, type ConfigValue, serialize } from '../util/config.ts';
import type { Graph } from './graph.ts';

type Node = LayerNode<Layer>;

/** The `config` of a functional model. */
export function graphConfig(name: string, graph: Graph): Config {
  const { layers, calls, positions } = numberedCalls(graph);
  const referTo = (tensor: SymbolicTensor<Layer>): ConfigValue[] => {
    const { layer } = tensor.node;
    // TF.js counts the calls of a nested model from 1, after the call that made the model
    const first = layer.innerGraph ? 1 : 0;
    return [layer.name, first + positions.get(tensor.node)!, tensor.index];
  };
  return {
    name,
    layers: layers.map((layer): Config => {
      return {
        ...serialize(layer),
        name: layer.name,
        inboundNodes: calls.get(layer)!.map(({ inputs, training, masks }) => {
          const refs = masks.map(mask => mask && referTo(mask));
          const mask = refs.length === 1 && refs[0] ? refs[0] : refs;
          const named = { ...(training !== null && { training }), ...(masks.length > 0 && { mask }) };
          // TF.js lists initial states among the inputs, and uses the arguments of the last input
          return inputs.map(tensor => [...referTo(tensor), named]);
        }),
      };
    }),
    inputLayers: graph.inputs.map(referTo),
    outputLayers: graph.outputs.map(referTo),
  };
}

/** The calls of each layer, and their numbers, which count from 0. */
export interface NumberedCalls {
  readonly layers: readonly Layer[];
  readonly calls: ReadonlyMap<Layer, readonly Node[]>;
  readonly positions: ReadonlyMap<Node, number>;
}

/**
 * Numbers the calls of each layer in the order in which TF.js makes them when it loads a file: layer by layer, again and
 * again, each call as soon as the calls that it reads have been made. TF.js numbers them so, whatever their order in the
 * file is.
 */
export function numberedCalls({ layers, nodes }: Graph): NumberedCalls {
  const waiting = new Map<Layer, Node[]>(layers.map(layer => [layer, []]));
  const calls = new Map<Layer, Node[]>(layers.map(layer => [layer, []]));
  const positions = new Map<Node, number>();
  let left = 0;
  for (const node of nodes) {
    if (node.inputs.length === 0) {
      positions.set(node, 0);
      continue;
    }
    waiting.get(node.layer)!.push(node);
    left++;
  }
  let open = [...layers];
  while (left > 0) {
    for (const layer of open) {
      const later: Node[] = [];
      for (const node of waiting.get(layer)!) {
        if (node.reads.some(tensor => !positions.has(tensor.node))) {
          later.push(node);
          continue;
        }
        const made = calls.get(layer)!;
        positions.set(node, made.length);
        made.push(node);
        left--;
      }
      waiting.set(layer, later);
    }
    open = open.filter(layer => waiting.get(layer)!.length > 0);
  }
  return { layers, calls, positions };
}
