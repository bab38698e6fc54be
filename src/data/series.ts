/** Reads time series in all accepted forms. */

import { checkNotTransferred, showNumbers } from '../tensor/read.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fail, show } from '../util/errors.ts';
import {
  copyNested,
  isTypedArray,
  type NestedNumbers,
  shapeOfNested,
  showShape,
  sizeOf,
  type TypedArray,
} from '../util/shapes.ts';
import { lengthOf, plainArray } from '../util/typedArrays.ts';

/** One number for each time step, or a row of D numbers, [N, D]. */
export type Series = readonly number[] | readonly (readonly number[] | TypedArray)[] | TypedArray | Tensor;

/** The rows of a series. */
export interface Rows {
  /** The numbers in row-major order and in the caller's precision; not copied if the caller passed one array. */
  values: ArrayLike<number>;
  /** N. */
  steps: number;
  /** D. */
  width: number;
  /** Whether the caller gave one number for each step, not a row. */
  flat: boolean;
}

/** Reads numbers of any shape. */
export function readNumbers(
  call: string,
  name: string,
  value: unknown,
): { values: ArrayLike<number>; shape: readonly number[] } {
  if (value instanceof Tensor) return { values: checkNotTransferred(call, name, value).dataSync(), shape: value.shape };
  if (isTypedArray(value)) return { values: plainArray(value), shape: [lengthOf(value)] };
  if (!Array.isArray(value)) {
    fail(call, `${name} must be numbers in arrays, a typed array or a tensor, got ${showNumbers(value)}`);
  }
  const shape = shapeOfNested(call, name, value as NestedNumbers);
  const values = new Float64Array(sizeOf(shape));
  copyNested(call, name, value as NestedNumbers, shape, values, 0, 0, '');
  return { values, shape };
}

/** @param least the minimum number of steps */
export function readSeries(call: string, name: string, value: unknown, least = 1): Rows {
  const { values, shape } = readNumbers(call, name, value);
  if (shape.length < 1 || shape.length > 2) {
    fail(call, `${name} must have the shape [steps] or [steps, width], got ${showShape(shape)}`);
  }
  const [steps, width = 1] = shape as [number, number?];
  if (steps < least) fail(call, `${name} must have at least ${least} step${least === 1 ? '' : 's'}, got ${steps}`);
  if (width === 0) fail(call, `${name} must have a number in each step, got ${showShape(shape)}`);
  return { values, steps, width, flat: shape.length === 1 };
}

/** Checks one column index or several of a series; undefined gives all columns. */
export function checkColumns(call: string, name: string, value: unknown, width: number): number[] {
  if (value === undefined) return Array.from({ length: width }, (_, i) => i);
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const isValid = (c: unknown) => Number.isInteger(c) && (c as number) >= 0 && (c as number) < width;
  // `every` would skip holes, and a sparse array may have billions of them.
  if (list.length === 0 || list.findIndex(c => !isValid(c)) >= 0) {
    fail(call, `${name} must be column indices of the series, integers from 0 to ${width - 1}, got ${show(value)}`);
  }
  return list as number[];
}
