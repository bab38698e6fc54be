/** `indexeddb://`: models in IndexedDB, in the object stores of TF.js, so that each package can load the models of the other. */

import { fail, reasonOf } from '../../util/errors.ts';
import { readObject } from '../config/filePath.ts';
import {
  concatWeightData,
  type InternalHandler,
  infoOf,
  type ModelArtifacts,
  type ModelArtifactsInfo,
  type SaveResult,
} from '../tfjs/artifacts.ts';

const DATABASE = 'tensorflowjs';
const VERSION = 1;
const MODELS = 'models_store';
const INFOS = 'model_info_store';

/** An entry of the object stores. */
interface Entry {
  modelPath: string;
  modelArtifactsInfo: ModelArtifactsInfo;
}

export function indexedDbHandler(name: string): InternalHandler {
  return {
    async save(call, artifacts): Promise<SaveResult> {
      const modelArtifacts = { ...artifacts, weightData: concatWeightData(artifacts.weightData) };
      const modelArtifactsInfo = infoOf(modelArtifacts);
      // A single transaction, so that the save is atomic
      await transact(call, 'readwrite', stores => {
        stores.infos.put({ modelPath: name, modelArtifactsInfo });
        stores.models.put({ modelPath: name, modelArtifacts, modelArtifactsInfo });
      });
      return { modelArtifactsInfo };
    },
    async load(call): Promise<ModelArtifacts> {
      const entry = await runRequest<{ modelArtifacts: unknown }>(call, ({ models }) => models.get(name));
      if (!entry) fail(call, `indexeddb://${name} must be a saved model, got none`);
      return readObject({ call, part: `indexeddb://${name}` }, entry.modelArtifacts) as ModelArtifacts;
    },
  };
}

/** The saved models, by name. */
export async function listIndexedDb(call: string): Promise<Map<string, ModelArtifactsInfo>> {
  if (!factory()) return new Map();
  const entries = (await runRequest<Entry[]>(call, ({ infos }) => infos.getAll())) ?? [];
  return new Map(entries.map(({ modelPath, modelArtifactsInfo }) => [modelPath, modelArtifactsInfo]));
}

export async function removeFromIndexedDb(call: string, name: string): Promise<ModelArtifactsInfo> {
  const entry = await runRequest<Entry>(call, ({ infos }) => infos.get(name));
  if (!entry) fail(call, `indexeddb://${name} must be a saved model, got none`);
  await transact(call, 'readwrite', ({ infos, models }) => {
    infos.delete(name);
    models.delete(name);
  });
  return entry.modelArtifactsInfo;
}

interface Stores {
  readonly infos: IDBObjectStore;
  readonly models: IDBObjectStore;
}

function factory(): IDBFactory | null {
  try {
    return globalThis.indexedDB ?? null;
  } catch {
    return null;
  }
}

async function runRequest<T>(call: string, makeRequest: (stores: Stores) => IDBRequest): Promise<T | undefined> {
  let request: IDBRequest;
  await transact(call, 'readonly', stores => {
    request = makeRequest(stores);
  });
  return request!.result as T | undefined;
}

/** Runs `work` in its own transaction and waits until that has completed. */
async function transact(call: string, mode: IDBTransactionMode, work: (stores: Stores) => void): Promise<void> {
  const source = factory() ?? fail(call, 'indexeddb:// needs a browser page with IndexedDB');
  try {
    const opening = source.open(DATABASE, VERSION);
    opening.onupgradeneeded = () => {
      for (const store of [MODELS, INFOS]) opening.result.createObjectStore(store, { keyPath: 'modelPath' });
    };
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => reject(opening.error);
      opening.onblocked = () => reject(new Error('blocked by another page'));
    });
    try {
      const transaction = database.transaction([INFOS, MODELS], mode);
      const done = new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error);
        transaction.onerror = () => reject(transaction.error);
      });
      try {
        work({ infos: transaction.objectStore(INFOS), models: transaction.objectStore(MODELS) });
      } catch (error) {
        // Abort, so that requests made before the error are rolled back
        transaction.abort();
        await done.catch(() => {});
        throw error;
      }
      await done;
    } finally {
      database.close();
    }
  } catch (error) {
    fail(call, `indexeddb:// needs a usable database, got ${reasonOf(error)}`);
  }
}
