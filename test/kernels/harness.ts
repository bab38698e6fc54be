/** Kernels on their own, for tests: a fresh instance of the build that the vitest project names. */

import { readFileSync } from 'node:fs';
import { instantiateSync } from '@assemblyscript/loader';
import type { Address, Kernels } from '../../src/wasm/kernels.ts';

/** What the kernels export for tests beside what the facade uses. */
export interface TestKernels extends Kernels {
  expArray(y: Address, x: Address, n: number): void;
  logArray(y: Address, x: Address, n: number): void;
  log1pArray(y: Address, x: Address, n: number): void;
  sigmoidArray(y: Address, x: Address, n: number): void;
  sigmoidBackward(dy: Address, y: Address, n: number): void;
  tanhArray(y: Address, x: Address, n: number): void;
  tanhBackward(dy: Address, y: Address, n: number): void;
  reluArray(y: Address, x: Address, n: number): void;
  reluBackward(dy: Address, y: Address, n: number): void;
  activateWithSlope(kind: number, y: Address, slope: Address, x: Address, n: number): void;
  dropoutMask(mask: Address, n: number, seed: number, rate: number): void;
  matmul(
    c: Address,
    cRow: number,
    init: Address,
    initRow: number,
    initCol: number,
    a: Address,
    aRow: number,
    aBlock: number,
    depth: number,
    blocks: number,
    panels: Address,
    rows: number,
    cols: number,
  ): void;
  matmulTransposed(
    c: Address,
    a: Address,
    aRow: number,
    aBlock: number,
    b: Address,
    bRow: number,
    bBlock: number,
    depth: number,
    blocks: number,
    rows: number,
    cols: number,
  ): void;
  matmulNaive(c: Address, cRow: number, a: Address, aRow: number, p: Address, M: number, N: number, K: number): void;
  matmulTransposedNaive(
    c: Address,
    a: Address,
    aRow: number,
    b: Address,
    bRow: number,
    M: number,
    N: number,
    K: number,
  ): void;
  packTransposed(t: Address, w: Address, K: number, N: number): void;
  rowPanel12: RowPanel;
  rowPanel16: RowPanel;
  outerPanel12: OuterPanel;
  outerPanel16: OuterPanel;
}

type RowPanel = (
  c: Address,
  cRow: number,
  init: Address,
  initRow: number,
  a: Address,
  aRow: number,
  aBlock: number,
  depth: number,
  blocks: number,
  panel: Address,
  rows: number,
) => void;

type OuterPanel = (
  c: Address,
  a: Address,
  aRow: number,
  aBlock: number,
  b: Address,
  bRow: number,
  bBlock: number,
  depth: number,
  blocks: number,
  rows: number,
) => void;

/** Where a packed matrix [rows, columns] has its numbers, as assembly/products/matmul.ts describes it. */
export function packedIndex(rows: number, columns: number) {
  return (r: number, c: number) => {
    const wide = 16 * Math.floor(c / 16);
    const [first, width] = joined && columns - wide > 12 ? [wide, 16] : [8 * Math.floor(c / 8), 0];
    return first * rows + r * (width || (columns - first > 4 ? 8 : 4)) + (c - first);
  };
}

/** Room for numbers, NaN until somebody writes there, with a fence on both sides. */
export interface Room {
  address: Address;
  /** The numbers themselves, not a copy; ask again after anything that may have allocated. */
  floats(): Float32Array;
  /**
   * Fails when anything but the numbers at `targets` has changed since it was made, the fences included. A target is one
   * number, or a run of them, [first, count].
   */
  expectUntouched(targets: Iterable<number | readonly [number, number]>, what?: string): void;
}

export interface Harness {
  kernels: TestKernels;
  memory: WebAssembly.Memory;
  /** Address of so many bytes, on a cache line. */
  alloc(bytes: number): Address;
  /** The address of a copy of the numbers. */
  put(values: ArrayLike<number>): Address;
  /** A copy of n numbers. */
  get(address: Address, n: number): Float32Array;
  /** Room for n numbers, each written into it at once where `values` are given. */
  room(n: number, values?: ArrayLike<number>): Room;
}

export const build = process.env.LSTM_WASM_BUILD ?? 'strict';

/** Whether packed matrices are those of hosts that join vectors. */
export const joined = Boolean(process.env.LSTM_WASM_WIDE);

/** Numbers of a fence, as many as the widest tile. */
const FENCE = 16;
/** What a fence is made of: not NaN, which stays what it is when something is added to it. */
export const FENCE_POST = 1234.5;

/** Compiled once for all the instances that a file of tests makes, which are thousands. */
const modules = new Map<string, WebAssembly.Module>();

function moduleOf(name: string): WebAssembly.Module {
  let module = modules.get(name);
  if (!module) {
    module = new WebAssembly.Module(readFileSync(new URL(`../../build/${name}.wasm`, import.meta.url)));
    modules.set(name, module);
  }
  return module;
}

/** @param name of a build, when it is not the one that the project names */
export function harness(name = build): Harness {
  const memory = new WebAssembly.Memory({ initial: 2 });
  const { exports } = instantiateSync(moduleOf(name), { env: { memory } });
  const kernels = exports as unknown as TestKernels;
  kernels.setJoined(joined ? 1 : 0);
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
      // As bits, among which NaN equals itself
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
            throw new Error(`${what}: number ${index - FENCE} of ${n} must be left alone, got ${all()[index]} there`);
          }
        },
      };
    },
  };
}
