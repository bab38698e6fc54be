/** Losses that threads share: each computes the losses and gradients of some rows, which are then added up in order. */

import { kernels, leaveThreadsAfter, team } from '../wasm/engine.ts';
import type { Address } from '../wasm/kernels.ts';
import { lossNumbers } from '../wasm/shared.generated.ts';
import type { Fields } from './planner.ts';

/** Numbers of the predictions; fewer take less time than handing out the rows. */
const LEAST_NUMBERS = 8192;
/** Chunks of a thread. */
const CHUNKS = 4;

/** These look at all targets, or add up the losses of columns in the order of all rows. */
const serial: readonly number[] = [lossNumbers.meanSquaredError, lossNumbers.hinge, lossNumbers.squaredHinge];

/** Bytes for the terms of a loss; 0 if one thread computes it. */
export function termBytes({ kind, steps, rows, cols }: Fields<'loss'>): number {
  const [count, width] = [Number(steps) * Number(rows), Number(cols)];
  if (!team() || serial.includes(Number(kind)) || count * width < LEAST_NUMBERS) return 0;
  return (1 + count) * Float64Array.BYTES_PER_ELEMENT;
}

/** Computes a loss of so many rows. Losing threads moves the memory. */
export function sharedLoss(plan: Address, rows: number): number {
  const threads = team();
  if (!threads) return kernels().loss(plan);
  kernels().lossStart(plan);
  try {
    threads.run('lossRows', plan, rows, Math.ceil(rows / (CHUNKS * threads.size)));
  } catch (error) {
    leaveThreadsAfter(error);
    error.finish(kernels());
  }
  return kernels().lossEnd(plan);
}
