/** Models of Keras: reads and writes `.keras` files, and the HDF5 files of their weights. */

import { version } from '../../package.json' with { type: 'json' };
import { fail, show } from '../errors.ts';
import { type Place, refuse } from '../saving/place.ts';
import { modelFrom } from '../saving/rebuild.ts';
import { Sequential } from '../sequential.ts';
import { makeZip, openZip } from './archive.ts';
import { describeModel } from './describe.ts';
import { writeHdf5 } from './h5wasm.ts';
import { openHdf5 } from './hdf5.ts';
import { checkMasks } from './masks.ts';
import { topologyOf } from './topology.ts';
import { holdersOf } from './variables.ts';
import { readWeights } from './weights.ts';

const CONFIG = 'config.json';
const METADATA = 'metadata.json';
const WEIGHTS = 'model.weights.h5';
const MEGABYTE = 2 ** 20;
/** The layout that is written is that of Keras 3 since its first version. */
const KERAS = '3.0.0';

/**
 * A model that Keras has saved: a `.keras` file, or a whole model in a `.h5` file as Keras made it before. What a
 * training had come to is not read: compile the model anew.
 *
 * @param bytes of the file
 */
export async function loadKerasModel(bytes: Uint8Array | ArrayBuffer): Promise<Sequential> {
  const call = 'loadKerasModel';
  const file = checkBytes(call, bytes);
  return isZip(file) ? readArchive(call, file) : readWhole(call, file);
}

/**
 * Weights that Keras has saved, into a model of the same layers: `.weights.h5`, or the weights of a `.keras` or a `.h5`
 * file. States and optimizer of the model stay as they are.
 */
export async function loadKerasWeights(model: Sequential, bytes: Uint8Array | ArrayBuffer): Promise<void> {
  const call = 'loadKerasWeights';
  checkModel(call, model);
  const file = checkBytes(call, bytes);
  const weights = isZip(file) ? weightsOf(call, file, model) : file;
  const place = { call, part: isZip(file) ? WEIGHTS : 'the file' };
  model.setWeights(readWeights(place, openHdf5(place, weights), weights.length, model));
}

/** The model as a `.keras` file, which Keras 3 opens; without optimizer and loss: compile it there. */
export async function toKeras(model: Sequential): Promise<Uint8Array> {
  const call = 'toKeras';
  checkModel(call, model);
  const config = describeModel({ call, part: '' }, model);
  checkMasks({ call, part: 'model' }, model);
  const weights = await write(call, model);
  const saved = new Date().toISOString().slice(0, 19).replace('T', '@');
  const metadata = { keras_version: KERAS, date_saved: saved, saved_by: `lstm-wasm ${version}` };
  return makeZip({ [METADATA]: json(metadata), [CONFIG]: json(config), [WEIGHTS]: weights });
}

/** The weights of the model as a `.weights.h5` file, for a Keras model of the same layers. */
export async function toKerasWeights(model: Sequential): Promise<Uint8Array> {
  const call = 'toKerasWeights';
  checkModel(call, model);
  return write(call, model);
}

async function write(call: string, model: Sequential): Promise<Uint8Array> {
  const values = model.getWeights().map(weight => ({ shape: weight.shape, values: weight.dataSync() }));
  let next = 0;
  const groups = holdersOf(model)
    .flat()
    .map(({ path, name, count }) => {
      const data = values.slice(next, next + count);
      next += count;
      return { path: `${path}/vars`, name, data };
    });
  return writeHdf5(call, [{ path: 'vars', name: model.name, data: [] }, ...groups]);
}

// ------------------------------------------------------------------------------------------------------------ files

function readArchive(call: string, file: Uint8Array): Sequential {
  const entries = openZip({ call, part: 'the file' }, file);
  const text = entries.get(CONFIG) ?? fail(call, `${CONFIG}: must be in the file, got none`);
  const metadata = entries.get(METADATA)?.read(MEGABYTE);
  const version = metadata ? majorOf({ call, part: METADATA }, parse({ call, part: METADATA }, metadata)) : 3;
  const config = parse({ call, part: CONFIG }, text.read(16 * MEGABYTE));
  const model = build({ call, part: CONFIG }, config, version);
  const weights = weightsOf(call, file, model);
  const place = { call, part: WEIGHTS };
  model.setWeights(readWeights(place, openHdf5(place, weights), weights.length, model));
  return model;
}

/** A whole model in one HDF5 file: its topology is an attribute. */
function readWhole(call: string, file: Uint8Array): Sequential {
  const place = { call, part: 'the file' };
  const root = openHdf5(place, file);
  const text = root.strings('model_config')?.join('');
  if (!text) return refuse(place, 'must hold a model_config, got none; weights alone are for loadKerasWeights');
  const at = { call, part: 'model_config' };
  const config = parse(at, text);
  const group = root.get('model_weights');
  const version = root.strings('keras_version') ?? (group?.kind === 'group' ? group.strings('keras_version') : null);
  const model = build(at, config, version ? majorOf(at, { keras_version: version.join('') }) : 2);
  model.setWeights(readWeights(place, root, file.length, model));
  return model;
}

function build(place: Place, config: unknown, version: number): Sequential {
  const model = modelFrom(place, topologyOf(place, config, version));
  checkMasks(place, model);
  return model;
}

/** The HDF5 part of a `.keras` file, if it can be that of such a model: weights, an optimizer's, and what is around. */
function weightsOf(call: string, file: Uint8Array, model: Sequential): Uint8Array {
  const entry = openZip({ call, part: 'the file' }, file).get(WEIGHTS);
  if (!entry) return fail(call, `${WEIGHTS}: must be in the file, got none`);
  return entry.read(8 * 4 * model.countParams() + MEGABYTE + 2 ** 16 * model.layers.length);
}

function parse(place: Place, text: Uint8Array | string): unknown {
  try {
    return JSON.parse(typeof text === 'string' ? text : new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch {
    return refuse(place, 'must be JSON, got something else');
  }
}

/** Which Keras it was: 3 or one before. */
function majorOf(place: Place, metadata: unknown): number {
  const { keras_version } = (metadata ?? {}) as { keras_version?: unknown };
  const major = typeof keras_version === 'string' ? Number.parseInt(keras_version, 10) : Number.NaN;
  if (!(major >= 1 && major <= 3))
    refuse(place, `keras_version must be that of Keras 1, 2 or 3, got ${show(keras_version)}`);
  return major;
}

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

const isZip = (bytes: Uint8Array) => bytes[0] === 0x50 && bytes[1] === 0x4b;

function checkModel(call: string, model: unknown): void {
  if (!(model instanceof Sequential)) fail(call, `model must be a sequential model, got ${show(model)}`);
  if (model.layers.length === 0) fail(call, 'model must have a layer, got none');
}

function checkBytes(call: string, bytes: unknown): Uint8Array {
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  if (!(bytes instanceof Uint8Array)) fail(call, `bytes must be a Uint8Array or an ArrayBuffer, got ${show(bytes)}`);
  // A Buffer of Node is a Uint8Array, but its slices are not copies
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
