/** Arguments that a call does not take: they are refused, so that none is passed over in silence. */

import { fail, show } from './errors.ts';
import { isPlain } from './options.ts';

/** @inline */
type AnyFunction = (...args: never[]) => unknown;

/**
 * Refuses arguments beyond the first `most`. `undefined` is none, and neither are the index and the array that
 * `Array.map` and `forEach` put behind an item, for a call of one argument.
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
  fail(call, `takes ${takes}, got ${show(given[n])} as number ${n + 1}${advice}`);
}

const isPlaceIn = (item: unknown, index: unknown, list: unknown): boolean =>
  Array.isArray(list) && typeof index === 'number' && (list as unknown[])[index] === item;

/**
 * The same function, of at most five arguments, refusing those beyond the ones it declares. It declares optional ones with
 * `?`: what has a default is not counted by `length`. What is wrong rejects the promise of an async function, as if it were
 * checked within. A call that is fine allocates nothing.
 */
export function exact<F extends AnyFunction>(call: string, f: F): F {
  const given = f as unknown as (this: unknown, ...args: unknown[]) => unknown;
  const most = f.length;
  const isAsync = /^\[object Async/.test(Object.prototype.toString.call(f));
  function checked(this: unknown, a: unknown, b: unknown, c: unknown, d: unknown, e: unknown): unknown {
    if (arguments.length > most) {
      const all: unknown[] = []; // by index: an object of arguments that is handed on is allocated in every call
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

/** Makes `exact` all functions of a table, such as `schedules`; the table itself. */
export function exactTable<T extends object>(name: string, table: T): T {
  const functions = table as Record<string, unknown>;
  for (const [key, value] of Object.entries(table)) {
    if (typeof value === 'function') functions[key] = exact(`${name}.${key}`, value as AnyFunction);
  }
  return table;
}

/** Makes `exact` the methods of a class: all of them, or those that are named. */
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
