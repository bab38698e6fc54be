/** Checks of the fields in the header of a snapshot. */

import { fail, show } from '../../util/errors.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** @param name of the field, for messages */
export function readObject(call: string, name: string, value: unknown): Fields {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    fail(call, `${name} must be an object, got ${show(value)}`);
  }
  return value as Fields;
}

/** @param count the required number of items; default any */
export function readList(call: string, name: string, value: unknown, count?: number): readonly unknown[] {
  if (!Array.isArray(value) || (count !== undefined && value.length !== count)) {
    fail(call, `${name} must be a list${count === undefined ? '' : ` of ${count}`}, got ${show(value)}`);
  }
  return value;
}

/** Names of losses, metrics and the like: distinct strings other than inherited object properties such as 'constructor'. */
export function readNames(call: string, name: string, value: unknown): readonly string[] {
  const names = readList(call, name, value);
  const seen = new Set<unknown>();
  for (const item of names) {
    if (typeof item !== 'string' || item in {} || seen.has(item)) {
      fail(call, `${name} must have distinct names, got ${show(item)}`);
    }
    seen.add(item);
  }
  return names as readonly string[];
}

export function readChoice<K extends string>(call: string, name: string, value: unknown, choices: readonly K[]): K {
  if (!(choices as readonly unknown[]).includes(value)) {
    fail(call, `${name} must be one of ${choices.map(show).join(', ')}, got ${show(value)}`);
  }
  return value as K;
}

/** A random state in the form of `randomState()`. */
export function readSeedState(call: string, name: string, value: unknown): string {
  if (typeof value !== 'string' || !/^[0-9a-f]{16}$/.test(value)) {
    fail(call, `${name} must be 16 hexadecimal digits, got ${show(value)}`);
  }
  return value;
}
