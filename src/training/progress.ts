/** The progress of a training run between two batches or two epochs: the part of a snapshot that `fit` resumes from. */

import type { CallbackState, EpochRecord, Logs } from './callback.ts';

/** The options that determine which samples a batch holds: those of `fit` or of `fitDataset`. */
export type DataOrder = Readonly<Record<string, number | boolean | string | null>>;

export interface TrainingProgress {
  readonly method: 'fit' | 'fitDataset';
  readonly data: DataOrder;
  /** The seed of the sample order; null without shuffling. */
  readonly seed: number | null;
  /** The current epoch, or the next one between epochs. */
  readonly epoch: number;
  /** The next batch of the epoch; null between epochs, when the callbacks have not been notified of its start. */
  readonly batch: number | null;
  /** Whether training was asked to stop. */
  readonly ended: boolean;
  /** The names of the loss and the metrics, their sums over the samples of this epoch, and the number of samples. */
  readonly labels: readonly string[];
  readonly sums: readonly number[];
  readonly seen: number;
  /** Logs of this epoch so far: those of its validation, once that has run. */
  readonly logs: Logs;
  readonly history: Readonly<EpochRecord>;
  /** The number of callbacks, and the states of those that have one, in order. */
  readonly callbacks: number;
  readonly states: readonly CallbackState[];
}
