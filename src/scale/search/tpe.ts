/** The TPE sampler: Parzen estimators of the better and the worse trials, and the candidate with the best ratio of the two. */

import { parzenEstimator } from './parzen.ts';
import { type Distribution, drawNumber, isSingle, type Space, singleNumber } from './space.ts';
import { type Observation, rankOf } from './trial.ts';

export interface TpeOptions {
  /** The number of trials with random parameters before the estimators are used; default 10. */
  startupTrials?: number;
  /** The number of candidates of which the best is taken; default 24. */
  candidates?: number;
  /** Searches all parameters together instead of one by one; default false. */
  multivariate?: boolean;
}

/** The share of the trials that count as better, and the most that do. */
const [BETTER, MOST_BETTER] = [0.1, 25];

/** The number of better trials among n. */
export const betterCount = (n: number): number => Math.min(Math.ceil(BETTER * n), MOST_BETTER);

/** The numbers of the next trial. Trials that are running count as worse, so that it keeps away from them. */
export function suggestTpe(
  { startupTrials, candidates, multivariate }: Required<TpeOptions>,
  space: Space,
  observed: readonly Observation[],
  uniform: () => number,
): Record<string, number> {
  const ranked = observed.filter(({ state }) => state !== 'failed');
  const finished = ranked.filter(({ state }) => state !== 'running').length;
  const { better, worse } = split(ranked, betterCount(finished));

  const entries = Object.entries(space);
  const searched = entries.filter(([, distribution]) => !isSingle(distribution));
  const groups = multivariate && searched.length > 0 ? [searched] : searched.map(entry => [entry]);
  const found: Record<string, number> = {};
  for (const group of finished < startupTrials ? [] : groups) {
    const distributions = Object.fromEntries(group);
    const estimate = (trials: readonly Observation[]) => {
      const usable = trials.filter(trial => group.every(([name]) => trial.numbers[name] !== undefined));
      const observations = group.map(([name]) => [name, usable.map(trial => trial.numbers[name]!)]);
      return parzenEstimator(distributions, Object.fromEntries(observations), multivariate);
    };
    const [good, bad] = [estimate(better), estimate(worse)];
    const drawn = good.sample(candidates, uniform);
    Object.assign(
      found,
      bestOf(drawn, candidate => good.logDensity(candidate) - bad.logDensity(candidate)),
    );
  }
  const numberOf = (name: string, distribution: Distribution) =>
    isSingle(distribution) ? singleNumber(distribution) : (found[name] ?? drawNumber(distribution, uniform));
  return Object.fromEntries(entries.map(([name, distribution]) => [name, numberOf(name, distribution)]));
}

/** Splits trials by their rank; both parts keep the order of the trials, because weights depend on it. */
export function split(trials: readonly Observation[], count: number) {
  const order = trials.map((_, n) => n).sort((a, b) => compare(rankOf(trials[a]!), rankOf(trials[b]!)) || a - b);
  const chosen = new Set(order.slice(0, count));
  return { better: trials.filter((_, n) => chosen.has(n)), worse: trials.filter((_, n) => !chosen.has(n)) };
}

function compare(a: readonly [number, number], b: readonly [number, number]): number {
  const [x, y] = a[0] === b[0] ? [a[1], b[1]] : [a[0], b[0]];
  return x < y ? -1 : x > y ? 1 : 0; // a difference of infinities would be NaN
}

/** The first item with the highest score. */
function bestOf<T extends object>(items: readonly T[], scoreOf: (item: T) => number): T {
  let best = items[0]!;
  let most = Number.NEGATIVE_INFINITY;
  for (const item of items) {
    const score = scoreOf(item);
    if (score > most) [best, most] = [item, score];
  }
  return best;
}
