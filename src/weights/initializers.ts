/**
 * Initial weights. An initializer fills a row-major matrix in wasm memory. The kernels do the arithmetic, so the weights are
 * bit-identical on every host.
 */

import { limitArgumentsInTable } from '../util/arguments.ts';
import { type Config, fromSnake } from '../util/config.ts';
import { deserialize, isSerialized, type Named } from '../util/deserialize.ts';
import { factoryNameOf, fail, show } from '../util/errors.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { checkName, checkNumber, checkOptions } from '../util/options.ts';
import { Place } from '../util/part.ts';
import { checkSeed, type SeedStream } from '../util/random.ts';
import { RandomGenerator } from '../util/randomGenerator.ts';
import { showShape, sizeOf } from '../util/shapes.ts';
import { Block, float32, int32 } from '../wasm/engine.ts';
import type { Kernels } from '../wasm/kernels.ts';

/** The memory to fill. */
export interface Target {
  kernels: Kernels;
  address: number;
  /** A view of the numbers at `address`, for initializers that need no kernel. */
  values: Float32Array;
}

/** Computes initial weights. Create one with `initializers.*`. */
export abstract class Initializer {
  /** The seed if it was given. */
  protected readonly seed: number | undefined;

  constructor(
    /** The name of the class in Keras. */
    readonly className: string,
    seed?: unknown,
  ) {
    this.seed =
      seed === undefined || seed === null ? undefined : checkSeed(`initializers.${factoryNameOf(className)}`, seed);
  }

  /** The options as plain data. */
  abstract getConfig(): Config;

  /** @internal Draws the seed of a weight. Called when its layer is built, so that seeds depend only on the order of layers. */
  drawSeed(seeds: SeedStream): number {
    return this.seed ?? seeds.next();
  }

  /** @internal Throws if it cannot fill a weight of this shape. */
  checkWeight(_call: string, _name: string, _shape: readonly number[]): void {}

  /** @internal Fills a matrix of the given shape. */
  abstract fill(target: Target, shape: readonly number[], seed: number): void;
}

/** Fan-in and fan-out, as in Keras: all axes but the last two multiply both. */
function fans(shape: readonly number[]): [number, number] {
  if (shape.length < 2) return [sizeOf(shape), sizeOf(shape)];
  const receptive = sizeOf(shape.slice(0, -2));
  return [shape.at(-2)! * receptive, shape.at(-1)! * receptive];
}

class Constant extends Initializer {
  constructor(
    className: string,
    readonly value: number,
  ) {
    super(className);
  }

  getConfig(): Config {
    return this.className === 'Constant' ? { value: this.value } : {};
  }

  override drawSeed(): number {
    return 0;
  }

  fill({ values }: Target): void {
    values.fill(this.value);
  }
}

class RandomUniform extends Initializer {
  constructor(
    readonly minval: number,
    readonly maxval: number,
    seed?: unknown,
  ) {
    super('RandomUniform', seed);
  }

  getConfig(): Config {
    return { minval: this.minval, maxval: this.maxval, seed: this.seed ?? null };
  }

  fill({ kernels, address, values }: Target, _shape: readonly number[], seed: number): void {
    kernels.randomUniform(address, values.length, seed, this.minval, this.maxval);
  }
}

class RandomNormal extends Initializer {
  constructor(
    className: 'RandomNormal' | 'TruncatedNormal',
    readonly mean: number,
    readonly stddev: number,
    seed?: unknown,
  ) {
    super(className, seed);
  }

  getConfig(): Config {
    return { mean: this.mean, stddev: this.stddev, seed: this.seed ?? null };
  }

  fill({ kernels, address, values }: Target, _shape: readonly number[], seed: number): void {
    if (this.className === 'RandomNormal') kernels.randomNormal(address, values.length, seed, this.mean, this.stddev);
    else kernels.truncatedNormal(address, values.length, seed, this.mean, this.stddev);
  }
}

/** The standard deviation of a normal distribution truncated at +-2. Dividing by it restores the variance. */
const TRUNCATED_DEVIATION = 0.87962566103423978;

const modes = ['fanIn', 'fanOut', 'fanAvg'] as const;
/** 'normal' is truncated, as in TF.js and in Keras before version 3. */
const distributions = ['normal', 'truncatedNormal', 'untruncatedNormal', 'uniform'] as const;

/** Random numbers with mean 0 and variance scale / fan. */
class VarianceScaling extends Initializer {
  constructor(
    className: string,
    readonly scale: number,
    readonly mode: (typeof modes)[number],
    readonly distribution: (typeof distributions)[number],
    seed?: unknown,
  ) {
    super(className, seed);
  }

  getConfig(): Config {
    const { scale, mode, distribution } = this;
    const seed = this.seed ?? null;
    return this.className === 'VarianceScaling' ? { scale, mode, distribution, seed } : { seed };
  }

  fill({ kernels, address, values }: Target, shape: readonly number[], seed: number): void {
    const [fanIn, fanOut] = fans(shape);
    const fan = { fanIn, fanOut, fanAvg: (fanIn + fanOut) / 2 }[this.mode];
    const variance = this.scale / Math.max(1, fan);
    const deviation = Math.sqrt(variance);
    if (this.distribution === 'uniform') {
      const limit = Math.sqrt(3 * variance);
      kernels.randomUniform(address, values.length, seed, -limit, limit);
    } else if (this.distribution === 'untruncatedNormal') {
      kernels.randomNormal(address, values.length, seed, 0, deviation);
    } else {
      kernels.truncatedNormal(address, values.length, seed, 0, deviation / TRUNCATED_DEVIATION);
    }
  }
}

class Identity extends Initializer {
  constructor(readonly gain: number) {
    super('Identity');
  }

  getConfig(): Config {
    return { gain: this.gain };
  }

  override drawSeed(): number {
    return 0;
  }

  override checkWeight(call: string, name: string, shape: readonly number[]): void {
    if (shape.length !== 2 || shape[0] !== shape[1]) {
      fail(call, `${name} must be a square matrix for initializers.identity, got the shape ${showShape(shape)}`);
    }
  }

  fill({ values }: Target, shape: readonly number[]): void {
    values.fill(0);
    for (let i = 0; i < values.length; i += shape[1]! + 1) values[i] = this.gain;
  }
}

class Orthogonal extends Initializer {
  constructor(
    readonly gain: number,
    seed?: unknown,
  ) {
    super('Orthogonal', seed);
  }

  getConfig(): Config {
    return { gain: this.gain, seed: this.seed ?? null };
  }

  override checkWeight(call: string, name: string, shape: readonly number[]): void {
    if (shape.length < 2) {
      fail(call, `${name} must be a matrix for initializers.orthogonal, got the shape ${showShape(shape)}`);
    }
  }

  fill({ kernels, address, values }: Target, shape: readonly number[], seed: number): void {
    const size = values.length;
    const cols = shape.at(-1)!;
    const rows = size / cols;
    const [count, length] = rows <= cols ? [rows, cols] : [cols, rows];
    if (count * count * length > MOST_PROJECTED) {
      mixRows(kernels, address, count, length, seed);
    } else {
      kernels.randomNormal(address, size, seed, 0, 1);
      kernels.orthonormalize(address, count, length);
    }
    const made = float32().subarray(address / FLOAT, address / FLOAT + size); // memory may have grown
    if (rows > cols) transpose(made, count, length);
    if (this.gain !== 1) for (let i = 0; i < size; i++) made[i]! *= this.gain;
  }
}

/** The largest count^2 length that Gram-Schmidt orthogonalizes in about a second: an LSTM of 1024 units. */
const MOST_PROJECTED = 2 ** 32;
/** Each round mixes nearly all numbers of a row; after four rounds their distribution is close to normal. */
const ROUNDS = 4;

/** Rows of a random orthogonal matrix with nearly normal entries, in O(count length log(length)) time. */
function mixRows(kernels: Kernels, address: number, count: number, length: number, seed: number): void {
  const block = new Block('initializers.orthogonal', (ROUNDS + 1) * length * FLOAT);
  try {
    const random = new RandomGenerator(seed);
    for (let round = 0; round < ROUNDS; round++) {
      const from = block.address / FLOAT + round * length;
      const order = int32().subarray(from, from + length);
      for (let i = 0; i < length; i++) order[i] = 4 * i + (random.bits() >>> 31);
      random.shuffle(order);
    }
    kernels.mixedRows(address, count, length, block.address, ROUNDS, block.address + ROUNDS * length * FLOAT);
  } finally {
    block.free();
  }
}

function transpose(values: Float32Array, rows: number, cols: number): void {
  const from = values.slice();
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) values[c * rows + r] = from[r * cols + c]!;
}

/** @inline */
type Seeded = { seed?: number | null };

const number = (call: string, options: Record<string, unknown>, name: string, fallback: number, range = {}) =>
  options[name] === undefined ? fallback : checkNumber(call, name, options[name], range);

/** @internal The bias of an LSTM, [4 * units], with ones for the forget gate, so that the initial network remembers. */
export class ForgetBias extends Initializer {
  constructor(
    readonly others: Initializer,
    readonly units: number,
  ) {
    super('ForgetBias');
  }

  getConfig(): Config {
    return this.others.getConfig();
  }

  override drawSeed(seeds: SeedStream): number {
    return this.others.drawSeed(seeds);
  }

  override checkWeight(call: string, name: string, shape: readonly number[]): void {
    this.others.checkWeight(call, name, shape);
  }

  fill(target: Target, shape: readonly number[], seed: number): void {
    this.others.fill(target, shape, seed);
    target.values.fill(1, this.units, 2 * this.units);
  }
}

/** Creates variance scaling under the name of its own class in Keras. */
function scaling(
  className: string,
  scale: number,
  mode: (typeof modes)[number],
  distribution: (typeof distributions)[number],
  options?: Seeded,
): Initializer {
  const { seed } = checkOptions<Seeded>(`initializers.${factoryNameOf(className)}`, options, ['seed']);
  return new VarianceScaling(className, scale, mode, distribution, seed);
}

/** Converts a string; returns other values unchanged. */
const toCamel = (value: unknown): unknown => (typeof value === 'string' ? fromSnake(value) : value);

/** Creates initializers, by their names in TF.js. `seed` is an integer from 0 to 2^53 - 1; by default it is drawn. */
export const initializers = /* @__PURE__ */ limitArgumentsInTable('initializers', {
  /** Zeros. Takes no options. */
  zeros(options?: object): Initializer {
    checkOptions('initializers.zeros', options, []);
    return new Constant('Zeros', 0);
  },

  /** Ones. Takes no options. */
  ones(options?: object): Initializer {
    checkOptions('initializers.ones', options, []);
    return new Constant('Ones', 1);
  },

  /** The same value for every weight. */
  constant(options: { value: number }): Initializer {
    const call = 'initializers.constant';
    return new Constant(
      'Constant',
      checkNumber(call, 'value', checkOptions<{ value: number }>(call, options, ['value']).value),
    );
  },

  /** Uniform distribution from minval (default -0.05) to maxval (default 0.05). */
  randomUniform(options?: { minval?: number; maxval?: number } & Seeded): Initializer {
    const call = 'initializers.randomUniform';
    const known = checkOptions<Record<string, unknown>>(call, options, ['minval', 'maxval', 'seed']);
    const low = number(call, known, 'minval', -0.05);
    return new RandomUniform(low, number(call, known, 'maxval', 0.05, { least: low }), known.seed);
  },

  /** Normal distribution with mean (default 0) and standard deviation stddev (default 0.05). */
  randomNormal(options?: { mean?: number; stddev?: number } & Seeded): Initializer {
    const call = 'initializers.randomNormal';
    const known = checkOptions<Record<string, unknown>>(call, options, ['mean', 'stddev', 'seed']);
    const mean = number(call, known, 'mean', 0);
    return new RandomNormal('RandomNormal', mean, number(call, known, 'stddev', 0.05, { least: 0 }), known.seed);
  },

  /** As `randomNormal`, but values beyond two standard deviations are drawn again. */
  truncatedNormal(options?: { mean?: number; stddev?: number } & Seeded): Initializer {
    const call = 'initializers.truncatedNormal';
    const known = checkOptions<Record<string, unknown>>(call, options, ['mean', 'stddev', 'seed']);
    const mean = number(call, known, 'mean', 0);
    return new RandomNormal('TruncatedNormal', mean, number(call, known, 'stddev', 0.05, { least: 0 }), known.seed);
  },

  /** The identity matrix times gain (default 1). Square matrices only. */
  identity(options?: { gain?: number }): Initializer {
    const call = 'initializers.identity';
    return new Identity(number(call, checkOptions<Record<string, unknown>>(call, options, ['gain']), 'gain', 1));
  },

  /**
   * A distribution with mean 0 and variance scale / n. Default scale: 1. `n` is the number of inputs for mode 'fanIn' (the
   * default), of outputs for 'fanOut', and the mean of both for 'fanAvg'. The distribution is 'normal' (the default) or
   * 'truncatedNormal', both truncated at two standard deviations, 'untruncatedNormal' or 'uniform'.
   */
  varianceScaling(
    options?: {
      scale?: number;
      mode?: (typeof modes)[number];
      distribution?: (typeof distributions)[number];
    } & Seeded,
  ): Initializer {
    const call = 'initializers.varianceScaling';
    const names = ['scale', 'mode', 'distribution', 'seed'];
    const known = checkOptions<Record<string, unknown>>(call, options, names);
    const scale = number(call, known, 'scale', 1, { above: 0 });
    const mode = checkName(call, 'mode', toCamel(known.mode ?? 'fanIn'), modes);
    const distribution = checkName(call, 'distribution', toCamel(known.distribution ?? 'normal'), distributions);
    return new VarianceScaling('VarianceScaling', scale, mode, distribution, known.seed);
  },

  /** Uniform distribution within +-sqrt(6 / (fanIn + fanOut)); the default for the kernels of all layers. */
  glorotUniform: (options?: Seeded): Initializer => scaling('GlorotUniform', 1, 'fanAvg', 'uniform', options),

  /** Truncated normal distribution with variance 2 / (fanIn + fanOut). */
  glorotNormal: (options?: Seeded): Initializer => scaling('GlorotNormal', 1, 'fanAvg', 'normal', options),

  /** Uniform distribution within +-sqrt(6 / fanIn), for layers with relu. */
  heUniform: (options?: Seeded): Initializer => scaling('HeUniform', 2, 'fanIn', 'uniform', options),

  /** Truncated normal distribution with variance 2 / fanIn, for layers with relu. */
  heNormal: (options?: Seeded): Initializer => scaling('HeNormal', 2, 'fanIn', 'normal', options),

  /** Uniform distribution within +-sqrt(3 / fanIn). */
  leCunUniform: (options?: Seeded): Initializer => scaling('LeCunUniform', 1, 'fanIn', 'uniform', options),

  /** Truncated normal distribution with variance 1 / fanIn. */
  leCunNormal: (options?: Seeded): Initializer => scaling('LeCunNormal', 1, 'fanIn', 'normal', options),

  /** A matrix with orthonormal rows or columns (the fewer of both), times gain (default 1); the default for recurrent kernels. */
  orthogonal(options?: { gain?: number } & Seeded): Initializer {
    const call = 'initializers.orthogonal';
    const known = checkOptions<Record<string, unknown>>(call, options, ['gain', 'seed']);
    return new Orthogonal(number(call, known, 'gain', 1), known.seed);
  },
});

/** The name of an initializer, for its default options. */
export type InitializerName = Exclude<keyof typeof initializers, 'constant'>;

const byName = () => Object.keys(initializers).filter(name => name !== 'constant') as InitializerName[];

/** Aliases from Keras. */
const spellings: { readonly [name: string]: string } = {
  eye: 'identity',
  lecunNormal: 'leCunNormal',
  lecunUniform: 'leCunUniform',
  normal: 'randomNormal',
  one: 'ones',
  uniform: 'randomUniform',
  zero: 'zeros',
};

/** The factory for a name or class name: glorot_uniform, GlorotUniform, IdentityInitializer, GlorotUniformV2. */
function factoryNameFor(name: string): string {
  const camel = factoryNameOf(fromSnake(name)).replace(/(Initializer|V2)$/, '');
  return Object.hasOwn(spellings, camel) ? spellings[camel]! : camel;
}

/** Reads an initializer from a layer option: one of `initializers.*`, a name, or a `{ className, config }` description. */
export function resolveInitializer(call: string, name: string, value: unknown): Initializer {
  if (value instanceof Initializer) return value;
  if (typeof value !== 'string' && !isSerialized(value))
    fail(call, `${name} must be one of initializers.* or a name such as 'zeros', got ${show(value)}`);
  return initializerNames.need(call)(call, name, value);
}

/** Finds initializers by their names and descriptions. */
export const initializerNames: Place<typeof namedInitializer> = /* @__PURE__ */ new Place('namedOptions');

export function namedInitializer(call: string, name: string, value: Named): Initializer {
  return typeof value === 'string'
    ? initializers[checkName(call, name, factoryNameFor(value), byName())]()
    : deserialize(call, name, value, initializers, factoryNameFor);
}

// The defaults of layers, which programs have without the others

export const glorotUniform = (): Initializer => new VarianceScaling('GlorotUniform', 1, 'fanAvg', 'uniform');
export const orthogonal = (): Initializer => new Orthogonal(1);
export const zeros = (): Initializer => new Constant('Zeros', 0);
