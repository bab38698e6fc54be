/** Reads and checks the data of line charts: named lines and their x positions. */

import { fail, show, suggest } from '../util/errors.ts';
import { isPlain } from '../util/options.ts';
import { checkLength, checkNumbers, checkText, isList, isWhole } from './checks.ts';
import { day } from './dates.ts';
import type { AxisKind } from './ticks.ts';

/** The x positions of values: numbers, or dates as `Date` or ISO text; text without a time zone is in UTC. */
export type Positions = ArrayLike<number> | readonly Date[] | readonly string[];

/** The values of a line, or a line with its own x positions, such as a forecast that follows a history. */
export type LineData = ArrayLike<number> | { time?: Positions; values: ArrayLike<number> };

/** A checked line. */
export interface Line {
  name: string;
  /** In milliseconds where they are dates. */
  at: ArrayLike<number>;
  values: ArrayLike<number>;
}

export interface LineSet {
  lines: Line[];
  kind: AxisKind;
  caption: string | undefined;
}

/**
 * Reads the lines of `data`. Every key names a line, except `caption` and the key of the positions. Lines without their
 * own positions use these; without any positions, they count from `first`.
 */
export function checkLines(call: string, data: unknown, positions: 'time' | 'steps', first = 0): LineSet {
  if (!isPlain(data)) fail(call, `data must be an object with a list for each line, got ${show(data)}`);
  const { [positions]: given, caption, ...rest } = data as Record<string, unknown>;
  const entries = Object.entries(rest).filter(([, value]) => value !== undefined);
  if (entries.length === 0)
    fail(call, `data must have at least one line, such as { target: [0, 1] }, got ${show(data)}`);
  const shared = given === undefined ? undefined : checkPositions(call, positions, given);
  const lists = new Map<string, ArrayLike<number>>();
  const lines = entries.map(([name, value]) => {
    if (!isList(value) && isPlain(value)) return ownLine(call, name, value, positions, first);
    if (typeof value === 'string') rejectText(call, name, value, [positions, 'caption', 'target', 'prediction']);
    const values = checkNumbers(call, name, value);
    lists.set(name, values);
    const at = shared?.at ?? Array.from(values, (_, n) => first + n);
    return { name, values, at, dates: shared?.dates };
  });
  checkLengths(call, lists, positions, shared?.at.length);
  const kind = kindOf(call, lines, positions);
  return { lines, kind, caption: caption === undefined ? undefined : checkText(call, 'caption', caption) };
}

interface CheckedPositions {
  at: ArrayLike<number>;
  dates: boolean;
}

/** A line with its own positions. */
function ownLine(call: string, name: string, value: object, positions: string, first: number) {
  const { values: list, [positions]: own, ...others } = value as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) fail(call, `${name} must be { ${positions}, values }, got the key ${show(unknown)}`);
  const values = checkNumbers(call, `${name}.values`, list);
  if (own === undefined) return { name, values, at: Array.from(values, (_, n) => first + n), dates: undefined };
  const { at, dates } = checkPositions(call, `${name}.${positions}`, own);
  checkLength(call, `${name}.${positions}`, at, 'its values', values.length);
  return { name, values, at, dates };
}

function rejectText(call: string, name: string, value: string, known: readonly string[]): never {
  const hint = suggest(name, known);
  const suggestion = hint.startsWith('; did you mean') ? hint : '';
  fail(call, `${name} must be a flat array of numbers, got ${show(value)}${suggestion}`);
}

/** Checks that the lines that share positions have the length of the positions, and the same length as each other. */
function checkLengths(
  call: string,
  lists: ReadonlyMap<string, ArrayLike<number>>,
  positions: string,
  count: number | undefined,
): void {
  const [first] = lists;
  if (!first) return;
  const [name, { length }] = first;
  for (const [other, list] of lists) {
    if (list.length === length) continue;
    const rule = `${other} must be as long as ${name} (${length}), got ${list.length}`;
    fail(call, `${rule}; pass a line of another length as { ${positions}, values }`);
  }
  if (count !== undefined && count !== length) {
    fail(call, `${positions} must be as long as ${name} (${length}), got ${count}`);
  }
}

/** Rejects dates and numbers on the same axis. */
function kindOf(
  call: string,
  lines: readonly { name: string; at: ArrayLike<number>; dates?: boolean | undefined }[],
  positions: string,
): AxisKind {
  const nonEmpty = lines.filter(({ at }) => at.length > 0);
  const [first] = nonEmpty;
  for (const { name, dates = false } of nonEmpty) {
    if (dates === (first!.dates ?? false)) continue;
    const [one, other] = dates ? ['dates', 'numbers'] : ['numbers', 'dates'];
    fail(call, `${positions} of ${name} must be ${other}, like that of ${first!.name}, got ${one}`);
  }
  if (first?.dates) return 'date';
  return nonEmpty.every(({ at }) => isWhole(at)) ? 'count' : 'number';
}

function checkPositions(call: string, name: string, value: unknown): CheckedPositions {
  const dates = Array.isArray(value) && value.length > 0 && typeof value[0] !== 'number';
  if (dates) return { dates, at: value.map((item, n) => checkDate(call, name, item, n)) };
  const at = checkNumbers(call, name, value);
  for (let i = 0; i < at.length; i++) {
    if (!Number.isFinite(at[i])) fail(call, `${name} must be finite, got ${at[i]} at index ${i}`);
  }
  return { dates, at };
}

const isoDate = /^\d{4}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?$/;

function checkDate(call: string, name: string, value: unknown, index: number): number {
  let time = Number.NaN;
  if (typeof (value as Date | null)?.getTime === 'function') time = Number((value as Date).getTime());
  else if (typeof value === 'string') time = parseDate(value);
  if (Number.isFinite(time)) return time;
  fail(call, `${name} must be numbers or dates such as '2026-01-31 12:00', got ${show(value)} at index ${index}`);
}

/**
 * Reads a time without a time zone as UTC, as JavaScript does for a date alone, so that the axis shows the time in the
 * text.
 */
function parseDate(text: string): number {
  if (!isoDate.test(text)) return Number.NaN;
  const local = /\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(text) && !/[+-]\d\d:\d\d$/.test(text);
  return Date.parse(text.replace(' ', 'T') + (local ? 'Z' : ''));
}

/**
 * The domain of the x axis, over all lines. A single position is centred in a domain of one day, or of a small range.
 */
export function xDomainOf(lines: readonly Line[], kind: AxisKind): [number, number] {
  const [low, high] = extentOf(lines.map(({ at }) => at)) ?? [0, 1];
  return kind === 'date' && low === high ? [low - day / 2, high + day / 2] : [low, high];
}

/** The minimum and maximum of several lists of numbers; null when all are empty. */
export function extentOf(lists: readonly ArrayLike<number>[]): [number, number] | null {
  let [low, high] = [Infinity, -Infinity];
  for (const list of lists) {
    for (let i = 0; i < list.length; i++) {
      const value = list[i]!;
      if (!Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? [low, high] : null;
}
