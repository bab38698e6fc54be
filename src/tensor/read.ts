/** Reads numbers in any accepted form into tensors, or into arrays of a given shape. */

import { fail, show } from '../util/errors.ts';
import {
  checkShape,
  copyNested,
  floatsFor,
  isTypedArray,
  type NestedNumbers,
  shapeOfNested,
  showShape,
  sizeOf,
} from '../util/shapes.ts';
import { arrayKind, lengthOf } from '../util/typedArrays.ts';
import { Tensor } from './tensorClass.ts';
import { convert, type DataType, dataTypeOr, type Values, zerosFor } from './values.ts';

/** Numbers in any form that a model accepts. */
export type TensorLike = Tensor | NestedNumbers;

/**
 * A tensor of another package, such as TF.js. `fitDataset` reads it and disposes of it after its batch, as TF.js does.
 */
export interface ForeignTensor {
  readonly shape: readonly number[];
  dataSync(): ArrayLike<number>;
  dispose?(): void;
}

/** @internal */
export const isForeign = (value: unknown): value is ForeignTensor =>
  typeof value === 'object' &&
  value !== null &&
  !(value instanceof Tensor) &&
  'dataSync' in value &&
  typeof value.dataSync === 'function' &&
  'shape' in value &&
  Array.isArray(value.shape);

/** @internal Describes an invalid value for an error message, with a fix for tensors of another package. */
export const showNumbers = (value: unknown): string =>
  isForeign(value)
    ? 'a tensor of another package, or of another copy of this one; pass its arraySync() instead'
    : show(value);

/** Booleans in nested arrays. */
export type NestedBooleans = boolean | readonly NestedBooleans[];

/**
 * @internal Copies numbers into a tensor.
 *
 * @param rank the required number of axes; default: any
 * @param dtype default: the dtype TF.js derives from the values
 */
export function make(call: string, values: unknown, shape: unknown, rank?: number, dtype?: unknown): Tensor {
  const kind = dataTypeOr(call, dtype, kindOf(values));
  const wanted = shape === undefined || shape === null ? undefined : (checkShape(call, 'shape', shape) as number[]);
  if (wanted && rank !== undefined && wanted.length !== rank) {
    fail(call, `shape must have ${rank} axes, got ${showShape(wanted)}`);
  }
  const { data, found } = read(call, 'values', values, kind, wanted);
  const result = wanted ?? found;
  if (rank !== undefined && result.length !== rank) {
    fail(call, `values must have ${rank} axes if shape is absent, got the shape ${showShape(found)}`);
  }
  if (sizeOf(result) !== data.length) {
    fail(call, `shape ${showShape(result)} must have as many elements as values, got ${data.length}`);
  }
  return new Tensor(data, result);
}

/** @internal A tensor argument: returns a tensor as it is, and copies other numbers into a new one. */
export function asTensor(call: string, name: string, value: unknown): Tensor {
  if (value instanceof Tensor) return checkNotTransferred(call, name, value);
  const { data, found } = read(call, name, value, kindOf(value), undefined);
  return new Tensor(data, found);
}

/** @internal Rejects a tensor whose array was transferred, with `postMessage` or `transfer`, and is now empty. */
export function checkNotTransferred(call: string, name: string, tensor: Tensor): Tensor {
  if (lengthOf(Tensor.valuesOf(tensor)) !== sizeOf(tensor.shape)) {
    fail(call, `${name} must have its numbers, got a tensor whose array has been transferred`);
  }
  return tensor;
}

/** @internal An argument that is an array of at least one tensor. */
export function asTensors(call: string, name: string, value: unknown): Tensor[] {
  if (!Array.isArray(value) || value.length === 0) {
    fail(call, `${name} must be an array of at least one tensor, got ${show(value)}`);
  }
  return Array.from(value, (item, i) => asTensor(call, `${name}[${i}]`, item));
}

/**
 * @internal A copy of numbers that must have the given shape; a flat array or typed array is taken to have it.
 *
 * @param name the name of the argument, for the error message
 */
export function readTensor(call: string, name: string, values: unknown, shape: readonly number[]): Float32Array {
  const { data, found } = read(call, name, values, 'float32', undefined);
  const flat = found.length === 1 && !(values instanceof Tensor);
  if (flat ? data.length !== sizeOf(shape) : showShape(found) !== showShape(shape)) {
    fail(call, `${name} must have the shape ${showShape(shape)}, got ${showShape(found)}`);
  }
  return data as Float32Array;
}

/** Typed arrays from which TF.js makes int32 tensors. */
const integers: readonly (string | undefined)[] = ['Int32Array', 'Uint8Array', 'Uint8ClampedArray'];

/** The dtype TF.js derives from values: int32 for some typed arrays, bool for booleans, float32 otherwise. */
function kindOf(values: unknown): DataType {
  if (values instanceof Tensor) return values.dtype;
  let leaf = values;
  for (let depth = 0; Array.isArray(leaf) && depth < 10; depth++) leaf = leaf[0];
  if (integers.includes(arrayKind(leaf))) return 'int32';
  return typeof leaf === 'boolean' ? 'bool' : 'float32';
}

function read(
  call: string,
  name: string,
  values: unknown,
  dtype: DataType,
  wanted: readonly number[] | undefined,
): { data: Values; found: readonly number[] } {
  if (values instanceof Tensor) {
    return { data: convert(call, checkNotTransferred(call, name, values).dataSync(), dtype), found: values.shape };
  }
  if (isTypedArray(values)) return { data: convert(call, values, dtype), found: [lengthOf(values)] };
  if (typeof values !== 'number' && typeof values !== 'boolean' && !Array.isArray(values)) {
    fail(call, `${name} must be numbers in arrays, a typed array or a tensor, got ${showNumbers(values)}`);
  }
  const nested = values as NestedNumbers;
  const found = shapeOfNested(call, name, nested);
  if (wanted && found.length > 1 && showShape(found) !== showShape(wanted)) {
    fail(call, `${name} must have the shape ${showShape(wanted)}, got ${showShape(found)}`);
  }
  // Other dtypes are read as float64, because float32 cannot represent all int32 numbers.
  if (dtype === 'float32') {
    const data = floatsFor(call, name, found);
    copyNested(call, name, nested, found, data, 0);
    return { data, found };
  }
  const data = zerosFor(call, found, dtype);
  const exact = new Float64Array(data.length);
  copyNested(call, name, nested, found, exact, 0);
  return { data: convert(call, exact, dtype), found };
}
