/** Losses by name. The arithmetic is in assembly/loss.ts. */

import { fail, show } from './errors.ts';
import { checkName } from './options.ts';

export type LossName = 'meanSquaredError';

/** Every accepted spelling; the first of each kind is the one that messages and saved models use. */
const spellings = {
  meanSquaredError: 'meanSquaredError',
  mse: 'meanSquaredError',
  mean_squared_error: 'meanSquaredError',
} as const satisfies Record<string, LossName>;

/** A loss as `compile` accepts it. */
export type Loss = keyof typeof spellings;

export function resolveLoss(call: string, value: unknown): LossName {
  if (typeof value === 'function') {
    fail(call, `loss must be a name, because losses run in the kernels, got ${show(value)}; known: 'meanSquaredError'`);
  }
  return spellings[checkName(call, 'loss', value, Object.keys(spellings) as Loss[])];
}
