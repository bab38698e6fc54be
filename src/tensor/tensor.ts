/**
 * Tensors: plain owners of numbers on the JavaScript side. They hold no wasm memory and need no disposal.
 *
 * The functions of tensors are methods here too, so that calls can be chained. A method calls the function of its name
 * in one of the files beside this one, where its arguments are described.
 */

import { exactMethods } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { type NestedArray, type NestedValues, sizeOf } from '../util/shapes.ts';
import * as arithmetic from './arithmetic.ts';
import { TensorBuffer } from './buffer.ts';
import { format } from './format.ts';
import * as layout from './layout.ts';
import type { TensorLike } from './read.ts';
import * as reduce from './reduce.ts';
import { type DataType, type DataTypeMap, dataTypeOf, type Values } from './values.ts';

/** Numbers in a shape; make one with `tensor`. Its methods are the functions of their names, with the tensor in front. */
export class Tensor {
  /** Sizes of the axes; frozen. */
  readonly shape: number[];
  /** What kind of numbers: float32, int32 or bool. */
  readonly dtype: DataType;
  readonly #values: Values;

  /** @internal Use `tensor`; this keeps `values` without a copy, and their kind decides the dtype. */
  constructor(values: Values, shape: readonly number[]) {
    this.#values = values;
    this.dtype = dataTypeOf(values);
    if (!Array.isArray(shape)) fail('Tensor', `shape must be an array of whole numbers, got ${show(shape)}`);
    this.shape = Object.freeze([...shape]) as number[];
  }

  /** @internal Tensors that the constructor has made: what merely descends from one has no numbers. */
  static [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && #values in value;
  }

  /** @internal The numbers of a tensor; subclasses cannot override this. */
  static valuesOf(tensor: Tensor): Values {
    return tensor.#values;
  }

  get size(): number {
    return this.#values.length;
  }

  get rank(): number {
    return this.shape.length;
  }

  // --------------------------------------------------------------------------------------------------------- reading

  /**
   * The numbers, row by row: the tensor's own array, not a copy. An Int32Array where the dtype is int32, a Uint8Array
   * of 0 and 1 where it is bool; `dataSync<'int32'>()` says so to TypeScript.
   */
  dataSync<D extends DataType = 'float32'>(): DataTypeMap[D] {
    return this.#values as DataTypeMap[D];
  }

  /** The same as `dataSync`, as a promise; here for programs written for TF.js. */
  async data<D extends DataType = 'float32'>(): Promise<DataTypeMap[D]> {
    return this.#values as DataTypeMap[D];
  }

  /** The numbers as nested arrays; a scalar gives a number. */
  arraySync(): NestedValues {
    return nest(this.#values, this.shape);
  }

  async array(): Promise<NestedValues> {
    return this.arraySync();
  }

  /** A copy of the numbers that can be set one by one. */
  bufferSync(): TensorBuffer {
    return new TensorBuffer(this.shape, this.dtype, this.#values.slice());
  }

  async buffer(): Promise<TensorBuffer> {
    return this.bufferSync();
  }

  /** A scalar tensor converts like the number it holds. */
  valueOf(): number {
    return this.size === 1 ? this.#values[0]! : Number.NaN;
  }

  /** The numbers as text; with `verbose`, dtype and shape too. */
  toString(verbose?: boolean): string {
    return format(this.#values, this.shape, this.dtype, verbose);
  }

  print(verbose?: boolean): void {
    console.log(this.toString(verbose));
  }

  /** Does nothing: there is nothing to give back. Here for programs written for TF.js. */
  dispose(): void {}

  /** False, always. */
  get isDisposed(): boolean {
    return false;
  }

  // ------------------------------------------------------------------------------------------- other shapes and parts

  reshape(shape: readonly number[]): Tensor {
    return layout.reshape(this, shape);
  }

  /** In the shape of another tensor. */
  reshapeAs(x: Tensor): Tensor {
    if (!(x instanceof Tensor)) fail('reshapeAs', `x must be a tensor, got ${show(x)}`);
    return layout.reshaped('reshapeAs', this, [...x.shape]);
  }

  flatten(): Tensor {
    return layout.flatten(this);
  }

  /** The only number of a tensor as a scalar. */
  asScalar(): Tensor {
    return layout.reshaped('asScalar', this, []);
  }

  as1D(): Tensor {
    return layout.flatten(this);
  }

  as2D(rows: number, columns: number): Tensor {
    return layout.reshaped('as2D', this, [rows, columns]);
  }

  as3D(rows: number, columns: number, depth: number): Tensor {
    return layout.reshaped('as3D', this, [rows, columns, depth]);
  }

  as4D(rows: number, columns: number, depth: number, depth2: number): Tensor {
    return layout.reshaped('as4D', this, [rows, columns, depth, depth2]);
  }

  squeeze(axis?: number | readonly number[] | null): Tensor {
    return layout.squeeze(this, axis);
  }

  expandDims(axis?: number | null): Tensor {
    return layout.expandDims(this, axis);
  }

  transpose(perm?: readonly number[] | null): Tensor {
    return layout.transpose(this, perm);
  }

  reverse(axis?: number | readonly number[] | null): Tensor {
    return layout.reverse(this, axis);
  }

  slice(begin: number | readonly number[], size?: number | readonly number[] | null): Tensor {
    return layout.slice(this, begin, size);
  }

  split(numOrSizeSplits: number | readonly number[], axis?: number | null): Tensor[] {
    return layout.split(this, numOrSizeSplits, axis);
  }

  unstack(axis?: number | null): Tensor[] {
    return layout.unstack(this, axis);
  }

  gather(indices: TensorLike, axis?: number | null, batchDims?: number | null): Tensor {
    return layout.gather(this, indices, axis, batchDims);
  }

  tile(reps: readonly number[]): Tensor {
    return layout.tile(this, reps);
  }

  /** This tensor and others behind it. */
  concat(x: TensorLike | readonly TensorLike[], axis?: number | null): Tensor {
    const others = Array.isArray(x) && x.every(one => one instanceof Tensor) ? x : [x];
    return layout.concat([this, ...(others as TensorLike[])], axis);
  }

  /** This tensor and others beside it. */
  stack(x: Tensor | readonly Tensor[], axis?: number | null): Tensor {
    return layout.stack([this, ...(Array.isArray(x) ? (x as Tensor[]) : [x as Tensor])], axis);
  }

  // --------------------------------------------------------------------------------------------------------- dtypes

  cast(dtype: DataType): Tensor {
    return layout.cast(this, dtype);
  }

  asType(dtype: DataType): Tensor {
    return layout.cast(this, dtype);
  }

  toFloat(): Tensor {
    return layout.cast(this, 'float32');
  }

  toInt(): Tensor {
    return layout.cast(this, 'int32');
  }

  toBool(): Tensor {
    return layout.cast(this, 'bool');
  }

  clone(): Tensor {
    return layout.clone(this);
  }

  // ----------------------------------------------------------------------------------------------------- each number

  neg(): Tensor {
    return arithmetic.neg(this);
  }

  abs(): Tensor {
    return arithmetic.abs(this);
  }

  sign(): Tensor {
    return arithmetic.sign(this);
  }

  square(): Tensor {
    return arithmetic.square(this);
  }

  floor(): Tensor {
    return arithmetic.floor(this);
  }

  ceil(): Tensor {
    return arithmetic.ceil(this);
  }

  round(): Tensor {
    return arithmetic.round(this);
  }

  sqrt(): Tensor {
    return arithmetic.sqrt(this);
  }

  exp(): Tensor {
    return arithmetic.exp(this);
  }

  log(): Tensor {
    return arithmetic.log(this);
  }

  sin(): Tensor {
    return arithmetic.sin(this);
  }

  cos(): Tensor {
    return arithmetic.cos(this);
  }

  sigmoid(): Tensor {
    return arithmetic.sigmoid(this);
  }

  tanh(): Tensor {
    return arithmetic.tanh(this);
  }

  relu(): Tensor {
    return arithmetic.relu(this);
  }

  clipByValue(clipValueMin: number, clipValueMax: number): Tensor {
    return arithmetic.clipByValue(this, clipValueMin, clipValueMax);
  }

  softmax(dim?: number | null): Tensor {
    return reduce.softmax(this, dim);
  }

  // ----------------------------------------------------------------------------------------------------- two tensors

  add(b: TensorLike): Tensor {
    return arithmetic.add(this, b);
  }

  sub(b: TensorLike): Tensor {
    return arithmetic.sub(this, b);
  }

  mul(b: TensorLike): Tensor {
    return arithmetic.mul(this, b);
  }

  div(b: TensorLike): Tensor {
    return arithmetic.div(this, b);
  }

  pow(b: TensorLike): Tensor {
    return arithmetic.pow(this, b);
  }

  maximum(b: TensorLike): Tensor {
    return arithmetic.maximum(this, b);
  }

  minimum(b: TensorLike): Tensor {
    return arithmetic.minimum(this, b);
  }

  squaredDifference(b: TensorLike): Tensor {
    return arithmetic.squaredDifference(this, b);
  }

  equal(b: TensorLike): Tensor {
    return arithmetic.equal(this, b);
  }

  notEqual(b: TensorLike): Tensor {
    return arithmetic.notEqual(this, b);
  }

  greater(b: TensorLike): Tensor {
    return arithmetic.greater(this, b);
  }

  greaterEqual(b: TensorLike): Tensor {
    return arithmetic.greaterEqual(this, b);
  }

  less(b: TensorLike): Tensor {
    return arithmetic.less(this, b);
  }

  lessEqual(b: TensorLike): Tensor {
    return arithmetic.lessEqual(this, b);
  }

  matMul(b: TensorLike, transposeA?: boolean | null, transposeB?: boolean | null): Tensor {
    return arithmetic.matMul(this, b, transposeA, transposeB);
  }

  // -------------------------------------------------------------------------------------------------- one out of many

  sum(axis?: reduce.Axes | null, keepDims?: boolean | null): Tensor {
    return reduce.sum(this, axis, keepDims);
  }

  mean(axis?: reduce.Axes | null, keepDims?: boolean | null): Tensor {
    return reduce.mean(this, axis, keepDims);
  }

  max(axis?: reduce.Axes | null, keepDims?: boolean | null): Tensor {
    return reduce.max(this, axis, keepDims);
  }

  min(axis?: reduce.Axes | null, keepDims?: boolean | null): Tensor {
    return reduce.min(this, axis, keepDims);
  }

  argMax(axis?: number | null): Tensor {
    return reduce.argMax(this, axis);
  }

  argMin(axis?: number | null): Tensor {
    return reduce.argMin(this, axis);
  }
}

exactMethods(Tensor, 'tensor');

/** Nested arrays, from the innermost axis outwards. */
function nest(values: Values, shape: readonly number[]): NestedValues {
  let items: NestedArray[] = Array.from(values);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const [width, count] = [shape[axis]!, sizeOf(shape.slice(0, axis))];
    const rows: NestedArray[] = [];
    for (let i = 0; i < count; i++) rows.push(items.slice(i * width, (i + 1) * width));
    items = rows;
  }
  return items[0] as NestedValues;
}
