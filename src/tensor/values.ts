/** The typed arrays of tensors, and a strided copy of them. */

import { fail, show } from '../util/errors.ts';
import { showShape, sizeOf } from '../util/shapes.ts';
import { arrayKind, countOf } from '../util/typedArrays.ts';

/** The dtype of a tensor. Models accept all of them and compute in float32. */
export type DataType = 'float32' | 'int32' | 'bool';

/** The array type of `dataSync` for each dtype. */
export interface DataTypeMap {
  float32: Float32Array;
  int32: Int32Array;
  bool: Uint8Array;
}

/** @inline */
export type Values = Float32Array | Int32Array | Uint8Array;

const dataTypes: readonly unknown[] = ['float32', 'int32', 'bool'];

/** Checks a dtype; null and undefined give the default. */
export const dataTypeOr = (call: string, value: unknown, otherwise: DataType = 'float32'): DataType =>
  checkDataType(call, value ?? otherwise);

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

/** Allocates zeros for a shape; throws a ValueError if there is not enough memory. */
export function zerosFor<D extends DataType>(call: string, shape: readonly number[], dtype: D): DataTypeMap[D];
export function zerosFor(call: string, shape: readonly number[], dtype: DataType): Values {
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

/** A copy with another dtype: int32 truncates towards zero, bool is 1 for all numbers except 0. */
export function convert(call: string, from: ArrayLike<number>, dtype: DataType): Values {
  const count = countOf(from);
  const to = zerosFor(call, [count], dtype);
  if (dtype === 'bool') for (let i = 0; i < count; i++) to[i] = Number(from[i] !== 0);
  else if (count > 0) to.set(from); // a detached array throws when it is read
  return to;
}

/** The smallest dtype that holds the numbers of both. */
export const common = (a: DataType, b: DataType): DataType =>
  a === 'float32' || b === 'float32' ? 'float32' : a === 'int32' || b === 'int32' ? 'int32' : 'bool';

/** The distance between neighbours on each axis, in numbers. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  for (let axis = shape.length - 1, stride = 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/**
 * Copies the numbers `values[from + i0 * strides[0] + i1 * strides[1] + ...]` into an array of `shape`, in row-major
 * order. A negative stride reverses an axis, a stride of 0 repeats.
 */
export function strided<V extends Values>(
  call: string,
  values: V,
  from: number,
  shape: readonly number[],
  strides: readonly number[],
): V {
  const to = zerosFor(call, shape, dataTypeOf(values)) as V;
  const last = shape.length - 1;
  const length = last < 0 ? 1 : shape[last]!;
  const step = last < 0 ? 0 : strides[last]!;
  const indices = new Array<number>(Math.max(last, 0)).fill(0);
  for (let at = 0; at < to.length; at += length) {
    if (step === 1) to.set(values.subarray(from, from + length), at);
    else for (let i = 0, p = from; i < length; i++, p += step) to[at + i] = values[p]!;
    // Increments the indices of the other axes like the digits of a counter.
    for (let axis = last - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++indices[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      indices[axis] = 0;
    }
  }
  return to;
}
