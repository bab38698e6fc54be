/** The links of an HDF5 group: the names in it, and the addresses of what they name. */

import type { Hdf5Bytes } from './hdf5Bytes.ts';

/** A message of an object header: its type, and the position of its data. */
export interface Message {
  readonly type: number;
  readonly at: number;
  readonly size: number;
}

export type Found = (name: string, address: number) => void;

const LINK_INFO = 0x02;
const LINK = 0x06;
const SYMBOL_TABLE = 0x11;

/** The size of a symbol table entry in bytes. */
const ENTRY = 40;

/** @param messages of the group */
export function readLinks(file: Hdf5Bytes, messages: readonly Message[], found: Found): void {
  for (const { type, at, size } of messages) {
    if (type === SYMBOL_TABLE) {
      const heap = file.address(at + 8) ?? file.fail('a group must have names, got none');
      if (!file.is(heap, 'HEAP')) file.fail('the names of a group must be in a heap, got something else');
      const names = file.address(heap + 24) ?? file.fail('a group must have names, got none');
      const end = file.range(names, file.size(heap + 8));
      const tree = file.address(at) ?? file.fail('a group must have a tree, got none');
      readTree(file, tree, null, { names, end }, found);
    } else if (type === LINK) {
      readLink(file, at, at + size, found);
    } else if (type === LINK_INFO) {
      const flags = file.u8(at + 1);
      const heaps = at + 2 + (flags & 1 ? 8 : 0);
      const heap = file.address(heaps);
      const tree = file.address(heaps + 8);
      if (heap !== null && tree !== null) readDense(file, heap, tree, found);
    }
  }
}

/** The address range of the names of a group. */
interface Names {
  readonly names: number;
  readonly end: number;
}

/** Reads a node of a B-tree of names. Child nodes must have the next lower level, so that a cycle is impossible. */
function readTree(file: Hdf5Bytes, at: number, level: number | null, names: Names, found: Found): void {
  file.spend(32);
  if (!file.is(at, 'TREE')) file.fail('a group must have a tree, got something else');
  const here = file.u8(at + 5);
  if (file.u8(at + 4) !== 0 || (level !== null && here !== level)) file.fail('the tree of a group is damaged');
  const count = file.u16(at + 6);
  for (let n = 0; n < count; n++) {
    file.spend(16);
    const child = file.address(at + 32 + 16 * n) ?? file.fail('the tree of a group is damaged');
    if (here > 0) readTree(file, child, here - 1, names, found);
    else readSymbols(file, child, names, found);
  }
}

function readSymbols(file: Hdf5Bytes, at: number, { names, end }: Names, found: Found): void {
  if (!file.is(at, 'SNOD')) file.fail('the tree of a group is damaged');
  const count = file.u16(at + 6);
  for (let n = 0; n < count; n++) {
    file.spend(ENTRY);
    const entry = at + 8 + ENTRY * n;
    const start = names + file.size(entry);
    if (start >= end) file.fail('a name must be within its heap');
    const stop = file.bytes.indexOf(0, start);
    if (stop < 0 || stop >= end) file.fail('a name must end within its heap');
    const name = file.text(start, stop - start);
    const target = file.address(entry + 8);
    if (target !== null) found(name, target);
  }
}

function readLink(file: Hdf5Bytes, at: number, end: number, found: Found): void {
  const flags = file.u8(at + 1);
  let next = at + 2;
  const kind = flags & 8 ? file.u8(next++) : 0;
  if (flags & 4) next += 8;
  if (flags & 16) next += 1;
  const width = 1 << (flags & 3);
  const length = file.uint(next, width);
  next += width;
  if (next + length + 8 > end) file.fail('a link must end within its message');
  const target = kind === 0 ? file.address(next + length) : null;
  if (target !== null) found(file.text(next, length), target);
}

/** Reads the links of a large group: a heap, and a B-tree of the positions in it. */
function readDense(file: Hdf5Bytes, heap: number, tree: number, found: Found): void {
  if (!file.is(heap, 'FRHP') || !file.is(tree, 'BTHD')) file.fail('the links of a group are damaged');
  const recordSize = file.u16(tree + 10);
  const depth = file.u16(tree + 12);
  const idSize = file.u16(heap + 5);
  if (file.u8(tree + 5) !== 5 || recordSize !== 4 + idSize || file.u16(heap + 7) !== 0 || depth > 1) {
    file.fail('a group must have at most a few thousand names, got more, or a damaged file');
  }
  const records = (at: number, count: number, signature: string) => {
    if (!file.is(at, signature)) file.fail('the links of a group are damaged');
    file.range(at + 6, count * recordSize);
    for (let n = 0; n < count; n++) {
      file.spend(recordSize);
      const [start, size] = inHeap(file, heap, at + 6 + n * recordSize + 4, idSize);
      readLink(file, start, file.range(start, size), found);
    }
  };
  const root = file.address(tree + 16);
  const count = file.u16(tree + 24);
  if (root === null) return;
  records(root, count, depth === 0 ? 'BTLF' : 'BTIN');
  if (depth === 0) return;
  const most = Math.floor((file.u32(tree + 6) - 10) / recordSize);
  const width = most < 256 ? 1 : 2;
  for (let n = 0; n <= count; n++) {
    const pointer = root + 6 + count * recordSize + n * (8 + width);
    const child = file.address(pointer) ?? file.fail('the links of a group are damaged');
    records(child, file.uint(pointer + 8, width), 'BTLF');
  }
}

/** The position and length of a heap object, decoded from its id. */
function inHeap(file: Hdf5Bytes, heap: number, id: number, idSize: number): [number, number] {
  if (file.u8(id) >> 4 !== 0) file.fail('a link must be within its heap');
  const bits = file.u16(heap + 128);
  const offsetSize = Math.ceil(bits / 8);
  if (offsetSize > 6 || idSize < offsetSize + 2 || idSize > offsetSize + 5) file.fail('a heap of links is damaged');
  const offset = file.uint(id + 1, offsetSize);
  const size = file.uint(id + 1 + offsetSize, idSize - 1 - offsetSize);
  const root = file.address(heap + 132) ?? file.fail('a heap of links is damaged');
  const rows = file.u16(heap + 140);
  if (rows === 0) return [root + offset, size];
  const width = file.u16(heap + 110);
  const first = file.size(heap + 112);
  const largest = file.size(heap + 120);
  if (!file.is(root, 'FHIB') || width === 0 || first === 0) file.fail('a heap of links is damaged');
  const entries = root + 13 + offsetSize;
  let start = 0;
  for (let row = 0; row < Math.min(rows, 64); row++) {
    const block = row === 0 ? first : first * 2 ** (row - 1);
    if (block > largest) break;
    if (offset < start + width * block) {
      const column = Math.floor((offset - start) / block);
      const address = file.address(entries + 8 * (row * width + column)) ?? file.fail('a heap of links is damaged');
      return [address + offset - start - column * block, size];
    }
    start += width * block;
  }
  return file.fail('a group must have at most a few thousand names, got more, or a damaged file');
}
