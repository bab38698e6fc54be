/**
 * lstm-wasm/scale: many models at once. Tasks run in threads of this process, or with `lstm-wasm/scale/bullmq` on other
 * machines, with the same results.
 */

export { packData, putData, unpackData } from './blobs.ts';
export type { EachOptions, EachProgress } from './eachSeries.ts';
export { type Engine, type Json, type Result, type RunOptions, type Store, type Task, TaskError } from './engine.ts';
export {
  type BacktestEachOptions,
  type BacktestedSeries,
  backtestEach,
  FittedSeries,
  fitEach,
  type OfSeries,
  type PredictEachOptions,
  type PredictedSeries,
  predictEach,
} from './fitEach.ts';
export { type LocalOptions, local } from './local.ts';
export { fromBytes } from './models.ts';
export {
  type FileValue,
  type FitValue,
  Pruned,
  type RunTaskOptions,
  runTask,
  type Snapshotted,
  type TaskArguments,
  type TaskReturn,
} from './runTask.ts';
export * from './search/index.ts';
export { sharded } from './sharded.ts';
export { folderStore, memoryStore } from './stores.ts';
export { makeTask, type TaskParts } from './task.ts';
