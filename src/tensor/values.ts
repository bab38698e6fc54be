/** The arrays that tensors keep their numbers in, and the one loop that walks them by strides. */

import { fail, show } from '../util/errors.ts';
import { showShape, sizeOf } from '../util/shapes.ts';
import { arrayKind, countOf } from '../util/typedArrays.ts';

/** The kinds of numbers a tensor holds. Models compute in float32 and take any of them. */
export type DataType = 'float32' | 'int32' | 'bool';

/** What `dataSync` gives for each. */
export interface DataTypeMap {
  float32: Float32Array;
  int32: Int32Array;
  bool: Uint8Array;
}

/** @inline */
export type Values = Float32Array | Int32Array | Uint8Array;

const dataTypes: readonly unknown[] = ['float32', 'int32', 'bool'];

/** Checks a dtype; null or undefined gives the default. */
export const dataTypeOr = (call: string, value: unknown, usual: DataType = 'float32'): DataType =>
  checkDataType(call, value ?? usual);

export function checkDataType(call: string, value: unknown): DataType {
  if (!dataTypes.includes(value)) fail(call, `dtype must be 'float32', 'int32' or 'bool', got ${show(value)}`);
  return value as DataType;
}

export function dataTypeOf(values: Values): DataType {
  const kind = arrayKind(values);
  if (kind === 'Float32Array') return 'float32';
  if (kind === 'Int32Array') return 'int32';
  if (kind === 'Uint8Array') return 'bool';
  return fail(
    'Tensor',
    `values must be a Float32Array, an Int32Array or a Uint8Array, got ${show(values)}; use tensor`,
  );
}

/** Room for so many numbers, all zero, or a ValueError where there is not that much. */
export function room<D extends DataType>(call: string, shape: readonly number[], dtype: D): DataTypeMap[D];
export function room(call: string, shape: readonly number[], dtype: DataType): Values {
  try {
    const size = sizeOf(shape);
    return dtype === 'float32'
      ? new Float32Array(size)
      : dtype === 'int32'
        ? new Int32Array(size)
        : new Uint8Array(size);
  } catch {
    return fail(call, `the result must fit into memory, got the shape ${showShape(shape)}`);
  }
}

/** The same numbers as another kind: towards zero for int32, one for all but zero for bool. A copy, always. */
export function convert(call: string, from: ArrayLike<number>, dtype: DataType): Values {
  const count = countOf(from);
  const to = room(call, [count], dtype);
  if (dtype === 'bool') for (let i = 0; i < count; i++) to[i] = Number(from[i] !== 0);
  else if (count > 0) to.set(from); // a detached array throws when it is read
  return to;
}

/** The kind that holds numbers of both kinds. */
export const common = (a: DataType, b: DataType): DataType =>
  a === 'float32' || b === 'float32' ? 'float32' : a === 'int32' || b === 'int32' ? 'int32' : 'bool';

/** How far apart neighbours on each axis are, in numbers. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  for (let axis = shape.length - 1, stride = 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/**
 * The numbers `values[from + i0 * strides[0] + i1 * strides[1] + ...]` in the order of `shape`, row by row: slices,
 * transposed and repeated tensors are all this, with other strides (negative ones run backwards, zero repeats).
 */
export function strided<V extends Values>(
  call: string,
  values: V,
  from: number,
  shape: readonly number[],
  strides: readonly number[],
): V {
  const to = room(call, shape, dataTypeOf(values)) as V;
  const last = shape.length - 1;
  const length = last < 0 ? 1 : shape[last]!;
  const step = last < 0 ? 0 : strides[last]!;
  const place = new Array<number>(Math.max(last, 0)).fill(0);
  for (let at = 0; at < to.length; at += length) {
    if (step === 1) to.set(values.subarray(from, from + length), at);
    else for (let i = 0, p = from; i < length; i++, p += step) to[at + i] = values[p]!;
    // Like the digits of a counter: the axis before the last moves on, and what is full starts again.
    for (let axis = last - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++place[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      place[axis] = 0;
    }
  }
  return to;
}
