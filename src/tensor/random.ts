/** Random tensors, from the `seed` of the call or, without one, from the stream that `setRandomSeed` seeds. */

import { rejectExtraArguments } from '../util/arguments.ts';
import { fail } from '../util/errors.ts';
import { checkBoolean, checkCount, checkNumber } from '../util/options.ts';
import { checkSeed, nextSeed } from '../util/random.ts';
import { RandomGenerator } from '../util/randomGenerator.ts';
import { checkShape, showShape, sizeOf } from '../util/shapes.ts';
import { asTensor, type TensorLike } from './read.ts';
import { normalize } from './reduce.ts';
import { Tensor } from './tensorClass.ts';
import { convert, type DataType, dataTypeOr, zerosFor } from './values.ts';

/** @internal A generator with the given seed, or, if that is absent, with the next seed of the global stream. */
export const generatorFor = (call: string, seed: unknown): RandomGenerator =>
  new RandomGenerator(seed === undefined || seed === null ? nextSeed() : checkSeed(call, seed));

/**
 * Checks all arguments and allocates the result before it draws a seed, so that a rejected call does not change the
 * stream.
 *
 * @param toInteger converts a drawn number to an integer if the dtype is not float32
 */
function random(
  call: string,
  shape: unknown,
  kind: DataType,
  seed: unknown,
  toInteger: (x: number) => number,
  draw: (generator: RandomGenerator) => number,
): Tensor {
  const wanted = checkShape(call, 'shape', shape) as number[];
  const values = doublesFor(call, wanted);
  const generator = generatorFor(call, seed);
  for (let i = 0; i < values.length; i++) {
    const value = draw(generator);
    values[i] = kind === 'float32' ? value : toInteger(value);
  }
  return new Tensor(convert(call, values, kind), wanted);
}

/** Normally distributed numbers; for int32 they are rounded, which keeps the mean. */
function normals(
  call: string,
  shape: unknown,
  mean: unknown,
  stdDev: unknown,
  dtype: unknown,
  seed: unknown,
  draw: (generator: RandomGenerator) => number,
): Tensor {
  const center = checkNumber(call, 'mean', mean ?? 0);
  const deviation = checkNumber(call, 'stdDev', stdDev ?? 1, { least: 0 });
  const kind = dataTypeOr(call, dtype);
  if (kind === 'bool') fail(call, "dtype must be 'float32' or 'int32', got 'bool'");
  return random(call, shape, kind, seed, Math.round, generator => center + deviation * draw(generator));
}

function doublesFor(call: string, shape: readonly number[]): Float64Array {
  try {
    return new Float64Array(sizeOf(shape));
  } catch {
    return fail(call, `the result must fit into memory, got the shape ${showShape(shape)}`);
  }
}

/** Uniformly distributed numbers in [minval, maxval), by default [0, 1). */
export function randomUniform(
  shape: readonly number[],
  minval?: number | null,
  maxval?: number | null,
  dtype?: DataType | null,
  seed?: number | null,
): Tensor {
  rejectExtraArguments('randomUniform', 5, arguments);
  const call = 'randomUniform';
  const low = checkNumber(call, 'minval', minval ?? 0);
  const most = checkNumber(call, 'maxval', maxval ?? 1, { least: low });
  const kind = dataTypeOr(call, dtype);
  return random(call, shape, kind, seed, Math.trunc, generator => {
    const value = low + (most - low) * ((generator.bits() >>> 8) / 2 ** 24);
    // Rounding must not reach maxval: between 1 and 2, float32 has fewer than 24 bits
    return kind !== 'float32' || Math.fround(value) < most ? value : low;
  });
}

/** Normally distributed numbers, by default with mean 0 and standard deviation 1; rounded if the dtype is int32. */
export function randomNormal(
  shape: readonly number[],
  mean?: number | null,
  stdDev?: number | null,
  dtype?: 'float32' | 'int32' | null,
  seed?: number | null,
): Tensor {
  rejectExtraArguments('randomNormal', 5, arguments);
  return normals('randomNormal', shape, mean, stdDev, dtype, seed, generator => generator.normal());
}

/** Like `randomNormal`, but numbers beyond two standard deviations are drawn again. */
export function truncatedNormal(
  shape: readonly number[],
  mean?: number | null,
  stdDev?: number | null,
  dtype?: 'float32' | 'int32' | null,
  seed?: number | null,
): Tensor {
  rejectExtraArguments('truncatedNormal', 5, arguments);
  return normals('truncatedNormal', shape, mean, stdDev, dtype, seed, generator => {
    for (;;) {
      const z = generator.normal();
      if (Math.abs(z) <= 2) return z;
    }
  });
}

/**
 * Draws class indices from a categorical distribution.
 *
 * @param logits unnormalized log-probabilities, [classes] or [B, classes]
 * @param normalized whether `logits` are probabilities; default false
 * @returns int32, [numSamples] or [B, numSamples]
 */
export function multinomial(
  logits: TensorLike,
  numSamples: number,
  seed?: number | null,
  normalized?: boolean | null,
): Tensor {
  rejectExtraArguments('multinomial', 4, arguments);
  const call = 'multinomial';
  const from = asTensor(call, 'logits', logits);
  const samples = checkCount(call, 'numSamples', numSamples);
  const classes = from.shape.at(-1) ?? 0;
  if (from.rank < 1 || from.rank > 2) fail(call, `logits must have 1 or 2 axes, got ${showShape(from.shape)}`);
  if (classes < 2) fail(call, `logits must have at least 2 classes, got ${showShape(from.shape)}`);
  const areProbabilities = checkBoolean(call, 'normalized', normalized ?? false);
  const rows = from.size / classes;
  const drawn = zerosFor(call, [rows, samples], 'int32');
  const shares = Array.from({ length: rows }, (_, b) => {
    const row = Float64Array.from(from.dataSync().subarray(b * classes, (b + 1) * classes));
    const invalid = row.find(value => !(value < Number.POSITIVE_INFINITY) || (areProbabilities && value < 0));
    if (invalid !== undefined) {
      fail(
        call,
        `logits must be ${areProbabilities ? 'probabilities' : 'numbers below Infinity'}, got ${invalid} in row ${b}`,
      );
    }
    if (!areProbabilities) normalize(row);
    if (!row.some(p => p > 0)) fail(call, `logits must give a class a probability above 0, got none in row ${b}`);
    return row;
  });
  const generator = generatorFor(call, seed);
  for (const [b, row] of shares.entries()) {
    for (let i = 0; i < samples; i++) drawn[b * samples + i] = draw(row, generator.uniform());
  }
  return new Tensor(drawn, from.rank === 1 ? [samples] : [rows, samples]);
}

/** @internal The index whose share of the sum of the weights contains `at`, a number in [0, 1). */
export function draw(weights: ArrayLike<number>, at: number): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += weights[i]!;
  let left = at * sum;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i]! <= 0) continue; // never returns an impossible index, however the sum was rounded
    last = i;
    left -= weights[i]!;
    if (left < 0) return i;
  }
  return last;
}
