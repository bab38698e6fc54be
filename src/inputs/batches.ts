/**
 * Reads batches from user data: tensors, nested arrays and typed arrays.
 *
 * The getters of a nested array can run any code, even code that changes the model. They run only while the functions
 * here read the array; the numbers these return are copied to the kernels without running user code.
 */

import { checkNotTransferred, showNumbers, type TensorLike } from '../tensor/read.ts';
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
import { Samples, Selection } from './samples.ts';

/** Numbers for the one input or output of a model. Like TF.js, models also take a list of one tensor. @inline */
export type OneTensor = TensorLike | readonly [Tensor];

/** A batch: user data, or samples that `fit`, `evaluate` or `predict` select. */
export type Batch = OneTensor | Selection;

/** The numbers of a batch that has been read. Using them runs no user code. */
export type BatchNumbers = TypedArray | Selection;

/** The tensor in a list of one tensor; other values unchanged. */
export function unwrapTensor<B extends TensorLike | Selection>(
  call: string,
  name: string,
  value: B | readonly [Tensor],
): B | Tensor {
  const first: unknown = Array.isArray(value) ? value[0] : null;
  if (!(first instanceof Tensor)) return value as B;
  const { length } = value as readonly unknown[];
  if (length !== 1) fail(call, `${name} must be one tensor, or a list of one, got a list of ${length}`);
  return first;
}

/**
 * The shape of a batch, checked against the expected shape. Does not read the numbers.
 *
 * A flat typed array takes the expected shape if only its first axis is open. Where each sample is one number, [B]
 * counts as [B, 1], as in TF.js.
 */
export function shapeOfBatch(call: string, name: string, given: Batch, expected: Readonly<Shape>): readonly number[] {
  const value = unwrapTensor(call, name, given);
  if (isTypedArray(value)) return shapeOfFlat(call, name, value, expected);
  if (!(value instanceof Tensor) && !(value instanceof Selection) && !Array.isArray(value)) {
    fail(
      call,
      `${name} must be a tensor, nested arrays or a typed array of the shape ${showShape(expected)}, got ${showNumbers(value)}`,
    );
  }
  if (value instanceof Tensor) checkNotTransferred(call, name, value);
  const hasShape = value instanceof Tensor || value instanceof Selection;
  const shape = hasShape ? value.shape : shapeOfNested(call, name, value as NestedNumbers);
  if (fits(shape, expected)) return shape;
  if (shape.length === 1 && expected.length === 2 && expected[1] === 1 && fits([shape[0]!, 1], expected)) {
    return [shape[0]!, 1];
  }
  const wrapped = value instanceof Tensor ? `${name}.expandDims(0)` : `[${name}]`;
  const advice = fits(shape, expected.slice(1)) && !(value instanceof Selection) ? `; wrap it: ${wrapped}` : '';
  return fail(call, `${name} must have the shape ${showShape(expected)}, got ${showShape(shape)}${advice}`);
}

/** Reads the numbers of a batch whose shape `shapeOfBatch` has checked. Copies nested arrays only. */
export function readBatch(
  call: string,
  name: string,
  value: TensorLike | Selection,
  shape: readonly number[],
): BatchNumbers {
  return value instanceof Selection ? value : valuesOf(call, name, value, shape);
}

/** Copies the result of `readBatch` to `memory`, from index `start`. Allocates nothing. */
export function writeBatch(
  call: string,
  name: string,
  numbers: BatchNumbers,
  shape: readonly number[],
  memory: Float32Array,
  start: number,
): void {
  if (numbers instanceof Selection) numbers.write(memory, start);
  else memory.set(checkCount(call, name, numbers, shape), start);
}

/**
 * Reads all samples of one argument, of the expected shape.
 *
 * @param resultShape the shape of the result, if it differs from the shape of the argument
 */
export function readSamples(
  call: string,
  name: string,
  value: OneTensor,
  expected: Readonly<Shape>,
  resultShape?: readonly number[],
): Samples {
  const one = unwrapTensor(call, name, value);
  const shape = shapeOfBatch(call, name, one, expected);
  return new Samples(readNumbers(call, name, one, shape), resultShape ?? shape);
}

/** Reads numbers of a known shape into one array. Copies them, unless they are in a Float32Array in unshared memory. */
export function readNumbers(call: string, name: string, value: TensorLike, shape: readonly number[]): Float32Array {
  const values = checkCount(call, name, valuesOf(call, name, value, shape), shape);
  if (isFloat32Array(values)) return plainArray(values);
  const data = floatsFor(call, name, shape);
  data.set(values);
  return data;
}

function valuesOf(call: string, name: string, value: TensorLike, shape: readonly number[]): TypedArray {
  if (value instanceof Tensor) return Tensor.valuesOf(value);
  if (isTypedArray(value)) return value;
  const data = floatsFor(call, name, shape);
  const isFlat = Array.isArray(value) && typeof value[0] === 'number';
  copyNested(call, name, value, isFlat ? [sizeOf(shape)] : shape, data, 0);
  return data;
}

/** Fails if the count of numbers has changed, because user code resized or transferred their buffer. */
function checkCount(call: string, name: string, numbers: TypedArray, shape: readonly number[]): TypedArray {
  const size = sizeOf(shape);
  if (lengthOf(numbers) !== size) {
    fail(call, `${name} must keep its ${size} numbers while it is read, got ${show(numbers)}`);
  }
  return numbers;
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
