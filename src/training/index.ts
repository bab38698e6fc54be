/** The public exports of training. */

export type { Shuffle } from '../inputs/samples.ts';
export {
  BaseCallback,
  Callback,
  type CallbackModel,
  type CallbackState,
  type Callbacks,
  CustomCallback,
  type CustomCallbackArgs,
  type EpochRecord,
  type Logs,
  type Params as CallbackParams,
} from './callback.ts';
export {
  callbacks,
  EarlyStopping,
  type EarlyStoppingCallbackArgs,
  type LearningRateSchedule,
  LearningRateScheduler,
  ModelCheckpoint,
  type ModelCheckpointArgs,
  ProgressBar,
  type ProgressBarArgs,
  ReduceLROnPlateau,
  type ReduceLROnPlateauArgs,
  TerminateOnNaN,
} from './callbacks/index.ts';
export type { MonitorOptions } from './callbacks/monitor.ts';
export type { BatchSource, DatasetBatch, ForeignTensor } from './dataset.ts';
export type { Evaluation, ModelEvaluateArgs, ModelEvaluateDatasetArgs } from './evaluation.ts';
export type { ModelFitArgs } from './fitArguments.ts';
export type { ModelFitDatasetArgs } from './fitDatasetArguments.ts';
export { History } from './history.ts';
export type { YieldEvery, YieldEvery as YieldEveryOptions } from './pace.ts';
export type { ProgressStream, Verbosity } from './verbosity.ts';
