/** Batches given by callers: what shape they have, whether it fits, and their numbers in one run. */

import { checkHeld, showNumbers, type TensorLike } from '../tensor/read.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fail, show } from '../util/errors.ts';
import {
  copyNested,
  floatsFor,
  isTypedArray,
  type NestedNumbers,
  type Shape,
  shapeOfNested,
  showShape,
  sizeOf,
  type TypedArray,
} from '../util/shapes.ts';
import { isFloat32Array, lengthOf, plainArray } from '../util/typedArrays.ts';
import { Selection } from './samples.ts';

/** A batch as a caller gives it, or as `fit` chooses it. */
export type Batch = TensorLike | Selection;

/** Numbers for the one input or output of a model, which TF.js programs may put into a list. @inline */
export type OneTensor = TensorLike | readonly [Tensor];

/** The tensor in a list of one; anything else as it is. Look once: what an array of the caller's holds may change. */
export function single<B extends Batch>(call: string, name: string, value: B | readonly [Tensor]): B | Tensor {
  const first: unknown = Array.isArray(value) ? value[0] : null;
  if (!(first instanceof Tensor)) return value as B;
  const { length } = value as readonly unknown[];
  if (length !== 1) fail(call, `${name} must be one tensor, or a list of one, got a list of ${length}`);
  return first;
}

/**
 * The shape of a batch, checked against what the model expects, without reading its numbers.
 *
 * A flat typed array takes the expected shape, when at most its first axis is open. Where one number is expected for
 * each sample, [B] stands for [B, 1], as in TF.js.
 */
export function shapeOfBatch(call: string, name: string, value: Batch, expected: Readonly<Shape>): number[] {
  if (isTypedArray(value)) return shapeOfFlat(call, name, value, expected);
  if (!(value instanceof Tensor) && !(value instanceof Selection) && !Array.isArray(value)) {
    fail(
      call,
      `${name} must be a tensor, nested arrays or a typed array of the shape ${showShape(expected)}, got ${showNumbers(value)}`,
    );
  }
  if (value instanceof Tensor) checkHeld(call, name, value);
  const given = value instanceof Tensor || value instanceof Selection;
  const shape = given ? value.shape : shapeOfNested(call, name, value as NestedNumbers);
  if (fits(shape, expected)) return shape;
  if (shape.length === 1 && expected.length === 2 && expected[1] === 1 && fits([shape[0]!, 1], expected)) {
    return [shape[0]!, 1];
  }
  const wrapped = value instanceof Tensor ? `${name}.expandDims(0)` : `[${name}]`;
  const advice = fits(shape, expected.slice(1)) && !(value instanceof Selection) ? `; wrap it: ${wrapped}` : '';
  return fail(call, `${name} must have the shape ${showShape(expected)}, got ${showShape(shape)}${advice}`);
}

function fits(shape: readonly number[], expected: Readonly<Shape>): boolean {
  if (shape.length !== expected.length) return false;
  for (let axis = 0; axis < shape.length; axis++) {
    const n = shape[axis]!;
    if (!(n > 0) || (expected[axis] !== null && n !== expected[axis])) return false;
  }
  return true;
}

function shapeOfFlat(call: string, name: string, value: TypedArray, expected: Readonly<Shape>): number[] {
  const sample = expected.slice(1);
  if (sample.includes(null)) {
    fail(
      call,
      `${name} must be a tensor or nested arrays where the model leaves ${showShape(expected)} open, got ${show(value)}`,
    );
  }
  const each = sizeOf(sample as number[]);
  const samples = lengthOf(value) / each;
  if (!Number.isInteger(samples) || samples === 0 || (expected[0] !== null && samples !== expected[0])) {
    fail(call, `${name} must hold the numbers of the shape ${showShape(expected)}, got ${show(value)}`);
  }
  return [samples, ...(sample as number[])];
}

/** Writes the numbers of a batch into `memory` from `at` on. Allocates nothing. */
export function writeBatch(
  call: string,
  name: string,
  value: Batch,
  shape: readonly number[],
  memory: Float32Array,
  at: number,
): void {
  if (value instanceof Selection) value.write(memory, at);
  else if (value instanceof Tensor || isTypedArray(value)) memory.set(numbersOf(call, name, value, shape), at);
  else
    copyNested(
      call,
      name,
      value,
      Array.isArray(value) && typeof value[0] === 'number' ? [sizeOf(shape)] : shape,
      memory,
      at,
    );
}

/**
 * The numbers of an array or a tensor; throws if their count changed since its shape was read, to avoid writing past
 * the end.
 */
function numbersOf(call: string, name: string, value: Tensor | TypedArray, shape: readonly number[]): TypedArray {
  const numbers = value instanceof Tensor ? Tensor.valuesOf(value) : value;
  if (lengthOf(numbers) !== sizeOf(shape)) {
    fail(call, `${name} must keep its ${sizeOf(shape)} numbers while it is read, got ${show(numbers)}`);
  }
  return numbers;
}

/**
 * A batch that nothing of the caller's is left in: to read a nested array may be to run its getters, and these may do
 * anything, even to the model. It is read before the model is told where its numbers go.
 */
export function settled(call: string, name: string, value: Batch, shape: readonly number[]): Batch {
  if (!Array.isArray(value)) return value;
  const data = floatsFor(call, name, shape);
  writeBatch(call, name, value, shape, data, 0);
  return data;
}

/** The numbers of a batch as one array; not copied when the caller passed one array. */
export function readBatch(call: string, name: string, value: TensorLike, shape: readonly number[]): Float32Array {
  if (value instanceof Tensor || isFloat32Array(value)) {
    return plainArray(numbersOf(call, name, value, shape)) as Float32Array;
  }
  const data = new Float32Array(sizeOf(shape));
  writeBatch(call, name, value, shape, data, 0);
  return data;
}
