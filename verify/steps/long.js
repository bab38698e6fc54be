/**
 * What only shows after long: a million steps of training, ten thousand models, a hundred workers ended while they
 * train. Each in a process of its own, with the package as a user has it.
 *
 * LSTM_WASM_LONG=0.01 in the environment runs a hundredth of it, for trying; it then says so.
 */

import { execFile } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const KIB = 1024;
const MIB = 1024 * KIB;

/** What JavaScript may hold more at the end than after the first hundredth: what the engine itself adds and drops. */
const HEAP = 512 * KIB;
/**
 * The last steps against the first, by the medians of their tenths, in units of a yardstick that runs between them: what
 * the machine does to both is not in it.
 */
const SLOWER = 1.15;
/** What the process may hold more at the end, of all kinds, where models and workers come and go. */
const RESIDENT = 48 * MIB;

/** Longer than all of it takes on a slow machine; a hang ends then. */
const LONGEST = 40 * 60_000;

/** @typedef {import('../run.js').Outcome} Outcome */

/** @type {import('../run.js').Step} */
export const long = {
  name: 'long',
  when: 'beside',
  about: 'a million steps, ten thousand models, a hundred workers ended while they train',
  async run({ root, home, say }) {
    const share = Number(process.env.LSTM_WASM_LONG || 1);
    if (!(share > 0)) throw new Error(`LSTM_WASM_LONG must be a number above 0, got ${process.env.LSTM_WASM_LONG}`);
    const outcomes = [];
    for (const [name, whole, check] of programs) {
      const count = Math.max(fewest[name] ?? 1, Math.round(whole * share));
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
  steps: 'steps of training at seed size',
  models: 'models made and dropped',
  workers: 'workers ended while they train',
};

/** Where it is shortened, so that a thousandth and a tenth still mean something. @type {Record<string, number>} */
const fewest = { steps: 1000, models: 2000, workers: 10 };

/** @type {[string, number, (report: any) => Omit<Outcome, 'what'>][]} */
const programs = [
  ['steps', 1_000_000, checkSteps],
  ['models', 10_000, checkModels],
  ['workers', 100, checkWorkers],
];

/**
 * @param {string} folder
 * @param {string} home
 * @param {string} name
 * @param {number} count
 */
async function runProgram(folder, home, name, count) {
  const file = join(home, `long-${name}.mjs`);
  copyFileSync(`${folder}/${name}.js`, file); // there, so that it finds the package as a user's program does
  const options = { cwd: home, timeout: LONGEST, killSignal: /** @type {const} */ ('SIGKILL') };
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', file, String(count)], options);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

/** @param {any} report */
function checkSteps({ first, last, milliseconds, ratios: [early, late], finite, loss }) {
  const heap = last.heap + last.buffers - first.heap - first.buffers;
  return verdict(
    [
      [last.linear === first.linear, `linear memory went from ${first.linear} to ${last.linear} bytes`],
      [heap <= HEAP, `JavaScript holds ${kib(heap)} more, above ${kib(HEAP)}`],
      [
        late <= early * SLOWER,
        `the last tenth takes ${(late / early).toFixed(3)} times as long as the first, above ${SLOWER}`,
      ],
      [finite && loss[1] < loss[0], `the loss went from ${loss[0]} to ${loss[1]}`],
    ],
    `linear memory ${last.linear} bytes, the same after 1 % and at the end; JavaScript ${kib(heap)} more (at most ${kib(HEAP)}); ` +
      `${milliseconds[0].toFixed(4)} ms of processor time a step in the first tenth, ${milliseconds[1].toFixed(4)} ms in the last; by the ` +
      `yardstick between them ${(late / early).toFixed(3)} times (at most ${SLOWER})`,
  );
}

/** @param {any} report */
function checkModels({ most, left, first, last }) {
  const rss = last.rss - first.rss;
  return verdict(
    [
      [left === 0, `${left} models are left`],
      [last.linear <= first.linear, `linear memory went from ${first.linear} to ${last.linear} bytes`],
      [last.heap - first.heap <= HEAP, `JavaScript holds ${kib(last.heap - first.heap)} more, above ${kib(HEAP)}`],
      [rss <= RESIDENT, `the process holds ${kib(rss)} more, above ${kib(RESIDENT)}`],
    ],
    `at most ${most} at a time, none left; linear memory ${last.linear} bytes, the same after a tenth and at the end`,
  );
}

/** @param {any} report */
function checkWorkers({ count, batches, refusals, first, last }) {
  const rss = last.rss - first.rss;
  /** @type {[string, number][]} */
  const reasons = refusals;
  const refused = reasons.reduce((sum, [, n]) => sum + n, 0);
  // The training, a call afterwards, and every other time one in between.
  const calls = 2 * count + Math.floor(count / 2);
  const wrong = reasons.filter(([reason]) => !/^(Value)?Error: \S+: the worker /.test(reason));
  return verdict(
    [
      [wrong.length === 0, `calls came back with ${wrong.map(([reason]) => reason).join('; ')}`],
      [refused === calls, `${refused} of ${calls} calls came back`],
      [batches >= count, `only ${batches} batches were trained`],
      [last.handles <= first.handles, `${last.handles} handles are open, ${first.handles} were`],
      [last.heap - first.heap <= HEAP, `JavaScript holds ${kib(last.heap - first.heap)} more, above ${kib(HEAP)}`],
      [rss <= RESIDENT, `the process holds ${kib(rss)} more, above ${kib(RESIDENT)}`],
    ],
    `${batches} batches before, ${refused} calls refused, none left hanging; the process holds ${kib(rss)} more`,
  );
}

/**
 * @param {[boolean, string][]} rules
 * @param {string} note where all hold
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
  if (killed) return `not over after ${LONGEST / 60_000} minutes`;
  return stderr?.match(/^\w*Error: .*$/m)?.[0] ?? message.slice(0, 300);
}
