/** In training, sets random inputs to zero and scales the others up by 1 / (1 - rate). Otherwise it does nothing. */

import type { Config } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { checkNumber } from '../util/options.ts';
import { checkShape, type Shape, showShape } from '../util/shapes.ts';
import { checkLayerOptions } from './layerOptions.ts';
import { Noise, type NoiseOptions } from './noise.ts';

/** Options of `layers.dropout`. */
export interface DropoutOptions extends NoiseOptions {
  /** The fraction of the inputs to drop, from 0 up to but not including 1. */
  rate: number;
  /**
   * The shape of the random mask: null or that of the input for independent values, or `[null, 1, null]` to drop the same
   * features at every time step. Default: null.
   */
  noiseShape?: Shape | null;
}

export class Dropout extends Noise {
  readonly rate: number;
  readonly noiseShape: Shape | null;

  constructor(options: DropoutOptions) {
    const call = 'layers.dropout';
    const known = checkLayerOptions<DropoutOptions>(call, options, ['rate', 'noiseShape', 'seed']);
    const rate = checkNumber(call, 'rate', known.rate, { least: 0, below: 1 });
    const noise = known.noiseShape ?? null;
    const noiseShape = noise && checkShape(call, 'noiseShape', noise, { open: true });
    super('Dropout', known, 1, { kind: 'dropout', amount: rate });
    this.rate = rate;
    this.noiseShape = noiseShape;
  }

  protected override settings(): Config {
    return { rate: this.rate, noiseShape: this.noiseShape, ...super.settings() };
  }

  protected override get sharesSteps(): boolean {
    return this.noiseShape?.length === 3 && this.noiseShape[1] === 1;
  }

  override checkWrapped(call: string): void {
    if (this.noiseShape) fail(call, `layer must be a dropout without noiseShape, got ${show(this.noiseShape)}`);
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    this.#checkNoiseShape(call, input);
    return input;
  }

  /** Fails if noiseShape does not fit the input. */
  #checkNoiseShape(call: string, input: Shape): void {
    const noise = this.noiseShape;
    if (!noise) return;
    const same = (axis: number) => noise[axis] === null || noise[axis] === input[axis];
    const shared = input.length === 3 && noise[1] === 1;
    if (noise.length === input.length && input.every((_, axis) => same(axis) || (axis === 1 && shared))) return;
    const rule = input.length === 3 ? `${showShape(input)}, or have 1 time step` : showShape(input);
    fail(call, `noiseShape of ${this.name} must be ${rule}, got ${show(noise)}`);
  }
}
