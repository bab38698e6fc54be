/**
 * The network of the last fit of a task thread, for the next fit. Most tasks of a thread fit networks of the same sizes to
 * other series. One that is drawn anew has the bits of one that is built, and leaves no dead objects, for which the
 * JavaScript engine would optimize its code again with each task.
 */

import type { FunctionalModel } from '../model/functional.ts';
import { taskThread } from '../util/taskThread.ts';
import type { Resolved } from './forecasterOptions.ts';
import type { Layout } from './forecastWindows.ts';

/** What a network depends on, apart from its seed and its learning rate. */
interface Sizes {
  readonly settings: Resolved;
  readonly layout: Layout;
}

let spare: { readonly key: string; readonly network: FunctionalModel } | null = null;

const keyOf = ({ settings: { cell, units, layers, output, decoding }, layout }: Sizes): string =>
  JSON.stringify([cell, units, layers, output, decoding, layout]);

/** The spare network, with weights drawn from this seed; null if there is none of these sizes. It is compiled. */
export function takeSpareNetwork(sizes: Sizes, seed: number): FunctionalModel | null {
  if (sizes.settings.ensemble > 1 || spare?.key !== keyOf(sizes)) return null;
  const { network } = spare;
  spare = null; // a fit that fails does not give it back
  network.renew(seed);
  return network;
}

/** Keeps the network of a forecaster that is no longer used. Frees it outside of task threads, and if it is an ensemble. */
export function releaseNetwork({ net, ...sizes }: Sizes & { readonly net: FunctionalModel }): void {
  if (!taskThread() || sizes.settings.ensemble > 1) {
    net.dispose();
    return;
  }
  spare?.network.dispose();
  spare = { key: keyOf(sizes), network: net };
}

const last = new Map<string, unknown>();

/**
 * Keeps objects of the last fit of a task thread. V8 forgets the hidden classes of a kind of objects with the last of them,
 * and would then discard the code that is optimized for them, in each task.
 */
export function keepLast(name: string, objects: unknown): void {
  if (taskThread()) last.set(name, objects);
}
