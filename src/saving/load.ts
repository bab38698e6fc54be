/** A model out of what TF.js or `model.save` wrote down. */

import { noMore } from '../arguments.ts';
import { fail, show } from '../errors.ts';
import type { Layer } from '../layers/layer.ts';
import { checkBoolean, checkOptions } from '../options.ts';
import type { Parameters } from '../parameters.ts';
import { drawing } from '../random.ts';
import { runnerOf, type Sequential } from '../sequential.ts';
import { showShape } from '../shapes.ts';
import { bytesIn, isArrayBuffer } from '../typedArrays.ts';
import { GENERATOR, type IOHandler, joined, type ModelArtifacts } from './artifacts.ts';
import { dialectIn } from './dialect.ts';
import { type HttpOptions, httpOptions } from './http.ts';
import { checkDepth, itemOf, type Place, parseJson, readObject, refuse, within } from './place.ts';
import { optimizerFrom } from './rebuild.ts';
import { loaderFor } from './routes.ts';
import { OWN } from './save.ts';
import { modelOf } from './topology.ts';
import { type FoundTraining, readOwnTraining, readTfjsTraining } from './training.ts';
import { decodeWeights, type StoredWeight } from './weightData.ts';

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
  const artifacts = await load(onProgress);
  return drawing(() => {
    const model = modelFromArtifacts(call, artifacts, strict);
    onProgress?.(1);
    return model;
  });
}

/**
 * A model from what `toJSON` gives, with new weights.
 *
 * @param json the topology, or an object with it as `modelTopology`; as text or as an object
 * @throws ValueError that names the part where it cannot be read
 */
export async function modelFromJSON(json: string | object): Promise<Sequential> {
  noMore('modelFromJSON', 1, arguments);
  const call = 'modelFromJSON';
  const parsed = typeof json === 'string' ? parseJson({ call, part: 'json' }, json) : json;
  const all = readObject({ call, part: 'json' }, parsed);
  if (all.weightsManifest !== undefined && all.weightsManifest !== null) {
    fail(call, 'json must be a topology alone, got one with weights; loadLayersModel reads both');
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
  const dialect = dialectIn({ call, part }, all);
  if (inner === undefined || inner === null) return modelOf({ call, part }, topology, dialect);
  return modelOf({ call, part: `${part}.model_config` }, inner, dialect);
}

/** What the converter makes of a SavedModel: operations of TensorFlow, and no layers. */
const refuseGraphModel = (place: Place): never =>
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
  const stored =
    weightData === undefined || weightData === null
      ? null
      : decodeWeights(
          place,
          weightSpecs,
          { call, part: 'weightData' },
          bytesOf({ call, part: 'weightData' }, weightData),
        );
  const { own, others } = readMetadata({ call, part: 'userDefinedMetadata' }, userDefinedMetadata);
  const model = topologyOf(call, all.modelTopology);
  try {
    const { layers } = model;
    const runner = runnerOf(model);
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
      const assigned = assign(place, stored, layers, strict);
      write(call, runner.parameters(call), layers, assigned);
    }
    if (others) model.setUserDefinedMetadata(others);
    if (found) {
      const { objective, progress, dropoutSeeds } = found;
      runner.stack.objective = objective;
      if (progress) runner.parameters(call).resume(call, objective.optimizer, progress);
      if (dropoutSeeds) for (const [n, layer] of layers.entries()) layer.dropoutSeeds = dropoutSeeds[n]!;
    }
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** The bytes of the weights in one piece. */
function bytesOf(place: Place, data: unknown): Uint8Array {
  const view = (piece: unknown, here: Place): Uint8Array =>
    isArrayBuffer(piece) || ArrayBuffer.isView(piece)
      ? bytesIn(piece)
      : refuse(here, `must be an ArrayBuffer or a list of them, got ${show(piece)}`);
  if (!Array.isArray(data)) return view(data, place);
  return joined(Array.from(data, (piece, n) => view(piece, itemOf(place, n))));
}

/** What we wrote there, and what somebody else did. */
function readMetadata(place: Place, value: unknown): { own?: unknown; others?: { [name: string]: unknown } } {
  if (value === undefined || value === null) return {};
  checkDepth(place, value);
  const { [OWN]: own, ...others } = readObject(place, value);
  return { own, ...(Object.keys(others).length > 0 && { others }) };
}

/** For each layer its weights; null where the file has none of them. */
type Assigned = readonly (readonly (Float32Array | undefined)[] | null)[];

/** Finds the weights of the model among those of the file, by name. */
function assign(place: Place, stored: readonly StoredWeight[], layers: readonly Layer[], strict: boolean): Assigned {
  const targets = new Map<string, { layer: number; weight: number; shape: readonly number[] }>();
  for (const [layer, { weightPaths, weightSpecs }] of layers.entries()) {
    for (const [weight, { shape }] of weightSpecs.entries())
      targets.set(weightPaths[weight]!, { layer, weight, shape });
  }
  const left = new Set(targets.keys());
  const assigned: Float32Array[][] = layers.map(() => []);
  for (const [n, { name, shape, dtype, optimizer, values }] of stored.entries()) {
    if (optimizer) continue;
    const here = itemOf(place, n);
    const path = targets.has(name) ? name : shortened(name);
    const target = targets.get(path);
    if (!target) {
      if (strict) refuse(within(here, 'name'), `must be that of a weight of the model, got ${show(name)}`);
      continue;
    }
    if (!left.delete(path)) refuse(within(here, 'name'), `must be there once, got a second ${show(path)}`);
    if (dtype !== 'float32') refuse(within(here, 'dtype'), `must be 'float32' for ${show(path)}, got ${show(dtype)}`);
    if (showShape(shape) !== showShape(target.shape)) {
      const got = showShape(shape);
      refuse(
        within(here, 'shape'),
        `must be ${showShape(target.shape)}, that of ${show(path)} in the model, got ${got}`,
      );
    }
    assigned[target.layer]![target.weight] = values as Float32Array;
  }
  if (strict && left.size > 0) {
    const names = [...left].slice(0, 4).map(show).join(', ');
    refuse(place, `must have every weight of the model, got ${left.size} too few: ${names}`);
  }
  return assigned.map(own => (own.length > 0 ? own : null));
}

/** Converters put the name of a cell between those of its layer and its weight: 'lstm/lstm_cell/kernel'. */
function shortened(name: string): string {
  const parts = name.split('/');
  return [...parts.slice(0, -2), parts.at(-1)].join('/');
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
