/** One row for each sample becomes so many time steps of it: from an encoder to a decoder. */

import { type Planner, type Signal, strided } from '../plan/plan.ts';
import type { Config } from '../util/config.ts';
import { fail } from '../util/errors.ts';
import { checkCount } from '../util/options.ts';
import { type Shape, showShape } from '../util/shapes.ts';
import { checkLayerOptions, type LayerOptions } from './layer.ts';
import { Weightless } from './weightless.ts';

/** Options of `layers.repeatVector`. */
export interface RepeatVectorOptions extends LayerOptions {
  /** How many time steps to make. */
  n: number;
}

export class RepeatVector extends Weightless {
  readonly n: number;

  constructor(options: RepeatVectorOptions) {
    const call = 'layers.repeatVector';
    const known = checkLayerOptions<RepeatVectorOptions>(call, options, ['n']);
    const n = checkCount(call, 'n', known.n);
    super('RepeatVector', known, 1);
    this.n = n;
  }

  protected override settings(): Config {
    return { n: this.n };
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    if (input.length !== 2) fail(call, `${this.name} needs an input [batch, width], got ${showShape(input)}`);
    return [input[0]!, this.n, input[1]!];
  }

  override plan(planner: Planner, { y: x, dy: dx }: Signal): Signal {
    const y = planner.rows(`${this.name}/y`, this.n, x.width);
    const dy = dx && planner.rows(`${this.name}/dy`, this.n, x.width);
    planner.calls.push({
      kind: 'repeat',
      fields: {
        rows: x.rows,
        steps: this.n,
        width: x.width,
        x: x.place,
        xRow: x.row,
        ...strided('y', y),
        ...strided('dy', dy),
        dx: dx?.place ?? 0,
        dxRow: dx?.row ?? 0,
      },
    });
    return { y, dy, mask: null };
  }
}
