/** Kernels on their own, for tests: a fresh instance of the build that the vitest project names. */

import { readFileSync } from 'node:fs';
import { instantiateSync } from '@assemblyscript/loader';
import type { Address, Kernels } from '../../src/engine/kernels.ts';

/** What the kernels export for tests beside what the facade uses. */
export interface TestKernels extends Kernels {
  expArray(y: Address, x: Address, n: number): void;
  sigmoidArray(y: Address, x: Address, n: number): void;
  sigmoidBackward(dy: Address, y: Address, n: number): void;
  tanhArray(y: Address, x: Address, n: number): void;
  tanhBackward(dy: Address, y: Address, n: number): void;
  reluArray(y: Address, x: Address, n: number): void;
  reluBackward(dy: Address, y: Address, n: number): void;
  matmul(
    c: Address,
    cRow: number,
    init: Address,
    initRow: number,
    initPanel: number,
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
  packTransposed(t: Address, w: Address, K: number, N: number): void;
  rowPanel16(
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
  ): void;
  outerPanel16(
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
  ): void;
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
}

export const build = process.env.LSTM_WASM_BUILD ?? 'strict';

export function harness(): Harness {
  const memory = new WebAssembly.Memory({ initial: 2 });
  const bytes = readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url));
  const { exports } = instantiateSync(bytes, { env: { memory } });
  const kernels = exports as unknown as TestKernels;
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
  };
}
