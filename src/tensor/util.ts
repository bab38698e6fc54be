/** The helpers of TF.js's `util`. */

import { limitArgumentsInTable } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkCount } from '../util/options.ts';
import { nextSeed } from '../util/random.ts';
import { RandomGenerator } from '../util/randomGenerator.ts';
import { checkShape, isTypedArray, sizeOf } from '../util/shapes.ts';
import { zerosFor } from './values.ts';

/** A list that can be reordered in place. @inline */
type List = { [index: number]: unknown; readonly length: number };

/** Items, or arrays of items, to any depth. */
export type Nested<T> = T | readonly Nested<T>[];

function checkList(call: string, name: string, value: unknown): List {
  if (!Array.isArray(value) && !isTypedArray(value)) fail(call, `${name} must be an array, got ${show(value)}`);
  return value;
}

/** Helpers by their TF.js names. */
export const util = /* @__PURE__ */ limitArgumentsInTable('util', {
  /** Throws an error with the given message if the condition is false. */
  assert(condition: boolean, message: string | (() => string)): asserts condition {
    if (!condition) throw new Error(typeof message === 'function' ? message() : message);
  },

  /** Shuffles an array in place; `setRandomSeed` makes the order reproducible. */
  shuffle(array: List): void {
    const list = checkList('util.shuffle', 'array', array);
    new RandomGenerator(nextSeed()).shuffle(list);
  },

  /** Shuffles two arrays of equal length in place, in the same order. */
  shuffleCombo(array: List, array2: List): void {
    const call = 'util.shuffleCombo';
    const [one, two] = [checkList(call, 'array', array), checkList(call, 'array2', array2)];
    if (one.length !== two.length) fail(call, `array2 must be as long as array, ${one.length}, got ${two.length}`);
    new RandomGenerator(nextSeed()).shuffle(one, two);
  },

  /** The numbers from 0 to n - 1, shuffled. */
  createShuffledIndices(n: number): Uint32Array {
    const call = 'util.createShuffledIndices';
    const { buffer } = zerosFor(call, [checkCount(call, 'n', n, 0)], 'int32');
    const indices = new Uint32Array(buffer).map((_, i) => i);
    new RandomGenerator(nextSeed()).shuffle(indices);
    return indices;
  },

  /** A time in milliseconds, for measuring durations. */
  now: (): number => performance.now(),

  /** Flattens nested arrays and typed arrays into one array. */
  flatten<T>(array: Nested<T>, into?: T[]): T[] {
    const result = into ?? [];
    if (!Array.isArray(array) && !isTypedArray(array)) result.push(array as T);
    else for (const item of array as Iterable<Nested<T>>) util.flatten(item, result);
    return result;
  },

  /** The number of elements of a tensor of this shape. */
  sizeFromShape: (shape: readonly number[]): number =>
    sizeOf(checkShape('util.sizeFromShape', 'shape', shape) as number[]),
});
