/** Bytes that callers hand over: files, snapshots, weights. */

import { fail, show } from './errors.ts';
import { arrayKind, bytesIn, isArrayBuffer } from './typedArrays.ts';

export function checkBytes(call: string, name: string, value: unknown): Uint8Array {
  if (arrayKind(value) === 'Uint8Array' || isArrayBuffer(value)) return bytesIn(value as Uint8Array | ArrayBuffer);
  return fail(call, `${name} must be a Uint8Array or an ArrayBuffer, got ${show(value)}`);
}
