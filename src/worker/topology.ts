/** Builds models from topologies, which may have any layer: so this imports all layers, and is loaded when it is needed. */

import type { LayersModel } from '../model/layersModel.ts';
import { modelFrom, optimizerFrom } from '../saving/config/fromConfig.ts';
import { structuredModel } from '../saving/config/structure.ts';
import type { describeObjective } from '../saving/tfjs/trainingConfig.ts';
import type { Config, Serialized } from '../util/config.ts';

export { allModules } from '../wasm/modules/all.generated.ts';

/** Builds a model from the result of `toJSON`. */
export function modelFromTopology(call: string, topology: Config, seed?: number): LayersModel {
  const location = { call, part: '' };
  const { layers } = topology.config as { layers?: Serialized[] };
  // A model without layers, to which they are added later, has no structure
  if (topology.class_name === 'Sequential' && layers?.length === 0) return modelFrom(location, topology, seed);
  return structuredModel(location, topology, 'own', seed);
}

/** A model that a worker has loaded. */
export interface Loaded {
  readonly topology: Config;
  readonly objective: ReturnType<typeof describeObjective> | null;
}

/** Builds the local copy of a model that the worker has loaded. */
export function localCopy(call: string, { topology, objective }: Loaded): LayersModel {
  const local = modelFromTopology(call, topology);
  if (objective) {
    const { optimizer, ...others } = objective;
    local.compile({ optimizer: optimizerFrom({ call, part: 'optimizer' }, optimizer), ...others });
  }
  return local;
}
