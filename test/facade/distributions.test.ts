// Distributions in float64 against numbers with 60 digits by mpmath; see test/fixtures/make_distributions.py.

import { readFileSync } from 'node:fs';
import {
  distribution,
  type Likelihood,
  layers,
  randomNormal,
  sequential,
  setRandomSeed,
  type Tensor,
  tensor,
  train,
  ValueError,
} from 'lstm-wasm';
import { expect, test } from 'vitest';
import { negativeBinomial, normal, poisson, studentT, type Univariate } from '../../src/objective/distributions.ts';
import { rowLosses } from '../reference/loss.ts';

interface Case {
  name: 'normal' | 'studentT' | 'poisson' | 'negativeBinomial';
  parameters: [number, number, number];
  tails: [x: number, lower: number, upper: number][];
  quantiles: [level: number, x: number][];
}
const path = new URL('../fixtures/distributions.json', import.meta.url);
const fixture = JSON.parse(readFileSync(path, 'utf8')) as { cases: Case[]; tolerance: { rel: number } };
const { rel } = fixture.tolerance;

const make = { normal, studentT, poisson, negativeBinomial };
const families = { gaussianNLL: normal, studentTNLL: studentT, poisson, negativeBinomialNLL: negativeBinomial };
const of = ({ name, parameters }: Case): Univariate => make[name](...parameters);

const close = (got: number, expected: number, rel: number, what: string) =>
  expect(Math.abs(got - expected), `${what}: ${got} instead of ${expected}`).toBeLessThanOrEqual(
    rel * Math.abs(expected),
  );

test.each(fixture.cases)('$name $parameters: both tails have 13 digits', given => {
  const distribution = of(given);
  for (const [x, lower, upper] of given.tails) {
    const tails = distribution.tails(x);
    close(tails.lower, lower, rel, `below ${x}`);
    close(tails.upper, upper, rel, `above ${x}`);
  }
});

test.each(fixture.cases)('$name $parameters: quantiles have 13 digits, and are exact for counts', given => {
  const distribution = of(given);
  const isCount = given.name === 'poisson' || given.name === 'negativeBinomial';
  for (const [level, x] of given.quantiles) {
    const got = distribution.quantile(level);
    if (isCount) expect(got, `level ${level}`).toBe(x);
    else close(got, x, rel, `level ${level}`);
  }
});

test.each([
  ['gaussianNLL', [0.75, -1.5], ['mean', 'scale']],
  ['studentTNLL', [-2.5, 0.75, 0.5], ['df', 'location', 'scale']],
  ['poisson', [3.5], ['mean']],
  ['negativeBinomialNLL', [1.5, -0.25], ['mean', 'dispersion']],
] as const)('distribution reads the parameters of %s as the loss does', (loss, raw, names) => {
  const found = distribution(loss, tensor([[...raw, ...raw.map(value => value + 1)]]));
  expect(found.loss).toBe(loss);
  expect(found.shape).toEqual([1, 2]);
  expect(Object.keys(found.parameters)).toEqual(names);
  const softplus = (x: number) => Math.log1p(Math.exp(x));
  const positive = (x: number) => softplus(x) + 1e-6;
  const kinds = { df: (x: number) => 2 + softplus(x), scale: positive, dispersion: positive };
  for (const [k, name] of names.entries()) {
    const isRaw = name === 'location' || (name === 'mean' && loss !== 'negativeBinomialNLL');
    const of = isRaw ? (x: number) => x : name === 'mean' ? positive : kinds[name as keyof typeof kinds];
    close(found.parameters[name]![0]!, of(raw[k]!), 1e-14, name);
    close(found.parameters[name]![1]!, of(raw[k]! + 1), 1e-14, name);
  }
  expect(found.stddev).toEqual(found.variance.map(Math.sqrt));
});

test('mean and variance are those of the definitions', () => {
  const normal = distribution('gaussianNLL', [[2, 0]]);
  const scale = Math.log(2) + 1e-6;
  expect([normal.mean[0], normal.variance[0]]).toEqual([2, expect.closeTo(scale ** 2, 14)]);
  const t = distribution('studentTNLL', [[0, 2, 0]]);
  const freedom = 2 + Math.log(2);
  expect([t.mean[0], t.variance[0]]).toEqual([2, expect.closeTo((scale ** 2 * freedom) / (freedom - 2), 12)]);
  const counts = distribution('negativeBinomialNLL', [[0, 0]]);
  expect([counts.mean[0], counts.variance[0]]).toEqual([scale, expect.closeTo(scale + scale ** 3, 14)]);
  expect([...distribution('poisson', [[4]]).variance]).toEqual([4]);
});

test('the probability of a count is that of which the loss is the logarithm', () => {
  for (const raw of [
    [2, 0.5],
    [-1, -6],
    [30, 3],
  ]) {
    const { parameters } = distribution('negativeBinomialNLL', [raw]);
    const one = negativeBinomial(parameters.mean![0]!, parameters.dispersion![0]!);
    for (const count of [0, 1, 5]) {
      const probability = one.tails(count).lower - one.tails(count - 1).lower;
      expect(probability).toBeCloseTo(Math.exp(-rowLosses.negativeBinomialNLL(raw, [count])), 11);
    }
  }
});

test('the model that a likelihood has trained predicts quantiles that cover as many targets', async () => {
  setRandomSeed(1);
  const x = randomNormal([2000, 1]);
  const noise = randomNormal([2000, 1]);
  const y = x.mul(2).add(noise.mul(x.abs().add(0.25)));
  const model = sequential({ layers: [layers.dense({ units: 16, activation: 'tanh', inputShape: [1] })] });
  model.add(layers.dense({ units: 2 }));
  model.compile({ optimizer: train.adam(0.02), loss: 'gaussianNLL' });
  await model.fit(x, y, { epochs: 40, verbose: 0 });
  const found = distribution('gaussianNLL', model.predict(x) as Tensor);
  const [low, high] = [found.quantile(0.1), found.quantile(0.9)];
  const covered = y.dataSync().filter((value, n) => low[n]! < value && value < high[n]!).length;
  expect(covered / 2000).toBeGreaterThan(0.77);
  expect(covered / 2000).toBeLessThan(0.83);
});

const samples: [Likelihood, number[]][] = [
  ['gaussianNLL', [3, 1]],
  ['studentTNLL', [1, -2, 0]],
  ['studentTNLL', [40, 0, 0]],
  ['poisson', [0.25]],
  ['poisson', [11.9]],
  ['poisson', [12.5]],
  ['poisson', [5000]],
  ['negativeBinomialNLL', [2, 1]],
  ['negativeBinomialNLL', [5, -12]],
  ['negativeBinomialNLL', [3, 9]],
  ['negativeBinomialNLL', [300, -1]],
];
test.each(samples)('samples of %s %j are distributed by its tails', (loss, raw) => {
  const found = distribution(loss, [raw]);
  const count = 40_000;
  const drawn = found.sample({ count, seed: 5 }).sort();
  const one = families[loss](
    ...(Object.values(found.parameters).map(values => values[0]!) as [number, number, number]),
  );
  // Kolmogorov's distance, at a probability of 1e-6; smaller for counts
  let distance = 0;
  for (let n = 0; n < count; n++) {
    if (drawn[n] !== drawn[n + 1])
      distance = Math.max(distance, Math.abs((n + 1) / count - one.tails(drawn[n]!).lower));
  }
  expect(distance).toBeLessThan(2.7 / Math.sqrt(count));
});

test('a seed fixes samples, and the first draw of all targets comes first', () => {
  const found = distribution('gaussianNLL', [[0, -40, 1000, -40]]);
  expect([...found.sample({ count: 2, seed: 1 })].map(value => Math.round(value))).toEqual([0, 1000, 0, 1000]);
  const wide = distribution('negativeBinomialNLL', [[40, 2]]);
  expect(wide.sample({ count: 9, seed: 3 })).toEqual(wide.sample({ count: 9, seed: 3 }));
  setRandomSeed(8);
  const [first, second] = [wide.sample({ count: 9 }), wide.sample({ count: 9 })];
  expect(first).not.toEqual(second);
  setRandomSeed(8);
  expect(wide.sample({ count: 9 })).toEqual(first);
});

test('a quantile is the inverse of the distribution function for extreme parameters', () => {
  const rawNumbers = [-3e38, -1e5, -60, -8, 0, 8, 60, 1e5, 3e38];
  for (const first of rawNumbers) {
    for (const second of rawNumbers) {
      for (const level of [1e-300, 0.01, 0.5, 0.75, 1 - 2 ** -53]) {
        const quantiles = [
          distribution('gaussianNLL', [[first, second]]),
          distribution('studentTNLL', [[first, 0, second]]),
          distribution('negativeBinomialNLL', [[first, second]]),
          distribution('poisson', [[Math.abs(first)]]),
        ].map(found => found.quantile(level)[0]!);
        for (const quantile of quantiles) expect(quantile, `${first}, ${second}, ${level}`).not.toBeNaN();
        for (const count of quantiles.slice(2)) expect(Number.isInteger(count) && count >= 0).toBe(true);
      }
    }
  }
});

test('a Poisson distribution of mean 0 is 0', () => {
  const found = distribution('poisson', [[0]]);
  expect([found.mean, found.quantile(0.99), found.sample({ count: 3 })].map(values => [...values])).toEqual([
    ...[[0], [0], [0, 0, 0]],
  ]);
});

test.each([
  [
    () => distribution('mse' as never, [[1]]),
    "loss must be 'gaussianNLL', 'studentTNLL', 'poisson' or 'negativeBinomialNLL', got 'mse'",
  ],
  [() => distribution('toString' as never, [[1]]), 'loss must be'],
  [() => distribution('gaussianNLL', [[1, 2, 3]]), 'output must have 2 features for each target, got [1, 3]'],
  [() => distribution('gaussianNLL', []), 'output must have 2 features for each target, got [0]'],
  [() => distribution('gaussianNLL', 1 as never), 'output must'],
  [() => distribution('gaussianNLL', [[1, Number.NaN]]), 'output must hold finite numbers, got NaN at index 1'],
  [
    () => distribution('poisson', [[-0.5]]),
    "output must hold means of at least 0, got -0.5; use the activation 'softplus' in the last layer",
  ],
  [
    () => distribution('poisson', [[1]]).quantile(1),
    'distribution.quantile: level must be a finite number above 0 and below 1, got 1',
  ],
  [
    () => distribution('poisson', [[1]]).quantile('0.5' as never),
    "level must be a finite number above 0 and below 1, got '0.5'",
  ],
  [
    () => distribution('poisson', [[1]]).sample({ count: 0 }),
    'distribution.sample: count must be an integer of at least 1, got 0',
  ],
  [() => distribution('poisson', [[1]]).sample({ seed: -1 }), 'distribution.sample: seed must be'],
  [
    () => distribution('poisson', [[1]]).sample({ counts: 1 } as never),
    "unknown option 'counts'; did you mean 'count'?",
  ],
] as const)('distribution rejects bad input %#: %s', (call, message) => {
  expect(call).toThrow(ValueError);
  expect(call).toThrow(message);
});
