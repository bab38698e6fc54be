/** The part of the main process that needs no Electron: the files of the page, and those of the model. */

import { readFile } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { loadLayersModel } from 'lstm-wasm';

/** @type {Record<string, string>} */
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' };

/** Memory can be shared between threads only under the first two. */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'X-Content-Type-Options': 'nosniff',
};

/** Answers a request of the page from a folder, and nothing outside it. @param {string} folder @param {string} url */
export async function answer(folder, url) {
  const path = decodeURIComponent(new URL(url).pathname);
  const file = join(folder, path === '/' ? 'index.html' : path);
  if (!file.startsWith(folder + sep)) return new Response('not found', { status: 404 });
  try {
    const type = types[extname(file)] ?? 'application/octet-stream';
    return new Response(await readFile(file), { headers: { ...headers, 'Content-Type': type } });
  } catch {
    return new Response('not found', { status: 404 });
  }
}

/**
 * Writes a model of the page into a folder. What is not a model is rejected.
 *
 * @param {string} folder
 * @param {import('lstm-wasm').ModelArtifacts} artifacts
 */
export async function saveModel(folder, artifacts) {
  const model = await loadLayersModel({ load: async () => artifacts });
  try {
    return await model.save(`file://${folder}`);
  } finally {
    model.dispose();
  }
}

/** Reads the model of a folder for the page. @param {string} folder */
export async function readModel(folder) {
  const model = await loadLayersModel(`file://${folder}`);
  /** @type {import('lstm-wasm').ModelArtifacts | null} */
  let artifacts = null;
  await model.save({
    async save(given) {
      artifacts = given;
      const bytes = { modelTopologyBytes: 0, weightSpecsBytes: 0, weightDataBytes: 0 }; // nothing was written
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON', ...bytes } };
    },
  });
  model.dispose();
  return artifacts;
}
