/** `file://`: a folder with model.json and the files of its weights, in Node. */

import { reasonOf, show } from '../errors.ts';
import { infoOf, joinData, type ModelArtifacts, modelJsonOf, type OwnHandler, type SaveResult } from './artifacts.ts';
import { nodeModule } from './files.ts';
import { artifactsFrom, Collector, checkPath, readManifest } from './manifest.ts';
import { checkLength, type Place, refuse } from './place.ts';

type Files = typeof import('node:fs/promises');
type Paths = typeof import('node:path');

async function node<T>(place: Place, name: string): Promise<T> {
  const found = await nodeModule<T>(name);
  return (
    found ?? refuse(place, 'files can be read and written in Node alone; a page has localstorage:// and indexeddb://')
  );
}

const JSON_FILE = 'model.json';
const WEIGHTS_FILE = 'weights.bin';

/** @param path of a folder; to load, of a model.json too */
export function fileSystem(path: string): OwnHandler {
  return {
    save: (call, artifacts) => save({ call, part: `file://${path}` }, path, artifacts),
    load: (call, { strict = true } = {}) => load({ call, part: `file://${path}` }, path, strict),
  };
}

async function save(place: Place, folder: string, artifacts: ModelArtifacts): Promise<SaveResult> {
  const files = await node<Files>(place, 'node:fs/promises');
  const { join } = await node<Paths>(place, 'node:path');
  const contents: [string, string | Uint8Array][] = [
    [WEIGHTS_FILE, new Uint8Array(joinData(artifacts.weightData))],
    [JSON_FILE, JSON.stringify(modelJsonOf(artifacts, WEIGHTS_FILE))],
  ];
  const ending = `.${process.pid}-${Date.now().toString(36)}-${++saves}.tmp`;
  const made: string[] = [];
  try {
    await files.mkdir(folder, { recursive: true });
    for (const [name, content] of contents) {
      const file = join(folder, `.${name}${ending}`);
      made.push(file);
      await files.writeFile(file, content, { flush: true });
    }
    for (const [n, [name]] of contents.entries()) await files.rename(made[n]!, join(folder, name));
  } catch (error) {
    for (const file of made) await files.rm(file, { force: true });
    refuse(place, `must be a folder that can be written, got ${reasonOf(error)}`);
  }
  return { modelArtifactsInfo: infoOf(artifacts) };
}

/** Tells apart what is saved at the same time. */
let saves = 0;

async function load(place: Place, path: string, strict: boolean): Promise<ModelArtifacts> {
  const files = await node<Files>(place, 'node:fs/promises');
  const { dirname, join } = await node<Paths>(place, 'node:path');
  const { call } = place;
  const about = (file: string) =>
    files.stat(file).catch(error => refuse(place, `must be a saved model, got ${reasonOf(error)}`));
  const isFolder = (await about(path)).isDirectory();
  const json = isFolder ? join(path, JSON_FILE) : path;
  const read = async (file: string) => {
    if (!(await about(file)).isFile()) refuse(place, `must be a saved model, got ${show(file)}, which is no file`);
    return files.readFile(file).catch(error => refuse(place, `must be a saved model, got ${reasonOf(error)}`));
  };
  checkLength({ call, part: json }, (await about(json)).size);
  const manifest = readManifest({ call, part: json }, (await read(json)).toString('utf8'));
  const names = manifest.shards.map(shard => join(dirname(json), checkPath(shard)));
  const weights = new Collector({ call, part: names.join(', ') || JSON_FILE }, manifest.bytes, strict);
  let bytes = 0;
  for (const name of names) bytes += (await about(name)).size;
  weights.check(bytes);
  for (const name of names) weights.add(new Uint8Array(await read(name)));
  return artifactsFrom(manifest, weights.whole());
}
