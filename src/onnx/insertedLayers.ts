/** Layers that no node of the graph corresponds to, but that the meaning of the axes requires. */

import { callMasks } from './masks.ts';
import type { NodeReader } from './nodeReader.ts';
import { type Axis, type DirectionOutput, type LayerOutput, layerOutputOf } from './values.ts';

/** Exchanges time steps and features by a permute layer; the axes of the tensor stay where they are. */
export function permuted(node: NodeReader, output: LayerOutput): LayerOutput {
  const ordered = inTimeOrder(node, output);
  const [{ chain }] = ordered.parts as [DirectionOutput];
  const { steps } = chain;
  if (typeof steps !== 'number') {
    return node.fail('must have a fixed number of time steps where they are read as features, got a variable number');
  }
  const spec = { factory: 'permute', name: '', options: { dims: [2, 1] }, weights: [], kind: 'other' } as const;
  const layer = node.addLayer(chain, spec, { steps: node.widthOf(chain), width: steps, flipped: false, mask: null });
  return layerOutputOf(layer, ordered.axes.map(exchanged));
}

const exchanged = (axis: Axis): Axis => (axis === 'time' ? 'width' : axis === 'width' ? 'time' : axis);

/** The output itself or, if it then has the wanted axes, with time steps and features exchanged. */
export function withAxes(node: NodeReader, output: LayerOutput, wanted: readonly Axis[]): LayerOutput {
  const swaps = output.axes.map(exchanged).join() === wanted.join() && output.axes.join() !== wanted.join();
  return swaps ? permuted(node, output) : output;
}

/** Repeats one step for each sample, [batch, one, width], n times: [batch, time, width]. */
export function repeatStep(node: NodeReader, output: LayerOutput, n: number): LayerOutput {
  const [{ chain }] = node.withLayers(output).parts as [DirectionOutput];
  const spec = { factory: 'repeatVector', name: node.name, options: { n }, weights: [], kind: 'other' } as const;
  return layerOutputOf(node.addLayer(chain, spec, { steps: n, flipped: false, mask: null }), [
    'batch',
    'time',
    'width',
  ]);
}

/** Turns an output that has an axis of size 1 instead of time into a sequence of one step. */
export function asSequence(node: NodeReader, output: LayerOutput): LayerOutput {
  const { axes } = output;
  const sampleAxes = axes.filter(axis => axis === 'one' || axis === 'batch' || axis === 'width');
  if (axes.length !== 3 || new Set(sampleAxes).size !== 3 || output.parts[0]!.chain.steps !== null) return output;
  return { ...repeatStep(node, output, 1), axes: axes.map((axis): Axis => (axis === 'one' ? 'time' : axis)) };
}

/**
 * Aligns the time order of the layers with that of the graph. If the layers output the steps in reverse, adds a frozen
 * simpleRNN that copies them from last to first: its kernel is the identity, its recurrent kernel zero.
 */
export function inTimeOrder(node: NodeReader, output: LayerOutput): LayerOutput {
  const converted = node.withLayers(output);
  const [{ chain }] = converted.parts as [DirectionOutput];
  if (!chain.flipped) return converted;
  const width = node.widthOf(chain);
  node.spend(2 * width * width);
  const identityMatrix = new Float32Array(width * width);
  for (let n = 0; n < width; n++) identityMatrix[n * width + n] = 1;
  const dims = [width, width];
  const masks = callMasks(node, [chain], [null]);
  const spec = {
    factory: 'simpleRNN',
    name: 'reversed',
    options: {
      units: width,
      activation: 'linear',
      useBias: false,
      returnSequences: true,
      goBackwards: true,
      trainable: false,
    },
    weights: [
      [
        { dims, values: identityMatrix },
        { dims, values: new Float32Array(width * width) },
      ],
    ],
    kind: 'steps',
    // A masked layer would not copy the masked steps
    ...(masks && { masks }),
  } as const;
  const copied = node.addLayer(chain, spec, { flipped: false, mask: null });
  return { ...converted, parts: [{ chain: copied, half: null }] };
}
