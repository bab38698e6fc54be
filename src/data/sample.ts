/** Sampling an index from probabilities, as for text generation. */

import { draw } from '../tensor/random.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { exp, ln } from '../util/math.ts';
import { checkCount, checkNumber, checkOptions } from '../util/options.ts';
import { checkSeed, nextSeed } from '../util/random.ts';
import { RandomGenerator } from '../util/randomGenerator.ts';
import type { TypedArray } from '../util/shapes.ts';
import { readNumbers } from './series.ts';

/** Options of `sample`. */
export interface SampleOptions {
  /** Below 1, likely items become likelier; above 1, the distribution becomes flatter; 0 takes the most likely item. Default 1. */
  temperature?: number;
  /** Sample from the `topK` most likely items only; default: all. */
  topK?: number;
  /** Seed of a single draw. For several draws, pass `random` or call `setRandomSeed` once. */
  seed?: number;
  /** Returns a number in [0, 1) for each draw, like `Math.random`. */
  random?: () => number;
}

const sampleOptions = ['temperature', 'topK', 'seed', 'random'] as const;

/**
 * Draws an index according to probabilities. A temperature T raises them to the power 1/T.
 *
 * @param probabilities non-negative numbers, such as the softmax output for one sample; they need not add up to 1
 */
export function sample(probabilities: readonly number[] | TypedArray | Tensor, options?: SampleOptions): number {
  rejectExtraArguments('sample', 2, arguments);
  const call = 'sample';
  const known = checkOptions<SampleOptions>(call, options, sampleOptions);
  const weights = Float64Array.from(readNumbers(call, 'probabilities', probabilities).values);
  const invalid = weights.find(p => !(p >= 0 && p < Number.POSITIVE_INFINITY));
  if (invalid !== undefined) fail(call, `probabilities must be finite and not negative, got ${invalid}`);
  if (!weights.some(p => p > 0)) fail(call, 'probabilities must have a number above 0, got none');
  const temperature = checkNumber(call, 'temperature', known.temperature ?? 1, { least: 0 });
  const topK = known.topK === undefined ? weights.length : checkCount(call, 'topK', known.topK);
  const at = pick(call, known);
  const mostLikely = weights.reduce((best, p, i) => (p > weights[best]! ? i : best), 0);
  if (temperature === 0) return mostLikely;
  if (topK < weights.length) {
    const order = [...weights.keys()].sort((a, b) => weights[b]! - weights[a]! || a - b);
    for (const out of order.slice(topK)) weights[out] = 0;
  }
  if (temperature !== 1) {
    const most = ln(weights[mostLikely]!);
    for (let i = 0; i < weights.length; i++) {
      if (weights[i]! > 0) weights[i] = exp((ln(weights[i]!) - most) / temperature);
    }
  }
  return draw(weights, at);
}

/** The random number in [0, 1) that selects the index. */
function pick(call: string, { seed, random }: SampleOptions): number {
  if (random === undefined)
    return new RandomGenerator(seed === undefined ? nextSeed() : checkSeed(call, seed)).uniform();
  if (seed !== undefined) fail(call, 'takes either seed or random, got both');
  if (typeof random !== 'function') fail(call, `random must be a function, got ${show(random)}`);
  const at: unknown = random();
  if (!(typeof at === 'number' && at >= 0 && at < 1))
    fail(call, `random must return numbers in [0, 1), got ${show(at)}`);
  return at;
}
