/**
 * Normal, Student-t, Poisson and negative binomial distributions of one number, in float64: moments, distribution functions,
 * quantiles and random numbers. `distribution` makes them from the outputs of a model.
 */

import { betaTails, gammaTails, log1p, poissonDensity, stirlingError, type Tails } from '../util/incomplete.ts';
import { exp, expm1, ln } from '../util/math.ts';
import type { RandomGenerator } from '../util/randomGenerator.ts';

/** A distribution of one number. */
export interface Univariate {
  readonly mean: number;
  readonly variance: number;
  /** The probabilities of numbers up to `x`, and above it. */
  tails(x: number): Tails;
  /** The smallest number x for which the probability of numbers up to x is at least `level`, between 0 and 1. */
  quantile(level: number): number;
  draw(generator: RandomGenerator): number;
}

const TWO_PI = 6.283185307179586;
/** Means of counts above which quantiles are rounded from an expansion: it is then exact to less than a count. */
const MANY = 1e8;
/** Degrees of freedom above which the quantiles of a t distribution are computed from those of a normal one. */
const MANY_FREEDOMS = 1e5;

// -------------------------------------------------------------------------------------------------------- symmetric

/** A distribution that is symmetric about 0; its functions take positive numbers. */
interface Symmetric {
  logDensity(t: number): number;
  /** The probabilities of numbers between 0 and t, and above t. */
  half(t: number): { central: number; tail: number };
}

const standardNormal: Symmetric = {
  logDensity: t => -0.5 * (t * t + ln(TWO_PI)),
  half(t) {
    const { lower, upper } = gammaTails(0.5, 0.5 * t * t);
    return { central: lower / 2, tail: upper / 2 };
  },
};

function standardT(freedom: number): Symmetric {
  const half = freedom / 2;
  // log(gamma(half + 1/2) / gamma(half))
  const ratio = half * log1p(0.5 / half) + 0.5 * ln(half) - 0.5 + stirlingError(half + 0.5) - stirlingError(half);
  const constant = ratio - 0.5 * (ln(freedom) + ln(TWO_PI / 2));
  return {
    logDensity: t => constant - (half + 0.5) * log1p((t / freedom) * t),
    half(t) {
      const { lower, upper } = betaTails(0.5, half, t * t, freedom);
      return { central: lower / 2, tail: upper / 2 };
    },
  };
}

/**
 * The quantile, by Newton's method. It converges from one side: the probability between 0 and t is concave in t, and the
 * logarithm of the tail is concave in log t.
 */
function symmetricQuantile({ logDensity, half }: Symmetric, level: number): number {
  if (level === 0.5) return 0;
  const sign = level < 0.5 ? -1 : 1;
  const tail = level < 0.5 ? level : 1 - level;
  let t: number;
  if (tail > 0.25) {
    const central = 0.5 - tail;
    t = central / exp(logDensity(0));
    for (let n = 0; n < 100; n++) {
      const step = (central - half(t).central) / exp(logDensity(t));
      t += step;
      if (!(step > 1e-16 * t)) break;
    }
  } else {
    t = Math.sqrt(-2 * ln(2 * tail)); // the normal quantile is smaller
    for (let n = 0; n < 100; n++) {
      const above = ln(half(t).tail);
      // d log(tail) / d log(t) = -t density / tail
      const step = (above - ln(tail)) * exp(above - ln(t) - logDensity(t));
      t *= exp(step);
      if (!(Math.abs(step) > 1e-15)) break;
    }
  }
  return sign * t;
}

const normalQuantile = (level: number): number => symmetricQuantile(standardNormal, level);

/** Of a t distribution with many degrees of freedom, by the expansion of Fisher and Cornish. */
function nearlyNormalQuantile(freedom: number, level: number): number {
  const z = normalQuantile(level);
  const square = z * z;
  const first = (square + 1) / 4;
  const second = ((5 * square + 16) * square + 3) / 96;
  const third = (((3 * square + 19) * square + 17) * square - 15) / 384;
  return z * (1 + (first + (second + third / freedom) / freedom) / freedom);
}

function symmetricTails(center: number, scale: number, { half }: Symmetric, x: number): Tails {
  const { central, tail } = half(Math.abs(x - center) / scale);
  return x < center ? { lower: tail, upper: 0.5 + central } : { lower: 0.5 + central, upper: tail };
}

/** @param scale the standard deviation */
export const normal = (mean: number, scale: number): Univariate => ({
  mean,
  variance: scale * scale,
  tails: x => symmetricTails(mean, scale, standardNormal, x),
  quantile: level => mean + scale * normalQuantile(level),
  draw: generator => mean + scale * generator.normal(),
});

/** @param freedom degrees of freedom above 2, so that there is a variance */
export function studentT(freedom: number, location: number, scale: number): Univariate {
  const standard = standardT(freedom);
  return {
    mean: location,
    variance: scale * scale * (freedom / (freedom - 2)),
    tails: x => symmetricTails(location, scale, standard, x),
    quantile(level) {
      const t = freedom < MANY_FREEDOMS ? symmetricQuantile(standard, level) : nearlyNormalQuantile(freedom, level);
      return location + scale * t;
    },
    draw: generator => location + scale * drawT(generator, freedom),
  };
}

// ----------------------------------------------------------------------------------------------------------- counts

/** A distribution of counts, by its moments and its tails. */
interface Counts {
  readonly mean: number;
  readonly variance: number;
  readonly skewness: number;
  readonly excessKurtosis: number;
  tails(count: number): Tails;
}

/** The smallest count whose distribution function is at least `level`, by bisection near an expansion. */
function countQuantile({ mean, variance, skewness, excessKurtosis, tails }: Counts, level: number): number {
  if (!(mean < Number.POSITIVE_INFINITY) || !(variance < Number.POSITIVE_INFINITY)) return Number.NaN;
  const reaches = (count: number): boolean => {
    const { lower, upper } = tails(count);
    return level <= 0.5 ? lower >= level * (1 - 1e-13) : upper <= (1 - level) * (1 + 1e-13);
  };
  if (reaches(0)) return 0;
  const z = normalQuantile(level);
  const ofSkewness = (skewness * (z * z - 1)) / 6 - (skewness * skewness * z * (2 * z * z - 5)) / 36;
  const near = mean + Math.sqrt(variance) * (z + ofSkewness + (excessKurtosis * z * (z * z - 3)) / 24);
  if (mean > MANY && Math.abs(skewness) < 0.01) return Math.max(0, Math.ceil(near - 0.5));
  // The expansion is far off if the distribution is skewed
  let high = Math.ceil(Math.min(Math.max(0, near), mean + 40 * Math.sqrt(variance)));
  let low = high;
  const first = Math.max(1, Math.floor(Math.sqrt(variance) / 64));
  if (reaches(high)) {
    for (let step = first; low >= 0 && reaches(low); step *= 2) {
      high = low;
      low -= step;
    }
    low = Math.max(low, -1);
  } else {
    for (let step = first; !reaches(high); step *= 2) {
      if (!(step < 2 ** 1000)) return Number.NaN;
      low = high;
      high += step;
    }
  }
  // reaches(high) holds, and reaches(low) does not
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (middle === low || middle === high) break; // beyond 2^53
    if (reaches(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** @param ofZero minus the logarithm of the probability of 0 @param others the tails of other counts */
const countTails =
  (ofZero: number, others: (count: number) => Tails) =>
  (x: number): Tails => {
    if (x < 0) return { lower: 0, upper: 1 };
    return x < 1 ? { lower: exp(-ofZero), upper: -expm1(-ofZero) } : others(Math.floor(x));
  };

export function poisson(mean: number): Univariate {
  const tails = countTails(mean, count => {
    const { lower, upper } = gammaTails(count + 1, mean);
    return { lower: upper, upper: lower };
  });
  const counts: Counts = { mean, variance: mean, skewness: 1 / Math.sqrt(mean), excessKurtosis: 1 / mean, tails };
  return {
    mean,
    variance: mean,
    tails,
    quantile: level => countQuantile(counts, level),
    draw: generator => drawPoisson(generator, mean),
  };
}

/** The variance is mean + dispersion mean^2. */
export function negativeBinomial(mean: number, dispersion: number): Univariate {
  const variance = mean + dispersion * mean * mean;
  const r = 1 / dispersion;
  const share = mean / (r + mean);
  const tails = countTails(r * log1p(mean * dispersion), count => betaTails(r, count + 1, r, mean));
  const counts: Counts = {
    ...{ mean, variance, tails },
    skewness: (1 + share) / Math.sqrt(r * share),
    excessKurtosis: 6 / r + (1 - share) ** 2 / (r * share),
  };
  return {
    mean,
    variance,
    tails,
    quantile: level => countQuantile(counts, level),
    draw: generator => drawNegativeBinomial(generator, mean, dispersion),
  };
}

// --------------------------------------------------------------------------------------------------- random numbers

/** A number of the gamma distribution with mean and variance `shape`, by the method of Marsaglia and Tsang. */
function drawGamma(generator: RandomGenerator, shape: number): number {
  if (Number.isNaN(shape)) return shape;
  if (shape < 1) return drawGamma(generator, shape + 1) * exp(ln(1 - generator.uniform()) / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  while (true) {
    const z = generator.normal();
    const v = (1 + c * z) ** 3;
    if (v > 0 && ln(1 - generator.uniform()) < 0.5 * z * z + d * (1 - v + ln(v))) return d * v;
  }
}

/** A number of the t distribution. */
export function drawT(generator: RandomGenerator, freedom: number): number {
  const z = generator.normal();
  return z / Math.sqrt(drawGamma(generator, freedom / 2) / (freedom / 2));
}

/** A count of the negative binomial distribution: a Poisson one, whose mean is random. */
export const drawNegativeBinomial = (generator: RandomGenerator, mean: number, dispersion: number): number =>
  drawPoisson(generator, mean * dispersion * drawGamma(generator, 1 / dispersion));

/** A count of the Poisson distribution: by a product of uniform numbers, or if the mean is large by transformed rejection (Hörmann's PTRS, 1993). */
export function drawPoisson(generator: RandomGenerator, mean: number): number {
  if (!(mean < Number.POSITIVE_INFINITY)) return Number.NaN;
  if (mean < 12) {
    const least = exp(-mean);
    let count = 0;
    for (let product = 1 - generator.uniform(); product > least; count++) product *= 1 - generator.uniform();
    return count;
  }
  const b = 0.931 + 2.53 * Math.sqrt(mean);
  const a = 0.02483 * b - 0.059;
  const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4);
  const always = 0.9277 - 3.6224 / (b - 2);
  while (true) {
    const u = generator.uniform() - 0.5;
    const v = 1 - generator.uniform();
    const edge = 0.5 - Math.abs(u);
    const count = Math.floor(((2 * a) / edge + b) * u + mean + 0.43);
    if (edge >= 0.07 && v <= always) return count;
    if (count < 0 || (edge < 0.013 && v > edge)) continue;
    if ((v * inverseAlpha) / (a / (edge * edge) + b) <= poissonDensity(count, mean)) return count;
  }
}
