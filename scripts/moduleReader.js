/** Reads modules of WebAssembly, as far as the build has to understand them. */

/**
 * How many operands functions and instructions take, and how many they give.
 * @typedef {{ takes: number, gives: number }} Effect
 *
 * @typedef {Effect & { opens?: number, closes?: 'else' | 'end', fuses?: boolean }} Instruction opens: the results of the
 * block that it begins; fuses: it is f32x4.relaxed_madd
 */

/** @type {(takes: number, gives: number) => Effect} */
const effect = (takes, gives) => ({ takes, gives });

/** Reads the bytes of a module. */
export class Reader {
  /**
   * @param {Uint8Array} bytes
   * @param {number} at
   */
  constructor(bytes, at) {
    this.bytes = bytes;
    this.at = at;
  }

  byte() {
    return /** @type {number} */ (this.bytes[this.at++]);
  }

  uint() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }

  /** @param {number} count */
  skip(count) {
    this.at += count;
  }

  /** @template T @param {() => T} read @returns {T[]} */
  list(read) {
    return Array.from({ length: this.uint() }, read);
  }

  text() {
    const length = this.uint();
    this.skip(length);
    return Buffer.from(this.bytes.subarray(this.at - length, this.at)).toString();
  }

  /** The type of a function. */
  type() {
    if (this.byte() !== 0x60) throw new Error('the kernels have a type that is not of a function');
    const takes = this.list(() => this.byte()).length;
    return effect(takes, this.list(() => this.byte()).length);
  }

  /**
   * Reads an instruction; fails on those that the kernels do not have so far.
   * @param {readonly Effect[]} types
   * @param {readonly Effect[]} functions
   * @returns {Instruction}
   */
  instruction(types, functions) {
    const code = this.byte();
    if (code === 0x02 || code === 0x03 || code === 0x04) {
      const opens = this.byte() === 0x40 ? 0 : 1; // the kernels have no blocks that take operands
      return { ...effect(code === 0x04 ? 1 : 0, 0), opens };
    }
    if (code === 0x05) return { ...effect(0, 0), closes: 'else' };
    if (code === 0x0b) return { ...effect(0, 0), closes: 'end' };
    if (code === 0x0e) {
      this.list(() => this.uint());
      this.uint();
      return effect(1, 0);
    }
    if (code === 0x10) {
      return known(functions, this.uint());
    }
    if (code === 0x11) {
      const { takes, gives } = known(types, this.uint());
      return this.#after(1, effect(takes + 1, gives));
    }
    if (code === 0xfc) return this.#bulk(this.uint());
    if (code === 0xfd) return this.#vector(this.uint());
    return this.#scalar(code);
  }

  /** @param {number} code @returns {Effect} */
  #scalar(code) {
    if (code <= 0x01 || code === 0x0f) return effect(0, 0); // unreachable, nop, return
    if (code === 0x0c || code === 0x0d) return this.#after(1, effect(code - 0x0c, 0)); // br, br_if
    if (code === 0x1a) return effect(1, 0); // drop
    if (code === 0x1b) return effect(3, 1); // select
    if (code === 0x20 || code === 0x23) return this.#after(1, effect(0, 1)); // local.get, global.get
    if (code === 0x21 || code === 0x24) return this.#after(1, effect(1, 0)); // local.set, global.set
    if (code === 0x22) return this.#after(1, effect(1, 1)); // local.tee
    if (code >= 0x28 && code <= 0x35) return this.#after(2, effect(1, 1)); // loads
    if (code >= 0x36 && code <= 0x3e) return this.#after(2, effect(2, 0)); // stores
    if (code === 0x3f) return this.#after(1, effect(0, 1)); // memory.size
    if (code === 0x40) return this.#after(1, effect(1, 1)); // memory.grow
    if (code === 0x41 || code === 0x42) return this.#after(1, effect(0, 1)); // integer constants
    if (code === 0x43 || code === 0x44) {
      this.skip(code === 0x43 ? 4 : 8);
      return effect(0, 1);
    }
    const unary = [
      [0x45, 0x45],
      [0x50, 0x50],
      [0x67, 0x69],
      [0x79, 0x7b],
      [0x8b, 0x91],
      [0x99, 0x9f],
      [0xa7, 0xc4],
    ];
    if (code < 0x45 || code > 0xc4) throw new Error(`scripts/moduleReader.js does not know the instruction ${code}`);
    return effect(unary.some(([first = 0, last = 0]) => code >= first && code <= last) ? 1 : 2, 1);
  }

  /** @param {number} code @returns {Effect} */
  #bulk(code) {
    if (code < 8) return effect(1, 1); // saturating conversions
    if (code === 10) return this.#after(2, effect(3, 0)); // memory.copy
    if (code === 11) return this.#after(1, effect(3, 0)); // memory.fill
    throw new Error(`scripts/moduleReader.js does not know the instruction 0xfc ${code}`);
  }

  /** @param {number} code @returns {Instruction} */
  #vector(code) {
    if (code <= 10 || code === 92 || code === 93) return this.#after(2, effect(1, 1)); // loads
    if (code === 11) return this.#after(2, effect(2, 0)); // store
    if (code === 12 || code === 13) {
      this.skip(16);
      return code === 12 ? effect(0, 1) : effect(2, 1); // constant, shuffle
    }
    if (code >= 15 && code <= 20) return effect(1, 1); // splats
    if (code >= 21 && code <= 34) {
      const replaces = [23, 26, 28, 30, 32, 34].includes(code);
      return this.#after(1, effect(replaces ? 2 : 1, 1)); // lanes
    }
    if (code >= 84 && code <= 91) {
      this.#after(3, effect(0, 0));
      return code <= 87 ? effect(2, 1) : effect(2, 0); // loads and stores of lanes
    }
    if (code === 82) return effect(3, 1); // bitselect
    if (code === 0x105) return { ...effect(3, 1), fuses: true };
    if (code > 0xff) throw new Error(`scripts/moduleReader.js does not know the relaxed instruction ${code}`);
    return effect(unaryVectors.has(code) ? 1 : 2, 1);
  }

  /** @param {number} count of integers that follow the instruction @param {Effect} result */
  #after(count, result) {
    for (; count > 0; count--) this.uint();
    return result;
  }
}

/** Those with one operand, by https://github.com/WebAssembly/simd/blob/main/proposals/simd/NewOpcodes.md. */
const unaryVectors = new Set([
  ...[77, 83, 94, 95, 96, 97, 98, 99, 100, 103, 104, 105, 106, 116, 117, 122, 124, 125, 126, 127, 128, 129, 131, 132],
  ...[135, 136, 137, 138, 148, 160, 161, 163, 164, 167, 168, 169, 170, 192, 193, 195, 196, 199, 200, 201, 202],
  ...[224, 225, 227, 236, 237, 239, 248, 249, 250, 251, 252, 253, 254, 255],
]);

/** @type {<T>(list: readonly T[], n: number) => T} */
export function known(list, n) {
  const element = list[n];
  if (element === undefined) throw new Error(`the kernels have no element ${n} of ${list.length}`);
  return element;
}
