/** Converts the layer descriptions of Keras and TF.js to those that `layerFrom` reads. */

import { customClassOf } from '../../util/customClasses.ts';
import { fail, show } from '../../util/errors.ts';
import type { ConfigFormat } from './configFormat.ts';
import { customOptions } from './customLayers.ts';
import { type FilePath, failAt, isObject, itemOf, within } from './filePath.ts';

/** A config object from a file, with unchecked values. */
export type RawConfig = { readonly [name: string]: unknown };

/** The cells of TensorFlow Addons that are a cell with more options here, by their registered names. */
const addonsCells: { readonly [name: string]: readonly [className: string, options: RawConfig] } = {
  'Addons>LayerNormLSTMCell': ['LSTMCell', { layer_normalization: true }],
  'Addons>LayerNormSimpleRNNCell': ['SimpleRNNCell', { layer_normalization: true }],
  'Addons>PeepholeLSTMCell': ['LSTMCell', { use_peepholes: true }],
};

/** The description of a layer or model: its class and its options. */
export function readClassConfig(location: FilePath, value: unknown): { className: string; config: RawConfig } {
  const { class_name, config, registered_name } = (isObject(value) ? value : {}) as RawConfig;
  if (typeof class_name !== 'string' || !isObject(config)) {
    return fail(location.call, `${location.part}: must be { class_name, config }, got ${show(value)}`);
  }
  const isOther = typeof registered_name === 'string' && /^(?!keras).*>/.test(registered_name);
  if (isOther && !customClassOf(class_name)) {
    if (Object.hasOwn(addonsCells, registered_name)) return { className: registered_name, config: config as RawConfig };
    failAt(
      location,
      `must be a Keras class, or one registered with serialization.registerClass, got ${show(registered_name)}`,
    );
  }
  return { className: class_name, config: config as RawConfig };
}

const MOST_LAYERS = 4096;

/** The list of layers of a model. */
export function layerList(location: FilePath, list: unknown): readonly unknown[] {
  if (!Array.isArray(list)) return failAt(location, `must be a list, got ${show(list)}`);
  checkLayers(location, list.length);
  return list;
}

/** Rejects too many layers. */
export function checkLayers(location: FilePath, count: number): void {
  if (count > MOST_LAYERS) failAt(location, `must be at most ${MOST_LAYERS} layers, got ${count}`);
}

/** Whether a layer has the options of Keras 1. */
export function isKeras1Layer(value: unknown): boolean {
  const { class_name, config } = (isObject(value) ? value : {}) as RawConfig;
  if (!isObject(config) || customClassOf(class_name)) return false;
  return 'inner_activation' in config || ('output_dim' in config && class_name !== 'Embedding');
}

/** @returns `{ class_name, config }` */
export function convertLayer(location: FilePath, item: unknown, format: ConfigFormat): RawConfig {
  const { className, config } = readClassConfig(location, item);
  const inner = within(location, 'config');
  const as = (class_name: string, own: RawConfig): RawConfig => ({ class_name, config: own });
  const custom = customClassOf(className);
  if (custom) return as(custom.className, customOptions(config, format));
  const options = convertOptions(inner, config, format);
  switch (className) {
    case 'InputLayer':
      return as(className, inputLayerOf(options));
    case 'TimeDistributed':
      return as(className, { ...options, layer: convertLayer(within(inner, 'layer'), config.layer, format) });
    case 'Bidirectional':
      return as(className, bidirectionalOf(inner, config, options, format));
    case 'RNN':
      return as(className, { ...options, cell: convertCell(within(inner, 'cell'), config.cell, format) });
    case 'GRU':
    case 'GRUCell':
      return as(className, gruOf(options, format));
    case 'CuDNNLSTM':
      return as('LSTM', { ...options, activation: 'tanh', recurrent_activation: 'sigmoid' });
    case 'CuDNNGRU':
      return as('GRU', { ...options, activation: 'tanh', recurrent_activation: 'sigmoid', reset_after: true });
    case 'ReLU':
      return reluOf(inner, options);
    case 'SpatialDropout1D': {
      const { noise_shape, ...others } = options; // TF.js writes that of its superclass, which is null
      return as(className, noise_shape === null || noise_shape === undefined ? others : options);
    }
    case 'LeakyReLU': {
      const { negative_slope, ...others } = options;
      return as(className, negative_slope === undefined ? others : { ...others, alpha: negative_slope });
    }
    case 'Softmax':
    case 'BatchNormalization':
    case 'LayerNormalization':
      return as(className, 'axis' in options ? { ...options, axis: single(options.axis) } : options);
    default:
      return as(className, options);
  }
}

const inputLayerOf = ({ batch_shape, batch_input_shape, name }: RawConfig): RawConfig => ({
  batch_input_shape: batch_shape ?? batch_input_shape,
  ...(typeof name === 'string' && { name }),
});

/** A ReLU of Keras 3, which replaces ThresholdedReLU by a threshold. */
function reluOf(location: FilePath, { threshold, ...options }: RawConfig): RawConfig {
  if (!threshold) return { class_name: 'ReLU', config: options };
  const { max_value, negative_slope, ...others } = options;
  if (negative_slope || (max_value !== null && max_value !== undefined)) {
    failAt(within(location, 'threshold'), `must be 0 with a max_value or negative_slope, got ${show(threshold)}`);
  }
  return { class_name: 'ThresholdedReLU', config: { ...others, theta: threshold } };
}

/** Files without `reset_after` mean false: Keras introduced it in 2.1.3, and TF.js never had it. */
const gruOf = (options: RawConfig, format: ConfigFormat): RawConfig =>
  options.reset_after === undefined && format !== 'keras3' ? { ...options, reset_after: false } : options;

function convertCell(location: FilePath, item: unknown, format: ConfigFormat): RawConfig {
  const { className, config } = readClassConfig(location, item);
  const inner = within(location, 'config');
  if (className === 'GRUCell')
    return { class_name: className, config: gruOf(convertOptions(inner, config, format), format) };
  if (Object.hasOwn(addonsCells, className)) {
    const [name, own] = addonsCells[className]!;
    const { layernorm_epsilon, gamma_initializer, ...options } = convertOptions(inner, config, format);
    const norm = layernorm_epsilon && { norm_epsilon: layernorm_epsilon, norm_gamma_initializer: gamma_initializer };
    return { class_name: name, config: { ...options, ...(norm as RawConfig), ...own } };
  }
  if (className !== 'StackedRNNCells') return { class_name: className, config: convertOptions(inner, config, format) };
  const { cells } = config;
  const list = within(inner, 'cells');
  if (!Array.isArray(cells)) return failAt(list, `must be a list, got ${show(cells)}`);
  return {
    class_name: className,
    config: { cells: cells.map((cell, n) => convertCell(itemOf(list, n), cell, format)) },
  };
}

// ------------------------------------------------------------------------------------------------------ bidirectional

function bidirectionalOf(location: FilePath, config: RawConfig, options: RawConfig, format: ConfigFormat): RawConfig {
  const side = (name: string) => convertLayer(within(location, name), withoutZeros(config[name]), format);
  const layer = oneDirection(side('layer'), format);
  const { backward_layer: _, ...others } = options;
  if (!config.backward_layer) return { ...others, layer };
  const other = side('backward_layer');
  return isReverse(layer, oneDirection(other, format))
    ? { ...others, layer }
    : { ...others, layer, backward_layer: other };
}

/** Drops zero_output_for_mask, which Keras sets for both directions; `checkMasks` checks the layers above for it. */
function withoutZeros(item: unknown): unknown {
  if (!isObject(item) || !isObject((item as RawConfig).config)) return item;
  const { zero_output_for_mask: _, ...config } = (item as RawConfig).config as RawConfig;
  return { ...item, config };
}

/** One direction, without the prefix that Keras adds to its name. */
function oneDirection({ class_name, config }: RawConfig, format: ConfigFormat): RawConfig {
  const { name, ...options } = config as RawConfig;
  if (format === 'own' || format === 'tfjs' || typeof name !== 'string') return { class_name, config };
  const own = name.replace(/^(forward|backward)_/, '');
  return { class_name, config: { ...options, ...(own && { name: own }) } };
}

/** Whether two layers are equal except for the direction of time. */
function isReverse(layer: RawConfig, other: RawConfig): boolean {
  const configOf = (side: RawConfig) => side.config as RawConfig;
  const rest = (side: RawConfig) => {
    const { name, go_backwards, ...config } = configOf(side);
    return JSON.stringify([side.class_name, Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1))]);
  };
  const opposite = Boolean(configOf(layer).go_backwards) !== Boolean(configOf(other).go_backwards);
  return opposite && rest(layer) === rest(other);
}

// ------------------------------------------------------------------------------------------------------------ options

/** Options that are dropped when they have the only supported value. */
const supportedValues: { readonly [name: string]: unknown } = {
  activity_regularizer: false,
  cache_config: false,
  data_format: 'channels_last',
  optional: false,
  ragged: false,
  renorm: false,
  rms_scaling: false,
  sparse: false,
  synchronized: false,
  time_major: false,
  zero_output_for_mask: false,
};

/** Options that do not affect the result of a layer. */
const ignoredOptions = [
  'build_config',
  'key_shape',
  'query_shape',
  'renorm_clipping', // without renorm
  'renorm_momentum',
  'use_cudnn',
  'value_shape',
];

/** Converts the options of a layer or cell, except nested layers and cells. */
function convertOptions(location: FilePath, config: RawConfig, format: ConfigFormat): RawConfig {
  const options: RawConfig = {};
  for (const [name, given] of Object.entries(config)) {
    const here = within(location, name.slice(0, 60));
    const value = unwrapPython(given);
    if (name === 'dtype') checkType(here, value, config);
    if (name === 'dtype' || ignoredOptions.includes(name)) continue;
    if (Object.hasOwn(supportedValues, name) && supportedValues[name] === value) continue;
    const kept = /(^|_)activation$/.test(name)
      ? activationOf(here, value, format)
      : name === 'seed'
        ? seedOf(value)
        : objectOf(value);
    Object.defineProperty(options, name, { value: kept, enumerable: true, configurable: true, writable: true });
  }
  return options;
}

/**
 * Unwraps Python values to numbers and lists: NumPy arrays are `{ type, value }`, or `__numpy__` with a value; tuples
 * and shapes are `{ class_name, items }`.
 */
export function unwrapPython(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrapPython);
  if (!isObject(value)) return value;
  const { class_name, items, config, type, value: inner, ...rest } = value as RawConfig;
  if (Array.isArray(items) && (class_name === '__tuple__' || class_name === 'TensorShape'))
    return items.map(unwrapPython);
  if (class_name === '__numpy__' && isObject(config)) return single((config as RawConfig).value);
  if (type === 'ndarray' && inner !== undefined && Object.keys(rest).length === 0) return single(inner);
  return value;
}

/** Unwraps an array of one number. */
const single = (value: unknown): unknown => (Array.isArray(value) && value.length === 1 ? single(value[0]) : value);

/** The input of an embedding may have an integer type. */
const inputTypes = ['float32', 'int32', 'int64', 'int16', 'uint8', 'uint16'];

function checkType(location: FilePath, dtype: unknown, config: RawConfig): void {
  const name = isObject(dtype) ? (((dtype as RawConfig).config as RawConfig | undefined)?.name ?? dtype) : dtype;
  const known = config.batch_shape !== undefined || config.batch_input_shape !== undefined ? inputTypes : ['float32'];
  if (name !== null && !known.includes(name as string)) failAt(location, `must be float32, got ${show(name)}`);
}

/** An activation, given by name or as a serialized Keras function. */
function activationOf(location: FilePath, value: unknown, format: ConfigFormat): string {
  if (value === null || value === undefined) return 'linear';
  const { class_name, config } = (isObject(value) ? value : {}) as RawConfig;
  const name = class_name === 'function' ? config : value;
  if (typeof name !== 'string') return failAt(location, `must be the name of an activation, got ${show(name)}`);
  if (format === 'own') return name;
  if (name === 'hard_sigmoid') return format === 'keras3' ? 'hard_sigmoid_keras3' : 'hardSigmoid';
  if (format === 'tfjs') return name;
  if (name === 'hard_sigmoid_keras3' || name === 'gelu_new') failAt(location, `unknown activation '${name}'`);
  return name;
}

/** The seed of a seed generator; null, which draws a new one, if it is not supported here. */
function seedOf(value: unknown): number | null {
  const seed = isObject(value) ? ((value as RawConfig).config as RawConfig | undefined)?.seed : value;
  return Number.isSafeInteger(seed) && (seed as number) >= 0 ? (seed as number) : null;
}

/** Converts initializers, regularizers and constraints; unwraps an axis in a list. */
function objectOf(value: unknown): unknown {
  if (Array.isArray(value) || !isObject(value)) return value;
  const { class_name, config } = value as RawConfig;
  if (typeof class_name !== 'string' || !isObject(config)) return value;
  const { dtype, ...options } = config as RawConfig;
  const kept: { [name: string]: unknown } = {};
  for (const [name, given] of Object.entries(options)) {
    const item = unwrapPython(given);
    const chosen = name === 'seed' ? seedOf(item) : name === 'axis' ? single(item) : item;
    Object.defineProperty(kept, name, { value: chosen, enumerable: true, configurable: true, writable: true });
  }
  return { class_name, config: kept };
}
