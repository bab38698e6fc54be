/**
 * The one error a caller can mend, and the words it is made of.
 *
 * Every message has the same form: `call: argument must be <rule>, got <value>`.
 */

import { arrayKind, lengthOf, type TypedArray } from './typedArrays.ts';

/** Thrown before anything has changed: weights, states and optimizer are to the bit as they were. */
export class ValueError extends Error {
  override readonly name = 'ValueError';
}

/** Throws a `ValueError`; shaped as an expression so that it fits behind `??` and `||`. */
export function fail(call: string, message: string): never {
  throw new ValueError(onOneLine(`${call}: ${message}`));
}

/** An unknown option. The message suggests the nearest known one; for options read from files that would not help. */
export class UnknownOption extends ValueError {
  constructor(
    /** The name of the call, such as 'layers.lstm'. */
    readonly call: string,
    readonly option: string,
    known: readonly string[],
  ) {
    super(onOneLine(`${call}: unknown option ${show(option)}${suggest(option, known)}`));
  }
}

/** What an error says that came from the host. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Without what would begin a new line, or be no character on its own. */
const onOneLine = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu, found => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Arrays within arrays that are shown; those below are counted. */
const SHOWN_LEVELS = 4;

/** A value as it stands in an error message: short, on one line, and recognisable. */
export const show = (value: unknown): string => shown(value, SHOWN_LEVELS);

function shown(value: unknown, levels: number): string {
  if (typeof value === 'string') return `'${short(value)}'`;
  if (typeof value === 'function') return nameOf(value) ? `function ${nameOf(value)}` : 'a function';
  if (typeof value === 'bigint') return `${short(String(value))}n`;
  if (Array.isArray(value)) {
    if (value.length > 8 || levels === 0) return `an array of ${value.length}`;
    const items = Array.from({ length: value.length }, (_, n) => (n in value ? shown(value[n], levels - 1) : ''));
    return `[${items.join(', ')}]`;
  }
  if (ArrayBuffer.isView(value)) {
    const kind = nameOf(value.constructor) || 'view';
    return arrayKind(value) === undefined ? `a ${kind}` : `a ${kind} of ${lengthOf(value as TypedArray)}`;
  }
  if (value !== null && typeof value === 'object') {
    const kind = nameOf(value.constructor);
    const keys = Object.keys(value);
    if (kind && kind !== 'Object') return `a ${kind}`;
    if (keys.length > 4) return `an object with ${keys.length} keys`;
    return `{ ${keys.map(short).join(', ')} }`.replace('{  }', '{}');
  }
  return String(value);
}

const short = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text);

/** The name of a function, or of a class; empty where it has none. It may be anything: callers set it. */
function nameOf(value: unknown): string {
  const name = typeof value === 'function' ? (value.name as unknown) : undefined;
  return typeof name === 'string' ? short(name) : '';
}

/** The name under which a factory makes a class: 'LSTM' by `lstm`, 'GlorotUniform' by `glorotUniform`. */
export function factoryOf(className: string): string {
  if (className === className.toUpperCase()) return className.toLowerCase();
  return className.charAt(0).toLowerCase() + className.slice(1);
}

/**
 * The known name closest to `name`, or that it has the first letters of, as 'lr' of `learningRate`: `; did you mean 'x'?`.
 * Or the list of all when nothing is close.
 */
export function suggest(name: string, known: readonly string[]): string {
  let best = '';
  let least = Number.POSITIVE_INFINITY;
  const plain = simplify(name);
  for (const candidate of known) {
    const isShort = plain.length > 1 && initials(candidate) === plain; // one letter says too little
    const distance = isShort ? 0 : editDistance(plain, simplify(candidate));
    if (distance < least) [best, least] = [candidate, distance];
  }
  return least <= Math.max(2, name.length / 3)
    ? `; did you mean '${best}'?`
    : `; known: ${known.map(k => `'${k}'`).join(', ')}`;
}

const simplify = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** The first letters of the words of a name: 'lr' of learningRate. */
const initials = (name: string) => (name.slice(0, 1) + name.slice(1).replace(/[^A-Z]/g, '')).toLowerCase();

/** Levenshtein distance. Names here are short, and so is any input that is compared. */
function editDistance(a: string, b: string): number {
  if (a.length > 64) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}
