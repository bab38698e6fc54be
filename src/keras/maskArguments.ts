/** The masks that calls are given, as arguments of calls in Keras 3. */

import { AttentionLayer } from '../layers/attentionLayer.ts';
import type { Layer } from '../layers/layer.ts';
import { MultiHeadAttention } from '../layers/multiHeadAttention.ts';
import { BatchNormalization } from '../layers/normalization.ts';
import { GlobalAveragePooling1D } from '../layers/pooling.ts';
import { RecurrentLayer } from '../layers/recurrent/recurrent.ts';
import { TimeDistributed } from '../layers/recurrent/timeDistributed.ts';
import type { LayerNode, SymbolicTensor } from '../layers/symbolicTensor.ts';
import { type FilePath, failAt } from '../saving/config/filePath.ts';
import type { Config } from '../util/config.ts';

type Tensor = SymbolicTensor<Layer>;

const BY_NAME = ['query_mask', 'value_mask', 'key_mask'] as const;

/** Whether a layer of one input has the argument `mask` in Keras. */
export const takesMask = (layer: Layer): boolean =>
  [RecurrentLayer, TimeDistributed, BatchNormalization, GlobalAveragePooling1D].some(kind => layer instanceof kind);

/** @throws ValueError for layers that take no mask in Keras, and where Keras would use a mask that the call removes */
export function maskArguments(
  location: FilePath,
  { layer, inputs, masks }: LayerNode<Layer>,
  tensorOf: (tensor: Tensor) => Config,
): Config {
  if (masks.length === 0) return {};
  const isAttention = layer instanceof AttentionLayer && !(layer instanceof MultiHeadAttention);
  if (isAttention) return { mask: masks.map(mask => mask && tensorOf(mask)) };
  if (masks.some((mask, n) => mask === null && mayHaveMask(inputs[n]!))) {
    failAt(location, 'must not remove the mask of an input, because Keras then uses that mask');
  }
  if (masks.every(mask => mask === null)) return {};
  if (layer instanceof MultiHeadAttention) {
    if (masks[0]) failAt(location, 'must not be given a mask of the query, which Keras does not pass on');
    return Object.fromEntries(masks.flatMap((mask, n) => (mask ? [[BY_NAME[n]!, tensorOf(mask)]] : [])));
  }
  if (masks[0] && takesMask(layer)) return { mask: tensorOf(masks[0]) };
  const takers = 'recurrent, timeDistributed, batchNormalization, globalAveragePooling1d and attention layers';
  const rule = `only ${takers} take masks in Keras`;
  return failAt(location, `the call must not be given a mask: ${rule}, got a ${layer.className} layer`);
}

/** Whether a mask may reach a tensor from the layers below. */
function mayHaveMask(tensor: Tensor): boolean {
  const met = new Set([tensor.node]);
  for (const { layer, masks, inputs } of met) {
    if (masks.length > 0 || (layer.nestedLayers ?? [layer]).some(each => each.createsMask)) return true;
    for (const { node } of inputs) met.add(node);
  }
  return false;
}
