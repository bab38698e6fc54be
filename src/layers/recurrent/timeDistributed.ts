/** Applies a layer to every time step. The layers that it accepts do that without it, so it only checks them. */

import type { PlannedCall, Planner, Signals } from '../../plan/planner.ts';
import { type Config, serialize } from '../../util/config.ts';
import { fail } from '../../util/errors.ts';
import { type Shape, showShape } from '../../util/shapes.ts';
import { Layer, rejectWrapped } from '../layer.ts';
import { checkLayerOptions, type LayerOptions } from '../layerOptions.ts';
import { layerFromConfig } from '../registry.ts';

/** Options of `layers.timeDistributed`. */
export interface TimeDistributedOptions extends Omit<LayerOptions, 'weights'> {
  /** The layer to apply: dense, dropout or an activation. Pass initial weights to that layer. */
  layer: Layer;
}

export class TimeDistributed extends Layer {
  readonly layer: Layer;

  constructor(options: TimeDistributedOptions) {
    const call = 'layers.timeDistributed';
    const known = checkLayerOptions<TimeDistributedOptions & LayerOptions>(call, options, ['layer']);
    const layer = layerFromConfig(known.layer);
    if (!(layer instanceof Layer)) rejectWrapped(call, layer);
    layer.checkWrapped(call);
    if (known.weights !== undefined) fail(call, 'weights must not be given; pass them to the wrapped layer');
    super('TimeDistributed', known, 2, { children: [layer] });
    this.layer = layer;
  }

  protected override settings(): Config {
    const { className, config } = serialize(this.layer);
    return { layer: { className, config: { ...config, trainable: this.trainable } } };
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    if (input.length !== 3) {
      const rule = `${this.name} needs an input [batch, time steps, width], got ${showShape(input)}`;
      fail(call, `${rule}; a recurrent layer below outputs that with returnSequences: true`);
    }
    return this.layer.outputShapeFor(call, input);
  }

  override plan(planner: Planner, inputs: Signals, call: PlannedCall): Signals {
    return this.layer.plan(planner, inputs, { ...call, name: `${call.name}/${this.layer.name}` });
  }
}
