/** What the loop needs of a model, some of which is nobody else's business. */

import type { Batch } from '../batches.ts';
import type { Objective } from '../objective.ts';
import type { Sequential } from '../sequential.ts';
import type { WeightOptions } from '../weights.ts';

export interface Trainee {
  /** The model itself, for callbacks. */
  readonly model: Sequential;
  /** Whether a training is going on. */
  training: boolean;
  /** What the model is compiled for; fails where it is not, or is disposed of. */
  objective(call: string): Objective;
  /** Fails where the model is disposed of. */
  alive(call: string, message: string): void;
  /** The batch size where the model fixes it. */
  fixedBatch(call: string): number | null;
  /** Whether a layer carries its state from batch to batch. */
  readonly stateful: boolean;
  /**
   * The shapes of x and y, checked against the model and each other.
   *
   * @param samples how many there must be; null for any number
   */
  shapes(call: string, x: Batch, y: Batch, names: readonly [string, string], samples: number | null): Shapes;
  /** Fails where x holds numbers that a layer cannot take. */
  checkInput(call: string, name: string, numbers: Float32Array): void;
  /** The names of what `train` and `test` return: 'loss', then the metrics. */
  labels(): string[];
  /** How many classes there are where y holds their numbers and every one counts; else null. */
  classes(call: string): number | null;
  /** `trainOnBatch` under the name of the call that wants it. */
  train(call: string, x: Batch, y: Batch, weights?: WeightOptions): number | number[];
  test(call: string, x: Batch, y: Batch, weights?: WeightOptions): number | number[];
}

export interface Shapes {
  readonly x: number[];
  /** As y is given. */
  readonly y: number[];
  /** As the loss reads it: numbers of classes with their last axis. */
  readonly target: number[];
}
