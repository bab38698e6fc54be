/** Reads PRelu nodes. */

import { inTimeOrder } from './insertedLayers.ts';
import type { NodeReader } from './nodeReader.ts';
import { type DirectionOutput, type LayerOutput, sizeOfAxis } from './values.ts';

/** Reads a PRelu, whose slopes may differ between features and, with a fixed number of them, between time steps. */
export function prelu(node: NodeReader): LayerOutput {
  const slope = node.floats(1);
  const given = node.layerInput(0);
  const rank = given.axes.length;
  const dims = [...Array.from({ length: rank - slope.dims.length }, () => 1), ...slope.dims];
  const fits = (dim: number, axis: number) =>
    dim === 1 || (['time', 'width'].includes(given.axes[axis]!) && dim === sizeOfAxis(given, axis));
  if (dims.length !== rank || !dims.every(fits)) {
    node.fail(`its slopes must fit [${given.axes.join(', ')}] without the batch, got [${slope.dims.join(', ')}]`);
  }
  node.spend(slope.values.length);
  const [timeAxis, widthAxis] = [given.axes.indexOf('time'), given.axes.indexOf('width')];
  const [steps, width] = [dims[timeAxis] ?? 1, dims[widthAxis] ?? 1];
  const output = steps > 1 ? inTimeOrder(node, given) : given;
  const [{ chain }] = output.parts as [DirectionOutput];
  // Slopes [width, steps] are transposed
  const isTurned = timeAxis > widthAxis && steps > 1 && width > 1;
  const values = isTurned
    ? Float32Array.from(slope.values, (_, n) => slope.values[(n % width) * steps + Math.floor(n / width)]!)
    : slope.values;
  const isSequence = chain.steps !== null;
  const shared = [
    ...(isSequence && steps === 1 ? [1] : []),
    ...(width === 1 && chain.width !== 1 ? [isSequence ? 2 : 1] : []),
  ];
  const spec = {
    factory: 'prelu',
    name: node.name,
    options: { ...(shared.length > 0 && { sharedAxes: shared }) },
    weights: [[{ dims: isSequence ? [steps, width] : [width], values }]],
    kind: 'other',
    sources: [slope],
  } as const;
  return { ...output, parts: [{ chain: node.addLayer(chain, spec), half: null }] };
}
