/**
 * Compares the speed of several subjects on a machine that may be busy. Every round runs every subject once, so other load
 * affects all of them. Only minima and ratios should be quoted.
 */

import os from 'node:os';

/**
 * @typedef {object} Subject
 * @property {string} name
 * @property {(calls: number) => number | Promise<number>} measure makes the given number of calls and returns their
 *   total time in milliseconds; `timed` and `timedAsync` make such a function
 * @property {number} [minMs] the minimum duration of a sample, if it differs from that of the other subjects
 * @property {number} [firstMs] the duration of an earlier call, if there was one
 */

/**
 * @typedef {object} Result milliseconds per call
 * @property {string} name
 * @property {number} min
 * @property {number} median
 * @property {number} p10
 * @property {number} p90
 * @property {number} runs the number of samples
 * @property {number} calls the number of calls per sample
 */

/**
 * @typedef {object} Options
 * @property {number} [rounds] samples of every subject
 * @property {number} [warmup] rounds before the first sample
 * @property {number} [minMs] the minimum duration of a sample, because of the resolution of the clock
 * @property {number} [budgetMs] the maximum duration of all samples; a slow subject gets fewer, but at least one
 */

/** The minimum warm-up that plain JavaScript needs to reach its full speed. */
const WARM_MS = 200;

let sinkSum = 0;

/**
 * Uses a value, so that the compiler cannot remove its computation.
 * @param {unknown} value
 */
export function sink(value) {
  if (typeof value === 'number') sinkSum = sinkSum / 2 + value;
  else if (value !== undefined) sinkSum++;
}

/** The value of the sink; reading it keeps the computations alive. */
export function sinkValue() {
  return sinkSum;
}

/**
 * @param {() => unknown} run the timed function; a returned number is added to the sink
 * @returns {Subject['measure']}
 */
export function timed(run) {
  return calls => {
    const start = performance.now();
    for (let call = 0; call < calls; call++) sink(run());
    return performance.now() - start;
  };
}

/**
 * The same for a function that returns a promise.
 * @param {() => Promise<unknown>} run
 * @returns {Subject['measure']}
 */
export function timedAsync(run) {
  return async calls => {
    const start = performance.now();
    for (let call = 0; call < calls; call++) sink(await run());
    return performance.now() - start;
  };
}

/**
 * @param {Subject[]} subjects
 * @param {Options} [options]
 * @returns {Promise<Result[]>} in the order of the subjects
 */
export async function interleave(subjects, options = {}) {
  const { rounds = 50, warmup = 20, minMs = 1, budgetMs = Number.POSITIVE_INFINITY } = options;
  const share = budgetMs / subjects.length;
  const entries = subjects.map(({ name, measure, minMs: ownMs = minMs, firstMs = 0 }) => {
    // If one call takes more than half of its time, the earlier call is the only sample.
    const samples = firstMs > Math.max(share / 2, 1000) ? [firstMs] : [];
    return { name, measure, minMs: ownMs, calls: 1, callMs: firstMs, warm: firstMs, sampleCount: rounds, samples };
  });
  const pending = entries.filter(({ samples }) => samples.length === 0);

  // The engine compiles optimized code in the background, and a sample then needs more calls. So every round yields and
  // calibrates again.
  for (let round = 0; round <= warmup; round++) {
    for (const entry of pending) {
      if (round === 0 || entry.warm < Math.max(share / 8, WARM_MS)) await calibrate(entry);
    }
    await new Promise(resolve => setTimeout(resolve, 0));
  }

  allocateSamples(pending, rounds, budgetMs);
  for (let round = 0; round < rounds; round++) {
    for (let n = 0; n < pending.length; n++) {
      const entry = pending[(round + n) % pending.length];
      if (!entry) continue;
      const { measure, calls, sampleCount, samples } = entry;
      // Samples are spread evenly over the rounds, so that other load affects slow and fast subjects equally.
      if (Math.floor(((round + 1) * sampleCount) / rounds) === Math.floor((round * sampleCount) / rounds)) continue;
      samples.push((await measure(calls)) / calls);
    }
  }
  return entries.map(({ name, calls, samples }) => ({ name, ...statistics(samples), calls }));
}

/**
 * Finds the smallest number of calls, starting from the current number, that takes minMs.
 * @param {{ measure: Subject['measure'], minMs: number, calls: number, callMs: number, warm: number }} entry
 */
async function calibrate(entry) {
  const { minMs } = entry;
  for (;;) {
    const elapsed = await entry.measure(entry.calls);
    entry.warm += elapsed;
    entry.callMs = elapsed;
    if (elapsed >= minMs) return;
    const missing = elapsed > 0 ? (1.2 * minMs) / elapsed : 10;
    entry.calls = Math.ceil(entry.calls * Math.min(10, Math.max(missing, 1.2)));
  }
}

/**
 * Sets the number of samples of each: all get the same time, and time that fast subjects do not need goes to slow ones.
 * @param {{ callMs: number, sampleCount: number }[]} entries
 * @param {number} rounds
 * @param {number} budgetMs
 */
function allocateSamples(entries, rounds, budgetMs) {
  let remaining = budgetMs;
  for (const [n, entry] of entries.toSorted((a, b) => a.callMs - b.callMs).entries()) {
    const share = remaining / (entries.length - n);
    entry.sampleCount = Math.min(rounds, Math.max(1, Math.floor(share / entry.callMs)));
    remaining -= entry.sampleCount * entry.callMs;
  }
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

/** The machine and the versions that the figures depend on. Only for Node. */
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
 * Prints rows as aligned columns, one per key: text to the left and numbers to the right.
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
 * Formats integers unchanged, other numbers with about four digits and without an exponent.
 * @param {string | number} value
 * @returns {string}
 */
function cellText(value) {
  if (typeof value === 'string' || Number.isInteger(value) || !Number.isFinite(value)) return String(value);
  const digits = 3 - Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.min(Math.max(digits, 0), 6));
}
