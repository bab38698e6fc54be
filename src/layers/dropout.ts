/** Dropout: in training, numbers are dropped at random and the others grow; elsewhere the layer is not there. */

import { floatBits, type Planner, padded, type Signal, strided } from '../plan/plan.ts';
import type { Config } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { checkNumber } from '../util/options.ts';
import { checkSeed, type SeedStream, seedBits } from '../util/random.ts';
import { checkShape, type Shape, showShape } from '../util/shapes.ts';
import { checkLayerOptions, type LayerOptions, type WeightStore } from './layer.ts';
import { Weightless } from './weightless.ts';

/** Options of `layers.dropout`. */
export interface DropoutOptions extends LayerOptions {
  /** The share of numbers to drop, from 0 up to, but not including, 1. */
  rate: number;
  /** The shape of the mask: that of the input, or `[null, 1, null]` for the same one at every time step. */
  noiseShape?: Shape | null;
  /** What is dropped hangs on it and on the number of the batch; drawn when the layer is built if absent. */
  seed?: number | null;
}

export class Dropout extends Weightless {
  readonly rate: number;
  readonly noiseShape: Shape | null;
  readonly #givenSeed: number | null;
  #seed = 0;
  #shared = false;

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

  override checkWrapped(call: string): void {
    if (this.noiseShape) fail(call, `layer must be a dropout without noiseShape, got ${show(this.noiseShape)}`);
  }

  override build(call: string, input: Shape, home: WeightStore, seeds: SeedStream): void {
    super.build(call, input, home, seeds);
    this.#shared = this.#sharesSteps(call, input);
    // Layers that drop nothing draw nothing, so that what is drawn after them does not depend on this.
    this.#seed = this.rate === 0 ? 0 : (this.#givenSeed ?? seeds.next());
  }

  override get dropoutSeeds(): number[] {
    return [this.#seed];
  }

  override set dropoutSeeds(seeds: readonly number[]) {
    this.#seed = seeds[0]!;
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    this.#sharesSteps(call, input);
    return input;
  }

  /** Whether noiseShape asks for one mask for all time steps; refuses what it cannot mean. */
  #sharesSteps(call: string, input: Shape): boolean {
    const noise = this.noiseShape;
    if (!noise) return false;
    const same = (axis: number) => noise[axis] === null || noise[axis] === input[axis];
    const shared = input.length === 3 && noise[1] === 1 && input[1] !== 1;
    if (noise.length !== input.length || !input.every((_, axis) => same(axis) || (axis === 1 && shared))) {
      const rule = input.length === 3 ? `${showShape(input)}, or 1 on the axis of time steps` : showShape(input);
      fail(call, `noiseShape of ${this.name} must be ${rule}, got ${show(noise)}`);
    }
    return shared;
  }

  override plan(planner: Planner, input: Signal): Signal {
    if (!planner.training || this.rate === 0) return input;
    const { y: x, dy: dx, mask } = input;
    const y = planner.rows(`${this.name}/y`, x.steps, x.width);
    const dy = dx && planner.rows(`${this.name}/dy`, x.steps, x.width);
    planner.calls.push({
      kind: 'dropout',
      fields: {
        steps: x.steps,
        rows: x.rows,
        width: x.width,
        ...strided('x', x),
        ...strided('y', y),
        ...strided('dy', dy),
        ...strided('dx', dx),
        mask: planner.floats(`${this.name}/mask`, this.#shared ? 1 : x.steps, x.rows, padded(x.width)),
        seed: seedBits(this.#seed),
        rate: floatBits(this.rate),
        shared: Number(this.#shared),
      },
    });
    return { y, dy, mask };
  }
}
