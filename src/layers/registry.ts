/**
 * Registers the classes of the layers that this program has created, by name, so that a layer can be rebuilt from its
 * `getConfig`. Only created classes are registered: a table of all would prevent tree shaking.
 */

import { isDescribed } from '../util/described.ts';
import type { Layer } from './layer.ts';

type LayerClass = new (options: object) => Layer;

const classes = new Map<string, LayerClass>();

/** Registers the class of a layer. */
export function registerClass(className: string, made: LayerClass): void {
  classes.set(className, made);
}

/** Wrapper layers. They cannot wrap each other, which bounds the depth of a description. */
const wrappers: readonly string[] = ['Bidirectional', 'TimeDistributed'];

/**
 * Builds the layer that `{ className, config }` describes; returns other values, and descriptions of unregistered
 * classes, as they are.
 */
export function layerFromConfig(value: unknown): unknown {
  const known = isDescribed(value) && !wrappers.includes(value.className) ? classes.get(value.className) : undefined;
  return known ? new known((value as { config: object }).config) : value;
}
