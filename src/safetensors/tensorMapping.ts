/** Maps the weights of a model to the tensors of a file. */

import { fail } from '../util/errors.ts';
import type { Shape } from '../util/shapes.ts';
import type { SafetensorsReader } from './format.ts';
import { quote } from './header.ts';

export interface TensorMapping {
  /** The names of the tensors; two if a weight here is the sum or the concatenation of two tensors. */
  readonly names: readonly string[];
  /** The shape of each of them. */
  readonly shape: readonly number[];
  /** Converts the weight to the tensors. */
  write(weight: Float32Array): readonly Float32Array[];
  /** Converts the tensors to the weight. */
  read(tensors: readonly Float32Array[]): Float32Array;
}

/** A tensor with the numbers and the shape of the weight. */
export const unchanged = (name: string, shape: readonly number[]): TensorMapping => ({
  names: [name],
  shape,
  write: weight => [weight],
  read: ([tensor]) => tensor!,
});

/** Rejects a file in which a tensor is missing or has another shape. */
export function checkPresent(call: string, file: SafetensorsReader, parts: readonly TensorMapping[], hint = ''): void {
  for (const { names, shape } of parts) {
    for (const name of names) {
      const entry = file.entries.get(name);
      if (!entry) fail(call, `header must have the tensor ${quote(name)}, got none${hint}`);
      if (!isSameShape(entry.shape, shape)) {
        fail(call, `header.${quote(name)}.shape must be ${showSizes(shape)}, got ${showSizes(entry.shape)}`);
      }
    }
  }
}

/** Rejects a file with further tensors. */
export function checkNoOthers(
  call: string,
  file: SafetensorsReader,
  parts: readonly TensorMapping[],
  isIgnored: (name: string) => boolean = () => false,
): void {
  const wanted = new Set(parts.flatMap(({ names }) => names));
  for (const name of file.entries.keys()) {
    if (!wanted.has(name) && !isIgnored(name)) {
      fail(call, `header must have only the tensors of the model, got ${quote(name)}; pass strict: false to ignore it`);
    }
  }
}

export const isSameShape = (a: readonly number[], b: Readonly<Shape>): boolean =>
  a.length === b.length && a.every((n, axis) => n === b[axis]);

/** Shows a shape from a file, shortened if it is long. */
export const showSizes = (shape: readonly number[]): string =>
  shape.length > 8 ? `${shape.length} axes` : `[${shape.join(', ')}]`;
