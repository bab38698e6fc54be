/** Shapes, and numbers in the forms in which callers hold them. Knows nothing of wasm. */

import { fail, show } from './errors.ts';
import { countOf, isTypedArray, type TypedArray } from './typedArrays.ts';

export { isTypedArray, type TypedArray } from './typedArrays.ts';

/** Sizes of the axes; null where a size is open until a batch arrives, as in `[null, 20, 1]`. */
export type Shape = (number | null)[];

/** Numbers nested to any depth, all branches of equal length. */
export type NestedArray = number | readonly NestedArray[];

/**
 * The numbers of a tensor in arrays nested as deep as its rank. TypeScript does not know the rank, so this type can be
 * used as a number and as nested arrays of any depth.
 */
export type NestedValues = number & NestedValues[];

/** Numbers nested to any depth, as callers give them: the innermost arrays may be typed. */
export type NestedNumbers = number | TypedArray | readonly NestedNumbers[];

export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  // By index: the iterator of for..of would be an object for every number of every batch's shape.
  for (let axis = 0; axis < shape.length; axis++) size *= shape[axis]!;
  return size;
}

export function sameShape(a: Readonly<Shape>, b: Readonly<Shape>): boolean {
  if (a.length !== b.length) return false;
  for (let axis = 0; axis < a.length; axis++) if (a[axis] !== b[axis]) return false;
  return true;
}

export const showShape = (shape: readonly (number | null)[]): string => `[${shape.map(String).join(', ')}]`;

/** What makes an axis of nested arrays. */
const isAxis = (value: unknown): value is TypedArray | readonly NestedNumbers[] =>
  Array.isArray(value) || isTypedArray(value);

/** More axes than anything here has; an array that contains itself would have no end of them. */
const MOST_AXES = 8;

/** A shape given by a caller: whole numbers, or null where `open` allows it. */
export function checkShape(call: string, name: string, value: unknown, { open = false } = {}): Shape {
  const fine = (n: unknown) => (open && n === null) || (Number.isSafeInteger(n) && (n as number) >= (open ? 1 : 0));
  const shape =
    Array.isArray(value) && value.length <= MOST_AXES ? Array.from({ length: value.length }, (_, n) => value[n]) : null;
  if (!shape?.every(fine)) {
    const most = Array.isArray(value) && !shape ? `at most ${MOST_AXES} ` : '';
    fail(call, `${name} must be an array of ${most}whole numbers${open ? ' or null' : ''}, got ${show(value)}`);
  }
  return shape;
}

/** Room for the numbers of a shape, or a ValueError where there is not that much. */
export function floatsFor(call: string, name: string, shape: readonly number[]): Float32Array<ArrayBuffer> {
  try {
    return new Float32Array(sizeOf(shape));
  } catch {
    return fail(call, `${name} must fit into memory, got the shape ${showShape(shape)}`);
  }
}

/** The shape of a nested array, read along its first branches; `copyNested` finds out whether the others agree. */
export function shapeOfNested(call: string, name: string, value: NestedNumbers): number[] {
  const shape = [];
  for (let branch: NestedNumbers | undefined = value; isAxis(branch); branch = branch[0]) {
    if (shape.push(countOf(branch)) > MOST_AXES) fail(call, `${name} must have at most ${MOST_AXES} axes, got more`);
  }
  return shape;
}

/** Advice for sequences of different lengths. */
const PAD = '; use padSequences of lstm-wasm/data to pad them to one length';

/**
 * Writes a nested array into `target` from `at` on, row by row.
 *
 * @param advice appended to the error when items of the first axis differ in length
 * @throws ValueError where a branch is ragged or a leaf is not a number
 * @returns the index behind the last number written
 */
export function copyNested(
  call: string,
  name: string,
  value: NestedNumbers,
  shape: readonly number[],
  target: { [index: number]: number },
  at: number,
  axis = 0,
  advice = PAD,
): number {
  if (axis === shape.length) {
    target[at] = checkLeaf(call, name, value, shape);
    return at + 1;
  }
  if (!isAxis(value) || countOf(value) !== shape[axis]) {
    const got = isAxis(value) ? `one of ${countOf(value)}` : show(value);
    const hint = axis === 1 && isAxis(value) ? advice : '';
    fail(call, `${name} must not be ragged: expected arrays of ${shape[axis]} on axis ${axis}, got ${got}${hint}`);
  }
  // By index, and no further than the shape says, whatever an iterator of the caller's would give
  const length = shape[axis]!;
  if (axis === shape.length - 1) for (let i = 0; i < length; i++) target[at++] = checkLeaf(call, name, value[i], shape);
  else for (let i = 0; i < length; i++) at = copyNested(call, name, value[i]!, shape, target, at, axis + 1, advice);
  return at;
}

/** A number; true and false stand for 1 and 0. */
function checkLeaf(call: string, name: string, leaf: unknown, shape: readonly number[]): number {
  if (typeof leaf === 'number') return leaf;
  if (typeof leaf === 'boolean') return Number(leaf);
  return fail(call, `${name} must hold numbers in the shape ${showShape(shape)}, got ${show(leaf)}`);
}
