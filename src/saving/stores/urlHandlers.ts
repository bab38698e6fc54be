/** Selects the storage handler for a URL by its scheme. */

import { fail, show } from '../../util/errors.ts';
import type { InternalHandler, IOHandler, ModelArtifacts, ReadOptions, SaveResult } from '../tfjs/artifacts.ts';
import { downloadsHandler } from './browserFiles.ts';
import { fileSystemHandler } from './fileSystem.ts';
import { type HttpOptions, httpHandler } from './http.ts';
import { indexedDbHandler } from './indexedDb.ts';
import { localStorageHandler } from './localStorage.ts';

export type Save = (artifacts: ModelArtifacts) => Promise<SaveResult>;
export type Load = (readOptions?: ReadOptions) => Promise<ModelArtifacts>;

const schemes = ['file://', 'localstorage://', 'indexeddb://', 'downloads://', 'http://', 'https://'];

/** The scheme of a URL, or '' if it has none, and the rest of the URL. */
export function splitUrl(url: string): [scheme: string, rest: string] {
  const scheme = schemes.find(known => url.startsWith(known)) ?? '';
  return [scheme, url.slice(scheme.length)];
}

function handlerOf(call: string, url: string, options?: HttpOptions): InternalHandler {
  const [scheme, name] = splitUrl(url);
  if (name === '' && scheme !== 'downloads://') fail(call, `the URL must have a name after ${show(scheme)}, got none`);
  if (scheme === 'file://') return fileSystemHandler(name);
  if (scheme === 'localstorage://') return localStorageHandler(name);
  if (scheme === 'indexeddb://') return indexedDbHandler(name);
  if (scheme === 'downloads://') return downloadsHandler(name);
  if (scheme === '' && /^[a-z][a-z0-9+.-]*:\/\//i.test(url)) unknown(call, url);
  return httpHandler(call, url, options);
}

const unknown = (call: string, url: string): never =>
  fail(call, `the URL must begin with ${schemes.join(', ')}, got ${show(url)}`);

/** The internal handler behind each public handler of this package. */
const internalHandlers = new WeakMap<object, InternalHandler>();

/** Converts an internal handler to a public one. */
export function publicHandler(call: string, handler: InternalHandler): IOHandler {
  const { save, load } = handler;
  const io: IOHandler = {
    ...(save && { save: (artifacts: ModelArtifacts) => save(call, artifacts) }),
    ...(load && { load: () => load(call) }),
  };
  internalHandlers.set(io, handler);
  return io;
}

/** The function that saves to a URL or with a handler. */
export function saverFor(call: string, target: string | IOHandler): Save {
  if (typeof target === 'string') {
    if (splitUrl(target)[0] === '') unknown(call, target);
    const { save } = handlerOf(call, target);
    return artifacts => save!(call, artifacts);
  }
  const found = isHandler(target) ? internalHandlers.get(target) : undefined;
  if (found?.save) return artifacts => found.save!(call, artifacts);
  if (!isHandler(target) || typeof target.save !== 'function') {
    fail(call, `target must be a URL or a handler with a save method, got ${show(target)}`);
  }
  return async artifacts => target.save!(artifacts);
}

/** The function that loads from a URL or with a handler. */
export function loaderFor(call: string, source: string | IOHandler, options?: HttpOptions): Load {
  if (typeof source === 'string') {
    const { load } = handlerOf(call, source, options);
    if (!load) fail(call, `source must be a URL that models can be loaded from, got ${show(source)}`);
    return readOptions => load(call, readOptions);
  }
  const found = isHandler(source) ? internalHandlers.get(source) : undefined;
  if (found?.load) return readOptions => found.load!(call, readOptions);
  if (!isHandler(source) || typeof source.load !== 'function') {
    fail(call, `source must be a URL or a handler with a load method, got ${show(source)}`);
  }
  return async () => source.load!();
}

const isHandler = (value: unknown): value is IOHandler => value !== null && typeof value === 'object';
