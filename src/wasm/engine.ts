/**
 * The running kernels and their memory: one instance for the whole program, started when it is first needed.
 *
 * One memory serves all models, because a page may hold only about a hundred of them.
 */

import type { KernelsModule } from '../kernelsModule.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { LINE } from '../util/memorySizes.ts';
import { checkName, checkOptions } from '../util/options.ts';
import { taskThread } from '../util/taskThread.ts';
import { bytesIn, isArrayBuffer } from '../util/typedArrays.ts';
import { canRelax } from './canRelax.ts';
import { decode, type KernelModule } from './decode.ts';
import { addInstance, compiled, INITIAL_PAGES, instantiate, isModule, newMemory } from './instances.ts';
import type { Address, Kernels, Simd } from './kernels.ts';
import { core } from './modules/core.generated.ts';
import { buildNumbers } from './shared.generated.ts';
import { newSharedMemory, withSharedMemory } from './sharedMemory.ts';
import { Team, ThreadsLost, warnOfOneThread } from './team.ts';
import { type TurboFlag, turbo } from './turbo.ts';

interface Engine {
  kernels: Kernels;
  memory: WebAssembly.Memory;
  simd: Simd;
  turbo: readonly TurboFlag[];
  wasmBytes: number;
  /** The most pages of a shared memory; 0 with one thread. */
  maximum: number;
  /** The compiled kernels, the core first. */
  modules: WebAssembly.Module[];
  /** Whether they are all kernels, in one module. */
  isComplete: boolean;
  /** Null with one thread. */
  team: Team | null;
}

type Source = WebAssembly.Module | Uint8Array<ArrayBuffer>;

/** Bytes of a page of memory. */
const PAGE = 65_536;
const SLOW_MILLISECONDS = 100;

let requestedSimd: Simd | 'auto' = 'auto';
let requestedThreads: number | 'auto' = 1;
/** The code of threads, which only programs that call `configure` have. */
let threading: {
  readonly newSharedMemory: typeof newSharedMemory;
  readonly withSharedMemory: typeof withSharedMemory;
  readonly physicalCores: () => number;
  readonly Team: typeof Team;
  readonly warnOfOneThread: typeof warnOfOneThread;
} | null = null;
let engine: Engine | null = null;
/** Whether `engine` came from `init`; a host that forbids compiling could not create another. */
let isFromInit = false;
let inUse = false;
let models = 0;

/** Options of `configure`. */
export interface ConfigureOptions {
  /** The kernels: `strict` rounds every operation, `relaxed` fuses multiply and add. Default: the fastest of the host. */
  simd?: 'auto' | 'strict' | 'relaxed';
  /**
   * The threads that share a large kernel call, the calling thread included; 'auto' for one on each physical core, at most
   * 4. The results are the same for any number, to the bit. Pages need cross-origin isolation for more than one. Where
   * threads are not available, or one stops, calls continue on the calling thread. Default: 1.
   */
  threads?: number | 'auto';
}

/** Chooses the kernels and the number of threads. Call it before the first model is made. */
export function configure(options: ConfigureOptions): void {
  rejectExtraArguments('configure', 1, arguments);
  const { simd, threads } = checkOptions<{ simd: unknown; threads: unknown }>('configure', options, [
    'simd',
    'threads',
  ]);
  const choice = simd === undefined ? undefined : checkSimd('configure', simd);
  const count = threads === undefined || threads === 'auto' ? threads : checkThreads('configure', threads);
  if (inUse && choice !== undefined && choice !== 'auto' && choice !== engine?.simd) {
    fail('configure', `simd must be chosen before the first model is made, got '${choice}' while ${engine?.simd} runs`);
  }
  const running = engine?.team?.running ?? 1;
  if (inUse && count !== undefined && count !== 'auto' && count !== running && count !== requestedThreads) {
    fail('configure', `threads must be chosen before the first model is made, got ${count} while ${running} run`);
  }
  if (choice !== undefined) requestedSimd = choice;
  if (count !== undefined) requestedThreads = count;
  threading = { newSharedMemory, withSharedMemory, physicalCores, Team, warnOfOneThread };
  if (inUse || (choice === undefined && count === undefined)) return;
  const keepsKernels = choice === undefined || choice === 'auto' || choice === engine?.simd;
  if (isFromInit && keepsKernels && count === undefined) return;
  engine?.team?.end();
  engine = null;
  isFromInit = false;
}

/** More threads than this never help. */
const MOST_THREADS = 64;

function checkThreads(call: string, threads: unknown): number {
  if (!Number.isInteger(threads) || (threads as number) < 1 || (threads as number) > MOST_THREADS) {
    fail(call, `threads must be an integer from 1 to ${MOST_THREADS} or 'auto', got ${show(threads)}`);
  }
  return threads as number;
}

/** @internal Checks the name of a build, and that this host can run it. */
export function checkSimd(call: string, simd: unknown): Simd | 'auto' {
  const choice = checkName(call, 'simd', simd, ['auto', 'strict', 'relaxed']);
  if (choice === 'relaxed' && !canRelax()) {
    fail(call, "simd must be 'auto' or 'strict' on this host, which has no relaxed SIMD, got 'relaxed'");
  }
  return choice;
}

/** The running kernels and their memory. */
export interface BackendInfo {
  /** The kernels: `strict` rounds every operation, `relaxed` fuses multiply and add. */
  simd: 'strict' | 'relaxed';
  /**
   * The flags that `lstm-wasm/turbo` enabled before the kernels started: `relaxed-simd` on Node 20, `revectorize` on
   * Node 24 and later on x64. Empty elsewhere, without that import, or if it was imported too late.
   */
  turbo: readonly TurboFlag[];
  /** Size of the WebAssembly modules in bytes. */
  wasmBytes: number;
  /** Size of the memory shared by all models in bytes. */
  memoryBytes: number;
  /** Threads that share a large kernel call; 1 where memory cannot be shared, and after a thread has stopped. */
  threads: number;
  /** Models that hold memory: used, and neither disposed of nor garbage-collected. */
  models: number;
}

/** Describes the running kernels and their memory. Starts the kernels if necessary. */
export function backendInfo(): BackendInfo {
  rejectExtraArguments('backendInfo', 0, arguments);
  const { simd, turbo, wasmBytes, memory, team } = started();
  const memoryBytes = memory.buffer.byteLength;
  return { simd, turbo: [...turbo], wasmBytes, memoryBytes, threads: team?.running ?? 1, models };
}

/** Kernels for hosts that do not allow the package to compile its own. */
export interface InitOptions {
  /** The compiled `lstm-wasm/kernels.wasm` or `lstm-wasm/kernels-relaxed.wasm`. */
  module?: KernelsModule;
  /** The bytes of one of these files. */
  bytes?: ArrayBuffer | ArrayBufferView;
}

/** Starts the given kernels, on hosts that forbid compiling. Call it before the first model is made. */
export function init(options: InitOptions): void {
  rejectExtraArguments('init', 1, arguments);
  const { module, bytes } = checkOptions<InitOptions>('init', options, ['module', 'bytes']);
  if (inUse) fail('init', 'must be called before the first model is made');
  if (module !== undefined) {
    if (!isModule(module)) fail('init', `module must be a WebAssembly.Module, got ${show(module)}`);
    engine = start('init', [module], 0, true);
  } else {
    if (!isArrayBuffer(bytes) && !ArrayBuffer.isView(bytes)) {
      fail('init', `bytes must be an ArrayBuffer or a view of one, got ${show(bytes)}`);
    }
    const read = bytesIn(bytes) as Uint8Array<ArrayBuffer>;
    if (!WebAssembly.validate(read)) fail('init', 'bytes must be a WebAssembly module that this host supports');
    engine = start('init', [read], read.length, true);
  }
  isFromInit = true;
}

/** Resolves when the kernels have started. Never necessary; exists for programs written for TF.js. */
export async function ready(): Promise<void> {
  rejectExtraArguments('ready', 0, arguments);
  while (!engine) {
    const simd = chooseSimd();
    if (chooseThreads() > 1) {
      started('ready');
      continue;
    }
    const compiled = await Promise.all([...modulesInUse].map(module => WebAssembly.compile(decode(module, simd))));
    if (simd === chooseSimd()) engine ??= startOwn('ready', simd, compiled); // unless the choice changed meanwhile
  }
}

/** @internal The threads that share kernel calls; null with one thread. */
export function team(): Team | null {
  return started().team;
}

let batchNumber = 0;

/** The last argument of `setBatch`. */
export const currentBatch = (): number => batchNumber;

/** Sets the number of the next training batch, which dropout depends on. */
export function setBatch(batch: number): void {
  const { kernels, team } = started();
  batchNumber = batch;
  kernels.setBatch(batch);
  if (team) team.batch = batch;
}

/** Rises in `leaveThreads` and `useKernels`: calls that were bound to the kernels before must be bound anew. */
export let generation = 0;

/** The kernels. Once a block has been allocated, the object changes in `leaveThreads` only. */
export function kernels(): Kernels {
  return started().kernels;
}

/**
 * @internal Continues on one thread after `ThreadsLost`, in a copy of the memory: a thread that is merely slow, and that
 * the host has not ended yet, writes to the other. What the threads computed must be computed again.
 */
export function leaveThreads(): void {
  const before = started();
  const { team, maximum, modules } = before;
  if (!team) return;
  const after: Engine = { ...before, team: null };
  try {
    const initial = before.memory.buffer.byteLength / PAGE;
    after.memory = new WebAssembly.Memory({ initial, maximum, shared: true });
    after.kernels = instantiate(modules, after.memory)!;
    after.kernels.setWideVectors(wideVectors());
    after.kernels.setBatch(team.batch);
    after.kernels.allocate(1); // starts the heap, which is then overwritten like all of the memory
    new Uint8Array(after.memory.buffer).set(new Uint8Array(before.memory.buffer));
  } catch {
    // There is no room for a copy: gives slow threads time to end
    for (const end = performance.now() + SLOW_MILLISECONDS; performance.now() < end; );
    Object.assign(after, { memory: before.memory, kernels: before.kernels });
  }
  engine = after;
  generation++;
}

/** @internal Continues on one thread if an error means that threads are lost; throws other errors. */
export function leaveThreadsAfter(error: unknown): asserts error is ThreadsLost {
  if (!(error instanceof ThreadsLost)) throw error;
  leaveThreads();
}

function started(call = 'lstm-wasm'): Engine {
  engine ??= startOwn(call, chooseSimd());
  return engine;
}

const chooseSimd = (): Simd => (requestedSimd === 'auto' ? fastestSimd() : requestedSimd);

/** Tasks run strict kernels, which compute the same bits on every host. */
const fastestSimd = (): Simd => (!taskThread() && canRelax() ? 'relaxed' : 'strict');

/** The number of threads to start, the calling one included. */
function chooseThreads(): number {
  if (!threading) return 1;
  return requestedThreads === 'auto' ? Math.max(1, Math.min(4, threading.physicalCores())) : requestedThreads;
}

interface NodeModules {
  getBuiltinModule?(name: 'node:os'): { availableParallelism(): number; cpus(): readonly unknown[] };
  getBuiltinModule?(name: 'node:fs'): { readFileSync(file: string, encoding: 'utf8'): string };
}

/** The physical cores that this process may use: on Linux by the list of the system, else half of the logical cores. */
function physicalCores(): number {
  const { navigator, process } = globalThis as {
    navigator?: { hardwareConcurrency?: number };
    process?: NodeModules;
  };
  const os = process?.getBuiltinModule?.('node:os');
  const logical = os?.availableParallelism() ?? navigator?.hardwareConcurrency ?? 1;
  try {
    const files = process!.getBuiltinModule!('node:fs');
    const siblings = os!
      .cpus()
      .map((_, n) => files.readFileSync(`/sys/devices/system/cpu/cpu${n}/topology/thread_siblings_list`, 'utf8'));
    return Math.min(logical, new Set(siblings).size);
  } catch {
    return Math.floor(logical / 2);
  }
}

/** @param maximum of a shared memory, in pages; 0 for a memory of one thread */
const sharing = (maximum: number) =>
  maximum > 0 ? (bytes: Uint8Array<ArrayBuffer>) => threading!.withSharedMemory(bytes, maximum) : null;

/** @param sources modules of the kernels, the core first, or the one of all kernels */
function start(call: string, sources: readonly Source[], wasmBytes: number, isComplete: boolean): Engine {
  const threads = chooseThreads();
  const shared = threads > 1 && !sources.some(isModule) ? threading!.newSharedMemory(INITIAL_PAGES) : null;
  const memory = shared?.memory ?? newMemory(call);
  const maximum = shared?.maximum ?? 0;
  const modules = sources.map(source => compiled(source, sharing(maximum)));
  const kernels = instantiate(modules, memory);
  if (typeof kernels?.build !== 'function')
    fail('init', 'the module must be kernels.wasm or kernels-relaxed.wasm of this package');
  const wide = wideVectors();
  kernels.setWideVectors(wide);
  turbo.started = true;
  const team = shared && new threading!.Team(threads, kernels, modules, memory, wide);
  if (!team && threads > 1 && requestedThreads !== 'auto') {
    threading!.warnOfOneThread(
      sources.some(isModule) ? 'init was given a compiled module' : 'the host cannot share memory',
    );
  }
  const simd = kernels.build() === buildNumbers.relaxed ? 'relaxed' : 'strict';
  return { kernels, memory, maximum, simd, turbo: turbo.flags, wasmBytes, modules, isComplete, team };
}

/** Starts the kernels of this package. @param compiled what is compiled already of the modules in use */
function startOwn(call: string, simd: Simd, compiled?: readonly WebAssembly.Module[]): Engine {
  const all = [...modulesInUse].map(module => decode(module, simd));
  const sources = all.map((bytes, n) => compiled?.[n] ?? bytes);
  return start(
    call,
    sources,
    all.reduce((sum, { length }) => sum + length, 0),
    false,
  );
}

/** @internal The modules of all that has been created, in the order in which it was. */
export const modulesInUse = new Set<KernelModule>([core]);
const structures: Record<string, readonly string[]> = { ...core.structures };

/** The fields of a plan structure, i32 each, in the order in which the kernels read them. */
export function fieldNames(kind: string): readonly string[] {
  const names = structures[kind];
  if (!names) throw new Error(`the kernels of ${kind} are not in use`);
  return names;
}

/**
 * Makes kernels available that are not in the core. Call it when something is created that may call them; the module is
 * then in the programs that import the code of it, and in no others.
 */
export function useKernels(module: KernelModule): void {
  if (modulesInUse.has(module)) return;
  if (engine && !engine.isComplete) addModule(engine, module);
  modulesInUse.add(module);
  Object.assign(structures, module.structures);
}

function addModule(running: Engine, module: KernelModule): void {
  const { kernels, memory, maximum, simd, modules, team } = running;
  const bytes = decode(module, simd);
  const added = compiled(bytes, sharing(maximum));
  addInstance(kernels, added, memory);
  modules.push(added);
  running.wasmBytes += bytes.length;
  generation++;
  if (!team || team.running === 1) return;
  // Threads that have started lack these kernels
  team.end();
  running.team = new threading!.Team(team.size, kernels, modules, memory, wideVectors());
  running.team.batch = batchNumber;
}

const wideVectors = (): number => (turbo.flags.includes('revectorize') ? 1 : 0);

// ------------------------------------------------------------------------------------------------------------ memory

/** A block of wasm memory, released by `free` or when this object is garbage-collected. */
export class Block {
  readonly address: Address;
  readonly bytes: number;
  readonly #pointer: Address;
  /** An unused buffer that makes the garbage collector account for the size of the block. */
  weight: ArrayBuffer | null;

  /** @throws ValueError if there is not enough memory; nothing has changed then */
  constructor(call: string, bytes: number) {
    this.bytes = bytes;
    this.#pointer = reserve(call, bytes + LINE);
    this.address = Math.ceil(this.#pointer / LINE) * LINE;
    kernels().zero(this.address, bytes);
    this.weight = weightOf(bytes);
    collectedBlocks.register(this, this.#pointer, this);
  }

  free(): void {
    if (collectedBlocks.unregister(this)) kernels().release(this.#pointer);
    this.weight = null;
  }
}

/** Smaller blocks get no such buffer, because their JavaScript objects are of similar size. */
const LEAST_WEIGHT = 2 ** 16;

/**
 * A buffer that is never written to, so it uses no physical memory. The garbage collector does not see wasm memory, but
 * it counts this buffer; without it, thousands of unreachable models would look like a few small objects. The buffer is
 * resizable because such buffers are freshly mapped; others may reuse memory, and clearing it would allocate it.
 */
function weightOf(bytes: number): ArrayBuffer | null {
  if (bytes < LEAST_WEIGHT) return null;
  try {
    return Reflect.construct(ArrayBuffer, [bytes, { maxByteLength: bytes }]) as ArrayBuffer;
  } catch {
    return null; // the block works without it
  }
}

const collectedBlocks = new FinalizationRegistry<Address>(pointer => kernels().release(pointer));

function reserve(call: string, bytes: number): Address {
  started(call);
  try {
    if (bytes < 2 ** 30) {
      const pointer = started().kernels.allocate(bytes) >>> 0;
      inUse = true;
      return pointer;
    }
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
  }
  const usedMiB = Math.round(started().memory.buffer.byteLength / 2 ** 20);
  return fail(
    call,
    `the model must fit into memory, got ${Math.ceil(bytes / 2 ** 20)} MiB in addition to ${usedMiB} MiB in use; ` +
      'dispose() of unused models, or use smaller layers, batches or sequences',
  );
}

let floats = new Float32Array(0);
let integers = new Int32Array(0);

/** The whole memory as float32. Call it again after anything that allocates, because growth replaces the view. */
export function float32(): Float32Array {
  const { buffer } = started().memory;
  if (floats.buffer !== buffer) floats = new Float32Array(buffer);
  return floats;
}

/** The whole memory as int32. */
export function int32(): Int32Array {
  const { buffer } = started().memory;
  if (integers.buffer !== buffer) integers = new Int32Array(buffer);
  return integers;
}

/** Counts a model that holds memory until `uncountModel`, or until `owner` is garbage-collected. */
export function countModel(owner: object): void {
  models++;
  collectedOwners.register(owner, undefined, owner);
}

export function uncountModel(owner: object): void {
  if (collectedOwners.unregister(owner)) models--;
}

const collectedOwners = new FinalizationRegistry<undefined>(() => {
  models--;
});
