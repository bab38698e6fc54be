/** Reads and writes the zip archives of `.keras` files. Entries are checked before they are unpacked. */

import { inflateSync, zipSync } from 'fflate';
import { type FilePath, failAt } from '../saving/config/filePath.ts';
import { checksum } from '../saving/snapshot/checksum.ts';
import { describeOtherFormat } from '../saving/stores/fileSignatures.ts';

/** The entries of a `.keras` file. */
export const CONFIG = 'config.json';
export const METADATA = 'metadata.json';
export const WEIGHTS = 'model.weights.h5';

/** A packed entry. */
export interface Entry {
  /** The unpacked size. */
  readonly size: number;
  /** @param most the maximum size; larger entries are rejected */
  read(most: number): Uint8Array;
}

/**
 * The unpacked size that every entry may have; larger entries may have at most EXPANSION times their packed size. Keras
 * does not compress its entries, and trained weights compress by a few percent only.
 */
const FREE = 32 * 2 ** 20;
const EXPANSION = 16;

const DIRECTORY_END = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_ENTRY = 0x04034b50;
/** The maximum size of the comment after the directory. */
const COMMENT = 0xffff;

/** The entries of an archive by name. */
export function openZip(location: FilePath, bytes: Uint8Array): Map<string, Entry> {
  const foreign = describeOtherFormat(bytes, 'zip');
  if (foreign) failAt(location, `must be a .keras file, got ${foreign}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - 22;
  const least = Math.max(0, end - COMMENT);
  while (end >= least && view.getUint32(end, true) !== DIRECTORY_END) end--;
  if (end < least) failAt(location, 'must be a complete zip archive, got a truncated one; download it again');
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  const entries = new Map<string, Entry>();
  for (let n = 0; n < count; n++) {
    if (at + 46 > end || view.getUint32(at, true) !== DIRECTORY_ENTRY) failAt(location, 'the directory is damaged');
    const nameSize = view.getUint16(at + 28, true);
    const next = at + 46 + nameSize + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > end) failAt(location, 'the directory is damaged');
    // Archives written on Windows may contain backslashes
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameSize)).replaceAll('\\', '/');
    if (entries.has(name)) failAt(location, `names must be unique, got '${name.slice(0, 60)}' twice`);
    entries.set(name, entryAt({ ...location, part: name.slice(0, 60) }, bytes, view, at));
    at = next;
  }
  return entries;
}

function entryAt(location: FilePath, bytes: Uint8Array, view: DataView, at: number): Entry {
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  const sum = view.getUint32(at + 16, true);
  const packed = view.getUint32(at + 20, true);
  const size = view.getUint32(at + 24, true);
  const local = view.getUint32(at + 42, true);
  return {
    size,
    read: most => {
      if (flags & 1) failAt(location, 'must not be encrypted');
      if (method !== 0 && method !== 8) failAt(location, `must be stored or deflated, got method ${method}`);
      const largest = Math.min(most, FREE + EXPANSION * packed);
      if (size > largest) failAt(location, `must be at most ${largest} bytes long, got ${size}`);
      if (local + 30 > bytes.length || view.getUint32(local, true) !== LOCAL_ENTRY)
        failAt(location, 'is not in the archive');
      const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
      if (start + packed > bytes.length) failAt(location, `must have ${packed} bytes in the archive, got fewer`);
      const data = bytes.subarray(start, start + packed);
      const whole = method === 0 ? data.slice() : inflate(location, data, size);
      if (whole.length !== size || checksum(whole) !== sum) failAt(location, 'is damaged: its checksum does not match');
      return whole;
    },
  };
}

/** Unpacks data into an array of the declared size. */
function inflate(location: FilePath, data: Uint8Array, size: number): Uint8Array {
  // Deflate compresses by a factor of at most 1032
  if (size > 1032 * data.length + 1032)
    failAt(location, `must be at most ${1032 * data.length} bytes long, got ${size}`);
  try {
    return inflateSync(data, { out: new Uint8Array(size) });
  } catch {
    return failAt(location, 'is damaged: it cannot be unpacked');
  }
}

/** An archive of uncompressed entries, as Keras writes it. */
export function makeZip(entries: Readonly<Record<string, Uint8Array>>): Uint8Array {
  return zipSync(entries, { level: 0, mtime: new Date(1980, 0, 1) });
}
