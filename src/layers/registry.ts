/**
 * The layer classes of which this program has created a layer, by name, so that a layer can be rebuilt from its
 * `getConfig`. A table of all classes would prevent tree shaking.
 */

import { isSerialized } from '../util/deserialize.ts';

type LayerClass = new (options: object) => object;

const classes = new Map<string, LayerClass>();

export function registerClass(className: string, layerClass: LayerClass): void {
  classes.set(className, layerClass);
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
