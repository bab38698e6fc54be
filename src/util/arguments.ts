/** Rejects surplus arguments, so that none is ignored silently. */

import { fail, show } from './errors.ts';
import { isPlain } from './options.ts';

/** @inline */
type AnyFunction = (...args: never[]) => unknown;

/**
 * Rejects arguments beyond the first `most`. Ignores `undefined`, and, in a call that takes one argument, the index and
 * the array that `Array.map` and `forEach` pass after the item.
 */
export function noMore(call: string, most: number, given: ArrayLike<unknown>): void {
  if (given.length > most) refuseMore(call, most, Array.from(given));
}

function refuseMore(call: string, most: number, given: readonly unknown[]): void {
  if (most === 1 && given.length === 3 && isPlaceIn(given[0], given[1], given[2])) return;
  const n = given.findIndex((value, place) => place >= most && value !== undefined);
  if (n < 0) return;
  const takes = most === 0 ? 'no argument' : most === 1 ? 'one argument' : `at most ${most} arguments`;
  const advice = isPlain(given[n]) && most > 0 ? '; check the order of the arguments' : '';
  fail(call, `takes ${takes}, got ${show(given[n])} as argument ${n + 1}${advice}`);
}

const isPlaceIn = (item: unknown, index: unknown, list: unknown): boolean =>
  Array.isArray(list) && typeof index === 'number' && (list as unknown[])[index] === item;

/**
 * Wraps a function of at most five arguments so that it rejects surplus ones. The function must declare optional
 * arguments with `?`, because `length` does not count arguments with a default. For an async function, the error
 * rejects the promise. A valid call allocates nothing.
 */
export function exact<F extends AnyFunction>(call: string, f: F): F {
  const given = f as unknown as (this: unknown, ...args: unknown[]) => unknown;
  const most = f.length;
  const isAsync = /^\[object Async/.test(Object.prototype.toString.call(f));
  function checked(this: unknown, a: unknown, b: unknown, c: unknown, d: unknown, e: unknown): unknown {
    if (arguments.length > most) {
      const all: unknown[] = []; // filled by index: passing `arguments` on would allocate in every call
      for (let n = 0; n < arguments.length; n++) all.push(arguments[n]);
      try {
        refuseMore(call, most, all);
      } catch (error) {
        if (isAsync) return Promise.reject(error);
        throw error;
      }
    }
    return given.call(this, a, b, c, d, e);
  }
  Object.defineProperties(checked, { name: { value: f.name }, length: { value: most } });
  return checked as unknown as F;
}

/** Wraps all functions of a table, such as `schedules`, with `exact`, and returns the table. */
export function exactTable<T extends object>(name: string, table: T): T {
  const functions = table as Record<string, unknown>;
  for (const [key, value] of Object.entries(table)) {
    if (typeof value === 'function') functions[key] = exact(`${name}.${key}`, value as AnyFunction);
  }
  return table;
}

/** Wraps the methods of a class with `exact`: the named ones, or all. */
export function exactMethods(
  { prototype }: { readonly prototype: object },
  name: string,
  methods: readonly string[] = Object.getOwnPropertyNames(prototype),
): void {
  for (const key of methods) {
    const { value, ...rest } = Object.getOwnPropertyDescriptor(prototype, key) ?? {};
    if (typeof value !== 'function' || key === 'constructor') continue;
    Object.defineProperty(prototype, key, { ...rest, value: exact(`${name}.${key}`, value as AnyFunction) });
  }
}
