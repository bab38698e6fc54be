/**
 * `lstm-wasm` for pages where every kilobyte counts: models to train and to run, without the parts that `use` adds. The layers
 * come from `lstm-wasm/layers`.
 */

export type { SampleWeightOptions } from '../inputs/sampleWeights.ts';
export { type ContainerArgs, type FunctionalModel, type InputOptions, input, model } from '../model/functional.ts';
export type { LayersModel } from '../model/layersModel.ts';
export type { PredictOptions } from '../model/prediction.ts';
export { type Sequential, sequential } from '../model/sequential.ts';
export type { SequentialArgs } from '../model/sequentialArgs.ts';
export type { CompileOptions } from '../objective/objective.ts';
export { type Optimizer, type OptimizerName, train } from '../optimizers/index.ts';
export { Tensor } from '../tensor/tensor.ts';
export { ValueError } from '../util/errors.ts';
export { type Part, use } from '../util/part.ts';
export { setRandomSeed } from '../util/random.ts';
export { type ConfigureOptions, configure } from '../wasm/engine.ts';
export { type Constraint, constraints } from '../weights/constraints.ts';
export { type Initializer, initializers } from '../weights/initializers.ts';
export { type Regularizer, regularizers } from '../weights/regularizers.ts';
export * from './parts.ts';
