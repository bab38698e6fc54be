/**
 * Data as bytes, for blobs: plain data with typed arrays and dates, and numbers that JSON does not have. Equal data gives equal
 * bytes.
 *
 * The bytes are the length of the header (uint32), the header (canonical JSON, in UTF-8), and the arrays, each at a multiple of
 * 8. All numbers are little-endian.
 */

import { fail, show } from '../util/errors.ts';
import { isPlain } from '../util/options.ts';
import { arrayKind, bytesIn, isArrayBuffer } from '../util/typedArrays.ts';
import { canonicalJson } from './hash.ts';

const ALIGN = 8;
const aligned = (bytes: number) => Math.ceil(bytes / ALIGN) * ALIGN;

/** Numbers that JSON does not have, by their text. */
const unusual = new Map<string, number>([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['-0', -0],
]);

const kinds = {
  Float32Array,
  Float64Array,
  Int8Array,
  Int16Array,
  Int32Array,
  Uint8Array,
  Uint8ClampedArray,
  Uint16Array,
  Uint32Array,
};

/**
 * Packs plain data: objects, lists, numbers, text, booleans, null, dates, typed arrays and array buffers.
 *
 * @param name the name of the value, for error messages
 */
export function packData(call: string, name: string, value: unknown): Uint8Array<ArrayBuffer> {
  const arrays: Uint8Array[] = [];
  let length = 0;
  const append = (kind: string, bytes: Uint8Array) => {
    const at = length;
    arrays.push(bytes);
    length += aligned(bytes.length);
    return { $array: [kind, at, bytes.length] };
  };
  const convert = (place: string, item: unknown, depth: number): unknown => {
    if (depth > 32) fail(call, `${place} must be nested at most 32 levels deep`);
    if (typeof item === 'number') {
      return Number.isFinite(item) && !Object.is(item, -0) ? item : { $number: Object.is(item, -0) ? '-0' : `${item}` };
    }
    if (item === null || typeof item === 'string' || typeof item === 'boolean') return item;
    const kind = arrayKind(item);
    if (kind !== undefined && Object.hasOwn(kinds, kind)) return append(kind, bytesIn(item as Uint8Array));
    if (isArrayBuffer(item)) return append('ArrayBuffer', bytesIn(item));
    if (item instanceof Date) return { $date: item.getTime() };
    if (Array.isArray(item)) return Array.from(item, (one, n) => convert(`${place}[${n}]`, one, depth + 1));
    if (!isPlain(item)) fail(call, `${place} must be plain data or a typed array, got ${show(item)}`);
    const entries = Object.entries(item)
      .filter(([, one]) => one !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1)); // the order of the arrays too
    const fields = entries.map(([key, one]) => [key, convert(`${place}.${key}`, one, depth + 1)] as const);
    return entries.some(([key]) => key.startsWith('$')) ? { $object: fields } : Object.fromEntries(fields);
  };
  const header = new TextEncoder().encode(canonicalJson(call, name, convert(name, value, 0)));
  const start = aligned(4 + header.length);
  const whole = new Uint8Array(start + length);
  new DataView(whole.buffer).setUint32(0, header.length, true);
  whole.set(header, 4);
  let at = start;
  for (const bytes of arrays) {
    whole.set(bytes, at);
    at += aligned(bytes.length);
  }
  return whole;
}

/** Reverses `packData`. The arrays are copies. */
export function unpackData(call: string, name: string, bytes: Uint8Array): unknown {
  const invalid = (): never => fail(call, `${name} must be packed data, got other bytes`);
  if (bytes.length < 4) invalid();
  const headerLength = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
  const start = aligned(4 + headerLength);
  if (start > bytes.length) invalid();
  const arrayAt = ([kind, at, length]: [string, number, number]) => {
    const { buffer } = Uint8Array.from(bytes.subarray(start + at, start + at + length));
    if (buffer.byteLength !== length) invalid();
    if (kind === 'ArrayBuffer') return buffer;
    return new (kinds[kind as keyof typeof kinds] ?? invalid())(buffer);
  };
  const restore = (item: unknown): unknown => {
    if (Array.isArray(item)) return item.map(restore);
    if (item === null || typeof item !== 'object') return item;
    const { $number, $array, $date, $object } = item as {
      $number?: string;
      $array?: [string, number, number];
      $date?: number;
      $object?: [string, unknown][];
    };
    if ($number !== undefined) return unusual.get($number);
    if ($array !== undefined) return arrayAt($array);
    if ($date !== undefined) return new Date($date);
    return Object.fromEntries(($object ?? Object.entries(item)).map(([key, one]) => [key, restore(one)]));
  };
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(4, 4 + headerLength)));
  } catch {
    invalid();
  }
  return restore(header);
}
