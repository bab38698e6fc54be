/** Evaluates operators that rearrange constants: Slice, Concat, Transpose and the like. */

import { sizeOf } from '../util/shapes.ts';
import { rangeOf } from './axisRanges.ts';
import type { NodeReader } from './nodeReader.ts';
import type { Size } from './sizes.ts';
import { type Constant, MOST_AXES } from './values.ts';

/** Evaluates a node on constants; null if the result is unknown. */
export type ConstantOperator = (node: NodeReader, inputs: readonly (Constant | null)[]) => Constant | Constant[] | null;

/** The relative cost of an integer: integers need more memory and time than floats, and no file needs many. */
const COST_OF_INTS = 16;

/** Charges the budget of the file for the numbers that a node makes. */
export const chargeBudget = (node: NodeReader, kind: Constant['kind'], size: number): void =>
  node.spend(1 + size * (kind === 'ints' ? COST_OF_INTS : 1));

/** Gathers numbers of a constant into another shape. */
export function gathered(
  node: NodeReader,
  from: Constant,
  dims: readonly number[],
  source: (index: number) => number,
): Constant {
  if (dims.length > MOST_AXES) node.fail(`must have at most ${MOST_AXES} axes, got ${dims.length}`);
  const size = sizeOf(dims);
  chargeBudget(node, from.kind, size);
  if (from.kind === 'ints') {
    const values = Array.from({ length: size }, (_, index) => from.values[source(index)]!);
    return { kind: 'ints', dims, values };
  }
  const values = new Float32Array(size);
  for (let index = 0; index < size; index++) values[index] = from.values[source(index)]!;
  return { kind: 'floats', dims, values };
}

/** Splits a shape into the axes before, the size of, and the axes after an axis. */
function around(dims: readonly number[], axis: number) {
  return { before: dims.slice(0, axis), size: dims[axis]!, behind: dims.slice(axis + 1) };
}

/** Gathers indices along an axis; `shape` replaces the axis. */
function alongAxis(
  node: NodeReader,
  from: Constant,
  axis: number,
  shape: readonly number[],
  at: (n: number) => number,
): Constant {
  const { before, size, behind } = around(from.dims, axis);
  const [inner, count] = [sizeOf(behind), sizeOf(shape)];
  return gathered(node, from, [...before, ...shape, ...behind], index => {
    const row = Math.floor(index / inner);
    return (Math.floor(row / count) * size + at(row % count)) * inner + (index % inner);
  });
}

/** The same numbers in another shape of the same size. */
const withDims = (from: Constant, dims: readonly number[]): Constant => ({ ...from, dims });

/** Repeats every axis the given number of times. */
function tiled(node: NodeReader, from: Constant, times: readonly number[]): Constant {
  let made = from;
  for (const [axis, n] of times.entries()) {
    const size = made.dims[axis]!;
    if (n !== 1) made = alongAxis(node, made, axis, [size * n], index => index % size);
  }
  return made;
}

/** Broadcasts a constant to a shape; null if they are incompatible. */
export function broadcast(node: NodeReader, from: Constant, dims: readonly number[]): Constant | null {
  if (dims.length > MOST_AXES) node.fail(`must have at most ${MOST_AXES} axes, got ${dims.length}`);
  const missing = dims.length - from.dims.length;
  if (missing < 0) return null;
  const own = [...Array.from({ length: missing }, () => 1), ...from.dims];
  if (!own.every((size, axis) => size === 1 || size === dims[axis])) return null;
  return tiled(
    node,
    withDims(from, own),
    own.map((size, axis) => (size === dims[axis] ? 1 : dims[axis]!)),
  );
}

/** The broadcast shape of two shapes; null if they are incompatible. */
export function commonDims(a: readonly number[], b: readonly number[]): number[] | null {
  const rank = Math.max(a.length, b.length);
  const size = (dims: readonly number[], axis: number) => dims[axis - rank + dims.length] ?? 1;
  const dims = Array.from({ length: rank }, (_, axis) => {
    const [left, right] = [size(a, axis), size(b, axis)];
    return left === 1 ? right : right === 1 || right === left ? left : -1;
  });
  return dims.includes(-1) ? null : dims;
}

const squeeze: ConstantOperator = (node, [from]) => {
  const { dims } = from!;
  const axes = node.list('axes', 1);
  const removed = axes?.map(axis => node.axis(axis, dims.length)) ?? [...dims.keys()].filter(axis => dims[axis] === 1);
  if (removed.some(axis => dims[axis] !== 1)) node.fail(`must remove axes of size 1, got [${dims.join(', ')}]`);
  return withDims(
    from!,
    dims.filter((_, axis) => !removed.includes(axis)),
  );
};

/** The indices, in the result, of the axes that a node adds. */
export function addedAxes(node: NodeReader, rank: number): number[] {
  const axes = node.list('axes', 1) ?? [];
  if (rank + axes.length > MOST_AXES) node.fail(`must have at most ${MOST_AXES} axes, got ${rank + axes.length}`);
  const positions = axes.map(axis => node.axis(axis, rank + axes.length));
  if (new Set(positions).size !== positions.length) node.fail('its axes must be unique, got one twice');
  return positions;
}

/** Inserts an item into a list at the given indices of the result. */
export function withAdded<T>(list: readonly T[], positions: readonly number[], one: T): T[] {
  const rest = list[Symbol.iterator]();
  return Array.from({ length: list.length + positions.length }, (_, n) =>
    positions.includes(n) ? one : (rest.next().value as T),
  );
}

const unsqueeze: ConstantOperator = (node, [from]) => {
  const { dims } = from!;
  return withDims(from!, withAdded(dims, addedAxes(node, dims.length), 1));
};

/** The permutation of axes of a Transpose. */
export function permOf(node: NodeReader, rank: number): readonly number[] {
  const perm = node.attributes.get('perm')?.ints ?? Array.from({ length: rank }, (_, n) => rank - 1 - n);
  if ([...perm].sort((a, b) => a - b).join() !== Array.from({ length: rank }, (_, n) => n).join()) {
    node.fail(`perm must be a permutation of ${rank} axes, got [${perm.slice(0, 12).join(', ')}]`);
  }
  return perm;
}

/** Transposes a constant. */
export function transposed(node: NodeReader, from: Constant, perm: readonly number[]): Constant {
  const { dims } = from;
  const strides = dims.map((_, axis) => sizeOf(dims.slice(axis + 1)));
  const sizes = perm.map(axis => dims[axis]!);
  return gathered(node, from, sizes, index => {
    let [rest, position] = [index, 0];
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      position += (rest % sizes[axis]!) * strides[perm[axis]!]!;
      rest = Math.floor(rest / sizes[axis]!);
    }
    return position;
  });
}

const reshape: ConstantOperator = (node, [from]) => {
  const target = node.attributes.get('shape')?.ints ?? node.sizes(1).values;
  const copies = node.int('allowzero', 0) === 0;
  const dims = target.map((size, axis) => (size === 0 && copies ? (from!.dims[axis] ?? -2) : size));
  if (!dims.every(size => typeof size === 'number')) return null;
  const known = sizeOf(dims.filter(size => size !== -1));
  const made = dims.map(size => (size === -1 ? from!.values.length / known : size));
  const fits = made.length <= MOST_AXES && made.every(size => Number.isSafeInteger(size) && size >= 0);
  if (!fits || sizeOf(made) !== from!.values.length) {
    node.fail(`must keep ${from!.values.length} numbers, got the shape [${target.slice(0, 12).join(', ')}]`);
  }
  return withDims(from!, made);
};

const flatten: ConstantOperator = (node, [from]) => {
  const { dims } = from!;
  const axis = node.axis(node.int('axis', 1), dims.length + 1);
  return withDims(from!, [sizeOf(dims.slice(0, axis)), sizeOf(dims.slice(axis))]);
};

/** Reads the start, end and step of each axis of a Slice. */
export function slicesOf(node: NodeReader, rank: number): { axis: number; start: number; end: Size; step: number }[] {
  const starts = node.list('starts', 1) ?? [];
  const ends = node.attributes.get('ends')?.ints ?? node.sizes(2).values;
  const axes = node.list('axes', 3) ?? starts.map((_, n) => n);
  const steps = node.has(4) ? node.ints(4) : starts.map(() => 1);
  if ([ends, axes, steps].some(({ length }) => length !== starts.length)) {
    node.fail('starts, ends, axes and steps must have equal lengths, got different ones');
  }
  if (steps.includes(0)) node.fail('steps must not contain 0');
  return starts.map((start, n) => ({ axis: node.axis(axes[n]!, rank), start, end: ends[n]!, step: steps[n]! }));
}

const slice: ConstantOperator = (node, [from]) => {
  let made = from!;
  for (const { axis, start, end, step } of slicesOf(node, made.dims.length)) {
    if (typeof end !== 'number') return null;
    const range = rangeOf(made.dims[axis]!, start, end, step);
    made = alongAxis(node, made, axis, [range.count], n => range.from + n * step);
  }
  return made;
};

const gather: ConstantOperator = (node, [from]) => {
  const axis = node.axis(node.int('axis', 0), from!.dims.length);
  const size = from!.dims[axis]!;
  const indices = node.ints(1).map(n => node.index(n, size));
  return alongAxis(node, from!, axis, node.sizes(1).dims, n => indices[n]!);
};

const concat: ConstantOperator = (node, inputs) => {
  const [first, ...others] = inputs.filter(input => input !== null);
  if (!first || others.some(({ kind }) => kind !== first.kind)) return null;
  const axis = node.axis(node.int('axis', 0), first.dims.length);
  const rest = (dims: readonly number[]) => dims.filter((_, n) => n !== axis).join();
  const mismatch = others.find(({ dims }) => dims.length !== first.dims.length || rest(dims) !== rest(first.dims));
  if (mismatch)
    node.fail(
      `must concatenate tensors that differ only along the axis, got [${first.dims.join(', ')}] and [${mismatch.dims.join(', ')}]`,
    );
  const parts = [first, ...others];
  const { before, behind } = around(first.dims, axis);
  const dims = [...before, parts.reduce((sum, part) => sum + part.dims[axis]!, 0), ...behind];
  const size = sizeOf(dims);
  chargeBudget(node, first.kind, size);
  const pieces = Array.from({ length: size === 0 ? 0 : sizeOf(before) }, (_, row) =>
    parts.map(({ dims, values }) => {
      const length = dims[axis]! * sizeOf(behind);
      return values.slice(row * length, (row + 1) * length);
    }),
  ).flat();
  if (first.kind === 'ints') return { kind: 'ints', dims, values: (pieces as Size[][]).flat() };
  const values = new Float32Array(size);
  let at = 0;
  for (const piece of pieces as Float32Array[]) {
    values.set(piece, at);
    at += piece.length;
  }
  return { kind: 'floats', dims, values };
};

/** The sizes of the outputs of a Split. */
export function splitsOf(node: NodeReader, size: number): number[] {
  const count = node.outputs;
  const even = Math.ceil(size / count);
  const sizes = node.list('split', 1) ?? Array.from({ length: count }, (_, n) => Math.min(even, size - n * even));
  const isValid = sizes.length === count && sizes.every(n => n >= 0) && sizes.reduce((a, b) => a + b, 0) === size;
  return isValid
    ? sizes
    : node.fail(`must split ${size} into its ${count} outputs, got [${sizes.slice(0, 12).join(', ')}]`);
}

const split: ConstantOperator = (node, [from]) => {
  const axis = node.axis(node.int('axis', 0), from!.dims.length);
  let start = 0;
  return splitsOf(node, from!.dims[axis]!).map(size => {
    const first = start;
    start += size;
    return alongAxis(node, from!, axis, [size], n => first + n);
  });
};

/** The sizes if all are known, otherwise null. */
function knownSizes(node: NodeReader, index: number): number[] | null {
  const { values } = node.sizes(index);
  const known = values.filter(size => typeof size === 'number');
  return known.length === values.length && known.every(size => Number.isSafeInteger(size) && size >= 0) ? known : null;
}

const expand: ConstantOperator = (node, [from]) => {
  const shape = knownSizes(node, 1);
  const dims = shape && commonDims(from!.dims, shape);
  return dims && broadcast(node, from!, dims);
};

const tile: ConstantOperator = (node, [from]) => {
  const times = knownSizes(node, 1);
  return times && times.length === from!.dims.length ? tiled(node, from!, times) : null;
};

const same: ConstantOperator = (_node, [from]) => from!;

export const arrangements: { readonly [op: string]: ConstantOperator } = {
  Identity: same,
  Dropout: same,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: (node, [from]) => transposed(node, from!, permOf(node, from!.dims.length)),
  Reshape: reshape,
  Flatten: flatten,
  Slice: slice,
  Gather: gather,
  Concat: concat,
  Split: split,
  Expand: expand,
  Tile: tile,
};

/** Whether an operator only rearranges numbers. */
export const isArrangement = (op: string): boolean => Object.hasOwn(arrangements, op);
