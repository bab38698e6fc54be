/**
 * Fits the polynomials of assembly/math/elementary.ts and assembly/math/smooth.ts and prints their tables of coefficients.
 *
 *   node scripts/fit-activations.js           print the tables
 *   node scripts/fit-activations.js --check   exit 1 if the sources have other numbers
 *
 * Fitted: t in 1 - exp(-r) = r - r^2 t(r), for sigmoid and exp, and in (1 - exp(-2r)) / 2 = r - r^2 t(r), for tanh. The
 * first two coefficients are exact, so that small arguments have a small relative error. The last rounding is that of a
 * sum with a small second term, so the rounded r - r^2 t increases with r, which makes the functions monotone.
 *
 * Range: r is the argument minus a multiple of ln 2 (for tanh: of ln 2 / 2), so |r| <= ln 2 / 2 (ln 2 / 4), or slightly
 * more because the multiple is computed in float32.
 *
 * Weight: the largest influence of an error of the exponential p on the relative error of the result.
 *   sigmoid = s / (s + p), s = 2^n: relative error of p times p / (s + p), so at most the relative error of p itself.
 *   tanh = (s - p) / (s + p): an error d of p gives 2 s d / (s^2 - p^2). The argument is positive, so the worst case
 *   is n = 0 for positive r, and n = 1 for negative r.
 *
 * For assembly/math/smooth.ts: ln(1 + u) = 2s + s z P(z) with s = u / (2 + u) and z = s^2, for u in [0, 1]; and the normal
 * distribution function of -a, exp(-a^2 / 2) t Q(t) with t = 1 / (1 + c a), for a in [0, 13.3], beyond which it is 0
 * in float32. Both minimize the relative error. c is the best value for eight coefficients.
 *
 * Method: Remez exchange. The coefficients are then rounded to float32 one by one, lowest power first, and the others
 * are fitted again after each. Errors of the rounded polynomials are in units of 2^-24, half the spacing of float32
 * numbers above 1. The errors of the computed functions are listed in assembly/math/elementary.ts.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** @typedef {(r: number) => number} Real */
/** @typedef {[low: number, high: number]} Range */

/**
 * An element that is known to exist.
 * @type {<T>(list: readonly T[], i: number) => T}
 */
const at = (list, i) => /** @type {any} */ (list[i]);

/**
 * The index of the maximum.
 * @type {<T>(list: readonly T[], value: (element: T) => number) => number}
 */
const greatest = (list, value) =>
  list.reduce((best, element, i) => (value(element) > value(at(list, best)) ? i : best), 0);

/**
 * Solves a linear system of rows [coefficients..., right side] by elimination with pivots.
 * @type {(rows: number[][]) => number[]}
 */
function solve(rows) {
  if (rows.length === 0) return [];
  const lead = at(
    rows,
    greatest(rows, row => Math.abs(at(row, 0))),
  );
  const others = rows
    .filter(row => row !== lead)
    .map(row => row.map((value, k) => value - (at(row, 0) / at(lead, 0)) * at(lead, k)).slice(1));
  const rest = solve(others);
  const sum = rest.reduce((left, x, k) => left - at(lead, k + 1) * x, at(lead, lead.length - 1));
  return [sum / at(lead, 0), ...rest];
}

/** @type {(coefficients: number[], r: number) => number} */
const polynomial = (coefficients, r) => coefficients.reduceRight((sum, c) => sum * r + c, 0);

/**
 * The indices of the `count` largest errors with alternating signs.
 * @type {(error: number[], count: number) => number[]}
 */
function extrema(error, count) {
  const size = (/** @type {number} */ place) => Math.abs(at(error, place));
  /** @type {number[]} */
  let places = [];
  error.forEach((e, place) => {
    const last = places.at(-1);
    if (last === undefined || Math.sign(e) !== Math.sign(at(error, last))) places.push(place);
    else if (size(place) > size(last)) places[places.length - 1] = place;
  });
  while (places.length > count) {
    const least = greatest(places, place => -size(place));
    const inside = least > 0 && least < places.length - 1;
    if (inside && places.length > count + 1) {
      // In the middle, remove pairs; otherwise two adjacent errors would have the same sign
      places.splice(size(at(places, least - 1)) < size(at(places, least + 1)) ? least - 1 : least, 2);
    } else {
      const firstIsLess = size(at(places, 0)) < size(at(places, places.length - 1));
      places = firstIsLess ? places.slice(1) : places.slice(0, -1);
    }
  }
  return places;
}

/**
 * The polynomial that starts with the given coefficients and minimizes the largest weighted error in the range.
 * @type {(f: Real, weight: Real, range: Range, fixed: number[], more: number) => number[]}
 */
function minimax(f, weight, [low, high], fixed, more) {
  // Dividing by the power of r above the fixed coefficients gives an ordinary polynomial. An even number of Chebyshev
  // nodes does not include 0.
  const power = fixed.length;
  const nodes = Array.from(
    { length: 4000 },
    (_, i) => (low + high - (high - low) * Math.cos((Math.PI * (i + 0.5)) / 4000)) / 2,
  );
  const values = nodes.map(r => (f(r) - polynomial(fixed, r)) / r ** power);
  const weights = nodes.map(r => weight(r) * Math.abs(r) ** power);
  const ramp = Array.from({ length: more }, (_, k) => k);
  let places = Array.from({ length: more + 1 }, (_, i) => Math.round((3999 * (i + 0.5)) / (more + 1)));
  for (let round = 0; round < 50; round++) {
    const system = places.map((place, i) => {
      const level = (i % 2 ? -1 : 1) / at(weights, place);
      return [...ramp.map(k => at(nodes, place) ** k), level, at(values, place)];
    });
    const solution = solve(system).slice(0, more);
    const error = nodes.map((r, i) => (at(values, i) - polynomial(solution, r)) * at(weights, i));
    const next = extrema(error, more + 1);
    if (next.length <= more) throw new Error('fit-activations: the error does not alternate often enough');
    if (next.every((place, i) => place === places[i])) return [...fixed, ...solution];
    places = next;
  }
  throw new Error('fit-activations: the Remez exchange does not converge');
}

/**
 * The same with float32 coefficients.
 * @type {(f: Real, weight: Real, range: Range, count: number) => { coefficients: number[]; error: number }}
 */
function rounded(f, weight, range, count) {
  /** @type {number[]} */
  const coefficients = [];
  while (coefficients.length < count) {
    const best = minimax(f, weight, range, coefficients, count - coefficients.length);
    coefficients.push(Math.fround(at(best, coefficients.length)));
  }
  let error = 0;
  for (let i = 0; i <= 4000; i++) {
    const r = range[0] + ((range[1] - range[0]) * i) / 4000;
    error = Math.max(error, Math.abs((f(r) - polynomial(coefficients, r)) * weight(r)));
  }
  return { coefficients, error };
}

/**
 * (exp(-a r) - 1 + a r) / r^2, by its series, because the quotient cancels near 0.
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

/** Margin for the rounding of the multiple of ln 2: at most 2^-17 of it. */
const HALF = (Math.LN2 / 2) * (1 + 2 ** -16);

const sigmoidFit = rounded(secondOrder(1), r => r * r * Math.exp(r), [-HALF, HALF], 4);

const tanhFit = rounded(
  r => secondOrder(2)(r) / 2,
  r => {
    const p = Math.exp(-2 * r);
    const s = r > 0 ? 1 : 2;
    return (2 * r * r * 2 * s) / (s * s - p * p);
  },
  [-HALF / 2, HALF / 2],
  5,
);

/** 16 bits of ln 2, so that its product with any |n| < 256 is exact. */
const LN2_HIGH = Math.floor(Math.LN2 * 2 ** 16) / 2 ** 16;

/** @type {(fitted: { coefficients: number[] }, of: string) => [number, string][]} */
const rows = ({ coefficients }, of) =>
  coefficients.map((c, k) => /** @type {[number, string]} */ ([-c, `${of}: -t, r^${k}`])).reverse();

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

/** (2 artanh(s) / s - 2) / z, z = s^2. @type {Real} */
const artanhRest = z => {
  let sum = 0;
  let power = 1;
  for (let k = 3; power > 1e-20; k += 2) {
    sum += (2 / k) * power;
    power *= z;
  }
  return sum;
};

const log1pFit = rounded(artanhRest, z => z / 2, [0, 1 / 9], 4);

/** The normal distribution function of -a, times exp(a^2 / 2), by a series or a continued fraction. @type {Real} */
const tail = a => {
  if (a < 3) {
    let sum = 0;
    let term = a;
    for (let k = 3; term > 1e-20; k += 2) {
      sum += term;
      term *= (a * a) / k;
    }
    return Math.exp((a * a) / 2) / 2 - sum / Math.sqrt(2 * Math.PI);
  }
  let fraction = a;
  for (let k = 120; k > 0; k--) fraction = a + k / fraction;
  return 1 / fraction / Math.sqrt(2 * Math.PI);
};

const TAIL = Math.fround(0.2316419);
/** @type {Real} */
const tailOver = t => tail(Math.max(0, (1 / t - 1) / TAIL)) / t;
const tailFit = rounded(tailOver, t => 1 / tailOver(t), [1 / (1 + TAIL * 13.3), 1], 8);

/**
 * The shortest decimal that parses to the float32 number nearest to the value.
 * @type {(value: number) => string}
 */
function literal(value) {
  const target = Math.fround(value);
  if (Object.is(target, -0)) return '-0.0';
  let digits = 1;
  while (Math.fround(Number(target.toPrecision(digits))) !== target) digits++;
  return String(Number(target.toPrecision(digits)));
}

/** @type {(names: string[], values: number[]) => string} */
const constants = (names, values) =>
  names.map((name, k) => `const ${name}: f32 = ${literal(at(values, k))};`).join('\n');

const texts = {
  elementary: [
    'const TABLE: usize = memory.data<f32>([',
    ...table.map(
      ([value, comment], i) => `  ${new Array(4).fill(literal(value)).join(', ')}, // ${16 * i}: ${comment}`,
    ),
    '], 16);',
  ].join('\n'),
  smooth: [
    constants(['P0', 'P1', 'P2', 'P3'], log1pFit.coefficients),
    constants(['C', 'Q0', 'Q1', 'Q2', 'Q3', 'Q4', 'Q5', 'Q6', 'Q7'], [TAIL, ...tailFit.coefficients]),
  ].join('\n'),
};

for (const [name, text] of Object.entries(texts)) {
  if (process.argv.includes('--check')) {
    const source = fileURLToPath(new URL(`../assembly/math/${name}.ts`, import.meta.url));
    if (readFileSync(source, 'utf8').includes(text)) continue;
    console.error(`assembly/math/${name}.ts does not hold the numbers that scripts/fit-activations.js prints`);
    process.exit(1);
  } else {
    console.log(text);
  }
}
if (!process.argv.includes('--check')) {
  const within = { '1 - exp(-r)': sigmoidFit, '(1 - exp(-2r)) / 2': tanhFit, 'ln(1 + u)': log1pFit, tail: tailFit };
  for (const [of, { error }] of Object.entries(within)) {
    console.log(`// ${of}: within ${(error * 2 ** 24).toFixed(2)} * 2^-24`);
  }
}
