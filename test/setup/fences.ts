/**
 * Fences are bytes of a fixed value around every block of memory that models allocate and around every buffer of a plan.
 * They are checked after every kernel call; a changed byte throws an error that names the kernel. Used by all tests on
 * the debug build.
 */

import { CompiledPlan } from '../../src/plan/compiledPlan.ts';
import { Planner } from '../../src/plan/planner.ts';
import { FLOAT, LINE } from '../../src/util/memorySizes.ts';
import { sizeOf } from '../../src/util/shapes.ts';
import { float32, kernels } from '../../src/wasm/engine.ts';

/** Minimum bytes of a fence: whole cache lines, and at least the widest write of a tile. */
const WIDTH = 2 * LINE;
/** Value of the bytes. As floats they are not NaN, because adding to NaN would not change it. */
const FILL = 0xa5;
const FILL_WORD = 0xa5a5a5a5 | 0;

interface Fence {
  readonly what: string;
  readonly from: number;
  readonly to: number;
}

/** Blocks checked per call, in rotation, since there may be thousands. All are checked at the end of a test file. */
const BLOCKS_PER_CALL = 4;

/** The fences of all blocks, by the address that `allocate` returned. */
const blocks = new Map<number, readonly Fence[]>();
let allocated: { pointer: number; bytes: number } | null = null;
/** The fences of the running plan. Plans share one workspace, so only one plan's fences are valid at a time. */
let runningFences: readonly Fence[] = [];
/** The blocks not yet checked in this rotation. */
let unchecked = blocks.values();
let checkCount = 0;
let memory: Uint8Array = new Uint8Array(0);
let words: Int32Array = new Int32Array(0);

function bytes(): Uint8Array {
  const { buffer } = float32();
  if (memory.buffer !== buffer) {
    memory = new Uint8Array(buffer);
    words = new Int32Array(buffer);
  }
  return memory;
}

const fill = (fences: readonly Fence[]) => {
  for (const { from, to } of fences) bytes().fill(FILL, from, to);
};

function check(call: string, fences: readonly Fence[]): void {
  const now = bytes();
  for (const { what, from, to } of fences) {
    checkCount++;
    for (let at = from; at < to; at++) {
      // Four bytes at a time while they are unchanged
      while ((at & 3) === 0 && at + 4 <= to && words[at >> 2] === FILL_WORD) at += 4;
      if (at === to || now[at] === FILL) continue;
      const value = now[at];
      fill([{ what, from, to }]); // so that later calls do not report it again
      throw new RangeError(`${call} wrote outside its buffers: byte ${at - from} of ${what} is ${value}`);
    }
  }
}

/** Checks the fences of the running plan and of the next few blocks. */
function checkSome(call: string): void {
  check(call, runningFences);
  for (let n = Math.min(BLOCKS_PER_CALL, blocks.size); n > 0; n--) {
    let next = unchecked.next();
    if (next.done) {
      unchecked = blocks.values();
      next = unchecked.next();
    }
    if (next.value) check(call, next.value);
  }
}

/** Checks every fence. */
export function checkAllFences(call: string): void {
  for (const fences of blocks.values()) check(call, fences);
}

/** Stops checking the blocks of the test file that has ended, whose models may wait for garbage collection. */
export function forgetFences(): void {
  blocks.clear();
  unchecked = blocks.values();
}

/** The number of fences checked so far. */
export const fencesChecked = (): number => checkCount;

/** Adds fences around all later blocks and buffers, and checks them after every kernel call. */
export function installFences(): void {
  const engine = kernels() as unknown as Record<string, (...args: number[]) => number>;
  for (const [name, kernel] of Object.entries(engine)) {
    if (typeof kernel !== 'function' || name === 'allocate' || name === 'release' || name === 'zero') continue;
    engine[name] = (...args) => {
      const result = kernel(...args);
      checkSome(name);
      return result;
    };
  }
  const { allocate, release, zero } = engine as Record<'allocate' | 'release' | 'zero', (...args: number[]) => number>;

  engine.allocate = size => {
    const pointer = allocate(size! + 2 * WIDTH) >>> 0;
    allocated = { pointer, bytes: size! + 2 * WIDTH };
    // Blocks stay aligned: they begin at the next cache line.
    return pointer + WIDTH;
  };
  /** Every new block is zeroed with its exact bounds, which place its fences. */
  engine.zero = (address, size) => {
    const result = zero(address!, size!);
    if (allocated) {
      const { pointer, bytes } = allocated;
      allocated = null;
      const fences = [
        { what: 'the fence before a block', from: pointer, to: address! },
        { what: `the fence behind a block of ${size} bytes`, from: address! + size!, to: pointer + bytes },
      ];
      fill(fences);
      blocks.set(pointer, fences);
    }
    checkSome('zero');
    return result;
  };
  engine.release = address => {
    const pointer = address! - WIDTH;
    const fences = blocks.get(pointer) ?? [];
    blocks.delete(pointer);
    check('release', fences);
    return release(pointer);
  };
  fenceBuffers();
  fenceRuns();
}

/** Makes plans reserve space for a fence after each buffer, and before the first. */
function fenceBuffers(): void {
  const { floats } = Planner.prototype;
  Planner.prototype.floats = function (name, ...shape) {
    if (this.buffers.length === 0) floats.call(this, 'fence', WIDTH / FLOAT);
    const offset = floats.call(this, name, ...shape);
    floats.call(this, 'fence', WIDTH / FLOAT);
    return offset;
  };
}

/** Fills the fences of a plan before it runs, since other plans overwrite them in the shared workspace. */
function fenceRuns(): void {
  const { forward } = CompiledPlan.prototype;
  const fencesOfPlans = new WeakMap<CompiledPlan, readonly Fence[]>();
  CompiledPlan.prototype.forward = function () {
    let fences = fencesOfPlans.get(this);
    if (!fences) {
      fences = fencesOf(this);
      fencesOfPlans.set(this, fences);
    }
    fill(fences);
    runningFences = fences;
    try {
      return forward.call(this);
    } finally {
      runningFences = [];
    }
  };
  for (const name of ['backward', 'loss', 'rewind', 'metric', 'collect', 'counted'] as const) {
    const method = CompiledPlan.prototype[name] as (this: CompiledPlan, ...args: never[]) => unknown;
    (CompiledPlan.prototype as unknown as Record<string, unknown>)[name] = function (
      this: CompiledPlan,
      ...args: never[]
    ) {
      runningFences = fencesOfPlans.get(this) ?? [];
      try {
        return method.apply(this, args);
      } finally {
        runningFences = [];
      }
    };
  }
}

/** The fences of a plan, from the end of each buffer to the start of the next. */
function fencesOf(plan: CompiledPlan): Fence[] {
  const { buffers } = plan.plan;
  const fences: Fence[] = [];
  for (const [n, { name, shape, start }] of buffers.entries()) {
    if (name !== 'fence') continue;
    const before = buffers[n - 1];
    const first = plan.indexOf(before ? before.start : start) * FLOAT;
    const from = before ? first + sizeOf(before.shape) * FLOAT : first;
    const to = plan.indexOf(start) * FLOAT + sizeOf(shape) * FLOAT;
    fences.push({ what: `the fence behind ${before?.name ?? 'nothing'}`, from, to });
  }
  return fences;
}
