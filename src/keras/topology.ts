/** What Keras writes about layers, in the words that `modelFrom` knows. */

import { fail, show } from '../errors.ts';
import { checkDepth, type Place, refuse, within } from '../saving/place.ts';

/** Plain data from a file; nothing is known about it. */
// biome-ignore lint/suspicious/noExplicitAny: every use looks first
type Plain = any;
type Options = { [name: string]: Plain };

const MOST_LAYERS = 4096;

/**
 * The topology of a model.
 *
 * @param version of the Keras that wrote it: what it calls hard_sigmoid has changed with version 3
 */
export function topologyOf(place: Place, model: unknown, version: number): Options {
  checkDepth(place, model);
  const { className, config } = described(place, model);
  if (className !== 'Sequential') {
    refuse(place, `class_name must be 'Sequential', the only kind of model there is here, got ${show(className)}`);
  }
  // Keras once wrote the list alone
  const list: Plain = Array.isArray(config) ? config : config.layers;
  const layersPlace = within(place, 'config.layers');
  if (!Array.isArray(list)) refuse(layersPlace, `must be a list, got ${show(list)}`);
  if (list.length > MOST_LAYERS) refuse(layersPlace, `must be at most ${MOST_LAYERS} layers, got ${list.length}`);
  const made = list.map((item: unknown, n: number) => layerOf(within(place, `config.layers[${n}]`), item, version));
  const layers = withInput(layersPlace, made, config.build_input_shape);
  return { class_name: className, config: { name: config.name, layers } };
}

/** Keras has an input layer of its own below the layers; here the first layer names the input. */
function withInput(place: Place, layers: Options[], otherwise: Plain): Options[] {
  const [first, second] = layers;
  if (!first) refuse(place, 'must hold a layer, got none');
  if (first!.class_name === 'InputLayer') {
    if (!second) return layers;
    second.config.batch_input_shape = first!.config.batch_input_shape;
    return layers.slice(1);
  }
  const { config } = first!;
  if (!config.batch_input_shape && !config.input_shape && otherwise) config.batch_input_shape = otherwise;
  return layers;
}

function layerOf(place: Place, item: unknown, version: number): Options {
  const { className, config } = described(place, item);
  const inner = within(place, 'config');
  const options = optionsOf(inner, config, version);
  const nested = (name: string) => layerOf(within(inner, name), config[name], version);
  switch (className) {
    case 'InputLayer':
      return { class_name: className, config: inputOf(options) };
    case 'TimeDistributed':
      return { class_name: className, config: { ...options, layer: nested('layer') } };
    case 'Bidirectional': {
      if (options.merge_mode === null) refuse(within(inner, 'merge_mode'), 'must make one output of two, got null');
      const layer = half(nested('layer'));
      const other = config.backward_layer ? half(nested('backward_layer')) : null;
      if (other) checkHalves(inner, layer, other);
      delete options.backward_layer;
      return { class_name: className, config: { ...options, layer } };
    }
    case 'RNN':
      return {
        class_name: className,
        config: { ...options, cell: cellOf(within(inner, 'cell'), config.cell, version) },
      };
    case 'ReLU':
      return reluOf(inner, options);
    case 'LeakyReLU': {
      const { negative_slope, ...others } = options;
      return {
        class_name: className,
        config: negative_slope === undefined ? others : { ...others, alpha: negative_slope },
      };
    }
    case 'Softmax':
      if (Array.isArray(options.axis) && options.axis.length === 1) options.axis = options.axis[0];
      return { class_name: className, config: options };
    default:
      return { class_name: className, config: options };
  }
}

const inputOf = ({ batch_shape, batch_input_shape, name }: Options): Options => ({
  batch_input_shape: batch_shape ?? batch_input_shape,
  ...(name && { name }),
});

function cellOf(place: Place, item: unknown, version: number): Options {
  const { className, config } = described(place, item);
  const inner = within(place, 'config');
  if (className !== 'StackedRNNCells') return { class_name: className, config: optionsOf(inner, config, version) };
  const { cells } = config;
  if (!Array.isArray(cells)) refuse(within(inner, 'cells'), `must be a list, got ${show(cells)}`);
  const made = cells.map((cell: unknown, n: number) => cellOf(within(inner, `cells[${n}]`), cell, version));
  return { class_name: className, config: { cells: made } };
}

/** One direction of a bidirectional layer: its outputs at masked steps are Keras's affair, and its prefix, too. */
function half({ class_name, config }: Options): Options {
  const { zero_output_for_mask, name, ...options } = config;
  const own = typeof name === 'string' ? name.replace(/^(forward|backward)_/, '') : undefined;
  return { class_name, config: { ...options, ...(own && { name: own }) } };
}

function checkHalves(place: Place, layer: Options, other: Options): void {
  const rest = ({ class_name, config: { name, go_backwards, ...config } }: Options) =>
    JSON.stringify([class_name, Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1))]);
  const opposite = Boolean(layer.config.go_backwards) !== Boolean(other.config.go_backwards);
  if (!opposite || rest(layer) !== rest(other)) {
    refuse(within(place, 'backward_layer'), 'must be the layer in the other direction of time, got another one');
  }
}

function reluOf(place: Place, { negative_slope, threshold, ...options }: Options): Options {
  if (threshold) refuse(within(place, 'threshold'), `must be 0, got ${show(threshold)}`);
  if (!negative_slope) return { class_name: 'ReLU', config: options };
  const { max_value, ...others } = options;
  if (max_value !== null && max_value !== undefined) {
    refuse(within(place, 'negative_slope'), `must be 0 where there is a max_value, got ${show(negative_slope)}`);
  }
  return { class_name: 'LeakyReLU', config: { ...others, alpha: negative_slope } };
}

/** Options of a layer or a cell, but for the layers and cells among them. */
function optionsOf(place: Place, config: Options, version: number): Options {
  const options: Options = {};
  for (const [name, value] of Object.entries(config)) {
    const here = within(place, name.slice(0, 60));
    if (name === 'dtype') {
      checkType(here, value, config);
      continue;
    }
    if (name === 'use_cudnn' || name === 'build_config' || (name === 'zero_output_for_mask' && value === false))
      continue;
    const kept = /(^|_)activation$/.test(name)
      ? activationOf(here, value, version)
      : name === 'seed'
        ? seedOf(value)
        : objectOf(value);
    Object.defineProperty(options, name, { value: kept, enumerable: true, configurable: true, writable: true });
  }
  return options;
}

function checkType(place: Place, dtype: Plain, config: Options): void {
  const name = typeof dtype === 'object' && dtype !== null ? dtype.config?.name : dtype;
  // The input of an embedding may be whole numbers
  const input = config.batch_shape !== undefined || config.batch_input_shape !== undefined;
  const known = input ? ['float32', 'int32', 'int64', 'int16', 'uint8', 'uint16'] : ['float32'];
  if (name !== undefined && name !== null && !known.includes(name)) refuse(place, `must be float32, got ${show(name)}`);
}

/** By its name, or as a function of Keras. */
function activationOf(place: Place, value: Plain, version: number): string {
  if (value === null || value === undefined) return 'linear';
  const isFunction = typeof value === 'object' && value.class_name === 'function';
  const name = isFunction ? value.config : value;
  if (typeof name !== 'string') refuse(place, `must be the name of an activation, got ${show(name)}`);
  if (name === 'hard_sigmoid') return version >= 3 ? 'hard_sigmoid_keras3' : 'hardSigmoid';
  if (name === 'hard_sigmoid_keras3' || name === 'gelu_new') refuse(place, `unknown activation '${name}'`);
  return name;
}

/** A generator stands for its seed; what cannot be a seed here is drawn anew. */
function seedOf(value: Plain): number | null {
  const seed = typeof value === 'object' && value !== null ? value.config?.seed : value;
  return Number.isSafeInteger(seed) && seed >= 0 ? seed : null;
}

/** Initializers, regularizers and constraints. */
function objectOf(value: Plain): Plain {
  if (typeof value !== 'object' || value === null || typeof value.class_name !== 'string') return value;
  const { class_name, config } = value;
  if (typeof config !== 'object' || config === null) return { class_name, config };
  const kept = { ...config };
  if ('seed' in kept) kept.seed = seedOf(kept.seed);
  if (Array.isArray(kept.axis) && kept.axis.length === 1) kept.axis = kept.axis[0];
  delete kept.dtype;
  return { class_name, config: kept };
}

function described(place: Place, value: Plain): { className: string; config: Options } {
  const { class_name, config, registered_name } = typeof value === 'object' && value !== null ? value : {};
  if (typeof class_name !== 'string' || typeof config !== 'object' || config === null) {
    return fail(place.call, `${place.part}: must be { class_name, config }, got ${show(value)}`);
  }
  if (typeof registered_name === 'string' && registered_name.includes('>') && !registered_name.startsWith('keras')) {
    refuse(place, `must be a class of Keras, got ${show(registered_name)}`);
  }
  return { className: class_name, config };
}
