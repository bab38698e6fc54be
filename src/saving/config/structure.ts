/** Builds models of any structure from topologies: graphs of layers, and models within models. */

import type { InputLayer } from '../../layers/inputLayer.ts';
import type { Layer } from '../../layers/layer.ts';
import { RecurrentLayer } from '../../layers/recurrent/recurrent.ts';
import { input, model, type Symbolic } from '../../model/functional.ts';
import { LayersModel } from '../../model/layersModel.ts';
import { Sequential } from '../../model/sequential.ts';
import type { ConfigValue } from '../../util/config.ts';
import { fromPython } from '../../util/config.ts';
import { show } from '../../util/errors.ts';
import type { ConfigFormat } from './configFormat.ts';
import { type FilePath, failAt, itemOf, withFilePath, within } from './filePath.ts';
import { layerFrom } from './fromConfig.ts';
import {
  classOf,
  GRAPHS,
  type GraphCall,
  type GraphNode,
  graphOf,
  isMaskOperation,
  isModel,
  otherArgument,
  type Ref,
  tensorsOf,
} from './functional.ts';
import { convertLayer, layerList, type RawConfig, readClassConfig } from './layerConfig.ts';
import { type GivenMasks, givenMasks } from './masks.ts';
import { withInput, withShape } from './sequentialInput.ts';

/**
 * The maximum number of calls with those of nested models, each time that these are called: models that call each other
 * twice expand exponentially.
 */
const MOST_CALLS = 2 ** 16;

/** A layer in a file. */
interface Built {
  readonly layer: Layer;
  /** How many calls one call of the layer makes. */
  readonly calls: number;
}

/**
 * Builds the model that a topology describes, with nested models as they are in the file.
 *
 * @param seed of the model, without its nested models
 */
export const structuredModel = (
  location: FilePath,
  topology: unknown,
  format: ConfigFormat,
  seed?: number,
): LayersModel => modelIn(location, topology, format, seed).layer as LayersModel;

function modelIn(location: FilePath, described: unknown, format: ConfigFormat, seed?: number): Built {
  const { className } = readClassConfig(location, described);
  if (GRAPHS.includes(className)) return functionalIn(location, described, format, seed);
  if (className === 'Sequential') return sequentialIn(location, described, format, seed);
  return failAt(location, `class_name must be 'Sequential' or 'Functional', got ${show(className)}`);
}

/** A layer, or a nested model. */
function layerIn(location: FilePath, described: unknown, format: ConfigFormat): Built {
  if (isModel(described)) return modelIn(location, described, format);
  return { layer: plainLayer(location, convertLayer(location, described, format)), calls: 1 };
}

const plainLayer = (location: FilePath, converted: RawConfig): Layer =>
  layerFrom(location, fromPython(converted as unknown as ConfigValue));

/** A model that disposes of its nested models with itself, because the caller did not make them. */
function owning(model: LayersModel, layers: readonly Layer[]): LayersModel {
  model.view.state.ownedModels.push(...layers.filter(layer => layer instanceof LayersModel));
  return model;
}

/** The name in a configuration; none if it is empty. */
const nameIn = ({ name }: RawConfig): { name?: string } => (typeof name === 'string' && name !== '' ? { name } : {});

/** Fails if a model has too many calls. */
function checkCalls(location: FilePath, calls: number): number {
  if (calls > MOST_CALLS) {
    failAt(location, `must have at most ${MOST_CALLS} calls of layers, with those of nested models, got ${calls}`);
  }
  return calls;
}

// ------------------------------------------------------------------------------------------------------- sequential

function sequentialIn(location: FilePath, described: unknown, format: ConfigFormat, seed?: number): Built {
  const { config } = readClassConfig(location, described);
  const inner = within(location, 'config');
  const here = within(inner, 'layers');
  const list = layerList(here, Array.isArray(config) ? config : config.layers);
  if (list.length === 0) failAt(here, 'must contain a layer, got none');
  const built = convertedLayers(here, described, list, format).map(({ location, converted, described }) =>
    converted ? { layer: plainLayer(location, converted), calls: 1 } : modelIn(location, described, format),
  );
  const calls = built.reduce((sum, each) => sum + each.calls, 0);
  checkCalls(location, calls);
  const layers = built.map(({ layer }) => layer);
  const model = withFilePath(inner, () => new Sequential({ layers, seed, ...nameIn(config) }));
  return { layer: owning(model, layers), calls };
}

interface Item {
  readonly location: FilePath;
  readonly described: unknown;
  /** Null for a nested model. */
  readonly converted: RawConfig | null;
}

/** The layers of a sequential model, with its input shape where this package expects it. */
function convertedLayers(
  here: FilePath,
  model: unknown,
  list: readonly unknown[],
  format: ConfigFormat,
): readonly Item[] {
  const items = Array.from(list, (described, n): Item => {
    const location = itemOf(here, n);
    return { location, described, converted: isModel(described) ? null : convertLayer(location, described, format) };
  });
  const startsWithModel = isModel(list[0]);
  if (format === 'own') return items;
  if (startsWithModel || (classOf(list[0]) === 'InputLayer' && isModel(list[1]))) {
    // The model has an input of its own
    const kept = startsWithModel || format === 'tfjs' ? items : items.slice(1);
    return kept.map(item =>
      item.converted && item.converted.class_name !== 'InputLayer'
        ? { ...item, converted: withShape(item.converted, undefined) }
        : item,
    );
  }
  const plain = items.flatMap(({ converted }) => (converted ? [converted] : []));
  const moved = withInput(plain, model, list[0], format);
  // The input layer of Keras has been removed
  const kept = items.slice(plain.length - moved.length);
  const next = moved.values();
  return kept.map(item => (item.converted ? { ...item, converted: next.next().value! } : item));
}

// ------------------------------------------------------------------------------------------------------- functional

function functionalIn(location: FilePath, described: unknown, format: ConfigFormat, seed?: number): Built {
  const { config } = readClassConfig(location, described);
  const inner = within(location, 'config');
  const graph = graphOf(inner, config);
  const masks = givenMasks(graph);
  const layers = new Map<string, Built>();
  /** The outputs of each call of each layer. */
  const outputs = new Map<string, Symbolic[][]>();
  const ends = new Set(graph.inputs.map(({ layer }) => layer));
  for (const node of graph.nodes) {
    if (isMaskOperation(node)) continue;
    const isInput = node.className === 'InputLayer';
    if (isInput !== (node.calls.length === 0) || isInput !== ends.has(node.name)) {
      const rule = isInput
        ? 'an input layer must be one of input_layers and must have no inbound_nodes'
        : 'a layer must have inbound_nodes and must not be one of input_layers';
      failAt(node.location, `${rule}, got ${show(node.name)}`);
    }
    if (isInput) outputs.set(node.name, [[inputOf(node, format)]]);
    else layers.set(node.name, named(node, layerIn(node.location, withCallOptions(node), format)));
  }
  const find = (here: FilePath, { layer, call, output }: Ref): Symbolic => {
    const own = outputs.get(layer)?.[call];
    if (!own) return failAt(here, `must not use the mask ${show(layer)} as an input`);
    return own[output] ?? failAt(here, `must refer to one of ${own.length} outputs of ${show(layer)}, got ${output}`);
  };
  let calls = 0;
  for (const call of graph.order) {
    const built = layers.get(call.node.name);
    if (!built) continue; // a mask
    calls = checkCalls(call.call.location, calls + built.calls);
    const own = outputs.get(call.node.name) ?? [];
    outputs.set(call.node.name, own);
    own[call.index] = apply(built.layer, call, masks.get(call.call), find);
  }
  const [inputLocation, outputLocation] = [within(inner, 'input_layers'), within(inner, 'output_layers')];
  const options = {
    inputs: graph.inputs.map(ref => find(inputLocation, ref)),
    outputs: graph.outputs.map(ref => find(outputLocation, ref)),
    ...nameIn(config),
    ...(seed !== undefined && { seed }),
  };
  const made = withFilePath(inner, () => model(options));
  return { layer: owning(made, made.layers), calls };
}

/** The description of a layer, with the options that Keras has as arguments of its calls. */
function withCallOptions({ location, described, calls }: GraphNode): object {
  const options = [...new Set(calls.flatMap(call => call.options))];
  for (const name of options) {
    if (calls.every(call => call.options.includes(name))) continue;
    failAt(location, `must be called with ${name} in all of its calls, or in none`);
  }
  if (options.length === 0) return described;
  const given = Object.fromEntries(options.map(name => [name, true]));
  return { ...described, config: { ...(described.config as object), ...given } };
}

/** Checks that a layer has the name by which the graph refers to it. */
function named({ location, name }: GraphNode, built: Built): Built {
  if (built.layer.name !== name) {
    failAt(
      within(location, 'config.name'),
      `must be ${show(name)}, the name of the layer, got ${show(built.layer.name)}`,
    );
  }
  return built;
}

function inputOf({ location, name, described }: GraphNode, format: ConfigFormat): Symbolic {
  const layer = plainLayer(location, convertLayer(location, described, format)) as InputLayer;
  return withFilePath(location, () => input({ name, batchShape: layer.batchInputShape! }));
}

/** Calls a layer with the outputs of earlier calls. */
function apply(
  layer: Layer,
  { call }: GraphCall,
  masks: GivenMasks | undefined,
  find: (here: FilePath, ref: Ref) => Symbolic,
): Symbolic[] {
  const { location, named, training } = call;
  const other = otherArgument(call);
  if (other !== undefined) failAt(location, `must not have the output of a layer as ${show(other)}`);
  const tensors = tensorsOf(call).map(ref => find(location, ref));
  if (tensors.length === 0) failAt(location, 'must have at least one input, got none');
  // TF.js and Keras 2 list the initial states of a recurrent layer among its inputs
  const isRecurrent = layer instanceof RecurrentLayer;
  const inputs = isRecurrent ? tensors.slice(0, 1) : tensors;
  const states = [
    ...(isRecurrent ? tensors.slice(1) : []),
    ...(named.initial_state ?? []).map(ref => find(location, ref)),
  ];
  const options = {
    ...(states.length > 0 && { initialState: states }),
    ...(masks && { mask: masks.slice(0, inputs.length).map(mask => mask && find(location, mask)) }),
    ...(training !== null && { training }),
  };
  return [withFilePath(location, () => layer.apply<Symbolic | Symbolic[]>(inputs, options))].flat();
}
