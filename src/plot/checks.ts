/** Checks of what a caller hands to a chart. Every one runs before anything is drawn. */

import { fail, show } from '../util/errors.ts';
import { checkNumber } from '../util/options.ts';
import { isTypedArray, plainArray } from '../util/typedArrays.ts';

type Numbers = ArrayLike<number>;

/** Title, caption, axis label: any text, the empty one included. */
export function checkText(call: string, name: string, value: unknown): string {
  if (typeof value !== 'string') fail(call, `${name} must be a text, got ${show(value)}`);
  return value;
}

/** A size in pixels, within what can be read at one end and rendered at the other. */
export const checkSize = (call: string, name: string, value: unknown, least: number) =>
  checkNumber(call, name, value, { least, most: 10_000 });

/** The two ends of an axis, the lower first. */
export function checkDomain(call: string, name: string, value: unknown): [number, number] {
  const ends = value as [number, number];
  const valid = Array.isArray(value) && value.length === 2 && value.every(Number.isFinite) && ends[0] < ends[1];
  if (!valid) fail(call, `${name} must be two finite numbers, the lower one first, got ${show(value)}`);
  return ends;
}

/** The names of the two lines. */
export function checkPair(call: string, name: string, value: unknown): [string, string] {
  const valid = Array.isArray(value) && value.length === 2 && value.every(item => typeof item === 'string');
  if (!valid) fail(call, `${name} must be two texts, got ${show(value)}`);
  return value as [string, string];
}

/** A flat array of numbers, typed or not. NaN and Infinity are numbers here: training that diverged is drawn too. */
export function checkNumbers(call: string, name: string, value: unknown): Numbers {
  const numbers = (isTypedArray(value) ? plainArray(value) : value) as Numbers;
  const rule = `${name} must be a flat array of numbers`;
  if (!isList(value)) fail(call, `${rule}, got ${show(value)}${isTensor(value) ? `; pass ${name}.dataSync()` : ''}`);
  for (let i = 0; i < numbers.length; i++) {
    if (typeof numbers[i] === 'number') continue;
    const fix = Array.isArray(numbers[i]) ? `; pass ${name}.flat(Infinity)` : '';
    fail(call, `${rule}, got ${show(numbers[i])} at index ${i}${fix}`);
  }
  return numbers.length > 0 ? numbers : []; // one that was given away is empty, and cannot be iterated
}

/** An array, typed or not. */
export const isList = (value: unknown): boolean => Array.isArray(value) || isTypedArray(value);

const isTensor = (value: unknown): boolean =>
  typeof (value as { dataSync?: unknown } | null | undefined)?.dataSync === 'function';

/** One number; NaN and Infinity are numbers here too. */
export function checkValue(call: string, name: string, value: unknown): number {
  if (typeof value !== 'number') fail(call, `${name} must be a number, got ${show(value)}`);
  return value;
}

export function checkLength(call: string, name: string, values: Numbers, other: string, length: number): void {
  if (values.length !== length) fail(call, `${name} must be as long as ${other} (${length}), got ${values.length}`);
}

/** Whether the values count something, such as steps. */
export const isWhole = (values: Numbers) => Array.from(values).every(Number.isInteger);
