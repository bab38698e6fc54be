/** Builds objects, such as options of layers, from their `{ className, config }` descriptions. */

import type { Config } from './config.ts';
import { fail, show } from './errors.ts';

/** Whether a value is `{ className, config }`. */
export function isDescribed(value: unknown): value is { className: string; config: Config } {
  const { className, config } = (value ?? {}) as { className?: unknown; config?: unknown };
  return typeof className === 'string' && config !== null && typeof config === 'object';
}

/** Drops null options: null in a configuration means the default. */
export const withoutNulls = (config: Config): Config =>
  Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null));

/**
 * Builds the object that `{ className, config }` describes.
 *
 * @param nameOf returns the name of the factory for a class name
 */
export function made<T>(
  call: string,
  name: string,
  { className, config }: { className: string; config: Config },
  factories: { readonly [name: string]: (options: never) => T },
  nameOf: (className: string) => string,
): T {
  const factory = nameOf(className);
  if (!Object.hasOwn(factories, factory)) {
    fail(call, `${name} has the unknown class ${show(className)}; known: ${Object.keys(factories).join(', ')}`);
  }
  return factories[factory]!(withoutNulls(config) as never);
}
