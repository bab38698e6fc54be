/** Argument checks of charts, which run before anything is drawn. */

import { fail, show } from '../util/errors.ts';
import { checkNumber } from '../util/options.ts';
import { isTypedArray, plainArray } from '../util/typedArrays.ts';

type Numbers = ArrayLike<number>;

/** Checks a title, caption or label; it may be empty. */
export function checkText(call: string, name: string, value: unknown): string {
  if (typeof value !== 'string') fail(call, `${name} must be a string, got ${show(value)}`);
  return value;
}

/** Checks a size in pixels, from the smallest readable size to 10,000. */
export const checkSize = (call: string, name: string, value: unknown, least: number) =>
  checkNumber(call, name, value, { least, most: 10_000 });

/** Checks the domain of an axis, [low, high]. */
export function checkDomain(call: string, name: string, value: unknown): [number, number] {
  const ends = value as [number, number];
  const valid = Array.isArray(value) && value.length === 2 && value.every(Number.isFinite) && ends[0] < ends[1];
  if (!valid) fail(call, `${name} must be [low, high], two finite numbers with low < high, got ${show(value)}`);
  return ends;
}

/** Checks the names of two lines. */
export function checkPair(call: string, name: string, value: unknown): [string, string] {
  const valid = Array.isArray(value) && value.length === 2 && value.every(item => typeof item === 'string');
  if (!valid) fail(call, `${name} must be two strings, got ${show(value)}`);
  return value as [string, string];
}

/** Checks a flat array or typed array of numbers. Accepts NaN and Infinity, so that diverged training can be drawn. */
export function checkNumbers(call: string, name: string, value: unknown): Numbers {
  const numbers = (isTypedArray(value) ? plainArray(value) : value) as Numbers;
  const rule = `${name} must be a flat array of numbers`;
  if (!isList(value)) fail(call, `${rule}, got ${show(value)}${isTensor(value) ? `; pass ${name}.dataSync()` : ''}`);
  for (let i = 0; i < numbers.length; i++) {
    if (typeof numbers[i] === 'number') continue;
    const fix = Array.isArray(numbers[i]) ? `; pass ${name}.flat(Infinity)` : '';
    fail(call, `${rule}, got ${show(numbers[i])} at index ${i}${fix}`);
  }
  return numbers.length > 0 ? numbers : []; // a detached array is empty and cannot be iterated
}

/** Whether a value is an array or a typed array. */
export const isList = (value: unknown): boolean => Array.isArray(value) || isTypedArray(value);

const isTensor = (value: unknown): boolean =>
  typeof (value as { dataSync?: unknown } | null | undefined)?.dataSync === 'function';

/** Checks a number; accepts NaN and Infinity. */
export function checkValue(call: string, name: string, value: unknown): number {
  if (typeof value !== 'number') fail(call, `${name} must be a number, got ${show(value)}`);
  return value;
}

export function checkLength(call: string, name: string, values: Numbers, other: string, length: number): void {
  if (values.length !== length) fail(call, `${name} must be as long as ${other} (${length}), got ${values.length}`);
}

/** Whether all values are integers, such as steps. */
export const isWhole = (values: Numbers) => Array.from(values).every(Number.isInteger);
