/** Helpers that TF.js keeps under `util`. */

import { exactTable } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { Generator } from '../util/generator.ts';
import { checkCount } from '../util/options.ts';
import { nextSeed } from '../util/random.ts';
import { checkShape, isTypedArray, sizeOf } from '../util/shapes.ts';
import { room } from './values.ts';

/** A list that can be reordered in place. @inline */
type List = { [index: number]: unknown; readonly length: number };

/** Items, or arrays of items, to any depth. */
export type Nested<T> = T | readonly Nested<T>[];

function checkList(call: string, name: string, value: unknown): List {
  if (!Array.isArray(value) && !isTypedArray(value)) fail(call, `${name} must be an array, got ${show(value)}`);
  return value;
}

/** Helpers by their TF.js names. */
export const util = /* @__PURE__ */ exactTable('util', {
  /** Throws an error with the given message where the condition does not hold. */
  assert(condition: boolean, message: string | (() => string)): asserts condition {
    if (!condition) throw new Error(typeof message === 'function' ? message() : message);
  },

  /** Puts an array into a random order, in place; `setRandomSeed` fixes it. */
  shuffle(array: List): void {
    const list = checkList('util.shuffle', 'array', array);
    new Generator(nextSeed()).shuffle(list);
  },

  /** Puts two arrays of equal length into the same random order, in place. */
  shuffleCombo(array: List, array2: List): void {
    const call = 'util.shuffleCombo';
    const [one, two] = [checkList(call, 'array', array), checkList(call, 'array2', array2)];
    if (one.length !== two.length) fail(call, `array2 must be as long as array, ${one.length}, got ${two.length}`);
    new Generator(nextSeed()).shuffle(one, two);
  },

  /** The numbers from 0 to n - 1 in a random order. */
  createShuffledIndices(n: number): Uint32Array {
    const call = 'util.createShuffledIndices';
    const { buffer } = room(call, [checkCount(call, 'n', n, 0)], 'int32');
    const indices = new Uint32Array(buffer).map((_, i) => i);
    new Generator(nextSeed()).shuffle(indices);
    return indices;
  },

  /** Milliseconds, for measuring how long something takes. */
  now: (): number => performance.now(),

  /** All items of nested arrays in one; typed arrays count as arrays. */
  flatten<T>(array: Nested<T>, into?: T[]): T[] {
    const result = into ?? [];
    if (!Array.isArray(array) && !isTypedArray(array)) result.push(array as T);
    else for (const item of array as Iterable<Nested<T>>) util.flatten(item, result);
    return result;
  },

  /** How many numbers a shape holds. */
  sizeFromShape: (shape: readonly number[]): number =>
    sizeOf(checkShape('util.sizeFromShape', 'shape', shape) as number[]),
});
