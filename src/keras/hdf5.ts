/**
 * Reads the HDF5 files that Keras writes with h5py: groups, string attributes, and contiguous float32 datasets. Rejects
 * all other features of the format.
 *
 * The C library of h5wasm (0.10.3, HDF5 2.0) is not used for reading, because it hangs on some damaged files. This
 * reader checks every address, and its work is bounded by the size of the file.
 */

import type { FilePath } from '../saving/config/filePath.ts';
import { describeOtherFormat } from '../saving/stores/fileSignatures.ts';
import { show } from '../util/errors.ts';
import { sizeOf } from '../util/shapes.ts';
import { Hdf5Bytes } from './hdf5Bytes.ts';
import { type Message, readLinks } from './hdf5Links.ts';

/** A dataset of float32 numbers. */
export interface Hdf5Data {
  readonly kind: 'data';
  readonly shape: readonly number[];
  /** A copy of the numbers. Throws unless they are contiguous float32. */
  read(): Float32Array;
}

/** Names are single path segments. Keras on Windows wrote backslashes in place of slashes; both separate segments. */
export interface Hdf5Group {
  readonly kind: 'group';
  names(): string[];
  /** The object at a name or path; null if there is none. */
  get(path: string): Hdf5Group | Hdf5Data | null;
  /** The strings of an attribute, an empty list if it is empty; null if there is no such attribute. */
  strings(name: string): string[] | null;
}

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

const DATASPACE = 0x01;
const DATATYPE = 0x03;
const LAYOUT = 0x08;
const ATTRIBUTE = 0x0c;
const CONTINUATION = 0x10;

/** The dataspace type for no elements. */
const NULL_SPACE = 2;

/** The separators of a path. */
const SEPARATOR = /[\\/]/;

/** The cost, in bytes, of a path segment within a name, as written on Windows. */
const INNER_NAME = 100;

/** The element types that are read. */
type Type = { kind: 'float32' } | { kind: 'text'; size: number } | { kind: 'text of any length' } | { kind: 'other' };

/** The addresses of the parts of an attribute. */
interface Attribute {
  readonly type: number;
  readonly shape: number;
  readonly at: number;
  readonly end: number;
}

/** Text in a heap. */
interface Text {
  readonly at: number;
  readonly size: number;
}

/** @param location for error messages */
export function openHdf5(location: FilePath, bytes: Uint8Array): Hdf5Group {
  return new Reader(new Hdf5Bytes(location, bytes)).root();
}

/** A named object. On Windows, Keras wrote whole paths as names, so that a name can contain further names. */
interface Link {
  /** Null if the name is only the start of longer paths. */
  readonly address: number | null;
  inner: Links | null;
}

type Links = Map<string, Link>;

class Group implements Hdf5Group {
  readonly kind = 'group';
  readonly #reader: Reader;
  readonly #link: Link;
  #links: ReadonlyMap<string, Link> | null = null;

  constructor(reader: Reader, link: Link) {
    this.#reader = reader;
    this.#link = link;
  }

  names(): string[] {
    return [...this.#all().keys()];
  }

  get(path: string): Hdf5Group | Hdf5Data | null {
    let found: Group | Hdf5Data = this;
    for (const name of path.split(SEPARATOR)) {
      const link: Link | undefined = found.kind === 'group' ? found.#all().get(name) : undefined;
      if (!link) return null;
      found = this.#reader.object(link);
    }
    return found;
  }

  strings(name: string): string[] | null {
    const { address } = this.#link;
    return address === null ? null : this.#reader.strings(address, name);
  }

  #all(): ReadonlyMap<string, Link> {
    const { address, inner } = this.#link;
    if (address === null) return inner!;
    if (!inner) return this.#reader.links(address);
    this.#links ??= new Map([...this.#reader.links(address), ...inner]);
    return this.#links;
  }
}

class Reader {
  readonly #headers = new Map<number, readonly Message[]>();
  readonly #links = new Map<number, ReadonlyMap<string, Link>>();
  readonly #objects = new Map<Link, Group | Hdf5Data>();
  readonly #attributes = new Map<number, ReadonlyMap<string, Attribute>>();
  readonly #heaps = new Map<number, ReadonlyMap<number, Text>>();

  constructor(readonly file: Hdf5Bytes) {}

  // ---------------------------------------------------------------------------------------------------- the file

  root(): Hdf5Group {
    if (!SIGNATURE.every((byte, n) => this.file.bytes[n] === byte)) {
      this.file.fail(`must be an HDF5 file, got ${describeOtherFormat(this.file.bytes) ?? 'something else'}`);
    }
    const version = this.file.u8(8);
    if (version <= 1) {
      this.#sizes(this.file.u8(13), this.file.u8(14));
      const base = version === 0 ? 24 : 28;
      this.#checkLength(base, base + 16);
      return this.#rootAt(base + 40);
    }
    if (version > 3) this.file.fail(`the version of the HDF5 file must be at most 3, got ${version}`);
    this.#sizes(this.file.u8(9), this.file.u8(10));
    this.#checkLength(12, 28);
    return this.#rootAt(36);
  }

  #rootAt(at: number): Hdf5Group {
    const address = this.file.address(at) ?? this.file.fail('must have a root group, got none');
    return new Group(this, { address, inner: null });
  }

  #sizes(offsets: number, lengths: number): void {
    if (offsets !== 8 || lengths !== 8) this.file.fail(`addresses must take 8 bytes, got ${offsets} and ${lengths}`);
  }

  /** Rejects a truncated file. `base` and `end` are the positions of its start and end addresses. */
  #checkLength(base: number, end: number): void {
    const { file } = this;
    if (file.uint(base, 8) !== 0) file.fail('the file must not have a user block before the HDF5 data');
    const length = file.uint(end, 8);
    if (length > file.length) file.fail(`must be ${length} bytes long, got ${file.length}; download it again`);
  }

  object(link: Link): Group | Hdf5Data {
    const known = this.#objects.get(link);
    if (known) return known;
    const messages = link.address === null || link.inner ? [] : this.#header(link.address);
    const isData = messages.some(({ type }) => type === LAYOUT);
    const made = isData ? this.#data(messages) : new Group(this, link);
    this.#objects.set(link, made);
    return made;
  }

  links(address: number): ReadonlyMap<string, Link> {
    const known = this.#links.get(address);
    if (known) return known;
    const links: Links = new Map();
    this.#links.set(address, links);
    readLinks(this.file, this.#header(address), (path, target) => {
      const names = path.split(SEPARATOR);
      const last = names.pop()!;
      let here = links;
      for (const name of names) {
        this.file.spend(INNER_NAME);
        const link: Link = here.get(name) ?? { address: null, inner: null };
        here.set(name, link);
        link.inner ??= new Map();
        here = link.inner;
      }
      here.set(last, { address: target, inner: here.get(last)?.inner ?? null });
    });
    return links;
  }

  // --------------------------------------------------------------------------------------------------- one object

  /** The messages of an object, from all pieces of its header. */
  #header(address: number): readonly Message[] {
    const known = this.#headers.get(address);
    if (known) return known;
    const messages: Message[] = [];
    const modern = this.file.is(address, 'OHDR');
    const { ordered, ...first } = modern ? this.#modernHeader(address) : this.#oldHeader(address);
    const pieces = [first];
    const seen = new Set<number>();
    for (const { at, end } of pieces) {
      if (seen.has(at)) this.file.fail('the header of an object must not be cyclic');
      seen.add(at);
      pieces.push(...this.#messages(at, end, modern, ordered, messages));
    }
    this.#headers.set(address, messages);
    return messages;
  }

  #oldHeader(address: number) {
    const version = this.file.u8(address);
    if (version !== 1) this.file.fail(`the header of an object must have version 1 or 2, got ${version}`);
    const size = this.file.u32(address + 8);
    return { at: address + 16, end: this.file.range(address + 16, size), ordered: false };
  }

  #modernHeader(address: number) {
    const version = this.file.u8(address + 4);
    if (version !== 2) this.file.fail(`the header of an object must have version 1 or 2, got ${version}`);
    const flags = this.file.u8(address + 5);
    const at = address + 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
    const width = 1 << (flags & 3);
    const size = this.file.uint(at, width);
    return { at: at + width, end: this.file.range(at + width, size), ordered: (flags & 4) !== 0 };
  }

  /** Reads a piece of a header; returns the positions of further pieces. */
  #messages(from: number, end: number, modern: boolean, ordered: boolean, into: Message[]) {
    const more: { at: number; end: number }[] = [];
    const head = modern ? 4 + (ordered ? 2 : 0) : 8;
    for (let at = from; at + head <= end; ) {
      this.file.spend(head);
      const type = modern ? this.file.u8(at) : this.file.u16(at);
      const size = this.file.u16(at + (modern ? 1 : 2));
      const data = at + head;
      at = data + size;
      if (at > end) this.file.fail('a message must end within its object');
      if (type !== CONTINUATION) {
        into.push({ type, at: data, size });
        continue;
      }
      const start = this.file.address(data)!;
      const stop = this.file.range(start, this.file.size(data + 8));
      if (modern && !this.file.is(start, 'OCHK')) this.file.fail('a piece of a header must begin with OCHK');
      more.push(modern ? { at: start + 4, end: Math.max(start + 4, stop - 4) } : { at: start, end: stop });
    }
    return more;
  }

  #data(messages: readonly Message[]): Hdf5Data {
    const one = (type: number, name: string) =>
      messages.find(message => message.type === type) ?? this.file.fail(`data must have a ${name}, got none`);
    const shape = this.#shape(one(DATASPACE, 'shape').at);
    const type = this.#type(one(DATATYPE, 'type').at);
    const { at } = one(LAYOUT, 'layout');
    return {
      kind: 'data',
      shape,
      read: () => {
        if (type.kind !== 'float32') this.file.fail('numbers must be float32, got another type');
        const count = sizeOf(shape);
        const version = this.file.u8(at);
        const layout = this.file.u8(at + 1);
        if (version < 3 || layout > 1) this.file.fail('numbers must be contiguous, got chunks or an old layout');
        const size = layout === 0 ? this.file.u16(at + 2) : this.file.size(at + 10);
        if (size !== count * 4)
          this.file.fail(`data of the shape ${show(shape)} must take ${count * 4} bytes, got ${size}`);
        if (count === 0) return new Float32Array(0);
        const start =
          layout === 0 ? at + 4 : (this.file.address(at + 2) ?? this.file.fail('data must be in the file, got none'));
        const end = this.file.range(start, size);
        return new Float32Array(this.file.bytes.slice(start, end).buffer);
      },
    };
  }

  #shape(at: number): number[] {
    const version = this.file.u8(at);
    const rank = this.file.u8(at + 1);
    if (version !== 1 && version !== 2) this.file.fail(`a shape must have version 1 or 2, got ${version}`);
    if (rank > 8) this.file.fail(`a shape must have at most 8 axes, got ${rank}`);
    // Version 2 can declare that there are no elements, for any rank
    if (version === 2 && this.file.u8(at + 3) === NULL_SPACE) return [0];
    const start = at + (version === 1 ? 8 : 4);
    return Array.from({ length: rank }, (_, n) => this.file.size(start + 8 * n));
  }

  #type(at: number): Type {
    const kind = this.file.u8(at) & 15;
    const size = this.file.u32(at + 4);
    if (kind === 3) return { kind: 'text', size };
    if (kind === 9 && (this.file.u8(at + 1) & 15) === 1) return { kind: 'text of any length' };
    if (kind !== 1) return { kind: 'other' };
    // Little-endian, 32 bits: 8 of them exponent from bit 23 on, 23 mantissa from bit 0 on, bias 127
    const { file } = this;
    const parts = [file.u16(at + 8), file.u16(at + 10), ...file.bytes.subarray(at + 12, at + 16), file.u32(at + 16)];
    const single = size === 4 && (file.u8(at + 1) & 0x41) === 0 && `${parts}` === '0,32,23,8,0,23,127';
    return { kind: single ? 'float32' : 'other' };
  }

  // --------------------------------------------------------------------------------------------------- attributes

  strings(address: number, name: string): string[] | null {
    const attribute = this.#attributesOf(address).get(name);
    if (!attribute) return null;
    const { at, end } = attribute;
    const type = this.#type(attribute.type);
    const count = sizeOf(this.#shape(attribute.shape));
    if (count === 0) return []; // any type: h5py writes an empty list as float64
    if (type.kind !== 'text' && type.kind !== 'text of any length') {
      this.file.fail(`the attribute '${name}' must be text, got something else`);
    }
    const width = type.kind === 'text' ? Math.max(type.size, 1) : 16;
    if (count > (end - at) / width) this.file.fail(`the attribute '${name}' must end within its object`);
    return Array.from({ length: count }, (_, n) => {
      this.file.spend(16);
      const here = at + n * width;
      return type.kind === 'text' ? this.file.text(here, type.size) : this.#fromHeap(here);
    });
  }

  /** The first attribute of each name. */
  #attributesOf(address: number): ReadonlyMap<string, Attribute> {
    const known = this.#attributes.get(address);
    if (known) return known;
    const { file } = this;
    const attributes = new Map<string, Attribute>();
    for (const { type, at, size } of this.#header(address)) {
      if (type !== ATTRIBUTE) continue;
      const version = file.u8(at);
      if (version < 1 || version > 3) file.fail(`an attribute must have version 1, 2 or 3, got ${version}`);
      const lengths = [file.u16(at + 2), file.u16(at + 4), file.u16(at + 6)] as const;
      const whole = (n: number) => (version === 1 ? Math.ceil(n / 8) * 8 : n);
      const start = at + (version === 3 ? 9 : 8);
      const kind = start + whole(lengths[0]);
      const shape = kind + whole(lengths[1]);
      const data = shape + whole(lengths[2]);
      const end = at + size;
      if (data > end) file.fail('an attribute must end within its object');
      const name = file.text(start, lengths[0]);
      if (!attributes.has(name)) attributes.set(name, { type: kind, shape, at: data, end });
    }
    this.#attributes.set(address, attributes);
    return attributes;
  }

  /** Text of variable length, which is stored in a global heap. */
  #fromHeap(at: number): string {
    const { file } = this;
    const length = file.u32(at);
    const heap = file.address(at + 4);
    if (length === 0 || heap === null) return '';
    const found = this.#heap(heap).get(file.u32(at + 12));
    if (!found) return file.fail('text must be in its heap, got an unknown index');
    if (length > found.size) file.fail('text must end within its heap');
    return file.text(found.at, length);
  }

  /** The items of a heap by index. */
  #heap(heap: number): ReadonlyMap<number, Text> {
    const known = this.#heaps.get(heap);
    if (known) return known;
    const { file } = this;
    const items = new Map<number, Text>();
    if (!file.is(heap, 'GCOL')) file.fail('text must be in a heap, got something else');
    const end = file.range(heap, file.size(heap + 8));
    for (let item = heap + 16; item + 16 <= end; ) {
      file.spend(16);
      const index = file.u16(item);
      if (index === 0) break;
      const size = file.size(item + 8);
      if (!items.has(index)) items.set(index, { at: item + 16, size });
      item += 16 + Math.ceil(size / 8) * 8;
    }
    this.#heaps.set(heap, items);
    return items;
  }
}
