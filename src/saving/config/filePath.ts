/** Checks values from files, with error messages that name the path of the value in the file. */

import { toPython } from '../../util/config.ts';
import { fail, show, UnknownOption, ValueError } from '../../util/errors.ts';

/** The maximum nesting depth, below the limit of the call stack. */
const DEEPEST = 100;

/** The maximum number of values, because objects with shared parts can expand exponentially. */
export const MOST_VALUES = 1_000_000;

/** The path of a value in a file, for error messages. */
export interface FilePath {
  /** The public call. */
  readonly call: string;
  /** The part of the file. */
  readonly part: string;
}

export const within = ({ call, part }: FilePath, inner: string): FilePath => ({
  call,
  part: part ? `${part}.${inner}` : inner,
});

/** The item of a list. */
export const itemOf = ({ call, part }: FilePath, n: number): FilePath => ({ call, part: `${part}[${n}]` });

export const failAt = ({ call, part }: FilePath, message: string): never =>
  fail(call, part ? `${part}: ${message}` : message);

/** Adds the path in the file to the errors that `work` throws. */
export function withFilePath<T>({ call, part }: FilePath, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof UnknownOption) {
      fail(call, `${part}: ${error.call}: unknown option ${show(toPython(error.option))}`);
    }
    if (error instanceof ValueError) fail(call, `${part}: ${error.message}`);
    throw error;
  }
}

export const isObject = (value: unknown): value is object => value !== null && typeof value === 'object';

/** An object that is not a list. */
export function readObject(location: FilePath, value: unknown): { readonly [name: string]: unknown } {
  if (!isObject(value) || Array.isArray(value)) failAt(location, `must be an object, got ${show(value)}`);
  return value as { readonly [name: string]: unknown };
}

export function readList(location: FilePath, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) failAt(location, `must be a list, got ${show(value)}`);
  return value as unknown[];
}

export function readText(location: FilePath, value: unknown): string {
  if (typeof value !== 'string') failAt(location, `must be a string, got ${show(value)}`);
  return value as string;
}

/** An integer of at least 0. */
export function readCount(location: FilePath, value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    failAt(location, `must be an integer of at least 0, got ${show(value)}`);
  }
  return value as number;
}

export function readNumber(location: FilePath, value: unknown): number {
  if (!Number.isFinite(value)) failAt(location, `must be a finite number, got ${show(value)}`);
  return value as number;
}

/** Rejects data that is cyclic, nested too deeply or too large. */
export function checkDepth(location: FilePath, value: unknown): void {
  let left = MOST_VALUES;
  const visit = (item: unknown, depth: number): void => {
    if (!isObject(item)) return;
    if (depth > DEEPEST) failAt(location, `must be nested at most ${DEEPEST} levels deep`);
    // Iterating over a sparse array takes time for its holes
    if (Array.isArray(item) && item.length > MOST_VALUES) left = 0;
    if (left === 0) failAt(location, `must have at most ${MOST_VALUES} values`);
    for (const inner of Object.values(item)) {
      if (--left < 0) failAt(location, `must have at most ${MOST_VALUES} values`);
      visit(inner, depth + 1);
    }
  };
  visit(value, 0);
}
