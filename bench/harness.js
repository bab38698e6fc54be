/**
 * Measures several subjects against each other on a machine that may be busy: every round runs every subject once, so
 * that what disturbs one disturbs all, and only their minima and ratios are meant to be quoted.
 */

import os from 'node:os';

/**
 * @typedef {object} Subject
 * @property {string} name
 * @property {() => unknown} run what is timed; a returned number is taken into the sink
 */

/**
 * @typedef {object} Result milliseconds per call
 * @property {string} name
 * @property {number} min
 * @property {number} median
 * @property {number} p10
 * @property {number} p90
 * @property {number} runs how many samples the figures come from
 * @property {number} calls how many calls of `run` a sample takes
 */

/**
 * @typedef {object} Options
 * @property {number} [rounds] samples of every subject
 * @property {number} [warmup] rounds before the first that counts
 * @property {number} [minMs] how long a sample takes at least, for the sake of the clock's resolution
 */

let sunk = 0;

/**
 * Uses a value where the compiler cannot see that nobody needs it.
 * @param {unknown} value
 */
export function sink(value) {
  if (typeof value === 'number') sunk = sunk / 2 + value;
  else if (value !== undefined) sunk++;
}

/** What the sink has come to, so that it is needed. */
export function sinkValue() {
  return sunk;
}

/**
 * @param {Subject[]} subjects
 * @param {Options} [options]
 * @returns {Promise<Result[]>} in the order of the subjects
 */
export async function interleave(subjects, { rounds = 50, warmup = 20, minMs = 1 } = {}) {
  const contestants = subjects.map(({ name, run }) => ({ name, run, calls: 1, samples: /** @type {number[]} */ ([]) }));

  // The engine compiles its faster code in the background, and a sample then needs more calls: hence the yielding, and
  // a new calibration in every round.
  for (let round = 0; round < warmup; round++) {
    for (const contestant of contestants) contestant.calls = calibrated(contestant.run, contestant.calls, minMs);
    await new Promise(resolve => setTimeout(resolve, 0));
  }
  for (const contestant of contestants) contestant.calls = calibrated(contestant.run, contestant.calls, minMs);

  for (let round = 0; round < rounds; round++) {
    for (let n = 0; n < contestants.length; n++) {
      const contestant = contestants[(round + n) % contestants.length];
      if (contestant) contestant.samples.push(time(contestant.run, contestant.calls) / contestant.calls);
    }
  }
  return contestants.map(({ name, calls, samples }) => ({ name, ...statistics(samples), calls }));
}

/**
 * The smallest number of calls, from the given one upwards, that take minMs.
 * @param {() => unknown} run
 * @param {number} calls
 * @param {number} minMs
 * @returns {number}
 */
function calibrated(run, calls, minMs) {
  const elapsed = time(run, calls);
  if (elapsed >= minMs) return calls;
  const missing = elapsed > 0 ? (1.2 * minMs) / elapsed : 10;
  return calibrated(run, Math.ceil(calls * Math.min(10, Math.max(missing, 1.2))), minMs);
}

/**
 * @param {() => unknown} run
 * @param {number} calls
 * @returns {number} milliseconds for all calls
 */
function time(run, calls) {
  const start = performance.now();
  for (let call = 0; call < calls; call++) sink(run());
  return performance.now() - start;
}

/**
 * @param {number[]} samples
 * @returns {{ min: number, median: number, p10: number, p90: number, runs: number }}
 */
function statistics(samples) {
  const sorted = samples.toSorted((a, b) => a - b);
  /** @param {number} share */
  const quantile = share => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
  return { min: quantile(0), median: quantile(0.5), p10: quantile(0.1), p90: quantile(0.9), runs: sorted.length };
}

/** Where the figures come from; for Node. */
export function machineHeader() {
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    v8: process.versions.v8 ?? 'unknown',
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    platform: `${os.platform()} ${os.arch()} ${os.release()}`,
  };
}

/**
 * Prints rows as aligned columns: one for every key, text to the left and numbers to the right.
 * @param {Record<string, string | number>[]} rows
 */
export function table(rows) {
  console.log(tableText(rows));
}

/**
 * @param {Record<string, string | number>[]} rows
 * @returns {string}
 */
export function tableText(rows) {
  const columns = [...new Set(rows.flatMap(row => Object.keys(row)))].map(key => {
    const cells = [key, ...rows.map(row => cellText(row[key] ?? ''))];
    const width = Math.max(...cells.map(cell => cell.length));
    const right = rows.some(row => typeof row[key] === 'number');
    return cells.map(cell => (right ? cell.padStart(width) : cell.padEnd(width)));
  });
  const lines = [-1, ...rows.keys()].map(n => columns.map(cells => cells[n + 1]).join('  '));
  return lines.map(line => line.trimEnd()).join('\n');
}

/**
 * Whole numbers as they are, others with about four digits and never an exponent.
 * @param {string | number} value
 * @returns {string}
 */
function cellText(value) {
  if (typeof value === 'string' || Number.isInteger(value) || !Number.isFinite(value)) return String(value);
  const digits = 3 - Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.min(Math.max(digits, 0), 6));
}
