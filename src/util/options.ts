/** Checks of options and arguments, for all public calls. They throw a ValueError, or return the checked value. */

import { fail, show, suggest, UnknownOption } from './errors.ts';
import { arrayKind, bytesIn, isArrayBuffer } from './typedArrays.ts';

/**
 * Checks that options are a plain object with known names only. An option that is `undefined` counts as absent.
 *
 * @returns a copy, without undefined options
 */
export function checkOptions<T extends object>(call: string, options: unknown, known: readonly string[]): Partial<T> {
  if (options === undefined) return {};
  if (!isPlain(options)) {
    fail(call, `options must be an object, got ${show(options)}`);
  }
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!known.includes(key)) throw new UnknownOption(call, key, known);
    copy[key] = value;
  }
  return copy as Partial<T>;
}

/** Whether a value is an object literal, and not an array, a Map or an instance of a class. */
export function isPlain(value: unknown): value is object {
  if (value === null || typeof value !== 'object') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Checks an integer of at least `least`, by default 1. */
export function checkCount(call: string, name: string, value: unknown, least = 1): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
    fail(call, `${name} must be an integer of at least ${least}, got ${show(value)}`);
  }
  return value;
}

/** Checks a finite number that does not overflow float32, from `least` to `most`, above `above` and below `below`. */
export function checkNumber(
  call: string,
  name: string,
  value: unknown,
  { least = -Infinity, most = Infinity, below = Infinity, above = -Infinity } = {},
): number {
  const inside = typeof value === 'number' && Number.isFinite(Math.fround(value)) && value >= least && value <= most;
  if (!inside || value >= below || value <= above) {
    const rules = [
      least > -Infinity && `at least ${least}`,
      above > -Infinity && `above ${above}`,
      most < Infinity && `at most ${most}`,
      below < Infinity && `below ${below}`,
      !Number.isFinite(most) &&
        Number.isFinite(value) &&
        !Number.isFinite(Math.fround(value as number)) &&
        'within float32 (3.4e38)',
    ].filter(Boolean);
    fail(call, `${name} must be a finite number${rules.length ? ` ${rules.join(' and ')}` : ''}, got ${show(value)}`);
  }
  return value;
}

export function checkBoolean(call: string, name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') fail(call, `${name} must be true or false, got ${show(value)}`);
  return value;
}

/** Checks a string that is not empty. */
export function checkText(call: string, name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  return fail(call, `${name} must be a non-empty string, got ${show(value)}`);
}

/** Checks that a value is one of the known names. The error suggests the most similar one. */
export function checkName<K extends string>(call: string, name: string, value: unknown, known: readonly K[]): K {
  if (typeof value !== 'string') fail(call, `${name} must be a name, got ${show(value)}`);
  if (!(known as readonly string[]).includes(value)) {
    fail(call, `unknown ${name} ${show(value)}${suggest(value, known)}`);
  }
  return value as K;
}

/** Removes the options in `names` that are null. */
export function dropNullOptions<T extends object>(options: T, names: readonly string[]): T {
  if (!names.some(name => (options as Record<string, unknown>)[name] === null)) return options;
  const left = Object.entries(options).filter(([name, value]) => value !== null || !names.includes(name));
  return Object.fromEntries(left) as T;
}

/** Checks the bytes of a file or a snapshot. */
export function checkBytes(call: string, name: string, value: unknown): Uint8Array {
  if (arrayKind(value) === 'Uint8Array' || isArrayBuffer(value)) return bytesIn(value as Uint8Array | ArrayBuffer);
  return fail(call, `${name} must be a Uint8Array or an ArrayBuffer, got ${show(value)}`);
}
