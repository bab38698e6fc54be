/** Names the input of a model; computes nothing. */

import type { Planner, Signal } from '../plan/plan.ts';
import { fail } from '../util/errors.ts';
import { checkBoolean } from '../util/options.ts';
import type { Shape } from '../util/shapes.ts';
import { checkLayerOptions, Layer, type LayerOptions } from './layer.ts';

/** Options of `layers.inputLayer`. */
export type InputLayerOptions = Omit<LayerOptions, 'weights' | 'inputDim'>;

export class InputLayer extends Layer {
  override readonly parameterCount = 0;

  constructor(options: InputLayerOptions) {
    const known = checkLayerOptions<LayerOptions>('layers.inputLayer', options, []);
    // The options that the configuration of every layer has
    if (known.trainable !== undefined) checkBoolean('layers.inputLayer', 'trainable', known.trainable);
    if (known.weights !== undefined)
      fail('layers.inputLayer', 'weights must be absent, because an inputLayer has none');
    super('InputLayer', known, 1, true);
    if (!this.batchInputShape) fail('layers.inputLayer', 'needs inputShape or batchInputShape, got neither');
  }

  override outputShapeFor(_call: string, input: Shape): Shape {
    return input;
  }

  protected override describeWeights(): [] {
    return [];
  }

  override moveWeights(): void {}

  override plan(_planner: Planner, input: Signal): Signal {
    return input;
  }
}
