/**
 * Initial weights. Each initializer fills a plain row-major matrix in wasm memory; all arithmetic happens in the
 * kernels, with numbers that are the same on every host.
 */

import type { Kernels } from './engine/kernels.ts';
import { factoryOf, fail, show } from './errors.ts';
import { checkName, checkNumber, checkOptions } from './options.ts';
import { checkSeed, nextSeed } from './random.ts';
import { sizeOf } from './shapes.ts';

/** Where to write, and with what. */
export interface Target {
  kernels: Kernels;
  address: number;
  /** The numbers at `address`, for values that need no kernel. */
  values: Float32Array;
}

/** A recipe for initial weights; make one with `initializers.*`. */
export abstract class Initializer {
  /** The seed the caller fixed, if any. */
  protected readonly seed: number | undefined;

  constructor(
    /** The name Keras gives it. */
    readonly className: string,
    seed?: unknown,
  ) {
    this.seed = seed === undefined ? undefined : checkSeed(`initializers.${factoryOf(className)}`, seed);
  }

  /** @internal Draws the seed now, so that the order of `add` calls decides, not the order of first use. */
  plan(): number {
    return this.seed ?? nextSeed();
  }

  /** @internal Fills a matrix of the given shape. */
  abstract fill(target: Target, shape: readonly number[], seed: number): void;
}

/** Fan-in and fan-out as Keras counts them: all axes but the last two multiply both. */
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

  override plan(): number {
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

  fill({ kernels, address, values }: Target, _shape: readonly number[], seed: number): void {
    if (this.className === 'RandomNormal') kernels.randomNormal(address, values.length, seed, this.mean, this.stddev);
    else kernels.truncatedNormal(address, values.length, seed, this.mean, this.stddev);
  }
}

/** A truncated normal loses variance; dividing by this gives it back (the standard deviation within +-2). */
const TRUNCATED_DEVIATION = 0.87962566103423978;

class Glorot extends Initializer {
  constructor(className: 'GlorotUniform' | 'GlorotNormal', seed?: unknown) {
    super(className, seed);
  }

  fill({ kernels, address, values }: Target, shape: readonly number[], seed: number): void {
    const [fanIn, fanOut] = fans(shape);
    const variance = 2 / (fanIn + fanOut);
    if (this.className === 'GlorotUniform') {
      const limit = Math.sqrt(3 * variance);
      kernels.randomUniform(address, values.length, seed, -limit, limit);
    } else {
      kernels.truncatedNormal(address, values.length, seed, 0, Math.sqrt(variance) / TRUNCATED_DEVIATION);
    }
  }
}

class Orthogonal extends Initializer {
  constructor(
    readonly gain: number,
    seed?: unknown,
  ) {
    super('Orthogonal', seed);
  }

  fill({ kernels, address, values }: Target, shape: readonly number[], seed: number): void {
    if (shape.length < 2) fail('initializers.orthogonal', `needs a matrix, got the shape [${shape.join(', ')}]`);
    const cols = shape.at(-1)!;
    const rows = values.length / cols;
    const [count, length] = rows <= cols ? [rows, cols] : [cols, rows];
    kernels.randomNormal(address, values.length, seed, 0, 1);
    kernels.orthonormalize(address, count, length);
    if (rows > cols) transpose(values, count, length);
    if (this.gain !== 1) for (let i = 0; i < values.length; i++) values[i]! *= this.gain;
  }
}

function transpose(values: Float32Array, rows: number, cols: number): void {
  const from = values.slice();
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) values[c * rows + r] = from[r * cols + c]!;
}

type Seeded = { seed?: number };

const number = (call: string, options: Record<string, unknown>, name: string, otherwise: number, range = {}) =>
  options[name] === undefined ? otherwise : checkNumber(call, name, options[name], range);

/** @internal The bias of an LSTM [4U] with the block of the forget gate at one, so that cells remember before they have learned. */
export class ForgetBias extends Initializer {
  constructor(
    readonly others: Initializer,
    readonly units: number,
  ) {
    super('ForgetBias');
  }

  override plan(): number {
    return this.others.plan();
  }

  fill(target: Target, shape: readonly number[], seed: number): void {
    this.others.fill(target, shape, seed);
    target.values.fill(1, this.units, 2 * this.units);
  }
}

/** Makes initializers by their TF.js names. */
export const initializers = {
  /** All zeros. */
  zeros: (): Initializer => new Constant('Zeros', 0),

  /** All ones. */
  ones: (): Initializer => new Constant('Ones', 1),

  /** The same value everywhere. */
  constant(options: { value: number }): Initializer {
    const call = 'initializers.constant';
    return new Constant(
      'Constant',
      checkNumber(call, 'value', checkOptions<{ value: number }>(call, options, ['value']).value),
    );
  },

  /** Uniform in [minval, maxval), by default [-0.05, 0.05). */
  randomUniform(options?: { minval?: number; maxval?: number } & Seeded): Initializer {
    const call = 'initializers.randomUniform';
    const known = checkOptions<Record<string, unknown>>(call, options, ['minval', 'maxval', 'seed']);
    const low = number(call, known, 'minval', -0.05);
    return new RandomUniform(low, number(call, known, 'maxval', 0.05, { least: low }), known.seed);
  },

  /** Normal, by default with mean 0 and standard deviation 0.05. */
  randomNormal(options?: { mean?: number; stddev?: number } & Seeded): Initializer {
    const call = 'initializers.randomNormal';
    const known = checkOptions<Record<string, unknown>>(call, options, ['mean', 'stddev', 'seed']);
    const mean = number(call, known, 'mean', 0);
    return new RandomNormal('RandomNormal', mean, number(call, known, 'stddev', 0.05, { least: 0 }), known.seed);
  },

  /** Normal, drawn again beyond two standard deviations. */
  truncatedNormal(options?: { mean?: number; stddev?: number } & Seeded): Initializer {
    const call = 'initializers.truncatedNormal';
    const known = checkOptions<Record<string, unknown>>(call, options, ['mean', 'stddev', 'seed']);
    const mean = number(call, known, 'mean', 0);
    return new RandomNormal('TruncatedNormal', mean, number(call, known, 'stddev', 0.05, { least: 0 }), known.seed);
  },

  /** Uniform within sqrt(6 / (fanIn + fanOut)); the default of every kernel. */
  glorotUniform: (options?: Seeded): Initializer =>
    new Glorot('GlorotUniform', checkOptions<Seeded>('initializers.glorotUniform', options, ['seed']).seed),

  /** Truncated normal with variance 2 / (fanIn + fanOut). */
  glorotNormal: (options?: Seeded): Initializer =>
    new Glorot('GlorotNormal', checkOptions<Seeded>('initializers.glorotNormal', options, ['seed']).seed),

  /** Orthonormal rows or columns, whichever are fewer, times gain; the default of recurrent kernels. */
  orthogonal(options?: { gain?: number } & Seeded): Initializer {
    const call = 'initializers.orthogonal';
    const known = checkOptions<Record<string, unknown>>(call, options, ['gain', 'seed']);
    return new Orthogonal(number(call, known, 'gain', 1), known.seed);
  },
};

/** Names that stand for an initializer with its defaults. */
export type InitializerName = Exclude<keyof typeof initializers, 'constant'>;

const byName = Object.keys(initializers).filter(name => name !== 'constant') as InitializerName[];

/** An initializer as a layer option: an object of `initializers`, or a name. */
export function resolveInitializer(call: string, name: string, value: unknown): Initializer {
  if (value instanceof Initializer) return value;
  if (typeof value !== 'string') fail(call, `${name} must be an initializer or its name, got ${show(value)}`);
  const camel = value.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()); // Keras: glorot_uniform
  return initializers[checkName(call, name, camel, byName)]();
}
