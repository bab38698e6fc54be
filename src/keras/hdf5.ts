/**
 * Reads HDF5 files as Keras makes them, through h5py: groups, attributes that are strings, and float32 data in one
 * piece. Whatever else the format allows is refused.
 *
 * It is a reader of its own because the C library behind h5wasm (0.10.3, HDF5 2.0) does not come back from some damaged
 * files: with three bytes of one changed, reading a text attribute went on for ever. Here every address is checked
 * before something is read there, and the work is bounded by the size of the file.
 */

import { fail, show } from '../errors.ts';
import { describeForeign } from '../saving/foreign.ts';
import type { Place } from '../saving/place.ts';

/** A dataset of float32 numbers. */
export interface Hdf5Data {
  readonly kind: 'data';
  readonly shape: readonly number[];
  /** A copy of its numbers; refused where it is anything but float32 in one piece. */
  read(): Float32Array;
}

export interface Hdf5Group {
  readonly kind: 'group';
  names(): string[];
  /** What a name or a path of names stands for; null where there is nothing. */
  get(path: string): Hdf5Group | Hdf5Data | null;
  /** An attribute of one string or of several; null where there is none. */
  strings(name: string): string[] | null;
}

const NOWHERE = 0xffff_ffff_ffff_ffffn;
const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

const DATASPACE = 0x01;
const LINK_INFO = 0x02;
const DATATYPE = 0x03;
const LINK = 0x06;
const LAYOUT = 0x08;
const ATTRIBUTE = 0x0c;
const CONTINUATION = 0x10;
const SYMBOL_TABLE = 0x11;

/** A message of an object header: its kind, and where its data are. */
interface Message {
  readonly type: number;
  readonly at: number;
  readonly size: number;
}

/** The type of an element, as far as it matters. */
type Type = { kind: 'float32' } | { kind: 'text'; size: number } | { kind: 'text of any length' } | { kind: 'other' };

/** @param place the call and the part of the file, for messages */
export function openHdf5(place: Place, bytes: Uint8Array): Hdf5Group {
  return new Reader(place, bytes).root();
}

class Reader {
  readonly #view: DataView;
  readonly #headers = new Map<number, readonly Message[]>();
  /** What may still be looked at. An honest file needs far less than one for each byte. */
  #steps: number;

  constructor(
    readonly place: Place,
    readonly bytes: Uint8Array,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#steps = 1000 + bytes.length;
  }

  refuse(message: string): never {
    return fail(this.place.call, `${this.place.part}: ${message}`);
  }

  // ---------------------------------------------------------------------------------------------------- the file

  root(): Hdf5Group {
    if (!SIGNATURE.every((byte, n) => this.bytes[n] === byte)) {
      this.refuse(`must be an HDF5 file, got ${describeForeign(this.bytes) ?? 'something else'}`);
    }
    const version = this.#u8(8);
    if (version <= 1) {
      this.#sizes(this.#u8(13), this.#u8(14));
      const base = version === 0 ? 24 : 28;
      this.#base(base);
      return this.group(this.#address(base + 40)!);
    }
    if (version > 3) this.refuse(`the version of the HDF5 file must be at most 3, got ${version}`);
    this.#sizes(this.#u8(9), this.#u8(10));
    this.#base(12);
    return this.group(this.#address(36)!);
  }

  #sizes(offsets: number, lengths: number): void {
    if (offsets !== 8 || lengths !== 8) this.refuse(`addresses must take 8 bytes, got ${offsets} and ${lengths}`);
  }

  #base(at: number): void {
    if (this.#address(at) !== 0) this.refuse('the file must begin with its HDF5 part, got something before it');
  }

  object(address: number): Hdf5Group | Hdf5Data {
    const messages = this.#header(address);
    return messages.some(({ type }) => type === LAYOUT) ? this.#data(messages) : this.group(address);
  }

  group(address: number): Hdf5Group {
    let links: Map<string, number> | null = null;
    const find = () => {
      links ??= this.#links(address);
      return links;
    };
    return {
      kind: 'group',
      names: () => [...find().keys()],
      get: path => {
        const [name, ...rest] = path.split('/');
        const target = find().get(name!);
        if (target === undefined) return null;
        const found = this.object(target);
        if (rest.length === 0) return found;
        return found.kind === 'group' ? found.get(rest.join('/')) : null;
      },
      strings: name => this.#strings(address, name),
    };
  }

  // --------------------------------------------------------------------------------------------------- one object

  /** The messages of an object, all its pieces together. */
  #header(address: number): readonly Message[] {
    const known = this.#headers.get(address);
    if (known) return known;
    const messages: Message[] = [];
    const modern = this.#is(address, 'OHDR');
    const { ordered, ...first } = modern ? this.#modernHeader(address) : this.#oldHeader(address);
    const pieces = [first];
    const seen = new Set<number>();
    for (const { at, end } of pieces) {
      if (seen.has(at)) this.refuse('an object must not hold itself, got a header in a circle');
      seen.add(at);
      pieces.push(...this.#messages(at, end, modern, ordered, messages));
    }
    this.#headers.set(address, messages);
    return messages;
  }

  #oldHeader(address: number) {
    const version = this.#u8(address);
    if (version !== 1) this.refuse(`the header of an object must have version 1 or 2, got ${version}`);
    const size = this.#u32(address + 8);
    return { at: address + 16, end: this.#range(address + 16, size), ordered: false };
  }

  #modernHeader(address: number) {
    const version = this.#u8(address + 4);
    if (version !== 2) this.refuse(`the header of an object must have version 1 or 2, got ${version}`);
    const flags = this.#u8(address + 5);
    const at = address + 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
    const width = 1 << (flags & 3);
    const size = this.#uint(at, width);
    return { at: at + width, end: this.#range(at + width, size), ordered: (flags & 4) !== 0 };
  }

  /** Reads one piece of a header, and tells where the others are. */
  #messages(from: number, end: number, modern: boolean, ordered: boolean, into: Message[]) {
    const more: { at: number; end: number }[] = [];
    const head = modern ? 4 + (ordered ? 2 : 0) : 8;
    for (let at = from; at + head <= end; ) {
      this.#step();
      const type = modern ? this.#u8(at) : this.#u16(at);
      const size = this.#u16(at + (modern ? 1 : 2));
      const data = at + head;
      at = data + size;
      if (at > end) this.refuse('a message must end within its object, got one that is longer');
      if (type !== CONTINUATION) {
        into.push({ type, at: data, size });
        continue;
      }
      const start = this.#address(data)!;
      const stop = this.#range(start, this.#length(data + 8));
      if (modern && !this.#is(start, 'OCHK')) this.refuse('a piece of a header must begin with OCHK');
      more.push(modern ? { at: start + 4, end: Math.max(start + 4, stop - 4) } : { at: start, end: stop });
    }
    return more;
  }

  #data(messages: readonly Message[]): Hdf5Data {
    const one = (type: number, name: string) =>
      messages.find(message => message.type === type) ?? this.refuse(`data must have a ${name}, got none`);
    const shape = this.#shape(one(DATASPACE, 'shape'));
    const type = this.#type(one(DATATYPE, 'type').at);
    const { at } = one(LAYOUT, 'layout');
    return {
      kind: 'data',
      shape,
      read: () => {
        if (type.kind !== 'float32') this.refuse('numbers must be float32, got another type');
        const count = shape.reduce((product, n) => product * n, 1);
        const version = this.#u8(at);
        const layout = this.#u8(at + 1);
        if (version < 3 || layout > 1) this.refuse('numbers must lie in one piece, got chunks or an old layout');
        const size = layout === 0 ? this.#u16(at + 2) : this.#length(at + 10);
        if (size !== count * 4)
          this.refuse(`data of the shape ${show(shape)} must take ${count * 4} bytes, got ${size}`);
        if (count === 0) return new Float32Array(0);
        const start =
          layout === 0 ? at + 4 : (this.#address(at + 2) ?? this.refuse('data must be in the file, got none'));
        const end = this.#range(start, size);
        return new Float32Array(this.bytes.slice(start, end).buffer);
      },
    };
  }

  #shape({ at }: Message): number[] {
    const version = this.#u8(at);
    const rank = this.#u8(at + 1);
    if (version !== 1 && version !== 2) this.refuse(`a shape must have version 1 or 2, got ${version}`);
    if (rank > 8) this.refuse(`a shape must have at most 8 axes, got ${rank}`);
    const start = at + (version === 1 ? 8 : 4);
    return Array.from({ length: rank }, (_, n) => this.#length(start + 8 * n));
  }

  #type(at: number): Type {
    const kind = this.#u8(at) & 15;
    const size = this.#u32(at + 4);
    if (kind === 3) return { kind: 'text', size };
    if (kind === 9 && (this.#u8(at + 1) & 15) === 1) return { kind: 'text of any length' };
    // Little-endian, 32 bits: 8 of them exponent from bit 23 on, 23 mantissa from bit 0 on, bias 127
    const parts = [this.#u16(at + 8), this.#u16(at + 10), ...this.bytes.subarray(at + 12, at + 16), this.#u32(at + 16)];
    const single = size === 4 && (this.#u8(at + 1) & 0x41) === 0 && `${parts}` === '0,32,23,8,0,23,127';
    return kind === 1 && single ? { kind: 'float32' } : { kind: 'other' };
  }

  // --------------------------------------------------------------------------------------------------- attributes

  #strings(address: number, wanted: string): string[] | null {
    for (const { type, at, size } of this.#header(address)) {
      if (type !== ATTRIBUTE) continue;
      const version = this.#u8(at);
      if (version < 1 || version > 3) this.refuse(`an attribute must have version 1, 2 or 3, got ${version}`);
      const lengths = [this.#u16(at + 2), this.#u16(at + 4), this.#u16(at + 6)] as const;
      const whole = (n: number) => (version === 1 ? Math.ceil(n / 8) * 8 : n);
      const name = at + (version === 3 ? 9 : 8);
      const kind = name + whole(lengths[0]);
      const shape = kind + whole(lengths[1]);
      const data = shape + whole(lengths[2]);
      if (data > at + size) this.refuse('an attribute must end within its object, got one that is longer');
      if (this.#text(name, lengths[0]) !== wanted) continue;
      const count = this.#shape({ type: DATASPACE, at: shape, size: lengths[2] }).reduce(
        (product, n) => product * n,
        1,
      );
      return this.#texts(wanted, this.#type(kind), data, at + size, count);
    }
    return null;
  }

  #texts(name: string, type: Type, at: number, end: number, count: number): string[] {
    if (type.kind !== 'text' && type.kind !== 'text of any length') {
      this.refuse(`the attribute '${name}' must be text, got something else`);
    }
    const width = type.kind === 'text' ? Math.max(type.size, 1) : 16;
    if (count > (end - at) / width) this.refuse(`the attribute '${name}' must end within its object, got more`);
    return Array.from({ length: count }, (_, n) => {
      this.#step();
      const here = at + n * width;
      return type.kind === 'text' ? this.#text(here, type.size) : this.#fromHeap(here);
    });
  }

  /** Text that lies in a heap of its own. */
  #fromHeap(at: number): string {
    const length = this.#u32(at);
    const heap = this.#address(at + 4);
    if (length === 0 || heap === null) return '';
    if (!this.#is(heap, 'GCOL')) this.refuse('text must lie in a heap, got something else');
    const end = this.#range(heap, this.#length(heap + 8));
    const index = this.#u32(at + 12);
    for (let item = heap + 16; item + 16 <= end; ) {
      this.#step();
      const size = this.#length(item + 8);
      const found = this.#u16(item);
      if (found === 0) break;
      if (found === index) {
        if (length > size) this.refuse('text must end within its heap, got one that is longer');
        return this.#text(item + 16, length);
      }
      item += 16 + Math.ceil(size / 8) * 8;
    }
    return this.refuse('text must lie in a heap, got none of its number');
  }

  // -------------------------------------------------------------------------------------------------------- groups

  #links(address: number): Map<string, number> {
    const links = new Map<string, number>();
    for (const { type, at, size } of this.#header(address)) {
      if (type === SYMBOL_TABLE) {
        const heap = this.#address(at + 8) ?? this.refuse('a group must have names, got none');
        if (!this.#is(heap, 'HEAP')) this.refuse('the names of a group must lie in a heap, got something else');
        const names = this.#address(heap + 24) ?? this.refuse('a group must have names, got none');
        const end = this.#range(names, this.#length(heap + 8));
        const tree = this.#address(at) ?? this.refuse('a group must have a tree, got none');
        this.#tree(tree, null, { names, end }, links);
      } else if (type === LINK) {
        this.#link(at, at + size, links);
      } else if (type === LINK_INFO) {
        const flags = this.#u8(at + 1);
        const heaps = at + 2 + (flags & 1 ? 8 : 0);
        const heap = this.#address(heaps);
        const tree = this.#address(heaps + 8);
        if (heap !== null && tree !== null) this.#dense(heap, tree, links);
      }
    }
    return links;
  }

  /** A node of a tree of names; what is below it stands one level lower, so that no circle can be. */
  #tree(at: number, level: number | null, names: { names: number; end: number }, links: Map<string, number>): void {
    this.#step();
    if (!this.#is(at, 'TREE')) this.refuse('a group must have a tree, got something else');
    const here = this.#u8(at + 5);
    if (this.#u8(at + 4) !== 0 || (level !== null && here !== level)) this.refuse('the tree of a group is damaged');
    const count = this.#u16(at + 6);
    for (let n = 0; n < count; n++) {
      const child = this.#address(at + 32 + 16 * n) ?? this.refuse('the tree of a group is damaged');
      if (here > 0) this.#tree(child, here - 1, names, links);
      else this.#symbols(child, names, links);
    }
  }

  #symbols(at: number, { names, end }: { names: number; end: number }, links: Map<string, number>): void {
    this.#step();
    if (!this.#is(at, 'SNOD')) this.refuse('the tree of a group is damaged');
    const count = this.#u16(at + 6);
    for (let n = 0; n < count; n++) {
      this.#step();
      const entry = at + 8 + 40 * n;
      const start = names + this.#length(entry);
      if (start >= end) this.refuse('a name must lie in its heap, got one that does not');
      const stop = this.bytes.indexOf(0, start);
      if (stop < 0 || stop >= end) this.refuse('a name must end in its heap, got one that does not');
      const target = this.#address(entry + 8);
      if (target !== null) links.set(this.#text(start, stop - start), target);
    }
  }

  #link(at: number, end: number, links: Map<string, number>): void {
    this.#step();
    const flags = this.#u8(at + 1);
    let next = at + 2;
    const kind = flags & 8 ? this.#u8(next++) : 0;
    if (flags & 4) next += 8;
    if (flags & 16) next += 1;
    const width = 1 << (flags & 3);
    const length = this.#uint(next, width);
    next += width;
    if (next + length + 8 > end) this.refuse('a link must end within its message, got one that is longer');
    const target = kind === 0 ? this.#address(next + length) : null;
    if (target !== null) links.set(this.#text(next, length), target);
  }

  /** Links of a group that has many of them: a heap, and a tree of where in it they are. */
  #dense(heap: number, tree: number, links: Map<string, number>): void {
    if (!this.#is(heap, 'FRHP') || !this.#is(tree, 'BTHD')) this.refuse('the links of a group are damaged');
    const recordSize = this.#u16(tree + 10);
    const depth = this.#u16(tree + 12);
    const idSize = this.#u16(heap + 5);
    if (this.#u8(tree + 5) !== 5 || recordSize !== 4 + idSize || this.#u16(heap + 7) !== 0 || depth > 1) {
      this.refuse('a group must have at most some thousand names, got a larger or a damaged one');
    }
    const records = (at: number, count: number, signature: string) => {
      if (!this.#is(at, signature)) this.refuse('the links of a group are damaged');
      this.#range(at + 6, count * recordSize);
      for (let n = 0; n < count; n++) {
        const [start, size] = this.#inHeap(heap, at + 6 + n * recordSize + 4, idSize);
        this.#link(start, this.#range(start, size), links);
      }
    };
    const root = this.#address(tree + 16);
    const count = this.#u16(tree + 24);
    if (root === null) return;
    records(root, count, depth === 0 ? 'BTLF' : 'BTIN');
    if (depth === 0) return;
    const most = Math.floor((this.#u32(tree + 6) - 10) / recordSize);
    const width = most < 256 ? 1 : 2;
    for (let n = 0; n <= count; n++) {
      const pointer = root + 6 + count * recordSize + n * (8 + width);
      const child = this.#address(pointer) ?? this.refuse('the links of a group are damaged');
      records(child, this.#uint(pointer + 8, width), 'BTLF');
    }
  }

  /** Where something in a heap is, and how long: its number says so. */
  #inHeap(heap: number, id: number, idSize: number): [number, number] {
    if (this.#u8(id) >> 4 !== 0) this.refuse('a link must lie in its heap, got one that does not');
    const bits = this.#u16(heap + 128);
    const offsetSize = Math.ceil(bits / 8);
    if (offsetSize > 6 || idSize < offsetSize + 2 || idSize > offsetSize + 5) this.refuse('a heap of links is damaged');
    const offset = this.#uint(id + 1, offsetSize);
    const size = this.#uint(id + 1 + offsetSize, idSize - 1 - offsetSize);
    const root = this.#address(heap + 132) ?? this.refuse('a heap of links is damaged');
    const rows = this.#u16(heap + 140);
    if (rows === 0) return [root + offset, size];
    const width = this.#u16(heap + 110);
    const first = this.#length(heap + 112);
    const largest = this.#length(heap + 120);
    if (!this.#is(root, 'FHIB') || width === 0 || first === 0) this.refuse('a heap of links is damaged');
    const entries = root + 13 + offsetSize;
    let start = 0;
    for (let row = 0; row < Math.min(rows, 64); row++) {
      const block = row === 0 ? first : first * 2 ** (row - 1);
      if (block > largest) break;
      if (offset < start + width * block) {
        const column = Math.floor((offset - start) / block);
        const address =
          this.#address(entries + 8 * (row * width + column)) ?? this.refuse('a heap of links is damaged');
        return [address + offset - start - column * block, size];
      }
      start += width * block;
    }
    return this.refuse('a group must have at most some thousand names, got a larger or a damaged one');
  }

  // -------------------------------------------------------------------------------------------------------- bytes

  #step(): void {
    if (--this.#steps < 0) this.refuse('must not point at the same bytes again and again');
  }

  /** The end of so many bytes, if they are there. */
  #range(at: number, size: number): number {
    if (at < 0 || size < 0 || at + size > this.bytes.length) {
      this.refuse(`must hold ${size} bytes at ${at}, got ${this.bytes.length} in all`);
    }
    return at + size;
  }

  #is(at: number, signature: string): boolean {
    this.#range(at, 4);
    return [...signature].every((letter, n) => this.bytes[at + n] === letter.charCodeAt(0));
  }

  #u8(at: number): number {
    this.#range(at, 1);
    return this.bytes[at]!;
  }

  #u16(at: number): number {
    this.#range(at, 2);
    return this.#view.getUint16(at, true);
  }

  #u32(at: number): number {
    this.#range(at, 4);
    return this.#view.getUint32(at, true);
  }

  /** A whole number of 1 to 8 bytes. */
  #uint(at: number, width: number): number {
    this.#range(at, width);
    let value = 0;
    for (let n = width - 1; n >= 0; n--) value = value * 256 + this.bytes[at + n]!;
    if (!Number.isSafeInteger(value)) this.refuse(`must hold a number below 2^53 at ${at}, got a larger one`);
    return value;
  }

  #length(at: number): number {
    return this.#uint(at, 8);
  }

  /** An address within the file; null for none. */
  #address(at: number): number | null {
    this.#range(at, 8);
    if (this.#view.getBigUint64(at, true) === NOWHERE) return null;
    const address = this.#uint(at, 8);
    this.#range(address, 0);
    return address;
  }

  #text(at: number, length: number): string {
    const bytes = this.bytes.subarray(at, this.#range(at, length));
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  }
}
