/** The options of custom layers in files. */

import { Layer } from '../../layers/layer.ts';
import { readInputShape } from '../../layers/layerOptions.ts';
import { type ConfigValue, fromPython, toCamel } from '../../util/config.ts';
import type { CustomClass } from '../../util/customClasses.ts';
import { reasonOf, show, ValueError } from '../../util/errors.ts';
import type { Shape } from '../../util/shapes.ts';
import type { ConfigFormat } from './configFormat.ts';
import { type FilePath, failAt, isObject, withFilePath } from './filePath.ts';

type Options = { readonly [name: string]: unknown };

/**
 * The options with the names that the class expects. Files of this package hold them as they are. TF.js and Keras write names
 * in snake case, TF.js also texts, so they are converted back.
 */
export function customOptions(config: Options, format: ConfigFormat): Options {
  if (format === 'own') return config;
  const { name, dtype: _, ...options } = config;
  const convert = format === 'tfjs' ? camel : fromKeras;
  const converted = Object.entries(options).map(([key, value]) => [
    key === 'batch_input_shape' ? key : toCamel(key),
    convert(value),
  ]);
  return { name, ...Object.fromEntries(converted) };
}

/** As TF.js reads configurations. */
function camel(value: unknown): unknown {
  if (typeof value === 'string') return toCamel(value);
  if (Array.isArray(value)) return value.map(camel);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      toCamel(name),
      name === 'name' || name === 'class_name' ? item : camel(item),
    ]),
  );
}

/** Converts serialized objects, such as initializers; other values keep the names in them. */
function fromKeras(value: unknown): unknown {
  if (!isObject(value) || !('class_name' in value) || !('config' in value)) return value;
  const { class_name, config } = value;
  return fromPython({ class_name, config } as ConfigValue);
}

/** Creates a custom layer, with the options of every layer also if its constructor ignores them. */
export function customLayer(location: FilePath, custom: CustomClass, config: Options): Layer {
  const { batch_input_shape: shape = config.batchInputShape, ...options } = config;
  const { name, trainable } = options;
  return withFilePath(location, () => {
    const layer = make(custom, { ...options, ...(shape !== undefined && { batchInputShape: shape }) });
    if (!(layer instanceof Layer)) return failAt(location, `fromConfig must return a layer, got ${show(layer)}`);
    const batchInputShape = shape
      ? readInputShape(location.call, { batchInputShape: shape as Shape }, 1, false)
      : layer.batchInputShape;
    Object.assign(layer, { name: typeof name === 'string' && name ? name : layer.name, batchInputShape });
    if (trainable === false) layer.trainable = false;
    return layer;
  });
}

function make(custom: CustomClass, options: Options): unknown {
  try {
    return custom.fromConfig(custom, options);
  } catch (error) {
    if (error instanceof ValueError) throw error;
    const message = `fromConfig of ${custom.className} failed: ${reasonOf(error)}`;
    throw new ValueError(message, { cause: error });
  }
}
