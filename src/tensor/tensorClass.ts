/**
 * The class `Tensor`: numbers in a shape, kept in a JavaScript array. Other folders import it from `tensor.ts`, with its
 * chained methods.
 */

import { fail, show } from '../util/errors.ts';
import { type NestedArray, type NestedValues, sizeOf } from '../util/shapes.ts';
import { format } from './format.ts';
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
}

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
