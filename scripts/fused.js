/**
 * Both builds of the kernels from the one that the compiler makes with f32x4.relaxed_madd: the builds differ in nothing else.
 *
 * Of a fused operation, the operands a, b and c are computed in this order. In the strict build a multiplication follows b,
 * and an addition c; in the relaxed build, three bytes that do nothing keep the place of the multiplication. So both builds
 * have the same length, and one becomes the other by replacing two sequences of bytes: src/wasm/binaries.ts does it when
 * the kernels start.
 */

import { known, Reader } from './moduleReader.js';

/** What the builds have in the same places. */
export const inRelaxed = { nothing: [0x01, 0x01, 0x01], fused: [0xfd, 0x85, 0x02] };
export const inStrict = { multiply: [0xfd, 0xe6, 0x01], add: [0xfd, 0xe4, 0x01] };

/** An i32.const of the number by which the kernels know their build, see assembly/math/elementary.ts. */
const relaxedNumber = [0x41, ...inRelaxed.fused];

const TYPES = 1;
const IMPORTS = 2;
const FUNCTIONS = 3;
const CODE = 10;

/**
 * @typedef {import('./moduleReader.js').Effect} Effect
 *
 * @typedef {object} Builds
 * @property {Uint8Array} relaxed
 * @property {Uint8Array} strict
 * @property {number[]} products offsets of multiplications in the strict build
 * @property {number[]} sums offsets of the additions
 *
 * @typedef {object} Body of a function
 * @property {number[]} bytes
 * @property {number[]} products
 * @property {number[]} sums
 */

/**
 * @param {Uint8Array} compiled with relaxed SIMD
 * @returns {Builds}
 */
export function bothBuilds(compiled) {
  /** @type {Effect[]} */
  const types = [];
  /** @type {Effect[]} */
  const functions = [];
  /** @type {Body[]} */
  const bodies = [];
  const relaxed = [...compiled.subarray(0, 8)];
  let firstBody = 0;
  const reader = new Reader(compiled, 8);
  while (reader.at < compiled.length) {
    const id = reader.byte();
    const end = reader.uint() + reader.at;
    const content = compiled.subarray(reader.at, end);
    if (id === TYPES) types.push(...reader.list(() => reader.type()));
    if (id === IMPORTS) functions.push(...importedTypes(reader).map(n => known(types, n)));
    if (id === FUNCTIONS) functions.push(...reader.list(() => known(types, reader.uint())));
    if (id === CODE) {
      bodies.push(...reader.list(() => bodyOf(reader, types, functions)));
      const bytes = bodies.flatMap(body => [...uint(body.bytes.length), ...body.bytes]);
      const count = uint(bodies.length);
      relaxed.push(id, ...uint(count.length + bytes.length), ...count);
      firstBody = relaxed.length;
      for (const byte of bytes) relaxed.push(byte);
    } else {
      relaxed.push(id, ...uint(content.length), ...content);
    }
    reader.at = end;
  }
  const builds = {
    relaxed: Uint8Array.from(relaxed),
    strict: Uint8Array.from(relaxed),
    ...placesOf(bodies, firstBody),
  };
  for (const at of builds.products) builds.strict.set(inStrict.multiply, at);
  for (const at of builds.sums) builds.strict.set(inStrict.add, at);
  return builds;
}

/** The offsets of operations in a module. @param {Body[]} bodies @param {number} at where they begin */
function placesOf(bodies, at) {
  /** @type {Pick<Builds, 'products' | 'sums'>} */
  const places = { products: [], sums: [] };
  for (const { bytes, products, sums } of bodies) {
    at += uint(bytes.length).length;
    for (const place of products) places.products.push(at + place);
    for (const place of sums) places.sums.push(at + place);
    at += bytes.length;
  }
  return places;
}

/** The types of imported functions. @param {Reader} reader */
function importedTypes(reader) {
  const types = reader.list(() => {
    reader.skip(reader.uint()); // the module
    reader.skip(reader.uint()); // the name
    const kind = reader.byte();
    if (kind === 0) return [reader.uint()];
    if (kind !== 2) throw new Error(`the kernels import something of kind ${kind}`);
    for (let limits = 1 + (reader.byte() & 1); limits > 0; limits--) reader.uint();
    return [];
  });
  return types.flat();
}

/**
 * Reads the body of a function, and makes room for multiplications.
 * @param {Reader} reader
 * @param {readonly Effect[]} types
 * @param {readonly Effect[]} functions
 * @returns {Body}
 */
function bodyOf(reader, types, functions) {
  const end = reader.uint() + reader.at;
  const start = reader.at;
  const { thirds, fused } = operationsIn(reader, end, types, functions);
  /** @type {Body} */
  const body = { bytes: [], products: [], sums: [] };
  for (let at = start; at < end; at++) {
    if (thirds.has(at)) {
      body.products.push(body.bytes.length);
      body.bytes.push(...inRelaxed.nothing);
    }
    if (fused.has(at)) body.sums.push(body.bytes.length);
    body.bytes.push(/** @type {number} */ (reader.bytes[at]));
  }
  return body;
}

/**
 * The offsets of the fused operations of a body, and of the code of their third operands.
 * @param {Reader} reader
 * @param {number} end
 * @param {readonly Effect[]} types
 * @param {readonly Effect[]} functions
 */
function operationsIn(reader, end, types, functions) {
  const thirds = new Set();
  const fused = new Set();
  /** Where the code of each operand begins that waits for its instruction. @type {number[]} */
  const operands = [];
  /** @type {{ start: number, height: number, results: number }[]} */
  const blocks = [];
  reader.list(() => [reader.uint(), reader.byte()]); // local variables
  while (reader.at < end) {
    const at = reader.at;
    const { takes, gives, opens, closes, fuses } = reader.instruction(types, functions);
    if (closes === 'end') {
      const { start, height, results } = blocks.pop() ?? { start: at, height: 0, results: 0 };
      operands.splice(height, Number.POSITIVE_INFINITY, ...new Array(results).fill(start));
      continue;
    }
    const floor = blocks.at(-1)?.height ?? 0;
    if (closes) operands.length = floor;
    if (fuses) {
      thirds.add(operands.at(-1));
      fused.add(at);
    }
    if (relaxedNumber.every((byte, n) => reader.bytes[at + n] === byte)) fused.add(at + 1);
    // After a jump there may be fewer
    const taken = operands.splice(Math.max(floor, operands.length - takes));
    const start = taken[0] ?? at;
    if (opens !== undefined) blocks.push({ start, height: operands.length, results: opens });
    operands.push(...new Array(gives).fill(start));
  }
  return { thirds, fused };
}

/** An unsigned LEB128. @param {number} value @returns {number[]} */
const uint = value => (value < 128 ? [value] : [(value & 127) | 128, ...uint(value >>> 7)]);
