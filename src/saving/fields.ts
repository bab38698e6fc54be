/** Fields of plain data from elsewhere, checked. */

import { fail, show } from '../util/errors.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** @param name where it stands, for messages */
export function readObject(call: string, name: string, value: unknown): Fields {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    fail(call, `${name} must be an object, got ${show(value)}`);
  }
  return value as Fields;
}

/** @param count how many items there must be; absent, any number */
export function readList(call: string, name: string, value: unknown, count?: number): readonly unknown[] {
  if (!Array.isArray(value) || (count !== undefined && value.length !== count)) {
    fail(call, `${name} must be a list${count === undefined ? '' : ` of ${count}`}, got ${show(value)}`);
  }
  return value;
}

/** Names of losses, metrics and the like, each once; none that every object has already. */
export function readNames(call: string, name: string, value: unknown): readonly string[] {
  const names = readList(call, name, value);
  const seen = new Set<unknown>();
  for (const item of names) {
    if (typeof item !== 'string' || item in {} || seen.has(item)) {
      fail(call, `${name} must hold different names, got ${show(item)}`);
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
