/**
 * The byte format of snapshots: a head of 32 bytes, a JSON header, and arrays of numbers in the order in which the header
 * lists them. Little-endian; each array starts at a multiple of 8.
 *
 *     0   8 bytes   a signature that text conversion would damage
 *     8   uint32    the version of the format
 *     12  uint32    the CRC-32 of everything after it
 *     16  float64   the length of the whole block in bytes
 *     24  uint32    the length of the header in bytes
 *     28  uint32    0
 *     32            the header, in UTF-8; then zeros up to a multiple of 8
 *
 * All later versions keep this head and the header field `needs`: the first version of lstm-wasm that reads the block.
 */

import { fail, show } from '../../util/errors.ts';
import { checkBytes } from '../../util/options.ts';
import { checkDepth, type FilePath } from '../config/filePath.ts';
import { checksum } from './checksum.ts';

export type Header = Readonly<Record<string, unknown>>;
export type Numbers = Float32Array | Float64Array;

const VERSION = 2;
/** The first version of lstm-wasm that reads this format. */
const NEEDS = '0.1.0';
const SIGNATURE = Uint8Array.of(0x89, 0x4c, 0x57, 0x53, 0x0d, 0x0a, 0x1a, 0x0a); // \x89 L W S \r \n \x1a \n
const HEAD = 32;
/** The first byte that the checksum covers. */
const CHECKSUM_START = 16;

const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8;

export function writeBlock(header: Header, arrays: readonly Numbers[]): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify({ ...header, needs: NEEDS }));
  const start = padded(HEAD + text.length);
  const bytes = new Uint8Array(arrays.reduce((sum, array) => sum + padded(array.byteLength), start));
  const view = new DataView(bytes.buffer);
  bytes.set(SIGNATURE);
  view.setUint32(8, VERSION, true);
  view.setFloat64(16, bytes.length, true);
  view.setUint32(24, text.length, true);
  bytes.set(text, HEAD);
  let at = start;
  for (const array of arrays) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at);
    at += padded(array.byteLength);
  }
  view.setUint32(12, checksum(bytes.subarray(CHECKSUM_START)), true);
  return bytes;
}

/** Checks signature, version, length and checksum, and parses the header. */
export function readBlock(location: FilePath, given: unknown): { header: Header; body: Body } {
  const bytes = aligned(location, given);
  const reject = (message: string): never => fail(location.call, `${location.part}${message}`);
  if (bytes.length < HEAD || SIGNATURE.some((byte, n) => bytes[n] !== byte)) {
    reject(` must be a snapshot, got ${bytes.length} bytes of another format`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = view.getUint32(8, true);
  const length = view.getFloat64(16, true);
  const textLength = view.getUint32(24, true);
  const isIntact =
    length === bytes.length &&
    length % 8 === 0 &&
    HEAD + textLength <= length &&
    checksum(bytes.subarray(CHECKSUM_START)) === view.getUint32(12, true);
  if (version > VERSION) {
    const needs = isIntact ? readText(location, bytes.subarray(HEAD, HEAD + textLength)).needs : null;
    const reader =
      typeof needs === 'string' && /^[\w.-]{1,20}$/.test(needs) ? `${needs} or later` : 'in a later version';
    reject(`: version must be at most ${VERSION}, got ${version}, which needs lstm-wasm ${reader}`);
  }
  if (version !== VERSION)
    reject(`: version must be ${VERSION}, got ${version}, which this version of lstm-wasm cannot read`);
  if (length !== bytes.length) reject(` must have ${show(length)} bytes according to its head, got ${bytes.length}`);
  if (!isIntact) reject(': the checksum does not match: the bytes are damaged');
  const header = readText(location, bytes.subarray(HEAD, HEAD + textLength));
  return { header, body: new Body(location, bytes.subarray(padded(HEAD + textLength))) };
}

/** The bytes at an address that is a multiple of 8, copied if necessary. */
function aligned({ call, part }: FilePath, given: unknown): Uint8Array {
  const bytes = checkBytes(call, part, given);
  return bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
}

function readText(location: FilePath, text: Uint8Array): Header {
  const { call, part } = location;
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch {
    fail(call, `${part}: the header must be JSON`);
  }
  if (header === null || typeof header !== 'object' || Array.isArray(header)) {
    fail(call, `${part}: the header must be an object, got ${show(header)}`);
  }
  checkDepth({ call, part: `${part}: the header` }, header);
  return header as Header;
}

/** The arrays of a block, read in order. */
export class Body {
  readonly #location: FilePath;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(location: FilePath, bytes: Uint8Array) {
    this.#location = location;
    this.#bytes = bytes;
  }

  /**
   * The next array of float32 numbers: a view, not a copy.
   *
   * @param part names the array in an error
   */
  floats(part: string, count: number): Float32Array {
    return new Float32Array(this.#bytes.buffer, this.#take(part, count, 4), count);
  }

  /** The next array of float64 numbers: a view, not a copy. */
  doubles(part: string, count: number): Float64Array {
    return new Float64Array(this.#bytes.buffer, this.#take(part, count, 8), count);
  }

  #take(part: string, count: number, size: number): number {
    const from = this.#at;
    const left = this.#bytes.length - from;
    if (count * size > left) fail(this.#location.call, `${part} must have ${count} numbers, got ${left / size}`);
    this.#at += padded(count * size);
    return this.#bytes.byteOffset + from;
  }

  /** Fails if any bytes are left. */
  end(): void {
    const left = this.#bytes.length - this.#at;
    const { call, part } = this.#location;
    if (left > 0) fail(call, `${part} must end after its last array, got ${left} more bytes`);
  }
}
