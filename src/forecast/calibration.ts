/** Corrections of distributions by their errors on the held-out end, which make intervals conformal. */

import type { Resolved } from './forecasterOptions.ts';
import type { Outputs } from './networks.ts';
import { scoreOf } from './outputs.ts';

/** What was learned from the held-out end. Plain data, which is saved with the model. */
export interface Calibration {
  /** The spread of the errors at each step, relative to the change of the window over a season. */
  readonly spreads: readonly number[];
  /**
   * The scores of the held-out values, increasing, and the standard normal numbers that they should have been; null for
   * distributions that are not corrected.
   */
  readonly scores: { readonly ideal: readonly number[]; readonly found: readonly number[] } | null;
  /** The correlation of the scores of neighbouring steps. */
  readonly correlation: number;
}

/** The most scores that are kept. */
const MOST_SCORES = 401;
/** Scores beyond this are all the same: no sample has them. */
const LARGEST_SCORE = 8;
/** The deviation of a normal distribution in units of its mean absolute error. */
const DEVIATION = 1.2533;

/** @param held what is predicted for held-out windows @param targets a number for each step @param known 0 for missing ones */
export function calibrate(
  held: Outputs,
  { targets, known }: { targets: Float32Array; known: Float32Array },
  settings: Resolved,
): Calibration {
  const { horizon, output, conformal } = settings;
  const { frames } = held;
  const changeOf = (n: number) => frames[Math.floor(n / horizon)]!.change;
  const sums = new Float64Array(horizon);
  const counts = new Float64Array(horizon);
  for (let n = 0; n < targets.length; n++) {
    if (known[n] === 0) continue;
    sums[n % horizon]! += Math.abs(targets[n]! - held.center(n)) / changeOf(n);
    counts[n % horizon]!++;
  }
  const all =
    sums.reduce((sum, one) => sum + one, 0) /
    Math.max(
      1,
      counts.reduce((sum, one) => sum + one, 0),
    );
  const spreads = Array.from(sums, (sum, h) => DEVIATION * (counts[h]! > 0 ? sum / counts[h]! : all) || 1e-9);
  const scores = new Float64Array(targets.length).fill(Number.NaN);
  for (let n = 0; n < targets.length; n++) {
    if (known[n] === 0) continue;
    const score = held.marginal(n, spreads[n % horizon]! * changeOf(n)).scoreOf(targets[n]!);
    scores[n] = Math.min(LARGEST_SCORE, Math.max(-LARGEST_SCORE, score));
  }
  const found = scores.filter(score => !Number.isNaN(score));
  // The errors of a number count on both sides of it, so that it stays the median
  const both = output.kind === 'point' ? Float64Array.of(...found, ...found.map(score => -score)) : found;
  return {
    spreads,
    scores: conformal ? tableOf(both.sort()) : null,
    correlation: correlationOf(scores, horizon),
  };
}

/** Some of the sorted scores, with the standard normal numbers of their ranks. */
function tableOf(sorted: Float64Array): Calibration['scores'] {
  const count = Math.min(sorted.length, MOST_SCORES);
  const ranks = Array.from({ length: count }, (_, n) =>
    count === 1 ? 0 : Math.round((n * (sorted.length - 1)) / (count - 1)),
  );
  return {
    ideal: ranks.map(rank => scoreOf((rank + 1) / (sorted.length + 1))),
    found: ranks.map(rank => sorted[rank]!),
  };
}

function correlationOf(scores: Float64Array, horizon: number): number {
  let [known, a, b, aa, bb, ab] = [0, 0, 0, 0, 0, 0];
  for (let n = 1; n < scores.length; n++) {
    const [before, after] = [scores[n - 1]!, scores[n]!];
    if (n % horizon === 0 || Number.isNaN(before + after)) continue;
    known++;
    a += before;
    b += after;
    aa += before * before;
    bb += after * after;
    ab += before * after;
  }
  const covariance = ab - (a * b) / known;
  const found = covariance / Math.sqrt((aa - (a * a) / known) * (bb - (b * b) / known));
  return found > 0 ? Math.min(found, 0.999) : 0;
}

/** The standard normal number at which a distribution has its corrected quantile. */
export function corrected({ scores }: Calibration, z: number): number {
  if (scores === null) return z;
  const { ideal, found } = scores;
  const last = ideal.length - 1;
  if (z <= ideal[0]!) return found[0]! + (z - ideal[0]!);
  if (z >= ideal[last]!) return found[last]! + (z - ideal[last]!);
  let [low, high] = [0, last];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (ideal[middle]! <= z) low = middle;
    else high = middle;
  }
  const share = (z - ideal[low]!) / (ideal[high]! - ideal[low]!);
  return found[low]! + share * (found[high]! - found[low]!);
}
