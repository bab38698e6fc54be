/** `localstorage://`: models in the local storage of a page, under the keys of TF.js, so that either opens the other's. */

import { fail, reasonOf } from '../util/errors.ts';
import {
  concatWeightData,
  type InternalHandler,
  infoOf,
  type ModelArtifacts,
  type ModelArtifactsInfo,
  partsOf,
  type SaveResult,
  type WeightsManifestEntry,
} from './artifacts.ts';
import { fromBase64, toBase64 } from './base64.ts';
import { failAt, parseJson, readObject } from './filePath.ts';

const PREFIX = 'tensorflowjs_models/';
const INFO = '/info';

const keysOf = (name: string) => ({
  info: `${PREFIX}${name}${INFO}`,
  topology: `${PREFIX}${name}/model_topology`,
  weightSpecs: `${PREFIX}${name}/weight_specs`,
  weightData: `${PREFIX}${name}/weight_data`,
  modelMetadata: `${PREFIX}${name}/model_metadata`,
});

/** The local storage; null where there is none, or none for this page. */
function storage(): Storage | null {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

const needed = (call: string): Storage =>
  storage() ?? fail(call, 'localstorage:// must have a page with local storage, got none');

export function localStorageHandler(name: string): InternalHandler {
  return {
    save: (call, artifacts) => save(call, name, artifacts),
    load: call => load(call, name),
  };
}

async function save(call: string, name: string, artifacts: ModelArtifacts): Promise<SaveResult> {
  const store = needed(call);
  const modelArtifactsInfo = infoOf(artifacts);
  const { modelTopology, ...metadata } = partsOf(artifacts);
  const keys = keysOf(name);
  const items = {
    [keys.info]: JSON.stringify(modelArtifactsInfo),
    [keys.topology]: JSON.stringify(modelTopology),
    [keys.weightSpecs]: JSON.stringify(artifacts.weightSpecs),
    [keys.weightData]: toBase64(new Uint8Array(concatWeightData(artifacts.weightData))),
    [keys.modelMetadata]: JSON.stringify(metadata),
  };
  const before = Object.keys(items).map(key => [key, store.getItem(key)] as const);
  try {
    // Two models may be too many at once
    for (const [key] of before) store.removeItem(key);
    for (const [key, item] of Object.entries(items)) store.setItem(key, item);
  } catch (error) {
    for (const [key] of before) store.removeItem(key);
    for (const [key, item] of before) if (item !== null) store.setItem(key, item);
    const size = Object.values(items).reduce((sum, { length }) => sum + length, 0);
    fail(
      call,
      `localstorage://${name} must have room for ${size} characters, got ${reasonOf(error)}; try indexeddb://`,
    );
  }
  return { modelArtifactsInfo };
}

async function load(call: string, name: string): Promise<ModelArtifacts> {
  const store = needed(call);
  const keys = keysOf(name);
  if (store.getItem(keys.info) === null) fail(call, `localstorage://${name} must be a saved model, got none`);
  const read = (key: string): unknown => {
    const item = store.getItem(key);
    const place = { call, part: key };
    return item === null ? failAt(place, 'must be there, got nothing') : parseJson(place, item);
  };
  const metadata = store.getItem(keys.modelMetadata) === null ? {} : read(keys.modelMetadata);
  const topology = { call, part: keys.topology };
  const data = { call, part: keys.weightData };
  return {
    ...partsOf(readObject({ call, part: keys.modelMetadata }, metadata) as ModelArtifacts),
    modelTopology: readObject(topology, read(keys.topology)),
    weightSpecs: read(keys.weightSpecs) as WeightsManifestEntry[],
    weightData: fromBase64(data, store.getItem(keys.weightData) ?? failAt(data, 'must be there, got nothing')).buffer,
  };
}

/** By name. */
export async function listLocalStorage(call: string): Promise<Map<string, ModelArtifactsInfo>> {
  const store = storage();
  const found = new Map<string, ModelArtifactsInfo>();
  for (let n = 0; n < (store?.length ?? 0); n++) {
    const key = store!.key(n)!;
    if (!key.startsWith(PREFIX) || !key.endsWith(INFO) || key.length <= PREFIX.length + INFO.length) continue;
    const place = { call, part: key };
    const info = readObject(place, parseJson(place, store!.getItem(key)!)) as unknown as ModelArtifactsInfo;
    found.set(key.slice(PREFIX.length, -INFO.length), info);
  }
  return found;
}

export async function removeFromLocalStorage(call: string, name: string): Promise<ModelArtifactsInfo> {
  const store = needed(call);
  const keys = keysOf(name);
  const item = store.getItem(keys.info) ?? fail(call, `localstorage://${name} must be a saved model, got none`);
  // Also one that nobody can read any more
  for (const key of Object.values(keys)) store.removeItem(key);
  const place = { call, part: keys.info };
  return readObject(place, parseJson(place, item)) as unknown as ModelArtifactsInfo;
}
