/** Reads weights from HDF5 files: of Keras 3, by the classes of layers, and of older versions, by layer names. */

import type { Layer } from '../layers/layer.ts';
import type { WeightSpec } from '../layers/weightSpec.ts';
import type { LayersModel } from '../model/layersModel.ts';
import { fromCudnn, isCudnnBias } from '../saving/config/cudnn.ts';
import { type FilePath, failAt, within } from '../saving/config/filePath.ts';
import type { Arrangement } from '../saving/config/topology.ts';
import { tensor } from '../tensor/make.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { show } from '../util/errors.ts';
import { showShape, sizeOf } from '../util/shapes.ts';
import type { Hdf5Data, Hdf5Group } from './hdf5.ts';
import { layersOf, type PlacedLayer, placesOf, variableGroupsOf } from './variableGroups.ts';

/** The name of the group of layers before Keras 2.14. */
const OLD_LAYERS = '_layer_checkpoint_dependencies';

/**
 * Reads and checks all weights of a model.
 *
 * @param size the size of the file, which must be at least that of the weights
 * @param arrange returns the arrangement of the layers in the file; null if unknown
 */
export function readWeights(
  location: FilePath,
  root: Hdf5Group,
  size: number,
  model: LayersModel,
  arrange: () => Arrangement | null,
): Tensor[] {
  const bytes = 4 * model.countParams();
  if (bytes > size) failAt(location, `must contain the ${bytes} bytes of the weights of the model, got ${size} bytes`);
  const group = root.get('model_weights');
  const byName = group?.kind === 'group' ? group : root;
  const names = listOf(byName, 'layer_names');
  return names ? readByName(location, byName, names, model, arrange) : readByClass(location, root, model, arrange);
}

/** The name of a nested model; undefined if there is none. */
function modelIn(root: Hdf5Group): string | undefined {
  for (const list of ['layers', OLD_LAYERS]) {
    const group = root.get(list);
    const names = group?.kind === 'group' ? group.names() : [];
    const name = names.find(each => /^(sequential|functional|model)(_\d+)?$/.test(each));
    if (name !== undefined) return name;
  }
  return undefined;
}

/** The places of the layers; fails if the file does not have as many layers as the model. */
function placesIn(location: FilePath, arrangement: Arrangement | null, model: LayersModel): readonly PlacedLayer[] {
  const wanted = placesOf(model).length;
  const found = arrangement ? layersOf(arrangement).length : wanted;
  if (found !== wanted)
    failAt(location, `must be a model of ${wanted} ${wanted === 1 ? 'layer' : 'layers'}, got ${found}`);
  return placesOf(model, arrangement);
}

function readByClass(
  location: FilePath,
  root: Hdf5Group,
  model: LayersModel,
  arrange: () => Arrangement | null,
): Tensor[] {
  const isNested = model.layers.some(({ nestedLayers }) => nestedLayers);
  const inner = isNested ? undefined : modelIn(root);
  const needed = inner !== undefined || isNested || model.className === 'Functional';
  const arrangement = needed ? arrange() : null;
  if (inner !== undefined && !arrangement) {
    const rule = `must be a .keras file of the whole model, because it has the nested model ${show(inner)}`;
    failAt(location, `${rule}; a weights file does not contain the order of its layers`);
  }
  const read = new Map<Layer, Tensor[]>();
  for (const place of placesIn(location, arrangement, model)) {
    let next = 0;
    const own = variableGroupsOf(place).flatMap(({ path, count }) => {
      const specs = place.layer.weightSpecs.slice(next, next + count);
      next += count;
      if (count === 0) return [];
      const here = within(location, path);
      const vars = findVariables(root, path, count);
      const found = vars?.names().length ?? 0;
      if (found !== count) failAt(here, `must have ${count} variables, got ${found}`);
      return readVariables(
        specs.map((_, i) => [within(here, `vars.${i}`), vars!.get(String(i))]),
        specs,
      );
    });
    read.set(place.layer, own);
  }
  return inModelOrder(model, read);
}

/** The weights in the order of `model.getWeights`. */
const inModelOrder = (model: LayersModel, read: ReadonlyMap<Layer, readonly Tensor[]>): Tensor[] =>
  model.view.state.allLayers.flatMap(layer => read.get(layer) ?? []);

/** The variables of an object, under any of the paths that Keras has used. */
function findVariables(root: Hdf5Group, path: string, count: number): Hdf5Group | null {
  const paths = [path, path.replace(/(^|\/)layers(?=\/)/g, `$1${OLD_LAYERS}`)];
  for (const each of paths) {
    const vars = root.get(`${each}/vars`);
    if (vars?.kind === 'group' && vars.names().length > 0) return vars;
    // A stack of one cell is loaded as that cell
    const cells = /\/cell$/.test(each) ? root.get(`${each}/cells`) : null;
    const only = cells?.kind === 'group' && cells.names().length === 1 ? cells.names()[0] : null;
    const within = only ? root.get(`${each}/cells/${only}/vars`) : null;
    if (within?.kind === 'group' && count > 0) return within;
  }
  return null;
}

/** Assigns all weights in order and ignores layer names, as Keras does. */
function readByName(
  location: FilePath,
  root: Hdf5Group,
  names: readonly string[],
  model: LayersModel,
  arrange: () => Arrangement | null,
): Tensor[] {
  const groups = names.map(name => {
    const group = root.get(name);
    const here = within(location, name.slice(0, 60));
    if (group?.kind !== 'group') return failAt(here, 'must be a group, got none');
    const weights = listOf(group, 'weight_names') ?? [];
    return weights.map((weight): StoredVariable => [within(here, weight.slice(0, 60)), group.get(weight)]);
  });
  const stored = groups.flat();
  const total = model.view.state.allLayers.reduce((sum, { weightSpecs }) => sum + weightSpecs.length, 0);
  if (stored.length !== total) failAt(location, `must have the ${total} weights of the model, got ${stored.length}`);
  const read = new Map<Layer, Tensor[]>();
  let next = 0;
  for (const { layer, specs } of storedOrder(groups, model, arrange)) {
    const tensors = readVariables(stored.slice(next, next + specs.length), specs);
    next += specs.length;
    read.set(layer, [...(read.get(layer) ?? []), ...tensors]);
  }
  return inModelOrder(model, read);
}

/** Weights that follow each other in a file. */
interface StoredWeights {
  readonly layer: Layer;
  readonly specs: readonly WeightSpec[];
  readonly trainable: boolean;
}

/**
 * The weights in the order of the file: a nested model is one group, with its trainable weights first and its frozen weights
 * and statistics last.
 */
function storedOrder(
  groups: readonly (readonly StoredVariable[])[],
  model: LayersModel,
  arrange: () => Arrangement | null,
): StoredWeights[] {
  const isFlat = model.className === 'Sequential';
  const withWeights = ({ layer }: PlacedLayer) => layer.weightSpecs.length > 0;
  // A sequential model has the order of the file, whether the file describes it or not
  const places = placesOf(model, isFlat ? null : arrange()).filter(withWeights);
  const order: StoredWeights[] = [];
  let trained: ReadonlyMap<Layer, boolean> | undefined;
  let left = 0;
  let at = 0;
  for (const { length } of groups) {
    const start = at;
    left += length;
    while (left > 0) left -= places[at++]!.layer.weightSpecs.length;
    const together = places.slice(start, at);
    const isNested = together.length > 1 && left === 0;
    if (isNested) trained ??= trainablesOf(model, places, arrange());
    const parts = together.flatMap(place => partsOf(place, trained?.get(place.layer) ?? true));
    if (isNested) parts.sort((a, b) => Number(b.trainable) - Number(a.trainable));
    order.push(...parts);
  }
  return order;
}

/** The weights of each object in a layer; its statistics, which are not trainable, are a part of their own. */
function partsOf(place: PlacedLayer, trainable: boolean): StoredWeights[] {
  const { layer } = place;
  let next = 0;
  return variableGroupsOf(place).flatMap(({ count }) => {
    const specs = layer.weightSpecs.slice(next, next + count);
    next += count;
    const learning = specs.filter(spec => spec.trainable !== false);
    return [
      { layer, specs: learning, trainable },
      { layer, specs: specs.slice(learning.length), trainable: false },
    ];
  });
}

/**
 * Whether each layer was trainable when the file was written; taken from the model if the file does not describe the
 * same layers.
 */
function trainablesOf(
  model: LayersModel,
  own: readonly PlacedLayer[],
  arrangement: Arrangement | null,
): ReadonlyMap<Layer, boolean> {
  const isSame = arrangement && layersOf(arrangement).length === placesOf(model).length;
  const places = isSame ? placesOf(model, arrangement) : own;
  return new Map(places.map(({ layer, trainable }) => [layer, trainable]));
}

/** The path of a weight in the file, and its data. */
type StoredVariable = readonly [FilePath, Hdf5Group | Hdf5Data | null];

/** The weights of one cell, or of another object with weights. */
function readVariables(stored: readonly StoredVariable[], specs: readonly WeightSpec[]): Tensor[] {
  const [kernel, recurrent, bias] = specs;
  const shape = (n: number) => {
    const data = stored[n]?.[1];
    return data?.kind === 'data' ? data.shape : [];
  };
  const isCudnn = specs.length === 3 && isCudnnBias(shape(2), recurrent!.shape, bias!.shape);
  const shapes = isCudnn ? [kernel!.shape, recurrent!.shape, shape(2)] : specs.map(spec => spec.shape);
  const values = shapes.map((wanted, n) => read(...stored[n]!, wanted));
  const own = isCudnn ? fromCudnn(values[0]!, values[1]!, values[2]!) : values;
  return own.map((numbers, n) => tensor(numbers, [...specs[n]!.shape]));
}

/** A list attribute, which h5py splits into parts if it is long. */
function listOf(group: Hdf5Group, name: string): string[] | null {
  const whole = group.strings(name);
  if (whole) return whole;
  const parts: string[] = [];
  for (let n = 0; n < 1000; n++) {
    const part = group.strings(`${name}${n}`);
    if (!part) return n === 0 ? null : parts;
    parts.push(...part);
  }
  return parts;
}

function read(location: FilePath, data: Hdf5Group | Hdf5Data | null, shape: readonly number[]): Float32Array {
  if (data?.kind !== 'data') return failAt(location, 'must be a dataset, got none');
  if (data.shape.length !== shape.length || data.shape.some((n, axis) => n !== shape[axis])) {
    failAt(location, `must have the shape ${showShape(shape)}, got ${showShape(data.shape)}`);
  }
  const values = data.read();
  if (values.length !== sizeOf(shape)) failAt(location, `must have ${sizeOf(shape)} numbers, got ${values.length}`);
  return values;
}
