/** The options of `compile`: optimizer, loss and metrics. */

import { type Optimizer, type OptimizerName, resolveOptimizer } from '../optimizers/index.ts';
import { fail } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import { type Loss, type LossName, resolveLoss } from './losses.ts';
import type { MetricFunction } from './metricFunctions.ts';
import { type Metric, type MetricName, resolveMetrics } from './metrics.ts';

export interface Objective {
  readonly optimizer: Optimizer;
  readonly loss: LossName;
  readonly metrics: readonly Metric[];
}

export interface CompileOptions {
  /** One of `train.*`, or a name such as 'adam' or 'sgd' for default options. */
  optimizer: Optimizer | OptimizerName;
  /** The name of the loss in TF.js or Keras, such as 'meanSquaredError', or an abbreviation, such as 'mse'. */
  loss: Loss | MetricFunction | readonly [Loss | MetricFunction];
  /**
   * Names of metrics or losses, or functions of `metrics`, to compute in addition to the loss. 'acc' is the accuracy that
   * fits the output and the loss. Default: none.
   */
  metrics?: MetricName | MetricFunction | readonly (MetricName | MetricFunction)[];
}

/** The options of `compile`, checked. */
export function readObjective(call: string, options: CompileOptions): Objective {
  const known = checkOptions<CompileOptions>(call, options, ['optimizer', 'loss', 'metrics']);
  if (known.optimizer === undefined) fail(call, "optimizer must be one of train.* or a name such as 'adam', got none");
  if (known.loss === undefined) fail(call, "loss must be a name such as 'meanSquaredError', got none");
  const optimizer = resolveOptimizer(call, known.optimizer);
  const loss = resolveLoss(call, Array.isArray(known.loss) && known.loss.length === 1 ? known.loss[0] : known.loss);
  return { optimizer, loss, metrics: resolveMetrics(call, known.metrics, loss) };
}
