/** A model out of what TF.js or `model.save` wrote down. */

import type { Layer } from '../layers/layer.ts';
import type { Sequential } from '../model/sequential.ts';
import { noMore } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkOptions } from '../util/options.ts';
import { rollBackSeedsOnError } from '../util/random.ts';
import { bytesIn, isArrayBuffer } from '../util/typedArrays.ts';
import type { Parameters } from '../weights/parameters.ts';
import { GENERATOR, type IOHandler, joined, type ModelArtifacts } from './artifacts.ts';
import { type Assigned, assignWeights } from './assign.ts';
import { dialectIn } from './dialect.ts';
import { checkDepth, type FilePath, itemOf, parseTopology, readObject, refuse } from './filePath.ts';
import { type HttpOptions, httpOptions } from './http.ts';
import { optimizerFrom } from './rebuild.ts';
import { loaderFor } from './routes.ts';
import { OWN } from './save.ts';
import { modelOf } from './topology.ts';
import { type FoundTraining, readOwnTraining, readTfjsTraining } from './trainingConfig.ts';
import { decodeWeights } from './weightData.ts';

export interface LoadOptions extends HttpOptions {
  /** Whether the file must have every weight of the model, and no other; default true. */
  strict?: boolean;
  /** Accepted for programs that set it; weights are read as they arrive in any case. */
  streamWeights?: boolean;
}

/**
 * Loads a model that `model.save` or TF.js saved, or that was converted for TF.js, in the layers-model format. If the
 * optimizer was saved with it, it comes back compiled, and training goes on where it stood: of models saved here, to
 * the bit. The states that stateful layers carry are not part of the format; they begin at zero.
 *
 * @param source 'file://folder' or 'file://folder/model.json' in Node, 'localstorage://name' and 'indexeddb://name' in
 * a page, a URL or a path of a model.json for `fetch`, or a handler such as `io.fromMemory` makes
 * @throws ValueError that names the part of the file where it cannot be read; nothing has been made then
 */
export async function loadLayersModel(source: string | IOHandler, options?: LoadOptions): Promise<Sequential> {
  noMore('loadLayersModel', 2, arguments);
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
  return rollBackSeedsOnError(() => {
    const model = modelFromArtifacts(call, artifacts, strict);
    onProgress?.(1);
    return model;
  });
}

/**
 * Builds a model from the result of `toJSON`, with new weights. To also load the weight files that a model.json lists,
 * use `loadLayersModel`.
 *
 * @param json the topology, or an object with it as `modelTopology`, such as a model.json; as text or as an object
 * @throws ValueError that names the part where it cannot be read
 */
export async function modelFromJSON(json: string | object): Promise<Sequential> {
  noMore('modelFromJSON', 1, arguments);
  const call = 'modelFromJSON';
  const parsed = typeof json === 'string' ? parseTopology({ call, part: 'json' }, json) : json;
  const all = readObject({ call, part: 'json' }, parsed);
  if (all.format === 'graph-model') refuseGraphModel({ call, part: 'json' });
  if (Array.isArray(all.weightsManifest) && all.weightsManifest.length > 0) {
    console.warn(
      `${call}: the weights that json lists are not loaded, the model has new ones; use loadLayersModel to load them`,
    );
  }
  return 'modelTopology' in all ? topologyOf(call, all.modelTopology) : topologyOf(call, all, 'json');
}

/** The functions of TF.js under their names there. */
export const models = { modelFromJSON };

function topologyOf(call: string, topology: unknown, part = 'modelTopology'): Sequential {
  // Keras wrote the topology among other things
  const all = readObject({ call, part }, topology);
  const { model_config: inner, node } = all;
  if (Array.isArray(node)) refuseGraphModel({ call, part });
  const dialect = dialectIn({ call, part }, all, inner ?? all);
  if (inner === undefined || inner === null) return modelOf({ call, part }, topology, dialect);
  return modelOf({ call, part: `${part}.model_config` }, inner, dialect);
}

/** The output of the TF.js converter for a SavedModel: TensorFlow operations, without layers. */
const refuseGraphModel = (place: FilePath): never =>
  refuse(
    place,
    'must be a layers model, got a graph model, which has no layers; convert the Keras model with --output_format=tfjs_layers_model, or load its .keras or .h5 file with loadKerasModel',
  );

/** Everything is checked before any of it is put into the model, and where something is wrong, the model goes. */
function modelFromArtifacts(call: string, artifacts: unknown, strict: boolean): Sequential {
  const all = readObject({ call, part: 'artifacts' }, artifacts) as ModelArtifacts;
  const { weightSpecs, weightData, trainingConfig, userDefinedMetadata } = all;
  if (all.format === 'graph-model') refuseGraphModel({ call, part: 'format' });
  const place = { call, part: 'weightSpecs' };
  const data = { call, part: 'weightData' };
  const stored =
    weightData === undefined || weightData === null
      ? null
      : decodeWeights(place, weightSpecs, data, bytesOf(data, weightData), strict);
  const { own, others } = readMetadata({ call, part: 'userDefinedMetadata' }, userDefinedMetadata);
  const model = topologyOf(call, all.modelTopology);
  try {
    const { layers } = model;
    const view = model.view;
    const ofOptimizer = (stored ?? []).filter(({ optimizer }) => optimizer);
    const training = { call, part: 'trainingConfig' };
    const asTfjs = trainingConfig !== undefined && trainingConfig !== null;
    const wroteIt = typeof all.generatedBy === 'string' && all.generatedBy.startsWith(`${GENERATOR} `);
    let found: FoundTraining | null = null;
    if (own !== undefined && wroteIt) {
      const here = { call, part: `userDefinedMetadata.${OWN}` };
      found = readOwnTraining(here, own, place, ofOptimizer, layers, asTfjs, optimizerFrom);
    } else if (asTfjs) {
      found = readTfjsTraining(training, trainingConfig, place, ofOptimizer, layers, optimizerFrom);
    }
    if (stored) {
      const assigned = assignWeights(place, stored, layers, strict);
      write(call, view.parameters(call), layers, assigned);
    }
    if (others) model.setUserDefinedMetadata(others);
    if (found) {
      const { objective, progress, dropoutSeeds } = found;
      view.stack.objective = objective;
      if (progress) view.parameters(call).resume(call, objective.optimizer, progress);
      if (dropoutSeeds) for (const [n, layer] of layers.entries()) layer.dropoutSeeds = dropoutSeeds[n]!;
    }
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** The bytes of the weights in one piece. */
function bytesOf(place: FilePath, data: unknown): Uint8Array {
  const view = (piece: unknown, here: FilePath): Uint8Array =>
    isArrayBuffer(piece) || ArrayBuffer.isView(piece)
      ? bytesIn(piece)
      : refuse(here, `must be an ArrayBuffer or a list of them, got ${show(piece)}`);
  if (!Array.isArray(data)) return view(data, place);
  return joined(Array.from(data, (piece, n) => view(piece, itemOf(place, n))));
}

/** What we wrote there, and what somebody else did. */
function readMetadata(place: FilePath, value: unknown): { own?: unknown; others?: { [name: string]: unknown } } {
  if (value === undefined || value === null) return {};
  checkDepth(place, value);
  const { [OWN]: own, ...others } = readObject(place, value);
  return { own, ...(Object.keys(others).length > 0 && { others }) };
}

function write(call: string, parameters: Parameters, layers: readonly Layer[], assigned: Assigned): void {
  for (const [n, layer] of layers.entries()) {
    const own = assigned[n];
    if (!own) continue;
    const whole = layer.weightSpecs.every((_, i) => own[i]);
    // What the file has not is as it was drawn
    const drawn = whole ? [] : parameters.read(call, layer);
    const values = layer.weightSpecs.map((_, i) => own[i] ?? drawn[i]!);
    parameters.write(call, layer, values);
  }
}
