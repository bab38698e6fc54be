/** Bytes that callers hand over: files, snapshots, weights. */

import { fail, show } from './errors.ts';

/** The bytes of a buffer or of a view, not copied; none where they were given away, such as to a worker. */
export function bytesIn(held: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (held.byteLength === 0) return new Uint8Array(); // nobody may look into a buffer that was given away
  if (held instanceof ArrayBuffer) return new Uint8Array(held);
  // A Buffer of Node is a Uint8Array, but its slices are not copies
  return new Uint8Array(held.buffer, held.byteOffset, held.byteLength);
}

export function checkBytes(call: string, name: string, value: unknown): Uint8Array {
  const isView = value instanceof Uint8Array && ArrayBuffer.isView(value); // its heirs may have no bytes
  if (isView || value instanceof ArrayBuffer) return bytesIn(value);
  return fail(call, `${name} must be a Uint8Array or an ArrayBuffer, got ${show(value)}`);
}
