/** Distributions from the predictions of a model that was trained with a likelihood as its loss. */

import { asTensor, type TensorLike } from '../tensor/read.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { log1p } from '../util/incomplete.ts';
import { exp } from '../util/math.ts';
import { checkCount, checkNumber, checkOptions } from '../util/options.ts';
import { checkSeed, nextSeed } from '../util/random.ts';
import { RandomGenerator } from '../util/randomGenerator.ts';
import { showShape } from '../util/shapes.ts';
import { negativeBinomial, normal, poisson, studentT, type Univariate } from './distributions.ts';

/** The losses whose predictions are the parameters of distributions. */
export type Likelihood = 'gaussianNLL' | 'studentTNLL' | 'poisson' | 'negativeBinomialNLL';

/** Options of `sample` of a distribution. */
export interface DistributionSampleOptions {
  /** The number of draws for each target. Default 1. */
  count?: number;
  /** Fixes the numbers. Default: drawn from `setRandomSeed`. */
  seed?: number;
}

/**
 * The distributions of targets, as `distribution` returns them. All lists have a number for each target, in the order of
 * `shape`, in float64.
 */
export interface Distribution {
  readonly loss: Likelihood;
  /** The shape of the targets: that of the output, with the number of targets as its last axis. */
  readonly shape: readonly number[];
  /** The parameters by name, such as `mean` and `scale`. */
  readonly parameters: Readonly<Record<string, Float64Array>>;
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  /** The square roots of the variances. */
  readonly stddev: Float64Array;
  /** The smallest number that each target does not exceed with a probability of at least `level`, between 0 and 1. */
  quantile(level: number): Float64Array;
  /** Random numbers: `count` for each target, the first draw of all targets first. */
  sample(options?: DistributionSampleOptions): Float64Array;
}

interface Family {
  readonly parameters: readonly string[];
  /** The parameters from a group of predictions. */
  read(...raw: number[]): number[];
  make(...parameters: number[]): Univariate;
}

/** As in the kernels of the losses. */
const softplus = (raw: number): number => Math.max(raw, 0) + log1p(exp(-Math.abs(raw)));
const positive = (raw: number): number => softplus(raw) + 1e-6;

const families: Readonly<Record<Likelihood, Family>> = {
  gaussianNLL: {
    parameters: ['mean', 'scale'],
    read: (mean, scale) => [mean!, positive(scale!)],
    make: (mean, scale) => normal(mean!, scale!),
  },
  studentTNLL: {
    parameters: ['df', 'location', 'scale'],
    read: (freedom, location, scale) => [2 + softplus(freedom!), location!, positive(scale!)],
    make: (freedom, location, scale) => studentT(freedom!, location!, scale!),
  },
  poisson: {
    parameters: ['mean'],
    read: mean => [mean!],
    make: mean => poisson(mean!),
  },
  negativeBinomialNLL: {
    parameters: ['mean', 'dispersion'],
    read: (mean, dispersion) => [positive(mean!), positive(dispersion!)],
    make: (mean, dispersion) => negativeBinomial(mean!, dispersion!),
  },
};

/**
 * The distributions that a model predicts: their parameters, moments, quantiles and random numbers.
 *
 * @param loss the loss that the model was trained with
 * @param output the predictions: all parameters of the first target, then those of the next
 */
export function distribution(loss: Likelihood, output: TensorLike): Distribution {
  const call = 'distribution';
  rejectExtraArguments(call, 2, arguments);
  if (typeof loss !== 'string' || !Object.hasOwn(families, loss)) {
    fail(call, `loss must be 'gaussianNLL', 'studentTNLL', 'poisson' or 'negativeBinomialNLL', got ${show(loss)}`);
  }
  const { parameters, read, make } = families[loss];
  const tensor = asTensor(call, 'output', output);
  const [width, group] = [tensor.shape.at(-1) ?? 0, parameters.length];
  if (tensor.size === 0 || width === 0 || width % group !== 0) {
    fail(call, `output must have ${group} features for each target, got ${showShape(tensor.shape)}`);
  }
  const values = tensor.dataSync();
  const invalid = values.findIndex(value => !Number.isFinite(value));
  if (invalid >= 0) fail(call, `output must hold finite numbers, got ${values[invalid]} at index ${invalid}`);
  const least = values.find(value => value < 0);
  if (loss === 'poisson' && least !== undefined) {
    fail(call, `output must hold means of at least 0, got ${least}; use the activation 'softplus' in the last layer`);
  }

  const size = tensor.size / group;
  const rows = Array.from({ length: size }, (_, n) => read(...values.subarray(n * group, (n + 1) * group)));
  const each = rows.map(row => make(...row));
  const variance = Float64Array.from(each, one => one.variance);
  return {
    loss,
    shape: [...tensor.shape.slice(0, -1), width / group],
    parameters: Object.fromEntries(parameters.map((name, k) => [name, Float64Array.from(rows, row => row[k]!)])),
    mean: Float64Array.from(each, one => one.mean),
    variance,
    stddev: variance.map(Math.sqrt),
    quantile(level) {
      rejectExtraArguments(`${call}.quantile`, 1, arguments);
      const checked = checkNumber(`${call}.quantile`, 'level', level, { above: 0, below: 1 });
      return Float64Array.from(each, one => one.quantile(checked));
    },
    sample(options) {
      const own = `${call}.sample`;
      rejectExtraArguments(own, 1, arguments);
      const known = checkOptions<DistributionSampleOptions>(own, options, ['count', 'seed']);
      const count = checkCount(own, 'count', known.count ?? 1);
      const generator = new RandomGenerator(known.seed === undefined ? nextSeed() : checkSeed(own, known.seed));
      return Float64Array.from({ length: count * size }, (_, n) => each[n % size]!.draw(generator));
    },
  };
}
