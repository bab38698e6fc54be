/** Reads BatchNormalization and LayerNormalization. */

import type { NodeReader } from './nodeReader.ts';
import type { DirectionOutput, Floats, LayerOutput } from './values.ts';

/** A layer of weights with one number for each feature. */
function normalize(node: NodeReader, x: LayerOutput, factory: string, options: object, weights: Floats[]): LayerOutput {
  const [{ chain }] = x.parts as [DirectionOutput];
  const width = node.widthOf(chain);
  for (const weight of weights) node.expectShape('its weights', weight, [width]);
  node.spend(weights.length * width);
  const spec = {
    factory,
    name: node.name,
    options: { ...options, epsilon: node.float('epsilon', 1e-5) },
    weights: [weights],
    kind: 'each',
    sources: weights,
  } as const;
  return { ...x, parts: [{ chain: node.addLayer(chain, spec), half: null }] };
}

/** Reads a BatchNormalization of the features, which are the second axis: [batch, width] or [batch, width, time]. */
export function batchNormalization(node: NodeReader): LayerOutput {
  if (node.int('training_mode', 0) !== 0) node.fail('its training_mode must be 0, that of inference, got 1');
  const x = node.layerInput(0);
  if (x.axes[1] !== 'width') node.fail(`its input must have the axis width second, got [${x.axes.join(', ')}]`);
  const weights = [1, 2, 3, 4].map(index => node.floats(index));
  return normalize(node, x, 'batchNormalization', { momentum: node.float('momentum', 0.9) }, weights);
}

/** Reads a LayerNormalization of the features, the last axis. */
export function layerNormalization(node: NodeReader): LayerOutput {
  const x = node.layerInput(0);
  const axis = node.axis(node.int('axis', -1), x.axes.length);
  if (axis !== x.axes.length - 1 || x.axes[axis] !== 'width') {
    node.fail(`its axis must be the last one, width, got axis ${axis} of [${x.axes.join(', ')}]`);
  }
  const center = node.has(2);
  const weights = [1, ...(center ? [2] : [])].map(index => node.floats(index));
  return normalize(node, x, 'layerNormalization', { center }, weights);
}
