/** The kernels of predictions with a memory of their own, which is collected with the model. */

import { fail } from '../util/errors.ts';
import { LINE } from '../util/memorySizes.ts';
import { canRelax } from '../wasm/canRelax.ts';
import { decode } from '../wasm/decode.ts';
import type { Simd } from '../wasm/kernels.ts';
import type { Kernels as AllKernels } from '../wasm/shared.generated.ts';
import { forward } from './binaries.generated.ts';

/** What assembly/predict.ts exports. */
export type Kernels = Pick<
  AllKernels,
  'copyRows' | 'denseForward' | 'gruForward' | 'lstmForward' | 'packDenseWeights' | 'packGruWeights' | 'packLstmWeights'
>;

const PAGE = 65_536;
/** Pages for the constants of the kernels, as in asconfig.predict.json. */
const INITIAL_PAGES = 2;

const modules: Partial<Record<Simd, Promise<WebAssembly.Module>>> = {};

export class KernelMemory {
  readonly kernels: Kernels;
  readonly #memory: WebAssembly.Memory;
  #end = INITIAL_PAGES * PAGE;

  private constructor(module: WebAssembly.Module) {
    this.#memory = new WebAssembly.Memory({ initial: INITIAL_PAGES });
    const abort = () => {
      throw new Error('lstm-wasm/predict: a kernel has failed');
    };
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.#memory, abort } });
    this.kernels = exports as unknown as Kernels;
  }

  /** Compiles the kernels, once for each build. */
  static async create(simd: Simd | 'auto'): Promise<KernelMemory> {
    const build = simd === 'auto' ? (canRelax() ? 'relaxed' : 'strict') : simd;
    modules[build] ??= WebAssembly.compile(decode(forward, build));
    return new KernelMemory(await modules[build]);
  }

  /** Reserves zeros; returns their address. */
  allocate(call: string, bytes: number): number {
    const address = this.#end;
    const end = address + Math.ceil(bytes / LINE) * LINE;
    const missing = end - this.#memory.buffer.byteLength;
    try {
      if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE));
    } catch {
      fail(call, `the model must fit into memory, got a need of ${end} bytes`);
    }
    this.#end = end;
    return address;
  }

  get floats(): Float32Array<ArrayBuffer> {
    return new Float32Array(this.#memory.buffer as ArrayBuffer);
  }

  get integers(): Int32Array<ArrayBuffer> {
    return new Int32Array(this.#memory.buffer as ArrayBuffer);
  }
}
