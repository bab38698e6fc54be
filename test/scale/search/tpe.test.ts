import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { asha, isPromoted, rungsUpTo } from '../../../src/scale/search/asha.ts';
import { logMass, truncatedQuantile } from '../../../src/scale/search/normal.ts';
import { observationWeights, parzenEstimator } from '../../../src/scale/search/parzen.ts';
import { suggest, tpe } from '../../../src/scale/search/samplers.ts';
import type { Space } from '../../../src/scale/search/space.ts';
import { betterCount } from '../../../src/scale/search/tpe.ts';
import type { Observation, TrialState } from '../../../src/scale/search/trial.ts';

const fixture = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../optuna/${name}.json`, import.meta.url), 'utf8')) as T;

type ByName = Record<string, number[]>;
interface ParzenCase {
  space: Space;
  multivariate: boolean;
  observed: ByName;
  weights: number[];
  bandwidths: ByName;
  points: ByName;
  logDensities: number[];
  draws: number[];
  samples: ByName;
}
const { betterCounts, weights, parzen } = fixture<{
  betterCounts: number[];
  weights: number[][];
  parzen: ParzenCase[];
}>('tpe');

/** Row n of columns. */
const row = (columns: ByName, n: number): Record<string, number> =>
  Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[n]!]));

function drawing(draws: readonly number[]) {
  let taken = 0;
  const next = () => draws[taken++]!;
  return { next, taken: () => taken };
}

function expectClose(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  for (const [n, value] of expected.entries()) {
    expect(Math.abs(actual[n]! - value)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(value)));
  }
}

describe('the Parzen estimator', () => {
  const title = ({ space, multivariate, observed }: ParzenCase) => {
    const count = Object.values(observed)[0]!.length;
    return `${multivariate ? 'of all parameters' : `of ${Object.keys(space)[0]}`} from ${count} observations`;
  };
  const cases = parzen.map(one => [title(one), one] as const);

  it.each(cases)('%s has the weights, bandwidths and densities of Optuna', (_, one) => {
    const estimator = parzenEstimator(one.space, one.observed, one.multivariate);
    expectClose(estimator.weights, one.weights, 1e-14);
    expect(Object.keys(estimator.bandwidths)).toEqual(Object.keys(one.bandwidths));
    for (const [name, values] of Object.entries(one.bandwidths))
      expectClose(estimator.bandwidths[name]!, values, 1e-12);
    const densities = one.logDensities.map((_, n) => estimator.logDensity(row(one.points, n)));
    expectClose(densities, one.logDensities, 1e-11);
  });

  it.each(cases)('%s draws the candidates of Optuna from the same random numbers', (_, one) => {
    const { next, taken } = drawing(one.draws);
    const drawn = parzenEstimator(one.space, one.observed, one.multivariate).sample(24, next);
    expect(taken()).toBe(one.draws.length);
    for (const [name, values] of Object.entries(one.samples)) {
      expectClose(
        drawn.map(candidate => candidate[name]!),
        values,
        1e-9,
      );
    }
  });

  it('counts the better trials and weighs observations as Optuna does', () => {
    expect(betterCounts.map((_, n) => betterCount(n))).toEqual(betterCounts);
    for (const expected of weights) expectClose(observationWeights(expected.length), expected, 1e-15);
  });
});

describe('the TPE sampler', () => {
  interface Case {
    multivariate: boolean;
    direction: string;
    trials: {
      state: TrialState;
      numbers: Record<string, number>;
      value: number;
      intermediate: [string, number | null][];
    }[];
    draws: number[];
    suggested: Record<string, number>;
  }
  const { space, cases } = fixture<{ space: Space; cases: Case[] }>('suggestions');
  const title = ({ multivariate, direction, trials }: Case) =>
    `${multivariate ? 'multivariate' : 'independent'}, ${direction} after ${trials.length} trials`;

  it.each(cases.map(one => [title(one), one] as const))('suggests what Optuna suggests: %s', (_, one) => {
    const sign = one.direction === 'minimize' ? 1 : -1;
    const observed = one.trials.map(({ state, numbers, value, intermediate }): Observation => {
      const last = intermediate.at(-1);
      return {
        state,
        numbers,
        loss: state === 'complete' ? sign * value : undefined,
        last: last && { step: Number(last[0]), loss: sign * (last[1] ?? Number.NaN) },
      };
    });
    const { next, taken } = drawing(one.draws);
    const numbers = suggest(tpe({ multivariate: one.multivariate }), space, observed.length, observed, next);
    expect(taken()).toBe(one.draws.length);
    expect(Object.keys(numbers)).toEqual(Object.keys(one.suggested));
    for (const [name, value] of Object.entries(one.suggested)) expectClose([numbers[name]!], [value], 1e-9);
  });
});

describe('successive halving', () => {
  interface Case {
    options: { minResource: number; reductionFactor: number; minEarlyStoppingRate: number };
    direction: string;
    curves: (number | null)[][];
    ends: number[];
  }
  const cases = fixture<Case[]>('halving');
  const title = ({ options, direction }: Case) => `${Object.values(options)}, ${direction}`;

  it.each(cases.map(one => [title(one), one] as const))('ends trials where Optuna ends them: %s', (_, one) => {
    const pruner = asha(one.options);
    const sign = one.direction === 'minimize' ? 1 : -1;
    const steps = one.curves[0]!.length;
    const losses = new Map<number, number[]>();
    const ends = one.curves.map(curve => {
      for (const step of rungsUpTo(pruner, steps)) {
        const loss = sign * (curve[step - 1] ?? Number.NaN);
        const others = losses.get(step) ?? [];
        const goesOn = isPromoted(pruner, loss, others);
        if (!Number.isNaN(loss)) losses.set(step, [...others, loss]);
        if (!goesOn) return step;
      }
      return 0;
    });
    expect(ends).toEqual(one.ends);
    expect(new Set(ends).size).toBeGreaterThan(1);
  });
});

describe('the truncated normal distribution', () => {
  it('has quantiles that invert its masses, in the centre and in both tails', () => {
    for (const [a, b] of [
      [-1, 2],
      [-30, -29.5],
      [4, 5],
      [25, 80],
      [-100, 100],
      [0, 1e-6],
    ] as const) {
      for (const q of [1e-9, 0.1, 0.5, 0.9]) {
        const x = truncatedQuantile(q, a, b);
        expect(x).toBeGreaterThanOrEqual(a);
        expect(x).toBeLessThanOrEqual(b);
        expect(Math.exp(logMass(a, x) - logMass(a, b))).toBeCloseTo(q, 9);
      }
    }
  });
});
