/** Creates initializers, regularizers and constraints from `{ className, config }`, as `serialize` returns it. */

import type { Config } from './config.ts';
import { fail, show } from './errors.ts';

/** The name of something, or its description. */
export type Named = string | { className: string; config: Config };

/** Whether a value has the form `{ className, config }`. */
export function isSerialized(value: unknown): value is { className: string; config: Config } {
  const { className, config } = (value ?? {}) as { className?: unknown; config?: unknown };
  return typeof className === 'string' && config !== null && typeof config === 'object';
}

/** Removes options that are null, which means the default in a configuration. */
const dropNulls = (config: Config): Config =>
  Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null));

/**
 * Creates the object that `{ className, config }` describes.
 *
 * @param name of the argument, for error messages
 * @param factories by name, such as `initializers`
 * @param factoryNameFor returns the name of the factory for a class name
 */
export function deserialize<T>(
  call: string,
  name: string,
  { className, config }: { className: string; config: Config },
  factories: { readonly [name: string]: (options: never) => T },
  factoryNameFor: (className: string) => string,
): T {
  const factory = factoryNameFor(className);
  if (!Object.hasOwn(factories, factory)) {
    fail(call, `${name} has the unknown class ${show(className)}; known: ${Object.keys(factories).join(', ')}`);
  }
  return factories[factory]!(dropNulls(config) as never);
}
