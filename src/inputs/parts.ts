/** Splits data for a model into the parts for each of its inputs or outputs. */

import type { TensorLike } from '../tensor/read.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fail, show, suggest } from '../util/errors.ts';
import { isPlain } from '../util/options.ts';
import { isTypedArray } from '../util/typedArrays.ts';
import type { OneTensor } from './batches.ts';
import { Selection } from './samples.ts';

/** Data by the name of the input or output. @inline */
type Named = { readonly [name: string]: TensorLike };

/**
 * Data for all inputs or all outputs of a model: for a model with one, a tensor, nested arrays or a typed array; for a
 * model with several, a list of these, or an object by the name of the input or output. @inline
 */
export type ModelData = OneTensor | readonly TensorLike[] | Named;

/** The name of a part in error messages. */
export const partName = (name: string, part: string, count: number): string => (count === 1 ? name : `${name}.${part}`);

/** @param names of the inputs or outputs */
export function partsOf(call: string, name: string, data: unknown, names: readonly string[]): TensorLike[] {
  if (data instanceof Tensor && names.length === 1) return [data];
  if (isPlain(data)) return namedParts(call, name, data as Named, names);
  if (names.length === 1) return [data as TensorLike];
  if (!Array.isArray(data) || data.length !== names.length) {
    const rule = `${name} must be a list of ${names.length} tensors (${names.join(', ')}) or an object of these names`;
    const got = Array.isArray(data) ? `a list of ${data.length}` : show(data);
    fail(call, `${rule}, got ${got}`);
  }
  return Array.from(data as TensorLike[]);
}

function namedParts(call: string, name: string, data: Named, names: readonly string[]): TensorLike[] {
  const unknown = Object.keys(data).find(key => !names.includes(key));
  if (unknown !== undefined) {
    fail(
      call,
      `${name} must be numbers or an object of ${names.join(', ')}, got '${unknown}'${suggest(unknown, names)}`,
    );
  }
  return names.map(part => {
    const value = data[part];
    if (value === undefined)
      fail(call, `${name} must hold '${part}', got ${Object.keys(data).join(', ') || 'nothing'}`);
    return value;
  });
}

/** Whether a value can be the data of one input or output. */
export const isData = (value: unknown): boolean =>
  value instanceof Tensor || value instanceof Selection || Array.isArray(value) || isTypedArray(value);
