/** The parts of a saved model in the layers-model format of TF.js, and the interfaces of its handlers. */

import { version } from '../../../package.json' with { type: 'json' };
import type { Config } from '../../util/config.ts';

/** The number types of weights in a file. @inline */
export type WeightType = 'float32' | 'int32' | 'bool';

/** A weight in a file; its numbers follow those of the previous entry. */
export interface WeightsManifestEntry {
  name: string;
  shape: number[];
  dtype: WeightType;
  /** 'optimizer' for optimizer state; absent for the weights of the model. */
  group?: 'model' | 'optimizer';
  /** The storage type, if it differs from `dtype`. Read, but never written. */
  quantization?: { dtype: 'uint8' | 'uint16' | 'float16'; scale?: number; min?: number };
}

/** Weight files, and the weights that they contain in order. */
export interface WeightsManifestGroup {
  /** Relative to the folder of model.json. */
  paths: string[];
  weights: WeightsManifestEntry[];
}

/** The compile options of a model, by the names of TF.js. */
export interface TrainingConfig {
  /** A list for several outputs. */
  loss: string | string[];
  /** For all outputs, or by the name of the output. */
  metrics: string[] | { [output: string]: string };
  optimizer_config: { class_name: string; config: Config };
}

/** A saved model in memory, as passed to a save handler and returned by a load handler. */
export interface ModelArtifacts {
  /** The result of `model.toJSON`. */
  modelTopology?: object;
  format?: string;
  generatedBy?: string;
  convertedBy?: string | null;
  /** Present with `includeOptimizer`, if TF.js supports the optimizer, loss and metrics of the model. */
  trainingConfig?: TrainingConfig;
  weightSpecs?: WeightsManifestEntry[];
  /** The numbers of the weights, in the order of `weightSpecs`. */
  weightData?: ArrayBuffer | ArrayBuffer[];
  /** The argument of `model.setUserDefinedMetadata`; the key `lstmWasm` holds training state that TF.js cannot store. */
  userDefinedMetadata?: { [name: string]: unknown };
  signature?: object;
  modelInitializer?: object;
  initializerSignature?: object;
}

/** The content of model.json. */
export type ModelJson = Omit<ModelArtifacts, 'weightSpecs' | 'weightData'> & {
  weightsManifest?: WeightsManifestGroup[];
};

export interface ModelArtifactsInfo {
  dateSaved: Date;
  modelTopologyType: 'JSON';
  modelTopologyBytes: number;
  weightSpecsBytes: number;
  weightDataBytes: number;
}

/** The result of `model.save`. */
export interface SaveResult {
  modelArtifactsInfo: ModelArtifactsInfo;
  /** The response of the server, if the model was saved over HTTP. */
  responses?: Response[];
  errors?: unknown[];
}

/** Saves and loads models; implement it for custom storage. */
export interface IOHandler {
  save?(artifacts: ModelArtifacts): Promise<SaveResult> | SaveResult;
  load?(): Promise<ModelArtifacts> | ModelArtifacts;
}

/** A handler of this package, whose error messages name the public call. */
export interface InternalHandler {
  save?(call: string, artifacts: ModelArtifacts): Promise<SaveResult>;
  load?(call: string, options?: ReadOptions): Promise<ModelArtifacts>;
}

/** Options for reading a model. */
export interface ReadOptions {
  onProgress?: OnProgress;
  /** Whether to reject weight files with more bytes than the weights need; default true. */
  strict?: boolean;
}

/** Called with the fraction that has been loaded, from 0 to 1. @inline */
export type OnProgress = (fraction: number) => void;

export const FORMAT = 'layers-model';
export const GENERATOR = 'lstm-wasm';
export const generatedBy = `${GENERATOR} v${version}`;

/** All parts except the weights, in the order of TF.js. */
const parts = [
  'modelTopology',
  'format',
  'generatedBy',
  'convertedBy',
  'signature',
  'userDefinedMetadata',
  'modelInitializer',
  'initializerSignature',
  'trainingConfig',
] as const;

/** The parts that are present, without the weights. */
export function partsOf(source: Omit<ModelArtifacts, 'weightSpecs' | 'weightData'>): ModelJson {
  const present = parts.filter(part => source[part] !== undefined && (part === 'convertedBy' || source[part] !== null));
  return Object.fromEntries(present.map(part => [part, source[part]]));
}

/** The content of model.json, with all weights in one file. */
export function modelJsonOf(artifacts: ModelArtifacts, weightsFile: string): ModelJson {
  const { weightSpecs } = artifacts;
  return {
    ...partsOf(artifacts),
    weightsManifest: weightSpecs ? [{ paths: [`./${weightsFile}`], weights: weightSpecs }] : [],
  };
}

/** Concatenates the bytes of arrays. */
export function concatBytes(pieces: readonly ArrayBufferView[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const { buffer, byteOffset, byteLength } of pieces) {
    whole.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return whole;
}

/** Concatenates the buffers of the weights. */
export const concatWeightData = (data: ModelArtifacts['weightData']): ArrayBuffer =>
  Array.isArray(data) ? concatBytes(data.map(piece => new Uint8Array(piece))).buffer : (data ?? new ArrayBuffer(0));

const bytesOf = (value: unknown): number =>
  value === undefined ? 0 : new TextEncoder().encode(JSON.stringify(value)).length;

/** The date and the sizes of a saved model. */
export function infoOf({ modelTopology, weightSpecs, weightData }: ModelArtifacts): ModelArtifactsInfo {
  const pieces = Array.isArray(weightData) ? weightData : weightData ? [weightData] : [];
  return {
    dateSaved: new Date(),
    modelTopologyType: 'JSON',
    modelTopologyBytes: bytesOf(modelTopology),
    weightSpecsBytes: bytesOf(weightSpecs),
    weightDataBytes: pieces.reduce((sum, { byteLength }) => sum + byteLength, 0),
  };
}
