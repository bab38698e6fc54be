/** The public functions and types for saving and loading models. */

export type {
  IOHandler,
  ModelArtifacts,
  ModelArtifactsInfo,
  SaveResult,
  TrainingConfig,
  WeightsManifestEntry,
} from './artifacts.ts';
export type { HttpOptions } from './http.ts';
export { io } from './io.ts';
export { type LoadOptions, loadLayersModel, modelFromJSON, models } from './load.ts';
export type { SaveOptions } from './save.ts';
