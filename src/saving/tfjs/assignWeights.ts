/** Matches the weights of a file with those of a model by name, in the naming schemes of several programs. */

import type { Layer } from '../../layers/layer.ts';
import { show } from '../../util/errors.ts';
import { showShape } from '../../util/shapes.ts';
import { fromCudnn, isCudnnBias } from '../config/cudnn.ts';
import { type FilePath, failAt, itemOf, within } from '../config/filePath.ts';
import { weightNamesOf } from '../weightNames.ts';
import type { StoredWeight } from './weightData.ts';

/** The weights of each layer; null if the file has none for a layer. */
export type Assigned = readonly (readonly (Float32Array | undefined)[] | null)[];

/** A weight of the model. */
interface Target {
  readonly layer: number;
  readonly weight: number;
  readonly shape: readonly number[];
  readonly path: string;
}

/** Finds the weights of the model among those of the file. */
export function assignWeights(
  location: FilePath,
  stored: readonly StoredWeight[],
  layers: readonly Layer[],
  strict: boolean,
): Assigned {
  const find = finder(layers);
  const assigned: Float32Array[][] = layers.map(() => []);
  const cudnnTargets: Target[] = [];
  for (const [n, { name, shape, dtype, optimizer, values }] of stored.entries()) {
    if (optimizer) continue;
    const here = itemOf(location, n);
    const target = find(name);
    if (!target) {
      if (strict) failAt(within(here, 'name'), `must be the name of a weight of the model, got ${show(name)}`);
      continue;
    }
    const { layer, weight, path } = target;
    if (assigned[layer]![weight]) failAt(within(here, 'name'), `must be unique, got ${show(path)} twice`);
    if (dtype !== 'float32') failAt(within(here, 'dtype'), `must be 'float32' for ${show(path)}, got ${show(dtype)}`);
    const before = layers[layer]!.weightSpecs[weight - 1];
    if (before && isCudnnBias(shape, before.shape, target.shape)) {
      cudnnTargets.push(target);
    } else if (showShape(shape) !== showShape(target.shape)) {
      const rule = `must be ${showShape(target.shape)}, the shape of ${show(path)} in the model`;
      failAt(within(here, 'shape'), `${rule}, got ${showShape(shape)}`);
    }
    assigned[layer]![weight] = values as Float32Array;
  }
  for (const { layer, weight, path } of cudnnTargets) {
    const own = assigned[layer]!;
    const [kernel, recurrent, bias] = own.slice(weight - 2);
    if (!kernel || !recurrent)
      failAt(location, `must have both kernels of the CuDNN layer that ${show(path)} belongs to, got none`);
    own.splice(weight - 2, 3, ...fromCudnn(kernel!, recurrent!, bias!));
  }
  if (strict) checkComplete(location, layers, assigned);
  return assigned.map(own => (own.length > 0 ? own : null));
}

function checkComplete(location: FilePath, layers: readonly Layer[], assigned: Assigned): void {
  const missing = weightNamesOf(layers).flatMap((names, n) => names.filter((_, i) => !assigned[n]![i]));
  if (missing.length === 0) return;
  const names = missing.slice(0, 4).map(show).join(', ');
  failAt(location, `must have every weight of the model, but ${missing.length} are missing: ${names}`);
}

/**
 * Finds the weight for a name: the one with this path in the model; otherwise the next weight of the first layer named
 * in it whose last part matches. Keras names also contain the model, the wrapper and the cell:
 * 'sequential/lstm/lstm_cell/kernel', 'both/forward_lstm/lstm_cell/kernel', 'rnn/stacked_rnn_cells/gru_cell/bias'.
 */
function finder(layers: readonly Layer[]): (name: string) => Target | undefined {
  const byPath = new Map<string, Target>();
  const byEnd = new Map<string, Target[]>();
  const weightNames = weightNamesOf(layers);
  for (const [layer, { name, weightSpecs }] of layers.entries()) {
    for (const [weight, { shape }] of weightSpecs.entries()) {
      const target = { layer, weight, shape, path: weightNames[layer]![weight]! };
      byPath.set(target.path, target);
      const key = keyOf(name, target.path.split('/'));
      byEnd.set(key, [...(byEnd.get(key) ?? []), target]);
    }
  }
  const names = new Set(layers.map(({ name }) => name));
  return stored => {
    const exact = byPath.get(stored);
    if (exact) return exact;
    const parts = stored.replace(/:0$/, '').split('/');
    const owner = parts.slice(0, -1).find(part => names.has(part));
    const candidates = owner === undefined ? undefined : byEnd.get(keyOf(owner, parts));
    // The cells of a stack are listed in order
    return candidates && candidates.length > 1 ? candidates.shift() : candidates?.[0];
  };
}

/** A key of layer, direction and weight: the parts of a name that are the same in all programs. */
function keyOf(layer: string, parts: readonly string[]): string {
  const inner = parts.slice(parts.indexOf(layer) + 1, -1);
  const direction = inner.map(part => /^(forward|backward)_/.exec(part)?.[1]).find(Boolean) ?? '';
  return JSON.stringify([layer, direction, parts.at(-1)]);
}
