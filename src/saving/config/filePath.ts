/** Checks values from files, with error messages that name the path of the value in the file. */

import { toPython } from '../../util/config.ts';
import { fail, reasonOf, show, UnknownOption, ValueError } from '../../util/errors.ts';
import { describeOtherFormat } from '../stores/fileSignatures.ts';

/** The maximum nesting depth, below the limit of the call stack. */
const DEEPEST = 100;

/** The maximum number of values, because objects with shared parts can expand exponentially. */
const MOST_VALUES = 1_000_000;

/** The characters that precede JSON values. */
const COMMA = 0x2c;
const BRACKET = 0x5b;
const BRACE = 0x7b;

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

/** The maximum length of a topology in characters, in all formats. */
export const MOST_TEXT = 2 ** 24;

/** Rejects the text of a topology that is too long. */
export function checkLength(location: FilePath, length: number): void {
  if (length > MOST_TEXT) failAt(location, `must be at most ${MOST_TEXT} bytes long, got ${length}`);
}

/** Parses JSON that describes a model. */
export function parseTopology(location: FilePath, text: string): unknown {
  checkLength(location, text.length);
  return parseJson(location, text);
}

/** Parses JSON from a file; rejects it before parsing if its values would take much more memory than its text. */
export function parseJson(location: FilePath, text: string): unknown {
  let left = MOST_VALUES;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if ((code === COMMA || code === BRACKET || code === BRACE) && --left < 0) {
      failAt(location, `must have at most ${MOST_VALUES} values`);
    }
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const foreign = describeOtherFormat(new TextEncoder().encode(text.slice(0, 512)), 'JSON');
    return failAt(location, `must be JSON, got ${foreign ?? `${show(text)} (${reasonOf(error)})`}`);
  }
}
