/** A task of the page. */

import type { Tensor } from 'lstm-wasm';
import type { Settings } from '../settings.ts';

export interface Batch {
  /** [B, T, inputs] */
  xs: Tensor;
  /** [B, T, outputs] with an output at every time step, [B, outputs] with one at the end. */
  ys: Tensor;
}

export interface Task {
  /** In a list, such as "Sine to cosine". */
  readonly title: string;
  /** A few sentences about it. */
  readonly about: string;
  /** Features of each time step. */
  readonly inputs: number;
  readonly outputs: number;
  /** Whether there is an output at every time step; otherwise there is one at the end. */
  readonly everyStep: boolean;
  /** Whether each row continues the same row of the previous batch, as stateful layers need it. */
  readonly continues: boolean;
  /** The cost below which the page reports that the task is learned. */
  readonly learned: number;
  /** The source of the batches: it imports lstm-wasm only and exports `batches`. */
  readonly source: string;
  /** Endless batches, the same for the same settings. */
  batches(settings: Pick<Settings, 'batch' | 'timeSteps' | 'seed' | 'own'>): Generator<Batch, never, void>;
}
