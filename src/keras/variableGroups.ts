/** The HDF5 groups of the variables in `model.weights.h5`, which are named after the classes of the layers. */

import type { Layer } from '../layers/layer.ts';
import { MultiHeadAttention } from '../layers/multiHeadAttention.ts';
import { Bidirectional } from '../layers/recurrent/bidirectional.ts';
import { Recurrent } from '../layers/recurrent/recurrent.ts';
import { TimeDistributed } from '../layers/recurrent/timeDistributed.ts';
import type { Sequential } from '../model/sequential.ts';
import type { ArrangedLayer, Arrangement } from '../saving/config/topology.ts';
import { toPython } from '../util/config.ts';

/** A Keras object with variables: the next `count` weights in the order of `getWeights`. */
export interface VariableGroup {
  /** The path of its group, whose group `vars` contains the variables `0`, `1` and so on. */
  readonly path: string;
  readonly name: string;
  readonly count: number;
}

/**
 * The objects of the model that can have variables, by layer, in the order of the weights.
 *
 * @param arrangement the grouping of the layers, if the model has nested models
 */
export function variableGroupsOf(
  { layers }: Sequential,
  arrangement?: Arrangement,
): readonly (readonly VariableGroup[])[] {
  // Keras does not count an input layer as a layer of the model
  const inputs = layers[0]!.className === 'InputLayer' ? 1 : 0;
  const own = layers.slice(inputs);
  const paths = pathsOf(arrangement ?? own, own.values());
  return layers.map((layer, n) => (n < inputs ? [] : groupsOfLayer(layer, paths[n - inputs]!)));
}

/** The paths of the next layers, one for each layer of the arrangement. */
function pathsOf(arrangement: Arrangement, next: Iterator<Layer, undefined>, above = ''): string[] {
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
  const count = (n: number) => (layer.cells[n]!.useBias ? 3 : 2);
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
