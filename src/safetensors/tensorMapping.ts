/** A weight of a model and what a file has in its place. */

import { fail } from '../util/errors.ts';
import type { Shape } from '../util/shapes.ts';
import type { SafetensorsReader } from './format.ts';
import { quote } from './header.ts';

export interface TensorMapping {
  /** Of the tensors of the file, of which there are two where one weight of ours is the sum of two, or holds both. */
  readonly names: readonly string[];
  /** The shape of each of them. */
  readonly shape: readonly number[];
  /** What each of them holds, of the numbers of the weight. */
  write(weight: Float32Array): readonly Float32Array[];
  /** The other way round. */
  read(tensors: readonly Float32Array[]): Float32Array;
}

/** Refuses a file in which a tensor of a part is missing or has another shape. */
export function checkPresent(call: string, file: SafetensorsReader, parts: readonly TensorMapping[], hint = ''): void {
  for (const { names, shape } of parts) {
    for (const name of names) {
      const entry = file.entries.get(name);
      if (!entry) fail(call, `header must have the tensor ${quote(name)}, got none of that name${hint}`);
      if (!isSameShape(entry.shape, shape)) {
        fail(call, `header.${quote(name)}.shape must be ${showSizes(shape)}, got ${showSizes(entry.shape)}`);
      }
    }
  }
}

/** Refuses a file that has tensors which no part asks for. */
export function checkNoOthers(call: string, file: SafetensorsReader, parts: readonly TensorMapping[]): void {
  const wanted = new Set(parts.flatMap(({ names }) => names));
  for (const name of file.entries.keys()) {
    if (!wanted.has(name)) {
      fail(call, `header must have no tensor but those of the model, got ${quote(name)}; strict: false ignores it`);
    }
  }
}

export const isSameShape = (a: readonly number[], b: Readonly<Shape>): boolean =>
  a.length === b.length && a.every((n, axis) => n === b[axis]);

/** A shape from a file, which may be as long as the file. */
export const showSizes = (shape: readonly number[]): string =>
  shape.length > 8 ? `one of ${shape.length} axes` : `[${shape.join(', ')}]`;
