/** The numbers of a sample in one row. */

import { type Planner, reshaped, type Signal } from '../plan/plan.ts';
import type { Config } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { type Shape, showShape } from '../util/shapes.ts';
import { checkLayerOptions, type LayerOptions } from './layer.ts';
import { Weightless } from './weightless.ts';

/** Options of `layers.flatten`. */
export interface FlattenOptions extends LayerOptions {
  /** Accepted as in TF.js; the numbers are in the order in which they stand. */
  dataFormat?: 'channelsLast';
}

/** A mask ends here: there are no time steps left. */
export class Flatten extends Weightless {
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

  override outputShapeFor(call: string, input: Shape): Shape {
    if (input.length === 2) return input;
    if (input[1] === null) {
      fail(call, `${this.name} needs an input with a fixed number of time steps, got ${showShape(input)}`);
    }
    return [input[0]!, input[1]! * input[2]!];
  }

  override plan(planner: Planner, input: Signal): Signal {
    const { steps, width } = input.y;
    if (this.built.input.length === 2) return input;
    return reshaped(planner, this.name, input, 1, steps * width);
  }
}
