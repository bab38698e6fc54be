/**
 * The chained methods of tensors, such as `x.add(y)`. They are added to the class here rather than declared in it, because
 * the functions behind them import the class.
 */

import { limitMethodArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import * as arithmetic from './arithmetic.ts';
import { TensorBuffer } from './buffer.ts';
import * as layout from './layout.ts';
import type { TensorLike } from './read.ts';
import * as reduce from './reduce.ts';
import { Tensor } from './tensorClass.ts';
import type { DataType } from './values.ts';

/** Functions of one tensor or two as methods of the first; the arguments are those of the function of the same name. */
export interface TensorMethods {
  // Data
  /** A copy of the numbers, in which single numbers can be set. */
  bufferSync(): TensorBuffer;
  /** The same as `bufferSync`, as a promise. */
  buffer(): Promise<TensorBuffer>;

  // Shape
  reshape(shape: readonly number[]): Tensor;
  /** A copy in the shape of `x`, which must have as many elements. */
  reshapeAs(x: Tensor): Tensor;
  flatten(): Tensor;
  /** A scalar of the only number of this tensor. */
  asScalar(): Tensor;
  as1D(): Tensor;
  as2D(rows: number, columns: number): Tensor;
  as3D(rows: number, columns: number, depth: number): Tensor;
  as4D(rows: number, columns: number, depth: number, depth2: number): Tensor;
  squeeze(axis?: number | readonly number[] | null): Tensor;
  expandDims(axis?: number | null): Tensor;
  transpose(perm?: readonly number[] | null): Tensor;
  reverse(axis?: number | readonly number[] | null): Tensor;
  slice(begin: number | readonly number[], size?: number | readonly number[] | null): Tensor;
  split(numOrSizeSplits: number | readonly number[], axis?: number | null): Tensor[];
  unstack(axis?: number | null): Tensor[];
  gather(indices: TensorLike, axis?: number | null, batchDims?: number | null): Tensor;
  tile(reps: readonly number[]): Tensor;
  /** This tensor followed by `x`, one tensor or several, along an existing axis. */
  concat(x: TensorLike | readonly TensorLike[], axis?: number | null): Tensor;
  /** This tensor and `x`, one tensor or several, along a new axis. */
  stack(x: Tensor | readonly Tensor[], axis?: number | null): Tensor;

  // Dtype
  cast(dtype: DataType): Tensor;
  asType(dtype: DataType): Tensor;
  toFloat(): Tensor;
  toInt(): Tensor;
  toBool(): Tensor;
  clone(): Tensor;

  // Each number
  neg(): Tensor;
  abs(): Tensor;
  sign(): Tensor;
  square(): Tensor;
  floor(): Tensor;
  ceil(): Tensor;
  round(): Tensor;
  sqrt(): Tensor;
  exp(): Tensor;
  log(): Tensor;
  sin(): Tensor;
  cos(): Tensor;
  sigmoid(): Tensor;
  tanh(): Tensor;
  relu(): Tensor;
  clipByValue(clipValueMin: number, clipValueMax: number): Tensor;
  softmax(dim?: number | null): Tensor;

  // Two tensors
  add(b: TensorLike): Tensor;
  sub(b: TensorLike): Tensor;
  mul(b: TensorLike): Tensor;
  div(b: TensorLike): Tensor;
  pow(b: TensorLike): Tensor;
  maximum(b: TensorLike): Tensor;
  minimum(b: TensorLike): Tensor;
  squaredDifference(b: TensorLike): Tensor;
  equal(b: TensorLike): Tensor;
  notEqual(b: TensorLike): Tensor;
  greater(b: TensorLike): Tensor;
  greaterEqual(b: TensorLike): Tensor;
  less(b: TensorLike): Tensor;
  lessEqual(b: TensorLike): Tensor;
  matMul(b: TensorLike, transposeA?: boolean | null, transposeB?: boolean | null): Tensor;

  // Reductions
  sum(axis?: reduce.Axes | null, keepDims?: boolean | null): Tensor;
  mean(axis?: reduce.Axes | null, keepDims?: boolean | null): Tensor;
  max(axis?: reduce.Axes | null, keepDims?: boolean | null): Tensor;
  min(axis?: reduce.Axes | null, keepDims?: boolean | null): Tensor;
  argMax(axis?: number | null): Tensor;
  argMin(axis?: number | null): Tensor;
}

declare module './tensorClass.ts' {
  interface Tensor extends TensorMethods {}
}

/** Methods that do more than call the function of their name. */
const methods = {
  bufferSync() {
    return new TensorBuffer(this.shape, this.dtype, Tensor.valuesOf(this).slice());
  },
  async buffer() {
    return this.bufferSync();
  },
  reshapeAs(x) {
    if (!(x instanceof Tensor)) fail('reshapeAs', `x must be a tensor, got ${show(x)}`);
    return layout.reshaped('reshapeAs', this, [...x.shape]);
  },
  asScalar() {
    return layout.reshaped('asScalar', this, []);
  },
  as2D(rows, columns) {
    return layout.reshaped('as2D', this, [rows, columns]);
  },
  as3D(rows, columns, depth) {
    return layout.reshaped('as3D', this, [rows, columns, depth]);
  },
  as4D(rows, columns, depth, depth2) {
    return layout.reshaped('as4D', this, [rows, columns, depth, depth2]);
  },
  concat(x, axis) {
    const others = Array.isArray(x) && x.every(one => one instanceof Tensor) ? x : [x];
    return layout.concat([this, ...(others as TensorLike[])], axis);
  },
  stack(x, axis) {
    return layout.stack([this, ...(Array.isArray(x) ? (x as Tensor[]) : [x as Tensor])], axis);
  },
  toFloat() {
    return layout.cast(this, 'float32');
  },
  toInt() {
    return layout.cast(this, 'int32');
  },
  toBool() {
    return layout.cast(this, 'bool');
  },
} satisfies Partial<TensorMethods> & ThisType<Tensor>;

type Functions = {
  [K in Exclude<keyof TensorMethods, keyof typeof methods>]: (
    x: Tensor,
    ...rest: Parameters<TensorMethods[K]>
  ) => ReturnType<TensorMethods[K]>;
};

/** Functions that take the tensor as their first argument. */
const functions: Functions = {
  reshape: layout.reshape,
  flatten: layout.flatten,
  as1D: layout.flatten,
  squeeze: layout.squeeze,
  expandDims: layout.expandDims,
  transpose: layout.transpose,
  reverse: layout.reverse,
  slice: layout.slice,
  split: layout.split,
  unstack: layout.unstack,
  gather: layout.gather,
  tile: layout.tile,
  cast: layout.cast,
  asType: layout.cast,
  clone: layout.clone,
  neg: arithmetic.neg,
  abs: arithmetic.abs,
  sign: arithmetic.sign,
  square: arithmetic.square,
  floor: arithmetic.floor,
  ceil: arithmetic.ceil,
  round: arithmetic.round,
  sqrt: arithmetic.sqrt,
  exp: arithmetic.exp,
  log: arithmetic.log,
  sin: arithmetic.sin,
  cos: arithmetic.cos,
  sigmoid: arithmetic.sigmoid,
  tanh: arithmetic.tanh,
  relu: arithmetic.relu,
  clipByValue: arithmetic.clipByValue,
  softmax: reduce.softmax,
  add: arithmetic.add,
  sub: arithmetic.sub,
  mul: arithmetic.mul,
  div: arithmetic.div,
  pow: arithmetic.pow,
  maximum: arithmetic.maximum,
  minimum: arithmetic.minimum,
  squaredDifference: arithmetic.squaredDifference,
  equal: arithmetic.equal,
  notEqual: arithmetic.notEqual,
  greater: arithmetic.greater,
  greaterEqual: arithmetic.greaterEqual,
  less: arithmetic.less,
  lessEqual: arithmetic.lessEqual,
  matMul: arithmetic.matMul,
  sum: reduce.sum,
  mean: reduce.mean,
  max: reduce.max,
  min: reduce.min,
  argMax: reduce.argMax,
  argMin: reduce.argMin,
};

/** A function of a tensor and other arguments as a method; its `length` is the number of the other arguments. */
function methodOf(name: string, f: (x: Tensor, ...rest: never[]) => unknown): (...rest: never[]) => unknown {
  const count = f.length - 1;
  function method(this: Tensor, ...rest: never[]): unknown {
    return f(this, ...rest.slice(0, count));
  }
  return Object.defineProperties(method, { name: { value: name }, length: { value: count } });
}

/** Adds the methods to the class, once. */
export function addTensorMethods(): void {
  if (Object.hasOwn(Tensor.prototype, 'reshape')) return;
  const all: Record<string, unknown> = { ...methods };
  for (const [name, f] of Object.entries(functions)) all[name] = methodOf(name, f);
  for (const [name, value] of Object.entries(all)) {
    Object.defineProperty(Tensor.prototype, name, { value, writable: true, configurable: true });
  }
  limitMethodArguments(Tensor, 'tensor');
}
