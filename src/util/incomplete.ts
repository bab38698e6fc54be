/**
 * The incomplete gamma and beta functions in float64, of which the distribution functions of most distributions are made.
 *
 * Method: a power series or a continued fraction (Lentz), whichever converges, times a density. The density is computed
 * from `stirlingError` and `deviance` (Loader, 2000) because the difference of two large logarithms of gamma functions
 * would lose accuracy. All use the elementary functions of math.ts, so they have the same bits in every engine.
 */

import { exp, ln } from './math.ts';

const TINY = 1e-300;
const EPSILON = 2 ** -53;
/** More terms than any argument up to 1e9 needs. */
const MOST_TERMS = 200_000;
const TWO_PI = 6.283185307179586;

/** The share of a distribution below and above a point; the smaller one is accurate to the last digits. */
export interface Tails {
  readonly lower: number;
  readonly upper: number;
}

/** log(q) - u for q = 1 + u, accurate for small u and for small q. */
function logarithmRest(u: number, q: number): number {
  if (u < -0.5 || u > 0.7) return ln(q) - u;
  // log(1 + u) = 2 artanh(s), and u - 2 s = s u
  const s = u / (2 + u);
  const square = s * s;
  let sum = 0;
  for (let n = 39; n >= 3; n -= 2) sum = sum * square + 1 / n;
  return s * (2 * square * sum - u);
}

/** log(1 + u). */
export const log1p = (u: number): number => (u < -0.5 || u > 0.7 ? ln(1 + u) : u + logarithmRest(u, 1 + u));

/** log gamma(a) - ((a - 1/2) log a - a + log(2 pi) / 2), for positive a: the error of Stirling's formula. */
export function stirlingError(a: number): number {
  let sum = 0;
  let x = a;
  for (; x < 12; x++) sum += (x + 0.5) * log1p(1 / x) - 1;
  const z = 1 / (x * x);
  const series = 1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680 - z * (1 / 1188 - (z * 691) / 360360))));
  return sum + series / x;
}

/** a log(a / x) + x - a, at least 0. */
const deviance = (a: number, x: number): number => -a * logarithmRest((x - a) / a, x / a);

/** x^a exp(-x) / gamma(a + 1): for an integer a, the probability of a count of mean x. */
export function poissonDensity(a: number, x: number): number {
  if (a === 0) return exp(-x);
  if (x === 0) return 0;
  return exp(-deviance(a, x) - stirlingError(a)) / Math.sqrt(TWO_PI * a);
}

/** The incomplete gamma functions P(a, x) and Q(a, x). */
export function gammaTails(a: number, x: number): Tails {
  if (x <= 0) return { lower: 0, upper: 1 };
  const density = poissonDensity(a, x);
  if (x < a + 1) {
    let [term, sum] = [1, 1];
    for (let n = 1; n < MOST_TERMS && term > EPSILON * sum; n++) {
      term *= x / (a + n);
      sum += term;
    }
    const lower = Math.min(1, density * sum);
    return { lower, upper: 1 - lower };
  }
  let b = x + 1 - a;
  const fraction = new Fraction(b);
  for (let n = 1; n < MOST_TERMS; n++) {
    b += 2;
    if (fraction.next(n * (a - n), b)) break;
  }
  const upper = Math.min(1, (density * a) / fraction.value);
  return { lower: 1 - upper, upper };
}

/** The incomplete beta function I_x(a, b) for x = X / (X + Y), and 1 minus it. X and Y are positive or 0. */
export function betaTails(a: number, b: number, X: number, Y: number): Tails {
  if (X === 0) return { lower: 0, upper: 1 };
  if (Y === 0) return { lower: 1, upper: 0 };
  const all = a + b;
  // a - (a + b) x, the distance from the mean; as a difference of products it keeps its digits where x is close to 1
  const distance = (a * Y - b * X) / (X + Y);
  // x^a y^b gamma(a + b) / (gamma(a) gamma(b))
  const errors = stirlingError(all) - stirlingError(a) - stirlingError(b);
  const [x, y] = [X / (X + Y), Y / (X + Y)];
  const ofX = a * logarithmRest(-distance / a, (all / a) * x);
  const ofY = b * logarithmRest(distance / b, (all / b) * y);
  const density = Math.sqrt((a / all) * (b / TWO_PI)) * exp(errors + ofX + ofY);
  if (distance >= 0) {
    const lower = Math.min(1, density / betaFraction(a, b, x, y, distance));
    return { lower, upper: 1 - lower };
  }
  const upper = Math.min(1, density / betaFraction(b, a, y, x, -distance));
  return { lower: 1 - upper, upper };
}

/** The even part of the continued fraction of I_x(a, b), whose terms are positive where x is below the mean. */
function betaFraction(a: number, b: number, x: number, y: number, distance: number): number {
  const fraction = new Fraction((a * (distance + 1)) / (a + 1));
  for (let n = 1; n < MOST_TERMS; n++) {
    const [s, w] = [a + 2 * n - 1, n * (b - n) * x];
    const top = ((a + n - 1) / s) * ((a + b + n - 1) / s) * w * x;
    if (fraction.next(top, n + w / s + ((a + n) / (s + 2)) * (distance + 1 + n * (1 + y)))) break;
  }
  return fraction.value;
}

/** b0 + a1 / (b1 + a2 / (b2 + ...)), term by term. */
class Fraction {
  #c: number;
  #d = 0;

  constructor(public value: number) {
    this.#c = value;
  }

  /** Adds a term; returns whether the value has converged. */
  next(a: number, b: number): boolean {
    this.#d = 1 / nonzero(b + a * this.#d);
    this.#c = nonzero(b + a / this.#c);
    const factor = this.#c * this.#d;
    this.value *= factor;
    return !(Math.abs(factor - 1) > 2 * EPSILON);
  }
}

const nonzero = (x: number): number => (Math.abs(x) < TINY ? TINY : x);
