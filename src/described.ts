/** Objects made anew from what `describe` gives: options of layers, as configurations hold them. */

import type { Config } from './config.ts';
import { fail, show } from './errors.ts';

/** Whether a value is `{ className, config }`. */
export function isDescribed(value: unknown): value is { className: string; config: Config } {
  const { className, config } = (value ?? {}) as { className?: unknown; config?: unknown };
  return typeof className === 'string' && config !== null && typeof config === 'object';
}

/** Options without those that are null, which say nothing in a configuration. */
export const withoutNulls = (config: Config): Config =>
  Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null));

/**
 * What a factory makes of `{ className, config }`.
 *
 * @param nameOf the name of the factory of a class
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
