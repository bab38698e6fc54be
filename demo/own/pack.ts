/** Numbers of the user as text that is short enough for a URL: 16 bits each, deflated. */

import { deflateSync, inflateSync } from 'fflate';

/** The most numbers in a URL. */
export const mostNumbers = 5000;
const header = 8;
const levels = 0xffff;
/** Longer than any packed `mostNumbers` numbers. */
const longest = 16_000;

/**
 * The smallest and the largest number as float32, and between them each number as one of 65,536 levels. Written
 * are the differences between neighbouring levels, all high bytes before all low ones, which is short for smooth curves.
 * The numbers that `unpack` returns pack to the same text.
 */
export function pack(numbers: ArrayLike<number>): string {
  const { length } = numbers;
  if (length < 2 || length > mostNumbers) {
    throw new Error(`Between 2 and ${mostNumbers} numbers can be packed, not ${length}.`);
  }
  let [min, max] = [Infinity, -Infinity];
  for (let n = 0; n < length; n++) {
    const value = Math.fround(numbers[n]!);
    if (!Number.isFinite(value)) throw new Error(`Number ${n + 1} must be finite, got ${numbers[n]}.`);
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const bytes = new Uint8Array(header + 2 * length);
  const view = new DataView(bytes.buffer);
  view.setFloat32(0, min, true);
  view.setFloat32(4, max, true);
  let before = 0;
  for (let n = 0; n < length; n++) {
    const share = max > min ? (Math.fround(numbers[n]!) - min) / (max - min) : 0;
    const level = Math.round(share * levels);
    const difference = level - before;
    bytes[header + n] = difference >> 8;
    bytes[header + length + n] = difference;
    before = level;
  }
  return encode(deflateSync(bytes, { level: 9 }));
}

/** Restores the numbers. @throws Error if the text is not from `pack` */
export function unpack(text: string): Float32Array {
  const bytes = inflate(decode(text));
  const length = (bytes.length - header) / 2;
  if (!Number.isInteger(length) || length < 2 || length > mostNumbers) throw damaged();
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [min, max] = [view.getFloat32(0, true), view.getFloat32(4, true)];
  if (!Number.isFinite(min) || !Number.isFinite(max) || min > max) throw damaged();
  const numbers = new Float32Array(length);
  let level = 0;
  for (let n = 0; n < length; n++) {
    level = (level + ((bytes[header + n]! << 8) | bytes[header + length + n]!)) & levels;
    numbers[n] = min + (level / levels) * (max - min);
  }
  return numbers;
}

const damaged = () => new Error('The numbers in this address are damaged.');

/** Inflates at most one byte more than allowed, so that a long URL cannot fill the memory. */
function inflate(packed: Uint8Array): Uint8Array {
  const out = new Uint8Array(header + 2 * mostNumbers + 1);
  try {
    return inflateSync(packed, { out });
  } catch {
    throw damaged();
  }
}

const encode = (bytes: Uint8Array) =>
  btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');

function decode(text: string): Uint8Array {
  if (text.length > longest || !/^[\w-]+$/.test(text) || text.length % 4 === 1) throw damaged();
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, character => character.charCodeAt(0));
}
