/**
 * The block a snapshot is: a head of 32 bytes, a header of plain data as JSON, and runs of numbers in the order in
 * which the header speaks of them. All of it is little-endian, as WebAssembly is, and every run begins at a multiple of 8.
 *
 *     0   8 bytes   a mark that nothing else begins with, and that copying as text would spoil
 *     8   uint32    the version of the format
 *     12  uint32    the CRC-32 of all that follows
 *     16  float64   the length of the whole block in bytes
 *     24  uint32    the length of the header in bytes
 *     28  uint32    0
 *     32            the header, in UTF-8; then zeros up to a multiple of 8
 *
 * Whatever later versions change, they keep the head, and `needs` in the header: the first lstm-wasm that reads them.
 */

import { checkBytes } from '../util/bytes.ts';
import { fail, show } from '../util/errors.ts';
import { checksum } from './checksum.ts';
import { checkDepth, type FilePath } from './filePath.ts';

export type Header = Readonly<Record<string, unknown>>;
export type Numbers = Float32Array | Float64Array;

const VERSION = 1;
/** The first lstm-wasm that reads this version. */
const NEEDS = '0.1.0';
const MARK = Uint8Array.of(0x89, 0x4c, 0x57, 0x53, 0x0d, 0x0a, 0x1a, 0x0a); // \x89 L W S \r \n \x1a \n
const HEAD = 32;
/** What the checksum covers begins here. */
const COVERED = 16;

const whole = (bytes: number): number => Math.ceil(bytes / 8) * 8;

export function writeBlock(header: Header, runs: readonly Numbers[]): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify({ ...header, needs: NEEDS }));
  const start = whole(HEAD + text.length);
  const bytes = new Uint8Array(runs.reduce((sum, run) => sum + whole(run.byteLength), start));
  const view = new DataView(bytes.buffer);
  bytes.set(MARK);
  view.setUint32(8, VERSION, true);
  view.setFloat64(16, bytes.length, true);
  view.setUint32(24, text.length, true);
  bytes.set(text, HEAD);
  let at = start;
  for (const run of runs) {
    bytes.set(new Uint8Array(run.buffer, run.byteOffset, run.byteLength), at);
    at += whole(run.byteLength);
  }
  view.setUint32(12, checksum(bytes.subarray(COVERED)), true);
  return bytes;
}

/** Everything about a block that can be told without knowing what it holds. */
export function readBlock(place: FilePath, given: unknown): { header: Header; body: Body } {
  const bytes = aligned(place, given);
  const refuse = (message: string): never => fail(place.call, `${place.part}${message}`);
  if (bytes.length < HEAD || MARK.some((byte, n) => bytes[n] !== byte)) {
    refuse(` must begin as a snapshot does, got ${bytes.length} bytes that do not`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = view.getUint32(8, true);
  const length = view.getFloat64(16, true);
  const textLength = view.getUint32(24, true);
  const sound =
    length === bytes.length &&
    length % 8 === 0 &&
    HEAD + textLength <= length &&
    checksum(bytes.subarray(COVERED)) === view.getUint32(12, true);
  if (version > VERSION) {
    const needs = sound ? readText(place, bytes.subarray(HEAD, HEAD + textLength)).needs : null;
    const reader = typeof needs === 'string' && /^[\w.-]{1,20}$/.test(needs) ? `${needs} and later` : 'a later version';
    refuse(`: version must be at most ${VERSION}, got ${version}, which lstm-wasm in ${reader} can read`);
  }
  if (version !== VERSION) refuse(`: version must be ${VERSION}, got ${version}`);
  if (length !== bytes.length) refuse(` must hold ${show(length)} bytes, as its head says, got ${bytes.length}`);
  if (!sound) refuse(': the checksum must be that of what it holds, got another: the bytes have been damaged');
  const header = readText(place, bytes.subarray(HEAD, HEAD + textLength));
  return { header, body: new Body(place, bytes.subarray(whole(HEAD + textLength))) };
}

/** The bytes from an address on at which numbers may begin. */
function aligned({ call, part }: FilePath, given: unknown): Uint8Array {
  const bytes = checkBytes(call, part, given);
  return bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
}

function readText(place: FilePath, text: Uint8Array): Header {
  const { call, part } = place;
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

/** The runs of numbers of a block, one after the other. */
export class Body {
  readonly #place: FilePath;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(place: FilePath, bytes: Uint8Array) {
    this.#place = place;
    this.#bytes = bytes;
  }

  /** The next run of float32 numbers: a view, not a copy. */
  floats(part: string, count: number): Float32Array {
    return new Float32Array(this.#bytes.buffer, this.#take(part, count, 4), count);
  }

  /** The next run of float64 numbers, likewise. */
  doubles(part: string, count: number): Float64Array {
    return new Float64Array(this.#bytes.buffer, this.#take(part, count, 8), count);
  }

  #take(part: string, count: number, size: number): number {
    const from = this.#at;
    const left = this.#bytes.length - from;
    if (count * size > left) {
      const { call, part: block } = this.#place;
      fail(call, `${block}: ${part} must hold ${count} numbers, got ${left / size}`);
    }
    this.#at += whole(count * size);
    return this.#bytes.byteOffset + from;
  }

  /** Fails where something is left. */
  end(): void {
    const left = this.#bytes.length - this.#at;
    const { call, part } = this.#place;
    if (left > 0) fail(call, `${part} must end with the last of its numbers, got ${left} more bytes`);
  }
}
