/**
 * Fences: around every block of memory that the facade allocates, to the byte, and around every buffer that a plan lays
 * into the workspace. Numbers stand there that nobody may change; after every call of a kernel they are looked at.
 *
 * The debug build runs with them. A fence that has been run over fails the call behind which it is found, by name.
 */

import { CompiledPlan } from '../../src/plan/compiledPlan.ts';
import { Planner } from '../../src/plan/plan.ts';
import { sizeOf } from '../../src/util/shapes.ts';
import { FLOAT, LINE } from '../../src/util/units.ts';
import { float32, kernels } from '../../src/wasm/engine.ts';

/** Bytes of a fence at the least: whole lines, as wide as the widest write of a tile. */
const WIDTH = 2 * LINE;
/** What stands there: not NaN, which stays what it is when something is added to it. */
const POST = 0xa5;
const POSTS = 0xa5a5a5a5 | 0;

interface Fence {
  readonly what: string;
  readonly from: number;
  readonly to: number;
}

/** More blocks than that are looked at in turns after a call, and all of them at the end of a file: there may be thousands. */
const AT_ONCE = 4;

/** The blocks there are, by what `allocate` gave. */
const blocks = new Map<number, readonly Fence[]>();
let allocated: { pointer: number; bytes: number } | null = null;
/** The plan that runs, and the fences in it; another plan of the same workspace has its buffers elsewhere. */
let running: readonly Fence[] = [];
/** The blocks that have not been looked at in this turn. */
let round = blocks.values();
let looked = 0;
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

const build = (fences: readonly Fence[]) => {
  for (const { from, to } of fences) bytes().fill(POST, from, to);
};

function look(call: string, fences: readonly Fence[]): void {
  const now = bytes();
  for (const { what, from, to } of fences) {
    looked++;
    for (let at = from; at < to; at++) {
      // Four at a time, as long as all is well
      while ((at & 3) === 0 && at + 4 <= to && words[at >> 2] === POSTS) at += 4;
      if (at === to || now[at] === POST) continue;
      const value = now[at];
      build([{ what, from, to }]); // said once, and not of every call that follows
      throw new RangeError(`${call} has written outside of what is planned: byte ${at - from} of ${what} is ${value}`);
    }
  }
}

/** Looks at the fences of the running plan, and at some of the blocks: with every call at the next ones. */
function lookAround(call: string): void {
  look(call, running);
  for (let n = Math.min(AT_ONCE, blocks.size); n > 0; n--) {
    let next = round.next();
    if (next.done) {
      round = blocks.values();
      next = round.next();
    }
    if (next.value) look(call, next.value);
  }
}

/** Looks at every fence there is. */
export function lookAtAll(call: string): void {
  for (const fences of blocks.values()) look(call, fences);
}

/** How many fences have been looked at so far. */
export const fencesLooked = (): number => looked;

/** Puts up the fences, and keeps watch from here on. */
export function raise(): void {
  const engine = kernels() as unknown as Record<string, (...args: number[]) => number>;
  for (const [name, kernel] of Object.entries(engine)) {
    if (typeof kernel !== 'function' || name === 'allocate' || name === 'release' || name === 'zero') continue;
    engine[name] = (...args) => {
      const result = kernel(...args);
      lookAround(name);
      return result;
    };
  }
  const { allocate, release, zero } = engine as Record<'allocate' | 'release' | 'zero', (...args: number[]) => number>;

  engine.allocate = size => {
    const pointer = allocate(size! + 2 * WIDTH) >>> 0;
    allocated = { pointer, bytes: size! + 2 * WIDTH };
    // As aligned as it was: a block begins at the next line from there on
    return pointer + WIDTH;
  };
  /** A block is allocated, and then zeroed from its first byte to its last, which tells where these are. */
  engine.zero = (address, size) => {
    const result = zero(address!, size!);
    if (allocated) {
      const { pointer, bytes } = allocated;
      allocated = null;
      const fences = [
        { what: 'the fence before a block', from: pointer, to: address! },
        { what: `the fence behind a block of ${size} bytes`, from: address! + size!, to: pointer + bytes },
      ];
      build(fences);
      blocks.set(pointer, fences);
    }
    lookAround('zero');
    return result;
  };
  engine.release = address => {
    const pointer = address! - WIDTH;
    const fences = blocks.get(pointer) ?? [];
    blocks.delete(pointer);
    look('release', fences);
    return release(pointer);
  };
  fenceBuffers();
  fenceRuns();
}

/** Has plans leave room behind each buffer. */
function fenceBuffers(): void {
  const { floats } = Planner.prototype;
  Planner.prototype.floats = function (name, ...shape) {
    if (this.buffers.length === 0) floats.call(this, 'fence', WIDTH / FLOAT);
    const place = floats.call(this, name, ...shape);
    floats.call(this, 'fence', WIDTH / FLOAT);
    return place;
  };
}

/** Builds the fences of a plan before it runs, whatever other plans have left in the workspace. */
function fenceRuns(): void {
  const { forward } = CompiledPlan.prototype;
  const found = new WeakMap<CompiledPlan, readonly Fence[]>();
  CompiledPlan.prototype.forward = function () {
    let fences = found.get(this);
    if (!fences) {
      fences = fencesOf(this);
      found.set(this, fences);
    }
    build(fences);
    running = fences;
    try {
      forward.call(this);
    } finally {
      running = [];
    }
  };
  for (const name of ['backward', 'loss', 'rewind', 'measure', 'collect', 'counted'] as const) {
    const method = CompiledPlan.prototype[name] as (this: CompiledPlan, ...args: never[]) => unknown;
    (CompiledPlan.prototype as unknown as Record<string, unknown>)[name] = function (
      this: CompiledPlan,
      ...args: never[]
    ) {
      running = found.get(this) ?? [];
      try {
        return method.apply(this, args);
      } finally {
        running = [];
      }
    };
  }
}

/** From the end of each buffer, to the number, to the beginning of the next. */
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
