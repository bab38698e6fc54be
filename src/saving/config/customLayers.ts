/** The options of custom layers in files. */

import { Layer } from '../../layers/layer.ts';
import { type ConfigValue, fromPython, toCamel } from '../../util/config.ts';
import type { CustomClass } from '../../util/customClasses.ts';
import { show } from '../../util/errors.ts';
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

/** Creates a custom layer. */
export function customLayer(location: FilePath, custom: CustomClass, config: Options): Layer {
  const { batch_input_shape: shape, ...options } = config;
  const layer: unknown = withFilePath(location, () =>
    custom.fromConfig(custom, { ...options, ...(shape !== undefined && { batchInputShape: shape }) }),
  );
  if (!(layer instanceof Layer)) return failAt(location, `fromConfig must return a layer, got ${show(layer)}`);
  if (typeof options.name === 'string' && layer.name !== options.name) {
    const rule = `the constructor of ${custom.className} must pass its options to super`;
    failAt(location, `${rule}, because the layer must have the name ${show(options.name)}, got ${show(layer.name)}`);
  }
  return layer;
}
