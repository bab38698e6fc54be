/** Describes a model as Keras 3 does in `config.json`. */

import type { Layer } from '../layers/layer.ts';
import { Bidirectional } from '../layers/recurrent/bidirectional.ts';
import { TimeDistributed } from '../layers/recurrent/timeDistributed.ts';
import type { Sequential } from '../model/sequential.ts';
import { type FilePath, failAt, within } from '../saving/config/filePath.ts';
import { type Config, type ConfigValue, toPython } from '../util/config.ts';
import { show } from '../util/errors.ts';

/** A serialized Keras object. */
const keras = (module: string, className: string, config: Config): Config => ({
  module,
  class_name: className,
  config,
  registered_name: null,
});

/** The content of `config.json`. Rejects features that Keras 3 does not have. */
export function describeModel(location: FilePath, model: Sequential): Config {
  const { name, layers, inputs } = model;
  checkName(within(location, 'name'), name);
  const shape = inputs[0]!.shape;
  const [first] = layers;
  const isInput = first!.className === 'InputLayer';
  const input = { batch_shape: shape, dtype: 'float32', sparse: false, name: isInput ? first!.name : freeName(layers) };
  const others = isInput ? layers.slice(1) : layers;
  const list = [
    keras('keras.layers', 'InputLayer', input),
    ...others.map(layer => describeLayer(within(location, layer.name), layer)),
  ];
  const config = { name, trainable: true, dtype: 'float32', layers: list, build_input_shape: shape };
  return { ...keras('keras', 'Sequential', config), build_config: { input_shape: shape } };
}

function freeName(layers: readonly Layer[]): string {
  const names = layers.map(({ name }) => name);
  let name = 'input_layer';
  for (let n = 1; names.includes(name); n++) name = `input_layer_${n}`;
  return name;
}

function describeLayer(location: FilePath, layer: Layer): Config {
  checkName(location, layer.name);
  const { className } = layer;
  const { batchInputShape: _, dtype, ...settings } = layer.getConfig() as Config & { dtype?: string };
  const config = { ...(pythonOf(location, settings) as Config), dtype: 'float32' };
  return keras('keras.layers', className, convertOptions(location, layer, config));
}

/** Converts the options that differ in Keras. */
function convertOptions(location: FilePath, layer: Layer, config: Config): Config {
  if (layer instanceof TimeDistributed) return { ...config, layer: describeLayer(location, layer.layer) };
  if (layer instanceof Bidirectional) {
    const [forward, backward] = [layer.forwardLayer, layer.backwardLayer].map(half => describeLayer(location, half));
    return { ...config, layer: forward!, backward_layer: backward! };
  }
  switch (layer.className) {
    case 'Embedding': {
      const { input_length: _, ...options } = config;
      return options;
    }
    case 'LeakyReLU': {
      const { alpha, ...options } = config;
      if ((alpha as number) < 0) failAt(within(location, 'alpha'), `must be at least 0 in Keras 3, got ${show(alpha)}`);
      return { ...options, negative_slope: alpha! };
    }
    case 'ReLU':
      if (((config.negative_slope ?? 0) as number) < 0) {
        failAt(within(location, 'negativeSlope'), `must be at least 0 in Keras 3, got ${show(config.negative_slope)}`);
      }
      return { negative_slope: 0, threshold: 0, ...config };
    case 'Reshape':
      return { ...config, target_shape: (config.target_shape as (number | null)[]).map(n => n ?? -1) };
    default:
      return config;
  }
}

const modules: [RegExp, string][] = [
  [/Initializer$/, 'keras.initializers'],
  [/Regularizer$/, 'keras.regularizers'],
  [/Constraint$/, 'keras.constraints'],
  [/^cells?$/, 'keras.layers'],
];

/** Converts options to Python names, and adds the module to nested objects. */
function pythonOf(location: FilePath, value: ConfigValue, name = ''): ConfigValue {
  if (/^(recurrentA|a)ctivation$/.test(name)) return activationOf(within(location, name), value as string);
  if (name === 'name') return value;
  if (value === null || typeof value !== 'object') return toPython(value);
  if (Array.isArray(value)) return value.map(item => pythonOf(location, item, name));
  const { className, config } = value as Config;
  if (typeof className === 'string') {
    const module = modules.find(([pattern]) => pattern.test(name))?.[1];
    if (!module) return null; // `convertOptions` describes wrapped layers
    return keras(module, className.replace(/^LeCun/, 'Lecun'), pythonOf(location, config!) as Config);
  }
  return Object.fromEntries(
    Object.entries(value as Config).map(([key, item]) => [toPython(key) as string, pythonOf(location, item, key)]),
  );
}

function activationOf(location: FilePath, name: string): string {
  if (name === 'hardSigmoid') {
    failAt(
      location,
      "must be supported by Keras 3, got 'hardSigmoid'; use 'hard_sigmoid_keras3', which is hard_sigmoid there",
    );
  }
  if (name === 'gelu_new') failAt(location, "must be supported by Keras 3, got 'gelu_new'; use 'gelu'");
  if (name === 'hard_sigmoid_keras3') return 'hard_sigmoid';
  return name === 'swish' ? 'silu' : (toPython(name) as string);
}

function checkName(location: FilePath, name: string): void {
  if (name.includes('/')) failAt(location, `names must not contain '/' in Keras, got ${show(name)}`);
}
