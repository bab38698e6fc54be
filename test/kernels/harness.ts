/** A new instance of a testing build of the kernels, for tests of single kernels. */

import { readFileSync } from 'node:fs';
import { instantiateSync } from '@assemblyscript/loader';
import type { Address } from '../../src/wasm/kernels.ts';
import type { TestKernels } from './testKernels.generated.ts';

/** The index of a number of a packed matrix [rows, columns], as described in assembly/products/matmul.ts. */
export function packedIndex(rows: number, columns: number) {
  return (r: number, c: number) => {
    const wide = 16 * Math.floor(c / 16);
    const [first, width] = columns - wide > 12 ? [wide, 16] : [8 * Math.floor(c / 8), 0];
    return first * rows + r * (width || (columns - first > 4 ? 8 : 4)) + (c - first);
  };
}

/** Memory for numbers, initially NaN, with a guard region on both sides. */
export interface Room {
  address: Address;
  /** A view of the numbers; stale after anything that allocates. */
  floats(): Float32Array;
  /**
   * Fails if anything has changed since the allocation except the numbers at `targets`: an index, or [first, count].
   */
  expectUntouched(targets: Iterable<number | readonly [number, number]>, what?: string): void;
}

export interface Harness {
  kernels: TestKernels;
  memory: WebAssembly.Memory;
  /** Allocates bytes, aligned to a cache line. */
  alloc(bytes: number): Address;
  /** The address of a copy of the numbers. */
  put(values: ArrayLike<number>): Address;
  /** A copy of n numbers. */
  get(address: Address, n: number): Float32Array;
  /** Allocates room for n numbers, initialized with `values` if given. */
  room(n: number, values?: ArrayLike<number>): Room;
}

export const build = process.env.LSTM_WASM_BUILD ?? 'strict';

/** All cases on the strict build, every third on the others. */
export const some = <T>(cases: T[]): T[] => (build === 'strict' ? cases : cases.filter((_, n) => n % 3 === 0));

/** Whether tiles are those for wide vectors. */
export const wideVectors = Boolean(process.env.LSTM_WASM_WIDE);

/** Floats of a guard region: the width of the widest tile. */
const FENCE = 16;
/** Value of guard regions; not NaN, which additions would leave unchanged. */
export const FENCE_POST = 1234.5;

/** Compiled once: a test file makes thousands of instances. */
const modules = new Map<string, WebAssembly.Module>();

function moduleOf(name: string): WebAssembly.Module {
  let module = modules.get(name);
  if (!module) {
    const file = name === 'debug' ? name : `testing-${name}`;
    module = new WebAssembly.Module(readFileSync(new URL(`../../build/${file}.wasm`, import.meta.url)));
    modules.set(name, module);
  }
  return module;
}

/** @param name of a build; that of the vitest project by default */
export function harness(name = build): Harness {
  const memory = new WebAssembly.Memory({ initial: 2 });
  const { exports } = instantiateSync(moduleOf(name), { env: { memory } });
  const kernels = exports as unknown as TestKernels;
  kernels.setWideVectors(wideVectors ? 1 : 0);
  const alloc = (bytes: number) => Math.ceil(kernels.allocate(bytes + 64) / 64) * 64;
  return {
    kernels,
    memory,
    alloc,
    put(values) {
      const address = alloc(values.length * 4 + 16);
      new Float32Array(memory.buffer, address, values.length).set(values);
      return address;
    },
    get: (address, n) => new Float32Array(memory.buffer, address, n).slice(),
    room(n, values) {
      const whole = alloc((n + 2 * FENCE) * 4);
      const all = () => new Float32Array(memory.buffer, whole, n + 2 * FENCE);
      const floats = () => new Float32Array(memory.buffer, whole + FENCE * 4, n);
      all().fill(FENCE_POST);
      floats().fill(Number.NaN);
      if (values) floats().set(values);
      // Compares bits, because NaN differs from itself
      const bits = () => new Uint32Array(memory.buffer, whole, n + 2 * FENCE);
      const before = bits().slice();
      return {
        address: whole + FENCE * 4,
        floats,
        expectUntouched(targets, what = 'room') {
          const after = bits().slice();
          for (const target of targets) {
            const [first, count] = typeof target === 'number' ? [target, 1] : target;
            for (let n = FENCE + first; n < FENCE + first + count; n++) after[n] = before[n]!;
          }
          for (let index = 0; index < after.length; index++) {
            if (after[index] === before[index]) continue;
            throw new Error(`${what}: number ${index - FENCE} of ${n} must not change, got ${all()[index]}`);
          }
        },
      };
    },
  };
}
