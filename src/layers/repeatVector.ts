/** Repeats a vector for a number of time steps, for example between an encoder and a decoder. */

import { type PlannedCall, type Planner, rowFields, type Signals } from '../plan/planner.ts';
import type { Config } from '../util/config.ts';
import { fail } from '../util/errors.ts';
import { checkCount } from '../util/options.ts';
import { type Shape, showShape } from '../util/shapes.ts';
import { useKernels } from '../wasm/engine.ts';
import { others } from '../wasm/modules/others.generated.ts';
import { Layer } from './layer.ts';
import { checkLayerOptions, type LayerOptions } from './layerOptions.ts';

/** Options of `layers.repeatVector`. */
export interface RepeatVectorOptions extends LayerOptions {
  /** The number of time steps of the output. */
  n: number;
}

export class RepeatVector extends Layer {
  readonly n: number;

  constructor(options: RepeatVectorOptions) {
    const call = 'layers.repeatVector';
    const known = checkLayerOptions<RepeatVectorOptions>(call, options, ['n']);
    const n = checkCount(call, 'n', known.n);
    super('RepeatVector', known, 1);
    this.n = n;
    useKernels(others);
  }

  protected override settings(): Config {
    return { n: this.n };
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    if (input.length !== 2) fail(call, `${this.name} needs an input [batch, width], got ${showShape(input)}`);
    return [input[0]!, this.n, input[1]!];
  }

  override plan(planner: Planner, [{ y: x, dy: dx }]: Signals, call: PlannedCall): Signals {
    const y = planner.rows(`${call.name}/y`, this.n, x.width);
    const dy = dx && planner.rows(`${call.name}/dy`, this.n, x.width);
    planner.calls.push({
      kind: 'repeat',
      fields: {
        rows: x.rows,
        steps: this.n,
        width: x.width,
        x: x.start,
        xRow: x.row,
        ...rowFields('y', y),
        ...rowFields('dy', dy),
        dx: dx?.start ?? 0,
        dxRow: dx?.row ?? 0,
      },
    });
    return [{ y, dy, mask: null }];
  }
}
