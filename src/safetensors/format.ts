/**
 * Reads and writes safetensors files: eight bytes with the length of the header, the header, and the data.
 *
 * The rules are those of the reference implementation in Rust: the header has at most 100 MB; the data of the tensors
 * follow each other without gaps or overlaps and fill the file; their sizes match their shapes and types.
 */

import { describeOtherFormat } from '../saving/stores/fileSignatures.ts';
import { asTensor, type TensorLike } from '../tensor/read.ts';
import { Tensor } from '../tensor/tensor.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkBytes, checkOptions, isPlain } from '../util/options.ts';
import { isFloat32Array } from '../util/typedArrays.ts';
import { type Entry, isWellFormed, METADATA, parseHeader, quote } from './header.ts';
import { bitsOf, toFloats } from './numbers.ts';

/** The size of the header length in bytes; the header is padded to a multiple of it. */
const LENGTH = 8;
/** The limit of the reference implementation. */
const LONGEST_HEADER = 100_000_000;

/** The content of a file. */
export interface SafetensorsFile {
  /** The tensors by name, in the order of their data. */
  readonly tensors: Record<string, Tensor>;
  /** The metadata of the file; empty if it has none. */
  readonly metadata: Record<string, string>;
}

/** Checks the header of a file against its data, and reads tensors on demand. */
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

  /** The numbers of an existing tensor, as float32. */
  numbers(name: string): Float32Array {
    const { dtype, shape, begin, end } = this.entries.get(name)!;
    const count = shape.reduce((size, n) => size * n, 1);
    return toFloats(this.#call, `tensor ${quote(name)}`, dtype, this.#data.subarray(begin, end), count);
  }
}

function headerLength(call: string, bytes: Uint8Array): number {
  if (bytes.length < LENGTH) {
    fail(call, `bytes must begin with the ${LENGTH} bytes of the header length, got ${bytes.length} bytes`);
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset, LENGTH).getBigUint64(0, true);
  if (length > LONGEST_HEADER) fail(call, `length of the header must be at most ${LONGEST_HEADER}, got ${length}`);
  const available = bytes.length - LENGTH;
  if (length > available)
    fail(call, `length of the header must be at most the ${available} bytes after it, got ${length}`);
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
    const width = bitsOf.get(dtype) ?? fail(call, `${part}.dtype must be a type of the format, got ${quote(dtype)}`);
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
      const rule = `must be ${size} bytes apart for ${dtype} ${show(shape)}`;
      fail(call, `${part}.data_offsets ${rule}, got [${begin}, ${end}]`);
    }
    if (begin !== start) {
      const what = begin < start ? 'an overlap' : 'a gap';
      fail(call, `${part}.data_offsets must begin at ${start}, where the previous tensor ends, got ${what}: ${begin}`);
    }
    start = end;
  }
  if (start !== bytes) fail(call, `data must end at ${start}, with the last tensor, got ${bytes} bytes`);
}

/**
 * Reads a safetensors file.
 *
 * Converts all types to float32: F16, BF16 and F32 exactly, and F64 by rounding. Integers (I8 to I64, U8 to U64) and
 * BOOL must be representable in float32. Checks the header against the bytes of the file.
 *
 * @param bytes the whole file
 * @returns tensors with the dtype float32; the metadata is a map of strings
 * @throws ValueError naming the invalid part of the file, a tensor of an unsupported type (F8 and smaller, complex), or
 * a number that does not fit into float32
 */
export function readSafetensors(bytes: Uint8Array | ArrayBuffer): SafetensorsFile {
  rejectExtraArguments('readSafetensors', 1, arguments);
  const file = new SafetensorsReader('readSafetensors', bytes);
  const tensors = [...file.entries.values()].map(({ name, shape }) => [name, new Tensor(file.numbers(name), shape)]);
  return { tensors: Object.fromEntries(tensors), metadata: Object.fromEntries(file.metadata) };
}

/**
 * Writes a safetensors file of float32 tensors; `readSafetensors` reads the same bits back.
 *
 * @param tensors the tensors by name; their data are written in this order
 * @param options metadata: strings by name, for the header
 * @returns the whole file
 * @throws ValueError if a name is `__metadata__` or not valid Unicode, or if a tensor has numbers that float32 cannot
 * represent
 */
export function writeSafetensors(
  tensors: Readonly<Record<string, TensorLike>>,
  options?: { metadata?: Readonly<Record<string, string>> },
): Uint8Array {
  rejectExtraArguments('writeSafetensors', 2, arguments);
  const call = 'writeSafetensors';
  if (!isPlain(tensors)) {
    fail(call, `tensors must be an object of tensors by name, got ${show(tensors)}`);
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
  if (other !== undefined) fail(call, `${part} must have numbers that fit into float32, got ${other}`);
  return { shape: tensor.shape, values };
}

/** Reads the option `metadata`; empty if absent. */
export function checkMetadata(call: string, metadata: unknown): [string, string][] {
  if (metadata === undefined) return [];
  if (!isPlain(metadata)) {
    fail(call, `metadata must be an object of strings, got ${show(metadata)}`);
  }
  const pairs = Object.entries(metadata);
  for (const [name, value] of pairs) {
    if (typeof value !== 'string') fail(call, `metadata.${quote(name)} must be a string, got ${show(value)}`);
    if (!isWellFormed(name) || !isWellFormed(value)) {
      fail(call, `metadata.${quote(name)} must be valid Unicode, got a lone surrogate`);
    }
  }
  return pairs as [string, string][];
}

/** Writes a file. Checks the names, because layers may have any name. */
export function write(
  call: string,
  tensors: readonly NamedTensor[],
  metadata: readonly [string, string][],
): Uint8Array {
  let end = 0;
  const entries: [string, unknown][] = metadata.length > 0 ? [[METADATA, Object.fromEntries(metadata)]] : [];
  const names = new Set([METADATA]);
  for (const { name, shape, values } of tensors) {
    if (!isWellFormed(name)) fail(call, `names must be valid Unicode, got ${quote(name)}`);
    if (names.has(name)) fail(call, `names must be unique and not '${METADATA}', got ${quote(name)}`);
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
