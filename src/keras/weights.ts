/** Weights out of HDF5 files: those of Keras 3, and those of Keras before it, which go by the names of layers. */

import type { WeightSpec } from '../layers/layer.ts';
import { type Place, refuse, within } from '../saving/place.ts';
import type { Sequential } from '../sequential.ts';
import { showShape, sizeOf } from '../shapes.ts';
import { tensor } from '../tensor/make.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Hdf5Data, Hdf5Group } from './hdf5.ts';
import { holdersOf } from './variables.ts';

/** What Keras called the group of the layers before version 2.14. */
const OLD_LAYERS = '_layer_checkpoint_dependencies';

/**
 * The weights of a model, all of them checked.
 *
 * @param size of the file: what the weights take must be in it
 */
export function readWeights(place: Place, root: Hdf5Group, size: number, model: Sequential): Tensor[] {
  const bytes = 4 * model.countParams();
  if (bytes > size) refuse(place, `must hold the ${bytes} bytes of the weights of the model, got ${size} in all`);
  const group = root.get('model_weights');
  const byName = group?.kind === 'group' ? group : root;
  const names = listOf(byName, 'layer_names');
  return names ? readByName(place, byName, names, model) : readByClass(place, root, model);
}

function readByClass(place: Place, root: Hdf5Group, model: Sequential): Tensor[] {
  const { layers } = model;
  return holdersOf(model).flatMap((holders, n) => {
    let next = 0;
    return holders.flatMap(({ path, count }) => {
      const specs = layers[n]!.weightSpecs.slice(next, next + count);
      next += count;
      if (count === 0) return [];
      const here = within(place, path);
      const vars = varsOf(root, path, count);
      const found = vars?.names().length ?? 0;
      if (found !== count) refuse(here, `must hold ${count} variables, got ${found}`);
      return specs.map((spec, i) => read(within(here, `vars.${i}`), vars!.get(String(i)), spec));
    });
  });
}

/** The variables of an object, under any of the paths that Keras has used. */
function varsOf(root: Hdf5Group, path: string, count: number): Hdf5Group | null {
  const paths = [path, path.replace(/^layers/, OLD_LAYERS)];
  for (const each of paths) {
    const vars = root.get(`${each}/vars`);
    if (vars?.kind === 'group' && vars.names().length > 0) return vars;
    // A stack of one cell is that cell here
    const cells = /\/cell$/.test(each) ? root.get(`${each}/cells`) : null;
    const only = cells?.kind === 'group' && cells.names().length === 1 ? cells.names()[0] : null;
    const within = only ? root.get(`${each}/cells/${only}/vars`) : null;
    if (within?.kind === 'group' && count > 0) return within;
  }
  return null;
}

/** Layer by layer in their order, whatever they are called, as Keras does it. */
function readByName(place: Place, root: Hdf5Group, names: readonly string[], model: Sequential): Tensor[] {
  const listed = names.map(name => {
    const group = root.get(name);
    const here = within(place, name.slice(0, 60));
    if (group?.kind !== 'group') return refuse(here, 'must be a group, got none');
    return { here, group, weights: listOf(group, 'weight_names') ?? [] };
  });
  const full = listed.filter(({ weights }) => weights.length > 0);
  const layers = model.layers.filter(layer => layer.weightSpecs.length > 0);
  if (full.length !== layers.length) {
    refuse(place, `must hold the weights of ${layers.length} layers, got those of ${full.length}`);
  }
  return layers.flatMap(({ name, weightSpecs }, n) => {
    const { here, group, weights } = full[n]!;
    if (weights.length !== weightSpecs.length) {
      refuse(here, `must hold ${weightSpecs.length} weights for '${name}', got ${weights.length}`);
    }
    return weightSpecs.map((spec, i) => read(within(here, weights[i]!.slice(0, 60)), group.get(weights[i]!), spec));
  });
}

/** An attribute, in parts where it was too long for one. */
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

function read(place: Place, data: Hdf5Group | Hdf5Data | null, { shape }: WeightSpec): Tensor {
  if (data?.kind !== 'data') return refuse(place, 'must be numbers, got none');
  if (data.shape.length !== shape.length || data.shape.some((n, axis) => n !== shape[axis])) {
    refuse(place, `must have the shape ${showShape(shape)}, got ${showShape(data.shape)}`);
  }
  const values = data.read();
  if (values.length !== sizeOf(shape)) refuse(place, `must hold ${sizeOf(shape)} numbers, got ${values.length}`);
  return tensor(values, [...shape]);
}
