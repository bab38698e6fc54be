/**
 * The compile options and the training state in a saved model. If TF.js has the same optimizer, options, loss and
 * metrics, `trainingConfig` contains them, so that TF.js can continue the training. Otherwise it is omitted, and TF.js
 * loads the model uncompiled instead of silently training it in another way. In both cases
 * `userDefinedMetadata.lstmWasm` contains the exact state. readTraining.ts reads both.
 */

import type { Layer } from '../../layers/layer.ts';
import type { Loss } from '../../objective/losses.ts';
import { describeLoss } from '../../objective/lossSettings.ts';
import type { MetricName } from '../../objective/metrics.ts';
import type { Objective } from '../../objective/objective.ts';
import type { Optimizer } from '../../optimizers/index.ts';
import { type Config, serialize } from '../../util/config.ts';
import { fail } from '../../util/errors.ts';
import { sizeOf } from '../../util/shapes.ts';
import type { OptimizerState, Parameters } from '../../weights/parameters.ts';
import { weightNamesOf } from '../weightNames.ts';
import { concatBytes, type TrainingConfig } from './artifacts.ts';
import { toBase64 } from './base64.ts';
import { isIdle, tfjsOptimizers, tfjsTrainingConfig } from './tfjsTraining.ts';
import type { NewWeight } from './weightData.ts';

/**
 * The compile options as data.
 *
 * @param purpose why they must be data, for the error message
 */
export function describeObjective(call: string, { optimizer, outputs }: Objective, purpose: string) {
  if (!optimizer.rateIsData) {
    fail(call, `learningRate must be a number or one of schedules.* ${purpose}, got a function`);
  }
  const custom = outputs.flatMap(({ custom, metrics }) => [custom, ...metrics.map(one => one.custom)]).find(Boolean);
  if (custom) fail(call, `${custom.title} must be a name ${purpose}, got a function`);
  // `compile` takes descriptions of losses with options in lists, too
  const losses = outputs.map(({ loss, settings }) => describeLoss(loss, settings) as Loss);
  const metricsOf = (isWeighted: boolean) => {
    const lists = outputs.map(({ metrics }) =>
      metrics
        .filter(({ weighted = false }) => weighted === isWeighted)
        .map(({ name, settings }) => describeLoss(name, settings) as MetricName),
    );
    return outputs.length === 1 ? lists[0]! : lists;
  };
  const weightedMetrics = metricsOf(true);
  const isNamed = outputs.length === 1 && typeof losses[0] === 'string';
  const weights = outputs.map(({ lossWeight }) => lossWeight);
  return {
    loss: isNamed ? losses[0]! : losses,
    metrics: metricsOf(false),
    ...(weightedMetrics.flat().length > 0 && { weightedMetrics }),
    ...(weights.some(weight => weight !== 1) && { lossWeights: weights }),
    optimizer: serialize(optimizer),
  };
}

/** The saved state of a training. */
export interface SavedTraining {
  readonly trainingConfig: TrainingConfig | null;
  /** For `userDefinedMetadata.lstmWasm`. */
  readonly own: Config;
  readonly weights: readonly NewWeight[];
}

/** A weight of the model, with its index among all weights. */
interface ModelWeight {
  readonly path: string;
  readonly shape: readonly number[];
  /** Whether an optimizer updates it, so that it has slots in TF.js. */
  readonly learns: boolean;
  readonly index: number;
}

export function weightsOf(layers: readonly Layer[]): ModelWeight[] {
  const names = weightNamesOf(layers);
  const all = layers.flatMap((layer, i) =>
    layer.weightSpecs.map((spec, n) => ({ path: names[i]![n]!, shape: spec.shape, learns: layer.learns(spec) })),
  );
  return all.map((weight, index) => ({ ...weight, index }));
}

/** TF.js stores the number of iterations as int32. */
export const MOST_COUNTED = 2 ** 31 - 1;

/** Describes the training state of a compiled model. */
export function describeTraining(
  call: string,
  layers: readonly Layer[],
  parameters: Pick<Parameters, 'optimizerState'>,
  objective: Objective,
  outputNames: readonly string[],
): SavedTraining {
  const { optimizer } = objective;
  const described = describeObjective(call, objective, 'to save the optimizer');
  const progress = parameters.optimizerState(call, optimizer);
  const weights = weightsOf(layers);
  const scale = tfjsOptimizers[optimizer.className]?.scale?.(optimizer) ?? 1;
  const trainingConfig = scale === 0 ? null : tfjsTrainingConfig(objective, outputNames);
  const kept = trainingConfig ? weights.filter(({ learns }) => learns) : weights;
  let next = 0;
  const slots = progress.batches === 0 ? [] : slotsOf(optimizer, trainingConfig !== null);
  const states = slots.map(({ name, idle }) => ({ name, run: idle ? null : progress.slotValues[next++]! }));
  const iterations = Int32Array.of(Math.min(progress.batches, MOST_COUNTED));
  return {
    trainingConfig,
    own: {
      ...described,
      batches: progress.batches,
      trained: progress.trained,
      counters: progress.counters,
      dropoutSeeds: layers.map(layer => [...layer.dropoutSeeds]),
      ...(trainingConfig &&
        isLost(optimizer, progress, weights, scale) && { slots: toBase64(concatBytes(progress.slotValues.flat())) }),
    },
    weights: [
      { name: 'iter', shape: [], dtype: 'int32', values: iterations },
      ...states.flatMap(({ name, run }) =>
        kept.map(({ path, shape, index }): NewWeight => {
          const own = run?.[index] ?? new Float32Array(sizeOf(shape));
          const values = trainingConfig && scale !== 1 ? own.map(value => value / scale) : own;
          return { name: `${path}/${name}`, shape, dtype: 'float32', values };
        }),
      ),
    ],
  };
}

/** Whether the TF.js slots lose information: by rounding, or because they omit frozen layers. */
function isLost(
  optimizer: Optimizer,
  { slotValues }: OptimizerState,
  weights: readonly ModelWeight[],
  scale: number,
): boolean {
  const frozen = weights.filter(({ learns }) => !learns);
  const learned = (run: readonly Float32Array[], slot: number) =>
    frozen.some(({ index }) => !isConstant(run[index]!, optimizer.slotStart(slot)));
  return slotValues.length > 0 && (scale !== 1 || slotValues.some(learned));
}

const isConstant = (values: Float32Array, value: number): boolean => {
  const start = Math.fround(value);
  return values.every(x => Object.is(x, start));
};

/** The slots of each weight, in file order; `idle` marks those that only TF.js has. */
export function slotsOf(optimizer: Optimizer, asTfjs: boolean): { name: string; idle: boolean }[] {
  if (asTfjs) {
    const names = tfjsOptimizers[optimizer.className]!.slots(optimizer);
    return names.map(name => ({ name, idle: isIdle(name, optimizer) }));
  }
  const names = Array.from({ length: optimizer.slots }, (_, n) => `slot${n}`);
  if (optimizer.useEma) names.push('average');
  return names.map(name => ({ name, idle: false }));
}
