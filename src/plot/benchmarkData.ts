/** Checks the arguments of bar charts. */

import { fail, show } from '../util/errors.ts';
import { checkCount, checkOptions } from '../util/options.ts';
import { checkLength, checkNumbers, checkText } from './checks.ts';

/** A workload and the names of its bars. */
export interface WorkloadGroup {
  title: string;
  bars: readonly string[];
  /** The column of the chart, from 0 to 3; default 0. */
  column?: number;
}

export function checkTexts(call: string, name: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) fail(call, `${name} must be an array of strings, got ${show(value)}`);
  return value.map((text, n) => checkText(call, `${name}[${n}]`, text));
}

export function checkGroups(call: string, value: unknown): Required<WorkloadGroup>[] {
  if (!Array.isArray(value) || value.length === 0) {
    fail(call, `groups must be an array of at least one group, got ${show(value)}`);
  }
  return value.map((group: unknown, n) => {
    const given = checkOptions<WorkloadGroup>(`${call}: group ${n}`, group, ['title', 'bars', 'column']);
    const title = checkText(call, `title of group ${n}`, given.title);
    const bars = checkTexts(call, `bars of group ${n}`, given.bars);
    const column = checkCount(call, `column of group ${n}`, given.column ?? 0, 0);
    if (column > 3) fail(call, `column of group ${n} must be at most 3, got ${column}`);
    return { title, bars, column };
  });
}

export function checkValues(
  call: string,
  value: unknown,
  groups: readonly WorkloadGroup[],
): readonly ArrayLike<number>[] {
  if (!Array.isArray(value) || value.length !== groups.length) {
    fail(call, `values must be a list for each of ${groups.length} groups, got ${show(value)}`);
  }
  return value.map((list: unknown, n) => {
    const numbers = checkNumbers(call, `values[${n}]`, list);
    checkLength(call, `values[${n}]`, numbers, 'its bars', groups[n]!.bars.length);
    return numbers;
  });
}
