/** Merges two directions into a bidirectional layer: halves of one node, or two nodes with the same input. */

import { recurrentFactories } from '../util/recurrentNames.ts';
import { identity } from './formula.ts';
import { concatenateOutputs } from './mergeOutputs.ts';
import type { NodeReader } from './nodeReader.ts';
import { splitsOf } from './rearrangeConstants.ts';
import { type Chain, type DirectionOutput, type LayerOutput, type LayerSpec, MOST_PARTS } from './values.ts';

/** Merges two directions; null if the outputs are not two directions of one layer. */
export function mergeDirections(
  node: NodeReader,
  outputs: readonly LayerOutput[],
  mergeMode: string,
): LayerOutput | null {
  const parts = outputs.flatMap(output => output.parts);
  if (parts.length !== 2 || outputs.some(({ formula }) => formula.text !== identity.text)) return null;
  if (outputs.some(({ axes }) => axes.join() !== outputs[0]!.axes.join())) return null;
  const [first, second] = parts as [DirectionOutput, DirectionOutput];
  const { chain } = first;
  const spec = chain === second.chain ? specOfHalves(first, second) : specOfTwo(first, second);
  if (!spec) return null;
  const width = mergeMode === 'concat' ? 2 * node.widthOf(chain) : chain.width;
  const merged = node.replaceLayer(chain, { ...spec, options: { ...spec.options, mergeMode } }, { width });
  return { ...outputs[0]!, parts: [{ chain: merged, half: null }] };
}

const specOfHalves = (first: DirectionOutput, second: DirectionOutput): LayerSpec | null =>
  first.half === 0 && second.half === 1 && !first.chain.spec!.isCellState ? first.chain.spec : null;

/** Two layers of one kind with the same input, the second of which runs in the other direction of time. */
function specOfTwo({ chain: a, half }: DirectionOutput, { chain: b, half: other }: DirectionOutput): LayerSpec | null {
  const [first, second] = [a.spec, b.spec];
  if (half !== null || other !== null || !first || !second || !sameLayers(a.below, b.below)) return null;
  if (!recurrentFactories.includes(first.factory) || first.factory !== second.factory || first.kind !== second.kind)
    return null;
  const reversed = { ...second.options, goBackwards: !second.options.goBackwards };
  if (first.isCellState || second.isCellState || !first.initial !== !second.initial) return null;
  if (JSON.stringify(first.options) !== JSON.stringify(reversed) || a.mask?.key !== b.mask?.key) return null;
  // Exactly one of them must have had its outputs reversed, to align the time steps of both
  if (a.steps !== null && a.flipped === b.flipped) return null;
  return {
    factory: 'bidirectional',
    name: first.name,
    options: { layer: first.factory, inner: first.options },
    weights: [...first.weights, ...second.weights],
    kind: first.kind,
    sources: [...(first.sources ?? []), ...(second.sources ?? [])],
    ...(first.initial && { initial: [...first.initial, ...second.initial!] }),
    ...(first.masks && { masks: first.masks }),
  };
}

/** Whether two chains are the same layers, ignoring the order of time. */
const sameLayers = (a: Chain | null, b: Chain | null): boolean =>
  a === b || (a !== null && b !== null && a.spec === b.spec && a.below === b.below);

/** Whether an axis has size 1 and can be removed. */
export const isSingle = (output: LayerOutput, axis: number): boolean =>
  output.axes[axis] === 'one' ||
  (output.axes[axis] === 'direction' && output.parts.length === 1 && output.parts[0]!.half === null);

/** Whether an axis has size 1, or holds one half of a bidirectional layer. */
export const isOneDirection = (output: LayerOutput, axis: number): boolean =>
  output.axes[axis] === 'one' || (output.axes[axis] === 'direction' && output.parts.length === 1);

export const withoutAxis = (output: LayerOutput, axis: number): LayerOutput => ({
  ...output,
  axes: output.axes.filter((_, n) => n !== axis),
});

export function reduceDirections(node: NodeReader, mergeMode: string): LayerOutput {
  const output = node.layerOutput(0);
  const rank = output.axes.length;
  const axes = node.list('axes', 1);
  const [axis] = axes?.map(n => node.axis(n, rank)) ?? [];
  if (axes?.length !== 1 || output.axes[axis!] !== 'direction' || node.int('keepdims', 1) !== 0) {
    node.fail('must reduce the axis of both directions, without keepdims, got something else');
  }
  const merged = mergeDirections(node, [withoutAxis(output, axis!)], mergeMode);
  return merged ?? node.fail('must reduce both directions of one layer, got something else');
}

/** Concatenates directions along the features, or along the direction axis. */
export function concatDirections(node: NodeReader, outputs: readonly LayerOutput[]): LayerOutput {
  const [first] = outputs as [LayerOutput];
  if (outputs.length === 1) return first;
  const axis = node.axis(node.int('axis', 0), first.axes.length);
  const alike = outputs.every(
    ({ axes, formula }) => axes.join() === first.axes.join() && formula.text === identity.text,
  );
  if (first.axes[axis] === 'width') {
    const merged = alike ? mergeDirections(node, outputs, 'concat') : null;
    if (!merged && node.source.branches) return concatenateOutputs(node, outputs, axis);
    return (
      merged ??
      node.fail('must concatenate the forward and backward outputs of one layer, in that order, got something else')
    );
  }
  if (node.source.branches && first.axes[axis] !== 'direction') return concatenateOutputs(node, outputs, axis);
  const parts = outputs.flatMap(output => output.parts);
  if (!alike || first.axes[axis] !== 'direction' || parts.length > MOST_PARTS) {
    node.fail('must concatenate directions of layers, or final states, got something else');
  }
  return { ...first, parts };
}

/** Splits the direction axis. */
export function splitDirections(node: NodeReader): LayerOutput[] {
  const output = node.layerOutput(0);
  const axis = node.axis(node.int('axis', 0), output.axes.length);
  if (output.axes[axis] !== 'direction')
    node.fail(`must split directions of layers, got the axis ${output.axes[axis]}`);
  let from = 0;
  return splitsOf(node, output.parts.length).map(size => {
    const parts = output.parts.slice(from, from + size);
    from += size;
    return parts.length > 0
      ? { ...output, parts }
      : node.fail('each output must have at least one direction, got none');
  });
}
