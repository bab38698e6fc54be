/**
 * Fits the polynomial of assembly/math/log.ts and prints its table of coefficients.
 *
 *   node scripts/fit-log.js           print the table
 *   node scripts/fit-log.js --check   exit 1 if assembly/math/log.ts has other numbers
 *
 * Fitted: p in log(1 + x) = x - s (x - z p(z)), with s = x / (2 + x) and z = s^2. By the series of log it is
 * 2/3 + 2/5 z + 2/7 z^2 + ..., and z <= 1/9 for x from -1/2 to 1.
 *
 * Method: interpolation at Chebyshev nodes, which is close to optimal. Rounding the coefficients to float32 has no
 * visible effect, because z p(z) is small compared with x.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const target = fileURLToPath(new URL('../assembly/math/log.ts', import.meta.url));

const MOST = 1 / 9;
const COUNT = 4;

/** @type {(z: number) => number} */
function exact(z) {
  let sum = 0;
  for (let k = 0, power = 1; power > 1e-20; k++, power *= z) sum += (2 * power) / (2 * k + 3);
  return sum;
}

/**
 * An element that is known to exist.
 * @type {(list: readonly number[], i: number) => number}
 */
const at = (list, i) => /** @type {number} */ (list[i]);

/** @type {(coefficients: number[], z: number) => number} */
const polynomial = (coefficients, z) => coefficients.reduceRight((sum, c) => sum * z + c, 0);

/**
 * The interpolating polynomial in powers of z, expanded from Newton's form.
 * @type {(nodes: number[], values: number[]) => number[]}
 */
function interpolate(nodes, values) {
  const differences = [...values];
  for (let order = 1; order < nodes.length; order++) {
    for (let i = nodes.length - 1; i >= order; i--) {
      differences[i] = (at(differences, i) - at(differences, i - 1)) / (at(nodes, i) - at(nodes, i - order));
    }
  }
  /** @type {number[]} */
  let sum = [];
  for (let i = nodes.length - 1; i >= 0; i--) {
    const shifted = [0, ...sum];
    sum = shifted.map((c, k) => c - at(nodes, i) * (sum[k] ?? 0));
    sum[0] = at(sum, 0) + at(differences, i);
  }
  return sum;
}

const nodes = Array.from({ length: COUNT }, (_, i) => (MOST / 2) * (1 - Math.cos((Math.PI * (i + 0.5)) / COUNT)));
const coefficients = interpolate(nodes, nodes.map(exact)).map(Math.fround);

/** 16 bits of ln 2, so that its product with any |n| < 256 is exact. */
const LN2_HIGH = Math.floor(Math.LN2 * 2 ** 16) / 2 ** 16;

/** @type {[number, string][]} */
const table = [
  ...coefficients.map((c, k) => /** @type {[number, string]} */ ([-c, `-p, z^${k}`])).reverse(),
  [LN2_HIGH, 'ln 2, upper 16 bits'],
  [LN2_HIGH - Math.LN2, 'the rest of ln 2, negative'],
  [1, '1'],
  [2, '2'],
  [Math.SQRT1_2, 'root of 1/2'],
  [2 ** -126, 'least normal number'],
  [2 ** 24, 'lifts subnormal numbers'],
  [24, 'and by how much'],
  [2 ** -60, 'below it, s^2 is as good as 0'],
];

/**
 * The shortest decimal that parses to the float32 number nearest to the value.
 * @type {(value: number) => string}
 */
function literal(value) {
  const target = Math.fround(value);
  let digits = 1;
  while (Math.fround(Number(target.toPrecision(digits))) !== target) digits++;
  return String(Number(target.toPrecision(digits)));
}

const text = [
  'const TABLE: usize = memory.data<f32>([',
  ...table.map(([value, comment], i) => `  ${new Array(4).fill(literal(value)).join(', ')}, // ${16 * i}: ${comment}`),
  '], 16);',
].join('\n');

if (process.argv.includes('--check')) {
  if (!readFileSync(target, 'utf8').includes(text)) {
    console.error('assembly/math/log.ts does not hold the table that scripts/fit-log.js prints');
    process.exit(1);
  }
} else {
  let error = 0;
  for (let i = 0; i <= 4000; i++) {
    const x = -0.5 + (1.5 * i) / 4000;
    const s = x / (2 + x);
    if (x === 0) continue;
    error = Math.max(error, Math.abs((s * s * s * (polynomial(coefficients, s * s) - exact(s * s))) / Math.log1p(x)));
  }
  console.log(text);
  console.log(`// log(1 + x): within ${(error * 2 ** 24).toFixed(2)} * 2^-24 of its value`);
}
