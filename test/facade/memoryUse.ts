// Measures memory: blocks and bytes of the kernels, live models, and bytes of JavaScript.

import v8 from 'node:v8';
import vm from 'node:vm';
import { backendInfo } from 'lstm-wasm';
import { expect } from 'vitest';
import { kernels } from '../../src/wasm/engine.ts';

v8.setFlagsFromString('--expose-gc');
export const collectGarbage = vm.runInNewContext('gc') as () => void;

export const isDebug = process.env.LSTM_WASM_BUILD === 'debug';

let blocks = 0;
const engine = kernels();
const { allocate, release } = engine;
engine.allocate = bytes => {
  const pointer = allocate(bytes);
  blocks++;
  return pointer;
};
engine.release = pointer => {
  release(pointer);
  blocks--;
};

/** Blocks and bytes allocated in WebAssembly memory, and live models: exact counts. */
export function held(): { blocks: number; bytes: number; models: number } {
  const { memoryBytes, models } = backendInfo();
  return { blocks, bytes: memoryBytes, models };
}

/** Bytes of JavaScript: its heap and its array buffers. */
function hostNow(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Bytes of JavaScript after garbage collection and finalizers. */
async function hostBytes(): Promise<number> {
  collectGarbage();
  await new Promise(resolve => setTimeout(resolve));
  collectGarbage();
  return hostNow();
}

/**
 * Passes when calls leave WebAssembly memory unchanged and keep nothing in JavaScript.
 *
 * The JIT compiler changes the size of the heap for a while, so rounds of calls are repeated until one does not. Each
 * round is as long as all before it together: an array that grows by half when it is full must grow in each of them.
 *
 * @param run makes this number of calls
 * @param options first: calls of the first round; most: bytes per call, by default less than one array element takes
 */
export async function expectFlat(
  run: (calls: number) => unknown,
  { first = isDebug ? 250 : 500, most = 2 } = {},
): Promise<void> {
  await run(first);
  let host = await hostBytes();
  const before = held();
  for (let calls = first; ; calls *= 2) {
    await run(calls);
    const after = await hostBytes();
    expect(held()).toEqual(before);
    const each = Math.abs(after - host) / calls;
    if (each <= most) break;
    if (calls >= 128 * first) expect.fail(`${calls} calls left ${each} bytes each`);
    host = after;
  }
}

/**
 * Bytes of garbage per call: the minimum of up to 400 measurements, which end at the first one of at most `enough`. Code
 * makes more garbage until the JIT compiler has optimized it, which takes a while if the machine is busy.
 */
export function garbageOf(call: () => unknown, enough: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let n = 0; n < 400 && least > enough; n++) {
    collectGarbage();
    const before = hostNow();
    for (let m = 0; m < 100; m++) call();
    const each = (hostNow() - before) / 100;
    // Negative if a collection ran in between.
    if (each >= 0) least = Math.min(least, each);
  }
  return least;
}

/** Collects garbage until finalizers, which run some time later, have made `done` true. */
export async function collectUntil(done: () => boolean): Promise<void> {
  for (let n = 0; n < 400 && !done(); n++) {
    collectGarbage();
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  expect(done()).toBe(true);
}
