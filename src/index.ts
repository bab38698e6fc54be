/**
 * lstm-wasm: recurrent networks that train and predict in WebAssembly, in Node and in browsers.
 *
 * The names are those of the recurrent part of TensorFlow.js Layers.
 */

import { version as packageVersion } from '../package.json' with { type: 'json' };

export type { Activation as ActivationIdentifier, ActivationName } from './activations.ts';
export { enableProdMode, getBackend, setBackend } from './backend.ts';
export type { Config, ConfigValue } from './config.ts';
export { type Constraint, type ConstraintName, constraints } from './constraints.ts';
export { math } from './data/classes.ts';
export { type Dataset, data, type Stacked } from './data/dataset.ts';
export { type BackendInfo, backendInfo, configure, type InitOptions, init, ready } from './engine/engine.ts';
export { ValueError } from './errors.ts';
export { type Initializer, type InitializerName, initializers } from './initializers.ts';
export type { Inspection } from './inspect.ts';
export type { KernelsModule } from './kernelsModule.ts';
export * from './layers/index.ts';
export type { LayerOptions } from './layers/layer.ts';
export type { Loss } from './losses.ts';
export { type MetricFunction, metrics } from './metricFunctions.ts';
export type { MetricName } from './metrics.ts';
export type { CompileOptions, CompileOptions as ModelCompileArgs } from './objective.ts';
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
export { setRandomSeed } from './random.ts';
export { type Regularizer, type RegularizerName, regularizers } from './regularizers.ts';
export * from './saving/index.ts';
export { type Schedule, schedules } from './schedules.ts';
export { type Sequential, type Sequential as LayersModel, sequential } from './sequential.ts';
export type { NestedArray, NestedNumbers, NestedValues, Shape, TypedArray } from './shapes.ts';
export type { Stream } from './stream.ts';
export * from './tensor/index.ts';
export * from './training/index.ts';

export type { WeightOptions } from './weights.ts';

/** The version of this package. */
export const version: string = packageVersion;
