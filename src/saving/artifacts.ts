/** What a saved model consists of, in the layers-model format of TF.js, and what its handlers are. */

import { version } from '../../package.json' with { type: 'json' };
import type { Config } from '../util/config.ts';

/** The number types of weights in a file. @inline */
export type WeightType = 'float32' | 'int32' | 'bool';

/** A weight in a file: its numbers follow those of the one before. */
export interface WeightsManifestEntry {
  name: string;
  shape: number[];
  dtype: WeightType;
  /** 'optimizer' for what the optimizer keeps; absent for the weights of the model. */
  group?: 'model' | 'optimizer';
  /** How the numbers are stored where that is not as dtype says: read, never written. */
  quantization?: { dtype: 'uint8' | 'uint16' | 'float16'; scale?: number; min?: number };
}

/** Files, and the weights in them one after the other. */
export interface WeightsManifestGroup {
  /** Relative to the folder of model.json. */
  paths: string[];
  weights: WeightsManifestEntry[];
}

/** What a model was compiled with, in the words of TF.js. */
export interface TrainingConfig {
  loss: string;
  metrics: string[];
  optimizer_config: { class_name: string; config: Config };
}

/** A saved model in memory: what goes to a save handler, and comes from a load handler. */
export interface ModelArtifacts {
  /** What `model.toJSON` gives. */
  modelTopology?: object;
  format?: string;
  generatedBy?: string;
  convertedBy?: string | null;
  /** Only with `includeOptimizer`, and where TF.js has all that the model was compiled with. */
  trainingConfig?: TrainingConfig;
  weightSpecs?: WeightsManifestEntry[];
  /** The numbers of weightSpecs, one after the other. */
  weightData?: ArrayBuffer | ArrayBuffer[];
  /** What was set by `model.setUserDefinedMetadata`; under `lstmWasm`, what TF.js has no place for. */
  userDefinedMetadata?: { [name: string]: unknown };
  signature?: object;
  modelInitializer?: object;
  initializerSignature?: object;
}

/** What model.json holds. */
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

/** What `model.save` gives. */
export interface SaveResult {
  modelArtifactsInfo: ModelArtifactsInfo;
  /** Of a server that the model was sent to. */
  responses?: Response[];
  errors?: unknown[];
}

/** Where models go to and come from; anything with these methods will do. */
export interface IOHandler {
  save?(artifacts: ModelArtifacts): Promise<SaveResult> | SaveResult;
  load?(): Promise<ModelArtifacts> | ModelArtifacts;
}

/** A handler that says itself what it cannot read, in the name of the call that wanted it. */
export interface InternalHandler {
  save?(call: string, artifacts: ModelArtifacts): Promise<SaveResult>;
  load?(call: string, wishes?: ReadOptions): Promise<ModelArtifacts>;
}

/** Options for reading a model. */
export interface ReadOptions {
  onProgress?: OnProgress;
  /** Whether to reject weight files with more bytes than the weights need; default true. */
  strict?: boolean;
}

/** Hears what share has arrived, from 0 to 1. @inline */
export type OnProgress = (fraction: number) => void;

export const FORMAT = 'layers-model';
export const GENERATOR = 'lstm-wasm';
export const generatedBy = `${GENERATOR} v${version}`;

/** All but the weights, in the order of TF.js. */
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

/** The parts that are there. */
export function partsOf(source: Omit<ModelArtifacts, 'weightSpecs' | 'weightData'>): ModelJson {
  const present = parts.filter(part => source[part] !== undefined && (part === 'convertedBy' || source[part] !== null));
  return Object.fromEntries(present.map(part => [part, source[part]]));
}

/** model.json, with all weights in one file. */
export function modelJsonOf(artifacts: ModelArtifacts, weightsFile: string): ModelJson {
  const { weightSpecs } = artifacts;
  return {
    ...partsOf(artifacts),
    weightsManifest: weightSpecs ? [{ paths: [`./${weightsFile}`], weights: weightSpecs }] : [],
  };
}

/** The bytes of arrays, one after the other. */
export function concatBytes(pieces: readonly ArrayBufferView[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const { buffer, byteOffset, byteLength } of pieces) {
    whole.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return whole;
}

/** The numbers in one piece. */
export const concatWeightData = (data: ModelArtifacts['weightData']): ArrayBuffer =>
  Array.isArray(data) ? concatBytes(data.map(piece => new Uint8Array(piece))).buffer : (data ?? new ArrayBuffer(0));

const bytesOf = (value: unknown): number =>
  value === undefined ? 0 : new TextEncoder().encode(JSON.stringify(value)).length;

/** When a model was saved, and how large it is. */
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
