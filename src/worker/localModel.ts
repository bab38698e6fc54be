/** The client's copy of a model in a worker: layers and compile options without weights, to check arguments. */

import { Layer } from '../layers/layer.ts';
import { FunctionalModel } from '../model/functional.ts';
import type { LayersModel } from '../model/layersModel.ts';
import type { ModelView } from '../model/modelView.ts';
import { Sequential } from '../model/sequential.ts';
import { fail, show } from '../util/errors.ts';
import { globalSeeds } from '../util/random.ts';

/** Builds the local copy of a model without consuming seeds, because the model in the worker draws them. */
export function withoutConsumingSeeds<T>(work: () => T): T {
  const before = globalSeeds.state;
  try {
    return work();
  } finally {
    globalSeeds.state = before;
  }
}

/** The weights that layers already have: those that the caller set, and those of layers of other models. */
export const initialValuesOf = (model: LayersModel): (Float32Array[] | null)[] =>
  model.view.state.allLayers.map(layer => {
    if (layer.initialValues || !model.view.state.weights.isAllocated) return layer.initialValues;
    return layer.getWeights().map(weight => weight.dataSync() as Float32Array);
  });

/** Throws if code of the user computes one of the layers, because a worker does not have it. */
export function rejectCustom(call: string, layers: readonly unknown[]): void {
  for (const layer of layers) {
    if (!(layer instanceof Layer)) continue; // the model rejects it
    const custom = (layer.nestedLayers ?? [layer]).find(one => one.isCustom);
    if (custom)
      fail(call, `custom layers do not run in a worker, got ${show(custom.name)} of the class ${custom.className}`);
  }
}

/** A model of the same class with another view of the same layers. */
export const withView = (model: LayersModel, name: string, view: ModelView): LayersModel =>
  model instanceof FunctionalModel ? new FunctionalModel(name, view) : new Sequential({ name }, view);
