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

type Getter = (of: unknown) => unknown;

/** A getter that works on the objects of its class, and on nothing else. */
function getter(prototype: object, name: PropertyKey): Getter {
  const { get } = Object.getOwnPropertyDescriptor(prototype, name) as { get: () => unknown };
  return of => get.call(of);
}

const { prototype } = Object.getPrototypeOf(Uint8Array) as { prototype: object };
const tag = getter(prototype, Symbol.toStringTag);
const ofArrays = {
  length: getter(prototype, 'length') as (of: TypedArray) => number,
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
export const arrayKind = (value: unknown): string | undefined => tag(value) as string | undefined;

export function isTypedArray(value: unknown): value is TypedArray {
  const kind = arrayKind(value);
  return kind !== undefined && kind !== 'BigInt64Array' && kind !== 'BigUint64Array';
}

export const isFloat32Array = (value: unknown): value is Float32Array => arrayKind(value) === 'Float32Array';

/** How many numbers an array has: 0 where its buffer has been transferred or has become too small. */
export const { length: lengthOf } = ofArrays;

/** The length of a list of numbers, typed or not. */
export const countOf = (list: ArrayLike<unknown>): number => (isTypedArray(list) ? lengthOf(list) : list.length);

/** Whether a value is an ArrayBuffer, and not a shared one. */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  try {
    bufferSize(value);
    return true;
  } catch {
    return false;
  }
}

/** Whether the bytes stay as they are, and as many, while they are read: no other thread has them. */
const isFixed = (buffer: ArrayBufferLike): boolean => isArrayBuffer(buffer) && isResizable?.(buffer) !== true;

/**
 * The bytes of a buffer or a view, not copied unless they could change while they are read; none where they have been
 * transferred.
 */
export function bytesIn(held: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (!ArrayBuffer.isView(held)) return bufferSize(held) === 0 ? new Uint8Array() : fixed(new Uint8Array(held));
  const { buffer, byteOffset, byteLength } = arrayKind(held) === undefined ? ofDataViews : ofArrays;
  try {
    const length = byteLength(held) as number;
    if (length === 0) return new Uint8Array(); // a buffer that has been transferred cannot be read
    return fixed(new Uint8Array(buffer(held) as ArrayBuffer, byteOffset(held) as number, length));
  } catch {
    return new Uint8Array(); // a DataView of such a buffer
  }
}

/**
 * The same numbers in an array that the caller cannot have tampered with: a view of its buffer, or a copy where that
 * could change while it is read.
 */
export function plainArray<A extends TypedArray>(given: A): A {
  const { [arrayKind(given) as 'Float32Array']: Ours } = globalThis;
  const length = lengthOf(given);
  if (length === 0) return new Ours() as A; // a buffer that has been transferred cannot be read
  const view = new Ours(ofArrays.buffer(given) as ArrayBuffer, ofArrays.byteOffset(given) as number, length);
  return fixed(view) as A;
}

const fixed = <A extends Uint8Array | Float32Array>(array: A): A =>
  isFixed(array.buffer) ? array : (array.slice() as A);
