/** What a network on the page is asked to do. */

import type { Tensor } from 'lstm-wasm';
import type { Settings } from '../settings.ts';

export interface Batch {
  /** [B, T, inputs] */
  xs: Tensor;
  /** [B, T, outputs] where there is an answer at every step, [B, outputs] where there is one at the end. */
  ys: Tensor;
}

export interface Task {
  /** In a list, such as "Sine to cosine". */
  readonly title: string;
  /** One or two sentences for readers. */
  readonly about: string;
  /** Features of each time step. */
  readonly inputs: number;
  readonly outputs: number;
  /** Whether there is an answer at every step; otherwise there is one, at the end. */
  readonly everyStep: boolean;
  /** Whether row b of a batch goes on where row b of the one before has stopped, so that states mean something there. */
  readonly continues: boolean;
  /** A cost from which on the reader is told that it has learned. */
  readonly learned: number;
  /** The file that makes the batches, to be read: it imports nothing but lstm-wasm and exports `batches`. */
  readonly source: string;
  /** Batches without end, the same ones for the same settings. */
  batches(settings: Pick<Settings, 'batch' | 'timeSteps' | 'seed' | 'own'>): Generator<Batch, never, void>;
}
