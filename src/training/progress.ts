/** Where a training stands: with the weights, the optimizer and the states, all that the rest of it depends on. */

import type { CallbackState, Logs } from './callback.ts';

/**
 * What is being done: callbacks are told of an event, and the first `told` of them have been, or 'batches', where the first
 * batch is about to be read. From 'batchBegin' on a batch is there that has not been trained yet; all are told again.
 */
export type LoopPhase = (typeof loopPhases)[number];

export const loopPhases = ['epochBegin', 'batches', 'batchBegin', 'batchEnd', 'epochEnd', 'trainEnd'] as const;

/** What says which batch comes when: by `fit` samples, batchSize, shuffle; by `fitDataset` batchesPerEpoch. */
export type DataOrder = Readonly<Record<string, number | boolean | string | null>>;

export interface TrainingProgress {
  readonly method: 'fit' | 'fitDataset';
  readonly data: DataOrder;
  /** Of the order of the samples; null where that is not random. */
  readonly seed: number | null;
  /** Those that are not finished: the number of the epoch, and of the batch in it that comes next. */
  readonly epoch: number;
  readonly batch: number;
  readonly stage: LoopPhase;
  readonly told: number;
  /** Whether something has asked for the end. */
  readonly ended: boolean;
  /** What the losses and metrics of the epoch are called, their sums, and over how many samples. */
  readonly labels: readonly string[];
  readonly sums: readonly number[];
  readonly seen: number;
  /** The logs of the epoch and of its last batch as far as they have come. */
  readonly logs: Logs;
  readonly batchLogs: Logs;
  readonly history: {
    readonly epoch: readonly number[];
    readonly history: Readonly<Record<string, readonly number[]>>;
  };
  /** How many callbacks there are, and what those keep that keep something, in order. */
  readonly callbacks: number;
  readonly states: readonly CallbackState[];
}

/** How many epochs are behind it. */
export const epochsDone = ({ epoch, stage }: TrainingProgress): number => (stage === 'epochEnd' ? epoch + 1 : epoch);
