/** Modules of the kernels, compiled, and their instances on a memory. */

import { fail, reasonOf } from '../util/errors.ts';
import type { Address, Kernels } from './kernels.ts';

export const INITIAL_PAGES = 2;

export function newMemory(call: string): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: INITIAL_PAGES });
  } catch (error) {
    const advice = 'each page and worker with models reserves some: close unused ones, or raise the limit (ulimit -v)';
    return fail(call, `the host must be able to allocate memory for WebAssembly (${reasonOf(error)}); ${advice}`);
  }
}

/** Whether a value is a compiled module, of this realm or another. */
export function isModule(value: unknown): value is WebAssembly.Module {
  try {
    WebAssembly.Module.imports(value as WebAssembly.Module);
    return true;
  } catch {
    return false;
  }
}

/** @param share changes the bytes for a shared memory */
export function compiled(
  source: WebAssembly.Module | Uint8Array<ArrayBuffer>,
  share: ((bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>) | null,
): WebAssembly.Module {
  return isModule(source) ? source : new WebAssembly.Module(share ? share(source) : source);
}

/**
 * Adds the exports of a module to those of the modules that it imports from, the core first.
 *
 * @returns false if it needs other imports than our kernels
 */
export function addInstance(kernels: object, module: WebAssembly.Module, memory: WebAssembly.Memory): boolean {
  try {
    const imports = { env: { memory, abort }, core: kernels as WebAssembly.ModuleImports };
    Object.assign(kernels, new WebAssembly.Instance(module, imports).exports);
    return true;
  } catch (error) {
    if (error instanceof TypeError || error instanceof WebAssembly.LinkError) return false;
    throw error;
  }
}

/** The exports of our modules. */
export function instantiate(modules: readonly WebAssembly.Module[], memory: WebAssembly.Memory): Kernels | null {
  const kernels = {};
  return modules.every(module => addInstance(kernels, module, memory)) ? (kernels as Kernels) : null;
}

/** Called by the kernels when they trap; in the debug build, when an assertion fails. */
function abort(_message: Address, _file: Address, line: number, column: number): never {
  throw new Error(`the kernels stopped at line ${line}, column ${column} of their source`);
}
