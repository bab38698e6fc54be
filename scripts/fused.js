/**
 * Both builds of the kernels from the one that the compiler makes with f32x4.relaxed_madd: the builds differ in nothing else.
 *
 * Of a fused operation, the operands a, b and c are computed in this order. In the strict build a multiplication follows b,
 * and an addition c; in the relaxed build, three bytes that do nothing keep the place of the multiplication. So both builds
 * have the same length, and one becomes the other by replacing two sequences of bytes: src/wasm/decode.ts does it when
 * the kernels start.
 */

import { parse, withBodies } from './kernelModule.js';
import { known, Reader } from './moduleReader.js';

/** What the builds have in the same places. */
export const inRelaxed = { nothing: [0x01, 0x01, 0x01], fused: [0xfd, 0x85, 0x02] };
export const inStrict = { multiply: [0xfd, 0xe6, 0x01], add: [0xfd, 0xe4, 0x01] };

/** An i32.const of the number by which the kernels know their build, see assembly/math/elementary.ts. */
const relaxedNumber = [0x41, ...inRelaxed.fused];

/**
 * @typedef {import('./moduleReader.js').Effect} Effect
 * @typedef {{ relaxed: Uint8Array, strict: Uint8Array }} Builds
 */

/**
 * @param {Uint8Array} compiled with relaxed SIMD
 * @returns {Builds}
 */
export function bothBuilds(compiled) {
  const { effects, functions, bodies } = parse(compiled);
  const signatures = functions.map(type => known(effects, type));
  const both = bodies.map(({ bytes }) => bothBodies(bytes, effects, signatures));
  return {
    relaxed: withBodies(
      compiled,
      both.map(({ relaxed }) => relaxed),
    ),
    strict: withBodies(
      compiled,
      both.map(({ strict }) => strict),
    ),
  };
}

/**
 * Both builds of the body of a function.
 * @param {Uint8Array} bytes
 * @param {readonly Effect[]} types
 * @param {readonly Effect[]} functions
 */
function bothBodies(bytes, types, functions) {
  const { thirds, fused } = operationsIn(bytes, types, functions);
  /** @type {number[]} */
  const relaxed = [];
  /** @type {number[]} */
  const strict = [];
  for (let at = 0; at < bytes.length; at++) {
    if (thirds.has(at)) {
      relaxed.push(...inRelaxed.nothing);
      strict.push(...inStrict.multiply);
    }
    if (fused.has(at)) {
      relaxed.push(...inRelaxed.fused);
      strict.push(...inStrict.add);
      at += inRelaxed.fused.length - 1;
    } else {
      const byte = /** @type {number} */ (bytes[at]);
      relaxed.push(byte);
      strict.push(byte);
    }
  }
  return { relaxed, strict };
}

/**
 * The offsets of the fused operations of a body, and of the code of their third operands.
 * @param {Uint8Array} bytes
 * @param {readonly Effect[]} types
 * @param {readonly Effect[]} functions
 */
function operationsIn(bytes, types, functions) {
  const reader = new Reader(bytes, 0);
  const thirds = new Set();
  const fused = new Set();
  /** Where the code of each operand begins that waits for its instruction. @type {number[]} */
  const operands = [];
  /** @type {{ start: number, height: number, results: number }[]} */
  const blocks = [];
  reader.list(() => [reader.uint(), reader.byte()]); // local variables
  while (reader.at < bytes.length) {
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
    if (relaxedNumber.every((byte, n) => bytes[at + n] === byte)) fused.add(at + 1);
    // After a jump there may be fewer
    const taken = operands.splice(Math.max(floor, operands.length - takes));
    const start = taken[0] ?? at;
    if (opens !== undefined) blocks.push({ start, height: operands.length, results: opens });
    operands.push(...new Array(gives).fill(start));
  }
  return { thirds, fused };
}
