/** `file://`: a folder with model.json and the files of its weights, in Node. */

import { reasonOf, show } from '../../util/errors.ts';
import { type FilePath, failAt } from '../config/filePath.ts';
import { checkLength } from '../config/json.ts';
import {
  concatWeightData,
  type InternalHandler,
  infoOf,
  type ModelArtifacts,
  modelJsonOf,
  type SaveResult,
} from '../tfjs/artifacts.ts';
import { artifactsFrom, checkPath, readManifest, WeightCollector } from '../tfjs/manifest.ts';
import { nodeModule } from './nodeFiles.ts';
import { abandonedFiles, removeTemporary, replaceFile, targetOf, uniqueName, writeNew } from './replaceFile.ts';

type Files = typeof import('node:fs/promises');
type Paths = typeof import('node:path');

async function node<T>(location: FilePath, name: string): Promise<T> {
  const found = await nodeModule<T>(name);
  return found ?? failAt(location, 'file:// needs Node; in a browser, use localstorage:// or indexeddb://');
}

const JSON_FILE = 'model.json';
const WEIGHTS_FILE = 'weights.bin';

/** @param path a folder; when loading, also the path of a model.json */
export function fileSystemHandler(path: string): InternalHandler {
  return {
    save: (call, artifacts) => save({ call, part: `file://${path}` }, path, artifacts),
    load: (call, { strict = true } = {}) => load({ call, part: `file://${path}` }, path, strict),
  };
}

/** The last save to each folder: saves to the same folder run one after another. */
const saving = new Map<string, Promise<unknown>>();

async function save(location: FilePath, folder: string, artifacts: ModelArtifacts): Promise<SaveResult> {
  const { resolve } = await node<Paths>(location, 'node:path');
  const whole = resolve(folder);
  const write = () =>
    writeModel(location, whole, artifacts).catch(error =>
      failAt(location, `must be a writable folder, got ${reasonOf(error)}`),
    );
  const done = (saving.get(whole) ?? Promise.resolve()).then(write, write);
  saving.set(whole, done);
  try {
    await done;
  } finally {
    if (saving.get(whole) === done) saving.delete(whole);
  }
  return { modelArtifactsInfo: infoOf(artifacts) };
}

/**
 * Replaces a saved model atomically. Two files cannot be replaced at once, so it first writes the weights to a new file
 * and replaces model.json by one that names that file; from then on, the new model is saved. Then it stores the weights
 * under their usual name. At every moment, model.json names a complete weight file that belongs to it.
 */
async function writeModel(location: FilePath, folder: string, artifacts: ModelArtifacts): Promise<void> {
  const { mkdir, readFile, rm } = await node<Files>(location, 'node:fs/promises');
  const { basename, join } = await node<Paths>(location, 'node:path');
  const [json, weights] = [join(folder, JSON_FILE), join(folder, WEIGHTS_FILE)];
  await mkdir(folder, { recursive: true });
  const { mode } = await targetOf(weights);
  const bytes = new Uint8Array(concatWeightData(artifacts.weightData));
  const jsonNaming = (name: string) => JSON.stringify(modelJsonOf(artifacts, name));
  const stem = join(folder, 'weights');
  const abandoned = await abandonedFiles(stem, '.bin');
  const first = uniqueName(stem, '.bin');
  const firstJson = jsonNaming(basename(first));
  await writeNew(first, bytes, mode);
  try {
    await replaceFile(json, firstJson);
  } catch (error) {
    await rm(first, { force: true });
    throw error;
  }
  for (const file of abandoned) await rm(file, { force: true }).catch(() => {});
  for (const file of [json, weights]) await removeTemporary(file);
  const isOurs = async () => (await readFile(json, 'utf8')) === firstJson;
  const rename = async () =>
    (await replaceFile(weights, bytes, isOurs)) && (await replaceFile(json, jsonNaming(WEIGHTS_FILE), isOurs));
  // If this fails, for example because the disk is full, the new model is saved nevertheless
  await rename().catch(() => {});
  if (!(await isOurs())) await rm(first, { force: true });
}

async function load(location: FilePath, path: string, strict: boolean): Promise<ModelArtifacts> {
  const { stat } = await node<Files>(location, 'node:fs/promises');
  const { join } = await node<Paths>(location, 'node:path');
  const found = await stat(path).catch(error => failAt(location, `must be a saved model, got ${reasonOf(error)}`));
  const json = found.isDirectory() ? join(path, JSON_FILE) : path;
  /** A version of model.json that changes whenever it is replaced. */
  const version = async () => {
    const { ino, mtimeNs, ctimeNs } = (await stat(json, { bigint: true }).catch(() => null)) ?? {};
    return `${ino} ${mtimeNs} ${ctimeNs}`;
  };
  for (;;) {
    const before = await version();
    const read = await readModel(location, json, strict).then(
      artifacts => ({ artifacts }),
      error => ({ error }),
    );
    // A save replaced it meanwhile, so the files may belong to two models. Read again
    if ((await version()) !== before) continue;
    if ('error' in read) throw read.error;
    return read.artifacts;
  }
}

async function readModel(location: FilePath, json: string, strict: boolean): Promise<ModelArtifacts> {
  const files = await node<Files>(location, 'node:fs/promises');
  const { dirname, join } = await node<Paths>(location, 'node:path');
  const { call } = location;
  const about = (file: string) =>
    files.stat(file).catch(error => failAt(location, `must be a saved model, got ${reasonOf(error)}`));
  const read = async (file: string) => {
    if (!(await about(file)).isFile())
      failAt(location, `must be a saved model, got ${show(file)}, which is not a file`);
    return files.readFile(file).catch(error => failAt(location, `must be a saved model, got ${reasonOf(error)}`));
  };
  checkLength({ call, part: json }, (await about(json)).size);
  const manifest = readManifest({ call, part: json }, (await read(json)).toString('utf8'));
  const names = manifest.shards.map(shard => join(dirname(json), checkPath(shard)));
  const weights = new WeightCollector({ call, part: names.join(', ') || JSON_FILE }, manifest.bytes, strict);
  let bytes = 0;
  for (const name of names) bytes += (await about(name)).size;
  weights.check(bytes);
  for (const name of names) weights.add(new Uint8Array(await read(name)));
  return artifactsFrom(manifest, weights.whole());
}
