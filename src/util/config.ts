/** Configurations: the options of layers, optimizers and so on as plain data, for model files. */

import { type Configured, customConfig, isCustomName } from './customClasses.ts';

export type ConfigValue = string | number | boolean | null | readonly ConfigValue[] | Config;

export interface Config {
  readonly [name: string]: ConfigValue;
}

/** An object with a class name and options, from which an equal object can be created. */
export interface Serializable {
  /** The name Keras gives its class. */
  readonly className: string;
  /** The options as plain data. */
  getConfig(): Config;
}

/** An object as plain data: its class and its options. */
export interface Serialized extends Config {
  readonly className: string;
  readonly config: Config;
}

export function serialize(object: Serializable): Serialized;
export function serialize(object: Serializable | null): Serialized | null;
export function serialize(object: Serializable | null): Serialized | null {
  if (object === null) return null;
  const { className } = object;
  if (!isCustomName(className)) return { className, config: object.getConfig() };
  return { className, config: customConfig(object as unknown as Configured) as Config };
}

export const toSnake = (name: string) =>
  name
    .replace(/(.)([A-Z][a-z0-9]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

export const toCamel = (name: string) =>
  name.replace(/(?<=[a-z0-9])_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Converts a string value from snake_case to camelCase, such as fan_in to fanIn. */
export const fromSnake = (name: string): string =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Options whose strings are kept: names chosen by the user, and class names, which Python writes in the same way. */
const verbatim = ['name', 'className'];

/** Options with references to layers, lists that start with a name. */
const references = ['inboundNodes', 'inputLayers', 'outputLayers'];

/** Converts the option names and the string values of a configuration to snake_case, as in Keras and its files. */
export function toPython(value: ConfigValue): ConfigValue {
  if (typeof value === 'string') return toSnake(value);
  if (value === null || typeof value !== 'object') return value;
  if (isList(value)) return value.map(toPython);
  const isCustom = isCustomName(value.className);
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      toSnake(name),
      isCustom && name === 'config'
        ? customToPython(item)
        : verbatim.includes(name) && typeof item === 'string'
          ? item
          : references.includes(name)
            ? referencesToPython(item)
            : toPython(item),
    ]),
  );
}

function referencesToPython(value: ConfigValue): ConfigValue {
  if (value === null || typeof value !== 'object') return value;
  if (isList(value)) return value.map(referencesToPython);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [toSnake(name), referencesToPython(item)]));
}

/** The options of a custom layer as they are, except the one that the readers of files know. */
function customToPython(config: ConfigValue): ConfigValue {
  const { batchInputShape, ...options } = config as Config;
  return batchInputShape === undefined ? config : { batch_input_shape: batchInputShape, ...options };
}

/**
 * Converts option names to camelCase, except those of custom layers, which `convertLayer` has converted. Leaves string values
 * unchanged, because options accept both spellings.
 */
export function fromPython(value: ConfigValue): ConfigValue {
  if (value === null || typeof value !== 'object') return value;
  if (isList(value)) return value.map(fromPython);
  const isCustom = isCustomName(value.class_name ?? value.className);
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      toCamel(name),
      isCustom && name === 'config' ? item : fromPython(item),
    ]),
  );
}

const isList = (value: object): value is readonly ConfigValue[] => Array.isArray(value);
