/**
 * Sine and cosine that are the same to the bit in every engine; those of the host are not.
 *
 * Reduction by pi/2 in three parts (Cody and Waite), then Taylor polynomials on [-pi/4, pi/4], whose remainders are
 * below 1e-17. Errors stay below 1e-15 for |x| up to a million and grow slowly after that.
 */

const TWO_OVER_PI = 0.6366197723675814;
// pi/2 = A + B + C with A and B short enough that n * A and n * B are exact for n below 2^20.
const A = 1.5707963267341256;
const B = 6.077100506303966e-11;
const C = 2.0222662487959506e-21;

/** 1/3!, 1/5!, ... and 1/2!, 1/4!, ... with alternating signs, the highest power first. */
const SINE = [-1 / 1307674368000, 1 / 6227020800, -1 / 39916800, 1 / 362880, -1 / 5040, 1 / 120, -1 / 6];
const COSINE = [1 / 20922789888000, -1 / 87178291200, 1 / 479001600, -1 / 3628800, 1 / 40320, -1 / 720, 1 / 24, -1 / 2];

export const sin = (x: number): number => turned(x, 0);
export const cos = (x: number): number => turned(x, 1);

/** sin(x + quarters * pi/2). */
function turned(x: number, quarters: number): number {
  const n = Math.round(x * TWO_OVER_PI);
  const r = x - n * A - n * B - n * C;
  const quadrant = (((n + quarters) % 4) + 4) % 4;
  const value = quadrant % 2 === 0 ? r + r * series(SINE, r * r) : 1 + series(COSINE, r * r);
  return quadrant < 2 ? value : -value;
}

/** c_n s + c_{n-1} s^2 + ..., the last coefficient with the lowest power. */
function series(coefficients: readonly number[], s: number): number {
  let sum = 0;
  for (const c of coefficients) sum = (sum + c) * s;
  return sum;
}
