/**
 * Arrays and buffers of callers, read by the getters of the language itself. What a subclass, a property of the array's
 * own or another realm (an iframe, node:vm, a test runner) says of them does not matter.
 */

/** An array of numbers of one kind. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint32Array
  | Uint8ClampedArray;

/** A getter that works on the objects of its class, and throws on others. */
const getter = (prototype: object, name: PropertyKey): ((this: unknown) => unknown) =>
  (Object.getOwnPropertyDescriptor(prototype, name) as { get(this: unknown): unknown }).get;

const { prototype } = Object.getPrototypeOf(Uint8Array) as { prototype: object };
const tag = getter(prototype, Symbol.toStringTag); // the one that gives undefined on others
const length = getter(prototype, 'length');
const ofArrays = {
  buffer: getter(prototype, 'buffer'),
  byteOffset: getter(prototype, 'byteOffset'),
  byteLength: getter(prototype, 'byteLength'),
};
const ofDataViews = {
  buffer: getter(DataView.prototype, 'buffer'),
  byteOffset: getter(DataView.prototype, 'byteOffset'),
  byteLength: getter(DataView.prototype, 'byteLength'),
};
const bufferSize = getter(ArrayBuffer.prototype, 'byteLength');
/** Null where the language has no resizable buffers yet. */
const isResizable = 'resizable' in ArrayBuffer.prototype ? getter(ArrayBuffer.prototype, 'resizable') : null;

/** The name of a typed array's class, such as 'Float32Array'; undefined for anything else. */
export const arrayKind = (value: unknown): string | undefined => tag.call(value) as string | undefined;

export function isTypedArray(value: unknown): value is TypedArray {
  const kind = arrayKind(value);
  return kind !== undefined && kind !== 'BigInt64Array' && kind !== 'BigUint64Array';
}

/** Asked for every step of a stream; the first way is the faster. */
export const isFloat32Array = (value: unknown): value is Float32Array =>
  (value instanceof Float32Array && ArrayBuffer.isView(value)) || arrayKind(value) === 'Float32Array';

/** How many numbers an array has: 0 where its buffer has been transferred or has become too small. */
export const lengthOf = (array: TypedArray): number => length.call(array) as number;

/** The length of a list of numbers, typed or not. */
export const countOf = (list: ArrayLike<unknown>): number =>
  Array.isArray(list) || !isTypedArray(list) ? list.length : lengthOf(list);

/** Whether a value is an ArrayBuffer, and not a shared one. */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  try {
    bufferSize.call(value);
    return true;
  } catch {
    return false;
  }
}

/** Whether the bytes stay as they are, and as many, while they are read: no other thread has them. */
const isFixed = (buffer: ArrayBufferLike): boolean => isArrayBuffer(buffer) && isResizable?.call(buffer) !== true;

/**
 * The bytes of a buffer or a view, not copied unless they could change while they are read; none where they have been
 * transferred.
 */
export function bytesIn(held: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (!ArrayBuffer.isView(held)) return bufferSize.call(held) === 0 ? new Uint8Array() : fixed(new Uint8Array(held));
  const { buffer, byteOffset, byteLength } = arrayKind(held) === undefined ? ofDataViews : ofArrays;
  try {
    const bytes = byteLength.call(held) as number;
    if (bytes === 0) return new Uint8Array(); // a buffer that has been transferred cannot be read
    return fixed(new Uint8Array(buffer.call(held) as ArrayBuffer, byteOffset.call(held) as number, bytes));
  } catch {
    return new Uint8Array(); // a DataView of such a buffer
  }
}

/**
 * The same numbers in an array that the caller cannot have tampered with: a view of its buffer, or a copy where that
 * could change while it is read.
 */
export function plainArray<A extends TypedArray>(given: A): A {
  const kind = arrayKind(given) as 'Float32Array';
  const Ours = kind === 'Float32Array' ? Float32Array : globalThis[kind];
  const count = lengthOf(given);
  if (count === 0) return new Ours() as A; // a buffer that has been transferred cannot be read
  const { buffer, byteOffset } = ofArrays;
  return fixed(new Ours(buffer.call(given) as ArrayBuffer, byteOffset.call(given) as number, count)) as A;
}

const fixed = <A extends Uint8Array | Float32Array>(array: A): A =>
  isFixed(array.buffer) ? array : (array.slice() as A);
