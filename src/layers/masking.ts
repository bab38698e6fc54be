/** Masks the time steps whose features all have a given value. */

import { floatBits, maskFields, type PlannedCall, type Planner, rowFields, type Signals } from '../plan/planner.ts';
import type { Config } from '../util/config.ts';
import { fail } from '../util/errors.ts';
import { checkNumber } from '../util/options.ts';
import { type Shape, showShape } from '../util/shapes.ts';
import { Layer } from './layer.ts';
import { checkLayerOptions, type LayerOptions } from './layerOptions.ts';

/** Options of `layers.masking`. */
export interface MaskingOptions extends LayerOptions {
  /**
   * A time step is masked if all its features have this value. Recurrent layers skip masked steps, and the loss ignores
   * them. Default: 0.
   */
  maskValue?: number;
}

export class Masking extends Layer {
  readonly maskValue: number;

  constructor(options?: MaskingOptions) {
    const call = 'layers.masking';
    const known = checkLayerOptions<MaskingOptions>(call, options, ['maskValue']);
    const value = checkNumber(call, 'maskValue', known.maskValue ?? 0);
    super('Masking', known, 2);
    this.maskValue = value;
  }

  protected override settings(): Config {
    return { maskValue: this.maskValue };
  }

  override get createsMask(): boolean {
    return true;
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    if (input.length !== 3) {
      fail(call, `${this.name} needs an input [batch, time steps, width], got ${showShape(input)}`);
    }
    return input;
  }

  override plan(planner: Planner, [{ y: x, dy: dx }]: Signals, call: PlannedCall): Signals {
    const y = planner.rows(`${call.name}/y`, x.steps, x.width);
    const dy = dx && planner.rows(`${call.name}/dy`, x.steps, x.width);
    const mask = planner.mask(`${call.name}/mask`, x.steps);
    planner.calls.push({
      kind: 'masking',
      fields: {
        steps: x.steps,
        rows: x.rows,
        width: x.width,
        value: floatBits(this.maskValue),
        ...rowFields('x', x),
        ...rowFields('y', y),
        ...maskFields(mask),
        ...rowFields('dy', dy),
        ...rowFields('dx', dx),
      },
    });
    return [{ y, dy, mask }];
  }
}
