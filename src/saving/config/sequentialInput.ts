/** Moves the input shape of a sequential model to where this package expects it. */

import type { ConfigFormat } from './configFormat.ts';
import { isObject } from './filePath.ts';
import { type RawConfig, unwrapPython } from './layerConfig.ts';

/**
 * Moves the input shape into the first layer. Removes the input layer of Keras, which Keras does not count as a layer
 * of the model; keeps that of TF.js and of this package.
 *
 * @param layers converted layers
 * @param model the description of the model
 * @param described that of the first layer in the file
 */
export function withInput(
  layers: readonly RawConfig[],
  model: unknown,
  described: unknown,
  format: ConfigFormat,
): readonly RawConfig[] {
  if (format === 'own') return layers;
  const built = inputOf(model, described);
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

/**
 * The input shape that Keras stores when a model is built; used if neither an input layer nor the first layer has one.
 */
function inputOf(model: unknown, first: unknown): unknown {
  const { config, build_config } = model as { config: RawConfig; build_config?: unknown };
  const candidates = [config.build_input_shape, build_config, (first as RawConfig).build_config].map(shapeIn);
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

/** Opens the batch size of a build shape, which is that of the first batch, unless a layer is stateful. */
const withOpenBatch = (shape: readonly unknown[], layers: readonly RawConfig[]): readonly unknown[] =>
  layers.some(({ config }) => (config as RawConfig).stateful === true) ? shape : [null, ...shape.slice(1)];

/** A converted layer with an input shape, or without any. */
export function withShape(layer: RawConfig, shape: unknown): RawConfig {
  const { batch_input_shape: _, ...config } = layer.config as RawConfig;
  return { ...layer, config: shape === undefined ? config : { ...config, batch_input_shape: shape } };
}
