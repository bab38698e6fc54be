/** Ranges of an axis, as selected by Slice and Gather. */

import type { Size } from './sizes.ts';

/** Exporters write the largest int32 or int64 for the end of an axis. */
const END = 2 ** 31 - 1;

/** A range of an axis of known size: first index, step and count. */
export interface Range {
  readonly from: number;
  readonly step: number;
  readonly count: number;
}

/** Counts negative indices from the end, and clamps. */
const within = (n: number, size: number, least: number, most: number): number =>
  Math.min(Math.max(n < 0 ? n + size : n, least), most);

export function rangeOf(size: number, start: number, end: number, step: number): Range {
  const back = step < 0;
  const from = within(start, size, 0, back ? size - 1 : size);
  const to = within(end, size, back ? -1 : 0, back ? size - 1 : size);
  return { from, step, count: Math.max(Math.ceil((to - from) / step), 0) };
}

/** The selected part of the time axis; null for any other selection. */
export type TimeSelection = 'all' | 'first' | 'last' | 'reversed' | null;

/** Classifies a range of an axis whose size may be open. */
export function selectionOf(size: Size, start: number, end: Size, step: number): TimeSelection {
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
export const selectionAt = (size: Size, index: number): TimeSelection =>
  selectionOf(size, index, index === -1 ? END : index + 1, 1);
