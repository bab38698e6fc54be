/** Ranges of an axis, as Slice and Gather name them. */

import type { Size } from './sizes.ts';

/** Exporters write the greatest int32 or int64 where they mean the end. */
const END = 2 ** 31 - 1;

/** A range of an axis whose size is known: where it begins, how far it goes each time, and how often. */
export interface Range {
  readonly from: number;
  readonly step: number;
  readonly count: number;
}

/** Counts from the end what is below zero, and stays within the bounds. */
const within = (n: number, size: number, least: number, most: number): number =>
  Math.min(Math.max(n < 0 ? n + size : n, least), most);

export function rangeOf(size: number, start: number, end: number, step: number): Range {
  const back = step < 0;
  const from = within(start, size, 0, back ? size - 1 : size);
  const to = within(end, size, back ? -1 : 0, back ? size - 1 : size);
  return { from, step, count: Math.max(Math.ceil((to - from) / step), 0) };
}

/** What is taken of the time steps. */
export type Stretch = 'all' | 'first' | 'last' | 'reversed' | null;

/** The same of an axis whose size may be open; null where it is something else. */
export function stretchOf(size: Size, start: number, end: Size, step: number): Stretch {
  const full = end === size || (typeof end === 'number' && end >= END);
  if (typeof size === 'number' && typeof end === 'number') {
    const { from, count } = rangeOf(size, start, end, step);
    if (step === 1 && count === size) return 'all';
    if (step === -1 && count === size) return 'reversed';
    if (count !== 1) return null;
    return from === 0 ? 'first' : from === size - 1 ? 'last' : null;
  }
  if (step === -1) {
    return (start === -1 || start >= END) && typeof end === 'number' && end <= -END ? 'reversed' : null;
  }
  if (step !== 1) return null;
  if (start === 0) return full ? 'all' : end === 1 ? 'first' : null;
  return start === -1 && full ? 'last' : null;
}

/** One index as a range. */
export const stretchAt = (size: Size, index: number): Stretch =>
  stretchOf(size, index, index === -1 ? END : index + 1, 1);
