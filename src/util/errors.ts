/** Errors for invalid arguments. Every message has the form `call: argument must be <rule>, got <value>`. */

import { arrayKind, lengthOf, type TypedArray } from './typedArrays.ts';

/** An invalid argument. A call that throws it has not changed weights, states or optimizer. */
export class ValueError extends Error {
  override readonly name = 'ValueError';
}

/** Throws a `ValueError`. As a function, it can be used in expressions, after `??` and `||`. */
export function fail(call: string, message: string): never {
  throw new ValueError(escapeControls(`${call}: ${message}`));
}

/** An unknown option. The message suggests the most similar known one; readers of files replace that message. */
export class UnknownOption extends ValueError {
  constructor(
    /** The name of the call, such as 'layers.lstm'. */
    readonly call: string,
    readonly option: string,
    known: readonly string[],
  ) {
    super(escapeControls(`${call}: unknown option ${show(option)}${suggest(option, known)}`));
  }
}

/** The message of an error thrown by the host, or of any other thrown value. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Escapes control characters, line separators and lone surrogates, so that a message is one line of valid text. */
const escapeControls = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu, found => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** The depth to which `show` lists nested arrays; of deeper ones it shows only the length. */
const MAX_SHOWN_DEPTH = 4;

/** A short representation of any value, for error messages. */
export const show = (value: unknown): string => shown(value, MAX_SHOWN_DEPTH);

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
    return arrayKind(value) === undefined
      ? withArticle(kind)
      : `${withArticle(kind)} of ${lengthOf(value as TypedArray)}`;
  }
  if (value !== null && typeof value === 'object') {
    const kind = nameOf(value.constructor);
    const keys = Object.keys(value);
    if (kind && kind !== 'Object') return withArticle(kind);
    if (keys.length > 4) return `an object with ${keys.length} keys`;
    return `{ ${keys.map(short).join(', ')} }`.replace('{  }', '{}');
  }
  return String(value);
}

/** A class with its article; `U` begins "you", as in Uint8Array, but for UpSampling1D. */
const withArticle = (kind: string): string => `${/^(?:[AEIO]|LSTM|RNN|Up)/.test(kind) ? 'an' : 'a'} ${kind}`;

const short = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text);

/** The name of a function or class; empty if it has none, or if it is not a string. */
function nameOf(value: unknown): string {
  const name = typeof value === 'function' ? (value.name as unknown) : undefined;
  return typeof name === 'string' ? short(name) : '';
}

/** The name of the factory of a class: `lstm` for 'LSTM', `glorotUniform` for 'GlorotUniform'. */
export function factoryNameOf(className: string): string {
  if (className === className.toUpperCase() || className === 'PReLU') return className.toLowerCase();
  return className.charAt(0).toLowerCase() + className.slice(1).replace(/1D$/, '1d');
}

/**
 * The end of a message about an unknown name: `; did you mean 'x'?` with the most similar known name, or the list of all
 * known names if none is similar. Initials count as similar, such as 'lr' for `learningRate`.
 */
export function suggest(name: string, known: readonly string[]): string {
  let best = '';
  let least = Number.POSITIVE_INFINITY;
  const plain = simplify(name);
  for (const candidate of known) {
    const isShort = plain.length > 1 && initials(candidate) === plain; // a single letter is ambiguous
    const distance = isShort ? 0 : editDistance(plain, simplify(candidate));
    if (distance < least) [best, least] = [candidate, distance];
  }
  return least <= Math.max(2, name.length / 3)
    ? `; did you mean '${best}'?`
    : `; known: ${known.map(k => `'${k}'`).join(', ')}`;
}

const simplify = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** The initials of a name in camelCase: 'lr' for learningRate. */
const initials = (name: string) => (name.slice(0, 1) + name.slice(1).replace(/[^A-Z]/g, '')).toLowerCase();

/** The Levenshtein distance; infinite if `a` is longer than 64 characters, which bounds the time. */
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
