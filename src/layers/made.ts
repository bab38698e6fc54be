/**
 * The classes of the layers that this program has made, by name: what `getConfig` says of one, its class can make anew.
 * Others are not in the program, so that bundles hold no layer that is not used.
 */

import { isDescribed } from '../described.ts';
import type { Layer } from './layer.ts';

type LayerClass = new (options: object) => Layer;

const classes = new Map<string, LayerClass>();

/** Takes note of the class of a layer. */
export function noteClass(className: string, made: LayerClass): void {
  classes.set(className, made);
}

/** Layers around others, which are not put around each other: a description of them has an end. */
const wrappers: readonly string[] = ['Bidirectional', 'TimeDistributed'];

/** The layer that `{ className, config }` describes; any other value, and a class that was never used, as it is. */
export function layerFor(value: unknown): unknown {
  const known = isDescribed(value) && !wrappers.includes(value.className) ? classes.get(value.className) : undefined;
  return known ? new known((value as { config: object }).config) : value;
}
