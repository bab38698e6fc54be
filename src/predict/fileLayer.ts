/** A layer in a file, and what predictions need of it. */

import type { Planner, Signal } from '../plan/planner.ts';
import { type FilePath, failAt, itemOf, readList, readObject, readText, within } from '../saving/config/filePath.ts';
import type { ModelArtifacts } from '../saving/tfjs/artifacts.ts';
import { decodeWeights, type StoredWeight } from '../saving/tfjs/weightData.ts';
import { show } from '../util/errors.ts';
import { checkBoolean } from '../util/options.ts';
import { showShape } from '../util/shapes.ts';
import { bytesIn, isArrayBuffer } from '../util/typedArrays.ts';
import type { Kernels } from './memory.ts';

/** Where a layer has its memory, in bytes. */
export interface LayerMemory {
  readonly parameters: number;
  /** Null if each batch starts from zeros. */
  readonly states: number | null;
}

/** A layer as `loadModel` reads it. */
export interface PredictLayer {
  readonly inputs: number;
  readonly units: number;
  readonly isRecurrent: boolean;
  /** Whether it outputs every time step of its input. */
  readonly keepsSteps: boolean;
  /** Whether it reads time steps from the last to the first. */
  readonly looksAhead: boolean;
  readonly stateful: boolean;
  /** The widths of its states. */
  readonly stateWidths: readonly number[];
  readonly matrices: readonly Weight[];
  /** Floats of the packed weights. */
  readonly parameterCount: number;
  pack(kernels: Kernels, packed: number, matrices: readonly number[]): void;
  plan(planner: Planner, input: Signal, memory: LayerMemory): Signal;
}

/** A kind of layer that `loadModel` can read: `lstm`, `gru` or `dense`. */
export interface LayerKind {
  /** The name of the class in files. */
  readonly className: string;
  /** @internal */
  readonly read: (layer: FileLayer) => PredictLayer;
}

export type Weight = Pick<StoredWeight, 'shape'> & { readonly values: Float32Array };

export interface FileLayer {
  readonly name: string;
  /** Of its config. */
  readonly location: FilePath;
  readonly config: { readonly [name: string]: unknown };
  flag(name: string, fallback: boolean): boolean;
  /** @param rule the shape, for error messages */
  weight(name: string, fits: (shape: readonly number[]) => boolean, rule: string): Weight;
}

/** The layers of a file, and the shape of a batch of its input: null for open axes. */
export interface FileModel {
  readonly layers: readonly PredictLayer[];
  readonly inputShape: readonly unknown[] | null;
}

/** Layers that do nothing in predictions. */
const idle = ['Dropout', 'SpatialDropout1D', 'GaussianDropout', 'GaussianNoise'];

/** Reads a sequential model. */
export function readModel(call: string, artifacts: ModelArtifacts, kinds: readonly LayerKind[]): FileModel {
  const { weightSpecs, weightData } = readObject({ call, part: 'artifacts' }, artifacts) as ModelArtifacts;
  const data = { call, part: 'weightData' };
  const weights = decodeWeights({ call, part: 'weightSpecs' }, weightSpecs, data, bytesOf(data, weightData), true);
  const byName = new Map(weights.filter(({ optimizer }) => !optimizer).map(weight => [weight.name, weight]));

  const topology = { call, part: 'modelTopology' };
  const outer = readObject(topology, artifacts.modelTopology);
  const [model, location] = outer.model_config
    ? [readObject(within(topology, 'model_config'), outer.model_config), within(topology, 'model_config')]
    : [outer, topology];
  if (model.class_name !== 'Sequential') {
    failAt(
      within(location, 'class_name'),
      `must be 'Sequential', got ${show(model.class_name)}; others need 'lstm-wasm'`,
    );
  }
  const inside = within(location, 'config');
  const list = Array.isArray(model.config) ? model.config : readObject(inside, model.config).layers;
  let inputShape: readonly unknown[] | null = null;
  const layers: PredictLayer[] = [];
  for (const [n, given] of readList(within(inside, 'layers'), list).entries()) {
    const found = open(itemOf(within(inside, 'layers'), n), given);
    const shape = found.config.batch_input_shape ?? found.config.batch_shape;
    if (n === 0 && Array.isArray(shape)) inputShape = shape;
    if (found.className === 'InputLayer' || idle.includes(found.className)) continue;
    const kind = kinds.find(({ className }) => className === found.className);
    if (!kind) {
      const got = kinds.map(({ className }) => className).join(', ');
      failAt(
        within(found.location, 'class_name'),
        `must be one of those in the option layers (${got}), got ${show(found.className)}`,
      );
    }
    layers.push(kind!.read(fileLayer(found, byName)));
  }
  const [first] = layers;
  if (!first)
    return failAt(
      within(inside, 'layers'),
      `must contain one of ${kinds.map(({ className }) => className).join(', ')}`,
    );
  checkChain(within(inside, 'layers'), layers);
  const left = [...byName.keys()];
  if (left.length > 0) failAt({ call, part: 'weightSpecs' }, `must be weights of the layers, got ${show(left[0])}`);
  return { layers, inputShape };
}

const bytesOf = (location: FilePath, data: unknown): Uint8Array => {
  if (isArrayBuffer(data)) return bytesIn(data);
  return Array.isArray(data) && data.length === 1
    ? bytesOf(location, data[0])
    : failAt(location, 'must be an ArrayBuffer');
};

interface Opened {
  readonly location: FilePath;
  readonly className: string;
  readonly config: { readonly [name: string]: unknown };
  /** The names under which its weights may be stored. */
  readonly names: readonly string[];
}

/** The class and the options of a layer; of the layer inside of TimeDistributed, which changes nothing here. */
function open(location: FilePath, given: unknown): Opened {
  const all = readObject(location, given);
  const className = readText(within(location, 'class_name'), all.class_name);
  const config = readObject(within(location, 'config'), all.config);
  const name = readText(within(location, 'config.name'), config.name);
  if (className !== 'TimeDistributed') return { location, className, config, names: [name] };
  const inner = open(within(location, 'config.layer'), config.layer);
  const { batch_input_shape } = config;
  return {
    ...inner,
    config: batch_input_shape ? { ...inner.config, batch_input_shape } : inner.config,
    names: [name, ...inner.names],
  };
}

/** @param weights those that no layer has taken yet, by name */
function fileLayer({ location, config, names }: Opened, weights: Map<string, StoredWeight>): FileLayer {
  const inside = within(location, 'config');
  return {
    name: names[0]!,
    location: inside,
    config,
    flag: (name, fallback) =>
      config[name] === undefined ? fallback : checkBoolean(inside.call, `${inside.part}.${name}`, config[name]),
    weight(name, fits, rule) {
      const of = { call: location.call, part: 'weightSpecs' };
      const key = [...weights.keys()].find(
        each => names.includes(each.split('/')[0]!) && each.replace(/:0$/, '').endsWith(`/${name}`),
      );
      if (key === undefined) return failAt(of, `must have the weight '${names[0]}/${name}', got none`);
      const { shape, values } = weights.get(key)!;
      if (!fits(shape) || !(values instanceof Float32Array)) {
        failAt(of, `${key} must have the shape ${rule} and the dtype float32, got ${showShape(shape)}`);
      }
      weights.delete(key);
      return { shape, values: values as Float32Array };
    },
  };
}

/** Each layer must take what the one before it outputs. */
function checkChain(location: FilePath, layers: readonly PredictLayer[]): void {
  for (const [n, layer] of layers.entries()) {
    const below = layers[n - 1];
    if (!below) continue;
    if (layer.inputs !== below.units)
      failAt(location, `layer ${n} must take ${below.units} inputs, got ${layer.inputs}`);
    if (layer.isRecurrent && !layers.slice(0, n).every(({ keepsSteps }) => keepsSteps)) {
      failAt(location, `layer ${n} needs time steps; a layer below must have return_sequences true`);
    }
  }
}
