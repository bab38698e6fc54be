/** Loads models that TF.js or `model.save` has saved. */

import type { Layer } from '../../layers/layer.ts';
import type { LayersModel } from '../../model/layersModel.ts';
import type { Sequential } from '../../model/sequential.ts';
import { rejectExtraArguments } from '../../util/arguments.ts';
import { fail, show } from '../../util/errors.ts';
import { checkBoolean, checkOptions } from '../../util/options.ts';
import { globalSeeds } from '../../util/random.ts';
import { bytesIn, isArrayBuffer } from '../../util/typedArrays.ts';
import type { Parameters } from '../../weights/parameters.ts';
import { formatOfModel } from '../config/configFormat.ts';
import { checkDepth, type FilePath, failAt, itemOf, readObject } from '../config/filePath.ts';
import { optimizerFrom } from '../config/fromConfig.ts';
import { parseTopology } from '../config/json.ts';
import { modelOf } from '../config/topology.ts';
import { type HttpOptions, httpOptions } from '../stores/http.ts';
import { loaderFor } from '../stores/urlHandlers.ts';
import { concatBytes, GENERATOR, type IOHandler, type ModelArtifacts } from './artifacts.ts';
import { type Assigned, assignWeights } from './assignWeights.ts';
import { OWN } from './metadata.ts';
import { type FoundTraining, readOwnTraining, readTfjsTraining } from './readTraining.ts';
import { decodeWeights } from './weightData.ts';

export interface LoadOptions extends HttpOptions {
  /** Whether the file must contain every weight of the model and no others; default true. */
  strict?: boolean;
  /** Accepted for compatibility; weights are always streamed. */
  streamWeights?: boolean;
}

/**
 * Loads a model in the layers-model format, as saved by `model.save` or TF.js, or converted for TF.js. If the file
 * contains the optimizer, the model is compiled and training continues; for models saved by this package, bit for bit.
 * The format does not include the states of stateful layers; they start at zero.
 *
 * @param source 'file://folder' or 'file://folder/model.json' in Node; 'localstorage://name' or 'indexeddb://name' in a
 * page; the URL or path of a model.json for `fetch`; or a handler, such as the result of `io.fromMemory`
 * @returns a sequential model, or a functional one (`loadLayersModel<FunctionalModel>`) if the file has a graph that is
 * no chain of layers, or a functional model of this package
 * @throws ValueError that names the part of the file that cannot be read
 */
export async function loadLayersModel<M extends LayersModel = Sequential>(
  source: string | IOHandler,
  options?: LoadOptions,
): Promise<M> {
  rejectExtraArguments('loadLayersModel', 2, arguments);
  const call = 'loadLayersModel';
  const known = checkOptions<LoadOptions>(call, options, [...httpOptions, 'strict', 'streamWeights']);
  const { strict: asked, streamWeights, onProgress, ...rest } = known;
  const strict = asked === undefined ? true : checkBoolean(call, 'strict', asked);
  if (streamWeights !== undefined) checkBoolean(call, 'streamWeights', streamWeights);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    fail(call, `onProgress must be a function, got ${show(onProgress)}`);
  }
  const load = loaderFor(call, source, rest);
  const artifacts = await load({ strict, ...(onProgress && { onProgress }) });
  return globalSeeds.rollBackOnError(() => {
    const model = modelFromArtifacts(call, artifacts, strict);
    onProgress?.(1);
    return model as M;
  });
}

/**
 * Builds a model from the result of `toJSON`, with new weights. To also load the weight files that a model.json lists,
 * use `loadLayersModel`.
 *
 * @param json the topology, or an object with it as `modelTopology`, such as a model.json; as text or as an object
 * @returns a sequential or functional model, as from `loadLayersModel`
 * @throws ValueError that names the part that cannot be read
 */
export async function modelFromJSON<M extends LayersModel = Sequential>(json: string | object): Promise<M> {
  rejectExtraArguments('modelFromJSON', 1, arguments);
  const call = 'modelFromJSON';
  const parsed = typeof json === 'string' ? parseTopology({ call, part: 'json' }, json) : json;
  const all = readObject({ call, part: 'json' }, parsed);
  if (all.format === 'graph-model') rejectGraphModel({ call, part: 'json' });
  if (Array.isArray(all.weightsManifest) && all.weightsManifest.length > 0) {
    console.warn(`${call}: does not load the weights that json lists; use loadLayersModel to load them`);
  }
  const model = 'modelTopology' in all ? topologyOf(call, all.modelTopology) : topologyOf(call, all, 'json');
  return model as M;
}

/** The functions that TF.js has in `models`. */
export const models = { modelFromJSON };

function topologyOf(call: string, topology: unknown, part = 'modelTopology'): LayersModel {
  // Keras nests the topology in `model_config`
  const all = readObject({ call, part }, topology);
  const { model_config: inner, node } = all;
  if (Array.isArray(node)) rejectGraphModel({ call, part });
  const format = formatOfModel({ call, part }, all, inner ?? all);
  if (inner === undefined || inner === null) return modelOf({ call, part }, topology, format);
  return modelOf({ call, part: `${part}.model_config` }, inner, format);
}

/** The output of the TF.js converter for a SavedModel: TensorFlow operations, without layers. */
const rejectGraphModel = (location: FilePath): never =>
  failAt(
    location,
    'must be a layers model, got a graph model, which has no layers; convert the Keras model with --output_format=tfjs_layers_model, or load its .keras or .h5 file with loadKerasModel',
  );

/** Builds the model. Checks everything before changing the model, and disposes the model on errors. */
function modelFromArtifacts(call: string, artifacts: unknown, strict: boolean): LayersModel {
  const all = readObject({ call, part: 'artifacts' }, artifacts) as ModelArtifacts;
  const { weightSpecs, weightData, trainingConfig, userDefinedMetadata } = all;
  if (all.format === 'graph-model') rejectGraphModel({ call, part: 'format' });
  const location = { call, part: 'weightSpecs' };
  const data = { call, part: 'weightData' };
  const stored =
    weightData === undefined || weightData === null
      ? null
      : decodeWeights(location, weightSpecs, data, bytesOf(data, weightData), strict);
  const { own, others } = readMetadata({ call, part: 'userDefinedMetadata' }, userDefinedMetadata);
  const model = topologyOf(call, all.modelTopology);
  try {
    const { view } = model;
    const { allLayers: layers, outputNames } = view.state;
    const ofOptimizer = (stored ?? []).filter(({ optimizer }) => optimizer);
    const training = { call, part: 'trainingConfig' };
    const asTfjs = trainingConfig !== undefined && trainingConfig !== null;
    const isOwnFile = typeof all.generatedBy === 'string' && all.generatedBy.startsWith(`${GENERATOR} `);
    let found: FoundTraining | null = null;
    if (own !== undefined && isOwnFile) {
      const here = { call, part: `userDefinedMetadata.${OWN}` };
      found = readOwnTraining(here, own, location, ofOptimizer, layers, outputNames, asTfjs, optimizerFrom);
    } else if (asTfjs) {
      found = readTfjsTraining(training, trainingConfig, location, ofOptimizer, layers, outputNames, optimizerFrom);
    }
    if (stored) {
      const assigned = assignWeights(location, stored, layers, strict);
      write(call, view.parameters(call), layers, assigned);
    }
    if (others) model.setUserDefinedMetadata(others);
    if (found) {
      const { objective, progress, dropoutSeeds } = found;
      view.state.objective = objective;
      if (progress) view.parameters(call).restoreOptimizerState(call, objective.optimizer, progress);
      if (dropoutSeeds) for (const [n, layer] of layers.entries()) layer.dropoutSeeds = dropoutSeeds[n]!;
    }
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** The bytes of the weights in one array. */
function bytesOf(location: FilePath, data: unknown): Uint8Array {
  const view = (piece: unknown, here: FilePath): Uint8Array =>
    isArrayBuffer(piece) || ArrayBuffer.isView(piece)
      ? bytesIn(piece)
      : failAt(here, `must be an ArrayBuffer or a list of them, got ${show(piece)}`);
  if (!Array.isArray(data)) return view(data, location);
  return concatBytes(Array.from(data, (piece, n) => view(piece, itemOf(location, n))));
}

/** Separates the training state of this package from the metadata of the user. */
function readMetadata(location: FilePath, value: unknown): { own?: unknown; others?: { [name: string]: unknown } } {
  if (value === undefined || value === null) return {};
  checkDepth(location, value);
  const { [OWN]: own, ...others } = readObject(location, value);
  return { own, ...(Object.keys(others).length > 0 && { others }) };
}

function write(call: string, parameters: Parameters, layers: readonly Layer[], assigned: Assigned): void {
  for (const [n, layer] of layers.entries()) {
    const own = assigned[n];
    if (!own) continue;
    const whole = layer.weightSpecs.every((_, i) => own[i]);
    // Weights that the file lacks keep their initial values
    const initial = whole ? [] : parameters.read(call, layer);
    const values = layer.weightSpecs.map((_, i) => own[i] ?? initial[i]!);
    parameters.write(call, layer, values);
  }
}
