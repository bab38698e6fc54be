/** Turns the time steps of a sample into one vector. */

import { type PlannedCall, type Planner, reshape, type Signals } from '../plan/planner.ts';
import type { Config } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { type Shape, showShape } from '../util/shapes.ts';
import { Layer } from './layer.ts';
import { checkLayerOptions, type LayerOptions } from './layerOptions.ts';

/** Options of `layers.flatten`. */
export interface FlattenOptions extends LayerOptions {
  /** Accepted for compatibility with TF.js; the numbers keep their order. */
  dataFormat?: 'channelsLast';
}

export class Flatten extends Layer {
  #readsSequences = false;

  constructor(options?: FlattenOptions) {
    const call = 'layers.flatten';
    const known = checkLayerOptions<FlattenOptions>(call, options, ['dataFormat']);
    if (known.dataFormat !== undefined && known.dataFormat !== 'channelsLast') {
      fail(call, `dataFormat must be 'channelsLast', got ${show(known.dataFormat)}`);
    }
    super('Flatten', known, 2);
  }

  protected override settings(): Config {
    return { dataFormat: 'channelsLast' };
  }

  override get endsMask(): boolean {
    return true;
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    if (input.length === 2) return input;
    if (input[1] === null) {
      fail(call, `${this.name} needs an input with a fixed number of time steps, got ${showShape(input)}`);
    }
    return [input[0]!, input[1]! * input[2]!];
  }

  override connect(call: string, inputs: readonly Shape[]): Shape[] {
    const outputs = super.connect(call, inputs);
    this.#readsSequences ||= inputs[0]!.length === 3;
    return outputs;
  }

  /** In every call: a layer can be applied to vectors and to sequences. */
  override get runsByTimeStep(): boolean {
    return !this.#readsSequences;
  }

  override plan(planner: Planner, [input]: Signals, call: PlannedCall): Signals {
    const { steps, width } = input.y;
    if (steps === 1) return [{ ...input, mask: null }];
    return [reshape(planner, call.name, input, 1, steps * width)];
  }
}
