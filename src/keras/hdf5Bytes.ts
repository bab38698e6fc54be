/**
 * The bytes of an HDF5 file. Checks every read against the end of the file and limits the total number of bytes read.
 */

import type { FilePath } from '../saving/config/filePath.ts';
import { fail } from '../util/errors.ts';

const NOWHERE = 0xffff_ffff_ffff_ffffn;
const decoder = new TextDecoder();

export class Hdf5Bytes {
  readonly #view: DataView;
  /**
   * The number of bytes that may still be read, not counting weights. A Keras file needs about a quarter of its size.
   */
  #left: number;

  constructor(
    readonly location: FilePath,
    readonly bytes: Uint8Array,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#left = 4096 + 2 * bytes.length;
  }

  get length(): number {
    return this.bytes.length;
  }

  fail(message: string): never {
    return fail(this.location.call, `${this.location.part}: ${message}`);
  }

  /** Counts bytes read, or equivalent work, because a file may refer to the same bytes many times. */
  spend(count: number): void {
    this.#left -= count;
    if (this.#left < 0) this.fail('must not refer to the same bytes repeatedly');
  }

  /** The end of a range of bytes; throws if the file does not contain it. */
  range(at: number, size: number): number {
    if (at < 0 || size < 0 || at + size > this.bytes.length) {
      this.fail(`must have ${size} bytes at ${at}, got a file of ${this.bytes.length} bytes`);
    }
    return at + size;
  }

  is(at: number, signature: string): boolean {
    this.range(at, 4);
    for (let n = 0; n < 4; n++) if (this.bytes[at + n] !== signature.charCodeAt(n)) return false;
    return true;
  }

  u8(at: number): number {
    this.range(at, 1);
    return this.bytes[at]!;
  }

  u16(at: number): number {
    this.range(at, 2);
    return this.#view.getUint16(at, true);
  }

  u32(at: number): number {
    this.range(at, 4);
    return this.#view.getUint32(at, true);
  }

  /** An unsigned integer of 1 to 8 bytes. */
  uint(at: number, width: number): number {
    this.range(at, width);
    let value = 0;
    for (let n = width - 1; n >= 0; n--) value = value * 256 + this.bytes[at + n]!;
    if (!Number.isSafeInteger(value)) this.fail(`must have a number below 2^53 at ${at}, got a larger one`);
    return value;
  }

  /** A length, or a number of elements. */
  size(at: number): number {
    return this.uint(at, 8);
  }

  /** An address within the file; null for an undefined address. */
  address(at: number): number | null {
    this.range(at, 8);
    if (this.#view.getBigUint64(at, true) === NOWHERE) return null;
    const address = this.uint(at, 8);
    this.range(address, 0);
    return address;
  }

  /** Text of at most the given number of bytes, up to the first zero byte. */
  text(at: number, length: number): string {
    const end = this.range(at, length);
    this.spend(length);
    const bytes = this.bytes.subarray(at, end);
    const zero = bytes.indexOf(0);
    return decoder.decode(zero < 0 ? bytes : bytes.subarray(0, zero));
  }
}
