/** Merges outputs of several layers, which makes the model a graph. */

import { asSequence, inTimeOrder, withAxes } from './insertedLayers.ts';
import { callMasks, eitherMask, joinedMask } from './masks.ts';
import type { NodeReader } from './nodeReader.ts';
import { added, type Size } from './sizes.ts';
import {
  type Axis,
  type CallMasks,
  type Chain,
  type LayerOutput,
  layerOutputOf,
  type Mask,
  type MergeOrigin,
  type Origin,
} from './values.ts';

/** A merging layer on top of several chains. */
export function merged(
  node: NodeReader,
  factory: string,
  options: object,
  inputs: readonly Chain[],
  steps: Size | null,
  width: Size,
  more: Partial<MergeOrigin> = {},
  mask: Mask | null = null,
): Chain {
  const { masks } = more;
  const calls = masks && { callMasks: () => callMasks(node, inputs, masks) };
  const origin: Origin = {
    kind: 'merge',
    factory,
    name: node.name,
    options: { ...options },
    inputs,
    ...more,
    ...calls,
  };
  return { ...startOf(node, origin, inputs, steps, width), mask };
}

/** A chain that starts with values of several other chains. */
export function startOf(
  node: NodeReader,
  origin: Origin,
  inputs: readonly Chain[],
  steps: Size | null,
  width: Size,
): Chain {
  const depth = Math.max(...inputs.map(chain => chain.depth));
  // The depth is that of a layer on top, so that its limit holds
  const below: Chain = { below: null, spec: null, origin, depth, steps, width, flipped: false, last: null, mask: null };
  return { ...below, depth: node.addLayer(below, NO_SPEC).depth };
}

const NO_SPEC = { factory: '', name: '', options: {}, weights: [], kind: 'other' } as const;

/** The maximum number of inputs of a merging layer. */
const MOST_INPUTS = 256;

function checkCount(node: NodeReader, outputs: readonly LayerOutput[]): void {
  if (outputs.length > MOST_INPUTS) node.fail(`must have at most ${MOST_INPUTS} inputs, got ${outputs.length}`);
}

/** An output in the order of time, in which axes of a single direction count as axes of size 1. */
export function operand(node: NodeReader, output: LayerOutput): LayerOutput {
  if (output.axes.includes('head')) node.fail('must not merge heads of attention with other outputs');
  return inTimeOrder(node, singleDirection(output));
}

/** Renames the axis of a single direction, which has size 1. */
export function singleDirection(output: LayerOutput): LayerOutput {
  const isSingle = output.parts.length === 1;
  return { ...output, axes: output.axes.map((axis): Axis => (axis === 'direction' && isSingle ? 'one' : axis)) };
}

/** Outputs with time steps and features in one order: that of a layer, unless none has it. */
function sameOrder(node: NodeReader, outputs: readonly LayerOutput[]): readonly LayerOutput[] {
  const order: readonly Axis[] = ['batch', 'time', 'width'];
  const differ = outputs.some(({ axes }) => axes.join() !== outputs[0]!.axes.join());
  return differ ? outputs.map(output => withAxes(node, output, order)) : outputs;
}

const chainOf = ({ parts }: LayerOutput): Chain => parts[0]!.chain;

/** The merging layers whose masked inputs have no influence on the output. */
const ignoresMasked = ['multiply', 'maximum', 'minimum'];

/** Adds a layer that merges outputs number by number. */
export function mergeOutputs(
  node: NodeReader,
  factory: string,
  outputs: readonly LayerOutput[],
  given: CallMasks = outputs.map(() => null),
): LayerOutput {
  checkCount(node, outputs);
  const rank = Math.max(...outputs.map(({ axes }) => axes.length));
  const operands = sameOrder(
    node,
    outputs.map(output => {
      const { axes, ...rest } = operand(node, output);
      return { ...rest, axes: [...Array.from({ length: rank - axes.length }, (): Axis => 'one'), ...axes] };
    }),
  );
  const reject = (): never => {
    const shapes = operands.map(({ axes }) => `[${axes.join(', ')}]`).slice(0, 12);
    return node.fail(`its inputs must have the same axes, or axes of size 1, got ${shapes.join(' and ')}`);
  };
  const axes = Array.from({ length: rank }, (_, n): Axis => {
    const different = [...new Set(operands.map(({ axes }) => axes[n]!))].filter(axis => axis !== 'one');
    return different.length > 1 ? reject() : (different[0] ?? 'one');
  });
  const twice = axes.some((axis, n) => axis !== 'one' && axes.indexOf(axis) < n);
  if (twice || !axes.includes('width') || operands.some(({ axes }) => !axes.includes('width'))) reject();
  const chains = operands.map(chainOf);
  const width = chains.map(chain => chain.width).find(size => size !== 1) ?? 1;
  const steps = chains.flatMap(chain => (chain.steps === null || chain.steps === 1 ? [] : [chain.steps]));
  const known = new Set(steps.filter(size => typeof size === 'number'));
  const widths = new Set(chains.map(chain => chain.width).filter(size => typeof size === 'number' && size !== 1));
  if (known.size > 1 || widths.size > 1) {
    const sizes = chains.map(chain => (chain.steps === null ? `${chain.width}` : `${chain.steps} x ${chain.width}`));
    node.fail(`its inputs must have equal sizes or sizes of 1, got ${sizes.slice(0, 12).join(' and ')}`);
  }
  const isSequence = chains.some(chain => chain.steps !== null);
  const masks = ignoresMasked.includes(factory) ? given : chains.map(chain => chain.mask);
  const length = isSequence ? (steps[0] ?? 1) : null;
  return layerOutputOf(merged(node, factory, {}, chains, length, width, { masks }, eitherMask(masks)), axes);
}

/** Adds a layer that concatenates outputs along the features or the time steps. */
export function concatenateOutputs(node: NodeReader, outputs: readonly LayerOutput[], axis: number): LayerOutput {
  checkCount(node, outputs);
  const along = outputs[0]!.axes[axis];
  const alongTime = along === 'time' || along === 'one';
  if (along !== 'width' && !alongTime) node.fail(`must concatenate features or time steps, got the axis ${along}`);
  const operands = sameOrder(
    node,
    outputs.map(output => operand(node, alongTime ? asSequence(node, operand(node, output)) : output)),
  );
  const [first] = operands as [LayerOutput];
  const chains = operands.map(chainOf);
  const alike = operands.every(({ axes }) => axes.join() === first.axes.join());
  const sequences = chains.filter(chain => chain.steps !== null).length;
  if (!alike || (sequences !== 0 && sequences !== chains.length) || (alongTime && sequences === 0)) {
    const shapes = operands.map(({ axes }) => `[${axes.join(', ')}]`).slice(0, 12);
    node.fail(`must concatenate outputs of the same axes, got ${shapes.join(' and ')}`);
  }
  const { width, steps } = chains[0]!;
  if (!alongTime) {
    const all = chains.reduce((sum, chain) => sum + node.widthOf(chain), 0);
    const mask = eitherMask(chains.map(chain => chain.mask));
    return layerOutputOf(merged(node, 'concatenate', {}, chains, steps, all, {}, mask), first.axes);
  }
  if (chains.some(chain => chain.width !== width))
    node.fail('must concatenate time steps of the same number of features');
  const total = chains
    .map(chain => chain.steps!)
    .reduce((sum, size) => added(sum, size) ?? `steps of ${node.name.replaceAll('*', '')}`);
  const mask = joinedMask(
    node,
    chains.map(chain => chain.mask ?? chain.steps!),
  );
  return layerOutputOf(merged(node, 'concatenate', { axis: 1 }, chains, total, width, {}, mask), first.axes);
}
