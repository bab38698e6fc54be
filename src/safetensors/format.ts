/**
 * Files of tensors in the safetensors format: eight bytes that say how long the header is, the header, the data.
 *
 * The rules are those of the reference implementation in Rust: the header has at most 100 MB, the data of the tensors
 * follow each other without holes or overlaps and fill the file, and each has the size that its shape and kind say.
 */

import { describeOtherFormat } from '../saving/fileSignatures.ts';
import { asTensor, type TensorLike } from '../tensor/read.ts';
import { Tensor } from '../tensor/tensor.ts';
import { noMore } from '../util/arguments.ts';
import { checkBytes } from '../util/bytes.ts';
import { fail, show } from '../util/errors.ts';
import { checkOptions, isPlain } from '../util/options.ts';
import { isFloat32Array } from '../util/typedArrays.ts';
import { type Entry, isWhole, METADATA, parseHeader, quote } from './header.ts';
import { bitsOf, toFloats } from './numbers.ts';

/** Bytes that hold the length of the header; the header is filled up to a multiple of as many. */
const LENGTH = 8;
/** The most the reference implementation takes. */
const LONGEST_HEADER = 100_000_000;

/** What a file holds. */
export interface SafetensorsFile {
  /** By their names, in the order of their data. */
  readonly tensors: Record<string, Tensor>;
  /** What the file says of itself; empty where it says nothing. */
  readonly metadata: Record<string, string>;
}

/** A file whose header has been checked against its data; the numbers are read when they are asked for. */
export class SafetensorsReader {
  readonly #call: string;
  /** In the order of their data. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly #data: Uint8Array;

  constructor(call: string, file: unknown) {
    const bytes = checkBytes(call, 'bytes', file);
    const foreign = describeOtherFormat(bytes, 'safetensors');
    if (foreign) fail(call, `bytes must be a safetensors file, got ${foreign}`);
    const length = headerLength(call, bytes);
    const { entries, metadata } = parseHeader(call, decode(call, bytes.subarray(LENGTH, LENGTH + length)));
    this.#call = call;
    this.#data = bytes.subarray(LENGTH + length);
    this.metadata = metadata;
    const sorted = entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end);
    checkLayout(call, sorted, this.#data.length);
    this.entries = new Map(sorted.map(entry => [entry.name, entry]));
  }

  /** The numbers of a tensor that is there, as float32. */
  numbers(name: string): Float32Array {
    const { dtype, shape, begin, end } = this.entries.get(name)!;
    const count = shape.reduce((size, n) => size * n, 1);
    return toFloats(this.#call, `tensor ${quote(name)}`, dtype, this.#data.subarray(begin, end), count);
  }
}

function headerLength(call: string, bytes: Uint8Array): number {
  if (bytes.length < LENGTH) {
    fail(call, `bytes must begin with the ${LENGTH} bytes of the length of the header, got ${bytes.length} in all`);
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset, LENGTH).getBigUint64(0, true);
  if (length > LONGEST_HEADER) fail(call, `length of the header must be at most ${LONGEST_HEADER}, got ${length}`);
  const there = bytes.length - LENGTH;
  if (length > there) fail(call, `length of the header must be at most the ${there} bytes behind it, got ${length}`);
  return Number(length);
}

function decode(call: string, bytes: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return fail(call, 'header must be UTF-8, got other bytes');
  }
  if (text[0] !== '{') fail(call, `header must begin with '{', got ${text ? quote(text[0]!) : 'none'}`);
  return text;
}

/** @param entries in the order of their data */
function checkLayout(call: string, entries: readonly Entry[], bytes: number): void {
  let start = 0;
  for (const { name, dtype, shape, begin, end } of entries) {
    const part = `header.${quote(name)}`;
    const width = bitsOf.get(dtype) ?? fail(call, `${part}.dtype must be a kind of the format, got ${quote(dtype)}`);
    let size = width / 8;
    for (const n of shape) {
      size *= n;
      if (size > Number.MAX_SAFE_INTEGER) fail(call, `${part}.shape must be below 2^53 bytes, got ${show(shape)}`);
    }
    if (end < begin || end > bytes) {
      const rule = `must be in order and within the ${bytes} bytes of data`;
      fail(call, `${part}.data_offsets ${rule}, got [${begin}, ${end}]`);
    }
    if (end - begin !== size) {
      const rule = `must be ${size} bytes apart, which ${dtype} ${show(shape)} takes`;
      fail(call, `${part}.data_offsets ${rule}, got [${begin}, ${end}]`);
    }
    if (begin !== start) {
      const what = begin < start ? 'an overlap' : 'a hole';
      fail(call, `${part}.data_offsets must begin where the tensor before ends, at ${start}, got ${what}: ${begin}`);
    }
    start = end;
  }
  if (start !== bytes) fail(call, `data must end with the last tensor, at ${start}, got ${bytes} bytes`);
}

/**
 * Reads a safetensors file.
 *
 * F16, BF16 and F32 become float32 as they are, F64 is rounded to the nearest float32; whole numbers (I8 to I64, U8 to
 * U64) and BOOL are read where float32 has them. Nothing is believed before it has been held against the bytes that
 * are there.
 *
 * @param bytes the whole file
 * @returns tensors with the dtype float32; the metadata is a map of strings
 * @throws ValueError naming the part of the file that breaks the format, or a tensor of a kind that is not read (F8
 * and smaller, complex), or a number that does not fit into float32
 */
export function readSafetensors(bytes: Uint8Array | ArrayBuffer): SafetensorsFile {
  noMore('readSafetensors', 1, arguments);
  const file = new SafetensorsReader('readSafetensors', bytes);
  const tensors = [...file.entries.values()].map(({ name, shape }) => [name, new Tensor(file.numbers(name), shape)]);
  return { tensors: Object.fromEntries(tensors), metadata: Object.fromEntries(file.metadata) };
}

/**
 * Writes a safetensors file of float32 tensors; `readSafetensors` reads the same bits back.
 *
 * @param tensors by their names; their data stand in this order
 * @param options metadata: strings by their names, for the header
 * @returns the whole file
 * @throws ValueError where a name cannot be written (`__metadata__`, or one that is not whole characters), or where a
 * tensor holds whole numbers that are no float32
 */
export function writeSafetensors(
  tensors: Readonly<Record<string, TensorLike>>,
  options?: { metadata?: Readonly<Record<string, string>> },
): Uint8Array {
  noMore('writeSafetensors', 2, arguments);
  const call = 'writeSafetensors';
  if (!isPlain(tensors)) {
    fail(call, `tensors must be an object of tensors by their names, got ${show(tensors)}`);
  }
  const { metadata } = checkOptions<{ metadata: unknown }>(call, options, ['metadata']);
  const all = Object.entries(tensors).map(([name, value]): NamedTensor => {
    const { shape, ...tensor } = numbersOf(call, `tensors.${quote(name)}`, value);
    return { name, shape, ...tensor };
  });
  return write(call, all, checkMetadata(call, metadata));
}

/** A tensor to be written. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

function numbersOf(call: string, part: string, value: unknown): Omit<NamedTensor, 'name'> {
  const tensor = asTensor(call, part, value);
  const given = tensor.dataSync<'float32' | 'int32' | 'bool'>();
  if (isFloat32Array(given)) return { shape: tensor.shape, values: given };
  const values = Float32Array.from(given);
  const other = given.find((n, i) => n !== values[i]);
  if (other !== undefined) fail(call, `${part} must hold numbers that fit into float32, got ${other}`);
  return { shape: tensor.shape, values };
}

/** The option of that name; an absent one is empty. */
export function checkMetadata(call: string, metadata: unknown): [string, string][] {
  if (metadata === undefined) return [];
  if (!isPlain(metadata)) {
    fail(call, `metadata must be an object of strings, got ${show(metadata)}`);
  }
  const pairs = Object.entries(metadata);
  for (const [name, value] of pairs) {
    if (typeof value !== 'string') fail(call, `metadata.${quote(name)} must be a string, got ${show(value)}`);
    if (!isWhole(name) || !isWhole(value)) {
      fail(call, `metadata.${quote(name)} must be made of whole characters, got half a surrogate pair`);
    }
  }
  return pairs as [string, string][];
}

/** The whole file; names are checked here, because model layers have names of any kind. */
export function write(
  call: string,
  tensors: readonly NamedTensor[],
  metadata: readonly [string, string][],
): Uint8Array {
  let end = 0;
  const entries: [string, unknown][] = metadata.length > 0 ? [[METADATA, Object.fromEntries(metadata)]] : [];
  const names = new Set([METADATA]);
  for (const { name, shape, values } of tensors) {
    if (!isWhole(name)) fail(call, `names must be made of whole characters, got ${quote(name)}`);
    if (names.has(name))
      fail(call, `names must be used once, and '${METADATA}' for no tensor, got ${quote(name)} again`);
    names.add(name);
    const begin = end;
    end += values.byteLength;
    entries.push([name, { dtype: 'F32', shape, data_offsets: [begin, end] }]);
  }
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const length = Math.ceil(header.length / LENGTH) * LENGTH;
  if (length > LONGEST_HEADER) fail(call, `names and metadata must fit into ${LONGEST_HEADER} bytes, got ${length}`);
  const bytes = allocate(call, LENGTH + length + end);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(length), true);
  bytes.fill(0x20, LENGTH, LENGTH + length).set(header, LENGTH);
  let at = LENGTH + length;
  for (const { values } of tensors) {
    for (const value of values) {
      view.setFloat32(at, value, true);
      at += 4;
    }
  }
  return bytes;
}

function allocate(call: string, bytes: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes);
  } catch {
    return fail(call, `the file must fit into memory, got ${bytes} bytes`);
  }
}
