/**
 * Measures the package against other libraries, and against the peak speed of the machine. Every rival must first compute the
 * same results; then all are timed, interleaved: on one thread, and those that have threads on several.
 *
 *   npm run bench:peers                              everything, half an hour: writes bench/results, docs/benchmark.svg
 *   npm run bench:peers -- --only seed,512 --quick   some rows, less precise: writes out/bench
 *   npm run bench:peers -- --draw FILE               tables and chart from the numbers of an earlier run
 */

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import v8 from 'node:v8';
import { coldStarts } from './cold-starts.js';
import { machineHeader, table } from './harness.js';
import { LIMITS, measureSizes, measureWorkload } from './measure.js';
import { measurePrograms } from './programs.js';
import { publish } from './publish.js';
import { BUILDS, digits, ownTime, peakOf, ratio } from './report.js';
import { startRivals } from './rivals/index.js';
import { workloads } from './workloads.js';

/** @typedef {import('./report.js').Report} Report */
/** @typedef {import('./measure.js').Row} Row */

const PROGRAMS = 'programs';
const SIZES = 'sizes';
const START = /** @type {const} */ ('start');

/** @param {string} sentence @returns {never} */
function exitWith(sentence) {
  console.error(`bench:peers: ${sentence}`);
  process.exit(1);
}

function flags() {
  try {
    const options = /** @type {const} */ ({
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      draw: { type: 'string' },
    });
    return parseArgs({ options, allowPositionals: false }).values;
  } catch (error) {
    const [sentence] = /** @type {Error} */ (error).message.split(/\.\s/);
    return exitWith(`${sentence}; the flags are --only NAME,NAME, --quick and --draw FILE`);
  }
}

const { only, quick, draw } = flags();
const names = [...workloads.map(({ name }) => name), PROGRAMS, SIZES, START];
const chosen = only?.split(',').map(name => name.trim()) ?? names;
const unknown = chosen.find(name => !names.includes(name));
if (unknown !== undefined) exitWith(`--only must name some of ${names.join(', ')}, got '${unknown}'`);

// Since Node 24, a TF.js module that is still compiling does not keep the process alive.
const keepAlive = setInterval(() => {}, 60_000);
await publish(draw === undefined ? await measure() : readReport(draw));
clearInterval(keepAlive);

/** @param {string} file @returns {Report} */
function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return exitWith(`--draw must be the JSON file of an earlier run, got '${file}'`);
  }
}

/** @returns {Promise<Report>} */
async function measure() {
  // Optimize all code at once; otherwise the first samples measure the warm-up of the engine.
  v8.setFlagsFromString('--no-liftoff');
  v8.setFlagsFromString('--no-wasm-lazy-compilation');
  // Node 20 has relaxed SIMD behind a flag.
  if (process.version.startsWith('v20.')) v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

  const limits = quick ? LIMITS.quick : LIMITS.full;
  const { rivals, absent } = await startRivals();
  for (const { rival, why } of absent) console.log(`without ${rival}: ${why}`);
  /** @type {Report} */
  const report = {
    machine: machineHeader(),
    quick: quick ?? false,
    partial: only !== undefined,
    rivals: rivals.map(({ name, version, threads = 1, differs }) => ({ name, version, threads, differs })),
    absent,
    rows: [],
  };
  for (const workload of workloads.filter(({ name }) => chosen.includes(name))) {
    const rows = await measureWorkload(rivals, workload, limits);
    report.rows.push(...rows);
    for (const row of rows) print(row);
  }
  if (chosen.includes(PROGRAMS)) {
    const rows = await measurePrograms(rivals, limits);
    report.rows.push(...rows);
    for (const row of rows) print(row);
  }
  if (chosen.includes(SIZES)) {
    const rows = await measureSizes(rivals, limits);
    report.rows.push(...rows);
    for (const row of rows) print(row);
  }
  for (const rival of rivals) rival.close?.();
  if (chosen.includes(START)) {
    const row = await measureStarts(
      rivals.map(({ name }) => name),
      quick ? 3 : 15,
      1e3 * limits.seconds.start,
    );
    report.rows.push(row);
    print(row);
  }
  return report;
}

/**
 * @param {string[]} names
 * @param {number} rounds
 * @param {number} budgetMs
 * @returns {Promise<Row>}
 */
async function measureStarts(names, rounds, budgetMs) {
  const supported = ['TF.js wasm', 'TF.js cpu', 'ONNX Runtime web', 'ONNX Runtime node', 'PyTorch'];
  const measured = ['lstm-wasm', ...supported.filter(name => names.includes(name))];
  const { empty, results } = await coldStarts(measured, rounds, budgetMs);
  const title = `import to first step of the seed program; an empty process is ${digits(empty.min)}`;
  return { workload: START, title, kind: START, flops: 0, results, absent: [] };
}

/** @param {Row} row */
function print(row) {
  const own = ownTime(row) ?? Number.NaN;
  const rows = row.results.map(({ name, min, median, p90, runs }) => ({
    [row.kind]: name,
    min,
    median,
    p90,
    samples: runs,
    'to ours': ratio(min / own),
    ...(row.flops > 0 ? { 'GFLOP/s': row.flops / min / 1e6 } : {}),
  }));
  const peaks = BUILDS.map(build => `${peakOf(row, build).toFixed(1)} GFLOP/s ${build}`);
  console.log(`\n${row.title}, ${row.kind}; ms`);
  table(rows);
  if (row.peaks) console.log(`peak of the machine: ${peaks.join(', ')}`);
  for (const { rival, why } of row.absent) console.log(`without ${rival}: ${why}`);
}
