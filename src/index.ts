/**
 * lstm-wasm: recurrent networks that train and predict in WebAssembly, in Node and in browsers.
 *
 * The names are those of the recurrent part of TensorFlow.js Layers.
 */

import './core/full.ts';
import { version as packageVersion } from '../package.json' with { type: 'json' };

export { math } from './data/classes.ts';
export { type Dataset, data, type Stacked } from './data/dataset.ts';
export type { SampleWeightOptions } from './inputs/sampleWeights.ts';
export type { KernelsModule } from './kernelsModule.ts';
export type { Activation as ActivationIdentifier, ActivationName } from './layers/activations.ts';
export * from './layers/index.ts';
export type { Applied, ApplyOptions } from './layers/layer.ts';
export type { LayerOptions } from './layers/layerOptions.ts';
export {
  type ContainerArgs,
  type FunctionalModel,
  type InputOptions,
  input,
  model,
  SymbolicTensor,
} from './model/functional.ts';
export type { Inspection } from './model/inspect.ts';
export type { LayersModel } from './model/layersModel.ts';
export type { PredictOptions } from './model/prediction.ts';
export { type Sequential, sequential } from './model/sequential.ts';
export type { SequentialArgs } from './model/sequentialArgs.ts';
export type { Restored } from './model/snapshot.ts';
export type { Stream, StreamOptions } from './model/stream.ts';
export {
  type CtcBeam,
  type CtcBeamOptions,
  type CtcGreedyOptions,
  ctcBeamDecode,
  ctcGreedyDecode,
} from './objective/ctcDecode.ts';
export type { CustomFunction, CustomLoss } from './objective/custom.ts';
export {
  type Distribution,
  type DistributionSampleOptions,
  distribution,
  type Likelihood,
} from './objective/distribution.ts';
export type { Loss } from './objective/losses.ts';
export type { CtcOptions, LossWithOptions, PinballOptions } from './objective/lossSettings.ts';
export { type MetricFunction, metrics } from './objective/metricFunctions.ts';
export type { MetricName } from './objective/metrics.ts';
export type { CompileOptions, CompileOptions as ModelCompileArgs } from './objective/objective.ts';
export {
  type AdadeltaOptions,
  type AdagradOptions,
  type AdamaxOptions,
  type AdamOptions,
  type LearningRate,
  type MomentsOptions,
  type MomentumOptions,
  type Optimizer,
  type OptimizerFactory,
  type OptimizerName,
  type OptimizerOptions,
  type RmspropOptions,
  train,
} from './optimizers/index.ts';
export { type Schedule, schedules } from './optimizers/schedules.ts';
export * from './saving/index.ts';
export * from './tensor/index.ts';
export * from './training/index.ts';
export type { Config, ConfigValue } from './util/config.ts';
export { ValueError } from './util/errors.ts';
export { setRandomSeed } from './util/random.ts';
export type { NestedArray, NestedNumbers, NestedValues, Shape, TypedArray } from './util/shapes.ts';
export {
  type BackendInfo,
  backendInfo,
  type ConfigureOptions,
  configure,
  type InitOptions,
  init,
  ready,
} from './wasm/engine.ts';
export { enableProdMode, getBackend, setBackend } from './wasm/tfjsBackend.ts';
export { type Constraint, type ConstraintName, constraints } from './weights/constraints.ts';
export { type Initializer, type InitializerName, initializers } from './weights/initializers.ts';
export { type Regularizer, type RegularizerName, regularizers } from './weights/regularizers.ts';

/** The version of this package. */
export const version: string = packageVersion;
