/**
 * Differences of the logarithm of the gamma function, and of its derivative, the digamma function. The losses need only
 * these, and a difference of two large and close numbers would lose its accuracy.
 *
 * Method: both arguments are raised by the same integer to at least 10, by gamma(x + 1) = x gamma(x). Then Stirling's
 * series apply: log gamma(x) = (x - 1/2) log x - x + log(2 pi) / 2 + 1/(12 x) - 1/(360 x^3) + ..., and its derivative. The
 * parts that grow with x are subtracted by their formulas; the rest is small. The remainders of the series are below 1e-15.
 */

import { log1p64, log64 } from './scalars';

/** Smallest argument of the series. */
const LEAST: f64 = 10;

/** log gamma(a) - log gamma(b) for positive a and b with a - b = difference. */
export function lgammaDifference(a: f64, b: f64, difference: f64): f64 {
  let product: f64 = 1;
  for (; a < LEAST || b < LEAST; a += 1, b += 1) product *= b / a;
  // (a - 1/2) log a - (b - 1/2) log b - (a - b)
  const main = (a - 0.5) * log1p64(difference / b) + difference * (log64(b) - 1);
  return main + (ofLgamma(a) - ofLgamma(b)) + log64(product);
}

/** The derivatives: digamma(a) - digamma(b). */
export function digammaDifference(a: f64, b: f64, difference: f64): f64 {
  let sum: f64 = 0;
  for (; a < LEAST || b < LEAST; a += 1, b += 1) sum += difference / (a * b);
  return sum + log1p64(difference / b) + (0.5 * difference) / (a * b) + (ofDigamma(a) - ofDigamma(b));
}

/** The terms of log gamma(x) from 1/(12 x) on. */
function ofLgamma(x: f64): f64 {
  const z = 1 / (x * x);
  let sum: f64 = -691.0 / 360360;
  sum = sum * z + 1.0 / 1188;
  sum = sum * z - 1.0 / 1680;
  sum = sum * z + 1.0 / 1260;
  sum = sum * z - 1.0 / 360;
  sum = sum * z + 1.0 / 12;
  return sum / x;
}

/** The terms of digamma(x) from -1/(12 x^2) on. */
function ofDigamma(x: f64): f64 {
  const z = 1 / (x * x);
  let sum: f64 = 691.0 / 32760;
  sum = sum * z - 1.0 / 132;
  sum = sum * z + 1.0 / 240;
  sum = sum * z - 1.0 / 252;
  sum = sum * z + 1.0 / 120;
  sum = sum * z - 1.0 / 12;
  return sum * z;
}
