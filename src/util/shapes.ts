/** Shapes, and numbers in nested arrays. */

import { fail, show } from './errors.ts';
import { countOf, isTypedArray, type TypedArray } from './typedArrays.ts';

export { isTypedArray, type TypedArray } from './typedArrays.ts';

/** The sizes of the axes; null for sizes that may differ between batches, as in `[null, 20, 1]`. */
export type Shape = (number | null)[];

/** Numbers nested to any depth, all branches of equal length. */
export type NestedArray = number | readonly NestedArray[];

/**
 * The numbers of a tensor in arrays nested as deep as its rank. TypeScript does not know the rank, so this type can be
 * used as a number and as nested arrays of any depth.
 */
export type NestedValues = number & NestedValues[];

/** Numbers nested to any depth, as arguments; the innermost arrays may be typed arrays. */
export type NestedNumbers = number | TypedArray | readonly NestedNumbers[];

export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  // By index, because an iterator would allocate, and this runs in every batch
  for (let axis = 0; axis < shape.length; axis++) size *= shape[axis]!;
  return size;
}

export function sameShape(a: Readonly<Shape>, b: Readonly<Shape>): boolean {
  if (a.length !== b.length) return false;
  for (let axis = 0; axis < a.length; axis++) if (a[axis] !== b[axis]) return false;
  return true;
}

export const showShape = (shape: readonly (number | null)[]): string => `[${shape.map(String).join(', ')}]`;

/** Whether a value is an array, and so an axis of nested arrays. */
const isAxis = (value: unknown): value is TypedArray | readonly NestedNumbers[] =>
  Array.isArray(value) || isTypedArray(value);

/** The largest number of axes. It stops the recursion into an array that contains itself. */
const MAX_AXES = 8;

/** Checks a shape: integers of at least 0; with `open`, of at least 1 or null. */
export function checkShape(call: string, name: string, value: unknown, { open = false } = {}): Shape {
  const isSize = (n: unknown) => (open && n === null) || (Number.isSafeInteger(n) && (n as number) >= (open ? 1 : 0));
  const shape =
    Array.isArray(value) && value.length <= MAX_AXES ? Array.from({ length: value.length }, (_, n) => value[n]) : null;
  if (!shape?.every(isSize)) {
    const most = Array.isArray(value) && !shape ? `at most ${MAX_AXES} ` : '';
    fail(call, `${name} must be an array of ${most}integers${open ? ' or null' : ''}, got ${show(value)}`);
  }
  return shape;
}

/** An array for the numbers of a shape. Throws a ValueError if it cannot be allocated. */
export function floatsFor(call: string, name: string, shape: readonly number[]): Float32Array<ArrayBuffer> {
  try {
    return new Float32Array(sizeOf(shape));
  } catch {
    return fail(call, `${name} must fit into memory, got the shape ${showShape(shape)}`);
  }
}

/** The shape of a nested array, judged by the first item of each axis. `copyNested` checks all others against it. */
export function shapeOfNested(call: string, name: string, value: NestedNumbers): number[] {
  const shape = [];
  for (let branch: NestedNumbers | undefined = value; isAxis(branch); branch = branch[0]) {
    if (shape.push(countOf(branch)) > MAX_AXES) fail(call, `${name} must have at most ${MAX_AXES} axes, got more`);
  }
  return shape;
}

/** Advice for sequences of different lengths. */
const PADDING_ADVICE = '; use padSequences of lstm-wasm/data to pad them to one length';

/**
 * Copies the numbers of a nested array to `target`, row by row, from index `next`.
 *
 * @param advice appended to the error when items of the first axis differ in length
 * @throws ValueError if the array is ragged, or an item is not a number
 * @returns the index after the last number written
 */
export function copyNested(
  call: string,
  name: string,
  value: NestedNumbers,
  shape: readonly number[],
  target: { [index: number]: number },
  next: number,
  axis = 0,
  advice = PADDING_ADVICE,
): number {
  if (axis === shape.length) {
    target[next] = checkItem(call, name, value, shape);
    return next + 1;
  }
  if (!isAxis(value) || countOf(value) !== shape[axis]) {
    const got = isAxis(value) ? `one of ${countOf(value)}` : show(value);
    const hint = axis === 1 && isAxis(value) ? advice : '';
    fail(call, `${name} must not be ragged: expected arrays of ${shape[axis]} on axis ${axis}, got ${got}${hint}`);
  }
  // By index, because user code can replace the iterator and the length of an array
  const length = shape[axis]!;
  if (axis === shape.length - 1)
    for (let i = 0; i < length; i++) target[next++] = checkItem(call, name, value[i], shape);
  else for (let i = 0; i < length; i++) next = copyNested(call, name, value[i]!, shape, target, next, axis + 1, advice);
  return next;
}

/** Checks an item of a nested array; converts true and false to 1 and 0. */
function checkItem(call: string, name: string, item: unknown, shape: readonly number[]): number {
  if (typeof item === 'number') return item;
  if (typeof item === 'boolean') return Number(item);
  return fail(call, `${name} must hold numbers in the shape ${showShape(shape)}, got ${show(item)}`);
}
