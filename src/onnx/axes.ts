/** Nodes that permute, add, remove or resize axes. */

import { sizeOf } from '../util/shapes.ts';
import { addedAxes, permOf, withAdded } from './arrange.ts';
import { isOneDirection, isSingle, mergedHalves, without } from './halves.ts';
import { repeated, upright } from './inserted.ts';
import type { Reading } from './reading.ts';
import { type Size, withBatch } from './sizes.ts';
import { oneStep } from './steps.ts';
import { type Axis, type Part, type Stream, sizeOfAxis, streamOf } from './values.ts';

export function squeeze(node: Reading): Stream {
  let stream = node.stream(0);
  const rank = stream.axes.length;
  const axes = node.list('axes', 1)?.map(axis => node.axis(axis, rank));
  const gone = axes ?? [...stream.axes.keys()].filter(axis => isSingle(stream, axis));
  for (const axis of gone) {
    if (stream.axes[axis] === 'time' && sizeOfAxis(stream, axis) === 1) stream = oneStep(node, stream, axis, 'all');
    if (!isOneDirection(stream, axis)) node.fail(`must take away axes of one, got the axis ${stream.axes[axis]}`);
  }
  return { ...stream, axes: stream.axes.filter((_, n) => !gone.includes(n)) };
}

export function unsqueeze(node: Reading): Stream {
  const stream = node.stream(0);
  const axes = withAdded<Axis>(stream.axes, addedAxes(node, stream.axes.length), 'one');
  return { ...stream, axes };
}

export function transpose(node: Reading): Stream {
  const stream = node.stream(0);
  return { ...stream, axes: permOf(node, stream.axes.length).map(axis => stream.axes[axis]!) };
}

/** Whether a target size equals the size of an axis. */
function agrees(node: Reading, stream: Stream, axis: number, target: Size): boolean {
  const size = sizeOfAxis(stream, axis);
  const { batch } = node.source;
  return target === size || (batch !== null && target === withBatch(size, batch));
}

export function reshape(node: Reading): Stream {
  const stream = node.stream(0);
  const shape = node.attributes.get('shape')?.ints ?? node.sizes(1).values;
  const open = shape.indexOf(-1);
  if (open >= 0 && shape.includes(-1, open + 1)) node.fail('its shape must have one -1 at most, got more');
  const copies = node.int('allowzero', 0) === 0;
  const target = shape.map((size, axis) =>
    size === 0 && copies && axis < stream.axes.length ? sizeOfAxis(stream, axis) : size,
  );
  const fits = (from: Stream) =>
    target.length === from.axes.length && target.every((size, n) => size === -1 || agrees(node, from, n, size));
  const slim = { ...stream, axes: stream.axes.filter((_, n) => !isSingle(stream, n)) };
  const same = [stream, slim].flatMap(from => [from, ...sideBySide(node, from), ...rows(from)]).find(fits);
  return same ?? reshapedSamples(node, slim, target);
}

/** Concatenates both directions, if their axis precedes the feature axis. */
function sideBySide(node: Reading, stream: Stream): Stream[] {
  const axis = stream.axes.length - 2;
  if (stream.axes[axis] !== 'direction' || stream.axes[axis + 1] !== 'width') return [];
  const merged = mergedHalves(node, [without(stream, axis)], 'concat');
  return merged ? [merged] : [];
}

/** Merges the batch and time axes into rows of a matrix, or splits such rows again. */
function rows(stream: Stream): Stream[] {
  const [first, second, ...rest] = stream.axes;
  const { steps } = stream.parts[0]!.chain;
  if (steps === 1 || stream.ids) return [];
  if (first === 'batch*time') return [{ ...stream, axes: ['batch', 'time', ...stream.axes.slice(1)] }];
  if (first === 'time*batch') return [{ ...stream, axes: ['time', 'batch', ...stream.axes.slice(1)] }];
  if (first === 'batch' && second === 'time') return [{ ...stream, axes: ['batch*time', ...rest] }];
  if (first === 'time' && second === 'batch') return [{ ...stream, axes: ['time*batch', ...rest] }];
  return [];
}

/** Adds a reshape or flatten layer. */
function reshapedSamples(node: Reading, stream: Stream, target: readonly Size[]): Stream {
  const { axes } = stream;
  const refuse = (): never =>
    node.fail(
      `must keep samples apart, [${axes.join(', ')}] before it, got the shape [${target.slice(0, 12).join(', ')}]`,
    );
  const inOrder = axes.join() === 'batch,time,width' || axes.join() === 'batch,width';
  if (!inOrder || (target.length !== 2 && target.length !== 3)) refuse();
  const sizes = axes.map((_, axis) => sizeOfAxis(stream, axis)).slice(1);
  if (!sizes.every(size => typeof size === 'number')) refuseOpen(node);
  const all = sizeOf(sizes as number[]);
  const rest = target.slice(1);
  const free = rest.filter(size => size === -1).length;
  const known = sizeOf(rest.map(size => (typeof size === 'number' && size > 0 ? size : size === -1 ? 1 : 0)));
  const first = target[0] === -1 || agrees(node, stream, 0, target[0]!);
  if (!first || (target[0] === -1 && free > 0) || known === 0 || all % known !== 0) refuse();
  if (free === 0 && known !== all) refuse();
  return reshaped(
    node,
    stream,
    rest.map(size => (size === -1 ? all / known : (size as number))),
  );
}

const refuseOpen = (node: Reading): never =>
  node.fail('must take a fixed number of time steps, got an input whose number of them is open');

function reshaped(node: Reading, stream: Stream, shape: readonly number[]): Stream {
  const settled = upright(node, stream);
  const [{ chain }] = settled.parts as [Part];
  const [steps, width] = shape.length === 2 ? [shape[0]!, shape[1]!] : [null, shape[0]!];
  const flat = shape.length === 1;
  const grown = node.grow(
    chain,
    {
      factory: flat ? 'flatten' : 'reshape',
      name: node.name,
      options: flat ? {} : { targetShape: shape },
      weights: [],
      kind: 'other',
    },
    { steps, width },
  );
  return streamOf(grown, flat ? ['batch', 'width'] : ['batch', 'time', 'width']);
}

export function flatten(node: Reading): Stream {
  const stream = node.stream(0);
  const { axes } = stream;
  const axis = node.axis(node.int('axis', 1), axes.length + 1);
  const [joined] = axis === 2 && axes.length === 3 ? rows(stream) : [];
  if (joined) return joined;
  if (axis !== 1 || axes[0] !== 'batch') node.fail(`must keep the axis batch and no other, got [${axes.join(', ')}]`);
  const slim = { ...stream, axes: axes.filter((_, n) => !isSingle(stream, n)) };
  if (slim.axes.join() === 'batch,width') return slim;
  if (slim.axes.join() !== 'batch,time,width') {
    node.fail(`its input must be [batch, time, width], got [${axes.join(', ')}]`);
  }
  const [, steps, width] = slim.axes.map((_, n) => sizeOfAxis(slim, n));
  return typeof steps === 'number' ? reshaped(node, slim, [steps * (width as number)]) : refuseOpen(node);
}

/** The size of an axis after Expand; null if incompatible. */
export const expanded = (size: Size, target: Size): Size | null =>
  target === 1 || target === size || target === -1 ? size : size === 1 ? target : null;

/** The size of an axis after Tile. */
export const tiled = (size: Size, times: Size): Size | null => (times === 1 ? size : size === 1 ? times : null);

/** Repeats one step for each sample: turns [batch, one, width] into [batch, time, width]. */
export function repeat(node: Reading, sizeAfter: (size: Size, by: Size) => Size | null): Stream {
  const stream = node.stream(0);
  const by = node.sizes(1).values;
  const { axes } = stream;
  if (by.length !== axes.length) node.fail(`must name a size for each of ${axes.length} axes, got ${by.length}`);
  const sizes = axes.map((_, axis) => sizeOfAxis(stream, axis));
  const wanted = by.map((n, axis) => (n === node.source.batch && axes[axis] === 'batch' ? 'batch' : n));
  const after = sizes.map((size, axis) => sizeAfter(size, wanted[axis]!));
  if (after.every((size, axis) => size === sizes[axis])) return stream;
  const [, steps] = after;
  const others = after.every((size, axis) => axis === 1 || size === sizes[axis]);
  if (axes.join() !== 'batch,one,width' || !others || typeof steps !== 'number' || steps < 1) {
    node.fail(`must repeat one step for each sample a fixed number of times, got [${by.slice(0, 12).join(', ')}]`);
  }
  return repeated(node, stream, steps);
}
