/** The parts of a model that `save` writes, copied while the code that writes them is loaded. */

import type { Layer } from '../layers/layer.ts';
import type { ModelParts } from '../saving/tfjs/save.ts';

/** Reads the parts at once. An error is thrown when they are asked for, after the errors of other arguments. */
export function captureParts(call: string, read: () => ModelParts, withOptimizer: boolean): () => ModelParts {
  try {
    const parts = read();
    const { layers, parameters, objective } = parts;
    const values = new Map<Layer, Float32Array[]>(layers.map(layer => [layer, parameters.read(call, layer)]));
    const state = withOptimizer && objective ? parameters.optimizerState(call, objective.optimizer) : null;
    const copy = {
      read: (_call: string, layer: Layer) => values.get(layer)!,
      optimizerState: () => state!,
    };
    return () => ({ ...parts, parameters: copy });
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
