/** Rejects extra arguments, which JavaScript would ignore silently. */

import { fail, show } from './errors.ts';
import { isPlain } from './options.ts';

/** @inline */
type AnyFunction = (...args: never[]) => unknown;

/**
 * Throws a ValueError if a call got more than `most` arguments. Extra arguments that are `undefined` are allowed. So are
 * the index and the array that `Array.map` and `forEach` pass after the item, if the call takes one argument.
 */
export function rejectExtraArguments(call: string, most: number, given: ArrayLike<unknown>): void {
  if (given.length > most) rejectExtra(call, most, Array.from(given));
}

function rejectExtra(call: string, most: number, given: readonly unknown[]): void {
  if (most === 1 && given.length === 3 && isItemAtIndex(given[0], given[1], given[2])) return;
  const n = given.findIndex((value, index) => index >= most && value !== undefined);
  if (n < 0) return;
  const takes = most === 0 ? 'no argument' : most === 1 ? 'one argument' : `at most ${most} arguments`;
  const advice = isPlain(given[n]) && most > 0 ? '; check the order of the arguments' : '';
  fail(call, `takes ${takes}, got ${show(given[n])} as argument ${n + 1}${advice}`);
}

const isItemAtIndex = (item: unknown, index: unknown, list: unknown): boolean =>
  Array.isArray(list) && typeof index === 'number' && (list as unknown[])[index] === item;

/**
 * Returns a function that calls `f`, which takes at most five arguments, and rejects extra ones. `f` must declare optional
 * arguments with `?`, because `length` does not count arguments with a default. If `f` is async, the error
 * rejects the promise. A valid call allocates nothing.
 */
export function limitArguments<F extends AnyFunction>(call: string, f: F): F {
  const target = f as unknown as (this: unknown, ...args: unknown[]) => unknown;
  const most = f.length;
  const isAsync = /^\[object Async/.test(Object.prototype.toString.call(f));
  function checked(this: unknown, a: unknown, b: unknown, c: unknown, d: unknown, e: unknown): unknown {
    if (arguments.length > most) {
      const all: unknown[] = []; // copied by index: passing `arguments` to a function would allocate in every call
      for (let n = 0; n < arguments.length; n++) all.push(arguments[n]);
      try {
        rejectExtra(call, most, all);
      } catch (error) {
        if (isAsync) return Promise.reject(error);
        throw error;
      }
    }
    return target.call(this, a, b, c, d, e);
  }
  Object.defineProperties(checked, { name: { value: f.name }, length: { value: most } });
  return checked as unknown as F;
}

/** Applies `limitArguments` to all functions of an object, such as `schedules`; returns the object. */
export function limitArgumentsInTable<T extends object>(name: string, table: T): T {
  const functions = table as Record<string, unknown>;
  for (const [key, value] of Object.entries(table)) {
    if (typeof value === 'function') functions[key] = limitArguments(`${name}.${key}`, value as AnyFunction);
  }
  return table;
}

/** Applies `limitArguments` to methods of a class: those in `methods`, by default all. */
export function limitMethodArguments(
  { prototype }: { readonly prototype: object },
  name: string,
  methods: readonly string[] = Object.getOwnPropertyNames(prototype),
): void {
  for (const key of methods) {
    const { value, ...rest } = Object.getOwnPropertyDescriptor(prototype, key) ?? {};
    if (typeof value !== 'function' || key === 'constructor') continue;
    Object.defineProperty(prototype, key, { ...rest, value: limitArguments(`${name}.${key}`, value as AnyFunction) });
  }
}
