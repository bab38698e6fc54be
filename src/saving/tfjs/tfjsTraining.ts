/** What TF.js can train: its optimizers, losses and metrics, and the training config in which it writes them. */

import type { LossName } from '../../objective/losses.ts';
import type { Objective, OutputObjective } from '../../objective/objective.ts';
import type { Optimizer } from '../../optimizers/index.ts';
import { type Config, type ConfigValue, fromSnake, toPython } from '../../util/config.ts';
import type { TrainingConfig } from './artifacts.ts';

/** An optimizer of TF.js: its options, and its state per weight in file order. */
interface TfjsOptimizer {
  readonly options: readonly string[];
  slots(optimizer: Optimizer): readonly string[];
  /** The factor that converts a slot of TF.js to that of this package; default 1. */
  scale?(optimizer: Optimizer): number;
}

const rate = 'learningRate';

export const tfjsOptimizers: { readonly [className: string]: TfjsOptimizer } = {
  SGD: { options: [rate], slots: () => [] },
  Momentum: {
    options: [rate, 'momentum', 'useNesterov'],
    slots: () => ['momentum'],
    // TF.js accumulates gradients; this package accumulates steps
    scale: optimizer => -optimizer.learningRate,
  },
  RMSProp: {
    options: [rate, 'decay', 'momentum', 'epsilon', 'centered'],
    slots: optimizer => ['rms', 'momentum', ...(optimizer.getConfig().centered ? ['mg'] : [])],
  },
  Adagrad: { options: [rate, 'initialAccumulatorValue'], slots: () => ['accumulator'] },
  Adadelta: { options: [rate, 'rho', 'epsilon'], slots: () => ['accum_grad', 'accum_var'] },
  Adam: { options: [rate, 'beta1', 'beta2', 'epsilon'], slots: () => ['m', 'v'] },
};

/** The fixed epsilon of optimizers in TF.js that have no such option. */
const EPSILON = 1e-7;

/** Whether TF.js stores a slot but never reads it: the momentum of RMSProp if that is 0. */
export const isIdle = (slot: string, optimizer: Optimizer): boolean =>
  slot === 'momentum' && optimizer.className === 'RMSProp' && optimizer.getConfig().momentum === 0;

/** The options of the equivalent TF.js optimizer; null if there is none. */
function tfjsConfigOf(optimizer: Optimizer): Config | null {
  const known = tfjsOptimizers[optimizer.className];
  const config: Record<string, ConfigValue> = { ...optimizer.getConfig() };
  if (!known || typeof config.learningRate !== 'number') return null;
  if (optimizer.className === 'Adagrad' && config.epsilon === EPSILON) delete config.epsilon;
  return Object.keys(config).every(name => known.options.includes(name)) ? config : null;
}

const tfjsLosses: readonly LossName[] = [
  'meanSquaredError',
  'meanAbsoluteError',
  'meanAbsolutePercentageError',
  'meanSquaredLogarithmicError',
  'squaredHinge',
  'hinge',
  'categoricalHinge',
  'logcosh',
  'categoricalCrossentropy',
  'sparseCategoricalCrossentropy',
  'binaryCrossentropy',
  'kullbackLeiblerDivergence',
  'poisson',
  'cosineProximity',
];

/** The metrics that TF.js supports, and their names there. */
const tfjsMetrics: { readonly [name: string]: string } = {
  ...Object.fromEntries(
    [
      ...['acc', 'accuracy', 'ce', 'crossentropy', 'binaryAccuracy', 'categoricalAccuracy', 'precision'],
      ...['categoricalCrossentropy', 'sparseCategoricalCrossentropy', 'mse', 'mae', 'mape', 'cosine'],
    ].map(name => [name, name]),
  ),
  MSE: 'mse',
  MAE: 'mae',
  MAPE: 'mape',
  meanSquaredError: 'mse',
  meanAbsoluteError: 'mae',
  meanAbsolutePercentageError: 'mape',
  cosineProximity: 'cosine',
};

const snake = (name: string) => toPython(name) as string;

/** The TF.js training config; null if TF.js does not support all of it. */
export function tfjsTrainingConfig(
  { optimizer, outputs }: Objective,
  outputNames: readonly string[],
): TrainingConfig | null {
  const config = tfjsConfigOf(optimizer);
  if (!config || outputs.some(({ loss, lossWeight }) => lossWeight !== 1 || !tfjsLosses.includes(loss))) return null;
  const losses = outputs.map(({ loss }) => snake(loss));
  const metrics = tfjsMetricsOf(outputs, outputNames);
  if (!metrics || outputs.some(output => output.metrics.some(({ weighted }) => weighted))) return null;
  const optimizer_config = { class_name: optimizer.className, config };
  return { loss: losses.length === 1 ? losses[0]! : losses, metrics, optimizer_config };
}

/**
 * TF.js reads a list, which holds for every output, or an object of one metric by the name of the output. Null if it
 * does not support the metrics.
 */
function tfjsMetricsOf(
  outputs: readonly OutputObjective[],
  outputNames: readonly string[],
): TrainingConfig['metrics'] | null {
  const lists: string[][] = [];
  for (const { metrics } of outputs) {
    const names = metrics.map(({ name }) => tfjsMetrics[name] ?? tfjsMetrics[fromSnake(name)]);
    if (!names.every(name => name !== undefined)) return null;
    lists.push(names.map(snake));
  }
  const [first] = lists;
  if (lists.every(list => String(list) === String(first))) return first!;
  if (lists.some(list => list.length > 1)) return null;
  return Object.fromEntries(lists.flatMap((list, n) => list.map(name => [outputNames[n]!, name])));
}
