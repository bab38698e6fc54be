/**
 * The one error a caller can mend, and the words it is made of.
 *
 * Every message has the same form: `call: argument must be <rule>, got <value>`.
 */

/** Thrown before anything has changed: weights, states and optimizer are to the bit as they were. */
export class ValueError extends Error {
  override readonly name = 'ValueError';
}

/** Throws a `ValueError`; shaped as an expression so that it fits behind `??` and `||`. */
export function fail(call: string, message: string): never {
  throw new ValueError(`${call}: ${message}`);
}

/** A value as it stands in an error message: short, on one line, and recognisable. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 60 ? `${value.slice(0, 57)}...` : value}'`;
  if (typeof value === 'function') return value.name ? `function ${value.name}` : 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) {
    if (value.length > 8) return `an array of ${value.length}`;
    return `[${value.map(show).join(', ')}]`;
  }
  if (ArrayBuffer.isView(value)) {
    return `a ${value.constructor.name} of ${(value as unknown as ArrayLike<number>).length ?? value.byteLength}`;
  }
  if (value !== null && typeof value === 'object') {
    const kind = (value as { constructor?: { name?: string } }).constructor?.name;
    const keys = Object.keys(value);
    if (kind && kind !== 'Object') return `a ${kind}`;
    return keys.length > 4 ? `an object with ${keys.length} keys` : `{ ${keys.join(', ')} }`.replace('{  }', '{}');
  }
  return String(value);
}

/** The name under which a factory makes a class: 'LSTM' by `lstm`, 'GlorotUniform' by `glorotUniform`. */
export function factoryOf(className: string): string {
  if (className === className.toUpperCase()) return className.toLowerCase();
  return className.charAt(0).toLowerCase() + className.slice(1);
}

/** The known name closest to `name`, as `; did you mean 'x'?`, or the list of all when nothing is close. */
export function suggest(name: string, known: readonly string[]): string {
  let best = '';
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const distance = editDistance(simplify(name), simplify(candidate));
    if (distance < least) [best, least] = [candidate, distance];
  }
  return least <= Math.max(2, name.length / 3)
    ? `; did you mean '${best}'?`
    : `; known: ${known.map(k => `'${k}'`).join(', ')}`;
}

const simplify = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '');

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
