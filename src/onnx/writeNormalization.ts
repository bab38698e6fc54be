/** Converts normalization layers. */

import { BatchNormalization, type LayerNormalization } from '../layers/normalization.ts';
import type { WriteContext } from './writeContext.ts';

/** The first version of the operator set with LayerNormalization. */
const LAYER_NORMALIZATION = 17;

/** Adds the nodes of a normalization; returns the output. */
export function writeNormalization(
  context: WriteContext,
  layer: BatchNormalization | LayerNormalization,
  name: string,
  x: string,
  rank: number,
): string {
  const { graph, opset } = context;
  const isOfBatch = layer instanceof BatchNormalization;
  const weights = context.weights(layer, 'normalization', () => weightNames(context, layer, isOfBatch));
  const epsilon = { f: layer.epsilon };
  if (isOfBatch) {
    // The operator has the features second
    const turn = { perm: { ints: [0, 2, 1] } };
    const turned = rank === 3 ? graph.add('Transpose', `${name}/featuresFirst`, [x], turn) : x;
    const attributes = { epsilon, momentum: { f: layer.momentum } };
    const at = rank === 3 ? `${name}/normalized` : name;
    const y = graph.add('BatchNormalization', at, [turned, ...weights], attributes);
    return rank === 3 ? graph.add('Transpose', name, [y], turn) : y;
  }
  if (opset >= LAYER_NORMALIZATION) {
    return graph.add('LayerNormalization', name, [x, ...weights], { axis: { i: -1 }, epsilon });
  }
  const overFeatures = { axes: { ints: [-1] }, keepdims: { i: 1 } };
  const mean = graph.add('ReduceMean', `${name}/mean`, [x], overFeatures);
  const centered = graph.add('Sub', `${name}/centered`, [x, mean]);
  const squares = graph.add('Mul', `${name}/squares`, [centered, centered]);
  const variance = graph.add('ReduceMean', `${name}/variance`, [squares], overFeatures);
  const sum = graph.add('Add', `${name}/sum`, [variance, graph.number(layer.epsilon)]);
  const deviation = graph.add('Sqrt', `${name}/deviation`, [sum]);
  const normalized = graph.add('Div', `${name}/normalized`, [centered, deviation]);
  const scaled = graph.add('Mul', weights[1] ? `${name}/scaled` : name, [normalized, weights[0]!]);
  return weights[1] ? graph.add('Add', name, [scaled, weights[1]]) : scaled;
}

/** The weights that the operators need: a beta is optional for LayerNormalization only. */
function weightNames(
  { call, graph }: WriteContext,
  layer: BatchNormalization | LayerNormalization,
  isOfBatch: boolean,
): string[] {
  const shape = [layer.inputShape.at(-1)!];
  const given = new Map(layer.readWeights(call).map((weight, n) => [layer.weightSpecs[n]!.name, weight.dataSync()]));
  const names = ['gamma', ...(layer.center || isOfBatch ? ['beta'] : []), ...(isOfBatch ? STATISTICS : [])];
  return names.map(name => {
    const values = given.get(name) ?? new Float32Array(shape[0]!).fill(name === 'gamma' ? 1 : 0);
    return graph.floats(`${layer.name}/${name}`, shape, values as Float32Array);
  });
}

const STATISTICS = ['movingMean', 'movingVariance'];
