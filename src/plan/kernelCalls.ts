/** The kernels of each kind of plan structure, found by name: a `dense` runs denseForward and denseBackward. */

import type { Kernels } from '../wasm/kernels.ts';
import { structures } from '../wasm/shared.generated.ts';
import type { KernelCall } from './planner.ts';

/** Rows that a recurrent layer runs through all time steps at once; with more, weight gradients would not stay in L1. */
const BLOCK = 256;

/** Each takes the address of the plan structure, and the batch size. */
export interface KernelFunctions {
  forward(plan: number, batch: number): void;
  backward(plan: number, batch: number): void;
  /** Restores the carried states from before `forward`. */
  rewind(plan: number): void;
}

export function kernelFunctions(kernels: Kernels, kind: KernelCall['kind']): KernelFunctions {
  const named = kernels as unknown as Partial<Record<string, (plan: number, first?: number, rows?: number) => void>>;
  // Kernels with a batch size in their structure take a range of rows
  const takesRows = (structures[kind] as readonly string[]).includes('batch');
  const find = (direction: 'Forward' | 'Backward'): KernelFunctions['forward'] => {
    const run = named[kind + direction] ?? (() => {});
    if (!takesRows) return plan => run(plan);
    return (plan, batch) => {
      for (let first = 0; first < batch; first += BLOCK) run(plan, first, Math.min(BLOCK, batch - first));
    };
  };
  return { forward: find('Forward'), backward: find('Backward'), rewind: named[`${kind}Rewind`] ?? (() => {}) };
}
