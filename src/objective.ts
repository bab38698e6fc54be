/** What `compile` chose: what training minimizes, how, and what is measured beside it. */

import type { LossName } from './losses.ts';
import type { Metric } from './metrics.ts';
import type { Optimizer } from './optimizers/index.ts';

export interface Objective {
  readonly optimizer: Optimizer;
  readonly loss: LossName;
  readonly metrics: readonly Metric[];
}
