/** `downloads://`, and files that the user selected in a page. */

import { fail, reasonOf, show } from '../../util/errors.ts';
import { type FilePath, failAt } from '../config/filePath.ts';
import { checkLength } from '../config/json.ts';
import {
  concatWeightData,
  type InternalHandler,
  infoOf,
  type ModelArtifacts,
  modelJsonOf,
  partsOf,
} from '../tfjs/artifacts.ts';
import { artifactsFrom, readManifest, WeightCollector } from '../tfjs/manifest.ts';

/** Milliseconds after which every browser has started a download, so that its URL can be revoked. */
const REVOKE_DELAY = 60_000;

/** @param name the base name of the files: name.json and name.weights.bin */
export function downloadsHandler(name: string): InternalHandler {
  return {
    async save(call, artifacts) {
      if (typeof document === 'undefined') fail(call, 'downloads:// needs a browser page');
      const weights = `${name || 'model'}.weights.bin`;
      const json = JSON.stringify(modelJsonOf(artifacts, weights));
      await download(`${name || 'model'}.json`, new Blob([json], { type: 'application/json' }));
      const { weightData } = artifacts;
      if (weightData)
        await download(weights, new Blob([concatWeightData(weightData)], { type: 'application/octet-stream' }));
      return { modelArtifactsInfo: infoOf(artifacts) };
    },
  };
}

/** Waits first, because Firefox starts only the last of several downloads in one task. */
async function download(name: string, content: Blob): Promise<void> {
  await new Promise(resolve => setTimeout(resolve));
  const link = document.createElement('a');
  link.download = name;
  link.href = URL.createObjectURL(content);
  link.dispatchEvent(new MouseEvent('click'));
  setTimeout(() => URL.revokeObjectURL(link.href), REVOKE_DELAY);
}

/** @param files model.json first, then the weight files that it names */
export function browserFilesHandler(caller: string, files: ArrayLike<File>): InternalHandler {
  const reject = () => fail(caller, `files must be a list of files, model.json first, got ${show(files)}`);
  const isList = Array.isArray(files) || Object.prototype.toString.call(files) === '[object FileList]';
  if (!isList || files.length === 0) reject();
  const list = Array.from(files, file => (file instanceof Blob ? file : reject()));
  return { load: (call, { strict = true } = {}) => load(call, list, strict) };
}

async function load(call: string, [first, ...others]: readonly File[], strict: boolean): Promise<ModelArtifacts> {
  const json = { call, part: first!.name };
  checkLength(json, first!.size);
  const text = await first!.text().catch(error => rejectUnreadable(json, error));
  const manifest = readManifest(json, text);
  // As in TF.js: only the topology, with new weights
  if (others.length === 0) return partsOf(manifest.json);
  const names = manifest.shards.map(({ path }) => path.slice(path.lastIndexOf('/') + 1));
  const chosen = manifest.shards.map(({ location, path }, n) => {
    const name = names[n]!;
    if (names.indexOf(name) !== n) failAt(location, `must be unique, got ${show(path)} twice`);
    return (
      others.find(file => file.name === name) ??
      failAt(location, `must be one of the selected files, but ${show(name)} is missing`)
    );
  });
  const unlisted = others.find(file => !chosen.includes(file));
  if (unlisted) failAt({ call, part: unlisted.name }, `must be a weight file that ${first!.name} lists`);
  const weights = new WeightCollector({ call, part: names.join(', ') || first!.name }, manifest.bytes, strict);
  const size = chosen.reduce((sum, file) => sum + file.size, 0);
  weights.check(size);
  for (const [n, file] of chosen.entries()) {
    const location = { call, part: names[n]! };
    weights.add(new Uint8Array(await file.arrayBuffer().catch(error => rejectUnreadable(location, error))));
  }
  return artifactsFrom(manifest, weights.whole());
}

const rejectUnreadable = (location: FilePath, error: unknown) =>
  failAt(location, `must be readable, got ${reasonOf(error)}`);
