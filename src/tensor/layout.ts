/** Functions that rearrange numbers: reshaping, permuting axes, slicing and concatenating. */

import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkCount } from '../util/options.ts';
import { checkShape, showShape, sizeOf } from '../util/shapes.ts';
import { asTensor, asTensors, type TensorLike } from './read.ts';
import { record } from './tape.ts';
import { Tensor } from './tensorClass.ts';
import { checkDataType, common, convert, type DataType, strided, stridesOf, type Values, zerosFor } from './values.ts';

const valuesOf = (x: Tensor): Values => x.dataSync() as Values;

/** A copy of a tensor in another shape. */
const copied = (x: Tensor, shape: readonly number[]): Tensor =>
  record('reshape', new Tensor(valuesOf(x).slice() as Values, shape), [x]);

/** Checks an axis and returns it counted from the front; a negative axis counts from the back. */
export function checkAxis(call: string, axis: unknown, rank: number, name = 'axis'): number {
  if (!Number.isInteger(axis) || (axis as number) < -rank || (axis as number) >= rank) {
    fail(call, `${name} must be an integer from ${-rank} to ${rank - 1}, got ${show(axis)}`);
  }
  return (axis as number) < 0 ? (axis as number) + rank : (axis as number);
}

// ------------------------------------------------------------------------------------------------- shapes and dtypes

/** The same numbers in another shape, copied; one size may be -1 and is inferred. */
export function reshape(x: TensorLike, shape: readonly number[]): Tensor {
  rejectExtraArguments('reshape', 2, arguments);
  return reshaped('reshape', asTensor('reshape', 'x', x), shape);
}

/** @internal */
export function reshaped(call: string, x: Tensor, shape: unknown): Tensor {
  if (!Array.isArray(shape)) fail(call, `shape must be an array of integers, got ${show(shape)}`);
  const open = shape.indexOf(-1);
  const known = checkShape(call, 'shape', open < 0 ? shape : shape.toSpliced(open, 1)) as number[];
  const rest = x.size / sizeOf(known);
  const wanted = open < 0 ? known : known.toSpliced(open, 0, rest);
  if (open < 0 ? rest !== 1 && sizeOf(known) !== x.size : !Number.isInteger(rest)) {
    fail(call, `shape must have as many elements as ${showShape(x.shape)}, got ${showShape(shape)}`);
  }
  return copied(x, wanted);
}

/** The numbers on a single axis, [size]. */
export function flatten(x: TensorLike): Tensor {
  rejectExtraArguments('flatten', 1, arguments);
  const from = asTensor('flatten', 'x', x);
  return copied(from, [from.size]);
}

/** Removes axes of size 1: the given ones, or all if `axis` is absent or empty. */
export function squeeze(x: TensorLike, axis?: number | readonly number[] | null): Tensor {
  rejectExtraArguments('squeeze', 2, arguments);
  const call = 'squeeze';
  const from = asTensor(call, 'x', x);
  const named = axis === undefined || axis === null ? [] : checkAxes(call, axis, from.rank);
  const wide = named.find(one => from.shape[one] !== 1);
  if (wide !== undefined) fail(call, `axis must list axes of size 1, got ${wide} of ${showShape(from.shape)}`);
  const shape = from.shape.filter((n, i) => (named.length > 0 ? !named.includes(i) : n !== 1));
  return copied(from, shape);
}

/** Inserts an axis of size 1 before `axis`, 0 by default; -1 appends it. */
export function expandDims(x: TensorLike, axis?: number | null): Tensor {
  rejectExtraArguments('expandDims', 2, arguments);
  const call = 'expandDims';
  const from = asTensor(call, 'x', x);
  return copied(from, from.shape.toSpliced(checkAxis(call, axis ?? 0, from.rank + 1), 0, 1));
}

/** Converts to another dtype: int32 truncates towards zero, bool is true for all numbers except 0. */
export function cast(x: TensorLike, dtype: DataType): Tensor {
  rejectExtraArguments('cast', 2, arguments);
  const from = asTensor('cast', 'x', x);
  const kind = checkDataType('cast', dtype);
  return record('cast', new Tensor(convert('cast', valuesOf(from), kind), from.shape), [from]);
}

/** A copy. */
export function clone(x: TensorLike): Tensor {
  rejectExtraArguments('clone', 1, arguments);
  const from = asTensor('clone', 'x', x);
  return copied(from, from.shape);
}

// ------------------------------------------------------------------------------------------------------------ order

/** Permutes the axes; reverses them if `perm` is absent. */
export function transpose(x: TensorLike, perm?: readonly number[] | null): Tensor {
  rejectExtraArguments('transpose', 2, arguments);
  const call = 'transpose';
  const from = asTensor(call, 'x', x);
  const axes = [...from.shape.keys()];
  const order = perm ?? axes.toReversed();
  if (!Array.isArray(order) || order.toSorted((a, b) => a - b).join() !== axes.join()) {
    fail(call, `perm must list each of the ${from.rank} axes once, got ${show(perm)}`);
  }
  return record(call, ordered(call, from, order), [from], order);
}

/** @internal Permutes the axes; always returns a copy. */
export function ordered(call: string, x: Tensor, perm: readonly number[]): Tensor {
  const strides = stridesOf(x.shape);
  const shape = perm.map(axis => x.shape[axis]!);
  return new Tensor(
    strided(
      call,
      valuesOf(x),
      0,
      shape,
      perm.map(axis => strides[axis]!),
    ),
    shape,
  );
}

/** Reverses the numbers along the given axes, or along all if `axis` is absent. */
export function reverse(x: TensorLike, axis?: number | readonly number[] | null): Tensor {
  rejectExtraArguments('reverse', 2, arguments);
  const call = 'reverse';
  const from = asTensor(call, 'x', x);
  const axes = checkAxes(call, axis, from.rank);
  const strides = stridesOf(from.shape);
  let start = 0;
  for (const one of axes) {
    start += strides[one]! * Math.max(0, from.shape[one]! - 1);
    strides[one]! *= -1;
  }
  return record(call, new Tensor(strided(call, valuesOf(from), start, from.shape, strides), from.shape), [from], axes);
}

/** Checks one axis or several, and returns them in ascending order; all axes if absent. */
export function checkAxes(call: string, axis: unknown, rank: number): number[] {
  if (axis === undefined || axis === null) return Array.from({ length: rank }, (_, i) => i);
  const list = Array.isArray(axis) ? axis : [axis];
  const axes = Array.from(list, one => checkAxis(call, one, rank));
  if (new Set(axes).size < axes.length) fail(call, `axis must list each axis once, got ${show(axis)}`);
  return axes.sort((a, b) => a - b);
}

// ------------------------------------------------------------------------------------------------------------ parts

/**
 * A part of a tensor.
 *
 * @param begin the first index on each axis; 0 for axes without one
 * @param size the number of indices on each axis; -1 or absent: all that remain
 */
export function slice(
  x: TensorLike,
  begin: number | readonly number[],
  size?: number | readonly number[] | null,
): Tensor {
  rejectExtraArguments('slice', 3, arguments);
  const call = 'slice';
  const from = asTensor(call, 'x', x);
  const list = (name: string, value: unknown): number[] => {
    const numbers: unknown[] = value === undefined ? [] : Array.isArray(value) ? value : [value];
    if (numbers.length > from.rank || numbers.findIndex(n => !Number.isInteger(n)) >= 0) {
      fail(call, `${name} must be an integer for each of at most ${from.rank} axes, got ${show(value)}`);
    }
    return numbers as number[];
  };
  const [starts, sizes] = [list('begin', begin), list('size', size ?? undefined)];
  const shape = from.shape.map((n, axis) => {
    const start = starts[axis] ?? 0;
    const length = (sizes[axis] ?? -1) === -1 ? n - start : sizes[axis]!;
    if (start < 0 || length < 0 || start + length > n) {
      const got = `begin ${show(begin)} and size ${show(size)}`;
      fail(call, `begin and size must stay within the shape ${showShape(from.shape)}, got ${got}`);
    }
    return length;
  });
  return part(call, from, starts, shape);
}

function part(call: string, x: Tensor, starts: readonly number[], shape: readonly number[]): Tensor {
  const strides = stridesOf(x.shape);
  const from = starts.reduce((sum, start, axis) => sum + start * strides[axis]!, 0);
  return record('part', new Tensor(strided(call, valuesOf(x), from, shape, strides), shape), [x], starts);
}

/**
 * Splits a tensor along an axis.
 *
 * @param numOrSizeSplits the number of equal parts, or the size of each part; one size may be -1 and is inferred
 * @param axis default 0
 */
export function split(x: TensorLike, numOrSizeSplits: number | readonly number[], axis?: number | null): Tensor[] {
  rejectExtraArguments('split', 3, arguments);
  const call = 'split';
  const from = asTensor(call, 'x', x);
  const along = checkAxis(call, axis ?? 0, from.rank);
  const length = from.shape[along]!;
  let sizes: number[];
  if (Array.isArray(numOrSizeSplits)) {
    for (const size of numOrSizeSplits) if (size !== -1) checkCount(call, 'numOrSizeSplits', size, 0);
    const open = numOrSizeSplits.indexOf(-1);
    const known = open < 0 ? [...numOrSizeSplits] : numOrSizeSplits.toSpliced(open, 1);
    for (const size of known) checkCount(call, 'numOrSizeSplits', size, 0);
    const rest = length - known.reduce((sum, size) => sum + size, 0);
    sizes = open < 0 ? known : known.toSpliced(open, 0, rest);
    if (open < 0 ? rest !== 0 : rest < 0) {
      fail(call, `numOrSizeSplits must add up to ${length}, got ${show(numOrSizeSplits)}`);
    }
  } else {
    const count = checkCount(call, 'numOrSizeSplits', numOrSizeSplits);
    if (length % count !== 0) fail(call, `numOrSizeSplits must divide ${length}, got ${count}`);
    sizes = new Array<number>(count).fill(length / count);
  }
  let start = 0;
  return sizes.map(size => {
    const starts = new Array<number>(from.rank).fill(0).with(along, start);
    start += size;
    return part(call, from, starts, from.shape.with(along, size));
  });
}

/** The items along an axis, 0 by default, as tensors without this axis. */
export function unstack(x: TensorLike, axis?: number | null): Tensor[] {
  rejectExtraArguments('unstack', 2, arguments);
  const call = 'unstack';
  const from = asTensor(call, 'x', x);
  const along = checkAxis(call, axis ?? 0, from.rank);
  const shape = from.shape.toSpliced(along, 1);
  const strides = stridesOf(from.shape);
  const [stride] = strides.splice(along, 1);
  return Array.from({ length: from.shape[along]! }, (_, i) => {
    const item = new Tensor(strided(call, valuesOf(from), i * stride!, shape, strides), shape);
    return record('item', item, [from], [along, i]);
  });
}

/**
 * The items at the given indices of an axis, 0 by default; the axes of `indices` replace that axis.
 *
 * @param batchDims the number of leading batch axes that `x` and `indices` share: each batch has its own indices. At
 *   most `axis`; a negative number counts from the rank of `indices`
 */
export function gather(x: TensorLike, indices: TensorLike, axis?: number | null, batchDims?: number | null): Tensor {
  rejectExtraArguments('gather', 4, arguments);
  const call = 'gather';
  const from = asTensor(call, 'x', x);
  const ids = asTensor(call, 'indices', indices);
  const along = checkAxis(call, axis ?? 0, from.rank);
  const shared = checkBatchDims(call, batchDims ?? 0, from.shape, ids.shape, along);
  const length = from.shape[along]!;
  const chosen = ids.dataSync();
  for (const id of chosen) {
    if (!(Number.isInteger(id) && id >= 0 && id < length)) {
      fail(call, `indices must be integers from 0 to ${length - 1}, got ${id}`);
    }
  }
  const shape = from.shape.toSpliced(along, 1, ...ids.shape.slice(shared));
  const [outer, inner] = [sizeOf(from.shape.slice(shared, along)), sizeOf(from.shape.slice(along + 1))];
  const [batches, count] = [sizeOf(from.shape.slice(0, shared)), sizeOf(ids.shape.slice(shared))];
  const [values, to] = [valuesOf(from), zerosFor(call, shape, from.dtype)];
  for (let o = 0, at = 0; o < batches * outer; o++) {
    const first = Math.floor(o / outer) * count;
    for (let i = first; i < first + count; i++, at += inner) {
      const start = (o * length + chosen[i]!) * inner;
      to.set(values.subarray(start, start + inner), at);
    }
  }
  const options = { indices: ids, axis: along, batchDims: shared, shape: from.shape };
  return record(call, new Tensor(to, shape), [from], options);
}

/** The number of leading batch axes, whose sizes must match. */
function checkBatchDims(
  call: string,
  batchDims: unknown,
  x: readonly number[],
  indices: readonly number[],
  axis: number,
): number {
  const most = Math.min(indices.length, axis);
  const given = Number.isInteger(batchDims) ? (batchDims as number) : Number.NaN;
  const shared = given < 0 ? given + indices.length : given;
  if (!(shared >= 0 && shared <= most)) {
    fail(call, `batchDims must be an integer of at most ${most}, got ${show(batchDims)}`);
  }
  for (let n = 0; n < shared; n++) {
    if (x[n] !== indices[n]) {
      fail(call, `indices must have the batch axes of x, got the shapes ${showShape(indices)} and ${showShape(x)}`);
    }
  }
  return shared;
}

// ---------------------------------------------------------------------------------------------------- concatenation

/** Concatenates tensors along an axis, 0 by default; the other axes must have equal sizes. */
export function concat(tensors: readonly TensorLike[], axis?: number | null): Tensor {
  rejectExtraArguments('concat', 2, arguments);
  const call = 'concat';
  const list = asTensors(call, 'tensors', tensors);
  const { shape, rank } = list[0]!;
  const along = checkAxis(call, axis ?? 0, rank);
  for (const other of list) {
    if (other.rank !== rank || other.shape.some((n, i) => i !== along && n !== shape[i])) {
      const got = list.map(one => showShape(one.shape)).join(', ');
      fail(call, `tensors must have equal sizes on all axes except ${along}, got ${got}`);
    }
  }
  return concatenated(
    call,
    list,
    shape.with(
      along,
      list.reduce((sum, one) => sum + one.shape[along]!, 0),
    ),
    along,
  );
}

/** Stacks tensors of equal shape along a new axis, 0 by default. */
export function stack(tensors: readonly TensorLike[], axis?: number | null): Tensor {
  rejectExtraArguments('stack', 2, arguments);
  return stacked('stack', tensors, axis ?? 0);
}

/** @internal */
export function stacked(call: string, tensors: readonly TensorLike[], axis: number): Tensor {
  const list = asTensors(call, 'tensors', tensors);
  const { shape, rank } = list[0]!;
  const along = checkAxis(call, axis, rank + 1);
  const other = list.find(one => showShape(one.shape) !== showShape(shape));
  if (other) fail(call, `tensors must have equal shapes, got ${showShape(shape)} and ${showShape(other.shape)}`);
  return concatenated(call, list, shape.toSpliced(along, 0, list.length), along);
}

/** Copies a block of each tensor in turn: its numbers from the axis `along` inwards. */
function concatenated(call: string, list: readonly Tensor[], shape: readonly number[], along: number): Tensor {
  const to = zerosFor(call, shape, list.map(one => one.dtype).reduce(common));
  const outer = sizeOf(shape.slice(0, along));
  for (let o = 0, at = 0; o < outer; o++) {
    for (const one of list) {
      const block = one.size / outer;
      to.set(valuesOf(one).subarray(o * block, (o + 1) * block), at);
      at += block;
    }
  }
  return record('concat', new Tensor(to, shape), list, along);
}

/** Repeats a tensor along each axis, `reps` times. */
export function tile(x: TensorLike, reps: readonly number[]): Tensor {
  rejectExtraArguments('tile', 2, arguments);
  const call = 'tile';
  const from = asTensor(call, 'x', x);
  if (!Array.isArray(reps) || reps.length !== from.rank) {
    fail(call, `reps must be an array of ${from.rank} integers, one for each axis, got ${show(reps)}`);
  }
  for (const times of reps) checkCount(call, 'reps', times, 0);
  // Each axis gets an axis of repetitions in front of it, whose stride is 0.
  const strides = stridesOf(from.shape);
  const shape = from.shape.flatMap((n, axis) => [reps[axis]!, n]);
  const values = strided(
    call,
    valuesOf(from),
    0,
    shape,
    strides.flatMap(stride => [0, stride]),
  );
  const output = new Tensor(
    values,
    from.shape.map((n, axis) => n * reps[axis]!),
  );
  return record(call, output, [from], reps);
}
