/** The options of `compile`: optimizer, losses and metrics. */

import { type Optimizer, type OptimizerName, resolveOptimizer } from '../optimizers/index.ts';
import { fail, show, suggest } from '../util/errors.ts';
import { checkNumber, checkOptions, isPlain } from '../util/options.ts';
import { Place } from '../util/part.ts';
import { useKernels } from '../wasm/engine.ts';
import { lossKernels } from '../wasm/kernelPlaces.ts';
import { training } from '../wasm/modules/training.generated.ts';
import { type Custom, type CustomFunction, type CustomLoss, customOf, isCustomLoss } from './custom.ts';
import type { Loss, LossName, readBuiltInLoss } from './losses.ts';
import { type LossSettings, type LossWithOptions, noSettings } from './lossSettings.ts';
import { nameOfFunction } from './metricNames.ts';
import type { Metric, MetricName, resolveMetrics } from './metrics.ts';
import type { checkMetrics } from './targetForms.ts';

/** What an output is compared with its target by. */
export interface OutputObjective {
  /** The loss; with a custom one, a built-in loss with targets of the same shape. */
  readonly loss: LossName;
  readonly custom?: Custom;
  /** The options of the loss. */
  readonly settings?: LossSettings;
  /** The factor of the loss in the sum of all losses. */
  readonly lossWeight: number;
  readonly metrics: readonly Metric[];
}

export interface Objective {
  readonly optimizer: Optimizer;
  /** For each output. */
  readonly outputs: readonly OutputObjective[];
  /** The names of the results: 'loss', with several outputs the loss of each, then the metrics. */
  readonly labels: readonly string[];
}

/** A loss, as `compile` takes it. @inline */
type AnyLoss = Loss | LossWithOptions | CustomFunction | CustomLoss;
/** The metrics of one output, as `compile` takes them. @inline */
type AnyMetrics = AnyMetric | readonly AnyMetric[];
/** @inline */
type AnyMetric = MetricName | LossWithOptions | CustomFunction;

export interface CompileOptions {
  /** One of `train.*`, or a name such as 'adam' or 'sgd' for default options. */
  optimizer: Optimizer | OptimizerName;
  /**
   * The name of the loss in TF.js or Keras, such as 'meanSquaredError', or an abbreviation, such as 'mse'; or
   * `losses.pinball` or `losses.ctc` with options. Or a function of targets and predictions, written with the functions of
   * tensors; or an object with its value and its gradient. For several outputs: one for all of them, a list, or an object by
   * the name of the output.
   */
  loss: AnyLoss | readonly AnyLoss[] | Readonly<Record<string, AnyLoss>>;
  /** The factor of each loss in the sum that is trained: a list, or an object by the name of the output. Default: 1. */
  lossWeights?: readonly number[] | Readonly<Record<string, number>>;
  /**
   * Names of metrics or losses, losses with options, functions of `metrics`, or functions of targets and predictions, to
   * compute in addition to the loss. 'acc' is the accuracy that fits the output and the loss. For several outputs: a list
   * for all of them, or an object by the name of the output. Default: none.
   */
  metrics?: AnyMetrics | Readonly<Record<string, AnyMetrics>> | readonly (readonly AnyMetric[])[];
  /**
   * Metrics whose values are weighted with `sampleWeight` and `classWeight`; forms and default as for `metrics`. A function
   * of targets and predictions must return a value for each sample or time step. A metric that is also in `metrics` has the
   * name `weighted_` and its own.
   */
  weightedMetrics?: AnyMetrics | Readonly<Record<string, AnyMetrics>> | readonly (readonly AnyMetric[])[];
}

/**
 * The options of `compile`, checked.
 *
 * @param names of the outputs of the model
 */
export function readObjective(call: string, options: CompileOptions, names: readonly string[]): Objective {
  const known = checkOptions<CompileOptions>(call, options, [
    ...['optimizer', 'loss', 'lossWeights', 'metrics', 'weightedMetrics'],
  ]);
  if (known.optimizer === undefined) fail(call, "optimizer must be one of train.* or a name such as 'adam', got none");
  if (known.loss === undefined) fail(call, "loss must be a name such as 'meanSquaredError', got none");
  const optimizer = resolveOptimizer(call, known.optimizer);
  const losses = forOutputs(call, 'loss', known.loss, names).map(loss => {
    if (loss === undefined)
      fail(call, `loss must have one for each output, ${names.join(', ')}, got ${show(known.loss)}`);
    return readLoss(call, loss);
  });
  const weights = readLossWeights(call, known.lossWeights, names);
  const metrics = readMetrics(call, 'metrics', known.metrics, names);
  const weighted = readMetrics(call, 'weightedMetrics', known.weightedMetrics, names);
  const outputs = losses.map(({ loss, settings, custom }, n) => ({
    loss,
    settings,
    ...(custom && { custom }),
    lossWeight: weights[n]!,
    metrics:
      isEmpty(metrics[n]) && isEmpty(weighted[n])
        ? []
        : scores.need(call).resolveMetrics(call, metrics[n], loss, weighted[n]),
  }));
  for (const { loss, settings, metrics } of outputs) {
    if (metrics.length > 0) scores.need(call).checkMetrics(call, metrics, loss, settings);
  }
  useKernels(training);
  const isPlain = ({ loss, metrics }: OutputObjective) =>
    loss === 'meanSquaredError' && metrics.every(metric => metric.custom);
  if (!outputs.every(isPlain)) useKernels(lossKernels.need(call));
  return { optimizer, outputs, labels: labelsOf(outputs, names) };
}

/** Its names, for which no other code is needed. */
const meanSquaredError: readonly unknown[] = ['meanSquaredError', 'mean_squared_error', 'mse', 'MSE'];

/** Metrics, and losses other than the mean squared error. */
export const scores: Place<{
  readonly checkMetrics: typeof checkMetrics;
  readonly readBuiltInLoss: typeof readBuiltInLoss;
  readonly resolveMetrics: typeof resolveMetrics;
}> = /* @__PURE__ */ new Place('lossesAndMetrics');

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (Array.isArray(value) && value.length === 0);

function readLoss(call: string, given: unknown): { loss: LossName; settings: LossSettings; custom?: Custom } {
  const isFunction = typeof given === 'function' && nameOfFunction(given) === null;
  if (!isFunction && !isCustomLoss(given)) {
    if (meanSquaredError.includes(given)) return { loss: 'meanSquaredError', settings: noSettings };
    return scores.need(call).readBuiltInLoss(call, given);
  }
  const own = given as CustomFunction | CustomLoss;
  return { loss: 'meanSquaredError', settings: noSettings, custom: customOf('loss', String(own.name), own) };
}

/** The value for each output; undefined where an object has none. */
function forOutputs(call: string, option: string, value: unknown, names: readonly string[]): unknown[] {
  if (Array.isArray(value)) {
    if (value.length !== names.length) {
      fail(call, `${option} must be one for all outputs or a list of ${names.length}, got a list of ${value.length}`);
    }
    return Array.from(value);
  }
  if (!isPlain(value) || isCustomLoss(value)) return names.map(() => value);
  const values = value as Record<string, unknown>;
  const unknown = Object.keys(values).find(name => !names.includes(name));
  if (unknown !== undefined) {
    fail(call, `${option} must name outputs (${names.join(', ')}), got '${unknown}'${suggest(unknown, names)}`);
  }
  return names.map(name => values[name]);
}

function readLossWeights(call: string, value: unknown, names: readonly string[]): number[] {
  if (value === undefined || value === null) return names.map(() => 1);
  if (!Array.isArray(value) && !isPlain(value)) {
    fail(call, `lossWeights must be a list or an object of numbers, got ${show(value)}`);
  }
  return forOutputs(call, 'lossWeights', value, names).map((weight, n) =>
    weight === undefined ? 1 : Math.fround(checkNumber(call, `lossWeights of ${names[n]}`, weight)),
  );
}

/** The metrics of each output: those of the object or the list of lists, or the same for all. */
function readMetrics(call: string, option: string, value: unknown, names: readonly string[]): unknown[] {
  const isPerOutput = isPlain(value) || (names.length > 1 && Array.isArray(value) && value.some(Array.isArray));
  return isPerOutput ? forOutputs(call, option, value, names) : names.map(() => value);
}

function labelsOf(outputs: readonly OutputObjective[], names: readonly string[]): string[] {
  if (outputs.length === 1) return ['loss', ...outputs[0]!.metrics.map(({ key }) => key)];
  const named = outputs.flatMap(({ metrics }, n) => metrics.map(({ key }) => `${names[n]}_${key}`));
  return ['loss', ...names.map(name => `${name}_loss`), ...named];
}
