/** What `compile` chose: what training minimizes, and how. */

import type { LossName } from './losses.ts';
import type { Optimizer } from './optimizers/index.ts';

export interface Objective {
  readonly optimizer: Optimizer;
  readonly loss: LossName;
}
