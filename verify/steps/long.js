/**
 * Long runs: a million training steps on one and on two threads, ten thousand models, ten thousand random graphs, a hundred workers terminated during
 * training, a thousand threads terminated at random moments. Each runs in a separate process with the installed package.
 *
 * LSTM_WASM_LONG=0.01 in the environment runs a hundredth of it, to try the step.
 */

import { execFile } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const KIB = 1024;
const MIB = 1024 * KIB;

/** The maximum growth of the JavaScript heap after the first hundredth of a run; V8 itself varies by that much. */
const MAX_HEAP_GROWTH = 512 * KIB;
/**
 * The maximum ratio of the median time of the last tenth of the steps to that of the first, relative to a reference
 * calculation that is timed between the steps and cancels changes in the speed of the machine.
 */
const MAX_SLOWDOWN = 1.15;
/** The maximum growth of the resident memory of the process while models and workers are created and dropped. */
const MAX_RSS_GROWTH = 48 * MIB;

/** Milliseconds after which a run counts as hanging. */
const TIMEOUT = 60 * 60_000;

/** @typedef {import('../run.js').Outcome} Outcome */

/** @type {import('../run.js').Step} */
export const long = {
  name: 'long',
  when: 'beside',
  about:
    'a million steps on one and on two threads, ten thousand models and graphs, a hundred workers and a thousand threads terminated',
  async run({ root, home, say }) {
    const share = Number(process.env.LSTM_WASM_LONG || 1);
    if (!(share > 0)) throw new Error(`LSTM_WASM_LONG must be a number above 0, got ${process.env.LSTM_WASM_LONG}`);
    const outcomes = [];
    for (const [name, whole, check] of programs) {
      const count = Math.max(minimumCounts[name] ?? 1, Math.round(whole * share));
      say(`  ${name}: ${count}`);
      const what = `${count.toLocaleString('en')} ${titles[name]}`;
      try {
        const report = await runProgram(`${root}verify/long`, home, name, count);
        outcomes.push({ what, ...check(report) });
      } catch (error) {
        outcomes.push({ what, status: /** @type {const} */ ('failed'), note: reasonOf(error) });
      }
    }
    return outcomes;
  },
};

/** @type {Record<string, string>} */
const titles = {
  steps: 'training steps of the seed program',
  threads: 'training steps of the seed program on two threads',
  models: 'models created and dropped',
  graphs: 'random graphs created and dropped',
  workers: 'workers terminated during training',
  kills: 'programs with a thread terminated at a random moment',
};

/** The minimum counts of a shortened run. @type {Record<string, number>} */
const minimumCounts = { steps: 1000, threads: 1000, models: 2000, graphs: 2000, workers: 10, kills: 20 };

/** @type {[string, number, (report: any) => Omit<Outcome, 'what'>][]} */
const programs = [
  ['steps', 1_000_000, checkSteps],
  ['threads', 1_000_000, report => checkSteps(report, 2)],
  ['models', 10_000, checkModels],
  ['graphs', 10_000, checkModels],
  ['workers', 100, checkWorkers],
  ['kills', 1000, checkKills],
];

/**
 * @param {string} folder
 * @param {string} home
 * @param {string} name
 * @param {number} count
 */
async function runProgram(folder, home, name, count) {
  const [program, ...rest] = name === 'threads' ? ['steps', '2'] : [name];
  const file = join(home, `long-${program}.mjs`);
  copyFileSync(`${folder}/${program}.js`, file); // beside the node_modules with the installed package
  const options = { cwd: home, timeout: TIMEOUT, killSignal: /** @type {const} */ ('SIGKILL') };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', file, String(count), ...rest],
    options,
  );
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

/** @param {any} report @param {number} [expectedThreads] */
function checkSteps({ first, last, milliseconds, ratios: [early, late], finite, loss, threads }, expectedThreads = 1) {
  const heap = last.heap + last.buffers - first.heap - first.buffers;
  return verdict(
    [
      [last.linear === first.linear, `linear memory grew from ${first.linear} to ${last.linear} bytes`],
      [heap <= MAX_HEAP_GROWTH, `the JavaScript heap grew by ${kib(heap)}, above ${kib(MAX_HEAP_GROWTH)}`],
      [
        late <= early * MAX_SLOWDOWN,
        `the last tenth takes ${(late / early).toFixed(3)} times as long as the first, above ${MAX_SLOWDOWN}`,
      ],
      [threads === expectedThreads, `${threads} threads ran in the end, instead of ${expectedThreads}`],
      [finite && loss[1] < loss[0], `the loss went from ${loss[0]} to ${loss[1]}`],
    ],
    `linear memory ${last.linear} bytes, the same after 1 % and at the end; JavaScript heap grew by ${kib(heap)} (at most ${kib(MAX_HEAP_GROWTH)}); ` +
      `${milliseconds[0].toFixed(4)} ms of CPU time per step in the first tenth, ${milliseconds[1].toFixed(4)} ms in the last; ` +
      `relative to the reference ${(late / early).toFixed(3)} times (at most ${MAX_SLOWDOWN})`,
  );
}

/** @param {any} report */
function checkModels({ most, left, first, last }) {
  const rss = last.rss - first.rss;
  return verdict(
    [
      [left === 0, `${left} models are left`],
      [last.linear <= first.linear, `linear memory grew from ${first.linear} to ${last.linear} bytes`],
      [
        last.heap - first.heap <= MAX_HEAP_GROWTH,
        `the JavaScript heap grew by ${kib(last.heap - first.heap)}, above ${kib(MAX_HEAP_GROWTH)}`,
      ],
      [rss <= MAX_RSS_GROWTH, `the process grew by ${kib(rss)}, above ${kib(MAX_RSS_GROWTH)}`],
    ],
    `at most ${most} at a time, none left; linear memory ${last.linear} bytes, the same after a tenth and at the end`,
  );
}

/** @param {any} report */
function checkWorkers({ count, batches, rejections, first, last }) {
  const rss = last.rss - first.rss;
  /** @type {[string, number][]} */
  const reasons = rejections;
  const rejected = reasons.reduce((sum, [, n]) => sum + n, 0);
  // For each worker, fit and a later call; for every second worker also a call during fit.
  const calls = 2 * count + Math.floor(count / 2);
  const wrong = reasons.filter(([reason]) => !/^(Value)?Error: \S+: the worker /.test(reason));
  return verdict(
    [
      [wrong.length === 0, `calls were rejected with ${wrong.map(([reason]) => reason).join('; ')}`],
      [rejected === calls, `${rejected} of ${calls} calls were rejected`],
      [batches >= count, `only ${batches} batches were trained`],
      [last.handles <= first.handles, `the number of open handles grew from ${first.handles} to ${last.handles}`],
      [
        last.heap - first.heap <= MAX_HEAP_GROWTH,
        `the JavaScript heap grew by ${kib(last.heap - first.heap)}, above ${kib(MAX_HEAP_GROWTH)}`,
      ],
      [rss <= MAX_RSS_GROWTH, `the process grew by ${kib(rss)}, above ${kib(MAX_RSS_GROWTH)}`],
    ],
    `${batches} batches trained, all ${rejected} open calls rejected; the process grew by ${kib(rss)}`,
  );
}

/** @param {any} report */
function checkKills({ count, wrong, warned, waited, slowest }) {
  return verdict(
    [
      [wrong.length === 0, `${wrong.length} of ${count} programs failed: ${wrong.slice(0, 5).join('; ')}`],
      [waited > 0, 'no thread was terminated in the middle of a chunk'],
    ],
    `all ended with the bits of one thread; ${warned} warned, ${waited} waited for a chunk of the thread; ` +
      `the slowest call took ${slowest} ms`,
  );
}

/**
 * @param {[boolean, string][]} rules
 * @param {string} note if all hold
 * @returns {Omit<Outcome, 'what'>}
 */
function verdict(rules, note) {
  const broken = rules.filter(([holds]) => !holds).map(([, words]) => words);
  return broken.length > 0 ? { status: 'failed', note: broken.join('; ') } : { status: 'passed', note };
}

const kib = (/** @type {number} */ bytes) => `${Math.round(bytes / KIB)} KiB`;

/** @param {unknown} error */
function reasonOf(error) {
  const { killed, stderr, message } = /** @type {{ killed?: boolean, stderr?: string, message: string }} */ (error);
  if (killed) return `not finished after ${TIMEOUT / 60_000} minutes`;
  return stderr?.match(/^\w*Error: .*$/m)?.[0] ?? message.slice(0, 300);
}
