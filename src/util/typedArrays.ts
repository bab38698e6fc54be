/**
 * Reads arrays and buffers of the user through the built-in getters of TypedArray and ArrayBuffer, so that subclasses,
 * own properties and objects of another realm (an iframe, node:vm, a test view) cannot report wrong lengths or types.
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

/** A built-in getter; it throws on objects of other classes. */
const getter = (prototype: object, name: PropertyKey): ((this: unknown) => unknown) =>
  (Object.getOwnPropertyDescriptor(prototype, name) as { get(this: unknown): unknown }).get;

const { prototype } = Object.getPrototypeOf(Uint8Array) as { prototype: object };
const tag = getter(prototype, Symbol.toStringTag); // returns undefined on other objects
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
/** Null in engines without resizable buffers. */
const isResizable = 'resizable' in ArrayBuffer.prototype ? getter(ArrayBuffer.prototype, 'resizable') : null;

/** The name of a typed array's class, such as 'Float32Array'; undefined for anything else. */
export const arrayKind = (value: unknown): string | undefined => tag.call(value) as string | undefined;

export function isTypedArray(value: unknown): value is TypedArray {
  const kind = arrayKind(value);
  return kind !== undefined && kind !== 'BigInt64Array' && kind !== 'BigUint64Array';
}

/** Whether a value is a Float32Array, even of another realm. The first test is the faster one. */
export const isFloat32Array = (value: unknown): value is Float32Array =>
  (value instanceof Float32Array && ArrayBuffer.isView(value)) || arrayKind(value) === 'Float32Array';

/** The length of a typed array: 0 when its buffer was transferred or became too small. */
export const lengthOf = (array: TypedArray): number => length.call(array) as number;

/** The length of an array of numbers, typed or not. */
export const countOf = (list: ArrayLike<unknown>): number =>
  Array.isArray(list) || !isTypedArray(list) ? list.length : lengthOf(list);

/** Whether a value is an ArrayBuffer; false for a SharedArrayBuffer. */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  try {
    bufferSize.call(value);
    return true;
  } catch {
    return false;
  }
}

/** Whether the buffer cannot change or be resized while it is read: it is neither shared nor resizable. */
const isFixed = (buffer: ArrayBufferLike): boolean => isArrayBuffer(buffer) && isResizable?.call(buffer) !== true;

/**
 * The bytes of a buffer or a view, copied only if they could change while they are read; empty when the buffer was
 * transferred.
 */
export function bytesIn(source: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (!ArrayBuffer.isView(source))
    return bufferSize.call(source) === 0 ? new Uint8Array() : fixed(new Uint8Array(source));
  const { buffer, byteOffset, byteLength } = arrayKind(source) === undefined ? ofDataViews : ofArrays;
  try {
    const bytes = byteLength.call(source) as number;
    if (bytes === 0) return new Uint8Array(); // a detached buffer cannot be read
    return fixed(new Uint8Array(buffer.call(source) as ArrayBuffer, byteOffset.call(source) as number, bytes));
  } catch {
    return new Uint8Array(); // a DataView of a detached buffer throws
  }
}

/**
 * The same numbers in an array without subclass or overridden properties: a view of its buffer, or a copy if the buffer
 * could change while it is read.
 */
export function plainArray<A extends TypedArray>(array: A): A {
  const kind = arrayKind(array) as 'Float32Array';
  const Ours = kind === 'Float32Array' ? Float32Array : globalThis[kind];
  const count = lengthOf(array);
  if (count === 0) return new Ours() as A; // a detached buffer cannot be read
  const { buffer, byteOffset } = ofArrays;
  return fixed(new Ours(buffer.call(array) as ArrayBuffer, byteOffset.call(array) as number, count)) as A;
}

const fixed = <A extends Uint8Array | Float32Array>(array: A): A =>
  isFixed(array.buffer) ? array : (array.slice() as A);
