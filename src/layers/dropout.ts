/** In training, sets random inputs to zero and scales the others up by 1 / (1 - rate). Otherwise it does nothing. */

import { floatBits, type PlannedCall, type Planner, padded, rowFields, type Signals } from '../plan/planner.ts';
import type { Config } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { checkNumber } from '../util/options.ts';
import { checkSeed, type SeedStream } from '../util/random.ts';
import { checkShape, type Shape, showShape } from '../util/shapes.ts';
import { Layer } from './layer.ts';
import { checkLayerOptions, type LayerOptions } from './layerOptions.ts';

/** Options of `layers.dropout`. */
export interface DropoutOptions extends LayerOptions {
  /** The fraction of the inputs to drop, from 0 up to but not including 1. */
  rate: number;
  /**
   * The shape of the random mask: null or that of the input for independent values, or `[null, 1, null]` to drop the same
   * features at every time step. Default: null.
   */
  noiseShape?: Shape | null;
  /**
   * Seed of the random mask, an integer from 0 to 2^53 - 1; the mask also depends on the number of batches trained.
   * Default: drawn when the layer joins a model.
   */
  seed?: number | null;
}

export class Dropout extends Layer {
  readonly rate: number;
  readonly noiseShape: Shape | null;
  readonly #givenSeed: number | null;
  #seed = 0;

  constructor(options: DropoutOptions) {
    const call = 'layers.dropout';
    const known = checkLayerOptions<DropoutOptions>(call, options, ['rate', 'noiseShape', 'seed']);
    const rate = checkNumber(call, 'rate', known.rate, { least: 0, below: 1 });
    const noise = known.noiseShape ?? null;
    const noiseShape = noise && checkShape(call, 'noiseShape', noise, { open: true });
    const seed = known.seed === undefined || known.seed === null ? null : checkSeed(call, known.seed);
    super('Dropout', known, 1);
    this.rate = rate;
    this.noiseShape = noiseShape;
    this.#givenSeed = seed;
  }

  protected override settings(): Config {
    const { rate, noiseShape } = this;
    return { rate, noiseShape, seed: this.#givenSeed };
  }

  override get takesAnyWidth(): boolean {
    return true;
  }

  override checkWrapped(call: string): void {
    if (this.noiseShape) fail(call, `layer must be a dropout without noiseShape, got ${show(this.noiseShape)}`);
  }

  override drawSeeds(seeds: SeedStream): void {
    super.drawSeeds(seeds);
    // A rate of 0 draws no seed, so adding such a layer does not change the seeds of later layers
    this.#seed = this.rate === 0 ? 0 : (this.#givenSeed ?? seeds.next());
  }

  override get dropoutSeeds(): number[] {
    return [this.#seed];
  }

  override set dropoutSeeds(seeds: readonly number[]) {
    this.#seed = seeds[0]!;
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

  override plan(planner: Planner, inputs: Signals, call: PlannedCall): Signals {
    if (!planner.dropsOut || this.rate === 0) return inputs;
    const { y: x, dy: dx, mask } = inputs[0];
    const shared = this.noiseShape?.length === 3 && this.noiseShape[1] === 1;
    const y = planner.rows(`${call.name}/y`, x.steps, x.width);
    const dy = dx && planner.rows(`${call.name}/dy`, x.steps, x.width);
    planner.calls.push({
      kind: 'dropout',
      fields: {
        steps: x.steps,
        rows: x.rows,
        width: x.width,
        ...rowFields('x', x),
        ...rowFields('y', y),
        ...rowFields('dy', dy),
        ...rowFields('dx', dx),
        mask: planner.floats(`${call.name}/mask`, shared ? 1 : x.steps, x.rows, padded(x.width)),
        seed: planner.dropoutSeed(this.#seed),
        rate: floatBits(this.rate),
        shared: Number(shared),
      },
    });
    return [{ y, dy, mask }];
  }
}
