/** Checks of what a caller hands to a chart. Every one runs before anything is drawn. */

import { fail, show } from '../errors.ts';
import { checkNumber, checkOptions } from '../options.ts';
import { isTypedArray, plainArray } from '../typedArrays.ts';

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
  if (!Array.isArray(value) && !isTypedArray(value))
    fail(call, `${name} must be a flat array of numbers, got ${show(value)}`);
  for (let i = 0; i < numbers.length; i++) {
    if (typeof numbers[i] !== 'number') {
      fail(call, `${name} must be a flat array of numbers, got ${show(numbers[i])} at index ${i}`);
    }
  }
  return numbers.length > 0 ? numbers : []; // one that was given away is empty, and cannot be iterated
}

/** One number; NaN and Infinity are numbers here too. */
export function checkValue(call: string, name: string, value: unknown): number {
  if (typeof value !== 'number') fail(call, `${name} must be a number, got ${show(value)}`);
  return value;
}

export function checkLength(call: string, name: string, values: Numbers, other: string, length: number): void {
  if (values.length !== length) fail(call, `${name} must be as long as ${other} (${length}), got ${values.length}`);
}

/** Positions along x: finite, one for each value, counted from 0 where none are given. */
export function checkPositions(call: string, name: string, value: unknown, other: string, length: number): Numbers {
  if (value === undefined) return Array.from({ length }, (_, i) => i);
  const positions = checkNumbers(call, name, value);
  checkLength(call, name, positions, other, length);
  for (let i = 0; i < length; i++) {
    if (!Number.isFinite(positions[i])) fail(call, `${name} must be finite, got ${positions[i]} at index ${i}`);
  }
  return positions;
}

/** The lowest and the highest of some numbers; [0, 1] where there are none. */
export function extent(values: Numbers): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]!);
    high = Math.max(high, values[i]!);
  }
  return low <= high ? [low, high] : [0, 1];
}

/** Whether the values count something, such as steps. */
export const isWhole = (values: Numbers) => Array.from(values).every(Number.isInteger);

/** One step of two lines over time: the data of `predictionPlot` and a frame of `animation`. */
export interface PredictionData {
  /** Where the values lie along x; 0, 1, 2 ... when absent. */
  time?: ArrayLike<number>;
  target: ArrayLike<number>;
  prediction: ArrayLike<number>;
  /** What goes in, for a plot whose option `input` gives it a name. */
  input?: ArrayLike<number>;
  /** A few words at the upper right; the earlier ones stay when absent. */
  caption?: string;
}

/** @param hasInput whether there is a line for what goes in */
export function checkPrediction(call: string, data: unknown, hasInput = false) {
  const names = ['time', 'target', 'prediction', ...(hasInput ? ['input'] : []), 'caption'];
  const given = checkOptions<PredictionData>(call, data, names);
  const target = checkNumbers(call, 'target', given.target);
  const prediction = checkNumbers(call, 'prediction', given.prediction);
  checkLength(call, 'prediction', prediction, 'target', target.length);
  const time = checkPositions(call, 'time', given.time, 'target', target.length);
  const input = given.input === undefined ? [] : checkNumbers(call, 'input', given.input);
  if (input.length > 0) checkLength(call, 'input', input, 'target', target.length);
  const caption = given.caption === undefined ? undefined : checkText(call, 'caption', given.caption);
  return { target, prediction, input, time, caption };
}
