/** A mutable buffer of numbers from which tensors are made. */

import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkShape, showShape } from '../util/shapes.ts';
import { countOf } from '../util/typedArrays.ts';
import { Tensor } from './tensorClass.ts';
import { convert, type DataType, dataTypeOr, stridesOf, type Values, zerosFor } from './values.ts';

/** Numbers in a shape that can be set one by one: `buffer(shape)`, then `set` and `toTensor`, as in TF.js. */
export class TensorBuffer {
  /** Sizes of the axes; frozen. */
  readonly shape: number[];
  readonly dtype: DataType;
  /** The number of elements. */
  readonly size: number;
  /** The distance between neighbours on each axis, in numbers; 1 for the last axis. */
  readonly strides: number[];
  /** The numbers, in row-major order. */
  readonly values: Values;

  /** @param values as many numbers as the shape has; not copied if they are a typed array of the dtype's kind */
  constructor(shape: readonly number[], dtype?: DataType | null, values?: ArrayLike<number> | null) {
    const call = 'buffer';
    this.shape = Object.freeze(checkShape(call, 'shape', shape)) as number[];
    this.dtype = dataTypeOr(call, dtype);
    this.strides = stridesOf(this.shape);
    const fresh = zerosFor(call, values ? [0] : this.shape, this.dtype);
    if (values === undefined || values === null) {
      this.values = fresh;
    } else {
      const size = this.shape.reduce((product, n) => product * n, 1);
      if (typeof values !== 'object' || values === null || countOf(values) !== size) {
        fail(call, `values must have the ${size} numbers of the shape ${showShape(this.shape)}, got ${show(values)}`);
      }
      const own = values.constructor === fresh.constructor;
      this.values = own ? (values as Values) : convert(call, values, this.dtype);
    }
    this.size = this.values.length;
  }

  /** The number of axes. */
  get rank(): number {
    return this.shape.length;
  }

  /** Sets the number at `indices`, one for each axis; without indices, the first number. */
  set(value: number, ...indices: number[]): void {
    if (typeof value !== 'number') {
      if (typeof value !== 'boolean') fail('buffer.set', `value must be a number, got ${show(value)}`);
      value = Number(value);
    }
    this.values[this.#index('buffer.set', indices)] = this.dtype === 'bool' ? Number(value !== 0) : value;
  }

  /** The number at `indices`, one for each axis; without indices, the first number. */
  get(...indices: number[]): number {
    return this.values[this.#index('buffer.get', indices)]!;
  }

  #index(call: string, indices: number[]): number {
    if (indices.length === 0) return 0;
    const { shape, strides } = this;
    if (indices.length !== shape.length) {
      fail(call, `indices must be ${shape.length} numbers, one for each axis, got ${show(indices)}`);
    }
    let index = 0;
    for (let axis = 0; axis < shape.length; axis++) {
      const position = indices[axis]!;
      if (!(Number.isInteger(position) && position >= 0 && position < shape[axis]!)) {
        fail(call, `indices must be within the shape ${showShape(shape)}, got ${show(indices)}`);
      }
      index += position * strides[axis]!;
    }
    return index;
  }

  /** A tensor with a copy of the numbers. */
  toTensor(): Tensor {
    rejectExtraArguments('buffer.toTensor', 0, arguments);
    return new Tensor(this.values.slice() as Values, this.shape);
  }
}
