/** Describes a model as Keras 3 does in `config.json`. */

import '../core/full.ts';
import { AttentionLayer } from '../layers/attentionLayer.ts';
import type { Layer } from '../layers/layer.ts';
import { MultiHeadAttention } from '../layers/multiHeadAttention.ts';
import { Bidirectional } from '../layers/recurrent/bidirectional.ts';
import { RecurrentLayer } from '../layers/recurrent/recurrent.ts';
import { TimeDistributed } from '../layers/recurrent/timeDistributed.ts';
import type { LayerNode, SymbolicTensor } from '../layers/symbolicTensor.ts';
import { FunctionalModel } from '../model/functional.ts';
import { numberedCalls } from '../model/graphConfig.ts';
import { LayersModel } from '../model/layersModel.ts';
import type { Sequential } from '../model/sequential.ts';
import { type FilePath, failAt, itemOf, within } from '../saving/config/filePath.ts';
import { CALL_OPTIONS } from '../saving/config/functional.ts';
import { type Config, type ConfigValue, serialize, toPython, toSnake } from '../util/config.ts';
import { show } from '../util/errors.ts';
import type { Shape } from '../util/shapes.ts';
import { kerasLayers } from './layerOrder.ts';
import { maskArguments } from './maskArguments.ts';

/** A serialized Keras object. */
const keras = (module: string, className: string, config: Config): Config => ({
  module,
  class_name: className,
  config,
  registered_name: null,
});

/** The content of `config.json`. Rejects features that Keras 3 does not have. */
export function describeModel(location: FilePath, model: LayersModel): Config {
  const shapes = model.inputs.map(({ shape }) => shape);
  return { ...describeAny(location, model), build_config: { input_shape: shapes.length === 1 ? shapes[0]! : shapes } };
}

/** A layer, or a nested model. */
function describeAny(location: FilePath, layer: Layer): Config {
  checkName(location, layer.name);
  if (!(layer instanceof LayersModel)) return describeLayer(location, layer);
  return layer instanceof FunctionalModel
    ? describeFunctional(location, layer)
    : describeSequential(location, layer as Sequential);
}

function describeSequential(location: FilePath, model: Sequential): Config {
  const { name, layers, inputs } = model;
  const shape = inputs[0]!.shape;
  const [first] = layers;
  const isInput = first!.className === 'InputLayer';
  const others = isInput ? layers.slice(1) : layers;
  const list = [
    describeInput(isInput ? first!.name : freeName(layers), shape),
    ...others.map(layer => describeAny(within(location, layer.name), layer)),
  ];
  const config = { name, trainable: true, dtype: 'float32', layers: list, build_input_shape: shape };
  return keras('keras', 'Sequential', config);
}

const describeInput = (name: string, shape: Shape): Config =>
  keras('keras.layers', 'InputLayer', { batch_shape: shape, dtype: 'float32', sparse: false, name });

// ---------------------------------------------------------------------------------------------------------- graphs

function describeFunctional(location: FilePath, model: FunctionalModel): Config {
  const { name, inputs: ownInputs } = model;
  const graph = model.view.graph(location.call);
  const { calls, positions } = numberedCalls(graph);
  const ends = new Map(graph.inputs.map(({ node }, n) => [node.layer, ownInputs[n]!.shape]));
  const referTo = ({ node, index }: SymbolicTensor<Layer>): ConfigValue[] => [
    node.layer.name,
    positions.get(node)!,
    index,
  ];
  const tensorOf = (tensor: SymbolicTensor<Layer>): Config => ({
    class_name: '__keras_tensor__',
    config: { shape: tensor.shape, dtype: 'float32', keras_history: referTo(tensor) },
  });
  const list = kerasLayers(model).map((layer): Config => {
    const here = within(location, layer.name);
    const shape = ends.get(layer);
    checkName(here, layer.name);
    if (layer.isCustom && layer.createsMask) {
      failAt(here, 'must not override computeMask in a graph, which Keras describes in another way');
    }
    return {
      ...(shape ? describeInput(layer.name, shape) : describeAny(here, layer)),
      name: layer.name,
      inbound_nodes: calls.get(layer)!.map((node, n) => describeCall(itemOf(within(here, 'calls'), n), node, tensorOf)),
    };
  });
  // Keras 3 counts the calls of nested functional models from 1 here, and from 0 in inbound_nodes
  const output = (tensor: SymbolicTensor<Layer>): ConfigValue => {
    const [layer, call, index] = referTo(tensor) as [string, number, number];
    return [layer, tensor.node.layer instanceof FunctionalModel ? call + 1 : call, index];
  };
  const oneOrAll = (refs: ConfigValue[]): ConfigValue => (refs.length === 1 ? refs[0]! : refs);
  const config = {
    name,
    trainable: true,
    layers: list,
    input_layers: oneOrAll(graph.inputs.map(referTo)),
    output_layers: oneOrAll(graph.outputs.map(output)),
  };
  return { ...keras('keras.src.models.functional', 'Functional', config), registered_name: 'Functional' };
}

function describeCall(
  location: FilePath,
  node: LayerNode<Layer>,
  tensorOf: (tensor: SymbolicTensor<Layer>) => Config,
): Config {
  const { layer, inputs, stateCount, training } = node;
  const count = layer instanceof RecurrentLayer ? 1 : inputs.length - stateCount;
  const [tensors, states] = [inputs.slice(0, count), inputs.slice(count)].map(part => part.map(tensorOf));
  // Several inputs are one list, except the query, value and key of this layer
  const isSeparate = tensors!.length === 1 || layer instanceof MultiHeadAttention;
  return {
    args: isSeparate ? tensors! : [tensors!],
    kwargs: {
      ...(states!.length > 0 && { initial_state: states! }),
      ...(training !== null && { training }),
      ...maskArguments(location, node, tensorOf),
      ...callOptions(layer),
    },
  };
}

function freeName(layers: readonly Layer[]): string {
  const names = layers.map(({ name }) => name);
  let name = 'input_layer';
  for (let n = 1; names.includes(name); n++) name = `input_layer_${n}`;
  return name;
}

/** The options that Keras has as arguments of calls. */
function callOptions(layer: Layer): Config {
  if (!(layer instanceof AttentionLayer)) return {};
  const config = toPython(layer.getConfig()) as Config;
  return Object.fromEntries(CALL_OPTIONS.filter(name => config[name]).map(name => [name, true]));
}

// ---------------------------------------------------------------------------------------------------------- layers

function describeLayer(location: FilePath, layer: Layer): Config {
  checkName(location, layer.name);
  if (layer.isCustom) return describeCustom(location, layer);
  // Keras 3 has no class for a threshold, but an option of ReLU
  const className = layer.className === 'ThresholdedReLU' ? 'ReLU' : layer.className;
  const { batchInputShape: _, dtype, ...settings } = layer.getConfig() as Config & { dtype?: string };
  const config = { ...(pythonOf(location, settings) as Config), dtype: 'float32' };
  return keras('keras.layers', className, convertOptions(location, layer, config));
}

/** A custom layer, which Python needs as `custom_objects`. Only the names of its options are converted. */
function describeCustom(location: FilePath, layer: Layer): Config {
  const { batchInputShape: _, ...settings } = serialize(layer).config;
  const options = Object.entries(settings).map(([name, value]) => {
    const isObject = modules.some(([pattern]) => pattern.test(name));
    return [toSnake(name), isObject ? pythonOf(location, value, name) : value];
  });
  const { className } = layer;
  const config = { ...Object.fromEntries(options), dtype: 'float32' };
  return { module: null, class_name: className, config, registered_name: className };
}

/** Converts the options that differ in Keras. */
function convertOptions(location: FilePath, layer: Layer, config: Config): Config {
  if (layer instanceof TimeDistributed) return { ...config, layer: describeLayer(location, layer.layer) };
  if (layer instanceof Bidirectional) {
    const [forward, backward] = [layer.forwardLayer, layer.backwardLayer].map(half => describeLayer(location, half));
    return { ...config, layer: forward!, backward_layer: backward! };
  }
  if (layer instanceof AttentionLayer) {
    return Object.fromEntries(Object.entries(config).filter(([name]) => !CALL_OPTIONS.includes(name)));
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
    case 'ThresholdedReLU': {
      const { theta, ...options } = config;
      if ((theta as number) < 0) failAt(within(location, 'theta'), `must be at least 0 in Keras 3, got ${show(theta)}`);
      return { ...options, max_value: null, negative_slope: 0, threshold: theta! };
    }
    case 'GaussianNoise':
      if ((config.stddev as number) > 1) {
        failAt(within(location, 'stddev'), `must be at most 1 in Keras 3, got ${show(config.stddev)}`);
      }
      return config;
    case 'SpatialDropout1D': {
      const { trainable: _, ...options } = config; // its constructor has no such argument
      return options;
    }
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
