/** Layers that apply random numbers in training, and do nothing otherwise. */

import { floatBits, type PlannedCall, type Planner, padded, rowFields, type Signals } from '../plan/planner.ts';
import type { Config } from '../util/config.ts';
import { factoryNameOf } from '../util/errors.ts';
import { checkNumber } from '../util/options.ts';
import { checkSeed, type SeedStream } from '../util/random.ts';
import type { Shape } from '../util/shapes.ts';
import { useKernels } from '../wasm/engine.ts';
import { dropout } from '../wasm/modules/dropout.generated.ts';
import { noiseNumbers } from '../wasm/shared.generated.ts';
import { Layer, rejectWrapped } from './layer.ts';
import { checkLayerOptions, type LayerOptions } from './layerOptions.ts';
import { checkSequence } from './windows.ts';

/** Options of layers that draw random numbers. */
export interface NoiseOptions extends LayerOptions {
  /**
   * Seed of the random numbers, an integer from 0 to 2^53 - 1; they also depend on the number of batches trained. Default:
   * drawn when the layer joins a model.
   */
  seed?: number | null;
}

/** The random numbers of a layer: of which kind, and the probability or the standard deviation; 0 for no effect. */
interface RandomNumbers {
  readonly kind: keyof typeof noiseNumbers;
  readonly amount: number;
}

/** The base class of dropout and noise layers. */
export abstract class Noise extends Layer {
  readonly #numbers: RandomNumbers;
  readonly #givenSeed: number | null;
  #seed = 0;

  constructor(className: string, options: NoiseOptions, inputRank: 1 | 2, numbers: RandomNumbers) {
    const { seed } = options;
    const given = seed === undefined || seed === null ? null : checkSeed(`layers.${factoryNameOf(className)}`, seed);
    super(className, options, inputRank);
    useKernels(dropout);
    this.#numbers = numbers;
    this.#givenSeed = given;
  }

  protected override settings(): Config {
    return { seed: this.#givenSeed };
  }

  /** @internal Whether the layer does anything in training. */
  get isActive(): boolean {
    return this.#numbers.amount > 0;
  }

  /** Whether all time steps have the same random numbers. */
  protected get sharesSteps(): boolean {
    return false;
  }

  override get takesAnyWidth(): boolean {
    return true;
  }

  override checkWrapped(_call: string): void {}

  override drawSeeds(seeds: SeedStream): void {
    super.drawSeeds(seeds);
    // A layer without effect draws no seed, so adding it does not change the seeds of later layers
    this.#seed = this.isActive ? (this.#givenSeed ?? seeds.next()) : 0;
  }

  override get dropoutSeeds(): number[] {
    return [this.#seed];
  }

  override set dropoutSeeds(seeds: readonly number[]) {
    this.#seed = seeds[0]!;
  }

  override plan(planner: Planner, inputs: Signals, call: PlannedCall): Signals {
    if (!planner.dropsOut || !this.isActive) return inputs;
    const { y: x, dy: dx, mask } = inputs[0];
    const { kind, amount } = this.#numbers;
    const y = planner.rows(`${call.name}/y`, x.steps, x.width);
    // Summands do not change gradients
    const ownDy = dx && kind !== 'summands' ? planner.rows(`${call.name}/dy`, x.steps, x.width) : null;
    planner.calls.push({
      kind: 'dropout',
      fields: {
        noise: noiseNumbers[kind],
        steps: x.steps,
        rows: x.rows,
        width: x.width,
        ...rowFields('x', x),
        ...rowFields('y', y),
        ...rowFields('dy', ownDy),
        ...rowFields('dx', ownDy && dx),
        mask: planner.floats(`${call.name}/mask`, this.sharesSteps ? 1 : x.steps, x.rows, padded(x.width)),
        seed: planner.dropoutSeed(this.#seed),
        amount: floatBits(amount),
        shared: Number(this.sharesSteps),
      },
    });
    return [{ y, dy: ownDy ?? dx, mask }];
  }
}

/** Options of `layers.spatialDropout1d`. */
export interface SpatialDropout1DOptions extends NoiseOptions {
  /** The fraction of the features to drop, from 0 up to but not including 1. */
  rate: number;
}

export class SpatialDropout1D extends Noise {
  readonly rate: number;

  constructor(options: SpatialDropout1DOptions) {
    const call = 'layers.spatialDropout1d';
    const known = checkLayerOptions<SpatialDropout1DOptions>(call, options, ['rate', 'seed']);
    const rate = checkNumber(call, 'rate', known.rate, { least: 0, below: 1 });
    super('SpatialDropout1D', known, 2, { kind: 'dropout', amount: rate });
    this.rate = rate;
  }

  protected override settings(): Config {
    return { rate: this.rate, ...super.settings() };
  }

  protected override get sharesSteps(): boolean {
    return true;
  }

  override checkWrapped(call: string): void {
    rejectWrapped(call, this);
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    checkSequence(call, this.name, input);
    return input;
  }
}

/** Options of `layers.gaussianNoise`. */
export interface GaussianNoiseOptions extends NoiseOptions {
  /** The standard deviation of the numbers that are added, at least 0. */
  stddev: number;
}

export class GaussianNoise extends Noise {
  readonly stddev: number;

  constructor(options: GaussianNoiseOptions) {
    const call = 'layers.gaussianNoise';
    const known = checkLayerOptions<GaussianNoiseOptions>(call, options, ['stddev', 'seed']);
    const stddev = checkNumber(call, 'stddev', known.stddev, { least: 0 });
    super('GaussianNoise', known, 1, { kind: 'summands', amount: stddev });
    this.stddev = stddev;
  }

  protected override settings(): Config {
    return { stddev: this.stddev, ...super.settings() };
  }
}

/** Options of `layers.gaussianDropout`. */
export interface GaussianDropoutOptions extends NoiseOptions {
  /** A number from 0 up to but not including 1; the factors have the standard deviation sqrt(rate / (1 - rate)). */
  rate: number;
}

export class GaussianDropout extends Noise {
  readonly rate: number;

  constructor(options: GaussianDropoutOptions) {
    const call = 'layers.gaussianDropout';
    const known = checkLayerOptions<GaussianDropoutOptions>(call, options, ['rate', 'seed']);
    const rate = checkNumber(call, 'rate', known.rate, { least: 0, below: 1 });
    super('GaussianDropout', known, 1, { kind: 'factors', amount: Math.sqrt(rate / (1 - rate)) });
    this.rate = rate;
  }

  protected override settings(): Config {
    return { rate: this.rate, ...super.settings() };
  }
}
