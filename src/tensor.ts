/** Tensors: plain owners of numbers on the JavaScript side. They hold no wasm memory and need no disposal. */

import { fail, show } from './errors.ts';
import {
  checkShape,
  copyNested,
  floatsFor,
  isTypedArray,
  type NestedArray,
  shapeOfNested,
  showShape,
  sizeOf,
  type TypedArray,
} from './shapes.ts';

/** Numbers in any form a model accepts. */
export type TensorLike = Tensor | NestedArray | TypedArray;

export class Tensor {
  /** Sizes of the axes; frozen. */
  readonly shape: number[];
  readonly dtype = 'float32' as const;
  readonly #values: Float32Array;

  /** @internal Use `tensor`; this keeps `values` without a copy. */
  constructor(values: Float32Array, shape: readonly number[]) {
    this.#values = values;
    this.shape = Object.freeze([...shape]) as number[];
  }

  get size(): number {
    return this.#values.length;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** The numbers, row by row: the tensor's own array, not a copy. */
  dataSync(): Float32Array {
    return this.#values;
  }

  /** The same as `dataSync`, as a promise; here for programs written for TF.js. */
  async data(): Promise<Float32Array> {
    return this.#values;
  }

  /** The numbers as nested arrays; a scalar gives a number. */
  arraySync(): NestedArray {
    return nest(this.#values, this.shape, 0, 0);
  }

  async array(): Promise<NestedArray> {
    return this.arraySync();
  }

  /** A scalar tensor converts like the number it holds. */
  valueOf(): number {
    return this.size === 1 ? this.#values[0]! : Number.NaN;
  }

  toString(): string {
    return `Tensor ${showShape(this.shape)}\n${format(this.#values, this.shape)}`;
  }

  print(): void {
    console.log(this.toString());
  }

  /** Does nothing: there is nothing to give back. Here for programs written for TF.js. */
  dispose(): void {}
}

/**
 * A tensor of float32 numbers.
 *
 * @param values nested arrays, a flat array, a typed array or a number; copied
 * @param shape needed where a flat array stands for more than one axis
 */
export function tensor(values: TensorLike, shape?: readonly number[], dtype: 'float32' = 'float32'): Tensor {
  return make('tensor', values, shape, undefined, dtype);
}

/** A tensor of rank 1. */
export function tensor1d(values: TensorLike, dtype: 'float32' = 'float32'): Tensor {
  return make('tensor1d', values, undefined, 1, dtype);
}

/** A tensor of rank 2, `[rows, columns]`. */
export function tensor2d(values: TensorLike, shape?: readonly number[], dtype: 'float32' = 'float32'): Tensor {
  return make('tensor2d', values, shape, 2, dtype);
}

/** A tensor of rank 3, such as a batch of sequences `[batch, time, width]`. */
export function tensor3d(values: TensorLike, shape?: readonly number[], dtype: 'float32' = 'float32'): Tensor {
  return make('tensor3d', values, shape, 3, dtype);
}

/** A tensor of rank 4. */
export function tensor4d(values: TensorLike, shape?: readonly number[], dtype: 'float32' = 'float32'): Tensor {
  return make('tensor4d', values, shape, 4, dtype);
}

/** A tensor of rank 0. */
export function scalar(value: number): Tensor {
  if (typeof value !== 'number') fail('scalar', `value must be a number, got ${show(value)}`);
  return new Tensor(Float32Array.of(value), []);
}

/** Calls `f` and returns what it returns. Here for programs written for TF.js, where it frees tensors. */
export function tidy<T>(nameOrFunction: string | (() => T), f?: () => T): T {
  const run = typeof nameOrFunction === 'function' ? nameOrFunction : f;
  if (typeof run !== 'function') fail('tidy', `f must be a function, got ${show(run)}`);
  return run();
}

/** Does nothing. Here for programs written for TF.js. */
export function dispose(_tensors: unknown): void {}

function make(
  call: string,
  values: TensorLike,
  shape: readonly number[] | undefined,
  rank: number | undefined,
  dtype: string,
): Tensor {
  if (dtype !== 'float32') fail(call, `dtype must be 'float32', got ${show(dtype)}`);
  const wanted = shape === undefined ? undefined : (checkShape(call, 'shape', shape) as number[]);
  if (wanted && rank !== undefined && wanted.length !== rank) {
    fail(call, `shape must have ${rank} axes, got ${showShape(wanted)}`);
  }
  const { data, found } = read(call, 'values', values, wanted);
  const result = wanted ?? found;
  if (rank !== undefined && result.length !== rank) {
    fail(call, `values must have ${rank} axes where no shape is given, got the shape ${showShape(found)}`);
  }
  if (sizeOf(result) !== data.length) {
    fail(call, `shape ${showShape(result)} must hold as many numbers as values, got ${data.length}`);
  }
  return new Tensor(data, result);
}

/**
 * @internal The numbers of a tensor that must have a given shape, copied. A flat array or typed array takes the shape.
 * @param name of the argument, for the error
 */
export function readTensor(call: string, name: string, values: unknown, shape: readonly number[]): Float32Array {
  const { data, found } = read(call, name, values, undefined);
  const flat = found.length === 1 && !(values instanceof Tensor);
  if (flat ? data.length !== sizeOf(shape) : showShape(found) !== showShape(shape)) {
    fail(call, `${name} must have the shape ${showShape(shape)}, got ${showShape(found)}`);
  }
  return data;
}

function read(
  call: string,
  name: string,
  values: unknown,
  wanted: readonly number[] | undefined,
): { data: Float32Array; found: readonly number[] } {
  if (values instanceof Tensor) return { data: values.dataSync().slice(), found: values.shape };
  if (isTypedArray(values)) return { data: Float32Array.from(values), found: [values.length] };
  if (typeof values !== 'number' && !Array.isArray(values)) {
    fail(call, `${name} must be numbers in arrays, a typed array or a tensor, got ${show(values)}`);
  }
  const found = shapeOfNested(call, name, values);
  if (wanted && found.length > 1 && showShape(found) !== showShape(wanted)) {
    fail(call, `${name} must have the shape ${showShape(wanted)}, got ${showShape(found)}`);
  }
  const data = floatsFor(call, name, found);
  copyNested(call, name, values, found, data, 0);
  return { data, found };
}

function nest(values: Float32Array, shape: readonly number[], axis: number, at: number): NestedArray {
  if (axis === shape.length) return values[at]!;
  const stride = sizeOf(shape.slice(axis + 1));
  return Array.from({ length: shape[axis]! }, (_, i) => nest(values, shape, axis + 1, at + i * stride));
}

/** Rows of numbers, long axes cut in the middle. */
function format(values: Float32Array, shape: readonly number[], axis = 0, at = 0): string {
  if (axis === shape.length) return Number(values[at]!.toPrecision(7)).toString();
  const n = shape[axis]!;
  const stride = sizeOf(shape.slice(axis + 1));
  const item = (i: number) => format(values, shape, axis + 1, at + i * stride);
  const shown =
    n <= 8
      ? Array.from({ length: n }, (_, i) => item(i))
      : [item(0), item(1), item(2), '...', item(n - 2), item(n - 1)];
  const indent = ' '.repeat(axis + 1);
  return axis === shape.length - 1 ? `[${shown.join(', ')}]` : `[${shown.join(`,\n${indent}`)}]`;
}
