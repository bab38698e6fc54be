/** Weights with the names of Keras: `<layer>/<weight>`. Tensors are stored unchanged. */

import type { LayersModel } from '../model/layersModel.ts';
import { weightNamesOf } from '../saving/weightNames.ts';
import { fail } from '../util/errors.ts';
import type { SafetensorsReader } from './format.ts';
import { type Entry, quote } from './header.ts';
import { checkNoOthers, checkPresent, isSameShape, showSizes, type TensorMapping, unchanged } from './tensorMapping.ts';

export function kerasMappings(model: LayersModel): TensorMapping[] {
  const layers = model.view.state.allLayers;
  const names = weightNamesOf(layers);
  return layers.flatMap(({ weightSpecs }, n) => weightSpecs.map(({ shape }, i) => unchanged(names[n]![i]!, shape)));
}

/** The mappings to the tensors of a file. */
export function findKeras(call: string, file: SafetensorsReader, model: LayersModel, strict: boolean): TensorMapping[] {
  const parts = kerasMappings(model);
  const byName = parts.every(({ names: [name] }) => file.entries.has(name!));
  if (strict || byName) {
    checkPresent(call, file, parts, strict ? '; pass strict: false to match weights by order' : '');
    if (strict) checkNoOthers(call, file, parts);
    return parts;
  }
  return inOrder(call, file, parts);
}

// -------------------------------------------------------------------------------------------------------- by order

/** The weights of a layer, or of one of its directions or cells. */
interface Group {
  /** The part of their names before the last slash. */
  readonly prefix: string;
  /** 'forward' or 'backward' if they belong to a direction. */
  readonly direction: string;
  readonly weights: Map<string, { readonly name: string; readonly shape: readonly number[] }>;
}

/**
 * Matches groups of weights by order: each group of the model takes the first remaining group of the file with the same
 * weight names, shapes and direction. No group may remain.
 */
function inOrder(call: string, file: SafetensorsReader, parts: readonly TensorMapping[]): TensorMapping[] {
  const ours = groups(parts.map(({ names, shape }) => ({ name: names[0]!, shape })));
  const theirs = groups([...file.entries.values()]);
  const taken = new Map<string, Group>();
  const names = new Map<string, string>();
  for (const group of ours) {
    const n = theirs.findIndex(other => agree(group, other));
    if (n < 0)
      fail(
        call,
        `header must have weights like those of ${quote(group.prefix)}, ${showGroup(group)}, got no more of them`,
      );
    const [other] = theirs.splice(n, 1) as [Group];
    checkOrder(call, taken, group, other);
    for (const [last, { name }] of group.weights) names.set(name, other.weights.get(last)!.name);
  }
  const left = theirs[0];
  if (left) fail(call, `header must have only the weights of the model, got also ${quote(left.prefix)}`);
  return parts.map(part => unchanged(names.get(part.names[0]!)!, part.shape));
}

function groups(tensors: readonly Pick<Entry, 'name' | 'shape'>[]): Group[] {
  const found = new Map<string, Group>();
  for (const tensor of tensors) {
    const slash = tensor.name.lastIndexOf('/');
    const prefix = tensor.name.slice(0, Math.max(slash, 0));
    const direction = /(?:^|\/)(forward|backward)_/.exec(prefix)?.[1] ?? '';
    if (!found.has(prefix)) found.set(prefix, { prefix, direction, weights: new Map() });
    found.get(prefix)!.weights.set(tensor.name.slice(slash + 1), tensor);
  }
  return [...found.values()];
}

function agree(a: Group, b: Group): boolean {
  if (a.direction !== b.direction || a.weights.size !== b.weights.size) return false;
  return [...a.weights].every(([last, { shape }]) => {
    const other = b.weights.get(last);
    return other !== undefined && isSameShape(other.shape, shape);
  });
}

/**
 * Rejects layers of equal weights whose numbers decrease: a program that sorts names puts lstm_10 before lstm_2.
 *
 * @param taken the last matched group of each kind
 */
function checkOrder(call: string, taken: Map<string, Group>, group: Group, other: Group): void {
  const kind = `${group.direction} ${showGroup(group)}`;
  const before = taken.get(kind);
  taken.set(kind, other);
  if (before && numbersFall(before.prefix, other.prefix)) {
    const both = `${quote(before.prefix)} and ${quote(other.prefix)}`;
    fail(call, `header must have layers of equal weights in the order of their numbers, got ${both}; rename them`);
  }
}

/** Whether two names differ only in their numbers, and the numbers decrease. */
function numbersFall(before: string, after: string): boolean {
  const words = (name: string) => name.split(/(\d+)/);
  const [a, b] = [words(before), words(after)];
  if (a.length !== b.length || a.some((word, i) => i % 2 === 0 && word !== b[i])) return false;
  const i = a.findIndex((word, at) => at % 2 === 1 && Number(word) !== Number(b[at]));
  return i >= 0 && Number(a[i]) > Number(b[i]);
}

const showGroup = ({ weights }: Group): string =>
  [...weights].map(([last, { shape }]) => `${last} ${showSizes(shape)}`).join(', ');
