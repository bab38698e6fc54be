/** The normal distribution in float64, with the same bits in every engine. Works with logarithms, for its tails. */

import { exp, expm1, ln } from '../../util/math.ts';

/** ln sqrt(2 pi) */
const LOG_ROOT_TWO_PI = 0.9189385332046727;
/** Where the series of the centre gives way to the continued fraction of the tail. */
const TAIL = 2.5;

/** The logarithm of the density. */
export const logDensity = (x: number): number => -(x * x) / 2 - LOG_ROOT_TWO_PI;

/** P(0 < Z < x) for x from 0 to `TAIL`: the density times x + x^3/3 + x^5/(3 5) + ..., without cancellation. */
function centre(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 3; term > sum * 1e-17; n += 2) {
    term *= (x * x) / n;
    sum += term;
  }
  return sum * exp(logDensity(x));
}

/** P(Z > x) over the density, for x of at least `TAIL`: 1/(x + 1/(x + 2/(x + 3/(x + ...)))), from the inside out. */
function millsRatio(x: number): number {
  let inner = x;
  for (let n = Math.ceil(10 + 380 / (x * x)); n > 0; n--) inner = x + n / inner;
  return 1 / inner;
}

/** P(0 < Z < x) for x of at least 0. */
const fromZero = (x: number): number => (x < TAIL ? centre(x) : 0.5 - exp(logTail(x)));

/** ln P(Z > x) for x of at least 0. */
const logTail = (x: number): number => (x < TAIL ? ln(0.5 - centre(x)) : logDensity(x) + ln(millsRatio(x)));

/** ln P(a < Z < b) for a below b. */
export function logMass(a: number, b: number): number {
  if (b <= 0) return logMass(-b, -a);
  if (a < 0) return ln(fromZero(-a) + fromZero(b));
  const [near, far] = [logTail(a), logTail(b)];
  return near + ln(-expm1(far - near));
}

/** More steps than Newton's method or halving an interval ever takes. */
const MOST_STEPS = 100;

/** The x for which P(a < Z < x) is the share q of P(a < Z < b). */
export function truncatedQuantile(q: number, a: number, b: number): number {
  if (q <= 0) return a;
  if (q >= 1) return b;
  if (a >= 0) return -truncatedQuantile(1 - q, -b, -a); // in the left tail, where q has all its digits
  const wanted = ln(q) + logMass(a, b);
  let [low, high] = [a, b];
  let x = (low + high) / 2;
  for (let n = 0; n < MOST_STEPS && low < high; n++) {
    const mass = logMass(a, x);
    if (mass < wanted) low = x;
    else high = x;
    // The logarithm of the mass is concave: Newton's method comes from the left, after its first step
    const next = x + (wanted - mass) * exp(mass - logDensity(x));
    const isInside = next > low && next < high;
    const following = isInside ? next : (low + high) / 2;
    const isClose = Math.abs(following - x) <= 1e-15 * Math.max(1, Math.abs(x));
    x = following;
    if (isClose) break;
  }
  return x;
}
