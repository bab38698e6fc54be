/** The HDF5 groups of the variables in `model.weights.h5`, which are named after the classes of the layers. */

import { InputLayer } from '../layers/inputLayer.ts';
import type { Layer } from '../layers/layer.ts';
import { MultiHeadAttention } from '../layers/multiHeadAttention.ts';
import { Bidirectional } from '../layers/recurrent/bidirectional.ts';
import { Recurrent } from '../layers/recurrent/recurrent.ts';
import { TimeDistributed } from '../layers/recurrent/timeDistributed.ts';
import { LayersModel } from '../model/layersModel.ts';
import type { ArrangedLayer, ArrangedModel, Arrangement } from '../saving/config/topology.ts';
import { toPython } from '../util/config.ts';
import { kerasLayers } from './layerOrder.ts';

/** A Keras object with variables: the next `count` weights in the order of `getWeights`. */
export interface VariableGroup {
  /** The path of its group, whose group `vars` contains the variables `0`, `1` and so on. */
  readonly path: string;
  readonly name: string;
  readonly count: number;
}

/** A layer of a model, and its place in a file. */
export interface PlacedLayer {
  readonly layer: Layer;
  /** The path of its group. */
  readonly path: string;
  /** Whether it was trainable when the file was written; taken from the model if the file does not say it. */
  readonly trainable: boolean;
}

/**
 * The layers with weights of their own, in the order of the file: those of a nested model in its place. Keras does not
 * count the input layer of a sequential model.
 *
 * @param arrangement the grouping and order of the layers in the file, if known
 */
export function placesOf(model: LayersModel, arrangement?: Arrangement | null): readonly PlacedLayer[] {
  if (model.className === 'Sequential' && model.layers.every(({ nestedLayers }) => !nestedLayers)) {
    return placesInChain(model.layers, arrangement ?? null);
  }
  const places = new Map<Layer, PlacedLayer>();
  addPlaces(places, model, arrangement ?? null, '');
  return [...places.values()];
}

/** The places of the layers of a sequential model, which may have been in nested models in the file. */
function placesInChain(layers: readonly Layer[], arrangement: Arrangement | null): PlacedLayer[] {
  const own = layers.filter(({ className }, n) => n > 0 || className !== 'InputLayer');
  const paths = pathsOf(arrangement ?? own, own.values());
  const found = arrangement ? layersOf(arrangement) : own;
  return own.map((layer, n) => ({ layer, path: paths[n]!, trainable: (found[n] ?? layer).trainable }));
}

/** The paths of the next layers, one for each layer of the arrangement. */
function pathsOf(
  arrangement: readonly (ArrangedLayer | ArrangedModel | Layer)[],
  next: Iterator<Layer, undefined>,
  above = '',
): string[] {
  const names = numbered();
  return arrangement.flatMap(item =>
    'layers' in item
      ? pathsOf(item.layers, next, `${above}layers/${names(item.className)}/`)
      : [`${above}layers/${names(next.next().value!.className)}`],
  );
}

/** The layers of an arrangement, flattened in order. */
export const layersOf = (arrangement: Arrangement): ArrangedLayer[] =>
  arrangement.flatMap(item => ('layers' in item ? layersOf(item.layers) : [item]));

/** Adds the layers of a model that keeps the structure of the file, where they have the same names. */
function addPlaces(
  places: Map<Layer, PlacedLayer>,
  model: LayersModel,
  arrangement: Arrangement | null,
  above: string,
): void {
  const names = numbered();
  const byName = new Map(model.layers.map(layer => [layer.name, layer]));
  const items = arrangement ?? [];
  const isSame = items.length > 0 && items.every(({ name }) => byName.has(name as string));
  const order = isSame ? items.map(({ name }) => byName.get(name as string)!) : kerasLayers(model);
  for (const [n, layer] of order.entries()) {
    if (layer instanceof InputLayer) continue;
    const item = isSame ? items[n]! : null;
    const inner = item && 'layers' in item ? item : null;
    const path = `${above}layers/${names(inner?.className ?? layer.className)}`;
    if (layer instanceof LayersModel) addPlaces(places, layer, inner?.layers ?? null, `${path}/`);
    else if (!places.has(layer)) {
      const trainable = item && 'trainable' in item ? item.trainable : layer.trainable;
      places.set(layer, { layer, path, trainable });
    }
  }
}

/** The objects of a layer that can have variables, in the order of its weights. */
export const variableGroupsOf = ({ layer, path }: PlacedLayer): readonly VariableGroup[] => groupsOfLayer(layer, path);

function groupsOfLayer(layer: Layer, path: string): VariableGroup[] {
  const { name } = layer;
  if (layer instanceof Bidirectional) {
    const { forwardLayer, backwardLayer } = layer;
    return [
      { path, name, count: 0 },
      ...groupsOfLayer(forwardLayer, `${path}/forward_layer`),
      ...groupsOfLayer(backwardLayer, `${path}/backward_layer`),
    ];
  }
  if (layer instanceof TimeDistributed)
    return [{ path, name, count: 0 }, ...groupsOfLayer(layer.layer, `${path}/layer`)];
  if (layer instanceof MultiHeadAttention) {
    const projections = { query: 'query', key: 'key', value: 'value', output: 'attention_output' };
    const groups = Object.entries(projections).map(([part, name]) => ({
      path: `${path}/${part}_dense`,
      name,
      count: layer.useBias ? 2 : 1,
    }));
    return [{ path, name, count: 0 }, ...groups];
  }
  if (!(layer instanceof Recurrent)) return [{ path, name, count: layer.weightSpecs.length }];
  const count = (n: number) => layer.cells[n]!.weightCount;
  const cell = `${path}/cell`;
  const of = (n: number) => snake(layer.cells[n]!.className);
  if (layer.cells.length === 1)
    return [
      { path, name, count: 0 },
      { path: cell, name: of(0), count: count(0) },
    ];
  const names = numbered();
  return [
    { path, name, count: 0 },
    { path: cell, name: 'stacked_rnn_cells', count: 0 },
    ...layer.cells.map((each, n) => ({ path: `${cell}/cells/${names(each.className)}`, name: of(n), count: count(n) })),
  ];
}

const snake = (className: string) => toPython(className) as string;

/** Names after classes: dense, dense_1, dense_2. */
function numbered(): (className: string) => string {
  const used = new Map<string, number>();
  return className => {
    const name = snake(className);
    const count = used.get(name) ?? 0;
    used.set(name, count + 1);
    return count === 0 ? name : `${name}_${count}`;
  };
}
