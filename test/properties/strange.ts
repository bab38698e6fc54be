/** Invalid and unusual values, as code; `$` makes those that do not fit into a line. */

import { type NestedArray, type Tensor, tensor } from 'lstm-wasm';
import { transferred } from '../transferred.ts';

/** What the caller's own functions and getters throw: it comes through as it is. */
export class OwnError extends Error {
  override readonly name = 'OwnError';
}

const own = (): never => {
  throw new OwnError('from a function of the caller');
};

/** An array that holds itself. */
function cyclic(): unknown[] {
  const array: unknown[] = [];
  array.push(array);
  return array;
}

/** A number in so many arrays. */
function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let n = 0; n < levels; n++) value = [value];
  return value;
}

/** Everything that can be asked of it throws. */
function hostile(target: object): object {
  const traps = ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor', 'set', 'apply'];
  return new Proxy(target, Object.fromEntries(traps.map(trap => [trap, own])));
}

/** An object of which one property throws. */
const getter = (name: string): object => Object.defineProperty({}, name, { enumerable: true, get: own });

/** A typed array that has become shorter than it was. */
function shrunken(): Float32Array {
  const buffer = new (ArrayBuffer as unknown as new (n: number, options: object) => ArrayBuffer)(48, {
    maxByteLength: 96,
  });
  const array = new Float32Array(buffer, 0, 12);
  (buffer as unknown as { resize?(bytes: number): void }).resize?.(8);
  return array;
}

/** An array whose iterator gives more, or others, than its places hold. */
function lying(values: unknown[], ...others: unknown[]): unknown[] {
  return Object.defineProperty(values, Symbol.iterator, { value: () => others[Symbol.iterator]() });
}

/** A map that says it is an array of that length. */
const posing = (length: unknown): object => ({ __proto__: Array.prototype, length });

/** Numbers like those of a sine, so that a model has something to learn. */
const numbers = (shape: number[]): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => Math.sin(n + 1)),
    shape,
  );

/** Whole numbers below `most`. */
const ids = (shape: number[], most: number): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => (n * 3) % most),
    shape,
  );

/** Numbers, and in the midst of reading them something else happens. */
function meanwhile(values: NestedArray, act: () => unknown): NestedArray {
  let row = values as unknown as NestedArray[];
  while (Array.isArray(row[0])) row = row[0];
  const [first] = row;
  let first_time = true;
  Object.defineProperty(row, 0, {
    enumerable: true,
    get() {
      if (first_time) {
        first_time = false;
        try {
          act();
        } catch {} // what the inner call thinks of it is its own business
      }
      return first;
    },
  });
  return values;
}

/** Calls that run beside another; they are awaited before the next. */
const pending: Promise<unknown>[] = [];
/** Both, to the end; then what went wrong first. */
async function both(...promises: Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(promises)).find(({ status }) => status === 'rejected');
  if (failed) throw (failed as PromiseRejectedResult).reason;
}
const beside = (promise: Promise<unknown>) => void pending.push(promise);

/** What programs call `$`. */
export const helpers = {
  pending,
  beside,
  both,
  OwnError,
  own,
  cyclic,
  deep,
  hostile,
  getter,
  transferred,
  shrunken,
  lying,
  posing,
  numbers,
  ids,
  meanwhile,
};

/** Numbers that are none, or too many, or too large. */
export const strangeNumbers = [
  'NaN',
  '-0',
  '0',
  '-1',
  '0.5',
  '1.5',
  '1e-320',
  '1e308',
  '-1e308',
  'Infinity',
  '-Infinity',
  '2 ** 31',
  '2 ** 32',
  '2 ** 40',
  '2 ** 53',
  '-(2 ** 53)',
  '10n',
  'new Number(1)',
];

/** Values of all kinds, the plainest first: that is where a counterexample shrinks to. */
export const strangeValues = [
  'undefined',
  'null',
  'NaN',
  '-1',
  "''",
  "'x'",
  '{}',
  '[]',
  'true',
  'false',
  ...strangeNumbers,
  "'constructor'",
  "'__proto__'",
  "'toString'",
  "'two\\nlines'",
  "'\\u2028\\u0000\\ud800'",
  "'y'.repeat(100_000)",
  "new String('adam')",
  "Symbol('s')",
  'Symbol()',
  'Symbol.iterator',
  '() => {}',
  '() => NaN',
  '$.own',
  'async () => {}',
  'function* () {}',
  'Object.assign(() => {}, { x: 1 })',
  'Object.defineProperty(() => {}, "name", { value: { a: 1 } })',
  '[[]]',
  '[[[]]]',
  '[undefined]',
  '[null]',
  '[NaN]',
  "['1']",
  '[10n]',
  '[Symbol()]',
  '[1, [2]]',
  '[[1, 2], [3]]',
  '[, 1]',
  '[1, , 2]',
  '[[1, 2], , [3, 4]]',
  'new Array(3)',
  'new Array(2 ** 32 - 1)',
  '[2, 2 ** 32 - 1]',
  '[2 ** 53, 2 ** 53]',
  '[2 ** 20, 2 ** 40]',
  '[2, -1]',
  '[0]',
  '[0, 2]',
  '[null, null]',
  '$.cyclic()',
  '[$.cyclic()]',
  '$.deep(7)',
  '$.deep(20_000)',
  '$.hostile([])',
  '$.hostile({})',
  '$.hostile(() => {})',
  '[$.hostile({})]',
  "$.getter('0')",
  "$.getter('length')",
  "$.getter('units')",
  "$.getter('constructor')",
  '$.lying([1, 2], 1, 2, 3, 4)',
  '$.lying([1, 2])',
  '$.posing(2)',
  '$.posing(-1)',
  '{ length: 2, 0: 1, 1: 2 }',
  '{ constructor: null }',
  '{ constructor: { name: 7 } }',
  '{ toString: null }',
  '{ then: () => {} }',
  '{ valueOf: () => 3 }',
  'JSON.parse(\'{"__proto__": {"units": 3}}\')',
  'Object.create(null)',
  'Object.create({ units: 3 })',
  'Object.create(Float32Array.prototype)',
  'Object.create(lw.Tensor.prototype)',
  'Object.create(Object.getPrototypeOf(m))',
  'Object.create(Object.getPrototypeOf(l))',
  'Object.create(Object.getPrototypeOf(o))',
  'new Float32Array(0)',
  'new Float32Array(3)',
  'new Float32Array([NaN, 1])',
  'new Float64Array([1e300])',
  'new Uint8Array(12)',
  'new Uint8ClampedArray(6)',
  'new Int32Array([-1])',
  'new BigInt64Array(2)',
  'new BigUint64Array(0)',
  'new DataView(new ArrayBuffer(8))',
  'new ArrayBuffer(8)',
  'new SharedArrayBuffer(8)',
  'new Float32Array(new SharedArrayBuffer(48))',
  '$.transferred(new Float32Array(12))',
  '$.transferred(new Uint8Array(12))',
  '$.transferred(new DataView(new ArrayBuffer(8)))',
  '$.shrunken()',
  'new Date(0)',
  'new Date(NaN)',
  '/x/',
  'new Map([[1, 2]])',
  'new Set([1])',
  'new WeakMap()',
  'new Error("e")',
  'Promise.resolve(1)',
  'globalThis',
  'Math',
  '(function () { return arguments; })(1, 2)',
  '[1, 2][Symbol.iterator]()',
  'm',
  'n',
  's',
  'l',
  'o',
  't',
  'x',
  '[x, y]',
  'lw',
  'lw.layers',
  'lw.zeros([0])',
  'lw.scalar(1)',
  'lw.scalar(NaN)',
  'lw.callbacks.terminateOnNaN()',
  'lw.initializers.zeros()',
];
