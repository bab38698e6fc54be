/** `downloads://`, and files that somebody chose in a page. */

import { fail, reasonOf, show } from '../util/errors.ts';
import {
  concatWeightData,
  type InternalHandler,
  infoOf,
  type ModelArtifacts,
  modelJsonOf,
  partsOf,
} from './artifacts.ts';
import { checkLength, type FilePath, failAt } from './filePath.ts';
import { artifactsFrom, readManifest, WeightCollector } from './manifest.ts';

/** Milliseconds after which a browser has certainly begun to write a download. */
const HOLD = 60_000;

/** @param name of the files, without their endings: name.json and name.weights.bin */
export function downloadsHandler(name: string): InternalHandler {
  return {
    async save(call, artifacts) {
      if (typeof document === 'undefined') fail(call, 'downloads:// must have a page, got a host without a document');
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

/** One at a time: of two clicks at once, Firefox follows the last alone. */
async function download(name: string, content: Blob): Promise<void> {
  await new Promise(resolve => setTimeout(resolve));
  const link = document.createElement('a');
  link.download = name;
  link.href = URL.createObjectURL(content);
  link.dispatchEvent(new MouseEvent('click'));
  setTimeout(() => URL.revokeObjectURL(link.href), HOLD);
}

/** @param files model.json first, then the files of its weights, by the names that it gives them */
export function browserFilesHandler(asked: string, files: ArrayLike<File>): InternalHandler {
  const reject = () => fail(asked, `files must be a list of files, model.json first, got ${show(files)}`);
  const isList = Array.isArray(files) || Object.prototype.toString.call(files) === '[object FileList]';
  if (!isList || files.length === 0) reject();
  const list = Array.from(files, file => (file instanceof Blob ? file : reject()));
  return { load: (call, { strict = true } = {}) => load(call, list, strict) };
}

async function load(call: string, [first, ...others]: readonly File[], strict: boolean): Promise<ModelArtifacts> {
  const json = { call, part: first!.name };
  checkLength(json, first!.size);
  const text = await first!.text().catch(error => unread(json, error));
  const manifest = readManifest(json, text);
  // As in TF.js: the model alone, without what it has learned
  if (others.length === 0) return partsOf(manifest.json);
  const names = manifest.shards.map(({ path }) => path.slice(path.lastIndexOf('/') + 1));
  const chosen = manifest.shards.map(({ place, path }, n) => {
    const name = names[n]!;
    if (names.indexOf(name) !== n) failAt(place, `must have a name of its own, got ${show(path)}`);
    return (
      others.find(file => file.name === name) ?? failAt(place, `must be among the files, got none called ${show(name)}`)
    );
  });
  const stray = others.find(file => !chosen.includes(file));
  if (stray) failAt({ call, part: stray.name }, `must be named by ${first!.name}, got no mention of it`);
  const weights = new WeightCollector({ call, part: names.join(', ') || first!.name }, manifest.bytes, strict);
  const size = chosen.reduce((sum, file) => sum + file.size, 0);
  weights.check(size);
  for (const [n, file] of chosen.entries()) {
    const place = { call, part: names[n]! };
    weights.add(new Uint8Array(await file.arrayBuffer().catch(error => unread(place, error))));
  }
  return artifactsFrom(manifest, weights.whole());
}

const unread = (place: FilePath, error: unknown) =>
  failAt(place, `must be a file that can be read, got ${reasonOf(error)}`);
