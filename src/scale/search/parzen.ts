/**
 * The Parzen estimator of TPE: a mixture with one component for each observation and one for the prior. Bergstra et al.,
 * "Algorithms for hyper-parameter optimization", 2011; the defaults are those of Optuna, as are the bandwidths.
 */

import { exp, ln, power } from '../../util/math.ts';
import { logDensity, logMass, truncatedQuantile } from './normal.ts';
import {
  cellOf,
  type Distribution,
  type NumberDistribution,
  positionOf,
  type Range,
  rangeOf,
  valueAt,
} from './space.ts';

/** The numbers of one parameter, a choice as its index, in the order of the trials. */
export type Observations = readonly number[];

/** Components have less weight the older they are, down to that of the last 25. */
const FULL_WEIGHTS = 25;
const PRIOR_WEIGHT = 1;
/** The share of the range that is the bandwidth of a multivariate estimator with one observation. */
const SCOTT = 0.2;
const MOST_MINIMUM_BANDWIDTHS = 100;

/** The weights of n observations, oldest first, before normalization. */
export function observationWeights(n: number): number[] {
  const ramp = Math.max(0, n - FULL_WEIGHTS);
  return Array.from({ length: n }, (_, i) => {
    if (i >= ramp || ramp === 1) return i >= ramp ? 1 : 1 / n;
    return 1 / n + (i / (ramp - 1)) * (1 - 1 / n);
  });
}

/** The part of a mixture that belongs to one parameter: one distribution for each component. */
interface Kernels {
  /** The logarithm of the density, or of the probability of a cell, of a number under each component. */
  logDensities(number: number): number[];
  draw(component: number, uniform: () => number): number;
}

export interface ParzenEstimator {
  /** The weights of the components; the last one is that of the prior. */
  readonly weights: readonly number[];
  /** The bandwidths of a parameter that is a number. */
  readonly bandwidths: Readonly<Record<string, readonly number[]>>;
  /** Draws candidates: the components of all, then the numbers of one parameter after the other. */
  sample(count: number, uniform: () => number): Record<string, number>[];
  logDensity(numbers: Readonly<Record<string, number>>): number;
}

/** @param multivariate chooses the bandwidths by Scott's rule, and not from the distance of neighbours */
export function parzenEstimator(
  distributions: Readonly<Record<string, Distribution>>,
  observations: Readonly<Record<string, Observations>>,
  multivariate: boolean,
): ParzenEstimator {
  const names = Object.keys(distributions);
  const count = observations[names[0]!]!.length;
  const raw = [...observationWeights(count), PRIOR_WEIGHT];
  const total = raw.reduce((sum, weight) => sum + weight, 0);
  const weights = raw.map(weight => weight / total);
  const logWeights = weights.map(ln);
  const scott = multivariate ? SCOTT * power(Math.max(1, count), -1 / (names.length + 4)) : null;

  const kernels: Record<string, Kernels> = {};
  const bandwidths: Record<string, number[]> = {};
  for (const name of names) {
    const distribution = distributions[name]!;
    if (distribution.kind === 'choice') {
      kernels[name] = choiceKernels(observations[name]!, distribution.choices.length);
      continue;
    }
    const range = rangeOf(distribution);
    const centres = observations[name]!.map(value => positionOf(distribution, value));
    centres.push((range.low + range.high) / 2);
    bandwidths[name] = bandwidthsOf(centres, range, scott);
    kernels[name] = normalKernels(distribution, centres, bandwidths[name]);
  }

  return {
    weights,
    bandwidths,
    sample(size, uniform) {
      const components = Array.from({ length: size }, () => pick(weights, uniform()));
      const drawn = components.map((): Record<string, number> => ({}));
      for (const name of names) {
        for (const [n, numbers] of drawn.entries()) numbers[name] = kernels[name]!.draw(components[n]!, uniform);
      }
      return drawn;
    },
    logDensity(numbers) {
      const terms = [...logWeights];
      for (const name of names) {
        for (const [n, term] of kernels[name]!.logDensities(numbers[name]!).entries()) terms[n]! += term;
      }
      return logSum(terms);
    },
  };
}

/** The index at which the running sum of shares exceeds u. */
function pick(shares: readonly number[], u: number): number {
  let sum = 0;
  for (const [n, share] of shares.entries()) {
    sum += share;
    if (u < sum) return n;
  }
  return shares.length - 1;
}

function logSum(terms: readonly number[]): number {
  const most = terms.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (most === Number.NEGATIVE_INFINITY) return most;
  return most + ln(terms.reduce((sum, term) => sum + exp(term - most), 0));
}

/** Each component prefers the choice of its observation; the prior prefers none. */
function choiceKernels(observed: Observations, count: number): Kernels {
  const components = observed.length + 1;
  const base = PRIOR_WEIGHT / components;
  const shares = Array.from({ length: components }, (_, n) => {
    const row = Array.from({ length: count }, (_, index) => base + (observed[n] === index ? 1 : 0));
    const sum = row.reduce((a, b) => a + b, 0);
    return row.map(share => share / sum);
  });
  return {
    logDensities: index => shares.map(row => ln(row[index]!)),
    draw: (component, uniform) => pick(shares[component]!, uniform()),
  };
}

/**
 * The bandwidth of a component is the larger distance to its neighbours, at the ends the distance to the only one, and not
 * below a share of the range that falls with the number of components. The last component is the prior.
 */
function bandwidthsOf(centres: readonly number[], { low, high }: Range, scott: number | null): number[] {
  const width = high - low;
  const order = centres.map((_, n) => n).sort((a, b) => centres[a]! - centres[b]! || a - b);
  const found = centres.map(() => (scott ?? 0) * width);
  for (const [rank, n] of order.entries()) {
    if (scott !== null) break;
    const centre = centres[n]!;
    const before = rank > 0 ? centre - centres[order[rank - 1]!]! : centre - low;
    const after = rank < order.length - 1 ? centres[order[rank + 1]!]! - centre : high - centre;
    const isEnd = order.length > 1 && (rank === 0 || rank === order.length - 1);
    found[n] = isEnd ? (rank === 0 ? after : before) : Math.max(before, after);
  }
  const least = width / Math.min(MOST_MINIMUM_BANDWIDTHS, 1 + centres.length);
  return found.map((bandwidth, n) => (n === centres.length - 1 ? width : Math.min(width, Math.max(least, bandwidth))));
}

/** Normal distributions, truncated to the range of the parameter; where it has steps, the probabilities of its values. */
function normalKernels(
  distribution: NumberDistribution,
  centres: readonly number[],
  bandwidths: readonly number[],
): Kernels {
  const { low, high } = rangeOf(distribution);
  const inUnits = (position: number, n: number) => (position - centres[n]!) / bandwidths[n]!;
  const masses = centres.map((_, n) => logMass(inUnits(low, n), inUnits(high, n)));
  const logBandwidths = bandwidths.map(ln);
  const known = new Map<number, number[]>(); // candidates with steps are often equal
  return {
    logDensities(value) {
      const cell = cellOf(distribution, value);
      if (cell) {
        const found =
          known.get(value) ?? masses.map((mass, n) => logMass(inUnits(cell.low, n), inUnits(cell.high, n)) - mass);
        known.set(value, found);
        return found;
      }
      const position = positionOf(distribution, value);
      return masses.map((mass, n) => logDensity(inUnits(position, n)) - logBandwidths[n]! - mass);
    },
    draw(component, uniform) {
      const x = truncatedQuantile(uniform(), inUnits(low, component), inUnits(high, component));
      return valueAt(distribution, centres[component]! + x * bandwidths[component]!);
    },
  };
}
