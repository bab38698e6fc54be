/** Data as bytes, for the blobs of tasks. */

import { rejectExtraArguments } from '../util/arguments.ts';
import { checkBytes } from '../util/options.ts';
import type { Store } from './engine.ts';
import { sha256 } from './hash.ts';
import { packData as pack, unpackData as unpack } from './pack.ts';
import { checkStore } from './stores.ts';

/**
 * Packs plain data for a blob: objects, lists, numbers, text, booleans, null, dates, typed arrays and array buffers. Equal data
 * gives equal bytes.
 */
export function packData(value: unknown): Uint8Array<ArrayBuffer> {
  rejectExtraArguments('packData', 1, arguments);
  return pack('packData', 'value', value);
}

/**
 * Packs plain data into a store.
 *
 * @returns the SHA-256 of the bytes, for the `blobs` of tasks
 */
export async function putData(store: Store, value: unknown): Promise<string> {
  const call = 'putData';
  rejectExtraArguments(call, 2, arguments);
  const checked = checkStore(call, 'store', store);
  const bytes = pack(call, 'value', value);
  const hash = await sha256(bytes);
  await checked.put(hash, bytes);
  return hash;
}

/** Reads bytes that `packData` has made, such as the blobs of a result. */
export function unpackData(bytes: Uint8Array): unknown {
  rejectExtraArguments('unpackData', 1, arguments);
  return unpack('unpackData', 'bytes', checkBytes('unpackData', 'bytes', bytes));
}
