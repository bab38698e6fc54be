/** Declares the input shape of a model. It computes nothing. */

import type { Planner, Signals } from '../plan/planner.ts';
import { fail } from '../util/errors.ts';
import { checkBoolean } from '../util/options.ts';
import type { Shape } from '../util/shapes.ts';
import { Layer } from './layer.ts';
import { checkLayerOptions, type LayerOptions } from './layerOptions.ts';

/** Options of `layers.inputLayer`; `inputShape` or `batchInputShape` is required. */
export type InputLayerOptions = Omit<LayerOptions, 'weights' | 'inputDim'>;

export class InputLayer extends Layer {
  constructor(options: InputLayerOptions) {
    const known = checkLayerOptions<LayerOptions>('layers.inputLayer', options, []);
    // Configurations contain these two for every layer
    if (known.trainable !== undefined) checkBoolean('layers.inputLayer', 'trainable', known.trainable);
    if (known.weights !== undefined) fail('layers.inputLayer', 'weights must not be given, because the layer has none');
    super('InputLayer', known, 1, { takesLists: true });
    if (!this.batchInputShape) fail('layers.inputLayer', 'inputShape or batchInputShape must be given');
  }

  override outputShapeFor(_call: string, input: Shape): Shape {
    return input;
  }

  override plan(_planner: Planner, inputs: Signals): Signals {
    return inputs;
  }
}
