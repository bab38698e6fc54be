/** What the training loop needs from a model. */

import type { Batch } from '../inputs/batches.ts';
import type { ModelData } from '../inputs/parts.ts';
import type { BatchWeights } from '../inputs/sampleWeights.ts';
import type { Objective } from '../objective/objective.ts';
import type { TargetRule } from '../objective/targetForms.ts';
import type { TensorLike } from '../tensor/read.ts';
import type { SeedStream } from '../util/random.ts';
import type { Shape } from '../util/shapes.ts';
import type { Diagnosis } from '../util/warning.ts';
import type { CallbackModel } from './callback.ts';
import type { Means } from './means.ts';
import type { TrainingProgress } from './progress.ts';

export interface TrainedModel {
  /** The public model, for callbacks. */
  readonly model: CallbackModel;
  /** The seeds of the model, for the order of samples. */
  readonly seeds: SeedStream;
  /** Whether a training run is in progress. */
  training: boolean;
  /** Ends the current training run at the next batch when it is aborted. */
  signal: AbortSignal | null;
  /** The progress of the current training run, for snapshots; null outside of one. */
  progress: ((call: string) => TrainingProgress) | null;
  /** Checks a snapshot against the model, without changing the model. */
  readSnapshot(call: string, name: string, bytes: unknown): ModelSnapshot;
  /** What the model was compiled with; fails if it is not compiled or has been disposed of. */
  objective(call: string): Objective;
  /** Fails with `message` if the model has been disposed of. */
  checkNotDisposed(call: string, message: string): void;
  /** The fixed batch size of the model, or null. */
  fixedBatch(call: string): number | null;
  /** Whether a layer carries its state from batch to batch. */
  readonly stateful: boolean;
  /** The parts of x for each input. */
  inputs(call: string, name: string, x: ModelData): TensorLike[];
  /** The parts of y for each output. */
  outputs(call: string, name: string, y: ModelData): TensorLike[];
  outputNames(call: string): readonly string[];
  /**
   * The shapes of x and y, checked against the model and each other.
   *
   * @param samples the required number of samples; null for any
   */
  shapes(
    call: string,
    xs: readonly Batch[],
    ys: readonly Batch[],
    names: readonly [string, string],
    samples: number | null,
  ): Shapes;
  /** Fails if input n holds numbers that a layer cannot take. */
  checkInput(call: string, n: number, name: string, numbers: Float32Array): void;
  /** A new accumulator for the losses and the metrics. */
  means(call: string): Means;
  /** As `trainOnBatch`, with the name of the public call for error messages. */
  train(call: string, xs: readonly Batch[], ys: readonly Batch[], weights?: BatchWeights): number | number[];
  /** As `testOnBatch`. @param context for the warning about a loss that is not finite, such as ' of the validation' */
  test(
    call: string,
    xs: readonly Batch[],
    ys: readonly Batch[],
    weights?: BatchWeights,
    context?: () => string,
  ): number | number[];
  /** Runs several batches; if one of them fails, restores the carried states. */
  restoreStatesOnError<T>(work: () => Promise<T>): Promise<T>;
  restoreStatesOnError<T>(work: () => T): T;
  /** Warns once per training run of results of `train` that are not finite. */
  warnIfNotFinite(call: string, results: number | number[], context: () => string, diagnose: Diagnosis): void;
  /** Lets the next training run warn again. */
  resetWarning(call: string): void;
}

/** For each input or output. */
export interface Shapes {
  readonly xs: readonly (readonly number[])[];
  /** The shapes of y as given. */
  readonly ys: readonly (readonly number[])[];
  /** The shapes of y as the losses read them: class numbers with a last axis of 1, labels with an open axis. */
  readonly targets: readonly Shape[];
  /** What the losses accept as targets; null for all numbers, and for targets of steps that may be masked. */
  readonly rules: readonly (TargetRule | null)[];
  /** Names for error messages. */
  readonly xNames: readonly string[];
  readonly yNames: readonly string[];
}

/** A snapshot that fits the model. */
export interface ModelSnapshot {
  /** The training run it was taken in; null outside of one. */
  readonly progress: TrainingProgress | null;
  /** Restores the model. */
  write(): void;
}
