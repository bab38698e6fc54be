/**
 * Compares the speed of several subjects on a machine that may be busy: every round runs every subject once, so that
 * disturbances affect all of them. Only minima and ratios should be quoted.
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
 * @property {number} [warmup] rounds before the first that counts
 * @property {number} [minMs] the minimum duration of a sample, because of the resolution of the clock
 * @property {number} [budgetMs] the maximum duration of all samples; a slow subject gets fewer, but at least one
 */

/** The minimum warm-up that plain JavaScript needs to reach its full speed. */
const WARM_MS = 200;

let sunk = 0;

/**
 * Uses a value, so that the compiler cannot remove its computation.
 * @param {unknown} value
 */
export function sink(value) {
  if (typeof value === 'number') sunk = sunk / 2 + value;
  else if (value !== undefined) sunk++;
}

/** The value of the sink; reading it keeps the computations alive. */
export function sinkValue() {
  return sunk;
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
 * The same for what returns a promise.
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
  const contestants = subjects.map(({ name, measure, minMs: ownMs = minMs, firstMs = 0 }) => {
    // So slow that warming up makes no difference, and that there is no time for more: the one call counts.
    const samples = firstMs > Math.max(share / 2, 1000) ? [firstMs] : [];
    return { name, measure, minMs: ownMs, calls: 1, cost: firstMs, warm: firstMs, wanted: rounds, samples };
  });
  const unseen = contestants.filter(({ samples }) => samples.length === 0);

  // The engine compiles its faster code in the background, and a sample then needs more calls: hence the yielding, and
  // a new calibration in every round.
  for (let round = 0; round <= warmup; round++) {
    for (const contestant of unseen) {
      if (round === 0 || contestant.warm < Math.max(share / 8, WARM_MS)) await calibrate(contestant);
    }
    await new Promise(resolve => setTimeout(resolve, 0));
  }

  apportion(unseen, rounds, budgetMs);
  for (let round = 0; round < rounds; round++) {
    for (let n = 0; n < unseen.length; n++) {
      const contestant = unseen[(round + n) % unseen.length];
      if (!contestant) continue;
      const { measure, calls, wanted, samples } = contestant;
      // Spread evenly over the rounds, so that the slow meet the same weather as the fast.
      if (Math.floor(((round + 1) * wanted) / rounds) === Math.floor((round * wanted) / rounds)) continue;
      samples.push((await measure(calls)) / calls);
    }
  }
  return contestants.map(({ name, calls, samples }) => ({ name, ...statistics(samples), calls }));
}

/**
 * Finds the smallest number of calls, from the present one upwards, that take minMs.
 * @param {{ measure: Subject['measure'], minMs: number, calls: number, cost: number, warm: number }} contestant
 */
async function calibrate(contestant) {
  const { minMs } = contestant;
  for (;;) {
    const elapsed = await contestant.measure(contestant.calls);
    contestant.warm += elapsed;
    contestant.cost = elapsed;
    if (elapsed >= minMs) return;
    const missing = elapsed > 0 ? (1.2 * minMs) / elapsed : 10;
    contestant.calls = Math.ceil(contestant.calls * Math.min(10, Math.max(missing, 1.2)));
  }
}

/**
 * Decides how many samples each may have: all have the same time, and what the fast do not need goes to the slow.
 * @param {{ cost: number, wanted: number }[]} contestants
 * @param {number} rounds
 * @param {number} budgetMs
 */
function apportion(contestants, rounds, budgetMs) {
  let left = budgetMs;
  for (const [n, contestant] of contestants.toSorted((a, b) => a.cost - b.cost).entries()) {
    const share = left / (contestants.length - n);
    contestant.wanted = Math.min(rounds, Math.max(1, Math.floor(share / contestant.cost)));
    left -= contestant.wanted * contestant.cost;
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
