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
  if (given.length > most) refuseMore(call, most, given);
}

function refuseMore(call: string, most: number, given: ArrayLike<unknown>): void {
  if (most === 1 && given.length === 3 && isPlaceIn(given[0], given[1], given[2])) return;
  for (let n = most; n < given.length; n++) {
    if (given[n] === undefined) continue;
    const takes = most === 0 ? 'no argument' : most === 1 ? 'one argument' : `at most ${most} arguments`;
    const advice = isPlain(given[n]) && most > 0 ? '; check the order of the arguments' : '';
    fail(call, `takes ${takes}, got ${show(given[n])} as number ${n + 1}${advice}`);
  }
}

const isPlaceIn = (item: unknown, index: unknown, list: unknown): boolean =>
  Array.isArray(list) && typeof index === 'number' && (list as unknown[])[index] === item;

/**
 * The same function, refusing arguments beyond those it declares. It declares optional ones with `?`: what has a default
 * is not counted by `length`. What is wrong rejects the promise of an async function, as if it were checked within.
 */
export function exact<F extends AnyFunction>(call: string, f: F): F {
  const most = f.length;
  const given = f as unknown as (this: unknown, ...args: unknown[]) => unknown;
  const checked = /^\[object Async/.test(Object.prototype.toString.call(f))
    ? async function (this: unknown, ...args: unknown[]) {
        noMore(call, most, args);
        return given.apply(this, args);
      }
    : function (this: unknown, ...args: unknown[]) {
        noMore(call, most, args);
        return given.apply(this, args);
      };
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
