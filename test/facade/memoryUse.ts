// What a program holds: blocks in the memory of the kernels, that memory, models, and what JavaScript keeps.

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

/** To the block, the byte and the model. */
export function held(): { blocks: number; bytes: number; models: number } {
  const { memoryBytes, models } = backendInfo();
  return { blocks, bytes: memoryBytes, models };
}

/** Bytes of JavaScript, in its heap and in arrays beside it. */
function hostNow(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** The same once all garbage is gone, and finalizers have had their turn. */
async function hostBytes(): Promise<number> {
  collectGarbage();
  await new Promise(resolve => setTimeout(resolve));
  collectGarbage();
  return hostNow();
}

/**
 * Calls hold what was held before them: the same blocks, and in JavaScript nothing.
 *
 * The engine compiles for a while, which adds to its heap and takes from it. So this goes on until a round of calls
 * does neither. Each round is as long as all before it together: a list that grows by half when it is full has to grow
 * in each of them.
 *
 * @param run so many calls
 * @param options first: calls of the first round; most: bytes a call, by default less than a number in a list takes
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
    if (calls >= 32 * first) expect.fail(`${calls} calls left ${each} bytes each`);
    host = after;
  }
}

/**
 * Bytes of garbage that a call makes, or less than `enough`. What the calls before it were compiled for may have to be
 * compiled anew for this one.
 */
export function garbageOf(call: () => unknown, enough: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let n = 0; n < 50 && least > enough; n++) {
    collectGarbage();
    const before = hostNow();
    for (let m = 0; m < 100; m++) call();
    const each = (hostNow() - before) / 100;
    // It shrinks where a collection came between.
    if (each >= 0) least = Math.min(least, each);
  }
  return least;
}

/** Waits for the finalizers that make it true; they run some time after a collection. */
export async function collectUntil(done: () => boolean): Promise<void> {
  for (let n = 0; n < 400 && !done(); n++) {
    collectGarbage();
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  expect(done()).toBe(true);
}
