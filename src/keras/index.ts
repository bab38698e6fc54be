/** lstm-wasm/keras: reads and writes `.keras` files and HDF5 files of Keras. */

import type { LayersModel } from '../model/layersModel.ts';
import type { Sequential } from '../model/sequential.ts';
import { type ConfigFormat, formatOfVersion } from '../saving/config/configFormat.ts';
import { type FilePath, failAt } from '../saving/config/filePath.ts';
import { MOST_TEXT, parseTopology } from '../saving/config/json.ts';
import { type Arrangement, arrangementOf, modelOf } from '../saving/config/topology.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkBytes } from '../util/options.ts';
import { globalSeeds } from '../util/random.ts';
import { CONFIG, METADATA, openZip, WEIGHTS } from './archive.ts';
import { type Hdf5Group, openHdf5 } from './hdf5.ts';
import { readWeights } from './weights.ts';
import { checkModel } from './write.ts';

export { toKeras, toKerasWeights } from './write.ts';

const MEGABYTE = 2 ** 20;

/**
 * Loads a model that Keras saved: a `.keras` file, or a whole model in a `.h5` file. Does not load the optimizer:
 * compile the model before training it.
 *
 * @param bytes the content of the file
 * @returns a sequential model, or a functional one (`loadKerasModel<FunctionalModel>`) if the file has a graph that is no
 * chain of layers
 */
export async function loadKerasModel<M extends LayersModel = Sequential>(bytes: Uint8Array | ArrayBuffer): Promise<M> {
  rejectExtraArguments('loadKerasModel', 1, arguments);
  const call = 'loadKerasModel';
  const file = checkBytes(call, 'bytes', bytes);
  return globalSeeds.rollBackOnError(() => (isZip(file) ? readArchive(call, file) : readWhole(call, file)) as M);
}

/**
 * Loads weights that Keras saved into a model with the same layers: a `.weights.h5` file, or the weights of a `.keras` or
 * `.h5` file. Does not change the states and the optimizer of the model.
 */
export async function loadKerasWeights(model: LayersModel, bytes: Uint8Array | ArrayBuffer): Promise<void> {
  rejectExtraArguments('loadKerasWeights', 2, arguments);
  const call = 'loadKerasWeights';
  checkModel(call, model);
  const file = checkBytes(call, 'bytes', bytes);
  const weights = isZip(file) ? weightsOf(call, file, model) : file;
  const location = { call, part: isZip(file) ? WEIGHTS : 'the file' };
  const root = openHdf5(location, weights);
  formatIn(location, root); // rejects Keras 1
  model.setWeights(readWeights(location, root, weights.length, model, () => arrangementIn(call, file, root)));
}

// ------------------------------------------------------------------------------------------------------------ files

function readArchive(call: string, file: Uint8Array): LayersModel {
  const entries = openZip({ call, part: 'the file' }, file);
  const text =
    entries.get(CONFIG) ?? failAt({ call, part: CONFIG }, `must be in the archive, got ${contentsOf(entries)}`);
  const metadata = entries.get(METADATA)?.read(MEGABYTE);
  const format = metadata ? versionOf({ call, part: METADATA }, parse({ call, part: METADATA }, metadata)) : 'keras3';
  const config = parse({ call, part: CONFIG }, text.read(MOST_TEXT));
  const model = modelOf({ call, part: CONFIG }, config, format);
  const weights = weightsOf(call, file, model);
  const inside = { call, part: WEIGHTS };
  const arrange = () => arrangementOf({ call, part: CONFIG }, config);
  model.setWeights(readWeights(inside, openHdf5(inside, weights), weights.length, model, arrange));
  return model;
}

/** Describes an archive that is not a Keras model, for an error message. */
function contentsOf(entries: ReadonlyMap<string, unknown>): string {
  const names = [...entries.keys()];
  const saved = names.some(name => /(^|\/)saved_model\.pb$/.test(name));
  if (saved) return 'a SavedModel of TensorFlow; load it in Keras and save it as .keras';
  const inner = names.find(name => /\.(keras|h5|hdf5)$/.test(name) && name !== WEIGHTS);
  return inner ? `an archive of ${show(inner)}; unpack it and load that file` : 'an archive without it';
}

/** A whole model in one HDF5 file: its topology is an attribute. */
function readWhole(call: string, file: Uint8Array): LayersModel {
  const location = { call, part: 'the file' };
  const root = openHdf5(location, file);
  const text = root.strings('model_config')?.join('');
  if (!text) return failAt(location, 'must contain a model_config, got none; load weights alone with loadKerasWeights');
  const at = { call, part: 'model_config' };
  const config = parse(at, text);
  const model = modelOf(at, config, formatIn(location, root) ?? 'keras2');
  model.setWeights(readWeights(location, root, file.length, model, () => arrangementOf(at, config)));
  return model;
}

/** The arrangement of the layers in a file of weights; null if the file has no topology. */
function arrangementIn(call: string, file: Uint8Array, root: Hdf5Group): Arrangement | null {
  const part = isZip(file) ? CONFIG : 'model_config';
  const text = isZip(file)
    ? openZip({ call, part: 'the file' }, file).get(CONFIG)?.read(MOST_TEXT)
    : root.strings('model_config')?.join('');
  return text ? arrangementOf({ call, part }, parse({ call, part }, text)) : null;
}

/** The Keras version that wrote the file; null if unknown. */
function formatIn(location: FilePath, root: Hdf5Group): ConfigFormat | null {
  const group = root.get('model_weights');
  const version = root.strings('keras_version') ?? (group?.kind === 'group' ? group.strings('keras_version') : null);
  return version && versionOf(location, { keras_version: version.join('') });
}

/** The HDF5 entry of a `.keras` file, if its size is plausible for the weights and the optimizer of the model. */
function weightsOf(call: string, file: Uint8Array, model: LayersModel): Uint8Array {
  const entry = openZip({ call, part: 'the file' }, file).get(WEIGHTS);
  if (!entry) return fail(call, `${WEIGHTS}: must be in the archive, got none`);
  return entry.read(8 * 4 * model.countParams() + MEGABYTE + 2 ** 16 * model.view.state.allLayers.length);
}

function parse(location: FilePath, text: Uint8Array | string): unknown {
  return parseTopology(location, typeof text === 'string' ? text : new TextDecoder().decode(text));
}

/** The format of the Keras version in the metadata. */
function versionOf(location: FilePath, metadata: unknown): ConfigFormat {
  const { keras_version } = (metadata ?? {}) as { keras_version?: unknown };
  const format = formatOfVersion(location, keras_version);
  return format ?? failAt(location, `keras_version must be a version of Keras 2 or 3, got ${show(keras_version)}`);
}

const isZip = (bytes: Uint8Array) => bytes[0] === 0x50 && bytes[1] === 0x4b;
