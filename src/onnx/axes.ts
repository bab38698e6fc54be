/** Nodes that permute, add, remove or resize axes. */

import { sizeOf } from '../util/shapes.ts';
import { isOneDirection, isSingle, mergeDirections, withoutAxis } from './directions.ts';
import { withHeads } from './heads.ts';
import { inTimeOrder, repeatStep, withAxes } from './insertedLayers.ts';
import type { NodeReader } from './nodeReader.ts';
import { addedAxes, permOf, withAdded } from './rearrangeConstants.ts';
import { type Size, withBatch } from './sizes.ts';
import { oneStep } from './timeSteps.ts';
import { type Axis, type DirectionOutput, type LayerOutput, layerOutputOf, sizeOfAxis } from './values.ts';

export function squeeze(node: NodeReader): LayerOutput {
  let output = node.layerOutput(0);
  const rank = output.axes.length;
  const axes = node.list('axes', 1)?.map(axis => node.axis(axis, rank));
  const removed = axes ?? [...output.axes.keys()].filter(axis => isSingle(output, axis));
  for (const axis of removed) {
    if (output.axes[axis] === 'time' && sizeOfAxis(output, axis) === 1) output = oneStep(node, output, axis, 'all');
    if (!isOneDirection(output, axis)) node.fail(`must remove axes of size 1, got the axis ${output.axes[axis]}`);
  }
  return { ...output, axes: output.axes.filter((_, n) => !removed.includes(n)) };
}

export function unsqueeze(node: NodeReader): LayerOutput {
  const output = node.layerOutput(0);
  const axes = withAdded<Axis>(output.axes, addedAxes(node, output.axes.length), 'one');
  return { ...output, axes };
}

export function transpose(node: NodeReader): LayerOutput {
  const output = node.layerOutput(0);
  return { ...output, axes: permOf(node, output.axes.length).map(axis => output.axes[axis]!) };
}

/** Whether a target size equals the size of an axis. */
function agrees(node: NodeReader, output: LayerOutput, axis: number, target: Size): boolean {
  const size = sizeOfAxis(output, axis);
  const { batch } = node.source;
  return target === size || (batch !== null && target === withBatch(size, batch));
}

export function reshape(node: NodeReader): LayerOutput {
  const output = node.layerOutput(0);
  const shape = node.attributes.get('shape')?.ints ?? node.sizes(1).values;
  const open = shape.indexOf(-1);
  if (open >= 0 && shape.includes(-1, open + 1)) node.fail('its shape must have at most one -1, got more');
  const copiesZeros = node.int('allowzero', 0) === 0;
  const target = shape.map((size, axis) =>
    size === 0 && copiesZeros && axis < output.axes.length ? sizeOfAxis(output, axis) : size,
  );
  const fits = (from: LayerOutput) =>
    target.length === from.axes.length && target.every((size, n) => size === -1 || agrees(node, from, n, size));
  const squeezed = { ...output, axes: output.axes.filter((_, n) => !isSingle(output, n)) };
  const same = [output, squeezed]
    .flatMap(from => [from, ...mergedDirections(node, from), ...rows(from), ...withHeads(node, from, target)])
    .find(fits);
  return same ?? reshapedSamples(node, squeezed, target);
}

/** Concatenates both directions, if their axis precedes the feature axis. */
function mergedDirections(node: NodeReader, output: LayerOutput): LayerOutput[] {
  const axis = output.axes.length - 2;
  if (output.axes[axis] !== 'direction' || output.axes[axis + 1] !== 'width') return [];
  const merged = mergeDirections(node, [withoutAxis(output, axis)], 'concat');
  return merged ? [merged] : [];
}

/** Merges the batch and time axes into rows of a matrix, or splits such rows again. */
function rows(output: LayerOutput): LayerOutput[] {
  const [first, second, ...rest] = output.axes;
  const { steps } = output.parts[0]!.chain;
  if (steps === 1 || output.ids) return [];
  if (first === 'batch*time') return [{ ...output, axes: ['batch', 'time', ...output.axes.slice(1)] }];
  if (first === 'time*batch') return [{ ...output, axes: ['time', 'batch', ...output.axes.slice(1)] }];
  if (first === 'batch' && second === 'time') return [{ ...output, axes: ['batch*time', ...rest] }];
  if (first === 'time' && second === 'batch') return [{ ...output, axes: ['time*batch', ...rest] }];
  return [];
}

/** Adds a reshape or flatten layer. */
function reshapedSamples(node: NodeReader, given: LayerOutput, target: readonly Size[]): LayerOutput {
  const output = withAxes(node, given, ['batch', 'time', 'width']);
  const { axes } = output;
  const reject = (): never =>
    node.fail(
      `must reshape each sample on its own, got the input [${axes.join(', ')}] and the shape [${target.slice(0, 12).join(', ')}]`,
    );
  const inOrder = axes.join() === 'batch,time,width' || axes.join() === 'batch,width';
  if (!inOrder || (target.length !== 2 && target.length !== 3)) reject();
  const sizes = axes.map((_, axis) => sizeOfAxis(output, axis)).slice(1);
  if (!sizes.every(size => typeof size === 'number')) rejectVariableTime(node);
  const all = sizeOf(sizes as number[]);
  const rest = target.slice(1);
  const free = rest.filter(size => size === -1).length;
  const known = sizeOf(rest.map(size => (typeof size === 'number' && size > 0 ? size : size === -1 ? 1 : 0)));
  const first = target[0] === -1 || agrees(node, output, 0, target[0]!);
  if (!first || (target[0] === -1 && free > 0) || known === 0 || all % known !== 0) reject();
  if (free === 0 && known !== all) reject();
  return reshaped(
    node,
    output,
    rest.map(size => (size === -1 ? all / known : (size as number))),
  );
}

const rejectVariableTime = (node: NodeReader): never =>
  node.fail('must have a fixed number of time steps, got a variable number');

function reshaped(node: NodeReader, output: LayerOutput, shape: readonly number[]): LayerOutput {
  const ordered = inTimeOrder(node, output);
  const [{ chain }] = ordered.parts as [DirectionOutput];
  const [steps, width] = shape.length === 2 ? [shape[0]!, shape[1]!] : [null, shape[0]!];
  const flat = shape.length === 1;
  const reshapedChain = node.addLayer(
    chain,
    {
      factory: flat ? 'flatten' : 'reshape',
      name: node.name,
      options: flat ? {} : { targetShape: shape },
      weights: [],
      kind: 'other',
    },
    { steps, width, mask: null },
  );
  return layerOutputOf(reshapedChain, flat ? ['batch', 'width'] : ['batch', 'time', 'width']);
}

export function flatten(node: NodeReader): LayerOutput {
  const output = node.layerOutput(0);
  const { axes } = output;
  const axis = node.axis(node.int('axis', 1), axes.length + 1);
  const [joined] = axis === 2 && axes.length === 3 ? rows(output) : [];
  if (joined) return joined;
  if (axis !== 1 || axes[0] !== 'batch') node.fail(`must keep only the batch axis, got [${axes.join(', ')}]`);
  const single = { ...output, axes: axes.filter((_, n) => !isSingle(output, n)) };
  const squeezed = withAxes(node, single, ['batch', 'time', 'width']);
  if (squeezed.axes.join() === 'batch,width') return squeezed;
  if (squeezed.axes.join() !== 'batch,time,width') {
    node.fail(`its input must be [batch, time, width], got [${axes.join(', ')}]`);
  }
  const [, steps, width] = squeezed.axes.map((_, n) => sizeOfAxis(squeezed, n));
  return typeof steps === 'number' ? reshaped(node, squeezed, [steps * (width as number)]) : rejectVariableTime(node);
}

/** The size of an axis after Expand; null if incompatible. */
export const expanded = (size: Size, target: Size): Size | null =>
  target === 1 || target === size || target === -1 ? size : size === 1 ? target : null;

/** The size of an axis after Tile. */
export const tiled = (size: Size, times: Size): Size | null => (times === 1 ? size : size === 1 ? times : null);

/** Repeats one step for each sample: turns [batch, one, width] into [batch, time, width]. */
export function repeat(node: NodeReader, sizeAfter: (size: Size, by: Size) => Size | null): LayerOutput {
  const output = node.layerOutput(0);
  const by = node.sizes(1).values;
  const { axes } = output;
  if (by.length !== axes.length) node.fail(`must have a size for each of ${axes.length} axes, got ${by.length}`);
  const sizes = axes.map((_, axis) => sizeOfAxis(output, axis));
  const wanted = by.map((n, axis) => (n === node.source.batch && axes[axis] === 'batch' ? 'batch' : n));
  const after = sizes.map((size, axis) => sizeAfter(size, wanted[axis]!));
  if (after.every((size, axis) => size === sizes[axis])) return output;
  const [, steps] = after;
  const others = after.every((size, axis) => axis === 1 || size === sizes[axis]);
  if (axes.join() !== 'batch,one,width' || !others || typeof steps !== 'number' || steps < 1) {
    node.fail(`must repeat one step for each sample a fixed number of times, got [${by.slice(0, 12).join(', ')}]`);
  }
  return repeatStep(node, output, steps);
}
