/** The public functions and types for saving and loading models. */

export { type CustomLayerClass, serialization } from './serialization.ts';
export type { HttpOptions } from './stores/http.ts';
export { io } from './stores/io.ts';
export type {
  IOHandler,
  ModelArtifacts,
  ModelArtifactsInfo,
  SaveResult,
  TrainingConfig,
  WeightsManifestEntry,
} from './tfjs/artifacts.ts';
export { type LoadOptions, loadLayersModel, modelFromJSON, models } from './tfjs/load.ts';
export type { SaveOptions } from './tfjs/save.ts';
