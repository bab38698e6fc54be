/** `http://`, `https://` and plain paths: a model on a server. */

import { fail, reasonOf, show } from '../../util/errors.ts';
import { checkOptions } from '../../util/options.ts';
import { type FilePath, failAt } from '../config/filePath.ts';
import { checkLength } from '../config/json.ts';
import {
  concatBytes,
  concatWeightData,
  type InternalHandler,
  infoOf,
  type ModelArtifacts,
  modelJsonOf,
  type OnProgress,
  type ReadOptions,
} from '../tfjs/artifacts.ts';
import { artifactsFrom, checkPath, readManifest, type Shard, WeightCollector } from '../tfjs/manifest.ts';

export interface HttpOptions {
  /** The options of every request, as for `fetch`. */
  requestInit?: RequestInit;
  /** Replaces `fetch`. */
  fetchFunc?: typeof fetch;
  /** The URL of the folder with the weight files; default the folder of model.json. */
  weightPathPrefix?: string;
  /** Returns the URL of a weight file, given its name in model.json. */
  weightUrlConverter?: (fileName: string) => Promise<string> | string;
  /** Called with the fraction of the weights that has been loaded. */
  onProgress?: OnProgress;
}

export const httpOptions = [
  'requestInit',
  'fetchFunc',
  'weightPathPrefix',
  'weightUrlConverter',
  'onProgress',
] as const satisfies readonly (keyof HttpOptions)[];

const WEIGHTS_FILE = 'model.weights.bin';

/** @param options unchecked */
export function httpHandler(call: string, url: string, options?: HttpOptions): InternalHandler {
  const known = checkOptions<HttpOptions>(call, options, httpOptions);
  for (const name of ['fetchFunc', 'weightUrlConverter', 'onProgress'] as const) {
    if (known[name] !== undefined && typeof known[name] !== 'function') {
      fail(call, `${name} must be a function, got ${show(known[name])}`);
    }
  }
  if (known.weightPathPrefix !== undefined && typeof known.weightPathPrefix !== 'string') {
    fail(call, `weightPathPrefix must be a string, got ${show(known.weightPathPrefix)}`);
  }
  const { requestInit } = known;
  if (requestInit !== undefined && (requestInit === null || typeof requestInit !== 'object' || requestInit.body)) {
    fail(call, `requestInit must be an object without a body, got ${show(requestInit)}`);
  }
  return {
    save: (saving, artifacts) => send({ call: saving, part: url }, url, known, artifacts),
    load: (loading, readOptions = {}) => receive(loading, url, { ...known, ...readOptions }),
  };
}

async function send(location: FilePath, url: string, options: HttpOptions, artifacts: ModelArtifacts) {
  const body = new FormData();
  const json = JSON.stringify(modelJsonOf(artifacts, WEIGHTS_FILE));
  body.append('model.json', new Blob([json], { type: 'application/json' }), 'model.json');
  const weights = new Blob([concatWeightData(artifacts.weightData)], { type: 'application/octet-stream' });
  body.append(WEIGHTS_FILE, weights, WEIGHTS_FILE);
  const response = await request(location, url, options, { method: 'POST', ...options.requestInit, body });
  return { modelArtifactsInfo: infoOf(artifacts), responses: [response] };
}

async function request(
  location: FilePath,
  url: string,
  { fetchFunc }: HttpOptions,
  init?: RequestInit,
): Promise<Response> {
  let response: Response;
  try {
    response = await (fetchFunc ?? fetch)(url, init);
  } catch (error) {
    const files = /^[a-z]+:/i.test(url) ? '' : '; for a file in Node, use file://path';
    return failAt(location, `must be reachable, got ${reasonOf(error)}${files}`);
  }
  if (!response.ok) failAt(location, `must be reachable, got HTTP status ${response.status}`);
  return response;
}

async function receive(call: string, url: string, options: HttpOptions & ReadOptions): Promise<ModelArtifacts> {
  const response = await request({ call, part: url }, url, options, options.requestInit);
  const manifest = readManifest({ call, part: url }, await textOf({ call, part: url }, response));
  const urls: string[] = [];
  for (const shard of manifest.shards) urls.push(await urlOf(url, shard, options));
  const weights = new WeightCollector({ call, part: urls.join(', ') || url }, manifest.bytes, options.strict ?? true);
  options.onProgress?.(0);
  for (const one of urls) {
    if (weights.full) break;
    const part = { call, part: one };
    const found = await request(part, one, options, options.requestInit);
    for await (const piece of piecesOf(part, found)) {
      weights.add(piece);
      options.onProgress?.(weights.fraction);
      if (weights.full) break;
    }
  }
  return artifactsFrom(manifest, weights.whole());
}

async function urlOf(json: string, shard: Shard, options: HttpOptions): Promise<string> {
  if (options.weightUrlConverter) return options.weightUrlConverter(shard.path);
  const path = checkPath(shard);
  const [address, query] = splitQuery(json);
  const folder = address.slice(0, address.lastIndexOf('/') + 1);
  return `${options.weightPathPrefix ?? (folder || './')}${path}${query}`;
}

/** Splits a URL into the part before the query, and the query. */
function splitQuery(url: string): [string, string] {
  const at = url.indexOf('?');
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at)];
}

/** Reads the text of model.json, up to the maximum length of a topology. */
async function textOf(location: FilePath, response: Response): Promise<string> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const piece of piecesOf(location, response)) {
    bytes += piece.byteLength;
    checkLength(location, bytes);
    pieces.push(piece);
  }
  return new TextDecoder().decode(concatBytes(pieces));
}

/** Yields the bytes as they arrive, so that an endless response can be aborted. */
async function* piecesOf(location: FilePath, response: Response): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const failTransfer = (error: unknown) => failAt(location, `must be transferred completely, got ${reasonOf(error)}`);
  const reader = response.body?.getReader?.();
  if (!reader) {
    yield new Uint8Array(await response.arrayBuffer().catch(failTransfer));
    return;
  }
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(failTransfer);
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
