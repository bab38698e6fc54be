/** Converts the model topologies of Keras and TF.js to the sequential model that `modelFrom` reads. */

import type { Sequential } from '../../model/sequential.ts';
import { show } from '../../util/errors.ts';
import { checkMasks } from './bidirectionalMasks.ts';
import { type ConfigFormat, rejectKeras1 } from './configFormat.ts';
import { checkDepth, type FilePath, failAt, isObject, itemOf, within } from './filePath.ts';
import { modelFrom } from './fromConfig.ts';
import { chainOf, graphOf } from './functional.ts';
import {
  checkLayers,
  convertLayer,
  isKeras1Layer,
  layerList,
  type RawConfig,
  readClassConfig,
  unwrapPython,
} from './layerConfig.ts';

/** A layer in a file. */
interface Found {
  readonly location: FilePath;
  readonly described: unknown;
}

/** A nested model in a file. */
interface FoundModel {
  readonly className: string;
  readonly items: readonly Item[];
}

type Item = Found | FoundModel;

/**
 * The grouping of layers in a file: a layer, without input layers, or a nested model with its layers. Readers of
 * weights by position or group need it, because models of this package have one flat list of layers.
 */
export type Arrangement = readonly (ArrangedLayer | ArrangedModel)[];

export interface ArrangedLayer {
  readonly trainable: boolean;
}

export interface ArrangedModel {
  readonly className: string;
  readonly layers: Arrangement;
}

/** Builds the model that a topology describes. */
export function modelOf(location: FilePath, topology: unknown, format: ConfigFormat): Sequential {
  const model = modelFrom(location, topologyOf(location, topology, format));
  if (format === 'keras2' || format === 'keras3') checkMasks(location, model);
  return model;
}

/** The arrangement of the layers of that model. */
export function arrangementOf(location: FilePath, topology: unknown): Arrangement {
  checkDepth(location, topology);
  return arranged(itemsIn(location, topology));
}

function arranged(items: readonly Item[]): Arrangement {
  return items
    .filter(item => 'items' in item || classOf(item.described) !== 'InputLayer')
    .map(item => {
      if ('items' in item) return { className: item.className, layers: arranged(item.items) };
      const { config } = item.described as { config?: RawConfig };
      return { trainable: config?.trainable !== false };
    });
}

/**
 * Converts the topology of any model that is a chain of layers; nested models are flattened.
 *
 * @returns `{ class_name: 'Sequential', config }`
 */
function topologyOf(location: FilePath, model: unknown, format: ConfigFormat): RawConfig {
  const { config } = readClassConfig(location, model);
  if (Array.isArray(config.layers)) checkLayers(within(location, 'config.layers'), config.layers.length);
  checkDepth(location, model);
  const items = itemsIn(location, model);
  const found = layersIn(items);
  if (found.length === 0) failAt(within(location, 'config.layers'), 'must contain a layer, got none');
  checkLayers(within(location, 'config.layers'), found.length);
  if (found.some(({ described }) => isKeras1Layer(described))) rejectKeras1(location);
  const own = found.map(({ location, described }) => convertLayer(location, described, format));
  // Names were unique within each model and must be unique in the flat list
  const layers = items.some(item => 'items' in item) ? renamed(own) : own;
  return {
    class_name: 'Sequential',
    config: { name: config.name, layers: withInput(layers, inputOf(model, found), format) },
  };
}

/** The layers and nested models of a model. */
function itemsIn(location: FilePath, model: unknown): Item[] {
  return listedIn(location, model).map(found =>
    isModel(found.described)
      ? { className: classOf(found.described) as string, items: itemsIn(found.location, found.described) }
      : found,
  );
}

/** The layers of a model and its nested models, without the input layers of the nested ones. */
function layersIn(items: readonly Item[]): Found[] {
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

const GRAPHS = ['Functional', 'Model'];

const classOf = (described: unknown) =>
  isObject(described) ? (described as { class_name?: unknown }).class_name : null;
const isModel = (described: unknown) => ['Sequential', ...GRAPHS].includes(classOf(described) as string);

function listedIn(location: FilePath, model: unknown): Found[] {
  const { className, config } = readClassConfig(location, model);
  const inner = within(location, 'config');
  if (GRAPHS.includes(className)) {
    return chainOf(location, graphOf(inner, config)).map(({ location, described }) => {
      const { config } = described as { config: RawConfig };
      // The chain continues from the first output; the states that a layer returns are not used
      return {
        location,
        described: config.return_state ? { ...described, config: { ...config, return_state: false } } : described,
      };
    });
  }
  if (className !== 'Sequential') {
    const kinds = "'Sequential', or 'Functional' for a model that is a chain of layers";
    failAt(location, `class_name must be ${kinds}, got ${show(className)}`);
  }
  // Old versions of Keras wrote the list only
  const list: unknown = Array.isArray(config) ? config : config.layers;
  const here = within(inner, 'layers');
  return Array.from(layerList(here, list), (described, n) => ({ location: itemOf(here, n), described }));
}

/**
 * The input shape that Keras stores when a model is built; used if neither an input layer nor the first layer has one.
 */
function inputOf(model: unknown, [first]: readonly Found[]): unknown {
  const { config, build_config } = model as { config: RawConfig; build_config?: unknown };
  const candidates = [config.build_input_shape, build_config, (first!.described as RawConfig).build_config].map(
    shapeIn,
  );
  return candidates.find(Array.isArray);
}

/** A shape, or the input shape in a `build_config`. */
function shapeIn(value: unknown): unknown {
  const plain = unwrapPython(value);
  if (!isObject(plain) || Array.isArray(plain)) return plain;
  const { input_shape, shapes_dict } = plain as RawConfig;
  if (input_shape) return input_shape;
  return isObject(shapes_dict) ? Object.values(shapes_dict)[0] : null;
}

/**
 * Moves the input shape into the first layer. Removes the input layer of Keras, which Keras does not count as a layer
 * of the model; keeps that of TF.js and of this package.
 */
function withInput(layers: readonly RawConfig[], built: unknown, format: ConfigFormat): readonly RawConfig[] {
  if (format === 'own') return layers;
  const [first, ...rest] = layers as [RawConfig, ...RawConfig[]];
  // Like Keras and TF.js, use the shape of the first layer only
  const others = rest.map(layer => withShape(layer, undefined));
  const { config } = first as { config: RawConfig };
  if (first.class_name === 'InputLayer') {
    const [second, ...more] = others;
    if (format === 'tfjs' || !second) return [first, ...others];
    return [withShape(second, config.batch_input_shape), ...more];
  }
  const hasShape = Boolean(config.batch_input_shape || config.input_shape) || !Array.isArray(built);
  return [hasShape ? first : withShape(first, withOpenBatch(built, layers)), ...others];
}

/** Opens the batch size of a build shape, which is that of the first batch, unless a layer is stateful. */
const withOpenBatch = (shape: readonly unknown[], layers: readonly RawConfig[]): readonly unknown[] =>
  layers.some(({ config }) => (config as RawConfig).stateful === true) ? shape : [null, ...shape.slice(1)];

function withShape(layer: RawConfig, shape: unknown): RawConfig {
  const { batch_input_shape: _, ...config } = layer.config as RawConfig;
  return { ...layer, config: shape === undefined ? config : { ...config, batch_input_shape: shape } };
}
