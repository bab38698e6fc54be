/** `localstorage://`: models in local storage, under the keys of TF.js, so that each package can load the models of the other. */

import { fail, reasonOf } from '../../util/errors.ts';
import { failAt, readObject } from '../config/filePath.ts';
import { parseJson } from '../config/json.ts';
import {
  concatWeightData,
  type InternalHandler,
  infoOf,
  type ModelArtifacts,
  type ModelArtifactsInfo,
  partsOf,
  type SaveResult,
  type WeightsManifestEntry,
} from '../tfjs/artifacts.ts';
import { fromBase64, toBase64 } from '../tfjs/base64.ts';

const PREFIX = 'tensorflowjs_models/';
const INFO = '/info';

const keysOf = (name: string) => ({
  info: `${PREFIX}${name}${INFO}`,
  topology: `${PREFIX}${name}/model_topology`,
  weightSpecs: `${PREFIX}${name}/weight_specs`,
  weightData: `${PREFIX}${name}/weight_data`,
  modelMetadata: `${PREFIX}${name}/model_metadata`,
});

/** The local storage; null if the host has none or denies access. */
function storage(): Storage | null {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

const requireStorage = (call: string): Storage =>
  storage() ?? fail(call, 'localstorage:// needs a browser page with local storage');

export function localStorageHandler(name: string): InternalHandler {
  return {
    save: (call, artifacts) => save(call, name, artifacts),
    load: call => load(call, name),
  };
}

async function save(call: string, name: string, artifacts: ModelArtifacts): Promise<SaveResult> {
  const store = requireStorage(call);
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
    // Remove the previous model first, because both may exceed the quota
    for (const [key] of before) store.removeItem(key);
    for (const [key, item] of Object.entries(items)) store.setItem(key, item);
  } catch (error) {
    for (const [key] of before) store.removeItem(key);
    for (const [key, item] of before) if (item !== null) store.setItem(key, item);
    const size = Object.values(items).reduce((sum, { length }) => sum + length, 0);
    fail(
      call,
      `localstorage://${name} needs space for ${size} characters, got ${reasonOf(error)}; use indexeddb:// instead`,
    );
  }
  return { modelArtifactsInfo };
}

async function load(call: string, name: string): Promise<ModelArtifacts> {
  const store = requireStorage(call);
  const keys = keysOf(name);
  if (store.getItem(keys.info) === null) fail(call, `localstorage://${name} must be a saved model, got none`);
  const read = (key: string): unknown => {
    const item = store.getItem(key);
    const location = { call, part: key };
    return item === null ? failAt(location, 'must exist, got nothing') : parseJson(location, item);
  };
  const metadata = store.getItem(keys.modelMetadata) === null ? {} : read(keys.modelMetadata);
  const topology = { call, part: keys.topology };
  const data = { call, part: keys.weightData };
  return {
    ...partsOf(readObject({ call, part: keys.modelMetadata }, metadata) as ModelArtifacts),
    modelTopology: readObject(topology, read(keys.topology)),
    weightSpecs: read(keys.weightSpecs) as WeightsManifestEntry[],
    weightData: fromBase64(data, store.getItem(keys.weightData) ?? failAt(data, 'must exist, got nothing')).buffer,
  };
}

/** The saved models, by name. */
export async function listLocalStorage(call: string): Promise<Map<string, ModelArtifactsInfo>> {
  const store = storage();
  const found = new Map<string, ModelArtifactsInfo>();
  for (let n = 0; n < (store?.length ?? 0); n++) {
    const key = store!.key(n)!;
    if (!key.startsWith(PREFIX) || !key.endsWith(INFO) || key.length <= PREFIX.length + INFO.length) continue;
    const location = { call, part: key };
    const info = readObject(location, parseJson(location, store!.getItem(key)!)) as unknown as ModelArtifactsInfo;
    found.set(key.slice(PREFIX.length, -INFO.length), info);
  }
  return found;
}

export async function removeFromLocalStorage(call: string, name: string): Promise<ModelArtifactsInfo> {
  const store = requireStorage(call);
  const keys = keysOf(name);
  const item = store.getItem(keys.info) ?? fail(call, `localstorage://${name} must be a saved model, got none`);
  // Remove first, so that a damaged model can be removed too
  for (const key of Object.values(keys)) store.removeItem(key);
  const location = { call, part: keys.info };
  return readObject(location, parseJson(location, item)) as unknown as ModelArtifactsInfo;
}
