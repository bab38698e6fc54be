/** Invalid and unusual values, as code; `$` has functions for those that take more than one line. */

import { type NestedArray, type Tensor, tensor } from 'lstm-wasm';
import { transferred } from '../transferred.ts';

/** The error of user functions and getters, which the package must pass on unchanged. */
export class UserError extends Error {
  override readonly name = 'UserError';
}

const throwUserError = (): never => {
  throw new UserError('from a user function');
};

/** An array that contains itself. */
function cyclic(): unknown[] {
  const array: unknown[] = [];
  array.push(array);
  return array;
}

/** A number nested in `levels` arrays. */
function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let n = 0; n < levels; n++) value = [value];
  return value;
}

/** A proxy whose traps all throw. */
function throwingProxy(target: object): object {
  const traps = ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor', 'set', 'apply'];
  return new Proxy(target, Object.fromEntries(traps.map(trap => [trap, throwUserError])));
}

/** An object with one getter, which throws. */
const throwingGetter = (name: string): object =>
  Object.defineProperty({}, name, { enumerable: true, get: throwUserError });

/** A typed array whose buffer was resized to less than its length. */
function shrunkArray(): Float32Array {
  const buffer = new (ArrayBuffer as unknown as new (n: number, options: object) => ArrayBuffer)(48, {
    maxByteLength: 96,
  });
  const array = new Float32Array(buffer, 0, 12);
  (buffer as unknown as { resize?(bytes: number): void }).resize?.(8);
  return array;
}

/** An array whose iterator yields values other than its elements. */
function inconsistentArray(values: unknown[], ...others: unknown[]): unknown[] {
  return Object.defineProperty(values, Symbol.iterator, { value: () => others[Symbol.iterator]() });
}

/** An object with the prototype of arrays and the given length. */
const fakeArray = (length: unknown): object => ({ __proto__: Array.prototype, length });

/** Values of a sine, which a model can be trained on. */
const numbers = (shape: number[]): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => Math.sin(n + 1)),
    shape,
  );

/** Integers below `most`. */
const ids = (shape: number[], most: number): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => (n * 3) % most),
    shape,
  );

/** Numbers that call `action` when they are first read. */
function whileReading(values: NestedArray, action: () => unknown): NestedArray {
  let row = values as unknown as NestedArray[];
  while (Array.isArray(row[0])) row = row[0];
  const [first] = row;
  let isFirstRead = true;
  Object.defineProperty(row, 0, {
    enumerable: true,
    get() {
      if (isFirstRead) {
        isFirstRead = false;
        try {
          action();
        } catch {} // only the outer call is tested
      }
      return first;
    },
  });
  return values;
}

/** Calls that run at the same time as another; they are awaited before the next. */
const pending: Promise<unknown>[] = [];
/** Waits for all promises, then throws the first error. */
async function both(...promises: Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(promises)).find(({ status }) => status === 'rejected');
  if (failed) throw (failed as PromiseRejectedResult).reason;
}
const inBackground = (promise: Promise<unknown>) => void pending.push(promise);

/** The functions that programs call as `$`. */
export const helpers = {
  pending,
  inBackground,
  both,
  UserError,
  throwUserError,
  cyclic,
  nested,
  throwingProxy,
  throwingGetter,
  transferred,
  shrunkArray,
  inconsistentArray,
  fakeArray,
  numbers,
  ids,
  whileReading,
};

/** Unusual and extreme numbers. */
export const unusualNumbers = [
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

/** Values of all kinds, the simplest first, because counterexamples shrink towards the first. */
export const unusualValues = [
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
  ...unusualNumbers,
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
  '$.throwUserError',
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
  '$.nested(7)',
  '$.nested(20_000)',
  '$.throwingProxy([])',
  '$.throwingProxy({})',
  '$.throwingProxy(() => {})',
  '[$.throwingProxy({})]',
  "$.throwingGetter('0')",
  "$.throwingGetter('length')",
  "$.throwingGetter('units')",
  "$.throwingGetter('constructor')",
  '$.inconsistentArray([1, 2], 1, 2, 3, 4)',
  '$.inconsistentArray([1, 2])',
  '$.fakeArray(2)',
  '$.fakeArray(-1)',
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
  '$.shrunkArray()',
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
