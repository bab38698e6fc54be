/**
 * The class `Tensor`: numbers in a shape, kept in a JavaScript array. Other folders import it from `tensor.ts`, with its
 * chained methods.
 */

import { fail, show } from '../util/errors.ts';
import { type NestedArray, type NestedValues, sizeOf } from '../util/shapes.ts';
import { format } from './format.ts';
import { type DataType, type DataTypeMap, dataTypeOf, type Values } from './values.ts';

/** Numbers in a shape; make one with `tensor`. A method calls the function of its name with this tensor first. */
export class Tensor {
  /** Sizes of the axes; frozen. */
  readonly shape: number[];
  /** float32, int32 or bool. */
  readonly dtype: DataType;
  readonly #values: Values;

  /** @internal Use `tensor`. Keeps `values` without a copy; their array type sets the dtype. */
  constructor(values: Values, shape: readonly number[]) {
    this.#values = values;
    this.dtype = dataTypeOf(values);
    if (!Array.isArray(shape)) fail('Tensor', `shape must be an array of integers, got ${show(shape)}`);
    this.shape = Object.freeze([...shape]) as number[];
  }

  /** @internal True only for objects made by the constructor: others that inherit from a tensor have no numbers. */
  static [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && #values in value;
  }

  /** @internal The numbers of a tensor; subclasses cannot override this. */
  static valuesOf(tensor: Tensor): Values {
    return tensor.#values;
  }

  /** The number of elements. */
  get size(): number {
    return this.#values.length;
  }

  /** The number of axes. */
  get rank(): number {
    return this.shape.length;
  }

  /**
   * The numbers in row-major order: the tensor's own array, not a copy. A Float32Array, an Int32Array, or for bool a
   * Uint8Array of 0 and 1; in TypeScript, `dataSync<'int32'>()` gives the type.
   */
  dataSync<D extends DataType = 'float32'>(): DataTypeMap[D] {
    return this.#values as DataTypeMap[D];
  }

  /** The same as `dataSync`, as a promise. For programs written for TF.js. */
  async data<D extends DataType = 'float32'>(): Promise<DataTypeMap[D]> {
    return this.#values as DataTypeMap[D];
  }

  /** The numbers as nested arrays; a scalar gives a number. */
  arraySync(): NestedValues {
    return nest(this.#values, this.shape);
  }

  /** The same as `arraySync`, as a promise. For programs written for TF.js. */
  async array(): Promise<NestedValues> {
    return this.arraySync();
  }

  /** The number of a tensor of size 1; NaN for other sizes. */
  valueOf(): number {
    return this.size === 1 ? this.#values[0]! : Number.NaN;
  }

  /** The numbers as text; with `verbose`, also dtype and shape. */
  toString(verbose?: boolean): string {
    return format(this.#values, this.shape, this.dtype, verbose);
  }

  /** Prints `toString` to the console. */
  print(verbose?: boolean): void {
    console.log(this.toString(verbose));
  }

  /** Does nothing: tensors are garbage collected. For programs written for TF.js. */
  dispose(): void {}

  /** Always false. */
  get isDisposed(): boolean {
    return false;
  }
}

/** Nests flat numbers into arrays, from the innermost axis outwards. */
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
