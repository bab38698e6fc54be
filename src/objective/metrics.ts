/** The metrics of `compile`, by name: all losses, and those of assembly/losses/metrics.ts. */

import { fail, show } from '../util/errors.ts';
import { checkName } from '../util/options.ts';
import type { metricNumbers } from '../wasm/shared.generated.ts';
import { type Custom, type CustomFunction, customOf } from './custom.ts';
import { fromClassName, isSparse, type LossName, lossSpellings } from './losses.ts';
import { type LossSettings, LossWithOptions, lossFromConfig } from './lossSettings.ts';
import { nameOfFunction } from './metricNames.ts';

/** The metrics that are not losses. */
export type ScoreName = keyof typeof metricNumbers;

/** All accepted names of metrics that are not names of losses. */
const metricSpellings = {
  binaryAccuracy: 'binaryAccuracy',
  binary_accuracy: 'binaryAccuracy',
  categoricalAccuracy: 'categoricalAccuracy',
  categorical_accuracy: 'categoricalAccuracy',
  sparseCategoricalAccuracy: 'sparseCategoricalAccuracy',
  sparse_categorical_accuracy: 'sparseCategoricalAccuracy',
  precision: 'precision',
  recall: 'recall',
  r2Score: 'r2Score',
  r2_score: 'r2Score',
  cosineSimilarity: 'cosineSimilarity',
  cosine_similarity: 'cosineSimilarity',
  rootMeanSquaredError: 'rootMeanSquaredError',
  root_mean_squared_error: 'rootMeanSquaredError',
  rmse: 'rootMeanSquaredError',
  RMSE: 'rootMeanSquaredError',
  logCoshError: 'logcosh',
  log_cosh_error: 'logcosh',
} as const satisfies Record<string, ScoreName | LossName>;

/** Names whose meaning depends on the loss and the output, and their keys in `history`. */
const outputDependent = { accuracy: 'acc', acc: 'acc', crossentropy: 'ce', ce: 'ce' } as const;

/** The name of a metric in `compile`. @useDeclaredType */
export type MetricName = keyof typeof outputDependent | keyof typeof metricSpellings | keyof typeof lossSpellings;

const spellings = [
  ...new Set([...Object.keys(outputDependent), ...Object.keys(metricSpellings), ...Object.keys(lossSpellings)]),
] as MetricName[];

/** A metric of a compiled model. */
export interface Metric {
  /** The name given to `compile`; that of a custom metric is the name of its function. */
  readonly name: string;
  /** The name in `metricsNames` and `history`. */
  readonly key: string;
  /** Null for a built-in metric. */
  readonly custom?: Custom;
  /** Whether the values are weighted with sample weights. */
  readonly weighted?: boolean;
  /** The metric for an output with a number of features; of a custom one, what takes targets of the same shape. */
  kindOf(width: number): LossName | ScoreName;
  /** The options of a loss that is used as a metric. */
  readonly settings?: LossSettings;
}

export function resolveMetrics(call: string, value: unknown, loss: LossName, weighted: unknown = null): Metric[] {
  const plain = resolveList(call, 'metrics', value, loss);
  const metrics = [
    ...plain,
    ...resolveList(call, 'weightedMetrics', weighted, loss).map(metric => {
      // As in Keras
      const key = plain.some(other => other.key === metric.key) ? `weighted_${metric.key}` : metric.key;
      return { ...metric, key, weighted: true };
    }),
  ];
  const keys = metrics.map(({ key }) => key);
  // As in TF.js, equal names get numbers
  return metrics.map((metric, n) => {
    const { key } = metric;
    if (keys.indexOf(key) === keys.lastIndexOf(key)) return metric;
    return { ...metric, key: `${key}_${keys.slice(0, n).filter(other => other === key).length}` };
  });
}

function resolveList(call: string, argument: string, value: unknown, loss: LossName): Metric[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) return [resolveMetric(call, argument, value, loss)];
  // Not `map`, which skips holes
  return Array.from(value, (one, n) => resolveMetric(call, `${argument}[${n}]`, one, loss));
}

function resolveMetric(call: string, argument: string, given: unknown, loss: LossName): Metric {
  const own = lossFromConfig(call, argument, given);
  if (own instanceof LossWithOptions) {
    const { name, settings } = own;
    return { name, key: name, settings, kindOf: () => name };
  }
  const value = nameOfFunction(own) ?? own;
  if (typeof value === 'function') return customMetric(call, argument, value as CustomFunction);
  // In Keras, the class Accuracy is another metric than the name 'accuracy'
  const name = checkName(call, argument, value === 'Accuracy' ? value : fromClassName(value, spellings), spellings);
  if (name in outputDependent) {
    const key = outputDependent[name as keyof typeof outputDependent];
    return { name, key, kindOf: width => (key === 'acc' ? accuracyFor : crossentropyFor)(width, loss) };
  }
  // Names of metrics come last: in Keras, the metric cosineSimilarity is not the negative, as the loss is
  const kind = { ...lossSpellings, ...metricSpellings }[
    name as keyof typeof metricSpellings | keyof typeof lossSpellings
  ];
  const sparse = kind === 'sparseCategoricalAccuracy' || kind === 'sparseCategoricalCrossentropy';
  if (sparse !== isSparse(loss)) {
    const rule = isSparse(loss) ? "for class indices, such as 'acc'," : 'for targets as wide as the output';
    fail(call, `${argument} must be ${rule} if the loss is '${loss}', got '${name}'`);
  }
  return { name, key: name, kindOf: () => kind };
}

/** A function as a metric. As in TF.js, its name is the key of its values. */
function customMetric(call: string, argument: string, given: CustomFunction): Metric {
  const name = nameOfFunction(given) ?? String(given.name);
  if (name in Object.prototype || ['loss', 'batch', 'size'].includes(name)) {
    fail(call, `${argument} must not be a function with the name of other logs, got ${show(given)}`);
  }
  return { name, key: name, custom: customOf('metric', name, given), kindOf: () => 'meanSquaredError' };
}

/** The meaning of 'accuracy', as in TF.js. */
function accuracyFor(width: number, loss: LossName): ScoreName {
  if (width === 1 || loss === 'binaryCrossentropy') return 'binaryAccuracy';
  return isSparse(loss) ? 'sparseCategoricalAccuracy' : 'categoricalAccuracy';
}

/** The meaning of 'crossentropy', as in TF.js. */
function crossentropyFor(width: number, loss: LossName): LossName {
  if (width === 1 || loss === 'binaryCrossentropy') return 'binaryCrossentropy';
  return isSparse(loss) ? 'sparseCategoricalCrossentropy' : 'categoricalCrossentropy';
}
