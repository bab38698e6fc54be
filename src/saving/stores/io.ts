/** `io`: the storage functions of TF.js. */

import { limitArgumentsInTable } from '../../util/arguments.ts';
import { fail, show } from '../../util/errors.ts';
import { checkDepth } from '../config/filePath.ts';
import {
  type InternalHandler,
  type ModelArtifacts,
  type ModelArtifactsInfo,
  partsOf,
  type SaveResult,
  type TrainingConfig,
} from '../tfjs/artifacts.ts';
import { browserFilesHandler } from './browserFiles.ts';
import { fileSystemHandler } from './fileSystem.ts';
import { type HttpOptions, httpHandler } from './http.ts';
import { listIndexedDb, removeFromIndexedDb } from './indexedDb.ts';
import { listLocalStorage, removeFromLocalStorage } from './localStorage.ts';
import { loaderFor, publicHandler, saverFor, splitUrl } from './urlHandlers.ts';

/** The stores that can list their models, by URL scheme. */
const stores = {
  'localstorage://': { list: listLocalStorage, remove: removeFromLocalStorage },
  'indexeddb://': { list: listIndexedDb, remove: removeFromIndexedDb },
} as const;

const text = (call: string, name: string, value: unknown): string =>
  typeof value === 'string' && value !== '' ? value : fail(call, `${name} must be a URL, got ${show(value)}`);

export const io = /* @__PURE__ */ limitArgumentsInTable('io', {
  /**
   * Creates a handler that calls a function to save a model.
   *
   * @param handler called with the artifacts; `model.save` returns its result
   */
  withSaveHandler(handler: (artifacts: ModelArtifacts) => Promise<SaveResult> | SaveResult) {
    if (typeof handler !== 'function') fail('io.withSaveHandler', `handler must be a function, got ${show(handler)}`);
    return { save: async (artifacts: ModelArtifacts) => handler(artifacts) };
  },

  /**
   * Creates a handler that loads a model from memory.
   *
   * @param artifacts the artifacts that a save handler received; in the older form, the topology, followed by the other
   * arguments
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

  /** Creates a handler for files that the user selected in a page: model.json first, then its weight files. */
  browserFiles: (files: ArrayLike<File>) => loading('io.browserFiles', browserFilesHandler('io.browserFiles', files)),

  /** Creates a handler for a folder in Node, like `file://` with this path. */
  fileSystem(path: string) {
    const call = 'io.fileSystem';
    return both(call, fileSystemHandler(text(call, 'path', path)));
  },

  /**
   * Creates a handler for a server. It loads from the URL of a model.json, and saves by posting model.json and
   * model.weights.bin as a form.
   */
  http(url: string, options?: HttpOptions) {
    const call = 'io.http';
    return both(call, httpHandler(call, text(call, 'url', url), options));
  },

  /** The same as `io.http`. */
  browserHTTPRequest: (url: string, options?: HttpOptions) => io.http(url, options),

  /** Lists the models saved in localstorage:// and indexeddb://, by URL. */
  async listModels(): Promise<{ [url: string]: ModelArtifactsInfo }> {
    const found: [string, ModelArtifactsInfo][] = [];
    for (const [scheme, { list }] of Object.entries(stores)) {
      for (const [name, info] of await list('io.listModels')) found.push([`${scheme}${name}`, info]);
    }
    return Object.fromEntries(found);
  },

  /** Removes a model from localstorage:// or indexeddb://. */
  async removeModel(url: string): Promise<ModelArtifactsInfo> {
    return remove('io.removeModel', url);
  },

  /** Copies a saved model from one URL to another. */
  async copyModel(sourceUrl: string, targetUrl: string): Promise<ModelArtifactsInfo> {
    return copy('io.copyModel', sourceUrl, targetUrl);
  },

  /** Moves a saved model from localstorage:// or indexeddb:// to another URL. */
  async moveModel(sourceUrl: string, targetUrl: string): Promise<ModelArtifactsInfo> {
    const call = 'io.moveModel';
    storeOf(call, sourceUrl);
    const info = await copy(call, sourceUrl, targetUrl);
    await remove(call, sourceUrl);
    return info;
  },
});

// These handlers always have the methods named here
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
    fail(call, `targetUrl must differ from sourceUrl, got ${show(to)} twice`);
  }
  const save = saverFor(call, to);
  const load = loaderFor(call, from);
  const artifacts = await load();
  // Checked, because JSON.stringify would overflow the stack on endless nesting
  for (const [part, value] of Object.entries(partsOf(artifacts))) checkDepth({ call, part }, value);
  return (await save(artifacts)).modelArtifactsInfo;
}
