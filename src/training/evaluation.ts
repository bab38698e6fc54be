/** Options and results of `evaluate` and `evaluateDataset`. */

import type { SampleWeights } from '../inputs/sampleWeights.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Verbosity } from './verbosity.ts';

/** Options of `evaluate`. */
export interface ModelEvaluateArgs {
  /** Default 32, or the fixed batch size of the model. */
  batchSize?: number;
  /** A factor for the loss of each sample, [N], or of each of its time steps, [N, T]. */
  sampleWeight?: SampleWeights;
  /** 1 prints a line at the end; default 0. */
  verbose?: Verbosity;
}

/** Options of `evaluateDataset`. */
export interface ModelEvaluateDatasetArgs {
  /** The number of batches to evaluate; default all. */
  batches?: number;
  /** 1 prints a line at the end; default 0. */
  verbose?: Verbosity;
}

/**
 * The result of `evaluate`: the loss, or a list of the loss and the metrics if metrics were compiled. TypeScript cannot
 * know which, so this type can be used as a tensor and as a list. Cast to `Tensor` or `Tensor[]` for the exact type.
 */
export interface Evaluation extends Tensor {
  readonly [output: number]: Tensor;
  [Symbol.iterator](): Iterator<Tensor>;
}
