/**
 * Classes of layers that users write. Their configurations are stored as they are: unlike the options of other layers,
 * which accept the spelling of Python, their names and texts have a meaning that only their class knows.
 */

import { fail, show } from './errors.ts';
import { isPlain } from './options.ts';

/** Class names of which a layer was created, or that are registered. */
const names = new Set<string>();
/** The registered classes. */
const registered = new Map<string, CustomClass>();

/** A class as the readers of files use it. */
export interface CustomClass {
  readonly className: string;
  fromConfig(cls: unknown, config: object): unknown;
}

export const isCustomName = (className: unknown): boolean => names.has(className as string);

export const addCustomName = (className: string): void => void names.add(className);

export function addCustomClass(layerClass: CustomClass): void {
  names.add(layerClass.className);
  registered.set(layerClass.className, layerClass);
}

/** The class of a name in a file, where Python may have put a package before it, such as 'mine>Scale'. */
export const customClassOf = (className: unknown): CustomClass | undefined =>
  typeof className === 'string' ? registered.get(className.slice(className.lastIndexOf('>') + 1)) : undefined;

/** The deepest nesting of a configuration, which also rejects cyclic ones. */
const DEEPEST = 20;

/** A custom layer, as far as its configuration is concerned. */
export interface Configured {
  readonly name: string;
  /** The options of every layer, which `getConfig` of a class need not return. */
  baseConfig(): object;
  getConfig(): unknown;
}

/** A copy of the configuration of a custom layer; throws unless JSON can store it. */
export function customConfig(layer: Configured): { [name: string]: unknown } {
  const call = `getConfig of layer ${show(layer.name)}`;
  const config = layer.getConfig();
  if (!isPlain(config)) fail(call, `must return an object, got ${show(config)}`);
  return plainCopy(call, 'config', { ...config, ...layer.baseConfig() }, 0) as { [name: string]: unknown };
}

function plainCopy(call: string, name: string, value: unknown, depth: number): unknown {
  const isPlainNumber = typeof value === 'number' && Number.isFinite(value);
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || isPlainNumber) return value;
  if (depth < DEEPEST && Array.isArray(value)) {
    return Array.from(value, (item, n) => plainCopy(call, `${name}[${n}]`, item, depth + 1));
  }
  if (depth < DEEPEST && isPlain(value)) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return Object.fromEntries(entries.map(([key, item]) => [key, plainCopy(call, `${name}.${key}`, item, depth + 1)]));
  }
  return fail(call, `${name} must be data that JSON can store, got ${show(value)}`);
}
