/**
 * Measures the package against what people would otherwise use, and against the machine. Every rival is first shown to
 * compute the same; then all are timed, interleaved, on one thread.
 *
 *   npm run bench:peers                              all of it, in half an hour: bench/results, docs/benchmark.svg
 *   npm run bench:peers -- --only seed,512 --quick   some of it, roughly: out/bench
 *   npm run bench:peers -- --draw FILE               tables and chart anew from the numbers of an earlier run
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
function refuse(sentence) {
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
    return refuse(`${sentence}; there are --only NAME,NAME and --quick and --draw FILE`);
  }
}

const { only, quick, draw } = flags();
const known = [...workloads.map(({ name }) => name), PROGRAMS, SIZES, START];
const chosen = only?.split(',').map(name => name.trim()) ?? known;
const unknown = chosen.find(name => !known.includes(name));
if (unknown !== undefined) refuse(`--only must name some of ${known.join(', ')}, got '${unknown}'`);

// From Node 24 on, a module of TF.js that is still compiling does not keep the process alive.
const awake = setInterval(() => {}, 60_000);
await publish(draw === undefined ? await measure() : earlier(draw));
clearInterval(awake);

/** @param {string} file @returns {Report} */
function earlier(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return refuse(`--draw must be the JSON file of an earlier run, got '${file}'`);
  }
}

/** @returns {Promise<Report>} */
async function measure() {
  // Compile to final code at once: without that the first samples measure the engine's warm-up.
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
    rivals: rivals.map(({ name, version, differs }) => ({ name, version, differs })),
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
  const able = ['TF.js wasm', 'TF.js cpu', 'ONNX Runtime web', 'ONNX Runtime node', 'PyTorch'];
  const asked = ['lstm-wasm', ...able.filter(name => names.includes(name))];
  const { empty, results } = await coldStarts(asked, rounds, budgetMs);
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
  const limits = BUILDS.map(build => `${peakOf(row, build).toFixed(1)} GFLOP/s ${build}`);
  console.log(`\n${row.title}, ${row.kind}; ms`);
  table(rows);
  if (row.peaks) console.log(`limit of the machine: ${limits.join(', ')}`);
  for (const { rival, why } of row.absent) console.log(`without ${rival}: ${why}`);
}
