// The logarithm of the gamma function and its derivative, by values that are known exactly, and the scalar functions under
// them, against those of the engine.

import { expect, test } from 'vitest';
import { expectClose } from '../compare.ts';
import { lgamma } from '../reference/likelihoods.ts';
import { harness } from './harness.ts';

const { kernels } = harness();

const close = (got: number, expected: number, what: string, rel = 1e-14) =>
  expectClose([got], [expected], { abs: 1e-15, rel, what });

test('lgammaDifference gives the logarithms of factorials', () => {
  let expected = 0;
  for (let n = 1; n < 170; n++) {
    expected += Math.log(n);
    close(kernels.lgammaDifference(n + 1, 1, n), expected, `${n}!`);
    close(kernels.lgammaDifference(1, n + 1, -n), -expected, `1 / ${n}!`);
  }
});

test('lgammaDifference matches the reference from 1e-30 to 1e15', () => {
  for (const a of [1e-30, 1e-6, 0.1, 0.5, 1, 1.5, 2, 3.7, 9.99, 10, 12.5, 100, 1e4, 1e6, 1e15]) {
    for (const b of [0.25, 1, 2.5, 11, 1e3]) {
      const expected = lgamma(a) - lgamma(b);
      const abs = 4e-16 * (Math.abs(lgamma(a)) + Math.abs(lgamma(b)) + 10);
      expectClose([kernels.lgammaDifference(a, b, a - b)], [expected], { abs, rel: 1e-13, what: `${a}, ${b}` });
    }
  }
});

test('lgammaDifference keeps its accuracy for close arguments', () => {
  // log gamma(x + 1) - log gamma(x) = log x
  for (const x of [0.001, 0.5, 3, 40, 1e6, 1e12]) close(kernels.lgammaDifference(x + 1, x, 1), Math.log(x), `${x}`);
  // gamma(x + 1/2) / gamma(x) = sqrt(x) (1 - 1/(8 x) + ...)
  close(kernels.lgammaDifference(1e15 + 0.5, 1e15, 0.5), 0.5 * Math.log(1e15), '1e15');
});

test('digammaDifference gives harmonic numbers', () => {
  let [whole, half] = [0, 0];
  for (let n = 1; n < 100; n++) {
    whole += 1 / n;
    half += 2 / (2 * n - 1);
    close(kernels.digammaDifference(n + 1, 1, n), whole, `H(${n})`);
    close(kernels.digammaDifference(n + 0.5, 0.5, n), half, `half of ${n}`);
  }
  // digamma(1) - digamma(1/2) = 2 log 2
  close(kernels.digammaDifference(1, 0.5, 0.5), 2 * Math.LN2, '2 log 2');
  for (const x of [1e-9, 0.3, 50, 1e8]) close(kernels.digammaDifference(x + 1, x, 1), 1 / x, `1 / ${x}`);
});

test('exp64 and log64 are accurate to a few units of 2^-53', () => {
  for (let x = -707; x < 709; x += 0.37) close(kernels.exp64(x), Math.exp(x), `exp ${x}`, 1e-15);
  for (let x = -300; x < 300; x += 0.37) close(kernels.log64(10 ** x), Math.log(10 ** x), `log 10^${x}`, 1e-15);
  for (const x of [1e-20, 1e-9, 1e-3, -0.5, 0.5, 3, 1e9]) close(kernels.log1p64(x), Math.log1p(x), `log1p ${x}`, 1e-15);
});

test('exp64 and log64 have limits at infinity, and give NaN for NaN', () => {
  const { NaN: nan, POSITIVE_INFINITY: infinity, NEGATIVE_INFINITY: minus } = Number;
  expect([minus, -1000, 0, 1000, infinity, nan].map(x => kernels.exp64(x))).toEqual([0, 0, 1, infinity, infinity, nan]);
  expect([1, infinity, nan].map(x => kernels.log64(x))).toEqual([0, infinity, nan]);
});
