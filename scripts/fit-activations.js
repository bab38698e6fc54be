/**
 * Fits the polynomials of assembly/math.ts and prints its table of coefficients.
 *
 *   node scripts/fit-activations.js           print the table
 *   node scripts/fit-activations.js --check   exit 1 when assembly/math.ts holds other numbers
 *
 * What is fitted: t in 1 - exp(-r) = r - r^2 t(r), for sigmoid and exp, and in (1 - exp(-2r)) / 2 = r - r^2 t(r), for
 * tanh. The first two terms are exact, so that small arguments come out right, and so that the last rounding is that of
 * a sum whose second term is small: r - r^2 t then rises with r, bit by bit, which makes the functions monotone.
 *
 * Where: r is what remains of the argument after a multiple of ln 2 (for tanh: of half of it) is taken away, so
 * |r| <= ln 2 / 2 (ln 2 / 4), a little more because the multiple is found in float32.
 *
 * Weight: how an error of the exponential p shows in the relative error of the result, at its worst.
 *   sigmoid = s / (s + p), s = 2^n: relative error of p times p / (s + p), so at most the relative error of p itself.
 *   tanh = (s - p) / (s + p): an error d of p gives 2 s d / (s^2 - p^2). Arguments are made positive before, so the worst
 *   case is n = 0 for positive r, and n = 1 for negative r.
 *
 * How: Remez exchange. The coefficients are then rounded to float32 one by one, the most significant (the lowest power)
 * first, and what is left is fitted again after each. Errors of the rounded polynomials are given in units of 2^-24,
 * half the spacing of float32 numbers above 1. The bound of the functions as they are computed stands in math.ts.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** @typedef {(r: number) => number} Real */

const target = fileURLToPath(new URL('../assembly/math.ts', import.meta.url));

/**
 * Solves A x = b by elimination with pivots; destroys both.
 * @type {(A: number[][], b: number[]) => number[]}
 */
function solve(A, b) {
  const n = b.length;
  for (let i = 0; i < n; i++) {
    let pivot = i;
    for (let j = i + 1; j < n; j++) if (Math.abs(A[j][i]) > Math.abs(A[pivot][i])) pivot = j;
    [A[i], A[pivot]] = [A[pivot], A[i]];
    [b[i], b[pivot]] = [b[pivot], b[i]];
    for (let j = i + 1; j < n; j++) {
      const factor = A[j][i] / A[i][i];
      for (let k = i; k < n; k++) A[j][k] -= factor * A[i][k];
      b[j] -= factor * b[i];
    }
  }
  const x = new Array(n).fill(0);
  for (let i = n - 1; i >= 0; i--) {
    let sum = b[i];
    for (let k = i + 1; k < n; k++) sum -= A[i][k] * x[k];
    x[i] = sum / A[i][i];
  }
  return x;
}

/** @type {(coefficients: number[], r: number) => number} */
const polynomial = (coefficients, r) => coefficients.reduceRight((sum, c) => sum * r + c, 0);

/**
 * So many places where the error is largest, its sign alternating from one to the next.
 * @type {(error: number[], count: number) => number[]}
 */
function extrema(error, count) {
  const size = (/** @type {number} */ at) => Math.abs(error[at]);
  /** @type {number[]} */
  const places = [];
  error.forEach((e, at) => {
    const last = places.at(-1);
    if (last === undefined || Math.sign(e) !== Math.sign(error[last])) places.push(at);
    else if (size(at) > size(last)) places[places.length - 1] = at;
  });
  while (places.length > count) {
    const ends = size(places[0]) < size(places[places.length - 1]) ? 0 : places.length - 1;
    const least = places.reduce((best, at, i) => (size(at) < size(places[best]) ? i : best), 0);
    const inside = least > 0 && least < places.length - 1;
    // Out of the middle they go in pairs, or two neighbours would have the same sign.
    if (inside && places.length > count + 1) {
      places.splice(size(places[least - 1]) < size(places[least + 1]) ? least - 1 : least, 2);
    } else places.splice(ends, 1);
  }
  return places;
}

/**
 * The polynomial with the given first coefficients, and as many more, whose largest weighted error on [-half, half] is
 * least.
 * @type {(f: Real, weight: Real, half: number, fixed: number[], more: number) => number[]}
 */
function minimax(f, weight, half, fixed, more) {
  // Divided by the power of r that the fixed coefficients leave over, it is an ordinary polynomial again. The nodes
  // are those of Chebyshev, an even number of them, so that 0 is not among them.
  const power = fixed.length;
  const nodes = Array.from({ length: 4000 }, (_, i) => -half * Math.cos((Math.PI * i) / 3999));
  const values = nodes.map(r => (f(r) - polynomial(fixed, r)) / r ** power);
  const weights = nodes.map(r => weight(r) * Math.abs(r) ** power);
  const ramp = Array.from({ length: more }, (_, k) => k);
  let places = Array.from({ length: more + 1 }, (_, i) => Math.round((3999 * (i + 0.5)) / (more + 1)));
  for (let round = 0; round < 50; round++) {
    const equations = places.map((at, i) => [...ramp.map(k => nodes[at] ** k), (i % 2 ? -1 : 1) / weights[at]]);
    const wanted = places.map(at => values[at]);
    const solution = solve(equations, wanted).slice(0, more);
    const error = nodes.map((r, i) => (values[i] - polynomial(solution, r)) * weights[i]);
    const next = extrema(error, more + 1);
    if (next.length <= more) throw new Error('fit-activations: the error does not alternate often enough');
    if (next.every((at, i) => at === places[i])) return [...fixed, ...solution];
    places = next;
  }
  throw new Error('fit-activations: the exchange does not settle');
}

/**
 * The same with coefficients that are float32 numbers.
 * @type {(f: Real, weight: Real, half: number, count: number) => { coefficients: number[]; error: number }}
 */
function fit(f, weight, half, count) {
  /** @type {number[]} */
  const coefficients = [];
  while (coefficients.length < count) {
    const best = minimax(f, weight, half, coefficients, count - coefficients.length);
    coefficients.push(Math.fround(best[coefficients.length]));
  }
  let error = 0;
  for (let i = 0; i <= 4000; i++) {
    const r = half * (i / 2000 - 1);
    error = Math.max(error, Math.abs((f(r) - polynomial(coefficients, r)) * weight(r)));
  }
  return { coefficients, error };
}

/**
 * (exp(-a r) - 1 + a r) / r^2, by its series: the quotient itself cancels near 0.
 * @type {(a: number) => Real}
 */
const secondOrder = a => r => {
  let sum = 0;
  let term = (a * a) / 2;
  for (let k = 3; Math.abs(term) > 1e-20; k++) {
    sum += term;
    term *= (-a * r) / k;
  }
  return sum;
};

/** Room for the rounding of the multiple of ln 2: at most 2^-17 of it. */
const HALF = (Math.LN2 / 2) * (1 + 2 ** -16);

const sigmoidFit = fit(secondOrder(1), r => r * r * Math.exp(r), HALF, 4);

const tanhFit = fit(
  r => secondOrder(2)(r) / 2,
  r => {
    const p = Math.exp(-2 * r);
    const s = r > 0 ? 1 : 2;
    return (2 * r * r * 2 * s) / (s * s - p * p);
  },
  HALF / 2,
  5,
);

/** 16 bits of ln 2, so that its product with any |n| < 256 is exact. */
const LN2_HIGH = Math.floor(Math.LN2 * 2 ** 16) / 2 ** 16;

/** @type {(fitted: { coefficients: number[] }, of: string) => [number, string][]} */
const rows = ({ coefficients }, of) => coefficients.map((c, k) => [c, `${of}: t, r^${k}`]).reverse();

/** @type {[number, string][]} */
const table = [
  [1 / Math.LN2, '1 / ln 2'],
  [LN2_HIGH, 'ln 2, upper 16 bits'],
  [Math.LN2 - LN2_HIGH, 'ln 2, the rest'],
  ...rows(sigmoidFit, '1 - exp(-r)'),
  [1, '1'],
  [1.5 * 2 ** 23 + 127, 'rounds to n and leaves the exponent of 2^n in the last bits'],
  [-88, 'sigmoid, least: n = -127, 2^n = 0'],
  [88, 'sigmoid, greatest: n = 127'],
  [2 / Math.LN2, '2 / ln 2'],
  [Math.LN2 / 2, 'ln 2 / 2'],
  ...rows(tanhFit, '(1 - exp(-2r)) / 2'),
  [0.5, '1 / 2'],
  [1.5 * 2 ** 23 + 126, 'the same for 2^(n-1)'],
  [10, 'tanh, greatest: n = 29'],
  [-0, 'the sign bit'],
  [-87.3, 'exp, least: 2^(n-1) = 0'],
  [89, 'exp, greatest: n = 128'],
];

/**
 * The shortest decimal that is read as the float32 number nearest to the value.
 * @type {(value: number) => string}
 */
function literal(value) {
  const wanted = Math.fround(value);
  if (Object.is(wanted, -0)) return '-0.0';
  let digits = 1;
  while (Math.fround(Number(wanted.toPrecision(digits))) !== wanted) digits++;
  return String(Number(wanted.toPrecision(digits)));
}

const text = [
  'const TABLE: usize = memory.data<f32>([',
  ...table.map(([value, says], i) => `  ${new Array(4).fill(literal(value)).join(', ')}, // ${16 * i}: ${says}`),
  '], 16);',
].join('\n');

if (process.argv.includes('--check')) {
  if (!readFileSync(target, 'utf8').includes(text)) {
    console.error('assembly/math.ts does not hold the table that scripts/fit-activations.js prints');
    process.exit(1);
  }
} else {
  console.log(text);
  console.log(`// 1 - exp(-r): within ${(sigmoidFit.error * 2 ** 24).toFixed(2)} * 2^-24`);
  console.log(`// (1 - exp(-2r)) / 2: within ${(tanhFit.error * 2 ** 24).toFixed(2)} * 2^-24`);
}
