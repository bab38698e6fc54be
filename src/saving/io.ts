/** Where models are kept: `io` has the functions of TF.js by their names. */

import { exactTable } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import {
  type InternalHandler,
  type ModelArtifacts,
  type ModelArtifactsInfo,
  partsOf,
  type SaveResult,
  type TrainingConfig,
} from './artifacts.ts';
import { browserFilesHandler } from './browserFiles.ts';
import { checkDepth } from './filePath.ts';
import { fileSystemHandler } from './fileSystem.ts';
import { type HttpOptions, httpHandler } from './http.ts';
import { listIndexedDb, removeFromIndexedDb } from './indexedDb.ts';
import { listLocalStorage, removeFromLocalStorage } from './localStorage.ts';
import { loaderFor, publicHandler, saverFor, splitUrl } from './urlHandlers.ts';

/** What can be listed, by scheme. */
const stores = {
  'localstorage://': { list: listLocalStorage, remove: removeFromLocalStorage },
  'indexeddb://': { list: listIndexedDb, remove: removeFromIndexedDb },
} as const;

const text = (call: string, name: string, value: unknown): string =>
  typeof value === 'string' && value !== '' ? value : fail(call, `${name} must be a URL, got ${show(value)}`);

export const io = /* @__PURE__ */ exactTable('io', {
  /**
   * A handler that gives what is saved to a function.
   *
   * @param handler gets the artifacts; what it returns is what `model.save` gives
   */
  withSaveHandler(handler: (artifacts: ModelArtifacts) => Promise<SaveResult> | SaveResult) {
    if (typeof handler !== 'function') fail('io.withSaveHandler', `handler must be a function, got ${show(handler)}`);
    return { save: async (artifacts: ModelArtifacts) => handler(artifacts) };
  },

  /**
   * A handler that loads what a save handler once got.
   *
   * @param artifacts or, as older programs have it, the topology, followed by the other arguments
   */
  fromMemory(
    artifacts: ModelArtifacts | object,
    weightSpecs?: ModelArtifacts['weightSpecs'],
    weightData?: ModelArtifacts['weightData'],
    trainingConfig?: TrainingConfig,
  ) {
    const call = 'io.fromMemory';
    if (artifacts === null || typeof artifacts !== 'object') {
      fail(call, `artifacts must be an object, got ${show(artifacts)}`);
    }
    const whole = weightSpecs === undefined && ('modelTopology' in artifacts || 'weightSpecs' in artifacts);
    const all = whole ? artifacts : { modelTopology: artifacts, weightSpecs, weightData, trainingConfig };
    return { load: async (): Promise<ModelArtifacts> => all };
  },

  /** A handler for files that somebody chose in a page: model.json first, then those of its weights. */
  browserFiles: (files: ArrayLike<File>) => loading('io.browserFiles', browserFilesHandler('io.browserFiles', files)),

  /** A handler for a folder, in Node. The same as `file://` and the path. */
  fileSystem(path: string) {
    const call = 'io.fileSystem';
    return both(call, fileSystemHandler(text(call, 'path', path)));
  },

  /**
   * A handler for a server: loads from the URL of a model.json, and saves by sending model.json and model.weights.bin
   * to it as a form.
   */
  http(url: string, options?: HttpOptions) {
    const call = 'io.http';
    return both(call, httpHandler(call, text(call, 'url', url), options));
  },

  /** The same as `io.http`. */
  browserHTTPRequest: (url: string, options?: HttpOptions) => io.http(url, options),

  /** What has been saved in this page, by URL: localstorage:// and indexeddb://. */
  async listModels(): Promise<{ [url: string]: ModelArtifactsInfo }> {
    const found: [string, ModelArtifactsInfo][] = [];
    for (const [scheme, { list }] of Object.entries(stores)) {
      for (const [name, info] of await list('io.listModels')) found.push([`${scheme}${name}`, info]);
    }
    return Object.fromEntries(found);
  },

  /** Removes a saved model: localstorage:// or indexeddb://. */
  async removeModel(url: string): Promise<ModelArtifactsInfo> {
    return remove('io.removeModel', url);
  },

  /** Copies a saved model from one URL to another, without opening it. */
  async copyModel(sourceUrl: string, targetUrl: string): Promise<ModelArtifactsInfo> {
    return copy('io.copyModel', sourceUrl, targetUrl);
  },

  /** Copies a saved model from localstorage:// or indexeddb://, and removes it there. */
  async moveModel(sourceUrl: string, targetUrl: string): Promise<ModelArtifactsInfo> {
    const call = 'io.moveModel';
    storeOf(call, sourceUrl);
    const info = await copy(call, sourceUrl, targetUrl);
    await remove(call, sourceUrl);
    return info;
  },
});

// Each has the methods that it has, whatever other handlers have
const loading = (call: string, handler: InternalHandler) =>
  publicHandler(call, handler) as { load(): Promise<ModelArtifacts> };
const both = (call: string, handler: InternalHandler) =>
  publicHandler(call, handler) as {
    load(): Promise<ModelArtifacts>;
    save(artifacts: ModelArtifacts): Promise<SaveResult>;
  };

function storeOf(call: string, url: string) {
  const [scheme, name] = splitUrl(text(call, 'url', url));
  const store = (stores as { [scheme: string]: (typeof stores)[keyof typeof stores] | undefined })[scheme];
  if (!store) fail(call, `url must begin with ${Object.keys(stores).join(' or ')}, got ${show(url)}`);
  return { store, name };
}

async function remove(call: string, url: string): Promise<ModelArtifactsInfo> {
  const { store, name } = storeOf(call, url);
  return store.remove(call, name);
}

async function copy(call: string, from: string, to: string): Promise<ModelArtifactsInfo> {
  if (text(call, 'sourceUrl', from) === text(call, 'targetUrl', to)) {
    fail(call, `targetUrl must be another than sourceUrl, got ${show(to)} twice`);
  }
  const save = saverFor(call, to);
  const load = loaderFor(call, from);
  const artifacts = await load();
  // Checked, because JSON.stringify would overflow the stack on endless nesting
  for (const [part, value] of Object.entries(partsOf(artifacts))) checkDepth({ call, part }, value);
  return (await save(artifacts)).modelArtifactsInfo;
}
