/** The batch size that `fit`, `evaluate` and `predict` share. */

import { fail } from '../util/errors.ts';
import { checkCount } from '../util/options.ts';
import { showShape } from '../util/shapes.ts';

const DEFAULT_BATCH = 32;

/** Reads the batch size. @param fixed that of the model, or null */
export function checkBatchSize(call: string, value: unknown, fixed: number | null, name = 'batchSize'): number {
  if (value === undefined) return fixed ?? DEFAULT_BATCH;
  const size = checkCount(call, name, value);
  if (fixed !== null && size !== fixed)
    fail(call, `${name} must be ${fixed}, the batch size of the model, got ${size}`);
  return size;
}

/** Fails if the samples do not fill whole batches of a model with a fixed batch size. */
export function checkWhole(call: string, what: string, shape: readonly number[], fixed: number | null): void {
  if (fixed === null || shape[0]! % fixed === 0) return;
  const got = showShape(shape);
  fail(call, `${what} must hold a multiple of ${fixed} samples, the model's batch size, got the shape ${got}`);
}
