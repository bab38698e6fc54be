/** How much `fit` and `evaluate` print, and where. */

import { fail, show } from '../util/errors.ts';

/** 0 or false is silent; 1 or true draws a progress bar; 2 writes a line for each epoch. Other numbers are rejected. */
export type Verbosity = number | boolean;

/** Where a progress bar writes: a Node stream, or any object with a `write` function. */
export interface ProgressStream {
  write(text: string): unknown;
  /** Whether a line can be overwritten; otherwise each epoch writes one line at its end. */
  readonly isTTY?: boolean;
  /** Characters in a line. */
  readonly columns?: number;
}

export function checkVerbose(call: string, value: unknown): 0 | 1 | 2 {
  if (value === 0 || value === 1 || value === 2) return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return fail(call, `verbose must be 0, 1, 2, true or false, got ${show(value)}`);
}

/** A progress bar in Node; nothing in browsers. */
export const defaultVerbosity = (): 0 | 1 => (standardError() ? 1 : 0);

/** The standard error of Node, or the console where there is none. */
export const terminal = (): ProgressStream => standardError() ?? { write: text => console.log(text.trimEnd()) };

function standardError(): ProgressStream | null {
  const inNode = typeof process === 'object' && typeof process?.versions?.node === 'string';
  return inNode && typeof process.stderr?.write === 'function' ? process.stderr : null;
}
