/** The best values that samplers find, beside those of Optuna on the same functions (test/scale/optuna/problems.py). */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkSampler, type Sampler, suggest, tpe } from '../../../src/scale/search/samplers.ts';
import { paramsOf } from '../../../src/scale/search/space.ts';
import type { Observation } from '../../../src/scale/search/trial.ts';
import { seedAt } from '../../../src/util/random.ts';
import { RandomGenerator } from '../../../src/util/randomGenerator.ts';
import { type Problem, problems } from './problems.ts';

const TRIALS = 60;

const optuna = JSON.parse(readFileSync(new URL('../optuna/quality.json', import.meta.url), 'utf8')) as Record<
  string,
  Record<'tpe' | 'random' | 'multivariate', number[]>
>;

/** The best value of a study in which each trial knows the results up to `parallel` numbers before it. */
function bestOf({ space, lossOf }: Problem, sampler: Sampler, seed: number, parallel: number): number {
  const trials: Observation[] = [];
  for (let number = 0; number < TRIALS; number++) {
    const observed = trials.map(
      (trial, n): Observation => (n > number - parallel ? { ...trial, state: 'running' } : trial),
    );
    const draws = new RandomGenerator(seedAt(seed, number));
    const numbers = suggest(sampler, space, number, observed, () => draws.uniform());
    trials.push({ state: 'complete', numbers, loss: lossOf(paramsOf(space, numbers)), last: undefined });
  }
  return Math.min(...trials.map(({ loss }) => loss!));
}

const studies = (problem: Problem, sampler: Sampler, parallel = 1, count = 30) =>
  Array.from({ length: count }, (_, n) => bestOf(problem, sampler, 1000 + n, parallel));

/** The z score of the Mann-Whitney test; negative if the values of `a` are lower. */
function difference(a: readonly number[], b: readonly number[]): number {
  let wins = 0;
  for (const x of a) for (const y of b) wins += x < y ? 0 : x === y ? 0.5 : 1;
  const product = a.length * b.length;
  return (wins - product / 2) / Math.sqrt((product * (a.length + b.length + 1)) / 12);
}

describe.each(Object.entries(problems))('%s', (name, problem) => {
  const random = studies(problem, checkSampler('test', 'random'));

  it('random search finds values like those of Optuna', () => {
    expect(Math.abs(difference(random, optuna[name]!.random))).toBeLessThan(3);
  });

  it.each(['tpe', 'multivariate'] as const)('%s finds values like those of Optuna, better than random search', kind => {
    const sampler = tpe({ multivariate: kind === 'multivariate' });
    const best = studies(problem, sampler);
    expect(Math.abs(difference(best, optuna[name]![kind]))).toBeLessThan(3);
    expect(difference(best, random)).toBeLessThan(-3);
  });

  it('four trials at once find values better than random search', () => {
    const best = studies(problem, tpe(), 4);
    expect(difference(best, random)).toBeLessThan(-3);
  });
});
