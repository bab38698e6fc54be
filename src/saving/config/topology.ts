/** Builds the models that topologies of Keras, TF.js and this package describe. */

import type { LayersModel } from '../../model/layersModel.ts';
import { show } from '../../util/errors.ts';
import { checkMasks } from './bidirectionalMasks.ts';
import { type ConfigFormat, rejectKeras1 } from './configFormat.ts';
import { checkDepth, type FilePath, failAt, itemOf, within } from './filePath.ts';
import { modelFrom } from './fromConfig.ts';
import {
  chainOf,
  classOf,
  GRAPHS,
  type Graph,
  type GraphNode,
  graphOf,
  isMaskOperation,
  isModel,
} from './functional.ts';
import { checkLayers, convertLayer, isKeras1Layer, layerList, type RawConfig, readClassConfig } from './layerConfig.ts';
import { givenMasks } from './masks.ts';
import { withInput } from './sequentialInput.ts';
import { structuredModel } from './structure.ts';

/** A layer in a file. */
interface Found {
  readonly location: FilePath;
  readonly described: unknown;
}

/** A model in a file. */
interface FoundModel {
  readonly className: string;
  readonly name: unknown;
  readonly items: readonly Item[];
  /** Whether it is a sequential model, or a graph that is a chain of layers. */
  readonly isChain: boolean;
}

type Item = Found | FoundModel;

/**
 * The grouping of layers in a file: a layer, without input layers, or a nested model with its layers. Readers of
 * weights by position or group need it, because a model that is a chain is loaded without its nested models.
 */
export type Arrangement = readonly (ArrangedLayer | ArrangedModel)[];

export interface ArrangedLayer {
  readonly name: unknown;
  readonly trainable: boolean;
}

export interface ArrangedModel {
  readonly name: unknown;
  readonly className: string;
  readonly layers: Arrangement;
}

/**
 * Builds the model that a topology describes. Keras and TF.js models that are chains of layers become sequential models
 * without nested ones; models of this package keep their structure.
 */
export function modelOf(location: FilePath, topology: unknown, format: ConfigFormat): LayersModel {
  const { config } = readClassConfig(location, topology);
  if (Array.isArray(config.layers)) checkLayers(within(location, 'config.layers'), config.layers.length);
  checkDepth(location, topology);
  const found = foundModel(location, topology);
  const all = layersIn(found);
  if (all.length === 0) failAt(within(location, 'config.layers'), 'must contain a layer, got none');
  checkLayers(within(location, 'config.layers'), all.length);
  if (all.some(({ described }) => isKeras1Layer(described))) rejectKeras1(location);
  const isFlat = format === 'own' ? found.className === 'Sequential' && !hasNested(found) : isChain(found);
  const model = isFlat
    ? modelFrom(location, flatTopology(topology, found, all, format))
    : structuredModel(location, topology, format);
  if (format === 'keras2' || format === 'keras3') checkMasks(location, model);
  return model;
}

const hasNested = ({ items }: FoundModel): boolean => items.some(item => 'items' in item);

/** Whether a model is a chain of layers, and so are the models in it. */
const isChain = (model: FoundModel): boolean =>
  model.isChain && model.items.every(item => !('items' in item) || isChain(item));

/** The arrangement of the layers of a model. */
export function arrangementOf(location: FilePath, topology: unknown): Arrangement {
  checkDepth(location, topology);
  return arranged(foundModel(location, topology).items);
}

function arranged(items: readonly Item[]): Arrangement {
  return items
    .filter(item => 'items' in item || classOf(item.described) !== 'InputLayer')
    .map(item => {
      if ('items' in item) return { name: item.name, className: item.className, layers: arranged(item.items) };
      const { name, config } = item.described as { name?: unknown; config?: RawConfig };
      return { name: name ?? config?.name, trainable: config?.trainable !== false };
    });
}

/**
 * Converts the topology of a chain of layers; nested models are flattened.
 *
 * @returns `{ class_name: 'Sequential', config }`
 */
function flatTopology(topology: unknown, model: FoundModel, all: readonly Found[], format: ConfigFormat): RawConfig {
  const { config } = topology as { config: RawConfig };
  const own = all.map(({ location, described }) => convertLayer(location, described, format));
  // Names were unique within each model and must be unique in the flat list
  const layers = hasNested(model) ? renamed(own) : own;
  return {
    class_name: 'Sequential',
    config: { name: config.name, layers: withInput(layers, topology, all[0]!.described, format) },
  };
}

/** The layers and nested models of a model. */
function foundModel(location: FilePath, described: unknown): FoundModel {
  const { found, isChain } = listedIn(location, described);
  const { name, config } = described as { name?: unknown; config: RawConfig };
  return {
    className: classOf(described) as string,
    name: name ?? config.name,
    isChain,
    items: found.map(each => (isModel(each.described) ? foundModel(each.location, each.described) : each)),
  };
}

/** The layers of a model and its nested models, without the input layers of the nested ones. */
function layersIn({ items }: FoundModel): readonly Found[] {
  const flat = (list: readonly Item[]): Found[] => list.flatMap(item => ('items' in item ? flat(item.items) : [item]));
  return flat(items).filter(({ described }, n) => n === 0 || classOf(described) !== 'InputLayer');
}

/** Renames layers whose name is taken by adding a number, as Keras does: dense, dense_1. */
function renamed(layers: readonly RawConfig[]): readonly RawConfig[] {
  const nameOf = ({ config }: RawConfig) => (config as RawConfig).name;
  const taken = new Set(layers.map(nameOf));
  const used = new Set<unknown>();
  return layers.map(layer => {
    const name = nameOf(layer);
    let chosen = name;
    if (used.has(name) && typeof name === 'string') {
      for (let n = 1; taken.has(chosen); n++) chosen = `${name}_${n}`;
      taken.add(chosen);
    }
    used.add(chosen);
    return chosen === name ? layer : { ...layer, config: { ...(layer.config as RawConfig), name: chosen } };
  });
}

/** The layers and nested models that a model lists: from input to output if it is a chain, otherwise in file order. */
function listedIn(location: FilePath, model: unknown): { found: readonly Found[]; isChain: boolean } {
  const { className, config } = readClassConfig(location, model);
  const inner = within(location, 'config');
  if (GRAPHS.includes(className)) {
    const graph = graphOf(inner, config);
    const chain = chainOf(graph);
    return { found: chain ? chainLayers(graph, chain) : graph.nodes.filter(isLoaded), isChain: chain !== null };
  }
  if (className !== 'Sequential') {
    failAt(location, `class_name must be 'Sequential' or 'Functional', got ${show(className)}`);
  }
  // Old versions of Keras wrote the list only
  const list: unknown = Array.isArray(config) ? config : config.layers;
  const here = within(inner, 'layers');
  const found = Array.from(layerList(here, list), (described, n) => ({ location: itemOf(here, n), described }));
  return { found, isChain: true };
}

const isLoaded = (node: GraphNode): boolean => !isMaskOperation(node);

function chainLayers(graph: Graph, chain: readonly GraphNode[]): readonly Found[] {
  givenMasks(graph); // a chain is given none, but its operations must compute the masks of its layers
  return chain.map(({ location, described }) => {
    const { config } = described as { config: RawConfig };
    // The chain continues from the first output; the states that a layer returns are not used
    return {
      location,
      described: config.return_state ? { ...described, config: { ...config, return_state: false } } : described,
    };
  });
}
