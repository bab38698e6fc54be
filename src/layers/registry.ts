/**
 * The layer classes of which this program has created a layer, by name, so that a layer can be rebuilt from its
 * `getConfig`. A table of all classes would prevent tree shaking.
 */

import { isCustomName } from '../util/customClasses.ts';
import { isSerialized } from '../util/deserialize.ts';
import { fail, show } from '../util/errors.ts';

type LayerClass = new (options: object) => object;

const classes = new Map<string, LayerClass>();

export function registerClass(className: string, layerClass: LayerClass): void {
  if (isCustomName(className)) fail('layers', `className must not be ${show(className)} in a class of your own`);
  classes.set(className, layerClass);
}

/** Throws if a custom class has the name of a built-in one. */
export function rejectBuiltIn(call: string, className: string): void {
  if (classes.has(className)) fail(call, `className must not be that of a built-in layer, got ${show(className)}`);
}

/** Wrapper layers. They cannot wrap each other, which bounds the depth of a description. */
const wrappers: readonly string[] = ['Bidirectional', 'TimeDistributed'];

/**
 * Builds the layer that `{ className, config }` describes. Returns any other value, and the description of an
 * unregistered class, as it is.
 */
export function layerFromConfig(value: unknown): unknown {
  const known = isSerialized(value) && !wrappers.includes(value.className) ? classes.get(value.className) : undefined;
  return known ? new known((value as { config: object }).config) : value;
}
