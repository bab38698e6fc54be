/** What the numbers of a network mean: losses, and the distribution of each step, which a standard normal number indexes. */

import {
  drawNegativeBinomial,
  drawPoisson,
  drawT,
  negativeBinomial,
  normal,
  poisson,
  studentT,
  type Univariate,
} from '../objective/distributions.ts';
import { pinball } from '../objective/lossSettings.ts';
import type { CompileOptions } from '../objective/objective.ts';
import { log1p } from '../util/incomplete.ts';
import { exp } from '../util/math.ts';
import type { RandomGenerator } from '../util/randomGenerator.ts';
import type { Output } from './forecasterOptions.ts';

const standard = /* @__PURE__ */ normal(0, 1);

/** The standard normal distribution function, away from 0 and 1. */
export function levelOf(z: number): number {
  return Math.min(1 - 1e-9, Math.max(1e-9, standard.tails(z).lower));
}

/** The inverse of `levelOf`. */
export const scoreOf = (level: number): number => standard.quantile(Math.min(1 - 1e-9, Math.max(1e-9, level)));

/** Levels for the mean of a distribution that is known by its quantiles. */
const MEAN_POINTS = 50;
let meanScores: Float64Array | null = null;

/** The numbers of a network for each step. */
export function outputWidth({ kind, levels }: Output): number {
  if (kind === 'quantiles') return levels.length;
  return kind === 'studentT' ? 3 : kind === 'normal' || kind === 'negativeBinomial' ? 2 : 1;
}

export function lossOf({ kind, levels }: Output): CompileOptions['loss'] {
  if (kind === 'quantiles') return pinball({ levels });
  if (kind === 'point') return 'meanAbsoluteError';
  if (kind === 'poisson') return 'poisson';
  return kind === 'normal' ? 'gaussianNLL' : kind === 'studentT' ? 'studentTNLL' : 'negativeBinomialNLL';
}

/**
 * The distribution of one step in the units of the network. It is indexed by standard normal numbers: the quantile of
 * level 0.975 is `at(1.96)`.
 */
export interface Marginal {
  readonly mean: number;
  /** Whether `at(-z)` is as far below the mean as `at(z)` is above it. */
  readonly isSymmetric: boolean;
  at(z: number): number;
  /** The inverse of `at`; for counts, by the middle of the jump. */
  scoreOf(value: number): number;
}

const softplus = (raw: number): number => Math.max(raw, 0) + log1p(exp(-Math.abs(raw)));
const positive = (raw: number): number => softplus(raw) + 1e-6;

/** @param spread the scale of the errors at this step, for outputs without a distribution */
export function marginalOf(output: Output, raw: Float32Array, from: number, spread: number): Marginal {
  const [a, b, c] = [raw[from]!, raw[from + 1]!, raw[from + 2]!];
  switch (output.kind) {
    case 'point':
      return linear(a, spread);
    case 'normal':
      return linear(a, positive(b));
    case 'studentT':
      return ofStudentT(studentT(2 + softplus(a), b, positive(c)));
    case 'poisson':
      return ofCounts(poisson(Math.max(a, 0)), n => Math.max(a, 0) / (n + 1));
    case 'negativeBinomial': {
      const [mean, dispersion] = [positive(a), positive(b)];
      const share = (mean * dispersion) / (1 + mean * dispersion);
      return ofCounts(negativeBinomial(mean, dispersion), n => (share * (n + 1 / dispersion)) / (n + 1));
    }
    case 'quantiles':
      return ofQuantiles(output.levels, raw, from, spread);
  }
}

const linear = (mean: number, scale: number): Marginal => ({
  mean,
  isSymmetric: true,
  at: z => mean + scale * z,
  scoreOf: value => (value - mean) / scale,
});

const ofStudentT = (found: Univariate): Marginal => ({
  mean: found.mean,
  isSymmetric: true,
  at: z => found.quantile(levelOf(z)),
  scoreOf: value => scoreBetween(found, value, value),
});

/** The most counts whose probabilities are added up. */
const MOST_COUNTS = 2000;

/** @param next the probability of a count n + 1, divided by that of n */
function ofCounts(found: Univariate, next: (n: number) => number): Marginal {
  let sums: number[] | null = null;
  /** The probabilities of at most n, as far as they are far from 1. */
  const cumulative = (): number[] => {
    const list: number[] = [];
    let term = found.tails(0).lower;
    for (let [n, sum] = [0, 0]; n < MOST_COUNTS && term > 1e-300 && sum < 1 - 1e-9; n++) {
      sum += term;
      list.push(sum);
      term *= next(n);
    }
    return list;
  };
  return {
    mean: found.mean,
    isSymmetric: false,
    at(z) {
      if (found.mean === 0) return 0;
      const level = levelOf(z);
      sums ??= cumulative();
      if (sums.length === 0 || level > Math.min(sums.at(-1)!, 1 - 1e-7)) return found.quantile(level);
      let [low, high] = [-1, sums.length - 1];
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (sums[middle]! >= level) high = middle;
        else low = middle;
      }
      return high;
    },
    scoreOf: value => scoreBetween(found, value - 1, value),
  };
}

/** The score of the middle of two levels, from the smaller tail. */
function scoreBetween(found: Univariate, low: number, high: number): number {
  const [below, above] = [found.tails(low), found.tails(high)];
  const lower = (below.lower + above.lower) / 2;
  return lower < 0.5 ? scoreOf(lower) : -scoreOf((below.upper + above.upper) / 2);
}

/** A random number of the distribution of one step. For outputs without a distribution, the number that is predicted. */
export type Draw = (raw: Float32Array, from: number, generator: RandomGenerator) => number;

export function drawOf({ kind }: Output): Draw {
  switch (kind) {
    case 'normal':
      return (raw, n, generator) => raw[n]! + positive(raw[n + 1]!) * generator.normal();
    case 'studentT':
      return (raw, n, generator) => raw[n + 1]! + positive(raw[n + 2]!) * drawT(generator, 2 + softplus(raw[n]!));
    case 'poisson':
      return (raw, n, generator) => drawPoisson(generator, Math.max(raw[n]!, 0));
    case 'negativeBinomial':
      return (raw, n, generator) => drawNegativeBinomial(generator, positive(raw[n]!), positive(raw[n + 1]!));
    default:
      return (raw, n) => raw[n]!;
  }
}

/** Quantiles, joined by lines over standard normal numbers, and continued beyond the outermost ones. */
function ofQuantiles(levels: readonly number[], raw: Float32Array, from: number, spread: number): Marginal {
  const scores = scoresOf(levels);
  const values = Float64Array.from(raw.subarray(from, from + levels.length)).sort(); // never crossing
  const last = levels.length - 1;
  const slopeAt = (n: number): number => {
    if (last === 0) return spread;
    const k = Math.min(Math.max(n, 0), last - 1);
    return (values[k + 1]! - values[k]!) / (scores[k + 1]! - scores[k]!);
  };
  const at = (z: number): number => {
    let n = 0;
    while (n < last && scores[n + 1]! < z) n++;
    return values[n]! + slopeAt(n) * (z - scores[n]!);
  };
  return {
    get mean() {
      meanScores ??= Float64Array.from({ length: MEAN_POINTS }, (_, n) => scoreOf((n + 0.5) / MEAN_POINTS));
      return meanScores.reduce((sum, z) => sum + at(z), 0) / MEAN_POINTS;
    },
    isSymmetric: false,
    at,
    scoreOf(value) {
      let n = 0;
      while (n < last - 1 && values[n + 1]! < value) n++;
      const slope = slopeAt(n);
      return slope > 0
        ? scores[n]! + (value - values[n]!) / slope
        : value < values[n]!
          ? -8
          : value > values[n]!
            ? 8
            : scores[n]!;
    },
  };
}

let known: { levels: readonly number[]; scores: Float64Array } | null = null;

function scoresOf(levels: readonly number[]): Float64Array {
  if (known?.levels !== levels) known = { levels, scores: Float64Array.from(levels, scoreOf) };
  return known.scores;
}
